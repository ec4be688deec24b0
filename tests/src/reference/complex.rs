//! Primitives on complex numbers: `num-complex` in float64, parts rounded to the dtype, errors measured on the norm.
//! Infinities, NaN and zeros follow annex G of C, which `num-complex` does not do everywhere.

use super::{Expected, Value, round};
use crate::Options;
use minpy_core::DType;
use minpy_core::backend::Prim;
use num_complex::Complex64 as C;

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

/// Lexicographic; a NaN in an imaginary part makes the comparison of the real parts false.
fn less(a: C, b: C) -> bool {
    a.re < b.re && !a.im.is_nan() && !b.im.is_nan() || a.re == b.re && a.im < b.im
}
fn less_or_equal(a: C, b: C) -> bool {
    less(a, b) || a == b
}
/// iz
fn turn(z: C) -> C {
    C::new(-z.im, z.re)
}
/// -iz
fn turn_back(z: C) -> C {
    C::new(z.im, -z.re)
}
/// x * y, where 0 wins over infinity: a sine of 0 belongs to an angle that is exactly 0.
fn times(x: f64, sine: f64) -> f64 {
    if sine == 0.0 { sine } else { x * sine }
}
/// e^z * factor. The exponential is taken in halves: it may overflow where the product does not.
fn exp_times(z: C, factor: f64) -> C {
    match (z.re, z.im.is_finite()) {
        (f64::NEG_INFINITY, false) => C::new(0.0, 0.0),
        (INF, false) => C::new(INF, NAN),
        _ => {
            let h = (z.re / 2.0).exp();
            let part = |sine: f64| times(h, times(h * factor, sine));
            C::new(part(z.im.cos()), part(z.im.sin()))
        }
    }
}
fn exp(z: C) -> C {
    exp_times(z, 1.0)
}
/// e^z - 1 without cancellation near 0.
fn expm1(z: C) -> C {
    let s = (z.im / 2.0).sin();
    if z.re.abs() < 1.0 && z.im.is_finite() {
        C::new(z.re.exp_m1() * z.im.cos() - 2.0 * s * s, z.re.exp() * z.im.sin())
    } else {
        exp(z) - 1.0
    }
}
fn log(z: C) -> C {
    if z.re.abs().max(z.im.abs()) > 1e300 { (z / 4.0).ln() + 4f64.ln() } else { z.ln() }
}
/// log(1 + z) without cancellation near 0.
fn log1p(z: C) -> C {
    if z.re.abs().max(z.im.abs()) < 0.5 {
        C::new(0.5 * (2.0 * z.re + z.re * z.re + z.im * z.im).ln_1p(), z.im.atan2(1.0 + z.re))
    } else {
        log(z + 1.0)
    }
}
fn sqrt(z: C) -> C {
    match (z.re, z.im) {
        (_, im) if im.is_infinite() => C::new(INF, im),
        (f64::NEG_INFINITY, im) => C::new(if im.is_nan() { NAN } else { 0.0 }, INF.copysign(im)),
        (INF, im) => C::new(INF, if im.is_nan() { NAN } else { 0.0 }),
        (re, im) if re.is_nan() || im.is_nan() => C::new(NAN, NAN),
        _ => (z / 4.0).sqrt() * 2.0,
    }
}
fn sinh(z: C) -> C {
    if z.re == 0.0 && !z.im.is_finite() {
        C::new(z.re, NAN)
    } else if z.re.abs() > 20.0 {
        let e = exp_times(C::new(z.re.abs(), z.im), 0.5);
        C::new(e.re * z.re.signum(), e.im)
    } else {
        C::new(z.re.sinh() * z.im.cos(), z.re.cosh() * z.im.sin())
    }
}
fn cosh(z: C) -> C {
    if z.re == 0.0 && !z.im.is_finite() {
        C::new(NAN, z.re)
    } else if z.re.abs() > 20.0 {
        let e = exp_times(C::new(z.re.abs(), z.im), 0.5);
        C::new(e.re, times(e.im, z.re.signum()))
    } else {
        C::new(z.re.cosh() * z.im.cos(), times(z.re.sinh(), z.im.sin()))
    }
}
fn tanh(z: C) -> C {
    let one = 1f64.copysign(z.re);
    if z.re.is_infinite() {
        C::new(one, 0.0)
    } else if z.re == 0.0 && !z.im.is_finite() {
        C::new(z.re, NAN)
    } else if z.re.is_nan() && z.im == 0.0 {
        z
    } else if z.re.abs() > 20.0 {
        let double = 2.0 * (z.im % std::f64::consts::PI);
        C::new(one + 0.0 * z.im, 2.0 * double.sin() * (-2.0 * z.re.abs()).exp())
    } else {
        z.tanh()
    }
}
/// z / |z|; an infinite part wins over whatever stands beside it.
fn sign(z: C) -> C {
    match (z.re.is_infinite(), z.im.is_infinite()) {
        (true, true) => C::new(NAN, NAN),
        (true, false) => C::new(z.re.signum(), 0.0),
        (false, true) => C::new(0.0, z.im.signum()),
        _ if z == C::new(0.0, 0.0) => z,
        _ => z / z.re.hypot(z.im),
    }
}
/// Whether products and quotients are far from the limits of the dtype. Beyond, what overflows on the way decides, and
/// that is a matter of the order of the operations.
fn tame(dtype: DType, z: C) -> bool {
    let limit = if dtype == DType::C64 { 1e15 } else { 1e120 };
    [z.re, z.im].iter().all(|x| *x == 0.0 || (1.0 / limit..limit).contains(&x.abs()))
}
fn extreme(a: C, b: C, wins: fn(C, C) -> bool, nan_wins: bool) -> C {
    let nan = |z: C| z.re.is_nan() || z.im.is_nan();
    match (nan(a), nan(b)) {
        // The first of two.
        (true, true) => a,
        (true, false) => {
            if nan_wins {
                a
            } else {
                b
            }
        }
        (false, true) => {
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
        Sign => several(sign(a)),
        Sqrt => near(sqrt(a)),
        Exp => near(exp(a)),
        // The angle is rounded after its product with ln 2.
        Exp2 if a.im.abs() > 1e3 => open,
        Exp2 => near(exp(a * std::f64::consts::LN_2)),
        Expm1 => near(expm1(a)),
        Log => near(log(a)),
        Log2 => near(log(a) / std::f64::consts::LN_2),
        Log10 => near(log(a) / std::f64::consts::LN_10),
        Log1p => near(log1p(a)),
        Sin => near(turn_back(sinh(turn(a)))),
        Cos => near(cosh(turn(a))),
        Tan => near(turn_back(tanh(turn(a)))),
        Sinh => near(sinh(a)),
        Cosh => near(cosh(a)),
        Tanh => near(tanh(a)),
        // Branch cuts lie on the axes, where a sign of zero decides; far out the formulas of num-complex cancel.
        Arcsin | Arccos | Arctan | Arcsinh | Arccosh | Arctanh
            if !(1e-4..1e1).contains(&a.re.abs()) || !(1e-4..1e1).contains(&a.im.abs()) =>
        {
            open
        }
        Arcsin => near(a.asin()),
        Arccos => near(a.acos()),
        Arctan => near(a.atan()),
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
        Mul | Div | Pow if !(tame(dtype, a) && tame(dtype, b)) => open,
        Mul => several(a * b),
        Div if b == C::new(0.0, 0.0) => open,
        Div => several(a / b),
        Pow if a == C::new(0.0, 0.0) => open,
        Pow => {
            let z = near(a.powc(b));
            Expected { undefined: z.value.is_nan() || !z.value.re().is_finite(), ..z }
        }
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
