//! Devices: the trait a backend implements, and the table of devices found at run time.
//!
//! The trait never grows when an operation is added. Devices are open: a name and a number.
//! Every probed device lives until the process ends, so that a `DeviceRef` is a plain pointer.

use crate::dtype::DTypeSet;
use crate::expr::Program;
use crate::kernel::PlainLoop;
use crate::{Error, ErrorKind, Result, registry};
use parking_lot::Mutex;
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

/// A probed device with its place in the tables.
pub struct DeviceEntry {
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
        self.0.kind == registry::HOST_KIND
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

/// Reasons why devices were left out, with their kind.
static LEFT_OUT: Mutex<Vec<(&'static str, String)>> = Mutex::new(Vec::new());

/// For a backend's probe: says why a device, or every one of a kind, cannot be used. The error about a missing device
/// tells it to the user.
pub fn leave_out(kind: &'static str, reason: impl Into<String>) {
    let mut list = LEFT_OUT.lock();
    let entry = (kind, reason.into());
    if !list.contains(&entry) {
        list.push(entry);
    }
}
/// What probes said of that kind.
pub fn left_out(kind: &str) -> Vec<String> {
    LEFT_OUT.lock().iter().filter(|(k, _)| *k == kind).map(|(_, reason)| reason.clone()).collect()
}

/// Every device of that name, in order; empty when there is none.
pub fn devices(name: &str) -> Result<Vec<DeviceRef>> {
    Ok(registry::global()?.devices(name).to_vec())
}

/// The device `name(ordinal)`; `gpu` stands for the first of cuda and opencl that has that many.
pub fn device(name: &str, ordinal: usize) -> Result<DeviceRef> {
    let reg = registry::global()?;
    let names: &[&str] = if name == "gpu" { &["cuda", "opencl"] } else { &[name] };
    for n in names {
        if let Some(&d) = reg.devices(n).get(ordinal) {
            return Ok(d);
        }
    }
    let found: Vec<String> = reg.all_devices().map(|d| d.to_string()).collect();
    let known = name == "gpu" || reg.kind_of(name).is_some();
    let reasons: Vec<String> = names.iter().flat_map(|n| left_out(n)).collect();
    let why = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join("; ")) };
    let message = format!("no device {name}({ordinal}){why}; devices found: {}", found.join(", "));
    Err(Error::new(if known { ErrorKind::Device } else { ErrorKind::Value }, message))
}

/// Parses `cpu`, `opencl:0` or `cuda(1)`.
pub fn parse(text: &str) -> Result<DeviceRef> {
    let t = text.trim().trim_end_matches(')');
    let (name, number) = t.split_once([':', '(']).unwrap_or((t, "0"));
    let ordinal = number.trim().parse().map_err(|_| {
        Error::new(ErrorKind::Value, format!("device '{text}': '{number}' is not a device number"))
    })?;
    device(name.trim(), ordinal)
}

/// The host CPU: where fallbacks run.
pub fn host() -> Result<DeviceRef> {
    registry::global()?.host()
}
