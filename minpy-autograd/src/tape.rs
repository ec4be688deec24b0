//! The tape: what ran, per thread, with what backward needs.
//!
//! Invariant: a node stands for the contents of one buffer at one version, never for a handle. A view derives its node
//! from its buffer; an in-place write makes a new node for the whole buffer, whose other elements come from the node
//! before. `Buffer::node` holds (tape, node + 1); `Buffer::saves` the newest of this tape's saves of the contents, so that
//! a later write can move them to a snapshot first.
//!
//! Longer than most files: what is recorded and how it is kept rest on that invariant, and on fields that nobody else may touch.

use crate::edge::{Edge, Edges, NodeId};
use crate::rule::{Decision, Rule, Whole, decision};
use minpy_core::backend::{Attributes, ScatterMode, memory};
use minpy_core::internal::Buffer;
use minpy_core::internal::context::{RECORDING, set_flag, tracing, unrecorded};
use minpy_core::internal::defer::compute_beside;
use minpy_core::internal::dispatch::copy_raw;
use minpy_core::internal::recorder::{OpCall, Recorder};
use minpy_core::internal::{Shared, Weak};
use minpy_core::{Array, DType, DeviceRef, Layout, Number, Operand, Result, Scalar, Target, bail, ops};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Token of a recorded call.
const RECORDED: u64 = 1;
/// The same with something kept instead of its operands.
const CONDENSED: u64 = 2;
/// Token of a call that is differentiated as a whole: its node is there, and `commit` adds those of its results.
const WHOLE: u64 = 3;

/// What a rule lets the tape keep instead of the operands, where these wait to be computed with the result.
fn condensed(call: &OpCall) -> Result<Option<Array>> {
    let waits = |o: &Operand| o.array().is_some_and(|a| a.buffer().is_pending());
    if !call.inputs.iter().any(waits) || call.mask.is_some() || tracing() {
        return Ok(None);
    }
    let Decision::Rule(Rule { instead: Some(instead), .. }) = decision(call.op)? else { return Ok(None) };
    let watched = TAPE.with_borrow(|t| {
        let is =
            |o: &Operand| o.array().is_some_and(|a| a.dtype().is_inexact() && t.lookup(a.buffer()).is_some());
        let mut all = (0..call.inputs.len()).filter(|&i| is(&call.inputs[i]));
        all.next().filter(|_| all.next().is_none())
    });
    let Some(i) = watched.filter(|&i| waits(&call.inputs[i])) else { return Ok(None) };
    unrecorded(|| instead(call.inputs, i)).map(Some)
}

/// A saved operand of a recorded call.
#[derive(Clone, Copy)]
pub(crate) enum Saved {
    /// Not declared by the rule.
    Nothing,
    /// Index into `Tape::saves`.
    Array(u32),
    /// Index into `Tape::constants`.
    Constant(u32),
}

/// A number that took part in a recorded call.
#[derive(Clone, Copy)]
pub(crate) enum Constant {
    Number(Number),
    Scalar(Scalar),
}

/// A map of a call from outside: from the gradients of all outputs to those of all inputs, or from the tangents of all inputs to
/// those of all outputs; `None` is zero.
pub(crate) type ForeignMap = Box<dyn Fn(&[Option<Array>]) -> Result<Vec<Option<Array>>>>;

/// How a call from outside is differentiated. Asking for what is not there is an error that names the call.
#[derive(Default)]
pub struct ForeignRule {
    /// From the gradients of all outputs to those of all inputs.
    pub vjp: Option<ForeignMap>,
    /// From the tangents of all inputs to those of all outputs.
    pub jvp: Option<ForeignMap>,
}
impl ForeignRule {
    /// A rule for reverse mode alone.
    pub fn vjp(vjp: impl Fn(&[Option<Array>]) -> Result<Vec<Option<Array>>> + 'static) -> ForeignRule {
        ForeignRule { vjp: Some(Box::new(vjp)), jvp: None }
    }
}

/// How a call is differentiated as a whole.
pub(crate) enum Gradient {
    /// A call from outside (Python function, symbol).
    Function { name: String, rule: ForeignRule },
    /// An operation with a rule as a whole.
    Rule(Box<Recorded>),
}
/// What the rule of a whole operation needs.
pub(crate) struct Recorded {
    pub rule: &'static Whole,
    pub attrs: Option<Arc<dyn Attributes>>,
    pub inputs: SmallVec<[Saved; 3]>,
    pub outputs: SmallVec<[Saved; 2]>,
}
impl Gradient {
    pub fn name(&self) -> &str {
        match self {
            Gradient::Function { name, .. } => name,
            Gradient::Rule(r) => r.rule.op.name,
        }
    }
}

pub(crate) enum Kind {
    /// A watched input.
    Leaf,
    /// A recorded operation of one result. Without attributes for most; without `inputs` where the rule declares nothing.
    Op {
        rule: &'static Rule,
        attrs: Option<Arc<dyn Attributes>>,
        inputs: SmallVec<[Saved; 3]>,
        output: Saved,
    },
    /// An operation without a rule: an error when its gradient is asked for.
    Missing(String),
    /// A call that is differentiated as a whole: inputs here, one `Output` per result.
    Call { gradient: Gradient, outputs: usize },
    /// Result `index` of the call.
    Output { call: NodeId, index: usize },
    /// Elements were overwritten with something unwatched.
    Overwritten,
}

/// One entry of the tape.
pub(crate) struct Node {
    pub kind: Kind,
    /// One per input of the operation; `None` where the input is not watched.
    pub edges: Edges,
    /// View through which the operation wrote.
    pub layout: Layout,
    pub dtype: DType,
    pub device: DeviceRef,
    /// Elements of the whole buffer.
    pub elements: usize,
    /// For in-place writes: the contents before, when watched.
    pub previous: Option<NodeId>,
    /// For in-place writes: whether only part of the buffer was written, and under which mask.
    pub in_place: bool,
    pub mask: Option<u32>,
}

impl Node {
    /// The node of a call whose results have nodes of their own.
    pub fn call(kind: Kind, edges: Edges, device: DeviceRef) -> Node {
        Node {
            kind,
            edges,
            layout: Layout::contiguous(&[]),
            dtype: DType::F64,
            device,
            elements: 0,
            previous: None,
            in_place: false,
            mask: None,
        }
    }
}

struct Save {
    /// Until a last pass has taken it.
    array: Option<Array>,
    /// Version of the buffer when it was saved: another thread's write is found, never used.
    version: u32,
    /// The next older save of the same contents, plus one.
    next: u32,
}

#[derive(Default)]
pub(crate) struct Tape {
    pub id: u32,
    /// Sessions that are open.
    pub depth: u32,
    /// Calls on this tape that are held (`held.rs`): while there is one the tape stays after its sessions.
    pub held: u32,
    /// Index of `nodes[0]`: not 0 while a pass has taken the older nodes out.
    pub base: u32,
    pub nodes: Vec<Node>,
    saves: Vec<Save>,
    constants: Vec<Constant>,
    /// The last node is that of a call that runs now: `commit` completes it.
    running: bool,
    /// Saves and numbers before that call.
    kept: (usize, usize),
    /// What was kept for calls that did not come to their end, until it can be dropped outside of the borrow.
    voided: Vec<Save>,
    /// There was no memory for nodes that a pass had recorded: the sessions that are open cannot go on.
    pub broken: bool,
    /// Buffers whose slot belongs (or belonged) to another thread's tape, by address. The weak reference keeps the address
    /// from being used again.
    elsewhere: HashMap<usize, (Weak<Buffer>, u64)>,
    /// Contents that left the tape, and the callers' numbers of the places where they did.
    pub departures: FxHashMap<NodeId, Vec<u32>>,
    /// Where numbers made of contents took part, which nothing takes back.
    pub numbers: FxHashMap<NodeId, Vec<u32>>,
}

/// Entries of a closed tape whose room is kept.
const MOST_KEPT: usize = 1 << 16;

/// What is to be done with a tape after its last session, outside of any borrow.
pub(crate) enum Ended {
    Closed(Closed),
    Held(Box<Tape>),
}
impl Ended {
    pub fn finish(self) {
        match self {
            Ended::Closed(closed) => closed.release(),
            Ended::Held(tape) => {
                // No tapes any more when the thread ends.
                let _ = HELD.try_with(|all| all.borrow_mut().0.insert(tape.id, *tape));
            }
        }
    }
}

/// What a closed tape held. To be dropped outside of any borrow: dropping arrays may run foreign code.
pub(crate) struct Closed {
    nodes: Vec<Node>,
    saves: Vec<Save>,
    _voided: Vec<Save>,
}
impl Closed {
    /// Drops the contents, and gives the room back to the thread's tape.
    pub fn release(mut self) {
        self.nodes.clear();
        self.saves.clear();
        // No tape any more when the thread ends.
        let _ = TAPE.try_with(|t| t.borrow_mut().refill(self));
    }
}

thread_local! {
    /// The tape of the sessions that are open.
    pub(crate) static TAPE: RefCell<Tape> = RefCell::default();
    /// Tapes whose sessions are over and that are held, by their number.
    pub(crate) static HELD: RefCell<HeldTapes> = RefCell::default();
}
#[derive(Default)]
pub(crate) struct HeldTapes(pub FxHashMap<u32, Tape>);
impl Drop for HeldTapes {
    fn drop(&mut self) {
        self.0.keys().for_each(|id| forget(*id));
    }
}
/// The tape of that number on this thread, where it is open or held.
pub(crate) fn with_tape<R>(id: u32, f: impl FnOnce(&mut Tape) -> Result<R>) -> Result<R> {
    TAPE.with_borrow_mut(|t| {
        if t.id == id {
            return f(t);
        }
        HELD.with_borrow_mut(|all| match all.0.get_mut(&id) {
            Some(t) => f(t),
            None => bail!(
                Runtime,
                "gradient: the session that kept an array is over, or was one of another thread"
            ),
        })
    })
}
static NEXT_TAPE: AtomicU32 = AtomicU32::new(1);

fn pack(tape: u32, index: u32) -> u64 {
    (tape as u64) << 32 | (index as u64 + 1)
}
fn unpack(tape: u32, slot: u64) -> Option<u32> {
    (slot >> 32 == tape as u64 && tape != 0).then(|| (slot as u32).wrapping_sub(1))
}

impl Tape {
    /// The node of a buffer's present contents.
    #[inline]
    pub fn lookup(&self, buffer: &Shared<Buffer>) -> Option<NodeId> {
        let slot = buffer.node().load(Relaxed);
        if slot == 0 && self.elsewhere.is_empty() {
            return None;
        }
        unpack(self.id, slot).or_else(|| {
            if self.elsewhere.is_empty() {
                return None;
            }
            self.elsewhere.get(&(Shared::as_ptr(buffer) as usize)).and_then(|(_, s)| unpack(self.id, *s))
        })
    }
    /// Says which node wrote the buffer.
    pub fn set_node(&mut self, buffer: &Shared<Buffer>, node: NodeId) -> Result<()> {
        let slot = buffer.node().load(Relaxed);
        // A buffer watched by several threads at once: the first keeps the slot, the others remember for themselves.
        let free = slot == 0 || unpack(self.id, slot).is_some() || !is_live(slot);
        if !free || buffer.node().compare_exchange(slot, pack(self.id, node), Relaxed, Relaxed).is_err() {
            memory::fallible(|| self.elsewhere.try_reserve(1)).or_else(|_| memory::exhausted())?;
            self.elsewhere
                .insert(Shared::as_ptr(buffer) as usize, (Shared::downgrade(buffer), pack(self.id, node)));
        }
        Ok(())
    }
    /// The same for a result of a call: a new one, which nobody else has, needs no agreement about its slot.
    #[inline]
    fn set_result(&mut self, buffer: &Shared<Buffer>, node: NodeId) -> Result<()> {
        if buffer.node().load(Relaxed) == 0 && Shared::strong_count(buffer) == 1 {
            buffer.node().store(pack(self.id, node), Relaxed);
            return Ok(());
        }
        self.set_node(buffer, node)
    }
    /// Puts the slot back to what it was before `watch`.
    pub fn restore(&mut self, buffer: &Shared<Buffer>, slot: Option<NodeId>) {
        if !self.elsewhere.is_empty() {
            self.elsewhere.remove(&(Shared::as_ptr(buffer) as usize));
        }
        if unpack(self.id, buffer.node().load(Relaxed)).is_some() {
            buffer.node().store(slot.map_or(0, |n| pack(self.id, n)), Relaxed);
        }
    }
    /// An error where nodes are missing.
    pub fn is_whole(&self) -> Result<()> {
        if self.broken { memory::exhausted() } else { Ok(()) }
    }
    /// Forgets the node of a call that did not come to its end, and what was kept for it.
    #[inline]
    pub fn abandon(&mut self) {
        if std::mem::take(&mut self.running) {
            self.undo();
        }
    }
    #[cold]
    fn undo(&mut self) {
        self.nodes.pop();
        let (saves, constants) = self.kept;
        self.constants.truncate(constants);
        // Without memory for them they stay where they are, of no use to anybody.
        if memory::grow(&mut self.voided, self.saves.len().saturating_sub(saves)).is_err() {
            return;
        }
        while self.saves.len() > saves {
            let own = pack(self.id, self.saves.len() as u32 - 1);
            let Some(save) = self.saves.pop() else { return };
            // The buffer points to the newest save of its contents; what a write has moved to a snapshot is not pointed to.
            if let Some(a) = &save.array {
                let older = save.next.checked_sub(1).map_or(0, |i| pack(self.id, i));
                let _ = a.buffer().saves().compare_exchange(own, older, Relaxed, Relaxed);
            }
            self.voided.push(save);
        }
    }
    /// Appends a node.
    pub fn push(&mut self, node: Node) -> Result<NodeId> {
        self.abandon();
        memory::push(&mut self.nodes, node)?;
        Ok(self.base + self.nodes.len() as u32 - 1)
    }
    /// Number the next node will have.
    pub fn end(&self) -> NodeId {
        self.base + self.nodes.len() as u32
    }
    /// Keeps an array as it is now.
    pub fn save(&mut self, a: &Array) -> Result<u32> {
        // Before the buffer points to it.
        memory::grow(&mut self.saves, 1)?;
        let index = self.saves.len() as u32;
        let slot = a.buffer().saves();
        let held = slot.load(Relaxed);
        let next = unpack(self.id, held).map_or(0, |i| i + 1);
        let free = held == 0 || next != 0 || !is_live(held);
        if a.buffer().is_shared()
            || !free
            || slot.compare_exchange(held, pack(self.id, index), Relaxed, Relaxed).is_err()
        {
            // No version counter sees what NumPy writes, and one slot serves one thread's tape at a time: keep a copy. Of
            // contents with a node it is one of the whole buffer, which stands for the same node.
            let node = self.lookup(a.buffer());
            let whole = a.base_view();
            let (lo, hi) = if node.is_some() { (0, whole.size()) } else { a.layout().span() };
            let copy = copy_raw(&whole.slice(0, lo, 1, hi - lo))?;
            if let Some(n) = node {
                copy.buffer().node().store(pack(self.id, n), Relaxed);
            }
            let layout = a.layout().shifted(-(lo as isize));
            let copy = Array::from_parts(copy.buffer().clone(), layout, a.dtype()).with_weak(a.is_weak());
            self.saves.push(Save { version: copy.buffer().version(), array: Some(copy), next: 0 });
            return Ok(index);
        }
        self.saves.push(Save { array: Some(a.clone()), version: a.buffer().version(), next });
        Ok(index)
    }
    /// A kept array.
    #[inline]
    pub fn saved(&self, index: u32) -> Result<&Array> {
        let save = &self.saves[index as usize];
        let Some(array) = &save.array else {
            bail!(Runtime, "gradient: the session that kept an array is over");
        };
        if array.buffer().version() != save.version {
            bail!(
                Runtime,
                "gradient: an array of shape {} that the gradient needs was overwritten where its tape could not see it: by another thread, or by code that writes to its memory directly",
                minpy_core::backend::layout::show(array.shape())
            );
        }
        Ok(array)
    }
    /// The same for good: the tape lets go of it.
    #[inline]
    pub fn take_saved(&mut self, index: u32) -> Result<Array> {
        self.saved(index)?;
        self.saves[index as usize]
            .array
            .take()
            .map_or_else(|| bail!(Runtime, "gradient: nothing was kept"), Ok)
    }
    /// A kept number.
    pub fn constant(&self, index: u32) -> Constant {
        self.constants[index as usize]
    }
    /// Keeps what the rule of a call needs of its inputs: all numbers, and the arrays that it asks for.
    #[inline]
    fn keep_inputs(
        &mut self,
        call: &OpCall,
        keeps: impl Fn(usize) -> bool,
        inputs: &mut SmallVec<[Saved; 3]>,
    ) -> Result<()> {
        for (i, o) in call.inputs.iter().enumerate() {
            inputs.push(match o {
                Operand::Number(n) => self.keep_constant(Constant::Number(*n))?,
                Operand::Scalar(s) => self.keep_constant(Constant::Scalar(*s))?,
                Operand::Array(a) if keeps(i) => Saved::Array(self.save(a)?),
                Operand::Array(_) => Saved::Nothing,
            });
        }
        Ok(())
    }
    fn keep_constant(&mut self, c: Constant) -> Result<Saved> {
        memory::push(&mut self.constants, c)?;
        Ok(Saved::Constant(self.constants.len() as u32 - 1))
    }
    /// The saves of one contents, from the one with this number (plus one) to the oldest.
    fn chain(&self, newest: u32) -> impl Iterator<Item = &Save> {
        let at = |i: u32| self.saves.get((i as usize).wrapping_sub(1));
        std::iter::successors(at(newest), move |s| at(s.next))
    }
    /// Before the contents of a buffer change: one copy of the whole buffer serves every save of these contents; it stands for the
    /// same node. It is counted in the smallest items of the saves: the target's, or another save's, may leave a rest.
    fn move_saves(&mut self, target: &Array) -> Result<()> {
        let newest = unpack(self.id, target.buffer().saves().load(Relaxed)).map_or(0, |i| i + 1);
        let Some(least) =
            self.chain(newest).filter_map(|s| s.array.as_ref()).min_by_key(|a| a.dtype().size())
        else {
            return Ok(());
        };
        let snapshot = copy_raw(&least.base_view())?;
        if let Some(n) = self.lookup(target.buffer()) {
            snapshot.buffer().node().store(pack(self.id, n), Relaxed);
        }
        let mut at = newest;
        while at != 0 {
            let save = &mut self.saves[at as usize - 1];
            if let Some(a) = &mut save.array {
                let view = Array::from_parts(snapshot.buffer().clone(), a.layout().clone(), a.dtype());
                *a = view.with_weak(a.is_weak());
            }
            save.version = snapshot.buffer().version();
            at = save.next;
        }
        target.buffer().saves().store(0, Relaxed);
        Ok(())
    }
    /// Opens a tape for the first session.
    pub fn open(&mut self) {
        self.abandon();
        if self.depth == 0 {
            self.id = NEXT_TAPE.fetch_add(1, Relaxed);
            live(|l| l.push(self.id));
            set_flag(RECORDING, true);
        }
        self.depth += 1;
    }
    /// Closes one session; gives back what is to be dropped outside the borrow.
    pub fn close(&mut self) -> Option<Ended> {
        self.depth -= 1;
        if self.depth > 0 {
            return None;
        }
        set_flag(RECORDING, false);
        self.abandon();
        self.departures.clear();
        self.numbers.clear();
        if self.held > 0 {
            return Some(Ended::Held(Box::new(std::mem::take(self))));
        }
        forget(self.id);
        self.id = 0;
        self.base = 0;
        self.elsewhere.clear();
        self.running = false;
        self.broken = false;
        self.constants.clear();
        let (nodes, saves) = (std::mem::take(&mut self.nodes), std::mem::take(&mut self.saves));
        Some(Ended::Closed(Closed { nodes, saves, _voided: std::mem::take(&mut self.voided) }))
    }
    /// Takes back the room of a tape that was closed: the next one needs as much. A tape far longer than any before it
    /// need not be the first of many.
    fn refill(&mut self, closed: Closed) {
        if self.nodes.capacity() == 0 && closed.nodes.capacity() <= MOST_KEPT {
            self.nodes = closed.nodes;
        }
        if self.saves.capacity() == 0 && closed.saves.capacity() <= MOST_KEPT {
            self.saves = closed.saves;
        }
    }
    /// The read of an array, if it is watched.
    pub fn edge(&self, a: &Array) -> Option<Edge> {
        let node = self.lookup(a.buffer())?;
        // Nodes below `base` are in the hands of a pass.
        let written = node.checked_sub(self.base).and_then(|i| self.nodes.get(i as usize)).map(|n| &n.layout);
        let via = if written == Some(a.layout()) { None } else { Some(Box::new(a.layout().clone())) };
        Some(Edge { node, dtype: a.dtype(), via })
    }
    fn in_place_node(
        &mut self,
        kind: Kind,
        target: &Array,
        mask: Option<&Array>,
        previous: Option<NodeId>,
    ) -> Result<Node> {
        Ok(Node {
            kind,
            edges: Edges::new(),
            layout: target.layout().clone(),
            dtype: target.dtype(),
            device: target.device(),
            elements: target.buffer().bytes() / target.dtype().size(),
            previous,
            in_place: true,
            mask: match mask {
                Some(m) => Some(self.save(m)?),
                None => None,
            },
        })
    }
}

/// Where a scatter has written into its target, as a mask; `None` for other operations, which write all of it, or under a mask of theirs.
fn scattered(call: &OpCall, target: &Array) -> Result<Option<Array>> {
    if call.op.name != ops::SCATTER.name {
        return Ok(None);
    }
    let indices: Vec<Array> = call.inputs.iter().skip(2).filter_map(|o| o.array().cloned()).collect();
    let places = Array::empty_on(target.device(), target.shape(), DType::Bool)?;
    ops::assign(&places, false)?;
    let yes = Array::from_scalar_on(target.device(), Scalar::new(true))?;
    ops::scatter_into(&places, &indices, &yes, ScatterMode::Set)?;
    Ok(Some(places))
}

fn live<R>(f: impl FnOnce(&mut Vec<u32>) -> R) -> R {
    static LIVE: std::sync::Mutex<Vec<u32>> = std::sync::Mutex::new(Vec::new());
    f(&mut LIVE.lock().unwrap_or_else(|e| e.into_inner()))
}
/// Nothing belongs to the tape of that number any more.
pub(crate) fn forget(id: u32) {
    live(|l| l.retain(|&x| x != id));
}
pub(crate) fn is_live(slot: u64) -> bool {
    live(|l| l.contains(&((slot >> 32) as u32)))
}

/// The nodes of the results of a call that is differentiated as a whole, and what its rule keeps of them.
fn commit_whole(call: &OpCall, results: &[&Array]) -> Result<()> {
    TAPE.with_borrow_mut(|t| {
        if !std::mem::take(&mut t.running) {
            return Ok(());
        }
        let before: SmallVec<[_; 2]> = results.iter().map(|output| t.lookup(output.buffer())).collect();
        let nodes = t.nodes.len();
        t.results_of_whole(call, results).inspect_err(|_| {
            for (output, before) in results.iter().zip(before) {
                t.restore(output.buffer(), before);
            }
            t.nodes.truncate(nodes);
            t.running = true;
            t.abandon();
        })
    })
}
impl Tape {
    fn results_of_whole(&mut self, call: &OpCall, results: &[&Array]) -> Result<()> {
        let t = self;
        let number = t.end() - 1;
        for (index, (output, target)) in results.iter().zip(call.targets).enumerate() {
            if !output.dtype().is_inexact() {
                continue;
            }
            let kind = Kind::Output { call: number, index };
            let node = match target {
                Target::Into(out) => {
                    let previous = t.lookup(out.buffer());
                    t.in_place_node(kind, out, call.mask, previous)?
                }
                Target::New => Node {
                    layout: output.layout().clone(),
                    dtype: output.dtype(),
                    elements: output.buffer().bytes() / output.dtype().size(),
                    in_place: call.mask.is_some(),
                    mask: call.mask.map(|m| t.save(m)).transpose()?,
                    ..Node::call(kind, Edges::new(), output.device())
                },
            };
            let id = t.push(node)?;
            t.set_node(output.buffer(), id)?;
        }
        let at = (number - t.base) as usize;
        let keeps = matches!(&t.nodes[at].kind, Kind::Call { gradient: Gradient::Rule(r), .. } if r.rule.saves & Rule::OUTPUT != 0);
        if keeps {
            // After the nodes, for which copies would stand.
            let mut kept = SmallVec::new();
            for output in results {
                kept.push(Saved::Array(t.save(output)?));
            }
            if let Kind::Call { gradient: Gradient::Rule(r), .. } = &mut t.nodes[at].kind {
                r.outputs = kept;
            }
        }
        Ok(())
    }
}

/// The recorder that core calls.
pub(crate) struct TapeRecorder;

impl Recorder for TapeRecorder {
    fn prepare(&self, call: &OpCall) -> Result<u64> {
        let condensed = condensed(call)?;
        TAPE.with_borrow_mut(|t| {
            // Calls do not nest between `prepare` and `commit`: an unfinished node belongs to one that failed.
            t.abandon();
            t.is_whole()?;
            t.kept = (t.saves.len(), t.constants.len());
            // Integers have no gradients.
            if call.targets.iter().all(|t| matches!(t, Target::Into(out) if !out.dtype().is_inexact())) {
                return Ok(0);
            }
            let mut edges = Edges::new();
            let mut watched = false;
            for o in call.inputs {
                let e = o.array().filter(|a| a.dtype().is_inexact()).and_then(|a| t.edge(a));
                watched |= e.is_some();
                edges.push(e);
            }
            if !watched {
                return Ok(0);
            }
            let Some(device) = call.inputs.iter().find_map(|o| o.array()).map(|a| a.device()) else {
                return Ok(0);
            };
            let kind = match decision(call.op)? {
                Decision::Constant => return Ok(0),
                Decision::Rule(rule)
                    if rule.complex && !edges.iter().flatten().any(|e| e.dtype.is_complex()) =>
                {
                    return Ok(0);
                }
                Decision::Missing => Kind::Missing(call.op.name.to_string()),
                Decision::Whole(rule) => {
                    let mut inputs = SmallVec::new();
                    let saves = rule.saves & !Rule::OUTPUT;
                    if saves != 0 {
                        t.keep_inputs(call, |i| saves >> i & 1 != 0, &mut inputs)?;
                    }
                    let recorded =
                        Recorded { rule, attrs: call.attrs.shared(), inputs, outputs: SmallVec::new() };
                    let mask = match call.mask {
                        Some(m) => Some(t.save(m)?),
                        None => None,
                    };
                    let gradient = Gradient::Rule(Box::new(recorded));
                    t.push(Node {
                        mask,
                        ..Node::call(Kind::Call { gradient, outputs: call.targets.len() }, edges, device)
                    })?;
                    t.running = true;
                    return Ok(WHOLE);
                }
                Decision::Rule(rule) => {
                    let wanted = edges
                        .iter()
                        .enumerate()
                        .fold(0, |m, (i, e)| if e.is_some() { m | rule.saves(i) } else { m });
                    let mut inputs = SmallVec::new();
                    if wanted != 0 && condensed.is_none() {
                        t.keep_inputs(call, |i| rule.keeps(wanted, i), &mut inputs)?;
                    }
                    // The output is saved in `commit`; the flag travels in its place.
                    let output = match &condensed {
                        Some(kept) => Saved::Array(t.save(kept)?),
                        None if wanted & Rule::OUTPUT != 0 => Saved::Array(u32::MAX),
                        None => Saved::Nothing,
                    };
                    Kind::Op { rule, attrs: call.attrs.shared(), inputs, output }
                }
            };
            let [target] = call.targets else {
                // An operation of several results without a rule: an error where a gradient is asked for.
                let gradient =
                    Gradient::Function { name: call.op.name.to_string(), rule: ForeignRule::default() };
                t.push(Node::call(Kind::Call { gradient, outputs: call.targets.len() }, edges, device))?;
                t.running = true;
                return Ok(WHOLE);
            };
            // Made where it will stay: nodes are large.
            let node = match *target {
                Target::Into(out) => {
                    let previous = t.lookup(out.buffer());
                    Node { edges, ..t.in_place_node(kind, out, call.mask, previous)? }
                }
                Target::New => Node {
                    kind,
                    edges,
                    // The result is not there yet: `commit` fills these in.
                    layout: Layout::contiguous(&[]),
                    dtype: DType::F64,
                    device,
                    elements: 0,
                    previous: None,
                    in_place: call.mask.is_some(),
                    mask: match call.mask {
                        Some(m) => Some(t.save(m)?),
                        None => None,
                    },
                },
            };
            memory::push(&mut t.nodes, node)?;
            t.running = true;
            Ok(if condensed.is_some() { CONDENSED } else { RECORDED })
        })
    }

    fn knows(&self, call: &OpCall) -> bool {
        let watched = TAPE.with_borrow(|t| {
            let is = |a: &Array| a.dtype().is_inexact() && t.lookup(a.buffer()).is_some();
            call.inputs.iter().any(|o| o.array().is_some_and(is))
        });
        !watched || !matches!(decision(call.op), Ok(Decision::Missing))
    }

    fn void(&self) {
        let voided = TAPE.with_borrow_mut(|t| {
            t.abandon();
            std::mem::take(&mut t.voided)
        });
        drop(voided);
    }

    fn before_write(&self, target: &Array) -> Result<()> {
        let slot = target.buffer().saves().load(Relaxed);
        // Saves of another thread's tape are not ours to move: their version counter tells of the write.
        let ours = |id| TAPE.with_borrow(|t| t.id == id) || HELD.with_borrow(|all| all.0.contains_key(&id));
        let id = (slot >> 32) as u32;
        if id == 0 || !ours(id) { Ok(()) } else { with_tape(id, |t| t.move_saves(target)) }
    }

    fn commit(&self, token: u64, call: &OpCall, results: &[&Array]) -> Result<()> {
        let (&[output], &[target]) = (results, call.targets) else { return commit_whole(call, results) };
        if token == WHOLE {
            return commit_whole(call, results);
        }
        TAPE.with_borrow_mut(|t| {
            if !output.dtype().is_inexact() {
                t.abandon();
            }
            let (true, Some(node)) = (t.running, t.nodes.last_mut()) else { return Ok(()) };
            if let Target::New = target {
                node.layout = output.layout().clone();
                node.dtype = output.dtype();
                node.device = output.device();
                node.elements = output.buffer().bytes() / output.dtype().size();
            }
            let previous = node.previous;
            let saves_output = match node.kind {
                Kind::Op { output: Saved::Array(kept), .. } if token == CONDENSED => {
                    compute_beside(output, t.saved(kept)?);
                    false
                }
                Kind::Op { output: Saved::Array(_), .. } => true,
                _ => false,
            };
            let node = t.end() - 1;
            let set = match target {
                Target::New => t.set_result(output.buffer(), node),
                Target::Into(_) => t.set_node(output.buffer(), node),
            };
            if let Err(e) = set {
                t.abandon();
                return Err(e);
            }
            if saves_output {
                // After the node, for which a copy would stand.
                let saved = match t.save(output) {
                    Ok(s) => Saved::Array(s),
                    Err(e) => {
                        t.abandon();
                        t.restore(output.buffer(), previous);
                        return Err(e);
                    }
                };
                if let Some(Node { kind: Kind::Op { output, .. }, .. }) = t.nodes.last_mut() {
                    *output = saved;
                }
            }
            t.running = false;
            Ok(())
        })
    }

    fn overwritten(&self, call: &OpCall, target: &Array) -> Result<()> {
        if TAPE.with_borrow_mut(|t| t.lookup(target.buffer())).is_none() {
            return Ok(());
        }
        let places = unrecorded(|| scattered(call, target))?;
        TAPE.with_borrow_mut(|t| {
            let Some(previous) = t.lookup(target.buffer()) else { return Ok(()) };
            let mask = places.as_ref().or(call.mask);
            let node = t.in_place_node(Kind::Overwritten, target, mask, Some(previous))?;
            let id = t.push(node)?;
            t.set_node(target.buffer(), id)?;
            Ok(())
        })
    }
}
