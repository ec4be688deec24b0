//! The CPU device of MinPy: memory pool, threads and vectorised kernels for every canonical form of work.
//!
//! In the order in which one builds upon another: `machine/` (memory, threads, instruction sets), `math/` (transcendental functions),
//! `prims/` (typed loops), `elementwise/` (scalar programs over views), `rows/` (reductions, scans, work on rows), `index/`
//! (gather, scatter, nonzero, sort), `product/` (matrix products and what follows them), `linalg/` (factorisations), `spectra/` (Fourier
//! transforms). One file per form of work.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

pub mod device;
pub mod elementwise;
pub mod index;
#[cfg(feature = "ndarray")]
pub mod interop;
mod linalg;
mod machine;
pub mod math;
pub mod prims;
mod product;
mod rows;
mod spectra;

pub use device::CpuDevice;
pub use elementwise::random;
pub use index::{interp, nonzero, scatter, search, sort};
pub use machine::{simd, threads};
pub use product::{correlate, epilogue, matmul};
pub use rows::{arg_reduce, reduce, scan};

use minpy_core::backend::{Item, registry};

/// Everything that this crate registers; `inventory` collects the same entries when the crate is linked.
pub static ITEMS: &[Item] = &[
    Item::Driver(&device::DRIVER),
    Item::Kernel(&arg_reduce::ENTRY),
    Item::Kernel(&correlate::ENTRY),
    Item::Kernel(&elementwise::ENTRY),
    Item::Kernel(&epilogue::ENTRY),
    Item::Kernel(&epilogue::PRODUCTS),
    Item::Kernel(&index::GATHER),
    Item::Kernel(&linalg::cholesky::ENTRY),
    Item::Kernel(&linalg::lu::DET),
    Item::Kernel(&linalg::lu::INV),
    Item::Kernel(&linalg::lu::SLOGDET),
    Item::Kernel(&linalg::lu::SOLVE),
    Item::Kernel(&index::bins::COUNTS),
    Item::Kernel(&index::bins::NUMBERS),
    Item::Kernel(&index::bits::PACK),
    Item::Kernel(&index::bits::UNPACK),
    Item::Kernel(&index::unravel::RAVEL),
    Item::Kernel(&index::unravel::UNRAVEL),
    Item::Kernel(&interp::ENTRY),
    Item::Kernel(&matmul::ENTRY),
    Item::Kernel(&nonzero::ENTRY),
    Item::Kernel(&random::ENTRY),
    Item::Kernel(&reduce::ENTRY),
    Item::Kernel(&rows::group::ENTRY),
    Item::Kernel(&scan::ENTRY),
    Item::Kernel(&scatter::ENTRY),
    Item::Kernel(&search::DIGITIZE),
    Item::Kernel(&search::SEARCHSORTED),
    Item::Kernel(&sort::ENTRY),
    Item::Kernel(&sort::select::ARGPARTITION),
    Item::Kernel(&sort::select::PARTITION),
    Item::Kernel(&spectra::FFT),
    Item::Kernel(&spectra::IRFFT),
    Item::Kernel(&spectra::RFFT),
];

/// Registers the device and its kernels explicitly: for programs whose linker drops what nobody names.
pub fn register() -> minpy_core::Result<()> {
    registry::register(ITEMS)
}
