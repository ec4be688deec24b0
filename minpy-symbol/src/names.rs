//! Names of nodes that the user did not name: `fullyconnected0`, `fullyconnected1`, ...
//!
//! Counted per thread and per operator, as in MXNet.

use std::cell::RefCell;
use std::collections::HashMap;

thread_local! { static COUNTERS: RefCell<HashMap<String, usize>> = RefCell::default(); }

/// The next name for a node of `operator`.
pub fn next(operator: &str) -> String {
    let stem = operator.to_lowercase();
    COUNTERS.with(|c| {
        let mut counters = c.borrow_mut();
        let n = counters.entry(stem.clone()).or_insert(0);
        *n += 1;
        format!("{stem}{}", *n - 1)
    })
}
/// See `minpy_core::internal::prepare_thread`.
pub(crate) fn prepare_thread() {
    COUNTERS.with(|_| ());
}
/// Starts counting at 0 again on this thread: equal programs then make equal names.
pub fn reset() {
    COUNTERS.with(|c| c.borrow_mut().clear());
}
