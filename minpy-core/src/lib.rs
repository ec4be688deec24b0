//! Arrays, operations, devices and dispatch.
//!
//! Data flows through the modules in this order: `array` (what the user holds) - `op`, `ops` (what can be done) -
//! `dispatch` (how one call runs) - `launch`, `defer`, `fuse` (when it runs, and with what) - `kernel`, `expr` (what a backend
//! sees) - `registry`, `device` (who does it).
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
//! # Threads
//! Handles may be cloned and sent freely, and any number of threads may read one buffer. As in NumPy no lock guards its
//! elements: writing in place (`assign`, `Target::Into`) while another thread reads or writes the same elements is a
//! data race, which the caller has to exclude. Reference counts, versions and the tape's marks are atomic.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

pub mod array;
mod attributes;
pub mod buffer;
pub mod codegen;
pub mod context;
pub mod defer;
pub mod device;
pub mod dispatch;
mod display;
pub mod dtype;
mod error;
pub mod expr;
pub mod function;
pub mod fuse;
pub mod kernel;
mod late;
pub mod launch;
pub mod layout;
pub mod memory;
pub mod npy;
#[cfg(feature = "npz")]
pub mod npz;
pub mod op;
pub mod ops;
pub mod profile;
pub mod recorder;
pub mod registry;
pub mod relayout;
pub mod scalar;
pub mod stats;
pub mod written;

pub use array::Array;
pub use buffer::Buffer;
pub use device::{Device, DeviceRef};
pub use dtype::{DType, DTypeSet, Element};
pub use error::{Error, ErrorKind, Result};
pub use layout::Layout;
pub use op::{Arrays, Attributes, Attrs, Meta, Metas, OpDef, Operand, Target};
pub use scalar::{Number, Scalar};

#[doc(hidden)]
pub use inventory;
