//! The arguments of a differentiated call: the marked ones in their places, and others that share memory with one as copies.
//!
//! A mark is on memory, so that closures are differentiated too; an argument beside the marked one is another input, which the
//! gradient is not asked for.

use crate::array::{as_array, as_pyarray, wrap, wrap_lent, wrap_scalar};
use crate::convert::{DEEPEST, array_from, exact_number};
use crate::errors::Outcome;
use crate::host::import;
use crate::numpy::numpy;
use minpy_autograd::{Session, is_watched};
use minpy_core::backend::memory;
use minpy_core::internal::Shared;
use minpy_core::{Array, DType, Number, context, ops};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

type Any<'py> = Bound<'py, PyAny>;

/// Integers and truth values as numbers that have a gradient, as Python's integers are taken.
fn floating(a: &Array) -> PyResult<Array> {
    if a.dtype().is_inexact() { Ok(a.clone()) } else { ops::cast(a, DType::F64).py() }
}

/// An argument to differentiate with respect to, and whether it is a number: ours, or made of a number or NumPy array. Python
/// numbers stay weak.
pub fn input(object: &Any<'_>) -> PyResult<(Array, bool)> {
    if let Some(p) = as_pyarray(object) {
        return Ok((floating(p.array())?, p.is_scalar()));
    }
    let number = match exact_number(object) {
        Some(Number::Int(i)) => Some(Number::Float(i as f64)),
        Some(Number::Bool(b)) => Some(Number::Float(b as u8 as f64)),
        other => other,
    };
    if let Some(n) = number {
        let device = context::current_device().py()?;
        let a = Array::from_scalar_on(device, n.to_scalar(n.default_dtype()).py()?).py()?;
        return Ok((a.with_weak(true), true));
    }
    match array_from(object)? {
        Some(a) => {
            let (a, scalar) = (floating(&a)?, a.ndim() == 0);
            Ok((a.to_device(context::current_device().py()?).py()?, scalar))
        }
        None => Err(PyTypeError::new_err(format!(
            "grad: cannot differentiate with respect to an argument of type '{}'",
            object.get_type().name()?
        ))),
    }
}

/// The arguments that the function is called with.
pub struct Arguments<'py> {
    pub args: Bound<'py, PyTuple>,
    pub kwargs: Option<Bound<'py, PyDict>>,
    /// The marked ones.
    pub arrays: Vec<Array>,
}

/// Marks the arguments of those numbers.
pub fn watch<'py>(
    session: &Session,
    argnums: &[usize],
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Arguments<'py>> {
    let py = args.py();
    let mut given = memory::collected(args.iter()).py()?;
    let mut kwargs = kwargs.cloned();
    let mut inputs = memory::list(argnums.len()).py()?;
    // What is marked, or has to stay as it is.
    let mut fixed = memory::filled(given.len(), false).py()?;
    for &i in argnums {
        let Some(argument) = given.get(i) else {
            return Err(PyValueError::new_err(format!(
                "grad: argument number {i} of a call with {} arguments",
                given.len()
            )));
        };
        fixed[i] = true;
        inputs.push(input(argument)?);
    }
    let mut apart = Apart::new(&inputs)?;
    for (o, fixed) in given.iter().zip(&mut fixed).filter(|(_, fixed)| !**fixed) {
        *fixed = !apart.shown(o)?;
    }
    for (_, o) in kwargs.iter().flatten() {
        apart.shown(&o)?;
    }
    if apart.is_needed() {
        apart.copy()?;
        for (o, _) in given.iter_mut().zip(&fixed).filter(|(_, fixed)| !**fixed) {
            if let Some(other) = apart.instead(o)? {
                *o = other;
            }
        }
        if let Some(named) = &kwargs {
            let copy = named.copy()?;
            for (name, o) in named {
                if apart.shown(&o)?
                    && let Some(other) = apart.instead(&o)?
                {
                    copy.set_item(name, other)?;
                }
            }
            kwargs = Some(copy);
        }
    }
    drop(apart);
    let mut arrays = memory::list(argnums.len()).py()?;
    for (&i, (a, scalar)) in argnums.iter().zip(&inputs) {
        let w = session.watch(a).py()?;
        // The very same object where possible, so that a closure that refers to it is differentiated too.
        if !as_array(&given[i]).is_some_and(|o| o.same_view(&w)) {
            given[i] = if *scalar { wrap_scalar(py, w.clone())? } else { wrap(py, w.clone())? };
        }
        arrays.push(w);
    }
    Ok(Arguments { args: PyTuple::new(py, given)?, kwargs, arrays })
}

/// Memory that is going to be marked, and what else among the arguments is a view of it. Those views become views of one copy,
/// so that they still see each other.
struct Apart<'a> {
    marked: Vec<&'a Array>,
    /// NumPy can have a view of some of it.
    abroad: bool,
    found: Vec<Found>,
    /// Lists without an end were met.
    endless: bool,
}
struct Found {
    /// A view of that memory in the dtype in which it was found.
    of: Array,
    /// The elements that are needed.
    lo: usize,
    hi: usize,
    copy: Option<Array>,
}

impl<'a> Apart<'a> {
    fn new(inputs: &'a [(Array, bool)]) -> PyResult<Apart<'a>> {
        let mut marked = memory::list(inputs.len()).py()?;
        // What is watched already is copied by the session, and keeps its mark.
        marked.extend(inputs.iter().map(|(a, _)| a).filter(|a| !is_watched(a)));
        let abroad = marked.iter().any(|a| a.buffer().is_shared() || a.buffer().is_foreign());
        Ok(Apart { marked, abroad, found: Vec::new(), endless: false })
    }
    fn is_needed(&self) -> bool {
        !self.found.is_empty()
    }
    fn shares(&self, a: &Array) -> bool {
        self.marked.iter().any(|m| Shared::ptr_eq(m.buffer(), a.buffer()) && m.may_share_memory(a))
    }
    /// NumPy's array as ours, where it is a view of what may be marked.
    fn as_ours(&self, object: &Any<'_>) -> PyResult<Option<Array>> {
        if !self.abroad || !object.is_instance(numpy(object.py())?.ndarray.bind(object.py()))? {
            return Ok(None);
        }
        Ok(import(object)?.filter(|a| self.shares(a)))
    }
    fn of(&self, a: &Array) -> Option<usize> {
        let same = |f: &Found| Shared::ptr_eq(f.of.buffer(), a.buffer()) && f.of.dtype() == a.dtype();
        self.found.iter().position(same)
    }
    /// Looks through an argument; false where it has no end, and stays as it is.
    fn shown(&mut self, object: &Any<'_>) -> PyResult<bool> {
        let known = self.found.len();
        self.look(object, 0)?;
        if !std::mem::take(&mut self.endless) {
            return Ok(true);
        }
        self.found.truncate(known);
        Ok(false)
    }
    /// Notes what shares memory.
    fn look(&mut self, object: &Any<'_>, depth: usize) -> PyResult<()> {
        if depth > DEEPEST || self.endless {
            self.endless = true;
            return Ok(());
        }
        let found = match as_array(object) {
            Some(a) => Some(a.clone()).filter(|a| self.shares(a)),
            None => self.as_ours(object)?,
        };
        if let Some(a) = found {
            let (lo, hi) = a.layout().span();
            match self.of(&a) {
                Some(k) => {
                    let f = &mut self.found[k];
                    (f.lo, f.hi) = (f.lo.min(lo), f.hi.max(hi));
                }
                None => memory::push(&mut self.found, Found { of: a, lo, hi, copy: None }).py()?,
            }
        } else if !self.marked.is_empty() {
            each(object, &mut |item| self.look(item, depth + 1))?;
        }
        Ok(())
    }
    fn copy(&mut self) -> PyResult<()> {
        for f in &mut self.found {
            let part = f.of.base_view().slice(0, f.lo, 1, f.hi - f.lo);
            f.copy = Some(ops::copy(&part).py()?);
        }
        Ok(())
    }
    /// What the function gets in place of an argument; `None`: the argument.
    fn instead<'py>(&self, object: &Any<'py>) -> PyResult<Option<Any<'py>>> {
        let py = object.py();
        if let Some(a) = as_array(object) {
            if !self.shares(a) {
                return Ok(None);
            }
            let Some(Found { lo, copy: Some(copy), .. }) = self.of(a).map(|k| &self.found[k]) else {
                return Ok(None);
            };
            let layout = a.layout().shifted(-(*lo as isize));
            let other = Array::from_parts(copy.buffer().clone(), layout, a.dtype()).with_weak(a.is_weak());
            let mine = as_pyarray(object);
            return Ok(Some(if mine.is_some_and(|p| p.is_scalar()) {
                wrap_scalar(py, other)?
            } else if mine.is_some_and(|p| p.is_read_only()) {
                wrap_lent(other, object, true)?
            } else {
                wrap(py, other)?
            }));
        }
        if self.as_ours(object)?.is_some() {
            return object.call_method0("copy").map(Some);
        }
        if let Ok(dict) = object.cast_exact::<PyDict>() {
            let mut changed = None;
            for (key, item) in dict {
                if let Some(other) = self.instead(&item)? {
                    let copy = match &changed {
                        Some(copy) => copy,
                        None => changed.insert(dict.copy()?),
                    };
                    copy.set_item(key, other)?;
                }
            }
            return Ok(changed.map(Bound::into_any));
        }
        let (mut items, mut changed) = (Vec::new(), false);
        each(object, &mut |item| {
            let other = self.instead(item)?;
            changed |= other.is_some();
            memory::push(&mut items, other.unwrap_or_else(|| item.clone())).py()
        })?;
        Ok(match changed {
            false => None,
            true if object.is_exact_instance_of::<PyList>() => Some(PyList::new(py, items)?.into_any()),
            true if object.is_exact_instance_of::<PyTuple>() => Some(PyTuple::new(py, items)?.into_any()),
            true => Some(object.get_type().call1(PyTuple::new(py, items)?)?),
        })
    }
}

/// The items of Python's own containers.
fn each<'py>(object: &Any<'py>, f: &mut dyn FnMut(&Any<'py>) -> PyResult<()>) -> PyResult<()> {
    if let Ok(list) = object.cast_exact::<PyList>() {
        list.iter().try_for_each(|item| f(&item))
    } else if let Ok(tuple) = object.cast::<PyTuple>() {
        if object.is_exact_instance_of::<PyTuple>() || object.get_type().hasattr("_fields")? {
            return tuple.iter_borrowed().try_for_each(|item| f(&item));
        }
        Ok(())
    } else if let Ok(dict) = object.cast_exact::<PyDict>() {
        dict.iter().try_for_each(|(_, item)| f(&item))
    } else {
        Ok(())
    }
}
