//! Reductions, scans, products, indexing and random numbers on the first OpenCL device against the host.

mod device;
mod forms;

fn start() -> Option<minpy_core::DeviceRef> {
    device::opencl()
}

forms::tests!();
