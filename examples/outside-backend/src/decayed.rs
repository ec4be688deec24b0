//! An operation with a kernel of its own: what no form of work expresses.
//!
//! Its kernel is registered under the operation's name, for `toy` and for the host, which does it for every device that has none.

use minpy_core::backend::{DTypeSet, KernelCall, Meta, Metas, Slot, Structured, layout};
use minpy_core::{Array, Attrs, DType, DeviceRef, OpDef, Operand, Result, Target, bail, ops};

const NAME: &str = "toy.decayed_sum";
const F32: DTypeSet = DTypeSet::of(&[DType::F32]);

/// What a call is told beside its input: the bits of a number, since numbers that may be NaN cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Decay(u32);

struct DecayedSum;
impl Structured for DecayedSum {
    type Attrs = Decay;

    fn infer(&self, op: &'static OpDef, _: &Decay, inputs: &[&Array]) -> Result<Metas> {
        let x = inputs[0];
        if x.dtype() != DType::F32 || x.ndim() == 0 {
            let shape = layout::show(x.shape());
            bail!(Type, "{}: float32 with at least one axis is needed, not {} {shape}", op.name, x.dtype());
        }
        Ok(Meta::one(x.shape(), DType::F32))
    }
}
minpy_core::operation!(pub DECAYED_SUM: NAME, 1 => 1, DecayedSum, &[(-3.0, 3.0)], "Running sums along the last axis that forget.");

/// Running sums along the last axis that forget: `y[i] = decay * y[i - 1] + x[i]`. Only of float32.
///
/// # Errors
/// [`ErrorKind::Type`](minpy_core::ErrorKind::Type) for other dtypes, and for a 0-d array.
pub fn decayed_sum(x: &Array, decay: f32) -> Result<Array> {
    let attrs = Decay(decay.to_bits());
    ops::call(&DECAYED_SUM, Attrs::of(&attrs), &[Operand::Array(x)], None, Target::New)
}

minpy_core::kernel!(pub TOY: "toy", Slot::Op(NAME), F32, run);
minpy_core::kernel!(pub HOST: "cpu", Slot::Op(NAME), F32, run);

/// Through copies, which any device can: a real kernel would be a loop in the device's language.
fn run(device: DeviceRef, call: &KernelCall) -> Result<()> {
    let decay = f32::from_bits(call.attributes::<Decay>()?.0);
    let (x, y) = (call.inputs[0].view(), &call.outputs[0]);
    let mut from = vec![0; x.memory.bytes];
    device.download(x.memory, 0, &mut from)?;
    let mut last = vec![0f32; y.size()];
    let columns = y.shape[y.shape.len() - 1];
    for (i, at) in crate::kernels::positions(x).into_iter().enumerate() {
        let element = f32::from_ne_bytes([0, 1, 2, 3].map(|b| from[4 * at + b]));
        last[i] = if i % columns == 0 { element } else { decay * last[i - 1] + element };
    }
    // The result is new: one after another in C order.
    let bytes: Vec<u8> = last.into_iter().flat_map(f32::to_ne_bytes).collect();
    device.upload(&bytes, y.memory, 4 * y.offset)
}
