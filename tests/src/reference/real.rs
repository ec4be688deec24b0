//! Primitives on real floats: float64 from the standard library, rounded once to the dtype.

use super::{Expected, Value, round};
use crate::Options;
use minpy_core::DType;
use minpy_core::backend::Prim;
use num_complex::Complex64;

/// NumPy's `npy_divmod`: floor quotient and remainder with the sign of the divisor.
fn divmod(a: f64, b: f64) -> (f64, f64) {
    let mut m = a % b;
    if b == 0.0 {
        return (a / b, m);
    }
    let mut d = (a - m) / b;
    if m != 0.0 {
        if (b < 0.0) != (m < 0.0) {
            m += b;
            d -= 1.0;
        }
    } else {
        m = 0f64.copysign(b);
    }
    let q = if d != 0.0 {
        let f = d.floor();
        if d - f > 0.5 { f + 1.0 } else { f }
    } else {
        0f64.copysign(a / b)
    };
    (q, m)
}

/// The next value of `dtype` after `a` towards `b`.
fn next_after(dtype: DType, a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        return f64::NAN;
    }
    if a == b {
        return b;
    }
    // Bits of the absolute value count upwards with it.
    macro_rules! step {
        ($float:ty, $from:expr, $to:expr) => {{
            let x: $float = $from;
            let tiny = <$float>::from_bits(1);
            let y = if a == 0.0 {
                if b > 0.0 { tiny } else { -tiny }
            } else if (b > a) == (a > 0.0) {
                <$float>::from_bits(x.to_bits() + 1)
            } else {
                <$float>::from_bits(x.to_bits() - 1)
            };
            $to(y)
        }};
    }
    match dtype {
        DType::F16 => step!(half::f16, half::f16::from_f64(a), |y: half::f16| y.to_f64()),
        DType::F32 => step!(f32, a as f32, |y: f32| y as f64),
        _ => step!(f64, a, |y: f64| y),
    }
}

fn log_add(a: f64, b: f64, exp: fn(f64) -> f64, log1p: fn(f64) -> f64) -> f64 {
    if a == b {
        // Also equal infinities.
        return a + log1p(1.0);
    }
    let d = a - b;
    if d > 0.0 {
        a + log1p(exp(-d))
    } else if d <= 0.0 {
        b + log1p(exp(d))
    } else {
        d
    }
}

/// The value of a primitive whose first argument is a real float.
pub fn apply(prim: Prim, dtype: DType, to: DType, args: &[Value], options: &Options) -> Expected {
    use Prim::*;
    let (a, b) = (args[0].re(), args.get(1).map_or(0.0, |v| v.re()));
    let truth = |t: bool| Expected::exact(Value::Int(t as i128));
    let exact = |x: f64| Expected::exact(Value::Real(round(dtype, x)));
    let near = |x: f64| Expected { ulp: options.ulp + 1.0, ..exact(x) };
    let basic = |x: f64| Expected { ulp: options.basic_ulp, ..exact(x) };
    match prim {
        Neg => exact(-a),
        Abs => exact(a.abs()),
        Sign => exact(if a.is_nan() || a == 0.0 { a } else { a.signum() }),
        Sqrt => basic(a.sqrt()),
        Cbrt => near(a.cbrt()),
        Exp => near(a.exp()),
        Exp2 => near(a.exp2()),
        Expm1 => near(a.exp_m1()),
        Log => near(a.ln()),
        Log2 => near(a.log2()),
        Log10 => near(a.log10()),
        Log1p => near(a.ln_1p()),
        Sin => near(a.sin()),
        Cos => near(a.cos()),
        Tan => near(a.tan()),
        Arcsin => near(a.asin()),
        Arccos => near(a.acos()),
        Arctan => near(a.atan()),
        Sinh => near(a.sinh()),
        Cosh => near(a.cosh()),
        Tanh => near(a.tanh()),
        Arcsinh => near(libm::asinh(a)),
        Arccosh if a < 1.0 => exact(f64::NAN),
        Arccosh => near(libm::acosh(a)),
        Arctanh => near(libm::atanh(a)),
        Sigmoid => {
            let e = (-a.abs()).exp();
            let x = if a < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) };
            Expected { ulp: options.ulp + 3.0, ..exact(x) }
        }
        Erf => near(libm::erf(a)),
        Floor => exact(a.floor()),
        Ceil => exact(a.ceil()),
        Trunc => exact(a.trunc()),
        Rint => exact(a.round_ties_even()),
        Mantissa => exact(libm::frexp(a).0),
        Exponent => exact(if a.is_finite() { libm::frexp(a).1 as f64 } else { 0.0 }),
        IsNan => truth(a.is_nan()),
        IsInf => truth(a.is_infinite()),
        IsFinite => truth(a.is_finite()),
        Signbit => truth(a.is_sign_negative()),
        Conj | Real => exact(a),
        Imag => exact(0.0),
        Add => exact(a + b),
        Sub => exact(a - b),
        Mul => exact(a * b),
        Div => basic(a / b),
        FloorDiv => basic(divmod(a, b).0),
        Rem => basic(divmod(a, b).1),
        Fmod => exact(a % b),
        Pow => near(a.powf(b)),
        Arctan2 => near(a.atan2(b)),
        Hypot => near(a.hypot(b)),
        Maximum => exact(if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }),
        Minimum => exact(if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }),
        Fmax => exact(a.max(b)),
        Fmin => exact(a.min(b)),
        Copysign => exact(a.copysign(b)),
        Nextafter => exact(next_after(dtype, a, b)),
        Logaddexp | Logaddexp2 => {
            let x = if prim == Logaddexp {
                log_add(a, b, f64::exp, f64::ln_1p)
            } else {
                log_add(a, b, f64::exp2, |x| x.ln_1p() / std::f64::consts::LN_2)
            };
            // Near zero two numbers of the size of the arguments cancel.
            let scale = if x.is_finite() { a.abs().max(b.abs()).min(1.0) } else { 0.0 };
            Expected { ulp: options.ulp + 3.0, scale, ..exact(x) }
        }
        Eq => truth(a == b),
        Ne => truth(a != b),
        Lt => truth(a < b),
        Le => truth(a <= b),
        Gt => truth(a > b),
        Ge => truth(a >= b),
        Complex => Expected::exact(Value::Complex(Complex64::new(round(to, a), round(to, b)))),
        _ => Expected { undefined: true, ..exact(0.0) },
    }
}
