//! Moves every view of one value of a schedule to another value that holds the same elements in another order.

use crate::schedule::{Operand, Schedule, ValueId};
use minpy_core::internal::relayout::translate;

/// Rewrites every view of value `old` (dtype and layout `from`) into one of `new` (layout `to`). Changes nothing and
/// returns false when one of them cannot be translated.
pub(super) fn replace(s: &mut Schedule, old: ValueId, new: ValueId, from: &Operand, to: &Operand) -> bool {
    let views = || s.steps.iter().flat_map(|t| t.reads().chain(&t.outputs)).filter(|o| o.value == old);
    if views().any(|o| o.dtype != from.dtype || translate(&o.layout, &from.layout, &to.layout).is_none()) {
        return false;
    }
    for step in &mut s.steps {
        let outputs = &mut step.outputs;
        let reads = step.inputs.iter_mut().filter_map(|i| match i {
            crate::schedule::Source::View(o) => Some(o),
            crate::schedule::Source::Number(_) => None,
        });
        for o in reads.chain(outputs).filter(|o| o.value == old) {
            if let Some(layout) = translate(&o.layout, &from.layout, &to.layout) {
                *o = Operand { value: new, layout, dtype: o.dtype };
            }
        }
    }
    true
}
