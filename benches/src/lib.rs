//! What the benchmarks share: arrays of reproducible numbers on the current device (`MINPY_DEVICE`).
//!
//! `cargo bench -p minpy-benches [--bench matmul]`; side by side with NumPy: `benches/python/bench.py`.

use minpy_core::ops::Generator;
use minpy_core::{Array, DType, context};
use minpy_cpu as _;

/// Uniform numbers in [0, 1).
pub fn uniform(shape: &[usize], dtype: DType) -> Array {
    Generator::new(1).uniform(shape, dtype).expect("an array for a benchmark")
}

/// Waits until the device has done what it was asked.
pub fn finish() {
    context::current_device().and_then(|d| d.synchronize()).expect("the device works");
}
