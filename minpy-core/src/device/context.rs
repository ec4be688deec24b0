//! What is in force on this thread: the current device, the policy, and whether calls are recorded or traced.
//!
//! One thread-local; and one count of threads that have anything to say in it, so that the common case costs one look at that.

use crate::device::{self, DeviceRef};
use crate::{Error, ErrorKind, Result};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// Where operations may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Policy {
    /// On the device of the inputs; on the host what the device lacks (counted).
    #[default]
    PreferDevice,
    /// On the device only: a missing kernel is an error.
    OnlyDevice,
    /// On the host only.
    OnlyHost,
}

impl Policy {
    /// `prefer_device`, `only_device`, `only_host`.
    pub fn parse(name: &str) -> Result<Policy> {
        match name {
            "prefer_device" => Ok(Policy::PreferDevice),
            "only_device" => Ok(Policy::OnlyDevice),
            "only_host" => Ok(Policy::OnlyHost),
            _ => Err(Error::new(ErrorKind::Type, format!("Unknown policy name: {name}"))),
        }
    }
    /// The name that `parse` takes.
    pub fn name(self) -> &'static str {
        match self {
            Policy::PreferDevice => "prefer_device",
            Policy::OnlyDevice => "only_device",
            Policy::OnlyHost => "only_host",
        }
    }
}

/// A tape is active on this thread.
pub const RECORDING: u32 = 1;
/// Launches are collected and not run.
pub(crate) const TRACING: u32 = 2;
/// Operations are counted.
pub const COUNTING: u32 = 4;
/// Launches are grouped and collected, and not run (`fuse::grouped`).
pub(crate) const GROUPING: u32 = 8;
/// What runs decomposes: a kernel that refuses it hands it back, and the host does not take over.
pub(crate) const DECOMPOSES: u32 = 16;
/// What runs is NumPy's `dot`, whichever operations that is made of.
pub(crate) const DOT: u32 = 32;
/// Nobody is told of floating-point exceptions.
pub(crate) const QUIET: u32 = 64;

struct Context {
    flags: Cell<u32>,
    policy: Cell<Policy>,
    device: Cell<Option<DeviceRef>>,
}
thread_local! {
    static CONTEXT: Context = const {
        Context { flags: Cell::new(0), policy: Cell::new(Policy::PreferDevice), device: Cell::new(None) }
    };
}

/// Whether anybody has ever asked for the names of the functions that users call (`written.rs`).
static NAMES: AtomicBool = AtomicBool::new(false);
/// Somebody begins to ask for them.
pub(crate) fn ask_for_names() {
    NAMES.store(true, Relaxed);
}
/// See `ask_for_names`.
#[inline]
pub(crate) fn names_asked() -> bool {
    NAMES.load(Relaxed)
}

/// Threads with flags (and those that ended with some). Mostly none has any, which is read faster than what a thread has.
static FLAGGED: AtomicUsize = AtomicUsize::new(0);

/// The flags in force: `RECORDING`, `TRACING`, `COUNTING`, `GROUPING`, `DECOMPOSES`, `DOT`, `QUIET`.
#[inline]
pub fn flags() -> u32 {
    if FLAGGED.load(Relaxed) == 0 { 0 } else { CONTEXT.with(|c| c.flags.get()) }
}
/// Sets or clears flags.
pub fn set_flag(flag: u32, on: bool) {
    if on && flag & COUNTING != 0 {
        ask_for_names();
    }
    CONTEXT.with(|c| {
        let before = c.flags.get();
        let now = if on { before | flag } else { before & !flag };
        match (before, now) {
            (0, 1..) => drop(FLAGGED.fetch_add(1, Relaxed)),
            (1.., 0) => drop(FLAGGED.fetch_sub(1, Relaxed)),
            _ => {}
        }
        c.flags.set(now);
    });
}
/// Whether a tape listens on this thread.
#[inline]
pub fn recording() -> bool {
    flags() & RECORDING != 0
}
/// Runs `f` without recording: what it computes is constant for every tape.
pub fn unrecorded<R>(f: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            set_flag(RECORDING, self.0);
        }
    }
    let _restore = Restore(recording());
    set_flag(RECORDING, false);
    f()
}
/// Runs `f` with a flag set.
pub(crate) fn with_flag<R>(flag: u32, f: impl FnOnce() -> R) -> R {
    struct Restore(u32, bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            set_flag(self.0, self.1);
        }
    }
    let _restore = Restore(flag, flags() & flag != 0);
    set_flag(flag, true);
    f()
}
/// Whether launches are collected and not run.
#[inline]
pub fn tracing() -> bool {
    flags() & TRACING != 0
}
/// The policy of this thread.
#[inline]
pub fn policy() -> Policy {
    CONTEXT.with(|c| c.policy.get())
}
/// Replaces the policy and gives back the one before.
pub fn set_policy(policy: Policy) -> Policy {
    CONTEXT.with(|c| c.policy.replace(policy))
}
/// The device on which new arrays are made: the last `set_device` of this thread, or `MINPY_DEVICE`, or `cpu(0)`.
pub fn current_device() -> Result<DeviceRef> {
    if let Some(d) = CONTEXT.with(|c| c.device.get()) {
        return Ok(d);
    }
    let d = match std::env::var("MINPY_DEVICE") {
        Ok(text) if !text.is_empty() => device::parse(&text).map_err(|e| e.context("MINPY_DEVICE"))?,
        _ => device::host()?,
    };
    CONTEXT.with(|c| c.device.set(Some(d)));
    Ok(d)
}
/// Replaces the current device and gives back the one before (`None`: never asked).
pub fn set_device(device: Option<DeviceRef>) -> Option<DeviceRef> {
    CONTEXT.with(|c| c.device.replace(device))
}
/// Runs `f` with another current device.
pub fn with_device<R>(device: DeviceRef, f: impl FnOnce() -> R) -> R {
    struct Restore(Option<DeviceRef>);
    impl Drop for Restore {
        fn drop(&mut self) {
            set_device(self.0);
        }
    }
    let _restore = Restore(set_device(Some(device)));
    f()
}
/// Runs `f` under another policy.
pub fn with_policy<R>(policy: Policy, f: impl FnOnce() -> R) -> R {
    struct Restore(Policy);
    impl Drop for Restore {
        fn drop(&mut self) {
            set_policy(self.0);
        }
    }
    let _restore = Restore(set_policy(policy));
    f()
}
