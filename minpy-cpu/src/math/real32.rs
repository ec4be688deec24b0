//! [`Real`] for `f32`.
//!
//! Coefficients: minimax polynomials computed for this file with a Remez exchange in 60-digit
//! arithmetic, weighted by the relative error of the function, then rounded to `f32`; the error
//! before rounding stands beside each. Reductions after Cody and Waite, "Software Manual for the
//! Elementary Functions" (1980), and Muller et al., "Handbook of Floating-Point Arithmetic", ch. 10.
#![allow(clippy::approx_constant, clippy::excessive_precision)]

use super::real::{Real, fma, poly};

/// 1.5 * 2^23: adding it leaves the nearest integer in the low bits.
const MAGIC: f32 = 12_582_912.0;
/// The bits of √½.
const SQRT_HALF: u32 = 0x3f35_04f3;
/// 2^-26.2, relative to `e^r - 1`. Coefficients of `Real::exp_q`.
pub(super) const EXP_Q: [f32; 5] = [4.9999997e-01, 1.6666543e-01, 4.1667197e-02, 8.366591e-03, 1.3883136e-03];
/// 2^-29.0. Coefficients of `Real::exp2_q`.
pub(super) const EXP2_Q: [f32; 6] =
    [6.931472e-01, 2.402265e-01, 5.5503275e-02, 9.618e-03, 1.3400391e-03, 1.547744e-04];
/// 2^-34.2. Coefficients of `Real::sinh_q`.
pub(super) const SINH_Q: [f32; 4] = [1.6666667e-01, 8.3333505e-03, 1.983615e-04, 2.8170123e-06];

impl Real for f32 {
    type Quadrant = u32;
    const ZERO: f32 = 0.0;
    const ONE: f32 = 1.0;
    const TWO: f32 = 2.0;
    const HALF: f32 = 0.5;
    const QUARTER: f32 = 0.25;
    const INF: f32 = f32::INFINITY;
    const NAN: f32 = f32::NAN;
    const MIN_NORMAL: f32 = f32::MIN_POSITIVE;
    const BIG: f32 = 16_777_216.0;
    const MAGIC: f32 = MAGIC;
    const TINY: f32 = 1.0 / 16_777_216.0;
    const BIG_EXP: f64 = 24.0;
    // 15 and 24 bits.
    const LN2_HI: f32 = 0.693_145_75;
    const LN2_LO: f32 = 1.428_606_8e-6;
    const LN2: f32 = core::f32::consts::LN_2;
    const LOG2E: f32 = core::f32::consts::LOG2_E;
    const LOG10E: f32 = core::f32::consts::LOG10_E;
    // 13 and 24 bits.
    const LOG10_2_HI: f32 = 0.301_025_39;
    const LOG10_2_LO: f32 = 4.605_039e-6;
    const PIO4: f32 = core::f32::consts::FRAC_PI_4;
    const PIO2: f32 = core::f32::consts::FRAC_PI_2;
    const PIO2_LO: f32 = -4.371_139e-8;
    const TAN_PIO8: f32 = 0.414_213_57;
    const EXP_MIN: f32 = -105.0;
    const EXP_MAX: f32 = 89.0;
    const EXP2_MIN: f32 = -151.0;
    const EXP2_MAX: f32 = 129.0;
    const EXPM1_MIN: f32 = -20.0;
    const SINH_MAX: f32 = 90.0;
    // 2^17 quadrants: the quadrant is exact, and so is the first product's difference.
    const TRIG_MAX: f32 = 205_887.0;
    const CBRT_LIFT: f64 = 16_777_216.0;
    const CBRT_DROP: f64 = 1.0 / 256.0;
    const SQUARE_MIN: f32 = 1e-16;
    // 2^100.
    const SCALE_UP: f32 = f32::from_bits(0x71800000);
    const SCALE_DOWN: f32 = f32::from_bits(0x0d800000);
    const SQUARE_MAX: f32 = 1e18;

    #[inline(always)]
    fn fma<const FMA: bool>(self, b: f32, c: f32) -> f32 {
        if FMA { self.mul_add(b, c) } else { self * b + c }
    }
    #[inline(always)]
    fn abs(self) -> f32 {
        f32::abs(self)
    }
    #[inline(always)]
    fn sqrt(self) -> f32 {
        f32::sqrt(self)
    }
    #[inline(always)]
    fn copysign(self, sign: f32) -> f32 {
        f32::copysign(self, sign)
    }
    #[inline(always)]
    fn mulsign(self, sign: f32) -> f32 {
        f32::from_bits(self.to_bits() ^ (sign.to_bits() & 0x8000_0000))
    }
    #[inline(always)]
    fn is_nan(self) -> bool {
        f32::is_nan(self)
    }
    #[inline(always)]
    fn is_negative(self) -> bool {
        (self.to_bits() as i32) < 0
    }
    #[inline(always)]
    fn rint(self) -> f32 {
        (self + MAGIC) - MAGIC
    }
    #[inline(always)]
    fn pow2(n: f32) -> f32 {
        f32::from_bits(((n + MAGIC).to_bits() << 23).wrapping_add(0x3f80_0000))
    }
    #[inline(always)]
    fn split(self) -> (f32, f32) {
        let i = self.to_bits().wrapping_sub(SQRT_HALF);
        let m = f32::from_bits((i & 0x007f_ffff).wrapping_add(SQRT_HALF));
        (m, ((i as i32) >> 23) as f32)
    }
    /// Cody-Waite. Fused: π/2 in three 24-bit parts; the first difference is exact, as both terms
    /// are multiples of 2^-24. Else the same in `f64`, where π/2 needs 33 + 53 bits.
    #[inline(always)]
    fn reduce<const FMA: bool>(self) -> (f32, u32) {
        if FMA {
            let t = fma!(FMA, self, core::f32::consts::FRAC_2_PI, MAGIC);
            let n = t - MAGIC;
            let r = fma!(FMA, n, -1.570_796_4_f32, self);
            let r = fma!(FMA, n, 4.371_139e-8_f32, r);
            (fma!(FMA, n, 1.715_124_5e-15_f32, r), t.to_bits())
        } else {
            let x = self as f64;
            // 1.5 * 2^52.
            let t = x * core::f64::consts::FRAC_2_PI + 6_755_399_441_055_744.0;
            let n = t - 6_755_399_441_055_744.0;
            let r = (x - n * 1.570_796_326_734_125_6) - n * 6.077_100_506_506_192e-11;
            (r as f32, t.to_bits() as u32)
        }
    }
    #[inline(always)]
    fn odd(q: u32) -> bool {
        q & 1 != 0
    }
    #[inline(always)]
    fn flip(self, q: u32, plus: u8) -> f32 {
        f32::from_bits(self.to_bits() ^ ((q.wrapping_add(plus as u32) & 2) << 30))
    }

    #[inline(always)]
    fn exp_q<const FMA: bool>(r: f32) -> f32 {
        super::lanes::Lanes::polynomial::<FMA, _>(r, EXP_Q)
    }
    #[inline(always)]
    fn exp2_q<const FMA: bool>(r: f32) -> f32 {
        super::lanes::Lanes::polynomial::<FMA, _>(r, EXP2_Q)
    }
    /// `-f²/2 + f³ P(f)`, 2^-27.4.
    #[inline(always)]
    fn log_tail<const FMA: bool>(f: f32) -> f32 {
        let p = poly!(
            FMA,
            f,
            3.333333e-01,
            -2.5000823e-01,
            2.0001227e-01,
            -1.6623354e-01,
            1.420175e-01,
            -1.3160212e-01,
            1.2761661e-01,
            -7.634528e-02
        );
        let z = f * f;
        z * fma!(FMA, f, p, -0.5)
    }
    /// 2^-28.0.
    #[inline(always)]
    fn sin_q<const FMA: bool>(z: f32) -> f32 {
        poly!(FMA, z, -1.6666654e-01, 8.332151e-03, -1.9513982e-04)
    }
    /// 2^-33.0.
    #[inline(always)]
    fn cos_q<const FMA: bool>(z: f32) -> f32 {
        poly!(FMA, z, 4.1666646e-02, -1.3887304e-03, 2.4431669e-05)
    }
    /// 2^-27.6.
    #[inline(always)]
    fn asin_q<const FMA: bool>(z: f32) -> f32 {
        poly!(FMA, z, 1.6666752e-01, 7.4952886e-02, 4.5471594e-02, 2.4173016e-02, 4.2178124e-02)
    }
    /// 2^-30.5.
    #[inline(always)]
    fn atan_q<const FMA: bool>(z: f32) -> f32 {
        poly!(FMA, z, -3.3333316e-01, 1.999847e-01, -1.4243512e-01, 1.05936445e-01, -6.0777705e-02)
    }
    #[inline(always)]
    fn sinh_q<const FMA: bool>(z: f32) -> f32 {
        super::lanes::Lanes::polynomial::<FMA, _>(z, SINH_Q)
    }
    /// One step suffices: 2^-9 cubed.
    #[inline(always)]
    fn cbrt_steps<const FMA: bool>(t: f32, m: f32) -> f32 {
        super::roots::halley::<f32, FMA>(t, m)
    }
    #[inline(always)]
    fn of(v: f64) -> f32 {
        v as f32
    }
}
