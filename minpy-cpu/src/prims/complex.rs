//! Functions of complex numbers: `math::complex` wrapped as loops (scalar code; see there for formulas).

use super::loops::{Loop, op1, op2, table};
use crate::math::complex_fn::{ComplexFn, apply32, apply64, power32, power64};
use num_complex::{Complex32, Complex64};

macro_rules! functions {
    ($($name:ident)*) => {
        $(
            struct $name;
            op1!($name, |a| apply32(ComplexFn::$name, a); Complex32);
            op1!($name, |a| apply64(ComplexFn::$name, a); Complex64);
        )*
        table! {
            fn unary;
            $($name unary<Plain> $name[Complex32 Complex64];)*
        }
    };
}
functions!(Exp Log Log2 Log10 Exp2 Expm1 Log1p Sqrt Sin Cos Tan Sinh Cosh Tanh Arcsin Arccos Arctan Arcsinh Arccosh Arctanh);

struct Pow;
op2!(Pow, |a, b| power32(a, b); Complex32);
op2!(Pow, |a, b| power64(a, b); Complex64);
struct Sigmoid;
op1!(Sigmoid, |a| (apply32(ComplexFn::Exp, -a) + 1.0).inv(); Complex32);
op1!(Sigmoid, |a| (apply64(ComplexFn::Exp, -a) + 1.0).inv(); Complex64);

table! {
    fn others;
    Pow binary<(Plain, Three)> Pow[Complex32 Complex64];
    Sigmoid unary<Plain> Sigmoid[Complex32 Complex64];
}

/// Loops of this file.
pub fn lookup(prim: minpy_core::backend::Prim, dtype: minpy_core::DType) -> Option<Loop> {
    unary(prim, dtype).or_else(|| others(prim, dtype))
}
