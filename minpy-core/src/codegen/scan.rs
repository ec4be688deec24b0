//! Running fold along the last axis (`cumsum`, `cumprod`): a row per item on CPUs, a row per group elsewhere.

use super::dialect::ctype;
use super::expr::{Writer, load};
use super::lines::{self, Lines};
use super::samples::{self, Operand, Samples};
use super::{Form as AnyForm, Plan, Tuning};
use crate::kernel::{Fold, KernelCall, Work};
use crate::{DType, Result};

/// What the source depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Form {
    dtype: DType,
    fold: Fold,
    lines: Lines,
}

pub(super) fn plan(call: &KernelCall, fold: Fold, tuning: &Tuning) -> Result<Plan> {
    let (x, out) = (call.inputs[0].view(), &call.outputs[0]);
    if x.dtype != out.dtype {
        return super::dims::complain(call.op, "a scan keeps the dtype");
    }
    let to = out.strides.last().map_or(0, |&s| s as i64);
    lines::plan(call, &[to], tuning, |lines| AnyForm::Scan(Form { dtype: x.dtype, fold, lines }))
}

/// Every fold along rows, for the test that compiles every kernel.
pub(super) fn samples(dtype: DType, s: &mut Samples) {
    for fold in samples::folds(dtype) {
        let x = || Operand::new(dtype, &[5, 400]);
        s.add(&format!("{fold:?}"), &Work::Scan(fold), None, &[x()], &[x()]);
    }
}

impl Form {
    pub(super) fn render(&self, w: &mut Writer, local: [usize; 3]) -> Result<()> {
        let (d, ls) = (self.dtype, local[0]);
        let t = ctype(d);
        w.uses(d);
        let combine = w.prim(self.fold.prim(), d)?;
        let identity = w.constant(&self.fold.identity(d));
        let shared = if ls > 1 { format!("MP_LOCAL {t} shared_[{ls}];\n") } else { String::new() };
        let mut k = self.lines.begin(w, "mp_scan", local, [d, d], "to, ", &shared);
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
