//! Transcendental functions of float32 and float64: the kernels of `math`, wrapped as loops.

use super::loops::{BinaryLoop, Loop, Plain, Three, UnaryLoop, binary, op2};
use crate::math::{self, Form, MathFn, MathFn2};
use minpy_core::DType;
use minpy_core::backend::Prim;

struct Nextafter;
op2!(Nextafter, |a, b| libm::nextafterf(a, b); f32);
op2!(Nextafter, |a, b| libm::nextafter(a, b); f64);

fn unary_of(prim: Prim) -> Option<MathFn> {
    macro_rules! same {
        ($($n:ident)*) => { match prim { $(Prim::$n => Some(MathFn::$n),)* _ => None } };
    }
    same!(Exp Exp2 Expm1 Log Log2 Log10 Log1p Sin Cos Tan Arcsin Arccos Arctan Sinh Cosh Tanh Arcsinh Arccosh Arctanh
          Sigmoid Erf Cbrt)
}
fn binary_of(prim: Prim) -> Option<MathFn2> {
    Some(match prim {
        Prim::Pow => MathFn2::Power,
        Prim::Arctan2 => MathFn2::Arctan2,
        Prim::Hypot => MathFn2::Hypot,
        Prim::Logaddexp => MathFn2::LogAddExp,
        Prim::Logaddexp2 => MathFn2::LogAddExp2,
        _ => return None,
    })
}

const FORMS: [Form; 3] = [Form::VecVec, Form::VecScalar, Form::ScalarVec];

// The kernels of `math` take typed pointers.
fn untyped1<T>(f: math::UnaryKernel<T>) -> UnaryLoop {
    // SAFETY: pointers to sized types have one ABI; the contracts are the same.
    unsafe { std::mem::transmute::<math::UnaryKernel<T>, UnaryLoop>(f) }
}
fn untyped2<T>(f: math::BinaryKernel<T>) -> BinaryLoop {
    // SAFETY: as above.
    unsafe { std::mem::transmute::<math::BinaryKernel<T>, BinaryLoop>(f) }
}

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
    if let Some(f) = unary_of(prim) {
        return Some(Loop::Unary(if single {
            untyped1(math::unary_f32(f))
        } else {
            untyped1(math::unary_f64(f))
        }));
    }
    let f = binary_of(prim)?;
    Some(Loop::Binary(FORMS.map(|form| {
        if single { untyped2(math::binary_f32(f, form)) } else { untyped2(math::binary_f64(f, form)) }
    })))
}
