//! A CUDA device: the primary context of a GPU, one in-order stream, kernels launched without waiting.
//!
//! The context is made current on the calling thread at every entry; that is one thread-local write in the driver.

use crate::compile::Programs;
use crate::libraries::{self, error, guarded};
use crate::{Cuda, matmul, matmul::Blas};
use cudarc::driver::sys::{CUcontext, CUdevice_attribute, CUstream};
use cudarc::driver::{result, sys as cu};
use minpy_core::codegen::{self, Arg, Blocks, CDevice, CMemory, Dialect, Kernels, Step, Tuning};
use minpy_core::device::{Capabilities, Device, Memory, MemoryStats, leave_out};
use minpy_core::kernel::{KernelCall, Work};
use minpy_core::registry::Item;
use minpy_core::{DTypeSet, Result};
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::any::Any;
use std::ffi::c_void;
use std::sync::OnceLock;
use std::time::Duration;

minpy_core::driver!(pub DRIVER: "cuda", probe);
// What has no C text core runs on the host, and counts it.
minpy_core::c_kernels!(pub KERNELS: "cuda", CudaDevice);

/// Everything that this crate registers.
pub static ITEMS: &[Item] = &[Item::Driver(&DRIVER), Item::Kernels(&KERNELS)];

/// Registers the backend explicitly; needed only where the linker dropped the automatic registration.
pub fn register() -> Result<()> {
    minpy_core::registry::register(ITEMS)
}

/// Looks for devices. No driver, no compiler, no GPU that it knows: no device.
fn probe() -> Vec<Box<dyn Device>> {
    let mut found: Vec<Box<dyn Device>> = Vec::new();
    if let Some(reason) = libraries::missing() {
        leave_out("cuda", reason);
        return found;
    }
    let count = guarded(result::device::get_count).and_then(std::result::Result::ok).unwrap_or(0);
    for i in 0..count {
        let ordinal = found.len();
        match guarded(|| CudaDevice::open(i, ordinal)) {
            Some(Ok(d)) => found.push(Box::new(d)),
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
        _ => Some(minpy_core::device::left_out("cuda").join("; ")),
    }
}

/// A GPU with its context and stream.
pub struct CudaDevice {
    ordinal: usize,
    context: CUcontext,
    stream: CUstream,
    capabilities: Capabilities,
    tuning: Tuning,
    memory: CMemory,
    programs: Mutex<Kernels<Programs>>,
    blas: OnceLock<Option<Mutex<Blas>>>,
}

// SAFETY: contexts and streams may be used from any thread once the context is current there.
unsafe impl Send for CudaDevice {}
// SAFETY: as above; what is not safe to share is behind locks.
unsafe impl Sync for CudaDevice {}

/// Blocks of device memory, made and destroyed in this context.
struct DeviceBlocks(CUcontext);
// SAFETY: contexts may be used from any thread once they are current there.
unsafe impl Send for DeviceBlocks {}
// SAFETY: as above.
unsafe impl Sync for DeviceBlocks {}
impl Blocks for DeviceBlocks {
    fn create(&self, bytes: usize) -> std::result::Result<usize, String> {
        enter(self.0).map_err(|e| e.message().to_string())?;
        // SAFETY: the context is current; the block belongs to the pool.
        unsafe { result::malloc_sync(bytes) }.map(|p| p as usize).map_err(|e| e.to_string())
    }
    fn destroy(&self, handle: usize) {
        if enter(self.0).is_ok() {
            // SAFETY: the pool owns the block and forgets it. The driver waits for the device before it takes memory back.
            let _ = unsafe { result::free_sync(handle as cu::CUdeviceptr) };
        }
    }
}

/// Makes a context current on this thread.
fn enter(context: CUcontext) -> Result<()> {
    // SAFETY: contexts are those of devices, which live as long as the process.
    unsafe { result::ctx::set_current(context) }.map_err(|e| error("entering the context", e))
}

impl CudaDevice {
    fn open(index: i32, ordinal: usize) -> Result<CudaDevice> {
        use CUdevice_attribute as A;
        let fail = |e| error("opening a device", e);
        let id = result::device::get(index).map_err(fail)?;
        // SAFETY: `id` is a device of this driver.
        let attribute = |a: A| unsafe { result::device::get_attribute(id, a) }.unwrap_or(0);
        let capability = attribute(A::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) * 10
            + attribute(A::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
        let name = result::device::get_name(id).map_err(fail)?;
        let programs = Programs::kernels(capability, &name)?;
        // SAFETY: as above; the primary context is kept for the life of the process.
        let context = unsafe { result::primary_ctx::retain(id) }.map_err(fail)?;
        // SAFETY: the context was just retained.
        unsafe { result::ctx::set_current(context) }.map_err(fail)?;
        let stream = result::stream::create(result::stream::StreamKind::NonBlocking).map_err(fail)?;
        // SAFETY: `id` is a device of this driver.
        let total = unsafe { result::device::total_mem(id) }.map_err(fail)?;
        let units = attribute(A::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT).max(1) as usize;
        Ok(CudaDevice {
            ordinal,
            context,
            stream,
            capabilities: Capabilities {
                description: format!("{name} (compute capability {}.{})", capability / 10, capability % 10),
                dtypes: DTypeSet::ALL,
                host_accessible: false,
                total_memory: total,
            },
            tuning: Tuning {
                group: attribute(A::CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK).max(256) as usize,
                shared: attribute(A::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK).max(16 << 10) as usize,
                ..Tuning::gpu(units)
            },
            memory: CMemory::new("cuda", DeviceBlocks(context), total / 2, total),
            programs: Mutex::new(programs),
            blas: OnceLock::new(),
        })
    }
    /// Makes the context current on this thread.
    fn enter(&self) -> Result<()> {
        enter(self.context)
    }
    /// Number of kernels compiled so far and the time that took.
    pub fn builds(&self) -> (usize, Duration) {
        self.programs.lock().figures()
    }
    /// cuBLAS on this device's stream, when the library is there; the context is current afterwards.
    pub(crate) fn blas(&self) -> Result<Option<&Mutex<Blas>>> {
        self.enter()?;
        Ok(self.blas.get_or_init(|| Blas::new(self.stream).map(Mutex::new)).as_ref())
    }
    fn wait(&self) -> Result<()> {
        // SAFETY: the stream lives as long as the process.
        unsafe { result::stream::synchronize(self.stream) }.map_err(|e| error("synchronize", e))
    }
    fn place(&self, what: &str, memory: &Memory, offset: usize, bytes: usize) -> Result<cu::CUdeviceptr> {
        let at = self.memory.place(what, memory, offset, bytes)?;
        Ok((memory.handle + at) as cu::CUdeviceptr)
    }
}

impl Device for CudaDevice {
    fn name(&self) -> &'static str {
        "cuda"
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
        self.enter()?;
        let to = self.place("upload", dst, offset, src.len())?;
        let fail = |e| error("upload", e);
        // Words travel in the command itself, so that small uploads need not wait for the stream.
        if src.len() <= 16 && src.len().is_multiple_of(4) && to.is_multiple_of(4) {
            for (i, word) in src.chunks_exact(4).enumerate() {
                let value = u32::from_ne_bytes(word.try_into().unwrap_or_default());
                // SAFETY: the range lies inside the block (checked).
                unsafe { cu::cuMemsetD32Async(to + 4 * i as u64, value, 1, self.stream) }
                    .result()
                    .map_err(fail)?;
            }
            return Ok(());
        }
        // SAFETY: the range lies inside the block (checked); we wait, so that `src` may be reused.
        unsafe { result::memcpy_htod_async(to, src, self.stream) }.map_err(fail)?;
        self.wait()
    }
    fn download(&self, src: &Memory, offset: usize, dst: &mut [u8]) -> Result<()> {
        self.enter()?;
        let from = self.place("download", src, offset, dst.len())?;
        if dst.is_empty() {
            return Ok(());
        }
        // SAFETY: the range lies inside the block (checked); we wait until `dst` is filled.
        unsafe { result::memcpy_dtoh_async(dst, from, self.stream) }.map_err(|e| error("download", e))?;
        self.wait()
    }
    fn copy(
        &self,
        src: &Memory,
        src_offset: usize,
        dst: &Memory,
        dst_offset: usize,
        bytes: usize,
    ) -> Result<()> {
        self.enter()?;
        let from = self.place("copy", src, src_offset, bytes)?;
        let to = self.place("copy", dst, dst_offset, bytes)?;
        if bytes == 0 {
            return Ok(());
        }
        // SAFETY: both ranges lie inside their blocks (checked) and do not overlap (contract of `Device::copy`).
        unsafe { result::memcpy_dtod_async(to, from, bytes, self.stream) }.map_err(|e| error("copy", e))
    }
    fn synchronize(&self) -> Result<()> {
        self.enter()?;
        self.wait()
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

impl CDevice for CudaDevice {
    fn dialect(&self) -> &dyn Dialect {
        &Cuda
    }
    fn tuning(&self) -> &Tuning {
        &self.tuning
    }
    fn memory(&self) -> &CMemory {
        &self.memory
    }
    /// Products go to cuBLAS where it is there and can do them; what is computed of one is then a kernel of its own.
    fn library(&self, call: &KernelCall) -> Result<bool> {
        match call.work {
            Work::Matmul => matmul::run(self, call),
            Work::Epilogue => codegen::product_first(self, call, |product| matmul::run(self, product)),
            _ => Ok(false),
        }
    }
    fn launch(&self, step: &Step, scratch: &[Memory]) -> Result<()> {
        self.enter()?;
        let errors = if step.args.contains(&Arg::Errors) { self.memory.errors(self)?.handle } else { 0 };
        let mut parameters: SmallVec<[*mut c_void; 16]> = SmallVec::new();
        for arg in &step.args {
            let value: *const c_void = match arg {
                Arg::Memory(handle) => std::ptr::from_ref(handle).cast(),
                Arg::Scratch(n) => std::ptr::from_ref(&scratch[*n].handle).cast(),
                Arg::Errors => std::ptr::from_ref(&errors).cast(),
                Arg::Scalar(s) => s.as_ptr().cast(),
                Arg::Ints(v) => v.as_ptr().cast(),
            };
            parameters.push(value.cast_mut());
        }
        let [groups, local] =
            [step.groups, step.spec.local()].map(|[x, y, z]| (x as u32, y as u32, z as u32));
        // Under the lock until it is queued: another thread might make room for a new kernel.
        let mut programs = self.programs.lock();
        let function = programs.get(&step.spec, &Cuda)?.function;
        // SAFETY: the planner made kernel and parameters to fit; the driver copies the parameters before it returns.
        unsafe { result::launch_kernel(function, groups, local, 0, self.stream, &mut parameters) }
            .map_err(|e| error(&format!("launch of {}", step.spec.name()), e))
    }
}
