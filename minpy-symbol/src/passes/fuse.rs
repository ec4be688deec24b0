//! Fusion: the schedule goes through the rules by which imperative programs are deferred and grouped
//! (`minpy_core::internal::fuse`), so that both run the same kernels: chains, row reductions, what is computed of a product.
//!
//! Every value becomes a buffer that is held until its last use. What has been computed by then, and what is wanted in the
//! other pass, has memory afterwards; the rest lives in registers.

use crate::plan::lifetimes;
use crate::schedule::{Operand, Place, Schedule, Source, Step, Value};
use minpy_core::backend::memory;
use minpy_core::backend::{Arg, launch};
use minpy_core::internal::Buffer;
use minpy_core::internal::Shared;
use minpy_core::internal::fuse::{Grouping, Kernel, Read, grouped};
use minpy_core::{Array, Result, bail};

/// Groups each of the two passes.
pub(crate) fn fuse(s: &mut Schedule) -> Result<()> {
    let outside: Vec<usize> = (0..s.values.len()).filter(|&v| s.values[v].place != Place::Arena).collect();
    let mut forward = 0;
    let collected = grouped(|g| {
        let mut buffers = memory::filled(s.values.len(), None)?;
        // Their numbers are their positions in `outside`.
        for &v in &outside {
            buffers[v] = Some(g.outside(s.device, s.values[v].bytes)?);
        }
        forward = run(s, g, &mut buffers)?;
        Ok(())
    })?;
    let value = |k: usize, &bytes: &usize| match outside.get(k) {
        Some(&v) => s.values[v].clone(),
        None => Value { bytes, place: Place::Arena },
    };
    s.values = memory::collected(collected.bytes.iter().enumerate().map(|(k, bytes)| value(k, bytes)))?;
    s.steps = memory::collected(collected.kernels.into_iter().map(step))?;
    s.forward = forward;
    Ok(())
}

/// Launches every step; the number of kernels of the forward pass.
fn run(s: &Schedule, g: &Grouping, buffers: &mut [Option<Shared<Buffer>>]) -> Result<usize> {
    let lives = lifetimes(s);
    let mut forward = 0;
    for (i, step) in s.steps.iter().enumerate() {
        if i == s.forward {
            forward = g.boundary()?;
        }
        for o in &step.outputs {
            buffers[o.value].get_or_insert_with(|| g.inside(s.device, s.values[o.value].bytes));
        }
        let array = |o: &Operand| match &buffers[o.value] {
            Some(b) => Ok(Array::from_parts(b.clone(), o.layout.clone(), o.dtype)),
            None => {
                bail!(
                    Runtime,
                    "schedule: step {i} ({}) reads value {} before it is written",
                    step.op,
                    o.value
                )
            }
        };
        let reads: Vec<Option<Array>> =
            step.inputs.iter().map(|r| r.view().map(array).transpose()).collect::<Result<_>>()?;
        let inputs: Vec<Arg> = step
            .inputs
            .iter()
            .zip(&reads)
            .map(|(source, array)| match (source, array) {
                (Source::Number(n), _) => Ok(Arg::Scalar(*n)),
                (_, Some(a)) => Ok(Arg::Array(a, None)),
                _ => bail!(Runtime, "schedule: step {i} ({}) reads nothing", step.op),
            })
            .collect::<Result<_>>()?;
        let writes: Vec<Array> = step.outputs.iter().map(array).collect::<Result<_>>()?;
        let outputs: Vec<&Array> = writes.iter().collect();
        launch(step.op, s.device, &step.work, step.program.as_ref(), &inputs, &outputs)?;
        drop((reads, writes));
        for v in step.touches() {
            if lives[v].is_none_or(|l| l.1 == i) {
                buffers[v] = None;
            }
        }
    }
    let end = g.boundary()?;
    Ok(if s.forward == s.steps.len() { end } else { forward })
}

fn step(k: Kernel) -> Step {
    let operand =
        |p: minpy_core::internal::fuse::Place| Operand { value: p.memory, layout: p.layout, dtype: p.dtype };
    Step {
        op: k.op,
        work: k.work,
        program: k.program,
        inputs: k
            .inputs
            .into_iter()
            .map(|r| match r {
                Read::Place(p) => Source::View(operand(p)),
                Read::Scalar(n) => Source::Number(n),
            })
            .collect(),
        outputs: k.outputs.into_iter().map(operand).collect(),
    }
}
