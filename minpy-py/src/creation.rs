//! New arrays of Python objects and NumPy's arrays. Those that are made of nothing but numbers are functions of core's table.

use crate::array::{as_array, as_pyarray, wrap};
use crate::capi::fields;
use crate::convert::{exact_number, given_by_protocol, holds_ours, sequence};
use crate::errors::Outcome;
use crate::fallback::HandOver;
use crate::host::{adopt, has_base, import, shareable, to_numpy, wrap_import, wrap_made};
use crate::lists;
use crate::numpy::{dtype_from, dtype_object, given, is_long, numpy, order_letter};
use minpy_core::backend::layout::Order;
use minpy_core::internal::Shared;
use minpy_core::internal::written::enter;
use minpy_core::{Array, DType, DeviceRef, Number, context, ops};
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyList, PyString};

type Any<'py> = Bound<'py, PyAny>;
type Opt<'a, 'py> = Option<&'a Bound<'py, PyAny>>;

fn here() -> PyResult<DeviceRef> {
    context::current_device().py()
}
/// `device=` of the array API: a context, a name, or None.
fn device_argument(device: Opt) -> PyResult<DeviceRef> {
    match given(device) {
        None => here(),
        Some(d) => crate::context::device_from(d),
    }
}

/// `copy=`: true always, None where needed, false never; also as NumPy's enum.
pub struct Copying(pub Option<bool>);
impl<'py> FromPyObject<'_, 'py> for Copying {
    type Error = PyErr;
    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if object.is_none() {
            return Ok(Copying(None));
        }
        if object.cast::<PyString>().is_ok() {
            return Err(PyValueError::new_err(
                "strings are not allowed for 'copy' keyword. Use True/False/None instead.",
            ));
        }
        if let Ok(value) = object.getattr("value")
            && value.eq(2)?
        {
            return Ok(Copying(None));
        }
        match object.getattr("value") {
            Ok(v) => v.is_truthy().map(|v| Copying(Some(v))),
            Err(_) => object.is_truthy().map(|v| Copying(Some(v))),
        }
    }
}

/// A flag of which NumPy asks the truth, whatever it is.
pub struct Truth(pub bool);
impl<'py> FromPyObject<'_, 'py> for Truth {
    type Error = PyErr;
    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        object.is_truthy().map(Truth)
    }
}

/// A flag without effect here, which NumPy takes as an integer of C.
pub struct IntFlag;
impl<'py> FromPyObject<'_, 'py> for IntFlag {
    type Error = PyErr;
    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<PyFloat>() {
            return Err(PyTypeError::new_err("integer argument expected, got float"));
        }
        let large = |of: &str| PyOverflowError::new_err(format!("Python int too large to convert to C {of}"));
        match object.extract::<i64>() {
            Ok(i) => i32::try_from(i).map(|_| IntFlag).map_err(|_| large("int")),
            Err(e) if e.is_instance_of::<PyOverflowError>(object.py()) => Err(large("long")),
            Err(e) => Err(e),
        }
    }
}

/// The array in the memory order that was asked for, copied where needed.
fn ordered(a: Array, order: &str, copy: Option<bool>, fresh: bool) -> PyResult<Array> {
    let l = a.layout();
    let fits = match order {
        "C" => l.is_contiguous(),
        "F" => l.is_f_contiguous(),
        "A" => l.is_contiguous() || l.is_f_contiguous() || copy != Some(true),
        _ => true,
    };
    if fits && (fresh || copy != Some(true)) {
        return Ok(a);
    }
    if copy == Some(false) {
        return Err(PyValueError::new_err(
            "Unable to avoid copy while creating an array as requested. If using `np.array(obj, copy=False)` replace it with `np.asarray(obj)` to allow a copy when needed.",
        ));
    }
    ops::copy_in(&a, Order::parse(order).unwrap_or(Order::C)).py()
}

/// `np.array` and its relatives. `copy`: true always, None where needed, false never.
fn make<'py>(
    object: &Any<'py>,
    dtype: Opt<'_, 'py>,
    copy: Option<bool>,
    order: &str,
    ndmin: usize,
    device: DeviceRef,
) -> PyResult<Any<'py>> {
    let made = made_of(object, dtype, copy, order, ndmin, device)?;
    // Numbers and lists of Python's ask for nothing.
    if dtype.is_none() && (object.is_exact_instance_of::<PyList>() || exact_number(object).is_some()) {
        return Ok(made);
    }
    // Two of NumPy's integers may be one of ours. The object remembers which of them was asked for.
    if as_array(&made).is_some_and(|a| matches!(a.dtype(), DType::I64 | DType::U64))
        && as_array(object).is_none()
        && asks_for_long(object, dtype)?
        && let Some(p) = as_pyarray(&made)
    {
        p.call_long();
    }
    Ok(made)
}
fn asks_for_long(object: &Any<'_>, dtype: Opt<'_, '_>) -> PyResult<bool> {
    let np = numpy(object.py())?;
    match given(dtype) {
        Some(d) => is_long(d),
        None if fields(object)?.is_some_and(|f| f.dtype(object.py()).is_ok_and(|d| d.is_none()))
            || object.is_instance(np.generic.bind(object.py()))? =>
        {
            is_long(&object.getattr("dtype")?)
        }
        None => Ok(false),
    }
}
fn made_of<'py>(
    object: &Any<'py>,
    dtype: Opt<'_, 'py>,
    copy: Option<bool>,
    order: &str,
    ndmin: usize,
    device: DeviceRef,
) -> PyResult<Any<'py>> {
    let py = object.py();
    let np = numpy(py)?;
    let wanted = match given(dtype) {
        None => None,
        Some(d) => match dtype_from(d)? {
            Some(d) => Some(d),
            None => return plain(object, Some(d), copy, order, ndmin),
        },
    };
    let ours = as_array(object);
    // The NumPy array whose memory the result may look at, and whether NumPy has just made it.
    let mut theirs = None;
    let mut made_here = false;
    let (a, fresh) = if let Some(a) = ours {
        (a.clone().with_weak(false), false)
    } else if let Some(n) = exact_number(object) {
        let d = wanted.unwrap_or(n.default_dtype());
        if matches!((n, d), (Number::Complex(_), d) if !d.is_complex()) {
            return plain(object, dtype, copy, order, ndmin);
        }
        if copy == Some(false) {
            return Err(PyValueError::new_err("Unable to avoid copy while creating an array as requested."));
        }
        (Array::from_scalar_on(device, n.to_scalar(d).py()?).py()?, true)
    } else if object.get_type().is(np.ndarray.bind(py)) {
        let Some(a) = import(object)? else { return plain(object, dtype, copy, order, ndmin) };
        // A copy on another device is made by moving; on the host NumPy's memory is shared until it is copied.
        let shared = a.device() == device && shareable(object);
        if !shared && copy == Some(false) {
            return Err(PyValueError::new_err("Unable to avoid copy while creating an array as requested."));
        }
        theirs = shared.then(|| object.clone());
        (a.to_device(device).py()?, !shared)
    } else if copy != Some(false)
        && wanted.is_none_or(|d| d == DType::F64)
        && let Some(a) = lists::array(object, device)?
    {
        if order != "F" && ndmin <= a.ndim() && wanted.is_none_or(|d| d == a.dtype()) {
            return wrap(py, a);
        }
        (a, true)
    } else if holds_ours(object)? {
        match sequence(object)? {
            Some(a) => (a, true),
            None => return plain(object, dtype, copy, order, ndmin),
        }
    } else {
        crate::numbers::take_part(object)?;
        let kwargs = PyDict::new(py);
        if let Some(d) = wanted {
            kwargs.set_item("dtype", dtype_object(py, d)?)?;
        }
        kwargs.set_item("copy", copy)?;
        match np.module.bind(py).call_method("array", (object,), Some(&kwargs)) {
            Ok(made) => match adopt(&made, 0, device)? {
                Some(a) => {
                    theirs = device.is_host().then_some(made);
                    made_here = true;
                    (a, true)
                }
                None => return plain(&made, None, None, order, ndmin),
            },
            Err(e) => match given_by_protocol(object)? {
                Some(a) => (a, false),
                None => return Err(e),
            },
        }
    };
    let seen = a.clone();
    let (a, fresh) = match wanted {
        Some(d) if d != a.dtype() => {
            if copy == Some(false) {
                return Err(PyValueError::new_err(
                    "Unable to avoid copy while creating an array as requested.",
                ));
            }
            (ops::cast(&a, d).py()?, true)
        }
        _ => (a, fresh),
    };
    let before = a.clone();
    let mut a = ordered(a, order, copy, fresh)?;
    while a.ndim() < ndmin {
        a = a.expand_dims(0).py()?;
    }
    match ours {
        Some(o)
            if a.same_view(o)
                && a.same_view(&before)
                && !as_pyarray(object).is_some_and(|p| p.is_scalar()) =>
        {
            Ok(object.clone())
        }
        Some(_) => crate::array::wrap_view(a, object),
        None => match theirs {
            Some(t) if Shared::ptr_eq(a.buffer(), seen.buffer()) => {
                if made_here {
                    wrap_made(a, &t)
                } else {
                    wrap_import(a, &t)
                }
            }
            _ => wrap(py, a),
        },
    }
}
/// Elements that only NumPy has: a NumPy array.
fn plain<'py>(
    object: &Any<'py>,
    dtype: Opt<'_, 'py>,
    copy: Option<bool>,
    order: &str,
    ndmin: usize,
) -> PyResult<Any<'py>> {
    let py = object.py();
    let kwargs = PyDict::new(py);
    kwargs.set_item("dtype", dtype)?;
    kwargs.set_item("copy", copy)?;
    kwargs.set_item("order", order)?;
    kwargs.set_item("ndmin", ndmin)?;
    let given = match as_array(object) {
        Some(a) => to_numpy(py, a, true)?,
        None => object.clone(),
    };
    let made = numpy(py)?.module.bind(py).call_method("array", (given,), Some(&kwargs))?;
    if let Some(a) = as_array(object) {
        crate::tape::leaves_as(py, a, &made)?;
    }
    match adopt(&made, 0, here()?)? {
        Some(a) => wrap(py, a),
        None => Ok(made),
    }
}

/// A new array of what is given: numbers, nested sequences, arrays.
///
/// dtype: of the elements; found from them when it is not given.
/// copy: True: always; None: where it is needed; False: an error where it is needed.
/// order: 'K', 'A', 'C' or 'F' in memory.
/// ndmin, ndmax: least and greatest number of axes.
/// subok, like: as in NumPy.
#[pyfunction]
#[pyo3(signature = (object, dtype=None, *, copy=Copying(Some(true)), order="K", subok=Truth(false), ndmin=0, ndmax=None, like=None), text_signature = "(object, dtype=None, *, copy=True, order='K', subok=False, ndmin=0, ndmax=0, like=None)")]
pub fn array<'py>(
    py: Python<'py>,
    object: &Any<'py>,
    dtype: Opt<'_, 'py>,
    copy: Copying,
    order: Option<&str>,
    subok: Truth,
    ndmin: usize,
    ndmax: Opt<'_, 'py>,
    like: Opt<'_, 'py>,
) -> PyResult<Any<'py>> {
    let _entered = enter("array");
    let _ = like;
    let copy = copy.0;
    let order = order_letter(order, "K");
    let subclass =
        subok.0 && as_array(object).is_none() && object.is_instance(numpy(py)?.ndarray.bind(py))?;
    if subclass || !["K", "C", "F", "A"].contains(&order) || ndmin > 32 || ndmax.is_some() {
        return HandOver::new(py, "array")
            .opt("ndmax", ndmax)?
            .arg(object)
            .opt("dtype", dtype)?
            .opt("copy", Some(&copy.into_pyobject(py)?.into_any()))?
            .opt("order", Some(&order.into_pyobject(py)?.into_any()))?
            .opt("subok", Some(&subok.0.into_pyobject(py)?.to_owned().into_any()))?
            .opt("ndmin", Some(&ndmin.into_pyobject(py)?.into_any()))?
            .call();
    }
    make(object, dtype, copy, order, ndmin, here()?)
}
/// What is given as an array: itself if it is one of that dtype, NumPy's memory shared on the CPU, else a copy.
///
/// dtype, order, copy: what the result has to be.
/// device: where; that of the argument when it is not given.
/// like: an object whose own library makes the array.
#[pyfunction]
#[pyo3(signature = (a, dtype=None, order=None, *, device=None, copy=Copying(None), like=None))]
pub fn asarray<'py>(
    a: &Any<'py>,
    dtype: Opt<'_, 'py>,
    order: Option<&str>,
    device: Opt<'_, 'py>,
    copy: Copying,
    like: Opt<'_, 'py>,
) -> PyResult<Any<'py>> {
    let _entered = enter("asarray");
    let _ = like;
    // What programs begin their functions with.
    if let Some(p) = as_pyarray(a)
        && dtype.is_none()
        && order.is_none()
        && device.is_none()
        && copy.0.is_none()
        && !p.is_scalar()
        && !p.array().is_weak()
    {
        return Ok(a.clone());
    }
    make(a, dtype, copy.0, order_letter(order, "K"), 0, device_argument(device)?)
}
/// The argument as an array of at least one axis whose rows follow one another in memory.
///
/// dtype: of the elements.
#[pyfunction]
#[pyo3(signature = (a, dtype=None, *, like=None))]
pub fn ascontiguousarray<'py>(a: &Any<'py>, dtype: Opt<'_, 'py>, like: Opt<'_, 'py>) -> PyResult<Any<'py>> {
    let _entered = enter("ascontiguousarray");
    let _ = like;
    make(a, dtype, None, "C", 1, here()?)
}
/// The argument as an array whose columns follow one another in memory.
///
/// dtype: of the elements.
#[pyfunction]
#[pyo3(signature = (a, dtype=None, *, like=None))]
pub fn asfortranarray<'py>(a: &Any<'py>, dtype: Opt<'_, 'py>, like: Opt<'_, 'py>) -> PyResult<Any<'py>> {
    let _entered = enter("asfortranarray");
    let _ = like;
    make(a, dtype, None, "F", 1, here()?)
}

/// A result of NumPy as one of ours on a device (None: the current one); None for elements that are not ours.
/// `pairs` are the arguments of the call: (our array, the NumPy array that stood for it). A result that looks at the
/// memory of an argument becomes a view of that argument. `held`: references of frames that forget the array (`_references`).
#[pyfunction]
#[pyo3(signature = (array, device=None, pairs=Vec::new(), scalar=false, held=0))]
pub fn _adopt<'py>(
    py: Python<'py>,
    array: &Any<'py>,
    device: Opt<'_, 'py>,
    pairs: Vec<(Any<'py>, Any<'py>)>,
    scalar: bool,
    held: isize,
) -> PyResult<Option<Any<'py>>> {
    take(py, array, device_argument(device)?, &pairs, scalar, held)
}
/// A scalar that NumPy has computed, as the results of our own operations are.
#[pyfunction]
pub fn _result<'py>(py: Python<'py>, array: &Any<'py>, device: Opt<'_, 'py>) -> PyResult<Option<Any<'py>>> {
    let Some(a) = adopt(array, 0, device_argument(device)?)? else { return Ok(None) };
    crate::array::wrap_result(py, a).map(Some)
}
/// See [`_adopt`].
pub fn take<'py>(
    py: Python<'py>,
    array: &Any<'py>,
    device: DeviceRef,
    pairs: &[(Any<'py>, Any<'py>)],
    scalar: bool,
    held: isize,
) -> PyResult<Option<Any<'py>>> {
    let Some(a) = adopt(array, held, device)? else { return Ok(None) };
    if scalar {
        return crate::array::wrap_scalar(py, a).map(Some);
    }
    if a.size() > 0 && has_base(array)? {
        for (ours, theirs) in pairs {
            let (Some(x), Some(host)) = (as_array(ours), import(theirs)?) else { continue };
            let seen = if device.is_host() { Some(a.clone()) } else { import(array)? };
            let Some(seen) = seen.filter(|s| Shared::ptr_eq(s.buffer(), host.buffer())) else {
                continue;
            };
            if x.device().is_host() {
                return crate::array::wrap_view(seen, ours).map(Some);
            }
            // The host copy is contiguous: positions in it are positions in the array when that is contiguous too.
            if x.layout().is_contiguous() && seen.dtype() == x.dtype() {
                let layout =
                    seen.layout().shifted(x.layout().offset() as isize - host.layout().offset() as isize);
                return crate::array::wrap_view(x.view(layout), ours).map(Some);
            }
        }
    }
    if device.is_host() { wrap_made(a, array).map(Some) } else { wrap(py, a).map(Some) }
}
/// Tells that a function outside wrote into an array.
#[pyfunction]
pub fn _wrote(array: &Any<'_>, name: &str) -> PyResult<()> {
    if let Some(a) = as_array(array) {
        a.buffer().bump_version();
        minpy_autograd::written_by(name, a).py()?;
    }
    Ok(())
}
