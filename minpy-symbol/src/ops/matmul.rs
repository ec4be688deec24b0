//! Products: dot and batch_dot, with either operand read transposed.

use crate::attributes::{Attribute, Default, Kind, attr};
use crate::operator::{Build, Built, Call, Inputs, Operator};
use minpy_core::{Array, Result, bail, ops};

const TRANSPOSED: &[Attribute] = &[
    attr("transpose_a", Kind::Bool, Default::Bool(false)),
    attr("transpose_b", Kind::Bool, Default::Bool(false)),
];

/// The rows of this family.
pub(crate) const ROWS: &[Operator] = &[
    Operator {
        attributes: TRANSPOSED,
        inputs: Inputs::Named(&["lhs", "rhs"]),
        ..Operator::row(
            "dot",
            "NumPy's dot.",
            Build::Function(|c| {
                let t = |a: &Array, name| if c.attrs.flag(name) { a.t() } else { a.clone() };
                Ok(ops::dot(&t(&c.inputs[0], "transpose_a"), &t(&c.inputs[1], "transpose_b"))?.into())
            }),
        )
    },
    Operator {
        attributes: TRANSPOSED,
        inputs: Inputs::Named(&["lhs", "rhs"]),
        ..Operator::row("batch_dot", "Products of stacks of matrices.", Build::Function(batch_dot))
    },
];

fn batch_dot(c: &mut Call) -> Result<Built> {
    let operand = |i: usize, name| -> Result<Array> {
        let a = &c.inputs[i];
        if a.ndim() != 3 {
            bail!(Value, "operands must have three dimensions (batch, rows, columns)");
        }
        if c.attrs.flag(name) { a.transpose(Some(&[0, 2, 1])) } else { Ok(a.clone()) }
    };
    Ok(ops::matmul(&operand(0, "transpose_a")?, &operand(1, "transpose_b")?)?.into())
}
