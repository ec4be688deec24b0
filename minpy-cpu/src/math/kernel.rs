//! Loops over slices: one block of registers at a time, compiled for every [`Level`].
//!
//! A block is read whole, computed in local arrays (which LLVM turns into vector registers) and
//! written whole, so sources and destination may be the same memory. The rest goes through a padded
//! block by the same code: no scalar tail.

use super::real::Real;
use crate::machine::simd::{BASE_FMA, Level};

/// A function of one argument, as a type for generic loops.
pub trait Unary<T: Copy>: 'static {
    /// True if some arguments need [`Unary::slow`].
    const HAS_SLOW: bool = false;
    /// The function, for every `x` of which [`Unary::is_slow`] is false; any value otherwise.
    fn fast<const FMA: bool>(x: T) -> T;
    /// True for arguments that [`Unary::fast`] does not serve.
    #[inline(always)]
    fn is_slow(_x: T) -> bool {
        false
    }
    /// The function for any argument, one at a time.
    fn slow(x: T) -> T {
        Self::fast::<BASE_FMA>(x)
    }
}

/// A function of two arguments, as a type for generic loops.
pub trait Binary<T: Real>: 'static {
    /// True if a scalar side saves work: then there is a loop for each form.
    const FORMS: bool = false;
    /// The function.
    fn fast<const FMA: bool>(a: T, b: T) -> T;
}

/// A slice function of one argument: `(src, dst, n)`.
///
/// # Safety
/// `src` must be readable and `dst` writable for `n` elements; they may be equal. The machine must
/// support the level for which the function was looked up.
pub type UnaryKernel<T> = unsafe fn(*const T, *mut T, usize);

/// A slice function of two arguments: `(a, b, dst, n)`.
///
/// # Safety
/// As for [`UnaryKernel`]; a scalar side needs only one readable element.
pub type BinaryKernel<T> = unsafe fn(*const T, *const T, *mut T, usize);

/// Which operands of a binary kernel are slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Slice with slice.
    VecVec,
    /// Slice with scalar.
    VecScalar,
    /// Scalar with slice.
    ScalarVec,
}

/// Elements of a block: one AVX-512 register of `f32`, two of `f64`. Fewer, and LLVM unrolls the
/// loop over the block to scalars before it could vectorise it.
pub const BLOCK: usize = 16;

type Array<T> = [T; BLOCK];

/// The loop of a unary kernel.
///
/// # Safety
/// As for [`UnaryKernel`]; with `FMA`, the enclosing function must enable it.
#[inline(always)]
unsafe fn unary<T: Real, O: Unary<T>, const FMA: bool>(src: *const T, dst: *mut T, n: usize) {
    let rest = n % BLOCK;
    let whole = n - rest;
    // Padding has an element's value: it raises no flags of its own.
    // SAFETY: with a rest there is an element after the whole blocks of `src`.
    let mut pad = [if rest == 0 { T::ONE } else { unsafe { *src.add(whole) } }; BLOCK];
    // First the whole blocks, then the rest in `pad`, by the same code.
    let (mut s, mut d, mut m, mut last) = (src, dst, whole, rest == 0);
    loop {
        let mut i = 0;
        while i < m {
            // SAFETY: `i + BLOCK <= m` elements at `s`.
            let x = unsafe { s.add(i).cast::<Array<T>>().read_unaligned() };
            let mut y = [T::ZERO; BLOCK];
            for j in 0..BLOCK {
                y[j] = O::fast::<FMA>(x[j]);
            }
            if O::HAS_SLOW {
                let mut any = 0u32;
                for &v in &x {
                    any |= O::is_slow(v) as u32;
                }
                if any != 0 {
                    for j in 0..BLOCK {
                        if O::is_slow(x[j]) {
                            y[j] = O::slow(x[j]);
                        }
                    }
                }
            }
            // SAFETY: `i + BLOCK <= m` elements at `d`.
            unsafe { d.add(i).cast::<Array<T>>().write_unaligned(y) };
            i += BLOCK;
        }
        if last {
            break;
        }
        last = true;
        // SAFETY: `rest < BLOCK` elements follow the whole blocks of `src`.
        unsafe { core::ptr::copy_nonoverlapping(src.add(whole), pad.as_mut_ptr(), rest) };
        d = pad.as_mut_ptr();
        s = d;
        m = BLOCK;
    }
    // SAFETY: `rest` elements follow the whole blocks of `dst`.
    unsafe { core::ptr::copy_nonoverlapping(pad.as_ptr(), dst.add(whole), rest) };
}

/// The loop of a binary kernel; `A` and `B` say which sides are slices.
///
/// # Safety
/// As for [`BinaryKernel`]; with `FMA`, the enclosing function must enable it.
#[inline(always)]
unsafe fn binary<T: Real, O: Binary<T>, const A: bool, const B: bool, const FMA: bool>(
    a: *const T,
    b: *const T,
    dst: *mut T,
    n: usize,
) {
    if n == 0 {
        return;
    }
    let rest = n % BLOCK;
    let whole = n - rest;
    // SAFETY: `n > 0`, so either side has an element.
    let (a0, b0) = unsafe { ([*a; BLOCK], [*b; BLOCK]) };
    let (mut pad_a, mut pad_b) = (a0, b0);
    let (mut p, mut q, mut d, mut m, mut last) = (a, b, dst, whole, rest == 0);
    loop {
        let mut i = 0;
        while i < m {
            // SAFETY: `i + BLOCK <= m` elements at `p` and `q`, where those are slices.
            let x = if A { unsafe { p.add(i).cast::<Array<T>>().read_unaligned() } } else { a0 };
            // SAFETY: as above.
            let y = if B { unsafe { q.add(i).cast::<Array<T>>().read_unaligned() } } else { b0 };
            let mut z = [T::ZERO; BLOCK];
            for j in 0..BLOCK {
                z[j] = O::fast::<FMA>(x[j], y[j]);
            }
            // SAFETY: `i + BLOCK <= m` elements at `d`.
            unsafe { d.add(i).cast::<Array<T>>().write_unaligned(z) };
            i += BLOCK;
        }
        if last {
            break;
        }
        last = true;
        // SAFETY: `rest < BLOCK` elements follow the whole blocks of the slices.
        unsafe {
            if A {
                core::ptr::copy_nonoverlapping(a.add(whole), pad_a.as_mut_ptr(), rest);
            }
            if B {
                core::ptr::copy_nonoverlapping(b.add(whole), pad_b.as_mut_ptr(), rest);
            }
        }
        d = pad_a.as_mut_ptr();
        p = d;
        q = pad_b.as_ptr();
        m = BLOCK;
    }
    // SAFETY: `rest` elements follow the whole blocks of `dst`; results are in `pad_a`.
    unsafe { core::ptr::copy_nonoverlapping(pad_a.as_ptr(), dst.add(whole), rest) };
}

/// The loop of a binary kernel for all forms: the block of a scalar side is read again and again (its step is 0).
///
/// # Safety
/// As for [`BinaryKernel`]; with `FMA`, the enclosing function must enable it.
#[inline(always)]
unsafe fn stepped<T: Real, O: Binary<T>, const FMA: bool>(
    a: *const T,
    b: *const T,
    [step_a, step_b]: [usize; 2],
    dst: *mut T,
    n: usize,
) {
    if n == 0 {
        return;
    }
    let (rest, whole) = (n % BLOCK, n - n % BLOCK);
    // SAFETY: `n > 0`, so either side has an element.
    let (mut own_a, mut own_b) = unsafe { ([*a; BLOCK], [*b; BLOCK]) };
    let (mut p, mut q) =
        (if step_a == 0 { own_a.as_ptr() } else { a }, if step_b == 0 { own_b.as_ptr() } else { b });
    let (mut d, mut left, mut last) = (dst, whole, rest == 0);
    let mut results = [T::ZERO; BLOCK];
    loop {
        while left > 0 {
            // SAFETY: so many elements, or the block of a scalar, lie at `p` and `q`, and room for them at `d`.
            unsafe {
                let x = p.cast::<Array<T>>().read_unaligned();
                let y = q.cast::<Array<T>>().read_unaligned();
                let mut z = [T::ZERO; BLOCK];
                for j in 0..BLOCK {
                    z[j] = O::fast::<FMA>(x[j], y[j]);
                }
                d.cast::<Array<T>>().write_unaligned(z);
            }
            (p, q, d) = (p.wrapping_add(step_a), q.wrapping_add(step_b), d.wrapping_add(BLOCK));
            left -= BLOCK;
        }
        if last {
            break;
        }
        last = true;
        // SAFETY: `rest < BLOCK` elements follow the whole blocks of the slices.
        unsafe {
            if step_a != 0 {
                core::ptr::copy_nonoverlapping(a.add(whole), own_a.as_mut_ptr(), rest);
            }
            if step_b != 0 {
                core::ptr::copy_nonoverlapping(b.add(whole), own_b.as_mut_ptr(), rest);
            }
        }
        (p, q, d, left) = (own_a.as_ptr(), own_b.as_ptr(), results.as_mut_ptr(), BLOCK);
    }
    // SAFETY: `rest` elements follow the whole blocks of `dst`.
    unsafe { core::ptr::copy_nonoverlapping(results.as_ptr(), dst.add(whole), rest) };
}

/// The wrappers of one level: a module with `unary` and `binary`.
macro_rules! level_module {
    ($name:ident, $fma:expr $(, $feature:literal)?) => {
        mod $name {
            use super::{Binary, Real, Unary};
            $(#[target_feature(enable = $feature)])?
            pub unsafe fn unary<T: Real, O: Unary<T>>(src: *const T, dst: *mut T, n: usize) {
                // SAFETY: the caller's promise; `FMA` matches the features of this function.
                unsafe { super::unary::<T, O, { $fma }>(src, dst, n) }
            }
            $(#[target_feature(enable = $feature)])?
            pub unsafe fn binary<T: Real, O: Binary<T>, const A: bool, const B: bool>(
                a: *const T,
                b: *const T,
                dst: *mut T,
                n: usize,
            ) {
                // SAFETY: the caller's promise; `FMA` matches the features of this function.
                unsafe { super::binary::<T, O, A, B, { $fma }>(a, b, dst, n) }
            }
            $(#[target_feature(enable = $feature)])?
            #[inline(never)]
            unsafe fn stepped<T: Real, O: Binary<T>>(a: *const T, b: *const T, steps: [usize; 2], dst: *mut T, n: usize) {
                // SAFETY: as above.
                unsafe { super::stepped::<T, O, { $fma }>(a, b, steps, dst, n) }
            }
            pub unsafe fn form<T: Real, O: Binary<T>, const A: bool, const B: bool>(
                a: *const T,
                b: *const T,
                dst: *mut T,
                n: usize,
            ) {
                let step = |slice: bool| if slice { super::BLOCK } else { 0 };
                // SAFETY: as above.
                unsafe { stepped::<T, O>(a, b, [step(A), step(B)], dst, n) }
            }
        }
    };
}
level_module!(base, super::BASE_FMA);
#[cfg(target_arch = "x86_64")]
level_module!(avx2, true, "avx2,fma");
#[cfg(target_arch = "x86_64")]
level_module!(avx512, true, "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma");

/// The unary kernel of `O` for `level`.
pub fn unary_kernel<T: Real, O: Unary<T>>(level: Level) -> UnaryKernel<T> {
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => avx512::unary::<T, O>,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => avx2::unary::<T, O>,
        _ => base::unary::<T, O>,
    }
}

/// The binary kernel of `O` for `level` and `form`.
pub fn binary_kernel<T: Real, O: Binary<T>>(level: Level, form: Form) -> BinaryKernel<T> {
    macro_rules! of {
        ($level:ident) => {
            if O::FORMS {
                match form {
                    Form::VecVec => $level::binary::<T, O, true, true>,
                    Form::VecScalar => $level::binary::<T, O, true, false>,
                    Form::ScalarVec => $level::binary::<T, O, false, true>,
                }
            } else {
                match form {
                    Form::VecVec => $level::form::<T, O, true, true>,
                    Form::VecScalar => $level::form::<T, O, true, false>,
                    Form::ScalarVec => $level::form::<T, O, false, true>,
                }
            }
        };
    }
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => of!(avx512),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => of!(avx2),
        _ => of!(base),
    }
}
