//! Accuracy of `minpy_cpu::math`: worst error in ulp over the whole range, at every vector level.
//!
//! The reference is CORE-MATH, correctly rounded: in `f64` for the `f32` functions (so the error is
//! exact), in `f64` for the `f64` functions (so it is known within half an ulp).
//! `MINPY_ULP_STRIDE=1` tries every `f32`; `MINPY_ULP_POINTS` sets the number of `f64` points.

use core_math as cm;
use minpy_cpu::math::{Form, MathFn, MathFn2};
use minpy_cpu::simd::{Level, supports};

const LEVELS: [Level; 3] = [Level::Base, Level::Avx2, Level::Avx512];
const BOUND: f64 = 4.0;

fn env(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

fn sigmoid(x: f64) -> f64 {
    let e = cm::exp(-x.abs());
    if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
}

fn reference(f: MathFn) -> fn(f64) -> f64 {
    match f {
        MathFn::Exp => cm::exp,
        MathFn::Exp2 => cm::exp2,
        MathFn::Expm1 => cm::expm1,
        MathFn::Sigmoid => sigmoid,
        MathFn::Log => cm::log,
        MathFn::Log2 => cm::log2,
        MathFn::Log10 => cm::log10,
        MathFn::Log1p => cm::log1p,
        MathFn::Sin => cm::sin,
        MathFn::Cos => cm::cos,
        MathFn::Tan => cm::tan,
        MathFn::Arcsin => cm::asin,
        MathFn::Arccos => cm::acos,
        MathFn::Arctan => cm::atan,
        MathFn::Sinh => cm::sinh,
        MathFn::Cosh => cm::cosh,
        MathFn::Tanh => cm::tanh,
        MathFn::Arcsinh => cm::asinh,
        MathFn::Arccosh => cm::acosh,
        MathFn::Arctanh => cm::atanh,
        MathFn::Cbrt => cm::cbrt,
        MathFn::Erf => cm::erf,
        MathFn::Erfc => cm::erfc,
        MathFn::Gamma => cm::tgamma,
        MathFn::Lgamma => cm::lgamma,
    }
}

/// Those left to libm, whose accuracy is libm's.
fn from_libm(f: MathFn) -> bool {
    matches!(f, MathFn::Erf | MathFn::Erfc | MathFn::Gamma | MathFn::Lgamma)
}

/// The distance of `got` from the exact value in ulp of the `f32` there.
fn error32(got: f32, want: f64) -> f64 {
    if want.is_nan() || got.is_nan() {
        return if want.is_nan() && got.is_nan() { 0.0 } else { f64::INFINITY };
    }
    let near = want as f32;
    if near == got {
        // A zero must have the sign of the exact zero or underflow.
        return if got != 0.0 || got.is_sign_negative() == near.is_sign_negative() {
            if got.is_infinite() { 0.0 } else { (got as f64 - want).abs() / ulp32(want) }
        } else {
            f64::INFINITY
        };
    }
    let got = if got.is_infinite() { (got.signum() as f64) * 2f64.powi(128) } else { got as f64 };
    let want = if want.abs() > 2f64.powi(128) { 2f64.powi(128).copysign(want) } else { want };
    (got - want).abs() / ulp32(want)
}

fn ulp32(v: f64) -> f64 {
    let e = ((v.to_bits() >> 52) & 2047) as i32 - 1023;
    2f64.powi(e.clamp(-126, 127) - 23)
}

/// The number of steps from `got` to `want` in the order of `f64`.
fn error64(got: f64, want: f64) -> f64 {
    if want.is_nan() || got.is_nan() {
        return if want.is_nan() && got.is_nan() { 0.0 } else { f64::INFINITY };
    }
    if got.to_bits() == want.to_bits() {
        return 0.0;
    }
    if got == 0.0 && want == 0.0 {
        return f64::INFINITY;
    }
    let key = |v: f64| {
        let b = v.to_bits() as i64;
        if b < 0 { i64::MIN.wrapping_sub(b) } else { b }
    };
    (key(got) as i128 - key(want) as i128).unsigned_abs() as f64
}

struct Random(u64);
impl Random {
    fn bits(&mut self) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn edges() -> Vec<f64> {
    let mut v = vec![0.0, f64::INFINITY, f64::NAN, 1e30, 1e300, 1e22, f64::MAX, f64::MIN_POSITIVE];
    v.extend([5e-324, 1e-310, 1.0, 0.5, 2.0, 3.0, 8.0, 10.0, 100.0, 1000.0, 1e15]);
    v.extend([88.72, 88.73, 89.41, 89.42, 103.9, 104.0, 709.78, 709.79, 710.47, 710.48, 745.1]);
    v.extend([745.2, 1024.0, 1023.9999, 1074.5, 1075.5, 127.99, 128.0, 149.5, 150.5, 36.7, 17.3]);
    v.extend([205_886.0, 205_888.0, 1_647_097.0, 1_647_099.0, f32::MAX as f64, 1e-45, 1e-40]);
    for i in 1..200 {
        v.push(i as f64 * std::f64::consts::FRAC_PI_2);
        v.push(i as f64 * std::f64::consts::LN_2 / 2.0);
        v.push(1.0 + 1.0 / i as f64);
        v.push(1.0 - 1.0 / i as f64);
    }
    for i in 1..53 {
        v.push(1.0 + 0.5f64.powi(i));
        v.push(1.0 - 0.5f64.powi(i));
        v.push((2f64.powi(i) * 355.0).round() / 113.0);
    }
    let neg: Vec<f64> = v.iter().map(|x| -x).collect();
    v.extend(neg);
    v
}

fn inputs32(stride: u32) -> Vec<f32> {
    let mut v: Vec<f32> = edges().iter().map(|&x| x as f32).collect();
    let mut b = 0u32;
    loop {
        v.push(f32::from_bits(b));
        match b.checked_add(stride) {
            Some(n) => b = n,
            None => return v,
        }
    }
}

fn inputs64(points: usize, seed: u64) -> Vec<f64> {
    let mut v = edges();
    let mut r = Random(seed);
    for i in 0..points {
        let sign = if r.bits() & 1 == 0 { 1.0 } else { -1.0 };
        v.push(match i % 6 {
            // Log-uniform over every exponent, then over those near 1.
            0 => f64::from_bits(r.bits()),
            1 => sign * 2f64.powf(r.unit() * 60.0 - 40.0),
            2 => sign * (1.0 + sign * 2f64.powf(-r.unit() * 50.0)),
            3 => sign * r.unit() * 750.0,
            4 => sign * r.unit() * 4.0,
            // Beside multiples of π/2.
            _ => {
                let n = (2f64.powf(r.unit() * 21.0)).round() * std::f64::consts::FRAC_PI_2;
                f64::from_bits(n.to_bits().wrapping_add(r.bits() % 5).wrapping_sub(2)) * sign
            }
        });
    }
    v
}

/// Applies a kernel in place, in one odd-sized call.
fn apply<T: Copy>(k: unsafe fn(*const T, *mut T, usize), x: &[T]) -> Vec<T> {
    let mut y = x.to_vec();
    // SAFETY: `y` has `len` elements; source and destination may be equal; the level was checked.
    unsafe { k(y.as_ptr(), y.as_mut_ptr(), y.len()) };
    y
}

#[test]
fn unary_f32() {
    let x = inputs32(env("MINPY_ULP_STRIDE", 9973) as u32);
    let mut bad = String::new();
    for &f in MathFn::ALL {
        let want: Vec<f64> = x.iter().map(|&v| reference(f)(v as f64)).collect();
        let mut line = format!("f32 {f:?}:");
        for level in LEVELS.into_iter().filter(|&l| supports(l)) {
            let y = apply(f.kernel_f32(level), &x);
            let (mut worst, mut at) = (0.0, 0.0);
            for ((&v, &got), &want) in x.iter().zip(&y).zip(&want) {
                let e = error32(got, want);
                if e > worst {
                    (worst, at) = (e, v);
                }
            }
            line += &format!(" {level:?} {worst:.2} at {at:e}");
            if worst > BOUND && !from_libm(f) {
                bad += &format!("{f:?} {level:?}: {worst} ulp at {at:e}\n");
            }
        }
        println!("{line}");
    }
    assert!(bad.is_empty(), "{bad}");
}

#[test]
fn unary_f64() {
    let x = inputs64(env("MINPY_ULP_POINTS", 120_000) as usize, 1);
    let mut bad = String::new();
    for &f in MathFn::ALL {
        let want: Vec<f64> = x.iter().map(|&v| reference(f)(v)).collect();
        let mut line = format!("f64 {f:?}:");
        for level in LEVELS.into_iter().filter(|&l| supports(l)) {
            let y = apply(f.kernel_f64(level), &x);
            let (mut worst, mut at) = (0.0, 0.0);
            for ((&v, &got), &want) in x.iter().zip(&y).zip(&want) {
                let e = error64(got, want);
                if e > worst {
                    (worst, at) = (e, v);
                }
            }
            line += &format!(" {level:?} {worst} at {at:e}");
            // The reference is rounded too.
            if worst > BOUND - 0.5 && !from_libm(f) {
                bad += &format!("{f:?} {level:?}: {worst} ulp at {at:e}\n");
            }
        }
        println!("{line}");
    }
    assert!(bad.is_empty(), "{bad}");
}

/// log(e^a + e^b) as `hi + log1p(...)`; the error is counted in ulp of the larger operand.
fn logaddexp(a: f64, b: f64) -> f64 {
    let (hi, lo) = if a > b { (a, b) } else { (b, a) };
    if a == b { hi + std::f64::consts::LN_2 } else { hi + cm::log1p(cm::exp(lo - hi)) }
}

fn logaddexp2(a: f64, b: f64) -> f64 {
    let (hi, lo) = if a > b { (a, b) } else { (b, a) };
    if a == b { hi + 1.0 } else { hi + cm::log2p1(cm::exp2(lo - hi)) }
}

fn reference2(f: MathFn2) -> fn(f64, f64) -> f64 {
    match f {
        MathFn2::Power => cm::pow,
        MathFn2::Arctan2 => cm::atan2,
        MathFn2::Hypot => cm::hypot,
        MathFn2::LogAddExp => logaddexp,
        MathFn2::LogAddExp2 => logaddexp2,
    }
}

fn pairs(points: usize) -> (Vec<f64>, Vec<f64>) {
    let mut e = vec![0.0, 1.0, 0.5, 2.0, 3.0, 1e-310, 1e300, 4_503_599_627_370_497.0, 1e16];
    e.extend([f64::INFINITY, f64::NAN, 9_007_199_254_740_991.0, 1e-40, 3e38, 16_777_215.0, 1.5]);
    let neg: Vec<f64> = e.iter().map(|x| -x).collect();
    e.extend(neg);
    let (mut a, mut b) = (vec![], vec![]);
    for &p in &e {
        for &q in &e {
            a.push(p);
            b.push(q);
        }
    }
    let (x, y) = (inputs64(points, 2), inputs64(points, 3));
    let mut r = Random(4);
    for (i, (&p, &q)) in x.iter().zip(&y).enumerate() {
        a.push(p);
        b.push(match i % 4 {
            // Powers that neither overflow nor underflow.
            0 => q,
            1 => 745.0 * (r.unit() * 2.0 - 1.0) / p.abs().ln(),
            2 => p * (1.0 + (r.unit() - 0.5) * 2f64.powf(-r.unit() * 40.0)),
            _ => (q % 64.0).round(),
        });
    }
    (a, b)
}

fn hard_to_add(f: MathFn2) -> bool {
    matches!(f, MathFn2::LogAddExp | MathFn2::LogAddExp2)
}

#[test]
fn binary_f32() {
    let (a, b) = pairs(env("MINPY_ULP_POINTS", 120_000) as usize * 2);
    let (a, mut b): (Vec<f32>, Vec<f32>) =
        (a.iter().map(|&v| v as f32).collect(), b.iter().map(|&v| v as f32).collect());
    for (p, q) in a.iter().zip(&mut b).skip(1024).step_by(5) {
        *q /= if p.abs() > 0.0 { 8.0 } else { 1.0 };
    }
    let mut bad = String::new();
    for &f in MathFn2::ALL {
        let mut line = format!("f32 {f:?}:");
        for level in LEVELS.into_iter().filter(|&l| supports(l)) {
            let mut y = a.clone();
            let k = f.kernel_f32(level, Form::VecVec);
            // SAFETY: all have `len` elements; the level was checked.
            unsafe { k(y.as_ptr(), b.as_ptr(), y.as_mut_ptr(), y.len()) };
            let (mut worst, mut at) = (0.0, (0.0, 0.0));
            for i in 0..a.len() {
                let want = reference2(f)(a[i] as f64, b[i] as f64);
                let mut e = error32(y[i], want);
                if hard_to_add(f) && want.abs() < 1e-3 * a[i].abs().max(b[i].abs()) as f64 {
                    // The f64 reference itself cancels.
                    e = 0.0;
                }
                if e > worst {
                    (worst, at) = (e, (a[i], b[i]));
                }
            }
            line += &format!(" {level:?} {worst:.2} at {at:?}");
            if worst > BOUND {
                bad += &format!("{f:?} {level:?}: {worst} ulp at {at:?}\n");
            }
        }
        println!("{line}");
    }
    assert!(bad.is_empty(), "{bad}");
}

#[test]
fn binary_f64() {
    let (a, b) = pairs(env("MINPY_ULP_POINTS", 120_000) as usize);
    let mut bad = String::new();
    for &f in MathFn2::ALL {
        let mut line = format!("f64 {f:?}:");
        for level in LEVELS.into_iter().filter(|&l| supports(l)) {
            let mut y = a.clone();
            let k = f.kernel_f64(level, Form::VecVec);
            // SAFETY: all have `len` elements; the level was checked.
            unsafe { k(y.as_ptr(), b.as_ptr(), y.as_mut_ptr(), y.len()) };
            let (mut worst, mut at) = (0.0, (0.0, 0.0));
            for i in 0..a.len() {
                let want = reference2(f)(a[i], b[i]);
                let mut e = error64(y[i], want);
                let big = a[i].abs().max(b[i].abs());
                if hard_to_add(f) && want.abs() < big.max(1.0) && big < 1e300 {
                    // In ulp of the largest term: log1p's is up to 1.
                    let ulp = 2f64.powi(big.max(0.5).log2().floor() as i32 - 52);
                    e = (y[i] - want).abs() / ulp;
                }
                if e > worst {
                    (worst, at) = (e, (a[i], b[i]));
                }
            }
            line += &format!(" {level:?} {worst:.2} at {at:?}");
            if worst > BOUND - 0.5 {
                bad += &format!("{f:?} {level:?}: {worst} ulp at {at:?}\n");
            }
        }
        println!("{line}");
    }
    assert!(bad.is_empty(), "{bad}");
}

/// Every form and every short length gives what the long slice gives.
#[test]
fn forms_and_tails() {
    let x: Vec<f64> = (0..70).map(|i| i as f64 * 0.37 + 0.1).collect();
    for level in LEVELS.into_iter().filter(|&l| supports(l)) {
        let whole = apply(MathFn::Sin.kernel_f64(level), &x);
        for n in 0..x.len() {
            let part = apply(MathFn::Sin.kernel_f64(level), &x[..n]);
            assert_eq!(part, whole[..n]);
        }
        for &f in MathFn2::ALL {
            let mut y = [vec![0.0; x.len()], vec![0.0; x.len()], vec![0.0; x.len()]];
            let s = vec![x[5]; x.len()];
            let run = |form, a: &[f64], b: &[f64], y: &mut [f64]| {
                // SAFETY: all have `len` elements; the level was checked.
                unsafe { f.kernel_f64(level, form)(a.as_ptr(), b.as_ptr(), y.as_mut_ptr(), y.len()) }
            };
            run(Form::VecVec, &x, &s, &mut y[0]);
            run(Form::VecScalar, &x, &x[5..], &mut y[1]);
            assert_eq!(y[0], y[1]);
            run(Form::VecVec, &s, &x, &mut y[0]);
            run(Form::ScalarVec, &x[5..], &x, &mut y[2]);
            assert_eq!(y[0], y[2]);
        }
    }
}
