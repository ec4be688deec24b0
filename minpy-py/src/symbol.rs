//! `Symbol` for Python: composition, inference, binding. Names of operators are made into functions in
//! python/minpy/symbol.py.

#![allow(unsafe_op_in_unsafe_fn, reason = "PyO3's code for slots that a macro of ours lists")]

use crate::array::as_array;
use crate::binding::{all, arrays, known, native_dtype, requests};
use crate::context::device_from;
use crate::convert::{items_of, shape_from};
use crate::errors::Outcome;
use crate::executor::PyExecutor;
use crate::numpy::{dtype_from, dtype_object};
use minpy_core::backend::Meta;
use minpy_core::backend::function::{Kind, Parameter};
use minpy_core::context;
use minpy_symbol::attributes::Value;
use minpy_symbol::operator::Inputs;
use minpy_symbol::operators;
use minpy_symbol::{Bindings, GradReq, Symbol};
use pyo3::class::basic::CompareOp;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PySequence, PyString, PyTuple};

type Any<'py> = Bound<'py, PyAny>;

/// Named nodes of a network; see `minpy.symbol`.
#[pyclass(frozen, name = "Symbol", module = "minpy.symbol")]
pub struct PySymbol(pub Symbol);

fn value(object: &Any<'_>) -> PyResult<Value> {
    if object.is_none() {
        return Ok(Value::None);
    }
    if object.is_instance_of::<PyBool>() {
        return Ok(Value::Bool(object.extract()?));
    }
    if object.is_instance_of::<PyInt>() {
        return Ok(Value::Int(object.extract()?));
    }
    if object.is_instance_of::<PyFloat>() {
        return Ok(Value::Float(object.extract()?));
    }
    if let Ok(s) = object.cast::<PyString>() {
        return Ok(Value::Text(s.to_string()));
    }
    if let Ok(i) = object.extract::<i64>() {
        return Ok(Value::Int(i));
    }
    if object.cast::<PySequence>().is_ok()
        && let Ok(v) = items_of(object, |i| i.extract::<i64>())
    {
        return Ok(Value::Ints(v));
    }
    if let Ok(x) = object.extract::<f64>() {
        return Ok(Value::Float(x));
    }
    if let Ok(Some(d)) = dtype_from(object) {
        return Ok(Value::Text(d.name().to_string()));
    }
    Err(PyTypeError::new_err(format!(
        "attributes are numbers, words, or tuples of integers, not {}",
        object.repr()?
    )))
}

impl PySymbol {
    fn binary(op: &str, a: &Self, other: &Any<'_>, reversed: bool) -> PyResult<Option<PySymbol>> {
        if let Ok(b) = other.cast::<PySymbol>() {
            return Symbol::binary(op, &a.0, &b.get().0).py().map(|s| Some(PySymbol(s)));
        }
        // Arrays convert to numbers too when they hold one: they are no part of a graph.
        match other.extract::<f64>() {
            Ok(x) if as_array(other).is_none() => {
                Symbol::binary_scalar(op, &a.0, x, reversed).py().map(|s| Some(PySymbol(s)))
            }
            _ => Ok(None),
        }
    }
}

fn answer<'py>(py: Python<'py>, found: PyResult<Option<PySymbol>>) -> PyResult<Any<'py>> {
    match found? {
        Some(s) => Ok(Bound::new(py, s)?.into_any()),
        None => Ok(py.NotImplemented().into_bound(py)),
    }
}
macro_rules! operators {
    ($($name:ident $reflected:ident $op:literal),*) => {
        #[pymethods]
        impl PySymbol {
            $(
                fn $name<'py>(&self, py: Python<'py>, other: &Any<'py>) -> PyResult<Any<'py>> {
                    answer(py, PySymbol::binary($op, self, other, false))
                }
                fn $reflected<'py>(&self, py: Python<'py>, other: &Any<'py>) -> PyResult<Any<'py>> {
                    answer(py, PySymbol::binary($op, self, other, true))
                }
            )*
        }
    };
}
operators!(__add__ __radd__ "add", __sub__ __rsub__ "subtract", __mul__ __rmul__ "multiply", __truediv__ __rtruediv__ "divide",
           __mod__ __rmod__ "remainder");

fn tuples<'py>(py: Python<'py>, metas: &[Meta]) -> PyResult<Vec<Bound<'py, PyTuple>>> {
    metas.iter().map(|m| PyTuple::new(py, &m.shape)).collect()
}

#[pymethods]
impl PySymbol {
    /// Every operator: `(name, other names, documentation, inputs, attributes)`.
    #[staticmethod]
    fn _operators() -> Vec<(&'static str, Vec<&'static str>, String, Vec<String>)> {
        operators()
            .iter()
            .map(|o| {
                let inputs = match o.inputs {
                    Inputs::Named(names) => names.join(", "),
                    Inputs::Variadic => "*data".to_string(),
                    Inputs::Table(f) => {
                        let takes = |p: &&Parameter| {
                            matches!(p.kind, Kind::Array | Kind::Kept | Kind::Operand | Kind::Mask)
                        };
                        f.parameters.iter().filter(takes).map(|p| p.name).collect::<Vec<_>>().join(", ")
                    }
                    Inputs::Choose(_) => {
                        "data, ... (parameters are variables of their own when left out)".to_string()
                    }
                };
                let attributes: Vec<String> = o.attributes.iter().map(|a| a.name.to_string()).collect();
                let doc = format!("{}\n\nInputs: {inputs}. Attributes: {}.", o.doc, attributes.join(", "));
                (o.name, o.aliases.to_vec(), doc, attributes)
            })
            .collect()
    }
    /// Applies an operator: inputs are pairs `(name or None, symbol)`.
    #[staticmethod]
    fn _apply(
        op: &str,
        name: Option<&str>,
        inputs: Vec<(Option<String>, Bound<'_, PySymbol>)>,
        attributes: &Bound<'_, PyDict>,
    ) -> PyResult<PySymbol> {
        let pairs: Vec<(Option<&str>, &Symbol)> =
            inputs.iter().map(|(n, s)| (n.as_deref(), &s.get().0)).collect();
        let mut attrs = Vec::new();
        for (k, v) in attributes {
            let k: String = k.extract()?;
            let v = value(&v)
                .map_err(|e| PyTypeError::new_err(format!("{op}: attribute '{k}': {}", e.value(v.py()))))?;
            attrs.push((k, v));
        }
        Symbol::apply(op, name, &pairs, &attrs).py().map(PySymbol)
    }
    /// A variable.
    #[staticmethod]
    fn _variable(name: &str, shape: Option<&Any<'_>>, dtype: Option<&Any<'_>>) -> PyResult<PySymbol> {
        let shape = shape.map(shape_from).transpose()?;
        let dtype = dtype.map(native_dtype).transpose()?;
        Ok(PySymbol(Symbol::variable_with(name, shape.as_deref(), dtype)))
    }
    /// Several symbols as one.
    #[staticmethod]
    fn _group(symbols: Vec<Bound<'_, PySymbol>>) -> PyResult<PySymbol> {
        let list: Vec<Symbol> = symbols.iter().map(|s| s.get().0.clone()).collect();
        Symbol::group(&list).py().map(PySymbol)
    }
    /// The symbol of a JSON text.
    #[staticmethod]
    fn _from_json(text: &str) -> PyResult<PySymbol> {
        Symbol::from_json(text).py().map(PySymbol)
    }
    /// Starts this thread's random numbers for Dropout anew.
    #[staticmethod]
    fn _seed(seed: u64) {
        minpy_symbol::seed(seed);
    }
    /// The name of the node; None for outputs of several nodes.
    #[getter]
    fn name(&self) -> Option<&str> {
        self.0.name()
    }
    /// Names of the arguments.
    fn list_arguments(&self) -> Vec<String> {
        self.0.list_arguments()
    }
    /// Names of the outputs.
    fn list_outputs(&self) -> Vec<String> {
        self.0.list_outputs()
    }
    /// Names of the auxiliary states.
    fn list_auxiliary_states(&self) -> Vec<String> {
        self.0.list_auxiliary_states()
    }
    /// Every output of every node.
    fn get_internals(&self) -> PySymbol {
        PySymbol(self.0.internals())
    }
    fn __len__(&self) -> usize {
        self.0.len()
    }
    /// An output, by number or name.
    fn __getitem__(&self, index: &Any<'_>) -> PyResult<PySymbol> {
        if let Ok(name) = index.cast::<PyString>() {
            return self.0.output_named(&name.to_cow()?).py().map(PySymbol);
        }
        let i: isize = index.extract()?;
        let at = if i < 0 { i + self.0.len() as isize } else { i };
        self.0.output(usize::try_from(at).unwrap_or(usize::MAX)).py().map(PySymbol)
    }
    fn __neg__(&self) -> PyResult<PySymbol> {
        Symbol::apply("negative", None, &[(None, &self.0)], &[]).py().map(PySymbol)
    }
    fn __abs__(&self) -> PyResult<PySymbol> {
        Symbol::apply("absolute", None, &[(None, &self.0)], &[]).py().map(PySymbol)
    }
    fn __pow__<'py>(
        &self,
        py: Python<'py>,
        other: &Any<'py>,
        _modulo: Option<&Any<'py>>,
    ) -> PyResult<Any<'py>> {
        answer(py, PySymbol::binary("power", self, other, false))
    }
    fn __rpow__<'py>(
        &self,
        py: Python<'py>,
        other: &Any<'py>,
        _modulo: Option<&Any<'py>>,
    ) -> PyResult<Any<'py>> {
        answer(py, PySymbol::binary("power", self, other, true))
    }
    /// Comparisons make symbols, except `==` and `!=`: these say whether two names stand for one object.
    fn __richcmp__<'py>(slf: &Bound<'py, Self>, other: &Any<'py>, op: CompareOp) -> PyResult<Any<'py>> {
        let py = slf.py();
        let name = match op {
            CompareOp::Lt => "less",
            CompareOp::Le => "less_equal",
            CompareOp::Gt => "greater",
            CompareOp::Ge => "greater_equal",
            CompareOp::Eq => return Ok(PyBool::new(py, slf.is(other)).to_owned().into_any()),
            CompareOp::Ne => return Ok(PyBool::new(py, !slf.is(other)).to_owned().into_any()),
        };
        answer(py, PySymbol::binary(name, slf.get(), other, false))
    }
    fn __hash__(slf: &Bound<'_, Self>) -> usize {
        slf.as_ptr() as usize
    }
    fn __bool__(&self) -> PyResult<bool> {
        Err(PyTypeError::new_err("a symbol has no truth value: it stands for values that are not known yet"))
    }
    fn __repr__(&self) -> String {
        match self.0.name() {
            Some(n) => format!("<Symbol {n}>"),
            None => format!("<Symbol group [{}]>", self.0.list_outputs().join(", ")),
        }
    }
    /// The symbol as JSON text.
    fn tojson(&self) -> String {
        self.0.to_json()
    }
    /// Writes the JSON text into a file, which `minpy.symbol.load` reads.
    fn save(slf: &Bound<'_, Self>, fname: &Any<'_>) -> PyResult<()> {
        slf.py().import("minpy.symbol")?.call_method1("save", (fname, slf)).map(drop)
    }
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Any<'py>, (String,))> {
        Ok((py.get_type::<PySymbol>().getattr("_from_json")?, (self.0.to_json(),)))
    }
    /// `(shapes of the arguments, of the outputs, of the auxiliary states)` from the shapes of some arguments.
    #[pyo3(signature = (*args, **kwargs))]
    fn infer_shape<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<(Vec<Bound<'py, PyTuple>>, Vec<Bound<'py, PyTuple>>, Vec<Bound<'py, PyTuple>>)> {
        let i = self.0.infer(&known(&self.0, Some(args), kwargs, None)?).py()?;
        Ok((tuples(py, &i.arguments)?, tuples(py, &i.outputs)?, tuples(py, &i.auxiliary)?))
    }
    /// `(dtypes of the arguments, of the outputs, of the auxiliary states)`; `shapes` as for `infer_shape`.
    #[pyo3(signature = (shapes, **kwargs))]
    fn infer_type<'py>(
        &self,
        py: Python<'py>,
        shapes: &Bound<'py, PyDict>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<(Vec<Any<'py>>, Vec<Any<'py>>, Vec<Any<'py>>)> {
        let i = self.0.infer(&known(&self.0, None, Some(shapes), kwargs)?).py()?;
        let dtypes = |metas: &[Meta]| -> PyResult<Vec<Any<'py>>> {
            metas.iter().map(|m| dtype_object(py, m.dtype)).collect()
        };
        Ok((dtypes(&i.arguments)?, dtypes(&i.outputs)?, dtypes(&i.auxiliary)?))
    }
    /// An executor with arrays of its own, their shapes inferred from those given.
    #[pyo3(signature = (ctx=None, grad_req=None, type_dict=None, **kwargs))]
    fn simple_bind<'py>(
        &self,
        py: Python<'py>,
        ctx: Option<&Any<'py>>,
        grad_req: Option<&Any<'py>>,
        type_dict: Option<&Bound<'py, PyDict>>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<PyExecutor> {
        let device = ctx.map_or_else(|| context::current_device().py(), device_from)?;
        let (given, wanted) = (known(&self.0, None, kwargs, type_dict)?, requests(&self.0, grad_req)?);
        let names = self.0.list_arguments();
        let request = |n: &str| names.iter().position(|x| x == n).map_or(GradReq::Null, |i| wanted[i]);
        PyExecutor::new(py, crate::lines::detach(py, || self.0.simple_bind(device, &given, request)).py()?)
    }
    /// An executor on existing arrays, given as lists in order or as dictionaries by name.
    #[pyo3(signature = (ctx, args, args_grad=None, grad_req=None, aux_states=None))]
    fn bind<'py>(
        &self,
        py: Python<'py>,
        ctx: &Any<'py>,
        args: &Any<'py>,
        args_grad: Option<&Any<'py>>,
        grad_req: Option<&Any<'py>>,
        aux_states: Option<&Any<'py>>,
    ) -> PyResult<PyExecutor> {
        let device = device_from(ctx)?;
        let (names, states) = (self.0.list_arguments(), self.0.list_auxiliary_states());
        let arguments = all("args", arrays("args", Some(args), &names)?, &names)?;
        let auxiliary = all("aux_states", arrays("aux_states", aux_states, &states)?, &states)?;
        let gradients = arrays("args_grad", args_grad, &names)?;
        let mut requests = requests(&self.0, grad_req)?;
        for (r, g) in requests.iter_mut().zip(&gradients) {
            if g.is_none() {
                *r = GradReq::Null;
            }
        }
        let bindings = Bindings { arguments, gradients, requests, auxiliary };
        PyExecutor::new(py, crate::lines::detach(py, || self.0.bind(device, bindings)).py()?)
    }
}
