//! Primitives on complex numbers: `num-complex` in float64, parts rounded to the dtype, errors measured on the norm.

use super::{Expected, Value, round};
use crate::Options;
use minpy_core::DType;
use minpy_core::expr::Prim;
use num_complex::Complex64 as C;

fn less(a: C, b: C) -> bool {
    a.re < b.re || a.re == b.re && a.im < b.im
}
fn less_or_equal(a: C, b: C) -> bool {
    a.re < b.re || a.re == b.re && a.im <= b.im
}
/// e^z - 1 without cancellation near 0.
fn expm1(z: C) -> C {
    let s = (z.im / 2.0).sin();
    C::new(z.re.exp_m1() * z.im.cos() - 2.0 * s * s, z.re.exp() * z.im.sin())
}
/// log(1 + z) without cancellation near 0.
fn log1p(z: C) -> C {
    C::new(0.5 * (2.0 * z.re + z.re * z.re + z.im * z.im).ln_1p(), z.im.atan2(1.0 + z.re))
}
fn extreme(a: C, b: C, wins: fn(C, C) -> bool, nan_wins: bool) -> C {
    let nan = |z: C| z.re.is_nan() || z.im.is_nan();
    match (nan(a), nan(b)) {
        (true, _) => {
            if nan_wins {
                a
            } else {
                b
            }
        }
        (_, true) => {
            if nan_wins {
                b
            } else {
                a
            }
        }
        _ => {
            if wins(a, b) {
                a
            } else {
                b
            }
        }
    }
}

/// The value of a primitive whose first argument is complex.
pub fn apply(prim: Prim, dtype: DType, to: DType, args: &[Value], options: &Options) -> Expected {
    use Prim::*;
    let (a, b) = (args[0].complex(), args.get(1).map_or(C::new(0.0, 0.0), |v| v.complex()));
    let truth = |t: bool| Expected::exact(Value::Int(t as i128));
    let exact = |z: C| Expected::exact(Value::Complex(C::new(round(dtype, z.re), round(dtype, z.im))));
    // Formulas with several roundings, measured on the norm; the reference itself rounds several times in float64.
    let several = |z: C| Expected { ulp: 8.0, ..exact(z) };
    let near = |z: C| Expected { ulp: options.complex_ulp, scale: 1e-3, ..exact(z) };
    let open = Expected { undefined: true, ..exact(C::new(0.0, 0.0)) };
    match prim {
        Neg => exact(-a),
        Abs => {
            Expected { ulp: options.ulp + 1.0, ..Expected::exact(Value::Real(round(to, a.re.hypot(a.im)))) }
        }
        Sign if a == C::new(0.0, 0.0) => exact(a),
        Sign => several(a / a.norm()),
        Sqrt => near(a.sqrt()),
        Exp => near(a.exp()),
        Exp2 => near((a * std::f64::consts::LN_2).exp()),
        Expm1 => near(expm1(a)),
        Log => near(a.ln()),
        Log2 => near(a.ln() / std::f64::consts::LN_2),
        Log10 => near(a.ln() / std::f64::consts::LN_10),
        Log1p => near(log1p(a)),
        Sin => near(a.sin()),
        Cos => near(a.cos()),
        Tan => near(a.tan()),
        Arcsin => near(a.asin()),
        Arccos => near(a.acos()),
        Arctan => near(a.atan()),
        Sinh => near(a.sinh()),
        Cosh => near(a.cosh()),
        Tanh => near(a.tanh()),
        Arcsinh => near(a.asinh()),
        Arccosh => near(a.acosh()),
        Arctanh => near(a.atanh()),
        IsNan => truth(a.re.is_nan() || a.im.is_nan()),
        IsInf => truth(a.re.is_infinite() || a.im.is_infinite()),
        IsFinite => truth(a.re.is_finite() && a.im.is_finite()),
        Conj => exact(a.conj()),
        Real => Expected::exact(Value::Real(a.re)),
        Imag => Expected::exact(Value::Real(a.im)),
        Add => exact(a + b),
        Sub => exact(a - b),
        Mul => several(a * b),
        Div if b == C::new(0.0, 0.0) => open,
        Div => several(a / b),
        Pow if a == C::new(0.0, 0.0) => open,
        Pow => near(a.powc(b)),
        Maximum => exact(extreme(a, b, |a, b| less(b, a), true)),
        Minimum => exact(extreme(a, b, less, true)),
        Fmax => exact(extreme(a, b, |a, b| less(b, a), false)),
        Fmin => exact(extreme(a, b, less, false)),
        Eq => truth(a == b),
        Ne => truth(a != b),
        Lt => truth(less(a, b)),
        Le => truth(less_or_equal(a, b)),
        Gt => truth(less(b, a)),
        Ge => truth(less_or_equal(b, a)),
        _ => open,
    }
}
