//! Errors of core as Python exceptions of NumPy's classes.
//!
//! The one place that interprets `ErrorKind`; everything else uses `?` on `Outcome` or `.py()`.

use crate::flags;
use minpy_core::{Error, ErrorKind};
use pyo3::exceptions::{
    PyIndexError, PyNotImplementedError, PyOverflowError, PyRuntimeError, PyTypeError, PyValueError,
};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use std::cell::RefCell;

pyo3::create_exception!(
    minpy.primitive,
    NoGradientFuncError,
    PyNotImplementedError,
    "An operation on the path to the result has no gradient rule."
);
pyo3::create_exception!(
    minpy.policy,
    PrimitivePolicyError,
    PyValueError,
    "The policy in force forbids what the call would need."
);

fn numpy_class(
    py: Python<'_>,
    cell: &'static PyOnceLock<Py<PyType>>,
    module: &str,
    name: &str,
) -> PyResult<Py<PyType>> {
    cell.get_or_try_init(py, || Ok(py.import(module)?.getattr(name)?.cast_into::<PyType>()?.unbind()))
        .map(|c| c.clone_ref(py))
}

/// The exception that NumPy raises for the same mistake.
#[cold]
pub fn raise(e: Error) -> PyErr {
    flags::forget();
    static AXIS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    static LINALG: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    if let Some((text, original)) = CARRIED.take()
        && e.kind() == ErrorKind::Runtime
        && e.message() == text
    {
        return original;
    }
    let text = e.message().to_string();
    let special = |cell, module, name| {
        Python::attach(|py| match numpy_class(py, cell, module, name) {
            Ok(class) => PyErr::from_type(class.into_bound(py), text.clone()),
            Err(failure) => failure,
        })
    };
    match e.kind() {
        ErrorKind::Value => PyValueError::new_err(text),
        ErrorKind::Type => PyTypeError::new_err(text),
        ErrorKind::Index => PyIndexError::new_err(text),
        ErrorKind::Axis => special(&AXIS, "numpy.exceptions", "AxisError"),
        ErrorKind::Memory => Python::attach(|py| memory_error(py, &text)),
        ErrorKind::Overflow => PyOverflowError::new_err(text),
        ErrorKind::LinAlg => special(&LINALG, "numpy.linalg", "LinAlgError"),
        ErrorKind::NoGradient => NoGradientFuncError::new_err(text),
        ErrorKind::Policy => PrimitivePolicyError::new_err(text),
        ErrorKind::Device | ErrorKind::Registry | ErrorKind::Runtime => PyRuntimeError::new_err(text),
        ErrorKind::Unsupported | ErrorKind::NotNative => PyNotImplementedError::new_err(text),
    }
}

/// `MemoryError` with a text; where Python has no memory for that either, the one that it keeps ready.
fn memory_error(py: Python<'_>, text: &str) -> PyErr {
    // SAFETY: new references, or null with an exception set, which `from_owned_ptr_or_err` takes; the text is UTF-8.
    unsafe {
        let text = pyo3::ffi::PyUnicode_FromStringAndSize(text.as_ptr().cast(), text.len() as isize);
        let value = Bound::from_owned_ptr_or_err(py, text).and_then(|text| {
            let class = pyo3::ffi::PyExc_MemoryError;
            let none = std::ptr::null_mut::<pyo3::ffi::PyObject>();
            Bound::from_owned_ptr_or_err(
                py,
                pyo3::ffi::PyObject_CallFunctionObjArgs(class, text.as_ptr(), none),
            )
        });
        value.map_or_else(|already| already, PyErr::from_value)
    }
}

/// `.py()?` on a result of core.
pub trait Outcome<T> {
    /// The result with a Python exception as its error.
    fn py(self) -> PyResult<T>;
}
impl<T> Outcome<T> for minpy_core::Result<T> {
    #[inline]
    fn py(self) -> PyResult<T> {
        match self {
            Ok(value) => flags::check().map(|()| value),
            Err(e) => Err(raise(e)),
        }
    }
}

thread_local! {
    /// The exception that `to_core` saw last, with its text: what `raise` raises when that error has come through core.
    static CARRIED: RefCell<Option<(String, PyErr)>> = const { RefCell::new(None) };
}

/// See `minpy_core::internal::prepare_thread`.
pub fn prepare_thread() {
    CARRIED.with(|_| ());
}

/// An exception raised by Python code that core called (a custom gradient, say), as core's error.
pub fn to_core(e: PyErr) -> Error {
    let text = Python::attach(|py| e.value(py).to_string());
    CARRIED.replace(Some((text.clone(), e)));
    Error::new(ErrorKind::Runtime, text)
}

/// NumPy's warning that the imaginary part is lost.
pub fn warn_complex(py: Python<'_>) -> PyResult<()> {
    let category = py.import("numpy.exceptions")?.getattr("ComplexWarning")?;
    PyErr::warn(py, &category, c"Casting complex values to real discards the imaginary part", 1)
}
