//! The steps of a call. Dispatch alone allocates results, handles `out=` and `where=`, tests overlap and moves inputs between
//! devices.
//!
//! `call` takes the common case to `straight.rs` and every other to `elementwise.rs` or `structured.rs`, which go the same way: what the
//! arguments are (`arguments.rs`; `compare.rs` for those without a common dtype), where it runs (`place.rs`), what the results are
//! (`results.rs`), what the tape is told (`record.rs`). Then the work is launched (`deferral/launch.rs`). What other code does by dispatch's
//! means: copies (`copy.rs`; of a few elements `small.rs`, by index arrays `pick.rs`; integers counted `tally.rs`), and arrays moved to other devices (`transfer.rs`).

mod arguments;
mod compare;
mod copy;
mod elementwise;
mod pick;
mod place;
mod record;
mod results;
mod small;
mod straight;
mod structured;
mod tally;
mod transfer;

pub(crate) use crate::launch::{Arg, launch};
pub(crate) use arguments::broadcast_shape;
pub(crate) use copy::copy_into_raw;
pub use copy::{assign, assign_where, cast, copy_raw, fill_raw};
pub(crate) use pick::{picked, placed};
pub(crate) use small::{ramped, stacked};
pub(crate) use tally::tallied;
pub use transfer::TO_DEVICE;

use crate::context::{self, RECORDING};
use crate::op::{MAX_ARITY, OpDef, Tier};
use crate::{Array, Arrays, Attrs, Operand, Result, Scalar, Target, bail};
use elementwise::{elementwise, several};
use smallvec::{SmallVec, smallvec};
use straight::{STRAIGHT, straight};
use structured::structured;

type Operands<'a> = SmallVec<[Operand<'a>; 4]>;

/// Calls an operation: the one entry for all tiers.
#[inline]
pub fn call(
    op: &'static OpDef,
    attrs: Attrs,
    inputs: &[Operand],
    mask: Option<&Array>,
    target: Target,
) -> Result<Array> {
    match &op.tier {
        Tier::Elementwise(e) => {
            let flags = context::flags();
            if flags & !RECORDING == 0
                && inputs.len() == op.arity
                && op.arity <= STRAIGHT
                && (e.check.is_none() || inputs[0].dtype().is_inexact())
                && mask.is_none()
                && attrs.is_none()
                && matches!(target, Target::New)
                && op.results == 1
            {
                let mut numbers = [Scalar::ZERO; STRAIGHT];
                if let Some(plan) = straight(op, e, inputs, &mut numbers) {
                    return plan.run(op, inputs, &numbers, flags != 0);
                }
            }
            elementwise(op, e, attrs, inputs, mask, target)
        }
        Tier::Structured(s) => {
            let mut results = Arrays::new();
            structured(op, *s, attrs, inputs, mask, &[target], &mut results)?;
            only(op, &mut results)
        }
    }
}

/// Calls an operation of any number of results, one target for each.
///
/// # Errors
/// [`ErrorKind::Type`](crate::ErrorKind::Type) where there are more or fewer targets than results.
pub fn call_all(
    op: &'static OpDef,
    attrs: Attrs,
    inputs: &[Operand],
    mask: Option<&Array>,
    targets: &[Target],
) -> Result<Arrays> {
    if targets.len() != op.results {
        bail!(Type, "{}: has {} results, not {}", op.name, op.results, targets.len());
    }
    match (&op.tier, targets) {
        (Tier::Structured(s), _) => {
            let mut results = Arrays::new();
            structured(op, *s, attrs, inputs, mask, targets, &mut results)?;
            Ok(results)
        }
        (_, &[target]) => Ok(smallvec![call(op, attrs, inputs, mask, target)?]),
        (Tier::Elementwise(e), _) => several(op, e, attrs, inputs, mask, targets),
    }
}
/// The same into new arrays: as many as the operation has results.
///
/// # Errors
/// [`ErrorKind::Type`](crate::ErrorKind::Type) where that is another number.
pub fn call_each<const N: usize>(op: &'static OpDef, attrs: Attrs, inputs: &[Operand]) -> Result<[Array; N]> {
    let results = call_all(op, attrs, inputs, None, &[Target::New; N])?;
    let results: SmallVec<[Array; N]> = results.into_iter().collect();
    results.into_inner().or_else(|r| bail!(Type, "{}: has {} results, not {N}", op.name, r.len()))
}
/// The result of an operation that has one.
#[inline]
fn only(op: &'static OpDef, results: &mut Arrays) -> Result<Array> {
    match results.pop() {
        Some(r) if results.is_empty() => Ok(r),
        _ => bail!(Type, "{}: has {} results, not 1", op.name, op.results),
    }
}
