//! The functions of core's table as Python functions and as methods of arrays; `reader.rs` reads what they are given.
//!
//! A function is a builtin of CPython's, as if it had been written in C: `inspect` finds its signature, `pickle` its name. What it
//! cannot take, or declines, goes to NumPy as it was given; so NumPy also complains about arguments that do not fit its signature.
//!
//! Longer than most files: a call, from CPython's arguments to the object that it gives, is one story.

use crate::array::{PyArray, as_pyarray, wrap, wrap_part, wrap_read_only, wrap_result, wrap_view};
use crate::convert::{any_leaf, exact_number};
use crate::errors::Outcome;
use crate::fallback;
use crate::numbers::quiet_if;
use crate::numpy::{given, numpy};
use crate::reader::read;
use crate::run::{WORTH_DETACHING, native};
use crate::vector::Args;
use minpy_core::backend::function::{Default, Function, Gives, Kind, Made, Passing, Value, settle};
use minpy_core::context::with_device;
use minpy_core::internal::Shared;
use minpy_core::internal::written::enter;
use minpy_core::{Array, DeviceRef, ErrorKind, Number};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::ffi;
use pyo3::impl_::trampoline::{MethodDef, fastcall_cfunction_with_keywords as fastcall};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};
use smallvec::SmallVec;
use std::ffi::CString;

type Any<'py> = Bound<'py, PyAny>;
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
    /// Parameters without a default. They come first.
    required: usize,
    /// Parameters that can be passed by position.
    positional: usize,
    /// The first parameter takes all that is passed by position.
    several: bool,
}

static FACES: PyOnceLock<Vec<Face>> = PyOnceLock::new();

fn faces(py: Python<'_>) -> PyResult<&'static [Face]> {
    let list = FACES.get_or_try_init(py, || -> PyResult<Vec<Face>> {
        let functions: Vec<&'static Function> = Function::all().py()?.collect();
        let out_of_order = |f: &&&Function| {
            f.parameters
                .windows(2)
                .any(|p| p[0].default != Default::Required && p[1].default == Default::Required)
        };
        if let Some(f) = functions.iter().find(out_of_order) {
            return Err(PyRuntimeError::new_err(format!("{f:?}: what must be given comes first")));
        }
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
                written: name.strip_prefix(Function::METHOD).unwrap_or(name),
                names: f.parameters.iter().map(|p| PyString::intern(py, p.name).unbind()).collect(),
                required: f.parameters.iter().take_while(|p| p.default == Default::Required).count(),
                positional: f
                    .parameters
                    .iter()
                    .take_while(|p| !matches!(p.passing, Passing::Name | Passing::Hidden | Passing::Rest))
                    .count(),
                several: f.parameters.first().is_some_and(|p| p.passing == Passing::Several),
            })
            .collect())
    })?;
    Ok(list)
}

/// One call.
struct Call<'a, 'py> {
    py: Python<'py>,
    /// The array when it is called as a method.
    slf: Option<&'a Any<'py>>,
    args: Args<'a, 'py>,
}

impl Face {
    /// The arguments by parameter; false where they do not fit the signature.
    #[inline]
    fn match_up<'a, 'py>(&self, call: &Call<'a, 'py>, objects: &mut Objects<'a, 'py>) -> PyResult<bool> {
        let parameters = self.function.parameters;
        let first = call.slf.is_some() as usize;
        if first + call.args.count() > self.positional {
            return Ok(false);
        }
        if let Some(slf) = call.slf {
            objects[0] = Some(slf);
        }
        for (o, given) in objects[first..].iter_mut().zip(call.args.positional()) {
            *o = Some(given);
        }
        if call.args.has_names() {
            for (name, value) in call.args.named() {
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
                            None => return Ok(false),
                        }
                    }
                };
                let passing = parameters[at].passing;
                // Of what `**kwargs` holds, a None is not the same as nothing.
                if objects[at].is_some() && passing != Passing::Rest
                    || matches!(passing, Passing::Position | Passing::Several)
                    || passing == Passing::Hidden && value.is_none()
                {
                    return Ok(false);
                }
                objects[at] = Some(value);
            }
        }
        Ok(objects[..self.required].iter().all(Option::is_some))
    }
    /// Calls the function; `None` says that the arguments do not fit its signature, an error why it does not compute that.
    #[inline]
    fn attempt<'py>(&self, call: &Call<'_, 'py>) -> PyResult<Option<Result<Any<'py>, String>>> {
        let mut objects: Objects = [None; MOST];
        if self.match_up(call, &mut objects)? { self.run(call.py, &objects).map(Some) } else { Ok(None) }
    }
    /// The same for one whose first parameter takes all that is passed by position.
    fn attempt_several<'py>(&self, call: &Call<'_, 'py>) -> PyResult<Option<Result<Any<'py>, String>>> {
        let all = [call.args.tuple()?.into_any()];
        self.attempt(&Call { py: call.py, slf: None, args: call.args.with_positional(&all) })
    }
    /// Calls the function; the error is the reason why it does not compute that.
    fn run<'py>(&self, py: Python<'py>, objects: &Objects<'_, 'py>) -> PyResult<Result<Any<'py>, String>> {
        let function = self.function;
        // Filled where they stay.
        let mut values: [Value; MOST] = [const { Value::Absent }; MOST];
        let (mut out, mut target, mut size, mut settled) = (None, None, 0, true);
        let quiet = quiet_if(function.constant);
        for (i, (p, o)) in function.parameters.iter().zip(objects).enumerate() {
            let Some(o) = o else { continue };
            if p.kind.takes_array()
                && let Some(mine) = as_pyarray(o)
            {
                let a = mine.array();
                size = size.max(a.size());
                values[i] = Value::Array(a);
                continue;
            }
            if p.passing == Passing::Rest {
                return Ok(Err("a keyword that only NumPy takes".into()));
            }
            // Numbers in a prototype take part in nothing either.
            let apart = quiet_if(!function.apart.is_empty() && function.apart.contains(&p.name));
            let given = read(p.kind, p.default, o)?;
            drop(apart);
            let Some(value) = given else {
                return Ok(Err(format!("{}= of type {}", p.name, o.get_type().name()?)));
            };
            values[i] = value;
            match &values[i] {
                Value::Array(a) => {
                    size = size.max(a.size());
                    match p.kind {
                        Kind::Out => out = Some(i),
                        Kind::Target => target = Some(i),
                        _ => {}
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
        if let Some(at) = target {
            self.check_target(objects[at], values, at)?;
        }
        let mut made = Made::Nothing;
        let done = if size < WORTH_DETACHING {
            function.call_settled(values, out, &mut made)
        } else {
            crate::lines::detach(py, || function.call_settled(values, out, &mut made))
        };
        match done {
            Ok(()) => crate::flags::check()?,
            Err(e) if e.kind() == ErrorKind::NotNative => {
                // NumPy does it, and tells of it.
                crate::flags::forget();
                return Ok(Err(e.message().to_string()));
            }
            Err(e) => return Err(e).py(),
        }
        match out {
            Some(at) => Ok(Ok(objects[at].map_or_else(|| py.None().into_bound(py), Clone::clone))),
            None => give(py, function, made, values, objects[0]).map(Ok),
        }
    }
    /// What is written must be writable, unless it is written into itself: then nothing is.
    #[cold]
    fn check_target(&self, object: Option<&Any<'_>>, values: &[Value], at: usize) -> PyResult<()> {
        let Some(target) = object.and_then(as_pyarray) else { return Ok(()) };
        let itself =
            |(i, v): (usize, &Value)| i != at && v.array().is_some_and(|v| v.same_view(target.array()));
        match values.iter().enumerate().any(itself) {
            true => Ok(()),
            false => target.check(format_args!("{}: output array is read-only", self.written)),
        }
    }
}

/// What a function made, as Python has it. Views are views of the first argument, or each of its own.
fn give<'py>(
    py: Python<'py>,
    function: &'static Function,
    made: Made,
    values: &[Value],
    first: Option<&Any<'py>>,
) -> PyResult<Any<'py>> {
    let several = function.parameters.first().is_some_and(|p| p.passing == Passing::Several);
    let one = |a: Array| match (function.gives, first) {
        (Gives::View, Some(first)) => view(a, first, values.first()),
        // What is new may be written.
        (Gives::ReadOnly, Some(first)) if shares(&a, values.first()) => {
            never_written(view(a, first, values.first())?)
        }
        (Gives::Array | Gives::View | Gives::ReadOnly | Gives::Flagged(_), _) => wrap(py, a),
        (Gives::Part, Some(first)) => part(a, first),
        // Of several arguments the one that it looks at.
        (_, Some(first)) if several && a.ndim() > 0 => {
            match (0..values_of(values)).find(|&i| shares(&a, item(values, i))) {
                Some(i) => view(a, &first.get_item(i)?, item(values, i)),
                None => wrap_result(py, a),
            }
        }
        _ => wrap_result(py, a),
    };
    Ok(match made {
        Made::One(a) => one(a)?,
        Made::Many(list) => {
            let all = list
                .into_iter()
                .enumerate()
                .map(|(i, a)| match first {
                    _ if matches!(function.gives, Gives::Flagged(_)) => {
                        if i == 0 {
                            wrap(py, a)
                        } else {
                            wrap_result(py, a)
                        }
                    }
                    Some(_) if several && !shares(&a, item(values, i)) => wrap(py, a),
                    Some(first) if several => itself_or_view(a, &first.get_item(i)?, item(values, i)),
                    // What has a name is new.
                    _ if matches!(function.gives, Gives::Named(..)) => wrap_result(py, a),
                    Some(first) => view(a, first, values.first()),
                    None => wrap(py, a),
                })
                .collect::<PyResult<Vec<_>>>()?;
            match function.gives {
                Gives::Named(class, names) => named(py, class, names)?.call1(PyTuple::new(py, all)?)?,
                Gives::Each if all.len() == 1 => all[0].clone(),
                Gives::List => PyList::new(py, all)?.into_any(),
                _ => PyTuple::new(py, all)?.into_any(),
            }
        }
        Made::Truth(on) => on.into_pyobject(py)?.to_owned().into_any(),
        Made::Count(n) => n.into_pyobject(py)?.into_any(),
        Made::Shape(shape) => PyTuple::new(py, shape)?.into_any(),
        Made::Nothing => py.None().into_bound(py),
    })
}
fn shares(a: &Array, value: Option<&Value>) -> bool {
    value.and_then(Value::array).is_some_and(|v| Shared::ptr_eq(v.buffer(), a.buffer()))
}
/// How many arguments the first parameter has taken.
fn values_of(values: &[Value]) -> usize {
    match values.first() {
        Some(Value::List(list)) => list.len(),
        _ => 0,
    }
}
fn item<'a, 'b>(values: &'a [Value<'b>], i: usize) -> Option<&'a Value<'b>> {
    match values.first() {
        Some(Value::List(list)) => list.get(i),
        _ => None,
    }
}
/// A view of an argument, which the call has perhaps made an array of.
fn view<'py>(a: Array, of: &Any<'py>, value: Option<&Value>) -> PyResult<Any<'py>> {
    let py = of.py();
    match value {
        Some(Value::Made(made)) if shares(&a, value) => {
            let base = wrap(py, made.clone())?;
            if a.same_view(made) { Ok(base) } else { wrap_view(a, &base) }
        }
        _ => wrap_view(a, of),
    }
}
fn never_written(view: Any<'_>) -> PyResult<Any<'_>> {
    if let Some(p) = as_pyarray(&view) {
        p.forbid_writing();
    }
    Ok(view)
}
/// The argument where the result is the same array, else a view of it: never to be written where elements are seen more than once.
fn itself_or_view<'py>(a: Array, of: &Any<'py>, value: Option<&Value>) -> PyResult<Any<'py>> {
    match as_pyarray(of) {
        Some(p) if p.array().same_view(&a) && !p.is_scalar() => Ok(of.clone()),
        _ if a.layout().is_injective() => view(a, of, value),
        _ => never_written(view(a, of, value)?),
    }
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
    match Shared::ptr_eq(made.buffer(), whole.array().buffer()) {
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
    function: &'static Function,
    call: &Call<'_, 'py>,
    reason: Option<&str>,
) -> PyResult<Any<'py>> {
    let py = call.py;
    let _quiet = quiet_if(function.constant);
    let kwargs = PyDict::new(py);
    let mut device = None;
    let is_device = |name: &Any| -> PyResult<bool> {
        let text = name.cast::<PyString>()?.to_str()?;
        Ok(function.parameters.iter().any(|p| p.kind == Kind::Device && p.name == text))
    };
    for (name, value) in call.args.named() {
        if is_device(&name)? {
            // NumPy knows no device of ours: its result comes to this one.
            device = given(Some(value)).map(crate::context::device_from).transpose()?;
        } else {
            kwargs.set_item(name, value)?;
        }
    }
    let known = function
        .name
        .split('.')
        .try_fold(numpy(py)?.module.bind(py).clone().into_any(), |m, part| m.getattr(part));
    if known.is_err() && !native() {
        return Err(crate::errors::PrimitivePolicyError::new_err(format!(
            "{}: NumPy has no such function, and the policy is only_numpy",
            function.name
        )));
    }
    if known.is_err() {
        let reason = reason.map_or_else(|| format!("its signature is {function:?}"), str::to_string);
        return Err(PyTypeError::new_err(format!("{}(): {reason}", function.name)));
    }
    let positional: SmallVec<[&Any; MOST]> = call.slf.into_iter().chain(call.args.positional()).collect();
    let args = PyTuple::new(py, positional)?;
    // Questions about what is not ours are NumPy's alone.
    if let (Gives::Count | Gives::Shape, Ok(theirs)) = (function.gives, known)
        && nothing_of_ours(&args).unwrap_or(false)
    {
        return theirs.call(args, Some(&kwargs));
    }
    let ask = || fallback::declined(py, function.name, &args, &kwargs, reason);
    match device {
        Some(device) => as_in(&with_device(device, ask)?, device),
        None => ask(),
    }
}
/// Whether arguments are numbers, NumPy's arrays and lists of such.
fn nothing_of_ours(args: &Bound<'_, PyTuple>) -> PyResult<bool> {
    let np = numpy(args.py())?;
    let strange = |item: &Any<'_>| {
        exact_number(item).is_none() && !item.is_none() && !item.get_type().is(np.ndarray.bind(item.py()))
    };
    Ok(!any_leaf(args.as_any(), &mut { strange })?)
}

/// A result on that device.
fn as_in<'py>(result: &Any<'py>, device: DeviceRef) -> PyResult<Any<'py>> {
    match as_pyarray(result) {
        Some(p) if p.array().device() != device => wrap(result.py(), p.array().to_device(device).py()?),
        _ => Ok(result.clone()),
    }
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
    let _entered = enter(face.written);
    // SAFETY: by the convention.
    let call = unsafe {
        let slf = (!slf.is_null()).then(|| Bound::ref_from_ptr(py, &slf));
        Call { py, slf, args: Args::new(py, args, nargs, names) }
    };
    let mut reason = None;
    if native() {
        let done = if face.several { face.attempt_several(&call)? } else { face.attempt(&call)? };
        match done {
            Some(Ok(result)) => return Ok(result.into_ptr()),
            Some(Err(why)) => reason = Some(why),
            None => {}
        }
    }
    hand_over(face.function, &call, reason.as_deref()).map(Bound::into_ptr)
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

/// How NumPy writes the parameters of its method of that name, which is how ours is called: what we cannot take goes there. `None` where
/// it hides some behind `**`, which ours tells.
fn numpys_signature(py: Python<'_>, method: &str) -> PyResult<Option<String>> {
    let theirs = numpy(py)?.ndarray.bind(py).getattr(method).and_then(|m| m.getattr("__text_signature__"));
    let text = theirs.ok().and_then(|t| t.extract::<String>().ok());
    Ok(text.filter(|t| t.starts_with("($self") && !t.contains("**")))
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
            let line = doc.find('\n').unwrap_or(doc.len());
            doc.insert_str(line, &format!(" Another name of `{}`.", f.name));
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
            let own = if rest == ")" { "($self)".to_string() } else { format!("($self, {rest}") };
            let signature = numpys_signature(py, face.written)?.unwrap_or(own);
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

/// Every entry, as a dictionary: `name`, `aliases`, `method` (arrays have it as one), `gives`, with the `words` that belong to that (the flag
/// that decides, or the class and the fields of a named tuple), `by_values`, and `parameters`, pairs of name and kind.
#[pyfunction]
pub fn _table(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    let entries = faces(py)?.iter().filter(|f| f.name == f.function.name);
    let entry = |face: &Face| {
        let f = face.function;
        let words = match f.gives {
            Gives::Flagged(flag) => vec![flag],
            Gives::Named(class, fields) => std::iter::once(class).chain(fields.iter().copied()).collect(),
            _ => Vec::new(),
        };
        let kind = |k: Kind| format!("{k:?}").split('(').next().unwrap_or_default().to_string();
        let parameters: Vec<_> = f.parameters.iter().map(|p| (p.name, kind(p.kind))).collect();
        let made = PyDict::new(py);
        made.set_item("name", f.name)?;
        made.set_item("aliases", f.aliases.to_vec())?;
        made.set_item("method", f.method)?;
        made.set_item("gives", f.gives.name())?;
        made.set_item("words", words)?;
        made.set_item("by_values", f.by_values)?;
        made.set_item("parameters", parameters)?;
        Ok(made)
    };
    entries.map(entry).collect()
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
            let values = minpy_core::backend::function::sample(face.function, case).py()?;
            for (p, value) in face.function.parameters.iter().zip(values) {
                if matches!(value, Value::Absent) {
                    continue;
                }
                let object = object_of(py, value)?;
                if p.passing == Passing::Several {
                    args.extend(object.try_iter()?.collect::<PyResult<Vec<_>>>()?);
                } else if p.default == Default::Required || p.passing == Passing::Position {
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
        Value::Device(d) => crate::context::context_of(py, d)?,
        Value::Flag(on) => on.into_pyobject(py)?.to_owned().into_any(),
        Value::Text(t) => PyString::new(py, t).into_any(),
    })
}
