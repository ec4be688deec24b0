//! Floating-point exceptions of core's kernels as NumPy's warnings and errors, by NumPy's own state (`np.errstate`, `np.seterr`).
//!
//! Core keeps what calls have met until somebody asks (`minpy_core::backend::flags`); every way of a result to Python asks (`Outcome::py`).

use minpy_core::backend::flags::{self as core, ALL, DIVIDE, INVALID, OVERFLOW, Report, UNDERFLOW};
use minpy_core::internal::flags::Later;
use parking_lot::Mutex;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use std::cell::Cell;

/// What NumPy does about the flags, as `np.geterr` says it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct State {
    /// Those that are not ignored.
    heeded: u8,
    /// Those of them that are more than a warning.
    at_once: u8,
}
const USUAL: State = State { heeded: ALL & !UNDERFLOW, at_once: 0 };

/// The flags in the order in which NumPy tells of them, and their names in `np.geterr`.
pub const ORDER: [(u8, &str); 4] =
    [(DIVIDE, "divide"), (OVERFLOW, "over"), (UNDERFLOW, "under"), (INVALID, "invalid")];

/// Where NumPy keeps its state.
struct Kept {
    /// `get` of the context variable, and what it gives where nothing was asked for. `None` where NumPy has no such variable.
    get: Option<(Py<PyAny>, Py<PyAny>)>,
    geterr: Py<PyAny>,
    /// The state that was read last, by the object that holds it: such an object never changes.
    last: Mutex<Option<(Py<PyAny>, State)>>,
}
static KEPT: PyOnceLock<Kept> = PyOnceLock::new();

fn kept(py: Python<'_>) -> PyResult<&'static Kept> {
    KEPT.get_or_try_init(py, || {
        let numpy = py.import("numpy")?;
        let umath = numpy.getattr("_core").and_then(|c| c.getattr("umath"));
        let get = umath.and_then(|u| u.getattr("_extobj_contextvar")).and_then(|v| {
            // In a context of its own nothing was asked for.
            let get = v.getattr("get")?;
            let empty = py.import("contextvars")?.getattr("Context")?.call0()?;
            let usual = empty.call_method1("run", (&get,))?;
            Ok((get.unbind(), usual.unbind()))
        });
        Ok(Kept { get: get.ok(), geterr: numpy.getattr("geterr")?.unbind(), last: Mutex::new(None) })
    })
}

/// The state in force.
fn state(py: Python<'_>) -> PyResult<State> {
    let kept = kept(py)?;
    let Some((get, usual)) = &kept.get else { return read(py, kept) };
    // SAFETY: a live callable; a new reference or an error.
    let now = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyObject_CallNoArgs(get.as_ptr()))? };
    if now.is(usual) {
        return Ok(USUAL);
    }
    if let Some((of, state)) = &*kept.last.lock()
        && now.is(of)
    {
        return Ok(*state);
    }
    let state = read(py, kept)?;
    let before = kept.last.lock().replace((now.unbind(), state));
    drop(before);
    Ok(state)
}
#[cold]
fn read(py: Python<'_>, kept: &Kept) -> PyResult<State> {
    let all = kept.geterr.bind(py).call0()?.cast_into::<PyDict>()?;
    let mut state = State { heeded: 0, at_once: 0 };
    for (flag, name) in ORDER {
        let Some(mode) = all.get_item(name)? else { continue };
        match mode.extract::<String>()?.as_str() {
            "ignore" => {}
            "warn" => state.heeded |= flag,
            _ => {
                state.heeded |= flag;
                state.at_once |= flag;
            }
        }
    }
    Ok(state)
}

thread_local! {
    /// What is in force on a thread that has let go of the GIL.
    static KNOWN: Cell<Option<Later>> = const { Cell::new(None) };
}
/// See `minpy_core::internal::prepare_thread`.
pub fn prepare_thread() {
    KNOWN.with(|_| ());
}
/// What deferred work does about its flags.
fn later() -> Later {
    if let Some(known) = KNOWN.get() {
        return known;
    }
    Python::attach(|py| match state(py) {
        Ok(State { heeded, at_once: 0 }) => Later::Tell(heeded),
        _ => Later::Now,
    })
}
/// Runs `f` without the GIL, with what is in force of NumPy's state.
pub fn detached<R: Send>(py: Python<'_>, f: impl FnOnce() -> R + Send) -> R {
    struct Restore(Option<Later>);
    impl Drop for Restore {
        fn drop(&mut self) {
            KNOWN.set(self.0);
        }
    }
    let _restore = Restore(KNOWN.replace(Some(later())));
    py.detach(f)
}
/// Core asks what is in force when it defers.
pub fn install() {
    minpy_core::internal::flags::install(later);
}

/// Tells of what this thread's calls have met, if that is anything.
///
/// # Errors
/// Those of `tell`.
#[inline(always)]
pub fn check() -> PyResult<()> {
    if core::any_waits() { tell(true) } else { Ok(()) }
}

/// The same, where the caller knows whether NumPy would have computed with its scalars, for which it has other words.
#[inline(always)]
pub fn check_of(of_scalars: impl FnOnce() -> bool) -> PyResult<()> {
    if core::any_waits() { tell(of_scalars()) } else { Ok(()) }
}

/// Tells of what this thread's calls have met.
///
/// # Errors
/// What NumPy raises for it, or what a filter of warnings does.
#[cold]
#[inline(never)]
fn tell(of_scalars: bool) -> PyResult<()> {
    let Some(first) = core::take() else { return Ok(()) };
    Python::attach(|py| {
        let told = tell_of(py, first, of_scalars);
        if told.is_err() {
            forget();
        }
        told
    })
}
fn tell_of(py: Python<'_>, first: Report, of_scalars: bool) -> PyResult<()> {
    let state = state(py)?;
    let mut next = Some(first);
    while let Some(r) = next {
        let flags = if r.late { r.flags } else { r.flags & state.heeded };
        if flags != 0 {
            static TELL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
            let tell = TELL.get_or_try_init(py, || {
                Ok::<_, PyErr>(py.import("minpy._flags")?.getattr("tell")?.unbind())
            })?;
            tell.bind(py).call1((r.name, flags, r.late, r.single && of_scalars))?;
        }
        next = core::take();
    }
    Ok(())
}
/// What calls have met that came to nothing.
pub fn forget() {
    while core::any_waits() && core::take().is_some() {}
}
