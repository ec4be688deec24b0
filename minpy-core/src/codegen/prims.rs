//! C text of the primitives on real dtypes: NumPy's meaning of integer division, NaN in maximum, shifts, powers.
//!
//! Every function body uses the parameters `a`, `b`. Half goes through float32 and is rounded after every operation, as
//! NumPy does it (the double rounding is harmless: float32 has more than twice the digits).

use super::dialect::{bits, ctype, is_signed, short, wrapping};
use super::expr::{Writer, result_dtype};
use crate::dtype::Kind;
use crate::expr::Prim::{self, *};
use crate::{DType, Result};

/// Body of the helper for `prim` on a real `dtype`; `None` when there is none.
pub(super) fn body(w: &mut Writer, prim: Prim, dtype: DType) -> Result<Option<String>> {
    match dtype.kind() {
        Kind::Bool => Ok(boolean(prim).map(str::to_string)),
        Kind::Signed | Kind::Unsigned => integer(w, prim, dtype),
        _ if dtype == DType::F16 => half(w, prim),
        _ => float(w, prim, dtype),
    }
}

/// C's operator of a comparison.
fn comparison(prim: Prim) -> &'static str {
    match prim {
        Eq => "==",
        Ne => "!=",
        Lt => "<",
        Le => "<=",
        Gt => ">",
        _ => ">=",
    }
}

fn boolean(prim: Prim) -> Option<&'static str> {
    Some(match prim {
        Add | Or | Maximum | Fmax => "return a | b;",
        Mul | And | Minimum | Fmin => "return a & b;",
        Sub | Xor => "return a ^ b;",
        Invert => "return !a;",
        Abs | Floor | Ceil | Trunc | Rint | Conj | Real => "return a;",
        Imag | IsNan | IsInf | Signbit => "return 0;",
        IsFinite => "return 1;",
        Eq => "return a == b;",
        Ne => "return a != b;",
        Lt => "return a < b;",
        Le => "return a <= b;",
        Gt => "return a > b;",
        Ge => "return a >= b;",
        _ => return None,
    })
}

fn half(w: &mut Writer, prim: Prim) -> Result<Option<String>> {
    if prim == Nextafter {
        return Ok(Some(HALF_NEXTAFTER.to_string()));
    }
    let name = w.prim(prim, DType::F32)?;
    let arguments = ["a", "b"][..prim.arity().min(2)].join(", ");
    Ok(Some(if prim == Complex || result_dtype(prim, DType::F16) == DType::Bool {
        format!("return {name}({arguments});")
    } else {
        format!("return mp_h2f(mp_f2h({name}({arguments})));")
    }))
}

fn integer(w: &mut Writer, prim: Prim, d: DType) -> Result<Option<String>> {
    let (t, u, signed, width) = (ctype(d), wrapping(d), is_signed(d), bits(d));
    let wrap = |op: &str| format!("return ({t})(({u})a {op} ({u})b);");
    // The magnitude as an unsigned number: right for the lowest value too.
    let magnitude = |x: &str| {
        if signed { format!("({x} < 0 ? ({u})0 - ({u}){x} : ({u}){x})") } else { format!("({u}){x}") }
    };
    // Dividing the lowest value by -1 traps on some devices: NumPy's results are given directly.
    let guard = |zero: &str, minus_one: &str| {
        let extra = if signed { format!(" if (b == -1) return {minus_one};") } else { String::new() };
        format!("if (b == 0) return {zero};{extra} ")
    };
    let negated = format!("({t})(({u})0 - ({u})a)");
    Ok(Some(match prim {
        Neg => format!("return {negated};"),
        Abs if signed => format!("return a < 0 ? {negated} : a;"),
        Abs | Floor | Ceil | Trunc | Rint | Conj | Real => "return a;".into(),
        Sign if signed => format!("return ({t})((a > 0) - (a < 0));"),
        Sign => format!("return ({t})(a > 0);"),
        Imag | IsNan | IsInf => "return 0;".into(),
        IsFinite => "return 1;".into(),
        Signbit => {
            if signed {
                "return a < 0;".into()
            } else {
                "return 0;".to_string()
            }
        }
        Invert => format!("return ({t})~a;"),
        Add => wrap("+"),
        Sub => wrap("-"),
        Mul => wrap("*"),
        FloorDiv if signed => {
            guard("0", &negated)
                + &format!(
                    "{t} q = ({t})(a / b); if (a % b != 0 && (a < 0) != (b < 0)) q = ({t})(q - 1); return q;"
                )
        }
        FloorDiv => guard("0", "") + &format!("return ({t})(a / b);"),
        Rem if signed => {
            guard("0", "0")
                + &format!(
                    "{t} r = ({t})(a % b); if (r != 0 && (r < 0) != (b < 0)) r = ({t})(r + b); return r;"
                )
        }
        Rem | Fmod => guard("0", "0") + &format!("return ({t})(a % b);"),
        Pow => {
            let negative =
                if signed { "if (b < 0) return a == 1 ? 1 : a == -1 ? ((b & 1) ? -1 : 1) : 0; " } else { "" };
            format!(
                "{negative}{u} r = 1, x = ({u})a; while (b != 0) {{ if (b & 1) r *= x; x *= x; b = ({t})(b >> 1); }} return ({t})r;"
            )
        }
        Maximum | Fmax => "return a > b ? a : b;".into(),
        Minimum | Fmin => "return a < b ? a : b;".into(),
        Eq | Ne | Lt | Le | Gt | Ge => format!("return a {} b;", comparison(prim)),
        And => format!("return ({t})(a & b);"),
        Or => format!("return ({t})(a | b);"),
        Xor => format!("return ({t})(a ^ b);"),
        Shl => format!("return (mp_u64)b < {width} ? ({t})(({u})a << b) : ({t})0;"),
        Shr => {
            let fill = if signed { format!("(a < 0 ? ({t})-1 : ({t})0)") } else { format!("({t})0") };
            format!("return (mp_u64)b < {width} ? ({t})(a >> b) : {fill};")
        }
        Gcd => format!(
            "{u} x = {}, y = {}; while (y != 0) {{ {u} r = x % y; x = y; y = r; }} return ({t})x;",
            magnitude("a"),
            magnitude("b")
        ),
        Lcm => {
            let gcd = w.prim(Gcd, d)?;
            let (x, y) = (magnitude("a"), magnitude("b"));
            format!(
                "if (a == 0 || b == 0) return 0; {t} g = {gcd}(a, b); return ({t})({x} / {} * {y});",
                magnitude("g")
            )
        }
        _ => return Ok(None),
    }))
}

/// C text of infinity in float32 or float64.
pub(super) fn infinity(d: DType) -> &'static str {
    if d == DType::F32 {
        "MP_F32_FROM_BITS(0x7f800000u)"
    } else {
        "MP_F64_FROM_BITS(MP_U64(0x7ff0000000000000))"
    }
}

fn float(w: &mut Writer, prim: Prim, d: DType) -> Result<Option<String>> {
    let t = ctype(d);
    let dialect = w.dialect;
    let m = |f: &str| dialect.math(f, d);
    let one = |f: &str| format!("return {}(a);", m(f));
    let two = |f: &str| format!("return {}(a, b);", m(f));
    let infinity = infinity(d);
    let (ln2, log2e) = match d {
        DType::F32 => ("0.6931472f", "1.442695f"),
        _ => ("0.6931471805599453", "1.4426950408889634"),
    };
    Ok(Some(match prim {
        Neg => "return -a;".into(),
        Abs => one("fabs"),
        Sign => format!("return a > 0 ? ({t})1 : a < 0 ? ({t})-1 : a == 0 ? ({t})0 : a;"),
        Sqrt => one("sqrt"),
        Cbrt => one("cbrt"),
        Exp => one("exp"),
        Exp2 => one("exp2"),
        Expm1 => one("expm1"),
        Log => one("log"),
        Log2 => one("log2"),
        Log10 => one("log10"),
        Log1p => one("log1p"),
        Sin => one("sin"),
        Cos => one("cos"),
        Tan => one("tan"),
        Arcsin => one("asin"),
        Arccos => one("acos"),
        Arctan => one("atan"),
        Sinh => one("sinh"),
        Cosh => one("cosh"),
        Tanh => one("tanh"),
        Arcsinh => one("asinh"),
        Arccosh => one("acosh"),
        Arctanh => one("atanh"),
        Erf => one("erf"),
        Floor => one("floor"),
        Ceil => one("ceil"),
        Trunc => one("trunc"),
        Rint => one("rint"),
        Mantissa => format!("int e; return {}(a, &e);", m("frexp")),
        // The power of what is not finite is unspecified in C.
        Exponent => format!("int e = 0; {}(a, &e); return a - a == 0 ? ({t})e : 0;", m("frexp")),
        Sigmoid => {
            let exp = m("exp");
            format!("const {t} e = {exp}(-{}(a)); return (a >= 0 ? ({t})1 : e) / (({t})1 + e);", m("fabs"))
        }
        IsNan => "return a != a;".into(),
        IsInf => format!("return {}(a) == {infinity};", m("fabs")),
        IsFinite => format!("return {}(a) < {infinity};", m("fabs")),
        Signbit if d == DType::F32 => "return (mp_bool)(MP_F32_BITS(a) >> 31);".into(),
        Signbit => "return (mp_bool)(MP_F64_BITS(a) >> 63);".into(),
        Conj | Real => "return a;".into(),
        Imag => "return 0;".into(),
        Add => "return a + b;".into(),
        Sub => "return a - b;".into(),
        Mul => "return a * b;".into(),
        Div => "return a / b;".into(),
        // npy_divmod: the quotient is made exact from the remainder, zeros take the sign of the quotient.
        FloorDiv => format!(
            "if (b == 0) return a / b; {t} r = {fmod}(a, b); {t} q = (a - r) / b; \
             if (r != 0 && (b < 0) != (r < 0)) q -= ({t})1; \
             if (q == 0) return {copysign}(({t})0, a / b); \
             {t} f = {floor}(q); if (q - f > ({t})0.5) f += ({t})1; return f;",
            fmod = m("fmod"),
            copysign = m("copysign"),
            floor = m("floor")
        ),
        Rem => format!(
            "{t} r = {}(a, b); if (b == 0) return r; \
             if (r != 0) {{ if ((b < 0) != (r < 0)) r += b; }} else r = {}(({t})0, b); return r;",
            m("fmod"),
            m("copysign")
        ),
        Fmod => two("fmod"),
        Pow => two("pow"),
        Arctan2 => two("atan2"),
        Hypot => two("hypot"),
        Maximum => "return (a >= b || a != a) ? a : b;".into(),
        Minimum => "return (a <= b || a != a) ? a : b;".into(),
        Fmax => "return (a >= b || b != b) ? a : b;".into(),
        Fmin => "return (a <= b || b != b) ? a : b;".into(),
        Copysign => two("copysign"),
        Nextafter => two("nextafter"),
        Logaddexp => format!(
            "if (a == b) return a + ({t}){ln2}; const {t} x = a - b; \
             return x > 0 ? a + {log1p}({exp}(-x)) : x <= 0 ? b + {log1p}({exp}(x)) : x;",
            log1p = m("log1p"),
            exp = m("exp")
        ),
        Logaddexp2 => format!(
            "if (a == b) return a + ({t})1; const {t} x = a - b; \
             return x > 0 ? a + ({t}){log2e} * {log1p}({exp2}(-x)) : x <= 0 ? b + ({t}){log2e} * {log1p}({exp2}(x)) : x;",
            log1p = m("log1p"),
            exp2 = m("exp2")
        ),
        Eq | Ne | Lt | Le | Gt | Ge => format!("return a {} b;", comparison(prim)),
        Complex => format!("return mp_make_{}(a, b);", short(d.complex())),
        _ => return Ok(None),
    }))
}

/// Name of the function that converts a float32 or float64 to an integer; it is added to the unit. Values that do not fit give
/// what NumPy gives on x86: the lowest value of the 32- or 64-bit conversion, cut to the type.
pub(super) fn to_integer(w: &mut Writer, from: DType, to: DType) -> String {
    let name = format!("mp_{}_to_{}", short(from), short(to));
    let (f, t) = (ctype(from), ctype(to));
    let (through, low, high, lowest) = match to {
        DType::U32 | DType::I64 | DType::U64 => (
            "mp_i64",
            "-9223372036854775808.0",
            "9223372036854775808.0",
            "(mp_i64)MP_U64(0x8000000000000000)",
        ),
        _ => ("mp_i32", "-2147483648.0", "2147483648.0", "(mp_i32)0x80000000u"),
    };
    // Doubles may be missing on the device: the literals are floats where the source is.
    let literal = |x: &str| if from == DType::F32 { format!("{x}f") } else { x.to_string() };
    let top = match to {
        DType::U64 => format!(
            "if (a >= {}) return a < {} ? (mp_u64)a : 0; ",
            literal("9223372036854775808.0"),
            literal("18446744073709551616.0")
        ),
        _ => String::new(),
    };
    w.uses(from);
    w.helper(&name, || {
        format!(
            "MP_FN {t} {name}({f} a) {{ {top}return ({t})((a >= {} && a < {}) ? ({through})a : {lowest}); }}\n",
            literal(low), literal(high)
        )
    });
    name
}

/// float64 to float32 such that rounding to half afterwards rounds once: truncated, the last bit set when inexact.
pub(super) const ROUND_TO_ODD: &str = "MP_FN mp_f32 mp_odd_f32(mp_f64 a) {
mp_f32 f = (mp_f32)a; if (!((mp_f64)f != a) || a != a) return f;
mp_u32 u = MP_F32_BITS(f);
if ((a > 0 && (mp_f64)f > a) || (a < 0 && (mp_f64)f < a)) u -= 1u;
return MP_F32_FROM_BITS(u | 1u); }
";

const HALF_NEXTAFTER: &str = "if (a != a || b != b) return a + b; if (a == b) return b; \
mp_half h = mp_f2h(a); if (a == 0) return mp_h2f((mp_half)(b > 0 ? 1 : 0x8001)); \
if ((a < b) == (a > 0)) h = (mp_half)(h + 1); else h = (mp_half)(h - 1); return mp_h2f(h);";
