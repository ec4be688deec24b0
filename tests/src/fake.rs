//! A device that computes nothing and tells what it is asked to do: for tests of dispatch, of the registry and of generated kernels.

use minpy_core::codegen::{Blocks, CDevice, CMemory, Dialect, Step, Tuning};
use minpy_core::device::{Capabilities, Device, Memory, MemoryStats};
use minpy_core::kernel::KernelCall;
use minpy_core::{DTypeSet, Result};
use std::any::Any;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What a fake is asked to do.
#[derive(Debug)]
pub enum Event<'a> {
    /// A block.
    Allocate,
    /// Bytes from the host.
    Upload(&'a [u8]),
    /// Bytes for the host: zeros, unless they are changed.
    Download(&'a mut [u8]),
    /// Bytes from one block to another.
    Copy,
    /// A generated kernel.
    Launch(&'a Step),
}

/// The device.
pub struct Fake {
    name: &'static str,
    ordinal: usize,
    capabilities: Capabilities,
    tuning: Tuning,
    memory: CMemory,
    told: Box<dyn Fn(Event) -> Result<()> + Send + Sync>,
    library: fn(&Fake, &KernelCall) -> Result<bool>,
}

impl Fake {
    /// A device of every dtype, the size of a GPU, which does as `told` says.
    pub fn new(
        name: &'static str,
        ordinal: usize,
        told: impl Fn(Event) -> Result<()> + Send + Sync + 'static,
    ) -> Fake {
        Fake {
            name,
            ordinal,
            capabilities: Capabilities {
                description: "computes nothing".into(),
                dtypes: DTypeSet::ALL,
                host_accessible: false,
                total_memory: 1 << 40,
            },
            tuning: Tuning::gpu(4),
            memory: CMemory::new(name, Numbers, 0, 1 << 40),
            told: Box::new(told),
            library: |_, _| Ok(false),
        }
    }
    /// The same with a library of the vendor's.
    pub fn with_library(self, library: fn(&Fake, &KernelCall) -> Result<bool>) -> Fake {
        Fake { library, ..self }
    }
}

/// Blocks that are numbers, each another one.
struct Numbers;
impl Blocks for Numbers {
    fn create(&self, _: usize) -> std::result::Result<usize, String> {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        Ok(NEXT.fetch_add(1, Relaxed))
    }
    fn destroy(&self, _: usize) {}
}

impl Device for Fake {
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
        (self.told)(Event::Allocate)?;
        self.memory.allocate(bytes)
    }
    fn free(&self, memory: Memory) {
        self.memory.free(memory);
    }
    fn upload(&self, src: &[u8], _: &Memory, _: usize) -> Result<()> {
        (self.told)(Event::Upload(src))
    }
    fn download(&self, _: &Memory, _: usize, dst: &mut [u8]) -> Result<()> {
        dst.fill(0);
        (self.told)(Event::Download(dst))
    }
    fn copy(&self, _: &Memory, _: usize, _: &Memory, _: usize, _: usize) -> Result<()> {
        (self.told)(Event::Copy)
    }
    fn synchronize(&self) -> Result<()> {
        Ok(())
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

impl CDevice for Fake {
    fn dialect(&self) -> &dyn Dialect {
        &Plain
    }
    fn tuning(&self) -> &Tuning {
        &self.tuning
    }
    fn memory(&self) -> &CMemory {
        &self.memory
    }
    fn launch(&self, step: &Step, _: &[Memory]) -> Result<()> {
        (self.told)(Event::Launch(step))
    }
    fn library(&self, call: &KernelCall) -> Result<bool> {
        (self.library)(self, call)
    }
}

/// C with nothing around it: for tests that look at texts and compile none.
#[derive(Debug)]
pub struct Plain;
impl Dialect for Plain {
    fn name(&self) -> &'static str {
        "plain"
    }
    fn prelude(&self, _: DTypeSet) -> String {
        String::new()
    }
    fn kernel(&self, entry: &str, _: [usize; 3]) -> String {
        format!("void {entry}")
    }
}
