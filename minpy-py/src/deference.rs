//! `x * a` and `x < a` with one of NumPy's scalars in front of an array of ours: NumPy's scalars leave them to the array, as they leave them to
//! classes with `__array_ufunc__ = None`.
//!
//! A class with `__array_ufunc__`, which ours needs for `numpy.sin(a)`, is called back through NumPy's whole machinery of ufuncs instead: 600 ns,
//! more than twice what NumPy takes for the same statement with an array of its own, and elements of our arrays are NumPy's scalars. So the slots
//! of operators of these classes first look whether the other operand is ours, and answer `NotImplemented`; everything else goes on to what was
//! there. This is done where every slot is found where CPython's headers have it, and not at all with `MINPY_SCALAR_SLOTS=off`.

use crate::array::{NdArray, PyScalar};
use crate::numpy::numpy;
use minpy_core::DType;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::type_object::PyTypeInfo;
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

type Object = *mut ffi::PyObject;

/// Operators of two operands: CPython's number of the slot, and its place in `PyNumberMethods`.
const SLOTS: [(c_int, usize); 12] = [
    (ffi::Py_nb_add, 0),
    (ffi::Py_nb_subtract, 1),
    (ffi::Py_nb_multiply, 2),
    (ffi::Py_nb_remainder, 3),
    (ffi::Py_nb_divmod, 4),
    (ffi::Py_nb_lshift, 11),
    (ffi::Py_nb_rshift, 12),
    (ffi::Py_nb_and, 13),
    (ffi::Py_nb_xor, 14),
    (ffi::Py_nb_or, 15),
    (ffi::Py_nb_floor_divide, 29),
    (ffi::Py_nb_true_divide, 30),
];
const POWER: (c_int, usize) = (ffi::Py_nb_power, 5);
/// Places of `tp_as_number` and `tp_richcompare` in `PyTypeObject`, in words behind its head.
const AS_NUMBER: usize = 9;
const RICH_COMPARE: usize = 22;

const TYPES: usize = DType::ALL.len();
/// What was there, by class and slot; then power and comparison.
static BEFORE: [[AtomicPtr<c_void>; SLOTS.len() + 2]; TYPES] =
    [const { [const { AtomicPtr::new(std::ptr::null_mut()) }; SLOTS.len() + 2] }; TYPES];
static ARRAY: AtomicPtr<ffi::PyTypeObject> = AtomicPtr::new(std::ptr::null_mut());
static SCALAR: AtomicPtr<ffi::PyTypeObject> = AtomicPtr::new(std::ptr::null_mut());

/// # Safety
/// A live object.
#[inline]
unsafe fn is_ours(object: Object) -> bool {
    // SAFETY: the caller's promise.
    let class = unsafe { ffi::Py_TYPE(object) };
    class == ARRAY.load(Relaxed) || class == SCALAR.load(Relaxed)
}
/// A new reference to `NotImplemented`.
unsafe fn left_to_the_other() -> Object {
    // SAFETY: it lives as long as the interpreter, to which the caller is attached.
    unsafe {
        let object = ffi::Py_NotImplemented();
        ffi::Py_INCREF(object);
        object
    }
}

unsafe extern "C" fn binary<const T: usize, const S: usize>(a: Object, b: Object) -> Object {
    // SAFETY: CPython calls with live objects; what was in the slot is a function of this kind.
    unsafe {
        if is_ours(b) && !is_ours(a) {
            return left_to_the_other();
        }
        std::mem::transmute::<*mut c_void, ffi::binaryfunc>(BEFORE[T][S].load(Relaxed))(a, b)
    }
}
unsafe extern "C" fn power<const T: usize>(a: Object, b: Object, modulo: Object) -> Object {
    // SAFETY: as above.
    unsafe {
        if is_ours(b) && !is_ours(a) {
            return left_to_the_other();
        }
        std::mem::transmute::<*mut c_void, ffi::ternaryfunc>(BEFORE[T][SLOTS.len()].load(Relaxed))(
            a, b, modulo,
        )
    }
}
unsafe extern "C" fn compare<const T: usize>(a: Object, b: Object, how: c_int) -> Object {
    // SAFETY: as above.
    unsafe {
        if is_ours(b) {
            return left_to_the_other();
        }
        std::mem::transmute::<*mut c_void, ffi::richcmpfunc>(BEFORE[T][SLOTS.len() + 1].load(Relaxed))(
            a, b, how,
        )
    }
}

/// Ours, in the order of `BEFORE`.
type Ours = [*mut c_void; SLOTS.len() + 2];
macro_rules! ours {
    ($($t:literal)*) => { [$(ours!(of $t: 0 1 2 3 4 5 6 7 8 9 10 11)),*] };
    (of $t:literal: $($s:literal)*) => {
        [
            $(binary::<$t, $s> as *mut c_void,)*
            power::<$t> as *mut c_void,
            compare::<$t> as *mut c_void,
        ]
    };
}
fn ours() -> [Ours; TYPES] {
    ours!(0 1 2 3 4 5 6 7 8 9 10 11 12 13)
}

/// Where a class has its slots, if they are where CPython's headers say.
///
/// # Safety
/// A live class, which nobody changes meanwhile.
unsafe fn places(class: *mut ffi::PyTypeObject) -> Option<[*mut *mut c_void; SLOTS.len() + 2]> {
    let mut found = [std::ptr::null_mut(); SLOTS.len() + 2];
    // SAFETY: the caller's promise. A class is longer than the words read, in every CPython with a stable ABI from 3.11 on; of the table of
    // numbers more than the first slot is read only where that is what CPython itself says.
    unsafe {
        let words = class.cast::<u8>().add(size_of::<ffi::PyVarObject>()).cast::<*mut c_void>();
        let table = (*words.add(AS_NUMBER)).cast::<*mut c_void>();
        if table.is_null() || *table != ffi::PyType_GetSlot(class, ffi::Py_nb_add) {
            return None;
        }
        for (to, (slot, at)) in found.iter_mut().zip(SLOTS.into_iter().chain([POWER])) {
            *to = table.add(at);
            if **to != ffi::PyType_GetSlot(class, slot) {
                return None;
            }
        }
        found[SLOTS.len() + 1] = words.add(RICH_COMPARE);
        (*found[SLOTS.len() + 1] == ffi::PyType_GetSlot(class, ffi::Py_tp_richcompare)).then_some(found)
    }
}

/// Lets NumPy's scalars leave operators to our arrays. Once, when the module is imported.
pub fn install(py: Python<'_>) -> PyResult<()> {
    if std::env::var_os("MINPY_SCALAR_SLOTS").is_some_and(|v| v == "off") {
        return Ok(());
    }
    ARRAY.store(NdArray::type_object_raw(py), Relaxed);
    SCALAR.store(PyScalar::type_object_raw(py), Relaxed);
    for ((class, ours), before) in numpy(py)?.types.iter().zip(ours()).zip(&BEFORE) {
        // SAFETY: a live class of NumPy's, with the GIL; slots are words that CPython reads whole, and what was there is kept before ours is
        // there.
        unsafe {
            let Some(places) = places(class.as_ptr().cast()) else { continue };
            for ((place, ours), before) in places.into_iter().zip(ours).zip(before) {
                // Once: a module that is made a second time (a test without `sys.modules`) would find ours there.
                if !(*place).is_null() && before.load(Relaxed).is_null() {
                    before.store(*place, Relaxed);
                    *place = ours;
                }
            }
        }
    }
    Ok(())
}
