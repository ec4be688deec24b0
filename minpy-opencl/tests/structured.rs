//! Reductions, scans, products, indexing and random numbers on the first OpenCL device against the host, with as little local
//! memory as some drivers for CPUs offer (the conformance kit takes what there is).

mod device;
mod forms;

fn start() -> Option<minpy_core::DeviceRef> {
    static ONCE: std::sync::Once = std::sync::Once::new();
    // SAFETY: every test of this binary comes through here before it looks for devices, and none reads the environment meanwhile.
    ONCE.call_once(|| unsafe { std::env::set_var("MINPY_OPENCL_SHARED", "32768") });
    device::opencl()
}

forms::tests!();
