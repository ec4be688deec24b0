//! A device that computes nothing and tells what it is asked to do: for tests of dispatch, of the registry and of generated kernels.

use minpy_core::Result;
use minpy_core::backend::codegen::{
    Blocks, BoundArg, CDevice, CDriver, Compiler, Dialect, Found, Place, Step, Tuning,
};
use minpy_core::backend::{Capabilities, DTypeSet, KernelCall};
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
pub type Fake = CDevice<Told>;

/// What stands for its driver.
pub struct Told {
    told: Box<dyn Fn(Event) -> Result<()> + Send + Sync>,
    library: fn(&Fake, &KernelCall) -> Result<bool>,
}

/// A device of every dtype, the size of a GPU, which does as `told` says. It keeps no memory: every block is a new one.
pub fn fake(told: impl Fn(Event) -> Result<()> + Send + Sync + 'static) -> Found<Told> {
    fake_with_library(told, |_, _| Ok(false))
}
/// The same with a library of the vendor's.
pub fn fake_with_library(
    told: impl Fn(Event) -> Result<()> + Send + Sync + 'static,
    library: fn(&Fake, &KernelCall) -> Result<bool>,
) -> Found<Told> {
    let capabilities = Capabilities {
        description: "computes nothing".into(),
        dtypes: DTypeSet::ALL,
        host_accessible: false,
        total_memory: 1 << 40,
    };
    let found = Found::new(Told { told: Box::new(told), library }, Nothing, capabilities, Tuning::gpu(4));
    Found { kept: 0, ..found }
}

/// Blocks are numbers, each another one.
impl Blocks for Told {
    fn create(&self, _: usize) -> std::result::Result<usize, String> {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        (self.told)(Event::Allocate).map_err(|e| e.message().to_string())?;
        Ok(NEXT.fetch_add(1, Relaxed))
    }
    fn destroy(&self, _: usize) {}
}

impl CDriver for Told {
    type Compiler = Nothing;
    fn dialect(&self) -> &dyn Dialect {
        &Plain
    }
    fn upload(&self, src: &[u8], _: Place) -> Result<()> {
        (self.told)(Event::Upload(src))
    }
    fn download(&self, _: Place, dst: &mut [u8]) -> Result<()> {
        dst.fill(0);
        (self.told)(Event::Download(dst))
    }
    fn copy(&self, _: Place, _: Place, _: usize) -> Result<()> {
        (self.told)(Event::Copy)
    }
    fn launch<'a>(&self, (): (), step: &Step, _: impl Iterator<Item = BoundArg<'a>>) -> Result<()> {
        (self.told)(Event::Launch(step))
    }
    fn synchronize(&self) -> Result<()> {
        Ok(())
    }
    fn library(&self, device: &Fake, call: &KernelCall) -> Result<bool> {
        (self.library)(device, call)
    }
}

/// Makes nothing of texts.
pub struct Nothing;
impl Compiler for Nothing {
    type Kernel = ();
    fn compile(&mut self, _: &str, _: &str) -> Result<((), Option<Vec<u8>>)> {
        Ok(((), None))
    }
    fn load(&self, _: &str, _: &[u8]) -> Option<()> {
        None
    }
    fn forget(&mut self, _: &mut dyn Iterator<Item = ()>) -> Result<()> {
        Ok(())
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
