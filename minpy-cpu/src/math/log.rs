//! Element functions built on the logarithm: log, log2, log10, log1p, arcsinh, arccosh, arctanh.
//!
//! `x = m 2^k` with `m` in [√½, √2), `log x = k ln 2 + log(1 + f)`, `f = m - 1` exact. The inverse
//! hyperbolics go through `log1p` of a cancellation-free argument (Kahan, "Branch cuts for complex
//! elementary functions", 1987; Abramowitz and Stegun 4.6.20-22).

use super::real::{Real, fma, select};

/// `(f, k)` with `x = (1 + f) 2^k`, for `x > 0`, subnormals included.
#[inline(always)]
fn reduce<T: Real>(x: T) -> (T, T) {
    let tiny = x < T::MIN_NORMAL;
    // BIG is 2^24 or 2^53; its own exponent comes off again.
    let (m, k) = select(tiny, x * T::BIG, x).split();
    (m - T::ONE, select(tiny, k - T::of(T::BIG_EXP), k))
}

/// IEEE's answers for zero, negative numbers, infinity and NaN, where `y` is a logarithm of `x`.
#[inline(always)]
fn specials<T: Real>(x: T, y: T) -> T {
    let y = select(x < T::INF, y, x);
    select(x > T::ZERO, y, select(x == T::ZERO, -T::INF, T::NAN))
}

/// `log x`.
#[inline(always)]
pub fn log<T: Real, const FMA: bool>(x: T) -> T {
    let (f, k) = reduce(x);
    let low = fma!(FMA, k, T::LN2_LO, T::log_tail::<FMA>(f)) + f;
    specials(x, fma!(FMA, k, T::LN2_HI, low))
}

/// `log2 x`, exact for powers of two.
#[inline(always)]
pub fn log2<T: Real, const FMA: bool>(x: T) -> T {
    let (f, k) = reduce(x);
    let l = T::log_tail::<FMA>(f) + f;
    specials(x, fma!(FMA, l, T::LOG2E, k))
}

/// `log10 x`.
#[inline(always)]
pub fn log10<T: Real, const FMA: bool>(x: T) -> T {
    let (f, k) = reduce(x);
    let l = T::log_tail::<FMA>(f) + f;
    let low = fma!(FMA, k, T::LOG10_2_LO, l * T::LOG10E);
    specials(x, fma!(FMA, k, T::LOG10_2_HI, low))
}

/// `log(1 + x) + plus ln 2` for `x > -1`, short of the special values.
///
/// `1 + x = (1 + f) 2^k` gives `f = 2^-k x + (2^-k - 1)`, rounded once and only where `k` is not 0.
#[inline(always)]
fn log1p_core<T: Real, const FMA: bool>(x: T, plus: T) -> T {
    let (m, k) = (T::ONE + x).split();
    // For k beyond the digits of x the one is lost anyway; 2^-k may be subnormal there.
    let far = k > T::of(T::BIG_EXP + 2.0);
    let s = T::pow2(select(far, T::ZERO, -k));
    let f = select(far, m - T::ONE, fma!(FMA, x, s, s - T::ONE));
    let k = k + plus;
    let low = fma!(FMA, k, T::LN2_LO, T::log_tail::<FMA>(f)) + f;
    fma!(FMA, k, T::LN2_HI, low)
}

/// `log(1 + x)`.
#[inline(always)]
pub fn log1p<T: Real, const FMA: bool>(x: T) -> T {
    let y = log1p_core::<T, FMA>(x, T::ZERO);
    let y = select(x < T::INF, y, x);
    let y = select(x > -T::ONE, y, select(x == -T::ONE, -T::INF, T::NAN));
    // Keeps -0, subnormals and NaN.
    select(x.abs() >= T::TINY, y, x)
}

/// `log1p(a + a² / (1 + √(1 + a²)))`, `a = |x|`.
#[inline(always)]
pub fn arcsinh<T: Real, const FMA: bool>(x: T) -> T {
    let a = x.abs();
    let big = a > T::BIG;
    let z = a * a;
    let w = a + z / (T::ONE + (T::ONE + z).sqrt());
    let y = log1p_core::<T, FMA>(select(big, a, w), select(big, T::ONE, T::ZERO));
    // The comparison is false for NaN.
    select((a >= T::TINY) & (a < T::INF), y.copysign(x), x)
}

/// `log1p(t + √(2t + t²))`, `t = x - 1`.
#[inline(always)]
pub fn arccosh<T: Real, const FMA: bool>(x: T) -> T {
    let big = x > T::BIG;
    let t = x - T::ONE;
    let w = t + fma!(FMA, t, t, t + t).sqrt();
    let y = log1p_core::<T, FMA>(select(big, x, w), select(big, T::ONE, T::ZERO));
    let y = select(x > T::ONE, y, select(x == T::ONE, T::ZERO, T::NAN));
    select(x == T::INF, x, y)
}

/// `log1p(2a / (1 - a)) / 2`, `a = |x|`.
#[inline(always)]
pub fn arctanh<T: Real, const FMA: bool>(x: T) -> T {
    let a = x.abs();
    let y = log1p_core::<T, FMA>((a + a) / (T::ONE - a), T::ZERO) * T::HALF;
    let y = select(a < T::ONE, y, select(a == T::ONE, T::INF, T::NAN));
    select(a < T::TINY, x, y.copysign(x))
}
