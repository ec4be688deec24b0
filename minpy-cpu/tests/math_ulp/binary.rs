//! The functions of two arguments, and the forms and short lengths of all kernels.

use crate::support::{BOUND, Random, apply, env, error32, error64, inputs64, levels};
use core_math as cm;
use minpy_cpu::math::{Form, MathFn, MathFn2};

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
        for level in levels() {
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
        for level in levels() {
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
    for level in levels() {
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
