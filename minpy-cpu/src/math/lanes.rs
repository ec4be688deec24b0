//! What the exponential's family computes with: one number, or a register of them (`wide.rs`).
//!
//! A register is worth its own type where AVX-512 has an instruction that no compiler finds in the scalar formula:
//! scaling by a power of two with gradual underflow, and the estimate of a reciprocal.

use super::real::{self, Real, select};
use core::ops::{Add, Div, Mul, Neg, Sub};

/// One or several floats; methods act on each by itself. None branches.
pub trait Lanes:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + 'static
{
    /// The type of one number.
    type One: Real;
    /// A truth value for each number.
    type Mask: Copy;
    /// The same number in all lanes.
    fn all(v: Self::One) -> Self;
    /// `self * b + c`.
    fn fma<const FMA: bool>(self, b: Self, c: Self) -> Self;
    /// The magnitude.
    fn abs(self) -> Self;
    /// The magnitude of `self` with the sign of `sign`.
    fn copysign(self, sign: Self) -> Self;
    /// The smaller one of two; NaN in `self` stays.
    fn at_most(self, bound: Self) -> Self;
    /// The greater one of two; NaN in `self` stays.
    fn at_least(self, bound: Self) -> Self;
    /// Whether the sign bit is set.
    fn is_negative(self) -> Self::Mask;
    /// Whether `self < other`: false for NaN.
    fn below(self, other: Self) -> Self::Mask;
    /// One of two values.
    fn pick(mask: Self::Mask, yes: Self, no: Self) -> Self;
    /// `self * 2^n`, for an integer `n` up to twice the exponent range; rounded once when it underflows.
    fn scale(self, n: Self) -> Self;
    /// `2^n` for an integer `n` whose power of two is a normal number.
    fn pow2(n: Self) -> Self;
    /// `self / d` to within an ulp, for `d` in 1 to 2^64 and `self` at most `d`.
    fn over(self, d: Self) -> Self;

    /// An integer next to `self * factor`: the nearest, but for products that lie all but half-way. For magnitudes
    /// below 2^22 (`f32`) or 2^51 (`f64`).
    #[inline(always)]
    fn nearest<const FMA: bool>(self, factor: Self) -> Self {
        let magic = Self::all(Self::One::MAGIC);
        self.fma::<FMA>(factor, magic) - magic
    }
    /// Horner's scheme; coefficients from the lowest degree up.
    #[inline(always)]
    fn polynomial<const FMA: bool, const N: usize>(self, c: [Self::One; N]) -> Self {
        let mut p = Self::all(c[N - 1]);
        let mut i = N - 1;
        while i > 0 {
            i -= 1;
            p = p.fma::<FMA>(self, Self::all(c[i]));
        }
        p
    }
    /// See [`Real::exp_q`].
    fn exp_q<const FMA: bool>(self) -> Self;
    /// See [`Real::exp2_q`].
    fn exp2_q<const FMA: bool>(self) -> Self;
    /// See [`Real::sinh_q`].
    fn sinh_q<const FMA: bool>(self) -> Self;
}

impl<T: Real> Lanes for T {
    type One = T;
    type Mask = bool;
    #[inline(always)]
    fn all(v: T) -> T {
        v
    }
    #[inline(always)]
    fn fma<const FMA: bool>(self, b: T, c: T) -> T {
        Real::fma::<FMA>(self, b, c)
    }
    #[inline(always)]
    fn abs(self) -> T {
        Real::abs(self)
    }
    #[inline(always)]
    fn copysign(self, sign: T) -> T {
        Real::copysign(self, sign)
    }
    #[inline(always)]
    fn at_most(self, bound: T) -> T {
        select(self > bound, bound, self)
    }
    #[inline(always)]
    fn at_least(self, bound: T) -> T {
        select(self < bound, bound, self)
    }
    #[inline(always)]
    fn is_negative(self) -> bool {
        Real::is_negative(self)
    }
    #[inline(always)]
    fn below(self, other: T) -> bool {
        self < other
    }
    #[inline(always)]
    fn pick(mask: bool, yes: T, no: T) -> T {
        select(mask, yes, no)
    }
    #[inline(always)]
    fn scale(self, n: T) -> T {
        real::ldexp(self, n)
    }
    #[inline(always)]
    fn pow2(n: T) -> T {
        Real::pow2(n)
    }
    #[inline(always)]
    fn over(self, d: T) -> T {
        self / d
    }
    #[inline(always)]
    fn exp_q<const FMA: bool>(self) -> T {
        <T as Real>::exp_q::<FMA>(self)
    }
    #[inline(always)]
    fn exp2_q<const FMA: bool>(self) -> T {
        <T as Real>::exp2_q::<FMA>(self)
    }
    #[inline(always)]
    fn sinh_q<const FMA: bool>(self) -> T {
        <T as Real>::sinh_q::<FMA>(self)
    }
}
