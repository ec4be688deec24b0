//! OpenCL devices for MinPy: every device of every platform that the system's OpenCL loader knows, found at run time.
//!
//! Kernels come from `minpy_core::codegen`, their cache and the memory pool too; this crate supplies the dialect (`dialect.rs`),
//! buffers (`memory.rs`), the compiler (`program.rs`) and the device with its queue (`device.rs`). Without an OpenCL loader there
//! are simply no devices.

mod device;
mod dialect;
mod memory;
mod program;

pub use device::{ITEMS, OpenClDevice, register};
pub use dialect::OpenCl;

/// Error of an OpenCL call: out of memory is `ErrorKind::Memory`, everything else `ErrorKind::Device`.
#[cold]
fn error(what: &str, code: i32) -> minpy_core::Error {
    use minpy_core::ErrorKind;
    use opencl3::error_codes::ClError;
    // Allocation failures come as any of these, from `clCreateBuffer` or from the first use of a buffer.
    let kind = if is_out_of_memory(code) { ErrorKind::Memory } else { ErrorKind::Device };
    minpy_core::Error::new(kind, format!("opencl: {what}: {}", ClError(code)))
}

fn is_out_of_memory(code: i32) -> bool {
    use opencl3::error_codes::*;
    [CL_MEM_OBJECT_ALLOCATION_FAILURE, CL_OUT_OF_RESOURCES, CL_OUT_OF_HOST_MEMORY, CL_INVALID_BUFFER_SIZE]
        .contains(&code)
}
