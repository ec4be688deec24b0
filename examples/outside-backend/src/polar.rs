//! An operation that MinPy does not have: polar coordinates of points, two results at once.
//!
//! It is complete with the first two parts below: what the results look like, and how other operations compute them. Every device
//! runs and differentiates it then. The kernel makes it one pass on `toy`; the rule makes it one node of the tape there.

use crate::kernels::{positions, read, toy};
use minpy_autograd::Saves;
use minpy_core::backend::{DTypeSet, KernelCall, Meta, Metas, Slot, Structured, layout, promoted_dtype};
use minpy_core::{Array, Arrays, Attrs, DType, DeviceRef, OpDef, Operand, Result, bail, ops};

struct Polar;
impl Structured for Polar {
    /// Nothing is told to a call beside its inputs. Whatever can be compared, hashed and printed would do.
    type Attrs = ();
    const DECOMPOSES: bool = true;

    fn input_dtype(&self, _: &(), inputs: &[Operand], _: usize) -> Option<DType> {
        promoted_dtype("polar", inputs).ok().map(|d| d.as_float())
    }
    fn infer(&self, op: &'static OpDef, _: &(), inputs: &[&Array]) -> Result<Metas> {
        let (x, y) = (inputs[0], inputs[1]);
        if x.shape() != y.shape() || x.dtype().is_complex() {
            let (x, y) = (layout::show(x.shape()), layout::show(y.shape()));
            bail!(Value, "{}: real coordinates of one shape are needed, not {x} and {y}", op.name);
        }
        let meta = || Meta { shape: x.shape().into(), dtype: x.dtype() };
        Ok([meta(), meta()].into_iter().collect())
    }
    fn decompose(&self, _: &'static OpDef, _: &(), inputs: &[&Array]) -> Result<Arrays> {
        let (x, y) = (inputs[0], inputs[1]);
        Ok([ops::hypot(x, y)?, ops::arctan2(y, x)?].into_iter().collect())
    }
}
minpy_core::operation!(pub POLAR: "polar", 2 => 2, Polar, &[(0.2, 4.0), (0.2, 4.0)], "Radius and angle of points (x, y).");

/// Radius and angle, in radians, of points (x, y): two arrays of the shape of `x`.
///
/// # Errors
/// [`ErrorKind::Value`](minpy_core::ErrorKind::Value) for coordinates of different shapes, or complex ones.
pub fn polar(x: &Array, y: &Array) -> Result<(Array, Array)> {
    let operands = [Operand::Array(x), Operand::Array(y)];
    let [radius, angle] = ops::call_each(&POLAR, Attrs::NONE, &operands)?;
    Ok((radius, angle))
}

// Python's `np.polar(x, y).radius`, its type and documentation, and the symbol `sym.polar`.
minpy_core::functions! {
    /// Radius and angle, in radians, of points (x, y).
    polar(x: Array, y: Array) -> Named("Polar", &["radius", "angle"]), cases ["f[3], f[3]", "n[2,3], n[2,3]"]
        => polar(x, y).map(|(radius, angle)| vec![radius, angle]);
}

minpy_core::kernel!(pub KERNEL: "toy", Slot::Op("polar"), DTypeSet::of(&[DType::F32]), kernel);
fn kernel(device: DeviceRef, call: &KernelCall) -> Result<()> {
    let toy = toy(device)?;
    let (x, y) = (read(toy, call.inputs[0].view()), read(toy, call.inputs[1].view()));
    let points = || x.iter().zip(&y);
    let results: [Vec<f32>; 2] =
        [points().map(|(x, y)| x.hypot(*y)).collect(), points().map(|(x, y)| y.atan2(*x)).collect()];
    for (out, values) in call.outputs.iter().zip(results) {
        toy.store(out.memory, positions(out).into_iter().zip(values));
    }
    Ok(())
}

/// `x / r` and `y / r`: the direction of the points.
fn direction(s: &Saves) -> Result<(Array, Array)> {
    Ok((ops::divide(s.x(0), s.result(0))?, ops::divide(s.x(1), s.result(0))?))
}
/// `a * p + b * q` of the terms that are there.
fn mix(a: &Option<Array>, p: &Array, b: &Option<Array>, q: &Array) -> Result<Option<Array>> {
    Ok(match (a, b) {
        (Some(a), Some(b)) => Some(ops::add(&ops::multiply(a, p)?, &ops::multiply(b, q)?)?),
        (Some(a), None) => Some(ops::multiply(a, p)?),
        (None, Some(b)) => Some(ops::multiply(b, q)?),
        (None, None) => None,
    })
}
// dr = (x dx + y dy) / r, da = (x dy - y dx) / r^2; the rule calls operations that are recorded in turn, so that second derivatives
// follow from it.
minpy_autograd::whole! { POLAR: [0 1 y]
    |s, g| {
        let (c, n) = direction(s)?;
        let (along, across) = (ops::divide(&c, s.result(0))?, ops::divide(&n, s.result(0))?);
        Ok(vec![mix(&g[0], &c, &g[1], &ops::negative(&across)?)?, mix(&g[0], &n, &g[1], &along)?])
    },
    ~ |s, t| {
        let (c, n) = direction(s)?;
        let (along, across) = (ops::divide(&c, s.result(0))?, ops::divide(&n, s.result(0))?);
        Ok(vec![mix(&t[0], &c, &t[1], &n)?, mix(&t[0], &ops::negative(&across)?, &t[1], &along)?])
    }
}
