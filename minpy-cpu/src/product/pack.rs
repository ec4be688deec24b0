//! Copies of operands in the order in which the tiles read them.
//!
//! B becomes panels: `k` rows of as many elements as a tile is wide, padded with zeros. A becomes strips: `k` columns
//! of as many elements as a tile is high.

use super::tile::Element;

/// A matrix in memory: address of its first element, distances between rows and columns in elements.
#[derive(Clone, Copy)]
pub(super) struct Matrix<T> {
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

/// Steps taken at once when the lines of the source run along `k`: their cache lines stay until all is used.
const STEPS: usize = 16;

/// Writes `k` groups of `wide` elements: group `l` holds `m[0..n, l]` (`m` has the `n` elements of a group as rows),
/// then zeros.
///
/// # Safety
/// `m` has `n` rows and `k` columns; `to` has room for `k * wide` elements; `n <= wide`.
#[inline]
pub(super) unsafe fn pack<T: Element>(to: *mut T, wide: usize, m: Matrix<T>, n: usize, k: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        if n < wide {
            for l in 0..k {
                for i in n..wide {
                    to.add(l * wide + i).write(T::ZERO);
                }
            }
        }
        if m.row == 1 {
            match (n == wide, wide) {
                (true, 6) => lines::<T, 6>(to, m, k),
                (true, 8) => lines::<T, 8>(to, m, k),
                (true, 12) => lines::<T, 12>(to, m, k),
                (true, 16) => lines::<T, 16>(to, m, k),
                (true, 32) => lines::<T, 32>(to, m, k),
                _ => {
                    for l in 0..k {
                        std::ptr::copy_nonoverlapping(m.from(0, l).at, to.add(l * wide), n);
                    }
                }
            }
            return;
        }
        let mut l = 0;
        while l < k {
            let steps = STEPS.min(k - l);
            let mut i = 0;
            if m.col == 1 && steps == STEPS {
                while i + SQUARE <= n {
                    square(to.add(l * wide + i), wide, m.from(i, l));
                    i += SQUARE;
                }
            }
            while i < n {
                let from = m.from(i, l);
                for s in 0..steps {
                    *to.add((l + s) * wide + i) = *from.at.offset(s as isize * from.col);
                }
                i += 1;
            }
            l += steps;
        }
    }
}

/// Rows exchanged with columns at once, in registers.
const SQUARE: usize = 8;

/// Transposes `SQUARE` rows of `STEPS` neighbours. Three rounds of interleaving halves: loops over arrays of constant
/// size, which the compiler turns into shuffles.
#[inline]
unsafe fn square<T: Element>(to: *mut T, wide: usize, m: Matrix<T>) {
    for half in (0..STEPS).step_by(SQUARE) {
        let mut x = [[T::ZERO; SQUARE]; SQUARE];
        for (i, row) in x.iter_mut().enumerate() {
            // SAFETY: the promise of `pack`: these rows and columns exist.
            *row = unsafe { m.from(i, half).at.cast::<[T; SQUARE]>().read_unaligned() };
        }
        for _ in 0..3 {
            let mut y = [[T::ZERO; SQUARE]; SQUARE];
            for i in 0..SQUARE / 2 {
                for j in 0..SQUARE / 2 {
                    y[2 * i][2 * j] = x[i][j];
                    y[2 * i][2 * j + 1] = x[i + SQUARE / 2][j];
                    y[2 * i + 1][2 * j] = x[i][j + SQUARE / 2];
                    y[2 * i + 1][2 * j + 1] = x[i + SQUARE / 2][j + SQUARE / 2];
                }
            }
            x = y;
        }
        for (l, row) in x.iter().enumerate() {
            // SAFETY: the groups `half..half + SQUARE` have room for `SQUARE` elements from `to` on.
            unsafe { to.add((half + l) * wide).cast::<[T; SQUARE]>().write_unaligned(*row) };
        }
    }
}

/// `k` lines of `N` neighbours each.
#[inline]
unsafe fn lines<T: Element, const N: usize>(to: *mut T, m: Matrix<T>, k: usize) {
    for l in 0..k {
        // SAFETY: the promise of `pack`, with `N` rows.
        unsafe {
            to.add(l * N).cast::<[T; N]>().write_unaligned(m.from(0, l).at.cast::<[T; N]>().read_unaligned())
        };
    }
}
