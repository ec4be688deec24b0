//! Compiled kernels of a device: in memory by `Spec` and by source, on disk by source (`disk.rs`).
//!
//! A device asks for the kernel of a `Spec`; only when it is new is it rendered, and only when its text is new is it compiled.

use super::{Dialect, DiskCache, Spec};
use crate::Result;
use rustc_hash::FxHashMap;

/// Kernels kept per device; more start over (programs of deferred expressions come and go).
const MOST: usize = 4096;

/// How a device makes kernels of text.
pub trait Compiler: Send + 'static {
    /// The handle of a kernel.
    type Kernel: Copy + Send;
    /// Compiles the function `entry` of `text`; with it the code that `load` takes, where that is worth keeping.
    fn compile(&mut self, entry: &str, text: &str) -> Result<(Self::Kernel, Option<Vec<u8>>)>;
    /// Makes a kernel of code that was kept; `None` when the driver does not take it.
    fn load(&self, entry: &str, code: &[u8]) -> Option<Self::Kernel>;
    /// Gives kernels back. Nobody will launch them any more, but they may be queued.
    fn forget(&mut self, kernels: &mut dyn Iterator<Item = Self::Kernel>) -> Result<()>;
}

/// The kernels of one device.
#[derive(Debug)]
pub struct Kernels<C: Compiler> {
    compiler: C,
    disk: DiskCache,
    most: usize,
    by_spec: FxHashMap<Spec, C::Kernel>,
    by_source: FxHashMap<String, C::Kernel>,
    made: usize,
}

impl<C: Compiler> Kernels<C> {
    /// No kernels yet.
    pub fn new(compiler: C, disk: DiskCache) -> Kernels<C> {
        Kernels {
            compiler,
            disk,
            most: MOST,
            by_spec: FxHashMap::default(),
            by_source: FxHashMap::default(),
            made: 0,
        }
    }
    /// The same with another limit on how many are kept.
    pub fn at_most(self, most: usize) -> Kernels<C> {
        Kernels { most, ..self }
    }
    /// How many kernels were made so far, by the compiler or from disk.
    pub fn made(&self) -> usize {
        self.made
    }
    /// The kernel of `spec`, compiled when it is new. It is valid until the next call: hold the lock around these kernels until
    /// it is queued.
    pub fn get(&mut self, spec: &Spec, dialect: &dyn Dialect) -> Result<C::Kernel> {
        match self.by_spec.get(spec) {
            Some(&kernel) => Ok(kernel),
            None => self.add(spec, dialect),
        }
    }
    #[cold]
    fn add(&mut self, spec: &Spec, dialect: &dyn Dialect) -> Result<C::Kernel> {
        let source = spec.render(dialect)?;
        let kernel = match self.by_source.get(&source.text) {
            Some(&kernel) => kernel,
            None => {
                if self.by_source.len() >= self.most {
                    self.by_spec.clear();
                    let mut old = std::mem::take(&mut self.by_source).into_values();
                    self.compiler.forget(&mut old)?;
                }
                let kernel = self.make(&source.entry, &source.text)?;
                self.made += 1;
                self.by_source.insert(source.text, kernel);
                kernel
            }
        };
        if self.by_spec.len() >= self.most {
            self.by_spec.clear();
        }
        self.by_spec.insert(spec.clone(), kernel);
        Ok(kernel)
    }
    fn make(&mut self, entry: &str, text: &str) -> Result<C::Kernel> {
        if let Some(kernel) = self.disk.load(text).and_then(|code| self.compiler.load(entry, &code)) {
            return Ok(kernel);
        }
        let (kernel, code) = self.compiler.compile(entry, text)?;
        if let Some(code) = code {
            self.disk.save(text, &code);
        }
        Ok(kernel)
    }
}
