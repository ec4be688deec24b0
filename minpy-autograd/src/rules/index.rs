//! Rules of gather, scatter and sort, and of copies between devices.

use crate::rule::Saves;
use crate::rules;
use minpy_core::backend::layout::normalize_axis;
use minpy_core::backend::{Prim, ScatterMode};
use minpy_core::ops::*;
use minpy_core::{Array, DeviceRef, Result, bail};

fn indices(s: &Saves, from: usize) -> Result<Vec<Array>> {
    let indexed: &Indexed = s.attrs()?;
    Ok((from..from + indexed.axes).map(|i| s.array(i).clone()).collect())
}
fn mode(s: &Saves) -> Result<ScatterMode> {
    s.attrs::<Indexed>().map(|i| i.mode)
}
fn zeros_of(s: &Saves, i: usize, like: &Array) -> Result<Array> {
    let a = Array::empty_on(like.device(), s.shape(i), like.dtype())?;
    assign(&a, 0i64)?;
    Ok(a)
}
fn sum_at(s: &Saves, i: usize, list: &[Array], g: &Array) -> Result<Array> {
    scatter(&zeros_of(s, i, g)?, list, g, ScatterMode::Combine(Prim::Add))
}
/// With repeated indices only the last value was kept: the others have gradient 0.
fn kept_values(s: &Saves, g: &Array) -> Result<Array> {
    let list = indices(s, 2)?;
    let at = gather(g, &list)?;
    if mode(s)? == ScatterMode::Combine(Prim::Add) {
        return Ok(at);
    }
    // Number every value, write the numbers, read them back: a value was kept where its number survives.
    let n = list[0].size();
    let shape: Vec<isize> = list[0].shape().iter().map(|&n| n as isize).collect();
    let ids = minpy_core::context::with_device(g.device(), || {
        ramp(0i64.into(), 1i64.into(), n, minpy_core::DType::I64)
    })?;
    let ids = reshape(&ids, &shape)?;
    let lead = &g.shape()[..list.len()];
    let board = minpy_core::context::with_device(g.device(), || zeros(lead, minpy_core::DType::I64))?;
    scatter_into(&board, &list, &ids, ScatterMode::Set)?;
    let mut kept = equal(&gather(&board, &list)?, &ids)?;
    for _ in list.len()..g.ndim() {
        kept = kept.expand_dims(kept.ndim() as isize)?;
    }
    select(&kept, &at, 0.0)
}
fn base_gradient(s: &Saves, g: &Array) -> Result<Array> {
    let list = indices(s, 2)?;
    match mode(s)? {
        ScatterMode::Combine(Prim::Add) => Ok(g.clone()),
        ScatterMode::Set => {
            let zero = Array::from_scalar_on(g.device(), minpy_core::Number::Int(0).cast(g.dtype()))?;
            scatter(g, &list, &zero, ScatterMode::Set)
        }
        ScatterMode::Combine(p) => {
            bail!(NoGradient, "No partial derivative of {}.at defined on argument 0.", p.name())
        }
    }
}
fn value_gradient(s: &Saves, g: &Array) -> Result<Array> {
    match mode(s)? {
        ScatterMode::Combine(p) if p != Prim::Add => {
            bail!(NoGradient, "No partial derivative of {}.at defined on argument 1.", p.name())
        }
        _ => kept_values(s, g),
    }
}
/// Tangent of the values: where they were kept, at their places.
fn value_tangent(s: &Saves, t: &Array) -> Result<Array> {
    let list = indices(s, 2)?;
    let mut shape = list[0].shape().to_vec();
    shape.extend_from_slice(&s.array(0).shape()[list.len()..]);
    let t = t.broadcast_to(&shape)?;
    let zero = zeros_like(s.array(0))?;
    match mode(s)? {
        m @ (ScatterMode::Set | ScatterMode::Combine(Prim::Add)) => scatter(&zero, &list, &t, m),
        ScatterMode::Combine(p) => bail!(NoGradient, "No forward derivative of {}.at defined.", p.name()),
    }
}
fn sort_positions(s: &Saves) -> Result<Vec<Array>> {
    let axis = s.attrs::<Axis>()?.0;
    let x = s.array(0);
    along_axis_indices(x, &argsort(x, Some(axis as isize))?, normalize_axis("sort", axis as isize, x.ndim())?)
}

rules! {
    GATHER: [further] |s, g| sum_at(s, 0, &indices(s, 1)?, g), ~ |s, t| gather(t, &indices(s, 1)?) ;;
    SCATTER: [further] |s, g| base_gradient(s, g);
        [0 further] |s, g| value_gradient(s, g), ~ |s, t| value_tangent(s, t) ;;
    SORT: [0] |s, g| sum_at(s, 0, &sort_positions(s)?, g), ~ |s, t| gather(t, &sort_positions(s)?) ;;
    TO_DEVICE: [] |s, g| g.to_device(s.meta(0).device), ~ |s, t| t.to_device(*s.attrs::<DeviceRef>()?) ;;
}
