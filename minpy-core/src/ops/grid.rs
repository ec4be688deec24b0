//! Arrays of positions and powers: tri, the indices of triangles, meshgrid, vander.

use super::creation::length;
use super::{cast, copy_in, greater_equal, multiply, ones_like, ramp, reshape, stack};
use crate::layout::{Order, broadcast_shapes};
use crate::{Array, DType, Number, Result, bail, memory};
use smallvec::SmallVec;

/// `0, 1, ...`, `n` of them from `start` on.
fn places(start: isize, n: usize, dtype: DType) -> Result<Array> {
    ramp(Number::Int(start as i128), Number::Int(1), n, dtype)
}
/// Positions on the host as an array on the current device.
fn positions(list: &[i64]) -> Result<Array> {
    Array::from_slice(list, &[list.len()])
}

/// A length as NumPy's ranges take it.
fn at_least_0(n: isize) -> usize {
    n.max(0) as usize
}

/// A matrix with ones on and below the `k`-th diagonal, zeros above.
pub fn tri(n: usize, m: usize, k: isize, dtype: DType) -> Result<Array> {
    let rows = places(0, n, DType::I64)?.expand_dims(1)?;
    cast(&greater_equal(&rows, &places(k.saturating_neg(), m, DType::I64)?)?, dtype)
}
/// Rows and columns of the elements of an `n` x `m` matrix that are on or below its `k`-th diagonal, or on or above it.
///
/// # Errors
/// [`ErrorKind::Memory`](crate::ErrorKind::Memory).
pub fn triangle_indices(n: usize, m: usize, k: isize, upper: bool) -> Result<[Array; 2]> {
    let columns = |i: usize| {
        let bound = |x: isize| x.clamp(0, m as isize) as usize;
        let diagonal = (i as isize).saturating_add(k);
        if upper { bound(diagonal)..m } else { 0..bound(diagonal.saturating_add(1)) }
    };
    let Some(count) = (0..n).try_fold(0usize, |sum, i| sum.checked_add(columns(i).len())) else {
        bail!(Memory, "more positions than memory can hold");
    };
    let (mut rows, mut cols) = (memory::list(count)?, memory::list(count)?);
    for i in 0..n {
        rows.extend(columns(i).map(|_| i as i64));
        cols.extend(columns(i).map(|j| j as i64));
    }
    Ok([positions(&rows)?, positions(&cols)?])
}
fn triangle_of(a: &Array, k: isize, upper: bool) -> Result<Vec<Array>> {
    match a.shape() {
        &[n, m] => Ok(triangle_indices(n, m, k, upper)?.into()),
        _ => bail!(Value, "input array must be 2-d"),
    }
}

/// Coordinates of a grid, one array for each axis: `xy`, in which the second axis comes first, or `ij`.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for more axes than an array may have.
pub fn meshgrid(axes: &[&Array], sparse: bool, swapped: bool) -> Result<Vec<Array>> {
    let place = |i: usize| if swapped && axes.len() > 1 && i < 2 { 1 - i } else { i };
    let mut open = memory::list(axes.len())?;
    for (i, a) in axes.iter().enumerate() {
        let mut shape: SmallVec<[isize; 6]> = SmallVec::from_elem(1, axes.len());
        shape[place(i)] = -1;
        open.push(reshape(a, &shape)?);
    }
    let shapes: SmallVec<[&[usize]; 4]> = open.iter().map(|a| a.shape()).collect();
    let whole = broadcast_shapes("meshgrid", &shapes)?;
    let full = |a: &Array| match sparse {
        true => copy_in(a, Order::C),
        false => copy_in(&a.broadcast_to(&whole)?, Order::C),
    };
    open.iter().map(full).collect()
}
/// Powers of the elements of a vector, a row for each: from the `n - 1`-th down to the first, which is 1, or the other way.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for an array that is no vector.
pub fn vander(x: &Array, n: usize, increasing: bool) -> Result<Array> {
    if x.ndim() != 1 {
        bail!(Value, "x must be a one-dimensional array or sequence.");
    }
    let x = cast(x, DType::promote(x.dtype(), DType::I64))?;
    if n == 0 {
        return Array::empty_on(x.device(), &[x.size(), 0], x.dtype());
    }
    let mut powers = memory::list(n)?;
    powers.push(ones_like(&x)?);
    for k in 1..n {
        powers.push(if k == 1 { x.clone() } else { multiply(&powers[k - 1], &x)? });
    }
    if !increasing {
        powers.reverse();
    }
    stack(&powers, 1)
}

crate::functions! {
    /// A matrix with ones on and below a diagonal, zeros above.
    tri(N: Int, M: OptionalInt = None, k: Int = 0, dtype: DType = None, *, like: Foreign = None) -> Array, cases ["3", "3, M=4, k=1", "4, M=2, k=-1, dtype=int64", "2, dtype=bool"]
        => {
            tri(at_least_0(N), at_least_0(M.unwrap_or(N)), k, dtype.unwrap_or(DType::F64))
        };
    /// Rows and columns of the elements on and below a diagonal of a matrix with `n` rows and `m` columns.
    tril_indices(n: Int, k: Int = 0, m: OptionalInt = None) -> Tuple, cases ["3", "3, k=1", "3, k=-1, m=4", "2, m=1"]
        => triangle_indices(at_least_0(n), at_least_0(m.unwrap_or(n)), k, false).map(Vec::from);
    /// Rows and columns of the elements on and above a diagonal of a matrix with `n` rows and `m` columns.
    triu_indices(n: Int, k: Int = 0, m: OptionalInt = None) -> Tuple, cases ["3", "3, k=1", "3, k=-1, m=4", "2, m=1"]
        => triangle_indices(at_least_0(n), at_least_0(m.unwrap_or(n)), k, true).map(Vec::from);
    /// Rows and columns of the elements on and below a diagonal of a matrix.
    tril_indices_from(arr: Ours, k: Int = 0) -> Tuple, constant, cases ["f[3,4]", "f[3,2], k=-1"] => triangle_of(arr, k, false);
    /// Rows and columns of the elements on and above a diagonal of a matrix.
    triu_indices_from(arr: Ours, k: Int = 0) -> Tuple, constant, cases ["f[3,4]", "f[3,2], k=-1"] => triangle_of(arr, k, true);
    /// Coordinates of a grid: an array for each axis.
    meshgrid(*xi: Each, copy: Flag = true, sparse: Flag = false, indexing: Choice("xy", "ij") = Some("xy")) -> Tuple, cases ["f[3], f[2]", "f[3], i[2], f[4], indexing='ij'", "f[3], f[2], sparse=True", "f[3]", "f[], f[2]"]
        => match copy {
            true => meshgrid(&xi, sparse, indexing == "xy"),
            false => bail!(NotNative, "meshgrid: views"),
        };
    /// Powers of the elements of a vector, a row for each.
    vander(x: Array, N: OptionalInt = None, increasing: Flag = false) -> Array, cases ["f[3]", "n[3], N=2", "f[3], N=4, increasing=True", "i[3]", "c[2]"]
        => vander(x, match N { Some(n) => length(n)?, None => x.size() }, increasing);
}
