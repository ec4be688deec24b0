//! Calls of the table's cases: read from text, with arrays filled so that results are defined and smooth.

use super::{Function, Kind, Passing, Value};
use crate::layout::Order;
use crate::{Array, DType, Error, ErrorKind, Number, Result};
use num_complex::Complex64;
use smallvec::SmallVec;

/// The arguments of a case of a function, one value per parameter. A case is written as a call in Python, with arrays as letters
/// and shapes: `f[3,4], axis=(0, 1)`. The letters are `f` (float64, distinct values in (0.5, 3)), `n` (the same with
/// both signs), `i` (int64), `b` (bool), `c` (complex128), `m` (as `n`, some of them NaN), `a` (as `f`, ascending), `k`
/// (int64, none negative: up to seven of them are a permutation), `s` and `h` (matrices that are symmetric, or Hermitian, and positive
/// definite: float64, complex128), `u` (uint8); lists of arrays stand in parentheses.
///
/// # Errors
/// `ErrorKind::Value` for a text that is no case of the function.
pub fn sample(function: &'static Function, case: &'static str) -> Result<Vec<Value<'static>>> {
    let mut values = vec![Value::Absent; function.parameters.len()];
    let mut seed = 0;
    let rest = function.parameters.first().filter(|p| p.passing == Passing::Several);
    if rest.is_some() {
        values[0] = Value::List(Vec::new());
    }
    for (i, text) in split(case).into_iter().enumerate() {
        if let (Some(rest), false, [Value::List(list), ..]) = (rest, text.contains('='), &mut values[..]) {
            list.push(value(rest.kind, text, &mut seed).ok_or_else(|| no_case(function, case))??);
            continue;
        }
        let (at, text) = match text.split_once('=') {
            Some((name, text)) => {
                (function.parameters.iter().position(|p| p.name == name.trim()), text.trim())
            }
            None => (Some(i), text),
        };
        let parameter = at.and_then(|at| function.parameters.get(at).map(|p| (at, p)));
        let Some((at, parameter)) = parameter else { return Err(no_case(function, case)) };
        values[at] = value(parameter.kind, text, &mut seed).ok_or_else(|| no_case(function, case))??;
    }
    Ok(values)
}
fn no_case(function: &Function, case: &str) -> Error {
    Error::new(ErrorKind::Value, format!("{}: '{case}' is no case of {function:?}", function.name))
}

/// Parts between commas that stand in no bracket and in no word.
fn split(text: &'static str) -> Vec<&'static str> {
    let (mut depth, mut from, mut quoted, mut parts) = (0, 0, false, Vec::new());
    for (i, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            _ if quoted => {}
            '[' | '(' => depth += 1,
            ']' | ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text[from..i].trim());
                from = i + 1;
            }
            _ => {}
        }
    }
    parts.push(text[from..].trim());
    parts.retain(|p| !p.is_empty());
    parts
}

fn value(kind: Kind, text: &'static str, seed: &mut u64) -> Option<Result<Value<'static>>> {
    if let Some((letter, rest)) = text.split_once('[')
        && !text.starts_with('(')
    {
        let shape: Option<SmallVec<[usize; 4]>> =
            split(rest.strip_suffix(']')?).iter().map(|n| n.parse().ok()).collect();
        return array(letter, &shape?, seed).map(|a| a.map(Value::Made));
    }
    let inside = text.strip_prefix('(').and_then(|t| t.strip_suffix(')'));
    Some(Ok(match (kind, inside) {
        (Kind::Arrays | Kind::Joined | Kind::Each | Kind::Operands, Some(inside)) => {
            let list: Option<Result<Vec<_>>> = split(inside).iter().map(|t| value(kind, t, seed)).collect();
            match list? {
                Ok(list) => Value::List(list),
                Err(e) => return Some(Err(e)),
            }
        }
        (Kind::Pairs, Some(inside)) | (Kind::Widths, Some(inside))
            if kind == Kind::Pairs || inside.contains('(') =>
        {
            let ints = |text| value(Kind::Ints, text, &mut 0)?.ok();
            Value::List(split(inside).into_iter().map(ints).collect::<Option<_>>()?)
        }
        (_, Some(inside)) => {
            Value::Ints(split(inside).iter().map(|n| n.parse().ok()).collect::<Option<_>>()?)
        }
        _ if text == "None" => Value::None,
        (Kind::Flag, _) => Value::Flag(match text {
            "True" => true,
            "False" => false,
            _ => return None,
        }),
        (
            Kind::Axis
            | Kind::Axes
            | Kind::Int
            | Kind::PlainInt
            | Kind::Ints
            | Kind::OneOrList
            | Kind::Shape
            | Kind::Widths,
            _,
        ) => Value::Ints(SmallVec::from_elem(text.parse().ok()?, 1)),
        (Kind::NumberOrWord, _) if text.starts_with('\'') => Value::Text(text.trim_matches('\'')),
        (Kind::Word | Kind::Terms, _) => Value::Text(text.trim_matches('\'')),
        (Kind::DType, _) => Value::DType(DType::parse(text).ok()?),
        (Kind::Choice(words), _) => {
            let word = text.trim_matches('\'');
            Value::Text(words.iter().find(|w| **w == word)?)
        }
        (Kind::Order, _) => Value::Text(Order::parse(text.trim_matches('\''))?.letter()),
        _ => {
            let number = match text.parse::<i64>() {
                Ok(i) => Number::Int(i as i128),
                Err(_) => Number::Float(text.parse().ok()?),
            };
            match kind {
                Kind::Float
                | Kind::Real
                | Kind::NumberOrWord
                | Kind::Number
                | Kind::Sections
                | Kind::Pairs
                | Kind::Operand
                | Kind::Operands
                | Kind::Bound => Value::Number(number),
                Kind::Array | Kind::Kept | Kind::Indices | Kind::Tried => {
                    return Some(scalar(number).map(Value::Made));
                }
                _ => return None,
            }
        }
    }))
}

fn array(letter: &str, shape: &[usize], seed: &mut u64) -> Option<Result<Array>> {
    let n: usize = shape.iter().product();
    // Distinct values in an order that looks like none: steps of a generator over the whole range.
    *seed += 1;
    let start = *seed;
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|&i| (i as u64 + 1).wrapping_mul(start.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
    let unit = |i: usize| (order[i] as f64 + 0.5) / n as f64;
    let positive = |i: usize| 0.5 + 2.5 * unit(i);
    let both = |i: usize| if i % 2 == 0 { positive(i) } else { -positive(i) };
    let of = |f: &dyn Fn(usize) -> f64| (0..n).map(f).collect::<Vec<f64>>();
    let build = |list: Vec<f64>| Array::from_slice(&list, shape);
    Some(match letter {
        "f" => build(of(&positive)),
        "n" => build(of(&both)),
        // Some are missing.
        "m" => build(of(&|i| if i % 5 == 2 { f64::NAN } else { both(i) })),
        "i" => build(of(&|i| (order[i] % 7) as f64 - 2.0)).and_then(|a| a.astype(DType::I64)),
        "a" => build((0..n).map(|i| 0.5 + 2.5 * (i as f64 + 0.5) / n as f64).collect()),
        "k" => build(of(&|i| (order[i] % 7) as f64)).and_then(|a| a.astype(DType::I64)),
        "u" => build(of(&|i| (order[i] * 37 % 256) as f64)).and_then(|a| a.astype(DType::U8)),
        "b" => build(of(&|i| (order[i] % 2) as f64)).and_then(|a| a.astype(DType::Bool)),
        "c" => {
            let parts: Vec<_> = (0..n).map(|i| Complex64::new(both(i), 0.5 * positive(n - 1 - i))).collect();
            Array::from_slice(&parts, shape)
        }
        "s" => build(of(&|i| definite(shape, i, &|i| unit(i), true))),
        "h" => {
            let part = |i, real| definite(shape, i, &unit, real);
            let all: Vec<_> = (0..n).map(|i| Complex64::new(part(i, true), part(i, false))).collect();
            Array::from_slice(&all, shape)
        }
        _ => return None,
    })
}
/// Element `i` of a stack of matrices whose diagonals outweigh the rest of their rows: symmetric, or the imaginary part beside that.
fn definite(shape: &[usize], i: usize, unit: &dyn Fn(usize) -> f64, real: bool) -> f64 {
    let n = shape.last().copied().unwrap_or(1);
    let (matrix, row, column) = (i / (n * n), i / n % n, i % n);
    let off = |row: usize, column: usize| unit(matrix * n * n + row * n + column) - 0.5;
    match (row == column, real) {
        (true, true) => n as f64 + unit(i),
        (true, false) => 0.0,
        (false, true) => off(row.max(column), row.min(column)),
        (false, false) if row > column => off(row, column) / 2.0,
        (false, false) => -off(column, row) / 2.0,
    }
}
fn scalar(n: Number) -> Result<Array> {
    Array::from_scalar_on(crate::context::current_device()?, n.to_scalar(n.default_dtype())?)
}
