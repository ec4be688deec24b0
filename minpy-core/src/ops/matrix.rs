//! Parts of matrices: triangles and diagonals.

use super::creation::{diagonal_of, ramp, zeros};
use super::{add, assign, greater_equal, reshape, select};
use crate::context::with_device;
use crate::op::Operand;
use crate::{Array, DType, Number, Result, bail};

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

crate::functions! {
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
