//! The floating-point type behind the element functions: `f32` or `f64`.
//!
//! [`Real`] gathers what differs between the two: bit layout, split constants and minimax
//! polynomials. Every method is branch-free and inlines into the caller's vector loop.

use core::ops::{Add, Div, Mul, Neg, Sub};

/// `a * b + c`, fused when `FMA` says that the hardware can.
macro_rules! fma {
    ($f:ident, $a:expr, $b:expr, $c:expr) => {
        Real::fma::<$f>($a, $b, $c)
    };
}
pub(crate) use fma;

/// Horner's scheme; coefficients from the lowest degree up.
macro_rules! poly {
    ($f:ident, $x:expr, $c:expr) => { $c };
    ($f:ident, $x:expr, $c:expr, $($rest:expr),+) => {
        $crate::math::real::fma!($f, $crate::math::real::poly!($f, $x, $($rest),+), $x, $c)
    };
}
pub(crate) use poly;

/// `f32` or `f64`, with the pieces from which the element functions are built.
///
/// The constants named `X_HI` have enough trailing zero bits that a product with any exponent is
/// exact; `X_LO` is the rest, rounded to nearest.
pub trait Real:
    Copy
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + 'static
{
    /// A copy of the bit pattern that carries a small integer in its low bits.
    type Quadrant: Copy;
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// Two.
    const TWO: Self;
    /// A half.
    const HALF: Self;
    /// A quarter.
    const QUARTER: Self;
    /// Positive infinity.
    const INF: Self;
    /// A quiet NaN.
    const NAN: Self;
    /// The smallest normal number.
    const MIN_NORMAL: Self;
    /// `2^d`, with `d` the digits of the significand: `x + 1 == x` from here on.
    const BIG: Self;
    /// The exponent of `BIG`.
    const BIG_EXP: f64;
    /// 1.5 times the number from which on all are integers: adding it leaves the nearest integer in the low bits.
    const MAGIC: Self;
    /// `1/BIG`.
    const TINY: Self;
    /// High part of ln 2.
    const LN2_HI: Self;
    /// Low part of ln 2.
    const LN2_LO: Self;
    /// ln 2.
    const LN2: Self;
    /// log2 e.
    const LOG2E: Self;
    /// log10 e.
    const LOG10E: Self;
    /// High part of log10 2.
    const LOG10_2_HI: Self;
    /// Low part of log10 2.
    const LOG10_2_LO: Self;
    /// π/4, rounded.
    const PIO4: Self;
    /// π/2, rounded.
    const PIO2: Self;
    /// π/2 less `PIO2`.
    const PIO2_LO: Self;
    /// tan(π/8), where the arctangent changes its reduction.
    const TAN_PIO8: Self;
    /// Below this exp gives zero.
    const EXP_MIN: Self;
    /// At this and above exp gives infinity.
    const EXP_MAX: Self;
    /// Below this exp2 gives zero.
    const EXP2_MIN: Self;
    /// At this and above exp2 gives infinity.
    const EXP2_MAX: Self;
    /// Below this expm1 gives -1; above its negative tanh(x/2) gives 1.
    const EXPM1_MIN: Self;
    /// At this and above sinh and cosh give infinity.
    const SINH_MAX: Self;
    /// The largest magnitude that [`Real::reduce`] takes.
    const TRIG_MAX: Self;
    /// A power of two, a multiple of three in its exponent, that makes subnormals normal.
    const CBRT_LIFT: f64;
    /// The cube root of `1 / CBRT_LIFT`.
    const CBRT_DROP: f64;
    /// Below this, `x * x` may lose digits.
    const SQUARE_MIN: Self;
    /// A power of two that brings every number below `SQUARE_MIN` above it.
    const SCALE_UP: Self;
    /// `1 / SCALE_UP`, which brings every number above `SQUARE_MAX` below it.
    const SCALE_DOWN: Self;
    /// Above this, `x * x` may overflow.
    const SQUARE_MAX: Self;

    /// `self * b + c`.
    fn fma<const FMA: bool>(self, b: Self, c: Self) -> Self;
    /// The magnitude.
    fn abs(self) -> Self;
    /// The square root, correctly rounded.
    fn sqrt(self) -> Self;
    /// The magnitude of `self` with the sign of `sign`.
    fn copysign(self, sign: Self) -> Self;
    /// `self` with its sign flipped where `sign` is negative.
    fn mulsign(self, sign: Self) -> Self;
    /// True for NaN.
    fn is_nan(self) -> bool;
    /// True for a set sign bit (-0 and NaN included).
    fn is_negative(self) -> bool;
    /// The nearest integer, ties to even, for magnitudes below 2^22 (`f32`) or 2^51 (`f64`).
    fn rint(self) -> Self;
    /// `2^n` for an integer `n` whose power of two is a normal number.
    fn pow2(n: Self) -> Self;
    /// For a normal positive number: `(m, k)` with `self = m * 2^k`, `m` in [√½, √2).
    fn split(self) -> (Self, Self);
    /// For |x| up to `TRIG_MAX`: `(r, q)` with `x = q * π/2 + r`, |r| little above π/4.
    fn reduce<const FMA: bool>(self) -> (Self, Self::Quadrant);
    /// True in odd quadrants.
    fn odd(q: Self::Quadrant) -> bool;
    /// `self` with its sign flipped where bit 1 of the quadrant, `plus` added, is set.
    fn flip(self, q: Self::Quadrant, plus: u8) -> Self;

    /// `(e^r - 1 - r) / r²` for |r| ≤ ln 2 / 2.
    fn exp_q<const FMA: bool>(r: Self) -> Self;
    /// `(2^r - 1) / r` for |r| ≤ ½.
    fn exp2_q<const FMA: bool>(r: Self) -> Self;
    /// `log(1 + f) - f` for `1 + f` in [√½, √2).
    fn log_tail<const FMA: bool>(f: Self) -> Self;
    /// `(sin r - r) / r³` in `z = r²`, |r| ≤ π/4.
    fn sin_q<const FMA: bool>(z: Self) -> Self;
    /// `(cos r - 1 + r²/2) / r⁴` in `z = r²`, |r| ≤ π/4.
    fn cos_q<const FMA: bool>(z: Self) -> Self;
    /// `(arcsin r - r) / r³` in `z = r²`, |r| ≤ ½.
    fn asin_q<const FMA: bool>(z: Self) -> Self;
    /// `(arctan r - r) / r³` in `z = r²`, |r| ≤ tan(π/8).
    fn atan_q<const FMA: bool>(z: Self) -> Self;
    /// `(sinh r - r) / r³` in `z = r²`, |r| ≤ 1.
    fn sinh_q<const FMA: bool>(z: Self) -> Self;
    /// One Halley step for the cube root of `m`, from an estimate good to 2^-9.
    fn cbrt_steps<const FMA: bool>(t: Self, m: Self) -> Self;
    /// A constant, rounded to this type.
    fn of(v: f64) -> Self;
}

/// One of two values; both are computed, so that a vector loop blends.
#[inline(always)]
pub fn select<T>(cond: bool, yes: T, no: T) -> T {
    if cond { yes } else { no }
}

/// `p * 2^n`, for `n` up to twice the exponent range; correctly rounded once when it underflows.
#[inline(always)]
pub fn ldexp<T: Real>(p: T, n: T) -> T {
    let h = (n * T::HALF).rint();
    p * T::pow2(h) * T::pow2(n - h)
}
