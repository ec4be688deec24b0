//! A memory pool for devices with one in-order queue: freed blocks are kept by size class and handed out again.
//!
//! Reuse needs no waiting: work queued on a block before it was freed is done before the work of its next owner.

use crate::device::MemoryStats;
use crate::{Error, ErrorKind, Result};
use std::collections::HashMap;

/// How a device makes and destroys blocks.
pub trait Blocks: Send + Sync {
    /// A new block of `bytes`, or the reason why not.
    fn create(&self, bytes: usize) -> std::result::Result<usize, String>;
    /// Destroys a block; queued work may still use it.
    fn destroy(&self, handle: usize);
}

/// The free blocks of one device.
#[derive(Debug)]
pub(super) struct Pool {
    free: HashMap<usize, Vec<usize>>,
    stats: MemoryStats,
    limit: usize,
    largest: usize,
}

/// Size of the block that serves a request: four steps per power of two, at least 256 bytes.
fn class(bytes: usize) -> usize {
    let bytes = bytes.max(256);
    let step = (bytes.checked_next_power_of_two().unwrap_or(bytes) >> 3).max(64);
    bytes.div_ceil(step).saturating_mul(step)
}

impl Pool {
    /// A pool that keeps at most `limit` bytes for reuse, on a device whose blocks have at most `largest` bytes.
    pub(super) fn new(limit: usize, largest: usize) -> Pool {
        Pool { free: HashMap::new(), stats: MemoryStats::default(), limit, largest }
    }
    /// Figures.
    pub(super) fn stats(&self) -> MemoryStats {
        self.stats
    }
    // Rounding must not make a block that the device refuses.
    fn size(&self, bytes: usize) -> usize {
        if bytes > self.largest / 2 { bytes.max(256) } else { class(bytes) }
    }
    /// A block of at least `bytes`; when the device has none left, what the pool keeps is given back first.
    pub(super) fn allocate(&mut self, device: &str, blocks: &dyn Blocks, bytes: usize) -> Result<usize> {
        let fail = |why: &str| {
            Error::new(ErrorKind::Memory, format!("{device}: unable to allocate {bytes} bytes: {why}"))
        };
        if bytes > self.largest {
            return Err(fail(&format!("the device gives blocks of at most {} bytes", self.largest)));
        }
        let size = self.size(bytes);
        let handle = match self.free.get_mut(&size).and_then(Vec::pop) {
            Some(handle) => {
                self.stats.pooled -= size;
                handle
            }
            None => {
                self.stats.system_allocations += 1;
                let first = blocks.create(size);
                first
                    .or_else(|_| {
                        self.trim(blocks);
                        blocks.create(size)
                    })
                    .map_err(|why| fail(&why))?
            }
        };
        self.stats.used += size;
        self.stats.peak = self.stats.peak.max(self.stats.used);
        Ok(handle)
    }
    /// Takes back a block that was allocated for `bytes`.
    pub(super) fn free(&mut self, blocks: &dyn Blocks, handle: usize, bytes: usize) {
        let size = self.size(bytes);
        self.stats.used = self.stats.used.saturating_sub(size);
        if self.stats.pooled + size > self.limit {
            blocks.destroy(handle);
        } else {
            self.stats.pooled += size;
            self.free.entry(size).or_default().push(handle);
        }
    }
    /// Gives everything that is kept back to the device.
    pub(super) fn trim(&mut self, blocks: &dyn Blocks) {
        self.free.drain().for_each(|(_, handles)| handles.into_iter().for_each(|h| blocks.destroy(h)));
        self.stats.pooled = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;

    #[derive(Default)]
    struct Fake(Mutex<Vec<usize>>);
    impl Blocks for Fake {
        fn create(&self, _: usize) -> std::result::Result<usize, String> {
            let mut live = self.0.lock();
            if live.len() == 2 {
                return Err("full".into());
            }
            let handle = live.iter().max().map_or(1, |h| h + 1);
            live.push(handle);
            Ok(handle)
        }
        fn destroy(&self, handle: usize) {
            self.0.lock().retain(|&h| h != handle);
        }
    }

    #[test]
    fn classes_waste_at_most_a_quarter() {
        for n in [1, 256, 257, 1000, 4096, 4097, 1 << 20, (1 << 20) + 1, 1_234_567] {
            let c = class(n);
            assert!(c >= n && (n < 256 || c <= n + n / 4), "{n} -> {c}");
            assert_eq!(class(c), c);
        }
    }

    #[test]
    fn blocks_are_reused_and_trimmed_before_giving_up() {
        let (fake, mut pool) = (Fake::default(), Pool::new(1 << 30, 1 << 20));
        let a = pool.allocate("t", &fake, 1000).unwrap();
        let b = pool.allocate("t", &fake, 5000).unwrap();
        pool.free(&fake, a, 1000);
        assert_eq!(pool.allocate("t", &fake, 1010).unwrap(), a);
        assert_eq!(pool.stats().system_allocations, 2);
        assert_eq!(pool.allocate("t", &fake, 9000).unwrap_err().kind(), ErrorKind::Memory);
        pool.free(&fake, b, 5000);
        assert!(pool.allocate("t", &fake, 9000).is_ok(), "the pooled block makes room");
        assert_eq!(pool.allocate("t", &fake, 2 << 20).unwrap_err().kind(), ErrorKind::Memory);
    }
}
