//! Where a call runs, and its inputs brought there.

use super::MAX_ARITY;
use crate::op::OpDef;
use crate::{Array, DType, DeviceRef, Operand, Result, Target, bail, context};

/// Where a call runs: where its target or its arrays live; arrays on several devices go to the current one;
/// a 0-d array never decides against a larger one.
pub(super) fn pick_device(inputs: &[Operand], mask: Option<&Array>, targets: &[Target]) -> Result<DeviceRef> {
    for target in targets {
        if let Target::Into(out) = target {
            return Ok(out.device());
        }
    }
    let mut found: Option<DeviceRef> = None;
    let mut small: Option<DeviceRef> = None;
    for a in inputs.iter().filter_map(|o| o.array()).chain(mask) {
        let slot = if a.ndim() == 0 { &mut small } else { &mut found };
        match *slot {
            Some(d) if d != a.device() => *slot = Some(context::current_device()?),
            _ => *slot = Some(a.device()),
        }
    }
    match found.or(small) {
        Some(d) => Ok(d),
        None => context::current_device(),
    }
}

/// Inputs on other devices, moved to this one. Fixed arrays, filled in place: moving arrays about costs more than the rest of a
/// call.
pub(super) fn moved(inputs: &[Operand], device: DeviceRef) -> Result<[Option<Array>; MAX_ARITY]> {
    let mut moved: [Option<Array>; MAX_ARITY] = [const { None }; MAX_ARITY];
    for (o, m) in inputs.iter().zip(&mut moved) {
        if let Operand::Array(a) = o
            && a.device() != device
        {
            *m = Some(a.to_device(device)?);
        }
    }
    Ok(moved)
}
/// The mask on the device of the call; `None` where it is there.
pub(super) fn moved_mask(op: &OpDef, mask: Option<&Array>, device: DeviceRef) -> Result<Option<Array>> {
    let Some(m) = mask else { return Ok(None) };
    if m.dtype() != DType::Bool {
        bail!(Type, "{}: where= must have dtype bool, not {}", op.name, m.dtype());
    }
    if m.device() == device { Ok(None) } else { m.to_device(device).map(Some) }
}
