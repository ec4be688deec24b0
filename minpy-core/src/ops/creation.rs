//! New arrays: zeros, ones, full, arange, linspace, eye, and copies.

use super::{add, assign, assign_where, multiply};
use crate::context::{current_device, with_device};
use crate::device::flags;
use crate::dispatch::{Arg, fill_raw, launch, ramped};
use crate::expr::{Builder, Program};
use crate::function::Made;
use crate::kernel::Work;
use crate::layout::{Dims, Layout, Order};
use crate::op::Operand;
use crate::{Array, DType, DeviceRef, Error, Number, Result, bail};
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
    let value = value.into();
    fill_raw(&a, flags::narrowed(value, value.to_scalar(dtype)?))?;
    Ok(a)
}
/// Shape, dtype and device of `a`, filled with a value.
pub fn full_like(a: &Array, value: impl Into<Number>) -> Result<Array> {
    let r = Array::empty_on(a.device(), a.shape(), a.dtype())?;
    let value = value.into();
    fill_raw(&r, flags::narrowed(value, value.to_scalar(a.dtype())?))?;
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
    let (start, step) = (start.cast(wide), step.cast(wide));
    if n > 0 && !ramped(&out, &start, &step)? {
        let args = [Arg::Scalar(start), Arg::Scalar(step)];
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
            let span = stop.to_f64() - start.to_f64();
            let n = span / step.to_f64();
            if n.is_nan() {
                bail!(Value, "arange: cannot compute length");
            }
            // A step beyond the end that is too long for a quotient.
            if n == 0.0 && span != 0.0 { n.is_sign_positive() as i128 } else { n.ceil().max(0.0) as i128 }
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
    assign(&diagonal_of(&a, k), 1i64)?;
    Ok(a)
}
/// The `n` x `n` matrix with ones on its main diagonal.
pub fn identity(n: usize, dtype: DType) -> Result<Array> {
    eye(n, n, 0, dtype)
}
/// A view of the `k`-th diagonal of a matrix.
pub(super) fn diagonal_of(matrix: &Array, k: isize) -> Array {
    let l = matrix.layout();
    let (down, across) = if k < 0 { (k.unsigned_abs(), 0) } else { (0, k.unsigned_abs()) };
    let left = |axis: usize, skipped: usize| l.shape()[axis].saturating_sub(skipped);
    let len = left(0, down).min(left(1, across));
    let start = if len == 0 { 0 } else { down as isize * l.strides()[0] + across as isize * l.strides()[1] };
    let at = (l.offset() as isize + start) as usize;
    matrix.view(Layout::new([len].as_slice(), [l.strides()[0] + l.strides()[1]].as_slice(), at))
}

/// The array, whose values do not matter yet, with its memory in Fortran order.
pub fn fortran(a: &Array) -> Array {
    let reversed: Dims = a.shape().iter().rev().copied().collect();
    a.view(Layout::contiguous(&reversed).transpose(None))
}
fn placed<R>(device: Option<DeviceRef>, f: impl FnOnce() -> Result<R>) -> Result<R> {
    match device {
        Some(device) => with_device(device, f),
        None => f(),
    }
}
/// An array whose values are not set, in C or Fortran order.
fn unset(shape: &[usize], dtype: DType, order: Order, device: Option<DeviceRef>) -> Result<Array> {
    let device = device.map_or_else(current_device, Ok)?;
    match order {
        Order::C => Array::empty_on(device, shape, dtype),
        Order::F => Array::empty_on(device, shape, dtype).map(|a| fortran(&a)),
        _ => bail!(Value, "only 'C' or 'F' order is permitted"),
    }
}
/// An array whose values are not set, with what is not given taken from another: shape, dtype, device and how it lies.
fn unset_like(
    a: &Array,
    dtype: Option<DType>,
    order: Order,
    shape: Option<Dims>,
    device: Option<DeviceRef>,
) -> Result<Array> {
    let (l, device, dtype) = (a.layout(), device.unwrap_or(a.device()), dtype.unwrap_or(a.dtype()));
    let shape = shape.as_deref().unwrap_or(a.shape());
    // Another shape of as many axes lies as the array does.
    if order == Order::K
        && shape.len() == l.ndim()
        && !l.is_contiguous()
        && let Some(dense) = l.dense_order()
    {
        let strides = crate::array::strides_in_order(shape, &dense);
        return Array::empty_with(device, Layout::new(shape, strides, 0), dtype);
    }
    let new = Array::empty_on(device, shape, dtype)?;
    Ok(if order.is_fortran(l) { fortran(&new) } else { new })
}
fn filled(a: Array, value: i64) -> Result<Array> {
    fill_raw(&a, Number::Int(value as i128).cast(a.dtype()))?;
    Ok(a)
}
/// The array with a value, or values that are broadcast, written into it.
fn filled_with(name: &str, a: Array, value: Operand) -> Result<Array> {
    match value {
        Operand::Number(Number::Complex(_)) if !a.dtype().is_complex() => {
            bail!(NotNative, "{name}: a complex number in real elements")
        }
        Operand::Number(n) => fill_raw(&a, flags::narrowed(n, n.to_scalar(a.dtype())?))?,
        other => write(name, &a, other, "unsafe", None)?,
    }
    Ok(a)
}
fn dtype_of(value: &Operand) -> DType {
    match value {
        Operand::Number(n) => n.default_dtype(),
        other => other.dtype(),
    }
}

/// Writes values into an array, by NumPy's rules for what may be cast.
fn write(name: &str, target: &Array, value: Operand, casting: &str, mask: Option<&Array>) -> Result<()> {
    if value.array().is_some_and(|v| v.same_view(target)) {
        return Ok(()); // NumPy does not look at anything else then
    }
    let to = target.dtype();
    let from = match &value {
        Operand::Number(n) => n.promote_weak(to),
        other => other.dtype(),
    };
    let allowed = match casting {
        "unsafe" => true,
        "same_kind" => from.can_cast_same_kind(to),
        "safe" => from.can_cast_safely(to),
        _ => from == to,
    };
    if !allowed {
        bail!(NotNative, "{name}: from {from} to {to}, casting='{casting}'");
    }
    if from.is_complex() && !to.is_complex() && to != DType::Bool {
        bail!(NotNative, "{name}: without the imaginary parts, about which NumPy warns");
    }
    if value.array().is_some_and(|v| v.ndim() > target.ndim()) {
        bail!(NotNative, "{name}: values with more dimensions than the array");
    }
    match mask {
        None => assign(target, value),
        Some(mask) if mask.dtype() == DType::Bool => assign_where(target, value, mask),
        Some(mask) => bail!(NotNative, "{name}: where= of dtype {}", mask.dtype()),
    }
}
/// A copy of an array, in that order of memory.
///
/// # Errors
/// [`ErrorKind::Memory`](crate::ErrorKind::Memory).
pub fn copy_in(a: &Array, order: Order) -> Result<Array> {
    if order == Order::K {
        return super::copy(a);
    }
    let out = Array::empty_on(a.device(), a.shape(), a.dtype())?;
    let out = if order.is_fortran(a.layout()) { fortran(&out) } else { out };
    assign(&out, a)?;
    Ok(out)
}

/// Values from one number to another where NumPy's are computed as here.
fn counted(
    start: Option<Number>,
    stop: Option<Number>,
    step: Option<Number>,
    dtype: Option<DType>,
) -> Result<Array> {
    let (Some(first), Some(step)) = (start, step.or(Some(Number::Int(1)))) else {
        bail!(NotNative, "arange: without an end");
    };
    let (start, stop) = stop.map_or((Number::Int(0), first), |stop| (first, stop));
    let numbers = [start, stop, step];
    let whole = numbers.iter().all(|n| matches!(n, Number::Int(i) if i64::try_from(*i).is_ok()));
    let plain = |n: &Number| matches!(n, Number::Int(_) | Number::Float(_)) && n.to_f64().is_finite();
    if !numbers.iter().all(plain) || step.to_f64() == 0.0 {
        bail!(NotNative, "arange: of other numbers than finite real ones, or with a step of 0");
    }
    match dtype {
        None => arange(start, stop, step, None),
        Some(d @ (DType::F64 | DType::F32)) => arange(start, stop, step, d),
        Some(d) if whole && d.is_integer() => arange(start, stop, step, d),
        Some(d) => bail!(NotNative, "arange: of these numbers with dtype {d}"),
    }
}
/// An interval in equal steps, and the step.
fn spaced(
    start: Option<Number>,
    stop: Option<Number>,
    n: isize,
    endpoint: bool,
    dtype: Option<DType>,
) -> Result<(Array, f64)> {
    let real = |n: Option<Number>| n.filter(|n| matches!(n, Number::Int(_) | Number::Float(_)));
    let (Some(start), Some(stop)) = (real(start), real(stop)) else {
        bail!(NotNative, "linspace: between other numbers than real ones");
    };
    let Ok(n) = usize::try_from(n) else { bail!(NotNative, "linspace: {n} values") };
    let dtype = dtype.unwrap_or(DType::F64);
    if dtype.is_complex() || dtype == DType::Bool {
        bail!(NotNative, "linspace: of dtype {dtype}");
    }
    let (start, stop) = (start.to_f64(), stop.to_f64());
    let steps = if endpoint { n.saturating_sub(1) } else { n };
    let step = if steps > 0 { (stop - start) / steps as f64 } else { f64::NAN };
    Ok((linspace(start, stop, n, endpoint, dtype)?, step))
}
pub(super) fn length(n: isize) -> Result<usize> {
    match usize::try_from(n) {
        Ok(n) => Ok(n),
        Err(_) => bail!(Value, "negative dimensions are not allowed"),
    }
}

crate::functions! {
    /// A new array of zeros.
    zeros(shape: Shape, dtype: DType = None, order: Order = "C", *, device: Device = None, like: Foreign = None)
        -> Array, cases ["3", "(2, 3), dtype=int64", "(), order='F'"]
        => filled(unset(&shape, dtype.unwrap_or(DType::F64), order, device)?, 0);
    /// A new array of ones.
    ones(shape: Shape, dtype: DType = None, order: Order = "C", *, device: Device = None, like: Foreign = None)
        -> Array, cases ["3", "(2, 3), dtype=complex64", "(2, 0), order='F'"]
        => filled(unset(&shape, dtype.unwrap_or(DType::F64), order, device)?, 1);
    /// A new array whose values are not set.
    empty(shape: Shape, dtype: DType = None, order: Order = "C", *, device: Device = None, like: Foreign = None)
        -> Array, cases ["0", "(2, 0), dtype=int64"]
        => unset(&shape, dtype.unwrap_or(DType::F64), order, device);
    /// A new array of one value, or of values that are broadcast.
    full(shape: Shape, fill_value: Operand, dtype: DType = None, order: Order = "C", *, device: Device = None, like: Foreign = None)
        -> Array, cases ["(2, 3), 7", "3, 1.5, dtype=float32", "(2, 3), i[3]", "3, 2.75, dtype=int64"]
        => match fill_value {
            Some(v) => filled_with("full", unset(&shape, dtype.unwrap_or(dtype_of(&v)), order, device)?, v),
            None => bail!(NotNative, "full: of None"),
        };
    /// A new array of zeros, of the shape and dtype of another.
    zeros_like(a: Kept, dtype: DType = None, order: Order = "K", subok: Flag = true, shape: OptionalShape = None, *, device: Device = None)
        -> Array, constant, cases ["f[2,3]", "i[2,3], dtype=float32", "f[2], shape=(2, 2)"]
        => filled(unset_like(a, dtype, order, shape, device)?, 0);
    /// A new array of ones, of the shape and dtype of another.
    ones_like(a: Kept, dtype: DType = None, order: Order = "K", subok: Flag = true, shape: OptionalShape = None, *, device: Device = None)
        -> Array, constant, cases ["f[2,3]", "i[2,3], dtype=float32", "c[2], shape=(2, 2)"]
        => filled(unset_like(a, dtype, order, shape, device)?, 1);
    /// A new array whose values are not set, of the shape and dtype of another.
    empty_like(prototype: Kept, /, dtype: DType = None, order: Order = "K", subok: Flag = true, shape: OptionalShape = None, *, device: Device = None)
        -> Array, constant, cases ["f[0]", "i[2,0], dtype=float32"]
        => unset_like(prototype, dtype, order, shape, device);
    /// A new array of one value, or of values that are broadcast, of the shape and dtype of another.
    full_like(a: Kept, fill_value: Operand, dtype: DType = None, order: Order = "K", subok: Flag = true, shape: OptionalShape = None, *, device: Device = None)
        -> Array, apart [a], cases ["f[2,3], 7", "i[2,3], 2.75", "f[2,3], i[3], dtype=float32", "f[2,3], f[3]"]
        => match fill_value {
            Some(v) => filled_with("full_like", unset_like(a, dtype, order, shape, device)?, v),
            None => bail!(NotNative, "full_like: of None"),
        };
    /// Values from one number up to another, which is not reached, in equal steps.
    arange(start_or_stop: Number, /, stop: Number = None, step: Number = Some(1), *, dtype: DType = None, device: Device = None, like: Foreign = None)
        -> Array, cases ["5", "2, stop=10, step=3", "0.0, stop=1.0, step=0.25", "5, dtype=float64", "3, stop=-3, step=-2"]
        => placed(device, || counted(start_or_stop, stop, step, dtype));
    /// Evenly spaced values over an interval.
    linspace(start: Number, stop: Number, num: Int = 50, endpoint: Flag = true, retstep: Flag = false, dtype: DType = None, axis: Int = 0, *, device: Device = None)
        -> Flagged("retstep"), cases ["0, 1", "2.0, 3.0, num=5, endpoint=False", "-1, 1, num=7, dtype=int64", "0, 1, num=5, retstep=True", "0.5, 2, num=1, retstep=True"]
        => {
            if axis != 0 {
                bail!(NotNative, "linspace: along another axis");
            }
            let (values, step) = placed(device, || spaced(start, stop, num, endpoint, dtype))?;
            match retstep {
                false => Ok(Made::One(values)),
                true => Array::from_scalar_on(values.device(), crate::Scalar::new(step)).map(|s| Made::Many(vec![values, s])),
            }
        };
    /// A matrix with ones on a diagonal and zeros elsewhere.
    eye(N: Int, M: OptionalInt = None, k: Int = 0, dtype: DType = None, order: Order = "C", *, device: Device = None, like: Foreign = None)
        -> Array, cases ["3", "3, M=4, k=1", "3, M=2, k=-1, dtype=int64", "2, k=7", "3, M=4, k=-1, order='F'"]
        => {
            let shape = [length(N)?, length(M.unwrap_or(N))?];
            let a = filled(unset(&shape, dtype.unwrap_or(DType::F64), order, device)?, 0)?;
            assign(&diagonal_of(&a, k), 1i64)?;
            Ok(a)
        };
    /// The square matrix with ones on its main diagonal and zeros elsewhere.
    identity(n: Int, dtype: DType = None, *, like: Foreign = None) -> Array, cases ["3", "2, dtype=int64"]
        => identity(length(n)?, dtype.unwrap_or(DType::F64));
    /// A copy.
    copy(a: Kept, order: Order = "K", subok: Flag = false) -> Array, cases ["f[2,3]", "i[2,3], order='F'"]
        => copy_in(a, order);
    /// Writes values, which are broadcast, into an array.
    copyto(dst: Target, src: Operand, casting: Choice("no", "equiv", "safe", "same_kind", "unsafe") = Some("same_kind"), r#where: Mask = None)
        -> Nothing, cases ["f[2,3], 1.5", "f[2,3], f[3]", "f[2,3], i[3], where=b[2,3]", "i[2,3], 2.5, casting='unsafe'"]
        => match src {
            Some(src) => write("copyto", dst, src, casting, r#where),
            None => bail!(NotNative, "copyto: of None"),
        };
}
