//! Gradients: the differentiated call, foreign nodes of the tape, and what asks whether something is recorded.
//!
//! Argument numbers, defaults and the shape of the answer are decided in python/minpy/core.py.

use crate::arguments::{input, watch};
use crate::array::{as_array, wrap, wrap_output, wrap_scalar};
use crate::convert::{any_leaf, array_from, exact_number, items_of};
use crate::errors::{Outcome, to_core};
use crate::numbers;
use minpy_autograd::{
    ForeignCall, ForeignRule, Held, Kept, Session, departed, foreign_call, is_watched, keep, record_foreign,
};
use minpy_core::Array;
use minpy_core::backend::memory;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

type Any<'py> = Bound<'py, PyAny>;

/// Every array of ours in a result, which may be nested.
fn outputs(value: &Any<'_>, all: &mut Vec<Array>) -> PyResult<()> {
    let mut enough = Ok(());
    any_leaf(value, &mut |item| {
        match as_array(item) {
            Some(a) => enough = memory::push(all, a.clone()),
            None => numbers::takes_part(item), // a result that is a constant
        }
        enough.is_err()
    })?;
    enough.py()
}

/// The weights of the arrays in a result, in the same structure.
fn weights(value: &Any<'_>, seed: &Any<'_>, all: &mut Vec<Array>) -> PyResult<()> {
    let sequence = |o: &Any<'_>| o.is_instance_of::<PyTuple>() || o.is_instance_of::<PyList>();
    if let Some(y) = as_array(value) {
        let mut found = array_from(seed)?;
        if found.as_ref().is_none_or(|w| w.shape() != y.shape()) && sequence(seed) && seed.len()? == 1 {
            found = array_from(&seed.get_item(0)?)?; // of a result alone, as of a tuple of one
        }
        let Some(w) = found else {
            let text = format!("vjp: the seed is no array of numbers but '{}'", seed.get_type().name()?);
            return Err(PyTypeError::new_err(text));
        };
        memory::push(all, w).py()?;
    } else if sequence(value) {
        let n = value.len()?;
        let given = if sequence(seed) { seed.len()? } else { 1 };
        if given != n || !sequence(seed) {
            return Err(PyValueError::new_err(format!("vjp: {given} seeds for {n} outputs")));
        }
        for i in 0..n {
            weights(&value.get_item(i)?, &seed.get_item(i)?, all)?;
        }
    }
    Ok(())
}

/// A result without an array of ours is a constant, if it is numbers at all (`None`: a forgotten `return`).
fn expect_numbers(value: &Any<'_>) -> PyResult<()> {
    let sequence = value.is_instance_of::<PyTuple>() || value.is_instance_of::<PyList>();
    if sequence || exact_number(value).is_some() || array_from(value).is_ok_and(|a| a.is_some()) {
        return Ok(());
    }
    Err(PyTypeError::new_err(format!(
        "grad: the function returned '{}', not an array, a number, or a tuple or list of them",
        value.get_type().name()?
    )))
}

/// Warns about the places where what the gradient depends on left the tape.
fn tell(py: Python<'_>, places: Vec<u32>) -> PyResult<()> {
    if !places.is_empty() {
        py.import("minpy._departures")?.getattr("tell")?.call1((places,))?;
    }
    Ok(())
}

/// Notes that a watched array leaves the tape, in the words of `how`. Anything else may go anywhere.
pub fn leaves(py: Python<'_>, array: &Array, how: &str) -> PyResult<()> {
    if is_watched(array) {
        departed(array, numbers::place(py, how)?).py()?;
    }
    Ok(())
}
/// The same where `made` is made of the array: text and truth values are no numbers to go on computing with.
pub fn leaves_as(py: Python<'_>, array: &Array, made: &Any<'_>) -> PyResult<()> {
    if !is_watched(array) {
        return Ok(());
    }
    let dtype = made.getattr("dtype")?;
    match dtype.getattr("kind")?.extract::<char>()? {
        'f' | 'c' | 'O' => leaves(py, array, &format!("an array of dtype {dtype}")),
        _ => Ok(()),
    }
}
fn arrays(objects: &Any<'_>) -> PyResult<Vec<Array>> {
    let all = items_of(objects, |o| Ok(as_array(&o).cloned()))?;
    Ok(all.into_iter().flatten().collect()) // in place
}

/// See `Tape.foreign_call`.
#[pyclass(frozen, name = "_ForeignCall", module = "minpy._minpy")]
pub struct PyForeignCall(ForeignCall);
#[pymethods]
impl PyForeignCall {
    /// What the call has written: asking for its gradient raises NoGradientFuncError.
    fn wrote(&self, outputs: &Any<'_>) -> PyResult<()> {
        self.0.wrote(&arrays(outputs)?).py()
    }
}

/// Arrays as a list; None for what is not there.
fn listed(py: Python<'_>, arrays: impl IntoIterator<Item = Option<Array>>) -> PyResult<Bound<'_, PyList>> {
    let list = PyList::empty(py);
    for a in arrays {
        match a {
            Some(a) => list.append(wrap_output(py, a)?)?,
            None => list.append(py.None())?,
        }
    }
    Ok(list)
}
fn unlisted(objects: &Any<'_>) -> PyResult<Vec<Option<Array>>> {
    items_of(objects, |v| if v.is_none() { Ok(None) } else { array_from(&v) })
}

/// A map of gradients or tangents that Python defined, which gives so many for so many `of` them.
fn defined(f: Option<Py<PyAny>>, gives: &'static str, of: &'static str, n: usize) -> Option<Map> {
    let f = f?;
    Some(Box::new(move |given| {
        let call = |py: Python<'_>| -> PyResult<Vec<Option<Array>>> {
            let list = unlisted(&f.bind(py).call1((listed(py, given.iter().cloned())?,))?)?;
            if list.len() != n {
                let text = format!("a custom gradient gave {} {gives} for {n} {of}", list.len());
                return Err(PyValueError::new_err(text));
            }
            Ok(list)
        };
        Python::attach(|py| call(py).map_err(to_core))
    }))
}
type Map = Box<dyn Fn(&[Option<Array>]) -> minpy_core::Result<Vec<Option<Array>>>>;

/// See `Tape.trace`.
#[pyclass(frozen, name = "_Held", module = "minpy._minpy")]
pub struct PyHeld(Held);
#[pymethods]
impl PyHeld {
    /// Whether an output depends on what was watched, as far as calls say.
    fn is_recorded(&self) -> bool {
        self.0.is_recorded()
    }
    /// Gradients of the leaves from seeds of the outputs; None is zero.
    fn gradients<'py>(&self, py: Python<'py>, seeds: &Any<'py>) -> PyResult<Bound<'py, PyList>> {
        listed(py, self.0.gradients(&unlisted(seeds)?).py()?)
    }
    /// Tangents of the outputs from those of the leaves; None is zero.
    fn tangents<'py>(&self, py: Python<'py>, tangents: &Any<'py>) -> PyResult<Bound<'py, PyList>> {
        listed(py, self.0.tangents(&unlisted(tangents)?).py()?)
    }
}
/// See `Tape.keep`.
#[pyclass(frozen, name = "_Kept", module = "minpy._minpy")]
pub struct PyKept(Kept);
#[pymethods]
impl PyKept {
    /// The array as it was; to a tape it stands for the contents of then.
    fn get<'py>(&self, py: Python<'py>) -> PyResult<Any<'py>> {
        wrap_output(py, self.0.array().py()?)
    }
}

/// What the function gives of the watched arguments, and the arrays in it.
fn called<'py>(
    function: &Any<'py>,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<(Any<'py>, Vec<Array>)> {
    let value = function.call(args, kwargs)?;
    let mut ends = Vec::new();
    outputs(&value, &mut ends)?;
    if ends.is_empty() {
        expect_numbers(&value)?;
    }
    Ok((value, ends))
}

/// A session, and marked copies of its inputs: as arguments, and as arrays.
fn marked<'py>(leaves: &Any<'py>) -> PyResult<(Session, Bound<'py, PyTuple>, Vec<Array>)> {
    let py = leaves.py();
    let inputs = items_of(leaves, |o| input(&o))?;
    let session = Session::begin();
    let (mut given, mut watched) = (Vec::new(), Vec::new());
    for (a, scalar) in inputs {
        // What is watched already is copied by the session.
        let own = if is_watched(&a) { a } else { minpy_core::ops::copy(&a).py()?.with_weak(a.is_weak()) };
        let w = session.watch(&own).py()?;
        given.push(if scalar { wrap_scalar(py, w.clone())? } else { wrap(py, w.clone())? });
        memory::push(&mut watched, w).py()?;
    }
    Ok((session, PyTuple::new(py, given)?, watched))
}

/// The tape of this thread.
#[pyclass(frozen, name = "_Tape", module = "minpy._minpy")]
pub struct Tape;
#[pymethods]
impl Tape {
    /// `(gradients, value)` of `function(*args, **kwargs)` with respect to the arguments of those numbers; None for an argument
    /// that the value does not depend on. `seed` weights the result (ones when it is None).
    #[pyo3(signature = (function, argnums, args, kwargs, seed=None))]
    fn differentiate<'py>(
        &self,
        py: Python<'py>,
        function: &Any<'py>,
        argnums: &Any<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
        seed: Option<&Any<'py>>,
    ) -> PyResult<(Bound<'py, PyList>, Any<'py>)> {
        let argnums: Vec<usize> = items_of(argnums, |i| i.extract())?;
        let _numbers = numbers::Forget;
        let session = Session::begin();
        let watched = watch(&session, &argnums, args, kwargs)?;
        let (value, ends) = called(function, &watched.args, watched.kwargs.as_ref())?;
        let seeds = match seed.filter(|s| !s.is_none()) {
            None => None,
            Some(s) => {
                let mut list = Vec::new();
                weights(&value, s, &mut list)?;
                Some(list)
            }
        };
        let places = session.departures(&watched.arrays).py()?;
        let found = session.last_gradients(&ends, seeds.as_deref(), &watched.arrays).py()?;
        let gradients = listed(py, found)?;
        tell(py, places)?;
        Ok((gradients, value))
    }
    /// Notes that a watched array leaves the tape, in the words of `how`.
    fn leaves(&self, py: Python<'_>, array: &Any<'_>, how: &str) -> PyResult<()> {
        as_array(array).map_or(Ok(()), |a| leaves(py, a, how))
    }
    /// `(value, tangents of the arrays in it)` for tangents of the arguments of those numbers: forward mode.
    #[pyo3(signature = (function, argnums, args, kwargs, tangents))]
    fn push_forward<'py>(
        &self,
        py: Python<'py>,
        function: &Any<'py>,
        argnums: &Any<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
        tangents: &Any<'py>,
    ) -> PyResult<(Any<'py>, Bound<'py, PyList>)> {
        let argnums = items_of(argnums, |i| i.extract())?;
        let _numbers = numbers::Forget;
        let session = Session::begin();
        let watched = watch(&session, &argnums, args, kwargs)?;
        let tangents = items_of(tangents, Ok)?;
        if tangents.len() != argnums.len() {
            return Err(PyValueError::new_err(format!(
                "jvp: {} tangents for {} arguments: one is needed for each",
                tangents.len(),
                argnums.len()
            )));
        }
        let (value, ends) = called(function, &watched.args, watched.kwargs.as_ref())?;
        let mut directions = Vec::new();
        for (t, a) in tangents.iter().zip(&watched.arrays) {
            let (t, _) = input(t)?;
            if t.shape() != a.shape() {
                return Err(PyValueError::new_err("jvp: a tangent must have the shape of its argument"));
            }
            memory::push(&mut directions, t).py()?;
        }
        let places = session.departures(&watched.arrays).py()?;
        let found = session.tangents(&ends, &watched.arrays, &directions).py()?;
        drop(session);
        tell(py, places)?;
        let list = PyList::empty(py);
        for (t, y) in found.into_iter().zip(&ends) {
            let t = match t {
                Some(t) => t,
                None => minpy_core::ops::zeros_like(y).py()?,
            };
            list.append(wrap_output(py, t)?)?;
        }
        Ok((value, list))
    }
    /// `(value, held)` of `function(*leaves)`: the derivatives of the value with respect to the leaves can be asked for as often as
    /// one likes, in both modes, also inside of another differentiated call. The leaves are marked copies: what a closure refers
    /// to is a constant. The outputs of `held` are the arrays in the value, in the order in which nested lists and tuples show them.
    #[pyo3(signature = (function, leaves))]
    fn trace<'py>(
        &self,
        py: Python<'py>,
        function: &Any<'py>,
        leaves: &Any<'py>,
    ) -> PyResult<(Any<'py>, PyHeld)> {
        let _numbers = numbers::Forget;
        let (session, args, watched) = marked(leaves)?;
        let (value, ends) = called(function, &args, None)?;
        let places = session.departures(&watched).py()?;
        let held = session.hold(&ends, &watched).py()?;
        tell(py, places)?;
        Ok((value, PyHeld(held)))
    }
    /// `(value, gradients of the sum of its arrays)`, as by `trace`, for once: what was kept is let go of on the way.
    fn pull<'py>(
        &self,
        py: Python<'py>,
        function: &Any<'py>,
        leaves: &Any<'py>,
    ) -> PyResult<(Any<'py>, Bound<'py, PyList>)> {
        let _numbers = numbers::Forget;
        let (session, args, watched) = marked(leaves)?;
        let (value, ends) = called(function, &args, None)?;
        let places = session.departures(&watched).py()?;
        let found = session.last_gradients(&ends, None, &watched).py()?;
        let gradients = listed(py, found)?;
        tell(py, places)?;
        Ok((value, gradients))
    }
    /// Keeps an array as it is now, for the rule of a call that is recorded.
    fn keep(&self, array: &Any<'_>) -> PyResult<PyKept> {
        match as_array(array) {
            Some(a) => Ok(PyKept(keep(a).py()?)),
            None => Err(PyTypeError::new_err("keep: not an array")),
        }
    }
    /// Records a call that ran outside of core. `vjp(gradients of the outputs) -> gradients of the inputs` (None: zero), and
    /// `jvp(tangents of the inputs) -> tangents of the outputs`; asking for what is not there raises NoGradientFuncError.
    #[pyo3(signature = (name, inputs, outputs, vjp, jvp=None))]
    fn record_foreign(
        &self,
        name: &str,
        inputs: &Any<'_>,
        outputs: &Any<'_>,
        vjp: Option<Py<PyAny>>,
        jvp: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let (inputs, outputs) = (arrays(inputs)?, arrays(outputs)?);
        let vjp = defined(vjp, "gradients", "inputs", inputs.len());
        let jvp = defined(jvp, "tangents", "outputs", outputs.len());
        record_foreign(name, &inputs, &outputs, ForeignRule { vjp, jvp }).py()
    }
    /// A call outside of core that reads those arrays now: for `wrote` of its outputs. None where nothing of them is watched.
    fn foreign_call(&self, name: &str, inputs: &Any<'_>) -> PyResult<Option<PyForeignCall>> {
        Ok(foreign_call(name, &arrays(inputs)?, ForeignRule::default()).py()?.map(PyForeignCall))
    }
    /// Whether operations on the array are recorded.
    fn is_watched(&self, array: &Any<'_>) -> bool {
        as_array(array).is_some_and(is_watched)
    }
    /// `function(*args)` without recording.
    #[pyo3(signature = (function, *args))]
    fn no_grad<'py>(&self, function: &Any<'py>, args: &Bound<'py, PyTuple>) -> PyResult<Any<'py>> {
        minpy_autograd::no_grad(|| function.call1(args))
    }
    /// Whether a tape records on this thread.
    fn recording(&self) -> bool {
        minpy_core::internal::context::flags() & minpy_core::internal::context::RECORDING != 0
    }
}
