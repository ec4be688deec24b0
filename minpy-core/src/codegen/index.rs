//! Gather and scatter along leading axes, and the check of their indices.
//!
//! A bad index sets the first error word; the host reads it before it returns, and only then runs the report that finds the
//! first bad index. A scatter keeps NumPy's order, so that the last write wins and sums are rounded alike on every device: every
//! destination belongs to one item, which meets its sources in C order. Where many items share a few thousand rows or more, reading all
//! indices would cost each of them too much: the rows are first sorted by owner (`Buckets`), which reads every index twice.
//! Atomic operations would need no sorting, but they keep no order, and OpenCL 1.2 has none for floats.

use super::dialect::{ctype, storage};
use super::dims::{Step, base, collapse, index_type, is_wide, unravel};
use super::expr::{Writer, load};
use super::{Arg, Check as Kind, Form, Plan, Spec, Step as Launch, Tuning, elementwise};
use crate::kernel::{KernelCall, ScatterMode, View};
use crate::{DType, Result};
use smallvec::{SmallVec, smallvec};

/// What the source of a gather depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gather {
    dtype: DType,
    axes: u8,
    outer: u8,
    inner: u8,
    steps: [Step; 2],
    wide: bool,
}

/// What the source of a scatter depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scatter {
    dtype: DType,
    mode: ScatterMode,
    axes: u8,
    outer: u8,
    inner: u8,
    wide: bool,
    /// Owners find their rows sorted.
    sorted: bool,
}

/// What the source of the sorting of rows by the owner of their destination depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Buckets {
    axes: u8,
    outer: u8,
    wide: bool,
}

/// Owners of sorted rows (a power of two), and the most rows for which every owner reads all indices.
const BUCKETS: usize = 1024;

/// What the source of a check depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Check {
    axes: u8,
    outer: u8,
    wide: bool,
}

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
    let form = Check { axes: indices.len() as u8, outer: n as u8, wide: is_wide(total) };
    let spec = Spec::new(Form::Check(form), [tuning.local, 1, 1]);
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

pub fn plan_gather(call: &KernelCall, axes: usize, tuning: &Tuning) -> Result<Plan> {
    if axes == 0 {
        return super::dims::complain(call.op, "no indexed axes");
    }
    let (x, out) = (call.inputs[0].view(), &call.outputs[0]);
    let indices: SmallVec<[&View; 4]> = call.inputs[1..=axes].iter().map(|i| i.view()).collect();
    let rank = indices[0].shape.len();
    let mut outer = collapse(
        &out.shape[..rank],
        indices
            .iter()
            .map(|v| v.strides)
            .chain([&out.strides[..rank]])
            .collect::<SmallVec<[_; 4]>>()
            .into_iter(),
    );
    let mut inner = collapse(&out.shape[rank..], [&x.strides[axes..], &out.strides[rank..]].into_iter());
    for d in [&mut outer, &mut inner] {
        let n = d.padded_ndim();
        d.pad(n);
    }
    let (rows, length) = (outer.total(), inner.total());
    let total = rows * length;
    let (groups, chunk) = elementwise::split(total, 1024, tuning);
    let mut args: SmallVec<[Arg; 8]> = smallvec![Arg::Memory(x.memory.handle)];
    args.extend(indices.iter().map(|v| Arg::Memory(v.memory.handle)));
    args.extend([Arg::Memory(out.memory.handle), Arg::Errors]);
    let mut m: Ints = smallvec![total as i64, length as i64, chunk as i64, base(call.op, x)?];
    for v in &indices {
        m.push(base(call.op, v)?);
    }
    m.push(base(call.op, out)?);
    m.extend(x.shape[..axes].iter().map(|&n| n as i64));
    m.extend(x.strides[..axes].iter().map(|&s| s as i64));
    m.extend(outer.n.iter().chain(&inner.n).map(|&n| n as i64));
    m.extend(outer.s.iter().flatten().chain(inner.s.iter().flatten()).map(|&s| s as i64));
    args.push(Arg::Ints(m));
    let step =
        |v: usize| if tuning.serial() { Step::of(*inner.s[v].last().unwrap_or(&0)) } else { Step::Any };
    let form = Gather {
        dtype: x.dtype,
        axes: axes as u8,
        outer: outer.n.len() as u8,
        inner: inner.n.len() as u8,
        steps: [step(0), step(1)],
        wide: is_wide(total),
    };
    let mut plan = Plan::one(Spec::new(Form::Gather(form), [tuning.local, 1, 1]), args, [groups, 1, 1]);
    plan.steps[0].check = Kind::Errors;
    let [_, report] = checks(call, &indices, &x.shape[..axes], tuning)?;
    plan.steps.push(report);
    Ok(plan)
}

pub fn plan_scatter(call: &KernelCall, axes: usize, mode: ScatterMode, tuning: &Tuning) -> Result<Plan> {
    if axes == 0 {
        return super::dims::complain(call.op, "no indexed axes");
    }
    let (x, out) = (call.inputs[0].view(), &call.outputs[0]);
    let indices: SmallVec<[&View; 4]> = call.inputs[1..=axes].iter().map(|i| i.view()).collect();
    let rank = indices[0].shape.len();
    let mut outer = collapse(
        indices[0].shape,
        indices
            .iter()
            .map(|v| v.strides)
            .chain([&x.strides[..rank]])
            .collect::<SmallVec<[_; 4]>>()
            .into_iter(),
    );
    let mut inner = collapse(&x.shape[rank..], [&out.strides[axes..], &x.strides[rank..]].into_iter());
    for d in [&mut outer, &mut inner] {
        let n = d.padded_ndim();
        d.pad(n);
    }
    let (rows, length) = (outer.total(), inner.total());
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
    args.extend(indices.iter().map(|v| Arg::Memory(v.memory.handle)));
    args.push(Arg::Memory(out.memory.handle));
    // Each item counts a chunk of rows; totals and first places of the buckets follow the counts.
    let chunks = rows.div_ceil(256).min(1024);
    if sorted {
        args.extend([Arg::Scratch(0), Arg::Scratch(1)]);
    }
    let mut m: Ints =
        smallvec![rows as i64, length as i64, lanes as i64, owners as i64, (BUCKETS * chunks) as i64];
    for v in &indices {
        m.push(base(call.op, v)?);
    }
    m.extend([base(call.op, x)?, base(call.op, out)?]);
    m.extend(out.shape[..axes].iter().map(|&n| n as i64));
    m.extend(out.strides[..axes].iter().map(|&s| s as i64));
    m.extend(outer.n.iter().chain(&inner.n).map(|&n| n as i64));
    m.extend(outer.s.iter().flatten().chain(inner.s.iter().flatten()).map(|&s| s as i64));
    args.push(Arg::Ints(m));
    let form = Scatter {
        dtype: out.dtype,
        mode,
        axes: axes as u8,
        outer: outer.n.len() as u8,
        inner: inner.n.len() as u8,
        wide: is_wide(rows) || is_wide(length),
        sorted,
    };
    let [check, report] = checks(call, &indices, &out.shape[..axes], tuning)?;
    let spec = Spec::new(Form::Scatter(form), [tuning.local, 1, 1]);
    let mut plan = Plan::one(spec, args, [items.div_ceil(tuning.local), 1, 1]);
    if sorted {
        plan.scratch.extend([8 * rows, 8 * BUCKETS * (chunks + 2)]);
        let form = Buckets { axes: axes as u8, outer: outer.n.len() as u8, wide: is_wide(rows) };
        let spec = Spec::new(Form::Buckets(form), [tuning.local, 1, 1]);
        let mut args: SmallVec<[Arg; 8]> = indices.iter().map(|v| Arg::Memory(v.memory.handle)).collect();
        args.extend([Arg::Scratch(0), Arg::Scratch(1)]);
        for pass in (0..4).rev() {
            let mut m: Ints = smallvec![pass, rows as i64, chunks as i64, rows.div_ceil(chunks) as i64];
            for v in &indices {
                m.push(base(call.op, v)?);
            }
            m.extend(out.shape[..axes].iter().chain(&outer.n).map(|&n| n as i64));
            m.extend(outer.s[..axes].iter().flatten().map(|&s| s as i64));
            let mut args = args.clone();
            args.push(Arg::Ints(m));
            let items = if pass % 3 == 0 { chunks } else { BUCKETS };
            let groups = [items.div_ceil(tuning.local), 1, 1];
            plan.steps.insert(0, Launch { spec: spec.clone(), args, groups, check: Kind::No });
        }
    }
    plan.steps.insert(0, report);
    plan.steps.insert(0, check);
    Ok(plan)
}

/// Statements that declare the offsets `o0..` into the index views (and `more` of them) for row `row`.
fn offsets(ix: &str, row: &str, axes: usize, more: usize, ndim: usize) -> String {
    let pairs: Vec<(String, String)> =
        (0..axes + more).map(|a| (format!("o{a}"), format!("m.sb[{a}]"))).collect();
    let start: String =
        pairs.iter().enumerate().map(|(a, (o, _))| format!("mp_i64 {o} = m.off[{a}];\n")).collect();
    format!("{start}{{ {ix} q = ({ix})({row});\n{}}}\n", unravel(ix, "q", ndim, "m.nb", &pairs))
}

impl Gather {
    pub fn render(&self, w: &mut Writer, local: [usize; 3]) -> Result<()> {
        let (axes, nb, nr, ls) = (self.axes as usize, self.outer as usize, self.inner as usize, local[0]);
        let (d, ix) = (self.dtype, index_type(self.wide));
        w.uses(d);
        let s = storage(d);
        let lists: String = (0..axes).map(|a| format!("MP_GLOBAL const mp_i64* in{a}, ")).collect();
        let count = axes + 1;
        let mut k = format!(
            "typedef struct {{ mp_i64 total, length, chunk, base, off[{count}], size[{axes}], xs[{axes}], nb[{nb}], nr[{nr}], sb[{count}][{nb}], sr[2][{nr}]; }} mp_meta;\n\
             {}(MP_GLOBAL const {s}* x, {lists}MP_GLOBAL {s}* out, MP_GLOBAL mp_i64* errors, const mp_meta m) {{\n",
            w.dialect.kernel("mp_gather", local)
        );
        let find: String = (0..axes)
            .map(|a| {
                format!(
                    "{{ mp_i64 i_ = in{a}[o{a}]; if (i_ < 0) i_ += m.size[{a}]; if (i_ < 0 || i_ >= m.size[{a}]) bad = 1; from += i_ * m.xs[{a}]; }}\n"
                )
            })
            .collect();
        let locate = format!(
            "{}mp_i64 from = m.base; int bad = 0;\n{find}if (bad) errors[0] = 1;\n",
            offsets(ix, "row", axes, 1, nb)
        );
        let to = format!("o{axes}");
        let pairs =
            [("from_".to_string(), "m.sr[0]".to_string()), ("to_".to_string(), "m.sr[1]".to_string())];
        let unraveled = |flat: &str| {
            format!(
                "mp_i64 from_ = from, to_ = {to};\n{{ {ix} q = ({ix})({flat});\n{}}}\nout[to_] = x[from_];\n",
                unravel(ix, "q", nr, "m.nr", &pairs)
            )
        };
        if ls == 1 {
            k += "mp_i64 end = (MP_GROUP(0) + 1) * m.chunk; if (end > m.total) end = m.total;\n";
            k += "for (mp_i64 i = MP_GROUP(0) * m.chunk; i < end; ) {\nconst mp_i64 row = i / m.length, first = i - row * m.length;\n";
            k += "mp_i64 run = m.length - first; if (run > end - i) run = end - i;\ni += run;\n";
            k += &locate;
            let body = if nr == 1 {
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
    pub fn render(&self, w: &mut Writer, local: [usize; 3]) -> Result<()> {
        let (axes, nb, nr, ls) = (self.axes as usize, self.outer as usize, self.inner as usize, local[0]);
        let (d, ix) = (self.dtype, index_type(self.wide));
        w.uses(d);
        let s = storage(d);
        let lists: String = (0..axes).map(|a| format!("MP_GLOBAL const mp_i64* in{a}, ")).collect();
        let count = axes + 1;
        let mut k = format!(
            "typedef struct {{ mp_i64 rows, length, lanes, owners, totals, off[{count}], base, size[{axes}], xs[{axes}], nb[{nb}], nr[{nr}], sb[{count}][{nb}], sr[2][{nr}]; }} mp_meta;\n\
             {}(MP_GLOBAL const {s}* x, {lists}MP_GLOBAL {s}* out, {sorted}const mp_meta m) {{\n",
            w.dialect.kernel("mp_scatter", local),
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
        let find: String = (0..axes)
            .map(|a| format!("{{ mp_i64 i_ = in{a}[o{a}]; if (i_ < 0) i_ += m.size[{a}]; place = place * m.size[{a}] + i_; to += i_ * m.xs[{a}]; }}\n"))
            .collect();
        let pairs =
            [("to_".to_string(), "m.sr[0]".to_string()), ("from_".to_string(), "m.sr[1]".to_string())];
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
        k += &offsets(ix, "row", axes, 1, nb);
        k += &format!("mp_i64 to = m.base, place = 0;\n{find}");
        if !self.sorted {
            k += "if (m.owners > 1 && place % m.owners != owner) continue;\n";
        }
        k += &format!(
            "for (mp_i64 r = first; r < end; r += step) {{\nmp_i64 to_ = to, from_ = o{axes};\n{{ {ix} q = ({ix})r;\n{}}}\n{apply}}}\n}}\n}}\n",
            unravel(ix, "q", nr, "m.nr", &pairs)
        );
        w.kernel("mp_scatter", k);
        Ok(())
    }
}

impl Buckets {
    /// Four passes of a stable counting sort: every chunk counts its rows per bucket, every bucket adds up its counts, finds its
    /// first place, and every chunk puts its rows there.
    pub fn render(&self, w: &mut Writer, local: [usize; 3]) -> Result<()> {
        let (axes, nb, ls) = (self.axes as usize, self.outer as usize, local[0]);
        let ix = index_type(self.wide);
        w.uses(DType::I64);
        let lists: String = (0..axes).map(|a| format!("MP_GLOBAL const mp_i64* in{a}, ")).collect();
        let find: String = (0..axes)
            .map(|a| format!("{{ mp_i64 i_ = in{a}[o{a}]; if (i_ < 0) i_ += m.size[{a}]; place = place * m.size[{a}] + i_; }}\n"))
            .collect();
        let k = format!(
            "typedef struct {{ mp_i64 pass, rows, chunks, part, off[{axes}], size[{axes}], nb[{nb}], sb[{axes}][{nb}]; }} mp_meta;\n\
             {}({lists}MP_GLOBAL mp_i64* order, MP_GLOBAL mp_i64* counts, const mp_meta m) {{
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
            w.dialect.kernel("mp_buckets", local),
            offsets(ix, "row", axes, 0, nb)
        );
        w.kernel("mp_buckets", k);
        Ok(())
    }
}

impl Check {
    pub fn render(&self, w: &mut Writer, local: [usize; 3]) -> Result<()> {
        let (axes, nb, ls) = (self.axes as usize, self.outer as usize, local[0]);
        let ix = index_type(self.wide);
        w.uses(DType::I64);
        let lists: String = (0..axes).map(|a| format!("MP_GLOBAL const mp_i64* in{a}, ")).collect();
        let mut k = format!(
            "typedef struct {{ mp_i64 total, chunk, report, off[{axes}], size[{axes}], nb[{nb}], sb[{axes}][{nb}]; }} mp_meta;\n\
             {}({lists}MP_GLOBAL mp_i64* errors, const mp_meta m) {{\n",
            w.dialect.kernel("mp_check", local)
        );
        if ls == 1 {
            k += "const mp_i64 begin = MP_GROUP(0) * m.chunk, step = 1; mp_i64 end = begin + m.chunk; if (end > m.total) end = m.total;\n";
        } else {
            k += &format!(
                "mp_i64 begin = (mp_i64)MP_GROUP(0) * {ls} + MP_LID(0), step = (mp_i64)MP_GROUPS(0) * {ls}; const mp_i64 end = m.total;\n"
            );
            k += "if (m.report) { if (begin != 0) return; step = 1; }\n";
        }
        for a in 0..axes {
            let pairs = [(format!("o{a}"), format!("m.sb[{a}]"))];
            k += &format!(
                "for (mp_i64 i = begin; i < end; i += step) {{\nmp_i64 o{a} = m.off[{a}];\n{{ {ix} q = ({ix})i;\n{}}}\n",
                unravel(ix, "q", nb, "m.nb", &pairs)
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
    use crate::kernel::{Input, Work};

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
