//! The device itself: memory blocks behind handles, copies in and out, figures.
//!
//! A handle is an index into a table, not an address: core and the other crates must not assume more.

use minpy_core::backend::{Capabilities, DTypeSet, Device, Memory, MemoryStats};
use minpy_core::{DType, Error, ErrorKind, Result};
use std::any::Any;
use std::sync::{Mutex, MutexGuard};

/// Bytes of memory that a toy has.
const TOTAL: usize = 256 << 20;

/// One device.
pub struct Toy {
    ordinal: usize,
    capabilities: Capabilities,
    table: Mutex<Table>,
}

/// The blocks. Those given back keep their memory, to be handed out again for a request of the same size.
#[derive(Default)]
struct Table {
    blocks: Vec<Vec<u8>>,
    free: Vec<usize>,
    stats: MemoryStats,
}

impl Toy {
    /// Device number `ordinal`.
    pub fn new(ordinal: usize) -> Toy {
        let capabilities = Capabilities {
            description: "a table of byte vectors".into(),
            // What its memory can hold; what its kernels can compute stands beside each kernel.
            dtypes: DTypeSet::ALL,
            host_accessible: false,
            total_memory: TOTAL,
        };
        Toy { ordinal, capabilities, table: Mutex::default() }
    }
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(|e| e.into_inner())
    }
    /// The float32 elements of a piece of memory.
    pub(crate) fn load(&self, memory: &Memory) -> Vec<f32> {
        let bytes = &self.table().blocks[memory.handle][memory.offset..memory.offset + memory.bytes];
        bytes.chunks_exact(DType::F32.size()).map(|b| f32::from_ne_bytes([b[0], b[1], b[2], b[3]])).collect()
    }
    /// Writes float32 elements at element positions.
    pub(crate) fn store(&self, memory: &Memory, values: impl Iterator<Item = (usize, f32)>) {
        let block = &mut self.table().blocks[memory.handle][memory.offset..memory.offset + memory.bytes];
        for (at, value) in values {
            block[at * 4..at * 4 + 4].copy_from_slice(&value.to_ne_bytes());
        }
    }
}

/// Rejects ranges outside a block: a mistake must not become a panic while the table is locked.
fn check(what: &str, memory: &Memory, offset: usize, bytes: usize) -> Result<()> {
    match offset.checked_add(bytes) {
        Some(end) if end <= memory.bytes => Ok(()),
        _ => Err(Error::new(
            ErrorKind::Device,
            format!("toy {what}: {bytes} bytes at {offset} of a block of {}", memory.bytes),
        )),
    }
}

impl Device for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }
    fn ordinal(&self) -> usize {
        self.ordinal
    }
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }
    fn allocate(&self, bytes: usize) -> Result<Memory> {
        let mut t = self.table();
        if bytes > TOTAL || t.stats.used + bytes > TOTAL {
            return Err(Error::new(
                ErrorKind::Memory,
                format!("toy: cannot allocate {bytes} bytes, {} of {TOTAL} are in use", t.stats.used),
            ));
        }
        let handle = match t.free.iter().position(|&h| t.blocks[h].len() == bytes) {
            Some(i) => {
                t.stats.pooled -= bytes;
                t.free.swap_remove(i)
            }
            None => {
                t.stats.system_allocations += 1;
                t.blocks.push(vec![0xAA; bytes]);
                t.blocks.len() - 1
            }
        };
        t.stats.used += bytes;
        t.stats.peak = t.stats.peak.max(t.stats.used);
        Ok(Memory { handle, offset: 0, bytes })
    }
    fn free(&self, memory: Memory) {
        let mut t = self.table();
        t.stats.used -= memory.bytes;
        t.stats.pooled += memory.bytes;
        t.free.push(memory.handle);
    }
    fn upload(&self, src: &[u8], dst: &Memory, offset: usize) -> Result<()> {
        check("upload", dst, offset, src.len())?;
        let at = dst.offset + offset;
        self.table().blocks[dst.handle][at..at + src.len()].copy_from_slice(src);
        Ok(())
    }
    fn download(&self, src: &Memory, offset: usize, dst: &mut [u8]) -> Result<()> {
        check("download", src, offset, dst.len())?;
        let at = src.offset + offset;
        dst.copy_from_slice(&self.table().blocks[src.handle][at..at + dst.len()]);
        Ok(())
    }
    fn copy(
        &self,
        src: &Memory,
        src_offset: usize,
        dst: &Memory,
        dst_offset: usize,
        bytes: usize,
    ) -> Result<()> {
        let mut piece = vec![0; bytes];
        self.download(src, src_offset, &mut piece)?;
        self.upload(&piece, dst, dst_offset)
    }
    fn synchronize(&self) -> Result<()> {
        // Kernels are done when they return.
        Ok(())
    }
    fn memory_stats(&self) -> MemoryStats {
        self.table().stats
    }
    fn trim(&self) {
        let mut t = self.table();
        // Handles of freed blocks must stay unique: an emptied block is not handed out again for bytes it does not have.
        for handle in std::mem::take(&mut t.free) {
            t.blocks[handle] = Vec::new();
        }
        t.stats.pooled = 0;
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}
