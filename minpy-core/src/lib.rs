//! Arrays, operations, devices and dispatch.
//!
//! A call goes down through the folders of the source: `ops` (what can be done), `function` (by which name), `dispatch` (how one call
//! runs), `op` (what an operation is), `deferral` (when it runs, and with what), `array` (what it runs on), `report` (what is told
//! about it), `device` (who does it: devices, kernels, scalar programs), `value` (dtypes, layouts, errors). Each builds on those
//! after it. `codegen`, beside them, is for devices that compile C.
//!
//! # An array's life
//! ```
//! use minpy_core::{Array, DType, Result, index, npy, ops};
//! use minpy_cpu as _; // links the CPU device
//!
//! fn main() -> Result<()> {
//!     let table = ops::arange(0, 12, 1, DType::F64)?.reshape([3, 4])?;
//!     let mut last = table.get(&index![.., -1])?; // a view, as in NumPy
//!     last += 0.5;
//!     let scaled = (&table - table.mean(0, true)?) / table.std(0, true, 0.0)?;
//!     println!("{scaled:?}");
//!
//!     let path = std::env::temp_dir().join(format!("minpy-life-{}.npy", std::process::id()));
//!     npy::save(&path, &table)?; // np.load reads it
//!     let read = npy::load(&path)?;
//!     # std::fs::remove_file(&path).ok();
//!     assert!(read.equal(&table)?.all(None, false)?.to_f64()? == 1.0);
//!     // Errors are values with NumPy's words and the class of its exception.
//!     let e = table.add(&Array::from([1.0, 2.0])).unwrap_err();
//!     assert_eq!(e.message(), "add: operands could not be broadcast together with shapes (3,4) (2,)");
//!     Ok(())
//! }
//! ```
//!
//! # Three surfaces
//! What stands here is for programs. [`backend`] has what one brings that is not here yet: devices, kernels, operations, functions.
//! The third, `internal`, is for the other crates of this workspace, and changes with them.
//!
//! # Threads
//! Handles may be cloned and sent freely, and any number of threads may read one buffer. As in NumPy no lock guards its
//! elements: writing in place (`assign`, `Target::Into`) while another thread reads or writes the same elements is a
//! data race, which the caller has to exclude. Reference counts, versions and the tape's marks are atomic.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]
// What is `pub` here is what others see: a surface that nobody asked for is a mistake.
#![warn(unreachable_pub)]

mod array;
pub mod backend;
mod codegen;
mod deferral;
pub mod device;
mod dispatch;
mod function;
#[doc(hidden)]
pub mod internal;
mod op;
pub mod ops;
mod report;
mod value;

#[cfg(feature = "npz")]
pub use array::npz;
pub use array::{Array, npy};
pub use deferral::defer::flush;
pub use device::DeviceRef;
pub use op::{Arrays, OpDef, Operand, Target};
pub use value::attributes::Attrs;
pub use value::dtype::{DType, Element};
pub use value::error::{Error, ErrorKind, Result};
pub use value::layout::Layout;
pub use value::scalar::{Number, Scalar};
// Elements that are no types of the language.
pub use half::f16;
pub use num_complex::{Complex32, Complex64};

/// What is in force on this thread: the current device, and the policy.
pub mod context {
    pub(crate) use crate::device::context::*;
    pub use crate::device::context::{
        Policy, current_device, policy, set_device, set_policy, with_device, with_policy,
    };
}
/// An allocator for programs that must live on when memory runs out.
pub mod memory {
    pub use crate::device::memory::Reserve;
    pub(crate) use crate::device::memory::*;
}
/// Profiles: what ran as one kernel, how often, how long, and how many bytes it touched.
pub mod profile {
    pub(crate) use crate::report::profile::*;
    pub use crate::report::profile::{Cost, Entry, Event, Line, Profile, Thread, start, stop};
}
/// Counters of this thread: operations by device, fallbacks with their reasons, bytes moved between devices.
pub mod stats {
    pub(crate) use crate::report::stats::*;
    pub use crate::report::stats::{Fallback, fallback_count, fallbacks, moved_bytes, ops, reset};
}

// Within the crate a module is found by its own name, whichever folder it is in.
use array::buffer::{self, Buffer};
use array::shared;
use deferral::{defer, fuse, launch};
use device::{expr, kernel, registry};
use op::{Meta, Metas, recorder};
use report::written;
use value::dtype::DTypeSet;
use value::{cut, dtype, layout, relayout};

#[doc(hidden)]
pub use inventory;
