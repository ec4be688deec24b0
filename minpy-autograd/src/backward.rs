//! Reverse mode: from the gradients of results back to those of watched inputs.

use crate::accumulate::{Home, Total, unbroadcast};
use crate::edge::{Edge, NodeId, Nodes};
use crate::rule::{Saves, Value};
use crate::tape::{Constant, ForeignRule, Gradient, Kind, Node, Saved, Tape, with_tape};
use minpy_core::backend::{Attributes, memory};
use minpy_core::internal::Shared;
use minpy_core::internal::context::{RECORDING, flags, set_flag};
use minpy_core::{
    Array, Attrs, DeviceRef, Error, ErrorKind, Layout, OpDef, Operand, Result, Target, bail, ops,
};
use smallvec::SmallVec;
use std::collections::hash_map::Entry;
use std::sync::Arc;

/// Takes the nodes out of the tape while a pass walks over them (the pass may record new ones), and puts them back.
pub(crate) struct Walk {
    /// Which tape they are from.
    tape: u32,
    pub nodes: Vec<Node>,
    base: NodeId,
    recording: bool,
}
impl Walk {
    /// For a pass of the innermost session (`own`), or of one that is over, over nodes of a tape from `first` on.
    pub fn start(tape: u32, first: NodeId, own: bool) -> Result<Walk> {
        with_tape(tape, |t| {
            t.abandon();
            t.is_whole()?;
            if first < t.base {
                bail!(Runtime, "gradient: a pass over the same calls is not at its end");
            }
            let nodes = std::mem::take(&mut t.nodes);
            let base = t.base;
            t.base += nodes.len() as u32;
            // The outermost pass is not recorded; inside another session it is, for gradients of gradients.
            let recording = flags() & RECORDING != 0;
            if own && t.depth <= 1 {
                set_flag(RECORDING, false);
            }
            Ok(Walk { tape, nodes, base, recording })
        })
    }
    /// What was kept for a node.
    pub fn saved(&self, index: u32) -> Result<Array> {
        with_tape(self.tape, |t| t.saved(index).cloned())
    }
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[(id - self.base) as usize]
    }
    pub fn base(&self) -> NodeId {
        self.base
    }
}
impl Nodes for Walk {
    fn view<'a>(&'a self, e: &'a Edge) -> &'a Layout {
        match &e.via {
            Some(l) => l,
            None => &self.node(e.node).layout,
        }
    }
    fn device(&self, id: NodeId) -> DeviceRef {
        self.node(id).device
    }
}
impl Drop for Walk {
    fn drop(&mut self) {
        set_flag(RECORDING, self.recording);
        let lost = with_tape(self.tape, |t| {
            t.abandon();
            let mut all = std::mem::take(&mut self.nodes);
            let mut new = std::mem::take(&mut t.nodes);
            if memory::grow(&mut all, new.len()).is_ok() {
                all.append(&mut new);
            } else {
                t.broken = true;
            }
            t.nodes = all;
            t.base = self.base;
            Ok(new)
        });
        // Foreign functions among them may run foreign code: not inside the borrow.
        drop(lost);
    }
}

pub(crate) fn home(node: &Node) -> Home {
    Home { elements: node.elements, dtype: node.dtype, device: node.device }
}

/// What a rule needs, fetched from the tape.
pub(crate) struct Fetched {
    inputs: SmallVec<[Value; 3]>,
    outputs: SmallVec<[Value; 1]>,
}
impl Fetched {
    /// Nothing, with room for what the operations of a pass need, one after another.
    pub fn new() -> Fetched {
        Fetched { inputs: SmallVec::new(), outputs: SmallVec::new() }
    }
    /// Lets go of what was fetched, so that its memory can be used again.
    pub fn clear(&mut self) {
        self.inputs.clear();
        self.outputs.clear();
    }
    /// Fetches what the rule of a recorded operation needs; `last`: nobody will need it again.
    pub fn load(&mut self, walk: &Walk, node: &Node, last: bool) -> Result<()> {
        self.clear();
        let (op, inputs, outputs) = match &node.kind {
            Kind::Op { rule, inputs, output, .. } => (rule.op, &inputs[..], std::slice::from_ref(output)),
            Kind::Call { gradient: Gradient::Rule(r), .. } => (r.rule.op, &r.inputs[..], &r.outputs[..]),
            _ => return Ok(()),
        };
        if inputs.is_empty() && outputs.iter().all(|o| matches!(o, Saved::Nothing)) {
            self.inputs.extend(node.edges.iter().map(|_| Value::Nothing));
        } else {
            self.as_saved(walk.tape, inputs, outputs, last)?;
        }
        match (op.elementwise(), node.mask) {
            (Some(e), Some(m)) => self.written(op, e.rule.condition_first, walk.saved(m)?),
            _ => Ok(()),
        }
    }
    fn as_saved(&mut self, tape: u32, inputs: &[Saved], outputs: &[Saved], last: bool) -> Result<()> {
        with_tape(tape, |t| {
            // Each value is moved once, to where it is read.
            fn fetch<A: smallvec::Array<Item = Value>>(
                t: &mut Tape,
                saved: &[Saved],
                last: bool,
                to: &mut SmallVec<A>,
            ) -> Result<()> {
                for s in saved {
                    match *s {
                        Saved::Nothing => to.push(Value::Nothing),
                        Saved::Array(i) if last => to.push(Value::Array(t.take_saved(i)?)),
                        Saved::Array(i) => to.push(Value::Array(t.saved(i)?.clone())),
                        Saved::Constant(i) => to.push(match t.constant(i) {
                            Constant::Number(n) => Value::Number(n),
                            Constant::Scalar(s) => Value::Scalar(s),
                        }),
                    }
                }
                Ok(())
            }
            fetch(t, inputs, last, &mut self.inputs)?;
            fetch(t, outputs, last, &mut self.outputs)
        })
    }
    /// Under `where=`: a point of the operation's domain in the elements that were not written, which is all that users of
    /// `where=` want to be spared. The factor of their zero gradients is finite then, in derivatives of any order.
    fn written(&mut self, op: &'static OpDef, condition_first: bool, mask: Array) -> Result<()> {
        let mut point: SmallVec<[Operand; 3]> = SmallVec::new();
        for (i, v) in self.inputs.iter_mut().enumerate() {
            let (lo, hi) = op.domain[i];
            // Not the middle: functions of two arguments are not smooth where both are 0, or equal.
            let inside = Operand::from(lo + (hi - lo) * 0.4);
            point.push(match v {
                Value::Number(n) => Operand::Number(*n),
                Value::Scalar(s) => Operand::Scalar(*s),
                _ => inside,
            });
            if let Value::Array(a) = v
                && !(condition_first && i == 0)
            {
                *a = ops::select(&mask, &*a, inside)?;
            }
        }
        if self.outputs.iter().any(|o| matches!(o, Value::Array(_))) {
            let targets = [Target::New; 2];
            let there = ops::call_all(op, Attrs::NONE, &point, None, &targets[..op.results])?;
            for (o, there) in self.outputs.iter_mut().zip(&there) {
                if let Value::Array(y) = o {
                    *y = ops::select(&mask, &*y, there)?;
                }
            }
        }
        Ok(())
    }
    pub fn saves<'a>(
        &'a self,
        op: &'static OpDef,
        attrs: &'a Option<Arc<dyn Attributes>>,
        walk: &'a Walk,
        node: &'a Node,
    ) -> Saves<'a> {
        let (inputs, outputs) = (&self.inputs[..], &self.outputs[..]);
        Saves { op, attrs: Attrs::kept(attrs), inputs, outputs, nodes: walk, edges: &node.edges }
    }
}

/// Gradients of `targets` (nodes) from seeds at nodes, among nodes from `first` on. `last_pass`: the tape is not needed afterwards,
/// and lets go of what it keeps as the pass comes by: gradients then take that memory while it is near.
pub(crate) fn backward(
    walk: Walk,
    first: NodeId,
    last_pass: bool,
    seeds: Vec<(NodeId, Layout, Array)>,
    targets: &[NodeId],
) -> Result<Vec<Option<Total>>> {
    let Some(last) = seeds.iter().map(|s| s.0).max() else {
        return memory::collected(targets.iter().map(|_| None));
    };
    let count = (last + 1).saturating_sub(first) as usize;
    let at = |id: NodeId| (id >= first && id <= last).then(|| (id - first) as usize);

    // Only nodes that depend on a target need a gradient.
    let mut needed = memory::filled(count, false)?;
    let mut is_target = memory::filled(count, false)?;
    for &t in targets {
        if let Some(i) = at(t) {
            (needed[i], is_target[i]) = (true, true);
        }
    }
    for id in first..=last {
        let n = walk.node(id);
        let reaches = |e: NodeId| at(e).is_some_and(|i| needed[i]);
        let yes = n.edges.iter().flatten().any(|e| reaches(e.node))
            || n.previous.is_some_and(reaches)
            || matches!(n.kind, Kind::Output { call, .. } if reaches(call));
        if yes {
            needed[(id - first) as usize] = true;
        }
    }
    let mut totals: Vec<Option<Total>> = memory::collected((0..count).map(|_| None))?;
    for (id, layout, g) in seeds {
        if let Some(i) = at(id)
            && needed[i]
        {
            Total::deposit(&mut totals[i], g, &layout, &home(walk.node(id)))?;
        }
    }
    let mut fetched = Fetched::new();
    // Gradients of the results of calls that are differentiated as a whole.
    let mut calls: std::collections::HashMap<NodeId, Vec<Option<Array>>> = Default::default();
    for id in (first..=last).rev() {
        let i = (id - first) as usize;
        let node = walk.node(id);
        if let Kind::Call { gradient, .. } = &node.kind {
            if let Some(gs) = calls.remove(&id) {
                let gs = match gradient {
                    Gradient::Function { name, rule: ForeignRule { vjp: None, .. } } => {
                        return Err(missing(name, node));
                    }
                    Gradient::Function { rule: ForeignRule { vjp: Some(vjp), .. }, .. } => vjp(&gs)?,
                    Gradient::Rule(r) => {
                        fetched.load(&walk, node, last_pass)?;
                        let saves = fetched.saves(r.rule.op, &r.attrs, &walk, node);
                        let gs = (r.rule.vjp)(&saves, &gs);
                        fetched.clear();
                        gs.map_err(|e| e.context(&format!("gradient of {}", r.rule.op.name)))?
                    }
                };
                one_each(gradient.name(), "gradients", gs.len(), "inputs", node.edges.len())?;
                deposit_all(&walk, node, gs, &mut totals, &at, &needed)?;
            }
            continue;
        }
        // What a target depends on lies before this session.
        if is_target[i] {
            continue;
        }
        // What an operation read was there before it: the gradients of earlier nodes grow while this one is read.
        let (earlier, now) = totals.split_at_mut(i);
        let slot = &mut now[0];
        if let (Some(total), Kind::Op { .. }) = (&*slot, &node.kind)
            && needed[i]
            && node.mask.is_none()
            && node.previous.is_none()
        {
            let through;
            let g = match total.as_seen(&node.layout) {
                Some(a) => a,
                None => {
                    through = total.through(&node.layout)?;
                    &through
                }
            };
            fetched.load(&walk, node, last_pass)?;
            pull(&walk, node, &fetched, g, earlier, &at, &needed)?;
            fetched.clear();
            *slot = None;
            continue;
        }
        let Some(total) = slot.take().filter(|_| needed[i]) else { continue };
        let mask = node.mask.map(|m| walk.saved(m)).transpose()?;
        let mut g = total.through(&node.layout)?;
        if let (true, Some(m)) = (node.in_place, &mask) {
            g = ops::select(m, &g, 0.0)?;
        }
        let before = match node.previous {
            Some(p) if at(p).is_some_and(|k| needed[k]) => {
                // The written part is copied out before it is set to zero.
                if !matches!(node.kind, Kind::Overwritten) {
                    g = ops::copy(&g)?;
                }
                total.without(&node.layout, mask.as_ref(), &home(node))?.map(|t| (p, t))
            }
            _ => None,
        };
        // First, so that what the written values read of the same buffer is added where it belongs.
        if let Some((p, t)) = before {
            t.pass_on(&mut earlier[(p - first) as usize], &home(walk.node(p)))?;
        }
        match &node.kind {
            Kind::Op { .. } => {
                fetched.load(&walk, node, last_pass)?;
                pull(&walk, node, &fetched, &g, earlier, &at, &needed)?;
                fetched.clear();
            }
            Kind::Missing(name) => return Err(missing(name, node)),
            Kind::Output { call, index } => {
                let Kind::Call { outputs, .. } = walk.node(*call).kind else { continue };
                memory::fallible(|| calls.try_reserve(1)).or_else(|_| memory::exhausted())?;
                let gs = match calls.entry(*call) {
                    Entry::Occupied(e) => e.into_mut(),
                    Entry::Vacant(e) => e.insert(memory::filled(outputs, None)?),
                };
                gs[*index] = Some(g);
            }
            Kind::Leaf | Kind::Overwritten | Kind::Call { .. } => {}
        }
    }
    memory::collected(targets.iter().map(|&t| at(t).and_then(|i| totals[i].take())))
}

/// From the gradient `g` of what an operation wrote to those of what it read.
fn pull(
    walk: &Walk,
    node: &Node,
    fetched: &Fetched,
    g: &Array,
    earlier: &mut [Option<Total>],
    at: &impl Fn(NodeId) -> Option<usize>,
    needed: &[bool],
) -> Result<()> {
    let Kind::Op { rule, attrs, .. } = &node.kind else { return Ok(()) };
    let saves = fetched.saves(rule.op, attrs, walk, node);
    // The first argument last: in networks it is what the operation before made, whose own gradient then joins the product
    // that is computed for this one.
    for (k, e) in node.edges.iter().enumerate().rev() {
        let Some(e) = e else { continue };
        let Some(slot) = at(e.node).filter(|&s| needed[s]) else { continue };
        let Some(r) = rule.inputs.get(k) else { return Err(without_map(rule.op.name, k)) };
        let gi = (r.vjp)(&saves, g).map_err(|err| err.context(&format!("gradient of {}", rule.op.name)))?;
        let view = walk.view(e);
        let gi = unbroadcast(gi, view.shape(), e.dtype)?;
        Total::deposit(&mut earlier[slot], gi, view, &home(walk.node(e.node)))?;
    }
    Ok(())
}

fn deposit_all(
    walk: &Walk,
    node: &Node,
    gs: Vec<Option<Array>>,
    totals: &mut [Option<Total>],
    at: &impl Fn(NodeId) -> Option<usize>,
    needed: &[bool],
) -> Result<()> {
    for (e, g) in node.edges.iter().zip(gs) {
        if let (Some(e), Some(g)) = (e, g)
            && let Some(slot) = at(e.node).filter(|&s| needed[s])
        {
            let view = walk.view(e);
            let g = unbroadcast(g, view.shape(), e.dtype)?;
            Total::deposit(&mut totals[slot], g, view, &home(walk.node(e.node)))?;
        }
    }
    Ok(())
}

#[cold]
fn missing(name: &str, node: &Node) -> Error {
    without_map(name, node.edges.iter().position(|e| e.is_some()).unwrap_or(0))
}
#[cold]
pub(crate) fn without_map(name: &str, argument: usize) -> Error {
    Error::new(
        ErrorKind::NoGradient,
        format!("No partial derivative of {name} defined on argument {argument}."),
    )
}

/// What the rule of a whole call gives: one for each, or a gradient would be lost without a word.
pub(crate) fn one_each(name: &str, given: &str, n: usize, of: &str, wanted: usize) -> Result<()> {
    if n != wanted {
        bail!(Runtime, "{name}: its rule gives {n} {given} for {wanted} {of}");
    }
    Ok(())
}

/// Ones in the shape of a result: the seed of its gradient.
pub(crate) fn ones_for(a: &Array) -> Result<Array> {
    let one = Array::empty_on(a.device(), &[], a.dtype())?;
    minpy_core::internal::dispatch::fill_raw(&one, minpy_core::Number::Int(1).cast(a.dtype()))?;
    one.broadcast_to(a.shape())
}

/// A gradient as users get it: an array of its own, elements not shared.
pub(crate) fn finished(total: Total, layout: &Layout) -> Result<Array> {
    let g = total.through(layout)?;
    drop(total);
    if Shared::strong_count(g.buffer()) > 1 || !g.layout().is_injective() {
        return ops::call(&ops::COPY, Attrs::NONE, &[Operand::Array(&g)], None, Target::New);
    }
    Ok(g)
}
