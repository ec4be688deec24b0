//! Element functions built on the exponential: exp, exp2, expm1, sigmoid, tanh, sinh, cosh.
//!
//! `x = n ln 2 + r` (Cody-Waite), a minimax polynomial in `r`, then two multiplications by powers
//! of two, so that results underflow gradually and overflow to infinity. No branch; NaN passes.

use super::real::{Real, fma, ldexp, select};

/// `(n, r)` with `x = n ln 2 + r`, |r| ≤ ln 2 / 2.
#[inline(always)]
fn reduce<T: Real, const FMA: bool>(x: T) -> (T, T) {
    let n = (x * T::LOG2E).rint();
    let r = fma!(FMA, n, -T::LN2_HI, x);
    (n, fma!(FMA, n, -T::LN2_LO, r))
}

/// `e^r - 1` for |r| ≤ ln 2 / 2.
#[inline(always)]
fn expm1_small<T: Real, const FMA: bool>(r: T) -> T {
    fma!(FMA, r * r, T::exp_q::<FMA>(r), r)
}

/// `e^x`.
#[inline(always)]
pub fn exp<T: Real, const FMA: bool>(x: T) -> T {
    let x = select(x > T::EXP_MAX, T::EXP_MAX, x);
    let x = select(x < T::EXP_MIN, T::EXP_MIN, x);
    let (n, r) = reduce::<T, FMA>(x);
    ldexp(T::ONE + expm1_small::<T, FMA>(r), n)
}

/// `2^x`.
#[inline(always)]
pub fn exp2<T: Real, const FMA: bool>(x: T) -> T {
    let x = select(x > T::EXP2_MAX, T::EXP2_MAX, x);
    let x = select(x < T::EXP2_MIN, T::EXP2_MIN, x);
    let n = x.rint();
    let r = x - n;
    ldexp(fma!(FMA, r, T::exp2_q::<FMA>(r), T::ONE), n)
}

/// `e^x - 1`: `2^n (e^r - 1) + (2^n - 1)`, halved on the way so that `n = 128` (1024) fits.
#[inline(always)]
pub fn expm1<T: Real, const FMA: bool>(x: T) -> T {
    let a = select(x > T::EXP_MAX, T::EXP_MAX, x);
    let a = select(a < T::EXPM1_MIN, T::EXPM1_MIN, a);
    let (n, r) = reduce::<T, FMA>(a);
    let s = T::pow2(n - T::ONE);
    let y = fma!(FMA, expm1_small::<T, FMA>(r), s, s - T::HALF) * T::TWO;
    // Keeps -0 and subnormals.
    select(x.abs() < T::TINY, x, y)
}

/// `1 / (1 + e^-x)`, through `e^-|x|`, which overflows nowhere.
#[inline(always)]
pub fn sigmoid<T: Real, const FMA: bool>(x: T) -> T {
    let e = exp::<T, FMA>(-x.abs());
    select(x.is_negative(), e, T::ONE) / (T::ONE + e)
}

/// `E / (E + 2)` with `E = e^2|x| - 1`.
#[inline(always)]
pub fn tanh<T: Real, const FMA: bool>(x: T) -> T {
    let a = x.abs() * T::TWO;
    let a = select(a > -T::EXPM1_MIN, -T::EXPM1_MIN, a);
    let (n, r) = reduce::<T, FMA>(a);
    let s = T::pow2(n);
    let e = fma!(FMA, expm1_small::<T, FMA>(r), s, s - T::ONE);
    (e / (e + T::TWO)).copysign(x)
}

/// `e^a / 2` for `a ≥ 0`; infinite only where sinh and cosh are.
#[inline(always)]
fn half_exp<T: Real, const FMA: bool>(a: T) -> T {
    let a = select(a > T::SINH_MAX, T::SINH_MAX, a);
    let (n, r) = reduce::<T, FMA>(a);
    ldexp(T::ONE + expm1_small::<T, FMA>(r), n - T::ONE)
}

/// A polynomial up to 1, `h - 1/4h` with `h = e^|x| / 2` beyond.
#[inline(always)]
pub fn sinh<T: Real, const FMA: bool>(x: T) -> T {
    let a = x.abs();
    let h = half_exp::<T, FMA>(a);
    let z = a * a;
    let small = fma!(FMA, a * z, T::sinh_q::<FMA>(z), a);
    select(a < T::ONE, small, h - T::QUARTER / h).copysign(x)
}

/// `h + 1/4h` with `h = e^|x| / 2`.
#[inline(always)]
pub fn cosh<T: Real, const FMA: bool>(x: T) -> T {
    let h = half_exp::<T, FMA>(x.abs());
    h + T::QUARTER / h
}
