//! The CPU device of MinPy: memory pool, threads and vectorised kernels for every canonical form of work.
//!
//! One file per form (`elementwise.rs`, `reduce.rs`, ...); `prims/` holds the typed loops, `math/` the
//! transcendental functions, `program.rs` turns scalar programs into lists of loops.

pub mod device;
pub mod math;
pub mod elementwise;
mod pool;
pub mod prims;
mod program;
pub mod simd;
mod strided;
pub mod threads;

pub use device::CpuDevice;
