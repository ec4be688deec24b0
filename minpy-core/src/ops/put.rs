//! Writes at positions and where masks are true: put, putmask, place, put_along_axis, fill_diagonal. In place all of them; `a[..] = value`
//! is in `index.rs`.

use super::limit::there;
use super::select::Outside;
use super::{
    Index, add, along_axis_indices, any, assign, assign_where, bitwise_or, cast, equal, flatnonzero,
    floor_divide, get, greater_equal, less, ramp, remainder, reshape, select, set,
};
use crate::layout::{Layout, normalize_axis};
use crate::op::Operand;
use crate::shared::Shared;
use crate::{Array, DType, Number, Result, bail, context};

/// The elements of a flat array, from the beginning again until there are `n`.
fn repeated(v: &Array, n: usize) -> Result<Array> {
    if v.size() == n {
        return Ok(v.clone());
    }
    if v.size() > n {
        return Ok(v.slice(0, 0, 1, n));
    }
    let at = context::with_device(v.device(), || ramp(Number::Int(0), Number::Int(1), n, DType::I64))?;
    get(v, &[Index::Array(remainder(&at, v.size() as i64)?)])
}
/// Writes at positions in the flattened array, of one dimension and int64.
fn set_flat(a: &Array, positions: &Array, value: Operand) -> Result<()> {
    let flat = reshape(a, &[-1])?;
    if Shared::ptr_eq(flat.buffer(), a.buffer()) {
        return set(&flat, &[Index::Array(positions.clone())], value);
    }
    // A copy would take the writes: positions along each axis, then.
    let n = a.size() as i64;
    let wrong = bitwise_or(&less(positions, -n)?, &greater_equal(positions, n)?)?;
    if any(&wrong, None, false)?.item()?.number().to_f64() != 0.0 {
        bail!(Index, "put: an index is out of bounds for an array of size {n}");
    }
    let mut rest = select(&less(positions, 0)?, &add(positions, n)?, positions)?;
    let mut items = Vec::with_capacity(a.ndim());
    for &length in a.shape().iter().rev() {
        items.push(Index::Array(remainder(&rest, length as i64)?));
        rest = floor_divide(&rest, length as i64)?;
    }
    items.reverse();
    set(a, &items, value)
}
/// Complex numbers lose their imaginary part in real ones, of which NumPy warns.
fn fits(name: &str, v: Operand, a: &Array) -> Result<()> {
    if v.dtype().is_complex() && !a.dtype().is_complex() {
        bail!(NotNative, "{name}: complex values into {}", a.dtype());
    }
    Ok(())
}
/// Writes values at positions in the flattened array, from the beginning again where they are too few.
///
/// # Errors
/// [`ErrorKind::Index`](crate::ErrorKind::Index) for positions outside, [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for those of a dtype that
/// NumPy does not take and for complex values into real ones.
pub fn put(a: &Array, positions: &Array, values: &Array, outside: Outside) -> Result<()> {
    let dtype = positions.dtype();
    if !(dtype.is_integer() || dtype == DType::Bool) || dtype == DType::U64 {
        bail!(NotNative, "put: indices of dtype {dtype}");
    }
    fits("put", values.into(), a)?;
    let (positions, values) = (reshape(&positions.to_device(a.device())?, &[-1])?, reshape(values, &[-1])?);
    if positions.size() > 0 && a.size() == 0 {
        bail!(Index, "cannot replace elements of an empty array");
    }
    if positions.size() == 0 || values.size() == 0 {
        return Ok(());
    }
    let positions = outside.settle(&positions, a.size())?;
    let values = if values.size() == 1 { values } else { repeated(&values, positions.size())? };
    set_flat(a, &positions, Operand::Array(&values))
}
/// Writes values at positions along an axis, matched along the others; without an axis in the flattened array.
///
/// # Errors
/// [`ErrorKind::Index`](crate::ErrorKind::Index) for positions outside and for those that are no integers, [`ErrorKind::Value`](crate::ErrorKind::Value) for
/// numbers of dimensions that do not match.
pub fn put_along_axis(a: &Array, positions: &Array, values: Operand, axis: Option<isize>) -> Result<()> {
    if !matches!(values, Operand::Array(_)) && values.dtype().is_complex() && !a.dtype().is_complex() {
        bail!(NotNative, "put_along_axis: a complex number among real ones");
    }
    if !positions.dtype().is_integer() {
        bail!(Index, "`indices` must be an integer array");
    }
    let positions = positions.to_device(a.device())?;
    let Some(axis) = axis else {
        if positions.ndim() != 1 {
            bail!(Value, "when axis=None, `indices` must have a single dimension.");
        }
        return set_flat(a, &cast(&positions, DType::I64)?, values);
    };
    let axis = normalize_axis("put_along_axis", axis, a.ndim())?;
    if positions.ndim() != a.ndim() {
        bail!(Value, "`indices` and `arr` must have the same number of dimensions");
    }
    let items: Vec<Index> = along_axis_indices(a, &positions, axis)?.into_iter().map(Index::Array).collect();
    set(a, &items, values)
}
/// The mask in the shape of the array.
fn mask_for(name: &str, a: &Array, mask: &Array) -> Result<Array> {
    if mask.size() != a.size() {
        bail!(Value, "{name}: mask and data must be the same size");
    }
    let mask = if mask.dtype() == DType::Bool { mask.clone() } else { cast(mask, DType::Bool)? };
    let shape: Vec<isize> = a.shape().iter().map(|&n| n as isize).collect();
    reshape(&mask.to_device(a.device())?, &shape)
}
/// Writes values where a mask is true, each the one at the same flat position, from the beginning again where they are too few.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for a mask of another size; [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for values of a dtype that
/// does not fit.
pub fn putmask(a: &Array, mask: &Array, values: Operand) -> Result<()> {
    let mask = mask_for("putmask", a, mask)?;
    let Operand::Array(v) = values else {
        fits("putmask", values, a)?;
        return assign_where(a, values, &mask);
    };
    if !v.dtype().can_cast_safely(a.dtype()) {
        bail!(NotNative, "putmask: values of dtype {} into {}", v.dtype(), a.dtype());
    }
    match v.size() {
        0 => Ok(()),
        1 => assign_where(a, &reshape(v, &[])?, &mask),
        _ => {
            let shape: Vec<isize> = a.shape().iter().map(|&n| n as isize).collect();
            let values = reshape(&repeated(&reshape(v, &[-1])?, a.size())?, &shape)?;
            assign_where(a, &values, &mask)
        }
    }
}
/// Writes values where a mask is true: the first value at the first such place, and so on, from the beginning again where they are too few.
///
/// # Errors
/// As [`putmask`]; [`ErrorKind::Value`](crate::ErrorKind::Value) where there are no values.
pub fn place(a: &Array, mask: &Array, values: &Array) -> Result<()> {
    let mask = mask_for("place", a, mask)?;
    if !values.dtype().can_cast_safely(a.dtype()) {
        bail!(NotNative, "place: values of dtype {} into {}", values.dtype(), a.dtype());
    }
    let positions = flatnonzero(&mask)?;
    if positions.size() == 0 {
        return Ok(());
    }
    if values.size() == 0 {
        bail!(Value, "Cannot insert from an empty array!");
    }
    let values = repeated(&reshape(values, &[-1])?, positions.size())?;
    set_flat(a, &positions, Operand::Array(&values))
}
/// Writes values on the main diagonal of two axes, or of all where there are more: one, or as many as it is long, from the beginning again where
/// they are too few.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for fewer than two axes, and for more that are not of one length.
pub fn fill_diagonal(a: &Array, value: Operand) -> Result<()> {
    let l = a.layout();
    if a.ndim() < 2 {
        bail!(Value, "array must be at least 2-d");
    }
    if a.ndim() > 2 && l.shape().iter().any(|&n| n != l.shape()[0]) {
        bail!(Value, "All dimensions of input must be of equal length");
    }
    fits("fill_diagonal", value, a)?;
    let n = l.shape().iter().copied().min().unwrap_or(0);
    let line = a.view(Layout::new([n].as_slice(), [l.strides().iter().sum()].as_slice(), l.offset()));
    match value {
        Operand::Array(v) if v.size() == 0 => bail!(NotNative, "fill_diagonal: of no values"),
        Operand::Array(v) if v.size() == 1 => assign(&line, &reshape(v, &[])?),
        Operand::Array(v) => assign(&line, &repeated(&reshape(v, &[-1])?, n)?),
        number => assign(&line, number),
    }
}

crate::functions! {
    /// Writes values at positions in the flattened array.
    put(a: Target, ind: Indices, v: Array, mode: Choice("raise", "wrap", "clip") = Some("raise"))
        -> Nothing, cases ["f[8], i[3], n[3]", "f[6,2], i[4], 1.5", "i[3], i[7], i[2], mode='wrap'", "f[3], i[4], f[4], mode='clip'"]
        => put(a, ind, v, Outside::parse(mode));
    /// Writes values at positions in the flattened array.
    put(a: Target, indices: Indices, values: Array, /, mode: Choice("raise", "wrap", "clip") = Some("raise"))
        -> Nothing, module [ndarray], cases ["f[8], i[3], n[3]"]
        => put(a, indices, values, Outside::parse(mode));
    /// Writes values where a mask is true, each from the same flat position.
    putmask(a: Target, /, mask: Array, values: Operand) -> Nothing, cases ["f[3,4], b[3,4], 7.0", "f[3,4], b[12], n[5]", "i[5], b[5], i[5]"]
        => putmask(a, mask, there(values)?);
    /// Writes values where a mask is true, one after the other.
    place(arr: Target, mask: Array, vals: Array) -> Nothing, cases ["f[3,4], b[3,4], n[2]", "i[5], b[5], i[5]"]
        => place(arr, mask, vals);
    /// Writes values at positions along an axis, matched along the others.
    put_along_axis(arr: Target, indices: Array, values: Operand, axis: Axis) -> Nothing, cases ["f[3,6], i[3,1], 9.0, 1", "f[6,3], i[1,3], n[1,3], 0", "f[2,4], i[1], 3, None"]
        => put_along_axis(arr, indices, there(values)?, axis);
    /// Writes values on the main diagonal.
    fill_diagonal(a: Target, val: Operand, wrap: Flag = false) -> Nothing, cases ["f[3,4], 7", "f[4,3], n[3]", "i[2,2,2], 5", "f[3,3], n[2]"]
        => {
            if wrap {
                bail!(NotNative, "fill_diagonal: wrap=True");
            }
            fill_diagonal(a, there(val)?)
        };
    /// Writes ones at positions into the rows of `out`, zeros elsewhere, and gives it (MXNet's function).
    onehot_encode(indices: Array, out: Out) -> Array, apart [indices], cases ["i[3], f[3,6]", "f[2], f[2,4]"]
        => {
            let Some(out) = out else { bail!(Type, "onehot_encode: out is missing") };
            let Some(&classes) = out.shape().last() else { bail!(Value, "onehot_encode: out has no axis of classes") };
            let ramp = context::with_device(out.device(), || ramp(Number::Int(0), Number::Int(1), classes, DType::I64))?;
            let column = cast(&indices.to_device(out.device())?, DType::I64)?.expand_dims(indices.ndim() as isize)?;
            assign(out, &equal(&column, &ramp)?).map(|()| out.clone())
        };
}
