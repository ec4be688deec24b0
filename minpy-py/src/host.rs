//! Memory shared with NumPy: import without a copy, export through the buffer protocol.
//!
//! All imports of one NumPy allocation share one core buffer, so that core sees when two of them overlap; what NumPy
//! got from us comes back as a view of the buffer it came from.

use crate::array::{PyArray, as_array, wrap, wrap_lent};
use crate::capi::{ALIGNED, WRITEABLE, fields, interface};
use crate::errors::Outcome;
use crate::numpy::{dtype_of_format, format_letter, numpy};
use minpy_core::backend::{Memory, memory};
use minpy_core::internal::{Buffer, Lent};
use minpy_core::internal::{Shared, Weak};
use minpy_core::{Array, DType, DeviceRef, Layout, device};
use parking_lot::Mutex;
use pyo3::exceptions::{PyBufferError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// What a PEP 3118 buffer says about itself.
struct Seen {
    address: usize,
    dtype: DType,
    shape: SmallVec<[usize; 4]>,
    strides: SmallVec<[isize; 4]>,
    read_only: bool,
}

impl Seen {
    fn size(&self) -> usize {
        self.shape.iter().product()
    }
    /// First and one-past-last byte.
    fn span(&self) -> (usize, usize) {
        let (mut lo, mut hi) = (self.address as isize, self.address as isize);
        for (&n, &s) in self.shape.iter().zip(&self.strides) {
            let reach = (n as isize - 1) * s;
            if reach < 0 {
                lo += reach;
            } else {
                hi += reach;
            }
        }
        (lo as usize, hi as usize + self.dtype.size())
    }
    /// Strides and address are multiples of the element: core can look at the memory itself.
    fn fits(&self) -> bool {
        let item = self.dtype.size();
        let align = if self.dtype.is_complex() { item / 2 } else { item };
        // Sizes are powers of two, which spares divisions.
        self.address & (align - 1) == 0 && self.strides.iter().all(|s| s & (item as isize - 1) == 0)
    }
    /// The view of `buffer`, whose memory begins at `start`.
    fn view(&self, buffer: &Shared<Buffer>, start: usize) -> Option<Array> {
        let item = self.dtype.size();
        let (lo, hi) = self.span();
        if lo < start
            || hi > start + buffer.bytes()
            || (self.address - start) & (item - 1) != 0
            || !self.fits()
        {
            return None;
        }
        let shift = item.trailing_zeros();
        let mut strides = self.strides.clone();
        strides.iter_mut().for_each(|s| *s >>= shift);
        let layout = Layout::new(self.shape.as_slice(), strides.as_slice(), (self.address - start) >> shift);
        Some(Array::from_parts(buffer.clone(), layout, self.dtype))
    }
}

/// Looks at an object's buffer; `None` when it has none, or one of elements that are not ours.
fn look(object: &Bound<'_, PyAny>) -> Option<Seen> {
    if let Ok(Some(fields)) = fields(object)
        && let Ok(Some(dtype)) = fields.dtype(object.py())
    {
        return Some(Seen {
            address: fields.data as usize,
            dtype,
            shape: fields.shape().iter().map(|&n| n as usize).collect(),
            strides: SmallVec::from_slice(fields.strides()),
            read_only: !fields.writeable(),
        });
    }
    let mut view = ffi::Py_buffer::new();
    // SAFETY: `view` is a fresh structure; on success it is released below.
    if unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), &mut view, ffi::PyBUF_FULL_RO) } != 0 {
        drop(PyErr::take(object.py()));
        return None;
    }
    let n = view.ndim as usize;
    // SAFETY: a full request fills shape and strides with `ndim` entries (null when ndim is 0) and a C string.
    let seen = unsafe {
        let list = |p: *mut isize| if p.is_null() { &[] } else { std::slice::from_raw_parts(p, n) };
        let format = if view.format.is_null() {
            "B"
        } else {
            std::ffi::CStr::from_ptr(view.format).to_str().unwrap_or("")
        };
        dtype_of_format(format, view.itemsize as usize).map(|dtype| Seen {
            address: view.buf as usize,
            dtype,
            shape: list(view.shape).iter().map(|&x| x as usize).collect(),
            strides: SmallVec::from_slice(list(view.strides)),
            read_only: view.readonly != 0,
        })
    };
    // SAFETY: acquired above.
    unsafe { ffi::PyBuffer_Release(&mut view) };
    seen
}

/// The buffers of NumPy's allocations, by owner. Entries of those that are gone are swept out whenever the table has doubled since
/// the last sweep, so that an import costs the same however many arrays live.
#[derive(Default)]
struct Imported {
    buffers: HashMap<usize, Weak<Buffer>>,
    sweep_at: usize,
    /// Entries that sweeps have looked at, of all time.
    looked_at: usize,
}
impl Imported {
    fn insert(&mut self, key: usize, buffer: &Shared<Buffer>) {
        if self.buffers.len() >= self.sweep_at.max(1024) {
            self.looked_at += self.buffers.len();
            self.buffers.retain(|_, w| w.strong_count() > 0);
            self.sweep_at = 2 * self.buffers.len();
        }
        let first = self.buffers.entry(key).or_default();
        if first.strong_count() == 0 {
            *first = Shared::downgrade(buffer);
        }
    }
}
static IMPORTED: LazyLock<Mutex<Imported>> = LazyLock::new(Default::default);

/// The table of imports, for tests: entries, and how many entries sweeps have looked at.
#[pyfunction]
pub fn _import_table() -> (usize, usize) {
    let table = IMPORTED.lock();
    (table.buffers.len(), table.looked_at)
}

/// The object at the end of a chain of NumPy views: the array that owns the memory, or whatever gave it to NumPy. An attribute
/// `base` may say anything, also that the chain is a circle: then the array itself is the end.
fn root<'py>(array: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyAny>, Option<Bound<'py, PyAny>>)> {
    let ndarray = numpy(array.py())?.ndarray.bind(array.py());
    // Most arrays own their memory.
    if let Some(fields) = fields(array)?
        && fields.base.is_null()
    {
        return Ok((array.clone(), None));
    }
    let mut at = array.clone();
    // Brent's way of finding a circle: the mark moves on after 1, 2, 4, 8 ... steps.
    let (mut mark, mut steps, mut next_mark) = (at.clone(), 0u64, 1u64);
    loop {
        let base = at.getattr("base")?;
        if base.is_none() {
            return Ok((at, None));
        }
        at = if base.is_instance(ndarray)? {
            base
        } else {
            // What `as_strided` puts between its result and the array.
            match base.getattr("base") {
                Ok(b) if b.is_instance(ndarray)? => b,
                _ => return Ok((at, Some(base))),
            }
        };
        steps += 1;
        if at.is(&mark) || steps == MOST_BASES {
            return Ok((array.clone(), None));
        }
        if steps == next_mark {
            mark = at.clone();
            next_mark *= 2;
        }
    }
}

/// NumPy makes chains of one step. An attribute that gives a new object at every look has no end.
const MOST_BASES: u64 = 10_000;

/// The elements of a NumPy array, to compute with: as [`import`], and numbers of foreign byte order as a copy in ours.
pub fn import_values(object: &Bound<'_, PyAny>) -> PyResult<Option<Array>> {
    match import(object)? {
        Some(a) => Ok(Some(a)),
        None => import_swapped(object),
    }
}

/// A NumPy array as one of ours, sharing its memory where its strides allow (else a copy). `None` when its elements
/// are not numbers that we have, or in foreign byte order: such arrays stay NumPy's.
pub fn import(object: &Bound<'_, PyAny>) -> PyResult<Option<Array>> {
    let Some(seen) = look(object) else { return Ok(None) };
    let host = device::host().py()?;
    if seen.size() == 0 {
        return Array::empty_on(host, &seen.shape, seen.dtype).py().map(Some);
    }
    if !seen.fits() {
        let copy = numpy(object.py())?.module.bind(object.py()).getattr("array")?.call1((object,))?;
        return import(&copy);
    }
    let (owner, lender) = root(object)?;
    // Memory that NumPy had from us.
    if let Some(lender) = lender.as_ref()
        && let Some(buffer) = lent_by(lender).or_else(|| lent_by(&lender.getattr("obj").ok()?))
        && let Ok(m) = buffer.memory()
        && let Some(view) = seen.view(&buffer, m.handle + m.offset)
    {
        minpy_autograd::returned(&buffer);
        return Ok(Some(view));
    }
    // A layout counts in elements: what begins between two of them has a buffer of its own.
    let covers = |w: &Seen| {
        let (lo, hi) = w.span();
        lo <= seen.span().0 && hi >= seen.span().1 && (seen.address - lo).is_multiple_of(seen.dtype.size())
    };
    let whole = if owner.is(object) { None } else { look(&owner).filter(|w| w.size() > 0) };
    // What reaches beyond the memory of its owner (`as_strided`) may overlap anything, unseen: it stays NumPy's.
    if whole.as_ref().is_some_and(|w| w.span().0 > seen.span().0 || w.span().1 < seen.span().1) {
        return Ok(None);
    }
    let (lo, hi) = whole.filter(covers).map_or_else(|| seen.span(), |w| w.span());
    // A read-only view of writable memory cannot share the buffer, which would be writable through it.
    let read_only = seen.read_only;
    let key = owner.as_ptr() as usize ^ read_only as usize;
    if let Some(buffer) = IMPORTED.lock().buffers.get(&key).and_then(Weak::upgrade)
        && let Ok(m) = buffer.memory()
        && let Some(view) = seen.view(&buffer, m.handle + m.offset)
    {
        return Ok(Some(view));
    }
    let memory = Memory { handle: lo, offset: 0, bytes: hi - lo };
    let keep: Box<dyn std::any::Any + Send + Sync> =
        Box::new((owner.clone().unbind(), object.clone().unbind()));
    // SAFETY: NumPy keeps the memory of `owner` in place while somebody refers to the array; `keep` does.
    let buffer = unsafe { Buffer::foreign(host, memory, keep, true, read_only) };
    IMPORTED.lock().insert(key, &buffer);
    Ok(seen.view(&buffer, lo))
}

/// Whether `import` of numbers that we have needs no copy.
pub fn shareable(object: &Bound<'_, PyAny>) -> bool {
    look(object).is_some_and(|seen| seen.size() == 0 || seen.fits())
}

/// The object for an array that looks at the memory of a NumPy array: a view of it, not to be written where that one is not.
pub fn wrap_import<'py>(array: Array, of: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let writeable = || match fields(of)? {
        Some(fields) => Ok(fields.writeable()),
        None => of.getattr("flags")?.getattr("writeable")?.is_truthy(),
    };
    let read_only = !array.buffer().is_read_only() && !writeable()?;
    wrap_lent(array, of, read_only)
}
/// The same for an array that NumPy made for us alone: what it made it of is the base, where it is no copy.
pub fn wrap_made<'py>(array: Array, made: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if !has_base(made)? {
        return wrap(made.py(), array);
    }
    let base = made.getattr("base")?;
    // What we lent is nobody's object but ours.
    if base.is_instance_of::<HostView>() || look(made).is_none_or(|s| s.size() == 0) {
        return wrap(made.py(), array);
    }
    let read_only =
        !array.buffer().is_read_only() && !made.getattr("flags")?.getattr("writeable")?.is_truthy()?;
    wrap_lent(array, &base, read_only)
}

/// References that the callers of `adopt` themselves hold.
const LENT_OUT: isize = 1;
fn references(object: &Bound<'_, PyAny>) -> isize {
    // SAFETY: reading the count of a live object.
    unsafe { ffi::Py_REFCNT(object.as_ptr()) }
}
/// How many references to the argument there are beyond one, from which Python counts what its own frames hold.
#[pyfunction]
pub fn _references(object: &Bound<'_, PyAny>) -> isize {
    references(object) - LENT_OUT
}

/// A result of NumPy, just made, to which only the caller refers and which it forgets: ours alone from now on, on
/// `device`. Anything else is imported.
/// `held`: references beyond those that the callers in Rust hold, which are forgotten too.
pub fn adopt(object: &Bound<'_, PyAny>, held: isize, device: DeviceRef) -> PyResult<Option<Array>> {
    let alone = references(object) <= LENT_OUT + held && !has_base(object)?;
    if !alone || !device.is_host() {
        return import(object)?.map(|a| a.to_device(device)).transpose().py();
    }
    let Some(seen) = look(object).filter(|s| s.size() > 0 && s.fits()) else { return import(object) };
    let (lo, hi) = seen.span();
    let memory = Memory { handle: lo, offset: 0, bytes: hi - lo };
    // SAFETY: the array is kept by the buffer, and nobody else can resize it.
    let buffer =
        unsafe { Buffer::foreign(device, memory, Box::new(object.clone().unbind()), false, seen.read_only) };
    Ok(seen.view(&buffer, lo))
}

/// Whether the memory of NumPy's array is another object's.
pub fn has_base(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    match fields(object)? {
        Some(fields) => Ok(!fields.base.is_null()),
        None => Ok(!object.getattr("base")?.is_none()),
    }
}

/// Foreign byte order.
fn import_swapped(object: &Bound<'_, PyAny>) -> PyResult<Option<Array>> {
    let py = object.py();
    let dtype = object.getattr("dtype")?;
    if dtype.getattr("isnative")?.is_truthy()? {
        return Ok(None);
    }
    let native = dtype.call_method1("newbyteorder", ("=",))?;
    let copy = object.call_method1("astype", (native,))?;
    match look(&copy) {
        Some(_) => import(&numpy(py)?.asarray.bind(py).call1((copy,))?),
        None => Ok(None),
    }
}

fn lent_by(object: &Bound<'_, PyAny>) -> Option<Shared<Buffer>> {
    if let Some(a) = as_array(object) {
        return a.device().is_host().then(|| a.buffer().clone());
    }
    object.cast::<HostView>().ok().map(|v| v.get().array.buffer().clone())
}

/// An array on the host with the same elements: itself, or a copy from the device.
pub fn on_host(a: &Array) -> PyResult<Array> {
    if a.device().is_host() {
        return Ok(a.clone());
    }
    let bytes = a.to_bytes().py()?;
    Array::from_bytes(device::host().py()?, &bytes, a.shape(), a.dtype()).py()
}

/// Lends host memory to NumPy; what the exported array refers to.
#[pyclass(frozen, module = "minpy._minpy")]
pub struct HostView {
    array: Array,
    read_only: bool,
    _lent: Lent,
}
#[pymethods]
impl HostView {
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let me = slf.get();
        // SAFETY: `view` comes from the interpreter; the memory lives as long as `slf`.
        unsafe { fill_view(view, flags, me.array.clone(), None, me.read_only, slf.as_any()) }
    }
    unsafe fn __releasebuffer__(&self, view: *mut ffi::Py_buffer) {
        // SAFETY: `fill_view` put the box there.
        unsafe { release_view(view) }
    }
}

/// A NumPy array that looks at the memory of a host array.
pub fn lend<'py>(py: Python<'py>, a: &Array, read_only: bool) -> PyResult<Bound<'py, PyAny>> {
    let view = Bound::new(py, HostView { array: a.clone(), read_only, _lent: a.lend().py()? })?;
    let (np, interface, item) = (numpy(py)?, interface(py)?, a.dtype().size());
    let memory = a.buffer().memory().py()?;
    let shape = a.shape();
    let mut strides: SmallVec<[isize; 4]> = SmallVec::from_slice(a.layout().strides());
    strides.iter_mut().for_each(|s| *s *= item as isize);
    let flags = ALIGNED | if read_only { 0 } else { WRITEABLE };
    // SAFETY: the shape, strides and memory are those of a host array, which `view` keeps; NumPy copies the lists, and takes one
    // reference to the dtype and one to the base.
    unsafe {
        let made = (interface.make_array)(
            np.ndarray.as_ptr().cast(),
            np.dtypes[a.dtype() as usize].clone_ref(py).into_ptr(),
            shape.len() as c_int,
            shape.as_ptr().cast::<isize>(),
            strides.as_ptr(),
            (memory.handle + memory.offset + a.layout().offset() * item) as *mut c_void,
            flags,
            std::ptr::null_mut(),
        );
        let made = Bound::from_owned_ptr_or_err(py, made)?;
        match (interface.set_base)(made.as_ptr(), view.into_ptr()) {
            0 => Ok(made),
            _ => Err(PyErr::fetch(py)),
        }
    }
}

/// The array as a NumPy array: shared on the host, a read-only copy from a device.
pub fn to_numpy<'py>(py: Python<'py>, a: &Array, writable: bool) -> PyResult<Bound<'py, PyAny>> {
    let host = on_host(a)?;
    let writable = writable && a.device().is_host() && !a.buffer().is_read_only();
    lend(py, &host, !writable)
}

/// Host copies of device arrays by the address of the object, with the version of the contents that they show.
type Copies = FxHashMap<usize, Vec<(u32, Array)>>;
static COPIES: Mutex<Option<Copies>> = Mutex::new(None);
static ANY_COPY: AtomicBool = AtomicBool::new(false);

/// The host copy of a device array, which lives as long as the object, and is brought up to date by each request: whoever asked may
/// give the request back and go on reading, as `numpy.ndarray(shape, buffer=a)` does, which keeps `a` alive and nothing else.
fn kept_copy(me: &PyArray, a: &Array) -> PyResult<Array> {
    let version = a.buffer().version();
    let key = std::ptr::from_ref(me) as usize;
    let fresh = on_host(a)?;
    let mut all = COPIES.lock();
    let all = all.get_or_insert_default();
    memory::fallible(|| all.try_reserve(1)).or_else(|_| memory::exhausted()).py()?;
    let copies = all.entry(key).or_default();
    // Another one only where `shape` or `dtype` was assigned since.
    match copies.iter_mut().find(|c| c.1.shape() == fresh.shape() && c.1.dtype() == fresh.dtype()) {
        Some((seen, copy)) => {
            if *seen != version {
                let bytes = fresh.to_bytes().py()?;
                copy.device().upload(&bytes, copy.buffer().memory().py()?, 0).py()?;
                *seen = version;
            }
            Ok(copy.clone())
        }
        None => {
            memory::push(copies, (version, fresh.clone())).py()?;
            ANY_COPY.store(true, Relaxed);
            Ok(fresh)
        }
    }
}
/// The object dies.
#[inline]
pub fn drop_copies(me: &PyArray) {
    if ANY_COPY.load(Relaxed) {
        let copies = COPIES.lock().as_mut().and_then(|all| all.remove(&(std::ptr::from_ref(me) as usize)));
        drop(copies);
    }
}

/// What an exported buffer must keep while somebody looks at it.
struct Export {
    /// Keeps device copies alive; the exporter itself is kept by `view.obj`.
    _array: Array,
    _lent: Option<Lent>,
    shape: SmallVec<[isize; 4]>,
    strides: SmallVec<[isize; 4]>,
}

/// Fills a buffer request for host memory.
///
/// # Safety
/// `view` must be a request of the interpreter; `array` must lie on the host.
pub unsafe fn fill_view(
    view: *mut ffi::Py_buffer,
    flags: c_int,
    array: Array,
    lent: Option<Lent>,
    read_only: bool,
    owner: &Bound<'_, PyAny>,
) -> PyResult<()> {
    if view.is_null() {
        return Err(PyBufferError::new_err("view is null"));
    }
    if read_only && flags & ffi::PyBUF_WRITABLE == ffi::PyBUF_WRITABLE {
        return Err(PyValueError::new_err("buffer source array is read-only"));
    }
    let asks = |flag: c_int| flags & flag == flag;
    let plain = !asks(ffi::PyBUF_STRIDES);
    let (c, f) = (array.layout().is_contiguous(), array.layout().is_f_contiguous());
    if (plain || asks(ffi::PyBUF_C_CONTIGUOUS)) && !c {
        return Err(PyValueError::new_err("ndarray is not C-contiguous"));
    }
    if asks(ffi::PyBUF_F_CONTIGUOUS) && !f {
        return Err(PyValueError::new_err("ndarray is not Fortran contiguous"));
    }
    if asks(ffi::PyBUF_ANY_CONTIGUOUS) && !c && !f {
        return Err(PyValueError::new_err("ndarray is not contiguous"));
    }
    let item = array.dtype().size();
    let memory = *array.buffer().memory().py()?;
    let address = memory.handle + memory.offset + array.layout().offset() * item;
    let mut keep = Box::new(Export {
        shape: array.shape().iter().map(|&n| n as isize).collect(),
        strides: array.layout().strides().iter().map(|&s| s * item as isize).collect(),
        _array: array,
        _lent: lent,
    });
    let array = &keep._array;
    let (size, format, ndim) = (array.size(), format_letter(array.dtype()), array.ndim());
    // SAFETY: the caller's request; pointers stay valid while the box does, which `release_view` frees.
    unsafe {
        (*view).obj = owner.clone().into_ptr();
        (*view).buf = address as *mut c_void;
        (*view).len = (size * item) as isize;
        (*view).readonly = read_only as c_int;
        (*view).itemsize = item as isize;
        (*view).format =
            if flags & ffi::PyBUF_FORMAT != 0 { format.as_ptr().cast_mut() } else { std::ptr::null_mut() };
        // Who does not ask for a shape gets bytes in a row (`hashlib` takes no other).
        (*view).ndim = if asks(ffi::PyBUF_ND) { ndim as c_int } else { 1 };
        (*view).shape =
            if flags & ffi::PyBUF_ND != 0 { keep.shape.as_mut_ptr() } else { std::ptr::null_mut() };
        (*view).strides = if plain { std::ptr::null_mut() } else { keep.strides.as_mut_ptr() };
        (*view).suboffsets = std::ptr::null_mut();
        (*view).internal = Box::into_raw(keep).cast();
    }
    Ok(())
}

/// Frees what `fill_view` kept.
///
/// # Safety
/// `view` must have been filled by `fill_view`.
pub unsafe fn release_view(view: *mut ffi::Py_buffer) {
    // SAFETY: `internal` is the box of `fill_view`, released once.
    drop(unsafe { Box::from_raw((*view).internal.cast::<Export>()) });
}

#[pymethods]
impl PyArray {
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let me = slf.get();
        let a = me.array();
        crate::tape::leaves(slf.py(), a, "the buffer protocol")?;
        let host = if a.device().is_host() { on_host(a)? } else { kept_copy(me, a)? };
        let lent = if a.device().is_host() { Some(a.lend().py()?) } else { None };
        let read_only =
            !a.device().is_host() || a.buffer().is_read_only() || me.is_read_only() || me.is_scalar();
        // SAFETY: `view` comes from the interpreter; `host` lies on the host.
        unsafe { fill_view(view, flags, host, lent, read_only, slf.as_any()) }
    }
    unsafe fn __releasebuffer__(&self, view: *mut ffi::Py_buffer) {
        // SAFETY: `fill_view` put the box there.
        unsafe { release_view(view) }
    }
}
