//! The floating-point exceptions of the functions: what NumPy tells of, and not what their inner workings meet.
//!
//! A function is computed chunk by chunk. The processor's flags say whether a chunk needs a second look, which is rare: then each result
//! and what it was made of say which exceptions those are, and the flags become these. Logarithms and powers have results that are
//! infinite or NaN without any flag: they are looked for, among arguments or results.

use super::kernel::{BinaryKernel, Form, UnaryKernel};
use super::real::Real;
use super::{MathFn, MathFn2};
use crate::machine::simd::{Level, level};
use minpy_core::backend::flags::{self, DIVIDE, INVALID, OVERFLOW, UNDERFLOW};
use std::mem::MaybeUninit;

/// Elements of a chunk: what is looked at twice should still be in the first-level cache.
const CHUNK: usize = 1024;

/// Whether arguments lie where a logarithm or one of its kin has no finite result: its formula chooses that one, and no flag says so.
/// (To note it in the formula's loop cost that loop half of its speed, a signaling NaN among its operands was seen through by the
/// compiler.)
///
/// # Safety
/// `n` arguments lie there.
#[inline]
unsafe fn beyond<T: Real>(f: MathFn, x: *const T, n: usize) -> bool {
    // SAFETY: the caller's promise.
    let least = |f: unsafe fn(*const T, usize) -> T| unsafe { f(x, n) };
    match f {
        MathFn::Log | MathFn::Log2 | MathFn::Log10 => least(extreme::<T, false>) <= T::ZERO,
        MathFn::Log1p => least(extreme::<T, false>) <= -T::ONE,
        MathFn::Arccosh => least(extreme::<T, false>) < T::ONE,
        MathFn::Arctanh => least(extreme::<T, true>) <= -T::ONE,
        _ => false,
    }
}
/// A loop over numbers compiled for every level, and the function that picks one of these. 64 running values, so that the compiler keeps
/// them in registers; counted by hand.
macro_rules! scan {
    ($(#[$doc:meta])* $name:ident<$t:ident $(, $flag:ident)?>, from $first:expr, |$all:ident, $y:ident| $step:expr) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// `n` numbers lie there.
        unsafe fn $name<$t: Real $(, const $flag: bool)?>(y: *const $t, n: usize) -> $t {
            scan!(@entry base, #[inline(never)], [$t $($flag)?] $first, |$all, $y| $step);
            #[cfg(target_arch = "x86_64")]
            scan!(@entry avx2, #[target_feature(enable = "avx2,fma")], [$t $($flag)?] $first, |$all, $y| $step);
            #[cfg(target_arch = "x86_64")]
            scan!(@entry avx512, #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma")],
                [$t $($flag)?] $first, |$all, $y| $step);
            // SAFETY: the machine has this level.
            unsafe {
                match level() {
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 => avx512::<$t $(, $flag)?>(y, n),
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2 => avx2::<$t $(, $flag)?>(y, n),
                    _ => base::<$t $(, $flag)?>(y, n),
                }
            }
        }
    };
    (@entry $name:ident, #[$attr:meta], [$t:ident $($flag:ident)?] $first:expr, |$all:ident, $y:ident| $step:expr) => {
        #[$attr]
        unsafe fn $name<$t: Real $(, const $flag: bool)?>(x: *const $t, n: usize) -> $t {
            if n < 64 {
                let mut last = $first;
                for i in 0..n {
                    // SAFETY: below `n`.
                    let ($all, $y) = (last, unsafe { *x.add(i) });
                    last = $step;
                }
                return last;
            }
            let mut all = [$first; 64];
            let mut i = 0;
            // SAFETY: all places are below `n`.
            unsafe {
                while i + 64 <= n {
                    let mut j = 0;
                    while j < 64 {
                        let ($all, $y) = (all[j], *x.add(i + j));
                        all[j] = $step;
                        j += 1;
                    }
                    i += 64;
                }
                while i < n {
                    let ($all, $y) = (all[0], *x.add(i));
                    all[0] = $step;
                    i += 1;
                }
            }
            // As a tree: one after another they would wait for each other.
            let mut half = 32;
            while half > 0 {
                let mut j = 0;
                while j < half {
                    let ($all, $y) = (all[j], all[j + half]);
                    all[j] = $step;
                    j += 1;
                }
                half /= 2;
            }
            all[0]
        }
    };
}
scan! {
    /// The least number, or the greatest size with its sign changed. NaN counts as nothing.
    extreme<T, SIZE>, from T::INF, |all, y| {
        let y = if SIZE { -y.abs() } else { y };
        if y < all { y } else { all }
    }
}
scan! {
    /// NaN where a number is infinite or NaN, else 0.
    residue<T>, from T::ZERO, |all, y| all + y * T::ZERO
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
            MathFn::Log
                | MathFn::Log2
                | MathFn::Log10
                | MathFn::Log1p
                | MathFn::Arctanh
                | MathFn::Gamma
                | MathFn::Lgamma
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
    // NumPy compares the difference, which NaN has none of.
    let compared = matches!(f, MathFn2::LogAddExp | MathFn2::LogAddExp2);
    if y.is_nan() {
        return if (a.is_nan() || b.is_nan()) && !compared { 0 } else { INVALID };
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
        _ if compared && !finite(a - b) => OVERFLOW,
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
            if flags::is_raised() || beyond(f, from, m) {
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
            let look = match f {
                MathFn2::Power => flags::is_raised() || residue(dst.add(at), m).is_nan(),
                MathFn2::LogAddExp | MathFn2::LogAddExp2 => true,
                _ => flags::is_raised(),
            };
            if look {
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
unsafe fn again2<T: Real>(
    f: MathFn2,
    before: u8,
    from: [*const T; 2],
    steps: [bool; 2],
    y: *const T,
    n: usize,
) {
    let mut met = before;
    let sum = matches!(f, MathFn2::LogAddExp | MathFn2::LogAddExp2);
    for i in 0..n {
        // SAFETY: the caller's promise.
        let (a, b, y) =
            unsafe { (*from[0].add(i * steps[0] as usize), *from[1].add(i * steps[1] as usize), *y.add(i)) };
        if sum || !(y.abs() >= T::MIN_NORMAL && y.abs() < T::INF) {
            met |= of_binary(f, a, b, y);
        }
    }
    flags::set(met);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::simd::supports;

    /// No kernel of any level gives infinity or NaN for a number without a flag of the processor, and of numbers without such results
    /// the loops leave none.
    #[test]
    fn what_is_no_number_raises_a_flag() {
        macro_rules! check {
            ($t:ident $kernel:ident) => {
                let mut list: Vec<$t> =
                    vec![0.0, 1.0, 0.5, 1.5, 2.0, 3.0, 10.0, 80.0, 100.0, 700.0, 720.0, 1e4, 1e30];
                list.extend([
                    $t::MAX,
                    $t::MIN_POSITIVE,
                    $t::MIN_POSITIVE / 4.0,
                    1.0 - $t::EPSILON,
                    1.0 + $t::EPSILON,
                    1e-20,
                ]);
                list.extend(list.clone().iter().map(|x| -x));
                for level in [Level::Base, Level::Avx2, Level::Avx512].into_iter().filter(|&l| supports(l)) {
                    for &f in MathFn::ALL {
                        for &x in list.iter().chain(&[$t::INFINITY, -$t::INFINITY]) {
                            for n in [1, 16, 37, 64] {
                                let from = vec![x; n];
                                let mut to = vec![0.0; n];
                                flags::begin();
                                // SAFETY: the machine has this level; `n` numbers on both sides.
                                unsafe { f.$kernel(level)(from.as_ptr(), to.as_mut_ptr(), n) };
                                // SAFETY: `n` arguments.
                                let raised = flags::is_raised() || unsafe { beyond(f, from.as_ptr(), n) };
                                let want = to.iter().fold(0, |all, &y| all | of_unary(f, x, y));
                                let scalar =
                                    matches!(f, MathFn::Erf | MathFn::Erfc | MathFn::Gamma | MathFn::Lgamma);
                                assert!(
                                    raised || want & flags::ALL == 0 || scalar,
                                    "{f:?} of {x:e} at {level:?}: {to:?}"
                                );
                                flags::begin();
                                // SAFETY: as above; in place.
                                unsafe {
                                    unary(f, f.$kernel(level), to.as_ptr(), to.as_mut_ptr(), n);
                                    flags::begin();
                                    to.fill(x);
                                    unary(f, f.$kernel(level), to.as_ptr(), to.as_mut_ptr(), n);
                                }
                                assert!(scalar || flags::raised() == want, "{f:?} of {x:e} at {level:?}");
                                flags::begin();
                            }
                        }
                    }
                }
            };
        }
        check!(f32 kernel_f32);
        check!(f64 kernel_f64);
    }
}
