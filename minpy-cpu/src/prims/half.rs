//! float16: conversion loops (F16C where the machine has it) and what float32 cannot stand in for.
//!
//! Everything else is computed in float32 by `elementwise/program.rs`, with a rounding after each primitive.

use super::loops::{Loop, Plain, Three, UnaryLoop, binary, op1, op2, unary_loop};
use half::f16;
use minpy_core::backend::{Prim, flags};

struct Nextafter;
op2!(Nextafter, |a, b| {
    if a.is_nan() || b.is_nan() {
        f16::NAN
    } else if a == b {
        b
    } else if a.to_bits() & 0x7fff == 0 {
        f16::from_bits(b.to_bits() & 0x8000 | 1)
    } else if (a < b) == (a.to_bits() & 0x8000 == 0) {
        if a.to_bits() & 0x7fff == f16::MAX.to_bits() {
            flags::raise(flags::OVERFLOW);
        }
        f16::from_bits(a.to_bits() + 1)
    } else {
        f16::from_bits(a.to_bits() - 1)
    }
}; f16);

/// Loops over float16 itself.
pub fn lookup(prim: Prim) -> Option<Loop> {
    (prim == Prim::Nextafter).then(binary::<(Plain, Three), f16, Nextafter>)
}

struct Widen;
op1!(Widen -> f32, |a| a.to_f32(); f16);
struct Narrow;
op1!(Narrow -> f16, |a| {
    let r = f16::from_f32(a);
    if r.is_infinite() & a.is_finite() {
        flags::raise(flags::OVERFLOW);
    }
    r
}; f32);

#[cfg(target_arch = "x86_64")]
fn has_f16c() -> bool {
    use crate::simd::{Level, level};
    level() > Level::Base && is_x86_feature_detected!("f16c") && is_x86_feature_detected!("avx")
}

/// float16 to float32.
pub fn widen() -> UnaryLoop {
    #[cfg(target_arch = "x86_64")]
    if has_f16c() {
        return x86::widen;
    }
    unary_loop::<Plain, f16, Widen>()
}
/// float32 to float16, to nearest even.
pub fn narrow() -> UnaryLoop {
    #[cfg(target_arch = "x86_64")]
    if has_f16c() {
        return x86::narrow;
    }
    unary_loop::<Plain, f32, Narrow>()
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx,f16c")]
    pub unsafe fn widen(src: *const u8, dst: *mut u8, n: usize) {
        let (s, d) = (src.cast::<u16>(), dst.cast::<f32>());
        let mut i = 0;
        // SAFETY: `n` elements at both (contract of `UnaryLoop`).
        unsafe {
            while i + 8 <= n {
                _mm256_storeu_ps(d.add(i), _mm256_cvtph_ps(_mm_loadu_si128(s.add(i).cast())));
                i += 8;
            }
            while i < n {
                *d.add(i) = _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(*s.add(i) as i32)));
                i += 1;
            }
        }
    }
    #[target_feature(enable = "avx,f16c")]
    pub unsafe fn narrow(src: *const u8, dst: *mut u8, n: usize) {
        let (s, d) = (src.cast::<f32>(), dst.cast::<u16>());
        let mut i = 0;
        // SAFETY: as above.
        unsafe {
            while i + 8 <= n {
                let h = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(_mm256_loadu_ps(s.add(i)));
                _mm_storeu_si128(d.add(i).cast(), h);
                i += 8;
            }
            while i < n {
                let h = _mm_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(_mm_set_ss(*s.add(i)));
                *d.add(i) = _mm_cvtsi128_si32(h) as u16;
                i += 1;
            }
        }
    }
}
