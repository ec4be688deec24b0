//! Elements of some places of the sorted order, without sorting: partition, argpartition, and what quantiles are made of.

use super::scan::axis_last;
use super::{along_axis_indices, call, copy, gather, reshape, zeros};
use crate::dispatch::{Arg, launch};
use crate::kernel::Work;
use crate::layout::{Dims, normalize_axis};
use crate::op::{OpDef, Operand, Structured};
use crate::value::attributes::Attributes;
use crate::{Array, Arrays, Attrs, DType, Meta, Metas, Result, Target, bail, context, operation};
use smallvec::{SmallVec, smallvec};

/// What a selection gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Chosen {
    /// All elements, those of the places where a sort would put them, what is less or equal before them.
    All,
    /// The elements of the places, in their order.
    Those,
    /// The same; of a row with a NaN the last of its NaNs for each.
    ThoseOrNan,
}
/// Attributes of a selection: along which axis, which places of the sorted order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Kth {
    /// The axis.
    pub axis: usize,
    /// Places below its length.
    pub places: SmallVec<[usize; 4]>,
    /// What is given.
    pub chosen: Chosen,
}

impl Kth {
    fn shape(&self, op: &'static OpDef, a: &Array) -> Result<Dims> {
        let n = a.shape()[self.axis];
        if let Some(k) = self.places.iter().find(|k| **k >= n) {
            bail!(Value, "{}: kth(={k}) out of bounds ({n})", op.name);
        }
        let mut shape: Dims = a.shape().into();
        if self.chosen != Chosen::All {
            shape[self.axis] = self.places.len();
        }
        Ok(shape)
    }
    fn launch(&self, op: &'static OpDef, a: &Array, out: &Array) -> Result<()> {
        if out.size() == 0 {
            return Ok(());
        }
        let l = axis_last(a.layout(), self.axis);
        let o = out.view(axis_last(out.layout(), self.axis));
        launch(op.name, out.device(), &Work::Custom(self.shared()), None, &[Arg::Array(a, Some(&l))], &[&o])
    }
}

struct Partition;
impl Structured for Partition {
    type Attrs = Kth;
    // Elements that the order leaves open stand in another one where they are gathered: nobody may count on it.
    const DECOMPOSES: bool = true;

    fn infer(&self, op: &'static OpDef, kth: &Kth, inputs: &[&Array]) -> Result<Metas> {
        Ok(Meta::one(kth.shape(op, inputs[0])?, inputs[0].dtype()))
    }
    fn lower(&self, op: &'static OpDef, kth: &Kth, inputs: &[&Array], outs: &[&Array]) -> Result<()> {
        kth.launch(op, inputs[0], outs[0])
    }
    fn decompose(&self, _: &'static OpDef, kth: &Kth, inputs: &[&Array]) -> Result<Arrays> {
        let a = inputs[0];
        let positions = at_places(&ARGPARTITION, a, kth)?;
        Ok(smallvec![gather(a, &along_axis_indices(a, &positions, kth.axis)?)?])
    }
}
struct Positions;
impl Structured for Positions {
    type Attrs = Kth;

    fn infer(&self, op: &'static OpDef, kth: &Kth, inputs: &[&Array]) -> Result<Metas> {
        Ok(Meta::one(kth.shape(op, inputs[0])?, DType::I64))
    }
    fn lower(&self, op: &'static OpDef, kth: &Kth, inputs: &[&Array], outs: &[&Array]) -> Result<()> {
        kth.launch(op, inputs[0], outs[0])
    }
}
operation!(pub PARTITION: "partition", 1 => 1, Partition, &[(-3.0, 3.0)], "Elements of places of the sorted order along an axis.");
operation!(pub ARGPARTITION: "argpartition", 1 => 1, Positions, &[(-3.0, 3.0)], constant "Positions of the elements of places of the sorted order.");

/// One of the two operations, as its attributes say it.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for places outside of the axis.
pub fn at_places(op: &'static OpDef, a: &Array, kth: &Kth) -> Result<Array> {
    call(op, Attrs::of(kth), &[Operand::Array(a)], None, Target::New)
}
/// Elements of places of the sorted order along an axis, which takes their number as its length. `or_nan`: NaN for each where there is one.
pub(super) fn ordered(a: &Array, axis: usize, places: &[usize], or_nan: bool) -> Result<Array> {
    let chosen = if or_nan { Chosen::ThoseOrNan } else { Chosen::Those };
    at_places(&PARTITION, a, &Kth { axis, places: places.into(), chosen })
}

fn along(op: &'static OpDef, a: &Array, kth: &[isize], axis: Option<isize>) -> Result<Array> {
    let flat;
    let (a, axis) = match axis {
        Some(x) if a.ndim() > 0 => (a, normalize_axis(op.name, x, a.ndim())?),
        Some(x) if !(-1..=0).contains(&x) => {
            bail!(Axis, "{}: axis {x} is out of bounds for array of dimension 0", op.name)
        }
        _ => {
            flat = reshape(a, &[-1])?;
            (&flat, 0)
        }
    };
    let n = a.shape()[axis] as isize;
    // Nothing moves, and of nothing NumPy has no places.
    let still = || match op.constant {
        true => context::with_device(a.device(), || zeros(a.shape(), DType::I64)),
        false => copy(a),
    };
    if a.size() == 0 {
        return still();
    }
    let mut places = SmallVec::new();
    for &k in kth {
        let at = if k < 0 { k + n } else { k };
        match usize::try_from(at) {
            Ok(at) if (at as isize) < n => places.push(at),
            _ => bail!(Value, "kth(={at}) out of bounds ({n})"),
        }
    }
    if n == 1 {
        return still();
    }
    places.sort_unstable();
    places.dedup();
    at_places(op, a, &Kth { axis, places, chosen: Chosen::All })
}
/// A copy in which the elements at the places `kth` are those of the sorted order, what is less or equal before them and the rest behind,
/// along `axis` (`None`: flattened). NaN counts as the greatest.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for places outside, [`ErrorKind::Axis`](crate::ErrorKind::Axis).
pub fn partition(a: &Array, kth: &[isize], axis: Option<isize>) -> Result<Array> {
    if let Some(x) = axis {
        normalize_axis("partition", x, a.ndim())?;
    }
    along(&PARTITION, a, kth, axis)
}
/// Positions that would partition along `axis` (`None`: flattened), in int64.
///
/// # Errors
/// As [`partition`].
pub fn argpartition(a: &Array, kth: &[isize], axis: Option<isize>) -> Result<Array> {
    along(&ARGPARTITION, a, kth, axis)
}

/// The places that were named; NumPy has words for none.
fn named(kth: Option<&[isize]>) -> Result<&[isize]> {
    match kth {
        Some(list) if !list.is_empty() => Ok(list),
        _ => bail!(NotNative, "partition: no kth"),
    }
}
crate::functions! {
    /// A copy with some elements at their places of the sorted order, what is less before them and what is greater behind.
    partition(a: Array, kth: OneOrList, axis: Axis = Some(-1), kind: Choice("introselect") = Some("introselect"), order: Foreign = None)
        -> Array, cases ["n[2], 0", "n[1,2], (0, 1)", "n[2,1], 1, axis=0", "n[2,1], (0, 1), axis=None", "n[2], -1"]
        => partition(a, named(kth)?, axis);
    /// The indices that partition an array.
    argpartition(a: Array, kth: OneOrList, axis: Axis = Some(-1), kind: Choice("introselect") = Some("introselect"), order: Foreign = None)
        -> Array, method, constant, cases ["a[3], (0, 1, 2)", "a[2,3], 1, axis=0", "a[2,2], (0, 1, 2), axis=None", "a[2], -1"]
        => argpartition(a, named(kth)?, axis);
    /// Partitions in place.
    partition(a: Target, kth: OneOrList, axis: Int = -1, kind: Choice("introselect") = Some("introselect"), order: Foreign = None)
        -> Nothing, module [ndarray], cases ["n[2], (0, 1)", "n[2,1], 0, axis=0"]
        => super::assign(a, &partition(a, named(kth)?, Some(axis))?);
}
