//! `a[i]`, `a[i, j]` and `a[i] = x` for integers and plain numbers, on the host and where nothing is recorded, and `len(a)`: without
//! pyo3's guards around a call, which take as long as the work. Everything else goes on to `index.rs`, and nothing of the user's has been
//! asked before.

use crate::array::{NdArray, PyArray, create_view};
use crate::index;
use crate::numpy::numpy;
use crate::slots::slot;
use minpy_core::internal::context;
use minpy_core::internal::cut::Few;
use minpy_core::{Array, DType};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::type_object::PyTypeInfo;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

type Object = *mut ffi::PyObject;

slot! { NdArray: Py_mp_subscript binaryfunc subscript }
slot! { NdArray: Py_mp_ass_subscript objobjargproc assign_subscript }
slot! { NdArray: Py_mp_length lenfunc length }
slot! { NdArray: Py_sq_length lenfunc length }
slot! { NdArray: Py_sq_item ssizeargfunc sequence_item }
slot! { NdArray: Py_sq_ass_item ssizeobjargproc assign_item }

unsafe extern "C" fn subscript(object: Object, key: Object) -> Object {
    // SAFETY: CPython calls with a live object of the class and a key, attached to the interpreter.
    unsafe {
        if let Some(found) = read(object, key) {
            return found;
        }
        match view(object, key) {
            Some(found) => found,
            None => {
                pyo3::impl_::trampoline::get_trampoline_function!(binaryfunc, index::get_item)(object, key)
            }
        }
    }
}
unsafe extern "C" fn assign_subscript(object: Object, key: Object, value: Object) -> std::ffi::c_int {
    // SAFETY: as above; no value where the item is to be deleted.
    unsafe {
        if !value.is_null() && store(object, key, value).is_some() {
            return 0;
        }
        pyo3::impl_::trampoline::get_trampoline_function!(setattrofunc, index::set_item)(object, key, value)
    }
}
/// `PySequence_SetItem`, which has counted negative positions from the end already.
unsafe extern "C" fn assign_item(object: Object, i: ffi::Py_ssize_t, value: Object) -> std::ffi::c_int {
    // SAFETY: as above; the key is ours.
    unsafe {
        let n = array(object).and_then(|p| p.array().shape().first()).map_or(0, |&n| n as isize);
        let key = ffi::PyLong_FromSsize_t(if i < 0 { i - n } else { i });
        if key.is_null() {
            return -1;
        }
        let done = assign_subscript(object, key, value);
        ffi::Py_DECREF(key);
        done
    }
}
unsafe extern "C" fn length(object: Object) -> ffi::Py_ssize_t {
    // SAFETY: as above.
    unsafe {
        match array(object).and_then(|p| p.array().shape().first()) {
            Some(&n) => n as ffi::Py_ssize_t,
            None => pyo3::impl_::trampoline::get_trampoline_function!(lenfunc, index::get_length)(object),
        }
    }
}

/// # Safety
/// A live object, attached to the interpreter; it lives on while it is used.
#[inline]
unsafe fn array<'a>(object: Object) -> Option<&'a PyArray> {
    // SAFETY: the caller's promise; objects of the class begin with a `PyArray`.
    unsafe {
        let py = Python::assume_attached();
        (ffi::Py_TYPE(object) == NdArray::type_object_raw(py))
            .then(|| &*std::ptr::from_ref(Bound::ref_from_ptr(py, &object).cast_unchecked::<PyArray>().get()))
    }
}

/// What is known of NumPy's scalars: see `find`.
struct Scalars {
    /// Their classes, in the order of `DType::ALL`.
    types: [*mut ffi::PyTypeObject; DType::ALL.len()],
    /// What makes an object of the class.
    alloc: [Option<ffi::allocfunc>; DType::ALL.len()],
    /// The two objects of its `bool`.
    truths: [Object; 2],
}
// SAFETY: addresses of objects and functions that live as long as the process.
unsafe impl Send for Scalars {}
// SAFETY: as above.
unsafe impl Sync for Scalars {}
static SCALARS: PyOnceLock<Scalars> = PyOnceLock::new();
/// Where a scalar of NumPy's has its value: behind the head of every object (`PyArrayScalar_VAL` of its `arrayscalars.h`).
const VALUE: usize = size_of::<ffi::PyObject>();

/// Asks NumPy, and sees that values lie where they are read and written.
#[cold]
fn find(py: Python<'_>) -> PyResult<Scalars> {
    let np = numpy(py)?;
    let truth = |name: &str| np.module.getattr(py, name).map(Py::into_ptr);
    let mut found = Scalars {
        types: [null_mut(); DType::ALL.len()],
        alloc: [None; DType::ALL.len()],
        truths: [truth("False_")?, truth("True_")?],
    };
    for (i, (class, d)) in np.types.iter().zip(DType::ALL).enumerate() {
        let one = class.call1(py, (1,))?;
        let bytes = one.bind(py).call_method0("tobytes")?.extract::<Vec<u8>>()?;
        let basic: usize = class.getattr(py, "__basicsize__")?.extract(py)?;
        if basic < VALUE + d.size() || bytes.len() != d.size() {
            continue;
        }
        // SAFETY: a live object of at least that size; the slot of a class is what CPython says it is.
        unsafe {
            if std::slice::from_raw_parts(one.as_ptr().cast::<u8>().add(VALUE), d.size()) != bytes {
                continue;
            }
            let alloc = ffi::PyType_GetSlot(class.as_ptr().cast(), ffi::Py_tp_alloc);
            found.types[i] = class.as_ptr().cast();
            found.alloc[i] = std::mem::transmute::<*mut std::ffi::c_void, Option<ffi::allocfunc>>(alloc);
        }
    }
    Ok(found)
}
#[inline]
fn scalars(py: Python<'_>) -> Option<&'static Scalars> {
    match SCALARS.get(py) {
        Some(s) => Some(s),
        None => SCALARS.get_or_try_init(py, || find(py)).ok(),
    }
}

/// Whether the object is a number of Python's own classes, or a scalar of NumPy's that core has a dtype for.
///
/// # Safety
/// A live object.
#[inline]
pub unsafe fn is_number(py: Python<'_>, object: Object) -> bool {
    // SAFETY: the caller's promise.
    let class = unsafe { ffi::Py_TYPE(object) };
    class == &raw mut ffi::PyFloat_Type
        || class == &raw mut ffi::PyLong_Type
        || class == &raw mut ffi::PyBool_Type
        || class == &raw mut ffi::PyComplex_Type
        || scalars(py).is_some_and(|known| known.types.contains(&class))
}
/// The value of a float of Python's, or of NumPy's float64.
///
/// # Safety
/// A live object.
#[inline]
pub unsafe fn float(py: Python<'_>, object: Object) -> Option<f64> {
    // SAFETY: the caller's promise; values lie where `find` saw them.
    unsafe {
        if ffi::Py_TYPE(object) == &raw mut ffi::PyFloat_Type {
            return Some(ffi::PyFloat_AsDouble(object));
        }
        (ffi::Py_TYPE(object) == scalars(py)?.types[DType::F64 as usize])
            .then(|| object.cast::<u8>().add(VALUE).cast::<f64>().read_unaligned())
    }
}
/// NumPy's float64 of that value; null with an exception.
#[inline]
pub fn float64(py: Python<'_>, value: f64) -> Option<Object> {
    let (known, d) = (scalars(py)?, DType::F64 as usize);
    // SAFETY: an object of the class has room for a value where `find` saw one.
    unsafe {
        let made = known.alloc[d]?(known.types[d], 0);
        if !made.is_null() {
            made.cast::<u8>().add(VALUE).cast::<f64>().write_unaligned(value);
        }
        Some(made)
    }
}
/// NumPy's `True_` or `False_`.
#[inline]
pub fn truth(py: Python<'_>, value: bool) -> Option<Object> {
    let truth = scalars(py)?.truths[value as usize];
    // SAFETY: it lives as long as NumPy.
    unsafe { ffi::Py_INCREF(truth) };
    Some(truth)
}
/// The integer, which is Python's or NumPy's usual one.
///
/// # Safety
/// A live object, attached to the interpreter.
#[inline]
unsafe fn integer(object: Object, known: &Scalars) -> Option<isize> {
    // SAFETY: the caller's promise; values lie where `find` saw them.
    unsafe {
        if ffi::PyLong_CheckExact(object) != 0 {
            let i = ffi::PyLong_AsSsize_t(object);
            if i == -1 && !ffi::PyErr_Occurred().is_null() {
                ffi::PyErr_Clear();
                return None;
            }
            return Some(i);
        }
        let class = ffi::Py_TYPE(object);
        if class == known.types[DType::I64 as usize] {
            return isize::try_from(*object.cast::<u8>().add(VALUE).cast::<i64>()).ok();
        }
        let which = DType::ALL.iter().zip(&known.types).find(|(d, t)| **t == class && d.is_integer())?;
        let value = object.cast::<u8>().add(VALUE);
        match which.0 {
            DType::I8 => Some(*value.cast::<i8>() as isize),
            DType::U8 => Some(*value as isize),
            DType::I16 => Some(*value.cast::<i16>() as isize),
            DType::U16 => Some(*value.cast::<u16>() as isize),
            DType::I32 => Some(*value.cast::<i32>() as isize),
            DType::U32 => isize::try_from(*value.cast::<u32>()).ok(),
            DType::U64 => isize::try_from(*value.cast::<u64>()).ok(),
            _ => None,
        }
    }
}
/// Where the element of a key of as many integers as there are dimensions lies, in elements from the start of the buffer. `None` for
/// other keys, and outside.
///
/// # Safety
/// As for `integer`.
#[inline]
unsafe fn place(a: &Array, key: Object, known: &Scalars) -> Option<isize> {
    let l = a.layout();
    let step = |i: isize, n: usize, stride: isize| {
        let at = if i < 0 { i + n as isize } else { i };
        (0 <= at && at < n as isize).then(|| at * stride)
    };
    let mut place = l.offset() as isize;
    // SAFETY: the caller's promise; a tuple has so many items, which live as long as it does.
    unsafe {
        match (l.shape(), l.strides()) {
            (&[n], &[stride]) => place += step(integer(key, known)?, n, stride)?,
            (shape, strides) => {
                if ffi::PyTuple_CheckExact(key) == 0 || ffi::PyTuple_Size(key) != shape.len() as isize {
                    return None;
                }
                for (axis, (&n, &stride)) in shape.iter().zip(strides).enumerate() {
                    place += step(integer(ffi::PyTuple_GetItem(key, axis as isize), known)?, n, stride)?;
                }
            }
        }
    }
    Some(place)
}
/// # Safety
/// Live objects, attached to the interpreter.
#[inline]
unsafe fn read(object: Object, key: Object) -> Option<Object> {
    // SAFETY: the caller's promise. The place is one of the array's.
    unsafe {
        let a = array(object)?.array();
        if context::flags() != 0 || a.is_weak() {
            return None;
        }
        let known = scalars(Python::assume_attached())?;
        let from = a.host_buffer()?;
        element(a, from, place(a, key, known)?, known)
    }
}
/// The element so many elements from the start of the array's memory, as NumPy's scalar; null with an exception.
///
/// # Safety
/// It is one of the array's; attached to the interpreter.
#[inline(always)]
unsafe fn element(a: &Array, memory: *mut u8, place: isize, known: &Scalars) -> Option<Object> {
    let (dtype, size) = (a.dtype(), a.dtype().size());
    // SAFETY: the caller's promise; an object of the class has room for a value of the dtype.
    unsafe {
        let from = memory.offset(place * size as isize);
        if dtype == DType::Bool {
            let truth = known.truths[(*from != 0) as usize];
            ffi::Py_INCREF(truth);
            return Some(truth);
        }
        let alloc = known.alloc[dtype as usize]?;
        let made = alloc(known.types[dtype as usize], 0);
        if made.is_null() {
            return Some(made);
        }
        let to = made.cast::<u8>().add(VALUE);
        match size {
            8 => to.cast::<u64>().write(from.cast::<u64>().read_unaligned()),
            _ => std::ptr::copy_nonoverlapping(from, to, size),
        }
        Some(made)
    }
}
/// `PySequence_GetItem`, which has counted negative positions from the end already, and every step of a loop over an array.
unsafe extern "C" fn sequence_item(object: Object, i: ffi::Py_ssize_t) -> Object {
    // SAFETY: CPython calls with a live object of the class, attached to the interpreter.
    unsafe {
        match nth(object, i) {
            Some(found) => found,
            None => pyo3::impl_::trampoline::get_trampoline_function!(ssizeargfunc, index::sequence_item)(
                object, i,
            ),
        }
    }
}
/// # Safety
/// As for `sequence_item`.
#[inline]
unsafe fn nth(object: Object, i: ffi::Py_ssize_t) -> Option<Object> {
    // SAFETY: the caller's promise; the place is one of the array's, and a row is a view of it.
    unsafe {
        let (p, py) = (array(object)?, Python::assume_attached());
        let (a, i) = (p.array(), usize::try_from(i).ok()?);
        if a.ndim() > 1 {
            return create_view(py, a.row(i)?, object, p).ok().map(Bound::into_ptr);
        }
        let l = a.layout();
        if context::flags() != 0 || a.is_weak() || i >= *l.shape().first()? {
            return None;
        }
        let from = a.host_buffer()?;
        element(a, from, l.offset() as isize + i as isize * l.strides()[0], scalars(py)?)
    }
}
/// Iterator over the first axis, as long as that is at the moment.
#[pyclass(frozen, module = "minpy._minpy")]
pub struct Rows {
    of: Py<PyArray>,
    /// The next one; `ENDED` for good behind the last. Two threads at once would see one of them twice, as with NumPy's.
    at: AtomicUsize,
}
const ENDED: usize = usize::MAX;
impl Rows {
    /// Over the rows of an array, or its elements.
    pub fn new(of: Py<PyArray>) -> Rows {
        Rows { of, at: AtomicUsize::new(0) }
    }
    fn left(&self) -> usize {
        let n = self.of.get().array().shape().first().copied().unwrap_or(0);
        n.saturating_sub(self.at.load(Relaxed))
    }
}
#[pymethods]
impl Rows {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }
    fn __length_hint__(&self) -> usize {
        self.left()
    }
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let iter = py.import("builtins")?.getattr("iter")?;
        let made = match self.at.load(Relaxed) {
            ENDED => (iter, ((),), 0usize).into_pyobject(py)?,
            at => (iter, (self.of.bind(py),), at).into_pyobject(py)?,
        };
        Ok(made.into_any())
    }
    fn __setstate__(&self, at: usize) {
        self.at.store(at, Relaxed);
    }
}
slot! { Rows: Py_tp_iternext iternextfunc next }
unsafe extern "C" fn next(object: Object) -> Object {
    // SAFETY: CPython calls with a live object of the class, attached to the interpreter.
    unsafe {
        let rows = Bound::ref_from_ptr(Python::assume_attached(), &object).cast_unchecked::<Rows>().get();
        if rows.left() == 0 {
            rows.at.store(ENDED, Relaxed);
            return null_mut();
        }
        let at = rows.at.fetch_add(1, Relaxed);
        if let Some(found) = nth(rows.of.as_ptr(), at as isize) {
            return found;
        }
        pyo3::impl_::trampoline::get_trampoline_function!(ssizeargfunc, index::sequence_item)(
            rows.of.as_ptr(),
            at as isize,
        )
    }
}

/// What an item of a basic index expression is, by its type alone.
#[derive(Clone, Copy, PartialEq)]
enum Item {
    /// From the start, and inside of its axis.
    Int(usize),
    Slice,
    NewAxis,
    Ellipsis,
}
/// The item for an axis of that length; `None` for what is not basic, or outside.
///
/// # Safety
/// As for `integer`.
#[inline]
unsafe fn item(py: Python<'_>, object: Object, n: usize) -> Option<Item> {
    // SAFETY: the caller's promise.
    unsafe {
        if ffi::Py_TYPE(object) == &raw mut ffi::PySlice_Type {
            return Some(Item::Slice);
        }
        if object == ffi::Py_None() {
            return Some(Item::NewAxis);
        }
        if object == ffi::Py_Ellipsis() {
            return Some(Item::Ellipsis);
        }
        let i = integer(object, scalars(py)?)?;
        let at = usize::try_from(if i < 0 { i + n as isize } else { i }).ok()?;
        (at < n).then_some(Item::Int(at))
    }
}
/// Start, step and number of elements of a slice of `n`; `None` with an exception.
///
/// # Safety
/// A live slice.
#[inline]
unsafe fn slice(object: Object, n: usize) -> Option<(usize, isize, usize)> {
    let (mut start, mut stop, mut step) = (0, 0, 0);
    // SAFETY: the caller's promise; the places are locals.
    unsafe {
        if ffi::PySlice_Unpack(object, &mut start, &mut stop, &mut step) < 0 {
            return None;
        }
        let len = ffi::PySlice_AdjustIndices(n as isize, &mut start, &mut stop, step);
        Some((if len > 0 { start as usize } else { 0 }, step, len as usize))
    }
}
/// The view that a basic index expression of few dimensions names. Nothing of the user's is asked before it is known to be one.
///
/// # Safety
/// Live objects, attached to the interpreter.
#[inline]
unsafe fn view(object: Object, key: Object) -> Option<Object> {
    // SAFETY: the caller's promise; the view is one of the object's array.
    unsafe {
        let p = array(object)?;
        let (a, py) = (p.array(), Python::assume_attached());
        let (shape, ndim) = (a.shape(), a.ndim());
        if ndim > Few::MOST {
            return None;
        }
        let seen = if ffi::PyTuple_CheckExact(key) != 0 {
            let len = ffi::PyTuple_Size(key) as usize;
            let mut items = [Item::NewAxis; 2 * Few::MOST];
            if len > items.len() {
                return None;
            }
            // Axes that items take, dimensions that they make, and where `...` stands.
            let (mut axis, mut made, mut ellipsis) = (0, 0, None);
            for (i, to) in items[..len].iter_mut().enumerate() {
                // Behind `...`, axes are counted from the end.
                let at = match ellipsis {
                    None => axis,
                    Some(before) => {
                        let mut rest = 0;
                        for k in i..len {
                            rest += (ffi::PyTuple_GetItem(key, k as isize) != ffi::Py_None()) as usize;
                        }
                        if before + rest > ndim {
                            return None;
                        }
                        ndim - rest
                    }
                };
                let object = ffi::PyTuple_GetItem(key, i as isize);
                *to = item(py, object, shape.get(at).copied().unwrap_or(0))?;
                match *to {
                    Item::Int(_) => axis += 1,
                    Item::Slice => (axis, made) = (axis + 1, made + 1),
                    Item::NewAxis => made += 1,
                    Item::Ellipsis if ellipsis.is_some() => return None,
                    Item::Ellipsis => ellipsis = Some(axis),
                }
            }
            if axis > ndim || made + (ndim - axis) > Few::MOST {
                return None;
            }
            if made == 0 && axis == ndim && ellipsis.is_none() {
                return None;
            }
            let mut whole = true;
            let seen = a.cut(|cut| {
                for (i, item) in items[..len].iter().enumerate() {
                    match *item {
                        Item::Int(at) => cut.int(at),
                        Item::Slice => match slice(ffi::PyTuple_GetItem(key, i as isize), cut.size()) {
                            Some((start, step, len)) => cut.slice(start, step, len),
                            None => {
                                whole = false;
                                return;
                            }
                        },
                        Item::NewAxis => cut.new_axis(),
                        Item::Ellipsis => cut.keep(ndim - axis),
                    }
                }
            });
            if !whole {
                return Some(null_mut());
            }
            seen
        } else {
            match item(py, key, *shape.first()?)? {
                Item::Int(at) if ndim > 1 => a.row(at)?,
                Item::Slice => {
                    let Some((start, step, len)) = slice(key, shape[0]) else { return Some(null_mut()) };
                    a.rows(start, step, len)?
                }
                Item::NewAxis if ndim < Few::MOST => a.cut(Few::new_axis),
                Item::Ellipsis => a.cut(|_| ()),
                _ => return None,
            }
        };
        create_view(py, seen, object, p).ok().map(Bound::into_ptr)
    }
}
/// Writes a float of Python's into float64, an integer into float64 or int64, or a scalar of NumPy's into its own dtype.
///
/// # Safety
/// Live objects, attached to the interpreter.
#[inline]
unsafe fn store(object: Object, key: Object, value: Object) -> Option<()> {
    // SAFETY: the caller's promise. The place is one of the array's, which may be written; values are of the element's type.
    unsafe {
        let p = array(object)?;
        let a = p.array();
        if context::flags() != 0 || p.is_read_only() {
            return None;
        }
        let known = scalars(Python::assume_attached())?;
        let (dtype, size) = (a.dtype(), a.dtype().size());
        let at = place(a, key, known)? * size as isize;
        let class = ffi::Py_TYPE(value);
        if class == &raw mut ffi::PyFloat_Type && dtype == DType::F64 {
            let number = ffi::PyFloat_AsDouble(value);
            a.host_buffer_to_write()?.offset(at).cast::<f64>().write_unaligned(number);
        } else if class == known.types[dtype as usize] {
            let from = value.cast::<u8>().add(VALUE);
            std::ptr::copy_nonoverlapping(from, a.host_buffer_to_write()?.offset(at), size);
        } else if class == &raw mut ffi::PyLong_Type && matches!(dtype, DType::F64 | DType::I64) {
            let mut overflow = 0;
            let number = ffi::PyLong_AsLongLongAndOverflow(value, &mut overflow);
            if overflow != 0 {
                return None;
            }
            let to = a.host_buffer_to_write()?.offset(at);
            match dtype {
                DType::F64 => to.cast::<f64>().write_unaligned(number as f64),
                _ => to.cast::<i64>().write_unaligned(number),
            }
        } else {
            return None;
        }
        Some(())
    }
}
