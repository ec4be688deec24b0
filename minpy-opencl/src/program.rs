//! Compiled kernels: in memory by `Spec` and by source, on disk through `codegen::DiskCache`.
//!
//! A device asks for the kernel of a `Spec`; only when it is new is it rendered, and only when its text is new is it built.

use crate::error;
use minpy_core::codegen::{Dialect, DiskCache, Spec};
use minpy_core::{Error, ErrorKind, Result};
use opencl3::kernel::{create_kernel, release_kernel};
use opencl3::program::*;
use opencl3::types::{cl_context, cl_device_id, cl_kernel, cl_program};
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
    most: usize,
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
            most: MOST,
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
                if self.by_source.len() >= self.most {
                    self.by_spec.clear();
                    // OpenCL keeps what is queued until it has run.
                    for (_, old) in self.by_source.drain() {
                        // SAFETY: ours since it was made, and forgotten here; launches happen under our caller's lock.
                        let _ = unsafe { release_kernel(old) };
                    }
                }
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
    fn build(&self, entry: &str, text: &str) -> Result<cl_kernel> {
        let name = CString::new(entry).unwrap_or_default();
        if let Some(kernel) = self.disk.load(text).and_then(|binary| self.load(&binary, &name)) {
            return Ok(kernel);
        }
        let program =
            create_program_with_source(self.context, &[text]).map_err(|c| error("new program", c))?;
        let kernel = self.finish(program, entry, &name, text);
        release(program);
        kernel
    }
    fn finish(&self, program: cl_program, entry: &str, name: &CString, text: &str) -> Result<cl_kernel> {
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
        create_kernel(program, name).map_err(|c| error(&format!("kernel {entry}"), c))
    }
    fn load(&self, binary: &[u8], name: &CString) -> Option<cl_kernel> {
        // SAFETY: the device belongs to the context; a damaged binary is refused by the driver.
        let program = unsafe { create_program_with_binary(self.context, &[self.device], &[binary]) }.ok()?;
        let kernel = build_program(program, &[self.device], &self.options, None, std::ptr::null_mut())
            .and_then(|()| create_kernel(program, name));
        release(program);
        kernel.ok()
    }
}

/// Gives a program back; its kernels keep what they need of it.
fn release(program: cl_program) {
    // SAFETY: the caller made the program and uses it no more.
    let _ = unsafe { release_program(program) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OpenCl;
    use minpy_core::codegen::{Tuning, plan};
    use minpy_core::device::Memory;
    use minpy_core::kernel::{Input, KernelCall, View, Work};
    use minpy_core::{DType, kernel::Fold};
    use opencl3::context::context::create_context;
    use opencl3::device::{CL_DEVICE_TYPE_ALL, get_device_ids};
    use opencl3::kernel::{CL_KERNEL_REFERENCE_COUNT, get_kernel_info, retain_kernel};
    use opencl3::platform::platform::get_platform_ids;

    fn scan_of(dtype: DType) -> Spec {
        let memory = [1, 2].map(|handle| Memory { handle, offset: 0, bytes: 1 << 20 });
        let view = |i: usize| View { memory: &memory[i], dtype, shape: &[9], strides: &[1], offset: 0 };
        let (work, inputs, outputs) = (Work::Scan(Fold::Add), [Input::View(view(0))], [view(1)]);
        let call = KernelCall { op: "scan", work: &work, program: None, inputs: &inputs, outputs: &outputs };
        plan(&call, &Tuning::cpu(1, 16)).expect("scans are rendered").steps[0].spec.clone()
    }

    #[test]
    fn kernels_that_are_forgotten_are_released() {
        let devices = get_platform_ids().unwrap_or_default().into_iter();
        let Some(device) =
            devices.flat_map(|p| get_device_ids(p, CL_DEVICE_TYPE_ALL).unwrap_or_default()).next()
        else {
            println!("skipped: no OpenCL device");
            return;
        };
        let context =
            create_context(&[device], std::ptr::null(), None, std::ptr::null_mut()).expect("a context");
        let mut programs = Programs::new(context, device, String::new(), "-cl-std=CL1.2", false);
        programs.most = 1;
        let first = programs.kernel(&scan_of(DType::I32), &OpenCl).expect("it builds");
        // SAFETY: the kernel is alive.
        unsafe { retain_kernel(first) }.expect("a live kernel");
        let owners =
            || get_kernel_info(first, CL_KERNEL_REFERENCE_COUNT).map(u32::from).expect("a live kernel");
        assert_eq!(owners(), 2);
        programs.kernel(&scan_of(DType::I64), &OpenCl).expect("it builds");
        assert_eq!(owners(), 1);
        assert_eq!((programs.by_source.len(), programs.by_spec.len()), (1, 1));
        programs.kernel(&scan_of(DType::I32), &OpenCl).expect("it builds again");
        assert_eq!(programs.figures().0, 3);
    }
}
