//! `Executor` and `Function` for Python: bound symbols, and symbols as differentiable calls.

use crate::array::{as_array, wrap, wrap_output};
use crate::convert::{array_from, shape_from};
use crate::errors::Outcome;
use crate::symbol::PySymbol;
use minpy_core::backend::layout::Dims;
use minpy_core::{Array, context, ops};
use minpy_symbol::{Executor, Function};
use parking_lot::Mutex;
use pyo3::exceptions::{PyTypeError, PyUserWarning, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

type Any<'py> = Bound<'py, PyAny>;

/// A symbol bound to arrays; see `Symbol.simple_bind`.
#[pyclass(frozen, name = "Executor", module = "minpy.symbol")]
pub struct PyExecutor {
    // Locked only where the GIL is released, so that the two never wait for each other.
    inner: Mutex<Executor>,
    /// Name -> array; the arrays never change places, so that these are made once.
    #[pyo3(get)]
    arg_dict: Py<PyDict>,
    /// Name -> gradient, or None.
    #[pyo3(get)]
    grad_dict: Py<PyDict>,
    /// Name -> auxiliary state.
    #[pyo3(get)]
    aux_dict: Py<PyDict>,
    /// Results of the last forward pass.
    #[pyo3(get)]
    outputs: Py<PyList>,
}

impl PyExecutor {
    pub fn new(py: Python<'_>, inner: Executor) -> PyResult<PyExecutor> {
        let dict = |names: &[String], arrays: Vec<Option<Array>>| -> PyResult<Py<PyDict>> {
            let d = PyDict::new(py);
            for (n, a) in names.iter().zip(arrays) {
                d.set_item(n, a.map(|a| wrap(py, a)).transpose()?)?;
            }
            Ok(d.unbind())
        };
        let some = |list: &[Array]| list.iter().cloned().map(Some).collect();
        let outputs: Vec<Any<'_>> =
            inner.outputs().iter().map(|a| wrap(py, a.clone())).collect::<PyResult<_>>()?;
        Ok(PyExecutor {
            arg_dict: dict(inner.argument_names(), some(inner.arguments()))?,
            grad_dict: dict(inner.argument_names(), inner.gradients().to_vec())?,
            aux_dict: dict(inner.auxiliary_names(), some(inner.auxiliary()))?,
            outputs: PyList::new(py, outputs)?.unbind(),
            inner: Mutex::new(inner),
        })
    }
}

#[pymethods]
impl PyExecutor {
    /// Runs the forward pass and gives `outputs`. Keyword arguments are written into the arguments of those names first.
    #[pyo3(signature = (is_train=false, **kwargs))]
    fn forward<'py>(
        &self,
        py: Python<'py>,
        is_train: bool,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<&Py<PyList>> {
        for (name, new) in kwargs.into_iter().flatten() {
            let Some(slot) = self.arg_dict.bind(py).get_item(&name)? else {
                return Err(PyTypeError::new_err(format!(
                    "forward: there is no argument '{name}'; arguments: {}",
                    self.arg_dict.bind(py).keys()
                )));
            };
            let (Some(slot), Some(new)) = (as_array(&slot), array_from(&new)?) else {
                return Err(PyTypeError::new_err(format!("forward: the value of '{name}' is no array")));
            };
            ops::assign(slot, &new.to_device(slot.device()).py()?).py()?;
        }
        crate::lines::detach(py, || self.inner.lock().forward(is_train).map(drop)).py()?;
        Ok(&self.outputs)
    }
    /// Runs the backward pass of the last training forward pass. `out_grads`: gradients of the outputs, ones when left out.
    #[pyo3(signature = (out_grads=None))]
    fn backward(&self, py: Python<'_>, out_grads: Option<&Any<'_>>) -> PyResult<()> {
        let heads = match out_grads.filter(|g| !g.is_none()) {
            None => None,
            Some(g) => {
                let one = |o: &Any<'_>| {
                    array_from(o)?.ok_or_else(|| PyTypeError::new_err("backward: out_grads must be arrays"))
                };
                let several = g.is_instance_of::<PyList>() || g.is_instance_of::<PyTuple>();
                Some(if several {
                    g.try_iter()?.map(|o| one(&o?)).collect::<PyResult<Vec<_>>>()?
                } else {
                    vec![one(g)?]
                })
            }
        };
        crate::lines::detach(py, || self.inner.lock().backward(heads.as_deref())).py()
    }
    /// Arguments in order.
    #[getter]
    fn arg_arrays<'py>(&self, py: Python<'py>) -> Bound<'py, PyList> {
        self.arg_dict.bind(py).values()
    }
    /// Gradients in order of the arguments.
    #[getter]
    fn grad_arrays<'py>(&self, py: Python<'py>) -> Bound<'py, PyList> {
        self.grad_dict.bind(py).values()
    }
    /// Auxiliary states in order.
    #[getter]
    fn aux_arrays<'py>(&self, py: Python<'py>) -> Bound<'py, PyList> {
        self.aux_dict.bind(py).values()
    }
    /// Name -> result.
    #[getter]
    fn output_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let names = crate::lines::detach(py, || self.inner.lock().output_names().to_vec());
        let d = PyDict::new(py);
        for (n, a) in names.iter().zip(self.outputs.bind(py).iter()) {
            d.set_item(n, a)?;
        }
        Ok(d)
    }
    /// Launches and bytes of the training program: planned, and without a plan.
    fn report<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let r = crate::lines::detach(py, || self.inner.lock().report());
        let d = PyDict::new(py);
        d.set_item("forward_launches", r.forward_launches)?;
        d.set_item("backward_launches", r.backward_launches)?;
        d.set_item("planned_bytes", r.planned_bytes)?;
        d.set_item("naive_bytes", r.naive_bytes)?;
        Ok(d)
    }
}

/// A symbol as an ordinary differentiable function of named arrays.
///
///     f = Function(net, input_shapes={'x': (8, 3, 10, 10)})
///     y = f(x=x, conv_weight=w)
///
/// Inputs named in `input_shapes` must be given (their first axis may differ); other arguments left out are zeros.
/// With several outputs the result is a tuple.
#[pyclass(frozen, name = "Function", module = "minpy.core", dict)]
pub struct PyFunction(Function);

fn shapes_by_name<'py>(
    py: Python<'py>,
    list: Vec<(String, Dims)>,
) -> PyResult<Vec<(String, Bound<'py, PyTuple>)>> {
    list.into_iter().map(|(n, s)| Ok((n, PyTuple::new(py, &s)?))).collect()
}

#[pymethods]
impl PyFunction {
    #[new]
    #[pyo3(signature = (symbol, input_shapes=None, name="symbol"))]
    fn __new__(
        symbol: &Bound<'_, PySymbol>,
        input_shapes: Option<&Any<'_>>,
        name: &str,
    ) -> PyResult<PyFunction> {
        let shapes = match input_shapes.filter(|s| !s.is_none()) {
            None => None,
            Some(s) => {
                let Ok(dict) = s.cast::<PyDict>() else {
                    return Err(PyTypeError::new_err(
                        "Function: input_shapes must be a dictionary from names to shapes",
                    ));
                };
                Some(
                    dict.iter()
                        .map(|(n, s)| Ok((n.extract::<String>()?, shape_from(&s)?)))
                        .collect::<PyResult<Vec<_>>>()?,
                )
            }
        };
        Function::new(&symbol.get().0, shapes.as_deref(), name).py().map(PyFunction)
    }
    #[pyo3(signature = (*args, **kwargs))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Any<'py>> {
        if !args.is_empty() {
            return Err(PyTypeError::new_err(format!(
                "{}: arrays are passed by name, as in f(x=...)",
                self.0.name()
            )));
        }
        let mut inputs: Vec<(String, Array)> = Vec::new();
        let symbol = self.0.symbol();
        let known = [symbol.list_arguments(), symbol.list_auxiliary_states()].concat();
        let mut unknown = Vec::new();
        for (name, object) in kwargs.into_iter().flatten() {
            let name: String = name.extract()?;
            if !known.contains(&name) {
                unknown.push(name);
                continue;
            }
            let a = match as_array(&object) {
                Some(a) => a.clone(),
                // What comes from NumPy goes to the current device.
                None => match array_from(&object)? {
                    Some(a) => a.to_device(context::current_device().py()?).py()?,
                    None => {
                        return Err(PyTypeError::new_err(format!(
                            "{}: the value of '{name}' is no array of numbers",
                            self.0.name()
                        )));
                    }
                },
            };
            inputs.push((name, a));
        }
        if !unknown.is_empty() {
            // The original passes over them: its programs hand all of a model's parameters to each of its parts.
            let text = format!(
                "{}: ignores {}, which the symbol does not have; it has: {}",
                self.0.name(),
                unknown.join(", "),
                known.join(", ")
            );
            PyErr::warn(py, &py.get_type::<PyUserWarning>(), &std::ffi::CString::new(text)?, 1)?;
        }
        let outputs = crate::lines::detach(py, || {
            let named: Vec<(&str, Array)> = inputs.iter().map(|(n, a)| (n.as_str(), a.clone())).collect();
            self.0.call(&named)
        })
        .py()?;
        let mut wrapped: Vec<Any<'py>> =
            outputs.into_iter().map(|a| wrap_output(py, a)).collect::<PyResult<_>>()?;
        if wrapped.len() == 1 {
            return wrapped.pop().ok_or_else(|| PyValueError::new_err("no outputs"));
        }
        Ok(PyTuple::new(py, wrapped)?.into_any())
    }
    /// Whether calls are for training: dropout drops, batch statistics are used and remembered.
    #[getter]
    fn is_train(&self) -> bool {
        self.0.is_train()
    }
    #[setter]
    fn set_is_train(&self, train: bool) {
        self.0.set_train(train);
    }
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }
    /// The symbol.
    #[getter]
    fn symbol(&self) -> PySymbol {
        PySymbol(self.0.symbol().clone())
    }
    /// `{argument: {'shape': shape}}` for every argument that is no data input.
    fn get_params<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let d = PyDict::new(py);
        for (n, s) in shapes_by_name(py, self.0.params().py()?)? {
            let entry = PyDict::new(py);
            entry.set_item("shape", s)?;
            d.set_item(n, entry)?;
        }
        Ok(d)
    }
    /// `{output: shape}`
    fn get_output_shapes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let d = PyDict::new(py);
        for (n, s) in shapes_by_name(py, self.0.output_shapes().py()?)? {
            d.set_item(n, s)?;
        }
        Ok(d)
    }
    /// The shape of the only output.
    fn get_one_output_shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.one_output_shape().py()?)
    }
    /// Auxiliary states that no call has brought along: the function's own, by name.
    #[getter]
    fn aux_states<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let d = PyDict::new(py);
        for (n, a) in self.0.auxiliary_states() {
            d.set_item(n, wrap(py, a)?)?;
        }
        Ok(d)
    }
    fn __repr__(&self) -> String {
        format!("<Function {} ({})>", self.0.name(), self.0.symbol().list_arguments().join(", "))
    }
}
