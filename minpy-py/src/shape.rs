//! Methods of arrays whose arguments NumPy reads in a way of its own (`reshape(2, 3)`), copies and conversions.

use crate::array::{NdArray, PyArray, as_array, as_pyarray, view_as, wrap, wrap_view};
use crate::convert::{array_from, axes_from, items_of};
use crate::creation::{Copying, IntFlag, Truth};
use crate::errors::Outcome;
use crate::host::to_numpy;
use crate::lists;
use crate::numpy::order_letter;
use crate::numpy::{dtype_from, given, is_long, numpy};
use crate::operators::number_of;
use crate::run::heavy;
use minpy_core::backend::layout::Order;
use minpy_core::context::with_device;
use minpy_core::internal::written::enter;
use minpy_core::internal::{Shared, context};
use minpy_core::{Array, DType, Layout, ops};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyType};
use smallvec::SmallVec;

type Any<'py> = Bound<'py, PyAny>;
type Opt<'a, 'py> = Option<&'a Bound<'py, PyAny>>;

/// `numpy.shares_memory` for bounds, of arrays of ours.
#[pyfunction]
pub fn _may_share(a: &Any<'_>, b: &Any<'_>) -> PyResult<bool> {
    match (array_from(a)?, array_from(b)?) {
        (Some(a), Some(b)) => Ok(a.may_share_memory(&b)),
        _ => Ok(false),
    }
}

/// Whether two objects are arrays of ours that look at the same elements alike.
#[pyfunction]
pub fn _same_view(a: &Any<'_>, b: &Any<'_>) -> bool {
    as_array(a).zip(as_array(b)).is_some_and(|(a, b)| a.same_view(b))
}

/// Every window of those sizes along those axes, as a view: which window in the place of each axis, what is in it behind all axes.
/// The caller has seen to it that they fit.
#[pyfunction]
pub fn _windows<'py>(x: &Any<'py>, sizes: Vec<usize>, axes: Vec<usize>) -> PyResult<Any<'py>> {
    let Some(a) = as_array(x) else { return Err(PyTypeError::new_err("_windows: not an array")) };
    let (mut shape, mut strides) = (a.shape().to_vec(), a.layout().strides().to_vec());
    for (&n, &axis) in sizes.iter().zip(&axes) {
        let Some(places) = shape.get(axis).and_then(|m| (m + 1).checked_sub(n)) else {
            return Err(PyValueError::new_err("_windows: a window larger than its axis"));
        };
        shape[axis] = places;
        shape.push(n);
        strides.push(a.layout().strides()[axis]);
    }
    wrap_view(a.view(Layout::new(shape.as_slice(), strides.as_slice(), a.layout().offset())), x)
}

/// An order in memory by its letter; `default` for None.
fn memory_order(letter: Option<&str>, default: Order) -> PyResult<Order> {
    let Some(letter) = letter else { return Ok(default) };
    Order::parse(letter).ok_or_else(|| {
        PyValueError::new_err(format!("order must be one of 'C', 'F', 'A', or 'K' (got '{letter}')"))
    })
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
    #[pyo3(signature = (*shape, order=None, copy=Copying(None)), text_signature = "($self, /, *shape, order='C', copy=None)")]
    fn reshape<'py>(
        slf: &Bound<'py, Self>,
        shape: &Bound<'py, PyTuple>,
        order: Option<&str>,
        copy: Copying,
    ) -> PyResult<Any<'py>> {
        let _entered = enter("reshape");
        let (a, shape) = (slf.get().array(), axes_from(&spread(shape)?)?);
        wrap_view(ops::reshape_in(a, &shape, memory_order(order, Order::C)?, copy.0).py()?, slf.as_any())
    }
    /// A view with the axes in another order.
    ///
    /// axes: the order, as one tuple or several numbers; none: reversed.
    #[pyo3(signature = (*axes))]
    fn transpose<'py>(slf: &Bound<'py, Self>, axes: &Bound<'py, PyTuple>) -> PyResult<Any<'py>> {
        let spread = spread(axes)?;
        let axes = given(Some(&spread)).filter(|_| !axes.is_empty()).map(axes_from).transpose()?;
        wrap_view(slf.get().array().transpose(axes.as_deref()).py()?, slf.as_any())
    }
    /// A copy of the elements as one axis.
    ///
    /// order: 'C', 'F', 'A', or 'K': as they lie in memory.
    #[pyo3(signature = (order=None), text_signature = "($self, /, order='C')")]
    fn flatten<'py>(slf: &Bound<'py, Self>, order: Option<&str>) -> PyResult<Any<'py>> {
        let _entered = enter("flatten");
        let a = slf.get().array();
        let flat = ops::ravel(a, memory_order(order, Order::C)?).py()?;
        let new = if Shared::ptr_eq(flat.buffer(), a.buffer()) { ops::copy(&flat).py()? } else { flat };
        wrap(slf.py(), new)
    }
    /// A copy.
    ///
    /// order: 'C', 'F', 'A', or 'K': as the array lies in memory.
    #[pyo3(signature = (order=None), text_signature = "($self, /, order='C')")]
    fn copy<'py>(slf: &Bound<'py, Self>, order: Option<&str>) -> PyResult<Any<'py>> {
        let (py, a, order) = (slf.py(), slf.get().array(), memory_order(order, Order::C)?);
        wrap_same(py, slf.get(), heavy(py, a.size(), || ops::copy_in(a, order))?)
    }
    fn __copy__<'py>(slf: &Bound<'py, Self>) -> PyResult<Any<'py>> {
        Self::copy(slf, Some("K"))
    }
    #[pyo3(text_signature = "($self, memo, /)")]
    fn __deepcopy__<'py>(slf: &Bound<'py, Self>, _memo: &Any<'py>) -> PyResult<Any<'py>> {
        Self::copy(slf, Some("K"))
    }
    /// A copy with elements of another dtype.
    ///
    /// dtype: which.
    /// order: 'C', 'F', 'A', or 'K': as the array lies in memory.
    /// casting: what may be cast: 'unsafe' is everything.
    /// copy: False: the array itself where nothing changes.
    #[pyo3(
        signature = (dtype, order=None, casting="unsafe", subok=IntFlag, copy=Truth(true)),
        text_signature = "($self, /, dtype, order='K', casting='unsafe', subok=True, copy=True)"
    )]
    fn astype<'py>(
        slf: &Bound<'py, Self>,
        dtype: &Any<'py>,
        order: Option<&str>,
        casting: &str,
        subok: IntFlag,
        copy: Truth,
    ) -> PyResult<Any<'py>> {
        let _entered = enter("astype");
        let order = order_letter(order, "K");
        let IntFlag = subok;
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
        if d == a.dtype() && !copy.0 && !wrong_order {
            return Ok(slf.as_any().clone());
        }
        if a.dtype().is_complex() && !d.is_complex() && d != DType::Bool {
            crate::errors::warn_complex(py)?;
        }
        let r = heavy(py, a.size(), || ops::cast(a, d))?;
        if order == "C" && !r.layout().is_contiguous() || order == "F" && !r.layout().is_f_contiguous() {
            let out = Array::empty_on(r.device(), r.shape(), d).py()?;
            let out = if order == "F" { ops::fortran(&out) } else { out };
            ops::assign(&out, &r).py()?;
            return wrap_same(py, slf.get(), out);
        }
        let made = wrap_same(py, slf.get(), r)?;
        if matches!(d, DType::I64 | DType::U64)
            && is_long(dtype)?
            && let Some(p) = as_pyarray(&made)
        {
            p.call_long();
        }
        Ok(made)
    }
    /// The same memory seen as elements of another dtype, or as an array of a subclass of NumPy's.
    ///
    /// dtype, type: which.
    #[pyo3(signature = (dtype=None, r#type=None))]
    fn view<'py>(slf: &Bound<'py, Self>, dtype: Opt<'_, 'py>, r#type: Opt<'_, 'py>) -> PyResult<Any<'py>> {
        let py = slf.py();
        let class = given(r#type).or(given(dtype).filter(|d| {
            d.is(slf.get_type())
                || d.cast::<PyType>().is_ok_and(|t| {
                    t.is_subclass(numpy(py).map(|n| n.ndarray.bind(py)).unwrap_or(t)).unwrap_or(false)
                })
        }));
        if let Some(class) = class {
            // `a.__class__` is NumPy's class, and what has that class is ours.
            let same = class.is(slf.get_type()) || class.is(numpy(py)?.ndarray.bind(py));
            if same && let Some(d) = given(dtype).filter(|d| !d.is(class)) {
                return view_as(slf.as_any(), d);
            }
            if same {
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
        let (py, a) = (slf.py(), slf.get().array());
        match lists::of(py, a)? {
            Some(list) => Ok(list),
            None => to_numpy(py, a, false)?.call_method0("tolist"),
        }
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

#[pymethods]
impl NdArray {
    /// Gives the array another shape and size, in place: its elements come first, as they lie in memory, and then zeros.
    ///
    /// new_shape: lengths, as one tuple or several numbers.
    /// refcheck: whether other references to the array are an error. Views of it keep the memory that it had.
    #[pyo3(signature = (*new_shape, refcheck=1), text_signature = "($self, /, *new_shape, refcheck=True)")]
    fn resize(slf: &Bound<'_, Self>, new_shape: &Bound<'_, PyTuple>, refcheck: i32) -> PyResult<()> {
        let _entered = enter("resize");
        let me = slf.as_super().get();
        let shape = if new_shape.len() == 1 { new_shape.get_item(0)? } else { new_shape.clone().into_any() };
        if new_shape.is_empty() || shape.is_none() {
            return Ok(());
        }
        let to = axes_from(&shape)?;
        let shape = to.iter().map(|&n| usize::try_from(n)).collect::<Result<SmallVec<[usize; 4]>, _>>();
        let shape =
            shape.map_err(|_| PyValueError::new_err("all elements of 'new_shape' must be non-negative"))?;
        let size = shape.iter().try_fold(1usize, |n, &s| n.checked_mul(s));
        let size = size.ok_or_else(|| PyValueError::new_err("resize: the array is too big"))?;
        let a = me.array().clone();
        let single = || PyValueError::new_err("resize only works on single-segment arrays");
        let (c, f) = (a.layout().is_contiguous(), a.layout().is_f_contiguous());
        if !c && !f {
            return Err(single());
        }
        let reversed: SmallVec<[usize; 4]> = shape.iter().rev().copied().collect();
        let shaped =
            |a: &Array| if c { a.reshape_view(&shape) } else { a.reshape_view(&reversed).map(|r| r.t()) };
        let lying = if c { a.clone() } else { a.t() };
        if size == a.size() {
            me.replace_with(shaped(&lying).ok_or_else(single)?, me.room());
            return Ok(());
        }
        me.check_writable()?;
        if me.has_base() {
            return Err(PyValueError::new_err("cannot resize this array: it does not own its data"));
        }
        // The caller's variable and its stack.
        // SAFETY: reading the count of a live object.
        let alone = unsafe { ffi::Py_REFCNT(slf.as_ptr()) } <= 2
            && slf.py().import("weakref")?.call_method1("getweakrefcount", (slf,))?.eq(0)?;
        if refcheck != 0 && !alone {
            return Err(PyValueError::new_err(
                "cannot resize an array that references or is referenced\nby another array in this way.\nUse the np.resize function or refcheck=False",
            ));
        }
        // Earlier states stay, at which somebody may still look: room for half as much again keeps what a growing array leaves behind
        // below twice its size.
        let from = ops::ravel(&lying, Order::C).py()?;
        let room = me.room();
        let (whole, room) = if size <= room && !context::recording() {
            (from, room)
        } else {
            let room =
                if a.size() == 0 || context::recording() { size } else { size.saturating_add(size / 2) };
            let made = with_device(a.device(), || ops::zeros(&[room], a.dtype())).py()?;
            let kept = size.min(a.size());
            ops::assign(&made.slice(0, 0, 1, kept), &from.slice(0, 0, 1, kept)).py()?;
            (made, room)
        };
        let made = whole.view(Layout::new([size].as_slice(), [1].as_slice(), whole.layout().offset()));
        if size > a.size() && Shared::ptr_eq(made.buffer(), a.buffer()) {
            let new = made.slice(0, a.size(), 1, size - a.size());
            ops::assign(&new, &with_device(a.device(), || ops::zeros(&[], a.dtype())).py()?).py()?;
        }
        me.replace_with(shaped(&made).ok_or_else(single)?, room);
        Ok(())
    }
}
