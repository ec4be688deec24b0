//! Arrays, operations, devices and dispatch.
//!
//! Data flows through the modules in this order: `array` (what the user holds) - `op`, `ops` (what can be done) -
//! `dispatch` (how one call runs) - `launch`, `defer`, `fuse` (when it runs, and with what) - `kernel`, `expr` (what a backend
//! sees) - `registry`, `device` (who does it).
//!
//! # Threads
//! Handles may be cloned and sent freely, and any number of threads may read one buffer. As in NumPy no lock guards its
//! elements: writing in place (`assign`, `Target::Into`) while another thread reads or writes the same elements is a
//! data race, which the caller has to exclude. Reference counts, versions and the tape's marks are atomic.

pub mod array;
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
pub use op::{Attrs, Meta, OpDef, Operand, Target};
pub use scalar::{Number, Scalar};

#[doc(hidden)]
pub use inventory;
