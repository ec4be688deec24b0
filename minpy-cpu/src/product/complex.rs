//! Products of complex matrices by the tiles of real ones, of twice as many columns: a complex number is two of them.
//!
//! `[x, y] * z` is `x * z + y * iz`, so that rows of A and C are taken as they lie, as rows of real numbers, if each row of B
//! is followed by the same row times i. Or A is taken apart, B is read as it lies, and two products are put together. What
//! costs fewer copies is done.

use super::complex_dot::{Part, dots};
use super::tile::Element;
use super::{Product, product};
use crate::machine::pool::Block;
use crate::machine::simd::level;
use minpy_core::Result;

/// The product of matrices of pairs of `T`, if this machine has tiles for it; `false` leaves it to the caller. `add`: adds it
/// to C.
///
/// # Errors
/// There is no memory for copies of the operands.
///
/// # Safety
/// The pointers and strides of `p` describe matrices of pairs of `T`; the result is disjoint from the operands.
pub(crate) unsafe fn complex<T: Element + Part + std::ops::Sub<Output = T>>(
    p: &Product,
    parallel: bool,
    add: bool,
) -> Result<bool> {
    let p = Product { finish: None, ..*p };
    // The transposed product has the transposed result.
    let other = Product {
        m: p.n,
        n: p.m,
        a: p.b,
        a_strides: (p.b_strides.1, p.b_strides.0),
        b: p.a,
        b_strides: (p.a_strides.1, p.a_strides.0),
        c_strides: (p.c_strides.1, p.c_strides.0),
        ..p
    };
    // SAFETY: handed on.
    if unsafe { dots::<T>(&p, parallel, add)? || dots::<T>(&other, parallel, add)? } {
        return Ok(true);
    }
    if T::tiles(level()).is_none() {
        return Ok(false);
    }
    let ways = [&p, &other].map(|p| [(expanded_cost(p), p, true), (apart_cost(p), p, false)]);
    let cheapest = ways.as_flattened().iter().filter_map(|(cost, p, e)| Some(((*cost)?, *p, *e)));
    let Some((_, p, expand)) = cheapest.min_by_key(|way| way.0) else { return Ok(false) };
    // SAFETY: handed on.
    unsafe { if expand { expanded::<T>(p, parallel, add) } else { apart::<T>(p, parallel, add) } }
        .map(|()| true)
}

/// Whether the numbers of each row lie one after another.
fn whole(stride: isize, count: usize) -> bool {
    stride == 1 || count == 1
}
fn expanded_cost(p: &Product) -> Option<usize> {
    let a = if whole(p.a_strides.1, p.k) { 0 } else { p.m * p.k };
    whole(p.c_strides.1, p.n).then_some(a + 2 * p.k * p.n)
}
fn apart_cost(p: &Product) -> Option<usize> {
    let b = if whole(p.b_strides.1, p.n) { 0 } else { p.k * p.n };
    Some(p.m * p.k + b + 4 * p.m * p.n)
}

/// Numbers that are copied to a place of their own: `rows` x `cols` of them.
///
/// # Safety
/// A matrix of pairs of `T` lies at `from`; `put` is given each row and column with its pair.
unsafe fn each<T: Element>(
    from: *const u8,
    (row, col): (isize, isize),
    rows: usize,
    cols: usize,
    mut put: impl FnMut(usize, usize, [T; 2]),
) {
    let from = from.cast::<[T; 2]>();
    for i in 0..rows {
        let line = from.wrapping_offset(i as isize * row);
        for j in 0..cols {
            // SAFETY: the caller's promise.
            put(i, j, unsafe { *line.wrapping_offset(j as isize * col) });
        }
    }
}

/// The matrix as rows of real numbers: where it lies, or a copy. The address, and the distance between rows.
///
/// # Safety
/// As for `each`; the copy lives as long as `memory`.
unsafe fn as_real<T: Element>(
    at: *const u8,
    strides: (isize, isize),
    rows: usize,
    cols: usize,
    memory: &mut Block,
) -> Result<(*const u8, isize)> {
    if whole(strides.1, cols) {
        return Ok((at, 2 * strides.0));
    }
    *memory = Block::of::<[T; 2]>(rows * cols)?;
    let to = memory.at().cast::<[T; 2]>();
    // SAFETY: the caller's promise; the copy has room for all of it.
    unsafe { each::<T>(at, strides, rows, cols, |i, j, z| *to.add(i * cols + j) = z) };
    Ok((to.cast(), 2 * cols as isize))
}

/// # Safety
/// As for `complex`; rows of C lie whole.
unsafe fn expanded<T: Element + std::ops::Sub<Output = T>>(
    p: &Product,
    parallel: bool,
    add: bool,
) -> Result<()> {
    let (m, n, k) = (p.m, p.n, p.k);
    let double = Block::of::<[T; 4]>(k * n)?;
    let mut copy = Block::NONE;
    let to = double.at().cast::<[T; 2]>();
    // SAFETY: the caller's promise; there is room for two rows for each of B.
    unsafe {
        each::<T>(p.b, p.b_strides, k, n, |l, j, [re, im]| {
            *to.add(2 * l * n + j) = [re, im];
            *to.add((2 * l + 1) * n + j) = [T::ZERO - im, re];
        });
        let (a, a_row) = as_real::<T>(p.a, p.a_strides, m, k, &mut copy)?;
        let real = Product {
            n: 2 * n,
            k: 2 * k,
            a,
            a_strides: (a_row, 1),
            b: to.cast(),
            b_strides: (2 * n as isize, 1),
            c_strides: (2 * p.c_strides.0, 1),
            ..*p
        };
        product::<T>(&real, parallel, add)?;
    }
    Ok(())
}

/// # Safety
/// As for `complex`.
unsafe fn apart<T: Element + std::ops::Sub<Output = T>>(
    p: &Product,
    parallel: bool,
    add: bool,
) -> Result<()> {
    let (m, n, k) = (p.m, p.n, p.k);
    let (parts, result) = (Block::of::<[T; 2]>(m * k)?, Block::of::<[T; 4]>(m * n)?);
    let mut copy = Block::NONE;
    let to = parts.at().cast::<T>();
    // SAFETY: the caller's promise; the blocks have room for both parts of A, and for what B is multiplied with each of them.
    unsafe {
        each::<T>(p.a, p.a_strides, m, k, |i, l, [re, im]| {
            *to.add(i * k + l) = re;
            *to.add((m + i) * k + l) = im;
        });
        let (b, b_row) = as_real::<T>(p.b, p.b_strides, k, n, &mut copy)?;
        let real = Product {
            m: 2 * m,
            n: 2 * n,
            k,
            a: to.cast(),
            a_strides: (k as isize, 1),
            b,
            b_strides: (b_row, 1),
            c: result.at(),
            c_strides: (2 * n as isize, 1),
            finish: None,
        };
        product::<T>(&real, parallel, false)?;
        let both = result.at().cast::<[T; 2]>();
        for i in 0..m {
            for j in 0..n {
                let ([x, y], [u, v]) = (*both.add(i * n + j), *both.add((m + i) * n + j));
                let at =
                    p.c.cast::<[T; 2]>()
                        .wrapping_offset(i as isize * p.c_strides.0 + j as isize * p.c_strides.1);
                let z = [x - v, y + u];
                *at = if add { [(*at)[0] + z[0], (*at)[1] + z[1]] } else { z };
            }
        }
    }
    Ok(())
}
