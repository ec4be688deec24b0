//! The hook through which a tape sees operations. Core does not know autograd: minpy-autograd installs itself here.

use crate::op::OpCall;
use crate::{Array, Result};
use std::sync::OnceLock;

/// What a tape wants to know. Called only while `context::RECORDING` is set on the thread.
pub trait Recorder: Send + Sync {
    /// Before the operation runs, inputs still untouched: decide whether it is recorded and save what its rule
    /// needs. 0 means not recorded; another number is handed to `commit`.
    fn prepare(&self, call: &OpCall) -> Result<u64>;
    /// Whether the call, were it recorded, would have a gradient: it needs none (nothing of it is watched, or its results are
    /// constants), or there is a rule. Of one that decomposes the parts are recorded otherwise.
    fn knows(&self, call: &OpCall) -> bool;
    /// Before anything is written into an existing array: keep what the tape still needs of its buffer. Called for every
    /// in-place write, also of calls that are not recorded, on the thread that writes.
    fn before_write(&self, target: &Array) -> Result<()>;
    /// The call that was prepared last will not be committed: other calls do its work, and are recorded.
    fn void(&self);
    /// After the operation ran: `results` are the new arrays or the targets.
    fn commit(&self, token: u64, call: &OpCall, results: &[&Array]) -> Result<()>;
    /// After an in-place write that was not recorded (`prepare` gave 0): the contents no longer depend on anything watched
    /// in the written elements.
    fn overwritten(&self, call: &OpCall, target: &Array) -> Result<()>;
}

static RECORDER: OnceLock<&'static dyn Recorder> = OnceLock::new();

/// Installs the recorder of the process; the first one stays.
pub fn install(recorder: &'static dyn Recorder) {
    let _ = RECORDER.set(recorder);
}
/// The installed recorder.
#[inline]
pub fn get() -> Option<&'static dyn Recorder> {
    RECORDER.get().copied()
}
