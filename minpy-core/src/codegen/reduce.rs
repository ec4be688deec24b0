//! Reductions: `out[o] = fold over r of program(inputs..)[o, r]`, the program computed on the way.
//!
//! Two shapes of kernel: *rows* (a group per output, its items share the row, then a tree) and *columns* (an item per
//! output, or per block of neighbouring outputs on CPUs). With few outputs the range of `r` is cut into segments whose results go
//! to scratch memory, and a second, small reduction finishes. Float sums add blocks with compensation (Kahan), so that
//! their error does not grow with the length.

use super::dialect::accumulator;
use super::dims::{Dims, Step, base, collapse, collapse_reordered, is_wide, order};
use super::samples::{self, Operand as Sample, Samples};
use super::{Arg, Check, Form as AnyForm, Plan, ProgramRef, Spec, Step as Launch, Tuning};
use crate::expr::{Builder, Node, Program};
use crate::kernel::{Fold, Input, KernelCall, Work};
use crate::{DType, Result};
use smallvec::{SmallVec, smallvec};
use std::sync::{Arc, OnceLock};

/// What the source depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Form {
    pub(super) program: ProgramRef,
    pub(super) fold: Fold,
    /// Per input: `None` for a number, otherwise how the view moves in the innermost loop.
    pub(super) inputs: SmallVec<[Option<Step>; 4]>,
    /// Dtype of what is stored: the result's, or the accumulator's for segments.
    pub(super) store: DType,
    /// The results of segments go to scratch memory.
    pub(super) partial: bool,
    pub(super) column: bool,
    pub(super) outer: u8,
    pub(super) inner: u8,
    pub(super) wide: bool,
}

/// An operand of the reduction: view or scratch.
struct Operand<'a> {
    arg: Arg,
    base: i64,
    outer: &'a [isize],
    inner: &'a [isize],
}

struct Problem<'a> {
    program: &'a Arc<Program>,
    fold: Fold,
    numbers: SmallVec<[Option<crate::Scalar>; 4]>,
    views: SmallVec<[Operand<'a>; 4]>,
    outer: &'a [usize],
    inner: &'a [usize],
    out: (Arg, i64, DType, &'a [isize]),
}

/// The program that is its only input, for the second pass.
fn identity(dtype: DType) -> &'static Arc<Program> {
    static PROGRAMS: [OnceLock<Arc<Program>>; 14] = [const { OnceLock::new() }; 14];
    PROGRAMS[dtype as usize].get_or_init(|| {
        let b = Builder::new();
        let id = b.input(dtype).id();
        Arc::new(b.finish("identity", &[id], 0))
    })
}

/// Rows, columns, and a long one in two passes.
pub(super) fn samples(dtype: DType, s: &mut Samples) {
    for fold in samples::folds(dtype) {
        let (identity, work) = (samples::cast(dtype, dtype), Work::Reduce(fold));
        for (name, x, kept) in [
            ("rows", Sample::new(dtype, &[50, 400]), &[50][..]),
            ("columns", Sample::new(dtype, &[400, 300]).turned(), &[400]),
            ("long", Sample::new(dtype, &[1 << 22]), &[]),
        ] {
            s.add(&format!("{fold:?} {name}"), &work, Some(&identity), &[x], &[Sample::new(dtype, kept)]);
        }
    }
}

pub(super) fn plan(call: &KernelCall, fold: Fold, tuning: &Tuning) -> Result<Plan> {
    let out = &call.outputs[0];
    let rank = out.shape.len();
    let mut p = Problem {
        program: call.program(),
        fold,
        numbers: SmallVec::new(),
        views: SmallVec::new(),
        outer: out.shape,
        inner: &[],
        out: (Arg::Memory(out.memory.handle), base(call.op, out)?, out.dtype, out.strides),
    };
    for i in call.inputs {
        match i {
            Input::Scalar(s) => p.numbers.push(Some(*s)),
            Input::View(v) => {
                p.numbers.push(None);
                p.inner = &v.shape[rank..];
                let (outer, inner) = v.strides.split_at(rank);
                p.views.push(Operand {
                    arg: Arg::Memory(v.memory.handle),
                    base: base(call.op, v)?,
                    outer,
                    inner,
                });
            }
        }
    }
    if p.views.is_empty() {
        return super::dims::complain(call.op, "a reduction of numbers only");
    }
    let mut plan = Plan::default();
    p.launch(&mut plan, tuning);
    Ok(plan)
}

/// A sum of products over the last axis of two operands, for matrix-vector products: `out[o] = sum_k a[o, k] * b[o, k]`.
pub(super) fn plan_dot(
    call: &KernelCall,
    strides: [&[isize]; 3],
    outer: &[usize],
    k: usize,
    tuning: &Tuning,
) -> Result<Plan> {
    static PROGRAMS: [OnceLock<Arc<Program>>; 14] = [const { OnceLock::new() }; 14];
    let out = &call.outputs[0];
    let program = PROGRAMS[out.dtype as usize].get_or_init(|| {
        let b = Builder::new();
        let id = (b.input(out.dtype) * b.input(out.dtype)).id();
        Arc::new(b.finish("product", &[id], 0))
    });
    let rank = outer.len();
    let mut views: SmallVec<[Operand; 4]> = SmallVec::new();
    for (i, s) in call.inputs.iter().zip(strides) {
        let v = i.view();
        views.push(Operand {
            arg: Arg::Memory(v.memory.handle),
            base: base(call.op, v)?,
            outer: &s[..rank],
            inner: &s[rank..],
        });
    }
    let out = (Arg::Memory(out.memory.handle), base(call.op, out)?, out.dtype, strides[2]);
    let p =
        Problem { program, fold: Fold::Add, numbers: smallvec![None, None], views, outer, inner: &[k], out };
    let mut plan = Plan::default();
    p.launch(&mut plan, tuning);
    Ok(plan)
}

/// Strides of a dense block of `shape` whose dimensions lie in `order`.
fn scratch_strides(shape: &[usize], order: Option<SmallVec<[usize; 6]>>) -> SmallVec<[isize; 6]> {
    let mut strides: SmallVec<[isize; 6]> = SmallVec::from_elem(0, shape.len());
    let mut step = 1;
    for i in (0..shape.len()).rev() {
        let d = order.as_ref().map_or(i, |o| o[i]);
        strides[d] = step;
        step *= shape[d] as isize;
    }
    strides
}

/// Outputs that one item of a column kernel does.
pub(super) fn width(local: usize, accumulator: DType) -> usize {
    // Two kilobytes: long enough to read memory in runs, short enough for three such rows to stay in the first cache.
    if local == 1 { 2048 / accumulator.size() } else { 1 }
}

impl Problem<'_> {
    fn launch(self, plan: &mut Plan, tuning: &Tuning) {
        let acc = accumulator(self.program.output_dtype(0));
        // The views of a reduction are walked through as the first of them lies in memory.
        let ordered = self.program.nodes().iter().any(|(n, _)| matches!(n, Node::Index));
        let lead = self.views.iter().find(|v| v.inner.iter().any(|&s| s != 0)).unwrap_or(&self.views[0]);
        let outers = self.views.iter().map(|v| v.outer).chain(std::iter::once(self.out.3));
        let inners = self.views.iter().map(|v| v.inner);
        let (mut outer, mut inner) = if ordered {
            (collapse(self.outer, outers), collapse(self.inner, inners))
        } else {
            (
                collapse_reordered(self.outer, lead.outer, outers),
                collapse_reordered(self.inner, lead.inner, inners),
            )
        };
        let (count, extent) = (outer.total(), inner.total());
        for d in [&mut outer, &mut inner] {
            let n = d.padded_ndim();
            d.pad(n);
        }
        let last = |d: &Dims, v: usize| *d.s[v].last().unwrap_or(&0);
        let row_length = *outer.n.last().unwrap_or(&1);
        let w = width(tuning.local, acc);
        let neighbours = (0..self.views.len()).any(|v| last(&outer, v) == 1 && last(&inner, v).abs() > 1)
            && (0..self.views.len()).all(|v| last(&outer, v) == 0 || last(&outer, v) == 1);
        let column = if tuning.serial() {
            row_length >= 4 && neighbours || extent < 16 && row_length >= 32
        } else {
            row_length >= 16 && neighbours || extent < 32
        };
        let items = if column { count / row_length * row_length.div_ceil(w) } else { count };
        // Segments: as many as it takes to keep the device busy, each long enough to be worth it.
        let (wanted, least) = match (column, tuning.serial()) {
            (false, true) => (tuning.groups, 1 << 14),
            (false, false) => (tuning.groups, tuning.local * 64),
            (true, true) => (tuning.groups, (1 << 14) / w.min(row_length).max(1)),
            (true, false) => (tuning.groups * tuning.local / 4, 64),
        };
        let segments = (wanted / items.max(1)).min(extent / least.max(1)).max(1);
        let chunk = extent.div_ceil(segments);
        let segments = extent.div_ceil(chunk.max(1)).max(1);
        let tasks = items * segments;
        let (groups, per) = if tuning.serial() || !column {
            let per = tasks.div_ceil(tuning.groups * if tuning.serial() { 1 } else { 4 });
            (tasks.div_ceil(per), per)
        } else {
            (tasks.div_ceil(tuning.local).min(tuning.groups), 0)
        };
        let partial = segments > 1;
        let steps = if column { &outer } else { &inner };
        let mut v = 0;
        let inputs = self
            .numbers
            .iter()
            .map(|n| {
                n.is_none().then(|| {
                    v += 1;
                    if tuning.serial() { Step::of(last(steps, v - 1)) } else { Step::Any }
                })
            })
            .collect();
        let form = Form {
            program: ProgramRef(self.program.clone()),
            fold: self.fold,
            inputs,
            store: if partial { acc } else { self.out.2 },
            partial,
            column,
            outer: outer.n.len() as u8,
            inner: inner.n.len() as u8,
            wide: is_wide(count.saturating_mul(extent)),
        };
        let mut args: SmallVec<[Arg; 8]> = self.views.iter().map(|v| v.arg.clone()).collect();
        args.push(if partial { Arg::Scratch(plan.scratch.len()) } else { self.out.0.clone() });
        args.extend(self.numbers.iter().flatten().map(|s| Arg::Scalar(*s)));
        let mut m: SmallVec<[i64; 24]> =
            smallvec![count as i64, extent as i64, segments as i64, chunk as i64, per as i64];
        m.extend(self.views.iter().map(|v| v.base));
        m.push(if partial { 0 } else { self.out.1 });
        m.extend(outer.n.iter().chain(&inner.n).map(|&n| n as i64));
        m.extend(outer.s.iter().flatten().chain(inner.s.iter().flatten()).map(|&s| s as i64));
        args.push(Arg::Ints(m));
        let spec = Spec::new(AnyForm::Reduce(form), [tuning.local, 1, 1]);
        plan.steps.push(Launch { spec, args, groups: [groups, 1, 1], check: Check::No });
        if partial {
            let scratch = plan.scratch.len();
            plan.scratch.push(segments * count * acc.size());
            // Segments lie in scratch in the order in which the outputs were walked through.
            let strides =
                scratch_strides(self.outer, if ordered { None } else { order(self.outer, lead.outer) });
            let inner = [count as isize];
            let finish = Problem {
                program: identity(acc),
                fold: self.fold,
                numbers: smallvec![None],
                views: smallvec![Operand {
                    arg: Arg::Scratch(scratch),
                    base: 0,
                    outer: &strides,
                    inner: &inner
                }],
                outer: self.outer,
                inner: &[segments],
                out: self.out,
            };
            finish.launch(plan, tuning);
        }
    }
}
