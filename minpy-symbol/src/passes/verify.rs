//! Verification: what must hold for every schedule, whoever made it.

use crate::schedule::{External, Operand, Place, Schedule};
use minpy_core::backend::Work;
use minpy_core::{Result, bail};

/// Checks that views stay inside their values, that nothing in the arena is read before it is written, that inputs from
/// outside are not written, and that elementwise steps read what they overwrite through the same view only.
pub(crate) fn verify(s: &Schedule) -> Result<()> {
    if s.forward > s.steps.len() {
        bail!(Runtime, "schedule: {} forward steps of {}", s.forward, s.steps.len());
    }
    let mut written = vec![false; s.values.len()];
    for (i, step) in s.steps.iter().enumerate() {
        for (o, is_read) in step.reads().map(|o| (o, true)).chain(step.outputs.iter().map(|o| (o, false))) {
            let Some(value) = s.values.get(o.value) else {
                bail!(Runtime, "schedule: step {i} ({}) names value {}", step.op, o.value)
            };
            if o.layout.span().1 * o.dtype.size() > value.bytes {
                bail!(
                    Runtime,
                    "schedule: step {i} ({}) leaves value {} of {} bytes",
                    step.op,
                    o.value,
                    value.bytes
                );
            }
            match value.place {
                Place::Arena if is_read && !written[o.value] => {
                    bail!(
                        Runtime,
                        "schedule: step {i} ({}) reads value {} before it is written",
                        step.op,
                        o.value
                    )
                }
                Place::External(
                    External::Argument(_) | External::Head(_) | External::Noise(_) | External::Constant(_),
                ) if !is_read => {
                    bail!(Runtime, "schedule: step {i} ({}) writes an input from outside", step.op)
                }
                _ => {}
            }
        }
        for (o, out) in step.outputs.iter().enumerate() {
            // The matrices of a product are read while it is written, and what follows it is written where it is.
            let by_element = match step.work {
                Work::Elementwise => 0..usize::MAX,
                Work::Epilogue if o == 0 => 2..usize::MAX,
                Work::Products { beside, .. } if o == 0 => {
                    2..step.reads().count().saturating_sub(2 * beside as usize)
                }
                _ => 0..0,
            };
            let in_place = |k: usize, r: &Operand| *r == *out && by_element.contains(&k);
            let disturbed = |(k, r): (usize, &Operand)| {
                r.value == out.value && r.layout.may_overlap(&out.layout) && !in_place(k, r)
            };
            if step.reads().enumerate().any(disturbed) {
                bail!(Runtime, "schedule: step {i} ({}) reads what it writes", step.op);
            }
            written[out.value] = true;
        }
    }
    Ok(())
}
