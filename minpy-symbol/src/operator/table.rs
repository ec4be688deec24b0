//! The functions of core's table as operators: one for each that takes arrays and gives a number of arrays that its arguments say.
//!
//! Arrays are inputs, everything else attributes, by NumPy's names. Where a number may stand for an array, or nothing, the attribute of
//! that name says which it is: a number, None, or `INPUT`. A row that is written by hand (MXNet's) keeps its name.

use crate::attributes::{Attribute, Attributes, Default, INPUT, Kind, Value, attr};
use crate::operator::{Build, Built, Call, Input, Inputs, Operator, Role};
use minpy_core::backend::function;
use minpy_core::backend::function::{Function, Gives, Kind as Takes, Made, Parameter};
use minpy_core::{DType, Result, bail};
use smallvec::SmallVec;

/// The rows that core's table makes. Built once per process.
pub(crate) fn rows() -> Vec<&'static Operator> {
    // What is wrong with the registry the first call of an operation says.
    let functions = Function::all().into_iter().flatten();
    functions.filter_map(row).map(|r| &*Box::leak(Box::new(r))).collect()
}

/// How a parameter is passed to an operator.
enum Passed {
    /// As an input.
    Input,
    /// As an attribute, which says whether it is an input.
    Perhaps,
    /// As any number of inputs.
    Variadic,
    /// As an attribute.
    Attribute,
    /// Not at all: its default.
    Not,
}
fn passed(p: &Parameter) -> Passed {
    match p.kind {
        Takes::Array | Takes::Kept | Takes::Indices | Takes::Tried
            if p.default == function::Default::Required =>
        {
            Passed::Input
        }
        kind if kind.takes_array() && kind != Takes::Ours => Passed::Perhaps,
        Takes::Arrays | Takes::Joined | Takes::Each | Takes::Operands => Passed::Variadic,
        Takes::Out | Takes::Foreign | Takes::Device | Takes::Target | Takes::Ours => Passed::Not,
        _ => Passed::Attribute,
    }
}

fn row(f: &'static Function) -> Option<Operator> {
    if f.name.starts_with(Function::METHOD) || f.by_values {
        return None; // the function is one, or there is none
    }
    let sections = f.parameters.iter().any(|p| p.kind == Takes::Sections);
    let countable = match f.gives {
        Gives::Values
        | Gives::Array
        | Gives::View
        | Gives::ReadOnly
        | Gives::Named(..)
        | Gives::Part
        | Gives::Flagged(_) => true,
        Gives::List => sections,
        Gives::Each | Gives::Tuple | Gives::Truth | Gives::Count | Gives::Shape | Gives::Nothing => false,
    };
    let count = |wanted: fn(&Passed) -> bool| f.parameters.iter().filter(|p| wanted(&passed(p))).count();
    let arrays = count(|p| matches!(p, Passed::Input | Passed::Perhaps));
    let lists = count(|p| matches!(p, Passed::Variadic));
    let must = |p: &Parameter| p.default == function::Default::Required;
    let written = f.parameters.iter().any(|p| match p.kind {
        Takes::Target | Takes::Ours => true,
        Takes::Out => must(p),
        _ => false,
    });
    // Several lists, or a list and arrays, cannot be told apart by position.
    if !countable || written || (arrays, lists) == (0, 0) || lists > 1 || lists == 1 && arrays > 0 {
        return None;
    }
    let mut attributes = Vec::new();
    for p in f.parameters {
        match passed(p) {
            Passed::Attribute if f.gives != Gives::Flagged(p.name) => attributes.push(attribute(p)?),
            Passed::Perhaps => attributes.push(attribute(p)?),
            _ => {}
        }
    }
    let name: &'static str = if f.name.contains('.') { f.name.replace('.', "_").leak() } else { f.name };
    Some(Operator {
        aliases: f.aliases,
        attributes: attributes.leak(),
        inputs: if lists == 1 { Inputs::Variadic } else { Inputs::Table(f) },
        ..Operator::row(name, f.doc, Build::Table(f))
    })
}
/// A parameter as an attribute; `None` for one that no attribute can hold.
fn attribute(p: &Parameter) -> Option<Attribute> {
    let kind = match p.kind {
        Takes::Array | Takes::Kept | Takes::Indices | Takes::Tried | Takes::Mask => Kind::Input,
        Takes::Operand | Takes::Bound => Kind::NumberOrInput,
        Takes::Axis => Kind::IntOrNone,
        Takes::Axes | Takes::Ints | Takes::List | Takes::OneOrList | Takes::Shape => Kind::Ints,
        Takes::Sections | Takes::Pairs | Takes::Widths => Kind::IntOrInts,
        Takes::Int | Takes::PlainInt => Kind::Int(i64::MIN),
        Takes::Float | Takes::Real => Kind::Float,
        Takes::Number => Kind::Number,
        Takes::NumberOrWord => Kind::NumberOrWord,
        Takes::Flag => Kind::Bool,
        Takes::DType => Kind::DType,
        Takes::Choice(words) => Kind::Choice(words),
        Takes::Order => Kind::Choice(&["C", "F", "A", "K"]),
        _ => return None,
    };
    let default = match p.default {
        function::Default::Required if p.kind == Takes::Operand => Default::Text(INPUT),
        function::Default::Required => Default::Required,
        function::Default::None | function::Default::Absent => Default::None,
        function::Default::Flag(on) => Default::Bool(on),
        function::Default::Int(i) => Default::Int(i),
        function::Default::Float(x) => Default::Float(x),
        function::Default::Text(t) => Default::Text(t),
        function::Default::Ints(list) => {
            Default::Ints(list.iter().map(|&i| i as i64).collect::<Vec<_>>().leak())
        }
    };
    Some(attr(p.name, kind, default))
}

/// The inputs of a node with these attributes.
pub(crate) fn inputs(f: &Function, attrs: &Attributes) -> Vec<Input> {
    let is_input = |p: &&Parameter| match passed(p) {
        Passed::Input => true,
        Passed::Perhaps => attrs.text(p.name) == INPUT,
        _ => false,
    };
    f.parameters.iter().filter(is_input).map(|p| Input { name: p.name, role: Role::Argument }).collect()
}
/// How many results it has.
pub(crate) fn outputs(f: &Function, attrs: &Attributes) -> usize {
    match f.gives {
        Gives::Named(_, fields) => fields.len(),
        Gives::List => {
            let sections = f.parameters.iter().find(|p| p.kind == Takes::Sections);
            match sections.map(|p| attrs.get(p.name)) {
                Some(Value::Int(n)) => usize::try_from(*n).unwrap_or(0).max(1),
                Some(Value::Ints(at)) => at.len() + 1,
                _ => 1,
            }
        }
        _ => 1,
    }
}
/// Calls the function.
pub(crate) fn build(f: &'static Function, call: &Call) -> Result<Built> {
    let mut arrays = call.inputs.iter();
    let mut values = Vec::with_capacity(f.parameters.len());
    for p in f.parameters {
        values.push(match passed(p) {
            Passed::Input => arrays.next().map_or(function::Value::Absent, function::Value::Array),
            Passed::Perhaps if call.attrs.text(p.name) == INPUT => {
                arrays.next().map_or(function::Value::Absent, function::Value::Array)
            }
            Passed::Variadic => function::Value::List(arrays.by_ref().map(function::Value::Array).collect()),
            Passed::Perhaps | Passed::Attribute => value(p, call.attrs.get(p.name))?,
            Passed::Not => function::Value::Absent,
        });
    }
    let outputs = match f.call(&mut values)? {
        Made::One(a) => SmallVec::from_iter([a]),
        Made::Many(list) => list.into_iter().collect(),
        Made::Truth(_) | Made::Count(_) | Made::Shape(_) | Made::Nothing => SmallVec::new(),
    };
    let wanted = self::outputs(f, call.attrs);
    if outputs.len() != wanted {
        bail!(Runtime, "{}: {} results in place of {wanted}", f.name, outputs.len());
    }
    Ok(Built { outputs, aux: Vec::new() })
}
/// An attribute as an argument.
fn value<'a>(p: &Parameter, given: &'a Value) -> Result<function::Value<'a>> {
    use function::Value as Argument;
    use minpy_core::Number;
    Ok(match given {
        Value::None if p.default == function::Default::None => Argument::Absent,
        Value::None => Argument::None,
        Value::Bool(on) => Argument::Flag(*on),
        Value::Int(i) => match p.kind {
            Takes::Sections
            | Takes::Pairs
            | Takes::Operand
            | Takes::Bound
            | Takes::Number
            | Takes::NumberOrWord
            | Takes::Float
            | Takes::Real => Argument::Number(Number::Int(*i as i128)),
            _ => Argument::Ints(SmallVec::from_iter([*i as isize])),
        },
        Value::Float(x) => Argument::Number(Number::Float(*x)),
        // One axis of each.
        Value::Ints(list) if p.kind == Takes::Pairs => {
            Argument::List(list.iter().map(|&i| Argument::Ints(SmallVec::from_iter([i as isize]))).collect())
        }
        // Both widths of each axis after another, as the attribute is written in MXNet's files.
        Value::Ints(list) if p.kind == Takes::Widths && list.len() > 2 => {
            let pair = |p: &[i64]| Argument::Ints(p.iter().map(|&i| i as isize).collect());
            Argument::List(list.chunks(2).map(pair).collect())
        }
        Value::Ints(list) => Argument::Ints(list.iter().map(|&i| i as isize).collect()),
        Value::Text(name) if p.kind == Takes::DType => Argument::DType(DType::parse(name)?),
        Value::Text(word) if p.kind == Takes::NumberOrWord && matches!(word.as_str(), "inf" | "-inf") => {
            Argument::Number(Number::Float(if word == "inf" { f64::INFINITY } else { f64::NEG_INFINITY }))
        }
        Value::Text(word) => Argument::Text(word),
    })
}
