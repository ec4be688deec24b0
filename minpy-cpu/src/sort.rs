//! `Work::Sort`: stable sorts and argsorts along the last axis, NaN last, complex by real then imaginary part.
//!
//! The orders are those of NumPy's `npysort_common.h`. Real numbers are sorted as unsigned integers of the same order, which
//! compare without jumps; positions go along in the lower half of a wider integer, and so keep the sort stable.

use crate::pool::Block;
use crate::prims::{B8, with_lane};
use crate::rows::for_rows;
use half::f16;
use minpy_core::device::DeviceRef;
use minpy_core::dtype::DTypeSet;
use minpy_core::kernel::{Family, KernelCall, Work};
use minpy_core::registry::Slot;
use minpy_core::{Error, ErrorKind, Result, kernel};
use num_complex::{Complex, Complex32, Complex64};
use std::cmp::Ordering;

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
    // Some 20 ns an element for rows of a few thousand.
    for_rows(input, output, true, 320, |row, out| {
        with_lane!(input.dtype, T => {
            // SAFETY: rows hold `n` elements; the output's are `T`, or int64 when `arg`.
            unsafe { if arg { T::sort_positions(row.cast(), out.cast(), n) } else { T::sort_values(row.cast(), out.cast(), n) } }
        })
    })
}

/// Elements with NumPy's order.
trait Sorts: Copy {
    /// NumPy's `less`.
    fn less(self, other: Self) -> bool;
    /// As an `Ordering`, for the standard library.
    #[inline(always)]
    fn order(self, other: Self) -> Ordering {
        if self.less(other) {
            Ordering::Less
        } else if other.less(self) {
            Ordering::Greater
        } else {
            Ordering::Equal
        }
    }
    /// # Safety
    /// As for `values`.
    unsafe fn sort_values(src: *const Self, dst: *mut Self, n: usize) -> Result<()> {
        // SAFETY: handed on.
        unsafe { values::<Self>(src, dst, n) }
    }
    /// # Safety
    /// As for `positions`.
    unsafe fn sort_positions(src: *const Self, dst: *mut i64, n: usize) -> Result<()> {
        // SAFETY: handed on.
        unsafe { positions::<Self>(src, dst, n) }
    }
}
macro_rules! integers {
    ($($t:ty, $key:ty, $pair:ty;)*) => {$(
        impl Sorts for $t {
            #[inline(always)]
            fn less(self, other: $t) -> bool { self < other }
            unsafe fn sort_values(src: *const $t, dst: *mut $t, n: usize) -> Result<()> {
                // SAFETY: the caller's promise. Equal numbers cannot be told apart: the sort need not be stable.
                unsafe { copied(src, dst, n) }.sort_unstable();
                Ok(())
            }
            unsafe fn sort_positions(src: *const $t, dst: *mut i64, n: usize) -> Result<()> {
                let key = |x: $t| x as $key ^ if <$t>::MIN == 0 { 0 } else { 1 << (<$key>::BITS - 1) };
                // SAFETY: the caller's promise.
                unsafe { by_pairs!($t, $pair, key, src, dst, n) }
            }
        }
    )*};
}
/// Writes where the elements go, sorted by `key`; positions fill the lower half of a pair.
macro_rules! by_pairs {
    ($t:ty, $pair:ty, $key:expr, $src:expr, $dst:expr, $n:expr) => {{
        const HALF: u32 = <$pair>::BITS / 2;
        if $n >> (HALF - 1) != 0 {
            return positions::<$t>($src, $dst, $n);
        }
        let mut memory = Block::of::<$pair>($n)?;
        let pairs = memory.filled($n, |i| (<$pair>::from($key(*$src.add(i)))) << HALF | i as $pair);
        pairs.sort_unstable();
        for (i, pair) in pairs.iter().enumerate() {
            *$dst.add(i) = (pair & (<$pair>::MAX >> HALF)) as i64;
        }
        Ok(())
    }};
}
integers! {
    i8, u8, u64; i16, u16, u64; i32, u32, u64; i64, u64, u128;
    u8, u8, u64; u16, u16, u64; u32, u32, u64; u64, u64, u128;
}
impl Sorts for B8 {
    #[inline(always)]
    fn less(self, other: B8) -> bool {
        !self.get() & other.get()
    }
}
impl Sorts for f16 {
    #[inline(always)]
    fn less(self, other: f16) -> bool {
        self < other || other.is_nan() && !self.is_nan()
    }
}
macro_rules! floats {
    ($($t:ty, $key:ident, $pair:ty;)*) => {$(
        impl Sorts for $t {
            #[inline(always)]
            fn less(self, other: $t) -> bool { self < other || other.is_nan() && !self.is_nan() }
            unsafe fn sort_values(src: *const $t, dst: *mut $t, n: usize) -> Result<()> {
                const SIGN: $key = 1 << ($key::BITS - 1);
                // SAFETY: the caller's promise.
                let row = unsafe { copied(src, dst, n) };
                // Zeros of both signs are equal, and keep their order; so do NaNs, which come last. What is set aside of them
                // is asked for before anything moves.
                let mixed = row.iter().any(|x| x.to_bits() == SIGN);
                let count = |is: fn(&&$t) -> bool| row.iter().filter(is).count();
                let (of_zeros, of_nans) = (if mixed { count(|x| **x == 0.0) } else { 0 }, count(|x| x.is_nan()));
                let mut memory = Block::of::<$t>(of_zeros + of_nans)?;
                let (zeros, nans) = memory.filled(of_zeros + of_nans, |_| 0.0).split_at_mut(of_zeros);
                let (mut numbers, mut z, mut unordered) = (0, 0, 0);
                for i in 0..n {
                    let x = row[i];
                    if x.is_nan() {
                        nans[unordered] = x;
                        unordered += 1;
                        continue;
                    }
                    if mixed && x == 0.0 {
                        zeros[z] = x;
                        z += 1;
                    }
                    let b = x.to_bits();
                    row[numbers] = <$t>::from_bits(if b & SIGN != 0 { !b } else { b | SIGN });
                    numbers += 1;
                }
                let (sorted, last) = row.split_at_mut(numbers);
                // SAFETY: both types have one size and alignment, and no invalid values.
                let keys = unsafe { std::slice::from_raw_parts_mut(sorted.as_mut_ptr().cast::<$key>(), numbers) };
                keys.sort_unstable();
                keys.iter_mut().for_each(|k| *k = if *k & SIGN != 0 { *k ^ SIGN } else { !*k });
                let first = sorted.partition_point(|x| *x < 0.0);
                sorted[first..first + z].copy_from_slice(zeros);
                last.copy_from_slice(nans);
                Ok(())
            }
            unsafe fn sort_positions(src: *const $t, dst: *mut i64, n: usize) -> Result<()> {
                const SIGN: $key = 1 << ($key::BITS - 1);
                let key = |x: $t| {
                    // Both zeros have one key, and so have all NaNs.
                    let b = if x == 0.0 { 0 } else { x.to_bits() };
                    let ordered = if b & SIGN != 0 { !b } else { b | SIGN };
                    if x.is_nan() { $key::MAX } else { ordered }
                };
                // SAFETY: the caller's promise.
                unsafe { by_pairs!($t, $pair, key, src, dst, n) }
            }
        }
    )*};
}
floats! { f32, u32, u64; f64, u64, u128; }
macro_rules! complex {
    ($($t:ty)*) => {$(
        impl Sorts for $t {
            #[inline(always)]
            fn less(self, other: $t) -> bool {
                let (Complex { re: a, im: b }, Complex { re: c, im: d }) = (self, other);
                if a < c {
                    !b.is_nan() || d.is_nan()
                } else if a > c {
                    d.is_nan() && !b.is_nan()
                } else if a == c || a.is_nan() && c.is_nan() {
                    b < d || d.is_nan() && !b.is_nan()
                } else {
                    c.is_nan()
                }
            }
        }
    )*};
}
complex!(Complex32 Complex64);

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

/// Elements beside their positions, sorted: comparisons touch memory once, and the positions keep the sort stable without the
/// memory that stable sorts of the standard library take.
///
/// # Safety
/// `n` elements at `src`.
unsafe fn pairs<T: Sorts>(src: *const T, n: usize, each: impl Fn(usize, T, usize)) -> Result<()> {
    let mut memory = Block::of::<(T, usize)>(n)?;
    // SAFETY: the caller's promise.
    let pairs = memory.filled(n, |i| (unsafe { *src.add(i) }, i));
    pairs.sort_unstable_by(|a, b| a.0.order(b.0).then(a.1.cmp(&b.1)));
    pairs.iter().enumerate().for_each(|(i, &(x, at))| each(i, x, at));
    Ok(())
}

/// # Safety
/// As for `copied`.
unsafe fn values<T: Sorts>(src: *const T, dst: *mut T, n: usize) -> Result<()> {
    // SAFETY: the caller's promise; all of `src` is read before.
    unsafe { pairs(src, n, |i, x, _| *dst.add(i) = x) }
}

/// # Safety
/// `n` elements at both places, disjoint.
unsafe fn positions<T: Sorts>(src: *const T, dst: *mut i64, n: usize) -> Result<()> {
    // SAFETY: the caller's promise.
    unsafe { pairs(src, n, |i, _, at| *dst.add(i) = at as i64) }
}
