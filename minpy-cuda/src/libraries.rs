//! Which of NVIDIA's libraries are there.
//!
//! cudarc opens a library at its first call and panics when that fails or when a function is missing from an old one. So
//! every library is looked for first, and the calls that find out whether it is usable run under `catch_unwind`.

use cudarc::{cublas, driver, nvrtc};
use minpy_core::Error;
use std::panic::catch_unwind;
use std::sync::OnceLock;

/// Runs calls into a library that may lack a function; `None` when it does.
pub fn guarded<T>(f: impl FnOnce() -> T + std::panic::UnwindSafe) -> Option<T> {
    catch_unwind(f).ok()
}

fn driver_works() -> Result<(), String> {
    // SAFETY: opening the driver library runs its constructors, as it would in any CUDA program.
    if !unsafe { driver::sys::is_culib_present() } {
        return Err("the CUDA driver library (libcuda) is not installed".into());
    }
    match guarded(driver::result::init) {
        Some(Ok(())) => Ok(()),
        Some(Err(e)) => Err(format!("the CUDA driver does not start: {e}")),
        None => Err("the CUDA driver library is too old".into()),
    }
}

/// Whether the driver is there and starts; else the reason.
pub fn driver() -> &'static Result<(), String> {
    static STATE: OnceLock<Result<(), String>> = OnceLock::new();
    STATE.get_or_init(driver_works)
}

/// Whether NVRTC is there.
pub fn nvrtc() -> bool {
    static STATE: OnceLock<bool> = OnceLock::new();
    // SAFETY: as for the driver.
    *STATE.get_or_init(|| unsafe { nvrtc::sys::is_culib_present() })
}

/// Whether cuBLAS is there.
pub fn cublas() -> bool {
    static STATE: OnceLock<bool> = OnceLock::new();
    // SAFETY: as for the driver.
    *STATE.get_or_init(|| unsafe { cublas::sys::is_culib_present() })
}

/// Which library is missing, in words; `None` when all that are needed are there.
pub fn missing() -> Option<String> {
    if let Err(e) = driver() {
        return Some(e.clone());
    }
    if !nvrtc() {
        return Some(
            "the CUDA compiler library (libnvrtc) is not found: put its folder on LD_LIBRARY_PATH".into(),
        );
    }
    None
}

/// Error of a driver call.
#[cold]
pub fn error(what: &str, e: driver::result::DriverError) -> Error {
    let out_of_memory = e.0 == driver::sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY;
    minpy_core::backend::codegen::fault("cuda", what, out_of_memory, e)
}
