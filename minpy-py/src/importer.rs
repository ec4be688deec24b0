//! The hook of `minpy.install()` in the place of `builtins.__import__`. Whose `numpy` is ours is decided in `minpy._importing`; here, so that
//! every other import costs a look at its name and no traceback has a line of ours.

use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

/// `__import__` that asks what a module of NumPy's is to be for who imports it.
#[pyclass(frozen, name = "_Importer", module = "minpy._minpy")]
pub struct Importer {
    /// What stood there before.
    #[pyo3(get, name = "before")]
    python: Py<PyAny>,
    /// `(module, name, globals, fromlist)` to what the statement is given.
    choose: Py<PyAny>,
}
#[pymethods]
impl Importer {
    #[new]
    fn new(python: Py<PyAny>, choose: Py<PyAny>) -> Self {
        Importer { python, choose }
    }
    #[pyo3(signature = (name, globals=None, locals=None, fromlist=None, level=None))]
    fn __call__<'py>(
        &self,
        name: &Bound<'py, PyAny>,
        globals: Option<&Bound<'py, PyAny>>,
        locals: Option<&Bound<'py, PyAny>>,
        fromlist: Option<&Bound<'py, PyAny>>,
        level: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = name.py();
        let zero = 0i32.into_pyobject(py)?;
        let level = level.unwrap_or(&zero);
        let none = PyTuple::empty(py);
        let module = self.python.bind(py).call1((name, globals, locals, fromlist.unwrap_or(&none), level))?;
        let Ok(text) = name.cast::<PyString>() else { return Ok(module) };
        if !text.to_cow()?.starts_with("numpy") || !level.eq(&zero)? {
            return Ok(module);
        }
        self.choose.bind(py).call1((module, name, globals, fromlist))
    }
}
