//! Fusion: an elementwise step whose result only one later elementwise step reads becomes part of that step.
//!
//! The value between them is then never stored. Views are translated, so that a transposed read fuses too.

use crate::schedule::{Operand, Place, Schedule, Source, Step};
use minpy_core::DType;
use minpy_core::expr::{Builder, E, Node, Program};
use minpy_core::kernel::Work;
use minpy_core::relayout::translate_read;
use smallvec::SmallVec;
use std::sync::Arc;

/// Arrays and numbers a fused step may read: kernels keep a pointer and strides for each.
const MOST_INPUTS: usize = 8;
/// Nodes of a fused program.
const MOST_NODES: usize = 64;

/// Fuses as long as something can be.
pub(crate) fn fuse(s: &mut Schedule) {
    // Which steps touch each value, in order; steps keep their numbers until the end.
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); s.values.len()];
    for (i, step) in s.steps.iter().enumerate() {
        for v in step.touches() {
            if users[v].last() != Some(&i) {
                users[v].push(i);
            }
        }
    }
    let mut keep = vec![true; s.steps.len()];
    for (i, kept) in keep.iter_mut().enumerate() {
        let Some((consumer, step)) = fused(s, i, &users) else { continue };
        for v in s.steps[i].touches() {
            users[v].retain(|&k| k != i);
        }
        for v in step.touches() {
            if let Err(at) = users[v].binary_search(&consumer) {
                users[v].insert(at, consumer);
            }
        }
        s.steps[consumer] = step;
        *kept = false;
    }
    s.retain(&keep);
}

/// The consumer of step `i` with step `i` inside it.
fn fused(s: &Schedule, i: usize, users: &[Vec<usize>]) -> Option<(usize, Step)> {
    let program = elementwise(&s.steps[i])?;
    let out = &s.steps[i].outputs[0];
    if s.values[out.value].place != Place::Arena {
        return None;
    }
    let end = if i < s.forward { s.forward } else { s.steps.len() };
    let [first, consumer] = users[out.value][..] else { return None };
    if first != i || consumer >= end {
        return None;
    }
    let step = &s.steps[consumer];
    let outer = elementwise(step)?;
    let target = &step.outputs[0];
    // Every read must see each element of the value once: nothing is computed more often than before.
    if target.value == out.value
        || step.reads().any(|r| {
            r.value == out.value && (r.layout.size() != out.layout.size() || !r.layout.is_injective())
        })
    {
        return None;
    }
    // What the producer reads must still be there, and not be overwritten in another order.
    for r in s.steps[i].reads() {
        let between = users[r.value].iter().filter(|&&k| k > i && k < consumer);
        if between.into_iter().any(|&k| s.steps[k].outputs.iter().any(|o| o.value == r.value)) {
            return None;
        }
    }
    let indexed = program.nodes().iter().any(|n| n.0 == Node::Index);
    let mut join = Join { builder: Builder::new(), sources: SmallVec::new(), known: Vec::new(), scalars: 0 };
    let mut values: SmallVec<[E; 8]> = SmallVec::new();
    // The fused program borrows the builder inside `join`; sources are gathered first.
    let mut plan: Vec<Vec<usize>> = Vec::new();
    for (k, input) in step.inputs.iter().enumerate() {
        match input {
            Source::View(r) if r.value == out.value => {
                if indexed && r.layout != out.layout {
                    return None;
                }
                let mut parts = Vec::new();
                for (j, inner) in s.steps[i].inputs.iter().enumerate() {
                    let moved = match inner {
                        Source::View(o) => Source::View(Operand {
                            layout: translate_read(&r.layout, &out.layout, &o.layout)?,
                            ..o.clone()
                        }),
                        number => number.clone(),
                    };
                    parts.push(join.add(moved, program.inputs()[j]));
                }
                plan.push(parts);
            }
            other => plan.push(vec![join.add(other.clone(), outer.inputs()[k])]),
        }
    }
    let overwrites = |o: &Operand| o.value == target.value && o != target;
    if join.sources.len() > MOST_INPUTS || join.sources.iter().filter_map(Source::view).any(overwrites) {
        return None;
    }
    let inputs: Vec<E> = join.known.iter().map(|&d| join.builder.input(d)).collect();
    for (input, parts) in step.inputs.iter().zip(&plan) {
        let arguments: Vec<E> = parts.iter().map(|&p| inputs[p]).collect();
        values.push(match input {
            Source::View(r) if r.value == out.value => *program.inline(&join.builder, &arguments)?.first()?,
            _ => *arguments.first()?,
        });
    }
    let result = outer.inline(&join.builder, &values)?.first()?.id();
    let name = format!("{}+{}", program.name(), outer.name());
    let whole = join.builder.finish(&name, &[result], join.scalars);
    if whole.nodes().len() > MOST_NODES {
        return None;
    }
    let outputs = step.outputs.clone();
    Some((
        consumer,
        Step {
            op: step.op,
            work: Work::Elementwise,
            program: Some(Arc::new(whole)),
            inputs: join.sources.into_iter().collect(),
            outputs,
        },
    ))
}

fn elementwise(step: &Step) -> Option<&Arc<Program>> {
    match (&step.work, &step.program, step.outputs.len()) {
        (Work::Elementwise, Some(p), 1) if p.outputs().len() == 1 => Some(p),
        _ => None,
    }
}

/// The inputs of a fused step.
struct Join {
    builder: Builder,
    sources: SmallVec<[Source; 8]>,
    known: Vec<DType>,
    scalars: u32,
}
impl Join {
    /// The position of a source, which is shared when it is there already.
    fn add(&mut self, source: Source, dtype: DType) -> usize {
        let same = |s: &Source| match (s, &source) {
            (Source::View(a), Source::View(b)) => a == b,
            (Source::Number(a), Source::Number(b)) => a.dtype() == b.dtype() && a.bytes() == b.bytes(),
            _ => false,
        };
        if let Some(i) = self.sources.iter().position(same) {
            return i;
        }
        if matches!(source, Source::Number(_)) {
            self.scalars |= 1 << self.sources.len().min(31);
        }
        self.sources.push(source);
        self.known.push(dtype);
        self.sources.len() - 1
    }
}
