//! [`Real`] for `f64`.
//!
//! Coefficients: minimax polynomials computed for this file with a Remez exchange in 60-digit
//! arithmetic, weighted by the relative error of the function, then rounded to `f64`; the error
//! before rounding stands beside each. Reductions as in `real32.rs`; the logarithm's tail in
//! `s = f / (2 + f)` is the arrangement published with fdlibm's `e_log.c`.
#![allow(clippy::approx_constant, clippy::excessive_precision)]

use super::real::{Real, fma, poly};

/// 1.5 * 2^52: adding it leaves the nearest integer in the low bits.
const MAGIC: f64 = 6_755_399_441_055_744.0;
/// The bits of √½.
const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
/// 2^-55.6, relative to `e^r - 1`. Coefficients of `Real::exp_q`.
pub(super) const EXP_Q: [f64; 10] = [
    0.5000000000000006,
    0.1666666666666659,
    0.04166666666657595,
    0.008333333333388942,
    0.0013888888931845784,
    0.0001984126972124667,
    2.4801504916480498e-05,
    2.755740464069399e-06,
    2.762618690479829e-07,
    2.505499678081523e-08,
];
/// 2^-58.0. Coefficients of `Real::exp2_q`.
pub(super) const EXP2_Q: [f64; 11] = [
    0.6931471805599453,
    0.24022650695910133,
    0.05550410866482176,
    0.009618129107593062,
    0.0013333558146375137,
    0.00015403530458471063,
    1.5252733871780122e-05,
    1.321543460056892e-06,
    1.017804451401027e-07,
    7.073900466957558e-09,
    4.4577054694509257e-10,
];
/// 2^-63.3. Coefficients of `Real::sinh_q`.
pub(super) const SINH_Q: [f64; 7] = [
    0.16666666666666669,
    0.008333333333333146,
    0.00019841269841432686,
    2.755731915680318e-06,
    2.5052123181159967e-08,
    1.6057256183505979e-10,
    7.758861118468832e-13,
];

impl Real for f64 {
    type Quadrant = u64;
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;
    const TWO: f64 = 2.0;
    const HALF: f64 = 0.5;
    const QUARTER: f64 = 0.25;
    const INF: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;
    const MIN_NORMAL: f64 = f64::MIN_POSITIVE;
    const BIG: f64 = 9_007_199_254_740_992.0;
    const MAGIC: f64 = MAGIC;
    const TINY: f64 = 1.0 / 9_007_199_254_740_992.0;
    const BIG_EXP: f64 = 53.0;
    // 41 and 53 bits.
    const LN2_HI: f64 = 0.693_147_180_559_663;
    const LN2_LO: f64 = 2.823_529_056_303_157_7e-13;
    const LN2: f64 = core::f64::consts::LN_2;
    const LOG2E: f64 = core::f64::consts::LOG2_E;
    const LOG10E: f64 = core::f64::consts::LOG10_E;
    // 41 and 53 bits.
    const LOG10_2_HI: f64 = 0.301_029_995_663_839_14;
    const LOG10_2_LO: f64 = 1.420_502_322_726_61e-13;
    const PIO4: f64 = core::f64::consts::FRAC_PI_4;
    const PIO2: f64 = core::f64::consts::FRAC_PI_2;
    const PIO2_LO: f64 = 6.123_233_995_736_766e-17;
    const TAN_PIO8: f64 = 0.414_213_562_373_095_1;
    const EXP_MIN: f64 = -746.0;
    const EXP_MAX: f64 = 710.0;
    const EXP2_MIN: f64 = -1076.0;
    const EXP2_MAX: f64 = 1025.0;
    const EXPM1_MIN: f64 = -40.0;
    const SINH_MAX: f64 = 711.0;
    // 2^20 quadrants: products with the 33-bit parts of π/2 are exact.
    const TRIG_MAX: f64 = 1_647_098.0;
    const CBRT_LIFT: f64 = 18_014_398_509_481_984.0;
    const CBRT_DROP: f64 = 1.0 / 262_144.0;
    const SQUARE_MIN: f64 = 1e-140;
    // 2^600.
    const SCALE_UP: f64 = f64::from_bits(0x6570000000000000);
    const SCALE_DOWN: f64 = f64::from_bits(0x1a70000000000000);
    const SQUARE_MAX: f64 = 1e150;

    #[inline(always)]
    fn fma<const FMA: bool>(self, b: f64, c: f64) -> f64 {
        if FMA { self.mul_add(b, c) } else { self * b + c }
    }
    #[inline(always)]
    fn abs(self) -> f64 {
        f64::abs(self)
    }
    #[inline(always)]
    fn sqrt(self) -> f64 {
        f64::sqrt(self)
    }
    #[inline(always)]
    fn copysign(self, sign: f64) -> f64 {
        f64::copysign(self, sign)
    }
    #[inline(always)]
    fn mulsign(self, sign: f64) -> f64 {
        f64::from_bits(self.to_bits() ^ (sign.to_bits() & (1 << 63)))
    }
    #[inline(always)]
    fn is_nan(self) -> bool {
        f64::is_nan(self)
    }
    #[inline(always)]
    fn is_negative(self) -> bool {
        (self.to_bits() as i64) < 0
    }
    #[inline(always)]
    fn rint(self) -> f64 {
        (self + MAGIC) - MAGIC
    }
    #[inline(always)]
    fn pow2(n: f64) -> f64 {
        f64::from_bits(((n + MAGIC).to_bits() << 52).wrapping_add(0x3ff0_0000_0000_0000))
    }
    /// The exponent goes through the significand of 2^52, as AVX2 converts no 64-bit integers.
    #[inline(always)]
    fn split(self) -> (f64, f64) {
        let i = self.to_bits().wrapping_sub(SQRT_HALF);
        let m = f64::from_bits((i & 0x000f_ffff_ffff_ffff).wrapping_add(SQRT_HALF));
        let e = i.wrapping_add(1023 << 52) >> 52;
        (m, f64::from_bits(e | 0x4330_0000_0000_0000) - (4_503_599_627_370_496.0 + 1023.0))
    }
    /// Cody-Waite. Fused: π/2 in three 53-bit parts; else in parts of 33, 33, 33 and 53 bits.
    #[inline(always)]
    fn reduce<const FMA: bool>(self) -> (f64, u64) {
        let t = fma!(FMA, self, core::f64::consts::FRAC_2_PI, MAGIC);
        let n = t - MAGIC;
        let r = if FMA {
            let r = fma!(FMA, n, -core::f64::consts::FRAC_PI_2, self);
            let r = fma!(FMA, n, -6.123_233_995_736_766e-17, r);
            fma!(FMA, n, 1.497_384_904_859_169_8e-33, r)
        } else {
            let r = self - n * 1.570_796_326_734_125_6;
            let r = r - n * 6.077_100_506_303_966e-11;
            let r = r - n * 2.022_266_248_711_166_5e-21;
            r - n * 8.478_427_660_368_9e-32
        };
        (r, t.to_bits())
    }
    #[inline(always)]
    fn odd(q: u64) -> bool {
        q & 1 != 0
    }
    #[inline(always)]
    fn flip(self, q: u64, plus: u8) -> f64 {
        f64::from_bits(self.to_bits() ^ ((q.wrapping_add(plus as u64) & 2) << 62))
    }

    #[inline(always)]
    fn exp_q<const FMA: bool>(r: f64) -> f64 {
        super::lanes::Lanes::polynomial::<FMA, _>(r, EXP_Q)
    }
    #[inline(always)]
    fn exp2_q<const FMA: bool>(r: f64) -> f64 {
        super::lanes::Lanes::polynomial::<FMA, _>(r, EXP2_Q)
    }
    /// `s (f²/2 + R) - f²/2`, 2^-59.5.
    #[inline(always)]
    fn log_tail<const FMA: bool>(f: f64) -> f64 {
        let s = f / (2.0 + f);
        let z = s * s;
        let r = z * poly!(
            FMA,
            z,
            0.6666666666666734,
            0.3999999999941636,
            0.2857142874202155,
            0.22222198609999885,
            0.18183562452234656,
            0.15314097501420698,
            0.14795489573357598
        );
        let h = 0.5 * f * f;
        fma!(FMA, s, h + r, -h)
    }
    /// 2^-57.9.
    #[inline(always)]
    fn sin_q<const FMA: bool>(z: f64) -> f64 {
        poly!(
            FMA,
            z,
            -0.1666666666666663,
            0.008333333333321891,
            -0.000198412698294008,
            2.7557313553711267e-06,
            -2.5050736843290718e-08,
            1.5895579484447502e-10
        )
    }
    /// 2^-63.9.
    #[inline(always)]
    fn cos_q<const FMA: bool>(z: f64) -> f64 {
        poly!(
            FMA,
            z,
            0.04166666666666659,
            -0.0013888888888872733,
            2.4801587288644357e-05,
            -2.7557314117907567e-07,
            2.087569230460484e-09,
            -1.1358084934633375e-11
        )
    }
    /// 2^-55.9.
    #[inline(always)]
    fn asin_q<const FMA: bool>(z: f64) -> f64 {
        poly!(
            FMA,
            z,
            0.16666666666665403,
            0.07500000000338751,
            0.04464285682682987,
            0.030381959201116825,
            0.02237175646166954,
            0.017359729413267192,
            0.013884985741505308,
            0.012170889254370673,
            0.0065205659255367894,
            0.01954893990319871,
            -0.016257289884587148,
            0.03193530475880803
        )
    }
    /// 2^-59.4.
    #[inline(always)]
    fn atan_q<const FMA: bool>(z: f64) -> f64 {
        poly!(
            FMA,
            z,
            -0.333333333333332,
            0.1999999999995317,
            -0.14285714280158104,
            0.11111110781710867,
            -0.09090897711929014,
            0.07692059471595701,
            -0.06663096317922339,
            0.05847837665462421,
            -0.05039090526700494,
            0.038059541775299494,
            -0.017902132789913643
        )
    }
    #[inline(always)]
    fn sinh_q<const FMA: bool>(z: f64) -> f64 {
        super::lanes::Lanes::polynomial::<FMA, _>(z, SINH_Q)
    }
    /// Two steps: 2^-9 to the ninth.
    #[inline(always)]
    fn cbrt_steps<const FMA: bool>(t: f64, m: f64) -> f64 {
        let t = super::roots::halley::<f64, FMA>(t, m);
        super::roots::halley::<f64, FMA>(t, m)
    }
    #[inline(always)]
    fn of(v: f64) -> f64 {
        v
    }
}
