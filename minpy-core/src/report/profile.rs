//! Profiles: what ran as one kernel, how often, how long, and how many bytes it touched.
//!
//! Off unless [`start`] was called. While it is on every kernel is waited for, so that its time is its own.

use crate::Result;
use crate::device::DeviceRef;
use crate::kernel::{Input, KernelCall, View, Work};
use crate::{context, written};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// What is known of one kind of kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What was computed: the operation, or those of a fused group joined by `+`, oldest first. What ran for a function of
    /// another name stands in brackets behind it: `mean(sum+divide)`.
    pub name: String,
    /// The form of the work (`elementwise`, `reduce`, ...).
    pub family: &'static str,
    /// Where.
    pub device: String,
    /// Number of operations in the group.
    pub operations: usize,
    /// How often.
    pub calls: u64,
    /// In all.
    pub time: Duration,
    /// Bytes read and written, in all; what is repeated by broadcasting counts once.
    pub bytes: u64,
}

static ON: AtomicBool = AtomicBool::new(false);
static ENTRIES: Mutex<Option<FxHashMap<(String, &'static str, String), Entry>>> = Mutex::new(None);

/// Forgets earlier figures and takes new ones, of all threads.
pub fn start() {
    *ENTRIES.lock() = Some(FxHashMap::default());
    context::ask_for_names();
    ON.store(true, Relaxed);
}
/// Ends the profile: entries, the longest time first.
pub fn stop() -> Vec<Entry> {
    ON.store(false, Relaxed);
    let mut all: Vec<Entry> = ENTRIES.lock().take().into_iter().flat_map(|m| m.into_values()).collect();
    all.sort_by_key(|e| std::cmp::Reverse(e.time));
    all
}

/// Whether figures are taken.
#[inline]
pub(crate) fn is_on() -> bool {
    ON.load(Relaxed)
}

/// Runs a kernel and takes its figures where a profile is on. `what`: the name of what runs, and how many operations that is.
#[inline]
pub(crate) fn timed(
    call: &KernelCall,
    device: DeviceRef,
    what: impl FnOnce() -> (String, usize),
    run: impl FnOnce() -> Result<()>,
) -> Result<()> {
    if is_on() { measured(call, device, what, run) } else { run() }
}
/// One operation, under the name that the user wrote.
pub(crate) fn one(op: &str) -> (String, usize) {
    (written::label([(written::name(), op)]), 1)
}
/// A planned program, which knows nothing of who wrote it: what its program names.
pub(crate) fn planned(call: &KernelCall) -> (String, usize) {
    let program = call.program.map_or(call.op, |p| p.name());
    let operations = 1 + program.matches('+').count();
    let mut name = if operations > 1 { program } else { call.op }.to_string();
    if let Work::Products { sum, beside } = *call.work {
        name.push_str(if sum { ", sum" } else { "" });
        name.push_str(if beside { ", matmul" } else { "" });
    }
    (name, operations)
}

thread_local! { static INSIDE: Cell<Duration> = const { Cell::new(Duration::ZERO) }; }

/// Work that is no kernel, such as a function of NumPy's; what is measured on this thread before it ends is not its own time.
pub struct Outside {
    start: Instant,
    inside: Duration,
}
/// Begins such work; `None` when no profile is on.
pub fn outside() -> Option<Outside> {
    is_on().then(|| Outside { start: Instant::now(), inside: INSIDE.get() })
}
impl Outside {
    /// Ends it: an entry with that name and device. What failed is no entry: drop the value.
    pub fn end(self, name: String, device: &'static str, bytes: u64) {
        let all = self.start.elapsed();
        let own = all.saturating_sub(INSIDE.get() - self.inside);
        INSIDE.set(self.inside + all);
        add((name, device, device.to_string()), 1, own, bytes);
    }
}

#[cold]
#[inline(never)]
fn measured(
    call: &KernelCall,
    device: DeviceRef,
    what: impl FnOnce() -> (String, usize),
    run: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let (name, operations) = what();
    device.synchronize()?;
    let start = Instant::now();
    run()?;
    device.synchronize()?;
    let time = start.elapsed();
    INSIDE.set(INSIDE.get() + time);
    let views = call.inputs.iter().filter_map(|i| if let Input::View(v) = i { Some(v) } else { None });
    let bytes: u64 = views.chain(call.outputs).map(touched).sum();
    add((name, call.work.name(), device.to_string()), operations, time, bytes);
    Ok(())
}

fn add(key: (String, &'static str, String), operations: usize, time: Duration, bytes: u64) {
    if let Some(all) = &mut *ENTRIES.lock() {
        let e = all.entry(key.clone()).or_insert(Entry {
            name: key.0,
            family: key.1,
            device: key.2,
            operations,
            calls: 0,
            time: Duration::ZERO,
            bytes: 0,
        });
        e.calls += 1;
        e.time += time;
        e.bytes += bytes;
    }
}

fn touched(v: &View) -> u64 {
    let different =
        v.shape.iter().zip(v.strides).map(|(&n, &s)| if s == 0 { 1 } else { n }).product::<usize>();
    (different * v.dtype.size()) as u64
}
