//! Reductions along axes: sum, mean, max, min, prod.

use crate::attributes::{Attribute, Default, Kind, attr};
use crate::operator::{Build, Built, Call, Operator};
use minpy_core::{Array, Result, ops};

const AXES: &[Attribute] =
    &[attr("axis", Kind::Ints, Default::None), attr("keepdims", Kind::Bool, Default::Bool(false))];

/// The rows of this family.
pub(crate) const ROWS: &[Operator] = &[
    row("sum", &["sum_axis"], "Sum along axes.", Build::Function(|c| reduce(c, ops::sum))),
    row(
        "mean",
        &[],
        "Mean along axes.",
        Build::Function(|c| reduce(c, |a, axes, keep| ops::mean(a, axes, keep, None))),
    ),
    row("max", &["max_axis"], "Greatest element along axes.", Build::Function(|c| reduce(c, ops::max))),
    row("min", &["min_axis"], "Smallest element along axes.", Build::Function(|c| reduce(c, ops::min))),
    row("prod", &[], "Product along axes.", Build::Function(|c| reduce(c, ops::prod))),
];

const fn row(
    name: &'static str,
    aliases: &'static [&'static str],
    doc: &'static str,
    build: Build,
) -> Operator {
    Operator { aliases, attributes: AXES, ..Operator::row(name, doc, build) }
}
fn reduce(c: &mut Call, f: impl Fn(&Array, Option<&[isize]>, bool) -> Result<Array>) -> Result<Built> {
    // MXNet: no axes are all axes.
    let axes: Option<Vec<isize>> =
        c.attrs.ints("axis").filter(|v| !v.is_empty()).map(|v| v.iter().map(|&i| i as isize).collect());
    Ok(f(&c.inputs[0], axes.as_deref(), c.attrs.flag("keepdims"))?.into())
}
