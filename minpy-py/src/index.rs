//! `a[...]` and `a[...] = value`: Python's index objects become core's.

use crate::array::{PyArray, PyScalar, as_array, as_pyarray, wrap, wrap_view};
use crate::basic::{self, Place};
use crate::convert::{Arg, exact_number, operand};
use crate::element;
use crate::errors::Outcome;
use crate::fallback;
use crate::host::import_values;
use crate::lists;
use crate::numpy::numpy;
use crate::slots::slots;
use minpy_core::backend::dtype::Kind;
use minpy_core::backend::flags::narrowed;
use minpy_core::internal::cut::Cut;
use minpy_core::ops::{self, Index, Selection};
use minpy_core::{Array, DType, Layout, Number, Operand, Result, device};
use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyEllipsis, PyList, PySlice, PyString, PyTuple};
use smallvec::SmallVec;

/// Items of one index expression.
pub type Items = SmallVec<[Index; 4]>;

/// A part of a slice. As far out as half of all integers: no array reaches there, and sums of two still are integers.
fn bound(object: &Bound<'_, PyAny>) -> PyResult<Option<i64>> {
    let (least, most) = (i64::MIN / 2, i64::MAX / 2);
    if object.is_none() {
        return Ok(None);
    }
    // SAFETY: a type check of a live object.
    if unsafe { ffi::PyIndex_Check(object.as_ptr()) } == 0 {
        return Err(PyTypeError::new_err(
            "slice indices must be integers or None or have an __index__ method",
        ));
    }
    // SAFETY: a live object that is an index: with no exception to raise for it, what is too large stops at the ends. What the object
    // raises itself is handed on.
    match unsafe { ffi::PyNumber_AsSsize_t(object.as_ptr(), std::ptr::null_mut()) } {
        -1 if PyErr::occurred(object.py()) => Err(PyErr::fetch(object.py())),
        v => Ok(Some((v as i64).clamp(least, most))),
    }
}

/// NumPy's words for what is no index.
#[cold]
pub fn complaint() -> PyErr {
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
            _ => Err(complaint()),
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
    if list && let Some(a) = lists::array(object, device::host().py()?)? {
        return index_array(a);
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
    if object.cast::<PyString>().is_ok() || object.is_instance(np.generic.bind(py))? {
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
    if a.ndim() == 0 {
        return Err(PyIndexError::new_err(
            "too many indices for array: array is 0-dimensional, but 1 were indexed",
        ));
    }
    let mut cut = Cut::new(a.layout());
    cut.int(i).py()?;
    match cut.element() {
        Some(at) => element::get(slf.py(), a, at),
        None => wrap_view(a.view(cut.finish()), slf),
    }
}

fn finish<'py>(slf: &Bound<'py, PyAny>, a: &Array, items: &[Index]) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    let plain = !items.iter().any(|i| matches!(i, Index::Array(_)));
    if plain {
        let Selection::View(v) = ops::resolve(a, items).py()? else { return Err(complaint()) };
        if v.ndim() == 0 && !items.iter().any(|i| matches!(i, Index::Ellipsis)) {
            return element::get(py, a, v.layout().offset());
        }
        return wrap_view(v, slf);
    }
    let r = crate::run::heavy(py, a.size(), || ops::get(a, items))?;
    if r.ndim() == 0 && !items.iter().any(|i| matches!(i, Index::Ellipsis)) {
        element::get(py, &r, r.layout().offset())
    } else {
        wrap(py, r)
    }
}

/// `a[key]`.
fn item_of<'py>(slf: &Bound<'py, PyArray>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if slf.get().is_scalar() {
        if !scalar_key(key)? {
            return Err(PyIndexError::new_err("invalid index to scalar variable."));
        }
        return finish(slf.as_any(), slf.get().array(), &items(key)?);
    }
    let a = slf.get().array();
    if let Some(k) = as_pyarray(key)
        && !k.is_scalar()
        && let Some(r) = ops::get_small(a, k.array()).py()?
    {
        return wrap(slf.py(), r);
    }
    match basic::place(key, a.layout())? {
        Some(Place::Element(at)) => element::get(slf.py(), a, at),
        Some(Place::View(layout)) => wrap_view(a.view(layout), slf.as_any()),
        None => finish(slf.as_any(), a, &items(key)?),
    }
}
/// `a[key] = value`.
fn set_item_of(slf: &Bound<'_, PyArray>, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
    if slf.get().is_scalar() {
        return Err(PyTypeError::new_err("'scalar' object does not support item assignment"));
    }
    slf.get().check_writable()?;
    let a = slf.get().array();
    if let Some(place) = basic::place(key, a.layout())? {
        let layout = match place {
            Place::Element(at) if element::set(a, at, key, value)? => return Ok(()),
            Place::Element(at) => Layout::new([].as_slice(), [].as_slice(), at),
            Place::View(layout) => layout,
        };
        let view = a.view(layout);
        // What `a[i:j] += x` ends with: the view has been written already.
        if as_array(value).is_some_and(|v| v.same_view(&view)) {
            return Ok(());
        }
        return write(slf, key, value, &view, true, |value| ops::set_view(&view, value));
    }
    let items = items(key)?;
    write(slf, key, value, a, false, |value| ops::set(a, &items, value))
}

// The slots of the two classes, which `item.rs` calls for arrays where its short ways end.
// SAFETY of all: CPython calls them with live objects of the class.
/// See `item_of`.
pub unsafe fn get_item(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    key: *mut ffi::PyObject,
) -> PyResult<*mut ffi::PyObject> {
    // SAFETY: as said.
    let (object, key) = unsafe { (Bound::ref_from_ptr(py, &object), Bound::ref_from_ptr(py, &key)) };
    // SAFETY: both classes begin with a `PyArray`.
    item_of(unsafe { object.cast_unchecked() }, key).map(Bound::into_ptr)
}
/// See `set_item_of`.
pub unsafe fn set_item(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    key: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
) -> PyResult<std::ffi::c_int> {
    if value.is_null() {
        return Err(pyo3::exceptions::PyValueError::new_err("cannot delete array elements"));
    }
    // SAFETY: as said.
    unsafe {
        let (object, key) = (Bound::ref_from_ptr(py, &object), Bound::ref_from_ptr(py, &key));
        set_item_of(object.cast_unchecked(), key, Bound::ref_from_ptr(py, &value)).map(|()| 0)
    }
}
/// `len(a)`.
pub unsafe fn get_length(py: Python<'_>, object: *mut ffi::PyObject) -> PyResult<ffi::Py_ssize_t> {
    // SAFETY: as said.
    let object = unsafe { Bound::ref_from_ptr(py, &object) };
    match as_pyarray(object) {
        Some(p) if p.is_scalar() => Err(PyTypeError::new_err("object of type 'scalar' has no len()")),
        p => match p.and_then(|p| p.array().shape().first()) {
            Some(&n) => Ok(n as ffi::Py_ssize_t),
            None => Err(PyTypeError::new_err("len() of unsized object")),
        },
    }
}
slots! {
    PyScalar:
    Py_mp_subscript binaryfunc get_item;
    Py_mp_ass_subscript setattrofunc set_item;
    Py_mp_length lenfunc get_length;
}

/// What makes a sequence of an array to C code: `reversed`, `bisect`.
pub unsafe fn sequence_item(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    i: ffi::Py_ssize_t,
) -> PyResult<*mut ffi::PyObject> {
    // SAFETY: as said above.
    let object = unsafe { Bound::from_borrowed_ptr(py, object) };
    // Negative positions have been counted from the end already: what still is one is out of range, and is named as it was.
    let n = as_array(&object).and_then(|a| a.shape().first()).map_or(0, |&n| n as i64);
    let i = i as i64;
    get_int(&object, if i < 0 { i - n } else { i }).map(Bound::into_ptr)
}

/// Scalars take `()`, `...`, `None` and tuples of them.
fn scalar_key(key: &Bound<'_, PyAny>) -> PyResult<bool> {
    let fine = |k: &Bound<'_, PyAny>| k.is_none() || k.is(PyEllipsis::get(k.py()));
    Ok(match key.cast::<PyTuple>() {
        Ok(t) => t.iter().all(|k| fine(&k)),
        Err(_) => fine(key),
    })
}

/// Writes a value by `set`, where it is one for an array of that dtype; what core does not know as a value is NumPy's to write.
fn write(
    slf: &Bound<'_, PyArray>,
    key: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
    into: &Array,
    view: bool,
    set: impl FnOnce(Operand) -> Result<()> + Send,
) -> PyResult<()> {
    let py = slf.py();
    let value = match operand(value)? {
        Some(value) => value,
        None => match crate::convert::array_from(value)? {
            Some(v) => Arg::Made(v),
            // A tape that knows the contents is told which of them are constants now.
            None if !into.buffer().is_unwatched() => {
                let np = numpy(py)?;
                let made = np.asarray.bind(py).call1((value, np.dtypes[into.dtype() as usize].bind(py)))?;
                Arg::Made(import_values(&made)?.ok_or_else(complaint)?)
            }
            None => {
                let pair = PyTuple::new(py, [key, value])?.into_any();
                return fallback::operator("setitem", slf.as_any(), &pair).map(drop);
            }
        },
    };
    let dtype = into.dtype();
    let value = match value.operand() {
        // A Python integer must fit the dtype; a complex number does not go into a real array.
        Operand::Number(Number::Complex(_)) if !dtype.is_complex() && dtype != DType::Bool => {
            return Err(PyTypeError::new_err(format!(
                "setitem: cannot write a complex number into an array of dtype {dtype}"
            )));
        }
        Operand::Number(n) => Operand::Scalar(n.to_scalar(dtype).map(|s| narrowed(n, s)).py()?),
        // NumPy's scalars must fit a view of signed integers as well; by an index array they are cast.
        Operand::Scalar(v) if view && dtype.kind() == Kind::Signed && !v.dtype().is_complex() => {
            Operand::Scalar(v.number().to_scalar(dtype).map(|s| narrowed(v.number(), s)).py()?)
        }
        other => other,
    };
    if !dtype.is_complex() && dtype != DType::Bool {
        let complex = match &value {
            Operand::Array(v) => v.dtype().is_complex(),
            Operand::Scalar(v) => v.dtype().is_complex(),
            Operand::Number(_) => false,
        };
        if complex {
            crate::errors::warn_complex(py)?;
        }
    }
    crate::run::heavy(py, into.size(), || set(value))
}
