//! Which results may wait for their contents, by their size: those get a buffer without memory when they are made.

use crate::DeviceRef;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Results larger than this get their memory at once, so that the error of a lack of it comes where it belongs.
const MOST_BYTES: usize = 1 << 30;

/// Bytes from which on the CPU defers: below, a kernel takes less time than deferring it. `usize::MAX`: never, anywhere.
static THRESHOLD: AtomicUsize = AtomicUsize::new(UNSET);
const UNSET: usize = usize::MAX - 1;
/// Measured: where a chain of 13 operations on float32 arrays is as fast either way, on two machines with AVX-512.
const DEFAULT_THRESHOLD: usize = 32 << 10;

/// Bytes from which on the CPU defers: `MINPY_DEFER_BYTES` (`off`: nothing is deferred, on no device), or the measured default.
#[inline]
pub fn threshold() -> usize {
    match THRESHOLD.load(Relaxed) {
        UNSET => from_environment(),
        n => n,
    }
}
#[cold]
fn from_environment() -> usize {
    let n = match std::env::var("MINPY_DEFER_BYTES") {
        Ok(t) if t.trim() == "off" => usize::MAX,
        Ok(t) => t.trim().parse().unwrap_or(DEFAULT_THRESHOLD),
        Err(_) => DEFAULT_THRESHOLD,
    };
    THRESHOLD.store(n, Relaxed);
    n
}
/// Replaces the threshold (`usize::MAX`: nothing is deferred from now on) and gives back the one before.
pub fn set_threshold(bytes: usize) -> usize {
    let before = threshold();
    THRESHOLD.store(if bytes >= UNSET { usize::MAX } else { bytes }, Relaxed);
    before
}

/// Whether results of `bytes` on `device` are large enough to be deferred.
#[inline]
pub(crate) fn worth(device: DeviceRef, bytes: usize) -> bool {
    let least = threshold();
    (bytes >= least || !device.is_host() && least != usize::MAX) && bytes <= MOST_BYTES
}
/// Whether results of `bytes` may be deferred at all.
#[inline]
pub(crate) fn possible(bytes: usize) -> bool {
    threshold() != usize::MAX && bytes <= MOST_BYTES
}
