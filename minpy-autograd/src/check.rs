//! Numerical checks: central differences against both modes, to second order.

use crate::api::{jvp, value_and_grad};
use minpy_core::backend::memory;
use minpy_core::{Array, DType, Number, Result, bail, ops};

fn total(y: &Array) -> Result<f64> {
    Ok(ops::sum(&ops::cast(y, DType::F64)?, None, false)?.item()?.number().to_f64())
}
/// Gradient of the sum of `f` by central differences of step `eps`, one array per argument (float64).
pub fn numerical_gradient(
    f: &dyn Fn(&[Array]) -> Result<Array>,
    args: &[Array],
    eps: f64,
) -> Result<Vec<Array>> {
    let mut out = Vec::new();
    for k in 0..args.len() {
        let base = ops::contiguous(&ops::copy(&args[k])?)?;
        let flat = ops::reshape(&base, &[-1])?;
        let mut list = args.to_vec();
        let mut g = Vec::new();
        for i in 0..base.size() {
            let cell = flat.slice(0, i, 1, 1);
            let x = ops::reshape(&ops::copy(&cell)?, &[])?.item()?.number().to_f64();
            let mut side = [0.0; 2];
            for (s, d) in side.iter_mut().zip([eps, -eps]) {
                ops::assign(&cell, Number::Float(x + d))?;
                list[k] = ops::copy(&base)?;
                *s = total(&f(&list)?)?;
            }
            ops::assign(&cell, Number::Float(x))?;
            memory::push(&mut g, (side[0] - side[1]) / (2.0 * eps))?;
        }
        out.push(Array::from_slice(&g, base.shape())?);
    }
    Ok(out)
}
/// Within `tolerance`, absolutely or relatively; NaN is close to nothing.
fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * (1.0 + a.abs().max(b.abs()))
}
fn compare(what: &str, a: &Array, b: &Array, tolerance: f64) -> Result<()> {
    let (x, y) = (ops::cast(a, DType::F64)?.to_vec::<f64>()?, ops::cast(b, DType::F64)?.to_vec::<f64>()?);
    for (i, (p, q)) in x.iter().zip(&y).enumerate() {
        if !close(*p, *q, tolerance) {
            bail!(Value, "check_gradients: {what}: element {i} is {p}, expected {q}");
        }
    }
    Ok(())
}
/// Checks reverse mode against central differences and forward mode against reverse mode, for a function of float64 arrays;
/// with `order` 2 also the gradient of the gradient.
pub fn check_gradients(
    f: &dyn Fn(&[Array]) -> Result<Array>,
    args: &[Array],
    order: usize,
    tolerance: f64,
) -> Result<()> {
    let (y, grads) = value_and_grad(f, args)?;
    for (k, (g, n)) in grads.iter().zip(numerical_gradient(f, args, 1e-6)?).enumerate() {
        compare(&format!("gradient of argument {k}"), g, &n, tolerance)?;
    }
    // A fixed, uneven direction: <grad, t> must be the sum of the tangent.
    let mut tangents = Vec::new();
    for (k, a) in args.iter().enumerate() {
        let t = memory::collected((0..a.size()).map(|i| ((i * 7 + k * 3) % 5) as f64 - 1.7))?;
        tangents.push(ops::cast(&Array::from_slice(&t, a.shape())?, a.dtype())?);
    }
    let (_, ty) = jvp(f, args, &tangents)?;
    if ty.shape() != y.shape() {
        bail!(
            Value,
            "check_gradients: tangent of shape {:?} for a result of shape {:?}",
            ty.shape(),
            y.shape()
        );
    }
    let mut dot = 0.0;
    for (g, t) in grads.iter().zip(&tangents) {
        dot += total(&ops::multiply(g, t)?)?;
    }
    let forward = total(&ty)?;
    if !close(dot, forward, tolerance) {
        bail!(Value, "check_gradients: forward mode gives {forward}, reverse mode {dot}");
    }
    if order > 1 {
        for (k, tangent) in tangents.iter().enumerate() {
            // Weighted, so that a symmetric mistake does not cancel.
            let inner = |a: &[Array]| -> Result<Array> {
                let g = value_and_grad(f, a)?.1.remove(k);
                ops::sum(&ops::multiply(&g, tangent)?, None, false)
            };
            check_gradients(&inner, args, order - 1, tolerance * 10.0)
                .map_err(|e| e.context(&format!("order {order}, argument {k}")))?;
        }
    }
    Ok(())
}
