//! Element functions: cbrt and hypot.
//!
//! cbrt: `|x| = m 2^3q` with `m` in [0.35, 2.83), a quartic estimate (Remez, 2^-9.06), then Halley's
//! iteration, which cubes the error (Muller, "Elementary Functions", ch. 5).

use super::real::{Real, fma, poly, select};

/// Halley's step `t + t (m - t³) / (2t³ + m)`.
#[inline(always)]
pub fn halley<T: Real, const FMA: bool>(t: T, m: T) -> T {
    let cube = t * t * t;
    fma!(FMA, t, (m - cube) / (cube + cube + m), t)
}

/// The cube root, of negative numbers too.
#[inline(always)]
pub fn cbrt<T: Real, const FMA: bool>(x: T) -> T {
    let a = x.abs();
    let tiny = a < T::MIN_NORMAL;
    // 2^24 or 2^54: a multiple of three.
    let (lift, drop) = (T::of(T::CBRT_LIFT), T::of(T::CBRT_DROP));
    let (m, k) = select(tiny, a * lift, a).split();
    let q = (k * T::of(1.0 / 3.0)).rint();
    let m = m * T::pow2(k - q * T::of(3.0));
    let t = poly!(
        FMA,
        m,
        T::of(0.4435551188805577),
        T::of(0.8984180360562697),
        T::of(-0.473934857164621),
        T::of(0.1533536140582299),
        T::of(-0.01955632497151179)
    );
    let t = T::cbrt_steps::<FMA>(t, m) * T::pow2(q);
    let y = select(tiny, t * drop, t).copysign(x);
    select((a > T::ZERO) & (a < T::INF), y, x)
}

/// `√(x² + y²)` without overflow on the way; infinite where either is, even beside NaN.
#[inline(always)]
pub fn hypot<T: Real, const FMA: bool>(x: T, y: T) -> T {
    let (ax, ay) = (x.abs(), y.abs());
    let swap = ay > ax;
    let hi = select(swap, ay, ax);
    let lo = select(swap, ax, ay);
    let big = hi > T::SQUARE_MAX;
    let small = hi < T::SQUARE_MIN;
    let up = select(big, T::SCALE_DOWN, select(small, T::SCALE_UP, T::ONE));
    let down = select(big, T::SCALE_UP, select(small, T::SCALE_DOWN, T::ONE));
    let (hi, lo) = (hi * up, lo * up);
    let r = fma!(FMA, hi, hi, lo * lo).sqrt() * down;
    select((ax == T::INF) | (ay == T::INF), T::INF, r)
}
