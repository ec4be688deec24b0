//! A schedule that is ready to run: traced, optimised, planned; and the instances that run it.
//!
//! One `Compiled` serves any number of instances. An instance owns an arena: the values of one forward pass until its
//! backward pass has used them.

use crate::noise;
use crate::passes::optimise;
use crate::plan::{Plan, plan, verify_plan};
use crate::schedule::{External, Place, Schedule, ValueId};
use crate::trace::{Request, Traced, trace};
use minpy_core::backend::{Memory, Meta};
use minpy_core::internal::Shared;
use minpy_core::internal::context::{self, RECORDING};
use minpy_core::internal::{Buffer, recorder};
use minpy_core::{Array, Result, bail};
use std::ops::Range;

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
    forward: Pass,
    backward: Pass,
}

/// Consecutive steps, and what they touch outside of the arena.
struct Pass {
    steps: Range<usize>,
    externals: Vec<(ValueId, External)>,
    writes: Vec<External>,
}
impl Pass {
    fn new(s: &Schedule, steps: Range<usize>) -> Pass {
        let mut externals: Vec<(ValueId, External)> = Vec::new();
        let mut seen = vec![false; s.values.len()];
        for v in s.steps[steps.clone()].iter().flat_map(|t| t.touches()) {
            if let (Place::External(e), false) = (s.values[v].place, std::mem::replace(&mut seen[v], true)) {
                externals.push((v, e));
            }
        }
        let writes = s.written(steps.clone()).into_iter().map(|(_, e)| e).collect();
        Pass { steps, externals, writes }
    }
}

/// One run's memory.
pub(crate) struct Instance {
    memories: Vec<Memory>,
    /// Keeps the arena; the memories of its values point into it.
    _arena: Option<Shared<Buffer>>,
    /// The random numbers of the last training run.
    pub noise: Vec<Array>,
}

const NOWHERE: Memory = Memory { handle: 0, offset: 0, bytes: 0 };

impl Compiled {
    pub fn new(request: &Request) -> Result<Compiled> {
        Compiled::of(trace(request)?)
    }
    /// What was traced, optimised and planned.
    pub fn of(traced: Traced) -> Result<Compiled> {
        let mut schedule = traced.schedule;
        optimise(&mut schedule)?;
        let plan = plan(&schedule);
        if cfg!(debug_assertions) {
            verify_plan(&schedule, &plan)?;
        }
        let forward = Pass::new(&schedule, schedule.forward_steps());
        let backward = Pass::new(&schedule, schedule.backward_steps());
        Ok(Compiled { schedule, plan, noise: traced.noise, forward, backward })
    }
    /// A new instance with an arena of its own.
    pub fn instance(&self) -> Result<Instance> {
        let mut memories = vec![NOWHERE; self.schedule.values.len()];
        let arena = if self.plan.bytes == 0 {
            None
        } else {
            Some(Buffer::allocate(self.schedule.device, self.plan.bytes)?)
        };
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
    /// Whether backward reads an argument, or what arrives at an output.
    pub fn backward_reads(&self, what: External) -> bool {
        self.backward.externals.iter().any(|(_, e)| *e == what)
    }
    /// Runs the forward pass; `find` gives the array of each external. New random numbers are drawn unless `again`.
    pub fn forward<'a>(
        &self,
        instance: &mut Instance,
        again: bool,
        find: impl Fn(External) -> Option<&'a Array>,
    ) -> Result<()> {
        if !again {
            instance.noise =
                self.noise.iter().map(|m| noise::uniform(self.schedule.device, m)).collect::<Result<_>>()?;
        }
        self.run(instance, &self.forward, find)
    }
    /// Runs the backward pass on what the instance's last forward pass left.
    pub fn backward<'a>(
        &self,
        instance: &mut Instance,
        find: impl Fn(External) -> Option<&'a Array>,
    ) -> Result<()> {
        self.run(instance, &self.backward, find)
    }
    fn run<'a>(
        &self,
        instance: &mut Instance,
        pass: &Pass,
        find: impl Fn(External) -> Option<&'a Array>,
    ) -> Result<()> {
        if context::tracing() {
            bail!(Unsupported, "symbol: an executor cannot run while a program is being traced");
        }
        for &(v, e) in &pass.externals {
            // Asked for anew each time: the array may have a write pending.
            let buffer = match e {
                External::Constant(i) => self.schedule.constants.get(i),
                External::Noise(i) => instance.noise.get(i).map(|a| a.buffer()),
                other => find(other).map(|a| a.buffer()),
            };
            let Some(buffer) = buffer else { bail!(Runtime, "symbol: there is no array for {e:?}") };
            let (memory, needed) = (*buffer.memory()?, self.schedule.values[v].bytes);
            if memory.bytes < needed {
                bail!(Runtime, "symbol: the array for {e:?} has {} bytes, {needed} are needed", memory.bytes);
            }
            instance.memories[v] = memory;
        }
        for &e in &pass.writes {
            let Some(a) = find(e) else { bail!(Runtime, "symbol: there is no array for {e:?}") };
            // A tape of the caller may still need what is there.
            if context::flags() & RECORDING != 0
                && let Some(r) = recorder::get()
            {
                r.before_write(a)?;
            }
            a.buffer().memory_to_write()?;
            a.buffer().bump_version();
        }
        self.schedule.run(pass.steps.clone(), &instance.memories)
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
