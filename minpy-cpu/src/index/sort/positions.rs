//! Stable argsorts: what fits of a key beside the position in one integer is sorted by `quick.rs`; elements that are alike in
//! that are sorted among themselves by the rest.

use super::quick::{self, Element};
use crate::machine::pool::Block;
use crate::machine::simd::{Level, level};
use crate::machine::threads::parallel_for;
use minpy_core::Result;
use std::ops::Range;

/// Elements that are worth a thread of their own, for what costs a nanosecond each.
const LEAST: usize = 16 << 10;
/// Elements alike that are sorted one by one.
const FEW: usize = 16;

/// Integers that hold a part of a key above a position.
trait Packed: Element {
    /// For both, not negative.
    const BITS: u32;
    fn new(x: u64) -> Self;
    fn get(self) -> u64;
}
impl Packed for i32 {
    const BITS: u32 = 31;
    #[inline(always)]
    fn new(x: u64) -> i32 {
        x as i32
    }
    #[inline(always)]
    fn get(self) -> u64 {
        self as u64
    }
}
impl Packed for i64 {
    const BITS: u32 = 63;
    #[inline(always)]
    fn new(x: u64) -> i64 {
        x as i64
    }
    #[inline(always)]
    fn get(self) -> u64 {
        self as u64
    }
}

/// What decides where two elements have one key.
pub(super) type Tie<'a> = &'a (dyn Fn(usize) -> u64 + Sync);

macro_rules! entry {
    ($name:ident, $(#[$attr:meta])*) => {
        mod $name {
            use super::*;
            $(#[$attr])*
            pub(super) unsafe fn extremes(n: usize, key: &impl Fn(usize) -> u64) -> (u64, u64) {
                let (mut least, mut most) = (u64::MAX, 0);
                for i in 0..n {
                    let k = key(i);
                    (least, most) = (least.min(k), most.max(k));
                }
                (least, most)
            }
            /// # Safety
            /// Room for those of the range at `list`.
            $(#[$attr])*
            pub(super) unsafe fn pack<P: Packed>(
                list: *mut P,
                range: Range<usize>,
                key: &impl Fn(usize) -> u64,
                [least, cut, bits]: [u64; 3],
            ) {
                for i in range {
                    let x = P::new((key(i).wrapping_sub(least) >> cut << bits) | i as u64);
                    // SAFETY: the caller's promise.
                    unsafe { list.add(i).write(x) };
                }
            }
        }
    };
}
entry!(plain, #[inline(never)]);
#[cfg(target_arch = "x86_64")]
entry!(avx2, #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]);
#[cfg(target_arch = "x86_64")]
entry!(avx512, #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,lzcnt,popcnt")]);
macro_rules! by_level {
    ($f:ident($($arg:expr),*)) => {
        match level() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => avx512::$f($($arg),*),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2::$f($($arg),*),
            _ => plain::$f($($arg),*),
        }
    };
}

/// Writes the positions of a row in the order of their keys, equal ones in their own order. `among`: only of these, as they stand there.
/// Keys are asked for of these positions, or of those below the length of `out`.
///
/// # Errors
/// There is no memory.
pub(super) fn arrange(
    among: Option<&[i64]>,
    out: &mut [i64],
    key: &(impl Fn(usize) -> u64 + Sync),
    tie: Option<Tie>,
) -> Result<()> {
    match among {
        None => ordered(out, &|i| i, key, tie),
        Some(list) => ordered(out, &|i| list[i] as usize, key, tie),
    }
}

fn ordered(
    out: &mut [i64],
    at: &(impl Fn(usize) -> usize + Sync),
    key: &(impl Fn(usize) -> u64 + Sync),
    tie: Option<Tie>,
) -> Result<()> {
    let n = out.len();
    let of = |i: usize| key(at(i));
    // SAFETY: of the machine's level.
    let (least, most) = unsafe { by_level!(extremes(n, &of)) };
    if n < 2 || least >= most {
        out.iter_mut().enumerate().for_each(|(i, to)| *to = at(i) as i64);
        return match tie {
            Some(tie) if n > 1 => among_themselves(out, &|i| tie(i), None),
            _ => Ok(()),
        };
    }
    let (width, bits) = (64 - (most - least).leading_zeros(), usize::BITS - (n - 1).leading_zeros());
    if width + bits <= i32::BITS {
        packed::<i32>(out, at, key, tie, least, width, bits)
    } else {
        packed::<i64>(out, at, key, tie, least, width, bits)
    }
}

/// Positions that stand in their own order, by a key.
fn among_themselves(list: &mut [i64], key: &(impl Fn(usize) -> u64 + Sync), tie: Option<Tie>) -> Result<()> {
    let mut copy = Block::of::<i64>(list.len())?;
    let among = &*copy.filled(list.len(), |i| list[i]);
    // Through a pointer: a sort inside of a sort is no new loop.
    let key: Tie = key;
    let (at, key) = (|i: usize| among[i] as usize, |i: usize| key(i));
    ordered_again(list, &at, &key, tie)
}
type Positions<'a> = &'a (dyn Fn(usize) -> usize + Sync);
fn ordered_again(list: &mut [i64], at: Positions, key: Tie, tie: Option<Tie>) -> Result<()> {
    ordered(list, &|i| at(i), &|i| key(i), tie)
}

fn packed<P: Packed>(
    out: &mut [i64],
    at: &(impl Fn(usize) -> usize + Sync),
    key: &(impl Fn(usize) -> u64 + Sync),
    tie: Option<Tie>,
    least: u64,
    width: u32,
    bits: u32,
) -> Result<()> {
    let n = out.len();
    let of = |i: usize| key(at(i));
    let cut = width.saturating_sub(P::BITS - bits);
    let memory = Block::of::<P>(n)?;
    let (list, to) = (memory.at() as usize, out.as_mut_ptr() as usize);
    parallel_for(n, LEAST, |range| {
        let how = [least, cut.into(), bits.into()];
        // SAFETY: of the machine's level; the block has room for `n`, and each is written once.
        unsafe { by_level!(pack(list as *mut P, range, &of, how)) };
    });
    // SAFETY: all were written.
    let list = unsafe { std::slice::from_raw_parts_mut(list as *mut P, n) };
    quick::sort(list)?;
    let list = &*list;
    let low = (1u64 << bits) - 1;
    parallel_for(n, LEAST, |range| {
        for i in range {
            // SAFETY: `out` has `n` elements; each is written once.
            unsafe { *(to as *mut i64).add(i) = at((list[i].get() & low) as usize) as i64 };
        }
    });
    if cut == 0 && tie.is_none() {
        return Ok(());
    }
    // Those alike, which stand in their own order.
    let (mut first, upper) = (0, |i: usize| list[i].get() >> bits);
    while first + 1 < n {
        let mut end = first + 1;
        while end < n && upper(end) == upper(first) {
            end += 1;
        }
        match (&mut out[first..end], tie) {
            ([_], _) => {}
            (alike, tie) if alike.len() <= FEW => by_hand(alike, |i| (key(i), tie.map_or(0, |t| t(i)))),
            // The key is done with.
            (alike, Some(tie)) if cut == 0 => among_themselves(alike, &|i| tie(i), None)?,
            (alike, tie) => among_themselves(alike, key, tie)?,
        }
        first = end;
    }
    Ok(())
}

/// Insertion: a few elements.
fn by_hand(list: &mut [i64], key: impl Fn(usize) -> (u64, u64)) {
    for i in 1..list.len() {
        let (x, k) = (list[i], key(list[i] as usize));
        let mut j = i;
        while j > 0 && key(list[j - 1] as usize) > k {
            list[j] = list[j - 1];
            j -= 1;
        }
        list[j] = x;
    }
}

/// Positions by keys of a byte: counted.
///
/// # Safety
/// `key` may be asked for all places of `out`.
pub(super) fn by_bytes(out: &mut [i64], key: impl Fn(usize) -> u8) {
    let mut next = [0usize; 256];
    for i in 0..out.len() {
        next[key(i) as usize] += 1;
    }
    let mut sum = 0;
    for x in &mut next {
        sum += std::mem::replace(x, sum);
    }
    for i in 0..out.len() {
        let to = &mut next[key(i) as usize];
        out[*to] = i as i64;
        *to += 1;
    }
}
