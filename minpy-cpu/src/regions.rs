//! Memory of large blocks that are too small to fill huge pages: parts of regions that do.
//!
//! Steps of training walk over hundreds of arrays of about a megabyte; in pages of 4 KiB, looking up their addresses costs
//! 3 % of a 50-layer perceptron (512 wide, batch 512). A region is never given back: what it holds is, page by page.

use std::alloc::{Layout, alloc};
use std::collections::BTreeMap;

/// A huge page of today's machines.
const PAGE: usize = 2 << 20;
/// Bytes of a region; only what is touched takes memory.
const REGION: usize = 32 << 20;

/// Free blocks by their size.
#[derive(Default)]
pub(crate) struct Blocks(BTreeMap<usize, Vec<usize>>);

impl Blocks {
    pub const fn new() -> Blocks {
        Blocks(BTreeMap::new())
    }
    pub fn take(&mut self, size: usize) -> Option<usize> {
        self.0.get_mut(&size)?.pop()
    }
    pub fn put(&mut self, size: usize, block: usize) {
        self.0.entry(size).or_default().push(block);
    }
}
impl IntoIterator for Blocks {
    type Item = (usize, usize);
    type IntoIter = Box<dyn Iterator<Item = (usize, usize)>>;
    fn into_iter(self) -> Self::IntoIter {
        Box::new(self.0.into_iter().flat_map(|(size, blocks)| blocks.into_iter().map(move |b| (size, b))))
    }
}

/// The regions of the process.
pub(crate) struct Regions {
    /// The rest of the newest one.
    next: usize,
    end: usize,
    /// Blocks that were given back.
    empty: Blocks,
}

impl Regions {
    pub const NONE: Regions = Regions { next: 0, end: 0, empty: Blocks::new() };
    /// A block, if there is room; sizes are multiples of a cache line.
    pub fn take(&mut self, size: usize) -> Option<usize> {
        if let Some(block) = self.empty.take(size) {
            return Some(block);
        }
        let block = self.next;
        (self.end - block >= size).then(|| {
            self.next += size;
            block
        })
    }
    /// A block of a new region; one that holds just that where the system has no more.
    pub fn grow(&mut self, size: usize) -> Option<usize> {
        for bytes in [REGION, size] {
            let layout = Layout::from_size_align(bytes, PAGE.min(bytes.next_power_of_two())).ok()?;
            // SAFETY: the size is not 0.
            let region = unsafe { alloc(layout) } as usize;
            if region != 0 {
                advise_huge_pages(region, bytes);
                (self.next, self.end) = (region, region + bytes);
                return self.take(size);
            }
        }
        None
    }
    /// Takes a block back; its whole pages go to the system.
    ///
    /// # Safety
    /// The block came from here with this size, and is given back once.
    pub unsafe fn put(&mut self, size: usize, block: usize) {
        // SAFETY: nobody reads it any more.
        unsafe { forget(block, size) };
        self.empty.put(size, block);
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::ffi::{c_int, c_void};
    unsafe extern "C" {
        pub fn madvise(address: *mut c_void, length: usize, advice: c_int) -> c_int;
    }
    pub const DONTNEED: c_int = 4;
    pub const HUGEPAGE: c_int = 14;
}

/// Asks for huge pages where whole ones lie in a block.
pub(crate) fn advise_huge_pages(block: usize, bytes: usize) {
    // Their start is aligned to any size of small ones.
    let (start, end) = (block.next_multiple_of(PAGE), (block + bytes) / PAGE * PAGE);
    #[cfg(target_os = "linux")]
    if start < end {
        // SAFETY: the pages lie in a block of ours, and the advice leaves their contents. Kernels without huge pages
        // refuse it, which does no harm.
        unsafe { system::madvise(start as *mut _, end - start, system::HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (start, end);
}

/// Gives the memory of whole pages of a block back; what they held is lost.
///
/// # Safety
/// The block is ours, and nobody reads it before it is written again.
unsafe fn forget(block: usize, bytes: usize) {
    // A multiple of every small page; what is left at the ends stays.
    const SMALL_PAGE: usize = 64 << 10;
    let (start, end) = (block.next_multiple_of(SMALL_PAGE), (block + bytes) / SMALL_PAGE * SMALL_PAGE);
    #[cfg(target_os = "linux")]
    if start < end {
        // SAFETY: the pages lie in the block.
        unsafe { system::madvise(start as *mut _, end - start, system::DONTNEED) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (start, end);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_apart_and_come_back() {
        let mut r = Regions::NONE;
        assert_eq!(r.take(1 << 20), None);
        let sizes = [80 << 10, 1 << 20, 3 << 20];
        let mut blocks: Vec<(usize, usize)> = Vec::new();
        for size in sizes.into_iter().cycle().take(60) {
            let block = r.take(size).or_else(|| r.grow(size)).unwrap();
            assert!(block % 64 == 0 && blocks.iter().all(|&(b, n)| b + n <= block || block + size <= b));
            // SAFETY: the block holds `size` bytes.
            unsafe { std::ptr::write_bytes(block as *mut u8, blocks.len() as u8, size) };
            blocks.push((block, size));
        }
        for (i, &(block, size)) in blocks.iter().enumerate() {
            // SAFETY: as above.
            let bytes = unsafe { std::slice::from_raw_parts(block as *const u8, size) };
            assert!(bytes.iter().all(|&b| b == i as u8));
        }
        // What goes back leaves its neighbours as they are.
        let (block, size) = blocks[1];
        // SAFETY: given back once.
        unsafe { r.put(size, block) };
        for i in [0, 2] {
            // SAFETY: as above.
            let bytes = unsafe { std::slice::from_raw_parts(blocks[i].0 as *const u8, blocks[i].1) };
            assert!(bytes.iter().all(|&b| b == i as u8));
        }
        assert_eq!(r.take(size), Some(block));
    }
}
