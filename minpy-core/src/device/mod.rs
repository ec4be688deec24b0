//! Devices: the trait a backend implements, and the table of devices found at run time.
//!
//! The trait never grows when an operation is added. Devices are open: a name and a number.
//! Every probed device lives until the process ends, so that a `DeviceRef` is a plain pointer.

pub(crate) mod context;
pub(crate) mod expr;
pub(crate) mod find;
pub(crate) mod flags;
pub(crate) mod kernel;
pub(crate) mod memory;
pub(crate) mod registry;

pub use find::{device, devices, host, parse};

use crate::Result;
use crate::dtype::DTypeSet;
use crate::expr::{PlainLoop, Program};
use std::any::Any;
use std::fmt;

/// Memory that a device handed out. What `handle` means is the device's business
/// (an address on the CPU and CUDA, a `cl_mem` on OpenCL).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// The device's name for the block.
    pub handle: usize,
    /// Bytes from the start of the block at which this piece begins.
    pub offset: usize,
    /// Bytes of this piece.
    pub bytes: usize,
}

/// What a device can do; constant over its life.
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// Human name: model of the processor.
    pub description: String,
    /// Element types that its memory and kernels can work with at all.
    pub dtypes: DTypeSet,
    /// `Memory::handle + offset` is an address that the host may read and write.
    pub host_accessible: bool,
    /// Bytes of memory in all.
    pub total_memory: usize,
}

/// Figures of a device's memory pool, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryStats {
    /// Handed out and not yet freed.
    pub used: usize,
    /// Kept by the pool for reuse.
    pub pooled: usize,
    /// Greatest `used` so far.
    pub peak: usize,
    /// Times the driver or system allocator was asked.
    pub system_allocations: usize,
}

/// One device. Work may be queued; `download` and `synchronize` wait for what precedes them.
pub trait Device: Send + Sync + 'static {
    /// Name of the kind: `"cpu"`, `"cuda"`, `"opencl"`, or a stranger's.
    fn name(&self) -> &'static str;
    /// Number among the devices of that name.
    fn ordinal(&self) -> usize;
    /// What the device can do.
    fn capabilities(&self) -> &Capabilities;
    /// A block of `bytes` (may be 0), contents undefined. `ErrorKind::Memory` when there is none.
    fn allocate(&self, bytes: usize) -> Result<Memory>;
    /// Takes back what `allocate` gave. Queued work may still use it; the device sees to that.
    fn free(&self, memory: Memory);
    /// Host to device: `src` to `dst` at `offset` bytes. The source may be reused on return.
    fn upload(&self, src: &[u8], dst: &Memory, offset: usize) -> Result<()>;
    /// Device to host: waits for queued work, then fills `dst` from `src` at `offset` bytes.
    fn download(&self, src: &Memory, offset: usize, dst: &mut [u8]) -> Result<()>;
    /// Inside the device: `bytes` from one block to another (never overlapping).
    fn copy(
        &self,
        src: &Memory,
        src_offset: usize,
        dst: &Memory,
        dst_offset: usize,
        bytes: usize,
    ) -> Result<()>;
    /// The host's device only: a loop that does what `program` says, for calls that are so small that the way to a kernel
    /// would take longer than the work. The device itself keeps none of it; asked once per program.
    fn plain_loop(&self, _program: &Program) -> Option<PlainLoop> {
        None
    }
    /// Waits until everything queued is done.
    fn synchronize(&self) -> Result<()>;
    /// Figures of the memory pool.
    fn memory_stats(&self) -> MemoryStats;
    /// Gives pooled memory back to the system.
    fn trim(&self);
    /// For kernels of the same backend: the concrete type.
    fn as_any(&self) -> &dyn Any;
}

/// Index of the host in the table of kinds: always the first.
pub const HOST_KIND: usize = 0;

/// A probed device with its place in the tables.
struct DeviceEntry {
    device: Box<dyn Device>,
    kind: usize,
}

/// Handle to a device; cheap to copy, compared by identity.
#[derive(Clone, Copy)]
pub struct DeviceRef(&'static DeviceEntry);

impl DeviceRef {
    pub(crate) fn leak(device: Box<dyn Device>, kind: usize) -> DeviceRef {
        DeviceRef(Box::leak(Box::new(DeviceEntry { device, kind })))
    }
    /// Index of the device's name in the registry's table of kinds.
    #[inline]
    pub fn kind(self) -> usize {
        self.0.kind
    }
    /// The device behind the handle, for the life of the process.
    #[inline]
    pub fn device(self) -> &'static dyn Device {
        &*self.0.device
    }
    /// Whether host code may touch its memory directly.
    #[inline]
    pub fn is_host(self) -> bool {
        self.0.kind == HOST_KIND
    }
    /// The concrete device, for kernels of the same backend.
    pub fn downcast<D: Device>(self) -> Option<&'static D> {
        self.device().as_any().downcast_ref()
    }
}
impl std::ops::Deref for DeviceRef {
    type Target = dyn Device;
    #[inline]
    fn deref(&self) -> &(dyn Device + 'static) {
        &*self.0.device
    }
}
impl PartialEq for DeviceRef {
    #[inline]
    fn eq(&self, other: &DeviceRef) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}
impl Eq for DeviceRef {}
impl std::hash::Hash for DeviceRef {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        std::ptr::hash(self.0, state);
    }
}
impl fmt::Display for DeviceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.name(), self.ordinal())
    }
}
impl fmt::Debug for DeviceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
