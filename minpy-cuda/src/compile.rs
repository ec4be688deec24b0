//! The compiler (NVRTC) and the cache of compiled kernels: in memory by `Spec` and by source, on disk by source.
//!
//! Code is compiled for the very device where NVRTC knows it, else to PTX for the newest architecture that it knows. Products
//! and sums are never contracted (`--fmad=false`): results are NumPy's.

use crate::libraries::{self, error, guarded};
use cudarc::driver::sys::{CUfunction, CUmodule};
use cudarc::driver::{result, sys as cu};
use cudarc::nvrtc::{result as rtc, sys};
use minpy_core::codegen::{Dialect, DiskCache, Spec};
use minpy_core::{Error, ErrorKind, Result};
use std::collections::HashMap;
use std::ffi::{CString, c_void};
use std::time::{Duration, Instant};

/// Kernels kept per device; more start over (programs of deferred expressions come and go).
const MOST: usize = 4096;

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

fn fail(name: &str, log: &str, text: &str) -> Error {
    let numbered: String = text.lines().enumerate().map(|(i, l)| format!("{:4} {l}\n", i + 1)).collect();
    Error::new(ErrorKind::Device, format!("cuda: kernel {name} does not build: {}\n{numbered}", log.trim()))
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

/// The kernels of one device. Its context must be current when kernels are asked for.
pub struct Programs {
    arch: String,
    disk: DiskCache,
    by_spec: HashMap<Spec, CUfunction>,
    by_source: HashMap<String, CUfunction>,
    built: usize,
    build_time: Duration,
}

// SAFETY: functions of a loaded module may be used from any thread; modules are never unloaded.
unsafe impl Send for Programs {}

impl Programs {
    /// For a device of compute capability `capability` (75 for 7.5) whose other facts are `identity`.
    pub fn new(capability: i32, identity: &str) -> Programs {
        let known = architectures();
        let arch = match known.iter().rfind(|&&a| a <= capability) {
            Some(&a) if a == capability => format!("sm_{a}"),
            Some(a) => format!("compute_{a}"),
            None => format!("compute_{capability}"),
        };
        let (mut major, mut minor) = (0, 0);
        let version = guarded(std::panic::AssertUnwindSafe(|| {
            // SAFETY: both pointers are valid for the call.
            unsafe { sys::nvrtcVersion(&mut major, &mut minor) }
        }));
        let identity = format!("{identity}|{arch}|nvrtc {major}.{minor} {}", version.is_some());
        Programs {
            disk: DiskCache::new("cuda", identity),
            arch,
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
    pub fn kernel(&mut self, spec: &Spec, dialect: &dyn Dialect) -> Result<CUfunction> {
        if let Some(f) = self.by_spec.get(spec) {
            return Ok(*f);
        }
        let source = spec.render(dialect)?;
        let function = match self.by_source.get(&source.text) {
            Some(f) => *f,
            None => {
                let start = Instant::now();
                let f = self.build(&source.entry, &source.text)?;
                self.built += 1;
                self.build_time += start.elapsed();
                // Modules stay loaded, queued work needs them: forgetting them here is a small, bounded leak.
                if self.by_source.len() >= MOST {
                    self.by_source.clear();
                    self.by_spec.clear();
                }
                self.by_source.insert(source.text, f);
                f
            }
        };
        if self.by_spec.len() >= MOST {
            self.by_spec.clear();
        }
        self.by_spec.insert(spec.clone(), function);
        Ok(function)
    }
    fn build(&self, entry: &str, text: &str) -> Result<CUfunction> {
        if let Some(f) = self.disk.load(text).and_then(|code| load(entry, &code).ok()) {
            return Ok(f);
        }
        let code = compile(entry, text, &self.arch)?;
        let f = load(entry, &code)?;
        self.disk.save(text, &code);
        Ok(f)
    }
}

fn load(entry: &str, code: &[u8]) -> Result<CUfunction> {
    let name = CString::new(entry).unwrap_or_default();
    let mut module: CUmodule = std::ptr::null_mut();
    // SAFETY: the image is PTX with its final zero, or an ELF file that carries its own length; the driver checks both.
    unsafe { cu::cuModuleLoadData(&mut module, code.as_ptr().cast::<c_void>()) }
        .result()
        .map_err(|e| error(&format!("loading kernel {entry}"), e))?;
    // SAFETY: the module is loaded.
    unsafe { result::module::get_function(module, name) }.map_err(|e| error(&format!("kernel {entry}"), e))
}
