//! Functions of several arrays that are not ufuncs: products, choice, indices.

use crate::array::{PyArray, as_array, as_pyarray, wrap, wrap_result};
use crate::convert::{Arg, array_from, array_here, operand};
use crate::errors::Outcome;
use crate::fallback::HandOver;
use crate::numpy::given;
use crate::run::{compute, compute_into, heavy, native};
use minpy_core::op::promoted_dtype;
use minpy_core::written::enter;
use minpy_core::{Array, DType, Number, Operand, context, ops};
use num_complex::Complex64;
use pyo3::exceptions::{PyIndexError, PyOverflowError, PyValueError};
use pyo3::prelude::*;

type Any<'py> = Bound<'py, PyAny>;
type Opt<'a, 'py> = Option<&'a Bound<'py, PyAny>>;

/// Two arrays of one dtype kind on one device: ours, or made of NumPy's.
fn pair(a: &Any<'_>, b: &Any<'_>) -> PyResult<Option<(Array, Array)>> {
    let (Some(x), Some(y)) = (array_from(a)?, array_from(b)?) else { return Ok(None) };
    let device = match (as_array(a), as_array(b)) {
        (Some(a), _) => a.device(),
        (_, Some(b)) => b.device(),
        _ => minpy_core::context::current_device().py()?,
    };
    let weak = |o: &Any<'_>, x: Array| {
        x.with_weak(crate::convert::exact_number(o).is_some() || as_array(o).is_some_and(|a| a.is_weak()))
    };
    Ok(Some((weak(a, x.to_device(device).py()?), weak(b, y.to_device(device).py()?))))
}

/// Writes a result into `out=`, or wraps it.
fn deliver<'py>(py: Python<'py>, r: Array, out: Opt<'_, 'py>) -> PyResult<Any<'py>> {
    let Some(out) = given(out) else { return wrap_result(py, r) };
    match as_pyarray(out) {
        Some(p) if p.array().shape() == r.shape() && p.array().dtype() == r.dtype() => {
            p.check_writable()?;
            compute_into(py, &ops::COPY, &[Operand::Array(&r)], p.array())?;
            Ok(out.clone())
        }
        _ => Err(PyValueError::new_err(
            "output array is not acceptable (must have the right datatype, number of dimensions, and be a C-Array)",
        )),
    }
}

/// Product: inner for vectors, of matrices for matrices; in general the sum over the last axis of `a` and the last but one of `b`.
///
/// out: an array of ours that takes the result.
#[pyfunction]
#[pyo3(signature = (a, b, out=None))]
pub fn dot<'py>(py: Python<'py>, a: &Any<'py>, b: &Any<'py>, out: Opt<'_, 'py>) -> PyResult<Any<'py>> {
    let _entered = enter("dot");
    if native() {
        if given(out).is_none()
            && let (Some(x), Some(y)) = (as_array(a), as_array(b))
        {
            return wrap_result(py, heavy(py, x.size().max(y.size()), || ops::dot(x, y))?);
        }
        if let Some((x, y)) = pair(a, b)? {
            let r = heavy(py, x.size().max(y.size()), || ops::dot(&x, &y))?;
            if given(out).is_none_or(|o| as_array(o).is_some()) {
                return deliver(py, r, out);
            }
        }
    }
    HandOver::new(py, "dot").arg(a).arg(b).opt("out", out)?.call()
}
/// Product of matrices, `x1 @ x2`; leading axes are broadcast, vectors count as a row or a column.
///
/// out: an array of ours that takes the result.
#[pyfunction]
#[pyo3(signature = (x1, x2, /, out=None, **kwargs))]
pub fn matmul<'py>(
    py: Python<'py>,
    x1: &Any<'py>,
    x2: &Any<'py>,
    out: Opt<'_, 'py>,
    kwargs: Option<&Bound<'py, pyo3::types::PyDict>>,
) -> PyResult<Any<'py>> {
    let _entered = enter("matmul");
    let simple = kwargs.is_none() && given(out).is_none();
    if simple && (as_array(x1).is_some() || as_array(x2).is_some()) {
        return crate::operators::product(x1, x2);
    }
    if simple
        && native()
        && let Some((x, y)) = pair(x1, x2)?
    {
        return wrap_result(py, heavy(py, x.size().max(y.size()), || ops::matmul(&x, &y))?);
    }
    let k = match kwargs {
        Some(k) => k.copy()?,
        None => pyo3::types::PyDict::new(py),
    };
    if let Some(out) = out {
        k.set_item("out", out)?;
    }
    crate::fallback::call(py, "matmul", &pyo3::types::PyTuple::new(py, [x1, x2])?, Some(&k))
}
/// `numpy.tensordot` over paired axes.
#[pyfunction]
pub fn _tensordot<'py>(
    py: Python<'py>,
    a: &Any<'py>,
    b: &Any<'py>,
    axes_a: Vec<isize>,
    axes_b: Vec<isize>,
) -> PyResult<Option<Any<'py>>> {
    let Some((x, y)) = pair(a, b)? else { return Ok(None) };
    let fix = |axes: Vec<isize>, n: usize| -> PyResult<Vec<usize>> {
        axes.into_iter().map(|i| minpy_core::layout::normalize_axis("tensordot", i, n).py()).collect()
    };
    if axes_a.len() != axes_b.len() {
        return Err(PyValueError::new_err("shape-mismatch for sum"));
    }
    let (i, j) = (fix(axes_a, x.ndim())?, fix(axes_b, y.ndim())?);
    wrap_result(py, heavy(py, x.size().max(y.size()), || ops::tensordot(&x, &y, &i, &j))?).map(Some)
}
/// Elements of `x` where the condition is true, else of `y`; the condition alone: `nonzero(condition)`.
///
/// condition, x, y: broadcast together.
#[pyfunction]
#[pyo3(signature = (condition, x=None, y=None, /))]
pub fn r#where<'py>(
    py: Python<'py>,
    condition: &Any<'py>,
    x: Opt<'_, 'py>,
    y: Opt<'_, 'py>,
) -> PyResult<Any<'py>> {
    let _entered = enter("where");
    let (x, y) = match (x, y) {
        (None, None) => return nonzero(py, condition),
        (Some(x), Some(y)) => (x, y),
        _ => return Err(PyValueError::new_err("either both or neither of x and y should be given")),
    };
    if native()
        && let (Some(c), Some(a), Some(b)) = (operand(condition)?, operand(x)?, operand(y)?)
    {
        let device = [condition, x, y].into_iter().find_map(|o| as_array(o)).map(|a| a.device());
        let device = match device {
            Some(d) => d,
            None => minpy_core::context::current_device().py()?,
        };
        let (c, a, b) = (c.settle(device)?, a.settle(device)?, b.settle(device)?);
        match compute(py, &ops::WHERE, &[c.operand(), a.operand(), b.operand()]) {
            // A Python integer that does not fit the dtype: NumPy's `where` has an answer of its own.
            Err(e) if e.is_instance_of::<PyOverflowError>(py) => {}
            r => return wrap(py, r?.with_weak(false)),
        }
    }
    HandOver::new(py, "where").arg(condition).arg(x).arg(y).call()
}
/// Where the elements are not zero: one array of indices per axis.
#[pyfunction]
pub fn nonzero<'py>(py: Python<'py>, a: &Any<'py>) -> PyResult<Any<'py>> {
    let _entered = enter("nonzero");
    let Some(x) = array_here(a)?.filter(|_| native()) else {
        return HandOver::new(py, "nonzero").arg(a).call();
    };
    if x.ndim() == 0 {
        return Err(PyValueError::new_err(
            "Calling nonzero on 0d arrays is not allowed. Use np.atleast_1d(scalar).nonzero() instead. If the context of this error is of the form `arr[nonzero(cond)]`, just use `arr[cond]`.",
        ));
    }
    let r = heavy(py, x.size(), || ops::nonzero(&x))?;
    let rows =
        (0..x.ndim()).map(|k| wrap(py, r.view(r.layout().select(0, k)))).collect::<PyResult<Vec<_>>>()?;
    Ok(pyo3::types::PyTuple::new(py, rows)?.into_any())
}
/// `numpy.clip`; with one bound it is maximum or minimum, and what a gradient is asked of has an infinite other bound.
#[pyfunction]
pub fn _clip<'py>(
    py: Python<'py>,
    a: &Any<'py>,
    low: &Any<'py>,
    high: &Any<'py>,
    out: Opt<'_, 'py>,
) -> PyResult<Option<Any<'py>>> {
    if !native() {
        return Ok(None);
    }
    let (Some(x), Some(lo), Some(hi)) = (operand(a)?, bound(low)?, bound(high)?) else { return Ok(None) };
    let device = match as_array(a) {
        Some(a) => a.device(),
        None => minpy_core::context::current_device().py()?,
    };
    let x = x.settle(device)?;
    // A Python integer on the far side of everything in the dtype limits nothing; on the near side NumPy complains.
    let dtype = x.operand().dtype();
    let beyond = |b: &Option<Arg>| match b {
        Some(Arg::Number(Number::Int(i))) if dtype.is_integer() => {
            Number::Int(*i).to_scalar(dtype).is_err().then(|| i.signum())
        }
        _ => None,
    };
    let (low_side, high_side) = (beyond(&lo), beyond(&hi));
    if low_side == Some(1) || high_side == Some(-1) {
        return Ok(None);
    }
    let (lo, hi) = (lo.filter(|_| low_side.is_none()), hi.filter(|_| high_side.is_none()));
    let lo = lo.map(|v| v.settle(device)).transpose()?;
    let hi = hi.map(|v| v.settle(device)).transpose()?;
    let infinity = |sign: f64| -> PyResult<Option<Number>> {
        if context::flags() & context::RECORDING == 0 {
            return Ok(None);
        }
        let given: Vec<Operand> =
            [Some(&x), lo.as_ref(), hi.as_ref()].into_iter().flatten().map(|v| v.operand()).collect();
        let dtype = promoted_dtype("clip", &given).py()?;
        let number = sign * f64::INFINITY;
        Ok(dtype.is_inexact().then(|| match dtype.is_complex() {
            true => Number::Complex(Complex64::new(number, number)),
            false => Number::Float(number),
        }))
    };
    // The gradient at a bound does not hang on how many bounds there are: `maximum` would share it with the bound.
    let (no_lo, no_hi) = match (&lo, &hi) {
        (Some(_), None) => (None, infinity(1.0)?),
        (None, Some(_)) => (infinity(-1.0)?, None),
        _ => (None, None),
    };
    let low = lo.as_ref().map(|v| v.operand()).or(no_lo.map(Operand::Number));
    let high = hi.as_ref().map(|v| v.operand()).or(no_hi.map(Operand::Number));
    let (op, list): (&'static minpy_core::OpDef, Vec<Operand>) = match (low, high) {
        (Some(l), Some(h)) => (&ops::CLIP, vec![x.operand(), l, h]),
        (Some(l), None) => (&ops::MAXIMUM, vec![x.operand(), l]),
        (None, Some(h)) => (&ops::MINIMUM, vec![x.operand(), h]),
        (None, None) => (&ops::POSITIVE, vec![x.operand()]),
    };
    match given(out) {
        None => wrap_result(py, compute(py, op, &list)?).map(Some),
        Some(out) => match as_pyarray(out) {
            Some(p) => {
                p.check_writable()?;
                compute_into(py, op, &list, p.array())?;
                Ok(Some(out.clone()))
            }
            None => Ok(None),
        },
    }
}
/// A bound of `clip`: absent, or an operand; the outer `None` is for NumPy.
fn bound<'a>(v: &'a Any<'_>) -> PyResult<Option<Option<Arg<'a>>>> {
    if given(Some(v)).is_none() {
        return Ok(Some(None));
    }
    Ok(operand(v)?.map(Some))
}
/// `take` along an axis: `a[..., indices, ...]`, with negative indices checked or wrapped by the caller.
#[pyfunction]
pub fn _take<'py>(
    py: Python<'py>,
    a: &Any<'py>,
    indices: &Any<'py>,
    axis: isize,
) -> PyResult<Option<Any<'py>>> {
    let (Some(x), Some(i)) = (array_here(a)?, array_here(indices)?) else { return Ok(None) };
    if i.dtype().is_inexact() {
        return Ok(None);
    }
    let axis = minpy_core::layout::normalize_axis("take", axis, x.ndim()).py()?;
    if x.shape()[axis] == 0 && i.size() > 0 {
        return Err(PyIndexError::new_err("cannot do a non-empty take from an empty axes."));
    }
    let i = if i.dtype() == DType::Bool { ops::cast(&i, DType::I64).py()? } else { i };
    let mut items = vec![ops::Index::Slice(None, None, None); axis];
    items.push(ops::Index::Array(i));
    wrap_result(py, heavy(py, x.size(), || ops::get(&x, &items))?).map(Some)
}
/// `take_along_axis`
#[pyfunction]
pub fn _take_along_axis<'py>(
    py: Python<'py>,
    a: &Any<'py>,
    indices: &Any<'py>,
    axis: isize,
) -> PyResult<Option<Any<'py>>> {
    let (Some(x), Some(i)) = (array_here(a)?, array_here(indices)?) else { return Ok(None) };
    if !i.dtype().is_integer() {
        return Err(PyIndexError::new_err("`indices` must be an integer array"));
    }
    let axis = minpy_core::layout::normalize_axis("take_along_axis", axis, x.ndim()).py()?;
    wrap(py, heavy(py, x.size(), || ops::take_along_axis(&x, &i.to_device(x.device())?, axis))?).map(Some)
}
/// A view of the diagonal of the last two axes after `axis1` and `axis2` were moved there.
#[pyfunction]
pub fn _diagonal<'py>(a: &Any<'py>, offset: isize, axis1: isize, axis2: isize) -> PyResult<Option<Any<'py>>> {
    let Some(x) = array_here(a)? else { return Ok(None) };
    let n = x.ndim();
    if n < 2 {
        return Err(PyValueError::new_err("diag requires an array of at least two dimensions"));
    }
    let (i, j) = (
        minpy_core::layout::normalize_axis("axis1", axis1, n).py()?,
        minpy_core::layout::normalize_axis("axis2", axis2, n).py()?,
    );
    if i == j {
        return Err(PyValueError::new_err("axis1 and axis2 cannot be the same"));
    }
    let l = x.layout();
    let (rows, cols) = (l.shape()[i] as isize, l.shape()[j] as isize);
    let (r, c) = ((-offset).max(0), offset.max(0));
    let len = (rows - r).min(cols - c).max(0) as usize;
    let keep = (0..n).filter(|k| *k != i && *k != j);
    let mut shape: Vec<usize> = keep.clone().map(|k| l.shape()[k]).collect();
    let mut strides: Vec<isize> = keep.map(|k| l.strides()[k]).collect();
    shape.push(len);
    strides.push(l.strides()[i] + l.strides()[j]);
    let start = if len == 0 { 0 } else { r * l.strides()[i] + c * l.strides()[j] };
    let view =
        minpy_core::Layout::new(shape.as_slice(), strides.as_slice(), (l.offset() as isize + start) as usize);
    crate::array::wrap_read_only(x.view(view), a).map(Some)
}
/// exp(x) divided by its sum along the last axis, without overflow.
#[pyfunction]
pub fn softmax<'py>(py: Python<'py>, x: &Any<'py>) -> PyResult<Any<'py>> {
    let _entered = enter("softmax");
    match array_here(x)? {
        Some(a) => wrap(py, heavy(py, a.size(), || ops::softmax(&a, -1))?),
        None => Err(pyo3::exceptions::PyTypeError::new_err("softmax: not an array of numbers")),
    }
}

#[pymethods]
impl PyArray {
    /// Product with another array, as `np.dot(self, b)`.
    ///
    /// out: an array of ours that takes the result.
    #[pyo3(signature = (b, out=None))]
    fn dot<'py>(slf: &Bound<'py, Self>, b: &Any<'py>, out: Opt<'_, 'py>) -> PyResult<Any<'py>> {
        dot(slf.py(), slf.as_any(), b, out)
    }
    /// Where the elements are not zero: one array of indices per axis.
    fn nonzero<'py>(slf: &Bound<'py, Self>) -> PyResult<Any<'py>> {
        nonzero(slf.py(), slf.as_any())
    }
    /// Real parts: a view of a complex array.
    #[getter]
    fn get_real<'py>(slf: &Bound<'py, Self>) -> PyResult<Any<'py>> {
        part(slf, 0)
    }
    #[setter]
    fn set_real(slf: &Bound<'_, Self>, value: &Any<'_>) -> PyResult<()> {
        set_part(slf, 0, value)
    }
    /// Imaginary parts: a view of a complex array.
    #[getter]
    fn get_imag<'py>(slf: &Bound<'py, Self>) -> PyResult<Any<'py>> {
        part(slf, 1)
    }
    #[setter]
    fn set_imag(slf: &Bound<'_, Self>, value: &Any<'_>) -> PyResult<()> {
        if !slf.get().array().dtype().is_complex() {
            return Err(pyo3::exceptions::PyTypeError::new_err("array does not have imaginary part to set"));
        }
        set_part(slf, 1, value)
    }
}

/// Writes the real or imaginary parts; nothing, as in NumPy, where they are written into themselves.
fn set_part(slf: &Bound<'_, PyArray>, which: usize, value: &Any<'_>) -> PyResult<()> {
    let target = part(slf, which)?;
    if crate::shape::_same_view(&target, value) {
        return Ok(());
    }
    slf.get().check_writable()?;
    target.set_item(pyo3::types::PyEllipsis::get(slf.py()), value)
}
/// The real (0) or imaginary (1) parts: a view of a complex array; while a tape records, a copy that refuses writes.
fn part<'py>(slf: &Bound<'py, PyArray>, which: usize) -> PyResult<Any<'py>> {
    let py = slf.py();
    let a = slf.get().array();
    if !a.dtype().is_complex() {
        if which == 0 {
            return Ok(slf.as_any().clone());
        }
        let zeros = ops::zeros_like(a).py()?;
        return if slf.get().is_scalar() {
            wrap_result(py, zeros)
        } else {
            crate::array::wrap_read_only(zeros, slf.as_any())
        };
    }
    let recording = minpy_core::context::flags() & minpy_core::context::RECORDING != 0;
    if recording || slf.get().is_scalar() {
        let op = if which == 0 { &ops::REAL_PART } else { &ops::IMAG_PART };
        let r = compute(py, op, &[Operand::Array(a)])?;
        return if slf.get().is_scalar() { wrap_result(py, r) } else { crate::array::wrap_part(py, r) };
    }
    let l = a.layout();
    let strides: Vec<isize> = l.strides().iter().map(|s| 2 * s).collect();
    let layout = minpy_core::Layout::new(l.shape(), strides.as_slice(), 2 * l.offset() + which);
    crate::array::wrap_view(Array::from_parts(a.buffer().clone(), layout, a.dtype().real()), slf.as_any())
}
