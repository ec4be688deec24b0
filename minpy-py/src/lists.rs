//! Arrays of lists and tuples of plain numbers, read here: what people write most. Everything else in a list is NumPy's to understand.

use crate::convert::DEEPEST;
use crate::element;
use crate::errors::Outcome;
use minpy_core::internal::context::{RECORDING, flags};
use minpy_core::{Array, DType, DeviceRef, Number};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat};
use smallvec::SmallVec;

type Object = *mut ffi::PyObject;

/// What the numbers so far are together, from the narrowest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Bool,
    Int,
    Float,
}
struct Reader {
    /// Lengths of the levels, found along the first items.
    shape: SmallVec<[usize; 4]>,
    /// Integers and truth values as int64, floats by their bits.
    values: SmallVec<[u64; 32]>,
    kind: Option<Kind>,
}

/// Whether the object is exactly a list (`Some(true)`) or exactly a tuple.
#[inline]
fn sequence(object: Object) -> Option<bool> {
    // SAFETY: reading the type of a live object.
    unsafe {
        if ffi::PyList_CheckExact(object) != 0 {
            Some(true)
        } else if ffi::PyTuple_CheckExact(object) != 0 {
            Some(false)
        } else {
            None
        }
    }
}
#[inline]
fn length(sequence: Object, list: bool) -> usize {
    // SAFETY: a live object of that class.
    unsafe { (if list { ffi::PyList_Size(sequence) } else { ffi::PyTuple_Size(sequence) }) as usize }
}

impl Reader {
    /// Reads a level; false for what is no number here, or has another shape than its neighbours. Nothing of the user's runs.
    fn read(&mut self, py: Python<'_>, object: Object, list: bool, depth: usize) -> PyResult<bool> {
        let n = length(object, list);
        match self.shape.get(depth) {
            Some(&known) if known != n => return Ok(false),
            Some(_) => {}
            // A level that begins after numbers were found has none beside it.
            None if depth == DEEPEST || self.kind.is_some() => return Ok(false),
            None => self.shape.push(n),
        }
        for i in 0..n as isize {
            // SAFETY: a live sequence of that class and an index inside of it; borrowed, and nothing here lets it change.
            let item = unsafe {
                if list { ffi::PyList_GetItem(object, i) } else { ffi::PyTuple_GetItem(object, i) }
            };
            let fine = match sequence(item) {
                Some(list) => self.read(py, item, list, depth + 1)?,
                None => depth + 1 == self.shape.len() && self.number(py, item)?,
            };
            if !fine {
                return Ok(false);
            }
        }
        // No list without items says what its items would be.
        Ok(n > 0)
    }
    #[inline]
    fn number(&mut self, py: Python<'_>, item: Object) -> PyResult<bool> {
        // SAFETY: type checks and unchecked reads of a live object whose type was just seen.
        unsafe {
            if ffi::PyFloat_CheckExact(item) != 0 {
                self.push(Kind::Float, ffi::PyFloat_AsDouble(item).to_bits());
                return Ok(true);
            }
            if ffi::PyLong_CheckExact(item) != 0 {
                let mut overflow = 0;
                let value = ffi::PyLong_AsLongLongAndOverflow(item, &mut overflow);
                self.push(Kind::Int, value as u64);
                return Ok(overflow == 0);
            }
        }
        // SAFETY: a live object.
        let object = unsafe { Bound::ref_from_ptr(py, &item) };
        if let Ok(b) = object.cast_exact::<PyBool>() {
            self.push(Kind::Bool, b.is_true() as u64);
            return Ok(true);
        }
        match element::value(object)?.map(|v| (v.dtype(), v.number())) {
            Some((DType::F64, Number::Float(v))) => self.push(Kind::Float, v.to_bits()),
            Some((DType::I64, Number::Int(v))) => self.push(Kind::Int, v as i64 as u64),
            Some((DType::Bool, Number::Bool(v))) => self.push(Kind::Bool, v as u64),
            _ => return Ok(false),
        }
        Ok(true)
    }
    #[inline]
    fn push(&mut self, kind: Kind, bits: u64) {
        if self.kind != Some(kind) {
            self.meet(kind);
        }
        let float = self.kind == Some(Kind::Float) && kind != Kind::Float;
        self.values.push(if float { (bits as i64 as f64).to_bits() } else { bits });
    }
    /// The kind of all numbers with one of that kind; those that are there become floats where it is the first.
    #[cold]
    fn meet(&mut self, kind: Kind) {
        if kind == Kind::Float && self.kind.is_some_and(|k| k < Kind::Float) {
            self.values.iter_mut().for_each(|v| *v = (*v as i64 as f64).to_bits());
        }
        self.kind = self.kind.max(Some(kind));
    }
    fn finish(self, device: DeviceRef) -> minpy_core::Result<Array> {
        let dtype = match self.kind {
            Some(Kind::Bool) => DType::Bool,
            Some(Kind::Int) => DType::I64,
            _ => DType::F64,
        };
        if dtype == DType::Bool {
            let bytes: SmallVec<[u8; 64]> = self.values.iter().map(|v| *v as u8).collect();
            return Array::from_bytes(device, &bytes, &self.shape, dtype);
        }
        let values = &self.values[..];
        // SAFETY: integers are plain data, and each is the bits of an element.
        let bytes = unsafe { std::slice::from_raw_parts(values.as_ptr().cast::<u8>(), size_of_val(values)) };
        Array::from_bytes(device, bytes, &self.shape, dtype)
    }
}

/// The array of a list or tuple, or of nested ones of one shape, whose items are numbers of Python's or NumPy's usual scalars. `None` for
/// other objects, and while something is recorded, which numbers may be part of.
pub fn array(object: &Bound<'_, PyAny>, device: DeviceRef) -> PyResult<Option<Array>> {
    let Some(list) = sequence(object.as_ptr()) else { return Ok(None) };
    if flags() & RECORDING != 0 {
        return Ok(None);
    }
    let mut reader = Reader { shape: SmallVec::new(), values: SmallVec::new(), kind: None };
    if !reader.read(object.py(), object.as_ptr(), list, 0)? {
        return Ok(None);
    }
    reader.finish(device).py().map(Some)
}

/// The values as nested lists of Python's numbers; `None` for dtypes whose numbers NumPy makes.
pub fn of<'py>(py: Python<'py>, a: &Array) -> PyResult<Option<Bound<'py, PyAny>>> {
    match a.dtype() {
        DType::F64 => {
            let values = a.to_vec::<f64>().py()?;
            nested(py, a.shape(), &values, &|v| Ok(PyFloat::new(py, *v).into_any())).map(Some)
        }
        DType::I64 => {
            let values = a.to_vec::<i64>().py()?;
            nested(py, a.shape(), &values, &|v| Ok(v.into_pyobject(py)?.into_any())).map(Some)
        }
        DType::Bool => {
            let values = a.to_vec::<bool>().py()?;
            nested(py, a.shape(), &values, &|v| Ok(v.into_pyobject(py)?.to_owned().into_any())).map(Some)
        }
        _ => Ok(None),
    }
}
fn nested<'py, T>(
    py: Python<'py>,
    shape: &[usize],
    values: &[T],
    number: &impl Fn(&T) -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let Some((&n, rest)) = shape.split_first() else { return number(&values[0]) };
    // SAFETY: a new list or an error; each of its places is filled once, with a new reference, before anybody sees it.
    unsafe {
        let list = Bound::from_owned_ptr_or_err(py, ffi::PyList_New(n as isize))?;
        let step: usize = rest.iter().product();
        for i in 0..n {
            let item = match rest {
                [] => number(&values[i])?,
                _ => nested(py, rest, &values[i * step..(i + 1) * step], number)?,
            };
            if ffi::PyList_SetItem(list.as_ptr(), i as isize, item.into_ptr()) != 0 {
                return Err(PyErr::fetch(py));
            }
        }
        Ok(list)
    }
}
