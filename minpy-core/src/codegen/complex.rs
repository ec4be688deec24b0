//! C text of the primitives on complex dtypes, as structs of two floats.
//!
//! The formulas are NumPy's: products without recovery of infinities, Smith's division, lexicographic comparison.
//! Functions that are not here are left to the host.

use super::dialect::{ctype, short};
use super::expr::Writer;
use crate::expr::Prim::{self, *};
use crate::{DType, Result};

/// The struct and its constructor.
pub fn definition(d: DType) -> String {
    let (t, r, s) = (ctype(d), ctype(d.real()), short(d));
    format!(
        "typedef struct {{ {r} re, im; }} {t};\nMP_FN {t} mp_make_{s}({r} re, {r} im) {{ {t} z; z.re = re; z.im = im; return z; }}\n"
    )
}

/// Body of the helper for `prim` on a complex `d`; `None` when there is none.
pub fn body(w: &mut Writer, prim: Prim, d: DType) -> Result<Option<String>> {
    let (r, real) = (ctype(d.real()), d.real());
    let make = format!("mp_make_{}", short(d));
    let dialect = w.dialect;
    let m = |f: &str| dialect.math(f, real);
    let (ln2, log2e, log10e) = match real {
        DType::F32 => ("0.6931472f", "1.442695f", "0.4342945f"),
        _ => ("0.6931471805599453", "1.4426950408889634", "0.4342944819032518"),
    };
    let nan = |z: &str| format!("({z}.re != {z}.re || {z}.im != {z}.im)");
    // Lexicographic order; a NaN in an imaginary part makes the comparison of the real parts false.
    let order = |op: &str, last: &str| {
        format!("(a.re {op} b.re && a.im == a.im && b.im == b.im) || (a.re == b.re && a.im {last} b.im)")
    };
    Ok(Some(match prim {
        Neg => format!("return {make}(-a.re, -a.im);"),
        Conj => format!("return {make}(a.re, -a.im);"),
        Real => "return a.re;".into(),
        Imag => "return a.im;".into(),
        Abs => format!("return {}(a.re, a.im);", m("hypot")),
        Sign => {
            let abs = w.prim(Abs, d)?;
            format!("const {r} n = {abs}(a); return n == 0 ? {make}(0, 0) : {make}(a.re / n, a.im / n);")
        }
        Add => format!("return {make}(a.re + b.re, a.im + b.im);"),
        Sub => format!("return {make}(a.re - b.re, a.im - b.im);"),
        Mul => format!("return {make}(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re);"),
        Div => format!(
            "const {r} x = {fabs}(b.re), y = {fabs}(b.im); \
             if (x >= y) {{ if (x == 0 && y == 0) return {make}(a.re / x, a.im / x); \
             const {r} q = b.im / b.re, s = ({r})1 / (b.re + b.im * q); return {make}((a.re + a.im * q) * s, (a.im - a.re * q) * s); }} \
             const {r} q = b.re / b.im, s = ({r})1 / (b.im + b.re * q); return {make}((a.re * q + a.im) * s, (a.im * q - a.re) * s);",
            fabs = m("fabs")
        ),
        Exp => format!(
            "const {r} e = {exp}(a.re); if (a.im == 0) return {make}(e, a.im); return {make}(e * {cos}(a.im), e * {sin}(a.im));",
            exp = m("exp"),
            cos = m("cos"),
            sin = m("sin")
        ),
        Log => {
            let abs = w.prim(Abs, d)?;
            format!("return {make}({}({abs}(a)), {}(a.im, a.re));", m("log"), m("atan2"))
        }
        Sqrt => {
            let abs = w.prim(Abs, d)?;
            format!(
                "if (a.re == 0 && a.im == 0) return {make}(0, a.im); \
                 const {r} t = {sqrt}((({abs}(a)) + {fabs}(a.re)) * ({r})0.5); \
                 return a.re >= 0 ? {make}(t, a.im / (t + t)) : {make}({fabs}(a.im) / (t + t), {copysign}(t, a.im));",
                sqrt = m("sqrt"),
                fabs = m("fabs"),
                copysign = m("copysign")
            )
        }
        Sin => format!(
            "return {make}({sin}(a.re) * {cosh}(a.im), {cos}(a.re) * {sinh}(a.im));",
            sin = m("sin"),
            cos = m("cos"),
            sinh = m("sinh"),
            cosh = m("cosh")
        ),
        Cos => format!(
            "return {make}({cos}(a.re) * {cosh}(a.im), -({sin}(a.re) * {sinh}(a.im)));",
            sin = m("sin"),
            cos = m("cos"),
            sinh = m("sinh"),
            cosh = m("cosh")
        ),
        Sinh => format!(
            "return {make}({sinh}(a.re) * {cos}(a.im), {cosh}(a.re) * {sin}(a.im));",
            sin = m("sin"),
            cos = m("cos"),
            sinh = m("sinh"),
            cosh = m("cosh")
        ),
        Cosh => format!(
            "return {make}({cosh}(a.re) * {cos}(a.im), {sinh}(a.re) * {sin}(a.im));",
            sin = m("sin"),
            cos = m("cos"),
            sinh = m("sinh"),
            cosh = m("cosh")
        ),
        // W. Kahan, "Branch cuts for complex elementary functions"; far out the result is 1 up to a tiny imaginary part.
        Tanh => format!(
            "if ({fabs}(a.re) > ({r})20) return {make}({copysign}(({r})1, a.re), ({r})4 * {sin}(a.im) * {cos}(a.im) * {exp}(({r})-2 * {fabs}(a.re))); \
             const {r} t = {tan}(a.im), q = ({r})1 + t * t, s = {sinh}(a.re), h = {sqrt}(({r})1 + s * s), d = ({r})1 + q * s * s; \
             return {make}(q * h * s / d, t / d);",
            fabs = m("fabs"),
            copysign = m("copysign"),
            sin = m("sin"),
            cos = m("cos"),
            exp = m("exp"),
            tan = m("tan"),
            sinh = m("sinh"),
            sqrt = m("sqrt")
        ),
        Tan => {
            let tanh = w.prim(Tanh, d)?;
            format!("const {} z = {tanh}({make}(-a.im, a.re)); return {make}(z.im, -z.re);", ctype(d))
        }
        Exp2 => {
            let exp = w.prim(Exp, d)?;
            format!("return {exp}({make}(a.re * ({r}){ln2}, a.im * ({r}){ln2}));")
        }
        Expm1 => format!(
            "const {r} s = {sin}(a.im * ({r})0.5); return {make}({expm1}(a.re) * {cos}(a.im) - ({r})2 * s * s, {exp}(a.re) * {sin}(a.im));",
            sin = m("sin"),
            cos = m("cos"),
            exp = m("exp"),
            expm1 = m("expm1")
        ),
        Log2 | Log10 => {
            let log = w.prim(Log, d)?;
            let scale = if prim == Log2 { log2e } else { log10e };
            format!(
                "const {} z = {log}(a); return {make}(z.re * ({r}){scale}, z.im * ({r}){scale});",
                ctype(d)
            )
        }
        Log1p => {
            let log = w.prim(Log, d)?;
            format!("return {log}({make}(a.re + ({r})1, a.im));")
        }
        // NumPy's: 1, 2 and 3 by multiplication even where a part is infinite, small whole exponents by repeated
        // squaring, all others through the logarithm.
        Pow => {
            let (mul, div, log, exp) = (w.prim(Mul, d)?, w.prim(Div, d)?, w.prim(Log, d)?, w.prim(Exp, d)?);
            let t = ctype(d);
            format!(
                "if (b.re == 0 && b.im == 0) return {make}(1, 0); \
                 if (a.re == 0 && a.im == 0) {{ const {r} bad = ({r})0 * {log}(a).re; return b.re > 0 ? a : {make}(bad, bad); }} \
                 if (b.im == 0 && b.re == 1) return a; \
                 if (b.im == 0 && b.re == 2) return {mul}(a, a); \
                 if (b.im == 0 && b.re == 3) return {mul}(a, {mul}(a, a)); \
                 if (b.im == 0 && b.re == {rint}(b.re) && {fabs}(b.re) < ({r})100) {{ \
                 {t} p = {make}(1, 0), x = a; for (int n = (int){fabs}(b.re); n > 0; n >>= 1) {{ if (n & 1) p = {mul}(p, x); x = {mul}(x, x); }} \
                 return b.re < 0 ? {div}({make}(1, 0), p) : p; }} \
                 return {exp}({mul}(b, {log}(a)));",
                rint = m("rint"),
                fabs = m("fabs")
            )
        }
        IsNan => format!("return {};", nan("a")),
        IsInf | IsFinite => {
            let part = w.prim(prim, real)?;
            let join = if prim == IsInf { "||" } else { "&&" };
            format!("return {part}(a.re) {join} {part}(a.im);")
        }
        Eq => "return a.re == b.re && a.im == b.im;".into(),
        Ne => "return a.re != b.re || a.im != b.im;".into(),
        Lt => format!("return {};", order("<", "<")),
        Le => format!("return {};", order("<", "<=")),
        Gt => format!("return {};", order(">", ">")),
        Ge => format!("return {};", order(">", ">=")),
        Maximum => format!("return ({} || {}) ? a : b;", nan("a"), order(">", ">=")),
        Minimum => format!("return ({} || {}) ? a : b;", nan("a"), order("<", "<=")),
        Fmax => format!("return ({} || {}) ? a : b;", nan("b"), order(">", ">=")),
        Fmin => format!("return ({} || {}) ? a : b;", nan("b"), order("<", "<=")),
        _ => return Ok(None),
    }))
}
