//! Objects of our classes, made where they stay: pyo3 would move each from place to place first.

use crate::array::{NdArray, PyArray, PyScalar};
use crate::errors::Outcome;
use crate::slots::Recycled;
use minpy_core::{Array, DType};
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use smallvec::SmallVec;

/// What pyo3 puts into an object of these classes around its `PyArray`, as words; the same for all.
struct Around {
    /// Where the `PyArray` begins.
    place: usize,
    before: SmallVec<[usize; 2]>,
    after: SmallVec<[usize; 4]>,
}
static AROUND: PyOnceLock<Around> = PyOnceLock::new();
const HEAD: usize = size_of::<ffi::PyObject>();
const WORD: usize = size_of::<usize>();

/// Looks at an object that pyo3 has made.
#[cold]
fn look_around(py: Python<'_>) -> PyResult<Around> {
    let a = Array::empty_on(minpy_core::device::host().py()?, &[0], DType::F64).py()?;
    let init = PyClassInitializer::from(PyArray::new(a, false, None, false, false)).add_subclass(NdArray);
    let object = Bound::new(py, init)?;
    let size = |class: &Bound<'_, PyType>| class.getattr("__basicsize__")?.extract::<usize>();
    let whole = size(&py.get_type::<NdArray>())?;
    let place = std::ptr::from_ref(object.as_super().get()) as usize - object.as_ptr() as usize;
    let behind = place + size_of::<PyArray>();
    let whole_words = [HEAD, place, behind, whole].iter().all(|at| at % WORD == 0);
    if !whole_words || size(&py.get_type::<PyScalar>())? != whole {
        return Err(PyTypeError::new_err("objects of arrays and of scalars differ in more than their class"));
    }
    // SAFETY: words of a live object, which pyo3 has filled (or CPython with zeros).
    let words = |from: usize, to: usize| unsafe {
        let start = object.as_ptr().cast::<u8>().add(from).cast::<usize>();
        std::slice::from_raw_parts(start, (to - from) / WORD)
    };
    Ok(Around { place, before: words(HEAD, place).into(), after: words(behind, whole).into() })
}
/// A new object, made where it stays.
#[inline(always)]
pub fn create<C: Recycled>(py: Python<'_>, value: PyArray) -> PyResult<Bound<'_, PyAny>> {
    let around = match AROUND.get(py) {
        Some(known) => known,
        None => AROUND.get_or_try_init(py, || look_around(py))?,
    };
    // SAFETY: an object of the class is as long as the one that `look_around` saw, and becomes a whole one before anybody sees it.
    unsafe {
        let object = C::memory(C::type_object_raw(py));
        if object.is_null() {
            return Err(PyErr::fetch(py));
        }
        let start = object.cast::<u8>();
        let to = start.add(around.place);
        for (i, &word) in around.before.iter().enumerate() {
            start.add(HEAD).cast::<usize>().add(i).write(word);
        }
        for (i, &word) in around.after.iter().enumerate() {
            to.add(size_of::<PyArray>()).cast::<usize>().add(i).write(word);
        }
        to.cast::<PyArray>().write(value);
        Ok(Bound::from_owned_ptr(py, object))
    }
}
