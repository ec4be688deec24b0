//! Element functions: sin, cos, tan, arcsin, arccos, arctan, arctan2.
//!
//! sin, cos and tan reduce by π/2 (Cody-Waite) up to [`Real::TRIG_MAX`]; beyond, [`far`] tells, and
//! the caller takes the scalar [`Slow`] functions (libm, Payne-Hanek). The inverses halve their range
//! as in Abramowitz and Stegun 4.4.32-34 and take a minimax polynomial.

use super::real::{Real, fma, select};

/// True where sin, cos and tan need [`Slow`]. NaN does not; infinity does.
#[inline(always)]
pub fn far<T: Real>(x: T) -> bool {
    x.abs() > T::TRIG_MAX
}

/// Scalar trigonometry for huge arguments.
pub trait Slow: Real {
    /// sin of any number.
    fn slow_sin(self) -> Self;
    /// cos of any number.
    fn slow_cos(self) -> Self;
    /// tan of any number.
    fn slow_tan(self) -> Self;
}

impl Slow for f32 {
    fn slow_sin(self) -> f32 {
        libm::sinf(self)
    }
    fn slow_cos(self) -> f32 {
        libm::cosf(self)
    }
    fn slow_tan(self) -> f32 {
        libm::tanf(self)
    }
}

impl Slow for f64 {
    fn slow_sin(self) -> f64 {
        libm::sin(self)
    }
    fn slow_cos(self) -> f64 {
        libm::cos(self)
    }
    fn slow_tan(self) -> f64 {
        libm::tan(self)
    }
}

/// `(sin r, cos r)` on |r| ≤ π/4.
#[inline(always)]
fn sin_cos_small<T: Real, const FMA: bool>(r: T) -> (T, T) {
    let z = r * r;
    let s = fma!(FMA, r * z, T::sin_q::<FMA>(z), r);
    let c = fma!(FMA, z * z, T::cos_q::<FMA>(z), fma!(FMA, z, -T::HALF, T::ONE));
    (s, c)
}

/// `sin x`, for `x` not [`far`].
#[inline(always)]
pub fn sin<T: Real, const FMA: bool>(x: T) -> T {
    let (r, q) = x.abs().reduce::<FMA>();
    let (s, c) = sin_cos_small::<T, FMA>(r);
    select(T::odd(q), c, s).flip(q, 0).mulsign(x)
}

/// `cos x`, for `x` not [`far`].
#[inline(always)]
pub fn cos<T: Real, const FMA: bool>(x: T) -> T {
    let (r, q) = x.abs().reduce::<FMA>();
    let (s, c) = sin_cos_small::<T, FMA>(r);
    select(T::odd(q), s, c).flip(q, 1)
}

/// `tan x`, for `x` not [`far`]: the quotient, with the rounding of `1 - z/2` put back in the cosine.
#[inline(always)]
pub fn tan<T: Real, const FMA: bool>(x: T) -> T {
    let (r, q) = x.abs().reduce::<FMA>();
    let z = r * r;
    let s = fma!(FMA, r * z, T::sin_q::<FMA>(z), r);
    let h = z * T::HALF;
    let w = T::ONE - h;
    let c = w + fma!(FMA, z * z, T::cos_q::<FMA>(z), (T::ONE - w) - h);
    let odd = T::odd(q);
    (select(odd, c, s) / select(odd, -s, c)).mulsign(x)
}

/// `(arcsin s, s)` by the polynomial: `s = a` up to ½, `s = √((1 - a)/2)` beyond.
#[inline(always)]
fn asin_core<T: Real, const FMA: bool>(a: T, small: bool) -> T {
    let z = select(small, a * a, (T::ONE - a) * T::HALF);
    let s = select(small, a, z.sqrt());
    fma!(FMA, s * z, T::asin_q::<FMA>(z), s)
}

/// `arcsin x`: `π/2 - 2 arcsin √((1 - x)/2)` above ½.
#[inline(always)]
pub fn arcsin<T: Real, const FMA: bool>(x: T) -> T {
    let a = x.abs();
    let small = a < T::HALF;
    let p = asin_core::<T, FMA>(a, small);
    let big = T::PIO2 - (p + p - T::PIO2_LO);
    select(small, p, big).copysign(x)
}

/// `arccos x`: `2 arcsin √((1 - x)/2)` above ½, `π` less that below -½.
#[inline(always)]
pub fn arccos<T: Real, const FMA: bool>(x: T) -> T {
    let a = x.abs();
    let small = a < T::HALF;
    let p = asin_core::<T, FMA>(a, small);
    let mid = T::PIO2 - (p.mulsign(x) - T::PIO2_LO);
    let two = p + p;
    let neg = (T::PIO2 - (two - (T::PIO2_LO + T::PIO2_LO))) + T::PIO2;
    select(small, mid, select(x.is_negative(), neg, two))
}

/// `arctan(num / den)` for `0 ≤ num ≤ den`, `den > 0`.
#[inline(always)]
fn atan_unit<T: Real, const FMA: bool>(num: T, den: T) -> T {
    // Above tan(π/8): π/4 + arctan((num - den) / (num + den)).
    let up = num > den * T::TAN_PIO8;
    let t = select(up, num - den, num) / select(up, num + den, den);
    let z = t * t;
    let p = fma!(FMA, t * z, T::atan_q::<FMA>(z), t);
    select(up, T::PIO4 + (p + T::PIO2_LO * T::HALF), p)
}

/// `arctan x`.
#[inline(always)]
pub fn arctan<T: Real, const FMA: bool>(x: T) -> T {
    let a = x.abs();
    let inv = a > T::ONE;
    let p = atan_unit::<T, FMA>(select(inv, T::ONE, a), select(inv, a, T::ONE));
    select(inv, T::PIO2 - (p - T::PIO2_LO), p).copysign(x)
}

/// The angle of the point `(x, y)`, with IEEE's answers at zero and infinity.
#[inline(always)]
pub fn arctan2<T: Real, const FMA: bool>(y: T, x: T) -> T {
    let (ay, ax) = (y.abs(), x.abs());
    let steep = ay > ax;
    let hi = select(steep, ay, ax);
    let lo = select(steep, ax, ay);
    // Keeps lo + hi finite, and hi normal.
    let scale = select(hi < T::SQUARE_MIN, T::BIG, T::ONE);
    let scale = select(hi > T::SQUARE_MAX, T::TINY, scale);
    let (lo_s, hi_s) = (lo * scale, hi * scale);
    // inf/inf counts as 1, 0/0 as 0, finite/inf as 0.
    let endless = hi == T::INF;
    let num = select(endless, select(lo == T::INF, T::ONE, T::ZERO), lo_s);
    let den = select(endless | (hi == T::ZERO), T::ONE, hi_s);
    let p = atan_unit::<T, FMA>(num, den);
    let p = select(steep, T::PIO2 - (p - T::PIO2_LO), p);
    let left = (T::PIO2 - (p - (T::PIO2_LO + T::PIO2_LO))) + T::PIO2;
    let p = select(x.is_negative(), left, p).copysign(y);
    select(x.is_nan() | y.is_nan(), x + y, p)
}
