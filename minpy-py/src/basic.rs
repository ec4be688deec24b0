//! Basic index expressions (integers, slices, `None`, `...` and tuples of them), read once and straight into the layout of the view.
//!
//! What is none of them is left untouched: nothing of the user's is asked before every item is known to be basic.

use crate::errors::Outcome;
use crate::index::complaint;
use crate::numpy::numpy;
use minpy_core::internal::cut::Cut;
use minpy_core::{DType, Layout};
use pyo3::exceptions::PyIndexError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

type Any<'py> = Bound<'py, PyAny>;

/// What an index expression names.
pub enum Place {
    /// One element, so many elements from the start of the buffer.
    Element(usize),
    /// A view, which has no dimensions only where `...` asks for an array.
    View(Layout),
}

/// What an item is.
#[derive(Clone, Copy, PartialEq)]
enum Item {
    Int,
    Slice,
    NewAxis,
    Ellipsis,
}

/// The kind of an item by its type alone; `None` for what is not basic, or takes more than a look.
#[inline]
fn kind(py: Python<'_>, item: *mut ffi::PyObject) -> PyResult<Option<Item>> {
    // SAFETY: reads of the type of a live object, and comparisons of addresses.
    unsafe {
        let class = ffi::Py_TYPE(item);
        if class == &raw mut ffi::PyLong_Type {
            return Ok(Some(Item::Int));
        }
        if class == &raw mut ffi::PySlice_Type {
            return Ok(Some(Item::Slice));
        }
        if item == ffi::Py_None() {
            return Ok(Some(Item::NewAxis));
        }
        if item == ffi::Py_Ellipsis() {
            return Ok(Some(Item::Ellipsis));
        }
        let types = &numpy(py)?.types;
        let integer = |d: &&DType| d.is_integer() && types[**d as usize].as_ptr() == class.cast();
        Ok(DType::ALL.iter().find(integer).map(|_| Item::Int))
    }
}
/// An integer, or NumPy's usual one.
#[inline]
fn integer(py: Python<'_>, item: *mut ffi::PyObject) -> PyResult<i64> {
    // SAFETY: a live object with an `__index__` of Python's or NumPy's own.
    let value = unsafe {
        match ffi::PyLong_CheckExact(item) {
            0 => ffi::PyNumber_AsSsize_t(item, std::ptr::null_mut()),
            _ => ffi::PyLong_AsSsize_t(item),
        }
    };
    if value == -1 && PyErr::take(py).is_some() {
        return Err(complaint());
    }
    Ok(value as i64)
}
#[inline]
fn take(py: Python<'_>, cut: &mut Cut, kind: Item, item: *mut ffi::PyObject, rest: usize) -> PyResult<()> {
    match kind {
        Item::Int => cut.int(integer(py, item)?).py()?,
        Item::Slice => {
            let (mut start, mut stop, mut step) = (0, 0, 0);
            // SAFETY: a live slice; the places are locals.
            let len = unsafe {
                if ffi::PySlice_Unpack(item, &mut start, &mut stop, &mut step) < 0 {
                    return Err(PyErr::fetch(py));
                }
                ffi::PySlice_AdjustIndices(cut.size() as isize, &mut start, &mut stop, step)
            };
            cut.slice(if len > 0 { start as usize } else { 0 }, step, len as usize);
        }
        Item::NewAxis => cut.new_axis(),
        Item::Ellipsis => cut.keep(rest),
    }
    Ok(())
}
/// The complaint about more items than axes. Integers that are none come first, as in NumPy.
#[cold]
fn too_many(key: &Any<'_>, ndim: usize, used: usize) -> PyErr {
    let py = key.py();
    let check = |item: *mut ffi::PyObject| match kind(py, item) {
        Ok(Some(Item::Int)) => integer(py, item).map(drop),
        _ => Ok(()),
    };
    let checked = match key.cast_exact::<PyTuple>() {
        Ok(tuple) => tuple.iter_borrowed().try_for_each(|i| check(i.as_ptr())),
        Err(_) => check(key.as_ptr()),
    };
    if let Err(e) = checked {
        return e;
    }
    let words = format!("too many indices for array: array is {ndim}-dimensional, but {used} were indexed");
    PyIndexError::new_err(words)
}
/// What a basic index expression names in an array of that layout. `None` for expressions that are not basic, and for very long ones.
#[inline]
pub fn place(key: &Any<'_>, layout: &Layout) -> PyResult<Option<Place>> {
    let (py, ndim) = (key.py(), layout.ndim());
    if ndim > MOST {
        return Ok(None);
    }
    let mut cut = Cut::new(layout);
    let mut array = false;
    if let Ok(tuple) = key.cast_exact::<PyTuple>() {
        let (mut used, mut ellipses) = (0, 0);
        for item in tuple.iter_borrowed() {
            match kind(py, item.as_ptr())? {
                None => return Ok(None),
                Some(Item::NewAxis) => {}
                Some(Item::Ellipsis) => ellipses += 1,
                Some(_) => used += 1,
            }
        }
        if ellipses > 1 || tuple.len() > MOST {
            return Ok(None);
        }
        if used > ndim {
            return Err(too_many(key, ndim, used));
        }
        for item in tuple.iter_borrowed() {
            let Some(kind) = kind(py, item.as_ptr())? else { return Ok(None) };
            take(py, &mut cut, kind, item.as_ptr(), ndim - used)?;
        }
        array = ellipses == 1;
    } else {
        let Some(kind) = kind(py, key.as_ptr())? else { return Ok(None) };
        let used = matches!(kind, Item::Int | Item::Slice) as usize;
        if used > ndim {
            return Err(too_many(key, ndim, used));
        }
        take(py, &mut cut, kind, key.as_ptr(), ndim - used)?;
        array |= kind == Item::Ellipsis;
    }
    Ok(Some(match cut.element() {
        Some(at) if !array => Place::Element(at),
        _ => Place::View(cut.finish()),
    }))
}
/// Items, or dimensions, from which on the general way counts whether the view may have so many.
const MOST: usize = 16;
