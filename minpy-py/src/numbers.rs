//! Python's numbers made of watched arrays (`float(x)`): constants, which is right in a print or an `if` and loses a gradient
//! where one goes on computing with them.
//!
//! A number that another call asked for by itself (`math.sin(x)`, `numpy.float64(x)`) departs at once: what that call gives is made
//! of it. One that the program asked for is remembered as the object it is, and departs where that object takes part in an array
//! operation or is the result of the differentiated function.

use crate::convert::any_leaf;
use crate::errors::Outcome;
use minpy_autograd::{Mark, departed, is_watched, mark};
use minpy_core::backend::memory;
use minpy_core::internal::context;
use minpy_core::{Array, OpDef};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use rustc_hash::FxHashMap;
use std::cell::{Cell, RefCell};

/// Numbers remembered before it is looked which of them the program has let go of.
const MANY: usize = 1 << 14;

/// Objects by address. They are kept alive, so that no other gets the address of one.
type Numbers = FxHashMap<usize, (Py<PyAny>, Mark)>;

thread_local! {
    static NUMBERS: RefCell<Numbers> = RefCell::default();
    static QUIET: Cell<bool> = const { Cell::new(false) };
    /// How many may be remembered until then.
    static ROOM: Cell<usize> = const { Cell::new(MANY) };
}

/// See `minpy_core::internal::prepare_thread`.
pub fn prepare_thread() {
    NUMBERS.with(|_| ());
    QUIET.with(|_| ());
    ROOM.with(|_| ());
}

/// Notes that `number` was made of the array.
#[inline]
pub fn made(array: &Array, number: &Bound<'_, PyAny>) -> PyResult<()> {
    if is_watched(array) { note(array, number) } else { Ok(()) }
}
#[cold]
fn note(array: &Array, number: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = number.py();
    let by = ask(py, &ASKED_BY, "asked_by")?.call0()?;
    if !by.is_none() {
        return departed(array, place(py, &by.extract::<String>()?)?).py();
    }
    let Some(mark) = mark(array) else { return Ok(()) };
    NUMBERS.with_borrow_mut(|all| {
        if all.len() >= ROOM.get() {
            // What nobody else holds takes part in nothing any more.
            // SAFETY: live objects.
            all.retain(|_, (number, _)| unsafe { ffi::Py_REFCNT(number.as_ptr()) } > 1);
            ROOM.set(MANY.max(2 * all.len()));
        }
        memory::fallible(|| all.try_reserve(1)).or_else(|_| memory::exhausted()).py()?;
        all.insert(number.as_ptr() as usize, (number.clone().unbind(), mark));
        Ok(())
    })
}
/// A function of `minpy._departures`.
fn ask<'py>(
    py: Python<'py>,
    known: &'static PyOnceLock<Py<PyAny>>,
    name: &str,
) -> PyResult<&'py Bound<'py, PyAny>> {
    let f = known
        .get_or_try_init(py, || Ok::<_, PyErr>(py.import("minpy._departures")?.getattr(name)?.unbind()))?;
    Ok(f.bind(py))
}
static ASKED_BY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static PLACE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
/// A number for the user's line that runs now, where something left the tape in the words of `how`.
pub fn place(py: Python<'_>, how: &str) -> PyResult<u32> {
    ask(py, &PLACE, "place")?.call1((how,))?.extract()
}

/// A number takes part in something that may be recorded, or is what a differentiated function gave.
#[inline]
pub fn takes_part(number: &Bound<'_, PyAny>) {
    if context::flags() & context::RECORDING != 0 {
        look(number);
    }
}
/// The same for each number in nested lists and tuples.
pub fn take_part(list: &Bound<'_, PyAny>) -> PyResult<()> {
    if context::flags() & context::RECORDING == 0 || NUMBERS.with_borrow(|all| all.is_empty()) {
        return Ok(());
    }
    any_leaf(list, &mut |item| {
        look(item);
        false
    })
    .map(drop)
}
/// Until it is dropped numbers take part in nothing: an operation whose results are constants loses no gradient (`x > c`).
pub struct Quiet(bool);
#[inline]
pub fn quiet(op: &'static OpDef) -> Quiet {
    quiet_if(context::flags() & context::RECORDING != 0 && op.constant)
}
/// The same for a function whose results are constants.
#[inline]
pub fn quiet_if(constant: bool) -> Quiet {
    Quiet(constant && !QUIET.replace(true))
}
impl Drop for Quiet {
    #[inline]
    fn drop(&mut self) {
        if self.0 {
            QUIET.set(false);
        }
    }
}
#[cold]
fn look(number: &Bound<'_, PyAny>) {
    if QUIET.get() {
        return;
    }
    let known = NUMBERS.with_borrow(|all| all.get(&(number.as_ptr() as usize)).map(|(_, mark)| *mark));
    if let Some(mark) = known {
        let noted = place(number.py(), "a number that float() made of it").and_then(|p| mark.used(p).py());
        if let Err(e) = noted {
            e.write_unraisable(number.py(), Some(number));
        }
    }
}

/// Forgets the numbers of this thread when it is dropped outside of every session.
pub struct Forget;
impl Drop for Forget {
    fn drop(&mut self) {
        if context::flags() & context::RECORDING == 0 {
            let all = NUMBERS.take();
            ROOM.set(MANY);
            drop(all);
        }
    }
}
