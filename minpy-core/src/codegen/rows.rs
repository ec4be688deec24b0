//! `Work::Rows`: elementwise work around folds over rows, in one kernel: a group (on CPUs a work item) takes a row through one
//! loop per level of folds and a last one for the outputs. Elements are computed anew in each loop: the row is in cache, and a
//! kernel that kept them would need memory of a size that only the call knows.

use super::dialect::{ctype, storage};
use super::dims::{Step, base, collapse, index_type, is_wide, unravel};
use super::expr::{Writer, load};
use super::samples::{Operand, Samples};
use super::{Arg, Form as AnyForm, Plan, ProgramRef, Spec, Tuning, unsupported};
use crate::expr::{Builder, Node, Program};
use crate::kernel::{Fold, Input, KernelCall, View, Work};
use crate::{DType, Result};
use smallvec::SmallVec;
use std::sync::Arc;

/// What the source depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Form {
    program: ProgramRef,
    /// Per input: `None` for a number, otherwise how the view moves along a row.
    inputs: SmallVec<[Option<Step>; 8]>,
    /// Per output: how it moves along a row; `None` for one value a row.
    outputs: SmallVec<[Option<Step>; 4]>,
    outer: u8,
    wide: bool,
}

/// Columns below which a group of a GPU would mostly wait: the parts are quicker.
const LEAST_COLUMNS: usize = 32;
/// Rounds of a block: partial results of a block are added to the total, so that sums stay accurate.
const ROUNDS: usize = 16;

/// The step of a view along the trailing `inner` axes, when they run as one.
fn along(v: &View, inner: usize) -> Option<isize> {
    let at = v.shape.len() - inner;
    let d = collapse(&v.shape[at..], std::iter::once(&v.strides[at..]));
    match (d.n.as_slice(), d.s[0].as_slice()) {
        ([1], _) => Some(0),
        ([_], [s]) => Some(*s),
        _ => None,
    }
}

/// The greatest element repeated, a softmax, and a variance with what it scales.
pub(super) fn samples(dtype: DType, s: &mut Samples) {
    // Folds of half are not made part of rows.
    if dtype == DType::F16 {
        return;
    }
    let (mut all, shape) = (Vec::new(), [50, 400]);
    let b = Builder::new();
    let greatest = b.input(dtype).fold(Fold::Max);
    all.push(("greatest", b.finish("greatest", &[greatest.id()], 0), vec![2]));
    if dtype.is_float() {
        let b = Builder::new();
        let x = b.input(dtype);
        let e = (x - x.fold(Fold::Max)).exp();
        let sum = e.fold(Fold::Add);
        let y = e / sum;
        all.push(("softmax", b.finish("softmax", &[y.id(), sum.id()], 0), vec![2, 1]));
        let b = Builder::new();
        let (x, n) = (b.input(dtype), b.input(dtype));
        let d = x - x.fold(Fold::Add) / n;
        let scaled = d / ((d * d).fold(Fold::Add) / n + 1e-3).sqrt();
        all.push(("normalise", b.finish("normalise", &[scaled.id()], 0), vec![2]));
    }
    for (name, p, ranks) in all {
        let inputs: Vec<Operand> = p.inputs().iter().map(|&d| Operand::new(d, &shape)).collect();
        let outputs = ranks.iter().enumerate();
        let outputs: Vec<Operand> =
            outputs.map(|(o, &rank)| Operand::new(p.output_dtype(o), &shape[..rank])).collect();
        s.add(name, &Work::Rows { inner: 1 }, Some(&Arc::new(p)), &inputs, &outputs);
    }
}

pub(super) fn plan(call: &KernelCall, inner: usize, tuning: &Tuning) -> Result<Plan> {
    let odd = || unsupported(call.op, "the axes of a row do not run as one");
    let mut form = Form {
        program: ProgramRef(call.program().clone()),
        inputs: SmallVec::new(),
        outputs: SmallVec::new(),
        outer: 0,
        wide: false,
    };
    let mut views: SmallVec<[(&View, isize); 12]> = SmallVec::new();
    let mut shape: Option<&[usize]> = None;
    for i in call.inputs {
        form.inputs.push(match i {
            Input::Scalar(_) => None,
            Input::View(v) => {
                shape = shape.or(Some(v.shape));
                let step = along(v, inner).ok_or_else(odd)?;
                views.push((v, step));
                Some(Step::of(step))
            }
        });
    }
    let Some(shape) = shape else { return Err(unsupported(call.op, "rows need an array")) };
    let outer = shape.len() - inner;
    for v in call.outputs {
        let whole = v.shape.len() > outer;
        let step = if whole { along(v, inner).ok_or_else(odd)? } else { 0 };
        views.push((v, step));
        form.outputs.push(whole.then(|| Step::of(step)));
    }
    let columns: usize = shape[outer..].iter().product();
    if !tuning.serial() && columns < LEAST_COLUMNS {
        return Err(unsupported(call.op, "rows too short for a group"));
    }
    let mut dims = collapse(&shape[..outer], views.iter().map(|(v, _)| &v.strides[..outer]));
    let n = dims.padded_ndim();
    dims.pad(n);
    let rows = dims.total();
    form.outer = n as u8;
    form.wide = is_wide(rows.saturating_mul(columns));
    let per = rows.div_ceil(tuning.groups * if tuning.serial() { 1 } else { 8 }).max(1);
    let mut m: SmallVec<[i64; 24]> = SmallVec::from_slice(&[rows as i64, columns as i64, per as i64]);
    for (v, _) in &views {
        m.push(base(call.op, v)?);
    }
    m.extend(views.iter().map(|(_, s)| *s as i64));
    m.extend(dims.n.iter().map(|&n| n as i64));
    m.extend(dims.s.iter().flatten().map(|&s| s as i64));
    let mut args: SmallVec<[Arg; 8]> = views.iter().map(|(v, _)| Arg::Memory(v.memory.handle)).collect();
    args.extend(
        call.inputs
            .iter()
            .filter_map(|i| if let Input::Scalar(s) = i { Some(Arg::Scalar(*s)) } else { None }),
    );
    args.push(Arg::Ints(m));
    let spec = Spec::new(AnyForm::Rows(form), [tuning.local, 1, 1]);
    Ok(Plan::one(spec, args, [rows.div_ceil(per), 1, 1]))
}

/// For each node the level of folds after which it can be computed.
fn levels(p: &Program) -> Vec<usize> {
    let mut level: Vec<usize> = Vec::new();
    for (node, _) in p.nodes() {
        let of = |id: u16| level[id as usize] + matches!(p.nodes()[id as usize].0, Node::Fold(..)) as usize;
        let l = match node {
            Node::Cast(a) | Node::Fold(_, a) => of(*a),
            Node::Prim(prim, ids) => ids[..prim.arity()].iter().map(|&i| of(i)).max().unwrap_or(0),
            _ => 0,
        };
        level.push(l);
    }
    level
}

/// The nodes that `wanted` need, folds excluded with all that only they need.
fn needed(p: &Program, wanted: &[usize]) -> Vec<bool> {
    let mut need = vec![false; p.nodes().len()];
    wanted.iter().for_each(|&i| need[i] = true);
    for id in
        (0..need.len()).rev().filter(|&i| wanted.contains(&i) || !matches!(p.nodes()[i].0, Node::Fold(..)))
    {
        if !need[id] {
            continue;
        }
        match p.nodes()[id].0 {
            Node::Cast(a) => need[a as usize] = true,
            Node::Prim(prim, ids) => ids[..prim.arity()].iter().for_each(|&a| need[a as usize] = true),
            _ => {}
        }
    }
    need
}

impl Form {
    pub(super) fn render(&self, w: &mut Writer, local: [usize; 3]) -> Result<()> {
        let program = &self.program.0;
        let (ls, no) = (local[0], self.outer as usize);
        let mut parameters = Vec::new();
        let mut views: Vec<(String, Option<Step>)> = Vec::new();
        for (i, step) in self.inputs.iter().enumerate().filter(|(_, s)| s.is_some()) {
            w.uses(program.inputs()[i]);
            parameters.push(format!("MP_GLOBAL const {}* MP_RESTRICT in{i}", storage(program.inputs()[i])));
            views.push((format!("in{i}"), *step));
        }
        let first_output = views.len();
        for (o, step) in self.outputs.iter().enumerate() {
            parameters.push(format!("MP_GLOBAL {}* MP_RESTRICT out{o}", storage(program.output_dtype(o))));
            views.push((format!("out{o}"), *step));
        }
        for (i, _) in self.inputs.iter().enumerate().filter(|(_, s)| s.is_none()) {
            parameters.push(format!("const {} c{i}", storage(program.inputs()[i])));
        }
        parameters.push("const mp_meta m".into());
        let nv = views.len();
        let element = |v: usize| {
            let (pointer, step) = &views[v];
            let step = step.unwrap_or(Step::Zero);
            format!("{pointer}[b{v} + {}]", step.times("c", &format!("m.si[{v}]")))
        };
        let input = |i: usize| match views[..first_output].iter().position(|(n, _)| *n == format!("in{i}")) {
            Some(v) => load(program.inputs()[i], &element(v)),
            None => load(program.inputs()[i], &format!("c{i}")),
        };
        let level = levels(program);
        let folds: Vec<(usize, Fold, usize)> = program
            .nodes()
            .iter()
            .enumerate()
            .filter_map(
                |(id, (n, _))| if let Node::Fold(f, of) = n { Some((id, *f, *of as usize)) } else { None },
            )
            .collect();
        let bases: Vec<(String, String)> = (0..nv).map(|v| (format!("b{v}"), format!("m.so[{v}]"))).collect();
        let ix = index_type(self.wide);
        let mut k = format!(
            "typedef struct {{ mp_i64 rows, columns, per, off[{nv}], si[{nv}], no[{no}], so[{nv}][{no}]; }} mp_meta;\n{}({}) {{\n",
            w.dialect.kernel("mp_rows", local),
            parameters.join(", ")
        );
        if ls > 1 {
            for &(id, _, _) in &folds {
                k += &format!("MP_LOCAL {} shared{id}[{ls}];\n", ctype(program.nodes()[id].1));
            }
        }
        k += &format!("const {ix} columns = ({ix})m.columns;\n");
        k += "mp_i64 g1 = (MP_GROUP(0) + 1) * m.per; if (g1 > m.rows) g1 = m.rows;\n";
        k += "for (mp_i64 g = MP_GROUP(0) * m.per; g < g1; ++g) {\n";
        for v in 0..nv {
            k += &format!("mp_i64 b{v} = m.off[{v}];\n");
        }
        k += &format!("{{ {ix} q = ({ix})g;\n{}}}\n", unravel(ix, "q", no, "m.no", &bases));
        let last = folds.iter().map(|f| level[f.0]).max().unwrap_or(0);
        for l in 0..=last {
            let here: Vec<_> = folds.iter().filter(|f| level[f.0] == l).copied().collect();
            let wanted: Vec<usize> = here.iter().map(|f| f.2).collect();
            let body = w.statements(program, &needed(program, &wanted), &input)?;
            k += &self.level(w, ix, ls, &here, &body)?;
        }
        // Outputs.
        let whole: Vec<usize> = (0..self.outputs.len()).filter(|&o| self.outputs[o].is_some()).collect();
        let single: Vec<usize> = (0..self.outputs.len()).filter(|&o| self.outputs[o].is_none()).collect();
        let node = |o: usize| program.outputs()[o] as usize;
        let outputs = |w: &mut Writer, which: &[usize]| -> Result<String> {
            let wanted: Vec<usize> = which.iter().map(|&o| node(o)).collect();
            let mut need = needed(program, &wanted);
            // A fold that is itself an output is there already.
            wanted
                .iter()
                .filter(|&&i| matches!(program.nodes()[i].0, Node::Fold(..)))
                .for_each(|&i| need[i] = false);
            let mut body = w.statements(program, &need, &input)?;
            for &o in which {
                let value = format!("v{}", node(o));
                let value =
                    if program.output_dtype(o) == DType::F16 { format!("mp_f2h({value})") } else { value };
                body += &format!("{} = {value};\n", element(first_output + o));
            }
            Ok(body)
        };
        if !whole.is_empty() {
            let body = outputs(w, &whole)?;
            let start = if ls > 1 { format!("({ix})MP_LID(0)") } else { "0".into() };
            k += &format!("for ({ix} c = {start}; c < columns; c += {ls}) {{\n{body}}}\n");
        }
        if !single.is_empty() {
            let body = outputs(w, &single)?;
            let guard = if ls > 1 { "if (MP_LID(0) == 0) " } else { "" };
            k += &format!("{guard}{{ const {ix} c = 0;\n{body}}}\n");
        }
        k += "}\n}\n";
        w.kernel("mp_rows", k);
        Ok(())
    }
    /// One loop over the row, for the folds of one level: afterwards `v<id>` is the result of fold `id`.
    fn level(
        &self,
        w: &mut Writer,
        ix: &str,
        ls: usize,
        folds: &[(usize, Fold, usize)],
        body: &str,
    ) -> Result<String> {
        let program = &self.program.0;
        let widest = folds.iter().map(|f| program.nodes()[f.0].1.size()).max().unwrap_or(8);
        let lanes = if ls > 1 { ls } else { (128 / widest).max(4) };
        let mut k = String::new();
        let (mut begin, mut part, mut fold, mut add) =
            (String::new(), String::new(), String::new(), String::new());
        let (mut tree, mut end) = (String::new(), String::new());
        // On a CPU every lane has accumulators of its own in an array; on a GPU each work item is a lane.
        let (lane, size) = if ls > 1 { ("", String::new()) } else { ("[l]", format!("[{lanes}]")) };
        for &(id, f, of) in folds {
            let dtype = program.nodes()[id].1;
            w.uses(dtype);
            let t = ctype(dtype);
            let (combine, identity) = (w.prim(f.prim(), dtype)?, w.constant(&f.identity(dtype)));
            begin += &format!("{t} total{id}{size}; ");
            part += &format!("{t} part{id}{size}; ");
            fold += &format!("part{id}{lane} = {combine}(part{id}{lane}, v{of});\n");
            add += &format!("total{id}{lane} = {combine}(total{id}{lane}, part{id}{lane});\n");
            let set = |name: &str| format!("{name}{id}{lane} = {identity};\n");
            begin += &if ls > 1 {
                set("total")
            } else {
                format!("for (int l = 0; l < {lanes}; ++l) {}", set("total"))
            };
            part += &if ls > 1 {
                set("part")
            } else {
                format!("for (int l = 0; l < {lanes}; ++l) {}", set("part"))
            };
            if ls > 1 {
                tree += &format!("shared{id}[MP_LID(0)] = total{id};\n");
                end += &format!("const {t} v{id} = shared{id}[0];\n");
            } else {
                tree += &format!(
                    "for (int s = {}; s > 0; s >>= 1) for (int l = 0; l < s; ++l) total{id}[l] = {combine}(total{id}[l], total{id}[l + s]);\n",
                    lanes / 2
                );
                end += &format!("const {t} v{id} = total{id}[0];\n");
            }
        }
        k += &begin;
        k += &format!("for ({ix} block = 0; block < columns; block += {}) {{\n{part}", lanes * ROUNDS);
        if ls > 1 {
            k += &format!(
                "for (int h = 0; h < {ROUNDS}; ++h) {{ const {ix} c = block + h * {ls} + ({ix})MP_LID(0); if (c < columns) {{\n{body}{fold}}} }}\n{add}}}\n"
            );
            k += &format!(
                "{tree}MP_BARRIER();\nfor (int s = {}; s > 0; s >>= 1) {{ if ((int)MP_LID(0) < s) {{\n",
                ls / 2
            );
            for &(id, f, _) in folds {
                let combine = w.prim(f.prim(), program.nodes()[id].1)?;
                k += &format!(
                    "shared{id}[MP_LID(0)] = {combine}(shared{id}[MP_LID(0)], shared{id}[MP_LID(0) + s]);\n"
                );
            }
            // Everybody has read the result before the next row's overwrites it.
            k += &format!("}} MP_BARRIER(); }}\n{end}MP_BARRIER();\n");
        } else {
            k += &format!(
                "const {ix} left = columns - block;\nif (left >= {all}) {{ for (int h = 0; h < {ROUNDS}; ++h) for (int l = 0; l < {lanes}; ++l) {{ const {ix} c = block + h * {lanes} + l;\n{body}{fold}}} }}\n\
                 else {{ for ({ix} x = 0; x < left; ++x) {{ const {ix} c = block + x; const int l = (int)(x % {lanes});\n{body}{fold}}} }}\n\
                 for (int l = 0; l < {lanes}; ++l) {{ {add} }}\n}}\n{tree}{end}",
                all = lanes * ROUNDS,
            );
        }
        Ok(k)
    }
}
