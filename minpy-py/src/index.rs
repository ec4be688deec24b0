//! `a[...]` and `a[...] = value`: Python's index objects become core's.

use crate::array::{PyArray, as_array, wrap, wrap_scalar, wrap_view};
use crate::convert::{Arg, exact_number, operand};
use crate::element;
use crate::errors::Outcome;
use crate::fallback;
use crate::host::import_values;
use crate::numpy::numpy;
use minpy_core::backend::dtype::Kind;
use minpy_core::ops::{self, Index, Selection};
use minpy_core::{Array, DType, Number, Operand};
use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyEllipsis, PyList, PySlice, PyTuple};
use smallvec::SmallVec;

/// Items of one index expression.
pub type Items = SmallVec<[Index; 4]>;

/// A part of a slice. As far out as half of all integers: no array reaches there, and sums of two still are integers.
fn bound(object: &Bound<'_, PyAny>) -> PyResult<Option<i64>> {
    let (least, most) = (i64::MIN / 2, i64::MAX / 2);
    if object.is_none() {
        return Ok(None);
    }
    match object.extract::<i64>() {
        Ok(v) => Ok(Some(v.clamp(least, most))),
        Err(e) if e.is_instance_of::<pyo3::exceptions::PyOverflowError>(object.py()) => {
            Ok(Some(if object.lt(0)? { least } else { most }))
        }
        Err(_) => {
            Err(PyTypeError::new_err("slice indices must be integers or None or have an __index__ method"))
        }
    }
}

fn complaint() -> PyErr {
    PyIndexError::new_err(
        "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean arrays are valid indices",
    )
}

/// One item of an index expression. `whole` is false inside a tuple.
fn item(object: &Bound<'_, PyAny>) -> PyResult<Index> {
    let py = object.py();
    // SAFETY: a type check of a live object.
    if unsafe { ffi::PyLong_CheckExact(object.as_ptr()) } != 0 {
        return match exact_number(object) {
            Some(Number::Int(i)) => i64::try_from(i).map(Index::Int).map_err(|_| complaint()),
            _ => Err(PyIndexError::new_err("cannot fit 'int' into an index-sized integer")),
        };
    }
    if let Ok(s) = object.cast::<PySlice>() {
        let (start, stop, step) = (s.getattr("start")?, s.getattr("stop")?, s.getattr("step")?);
        return Ok(Index::Slice(bound(&start)?, bound(&stop)?, bound(&step)?));
    }
    if object.is_none() {
        return Ok(Index::NewAxis);
    }
    if object.is(PyEllipsis::get(py)) {
        return Ok(Index::Ellipsis);
    }
    if let Some(a) = as_array(object) {
        if a.ndim() == 0 && a.dtype().is_integer() {
            return match a.item().py()?.number() {
                Number::Int(i) => i64::try_from(i).map(Index::Int).map_err(|_| complaint()),
                _ => Err(complaint()),
            };
        }
        return index_array(a.clone());
    }
    if let Ok(b) = object.cast_exact::<PyBool>() {
        return Array::from_slice(&[b.is_true()], &[]).py().map(Index::Array);
    }
    let np = numpy(py)?;
    let list = object.cast::<PyList>().is_ok() || object.cast::<PyTuple>().is_ok();
    if !list && !object.is_instance(np.ndarray.bind(py))? {
        if object.is_instance(np.generic.bind(py))? && object.getattr("dtype")?.getattr("kind")?.eq("b")? {
            return Array::from_slice(&[object.is_truthy()?], &[]).py().map(Index::Array);
        }
        if let Ok(i) = object.extract::<i64>() {
            return Ok(Index::Int(i));
        }
    }
    if list && crate::convert::holds_ours(object)? {
        return match crate::convert::sequence(object)? {
            Some(a) => index_array(a),
            None => Err(complaint()),
        };
    }
    if !list && !object.hasattr("__array__")? && !object.hasattr("__len__")? {
        return Err(complaint());
    }
    if object.cast::<pyo3::types::PyString>().is_ok() {
        return Err(complaint());
    }
    let array = np.asarray.bind(py).call1((object,))?;
    match import_values(&array)? {
        // An empty list is float64 to NumPy, but as an index it selects nothing.
        Some(a) if list && a.size() == 0 && a.dtype() == DType::F64 => {
            ops::cast(&a, DType::I64).py().map(Index::Array)
        }
        Some(a) => index_array(a),
        None => Err(complaint()),
    }
}
fn index_array(a: Array) -> PyResult<Index> {
    if a.dtype() != DType::Bool && !a.dtype().is_integer() {
        return Err(PyIndexError::new_err("arrays used as indices must be of integer (or boolean) type"));
    }
    Ok(Index::Array(a))
}

/// The items of an index expression.
pub fn items(key: &Bound<'_, PyAny>) -> PyResult<Items> {
    match key.cast::<PyTuple>() {
        Ok(t) => t.iter().map(|i| item(&i)).collect(),
        Err(_) => Ok(SmallVec::from_iter([item(key)?])),
    }
}

/// `a[i]` for one integer.
#[inline]
pub fn get_int<'py>(slf: &Bound<'py, PyAny>, i: i64) -> PyResult<Bound<'py, PyAny>> {
    let a = as_array(slf).ok_or_else(complaint)?;
    finish(slf, a, &[Index::Int(i)])
}

fn finish<'py>(slf: &Bound<'py, PyAny>, a: &Array, items: &[Index]) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    let plain = !items.iter().any(|i| matches!(i, Index::Array(_)));
    if plain {
        let Selection::View(v) = ops::resolve(a, items).py()? else { return Err(complaint()) };
        if v.ndim() == 0 && !items.iter().any(|i| matches!(i, Index::Ellipsis)) {
            if element::are_theirs(a) {
                return element::scalar(py, v.item().py()?);
            }
            return wrap_scalar(py, ops::copy(&v).py()?.with_weak(a.is_weak()));
        }
        return wrap_view(v, slf);
    }
    let r = crate::run::heavy(py, a.size(), || ops::get(a, items))?;
    if r.ndim() == 0 && !items.iter().any(|i| matches!(i, Index::Ellipsis)) {
        wrap_scalar(py, r)
    } else {
        wrap(py, r)
    }
}

#[pymethods]
impl PyArray {
    fn __getitem__<'py>(slf: &Bound<'py, Self>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if slf.get().is_scalar() {
            if !scalar_key(key)? {
                return Err(PyIndexError::new_err("invalid index to scalar variable."));
            }
        } else if let Some(element) = element::get(slf.py(), slf.get(), key)? {
            return Ok(element);
        }
        finish(slf.as_any(), slf.get().array(), &items(key)?)
    }
    fn __setitem__(slf: &Bound<'_, Self>, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        if slf.get().is_scalar() {
            return Err(PyTypeError::new_err("'scalar' object does not support item assignment"));
        }
        slf.get().check_writable()?;
        if element::set(slf.get(), key, value)? {
            return Ok(());
        }
        let a = slf.get().array();
        let items = items(key)?;
        let Some(value) = operand(value)? else {
            return match crate::convert::array_from(value)? {
                Some(v) => set(slf.py(), a, &items, &Arg::Made(v)),
                None => fallback::operator(
                    "setitem",
                    slf.as_any(),
                    &PyTuple::new(slf.py(), [key, value])?.into_any(),
                )
                .map(drop),
            };
        };
        set(slf.py(), a, &items, &value)
    }
    fn __delitem__(&self, _key: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(pyo3::exceptions::PyValueError::new_err("cannot delete array elements"))
    }
}

/// Scalars take `()`, `...`, `None` and tuples of them.
fn scalar_key(key: &Bound<'_, PyAny>) -> PyResult<bool> {
    let fine = |k: &Bound<'_, PyAny>| k.is_none() || k.is(PyEllipsis::get(k.py()));
    Ok(match key.cast::<PyTuple>() {
        Ok(t) => t.iter().all(|k| fine(&k)),
        Err(_) => fine(key),
    })
}

fn set(py: Python<'_>, a: &Array, items: &[Index], value: &Arg) -> PyResult<()> {
    let value = match value.operand() {
        // A Python integer must fit the dtype; a complex number does not go into a real array.
        Operand::Number(Number::Complex(_)) if !a.dtype().is_complex() => {
            return Err(PyTypeError::new_err(format!(
                "setitem: cannot write a complex number into an array of dtype {}",
                a.dtype()
            )));
        }
        Operand::Number(n) => Operand::Scalar(n.to_scalar(a.dtype()).py()?),
        // NumPy's scalars must fit as well, into signed integers.
        Operand::Scalar(v) if a.dtype().kind() == Kind::Signed && !v.dtype().is_complex() => {
            Operand::Scalar(v.number().to_scalar(a.dtype()).py()?)
        }
        other => other,
    };
    let complex = match &value {
        Operand::Array(v) => v.dtype().is_complex(),
        Operand::Scalar(v) => v.dtype().is_complex(),
        _ => false,
    };
    if complex && !a.dtype().is_complex() && a.dtype() != DType::Bool {
        crate::errors::warn_complex(py)?;
    }
    crate::run::heavy(py, a.size(), || ops::set(a, items, value))
}
