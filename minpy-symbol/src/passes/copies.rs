//! Copies that need not be: a value that is only copied elsewhere is computed there in the first place.

use super::relayout::replace;
use crate::schedule::{External, Operand, Place, Schedule, Step, ValueId};
use minpy_core::backend::{Node, Work};

/// Removes copies from one value of the arena to another, and from the arena to results and gradients.
pub(crate) fn remove_copies(s: &mut Schedule) {
    let mut i = 0;
    while i < s.steps.len() {
        let merged = match plain_copy(&s.steps[i]) {
            Some((from, to)) => merge(s, i, &from, &to),
            None => false,
        };
        if merged {
            let mut keep = vec![true; s.steps.len()];
            keep[i] = false;
            s.retain(&keep);
        } else {
            i += 1;
        }
    }
}

/// Source and target of a step that copies without converting.
fn plain_copy(step: &Step) -> Option<(Operand, Operand)> {
    let program = step.program.as_ref()?;
    let ([Node::Input(0)], Work::Elementwise, [input], [out]) = (
        &program.nodes().iter().map(|n| n.0).collect::<Vec<_>>()[..],
        &step.work,
        &step.inputs[..],
        &step.outputs[..],
    ) else {
        return None;
    };
    let from = input.view()?;
    (from.dtype == out.dtype && from.layout.shape() == out.layout.shape())
        .then(|| (from.clone(), out.clone()))
}

/// Steps that write a value.
fn writers(s: &Schedule, value: ValueId) -> impl Iterator<Item = usize> {
    s.steps
        .iter()
        .enumerate()
        .filter(move |(_, t)| t.outputs.iter().any(|o| o.value == value))
        .map(|(i, _)| i)
}

/// Makes the values of copy `at` one, where nobody can tell the difference.
fn merge(s: &mut Schedule, at: usize, from: &Operand, to: &Operand) -> bool {
    let whole =
        |o: &Operand| o.layout.size() * o.dtype.size() == s.values[o.value].bytes && o.layout.is_dense();
    if from.value == to.value {
        return false;
    }
    // The target is written by this copy only, and the source not after it: from then on they are equal.
    if writers(s, to.value).any(|i| i != at) || writers(s, from.value).any(|i| i > at) {
        return false;
    }
    match s.values[to.value].place {
        // Reads of the target become reads of the source.
        Place::Arena if whole(to) => replace(s, to.value, from.value, to, from),
        // The source is computed inside the array outside. Not when it is touched in the other pass: a result belongs to
        // the user between forward and backward, and a gradient is written in backward only.
        Place::External(e @ (External::Output(_) | External::Gradient(_))) if whole(from) => {
            let reads = |v: ValueId, range: std::ops::Range<usize>| {
                s.steps[range].iter().any(|t| t.touches().any(|x| x == v))
            };
            let other = if matches!(e, External::Output(_)) { s.backward_steps() } else { s.forward_steps() };
            s.values[from.value].place == Place::Arena
                && !reads(to.value, 0..at)
                && !reads(from.value, other)
                && replace(s, from.value, to.value, from, to)
        }
        _ => false,
    }
}
