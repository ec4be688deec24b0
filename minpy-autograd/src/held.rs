//! Calls that are held: derivatives of a call that can be asked for again after its session, in both modes.
//!
//! A tape with a held call is not let go of with its last session, but kept beside (`tape.rs`), until the last `Held` of it is
//! dropped. A session inside another leaves its calls on the common tape, where they are found as before.

use crate::backward::{Walk, backward, finished};
use crate::edge::NodeId;
use crate::forward::forward;
use crate::tape::{HELD, TAPE, forget, is_live};
use minpy_core::backend::memory;
use minpy_core::{Array, DType, DeviceRef, Layout, Result, bail, ops};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::{self, ThreadId};

/// An array of a held call: the node of its contents, and how it saw them.
pub(crate) struct Point {
    pub node: NodeId,
    pub layout: Layout,
    pub dtype: DType,
    pub device: DeviceRef,
}
impl Point {
    fn weight(&self, w: &Array, what: &str) -> Result<Array> {
        if w.shape() != self.layout.shape() {
            bail!(Value, "{what} of shape {:?} for an array of shape {:?}", w.shape(), self.layout.shape());
        }
        weight_for(w, self.dtype, self.device)
    }
}

/// A call whose derivatives can be asked for. Belongs to the thread that made it; it may be dropped on any.
pub struct Held {
    tape: u32,
    first: NodeId,
    leaves: Vec<Point>,
    /// `None`: a constant.
    ends: Vec<Option<Point>>,
    thread: ThreadId,
}
impl Held {
    pub(crate) fn new(tape: u32, first: NodeId, leaves: Vec<Point>, ends: Vec<Option<Point>>) -> Held {
        Held { tape, first, leaves, ends, thread: thread::current().id() }
    }
    /// Whether something that the call did made an output: false where all of them are constants.
    pub fn is_recorded(&self) -> bool {
        self.ends.iter().flatten().any(|e| e.node >= self.first)
    }
    /// Gradients of the outputs, each weighted with its seed (`None`: not at all), with respect to the watched arrays; `None` where
    /// nothing depends on one.
    ///
    /// # Errors
    /// [`ErrorKind::Value`](minpy_core::ErrorKind::Value) for a seed of another shape, `Runtime` on another thread.
    pub fn gradients(&self, seeds: &[Option<Array>]) -> Result<Vec<Option<Array>>> {
        let mut starts = memory::list(seeds.len())?;
        for (seed, end) in seeds.iter().zip(&self.ends) {
            if let (Some(seed), Some(end)) = (seed, end) {
                starts.push((end.node, end.layout.clone(), end.weight(seed, "vjp: a seed")?));
            }
        }
        let mut targets = memory::list(self.leaves.len())?;
        targets.extend(self.leaves.iter().map(|l| (l.node, l.layout.clone())));
        gradients_of(Walk::start(self.tape, self.first, false)?, self.first, false, starts, &targets)
    }
    /// Tangents of the outputs from those of the watched arrays; `None` is zero in both.
    ///
    /// # Errors
    /// As `gradients`.
    pub fn tangents(&self, tangents: &[Option<Array>]) -> Result<Vec<Option<Array>>> {
        let mut starts = memory::list(tangents.len())?;
        for (t, leaf) in tangents.iter().zip(&self.leaves) {
            if let Some(t) = t {
                starts.push((leaf.node, leaf.layout.clone(), leaf.weight(t, "jvp: a tangent")?));
            }
        }
        let end = |p: &Point| (p.node, p.layout.clone(), p.dtype);
        let ends = memory::collected(self.ends.iter().map(|e| e.as_ref().map(end)))?;
        forward(&Walk::start(self.tape, self.first, false)?, self.first, starts, &ends)
    }
}
impl Drop for Held {
    fn drop(&mut self) {
        if thread::current().id() == self.thread {
            let_go(self.tape);
        } else if is_live((self.tape as u64) << 32) {
            ORPHANS.lock().unwrap_or_else(|e| e.into_inner()).push(self.tape);
            COUNT.fetch_add(1, Relaxed);
        }
    }
}

/// Tapes of which another thread dropped a held call.
static ORPHANS: Mutex<Vec<u32>> = Mutex::new(Vec::new());
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Lets go of what other threads dropped of this one's.
pub(crate) fn drop_orphans() {
    if COUNT.load(Relaxed) == 0 {
        return;
    }
    let ours = |id: &u32| TAPE.with_borrow(|t| t.id == *id) || HELD.with_borrow(|all| all.0.contains_key(id));
    let mut mine = Vec::new();
    {
        let mut all = ORPHANS.lock().unwrap_or_else(|e| e.into_inner());
        all.retain(|id| {
            let own = ours(id);
            if own {
                mine.push(*id);
            }
            !own && is_live((*id as u64) << 32)
        });
        COUNT.store(all.len(), Relaxed);
    }
    mine.into_iter().for_each(let_go);
}
/// One held call less; with the last of a tape whose sessions are over the tape goes.
fn let_go(id: u32) {
    let open = TAPE.try_with(|t| {
        let mut t = t.borrow_mut();
        let open = t.id == id;
        if open {
            t.held = t.held.saturating_sub(1);
        }
        open
    });
    if open.unwrap_or(true) {
        return;
    }
    let tape = HELD.try_with(|all| {
        let all = &mut all.borrow_mut().0;
        let t = all.get_mut(&id)?;
        t.held = t.held.saturating_sub(1);
        if t.held == 0 { all.remove(&id) } else { None }
    });
    // Dropping arrays may run foreign code: not inside the borrow.
    if let Ok(Some(tape)) = tape {
        forget(id);
        drop(tape);
    }
}

/// A seed or tangent as numbers of the array that it belongs to: whoever writes it down need not know the dtype.
pub(crate) fn weight_for(w: &Array, dtype: DType, device: DeviceRef) -> Result<Array> {
    if w.dtype().is_complex() && !dtype.is_complex() {
        bail!(Type, "grad: complex weights for an array of dtype {dtype}");
    }
    ops::cast(w, dtype)?.to_device(device)
}

/// Gradients at `targets`, which may be there several times, as users get them.
pub(crate) fn gradients_of(
    walk: Walk,
    first: NodeId,
    last_pass: bool,
    starts: Vec<(NodeId, Layout, Array)>,
    targets: &[(NodeId, Layout)],
) -> Result<Vec<Option<Array>>> {
    let nodes = memory::collected(targets.iter().map(|t| t.0))?;
    let mut unique = memory::collected(nodes.iter().copied())?;
    unique.sort_unstable();
    unique.dedup();
    let mut totals = backward(walk, first, last_pass, starts, &unique)?;
    let mut left = memory::filled(unique.len(), 0u32)?;
    let place = |n: &NodeId| unique.partition_point(|u| u < n);
    nodes.iter().for_each(|n| left[place(n)] += 1);
    let mut out = memory::list(targets.len())?;
    for (node, layout) in targets {
        let k = place(node);
        left[k] -= 1;
        out.push(if left[k] > 0 {
            // Wanted again, for another argument.
            totals[k].as_ref().map(|t| t.through(layout).and_then(|g| ops::copy(&g))).transpose()?
        } else {
            totals[k].take().map(|t| finished(t, layout)).transpose()?
        });
    }
    Ok(out)
}
