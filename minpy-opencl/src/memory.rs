//! The memory pool of a device: freed blocks are kept by size class and handed out again.
//!
//! Reuse needs no waiting: the queue runs in order, so work queued on a block before it was freed is done before work
//! that is queued by its next owner.

use crate::error;
use minpy_core::device::MemoryStats;
use minpy_core::{Error, ErrorKind, Result};
use opencl3::memory::{CL_MEM_READ_WRITE, create_buffer, release_mem_object};
use opencl3::types::{cl_context, cl_mem};
use std::collections::HashMap;

/// Blocks of one device.
pub struct Pool {
    free: HashMap<usize, Vec<usize>>,
    stats: MemoryStats,
    /// Greatest number of bytes kept for reuse.
    limit: usize,
    /// Greatest block that the device gives.
    largest: usize,
}

/// Size of the block that serves a request: four steps per power of two, at least 256 bytes.
fn class(bytes: usize) -> usize {
    let bytes = bytes.max(256);
    let step = (bytes.next_power_of_two() >> 3).max(64);
    bytes.div_ceil(step).saturating_mul(step)
}

impl Pool {
    pub fn new(total: usize, largest: usize) -> Pool {
        Pool { free: HashMap::new(), stats: MemoryStats::default(), limit: total / 2, largest }
    }
    pub fn stats(&self) -> MemoryStats {
        self.stats
    }
    pub fn allocate(&mut self, context: cl_context, bytes: usize) -> Result<usize> {
        let size = if bytes > self.largest / 2 { bytes.max(256) } else { class(bytes) };
        if bytes > self.largest {
            return Err(Error::new(
                ErrorKind::Memory,
                format!("opencl: unable to allocate {bytes} bytes: the device gives blocks of at most {} bytes", self.largest),
            ));
        }
        let handle = match self.free.get_mut(&size).and_then(Vec::pop) {
            Some(h) => {
                self.stats.pooled -= size;
                h
            }
            None => {
                let create = || {
                    // SAFETY: a plain buffer without host memory, in a live context.
                    unsafe { create_buffer(context, CL_MEM_READ_WRITE, size, std::ptr::null_mut()) }
                };
                self.stats.system_allocations += 1;
                let made = create().or_else(|_| {
                    self.trim();
                    create()
                });
                let memory = made.map_err(|code| {
                    let e = error(&format!("unable to allocate {bytes} bytes"), code);
                    Error::new(ErrorKind::Memory, e.message())
                })?;
                memory as usize
            }
        };
        self.stats.used += size;
        self.stats.peak = self.stats.peak.max(self.stats.used);
        Ok(handle)
    }
    pub fn free(&mut self, handle: usize, bytes: usize) {
        let size = if bytes > self.largest / 2 { bytes.max(256) } else { class(bytes) };
        self.stats.used = self.stats.used.saturating_sub(size);
        if self.stats.pooled + size > self.limit {
            release(handle);
        } else {
            self.stats.pooled += size;
            self.free.entry(size).or_default().push(handle);
        }
    }
    pub fn trim(&mut self) {
        self.free.drain().for_each(|(_, handles)| handles.into_iter().for_each(release));
        self.stats.pooled = 0;
    }
}

fn release(handle: usize) {
    // SAFETY: the pool owns the buffer and forgets it here; OpenCL keeps it until queued work is done.
    let _ = unsafe { release_mem_object(handle as cl_mem) };
}

#[cfg(test)]
mod tests {
    use super::class;
    #[test]
    fn classes_waste_at_most_a_quarter() {
        for n in [1, 256, 257, 1000, 4096, 4097, 1 << 20, (1 << 20) + 1, 1_234_567] {
            let c = class(n);
            assert!(c >= n && (n < 256 || c <= n + n / 4), "{n} -> {c}");
            assert_eq!(class(c), c);
        }
    }
}
