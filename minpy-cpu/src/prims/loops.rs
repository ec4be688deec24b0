//! The loops around scalar functions, compiled for every level of `simd.rs`.
//!
//! A scalar function is a type with an inlined `f`; a loop over it is a function pointer without types, which
//! compiled programs call. Slices are passed as `&`/`&mut`, because only then LLVM knows that they are disjoint.

use super::fused::FusedLoop;
use crate::simd::{Level, level};
use std::mem::MaybeUninit;

/// Function of one element.
pub trait Op1<A: Copy>: 'static {
    /// Type of the result.
    type R: Copy;
    /// The function.
    fn f(a: A) -> Self::R;
}

/// Function of two elements of one type.
pub trait Op2<T: Copy>: 'static {
    /// Type of the result.
    type R: Copy;
    /// The function.
    fn f(a: T, b: T) -> Self::R;
}

/// `(src, dst, n)`: `dst` may equal `src` when the types have one size; they overlap in no other way.
pub type UnaryLoop = unsafe fn(*const u8, *mut u8, usize);
/// `(a, b, dst, n)`: `dst` may equal `a` or `b`. A scalar side needs one readable element and may not be `dst`.
pub type BinaryLoop = unsafe fn(*const u8, *const u8, *mut u8, usize);
/// `(c, a, b, dst, n)`: chosen by `mode`, see `select.rs`.
pub type SelectLoop = unsafe fn(*const u8, *const u8, *const u8, *mut u8, usize);

/// A compiled primitive.
#[derive(Clone, Copy)]
pub enum Loop {
    /// One argument.
    Unary(UnaryLoop),
    /// Two arguments: both slices, the second a scalar, the first a scalar.
    Binary([BinaryLoop; 3]),
    /// `Select`: index bit 0 says that the first value is a scalar, bit 1 the second.
    Select([SelectLoop; 4]),
    /// Several operations, see `fused.rs`.
    Fused(FusedLoop),
}

impl Loop {
    /// Number of arguments.
    pub fn arity(&self) -> usize {
        match self {
            Loop::Unary(_) => 1,
            Loop::Binary(_) => 2,
            Loop::Select(_) => 3,
            Loop::Fused(_) => 4,
        }
    }
}

type Out<R> = MaybeUninit<R>;

/// Elements that an in-place loop computes before it writes them back.
const CHUNK_BYTES: usize = 2048;

/// An instruction set: the loops compiled for it.
pub(crate) trait Isa: 'static {
    unsafe fn unary<A: Copy, O: Op1<A>>(d: &mut [Out<O::R>], a: &[A]);
    unsafe fn vv<T: Copy, O: Op2<T>>(d: &mut [Out<O::R>], a: &[T], b: &[T]);
    unsafe fn vs<T: Copy, O: Op2<T>>(d: &mut [Out<O::R>], a: &[T], b: T);
    unsafe fn sv<T: Copy, O: Op2<T>>(d: &mut [Out<O::R>], a: T, b: &[T]);
}

macro_rules! isa {
    ($module:ident $name:ident, $(#[$attr:meta])*) => {
        mod $module {
            use super::{Op1, Op2, Out};
            $(#[$attr])*
            pub unsafe fn unary<A: Copy, O: Op1<A>>(d: &mut [Out<O::R>], a: &[A]) {
                for (d, &a) in d.iter_mut().zip(a) {
                    d.write(O::f(a));
                }
            }
            $(#[$attr])*
            pub unsafe fn vv<T: Copy, O: Op2<T>>(d: &mut [Out<O::R>], a: &[T], b: &[T]) {
                for ((d, &a), &b) in d.iter_mut().zip(a).zip(b) {
                    d.write(O::f(a, b));
                }
            }
            $(#[$attr])*
            pub unsafe fn vs<T: Copy, O: Op2<T>>(d: &mut [Out<O::R>], a: &[T], b: T) {
                for (d, &a) in d.iter_mut().zip(a) {
                    d.write(O::f(a, b));
                }
            }
            $(#[$attr])*
            pub unsafe fn sv<T: Copy, O: Op2<T>>(d: &mut [Out<O::R>], a: T, b: &[T]) {
                for (d, &b) in d.iter_mut().zip(b) {
                    d.write(O::f(a, b));
                }
            }
        }
        pub(crate) struct $name;
        impl Isa for $name {
            #[inline(always)]
            unsafe fn unary<A: Copy, O: Op1<A>>(d: &mut [Out<O::R>], a: &[A]) {
                // SAFETY: the machine supports this level (promised by whoever took the pointer).
                unsafe { $module::unary::<A, O>(d, a) }
            }
            #[inline(always)]
            unsafe fn vv<T: Copy, O: Op2<T>>(d: &mut [Out<O::R>], a: &[T], b: &[T]) {
                // SAFETY: as above.
                unsafe { $module::vv::<T, O>(d, a, b) }
            }
            #[inline(always)]
            unsafe fn vs<T: Copy, O: Op2<T>>(d: &mut [Out<O::R>], a: &[T], b: T) {
                // SAFETY: as above.
                unsafe { $module::vs::<T, O>(d, a, b) }
            }
            #[inline(always)]
            unsafe fn sv<T: Copy, O: Op2<T>>(d: &mut [Out<O::R>], a: T, b: &[T]) {
                // SAFETY: as above.
                unsafe { $module::sv::<T, O>(d, a, b) }
            }
        }
    };
}
isa!(base Base, #[inline(never)]);
#[cfg(target_arch = "x86_64")]
isa!(avx2 Avx2, #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]);
#[cfg(target_arch = "x86_64")]
isa!(avx512 Avx512, #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,lzcnt,popcnt")]);

/// Computes into a buffer on the stack and copies back, chunk by chunk: for a destination that is also a source.
#[inline(always)]
unsafe fn in_place<R: Copy>(d: *mut Out<R>, n: usize, mut part: impl FnMut(&mut [Out<R>], usize)) {
    let mut buffer = [Out::<u128>::uninit(); CHUNK_BYTES / 16];
    let chunk = CHUNK_BYTES / size_of::<R>();
    // SAFETY: `R` is plain data of at most 16 bytes alignment; uninitialised elements are never read.
    let buffer = unsafe { std::slice::from_raw_parts_mut(buffer.as_mut_ptr().cast::<Out<R>>(), chunk) };
    let mut i = 0;
    while i < n {
        let m = chunk.min(n - i);
        part(&mut buffer[..m], i);
        // SAFETY: `i + m <= n` elements at `d`; `part` wrote `m` elements.
        unsafe { std::ptr::copy_nonoverlapping(buffer.as_ptr(), d.add(i), m) };
        i += m;
    }
}

unsafe fn unary_entry<L: Isa, A: Copy, O: Op1<A>>(a: *const u8, d: *mut u8, n: usize) {
    let (a, dst) = (a.cast::<A>(), d.cast::<Out<O::R>>());
    // SAFETY: the contract of `UnaryLoop`.
    unsafe {
        if std::ptr::addr_eq(a, dst) {
            in_place(dst, n, |buf, i| L::unary::<A, O>(buf, std::slice::from_raw_parts(a.add(i), buf.len())))
        } else {
            L::unary::<A, O>(std::slice::from_raw_parts_mut(dst, n), std::slice::from_raw_parts(a, n))
        }
    }
}
unsafe fn vv_entry<L: Isa, T: Copy, O: Op2<T>>(a: *const u8, b: *const u8, d: *mut u8, n: usize) {
    let (a, b, dst) = (a.cast::<T>(), b.cast::<T>(), d.cast::<Out<O::R>>());
    // SAFETY: the contract of `BinaryLoop`.
    unsafe {
        if std::ptr::addr_eq(a, dst) || std::ptr::addr_eq(b, dst) {
            in_place(dst, n, |buf, i| {
                let m = buf.len();
                L::vv::<T, O>(
                    buf,
                    std::slice::from_raw_parts(a.add(i), m),
                    std::slice::from_raw_parts(b.add(i), m),
                )
            })
        } else {
            let d = std::slice::from_raw_parts_mut(dst, n);
            L::vv::<T, O>(d, std::slice::from_raw_parts(a, n), std::slice::from_raw_parts(b, n))
        }
    }
}
unsafe fn vs_entry<L: Isa, T: Copy, O: Op2<T>>(a: *const u8, b: *const u8, d: *mut u8, n: usize) {
    let (a, dst) = (a.cast::<T>(), d.cast::<Out<O::R>>());
    // SAFETY: the contract of `BinaryLoop`.
    unsafe {
        let b = *b.cast::<T>();
        if std::ptr::addr_eq(a, dst) {
            in_place(dst, n, |buf, i| L::vs::<T, O>(buf, std::slice::from_raw_parts(a.add(i), buf.len()), b))
        } else {
            L::vs::<T, O>(std::slice::from_raw_parts_mut(dst, n), std::slice::from_raw_parts(a, n), b)
        }
    }
}
unsafe fn sv_entry<L: Isa, T: Copy, O: Op2<T>>(a: *const u8, b: *const u8, d: *mut u8, n: usize) {
    let (b, dst) = (b.cast::<T>(), d.cast::<Out<O::R>>());
    // SAFETY: the contract of `BinaryLoop`.
    unsafe {
        let a = *a.cast::<T>();
        if std::ptr::addr_eq(b, dst) {
            in_place(dst, n, |buf, i| L::sv::<T, O>(buf, a, std::slice::from_raw_parts(b.add(i), buf.len())))
        } else {
            L::sv::<T, O>(std::slice::from_raw_parts_mut(dst, n), a, std::slice::from_raw_parts(b, n))
        }
    }
}

/// The loop of `O` for this machine.
pub(crate) fn unary<A: Copy + 'static, O: Op1<A>>() -> Loop {
    Loop::Unary(match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unary_entry::<Avx512, A, O>,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unary_entry::<Avx2, A, O>,
        _ => unary_entry::<Base, A, O>,
    })
}
/// The loops of `O` for this machine.
pub(crate) fn binary<T: Copy + 'static, O: Op2<T>>() -> Loop {
    fn of<L: Isa, T: Copy, O: Op2<T>>() -> [BinaryLoop; 3] {
        [vv_entry::<L, T, O>, vs_entry::<L, T, O>, sv_entry::<L, T, O>]
    }
    Loop::Binary(match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => of::<Avx512, T, O>(),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => of::<Avx2, T, O>(),
        _ => of::<Base, T, O>(),
    })
}
/// The loops of `O` in registers of 256 bits at most: Intel's dividers take 16 cycles for 512 bits, but 5 for 256.
pub(crate) fn narrow_binary<T: Copy + 'static, O: Op2<T>>() -> Loop {
    match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => {
            Loop::Binary([vv_entry::<Avx2, T, O>, vs_entry::<Avx2, T, O>, sv_entry::<Avx2, T, O>])
        }
        _ => binary::<T, O>(),
    }
}
/// The same for one argument.
pub(crate) fn narrow_unary<A: Copy + 'static, O: Op1<A>>() -> Loop {
    match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => Loop::Unary(unary_entry::<Avx2, A, O>),
        _ => unary::<A, O>(),
    }
}
/// The loop of `O`, compiled once: for functions that no instruction set makes faster.
pub(crate) fn plain_unary<A: Copy + 'static, O: Op1<A>>() -> Loop {
    Loop::Unary(unary_entry::<Base, A, O>)
}
/// The loops of `O`, compiled once.
pub(crate) fn plain_binary<T: Copy + 'static, O: Op2<T>>() -> Loop {
    Loop::Binary([vv_entry::<Base, T, O>, vs_entry::<Base, T, O>, sv_entry::<Base, T, O>])
}

/// Name of the vector instruction set in use.
pub fn level_name() -> &'static str {
    match level() {
        Level::Avx512 => "AVX-512",
        Level::Avx2 => "AVX2",
        Level::Base => "baseline",
    }
}

/// `(a, b, result)`-style rows for one primitive and many types: `op2!(Add, |a, b| a + b; f32 f64)`.
macro_rules! op2 {
    ($name:ident -> $r:ty, |$a:ident, $b:ident| $e:expr; $($t:ty)*) => {$(
        impl $crate::prims::loops::Op2<$t> for $name {
            type R = $r;
            #[inline(always)]
            fn f($a: $t, $b: $t) -> $r { $e }
        }
    )*};
    ($name:ident, |$a:ident, $b:ident| $e:expr; $($t:ty)*) => {$(
        impl $crate::prims::loops::Op2<$t> for $name {
            type R = $t;
            #[inline(always)]
            fn f($a: $t, $b: $t) -> $t { $e }
        }
    )*};
}
/// The same for one argument.
macro_rules! op1 {
    ($name:ident -> $r:ty, |$a:ident| $e:expr; $($t:ty)*) => {$(
        impl $crate::prims::loops::Op1<$t> for $name {
            type R = $r;
            #[inline(always)]
            fn f($a: $t) -> $r { $e }
        }
    )*};
    ($name:ident, |$a:ident| $e:expr; $($t:ty)*) => {$(
        impl $crate::prims::loops::Op1<$t> for $name {
            type R = $t;
            #[inline(always)]
            fn f($a: $t) -> $t { $e }
        }
    )*};
}
/// `table!(fn lookup: Add binary Add[f32 f64], ...)`: the function from (primitive, dtype) to its loops.
macro_rules! table {
    ($(#[$doc:meta])* fn $f:ident; $($prim:ident $how:ident $op:ident [$($t:ty)*];)*) => {
        $(#[$doc])*
        pub fn $f(prim: minpy_core::expr::Prim, dtype: minpy_core::DType) -> Option<$crate::prims::loops::Loop> {
            use minpy_core::expr::Prim;
            match prim {
                $(Prim::$prim => {
                    $(if dtype == <$t as $crate::prims::Lane>::DTYPE {
                        return Some($crate::prims::loops::$how::<$t, $op>());
                    })*
                    None
                })*
                _ => None,
            }
        }
    };
}
pub(crate) use {op1, op2, table};
