//! Transcendental functions of float32 and float64: the kernels of `math`, wrapped as loops.

use super::loops::{BinaryLoop, Loop, Plain, Three, UnaryLoop, binary, op2};
use crate::machine::simd::level;
use crate::math::{Form, MathFn, MathFn2, exceptions};
use minpy_core::DType;
use minpy_core::backend::Prim;

struct Nextafter;
op2!(Nextafter, |a, b| libm::nextafterf(a, b); f32);
op2!(Nextafter, |a, b| libm::nextafter(a, b); f64);

/// The loops of one function: for float32 and for float64.
macro_rules! loops {
    (unary $($n:ident)*) => {
        /// The loop of a function of one argument.
        fn unary_of(prim: Prim, single: bool) -> Option<UnaryLoop> {
            match prim {
                $(Prim::$n => {
                    unsafe fn single_loop(a: *const u8, d: *mut u8, n: usize) {
                        let run = MathFn::$n.kernel_f32(level());
                        // SAFETY: handed on: the contracts are the same.
                        unsafe { exceptions::unary(MathFn::$n, run, a.cast::<f32>(), d.cast(), n) }
                    }
                    unsafe fn double_loop(a: *const u8, d: *mut u8, n: usize) {
                        let run = MathFn::$n.kernel_f64(level());
                        // SAFETY: as above.
                        unsafe { exceptions::unary(MathFn::$n, run, a.cast::<f64>(), d.cast(), n) }
                    }
                    Some(if single { single_loop } else { double_loop })
                })*
                _ => None,
            }
        }
    };
    (binary $($prim:ident $n:ident)*) => {
        /// The loops of a function of two arguments.
        fn binary_of(prim: Prim, single: bool) -> Option<[BinaryLoop; 3]> {
            match prim {
                $(Prim::$prim => {
                    unsafe fn single_loop<const F: usize>(a: *const u8, b: *const u8, d: *mut u8, n: usize) {
                        let run = MathFn2::$n.kernel_f32(level(), FORMS[F]);
                        // SAFETY: handed on: the contracts are the same.
                        unsafe { exceptions::binary(MathFn2::$n, run, FORMS[F], [a.cast::<f32>(), b.cast()], d.cast(), n) }
                    }
                    unsafe fn double_loop<const F: usize>(a: *const u8, b: *const u8, d: *mut u8, n: usize) {
                        let run = MathFn2::$n.kernel_f64(level(), FORMS[F]);
                        // SAFETY: as above.
                        unsafe { exceptions::binary(MathFn2::$n, run, FORMS[F], [a.cast::<f64>(), b.cast()], d.cast(), n) }
                    }
                    Some(if single {
                        [single_loop::<0>, single_loop::<1>, single_loop::<2>]
                    } else {
                        [double_loop::<0>, double_loop::<1>, double_loop::<2>]
                    })
                })*
                _ => None,
            }
        }
    };
}
loops! {
    unary Exp Exp2 Expm1 Log Log2 Log10 Log1p Sin Cos Tan Arcsin Arccos Arctan Sinh Cosh Tanh Arcsinh Arccosh Arctanh Sigmoid Erf Cbrt
}
loops! { binary Pow Power Arctan2 Arctan2 Hypot Hypot Logaddexp LogAddExp Logaddexp2 LogAddExp2 }

/// The loop of `hypot` over two arrays.
pub(super) fn hypot(dtype: DType) -> BinaryLoop {
    match binary_of(Prim::Hypot, dtype == DType::F32) {
        Some([run, ..]) => run,
        None => unreachable!("hypot has loops"),
    }
}

const FORMS: [Form; 3] = [Form::VecVec, Form::VecScalar, Form::ScalarVec];

/// Loops of this file.
pub fn lookup(prim: Prim, dtype: DType) -> Option<Loop> {
    match dtype {
        DType::F32 | DType::F64 => {}
        _ => return None,
    }
    let single = dtype == DType::F32;
    if prim == Prim::Nextafter {
        return Some(if single {
            binary::<(Plain, Three), f32, Nextafter>()
        } else {
            binary::<(Plain, Three), f64, Nextafter>()
        });
    }
    unary_of(prim, single).map(Loop::Unary).or_else(|| binary_of(prim, single).map(Loop::Binary))
}
