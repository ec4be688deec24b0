//! Systems of equations with a triangular matrix, in halves: what is not on the diagonal is a matrix product.

use super::field::{Field, add_product, subtract};
use minpy_core::Result;

/// Rows that are solved one by one.
const LEAF: usize = 16;

/// A triangular matrix with any strides: below (`lower`) or above the diagonal, which is all ones where it is `unit`.
#[derive(Clone, Copy)]
pub(super) struct Triangle<T> {
    pub at: *const T,
    pub down: isize,
    pub across: isize,
    pub lower: bool,
    pub unit: bool,
}
impl<T: Field> Triangle<T> {
    /// # Safety
    /// The element is there.
    #[inline(always)]
    unsafe fn get(&self, i: usize, j: usize) -> T {
        // SAFETY: the caller's promise.
        unsafe { *self.place(i, j) }
    }
    #[inline(always)]
    fn place(&self, i: usize, j: usize) -> *const T {
        self.at.wrapping_offset(i as isize * self.down + j as isize * self.across)
    }
    /// Solves `triangle * X = B` in place, `B` of `n` rows, `pitch` apart, of `columns` elements. `work` has room for `B`.
    ///
    /// # Safety
    /// The triangle has `n` rows; all is there and disjoint.
    pub unsafe fn solve(self, n: usize, b: *mut T, pitch: usize, columns: usize, work: *mut T) -> Result<()> {
        if n <= LEAF || columns < 4 {
            // SAFETY: the caller's promise.
            unsafe { self.solve_rows(n, b, pitch, columns) };
            return Ok(());
        }
        let half = (n / 2).next_multiple_of(LEAF).min(n - 1);
        let rest = n - half;
        let first = (self, b, half, 0);
        let second =
            (Triangle { at: self.place(half, half), ..self }, b.wrapping_add(half * pitch), rest, half);
        let (one, two) = if self.lower { (first, second) } else { (second, first) };
        // SAFETY: the caller's promise, for halves of the rows.
        unsafe {
            one.0.solve(one.2, one.1, pitch, columns, work)?;
            negated(one.1, pitch, one.2, columns, work);
            let side = (self.place(two.3, one.3), self.down, self.across);
            add_product((two.2, columns, one.2), side, (work, columns), (two.1, pitch))?;
            two.0.solve(two.2, two.1, pitch, columns, work)
        }
    }
    /// # Safety
    /// As for `solve`.
    #[inline(always)]
    unsafe fn solve_rows(self, n: usize, b: *mut T, pitch: usize, columns: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            for step in 0..n {
                let i = if self.lower { step } else { n - 1 - step };
                let row = b.add(i * pitch);
                let before = if self.lower { 0..i } else { i + 1..n };
                if columns == 1 {
                    let mut x = *row;
                    for j in before {
                        x = x - self.get(i, j) * *b.add(j * pitch);
                    }
                    *row = x;
                } else {
                    before.for_each(|j| subtract(row, self.get(i, j), b.add(j * pitch), columns));
                }
                if !self.unit {
                    let d = self.get(i, i);
                    (0..columns).for_each(|c| *row.add(c) = *row.add(c) / d);
                }
            }
        }
    }
}

/// `work = -rows`, without gaps.
///
/// # Safety
/// The rows are there, and room for them.
pub(super) unsafe fn negated<T: Field>(rows: *const T, pitch: usize, n: usize, columns: usize, work: *mut T) {
    for i in 0..n {
        for c in 0..columns {
            // SAFETY: the caller's promise.
            unsafe { *work.add(i * columns + c) = -*rows.add(i * pitch + c) };
        }
    }
}
