//! Differential operators for Rust programs.

use crate::session::Session;
use minpy_core::{Array, Result, bail, ops};

/// Value and gradients of a scalar function (a non-scalar result counts as its sum); zeros where nothing depends on an
/// argument.
pub fn value_and_grad(f: impl Fn(&[Array]) -> Result<Array>, args: &[Array]) -> Result<(Array, Vec<Array>)> {
    let session = Session::begin();
    let watched: Vec<Array> = args.iter().map(|a| session.watch(a)).collect::<Result<_>>()?;
    let y = f(&watched)?;
    let grads = session.last_gradients(std::slice::from_ref(&y), None, &watched)?;
    let grads = grads
        .into_iter()
        .zip(args)
        .map(|(g, a)| g.map_or_else(|| ops::zeros_like(a), Ok))
        .collect::<Result<_>>()?;
    Ok((y, grads))
}
/// Gradients of a scalar function.
pub fn grad(f: impl Fn(&[Array]) -> Result<Array>, args: &[Array]) -> Result<Vec<Array>> {
    Ok(value_and_grad(f, args)?.1)
}
/// MinPy's order: gradients, then the value.
pub fn grad_and_loss(f: impl Fn(&[Array]) -> Result<Array>, args: &[Array]) -> Result<(Vec<Array>, Array)> {
    let (y, g) = value_and_grad(f, args)?;
    Ok((g, y))
}
/// Value and directional derivative: the tangent of the result for tangents of the arguments.
pub fn jvp(
    f: impl Fn(&[Array]) -> Result<Array>,
    args: &[Array],
    tangents: &[Array],
) -> Result<(Array, Array)> {
    if args.len() != tangents.len() || args.iter().zip(tangents).any(|(a, t)| a.shape() != t.shape()) {
        bail!(Value, "jvp: one tangent of the same shape is needed for each argument");
    }
    let session = Session::begin();
    let watched: Vec<Array> = args.iter().map(|a| session.watch(a)).collect::<Result<_>>()?;
    let y = f(&watched)?;
    let t = session.tangents(std::slice::from_ref(&y), &watched, tangents)?.remove(0);
    let t = match t {
        Some(t) => t,
        None => ops::zeros_like(&y)?,
    };
    Ok((y, t))
}
