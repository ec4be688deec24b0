//! NumPy's functions on our arrays, the usual case of it: arrays on the host, nothing recorded, nothing written.
//!
//! Arguments become views that NumPy may read, results become ours without a copy, and the call is counted at the user's line. Whatever
//! is not usual (a tape, other devices, policies, outputs, objects of others) is left to `minpy.numpy._fallback`, before NumPy was asked.

use crate::array::as_pyarray;
use crate::capi::fields;
use crate::convert::DEEPEST;
use crate::creation::take;
use crate::element;
use crate::errors::Outcome;
use crate::host::lend;
use crate::numpy::numpy;
use crate::vector::{Args, Entry, call_by_vector};
use minpy_core::DeviceRef;
use minpy_core::internal::context::{COUNTING, Policy, current_device, flags, policy};
use minpy_core::internal::{profile, stats};
use pyo3::ffi;
use pyo3::impl_::trampoline::{MethodDef, fastcall_cfunction_with_keywords as fastcall};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::type_object::PyTypeInfo;
use pyo3::types::{PyBool, PyBytes, PyComplex, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple, PyType};
use rustc_hash::{FxBuildHasher, FxHashMap};
use smallvec::SmallVec;
use std::cell::RefCell;
use std::hash::BuildHasher;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

type Any<'py> = Bound<'py, PyAny>;
/// Arrays of ours in a call, each with the NumPy array that stands for it.
type Pairs<'py> = SmallVec<[(Any<'py>, Any<'py>); 2]>;

/// A function of NumPy's that takes and gives our arrays.
#[pyclass(frozen, dict, weakref, module = "minpy._minpy")]
pub struct Foreign {
    /// What CPython calls, see [`install`].
    entry: Entry,
    /// No other has it.
    number: u64,
    name: String,
    function: Py<PyAny>,
    /// What Python's half says of it at the first call.
    traits: PyOnceLock<Traits>,
    /// Its calls are no fallbacks.
    quiet: bool,
    /// Its first argument is an object of NumPy's whose method it is.
    method: bool,
    /// What takes the calls that are not usual, instead of `minpy.numpy._fallback.call`.
    otherwise: Option<Py<PyAny>>,
}
struct Traits {
    /// Writes an argument beside `out=`.
    writes: bool,
    /// Only looks at the values.
    reads: bool,
    /// Position from which on arguments are outputs.
    outputs: usize,
    /// Why it is not computed here.
    reason: String,
}

impl Foreign {
    fn traits(&self, py: Python<'_>) -> PyResult<&Traits> {
        self.traits.get_or_try_init(py, || {
            let told =
                py.import("minpy.numpy._fallback")?.getattr("traits")?.call1((&self.name, &self.function))?;
            let (writes, reads, outputs, reason) = told.extract()?;
            Ok(Traits { writes, reads, outputs, reason })
        })
    }
    /// Calls the function; `None` where the call is not a usual one.
    fn call<'py>(
        &self,
        py: Python<'py>,
        args: &Args<'_, 'py>,
        reason: Option<&str>,
    ) -> PyResult<Option<Any<'py>>> {
        let unusual = flags() & !COUNTING != 0 || policy() != Policy::PreferDevice;
        if unusual {
            return Ok(None);
        }
        let shown = profile::outside();
        let traits = self.traits(py)?;
        if traits.writes || args.count() > traits.outputs {
            return Ok(None);
        }
        let mut given = Given { device: None, pairs: SmallVec::new() };
        let mut positional: SmallVec<[Any<'py>; 6]> = SmallVec::new();
        for (i, a) in args.positional().enumerate() {
            if i == 0 && self.method {
                positional.push(a.clone());
                continue;
            }
            match given.stand_in(a, 0)? {
                Some(Theirs::Same) => positional.push(a.clone()),
                Some(Theirs::Other(b)) => positional.push(b),
                None => return Ok(None),
            }
        }
        let named = match args.has_names() {
            false => None,
            true => {
                let named = PyDict::new(py);
                for (k, v) in args.named() {
                    let name = k.cast::<PyString>()?.to_str()?;
                    if name == "out" && !v.is_none() || name == "overwrite_input" {
                        return Ok(None);
                    }
                    match given.stand_in(v, 0)? {
                        Some(Theirs::Same) => named.set_item(k, v)?,
                        Some(Theirs::Other(b)) => named.set_item(k, b)?,
                        None => return Ok(None),
                    }
                }
                Some(named)
            }
        };
        let device = match given.device {
            Some(device) => device,
            None => current_device().py()?,
        };
        if !device.is_host() {
            return Ok(None);
        }
        let reads = traits.reads || given.device.is_none();
        let start = (!reads && !self.quiet).then(Instant::now);
        let result = self.function.bind(py).call(PyTuple::new(py, positional)?, named.as_ref())?;
        let result = give(py, result, device, &given.pairs, 0)?;
        if let Some(shown) = shown.filter(|_| !traits.reads) {
            let given: usize = given.pairs.iter().filter_map(|(ours, _)| bytes(ours)).sum();
            shown.end(self.name.clone(), "numpy", (given + taken(&result)) as u64);
        }
        if let Some(start) = start {
            let reason = reason.unwrap_or(&traits.reason);
            count(py, self, reason, device, start)?;
            if stats::warns() {
                let context = crate::context::context_of(py, device)?.str()?;
                let told = (&self.name, context, "NumPy", reason);
                py.import("minpy.numpy._fallback")?.getattr("warn")?.call1(told)?;
            }
        }
        Ok(Some(result))
    }
    fn run<'py>(&self, py: Python<'py>, args: &Args<'_, 'py>) -> PyResult<Any<'py>> {
        if let Some(result) = self.call(py, args, None)? {
            return Ok(result);
        }
        let (args, kwargs) = (args.tuple()?, args.dict()?);
        if let Some(otherwise) = &self.otherwise {
            return otherwise.bind(py).call(args, Some(&kwargs));
        }
        let rest = (&self.name, &self.function, args, kwargs, py.None(), self.quiet);
        py.import("minpy.numpy._fallback")?.getattr("call")?.call1(rest)
    }
}

/// Arguments as a tuple and a dictionary have them.
fn with_args<'py, R>(
    py: Python<'py>,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
    f: impl FnOnce(&Args<'_, 'py>) -> PyResult<R>,
) -> PyResult<R> {
    let kwargs = kwargs.filter(|k| !k.is_empty());
    let (names, values): (Vec<_>, Vec<_>) = kwargs.into_iter().flatten().unzip();
    let names = kwargs.map(|_| PyTuple::new(py, names)).transpose()?;
    let args: SmallVec<[Any<'py>; 6]> = args.iter().collect();
    f(&Args::of(&args, &values, names, py))
}

struct Called;
impl MethodDef<fastcall::Func> for Called {
    const METH: fastcall::Func = entered;
}
/// See `vector.rs`.
const ENTRY: Entry = fastcall::<Called>;
unsafe fn entered<'py>(
    py: Python<'py>,
    slf: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    nargs: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> PyResult<*mut ffi::PyObject> {
    // SAFETY: by the convention of vector calls, of a live object of the class.
    unsafe {
        let me = Bound::ref_from_ptr(py, &slf).cast_unchecked::<Foreign>().get();
        me.run(py, &Args::new(py, args, nargs, names)).map(Bound::into_ptr)
    }
}

/// Lets CPython call these functions, and bind them as methods, without tuples and dictionaries. Once, when the module is imported.
pub fn install(py: Python<'_>) -> PyResult<()> {
    let probe = Bound::new(py, Foreign::new(String::new(), py.None(), false, false, None))?;
    let place = std::ptr::from_ref(&probe.get().entry) as isize - probe.as_ptr() as isize;
    // SAFETY: a class of ours that nobody else knows yet, with an entry there.
    unsafe { call_by_vector(Foreign::type_object_raw(py), place, true) };
    Ok(())
}

/// What NumPy is given in place of an argument.
enum Theirs<'py> {
    Same,
    Other(Any<'py>),
}
/// What is known of a call's arguments.
struct Given<'py> {
    device: Option<DeviceRef>,
    pairs: Pairs<'py>,
}
impl<'py> Given<'py> {
    /// What stands for an object; `None` for what Python's half must look at.
    fn stand_in(&mut self, object: &Any<'py>, depth: usize) -> PyResult<Option<Theirs<'py>>> {
        let py = object.py();
        if let Some(p) = as_pyarray(object) {
            let a = p.array();
            if !a.device().is_host() {
                return Ok(None);
            }
            self.device = Some(a.device());
            if p.is_scalar() {
                return element::of(py, a).map(Theirs::Other).map(Some);
            }
            if let Some((_, theirs)) = self.pairs.iter().find(|(ours, _)| ours.is(object)) {
                return Ok(Some(Theirs::Other(theirs.clone())));
            }
            let theirs = lend(py, a, true)?;
            self.pairs.push((object.clone(), theirs.clone()));
            return Ok(Some(Theirs::Other(theirs)));
        }
        if is_plain(object) || fields(object)?.is_some() || element::is_scalar(object)? {
            return Ok(Some(Theirs::Same));
        }
        if let Ok(class) = object.cast::<PyType>() {
            let ours = class.is_subclass_of::<crate::array::PyArray>()?;
            return Ok((!ours).then_some(Theirs::Same));
        }
        let np = numpy(py)?;
        if np.no_value.is(object) || object.is_instance(np.dtype.bind(py))? {
            return Ok(Some(Theirs::Same));
        }
        if depth == DEEPEST {
            return Ok(None);
        }
        if let Ok(tuple) = object.cast_exact::<PyTuple>() {
            let other = self.items(tuple.iter(), depth)?;
            return Ok(match other {
                Some(Some(all)) => Some(Theirs::Other(PyTuple::new(py, all)?.into_any())),
                Some(None) => Some(Theirs::Same),
                None => None,
            });
        }
        if let Ok(list) = object.cast_exact::<PyList>() {
            let other = self.items(list.iter(), depth)?;
            return Ok(match other {
                Some(Some(all)) => Some(Theirs::Other(PyList::new(py, all)?.into_any())),
                Some(None) => Some(Theirs::Same),
                None => None,
            });
        }
        Ok(None)
    }
    /// What stands for the items of a list; `Some(None)` where all are the same.
    fn items(
        &mut self,
        list: impl ExactSizeIterator<Item = Any<'py>>,
        depth: usize,
    ) -> PyResult<Option<Option<Vec<Any<'py>>>>> {
        let (mut all, mut changed) = (Vec::new(), false);
        for item in list {
            match self.stand_in(&item, depth + 1)? {
                Some(Theirs::Same) => all.push(item),
                Some(Theirs::Other(other)) => {
                    changed = true;
                    all.push(other);
                }
                None => return Ok(None),
            }
        }
        Ok(Some(changed.then_some(all)))
    }
}

/// Objects of Python's that NumPy takes as they are.
#[inline]
fn is_plain(object: &Any<'_>) -> bool {
    object.is_none()
        || object.is_exact_instance_of::<PyInt>()
        || object.is_exact_instance_of::<PyFloat>()
        || object.is_exact_instance_of::<PyString>()
        || object.is_exact_instance_of::<PyBool>()
        || object.is_exact_instance_of::<PyComplex>()
        || object.is_exact_instance_of::<PyBytes>()
}

/// A result of NumPy's with ours in place of its arrays and scalars. `held`: references to it that are forgotten with the call.
fn give<'py>(
    py: Python<'py>,
    result: Any<'py>,
    device: DeviceRef,
    pairs: &Pairs<'py>,
    held: isize,
) -> PyResult<Any<'py>> {
    if is_plain(&result) || as_pyarray(&result).is_some() {
        return Ok(result);
    }
    if fields(&result)?.is_some() {
        if let Some((ours, _)) = pairs.iter().find(|(_, theirs)| theirs.is(&result)) {
            return Ok(ours.clone());
        }
        return Ok(take(py, &result, device, pairs, false, held)?.unwrap_or(result));
    }
    if element::is_scalar(&result)? || result.is_instance(numpy(py)?.dtype.bind(py))? {
        return Ok(result);
    }
    // SAFETY: reading the count of a live object.
    let alone = unsafe { ffi::Py_REFCNT(result.as_ptr()) } <= 1 + held;
    if let Ok(tuple) = result.cast_exact::<PyTuple>() {
        let all = tuple.iter().map(|r| give(py, r, device, pairs, alone as isize));
        return Ok(PyTuple::new(py, all.collect::<PyResult<Vec<_>>>()?)?.into_any());
    }
    if let Ok(list) = result.cast_exact::<PyList>() {
        let all = list.iter().map(|r| give(py, r, device, pairs, alone as isize));
        return Ok(PyList::new(py, all.collect::<PyResult<Vec<_>>>()?)?.into_any());
    }
    let pairs = PyList::new(py, pairs.iter().map(|(a, b)| (a, b)))?;
    let context = crate::context::context_of(py, device)?;
    py.import("minpy.numpy._fallback")?.getattr("taken")?.call1((result, context, pairs))
}

/// Bytes of an array of ours, or of one of NumPy's scalars.
fn bytes(object: &Any<'_>) -> Option<usize> {
    let ours = as_pyarray(object).map(|p| p.array().size() * p.array().dtype().size());
    ours.or_else(|| element::value(object).ok()?.map(|s| s.bytes().len()))
}
/// Bytes of the arrays in a result.
fn taken(result: &Any<'_>) -> usize {
    let all = result.cast_exact::<PyTuple>().map(|t| t.iter().map(|r| taken(&r)).sum());
    all.or_else(|_| result.cast_exact::<PyList>().map(|l| l.iter().map(|r| taken(&r)).sum()))
        .unwrap_or_else(|_| bytes(result).unwrap_or(0))
}

/// A counted call: the function's number, a hash of the reason, and where it stands: the address of its code object and the instruction
/// in it. To find its line takes CPython longer than all the rest, so that it is asked once.
type Counted = (u64, u64, usize, i32);
#[derive(Default)]
struct Lines {
    /// Where counted calls stand in core's list. Entries keep their code objects, whose addresses are in the keys.
    places: FxHashMap<Counted, (Py<PyAny>, stats::Place)>,
    /// Code objects by their addresses, which they keep: whether they are of this package.
    codes: FxHashMap<usize, (Py<PyAny>, bool)>,
}
thread_local! { static LINES: RefCell<Lines> = RefCell::default(); }
/// See `minpy_core::internal::prepare_thread`.
pub fn prepare_thread() {
    LINES.with(|_| ());
}
/// Entries beyond which all are forgotten; what they stand for is found again.
const MOST_PLACES: usize = 4096;

/// Counts a call at the user's line.
fn count(py: Python<'_>, f: &Foreign, reason: &str, device: DeviceRef, start: Instant) -> PyResult<()> {
    let time = start.elapsed();
    let first = || -> PyResult<Option<stats::Place>> {
        let device = crate::context::context_of(py, device)?.str()?;
        Ok(stats::count_fallback(&f.name, &device.to_cow()?, "numpy", reason, 0, time))
    };
    let Some((code, at)) = place(py)? else { return first().map(drop) };
    let key = (f.number, FxBuildHasher.hash_one(reason), code.as_ptr() as usize, at);
    let known = LINES.with_borrow(|all| all.places.get(&key).map(|(_, place)| *place));
    if known.is_some_and(|place| stats::count_again(place, 0, time)) {
        return Ok(());
    }
    if let Some(place) = first()? {
        let forgotten = LINES.with_borrow_mut(|all| {
            let full = all.places.len() >= MOST_PLACES;
            let old = if full { std::mem::take(&mut all.places) } else { FxHashMap::default() };
            (old, all.places.insert(key, (code.unbind(), place)))
        });
        drop(forgotten);
    }
    Ok(())
}
/// Where the user's program is: the code object of the innermost frame outside of this package, and its instruction.
fn place(py: Python<'_>) -> PyResult<Option<(Any<'_>, i32)>> {
    // SAFETY: a borrowed frame of this thread, or null.
    let mut frame = unsafe { Bound::from_borrowed_ptr_or_opt(py, ffi::PyEval_GetFrame().cast()) };
    while let Some(at) = frame {
        // SAFETY: a live frame; a new reference.
        let code = unsafe { Bound::from_owned_ptr(py, ffi::PyFrame_GetCode(at.as_ptr().cast()).cast()) };
        if !is_ours(&code)? {
            let instruction = match last_instruction() {
                // SAFETY: a live frame.
                Some(f) => unsafe { f(at.as_ptr()) },
                None => at.getattr(pyo3::intern!(py, "f_lasti"))?.extract()?,
            };
            return Ok(Some((code, instruction)));
        }
        frame = Some(at.getattr("f_back")?).filter(|f| !f.is_none());
    }
    Ok(None)
}
type LastInstruction = unsafe extern "C" fn(*mut ffi::PyObject) -> std::ffi::c_int;
/// CPython's `PyFrame_GetLasti`, which is public and not of its stable interface: a tenth of the time that the attribute takes.
fn last_instruction() -> Option<LastInstruction> {
    #[cfg(unix)]
    {
        static FOUND: std::sync::OnceLock<Option<LastInstruction>> = std::sync::OnceLock::new();
        *FOUND.get_or_init(|| {
            // SAFETY: asks the loader; a function of that name is of this type since CPython 3.11.
            unsafe {
                let f = libc::dlsym(libc::RTLD_DEFAULT, c"PyFrame_GetLasti".as_ptr());
                (!f.is_null()).then(|| std::mem::transmute::<*mut libc::c_void, LastInstruction>(f))
            }
        })
    }
    #[cfg(not(unix))]
    None
}
/// Whether a code object is of this package.
fn is_ours(code: &Any<'_>) -> PyResult<bool> {
    let (py, key) = (code.py(), code.as_ptr() as usize);
    if let Some(ours) = LINES.with_borrow(|all| all.codes.get(&key).map(|(_, ours)| *ours)) {
        return Ok(ours);
    }
    static PACKAGE: PyOnceLock<String> = PyOnceLock::new();
    let package =
        PACKAGE.get_or_try_init(py, || py.import("minpy._site")?.getattr("_PACKAGE")?.extract::<String>())?;
    let name = code.getattr("co_filename")?;
    let ours = name.cast::<PyString>()?.to_cow()?.starts_with(package.as_str());
    let forgotten = LINES.with_borrow_mut(|all| {
        let full = all.codes.len() >= MOST_PLACES;
        let old = if full { std::mem::take(&mut all.codes) } else { FxHashMap::default() };
        (old, all.codes.insert(key, (code.clone().unbind(), ours)))
    });
    drop(forgotten);
    Ok(ours)
}

#[pymethods]
impl Foreign {
    #[new]
    #[pyo3(signature = (name, function, quiet=false, method=false, otherwise=None))]
    fn new(
        name: String,
        function: Py<PyAny>,
        quiet: bool,
        method: bool,
        otherwise: Option<Py<PyAny>>,
    ) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Relaxed);
        Foreign { entry: ENTRY, number, name, function, traits: PyOnceLock::new(), quiet, method, otherwise }
    }
    #[pyo3(signature = (*args, **kwargs))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Any<'py>> {
        with_args(py, args, kwargs, |args| self.run(py, args))
    }
    /// As an attribute of a class it is a method, as NumPy's functions are.
    fn __get__<'py>(
        slf: &Bound<'py, Self>,
        object: &Any<'py>,
        _class: Option<&Any<'py>>,
    ) -> PyResult<Any<'py>> {
        if object.is_none() {
            return Ok(slf.as_any().clone());
        }
        static METHOD: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let py = slf.py();
        let class = METHOD
            .get_or_try_init(py, || Ok::<_, PyErr>(py.import("types")?.getattr("MethodType")?.unbind()))?;
        class.bind(py).call1((slf, object))
    }
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Any<'py>, (Any<'py>, Any<'py>))> {
        let again = slf.py().import("minpy.numpy._fallback")?.getattr("again")?;
        Ok((again, (slf.getattr("__module__")?, slf.getattr("__name__")?)))
    }
    fn __repr__(&self) -> String {
        format!("<function {}>", self.name)
    }
}

/// NumPy's functions of those names, for calls that functions of ours hand over.
static KNOWN: Mutex<Option<FxHashMap<String, Py<Foreign>>>> = Mutex::new(None);

/// `numpy.<name>(*args, **kwargs)` where the call is a usual one.
pub fn named<'py>(
    py: Python<'py>,
    name: &str,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
    reason: Option<&str>,
) -> PyResult<Option<Any<'py>>> {
    let lock = || KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let found = lock().as_ref().and_then(|all| all.get(name).map(|f| f.clone_ref(py)));
    let f = match found {
        Some(f) => f,
        None => {
            let function = py.import("minpy.numpy._fallback")?.getattr("plain")?.call1((name,))?;
            if function.is_none() {
                return Ok(None);
            }
            let f = Py::new(py, Foreign::new(name.to_string(), function.unbind(), false, false, None))?;
            lock().get_or_insert_default().insert(name.to_string(), f.clone_ref(py));
            f
        }
    };
    with_args(py, args, kwargs, |args| f.get().call(py, args, reason))
}
