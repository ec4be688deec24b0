//! `outputs[k][i] = program(inputs[..][i])_k`: the kernel that every elementwise operation and every fused group runs through.
//!
//! Dimensions are collapsed as far as the views allow. Where all of them then move in step, a kernel without index
//! arithmetic is made; otherwise one that splits the position over the dimensions (on CPUs once per row).

use super::dialect::storage;
use super::dims::{Dims, Step, base, collapse, collapse_reordered, index_type, is_wide, unravel};
use super::expr::{Writer, load};
use super::samples::{Operand, Samples, cast};
use super::{Arg, Form as AnyForm, Plan, ProgramRef, Spec, Tuning};
use crate::expr::{Node, Program};
use crate::kernel::{Input, KernelCall, View, Work};
use crate::op::{OpDef, ProgramSpec};
use crate::{DType, Result, ops};
use smallvec::SmallVec;
use std::sync::Arc;

/// Where a program's input comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum In {
    /// A kernel parameter.
    Number,
    /// A view of its own.
    View(Step),
    /// The same elements as an output: read through its pointer, so that pointers never alias.
    Output(u8),
}

/// What the source depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Form {
    program: ProgramRef,
    inputs: SmallVec<[In; 4]>,
    outputs: SmallVec<[Step; 2]>,
    ndim: u8,
    /// The last two dimensions are walked through in squares.
    tiled: bool,
    wide: bool,
}

/// Side of a square.
const TILE: usize = 32;

/// The dimension in which some view runs through memory while it strides in the last one: a transposed operand. Reading it
/// in squares uses every cache line once.
fn crossed(dims: &Dims) -> Option<usize> {
    let last = dims.n.len() - 1;
    if dims.n[last] < 8 {
        return None;
    }
    dims.s.iter().find_map(|s| (0..last).find(|&d| s[d] == 1 && s[last].abs() > 1 && dims.n[d] >= 8))
}

fn same(a: &View, b: &View) -> bool {
    a.memory == b.memory && a.offset == b.offset && a.dtype == b.dtype && a.strides == b.strides
}

/// Every operation of the table, on dtypes that stand for all: each kind once, both sizes where the text differs. Then, on all
/// dtypes, masks, broadcast operands and more elements than 32 bits count; and casts from another order.
pub(super) fn samples(dtype: DType, s: &mut Samples) {
    let Ok(operations) = OpDef::all() else { return };
    let sample = |s: &mut Samples, name: String, p: &Arc<Program>, inputs: &[Operand], shape: &[usize]| {
        let out: Vec<Operand> =
            (0..p.outputs().len()).map(|k| Operand::new(p.output_dtype(k), shape)).collect();
        s.add(&name, &Work::Elementwise, Some(p), inputs, &out);
    };
    use DType::*;
    for op in operations.filter(|_| [F32, F64, I32, I64, Bool, C64, C128, F16].contains(&dtype)) {
        let Some(e) = op.elementwise() else { continue };
        let Some(compute) = (e.rule.compute)(dtype) else { continue };
        let first = if e.rule.condition_first { Bool } else { dtype };
        let inputs: Vec<DType> = (0..op.arity).map(|i| if i == 0 { first } else { dtype }).collect();
        let spec = ProgramSpec { inputs: &inputs, scalars: 0, compute, out: None, masked: false };
        let operands: Vec<Operand> = inputs.iter().map(|&d| Operand::new(d, &[1000])).collect();
        sample(s, op.name.into(), &e.program(op.name, &spec), &operands, &[1000]);
    }
    for op in [&ops::ADD, &ops::WHERE] {
        let Some(e) = op.elementwise() else { continue };
        let inputs: &[DType] = if op.arity == 2 { &[dtype; 2] } else { &[Bool, dtype, dtype] };
        let spec = ProgramSpec { inputs, scalars: 0, compute: dtype, out: None, masked: false };
        let masked = [inputs, &[Bool, dtype]].concat();
        let p = e.program(op.name, &ProgramSpec { inputs: &masked, masked: true, ..spec });
        let operands: Vec<Operand> = masked.iter().map(|&d| Operand::new(d, &[900])).collect();
        sample(s, format!("{} masked", op.name), &p, &operands, &[900]);
        let p = e.program(op.name, &spec);
        for shape in [&[60, 90][..], &[3, 40, 50], &[1 << 20, 1 << 12]] {
            let mut operands: Vec<Operand> = inputs.iter().map(|&d| Operand::new(d, shape)).collect();
            operands[0] = Operand::new(inputs[0], shape).strided(&vec![0; shape.len()]);
            sample(s, format!("{} broadcast to {shape:?}", op.name), &p, &operands, shape);
        }
    }
    for to in DType::ALL {
        // Large ones are walked through in squares.
        let shape = if dtype == to { [80, 90] } else { [40, 50] };
        let x = Operand::new(dtype, &shape).turned();
        sample(s, format!("cast to {to}"), &cast(dtype, to), &[x], &shape);
    }
}

/// Groups and elements per group for `total` elements; `least` is what a group should get on a CPU.
pub(super) fn split(total: usize, least: usize, tuning: &Tuning) -> (usize, usize) {
    if tuning.serial() {
        let chunk = total.div_ceil(tuning.groups).max(least).next_multiple_of(64);
        (total.div_ceil(chunk).max(1), chunk)
    } else {
        (total.div_ceil(tuning.local).min(tuning.groups).max(1), 0)
    }
}

pub(super) fn plan(call: &KernelCall, tuning: &Tuning) -> Result<Plan> {
    let program = call.program();
    let mut inputs: SmallVec<[In; 4]> = SmallVec::new();
    let mut views: SmallVec<[&View; 6]> = SmallVec::new();
    for i in call.inputs {
        inputs.push(match i {
            Input::Scalar(_) => In::Number,
            Input::View(v) => match call.outputs.iter().position(|o| same(v, o)) {
                Some(o) => In::Output(o as u8),
                None => {
                    views.push(v);
                    In::View(Step::Any)
                }
            },
        });
    }
    views.extend(call.outputs.iter());
    let ordered = program.nodes().iter().any(|(n, _)| matches!(n, Node::Index));
    let (shape, strides) = (call.outputs[0].shape, views.iter().map(|v| v.strides));
    let mut dims = if ordered {
        collapse(shape, strides)
    } else {
        collapse_reordered(shape, call.outputs[0].strides, strides)
    };
    let total = dims.total();
    let last = |dims: &Dims, v: usize| dims.s[v].last().map_or(Step::Any, |&s| Step::of(s));
    // Few kernels are compiled: small work that is not simply contiguous takes the general one; steps along the last
    // dimension are part of the source where that pays, and if one of them is odd, all are treated so.
    let plain = dims.n.len() == 1 && (0..views.len()).all(|v| last(&dims, v) == Step::One);
    let square = if total < 4096 || ordered { None } else { crossed(&dims) };
    if let Some(d) = square {
        let to = dims.n.len() - 2;
        dims.n[d..=to].rotate_left(1);
        dims.s.iter_mut().for_each(|s| s[d..=to].rotate_left(1));
    }
    let ndim = if !plain && total < 4096 { dims.padded_ndim().max(2) } else { dims.padded_ndim() };
    dims.pad(ndim);
    let known = plain
        || square.is_some() && tuning.serial()
        || total >= 4096
            && (ndim == 1 || tuning.serial() && dims.n[ndim - 1] >= 16)
            && (0..views.len()).all(|v| last(&dims, v) != Step::Any);
    let mut steps = (0..views.len()).map(|v| if known { last(&dims, v) } else { Step::Any });
    for i in inputs.iter_mut().filter(|i| matches!(i, In::View(_))) {
        *i = In::View(steps.next().unwrap_or(Step::Any));
    }
    let outputs = steps.collect();
    let (groups, chunk) = match square {
        None => split(total, 1024, tuning),
        Some(_) => {
            let tiles = dims.n[..ndim - 2].iter().product::<usize>()
                * dims.n[ndim - 2].div_ceil(TILE)
                * dims.n[ndim - 1].div_ceil(TILE);
            let chunk = tiles.div_ceil(tuning.groups);
            (tiles.div_ceil(chunk), chunk)
        }
    };
    let mut args: SmallVec<[Arg; 8]> = views.iter().map(|v| Arg::Memory(v.memory.handle)).collect();
    args.extend(
        call.inputs
            .iter()
            .filter_map(|i| if let Input::Scalar(s) = i { Some(Arg::Scalar(*s)) } else { None }),
    );
    args.push(Arg::Ints(meta(call.op, &[total as i64, chunk as i64], &views, &dims)?));
    let tiled = square.is_some();
    let form = Form {
        program: ProgramRef(program.clone()),
        inputs,
        outputs,
        ndim: ndim as u8,
        tiled,
        wide: is_wide(total),
    };
    Ok(Plan::one(Spec::new(AnyForm::Elementwise(form), [tuning.local, 1, 1]), args, [groups, 1, 1]))
}

/// Values of the struct that `meta_struct` declares.
pub(super) fn meta(op: &str, first: &[i64], views: &[&View], dims: &Dims) -> Result<SmallVec<[i64; 24]>> {
    let mut m: SmallVec<[i64; 24]> = first.into();
    for v in views {
        m.push(base(op, v)?);
    }
    m.extend(dims.n.iter().map(|&n| n as i64));
    for s in &dims.s {
        m.extend(s.iter().map(|&s| s as i64));
    }
    Ok(m)
}

impl Form {
    pub(super) fn render(&self, w: &mut Writer, local: [usize; 3]) -> Result<()> {
        let program = &self.program.0;
        let ndim = self.ndim as usize;
        let serial = local[0] == 1;
        let ix = index_type(self.wide);
        // Views in the order of the parameters: (pointer, step).
        let mut views: Vec<(String, Step)> = Vec::new();
        let mut parameters: Vec<String> = Vec::new();
        for (i, source) in self.inputs.iter().enumerate() {
            w.uses(program.inputs()[i]);
            if let In::View(step) = source {
                parameters
                    .push(format!("MP_GLOBAL const {}* MP_RESTRICT in{i}", storage(program.inputs()[i])));
                views.push((format!("in{i}"), *step));
            }
        }
        let first_output = views.len();
        for (o, step) in self.outputs.iter().enumerate() {
            parameters.push(format!("MP_GLOBAL {}* MP_RESTRICT out{o}", storage(program.output_dtype(o))));
            views.push((format!("out{o}"), *step));
        }
        for (i, source) in self.inputs.iter().enumerate() {
            if *source == In::Number {
                parameters.push(format!("const {} c{i}", storage(program.inputs()[i])));
            }
        }
        parameters.push("const mp_meta m".into());
        let nv = views.len();
        // Text of the element of view `v` in the innermost loop: in linear kernels relative to `i`, otherwise to `j`.
        let along = if ndim == 1 { "i" } else { "j" };
        let element = |v: usize| {
            let (pointer, step) = &views[v];
            match (ndim == 1 || serial, step) {
                (true, Step::Zero) => format!("{pointer}[o{v}]"),
                (true, Step::One) => format!("{pointer}[o{v} + {along}]"),
                (true, Step::Any) => format!("{pointer}[o{v} + (mp_i64){along} * t{v}]"),
                (false, _) => format!("{pointer}[o{v}]"),
            }
        };
        let hoists = ndim == 1 || serial;
        let view_of = |i: usize| match self.inputs[i] {
            In::View(_) => Some(self.inputs[..i].iter().filter(|x| matches!(x, In::View(_))).count()),
            In::Output(o) => Some(first_output + o as usize),
            In::Number => None,
        };
        let hoisted = |i: usize| hoists && !self.tiled && self.inputs[i] == In::View(Step::Zero);
        let input = |i: usize| match view_of(i) {
            _ if hoisted(i) => format!("z{i}"),
            Some(v) => load(program.inputs()[i], &element(v)),
            None => load(program.inputs()[i], &format!("c{i}")),
        };
        let position = if ndim == 1 {
            "i"
        } else if serial {
            "i + j"
        } else {
            "i"
        };
        let (mut body, results) = w.program(program, &input, position)?;
        for (o, value) in results.iter().enumerate() {
            let target = element(first_output + o);
            let value = if program.output_dtype(o) == crate::DType::F16 {
                format!("mp_f2h({value})")
            } else {
                value.clone()
            };
            body += &format!("{target} = {value};\n");
        }
        let constants: String = (0..self.inputs.len())
            .filter(|&i| hoisted(i))
            .map(|i| {
                let d = program.inputs()[i];
                format!(
                    "const {} z{i} = {};\n",
                    super::dialect::ctype(d),
                    load(d, &element(view_of(i).unwrap_or(0)))
                )
            })
            .collect();
        let steps: String = (0..nv)
            .filter(|&v| views[v].1 == Step::Any && hoists)
            .map(|v| format!("const mp_i64 t{v} = m.s[{v}][{}];\n", ndim - 1))
            .collect();
        let starts = |qualifier: &str| {
            (0..nv).map(|v| format!("{qualifier}mp_i64 o{v} = m.off[{v}];\n")).collect::<String>()
        };
        let offsets: Vec<(String, String)> =
            (0..nv).map(|v| (format!("o{v}"), format!("m.s[{v}]"))).collect();
        let mut k = format!(
            "typedef struct {{ mp_i64 n, chunk, off[{nv}], size[{ndim}], s[{nv}][{ndim}]; }} mp_meta;\n{}({}) {{\n",
            w.dialect.kernel("mp_elementwise", local),
            parameters.join(", ")
        );
        let range = if serial {
            format!(
                "const {ix} begin = ({ix})(MP_GROUP(0) * m.chunk); {ix} end = begin + ({ix})m.chunk; if (end > ({ix})m.n) end = ({ix})m.n;\n"
            )
        } else {
            format!("const {ix} end = ({ix})m.n, stride = ({ix})MP_GROUPS(0) * {};\n", local[0])
        };
        let start = if serial {
            "begin".to_string()
        } else {
            format!("({ix})MP_GROUP(0) * {} + ({ix})MP_LID(0)", local[0])
        };
        let advance = if serial { "++i" } else { "i += stride" };
        k += &steps;
        if self.tiled {
            k += &self.squares(ix, serial, local[0], nv, &offsets, &body);
            w.kernel("mp_elementwise", k);
            return Ok(());
        }
        k += &range;
        if ndim == 1 {
            k += &starts("const ");
            k += &constants;
            k += &format!("for ({ix} i = {start}; i < end; {advance}) {{\n{body}}}\n}}\n");
        } else if serial {
            let inner = ndim - 1;
            k +=
                &format!("const {ix} inner = ({ix})m.size[{inner}];\nfor ({ix} i = {start}; i < end; ) {{\n");
            k += &format!("{ix} row = i / inner; const {ix} first = i - row * inner;\n");
            k += &starts("");
            k += &unravel(ix, "row", inner, "m.size", &offsets);
            for (v, (_, step)) in views.iter().enumerate() {
                if *step != Step::Zero {
                    k += &format!("o{v} += {};\n", step.times("first", &format!("t{v}")));
                }
            }
            k += &format!("{ix} run = inner - first; if (run > end - i) run = end - i;\n{constants}");
            k += &format!("for ({ix} j = 0; j < run; ++j) {{\n{body}}}\ni += run;\n}}\n}}\n");
        } else {
            k += &format!("for ({ix} i = {start}; i < end; {advance}) {{\n{ix} q = i;\n");
            k += &starts("");
            k += &unravel(ix, "q", ndim, "m.size", &offsets);
            k += &format!("{body}}}\n}}\n");
        }
        w.kernel("mp_elementwise", k);
        Ok(())
    }
    /// The loops of a tiled kernel: a square at a time, by one item (CPU) or by a group.
    fn squares(
        &self,
        ix: &str,
        serial: bool,
        ls: usize,
        nv: usize,
        offsets: &[(String, String)],
        body: &str,
    ) -> String {
        let (a, b) = (self.ndim as usize - 2, self.ndim as usize - 1);
        // First elements of the square; the body knows its offsets as `o<v>`.
        let corners: Vec<(String, String)> =
            offsets.iter().enumerate().map(|(v, (_, s))| (format!("k{v}"), s.clone())).collect();
        let at = |v: usize| {
            let row = format!("k{v} + (mp_i64)(i0 + i) * m.s[{v}][{a}] + (mp_i64)j0 * m.s[{v}][{b}]");
            let column = if serial { String::new() } else { format!(" + (mp_i64)j * m.s[{v}][{b}]") };
            format!("const mp_i64 o{v} = {row}{column};\n")
        };
        let places: String = (0..nv).map(at).collect();
        let start: String = (0..nv).map(|v| format!("mp_i64 k{v} = m.off[{v}];\n")).collect();
        let inside = if serial {
            format!(
                "for ({ix} i = 0; i < ni; ++i) {{\n{places}for ({ix} j = 0; j < nj; ++j) {{\n{body}}} }}\n"
            )
        } else {
            format!(
                "for ({ix} e = ({ix})MP_LID(0); e < {}; e += {ls}) {{ const {ix} i = e / {TILE}, j = e % {TILE};\n\
                 if (i < ni && j < nj) {{\n{places}{body}}} }}\n",
                TILE * TILE
            )
        };
        format!(
            "const {ix} na = ({ix})m.size[{a}], nb = ({ix})m.size[{b}], ta = (na + {up}) / {TILE}, tb = (nb + {up}) / {TILE};\n\
             const {ix} tiles = ({ix})m.n / (na * nb) * (ta * tb);\n\
             {ix} end = ({ix})((MP_GROUP(0) + 1) * m.chunk); if (end > tiles) end = tiles;\n\
             for ({ix} tile = ({ix})(MP_GROUP(0) * m.chunk); tile < end; ++tile) {{\n\
             {ix} q = tile / (ta * tb); const {ix} t = tile - q * (ta * tb), i0 = t / tb * {TILE}, j0 = t % tb * {TILE};\n\
             const {ix} ni = na - i0 < {TILE} ? na - i0 : {TILE}, nj = nb - j0 < {TILE} ? nb - j0 : {TILE};\n\
             {start}{}{inside}}}\n}}\n",
            unravel(ix, "q", a, "m.size", &corners),
            up = TILE - 1
        )
    }
}
