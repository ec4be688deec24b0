//! Counters: which operation ran where, and every fallback with its reason, bytes, time and call site.
//!
//! Counters are per thread, so that counting needs no lock. Fallbacks are always counted; operations while
//! `context::COUNTING` is set.

use crate::written;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

/// What is known of one kind of fallback.
#[derive(Clone, Debug, PartialEq)]
pub struct Fallback {
    /// Operation.
    pub op: String,
    /// Device that could not do it.
    pub device: String,
    /// Who did it: `"host"`; `"numpy"`; `"parts"`, the operations that it decomposes into, on the same device, whose kernel refused it.
    pub by: &'static str,
    /// Why.
    pub reason: String,
    /// Where in the user's program (`file:line`), when known.
    pub site: String,
    /// How often.
    pub calls: u64,
    /// Bytes copied between device and host.
    pub bytes: u64,
    /// Time in all.
    pub time: Duration,
}

#[derive(Default)]
struct Counters {
    ops: RefCell<BTreeMap<(String, String), u64>>,
    fallbacks: RefCell<Vec<Fallback>>,
    moved: Cell<u64>,
    /// Fallbacks inside `later`, and how deep it is nested.
    held: RefCell<Vec<Held>>,
    depth: Cell<u32>,
    /// How often they were set to zero.
    resets: Cell<u64>,
    /// Whether fallbacks are told of as they happen.
    warns: Cell<bool>,
}
/// Where a fallback is counted, for those that come again.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    index: usize,
    resets: u64,
}
/// A fallback that is counted when no lock is held any more: op, device, by, reason, bytes, time.
type Held = (String, String, &'static str, String, u64, Duration);
thread_local! { static COUNTERS: Counters = Counters::default(); }
/// See `deferral::prepare_thread`.
pub(crate) fn prepare_thread() {
    COUNTERS.with(|_| ());
}
static SITE: OnceLock<fn() -> String> = OnceLock::new();
static TELL: OnceLock<fn(&str, &str, &str)> = OnceLock::new();

/// Installs the function that names the user's present line (the Python package does).
pub fn install_call_site(f: fn() -> String) {
    let _ = SITE.set(f);
}
/// Installs what tells the user of a fallback, by operation, device and reason (the Python package does).
pub fn install_tell(f: fn(&str, &str, &str)) {
    let _ = TELL.set(f);
}
/// Has fallbacks of this thread told, or not.
pub fn set_warns(on: bool) {
    COUNTERS.with(|c| c.warns.set(on));
}
/// Whether they are. Those of NumPy (`by`) their own callers tell of, who can hand on what comes of it.
pub fn warns() -> bool {
    COUNTERS.with(|c| c.warns.get())
}
/// Counts one operation on a device kind, under the name that the user wrote.
#[cold]
pub fn count_op(op: &'static str, device: &str) {
    let label = written::label([(written::name(), op)]);
    COUNTERS.with(|c| *c.ops.borrow_mut().entry((label, device.to_string())).or_insert(0) += 1);
}
/// Counts one fallback; says where, unless that is not known yet.
#[cold]
pub fn count_fallback(
    op: &str,
    device: &str,
    by: &'static str,
    reason: &str,
    bytes: u64,
    time: Duration,
) -> Option<Place> {
    if COUNTERS.with(|c| c.depth.get()) > 0 {
        COUNTERS.with(|c| {
            c.held.borrow_mut().push((op.into(), device.into(), by, reason.into(), bytes, time));
        });
        return None;
    }
    if by == "host"
        && warns()
        && let Some(tell) = TELL.get()
    {
        tell(op, device, reason);
    }
    let site = SITE.get().map_or_else(String::new, |f| f());
    COUNTERS.with(|c| {
        let mut all = c.fallbacks.borrow_mut();
        let same = |f: &Fallback| {
            f.op == op && f.device == device && f.by == by && f.reason == reason && f.site == site
        };
        let index = all.iter().position(same).unwrap_or_else(|| {
            all.push(Fallback {
                op: op.into(),
                device: device.into(),
                by,
                reason: reason.into(),
                site,
                calls: 0,
                bytes: 0,
                time: Duration::ZERO,
            });
            all.len() - 1
        });
        all[index].add(bytes, time);
        Some(Place { index, resets: c.resets.get() })
    })
}
impl Fallback {
    fn add(&mut self, bytes: u64, time: Duration) {
        self.calls += 1;
        self.bytes += bytes;
        self.time += time;
    }
}
/// Counts the same fallback once more; false when the counters were set to zero since.
pub fn count_again(place: Place, bytes: u64, time: Duration) -> bool {
    COUNTERS.with(|c| {
        if place.resets != c.resets.get() || c.depth.get() > 0 {
            return false;
        }
        match c.fallbacks.borrow_mut().get_mut(place.index) {
            Some(f) => f.add(bytes, time),
            None => return false,
        }
        true
    })
}
/// Takes the last `count_op` back: the kernel refused.
#[cold]
pub(crate) fn take_back_op(op: &'static str, device: &str) {
    let key = (written::label([(written::name(), op)]), device.to_string());
    COUNTERS.with(|c| {
        let mut ops = c.ops.borrow_mut();
        match ops.get_mut(&key) {
            Some(n) if *n > 1 => *n -= 1,
            _ => drop(ops.remove(&key)),
        }
    });
}
/// Runs `f`, which holds locks, and counts its fallbacks afterwards: naming the user's line may need a lock of its own
/// (Python's), whose holder may wait for ours.
pub(crate) fn later<R>(f: impl FnOnce() -> R) -> R {
    struct Deeper;
    impl Drop for Deeper {
        fn drop(&mut self) {
            COUNTERS.with(|c| c.depth.set(c.depth.get() - 1));
        }
    }
    let result = {
        let _deeper = Deeper;
        COUNTERS.with(|c| c.depth.set(c.depth.get() + 1));
        f()
    };
    let held = COUNTERS.with(|c| if c.depth.get() == 0 { c.held.take() } else { Vec::new() });
    for (op, device, by, reason, bytes, time) in held {
        count_fallback(&op, &device, by, &reason, bytes, time);
    }
    result
}
/// Counts bytes that an automatic copy between devices moved.
pub(crate) fn count_moved(bytes: u64) {
    COUNTERS.with(|c| c.moved.set(c.moved.get() + bytes));
}
/// Operations counted on this thread: `(op, device kind) -> calls`. What runs for a function of another name stands in
/// brackets behind it: `dot(matmul)`.
pub fn ops() -> BTreeMap<(String, String), u64> {
    COUNTERS.with(|c| c.ops.borrow().clone())
}
/// Fallbacks of this thread.
pub fn fallbacks() -> Vec<Fallback> {
    COUNTERS.with(|c| c.fallbacks.borrow().clone())
}
/// Fallbacks of this thread, all calls together.
pub fn fallback_count() -> u64 {
    COUNTERS.with(|c| c.fallbacks.borrow().iter().map(|f| f.calls).sum())
}
/// Bytes that automatic copies between devices moved on this thread (fallbacks not included).
pub fn moved_bytes() -> u64 {
    COUNTERS.with(|c| c.moved.get())
}
/// Sets the counters of this thread to zero.
pub fn reset() {
    COUNTERS.with(|c| {
        c.ops.borrow_mut().clear();
        c.fallbacks.borrow_mut().clear();
        c.moved.set(0);
        c.resets.set(c.resets.get() + 1);
    });
}
