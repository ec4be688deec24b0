//! Operators: `+ - * / // % ** @ divmod`, bits, comparisons, their reflected and in-place forms, and conversions to
//! Python's numbers.
//!
//! Operands that core cannot compute with go to NumPy's own operator through `fallback`.

#![allow(unsafe_op_in_unsafe_fn, reason = "PyO3's code for slots that a macro of ours lists")]

use crate::array::{NdArray, PyArray, PyScalar, as_array, as_pyarray, wrap_result};
use crate::convert::{Arg, exact_number, operand};
use crate::element;
use crate::errors::Outcome;
use crate::fallback;
use crate::item::Rows;
use crate::numbers;
use crate::numpy::numpy;
use crate::run::{compute_into, compute_object, deliver, native};
use crate::slots::slots;
use minpy_core::{Array, DType, Number, OpDef, Operand, ops};
use pyo3::basic::CompareOp;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyComplex, PyFloat, PyNotImplemented, PyString};

/// `a op b`, where at least one side is ours; `symbol` is the operator's name in Python's module `operator`.
#[inline]
fn binary<'py>(
    op: &'static OpDef,
    symbol: &str,
    left: &Bound<'py, PyAny>,
    right: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = left.py();
    if native() {
        if let (Some(a), Some(b)) = (as_array(left), as_array(right)) {
            return compute_object(py, op, &[Operand::Array(a), Operand::Array(b)], || {
                are_scalars(&[left, right])
            });
        }
        if symbol == "mul" && (repeats(left, right)? || repeats(right, left)?) {
            return Ok(PyNotImplemented::get(py).to_owned().into_any());
        }
        if let Some(result) = between_scalars(symbol, left, right)? {
            return Ok(result);
        }
        let quiet = numbers::quiet(op);
        if let (Some(a), Some(b)) = (operand(left)?, operand(right)?) {
            drop(quiet);
            let (a, b) = settle(a, b)?;
            return compute_object(py, op, &[a.operand(), b.operand()], || are_scalars(&[left, right]));
        }
    }
    unusual(symbol, left, right)
}

/// Whether no operand is an array of no dimensions: NumPy's operators then compute with scalars.
#[cold]
fn are_scalars(operands: &[&Bound<'_, PyAny>]) -> bool {
    operands
        .iter()
        .all(|o| as_pyarray(o).map_or_else(|| !o.hasattr("ndim").unwrap_or(false), |p| p.is_scalar()))
}

/// A scalar of ours that may be NumPy's, and one of NumPy's: the result is NumPy's, like that of two elements.
#[inline]
fn between_scalars<'py>(
    symbol: &str,
    left: &Bound<'py, PyAny>,
    right: &Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let ours = |o| as_pyarray(o).is_some_and(|p| p.is_scalar());
    if !(ours(left) && element::is_scalar(right)? || ours(right) && element::is_scalar(left)?) {
        return Ok(None);
    }
    let Some(both) = element::all_theirs(&[left.clone(), right.clone()])? else { return Ok(None) };
    let (a, b) = (&both[0], &both[1]);
    Ok(Some(match symbol {
        "add" => a.add(b)?,
        "sub" => a.sub(b)?,
        "mul" => a.mul(b)?,
        "truediv" => a.div(b)?,
        "floordiv" => a.floor_div(b)?,
        "mod" => a.rem(b)?,
        "pow" => a.pow(b, left.py().None())?,
        "lt" => a.rich_compare(b, CompareOp::Lt)?,
        "le" => a.rich_compare(b, CompareOp::Le)?,
        "gt" => a.rich_compare(b, CompareOp::Gt)?,
        "ge" => a.rich_compare(b, CompareOp::Ge)?,
        "eq" => a.rich_compare(b, CompareOp::Eq)?,
        "ne" => a.rich_compare(b, CompareOp::Ne)?,
        _ => return Ok(None),
    }))
}

type Pair<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

/// `divmod(left, right)`.
fn quotient_and_rest<'py>(left: &Bound<'py, PyAny>, right: &Bound<'py, PyAny>) -> PyResult<Pair<'py>> {
    let py = left.py();
    if native()
        && let (Some(a), Some(b)) = (operand(left)?, operand(right)?)
    {
        let (a, b) = settle(a, b)?;
        let both = ops::divmod(a.operand(), b.operand()).py()?;
        return Ok((wrap_result(py, both.0)?, wrap_result(py, both.1)?));
    }
    Ok((binary(&ops::FLOOR_DIVIDE, "floordiv", left, right)?, binary(&ops::REMAINDER, "mod", left, right)?))
}

/// NumPy's arrays and scalars go where ours are.
fn settle<'a, 'b>(a: Arg<'a>, b: Arg<'b>) -> PyResult<(Arg<'a>, Arg<'b>)> {
    let device = match (&a, &b) {
        (Arg::Ours(x), _) | (_, Arg::Ours(x)) => x.device(),
        _ => return Ok((a, b)),
    };
    Ok((a.settle(device)?, b.settle(device)?))
}

/// Operands that are not ours: NumPy's rules for giving way, then NumPy's operator.
#[cold]
fn unusual<'py>(
    symbol: &str,
    left: &Bound<'py, PyAny>,
    right: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = left.py();
    let other = if as_array(left).is_some() { right } else { left };
    if native() && gives_way(other)? {
        return Ok(PyNotImplemented::get(py).to_owned().into_any());
    }
    fallback::operator(symbol, left, right)
}

/// Whether one operand is a scalar and the other a list or the like, which an integer repeats; an error for other numbers. Such a
/// type has Python's slot for repetition and none for products.
#[inline]
fn repeats(ours: &Bound<'_, PyAny>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
    match as_pyarray(ours) {
        Some(p) if p.is_scalar() && exact_number(other).is_none() => repeated(p.array(), other),
        _ => Ok(false),
    }
}
#[cold]
fn repeated(times: &Array, other: &Bound<'_, PyAny>) -> PyResult<bool> {
    let slot = |number| {
        // SAFETY: reading a slot of the type of a live object.
        let f = unsafe { ffi::PyType_GetSlot(other.get_type().as_type_ptr(), number) };
        !f.is_null()
    };
    if !slot(ffi::Py_sq_repeat) || slot(ffi::Py_nb_multiply) {
        return Ok(false);
    }
    if !times.dtype().is_integer() {
        return Err(PyTypeError::new_err(format!(
            "can't multiply sequence by non-int of type 'numpy.{}'",
            times.dtype()
        )));
    }
    Ok(true)
}

/// Whether the other operand wants to compute itself: `__array_ufunc__ = None`, a higher priority, a subclass of NumPy's array.
fn gives_way(other: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = other.py();
    let class = other.get_type();
    let ndarray = numpy(py)?.ndarray.bind(py);
    if class.is(ndarray) {
        return Ok(false);
    }
    if other.is_instance(ndarray)? {
        return Ok(true);
    }
    if let Ok(f) = class.getattr("__array_ufunc__") {
        return Ok(f.is_none());
    }
    match class.getattr("__array_priority__") {
        Ok(p) => Ok(p.extract::<f64>().is_ok_and(|p| p > 1000.0)),
        Err(_) => Ok(false),
    }
}

/// `a ** b`, with the small powers as their own operations, as in NumPy: not of its boolean scalars, whose square is a power
/// of integers.
fn power<'py>(left: &Bound<'py, PyAny>, right: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if native()
        && let (Some(p), Some(n)) = (as_pyarray(left), exact_number(right))
        && !(p.is_scalar() && p.array().dtype() == DType::Bool)
    {
        let a = p.array();
        let op = match n {
            Number::Int(2) => Some(&ops::SQUARE),
            Number::Float(2.0) if a.dtype().is_inexact() => Some(&ops::SQUARE),
            Number::Float(0.5) if a.dtype().is_inexact() => Some(&ops::SQRT),
            Number::Int(-1) if a.dtype().is_inexact() => Some(&ops::RECIPROCAL),
            _ => None,
        };
        if let Some(op) = op {
            let py = left.py();
            return compute_object(py, op, &[Operand::Array(a)], || are_scalars(&[left]));
        }
    }
    binary(&ops::POWER, "pow", left, right)
}

/// Operators as CPython calls them: with the operands in their order, of which one is ours.
macro_rules! operators {
    ($($slot:ident $f:ident |$left:ident, $right:ident| $result:expr;)*) => {
        $(
            unsafe fn $f(
                py: Python<'_>,
                left: *mut ffi::PyObject,
                right: *mut ffi::PyObject,
            ) -> PyResult<*mut ffi::PyObject> {
                let ($left, $right) = (Bound::ref_from_ptr(py, &left), Bound::ref_from_ptr(py, &right));
                $result.map(Bound::into_ptr)
            }
        )*
        slots! { PyArray: $($slot binaryfunc $f;)* }
    };
}
operators! { Py_nb_matrix_multiply matrix_multiply |a, b| product(a, b); }

macro_rules! binary_slots {
    ($($slot:ident $f:ident $i:ident $op:ident $symbol:literal;)*) => {
        operators! { $($slot $f |a, b| binary(&ops::$op, $symbol, a, b);)* }
        #[pymethods]
        impl NdArray {
            $(
                fn $i(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<()> {
                    in_place(&ops::$op, concat!("i", $symbol), slf, other)
                }
            )*
        }
    };
}
binary_slots! {
    Py_nb_add add __iadd__ ADD "add";
    Py_nb_subtract subtract __isub__ SUBTRACT "sub";
    Py_nb_multiply multiply __imul__ MULTIPLY "mul";
    Py_nb_true_divide divide __itruediv__ DIVIDE_ "truediv";
    Py_nb_floor_divide floor_divide __ifloordiv__ FLOOR_DIVIDE "floordiv";
    Py_nb_remainder remainder __imod__ REMAINDER "mod";
    Py_nb_and and __iand__ BITWISE_AND "and";
    Py_nb_or or __ior__ BITWISE_OR "or";
    Py_nb_xor xor __ixor__ BITWISE_XOR "xor";
    Py_nb_lshift left_shift __ilshift__ LEFT_SHIFT "lshift";
    Py_nb_rshift right_shift __irshift__ RIGHT_SHIFT "rshift";
}

/// `a op= b`: writes through the array.
fn in_place(
    op: &'static OpDef,
    symbol: &str,
    slf: &Bound<'_, NdArray>,
    other: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let me = slf.as_super().get();
    me.check_output()?;
    let a = me.array();
    if native()
        && let Some(b) = operand(other)?
    {
        let b = b.settle(a.device())?;
        return compute_into(slf.py(), op, &[Operand::Array(a), b.operand()], a);
    }
    fallback::operator(symbol, slf.as_any(), other).map(drop)
}

#[pymethods]
impl PyArray {
    fn __pow__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
        modulo: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if !modulo.is_none() {
            return Ok(PyNotImplemented::get(slf.py()).to_owned().into_any());
        }
        power(slf.as_any(), other)
    }
    fn __rpow__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
        modulo: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if !modulo.is_none() {
            return Ok(PyNotImplemented::get(slf.py()).to_owned().into_any());
        }
        binary(&ops::POWER, "pow", other, slf.as_any())
    }
    fn __divmod__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> PyResult<Pair<'py>> {
        quotient_and_rest(slf.as_any(), other)
    }
    fn __rdivmod__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> PyResult<Pair<'py>> {
        quotient_and_rest(other, slf.as_any())
    }
    fn __neg__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        unary(&ops::NEGATIVE, "neg", slf)
    }
    fn __pos__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        unary(&ops::POSITIVE, "pos", slf)
    }
    fn __abs__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        unary(&ops::ABSOLUTE, "abs", slf)
    }
    fn __invert__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        unary(&ops::INVERT, "invert", slf)
    }
    fn __richcmp__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
        op: CompareOp,
    ) -> PyResult<Bound<'py, PyAny>> {
        compare(slf.as_any(), other, op)
    }
}

#[pymethods]
impl NdArray {
    fn __ipow__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>, _modulo: &Bound<'_, PyAny>) -> PyResult<()> {
        in_place(&ops::POWER, "ipow", slf, other)
    }
    fn __imatmul__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<()> {
        let r = product(slf.as_any(), other)?;
        slf.as_super().get().check_writable()?;
        match (as_array(&r), slf.as_super().get().array()) {
            (Some(r), a) if r.shape() == a.shape() => deliver(slf.py(), "matmul", r, a),
            _ => Err(PyValueError::new_err(
                "matmul: the result does not fit the array that it is to be written to",
            )),
        }
    }
}

#[pymethods]
impl PyScalar {
    fn __hash__(slf: &Bound<'_, Self>) -> PyResult<isize> {
        number_of(slf.as_super().get().array(), slf.py())?.hash()
    }
    fn __richcmp__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
        op: CompareOp,
    ) -> PyResult<Bound<'py, PyAny>> {
        compare(slf.as_any(), other, op)
    }
}

fn compare<'py>(a: &Bound<'py, PyAny>, b: &Bound<'py, PyAny>, op: CompareOp) -> PyResult<Bound<'py, PyAny>> {
    match op {
        CompareOp::Eq => binary(&ops::EQUAL, "eq", a, b),
        CompareOp::Ne => binary(&ops::NOT_EQUAL, "ne", a, b),
        CompareOp::Lt => binary(&ops::LESS, "lt", a, b),
        CompareOp::Le => binary(&ops::LESS_EQUAL, "le", a, b),
        CompareOp::Gt => binary(&ops::GREATER, "gt", a, b),
        CompareOp::Ge => binary(&ops::GREATER_EQUAL, "ge", a, b),
    }
}

fn unary<'py>(op: &'static OpDef, symbol: &str, slf: &Bound<'py, PyArray>) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    if !native() {
        return fallback::call_module("operator", symbol, (slf,));
    }
    compute_object(py, op, &[Operand::Array(slf.get().array())], || slf.get().is_scalar())
}

/// `a @ b`.
pub fn product<'py>(a: &Bound<'py, PyAny>, b: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = a.py();
    if !native() {
        return fallback::operator("matmul", a, b);
    }
    let few = |k: usize| {
        PyValueError::new_err(format!(
            "matmul: Input operand {k} does not have enough dimensions (has 0, gufunc core with signature (n?,k),(k,m?)->(n?,m?) requires 1)"
        ))
    };
    match (operand(a)?, operand(b)?) {
        (Some(Arg::Number(_) | Arg::Scalar(_)), Some(_)) => Err(few(0)),
        (Some(_), Some(Arg::Number(_) | Arg::Scalar(_))) => Err(few(1)),
        (Some(x), Some(y)) => {
            let (x, y) = settle(x, y)?;
            let (Operand::Array(x), Operand::Array(y)) = (x.operand(), y.operand()) else {
                return Err(few(0));
            };
            let r = crate::run::heavy(py, x.size().max(y.size()), || ops::matmul(x, y))?;
            wrap_result(py, r)
        }
        _ => unusual("matmul", a, b),
    }
}

/// The only element as a Python number.
pub fn number_of<'py>(a: &Array, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
    let value = py.detach_if(a, || a.item()).py()?;
    number_to_py(py, value.number())
}
/// A number as Python's.
pub fn number_to_py(py: Python<'_>, n: Number) -> PyResult<Bound<'_, PyAny>> {
    Ok(match n {
        Number::Bool(b) => b.into_pyobject(py)?.to_owned().into_any(),
        Number::Int(i) => match i64::try_from(i) {
            Ok(i) => i.into_pyobject(py)?.into_any(),
            Err(_) => (i as u64).into_pyobject(py)?.into_any(),
        },
        Number::Float(f) => PyFloat::new(py, f).into_any(),
        Number::Complex(c) => PyComplex::from_doubles(py, c.re, c.im).into_any(),
    })
}

/// Waits for a device without the GIL; the host has nothing to wait for.
trait DetachIf {
    fn detach_if<R: Send>(self, a: &Array, f: impl FnOnce() -> R + Send) -> R;
}
impl DetachIf for Python<'_> {
    fn detach_if<R: Send>(self, a: &Array, f: impl FnOnce() -> R + Send) -> R {
        if a.device().is_host() { f() } else { crate::lines::detach(self, f) }
    }
}

fn only_scalar(a: &Array) -> PyResult<()> {
    if a.ndim() != 0 && a.size() != 1 {
        return Err(PyTypeError::new_err(format!(
            "only 0-dimensional arrays can be converted to Python scalars, not one of shape {}",
            minpy_core::backend::layout::show(a.shape())
        )));
    }
    if a.ndim() != 0 {
        return Err(PyTypeError::new_err("only 0-dimensional arrays can be converted to Python scalars"));
    }
    Ok(())
}

#[pymethods]
impl PyArray {
    fn __bool__(&self, py: Python<'_>) -> PyResult<bool> {
        let a = self.array();
        match a.size() {
            1 => number_of(a, py)?.is_truthy(),
            0 => Err(PyValueError::new_err(
                "The truth value of an empty array is ambiguous. Use `array.size > 0` to check that an array is not empty.",
            )),
            _ => Err(PyValueError::new_err(
                "The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()",
            )),
        }
    }
    fn __int__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        only_scalar(self.array())?;
        let number = real_part(number_of(self.array(), py)?)?;
        // SAFETY: a live number; a new reference or an error.
        unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyNumber_Long(number.as_ptr())) }
    }
    fn __float__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyFloat>> {
        only_scalar(self.array())?;
        let number = PyFloat::new(py, real_part(number_of(self.array(), py)?)?.extract()?);
        numbers::made(self.array(), number.as_any())?;
        Ok(number)
    }
    fn __complex__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        only_scalar(self.array())?;
        let number = py.import("builtins")?.getattr("complex")?.call1((number_of(self.array(), py)?,))?;
        numbers::made(self.array(), &number)?;
        Ok(number)
    }
    fn __index__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let a = self.array();
        if a.ndim() != 0 || !a.dtype().is_integer() {
            return Err(PyTypeError::new_err(
                "only integer scalar arrays can be converted to a scalar index",
            ));
        }
        number_of(a, py)
    }
    fn __iter__(slf: &Bound<'_, Self>) -> PyResult<Rows> {
        if slf.get().array().ndim() == 0 {
            return Err(PyTypeError::new_err("iteration over a 0-d array"));
        }
        Ok(Rows::new(slf.clone().unbind()))
    }
    fn __contains__(slf: &Bound<'_, Self>, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        let equal = compare(slf.as_any(), value, CompareOp::Eq)?;
        match as_array(&equal) {
            Some(e) => number_of(&ops::any(e, None, false).py()?, slf.py())?.is_truthy(),
            None => equal.call_method0("any")?.is_truthy(),
        }
    }
    fn __str__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyString>> {
        on_numpy(slf)?.str()
    }
    fn __repr__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyString>> {
        on_numpy(slf)?.repr()
    }
    fn __format__<'py>(slf: &Bound<'py, Self>, spec: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
        on_numpy(slf)?.call_method1("__format__", (spec,))
    }
}

/// The value as NumPy prints it: an array, or for a scalar NumPy's scalar.
fn on_numpy<'py>(slf: &Bound<'py, PyArray>) -> PyResult<Bound<'py, PyAny>> {
    let r = crate::host::to_numpy(slf.py(), slf.get().array(), false)?;
    if slf.get().is_scalar() { r.get_item(()) } else { Ok(r) }
}

/// What a complex number is as a real one: NumPy warns and drops the imaginary part.
fn real_part(n: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    if !n.is_instance_of::<PyComplex>() {
        return Ok(n);
    }
    let py = n.py();
    crate::errors::warn_complex(py)?;
    n.getattr("real")
}
