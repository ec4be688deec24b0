//! The device of every backend that compiles C: its memory, its transfers and its launches, around the one thing that differs,
//! the vendor's API (`CDriver`). What becomes of a call is in `run.rs`, the cache of kernels in `kernels.rs`, the pool in `pool.rs`.

use super::pool::Pool;
use super::{Arg, Blocks, Compiler, Dialect, DiskCache, ERROR_WORDS, Kernels, Step, Tuning};
use crate::device::{Capabilities, Device, Memory, MemoryStats};
use crate::kernel::KernelCall;
use crate::{Error, ErrorKind, Result, Scalar};
use parking_lot::Mutex;
use std::any::Any;
use std::ffi::c_void;
use std::fmt::Display;
use std::sync::OnceLock;

/// What differs between devices that compile C: one in-order queue, which takes transfers and launches, and memory (`Blocks`).
///
/// Only a `CDevice` calls these functions, from any thread. Blocks are those of `Blocks::create`, and what is read or written lies
/// inside of them. Where there is no memory the error is of `ErrorKind::Memory` (`fault`): the pool is emptied then, and the function
/// called once more.
pub trait CDriver: Blocks + Sized + 'static {
    /// Compiles for this device.
    type Compiler: Compiler;
    /// Its language.
    fn dialect(&self) -> &dyn Dialect;
    /// Host to device; `src` is not empty, and may be reused on return.
    fn upload(&self, src: &[u8], to: Place) -> Result<()>;
    /// Device to host: waits for what is queued; `dst` is not empty.
    fn download(&self, from: Place, dst: &mut [u8]) -> Result<()>;
    /// Queues a copy of `bytes` bytes (not 0) between places that do not overlap.
    fn copy(&self, from: Place, to: Place, bytes: usize) -> Result<()>;
    /// Queues `step`, whose kernel and arguments are these, and does not wait.
    fn launch<'a>(
        &self,
        kernel: <Self::Compiler as Compiler>::Kernel,
        step: &Step,
        arguments: impl Iterator<Item = BoundArg<'a>>,
    ) -> Result<()>;
    /// Waits until everything queued is done.
    fn synchronize(&self) -> Result<()>;
    /// Does a call by a library of the vendor's, where that has something better than generated code; `false`: nothing was
    /// written. `CDevice::product_first` makes a library's product into a whole epilogue.
    fn library(&self, _device: &CDevice<Self>, _call: &KernelCall) -> Result<bool> {
        Ok(false)
    }
}

/// A place in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// A block.
    pub block: usize,
    /// Bytes from its start.
    pub at: usize,
}

/// An argument of a launch, with its value.
#[derive(Clone, Copy, Debug)]
pub enum BoundArg<'a> {
    /// A block of memory.
    Block(&'a usize),
    /// An element by value.
    Scalar(&'a Scalar),
    /// A struct of int64 by value.
    Ints(&'a [i64]),
}
impl BoundArg<'_> {
    /// Where its value lies, and how many bytes it has: of a block, those of the handle.
    pub fn raw(&self) -> (*const c_void, usize) {
        match self {
            BoundArg::Block(handle) => (std::ptr::from_ref(*handle).cast(), size_of::<usize>()),
            BoundArg::Scalar(s) => (s.as_ptr().cast(), s.dtype().size()),
            BoundArg::Ints(v) => (v.as_ptr().cast(), size_of_val(*v)),
        }
    }
}

/// The error of a vendor's call on a device of kind `kind`.
#[cold]
pub fn fault(kind: &str, what: &str, out_of_memory: bool, why: impl Display) -> Error {
    let class = if out_of_memory { ErrorKind::Memory } else { ErrorKind::Device };
    Error::new(class, format!("{kind}: {what}: {why}"))
}

/// A device as a probe finds it.
pub struct Found<D: CDriver> {
    /// Its memory and its queue.
    pub driver: D,
    /// Its compiler.
    pub compiler: D::Compiler,
    /// What it is.
    pub capabilities: Capabilities,
    /// Its proportions.
    pub tuning: Tuning,
    /// Bytes of the largest block that it gives.
    pub largest: usize,
    /// The most bytes that are kept for reuse.
    pub kept: usize,
    /// What compiled code depends on beside its source: processor, driver, compiler, options. Without it none is kept on disk.
    pub identity: Option<String>,
}

impl<D: CDriver> Found<D> {
    /// A device that gives blocks of any size, of whose memory half may be kept for reuse, and whose code is not kept on disk.
    pub fn new(driver: D, compiler: D::Compiler, capabilities: Capabilities, tuning: Tuning) -> Found<D> {
        let total = capabilities.total_memory;
        Found { driver, compiler, capabilities, tuning, largest: total, kept: total / 2, identity: None }
    }
    /// The device of kind `name` and that number.
    pub fn device(self, name: &'static str, ordinal: usize) -> CDevice<D> {
        let disk = self.identity.map_or_else(DiskCache::none, |identity| DiskCache::new(name, identity));
        CDevice {
            name,
            ordinal,
            driver: self.driver,
            capabilities: self.capabilities,
            tuning: self.tuning,
            pool: Mutex::new(Pool::new(self.kept, self.largest)),
            kernels: Mutex::new(Kernels::new(self.compiler, disk)),
            errors: OnceLock::new(),
            doubtful: Mutex::new(false),
        }
    }
}

/// The devices of kind `name`, numbered as they were found.
pub fn devices<D: CDriver>(name: &'static str, found: Vec<Found<D>>) -> Vec<Box<dyn Device>> {
    let numbered = found.into_iter().enumerate();
    numbered.map(|(i, f)| Box::new(f.device(name, i)) as Box<dyn Device>).collect()
}

/// A device whose kernels are generated.
///
/// Work is queued in the order in which the lock of `kernels` is taken, and a block is handed out again while work on it is still
/// queued: there is one queue, in order.
pub struct CDevice<D: CDriver> {
    name: &'static str,
    ordinal: usize,
    pub(super) driver: D,
    capabilities: Capabilities,
    pub(super) tuning: Tuning,
    pool: Mutex<Pool>,
    kernels: Mutex<Kernels<D::Compiler>>,
    errors: OnceLock<Memory>,
    /// Held while the error words are in use, by one check after another; whether one that failed may have left them set.
    pub(super) doubtful: Mutex<bool>,
}

impl<D: CDriver> CDevice<D> {
    /// How many kernels were made so far, by the compiler or from disk.
    pub fn kernels_made(&self) -> usize {
        self.kernels.lock().made()
    }
    /// The error words, `ERROR_WORDS` int64: zero, unless a check that is running found something.
    pub(super) fn errors(&self) -> Result<Memory> {
        if let Some(m) = self.errors.get() {
            return Ok(*m);
        }
        let m = self.allocate(8 * ERROR_WORDS)?;
        self.upload(&[0; 8 * ERROR_WORDS], &m, 0)?;
        let kept = *self.errors.get_or_init(|| m);
        if kept != m {
            self.free(m);
        }
        Ok(kept)
    }
    /// Queues one launch; the kernel is compiled when it is new. `Arg::Scratch(i)` is `scratch[i]`.
    pub(super) fn launch(&self, step: &Step, scratch: &[Memory]) -> Result<()> {
        let (mut bytes, mut errors) = (0, 0);
        for arg in &step.args {
            bytes += if let Arg::Ints(v) = arg { size_of_val(v.as_slice()) } else { 16 };
            if let Arg::Errors = arg {
                errors = self.errors()?.handle;
            }
        }
        // Arrays of very many dimensions are left to the host.
        if bytes > self.tuning.parameters {
            let most = self.tuning.parameters;
            let what = format!("{bytes} bytes of arguments, the device takes {most}");
            return Err(super::unsupported(step.spec.name(), &what));
        }
        let arguments = || {
            step.args.iter().map(|arg| match arg {
                Arg::Memory(handle) => BoundArg::Block(handle),
                Arg::Scratch(n) => BoundArg::Block(&scratch[*n].handle),
                Arg::Errors => BoundArg::Block(&errors),
                Arg::Scalar(s) => BoundArg::Scalar(s),
                Arg::Ints(v) => BoundArg::Ints(v),
            })
        };
        // Under the lock until it is queued: another thread might make room for a new kernel.
        let mut kernels = self.kernels.lock();
        self.with_room(|| {
            let kernel = kernels.get(&step.spec, self.driver.dialect())?;
            self.driver.launch(kernel, step, arguments())
        })
    }
    /// Blocks and code may get their memory when they are used first: where there is none the pool makes room, once.
    fn with_room(&self, mut f: impl FnMut() -> Result<()>) -> Result<()> {
        match f() {
            Err(e) if e.kind() == ErrorKind::Memory => {
                self.trim();
                f()
            }
            done => done,
        }
    }
    /// Where `bytes` bytes at `offset` of `memory` begin; an error when they leave it.
    fn place(&self, what: &str, memory: &Memory, offset: usize, bytes: usize) -> Result<Place> {
        match offset.checked_add(bytes) {
            Some(end) if end <= memory.bytes => {
                Ok(Place { block: memory.handle, at: memory.offset + offset })
            }
            _ => {
                let why = format!("{bytes} bytes at {offset} leave a block of {} bytes", memory.bytes);
                Err(fault(self.name, what, false, why))
            }
        }
    }
}

impl<D: CDriver> Device for CDevice<D> {
    fn name(&self) -> &'static str {
        self.name
    }
    fn ordinal(&self) -> usize {
        self.ordinal
    }
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }
    fn allocate(&self, bytes: usize) -> Result<Memory> {
        let handle = self.pool.lock().allocate(self.name, &self.driver, bytes)?;
        Ok(Memory { handle, offset: 0, bytes })
    }
    fn free(&self, memory: Memory) {
        self.pool.lock().free(&self.driver, memory.handle, memory.bytes);
    }
    fn upload(&self, src: &[u8], dst: &Memory, offset: usize) -> Result<()> {
        let to = self.place("upload", dst, offset, src.len())?;
        if src.is_empty() {
            return Ok(());
        }
        self.with_room(|| self.driver.upload(src, to))
    }
    fn download(&self, src: &Memory, offset: usize, dst: &mut [u8]) -> Result<()> {
        let from = self.place("download", src, offset, dst.len())?;
        if dst.is_empty() {
            return Ok(());
        }
        self.with_room(|| self.driver.download(from, dst))
    }
    fn copy(
        &self,
        src: &Memory,
        src_offset: usize,
        dst: &Memory,
        dst_offset: usize,
        bytes: usize,
    ) -> Result<()> {
        let from = self.place("copy", src, src_offset, bytes)?;
        let to = self.place("copy", dst, dst_offset, bytes)?;
        if bytes == 0 {
            return Ok(());
        }
        self.with_room(|| self.driver.copy(from, to, bytes))
    }
    fn synchronize(&self) -> Result<()> {
        self.driver.synchronize()
    }
    fn memory_stats(&self) -> MemoryStats {
        self.pool.lock().stats()
    }
    fn trim(&self) {
        self.pool.lock().trim(&self.driver);
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}
