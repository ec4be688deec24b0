//! Sessions: one differentiated call. They nest on a thread; the outermost opens and closes the tape.

use crate::backward::{Walk, ones_for};
use crate::edge::{Edges, NodeId};
use crate::forward::{End, forward};
use crate::held::{Held, Point, drop_orphans, gradients_of, weight_for};
use crate::tape::{ForeignRule, Gradient, HELD, Kind, Node, TAPE, Tape, TapeRecorder, with_tape};
use minpy_core::backend::memory;
use minpy_core::internal::Shared;
use minpy_core::internal::context::{RECORDING, flags, set_flag};
use minpy_core::internal::{Buffer, recorder};
use minpy_core::{Array, Layout, Result, bail, ops};
use std::cell::RefCell;
use std::marker::PhantomData;

struct Leaf {
    buffer: Shared<Buffer>,
    node: NodeId,
    /// The slot before, for an array that was marked in place.
    restore: Option<Option<NodeId>>,
}

/// Recording of one differentiated call; ends when dropped, also by an exception. Bound to its thread.
pub struct Session {
    tape: u32,
    first: NodeId,
    leaves: RefCell<Vec<Leaf>>,
    recording: bool,
    _thread: PhantomData<*const ()>,
}

impl Session {
    /// Starts to record on this thread.
    pub fn begin() -> Session {
        static RECORDER: TapeRecorder = TapeRecorder;
        recorder::install(&RECORDER);
        let recording = flags() & RECORDING != 0;
        drop_orphans();
        let (tape, first) = TAPE.with_borrow_mut(|t| {
            t.open();
            (t.id, t.end())
        });
        set_flag(RECORDING, true);
        Session { tape, first, leaves: RefCell::default(), recording, _thread: PhantomData }
    }
    /// Number of entries of the tape so far, for tests and the curious.
    pub fn recorded(&self) -> usize {
        TAPE.with_borrow(|t| t.end() as usize)
    }
    /// Marks an input. The function must be called with the array that comes back: the same one, unless an outer session
    /// already watches it; then a copy, so that the derivatives of the two levels are not confused.
    pub fn watch(&self, a: &Array) -> Result<Array> {
        if !a.dtype().is_inexact() {
            bail!(Type, "grad: cannot differentiate with respect to an array of dtype {}", a.dtype());
        }
        let known = TAPE.with_borrow(|t| t.lookup(a.buffer()));
        if known.is_some() {
            // Watched by an outer session, or by this one as another argument: a recorded copy keeps the two apart.
            let copy = ops::copy(a)?.with_weak(a.is_weak());
            let node = TAPE.with_borrow(|t| t.lookup(copy.buffer()));
            let Some(node) = node else {
                bail!(Runtime, "grad: copying a watched argument was not recorded")
            };
            let leaf = Leaf { buffer: copy.buffer().clone(), node, restore: None };
            memory::push(&mut self.leaves.borrow_mut(), leaf)?;
            return Ok(copy);
        }
        TAPE.with_borrow_mut(|t| -> Result<()> {
            let node = t.push(Node {
                kind: Kind::Leaf,
                edges: Edges::new(),
                // How it will mostly be read.
                layout: a.layout().clone(),
                dtype: a.dtype(),
                device: a.device(),
                elements: a.buffer().bytes() / a.dtype().size(),
                previous: None,
                in_place: false,
                mask: None,
            })?;
            t.set_node(a.buffer(), node)?;
            let leaf = Leaf { buffer: a.buffer().clone(), node, restore: Some(None) };
            memory::push(&mut self.leaves.borrow_mut(), leaf)
        })?;
        Ok(a.clone())
    }
    fn leaf_nodes(&self, wrt: &[Array]) -> Result<Vec<(NodeId, Layout)>> {
        let leaves = self.leaves.borrow();
        let mut nodes = memory::list(wrt.len())?;
        for (i, a) in wrt.iter().enumerate() {
            let Some(leaf) = find_leaf(&leaves, i, a) else {
                bail!(Value, "grad: an array of shape {:?} is not watched in this session", a.shape())
            };
            nodes.push((leaf.node, a.layout().clone()));
        }
        Ok(nodes)
    }
    /// Gradients of the sum of `outputs` (each weighted with its seed) with respect to watched arrays; `None` where nothing
    /// depends on one. Seeds default to ones.
    pub fn gradients(
        &self,
        outputs: &[Array],
        seeds: Option<&[Array]>,
        wrt: &[Array],
    ) -> Result<Vec<Option<Array>>> {
        self.pass(outputs, seeds, wrt, false)
    }
    /// `gradients`, and the end of the session: what was kept for a gradient is let go of as soon as it has been used.
    pub fn last_gradients(
        self,
        outputs: &[Array],
        seeds: Option<&[Array]>,
        wrt: &[Array],
    ) -> Result<Vec<Option<Array>>> {
        // An outer session still needs the tape, and so does who holds a call.
        let last = TAPE.with_borrow(|t| t.depth == 1 && t.held == 0);
        self.pass(outputs, seeds, wrt, last)
    }
    fn pass(
        &self,
        outputs: &[Array],
        seeds: Option<&[Array]>,
        wrt: &[Array],
        last: bool,
    ) -> Result<Vec<Option<Array>>> {
        let targets = self.leaf_nodes(wrt)?;
        let mut starts = Vec::new();
        for (k, y) in outputs.iter().enumerate() {
            let Some(node) = TAPE.with_borrow(|t| t.lookup(y.buffer())).filter(|_| y.dtype().is_inexact())
            else {
                continue;
            };
            let seed = match seeds {
                Some(s) if s[k].shape() != y.shape() => {
                    bail!(
                        Value,
                        "grad: seed of shape {:?} for an output of shape {:?}",
                        s[k].shape(),
                        y.shape()
                    )
                }
                Some(s) => weight(&s[k], y)?,
                None => ones_for(y)?,
            };
            memory::push(&mut starts, (node, y.layout().clone(), seed))?;
        }
        let walk = Walk::start(self.tape, self.first, true)?;
        gradients_of(walk, self.first, last, starts, &targets)
    }
    /// Ends the session, but for derivatives of these outputs with respect to these watched arrays: they can be asked for as often
    /// as one likes, as long as what comes back is there. Inside of another session they are recorded.
    pub fn hold(self, outputs: &[Array], wrt: &[Array]) -> Result<Held> {
        let leaves = self.leaf_nodes(wrt)?;
        let mut points = memory::list(wrt.len())?;
        for ((node, layout), a) in leaves.into_iter().zip(wrt) {
            points.push(Point { node, layout, dtype: a.dtype(), device: a.device() });
        }
        let mut ends = memory::list(outputs.len())?;
        for y in outputs {
            let node = TAPE.with_borrow(|t| t.lookup(y.buffer())).filter(|_| y.dtype().is_inexact());
            ends.push(node.map(|node| Point {
                node,
                layout: y.layout().clone(),
                dtype: y.dtype(),
                device: y.device(),
            }));
        }
        TAPE.with_borrow_mut(|t| t.held += 1);
        Ok(Held::new(self.tape, self.first, points, ends))
    }
    /// Where contents that depend on watched arrays left the tape in this session, each place once, in the order of the
    /// program.
    pub fn departures(&self, wrt: &[Array]) -> Result<Vec<u32>> {
        if TAPE.with_borrow(|t| t.departures.is_empty() && t.numbers.is_empty()) {
            return Ok(Vec::new());
        }
        let targets = self.leaf_nodes(wrt)?;
        TAPE.with_borrow(|t| {
            let first = self.first.max(t.base);
            let mut depends = memory::filled(t.end().saturating_sub(first) as usize, false)?;
            let at = |id: NodeId| id.checked_sub(first).map(|i| i as usize);
            let mut places = Vec::new();
            for id in first..t.end() {
                let node = &t.nodes[(id - t.base) as usize];
                let call = match node.kind {
                    Kind::Output { call, .. } => Some(call),
                    _ => None,
                };
                let mut read = node.edges.iter().flatten().map(|e| e.node).chain(node.previous).chain(call);
                let i = (id - first) as usize;
                depends[i] =
                    targets.iter().any(|(n, _)| *n == id) || read.any(|n| at(n).is_some_and(|i| depends[i]));
                if depends[i] {
                    for p in [&t.departures, &t.numbers].into_iter().filter_map(|m| m.get(&id)).flatten() {
                        if !places.contains(p) {
                            memory::push(&mut places, *p)?;
                        }
                    }
                }
            }
            Ok(places)
        })
    }
    /// Tangents of `outputs` from tangents of watched arrays (forward mode over what was recorded); `None` where nothing
    /// depends on them.
    pub fn tangents(
        &self,
        outputs: &[Array],
        wrt: &[Array],
        tangents: &[Array],
    ) -> Result<Vec<Option<Array>>> {
        let targets = self.leaf_nodes(wrt)?;
        let mut starts = memory::list(targets.len())?;
        for (((node, layout), t), a) in targets.into_iter().zip(tangents).zip(wrt) {
            starts.push((node, layout, weight(t, a)?));
        }
        let end = |t: &Tape, y: &Array| -> Option<End> {
            let node = t.lookup(y.buffer()).filter(|_| y.dtype().is_inexact())?;
            Some((node, y.layout().clone(), y.dtype()))
        };
        let ends = TAPE.with_borrow(|t| memory::collected(outputs.iter().map(|y| end(t, y))))?;
        let walk = Walk::start(self.tape, self.first, true)?;
        forward(&walk, self.first, starts, &ends)
    }
}

/// A seed or tangent as numbers of the array that it belongs to: whoever writes it down need not know the dtype.
fn weight(w: &Array, of: &Array) -> Result<Array> {
    weight_for(w, of.dtype(), of.device())
}

/// The leaf of an array. Arguments are mostly asked for in the order in which they were marked: number `likely` first.
fn find_leaf<'a>(leaves: &'a [Leaf], likely: usize, a: &Array) -> Option<&'a Leaf> {
    let is = |l: &&Leaf| Shared::ptr_eq(&l.buffer, a.buffer());
    leaves.get(likely).filter(is).or_else(|| leaves.iter().find(is))
}

impl Drop for Session {
    fn drop(&mut self) {
        set_flag(RECORDING, self.recording);
        let dropped = TAPE.with_borrow_mut(|t| {
            for l in self.leaves.borrow().iter().rev() {
                if let Some(before) = l.restore {
                    t.restore(&l.buffer, before);
                }
            }
            t.close()
        });
        // Dropping arrays may run foreign code: not inside the borrow.
        if let Some(ended) = dropped {
            ended.finish();
        }
    }
}

/// See `minpy_core::internal::prepare_thread`.
pub fn prepare_thread() {
    TAPE.with(|_| ());
    HELD.with(|_| ());
}

/// Whether operations on this array are recorded on this thread.
pub fn is_watched(a: &Array) -> bool {
    flags() & RECORDING != 0 && TAPE.with_borrow(|t| t.lookup(a.buffer()).is_some())
}

/// An array as it was when it was kept, for the rule of a foreign call. However its memory is written until then.
pub struct Kept {
    tape: u32,
    save: u32,
}
impl Kept {
    /// The array. To the tape it stands for the contents that were kept.
    pub fn array(&self) -> Result<Array> {
        with_tape(self.tape, |t| t.saved(self.save).cloned())
    }
}
/// Keeps an array as it is now, until the outermost session of this thread ends and nobody holds a call of it.
pub fn keep(a: &Array) -> Result<Kept> {
    TAPE.with_borrow_mut(|t| {
        if t.depth == 0 {
            bail!(Runtime, "gradient: there is no session to keep an array for");
        }
        Ok(Kept { tape: t.id, save: t.save(a)? })
    })
}

/// A call that ran outside of dispatch (a Python function, a symbol): what it has read is on the tape.
#[derive(Clone, Copy)]
pub struct ForeignCall {
    tape: u32,
    node: NodeId,
}
/// Notes what a call outside of dispatch reads, as it is now: before the outputs are written, which may be inputs too. `None`
/// where nothing of it is watched.
pub fn foreign_call(name: &str, inputs: &[Array], rule: ForeignRule) -> Result<Option<ForeignCall>> {
    if flags() & RECORDING == 0 {
        return Ok(None);
    }
    read_by(name, inputs, rule)
}
fn read_by(name: &str, inputs: &[Array], rule: ForeignRule) -> Result<Option<ForeignCall>> {
    TAPE.with_borrow_mut(|t| {
        let mut edges = Edges::new();
        memory::fallible(|| edges.try_reserve(inputs.len())).or_else(|_| memory::exhausted())?;
        edges.extend(inputs.iter().map(|a| t.edge(a).filter(|_| a.dtype().is_inexact())));
        let Some(device) = inputs.iter().zip(&edges).find_map(|(a, e)| e.as_ref().map(|_| a.device())) else {
            return Ok(None);
        };
        let gradient = Gradient::Function { name: name.to_string(), rule };
        let node = t.push(Node::call(Kind::Call { gradient, outputs: 0 }, edges, device))?;
        Ok(Some(ForeignCall { tape: t.id, node }))
    })
}
/// Notes what a function outside of dispatch wrote where nothing is recorded (`no_grad`): which of the elements, nobody knows, so asking for
/// their gradient is an error that names the function. Nothing where calls are recorded, or no tape knows the array.
pub fn written_by(name: &str, a: &Array) -> Result<()> {
    if flags() & RECORDING != 0 || a.size() == 0 || a.buffer().is_unwatched() {
        return Ok(());
    }
    read_by(name, std::slice::from_ref(a), ForeignRule::default())?
        .map_or(Ok(()), |call| call.wrote(std::slice::from_ref(a)))
}
impl ForeignCall {
    /// What the call has written.
    pub fn wrote(self, outputs: &[Array]) -> Result<()> {
        TAPE.with_borrow_mut(|t| {
            let at = self.node.checked_sub(t.base).map_or(usize::MAX, |i| i as usize);
            let Some(Node { kind: Kind::Call { outputs: count, .. }, .. }) =
                t.nodes.get_mut(at).filter(|_| t.id == self.tape)
            else {
                bail!(Runtime, "gradient: the session that noted a call is over");
            };
            *count = outputs.len();
            for (index, a) in outputs.iter().enumerate().filter(|(_, a)| a.dtype().is_inexact()) {
                let node = Node {
                    layout: a.layout().clone(),
                    dtype: a.dtype(),
                    elements: a.buffer().bytes() / a.dtype().size(),
                    previous: t.lookup(a.buffer()),
                    ..Node::call(Kind::Output { call: self.node, index }, Edges::new(), a.device())
                };
                let id = t.push(node)?;
                t.set_node(a.buffer(), id)?;
            }
            Ok(())
        })
    }
}
/// Both at once, for a call that writes none of what it reads.
pub fn record_foreign(name: &str, inputs: &[Array], outputs: &[Array], rule: ForeignRule) -> Result<()> {
    foreign_call(name, inputs, rule)?.map_or(Ok(()), |call| call.wrote(outputs))
}

/// Notes that the contents of a watched array leave the tape at a place of the program (the caller's number for it): what
/// others compute of them is a constant.
pub fn departed(a: &Array, place: u32) -> Result<()> {
    if flags() & RECORDING == 0 || !a.dtype().is_inexact() {
        return Ok(());
    }
    TAPE.with_borrow_mut(|t| {
        let Some(node) = t.lookup(a.buffer()) else { return Ok(()) };
        memory::fallible(|| t.departures.try_reserve(1)).or_else(|_| memory::exhausted())?;
        memory::push(t.departures.entry(node).or_default(), place)
    })
}
/// Contents of a watched array as they are now, for a departure that shows itself later.
#[derive(Clone, Copy)]
pub struct Mark {
    tape: u32,
    node: NodeId,
}
/// `None` where nothing of the array is recorded.
pub fn mark(a: &Array) -> Option<Mark> {
    if flags() & RECORDING == 0 || !a.dtype().is_inexact() {
        return None;
    }
    TAPE.with_borrow(|t| t.lookup(a.buffer()).map(|node| Mark { tape: t.id, node }))
}
impl Mark {
    /// Notes that a number made of the contents takes part at a place of the program: once a place, however often. Nothing
    /// after the end of the session.
    pub fn used(self, place: u32) -> Result<()> {
        TAPE.with_borrow_mut(|t| {
            if t.depth == 0 || t.id != self.tape {
                return Ok(());
            }
            memory::fallible(|| t.numbers.try_reserve(1)).or_else(|_| memory::exhausted())?;
            let places = t.numbers.entry(self.node).or_default();
            if places.contains(&place) { Ok(()) } else { memory::push(places, place) }
        })
    }
}
/// The array came back as it is: its last departure is forgotten.
pub fn returned(buffer: &Shared<Buffer>) {
    if flags() & RECORDING != 0 {
        TAPE.with_borrow_mut(|t| {
            if let Some(node) = t.lookup(buffer).filter(|_| !t.departures.is_empty())
                && let Some(places) = t.departures.get_mut(&node)
            {
                places.pop();
            }
        });
    }
}
