//! Parts of matrices: triangles and diagonals.

use super::creation::{diagonal_of, ramp, zeros};
use super::{add, assign, cast, dot, greater_equal, multiply, reshape, select, sqrt, sum};
use crate::context::with_device;
use crate::op::Operand;
use crate::{Array, DType, Number, Result, bail};
use smallvec::SmallVec;

/// Elements on and below (`lower`), or else above, the `k`-th diagonal of the last two axes; zeros elsewhere. A vector counts as the rows
/// of a matrix.
fn triangle(name: &str, a: &Array, k: isize, lower: bool) -> Result<Array> {
    let wide;
    let a = match *a.shape() {
        [] => bail!(NotNative, "{name}: of an array without dimensions"),
        [n] => {
            wide = a.broadcast_to(&[n, n])?;
            &wide
        }
        _ => a,
    };
    let (n, m) = (a.shape()[a.ndim() - 2], a.shape()[a.ndim() - 1]);
    // Further out there is no other triangle, and the sum below could wrap.
    let k = k.clamp(-(n as isize), m as isize);
    let count = |n: usize| ramp(Number::Int(0), Number::Int(1), n, DType::I64);
    let within = with_device(a.device(), || {
        greater_equal(&add(&reshape(&count(n)?, &[-1, 1])?, k as i64)?, &count(m)?)
    })?;
    let (elements, zero) = (Operand::Array(a), Operand::Scalar(Number::Int(0).cast(a.dtype())));
    let (inside, outside) = if lower { (elements, zero) } else { (zero, elements) };
    select(&within, inside, outside)
}
/// The lower triangle: zeros above the `k`-th diagonal.
///
/// # Errors
/// [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for an array without dimensions.
pub fn tril(a: &Array, k: isize) -> Result<Array> {
    triangle("tril", a, k, true)
}
/// The upper triangle: zeros below the `k`-th diagonal.
///
/// # Errors
/// [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for an array without dimensions.
pub fn triu(a: &Array, k: isize) -> Result<Array> {
    triangle("triu", a, k.saturating_sub(1), false)
}
/// The `k`-th diagonal of a matrix, as a view; of a vector the square matrix that has it as its `k`-th diagonal.
///
/// # Errors
/// [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for other numbers of dimensions.
pub fn diag(a: &Array, k: isize) -> Result<Array> {
    match *a.shape() {
        [n] => {
            let Some(side) = n.checked_add(k.unsigned_abs()) else {
                bail!(Value, "diag: k={k} is too large")
            };
            let matrix = with_device(a.device(), || zeros(&[side, side], a.dtype()))?;
            assign(&diagonal_of(&matrix, k), a)?;
            Ok(matrix)
        }
        [_, _] => Ok(diagonal_of(a, k)),
        _ => bail!(NotNative, "diag: of an array of {} dimensions", a.ndim()),
    }
}

/// Euclidean length: the root of the sum of squares (of absolute values) of all elements, along one axis, or over two (Frobenius' norm).
///
/// # Errors
/// [`ErrorKind::Axis`](crate::ErrorKind::Axis) for an axis that the array does not have,
/// [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for more than two axes.
pub fn norm(x: &Array, axes: Option<&[isize]>, keepdims: bool) -> Result<Array> {
    let x = &if x.dtype().is_inexact() { x.clone() } else { cast(x, DType::F64)? };
    let squares = |x: &Array| multiply(x, x);
    if let Some(axes) = axes {
        if !matches!(axes.len(), 1 | 2) {
            bail!(NotNative, "linalg.norm: {} axes", axes.len());
        }
        let all = if x.dtype().is_complex() {
            add(&squares(&super::part(x, true)?)?, &squares(&super::part(x, false)?)?)?
        } else {
            squares(x)?
        };
        return sqrt(&sum(&all, Some(axes), keepdims)?);
    }
    let flat = reshape(x, &[-1])?;
    let length = if x.dtype().is_complex() {
        let (re, im) = (super::part(&flat, true)?, super::part(&flat, false)?);
        add(&dot(&re, &re)?, &dot(&im, &im)?)?
    } else {
        dot(&flat, &flat)?
    };
    let length = sqrt(&length)?;
    if keepdims { reshape(&length, &SmallVec::<[isize; 6]>::from_elem(1, x.ndim())) } else { Ok(length) }
}

crate::functions! {
    /// Euclidean length: the root of the sum of squares of all elements, along one axis, or over two (Frobenius' norm).
    norm(x: Array, ord: Foreign = None, axis: Axes = None, keepdims: Flag = false)
        -> Values, module [linalg], cases ["f[4]", "n[3,4]", "n[3,4], axis=1", "c[3]", "n[2,3,4], axis=(0, 2)", "i[3], keepdims=True"]
        => norm(x, axis, keepdims);
    /// The lower triangle: zeros above a diagonal.
    tril(m: Kept, k: Int = 0) -> Array, cases ["f[3,4]", "i[2,3,3], k=-1", "f[3], k=1", "b[3,3]"]
        => tril(m, k);
    /// The upper triangle: zeros below a diagonal.
    triu(m: Kept, k: Int = 0) -> Array, cases ["f[3,4]", "i[2,3,3], k=-1", "f[3], k=1", "b[3,3]"]
        => triu(m, k);
    /// A diagonal as a vector, or a matrix with a vector as its diagonal.
    diag(v: Kept, k: Int = 0) -> ReadOnly, cases ["f[3,4]", "f[3,4], k=-1", "f[3]", "i[3], k=2", "f[3,4], k=9"]
        => diag(v, k);
    /// A matrix with the flattened argument as a diagonal.
    diagflat(v: Kept, k: Int = 0) -> Array, cases ["f[2,2]", "i[3], k=-1"]
        => diag(&reshape(v, &[-1])?, k);
}
