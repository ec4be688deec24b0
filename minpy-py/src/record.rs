//! Recorded functions for Python: a function of arrays that is called once, and then run from the plan of its launches.

use crate::array::{as_array, wrap, wrap_output};
use crate::convert::array_from;
use crate::errors::{Outcome, to_core};
use minpy_core::{Array, context};
use minpy_symbol::{Recorded, record};
use parking_lot::Mutex;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

type Any<'py> = Bound<'py, PyAny>;

/// See `_record`.
#[pyclass(frozen, name = "_Recorded", module = "minpy._minpy")]
pub struct PyRecorded(Mutex<Recorded>);

fn arrays(objects: &[Any<'_>]) -> PyResult<Vec<Array>> {
    let ours = |o: &Any<'_>| as_array(o).cloned();
    let all: Option<Vec<Array>> = objects.iter().map(ours).collect();
    all.ok_or_else(|| PyTypeError::new_err("record: the arguments must be arrays of minpy.numpy"))
}

/// `function(*arrays)`, recorded: what it returned (a list or tuple of arrays) is what each run returns.
#[pyfunction]
pub fn _record(function: &Any<'_>, arguments: Vec<Any<'_>>) -> PyResult<PyRecorded> {
    let py = function.py();
    let given = arrays(&arguments)?;
    let device = match given.first() {
        Some(a) => a.device(),
        None => context::current_device().py()?,
    };
    let run = |stand_ins: &[Array]| -> PyResult<Vec<Array>> {
        let args = stand_ins.iter().map(|a| wrap(py, a.clone())).collect::<PyResult<Vec<_>>>()?;
        let mut results = Vec::new();
        for r in function.call1(PyTuple::new(py, args)?)?.try_iter()? {
            let r = r?;
            results.push(match array_from(&r)? {
                Some(a) => a,
                None => return Err(PyTypeError::new_err("record: the function must return arrays")),
            });
        }
        Ok(results)
    };
    record(device, &given, |stand_ins| run(stand_ins).map_err(to_core))
        .py()
        .map(|r| PyRecorded(Mutex::new(r)))
}

#[pymethods]
impl PyRecorded {
    /// Runs the program on arrays that look like those it was recorded with.
    fn __call__<'py>(&self, py: Python<'py>, arguments: Vec<Any<'py>>) -> PyResult<Bound<'py, PyList>> {
        let given = arrays(&arguments)?;
        // The lock is taken without the GIL, which whoever holds it may be waiting for.
        let results = crate::lines::detach(py, || self.0.lock().run(&given)).py()?;
        let objects = results.into_iter().map(|a| wrap_output(py, a)).collect::<PyResult<Vec<_>>>()?;
        PyList::new(py, objects)
    }
    /// Kernels of a run.
    #[getter]
    fn launches(&self, py: Python<'_>) -> usize {
        crate::lines::detach(py, || self.0.lock().launches())
    }
}
