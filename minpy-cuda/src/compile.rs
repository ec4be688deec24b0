//! The compiler (NVRTC): what CUDA does for `codegen::Kernels`.
//!
//! Code is compiled to machine code that the device runs where NVRTC can make it, else to PTX for the newest architecture that it
//! knows; where the driver refuses the one (it is older than NVRTC), the other is tried. Products and sums are never contracted (`--fmad=false`): results are NumPy's.

use crate::context::Context;
use crate::libraries::{self, error, guarded};
use cudarc::driver::sys::{CUfunction, CUmodule};
use cudarc::driver::{result, sys as cu};
use cudarc::nvrtc::{result as rtc, sys};
use minpy_core::backend::codegen::{Compiler, does_not_build};
use minpy_core::{Error, ErrorKind, Result};
use std::ffi::{CString, c_void};

/// Whether NVRTC can be loaded.
pub fn has_nvrtc() -> bool {
    libraries::nvrtc()
}

/// The architectures that NVRTC knows, ascending: 75 for compute capability 7.5.
fn architectures() -> Vec<i32> {
    guarded(|| {
        let mut n = 0;
        // SAFETY: the library is there (callers asked); a missing function is caught by `guarded`.
        unsafe { sys::nvrtcGetNumSupportedArchs(&mut n) }.result().ok()?;
        let mut list = vec![0; n.max(0) as usize];
        // SAFETY: the list has room for as many as NVRTC said.
        unsafe { sys::nvrtcGetSupportedArchs(list.as_mut_ptr()) }.result().ok()?;
        list.sort_unstable();
        Some(list)
    })
    .flatten()
    .unwrap_or_default()
}

fn fail(entry: &str, why: &str, text: &str) -> Error {
    does_not_build("cuda", entry, why, text)
}

/// Compiles for `arch` (`compute_75`: PTX, `sm_75`: machine code).
fn compile(name: &str, text: &str, arch: &str) -> Result<Vec<u8>> {
    if !libraries::nvrtc() {
        return Err(Error::new(ErrorKind::Device, "cuda: the compiler library (libnvrtc) is not found"));
    }
    let source = CString::new(text).map_err(|_| fail(name, "the source has a zero byte", text))?;
    let options = [format!("--gpu-architecture={arch}"), "--fmad=false".into(), "--std=c++17".into()];
    let run = || -> Result<Vec<u8>> {
        let bad = |e: rtc::NvrtcError| fail(name, &format!("{e:?}"), "");
        let program = rtc::create_program(&source, None).map_err(bad)?;
        // SAFETY: the program was just created and is destroyed once, below.
        let compiled = unsafe { rtc::compile_program(program, &options) };
        let output = match compiled {
            Ok(()) if arch.starts_with("sm_") => cubin(program),
            // SAFETY: the program is compiled.
            Ok(()) => unsafe { rtc::get_ptx(program) }
                .map(|ptx| ptx.into_iter().map(|c| c as u8).collect())
                .map_err(bad),
            Err(_) => {
                // SAFETY: the program exists.
                let log = unsafe { rtc::get_program_log(program) }.unwrap_or_default();
                let log: Vec<u8> = log.into_iter().map(|c| c as u8).filter(|&c| c != 0).collect();
                Err(fail(name, &String::from_utf8_lossy(&log), text))
            }
        };
        // SAFETY: the last use of the program.
        let _ = unsafe { rtc::destroy_program(program) };
        output
    };
    guarded(std::panic::AssertUnwindSafe(run))
        .unwrap_or_else(|| Err(fail(name, "libnvrtc lacks a function", "")))
}

fn cubin(program: sys::nvrtcProgram) -> Result<Vec<u8>> {
    let bad = |e: rtc::NvrtcError| fail("", &format!("{e:?}"), "");
    let mut size = 0;
    // SAFETY: the program is compiled.
    unsafe { sys::nvrtcGetCUBINSize(program, &mut size) }.result().map_err(bad)?;
    let mut code = vec![0u8; size];
    // SAFETY: `code` has the size that NVRTC said.
    unsafe { sys::nvrtcGetCUBIN(program, code.as_mut_ptr().cast()) }.result().map_err(bad)?;
    Ok(code)
}

/// Compiles a translation unit to PTX for the oldest architecture that NVRTC still knows; needs no GPU.
pub fn compile_ptx(name: &str, text: &str) -> Result<String> {
    let arch = if has_nvrtc() { architectures().first().copied().unwrap_or(75) } else { 75 };
    let ptx = compile(name, text, &format!("compute_{arch}"))?;
    Ok(String::from_utf8_lossy(&ptx).trim_end_matches('\0').to_string())
}

/// What to compile for on a device of compute capability `capability` (75 for 7.5), best first, when NVRTC knows these
/// architectures (ascending). Machine code runs on later devices of its generation, PTX on all later ones. `None`: the device
/// is older than all of them.
fn targets(known: &[i32], capability: i32) -> Option<Vec<String>> {
    let newest = *known.iter().rfind(|&&a| a <= capability)?;
    let machine = (newest / 10 == capability / 10).then(|| format!("sm_{newest}"));
    Some(machine.into_iter().chain([format!("compute_{newest}")]).collect())
}

/// The first of `targets` whose code `make` finishes, moved to the front; when none is, what the first one said.
fn first_accepted<T>(targets: &mut [String], mut make: impl FnMut(&str) -> Result<T>) -> Result<T> {
    let mut refused = None;
    for i in 0..targets.len() {
        match make(&targets[i]) {
            Ok(made) => {
                targets[..=i].rotate_right(1);
                return Ok(made);
            }
            Err(e) => refused = refused.or(Some(e)),
        }
    }
    Err(refused.unwrap_or_else(|| Error::new(ErrorKind::Device, "cuda: nothing to compile for")))
}

/// A kernel and the module that it lives in.
#[derive(Clone, Copy, Debug)]
pub struct Loaded {
    pub function: CUfunction,
    module: CUmodule,
}
// SAFETY: modules and their functions may be used from any thread.
unsafe impl Send for Loaded {}

/// The compiler of one device.
#[derive(Debug)]
pub struct Programs {
    context: Context,
    targets: Vec<String>,
}

impl Programs {
    /// Compiles for `targets`, best first.
    pub fn new(context: Context, targets: Vec<String>) -> Programs {
        Programs { context, targets }
    }
}

/// What to compile for on the device `name` of compute capability `capability` (75 for 7.5), best first. An error when NVRTC knows
/// only newer ones.
pub fn targets_of(name: &str, capability: i32) -> Result<Vec<String>> {
    let known = architectures();
    targets(&known, capability).ok_or_else(|| {
        let oldest = known.first().copied().unwrap_or_default();
        let why = format!(
            "{name} has compute capability {}.{}; the compiler library (libnvrtc) knows {}.{} and later, an older one is needed",
            capability / 10, capability % 10, oldest / 10, oldest % 10
        );
        Error::new(ErrorKind::Device, why)
    })
}

/// Which NVRTC this is.
pub fn version() -> String {
    let (mut major, mut minor) = (0, 0);
    let version = guarded(std::panic::AssertUnwindSafe(|| {
        // SAFETY: both pointers are valid for the call.
        unsafe { sys::nvrtcVersion(&mut major, &mut minor) }
    }));
    format!("nvrtc {major}.{minor} {}", version.is_some())
}

impl Compiler for Programs {
    type Kernel = Loaded;
    fn compile(&mut self, entry: &str, text: &str) -> Result<(Loaded, Option<Vec<u8>>)> {
        self.context.enter()?;
        first_accepted(&mut self.targets, |target| {
            let code = compile(entry, text, target)?;
            Ok((load(entry, &code)?, Some(code)))
        })
    }
    fn load(&self, entry: &str, code: &[u8]) -> Option<Loaded> {
        self.context.enter().and_then(|()| load(entry, code)).ok()
    }
    /// Unloads modules, once nothing of them is queued or running.
    fn forget(&mut self, kernels: &mut dyn Iterator<Item = Loaded>) -> Result<()> {
        self.context.enter()?;
        result::ctx::synchronize().map_err(|e| error("waiting for kernels", e))?;
        for old in kernels {
            // SAFETY: the module was loaded by us, and its function is launched no more: launches happen under the lock around
            // these kernels.
            let _ = unsafe { result::module::unload(old.module) };
        }
        Ok(())
    }
}

fn load(entry: &str, code: &[u8]) -> Result<Loaded> {
    let name = CString::new(entry).unwrap_or_default();
    let mut module: CUmodule = std::ptr::null_mut();
    // SAFETY: the image is PTX with its final zero, or an ELF file that carries its own length; the driver checks both.
    unsafe { cu::cuModuleLoadData(&mut module, code.as_ptr().cast::<c_void>()) }
        .result()
        .map_err(|e| error(&format!("loading kernel {entry}"), e))?;
    // SAFETY: the module is loaded.
    let function = unsafe { result::module::get_function(module, name) }
        .map_err(|e| error(&format!("kernel {entry}"), e))?;
    Ok(Loaded { function, module })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_code_of_the_generation_comes_first_and_old_devices_have_none() {
        let known = [75, 80, 86, 90, 100];
        let list = |capability| targets(&known, capability).map(|t| t.join(" "));
        assert_eq!(list(86).as_deref(), Some("sm_86 compute_86"));
        assert_eq!(list(89).as_deref(), Some("sm_86 compute_86"));
        assert_eq!(list(121).as_deref(), Some("compute_100"));
        assert_eq!(list(70), None);
        assert_eq!(targets(&[], 90), None);
    }

    #[test]
    fn what_the_driver_refuses_is_tried_in_the_other_form() {
        let mut list = targets(&[80], 80).expect("it is known");
        let mut tried = Vec::new();
        let mut make = |target: &str| {
            tried.push(target.to_string());
            if target.starts_with("sm") { Err(Error::new(ErrorKind::Device, "no")) } else { Ok(1) }
        };
        assert_eq!(first_accepted(&mut list, &mut make).ok(), Some(1));
        assert_eq!(first_accepted(&mut list, &mut make).ok(), Some(1));
        assert_eq!(tried, ["sm_80", "compute_80", "compute_80"]);
        let none =
            first_accepted(&mut list, |target| -> Result<()> { Err(Error::new(ErrorKind::Device, target)) });
        assert_eq!(none.err().map(|e| e.message().to_string()).as_deref(), Some("compute_80"));
    }
}
