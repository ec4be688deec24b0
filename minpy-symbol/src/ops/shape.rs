//! Shapes: flatten, reshape, transpose, slices, concatenation.

use crate::attributes::{Attributes, Default, Kind, attr};
use crate::operator::{Build, Built, Call, Inputs, Operator};
use minpy_core::backend::layout::{count, normalize_axis, show};
use minpy_core::{DType, Result, bail, ops};

/// The rows of this family.
pub(crate) const ROWS: &[Operator] = &[
    Operator {
        aliases: &["flatten"],
        ..Operator::row(
            "Flatten",
            "(batch, everything else in one axis).",
            Build::Function(|c| {
                let x = &c.inputs[0];
                let Some((&n, rest)) = x.shape().split_first() else {
                    bail!(Value, "data has no batch axis")
                };
                Ok(ops::reshape(x, &[n as isize, rest.iter().product::<usize>() as isize])?.into())
            }),
        )
    },
    Operator {
        aliases: &["reshape"],
        attributes: &[attr("shape", Kind::Ints, Default::Required)],
        ..Operator::row(
            "Reshape",
            "Another shape; 0 keeps a size, one -1 is computed.",
            Build::Function(reshape),
        )
    },
    Operator {
        attributes: &[attr("axes", Kind::Ints, Default::None)],
        ..Operator::row(
            "transpose",
            "Axes permuted, or reversed.",
            Build::Function(|c| {
                let axes: Option<Vec<isize>> =
                    c.attrs.ints("axes").map(|v| v.iter().map(|&i| i as isize).collect());
                Ok(c.inputs[0].transpose(axes.as_deref())?.into())
            }),
        )
    },
    Operator {
        aliases: &["swapaxes"],
        attributes: &[
            attr("dim1", Kind::Int(-64), Default::Int(0)),
            attr("dim2", Kind::Int(-64), Default::Int(0)),
        ],
        ..Operator::row(
            "SwapAxis",
            "Two axes exchanged.",
            Build::Function(|c| {
                let x = &c.inputs[0];
                let mut order: Vec<isize> = (0..x.ndim() as isize).collect();
                let axis = |name| normalize_axis(name, c.attrs.int(name) as isize, x.ndim());
                order.swap(axis("dim1")?, axis("dim2")?);
                Ok(x.transpose(Some(&order))?.into())
            }),
        )
    },
    Operator {
        attributes: &[attr("axis", Kind::Int(-64), Default::Required)],
        ..Operator::row(
            "expand_dims",
            "A new axis of size 1.",
            Build::Function(|c| Ok(c.inputs[0].expand_dims(c.attrs.int("axis") as isize)?.into())),
        )
    },
    Operator {
        aliases: &["split"],
        attributes: &[
            attr("num_outputs", Kind::Int(1), Default::Required),
            attr("axis", Kind::Int(-64), Default::Int(1)),
            attr("squeeze_axis", Kind::Bool, Default::Bool(false)),
        ],
        outputs: |a| a.size("num_outputs"),
        ..Operator::row(
            "SliceChannel",
            "Equal pieces along an axis, each a result of its own.",
            Build::Function(slice_channel),
        )
    },
    Operator {
        attributes: &[
            attr("axis", Kind::Int(-64), Default::Required),
            attr("begin", Kind::Int(i64::MIN), Default::Int(0)),
            attr("end", Kind::Int(i64::MIN), Default::None),
        ],
        ..Operator::row(
            "slice_axis",
            "Indices begin to end (not included) of one axis.",
            Build::Function(slice_axis),
        )
    },
    Operator {
        aliases: &["concat"],
        attributes: &[attr("dim", Kind::Int(-64), Default::Int(1))],
        ignored: &["num_args"],
        inputs: Inputs::Variadic,
        ..Operator::row(
            "Concat",
            "Inputs joined along an axis.",
            Build::Function(|c| Ok(ops::concatenate(c.inputs, c.attrs.int("dim") as isize, None)?.into())),
        )
    },
    Operator {
        aliases: &["cast"],
        attributes: &[attr("dtype", Kind::DType, Default::Required)],
        complete: super::same_shape,
        ..Operator::row(
            "Cast",
            "The values in another dtype.",
            Build::Function(|c| Ok(ops::cast(&c.inputs[0], DType::parse(c.attrs.text("dtype"))?)?.into())),
        )
    },
];

/// Sizes as `ops::reshape` takes them; their product is checked here, where overflow is still an error.
fn checked(shape: &[isize]) -> Result<()> {
    let sizes: Vec<usize> = shape.iter().map(|&n| n.unsigned_abs()).collect();
    count("Reshape", &sizes).map(drop)
}
fn reshape(c: &mut Call) -> Result<Built> {
    let (x, wanted) = (&c.inputs[0], c.attrs.ints("shape").unwrap_or(&[]));
    let mut shape = Vec::with_capacity(wanted.len());
    for (i, &n) in wanted.iter().enumerate() {
        shape.push(match (n, x.shape().get(i)) {
            (0, Some(&keep)) => keep as isize,
            (0, None) => bail!(
                Value,
                "shape {}: 0 keeps a size, but data of shape {} has no axis {i}",
                c.attrs.get("shape"),
                show(x.shape())
            ),
            (-1, _) => -1,
            (n, _) if n > 0 => n as isize,
            _ => bail!(Value, "shape {}: sizes are positive, 0 (keep) or -1 (compute)", c.attrs.get("shape")),
        });
    }
    checked(&shape)?;
    Ok(ops::reshape(x, &shape)?.into())
}
fn axis_of(a: &Attributes, ndim: usize) -> Result<usize> {
    normalize_axis("axis", a.int("axis") as isize, ndim)
}
fn slice_channel(c: &mut Call) -> Result<Built> {
    let (x, n) = (&c.inputs[0], c.attrs.size("num_outputs"));
    let axis = axis_of(c.attrs, x.ndim())?;
    let size = x.shape()[axis];
    let squeeze = c.attrs.flag("squeeze_axis");
    if size % n != 0 || squeeze && size != n {
        bail!(
            Value,
            "axis {axis} of shape {} cannot be cut into {n} pieces{}",
            show(x.shape()),
            if squeeze { " of size 1" } else { "" }
        );
    }
    let piece = size / n;
    let outputs = (0..n)
        .map(|k| {
            let v = x.slice(axis, k * piece, 1, piece);
            if squeeze { v.view(v.layout().remove_axis(axis)) } else { v }
        })
        .collect();
    Ok(Built { outputs, aux: Vec::new() })
}
fn slice_axis(c: &mut Call) -> Result<Built> {
    let x = &c.inputs[0];
    let axis = axis_of(c.attrs, x.ndim())?;
    let size = x.shape()[axis] as i64;
    let bound = |i: i64| if i < 0 { i.saturating_add(size) } else { i };
    let begin = bound(c.attrs.int("begin"));
    let end = if *c.attrs.get("end") == crate::Value::None { size } else { bound(c.attrs.int("end")) };
    if begin < 0 || end > size || begin >= end {
        bail!(
            Index,
            "begin={} and end={} select nothing of axis {axis} of shape {}",
            c.attrs.get("begin"),
            c.attrs.get("end"),
            show(x.shape())
        );
    }
    Ok(x.slice(axis, begin as usize, 1, (end - begin) as usize).into())
}
