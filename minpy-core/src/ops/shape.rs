//! Shapes: reshape, ravel, concatenate, stack, broadcasting. Pure views (transpose, slice, broadcast) are methods of `Array`.

use super::rearrange::{all_at_least, joinable};
use super::{assign, copy};
use crate::dispatch::{broadcast_shape, stacked};
use crate::layout::{Dims, Order, broadcast_shapes, check_ndim, normalize_axis, show};
use crate::op::Operand;
use crate::shared::Shared;
use crate::{Array, DType, Result, bail, memory};
use smallvec::SmallVec;
use std::borrow::Borrow;

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
/// The same with elements counted in that order; `copy`: whether they are copied, where it matters.
///
/// # Errors
/// Those of [`reshape`]; [`ErrorKind::Value`](crate::ErrorKind::Value) for order `K`, and where a copy is needed and not wanted.
pub fn reshape_in(a: &Array, shape: &[isize], order: Order, copied: Option<bool>) -> Result<Array> {
    let r = match order {
        Order::K => bail!(Value, "order 'K' is not permitted for reshaping"),
        order if order.is_fortran(a.layout()) => {
            let known = resolve_shape("reshape", a.shape(), shape)?;
            let back: Vec<isize> = known.iter().rev().map(|&n| n as isize).collect();
            reshape(&a.t(), &back)?.t()
        }
        _ => reshape(a, shape)?,
    };
    let shares = Shared::ptr_eq(r.buffer(), a.buffer());
    match copied {
        Some(true) if shares => copy(&r),
        Some(false) if !shares => bail!(Value, "Unable to avoid creating a copy while reshaping."),
        _ => Ok(r),
    }
}
/// The elements as one axis, one after the other in memory: a view where that is possible.
///
/// # Errors
/// [`ErrorKind::Memory`](crate::ErrorKind::Memory).
pub fn ravel(a: &Array, order: Order) -> Result<Array> {
    let l = a.layout();
    if l.is_contiguous()
        && order != Order::F
        && let Some(v) = a.reshape_view(&[a.size()])
    {
        return Ok(v.with_weak(a.is_weak()));
    }
    let r = match order {
        // A view where the array is dense in some order; else a copy, which lies in memory in that order.
        Order::K => {
            let a = if l.dense_order().is_some() { a.clone() } else { super::copy(a)? };
            match a.layout().dense_order() {
                Some(dense) => reshape(&a.view(a.layout().transpose(Some(&dense))), &[-1])?,
                None => reshape(&a, &[-1])?,
            }
        }
        order => reshape_in(a, &[-1], order, None)?,
    };
    contiguous(&r)
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
pub fn concatenate<A: Borrow<Array>>(arrays: &[A], axis: isize, dtype: Option<DType>) -> Result<Array> {
    let arrays = || arrays.iter().map(|a| -> &Array { a.borrow() });
    let Some(first) = arrays().next() else {
        bail!(Value, "concatenate: need at least one array to concatenate")
    };
    if first.ndim() == 0 {
        bail!(Value, "concatenate: zero-dimensional arrays cannot be concatenated");
    }
    let axis = normalize_axis("concatenate", axis, first.ndim())?;
    let mut shape: Dims = first.shape().into();
    shape[axis] = 0;
    let mut common = first.dtype();
    for a in arrays() {
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
    let device = arrays().max_by_key(|a| a.size()).map_or(first.device(), |a| a.device());
    let out = Array::empty_on(device, &shape, dtype.unwrap_or(common))?;
    let mut at = 0;
    for a in arrays() {
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
    let rows = memory::collected(arrays.iter())?;
    if axis == 0
        && let Some(a) = stack_small(&rows)?
    {
        return Ok(a);
    }
    let mut parts = memory::list(arrays.len())?;
    for a in arrays {
        parts.push(a.expand_dims(axis as isize)?);
    }
    concatenate(&parts, axis as isize, None)
}
/// The same along a new first axis, for small arrays in the host's memory, where that needs no kernel: `None` for all others, and for arrays
/// that differ in shape or dtype.
///
/// # Errors
/// [`ErrorKind::Memory`](crate::ErrorKind::Memory).
pub fn stack_small(arrays: &[&Array]) -> Result<Option<Array>> {
    stacked(arrays)
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

crate::functions! {
    /// The same elements in another shape: a view where that is possible, else a copy.
    reshape(a: Kept, /, shape: NewShape, order: Order = "C", *, copy: OptionalFlag = None)
        -> View, cases ["f[2,6], (3, 4)", "f[2,6], -1", "i[2,6], (4, -1), order='F'", "f[4], (2, 2), copy=True"]
        => reshape_in(a, shape, order, copy);
    /// The elements as one axis: a view where that is possible, else a copy.
    ravel(a: Kept, order: Order = "C") -> View, method, cases ["f[2,3]", "i[2,3], order='F'", "f[2,3], order='K'", "f[]"]
        => ravel(a, order);
    /// A view with the axes in another order, or reversed.
    transpose(a: Kept, axes: OptionalInts = None) -> View, aliases [permute_dims], cases ["f[2,3]", "f[2,3,4], axes=(1, 0, 2)", "f[3]"]
        => a.transpose(axes);
    /// A read-only view that repeats elements up to a shape.
    broadcast_to(array: Kept, shape: Shape, subok: Flag = false) -> ReadOnly, cases ["f[3], (2, 3)", "f[2,1], (2, 3)", "f[], 4"]
        => {
            if shape.len() < array.ndim() {
                bail!(Value, "input operand has more dimensions than allowed by the axis remapping");
            }
            array.broadcast_to(&shape)
        };
    /// Views of arrays with their common shape.
    broadcast_arrays(*args: Each, subok: Flag = false) -> Tuple, cases ["f[3], f[2,1]", "i[2,3]", "f[], f[2]"]
        => {
            let all = memory::collected(args.iter().map(|a| (*a).clone()))?;
            let shapes: SmallVec<[&[usize]; 4]> = args.iter().map(|a| a.shape()).collect();
            if broadcast_shapes("broadcast_arrays", &shapes).is_err() {
                bail!(NotNative, "broadcast_arrays: of shapes that do not fit");
            }
            broadcast_arrays(&all)
        };
    /// Arrays joined along an existing axis.
    concatenate(arrays: Joined, /, axis: Axis = Some(0), out: Out = None, *, dtype: DType = None, casting: Choice("same_kind") = Some("same_kind"))
        -> Array, aliases [concat], cases ["(f[2,3], f[1,3])", "(f[2,3], i[2,1]), axis=1", "(f[2], i[2,2]), axis=None", "(f[2], i[2]), dtype=float32"]
        => {
            joinable("concatenate", &arrays, dtype)?;
            if out.is_some() && dtype.is_some() {
                bail!(NotNative, "concatenate: out= and dtype= together");
            }
            let r = match axis {
                Some(axis) => concatenate(&arrays, axis, dtype)?,
                None => {
                    let mut flat = memory::list(arrays.len())?;
                    for a in &arrays {
                        flat.push(reshape(a, &[-1])?);
                    }
                    concatenate(&flat, 0, dtype)?
                }
            };
            match out {
                Some(out) if out.shape() == r.shape() && r.dtype().can_cast_same_kind(out.dtype()) => {
                    assign(out, &r)?;
                    Ok(out.clone())
                }
                _ => Ok(r),
            }
        };
    /// Arrays with at least one dimension.
    atleast_1d(*arys: Each) -> Each, cases ["f[]", "f[2,3]", "f[], i[2]"] => all_at_least(&arys, 1);
    /// Arrays with at least two dimensions.
    atleast_2d(*arys: Each) -> Each, cases ["f[]", "f[3]", "f[3], i[2,2]"] => all_at_least(&arys, 2);
    /// Arrays with at least three dimensions.
    atleast_3d(*arys: Each) -> Each, cases ["f[]", "f[3]", "f[3], i[2,2]"] => all_at_least(&arys, 3);
}
