//! Functions of complex numbers: `math::complex` wrapped as loops (scalar code; see there for formulas).

use super::loops::{Loop, op1, op2, table};
use crate::math::complex_fn::{ComplexFn, apply32, apply64, power32, power64};
use crate::math::{self, BinaryKernel, Form, MathFn2};
use minpy_core::DType;
use minpy_core::backend::Prim;
use num_complex::{Complex32, Complex64};
use std::mem::MaybeUninit;

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

/// Numbers whose parts are taken apart together.
const CHUNK: usize = 512;

/// `|z|`: the real and the imaginary parts are the two arguments of `hypot`, which is there for every instruction set.
///
/// # Safety
/// The contract of `UnaryLoop` for `n` pairs of `T`.
unsafe fn sizes<T: Copy>(
    parts: [Option<Loop>; 2],
    hypot: BinaryKernel<T>,
    a: *const u8,
    d: *mut u8,
    n: usize,
) {
    let [Some(Loop::Unary(re)), Some(Loop::Unary(im))] = parts else { return };
    let (mut x, mut y) = ([MaybeUninit::<T>::uninit(); CHUNK], [MaybeUninit::<T>::uninit(); CHUNK]);
    let (x, y) = (x.as_mut_ptr().cast::<T>(), y.as_mut_ptr().cast::<T>());
    let mut i = 0;
    while i < n {
        let m = CHUNK.min(n - i);
        // SAFETY: `m` pairs at `from`, room for `m` numbers at all of the others; what is written was read before.
        unsafe {
            let from = a.add(2 * i * size_of::<T>());
            re(from, x.cast(), m);
            im(from, y.cast(), m);
            hypot(x, y, d.cast::<T>().add(i), m);
        }
        i += m;
    }
}
unsafe fn sizes32(a: *const u8, d: *mut u8, n: usize) {
    let parts = [Prim::Real, Prim::Imag].map(|p| super::arithmetic::lookup(p, DType::C64));
    // SAFETY: handed on.
    unsafe { sizes::<f32>(parts, math::binary_f32(MathFn2::Hypot, Form::VecVec), a, d, n) }
}
unsafe fn sizes64(a: *const u8, d: *mut u8, n: usize) {
    let parts = [Prim::Real, Prim::Imag].map(|p| super::arithmetic::lookup(p, DType::C128));
    // SAFETY: handed on.
    unsafe { sizes::<f64>(parts, math::binary_f64(MathFn2::Hypot, Form::VecVec), a, d, n) }
}

/// Loops of this file.
pub fn lookup(prim: Prim, dtype: DType) -> Option<Loop> {
    match (prim, dtype) {
        (Prim::Abs, DType::C64) => Some(Loop::Unary(sizes32)),
        (Prim::Abs, DType::C128) => Some(Loop::Unary(sizes64)),
        _ => unary(prim, dtype).or_else(|| others(prim, dtype)),
    }
}
