//! `a.real` and `a.imag`: read as the functions of those names, and written.

use crate::array::PyArray;
use crate::errors::Outcome;
use minpy_core::ops;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyEllipsis;

type Any<'py> = Bound<'py, PyAny>;

#[pymethods]
impl PyArray {
    /// Real parts: a view of a complex array.
    #[getter]
    fn get_real<'py>(slf: &Bound<'py, Self>) -> PyResult<Any<'py>> {
        part(slf, false)
    }
    #[setter]
    fn set_real(slf: &Bound<'_, Self>, value: &Any<'_>) -> PyResult<()> {
        set_part(slf, false, value)
    }
    /// Imaginary parts: a view of a complex array.
    #[getter]
    fn get_imag<'py>(slf: &Bound<'py, Self>) -> PyResult<Any<'py>> {
        part(slf, true)
    }
    #[setter]
    fn set_imag(slf: &Bound<'_, Self>, value: &Any<'_>) -> PyResult<()> {
        if !slf.get().array().dtype().is_complex() {
            return Err(PyTypeError::new_err("array does not have imaginary part to set"));
        }
        set_part(slf, true, value)
    }
}

fn part<'py>(slf: &Bound<'py, PyArray>, imaginary: bool) -> PyResult<Any<'py>> {
    if !imaginary && !slf.get().array().dtype().is_complex() {
        return Ok(slf.as_any().clone());
    }
    crate::table::part(ops::part(slf.get().array(), imaginary).py()?, slf.as_any())
}
/// Writes the real or imaginary parts; nothing, as in NumPy, where they are written into themselves.
fn set_part(slf: &Bound<'_, PyArray>, imaginary: bool, value: &Any<'_>) -> PyResult<()> {
    let target = part(slf, imaginary)?;
    if crate::shape::_same_view(&target, value) {
        return Ok(());
    }
    slf.get().check_writable()?;
    target.set_item(PyEllipsis::get(slf.py()), value)
}
