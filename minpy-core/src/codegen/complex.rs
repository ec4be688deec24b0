//! C text of the primitives on complex dtypes, as structs of two floats.
//!
//! The formulas are NumPy's: products without recovery of infinities, Smith's division, lexicographic comparison.
//! Functions that are not here are left to the host.

use super::dialect::{ctype, short};
use super::expr::Writer;
use super::prims::infinity;
use crate::expr::Prim::{self, *};
use crate::{DType, Result};

/// The struct and its constructor.
pub(super) fn definition(d: DType) -> String {
    let (t, r, s) = (ctype(d), ctype(d.real()), short(d));
    format!(
        "typedef struct {{ {r} re, im; }} {t};\nMP_FN {t} mp_make_{s}({r} re, {r} im) {{ {t} z; z.re = re; z.im = im; return z; }}\n"
    )
}

/// Name of the helper for `m * (cos t, sin t)`; it is added to the unit.
fn polar(w: &mut Writer, real: DType) -> String {
    let (r, c, make) = (ctype(real), ctype(real.complex()), format!("mp_make_{}", short(real.complex())));
    let name = format!("mp_polar_{}", short(real));
    let (cos, sin) = (w.dialect.math("cos", real), w.dialect.math("sin", real));
    w.helper(&name, || {
        format!("MP_FN {c} {name}({r} m, {r} t) {{ return t == 0 ? {make}(m, t) : {make}(m * {cos}(t), m * {sin}(t)); }}\n")
    });
    name
}

/// Body of the helper for `prim` on a complex `d`; `None` when there is none.
pub(super) fn body(w: &mut Writer, prim: Prim, d: DType) -> Result<Option<String>> {
    let (r, real) = (ctype(d.real()), d.real());
    let make = format!("mp_make_{}", short(d));
    let dialect = w.dialect;
    let m = |f: &str| dialect.math(f, real);
    let t = ctype(d);
    let (ln2, log2e, log10e) = match real {
        DType::F32 => ("0.6931472f", "1.442695f", "0.4342945f"),
        _ => ("0.6931471805599453", "1.4426950408889634", "0.4342944819032518"),
    };
    // Beyond `large` the exponential overflows, beyond `beyond` so does its product with the least sine there is.
    // Above `huge` and below `tiny` square roots and logarithms are scaled (the latter by the square of `grow`).
    let (large, beyond, huge, tiny, grow) = match real {
        DType::F32 => ("88.0f", "176.0f", "1e37f", "1e-30f", "16777216.0f"),
        _ => ("709.0", "1400.0", "1e300", "1e-290", "18014398509481984.0"),
    };
    let infinity = infinity(real);
    let finite = |x: &str| format!("({}({x}) < {infinity})", m("fabs"));
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
        // Scaled against overflow; an infinite part wins over whatever stands beside it.
        Sign => {
            let abs = w.prim(Abs, d)?;
            format!(
                "const int x = {fabs}(a.re) == {infinity}, y = {fabs}(a.im) == {infinity}; \
                 if (x != y) return {make}(x ? {copysign}(({r})1, a.re) : 0, y ? {copysign}(({r})1, a.im) : 0); \
                 const {r} down = {fmax}({fabs}(a.re), {fabs}(a.im)) > ({r}){huge} ? ({r})0.25 : ({r})1; \
                 const {r} re = a.re * down, im = a.im * down, n = {abs}({make}(re, im)); \
                 return n == 0 ? a : {make}(re / n, im / n);",
                fabs = m("fabs"),
                fmax = m("fmax"),
                copysign = m("copysign")
            )
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
        // A zero angle stays real, as infinity times 0 is NaN. The exponential of a large real part is taken in two steps:
        // it may overflow where its product with a sine does not.
        Exp => {
            let polar = polar(w, real);
            format!(
                "if (a.re == -{infinity} && !{finite}) return {make}(0, {copysign}(({r})0, a.im)); \
                 if (a.re == {infinity} && !{finite}) return {make}(a.re, a.im - a.im); \
                 if (a.re > ({r}){large} && a.re < ({r}){beyond}) {{ const {r} h = {exp}(a.re * ({r})0.5); const {t} z = {polar}(h, a.im); \
                 return {make}(z.re * h, z.im * h); }} \
                 return {polar}({exp}(a.re), a.im);",
                finite = finite("a.im"),
                copysign = m("copysign"),
                exp = m("exp")
            )
        }
        // Near |z| = 1 through log1p, after Kahan; huge parts are scaled.
        Log => format!(
            "const {r} x = {fabs}(a.re), y = {fabs}(a.im), hi = x > y ? x : y, lo = x > y ? y : x; {r} re; \
             if (hi > ({r})0.5 && hi < ({r})2) re = ({r})0.5 * {log1p}((hi - ({r})1) * (hi + ({r})1) + lo * lo); \
             else if (hi > ({r}){huge} && {finite}) re = {log}({hypot}(hi * ({r})0.25, lo * ({r})0.25)) + ({r})2 * ({r}){ln2}; \
             else re = {log}({hypot}(hi, lo)); return {make}(re, {atan2}(a.im, a.re));",
            fabs = m("fabs"),
            log1p = m("log1p"),
            finite = finite("hi"),
            log = m("log"),
            hypot = m("hypot"),
            atan2 = m("atan2")
        ),
        // Scaled so that nothing overflows or loses digits on the way.
        Sqrt => format!(
            "if ({fabs}(a.im) == {infinity}) return {make}({infinity}, a.im); \
             if (a.re == -{infinity}) return {make}(a.im != a.im ? a.im : 0, {copysign}({infinity}, a.im)); \
             if (a.re == {infinity}) return {make}(a.re, a.im != a.im ? a.im : {copysign}(({r})0, a.im)); \
             if (a.re == 0 && a.im == 0) return {make}(0, a.im); \
             const {r} top = {fmax}({fabs}(a.re), {fabs}(a.im)); \
             const {r} up = top > ({r}){huge} ? ({r})0.25 : top < ({r}){tiny} ? ({r}){grow} * ({r}){grow} : ({r})1; \
             const {r} down = top > ({r}){huge} ? ({r})2 : top < ({r}){tiny} ? ({r})1 / ({r}){grow} : ({r})1; \
             const {r} x = a.re * up, y = a.im * up, s = {sqrt}(({fabs}(x) + {hypot}(x, y)) * ({r})0.5); \
             const {r} p = s * down, q = {fabs}(y) / (({r})2 * s) * down; \
             return x >= 0 ? {make}(p, {copysign}(q, a.im)) : {make}(q, {copysign}(p, a.im));",
            fabs = m("fabs"),
            fmax = m("fmax"),
            sqrt = m("sqrt"),
            hypot = m("hypot"),
            copysign = m("copysign")
        ),
        // Far out both are e^|re| / 2, in two steps.
        Sinh | Cosh => {
            let (polar, odd) = (polar(w, real), prim == Sinh);
            let (far, line, axis, other) = if odd {
                let far = format!("{make}({c}(re, re * a.re), im)", c = m("copysign"));
                (far, "a.im".to_string(), format!("{make}(a.re, a.im - a.im)"), "cosh")
            } else {
                let line = format!("{}(a.im, a.im * a.re)", m("copysign"));
                (
                    format!("{make}(re, a.re < 0 ? -im : im)"),
                    line,
                    format!("{make}(a.im - a.im, a.re)"),
                    "sinh",
                )
            };
            format!(
                "const {r} x = {fabs}(a.re); \
                 if (x > ({r}){large}) {{ \
                 if (x == {infinity} && !{finite}) {{ const {r} re = x, im = a.im - a.im; return {far}; }} \
                 const {r} h = {exp}(x < ({r}){beyond} ? x * ({r})0.5 : x), g = x < ({r}){beyond} ? h * ({r})0.5 : ({r})1; \
                 const {t} z = {polar}(h, a.im); const {r} re = z.re * g, im = z.im * g; return {far}; }} \
                 if (a.im == 0) return {make}({own}(a.re), {line}); \
                 if (a.re == 0 && !{finite}) return {axis}; \
                 return {make}({own}(a.re) * {cos}(a.im), {other}(a.re) * {sin}(a.im));",
                fabs = m("fabs"),
                finite = finite("a.im"),
                exp = m("exp"),
                own = m(prim.name()),
                other = m(other),
                sin = m("sin"),
                cos = m("cos")
            )
        }
        // W. Kahan, "Branch cuts for complex elementary functions"; far out the result is 1 up to a tiny imaginary part.
        Tanh => format!(
            "if ({fabs}(a.re) == {infinity}) return {make}({copysign}(({r})1, a.re), {copysign}(({r})0, {finite} ? {sin}(({r})2 * a.im) : a.im)); \
             if (a.im == 0) return {make}({tanh}(a.re), a.im); \
             if (a.re == 0 && !{finite}) return {make}(a.re, a.im - a.im); \
             if ({fabs}(a.re) > ({r})20) return {make}({copysign}(({r})1, a.re) + (a.im - a.im), ({r})4 * {sin}(a.im) * {cos}(a.im) * {exp}(({r})-2 * {fabs}(a.re))); \
             const {r} t = {tan}(a.im), q = ({r})1 + t * t, s = {sinh}(a.re), h = {sqrt}(({r})1 + s * s), d = ({r})1 + q * s * s; \
             return {make}(q * h * s / d, t / d);",
            fabs = m("fabs"),
            finite = finite("a.im"),
            copysign = m("copysign"),
            tanh = m("tanh"),
            sin = m("sin"),
            cos = m("cos"),
            exp = m("exp"),
            tan = m("tan"),
            sinh = m("sinh"),
            sqrt = m("sqrt")
        ),
        // f(z) = -i g(iz), and cos z = cosh iz.
        Sin | Tan => {
            let turned = w.prim(if prim == Sin { Sinh } else { Tanh }, d)?;
            format!("const {t} z = {turned}({make}(-a.im, a.re)); return {make}(z.im, -z.re);")
        }
        Cos => {
            let cosh = w.prim(Cosh, d)?;
            format!("return {cosh}({make}(-a.im, a.re));")
        }
        Exp2 => {
            let exp = w.prim(Exp, d)?;
            format!("return {exp}({make}(a.re * ({r}){ln2}, a.im * ({r}){ln2}));")
        }
        Expm1 => {
            let exp = w.prim(Exp, d)?;
            format!(
                "const {t} z = {exp}(a); if ({fabs}(a.re) > ({r}){large} || !{finite}) return {make}(z.re - ({r})1, z.im); \
                 const {r} s = {sin}(a.im * ({r})0.5); return {make}({expm1}(a.re) * {cos}(a.im) - ({r})2 * s * s, z.im);",
                fabs = m("fabs"),
                finite = finite("a.im"),
                sin = m("sin"),
                cos = m("cos"),
                expm1 = m("expm1")
            )
        }
        Log2 | Log10 => {
            let log = w.prim(Log, d)?;
            let scale = if prim == Log2 { log2e } else { log10e };
            format!("const {t} z = {log}(a); return {make}(z.re * ({r}){scale}, z.im * ({r}){scale});")
        }
        Log1p => {
            let log = w.prim(Log, d)?;
            format!(
                "if ({fabs}(a.re) < ({r})0.5 && {fabs}(a.im) < ({r})0.5) \
                 return {make}(({r})0.5 * {log1p}(a.re * (({r})2 + a.re) + a.im * a.im), {atan2}(a.im, ({r})1 + a.re)); \
                 return {log}({make}(a.re + ({r})1, a.im));",
                fabs = m("fabs"),
                log1p = m("log1p"),
                atan2 = m("atan2")
            )
        }
        // NumPy's: 1, 2 and 3 by multiplication even where a part is infinite, small whole exponents by repeated
        // squaring, all others through the logarithm.
        Pow => {
            // The product with infinities recovered, as C's `cpow` multiplies (C99, G.5.1).
            let (fabs, copysign) = (m("fabs"), m("copysign"));
            let endless = |x: &str| format!("({fabs}({x}) == {infinity})");
            let far =
                |z: &str| format!("({} || {})", endless(&format!("{z}.re")), endless(&format!("{z}.im")));
            let unit = |z: &str, infinite: &str| {
                let part = |p: &str| {
                    let x = format!("{z}.{p}");
                    format!(
                        "{copysign}({infinite} ? ({r}){} : {x} != {x} ? ({r})0 : {fabs}({x}), {x})",
                        endless(&x)
                    )
                };
                format!("{make}({}, {})", part("re"), part("im"))
            };
            let (mul, div, log, exp) = (w.prim(Mul, d)?, w.prim(Div, d)?, w.prim(Log, d)?, w.prim(Exp, d)?);
            format!(
                "if (b.re == 0 && b.im == 0) return {make}(1, 0); \
                 if (a.re == 0 && a.im == 0) {{ const {r} bad = ({r})0 * {log}(a).re; return b.re > 0 ? a : {make}(bad, bad); }} \
                 if (b.im == 0 && b.re == 1) return a; \
                 if (b.im == 0 && b.re == 2) return {mul}(a, a); \
                 if (b.im == 0 && b.re == 3) return {mul}(a, {mul}(a, a)); \
                 if (b.im == 0 && b.re == {rint}(b.re) && {fabs}(b.re) < ({r})100) {{ \
                 {t} p = {make}(1, 0), x = a; for (int n = (int){fabs}(b.re); n > 0; n >>= 1) {{ if (n & 1) p = {mul}(p, x); x = {mul}(x, x); }} \
                 return b.re < 0 ? {div}({make}(1, 0), p) : p; }} \
                 const {t} l = {log}(a); const {t} p = {mul}(b, l); \
                 if (p.re == p.re || p.im == p.im) return {exp}(p); \
                 const int le = {far_l}, be = {far_b}; \
                 if (!le && !be && !({far_p})) return {exp}(p); \
                 const {t} u = {unit_l}, v = {unit_b}, q = {mul}(v, u); \
                 return {exp}({make}({infinity} * q.re, {infinity} * q.im));",
                rint = m("rint"),
                fabs = m("fabs"),
                far_l = far("l"),
                far_b = far("b"),
                far_p =
                    ["b.re * l.re", "b.im * l.im", "b.re * l.im", "b.im * l.re"].map(endless).join(" || "),
                unit_l = unit("l", "le"),
                unit_b = unit("b", "be"),
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
