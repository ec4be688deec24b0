//! Position of the greatest or smallest element along the last axis: the first of equal ones, NaN before all others.

use super::dialect::{ctype, short, storage};
use super::dims::{base, collapse, index_type, is_wide, unravel};
use super::expr::{Writer, load};
use super::{Arg, Form as AnyForm, Plan, Spec, Tuning};
use crate::expr::Prim;
use crate::kernel::KernelCall;
use crate::{DType, Result};
use smallvec::{SmallVec, smallvec};

/// What the source depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Form {
    dtype: DType,
    max: bool,
    outer: u8,
    wide: bool,
}

pub fn plan(call: &KernelCall, max: bool, tuning: &Tuning) -> Result<Plan> {
    let (x, out) = (call.inputs[0].view(), &call.outputs[0]);
    let rank = out.shape.len();
    let mut dims = collapse(out.shape, [&x.strides[..rank], out.strides].into_iter());
    let n = dims.padded_ndim();
    dims.pad(n);
    let count = dims.total();
    let per = count.div_ceil(tuning.groups);
    let mut m: SmallVec<[i64; 24]> = smallvec![
        count as i64,
        x.shape[rank] as i64,
        x.strides[rank] as i64,
        per as i64,
        base(call.op, x)?,
        base(call.op, out)?
    ];
    m.extend(dims.n.iter().map(|&n| n as i64));
    m.extend(dims.s.iter().flatten().map(|&s| s as i64));
    let form = Form { dtype: x.dtype, max, outer: n as u8, wide: is_wide(count) };
    let args = smallvec![Arg::Memory(x.memory.handle), Arg::Memory(out.memory.handle), Arg::Ints(m)];
    Ok(Plan::one(
        Spec::new(AnyForm::ArgReduce(form), [tuning.local, 1, 1]),
        args,
        [count.div_ceil(per), 1, 1],
    ))
}

impl Form {
    pub fn render(&self, w: &mut Writer, local: [usize; 3]) -> Result<()> {
        let (d, no, ls, ix) = (self.dtype, self.outer as usize, local[0], index_type(self.wide));
        let t = ctype(d);
        w.uses(d);
        let beats = w.prim(if self.max { Prim::Gt } else { Prim::Lt }, d)?;
        let better = format!("mp_better_{}", short(d));
        let body = if d.is_inexact() {
            let nan = match d {
                DType::F16 => w.prim(Prim::IsNan, DType::F32)?,
                _ => w.prim(Prim::IsNan, d)?,
            };
            format!("if ({nan}(b)) return 0; return {nan}(a) || {beats}(a, b);")
        } else {
            format!("return {beats}(a, b);")
        };
        w.helper(&better, || format!("MP_FN mp_bool {better}({t} a, {t} b) {{ {body} }}\n"));
        let offsets = [("b0".to_string(), "m.s[0]".to_string()), ("bo".to_string(), "m.s[1]".to_string())];
        let mut k = format!(
            "typedef struct {{ mp_i64 count, extent, step, per, off[2], n[{no}], s[2][{no}]; }} mp_meta;\n\
             {}(MP_GLOBAL const {}* in, MP_GLOBAL mp_i64* out, const mp_meta m) {{\n",
            w.dialect.kernel("mp_arg_reduce", local),
            storage(d)
        );
        if ls > 1 {
            k += &format!("MP_LOCAL {t} values_[{ls}]; MP_LOCAL mp_i64 places_[{ls}];\n");
        }
        k += "mp_i64 g1 = (MP_GROUP(0) + 1) * m.per; if (g1 > m.count) g1 = m.count;\n";
        k += "for (mp_i64 g = MP_GROUP(0) * m.per; g < g1; ++g) {\nmp_i64 b0 = m.off[0], bo = m.off[1];\n";
        k += &format!("{{ {ix} q = ({ix})g;\n{}}}\n", unravel(ix, "q", no, "m.n", &offsets));
        let element = |r: &str| load(d, &format!("in[b0 + {r} * m.step]"));
        k += &format!("{t} best = {}; mp_i64 at = 0;\n", element("0"));
        let first = if ls == 1 { "1" } else { "MP_LID(0)" };
        k += &format!(
            "for (mp_i64 r = {first}; r < m.extent; r += {ls}) {{ const {t} x = {}; if ({better}(x, best)) {{ best = x; at = r; }} }}\n",
            element("r")
        );
        if ls > 1 {
            k += "values_[MP_LID(0)] = best; places_[MP_LID(0)] = at; MP_BARRIER();\n";
            k += &format!("for (int s = {}; s > 0; s >>= 1) {{ if ((int)MP_LID(0) < s) {{\n", ls / 2);
            k += &format!(
                "const {t} x = values_[MP_LID(0) + s], y = values_[MP_LID(0)]; const mp_i64 i = places_[MP_LID(0) + s];\n"
            );
            k += &format!(
                "if ({better}(x, y) || (!{better}(y, x) && i < places_[MP_LID(0)])) {{ values_[MP_LID(0)] = x; places_[MP_LID(0)] = i; }}\n"
            );
            k += "} MP_BARRIER(); }\nif (MP_LID(0) == 0) out[bo] = places_[0];\nMP_BARRIER();\n}\n}\n";
        } else {
            k += "out[bo] = at;\n}\n}\n";
        }
        w.kernel("mp_arg_reduce", k);
        Ok(())
    }
}
