//! The CPU as a device: memory is ordinary memory of the process, work is done when a kernel returns.
//!
//! Allocation lives in `machine/pool.rs`; kernels in the files named after their form of work.

use crate::elementwise;
use crate::machine::pool;
use minpy_core::backend::{Capabilities, DTypeSet, Device, Memory, MemoryStats, PlainLoop, Program};
use minpy_core::{Error, ErrorKind, Result};
use std::any::Any;

minpy_core::driver!(pub DRIVER: "cpu", probe);

fn probe() -> Vec<Box<dyn Device>> {
    vec![Box::new(CpuDevice::new())]
}

/// The host processor; there is one, `cpu(0)`.
pub struct CpuDevice {
    capabilities: Capabilities,
}

impl CpuDevice {
    /// Looks at the machine.
    pub fn new() -> CpuDevice {
        CpuDevice {
            capabilities: Capabilities {
                description: description(),
                dtypes: DTypeSet::ALL,
                host_accessible: true,
                total_memory: pool::total_memory(),
            },
        }
    }
}

impl Default for CpuDevice {
    fn default() -> Self {
        CpuDevice::new()
    }
}

/// Model of the processor and what it can do, for people.
fn description() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|l| l.strip_prefix("model name")?.split_once(':').map(|(_, v)| v.trim()))
        .unwrap_or(std::env::consts::ARCH);
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    format!("{model}, {cores} cores, {}", crate::prims::loops::level_name())
}

/// Rejects ranges that leave a block: a mistake of the caller must not become a write outside it.
fn check(what: &str, memory: &Memory, offset: usize, bytes: usize) -> Result<()> {
    match offset.checked_add(bytes) {
        Some(end) if end <= memory.bytes => Ok(()),
        _ => Err(Error::new(
            ErrorKind::Device,
            format!("cpu {what}: {bytes} bytes at {offset} leave a block of {} bytes", memory.bytes),
        )),
    }
}

impl Device for CpuDevice {
    fn name(&self) -> &'static str {
        "cpu"
    }
    fn ordinal(&self) -> usize {
        0
    }
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }
    #[inline]
    fn allocate(&self, bytes: usize) -> Result<Memory> {
        pool::allocate(bytes).map(|handle| Memory { handle, offset: 0, bytes })
    }
    #[inline]
    fn free(&self, memory: Memory) {
        // SAFETY: core gives back, once, what `allocate` returned, with the same number of bytes.
        unsafe { pool::free(memory.handle, memory.bytes) }
    }
    fn plain_loop(&self, program: &Program) -> Option<PlainLoop> {
        elementwise::plain_loop(program)
    }
    fn upload(&self, src: &[u8], dst: &Memory, offset: usize) -> Result<()> {
        check("upload", dst, offset, src.len())?;
        let to = (dst.handle + dst.offset + offset) as *mut u8;
        // SAFETY: the range lies inside the block (checked); a borrowed slice cannot be part of device memory
        // that somebody writes, but `copy` also allows overlap.
        unsafe { std::ptr::copy(src.as_ptr(), to, src.len()) };
        Ok(())
    }
    fn download(&self, src: &Memory, offset: usize, dst: &mut [u8]) -> Result<()> {
        check("download", src, offset, dst.len())?;
        let from = (src.handle + src.offset + offset) as *const u8;
        // SAFETY: as in `upload`.
        unsafe { std::ptr::copy(from, dst.as_mut_ptr(), dst.len()) };
        Ok(())
    }
    fn copy(
        &self,
        src: &Memory,
        src_offset: usize,
        dst: &Memory,
        dst_offset: usize,
        bytes: usize,
    ) -> Result<()> {
        check("copy", src, src_offset, bytes)?;
        check("copy", dst, dst_offset, bytes)?;
        let from = src.handle + src.offset + src_offset;
        let to = dst.handle + dst.offset + dst_offset;
        crate::machine::threads::parallel_for(bytes, 1 << 20, |r| {
            // SAFETY: both ranges lie inside their blocks (checked) and do not overlap (contract of `Device::copy`).
            unsafe {
                std::ptr::copy_nonoverlapping(
                    (from + r.start) as *const u8,
                    (to + r.start) as *mut u8,
                    r.len(),
                )
            }
        });
        Ok(())
    }
    fn synchronize(&self) -> Result<()> {
        Ok(())
    }
    fn memory_stats(&self) -> MemoryStats {
        pool::stats()
    }
    fn trim(&self) {
        pool::trim();
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}
