//! A schedule that is ready to run: traced, optimised, planned; and the instances that run it.
//!
//! One `Compiled` serves any number of instances. An instance owns an arena: the values of one forward pass until its
//! backward pass has used them.

use crate::noise;
use crate::passes::optimise;
use crate::plan::{Plan, plan, verify_plan};
use crate::schedule::{External, Place, Schedule};
use crate::trace::{Request, trace};
use minpy_core::context::{self, RECORDING};
use minpy_core::device::Memory;
use minpy_core::{Array, Buffer, Meta, Result, bail, recorder};
use std::ops::Range;
use std::sync::Arc;

/// Figures of a compiled symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Kernel launches of the forward pass.
    pub forward_launches: usize,
    /// Kernel launches of the backward pass.
    pub backward_launches: usize,
    /// Bytes of the arena that all intermediate values share.
    pub planned_bytes: usize,
    /// Bytes if each intermediate value had memory of its own.
    pub naive_bytes: usize,
}

pub(crate) struct Compiled {
    pub schedule: Schedule,
    pub plan: Plan,
    pub noise: Vec<Meta>,
    /// Externals that steps touch, by value.
    externals: Vec<(usize, External)>,
    forward_writes: Vec<External>,
    backward_writes: Vec<External>,
}

/// One run's memory.
pub(crate) struct Instance {
    memories: Vec<Memory>,
    /// Keeps the arena; the memories of its values point into it.
    _arena: Option<Arc<Buffer>>,
    /// The random numbers of the last training run.
    pub noise: Vec<Array>,
}

const NOWHERE: Memory = Memory { handle: 0, offset: 0, bytes: 0 };

impl Compiled {
    pub fn new(request: &Request) -> Result<Compiled> {
        let traced = trace(request)?;
        let mut schedule = traced.schedule;
        optimise(&mut schedule);
        let plan = plan(&schedule);
        if cfg!(debug_assertions) {
            verify_plan(&schedule, &plan)?;
        }
        let mut touched = vec![false; schedule.values.len()];
        for v in schedule.steps.iter().flat_map(|s| s.touches()) {
            touched[v] = true;
        }
        let externals = schedule
            .values
            .iter()
            .enumerate()
            .filter(|(v, _)| touched[*v])
            .filter_map(|(v, value)| match value.place {
                Place::External(e) => Some((v, e)),
                Place::Arena => None,
            })
            .collect();
        let writes = |range| schedule.written(range).into_iter().map(|(_, e)| e).collect();
        let (forward_writes, backward_writes) = (writes(schedule.forward_steps()), writes(schedule.backward_steps()));
        Ok(Compiled { schedule, plan, noise: traced.noise, externals, forward_writes, backward_writes })
    }
    /// A new instance with an arena of its own.
    pub fn instance(&self) -> Result<Instance> {
        let mut memories = vec![NOWHERE; self.schedule.values.len()];
        let arena = if self.plan.bytes == 0 { None } else { Some(Buffer::allocate(self.schedule.device, self.plan.bytes)?) };
        if let Some(arena) = &arena {
            let block = *arena.memory()?;
            for (v, offset) in self.plan.offsets.iter().enumerate() {
                if let Some(offset) = offset {
                    let bytes = self.schedule.values[v].bytes;
                    memories[v] = Memory { handle: block.handle, offset: block.offset + offset, bytes };
                }
            }
        }
        Ok(Instance { memories, _arena: arena, noise: Vec::new() })
    }
    /// Whether backward reads an argument.
    pub fn backward_reads(&self, what: External) -> bool {
        let Some(v) = self.schedule.external(what) else { return false };
        self.schedule.steps[self.schedule.backward_steps()].iter().any(|s| s.reads().any(|o| o.value == v))
    }
    /// Whether a step touches an external.
    pub fn touches(&self, what: External) -> bool {
        self.externals.iter().any(|(_, e)| *e == what)
    }
    /// Runs the forward pass; `find` gives the array of each external. New random numbers are drawn unless `again`.
    pub fn forward<'a>(&self, instance: &mut Instance, again: bool, find: impl Fn(External) -> Option<&'a Array>) -> Result<()> {
        if !again {
            instance.noise = self.noise.iter().map(|m| noise::uniform(self.schedule.device, m)).collect::<Result<_>>()?;
        }
        self.run(instance, self.schedule.forward_steps(), &self.forward_writes, find)
    }
    /// Runs the backward pass on what the instance's last forward pass left.
    pub fn backward<'a>(&self, instance: &mut Instance, find: impl Fn(External) -> Option<&'a Array>) -> Result<()> {
        self.run(instance, self.schedule.backward_steps(), &self.backward_writes, find)
    }
    fn run<'a>(&self, instance: &mut Instance, range: Range<usize>, writes: &[External], find: impl Fn(External) -> Option<&'a Array>) -> Result<()> {
        if context::tracing() {
            bail!(Unsupported, "symbol: an executor cannot run while a program is being traced");
        }
        for &(v, e) in &self.externals {
            // Asked for anew each time: the array may have a write pending.
            let memory = match e {
                External::Constant(i) => Some(*self.schedule.constants[i].memory()?),
                External::Noise(i) => instance.noise.get(i).map(|a| a.buffer().memory().copied()).transpose()?,
                other => find(other).map(|a| a.buffer().memory().copied()).transpose()?,
            };
            if let Some(memory) = memory {
                if memory.bytes < self.schedule.values[v].bytes {
                    bail!(Runtime, "symbol: the array for {e:?} has {} bytes, {} are needed", memory.bytes, self.schedule.values[v].bytes);
                }
                instance.memories[v] = memory;
            }
        }
        for &e in writes {
            let Some(a) = find(e) else { bail!(Runtime, "symbol: there is no array for {e:?}") };
            // A tape of the caller may still need what is there.
            if context::flags() & RECORDING != 0
                && let Some(r) = recorder::get()
            {
                r.before_write(a)?;
            }
            a.buffer().bump_version();
        }
        self.schedule.run(range, &instance.memories)
    }
    pub fn report(&self) -> Report {
        Report {
            forward_launches: self.schedule.forward,
            backward_launches: self.schedule.steps.len() - self.schedule.forward,
            planned_bytes: self.plan.bytes,
            naive_bytes: self.plan.naive,
        }
    }
}
