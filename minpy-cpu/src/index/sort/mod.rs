//! `Work::Sort`: stable sorts and argsorts along the last axis, NaN last, complex by real then imaginary part.
//!
//! The orders are those of NumPy's `npysort_common.h`. Numbers of 32 and 64 bits are sorted by registers (`quick.rs`), smaller ones
//! are counted; positions go along in the lower half of an integer, and so keep the sort stable (`positions.rs`).

mod network;
mod positions;
mod quick;
pub mod select;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::machine::pool::Block;
use crate::prims::arithmetic::is_num;
use crate::prims::{B8, with_lane};
use crate::rows::for_rows;
use half::f16;
use minpy_core::backend::{DTypeSet, Family, KernelCall, Slot, Work};
use minpy_core::{DeviceRef, Error, ErrorKind, Result, kernel};
use num_complex::{Complex, Complex32, Complex64};
use positions::{arrange, by_bytes};
use quick::Element;

kernel!(pub ENTRY: "cpu", Slot::Family(Family::Sort), DTypeSet::ALL, run);

fn run(_: DeviceRef, call: &KernelCall) -> Result<()> {
    let Work::Sort { arg } = *call.work else {
        return Err(Error::new(
            ErrorKind::Runtime,
            format!("{}: the sort kernel was given other work", call.op),
        ));
    };
    let (input, output) = (call.inputs[0].view(), &call.outputs[0]);
    let Some(&n) = input.shape.last() else {
        return Err(Error::new(ErrorKind::Runtime, format!("{}: the sort kernel needs an axis", call.op)));
    };
    // Some 4 ns an element for rows of a thousand.
    for_rows(input, output, true, if arg { 160 } else { 64 }, |row, out| {
        with_lane!(input.dtype, T => {
            // SAFETY: rows hold `n` elements; the output's are `T`, or int64 when `arg`.
            unsafe { if arg { T::sort_positions(row.cast(), out.cast(), n) } else { T::sort_values(row.cast(), out.cast(), n) } }
        })
    })
}

/// Elements with NumPy's order.
trait Sorts: Copy {
    /// # Safety
    /// `n` elements at both places, equal or disjoint; nobody else uses those at `dst`.
    unsafe fn sort_values(src: *const Self, dst: *mut Self, n: usize) -> Result<()>;
    /// # Safety
    /// `n` elements at both places, disjoint.
    unsafe fn sort_positions(src: *const Self, dst: *mut i64, n: usize) -> Result<()>;
}
/// Elements as unsigned integers of the same order.
macro_rules! keys {
    (integers $($t:ident $key:ident;)*) => {$(
        #[inline(always)]
        fn $key(x: $t) -> u64 {
            // The sign's bit turned over, where there is one.
            (x ^ $t::MIN) as u64 & (u64::MAX >> (64 - $t::BITS))
        }
    )*};
    (floats $($t:ident $bits:ident $key:ident;)*) => {$(
        /// Both zeros have one key, and so have all NaNs.
        #[inline(always)]
        fn $key(x: $t) -> u64 {
            const SIGN: $bits = 1 << ($bits::BITS - 1);
            let b = if x == $t::from_bits(0) { 0 } else { x.to_bits() };
            let ordered = if b & SIGN != 0 { !b } else { b | SIGN };
            if x.is_nan() { $bits::MAX as u64 } else { ordered as u64 }
        }
    )*};
}
keys!(integers i8 key_i8; i16 key_i16; i32 key_i32; i64 key_i64; u8 key_u8; u16 key_u16; u32 key_u32; u64 key_u64;);
keys!(floats f16 u16 key_f16; f32 u32 key_f32; f64 u64 key_f64;);

macro_rules! elements {
    ($($t:ident $avx2:ident $avx512:ident, $odd:expr, |$x:ident| $plainly:expr;)*) => {$(
        impl Element for $t {
            #[cfg(target_arch = "x86_64")]
            type Avx2 = x86::$avx2;
            #[cfg(target_arch = "x86_64")]
            type Avx512 = x86::$avx512;
            #[inline(always)]
            fn odd(self) -> bool {
                let odd: fn($t) -> bool = $odd;
                odd(self)
            }
            fn sort_plainly($x: &mut [$t]) { $plainly }
        }
    )*};
}
elements! {
    i32 I32x8 I32x16, |_| false, |x| x.sort_unstable();
    i64 I64x4 I64x8, |_| false, |x| x.sort_unstable();
    f32 F32x8 F32x16, |x| x.is_nan() | (x.to_bits() == 1 << 31), |x| x.sort_unstable_by(f32::total_cmp);
    f64 F64x4 F64x8, |x| x.is_nan() | (x.to_bits() == 1 << 63), |x| x.sort_unstable_by(f64::total_cmp);
}

macro_rules! positions {
    ($($t:ident $key:ident $bytes:literal;)*) => {$(
        /// # Safety
        /// See `Sorts::sort_positions`.
        pub(super) unsafe fn $key(src: *const $t, dst: *mut i64, n: usize) -> Result<()> {
            // SAFETY: the caller's promise.
            let out = unsafe { std::slice::from_raw_parts_mut(dst, n) };
            let from = src as usize;
            // SAFETY: keys are asked for of positions below `n`.
            let key = |i: usize| super::$key(unsafe { *(from as *const $t).add(i) });
            if $bytes {
                by_bytes(out, |i| key(i) as u8);
                return Ok(());
            }
            arrange(None, out, &key, None)
        }
    )*};
}
/// Argsorts by the keys of those names.
mod by {
    use super::*;
    positions! {
        i8 key_i8 true; i16 key_i16 false; i32 key_i32 false; i64 key_i64 false;
        u8 key_u8 true; u16 key_u16 false; u32 key_u32 false; u64 key_u64 false;
        f16 key_f16 false; f32 key_f32 false; f64 key_f64 false;
    }
}

/// Elements from which on they are counted, for so many values: counters have to be cleared and gone through.
fn counted(values: usize) -> usize {
    if values > 256 { 100_000 } else { 256 }
}

/// Sorts numbers of 16 bits or fewer, given as keys and made of them again.
///
/// # Errors
/// There is no memory; nothing was written.
fn small<T: Copy>(
    x: &mut [T],
    values: usize,
    key: impl Fn(T) -> usize,
    back: impl Fn(usize) -> T,
) -> Result<()> {
    if x.len() < counted(values) || x.len() > u32::MAX as usize {
        let mut memory = Block::of::<i32>(x.len())?;
        let wide = memory.filled(x.len(), |i| key(x[i]) as i32);
        quick::sort(wide)?;
        x.iter_mut().zip(wide).for_each(|(x, k)| *x = back(*k as usize));
        return Ok(());
    }
    let mut memory = Block::of::<u32>(4 * values)?;
    // Four counters of each: equal neighbours would wait for one another.
    let counts = memory.filled(4 * values, |_| 0u32);
    for (i, &x) in x.iter().enumerate() {
        counts[4 * key(x) + i % 4] += 1;
    }
    let mut at = 0;
    for (value, four) in counts.chunks(4).enumerate() {
        let end = at + four.iter().map(|&n| n as usize).sum::<usize>();
        if end > at {
            x[at..end].fill(back(value));
            at = end;
        }
    }
    Ok(())
}

macro_rules! integers {
    ($($t:ident $key:ident, |$from:ident, $to:ident, $n:ident| $sort:expr;)*) => {$(
        impl Sorts for $t {
            unsafe fn sort_values($from: *const $t, $to: *mut $t, $n: usize) -> Result<()> {
                // SAFETY: the caller's promise. Equal numbers cannot be told apart: the sort need not be stable.
                unsafe { $sort }
            }
            unsafe fn sort_positions(src: *const $t, dst: *mut i64, n: usize) -> Result<()> {
                // SAFETY: the caller's promise.
                unsafe { by::$key(src, dst, n) }
            }
        }
    )*};
}
/// As numbers with a sign, of the same order.
macro_rules! turned {
    ($x:expr, $signed:ident, $unsigned:ident) => {{
        let x = $x;
        x.iter_mut().for_each(|x| *x ^= $signed::MIN as $unsigned);
        // SAFETY: both types have one size and alignment, and no invalid values.
        let signed = std::slice::from_raw_parts_mut(x.as_mut_ptr().cast::<$signed>(), x.len());
        let sorted = quick::sort(signed);
        x.iter_mut().for_each(|x| *x ^= $signed::MIN as $unsigned);
        sorted
    }};
}
integers! {
    i8 key_i8, |from, to, n| small(copied(from, to, n), 256, |x| key_i8(x) as usize, |k| k as u8 as i8 ^ i8::MIN);
    u8 key_u8, |from, to, n| small(copied(from, to, n), 256, |x| x as usize, |k| k as u8);
    i16 key_i16, |from, to, n| small(copied(from, to, n), 65536, |x| key_i16(x) as usize, |k| k as u16 as i16 ^ i16::MIN);
    u16 key_u16, |from, to, n| small(copied(from, to, n), 65536, |x| x as usize, |k| k as u16);
    i32 key_i32, |from, to, n| quick::sort_from(from, to, n);
    i64 key_i64, |from, to, n| quick::sort_from(from, to, n);
    u32 key_u32, |from, to, n| turned!(copied(from, to, n), i32, u32);
    u64 key_u64, |from, to, n| turned!(copied(from, to, n), i64, u64);
}
impl Sorts for B8 {
    unsafe fn sort_values(src: *const B8, dst: *mut B8, n: usize) -> Result<()> {
        // SAFETY: the caller's promise.
        let row = unsafe { copied(src, dst, n) };
        let none = row.iter().filter(|x| !x.get()).count();
        row.iter_mut().enumerate().for_each(|(i, x)| *x = B8::new(i >= none));
        Ok(())
    }
    unsafe fn sort_positions(src: *const B8, dst: *mut i64, n: usize) -> Result<()> {
        // SAFETY: the caller's promise: two passes give each position a place.
        unsafe {
            let mut to = 0;
            for truth in [false, true] {
                for i in 0..n {
                    if (*src.add(i)).get() == truth {
                        *dst.add(to) = i as i64;
                        to += 1;
                    }
                }
            }
        }
        Ok(())
    }
}
macro_rules! floats {
    ($($t:ident $key:ident, |$from:ident, $to:ident, $n:ident| $odd:expr, $sort:expr;)*) => {$(
        impl Sorts for $t {
            unsafe fn sort_values(src: *const $t, dst: *mut $t, n: usize) -> Result<()> {
                const ZERO: $t = <$t>::from_bits(0);
                let odd = {
                    let ($from, $n) = (src, n);
                    // SAFETY: the caller's promise.
                    unsafe { $odd }
                };
                if !odd {
                    let ($from, $to, $n) = (src, dst, n);
                    // SAFETY: the caller's promise.
                    return unsafe { $sort };
                }
                // SAFETY: as above.
                let row = unsafe { copied(src, dst, n) };
                // Zeros of both signs are equal, and keep their order; so do NaNs, which come last. What is set aside of them
                // is asked for before anything moves.
                let count = |is: fn(&&$t) -> bool| row.iter().filter(is).count();
                let (of_zeros, of_nans) = (count(|x| **x == ZERO), count(|x| x.is_nan()));
                let mut memory = Block::of::<$t>(of_zeros + of_nans)?;
                let (zeros, nans) = memory.filled(of_zeros + of_nans, |_| ZERO).split_at_mut(of_zeros);
                let (mut numbers, mut z, mut unordered) = (0, 0, 0);
                for i in 0..n {
                    let x = row[i];
                    if x.is_nan() {
                        nans[unordered] = x;
                        unordered += 1;
                        continue;
                    }
                    if x == ZERO {
                        zeros[z] = x;
                        z += 1;
                    }
                    row[numbers] = x;
                    numbers += 1;
                }
                let (sorted, last) = row.split_at_mut(numbers);
                last.copy_from_slice(nans);
                let ($from, $to, $n) = (sorted.as_ptr(), sorted.as_mut_ptr(), numbers);
                // SAFETY: so many are left, in their place.
                unsafe { $sort? };
                let first = sorted.partition_point(|x| *x < ZERO);
                sorted[first..first + z].copy_from_slice(zeros);
                Ok(())
            }
            unsafe fn sort_positions(src: *const $t, dst: *mut i64, n: usize) -> Result<()> {
                // SAFETY: the caller's promise.
                unsafe { by::$key(src, dst, n) }
            }
        }
    )*};
}
/// The number of a key.
fn f16_of(key: usize) -> f16 {
    let b = key as u16;
    f16::from_bits(if b >> 15 != 0 { b & 0x7fff } else { !b })
}
/// The elements as a list.
///
/// # Safety
/// `n` of them lie there as long as the list is used.
unsafe fn list<'a, T>(at: *const T, n: usize) -> &'a [T] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(at, n) }
}
fn odd_half(x: &[f16]) -> bool {
    x.iter().any(|x| x.is_nan() || x.to_bits() == 1 << 15)
}
floats! {
    f16 key_f16, |from, to, n| odd_half(list(from, n)), small(copied(from, to, n), 65536, |x| key_f16(x) as usize, f16_of);
    f32 key_f32, |from, to, n| quick::has_odd(list(from, n)), quick::sort_from(from, to, n);
    f64 key_f64, |from, to, n| quick::has_odd(list(from, n)), quick::sort_from(from, to, n);
}
macro_rules! complex {
    ($($t:ident $float:ident $key:ident;)*) => {$(
        impl Sorts for $t {
            unsafe fn sort_values(src: *const $t, dst: *mut $t, n: usize) -> Result<()> {
                let mut memory = Block::of::<i64>(n)?;
                let order = memory.filled(n, |_| 0);
                // SAFETY: the caller's promise; all of `src` is read before what it shares with `dst` is written.
                unsafe {
                    Self::sort_positions(src, order.as_mut_ptr(), n)?;
                    if !std::ptr::eq(src, dst) {
                        order.iter().enumerate().for_each(|(i, from)| *dst.add(i) = *src.add(*from as usize));
                        return Ok(());
                    }
                    let mut held = Block::of::<$t>(n)?;
                    let sorted = held.filled(n, |i| *src.add(order[i] as usize));
                    std::ptr::copy_nonoverlapping(sorted.as_ptr(), dst, n);
                }
                Ok(())
            }
            unsafe fn sort_positions(src: *const $t, dst: *mut i64, n: usize) -> Result<()> {
                // SAFETY: the caller's promise.
                let (x, out) = unsafe { (std::slice::from_raw_parts(src, n), std::slice::from_raw_parts_mut(dst, n)) };
                let (re, im) = (|i: usize| $key(x[i].re), |i: usize| $key(x[i].im));
                // Which part is NaN comes first: neither, the imaginary, the real, both.
                let class = |z: &Complex<$float>| 2 * usize::from(!is_num(z.re)) + usize::from(!is_num(z.im));
                if x.iter().all(|z| class(z) == 0) {
                    return arrange(None, out, &re, Some(&im));
                }
                let mut ends = [0; 4];
                x.iter().for_each(|z| ends[class(z)] += 1);
                let mut sum = 0;
                let mut next = ends.map(|n| {
                    sum += n;
                    sum - n
                });
                let mut memory = Block::of::<i64>(n)?;
                let list = memory.filled(n, |_| 0);
                for (i, z) in x.iter().enumerate() {
                    let to = &mut next[class(z)];
                    list[*to] = i as i64;
                    *to += 1;
                }
                let [first, second, third, _] = next;
                arrange(Some(&list[..first]), &mut out[..first], &re, Some(&im))?;
                arrange(Some(&list[first..second]), &mut out[first..second], &re, None)?;
                arrange(Some(&list[second..third]), &mut out[second..third], &im, None)?;
                out[third..].copy_from_slice(&list[third..]);
                Ok(())
            }
        }
    )*};
}
complex! { Complex32 f32 key_f32; Complex64 f64 key_f64; }

/// The elements in their place to be.
///
/// # Safety
/// `n` elements at both places, equal or disjoint; nobody else uses those at `dst`.
unsafe fn copied<'a, T: Copy>(src: *const T, dst: *mut T, n: usize) -> &'a mut [T] {
    // SAFETY: the caller's promise; after the copy `dst` holds `n` elements.
    unsafe {
        std::ptr::copy(src, dst, n);
        std::slice::from_raw_parts_mut(dst, n)
    }
}
