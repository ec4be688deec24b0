//! New arrays: from Python objects and NumPy arrays, and filled ones.

use crate::array::{as_array, fortran, wrap};
use crate::convert::{exact_number, given_by_protocol, holds_ours, sequence, shape_from};
use crate::errors::Outcome;
use crate::fallback::HandOver;
use crate::host::{adopt, import, shareable, to_numpy, wrap_import};
use crate::numpy::{dtype_from, dtype_object, given, numpy, order_letter};
use minpy_core::written::enter;
use minpy_core::{Array, DType, DeviceRef, Number, context, ops};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

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
pub struct Copying(Option<bool>);
impl<'py> FromPyObject<'_, 'py> for Copying {
    type Error = PyErr;
    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if object.is_none() {
            return Ok(Copying(None));
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
    let out = Array::empty_on(a.device(), a.shape(), a.dtype()).py()?;
    let out = match order {
        "F" => fortran(&out),
        "A" if l.is_f_contiguous() && !l.is_contiguous() => fortran(&out),
        "K" => return ops::copy(&a).py(),
        _ => out,
    };
    ops::assign(&out, &a).py()?;
    Ok(out)
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
    // The NumPy array whose memory the result may look at.
    let mut theirs = None;
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
                && !crate::array::as_pyarray(object).is_some_and(|p| p.is_scalar()) =>
        {
            Ok(object.clone())
        }
        Some(_) => crate::array::wrap_view(a, object),
        None => match theirs {
            Some(t) if std::sync::Arc::ptr_eq(a.buffer(), seen.buffer()) => wrap_import(a, &t),
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
#[pyo3(signature = (object, dtype=None, *, copy=Copying(Some(true)), order="K", subok=false, ndmin=0, ndmax=0, like=None))]
pub fn array<'py>(
    py: Python<'py>,
    object: &Any<'py>,
    dtype: Opt<'_, 'py>,
    copy: Copying,
    order: Option<&str>,
    subok: bool,
    ndmin: usize,
    ndmax: usize,
    like: Opt<'_, 'py>,
) -> PyResult<Any<'py>> {
    let _entered = enter("array");
    let _ = like;
    let copy = copy.0;
    let order = order_letter(order, "K");
    let subclass = subok && as_array(object).is_none() && object.is_instance(numpy(py)?.ndarray.bind(py))?;
    if subclass || !["K", "C", "F", "A"].contains(&order) || ndmin > 32 || ndmax > 0 {
        let limit = ndmax.into_pyobject(py)?.into_any();
        return HandOver::new(py, "array")
            .opt("ndmax", (ndmax > 0).then_some(&limit))?
            .arg(object)
            .opt("dtype", dtype)?
            .opt("copy", Some(&copy.into_pyobject(py)?.into_any()))?
            .opt("order", Some(&order.into_pyobject(py)?.into_any()))?
            .opt("subok", Some(&subok.into_pyobject(py)?.to_owned().into_any()))?
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

macro_rules! filled {
    ($($f:ident $value:expr, $doc:literal;)*) => {$(
        #[pyfunction]
        #[pyo3(signature = (shape, dtype=None, order="C", *, device=None, like=None))]
        #[doc = concat!($doc, "\n\nshape: a length, or a tuple of lengths.\ndtype: of the elements; float64 when it is not given.\norder: 'C' (rows) or 'F' (columns) in memory.\ndevice: where; the current device when it is not given.\nlike: an object whose own library makes the array.")]
        pub fn $f<'py>(
            py: Python<'py>, shape: &Any<'py>, dtype: Opt<'_, 'py>, order: Option<&str>, device: Opt<'_, 'py>, like: Opt<'_, 'py>,
        ) -> PyResult<Any<'py>> {
            let _entered = enter(stringify!($f));
            let value: Option<i64> = $value;
            let Some(d) = given(dtype).map_or(Ok(Some(DType::F64)), dtype_from)? else {
                return HandOver::new(py, stringify!($f)).arg(shape).opt("dtype", dtype)?.opt("like", like)?.call();
            };
            let order = order_letter(order, "C");
            if order != "C" && order != "F" {
                return Err(PyValueError::new_err("only 'C' or 'F' order is permitted"));
            }
            let a = Array::empty_on(device_argument(device)?, &shape_from(shape)?, d).py()?;
            if let Some(v) = value {
                minpy_core::dispatch::fill_raw(&a, Number::Int(v as i128).cast(d)).py()?;
            }
            wrap(py, if order == "F" { fortran(&a) } else { a })
        }
    )*};
}
filled! {
    zeros Some(0), "A new array of zeros.";
    ones Some(1), "A new array of ones.";
    empty None, "A new array whose values are not set.";
}

macro_rules! alike {
    ($($f:ident $value:expr, $doc:literal;)*) => {$(
        #[pyfunction]
        #[pyo3(signature = (a, dtype=None, order="K", subok=true, shape=None, *, device=None))]
        #[doc = concat!($doc, "\n\na: the array that it is like.\ndtype, shape, device: instead of those of `a`.\norder: 'C', 'F', 'A', or 'K': as `a` lies.\nsubok: subclasses are NumPy's business: without effect here.")]
        pub fn $f<'py>(
            py: Python<'py>, a: &Any<'py>, dtype: Opt<'_, 'py>, order: Option<&str>, subok: bool, shape: Opt<'_, 'py>, device: Opt<'_, 'py>,
        ) -> PyResult<Any<'py>> {
            let _entered = enter(stringify!($f));
            let _ = subok;
            let value: Option<i64> = $value;
            let wanted = match given(dtype) {
                Some(d) => dtype_from(d)?.map(Some),
                None => Some(None),
            };
            let like = as_array(a).cloned();
            let like = match like {
                Some(l) => Some(l),
                // NumPy's arrays of dtypes that core lacks have results of those dtypes.
                None if a.get_type().is(numpy(py)?.ndarray.bind(py)) => import(a)?,
                None => crate::convert::array_from(a)?,
            };
            let (Some(wanted), Some(like)) = (wanted, like) else {
                return HandOver::new(py, stringify!($f)).arg(a).opt("dtype", dtype)?.opt("shape", shape)?.call();
            };
            let device = match (given(device), as_array(a)) {
                (Some(d), _) => crate::context::device_from(d)?,
                (None, Some(a)) => a.device(),
                _ => here()?,
            };
            let d = wanted.unwrap_or(like.dtype());
            let out = like_shape(&like, shape, order_letter(order, "K"), d, device)?;
            if let Some(v) = value {
                minpy_core::dispatch::fill_raw(&out, Number::Int(v as i128).cast(d)).py()?;
            }
            wrap(py, out)
        }
    )*};
}
alike! {
    zeros_like Some(0), "A new array of zeros, of the shape and dtype of another.";
    ones_like Some(1), "A new array of ones, of the shape and dtype of another.";
    empty_like None, "A new array whose values are not set, of the shape and dtype of another.";
}

/// An empty array shaped (and, for order K, laid out) like another one.
fn like_shape(like: &Array, shape: Opt, order: &str, dtype: DType, device: DeviceRef) -> PyResult<Array> {
    if let Some(s) = given(shape) {
        let a = Array::empty_on(device, &shape_from(s)?, dtype).py()?;
        return Ok(if order == "F" { fortran(&a) } else { a });
    }
    let l = like.layout();
    let permuted = match (order, l.dense_order()) {
        ("K", Some(o)) if !l.is_contiguous() => {
            let strides = minpy_core::array::strides_in_order(l.shape(), &o);
            Some(minpy_core::Layout::new(l.shape(), strides, 0))
        }
        _ => None,
    };
    if let Some(layout) = permuted {
        return Array::empty_with(device, layout, dtype).py();
    }
    let a = Array::empty_on(device, like.shape(), dtype).py()?;
    let f = order == "F" || order == "A" && l.is_f_contiguous() && !l.is_contiguous();
    Ok(if f { fortran(&a) } else { a })
}

/// `arange` of Python numbers with a known dtype.
#[pyfunction]
pub fn _arange<'py>(
    py: Python<'py>,
    start: &Any<'py>,
    stop: &Any<'py>,
    step: &Any<'py>,
    dtype: &Any<'py>,
) -> PyResult<Option<Any<'py>>> {
    let (Some(a), Some(b), Some(s), Some(d)) =
        (exact_number(start), exact_number(stop), exact_number(step), dtype_from(dtype)?)
    else {
        return Ok(None);
    };
    wrap(py, ops::arange(a, b, s, d).py()?).map(Some)
}
/// `linspace` between two Python numbers.
#[pyfunction]
pub fn _linspace<'py>(
    py: Python<'py>,
    start: &Any<'py>,
    stop: &Any<'py>,
    n: usize,
    endpoint: bool,
    dtype: &Any<'py>,
) -> PyResult<Option<Any<'py>>> {
    crate::numbers::takes_part(start);
    crate::numbers::takes_part(stop);
    let (start, stop) = (start.extract()?, stop.extract()?);
    match dtype_from(dtype)? {
        Some(d) => wrap(py, ops::linspace(start, stop, n, endpoint, d).py()?).map(Some),
        None => Ok(None),
    }
}
/// `eye` of a dtype of ours.
#[pyfunction]
pub fn _eye<'py>(
    py: Python<'py>,
    n: usize,
    m: usize,
    k: isize,
    dtype: &Any<'py>,
) -> PyResult<Option<Any<'py>>> {
    match dtype_from(dtype)? {
        Some(d) => wrap(py, ops::eye(n, m, k, d).py()?).map(Some),
        None => Ok(None),
    }
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
    let device = device_argument(device)?;
    let Some(a) = adopt(array, held, device)? else { return Ok(None) };
    if scalar {
        return crate::array::wrap_scalar(py, a).map(Some);
    }
    if a.size() > 0 && !array.getattr("base")?.is_none() {
        for (ours, theirs) in &pairs {
            let (Some(x), Some(host)) = (as_array(ours), import(theirs)?) else { continue };
            let seen = if device.is_host() { Some(a.clone()) } else { import(array)? };
            let Some(seen) = seen.filter(|s| std::sync::Arc::ptr_eq(s.buffer(), host.buffer())) else {
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
    wrap(py, a).map(Some)
}
/// Tells that somebody outside wrote into the memory of a host array.
#[pyfunction]
pub fn _wrote(array: &Any<'_>) {
    if let Some(a) = as_array(array) {
        a.buffer().bump_version();
    }
}
/// `copyto` with a mask.
#[pyfunction]
pub fn _copy_where(py: Python<'_>, target: &Any<'_>, value: &Any<'_>, mask: &Any<'_>) -> PyResult<()> {
    let Some(p) = crate::array::as_pyarray(target) else {
        return Err(PyValueError::new_err("copyto: not an array"));
    };
    p.check_writable()?;
    let m = crate::convert::mask_from(mask)?;
    let Some(v) = crate::convert::operand(value)? else {
        return Err(pyo3::exceptions::PyTypeError::new_err("copyto: elements that are not numbers"));
    };
    let v = v.settle(p.array().device())?;
    crate::run::heavy(py, p.array().size(), || ops::assign_where(p.array(), v.operand(), &m))
}
