//! The floating-point exceptions of the functions: what NumPy tells of, and not what their inner workings meet.
//!
//! A function is computed chunk by chunk. The processor's flags say whether a chunk needs a second look, which is rare: then each result
//! and what it was made of say which exceptions those are, and the flags become these. The loops see to it that no result that is
//! infinite or NaN comes without any flag (`Unary::MUTE`, where the formula does not do so by itself).

use super::kernel::{BinaryKernel, Form, UnaryKernel};
use super::real::Real;
use super::{MathFn, MathFn2};
use minpy_core::backend::flags::{self, DIVIDE, INVALID, OVERFLOW, UNDERFLOW};
use std::mem::MaybeUninit;

/// Elements of a chunk: what is looked at twice should still be in the first-level cache.
const CHUNK: usize = 1024;

/// Functions whose special values are chosen and not computed.
pub(crate) const fn is_mute(f: MathFn) -> bool {
    matches!(f, MathFn::Log | MathFn::Log2 | MathFn::Log10 | MathFn::Log1p | MathFn::Arccosh)
}

/// The exceptions of one result.
fn of_unary<T: Real>(f: MathFn, x: T, y: T) -> u8 {
    if y.is_nan() {
        return if x.is_nan() { 0 } else { INVALID };
    }
    let (x, y) = (x.abs(), y.abs());
    if y == T::INF {
        let pole = matches!(
            f,
            MathFn::Log | MathFn::Log2 | MathFn::Log10 | MathFn::Log1p | MathFn::Arctanh | MathFn::Gamma | MathFn::Lgamma
        );
        return if x == T::INF {
            0
        } else if pole {
            DIVIDE
        } else {
            OVERFLOW
        };
    }
    let small = y < T::MIN_NORMAL && x < T::INF;
    if small && matches!(f, MathFn::Exp | MathFn::Exp2) { UNDERFLOW } else { 0 }
}
/// The same for two arguments.
fn of_binary<T: Real>(f: MathFn2, a: T, b: T, y: T) -> u8 {
    if y.is_nan() {
        return if a.is_nan() || b.is_nan() { 0 } else { INVALID };
    }
    let finite = |x: T| x.abs() < T::INF;
    if !(finite(a) && finite(b)) {
        return 0;
    }
    if y.abs() == T::INF {
        return if f == MathFn2::Power && a == T::ZERO { DIVIDE } else { OVERFLOW };
    }
    match f {
        MathFn2::Power if y.abs() < T::MIN_NORMAL && a != T::ZERO => UNDERFLOW,
        // NumPy begins with the difference.
        MathFn2::LogAddExp | MathFn2::LogAddExp2 if !finite(a - b) => OVERFLOW,
        _ => 0,
    }
}

/// A unary kernel with NumPy's exceptions.
///
/// # Safety
/// That of [`UnaryKernel`].
#[inline]
pub(crate) unsafe fn unary<T: Real>(f: MathFn, run: UnaryKernel<T>, src: *const T, dst: *mut T, n: usize) {
    let mut at = 0;
    while at < n {
        let m = (n - at).min(CHUNK);
        // SAFETY: `m` elements from `at` on; the copy has room for a chunk.
        unsafe {
            let mut own = MaybeUninit::<[T; CHUNK]>::uninit();
            let mut from = src.add(at);
            if std::ptr::eq(src, dst) {
                std::ptr::copy_nonoverlapping(from, own.as_mut_ptr().cast(), m);
                from = own.as_ptr().cast();
            }
            let before = flags::raised();
            run(from, dst.add(at), m);
            if flags::is_raised() {
                again1(f, before, from, dst.add(at), m);
            }
        }
        at += m;
    }
}
/// # Safety
/// `n` elements at both.
#[cold]
#[inline(never)]
unsafe fn again1<T: Real>(f: MathFn, before: u8, x: *const T, y: *const T, n: usize) {
    let mut met = before;
    for i in 0..n {
        // SAFETY: the caller's promise.
        let (x, y) = unsafe { (*x.add(i), *y.add(i)) };
        if !(y.abs() >= T::MIN_NORMAL && y.abs() < T::INF) {
            met |= of_unary(f, x, y);
        }
    }
    flags::set(met);
}

/// A binary kernel with NumPy's exceptions.
///
/// # Safety
/// That of [`BinaryKernel`].
#[inline]
pub(crate) unsafe fn binary<T: Real>(
    f: MathFn2,
    run: BinaryKernel<T>,
    form: Form,
    [a, b]: [*const T; 2],
    dst: *mut T,
    n: usize,
) {
    let steps = [form != Form::ScalarVec, form != Form::VecScalar];
    let mut at = 0;
    while at < n {
        let m = (n - at).min(CHUNK);
        // SAFETY: `m` elements from `at` on of slices, one of a scalar; the copy has room for a chunk.
        unsafe {
            let mut own = MaybeUninit::<[T; CHUNK]>::uninit();
            let mut from = [(a, steps[0]), (b, steps[1])].map(|(p, step)| if step { p.add(at) } else { p });
            for (p, whole) in from.iter_mut().zip([a, b]) {
                if std::ptr::eq(whole, dst) {
                    std::ptr::copy_nonoverlapping(dst.add(at).cast_const(), own.as_mut_ptr().cast(), m);
                    *p = own.as_ptr().cast();
                }
            }
            let before = flags::raised();
            run(from[0], from[1], dst.add(at), m);
            if flags::is_raised() {
                again2(f, before, from, steps, dst.add(at), m);
            }
        }
        at += m;
    }
}
/// # Safety
/// `n` elements at all, or one where there is no step.
#[cold]
#[inline(never)]
unsafe fn again2<T: Real>(f: MathFn2, before: u8, from: [*const T; 2], steps: [bool; 2], y: *const T, n: usize) {
    let mut met = before;
    let sum = matches!(f, MathFn2::LogAddExp | MathFn2::LogAddExp2);
    for i in 0..n {
        // SAFETY: the caller's promise.
        let (a, b, y) = unsafe { (*from[0].add(i * steps[0] as usize), *from[1].add(i * steps[1] as usize), *y.add(i)) };
        if sum || !(y.abs() >= T::MIN_NORMAL && y.abs() < T::INF) {
            met |= of_binary(f, a, b, y);
        }
    }
    flags::set(met);
}
