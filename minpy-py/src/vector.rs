//! CPython's vector calls: the arguments where they lie, and the way for classes of pyo3's to be called so.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::ffi::{c_ulong, c_void};

type Any<'py> = Bound<'py, PyAny>;

/// The arguments of a call: objects that its caller holds.
pub struct Args<'a, 'py: 'a> {
    py: Python<'py>,
    positional: &'a [*mut ffi::PyObject],
    named: &'a [*mut ffi::PyObject],
    names: Option<Bound<'py, PyTuple>>,
}
impl<'a, 'py> Args<'a, 'py> {
    /// Of a call by vector, or of a builtin.
    ///
    /// # Safety
    /// By the convention: `nargs` live objects, but for the bit by which a caller lends the place before them, and behind these as many as the
    /// tuple has names; no names are none, or no tuple.
    #[inline]
    pub unsafe fn new(
        py: Python<'py>,
        args: *const *mut ffi::PyObject,
        nargs: ffi::Py_ssize_t,
        names: *mut ffi::PyObject,
    ) -> Self {
        let n = positional(nargs);
        // SAFETY: the caller's promise.
        unsafe {
            let names =
                Bound::from_borrowed_ptr_or_opt(py, names).map(|n| n.cast_into_unchecked::<PyTuple>());
            let names = names.filter(|n| !n.is_empty());
            let count = n + names.as_ref().map_or(0, |n| n.len());
            let all = if count == 0 { &[][..] } else { std::slice::from_raw_parts(args, count) };
            let (positional, named) = all.split_at(n);
            Args { py, positional, named, names }
        }
    }
    /// The same with others by position.
    pub fn with_positional<'b>(&self, args: &'b [Any<'py>]) -> Args<'b, 'py>
    where
        'a: 'b,
    {
        Args { py: self.py, positional: addresses(args), named: self.named, names: self.names.clone() }
    }
    /// Those of lists, with a name for each of `named`.
    pub fn of(
        args: &'a [Any<'py>],
        named: &'a [Any<'py>],
        names: Option<Bound<'py, PyTuple>>,
        py: Python<'py>,
    ) -> Self {
        Args { py, positional: addresses(args), named: addresses(named), names }
    }
    /// How many are passed by position.
    #[inline]
    pub fn count(&self) -> usize {
        self.positional.len()
    }
    /// Those by position.
    #[inline]
    pub fn positional(&self) -> impl ExactSizeIterator<Item = &'a Any<'py>> + use<'a, 'py> {
        let py = self.py;
        // SAFETY: live objects, by `new`.
        self.positional.iter().map(move |at| unsafe { Bound::ref_from_ptr(py, at) })
    }
    /// Those by name.
    #[inline]
    pub fn named(&self) -> impl Iterator<Item = (Any<'py>, &'a Any<'py>)> + use<'a, 'py> {
        let (py, names) = (self.py, self.names.clone());
        // SAFETY: as above.
        names
            .into_iter()
            .flatten()
            .zip(self.named.iter().map(move |at| unsafe { Bound::ref_from_ptr(py, at) }))
    }
    /// Whether there are any of these.
    #[inline]
    pub fn has_names(&self) -> bool {
        self.names.is_some()
    }
    /// The positional ones as a tuple.
    pub fn tuple(&self) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(self.py, self.positional())
    }
    /// The named ones as a dictionary.
    pub fn dict(&self) -> PyResult<Bound<'py, PyDict>> {
        let all = PyDict::new(self.py);
        self.named().try_for_each(|(name, value)| all.set_item(name, value))?;
        Ok(all)
    }
}

/// A bound object is its address.
fn addresses<'a>(list: &'a [Any<'_>]) -> &'a [*mut ffi::PyObject] {
    const { assert!(size_of::<Any>() == size_of::<*mut ffi::PyObject>()) };
    // SAFETY: `Bound` is that pointer and a token of no size, as `Bound::ref_from_ptr` has it.
    unsafe { std::slice::from_raw_parts(list.as_ptr().cast(), list.len()) }
}

/// What CPython calls of an object by its convention of vector calls, which differs from that of builtins by one bit of the number of
/// arguments.
pub type Entry = ffi::PyCFunctionFastWithKeywords;
/// The number of positional arguments of such a call.
#[inline]
pub fn positional(nargs: ffi::Py_ssize_t) -> usize {
    nargs as usize & (usize::MAX >> 1)
}

/// Places of what is written in `PyTypeObject`, in words behind its head; with `tp_call` as a check.
const VECTORCALL_OFFSET: usize = 4;
const CALL: usize = 13;
const FLAGS: usize = 18;
/// `Py_TPFLAGS_HAVE_VECTORCALL` and `Py_TPFLAGS_METHOD_DESCRIPTOR`.
const HAS_ENTRY: c_ulong = 1 << 11;
const BINDS: c_ulong = 1 << 17;

/// Lets CPython call objects of a class by vector, by the place of the [`Entry`] in them, which pyo3 has no name for; and bind them as methods
/// without an object, where they are functions. Nothing happens where CPython's structure is not the one of its headers.
///
/// # Safety
/// A live class that nobody else uses yet, whose objects have an `Entry` at that place.
pub unsafe fn call_by_vector(class: *mut ffi::PyTypeObject, place: isize, binds: bool) {
    // SAFETY: the caller's promise; a class is longer than the words read.
    unsafe {
        let words = class.cast::<u8>().add(size_of::<ffi::PyVarObject>()).cast::<*mut c_void>();
        let (offset, flags) =
            (words.add(VECTORCALL_OFFSET).cast::<isize>(), words.add(FLAGS).cast::<c_ulong>());
        let known = *words.add(CALL) == ffi::PyType_GetSlot(class, ffi::Py_tp_call)
            && *flags == ffi::PyType_GetFlags(class)
            && *offset == 0;
        if known {
            *offset = place;
            *flags |= HAS_ENTRY | if binds { BINDS } else { 0 };
            ffi::PyType_Modified(class);
        }
    }
}
