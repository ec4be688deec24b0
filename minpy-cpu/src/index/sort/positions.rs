//! Stable argsorts: what fits of a key beside the position in one integer is sorted by `quick.rs`; elements that are alike in
//! that are sorted among themselves by the rest.

use super::quick::{self, Element};
use crate::machine::pool::Block;
use crate::machine::threads::parallel_for;
use minpy_core::Result;

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

/// Writes the positions of a row in the order of their keys, equal ones in their own order. `among`: only of these, as they stand there.
///
/// # Errors
/// There is no memory.
pub(super) fn arrange(
    among: Option<&[i64]>,
    out: &mut [i64],
    key: &(impl Fn(usize) -> u64 + Sync + ?Sized),
    tie: Option<Tie>,
) -> Result<()> {
    let n = out.len();
    let at = |i: usize| among.map_or(i, |list| list[i] as usize);
    let (mut least, mut most) = (u64::MAX, 0);
    for i in 0..n {
        let k = key(at(i));
        (least, most) = (least.min(k), most.max(k));
    }
    if n < 2 || least == most {
        if let (true, Some(tie)) = (n > 1, tie) {
            return arrange(among, out, tie, None);
        }
        out.iter_mut().enumerate().for_each(|(i, to)| *to = at(i) as i64);
        return Ok(());
    }
    let (width, bits) = (64 - (most - least).leading_zeros(), usize::BITS - (n - 1).leading_zeros());
    if width + bits <= i32::BITS {
        packed::<i32>(among, out, key, tie, least, width, bits)
    } else {
        packed::<i64>(among, out, key, tie, least, width, bits)
    }
}

fn packed<P: Packed>(
    among: Option<&[i64]>,
    out: &mut [i64],
    key: &(impl Fn(usize) -> u64 + Sync + ?Sized),
    tie: Option<Tie>,
    least: u64,
    width: u32,
    bits: u32,
) -> Result<()> {
    let n = out.len();
    let at = |i: usize| among.map_or(i, |list| list[i] as usize);
    let cut = width.saturating_sub(P::BITS - bits);
    let memory = Block::of::<P>(n)?;
    let (list, to) = (memory.at() as usize, out.as_mut_ptr() as usize);
    parallel_for(n, LEAST, |range| {
        for i in range {
            let x = P::new((key(at(i)) - least) >> cut << bits | i as u64);
            // SAFETY: the block has room for `n`; each is written once.
            unsafe { (list as *mut P).add(i).write(x) };
        }
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
            (alike, tie) => {
                let mut copy = Block::of::<i64>(alike.len())?;
                let among = &*copy.filled(alike.len(), |i| alike[i]);
                match tie {
                    // The key is done with.
                    Some(tie) if cut == 0 => arrange(Some(among), alike, tie, None)?,
                    tie => arrange(Some(among), alike, key, tie)?,
                }
            }
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
