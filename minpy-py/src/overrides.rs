//! NumPy's ufuncs called on our arrays (`numpy.sin(a)`, `x * a` with one of NumPy's scalars): `__array_ufunc__`.

use crate::array::{PyArray, as_array};
use crate::capi::fields;
use crate::convert::exact_number;
use crate::element;
use crate::errors::Outcome;
use crate::numpy::numpy;
use crate::run::{compute_object, native};
use crate::ufunc::{PARTS, operands};
use minpy_core::{OpDef, Operand};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// Operations by the address of NumPy's ufunc of that name.
static BY_NUMPY: PyOnceLock<FxHashMap<usize, &'static OpDef>> = PyOnceLock::new();

fn by_numpy(py: Python<'_>) -> PyResult<&'static FxHashMap<usize, &'static OpDef>> {
    BY_NUMPY.get_or_try_init(py, || {
        let np = numpy(py)?.module.bind(py);
        let elementwise = OpDef::all().py()?.filter(|op| op.elementwise().is_some() && op.results == 1);
        let known = elementwise.filter(|op| !PARTS.contains(&op.name));
        Ok(known.filter_map(|op| Some((np.getattr(op.name).ok()?.as_ptr() as usize, op))).collect())
    })
}

#[pymethods]
impl PyArray {
    /// NumPy's ufuncs called on our arrays become ours; those of scalars alone stay NumPy's.
    #[pyo3(signature = (function, method, *inputs, **kwargs))]
    fn __array_ufunc__<'py>(
        slf: &Bound<'py, Self>,
        function: &Bound<'py, PyAny>,
        method: &Bound<'py, PyString>,
        inputs: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        if native()
            && kwargs.is_none()
            && method.to_str()? == "__call__"
            && let Some(op) = by_numpy(py)?.get(&(function.as_ptr() as usize))
            && inputs.len() == op.arity
        {
            let given: SmallVec<[Bound<'py, PyAny>; 4]> = inputs.iter().collect();
            if let Some(theirs) = element::all_theirs(&given)? {
                return function.call1(PyTuple::new(py, theirs)?);
            }
            let mut usual = true;
            for g in &given {
                usual &= as_array(g).is_some() || is_usual(g)?;
            }
            if usual && let Some(inputs) = operands(op, &given)? {
                let operands: SmallVec<[Operand; 3]> = inputs.iter().map(|a| a.operand()).collect();
                return compute_object(py, op, &operands, || false);
            }
        }
        let general = py.import("minpy.numpy._methods")?.getattr("array_ufunc")?;
        let mut all: SmallVec<[Bound<'py, PyAny>; 6]> = SmallVec::new();
        all.extend([slf.as_any().clone(), function.clone(), method.as_any().clone()]);
        all.extend(inputs.iter());
        general.call(PyTuple::new(py, all)?, kwargs)
    }
}
/// Whether nobody else has a say in what is computed of the object: a number, or NumPy's own array.
fn is_usual(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(exact_number(object).is_some() || element::is_scalar(object)? || fields(object)?.is_some())
}
