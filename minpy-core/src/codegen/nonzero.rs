//! Positions of the nonzero elements in C order: every item counts those of a chunk, the counts are added up in two steps, and
//! every item writes the positions of its chunk from its place on.

use super::dialect::storage;
use super::dims::{base, collapse, index_type, is_wide, unravel};
use super::expr::{Writer, load};
use super::samples::{Operand, Samples};
use super::{Arg, Check, Form as AnyForm, Plan, Spec, Step, Tuning};
use crate::expr::Prim;
use crate::kernel::{KernelCall, Work};
use crate::{DType, Number, Result};
use smallvec::{SmallVec, smallvec};

/// What the source depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Form {
    dtype: DType,
    /// Dimensions in which the input is read.
    read: u8,
    /// Dimensions of a position.
    ndim: u8,
    wide: bool,
}

pub(super) fn plan(call: &KernelCall, tuning: &Tuning) -> Result<Plan> {
    let (x, out) = (call.inputs[0].view(), &call.outputs[0]);
    let mut dims = collapse(x.shape, [x.strides].into_iter());
    let n = dims.padded_ndim();
    dims.pad(n);
    let total = dims.total();
    let least = if tuning.serial() { 1024 } else { 64 };
    let chunk = total.div_ceil(tuning.groups * tuning.local).max(least);
    let chunks = total.div_ceil(chunk);
    // Counts are added up by parts of so many chunks.
    let part = chunks.isqrt().max(1);
    let parts = chunks.div_ceil(part);
    let form = Form { dtype: x.dtype, read: n as u8, ndim: x.shape.len() as u8, wide: is_wide(total) };
    let spec = Spec::new(AnyForm::Nonzero(form), [tuning.local, 1, 1]);
    let mut plan = Plan::default();
    plan.scratch.push(8 * (chunks + 2 * parts));
    for pass in 0..4 {
        let own = [pass, total, chunk, chunks, part, parts].map(|n| n as i64);
        let mut m: SmallVec<[i64; 24]> = SmallVec::from_slice(&own);
        m.extend([base(call.op, x)?, base(call.op, out)?]);
        m.extend(out.strides.iter().map(|&s| s as i64));
        m.extend(dims.n.iter().map(|&n| n as i64));
        m.extend(dims.s.iter().flatten().map(|&s| s as i64));
        m.extend(x.shape.iter().map(|&n| n as i64));
        let args = smallvec![
            Arg::Memory(x.memory.handle),
            Arg::Memory(out.memory.handle),
            Arg::Scratch(0),
            Arg::Ints(m)
        ];
        let items = if pass == 0 || pass == 3 { chunks } else { parts };
        let groups = [items.div_ceil(tuning.local), 1, 1];
        plan.steps.push(Step { spec: spec.clone(), args, groups, check: Check::No });
    }
    Ok(plan)
}

/// A vector, and a stack that is read in another order.
pub(super) fn samples(dtype: DType, s: &mut Samples) {
    for (name, x) in
        [("vector", Operand::new(dtype, &[300])), ("turned", Operand::new(dtype, &[20, 20, 20]).turned())]
    {
        let out = Operand::new(DType::I64, &[if name == "vector" { 1 } else { 3 }, 70]);
        s.add(name, &Work::Nonzero, None, &[x], &[out]);
    }
}

impl Form {
    pub(super) fn render(&self, w: &mut Writer, local: [usize; 3]) -> Result<()> {
        let (d, nr, nd, ix) = (self.dtype, self.read as usize, self.ndim as usize, index_type(self.wide));
        w.uses(d);
        let differs = w.prim(Prim::Ne, d)?;
        let zero = w.constant(&Number::Int(0).cast(d));
        let offset = unravel(ix, "q", nr, "m.n", &[("at".to_string(), "m.s".to_string())]);
        // The position of an element, its last coordinate first.
        let position: String = (0..nd)
            .rev()
            .map(|d| match d {
                0 => "out[to] = p;\n".to_string(),
                _ => format!("out[to + {d} * m.axis] = p % m.shape[{d}]; p /= m.shape[{d}];\n"),
            })
            .collect();
        let k = format!(
            "typedef struct {{ mp_i64 pass, total, chunk, chunks, part, parts, in, out, axis, step, n[{nr}], s[{nr}], shape[{nd}]; }} mp_meta;
{head}(MP_GLOBAL const {storage}* in, MP_GLOBAL mp_i64* out, MP_GLOBAL mp_i64* counts, const mp_meta m) {{
const mp_i64 item = (mp_i64)MP_GROUP(0) * {ls} + MP_LID(0), totals = m.chunks, firsts = m.chunks + m.parts;
if (m.pass == 1 || m.pass == 2) {{
if (item >= m.parts) return;
mp_i64 sum = 0;
if (m.pass == 1) {{
mp_i64 end = (item + 1) * m.part; if (end > m.chunks) end = m.chunks;
for (mp_i64 c = item * m.part; c < end; ++c) {{ const mp_i64 n = counts[c]; counts[c] = sum; sum += n; }}
counts[totals + item] = sum;
}} else {{
for (mp_i64 p = 0; p < item; ++p) sum += counts[totals + p];
counts[firsts + item] = sum;
}}
return;
}}
if (item >= m.chunks) return;
mp_i64 end = (item + 1) * m.chunk; if (end > m.total) end = m.total;
mp_i64 found = m.pass == 0 ? 0 : counts[item] + counts[firsts + item / m.part];
for (mp_i64 i = item * m.chunk; i < end; ++i) {{
mp_i64 at = m.in;
{{ {ix} q = ({ix})i;
{offset}}}
if ({differs}({element}, {zero})) {{
if (m.pass == 3) {{
const mp_i64 to = m.out + found * m.step; mp_i64 p = i;
{position}}}
++found;
}}
}}
if (m.pass == 0) counts[item] = found;
}}
",
            head = w.dialect.kernel("mp_nonzero", local),
            storage = storage(d),
            ls = local[0],
            element = load(d, "in[at]"),
        );
        w.kernel("mp_nonzero", k);
        Ok(())
    }
}
