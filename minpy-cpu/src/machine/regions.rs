//! Memory of large blocks that are too small to fill huge pages: parts of regions that do.
//!
//! Steps of training walk over hundreds of arrays of about a megabyte; in pages of 4 KiB, looking up their addresses costs
//! 2 to 3 % of a 50-layer perceptron (512 wide, batch 512). What the pool lets go of returns to the system page by page (on
//! Linux), and a region as a whole when none of it is left.

use memmap2::{MmapOptions, MmapRaw};
use std::collections::{BTreeMap, BTreeSet};

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

/// Memory of the system that blocks are cut from, one after another.
pub(crate) struct Region {
    /// Not a slice: threads write their blocks while others look for one.
    map: MmapRaw,
    next: usize,
    /// Blocks that are in use, or kept by the pool.
    out: usize,
}

impl Region {
    /// `None` where the system has no more.
    pub fn new() -> Option<Region> {
        // The start of a mapping need not be that of a huge page.
        let map = MmapRaw::from(MmapOptions::new().len(REGION + PAGE).map_anon().ok()?);
        let mut region = Region { map, next: 0, out: 0 };
        region.next = region.first();
        advise_huge_pages(region.first(), REGION);
        Some(region)
    }
    fn start(&self) -> usize {
        self.map.as_mut_ptr() as usize
    }
    /// The first block.
    fn first(&self) -> usize {
        self.start().next_multiple_of(PAGE)
    }
    fn end(&self) -> usize {
        self.start() + self.map.len()
    }
}

/// The regions of the process.
pub(crate) struct Regions {
    /// By their start.
    all: BTreeMap<usize, Region>,
    /// The one that is not used up.
    newest: usize,
    /// Blocks by size that were given back while others of their region were not.
    empty: BTreeMap<usize, BTreeSet<usize>>,
}

/// What became of a block that was given back.
pub(crate) enum Back {
    Kept,
    /// Its region goes with it; best dropped when no lock is held.
    #[expect(dead_code)]
    Last(Region),
    /// It is not from a region.
    Foreign,
}

impl Regions {
    pub const NONE: Regions = Regions { all: BTreeMap::new(), newest: 0, empty: BTreeMap::new() };
    /// The region of a block, and its start.
    fn of(&mut self, block: usize) -> Option<(usize, &mut Region)> {
        let (&start, region) = self.all.range_mut(..=block).next_back()?;
        (block < region.end()).then_some((start, region))
    }
    /// A block, if there is room; sizes are multiples of a cache line.
    pub fn take(&mut self, size: usize) -> Option<usize> {
        // The lowest: the regions above are the sooner done with.
        if let Some(block) = self.empty.get_mut(&size).and_then(BTreeSet::pop_first) {
            self.of(block)?.1.out += 1;
            return Some(block);
        }
        let region = self.all.get_mut(&self.newest)?;
        let block = region.next;
        (region.end() - block >= size).then(|| {
            region.next += size;
            region.out += 1;
            block
        })
    }
    /// What is left of the region before stays unused: less than an eighth, and no memory but for the page that it began.
    pub fn add(&mut self, region: Region) {
        self.newest = region.start();
        self.all.insert(self.newest, region);
    }
    /// Takes a block of that size back.
    pub fn put(&mut self, size: usize, block: usize) -> Back {
        let Some((start, region)) = self.of(block) else { return Back::Foreign };
        region.out -= 1;
        if region.out > 0 {
            self.empty.entry(size).or_default().insert(block);
            return Back::Kept;
        }
        // All of it is free. The newest one stays, or a single block would map and unmap it again and again.
        region.next = region.first();
        let end = region.end();
        for blocks in self.empty.values_mut() {
            let mut from = blocks.split_off(&start);
            blocks.append(&mut from.split_off(&end));
        }
        if self.newest == start {
            return Back::Kept;
        }
        self.all.remove(&start).map_or(Back::Kept, Back::Last)
    }
}

/// Asks for huge pages where whole ones lie in a block.
pub(crate) fn advise_huge_pages(block: usize, bytes: usize) {
    // Their start is aligned to any size of small ones.
    let (start, end) = (block.next_multiple_of(PAGE), (block + bytes) / PAGE * PAGE);
    #[cfg(target_os = "linux")]
    if start < end {
        // SAFETY: the pages lie in a block of ours, and the advice leaves their contents. Kernels without huge pages
        // refuse it, which does no harm.
        unsafe { libc::madvise(start as *mut _, end - start, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (start, end);
}

/// Gives the memory of whole pages of a block back; what they held is lost.
///
/// # Safety
/// The block is ours, and nobody reads it before it is written again.
pub(crate) unsafe fn forget(block: usize, bytes: usize) {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: a question without side effects.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) }.max(4096) as usize;
        let (start, end) = (block.next_multiple_of(page), (block + bytes) / page * page);
        if start < end {
            // SAFETY: the pages lie in the block.
            unsafe { libc::madvise(start as *mut _, end - start, libc::MADV_DONTNEED) };
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (block, bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block, of a new region if need be, full of one byte.
    fn block(r: &mut Regions, size: usize, byte: u8) -> usize {
        let block = r.take(size).unwrap_or_else(|| {
            r.add(Region::new().unwrap());
            r.take(size).unwrap()
        });
        // SAFETY: the block holds `size` bytes.
        unsafe { std::ptr::write_bytes(block as *mut u8, byte, size) };
        block
    }
    fn is_full_of(byte: u8, (block, size): (usize, usize)) -> bool {
        // SAFETY: as above.
        let bytes = unsafe { std::slice::from_raw_parts(block as *const u8, size) };
        bytes.iter().all(|&b| b == byte)
    }

    #[test]
    fn blocks_are_apart_and_come_back() {
        let mut r = Regions::NONE;
        let sizes = [80 << 10, 1 << 20, 3 << 20];
        let mut blocks: Vec<(usize, usize)> = Vec::new();
        for (i, size) in sizes.into_iter().cycle().take(60).enumerate() {
            let block = block(&mut r, size, i as u8);
            assert!(block % 64 == 0 && blocks.iter().all(|&(b, n)| b + n <= block || block + size <= b));
            blocks.push((block, size));
        }
        assert!((0..60).all(|i| is_full_of(i as u8, blocks[i])));
        // What goes back leaves its neighbours as they are.
        let (block, size) = blocks[1];
        // SAFETY: nobody reads it.
        unsafe { forget(block, size) };
        assert!(matches!(r.put(size, block), Back::Kept));
        assert!(is_full_of(0, blocks[0]) && is_full_of(2, blocks[2]));
        assert_eq!(r.take(size), Some(block));
        assert!(matches!(r.put(1 << 20, &raw const r as usize), Back::Foreign));
    }

    #[test]
    fn empty_regions_go() {
        let mut r = Regions::NONE;
        for round in 1..4 {
            // Another size each time: what is left of the last one must not stay.
            let size = (round * 200) << 10;
            let blocks: Vec<usize> = (0..500).map(|_| block(&mut r, size, 1)).collect();
            assert!(r.all.len() >= 500 * size / REGION);
            let gone = blocks.into_iter().filter(|&b| matches!(r.put(size, b), Back::Last(_))).count();
            assert!(gone > 0 && r.all.len() == 1 && r.empty.values().all(BTreeSet::is_empty), "{gone}");
        }
    }
}
