//! The CPU device of MinPy: memory pool, threads and vectorised kernels for every canonical form of work.
//!
//! One file per form (`elementwise.rs`, `reduce.rs`, ...); `prims/` holds the typed loops, `math/` the
//! transcendental functions, `program.rs` turns scalar programs into lists of loops.

mod block;
pub mod device;
mod fold;
pub mod math;
pub mod matmul;
pub mod elementwise;
mod pool;
pub mod prims;
mod program;
pub mod reduce;
pub mod simd;
mod strided;
pub mod threads;

pub use device::CpuDevice;

use minpy_core::registry::{self, Item};

/// Everything that this crate registers; `inventory` collects the same entries when the crate is linked.
pub static ITEMS: &[Item] = &[
    Item::Driver(&device::DRIVER),
    Item::Kernel(&elementwise::ENTRY),
    Item::Kernel(&matmul::ENTRY),
    Item::Kernel(&reduce::ENTRY),
];

/// Registers the device and its kernels explicitly: for programs whose linker drops what nobody names.
pub fn register() -> minpy_core::Result<()> {
    registry::register(ITEMS)
}
