//! Gather and scatter along leading axes, and the check of their indices.
//!
//! A bad index sets the first error word; the host reads it before it returns, and only then runs the report that finds the
//! first bad index. A scatter keeps NumPy's order, so that the last write wins and sums are rounded alike on every device: every
//! destination belongs to one item, which meets its sources in C order. Where many items share a few thousand rows or more, reading all
//! indices would cost each of them too much: the rows are first sorted by owner (`Buckets`), which reads every index twice.
//! Atomic operations would need no sorting, but they keep no order, and OpenCL 1.2 has none for floats.

use super::dialect::{ctype, storage};
use super::dims::{Dims, Step, base, collapse, index_type, is_wide, unravel};
use super::expr::{Writer, load};
use super::samples::{Operand, Samples};
use super::{Arg, Check as Kind, Form, Plan, Spec, Step as Launch, Tuning, elementwise};
use crate::expr::Prim;
use crate::kernel::{KernelCall, ScatterMode, View, Work};
use crate::{DType, Result};
use smallvec::{SmallVec, smallvec};

/// What the sources of all kernels here depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Shape {
    /// Index arrays.
    axes: u8,
    /// Dimensions of the rows that they pick.
    outer: u8,
    /// Dimensions of a row; 0 where only indices are looked at.
    inner: u8,
    wide: bool,
}

/// What the source of a gather depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Gather {
    dtype: DType,
    shape: Shape,
    steps: [Step; 2],
}

/// What the source of a scatter depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Scatter {
    dtype: DType,
    mode: ScatterMode,
    shape: Shape,
    /// Owners find their rows sorted.
    sorted: bool,
}

/// What the source of the sorting of rows by the owner of their destination depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Buckets(Shape);

/// Owners of sorted rows (a power of two), and the most rows for which every owner reads all indices.
const BUCKETS: usize = 1024;

/// What the source of a check depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Check(Shape);

type Ints = SmallVec<[i64; 24]>;

/// The check of all indices, and the report of the first bad one.
fn checks(call: &KernelCall, indices: &[&View], sizes: &[usize], tuning: &Tuning) -> Result<[Launch; 2]> {
    let mut dims = collapse(indices[0].shape, indices.iter().map(|v| v.strides));
    let n = dims.padded_ndim();
    dims.pad(n);
    let total = dims.total();
    let (groups, chunk) = elementwise::split(total, 1024, tuning);
    let mut args: SmallVec<[Arg; 8]> = indices.iter().map(|v| Arg::Memory(v.memory.handle)).collect();
    args.push(Arg::Errors);
    let form = Shape { axes: indices.len() as u8, outer: n as u8, inner: 0, wide: is_wide(total) };
    let spec = Spec::new(Form::Check(Check(form)), [tuning.local, 1, 1]);
    let step = |report: bool| -> Result<Launch> {
        let mut m: Ints = smallvec![total as i64, if report { total } else { chunk } as i64, report as i64];
        for v in indices {
            m.push(base(call.op, v)?);
        }
        m.extend(sizes.iter().chain(&dims.n).map(|&n| n as i64));
        m.extend(dims.s.iter().flatten().map(|&s| s as i64));
        let mut args = args.clone();
        args.push(Arg::Ints(m));
        let (groups, check) = if report { (1, Kind::Report) } else { (groups, Kind::Errors) };
        Ok(Launch { spec: spec.clone(), args, groups: [groups, 1, 1], check })
    };
    Ok([step(false)?, step(true)?])
}

/// Rows that index arrays pick on one side, `picked`, and that lie one after another on the other, `listed`.
struct Rows<'c> {
    op: &'static str,
    indices: SmallVec<[&'c View<'c>; 4]>,
    picked: &'c View<'c>,
    listed: &'c View<'c>,
    /// The rows: as the index arrays go, and then `listed`.
    outer: Dims,
    /// A row: in `picked` and in `listed`.
    inner: Dims,
}

impl<'c> Rows<'c> {
    fn new(call: &'c KernelCall, axes: usize, picked: &'c View, listed: &'c View) -> Result<Rows<'c>> {
        if axes == 0 {
            return super::dims::complain(call.op, "no indexed axes");
        }
        let indices: SmallVec<[&View; 4]> = call.inputs[1..=axes].iter().map(|i| i.view()).collect();
        let rank = indices[0].shape.len();
        let along: SmallVec<[&[isize]; 4]> =
            indices.iter().map(|v| v.strides).chain([&listed.strides[..rank]]).collect();
        let mut outer = collapse(&listed.shape[..rank], along.into_iter());
        let sides = [&picked.strides[axes..], &listed.strides[rank..]];
        let mut inner = collapse(&listed.shape[rank..], sides.into_iter());
        for d in [&mut outer, &mut inner] {
            let n = d.padded_ndim();
            d.pad(n);
        }
        Ok(Rows { op: call.op, indices, picked, listed, outer, inner })
    }
    fn axes(&self) -> usize {
        self.indices.len()
    }
    /// Sizes of the axes that are indexed.
    fn sizes(&self) -> &'c [usize] {
        &self.picked.shape[..self.axes()]
    }
    fn handles(&self) -> impl Iterator<Item = Arg> {
        self.indices.iter().map(|v| Arg::Memory(v.memory.handle))
    }
    fn shape(&self, inner: usize, wide: bool) -> Shape {
        Shape { axes: self.axes() as u8, outer: self.outer.n.len() as u8, inner: inner as u8, wide }
    }
    /// The numbers that a kernel takes after those of its own: `Shape::fields`, of which it may look at the indices alone.
    fn numbers(&self, own: &[i64], indices_alone: bool) -> Result<Arg> {
        let mut m: Ints = own.into();
        if !indices_alone {
            m.push(base(self.op, self.picked)?);
        }
        for v in self.indices.iter().copied().chain((!indices_alone).then_some(self.listed)) {
            m.push(base(self.op, v)?);
        }
        m.extend(self.sizes().iter().map(|&n| n as i64));
        if indices_alone {
            m.extend(self.outer.n.iter().map(|&n| n as i64));
            m.extend(self.outer.s[..self.axes()].iter().flatten().map(|&s| s as i64));
        } else {
            m.extend(self.picked.strides[..self.axes()].iter().map(|&s| s as i64));
            m.extend(self.outer.n.iter().chain(&self.inner.n).map(|&n| n as i64));
            m.extend(self.outer.s.iter().chain(&self.inner.s).flatten().map(|&s| s as i64));
        }
        Ok(Arg::Ints(m))
    }
}

/// Rows at pairs of indices.
pub(super) fn gather_samples(dtype: DType, s: &mut Samples) {
    let index = || Operand::new(DType::I64, &[30]);
    let inputs = [Operand::new(dtype, &[9, 8, 7]), index(), index()];
    s.add("", &Work::Gather { indexed: 2 }, None, &inputs, &[Operand::new(dtype, &[30, 7])]);
}

/// So many rows that they are sorted, and few.
pub(super) fn scatter_samples(dtype: DType, s: &mut Samples) {
    for mode in [ScatterMode::Set, ScatterMode::Combine(Prim::Add)] {
        for rows in [5000, 30] {
            let index = || Operand::new(DType::I64, &[rows]);
            let inputs = [Operand::new(dtype, &[rows, 7]), index(), index()];
            let (name, out) = (format!("{mode:?} {rows}"), [Operand::new(dtype, &[9, 8, 7])]);
            s.add(&name, &Work::Scatter { indexed: 2, mode }, None, &inputs, &out);
        }
    }
}

pub(super) fn plan_gather(call: &KernelCall, axes: usize, tuning: &Tuning) -> Result<Plan> {
    let (x, out) = (call.inputs[0].view(), &call.outputs[0]);
    let rows = Rows::new(call, axes, x, out)?;
    let length = rows.inner.total();
    let total = rows.outer.total() * length;
    let (groups, chunk) = elementwise::split(total, 1024, tuning);
    let mut args: SmallVec<[Arg; 8]> = smallvec![Arg::Memory(x.memory.handle)];
    args.extend(rows.handles());
    args.extend([Arg::Memory(out.memory.handle), Arg::Errors]);
    args.push(rows.numbers(&[total as i64, length as i64, chunk as i64], false)?);
    let step =
        |v: usize| if tuning.serial() { Step::of(*rows.inner.s[v].last().unwrap_or(&0)) } else { Step::Any };
    let shape = rows.shape(rows.inner.n.len(), is_wide(total));
    let form = Gather { dtype: x.dtype, shape, steps: [step(0), step(1)] };
    let mut plan = Plan::one(Spec::new(Form::Gather(form), [tuning.local, 1, 1]), args, [groups, 1, 1]);
    plan.steps[0].check = Kind::Errors;
    let [_, report] = checks(call, &rows.indices, rows.sizes(), tuning)?;
    plan.steps.push(report);
    Ok(plan)
}

pub(super) fn plan_scatter(
    call: &KernelCall,
    axes: usize,
    mode: ScatterMode,
    tuning: &Tuning,
) -> Result<Plan> {
    let (x, out) = (call.inputs[0].view(), &call.outputs[0]);
    let all = Rows::new(call, axes, out, x)?;
    let (rows, length) = (all.outer.total(), all.inner.total());
    if rows * length == 0 {
        return Ok(Plan::default());
    }
    // Lanes share the elements of a row, owners share the destinations.
    let busy = tuning.groups * tuning.local;
    let (mut lanes, mut owners) = if tuning.serial() {
        (length.div_ceil(256).min(tuning.groups), 1)
    } else {
        let lanes = length.min(busy);
        (lanes, (busy / lanes).clamp(1, rows))
    };
    let sorted = owners > 1 && rows > BUCKETS;
    if sorted {
        (lanes, owners) = (length.min(busy.div_ceil(BUCKETS)), BUCKETS);
    }
    let items = lanes * owners;
    let mut args: SmallVec<[Arg; 8]> = smallvec![Arg::Memory(x.memory.handle)];
    args.extend(all.handles());
    args.push(Arg::Memory(out.memory.handle));
    // Each item counts a chunk of rows; totals and first places of the buckets follow the counts.
    let chunks = rows.div_ceil(256).min(1024);
    if sorted {
        args.extend([Arg::Scratch(0), Arg::Scratch(1)]);
    }
    let own = [rows, length, lanes, owners, BUCKETS * chunks].map(|n| n as i64);
    args.push(all.numbers(&own, false)?);
    let shape = all.shape(all.inner.n.len(), is_wide(rows) || is_wide(length));
    let form = Scatter { dtype: out.dtype, mode, shape, sorted };
    let [check, report] = checks(call, &all.indices, all.sizes(), tuning)?;
    let spec = Spec::new(Form::Scatter(form), [tuning.local, 1, 1]);
    let mut plan = Plan::one(spec, args, [items.div_ceil(tuning.local), 1, 1]);
    if sorted {
        plan.scratch.extend([8 * rows, 8 * BUCKETS * (chunks + 2)]);
        let spec = Spec::new(Form::Buckets(Buckets(all.shape(0, is_wide(rows)))), [tuning.local, 1, 1]);
        let mut args: SmallVec<[Arg; 8]> = all.handles().collect();
        args.extend([Arg::Scratch(0), Arg::Scratch(1)]);
        for pass in (0..4).rev() {
            let mut args = args.clone();
            args.push(all.numbers(&[pass, rows as i64, chunks as i64, rows.div_ceil(chunks) as i64], true)?);
            let items = if pass % 3 == 0 { chunks } else { BUCKETS };
            let groups = [items.div_ceil(tuning.local), 1, 1];
            plan.steps.insert(0, Launch { spec: spec.clone(), args, groups, check: Kind::No });
        }
    }
    plan.steps.insert(0, report);
    plan.steps.insert(0, check);
    Ok(plan)
}

impl Shape {
    /// Parameters: the index arrays.
    fn lists(self) -> String {
        (0..self.axes).map(|a| format!("MP_GLOBAL const mp_i64* in{a}, ")).collect()
    }
    /// Members of the struct of numbers, as `Rows::numbers` fills it.
    fn fields(self) -> String {
        let (a, nb, nr) = (self.axes, self.outer, self.inner);
        if nr == 0 {
            return format!("off[{a}], size[{a}], nb[{nb}], sb[{a}][{nb}]");
        }
        let count = a + 1;
        format!("base, off[{count}], size[{a}], xs[{a}], nb[{nb}], nr[{nr}], sb[{count}][{nb}], sr[2][{nr}]")
    }
    /// Statements for each index of the row whose offsets are declared: `i_` counts from the start of axis `a`.
    fn each_index(self, body: impl Fn(u8) -> String) -> String {
        (0..self.axes)
            .map(|a| format!("{{ mp_i64 i_ = in{a}[o{a}]; if (i_ < 0) i_ += m.size[{a}]; {} }}\n", body(a)))
            .collect()
    }
    /// Statements that declare the offsets `o0..` for row `row`: those into the index views, and into the listed side where the
    /// kernel has one.
    fn offsets(self, row: &str) -> String {
        let views = self.axes + (self.inner > 0) as u8;
        let pairs: Vec<(String, String)> =
            (0..views).map(|a| (format!("o{a}"), format!("m.sb[{a}]"))).collect();
        let start: String =
            pairs.iter().enumerate().map(|(a, (o, _))| format!("mp_i64 {o} = m.off[{a}];\n")).collect();
        let ix = index_type(self.wide);
        format!(
            "{start}{{ {ix} q = ({ix})({row});\n{}}}\n",
            unravel(ix, "q", self.outer as usize, "m.nb", &pairs)
        )
    }
    /// Statements that add the place of element `flat` of a row to `picked` and `listed`.
    fn element(self, flat: &str, picked: &str, listed: &str) -> String {
        let ix = index_type(self.wide);
        let pairs =
            [(picked.to_string(), "m.sr[0]".to_string()), (listed.to_string(), "m.sr[1]".to_string())];
        format!("{{ {ix} q = ({ix})({flat});\n{}}}\n", unravel(ix, "q", self.inner as usize, "m.nr", &pairs))
    }
}

impl Gather {
    pub(super) fn render(&self, w: &mut Writer, local: [usize; 3]) -> Result<()> {
        let (shape, d, ls) = (self.shape, self.dtype, local[0]);
        let (s, ix) = (storage(d), index_type(shape.wide));
        w.uses(d);
        let mut k = format!(
            "typedef struct {{ mp_i64 total, length, chunk, {fields}; }} mp_meta;\n\
             {head}(MP_GLOBAL const {s}* x, {lists}MP_GLOBAL {s}* out, MP_GLOBAL mp_i64* errors, const mp_meta m) {{\n",
            fields = shape.fields(),
            head = w.dialect.kernel("mp_gather", local),
            lists = shape.lists()
        );
        let find = shape
            .each_index(|a| format!("if (i_ < 0 || i_ >= m.size[{a}]) bad = 1; from += i_ * m.xs[{a}];"));
        let locate = format!(
            "{}mp_i64 from = m.base; int bad = 0;\n{find}if (bad) errors[0] = 1;\n",
            shape.offsets("row")
        );
        let to = format!("o{}", shape.axes);
        let unraveled = |flat: &str| {
            format!(
                "mp_i64 from_ = from, to_ = {to};\n{}out[to_] = x[from_];\n",
                shape.element(flat, "from_", "to_")
            )
        };
        if ls == 1 {
            k += "mp_i64 end = (MP_GROUP(0) + 1) * m.chunk; if (end > m.total) end = m.total;\n";
            k += "for (mp_i64 i = MP_GROUP(0) * m.chunk; i < end; ) {\nconst mp_i64 row = i / m.length, first = i - row * m.length;\n";
            k += "mp_i64 run = m.length - first; if (run > end - i) run = end - i;\ni += run;\n";
            k += &locate;
            let body = if shape.inner == 1 {
                let (a, b) = (self.steps[1].times("j", "m.sr[1][0]"), self.steps[0].times("j", "m.sr[0][0]"));
                format!("out[{to} + {a}] = x[from + {b}];\n")
            } else {
                unraveled("j")
            };
            k += &format!("if (!bad) for (mp_i64 j = first; j < first + run; ++j) {{\n{body}}}\n}}\n}}\n");
        } else {
            k += &format!(
                "for (mp_i64 i = (mp_i64)MP_GROUP(0) * {ls} + MP_LID(0); i < m.total; i += (mp_i64)MP_GROUPS(0) * {ls}) {{\n"
            );
            k += &format!(
                "const {ix} row = ({ix})i / ({ix})m.length, first = ({ix})i - row * ({ix})m.length;\n{locate}if (!bad) {{\n{}}}\n}}\n}}\n",
                unraveled("first")
            );
        }
        w.kernel("mp_gather", k);
        Ok(())
    }
}

impl Scatter {
    pub(super) fn render(&self, w: &mut Writer, local: [usize; 3]) -> Result<()> {
        let (shape, d, ls) = (self.shape, self.dtype, local[0]);
        let s = storage(d);
        w.uses(d);
        let mut k = format!(
            "typedef struct {{ mp_i64 rows, length, lanes, owners, totals, {fields}; }} mp_meta;\n\
             {head}(MP_GLOBAL const {s}* x, {lists}MP_GLOBAL {s}* out, {sorted}const mp_meta m) {{\n",
            fields = shape.fields(),
            head = w.dialect.kernel("mp_scatter", local),
            lists = shape.lists(),
            sorted = if self.sorted {
                "MP_GLOBAL const mp_i64* order, MP_GLOBAL const mp_i64* counts, "
            } else {
                ""
            }
        );
        let apply = match self.mode {
            ScatterMode::Set => "out[to_] = x[from_];\n".to_string(),
            ScatterMode::Combine(prim) => {
                let f = w.prim(prim, d)?;
                let store = w.store(d, "out", "to_", "value");
                format!(
                    "const {} value = {f}({}, {});\n{store}\n",
                    ctype(d),
                    load(d, "out[to_]"),
                    load(d, "x[from_]")
                )
            }
        };
        let find = shape.each_index(|a| format!("place = place * m.size[{a}] + i_; to += i_ * m.xs[{a}];"));
        k += &format!(
            "const mp_i64 item = (mp_i64)MP_GROUP(0) * {ls} + MP_LID(0), owner = item / m.lanes, lane = item - owner * m.lanes;\n"
        );
        k += "if (owner >= m.owners) return;\n";
        // On CPUs a lane is a run of neighbours, elsewhere neighbours are in different lanes.
        let range = if ls == 1 {
            "const mp_i64 part = (m.length + m.lanes - 1) / m.lanes, first = lane * part, end = first + part < m.length ? first + part : m.length, step = 1;\n"
        } else {
            "const mp_i64 first = lane, end = m.length, step = m.lanes;\n"
        };
        k += range;
        k += &if self.sorted {
            format!(
                "const mp_i64 begin = counts[m.totals + {BUCKETS} + owner], stop = begin + counts[m.totals + owner];\n\
                 for (mp_i64 at = begin; at < stop; ++at) {{\nconst mp_i64 row = order[at];\n"
            )
        } else {
            "for (mp_i64 row = 0; row < m.rows; ++row) {\n".to_string()
        };
        k += &shape.offsets("row");
        k += &format!("mp_i64 to = m.base, place = 0;\n{find}");
        if !self.sorted {
            k += "if (m.owners > 1 && place % m.owners != owner) continue;\n";
        }
        k += &format!(
            "for (mp_i64 r = first; r < end; r += step) {{\nmp_i64 to_ = to, from_ = o{};\n{}{apply}}}\n}}\n}}\n",
            shape.axes,
            shape.element("r", "to_", "from_")
        );
        w.kernel("mp_scatter", k);
        Ok(())
    }
}

impl Buckets {
    /// Four passes of a stable counting sort: every chunk counts its rows per bucket, every bucket adds up its counts, finds its
    /// first place, and every chunk puts its rows there.
    pub(super) fn render(&self, w: &mut Writer, local: [usize; 3]) -> Result<()> {
        let (shape, ls) = (self.0, local[0]);
        w.uses(DType::I64);
        let find = shape.each_index(|a| format!("place = place * m.size[{a}] + i_;"));
        let k = format!(
            "typedef struct {{ mp_i64 pass, rows, chunks, part, {}; }} mp_meta;\n\
             {}({}MP_GLOBAL mp_i64* order, MP_GLOBAL mp_i64* counts, const mp_meta m) {{
const mp_i64 item = (mp_i64)MP_GROUP(0) * {ls} + MP_LID(0), totals = {BUCKETS} * m.chunks, firsts = totals + {BUCKETS};
if (m.pass == 1 || m.pass == 2) {{
if (item >= {BUCKETS}) return;
mp_i64 sum = 0;
if (m.pass == 1) {{
for (mp_i64 c = item * m.chunks; c < (item + 1) * m.chunks; ++c) {{ const mp_i64 n = counts[c]; counts[c] = sum; sum += n; }}
counts[totals + item] = sum;
}} else {{
for (mp_i64 b = 0; b < item; ++b) sum += counts[totals + b];
counts[firsts + item] = sum;
}}
return;
}}
if (item >= m.chunks) return;
if (m.pass == 0) for (mp_i64 b = 0; b < {BUCKETS}; ++b) counts[b * m.chunks + item] = 0;
mp_i64 end = (item + 1) * m.part; if (end > m.rows) end = m.rows;
for (mp_i64 row = item * m.part; row < end; ++row) {{
{}mp_i64 place = 0;
{find}const mp_i64 bucket = place % {BUCKETS}, at = bucket * m.chunks + item, n = counts[at];
if (m.pass == 3) order[counts[firsts + bucket] + n] = row;
counts[at] = n + 1;
}}
}}
",
            shape.fields(),
            w.dialect.kernel("mp_buckets", local),
            shape.lists(),
            shape.offsets("row")
        );
        w.kernel("mp_buckets", k);
        Ok(())
    }
}

impl Check {
    pub(super) fn render(&self, w: &mut Writer, local: [usize; 3]) -> Result<()> {
        let (shape, ls) = (self.0, local[0]);
        let ix = index_type(shape.wide);
        w.uses(DType::I64);
        let mut k = format!(
            "typedef struct {{ mp_i64 total, chunk, report, {}; }} mp_meta;\n\
             {}({}MP_GLOBAL mp_i64* errors, const mp_meta m) {{\n",
            shape.fields(),
            w.dialect.kernel("mp_check", local),
            shape.lists()
        );
        if ls == 1 {
            k += "const mp_i64 begin = MP_GROUP(0) * m.chunk, step = 1; mp_i64 end = begin + m.chunk; if (end > m.total) end = m.total;\n";
        } else {
            k += &format!(
                "mp_i64 begin = (mp_i64)MP_GROUP(0) * {ls} + MP_LID(0), step = (mp_i64)MP_GROUPS(0) * {ls}; const mp_i64 end = m.total;\n"
            );
            k += "if (m.report) { if (begin != 0) return; step = 1; }\n";
        }
        for a in 0..shape.axes {
            let pairs = [(format!("o{a}"), format!("m.sb[{a}]"))];
            k += &format!(
                "for (mp_i64 i = begin; i < end; i += step) {{\nmp_i64 o{a} = m.off[{a}];\n{{ {ix} q = ({ix})i;\n{}}}\n",
                unravel(ix, "q", shape.outer as usize, "m.nb", &pairs)
            );
            k += &format!(
                "const mp_i64 v = in{a}[o{a}]; if (v < -m.size[{a}] || v >= m.size[{a}]) {{ errors[0] = 1;\n"
            );
            k += &format!(
                "if (m.report) {{ errors[1] = {a}; errors[2] = v; errors[3] = m.size[{a}]; return; }} }}\n}}\n"
            );
        }
        k += "}\n";
        w.kernel("mp_check", k);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Memory;
    use crate::kernel::Input;

    #[test]
    fn the_work_of_a_scatter_is_bounded_by_its_rows() {
        let memory = [1, 2, 3].map(|handle| Memory { handle, offset: 0, bytes: 1 << 30 });
        for rows in [10, 1000, 5000, 1_000_000] {
            let (mode, shape) = (ScatterMode::Set, [rows]);
            let view =
                |i: usize, dtype| View { memory: &memory[i], dtype, shape: &shape, strides: &[1], offset: 0 };
            let call = KernelCall {
                op: "scatter",
                work: &Work::Scatter { indexed: 1, mode },
                program: None,
                inputs: &[Input::View(view(0, DType::F32)), Input::View(view(1, DType::I64))],
                outputs: &[view(2, DType::F32)],
            };
            let plan = plan_scatter(&call, 1, mode, &Tuning::gpu(132)).expect("a plan");
            let last = plan.steps.last().expect("a step");
            let Form::Scatter(form) = &last.spec.form else { panic!("{last:?}") };
            let items = last.groups[0] * last.spec.local()[0];
            // Indices read by all items together: their own ones, or all of them.
            let read = if form.sorted { rows } else { rows * items };
            assert!(read <= 1200 * rows, "{rows} rows, {items} items");
        }
    }
}
