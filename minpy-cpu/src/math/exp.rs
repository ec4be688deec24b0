//! Element functions built on the exponential: exp, exp2, expm1, sigmoid, tanh, sinh, cosh.
//!
//! `x = n ln 2 + r` (Cody-Waite), a minimax polynomial in `r`, then a scaling by a power of two that
//! underflows gradually and overflows to infinity. No branch; NaN passes. Written for one number and
//! for whole registers alike, see `lanes.rs`.

use super::lanes::Lanes;
use super::real::Real;

/// A constant of [`Real`] in all lanes.
macro_rules! k {
    ($t:ident::$name:ident) => {
        $t::all(<$t::One as Real>::$name)
    };
}

/// `(n, r)` with `x = n ln 2 + r`, |r| ≤ ln 2 / 2.
#[inline(always)]
fn reduce<T: Lanes, const FMA: bool>(x: T) -> (T, T) {
    let n = x.nearest::<FMA>(k!(T::LOG2E));
    let r = n.fma::<FMA>(-k!(T::LN2_HI), x);
    (n, n.fma::<FMA>(-k!(T::LN2_LO), r))
}

/// `e^r - 1` for |r| ≤ ln 2 / 2.
#[inline(always)]
fn expm1_small<T: Lanes, const FMA: bool>(r: T) -> T {
    (r * r).fma::<FMA>(r.exp_q::<FMA>(), r)
}

/// `e^x`.
#[inline(always)]
pub fn exp<T: Lanes, const FMA: bool>(x: T) -> T {
    let x = x.at_most(k!(T::EXP_MAX)).at_least(k!(T::EXP_MIN));
    let (n, r) = reduce::<T, FMA>(x);
    (k!(T::ONE) + expm1_small::<T, FMA>(r)).scale(n)
}

/// `2^x`.
#[inline(always)]
pub fn exp2<T: Lanes, const FMA: bool>(x: T) -> T {
    let x = x.at_most(k!(T::EXP2_MAX)).at_least(k!(T::EXP2_MIN));
    let n = x.nearest::<FMA>(k!(T::ONE));
    let r = x - n;
    r.fma::<FMA>(r.exp2_q::<FMA>(), k!(T::ONE)).scale(n)
}

/// `e^x - 1`: `2^n (e^r - 1) + (2^n - 1)`, halved on the way so that `n = 128` (1024) fits.
#[inline(always)]
pub fn expm1<T: Lanes, const FMA: bool>(x: T) -> T {
    let a = x.at_most(k!(T::EXP_MAX)).at_least(k!(T::EXPM1_MIN));
    let (n, r) = reduce::<T, FMA>(a);
    let s = T::pow2(n - k!(T::ONE));
    let y = expm1_small::<T, FMA>(r).fma::<FMA>(s, s - k!(T::HALF)) * k!(T::TWO);
    // Keeps -0 and subnormals.
    T::pick(x.abs().below(k!(T::TINY)), x, y)
}

/// `1 / (1 + e^-x)`, through `e^-|x|`, which overflows nowhere.
#[inline(always)]
pub fn sigmoid<T: Lanes, const FMA: bool>(x: T) -> T {
    let one = k!(T::ONE);
    let e = exp::<T, FMA>(-x.abs());
    T::pick(x.is_negative(), e, one).over(one + e)
}

/// `E / (E + 2)` with `E = e^2|x| - 1`.
#[inline(always)]
pub fn tanh<T: Lanes, const FMA: bool>(x: T) -> T {
    let a = (x.abs() * k!(T::TWO)).at_most(-k!(T::EXPM1_MIN));
    let (n, r) = reduce::<T, FMA>(a);
    let s = T::pow2(n);
    let e = expm1_small::<T, FMA>(r).fma::<FMA>(s, s - k!(T::ONE));
    e.over(e + k!(T::TWO)).copysign(x)
}

/// `e^a / 2` for `a ≥ 0`; infinite only where sinh and cosh are.
#[inline(always)]
fn half_exp<T: Lanes, const FMA: bool>(a: T) -> T {
    let (n, r) = reduce::<T, FMA>(a.at_most(k!(T::SINH_MAX)));
    (k!(T::ONE) + expm1_small::<T, FMA>(r)).scale(n - k!(T::ONE))
}

/// A polynomial up to 1, `h - 1/4h` with `h = e^|x| / 2` beyond.
#[inline(always)]
pub fn sinh<T: Lanes, const FMA: bool>(x: T) -> T {
    let a = x.abs();
    let h = half_exp::<T, FMA>(a);
    let z = a * a;
    let small = (a * z).fma::<FMA>(z.sinh_q::<FMA>(), a);
    T::pick(a.below(k!(T::ONE)), small, h - k!(T::QUARTER) / h).copysign(x)
}

/// `h + 1/4h` with `h = e^|x| / 2`.
#[inline(always)]
pub fn cosh<T: Lanes, const FMA: bool>(x: T) -> T {
    let h = half_exp::<T, FMA>(x.abs());
    h + k!(T::QUARTER) / h
}
