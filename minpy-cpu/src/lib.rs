//! The CPU device of MinPy: memory pool, threads and vectorised kernels for every canonical form of work.
//!
//! One file per form (`elementwise.rs`, `reduce.rs`, ...); `prims/` holds the typed loops, `math/` the
//! transcendental functions, `program.rs` turns scalar programs into lists of loops.

pub mod arg_reduce;
#[cfg(feature = "openblas")]
mod blas;
mod block;
mod chain;
pub mod device;
pub mod elementwise;
pub mod epilogue;
mod fold;
mod frame;
mod fuse;
pub mod index;
#[cfg(feature = "ndarray")]
pub mod interop;
pub mod math;
pub mod matmul;
pub mod nonzero;
mod places;
mod pool;
pub mod prims;
mod product;
mod program;
pub mod random;
pub mod reduce;
mod regions;
mod row_group;
mod row_plan;
mod rows;
pub mod scan;
pub mod simd;
pub mod sort;
mod strided;
pub mod threads;
mod workers;

pub use device::CpuDevice;

use minpy_core::registry::{self, Item};

/// Everything that this crate registers; `inventory` collects the same entries when the crate is linked.
pub static ITEMS: &[Item] = &[
    Item::Driver(&device::DRIVER),
    Item::Kernel(&arg_reduce::ENTRY),
    Item::Kernel(&elementwise::ENTRY),
    Item::Kernel(&epilogue::ENTRY),
    Item::Kernel(&epilogue::PRODUCTS),
    Item::Kernel(&index::GATHER),
    Item::Kernel(&index::SCATTER),
    Item::Kernel(&matmul::ENTRY),
    Item::Kernel(&nonzero::ENTRY),
    Item::Kernel(&random::ENTRY),
    Item::Kernel(&reduce::ENTRY),
    Item::Kernel(&row_group::ENTRY),
    Item::Kernel(&scan::ENTRY),
    Item::Kernel(&sort::ENTRY),
];

/// Registers the device and its kernels explicitly: for programs whose linker drops what nobody names.
pub fn register() -> minpy_core::Result<()> {
    registry::register(ITEMS)
}
