//! The OpenCL devices of this machine, found at run time: what each is, and how it wants its kernels.

use crate::compile::Programs;
use crate::driver::Queue;
use minpy_core::DType;
use minpy_core::backend::codegen::{Found, Tuning};
use minpy_core::backend::{Capabilities, DTypeSet, leave_out};
use opencl3::command_queue::create_command_queue;
use opencl3::context::context::create_context;
use opencl3::device::*;
use opencl3::platform::platform::{CL_PLATFORM_VERSION, get_platform_ids, get_platform_info};

minpy_core::c_backend!("opencl", Queue, probe);

/// Looks for devices, platform by platform. No loader, no platform, a broken driver: no device.
fn probe() -> Vec<Found<Queue>> {
    // Drivers initialise themselves in the first calls, and not all of them (PoCL) can do it on two threads at once.
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(|e| e.into_inner());
    let mut found = Vec::new();
    let platforms = get_platform_ids().unwrap_or_default();
    if platforms.is_empty() {
        leave_out("opencl", "no OpenCL driver is installed; PoCL is one for the CPU");
    }
    for platform in platforms {
        let version = get_platform_info(platform, CL_PLATFORM_VERSION).map(String::from).unwrap_or_default();
        let devices = get_device_ids(platform, CL_DEVICE_TYPE_ALL).unwrap_or_default();
        found.extend(devices.into_iter().filter_map(|id| open(id, &version)));
    }
    found
}

fn text(id: cl_device_id, what: cl_device_info) -> String {
    get_device_info(id, what).map(String::from).unwrap_or_default().trim().to_string()
}

/// A number of at most eight bytes; 0 when the device does not say.
fn number(id: cl_device_id, what: cl_device_info) -> u64 {
    let mut bytes = get_device_data(id, what).unwrap_or_default();
    bytes.resize(8, 0);
    bytes.try_into().map_or(0, u64::from_le_bytes)
}

fn open(id: cl_device_id, platform: &str) -> Option<Found<Queue>> {
    let can = [CL_DEVICE_AVAILABLE, CL_DEVICE_COMPILER_AVAILABLE, CL_DEVICE_ENDIAN_LITTLE];
    if can.iter().any(|&c| number(id, c) == 0) {
        return None;
    }
    let context = create_context(&[id], std::ptr::null(), None, std::ptr::null_mut()).ok()?;
    // OpenCL 1.2 has only the older call; 2.0 deprecates it and keeps it.
    #[allow(deprecated)]
    // SAFETY: the device is the context's.
    let queue = unsafe { create_command_queue(context, id, 0) }.ok()?;
    let extensions = text(id, CL_DEVICE_EXTENSIONS);
    let mut dtypes = DTypeSet::ALL;
    if !extensions.contains("cl_khr_fp64") && number(id, CL_DEVICE_DOUBLE_FP_CONFIG) == 0 {
        dtypes = dtypes.without(DType::F64).without(DType::C128);
    }
    let units = number(id, CL_DEVICE_MAX_COMPUTE_UNITS) as usize;
    let is_cpu = number(id, CL_DEVICE_TYPE) & CL_DEVICE_TYPE_CPU != 0;
    let most = (number(id, CL_DEVICE_MAX_WORK_GROUP_SIZE) as usize).max(1);
    let mut tuning = if is_cpu {
        Tuning::cpu(units, 4 * number(id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT) as usize)
    } else {
        Tuning::gpu(units)
    };
    // For tests: run the kernels that are meant for GPUs, or for small devices, on whatever is there.
    let wish = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<usize>().ok());
    if let Some(n) = wish("MINPY_OPENCL_LOCAL") {
        tuning.local = n.clamp(1, 1024).next_power_of_two();
    }
    let limit = |name: &str, most: usize| wish(name).map_or(most, |n| n.min(most));
    tuning.group = limit("MINPY_OPENCL_GROUP", most);
    // Every device has at least 16 KiB, whether it says so or not.
    tuning.shared = limit("MINPY_OPENCL_SHARED", number(id, CL_DEVICE_LOCAL_MEM_SIZE) as usize).max(16 << 10);
    if tuning.local > 1 {
        tuning.local = tuning.local.min(1 << most.ilog2());
        // The smallest matrix kernel has groups of 8 x 8.
        if tuning.group < 64 {
            tuning.local = 1;
        }
    }
    let total = number(id, CL_DEVICE_GLOBAL_MEM_SIZE) as usize;
    let largest = number(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE) as usize;
    let (name, driver) = (text(id, CL_DEVICE_NAME), text(id, CL_DRIVER_VERSION));
    tuning.parameters = number(id, CL_DEVICE_MAX_PARAMETER_SIZE).max(1024) as usize;
    let saves = !platform.to_ascii_lowercase().contains("pocl");
    let single = number(id, CL_DEVICE_SINGLE_FP_CONFIG);
    let options = if single & CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT != 0 {
        "-cl-std=CL1.2 -cl-fp32-correctly-rounded-divide-sqrt"
    } else {
        "-cl-std=CL1.2"
    };
    let identity = saves.then(|| format!("{name}|{driver}|{platform}|{tuning:?}|{options}"));
    let capabilities = Capabilities {
        description: format!("{name} ({})", text(id, CL_DEVICE_VERSION)),
        dtypes,
        host_accessible: false,
        total_memory: total,
    };
    let compiler = Programs::new(context, id, options, saves);
    Some(Found { largest, identity, ..Found::new(Queue { context, queue }, compiler, capabilities, tuning) })
}
