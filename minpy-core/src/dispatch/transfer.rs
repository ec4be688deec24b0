//! Copies between devices.

use super::record::Record;
use crate::op::{OpCall, OpDef, Operand, Structured};
use crate::{Array, Attrs, DeviceRef, Meta, Metas, Result, Target, bail, context, operation, stats};

impl Array {
    /// A copy on another device (the array itself when it is there already). Recorded and differentiable.
    pub fn to_device(&self, device: DeviceRef) -> Result<Array> {
        if self.device() == device { Ok(self.clone()) } else { to_device(self, device) }
    }
}

/// Copy of an array on another device. Recorded; the bytes are counted.
fn to_device(a: &Array, device: DeviceRef) -> Result<Array> {
    let operands = [Operand::Array(a)];
    let call = OpCall {
        op: &TO_DEVICE,
        attrs: Attrs::of(&device),
        inputs: &operands,
        mask: None,
        targets: &[Target::New],
    };
    let record = Record::start(&call)?;
    let out = move_raw(a, device)?.with_weak(a.is_weak());
    record.finish(&call, &[&out])?;
    Ok(out)
}

fn move_raw(a: &Array, device: DeviceRef) -> Result<Array> {
    if context::tracing() && a.buffer().is_placeholder() {
        bail!(Unsupported, "to_device: a traced program stays on one device");
    }
    let bytes = a.to_bytes()?;
    stats::count_moved(bytes.len() as u64);
    Array::from_bytes(device, &bytes, a.shape(), a.dtype())
}

/// Copy between devices; see `Array::to_device`.
struct ToDevice;
impl Structured for ToDevice {
    type Attrs = DeviceRef;

    fn infer(&self, _: &'static OpDef, _: &DeviceRef, inputs: &[&Array]) -> Result<Metas> {
        Ok(Meta::one(inputs[0].shape(), inputs[0].dtype()))
    }
    fn lower(&self, op: &'static OpDef, _: &DeviceRef, _: &[&Array], _: &[&Array]) -> Result<()> {
        bail!(Unsupported, "{}: call Array::to_device", op.name)
    }
}
operation!(pub TO_DEVICE: "to_device", 1 => 1, ToDevice, &[(-3.0, 3.0)], "Copy of an array on another device.");
