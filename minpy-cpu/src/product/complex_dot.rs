//! Products of complex numbers with one row or one column, the other operand read along its rows where it lies: nothing is copied.
//!
//! `complex.rs` calls it before it thinks of tiles. Long rows are added up in parts, whose number depends on sizes alone, so that the
//! number of threads does not change a sum.

use super::{Product, each};
use crate::machine::pool::Block;
use crate::machine::simd::{Level, level};
use minpy_core::Result;
use std::ops::{Add, Mul, Sub};

/// Numbers that are added up side by side.
const LANES: usize = 16;
/// Products of a part of a row.
const PART: usize = 16 << 10;
/// Products that are worth a task of their own, and those from which on sleeping threads are woken.
const TASK: usize = 16 << 10;
const WOKEN: usize = 128 << 10;

/// `(a, b, n)`: the sum of `n` products of pairs.
type Dot<T> = unsafe fn(*const [T; 2], *const [T; 2], usize) -> [T; 2];

#[inline(always)]
unsafe fn dot<T: Copy + Default + Add<Output = T> + Sub<Output = T> + Mul<Output = T>>(
    a: *const [T; 2],
    b: *const [T; 2],
    n: usize,
) -> [T; 2] {
    // SAFETY: the caller's promise: `n` pairs at both.
    let (a, b) = unsafe { (std::slice::from_raw_parts(a, n), std::slice::from_raw_parts(b, n)) };
    // Products of both first parts, of both second ones, and the mixed ones.
    let mut sums = [[T::default(); LANES]; 3];
    let (mut a, mut b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    for (a, b) in (&mut a).zip(&mut b) {
        let [rr, ii, ri] = &mut sums;
        for j in 0..LANES {
            rr[j] = rr[j] + a[j][0] * b[j][0];
            ii[j] = ii[j] + a[j][1] * b[j][1];
            ri[j] = ri[j] + (a[j][0] * b[j][1] + a[j][1] * b[j][0]);
        }
    }
    for (j, (a, b)) in a.remainder().iter().zip(b.remainder()).enumerate() {
        sums[0][j] = sums[0][j] + a[0] * b[0];
        sums[1][j] = sums[1][j] + a[1] * b[1];
        sums[2][j] = sums[2][j] + (a[0] * b[1] + a[1] * b[0]);
    }
    let [rr, ii, ri] = sums.map(|mut s| {
        let mut w = LANES / 2;
        while w > 0 {
            for j in 0..w {
                s[j] = s[j] + s[j + w];
            }
            w /= 2;
        }
        s[0]
    });
    [rr - ii, ri]
}

/// Parts of complex numbers.
pub(super) trait Part: Copy + Default + Send + Sync + Add<Output = Self> + 'static {
    fn dot() -> Dot<Self>;
}
macro_rules! parts {
    ($($t:ident $base:ident $avx2:ident $avx512:ident;)*) => {$(
        unsafe fn $base(a: *const [$t; 2], b: *const [$t; 2], n: usize) -> [$t; 2] {
            // SAFETY: handed on.
            unsafe { dot(a, b, n) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn $avx2(a: *const [$t; 2], b: *const [$t; 2], n: usize) -> [$t; 2] {
            // SAFETY: handed on.
            unsafe { dot(a, b, n) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma")]
        unsafe fn $avx512(a: *const [$t; 2], b: *const [$t; 2], n: usize) -> [$t; 2] {
            // SAFETY: handed on.
            unsafe { dot(a, b, n) }
        }
        impl Part for $t {
            fn dot() -> Dot<$t> {
                match level() {
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 => $avx512,
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2 => $avx2,
                    _ => $base,
                }
            }
        }
    )*};
}
parts! {
    f32 dot32_base dot32_avx2 dot32_avx512;
    f64 dot64_base dot64_avx2 dot64_avx512;
}

/// The product of a matrix whose rows lie whole and a column; `false`: this is no such product.
///
/// # Errors
/// There is no memory for a copy of the column or for partial sums.
///
/// # Safety
/// The pointers and strides of `p` describe matrices of pairs of `T`; the result is disjoint from the operands.
pub(super) unsafe fn dots<T: Part>(p: &Product, parallel: bool, add: bool) -> Result<bool> {
    let (m, k) = (p.m, p.k);
    if p.n != 1 || k == 0 || p.a_strides.1 != 1 && k != 1 {
        return Ok(false);
    }
    let (a, step) = (p.a as usize, p.a_strides.0 * size_of::<[T; 2]>() as isize);
    let mut b = p.b.cast::<[T; 2]>();
    let mut copy = Block::NONE;
    if p.b_strides.0 != 1 && k != 1 {
        copy = Block::of::<[T; 2]>(k)?;
        // SAFETY: the column has `k` numbers.
        b = copy.filled(k, |i| unsafe { *b.offset(i as isize * p.b_strides.0) }).as_ptr();
    }
    let run = T::dot();
    let row = |i: usize| a.wrapping_add_signed(i as isize * step);
    let put = |i: usize, z: [T; 2]| {
        let to = p.c.cast::<[T; 2]>().wrapping_offset(i as isize * p.c_strides.0);
        // SAFETY: the result has `m` rows.
        unsafe { *to = if add { [(*to)[0] + z[0], (*to)[1] + z[1]] } else { z } };
    };
    let parts = k.div_ceil(PART);
    if m == 1 && parts == 1 {
        // SAFETY: a row of `k` numbers, and as many of the column.
        put(0, unsafe { run(row(0) as *const _, b, k) });
        return Ok(true);
    }
    let sums = Block::of::<[T; 2]>(m * parts)?;
    let (to, column) = (sums.at() as usize, b as usize);
    let lines = (TASK / (k / parts)).max(1);
    let tasks = m.div_ceil(lines);
    each(parallel, m * k >= WOKEN, tasks * parts, |t| {
        let (first, part) = (t / parts * lines, t % parts);
        let from = part * PART;
        for i in first..(first + lines).min(m) {
            // SAFETY: parts of rows and of the column; every sum has its place.
            unsafe {
                let at = |p: usize| (p as *const [T; 2]).add(from);
                *(to as *mut [T; 2]).add(i * parts + part) = run(at(row(i)), at(column), PART.min(k - from));
            }
        }
    });
    // SAFETY: all were written.
    let sums = unsafe { std::slice::from_raw_parts(to as *const [T; 2], m * parts) };
    for (i, list) in sums.chunks(parts).enumerate() {
        put(i, list[1..].iter().fold(list[0], |z, w| [z[0] + w[0], z[1] + w[1]]));
    }
    drop(copy);
    Ok(true)
}
