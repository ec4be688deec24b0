//! Rules of linear algebra.
//!
//! Sources: M. Giles, "An extended collection of matrix derivative results for forward and reverse mode automatic differentiation" (2008), for
//! `solve`, `inv` and determinants; I. Murray, "Differentiation of the Cholesky decomposition" (arXiv:1602.07527). Gradients of complex
//! matrices follow HIPS autograd: `dL = Re sum(g * dy)`, so that transposes stand here where the papers have conjugate transposes. Where only one
//! triangle of a matrix is read, the gradient is in that triangle.

use crate::rule::Saves;
use crate::{rules, whole};
use minpy_core::ops::*;
use minpy_core::{Array, Result};

fn transposed(a: &Array) -> Result<Array> {
    matrix_transpose(a)
}
fn conjugated(a: &Array) -> Result<Array> {
    if a.dtype().is_complex() { conjugate(a) } else { Ok(a.clone()) }
}
/// The conjugate transpose.
fn adjoint(a: &Array) -> Result<Array> {
    conjugated(&transposed(a)?)
}
/// A number for each matrix as a matrix that broadcasts.
fn spread(a: &Array) -> Result<Array> {
    let n = a.ndim() as isize;
    expand_dims(a, &[n, n + 1])
}
/// `a - b` of what is there.
fn difference(a: Option<Array>, b: Option<Array>) -> Result<Option<Array>> {
    Ok(match (a, b) {
        (Some(a), Some(b)) => Some(subtract(&a, &b)?),
        (None, Some(b)) => Some(negative(&b)?),
        (a, None) => a,
    })
}

// dX = A^-1 (dB - dA X).
whole! { SOLVE: [0 y]
    |s, gs| {
        let Some(g) = &gs[0] else { return Ok(vec![None, None]) };
        let b = solve(&transposed(s.array(0))?, g)?;
        let a = if s.wants(0) { Some(negative(&matmul(&b, &transposed(s.y())?)?)?) } else { None };
        Ok(vec![a, Some(b)])
    },
    ~ |s, ts| {
        let moved = ts[0].as_ref().map(|t| matmul(t, s.y())).transpose()?;
        let change = difference(ts[1].clone(), moved)?;
        Ok(vec![change.map(|c| solve(s.array(0), &c)).transpose()?])
    }
}

/// `-x t x`
fn around(x: &Array, t: &Array) -> Result<Array> {
    negative(&matmul(&matmul(x, t)?, x)?)
}
/// The trace of `A^-1 t` for each matrix, from the transpose of `A^-1`.
fn logarithmic(turned: &Array, t: &Array) -> Result<Array> {
    sum(&multiply(turned, t)?, Some(&[-1, -2]), false)
}
/// The transpose of the inverse of the matrix that was saved.
fn turned(s: &Saves) -> Result<Array> {
    transposed(&inv(s.array(0))?)
}

rules! {
    INV: [y] |s, g| around(&transposed(s.y())?, g), ~ |s, t| around(s.y(), t) ;;
    DET: [0 y] |s, g| multiply(&spread(&multiply(g, s.y())?)?, &turned(s)?), ~ |s, t| multiply(s.y(), &logarithmic(&turned(s)?, t)?) ;;
    CHOLESKY: [y] |s, g| cholesky_back(s.y(), g), ~ |s, t| cholesky_forward(s.y(), t) ;;
}

/// Twice the imaginary part, times i.
fn imaginary(z: &Array) -> Result<Array> {
    subtract(z, &conjugate(z)?)
}
// With w = tr(A^-1 dA): the logarithm changes by Re w, the sign of a complex matrix by sign * i Im w, that of a real one not at all.
whole! { SLOGDET: [0 y]
    |s, gs| {
        let sign = s.result(0);
        let turning = match &gs[0] {
            Some(g) if sign.dtype().is_complex() => Some(divide(&imaginary(&multiply(g, sign)?)?, 2.0)?),
            _ => None,
        };
        let slope = match (&gs[1], turning) {
            (Some(g), Some(t)) => add(g, &t)?,
            (Some(g), None) => g.clone(),
            (None, Some(t)) => t,
            (None, None) => return Ok(vec![None]),
        };
        Ok(vec![Some(multiply(&spread(&slope)?, &turned(s)?)?)])
    },
    ~ |s, ts| {
        let Some(t) = &ts[0] else { return Ok(vec![None, None]) };
        let (w, sign) = (logarithmic(&turned(s)?, t)?, s.result(0));
        if !sign.dtype().is_complex() {
            return Ok(vec![None, Some(w)]);
        }
        let turning = multiply(sign, &divide(&imaginary(&w)?, 2.0)?)?;
        Ok(vec![Some(turning), Some(part(&w, false)?)])
    }
}

/// The lower triangle with half of the diagonal.
fn half(a: &Array) -> Result<Array> {
    divide(&add(&tril(a, 0)?, &tril(a, -1)?)?, 2.0)
}
/// dL = L half(L^-1 dA L^-H), of which dA is what the lower triangle says.
fn cholesky_forward(l: &Array, t: &Array) -> Result<Array> {
    let t = half(t)?;
    let change = add(&t, &adjoint(&t)?)?;
    let left = solve(l, &change)?;
    matmul(l, &half(&adjoint(&solve(l, &adjoint(&left)?)?)?)?)
}
/// The adjoint of that map: S = L^-H half(L^H G) L^-1, and what it says of both triangles brought to the lower one.
fn cholesky_back(l: &Array, g: &Array) -> Result<Array> {
    let turned = adjoint(l)?;
    let inner = half(&matmul(&turned, &conjugated(g)?)?)?;
    let left = solve(&turned, &inner)?;
    let whole = adjoint(&solve(&turned, &adjoint(&left)?)?)?;
    conjugated(&half(&add(&whole, &adjoint(&whole)?)?)?)
}
