//! An OpenCL device: found at run time, one in-order queue, kernels launched without waiting.
//!
//! OpenCL objects may be used from several threads; what may not (setting the arguments of one kernel) happens under the
//! lock of `programs`. Work is queued in the order in which that lock is taken.

use crate::memory::Buffers;
use crate::program::Programs;
use crate::{OpenCl, error, is_out_of_memory};
use minpy_core::codegen::{Arg, CDevice, CMemory, Dialect, Kernels, Step, Tuning};
use minpy_core::device::{Capabilities, Device, Memory, MemoryStats, leave_out};
use minpy_core::registry::Item;
use minpy_core::{DType, DTypeSet, Error, ErrorKind, Result};
use opencl3::command_queue::*;
use opencl3::context::context::create_context;
use opencl3::device::*;
use opencl3::event::release_event;
use opencl3::kernel::set_kernel_arg;
use opencl3::platform::platform::{CL_PLATFORM_VERSION, get_platform_ids, get_platform_info};
use parking_lot::Mutex;
use std::any::Any;
use std::ffi::c_void;
use std::time::Duration;

minpy_core::driver!(pub DRIVER: "opencl", probe);
// What has no C text core runs on the host, and counts it.
minpy_core::c_kernels!(pub KERNELS: "opencl", OpenClDevice);

/// Everything that this crate registers.
pub static ITEMS: &[Item] = &[Item::Driver(&DRIVER), Item::Kernels(&KERNELS)];

/// Registers the backend explicitly; needed only where the linker dropped the automatic registration.
pub fn register() -> Result<()> {
    minpy_core::registry::register(ITEMS)
}

/// Looks for devices, platform by platform. No loader, no platform, a broken driver: no device.
fn probe() -> Vec<Box<dyn Device>> {
    // Drivers initialise themselves in the first calls, and not all of them (PoCL) can do it on two threads at once.
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(|e| e.into_inner());
    let mut found: Vec<Box<dyn Device>> = Vec::new();
    let platforms = get_platform_ids().unwrap_or_default();
    if platforms.is_empty() {
        leave_out("opencl", "no OpenCL driver is installed; PoCL is one for the CPU");
    }
    for platform in platforms {
        let version = get_platform_info(platform, CL_PLATFORM_VERSION).map(String::from).unwrap_or_default();
        for id in get_device_ids(platform, CL_DEVICE_TYPE_ALL).unwrap_or_default() {
            if let Some(d) = OpenClDevice::open(id, found.len(), &version) {
                found.push(Box::new(d));
            }
        }
    }
    found
}

/// A device with its context and queue.
pub struct OpenClDevice {
    ordinal: usize,
    queue: cl_command_queue,
    capabilities: Capabilities,
    tuning: Tuning,
    memory: CMemory,
    programs: Mutex<Kernels<Programs>>,
    /// Bytes that the arguments of a kernel may have.
    parameter_bytes: usize,
}

// SAFETY: OpenCL handles may be used from any thread; kernels, whose arguments are state, are only reached through a lock.
unsafe impl Send for OpenClDevice {}
// SAFETY: as above.
unsafe impl Sync for OpenClDevice {}

fn text(id: cl_device_id, what: cl_device_info) -> String {
    get_device_info(id, what).map(String::from).unwrap_or_default().trim().to_string()
}

/// A number of at most eight bytes; 0 when the device does not say.
fn number(id: cl_device_id, what: cl_device_info) -> u64 {
    let mut bytes = get_device_data(id, what).unwrap_or_default();
    bytes.resize(8, 0);
    bytes.try_into().map_or(0, u64::from_le_bytes)
}

impl OpenClDevice {
    fn open(id: cl_device_id, ordinal: usize, platform: &str) -> Option<OpenClDevice> {
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
        tuning.shared =
            limit("MINPY_OPENCL_SHARED", number(id, CL_DEVICE_LOCAL_MEM_SIZE) as usize).max(16 << 10);
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
        let identity = format!("{name}|{driver}|{platform}|{tuning:?}");
        let saves = !platform.to_ascii_lowercase().contains("pocl");
        let single = number(id, CL_DEVICE_SINGLE_FP_CONFIG);
        let options = if single & CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT != 0 {
            "-cl-std=CL1.2 -cl-fp32-correctly-rounded-divide-sqrt"
        } else {
            "-cl-std=CL1.2"
        };
        Some(OpenClDevice {
            ordinal,
            queue,
            capabilities: Capabilities {
                description: format!("{name} ({})", text(id, CL_DEVICE_VERSION)),
                dtypes,
                host_accessible: false,
                total_memory: total,
            },
            tuning,
            memory: CMemory::new("opencl", Buffers(context), total / 2, largest),
            programs: Mutex::new(Programs::kernels(context, id, &identity, options, saves)),
            parameter_bytes: number(id, CL_DEVICE_MAX_PARAMETER_SIZE).max(1024) as usize,
        })
    }
    /// Number of kernels compiled so far and the time that took.
    pub fn builds(&self) -> (usize, Duration) {
        self.programs.lock().figures()
    }
}

/// Events are not used: the queue runs in order.
fn done(event: cl_event) {
    // SAFETY: the event was just made for us.
    let _ = unsafe { release_event(event) };
}

impl Device for OpenClDevice {
    fn name(&self) -> &'static str {
        "opencl"
    }
    fn ordinal(&self) -> usize {
        self.ordinal
    }
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }
    fn allocate(&self, bytes: usize) -> Result<Memory> {
        self.memory.allocate(bytes)
    }
    fn free(&self, memory: Memory) {
        self.memory.free(memory);
    }
    fn upload(&self, src: &[u8], dst: &Memory, offset: usize) -> Result<()> {
        let at = self.memory.place("upload", dst, offset, src.len())?;
        if src.is_empty() {
            return Ok(());
        }
        let (buffer, from) = (dst.handle as cl_mem, src.as_ptr().cast::<c_void>());
        let bytes = src.len();
        // A fill takes its pattern along, so that small uploads need not wait for the queue.
        let event = if bytes <= 128 && bytes.is_power_of_two() && at.is_multiple_of(bytes) {
            // SAFETY: the range lies inside the block (checked), the pattern is `bytes` long.
            unsafe { enqueue_fill_buffer(self.queue, buffer, from, bytes, at, bytes, 0, std::ptr::null()) }
        } else {
            // SAFETY: the range lies inside the block (checked); the call waits, so that `src` may be reused.
            unsafe { enqueue_write_buffer(self.queue, buffer, CL_TRUE, at, bytes, from, 0, std::ptr::null()) }
        };
        event.map(done).map_err(|c| error("upload", c))
    }
    fn download(&self, src: &Memory, offset: usize, dst: &mut [u8]) -> Result<()> {
        let at = self.memory.place("download", src, offset, dst.len())?;
        if dst.is_empty() {
            return Ok(());
        }
        let to = dst.as_mut_ptr().cast::<c_void>();
        // SAFETY: the range lies inside the block (checked); the call waits until `dst` is filled.
        unsafe {
            enqueue_read_buffer(
                self.queue,
                src.handle as cl_mem,
                CL_TRUE,
                at,
                dst.len(),
                to,
                0,
                std::ptr::null(),
            )
        }
        .map(done)
        .map_err(|c| error("download", c))
    }
    fn copy(
        &self,
        src: &Memory,
        src_offset: usize,
        dst: &Memory,
        dst_offset: usize,
        bytes: usize,
    ) -> Result<()> {
        let from = self.memory.place("copy", src, src_offset, bytes)?;
        let to = self.memory.place("copy", dst, dst_offset, bytes)?;
        if bytes == 0 {
            return Ok(());
        }
        // SAFETY: both ranges lie inside their blocks (checked) and do not overlap (contract of `Device::copy`).
        unsafe {
            enqueue_copy_buffer(
                self.queue,
                src.handle as cl_mem,
                dst.handle as cl_mem,
                from,
                to,
                bytes,
                0,
                std::ptr::null(),
            )
        }
        .map(done)
        .map_err(|c| error("copy", c))
    }
    fn synchronize(&self) -> Result<()> {
        finish(self.queue).map_err(|c| error("synchronize", c))
    }
    fn memory_stats(&self) -> MemoryStats {
        self.memory.stats()
    }
    fn trim(&self) {
        self.memory.trim();
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl CDevice for OpenClDevice {
    fn dialect(&self) -> &dyn Dialect {
        &OpenCl
    }
    fn tuning(&self) -> &Tuning {
        &self.tuning
    }
    fn memory(&self) -> &CMemory {
        &self.memory
    }
    fn launch(&self, step: &Step, scratch: &[Memory]) -> Result<()> {
        // Arrays of very many dimensions are left to the host.
        let bytes: usize =
            step.args.iter().map(|a| if let Arg::Ints(v) = a { size_of_val(v.as_slice()) } else { 16 }).sum();
        if bytes > self.parameter_bytes {
            let why = format!(
                "{}: {bytes} bytes of arguments, the device takes {}",
                step.spec.name(),
                self.parameter_bytes
            );
            return Err(Error::new(ErrorKind::Unsupported, why));
        }
        let mut programs = self.programs.lock();
        let kernel = programs.get(&step.spec, &OpenCl)?;
        for (i, arg) in step.args.iter().enumerate() {
            let memory = |handle: &usize| (std::ptr::from_ref(handle).cast::<c_void>(), size_of::<cl_mem>());
            let errors;
            let (value, bytes) = match arg {
                Arg::Memory(handle) => memory(handle),
                Arg::Scratch(n) => memory(&scratch[*n].handle),
                Arg::Errors => {
                    errors = self.memory.errors(self)?.handle;
                    memory(&errors)
                }
                Arg::Scalar(s) => (s.as_ptr().cast(), s.dtype().size()),
                Arg::Ints(v) => (v.as_ptr().cast(), size_of_val(v.as_slice())),
            };
            // SAFETY: `value` points to `bytes` bytes; the lock keeps other threads from this kernel's arguments.
            unsafe { set_kernel_arg(kernel, i as u32, bytes, value) }
                .map_err(|c| error(&format!("argument {i} of {}", step.spec.name()), c))?;
        }
        let local = step.spec.local();
        let global = [0, 1, 2].map(|d| step.groups[d] * local[d]);
        let enqueue = || {
            // SAFETY: kernel and arguments fit (the planner made both); the group size is the one compiled in.
            unsafe {
                enqueue_nd_range_kernel(
                    self.queue,
                    kernel,
                    3,
                    std::ptr::null(),
                    global.as_ptr(),
                    local.as_ptr(),
                    0,
                    std::ptr::null(),
                )
            }
        };
        let mut queued = enqueue();
        // Buffers may get their memory at first use only: the pool makes room, once.
        if matches!(queued, Err(c) if is_out_of_memory(c)) {
            self.trim();
            queued = enqueue();
        }
        queued.map(done).map_err(|c| error(&format!("launch of {}", step.spec.name()), c))
    }
}
