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
op1!(IsNan -> B8, |_a| B8::new(false); i8 i16 i32 i64 u8 u16 u32 u64 B8);
struct IsInf;
op1!(IsInf -> B8, |a| B8::new(a.is_infinite()); f32 f64);
op1!(IsInf -> B8, |a| B8::new(a.re.is_infinite() | a.im.is_infinite()); Complex32 Complex64);
op1!(IsInf -> B8, |_a| B8::new(false); i8 i16 i32 i64 u8 u16 u32 u64 B8);
struct IsFinite;
op1!(IsFinite -> B8, |a| B8::new(a.is_finite()); f32 f64);
op1!(IsFinite -> B8, |a| B8::new(a.re.is_finite() & a.im.is_finite()); Complex32 Complex64);
op1!(IsFinite -> B8, |_a| B8::new(true); i8 i16 i32 i64 u8 u16 u32 u64 B8);
struct Signbit;
op1!(Signbit -> B8, |a| B8::new(a.is_sign_negative()); f32 f64);
op1!(Signbit -> B8, |a| B8::new(a < 0); i8 i16 i32 i64);
op1!(Signbit -> B8, |_a| B8::new(false); u8 u16 u32 u64 B8);

table! {
    /// Loops of this file.
    fn lookup;
    Eq binary Eq[f32 f64 i32 i64 i8 i16 Complex32 Complex64 B8];
    Ne binary Ne[f32 f64 i32 i64 i8 i16 Complex32 Complex64 B8];
    Lt binary Lt[f32 f64 i32 i64 i8 i16 u8 u16 u32 u64 Complex32 Complex64 B8];
    Le binary Le[f32 f64 i32 i64 i8 i16 u8 u16 u32 u64 Complex32 Complex64 B8];
    Gt binary Gt[f32 f64 i32 i64 i8 i16 u8 u16 u32 u64 Complex32 Complex64 B8];
    Ge binary Ge[f32 f64 i32 i64 i8 i16 u8 u16 u32 u64 Complex32 Complex64 B8];
    IsNan unary IsNan[f32 f64 Complex32 Complex64 i8 i16 i32 i64 B8];
    IsInf unary IsInf[f32 f64 Complex32 Complex64 i8 i16 i32 i64 B8];
    IsFinite unary IsFinite[f32 f64 Complex32 Complex64 i8 i16 i32 i64 B8];
    Signbit unary Signbit[f32 f64 i8 i16 i32 i64 u8 u16 u32 u64 B8];
}
