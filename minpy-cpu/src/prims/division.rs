//! Division in its kinds: true, floor, remainder with either sign.
//!
//! Formulas are NumPy's: `npy_divmod` of `npy_math_internal.h.src`, integer rules of `loops.c.src` (x // 0 is 0,
//! MIN // -1 wraps), complex division after Smith ("Algorithm 116", CACM 1962).

use super::loops::{op2, table};
use num_complex::{Complex, Complex32, Complex64};

struct Div;
op2!(Div, |a, b| a / b; f32 f64);
op2!(Div, |a, b| {
    if b.re.abs() >= b.im.abs() {
        if b.re == 0.0 && b.im == 0.0 {
            Complex::new(a.re / b.re.abs(), a.im / b.re.abs())
        } else {
            let r = b.im / b.re;
            let s = 1.0 / (b.re + b.im * r);
            Complex::new((a.re + a.im * r) * s, (a.im - a.re * r) * s)
        }
    } else {
        let r = b.re / b.im;
        let s = 1.0 / (b.im + b.re * r);
        Complex::new((a.re * r + a.im) * s, (a.im * r - a.re) * s)
    }
}; Complex32 Complex64);

struct FloorDiv;
op2!(FloorDiv, |a, b| a.checked_div(b).unwrap_or(0); u8 u16 u32 u64);
op2!(FloorDiv, |a, b| if b == 0 { 0 } else {
    let q = a.wrapping_div(b);
    if a.wrapping_rem(b) != 0 && (a < 0) != (b < 0) { q - 1 } else { q }
}; i8 i16 i32 i64);
op2!(FloorDiv, |a, b| if b == 0.0 { a / b } else {
    let m = a % b;
    let mut d = (a - m) / b;
    if m != 0.0 && (b < 0.0) != (m < 0.0) {
        d -= 1.0;
    }
    if d != 0.0 {
        // NaN comes here too.
        let f = d.floor();
        if d - f > 0.5 { f + 1.0 } else { f }
    } else {
        d.abs().copysign(a / b)
    }
}; f32 f64);

struct Rem;
op2!(Rem, |a, b| a.checked_rem(b).unwrap_or(0); u8 u16 u32 u64);
op2!(Rem, |a, b| if b == 0 { 0 } else {
    let m = a.wrapping_rem(b);
    if m != 0 && (m < 0) != (b < 0) { m + b } else { m }
}; i8 i16 i32 i64);
op2!(Rem, |a, b| {
    let m = a % b;
    if b == 0.0 {
        m
    } else if m != 0.0 {
        if (b < 0.0) != (m < 0.0) { m + b } else { m }
    } else {
        m.copysign(b)
    }
}; f32 f64);

struct Fmod;
op2!(Fmod, |a, b| a.checked_rem(b).unwrap_or(0); u8 u16 u32 u64);
op2!(Fmod, |a, b| if b == 0 { 0 } else { a.wrapping_rem(b) }; i8 i16 i32 i64);
op2!(Fmod, |a, b| a % b; f32 f64);

table! {
    /// Loops of this file.
    fn lookup;
    Div binary Div[f32 f64 Complex32 Complex64];
    FloorDiv plain_binary FloorDiv[f32 f64 i32 i64 i8 i16 u8 u16 u32 u64];
    Rem plain_binary Rem[f32 f64 i32 i64 i8 i16 u8 u16 u32 u64];
    Fmod plain_binary Fmod[f32 f64 i32 i64 i8 i16 u8 u16 u32 u64];
}
