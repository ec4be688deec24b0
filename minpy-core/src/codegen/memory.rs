//! The memory of a device with generated kernels: its pool, its error words, and the check of ranges.

use super::{Blocks, ERROR_WORDS, Pool};
use crate::device::{Device, Memory, MemoryStats};
use crate::{Error, ErrorKind, Result};
use parking_lot::Mutex;
use std::sync::OnceLock;

/// Blocks of one device, which has one in-order queue.
pub struct CMemory {
    name: &'static str,
    blocks: Box<dyn Blocks>,
    pool: Mutex<Pool>,
    errors: OnceLock<Memory>,
}

impl CMemory {
    /// The memory of a device of kind `name` that makes `blocks` of at most `largest` bytes and keeps at most `limit` bytes for
    /// reuse.
    pub fn new(name: &'static str, blocks: impl Blocks + 'static, limit: usize, largest: usize) -> CMemory {
        let pool = Mutex::new(Pool::new(limit, largest));
        CMemory { name, blocks: Box::new(blocks), pool, errors: OnceLock::new() }
    }
    /// As `Device::allocate`.
    pub fn allocate(&self, bytes: usize) -> Result<Memory> {
        let handle = self.pool.lock().allocate(self.name, &*self.blocks, bytes)?;
        Ok(Memory { handle, offset: 0, bytes })
    }
    /// As `Device::free`.
    pub fn free(&self, memory: Memory) {
        self.pool.lock().free(&*self.blocks, memory.handle, memory.bytes);
    }
    /// As `Device::memory_stats`.
    pub fn stats(&self) -> MemoryStats {
        self.pool.lock().stats()
    }
    /// As `Device::trim`.
    pub fn trim(&self) {
        self.pool.lock().trim(&*self.blocks);
    }
    /// Where `bytes` bytes at `offset` of `memory` begin in its block; an error when they leave it.
    pub fn place(&self, what: &str, memory: &Memory, offset: usize, bytes: usize) -> Result<usize> {
        match offset.checked_add(bytes) {
            Some(end) if end <= memory.bytes => Ok(memory.offset + offset),
            _ => Err(Error::new(
                ErrorKind::Device,
                format!(
                    "{} {what}: {bytes} bytes at {offset} leave a block of {} bytes",
                    self.name, memory.bytes
                ),
            )),
        }
    }
    /// The device's error words, `ERROR_WORDS` int64: zero, unless a check that is running found something. `device` is that
    /// of this memory.
    pub fn errors(&self, device: &(impl Device + ?Sized)) -> Result<Memory> {
        if let Some(m) = self.errors.get() {
            return Ok(*m);
        }
        let m = self.allocate(8 * ERROR_WORDS)?;
        device.upload(&[0; 8 * ERROR_WORDS], &m, 0)?;
        let kept = *self.errors.get_or_init(|| m);
        if kept != m {
            self.free(m);
        }
        Ok(kept)
    }
}
