//! Values limited, rounded and replaced: clip, round, nan_to_num; and values compared within a tolerance.

use super::reduce::target;
use super::{
    CLIP, MAXIMUM, MINIMUM, POSITIVE, absolute, add, all, bitwise_and, bitwise_or, call, cast, copy, divide,
    equal, greater, isfinite, isinf, isnan, less, less_equal, multiply, not_equal, rint, select, subtract,
};
use crate::context::{QUIET, with_flag};
use crate::op::{Operand, promoted_dtype};
use crate::{Array, Attrs, DType, Number, OpDef, Result, bail, context};
use num_complex::Complex64;
use smallvec::SmallVec;

/// An operand that an entry needs.
pub(super) fn there<'a>(x: Option<Operand<'a>>) -> Result<Operand<'a>> {
    x.map_or_else(|| bail!(Type, "an operand is missing"), Ok)
}

/// Values limited to an interval, into `out` where that is given; a bound that is not there limits nothing. The gradient at a bound is
/// that of [`clip`](super::clip()), however many bounds there are: `maximum` alone would share it with the bound.
///
/// # Errors
/// [`ErrorKind::Type`](crate::ErrorKind::Type) and [`ErrorKind::Value`](crate::ErrorKind::Value) as for elementwise operations;
/// [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for an integer bound that the dtype does not hold, on the side of the values.
pub fn limit(a: Operand, low: Option<Operand>, high: Option<Operand>, out: Option<&Array>) -> Result<Array> {
    let dtype = a.dtype();
    // A number on the far side of everything in the dtype limits nothing.
    let beyond = |bound: Option<Operand>| match bound {
        Some(Operand::Number(Number::Int(i))) if dtype.is_integer() => {
            Number::Int(i).to_scalar(dtype).is_err().then(|| i.signum())
        }
        _ => None,
    };
    let (under, over) = (beyond(low), beyond(high));
    if under == Some(1) || over == Some(-1) {
        bail!(NotNative, "clip: a bound that {dtype} does not hold");
    }
    let (low, high) = (low.filter(|_| under.is_none()), high.filter(|_| over.is_none()));
    let infinite = |sign: f64| -> Result<Option<Operand>> {
        if context::flags() & context::RECORDING == 0 {
            return Ok(None);
        }
        let given: SmallVec<[Operand; 3]> = [Some(a), low, high].into_iter().flatten().collect();
        let (dtype, x) = (promoted_dtype("clip", &given)?, sign * f64::INFINITY);
        Ok(dtype.is_inexact().then_some(Operand::Number(match dtype.is_complex() {
            true => Number::Complex(Complex64::new(x, x)),
            false => Number::Float(x),
        })))
    };
    let (low, high) = match (low, high) {
        (Some(_), None) => (low, infinite(1.0)?),
        (None, Some(_)) => (infinite(-1.0)?, high),
        both => both,
    };
    let run = |op: &'static OpDef, list: &[Operand]| call(op, Attrs::NONE, list, None, target(out));
    match (low, high) {
        (Some(low), Some(high)) => run(&CLIP, &[a, low, high]),
        (Some(low), None) => run(&MAXIMUM, &[a, low]),
        (None, Some(high)) => run(&MINIMUM, &[a, high]),
        (None, None) => run(&POSITIVE, &[a]),
    }
}

/// Rounded to a number of decimals, halves to even; integers are whole already.
///
/// # Errors
/// [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for truth values, for integers to tens and hundreds, and for complex numbers to other
/// decimals than 0.
pub fn round(a: &Array, decimals: isize) -> Result<Array> {
    let dtype = a.dtype();
    if dtype.is_integer() && decimals >= 0 {
        return copy(a);
    }
    if decimals == 0 && dtype.is_inexact() {
        return rint(a);
    }
    if !dtype.is_float() || !(-300..=300).contains(&decimals) {
        bail!(NotNative, "round: {dtype} to {decimals} decimals");
    }
    let tens = 10f64.powf(decimals.unsigned_abs() as f64);
    if decimals > 0 {
        divide(&rint(&multiply(a, tens)?)?, tens)
    } else {
        multiply(&rint(&divide(a, tens)?)?, tens)
    }
}

/// NaN and infinities replaced by numbers; without one, infinities become the greatest and the least number of the dtype.
///
/// # Errors
/// [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for complex numbers.
pub fn nan_to_num(
    a: &Array,
    nan: Operand,
    posinf: Option<Operand>,
    neginf: Option<Operand>,
) -> Result<Array> {
    let dtype = a.dtype();
    if dtype.is_complex() {
        bail!(NotNative, "nan_to_num: of complex numbers");
    }
    if !dtype.is_inexact() {
        return copy(a);
    }
    if [Some(nan), posinf, neginf].iter().flatten().any(|o| o.dtype().is_complex()) {
        bail!(NotNative, "nan_to_num: complex numbers in place of real ones");
    }
    let greatest = match dtype {
        DType::F16 => half::f16::MAX.to_f64(),
        DType::F32 => f32::MAX as f64,
        _ => f64::MAX,
    };
    let (high, low) = (posinf.unwrap_or(greatest.into()), neginf.unwrap_or((-greatest).into()));
    let infinite = isinf(a)?;
    let below = select(&bitwise_and(&infinite, &less(a, 0)?)?, low, a)?;
    let above = select(&bitwise_and(&infinite, &greater(a, 0)?)?, high, &below)?;
    let r = select(&isnan(a)?, nan, &above)?;
    if r.dtype() == dtype { Ok(r) } else { cast(&r, dtype) }
}

/// The operand for a comparison within a tolerance: integers in float64, where a difference and an absolute value are what they should be.
enum Compared<'a> {
    Held(Array),
    Given(Operand<'a>),
}
impl<'a> Compared<'a> {
    fn of(x: Operand<'a>, near: &Array) -> Result<Compared<'a>> {
        Ok(match x {
            Operand::Array(a) if !a.dtype().is_inexact() => Compared::Held(cast(a, DType::F64)?),
            Operand::Scalar(s) => {
                let a = Array::from_scalar_on(near.device(), s)?;
                Compared::Held(if a.dtype().is_inexact() { a } else { cast(&a, DType::F64)? })
            }
            other => Compared::Given(other),
        })
    }
    fn operand(&self) -> Operand<'_> {
        match self {
            Compared::Held(a) => Operand::Array(a),
            Compared::Given(x) => *x,
        }
    }
}
/// Whether elements are equal within a tolerance: `|a - b| <= atol + rtol * |b|`, which nothing but itself is to an infinity.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for shapes that do not broadcast, [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for two
/// numbers, and for tolerances that are no finite numbers.
pub fn isclose(a: Operand, b: Operand, rtol: f64, atol: f64, equal_nan: bool) -> Result<Array> {
    // Infinities have no difference, of which NumPy does not tell either.
    with_flag(QUIET, || close(a, b, rtol, atol, equal_nan))
}
fn close(a: Operand, b: Operand, rtol: f64, atol: f64, equal_nan: bool) -> Result<Array> {
    let ((Operand::Array(near), _) | (_, Operand::Array(near))) = (a, b) else {
        bail!(NotNative, "isclose: of numbers")
    };
    if !rtol.is_finite() || !atol.is_finite() {
        bail!(NotNative, "isclose: a tolerance that is not finite, of which NumPy warns");
    }
    let (a, b) = (Compared::of(a, near)?, Compared::of(b, near)?);
    let (a, b) = (a.operand(), b.operand());
    let apart = absolute(&subtract(a, b)?)?;
    let within = match b {
        Operand::Number(n) => {
            let size = match n {
                Number::Complex(c) => c.norm(),
                n => n.to_f64().abs(),
            };
            if size.is_finite() { Some(less_equal(&apart, atol + rtol * size)?) } else { None }
        }
        b => {
            let tolerance = add(&multiply(&absolute(b)?, rtol)?, atol)?;
            Some(bitwise_and(&less_equal(&apart, &tolerance)?, &isfinite(b)?)?)
        }
    };
    let same = equal(a, b)?;
    let r = match within {
        Some(within) => bitwise_or(&within, &same)?,
        None => same,
    };
    if !equal_nan {
        return Ok(r);
    }
    bitwise_or(&r, &bitwise_and(&isnan(a)?, &isnan(b)?)?)
}
/// A tolerance; one with a dtype of its own says in which dtype is compared.
fn plain(tolerance: Option<Operand>) -> Result<f64> {
    match tolerance {
        Some(Operand::Number(n)) if !matches!(n, Number::Complex(_)) => Ok(n.to_f64()),
        _ => bail!(NotNative, "isclose: a tolerance with a dtype"),
    }
}
pub(super) fn every(a: &Array) -> Result<bool> {
    Ok(all(a, None, false)?.item()?.number().to_f64() != 0.0)
}
/// Whether two arrays have the same shape and elements; with `equal_nan` a NaN equals a NaN.
///
/// # Errors
/// What computing the values may fail with.
pub fn array_equal(a: &Array, b: &Array, equal_nan: bool) -> Result<bool> {
    if a.shape() != b.shape() {
        return Ok(false);
    }
    let mut same = equal(a, b)?;
    if equal_nan && a.dtype().is_inexact() && b.dtype().is_inexact() {
        same = bitwise_or(&same, &bitwise_and(&not_equal(a, a)?, &not_equal(b, b)?)?)?;
    }
    every(&same)
}

/// Whether all elements are equal within a tolerance: waits for the answer.
///
/// # Errors
/// As [`isclose`].
pub fn allclose(a: Operand, b: Operand, rtol: f64, atol: f64, equal_nan: bool) -> Result<bool> {
    every(&isclose(a, b, rtol, atol, equal_nan)?)
}

crate::functions! {
    /// Values limited to an interval.
    clip(a: Operand, a_min: Bound = None, a_max: Bound = None, out: Out = None, *, min: Bound = None, max: Bound = None, **kwargs)
        -> Values, cases ["n[3,4], a_min=-1, a_max=1.5", "f[3], a_min=None, a_max=2", "i[3,4], a_min=0, a_max=None", "n[3,4], a_min=n[4], a_max=f[4]", "n[4], min=0.0"]
        => match (a_min, a_max, min, max) {
            (None, None, low, high) => limit(there(a)?, low.flatten(), high.flatten(), out),
            (Some(low), Some(high), None, None) => limit(there(a)?, low, high, out),
            (Some(_), Some(_), _, _) => {
                bail!(Value, "Passing `min` or `max` keyword argument when `a_min` and `a_max` are provided is forbidden.")
            }
            (low, _, _, _) => {
                let missing = if low.is_none() { "a_min" } else { "a_max" };
                bail!(Type, "clip() missing 1 required positional argument: '{missing}'")
            }
        };
    /// Values limited to an interval.
    clip(a: Operand, min: Operand = None, max: Operand = None, out: Out = None, **kwargs)
        -> Values, module [ndarray], cases ["n[3,4], min=-1, max=1.5", "n[4], min=0.0", "i[4], max=2"]
        => limit(there(a)?, min, max, out);
    /// Rounded to a number of decimals, halves to even.
    round(a: Array, decimals: Int = 0, out: Out = None) -> Values, method, constant, aliases [around], cases ["n[3,4]", "n[3,4], decimals=2", "n[5], decimals=-1", "i[3]", "c[3]"]
        => round(a, decimals);
    /// NaN and infinities replaced by numbers.
    nan_to_num(x: Array, copy: Flag = true, nan: Operand = Some(0.0), posinf: Operand = None, neginf: Operand = None)
        -> Values, cases ["n[3,4]", "n[3], nan=1.5, posinf=7.0, neginf=-7.0", "i[3]"]
        => {
            if !copy {
                bail!(NotNative, "nan_to_num: copy=False, which writes");
            }
            nan_to_num(x, there(nan)?, posinf, neginf)
        };
    /// Whether elements are equal within a tolerance.
    isclose(a: Operand, b: Operand, rtol: Operand = Some(1e-5), atol: Operand = Some(1e-8), equal_nan: Flag = false)
        -> Values, constant, cases ["n[3,4], n[3,4]", "f[3], 1.0, atol=1.0", "i[3,4], i[4], equal_nan=True", "c[3], c[3], rtol=0.5"]
        => isclose(there(a)?, there(b)?, plain(rtol)?, plain(atol)?, equal_nan);
    /// Whether all elements are equal within a tolerance.
    allclose(a: Operand, b: Operand, rtol: Operand = Some(1e-5), atol: Operand = Some(1e-8), equal_nan: Flag = false)
        -> Truth, constant, cases ["n[3,4], n[3,4]", "f[3], 1.0, atol=5.0", "i[3,4], i[4]"]
        => allclose(there(a)?, there(b)?, plain(rtol)?, plain(atol)?, equal_nan);
    /// Whether two arrays have the same shape and elements.
    array_equal(a1: Tried, a2: Tried, equal_nan: Flag = false) -> Truth, constant, cases ["n[3,4], n[3,4]", "i[3], i[4]", "f[3], f[3], equal_nan=True"]
        => array_equal(a1, a2, equal_nan);
}
