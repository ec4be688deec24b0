//! Forward mode: tangents pushed over the recorded calls in the order in which they ran.

use crate::accumulate::Total;
use crate::backward::{Fetched, Walk, home, one_each, without_map};
use crate::edge::{NodeId, Nodes};
use crate::tape::{Gradient, Kind, Node};
use minpy_core::backend::memory;
use minpy_core::{Array, DType, Layout, Result, bail, ops};

/// A result whose tangent is asked for: the node of its memory, the view, and what the view reads it as.
pub(crate) type End = (NodeId, Layout, DType);

const OTHER_DTYPE: &str = "No forward derivative of view with another dtype defined.";

/// Tangents at `ends` from tangents at nodes.
pub(crate) fn forward(
    walk: &Walk,
    first: NodeId,
    starts: Vec<(NodeId, Layout, Array)>,
    ends: &[Option<End>],
) -> Result<Vec<Option<Array>>> {
    let last = walk.base() + walk.nodes.len() as u32;
    let at = |id: NodeId| (id >= first).then(|| (id - first) as usize);
    let count = last.saturating_sub(first) as usize;
    let mut tangents: Vec<Option<Total>> = memory::collected((0..count).map(|_| None))?;
    for (id, layout, t) in starts {
        if let Some(i) = at(id) {
            Total::deposit(&mut tangents[i], t, &layout, &home(walk.node(id)))?;
        }
    }
    // What no result depends on is not asked for: where it has no derivative, nobody complains.
    let mut wanted = memory::filled(tangents.len(), false)?;
    ends.iter().flatten().filter_map(|e| at(e.0)).for_each(|i| wanted[i] = true);
    for id in (first..last).rev() {
        if !wanted[(id - first) as usize] {
            continue;
        }
        let node = walk.node(id);
        let call = match node.kind {
            Kind::Output { call, .. } => Some(call),
            _ => None,
        };
        let read = node.edges.iter().flatten().map(|e| e.node).chain(node.previous).chain(call);
        read.filter_map(at).for_each(|i| wanted[i] = true);
    }
    let mut fetched = Fetched::new();
    // Tangents of the results of calls that are differentiated as a whole.
    let mut calls: std::collections::HashMap<NodeId, Vec<Option<Array>>> = Default::default();
    let touched = |node: &Node, tangents: &[Option<Total>]| {
        node.edges.iter().flatten().any(|e| at(e.node).is_some_and(|s| tangents[s].is_some()))
    };
    for id in first..last {
        let i = (id - first) as usize;
        let node = walk.node(id);
        if tangents[i].is_some() || !wanted[i] {
            continue;
        }
        let mut sum: Option<Array> = None;
        match &node.kind {
            Kind::Op { rule, attrs, .. } => {
                for (k, e) in node.edges.iter().enumerate() {
                    let Some(e) = e else { continue };
                    let Some(t) = at(e.node).and_then(|s| tangents[s].as_ref()) else { continue };
                    let Some(r) = rule.inputs.get(k) else { return Err(without_map(rule.op.name, k)) };
                    if e.dtype != walk.node(e.node).dtype {
                        bail!(NoGradient, "{OTHER_DTYPE}");
                    }
                    if sum.is_none() {
                        fetched.load(walk, node, false)?;
                    }
                    let part =
                        (r.jvp)(&fetched.saves(rule.op, attrs, walk, node), &t.through(walk.view(e))?)?;
                    sum = Some(match sum {
                        None => part,
                        Some(s) => ops::add(&s, &part)?,
                    });
                }
            }
            Kind::Missing(name) if touched(node, &tangents) => {
                bail!(NoGradient, "No forward derivative of {name} defined.")
            }
            Kind::Call { gradient, outputs } if touched(node, &tangents) => {
                let mut all = memory::list(node.edges.len())?;
                for e in &node.edges {
                    all.push(match e {
                        Some(e) if e.dtype != walk.node(e.node).dtype => bail!(NoGradient, "{OTHER_DTYPE}"),
                        Some(e) => match at(e.node).and_then(|s| tangents[s].as_ref()) {
                            Some(t) => Some(t.through(walk.view(e))?),
                            None => None,
                        },
                        None => None,
                    });
                }
                let pushed = match gradient {
                    Gradient::Rule(r) => {
                        fetched.load(walk, node, false)?;
                        let pushed = (r.rule.jvp)(&fetched.saves(r.rule.op, &r.attrs, walk, node), &all)?;
                        fetched.clear();
                        pushed
                    }
                    Gradient::Function { rule, name } => match &rule.jvp {
                        Some(jvp) => jvp(&all)?,
                        None => bail!(NoGradient, "No forward derivative of {name} defined."),
                    },
                };
                one_each(gradient.name(), "tangents", pushed.len(), "results", *outputs)?;
                memory::fallible(|| calls.try_reserve(1)).or_else(|_| memory::exhausted())?;
                calls.insert(id, pushed);
            }
            Kind::Output { call, index } => {
                sum = calls.get(call).and_then(|all| all.get(*index)).cloned().flatten();
            }
            Kind::Leaf | Kind::Overwritten | Kind::Missing(_) | Kind::Call { .. } => {}
        }
        let before = node.previous.and_then(at).and_then(|p| tangents[p].as_ref());
        if sum.is_none() && before.is_none() {
            continue;
        }
        let mask = node.mask.map(|m| walk.saved(m)).transpose()?;
        let mut total = match before {
            Some(_) if node.previous.is_some_and(|p| walk.node(p).dtype != node.dtype) => {
                bail!(NoGradient, "{OTHER_DTYPE}")
            }
            Some(b) => {
                let flat = Layout::contiguous(&[node.elements]);
                let copy = ops::copy(&b.through(&flat)?)?;
                let mut slot = None;
                Total::deposit(&mut slot, copy, &flat, &home(node))?;
                match slot {
                    Some(t) => t.without(&node.layout, mask.as_ref(), &home(node))?,
                    None => None,
                }
            }
            None => None,
        };
        if let Some(s) = sum {
            let s = ops::cast(&s.broadcast_to(node.layout.shape())?, node.dtype)?;
            let s = match &mask {
                Some(m) if node.in_place => ops::select(m, &s, 0.0)?,
                _ => s,
            };
            Total::deposit(&mut total, s, &node.layout, &home(node))?;
        }
        tangents[i] = total;
    }
    let mut all = memory::list(ends.len())?;
    for e in ends {
        let tangent = e.as_ref().and_then(|(id, ..)| at(*id)).and_then(|i| tangents[i].as_ref());
        all.push(match (e, tangent) {
            (Some((id, _, dtype)), Some(_)) if *dtype != walk.node(*id).dtype => {
                bail!(NoGradient, "{OTHER_DTYPE}")
            }
            (Some((_, layout, _)), Some(t)) => Some(ops::copy(&t.through(layout)?)?),
            _ => None,
        });
    }
    Ok(all)
}
