//! Dead steps: what is written but never read on the way to an array from outside.

use crate::schedule::{Place, Schedule};

/// Removes steps whose outputs nobody reads. A value counts as a whole: partial writes keep each other alive.
pub(crate) fn remove_dead(s: &mut Schedule) {
    let mut needed: Vec<bool> = s.values.iter().map(|v| v.place != Place::Arena).collect();
    let mut keep = vec![false; s.steps.len()];
    for (i, step) in s.steps.iter().enumerate().rev() {
        keep[i] = step.outputs.iter().any(|o| needed[o.value]);
        if keep[i] {
            for o in step.reads() {
                needed[o.value] = true;
            }
        }
    }
    s.retain(&keep);
}
