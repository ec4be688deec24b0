//! Shapes and views: reshape, transpose and their relatives, joining, copies and conversions.

use crate::array::{PyArray, as_array, view_as, wrap, wrap_read_only, wrap_view};
use crate::convert::{DEEPEST, array_from, axes_from, items_of, shape_from};
use crate::errors::Outcome;
use crate::fallback::HandOver;
use crate::host::to_numpy;
use crate::numpy::order_letter;
use crate::numpy::{dtype_from, given, numpy};
use crate::operators::number_of;
use crate::run::{heavy, native};
use minpy_core::written::enter;
use minpy_core::{Array, memory, ops};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

type Any<'py> = Bound<'py, PyAny>;
type Opt<'a, 'py> = Option<&'a Bound<'py, PyAny>>;

/// Ours, or made of what NumPy would take; with the object whose view the result may be.
fn source(a: &Any<'_>) -> PyResult<Option<Array>> {
    match as_array(a) {
        Some(x) => Ok(Some(x.clone())),
        None => array_from(a),
    }
}

fn reshaped<'py>(
    a: &Any<'py>,
    x: &Array,
    shape: &[isize],
    order: &str,
    copy: Option<bool>,
) -> PyResult<Any<'py>> {
    let fortran = match order {
        "C" => false,
        "F" => true,
        "A" => x.layout().is_f_contiguous() && !x.layout().is_contiguous(),
        _ => {
            return Err(PyValueError::new_err(format!(
                "order must be one of 'C', 'F', 'A', or 'K' (got '{order}')"
            )));
        }
    };
    let r = if fortran {
        let known = ops::resolve_shape("reshape", x.shape(), shape).py()?;
        let back: Vec<isize> = known.iter().rev().map(|&n| n as isize).collect();
        ops::reshape(&x.t(), &back).py()?.t()
    } else {
        ops::reshape(x, shape).py()?
    };
    let shares = std::sync::Arc::ptr_eq(r.buffer(), x.buffer());
    match copy {
        Some(true) if shares => wrap(a.py(), ops::copy(&r).py()?),
        Some(false) if !shares => {
            Err(PyValueError::new_err("Unable to avoid creating a copy while reshaping."))
        }
        _ => wrap_view(r, a),
    }
}

/// The same elements in another shape: a view where that is possible, else a copy.
///
/// shape: lengths, one of which may be -1 (what is left).
/// order: 'C', 'F' or 'A', in which elements are counted.
/// copy: True: always; False: an error where a copy is needed.
#[pyfunction]
#[pyo3(signature = (a, /, shape, order=None, *, copy=None))]
pub fn reshape<'py>(
    a: &Any<'py>,
    shape: &Any<'py>,
    order: Option<&str>,
    copy: Option<bool>,
) -> PyResult<Any<'py>> {
    let _entered = enter("reshape");
    let order = order_letter(order, "C");
    match source(a)? {
        Some(x) => reshaped(a, &x, &axes_from(shape)?, order, copy),
        None => HandOver::new(a.py(), "reshape").arg(a).arg(shape).call(),
    }
}
/// A view with the axes in another order.
///
/// axes: the order; None: reversed.
#[pyfunction]
#[pyo3(signature = (a, axes=None))]
pub fn transpose<'py>(a: &Any<'py>, axes: Opt<'_, 'py>) -> PyResult<Any<'py>> {
    let Some(x) = source(a)? else {
        return HandOver::new(a.py(), "transpose").arg(a).opt("axes", axes)?.call();
    };
    let axes = given(axes).map(axes_from).transpose()?;
    wrap_view(x.transpose(axes.as_deref()).py()?, a)
}
/// A read-only view that repeats elements up to a shape.
///
/// shape: of the result.
/// subok: without effect.
#[pyfunction]
#[pyo3(signature = (array, shape, subok=false))]
pub fn broadcast_to<'py>(array: &Any<'py>, shape: &Any<'py>, subok: bool) -> PyResult<Any<'py>> {
    let _ = subok;
    match source(array)? {
        Some(x) => {
            // NumPy makes a tuple of whatever can be iterated.
            let made = match shape.try_iter() {
                Ok(items) if !shape.is_instance_of::<PyTuple>() && as_array(shape).is_none() => {
                    let most = items.take(DEEPEST + 1).collect::<PyResult<Vec<_>>>()?;
                    Some(PyTuple::new(shape.py(), most)?.into_any())
                }
                _ => None,
            };
            let shape = shape_from(made.as_ref().unwrap_or(shape))?;
            if shape.len() < x.ndim() {
                return Err(PyValueError::new_err(
                    "input operand has more dimensions than allowed by the axis remapping",
                ));
            }
            wrap_read_only(x.broadcast_to(&shape).py()?, array)
        }
        None => HandOver::new(array.py(), "broadcast_to").arg(array).arg(shape).call(),
    }
}
/// Arrays joined along an existing axis. Also called `concat`.
///
/// axis: along which; None: the flattened arrays.
/// out: an array of ours that takes the result.
/// dtype, casting: of the result, and what may be cast to it.
#[pyfunction]
#[pyo3(signature = (arrays, /, axis=Some(0), out=None, *, dtype=None, casting=None))]
pub fn concatenate<'py>(
    py: Python<'py>,
    arrays: &Any<'py>,
    axis: Option<isize>,
    out: Opt<'_, 'py>,
    dtype: Opt<'_, 'py>,
    casting: Opt<'_, 'py>,
) -> PyResult<Any<'py>> {
    let _entered = enter("concatenate");
    let hand_over = || {
        let k = PyDict::new(py);
        k.set_item("axis", axis)?;
        HandOver::new(py, "concatenate")
            .arg(arrays)
            .opt("axis", k.get_item("axis")?.as_ref())?
            .opt("out", out)?
            .opt("dtype", dtype)?
            .opt("casting", casting)?
            .call()
    };
    let wanted = given(dtype).map(dtype_from).transpose()?;
    if !native() || given(casting).is_some() || matches!(wanted, Some(None)) {
        return hand_over();
    }
    let mut list: Vec<Array> = Vec::new();
    let mut device = None;
    if let Some(whole) = as_array(arrays) {
        for i in 0..whole.shape().first().copied().unwrap_or(0) {
            memory::push(&mut list, whole.view(whole.layout().select(0, i))).py()?;
        }
    } else {
        for a in arrays.try_iter()? {
            let a = a?;
            if crate::convert::exact_number(&a).is_some() {
                return hand_over(); // numbers are weak in promotion
            }
            let Some(x) = source(&a)? else { return hand_over() };
            if as_array(&a).is_some() {
                device = device.or(Some(x.device()));
            }
            memory::push(&mut list, x).py()?;
        }
    }
    if device.is_none() && as_array(arrays).is_none() {
        device = Some(minpy_core::context::current_device().py()?);
    }
    if let Some(d) = device {
        for x in &mut list {
            *x = x.to_device(d).py()?;
        }
    }
    if axis.is_none() {
        for x in &mut list {
            *x = ops::reshape(x, &[-1]).py()?;
        }
    }
    let out = given(out);
    if out.is_some() && wanted.is_some() {
        return Err(PyTypeError::new_err(
            "concatenate() only takes `out` or `dtype` as an argument, but both were provided.",
        ));
    }
    // NumPy's default for `casting`.
    if let Some(Some(to)) = wanted
        && let Some(a) = list.iter().find(|a| !a.dtype().can_cast_same_kind(to))
    {
        return Err(PyTypeError::new_err(format!(
            "Cannot cast array data from dtype('{}') to dtype('{to}') according to the rule 'same_kind'",
            a.dtype()
        )));
    }
    let size = list.iter().map(|a| a.size()).sum();
    let r = heavy(py, size, || ops::concatenate(&list, axis.unwrap_or(0), wanted.flatten()))?;
    match out {
        None => wrap(py, r),
        Some(o) => match crate::array::as_pyarray(o) {
            Some(p) => {
                p.check_writable()?;
                if p.array().shape() != r.shape() {
                    return Err(PyValueError::new_err("Output array is the wrong shape"));
                }
                if !r.dtype().can_cast_same_kind(p.array().dtype()) {
                    return Err(PyTypeError::new_err(format!(
                        "Cannot cast array data from {} to {} according to the rule 'same_kind'",
                        r.dtype(),
                        p.array().dtype()
                    )));
                }
                ops::assign(p.array(), &r).py()?;
                Ok(o.clone())
            }
            None => hand_over(),
        },
    }
}
/// `numpy.stack`
#[pyfunction]
pub fn _stack<'py>(py: Python<'py>, arrays: &Any<'py>, axis: isize) -> PyResult<Option<Any<'py>>> {
    let mut list: Vec<Array> = Vec::new();
    for a in arrays.try_iter()? {
        let Some(x) = source(&a?)? else { return Ok(None) };
        memory::push(&mut list, x).py()?;
    }
    if list.iter().any(|a| a.shape() != list[0].shape()) {
        return Err(PyValueError::new_err("all input arrays must have the same shape"));
    }
    wrap(py, ops::stack(&list, axis).py()?).map(Some)
}
/// Whether two objects are arrays of ours that look at the same elements alike.
#[pyfunction]
pub fn _same_view(a: &Any<'_>, b: &Any<'_>) -> bool {
    as_array(a).zip(as_array(b)).is_some_and(|(a, b)| a.same_view(b))
}

/// The shape out of `reshape(2, 3)` or `reshape((2, 3))`.
fn spread<'py>(args: &Bound<'py, PyTuple>) -> PyResult<Any<'py>> {
    if args.len() == 1 { args.get_item(0) } else { Ok(args.clone().into_any()) }
}

#[pymethods]
impl PyArray {
    /// The same elements in another shape: a view where that is possible, else a copy.
    ///
    /// shape: lengths, as one tuple or several numbers; one may be -1 (what is left).
    /// order: 'C', 'F' or 'A', in which elements are counted.
    /// copy: True: always; False: an error where a copy is needed.
    #[pyo3(signature = (*shape, order=None, copy=None))]
    fn reshape<'py>(
        slf: &Bound<'py, Self>,
        shape: &Bound<'py, PyTuple>,
        order: Option<&str>,
        copy: Option<bool>,
    ) -> PyResult<Any<'py>> {
        let _entered = enter("reshape");
        reshaped(
            slf.as_any(),
            slf.get().array(),
            &axes_from(&spread(shape)?)?,
            order_letter(order, "C"),
            copy,
        )
    }
    /// A view with the axes in another order.
    ///
    /// axes: the order, as one tuple or several numbers; none: reversed.
    #[pyo3(signature = (*axes))]
    fn transpose<'py>(slf: &Bound<'py, Self>, axes: &Bound<'py, PyTuple>) -> PyResult<Any<'py>> {
        let spread = spread(axes)?;
        transpose(slf.as_any(), if axes.is_empty() { None } else { Some(&spread) })
    }
    /// The elements as one axis: a view where that is possible, else a copy.
    ///
    /// order: 'C', 'F', 'A', or 'K': as they lie in memory.
    #[pyo3(signature = (order=None))]
    fn ravel<'py>(slf: &Bound<'py, Self>, order: Option<&str>) -> PyResult<Any<'py>> {
        let _entered = enter("ravel");
        let order = order_letter(order, "C");
        let a = slf.get().array();
        if order == "K" {
            // Memory order where the array is dense in some order.
            let l = a.layout();
            let order = l.dense_order().filter(|_| !l.is_contiguous());
            let seen = order.map_or_else(|| a.clone(), |o| a.view(l.transpose(Some(&o))));
            return wrap_view(ops::contiguous(&ops::reshape(&seen, &[-1]).py()?).py()?, slf.as_any());
        }
        let r = reshaped(slf.as_any(), a, &[-1], order, None)?;
        // Unlike reshape, ravel gives contiguous memory.
        match as_array(&r) {
            Some(v) if !v.layout().is_contiguous() => wrap(slf.py(), ops::contiguous(v).py()?),
            _ => Ok(r),
        }
    }
    /// A copy of the elements as one axis.
    ///
    /// order: 'C', 'F', 'A', or 'K': as they lie in memory.
    #[pyo3(signature = (order=None))]
    fn flatten<'py>(slf: &Bound<'py, Self>, order: Option<&str>) -> PyResult<Any<'py>> {
        let _entered = enter("flatten");
        let r = Self::ravel(slf, order)?;
        let flat = as_array(&r).ok_or_else(|| PyTypeError::new_err("flatten: not an array"))?;
        if !std::sync::Arc::ptr_eq(flat.buffer(), slf.get().array().buffer()) {
            return Ok(r);
        }
        wrap(slf.py(), ops::copy(flat).py()?)
    }
    /// A copy.
    ///
    /// order: 'C', 'F', 'A', or 'K': as the array lies in memory.
    #[pyo3(signature = (order=None))]
    fn copy<'py>(slf: &Bound<'py, Self>, order: Option<&str>) -> PyResult<Any<'py>> {
        let order = order_letter(order, "C");
        let a = slf.get().array();
        let py = slf.py();
        let f = order == "F" || order == "A" && a.layout().is_f_contiguous();
        if order == "K" {
            return wrap_same(py, slf.get(), heavy(py, a.size(), || ops::copy(a))?);
        }
        let out = Array::empty_on(a.device(), a.shape(), a.dtype()).py()?;
        let out = if f { crate::array::fortran(&out) } else { out };
        heavy(py, a.size(), || ops::assign(&out, a))?;
        wrap_same(py, slf.get(), out)
    }
    fn __copy__<'py>(slf: &Bound<'py, Self>) -> PyResult<Any<'py>> {
        Self::copy(slf, Some("K"))
    }
    fn __deepcopy__<'py>(slf: &Bound<'py, Self>, _memo: &Any<'py>) -> PyResult<Any<'py>> {
        Self::copy(slf, Some("K"))
    }
    /// A copy with elements of another dtype.
    ///
    /// dtype: which.
    /// order: 'C', 'F', 'A', or 'K': as the array lies in memory.
    /// casting: what may be cast: 'unsafe' is everything.
    /// copy: False: the array itself where nothing changes.
    #[pyo3(signature = (dtype, order=None, casting="unsafe", subok=true, copy=true))]
    fn astype<'py>(
        slf: &Bound<'py, Self>,
        dtype: &Any<'py>,
        order: Option<&str>,
        casting: &str,
        subok: bool,
        copy: Option<bool>,
    ) -> PyResult<Any<'py>> {
        let _entered = enter("astype");
        let order = order_letter(order, "K");
        let _ = subok;
        let py = slf.py();
        let a = slf.get().array();
        let Some(d) = dtype_from(dtype)? else {
            let made = to_numpy(py, a, false)?.call_method1("astype", (dtype, order, casting))?;
            crate::tape::leaves_as(py, a, &made)?;
            return Ok(made);
        };
        if casting != "unsafe" {
            let np = numpy(py)?.module.bind(py);
            let (from, to) = (crate::numpy::dtype_object(py, a.dtype())?, crate::numpy::dtype_object(py, d)?);
            if !np.call_method1("can_cast", (from, to, casting))?.is_truthy()? {
                return Err(PyTypeError::new_err(format!(
                    "Cannot cast array data from dtype('{}') to dtype('{d}') according to the rule '{casting}'",
                    a.dtype()
                )));
            }
        }
        let wrong_order =
            order == "C" && !a.layout().is_contiguous() || order == "F" && !a.layout().is_f_contiguous();
        if d == a.dtype() && copy != Some(true) && !wrong_order {
            return Ok(slf.as_any().clone());
        }
        if a.dtype().is_complex() && !d.is_complex() && d != minpy_core::DType::Bool {
            crate::errors::warn_complex(py)?;
        }
        let r = heavy(py, a.size(), || ops::cast(a, d))?;
        if order == "C" && !r.layout().is_contiguous() || order == "F" && !r.layout().is_f_contiguous() {
            let out = Array::empty_on(r.device(), r.shape(), d).py()?;
            let out = if order == "F" { crate::array::fortran(&out) } else { out };
            ops::assign(&out, &r).py()?;
            return wrap_same(py, slf.get(), out);
        }
        wrap_same(py, slf.get(), r)
    }
    /// The same memory seen as elements of another dtype, or as an array of a subclass of NumPy's.
    ///
    /// dtype, type: which.
    #[pyo3(signature = (dtype=None, r#type=None))]
    fn view<'py>(slf: &Bound<'py, Self>, dtype: Opt<'_, 'py>, r#type: Opt<'_, 'py>) -> PyResult<Any<'py>> {
        let py = slf.py();
        let class = given(r#type).or(given(dtype).filter(|d| {
            d.cast::<PyType>().is_ok_and(|t| {
                t.is_subclass(numpy(py).map(|n| n.ndarray.bind(py)).unwrap_or(t)).unwrap_or(false)
            })
        }));
        if let Some(class) = class {
            if class.is(slf.get_type()) {
                return wrap_view(slf.get().array().clone(), slf.as_any());
            }
            // Subclasses of NumPy's array stay NumPy's.
            crate::tape::leaves(py, slf.get().array(), "a view as a subclass of numpy.ndarray")?;
            let theirs = to_numpy(py, slf.get().array(), true)?;
            return match given(dtype).filter(|d| !d.is(class)) {
                Some(d) => theirs.call_method1("view", (d, class)),
                None => theirs.call_method1("view", (class,)),
            };
        }
        match given(dtype) {
            Some(d) => view_as(slf.as_any(), d),
            None => wrap_view(slf.get().array().clone(), slf.as_any()),
        }
    }
    /// One element as a number of Python's.
    ///
    /// args: an index in C order, or one per axis; nothing for the only element.
    #[pyo3(signature = (*args))]
    fn item<'py>(slf: &Bound<'py, Self>, args: &Bound<'py, PyTuple>) -> PyResult<Any<'py>> {
        let py = slf.py();
        let a = slf.get().array();
        if args.is_empty() {
            if a.size() != 1 {
                return Err(PyValueError::new_err("can only convert an array of size 1 to a Python scalar"));
            }
            return number_of(a, py);
        }
        let at = spread(args)?;
        let at: Vec<i64> = match at.extract::<i64>() {
            Ok(i) => vec![i],
            Err(e) if at.try_iter().is_err() => return Err(e),
            Err(_) => items_of(&at, |i| i.extract())?,
        };
        let (view, at) = if at.len() == 1 && a.ndim() != 1 {
            // A flat index.
            let n = a.size() as i64;
            let i = at[0];
            if i < -n || i >= n {
                return Err(pyo3::exceptions::PyIndexError::new_err(format!(
                    "index {i} is out of bounds for size {n}"
                )));
            }
            let mut rest = (if i < 0 { i + n } else { i }) as usize;
            let mut index = vec![0i64; a.ndim()];
            for (k, &size) in a.shape().iter().enumerate().rev() {
                index[k] = (rest % size) as i64;
                rest /= size;
            }
            (a, index)
        } else {
            (a, at)
        };
        if at.len() != view.ndim() {
            return Err(PyValueError::new_err("incorrect number of indices for array"));
        }
        let items: Vec<ops::Index> = at.into_iter().map(ops::Index::Int).collect();
        match ops::resolve(view, &items).py()? {
            ops::Selection::View(v) => number_of(&v, py),
            ops::Selection::Fancy { .. } => Err(PyTypeError::new_err("item: integers expected")),
        }
    }
    /// The values as nested lists of Python's numbers.
    fn tolist<'py>(slf: &Bound<'py, Self>) -> PyResult<Any<'py>> {
        to_numpy(slf.py(), slf.get().array(), false)?.call_method0("tolist")
    }
    /// Writes one value into every element.
    fn fill(slf: &Bound<'_, Self>, value: &Any<'_>) -> PyResult<()> {
        slf.set_item(pyo3::types::PyEllipsis::get(slf.py()), value)
    }
    /// The array on another device: itself if it is there, else a copy.
    fn as_in_context<'py>(slf: &Bound<'py, Self>, context: &Any<'py>) -> PyResult<Any<'py>> {
        let device = crate::context::device_from(context)?;
        let a = slf.get().array();
        if a.device() == device {
            return Ok(slf.as_any().clone());
        }
        wrap_same(slf.py(), slf.get(), a.to_device(device).py()?)
    }
}

/// A scalar stays a scalar.
fn wrap_same<'py>(py: Python<'py>, like: &PyArray, r: Array) -> PyResult<Any<'py>> {
    if like.is_scalar() { crate::array::wrap_scalar(py, r) } else { wrap(py, r) }
}
