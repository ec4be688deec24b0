//! Position of the greatest or smallest element along the last axis: the first of equal ones, NaN before all others.

use super::dialect::{ctype, short};
use super::expr::{Writer, load};
use super::lines::{self, Lines};
use super::samples::{Operand, Samples};
use super::{Form as AnyForm, Plan, Tuning};
use crate::expr::Prim;
use crate::kernel::{KernelCall, Work};
use crate::{DType, Result};

/// What the source depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Form {
    dtype: DType,
    max: bool,
    lines: Lines,
}

pub(super) fn plan(call: &KernelCall, max: bool, tuning: &Tuning) -> Result<Plan> {
    let dtype = call.inputs[0].view().dtype;
    lines::plan(call, &[], tuning, |lines| AnyForm::ArgReduce(Form { dtype, max, lines }))
}

/// Rows, for the test that compiles every kernel.
pub(super) fn samples(dtype: DType, s: &mut Samples) {
    for max in [true, false] {
        let (x, y) = (Operand::new(dtype, &[5, 400]), Operand::new(DType::I64, &[5]));
        s.add(if max { "max" } else { "min" }, &Work::ArgReduce { max }, None, &[x], &[y]);
    }
}

impl Form {
    pub(super) fn render(&self, w: &mut Writer, local: [usize; 3]) -> Result<()> {
        let (d, ls) = (self.dtype, local[0]);
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
        let shared = if ls > 1 {
            format!("MP_LOCAL {t} values_[{ls}]; MP_LOCAL mp_i64 places_[{ls}];\n")
        } else {
            String::new()
        };
        let mut k = self.lines.begin(w, "mp_arg_reduce", local, [d, DType::I64], "", &shared);
        let element = |r: &str| load(d, &format!("in[b0 + {r} * m.from]"));
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
