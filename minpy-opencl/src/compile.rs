//! Compiles kernels: what OpenCL does for `codegen::Kernels`.

use crate::error;
use minpy_core::Result;
use minpy_core::backend::codegen::{Compiler, does_not_build};
use opencl3::error_codes::ClError;
use opencl3::kernel::{create_kernel, release_kernel};
use opencl3::program::*;
use opencl3::types::{cl_context, cl_device_id, cl_kernel, cl_program};
use std::ffi::CString;

/// The compiler of one device.
#[derive(Debug)]
pub struct Programs {
    context: cl_context,
    device: cl_device_id,
    options: CString,
    saves: bool,
}
// SAFETY: contexts and devices may be used from any thread.
unsafe impl Send for Programs {}

/// A kernel. Its arguments are state: it is launched under the lock around the device's kernels.
#[derive(Clone, Copy, Debug)]
pub struct Kernel(pub cl_kernel);
// SAFETY: kernels may be used from any thread, by one at a time.
unsafe impl Send for Kernel {}

impl Programs {
    /// `saves` says that asking this driver for a binary is cheap: PoCL compiles once more for it, and has a cache of its own.
    pub fn new(context: cl_context, device: cl_device_id, options: &str, saves: bool) -> Programs {
        Programs { context, device, options: CString::new(options).unwrap_or_default(), saves }
    }
    fn finish(&self, program: cl_program, entry: &str, text: &str) -> Result<(Kernel, Option<Vec<u8>>)> {
        if let Err(code) = build_program(program, &[self.device], &self.options, None, std::ptr::null_mut()) {
            let log = get_program_build_info(program, self.device, CL_PROGRAM_BUILD_LOG)
                .map(String::from)
                .unwrap_or_default();
            let why = format!("{}: {log}", ClError(code));
            return Err(does_not_build("opencl", entry, &why, text));
        }
        let kernel = create_kernel(program, &CString::new(entry).unwrap_or_default())
            .map_err(|c| error(&format!("kernel {entry}"), c))?;
        let binaries = || get_program_info(program, CL_PROGRAM_BINARIES).map(Vec::<Vec<u8>>::from);
        let code = if self.saves { binaries().ok().and_then(|all| all.into_iter().next()) } else { None };
        Ok((Kernel(kernel), code))
    }
}

impl Compiler for Programs {
    type Kernel = Kernel;
    fn compile(&mut self, entry: &str, text: &str) -> Result<(Kernel, Option<Vec<u8>>)> {
        let program =
            create_program_with_source(self.context, &[text]).map_err(|c| error("new program", c))?;
        let made = self.finish(program, entry, text);
        release(program);
        made
    }
    fn load(&self, entry: &str, code: &[u8]) -> Option<Kernel> {
        let name = CString::new(entry).unwrap_or_default();
        // SAFETY: the device belongs to the context; a damaged binary is refused by the driver.
        let program = unsafe { create_program_with_binary(self.context, &[self.device], &[code]) }.ok()?;
        let kernel = build_program(program, &[self.device], &self.options, None, std::ptr::null_mut())
            .and_then(|()| create_kernel(program, &name));
        release(program);
        kernel.ok().map(Kernel)
    }
    // OpenCL keeps what is queued until it has run.
    fn forget(&mut self, kernels: &mut dyn Iterator<Item = Kernel>) -> Result<()> {
        for kernel in kernels {
            // SAFETY: ours since it was made, and launched no more: launches happen under the lock around these kernels.
            let _ = unsafe { release_kernel(kernel.0) };
        }
        Ok(())
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
    use minpy_core::DType;
    use minpy_core::backend::codegen::{DiskCache, Kernels, Spec, Tuning, plan};
    use minpy_core::backend::{Fold, Input, KernelCall, Memory, View, Work};
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

    /// For the first device that there is.
    fn compiler() -> Option<Programs> {
        let devices = get_platform_ids().unwrap_or_default().into_iter();
        let Some(device) =
            devices.flat_map(|p| get_device_ids(p, CL_DEVICE_TYPE_ALL).unwrap_or_default()).next()
        else {
            println!("skipped: no OpenCL device");
            return None;
        };
        let context =
            create_context(&[device], std::ptr::null(), None, std::ptr::null_mut()).expect("a context");
        Some(Programs::new(context, device, "-cl-std=CL1.2", false))
    }

    #[test]
    fn what_does_not_build_is_shown_with_its_lines() {
        let Some(mut compiler) = compiler() else { return };
        let text = "__kernel void f() {\n  nonsense\n}\n";
        let e = compiler.compile("f", text).expect_err("it is no C");
        let shown = "\n   1 __kernel void f() {\n   2   nonsense\n   3 }";
        assert!(e.message().starts_with("opencl: kernel f does not build: CL_BUILD_PROGRAM_FAILURE"), "{e}");
        assert!(e.message().ends_with(shown), "{e}");
    }

    #[test]
    fn kernels_that_are_forgotten_are_released() {
        let Some(compiler) = compiler() else { return };
        let mut programs = Kernels::new(compiler, DiskCache::none()).at_most(1);
        let first = programs.get(&scan_of(DType::I32), &OpenCl).expect("it builds").0;
        // SAFETY: the kernel is alive.
        unsafe { retain_kernel(first) }.expect("a live kernel");
        let owners =
            || get_kernel_info(first, CL_KERNEL_REFERENCE_COUNT).map(u32::from).expect("a live kernel");
        assert_eq!(owners(), 2);
        programs.get(&scan_of(DType::I64), &OpenCl).expect("it builds");
        assert_eq!(owners(), 1);
        programs.get(&scan_of(DType::I32), &OpenCl).expect("it builds again");
        assert_eq!(programs.made(), 3);
    }
}
