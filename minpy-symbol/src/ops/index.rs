//! Look-up: embedding, take, one_hot.

use crate::attributes::{Attributes, Default, Kind, attr};
use crate::operator::{Build, Built, Inputs, Operator, Shapes};
use minpy_core::{DType, Result, ops};

/// The rows of this family.
pub(crate) const ROWS: &[Operator] = &[
    Operator {
        attributes: &[
            attr("input_dim", Kind::Int(1), Default::Required),
            attr("output_dim", Kind::Int(1), Default::Required),
        ],
        inputs: Inputs::Named(&["data", "weight"]),
        positions: Some(0),
        complete: |a: &Attributes, s: &mut Shapes| s.set(1, &[a.size("input_dim"), a.size("output_dim")]),
        ..Operator::row(
            "Embedding",
            "Rows of the weight at the indices in data.",
            Build::Function(|c| rows(&c.inputs[1], &c.inputs[0])),
        )
    },
    Operator {
        inputs: Inputs::Named(&["a", "indices"]),
        positions: Some(1),
        ..Operator::row(
            "take",
            "Rows of a at the indices.",
            Build::Function(|c| rows(&c.inputs[0], &c.inputs[1])),
        )
    },
    Operator {
        inputs: Inputs::Named(&["indices"]),
        positions: Some(0),
        attributes: &[attr("depth", Kind::Int(1), Default::Required)],
        ..Operator::row(
            "one_hot",
            "A row per index with a one at the index.",
            Build::Function(|c| {
                let x = &c.inputs[0];
                let dtype = if x.dtype().is_inexact() { x.dtype() } else { DType::F32 };
                Ok(ops::one_hot(x, c.attrs.size("depth"), dtype)?.into())
            }),
        )
    },
];

fn rows(table: &minpy_core::Array, indices: &minpy_core::Array) -> Result<Built> {
    Ok(ops::gather(table, std::slice::from_ref(&ops::cast(indices, DType::I64)?))?.into())
}
