//! Compiled kernels: in memory by `Spec` and by source, on disk by source and device.
//!
//! The disk cache lives under `MINPY_CACHE_DIR`, else `XDG_CACHE_HOME/minpy`, else `~/.cache/minpy`. It is a convenience:
//! whatever goes wrong there is ignored. A file carries the text it was compiled from, so that a collision is seen.

use crate::error;
use minpy_core::codegen::{Dialect, Spec};
use minpy_core::{Error, ErrorKind, Result};
use opencl3::kernel::create_kernel;
use opencl3::program::*;
use opencl3::types::{cl_context, cl_device_id, cl_kernel, cl_program};
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::ffi::CString;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Kernels kept per device; more start over (programs of deferred expressions come and go).
const MOST: usize = 4096;

/// The kernels of one device.
pub struct Programs {
    context: cl_context,
    device: cl_device_id,
    options: CString,
    /// Device and driver, part of the key on disk.
    identity: String,
    directory: Option<PathBuf>,
    saves: bool,
    by_spec: HashMap<Spec, cl_kernel>,
    by_source: HashMap<String, cl_kernel>,
    built: usize,
    build_time: Duration,
}

/// Where compiled kernels are kept between processes; an empty `MINPY_CACHE_DIR` turns that off.
fn directory() -> Option<PathBuf> {
    let base = match std::env::var_os("MINPY_CACHE_DIR") {
        Some(d) if d.is_empty() => return None,
        Some(d) => PathBuf::from(d),
        None => match std::env::var_os("XDG_CACHE_HOME").filter(|d| !d.is_empty()) {
            Some(d) => PathBuf::from(d).join("minpy"),
            None => PathBuf::from(std::env::var_os("HOME")?).join(".cache").join("minpy"),
        },
    };
    let directory = base.join("opencl");
    std::fs::create_dir_all(&directory).ok()?;
    Some(directory)
}

impl Programs {
    /// `saves` says that asking this driver for a binary is cheap: PoCL compiles once more for it, and has a cache of its own.
    pub fn new(context: cl_context, device: cl_device_id, identity: String, options: &str, saves: bool) -> Programs {
        Programs {
            saves,
            context,
            device,
            options: CString::new(options).unwrap_or_default(),
            identity,
            directory: directory(),
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
        let file = self.directory.as_ref().map(|d| d.join(self.file_name(text)));
        let key = format!("{}\n{text}", self.identity);
        if let Some(kernel) = file.as_ref().and_then(|f| self.load(f, &key, &name)) {
            return Ok(kernel);
        }
        let program = create_program_with_source(self.context, &[text]).map_err(|c| error("new program", c))?;
        if let Err(code) = build_program(program, &[self.device], &self.options, None, std::ptr::null_mut()) {
            let log = get_program_build_info(program, self.device, CL_PROGRAM_BUILD_LOG).map(String::from).unwrap_or_default();
            return Err(Error::new(
                ErrorKind::Device,
                format!("opencl: kernel {entry} does not build ({}): {}\n{text}", opencl3::error_codes::ClError(code), log.trim()),
            ));
        }
        if let Some(file) = file.filter(|_| self.saves) {
            let _ = self.save(&file, &key, program);
        }
        create_kernel(program, &name).map_err(|c| error(&format!("kernel {entry}"), c))
    }
    fn file_name(&self, text: &str) -> String {
        let digest = |salt: u8| {
            let mut h = DefaultHasher::new();
            (salt, &self.identity, &self.options, text).hash(&mut h);
            h.finish()
        };
        format!("{:016x}{:016x}.bin", digest(0), digest(1))
    }
    fn load(&self, file: &PathBuf, key: &str, name: &CString) -> Option<cl_kernel> {
        let bytes = std::fs::read(file).ok()?;
        let length = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?) as usize;
        let binary = bytes.get(8 + length..)?;
        if bytes.get(8..8 + length)? != key.as_bytes() || binary.is_empty() {
            return None;
        }
        // SAFETY: the device belongs to the context; a damaged binary is refused by the driver.
        let program = unsafe { create_program_with_binary(self.context, &[self.device], &[binary]) }.ok()?;
        build_program(program, &[self.device], &self.options, None, std::ptr::null_mut()).ok()?;
        create_kernel(program, name).ok()
    }
    /// Written under another name and moved, so that a reader never sees half a file.
    fn save(&self, file: &PathBuf, key: &str, program: cl_program) -> Option<()> {
        let binaries: Vec<Vec<u8>> = get_program_info(program, CL_PROGRAM_BINARIES).ok()?.into();
        let binary = binaries.first().filter(|b| !b.is_empty())?;
        let mut bytes = (key.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(key.as_bytes());
        bytes.extend_from_slice(binary);
        let temporary = file.with_extension(format!("{}.tmp", std::process::id()));
        std::fs::write(&temporary, bytes).ok()?;
        std::fs::rename(&temporary, file).ok()
    }
}
