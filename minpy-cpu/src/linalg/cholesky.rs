//! Cholesky's factor of a Hermitian positive definite matrix, of which the lower triangle is read.
//!
//! Its conjugate transpose is computed, by rows: the upper left half, the rows beside it by a triangular system, and what is left of the lower
//! right half by a product.

use super::field::{Field, add_product, subtract};
use super::lu::FIELDS;
use super::triangle::Triangle;
use super::{Stack, pitch};
use crate::machine::scratch::with_scratch;
use minpy_core::backend::{KernelCall, Slot};
use minpy_core::{DType, DeviceRef, Error, ErrorKind, Result, kernel};
use num_complex::Complex64;

kernel!(pub ENTRY: "cpu", Slot::Op("cholesky"), FIELDS, cholesky);

/// Rows that are done one by one.
const LEAF: usize = 16;

fn cholesky(_: DeviceRef, call: &KernelCall) -> Result<()> {
    match call.outputs[0].dtype {
        DType::C128 => cholesky_in::<Complex64>(call),
        _ => cholesky_in::<f64>(call),
    }
}
fn cholesky_in<T: Field>(call: &KernelCall) -> Result<()> {
    let (a, l) = (Stack::new(call.inputs[0].view(), 2), Stack::new(&call.outputs[0], 2));
    let n = l.sides().0;
    let pitch = pitch(n);
    with_scratch((n * pitch + n * n) * size_of::<T>(), |at| {
        let (u, spare) = (at.cast::<T>(), at.cast::<T>().wrapping_add(n * pitch));
        for i in 0..l.len() {
            let ((down, across), from) = (a.steps(), a.at::<T>(i));
            // SAFETY: dispatch gave square views of `T`, and the working memory has room.
            unsafe {
                for r in 0..n {
                    for c in 0..=r {
                        let x = *from.wrapping_offset(r as isize * down + c as isize * across);
                        *u.add(c * pitch + r) = x.conjugate();
                    }
                }
                if !factor(u, n, pitch, spare)? {
                    return Err(Error::new(ErrorKind::LinAlg, "Matrix is not positive definite"));
                }
                let ((down, across), to) = (l.steps(), l.at::<T>(i));
                for r in 0..n {
                    for c in 0..n {
                        let x = if c <= r { (*u.add(c * pitch + r)).conjugate() } else { T::ZERO };
                        *to.wrapping_offset(r as isize * down + c as isize * across) = x;
                    }
                }
            }
        }
        Ok(())
    })?
}

/// The factor in place of the upper triangle; what is below the diagonal may be overwritten. Whether there is one.
///
/// # Safety
/// `n` rows, `pitch` apart, and room for `n * n` elements at `spare`.
unsafe fn factor<T: Field>(u: *mut T, n: usize, pitch: usize, spare: *mut T) -> Result<bool> {
    let at = |i: usize, j: usize| u.wrapping_add(i * pitch + j);
    // SAFETY: the caller's promise.
    unsafe {
        if n <= LEAF {
            for k in 0..n {
                let d = (*at(k, k)).re();
                // NaN goes on to the result, as in OpenBLAS.
                if d <= 0.0 {
                    return Ok(false);
                }
                let root = d.sqrt();
                *at(k, k) = T::real(root);
                let inverse = T::real(1.0 / root);
                (k + 1..n).for_each(|j| *at(k, j) = *at(k, j) * inverse);
                for i in k + 1..n {
                    subtract(at(i, i), (*at(k, i)).conjugate(), at(k, i), n - i);
                }
            }
            return Ok(true);
        }
        let half = (n / 2).next_multiple_of(LEAF).min(n - 1);
        let rest = n - half;
        if !factor(u, half, pitch, spare)? {
            return Ok(false);
        }
        let room = spare.add(half * half);
        for i in 0..half {
            for j in i..half {
                *spare.add(j * half + i) = (*at(i, j)).conjugate();
            }
        }
        let l = Triangle { at: spare.cast_const(), down: half as isize, across: 1, lower: true, unit: false };
        l.solve(half, at(0, half), pitch, rest, room)?;
        for i in 0..half {
            for j in 0..rest {
                *room.add(i * rest + j) = -(*at(i, half + j)).conjugate();
            }
        }
        let turned = (room.cast_const(), 1, rest as isize);
        add_product((rest, rest, half), turned, (at(0, half), pitch), (at(half, half), pitch))?;
        factor(at(half, half), rest, pitch, spare)
    }
}
