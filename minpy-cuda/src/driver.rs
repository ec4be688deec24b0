//! What CUDA does for `codegen::CDevice`: blocks of memory, and one stream of the primary context.

use crate::compile::{Loaded, Programs};
use crate::context::Context;
use crate::libraries::error;
use crate::{Cuda, matmul, matmul::Blas};
use cudarc::driver::sys::{CUdeviceptr, CUstream};
use cudarc::driver::{result, sys as cu};
use minpy_core::Result;
use minpy_core::backend::codegen::{Blocks, BoundArg, CDevice, CDriver, Dialect, Place, Step};
use minpy_core::backend::{KernelCall, Work};
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::ffi::c_void;
use std::sync::OnceLock;

/// A GPU's stream, which lives as long as the process, and cuBLAS on it.
pub struct Stream {
    context: Context,
    stream: CUstream,
    blas: OnceLock<Option<Mutex<Blas>>>,
}

// SAFETY: streams may be used from any thread once their context is current there.
unsafe impl Send for Stream {}
// SAFETY: as above; what is not safe to share is behind a lock.
unsafe impl Sync for Stream {}

impl Stream {
    /// A new stream of that context, which becomes current.
    pub fn new(context: Context) -> Result<Stream> {
        context.enter()?;
        let stream = result::stream::create(result::stream::StreamKind::NonBlocking)
            .map_err(|e| error("new stream", e))?;
        Ok(Stream { context, stream, blas: OnceLock::new() })
    }
    /// cuBLAS on this stream, when the library is there; the context is current afterwards.
    pub fn blas(&self) -> Result<Option<&Mutex<Blas>>> {
        self.context.enter()?;
        Ok(self.blas.get_or_init(|| Blas::new(self.stream).map(Mutex::new)).as_ref())
    }
    fn wait(&self) -> Result<()> {
        // SAFETY: the stream lives as long as the process.
        unsafe { result::stream::synchronize(self.stream) }.map_err(|e| error("synchronize", e))
    }
}

/// Blocks are named by their addresses.
fn address(Place { block, at }: Place) -> CUdeviceptr {
    (block + at) as CUdeviceptr
}

impl Blocks for Stream {
    fn create(&self, bytes: usize) -> std::result::Result<usize, String> {
        self.context.enter().map_err(|e| e.message().to_string())?;
        // SAFETY: the context is current; the block belongs to the pool.
        unsafe { result::malloc_sync(bytes) }.map(|p| p as usize).map_err(|e| e.to_string())
    }
    fn destroy(&self, handle: usize) {
        if self.context.enter().is_ok() {
            // SAFETY: the pool owns the block and forgets it. The driver waits for the device before it takes memory back.
            let _ = unsafe { result::free_sync(handle as CUdeviceptr) };
        }
    }
}

impl CDriver for Stream {
    type Compiler = Programs;
    fn dialect(&self) -> &dyn Dialect {
        &Cuda
    }
    fn upload(&self, src: &[u8], to: Place) -> Result<()> {
        self.context.enter()?;
        let to = address(to);
        let fail = |e| error("upload", e);
        // Words travel in the command itself, so that small uploads need not wait for the stream.
        if src.len() <= 16 && src.len().is_multiple_of(4) && to.is_multiple_of(4) {
            for (i, word) in src.chunks_exact(4).enumerate() {
                let value = u32::from_ne_bytes(word.try_into().unwrap_or_default());
                // SAFETY: the range lies inside the block (`CDriver`).
                unsafe { cu::cuMemsetD32Async(to + 4 * i as u64, value, 1, self.stream) }
                    .result()
                    .map_err(fail)?;
            }
            return Ok(());
        }
        // SAFETY: the range lies inside the block (`CDriver`); we wait, so that `src` may be reused.
        unsafe { result::memcpy_htod_async(to, src, self.stream) }.map_err(fail)?;
        self.wait()
    }
    fn download(&self, from: Place, dst: &mut [u8]) -> Result<()> {
        self.context.enter()?;
        // SAFETY: the range lies inside the block (`CDriver`); we wait until `dst` is filled.
        unsafe { result::memcpy_dtoh_async(dst, address(from), self.stream) }
            .map_err(|e| error("download", e))?;
        self.wait()
    }
    fn copy(&self, from: Place, to: Place, bytes: usize) -> Result<()> {
        self.context.enter()?;
        // SAFETY: both ranges lie inside their blocks and do not overlap (`CDriver`).
        unsafe { result::memcpy_dtod_async(address(to), address(from), bytes, self.stream) }
            .map_err(|e| error("copy", e))
    }
    fn launch<'a>(
        &self,
        kernel: Loaded,
        step: &Step,
        arguments: impl Iterator<Item = BoundArg<'a>>,
    ) -> Result<()> {
        self.context.enter()?;
        let mut parameters: SmallVec<[*mut c_void; 16]> = arguments.map(|a| a.raw().0.cast_mut()).collect();
        let [groups, local] =
            [step.groups, step.spec.local()].map(|[x, y, z]| (x as u32, y as u32, z as u32));
        // SAFETY: the planner made kernel and parameters to fit; the driver copies the parameters before it returns.
        unsafe { result::launch_kernel(kernel.function, groups, local, 0, self.stream, &mut parameters) }
            .map_err(|e| error(&format!("launch of {}", step.spec.name()), e))
    }
    fn synchronize(&self) -> Result<()> {
        self.context.enter()?;
        self.wait()
    }
    /// Products go to cuBLAS where it is there and can do them; what is computed of one is then a kernel of its own.
    fn library(&self, device: &CDevice<Stream>, call: &KernelCall) -> Result<bool> {
        match call.work {
            Work::Matmul => matmul::run(self, call),
            Work::Epilogue => device.product_first(call, |product| matmul::run(self, product)),
            _ => Ok(false),
        }
    }
}
