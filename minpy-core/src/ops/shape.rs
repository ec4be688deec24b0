//! Shapes: reshape, concatenate, stack. Pure views (transpose, slice, broadcast) are methods of `Array`.

use super::assign;
use crate::dispatch::broadcast_shape;
use crate::layout::{Dims, check_ndim, normalize_axis, show};
use crate::op::Operand;
use crate::{Array, DType, Result, bail, memory};

/// Resolves one `-1` and checks the number of elements.
pub fn resolve_shape(op: &str, from: &[usize], to: &[isize]) -> Result<Dims> {
    check_ndim(op, to.len())?;
    let size: usize = from.iter().product();
    // A product that does not fit is not the size of any array.
    let known = to
        .iter()
        .filter(|&&n| n >= 0)
        .try_fold(1usize, |all, &n| if n == 0 { Some(0) } else { all.checked_mul(n as usize) });
    let unknown = to.iter().filter(|&&n| n < 0).count();
    let listed = || format!("({})", to.iter().map(|n| n.to_string()).collect::<Vec<_>>().join(","));
    if unknown > 1 {
        bail!(Value, "{op}: can only specify one unknown dimension, not {}", listed());
    }
    let missing = match known {
        Some(known) if unknown == 1 && known > 0 => size / known,
        _ => 0,
    };
    let shape: Dims = to.iter().map(|&n| if n < 0 { missing } else { n as usize }).collect();
    let wanted = if unknown == 1 { known.map(|k| k * missing).filter(|_| known != Some(0)) } else { known };
    if wanted != Some(size) {
        bail!(
            Value,
            "{op}: cannot reshape array of size {size} (shape {}) into shape {}",
            show(from),
            listed()
        );
    }
    Ok(shape)
}
/// The same elements in C order with another shape: a view where possible, else a copy.
pub fn reshape(a: &Array, shape: &[isize]) -> Result<Array> {
    let shape = resolve_shape("reshape", a.shape(), shape)?;
    if let Some(v) = a.reshape_view(&shape) {
        return Ok(v.with_weak(a.is_weak()));
    }
    let c = contiguous(a)?;
    match c.reshape_view(&shape) {
        Some(v) => Ok(v),
        None => bail!(
            Runtime,
            "reshape: a contiguous copy of shape {} has no view of shape {}",
            show(a.shape()),
            show(&shape)
        ),
    }
}
/// The array itself when it is C-contiguous, else a C-contiguous copy.
pub fn contiguous(a: &Array) -> Result<Array> {
    if a.layout().is_contiguous() {
        return Ok(a.clone());
    }
    let out = Array::empty_on(a.device(), a.shape(), a.dtype())?;
    assign(&out, a)?;
    Ok(out)
}
/// Joins arrays along an existing axis.
pub fn concatenate(arrays: &[Array], axis: isize, dtype: Option<DType>) -> Result<Array> {
    let Some(first) = arrays.first() else {
        bail!(Value, "concatenate: need at least one array to concatenate")
    };
    if first.ndim() == 0 {
        bail!(Value, "concatenate: zero-dimensional arrays cannot be concatenated");
    }
    let axis = normalize_axis("concatenate", axis, first.ndim())?;
    let mut shape: Dims = first.shape().into();
    shape[axis] = 0;
    let mut common = first.dtype();
    for a in arrays {
        let fits =
            a.ndim() == first.ndim() && (0..a.ndim()).all(|i| i == axis || a.shape()[i] == first.shape()[i]);
        if !fits {
            bail!(
                Value,
                "concatenate: all the input array dimensions except for the concatenation axis {axis} must match exactly, but shapes are {} and {}",
                show(first.shape()),
                show(a.shape())
            );
        }
        shape[axis] += a.shape()[axis];
        common = DType::promote(common, a.dtype());
    }
    // Where the largest arrays live; the others are moved by the writes.
    let device = arrays.iter().max_by_key(|a| a.size()).map_or(first.device(), |a| a.device());
    let out = Array::empty_on(device, &shape, dtype.unwrap_or(common))?;
    let mut at = 0;
    for a in arrays {
        let n = a.shape()[axis];
        assign(&out.slice(axis, at, 1, n), a)?;
        at += n;
    }
    Ok(out)
}
/// Joins arrays of one shape along a new axis.
pub fn stack(arrays: &[Array], axis: isize) -> Result<Array> {
    let Some(first) = arrays.first() else { bail!(Value, "stack: need at least one array to stack") };
    if let Some(a) = arrays.iter().find(|a| a.shape() != first.shape()) {
        bail!(
            Value,
            "stack: all input arrays must have the same shape, not {} and {}",
            show(first.shape()),
            show(a.shape())
        );
    }
    let axis = normalize_axis("stack", axis, first.ndim() + 1)?;
    let mut parts = memory::list(arrays.len())?;
    for a in arrays {
        parts.push(a.expand_dims(axis as isize)?);
    }
    concatenate(&parts, axis as isize, None)
}
/// Views of all arrays with their common shape.
pub fn broadcast_arrays(arrays: &[Array]) -> Result<Vec<Array>> {
    let operands = memory::collected(arrays.iter().map(Operand::Array))?;
    let shape = broadcast_shape("broadcast_arrays", &operands)?;
    let mut all = memory::list(arrays.len())?;
    for a in arrays {
        all.push(a.broadcast_to(&shape)?);
    }
    Ok(all)
}
