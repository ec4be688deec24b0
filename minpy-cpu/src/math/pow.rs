//! Element functions: power.
//!
//! `|x|^y = e^(y log |x|)`. For `f32` plain `f64` arithmetic has digits to spare. For `f64` the
//! logarithm is a double-double (error below 2^-64): `log(1 + f) = 2s + ⅔s³ + ⅖s⁵ + ...` with
//! `s = f / (2 + f)`; error-free sums and products after Dekker (1971), see Muller et al., ch. 4.
#![allow(clippy::approx_constant, clippy::excessive_precision)]

use super::real::{Real, fma, ldexp, poly, select};

/// Chooses power's element function by type.
pub trait Power: Real {
    /// `x^y`.
    fn power<const FMA: bool>(x: Self, y: Self) -> Self;
}

/// Puts in the sign and the special values: `mag` is `|x|^y` for finite, non-zero `x`.
#[inline(always)]
fn finish<T: Real>(x: T, y: T, mag: T) -> T {
    let (ax, ay) = (x.abs(), y.abs());
    let neg_y = y.is_negative();
    let mag = select(ax == T::ZERO, select(neg_y, T::INF, T::ZERO), mag);
    let mag = select(ax == T::INF, select(neg_y, T::ZERO, T::INF), mag);
    // From c on every number is an integer, from 2c on an even one.
    let c = T::BIG * T::HALF;
    // `&` and `|`, not their lazy kin: no branches.
    let int = (ay >= c) | ((ay + c) - c == ay);
    let h = ay * T::HALF;
    let odd = int & (ay < T::BIG) & ((h + c) - c != h);
    let neg_x = x.is_negative();
    let r = select(neg_x & odd, -mag, mag);
    let r = select(neg_x & !int & (ax > T::ZERO) & (ax < T::INF), T::NAN, r);
    let r = select(x.is_nan() | y.is_nan(), T::NAN, r);
    select((y == T::ZERO) | (x == T::ONE), T::ONE, r)
}

impl Power for f32 {
    /// log2 to 2^-37 (atanh series, Remez), 2^w to 2^-29 (Remez), in `f64`.
    #[inline(always)]
    fn power<const FMA: bool>(x: f32, y: f32) -> f32 {
        let (m, k) = (x.abs() as f64).split();
        let s = (m - 1.0) / (m + 1.0);
        let z = s * s;
        let p = poly!(
            FMA,
            z,
            2.885390081790082_f64,
            0.9617966733486581,
            0.5770835835043353,
            0.41167281353560126,
            0.34072825108032784
        );
        let l = fma!(FMA, s, p, k);
        // Beyond 2^40 the result has long left the range, or |x| is 1.
        let e = y as f64;
        let e = select(e > 1.1e12, 1.1e12, e);
        let e = select(e < -1.1e12, -1.1e12, e);
        let w = e * l;
        let w = select(w > 200.0, 200.0, w);
        let w = select(w < -200.0, -200.0, w);
        let n = Real::rint(w);
        let r = w - n;
        let q = poly!(
            FMA,
            r,
            0.6931472063300698,
            0.2402265136861385,
            0.055503275281479296,
            0.009618000445299063,
            0.0013400390377173775,
            0.0001547744090577453
        );
        let mag = fma!(FMA, r, q, 1.0) * <f64 as Real>::pow2(n);
        finish(x, y, mag as f32)
    }
}

/// `a * b` as an unevaluated sum.
#[inline(always)]
fn two_prod<const FMA: bool>(a: f64, b: f64) -> (f64, f64) {
    let p = a * b;
    if FMA {
        (p, a.mul_add(b, -p))
    } else {
        let (ah, al) = halves(a);
        let (bh, bl) = halves(b);
        (p, ((ah * bh - p) + ah * bl + al * bh) + al * bl)
    }
}

/// Veltkamp's splitting, by 2^27 + 1.
#[inline(always)]
fn halves(a: f64) -> (f64, f64) {
    let t = a * 134_217_729.0;
    let h = t - (t - a);
    (h, a - h)
}

/// `log x` as an unevaluated sum, for finite `x > 0`.
#[inline(always)]
fn log_dd<const FMA: bool>(x: f64) -> (f64, f64) {
    let tiny = x < f64::MIN_POSITIVE;
    let (m, k) = select(tiny, x * f64::BIG, x).split();
    let k = select(tiny, k - f64::BIG_EXP, k);
    let f = m - 1.0;
    // s = f / (2 + f), corrected by its remainder.
    let dh = 2.0 + f;
    let dl = f - (dh - 2.0);
    let inv = 1.0 / dh;
    let sh = f * inv;
    let (p, e) = two_prod::<FMA>(sh, dh);
    let sl = (((f - p) - e) - sh * dl) * inv;
    // z = s²
    let (zh, e) = two_prod::<FMA>(sh, sh);
    let zl = fma!(FMA, sh + sh, sl, e);
    // q = ⅖ + z (2/7 + ...), 2^-72.9; w = ⅔ + z q
    let q = poly!(
        FMA,
        zh,
        0.4,
        0.28571428571433144,
        0.22222222220018703,
        0.1818181860447989,
        0.15384572973265048,
        0.13335760029080937,
        0.11685107694334466,
        0.11910406512624842
    );
    let (ph, pl) = two_prod::<FMA>(zh, q);
    let pl = fma!(FMA, zl, q, pl);
    let wh = 2.0 / 3.0 + ph;
    let wl = ((2.0 / 3.0 - wh) + ph) + (pl + 3.700_743_415_417_188e-17);
    // u = z w, v = s u
    let (uh, e) = two_prod::<FMA>(zh, wh);
    let ul = fma!(FMA, zl, wh, fma!(FMA, zh, wl, e));
    let (vh, e) = two_prod::<FMA>(sh, uh);
    let vl = fma!(FMA, sl, uh, fma!(FMA, sh, ul, e));
    // 2s + v + k ln 2
    let s2 = sh + sh;
    let h = s2 + vh;
    let l = ((s2 - h) + vh) + (vl + (sl + sl));
    let kh = k * f64::LN2_HI;
    let t = kh + h;
    let l = ((kh - t) + h) + fma!(FMA, k, f64::LN2_LO, l);
    let hi = t + l;
    (hi, (t - hi) + l)
}

impl Power for f64 {
    #[inline(always)]
    fn power<const FMA: bool>(x: f64, y: f64) -> f64 {
        let (h, l) = log_dd::<FMA>(x.abs());
        // Beyond 2^65 the result has long left the range, or |x| is 1.
        let e = select(y > 3.7e19, 3.7e19, y);
        let e = select(e < -3.7e19, -3.7e19, e);
        let (ph, pl) = two_prod::<FMA>(e, h);
        let pl = fma!(FMA, e, l, pl);
        let over = ph > f64::EXP_MAX;
        let under = ph < f64::EXP_MIN;
        let pl = select(over | under, 0.0, pl);
        let ph = select(under, f64::EXP_MIN, select(over, f64::EXP_MAX, ph));
        let n = Real::rint(ph * f64::LOG2E);
        let r = fma!(FMA, n, -f64::LN2_HI, ph);
        let r = r + fma!(FMA, n, -f64::LN2_LO, pl);
        let p = fma!(FMA, r * r, f64::exp_q::<FMA>(r), r);
        finish(x, y, ldexp(1.0 + p, n))
    }
}

/// `x^y`.
#[inline(always)]
pub fn power<T: Power, const FMA: bool>(x: T, y: T) -> T {
    T::power::<FMA>(x, y)
}
