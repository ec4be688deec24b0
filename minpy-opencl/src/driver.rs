//! What OpenCL does for `codegen::CDevice`: plain buffers (never mapped) and one in-order queue.
//!
//! OpenCL objects may be used from several threads; what may not (setting the arguments of one kernel) happens in `launch`, under
//! the lock around the device's kernels.

use crate::compile::{Kernel, Programs};
use crate::{OpenCl, error};
use minpy_core::Result;
use minpy_core::backend::codegen::{Blocks, BoundArg, CDriver, Dialect, Place, Step};
use opencl3::command_queue::*;
use opencl3::error_codes::ClError;
use opencl3::event::release_event;
use opencl3::kernel::set_kernel_arg;
use opencl3::memory::{CL_MEM_READ_WRITE, create_buffer, release_mem_object};
use opencl3::types::{CL_TRUE, cl_command_queue, cl_context, cl_event, cl_mem};
use std::ffi::c_void;
use std::ptr::{null, null_mut};

/// A device's context and queue, which live as long as the process.
pub struct Queue {
    pub context: cl_context,
    pub queue: cl_command_queue,
}

// SAFETY: contexts and queues may be used from any thread.
unsafe impl Send for Queue {}
// SAFETY: as above.
unsafe impl Sync for Queue {}

/// Events are not used: the queue runs in order.
fn done(event: cl_event) {
    // SAFETY: the event was just made for us.
    let _ = unsafe { release_event(event) };
}

impl Blocks for Queue {
    fn create(&self, bytes: usize) -> std::result::Result<usize, String> {
        // SAFETY: a plain buffer without host memory, in a live context.
        let made = unsafe { create_buffer(self.context, CL_MEM_READ_WRITE, bytes, null_mut()) };
        made.map(|m| m as usize).map_err(|code| ClError(code).to_string())
    }
    fn destroy(&self, handle: usize) {
        // SAFETY: the pool owns the buffer and forgets it; OpenCL keeps it until queued work is done.
        let _ = unsafe { release_mem_object(handle as cl_mem) };
    }
}

impl CDriver for Queue {
    type Compiler = Programs;
    fn dialect(&self) -> &dyn Dialect {
        &OpenCl
    }
    fn upload(&self, src: &[u8], Place { block, at }: Place) -> Result<()> {
        let (buffer, from, bytes) = (block as cl_mem, src.as_ptr().cast::<c_void>(), src.len());
        // A fill takes its pattern along, so that small uploads need not wait for the queue.
        let event = if bytes <= 128 && bytes.is_power_of_two() && at.is_multiple_of(bytes) {
            // SAFETY: the range lies inside the block (`CDriver`), the pattern is `bytes` long.
            unsafe { enqueue_fill_buffer(self.queue, buffer, from, bytes, at, bytes, 0, null()) }
        } else {
            // SAFETY: the range lies inside the block (`CDriver`); the call waits, so that `src` may be reused.
            unsafe { enqueue_write_buffer(self.queue, buffer, CL_TRUE, at, bytes, from, 0, null()) }
        };
        event.map(done).map_err(|c| error("upload", c))
    }
    fn download(&self, Place { block, at }: Place, dst: &mut [u8]) -> Result<()> {
        let (bytes, to) = (dst.len(), dst.as_mut_ptr().cast::<c_void>());
        // SAFETY: the range lies inside the block (`CDriver`); the call waits until `dst` is filled.
        unsafe { enqueue_read_buffer(self.queue, block as cl_mem, CL_TRUE, at, bytes, to, 0, null()) }
            .map(done)
            .map_err(|c| error("download", c))
    }
    fn copy(&self, from: Place, to: Place, bytes: usize) -> Result<()> {
        let (src, dst) = (from.block as cl_mem, to.block as cl_mem);
        // SAFETY: both ranges lie inside their blocks and do not overlap (`CDriver`).
        unsafe { enqueue_copy_buffer(self.queue, src, dst, from.at, to.at, bytes, 0, null()) }
            .map(done)
            .map_err(|c| error("copy", c))
    }
    fn launch<'a>(
        &self,
        kernel: Kernel,
        step: &Step,
        arguments: impl Iterator<Item = BoundArg<'a>>,
    ) -> Result<()> {
        for (i, argument) in arguments.enumerate() {
            // The handle of a block is its `cl_mem`.
            let (value, bytes) = argument.raw();
            // SAFETY: `value` points to `bytes` bytes; the device's lock keeps other threads from this kernel's arguments.
            unsafe { set_kernel_arg(kernel.0, i as u32, bytes, value) }
                .map_err(|c| error(&format!("argument {i} of {}", step.spec.name()), c))?;
        }
        let local = step.spec.local();
        let global = [0, 1, 2].map(|d| step.groups[d] * local[d]);
        let (global, local) = (global.as_ptr(), local.as_ptr());
        // SAFETY: kernel and arguments fit (the planner made both); the group size is the one compiled in.
        unsafe { enqueue_nd_range_kernel(self.queue, kernel.0, 3, null(), global, local, 0, null()) }
            .map(done)
            .map_err(|c| error(&format!("launch of {}", step.spec.name()), c))
    }
    fn synchronize(&self) -> Result<()> {
        finish(self.queue).map_err(|c| error("synchronize", c))
    }
}
