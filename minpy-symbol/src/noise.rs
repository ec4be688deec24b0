//! Random numbers for operators that drop values in training: one counter-based stream per thread.

use minpy_core::backend::Meta;
use minpy_core::internal::context;
use minpy_core::ops::Generator;
use minpy_core::{Array, DeviceRef, Result};
use std::cell::RefCell;

thread_local! { static GENERATOR: RefCell<Generator> = RefCell::new(Generator::new(0)); }

/// See `minpy_core::internal::prepare_thread`.
pub(crate) fn prepare_thread() {
    GENERATOR.with(|_| ());
}
/// Starts this thread's stream of random numbers anew: equal seeds give equal training runs.
pub fn seed(seed: u64) {
    GENERATOR.with(|g| *g.borrow_mut() = Generator::new(seed));
}

/// The next numbers of this thread's stream, uniform in [0, 1).
pub(crate) fn uniform(device: DeviceRef, meta: &Meta) -> Result<Array> {
    context::unrecorded(|| {
        context::with_device(device, || GENERATOR.with(|g| g.borrow_mut().uniform(&meta.shape, meta.dtype)))
    })
}
