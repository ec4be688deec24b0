//! What Python hands to a symbol's inference and binding: shapes, dtypes, requests for gradients, arrays.

use crate::array::as_pyarray;
use crate::convert::{array_from, items_of, shape_from};
use crate::errors::Outcome;
use crate::numpy::{dtype_from, numpy};
use minpy_core::{Array, DType};
use minpy_symbol::{GradReq, Known, Symbol};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};

type Any<'py> = Bound<'py, PyAny>;

/// A dtype that core has.
pub fn native_dtype(object: &Any<'_>) -> PyResult<DType> {
    dtype_from(object)?.ok_or_else(|| {
        PyTypeError::new_err(format!(
            "symbol: dtype {} is NumPy's only",
            object.str().map(|s| s.to_string()).unwrap_or_default()
        ))
    })
}

/// Shapes from positional arguments (in order of the arguments) and keywords, dtypes from a dictionary.
pub fn known(
    symbol: &Symbol,
    args: Option<&Bound<'_, PyTuple>>,
    kwargs: Option<&Bound<'_, PyDict>>,
    types: Option<&Bound<'_, PyDict>>,
) -> PyResult<Vec<Known>> {
    let mut known: Vec<Known> = Vec::new();
    if let Some(args) = args {
        let names = symbol.list_arguments();
        if args.len() > names.len() {
            return Err(PyTypeError::new_err(format!(
                "infer_shape: {} shapes for {} arguments",
                args.len(),
                names.len()
            )));
        }
        for (name, shape) in names.into_iter().zip(args.iter()).filter(|(_, s)| !s.is_none()) {
            known.push(Known { name, shape: Some(shape_from(&shape)?), dtype: None });
        }
    }
    for (name, shape) in kwargs.into_iter().flatten() {
        known.push(Known { name: name.extract()?, shape: Some(shape_from(&shape)?), dtype: None });
    }
    for (name, dtype) in types.into_iter().flatten() {
        let (name, dtype): (String, _) = (name.extract()?, Some(native_dtype(&dtype)?));
        match known.iter_mut().find(|k| k.name == name) {
            Some(k) => k.dtype = dtype,
            None => known.push(Known { name, shape: None, dtype }),
        }
    }
    Ok(known)
}
/// `grad_req` for each argument: one word, a list in their order, or a dictionary (the others: null).
pub fn requests(symbol: &Symbol, req: Option<&Any<'_>>) -> PyResult<Vec<GradReq>> {
    let names = symbol.list_arguments();
    let Some(req) = req else { return Ok(vec![GradReq::Write; names.len()]) };
    if let Ok(word) = req.cast::<PyString>() {
        return Ok(vec![GradReq::parse(&word.to_cow()?).py()?; names.len()]);
    }
    if let Ok(dict) = req.cast::<PyDict>() {
        if let Some(unknown) = dict.keys().iter().map(|k| k.to_string()).find(|k| !names.contains(k)) {
            return Err(PyValueError::new_err(format!(
                "grad_req: there is no argument '{unknown}'; arguments: {}",
                names.join(", ")
            )));
        }
        return names
            .iter()
            .map(|n| {
                dict.get_item(n)?.map_or(Ok(GradReq::Null), |w| GradReq::parse(&w.extract::<String>()?).py())
            })
            .collect();
    }
    let list: Vec<String> = items_of(req, |w| w.extract())?;
    if list.len() != names.len() {
        return Err(PyValueError::new_err(format!(
            "grad_req: {} entries for {} arguments",
            list.len(),
            names.len()
        )));
    }
    list.iter().map(|w| GradReq::parse(w).py()).collect()
}

/// Arrays in the order of `names`, from a list or a dictionary. An executor writes into them: none may be read-only, and only
/// `args` may be made of something else than an array, since nobody looks for results there.
pub fn arrays(what: &str, given: Option<&Any<'_>>, names: &[String]) -> PyResult<Vec<Option<Array>>> {
    let ours = |o: &Any<'_>| -> PyResult<Option<Array>> {
        if o.is_none() {
            return Ok(None);
        }
        if let Some(p) = as_pyarray(o) {
            p.check(format_args!("bind: {what} holds a read-only array"))?;
            return Ok(Some(p.array().clone()));
        }
        let theirs = o.get_type().is(numpy(o.py())?.ndarray.bind(o.py()));
        let found = if theirs || what == "args" { array_from(o)? } else { None };
        let Some(a) = found else {
            return Err(PyTypeError::new_err(format!("bind: {what} holds an object that is no array")));
        };
        if theirs && !o.getattr("flags")?.getattr("writeable")?.is_truthy()? {
            return Err(PyValueError::new_err(format!("bind: {what} holds a read-only array")));
        }
        Ok(Some(a))
    };
    let Some(given) = given.filter(|g| !g.is_none()) else { return Ok(vec![None; names.len()]) };
    if let Ok(dict) = given.cast::<PyDict>() {
        if let Some(unknown) = dict.keys().iter().map(|k| k.to_string()).find(|k| !names.contains(k)) {
            return Err(PyValueError::new_err(format!(
                "bind: {what} has '{unknown}'; there are: {}",
                names.join(", ")
            )));
        }
        return names.iter().map(|n| dict.get_item(n)?.map_or(Ok(None), |o| ours(&o))).collect();
    }
    let list: Vec<Any<'_>> = match given.cast::<PyList>() {
        Ok(l) => l.iter().collect(),
        Err(_) => items_of(given, Ok)?,
    };
    if list.len() != names.len() {
        return Err(PyValueError::new_err(format!(
            "bind: {what} has {} arrays, needed are: {}",
            list.len(),
            names.join(", ")
        )));
    }
    list.iter().map(ours).collect()
}
/// All arrays; an error names those that are missing.
pub fn all(what: &str, list: Vec<Option<Array>>, names: &[String]) -> PyResult<Vec<Array>> {
    let missing: Vec<&str> =
        list.iter().zip(names).filter(|(a, _)| a.is_none()).map(|(_, n)| n.as_str()).collect();
    if !missing.is_empty() {
        return Err(PyValueError::new_err(format!("bind: {what} lacks {}", missing.join(", "))));
    }
    Ok(list.into_iter().flatten().collect())
}
