//! Element functions: erf, erfc, gamma, lgamma (scalar, from libm) and logaddexp, logaddexp2.
//!
//! The `f32` versions compute in `f64` and round once. logaddexp in `f64` is exact to a few ulp of
//! its larger operand; near a zero of the result those are more ulp of the result, as in NumPy.

use super::real::{Real, fma, select};
use super::{exp, log};

/// The scalar functions of libm by type, and logaddexp.
pub trait Special: Real {
    /// The error function.
    fn erf(self) -> Self;
    /// One less the error function.
    fn erfc(self) -> Self;
    /// Γ.
    fn gamma(self) -> Self;
    /// log |Γ|.
    fn lgamma(self) -> Self;
    /// `log(e^a + e^b)`.
    fn logaddexp<const FMA: bool>(a: Self, b: Self) -> Self;
    /// `log2(2^a + 2^b)`.
    fn logaddexp2<const FMA: bool>(a: Self, b: Self) -> Self;
}

impl Special for f64 {
    #[inline]
    fn erf(self) -> f64 {
        libm::erf(self)
    }
    #[inline]
    fn erfc(self) -> f64 {
        libm::erfc(self)
    }
    #[inline]
    fn gamma(self) -> f64 {
        libm::tgamma(self)
    }
    #[inline]
    fn lgamma(self) -> f64 {
        libm::lgamma(self)
    }
    #[inline(always)]
    fn logaddexp<const FMA: bool>(a: f64, b: f64) -> f64 {
        let (hi, lo) = (select(a > b, a, b), select(a > b, b, a));
        let l = log::log1p::<f64, FMA>(exp::exp::<f64, FMA>(lo - hi));
        // Equal infinities have no difference.
        hi + select(a == b, f64::LN2, l)
    }
    #[inline(always)]
    fn logaddexp2<const FMA: bool>(a: f64, b: f64) -> f64 {
        let (hi, lo) = (select(a > b, a, b), select(a > b, b, a));
        let l = log::log1p::<f64, FMA>(exp::exp2::<f64, FMA>(lo - hi));
        select(a == b, hi + 1.0, fma!(FMA, l, f64::LOG2E, hi))
    }
}

impl Special for f32 {
    #[inline]
    fn erf(self) -> f32 {
        libm::erf(self as f64) as f32
    }
    #[inline]
    fn erfc(self) -> f32 {
        libm::erfc(self as f64) as f32
    }
    #[inline]
    fn gamma(self) -> f32 {
        libm::tgamma(self as f64) as f32
    }
    #[inline]
    fn lgamma(self) -> f32 {
        libm::lgamma(self as f64) as f32
    }
    #[inline(always)]
    fn logaddexp<const FMA: bool>(a: f32, b: f32) -> f32 {
        f64::logaddexp::<FMA>(a as f64, b as f64) as f32
    }
    #[inline(always)]
    fn logaddexp2<const FMA: bool>(a: f32, b: f32) -> f32 {
        f64::logaddexp2::<FMA>(a as f64, b as f64) as f32
    }
}

/// The error function.
#[inline]
pub fn erf<T: Special, const FMA: bool>(x: T) -> T {
    x.erf()
}

/// One less the error function.
#[inline]
pub fn erfc<T: Special, const FMA: bool>(x: T) -> T {
    x.erfc()
}

/// Γ.
#[inline]
pub fn gamma<T: Special, const FMA: bool>(x: T) -> T {
    x.gamma()
}

/// log |Γ|.
#[inline]
pub fn lgamma<T: Special, const FMA: bool>(x: T) -> T {
    x.lgamma()
}

/// `log(e^a + e^b)`.
#[inline(always)]
pub fn logaddexp<T: Special, const FMA: bool>(a: T, b: T) -> T {
    T::logaddexp::<FMA>(a, b)
}

/// `log2(2^a + 2^b)`.
#[inline(always)]
pub fn logaddexp2<T: Special, const FMA: bool>(a: T, b: T) -> T {
    T::logaddexp2::<FMA>(a, b)
}
