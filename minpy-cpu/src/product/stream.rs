//! Products with few columns, down to one: bound by reading the large operand, which is read once, where it lies.
//!
//! Along its rows (`dots`): several rows at once, each multiplied with all columns of the small operand. Across its
//! rows (`sums`): several rows at once, added with factors to all rows of the result.

use super::each;
use super::pack::Matrix;
use super::tile::{Element, Tiles, Vector, get, put};
use crate::machine::pool::Block;
use crate::machine::scratch::with_scratch;
use minpy_core::Result;

/// `(m, k, a, b, c, add)`: `c[i, j]` is the product of row `i` of `a` with row `j` of `b`, or that added to what is
/// there. Rows of `a` and `b` lie whole; `c` is written.
pub(crate) type Dots<T> = unsafe fn(usize, usize, Matrix<T>, Matrix<T>, Matrix<T>, bool);
/// `(n, k, a, b, c)`: adds `a * b` to `c`, with `n` columns. Rows of `b` and `c` lie whole.
pub(crate) type Sums<T> = unsafe fn(usize, usize, Matrix<T>, Matrix<T>, Matrix<T>);

/// Most columns of the small operand.
pub(crate) const MOST: usize = 6;

/// Registers of a machine with vectors of `S`.
const fn registers<S: Vector>() -> usize {
    if S::N * size_of::<S::T>() == 64 { 32 } else { 16 }
}

#[inline(always)]
pub(super) unsafe fn dots<S: Vector, const N: usize>(
    m: usize,
    k: usize,
    a: Matrix<S::T>,
    b: Matrix<S::T>,
    c: Matrix<S::T>,
    add: bool,
) {
    // Sums of `lines * N` elements, and the registers that feed them.
    let lines = const {
        if N == 1 {
            8
        } else if registers::<S>() == 32 || N <= 3 {
            4
        } else {
            2
        }
    };
    // SAFETY: the caller vouches for `m` rows of `a`, `N` of `b` and `m` x `N` elements of `c`.
    unsafe {
        macro_rules! rows {
            ($i:expr, $lines:expr) => {
                let mut sums = [[S::zero(); N]; 8];
                let at = a.from($i, 0);
                macro_rules! step {
                    ($l:expr, $part:expr, $mask:expr) => {
                        let mut y = [S::zero(); N];
                        for (j, y) in y.iter_mut().enumerate() {
                            *y = get::<S>(b.at.offset(j as isize * b.row).add($l), $part, $mask);
                        }
                        for (i, s) in sums.iter_mut().take($lines).enumerate() {
                            let x = get::<S>(at.at.offset(i as isize * a.row).add($l), $part, $mask);
                            for (s, &y) in s.iter_mut().zip(&y) {
                                *s = S::fma(x, y, *s);
                            }
                        }
                    };
                }
                let mut l = 0;
                while l + S::N <= k {
                    step!(l, false, S::mask(S::N));
                    l += S::N;
                }
                if l < k {
                    let mask = S::mask(k - l);
                    step!(l, true, mask);
                }
                for (i, s) in sums.iter().take($lines).enumerate() {
                    for (j, &s) in s.iter().enumerate() {
                        let to = c.from($i + i, j).at.cast_mut();
                        let x = S::sum(s);
                        *to = if add { *to + x } else { x };
                    }
                }
            };
        }
        let mut i = 0;
        while i + lines <= m {
            rows!(i, lines);
            i += lines;
        }
        while i < m {
            rows!(i, 1);
            i += 1;
        }
    }
}

#[inline(always)]
pub(super) unsafe fn sums<S: Vector, const N: usize>(
    n: usize,
    k: usize,
    a: Matrix<S::T>,
    b: Matrix<S::T>,
    c: Matrix<S::T>,
) {
    // Rows of `b` at once: their factors for `N` results, the sums and a row take the registers.
    let deep =
        const { if registers::<S>() == 32 { [8, 8, 8, 4, 4, 4][N - 1] } else { [8, 4, 3, 2, 1, 1][N - 1] } };
    // SAFETY: the caller vouches for `N` rows and `k` columns of `a`, and `n` columns of `k` rows of `b` and `N` of `c`.
    unsafe {
        macro_rules! rows {
            ($l:expr, $deep:expr) => {
                let mut x = [[S::zero(); N]; 8];
                for (l, x) in x.iter_mut().take($deep).enumerate() {
                    for (i, x) in x.iter_mut().enumerate() {
                        *x = S::splat(a.from(i, $l + l).at);
                    }
                }
                let from = b.from($l, 0);
                macro_rules! step {
                    ($j:expr, $part:expr, $mask:expr) => {
                        let mut sums = [S::zero(); N];
                        for (i, s) in sums.iter_mut().enumerate() {
                            *s = get::<S>(c.at.offset(i as isize * c.row).add($j), $part, $mask);
                        }
                        for (l, x) in x.iter().take($deep).enumerate() {
                            let y = get::<S>(from.at.offset(l as isize * b.row).add($j), $part, $mask);
                            for (s, &x) in sums.iter_mut().zip(x) {
                                *s = S::fma(x, y, *s);
                            }
                        }
                        for (i, &s) in sums.iter().enumerate() {
                            put::<S>(c.at.cast_mut().offset(i as isize * c.row).add($j), $part, $mask, s);
                        }
                    };
                }
                let mut j = 0;
                while j + S::N <= n {
                    step!(j, false, S::mask(S::N));
                    j += S::N;
                }
                if j < n {
                    let mask = S::mask(n - j);
                    step!(j, true, mask);
                }
            };
        }
        let mut l = 0;
        while l + deep <= k {
            rows!(l, deep);
            l += deep;
        }
        while l < k {
            rows!(l, 1);
            l += 1;
        }
    }
}

/// Bytes of the large operand from which on other threads help.
const SHARED: usize = 256 << 10;
/// Bytes of the large operand from which on they are woken for it.
const WOKEN: usize = 1 << 20;
/// Bytes of the large operand that one task reads, about.
const TASK: usize = 128 << 10;
/// What a task of `sums` has of the result: it stays in the first-level cache.
const RESULT: usize = 16 << 10;
/// Most parts of `k`: each has a result of its own, and they are added in order.
const PARTS: usize = 16;

/// The product of `a` (`m` x `k`) and `b` with at most `MOST` columns, `n`, if `a` can be read in place.
///
/// # Safety
/// As for `product`, with `c` written.
pub(super) unsafe fn stream<T: Element>(
    tiles: &'static Tiles<T>,
    (m, n, k): (usize, usize, usize),
    (a, b, c): (Matrix<T>, Matrix<T>, Matrix<T>),
    parallel: bool,
    add: bool,
) -> Result<bool> {
    let size = size_of::<T>();
    let parallel = parallel && m * k * size >= SHARED;
    let long = m * k * size >= WOKEN;
    // Parts of `k` where the result alone has too few parts for several threads. By sizes alone: the number of
    // threads must not change how a sum is rounded.
    let split = |lines: usize| {
        if m * k * size < SHARED || lines >= 8 {
            1
        } else {
            (m * k * size / TASK).min(k / 64).clamp(1, PARTS)
        }
    };
    // SAFETY: the caller's promise; tasks write disjoint parts of the result or of memory for partial results.
    unsafe {
        if a.col == 1 && k >= 4 * tiles.lanes {
            let run = tiles.dots[n - 1];
            let lines = (TASK / (k * size)).max(1).next_multiple_of(8);
            let tasks = m.div_ceil(lines);
            let parts = split(tasks);
            let whole = b.row == 1;
            let done = with_scratch(if whole { 0 } else { n * k * size }, |memory| {
                let b = if whole {
                    b.t()
                } else {
                    let to = memory.cast::<T>();
                    for j in 0..n {
                        (tiles.pack)(to.add(j * k), 1, b.from(0, j).t(), 1, k);
                    }
                    Matrix { at: to.cast_const(), row: k as isize, col: 1 }
                };
                if parts == 1 {
                    each(parallel, long, tasks, |t| {
                        let from = t * lines;
                        run(lines.min(m - from), k, a.from(from, 0), b, c.from(from, 0), add);
                    });
                    return Ok(true);
                }
                in_parts(parts, (m, n, k), c, parallel, add, |l, depth, to| {
                    run(m, depth, a.from(0, l), b.from(0, l), to, false);
                    Ok(())
                })
            });
            // No room for a copy of B: the tiles take it in panels.
            return done.unwrap_or(Ok(false));
        }
        if a.row == 1 && m >= tiles.lanes {
            let run = tiles.sums[n - 1];
            let cols = RESULT / (n * size) / tiles.lanes * tiles.lanes;
            let tasks = m.div_ceil(cols);
            let parts = split(tasks);
            if parts == 1 && c.row == 1 {
                each(parallel, long, tasks, |t| {
                    let from = t * cols;
                    let (cols, to) = (cols.min(m - from), c.from(from, 0).t());
                    if !add {
                        clear(to, n, cols);
                    }
                    run(cols, k, b.t(), a.from(from, 0).t(), to);
                });
                return Ok(true);
            }
            return in_parts(parts, (m, n, k), c, parallel, add, |l, depth, to| {
                let to = to.t();
                clear(to, n, m);
                for from in (0..m).step_by(cols) {
                    let cols = cols.min(m - from);
                    run(cols, depth, b.from(l, 0).t(), a.from(from, l).t(), to.from(0, from));
                }
                Ok(())
            });
        }
    }
    Ok(false)
}

/// Zeros in `rows` rows that lie whole.
unsafe fn clear<T: Element>(m: Matrix<T>, rows: usize, cols: usize) {
    for i in 0..rows {
        // SAFETY: the caller's promise. Zero bytes are the number 0.
        unsafe { m.from(i, 0).at.cast_mut().write_bytes(0, cols) };
    }
}

/// Computes partial products for `parts` parts of `k` and adds them in order to the result.
/// `body(first, depth, result)` writes its part to a result in columns. `false`: there is no memory for them.
pub(super) unsafe fn in_parts<T: Element>(
    parts: usize,
    (m, n, k): (usize, usize, usize),
    c: Matrix<T>,
    parallel: bool,
    add: bool,
    body: impl Fn(usize, usize, Matrix<T>) -> Result<()> + Sync,
) -> Result<bool> {
    let step = k.div_ceil(parts);
    let parts = k.div_ceil(step);
    let Ok(memory) = Block::of::<T>(parts * m * n) else { return Ok(false) };
    let all = Matrix { at: memory.at().cast_const().cast::<T>(), row: 1, col: m as isize };
    each(parallel, true, parts, |p| body(p * step, step.min(k - p * step), all.from(0, p * n)))?;
    // SAFETY: all parts were written; the caller vouches for `c`.
    unsafe {
        let sums = std::slice::from_raw_parts_mut(all.at.cast_mut(), parts * m * n);
        let (first, rest) = sums.split_at_mut(m * n);
        for part in rest.chunks_exact(m * n) {
            for (x, &y) in first.iter_mut().zip(part) {
                *x = *x + y;
            }
        }
        for j in 0..n {
            for i in 0..m {
                let (to, x) = (c.from(i, j).at.cast_mut(), first[j * m + i]);
                *to = if add { *to + x } else { x };
            }
        }
    }
    Ok(true)
}
