//! Blocks of OpenCL memory for core's pool: plain buffers, never mapped.

use crate::error;
use minpy_core::codegen::Blocks;
use opencl3::memory::{CL_MEM_READ_WRITE, create_buffer, release_mem_object};
use opencl3::types::{cl_context, cl_mem};

/// Makes buffers in a context.
pub struct Buffers(pub cl_context);
// SAFETY: a context may be used from any thread.
unsafe impl Send for Buffers {}
// SAFETY: as above.
unsafe impl Sync for Buffers {}

impl Blocks for Buffers {
    fn create(&self, bytes: usize) -> Result<usize, String> {
        // SAFETY: a plain buffer without host memory, in a live context.
        let made = unsafe { create_buffer(self.0, CL_MEM_READ_WRITE, bytes, std::ptr::null_mut()) };
        made.map(|m| m as usize).map_err(|code| error("new buffer", code).message().to_string())
    }
    fn destroy(&self, handle: usize) {
        // SAFETY: the pool owns the buffer and forgets it; OpenCL keeps it until queued work is done.
        let _ = unsafe { release_mem_object(handle as cl_mem) };
    }
}
