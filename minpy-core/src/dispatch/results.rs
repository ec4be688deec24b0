//! Where the results of a call go: shape and order of new ones, what an existing target must be, and what becomes of a mask.

use super::copy::{copy_into_raw, fill_raw};
use crate::array::strides_in_order;
use crate::layout::{Dims, Layout, show};
use crate::op::OpDef;
use crate::{Array, Arrays, DType, Metas, Number, Operand, Result, Target, bail};
use smallvec::SmallVec;

/// Makes of the shape that the operands of a call broadcast to that of an existing target, which it must fit.
#[inline]
pub(super) fn target_shape(op: &OpDef, shape: &mut Dims, target: &Target) -> Result<()> {
    match target {
        Target::Into(out) if shape.as_slice() != out.shape() => widened(op, shape, out),
        _ => Ok(()),
    }
}
fn widened(op: &OpDef, shape: &mut Dims, out: &Array) -> Result<()> {
    let fits = shape.len() <= out.ndim()
        && shape.iter().rev().zip(out.shape().iter().rev()).all(|(&a, &b)| a == b || a == 1);
    if !fits {
        if op.name == "copy" {
            bail!(
                Value,
                "could not broadcast input array from shape {} into shape {}",
                show(shape),
                show(out.shape())
            );
        }
        bail!(
            Value,
            "{}: non-broadcastable output operand with shape {} doesn't match the broadcast shape {}",
            op.name,
            show(out.shape()),
            show(shape)
        );
    }
    *shape = out.shape().into();
    Ok(())
}

pub(super) fn same_kind(op: &OpDef, from: DType, to: DType) -> Result<()> {
    if !from.can_cast_same_kind(to) {
        bail!(
            Type,
            "Cannot cast ufunc '{}' output from dtype('{from}') to dtype('{to}') with casting rule 'same_kind'",
            op.name
        );
    }
    Ok(())
}

pub(super) fn writable(op: &OpDef, out: &Array) -> Result<()> {
    if out.buffer().is_read_only() {
        bail!(Value, "{}: output array is read-only", op.name);
    }
    Ok(())
}

/// Whether results fit their existing targets.
#[inline]
pub(super) fn fitting_targets(op: &OpDef, metas: &Metas, targets: &[Target]) -> Result<()> {
    for (meta, target) in metas.iter().zip(targets) {
        let Target::Into(out) = target else { continue };
        if out.shape() != &*meta.shape {
            bail!(
                Value,
                "{}: output array has wrong shape: {} where {} is needed",
                op.name,
                show(out.shape()),
                show(&meta.shape)
            );
        }
        same_kind(op, meta.dtype, out.dtype())?;
        writable(op, out)?;
    }
    Ok(())
}
/// Puts computed results where they belong: under a mask, and into existing targets. Not recorded.
pub(super) fn place(made: &mut Arrays, mask: Option<&Array>, targets: &[Target]) -> Result<()> {
    for (r, target) in made.iter_mut().zip(targets) {
        match (target, mask) {
            (Target::New, None) => {}
            (Target::New, Some(_)) => {
                let out = Array::empty_with(r.device(), r.layout().clone(), r.dtype())?;
                fill_raw(&out, Number::Int(0).cast(r.dtype()))?;
                copy_into_raw(r, &out, mask)?;
                *r = out;
            }
            (Target::Into(out), _) => {
                copy_into_raw(r, out, mask)?;
                *r = (*out).clone();
            }
        }
    }
    Ok(())
}
/// NumPy's `K` order: axes in the order of the operands' strides. Where operands disagree, C order wins; where none says
/// anything (an axis of one element, or broadcast), the axis stays where it is. The rule is that of NumPy's iterator
/// (`npyiter_find_best_axis_ordering` in `nditer_constr.c`), because writes through `reshape` or `ravel` show it.
pub(super) fn result_layout(shape: &[usize], operands: &[Operand], mask: Option<&Array>) -> Layout {
    let arrays = || operands.iter().filter_map(|o| o.array()).chain(mask);
    // In rows all of them, broadcast or not: the sort would leave everything in place.
    if arrays().all(|a| a.layout().is_contiguous()) {
        return Layout::contiguous(shape);
    }
    let nd = shape.len();
    let stride = |a: &Array, axis: usize| match (axis + a.ndim()).checked_sub(nd) {
        Some(i) if a.shape()[i] != 1 => a.layout().strides()[i].unsigned_abs(),
        _ => 0,
    };
    // From the fastest to the slowest.
    let mut order: SmallVec<[usize; 6]> = SmallVec::new();
    for axis in (0..nd).rev() {
        let mut place = order.len();
        for i in (0..order.len()).rev() {
            let faster = order[i];
            let said =
                arrays().map(|a| (stride(a, axis), stride(a, faster))).filter(|s| s.0 != 0 && s.1 != 0);
            let (mut any, mut all) = (false, true);
            said.for_each(|(slow, fast)| (any, all) = (true, all && fast > slow));
            match (any, all) {
                (false, _) => {}
                (true, true) => place = i,
                (true, false) => break,
            }
        }
        order.insert(place, axis);
    }
    order.reverse();
    if order.is_sorted() {
        return Layout::contiguous(shape);
    }
    Layout::new(shape, strides_in_order(shape, &order), 0)
}
