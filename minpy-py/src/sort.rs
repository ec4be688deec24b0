//! `a.sort()`: in place, which functions of the table are not.

use crate::array::PyArray;
use crate::errors::Outcome;
use crate::fallback::HandOver;
use crate::numpy::given;
use crate::run::heavy;
use minpy_core::ops;
use minpy_core::written::enter;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

type Opt<'a, 'py> = Option<&'a Bound<'py, PyAny>>;

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

#[pymethods]
impl PyArray {
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
}
