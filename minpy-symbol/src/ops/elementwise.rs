//! Elementwise operators: every elementwise operation of minpy-core, under its own name and MXNet's.
//!
//! Binary operators broadcast; with a number they are called `_<name>_scalar`, or `_r<name>_scalar` when the number
//! stands first. A new row in core's table appears here by itself.

use super::same_shape;
use crate::attributes::{Attribute, Default, Kind, attr};
use crate::operator::{Build, Built, Inputs, Operator};
use minpy_core::{OpDef, ops};

/// MXNet's other names of core's operations.
const ALIASES: &[(&str, &[&str])] = &[
    ("add", &["elemwise_add", "broadcast_add", "broadcast_plus", "_plus", "_Plus"]),
    ("subtract", &["elemwise_sub", "broadcast_sub", "broadcast_minus", "_minus", "_Minus"]),
    ("multiply", &["elemwise_mul", "broadcast_mul", "_mul", "_Mul"]),
    ("divide", &["elemwise_div", "broadcast_div", "_div", "_Div", "true_divide"]),
    ("remainder", &["broadcast_mod", "_mod", "mod"]),
    ("power", &["broadcast_power", "_power", "_Power", "pow"]),
    ("maximum", &["broadcast_maximum", "_maximum", "_Maximum"]),
    ("minimum", &["broadcast_minimum", "_minimum", "_Minimum"]),
    ("equal", &["broadcast_equal", "_equal"]),
    ("not_equal", &["broadcast_not_equal", "_not_equal"]),
    ("less", &["broadcast_lesser", "_lesser"]),
    ("less_equal", &["broadcast_lesser_equal", "_lesser_equal"]),
    ("greater", &["broadcast_greater", "_greater"]),
    ("greater_equal", &["broadcast_greater_equal", "_greater_equal"]),
    ("hypot", &["broadcast_hypot", "_hypot"]),
    ("absolute", &["abs"]),
    ("copy", &["_copy", "identity"]),
    ("trunc", &["fix"]),
];

const SCALAR: &[Attribute] = &[attr("scalar", Kind::Float, Default::Required)];

const CLIP: Operator = Operator {
    attributes: &[
        attr("a_min", Kind::Float, Default::Required),
        attr("a_max", Kind::Float, Default::Required),
    ],
    complete: same_shape,
    ..Operator::row(
        "clip",
        "Values limited to [a_min, a_max].",
        Build::Function(|c| {
            Ok(ops::clip(&c.inputs[0], c.attrs.float("a_min"), c.attrs.float("a_max"))?.into())
        }),
    )
};
const ADD_N: Operator = Operator {
    aliases: &["ElementWiseSum", "_sum", "_add_n"],
    ignored: &["num_args"],
    inputs: Inputs::Variadic,
    complete: same_shape,
    ..Operator::row(
        "add_n",
        "Sum of all inputs.",
        Build::Function(|c| {
            let mut total = c.inputs[0].clone();
            for a in &c.inputs[1..] {
                total = ops::add(&total, a)?;
            }
            Ok(Built::from(total))
        }),
    )
};

/// The rows made of core's table, and the few that core has in another form. Built once per process.
pub(crate) fn rows() -> Vec<&'static Operator> {
    let mut rows: Vec<Operator> = vec![CLIP, ADD_N];
    // What is wrong with the registry the first call of an operation says.
    let all = OpDef::all().into_iter().flatten().filter(|op| op.elementwise().is_some());
    for op in all {
        rows.push(whole(op));
        if op.arity == 2 && op.results == 1 {
            rows.push(with_number(op, false));
            rows.push(with_number(op, true));
        }
    }
    rows.into_iter().map(|r| &*Box::leak(Box::new(r))).collect()
}

fn whole(op: &'static OpDef) -> Operator {
    let inputs = match (op.name, op.arity) {
        ("where", _) => Inputs::Named(&["condition", "x", "y"]),
        (_, 1) => Inputs::Named(&["data"]),
        (_, 2) => Inputs::Named(&["lhs", "rhs"]),
        _ => Inputs::Named(&["x", "y", "z"]),
    };
    let aliases = ALIASES.iter().find(|(n, _)| *n == op.name).map_or(&[][..], |(_, a)| a);
    let complete = if op.results == 1 { same_shape } else { Operator::row("", "", Build::Core(op)).complete };
    Operator { aliases, inputs, complete, ..Operator::row(op.name, op.doc, Build::Core(op)) }
}
fn with_number(op: &'static OpDef, reversed: bool) -> Operator {
    let name = format!("{}{}_scalar", if reversed { "_r" } else { "_" }, op.name);
    let build = Build::Scalar { op, reversed };
    Operator {
        attributes: SCALAR,
        complete: same_shape,
        ..Operator::row(Box::leak(name.into_boxed_str()), op.doc, build)
    }
}
