//! Running folds with their beginning, angles without jumps, and positions of diagonals: cumulative_sum, unwrap, diag_indices.

use super::limit::every;
use super::rearrange::at_least;
use super::scan::running;
use super::{
    CUMPROD, CUMSUM, absolute, add, arange, bitwise_and, concatenate, diff, equal, full, greater, less,
    remainder, select, subtract,
};
use crate::context::with_device;
use crate::layout::{Dims, broadcast_shapes, normalize_axis};
use crate::op::OpDef;
use crate::{Array, DType, Number, Operand, Result, bail, memory};

/// A running fold, as the array API's standard has it; with what it starts from in front.
fn cumulative(
    op: &'static OpDef,
    x: &Array,
    axis: Option<isize>,
    dtype: Option<DType>,
    out: Option<&Array>,
    first: Option<i64>,
) -> Result<Array> {
    let x = at_least(x, 1)?;
    if axis.is_none() && x.ndim() >= 2 {
        bail!(Value, "For arrays which have more than one dimension ``axis`` argument is required.");
    }
    let Some(first) = first else { return running(op, &x, axis.or(Some(0)), dtype, out) };
    if out.is_some() {
        bail!(NotNative, "{}: out= with include_initial", op.name);
    }
    let axis = normalize_axis(op.name, axis.unwrap_or(0), x.ndim())?;
    let r = running(op, &x, Some(axis as isize), dtype, None)?;
    let mut shape: Dims = r.shape().into();
    shape[axis] = 1;
    let first = with_device(r.device(), || full(&shape, first, r.dtype()))?;
    concatenate(&[first, r], axis as isize, None)
}

/// Angles, or other values that count modulo `period`, without jumps: where neighbours are further apart than `discont`, what follows is moved by
/// multiples of the period so that they are not.
///
/// # Errors
/// Those of [`diff`]; [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for truth values, complex numbers and integers without a sign, and for
/// periods that are not positive.
pub fn unwrap(p: &Array, discont: Option<Number>, axis: isize, period: Number) -> Result<Array> {
    let dtype = p.dtype();
    if dtype.is_complex() || matches!(dtype, DType::Bool | DType::U8 | DType::U16 | DType::U32 | DType::U64) {
        bail!(NotNative, "unwrap: of dtype {dtype}");
    }
    if matches!(period, Number::Complex(_)) || period.to_f64().is_nan() || period.to_f64() <= 0.0 {
        bail!(NotNative, "unwrap: a period that is not positive");
    }
    let steps = diff(p, 1, axis)?;
    let axis = normalize_axis("unwrap", axis, p.ndim())?;
    let half = period.to_f64() / 2.0;
    let discont = discont.unwrap_or(Number::Float(half));
    // Of integers the odd periods have no middle.
    let (high, ambiguous) = match period {
        Number::Int(n) if dtype.is_integer() => (Number::Int(n / 2), n % 2 == 0),
        _ => (Number::Float(half), true),
    };
    let low = match high {
        Number::Int(n) => Number::Int(-n),
        n => Number::Float(-n.to_f64()),
    };
    let mut near = add(&remainder(&subtract(&steps, low)?, period)?, low)?;
    if ambiguous {
        let upwards = bitwise_and(&equal(&near, low)?, &greater(&steps, 0)?)?;
        near = select(&upwards, high, &near)?;
    }
    let moved = select(&less(&absolute(&steps)?, discont)?, 0, &subtract(&near, &steps)?)?;
    let n = p.shape()[axis];
    let rest = n.saturating_sub(1);
    let moved = running(&CUMSUM, &moved, Some(axis as isize), None, None)?;
    let rest = add(&p.slice(axis, n - rest, 1, rest), &moved)?;
    let first = p.slice(axis, 0, 1, n.min(1));
    concatenate(&[first, rest], axis as isize, Some(near.dtype()))
}

/// Positions of the main diagonal of an array with so many axes of length `n`: one array for each of them.
///
/// # Errors
/// [`ErrorKind::Memory`](crate::ErrorKind::Memory).
pub fn diag_indices(n: isize, ndim: isize) -> Result<Vec<Array>> {
    let line = arange(0i64, n as i64, 1i64, DType::I64)?;
    memory::collected(std::iter::repeat_n(line, usize::try_from(ndim).unwrap_or(0)))
}

/// The real part of complex numbers whose imaginary parts are all within a tolerance of 0: so many times the distance of 1 to the next number
/// where it is above 1. Waits for the answer.
///
/// # Errors
/// What computing the values may fail with.
pub fn real_if_close(a: &Array, tolerance: f64) -> Result<Array> {
    if !a.dtype().is_complex() {
        return Ok(a.view(a.layout().clone()));
    }
    let eps = if a.dtype() == DType::C64 { f32::EPSILON as f64 } else { f64::EPSILON };
    let tolerance = if tolerance > 1.0 { eps * tolerance } else { tolerance };
    match every(&less(&absolute(&super::part(a, true)?)?, tolerance)?)? {
        true => super::part(a, false),
        false => Ok(a.view(a.layout().clone())),
    }
}

/// A number as Python has it: one with a dtype takes part in promotion.
fn plain(name: &str, x: Option<Operand>) -> Result<Option<Number>> {
    match x {
        None => Ok(None),
        Some(Operand::Number(n)) if !matches!(n, Number::Bool(_)) => Ok(Some(n)),
        Some(_) => bail!(NotNative, "{name}: a number with a dtype, or a truth value"),
    }
}

crate::functions! {
    /// Sums of the elements up to each one, along one axis; `include_initial` puts a 0 before them.
    cumulative_sum(x: Array, /, *, axis: Axis = None, dtype: DType = None, out: Out = None, include_initial: Flag = false)
        -> Array, cases ["f[5]", "n[3,4], axis=1", "i[2,3], axis=0, include_initial=True", "f[4], include_initial=True"]
        => cumulative(&CUMSUM, x, axis, dtype, out, include_initial.then_some(0));
    /// Products of the elements up to each one, along one axis; `include_initial` puts a 1 before them.
    cumulative_prod(x: Array, /, *, axis: Axis = None, dtype: DType = None, out: Out = None, include_initial: Flag = false)
        -> Array, cases ["f[5]", "n[3,4], axis=1", "i[2,3], axis=0, include_initial=True", "f[4], include_initial=True"]
        => cumulative(&CUMPROD, x, axis, dtype, out, include_initial.then_some(1));
    /// Values that count modulo a period, without jumps between neighbours.
    unwrap(p: Array, discont: Operand = None, axis: Int = -1, *, period: Operand = Some(std::f64::consts::TAU))
        -> Array, cases ["n[7]", "n[3,5], axis=0, period=2.5", "i[6], period=4", "i[6], period=3", "n[6], discont=4.0, period=1.5", "f[1]"]
        => match plain("unwrap", period)? {
            Some(period) => unwrap(p, plain("unwrap", discont)?, axis, period),
            None => bail!(NotNative, "unwrap: period=None"),
        };
    /// Positions of the main diagonal, one array for each axis.
    diag_indices(n: Int, ndim: PlainInt = 2) -> Tuple, constant, cases ["3", "2, ndim=3"] => diag_indices(n, ndim);
    /// Positions of the main diagonal of an array.
    diag_indices_from(arr: Ours) -> Tuple, constant, cases ["f[3,3]", "i[2,2,2]"]
        => {
            if arr.ndim() < 2 {
                bail!(Value, "input array must be at least 2-d");
            }
            if arr.shape().iter().any(|&n| n != arr.shape()[0]) {
                bail!(Value, "All dimensions of input must be of equal length");
            }
            with_device(arr.device(), || diag_indices(arr.shape()[0] as isize, arr.ndim() as isize))
        };
    /// The real part where the imaginary parts are close to 0.
    real_if_close(a: Array, tol: Float = 100.0) -> View, by_values, cases ["f[3]", "c[2,3]", "c[3], tol=0.5", "i[2]"]
        => real_if_close(a, tol);
    /// Whether the dtype is not complex.
    isrealobj(x: Ours) -> Truth, constant, cases ["c[2]", "f[2]"]
        => Ok(!x.dtype().is_complex());
    /// Whether two arrays have the same elements when they are broadcast.
    array_equiv(a1: Tried, a2: Tried) -> Truth, constant, cases ["n[3,4], n[3,4]", "i[3], i[4]", "f[3], f[2,3]", "i[1], i[2,1]"]
        => match broadcast_shapes("array_equiv", &[a1.shape(), a2.shape()]) {
            Ok(_) => every(&equal(a1, a2)?),
            Err(_) => Ok(false),
        };
}
