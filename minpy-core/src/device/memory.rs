//! Memory that runs out: lists that grow with data or with what is recorded ask for it, and get an error (`ErrorKind::Memory`)
//! where there is none.
//!
//! Rust's collections abort the process instead. What is large here therefore comes from a device's pool or from the functions
//! below. Small things (the shape of an array, the text of an error) cannot all ask: they are made everywhere, also by the
//! libraries we use. A program that must not die of them has [`Reserve`] as its global allocator (the Python extension has):
//! when the system has nothing left, small requests are met from memory that was set aside, and the next call that can fail
//! does ([`check`]), long before that is used up.

use crate::{Error, ErrorKind, Result, registry};
use std::alloc::{GlobalAlloc, Layout};
use std::cell::{Cell, UnsafeCell};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};

/// A small request could not be met by the system since there was last enough memory.
static SHORT: AtomicBool = AtomicBool::new(false);
/// Who was short of memory may go on when the system gives this much again: many times what a call needs for small things.
const ROOM: usize = 2 << 20;

thread_local! {
    /// The request that this thread makes can fail: the reserve is not for it.
    static CAN_FAIL: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f`, all of whose requests for memory can fail: they are not met from the reserve, and one that cannot fail would end
/// the process. So `f` asks for memory and does nothing else.
pub fn fallible<R>(f: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            let _ = CAN_FAIL.try_with(|c| c.set(self.0));
        }
    }
    let _restore = Restore(CAN_FAIL.try_with(|c| c.replace(true)).unwrap_or(false));
    f()
}

/// What the C library takes for the variables of a thread, and more.
const VARIABLES: usize = 64 << 10;
static PREPARE: OnceLock<fn()> = OnceLock::new();
/// Installs what makes the variables of a thread, for [`begin_thread`] (the Python package does).
pub fn install_thread(prepare: fn()) {
    let _ = PREPARE.set(prepare);
}
/// Makes them, once in each thread: whoever allocates asks before. Threads that users start say nothing themselves.
///
/// # Errors
/// There is no memory for them.
#[inline]
pub fn begin_thread() -> Result<()> {
    thread_local! { static BEGUN: Cell<bool> = const { Cell::new(false) }; }
    #[cold]
    fn begin() -> Result<()> {
        room(VARIABLES)?;
        BEGUN.set(true);
        if let Some(prepare) = PREPARE.get() {
            prepare();
        }
        Ok(())
    }
    // No variables any more when the thread ends.
    if BEGUN.try_with(Cell::get).unwrap_or(true) { Ok(()) } else { begin() }
}

/// An error while the process lives on its reserve: a call that makes something asks first.
#[inline]
pub(crate) fn check() -> Result<()> {
    if SHORT.load(Relaxed) { recover() } else { Ok(()) }
}

/// Whether there is room again, without what the pool keeps.
#[cold]
fn recover() -> Result<()> {
    trim();
    if !has_room(ROOM) {
        return Err(none(0));
    }
    SHORT.store(false, Relaxed);
    Ok(())
}
/// An error unless the system could give so much: for the sake of libraries that ask it in ways that cannot fail.
pub fn room(bytes: usize) -> Result<()> {
    if has_room(bytes) {
        return Ok(());
    }
    trim();
    if has_room(bytes) { Ok(()) } else { Err(none(bytes)) }
}
fn has_room(bytes: usize) -> bool {
    let Ok(layout) = Layout::from_size_align(bytes.max(1), 64) else { return false };
    fallible(|| {
        // SAFETY: the size is not 0, and the block goes back as it came. Its pages are not touched.
        unsafe {
            let p = std::hint::black_box(std::alloc::alloc(layout));
            if !p.is_null() {
                std::alloc::dealloc(p, layout);
            }
            !p.is_null()
        }
    })
}
/// Gives back what the host's pool keeps.
fn trim() {
    if let Ok(host) = registry::global().and_then(|r| r.host()) {
        host.trim();
    }
}

/// The error, for lists whose own functions were asked (inside of [`fallible`]).
#[cold]
pub fn exhausted<T>() -> Result<T> {
    Err(none(0))
}
#[cold]
fn none(bytes: usize) -> Error {
    let text = match bytes {
        0 => "out of memory".to_string(),
        n => format!("Unable to allocate {n} bytes: out of memory"),
    };
    Error::new(ErrorKind::Memory, text)
}

/// Room for `more` elements at the end of a list, which grows as by `push`.
#[inline]
pub fn grow<T>(list: &mut Vec<T>, more: usize) -> Result<()> {
    if list.capacity() - list.len() >= more { Ok(()) } else { make_room(list, more) }
}
#[cold]
fn make_room<T>(list: &mut Vec<T>, more: usize) -> Result<()> {
    if fallible(|| list.try_reserve(more)).is_ok() {
        return Ok(());
    }
    trim();
    // Not twice the room, where that is too much.
    let less = more.max(list.len() / 8);
    let fits = fallible(|| list.try_reserve(more).is_ok() || list.try_reserve_exact(less).is_ok());
    if fits { Ok(()) } else { Err(none(list.len().saturating_add(more).saturating_mul(size_of::<T>()))) }
}
/// `push` that can fail. Always inline: the value is written where it stays.
#[inline(always)]
pub fn push<T>(list: &mut Vec<T>, value: T) -> Result<()> {
    grow(list, 1)?;
    list.push(value);
    Ok(())
}
/// The same for lists that are mostly short.
#[inline]
pub fn push_small<A: smallvec::Array>(list: &mut smallvec::SmallVec<A>, value: A::Item) -> Result<()> {
    if list.len() == list.capacity() && fallible(|| list.try_reserve(1)).is_err() {
        trim();
        if fallible(|| list.try_reserve(1)).is_err() {
            return Err(none(list.len().saturating_mul(2 * size_of::<A::Item>())));
        }
    }
    list.push(value);
    Ok(())
}
/// An empty list with room for exactly `n` elements.
pub fn list<T>(n: usize) -> Result<Vec<T>> {
    let mut v = Vec::new();
    if fallible(|| v.try_reserve_exact(n)).is_err() {
        trim();
        fallible(|| v.try_reserve_exact(n)).map_err(|_| none(n.saturating_mul(size_of::<T>())))?;
    }
    Ok(v)
}
/// `n` times the same.
pub fn filled<T: Clone>(n: usize, value: T) -> Result<Vec<T>> {
    let mut v = list(n)?;
    v.resize(n, value);
    Ok(v)
}
/// What an iterator of known length gives.
pub fn collected<T>(items: impl ExactSizeIterator<Item = T>) -> Result<Vec<T>> {
    let mut v = list(items.len())?;
    v.extend(items);
    Ok(v)
}
/// `n` bytes, all 0.
pub fn zeros(n: usize) -> Result<Vec<u8>> {
    let Some(layout) = Layout::array::<u8>(n).ok().filter(|l| l.size() > 0) else {
        return if n == 0 { Ok(Vec::new()) } else { Err(none(n)) };
    };
    // SAFETY: the size is not 0.
    let ask = || fallible(|| unsafe { std::alloc::alloc_zeroed(layout) });
    let mut p = ask();
    if p.is_null() {
        trim();
        p = ask();
    }
    if p.is_null() {
        return Err(none(n));
    }
    // SAFETY: allocated with the layout of a vector of `n` bytes, which are all written.
    Ok(unsafe { Vec::from_raw_parts(p, n, n) })
}

/// Bytes set aside. They are part of the program's image and take no memory until they are used.
const BYTES: usize = 4 << 20;
/// What is handed out at least, and what everything is a multiple of.
const UNIT: usize = 64;
const UNITS: usize = BYTES / UNIT;
/// The largest request that is met: above it callers ask by the functions of this file.
const MOST: usize = 256 << 10;

#[repr(C, align(4096))]
struct Aside(UnsafeCell<[u8; BYTES]>);
// SAFETY: who has a unit, by `Used`, is the only one to touch it.
unsafe impl Sync for Aside {}
static ASIDE: Aside = Aside(UnsafeCell::new([0; BYTES]));

/// Which units are handed out, a bit each. Searched under a lock that is held for a moment, and only when memory is short.
struct Used(UnsafeCell<[u64; UNITS / 64]>);
// SAFETY: read and written under `LOCK`.
unsafe impl Sync for Used {}
static USED: Used = Used(UnsafeCell::new([0; UNITS / 64]));
static LOCK: AtomicBool = AtomicBool::new(false);
/// Bytes that are handed out now.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

fn with_used<R>(f: impl FnOnce(&mut [u64; UNITS / 64]) -> R) -> R {
    while LOCK.compare_exchange_weak(false, true, Acquire, Relaxed).is_err() {
        std::thread::yield_now();
    }
    // SAFETY: under the lock nobody else has the bits.
    let r = f(unsafe { &mut *USED.0.get() });
    LOCK.store(false, Release);
    r
}
/// Sets or clears the bits of `n` units from `first` on.
fn mark(bits: &mut [u64; UNITS / 64], first: usize, n: usize, taken: bool) {
    for u in first..first + n {
        let bit = 1 << (u % 64);
        if taken { bits[u / 64] |= bit } else { bits[u / 64] &= !bit }
    }
}
/// A piece of the reserve, where it is for such a request.
#[cold]
fn take(layout: Layout) -> *mut u8 {
    if layout.size() > MOST || layout.align() > 4096 || CAN_FAIL.try_with(Cell::get).unwrap_or(false) {
        return std::ptr::null_mut();
    }
    SHORT.store(true, Relaxed);
    let n = layout.size().div_ceil(UNIT).max(1);
    let step = (layout.align() / UNIT).max(1);
    let found = with_used(|bits| {
        let mut first = 0;
        while first + n <= UNITS {
            match (first..first + n).rev().find(|u| bits[u / 64] >> (u % 64) & 1 == 1) {
                Some(taken) => first = (taken + 1).next_multiple_of(step),
                None => {
                    mark(bits, first, n, true);
                    return Some(first);
                }
            }
        }
        None
    });
    let Some(first) = found else { return std::ptr::null_mut() };
    TAKEN.fetch_add(n * UNIT, Relaxed);
    // SAFETY: inside of the bytes set aside.
    unsafe { ASIDE.0.get().cast::<u8>().add(first * UNIT) }
}
#[inline]
fn is_aside(p: *mut u8) -> bool {
    (p as usize).wrapping_sub(ASIDE.0.get() as usize) < BYTES
}
#[cold]
fn give_back(p: *mut u8, layout: Layout) {
    let n = layout.size().div_ceil(UNIT).max(1);
    let first = (p as usize - ASIDE.0.get() as usize) / UNIT;
    with_used(|bits| mark(bits, first, n, false));
    TAKEN.fetch_sub(n * UNIT, Relaxed);
}
/// Bytes of the reserve that are handed out now.
#[cfg(test)]
fn reserve_in_use() -> usize {
    TAKEN.load(Relaxed)
}

/// A global allocator that meets small requests also when `A` cannot:
/// `#[global_allocator] static MEMORY: Reserve<System> = Reserve(System);`. While `A` can it costs one comparison where
/// memory is given back.
pub struct Reserve<A>(pub A);

// SAFETY: blocks are `A`'s, or pieces of the reserve that nobody else has, of the size and alignment asked for; which of the two
// is told by their address.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Reserve<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: handed on.
        let p = unsafe { self.0.alloc(layout) };
        if p.is_null() { take(layout) } else { p }
    }
    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: handed on; a piece of the reserve holds what was there before.
        unsafe {
            let mut p = self.0.alloc_zeroed(layout);
            if p.is_null() {
                p = take(layout);
                if !p.is_null() {
                    p.write_bytes(0, layout.size());
                }
            }
            p
        }
    }
    #[inline]
    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        if is_aside(p) {
            give_back(p, layout);
        } else {
            // SAFETY: handed on.
            unsafe { self.0.dealloc(p, layout) }
        }
    }
    #[inline]
    unsafe fn realloc(&self, p: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !is_aside(p) {
            // SAFETY: handed on. A block that cannot grow is as it was.
            let q = unsafe { self.0.realloc(p, layout, size) };
            if !q.is_null() {
                return q;
            }
        }
        // SAFETY: the caller's promise: `size` is not 0, and no more than a layout may have. Both blocks hold what is copied.
        unsafe {
            let new = Layout::from_size_align_unchecked(size, layout.align());
            let q = self.alloc(new);
            if !q.is_null() {
                q.copy_from_nonoverlapping(p, layout.size().min(size));
                self.dealloc(p, layout);
            }
            q
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system that has nothing.
    struct Nothing;
    // SAFETY: hands out nothing.
    unsafe impl GlobalAlloc for Nothing {
        unsafe fn alloc(&self, _: Layout) -> *mut u8 {
            std::ptr::null_mut()
        }
        unsafe fn dealloc(&self, _: *mut u8, _: Layout) {
            unreachable!("nothing was handed out");
        }
    }

    #[test]
    fn the_reserve_meets_small_requests() {
        let a = Reserve(Nothing);
        let mut blocks = Vec::new();
        // SAFETY: blocks go back as they came, grown ones with their new size; each is written within its size.
        unsafe {
            for i in 0..200usize {
                let layout = Layout::from_size_align(1 + i * 37, 1 << (i % 13)).unwrap();
                let p = a.alloc_zeroed(layout);
                assert!(!p.is_null() && p as usize % layout.align() == 0);
                assert!(std::slice::from_raw_parts(p, layout.size()).iter().all(|&b| b == 0));
                p.write_bytes(i as u8, layout.size());
                blocks.push((p, layout));
            }
            assert!(SHORT.load(Relaxed) && reserve_in_use() > 0);
            for (i, (p, layout)) in blocks.iter_mut().enumerate() {
                let q = a.realloc(*p, *layout, layout.size() + 100);
                assert!(!q.is_null());
                assert!(std::slice::from_raw_parts(q, layout.size()).iter().all(|&b| b == i as u8));
                (*p, *layout) = (q, Layout::from_size_align(layout.size() + 100, layout.align()).unwrap());
            }
            blocks.into_iter().for_each(|(p, layout)| a.dealloc(p, layout));
            assert_eq!(reserve_in_use(), 0);
            // What can fail does, and so does what is large.
            let small = Layout::from_size_align(64, 8).unwrap();
            assert!(fallible(|| a.alloc(small)).is_null());
            assert!(a.alloc(Layout::from_size_align(MOST + 1, 8).unwrap()).is_null());
            // All of it, and no more.
            let large = Layout::from_size_align(MOST, 64).unwrap();
            let all: Vec<_> = (0..BYTES / MOST).map(|_| a.alloc(large)).collect();
            assert!(all.iter().all(|p| !p.is_null()) && a.alloc(small).is_null());
            all.into_iter().for_each(|p| a.dealloc(p, large));
        }
        // There is room again (this process has another allocator).
        assert!(check().is_ok() && !SHORT.load(Relaxed));
    }

    #[test]
    fn lists_say_that_there_is_no_memory() {
        let huge = isize::MAX as usize / 2;
        for e in [
            list::<u64>(usize::MAX).map(drop),
            list::<u8>(huge).map(drop),
            zeros(huge).map(drop),
            zeros(usize::MAX).map(drop),
            grow(&mut vec![1u8], huge),
            filled(huge, 1u8).map(drop),
        ] {
            assert_eq!(e.unwrap_err().kind(), ErrorKind::Memory);
        }
        let mut l = vec![1];
        push(&mut l, 2).unwrap();
        assert_eq!((l, zeros(3).unwrap(), filled(2, 7).unwrap()), (vec![1, 2], vec![0; 3], vec![7, 7]));
        assert_eq!(collected([1, 2].into_iter()).unwrap(), [1, 2]);
    }
}
