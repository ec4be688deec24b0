//! Reductions, scans and order along axes, as functions (`np.sum(a)`) and as methods (`a.sum()`).
//!
//! What core does not know (`initial=`, `where=`, dtypes of NumPy's own) goes to NumPy.
//!
//! Longer than most files: half of it are the docstrings that Python shows, which stand on the functions.

use crate::array::{PyArray, as_pyarray, wrap, wrap_result};
use crate::convert::{array_here, axes_from};
use crate::errors::Outcome;
use crate::fallback::HandOver;
use crate::numpy::{dtype_from, given};
use crate::run::{compute_into, deliver, heavy, native};
use minpy_core::op::OpDef;
use minpy_core::written::enter;
use minpy_core::{Array, Attrs, DType, Operand, Result, Target, ops};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use smallvec::SmallVec;

type Any<'py> = Bound<'py, PyAny>;
type Opt<'a, 'py> = Option<&'a Bound<'py, PyAny>>;

/// Where the result goes: one of our arrays, or a new one. The outer `None`: NumPy must do it.
fn target<'a>(out: Opt<'a, '_>) -> PyResult<Option<Option<&'a PyArray>>> {
    let Some(out) = given(out) else { return Ok(Some(None)) };
    match as_pyarray(out) {
        Some(p) => p.check_output().map(|()| Some(Some(p))),
        None => Ok(None),
    }
}
fn flag(v: Opt) -> PyResult<bool> {
    given(v).map_or(Ok(false), |v| v.is_truthy())
}
/// A dtype argument; the outer `None`: one that only NumPy has.
fn dtype_argument(v: Opt) -> PyResult<Option<Option<DType>>> {
    match given(v) {
        None => Ok(Some(None)),
        Some(v) => Ok(dtype_from(v)?.map(Some)),
    }
}
fn axis_list(axis: Opt) -> PyResult<Option<SmallVec<[isize; 6]>>> {
    given(axis).map(axes_from).transpose().map_err(|e| {
        Python::attach(|py| {
            if e.is_instance_of::<PyTypeError>(py) {
                PyTypeError::new_err("'axis' must be None, an integer or a tuple of integers")
            } else {
                e
            }
        })
    })
}

/// A reduction by core; `None` when NumPy must do it.
pub fn reduction<'py>(
    py: Python<'py>,
    op: &'static OpDef,
    a: &Any<'py>,
    axis: Opt,
    dtype: Opt,
    out: Opt<'_, 'py>,
    keepdims: Opt,
    initial: Opt,
    mask: Opt,
) -> PyResult<Option<Any<'py>>> {
    let masked = given(mask).is_some_and(|m| !m.extract::<bool>().is_ok_and(|b| b));
    if !native() || given(initial).is_some() || masked {
        return Ok(None);
    }
    let (Some(target), Some(dtype)) = (target(out)?, dtype_argument(dtype)?) else { return Ok(None) };
    let held;
    let a = match as_pyarray(a) {
        Some(p) => p.array(),
        None => match array_here(a)? {
            Some(x) => {
                held = x;
                &held
            }
            None => return Ok(None),
        },
    };
    let axes = axis_list(axis)?;
    // NumPy takes axis 0 and -1 of a 0-d array as no axis.
    let axes = match &axes {
        Some(list) if a.ndim() == 0 && list.len() == 1 && (list[0] == 0 || list[0] == -1) => None,
        other => other.as_deref(),
    };
    let attrs = ops::reduce_attrs(op.name, a.ndim(), axes, flag(keepdims)?, dtype).py()?;
    let operand = [Operand::Array(a)];
    match (target, out) {
        (Some(p), Some(out)) => {
            heavy(py, a.size(), || ops::call(op, &attrs, &operand, None, Target::Into(p.array())).map(drop))?;
            Ok(Some(out.clone()))
        }
        _ => {
            let r = heavy(py, a.size(), || ops::call(op, &attrs, &operand, None, Target::New))?;
            wrap_result(py, r.with_weak(a.is_weak())).map(Some)
        }
    }
}

/// mean, var, std: computed, then written where `out` says.
fn moment<'py>(
    py: Python<'py>,
    a: &Any<'py>,
    axis: Opt,
    dtype: Opt,
    out: Opt<'_, 'py>,
    keepdims: Opt,
    ddof: f64,
    mask: Opt,
    name: &str,
    f: fn(&Array, Option<&[isize]>, bool, f64, Option<DType>) -> Result<Array>,
) -> PyResult<Option<Any<'py>>> {
    if !native() || given(mask).is_some() {
        return Ok(None);
    }
    let (Some(target), Some(dtype)) = (target(out)?, dtype_argument(dtype)?) else { return Ok(None) };
    let Some(x) = array_here(a)? else { return Ok(None) };
    let axes = axis_list(axis)?;
    let n = match axes.as_deref() {
        None => x.size(),
        Some(list) => {
            let attrs = ops::reduce_attrs("mean", x.ndim(), Some(list), false, None).py()?;
            let Attrs::Reduce { axes, .. } = attrs else { return Ok(None) };
            axes.iter().map(|&i| x.shape()[i]).product()
        }
    };
    // NumPy warns about empty slices, and about integers in a requested dtype it has rules of its own.
    if n as f64 - ddof <= 0.0 || dtype.is_some_and(|d| !d.is_inexact()) {
        return Ok(None);
    }
    let keep = flag(keepdims)?;
    let r = heavy(py, x.size(), || f(&x, axes.as_deref(), keep, ddof, dtype))?;
    match (target, out) {
        (Some(p), Some(out)) => {
            let t = p.array();
            if r.shape() != t.shape() {
                return Err(PyValueError::new_err(format!(
                    "{name}: output parameter has shape {} where {} is needed",
                    minpy_core::layout::show(t.shape()),
                    minpy_core::layout::show(r.shape())
                )));
            }
            if name == "std" {
                // NumPy's last step is a ufunc; those of the others cast anything.
                deliver(py, "sqrt", &r, t)?;
            } else {
                if r.dtype().is_complex() && !t.dtype().is_complex() {
                    crate::errors::warn_complex(py)?;
                }
                compute_into(py, &ops::COPY, &[Operand::Array(&r)], t)?;
            }
            Ok(Some(out.clone()))
        }
        _ => wrap_result(py, r).map(Some),
    }
}

/// cumsum, cumprod; `None` when NumPy must do it.
pub fn scan<'py>(
    py: Python<'py>,
    op: &'static OpDef,
    a: &Any<'py>,
    axis: Opt,
    dtype: Opt,
    out: Opt<'_, 'py>,
) -> PyResult<Option<Any<'py>>> {
    if !native() {
        return Ok(None);
    }
    let (Some(target), Some(dtype)) = (target(out)?, dtype_argument(dtype)?) else { return Ok(None) };
    let Some(mut x) = array_here(a)? else { return Ok(None) };
    if let Some(d) = dtype
        && d != x.dtype()
    {
        // A small dtype that was asked for is not widened again: NumPy's business.
        if d.is_integer() && d.size() < 8 || d == DType::Bool {
            return Ok(None);
        }
        x = ops::cast(&x, d).py()?;
    } else if dtype.is_some() && !x.dtype().is_inexact() && x.dtype().size() < 8 {
        return Ok(None);
    }
    let axis = match given(axis) {
        Some(axis) => axis.extract::<isize>()?,
        None => {
            x = ops::reshape(&x, &[-1]).py()?;
            0
        }
    };
    if x.ndim() == 0 && (axis == 0 || axis == -1) {
        x = ops::reshape(&x, &[1]).py()?;
    }
    let axis = minpy_core::layout::normalize_axis(op.name, axis, x.ndim()).py()?;
    let operand = [Operand::Array(&x)];
    match (target, out) {
        (Some(p), Some(out)) => {
            heavy(py, x.size(), || {
                ops::call(op, &Attrs::Axis(axis), &operand, None, Target::Into(p.array())).map(drop)
            })?;
            Ok(Some(out.clone()))
        }
        _ => {
            wrap(py, heavy(py, x.size(), || ops::call(op, &Attrs::Axis(axis), &operand, None, Target::New))?)
                .map(Some)
        }
    }
}

fn arg_reduce<'py>(
    py: Python<'py>,
    op: &'static OpDef,
    a: &Any<'py>,
    axis: Opt,
    out: Opt<'_, 'py>,
    keepdims: Opt,
) -> PyResult<Option<Any<'py>>> {
    if !native() || given(out).is_some() {
        return Ok(None);
    }
    let Some(x) = array_here(a)? else { return Ok(None) };
    let axis = given(axis).map(|v| v.extract::<isize>()).transpose()?;
    let f = if ::core::ptr::eq(op, &ops::ARGMAX) { ops::argmax } else { ops::argmin };
    let r = heavy(py, x.size(), || f(&x, axis))?;
    if flag(keepdims)? {
        let shape: Vec<isize> = match axis {
            Some(k) => {
                let k = minpy_core::layout::normalize_axis(op.name, k, x.ndim()).py()?;
                x.shape().iter().enumerate().map(|(i, &n)| if i == k { 1 } else { n as isize }).collect()
            }
            None => vec![1; x.ndim()],
        };
        return wrap(py, ops::reshape(&r, &shape).py()?).map(Some);
    }
    wrap_result(py, r).map(Some)
}

macro_rules! reductions {
    ($($f:ident $method:ident $op:ident $doc:literal;)*) => {
        $(
            #[pyfunction]
            #[pyo3(signature = (a, axis=None, dtype=None, out=None, keepdims=None, initial=None, r#where=None))]
            #[doc = concat!($doc, "\n\naxis: one axis, a tuple of them, or None: all elements.\ndtype: in which the result is computed and given.\nout: an array of ours that takes the result.\nkeepdims: axes that are gone stay as axes of length 1.\ninitial: what the reduction starts from.\nwhere: a mask; only elements where it is true count.")]
            pub fn $f<'py>(
                py: Python<'py>, a: &Any<'py>, axis: Opt<'_, 'py>, dtype: Opt<'_, 'py>, out: Opt<'_, 'py>, keepdims: Opt<'_, 'py>,
                initial: Opt<'_, 'py>, r#where: Opt<'_, 'py>,
            ) -> PyResult<Any<'py>> {
                let _entered = enter(stringify!($f));
                if let Some(r) = reduction(py, &ops::$op, a, axis, dtype, out, keepdims, initial, r#where)? {
                    return Ok(r);
                }
                HandOver::new(py, stringify!($f)).arg(a).opt("axis", axis)?.opt("dtype", dtype)?.opt("out", out)?
                    .opt("keepdims", keepdims)?.opt("initial", initial)?.opt("where", r#where)?.call()
            }
        )*
        #[pymethods]
        impl PyArray {
            $(
                #[doc = concat!($doc, "\n\naxis: one axis, a tuple of them, or None: all elements.\ndtype: in which the result is computed and given.\nout: an array of ours that takes the result.\nkeepdims: axes that are gone stay as axes of length 1.\ninitial: what the reduction starts from.\nwhere: a mask; only elements where it is true count.")]
                #[pyo3(signature = (axis=None, dtype=None, out=None, keepdims=None, initial=None, r#where=None))]
                fn $method<'py>(
                    slf: &Bound<'py, Self>, axis: Opt<'_, 'py>, dtype: Opt<'_, 'py>, out: Opt<'_, 'py>, keepdims: Opt<'_, 'py>,
                    initial: Opt<'_, 'py>, r#where: Opt<'_, 'py>,
                ) -> PyResult<Any<'py>> {
                    $f(slf.py(), slf.as_any(), axis, dtype, out, keepdims, initial, r#where)
                }
            )*
        }
    };
}
reductions! {
    sum sum SUM "Sum of the elements, of all or along axes. Small integers are added as int64 or uint64.";
    prod prod PROD "Product of the elements, of all or along axes. Small integers are multiplied as int64 or uint64.";
}

macro_rules! extrema {
    ($($f:ident $other:ident $op:ident $doc:literal;)*) => {
        $(
            #[pyfunction]
            #[pyo3(signature = (a, axis=None, out=None, keepdims=None, initial=None, r#where=None))]
            #[doc = concat!($doc, " Also called `", stringify!($other), "`.\n\naxis: one axis, a tuple of them, or None: all elements.\nout: an array of ours that takes the result.\nkeepdims: axes that are gone stay as axes of length 1.\ninitial: what the reduction starts from.\nwhere: a mask; only elements where it is true count.")]
            pub fn $f<'py>(
                py: Python<'py>, a: &Any<'py>, axis: Opt<'_, 'py>, out: Opt<'_, 'py>, keepdims: Opt<'_, 'py>,
                initial: Opt<'_, 'py>, r#where: Opt<'_, 'py>,
            ) -> PyResult<Any<'py>> {
                let _entered = enter(stringify!($f));
                if let Some(r) = reduction(py, &ops::$op, a, axis, None, out, keepdims, initial, r#where)? {
                    return Ok(r);
                }
                HandOver::new(py, stringify!($f)).arg(a).opt("axis", axis)?.opt("out", out)?
                    .opt("keepdims", keepdims)?.opt("initial", initial)?.opt("where", r#where)?.call()
            }
            #[doc = concat!($doc, " Another name of `", stringify!($f), "`.\n\naxis: one axis, a tuple of them, or None: all elements.\nout: an array of ours that takes the result.\nkeepdims: axes that are gone stay as axes of length 1.\ninitial: what the reduction starts from.\nwhere: a mask; only elements where it is true count.")]
            #[pyfunction]
            #[pyo3(signature = (a, axis=None, out=None, keepdims=None, initial=None, r#where=None))]
            pub fn $other<'py>(
                py: Python<'py>, a: &Any<'py>, axis: Opt<'_, 'py>, out: Opt<'_, 'py>, keepdims: Opt<'_, 'py>,
                initial: Opt<'_, 'py>, r#where: Opt<'_, 'py>,
            ) -> PyResult<Any<'py>> {
                let _entered = enter(stringify!($other));
                $f(py, a, axis, out, keepdims, initial, r#where)
            }
        )*
        #[pymethods]
        impl PyArray {
            $(
                #[doc = concat!($doc, "\n\naxis: one axis, a tuple of them, or None: all elements.\nout: an array of ours that takes the result.\nkeepdims: axes that are gone stay as axes of length 1.\ninitial: what the reduction starts from.\nwhere: a mask; only elements where it is true count.")]
                #[pyo3(signature = (axis=None, out=None, keepdims=None, initial=None, r#where=None))]
                fn $f<'py>(
                    slf: &Bound<'py, Self>, axis: Opt<'_, 'py>, out: Opt<'_, 'py>, keepdims: Opt<'_, 'py>,
                    initial: Opt<'_, 'py>, r#where: Opt<'_, 'py>,
                ) -> PyResult<Any<'py>> {
                    $f(slf.py(), slf.as_any(), axis, out, keepdims, initial, r#where)
                }
            )*
        }
    };
}
extrema! {
    max amax MAX "Greatest element, of all or along axes. A NaN makes the result NaN.";
    min amin MIN "Least element, of all or along axes. A NaN makes the result NaN.";
}

macro_rules! truths {
    ($($f:ident $op:ident $doc:literal;)*) => {
        $(
            #[pyfunction]
            #[pyo3(signature = (a, axis=None, out=None, keepdims=None, *, r#where=None))]
            #[doc = concat!($doc, "\n\naxis: one axis, a tuple of them, or None: all elements.\nout: an array of ours that takes the result.\nkeepdims: axes that are gone stay as axes of length 1.\nwhere: a mask; only elements where it is true count.")]
            pub fn $f<'py>(
                py: Python<'py>, a: &Any<'py>, axis: Opt<'_, 'py>, out: Opt<'_, 'py>, keepdims: Opt<'_, 'py>, r#where: Opt<'_, 'py>,
            ) -> PyResult<Any<'py>> {
                let _entered = enter(stringify!($f));
                if let Some(r) = reduction(py, &ops::$op, a, axis, None, out, keepdims, None, r#where)? {
                    return Ok(r);
                }
                HandOver::new(py, stringify!($f)).arg(a).opt("axis", axis)?.opt("out", out)?
                    .opt("keepdims", keepdims)?.opt("where", r#where)?.call()
            }
        )*
        #[pymethods]
        impl PyArray {
            $(
                #[doc = concat!($doc, "\n\naxis: one axis, a tuple of them, or None: all elements.\nout: an array of ours that takes the result.\nkeepdims: axes that are gone stay as axes of length 1.\nwhere: a mask; only elements where it is true count.")]
                #[pyo3(signature = (axis=None, out=None, keepdims=None, *, r#where=None))]
                fn $f<'py>(
                    slf: &Bound<'py, Self>, axis: Opt<'_, 'py>, out: Opt<'_, 'py>, keepdims: Opt<'_, 'py>, r#where: Opt<'_, 'py>,
                ) -> PyResult<Any<'py>> {
                    $f(slf.py(), slf.as_any(), axis, out, keepdims, r#where)
                }
            )*
        }
    };
}
truths! {
    any ANY "Whether any element is true, of all or along axes.";
    all ALL "Whether every element is true, of all or along axes.";
}

macro_rules! arg_reductions {
    ($($f:ident $op:ident $doc:literal;)*) => {
        $(
            #[pyfunction]
            #[pyo3(signature = (a, axis=None, out=None, *, keepdims=None))]
            #[doc = concat!($doc, "\n\naxis: along which; None: of the flattened array.\nout: an array of ours that takes the result.\nkeepdims: axes that are gone stay as axes of length 1.")]
            pub fn $f<'py>(
                py: Python<'py>, a: &Any<'py>, axis: Opt<'_, 'py>, out: Opt<'_, 'py>, keepdims: Opt<'_, 'py>,
            ) -> PyResult<Any<'py>> {
                let _entered = enter(stringify!($f));
                if let Some(r) = arg_reduce(py, &ops::$op, a, axis, out, keepdims)? {
                    return Ok(r);
                }
                HandOver::new(py, stringify!($f)).arg(a).opt("axis", axis)?.opt("out", out)?.opt("keepdims", keepdims)?.call()
            }
        )*
        #[pymethods]
        impl PyArray {
            $(
                #[doc = concat!($doc, "\n\naxis: along which; None: of the flattened array.\nout: an array of ours that takes the result.\nkeepdims: axes that are gone stay as axes of length 1.")]
                #[pyo3(signature = (axis=None, out=None, *, keepdims=None))]
                fn $f<'py>(slf: &Bound<'py, Self>, axis: Opt<'_, 'py>, out: Opt<'_, 'py>, keepdims: Opt<'_, 'py>) -> PyResult<Any<'py>> {
                    $f(slf.py(), slf.as_any(), axis, out, keepdims)
                }
            )*
        }
    };
}
arg_reductions! {
    argmax ARGMAX "Index of the greatest element: the first one of equal ones, or the first NaN.";
    argmin ARGMIN "Index of the least element: the first one of equal ones, or the first NaN.";
}

macro_rules! scans {
    ($($f:ident $op:ident $doc:literal;)*) => {
        $(
            #[pyfunction]
            #[pyo3(signature = (a, axis=None, dtype=None, out=None))]
            #[doc = concat!($doc, "\n\naxis: along which; None: of the flattened array.\ndtype: in which the result is computed and given.\nout: an array of ours that takes the result.")]
            pub fn $f<'py>(py: Python<'py>, a: &Any<'py>, axis: Opt<'_, 'py>, dtype: Opt<'_, 'py>, out: Opt<'_, 'py>) -> PyResult<Any<'py>> {
                let _entered = enter(stringify!($f));
                if let Some(r) = scan(py, &ops::$op, a, axis, dtype, out)? {
                    return Ok(r);
                }
                HandOver::new(py, stringify!($f)).arg(a).opt("axis", axis)?.opt("dtype", dtype)?.opt("out", out)?.call()
            }
        )*
        #[pymethods]
        impl PyArray {
            $(
                #[doc = concat!($doc, "\n\naxis: along which; None: of the flattened array.\ndtype: in which the result is computed and given.\nout: an array of ours that takes the result.")]
                #[pyo3(signature = (axis=None, dtype=None, out=None))]
                fn $f<'py>(slf: &Bound<'py, Self>, axis: Opt<'_, 'py>, dtype: Opt<'_, 'py>, out: Opt<'_, 'py>) -> PyResult<Any<'py>> {
                    $f(slf.py(), slf.as_any(), axis, dtype, out)
                }
            )*
        }
    };
}
scans! {
    cumsum CUMSUM "Sums of the elements up to each one.";
    cumprod CUMPROD "Products of the elements up to each one.";
}

/// Number of elements that are not zero, of all or along axes.
///
/// axis: one axis, a tuple of them, or None: all elements.
/// keepdims: axes that are gone stay as axes of length 1.
#[pyfunction]
#[pyo3(signature = (a, axis=None, *, keepdims=None))]
pub fn count_nonzero<'py>(
    py: Python<'py>,
    a: &Any<'py>,
    axis: Opt<'_, 'py>,
    keepdims: Opt<'_, 'py>,
) -> PyResult<Any<'py>> {
    let _entered = enter("count_nonzero");
    match reduction(py, &ops::COUNT_NONZERO, a, axis, None, None, keepdims, None, None)? {
        Some(r) => Ok(r),
        None => {
            HandOver::new(py, "count_nonzero").arg(a).opt("axis", axis)?.opt("keepdims", keepdims)?.call()
        }
    }
}

macro_rules! moments {
    ($($f:ident $imp:expr, $doc:literal;)*) => {
        $(
            #[pyfunction]
            #[pyo3(signature = (a, axis=None, dtype=None, out=None, ddof=None, keepdims=None, *, r#where=None, mean=None, correction=None))]
            #[doc = concat!($doc, "\n\naxis: one axis, a tuple of them, or None: all elements.\ndtype: in which the result is computed and given.\nout: an array of ours that takes the result.\nddof: the sum of squares is divided by the number of elements minus this.\nkeepdims: axes that are gone stay as axes of length 1.\nwhere: a mask; only elements where it is true count.\nmean: the mean, if it is known already; correction: another name of ddof.")]
            pub fn $f<'py>(
                py: Python<'py>, a: &Any<'py>, axis: Opt<'_, 'py>, dtype: Opt<'_, 'py>, out: Opt<'_, 'py>, ddof: Opt<'_, 'py>,
                keepdims: Opt<'_, 'py>, r#where: Opt<'_, 'py>, mean: Opt<'_, 'py>, correction: Opt<'_, 'py>,
            ) -> PyResult<Any<'py>> {
                let _entered = enter(stringify!($f));
                let simple = given(mean).is_none() && given(correction).is_none();
                let degrees = given(ddof).map_or(Ok(0.0), |d| d.extract::<f64>())?;
                if simple && let Some(r) = moment(py, a, axis, dtype, out, keepdims, degrees, r#where, stringify!($f), $imp)? {
                    return Ok(r);
                }
                HandOver::new(py, stringify!($f)).arg(a).opt("axis", axis)?.opt("dtype", dtype)?.opt("out", out)?.opt("ddof", given(ddof))?
                    .opt("keepdims", given(keepdims))?.opt("where", given(r#where))?.opt("mean", given(mean))?.opt("correction", given(correction))?.call()
            }
        )*
        #[pymethods]
        impl PyArray {
            $(
                #[doc = concat!($doc, "\n\naxis: one axis, a tuple of them, or None: all elements.\ndtype: in which the result is computed and given.\nout: an array of ours that takes the result.\nddof: the sum of squares is divided by the number of elements minus this.\nkeepdims: axes that are gone stay as axes of length 1.\nwhere: a mask; only elements where it is true count.\nmean: the mean, if it is known already; correction: another name of ddof.")]
                #[pyo3(signature = (axis=None, dtype=None, out=None, ddof=None, keepdims=None, *, r#where=None, mean=None, correction=None))]
                fn $f<'py>(
                    slf: &Bound<'py, Self>, axis: Opt<'_, 'py>, dtype: Opt<'_, 'py>, out: Opt<'_, 'py>, ddof: Opt<'_, 'py>,
                    keepdims: Opt<'_, 'py>, r#where: Opt<'_, 'py>, mean: Opt<'_, 'py>, correction: Opt<'_, 'py>,
                ) -> PyResult<Any<'py>> {
                    $f(slf.py(), slf.as_any(), axis, dtype, out, ddof, keepdims, r#where, mean, correction)
                }
            )*
        }
    };
}
moments! {
    var ops::var, "Variance: the mean square of the distances from the mean, of all elements or along axes.";
    std ops::std, "Standard deviation: the square root of the variance, of all elements or along axes.";
}

fn plain_mean(
    a: &Array,
    axes: Option<&[isize]>,
    keep: bool,
    _ddof: f64,
    dtype: Option<DType>,
) -> Result<Array> {
    ops::mean(a, axes, keep, dtype)
}
/// Arithmetic mean, of all elements or along axes.
///
/// axis: one axis, a tuple of them, or None: all elements.
/// dtype: in which the result is computed and given.
/// out: an array of ours that takes the result.
/// keepdims: axes that are gone stay as axes of length 1.
/// where: a mask; only elements where it is true count.
#[pyfunction]
#[pyo3(signature = (a, axis=None, dtype=None, out=None, keepdims=None, *, r#where=None))]
pub fn mean<'py>(
    py: Python<'py>,
    a: &Any<'py>,
    axis: Opt<'_, 'py>,
    dtype: Opt<'_, 'py>,
    out: Opt<'_, 'py>,
    keepdims: Opt<'_, 'py>,
    r#where: Opt<'_, 'py>,
) -> PyResult<Any<'py>> {
    let _entered = enter("mean");
    if let Some(r) = moment(py, a, axis, dtype, out, keepdims, 0.0, r#where, "mean", plain_mean)? {
        return Ok(r);
    }
    HandOver::new(py, "mean")
        .arg(a)
        .opt("axis", axis)?
        .opt("dtype", dtype)?
        .opt("out", out)?
        .opt("keepdims", given(keepdims))?
        .opt("where", given(r#where))?
        .call()
}

/// Every `kind` is stable here; what NumPy does not accept raises NumPy's error.
fn check_kind(py: Python<'_>, kind: Opt, stable: Opt) -> PyResult<()> {
    let Some(kind) = given(kind) else { return Ok(()) };
    let known =
        kind.extract::<&str>().is_ok_and(|k| ["quicksort", "heapsort", "mergesort", "stable"].contains(&k));
    if !known || given(stable).is_some() {
        HandOver::new(py, "sort")
            .arg(&pyo3::types::PyList::empty(py))
            .opt("kind", Some(kind))?
            .opt("stable", stable)?
            .call()?;
    }
    Ok(())
}

/// A sorted copy; NaN comes last. Stable for every `kind`.
///
/// axis: along which; None: of the flattened array.
/// kind, stable: accepted, and all the same here.
/// order: fields of structured arrays, which NumPy sorts.
#[pyfunction]
#[pyo3(signature = (a, axis=-1, kind=None, order=None, *, stable=None))]
pub fn sort<'py>(
    py: Python<'py>,
    a: &Any<'py>,
    axis: Option<isize>,
    kind: Opt<'_, 'py>,
    order: Opt<'_, 'py>,
    stable: Opt<'_, 'py>,
) -> PyResult<Any<'py>> {
    let _entered = enter("sort");
    match array_here(a)? {
        Some(x) if native() && given(order).is_none() => {
            check_kind(py, kind, stable)?;
            wrap(py, heavy(py, x.size(), || ops::sort(&x, axis))?)
        }
        _ => HandOver::new(py, "sort")
            .arg(a)
            .opt("axis", Some(&axis.into_pyobject(py)?.into_any()))?
            .opt("kind", kind)?
            .opt("order", order)?
            .opt("stable", stable)?
            .call(),
    }
}
/// The indices that sort an array. Stable for every `kind`; NaN comes last.
///
/// axis: along which; None: of the flattened array.
/// kind, stable: accepted, and all the same here.
/// order: fields of structured arrays, which NumPy sorts.
#[pyfunction]
#[pyo3(signature = (a, axis=-1, kind=None, order=None, *, stable=None))]
pub fn argsort<'py>(
    py: Python<'py>,
    a: &Any<'py>,
    axis: Option<isize>,
    kind: Opt<'_, 'py>,
    order: Opt<'_, 'py>,
    stable: Opt<'_, 'py>,
) -> PyResult<Any<'py>> {
    let _entered = enter("argsort");
    match array_here(a)? {
        Some(x) if native() && given(order).is_none() => {
            check_kind(py, kind, stable)?;
            wrap(py, heavy(py, x.size(), || ops::argsort(&x, axis))?)
        }
        _ => HandOver::new(py, "argsort")
            .arg(a)
            .opt("axis", Some(&axis.into_pyobject(py)?.into_any()))?
            .opt("kind", kind)?
            .opt("order", order)?
            .opt("stable", stable)?
            .call(),
    }
}

#[pymethods]
impl PyArray {
    /// Arithmetic mean, of all elements or along axes.
    ///
    /// axis: one axis, a tuple of them, or None: all elements.
    /// dtype: in which the result is computed and given.
    /// out: an array of ours that takes the result.
    /// keepdims: axes that are gone stay as axes of length 1.
    /// where: a mask; only elements where it is true count.
    #[pyo3(signature = (axis=None, dtype=None, out=None, keepdims=None, *, r#where=None))]
    fn mean<'py>(
        slf: &Bound<'py, Self>,
        axis: Opt<'_, 'py>,
        dtype: Opt<'_, 'py>,
        out: Opt<'_, 'py>,
        keepdims: Opt<'_, 'py>,
        r#where: Opt<'_, 'py>,
    ) -> PyResult<Any<'py>> {
        mean(slf.py(), slf.as_any(), axis, dtype, out, keepdims, r#where)
    }
    /// Sorts in place; NaN comes last. Stable for every `kind`.
    ///
    /// axis: along which.
    /// kind, stable: accepted, and all the same here.
    #[pyo3(signature = (axis=-1, kind=None, order=None, *, stable=None))]
    fn sort(slf: &Bound<'_, Self>, axis: isize, kind: Opt, order: Opt, stable: Opt) -> PyResult<()> {
        check_kind(slf.py(), kind, stable)?;
        if given(order).is_some() {
            return Err(PyValueError::new_err("Cannot specify order when the array has no fields."));
        }
        slf.get().check_writable()?;
        let _entered = enter("sort");
        let a = slf.get().array();
        let axis = minpy_core::layout::normalize_axis("sort", axis, a.ndim()).py()?;
        heavy(slf.py(), a.size(), || ops::assign(a, &ops::sort(a, Some(axis as isize))?))
    }
    /// The indices that sort an array. Stable for every `kind`; NaN comes last.
    ///
    /// axis: along which; None: of the flattened array.
    /// kind, stable: accepted, and all the same here.
    /// order: fields of structured arrays, which NumPy sorts.
    #[pyo3(signature = (axis=-1, kind=None, order=None, *, stable=None))]
    fn argsort<'py>(
        slf: &Bound<'py, Self>,
        axis: Option<isize>,
        kind: Opt<'_, 'py>,
        order: Opt<'_, 'py>,
        stable: Opt<'_, 'py>,
    ) -> PyResult<Any<'py>> {
        argsort(slf.py(), slf.as_any(), axis, kind, order, stable)
    }
}
