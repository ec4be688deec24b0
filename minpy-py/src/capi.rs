//! NumPy's C interface: what of it makes and reads its arrays and scalars without a call through Python.
//!
//! Source of the numbers and of the structure: `numpy/__multiarray_api.h` and `numpy/ndarraytypes.h`. They are NumPy's ABI and stay.

use crate::numpy::numpy;
use minpy_core::DType;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use std::ffi::{c_char, c_int, c_void};
use std::mem::transmute;

type Object = *mut ffi::PyObject;

/// `PyArray_Scalar(data, descr, base)`: a scalar of that dtype, its value copied.
type MakeScalar = unsafe extern "C" fn(*mut c_void, Object, Object) -> Object;
/// `PyArray_ScalarAsCtype(scalar, data)`: copies its value to that place.
type ReadScalar = unsafe extern "C" fn(Object, *mut c_void);
/// `PyArray_NewFromDescr(class, descr, ndim, shape, strides, data, flags, like)`; takes the reference to the dtype.
type MakeArray = unsafe extern "C" fn(
    *mut ffi::PyTypeObject,
    Object,
    c_int,
    *const isize,
    *const isize,
    *mut c_void,
    c_int,
    Object,
) -> Object;
/// `PyArray_SetBaseObject(array, base)`; takes the reference to the base.
type SetBase = unsafe extern "C" fn(Object, Object) -> c_int;

/// Functions of NumPy's table.
#[derive(Clone, Copy)]
pub struct Interface {
    /// See [`MakeScalar`].
    pub make_scalar: MakeScalar,
    /// See [`ReadScalar`].
    pub read_scalar: ReadScalar,
    /// See [`MakeArray`].
    pub make_array: MakeArray,
    /// See [`SetBase`].
    pub set_base: SetBase,
}
const SCALAR: usize = 60;
const SCALAR_AS_CTYPE: usize = 62;
const NEW_FROM_DESCR: usize = 94;
const SET_BASE_OBJECT: usize = 282;

/// `NPY_ARRAY_ALIGNED`.
pub const ALIGNED: c_int = 0x0100;
/// `NPY_ARRAY_WRITEABLE`.
pub const WRITEABLE: c_int = 0x0400;

static INTERFACE: PyOnceLock<Interface> = PyOnceLock::new();

/// The table; found at the first call.
#[inline]
pub fn interface(py: Python<'_>) -> PyResult<&'static Interface> {
    INTERFACE.get_or_try_init(py, || find(py))
}
#[cold]
fn find(py: Python<'_>) -> PyResult<Interface> {
    let capsule = py.import("numpy._core._multiarray_umath")?.getattr("_ARRAY_API")?;
    // SAFETY: a live capsule without a name, as NumPy's own header reads it; the table is longer than these numbers, at which it has
    // functions of these types.
    unsafe {
        let table = ffi::PyCapsule_GetPointer(capsule.as_ptr(), std::ptr::null()).cast::<*const c_void>();
        if table.is_null() {
            return Err(PyErr::fetch(py));
        }
        Ok(Interface {
            make_scalar: transmute::<*const c_void, MakeScalar>(*table.add(SCALAR)),
            read_scalar: transmute::<*const c_void, ReadScalar>(*table.add(SCALAR_AS_CTYPE)),
            make_array: transmute::<*const c_void, MakeArray>(*table.add(NEW_FROM_DESCR)),
            set_base: transmute::<*const c_void, SetBase>(*table.add(SET_BASE_OBJECT)),
        })
    }
}

/// `PyArrayObject_fields`, as far as it is read.
#[repr(C)]
pub struct ArrayFields {
    head: ffi::PyObject,
    /// Address of the first element.
    pub data: *mut c_char,
    ndim: c_int,
    shape: *const isize,
    strides: *const isize,
    /// What owns the memory, or null; borrowed.
    pub base: Object,
    descr: Object,
    flags: c_int,
}
impl ArrayFields {
    /// Lengths of the axes.
    pub fn shape(&self) -> &[isize] {
        self.list(self.shape)
    }
    /// Bytes from one element to the next along each axis.
    pub fn strides(&self) -> &[isize] {
        self.list(self.strides)
    }
    fn list(&self, start: *const isize) -> &[isize] {
        if start.is_null() {
            return &[];
        }
        // SAFETY: NumPy keeps as many entries as there are dimensions.
        unsafe { std::slice::from_raw_parts(start, self.ndim as usize) }
    }
    /// The dtype, where it is one of core's and of the usual object.
    pub fn dtype(&self, py: Python<'_>) -> PyResult<Option<DType>> {
        let at = numpy(py)?.dtypes.iter().position(|d| d.as_ptr() == self.descr);
        Ok(at.map(|i| DType::ALL[i]))
    }
    /// Whether the array may be written.
    pub fn writeable(&self) -> bool {
        self.flags & WRITEABLE != 0
    }
}
/// The structure of an object that is exactly NumPy's array.
#[inline]
pub fn fields<'a>(object: &'a Bound<'_, PyAny>) -> PyResult<Option<&'a ArrayFields>> {
    if object.get_type_ptr() != numpy(object.py())?.ndarray.as_ptr().cast() {
        return Ok(None);
    }
    // SAFETY: an object of that class begins with that structure, and the borrow keeps the object alive.
    Ok(Some(unsafe { &*object.as_ptr().cast::<ArrayFields>() }))
}
