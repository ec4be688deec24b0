//! Element functions for complex numbers, with NumPy's special values where cheap.
//!
//! Formulas after Kahan, "Branch cuts for complex elementary functions" (1987), as num-complex's
//! overflow, cancel or lose signs. Scalar code; the real parts come from libm.

use super::real::Real;
use core::f64::consts::{FRAC_PI_2, LN_2};
use num_complex::Complex;

/// The type in which all is computed.
pub(crate) type C = Complex<f64>;

/// `i z`.
pub(crate) fn turn(z: C) -> C {
    C::new(-z.im, z.re)
}

/// `-i z`.
pub(crate) fn turn_back(z: C) -> C {
    C::new(z.im, -z.re)
}

/// The quotient, after Smith ("Algorithm 116", CACM 1962), as NumPy divides.
#[inline(always)]
pub(crate) fn divide<T: Real>(a: Complex<T>, b: Complex<T>) -> Complex<T> {
    if b.re == T::ZERO && b.im == T::ZERO {
        return by_zero(a, b.re);
    }
    let along = Real::abs(b.re) >= Real::abs(b.im);
    let (large, small) = if along { (b.re, b.im) } else { (b.im, b.re) };
    let (p, q) = if along { (a.re, a.im) } else { (a.im, a.re) };
    let r = small / large;
    let s = T::ONE / (large + small * r);
    let im = if along { q - p * r } else { p * r - q };
    Complex::new((p + q * r) * s, im * s)
}
/// Each part by zero. A call, because the compiler takes exceptions for nothing: it would compute both ways and choose after, where
/// the other way meets what it should not (0 / 0), in whole vectors or where one divisor is a constant.
#[cold]
#[inline(never)]
fn by_zero<T: Real>(a: Complex<T>, zero: T) -> Complex<T> {
    Complex::new(a.re / Real::abs(zero), a.im / Real::abs(zero))
}

/// The product with infinities recovered (C99, G.5.1), as C's `cpow` multiplies; NumPy's `*` does not.
pub(crate) fn times(z: C, w: C) -> C {
    let plain = |z: C, w: C| C::new(z.re * w.re - z.im * w.im, z.re * w.im + z.im * w.re);
    let p = plain(z, w);
    let over = (z.re * w.re).is_infinite()
        || (z.im * w.im).is_infinite()
        || (z.re * w.im).is_infinite()
        || (z.im * w.re).is_infinite();
    if !(p.re.is_nan() && p.im.is_nan()) || !(endless(z) || endless(w) || over) {
        return p;
    }
    // An infinite number keeps its direction; zeros stand for NaNs.
    let zero = |x: f64| if x.is_nan() { 0f64.copysign(x) } else { x };
    let unit = |z: C| {
        let part = |x: f64| (x.is_infinite() as u8 as f64).copysign(x);
        if endless(z) { C::new(part(z.re), part(z.im)) } else { C::new(zero(z.re), zero(z.im)) }
    };
    plain(unit(z), unit(w)) * f64::INFINITY
}

/// `log 2|z|`, for huge numbers.
fn log_twice(z: C) -> f64 {
    libm::log(libm::hypot(z.re * 0.5, z.im * 0.5)) + 2.0 * LN_2
}
/// Where one may be neglected beside the square of a number.
fn huge(z: C) -> bool {
    z.re.abs() > 1e100 || z.im.abs() > 1e100
}

/// True where either part is infinite.
fn endless(z: C) -> bool {
    z.re.is_infinite() || z.im.is_infinite()
}

/// `m * (cos t, sin t)`; a zero angle stays real, so that `inf * 0` does not give NaN.
pub(crate) fn polar(m: f64, t: f64) -> C {
    if t == 0.0 { C::new(m, t) } else { C::new(m * libm::cos(t), m * libm::sin(t)) }
}

/// `e^z`. Beyond e^709 in two steps, as `e^re` may overflow where the product does not.
pub fn exp(z: C) -> C {
    if z.re == f64::NEG_INFINITY && !z.im.is_finite() {
        return C::new(0.0, 0f64.copysign(z.im));
    }
    if z.re == f64::INFINITY && !z.im.is_finite() {
        return C::new(f64::INFINITY, f64::NAN);
    }
    if z.re > 709.0 && z.re < 1400.0 {
        let h = libm::exp(z.re * 0.5);
        return polar(h, z.im) * h;
    }
    polar(libm::exp(z.re), z.im)
}

/// `e^z / 2` for `z.re > 709`.
fn half_exp(z: C) -> C {
    if z.re < 1400.0 {
        let h = libm::exp(z.re * 0.5);
        return polar(h, z.im) * (h * 0.5);
    }
    exp(z)
}

/// `2^z`.
pub fn exp2(z: C) -> C {
    if z.im.is_finite() { polar(libm::exp2(z.re), z.im * LN_2) } else { exp(z) }
}

/// `log z`; near |z| = 1 through log1p, after Kahan.
pub fn log(z: C) -> C {
    let (a, b) = (z.re.abs(), z.im.abs());
    let (hi, lo) = if a > b { (a, b) } else { (b, a) };
    let re = if hi > 0.5 && hi < 2.0 {
        0.5 * libm::log1p((hi - 1.0) * (hi + 1.0) + lo * lo)
    } else if hi > 1e300 && hi.is_finite() {
        libm::log(libm::hypot(hi * 0.25, lo * 0.25)) + 2.0 * LN_2
    } else {
        libm::log(libm::hypot(hi, lo))
    };
    C::new(re, libm::atan2(z.im, z.re))
}

/// `log(1 + z)`, exact in digits for small `z`.
pub fn log1p(z: C) -> C {
    if z.re.abs() < 0.5 && z.im.abs() < 0.5 {
        let s = z.re * (2.0 + z.re) + z.im * z.im;
        return C::new(0.5 * libm::log1p(s), libm::atan2(z.im, 1.0 + z.re));
    }
    log(C::new(1.0 + z.re, z.im))
}

/// `e^z - 1 = (e^re - 1) cos im - 2 sin²(im/2) + i e^re sin im`.
pub fn expm1(z: C) -> C {
    let e = exp(z);
    if z.re.abs() > 700.0 || !z.im.is_finite() {
        return C::new(e.re - 1.0, e.im);
    }
    let h = libm::sin(z.im * 0.5);
    C::new(libm::expm1(z.re) * libm::cos(z.im) - 2.0 * h * h, e.im)
}

/// `√z`, scaled so that nothing overflows on the way.
pub fn sqrt(z: C) -> C {
    if z.im.is_infinite() {
        return C::new(f64::INFINITY, z.im);
    }
    if z.re == f64::NEG_INFINITY {
        let re = if z.im.is_nan() { f64::NAN } else { 0.0 };
        return C::new(re, f64::INFINITY.copysign(z.im));
    }
    if z.re == f64::INFINITY {
        return C::new(z.re, if z.im.is_nan() { z.im } else { 0f64.copysign(z.im) });
    }
    if z.re == 0.0 && z.im == 0.0 {
        return C::new(0.0, z.im);
    }
    let top = z.re.abs().max(z.im.abs());
    let (up, down) = if top > 1e300 {
        (0.25, 2.0)
    } else if top < 1e-290 {
        // 2^108 and 2^-54.
        (324_518_553_658_426_726_783_156_020_576_256.0, 1.0 / 18_014_398_509_481_984.0)
    } else {
        (1.0, 1.0)
    };
    let (re, im) = (z.re * up, z.im * up);
    let t = libm::sqrt((re.abs() + libm::hypot(re, im)) * 0.5);
    let (a, b) = (t * down, im.abs() / (2.0 * t) * down);
    if re >= 0.0 { C::new(a, b.copysign(z.im)) } else { C::new(b, a.copysign(z.im)) }
}

/// `sinh re cos im + i cosh re sin im`.
pub fn sinh(z: C) -> C {
    if z.re.abs() > 709.0 {
        // Both halves are e^|re| / 2 here.
        let e = half_exp(C::new(z.re.abs(), z.im));
        return C::new(e.re.copysign(e.re * z.re), e.im);
    }
    if z.im == 0.0 {
        return C::new(libm::sinh(z.re), z.im);
    }
    if z.re == 0.0 && !z.im.is_finite() {
        return C::new(z.re, f64::NAN);
    }
    C::new(libm::sinh(z.re) * libm::cos(z.im), libm::cosh(z.re) * libm::sin(z.im))
}

/// `cosh re cos im + i sinh re sin im`.
pub fn cosh(z: C) -> C {
    if z.re.abs() > 709.0 {
        let e = half_exp(C::new(z.re.abs(), z.im));
        return C::new(e.re, if z.re < 0.0 { -e.im } else { e.im });
    }
    if z.im == 0.0 {
        return C::new(libm::cosh(z.re), z.im * 1f64.copysign(z.re));
    }
    if z.re == 0.0 && !z.im.is_finite() {
        return C::new(f64::NAN, z.re);
    }
    C::new(libm::cosh(z.re) * libm::cos(z.im), libm::sinh(z.re) * libm::sin(z.im))
}

/// Kahan's formula with `t = tan im`, `s = sinh re`: no cancellation; ±1 for large `re`.
pub fn tanh(z: C) -> C {
    if z.re.is_infinite() && !z.im.is_finite() {
        return C::new(1f64.copysign(z.re), 0f64.copysign(z.im));
    }
    if z.re.abs() > 22.0 {
        let e = libm::exp(-z.re.abs());
        return C::new(1f64.copysign(z.re) + 0.0 * z.im, 4.0 * libm::sin(z.im) * libm::cos(z.im) * e * e);
    }
    if z.im == 0.0 {
        return C::new(libm::tanh(z.re), z.im);
    }
    if z.re == 0.0 && !z.im.is_finite() {
        return C::new(z.re, f64::NAN);
    }
    let t = libm::tan(z.im);
    let s = libm::sinh(z.re);
    let b = 1.0 + t * t;
    let r = libm::sqrt(1.0 + s * s);
    let d = 1.0 + b * s * s;
    if t.is_infinite() { C::new(r / s, 1.0 / t) } else { C::new(b * r * s / d, t / d) }
}

/// Kahan: `re = atan(z.re / re(√(1-z) √(1+z)))`, `im = asinh(im(√(1-z)* √(1+z)))`.
pub fn arcsin(z: C) -> C {
    if endless(z) {
        return C::new(libm::atan2(z.re, z.im.abs()), f64::INFINITY.copysign(z.im));
    }
    if z.re == 0.0 && z.im.is_nan() || z.re.abs() < 1e-9 && z.im.abs() < 1e-9 {
        return z;
    }
    if huge(z) {
        return C::new(libm::atan2(z.re, z.im.abs()), log_twice(z).copysign(z.im));
    }
    let p = sqrt(C::new(1.0 - z.re, -z.im));
    let q = sqrt(C::new(1.0 + z.re, z.im));
    let re = libm::atan2(z.re, p.re * q.re - p.im * q.im);
    C::new(re, libm::asinh(p.re * q.im - p.im * q.re))
}

/// Kahan: `re = 2 atan(re √(1-z) / re √(1+z))`, `im = asinh(im(√(1+z)* √(1-z)))`.
pub fn arccos(z: C) -> C {
    if endless(z) {
        return C::new(libm::atan2(z.im.abs(), z.re), -f64::INFINITY.copysign(z.im));
    }
    if z.re == 0.0 && z.im.is_nan() || z.re.abs() < 1e-9 && z.im.abs() < 1e-9 {
        return C::new(FRAC_PI_2 - z.re, -z.im);
    }
    if huge(z) {
        return C::new(libm::atan2(z.im.abs(), z.re), -log_twice(z).copysign(z.im));
    }
    let p = sqrt(C::new(1.0 - z.re, -z.im));
    let q = sqrt(C::new(1.0 + z.re, z.im));
    C::new(2.0 * libm::atan2(p.re, q.re), libm::asinh(q.re * p.im - q.im * p.re))
}

/// Kahan: `re = asinh(re(√(z-1)* √(z+1)))`, `im = 2 atan(im √(z-1) / re √(z+1))`.
pub fn arccosh(z: C) -> C {
    if endless(z) {
        return C::new(f64::INFINITY, libm::atan2(z.im, z.re));
    }
    if z.re == 0.0 && z.im.is_nan() {
        return C::new(z.im, FRAC_PI_2);
    }
    if huge(z) {
        return C::new(log_twice(z), libm::atan2(z.im, z.re));
    }
    let p = sqrt(C::new(z.re - 1.0, z.im));
    let q = sqrt(C::new(z.re + 1.0, z.im));
    C::new(libm::asinh(p.re * q.re + p.im * q.im), 2.0 * libm::atan2(p.im, q.re))
}

/// `log1p(4 re / ((1 - re)² + im²)) / 4`, `atan2(2 im, (1 - re)(1 + re) - im²) / 2`.
pub fn arctanh(z: C) -> C {
    if z.re == 0.0 && z.im.is_nan() {
        return z;
    }
    if z.re.is_nan() && z.im.is_finite() {
        return C::new(z.re, z.re);
    }
    if huge(z) {
        // re / |z|², without overflow.
        let h = libm::hypot(z.re * 0.5, z.im * 0.5);
        let re = if z.re.is_infinite() || z.im.is_infinite() { 0.0 } else { z.re / h / h * 0.25 };
        let im = FRAC_PI_2.copysign(z.im);
        return C::new(re.copysign(z.re), if z.im.is_nan() { z.im } else { im });
    }
    let a = z.re.abs();
    let d = (1.0 - a) * (1.0 - a) + z.im * z.im;
    let re = if a == 1.0 && d < 1e-200 {
        // d underflows.
        0.5 * (LN_2 - libm::log(z.im.abs()))
    } else {
        0.25 * libm::log1p(4.0 * a / d)
    };
    let im = 0.5 * libm::atan2(2.0 * z.im, (1.0 - a) * (1.0 + a) - z.im * z.im);
    C::new(re.copysign(z.re), im)
}
