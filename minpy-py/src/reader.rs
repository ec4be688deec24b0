//! Python objects as arguments of the table's functions, by the kind of their parameter. `table.rs` calls.

use crate::array::as_pyarray;
use crate::convert::{
    Arg, Ints, array_from, axes_from, axis_from, exact_number, if_readable, ints_from, operand,
};
use crate::errors::Outcome;
use crate::host::import;
use crate::numpy::{dtype_from, numpy};
use minpy_core::backend::function::kinds::Terms;
use minpy_core::backend::function::{Default, Kind, Value};
use minpy_core::backend::layout::Order;
use minpy_core::backend::memory;
use minpy_core::{Array, DType, Number};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyList, PyString, PyTuple};
use smallvec::SmallVec;

type Any<'py> = Bound<'py, PyAny>;

/// Truth values and small integers of Python's are flags to all of NumPy. What else is one, each of its functions decides for itself: by its
/// truth, as an integer, or as none.
fn flag<'a>(object: &Any<'_>) -> Option<Value<'a>> {
    let plain = object.is_exact_instance_of::<PyBool>() || object.is_exact_instance_of::<PyInt>();
    object.extract::<i32>().ok().filter(|_| plain).map(|i| Value::Flag(i != 0))
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
        let number = matches!(
            (default, kind),
            (Default::Int(_), Kind::Int | Kind::PlainInt) | (Default::Float(_), Kind::Operand | Kind::Real)
        );
        if number
            || matches!((default, kind), (Default::Flag(_), Kind::Flag) | (Default::Text(_), Kind::Choice(_)))
            || matches!(kind, Kind::Float | Kind::Ours | Kind::Target | Kind::Pairs)
        {
            return Ok(None);
        }
        return Ok(match (default, kind) {
            (Default::None, _) => Some(Value::Absent),
            // NumPy says what it thinks of no shape, no array, no number.
            (Default::Required, k) if !matches!(k, Kind::Axis | Kind::Axes | Kind::Bound) => None,
            _ => Some(Value::None),
        });
    }
    if default != Default::Required && numpy(py)?.no_value.is(object) {
        return Ok(Some(Value::Absent));
    }
    let one = || if_readable(py, axis_from(object).map(|i| Value::Ints(Ints::from_elem(i, 1))));
    let several = || if_readable(py, ints_from(object).map(Value::Ints));
    Ok(match kind {
        Kind::Array => array_from(object)?.map(Value::Made),
        Kind::Kept => kept(object)?.map(Value::Made),
        Kind::Operand | Kind::Bound => operand(object)?.map(|a| match a {
            Arg::Ours(a) => Value::Array(a),
            Arg::Made(a) => Value::Made(a),
            Arg::Number(n) => Value::Number(n),
            Arg::Scalar(s) => Value::Scalar(s),
        }),
        Kind::Arrays => list(object, array_from)?,
        Kind::Joined => list(object, no_number)?,
        Kind::Each => list(object, kept)?,
        Kind::Operands => operands(object)?,
        Kind::Axis | Kind::Int => one()?,
        Kind::Axes if object.is_instance_of::<PyTuple>() => {
            if_readable(py, axes_from(object).map(Value::Ints))?
        }
        Kind::Axes => one()?,
        Kind::Ints => several()?,
        Kind::List | Kind::OneOrList
            if object.is_instance_of::<PyTuple>() || object.is_instance_of::<PyList>() =>
        {
            several()?
        }
        Kind::List => None,
        Kind::PlainInt | Kind::OneOrList if is_integer(object)? => several()?,
        Kind::PlainInt | Kind::OneOrList => None,
        Kind::Real if object.is_instance_of::<PyFloat>() || object.is_exact_instance_of::<PyInt>() => {
            if_readable(py, object.extract::<f64>())?.map(|x| Value::Number(Number::Float(x)))
        }
        Kind::Real => None,
        Kind::NumberOrWord
            if object.is_exact_instance_of::<PyFloat>()
                || object.is_exact_instance_of::<PyInt>() && object.extract::<i64>().is_ok() =>
        {
            if_readable(py, object.extract::<f64>())?.map(|x| Value::Number(Number::Float(x)))
        }
        Kind::Shape => match axes_from(object) {
            Err(e) if e.is_instance_of::<PyValueError>(py) => return Err(e),
            shape => if_readable(py, shape.map(Value::Ints))?,
        },
        Kind::Sections => match if_readable(py, object.extract::<isize>())? {
            Some(n) => Some(Value::Number(Number::Int(n as i128))),
            None => several()?,
        },
        Kind::Widths => widths(object)?,
        Kind::DType => dtype_from(object)?.map(Value::DType),
        Kind::Flag => flag(object),
        Kind::Float => if_readable(py, object.extract::<f64>())?.map(|x| Value::Number(Number::Float(x))),
        Kind::Number => match operand(object)? {
            Some(Arg::Number(n)) => Some(Value::Number(n)),
            Some(Arg::Scalar(s)) => Some(Value::Scalar(s)),
            _ => None,
        },
        Kind::Order => {
            let letter = object.cast::<PyString>().ok().and_then(|s| s.to_str().ok());
            letter.and_then(Order::parse).map(|order| Value::Text(order.letter()))
        }
        Kind::Device => Some(Value::Device(crate::context::device_from(object)?)),
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
        Kind::Terms => terms(object)?,
        Kind::Plan => plan(object),
        Kind::Word | Kind::NumberOrWord => {
            object.cast::<PyString>().ok().and_then(|s| s.to_str().ok()).map(Value::Text)
        }
        Kind::Pairs => match object.extract::<isize>() {
            Ok(n) => Some(Value::Number(Number::Int(n as i128))),
            Err(_) => pairs(object),
        },
    })
}
/// An integer of Python's or NumPy's.
fn is_integer(object: &Any<'_>) -> PyResult<bool> {
    if object.is_instance_of::<PyInt>() {
        return Ok(true);
    }
    let py = object.py();
    object.is_instance(&numpy(py)?.module.bind(py).getattr("integer")?)
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
/// Integers of Python's in lists of at most two levels, or an array of them.
fn widths<'a>(object: &Any<'_>) -> PyResult<Option<Value<'a>>> {
    let one = |o: &Any<'_>| if o.is_exact_instance_of::<PyInt>() { o.extract::<isize>().ok() } else { None };
    if let Some(n) = one(object) {
        return Ok(Some(Value::Ints(Ints::from_elem(n, 1))));
    }
    let list;
    let mut object = object;
    if object.get_type().is(numpy(object.py())?.ndarray.bind(object.py())) || as_pyarray(object).is_some() {
        if object.getattr("dtype")?.getattr("kind")?.extract::<&str>()? != "i" {
            return Ok(None);
        }
        list = object.call_method0("tolist")?;
        object = &list;
    }
    let sequence = |o: &Any<'_>| o.is_instance_of::<PyTuple>() || o.is_instance_of::<PyList>();
    let flat = |o: &Any<'_>| -> Option<Ints> {
        if !sequence(o) {
            return None;
        }
        o.try_iter().ok()?.map(|item| one(&item.ok()?)).collect()
    };
    if let Some(list) = flat(object) {
        return Ok(Some(Value::Ints(list)));
    }
    if !sequence(object) {
        return Ok(one(object).map(|n| Value::Ints(Ints::from_elem(n, 1))));
    }
    let mut rows = Vec::new();
    for item in object.try_iter()? {
        let Some(row) = flat(&item?) else { return Ok(None) };
        memory::push(&mut rows, Value::Ints(row)).py()?;
    }
    // Rows of different lengths are no array.
    let length = |v: &Value| if let Value::Ints(l) = v { l.len() } else { 0 };
    Ok(rows.windows(2).all(|w| length(&w[0]) == length(&w[1])).then_some(Value::List(rows)))
}
/// A list of arrays and numbers.
fn operands<'a>(object: &'a Any<'_>) -> PyResult<Option<Value<'a>>> {
    let Ok(items) = object.cast_exact::<PyList>().map(|l| l.iter()) else { return Ok(None) };
    let mut all = Vec::new();
    for item in items {
        let value = match operand(&item)? {
            Some(Arg::Ours(a)) => Value::Placed(a.clone()),
            Some(Arg::Made(a)) => Value::Made(a),
            Some(Arg::Number(n)) => Value::Number(n),
            Some(Arg::Scalar(s)) => Value::Scalar(s),
            None => return Ok(None),
        };
        memory::push(&mut all, value).py()?;
    }
    Ok(Some(Value::List(all)))
}
/// Subscripts and arrays, as `numpy.einsum` takes them by position.
fn terms<'a>(object: &'a Any<'_>) -> PyResult<Option<Value<'a>>> {
    let Ok(tuple) = object.cast_exact::<PyTuple>() else { return Ok(None) };
    let (mut list, mut text) = (Vec::new(), false);
    for (i, item) in tuple.iter_borrowed().enumerate() {
        let value = if i == 0
            && let Ok(word) = item.cast::<PyString>()
        {
            text = true;
            // SAFETY: the tuple, which does not change, keeps the string for as long as it lives.
            Some(Value::Text(unsafe { std::mem::transmute::<&str, &'a str>(word.to_str()?) }))
        } else if !text && (i % 2 == 1 || i > 0 && i + 1 == tuple.len()) {
            labels(&item)?.map(Value::Ints)
        } else if let Some(p) = as_pyarray(&item) {
            Some(Value::Placed(p.array().clone()))
        } else {
            array_from(&item)?.map(Value::Made)
        };
        let Some(value) = value else { return Ok(None) };
        memory::push(&mut list, value).py()?;
    }
    Ok((!list.is_empty()).then_some(Value::List(list)))
}
/// Numbers, and the ellipsis.
fn labels(object: &Any<'_>) -> PyResult<Option<SmallVec<[isize; 4]>>> {
    // What can be gone through but once is left to NumPy as it is.
    let again = object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>();
    let Some(items) = again.then(|| object.try_iter()).transpose()? else { return Ok(None) };
    let mut all = SmallVec::new();
    for item in items {
        let item = item?;
        let label = match item.is(item.py().Ellipsis().bind(item.py())) {
            true => Terms::ELLIPSIS,
            false if item.is_exact_instance_of::<PyInt>() => item.extract()?,
            false => return Ok(None),
        };
        memory::push_small(&mut all, label).py()?;
    }
    Ok(Some(all))
}
/// Whether and how to choose an order of products; a path that is given is NumPy's to follow.
fn plan<'a>(object: &Any<'_>) -> Option<Value<'a>> {
    let known = |word: &Any<'_>| word.extract::<&str>().is_ok_and(|w| matches!(w, "greedy" | "optimal"));
    let plain = object.is_exact_instance_of::<PyBool>() || known(object);
    let limited = object.extract::<(Any<'_>, Any<'_>)>();
    let limited = limited.is_ok_and(|(word, limit)| known(&word) && exact_number(&limit).is_some());
    (plain || limited).then_some(Value::Absent)
}
/// An array whose elements stay as they are, which those of foreign byte order would not.
fn kept(object: &Any<'_>) -> PyResult<Option<Array>> {
    let py = object.py();
    if object.get_type().is(numpy(py)?.ndarray.bind(py)) { import(object) } else { array_from(object) }
}
/// An array made of anything but a number.
fn no_number(object: &Any<'_>) -> PyResult<Option<Array>> {
    if exact_number(object).is_some() { Ok(None) } else { array_from(object) }
}
/// A sequence of arrays, those that are not ours made by `make`; an array is the sequence of its rows.
fn list<'a>(
    object: &'a Any<'_>,
    make: fn(&Any<'_>) -> PyResult<Option<Array>>,
) -> PyResult<Option<Value<'a>>> {
    if let Some(a) = crate::array::as_array(object) {
        let rows = a.shape().first().copied().unwrap_or(0);
        if a.ndim() == 0 {
            return Ok(None);
        }
        let all = (0..rows).map(|i| Value::Placed(a.view(a.layout().select(0, i))));
        return Ok(Some(Value::List(memory::collected(all).py()?)));
    }
    let mut all: Vec<Value> = Vec::new();
    let mut add = |item: &Any<'_>| -> PyResult<bool> {
        let value = match as_pyarray(item) {
            Some(p) => Some(Value::Placed(p.array().clone())),
            None => make(item)?.map(Value::Made),
        };
        let Some(value) = value else { return Ok(false) };
        memory::push(&mut all, value).py()?;
        Ok(true)
    };
    if let Ok(tuple) = object.cast_exact::<PyTuple>() {
        for item in tuple.iter_borrowed() {
            if !add(&item)? {
                return Ok(None);
            }
        }
    } else {
        if !object.is_exact_instance_of::<PyList>() && !object.hasattr("__getitem__")? {
            return Ok(None); // NumPy wants a sequence, and says so
        }
        for item in object.try_iter()? {
            if !add(&item?)? {
                return Ok(None);
            }
        }
    }
    Ok(Some(Value::List(all)))
}
