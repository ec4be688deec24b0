//! The functions of core's table as Python functions and as methods of arrays: one reader of arguments for all of them.
//!
//! A function is a builtin of CPython's, as if it had been written in C: `inspect` finds its signature, `pickle` its name. What it
//! cannot take, or declines, goes to NumPy as it was given; so NumPy also complains about arguments that do not fit its signature.

use crate::array::{PyArray, as_pyarray, wrap, wrap_part, wrap_read_only, wrap_result, wrap_view};
use crate::convert::{
    Arg, Ints, any_leaf, array_from, axes_from, axis_from, exact_number, if_readable, ints_from, operand,
};
use crate::errors::Outcome;
use crate::fallback;
use crate::numbers::quiet_if;
use crate::numpy::{dtype_from, numpy};
use crate::run::{WORTH_DETACHING, native};
use minpy_core::function::{Default, Function, Gives, Kind, Made, Passing, Value, settle};
use minpy_core::written::enter;
use minpy_core::{Array, DType, ErrorKind, Number, memory};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::impl_::trampoline::{MethodDef, fastcall_cfunction_with_keywords as fastcall};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};
use smallvec::SmallVec;
use std::ffi::CString;

type Any<'py> = Bound<'py, PyAny>;
/// In front of the name of a method whose parameters are not those of the function.
const METHOD: &str = "ndarray.";
/// Most parameters of a function.
const MOST: usize = 12;
/// Arguments as a call has them: one object per parameter, or none.
type Objects<'a, 'py> = [Option<&'a Any<'py>>; MOST];

/// What Python needs of a function beside its entry.
struct Face {
    function: &'static Function,
    /// The function's name, or another one of it.
    name: &'static str,
    /// The same as programs write it, also for a method.
    written: &'static str,
    /// Names of the parameters, interned: a call's names are mostly the same objects.
    names: Vec<Py<PyString>>,
    /// Parameters that can be passed by position.
    positional: usize,
}

static FACES: PyOnceLock<Vec<Face>> = PyOnceLock::new();

fn faces(py: Python<'_>) -> PyResult<&'static [Face]> {
    let list = FACES.get_or_try_init(py, || -> PyResult<Vec<Face>> {
        let functions = minpy_core::registry::global().py()?.functions();
        if let Some(f) = functions.iter().find(|f| f.parameters.len() > MOST) {
            return Err(PyRuntimeError::new_err(format!(
                "{f:?} has more parameters than the {MOST} of table.rs"
            )));
        }
        Ok(functions
            .iter()
            .flat_map(|f| std::iter::once(&f.name).chain(f.aliases).map(move |name| (f, name)))
            .map(|(f, name)| Face {
                function: f,
                name,
                written: name.strip_prefix(METHOD).unwrap_or(name),
                names: f.parameters.iter().map(|p| PyString::intern(py, p.name).unbind()).collect(),
                positional: f
                    .parameters
                    .iter()
                    .take_while(|p| matches!(p.passing, Passing::Position | Passing::Either))
                    .count(),
            })
            .collect())
    })?;
    Ok(list)
}

impl Face {
    /// The arguments by parameter; `None` where they do not fit the signature.
    #[inline]
    fn match_up<'a, 'py>(
        &self,
        py: Python<'py>,
        positional: impl ExactSizeIterator<Item = &'a Any<'py>>,
        named: &'a [*mut ffi::PyObject],
        names: Option<&Bound<'py, PyTuple>>,
    ) -> PyResult<Option<Objects<'a, 'py>>> {
        let parameters = self.function.parameters;
        if positional.len() > self.positional {
            return Ok(None);
        }
        let mut objects: Objects = [None; MOST];
        for (o, given) in objects.iter_mut().zip(positional) {
            *o = Some(given);
        }
        if let Some(names) = names {
            for (name, value) in names.iter_borrowed().zip(named) {
                let same = |n: &Py<PyString>| n.as_ptr() == name.as_ptr();
                let at = match self.names.iter().position(same) {
                    Some(at) => at,
                    None => {
                        let text = name.cast::<PyString>()?;
                        let text = text.to_str()?;
                        let known =
                            parameters.iter().position(|p| p.name == text && p.passing != Passing::Rest);
                        match known.or_else(|| parameters.iter().position(|p| p.passing == Passing::Rest)) {
                            Some(at) => at,
                            None => return Ok(None),
                        }
                    }
                };
                let again = objects[at].is_some() && parameters[at].passing != Passing::Rest;
                if again || parameters[at].passing == Passing::Position {
                    return Ok(None);
                }
                // SAFETY: the caller of the function holds its arguments.
                objects[at] = Some(unsafe { Bound::ref_from_ptr(py, value) });
            }
        }
        let complete = parameters
            .iter()
            .zip(&objects)
            .all(|(p, o)| o.is_some() || !matches!(p.default, Default::Required));
        Ok(complete.then_some(objects))
    }
    /// Calls the function; `None` where it does not compute that, with the reason.
    fn run<'py>(&self, py: Python<'py>, objects: &Objects<'_, 'py>) -> PyResult<Result<Any<'py>, String>> {
        let function = self.function;
        let mut values = [const { Value::Absent }; MOST];
        let (mut out, mut size, mut settled) = (None, 0, true);
        let quiet = quiet_if(function.constant);
        for (i, (p, o)) in function.parameters.iter().zip(objects).enumerate() {
            let Some(o) = o else { continue };
            let value = &mut values[i];
            if p.kind.takes_array()
                && let Some(mine) = as_pyarray(o)
            {
                // Written where it stays: moving a value that has just been written waits for it.
                let a = mine.array();
                size = size.max(a.size());
                *value = Value::Array(a);
                continue;
            }
            if p.passing == Passing::Rest {
                return Ok(Err("a keyword that only NumPy's ufuncs take".into()));
            }
            if p.kind == Kind::Target
                && let Some(mine) = as_pyarray(o)
            {
                mine.check(format_args!("{}: output array is read-only", self.written))?;
            }
            match read(p.kind, p.default, o)? {
                Some(v) => *value = v,
                None => return Ok(Err(format!("{}= of type {}", p.name, o.get_type().name()?))),
            }
            match value {
                Value::Array(a) => {
                    size = size.max(a.size());
                    if p.kind == Kind::Out {
                        out = Some(i);
                    }
                }
                Value::Made(a) => {
                    size = size.max(a.size());
                    settled = false;
                }
                Value::List(list) => {
                    let all = list.iter().filter_map(Value::array);
                    size = all.fold(size, |n, a| n.saturating_add(a.size()));
                    settled = false;
                }
                _ => {}
            }
        }
        drop(quiet);
        let values = &mut values[..function.parameters.len()];
        if !settled {
            settle(values).py()?;
        }
        let mut made = Made::Nothing;
        let done = if size < WORTH_DETACHING {
            function.call_settled(values, out, &mut made)
        } else {
            py.detach(|| function.call_settled(values, out, &mut made))
        };
        match done {
            Ok(()) => {}
            Err(e) if e.kind() == ErrorKind::NotNative => return Ok(Err(e.message().to_string())),
            Err(e) => return Err(e).py(),
        }
        match out {
            Some(at) => Ok(Ok(objects[at].map_or_else(|| py.None().into_bound(py), Clone::clone))),
            None => give(py, function, made, objects[0]).map(Ok),
        }
    }
}

/// The object as an argument of that kind; `None` when only NumPy knows what it means.
pub fn read<'a>(kind: Kind, default: Default, object: &'a Any<'_>) -> PyResult<Option<Value<'a>>> {
    if (kind.takes_array() || kind == Kind::Target)
        && let Some(p) = as_pyarray(object)
    {
        return Ok(Some(Value::Array(p.array())));
    }
    let py = object.py();
    if object.is_none() {
        let number = matches!(default, Default::Int(_)) && kind == Kind::Int;
        if number || matches!(kind, Kind::Float | Kind::Ours | Kind::Target | Kind::Pairs) {
            return Ok(None);
        }
        return Ok(Some(if matches!(default, Default::None) { Value::Absent } else { Value::None }));
    }
    if default != Default::Required && numpy(py)?.no_value.is(object) {
        return Ok(Some(Value::Absent));
    }
    let one = || if_readable(py, axis_from(object).map(|i| Value::Ints(Ints::from_elem(i, 1))));
    let several = || if_readable(py, ints_from(object).map(Value::Ints));
    Ok(match kind {
        Kind::Array => array_from(object)?.map(Value::Made),
        Kind::Operand | Kind::Bound => operand(object)?.map(|a| match a {
            Arg::Ours(a) => Value::Array(a),
            Arg::Made(a) => Value::Made(a),
            Arg::Number(n) => Value::Number(n),
            Arg::Scalar(s) => Value::Scalar(s),
        }),
        Kind::Arrays => list(object)?,
        Kind::Axis | Kind::Int => one()?,
        Kind::Axes if object.is_instance_of::<PyTuple>() => {
            if_readable(py, axes_from(object).map(Value::Ints))?
        }
        Kind::Axes => one()?,
        Kind::Ints => several()?,
        Kind::Sections => match if_readable(py, object.extract::<isize>())? {
            Some(n) => Some(Value::Number(Number::Int(n as i128))),
            None => several()?,
        },
        Kind::DType => dtype_from(object)?.map(Value::DType),
        Kind::Flag => Some(Value::Flag(object.is_truthy()?)),
        Kind::Float => if_readable(py, object.extract::<f64>())?.map(|x| Value::Number(Number::Float(x))),
        Kind::Choice(words) => {
            let word = object.cast::<PyString>().ok().and_then(|s| s.to_str().ok());
            word.and_then(|w| words.iter().find(|known| **known == w)).map(|w| Value::Text(w))
        }
        Kind::Out => match as_pyarray(object) {
            Some(p) => {
                p.check_output()?;
                Some(Value::Array(p.array()))
            }
            None => None,
        },
        Kind::Mask if object.extract::<bool>().is_ok_and(|on| on) => Some(Value::Absent),
        Kind::Mask => array_from(object)?.map(Value::Made),
        Kind::Foreign | Kind::Ours | Kind::Target => None,
        Kind::Indices => array_from(object)?.map(|a| positions(a, object)).transpose()?.map(Value::Made),
        Kind::Tried => match array_from(object) {
            Ok(a) => a.map(Value::Made),
            Err(e) if e.is_instance_of::<PyValueError>(py) || e.is_instance_of::<PyTypeError>(py) => None,
            Err(e) => return Err(e),
        },
        Kind::Word => object.cast::<PyString>().ok().and_then(|s| s.to_str().ok()).map(Value::Text),
        Kind::Pairs => match object.extract::<isize>() {
            Ok(n) => Some(Value::Number(Number::Int(n as i128))),
            Err(_) => pairs(object),
        },
    })
}
/// No numbers have no kind: an empty list holds integers.
fn positions(a: Array, object: &Any<'_>) -> PyResult<Array> {
    let list = object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>();
    if list && a.size() == 0 { minpy_core::ops::cast(&a, DType::I64).py() } else { Ok(a) }
}
/// Two integers, or two sequences of them.
fn pairs<'a>(object: &Any<'_>) -> Option<Value<'a>> {
    let mut lists = object.try_iter().ok()?.take(3).map(|item| {
        let axes = axes_from(&item.ok()?).ok()?;
        Some(Value::Ints(axes.into_iter().collect()))
    });
    let both = vec![lists.next()??, lists.next()??];
    lists.next().is_none().then_some(Value::List(both))
}
/// A sequence of arrays; an array is the sequence of its rows.
fn list<'a>(object: &'a Any<'_>) -> PyResult<Option<Value<'a>>> {
    if let Some(a) = crate::array::as_array(object) {
        let rows = a.shape().first().copied().unwrap_or(0);
        if a.ndim() == 0 {
            return Ok(None);
        }
        let all = (0..rows).map(|i| Value::Placed(a.view(a.layout().select(0, i))));
        return Ok(Some(Value::List(memory::collected(all).py()?)));
    }
    if !object.hasattr("__getitem__")? {
        return Ok(None); // NumPy wants a sequence, and says so
    }
    let mut all: Vec<Value> = Vec::new();
    for item in object.try_iter()? {
        let item = item?;
        let Some(made) = array_from(&item)? else { return Ok(None) };
        let value = if as_pyarray(&item).is_some() { Value::Placed(made) } else { Value::Made(made) };
        memory::push(&mut all, value).py()?;
    }
    Ok(Some(Value::List(all)))
}

/// What a function made, as Python has it.
fn give<'py>(
    py: Python<'py>,
    function: &'static Function,
    made: Made,
    first: Option<&Any<'py>>,
) -> PyResult<Any<'py>> {
    let one = |a: Array| match (function.gives, first) {
        (Gives::View, Some(first)) => wrap_view(a, first),
        (Gives::ReadOnly, Some(first)) => wrap_read_only(a, first),
        (Gives::Array, _) => wrap(py, a),
        (Gives::Part, Some(first)) => part(a, first),
        _ => wrap_result(py, a),
    };
    Ok(match made {
        Made::One(a) => one(a)?,
        Made::Many(list) => {
            let all = PyList::empty(py);
            for a in list {
                all.append(match first {
                    Some(first) => wrap_view(a, first)?,
                    None => wrap(py, a)?,
                })?;
            }
            // SAFETY: a live list; a new reference or an error.
            let tuple = || unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyList_AsTuple(all.as_ptr())) };
            match function.gives {
                Gives::Named(class, names) => {
                    named(py, class, names)?.call1(tuple()?.cast_into::<PyTuple>()?)?
                }
                Gives::List => all.into_any(),
                _ => tuple()?,
            }
        }
        Made::Truth(on) => on.into_pyobject(py)?.to_owned().into_any(),
        Made::Count(n) => n.into_pyobject(py)?.into_any(),
        Made::Shape(shape) => PyTuple::new(py, shape)?.into_any(),
        Made::Nothing => py.None().into_bound(py),
    })
}
/// A part of complex numbers, as core made it of an object: of real numbers the object itself, as in NumPy.
pub fn part<'py>(made: Array, of: &Any<'py>) -> PyResult<Any<'py>> {
    let py = of.py();
    let Some(whole) = as_pyarray(of) else { return wrap_result(py, made) };
    if made.same_view(whole.array()) {
        return Ok(of.clone());
    }
    if whole.is_scalar() {
        return wrap_result(py, made);
    }
    let complex = whole.array().dtype().is_complex();
    match std::sync::Arc::ptr_eq(made.buffer(), whole.array().buffer()) {
        true => wrap_view(made, of),
        false if complex => wrap_part(py, made),
        false => wrap_read_only(made, of),
    }
}
/// The class of results of that name: one for each.
fn named<'py>(py: Python<'py>, class: &str, names: &[&str]) -> PyResult<Any<'py>> {
    static CLASSES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    let classes = CLASSES.get_or_init(py, || PyDict::new(py).unbind()).bind(py);
    if let Some(known) = classes.get_item(class)? {
        return Ok(known);
    }
    let made = py.import("collections")?.getattr("namedtuple")?.call1((class, names.to_vec()))?;
    made.setattr("__module__", "minpy.numpy")?;
    classes.set_item(class, &made)?;
    Ok(made)
}

/// NumPy's function of that name, with the arguments as they were given.
#[cold]
fn hand_over<'py>(
    py: Python<'py>,
    function: &'static Function,
    positional: &[&Any<'py>],
    named: &[*mut ffi::PyObject],
    names: Option<&Bound<'py, PyTuple>>,
    reason: Option<&str>,
) -> PyResult<Any<'py>> {
    let kwargs = PyDict::new(py);
    for (name, value) in names.iter().flat_map(|n| n.iter()).zip(named) {
        // SAFETY: the caller of the function holds its arguments.
        kwargs.set_item(name, unsafe { Bound::ref_from_ptr(py, value) })?;
    }
    let known = function
        .name
        .split('.')
        .try_fold(numpy(py)?.module.bind(py).clone().into_any(), |m, part| m.getattr(part));
    if known.is_err() {
        let reason = reason.map_or_else(|| format!("its signature is {function:?}"), str::to_string);
        return Err(PyTypeError::new_err(format!("{}(): {reason}", function.name)));
    }
    let args = PyTuple::new(py, positional)?;
    // Questions about what is not ours are NumPy's alone.
    if let (Gives::Count | Gives::Shape, Ok(theirs)) = (function.gives, known)
        && nothing_of_ours(&args).unwrap_or(false)
    {
        return theirs.call(args, Some(&kwargs));
    }
    fallback::declined(py, function.name, &args, &kwargs, reason)
}
/// Whether arguments are numbers, NumPy's arrays and lists of such.
fn nothing_of_ours(args: &Bound<'_, PyTuple>) -> PyResult<bool> {
    let np = numpy(args.py())?;
    let strange = |item: &Any<'_>| {
        exact_number(item).is_none() && !item.is_none() && !item.get_type().is(np.ndarray.bind(item.py()))
    };
    Ok(!any_leaf(args.as_any(), &mut { strange })?)
}

/// Calls the function of that number; `slf` is the array when it is called as a method.
///
/// # Safety
/// The pointers are those of a call by CPython's convention for fast calls with names.
unsafe fn call_at<'py>(
    py: Python<'py>,
    number: usize,
    slf: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    nargs: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> PyResult<*mut ffi::PyObject> {
    let face = &faces(py)?[number];
    let function = face.function;
    let _entered = enter(face.written);
    // SAFETY: by the convention: `nargs` positional arguments, and behind them as many as the tuple has names.
    let (positional, named, names) = unsafe {
        let names = Bound::from_borrowed_ptr_or_opt(py, names).map(|n| n.cast_into_unchecked::<PyTuple>());
        let count = names.as_ref().map_or(0, |n| n.len());
        let (given, behind) = if args.is_null() {
            (&[][..], &[][..])
        } else {
            std::slice::from_raw_parts(args, nargs as usize + count).split_at(nargs as usize)
        };
        let mut positional: SmallVec<[&Any; 10]> = SmallVec::new();
        if !slf.is_null() {
            positional.push(Bound::ref_from_ptr(py, &slf));
        }
        positional.extend(given.iter().map(|p| Bound::ref_from_ptr(py, p)));
        (positional, behind, names)
    };
    let mut reason = None;
    if native()
        && let Some(objects) = face.match_up(py, positional.iter().copied(), named, names.as_ref())?
    {
        match face.run(py, &objects)? {
            Ok(result) => return Ok(result.into_ptr()),
            Err(why) => reason = Some(why),
        }
    }
    hand_over(py, function, &positional, named, names.as_ref(), reason.as_deref()).map(Bound::into_ptr)
}

/// The C function of each number. A builtin is told nothing but its arguments, so that each needs a function of its own; pyo3 makes
/// them of Rust functions in the source only, hence the use of what its macros use (it also keeps panics from Python).
struct Number_<const N: usize>;
impl<const N: usize> MethodDef<fastcall::Func> for Number_<N> {
    const METH: fastcall::Func = at::<N>;
}
unsafe fn at<'py, const N: usize>(
    py: Python<'py>,
    slf: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    nargs: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> PyResult<*mut ffi::PyObject> {
    // SAFETY: handed on.
    unsafe { call_at(py, N, slf, args, nargs, names) }
}
type Entry = ffi::PyCFunctionFastWithKeywords;
macro_rules! numbers {
    ($($tens:literal)*) => { [$(
        fastcall::<Number_<{ $tens * 8 }>>, fastcall::<Number_<{ $tens * 8 + 1 }>>, fastcall::<Number_<{ $tens * 8 + 2 }>>, fastcall::<Number_<{ $tens * 8 + 3 }>>,
        fastcall::<Number_<{ $tens * 8 + 4 }>>, fastcall::<Number_<{ $tens * 8 + 5 }>>, fastcall::<Number_<{ $tens * 8 + 6 }>>, fastcall::<Number_<{ $tens * 8 + 7 }>>,
    )*] };
}
static ENTRIES: [Entry; 512] = numbers! {
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
    32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63
};

/// A definition as CPython wants it; it lives as long as the process.
fn definition(number: usize, name: &str, signature: &str, doc: &str) -> PyResult<*mut ffi::PyMethodDef> {
    let text = |s: String| CString::new(s).map_err(|e| PyRuntimeError::new_err(e.to_string()));
    let Some(&entry) = ENTRIES.get(number) else {
        return Err(PyRuntimeError::new_err(format!(
            "more functions than the {} of table.rs",
            ENTRIES.len()
        )));
    };
    Ok(Box::into_raw(Box::new(ffi::PyMethodDef {
        ml_name: text(name.into())?.into_raw(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: entry },
        ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
        // What `inspect` reads, and then the documentation.
        ml_doc: text(format!("{name}{signature}\n--\n\n{doc}"))?.into_raw(),
    })))
}

/// Every function of the table, by name: dots stand for modules. Puts the methods on the class of arrays.
#[pyfunction]
pub fn _functions(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let all = PyDict::new(py);
    let class = py.get_type::<PyArray>();
    for (number, face) in faces(py)?.iter().enumerate() {
        let (f, name) = (face.function, face.name);
        let (signature, mut doc) = (f.signature(), f.documentation());
        if name != f.name {
            doc = doc.replacen('\n', &format!(" Another name of `{}`.\n", f.name), 1);
        }
        let (module, short) = match name.rsplit_once('.') {
            Some((module, short)) => (format!("minpy.numpy.{module}"), short),
            None => ("minpy.numpy".into(), name),
        };
        let module = PyString::intern(py, &module);
        // SAFETY: the definition is complete and is never freed.
        let made = unsafe {
            let def = definition(number, short, &signature, &doc)?;
            Bound::from_owned_ptr_or_err(
                py,
                ffi::PyCFunction_NewEx(def, std::ptr::null_mut(), module.as_ptr()),
            )?
        };
        if face.written == name {
            all.set_item(name, made)?;
        }
        if (f.method || face.written != name) && name == f.name {
            let rest = signature.split_once(", ").map_or(")", |(_, rest)| rest);
            let signature = if rest == ")" { "($self)".to_string() } else { format!("($self, {rest}") };
            // SAFETY: as above; the class lives as long as the process.
            let method = unsafe {
                let def = definition(number, face.written, &signature, &doc)?;
                Bound::from_owned_ptr_or_err(py, ffi::PyDescr_NewMethod(class.as_type_ptr(), def))?
            };
            class.setattr(face.written, method)?;
        }
    }
    Ok(all)
}

/// The cases of every function, for tests: name, the case as it is written, arguments, keywords.
#[pyfunction]
pub fn _table_cases(
    py: Python<'_>,
) -> PyResult<Vec<(&'static str, &'static str, Bound<'_, PyTuple>, Bound<'_, PyDict>)>> {
    let mut all = Vec::new();
    for face in faces(py)?.iter().filter(|f| f.name == f.function.name) {
        for case in face.function.cases {
            let (mut args, kwargs) = (Vec::new(), PyDict::new(py));
            let values = minpy_core::function::sample(face.function, case).py()?;
            for (p, value) in face.function.parameters.iter().zip(values) {
                if matches!(value, Value::Absent) {
                    continue;
                }
                let object = object_of(py, value)?;
                if p.default == Default::Required || p.passing == Passing::Position {
                    args.push(object);
                } else {
                    kwargs.set_item(p.name, object)?;
                }
            }
            all.push((face.name, *case, PyTuple::new(py, args)?, kwargs));
        }
    }
    Ok(all)
}
fn object_of<'py>(py: Python<'py>, value: Value) -> PyResult<Any<'py>> {
    Ok(match value {
        Value::Absent | Value::None => py.None().into_bound(py),
        Value::Array(a) => wrap(py, a.clone())?,
        Value::Placed(a) | Value::Made(a) => wrap(py, a)?,
        Value::Number(Number::Int(i)) => i.into_pyobject(py)?.into_any(),
        Value::Number(n) => n.to_f64().into_pyobject(py)?.into_any(),
        Value::Scalar(s) => {
            wrap_result(py, Array::from_scalar_on(minpy_core::context::current_device().py()?, s).py()?)?
        }
        Value::List(list) => {
            PyList::new(py, list.into_iter().map(|v| object_of(py, v)).collect::<PyResult<Vec<_>>>()?)?
                .into_any()
        }
        Value::Ints(list) if list.len() == 1 => list[0].into_pyobject(py)?.into_any(),
        Value::Ints(list) => PyTuple::new(py, list)?.into_any(),
        Value::DType(d) => crate::numpy::dtype_object(py, d)?,
        Value::Flag(on) => on.into_pyobject(py)?.to_owned().into_any(),
        Value::Text(t) => PyString::new(py, t).into_any(),
    })
}
