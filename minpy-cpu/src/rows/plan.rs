//! The plan of work on rows: the program cut into stages.
//!
//! A stage computes, element by element, what the folds at its end need; what later stages read of it is kept for the row.
//! What is the same along a row is computed anew in each stage: it costs one element. `group.rs` runs plans.

use super::fold::{self, Folder};
use crate::elementwise::compiled::compile;
use crate::elementwise::program::{Compiled, Flags, Use};
use minpy_core::DType;
use minpy_core::backend::{Builder, E, Node, NodeId, Program};
use smallvec::SmallVec;

/// What a stage reads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bind {
    /// An input of the call.
    Input(usize),
    /// Values that an earlier stage kept.
    Kept(usize),
    /// The result of a fold.
    Fold(usize),
}

/// Where an output of a stage goes.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    Kept(usize),
    /// An output of the call.
    Output(usize),
    /// Only to a fold.
    Fold,
}

/// What a fold reads: an output of its stage, or what the stage reads, as it is.
pub(crate) enum From {
    Output(usize),
    Bind(Bind),
}

pub(crate) struct FoldStep {
    pub from: From,
    pub folder: Folder,
    /// Number of the fold.
    pub to: usize,
    pub flags: Flags,
}

pub(crate) struct Stage {
    /// `None`: nothing is computed, only folded.
    pub compiled: Option<Compiled>,
    pub binds: SmallVec<[Bind; 8]>,
    pub goals: SmallVec<[Goal; 4]>,
    pub folds: SmallVec<[FoldStep; 2]>,
}

/// A program cut into stages; kept with the program.
pub(crate) struct RowPlan {
    pub stages: Vec<Stage>,
    /// Bytes of an element of each kept value.
    pub kept: Vec<usize>,
    /// Bytes of each fold's result.
    pub folds: Vec<usize>,
    /// Outputs that are the result of a fold itself, once a row or repeated along it.
    pub direct: Vec<(usize, usize)>,
    /// Elements of a chunk.
    pub chunk: usize,
    pub cost: usize,
}

struct Planner<'p> {
    program: &'p Program,
    /// The stage in which each node is computed; for folds the one after which they are there.
    stage: Vec<usize>,
    /// The same along each row.
    row: Vec<bool>,
    /// Number of each fold node.
    fold: Vec<Option<usize>>,
    /// Number of each kept node.
    kept: Vec<Option<usize>>,
}

impl Planner<'_> {
    fn arguments(&self, id: usize) -> SmallVec<[usize; 3]> {
        match self.program.nodes()[id].0 {
            Node::Prim(p, ids) => ids[..p.arity()].iter().map(|&i| i as usize).collect(),
            Node::Cast(a) | Node::Fold(_, a) => SmallVec::from_slice(&[a as usize]),
            _ => SmallVec::new(),
        }
    }
    /// The stage from which on a node's value can be read.
    fn ready(&self, id: usize) -> usize {
        self.stage[id] + self.fold[id].is_some() as usize
    }
    fn is_leaf(&self, id: usize) -> bool {
        matches!(self.program.nodes()[id].0, Node::Input(_) | Node::Const(_))
    }
}

/// Writes one stage's part of the program.
struct StageBuilder<'b, 'p> {
    planner: &'b Planner<'p>,
    builder: &'b Builder,
    stage: usize,
    values: Vec<Option<E<'b>>>,
    binds: SmallVec<[Bind; 8]>,
    scalars: u32,
}
impl<'b> StageBuilder<'b, '_> {
    fn bind(&mut self, bind: Bind, dtype: DType) -> E<'b> {
        self.binds.push(bind);
        self.builder.input(dtype)
    }
    /// What the node's value is read from, when this stage does not compute it.
    fn outside(&self, id: usize) -> Option<Bind> {
        let p = self.planner;
        match p.program.nodes()[id].0 {
            Node::Input(i) => Some(Bind::Input(i as usize)),
            Node::Fold(..) => p.fold[id].map(Bind::Fold),
            Node::Const(_) => None,
            _ if p.stage[id] < self.stage && !p.row[id] => p.kept[id].map(Bind::Kept),
            _ => None,
        }
    }
    fn value(&mut self, id: usize) -> E<'b> {
        if let Some(v) = self.values[id] {
            return v;
        }
        let (node, dtype) = self.planner.program.nodes()[id];
        let v = match (self.outside(id), node) {
            (Some(bind), _) => {
                if let Bind::Input(i) = bind
                    && self.planner.program.is_scalar_input(i)
                {
                    self.scalars |= 1 << self.binds.len().min(31);
                }
                self.bind(bind, dtype)
            }
            (None, Node::Const(c)) => self.builder.constant(c),
            (None, Node::Cast(a)) => {
                let of = self.value(a as usize);
                self.builder.origin(self.planner.program.origin(id));
                of.cast(dtype)
            }
            (None, Node::Prim(prim, ids)) => {
                let args: SmallVec<[E; 3]> =
                    ids[..prim.arity()].iter().map(|&i| self.value(i as usize)).collect();
                self.builder.origin(self.planner.program.origin(id));
                E::apply(prim, &args)
            }
            (None, Node::Input(_) | Node::Index | Node::Fold(..)) => {
                unreachable!("read from outside, or refused")
            }
        };
        self.values[id] = Some(v);
        v
    }
}

pub(crate) fn plan(program: &Program) -> std::result::Result<RowPlan, String> {
    let nodes = program.nodes();
    let n = nodes.len();
    let mut p =
        Planner { program, stage: vec![0; n], row: vec![false; n], fold: vec![None; n], kept: vec![None; n] };
    let mut folds: Vec<usize> = Vec::new();
    for (id, (node, dtype)) in nodes.iter().enumerate() {
        let arguments = p.arguments(id);
        p.stage[id] = arguments.iter().map(|&a| p.ready(a)).max().unwrap_or(0);
        p.row[id] = match node {
            Node::Input(i) => program.is_scalar_input(*i as usize),
            Node::Const(_) => true,
            Node::Fold(..) => {
                if *dtype == DType::F16 {
                    return Err("cpu: rows of float16 are folded in float32".into());
                }
                p.fold[id] = Some(folds.len());
                folds.push(dtype.size());
                true
            }
            Node::Index => return Err("cpu: a position has no place in work on rows".into()),
            _ => arguments.iter().all(|&a| p.row[a]),
        };
    }
    // Values that a later stage reads.
    let mut kept: Vec<usize> = Vec::new();
    for id in 0..n {
        // What is the same along a row is computed anew in each stage that uses it.
        for a in p.arguments(id) {
            if p.stage[a] < p.stage[id] && !p.row[a] && !p.is_leaf(a) && p.kept[a].is_none() {
                p.kept[a] = Some(kept.len());
                kept.push(nodes[a].1.size());
            }
        }
    }
    let count = (0..n).map(|i| p.stage[i]).max().unwrap_or(0) + 1;
    let (mut stages, mut direct) = (Vec::new(), Vec::new());
    let (mut chunk, mut cost) = (4096, 1);
    for s in 0..count {
        let builder = Builder::new();
        let mut b = StageBuilder {
            planner: &p,
            builder: &builder,
            stage: s,
            values: vec![None; n],
            binds: SmallVec::new(),
            scalars: 0,
        };
        let mut results: SmallVec<[NodeId; 4]> = SmallVec::new();
        let mut goals: SmallVec<[Goal; 4]> = SmallVec::new();
        let mut steps: SmallVec<[FoldStep; 2]> = SmallVec::new();
        // Each goal is an output of its own, so that it may have memory of its own.
        let mut aim = |b: &mut StageBuilder, id: usize, goal: Goal| {
            let e = b.value(id).id();
            results.push(e);
            goals.push(goal);
            results.len() - 1
        };
        for id in (0..n).filter(|&i| p.stage[i] == s) {
            if let Some(k) = p.kept[id] {
                aim(&mut b, id, Goal::Kept(k));
            }
        }
        for (o, &id) in program.outputs().iter().enumerate() {
            let id = id as usize;
            match p.fold[id] {
                Some(f) if s == 0 => direct.push((o, f)),
                None if p.stage[id] == s => {
                    aim(&mut b, id, Goal::Output(o));
                }
                _ => {}
            }
        }
        for id in (0..n).filter(|&i| p.stage[i] == s) {
            let (Node::Fold(f, of), dtype) = nodes[id] else { continue };
            let Some(folder) = fold::lookup(f, dtype) else {
                return Err(format!("cpu: no fold {f:?} of {dtype}"));
            };
            let from = match (b.outside(of as usize), p.kept[of as usize]) {
                (Some(bind), _) => From::Bind(bind),
                (None, Some(k)) => From::Bind(Bind::Kept(k)),
                (None, None) => From::Output(aim(&mut b, of as usize, Goal::Fold)),
            };
            let flags = Flags {
                watched: dtype.is_inexact(),
                told: f.prim().raises(dtype),
                origin: program.origin(id),
            };
            steps.push(FoldStep { from, folder, to: p.fold[id].unwrap_or(0), flags });
        }
        let compiled = if results.is_empty() {
            None
        } else {
            let part = builder.finish(program.name(), &results, b.scalars);
            let c = compile(&part, Use::Store)?;
            chunk = chunk.min(c.block);
            cost += c.cost;
            Some(c)
        };
        cost += steps.len();
        stages.push(Stage { compiled, binds: b.binds, goals, folds: steps });
    }
    Ok(RowPlan { stages, kept, folds, direct, chunk, cost })
}
