//! NumPy's own loops on one number: `np.sin(1.5)` and `np.maximum(x, 0)` have NumPy's bits, without NumPy's search for a loop, its arrays
//! and its questions about how exceptions are treated.
//!
//! Source of the structure: `numpy/ufuncobject.h`, which is NumPy's ABI. A loop is used only if it gives what the ufunc gives on a list of
//! numbers; where it meets an exception, and for everything but floats of Python's and NumPy's with small integers beside them, the ufunc
//! is called.

use crate::item;
use minpy_core::backend::flags;
use pyo3::ffi;
use pyo3::prelude::*;
use std::ffi::{c_char, c_int, c_void};

/// `PyUFuncGenericFunction`: one address for each operand, the number of elements, one step for each operand, and what belongs to the loop.
type Run = unsafe extern "C" fn(*mut *mut c_char, *const isize, *const isize, *mut c_void);

/// `PyUFuncObject`, as far as it is read.
#[repr(C)]
struct Fields {
    head: ffi::PyObject,
    inputs: c_int,
    outputs: c_int,
    operands: c_int,
    identity: c_int,
    functions: *const Option<Run>,
    data: *const *mut c_void,
    loops: c_int,
    reserved: c_int,
    name: *const c_char,
    types: *const c_char,
}
const BOOL: c_char = 0;
const DOUBLE: c_char = 12;

/// Most operands of a loop that is used.
const MOST: usize = 2;

/// The loop of a ufunc for float64.
pub struct Inner {
    run: Run,
    data: *mut c_void,
    inputs: usize,
    truth: bool,
    /// Integers alone have loops of their own.
    integers: bool,
}
// SAFETY: addresses of functions and constants that live as long as the process.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

impl Inner {
    /// The loop of NumPy's ufunc.
    #[cold]
    pub fn find(theirs: &Bound<'_, PyAny>) -> PyResult<Option<Inner>> {
        let py = theirs.py();
        let class = py.import("numpy")?.getattr("ufunc")?;
        let long: usize = class.getattr("__basicsize__")?.extract()?;
        if !theirs.get_type().is(&class)
            || long < size_of::<Fields>()
            || !theirs.getattr("signature")?.is_none()
        {
            return Ok(None);
        }
        let number = |name: &str| theirs.getattr(name)?.extract::<c_int>();
        let told = [number("nin")?, number("nout")?, number("nargs")?, number("ntypes")?];
        // SAFETY: an object of that class begins with the structure, whose numbers are those that Python is told; the lists have as many
        // entries as it says.
        let found = unsafe {
            let f = &*theirs.as_ptr().cast::<Fields>();
            if told != [f.inputs, f.outputs, f.operands, f.loops] {
                return Ok(None);
            }
            let (inputs, operands) = (f.inputs as usize, f.operands as usize);
            if f.outputs != 1 || inputs > MOST || operands != inputs + 1 || f.functions.is_null() {
                return Ok(None);
            }
            let types = |i: usize| std::slice::from_raw_parts(f.types.add(i * operands), operands);
            let all = 0..f.loops as usize;
            let double = |i: &usize| {
                let (last, first) = (types(*i)[inputs], &types(*i)[..inputs]);
                first.iter().all(|&t| t == DOUBLE) && (last == DOUBLE || last == BOOL)
            };
            let Some(at) = all.clone().find(double) else { return Ok(None) };
            let integers = all.clone().any(|i| (1..=10).contains(&types(i)[0]));
            let Some(run) = *f.functions.add(at) else { return Ok(None) };
            Inner { run, data: *f.data.add(at), inputs, truth: types(at)[inputs] == BOOL, integers }
        };
        let quiet = py.import("numpy")?.getattr("errstate")?.call((), Some(&all_ignored(py)?))?;
        quiet.call_method0("__enter__")?;
        let same = found.agrees(theirs);
        quiet.call_method1("__exit__", (py.None(), py.None(), py.None()))?;
        Ok(same?.then_some(found))
    }
    /// Whether it gives what the ufunc gives.
    fn agrees(&self, theirs: &Bound<'_, PyAny>) -> PyResult<bool> {
        const NUMBERS: [f64; 12] = [0.0, -0.0, 0.1, 0.5, -0.7, 1.0, 1.5, -2.25, 3.0, 17.3, -1234.5, 3.3e17];
        for a in NUMBERS {
            for b in NUMBERS {
                let result = match self.inputs {
                    1 => theirs.call1((a,))?,
                    _ => theirs.call1((a, b))?,
                };
                // SAFETY: as many numbers as the loop takes.
                let ours = unsafe { self.result([a, b]) };
                flags::set(0);
                let same = match self.truth {
                    true => (ours.to_bits() != 0) == result.is_truthy()?,
                    false => result.extract::<f64>()?.to_bits() == ours.to_bits(),
                };
                if !same {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
    /// The bits of the result.
    ///
    /// # Safety
    /// The loop takes at most so many numbers.
    #[inline]
    unsafe fn result(&self, mut numbers: [f64; MOST]) -> f64 {
        let mut result = 0f64;
        let mut operands = [std::ptr::null_mut(); MOST + 1];
        for (to, number) in operands.iter_mut().zip(&mut numbers).take(self.inputs) {
            *to = (&raw mut *number).cast::<c_char>();
        }
        operands[self.inputs] = (&raw mut result).cast();
        let (one, steps) = (1, [8isize; MOST + 1]);
        // SAFETY: one element at each operand; the loop and its data are NumPy's for these types.
        unsafe { (self.run)(operands.as_mut_ptr(), &one, steps.as_ptr(), self.data) };
        result
    }
    /// The ufunc of those numbers; `None` where NumPy is to be asked.
    ///
    /// # Safety
    /// As many live objects as the ufunc takes; attached to the interpreter.
    #[inline]
    pub unsafe fn call(&self, py: Python<'_>, objects: &[*mut ffi::PyObject]) -> Option<*mut ffi::PyObject> {
        if objects.len() != self.inputs {
            return None;
        }
        let (mut numbers, mut floats) = ([0f64; MOST], false);
        for (to, &object) in numbers.iter_mut().zip(objects) {
            // SAFETY: the caller's promise.
            unsafe {
                *to = if let Some(x) = item::float(py, object) {
                    floats = true;
                    x
                } else if ffi::PyLong_CheckExact(object) != 0 {
                    small(object)?
                } else {
                    return None;
                };
            }
        }
        if !floats && self.integers {
            return None;
        }
        flags::begin();
        // SAFETY: as many numbers as the loop takes.
        let result = unsafe { self.result(numbers) };
        if flags::is_raised() {
            flags::set(0);
            return None;
        }
        if self.truth { item::truth(py, result.to_bits() != 0) } else { item::float64(py, result) }
    }
}
/// An integer that is exact as a float.
///
/// # Safety
/// A live integer of Python's, attached to the interpreter.
#[inline]
unsafe fn small(object: *mut ffi::PyObject) -> Option<f64> {
    let mut overflow = 0;
    // SAFETY: the caller's promise.
    let i = unsafe { ffi::PyLong_AsLongLongAndOverflow(object, &mut overflow) };
    (overflow == 0 && i.unsigned_abs() <= 1 << 53).then_some(i as f64)
}
fn all_ignored(py: Python<'_>) -> PyResult<Bound<'_, pyo3::types::PyDict>> {
    let words = pyo3::types::PyDict::new(py);
    words.set_item("all", "ignore")?;
    Ok(words)
}
