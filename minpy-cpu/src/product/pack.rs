//! Copies of operands in the order in which the tiles read them.
//!
//! B becomes panels: `k` rows of as many elements as a tile is wide, padded with zeros. A becomes strips: `k` columns
//! of as many elements as a tile is high.

use super::tile::{Element, Vector};

/// A matrix in memory: address of its first element, distances between rows and columns in elements.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<T> {
    pub at: *const T,
    pub row: isize,
    pub col: isize,
}
// SAFETY: a view of memory that dispatch keeps alive, and nobody writes, during the call.
unsafe impl<T> Send for Matrix<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Matrix<T> {}

impl<T> Matrix<T> {
    /// The part that begins at row `i` and column `j`.
    pub fn from(&self, i: usize, j: usize) -> Matrix<T> {
        let by = i as isize * self.row + j as isize * self.col;
        Matrix { at: self.at.wrapping_offset(by), ..*self }
    }
    /// Rows and columns exchanged.
    pub fn t(&self) -> Matrix<T> {
        Matrix { at: self.at, row: self.col, col: self.row }
    }
}

/// Steps taken at once. Where the lines of the source run along `k`: a cache line of float32, used whole. Where they run
/// across: 16 and 32 are half a percent of 512 x 512 x 512 faster than 8 and all, 3, 7 and 11 % faster than 4, 2 and 1.
const STEPS: usize = 16;

/// Writes strips of `wide` rows of `m`, one after another: `k` groups of `wide` elements, of which group `l` holds column `l`
/// of its rows; the last strip has zeros for the rows that are missing.
///
/// # Safety
/// `m` has `n` rows and `k` columns; `to` has room for whole strips.
#[inline(always)]
pub(super) unsafe fn pack<S: Vector>(to: *mut S::T, wide: usize, m: Matrix<S::T>, n: usize, k: usize) {
    let whole = n / wide * wide;
    // SAFETY: the caller's promise.
    unsafe {
        macro_rules! lines {
            ($($wide:literal)*) => {
                match wide {
                    $($wide if m.row == 1 => lines::<S::T, $wide>(to, m, whole, k),)*
                    _ => 0,
                }
            };
        }
        // The heights and widths of tiles.
        let first = lines!(4 5 6 7 8 9 10 11 12 16 32);
        for i in (first..n).step_by(wide) {
            strip::<S>(to.add(i * k), wide, m.from(i, 0), wide.min(n - i), k);
        }
    }
}

/// One strip of `n` rows.
#[inline(always)]
unsafe fn strip<S: Vector>(to: *mut S::T, wide: usize, m: Matrix<S::T>, n: usize, k: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        if n < wide {
            for l in 0..k {
                for i in n..wide {
                    to.add(l * wide + i).write(S::T::ZERO);
                }
            }
        }
        if m.row == 1 {
            for l in 0..k {
                std::ptr::copy_nonoverlapping(m.from(0, l).at, to.add(l * wide), n);
            }
            return;
        }
        if m.col == 1 && n >= S::FEW && k >= S::FEW {
            // The last rows and columns are moved together with some that are there already.
            for l in (0..k).step_by(STEPS) {
                let end = (l + STEPS).min(k);
                let mut i = 0;
                while i < n {
                    let parts = ((n - i) / S::FEW).clamp(1, S::N / S::FEW);
                    let row = i.min(n - S::FEW);
                    macro_rules! turn {
                        ($parts:literal) => {
                            for step in (l..end).step_by(S::FEW) {
                                let s = step.min(k - S::FEW);
                                S::turn::<$parts>(to.add(s * wide + row), wide, m.from(row, s).at, m.row);
                            }
                        };
                    }
                    match parts {
                        1 => turn!(1),
                        2 => turn!(2),
                        3 => turn!(3),
                        _ => turn!(4),
                    }
                    i += parts * S::FEW;
                }
            }
            return;
        }
        for l in 0..k {
            for i in 0..n {
                *to.add(l * wide + i) = *m.from(i, l).at;
            }
        }
    }
}

/// Strips of `N` rows, where columns lie whole: some columns at once for all strips, in the order of memory. The rows done.
#[inline(always)]
unsafe fn lines<T: Element, const N: usize>(to: *mut T, m: Matrix<T>, n: usize, k: usize) -> usize {
    for l in (0..k).step_by(STEPS) {
        for i in (0..n).step_by(N) {
            for l in l..(l + STEPS).min(k) {
                // SAFETY: the promise of `pack`.
                unsafe {
                    let line = m.from(i, l).at.cast::<[T; N]>().read_unaligned();
                    to.add(i * k + l * N).cast::<[T; N]>().write_unaligned(line);
                }
            }
        }
    }
    n
}
