//! Accuracy of `minpy_cpu::math`: worst error in ulp over the whole range, at every vector level.
//!
//! The reference is CORE-MATH, correctly rounded: in `f64` for the `f32` functions (so the error is
//! exact), in `f64` for the `f64` functions (so it is known within half an ulp).
//! `MINPY_ULP_STRIDE=1` tries every `f32`; `MINPY_ULP_POINTS` sets the number of `f64` points.

mod binary;
mod complex;
mod support;

use core_math as cm;
use minpy_cpu::math::MathFn;
use support::{BOUND, apply, env, error32, error64, inputs32, inputs64, levels};

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

/// Those left to libm in `f64`, whose accuracy is libm's; in `f32` they are rounded from `f64`.
fn from_libm(f: MathFn) -> bool {
    matches!(f, MathFn::Gamma | MathFn::Lgamma)
}

#[test]
fn unary_f32() {
    let x = inputs32(env("MINPY_ULP_STRIDE", 1999) as u32);
    let mut bad = String::new();
    for &f in MathFn::ALL {
        let want: Vec<f64> = x.iter().map(|&v| reference(f)(v as f64)).collect();
        let mut line = format!("f32 {f:?}:");
        for level in levels() {
            let y = apply(f.kernel_f32(level), &x);
            let (mut worst, mut at) = (0.0, 0.0);
            for ((&v, &got), &want) in x.iter().zip(&y).zip(&want) {
                let e = error32(got, want);
                if e > worst {
                    (worst, at) = (e, v);
                }
            }
            line += &format!(" {level:?} {worst:.2} at {at:e}");
            if worst > BOUND {
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
        for level in levels() {
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
