//! The way out of the shim: what core cannot do is handed to the Python package, which calls NumPy.

use crate::foreign;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};

static CALL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static OPERATOR: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

fn function<'py>(
    py: Python<'py>,
    cell: &'static PyOnceLock<Py<PyAny>>,
    name: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let f = cell
        .get_or_try_init(py, || PyResult::Ok(py.import("minpy.numpy._fallback")?.getattr(name)?.unbind()))?;
    Ok(f.bind(py).clone())
}

/// `operator.<symbol>(left, right)` with NumPy's arrays in place of ours.
#[cold]
pub fn operator<'py>(
    symbol: &str,
    left: &Bound<'py, PyAny>,
    right: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    function(left.py(), &OPERATOR, "operate")?.call1((symbol, left, right))
}

/// `numpy.<name>(*args, **kwargs)` on host views of our arrays; `name` may have dots (`add.reduce`).
#[cold]
pub fn call<'py>(
    py: Python<'py>,
    name: &str,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    if let Some(result) = foreign::named(py, name, args, kwargs, None)? {
        return Ok(result);
    }
    function(py, &CALL, "call_named")?.call1((name, args, kwargs))
}

/// The same for a function of the table that declined, with its reason.
#[cold]
pub fn declined<'py>(
    py: Python<'py>,
    name: &str,
    args: &Bound<'py, PyTuple>,
    kwargs: &Bound<'py, PyDict>,
    reason: Option<&str>,
) -> PyResult<Bound<'py, PyAny>> {
    if let Some(result) = foreign::named(py, name, args, Some(kwargs), reason)? {
        return Ok(result);
    }
    function(py, &CALL, "call_named")?.call1((name, args, kwargs, reason))
}

/// A function of another module on NumPy's arrays.
#[cold]
pub fn call_module<'py>(
    module: &str,
    name: &str,
    args: (&Bound<'py, crate::array::PyArray>,),
) -> PyResult<Bound<'py, PyAny>> {
    let py = args.0.py();
    let f = py.import(module)?.getattr(name)?;
    py.import("minpy.numpy._fallback")?.getattr("call")?.call1((
        name,
        f,
        PyTuple::new(py, [args.0])?,
        PyDict::new(py),
    ))
}

/// Collects arguments for `call`, leaving out those that were not given.
pub struct HandOver<'py> {
    py: Python<'py>,
    name: &'static str,
    args: Vec<Bound<'py, PyAny>>,
    kwargs: Bound<'py, PyDict>,
}
impl<'py> HandOver<'py> {
    /// For `numpy.<name>`.
    pub fn new(py: Python<'py>, name: &'static str) -> Self {
        HandOver { py, name, args: Vec::new(), kwargs: PyDict::new(py) }
    }
    /// A positional argument.
    pub fn arg(mut self, a: &Bound<'py, PyAny>) -> Self {
        self.args.push(a.clone());
        self
    }
    /// A keyword argument, when it was given.
    pub fn opt(self, name: &str, value: Option<&Bound<'py, PyAny>>) -> PyResult<Self> {
        if let Some(v) = value {
            self.kwargs.set_item(name, v)?;
        }
        Ok(self)
    }
    /// Calls NumPy.
    pub fn call(self) -> PyResult<Bound<'py, PyAny>> {
        call(self.py, self.name, &PyTuple::new(self.py, self.args)?, Some(&self.kwargs))
    }
}
