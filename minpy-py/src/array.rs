//! The array classes: `PyArray` (everything both have), `ndarray` (writable) and `scalar` (0-d results: immutable).
//!
//! Here: construction, wrapping of results, and the attributes. Operators are in `operators.rs`, methods in `shape.rs`, the memory of
//! objects in `object.rs` and `slots.rs`.

use crate::convert::{axes_from, shape_from};
use crate::creation::Copying;
use crate::errors::{NoGradientFuncError, Outcome};
use crate::host::{import, to_numpy, wrap_import};
use crate::numpy::{dtype_from, dtype_object, numpy};
use crate::object::create;
use crate::slots::recycled;
use minpy_core::internal::{Shared, context};
use minpy_core::{Array, DType, Layout, ops};
use pyo3::exceptions::{PyAttributeError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::type_object::PyTypeInfo;
use pyo3::types::{PyTuple, PyType};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, Ordering};

/// What arrays and scalars have in common: a core array behind a Python object.
#[pyclass(frozen, subclass, weakref, name = "array_base", module = "minpy.numpy")]
pub struct PyArray {
    first: Array,
    /// Set when `shape`, `dtype` or `strides` was assigned: the array as it is now. Owned.
    now: AtomicPtr<Assigned>,
    read_only: AtomicU8,
    scalar: bool,
    /// NumPy has two integers of this size, and the other one was asked for: `numpy.longlong`, where `numpy.int64` is C's `long`.
    long: AtomicBool,
    base: Option<Py<PyAny>>,
}

/// A state that was assigned. Every one is kept until the object dies: somebody may still look at an earlier one.
struct Assigned {
    array: Array,
    /// Elements for which `resize` has made room behind the first one, and which nothing else has: 0 where it was not `resize`.
    room: usize,
    before: *mut Assigned,
}

impl Drop for PyArray {
    #[inline]
    fn drop(&mut self) {
        crate::host::drop_copies(self);
        let mut p = *self.now.get_mut();
        while !p.is_null() {
            // SAFETY: every entry was boxed by `replace`, is in the list once, and nobody looks at it any more.
            p = unsafe { Box::from_raw(p) }.before;
        }
    }
}

impl PyArray {
    #[inline]
    pub fn new(array: Array, scalar: bool, base: Option<Py<PyAny>>, read_only: bool, long: bool) -> PyArray {
        PyArray {
            first: array,
            now: AtomicPtr::new(std::ptr::null_mut()),
            read_only: AtomicU8::new(read_only as u8),
            scalar,
            long: AtomicBool::new(long),
            base,
        }
    }
    /// The dtype shall be called NumPy's `longlong` or `ulonglong`.
    pub fn call_long(&self) {
        self.long.store(true, Ordering::Relaxed);
    }
    /// The core array.
    #[inline]
    pub fn array(&self) -> &Array {
        let p = self.now.load(Ordering::Acquire);
        // SAFETY: a non-null pointer comes from `replace`, and is freed by `drop` only.
        if p.is_null() { &self.first } else { unsafe { &(*p).array } }
    }
    /// Whether the object is a `scalar`.
    pub fn is_scalar(&self) -> bool {
        self.scalar
    }
    /// Whether writes through this object are refused.
    pub fn is_read_only(&self) -> bool {
        self.read_only.load(Ordering::Relaxed) != 0
    }
    fn replace(&self, array: Array) {
        self.replace_with(array, 0);
    }
    /// Makes it the array from now on, with room as `Assigned` has it.
    pub fn replace_with(&self, array: Array, room: usize) {
        let new = Box::into_raw(Box::new(Assigned { array, room, before: std::ptr::null_mut() }));
        let mut before = self.now.load(Ordering::Acquire);
        loop {
            // SAFETY: `new` is ours until it is in the list.
            unsafe { (*new).before = before };
            match self.now.compare_exchange_weak(before, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return,
                Err(other) => before = other,
            }
        }
    }
    /// Whether another object has the memory.
    pub fn has_base(&self) -> bool {
        self.base.is_some()
    }
    /// Elements for which the array has memory of its own, where `resize` has made it.
    pub fn room(&self) -> usize {
        let p = self.now.load(Ordering::Acquire);
        // SAFETY: as in `array`.
        if p.is_null() { 0 } else { unsafe { (*p).room } }
    }
    /// An error unless the object may be written.
    pub fn check_writable(&self) -> PyResult<()> {
        self.check("assignment destination is read-only")
    }
    /// The same in the words of `out=` and of in-place operators.
    pub fn check_output(&self) -> PyResult<()> {
        self.check("output array is read-only")
    }
    /// From now on nobody writes through this object.
    pub fn forbid_writing(&self) {
        self.read_only.store(1, Ordering::Relaxed);
    }
    /// An error unless the attribute may be assigned.
    fn check_attribute(&self, name: &str) -> PyResult<()> {
        if self.scalar {
            return Err(PyAttributeError::new_err(format!(
                "attribute '{name}' of 'minpy.numpy.scalar' objects is not writable"
            )));
        }
        Ok(())
    }
    fn check_part(&self) -> PyResult<()> {
        if self.read_only.load(Ordering::Relaxed) == PART {
            return Err(NoGradientFuncError::new_err(
                "real, imag: a write through a part of a complex array has no gradient: write the complex array itself",
            ));
        }
        Ok(())
    }
    /// The same in those words.
    pub fn check(&self, complaint: impl std::fmt::Display) -> PyResult<()> {
        self.check_part()?;
        if self.scalar || self.is_read_only() || self.array().buffer().is_read_only() {
            return Err(PyValueError::new_err(complaint.to_string()));
        }
        Ok(())
    }
}

/// `read_only` of the real or imaginary part of an array while a tape records: a copy, since a view of other elements has
/// no gradient. A write into it would be lost.
const PART: u8 = 2;

/// NumPy's `ndarray` on any device.
// `mapping`: the slots of sequences are ours (`index.rs`), and not made of those of mappings.
#[pyclass(frozen, mapping, extends = PyArray, name = "ndarray", module = "minpy.numpy")]
pub struct NdArray;

/// A 0-d result: behaves as NumPy's scalars do (immutable, hashable; `+=` rebinds the name).
#[pyclass(frozen, mapping, extends = PyArray, name = "scalar", module = "minpy.numpy")]
pub struct PyScalar;

recycled! { NdArray PyScalar }

/// A view of one of our arrays, made of its own: with its base, and read-only as it is.
///
/// # Safety
/// `of` is the object of `p`, an array and no scalar, and `array` is a view of its buffer.
#[inline(always)]
pub unsafe fn create_view<'py>(
    py: Python<'py>,
    array: Array,
    of: *mut ffi::PyObject,
    p: &PyArray,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the caller's promise: a live object.
    let of = unsafe { Bound::ref_from_ptr(py, &of) };
    // As in NumPy, chains of views end at the array that has the memory, or was given it by an object that is no array.
    let base = p.base.as_ref().filter(|b| as_pyarray(b.bind(py)).is_some());
    let base = base.map_or_else(|| of.clone().unbind(), |b| b.clone_ref(py));
    let long = p.long.load(Ordering::Relaxed) && array.dtype() == p.array().dtype();
    create::<NdArray>(py, PyArray::new(array, false, Some(base), p.is_read_only(), long))
}

/// The core array of one of our objects.
#[inline]
pub fn as_array<'a>(object: &'a Bound<'_, PyAny>) -> Option<&'a Array> {
    as_pyarray(object).map(|p| p.array())
}
/// One of our objects.
#[inline]
pub fn as_pyarray<'a>(object: &'a Bound<'_, PyAny>) -> Option<&'a PyArray> {
    let py = object.py();
    // SAFETY: reading the type of a live object.
    let t = unsafe { ffi::Py_TYPE(object.as_ptr()) };
    if t == NdArray::type_object_raw(py) || t == PyScalar::type_object_raw(py) {
        // SAFETY: both classes begin with a `PyArray`, and neither can be subclassed.
        return Some(unsafe { object.cast_unchecked::<PyArray>() }.get());
    }
    None
}

/// An array object (also for 0 dimensions).
#[inline]
pub fn wrap(py: Python<'_>, array: Array) -> PyResult<Bound<'_, PyAny>> {
    create::<NdArray>(py, PyArray::new(array, false, None, false, false))
}
/// The result of an operation. Without dimensions it is a scalar: NumPy's own where it has been computed, on the host and with nothing
/// recorded, as elements are; ours where it waits, or something may yet be recorded of it.
#[inline]
pub fn wrap_result(py: Python<'_>, array: Array) -> PyResult<Bound<'_, PyAny>> {
    if array.ndim() != 0 {
        return wrap(py, array);
    }
    if context::flags() & !context::COUNTING == 0 && !array.is_weak() && array.host_buffer().is_some() {
        return crate::element::of(py, &array);
    }
    wrap_scalar(py, array)
}
/// The result of something that was recorded, or planned: ours, whether it has dimensions or none.
#[inline]
pub fn wrap_output(py: Python<'_>, array: Array) -> PyResult<Bound<'_, PyAny>> {
    if array.ndim() == 0 { wrap_scalar(py, array) } else { wrap(py, array) }
}
/// A scalar object.
pub fn wrap_scalar(py: Python<'_>, array: Array) -> PyResult<Bound<'_, PyAny>> {
    create::<PyScalar>(py, PyArray::new(array, true, None, false, false))
}
/// A view of `of` (or a copy, where none was possible): keeps its base and whether it may be written.
pub fn wrap_view<'py>(array: Array, of: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = of.py();
    let Some(p) = as_pyarray(of) else { return wrap(py, array) };
    if !Shared::ptr_eq(array.buffer(), p.array().buffer()) {
        return wrap(py, array);
    }
    // Scalars never change: an array made of one has memory of its own, as in NumPy.
    if p.is_scalar() {
        return wrap(py, ops::copy(&array).py()?);
    }
    // SAFETY: as was just seen.
    unsafe { create_view(py, array, of.as_ptr(), p) }
}
/// The same, never to be written (results of `broadcast_to`).
pub fn wrap_read_only<'py>(array: Array, of: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let r = wrap_view(array, of)?;
    if let Some(p) = as_pyarray(&r) {
        p.forbid_writing();
    }
    Ok(r)
}
/// A view of memory that another object holds, which perhaps does not let write.
pub fn wrap_lent<'py>(array: Array, of: &Bound<'py, PyAny>, read_only: bool) -> PyResult<Bound<'py, PyAny>> {
    let base = Some(of.clone().unbind());
    create::<NdArray>(of.py(), PyArray::new(array, false, base, read_only, false))
}
/// A copy that stands for a part of a complex array while a tape records.
pub fn wrap_part(py: Python<'_>, array: Array) -> PyResult<Bound<'_, PyAny>> {
    let r = wrap(py, array)?;
    if let Some(p) = as_pyarray(&r) {
        p.read_only.store(PART, Ordering::Relaxed);
    }
    Ok(r)
}

/// `ndarray(shape, dtype=float, buffer=None, offset=0, strides=None, order=None)`
#[pyfunction]
#[pyo3(signature = (shape, dtype=None, buffer=None, offset=0, strides=None, order=None))]
pub fn _ndarray<'py>(
    py: Python<'py>,
    shape: &Bound<'py, PyAny>,
    dtype: Option<&Bound<'py, PyAny>>,
    buffer: Option<&Bound<'py, PyAny>>,
    offset: isize,
    strides: Option<&Bound<'py, PyAny>>,
    order: Option<&str>,
) -> PyResult<Bound<'py, PyAny>> {
    let d = dtype.map_or(Ok(Some(DType::F64)), dtype_from)?;
    let theirs = |d: &Bound<'py, PyAny>| {
        numpy(py)?.ndarray.bind(py).call1((shape, d, buffer, offset, strides, order.unwrap_or("C")))
    };
    match (d, dtype) {
        (None, Some(object)) => theirs(object),
        (Some(d), _) if buffer.is_some() || strides.is_some() => {
            let made = theirs(&dtype_object(py, d)?)?;
            if !made.getattr("flags")?.getattr("aligned")?.is_truthy()? {
                return Ok(made); // ours would be a copy, and the caller asked for this memory
            }
            match import(&made)? {
                Some(a) => wrap_import(a, &made),
                None => Ok(made),
            }
        }
        (d, _) => {
            let a = Array::empty(&shape_from(shape)?, d.unwrap_or(DType::F64)).py()?;
            wrap(py, if order == Some("F") { ops::fortran(&a) } else { a })
        }
    }
}

#[pymethods]
impl NdArray {
    /// NumPy's class, so that `isinstance(a, numpy.ndarray)` holds in code that knows nothing of MinPy; `type(a)` is ours.
    #[getter]
    fn __class__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyType>> {
        Ok(numpy(py)?.ndarray.bind(py).clone())
    }
}

#[pymethods]
impl PyArray {
    #[classattr]
    fn __array_priority__() -> f64 {
        1000.0
    }
    /// Lengths of the axes. Setting it gives the array another shape, where that needs no copy.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.array().shape())
    }
    #[setter]
    fn set_shape(&self, shape: &Bound<'_, PyAny>) -> PyResult<()> {
        self.check_attribute("shape")?;
        let to = axes_from(shape)?;
        let a = self.array();
        let shape = ops::resolve_shape("reshape", a.shape(), &to).py()?;
        let Some(v) = a.reshape_view(&shape) else {
            return Err(PyAttributeError::new_err(
                "Incompatible shape for in-place modification. Use `.reshape()` to make a copy with the desired shape.",
            ));
        };
        self.replace(v);
        Ok(())
    }
    /// Number of axes.
    #[getter]
    fn ndim(&self) -> usize {
        self.array().ndim()
    }
    /// Number of elements.
    #[getter]
    fn size(&self) -> usize {
        self.array().size()
    }
    /// Type of the elements.
    #[getter]
    fn dtype<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self.array().dtype() {
            d @ (DType::I64 | DType::U64) if self.long.load(Ordering::Relaxed) => {
                crate::numpy::long_dtype(py, d)
            }
            d => dtype_object(py, d),
        }
    }
    #[setter]
    fn set_dtype<'py>(slf: &Bound<'py, Self>, dtype: &Bound<'py, PyAny>) -> PyResult<()> {
        slf.get().check_attribute("dtype")?;
        let v = view_as(slf.as_any(), dtype)?;
        match as_array(&v) {
            Some(a) => {
                slf.get().replace(a.clone());
                slf.get().long.store(crate::numpy::is_long(dtype)?, Ordering::Relaxed);
            }
            None => return Err(PyTypeError::new_err("dtype: elements that only NumPy has")),
        }
        Ok(())
    }
    /// Bytes of one element.
    #[getter]
    fn itemsize(&self) -> usize {
        self.array().dtype().size()
    }
    /// Bytes of all elements.
    #[getter]
    fn nbytes(&self) -> usize {
        self.array().size() * self.itemsize()
    }
    /// Bytes from one element to the next along each axis.
    #[getter]
    fn strides<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let item = self.itemsize() as isize;
        PyTuple::new(py, self.array().layout().strides().iter().map(|s| s * item))
    }
    /// A view with the axes reversed.
    #[getter(T)]
    fn t<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let a = slf.get().array();
        if slf.get().scalar {
            return Ok(slf.as_any().clone());
        }
        wrap_view(a.t(), slf.as_any())
    }
    /// A view with the last two axes exchanged.
    #[getter(mT)]
    fn mt<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let a = slf.get().array();
        if a.ndim() < 2 {
            return Err(PyValueError::new_err("matrix transpose with ndim < 2 is undefined"));
        }
        let mut axes: Vec<isize> = (0..a.ndim() as isize).collect();
        axes.swap(a.ndim() - 1, a.ndim() - 2);
        wrap_view(a.transpose(Some(&axes)).py()?, slf.as_any())
    }
    /// The array whose memory this is a view of, or None.
    #[getter]
    fn base<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.base.as_ref().map(|b| b.bind(py).clone())
    }
    /// The device on which the array lives.
    #[getter]
    fn context<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        crate::context::context_of(py, self.array().device())
    }
    /// The device as the array standard names it: 'cpu', or what `device=` takes.
    #[getter]
    fn device(&self) -> &'static str {
        // The array API's attribute; NumPy says "cpu" for its only device.
        self.array().device().name()
    }
    #[getter]
    fn _layout(&self) -> (bool, bool, bool) {
        let a = self.array();
        let l = a.layout();
        let writable = !self.scalar && !self.is_read_only() && !a.buffer().is_read_only();
        (l.is_contiguous(), l.is_f_contiguous(), writable)
    }
    /// Allows or forbids writes through this object.
    fn _set_writeable(&self, py: Python<'_>, on: bool) -> PyResult<()> {
        if self.scalar {
            return Err(PyValueError::new_err("Cannot set flags on array scalars."));
        }
        self.check_part()?;
        let fixed = |b: &Py<PyAny>| -> PyResult<bool> {
            let b = b.bind(py);
            match as_pyarray(b) {
                Some(p) => Ok(p.is_read_only() || p.is_scalar()),
                // NumPy may have lent its memory for reading only; of other objects the buffer knows.
                None if b.is_instance(numpy(py)?.ndarray.bind(py))? => {
                    b.getattr("flags")?.getattr("writeable")?.is_truthy().map(|on| !on)
                }
                None => Ok(false),
            }
        };
        if on && (self.array().buffer().is_read_only() || self.base.as_ref().map_or(Ok(false), fixed)?) {
            return Err(PyValueError::new_err("cannot set WRITEABLE flag to True of this array"));
        }
        self.read_only.store(!on as u8, Ordering::Relaxed);
        Ok(())
    }
    /// Whether the memory can be reached from outside (shared with NumPy).
    #[getter]
    fn _shared(&self) -> bool {
        self.array().buffer().is_shared()
    }
    /// For those who take an address and keep nothing alive.
    fn _share_for_good(&self) -> PyResult<()> {
        self.array().share_for_good().py()
    }
    /// Address of the first element, for arrays on the host.
    #[getter]
    fn _address(&self) -> PyResult<Option<usize>> {
        let a = self.array();
        if !a.device().is_host() {
            return Ok(None);
        }
        let m = a.buffer().memory().py()?;
        Ok(Some(m.handle + m.offset + a.layout().offset() * a.dtype().size()))
    }
    /// Number that rises at every in-place write into the memory.
    #[getter]
    fn _version(&self) -> u32 {
        self.array().buffer().version()
    }
    /// The array as a NumPy array: shared on the host (read-only unless `writable`), a read-only copy from a device.
    #[pyo3(signature = (writable=false))]
    fn _numpy<'py>(&self, py: Python<'py>, writable: bool) -> PyResult<Bound<'py, PyAny>> {
        to_numpy(py, self.array(), writable && !self.is_read_only() && !self.scalar)
    }
    /// A NumPy array with a copy of the values. Waits for the device.
    fn asnumpy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_numpy(py, self.array(), false)?.call_method0("copy")
    }
    /// `numpy.asarray` asks here when the buffer protocol does not serve.
    #[pyo3(signature = (dtype=None, *, copy=Copying(None)))]
    fn __array__<'py>(
        &self,
        py: Python<'py>,
        dtype: Option<&Bound<'py, PyAny>>,
        copy: Copying,
    ) -> PyResult<Bound<'py, PyAny>> {
        crate::tape::leaves(py, self.array(), "__array__")?;
        let r = self._numpy(py, true)?;
        let converted = match dtype {
            Some(d) if !d.is_none() => r.call_method1("astype", (d, "K", "unsafe", true, false))?,
            _ => r.clone(),
        };
        let copied = !converted.is(&r) || !self.array().device().is_host();
        match copy.0 {
            Some(false) if copied => {
                Err(PyValueError::new_err("Unable to avoid copy while creating an array as requested."))
            }
            Some(true) if !copied => converted.call_method0("copy"),
            _ => Ok(converted),
        }
    }
    /// Waits until the values have been computed.
    fn wait_to_read(&self, py: Python<'_>) -> PyResult<()> {
        let a = self.array();
        crate::lines::detach(py, || a.buffer().memory().and_then(|_| a.device().synchronize())).py()
    }
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyAny>, bool))> {
        let py = slf.py();
        let restore = py.import("minpy.numpy._methods")?.getattr("restore")?;
        Ok((restore, (slf.get().asnumpy(py)?, slf.get().scalar)))
    }
}

#[pymethods]
impl PyScalar {
    /// The NumPy scalar type that the value has: `isinstance(x, np.floating)` and `isinstance(x, numbers.Real)` ask here.
    #[getter]
    fn __class__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let d = slf.as_super().get().array().dtype();
        Ok(numpy(py)?.types[d as usize].bind(py).clone())
    }
}

/// `a.view(dtype)`: the same memory read as other elements.
pub fn view_as<'py>(object: &Bound<'py, PyAny>, dtype: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = object.py();
    let Some(p) = as_pyarray(object) else { return Err(PyTypeError::new_err("view: not an array")) };
    let a = p.array();
    let theirs = || p._numpy(py, true)?.call_method1("view", (dtype,));
    let Some(to) = dtype_from(dtype)? else { return theirs() };
    let (old, new) = (a.dtype().size(), to.size());
    let l = a.layout();
    // Memory that came from outside begins anywhere. Where its elements would be between ours, NumPy's array can look at
    // them, on the host.
    let align = if to.is_complex() { new / 2 } else { new };
    let fits_at = |address: usize| a.size() == 0 || address.is_multiple_of(align);
    if !p._address()?.is_none_or(fits_at) {
        return theirs();
    }
    if old == new {
        let seen = wrap_view(Array::from_parts(a.buffer().clone(), l.clone(), to), object)?;
        if let Some(seen) = as_pyarray(&seen) {
            seen.long.store(crate::numpy::is_long(dtype)?, Ordering::Relaxed);
        }
        return Ok(seen);
    }
    let n = l.ndim();
    if n == 0 {
        return Err(PyValueError::new_err(
            "Changing the dtype of a 0d array is only supported if the itemsize is unchanged",
        ));
    }
    if l.strides()[n - 1] != 1 && l.shape()[n - 1] != 1 {
        return Err(PyValueError::new_err(
            "To change to a dtype of a different size, the last axis must be contiguous",
        ));
    }
    let bytes = l.shape()[n - 1] * old;
    if !bytes.is_multiple_of(new) {
        return Err(PyValueError::new_err(
            "When changing to a larger dtype, its size must be a divisor of the total size in bytes of the last axis of the array.",
        ));
    }
    let mut shape: Vec<usize> = l.shape().to_vec();
    shape[n - 1] = bytes / new;
    let fits = |x: isize| x * old as isize % new as isize == 0;
    if !l.strides()[..n - 1].iter().all(|&s| fits(s)) || !fits(l.offset() as isize) {
        if a.device().is_host() {
            return theirs();
        }
        return Err(PyValueError::new_err("view: the elements are not aligned for the new dtype"));
    }
    let mut strides: Vec<isize> = l.strides().iter().map(|s| s * old as isize / new as isize).collect();
    strides[n - 1] = 1;
    let layout = Layout::new(shape.as_slice(), strides.as_slice(), l.offset() * old / new);
    wrap_view(Array::from_parts(a.buffer().clone(), layout, to), object)
}

/// Gives the class `type(class)` another metaclass: Python code for `isinstance` and subclassing.
#[pyfunction]
pub fn _set_metaclass(class: &Bound<'_, PyType>, metaclass: &Bound<'_, PyType>) {
    // SAFETY: the metaclass is a subclass of `type` without fields of its own, so the layout of the class stays right;
    // the reference to it is given to the class, which lives as long as the process.
    unsafe { (*class.as_ptr()).ob_type = metaclass.clone().into_ptr().cast() };
}
