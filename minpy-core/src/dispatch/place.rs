//! Where a call runs, and its inputs brought there.

use crate::op::OpDef;
use crate::{Array, DType, DeviceRef, Operand, Result, Target, bail, context};

/// Where a call runs: where its target or its arrays live; arrays on several devices go to the current one;
/// a 0-d array never decides against a larger one.
#[inline]
pub(super) fn pick_device(inputs: &[Operand], mask: Option<&Array>, targets: &[Target]) -> Result<DeviceRef> {
    for target in targets {
        if let Target::Into(out) = target {
            return Ok(out.device());
        }
    }
    // In most calls all are in one place.
    if let Some(a) = inputs.iter().find_map(|o| o.array())
        && all_on(inputs, a.device())
        && mask.is_none_or(|m| m.device() == a.device())
    {
        return Ok(a.device());
    }
    decided(inputs, mask)
}
#[cold]
fn decided(inputs: &[Operand], mask: Option<&Array>) -> Result<DeviceRef> {
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

/// Whether all arrays among the inputs are on this device, as they are in most calls.
#[inline]
pub(super) fn all_on(inputs: &[Operand], device: DeviceRef) -> bool {
    inputs.iter().all(|o| o.array().is_none_or(|a| a.device() == device))
}
/// Where that is not so: those of the inputs that are elsewhere, moved to this device.
#[cold]
pub(super) fn moved(inputs: &[Operand], device: DeviceRef) -> Result<Vec<Option<Array>>> {
    let elsewhere = |o: &Operand| match o {
        Operand::Array(a) if a.device() != device => a.to_device(device).map(Some),
        _ => Ok(None),
    };
    inputs.iter().map(elsewhere).collect()
}
/// The mask on the device of the call; `None` where it is there.
#[inline]
pub(super) fn moved_mask(op: &OpDef, mask: Option<&Array>, device: DeviceRef) -> Result<Option<Array>> {
    let Some(m) = mask else { return Ok(None) };
    if m.dtype() != DType::Bool {
        bail!(Type, "{}: where= must have dtype bool, not {}", op.name, m.dtype());
    }
    if m.device() == device { Ok(None) } else { m.to_device(device).map(Some) }
}
