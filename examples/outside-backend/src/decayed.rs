//! An operation with a kernel of its own: what no form of work expresses.
//!
//! Its kernel is registered under the operation's name, for `toy` and for the host, which does it for every device that has none.

use minpy_core::kernel::{KernelCall, Work};
use minpy_core::launch::{Arg, launch};
use minpy_core::registry::Slot;
use minpy_core::{Array, DType, DTypeSet, DeviceRef, Error, ErrorKind, Result, bail};
use std::sync::Arc;

const NAME: &str = "toy.decayed_sum";
const F32: DTypeSet = DTypeSet::of(&[DType::F32]);

/// What the kernel needs beside the views.
struct Decay(f32);

/// Running sums along the last axis that forget: `y[i] = decay * y[i - 1] + x[i]`. Only of float32.
pub fn decayed_sum(x: &Array, decay: f32) -> Result<Array> {
    if x.dtype() != DType::F32 || x.ndim() == 0 {
        bail!(
            Type,
            "decayed_sum: float32 with at least one axis is needed, not {} of {} axes",
            x.dtype(),
            x.ndim()
        );
    }
    let out = Array::empty_on(x.device(), x.shape(), DType::F32)?;
    if out.size() > 0 {
        let work = Work::Custom(Arc::new(Decay(decay)));
        launch(NAME, x.device(), &work, None, &[Arg::Array(x, None)], &[&out])?;
    }
    Ok(out)
}

minpy_core::kernel!(pub TOY: "toy", Slot::Op(NAME), F32, run);
minpy_core::kernel!(pub HOST: "cpu", Slot::Op(NAME), F32, run);

/// Through copies, which any device can: a real kernel would be a loop in the device's language.
fn run(device: DeviceRef, call: &KernelCall) -> Result<()> {
    let wrong = || Error::new(ErrorKind::Runtime, format!("{}: the kernel was given other work", call.op));
    let Decay(decay) = call.work.custom().ok_or_else(wrong)?;
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
