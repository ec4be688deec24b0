//! New arrays: zeros, ones, full, arange, linspace, eye.

use super::{add, assign, multiply};
use crate::context::current_device;
use crate::dispatch::{Arg, fill_raw, launch};
use crate::expr::{Builder, Program};
use crate::kernel::Work;
use crate::{Array, DType, Error, Number, Result, bail};
use parking_lot::RwLock;
use rustc_hash::FxHashMap;
use std::sync::{Arc, LazyLock};

/// An array of zeros on the current device.
pub fn zeros(shape: &[usize], dtype: DType) -> Result<Array> {
    full(shape, Number::Int(0), dtype)
}
/// An array of ones.
pub fn ones(shape: &[usize], dtype: DType) -> Result<Array> {
    full(shape, Number::Int(1), dtype)
}
/// An array of one value.
pub fn full(shape: &[usize], value: impl Into<Number>, dtype: DType) -> Result<Array> {
    let a = Array::empty_on(current_device()?, shape, dtype)?;
    fill_raw(&a, value.into().to_scalar(dtype)?)?;
    Ok(a)
}
/// Shape, dtype and device of `a`, filled with a value.
pub fn full_like(a: &Array, value: impl Into<Number>) -> Result<Array> {
    let r = Array::empty_on(a.device(), a.shape(), a.dtype())?;
    fill_raw(&r, value.into().to_scalar(a.dtype())?)?;
    Ok(r)
}
/// Zeros with shape, dtype and device of `a`.
pub fn zeros_like(a: &Array) -> Result<Array> {
    full_like(a, 0i64)
}
/// Ones with shape, dtype and device of `a`.
pub fn ones_like(a: &Array) -> Result<Array> {
    full_like(a, 1i64)
}

/// `start + i * step`, computed in float64 or int64 and then converted.
fn ramp_program(wide: DType, dtype: DType) -> Arc<Program> {
    static CACHE: LazyLock<RwLock<FxHashMap<(DType, DType), Arc<Program>>>> = LazyLock::new(Default::default);
    if let Some(p) = CACHE.read().get(&(wide, dtype)) {
        return p.clone();
    }
    let b = Builder::new();
    let (start, step) = (b.input(wide), b.input(wide));
    let value = start + b.index().cast(wide) * step;
    let id = value.cast(dtype).id();
    let p = Arc::new(b.finish("arange", &[id], 0b11));
    CACHE.write().entry((wide, dtype)).or_insert(p).clone()
}
/// `n` values `start, start + step, ...`, computed in int64, float64 or complex128 as the numbers are, in `dtype`.
pub fn ramp(start: Number, step: Number, n: usize, dtype: DType) -> Result<Array> {
    let fits = |i: i128| i64::try_from(i).is_ok();
    let wide = match (start, step) {
        (Number::Complex(_), _) | (_, Number::Complex(_)) => DType::C128,
        (Number::Float(_), _) | (_, Number::Float(_)) => DType::F64,
        (Number::Int(a), Number::Int(b)) if dtype.is_inexact() && !(fits(a) && fits(b)) => DType::F64,
        _ if dtype == DType::U64 => DType::U64,
        _ => DType::I64,
    };
    ramp_in(wide, start, step, n, dtype)
}
fn ramp_in(wide: DType, start: Number, step: Number, n: usize, dtype: DType) -> Result<Array> {
    let out = Array::empty_on(current_device()?, &[n], dtype)?;
    if n > 0 {
        let args = [Arg::Scalar(start.cast(wide)), Arg::Scalar(step.cast(wide))];
        launch("arange", out.device(), &Work::Elementwise, Some(&ramp_program(wide, dtype)), &args, &[&out])?;
    }
    Ok(out)
}
/// NumPy's `arange`: from `start` up to (not including) `stop` in steps of `step`. Without a dtype it is int64 for integers and
/// float64 for floats.
///
/// ```
/// use minpy_core::{DType, ops};
/// use minpy_cpu as _;
/// # fn main() -> minpy_core::Result<()> {
/// assert_eq!(ops::arange(0, 5, 2, None)?.to_vec::<i64>()?, [0, 2, 4]);
/// assert_eq!(ops::arange(0.0, 1.0, 0.25, None)?.to_vec::<f64>()?, [0.0, 0.25, 0.5, 0.75]);
/// assert_eq!(ops::arange(3, 0, -1, DType::F32)?.to_vec::<f32>()?, [3.0, 2.0, 1.0]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for a step of 0, for bounds that are no numbers and for more elements than memory
/// can address; [`ErrorKind::Overflow`](crate::ErrorKind::Overflow) for integers that the dtype does not hold.
pub fn arange(
    start: impl Into<Number>,
    stop: impl Into<Number>,
    step: impl Into<Number>,
    dtype: impl Into<Option<DType>>,
) -> Result<Array> {
    let (start, stop, step) = (start.into(), stop.into(), step.into());
    let dtype = dtype.into().unwrap_or_else(|| {
        [start, stop, step].map(Number::default_dtype).into_iter().fold(DType::I64, DType::promote)
    });
    range(start, stop, step, dtype)
}
fn range(start: Number, stop: Number, step: Number, dtype: DType) -> Result<Array> {
    let n = match (start, stop, step) {
        (_, _, s) if s.to_f64() == 0.0 => bail!(Value, "arange: step must not be 0"),
        (Number::Int(a), Number::Int(b), Number::Int(s)) => {
            let d = if s > 0 { b - a } else { a - b };
            if d <= 0 { 0 } else { (d + s.abs() - 1) / s.abs() }
        }
        _ => {
            let n = ((stop.to_f64() - start.to_f64()) / step.to_f64()).ceil();
            if n.is_nan() {
                bail!(Value, "arange: cannot compute length");
            }
            n.max(0.0) as i128
        }
    };
    match usize::try_from(n) {
        Ok(n) if n <= isize::MAX as usize / 16 => arange_of(start, step, n, dtype),
        _ => bail!(Value, "arange: Maximum allowed size exceeded: {n}"),
    }
}
/// As NumPy fills it: the first two values are elements of `dtype`, and their difference is the step of the others.
fn arange_of(start: Number, step: Number, n: usize, dtype: DType) -> Result<Array> {
    let sum = match (start, step) {
        (Number::Int(a), Number::Int(b)) => Number::Int(a + b),
        _ => Number::Float(start.to_f64() + step.to_f64()),
    };
    let element = |v: Number| Ok::<_, Error>(v.to_scalar(dtype)?.number());
    let first = element(start)?;
    let second = if n > 1 { element(sum)? } else { first };
    // In float32 also for float16. The difference may be rounded, so that `again` is not quite the second value.
    let (wide, delta, again) = match (first, second) {
        (Number::Float(a), Number::Float(b)) if dtype == DType::F64 => (dtype, b - a, a + (b - a)),
        (Number::Float(a), Number::Float(b)) => {
            let (a, b) = (a as f32, b as f32);
            (DType::F32, (b - a) as f64, (a + (b - a)) as f64)
        }
        (Number::Int(a), Number::Int(b)) => {
            return ramp_in(dtype, Number::Int(a), Number::Int(b - a), n, dtype);
        }
        _ => return ramp(start, step, n, dtype),
    };
    let out = ramp_in(wide, first, Number::Float(delta), n, dtype)?;
    if n > 1 && Number::Float(again).cast(dtype).number() != second {
        assign(&out.slice(0, 1, 1, 1), second)?;
    }
    Ok(out)
}
/// `n` evenly spaced values from `start` to `stop` (included when `endpoint`).
pub fn linspace(start: f64, stop: f64, n: usize, endpoint: bool, dtype: DType) -> Result<Array> {
    let steps = if endpoint { n.saturating_sub(1) } else { n };
    let wide = if dtype.is_inexact() { dtype } else { DType::F64 };
    let a = ramp(Number::Float(0.0), Number::Float(1.0), n, DType::F64)?;
    let step = (stop - start) / steps.max(1) as f64;
    // i / steps * delta loses less than i * step where step underflows; NumPy does the same.
    let scaled = if step == 0.0 && steps > 0 {
        multiply(&super::divide(&a, steps as f64)?, stop - start)?
    } else {
        multiply(&a, step)?
    };
    let r = add(&scaled, start)?;
    if endpoint && n > 1 {
        assign(&r.slice(0, n - 1, 1, 1), stop)?;
    }
    let r = if wide.is_inexact() && dtype == wide { r } else { super::floor(&r)? };
    super::cast(&r, dtype)
}
/// Ones on the `k`-th diagonal of an `n` x `m` matrix of zeros.
pub fn eye(n: usize, m: usize, k: isize, dtype: DType) -> Result<Array> {
    let a = zeros(&[n, m], dtype)?;
    let (row, col) = if k < 0 { (k.unsigned_abs(), 0) } else { (0, k as usize) };
    if row < n && col < m {
        let len = (n - row).min(m - col);
        let l = crate::Layout::new([len].as_slice(), [m as isize + 1].as_slice(), row * m + col);
        assign(&a.view(l), 1i64)?;
    }
    Ok(a)
}
