//! Compiled kernels: in memory by `Spec` and by source, on disk through `codegen::DiskCache`.
//!
//! A device asks for the kernel of a `Spec`; only when it is new is it rendered, and only when its text is new is it built.

use crate::error;
use minpy_core::codegen::{Dialect, DiskCache, Spec};
use minpy_core::{Error, ErrorKind, Result};
use opencl3::kernel::create_kernel;
use opencl3::program::*;
use opencl3::types::{cl_context, cl_device_id, cl_kernel};
use std::collections::HashMap;
use std::ffi::CString;
use std::time::{Duration, Instant};

/// Kernels kept per device; more start over (programs of deferred expressions come and go).
const MOST: usize = 4096;

/// The kernels of one device.
pub struct Programs {
    context: cl_context,
    device: cl_device_id,
    options: CString,
    disk: DiskCache,
    saves: bool,
    by_spec: HashMap<Spec, cl_kernel>,
    by_source: HashMap<String, cl_kernel>,
    built: usize,
    build_time: Duration,
}

impl Programs {
    /// `saves` says that asking this driver for a binary is cheap: PoCL compiles once more for it, and has a cache of its own.
    pub fn new(
        context: cl_context,
        device: cl_device_id,
        identity: String,
        options: &str,
        saves: bool,
    ) -> Programs {
        Programs {
            saves,
            context,
            device,
            options: CString::new(options).unwrap_or_default(),
            disk: DiskCache::new("opencl", format!("{identity}|{options}")),
            by_spec: HashMap::new(),
            by_source: HashMap::new(),
            built: 0,
            build_time: Duration::ZERO,
        }
    }
    /// Number of kernels built and the time it took.
    pub fn figures(&self) -> (usize, Duration) {
        (self.built, self.build_time)
    }
    /// The kernel of `spec`, compiled when it is new.
    pub fn kernel(&mut self, spec: &Spec, dialect: &dyn Dialect) -> Result<cl_kernel> {
        if let Some(k) = self.by_spec.get(spec) {
            return Ok(*k);
        }
        let source = spec.render(dialect)?;
        let kernel = match self.by_source.get(&source.text) {
            Some(k) => *k,
            None => {
                let start = Instant::now();
                let kernel = self.build(&source.entry, &source.text)?;
                self.built += 1;
                self.build_time += start.elapsed();
                // Dropped kernels stay alive in OpenCL while they are queued; forgetting them here is a small, bounded leak.
                if self.by_source.len() >= MOST {
                    self.by_source.clear();
                    self.by_spec.clear();
                }
                self.by_source.insert(source.text, kernel);
                kernel
            }
        };
        if self.by_spec.len() >= MOST {
            self.by_spec.clear();
        }
        self.by_spec.insert(spec.clone(), kernel);
        Ok(kernel)
    }
    fn build(&self, entry: &str, text: &str) -> Result<cl_kernel> {
        let name = CString::new(entry).unwrap_or_default();
        if let Some(kernel) = self.disk.load(text).and_then(|binary| self.load(&binary, &name)) {
            return Ok(kernel);
        }
        let program =
            create_program_with_source(self.context, &[text]).map_err(|c| error("new program", c))?;
        if let Err(code) = build_program(program, &[self.device], &self.options, None, std::ptr::null_mut()) {
            let log = get_program_build_info(program, self.device, CL_PROGRAM_BUILD_LOG)
                .map(String::from)
                .unwrap_or_default();
            return Err(Error::new(
                ErrorKind::Device,
                format!(
                    "opencl: kernel {entry} does not build ({}): {}\n{text}",
                    opencl3::error_codes::ClError(code),
                    log.trim()
                ),
            ));
        }
        if self.saves
            && let Ok(binaries) = get_program_info(program, CL_PROGRAM_BINARIES).map(Vec::<Vec<u8>>::from)
            && let Some(binary) = binaries.first()
        {
            self.disk.save(text, binary);
        }
        create_kernel(program, &name).map_err(|c| error(&format!("kernel {entry}"), c))
    }
    fn load(&self, binary: &[u8], name: &CString) -> Option<cl_kernel> {
        // SAFETY: the device belongs to the context; a damaged binary is refused by the driver.
        let program = unsafe { create_program_with_binary(self.context, &[self.device], &[binary]) }.ok()?;
        build_program(program, &[self.device], &self.options, None, std::ptr::null_mut()).ok()?;
        create_kernel(program, name).ok()
    }
}
