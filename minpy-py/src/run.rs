//! The way from the shim into core: calls, with the GIL released where the work is worth it.

use crate::array::wrap_result;
use crate::errors::Outcome;
use crate::flags;
use minpy_core::internal::context;
use minpy_core::{Array, Attrs, OpDef, Operand, Result, Target, ops};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

/// Flag of core's context in which the Python package keeps the policy `only_numpy`.
pub const ONLY_NUMPY: u32 = 1 << 16;
/// Elements from which on other Python threads may run meanwhile.
pub const WORTH_DETACHING: usize = 100_000;

/// Whether operations may run in core: not under the policy `only_numpy`. A tape sees nothing of NumPy, so that while
/// one records, operations stay in core.
#[inline]
pub fn native() -> bool {
    let flags = context::flags();
    flags & ONLY_NUMPY == 0 || flags & context::RECORDING != 0
}

/// Runs `f` without the GIL when it handles many elements.
#[inline]
pub fn heavy<R: Send>(py: Python<'_>, elements: usize, f: impl FnOnce() -> Result<R> + Send) -> PyResult<R> {
    if elements < WORTH_DETACHING { f() } else { crate::lines::detach(py, f) }.py()
}

#[inline]
fn elements(inputs: &[Operand]) -> usize {
    let mut most = 0;
    for a in inputs.iter().filter_map(|o| o.array()) {
        // Few bytes have few elements, unless they are repeated.
        if !a.layout().is_contiguous() || a.buffer().bytes() >= WORTH_DETACHING {
            most = most.max(a.size());
        }
    }
    most
}

/// Calls an elementwise operation.
#[inline]
pub fn compute(py: Python<'_>, op: &'static OpDef, inputs: &[Operand]) -> PyResult<Array> {
    heavy(py, elements(inputs), || ops::call(op, Attrs::NONE, inputs, None, Target::New))
}
/// The same, with the result as a Python object: moved once. `of_scalars`: whether NumPy would have computed it of its scalars, which
/// is asked where there is something to tell of.
#[inline]
pub fn compute_object<'py>(
    py: Python<'py>,
    op: &'static OpDef,
    inputs: &[Operand],
    of_scalars: impl FnOnce() -> bool,
) -> PyResult<Bound<'py, PyAny>> {
    if elements(inputs) >= WORTH_DETACHING {
        return wrap_result(py, compute(py, op, inputs)?);
    }
    match ops::call(op, Attrs::NONE, inputs, None, Target::New) {
        Ok(a) => {
            flags::check_of(of_scalars)?;
            wrap_result(py, a)
        }
        Err(e) => Err(e).py(),
    }
}
/// The same into an existing array.
pub fn compute_into(py: Python<'_>, op: &'static OpDef, inputs: &[Operand], out: &Array) -> PyResult<()> {
    heavy(py, elements(inputs), || ops::call(op, Attrs::NONE, inputs, None, Target::Into(out)).map(drop))
}
/// Copies a result into an array by the rule for outputs of ufuncs: a number is not cast to one of a lesser kind.
pub fn deliver(py: Python<'_>, name: &str, r: &Array, out: &Array) -> PyResult<()> {
    if !r.dtype().can_cast_same_kind(out.dtype()) {
        return Err(PyTypeError::new_err(format!(
            "Cannot cast ufunc '{name}' output from dtype('{}') to dtype('{}') with casting rule 'same_kind'",
            r.dtype(),
            out.dtype()
        )));
    }
    compute_into(py, &ops::COPY, &[Operand::Array(r)], out)
}
