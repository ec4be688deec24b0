//! Comparisons and tests: results are bool.
//!
//! Complex numbers are ordered by real, then imaginary part (`arithmetic::gt` and its kin).

use super::B8;
use super::arithmetic::{ge, gt};
use super::loops::{op1, op2, table};
use num_complex::{Complex32, Complex64};

macro_rules! compare {
    ($($name:ident $op:tt, |$a:ident, $b:ident| $complex:expr;)*) => {$(
        pub(crate) struct $name;
        op2!($name -> B8, |a, b| B8::new(a $op b); i8 i16 i32 i64 u8 u16 u32 u64 f32 f64);
        op2!($name -> B8, |a, b| B8::new(a.get() $op b.get()); B8);
        op2!($name -> B8, |$a, $b| B8::new($complex); Complex32 Complex64);
    )*};
}
compare! {
    Eq ==, |a, b| a == b;
    Ne !=, |a, b| a != b;
    Lt <, |a, b| gt(b, a);
    Le <=, |a, b| ge(b, a);
    Gt >, |a, b| gt(a, b);
    Ge >=, |a, b| ge(a, b);
}

struct IsNan;
op1!(IsNan -> B8, |a| B8::new(a.is_nan()); f32 f64);
op1!(IsNan -> B8, |a| B8::new(a.re.is_nan() | a.im.is_nan()); Complex32 Complex64);
struct IsInf;
op1!(IsInf -> B8, |a| B8::new(a.is_infinite()); f32 f64);
op1!(IsInf -> B8, |a| B8::new(a.re.is_infinite() | a.im.is_infinite()); Complex32 Complex64);
struct IsFinite;
op1!(IsFinite -> B8, |a| B8::new(a.is_finite()); f32 f64);
op1!(IsFinite -> B8, |a| B8::new(a.re.is_finite() & a.im.is_finite()); Complex32 Complex64);
struct Signbit;
op1!(Signbit -> B8, |a| B8::new(a.is_sign_negative()); f32 f64);
op1!(Signbit -> B8, |a| B8::new(a < 0); i8 i16 i32 i64);

table! {
    /// Loops of this file.
    fn lookup;
    Eq binary<(Wide, Commutes)> Eq[f32 f64 i32 i64];
    Eq binary<(Narrow, Commutes)> Eq[i8 B8];
    Eq binary<(Rare, Commutes)> Eq[i16 Complex32 Complex64];
    Ne binary<(Wide, Commutes)> Ne[f32 f64 i32 i64];
    Ne binary<(Narrow, Commutes)> Ne[i8 B8];
    Ne binary<(Rare, Commutes)> Ne[i16 Complex32 Complex64];
    Gt binary<(Wide, Three)> Gt[f32 f64 i32 i64];
    Gt binary<(Narrow, Three)> Gt[i8 u8 B8];
    Gt binary<(Rare, Three)> Gt[i16 u16 u32 u64 Complex32 Complex64];
    Ge binary<(Wide, Three)> Ge[f32 f64 i32 i64];
    Ge binary<(Narrow, Three)> Ge[i8 u8 B8];
    Ge binary<(Rare, Three)> Ge[i16 u16 u32 u64 Complex32 Complex64];
    Lt binary<(Wide, Turned)> Gt[f32 f64 i32 i64];
    Lt binary<(Narrow, Turned)> Gt[i8 u8 B8];
    Lt binary<(Rare, Turned)> Gt[i16 u16 u32 u64 Complex32 Complex64];
    Le binary<(Wide, Turned)> Ge[f32 f64 i32 i64];
    Le binary<(Narrow, Turned)> Ge[i8 u8 B8];
    Le binary<(Rare, Turned)> Ge[i16 u16 u32 u64 Complex32 Complex64];
    IsNan unary<Wide> IsNan[f32 f64];
    IsNan unary<Rare> IsNan[Complex32 Complex64];
    IsInf unary<Wide> IsInf[f32 f64];
    IsInf unary<Rare> IsInf[Complex32 Complex64];
    IsFinite unary<Wide> IsFinite[f32 f64];
    IsFinite unary<Rare> IsFinite[Complex32 Complex64];
    Signbit unary<Wide> Signbit[f32 f64 i32 i64];
    Signbit unary<Narrow> Signbit[i8];
    Signbit unary<Rare> Signbit[i16];
}
