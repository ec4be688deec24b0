//! Duplicates: steps that compute again what an earlier step has computed from the same values.

use super::relayout::replace;
use crate::schedule::{Operand, Place, Schedule, Source, Step};
use minpy_core::backend::Work;
use std::collections::HashMap;

/// Merges a step into an earlier one with the same work on the same inputs, when both fill a whole value of the arena
/// that nobody else writes.
pub(crate) fn merge_duplicates(s: &mut Schedule) {
    let mut writes = vec![0usize; s.values.len()];
    for o in s.steps.iter().flat_map(|t| &t.outputs) {
        writes[o.value] += 1;
    }
    let mut seen: HashMap<String, Operand> = HashMap::new();
    let mut i = 0;
    while i < s.steps.len() {
        let Some((key, out)) = key(s, &s.steps[i], &writes) else {
            i += 1;
            continue;
        };
        match seen.get(&key).cloned() {
            Some(first) if replace(s, out.value, first.value, &out, &first) => {
                let mut keep = vec![true; s.steps.len()];
                keep[i] = false;
                s.retain(&keep);
            }
            Some(_) => i += 1,
            None => {
                seen.insert(key, out);
                i += 1;
            }
        }
    }
}

/// What determines the result of a step: equal keys, equal results. `None` when it must stay.
fn key(s: &Schedule, step: &Step, writes: &[usize]) -> Option<(String, Operand)> {
    let [out] = &step.outputs[..] else { return None };
    let value = &s.values[out.value];
    let whole = value.place == Place::Arena
        && writes[out.value] == 1
        && out.layout.size() * out.dtype.size() == value.bytes;
    if !whole || matches!(step.work, Work::Custom(_)) {
        return None;
    }
    let mut key = format!("{:?}|{:?}|{:?}", step.work, step.program.as_ref().map(|p| p.key()), out.layout);
    for input in &step.inputs {
        match input {
            // A value that changes between the two steps would make them differ.
            Source::View(o)
                if writes[o.value] > 1 || s.values[o.value].place != Place::Arena && writes[o.value] > 0 =>
            {
                return None;
            }
            Source::View(o) => key.push_str(&format!("|{o:?}")),
            Source::Number(n) => key.push_str(&format!("|{:?}{:?}", n.dtype(), n.bytes())),
        }
    }
    Some((key, out.clone()))
}
