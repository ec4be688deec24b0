//! The GPUs of this machine that CUDA drives, found at run time: what each is, and how it wants its kernels.

use crate::compile::{self, Programs};
use crate::context::Context;
use crate::driver::Stream;
use crate::libraries::{self, error, guarded};
use cudarc::driver::result;
use cudarc::driver::sys::CUdevice_attribute as A;
use minpy_core::Result;
use minpy_core::backend::codegen::{Found, Tuning};
use minpy_core::backend::{Capabilities, DTypeSet, leave_out};

minpy_core::c_backend!("cuda", Stream, probe);

/// Looks for devices. No driver, no compiler, no GPU that it knows: no device.
fn probe() -> Vec<Found<Stream>> {
    let mut found = Vec::new();
    if let Some(reason) = libraries::missing() {
        leave_out("cuda", reason);
        return found;
    }
    let count = guarded(result::device::get_count).and_then(std::result::Result::ok).unwrap_or(0);
    for i in 0..count {
        match guarded(|| open(i)) {
            Some(Ok(d)) => found.push(d),
            Some(Err(e)) => leave_out("cuda", e.message()),
            None => leave_out("cuda", format!("device {i}: the CUDA driver library is too old")),
        }
    }
    if count == 0 {
        leave_out("cuda", "the CUDA driver has no device");
    }
    found
}

/// Why there is no CUDA device, in words; `None` when there is one.
pub fn why_not() -> Option<String> {
    match minpy_core::device::devices("cuda") {
        Ok(found) if !found.is_empty() => None,
        Err(e) => Some(e.message().to_string()),
        _ => Some(minpy_core::backend::left_out("cuda").join("; ")),
    }
}

fn open(index: i32) -> Result<Found<Stream>> {
    let fail = |e| error("opening a device", e);
    let id = result::device::get(index).map_err(fail)?;
    // SAFETY: `id` is a device of this driver.
    let attribute = |a: A| unsafe { result::device::get_attribute(id, a) }.unwrap_or(0);
    let capability = attribute(A::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) * 10
        + attribute(A::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
    let name = result::device::get_name(id).map_err(fail)?;
    let targets = compile::targets_of(&name, capability)?;
    let identity = format!("{name}|{targets:?}|{}", compile::version());
    // SAFETY: `id` is a device of this driver; the primary context is kept for the life of the process.
    let context = Context(unsafe { result::primary_ctx::retain(id) }.map_err(fail)?);
    let stream = Stream::new(context)?;
    // SAFETY: `id` is a device of this driver.
    let total_memory = unsafe { result::device::total_mem(id) }.map_err(fail)?;
    let units = attribute(A::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT).max(1) as usize;
    let capabilities = Capabilities {
        description: format!("{name} (compute capability {}.{})", capability / 10, capability % 10),
        dtypes: DTypeSet::ALL,
        host_accessible: false,
        total_memory,
    };
    let tuning = Tuning {
        group: attribute(A::CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK).max(256) as usize,
        shared: attribute(A::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK).max(16 << 10) as usize,
        ..Tuning::gpu(units)
    };
    let found = Found::new(stream, Programs::new(context, targets), capabilities, tuning);
    Ok(Found { identity: Some(identity), ..found })
}
