//! Running fold along the last axis (`cumsum`, `cumprod`): a row per item on CPUs, a row per group elsewhere.

use super::dialect::{ctype, storage};
use super::dims::{base, collapse, index_type, is_wide, unravel};
use super::expr::{Writer, load};
use super::{Arg, Form as AnyForm, Plan, Spec, Tuning};
use crate::kernel::{Fold, KernelCall};
use crate::{DType, Result};
use smallvec::{SmallVec, smallvec};

/// What the source depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Form {
    dtype: DType,
    fold: Fold,
    outer: u8,
    wide: bool,
}

pub fn plan(call: &KernelCall, fold: Fold, tuning: &Tuning) -> Result<Plan> {
    let (x, out) = (call.inputs[0].view(), &call.outputs[0]);
    if x.dtype != out.dtype {
        return super::dims::complain(call.op, "a scan keeps the dtype");
    }
    let last = out.shape.len() - 1;
    let mut dims = collapse(&out.shape[..last], [&x.strides[..last], &out.strides[..last]].into_iter());
    let n = dims.padded_ndim();
    dims.pad(n);
    let count = dims.total();
    let per = count.div_ceil(tuning.groups);
    let mut m: SmallVec<[i64; 24]> = smallvec![
        count as i64,
        out.shape[last] as i64,
        x.strides[last] as i64,
        out.strides[last] as i64,
        per as i64,
        base(call.op, x)?,
        base(call.op, out)?
    ];
    m.extend(dims.n.iter().map(|&n| n as i64));
    m.extend(dims.s.iter().flatten().map(|&s| s as i64));
    let form = Form { dtype: x.dtype, fold, outer: n as u8, wide: is_wide(count) };
    let args = smallvec![Arg::Memory(x.memory.handle), Arg::Memory(out.memory.handle), Arg::Ints(m)];
    Ok(Plan::one(Spec::new(AnyForm::Scan(form), [tuning.local, 1, 1]), args, [count.div_ceil(per), 1, 1]))
}

impl Form {
    pub fn render(&self, w: &mut Writer, local: [usize; 3]) -> Result<()> {
        let (d, no, ls, ix) = (self.dtype, self.outer as usize, local[0], index_type(self.wide));
        let t = ctype(d);
        w.uses(d);
        let combine = w.prim(self.fold.prim(), d)?;
        let identity = w.constant(&self.fold.identity(d));
        let offsets = [("b0".to_string(), "m.s[0]".to_string()), ("bo".to_string(), "m.s[1]".to_string())];
        let mut k = format!(
            "typedef struct {{ mp_i64 count, extent, from, to, per, off[2], n[{no}], s[2][{no}]; }} mp_meta;\n\
             {}(MP_GLOBAL const {s}* in, MP_GLOBAL {s}* out, const mp_meta m) {{\n",
            w.dialect.kernel("mp_scan", local),
            s = storage(d)
        );
        if ls > 1 {
            k += &format!("MP_LOCAL {t} shared_[{ls}];\n");
        }
        k += "mp_i64 g1 = (MP_GROUP(0) + 1) * m.per; if (g1 > m.count) g1 = m.count;\n";
        k += "for (mp_i64 g = MP_GROUP(0) * m.per; g < g1; ++g) {\nmp_i64 b0 = m.off[0], bo = m.off[1];\n";
        k += &format!("{{ {ix} q = ({ix})g;\n{}}}\n", unravel(ix, "q", no, "m.n", &offsets));
        let element = |r: &str| load(d, &format!("in[b0 + ({r}) * m.from]"));
        let store = |w: &mut Writer, r: &str, v: &str| w.store(d, "out", &format!("bo + ({r}) * m.to"), v);
        if ls == 1 {
            k += &format!("{t} acc = {}; {}\n", element("0"), store(w, "0", "acc"));
            k += &format!(
                "for (mp_i64 r = 1; r < m.extent; ++r) {{ acc = {combine}(acc, {}); {} }}\n}}\n}}\n",
                element("r"),
                store(w, "r", "acc")
            );
        } else {
            k += &format!(
                "{t} carry = {identity};\nfor (mp_i64 base = 0; base < m.extent; base += {ls}) {{\n"
            );
            k += &format!(
                "const mp_i64 r = base + MP_LID(0);\nshared_[MP_LID(0)] = r < m.extent ? {} : {identity}; MP_BARRIER();\n",
                element("r")
            );
            k += &format!(
                "for (int s = 1; s < {ls}; s <<= 1) {{\nconst {t} y = (int)MP_LID(0) >= s ? {combine}(shared_[MP_LID(0) - s], shared_[MP_LID(0)]) : shared_[MP_LID(0)];\n"
            );
            k += "MP_BARRIER(); shared_[MP_LID(0)] = y; MP_BARRIER(); }\n";
            k += &format!(
                "const {t} value = base == 0 ? shared_[MP_LID(0)] : {combine}(carry, shared_[MP_LID(0)]);\nif (r < m.extent) {{ {} }}\n",
                store(w, "r", "value")
            );
            k += &format!(
                "carry = base == 0 ? shared_[{n}] : {combine}(carry, shared_[{n}]); MP_BARRIER();\n}}\n}}\n}}\n",
                n = ls - 1
            );
        }
        w.kernel("mp_scan", k);
        Ok(())
    }
}
