//! The same tests with the kernels that are meant for GPUs: groups of 64 items, local memory, barriers.

mod device;
mod forms;

fn start() -> Option<minpy_core::DeviceRef> {
    static ONCE: std::sync::Once = std::sync::Once::new();
    // SAFETY: every test of this binary comes through here before it looks for devices, and none reads the environment meanwhile.
    ONCE.call_once(|| unsafe { std::env::set_var("MINPY_OPENCL_LOCAL", "64") });
    device::opencl()
}

forms::tests!();
