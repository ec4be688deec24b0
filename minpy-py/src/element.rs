//! Elements of arrays on the host: NumPy's own scalars, made directly, and written directly.
//!
//! Elsewhere, and where a tape records what is computed of the array, an element is an array of ours.

use crate::array::{as_array, as_pyarray, wrap_scalar};
use crate::capi::interface;
use crate::convert::exact_number;
use crate::errors::Outcome;
use crate::host::lend;
use crate::numpy::numpy;
use minpy_autograd::is_watched;
use minpy_core::backend::dtype::Kind;
use minpy_core::backend::flags::narrowed;
use minpy_core::internal::context::{COUNTING, RECORDING, flags};
use minpy_core::{Array, DType, Layout, Number, Scalar, ops};
use pyo3::prelude::*;
use smallvec::SmallVec;
use std::ffi::c_void;

type Any<'py> = Bound<'py, PyAny>;

/// NumPy's scalar of the element of a host array that is so many elements from the start of its buffer.
#[inline]
fn scalar<'py>(py: Python<'py>, a: &Array, place: usize) -> PyResult<Any<'py>> {
    let make = interface(py)?.make_scalar;
    let descr = numpy(py)?.dtypes[a.dtype() as usize].as_ptr();
    let memory = a.buffer().memory().py()?;
    // SAFETY: the place is one of the array, whose memory on the host begins at `handle`, and is only read while `a` lives; the dtype
    // lives as long as the process; a new reference or an error.
    unsafe {
        let data = ((memory.handle + memory.offset) as *mut c_void).byte_add(place * a.dtype().size());
        Bound::from_owned_ptr_or_err(py, make(data, descr, std::ptr::null_mut()))
    }
}
/// The value of a scalar of NumPy's that core has a dtype for.
#[inline]
pub fn value(object: &Any<'_>) -> PyResult<Option<Scalar>> {
    let py = object.py();
    let class = object.get_type_ptr().cast();
    let Some(i) = numpy(py)?.types.iter().position(|t| t.as_ptr() == class) else { return Ok(None) };
    let dtype = DType::ALL[i];
    let mut bytes = [0u64; 2];
    // SAFETY: a live scalar of that dtype, whose elements are at most 16 bytes.
    unsafe { (interface(py)?.read_scalar)(object.as_ptr(), bytes.as_mut_ptr().cast()) };
    // SAFETY: plain bytes of a local.
    let bytes = unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast::<u8>(), dtype.size()) };
    Ok(Some(Scalar::from_bytes(dtype, bytes)))
}

/// Whether the object is a scalar of NumPy's that core has a dtype for.
#[inline]
pub fn is_scalar(object: &Any<'_>) -> PyResult<bool> {
    let kind = object.get_type();
    Ok(numpy(object.py())?.types.iter().any(|t| kind.is(t)))
}
/// Whether elements of the array are NumPy's: on the host, where nothing is recorded of it.
#[inline]
pub fn are_theirs(a: &Array) -> bool {
    let flags = flags() & !COUNTING;
    (flags == 0 || flags == RECORDING && !is_watched(a)) && a.device().is_host() && !a.is_weak()
}

/// A value that is simply stored into elements of that dtype: a number of Python's of a kind that fits, or a scalar of NumPy's of that
/// very dtype or one of its usual ones.
#[inline]
fn simple(value: &Any<'_>, into: DType) -> PyResult<Option<Scalar>> {
    if let Some(number) = exact_number(value) {
        let fits = !matches!(number, Number::Complex(_)) || into.is_complex();
        return if fits { number.to_scalar(into).map(|s| Some(narrowed(number, s))).py() } else { Ok(None) };
    }
    let Some(scalar) = self::value(value)? else { return Ok(None) };
    if scalar.dtype() == into {
        return Ok(Some(scalar));
    }
    let usual = matches!(scalar.dtype(), DType::F64 | DType::I64);
    match into.kind() {
        // Rounded once.
        Kind::Float if into == DType::F32 && scalar.dtype() == DType::I64 => {
            Ok(scalar.get::<i64>().map(|i| Scalar::new(i as f32)))
        }
        Kind::Float | Kind::Signed if usual => {
            let number = scalar.number();
            number.to_scalar(into).map(|s| Some(narrowed(number, s))).py()
        }
        _ => Ok(None),
    }
}
/// The element at a place that lies in the array: NumPy's where it is theirs, else ours.
#[inline]
pub fn get<'py>(py: Python<'py>, a: &Array, place: usize) -> PyResult<Any<'py>> {
    if are_theirs(a) {
        return scalar(py, a, place);
    }
    let element = a.view(Layout::new([].as_slice(), [].as_slice(), place));
    wrap_scalar(py, ops::copy(&element).py()?.with_weak(a.is_weak()))
}
/// NumPy's scalar in place of one of ours that may be one.
#[inline]
pub fn theirs<'py>(object: &Any<'py>) -> PyResult<Option<Any<'py>>> {
    match as_pyarray(object) {
        Some(p) if p.is_scalar() && are_theirs(p.array()) => of(object.py(), p.array()).map(Some),
        _ => Ok(None),
    }
}
/// The operands as NumPy's scalars, where each is one or may be one.
pub fn all_theirs<'py>(operands: &[Any<'py>]) -> PyResult<Option<SmallVec<[Any<'py>; 3]>>> {
    let mut all = SmallVec::new();
    for o in operands {
        match theirs(o)? {
            Some(scalar) => all.push(scalar),
            None if is_scalar(o)? => all.push(o.clone()),
            None => return Ok(None),
        }
    }
    Ok(Some(all))
}
/// The element of a scalar of ours on the host.
pub fn of<'py>(py: Python<'py>, a: &Array) -> PyResult<Any<'py>> {
    scalar(py, a, a.layout().offset())
}
/// Writes a value into the element at a place that lies in the array and has that key; false where that takes more than a store.
#[inline]
pub fn set(a: &Array, place: usize, key: &Any<'_>, value: &Any<'_>) -> PyResult<bool> {
    if flags() != 0 || !a.device().is_host() || !a.buffer().is_unwatched() {
        return Ok(false);
    }
    match simple(value, a.dtype())? {
        Some(scalar) => a.set_element_of_buffer(place, scalar).py()?,
        None if as_array(value).is_some() => return Ok(false),
        None => set_object(a, key, value)?,
    }
    Ok(true)
}
/// What is no number of a kind that is simply stored: NumPy knows what it is as an element, or why it is none.
#[cold]
fn set_object(a: &Array, key: &Any<'_>, value: &Any<'_>) -> PyResult<()> {
    a.buffer().memory_to_write().py()?;
    lend(key.py(), a, false)?.set_item(key, value)?;
    a.buffer().bump_version();
    Ok(())
}
