//! Functions of complex numbers: `math::complex` wrapped as loops (scalar code; see there for formulas).

use super::loops::{BinaryLoop, Loop, Op1, Plain, op1, op2, table, unary_loop};
use super::{Lane, real};
use crate::math::Real;
use crate::math::complex_fn::{ComplexFn, apply32, apply64, power32, power64};
use minpy_core::DType;
use minpy_core::backend::{Prim, flags};
use num_complex::{Complex, Complex32, Complex64};
use std::mem::MaybeUninit;

macro_rules! functions {
    ($($name:ident)*) => {
        $(
            struct $name;
            op1!($name, |a| apply32(ComplexFn::$name, a); Complex32);
            op1!($name, |a| apply64(ComplexFn::$name, a); Complex64);
        )*
        /// The loop of a function.
        fn unary(prim: Prim, dtype: DType) -> Option<Loop> {
            match (prim, dtype) {
                $(
                    (Prim::$name, DType::C64) => Some(Loop::Unary(exact1::<f32, $name>)),
                    (Prim::$name, DType::C128) => Some(Loop::Unary(exact1::<f64, $name>)),
                )*
                _ => None,
            }
        }
        $(
            impl Poles for $name {
                const POLES: bool = matches!(
                    ComplexFn::$name,
                    ComplexFn::Log | ComplexFn::Log2 | ComplexFn::Log10 | ComplexFn::Log1p | ComplexFn::Arctan
                        | ComplexFn::Arctanh
                );
            }
        )*
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
    fn powers;
    Pow binary<(Plain, Three)> Pow[Complex32 Complex64];
}
table! {
    fn others;
    Sigmoid unary<Plain> Sigmoid[Complex32 Complex64];
}

/// Numbers whose parts are taken apart, and that are looked at again, together.
const CHUNK: usize = 512;

/// Whether a function is infinite where a number is not because of a pole; others overflow.
trait Poles {
    const POLES: bool;
}
/// The floating-point exceptions of a result: those that it shows, and not those that the computation met.
fn met<T: Real>(of: &[Complex<T>], r: Complex<T>, poles: bool) -> u8 {
    let none = |z: Complex<T>| z.re.is_nan() | z.im.is_nan();
    let endless = |z: Complex<T>| (z.re.abs() == T::INF) | (z.im.abs() == T::INF);
    if none(r) {
        return if of.iter().any(|&z| none(z)) { 0 } else { flags::INVALID };
    }
    match endless(r) && !of.iter().any(|&z| endless(z)) {
        true if poles => flags::DIVIDE,
        true => flags::OVERFLOW,
        false => 0,
    }
}
/// A function's loop with the exceptions of its results.
///
/// # Safety
/// The contract of `UnaryLoop`, for complex numbers of `T`.
unsafe fn exact1<T: Real, O: Op1<Complex<T>, R = Complex<T>> + Poles>(a: *const u8, d: *mut u8, n: usize) {
    let run = unary_loop::<Plain, Complex<T>, O>();
    let mut own = MaybeUninit::<[Complex<T>; CHUNK]>::uninit();
    let mut i = 0;
    while i < n {
        let m = CHUNK.min(n - i);
        // SAFETY: `m` numbers from `i` on at both, and room for as many in the copy.
        unsafe {
            let (from, to) = (a.cast::<Complex<T>>().add(i), d.cast::<Complex<T>>().add(i));
            std::ptr::copy_nonoverlapping(from, own.as_mut_ptr().cast(), m);
            let from = own.as_ptr().cast::<Complex<T>>();
            let mut all = flags::raised();
            run(from.cast(), to.cast(), m);
            for j in 0..m {
                all |= met(&[*from.add(j)], *to.add(j), O::POLES);
            }
            if flags::raised() != all {
                flags::set(all);
            }
        }
        i += m;
    }
}
/// The same for powers; `F`: which form of the loop.
///
/// # Safety
/// The contract of `BinaryLoop`, for complex numbers of `T`.
unsafe fn exact2<T: Real + Lane, const F: usize>(a: *const u8, b: *const u8, d: *mut u8, n: usize) {
    let dtype = if T::DTYPE == DType::F32 { DType::C64 } else { DType::C128 };
    let Some(Loop::Binary(run)) = powers(Prim::Pow, dtype) else { return };
    let mut own = [const { MaybeUninit::<[Complex<T>; CHUNK]>::uninit() }; 2];
    let steps = [F != 2, F != 1];
    let mut i = 0;
    while i < n {
        let m = CHUNK.min(n - i);
        // SAFETY: as above; a scalar side has one number.
        unsafe {
            for ((own, p), step) in own.iter_mut().zip([a, b]).zip(steps) {
                let from = p.cast::<Complex<T>>().add(if step { i } else { 0 });
                std::ptr::copy_nonoverlapping(from, own.as_mut_ptr().cast(), if step { m } else { 1 });
            }
            let [x, y] = [0, 1].map(|k| own[k].as_ptr().cast::<Complex<T>>());
            let to = d.cast::<Complex<T>>().add(i);
            let mut all = flags::raised();
            run[F](x.cast(), y.cast(), to.cast(), m);
            for j in 0..m {
                let (x, y) = (*x.add(if steps[0] { j } else { 0 }), *y.add(if steps[1] { j } else { 0 }));
                all |= met(&[x, y], *to.add(j), false);
            }
            if flags::raised() != all {
                flags::set(all);
            }
        }
        i += m;
    }
}

/// `|z|`: the real and the imaginary parts are the two arguments of `hypot`, which is there for every instruction set.
///
/// # Safety
/// The contract of `UnaryLoop` for `n` pairs of `T`.
unsafe fn sizes<T: Copy>(parts: [Option<Loop>; 2], hypot: BinaryLoop, a: *const u8, d: *mut u8, n: usize) {
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
            hypot(x.cast(), y.cast(), d.cast::<T>().add(i).cast(), m);
        }
        i += m;
    }
}
unsafe fn sizes32(a: *const u8, d: *mut u8, n: usize) {
    let parts = [Prim::Real, Prim::Imag].map(|p| super::arithmetic::lookup(p, DType::C64));
    // SAFETY: handed on.
    unsafe { sizes::<f32>(parts, real::hypot(DType::F32), a, d, n) }
}
unsafe fn sizes64(a: *const u8, d: *mut u8, n: usize) {
    let parts = [Prim::Real, Prim::Imag].map(|p| super::arithmetic::lookup(p, DType::C128));
    // SAFETY: handed on.
    unsafe { sizes::<f64>(parts, real::hypot(DType::F64), a, d, n) }
}

/// Loops of this file.
pub fn lookup(prim: Prim, dtype: DType) -> Option<Loop> {
    match (prim, dtype) {
        (Prim::Abs, DType::C64) => Some(Loop::Unary(sizes32)),
        (Prim::Abs, DType::C128) => Some(Loop::Unary(sizes64)),
        (Prim::Pow, DType::C64) => Some(Loop::Binary([exact2::<f32, 0>, exact2::<f32, 1>, exact2::<f32, 2>])),
        (Prim::Pow, DType::C128) => {
            Some(Loop::Binary([exact2::<f64, 0>, exact2::<f64, 1>, exact2::<f64, 2>]))
        }
        _ => unary(prim, dtype).or_else(|| others(prim, dtype)),
    }
}
