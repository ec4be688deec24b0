//! Python objects as operands, shapes, axes; nothing here computes.

use crate::array::{as_array, as_pyarray};
use crate::errors::Outcome;
use crate::host::import_values;
use crate::numpy::{dtype_object, numpy};
use minpy_core::backend::memory;
use minpy_core::internal::context;
use minpy_core::{Array, DType, DeviceRef, Number, Operand, Scalar, device, ops};
use num_complex::Complex64;
use pyo3::exceptions::{PyException, PyMemoryError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyComplex, PyDict, PyFloat, PyInt, PyList, PyTuple};
use smallvec::SmallVec;

/// An argument of an operation.
pub enum Arg<'a> {
    /// One of our arrays.
    Ours(&'a Array),
    /// An array made of something else.
    Made(Array),
    /// A Python number.
    Number(Number),
    /// A NumPy scalar.
    Scalar(Scalar),
}

impl<'a> Arg<'a> {
    /// As core takes it.
    #[inline]
    pub fn operand(&self) -> Operand<'_> {
        match self {
            Arg::Ours(a) => Operand::Array(a),
            Arg::Made(a) => Operand::Array(a),
            Arg::Number(n) => Operand::Number(*n),
            Arg::Scalar(s) => Operand::Scalar(*s),
        }
    }
    /// Moves an imported array to the device where its partner lives: NumPy's arrays have no say in that.
    pub fn settle(self, device: DeviceRef) -> PyResult<Arg<'a>> {
        Ok(match self {
            Arg::Made(a) => Arg::Made(a.to_device(device).py()?),
            other => other,
        })
    }
}

/// A Python number of exactly one of Python's types.
#[inline]
pub fn exact_number(object: &Bound<'_, PyAny>) -> Option<Number> {
    // SAFETY: type checks and unchecked reads of a live object whose type was just seen.
    unsafe {
        let p = object.as_ptr();
        if ffi::PyFloat_CheckExact(p) != 0 {
            crate::numbers::takes_part(object);
            return Some(Number::Float(ffi::PyFloat_AsDouble(p)));
        }
        if ffi::PyLong_CheckExact(p) != 0 {
            let mut overflow = 0;
            let v = ffi::PyLong_AsLongLongAndOverflow(p, &mut overflow);
            return if overflow == 0 { Some(Number::Int(v as i128)) } else { wide_int(object) };
        }
    }
    if let Ok(b) = object.cast_exact::<PyBool>() {
        return Some(Number::Bool(b.is_true()));
    }
    if let Ok(c) = object.cast_exact::<PyComplex>() {
        crate::numbers::takes_part(object);
        return Some(Number::Complex(Complex64::new(c.real(), c.imag())));
    }
    None
}
/// Integers of uint64; larger ones are objects to NumPy.
#[cold]
fn wide_int(object: &Bound<'_, PyAny>) -> Option<Number> {
    object.extract::<u64>().ok().map(|v| Number::Int(v as i128))
}

/// An operand; `None` when the object is nothing that core can compute with.
#[inline]
pub fn operand<'a>(object: &'a Bound<'_, PyAny>) -> PyResult<Option<Arg<'a>>> {
    if let Some(a) = as_array(object) {
        return Ok(Some(Arg::Ours(a)));
    }
    if let Some(n) = exact_number(object) {
        return Ok(Some(Arg::Number(n)));
    }
    foreign_operand(object)
}

#[cold]
fn foreign_operand<'a>(object: &'a Bound<'_, PyAny>) -> PyResult<Option<Arg<'a>>> {
    let py = object.py();
    let np = numpy(py)?;
    if object.get_type().is(np.ndarray.bind(py)) {
        return Ok(import_values(object)?.map(Arg::Made));
    }
    if let Some(value) = crate::element::value(object)? {
        return Ok(Some(Arg::Scalar(value)));
    }
    if object.is_instance(np.generic.bind(py))? {
        return numpy_scalar(object).map(|s| s.map(Arg::Scalar));
    }
    if object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>() {
        return sequence(object).map(|a| a.map(Arg::Made));
    }
    // Subclasses of Python's numbers that are not NumPy's (IntEnum and the like).
    if object.is_instance_of::<PyInt>() {
        return Ok(object.extract::<i64>().ok().map(|v| Arg::Number(Number::Int(v as i128))));
    }
    if object.is_instance_of::<PyFloat>() {
        return Ok(Some(Arg::Number(Number::Float(object.extract()?))));
    }
    // What the objects of other libraries compute by themselves (a Series times an array is a Series), a tape would not see: while it
    // records, they are arrays of their values.
    if recording() && speaks(object, "__array__") && !object.is_instance(np.ndarray.bind(py))? {
        let deaf = object.get_type().getattr("__array_ufunc__").is_ok_and(|f| f.is_none());
        if !deaf {
            return array_from(object).map(|a| a.map(Arg::Made));
        }
    }
    Ok(None)
}

fn recording() -> bool {
    context::flags() & context::RECORDING != 0
}
/// Whether the class of the object has that attribute. Protocols are looked up there: an object that answers to every name has none.
fn speaks(object: &Bound<'_, PyAny>, protocol: &str) -> bool {
    object.get_type().hasattr(protocol).unwrap_or(false)
}
/// Whether NumPy's functions are another library's business when they meet the object (pandas, xarray).
fn computes_itself(object: &Bound<'_, PyAny>) -> bool {
    !recording() && (speaks(object, "__array_ufunc__") || speaks(object, "__array_function__"))
}

/// The value of a NumPy scalar with its dtype.
pub fn numpy_scalar(object: &Bound<'_, PyAny>) -> PyResult<Option<Scalar>> {
    let py = object.py();
    if let Some(value) = crate::element::value(object)? {
        return Ok(Some(value));
    }
    // `longlong` where `long` has as many bits.
    let array = numpy(py)?.asarray.bind(py).call1((object,))?;
    import_values(&array)?.map(|a| a.item()).transpose().py()
}

/// A list or tuple through NumPy's own conversion (or through ours where it holds our arrays).
pub fn sequence(object: &Bound<'_, PyAny>) -> PyResult<Option<Array>> {
    let py = object.py();
    if let Some(a) = crate::lists::array(object, device::host().py()?)? {
        return Ok(Some(a));
    }
    if let Some(a) = rows(object)? {
        return Ok(Some(a));
    }
    if holds_ours(object)? {
        let made = py.import("minpy.numpy._creation")?.getattr("join")?.call1((object,))?;
        return Ok(as_array(&made).cloned());
    }
    crate::numbers::take_part(object)?;
    let array = numpy(py)?.asarray.bind(py).call1((object,))?;
    import_values(&array)
}

/// A list of nothing but arrays of ours that are alike, as one array, where that needs no kernel.
fn rows(object: &Bound<'_, PyAny>) -> PyResult<Option<Array>> {
    let Ok(list) = object.cast_exact::<PyList>() else { return Ok(None) };
    if list.is_empty() {
        return Ok(None);
    }
    let items: Vec<Bound<'_, PyAny>> = list.iter().collect();
    let arrays: Option<Vec<&Array>> =
        items.iter().map(|i| as_pyarray(i).filter(|p| !p.is_scalar()).map(|p| p.array())).collect();
    match arrays {
        Some(arrays) => ops::stack_small(&arrays).py(),
        None => Ok(None),
    }
}

/// Levels of lists that an array can have dimensions for.
pub const DEEPEST: usize = 64;

/// NumPy's complaint about lists nested deeper than that, or that contain themselves.
#[cold]
pub fn too_deep() -> PyErr {
    PyValueError::new_err(format!(
        "setting an array element with a sequence. The requested array would exceed the maximum number of dimension of {DEEPEST}."
    ))
}

/// Calls `f` for everything in nested lists and tuples that is none of them, until it says true. Lists come from users: one that
/// contains itself, or is nested deeper than arrays have dimensions, is an error and not the end of the stack.
pub fn any_leaf<'py>(
    object: &Bound<'py, PyAny>,
    f: &mut impl FnMut(&Bound<'py, PyAny>) -> bool,
) -> PyResult<bool> {
    fn visit<'py>(
        object: &Bound<'py, PyAny>,
        depth: usize,
        f: &mut impl FnMut(&Bound<'py, PyAny>) -> bool,
    ) -> PyResult<bool> {
        let mut any = |item: Bound<'py, PyAny>| match depth < DEEPEST {
            true => visit(&item, depth + 1, f),
            false => Err(too_deep()),
        };
        if let Ok(list) = object.cast::<PyList>() {
            for item in list {
                if any(item)? {
                    return Ok(true);
                }
            }
            Ok(false)
        } else if let Ok(tuple) = object.cast::<PyTuple>() {
            for item in tuple {
                if any(item)? {
                    return Ok(true);
                }
            }
            Ok(false)
        } else {
            Ok(f(object))
        }
    }
    visit(object, 0, f)
}

/// Whether a nested list or tuple has one of our arrays in it.
pub fn holds_ours(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    if !object.is_instance_of::<PyList>() && !object.is_instance_of::<PyTuple>() {
        return Ok(false);
    }
    any_leaf(object, &mut |item| as_array(item).is_some())
}

/// The items of an iterable of a user's. Room grows with what comes: what its `__len__` says is not believed.
pub fn items_of<'py, T>(
    object: &Bound<'py, PyAny>,
    mut read: impl FnMut(Bound<'py, PyAny>) -> PyResult<T>,
) -> PyResult<Vec<T>> {
    let mut all = Vec::new();
    for item in object.try_iter()? {
        memory::push(&mut all, read(item?)?).py()?;
    }
    Ok(all)
}

/// One of our arrays, or anything that NumPy would make an array of; `None` for elements that are not ours.
pub fn array_from(object: &Bound<'_, PyAny>) -> PyResult<Option<Array>> {
    if let Some(a) = as_array(object) {
        return Ok(Some(a.clone()));
    }
    let py = object.py();
    let np = numpy(py)?;
    let foreign = speaks(object, "__array__")
        && !object.get_type().is(np.ndarray.bind(py))
        && !object.is_instance(np.generic.bind(py))?;
    if foreign {
        // So do subclasses of NumPy's array.
        if object.is_instance(np.ndarray.bind(py))? || computes_itself(object) {
            return Ok(None);
        }
    } else {
        match operand(object)? {
            Some(Arg::Ours(a)) => return Ok(Some(a.clone())),
            Some(Arg::Made(a)) => return Ok(Some(a)),
            Some(Arg::Number(n)) => return made(n.to_scalar(n.default_dtype()).py()?).map(Some),
            Some(Arg::Scalar(s)) => return made(s).map(Some),
            None => {}
        }
    }
    let array = match np.asarray.bind(py).call1((object,)) {
        Ok(array) => array,
        Err(e) => return given_by_protocol(object)?.map(Some).ok_or(e),
    };
    if array.getattr("dtype")?.getattr("kind")?.extract::<String>()? == "O" {
        return Ok(None);
    }
    import_values(&array)
}
/// The array of ours that an object's `__array__` gives: NumPy takes none but its own.
pub fn given_by_protocol(object: &Bound<'_, PyAny>) -> PyResult<Option<Array>> {
    if !speaks(object, "__array__") {
        return Ok(None);
    }
    Ok(as_array(&object.call_method0("__array__")?).cloned())
}
fn made(s: Scalar) -> PyResult<Array> {
    let device = minpy_core::context::current_device().py()?;
    Array::from_scalar_on(device, s).py()
}

/// An integer, or what has an `__index__`.
#[inline]
pub fn index_of(object: &Bound<'_, PyAny>) -> PyResult<isize> {
    // SAFETY: a type check and a read of a live object of that type.
    let exact = unsafe {
        let p = object.as_ptr();
        if ffi::PyLong_CheckExact(p) != 0 { ffi::PyLong_AsSsize_t(p) } else { -1 }
    };
    if exact != -1 {
        return Ok(exact);
    }
    match PyErr::take(object.py()) {
        Some(e) => Err(e),
        None => object.extract::<isize>(),
    }
}
/// Integers as users give them.
pub type Ints = SmallVec<[isize; 4]>;

/// An integer or a sequence of integers, all of it. An iterator is left as it is: only NumPy knows whether the function takes one.
pub fn ints_from(object: &Bound<'_, PyAny>) -> PyResult<Ints> {
    ints_up_to(object, usize::MAX, index_of)
}
/// The same for axes and shapes, of which there are not more than arrays have dimensions. A truth value is none.
pub fn axes_from(object: &Bound<'_, PyAny>) -> PyResult<Ints> {
    ints_up_to(object, DEEPEST, axis_from)
}
/// One axis.
pub fn axis_from(object: &Bound<'_, PyAny>) -> PyResult<isize> {
    match object.is_exact_instance_of::<PyBool>() {
        true => Err(PyTypeError::new_err("an integer is required")),
        false => index_of(object),
    }
}
fn ints_up_to(
    object: &Bound<'_, PyAny>,
    most: usize,
    one: fn(&Bound<'_, PyAny>) -> PyResult<isize>,
) -> PyResult<Ints> {
    let mut all = Ints::new();
    let mut add = |i: PyResult<isize>| memory::push_small(&mut all, i?).py();
    if let Ok(t) = object.cast::<PyTuple>() {
        few(t.len(), most)?;
        t.iter_borrowed().try_for_each(|i| add(one(&i)))?;
        return Ok(all);
    }
    if let Ok(l) = object.cast::<PyList>() {
        few(l.len(), most)?;
        l.iter().try_for_each(|i| add(one(&i)))?;
        return Ok(all);
    }
    let e = match one(object) {
        Ok(i) => return Ok(Ints::from_elem(i, 1)),
        Err(e) => e,
    };
    // SAFETY: a live object.
    if unsafe { ffi::PySequence_Check(object.as_ptr()) } == 0 {
        return Err(e);
    }
    let n = object.len()?;
    few(n, most)?;
    if let Some(values) = whole_numbers(object)? {
        values.into_iter().try_for_each(|i| add(Ok(i as isize)))?;
        return Ok(all);
    }
    for i in 0..n {
        // SAFETY: a live object; a new reference or an error.
        let item = unsafe {
            let item = ffi::PySequence_GetItem(object.as_ptr(), i as ffi::Py_ssize_t);
            Bound::from_owned_ptr_or_err(object.py(), item)?
        };
        add(one(&item))?;
    }
    Ok(all)
}
fn few(n: usize, most: usize) -> PyResult<()> {
    if n <= most {
        return Ok(());
    }
    Err(PyValueError::new_err(format!(
        "maximum supported dimension for an ndarray is currently {DEEPEST}, found {n}"
    )))
}
/// The elements of an array of integers with one dimension.
fn whole_numbers(object: &Bound<'_, PyAny>) -> PyResult<Option<Vec<i64>>> {
    let theirs = object.get_type().is(numpy(object.py())?.ndarray.bind(object.py()));
    let Some(a) = (match as_array(object) {
        Some(a) => Some(a.clone()),
        None if theirs => import_values(object)?,
        None => None,
    }) else {
        return Ok(None);
    };
    let fits = a.ndim() == 1 && a.dtype().is_integer() && a.dtype() != DType::U64;
    if fits { a.astype(DType::I64).and_then(|a| a.to_vec()).map(Some).py() } else { Ok(None) }
}
/// What cannot be read is NumPy's to complain about; what has nothing to do with the object goes on.
pub fn if_readable<T>(py: Python<'_>, read: PyResult<T>) -> PyResult<Option<T>> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(e) if e.is_instance_of::<PyMemoryError>(py) || !e.is_instance_of::<PyException>(py) => Err(e),
        Err(_) => Ok(None),
    }
}

/// A shape: no negative sizes.
pub fn shape_from(object: &Bound<'_, PyAny>) -> PyResult<SmallVec<[usize; 6]>> {
    let sizes = match axes_from(object) {
        Ok(s) => s,
        Err(e) if e.is_instance_of::<pyo3::exceptions::PyOverflowError>(object.py()) => {
            return Err(PyValueError::new_err("Maximum allowed dimension exceeded"));
        }
        Err(e) if !e.is_instance_of::<PyTypeError>(object.py()) => return Err(e),
        Err(_) => {
            return Err(PyTypeError::new_err(format!(
                "expected a sequence of integers or a single integer, got '{}'",
                object.repr()?
            )));
        }
    };
    sizes
        .iter()
        .map(|&n| {
            usize::try_from(n).map_err(|_| PyValueError::new_err("negative dimensions are not allowed"))
        })
        .collect()
}

/// A mask (`where=`): an array must be bool already, lists and numbers are made so.
pub fn mask_from(object: &Bound<'_, PyAny>) -> PyResult<Array> {
    let py = object.py();
    let np = numpy(py)?;
    let array = as_array(object).is_some()
        || object.is_instance(np.ndarray.bind(py))?
        || object.is_instance(np.generic.bind(py))?
        || holds_ours(object)?;
    let found = if array {
        array_from(object)?
    } else {
        let kwargs = PyDict::new(py);
        kwargs.set_item("dtype", dtype_object(py, DType::Bool)?)?;
        import_values(&np.asarray.bind(py).call((object,), Some(&kwargs))?)?
    };
    found.filter(|m| m.dtype() == DType::Bool).ok_or_else(|| {
        let dtype = object.getattr("dtype").and_then(|d| d.str()).map_or("object".into(), |d| d.to_string());
        PyTypeError::new_err(format!(
            "Cannot cast array data of where= from dtype('{dtype}') to dtype('bool') according to the rule 'safe'"
        ))
    })
}
