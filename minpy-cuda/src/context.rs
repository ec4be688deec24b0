//! The context of a GPU, in which everything lives that the driver makes.
//!
//! It is made current on the calling thread at every entry; that is one thread-local write in the driver.

use crate::libraries::error;
use cudarc::driver::{result, sys::CUcontext};
use minpy_core::Result;

/// The primary context of a GPU, kept for the life of the process.
#[derive(Clone, Copy, Debug)]
pub struct Context(pub CUcontext);
// SAFETY: contexts may be used from any thread once they are current there.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

impl Context {
    /// Makes it current on this thread.
    pub fn enter(self) -> Result<()> {
        // SAFETY: the context lives as long as the process.
        unsafe { result::ctx::set_current(self.0) }.map_err(|e| error("entering the context", e))
    }
}
