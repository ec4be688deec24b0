//! Addition, multiplication and what compiles to a few instructions: neg, abs, sign, extremes, rounding.
//!
//! Integers wrap. NaN wins in maximum/minimum and loses in fmax/fmin, as in NumPy's `loops_minmax`.

use super::loops::{Loop, op1, op2, table};
use crate::machine::simd::{BASE_FMA, Level, level};
use crate::math::roots::hypot;
use minpy_core::DType;
use minpy_core::backend::Prim;
use num_complex::{Complex, Complex32, Complex64};

/// x + y
pub(crate) struct Add;
op2!(Add, |a, b| a.wrapping_add(b); i8 i16 i32 i64 u8 u16 u32 u64);
op2!(Add, |a, b| a + b; f32 f64 Complex32 Complex64);
/// x - y
pub(crate) struct Sub;
op2!(Sub, |a, b| a.wrapping_sub(b); i8 i16 i32 i64 u8 u16 u32 u64);
op2!(Sub, |a, b| a - b; f32 f64 Complex32 Complex64);
/// x * y
pub(crate) struct Mul;
op2!(Mul, |a, b| a.wrapping_mul(b); i8 i16 i32 i64 u8 u16 u32 u64);
op2!(Mul, |a, b| a * b; f32 f64);
op2!(Mul, |a, b| Complex::new(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re); Complex32 Complex64);
/// x * y of complex numbers as NumPy's loops for vectors compute it where the machine has fused multiply-add (its
/// `loops_arithm_fp`): the products with the real part of `x` are not rounded before the others are added.
pub(crate) struct Times;
op2!(Times, |a, b| {
    Complex::new(a.re.mul_add(b.re, -(a.im * b.im)), a.re.mul_add(b.im, a.im * b.re))
}; Complex32 Complex64);

/// Greater one; NaN wins.
pub(crate) struct Maximum;
op2!(Maximum, |a, b| if a >= b { a } else { b }; i8 i16 i32 i64 u8 u16 u32 u64);
op2!(Maximum, |a, b| if (a >= b) | a.is_nan() { a } else { b }; f32 f64);
op2!(Maximum, |a, b| if nan(a) || ge(a, b) { a } else { b }; Complex32 Complex64);
/// Smaller one; NaN wins.
pub(crate) struct Minimum;
op2!(Minimum, |a, b| if a <= b { a } else { b }; i8 i16 i32 i64 u8 u16 u32 u64);
op2!(Minimum, |a, b| if (a <= b) | a.is_nan() { a } else { b }; f32 f64);
op2!(Minimum, |a, b| if nan(a) || le(a, b) { a } else { b }; Complex32 Complex64);
/// Greater one; NaN loses.
struct Fmax;
op2!(Fmax, |a, b| if (a >= b) | b.is_nan() { a } else { b }; f32 f64);
op2!(Fmax, |a, b| if nan(b) || ge(a, b) { a } else { b }; Complex32 Complex64);
/// Smaller one; NaN loses.
struct Fmin;
op2!(Fmin, |a, b| if (a <= b) | b.is_nan() { a } else { b }; f32 f64);
op2!(Fmin, |a, b| if nan(b) || le(a, b) { a } else { b }; Complex32 Complex64);

/// Either part is NaN.
#[inline(always)]
pub(crate) fn nan<T: PartialEq + Copy>(z: Complex<T>) -> bool {
    !is_num(z.re) || !is_num(z.im)
}
/// Is no NaN.
#[inline(always)]
pub(crate) fn is_num<T: PartialEq>(x: T) -> bool {
    #[expect(clippy::eq_op)]
    {
        x == x
    }
}
/// NumPy's order of complex numbers: real part first; a NaN beside a decisive part makes it false (`CGT` of loops.c.src).
#[inline(always)]
pub(crate) fn gt<T: PartialOrd + Copy>(a: Complex<T>, b: Complex<T>) -> bool {
    (a.re > b.re && is_num(a.im) && is_num(b.im)) || (a.re == b.re && a.im > b.im)
}
/// As `gt`, or equal.
#[inline(always)]
pub(crate) fn ge<T: PartialOrd + Copy>(a: Complex<T>, b: Complex<T>) -> bool {
    (a.re > b.re && is_num(a.im) && is_num(b.im)) || (a.re == b.re && a.im >= b.im)
}
/// The reverse of `ge`.
#[inline(always)]
pub(crate) fn le<T: PartialOrd + Copy>(a: Complex<T>, b: Complex<T>) -> bool {
    ge(b, a)
}

struct Neg;
op1!(Neg, |a| a.wrapping_neg(); i8 i16 i32 i64 u8 u16 u32 u64);
op1!(Neg, |a| -a; f32 f64 Complex32 Complex64);
struct Abs;
op1!(Abs, |a| a.wrapping_abs(); i8 i16 i32 i64);
op1!(Abs, |a| a.abs(); f32 f64);
/// Squares of float32 are exact in float64, and so is the result to a rounding.
#[inline(always)]
fn size32(z: Complex32) -> f64 {
    let (x, y) = (z.re as f64, z.im as f64);
    let r = (x * x + y * y).sqrt();
    if z.re.is_infinite() | z.im.is_infinite() { f64::INFINITY } else { r }
}
struct Sign;
op1!(Sign, |a| if a > 0 { 1 } else if a < 0 { -1 } else { 0 }; i8 i16 i32 i64);
op1!(Sign, |a| (a != 0) as u8; u8);
op1!(Sign, |a| (a != 0) as u16; u16);
op1!(Sign, |a| (a != 0) as u32; u32);
op1!(Sign, |a| (a != 0) as u64; u64);
// -0 gives 0, NaN stays.
op1!(Sign, |a| if a > 0.0 { 1.0 } else if a < 0.0 { -1.0 } else if a == 0.0 { 0.0 } else { a }; f32 f64);
op1!(Sign, |a| {
    let z = sign_of(Complex64::new(a.re as f64, a.im as f64), size32(a));
    Complex32::new(z.re as f32, z.im as f32)
}; Complex32);
op1!(Sign, |a| {
    // As a quarter where |a| overflows.
    let quarter = (a.re.abs() > f64::MAX / 4.0) | (a.im.abs() > f64::MAX / 4.0);
    let z = if quarter { Complex64::new(a.re * 0.25, a.im * 0.25) } else { a };
    sign_of(z, hypot::<f64, false>(z.re, z.im))
}; Complex64);

/// z / |z| with NumPy's answers at infinity (`npy_math_complex`, sign of NumPy 2).
#[inline(always)]
fn sign_of(z: Complex64, size: f64) -> Complex64 {
    let (re_inf, im_inf) = (z.re.is_infinite(), z.im.is_infinite());
    let part = |x: f64, inf: bool, other: bool| {
        let x = if size == 0.0 { 0.0 } else { x / size };
        let x = if inf { 1.0 } else { x };
        if other { 0.0 } else { x }
    };
    let (re, im) = (part(z.re, re_inf, im_inf), part(z.im, im_inf, re_inf));
    let none = size.is_nan() | (re_inf & im_inf);
    let re = if re_inf { re.copysign(z.re) } else { re };
    let im = if im_inf { im.copysign(z.im) } else { im };
    if none { Complex64::new(f64::NAN, f64::NAN) } else { Complex64::new(re, im) }
}

struct Floor;
op1!(Floor, |a| a.floor(); f32 f64);
struct Ceil;
op1!(Ceil, |a| a.ceil(); f32 f64);
struct Trunc;
op1!(Trunc, |a| a.trunc(); f32 f64);
struct Rint;
op1!(Rint, |a| a.round_ties_even(); f32 f64);
/// Mantissa and exponent by their bits, without a branch; a subnormal number is made a normal one first.
macro_rules! parts {
    ($name:ident, $t:ty, $bits:ty, $mantissa:literal, $exponent:literal) => {
        #[inline(always)]
        fn $name(x: $t) -> ($t, $t) {
            const LIFT: $t = (1u64 << $mantissa) as $t;
            let small = x.abs() < <$t>::MIN_POSITIVE;
            let bits = if small { x * LIFT } else { x }.to_bits();
            let field: $bits = (1 << $exponent) - 1;
            let bias = (1 << ($exponent - 1)) - 2;
            let power = (bits >> $mantissa & field) as i32 - bias - if small { $mantissa } else { 0 };
            let whole = x == 0.0 || !x.is_finite();
            let fraction = <$t>::from_bits(bits & !(field << $mantissa) | (bias as $bits) << $mantissa);
            if whole { (x, 0.0) } else { (fraction, power as $t) }
        }
    };
}
parts!(parts_f32, f32, u32, 23, 8);
parts!(parts_f64, f64, u64, 52, 11);
struct Mantissa;
op1!(Mantissa, |a| parts_f32(a).0; f32);
op1!(Mantissa, |a| parts_f64(a).0; f64);
struct Exponent;
op1!(Exponent, |a| parts_f32(a).1; f32);
op1!(Exponent, |a| parts_f64(a).1; f64);
struct Sqrt;
op1!(Sqrt, |a| a.sqrt(); f32 f64);
struct Copysign;
op2!(Copysign, |a, b| a.copysign(b); f32 f64);

struct Conj;
op1!(Conj, |a| a.conj(); Complex32 Complex64);
struct Real;
op1!(Real -> f32, |a| a.re; Complex32);
op1!(Real -> f64, |a| a.re; Complex64);
struct Imag;
op1!(Imag -> f32, |a| a.im; Complex32);
op1!(Imag -> f64, |a| a.im; Complex64);
struct Join;
op2!(Join -> Complex32, |a, b| Complex::new(a, b); f32);
op2!(Join -> Complex64, |a, b| Complex::new(a, b); f64);

table! {
    /// Loops of this file.
    fn lookup;
    Add binary<(Wide, Into<Commutes>)> Add[f32 f64];
    Add binary<(Wide, Commutes)> Add[i32 i64];
    Add binary<(Narrow, Commutes)> Add[i8];
    Add binary<(Rare, Commutes)> Add[i16 Complex32 Complex64];
    Sub binary<(Wide, Into<Three>)> Sub[f32 f64];
    Sub binary<(Wide, Three)> Sub[i32 i64];
    Sub binary<(Narrow, Three)> Sub[i8];
    Sub binary<(Rare, Three)> Sub[i16 Complex32 Complex64];
    Mul binary<(Wide, Into<Commutes>)> Mul[f32 f64];
    Mul binary<(Wide, Commutes)> Mul[i32 i64];
    Mul binary<(Narrow, Commutes)> Mul[i8];
    Mul binary<(Rare, Commutes)> Mul[i16];
    Maximum binary<(Wide, Three)> Maximum[f32 f64];
    Maximum binary<(Wide, Commutes)> Maximum[i32 i64];
    Maximum binary<(Narrow, Commutes)> Maximum[i8 u8];
    Maximum binary<(Rare, Commutes)> Maximum[i16 u16 u32 u64];
    Maximum binary<(Rare, Three)> Maximum[Complex32 Complex64];
    Minimum binary<(Wide, Three)> Minimum[f32 f64];
    Minimum binary<(Wide, Commutes)> Minimum[i32 i64];
    Minimum binary<(Narrow, Commutes)> Minimum[i8 u8];
    Minimum binary<(Rare, Commutes)> Minimum[i16 u16 u32 u64];
    Minimum binary<(Rare, Three)> Minimum[Complex32 Complex64];
    Fmax binary<(Wide, Three)> Fmax[f32 f64];
    Fmax binary<(Rare, Three)> Fmax[Complex32 Complex64];
    Fmin binary<(Wide, Three)> Fmin[f32 f64];
    Fmin binary<(Rare, Three)> Fmin[Complex32 Complex64];
    Neg unary<Wide> Neg[f32 f64 i32 i64];
    Neg unary<Narrow> Neg[i8];
    Neg unary<Rare> Neg[i16 Complex32 Complex64];
    Abs unary<Wide> Abs[f32 f64 i32 i64];
    Abs unary<Narrow> Abs[i8];
    Abs unary<Rare> Abs[i16];
    Sign unary<Wide> Sign[f32 f64 i32 i64];
    Sign unary<Narrow> Sign[i8 u8];
    Sign unary<Rare> Sign[i16 u16];
    Sign unary<RareNarrow> Sign[u32 u64];
    Sign unary<Rare> Sign[Complex32];
    Sign unary<RareNarrow> Sign[Complex64];
    Floor unary<Wide> Floor[f32 f64];
    Ceil unary<Wide> Ceil[f32 f64];
    Trunc unary<Wide> Trunc[f32 f64];
    Rint unary<Wide> Rint[f32 f64];
    Mantissa unary<Wide> Mantissa[f32 f64];
    Exponent unary<Wide> Exponent[f32 f64];
    Sqrt unary<Narrow> Sqrt[f32 f64];
    Copysign binary<(Wide, Three)> Copysign[f32 f64];
    Conj unary<Rare> Conj[Complex32 Complex64];
    Real unary<Rare> Real[Complex32 Complex64];
    Imag unary<Rare> Imag[Complex32 Complex64];
    Complex binary<(Rare, Three)> Join[f32 f64];
}
table! {
    fn fused;
    Mul binary<(Rare, Three)> Times[Complex32 Complex64];
}
table! {
    fn rounded;
    Mul binary<(Rare, Commutes)> Mul[Complex32 Complex64];
}
/// Whether [`Times`] is what this machine's loops compute.
pub(crate) fn fuses() -> bool {
    BASE_FMA || level() != Level::Base
}
/// Products of complex numbers.
pub(super) fn product(prim: Prim, dtype: DType) -> Option<Loop> {
    if fuses() { fused(prim, dtype) } else { rounded(prim, dtype) }
}
