//! Quicksort by registers: a range is split by comparing whole registers with a pivot, ends in networks, and large ones are shared by
//! threads.
//!
//! There are two memories. Elements lie in one of them, in as much room as the other has free beside them, and one of both is where
//! they are to be (`Part`). Of what a range is split into, one side is moved together where it lies and the other goes to the other
//! memory, in whole registers whose own elements are in front, so that nothing depends on how they compare: whichever is the first side
//! stays if the range lies where it is to be, and goes there otherwise.

use super::network::{Lanes, ROWS, few};
use crate::machine::pool::Block;
use crate::machine::simd::{Level, level};
use crate::machine::threads::{parallel_parts, usable_threads};
use minpy_core::Result;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Ranges from which on threads share the work, and down to which they give each other parts of it.
const SHARED: usize = 48 << 10;
const PIECE: usize = 12 << 10;
/// Ranges from which on pivots are chosen from more elements.
const LARGE: usize = 1024;

/// A range to be sorted.
struct Part<T> {
    /// Where the elements lie.
    at: *mut T,
    /// As much room.
    free: *mut T,
    n: usize,
    /// The elements lie where they are to be; otherwise the room is there.
    home: bool,
}
impl<T> Clone for Part<T> {
    fn clone(&self) -> Part<T> {
        *self
    }
}
impl<T> Copy for Part<T> {}
// SAFETY: a part is worked on by whoever holds it; none has a place of another one.
unsafe impl<T: Send> Send for Part<T> {}

impl<T> Part<T> {
    /// Where the elements are to be.
    #[inline(always)]
    fn goal(&self) -> *mut T {
        if self.home { self.at } else { self.free }
    }
    /// The two sides of a range that has been split, `first` elements in the first.
    ///
    /// # Safety
    /// `partition` has split it.
    #[inline(always)]
    unsafe fn sides(&self, first: usize) -> [Part<T>; 2] {
        let Part { at, free, n, home } = *self;
        let second = n - first;
        // SAFETY: all places lie within the two memories.
        unsafe {
            if home {
                // The first side has stayed, the second gone.
                [
                    Part { at, free: free.add(second), n: first, home: true },
                    Part { at: free, free: at.add(first), n: second, home: false },
                ]
            } else {
                [
                    Part { at: free, free: at.add(second), n: first, home: true },
                    Part { at, free: free.add(first), n: second, home: false },
                ]
            }
        }
    }
}

/// The loops of one type of elements for this machine.
#[derive(Clone, Copy)]
struct Quick<T> {
    sort: unsafe fn(Part<T>),
    /// The sides of a part, what is equal to the pivot left out where nothing is less. The elements are read from the second argument. The
    /// number is one of many.
    split: unsafe fn(Part<T>, *const T, &mut u64) -> [Part<T>; 2],
    /// Whether an element is `odd`.
    odd: unsafe fn(&[T]) -> bool,
    /// Elements that a network sorts.
    few: usize,
}

/// What is less than the pivot (with `EQUAL`: or equal to it) is the first side. How many that are. Elements are read from `x`.
///
/// # Safety
/// See `Lanes`; room for the elements of the part, twice; they lie at `x`, in its first room or elsewhere.
#[inline(always)]
unsafe fn partition<L: Lanes, const EQUAL: bool>(part: &Part<L::T>, x: *const L::T, pivot: L::T) -> usize {
    let Part { at, free, n, home } = *part;
    // SAFETY: the caller's promise. What is written begins no later than what was read, and in the other memory no later than as much
    // as was read: it ends before `n`.
    unsafe {
        let by = L::splat(pivot);
        let (mut stay, mut go, mut i) = (at, free, 0);
        let all = (1u32 << L::N) - 1;
        // Which lanes stay, for a part at home; otherwise the others do.
        let turn = if home { 0 } else { all };
        macro_rules! step {
            ($v:expr) => {
                let v = $v;
                let mask = if EQUAL { L::less(by, v) ^ all } else { L::less(v, by) } ^ turn;
                L::store(stay, L::pack(v, mask));
                L::store(go, L::pack(v, mask ^ all));
                let k = mask.count_ones() as usize;
                stay = stay.add(k);
                go = go.add(L::N - k);
            };
        }
        while i + 4 * L::N <= n {
            let at = x.add(i);
            let (a, b, c, d) =
                (L::load(at), L::load(at.add(L::N)), L::load(at.add(2 * L::N)), L::load(at.add(3 * L::N)));
            step!(a);
            step!(b);
            step!(c);
            step!(d);
            i += 4 * L::N;
        }
        while i + L::N <= n {
            step!(L::load(x.add(i)));
            i += L::N;
        }
        while i < n {
            let v = *x.add(i);
            let stays = (if EQUAL { v <= pivot } else { v < pivot }) == home;
            *stay = v;
            *go = v;
            stay = stay.add(stays as usize);
            go = go.add(!stays as usize);
            i += 1;
        }
        let stayed = stay.offset_from(at) as usize;
        if home { stayed } else { n - stayed }
    }
}

/// An element that about half are less than: the middle one of some.
///
/// # Safety
/// See `Lanes`; `n` elements at `x`, more than a network sorts.
#[inline(always)]
unsafe fn pivot<L: Lanes>(x: *const L::T, n: usize, number: &mut u64) -> L::T {
    let mut some = [L::MOST; 64];
    let count = if n < LARGE {
        16
    } else if n < 16 * LARGE {
        32
    } else {
        64
    };
    let step = n / count;
    // Somewhere in each part (a generator of Marsaglia's): no pattern of the data meets it.
    *number ^= *number << 13;
    *number ^= *number >> 7;
    *number ^= *number << 17;
    // SAFETY: the caller's promise; as many as a network sorts.
    unsafe {
        for (i, to) in some[..count].iter_mut().enumerate() {
            let somewhere = u64::from(number.rotate_left(7 * i as u32) as u32);
            *to = *x.add(i * step + ((somewhere * step as u64) >> 32) as usize);
        }
        let p = some.as_mut_ptr();
        few::<L>(p, p, count);
        some[count / 2]
    }
}

/// See `Quick::split`.
#[inline(always)]
unsafe fn split<L: Lanes>(part: Part<L::T>, from: *const L::T, number: &mut u64) -> [Part<L::T>; 2] {
    // SAFETY: handed on.
    unsafe {
        let by = pivot::<L>(from, part.n, number);
        match partition::<L, false>(&part, from, by) {
            0 => {
                // None is less, and all are where they have been (at home they have gone).
                let part =
                    if part.home { Part { at: part.free, free: part.at, home: false, ..part } } else { part };
                let equal = partition::<L, true>(&part, part.at, by);
                let [first, second] = part.sides(equal);
                [Part { n: 0, ..first }, second]
            }
            below => part.sides(below),
        }
    }
}

macro_rules! entry {
    ($name:ident, $(#[$attr:meta])*) => {
        mod $name {
            use super::*;
            $(#[$attr])*
            unsafe fn sort<L: Lanes>(part: Part<L::T>) {
                let mut part = part;
                let mut number = 0x9e37_79b9_7f4a_7c15 ^ part.n as u64;
                // Splits that may leave nearly all on one side before it is taken for a trap.
                let mut bad = 8;
                // SAFETY: the caller's promise, for all parts.
                unsafe {
                    while part.n > ROWS * L::N {
                        let n = part.n;
                        let [first, second] = split::<L>(part, part.at, &mut number);
                        let (small, large) = if first.n < second.n { (first, second) } else { (second, first) };
                        if large.n > n - n / 16 {
                            if bad == 0 {
                                // Both sides; those that are less are all in front.
                                patiently(first);
                                return patiently(second);
                            }
                            bad -= 1;
                        }
                        sort::<L>(small);
                        part = large;
                    }
                    few::<L>(part.at, part.goal(), part.n);
                }
            }
            $(#[$attr])*
            unsafe fn split_part<L: Lanes>(
                part: Part<L::T>,
                from: *const L::T,
                number: &mut u64,
            ) -> [Part<L::T>; 2] {
                // SAFETY: handed on.
                unsafe { split::<L>(part, from, number) }
            }
            $(#[$attr])*
            unsafe fn odd<T: Element>(x: &[T]) -> bool {
                any_odd(x)
            }
            pub(super) fn quick<L: Lanes<T: Element>>() -> Quick<L::T> {
                Quick { sort: sort::<L>, split: split_part::<L>, odd: odd::<L::T>, few: ROWS * L::N }
            }
        }
    };
}
#[cfg(target_arch = "x86_64")]
entry!(avx2, #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]);
#[cfg(target_arch = "x86_64")]
entry!(avx512, #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,lzcnt,popcnt")]);

/// Elements that this file sorts. Floats: no NaN is among them, and zeros of both signs are one number.
pub(super) trait Element: Copy + PartialOrd + Send + Sync + 'static {
    #[cfg(target_arch = "x86_64")]
    type Avx2: Lanes<T = Self>;
    #[cfg(target_arch = "x86_64")]
    type Avx512: Lanes<T = Self>;
    /// Is among those that must not be, or have more than one form.
    fn odd(self) -> bool;
    /// Where there are no loops for the machine.
    fn sort_plainly(x: &mut [Self]);
}

fn quick<T: Element>() -> Option<Quick<T>> {
    match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => Some(avx512::quick::<T::Avx512>()),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => Some(avx2::quick::<T::Avx2>()),
        _ => None,
    }
}

/// What no pivot of ours splits.
///
/// # Safety
/// The elements of the part, and its room.
#[cold]
unsafe fn patiently<T: PartialOrd>(part: Part<T>) {
    // SAFETY: the caller's promise.
    unsafe {
        if !part.home {
            std::ptr::copy_nonoverlapping(part.at, part.free, part.n);
        }
        std::slice::from_raw_parts_mut(part.goal(), part.n)
            .sort_unstable_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    }
}

/// Pieces are looked at as a whole, without a jump for each element.
#[inline(always)]
fn any_odd<T: Element>(x: &[T]) -> bool {
    x.chunks(1024).any(|c| c.iter().fold(false, |any, x| any | x.odd()))
}
/// Whether an element is NaN, or a zero with a sign.
pub(super) fn has_odd<T: Element>(x: &[T]) -> bool {
    // SAFETY: the loop is for this machine.
    quick::<T>().map_or_else(|| any_odd(x), |q| unsafe { (q.odd)(x) })
}

/// Sorts in place, as `sort_from`.
///
/// # Errors
/// There is no memory; nothing has moved.
pub(super) fn sort<T: Element>(x: &mut [T]) -> Result<()> {
    // SAFETY: the elements, in their place.
    unsafe { sort_from(x.as_ptr(), x.as_mut_ptr(), x.len()) }
}

/// Writes elements sorted. Equal numbers cannot be told apart, or need not keep their order.
///
/// # Errors
/// There is no memory; nothing was written.
///
/// # Safety
/// `n` elements at `from`, room for them at `to`, the same or elsewhere.
pub(super) unsafe fn sort_from<T: Element>(from: *const T, to: *mut T, n: usize) -> Result<()> {
    // SAFETY: the caller's promise.
    let (x, copied) = unsafe {
        let copied = || {
            std::ptr::copy(from, to, n);
            std::slice::from_raw_parts_mut(to, n)
        };
        (std::slice::from_raw_parts(from, n), copied)
    };
    let Some(quick) = quick::<T>() else {
        T::sort_plainly(copied());
        return Ok(());
    };
    if n <= quick.few {
        // SAFETY: `n` elements, which a network sorts: it has read all before it writes.
        unsafe { (quick.sort)(Part { at: from.cast_mut(), free: to, n, home: false }) };
        return Ok(());
    }
    // What is in order already, either way.
    let ascending = x[0] <= x[1];
    if x.windows(2).all(|w| if ascending { w[0] <= w[1] } else { w[0] > w[1] }) {
        let x = copied();
        if !ascending {
            x.reverse();
        }
        return Ok(());
    }
    let memory = Block::of::<T>(n)?;
    let whole = Part { at: to, free: memory.at().cast::<T>(), n, home: true };
    let threads = usable_threads().min(n / (SHARED / 2)).max(1);
    // The first split takes them from where they are.
    let mut number = 0x2545_f491_4f6c_dd1d ^ n as u64;
    // SAFETY: so many elements, and room for them.
    let sides = unsafe { (quick.split)(whole, from, &mut number) };
    if threads == 1 {
        // SAFETY: the parts are ours.
        sides.into_iter().for_each(|side| unsafe { (quick.sort)(side) });
        return Ok(());
    }
    let left = AtomicUsize::new(sides.iter().map(|s| s.n).sum());
    let open = Mutex::new(Vec::from(sides));
    let take = || open.lock().unwrap_or_else(|e| e.into_inner()).pop();
    let give = |part: Part<T>| open.lock().unwrap_or_else(|e| e.into_inner()).push(part);
    let work = |mut part: Part<T>| {
        let mut number = 0x2545_f491_4f6c_dd1d ^ part.n as u64;
        while part.n > PIECE {
            // SAFETY: the part is ours.
            let [first, second] = unsafe { (quick.split)(part, part.at, &mut number) };
            let (small, large) = if first.n < second.n { (first, second) } else { (second, first) };
            left.fetch_sub(part.n - small.n - large.n, Relaxed);
            // Of a bad pivot: `sort` knows what to do about many of them.
            let bad = large.n > part.n - part.n / 16;
            if small.n > 0 {
                give(small);
            }
            part = large;
            if bad {
                break;
            }
        }
        // SAFETY: as above.
        unsafe { (quick.sort)(part) };
        left.fetch_sub(part.n, Relaxed);
    };
    parallel_parts(threads, threads, true, |_, _| {
        while left.load(Relaxed) > 0 {
            match take() {
                Some(part) => work(part),
                None => std::thread::yield_now(),
            }
        }
    });
    Ok(())
}

/// Writes elements so that those at the places `kth`, which ascend, are where a sort would put them, what is less or equal before
/// them and the rest behind. Floats: no NaN is among them.
///
/// # Errors
/// There is no memory; nothing was written.
///
/// # Safety
/// As `sort_from`; the places are below `n`.
pub(super) unsafe fn select_from<T: Element>(
    from: *const T,
    to: *mut T,
    n: usize,
    kth: &[usize],
) -> Result<()> {
    let quick = match quick::<T>() {
        Some(quick) if n > quick.few => quick,
        // SAFETY: the caller's promise.
        _ => return unsafe { sort_from(from, to, n) },
    };
    let memory = Block::of::<T>(n)?;
    let whole = Part { at: to, free: memory.at().cast::<T>(), n, home: true };
    let mut number = 0x2545_f491_4f6c_dd1d ^ n as u64;
    // SAFETY: so many elements, and room for them.
    unsafe {
        let sides = (quick.split)(whole, from, &mut number);
        narrow_sides(&quick, sides, 0, n, kth, &mut number, 8);
    }
    Ok(())
}
/// Goes on with both sides of a range of `n` elements that begins at `offset`.
///
/// # Safety
/// The sides of a part.
unsafe fn narrow_sides<T: Element>(
    quick: &Quick<T>,
    [first, second]: [Part<T>; 2],
    offset: usize,
    n: usize,
    kth: &[usize],
    number: &mut u64,
    bad: usize,
) {
    let bad = bad - usize::from(first.n.max(second.n) > n - n / 16);
    let behind = offset + n - second.n;
    let (before, after) =
        (kth.partition_point(|&k| k < offset + first.n), kth.partition_point(|&k| k < behind));
    // SAFETY: the caller's promise.
    unsafe {
        narrow(quick, first, offset, &kth[..before], number, bad);
        narrow(quick, second, behind, &kth[after..], number, bad);
    }
}
/// Brings the elements of a part home, those of some places of the whole sorted.
///
/// # Safety
/// The part is ours.
unsafe fn narrow<T: Element>(
    quick: &Quick<T>,
    part: Part<T>,
    offset: usize,
    kth: &[usize],
    number: &mut u64,
    bad: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        if kth.is_empty() {
            if !part.home {
                std::ptr::copy_nonoverlapping(part.at, part.free, part.n);
            }
        } else if part.n <= quick.few || bad == 0 {
            (quick.sort)(part);
        } else {
            let sides = (quick.split)(part, part.at, number);
            narrow_sides(quick, sides, offset, part.n, kth, number, bad);
        }
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use crate::machine::simd::supports;

    fn numbers(n: usize, seed: u64) -> impl Iterator<Item = u64> {
        let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        std::iter::repeat_with(move || {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            x
        })
        .take(n)
    }

    /// All sizes that a network takes and some beyond, random and with patterns, on each unit.
    fn check<T: Element + Default + std::fmt::Debug>(unit: Quick<T>, from: fn(u64) -> T) {
        let mut sizes: Vec<usize> = (0..600).collect();
        sizes.extend([1000, 1023, 1025, 4096, 10_000, 50_001]);
        for n in sizes {
            let full = numbers(n, n as u64 + 1).map(from).collect::<Vec<T>>();
            let few = numbers(n, 7).map(|x| from(x % 3)).collect();
            let saw = (0..n as u64).map(|i| from(i % 50)).collect();
            let organ = (0..n as u64).map(|i| from(i.min(n as u64 - i))).collect();
            let last = (0..n as u64).map(|i| from(if i + 1 == n as u64 { 0 } else { i + 5 })).collect();
            for data in [full, few, saw, organ, last] {
                let (mut got, mut want, mut scratch) = (data.clone(), data.clone(), vec![T::default(); n]);
                want.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
                // SAFETY: `n` elements at both places.
                unsafe {
                    let (at, free) = (got.as_mut_ptr(), scratch.as_mut_ptr());
                    (unit.sort)(Part { at, free, n, home: true });
                    assert_eq!(got, want, "{n}");
                    let (at, free) = (scratch.as_mut_ptr(), got.as_mut_ptr());
                    scratch.copy_from_slice(&data);
                    (unit.sort)(Part { at, free, n, home: false });
                }
                assert_eq!(got, want, "{n}, to the other memory");
            }
        }
    }
    #[test]
    fn sorts() {
        macro_rules! all {
            ($level:ident $name:ident $part:ident) => {
                if supports(Level::$level) {
                    check($name::quick::<<i32 as Element>::$part>(), |x| x as i32);
                    check($name::quick::<<i64 as Element>::$part>(), |x| x as i64);
                    check($name::quick::<<f32 as Element>::$part>(), |x| x as i64 as f32);
                    check($name::quick::<<f64 as Element>::$part>(), |x| x as i64 as f64);
                }
            };
        }
        all!(Avx2 avx2 Avx2);
        all!(Avx512 avx512 Avx512);
    }
    /// Networks sort all sequences of zeros and ones, and so all others: every number of ones at every place of one column.
    #[test]
    fn zeros_and_ones() {
        macro_rules! all {
            ($level:ident $name:ident $part:ident) => {
                if supports(Level::$level) {
                    type L = <i32 as Element>::$part;
                    let unit = $name::quick::<L>();
                    for bits in 0..1u32 << ROWS {
                        // A column holds the sixteen values, the other ones their complement.
                        let mut x: Vec<i32> = (0..ROWS * L::N)
                            .map(|i| (bits >> (i / L::N) & 1) as i32 ^ (i % L::N & 1) as i32)
                            .collect();
                        let ones = x.iter().sum::<i32>() as usize;
                        let n = x.len();
                        // SAFETY: a network's elements.
                        unsafe {
                            (unit.sort)(Part { at: x.as_mut_ptr(), free: x.as_mut_ptr(), n, home: true })
                        };
                        assert!(
                            x[..n - ones].iter().all(|x| *x == 0) && x[n - ones..].iter().all(|x| *x == 1)
                        );
                    }
                }
            };
        }
        all!(Avx2 avx2 Avx2);
        all!(Avx512 avx512 Avx512);
    }
    /// Zeros of both signs and infinities keep their number.
    #[test]
    fn zeros_of_both_signs() {
        let mut x: Vec<f64> = numbers(3000, 3)
            .map(|x| [0.0, -0.0, 1.0, f64::INFINITY, f64::NEG_INFINITY][(x % 5) as usize])
            .collect();
        let negative = |x: &[f64]| x.iter().filter(|x| x.to_bits() == 1 << 63).count();
        let before = negative(&x);
        sort(&mut x).unwrap();
        assert!(x.windows(2).all(|w| w[0] <= w[1]));
        assert_eq!(negative(&x), before);
    }
    #[test]
    fn selects() {
        for n in [1, 5, 300, 1000, 20_000] {
            for modulus in [3, 50, i64::MAX] {
                let x: Vec<i64> = numbers(n, 13).map(|x| x as i64 % modulus).collect();
                let mut want = x.clone();
                want.sort_unstable();
                for kth in [vec![0], vec![n - 1], vec![n / 3, n / 2], vec![0, n / 7, n - 1]] {
                    let mut got = vec![0; n];
                    // SAFETY: `n` elements at both places.
                    unsafe { select_from(x.as_ptr(), got.as_mut_ptr(), n, &kth).unwrap() };
                    for &k in &kth {
                        assert_eq!(got[k], want[k], "{n} {modulus} {k}");
                        assert!(
                            got[..k].iter().all(|x| *x <= got[k]) && got[k..].iter().all(|x| *x >= got[k])
                        );
                    }
                    got.sort_unstable();
                    assert_eq!(got, want);
                }
            }
        }
    }
    #[test]
    fn shared_by_threads() {
        for n in [200_000, 1_000_003] {
            let mut x: Vec<i64> = numbers(n, 11).map(|x| x as i64 % 5000).collect();
            let mut want = x.clone();
            want.sort_unstable();
            sort(&mut x).unwrap();
            assert_eq!(x, want);
        }
    }
}
