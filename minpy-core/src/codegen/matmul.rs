//! Matrix products: tiles in local memory with a block of results per item (GPU), or packed panels and a block of
//! vector registers (CPU). Any strides, any dtype, batched; a product with a vector is a reduction. What is computed of the
//! result (`Work::Epilogue`) happens where an element is stored.

use super::dialect::{accumulator, ctype, storage};
use super::dims::{base, collapse, index_type, unravel};
use super::expr::{Writer, load};
use super::samples::{Operand, Samples};
use super::{Arg, Form as AnyForm, Plan, ProgramRef, Spec, Tuning, reduce, unsupported};
use crate::expr::{Builder, Prim};
use crate::kernel::{Input, KernelCall, View, Work};
use crate::{DType, Result};
use smallvec::{SmallVec, smallvec};
use std::sync::Arc;

/// What the source depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Form {
    dtype: DType,
    batch: u8,
    /// GPU: results per item in each direction. CPU: bytes of a vector.
    block: u16,
    /// What a CPU item packs.
    tile: Tile,
    epilogue: Option<Epilogue>,
}

/// What is computed of an element of the result before it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Epilogue {
    program: ProgramRef,
    /// Where the program's inputs come from, beginning with the second.
    inputs: SmallVec<[In; 4]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum In {
    /// A kernel parameter.
    Number,
    /// A view of its own.
    View,
    /// The result's memory.
    Result,
}

impl Epilogue {
    /// The epilogue of a call, and its views: what it reads, then what it writes beside the result.
    fn of<'c>(call: &'c KernelCall) -> (Option<Epilogue>, SmallVec<[&'c View<'c>; 6]>) {
        let mut views: SmallVec<[&View; 6]> = SmallVec::new();
        if !matches!(call.work, Work::Epilogue) {
            return (None, views);
        }
        let result = &call.outputs[0];
        let inputs = call.inputs[2..].iter().map(|i| match i {
            Input::Scalar(_) => In::Number,
            Input::View(v) if v.memory == result.memory && v.offset == result.offset => In::Result,
            Input::View(v) => {
                views.push(v);
                In::View
            }
        });
        let e = Epilogue { inputs: inputs.collect(), program: ProgramRef(call.program().clone()) };
        views.extend(&call.outputs[1..]);
        (Some(e), views)
    }
}

/// What one CPU item packs: a size that fits into local memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Tile {
    rows: u8,
    /// Blocks of columns.
    panels: u8,
    /// Steps of the inner dimension between two packings.
    depth: u8,
}

impl Tile {
    fn new(dtype: DType, tuning: &Tuning) -> Tile {
        let (size, columns) = (accumulator(dtype).size(), cpu_columns(dtype, tuning.vector));
        let mut tile = Tile { rows: 64, panels: 4, depth: 128 };
        // What costs least goes first; eight rows are the most that are held in registers.
        let halve: [(fn(&mut Tile) -> &mut u8, u8); 4] =
            [(|t| &mut t.depth, 32), (|t| &mut t.panels, 1), (|t| &mut t.rows, 8), (|t| &mut t.depth, 1)];
        for (side, least) in halve {
            while tile.elements(columns) * size > tuning.shared && *side(&mut tile) > least {
                *side(&mut tile) /= 2;
            }
        }
        tile
    }
    fn elements(self, columns: usize) -> usize {
        let [rows, wide, depth] = self.sizes(columns);
        rows * depth + wide * depth + rows * wide
    }
    /// Rows, columns and depth.
    fn sizes(self, columns: usize) -> [usize; 3] {
        [self.rows as usize, self.panels as usize * columns, self.depth as usize]
    }
}

/// Items of a group in each direction, and results per item in each direction, for results of `m` x `n` (GPU).
fn gpu_block(m: usize, n: usize, dtype: DType, tuning: &Tuning) -> (usize, usize) {
    let side = if tuning.group >= 256 { 16 } else { 8 };
    let wanted: usize = match m.min(n) {
        0..=16 => 1,
        17..=48 => 2,
        _ => 4,
    };
    let fits = |block: &usize| gpu_elements(side, *block) * accumulator(dtype).size() <= tuning.shared;
    (side, [wanted, wanted.div_ceil(2)].into_iter().find(fits).unwrap_or(1))
}

/// Elements in local memory (GPU).
fn gpu_elements(side: usize, block: usize) -> usize {
    2 * side * (side * block + 1)
}

/// Whether a product, or that of an epilogue, is one with a vector, which is a reduction.
pub(super) fn is_reduction(call: &KernelCall) -> bool {
    // Sums of half products must not round the products: only the kernel below keeps them in float32.
    let c = &call.outputs[0];
    c.dtype != DType::F16 && c.shape[c.shape.len() - 2..].contains(&1)
}

/// Squares of some sizes, a stack, and a product with a vector.
pub(super) fn samples(dtype: DType, s: &mut Samples) {
    let of = |shape: &[usize]| Operand::new(dtype, shape);
    for (name, a, b, c) in [
        ("9", of(&[9, 9]), of(&[9, 9]), of(&[9, 9])),
        ("30", of(&[30, 30]), of(&[30, 30]), of(&[30, 30])),
        ("500", of(&[500, 500]), of(&[500, 500]), of(&[500, 500])),
        ("stack", of(&[3, 20, 20]), of(&[3, 20, 20]), of(&[3, 20, 20])),
        ("vector", of(&[300, 400]), of(&[400, 1]), of(&[300, 1])),
    ] {
        s.add(name, &Work::Matmul, None, &[a, b], &[c]);
    }
}

/// A bias, and the product beside the sum.
pub(super) fn epilogue_samples(dtype: DType, s: &mut Samples) {
    let b = Builder::new();
    let (p, bias) = (b.input(dtype), b.input(dtype));
    let sum = p + bias;
    let program = Arc::new(b.finish("p + bias", &[sum.id(), p.id()], 0));
    let square = || Operand::new(dtype, &[300, 300]);
    let inputs = [square(), square(), square().strided(&[0, 1])];
    s.add("bias", &Work::Epilogue, Some(&program), &inputs, &[square(), square().turned()]);
}

pub(super) fn plan(call: &KernelCall, tuning: &Tuning) -> Result<Plan> {
    let (a, b, c) = (call.inputs[0].view(), call.inputs[1].view(), &call.outputs[0]);
    let lead = c.shape.len() - 2;
    let (m, n, k) = (c.shape[lead], c.shape[lead + 1], a.shape[lead + 1]);
    let ([am, ak], [bk, bn], [cm, cn]) = (last_two(a.strides), last_two(b.strides), last_two(c.strides));
    let (epilogue, extra) = Epilogue::of(call);
    if is_reduction(call) {
        if epilogue.is_some() {
            return Err(unsupported(call.op, "products with a vector are reductions"));
        }
        let with = |lead: &[isize], tail: &[isize]| -> SmallVec<[isize; 8]> {
            lead.iter().chain(tail).copied().collect()
        };
        let (al, bl, cl) = (&a.strides[..lead], &b.strides[..lead], &c.strides[..lead]);
        let (x, y, z, size) = if n == 1 {
            (with(al, &[am, ak]), with(bl, &[0, bk]), with(cl, &[cm]), m)
        } else {
            (with(al, &[0, ak]), with(bl, &[bn, bk]), with(cl, &[cn]), n)
        };
        let outer: SmallVec<[usize; 6]> = c.shape[..lead].iter().copied().chain([size]).collect();
        return reduce::plan_dot(call, [&x, &y, &z], &outer, k, tuning);
    }
    let views = || [a, b, c].into_iter().chain(extra.iter().copied());
    let mut dims = collapse(&c.shape[..lead], views().map(|v| &v.strides[..lead]));
    let batch = dims.padded_ndim();
    dims.pad(batch);
    let batches = dims.total();
    let tile = Tile::new(c.dtype, tuning);
    let (block, local, groups) = if tuning.serial() {
        let [rows, wide, _] = tile.sizes(cpu_columns(c.dtype, tuning.vector));
        (tuning.vector, [1, 1, 1], [n.div_ceil(wide) * m.div_ceil(rows), 1, batches])
    } else {
        let (side, block) = gpu_block(m, n, c.dtype, tuning);
        let wide = side * block;
        (block, [side, side, 1], [n.div_ceil(wide) * m.div_ceil(wide), 1, batches.min(65535)])
    };
    let mut meta: SmallVec<[i64; 24]> = smallvec![m as i64, n as i64, k as i64, batches as i64];
    meta.extend([am, ak, bk, bn, cm, cn].map(|s| s as i64));
    meta.extend(extra.iter().flat_map(|v| last_two(v.strides)).map(|s| s as i64));
    for v in views() {
        meta.push(base(call.op, v)?);
    }
    meta.extend(dims.n.iter().map(|&n| n as i64));
    meta.extend(dims.s.iter().flatten().map(|&s| s as i64));
    let form = Form { dtype: c.dtype, batch: batch as u8, block: block as u16, tile, epilogue };
    let mut args: SmallVec<[Arg; 8]> = views().map(|v| Arg::Memory(v.memory.handle)).collect();
    args.extend(
        call.inputs
            .iter()
            .filter_map(|i| if let Input::Scalar(s) = i { Some(Arg::Scalar(*s)) } else { None }),
    );
    args.push(Arg::Ints(meta));
    Ok(Plan::one(Spec::new(AnyForm::Matmul(form), local), args, groups))
}

fn last_two(strides: &[isize]) -> [isize; 2] {
    let n = strides.len();
    [strides[n - 2], strides[n - 1]]
}

/// Columns of a block of registers: two vectors.
fn cpu_columns(dtype: DType, vector: usize) -> usize {
    (2 * vector / accumulator(dtype).size()).max(4)
}

/// Index of an element of the result.
const C: &str = "oc + row * m.cm + col * m.cn";

impl Epilogue {
    /// Statements that compute and store an element, `value` being that of the product. Adds parameters, and the offsets of
    /// views beside those of the product.
    fn render(
        &self,
        w: &mut Writer,
        value: &str,
        parameters: &mut String,
        offsets: &mut Vec<String>,
    ) -> Result<String> {
        let p = &self.program.0;
        let mut element = |pointer: &str| {
            let e = offsets.len() - 3;
            offsets.push(format!("o{pointer}"));
            format!("{pointer}[o{pointer} + row * m.e[{e}][0] + col * m.e[{e}][1]]")
        };
        let mut inputs = vec![value.to_string()];
        let mut numbers = String::new();
        for (i, source) in self.inputs.iter().enumerate() {
            let d = p.inputs()[i + 1];
            w.uses(d);
            inputs.push(match source {
                In::Number => {
                    numbers += &format!("const {} c{i}, ", storage(d));
                    load(d, &format!("c{i}"))
                }
                In::View => {
                    *parameters += &format!("MP_GLOBAL const {}* MP_RESTRICT in{i}, ", storage(d));
                    load(d, &element(&format!("in{i}")))
                }
                In::Result => load(d, &format!("c[{C}]")),
            });
        }
        let (mut text, results) = w.program(p, &|i| inputs[i].clone(), "")?;
        for (o, result) in results.iter().enumerate() {
            let d = p.output_dtype(o);
            w.uses(d);
            let target = if o == 0 {
                format!("c[{C}]")
            } else {
                *parameters += &format!("MP_GLOBAL {}* MP_RESTRICT out{o}, ", storage(d));
                element(&format!("out{o}"))
            };
            let stored = if d == DType::F16 { format!("mp_f2h({result})") } else { result.clone() };
            text += &format!("{target} = {stored};\n");
        }
        *parameters += &numbers;
        Ok(text)
    }
}

impl Form {
    pub(super) fn render(&self, w: &mut Writer, local: [usize; 3]) -> Result<()> {
        let (d, nb) = (self.dtype, self.batch as usize);
        let acc = accumulator(d);
        let t = ctype(acc);
        w.uses(d);
        let mad = match acc {
            DType::F32 => "MP_MAD_F32".to_string(),
            DType::F64 => "MP_MAD_F64".to_string(),
            _ => {
                let (mul, add) = (w.prim(Prim::Mul, acc)?, w.prim(Prim::Add, acc)?);
                let name = "mp_mad".to_string();
                w.helper(&name, || {
                    format!("MP_FN {t} {name}({t} a, {t} b, {t} c) {{ return {add}({mul}(a, b), c); }}\n")
                });
                name
            }
        };
        let zero = w.constant(&crate::Number::Float(0.0).cast(acc));
        let (mut parameters, mut names) = (String::new(), vec!["oa".to_string(), "ob".into(), "oc".into()]);
        let value = w.cast(acc, d, "x");
        let store = match &self.epilogue {
            None => w.store(d, "c", C, &value),
            Some(e) => e.render(w, &value, &mut parameters, &mut names)?,
        };
        let (nv, extra) = (names.len(), names.len() - 3);
        let offsets: Vec<(String, String)> =
            names.iter().enumerate().map(|(i, o)| (o.clone(), format!("m.s[{i}]"))).collect();
        let steps = if extra > 0 { format!("e[{extra}][2], ") } else { String::new() };
        let mut k = format!(
            "typedef struct {{ mp_i64 m, n, k, batches, am, ak, bk, bn, cm, cn, {steps}off[{nv}], nb[{nb}], s[{nv}][{nb}]; }} mp_meta;\n\
             {}(MP_GLOBAL const {s}* MP_RESTRICT a, MP_GLOBAL const {s}* MP_RESTRICT b, MP_GLOBAL {s}* MP_RESTRICT c, {parameters}const mp_meta m) {{\n",
            w.dialect.kernel("mp_matmul", local),
            s = storage(d)
        );
        let text = Text { t: &t, zero: &zero, mad: &mad, a: load(d, "a[$i]"), b: load(d, "b[$i]"), store };
        let split = format!(
            "{starts}\n{{ {ix} q = ({ix})batch;\n{}}}\n",
            unravel(index_type(true), "q", nb, "m.nb", &offsets),
            starts = names
                .iter()
                .enumerate()
                .map(|(i, o)| format!("mp_i64 {o} = m.off[{i}]; "))
                .collect::<String>(),
            ix = index_type(true)
        );
        if local[0] == 1 {
            let vector = w.dialect.vector(acc, self.block as usize / acc.size());
            let columns = cpu_columns(d, self.block as usize);
            k += &text.cpu(self.block as usize, columns, self.tile, vector, &split);
        } else {
            k += &text.gpu(local[0], self.block as usize, &split);
        }
        w.kernel("mp_matmul", k);
        Ok(())
    }
}

struct Text<'a> {
    t: &'a str,
    zero: &'a str,
    mad: &'a str,
    a: String,
    b: String,
    store: String,
}

impl Text<'_> {
    fn gpu(&self, side: usize, block: usize, split: &str) -> String {
        let Text { t, zero, mad, .. } = self;
        let tile = side * block;
        let threads = side * side;
        let (a, b) = (
            self.a.replace("$i", "oa + row * m.am + (k0 + kk) * m.ak"),
            self.b.replace("$i", "ob + (k0 + kk) * m.bk + col * m.bn"),
        );
        format!(
            "MP_LOCAL {t} sa[{side}][{tile} + 1]; MP_LOCAL {t} sb[{side}][{tile} + 1];
const int lx = (int)MP_LID(0), ly = (int)MP_LID(1), id = ly * {side} + lx;
const mp_i64 across = (m.n + {tile} - 1) / {tile}, row0 = MP_GROUP(0) / across * {tile}, col0 = MP_GROUP(0) % across * {tile};
const int a_rows = m.ak != 1, b_rows = m.bk == 1 && m.bn != 1;
for (mp_i64 batch = MP_GROUP(2); batch < m.batches; batch += MP_GROUPS(2)) {{
{split}{t} acc[{block}][{block}];
for (int i = 0; i < {block}; ++i) for (int j = 0; j < {block}; ++j) acc[i][j] = {zero};
for (mp_i64 k0 = 0; k0 < m.k; k0 += {side}) {{
for (int e = id; e < {tile} * {side}; e += {threads}) {{
const int kk = a_rows ? e / {tile} : e % {side}, r = a_rows ? e % {tile} : e / {side}; const mp_i64 row = row0 + r;
sa[kk][r] = row < m.m && k0 + kk < m.k ? {a} : {zero}; }}
for (int e = id; e < {tile} * {side}; e += {threads}) {{
const int kk = b_rows ? e % {side} : e / {tile}, r = b_rows ? e / {side} : e % {tile}; const mp_i64 col = col0 + r;
sb[kk][r] = col < m.n && k0 + kk < m.k ? {b} : {zero}; }}
MP_BARRIER();
for (int kk = 0; kk < {side}; ++kk) {{
{t} x[{block}], y[{block}];
for (int i = 0; i < {block}; ++i) {{ x[i] = sa[kk][ly + i * {side}]; y[i] = sb[kk][lx + i * {side}]; }}
for (int i = 0; i < {block}; ++i) for (int j = 0; j < {block}; ++j) acc[i][j] = {mad}(x[i], y[j], acc[i][j]);
}}
MP_BARRIER();
}}
for (int i = 0; i < {block}; ++i) for (int j = 0; j < {block}; ++j) {{
const mp_i64 row = row0 + ly + i * {side}, col = col0 + lx + j * {side};
if (row < m.m && col < m.n) {{ const {t} x = acc[i][j]; {store} }} }}
}}
}}
",
            store = self.store
        )
    }

    /// A panel of `columns` of b and blocks of `rows` rows of a are packed, so that the innermost loop runs over memory in order.
    fn cpu(
        &self,
        vector_bytes: usize,
        columns: usize,
        tile: Tile,
        vector: Option<(String, String, String)>,
        split: &str,
    ) -> String {
        let Text { t, zero, mad, .. } = self;
        let rows = if vector_bytes >= 64 { 8 } else { 4 };
        let [height, wide, depth] = tile.sizes(columns);
        let (a, b) = (
            self.a.replace("$i", "oa + (row0 + r) * m.am + (k0 + p) * m.ak"),
            self.b.replace("$i", "ob + (k0 + p) * m.bk + (col0 + j) * m.bn"),
        );
        let kernel = match vector {
            Some((v, load, store)) => {
                let half = columns / 2;
                let each = |f: &dyn Fn(usize) -> String| (0..rows).map(f).collect::<String>();
                let begin = each(&|i| format!("{v} x{i} = {load}(0, ct + (i0 + {i}) * {wide} + j0), y{i} = {load}(0, ct + (i0 + {i}) * {wide} + j0 + {half});\n"));
                let step = each(&|i| format!("s = ({v})(pa[(i0 + {i}) * {depth} + p]); x{i} = {mad}(s, u, x{i}); y{i} = {mad}(s, w, y{i});\n"));
                let end = each(&|i| format!("{store}(x{i}, 0, ct + (i0 + {i}) * {wide} + j0); {store}(y{i}, 0, ct + (i0 + {i}) * {wide} + j0 + {half});\n"));
                format!(
                    "{begin}for (int p = 0; p < kc; ++p) {{ {v} s; const {v} u = {load}(0, pb + j0 * {depth} + p * {columns}), w = {load}(0, pb + j0 * {depth} + p * {columns} + {half});\n{step}}}\n{end}"
                )
            }
            None => format!(
                "for (int i = 0; i < {rows}; ++i) {{ {t} acc[{columns}];
for (int j = 0; j < {columns}; ++j) acc[j] = ct[(i0 + i) * {wide} + j0 + j];
for (int p = 0; p < kc; ++p) {{ const {t} s = pa[(i0 + i) * {depth} + p]; for (int j = 0; j < {columns}; ++j) acc[j] = {mad}(s, pb[j0 * {depth} + p * {columns} + j], acc[j]); }}
for (int j = 0; j < {columns}; ++j) ct[(i0 + i) * {wide} + j0 + j] = acc[j]; }}\n"
            ),
        };
        format!(
            "MP_LOCAL {t} pa[{pa}]; MP_LOCAL {t} pb[{pb}]; MP_LOCAL {t} ct[{ct}];
const mp_i64 across = (m.n + {wide} - 1) / {wide}, row0 = MP_GROUP(0) / across * {height}, col0 = MP_GROUP(0) % across * {wide}, batch = MP_GROUP(2);
{split}const int height = (int)(m.m - row0 < {height} ? m.m - row0 : {height}), width = (int)(m.n - col0 < {wide} ? m.n - col0 : {wide});
for (int e = 0; e < {ct}; ++e) ct[e] = {zero};
for (mp_i64 k0 = 0; k0 < m.k; k0 += {depth}) {{
const int kc = (int)(m.k - k0 < {depth} ? m.k - k0 : {depth});
if (m.ak == 1) for (int r = 0; r < height; ++r) for (int p = 0; p < kc; ++p) pa[r * {depth} + p] = {a1};
else for (int p = 0; p < kc; ++p) for (int r = 0; r < height; ++r) pa[r * {depth} + p] = {a};
for (int r = height; r % {rows} != 0; ++r) for (int p = 0; p < kc; ++p) pa[r * {depth} + p] = {zero};
for (int j0 = 0; j0 < width; j0 += {columns}) {{ const int full = width - j0 >= {columns};
if (full && m.bn == 1) for (int p = 0; p < kc; ++p) for (int x = 0; x < {columns}; ++x) {{ const int j = j0 + x; pb[j0 * {depth} + p * {columns} + x] = {b1}; }}
else for (int x = 0; x < {columns}; ++x) {{ const int j = j0 + x;
if (j < width) for (int p = 0; p < kc; ++p) pb[j0 * {depth} + p * {columns} + x] = {b};
else for (int p = 0; p < kc; ++p) pb[j0 * {depth} + p * {columns} + x] = {zero}; }} }}
for (int j0 = 0; j0 < width; j0 += {columns}) for (int i0 = 0; i0 < height; i0 += {rows}) {{
{kernel}}}
}}
for (int i = 0; i < height; ++i) for (int j = 0; j < width; ++j) {{ const mp_i64 row = row0 + i, col = col0 + j; const {t} x = ct[i * {wide} + j]; {store} }}
}}
",
            pa = height * depth,
            pb = wide * depth,
            ct = height * wide,
            a1 = self.a.replace("$i", "oa + (row0 + r) * m.am + k0 + p"),
            b1 = self.b.replace("$i", "ob + (k0 + p) * m.bk + col0 + j"),
            store = self.store
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_fit_into_local_memory() {
        for dtype in DType::ALL {
            let size = accumulator(dtype).size();
            for shared in [4 << 10, 16 << 10, 32 << 10, 48 << 10, 64 << 10, 1 << 18] {
                for vector in [16, 32, 64] {
                    let tuning = Tuning { shared, ..Tuning::cpu(2, vector) };
                    let tile = Tile::new(dtype, &tuning);
                    let bytes = tile.elements(cpu_columns(dtype, vector)) * size;
                    assert!(
                        bytes <= shared.max(16 << 10),
                        "{dtype} {shared} {vector}: {tile:?}, {bytes} bytes"
                    );
                    assert!(tile.rows >= 8 && tile.rows % 8 == 0, "{tile:?}");
                }
                for group in [64, 256] {
                    let (side, block) =
                        gpu_block(500, 500, dtype, &Tuning { shared, group, ..Tuning::gpu(2) });
                    let bytes = gpu_elements(side, block) * size;
                    assert!(
                        side * side <= group && (bytes <= shared || shared < 16 << 10),
                        "{dtype} {shared}"
                    );
                }
            }
        }
        let roomy = Tile::new(DType::F32, &Tuning::cpu(2, 64));
        assert_eq!(roomy, Tile { rows: 64, panels: 4, depth: 128 });
    }
}
