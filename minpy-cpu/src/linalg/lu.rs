//! LU with row exchanges, as LAPACK's `getrf` chooses them, and what is made of it: `solve`, `inv`, `det`, `slogdet`.
//!
//! The factorisation is that of Toledo, "Locality of Reference in LU Decomposition with Partial Pivoting" (1997): the left half of the columns
//! first, then the right half, by a triangular system and a product. Few columns are done one by one.

use super::field::{Field, add_product, subtract};
use super::triangle::{Triangle, negated};
use super::{Stack, pitch};
use crate::machine::scratch::with_scratch;
use minpy_core::backend::{DTypeSet, KernelCall, Slot};
use minpy_core::{DType, DeviceRef, Error, ErrorKind, Result, kernel};
use num_complex::Complex64;

/// float64 and complex128.
pub(super) const FIELDS: DTypeSet = DTypeSet::of(&[DType::F64, DType::C128]);

kernel!(pub SOLVE: "cpu", Slot::Op("solve"), FIELDS, solve);
kernel!(pub INV: "cpu", Slot::Op("inv"), FIELDS, invert);
kernel!(pub DET: "cpu", Slot::Op("det"), FIELDS, det);
kernel!(pub SLOGDET: "cpu", Slot::Op("slogdet"), FIELDS, slogdet);

/// Columns that are eliminated one by one.
const LEAF: usize = 8;

/// A matrix in working memory, and what the factorisation needs beside it.
struct Work<T> {
    n: usize,
    pitch: usize,
    a: *mut T,
    /// Room for negated rows.
    spare: *mut T,
    /// Which row each row was exchanged with.
    swaps: *mut usize,
}
impl<T: Field> Work<T> {
    /// Calls `f` with room for a matrix of `n` rows, and one of `columns` columns beside it.
    fn with<R>(n: usize, columns: usize, f: impl FnOnce(&Work<T>, *mut T) -> Result<R>) -> Result<R> {
        let pitch = pitch(n);
        let elements = |k: usize| k * size_of::<T>();
        let (matrix, beside) = (elements(n * pitch), elements(n * columns));
        let spare = elements(n * columns.max(n));
        with_scratch(matrix + beside + spare + n * size_of::<usize>() + 64, |at| {
            let work = Work {
                n,
                pitch,
                a: at.cast(),
                spare: at.wrapping_add(matrix + beside).cast(),
                swaps: at.wrapping_add((matrix + beside + spare).next_multiple_of(16)).cast(),
            };
            f(&work, at.wrapping_add(matrix).cast())
        })?
    }
    /// Factors the matrix in place: L without its diagonal of ones below, U above. Whether no pivot is zero.
    ///
    /// # Safety
    /// The matrix is there.
    unsafe fn factor(&self) -> Result<bool> {
        // SAFETY: the caller's promise.
        unsafe { self.columns(0, self.n) }
    }
    /// # Safety
    /// As for `factor`; the columns before `from` are done, and applied to those up to `to`.
    unsafe fn columns(&self, from: usize, to: usize) -> Result<bool> {
        let (n, count) = (self.n, to - from);
        // SAFETY: the caller's promise.
        unsafe {
            if count <= LEAF {
                return Ok(self.eliminate(from, to));
            }
            let middle = from + (count / 2).next_multiple_of(LEAF).min(count - 1);
            let left = self.columns(from, middle)?;
            let (rows, right) = (middle - from, to - middle);
            let at = |i: usize, j: usize| self.a.wrapping_add(i * self.pitch + j);
            let step = self.pitch as isize;
            let above =
                Triangle { at: at(from, from).cast_const(), down: step, across: 1, lower: true, unit: true };
            above.solve(rows, at(from, middle), self.pitch, right, self.spare)?;
            negated(at(from, middle), self.pitch, rows, right, self.spare);
            let below = (at(middle, from).cast_const(), step, 1);
            add_product(
                (n - middle, right, rows),
                below,
                (self.spare, right),
                (at(middle, middle), self.pitch),
            )?;
            Ok(self.columns(middle, to)? && left)
        }
    }
    /// # Safety
    /// As for `columns`.
    unsafe fn eliminate(&self, from: usize, to: usize) -> bool {
        let (n, mut regular) = (self.n, true);
        let row = |i: usize| self.a.wrapping_add(i * self.pitch);
        // SAFETY: the caller's promise.
        unsafe {
            for k in from..to {
                let (mut best, mut size) = (k, (*row(k).add(k)).size());
                for i in k + 1..n {
                    let s = (*row(i).add(k)).size();
                    if s > size {
                        (best, size) = (i, s);
                    }
                }
                *self.swaps.add(k) = best;
                let pivot = *row(best).add(k);
                if pivot == T::ZERO {
                    regular = false;
                    continue;
                }
                if best != k {
                    std::ptr::swap_nonoverlapping(row(k), row(best), n);
                }
                // The reciprocal of a number near the smallest would overflow.
                let inverse = (size >= f64::MIN_POSITIVE).then(|| T::ONE / pivot);
                for i in k + 1..n {
                    let factor = match inverse {
                        Some(inverse) => *row(i).add(k) * inverse,
                        None => *row(i).add(k) / pivot,
                    };
                    *row(i).add(k) = factor;
                    subtract(row(i).add(k + 1), factor, row(k).add(k + 1), to - k - 1);
                }
            }
        }
        regular
    }
    /// Solves with the factors, in place: `b` has `n` rows of `columns` elements.
    ///
    /// # Safety
    /// The matrix is factored and regular; `b` is there.
    unsafe fn solve(&self, b: *mut T, columns: usize) -> Result<()> {
        let (n, step) = (self.n, self.pitch as isize);
        // SAFETY: the caller's promise.
        unsafe {
            for k in 0..n {
                let other = *self.swaps.add(k);
                if other != k {
                    std::ptr::swap_nonoverlapping(b.add(k * columns), b.add(other * columns), columns);
                }
            }
            let l = Triangle { at: self.a.cast_const(), down: step, across: 1, lower: true, unit: true };
            l.solve(n, b, columns, columns, self.spare)?;
            Triangle { lower: false, unit: false, ..l }.solve(n, b, columns, columns, self.spare)
        }
    }
    /// Sign (of modulus 1, or 0) and logarithm of the modulus of the determinant, in LAPACK's and NumPy's order.
    ///
    /// # Safety
    /// The matrix is factored.
    unsafe fn determinant(&self, regular: bool) -> (T, f64) {
        if !regular {
            return (T::ZERO, f64::NEG_INFINITY);
        }
        // SAFETY: the caller's promise.
        unsafe {
            let exchanges = (0..self.n).filter(|&k| *self.swaps.add(k) != k).count();
            let mut sign = if exchanges % 2 == 1 { -T::ONE } else { T::ONE };
            let mut log = 0.0;
            for k in 0..self.n {
                let d = *self.a.add(k * self.pitch + k);
                let modulus = d.modulus();
                sign = sign * d.direction();
                log += modulus.ln();
            }
            (sign, log)
        }
    }
}

#[cold]
fn singular() -> Error {
    Error::new(ErrorKind::LinAlg, "Singular matrix")
}

/// Calls the function for the dtype of a call.
macro_rules! by_field {
    ($call:expr, $f:ident) => {
        match $call.outputs[0].dtype {
            DType::C128 => $f::<Complex64>($call),
            _ => $f::<f64>($call),
        }
    };
}
fn solve(_: DeviceRef, call: &KernelCall) -> Result<()> {
    by_field!(call, solve_in)
}
fn solve_in<T: Field>(call: &KernelCall) -> Result<()> {
    let a = Stack::new(call.inputs[0].view(), 2);
    let (b, x) = (Stack::new(call.inputs[1].view(), 2), Stack::new(&call.outputs[0], 2));
    let (n, columns) = x.sides();
    Work::<T>::with(n, columns, |work, side| {
        for i in 0..x.len() {
            // SAFETY: dispatch gave views of `T` with these sides, and the working memory has room.
            unsafe {
                a.load(i, work.a, work.pitch);
                b.load(i, side, columns);
                if !work.factor()? {
                    return Err(singular());
                }
                work.solve(side, columns)?;
                x.store(i, side.cast_const(), columns);
            }
        }
        Ok(())
    })
}
fn invert(_: DeviceRef, call: &KernelCall) -> Result<()> {
    by_field!(call, invert_in)
}
fn invert_in<T: Field>(call: &KernelCall) -> Result<()> {
    let (a, x) = (Stack::new(call.inputs[0].view(), 2), Stack::new(&call.outputs[0], 2));
    let n = x.sides().0;
    Work::<T>::with(n, n, |work, side| {
        for i in 0..x.len() {
            // SAFETY: as above.
            unsafe {
                a.load(i, work.a, work.pitch);
                if !work.factor()? {
                    return Err(singular());
                }
                for k in 0..n * n {
                    *side.add(k) = if k % (n + 1) == 0 { T::ONE } else { T::ZERO };
                }
                work.solve(side, n)?;
                x.store(i, side.cast_const(), n);
            }
        }
        Ok(())
    })
}
/// Calls `f` with the number, the sign and the logarithm of the determinant of each matrix.
fn determinants<T: Field>(call: &KernelCall, mut f: impl FnMut(usize, T, f64)) -> Result<()> {
    let a = Stack::new(call.inputs[0].view(), 2);
    Work::<T>::with(a.sides().0, 0, |work, _| {
        for i in 0..a.len() {
            // SAFETY: as above.
            let (sign, log) = unsafe {
                a.load(i, work.a, work.pitch);
                let regular = work.factor()?;
                work.determinant(regular)
            };
            f(i, sign, log);
        }
        Ok(())
    })
}
fn det(_: DeviceRef, call: &KernelCall) -> Result<()> {
    by_field!(call, det_in)
}
fn det_in<T: Field>(call: &KernelCall) -> Result<()> {
    let out = Stack::new(&call.outputs[0], 0);
    // SAFETY: the output has one element for each matrix.
    determinants(call, |i, sign: T, log| unsafe { *out.at::<T>(i) = sign * T::real(log.exp()) })
}
fn slogdet(_: DeviceRef, call: &KernelCall) -> Result<()> {
    by_field!(call, slogdet_in)
}
fn slogdet_in<T: Field>(call: &KernelCall) -> Result<()> {
    let (signs, logs) = (Stack::new(&call.outputs[0], 0), Stack::new(&call.outputs[1], 0));
    // SAFETY: as above.
    determinants(call, |i, sign: T, log| unsafe {
        *signs.at::<T>(i) = sign;
        *logs.at::<f64>(i) = log;
    })
}
