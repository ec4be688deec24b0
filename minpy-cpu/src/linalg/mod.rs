//! Linear algebra in float64 and complex128: systems of equations, inverses and determinants by LU (`lu.rs`), factorisations.
//!
//! Operations of their own (`Slot::Op`) of core's `ops/linalg.rs`, which converts what comes in and goes out. A stack of matrices is worked
//! through one by one; each is copied into rows that follow one another, with a pitch that spares the caches.

pub mod cholesky;
mod field;
pub mod lu;
mod triangle;

use field::Field;
use minpy_core::backend::View;

/// Distance between rows of `n` elements in working memory. Rows that lie a power of two apart share few lines of a cache.
fn pitch(n: usize) -> usize {
    if n >= 64 && n.is_multiple_of(32) { n + 8 } else { n }
}

/// A view as a stack of matrices (or, with `axes` 0, of numbers): the last axes are those of one of them.
struct Stack<'a> {
    view: &'a View<'a>,
    axes: usize,
}
impl<'a> Stack<'a> {
    fn new(view: &'a View<'a>, axes: usize) -> Stack<'a> {
        Stack { view, axes }
    }
    fn lead(&self) -> &'a [usize] {
        &self.view.shape[..self.view.shape.len() - self.axes]
    }
    /// How many there are.
    fn len(&self) -> usize {
        self.lead().iter().product()
    }
    /// Rows and columns.
    fn sides(&self) -> (usize, usize) {
        let at = self.view.shape.len() - 2;
        (self.view.shape[at], self.view.shape[at + 1])
    }
    /// Distances between rows and between columns.
    fn steps(&self) -> (isize, isize) {
        let at = self.view.strides.len() - 2;
        (self.view.strides[at], self.view.strides[at + 1])
    }
    /// The first element of number `i`, in C order.
    fn at<T>(&self, mut i: usize) -> *mut T {
        let mut shift = 0isize;
        for (&n, &step) in self.lead().iter().zip(self.view.strides).rev() {
            shift += (i % n) as isize * step;
            i /= n;
        }
        self.view.host_ptr().cast::<T>().wrapping_offset(shift)
    }
    /// Copies matrix `i` into rows `pitch` apart; `each` changes the elements.
    ///
    /// # Safety
    /// The view is one of `T`; there is room.
    unsafe fn load<T: Field>(&self, i: usize, to: *mut T, pitch: usize) {
        let ((rows, columns), (down, across), from) = (self.sides(), self.steps(), self.at::<T>(i));
        for r in 0..rows {
            let (line, to) = (from.wrapping_offset(r as isize * down), to.wrapping_add(r * pitch));
            // SAFETY: the caller's promise.
            unsafe {
                if across == 1 {
                    std::ptr::copy_nonoverlapping(line, to, columns);
                } else {
                    for c in 0..columns {
                        *to.add(c) = *line.wrapping_offset(c as isize * across);
                    }
                }
            }
        }
    }
    /// Copies rows `pitch` apart into matrix `i`.
    ///
    /// # Safety
    /// The view is one of `T`, to be written; the rows are there.
    unsafe fn store<T: Field>(&self, i: usize, from: *const T, pitch: usize) {
        let ((rows, columns), (down, across), to) = (self.sides(), self.steps(), self.at::<T>(i));
        for r in 0..rows {
            let line = to.wrapping_offset(r as isize * down);
            for c in 0..columns {
                // SAFETY: the caller's promise.
                unsafe { *line.wrapping_offset(c as isize * across) = *from.add(r * pitch + c) };
            }
        }
    }
}
