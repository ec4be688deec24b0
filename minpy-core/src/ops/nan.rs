//! Reductions and running folds that pass over NaN.
//!
//! Each is the one without `nan` of an array in which something that changes nothing stands in place of NaN. Where nothing else is left,
//! NumPy warns or complains: on the host that is seen, and left to it; on a device, or of a symbol, nobody waits to hear of it, and the
//! result is NaN.

use super::reduce::{axes_of, fold, moment, plain};
use super::sort::position;
use super::{
    ARGMAX, ARGMIN, CUMPROD, CUMSUM, MAX, MIN, PROD, SUM, all, any, cast, count_nonzero, divide, equal,
    isnan, less_equal, logical_not, mean, min, multiply, real, reduce, root, running, select, square,
    subtract, var,
};
use crate::op::OpDef;
use crate::{Array, DType, Result, bail, context};

/// The array with `instead` in place of NaN. Integers have none.
fn without_nan(a: &Array, instead: f64) -> Result<Array> {
    if a.dtype().is_inexact() { select(&isnan(a)?, instead, a) } else { Ok(a.clone()) }
}
/// Whether somebody waits to hear what the values are.
fn is_told(a: &Array) -> bool {
    a.device().is_host() && !context::tracing()
}
/// Whether there is a true element, of an array on the host.
fn is_any(a: &Array) -> Result<bool> {
    Ok(any(a, None, false)?.to_f64()? != 0.0)
}

/// Mean of what is not NaN; integers in float64.
///
/// # Errors
/// Those of [`reduce`]; [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) on the host where nothing but NaN is there (elsewhere the result is NaN).
pub fn nanmean(a: &Array, axes: Option<&[isize]>, keepdims: bool, dtype: Option<DType>) -> Result<Array> {
    if !a.dtype().is_inexact() {
        return mean(a, axes, keepdims, dtype);
    }
    let nan = isnan(a)?;
    let count = count_nonzero(&logical_not(&nan)?, axes, keepdims)?;
    if is_told(a) && count.size() > 0 && min(&count, None, false)?.to_f64()? == 0.0 {
        bail!(NotNative, "nanmean: of NaN alone, about which NumPy warns");
    }
    let total = reduce(&SUM, &select(&nan, 0, a)?, axes, keepdims, dtype)?;
    cast(&divide(&total, &count)?, total.dtype())
}
/// Variance of what is not NaN, with divisor `n - ddof`; of complex values the mean of |x - mean|^2.
///
/// # Errors
/// Those of [`reduce`]; [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) on the host where a divisor is not positive (elsewhere the result is NaN).
pub fn nanvar(
    a: &Array,
    axes: Option<&[isize]>,
    keepdims: bool,
    ddof: f64,
    dtype: Option<DType>,
) -> Result<Array> {
    if !a.dtype().is_inexact() {
        return var(a, axes, keepdims, ddof, dtype);
    }
    let nan = isnan(a)?;
    let there = logical_not(&nan)?;
    let divisor = subtract(&count_nonzero(&there, axes, keepdims)?, ddof)?;
    if is_told(a) && is_any(&less_equal(&divisor, 0)?)? {
        bail!(NotNative, "nanvar: of too few elements, about which NumPy warns");
    }
    let total = reduce(&SUM, &select(&nan, 0, a)?, axes, true, dtype)?;
    let mean = cast(&divide(&total, &count_nonzero(&there, axes, true)?)?, total.dtype())?;
    // NumPy keeps the distances in the dtype of the array.
    let distance = select(&nan, 0, &cast(&subtract(a, &mean)?, a.dtype())?)?;
    let squares = match distance.dtype().is_complex() {
        true => real(&multiply(&distance, &super::conjugate(&distance)?)?)?,
        false => square(&distance)?,
    };
    let total = reduce(&SUM, &squares, axes, keepdims, dtype)?;
    let found = cast(&divide(&total, &divisor)?, total.dtype())?;
    if is_told(a) { Ok(found) } else { select(&less_equal(&divisor, 0)?, f64::NAN, &found) }
}
/// The greatest or least element that is not NaN.
fn nanextreme(
    name: &str,
    op: &'static OpDef,
    instead: f64,
    a: &Array,
    axes: Option<&[isize]>,
    out: Option<&Array>,
    keepdims: bool,
) -> Result<Array> {
    if !a.dtype().is_inexact() {
        return fold(op, a, axes, None, out, keepdims, None, None);
    }
    if a.dtype().is_complex() || out.is_some() || a.size() == 0 {
        bail!(NotNative, "{name}: of complex numbers, of nothing, or with out=");
    }
    let axes = axes_of(a, axes);
    if is_told(a) {
        // NaN wins: where there is none it is one pass.
        let found = reduce(op, a, axes, keepdims, None)?;
        if !is_any(&isnan(&found)?)? {
            return Ok(found);
        }
    }
    let found = reduce(op, &without_nan(a, instead)?, axes, keepdims, None)?;
    if !is_told(a) {
        return select(&all(&isnan(a)?, axes, keepdims)?, f64::NAN, &found);
    }
    if is_any(&equal(&found, instead)?)? && is_any(&all(&isnan(a)?, axes, keepdims)?)? {
        bail!(NotNative, "{name}: of NaN alone, about which NumPy warns");
    }
    Ok(found)
}
/// The place of the greatest or least element that is not NaN.
fn nanposition(
    op: &'static OpDef,
    instead: f64,
    a: &Array,
    axis: Option<isize>,
    keepdims: bool,
) -> Result<Array> {
    if !a.dtype().is_inexact() {
        return position(op, a, axis, keepdims);
    }
    let found = position(op, &without_nan(a, instead)?, axis, keepdims)?;
    if is_told(a) {
        let list = axis.map(|i| [i]);
        let axes = axes_of(a, list.as_ref().map(|l| l.as_slice()));
        if is_any(&all(&isnan(a)?, axes, false)?)? {
            bail!(Value, "All-NaN slice encountered");
        }
    }
    Ok(found)
}

crate::functions! {
    /// Arithmetic mean of what is not NaN, of all elements or along axes.
    nanmean(a: Array, axis: Axes = None, dtype: DType = None, out: Out = None, keepdims: Flag = false, *, r#where: Mask = None)
        -> Values, cases ["m[3,4]", "m[3,4], axis=1", "m[4,3], axis=0, keepdims=True", "f[0,3], axis=1", "i[2,3], axis=1", "c[3]"]
        => moment("nanmean", a, if a.dtype().is_inexact() { axes_of(a, axis) } else { axis }, dtype, out, 0.0, r#where, |axes| nanmean(a, axes, keepdims, dtype));
    /// Variance of what is not NaN, of all elements or along axes.
    nanvar(a: Array, axis: Axes = None, dtype: DType = None, out: Out = None, ddof: Float = 0.0, keepdims: Flag = false, *, r#where: Mask = None,
        mean: Foreign = None, correction: Foreign = None) -> Values, cases ["m[3,4]", "m[3,4], axis=1, ddof=1", "m[4,3], axis=0, keepdims=True", "i[2,3], axis=1", "c[4]"]
        => moment("nanvar", a, if a.dtype().is_inexact() { axes_of(a, axis) } else { axis }, dtype, out, ddof, r#where, |axes| nanvar(a, axes, keepdims, ddof, dtype));
    /// Standard deviation of what is not NaN, of all elements or along axes.
    nanstd(a: Array, axis: Axes = None, dtype: DType = None, out: Out = None, ddof: Float = 0.0, keepdims: Flag = false, *, r#where: Mask = None,
        mean: Foreign = None, correction: Foreign = None) -> Values, cases ["m[3,4]", "m[3,4], axis=1, ddof=1", "m[4,3], axis=0, keepdims=True", "i[2,3], axis=1", "c[4]"]
        => moment("nanstd", a, if a.dtype().is_inexact() { axes_of(a, axis) } else { axis }, dtype, out, ddof, r#where, |axes| root(&nanvar(a, axes, keepdims, ddof, dtype)?));
    /// Sum of what is not NaN, of all elements or along axes.
    nansum(a: Array, axis: Axes = None, dtype: DType = None, out: Out = None, keepdims: Flag = false, initial: Operand = None, r#where: Mask = None)
        -> Values, cases ["m[3,4]", "m[3,4], axis=1", "m[4,3], axis=(0, 1), keepdims=True", "i[2,3], axis=1", "c[3]"]
        => plain("nansum", initial, r#where).and_then(|()| fold(&SUM, &without_nan(a, 0.0)?, axis, dtype, out, keepdims, None, None));
    /// Product of what is not NaN, of all elements or along axes.
    nanprod(a: Array, axis: Axes = None, dtype: DType = None, out: Out = None, keepdims: Flag = false, initial: Operand = None, r#where: Mask = None)
        -> Values, cases ["m[3,4]", "m[3,4], axis=1", "m[4,3], axis=0, keepdims=True", "i[2,3], axis=1"]
        => plain("nanprod", initial, r#where).and_then(|()| fold(&PROD, &without_nan(a, 1.0)?, axis, dtype, out, keepdims, None, None));
    /// Greatest element that is not NaN, of all or along axes.
    nanmax(a: Array, axis: Axes = None, out: Out = None, keepdims: Flag = false, initial: Operand = None, r#where: Mask = None)
        -> Values, cases ["m[3,4]", "m[3,4], axis=1", "m[4,3], axis=(0, 1), keepdims=True", "i[2,3], axis=1"]
        => plain("nanmax", initial, r#where).and_then(|()| nanextreme("nanmax", &MAX, f64::NEG_INFINITY, a, axis, out, keepdims));
    /// Least element that is not NaN, of all or along axes.
    nanmin(a: Array, axis: Axes = None, out: Out = None, keepdims: Flag = false, initial: Operand = None, r#where: Mask = None)
        -> Values, cases ["m[3,4]", "m[3,4], axis=1", "m[4,3], axis=(0, 1), keepdims=True", "i[2,3], axis=1"]
        => plain("nanmin", initial, r#where).and_then(|()| nanextreme("nanmin", &MIN, f64::INFINITY, a, axis, out, keepdims));
    /// Index of the greatest element that is not NaN: the first one of equal ones.
    nanargmax(a: Array, axis: Axis = None, out: Out = None, *, keepdims: Flag = false) -> Values, constant, cases ["m[3,4]", "m[3,4], axis=1", "i[2,3], axis=1, keepdims=True"]
        => nanposition(&ARGMAX, f64::NEG_INFINITY, a, axis, keepdims);
    /// Index of the least element that is not NaN: the first one of equal ones.
    nanargmin(a: Array, axis: Axis = None, out: Out = None, *, keepdims: Flag = false) -> Values, constant, cases ["m[3,4]", "m[3,4], axis=1", "i[2,3], axis=1, keepdims=True"]
        => nanposition(&ARGMIN, f64::INFINITY, a, axis, keepdims);
    /// Sums of the elements up to each one, NaN counted as 0.
    nancumsum(a: Array, axis: Axis = None, dtype: DType = None, out: Out = None) -> Array, cases ["m[5]", "m[3,4], axis=1", "i[2,3]"]
        => running(&CUMSUM, &without_nan(a, 0.0)?, axis, dtype, out);
    /// Products of the elements up to each one, NaN counted as 1.
    nancumprod(a: Array, axis: Axis = None, dtype: DType = None, out: Out = None) -> Array, cases ["m[5]", "m[3,4], axis=1", "i[2,3]"]
        => running(&CUMPROD, &without_nan(a, 1.0)?, axis, dtype, out);
}
