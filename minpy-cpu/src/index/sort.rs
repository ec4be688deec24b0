//! `Work::Sort`: stable sorts and argsorts along the last axis, NaN last, complex by real then imaginary part.
//!
//! The orders are those of NumPy's `npysort_common.h`. Real numbers are sorted as unsigned integers of the same order, which
//! compare without jumps, and so share their sorts; positions go along in the lower half of a wider integer, and so keep the
//! sort stable.

use crate::machine::pool::Block;
use crate::prims::arithmetic::is_num;
use crate::prims::{B8, with_lane};
use crate::rows::for_rows;
use half::f16;
use minpy_core::backend::{DTypeSet, Family, KernelCall, Slot, Work};
use minpy_core::{DeviceRef, Error, ErrorKind, Result, kernel};
use num_complex::{Complex, Complex32, Complex64};
use std::cmp::Ordering;
use std::marker::PhantomData;

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
    /// # Safety
    /// `n` elements at both places, equal or disjoint; nobody else uses those at `dst`.
    unsafe fn sort_values(src: *const Self, dst: *mut Self, n: usize) -> Result<()>;
    /// # Safety
    /// `n` elements at both places, disjoint.
    unsafe fn sort_positions(src: *const Self, dst: *mut i64, n: usize) -> Result<()>;
}
macro_rules! integers {
    ($($t:ty, $key:ty, $pair:tt;)*) => {$(
        impl Sorts for $t {
            unsafe fn sort_values(src: *const $t, dst: *mut $t, n: usize) -> Result<()> {
                // SAFETY: the caller's promise; both types have one size. Equal numbers cannot be told apart: the sort need not
                // be stable.
                let keys = unsafe { copied(src.cast::<$key>(), dst.cast::<$key>(), n) };
                // As unsigned numbers of the same order, which another type of their size may have the loop for.
                const FLIP: $key = <$t>::MIN as $key;
                if FLIP != 0 {
                    keys.iter_mut().for_each(|x| *x ^= FLIP);
                }
                keys.sort_unstable();
                if FLIP != 0 {
                    keys.iter_mut().for_each(|x| *x ^= FLIP);
                }
                Ok(())
            }
            unsafe fn sort_positions(src: *const $t, dst: *mut i64, n: usize) -> Result<()> {
                // SAFETY: the caller's promise.
                unsafe { by_pairs!($pair, |x: $t| x as $key ^ <$t>::MIN as $key, src, dst, n) }
            }
        }
    )*};
}
/// Writes where the elements go, sorted by `key`; positions fill the lower half of a pair.
macro_rules! by_pairs {
    (u64, $key:expr, $src:expr, $dst:expr, $n:expr) => {
        if $n >> 31 == 0 {
            by_pairs!(@of u64, $key, $src, $dst, $n)
        } else {
            by_pairs!(@of u128, $key, $src, $dst, $n)
        }
    };
    (u128, $key:expr, $src:expr, $dst:expr, $n:expr) => { by_pairs!(@of u128, $key, $src, $dst, $n) };
    (@of $pair:ty, $key:expr, $src:expr, $dst:expr, $n:expr) => {{
        let mut memory = Block::of::<$pair>($n)?;
        let key = $key;
        // As many as `src` holds.
        let pairs = memory.filled($n, |i| <$pair>::from(key(*$src.add(i))) << (<$pair>::BITS / 2) | i as $pair);
        pairs.sort_unstable();
        for (i, pair) in pairs.iter().enumerate() {
            *$dst.add(i) = (pair & (<$pair>::MAX >> (<$pair>::BITS / 2))) as i64;
        }
        Ok(())
    }};
}
integers! {
    i8, u8, u64; i16, u16, u64; i32, u32, u64; i64, u64, u128;
    u8, u8, u64; u16, u16, u64; u32, u32, u64; u64, u64, u128;
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
    ($($t:ty, $key:ident, $pair:tt;)*) => {$(
        impl Sorts for $t {
            unsafe fn sort_values(src: *const $t, dst: *mut $t, n: usize) -> Result<()> {
                const SIGN: $key = 1 << ($key::BITS - 1);
                const ZERO: $t = <$t>::from_bits(0);
                // SAFETY: the caller's promise.
                let row = unsafe { copied(src, dst, n) };
                // Zeros of both signs are equal, and keep their order; so do NaNs, which come last. What is set aside of them
                // is asked for before anything moves.
                let mixed = row.iter().any(|x| x.to_bits() == SIGN);
                let count = |is: fn(&&$t) -> bool| row.iter().filter(is).count();
                let (of_zeros, of_nans) = (if mixed { count(|x| **x == ZERO) } else { 0 }, count(|x| x.is_nan()));
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
                    if mixed && x == ZERO {
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
                let first = sorted.partition_point(|x| *x < ZERO);
                sorted[first..first + z].copy_from_slice(zeros);
                last.copy_from_slice(nans);
                Ok(())
            }
            unsafe fn sort_positions(src: *const $t, dst: *mut i64, n: usize) -> Result<()> {
                const SIGN: $key = 1 << ($key::BITS - 1);
                const ZERO: $t = <$t>::from_bits(0);
                let key = |x: $t| {
                    // Both zeros have one key, and so have all NaNs.
                    let b = if x == ZERO { 0 } else { x.to_bits() };
                    let ordered = if b & SIGN != 0 { !b } else { b | SIGN };
                    if x.is_nan() { $key::MAX } else { ordered }
                };
                // SAFETY: the caller's promise.
                unsafe { by_pairs!($pair, key, src, dst, n) }
            }
        }
    )*};
}
floats! { f16, u16, u64; f32, u32, u64; f64, u64, u128; }
macro_rules! complex {
    ($($t:ty)*) => {$(
        impl Sorts for $t {
            unsafe fn sort_values(src: *const $t, dst: *mut $t, n: usize) -> Result<()> {
                // SAFETY: the caller's promise; all of `src` is read before.
                unsafe {
                    let mut memory = pairs(src, n)?;
                    memory.list().iter().enumerate().for_each(|(i, p)| *dst.add(i) = p.0);
                }
                Ok(())
            }
            unsafe fn sort_positions(src: *const $t, dst: *mut i64, n: usize) -> Result<()> {
                // SAFETY: the caller's promise.
                unsafe {
                    let mut memory = pairs(src, n)?;
                    memory.list().iter().enumerate().for_each(|(i, p)| *dst.add(i) = p.1 as i64);
                }
                Ok(())
            }
        }
    )*};
}
complex!(Complex32 Complex64);

/// NumPy's `less` of complex numbers.
#[inline(always)]
fn less<F: PartialOrd + Copy>(x: Complex<F>, y: Complex<F>) -> bool {
    let (Complex { re: a, im: b }, Complex { re: c, im: d }) = (x, y);
    let nan = |x: F| !is_num(x);
    if a < c {
        !nan(b) || nan(d)
    } else if a > c {
        nan(d) && !nan(b)
    } else if a == c || nan(a) && nan(c) {
        b < d || nan(d) && !nan(b)
    } else {
        nan(c)
    }
}

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

/// Elements beside their positions, `n` of them.
struct Pairs<T> {
    memory: Block,
    n: usize,
    of: PhantomData<T>,
}
impl<T> Pairs<T> {
    fn list(&mut self) -> &mut [(T, usize)] {
        // SAFETY: `pairs` has written so many.
        unsafe { std::slice::from_raw_parts_mut(self.memory.at().cast(), self.n) }
    }
}

/// Elements beside their positions, sorted: comparisons touch memory once, and the positions keep the sort stable without the
/// memory that stable sorts of the standard library take.
///
/// # Safety
/// `n` elements at `src`.
#[inline(never)]
unsafe fn pairs<F: PartialOrd + Copy>(src: *const Complex<F>, n: usize) -> Result<Pairs<Complex<F>>> {
    let mut memory = Block::of::<(Complex<F>, usize)>(n)?;
    // SAFETY: the caller's promise.
    memory.filled(n, |i| (unsafe { *src.add(i) }, i)).sort_unstable_by(|a, b| {
        if less(a.0, b.0) {
            Ordering::Less
        } else if less(b.0, a.0) {
            Ordering::Greater
        } else {
            a.1.cmp(&b.1)
        }
    });
    Ok(Pairs { memory, n, of: PhantomData })
}
