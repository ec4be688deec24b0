//! Running folds along an axis: cumsum, cumprod; integrals of samples.

use super::{Axis, add, call, divide, multiply, not_equal, reshape, subtract, sum};
use crate::dispatch::{Arg, copy_raw, launch};
use crate::kernel::{Fold, Work};
use crate::layout::{Layout, normalize_axis};
use crate::op::{OpDef, Operand, Structured};
use crate::{Array, Attrs, DType, Meta, Metas, Result, Target, bail, operation};
use smallvec::SmallVec;

struct Scan(Fold);

/// The layout with `axis` moved to the end.
pub(super) fn axis_last(layout: &Layout, axis: usize) -> Layout {
    let order: SmallVec<[usize; 6]> = (0..layout.ndim()).filter(|&i| i != axis).chain([axis]).collect();
    layout.transpose(Some(&order))
}

impl Structured for Scan {
    type Attrs = Axis;

    fn input_dtype(&self, _: &Axis, inputs: &[Operand], _: usize) -> Option<DType> {
        use DType::*;
        match inputs[0].dtype() {
            Bool | I8 | I16 | I32 => Some(I64),
            U8 | U16 | U32 => Some(U64),
            _ => None,
        }
    }
    fn infer(&self, _: &'static OpDef, _: &Axis, inputs: &[&Array]) -> Result<Metas> {
        Ok(Meta::one(inputs[0].shape(), inputs[0].dtype()))
    }
    fn lower(&self, op: &'static OpDef, axis: &Axis, inputs: &[&Array], outs: &[&Array]) -> Result<()> {
        let out = outs[0];
        if out.size() == 0 {
            return Ok(());
        }
        let a = if inputs[0].may_share_memory(out) { copy_raw(inputs[0])? } else { inputs[0].clone() };
        let (i, o) = (axis_last(a.layout(), axis.0), out.view(axis_last(out.layout(), axis.0)));
        launch(op.name, out.device(), &Work::Scan(self.0), None, &[Arg::Array(&a, Some(&i))], &[&o])
    }
}
operation!(pub CUMSUM: "cumsum", 1 => 1, Scan(Fold::Add), &[(0.5, 3.0)], "Running sum along an axis.");
operation!(pub CUMPROD: "cumprod", 1 => 1, Scan(Fold::Mul), &[(0.5, 3.0)], "Running product along an axis.");

/// Running sum along `axis`.
pub fn cumsum(a: &Array, axis: isize) -> Result<Array> {
    let axis = normalize_axis("cumsum", axis, a.ndim())?;
    call(&CUMSUM, Attrs::of(&Axis(axis)), &[Operand::Array(a)], None, Target::New)
}
/// Running product along `axis`.
pub fn cumprod(a: &Array, axis: isize) -> Result<Array> {
    let axis = normalize_axis("cumprod", axis, a.ndim())?;
    call(&CUMPROD, Attrs::of(&Axis(axis)), &[Operand::Array(a)], None, Target::New)
}

/// A running fold with everything that NumPy takes for it; `axis` `None`: of the flattened array.
///
/// # Errors
/// [`ErrorKind::Axis`](crate::ErrorKind::Axis) for an axis that the array does not have,
/// [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for small dtypes that are asked for, and an `out` of another kind.
pub fn running(
    op: &'static OpDef,
    a: &Array,
    axis: Option<isize>,
    dtype: Option<DType>,
    out: Option<&Array>,
) -> Result<Array> {
    let mut x = a.clone();
    let dtype = super::reduce::computed_in(a.dtype(), dtype, out);
    super::reduce::fits(op.name, dtype, out)?;
    match dtype {
        // A small dtype that was asked for is not widened again.
        Some(d) if !d.is_inexact() && d.size() < 8 => bail!(NotNative, "{}: dtype={d}", op.name),
        Some(d) if d != x.dtype() => x = super::cast(&x, d)?,
        _ => {}
    }
    if axis.is_none() || x.ndim() == 0 && matches!(axis, Some(0 | -1)) {
        x = super::reshape(&x, &[-1])?;
    }
    let axis = normalize_axis(op.name, axis.unwrap_or(0), x.ndim())?;
    call(op, Attrs::of(&Axis(axis)), &[Operand::Array(&x)], None, super::reduce::target(out))
}
/// Integral along an axis by the trapezoidal rule, of samples `y` at the places `x` (one axis, or the shape of `y`), or `dx` apart.
///
/// # Errors
/// [`ErrorKind::Axis`](crate::ErrorKind::Axis) for an axis that an array does not have, [`ErrorKind::Value`](crate::ErrorKind::Value) for shapes that do not fit,
/// [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for places that are truth values or a single number.
pub fn trapezoid<'a>(y: &Array, x: Option<&Array>, dx: impl Into<Operand<'a>>, axis: isize) -> Result<Array> {
    let dx: Operand = dx.into();
    let neighbours = |a: &Array, axis: isize| -> Result<(Array, Array)> {
        let at = normalize_axis("trapezoid", axis, a.ndim())?;
        let n = a.shape()[at].saturating_sub(1);
        Ok((a.slice(at, a.shape()[at] - n, 1, n), a.slice(at, 0, 1, n)))
    };
    let (next, here) = neighbours(y, axis)?;
    let sums = add(&next, &here)?;
    let areas = match x {
        None => multiply(dx, &sums)?,
        Some(x) if x.ndim() == 0 || x.dtype() == DType::Bool => {
            bail!(NotNative, "trapezoid: x of such a kind")
        }
        Some(x) if x.ndim() == 1 => {
            let (next, here) = neighbours(x, 0)?;
            let mut shape: SmallVec<[isize; 6]> = SmallVec::from_elem(1, y.ndim());
            shape[normalize_axis("trapezoid", axis, y.ndim())?] = -1;
            multiply(&reshape(&subtract(&next, &here)?, &shape)?, &sums)?
        }
        Some(x) => {
            let (next, here) = neighbours(x, axis)?;
            multiply(&subtract(&next, &here)?, &sums)?
        }
    };
    sum(&divide(&areas, 2.0)?, Some(&[axis]), false)
}

/// Differences of neighbours along an axis, `n` times over; of truth values whether they differ.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for an array without dimensions or a negative `n`,
/// [`ErrorKind::Axis`](crate::ErrorKind::Axis) for an axis that the array does not have,
/// [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for `n` of 0, where nothing is computed.
pub fn diff(a: &Array, n: isize, axis: isize) -> Result<Array> {
    match n {
        0 => bail!(NotNative, "diff: n=0"),
        ..0 => bail!(Value, "order must be non-negative but got {n}"),
        _ if a.ndim() == 0 => bail!(Value, "diff requires input that is at least one dimensional"),
        _ => {}
    }
    let axis = normalize_axis("diff", axis, a.ndim())?;
    let mut a = a.clone();
    for _ in 0..n {
        let len = a.shape()[axis];
        let rest = len.saturating_sub(1);
        let (next, here) = (a.slice(axis, len - rest, 1, rest), a.slice(axis, 0, 1, rest));
        a = if a.dtype() == DType::Bool { not_equal(&next, &here)? } else { subtract(&next, &here)? };
        if rest == 0 {
            break;
        }
    }
    Ok(a)
}

crate::functions! {
    /// Differences of neighbours along an axis, `n` times over; of truth values whether they differ.
    diff(a: Array, n: Int = 1, axis: Int = -1, prepend: Foreign = None, append: Foreign = None)
        -> Array, cases ["f[5]", "n[3,4], axis=0", "f[2,5], n=2", "i[6]", "b[5]", "c[4]", "f[1]"]
        => diff(a, n, axis);
    /// Sums of the elements up to each one.
    cumsum(a: Array, axis: Axis = None, dtype: DType = None, out: Out = None) -> Array, method, cases ["f[5]", "n[3,4], axis=1", "i[2,3]"]
        => running(&CUMSUM, a, axis, dtype, out);
    /// Products of the elements up to each one.
    cumprod(a: Array, axis: Axis = None, dtype: DType = None, out: Out = None) -> Array, method, cases ["f[5]", "n[3,4], axis=1", "i[2,3]"]
        => running(&CUMPROD, a, axis, dtype, out);
    /// Integral along an axis by the trapezoidal rule, of samples `y` at the places `x`, or `dx` apart.
    trapezoid(y: Array, x: OptionalArray = None, dx: Operand = Some(1.0), axis: Int = -1)
        -> Values, cases ["f[5]", "n[3,4], axis=0", "f[2,5], f[5]", "f[3,4], f[3,4], axis=0", "f[4], dx=0.5", "i[2,3]", "c[4]", "f[1]"]
        => trapezoid(y, x, dx.unwrap_or(1.0.into()), axis);
}
