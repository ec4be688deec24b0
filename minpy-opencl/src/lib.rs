//! OpenCL devices for MinPy: every device of every platform that the system's OpenCL loader knows, found at run time.
//!
//! A device is `minpy_core::backend::codegen::CDevice`; this crate supplies the dialect (`dialect.rs`), the compiler (`compile.rs`), buffers and
//! the queue (`driver.rs`), and finds the devices (`device.rs`). Without an OpenCL loader there are simply none.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod compile;
mod device;
mod dialect;
mod driver;

pub use device::{ITEMS, register};
pub use dialect::OpenCl;

/// Error of an OpenCL call.
#[cold]
fn error(what: &str, code: i32) -> minpy_core::Error {
    use opencl3::error_codes::*;
    // Allocation failures come as any of these, from `clCreateBuffer` or from the first use of a buffer.
    let out_of_memory = [
        CL_MEM_OBJECT_ALLOCATION_FAILURE,
        CL_OUT_OF_RESOURCES,
        CL_OUT_OF_HOST_MEMORY,
        CL_INVALID_BUFFER_SIZE,
    ]
    .contains(&code);
    minpy_core::backend::codegen::fault("opencl", what, out_of_memory, ClError(code))
}
