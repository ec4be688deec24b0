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

/// Steps taken at once when the lines of the source run along `k`: a cache line of float32, used whole.
const STEPS: usize = 16;

/// Writes `k` groups of `wide` elements: group `l` holds `m[0..n, l]` (`m` has the `n` elements of a group as rows),
/// then zeros.
///
/// # Safety
/// `m` has `n` rows and `k` columns; `to` has room for `k * wide` elements; `n <= wide`.
#[inline(always)]
pub(super) unsafe fn pack<S: Vector>(to: *mut S::T, wide: usize, m: Matrix<S::T>, n: usize, k: usize) {
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
            match (n == wide, wide) {
                (true, 6) => lines::<S::T, 6>(to, m, k),
                (true, 8) => lines::<S::T, 8>(to, m, k),
                (true, 12) => lines::<S::T, 12>(to, m, k),
                (true, 16) => lines::<S::T, 16>(to, m, k),
                (true, 32) => lines::<S::T, 32>(to, m, k),
                _ => {
                    for l in 0..k {
                        std::ptr::copy_nonoverlapping(m.from(0, l).at, to.add(l * wide), n);
                    }
                }
            }
            return;
        }
        if m.col == 1 && n >= 4 && k >= S::QUAD {
            // The last rows and columns are moved together with some that are there already.
            let mut l = 0;
            while l < k {
                let end = (l + STEPS).min(k);
                let mut i = 0;
                while i < n {
                    let row = i.min(n - 4);
                    let from = m.from(row, 0);
                    let mut step = l;
                    while step < end {
                        let s = step.min(k - S::QUAD);
                        S::quad(to.add(s * wide + row), wide, from.at.add(s), m.row);
                        step += S::QUAD;
                    }
                    i += 4;
                }
                l = end;
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

/// `k` lines of `N` neighbours each.
#[inline(always)]
unsafe fn lines<T: Element, const N: usize>(to: *mut T, m: Matrix<T>, k: usize) {
    for l in 0..k {
        // SAFETY: the promise of `pack`, with `N` rows.
        unsafe {
            to.add(l * N).cast::<[T; N]>().write_unaligned(m.from(0, l).at.cast::<[T; N]>().read_unaligned())
        };
    }
}
