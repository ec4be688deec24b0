//! The memory pool: 64-byte aligned blocks, small ones from lists of the thread, large ones from a shared store.
//!
//! A freed small block is the first word of a linked list, so that taking and giving back cost a few nanoseconds.
//! Counters of small blocks are kept per thread too and folded into the shared ones now and then.
//! Blocks between the small ones and those that fill huge pages of their own are parts of regions (`regions.rs`).

use super::regions::{Back, Blocks, Region, Regions, advise_huge_pages, forget};
use super::threads::in_forked_child;
use minpy_core::backend::MemoryStats;
use minpy_core::backend::memory::{begin_thread, fallible};
use minpy_core::{Error, ErrorKind, Result};
use std::alloc::{Layout, alloc, dealloc};
use std::cell::Cell;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, OnceLock};

/// Alignment of every block: a cache line and an AVX-512 register.
pub const ALIGN: usize = 64;
/// Blocks up to this size come from the thread's lists.
const SMALL: usize = 64 << 10;
/// Number of size classes up to `SMALL`: four per power of two from 256 on.
const CLASSES: usize = 36;
/// Bytes that every thread may keep. What goes beyond is lent in parts of this size, to all threads together.
const KEEP: usize = 1 << 20;
/// What is lent at most: what a step of a training loop lets go of at once, the next one wants again.
const LENT: usize = 64 << 20;
/// A thread reports its counters when they have moved by this much.
const REPORT: isize = 256 << 10;

/// Block size of a request of at most `SMALL` bytes, and its class.
#[inline]
fn class_of(bytes: usize) -> (usize, usize) {
    let units = bytes.div_ceil(ALIGN);
    if units <= 4 {
        return (units * ALIGN, units.saturating_sub(1));
    }
    let top = usize::BITS - 1 - (units - 1).leading_zeros();
    let step = 1usize << (top - 2);
    let rounded = units.div_ceil(step) * step;
    // (rounded - 1) / step lies in 4..8.
    let class = 4 * (top as usize - 1) + ((rounded - 1) / step - 4);
    (rounded * ALIGN, class)
}

/// Block size of a large request: eight steps per power of two.
fn large_size(bytes: usize) -> usize {
    let step = (1usize << (usize::BITS - 1 - bytes.leading_zeros())) >> 3;
    bytes.div_ceil(step).saturating_mul(step)
}

struct Lists {
    heads: [Cell<usize>; CLASSES],
    /// Bytes on the lists, and how many there may be.
    kept: Cell<usize>,
    limit: Cell<usize>,
    /// Bytes taken minus bytes given back, and bytes kept, since the last report.
    used: Cell<isize>,
    pooled: Cell<isize>,
}

thread_local! {
    static LISTS: Lists = const {
        Lists {
            heads: [const { Cell::new(0) }; CLASSES],
            kept: Cell::new(0),
            limit: Cell::new(KEEP),
            used: Cell::new(0),
            pooled: Cell::new(0),
        }
    };
}

/// See `minpy_core::internal::prepare_thread`.
pub fn prepare_thread() {
    LISTS.with(|_| ());
}

static USED: AtomicIsize = AtomicIsize::new(0);
static POOLED: AtomicIsize = AtomicIsize::new(0);
static PEAK: AtomicIsize = AtomicIsize::new(0);
static SYSTEM: AtomicUsize = AtomicUsize::new(0);
/// Bytes by which the limits of all threads exceed `KEEP`.
static BORROWED: AtomicUsize = AtomicUsize::new(0);
static LARGE: Mutex<Store> = Mutex::new(Store { free: Blocks::new(), regions: Regions::NONE });

/// The shared pool.
struct Store {
    free: Blocks,
    regions: Regions,
}

impl Lists {
    #[cold]
    fn report(&self) {
        let now = USED.fetch_add(self.used.get(), Relaxed) + self.used.get();
        POOLED.fetch_add(self.pooled.get(), Relaxed);
        PEAK.fetch_max(now, Relaxed);
        self.used.set(0);
        self.pooled.set(0);
    }
    /// Raises the limit, if there is something left to lend.
    #[cold]
    fn borrow(&self) -> bool {
        let lent =
            BORROWED.fetch_update(Relaxed, Relaxed, |b| (b + KEEP <= LENT).then_some(b + KEEP)).is_ok();
        if lent {
            self.limit.set(self.limit.get() + KEEP);
        }
        lent
    }
    #[inline]
    fn moved(&self, used: isize, pooled: isize) {
        self.used.set(self.used.get() + used);
        self.pooled.set(self.pooled.get() + pooled);
        if self.used.get().abs() > REPORT || self.pooled.get().abs() > REPORT {
            self.report();
        }
    }
    fn clear(&self) {
        for c in 0..CLASSES {
            let mut p = self.heads[c].replace(0);
            let size = class_size(c);
            while p != 0 {
                // SAFETY: every block on the list is free, of this class's size, and holds the next one's address.
                unsafe {
                    let next = *(p as *const usize);
                    dealloc(p as *mut u8, Layout::from_size_align_unchecked(size, ALIGN));
                    p = next;
                }
                self.pooled.set(self.pooled.get() - size as isize);
            }
        }
        self.kept.set(0);
        BORROWED.fetch_sub(self.limit.replace(KEEP) - KEEP, Relaxed);
        self.report();
    }
}
impl Drop for Lists {
    fn drop(&mut self) {
        self.clear();
    }
}

fn class_size(class: usize) -> usize {
    if class < 4 {
        return (class + 1) * ALIGN;
    }
    let (top, sub) = (class / 4 + 1, class % 4);
    (5 + sub) * (1 << (top - 2)) * ALIGN
}

/// Bytes of physical memory; requests beyond it are refused, because Linux would promise them and kill us later.
pub fn total_memory() -> usize {
    static TOTAL: OnceLock<usize> = OnceLock::new();
    *TOTAL.get_or_init(|| {
        let info = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let kib = info
            .lines()
            .find_map(|l| l.strip_prefix("MemTotal:")?.trim().strip_suffix("kB")?.trim().parse().ok());
        // Elsewhere nothing is known: let the system allocator refuse.
        kib.map_or(isize::MAX as usize, |k: usize| k << 10)
    })
}

/// What the shared pool keeps at most.
fn keep_limit() -> usize {
    total_memory() / 8
}

#[cold]
fn refuse(bytes: usize) -> Error {
    Error::new(
        ErrorKind::Memory,
        format!("cpu: cannot allocate {bytes} bytes; the machine has {} bytes of memory", total_memory()),
    )
}

/// Address of a block of at least `bytes`. A request of 0 bytes gets an address that is never read.
#[inline]
pub fn allocate(bytes: usize) -> Result<usize> {
    if bytes > SMALL {
        return allocate_large(bytes);
    }
    if bytes == 0 {
        return Ok(ALIGN);
    }
    let (size, class) = class_of(bytes);
    let hit = LISTS.try_with(|l| {
        let p = l.heads[class].get();
        if p != 0 {
            // SAFETY: a block on the list holds the address of the next.
            l.heads[class].set(unsafe { *(p as *const usize) });
            l.kept.set(l.kept.get() - size);
            l.moved(size as isize, -(size as isize));
        } else {
            l.moved(size as isize, 0);
        }
        p
    });
    match hit {
        Ok(p) if p != 0 => Ok(p),
        _ => system(size, bytes),
    }
}

#[cold]
fn system(size: usize, bytes: usize) -> Result<usize> {
    begin_thread()?;
    let layout = Layout::from_size_align(size, ALIGN).map_err(|_| refuse(bytes))?;
    SYSTEM.fetch_add(1, Relaxed);
    // SAFETY: the size is not 0.
    let ask = || fallible(|| unsafe { alloc(layout) } as usize);
    let mut p = ask();
    if p == 0 && size <= SMALL {
        // The pool may sit on what is missing (`allocate_large` sees to that itself).
        trim();
        p = ask();
    }
    if p == 0 {
        return Err(refuse(bytes));
    }
    if size >= HUGE {
        advise_huge_pages(p, size);
    }
    Ok(p)
}

/// Blocks from this size on ask for huge pages of their own, as NumPy's do: fewer page faults at first, and fewer misses
/// later.
const HUGE: usize = 4 << 20;

/// Locks the shared pool. `None` in a forked child whose parent forked while another thread was at it: that thread is gone,
/// and nobody will ever unlock it.
fn store() -> Option<MutexGuard<'static, Store>> {
    if in_forked_child() {
        LARGE.try_lock().ok()
    } else {
        Some(LARGE.lock().unwrap_or_else(|e| e.into_inner()))
    }
}

/// A large block that the pool does not have. The system is asked without the lock, which it may make wait.
fn fresh(size: usize, bytes: usize) -> Result<usize> {
    if size < HUGE
        && let Some(p) = part_of_region(size)
    {
        Ok(p)
    } else {
        system(size, bytes)
    }
}

/// `None` without the pool, or where the system has no room for a region.
fn part_of_region(size: usize) -> Option<usize> {
    if let Some(p) = store()?.regions.take(size) {
        return Some(p);
    }
    let region = Region::new()?;
    let mut store = store()?;
    // Another thread may have been faster; the region then goes back, after the lock.
    let taken = store.regions.take(size);
    if taken.is_some() {
        return taken;
    }
    SYSTEM.fetch_add(1, Relaxed);
    store.regions.add(region);
    store.regions.take(size)
}

#[inline(never)]
fn allocate_large(bytes: usize) -> Result<usize> {
    if bytes > total_memory() {
        return Err(refuse(bytes));
    }
    begin_thread()?;
    let size = large_size(bytes);
    let p = match store().and_then(|mut s| s.free.take(size)) {
        Some(p) => {
            POOLED.fetch_sub(size as isize, Relaxed);
            p
        }
        None => match fresh(size, bytes) {
            Ok(p) => p,
            // The pool may sit on what is missing.
            Err(_) => {
                trim();
                fresh(size, bytes)?
            }
        },
    };
    let now = USED.fetch_add(size as isize, Relaxed) + size as isize;
    PEAK.fetch_max(now, Relaxed);
    Ok(p)
}

/// Takes back a block.
///
/// # Safety
/// `handle` came from `allocate(bytes)` and is given back once.
#[inline]
pub unsafe fn free(handle: usize, bytes: usize) {
    if bytes > SMALL {
        // SAFETY: handed on.
        return unsafe { free_large(handle, bytes) };
    }
    if bytes == 0 {
        return;
    }
    let (size, class) = class_of(bytes);
    let kept = LISTS.try_with(|l| {
        let keep = l.kept.get() + size <= l.limit.get() || l.borrow();
        if keep {
            // SAFETY: the block is free now and has room for an address.
            unsafe { *(handle as *mut usize) = l.heads[class].get() };
            l.heads[class].set(handle);
            l.kept.set(l.kept.get() + size);
        }
        l.moved(-(size as isize), if keep { size as isize } else { 0 });
        keep
    });
    if !kept.unwrap_or(false) {
        // SAFETY: allocated by `system` with this layout.
        unsafe { dealloc(handle as *mut u8, Layout::from_size_align_unchecked(size, ALIGN)) };
    }
}

#[inline(never)]
unsafe fn free_large(handle: usize, bytes: usize) {
    let size = large_size(bytes);
    USED.fetch_sub(size as isize, Relaxed);
    let room = POOLED.load(Relaxed).max(0) as usize + size <= keep_limit();
    if let Some(mut store) = store().filter(|_| room) {
        POOLED.fetch_add(size as isize, Relaxed);
        store.free.put(size, handle);
    } else {
        // SAFETY: handed on.
        unsafe { discard(handle, size) };
    }
}

/// Gives a large block back to the system, or what its memory takes.
///
/// # Safety
/// The block came from `fresh` with this size, and is given back once.
unsafe fn discard(block: usize, size: usize) {
    if size < HUGE {
        // SAFETY: handed on.
        unsafe { forget(block, size) };
        // In a forked child without the pool the address is lost, and no more than that.
        let back = store().map(|mut s| s.regions.put(size, block));
        if !matches!(back, Some(Back::Foreign)) {
            return;
        }
    }
    // SAFETY: allocated by `system` with this layout.
    unsafe { dealloc(block as *mut u8, Layout::from_size_align_unchecked(size, ALIGN)) };
}

/// Memory of the pool for the time of a kernel.
pub(crate) struct Block {
    at: usize,
    bytes: usize,
}
impl Block {
    pub const NONE: Block = Block { at: ALIGN, bytes: 0 };
    /// At least so many bytes.
    pub fn new(bytes: usize) -> Result<Block> {
        allocate(bytes).map(|at| Block { at, bytes })
    }
    /// Room for `n` elements of a type whose alignment is at most `ALIGN`.
    pub fn of<T>(n: usize) -> Result<Block> {
        Block::new(n.saturating_mul(size_of::<T>()))
    }
    pub fn at(&self) -> *mut u8 {
        self.at as *mut u8
    }
    pub fn bytes(&self) -> usize {
        self.bytes
    }
    /// The block as elements, each made by `f`.
    pub fn filled<T: Copy>(&mut self, n: usize, f: impl Fn(usize) -> T) -> &mut [T] {
        assert!(n * size_of::<T>() <= self.bytes && align_of::<T>() <= ALIGN);
        let to = self.at().cast::<T>();
        // SAFETY: there is room for `n` elements, all of them are written, and nobody else has the block.
        unsafe {
            (0..n).for_each(|i| to.add(i).write(f(i)));
            std::slice::from_raw_parts_mut(to, n)
        }
    }
}
impl Default for Block {
    fn default() -> Block {
        Block::NONE
    }
}
impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: allocated with this size, given back once.
        unsafe { free(self.at, self.bytes) };
    }
}

/// Gives back to the system what the shared pool and this thread keep.
pub fn trim() {
    let free = store().map(|mut s| std::mem::take(&mut s.free));
    for (size, block) in free.into_iter().flatten() {
        POOLED.fetch_sub(size as isize, Relaxed);
        // SAFETY: blocks in the store are free, and of this size.
        unsafe { discard(block, size) };
    }
    let _ = LISTS.try_with(Lists::clear);
}

/// Figures of the pool. Small blocks of other threads are counted to within a quarter of a MiB each.
pub fn stats() -> MemoryStats {
    let _ = LISTS.try_with(Lists::report);
    let get = |a: &AtomicIsize| a.load(Relaxed).max(0) as usize;
    MemoryStats {
        used: get(&USED),
        pooled: get(&POOLED),
        peak: get(&PEAK),
        system_allocations: SYSTEM.load(Relaxed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn classes_hold_what_they_promise() {
        let mut last = 0;
        for bytes in 1..=SMALL {
            let (size, class) = class_of(bytes);
            assert!(size >= bytes && size % ALIGN == 0 && class < CLASSES, "{bytes}: {size} {class}");
            assert_eq!(class_size(class), size, "{bytes}");
            assert!(size <= bytes.div_ceil(64) * 64 * 5 / 4 + 64 && class >= last);
            last = class;
        }
        assert!(large_size(SMALL + 1) > SMALL && large_size(1 << 30) == 1 << 30);
    }
    #[test]
    fn blocks_are_aligned_and_reused() {
        for bytes in [1, 64, 1000, 65536, 65537, 5 << 20] {
            let p = allocate(bytes).unwrap();
            assert_eq!(p % ALIGN, 0);
            // SAFETY: the block holds `bytes` bytes and is given back once.
            unsafe {
                std::ptr::write_bytes(p as *mut u8, 1, bytes);
                free(p, bytes);
            }
            let q = allocate(bytes).unwrap();
            if bytes <= SMALL {
                assert_eq!(p, q);
            }
            // SAFETY: as above.
            unsafe { free(q, bytes) };
        }
    }
    #[test]
    fn threads_share_what_is_lent() {
        let keep_much = || {
            let blocks: Vec<_> = (0..2 * LENT / SMALL).map(|_| allocate(SMALL).unwrap()).collect();
            // SAFETY: given back once.
            blocks.into_iter().for_each(|p| unsafe { free(p, SMALL) });
            LISTS.with(|l| (l.kept.get(), l.limit.get()))
        };
        let kept: Vec<_> = std::thread::scope(|s| {
            let all: Vec<_> = (0..3).map(|_| s.spawn(keep_much)).collect();
            all.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert!(kept.iter().all(|&(kept, limit)| kept <= limit && limit <= KEEP + LENT));
        // Each of these threads has given back what it was lent.
        let (_, limit) = std::thread::spawn(keep_much).join().unwrap();
        assert!(limit > KEEP);
    }
    #[test]
    fn too_much_is_a_memory_error() {
        for bytes in [usize::MAX, isize::MAX as usize, 1 << 46] {
            let e = allocate(bytes).unwrap_err();
            assert_eq!(e.kind(), ErrorKind::Memory);
            assert!(e.message().contains(&bytes.to_string()));
        }
    }
}
