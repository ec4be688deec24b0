//! A MinPy backend as a stranger would write it: the device `toy`.
//!
//! Its memory is a table of byte vectors that the host cannot address; its kernels are an interpreter of a few
//! primitives on float32 (`kernels.rs`). Everything else it lacks, and core runs that on the host. Operations of its
//! own are in `decayed.rs` (with a kernel for each device that has one) and `polar.rs` (with a decomposition, and a gradient).
//! `docs/adding-a-backend.md` walks through these files.

mod decayed;
mod kernels;
mod memory;
mod polar;

pub use decayed::{DECAYED_SUM, decayed_sum};
pub use memory::Toy;
pub use polar::{POLAR, polar};

use minpy_core::backend::{Item, registry};

// Found automatically when a program says `use outside_backend as _;`.
minpy_core::driver!(pub DRIVER: "toy", probe);

/// The devices of this machine. A real backend asks its driver here; no driver is an empty list, never a panic.
fn probe() -> Vec<Box<dyn minpy_core::backend::Device>> {
    vec![Box::new(Toy::new(0)), Box::new(Toy::new(1))]
}

/// The other way in, for programs whose linker drops what nobody names. Both may happen: the same entry twice is fine.
pub fn register() -> minpy_core::Result<()> {
    registry::register(&[
        Item::Driver(&DRIVER),
        Item::Kernel(&kernels::ELEMENTWISE),
        Item::Kernel(&kernels::MATMUL),
        Item::Kernel(&kernels::CONVOLUTION),
        Item::Named(&POLAR),
        Item::Kernel(&polar::KERNEL),
        Item::Named(&DECAYED_SUM),
        Item::Kernel(&decayed::TOY),
        Item::Kernel(&decayed::HOST),
    ])
}
