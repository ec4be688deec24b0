//! `ufunc`: one object per elementwise operation of core's registry, with NumPy's interface.
//!
//! Table-driven: a row added to core's table appears in `minpy.numpy`. Arguments that core does not know
//! (`casting=`, `order=`, dtypes of NumPy's own) hand the call to NumPy's ufunc of the same name.
//!
//! Longer than most files: one class of NumPy's with all of its methods.

use crate::array::{as_array, as_pyarray, wrap_result};
use crate::convert::{Arg, operand};
use crate::errors::Outcome;
use crate::fallback;
use crate::inner::Inner;
use crate::item;
use crate::numpy::{dtype_from, given, numpy};
use crate::reader::read;
use crate::run::{compute, compute_object, heavy, native};
use crate::slots::slot;
use crate::vector::{Args, Entry, call_by_vector, positional};
use minpy_core::backend::Prim;
use minpy_core::backend::function::{Default, Kind, Value, settle};
use minpy_core::internal::context;
use minpy_core::internal::written::{enter_as, kept};
use minpy_core::{Array, Attrs, DType, ErrorKind, OpDef, Operand, Target, ops};
use pyo3::exceptions::{PyAttributeError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::impl_::trampoline::{MethodDef, fastcall_cfunction_with_keywords as fastcall};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::type_object::PyTypeInfo;
use pyo3::types::{PyBool, PyDict, PyString, PyTuple};
use smallvec::SmallVec;

/// An elementwise operation, with NumPy's interface: call it, or its methods `reduce`, `accumulate`, `reduceat`, `outer` and `at`.
#[pyclass(frozen, name = "ufunc", module = "minpy.numpy", weakref)]
pub struct Ufunc {
    /// What CPython calls, see [`install`].
    entry: Entry,
    op: &'static OpDef,
    /// NumPy's ufunc of that name, for the attributes and for what core cannot do.
    numpy: Option<Py<PyAny>>,
    /// Its loop for single numbers, once one was asked for.
    inner: PyOnceLock<Option<Inner>>,
}

/// What folds an operation along axes, where core has it: the reduction, and the scan.
fn folds(name: &str) -> Option<(&'static OpDef, Option<&'static OpDef>)> {
    Some(match name {
        "add" => (&ops::SUM, Some(&ops::CUMSUM)),
        "multiply" => (&ops::PROD, Some(&ops::CUMPROD)),
        "maximum" => (&ops::MAX, None),
        "minimum" => (&ops::MIN, None),
        "logical_and" => (&ops::ALL, None),
        "logical_or" => (&ops::ANY, None),
        "bitwise_and" => (&ops::BITWISE_AND_REDUCE, None),
        "bitwise_or" => (&ops::BITWISE_OR_REDUCE, None),
        "bitwise_xor" => (&ops::BITWISE_XOR_REDUCE, None),
        _ => return None,
    })
}
/// `reduce` by core; `None` when NumPy must do it.
fn fold<'py>(
    py: Python<'py>,
    op: &'static OpDef,
    array: &Bound<'py, PyAny>,
    axis: Option<&Bound<'py, PyAny>>,
    dtype: Option<&Bound<'py, PyAny>>,
    out: Option<&Bound<'py, PyAny>>,
    keepdims: Option<&Bound<'py, PyAny>>,
    mask: Option<&Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let kinds = [Kind::Array, Kind::Axes, Kind::DType, Kind::Out, Kind::Flag, Kind::Mask];
    let Some(mut values) = read_all(&kinds, &[Some(array), axis, dtype, out, keepdims, mask])? else {
        return Ok(None);
    };
    settle(&mut values).py()?;
    let axes = match &values[1] {
        Value::Ints(list) => Some(list.as_slice()),
        _ => None,
    };
    let (Some(a), keep) = (values[0].array(), matches!(values[4], Value::Flag(true))) else {
        return Ok(None);
    };
    if !matches!(values[5], Value::Absent) {
        return Ok(None);
    }
    let target = values[3].array();
    let r = heavy(py, a.size(), || {
        match ops::fold(op, a, axes, dtype_of(&values[2]), target, keep, None, None) {
            Err(e) if e.kind() == ErrorKind::NotNative => Ok(None),
            r => r.map(Some),
        }
    })?;
    r.map_or(Ok(None), |r| finish(py, r, target.and(out)))
}
/// `accumulate` by core.
fn scan<'py>(
    py: Python<'py>,
    op: &'static OpDef,
    array: &Bound<'py, PyAny>,
    axis: &Bound<'py, PyAny>,
    dtype: Option<&Bound<'py, PyAny>>,
    out: Option<&Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let kinds = [Kind::Array, Kind::Axis, Kind::DType, Kind::Out];
    let Some(mut values) = read_all(&kinds, &[Some(array), Some(axis), dtype, out])? else { return Ok(None) };
    settle(&mut values).py()?;
    let axis = match &values[1] {
        Value::Ints(list) => Some(list[0]),
        _ => None,
    };
    let Some(a) = values[0].array() else { return Ok(None) };
    let target = values[3].array();
    let r = heavy(py, a.size(), || match ops::running(op, a, axis, dtype_of(&values[2]), target) {
        Err(e) if e.kind() == ErrorKind::NotNative => Ok(None),
        r => r.map(Some),
    })?;
    r.map_or(Ok(None), |r| finish(py, r, target.and(out)))
}
fn dtype_of(value: &Value) -> Option<DType> {
    match value {
        Value::DType(d) => Some(*d),
        _ => None,
    }
}
fn finish<'py>(
    py: Python<'py>,
    r: Array,
    out: Option<&Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    out.map_or_else(|| wrap_result(py, r), |out| Ok(out.clone())).map(Some)
}
/// The arguments by their kinds; `None` when NumPy must have them.
fn read_all<'a, 'py>(
    kinds: &[Kind],
    objects: &[Option<&'a Bound<'py, PyAny>>],
) -> PyResult<Option<SmallVec<[Value<'a>; 6]>>> {
    kinds
        .iter()
        .zip(objects)
        .map(|(k, o)| o.map_or(Ok(Some(Value::Absent)), |o| read(*k, Default::None, o)))
        .collect()
}
/// The primitive that `ufunc.at` repeats.
fn primitive(name: &str) -> Option<Prim> {
    Some(match name {
        "add" => Prim::Add,
        "subtract" => Prim::Sub,
        "multiply" => Prim::Mul,
        "maximum" => Prim::Maximum,
        "minimum" => Prim::Minimum,
        _ => return None,
    })
}

/// Whether `ufunc.at` computes in the dtype of the array, so that core can cast the value first. Otherwise NumPy computes in
/// a wider one and casts each result, of whatever kind.
fn stays(prim: Prim, b: &Bound<'_, PyAny>, value: &Array, to: DType) -> bool {
    match crate::convert::exact_number(b) {
        Some(n) => n.promote_weak(to) == to && n.to_scalar(to).is_ok(),
        // Sums and products of integers are the same modulo any power of two.
        None if to.is_integer() && matches!(prim, Prim::Maximum | Prim::Minimum) => {
            DType::promote(value.dtype(), to) == to
        }
        None => value.dtype().can_cast_same_kind(to),
    }
}

/// What `out=` gives: an array, or nothing, for each result.
type Outs<'py> = SmallVec<[Option<Bound<'py, PyAny>>; 1]>;

/// Keyword arguments of a call that core knows; `None` when there is another one.
struct Options<'py> {
    out: Option<Outs<'py>>,
    mask: Option<Bound<'py, PyAny>>,
    dtype: Option<DType>,
}
impl<'py> Options<'py> {
    fn read(kwargs: Option<&Bound<'py, PyDict>>, results: usize) -> PyResult<Option<Self>> {
        let mut o = Options { out: None, mask: None, dtype: None };
        for (k, v) in kwargs.into_iter().flatten() {
            let k = k.cast_into::<PyString>()?;
            match k.to_cow()?.as_ref() {
                "out" => o.out = outs(v, results)?,
                "where" if v.extract::<bool>().is_ok_and(|b| b) && as_array(&v).is_none() => {}
                "where" => o.mask = Some(v),
                "dtype" if v.is_none() => {}
                "dtype" => match dtype_from(&v)? {
                    Some(d) => o.dtype = Some(d),
                    None => return Ok(None),
                },
                "casting" if v.eq("same_kind")? => {}
                "order" if v.eq("K")? => {}
                "subok" if v.is_exact_instance_of::<PyBool>() => {}
                _ => return Ok(None),
            }
        }
        Ok(Some(o))
    }
}
/// `out=x`, `out=(x,)` or `out=None`; of several results `out=(x, None)`.
fn outs(v: Bound<'_, PyAny>, results: usize) -> PyResult<Option<Outs<'_>>> {
    if v.is_none() {
        return Ok(None);
    }
    let list: Outs = match v.cast::<PyTuple>() {
        Ok(t) if t.len() == results => t.iter().map(|x| if x.is_none() { None } else { Some(x) }).collect(),
        Ok(_) => {
            return Err(PyValueError::new_err(
                "The 'out' tuple must have exactly one entry per ufunc output",
            ));
        }
        Err(_) if results == 1 => [Some(v)].into_iter().collect(),
        Err(_) => return Err(PyTypeError::new_err("'out' must be a tuple of arrays")),
    };
    Ok(list.iter().any(|o| o.is_some()).then_some(list))
}

impl Ufunc {
    fn hand_over<'py>(
        &self,
        py: Python<'py>,
        method: &str,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if self.numpy.is_none() {
            return Err(PyTypeError::new_err(format!(
                "ufunc '{}' not supported for these arguments (NumPy has no function of that name)",
                self.op.name
            )));
        }
        let name =
            if method.is_empty() { self.op.name.to_string() } else { format!("{}.{method}", self.op.name) };
        fallback::call(py, &name, args, kwargs)
    }
    fn attribute<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        match &self.numpy {
            Some(f) => f.bind(py).getattr(name),
            None => {
                Err(PyAttributeError::new_err(format!("ufunc '{}' has no attribute {name}", self.op.name)))
            }
        }
    }
}

/// The operands, NumPy's arrays moved to where ours are. `None` when one of them is nothing for core.
pub fn operands<'a>(
    op: &'static OpDef,
    args: &'a [Bound<'_, PyAny>],
) -> PyResult<Option<SmallVec<[Arg<'a>; 3]>>> {
    let _quiet = crate::numbers::quiet(op);
    let mut list: SmallVec<[Arg<'a>; 3]> = SmallVec::new();
    let mut device = None;
    for a in args {
        match operand(a)? {
            Some(x) => {
                if let Arg::Ours(a) = &x {
                    device = device.or(Some(a.device()));
                }
                list.push(x);
            }
            None => return Ok(None),
        }
    }
    let made = list.iter().any(|x| matches!(x, Arg::Made(_)));
    if made {
        let device = match device {
            Some(d) => d,
            None => minpy_core::context::current_device().py()?,
        };
        list = list.into_iter().map(|x| x.settle(device)).collect::<PyResult<_>>()?;
    }
    Ok(Some(list))
}

/// The result of numbers only is a number with a dtype, as NumPy's.
fn strong(r: Array, operands: &[Operand]) -> Array {
    if r.is_weak() && operands.iter().all(|o| o.array().is_none()) { r.with_weak(false) } else { r }
}

slot! { Ufunc: Py_tp_call ternaryfunc call }

/// A call with a tuple and a dictionary, or nothing.
unsafe extern "C" fn call(
    object: *mut ffi::PyObject,
    args: *mut ffi::PyObject,
    kwargs: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: CPython calls with a live object of the class, a tuple, and a dictionary or nothing, attached to the interpreter.
    unsafe {
        pyo3::impl_::trampoline::get_trampoline_function!(ternaryfunc, general_call)(object, args, kwargs)
    }
}
/// A call by vector; of numbers alone without pyo3's guards.
unsafe extern "C" fn vector_call(
    object: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    nargs: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: by the convention: a live object of the class, as many arguments, names or nothing; attached to the interpreter.
    unsafe {
        if names.is_null()
            && context::flags() == 0
            && let Some(found) = of_scalars(object, args, positional(nargs))
        {
            return found;
        }
        fastcall::<Called>(object, args, nargs, names)
    }
}
/// What NumPy's ufunc gives for numbers alone, where nothing is recorded and the host is in charge.
///
/// # Safety
/// As for `vector_call`.
#[inline]
unsafe fn of_scalars(
    object: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    n: usize,
) -> Option<*mut ffi::PyObject> {
    // SAFETY: the caller's promise.
    unsafe {
        let py = Python::assume_attached();
        let me = Bound::ref_from_ptr(py, &object).cast_unchecked::<Ufunc>().get();
        if n != me.op.arity || n == 0 {
            return None;
        }
        let args = std::slice::from_raw_parts(args, n);
        if !args.iter().all(|&a| item::is_number(py, a)) {
            return None;
        }
        let theirs = me.numpy.as_ref()?;
        if !minpy_core::context::current_device().is_ok_and(|d| d.is_host()) {
            return None;
        }
        if let Some(Some(inner)) = me.inner.get(py)
            && let Some(found) = inner.call(py, args)
        {
            return Some(found);
        }
        let tuple = ffi::PyTuple_New(n as isize);
        if tuple.is_null() {
            return Some(tuple);
        }
        for (i, &a) in args.iter().enumerate() {
            ffi::Py_INCREF(a);
            ffi::PyTuple_SetItem(tuple, i as isize, a);
        }
        let found = ffi::PyObject_Call(theirs.as_ptr(), tuple, std::ptr::null_mut());
        ffi::Py_DECREF(tuple);
        if !found.is_null() && me.inner.get(py).is_none() {
            me.look_inside(py);
        }
        Some(found)
    }
}
struct Called;
impl MethodDef<fastcall::Func> for Called {
    const METH: fastcall::Func = entered;
}
unsafe fn entered<'py>(
    py: Python<'py>,
    object: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    nargs: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> PyResult<*mut ffi::PyObject> {
    // SAFETY: by the convention of vector calls, of a live object of the class.
    unsafe {
        let me = Bound::ref_from_ptr(py, &object).cast_unchecked::<Ufunc>().get();
        let args = Args::new(py, args, nargs, names);
        let kwargs = args.has_names().then(|| args.dict()).transpose()?;
        me.called(py, args.positional().cloned().collect(), kwargs.as_ref()).map(Bound::into_ptr)
    }
}
unsafe fn general_call(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    args: *mut ffi::PyObject,
    kwargs: *mut ffi::PyObject,
) -> PyResult<*mut ffi::PyObject> {
    // SAFETY: as for `call`.
    unsafe {
        let me = Bound::ref_from_ptr(py, &object).cast_unchecked::<Ufunc>().get();
        let kwargs = (!kwargs.is_null()).then(|| Bound::ref_from_ptr(py, &kwargs).cast_unchecked());
        let args = Bound::ref_from_ptr(py, &args).cast_unchecked::<PyTuple>();
        me.called(py, args.iter().collect(), kwargs).map(Bound::into_ptr)
    }
}
/// Positional arguments.
type Given<'py> = SmallVec<[Bound<'py, PyAny>; 4]>;

/// Lets CPython call ufuncs by vector. Once, when the first of them has been made.
fn install(first: &Bound<'_, Ufunc>) {
    let place = std::ptr::from_ref(&first.get().entry) as isize - first.as_ptr() as isize;
    // SAFETY: a class of ours, with an entry there; nobody has seen the object yet.
    unsafe { call_by_vector(Ufunc::type_object_raw(first.py()), place, false) };
}

impl Ufunc {
    /// Looks for the loop for single numbers. What goes wrong there, goes wrong for nobody.
    #[cold]
    fn look_inside(&self, py: Python<'_>) {
        let found = self.numpy.as_ref().and_then(|f| Inner::find(f.bind(py)).ok().flatten());
        let _ = self.inner.set(py, found);
    }
    fn called<'py>(
        &self,
        py: Python<'py>,
        given: Given<'py>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let args = || PyTuple::new(py, &given);
        let (n, results) = (self.op.arity, self.op.results);
        if given.len() < n || given.len() > n + results {
            return Err(PyTypeError::new_err(format!(
                "{}() takes from {n} to {} positional arguments but {} {} given",
                self.op.name,
                n + results,
                given.len(),
                if given.len() == 1 { "was" } else { "were" }
            )));
        }
        if !native() {
            return self.hand_over(py, "", &args()?, kwargs);
        }
        let Some(inputs) = operands(self.op, &given[..n])? else {
            return self.hand_over(py, "", &args()?, kwargs);
        };
        let operands: SmallVec<[Operand; 3]> = inputs.iter().map(|a| a.operand()).collect();
        if kwargs.is_none() && given.len() == n && results == 1 {
            if operands.iter().any(|o| o.array().is_some()) {
                return compute_object(py, self.op, &operands, || false);
            }
            // Numbers of other classes than those that were looked for.
            if let Some(theirs) = &self.numpy
                && context::flags() == 0
                && minpy_core::context::current_device().py()?.is_host()
            {
                return theirs.bind(py).call1(args()?);
            }
            return wrap_result(py, strong(compute(py, self.op, &operands)?, &operands));
        }
        let Some(mut options) = Options::read(kwargs, results)? else {
            return self.hand_over(py, "", &args()?, kwargs);
        };
        if given.len() > n {
            if options.out.is_some() {
                return Err(PyTypeError::new_err(
                    "cannot specify 'out' as both a positional and keyword argument",
                ));
            }
            let mut list: Outs = given[n..].iter().map(|x| (!x.is_none()).then(|| x.clone())).collect();
            if let ([Some(only)], 1) = (&list[..], results)
                && only.is_instance_of::<PyTuple>()
            {
                list = outs(only.clone(), 1)?.unwrap_or_default();
            }
            list.resize(results, None);
            options.out = list.iter().any(|o| o.is_some()).then_some(list);
        }
        for out in options.out.iter().flatten().flatten() {
            if as_array(out).is_some() {
                continue;
            }
            if out.is_instance(numpy(py)?.ndarray.bind(py))? {
                return self.hand_over(py, "", &args()?, kwargs);
            }
            return Err(PyTypeError::new_err("return arrays must be of ArrayType"));
        }
        if let Some(d) = options.dtype {
            for o in &operands {
                let fine = match o {
                    Operand::Number(n) => n.promote_weak(d) == d,
                    o => o.dtype().can_cast_same_kind(d),
                };
                if !fine {
                    return Err(PyTypeError::new_err(format!(
                        "Cannot cast ufunc '{}' input from dtype('{}') to dtype('{d}') with casting rule 'same_kind'",
                        self.op.name,
                        o.dtype()
                    )));
                }
            }
        }
        // Only some ops compute in the dtype that is asked for: comparisons have other loops in NumPy.
        if options
            .dtype
            .is_some_and(|d| self.op.elementwise().is_some_and(|e| (e.rule.compute)(d) != Some(d)))
        {
            return self.hand_over(py, "", &args()?, kwargs);
        }
        let attrs = options.dtype.as_ref().map_or(Attrs::NONE, Attrs::of);
        let mask_object = options.mask;
        let mask = mask_object.as_ref().map(crate::convert::mask_from).transpose()?;
        let size = operands.iter().filter_map(|o| o.array()).map(|a| a.size()).max().unwrap_or(0);
        let into = options.out.unwrap_or_else(|| SmallVec::from_elem(None, results));
        let mut targets: SmallVec<[Target; 2]> = SmallVec::new();
        for out in &into {
            targets.push(match out.as_ref().and_then(as_pyarray) {
                Some(p) => {
                    p.check_output()?;
                    Target::Into(p.array())
                }
                None => Target::New,
            });
        }
        if let ([target], [out]) = (&targets[..], &into[..]) {
            let r = heavy(py, size, || ops::call(self.op, attrs, &operands, mask.as_ref(), *target))?;
            return out.as_ref().map_or_else(|| wrap_result(py, strong(r, &operands)), |o| Ok(o.clone()));
        }
        let all = heavy(py, size, || ops::call_all(self.op, attrs, &operands, mask.as_ref(), &targets))?;
        let each = all.into_iter().zip(&into).map(|(r, out)| match out {
            Some(o) => Ok(o.clone()),
            None => wrap_result(py, strong(r, &operands)),
        });
        Ok(PyTuple::new(py, each.collect::<PyResult<SmallVec<[_; 2]>>>()?)?.into_any())
    }
}

#[pymethods]
impl Ufunc {
    /// Folds the operation along axes: of `add`, the sum.
    ///
    /// axis: along which; the first one when it is not given, None: all.
    /// dtype: in which it is computed and given.
    /// out: an array of ours that takes the result.
    /// keepdims: axes that are gone stay as axes of length 1.
    /// initial: the value to begin with.
    /// where: a mask of the elements that count.
    #[pyo3(signature = (array, axis=AxisArgument::Default, dtype=None, out=None, keepdims=None, initial=None, r#where=None, **kwargs))]
    fn reduce<'py>(
        &self,
        py: Python<'py>,
        array: &Bound<'py, PyAny>,
        axis: AxisArgument<'py>,
        dtype: Option<&Bound<'py, PyAny>>,
        out: Option<&Bound<'py, PyAny>>,
        keepdims: Option<&Bound<'py, PyAny>>,
        initial: Option<&Bound<'py, PyAny>>,
        r#where: Option<&Bound<'py, PyAny>>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let _entered = enter_as(|| kept(&format!("{}.reduce", self.op.name)));
        let zero = 0i32.into_pyobject(py)?.into_any();
        let axis = match &axis {
            AxisArgument::Default => Some(&zero),
            AxisArgument::Given(a) if a.is_none() => None,
            AxisArgument::Given(a) => Some(a),
        };
        if let Some((op, _)) = folds(self.op.name)
            && native()
            && kwargs.is_none()
            && !(matches!(self.op.name, "maximum" | "minimum") && dtype.is_some())
            && given(initial).is_none()
            && let Some(r) = fold(py, op, array, axis, dtype, out, keepdims, r#where)?
        {
            return Ok(r);
        }
        let k = match kwargs {
            Some(k) => k.copy()?,
            None => PyDict::new(py),
        };
        k.set_item("axis", axis)?;
        for (name, v) in
            [("dtype", dtype), ("out", out), ("keepdims", keepdims), ("initial", initial), ("where", r#where)]
        {
            if let Some(v) = v {
                k.set_item(name, v)?;
            }
        }
        self.hand_over(py, "reduce", &PyTuple::new(py, [array])?, Some(&k))
    }

    /// The running results of the operation along an axis: of `add`, the cumulative sum.
    ///
    /// axis: along which.
    /// dtype: in which it is computed and given.
    /// out: an array of ours that takes the result.
    #[pyo3(signature = (array, axis=None, dtype=None, out=None))]
    fn accumulate<'py>(
        &self,
        py: Python<'py>,
        array: &Bound<'py, PyAny>,
        axis: Option<&Bound<'py, PyAny>>,
        dtype: Option<&Bound<'py, PyAny>>,
        out: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let _entered = enter_as(|| kept(&format!("{}.accumulate", self.op.name)));
        let zero = 0i32.into_pyobject(py)?.into_any();
        if let Some((_, Some(op))) = folds(self.op.name)
            && native()
            && let Some(r) = scan(py, op, array, axis.unwrap_or(&zero), dtype, out)?
        {
            return Ok(r);
        }
        let k = PyDict::new(py);
        for (name, v) in [("axis", axis), ("dtype", dtype), ("out", out)] {
            if let Some(v) = v {
                k.set_item(name, v)?;
            }
        }
        self.hand_over(py, "accumulate", &PyTuple::new(py, [array])?, Some(&k))
    }

    /// `reduce` of several slices of an axis: NumPy's, with NumPy's parameters.
    #[pyo3(signature = (*args, **kwargs))]
    fn reduceat<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.hand_over(py, "reduceat", args, kwargs)
    }

    /// The operation for every pair of elements of two arrays.
    #[pyo3(signature = (*args, **kwargs))]
    fn outer<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let _entered = enter_as(|| kept(&format!("{}.outer", self.op.name)));
        if native() && kwargs.is_none() && args.len() == 2 && self.op.arity == 2 && self.op.results == 1 {
            let given: SmallVec<[Bound<'py, PyAny>; 2]> = args.iter().collect();
            if let Some(pair) = operands(self.op, &given)?
                && let (Operand::Array(a), b) = (pair[0].operand(), pair[1].operand())
            {
                let extra = b.shape().len();
                let shape: Vec<isize> =
                    a.shape().iter().map(|&n| n as isize).chain(std::iter::repeat_n(1, extra)).collect();
                let a = ops::reshape(a, &shape).py()?;
                return wrap_result(py, compute(py, self.op, &[Operand::Array(&a), b])?);
            }
        }
        self.hand_over(py, "outer", args, kwargs)
    }

    /// In place: the operation on the elements that are indexed, once for every time that an index names one.
    ///
    /// a: the array that is written.
    /// indices: of the elements.
    /// b: the second operand, where there is one.
    #[pyo3(signature = (a, indices, b=None, /))]
    fn at<'py>(
        &self,
        py: Python<'py>,
        a: &Bound<'py, PyAny>,
        indices: &Bound<'py, PyAny>,
        b: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let _entered = enter_as(|| kept(&format!("{}.at", self.op.name)));
        if native()
            && let (Some(p), Some(prim), Some(b)) = (as_pyarray(a), primitive(self.op.name), b)
            && let Some(value) = crate::convert::array_from(b)?
            && p.array().dtype() != DType::Bool
            && stays(prim, b, &value, p.array().dtype())
        {
            p.check_writable()?;
            let target = p.array();
            let items = crate::index::items(indices)?;
            let value = value.to_device(target.device()).py()?;
            heavy(py, target.size(), || ops::combine_at(target, &items, &value, prim))?;
            return Ok(py.None().into_bound(py));
        }
        let args = match b {
            Some(b) => PyTuple::new(py, [a, indices, b])?,
            None => PyTuple::new(py, [a, indices])?,
        };
        self.hand_over(py, "at", &args, None)
    }

    /// What else NumPy's ufunc of that name has (`resolve_dtypes`, say).
    fn __getattr__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        self.attribute(py, name)
    }
    #[getter]
    fn __name__(&self) -> &'static str {
        self.op.name
    }
    #[getter]
    fn __qualname__(&self) -> &'static str {
        self.op.name
    }
    /// What core's table says of the operation. The class has a text of its own in `__doc__`; `_ufuncs.OfEach` tells them apart.
    #[getter]
    fn _summary(&self) -> &'static str {
        self.op.doc.trim_end_matches('.')
    }
    #[getter]
    fn nin(&self) -> usize {
        self.op.arity
    }
    #[getter]
    fn nout(&self) -> usize {
        self.op.results
    }
    #[getter]
    fn nargs(&self) -> usize {
        self.op.arity + self.op.results
    }
    #[getter]
    fn types<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if self.numpy.is_none() {
            let list = ["e", "f", "d"]
                .map(|c| format!("{}->{}", c.repeat(self.op.arity), c.repeat(self.op.results)));
            return Ok(pyo3::types::PyList::new(py, list)?.into_any());
        }
        self.attribute(py, "types")
    }
    #[getter]
    fn ntypes(&self, py: Python<'_>) -> PyResult<usize> {
        self.types(py)?.len()
    }
    #[getter]
    fn identity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match &self.numpy {
            Some(f) => f.bind(py).getattr("identity"),
            None => Ok(py.None().into_bound(py)),
        }
    }
    #[getter]
    fn signature(&self) -> Option<String> {
        None
    }
    /// NumPy's ufunc of the same name, or None.
    #[getter]
    fn _numpy<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.numpy.as_ref().map(|f| f.bind(py).clone())
    }
    fn __repr__(&self) -> String {
        format!("<ufunc '{}'>", self.op.name)
    }
    /// NumPy's ufunc that it stands for is its equal: `__array_ufunc__` of other classes is handed that one.
    fn __eq__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> bool {
        other.is(slf) || slf.get().numpy.as_ref().is_some_and(|f| other.is(f))
    }
    fn __hash__(slf: &Bound<'_, Self>) -> PyResult<isize> {
        match &slf.get().numpy {
            Some(theirs) => theirs.bind(slf.py()).hash(),
            None => Ok(slf.as_ptr() as isize >> 4),
        }
    }
    /// Pickled by name.
    fn __reduce__(&self) -> &'static str {
        self.op.name
    }
}

/// An axis argument: not given is another thing than None.
pub enum AxisArgument<'py> {
    /// Not given.
    Default,
    /// Given, perhaps as None.
    Given(Bound<'py, PyAny>),
}
impl<'py> FromPyObject<'_, 'py> for AxisArgument<'py> {
    type Error = PyErr;
    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Ok(AxisArgument::Given(object.to_owned()))
    }
}

/// Operations that stand for parts of others: no functions of their own. (What NumPy has as a function of another kind is none either.)
pub const PARTS: [&str; 4] = ["root", "taken", "side", "tanh_slope"];

/// Every ufunc: `name -> object`.
#[pyfunction]
pub fn _ufuncs(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let np = numpy(py)?.module.bind(py);
    let class = np.getattr("ufunc")?;
    let all = PyDict::new(py);
    for op in OpDef::all().py()? {
        if op.elementwise().is_none() || PARTS.contains(&op.name) {
            continue;
        }
        let theirs = match np.getattr(op.name) {
            Ok(f) if f.is_instance(&class)? => Some(f.unbind()),
            Ok(_) => continue,
            Err(_) => None,
        };
        let made = Bound::new(py, Ufunc { entry: vector_call, op, numpy: theirs, inner: PyOnceLock::new() })?;
        if all.is_empty() {
            install(&made);
        }
        all.set_item(op.name, made)?;
    }
    Ok(all)
}
