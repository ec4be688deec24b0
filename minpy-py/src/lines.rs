//! The lines of the user's program, for profiles: found on Python's stack, and numbered.
//!
//! A line is that of the innermost frame which is the user's: of no installed package, nor of the standard library; where there is none,
//! the innermost one outside of this package.

use minpy_core::internal::profile;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use rustc_hash::FxHashMap;
use std::cell::Cell;
use std::sync::{Mutex, MutexGuard, PoisonError};

type Any<'py> = Bound<'py, PyAny>;

/// Whose a piece of code is.
#[derive(Clone, Copy, PartialEq)]
enum Whose {
    Ours,
    Library,
    User,
}
/// What profiles have met. The code objects are kept, whose addresses are in the keys.
#[derive(Default)]
struct Met {
    codes: FxHashMap<usize, (Py<PyAny>, Whose)>,
    numbers: FxHashMap<(usize, i32), profile::Line>,
    lines: Vec<(usize, i32)>,
}
/// Pieces of code beyond which they are forgotten, unless there are lines of them.
const MOST_CODES: usize = 1 << 16;
static MET: Mutex<Option<Met>> = Mutex::new(None);
fn met() -> MutexGuard<'static, Option<Met>> {
    MET.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    /// The line at which this thread let go of Python's lock, while it has not got it back.
    static DETACHED: Cell<Option<profile::Line>> = const { Cell::new(None) };
}
/// See `minpy_core::internal::prepare_thread`.
pub fn prepare_thread() {
    DETACHED.with(|_| ());
}

/// `py.detach(f)`, with the line, and NumPy's state, for what runs there: who computes may hold locks for which a holder of Python's waits.
pub fn detach<R: Send>(py: Python<'_>, f: impl FnOnce() -> R + Send) -> R {
    struct Restore(Option<profile::Line>);
    impl Drop for Restore {
        fn drop(&mut self) {
            DETACHED.set(self.0);
        }
    }
    let line = if profile::is_on() { line() } else { 0 };
    let _restore = Restore(DETACHED.replace(Some(line)));
    crate::flags::detached(py, f)
}

/// Lets profiles find lines.
pub fn install() {
    profile::install_places(profile::Places { line, thread });
}
/// As `threading.get_ident` says.
fn thread() -> u64 {
    // SAFETY: asks the system.
    unsafe { ffi::PyThread_get_thread_ident() as u64 }
}
/// The line that runs now; 0 where none is found.
fn line() -> profile::Line {
    if let Some(line) = DETACHED.get() {
        return line;
    }
    Python::attach(|py| {
        // SAFETY: a borrowed frame of this thread, or null.
        let frame = unsafe { Bound::from_borrowed_ptr_or_opt(py, ffi::PyEval_GetFrame().cast()) };
        of(frame).unwrap_or_default()
    })
}

fn of(mut frame: Option<Any<'_>>) -> PyResult<profile::Line> {
    let mut first = None;
    while let Some(at) = frame {
        // SAFETY: a live frame; a new reference.
        let code = unsafe { Bound::from_owned_ptr(at.py(), ffi::PyFrame_GetCode(at.as_ptr().cast()).cast()) };
        let whose = whose(&code)?;
        if whose == Whose::User || (whose == Whose::Library && first.is_none()) {
            // SAFETY: a live frame.
            let mut number = unsafe { ffi::PyFrame_GetLineNumber(at.as_ptr().cast()) };
            if number < 0 {
                // An instruction of no line, such as the jump at the end of a loop.
                number = at.py().import("minpy._site")?.getattr("line_before")?.call1((&at,))?.extract()?;
            }
            if whose == Whose::User {
                return Ok(numbered(&code, number));
            }
            first = Some((code, number));
        }
        frame = Some(at.getattr("f_back")?).filter(|f| !f.is_none());
    }
    Ok(first.map_or(0, |(code, number)| numbered(&code, number)))
}
/// Whether a function of this package that is written in Python has called.
pub fn called_by_ours(py: Python<'_>) -> PyResult<bool> {
    // SAFETY: a borrowed frame of this thread, or null.
    let frame = unsafe { ffi::PyEval_GetFrame() };
    if frame.is_null() {
        return Ok(false);
    }
    // SAFETY: a live frame; a new reference.
    let code = unsafe { Bound::from_owned_ptr(py, ffi::PyFrame_GetCode(frame).cast()) };
    Ok(whose(&code)? == Whose::Ours)
}
fn whose(code: &Any<'_>) -> PyResult<Whose> {
    let (py, key) = (code.py(), code.as_ptr() as usize);
    if let Some(known) = met().as_ref().and_then(|m| m.codes.get(&key).map(|c| c.1)) {
        return Ok(known);
    }
    static WHOSE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let ask =
        WHOSE.get_or_try_init(py, || PyResult::Ok(py.import("minpy._site")?.getattr("whose")?.unbind()))?;
    let found = match ask.bind(py).call1((code.getattr("co_filename")?,))?.extract()? {
        0 => Whose::Ours,
        1 => Whose::Library,
        _ => Whose::User,
    };
    let kept = code.clone().unbind();
    let mut met = met();
    let all = met.get_or_insert_default();
    all.codes.insert(key, (kept, found));
    let forgotten = (all.codes.len() > MOST_CODES && all.lines.is_empty()).then(|| std::mem::take(all));
    drop(met); // code objects may die of it
    drop(forgotten);
    Ok(found)
}
fn numbered(code: &Any<'_>, number: i32) -> profile::Line {
    let (mut met, key) = (met(), (code.as_ptr() as usize, number));
    let Some(met) = met.as_mut() else { return 0 };
    *met.numbers.entry(key).or_insert_with(|| {
        met.lines.push(key);
        met.lines.len() as profile::Line
    })
}

/// Every line met, by number: `(file, line, function)`, the first of them none; and forgets them.
pub fn take(py: Python<'_>) -> PyResult<Vec<(String, i32, String)>> {
    let all = met().take().unwrap_or_default();
    let mut lines = vec![(String::new(), 0, String::new())];
    for (code, number) in &all.lines {
        let (code, _) = &all.codes[code];
        let text = |name: &str| -> PyResult<String> { code.bind(py).getattr(name)?.extract() };
        lines.push((text("co_filename")?, *number, text("co_qualname")?));
    }
    Ok(lines)
}

/// Notes where the threads are that are between two pieces of work.
pub fn sample(py: Python<'_>) -> PyResult<()> {
    let frames = py.import("sys")?.getattr("_current_frames")?.call0()?;
    let frames = frames.cast::<PyDict>()?;
    for thread in profile::between() {
        if let Some(frame) = frames.get_item(thread)? {
            profile::sampled(thread, of(Some(frame))?);
        }
    }
    Ok(())
}
