//! Elements of arrays on the host: NumPy's own scalars, made directly, and written directly.
//!
//! Elsewhere, and where a tape records what is computed of the array, an element is an array of ours.

use crate::array::PyArray;
use crate::convert::{exact_number, index_of};
use crate::errors::Outcome;
use crate::numpy::numpy;
use minpy_autograd::is_watched;
use minpy_core::backend::dtype::Kind;
use minpy_core::internal::context::{RECORDING, flags};
use minpy_core::{Array, DType, Number, Scalar};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;
use smallvec::SmallVec;
use std::ffi::c_void;

type Any<'py> = Bound<'py, PyAny>;
/// One position per axis.
pub type Positions = SmallVec<[isize; 4]>;

/// `PyArray_Scalar(data, descr, base)` of NumPy's C interface: a scalar of that dtype, its value copied.
type Make = unsafe extern "C" fn(*mut c_void, *mut ffi::PyObject, *mut ffi::PyObject) -> *mut ffi::PyObject;
/// Its number in the table, which NumPy keeps for as long as its ABI (`numpy/__multiarray_api.h`).
const SCALAR: usize = 60;
static MAKE: PyOnceLock<Make> = PyOnceLock::new();

#[cold]
fn find(py: Python<'_>) -> PyResult<Make> {
    let capsule = py.import("numpy._core._multiarray_umath")?.getattr("_ARRAY_API")?;
    // SAFETY: a live capsule without a name, as NumPy's own header reads it; the table is longer than that number.
    unsafe {
        let table = ffi::PyCapsule_GetPointer(capsule.as_ptr(), std::ptr::null()).cast::<*const c_void>();
        if table.is_null() {
            return Err(PyErr::fetch(py));
        }
        Ok(std::mem::transmute::<*const c_void, Make>(*table.add(SCALAR)))
    }
}
/// NumPy's scalar of that value and dtype.
pub fn scalar(py: Python<'_>, value: Scalar) -> PyResult<Any<'_>> {
    let make = *MAKE.get_or_try_init(py, || find(py))?;
    let descr = numpy(py)?.dtypes[value.dtype() as usize].as_ptr();
    let data = value.as_ptr().cast_mut().cast();
    // SAFETY: aligned bytes of an element of that dtype, which are only read; the dtype lives as long as the process; a new reference
    // or an error.
    unsafe { Bound::from_owned_ptr_or_err(py, make(data, descr, std::ptr::null_mut())) }
}

/// Whether the object is a scalar of NumPy's that core has a dtype for.
#[inline]
pub fn is_scalar(object: &Any<'_>) -> PyResult<bool> {
    let kind = object.get_type();
    Ok(numpy(object.py())?.types.iter().any(|t| kind.is(t)))
}
/// Whether elements of the array are NumPy's: on the host, where nothing is recorded of it.
#[inline]
pub fn are_theirs(a: &Array) -> bool {
    let flags = flags();
    (flags == 0 || flags == RECORDING && !is_watched(a)) && a.device().is_host() && !a.is_weak()
}

/// The positions that a key names, where it is one integer per axis of an array that is no scalar.
#[inline]
fn positions(array: &PyArray, key: &Any<'_>) -> Option<Positions> {
    let exact = |o: &Any<'_>| {
        // SAFETY: a type check of a live object.
        let integer = unsafe { ffi::PyLong_CheckExact(o.as_ptr()) } != 0;
        if integer { index_of(o).ok() } else { None }
    };
    let ndim = array.array().ndim();
    if let Some(i) = exact(key) {
        return (ndim == 1).then(|| Positions::from_elem(i, 1));
    }
    let tuple = key.cast_exact::<PyTuple>().ok()?;
    if tuple.len() != ndim || ndim == 0 {
        return None;
    }
    tuple.iter_borrowed().map(|o| exact(&o)).collect()
}
/// The element, where the key names one and it is NumPy's.
#[inline]
pub fn get<'py>(py: Python<'py>, array: &PyArray, key: &Any<'py>) -> PyResult<Option<Any<'py>>> {
    let a = array.array();
    match positions(array, key) {
        Some(at) if are_theirs(a) => scalar(py, a.element(&at).py()?).map(Some),
        _ => Ok(None),
    }
}
/// A number of Python's, or one of NumPy's usual scalars, which arrays of that kind take as they take Python's.
#[inline]
fn number(value: &Any<'_>, into: Kind) -> PyResult<Option<Number>> {
    if let Some(number) = exact_number(value) {
        return Ok(Some(number).filter(|n| !matches!(n, Number::Complex(_))));
    }
    let types = &numpy(value.py())?.types;
    let is = |d: DType| value.get_type().is(&types[d as usize]);
    Ok(match into {
        Kind::Float | Kind::Signed if is(DType::F64) => Some(Number::Float(value.extract()?)),
        Kind::Float | Kind::Signed if is(DType::I64) => Some(Number::Int(value.extract::<i64>()? as i128)),
        _ => None,
    })
}
/// Writes a number into the element that the key names; false where that takes more than a store.
#[inline]
pub fn set(array: &PyArray, key: &Any<'_>, value: &Any<'_>) -> PyResult<bool> {
    let a = array.array();
    let Some(at) = positions(array, key) else { return Ok(false) };
    if flags() != 0 || !a.device().is_host() {
        return Ok(false);
    }
    let Some(number) = number(value, a.dtype().kind())? else { return Ok(false) };
    a.set_element(&at, number.to_scalar(a.dtype()).py()?).py()?;
    Ok(true)
}
