//! The schedule: the launches of a traced symbol as plain data, forward first, then backward.
//!
//! Values are numbered and stand for whole buffers; steps read and write views of them. Passes rewrite a schedule,
//! `plan` gives its values places, and `run` replays it on a table of memories.

use minpy_core::backend::{Input, KernelCall, Memory, Program, View, Work};
use minpy_core::internal::Shared;
use minpy_core::internal::dispatch::run_planned;
use minpy_core::internal::{Buffer, context, stats};
use minpy_core::{DType, DeviceRef, Layout, Result, Scalar};
use smallvec::SmallVec;
use std::ops::Range;
use std::sync::Arc;

/// Index of a value in its schedule.
pub(crate) type ValueId = usize;

/// Memory that the schedule does not own, by list and position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum External {
    Argument(usize),
    Auxiliary(usize),
    Gradient(usize),
    Output(usize),
    /// Gradient that arrives at an output.
    Head(usize),
    /// Uniform random numbers, drawn before each training run.
    Noise(usize),
    /// An array with memory that a builder brought along.
    Constant(usize),
}

/// Where a value lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Memory from outside.
    External(External),
    /// In the arena, where the plan says.
    Arena,
}

/// A value: one buffer.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub bytes: usize,
    pub place: Place,
}

/// A view of a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Operand {
    pub value: ValueId,
    pub layout: Layout,
    pub dtype: DType,
}

/// What a step reads.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    View(Operand),
    Number(Scalar),
}
impl Source {
    pub fn view(&self) -> Option<&Operand> {
        match self {
            Source::View(o) => Some(o),
            Source::Number(_) => None,
        }
    }
}

/// One launch.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub op: &'static str,
    pub work: Work,
    pub program: Option<Arc<Program>>,
    pub inputs: SmallVec<[Source; 3]>,
    pub outputs: SmallVec<[Operand; 1]>,
}
impl Step {
    /// Views that are read.
    pub fn reads(&self) -> impl Iterator<Item = &Operand> {
        self.inputs.iter().filter_map(Source::view)
    }
    /// Every value that is touched.
    pub fn touches(&self) -> impl Iterator<Item = ValueId> {
        self.reads().chain(&self.outputs).map(|o| o.value)
    }
}

/// Launches in order, and the values they touch.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub device: DeviceRef,
    pub values: Vec<Value>,
    pub steps: Vec<Step>,
    /// Number of steps that belong to the forward pass.
    pub forward: usize,
    /// What `External::Constant` counts.
    pub constants: Vec<Shared<Buffer>>,
}

impl Schedule {
    /// Steps of the forward pass.
    pub fn forward_steps(&self) -> Range<usize> {
        0..self.forward
    }
    /// Steps of the backward pass.
    pub fn backward_steps(&self) -> Range<usize> {
        self.forward..self.steps.len()
    }
    /// Externals that a range of steps writes, each once.
    pub fn written(&self, range: Range<usize>) -> Vec<(ValueId, External)> {
        let mut out: Vec<(ValueId, External)> = Vec::new();
        for o in self.steps[range].iter().flat_map(|s| &s.outputs) {
            if let Place::External(e) = self.values[o.value].place
                && !out.iter().any(|(v, _)| *v == o.value)
            {
                out.push((o.value, e));
            }
        }
        out
    }
    /// Removes the steps for which `keep` is false; the boundary between the passes moves along.
    pub fn retain(&mut self, keep: &[bool]) {
        self.forward = keep[..self.forward].iter().filter(|k| **k).count();
        let mut it = keep.iter();
        self.steps.retain(|_| it.next().copied().unwrap_or(true));
    }
    /// Replays steps; `memories[v]` is the memory of value `v`.
    pub fn run(&self, range: Range<usize>, memories: &[Memory]) -> Result<()> {
        fn view<'a>(o: &'a Operand, memories: &'a [Memory]) -> View<'a> {
            View {
                memory: &memories[o.value],
                dtype: o.dtype,
                shape: o.layout.shape(),
                strides: o.layout.strides(),
                offset: o.layout.offset(),
            }
        }
        let counting = context::flags() & context::COUNTING != 0;
        for s in &self.steps[range] {
            if counting {
                stats::count_op(s.op, self.device.name());
            }
            let inputs: SmallVec<[Input; 4]> = s
                .inputs
                .iter()
                .map(|i| match i {
                    Source::View(o) => Input::View(view(o, memories)),
                    Source::Number(n) => Input::Scalar(*n),
                })
                .collect();
            let outputs: SmallVec<[View; 1]> = s.outputs.iter().map(|o| view(o, memories)).collect();
            let call = KernelCall {
                op: s.op,
                work: &s.work,
                program: s.program.as_ref(),
                inputs: &inputs,
                outputs: &outputs,
            };
            run_planned(&call, self.device)?;
        }
        Ok(())
    }
}
