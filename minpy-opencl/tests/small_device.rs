//! Products and reductions as on a GPU with groups of at most 64 items and the least local memory that OpenCL allows.
#![allow(dead_code)] // of the forms, those that depend on these limits

mod device;
mod forms;

fn start() -> Option<minpy_core::DeviceRef> {
    static ONCE: std::sync::Once = std::sync::Once::new();
    // SAFETY: every test of this binary comes through here before it looks for devices, and none reads the environment meanwhile.
    ONCE.call_once(|| unsafe {
        for (name, value) in [("LOCAL", "64"), ("GROUP", "64"), ("SHARED", "16384")] {
            std::env::set_var(format!("MINPY_OPENCL_{name}"), value);
        }
    });
    device::opencl()
}

forms::tests!(products arg_reductions);
