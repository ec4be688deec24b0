//! Profiles: what ran as one kernel, in NumPy or as a copy between devices, on which line, how long; and what lay between.
//!
//! Off unless [`start`] was called. While it is on every kernel is waited for, so that its time is its own. Each thread keeps a record
//! (`track.rs`) of what it measured, from which its time is explained.

use super::track::{Shared, none_between};
use crate::Result;
use crate::device::DeviceRef;
use crate::kernel::{Input, KernelCall, View, Work};
use crate::{context, written};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

pub use super::track::{Cost, Event, Line, Thread, any_between};

/// What is known of one kind of kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What was computed: the operation, or those of a fused group joined by `+`, oldest first. What ran for a function of
    /// another name stands in brackets behind it: `mean(sum+divide)`.
    pub name: String,
    /// The form of the work (`elementwise`, `reduce`, ...), `copy` between a device and the host, or who did it instead (`numpy`).
    pub family: &'static str,
    /// Where.
    pub device: String,
    /// Number of operations in the group.
    pub operations: usize,
    /// How often.
    pub calls: u64,
    /// In all, without what was measured inside of it.
    pub time: Duration,
    /// Bytes read and written, in all; what is repeated by broadcasting counts once.
    pub bytes: u64,
}

/// A profile that has ended.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// Kinds of work, the longest time first.
    pub entries: Vec<Entry>,
    /// The threads on which there was any, the first of them that which started the profile.
    pub threads: Vec<Thread>,
    /// From the start to the end.
    pub time: Duration,
}

/// Finds the user's line on the stack of another language, and the thread as that language numbers it.
#[derive(Clone, Copy)]
pub struct Places {
    /// The line that runs now; 0 where there is none.
    pub line: fn() -> Line,
    /// The thread that runs now.
    pub thread: fn() -> u64,
}
static PLACES: OnceLock<Places> = OnceLock::new();
/// Installs what finds lines (the Python package does).
pub fn install_places(places: Places) {
    let _ = PLACES.set(places);
}
/// The user's line, where anybody knows it.
pub(crate) fn line() -> Line {
    PLACES.get().map_or(0, |p| (p.line)())
}

type Key = (String, &'static str, String);
struct State {
    begun: Instant,
    numbers: FxHashMap<Key, u32>,
    entries: Vec<Entry>,
    tracks: Vec<Arc<Shared>>,
    /// Those of threads that live.
    live: Vec<Arc<Shared>>,
}
static ON: AtomicBool = AtomicBool::new(false);
static STATE: Mutex<Option<State>> = Mutex::new(None);
thread_local! { static MINE: RefCell<Mine> = const { RefCell::new(Mine(None)) }; }
/// The record of a thread, which ends with it: the system may give its number to another.
struct Mine(Option<Arc<Shared>>);
impl Drop for Mine {
    fn drop(&mut self) {
        if let (Some(track), Some(state)) = (&self.0, &mut *STATE.lock())
            && track.begun == state.begun
        {
            track.ends();
            state.live.retain(|t| !Arc::ptr_eq(t, track));
        }
    }
}

/// Forgets earlier figures and takes new ones, of all threads. The time of the calling one is explained from now on.
pub fn start() {
    let state = State {
        begun: Instant::now(),
        numbers: FxHashMap::default(),
        entries: Vec::new(),
        tracks: Vec::new(),
        live: Vec::new(),
    };
    *STATE.lock() = Some(state);
    none_between();
    context::ask_for_names();
    let line = line();
    if let Some(track) = track() {
        track.lock().opener_begins(line);
    }
    ON.store(true, Relaxed);
}
/// Ends the profile.
pub fn stop() -> Profile {
    let last = is_on().then(line).unwrap_or_default();
    ON.store(false, Relaxed);
    let Some(state) = STATE.lock().take() else { return Profile::default() };
    let time = state.begun.elapsed();
    let mine = MINE.with_borrow_mut(|mine| mine.0.take());
    if let Some(track) = mine.filter(|t| t.begun == state.begun) {
        track.lock().opener_ends(time, last);
    }
    let threads: Vec<Thread> = state.tracks.iter().map(|t| t.lock().finish(t.thread)).collect();
    let mut order: Vec<usize> = (0..state.entries.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(state.entries[i].time));
    let mut places = vec![0; order.len()];
    for (place, &i) in order.iter().enumerate() {
        places[i] = place as u32;
    }
    let entries = order.into_iter().map(|i| state.entries[i].clone()).collect();
    Profile { entries, threads: threads.into_iter().map(|t| t.renumbered(&places)).collect(), time }
}

/// Whether figures are taken.
#[inline]
pub fn is_on() -> bool {
    ON.load(Relaxed)
}

/// The record of this thread in the profile that is on.
fn track() -> Option<Arc<Shared>> {
    let mut state = STATE.lock();
    let state = state.as_mut()?;
    MINE.with_borrow_mut(|mine| {
        if let Some(track) = &mine.0
            && track.begun == state.begun
        {
            return Some(track.clone());
        }
        let new = Arc::new(Shared::new(state.begun, PLACES.get().map_or(0, |p| (p.thread)())));
        state.tracks.push(new.clone());
        state.live.push(new.clone());
        mine.0 = Some(new.clone());
        Some(new)
    })
}

fn live() -> Vec<Arc<Shared>> {
    STATE.lock().as_ref().map_or_else(Vec::new, |s| s.live.clone())
}
/// Threads on which nothing is measured at the moment, so that their time is their own language's.
pub fn between() -> Vec<u64> {
    live().iter().filter(|t| t.lock().is_between()).map(|t| t.thread).collect()
}
/// A sample: the line on which such a thread is.
pub fn sampled(thread: u64, line: Line) {
    for t in live().iter().filter(|t| t.thread == thread) {
        t.lock().sampled(t.begun.elapsed(), line);
    }
}

/// What a kernel is called, of how many operations it is, and on which lines they were written (none: on the present one).
pub(crate) struct What {
    pub(crate) name: String,
    pub(crate) operations: usize,
    pub(crate) lines: SmallVec<[Line; 4]>,
}

/// Runs a kernel and takes its figures where a profile is on.
#[inline]
pub(crate) fn timed(
    call: &KernelCall,
    device: DeviceRef,
    what: impl FnOnce() -> What,
    run: impl FnOnce() -> Result<()>,
) -> Result<()> {
    if is_on() { measured(call, device, what, run) } else { run() }
}
/// One operation, under the name that the user wrote.
pub(crate) fn one(op: &str) -> What {
    What { name: written::label([(written::name(), op)]), operations: 1, lines: SmallVec::new() }
}
/// A planned program, which knows nothing of who wrote it: what its program names.
pub(crate) fn planned(call: &KernelCall) -> What {
    let program = call.program.map_or(call.op, |p| p.name());
    let operations = 1 + program.matches('+').count();
    let mut name = if operations > 1 { program } else { call.op }.to_string();
    if let Work::Products { sum, beside } = *call.work {
        name.push_str(if sum { ", sum" } else { "" });
        name.push_str(if beside { ", matmul" } else { "" });
    }
    What { name, operations, lines: SmallVec::new() }
}

#[cold]
#[inline(never)]
fn measured(
    call: &KernelCall,
    device: DeviceRef,
    what: impl FnOnce() -> What,
    run: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let Some(open) = outside() else { return run() };
    let What { name, operations, lines } = what();
    device.synchronize()?;
    let open = open.begins();
    run()?;
    device.synchronize()?;
    let time = open.time();
    let views = call.inputs.iter().filter_map(|i| if let Input::View(v) = i { Some(v) } else { None });
    let bytes: u64 = views.chain(call.outputs).map(touched).sum();
    open.close((name, call.work.name(), device.to_string()), operations, &lines, time, bytes);
    Ok(())
}
fn touched(v: &View) -> u64 {
    let different =
        v.shape.iter().zip(v.strides).map(|(&n, &s)| if s == 0 { 1 } else { n }).product::<usize>();
    (different * v.dtype.size()) as u64
}

/// Work that is no kernel, such as a function of NumPy's; what is measured on this thread before it ends is not its own time.
/// Dropped without an end it is no work: what failed is not shown, and its time is the line's.
pub struct Outside {
    track: Arc<Shared>,
    line: Line,
    ended: bool,
}
/// Begins such work; `None` when no profile is on.
pub fn outside() -> Option<Outside> {
    if is_on() { opened() } else { None }
}
#[cold]
fn opened() -> Option<Outside> {
    let begun = Instant::now();
    let (track, line) = (track()?, line());
    let start = begun.saturating_duration_since(track.begun);
    track.lock().open(start, line);
    let open = Outside { track, line, ended: false };
    Some(open.begins())
}
impl Outside {
    /// Its time begins only now.
    fn begins(self) -> Outside {
        let now = self.track.begun.elapsed();
        self.track.lock().begins(now);
        self
    }
    fn time(&self) -> Duration {
        self.track.begun.elapsed()
    }
    /// Ends it: an entry with that name, which is family and device in one.
    pub fn end(self, name: String, device: &'static str, bytes: u64) {
        self.end_on(&name, device, device.to_string(), bytes);
    }
    fn end_on(self, name: &str, family: &'static str, device: String, bytes: u64) {
        let time = self.time();
        self.close((name.to_string(), family, device), 1, &[], time, bytes);
    }
    fn close(mut self, key: Key, operations: usize, lines: &[Line], end: Duration, bytes: u64) {
        self.ended = true;
        let mut state = STATE.lock();
        let Some(state) = state.as_mut().filter(|s| s.begun == self.track.begun) else { return };
        let number = *state.numbers.entry(key).or_insert_with_key(|key| {
            let (name, family, device) = key.clone();
            let time = Duration::ZERO;
            state.entries.push(Entry { name, family, device, operations, calls: 0, time, bytes: 0 });
            state.entries.len() as u32 - 1
        });
        let here = [self.line];
        let lines = if lines.is_empty() { &here } else { lines };
        let own = self.track.lock().close(end, number, lines, || self.track.begun.elapsed());
        let e = &mut state.entries[number as usize];
        e.calls += 1;
        e.time += own;
        e.bytes += bytes;
    }
}
impl Drop for Outside {
    fn drop(&mut self) {
        if !self.ended {
            self.track.lock().abandon(self.track.begun.elapsed());
        }
    }
}

/// Runs a copy between a device and the host.
pub(crate) fn copying(
    device: DeviceRef,
    name: &'static str,
    bytes: usize,
    run: impl FnOnce() -> Result<()>,
) -> Result<()> {
    if device.is_host() {
        return run();
    }
    let open = outside();
    run()?;
    if let Some(open) = open {
        device.synchronize()?;
        open.end_on(name, "copy", device.to_string(), bytes as u64);
    }
    Ok(())
}
/// What a device lacked has been done by the host: how many bytes travelled.
pub(crate) fn by_host(open: Option<Outside>, op: &str, device: DeviceRef, bytes: u64) {
    if let Some(open) = open {
        open.end_on(&one(op).name, "host", device.to_string(), bytes);
    }
}
