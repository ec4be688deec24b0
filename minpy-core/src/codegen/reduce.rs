//! Reductions: `out[o] = fold over r of program(inputs..)[o, r]`, the program computed on the way.
//!
//! Two shapes of kernel: *rows* (a group per output, its items share the row, then a tree) and *columns* (an item per
//! output, or per block of neighbouring outputs on CPUs). With few outputs the range of `r` is cut into segments whose results go
//! to scratch memory, and a second, small reduction finishes. Float sums add blocks with compensation (Kahan), so that
//! their error does not grow with the length.

use super::dialect::{accumulator, ctype, storage};
use super::dims::{Dims, Step, base, collapse, collapse_reordered, index_type, is_wide, order, unravel};
use super::expr::{Writer, load};
use super::{Arg, Check, Form as AnyForm, Plan, ProgramRef, Spec, Step as Launch, Tuning};
use crate::expr::{Builder, Node, Prim, Program};
use crate::kernel::{Fold, Input, KernelCall};
use crate::{DType, Result};
use smallvec::{SmallVec, smallvec};
use std::sync::{Arc, OnceLock};

/// What the source depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Form {
    program: ProgramRef,
    fold: Fold,
    /// Per input: `None` for a number, otherwise how the view moves in the innermost loop.
    inputs: SmallVec<[Option<Step>; 4]>,
    /// Dtype of what is stored: the result's, or the accumulator's for segments.
    store: DType,
    /// The results of segments go to scratch memory.
    partial: bool,
    column: bool,
    outer: u8,
    inner: u8,
    wide: bool,
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

pub fn plan(call: &KernelCall, fold: Fold, tuning: &Tuning) -> Result<Plan> {
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
fn width(local: usize, accumulator: DType) -> usize {
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

/// Pieces of text that both kernels share.
struct Text {
    acc: String,
    identity: String,
    combine: String,
    /// Adds variable `$t` to the running `$acc` (with `$comp`).
    total: String,
    compensated: bool,
}

impl Text {
    fn running(&self, acc: &str, comp: &str, t: &str) -> String {
        self.total.replace("$acc", acc).replace("$comp", comp).replace("$t", t)
    }
}

impl Form {
    fn text(&self, w: &mut Writer) -> Result<Text> {
        let acc = accumulator(self.program.0.output_dtype(0));
        let combine = w.prim(self.fold.prim(), acc)?;
        let compensated = self.fold == Fold::Add && matches!(acc, DType::F32 | DType::F64);
        let t = ctype(acc);
        let total = if compensated {
            let finite = w.prim(Prim::IsFinite, acc)?;
            // Where the sum overflows, the correction would be inf - inf.
            format!(
                "{{ const {t} y_ = $t - $comp, s_ = $acc + y_; $comp = {finite}(s_) ? (s_ - $acc) - y_ : ({t})0; $acc = s_; }}\n"
            )
        } else {
            format!("$acc = {combine}($acc, $t);\n")
        };
        Ok(Text { acc: t, identity: w.constant(&self.fold.identity(acc)), combine, total, compensated })
    }

    pub fn render(&self, w: &mut Writer, local: [usize; 3]) -> Result<()> {
        let program = &self.program.0;
        let acc = accumulator(program.output_dtype(0));
        let text = self.text(w)?;
        let (no, ni, ls) = (self.outer as usize, self.inner as usize, local[0]);
        let mut parameters = Vec::new();
        let mut views = Vec::new();
        for (i, step) in self.inputs.iter().enumerate() {
            w.uses(program.inputs()[i]);
            if let Some(step) = step {
                parameters
                    .push(format!("MP_GLOBAL const {}* MP_RESTRICT in{i}", storage(program.inputs()[i])));
                views.push((i, *step));
            }
        }
        let nv = views.len();
        parameters.push(format!("MP_GLOBAL {}* MP_RESTRICT out", storage(self.store)));
        for (i, step) in self.inputs.iter().enumerate() {
            if step.is_none() {
                parameters.push(format!("const {} c{i}", storage(program.inputs()[i])));
            }
        }
        parameters.push("const mp_meta m".into());
        // One value of the program at element `p<v> + j * step`, position `at`.
        let along = |v: usize, step: Step| match step {
            Step::Zero => format!("p{v}"),
            Step::One => format!("p{v} + j"),
            Step::Any => format!("p{v} + j * t{v}"),
        };
        let serial = ls == 1;
        let input = |i: usize| {
            let element = match views.iter().position(|(k, _)| *k == i) {
                Some(v) if serial => format!("in{i}[{}]", along(v, views[v].1)),
                Some(v) => format!("in{i}[p{v}]"),
                None => format!("c{i}"),
            };
            load(program.inputs()[i], &element)
        };
        let position = match (self.column, serial) {
            (false, true) => "o * m.extent + r + j",
            (true, true) => "(o + j) * m.extent + r",
            _ => "o * m.extent + r",
        };
        let (statements, results) = w.program(program, &input, position)?;
        // Registers of half are floats already.
        let combine = text.combine.clone();
        let fold_into =
            |target: &str| format!("{{ {statements}{target} = {combine}({target}, {}); }}\n", results[0]);
        w.uses(acc);
        let stored = {
            let value = w.cast(acc, self.store, "value");
            if self.store == DType::F16 { format!("mp_f2h({value})") } else { value }
        };
        let bases: Vec<(String, String)> = (0..nv)
            .map(|v| (format!("b{v}"), format!("m.so[{v}]")))
            .chain([("bo".into(), format!("m.so[{nv}]"))])
            .collect();
        let inner: Vec<(String, String)> = (0..nv).map(|v| (format!("p{v}"), format!("m.si[{v}]"))).collect();
        let start: String = (0..nv).map(|v| format!("mp_i64 b{v} = m.off[{v}];\n")).collect::<String>()
            + &format!("mp_i64 bo = m.off[{nv}];\n");
        let begin: String = (0..nv).map(|v| format!("mp_i64 p{v} = b{v};\n")).collect();
        let nv1 = nv + 1;
        let mut k = format!(
            "typedef struct {{ mp_i64 count, extent, segments, chunk, per, off[{nv1}], no[{no}], ni[{ni}], so[{nv1}][{no}], si[{nv}][{ni}]; }} mp_meta;\n{}({}) {{\n",
            w.dialect.kernel("mp_reduce", local),
            parameters.join(", ")
        );
        let ix = index_type(self.wide);
        let which = if self.column { ("so", no - 1) } else { ("si", ni - 1) };
        for (v, (_, step)) in views.iter().enumerate() {
            if serial && *step != Step::Zero {
                let value = if *step == Step::One {
                    "1".to_string()
                } else {
                    format!("m.{}[{v}][{}]", which.0, which.1)
                };
                k += &format!("const mp_i64 t{v} = {value};\n");
            }
        }
        // Segments write their results one after another; then `bo` must be the place in scratch.
        let target = if self.partial { "segment * m.count + o" } else { "bo" };
        let parts = Parts { text, ix, no, ni, bases, inner, start, begin, stored, target, steps: &views };
        k += &if self.column { parts.column(ls, acc, &fold_into) } else { parts.row(ls, acc, &fold_into) };
        k += "}\n";
        w.kernel("mp_reduce", k);
        Ok(())
    }
}

struct Parts<'a> {
    text: Text,
    ix: &'static str,
    no: usize,
    ni: usize,
    bases: Vec<(String, String)>,
    inner: Vec<(String, String)>,
    start: String,
    begin: String,
    stored: String,
    target: &'static str,
    steps: &'a [(usize, Step)],
}

impl Parts<'_> {
    fn segment(&self) -> &'static str {
        "const mp_i64 r0 = segment * m.chunk; mp_i64 r1 = r0 + m.chunk; if (r1 > m.extent) r1 = m.extent;\n"
    }
    fn row(&self, ls: usize, acc: DType, fold_into: &dyn Fn(&str) -> String) -> String {
        let Text { acc: t, identity, combine, compensated, .. } = &self.text;
        let ix = self.ix;
        let mut k = String::new();
        if ls > 1 {
            k += &format!("MP_LOCAL {t} shared_[{ls}];\n");
        }
        k += "mp_i64 g1 = (MP_GROUP(0) + 1) * m.per; if (g1 > m.count * m.segments) g1 = m.count * m.segments;\n";
        k += "for (mp_i64 g = MP_GROUP(0) * m.per; g < g1; ++g) {\n";
        k += "const mp_i64 o = g / m.segments, segment = g - o * m.segments;\n";
        k += &self.start;
        k += &format!("{{ {ix} q = ({ix})o;\n{}}}\n", unravel(ix, "q", self.no, "m.no", &self.bases));
        k += self.segment();
        k += &format!("{t} acc = {identity};\n");
        if *compensated {
            k += &format!("{t} comp = 0;\n");
        }
        if ls == 1 {
            let lanes = (128 / acc.size()).max(4);
            let block = lanes * 16;
            k += "for (mp_i64 r = r0; r < r1; ) {\n";
            k += &self.begin;
            if self.ni == 1 {
                k += "const mp_i64 first = r, run = r1 - r;\n";
            } else {
                let last = self.ni - 1;
                k += &format!(
                    "{ix} q = ({ix})r / ({ix})m.ni[{last}]; const mp_i64 first = r - (mp_i64)q * m.ni[{last}];\n"
                );
                k += &format!("mp_i64 run = m.ni[{last}] - first; if (run > r1 - r) run = r1 - r;\n");
                k += &unravel(ix, "q", last, "m.ni", &self.inner);
            }
            for (v, (_, step)) in self.steps.iter().enumerate() {
                if *step != Step::Zero {
                    k += &format!("p{v} += first * t{v};\n");
                }
            }
            k += &format!("mp_i64 x = 0;\nwhile (x + {lanes} <= run) {{\n{t} lane[{lanes}];\n");
            k += &format!("const int rounds = run - x >= {block} ? 16 : (int)((run - x) / {lanes});\n");
            k += &format!("for (int l = 0; l < {lanes}; ++l) lane[l] = {identity};\n");
            k += &format!(
                "for (int h = 0; h < rounds; ++h) for (int l = 0; l < {lanes}; ++l) {{ const mp_i64 j = x + h * {lanes} + l; {} }}\n",
                fold_into("lane[l]")
            );
            k += &format!("x += rounds * {lanes};\n");
            k += &format!(
                "for (int s = {}; s > 0; s >>= 1) for (int l = 0; l < s; ++l) lane[l] = {combine}(lane[l], lane[l + s]);\n",
                lanes / 2
            );
            k += &self.text.running("acc", "comp", "lane[0]");
            k += &format!(
                "}}\n{t} rest = {identity};\nfor (; x < run; ++x) {{ const mp_i64 j = x; {} }}\n",
                fold_into("rest")
            );
            k += &self.text.running("acc", "comp", "rest");
            k += "r += run;\n}\n";
        } else {
            k += &format!(
                "for (mp_i64 block = r0 + MP_LID(0); block < r1; block += {}) {{\n{t} part = {identity};\n",
                ls * 16
            );
            k += &format!(
                "for (int h = 0; h < 16; ++h) {{ const mp_i64 r = block + h * {ls}; if (r < r1) {{\n{}",
                self.begin
            );
            k += &format!("{ix} q = ({ix})r;\n{}", unravel(ix, "q", self.ni, "m.ni", &self.inner));
            k += &format!("{}}} }}\n", fold_into("part"));
            k += &self.text.running("acc", "comp", "part");
            k += "}\n";
            k += &format!(
                "shared_[MP_LID(0)] = acc; MP_BARRIER();\nfor (int s = {}; s > 0; s >>= 1) {{\n",
                ls / 2
            );
            k += &format!(
                "if ((int)MP_LID(0) < s) shared_[MP_LID(0)] = {combine}(shared_[MP_LID(0)], shared_[MP_LID(0) + s]);\nMP_BARRIER(); }}\n"
            );
        }
        let (value, guard) = if ls == 1 { ("acc", "") } else { ("shared_[0]", "if (MP_LID(0) == 0) ") };
        k += &format!("{guard}{{ const {t} value = {value}; out[{}] = {}; }}\n", self.target, self.stored);
        if ls > 1 {
            k += "MP_BARRIER();\n";
        }
        k + "}\n"
    }
    fn column(&self, ls: usize, acc: DType, fold_into: &dyn Fn(&str) -> String) -> String {
        let Text { acc: t, identity, compensated, .. } = &self.text;
        let (ix, no) = (self.ix, self.no);
        let w = width(ls, acc);
        let mut k = String::new();
        let last = no - 1;
        if ls == 1 {
            k += &format!(
                "const mp_i64 blocks = (m.no[{last}] + {}) / {w}, items = m.count / m.no[{last}] * blocks;\n",
                w - 1
            );
            k += "mp_i64 g1 = (MP_GROUP(0) + 1) * m.per; if (g1 > items * m.segments) g1 = items * m.segments;\n";
            k += "for (mp_i64 g = MP_GROUP(0) * m.per; g < g1; ++g) {\n";
            k += "const mp_i64 segment = g / items, item = g - segment * items;\n";
            k += &self.start;
            k += &format!(
                "{ix} q = ({ix})(item / blocks); const mp_i64 first = (item - (mp_i64)q * blocks) * {w}, o = (mp_i64)q * m.no[{last}] + first;\n"
            );
            k += &format!(
                "const int width = (int)(m.no[{last}] - first < {w} ? m.no[{last}] - first : {w});\n"
            );
            k += &unravel(ix, "q", last, "m.no", &self.bases);
            for (b, s) in &self.bases {
                k += &format!("{b} += first * {s}[{last}];\n");
            }
        } else {
            k += &format!(
                "const mp_i64 items = m.count, tasks = items * m.segments, stride = (mp_i64)MP_GROUPS(0) * {ls};\n"
            );
            k += &format!(
                "for (mp_i64 g = (mp_i64)MP_GROUP(0) * {ls} + MP_LID(0); g < tasks; g += stride) {{\n"
            );
            k += "const mp_i64 segment = g / items, o = g - segment * items;\n";
            k += &self.start;
            k += &format!("{{ {ix} q = ({ix})o;\n{}}}\n", unravel(ix, "q", no, "m.no", &self.bases));
        }
        k += self.segment();
        let each_output = if ls == 1 {
            "for (int j = 0; j < width; ++j)".to_string()
        } else {
            "for (int j = 0; j < 1; ++j)".to_string()
        };
        k += &format!("{t} total[{w}], part[{w}];\n{each_output} total[j] = {identity};\n");
        if *compensated {
            k += &format!("{t} comp[{w}];\n{each_output} comp[j] = 0;\n");
        }
        k += &format!(
            "for (mp_i64 block = r0; block < r1; block += 32) {{\n{each_output} part[j] = {identity};\n"
        );
        k +=
            "const mp_i64 end = block + 32 < r1 ? block + 32 : r1;\nfor (mp_i64 r = block; r < end; ++r) {\n";
        k += &self.begin;
        k += &format!("{ix} q_r = ({ix})r;\n{}", unravel(ix, "q_r", self.ni, "m.ni", &self.inner));
        let each = fold_into("part[j]");
        k += &format!(
            "{each_output} {each}\n}}\n{each_output} {{ {} }}\n}}\n",
            self.text.running("total[j]", "comp[j]", "part[j]")
        );
        let place = match (ls == 1, self.target) {
            (true, "bo") => format!("bo + j * m.so[{}][{last}]", self.steps.len()),
            (true, scratch) => format!("{scratch} + j"),
            (false, target) => target.to_string(),
        };
        k +=
            &format!("{each_output} {{ const {t} value = total[j]; out[{place}] = {}; }}\n}}\n", self.stored);
        k
    }
}
