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
//! # Threads
//! Handles may be cloned and sent freely, and any number of threads may read one buffer. As in NumPy no lock guards its
//! elements: writing in place (`assign`, `Target::Into`) while another thread reads or writes the same elements is a
//! data race, which the caller has to exclude. Reference counts, versions and the tape's marks are atomic.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

pub mod array;
pub mod codegen;
mod deferral;
pub mod device;
pub mod dispatch;
pub mod function;
pub mod op;
pub mod ops;
mod report;
mod value;

#[cfg(feature = "npz")]
pub use array::npz;
pub use array::{Array, buffer, npy};
pub use buffer::Buffer;
pub use deferral::{defer, fuse, launch, prepare_thread, trace};
pub use device::{Device, DeviceRef, context, expr, kernel, memory, registry};
pub use op::{Arrays, Meta, Metas, OpDef, Operand, Target, recorder};
pub use report::{profile, stats, written};
pub use value::attributes::{Attributes, Attrs};
pub use value::dtype::{DType, DTypeSet, Element};
pub use value::error::{Error, ErrorKind, Result};
pub use value::layout::Layout;
pub use value::scalar::{Number, Scalar};
pub use value::{dtype, layout, relayout, scalar};

#[doc(hidden)]
pub use inventory;
