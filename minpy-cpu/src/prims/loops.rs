//! The loops around scalar functions, compiled for every level of `machine/simd.rs` that is worth it (`Sets`).
//!
//! A scalar function is a type with an inlined `f`; a loop over it is a function pointer without types, which
//! compiled programs call. Slices are passed as `&`/`&mut`, because only then LLVM knows that they are disjoint.

use super::fused::FusedLoop;
use crate::machine::simd::{Level, level};
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

/// A place for a result.
type Out<R> = MaybeUninit<R>;

/// Elements that an in-place loop computes before it writes them back.
const CHUNK_BYTES: usize = 2048;

/// An instruction set: the loops compiled for it.
///
/// # Safety
/// All functions: the machine supports it, and slices have one length.
pub(crate) trait Isa: 'static {
    unsafe fn unary<A: Copy, O: Op1<A>>(d: &mut [Out<O::R>], a: &[A]);
    unsafe fn vv<T: Copy, O: Op2<T>>(d: &mut [Out<O::R>], a: &[T], b: &[T]);
    unsafe fn vs<T: Copy, O: Op2<T>>(d: &mut [Out<O::R>], a: &[T], b: T);
    unsafe fn sv<T: Copy, O: Op2<T>>(d: &mut [Out<O::R>], a: T, b: &[T]);
    /// The first argument is in `d`, whose elements have the size of `T`.
    unsafe fn into<T: Copy, O: Op2<T>>(d: &mut [Out<O::R>], b: &[T]);
    /// The same, and the second is a number.
    unsafe fn into_by<T: Copy, O: Op2<T>>(d: &mut [Out<O::R>], b: T);
}

// Counted by hand: iterators would be most of what the compiler has to read, some thousand times.
macro_rules! isa {
    ($module:ident $name:ident, $(#[$attr:meta])*) => {
        mod $module {
            use super::{Op1, Op2, Out};
            isa!(@loop $(#[$attr])* unary[A, Op1] |i| (a: &[A]) a.as_ptr().add(i).read());
            isa!(@loop $(#[$attr])* vv[T, Op2] |i| (a: &[T], b: &[T]) a.as_ptr().add(i).read(), b.as_ptr().add(i).read());
            isa!(@loop $(#[$attr])* vs[T, Op2] |i| (a: &[T], b: T) a.as_ptr().add(i).read(), b);
            isa!(@loop $(#[$attr])* sv[T, Op2] |i| (a: T, b: &[T]) a, b.as_ptr().add(i).read());
            isa!(@loop $(#[$attr])* into[T, Op2] |i, to| (b: &[T]) to.cast::<T>().read(), b.as_ptr().add(i).read());
            isa!(@loop $(#[$attr])* into_by[T, Op2] |i, to| (b: T) to.cast::<T>().read(), b);
        }
        pub(crate) struct $name;
        impl Isa for $name {
            isa!(@method $module unary[A, Op1](a: &[A]));
            isa!(@method $module vv[T, Op2](a: &[T], b: &[T]));
            isa!(@method $module vs[T, Op2](a: &[T], b: T));
            isa!(@method $module sv[T, Op2](a: T, b: &[T]));
            isa!(@method $module into[T, Op2](b: &[T]));
            isa!(@method $module into_by[T, Op2](b: T));
        }
    };
    (@loop $(#[$attr:meta])* $f:ident[$t:ident, $op:ident] |$i:ident $(, $to:ident)?| ($($x:ident: $of:ty),*) $($read:expr),*) => {
        $(#[$attr])*
        pub unsafe fn $f<$t: Copy, O: $op<$t>>(d: &mut [Out<O::R>], $($x: $of),*) {
            let (to, n) = (d.as_mut_ptr(), d.len());
            let mut $i = 0;
            while $i < n {
                // SAFETY: slices have one length (contract of `Isa`).
                unsafe {
                    let place = to.add($i);
                    $(let $to = place;)?
                    place.write(Out::new(O::f($($read),*)));
                }
                $i += 1;
            }
        }
    };
    (@method $module:ident $f:ident[$t:ident, $op:ident]($($x:ident: $of:ty),*)) => {
        #[inline(always)]
        unsafe fn $f<$t: Copy, O: $op<$t>>(d: &mut [Out<O::R>], $($x: $of),*) {
            // SAFETY: the contract of `Isa`.
            unsafe { $module::$f::<$t, O>(d, $($x),*) }
        }
    };
}
isa!(base Base, #[inline(never)]);
#[cfg(target_arch = "x86_64")]
isa!(avx2 Avx2, #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]);
#[cfg(target_arch = "x86_64")]
isa!(avx512 Avx512, #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,lzcnt,popcnt")]);

/// No registers but those of numbers: one loop for all forms, small and compiled once.
pub(crate) struct Each;
impl Isa for Each {
    #[inline(always)]
    unsafe fn unary<A: Copy, O: Op1<A>>(d: &mut [Out<O::R>], a: &[A]) {
        // SAFETY: slices have one length.
        unsafe { each1::<A, O>(d, a.as_ptr()) }
    }
    #[inline(always)]
    unsafe fn vv<T: Copy, O: Op2<T>>(d: &mut [Out<O::R>], a: &[T], b: &[T]) {
        // SAFETY: as above.
        unsafe { each2::<T, O>(d, a.as_ptr(), b.as_ptr(), [1, 1]) }
    }
    #[inline(always)]
    unsafe fn vs<T: Copy, O: Op2<T>>(d: &mut [Out<O::R>], a: &[T], b: T) {
        // SAFETY: as above; a step of 0 stays at the one element.
        unsafe { each2::<T, O>(d, a.as_ptr(), &b, [1, 0]) }
    }
    #[inline(always)]
    unsafe fn sv<T: Copy, O: Op2<T>>(d: &mut [Out<O::R>], a: T, b: &[T]) {
        // SAFETY: as above.
        unsafe { each2::<T, O>(d, &a, b.as_ptr(), [0, 1]) }
    }
    #[inline(always)]
    unsafe fn into<T: Copy, O: Op2<T>>(d: &mut [Out<O::R>], b: &[T]) {
        let a = d.as_ptr().cast();
        // SAFETY: as above; each element is read before it is written.
        unsafe { each2::<T, O>(d, a, b.as_ptr(), [1, 1]) }
    }
    #[inline(always)]
    unsafe fn into_by<T: Copy, O: Op2<T>>(d: &mut [Out<O::R>], b: T) {
        let a = d.as_ptr().cast();
        // SAFETY: as above.
        unsafe { each2::<T, O>(d, a, &b, [1, 0]) }
    }
}
/// # Safety
/// As many elements at `a` as `d` has.
#[inline(never)]
unsafe fn each1<A: Copy, O: Op1<A>>(d: &mut [Out<O::R>], a: *const A) {
    let (to, n) = (d.as_mut_ptr(), d.len());
    let mut i = 0;
    while i < n {
        // SAFETY: the caller's promise.
        unsafe { to.add(i).write(Out::new(O::f(a.add(i).read()))) };
        i = opaque(i + 1);
    }
}
/// # Safety
/// As many elements at `a` and `b`, so many steps apart, as `d` has.
#[inline(never)]
unsafe fn each2<T: Copy, O: Op2<T>>(
    d: &mut [Out<O::R>],
    a: *const T,
    b: *const T,
    [step_a, step_b]: [usize; 2],
) {
    let (to, n) = (d.as_mut_ptr(), d.len());
    let (mut a, mut b, mut i) = (a, b, 0);
    while i < n {
        // SAFETY: the caller's promise.
        unsafe { to.add(i).write(Out::new(O::f(a.read(), b.read()))) };
        (a, b) = (a.wrapping_add(step_a), b.wrapping_add(step_b));
        i = opaque(i + 1);
    }
}
/// The number, with nothing known about it: the compiler leaves a loop that counts by it as it is.
#[inline(always)]
pub(crate) fn opaque(mut n: usize) -> usize {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: no instruction.
    unsafe {
        std::arch::asm!("/* {0} */", inout(reg) n, options(pure, nomem, nostack, preserves_flags));
    }
    n
}

/// Computes into a buffer on the stack and copies back, chunk by chunk: for a destination that is also a source. `run` is any
/// of the entries below, `size` the bytes of an element of the result, `steps` those between elements of the sources.
///
/// # Safety
/// The contract of `BinaryLoop`.
#[inline(never)]
pub(super) unsafe fn in_place(
    run: BinaryLoop,
    [mut a, mut b]: [*const u8; 2],
    steps: [usize; 2],
    mut d: *mut u8,
    size: usize,
    mut n: usize,
) {
    let mut buffer = [Out::<u128>::uninit(); CHUNK_BYTES / 16];
    let buffer = buffer.as_mut_ptr().cast::<u8>();
    while n > 0 {
        let m = (CHUNK_BYTES / size).min(n);
        // SAFETY: the caller's promise; the buffer has room for `m` elements, aligned for all that loops compute.
        unsafe {
            run(a, b, buffer, m);
            std::ptr::copy_nonoverlapping(buffer, d, m * size);
        }
        (a, b) = (a.wrapping_add(m * steps[0]), b.wrapping_add(m * steps[1]));
        d = d.wrapping_add(m * size);
        n -= m;
    }
}

/// The same for one argument.
///
/// # Safety
/// The contract of `UnaryLoop`.
#[inline(never)]
pub(super) unsafe fn in_place1(
    run: UnaryLoop,
    mut a: *const u8,
    step: usize,
    mut d: *mut u8,
    size: usize,
    mut n: usize,
) {
    let mut buffer = [Out::<u128>::uninit(); CHUNK_BYTES / 16];
    let buffer = buffer.as_mut_ptr().cast::<u8>();
    while n > 0 {
        let m = (CHUNK_BYTES / size).min(n);
        // SAFETY: as above.
        unsafe {
            run(a, buffer, m);
            std::ptr::copy_nonoverlapping(buffer, d, m * size);
        }
        (a, d) = (a.wrapping_add(m * step), d.wrapping_add(m * size));
        n -= m;
    }
}

unsafe fn unary_entry<L: Isa, A: Copy, O: Op1<A>>(a: *const u8, d: *mut u8, n: usize) {
    // SAFETY: the contract of `UnaryLoop`.
    unsafe {
        if std::ptr::eq(a, d) {
            return in_place1(unary_entry::<L, A, O>, a, size_of::<A>(), d, size_of::<O::R>(), n);
        }
        L::unary::<A, O>(std::slice::from_raw_parts_mut(d.cast(), n), std::slice::from_raw_parts(a.cast(), n))
    }
}
unsafe fn vv_entry<L: Isa, T: Copy, O: Op2<T>>(a: *const u8, b: *const u8, d: *mut u8, n: usize) {
    // SAFETY: the contract of `BinaryLoop`.
    unsafe {
        if std::ptr::eq(a, d) || std::ptr::eq(b, d) {
            return in_place(vv_entry::<L, T, O>, [a, b], [size_of::<T>(); 2], d, size_of::<O::R>(), n);
        }
        let (a, b) = (std::slice::from_raw_parts(a.cast(), n), std::slice::from_raw_parts(b.cast(), n));
        L::vv::<T, O>(std::slice::from_raw_parts_mut(d.cast(), n), a, b)
    }
}
/// For what is often computed into its own argument, as sums are: a loop that does so without a detour.
unsafe fn vv_into<L: Isa, T: Copy, O: Op2<T>, F: Forms>(a: *const u8, b: *const u8, d: *mut u8, n: usize) {
    const { assert!(size_of::<T>() == size_of::<O::R>()) };
    // SAFETY: the contract of `BinaryLoop`; what is read beside the destination is elsewhere.
    unsafe {
        match (std::ptr::eq(a, d), std::ptr::eq(b, d)) {
            (true, false) => L::into::<T, O>(slice_mut(d, n), std::slice::from_raw_parts(b.cast(), n)),
            (false, true) if F::COMMUTES => {
                L::into::<T, O>(slice_mut(d, n), std::slice::from_raw_parts(a.cast(), n))
            }
            _ => vv_entry::<L, T, O>(a, b, d, n),
        }
    }
}
unsafe fn vs_into<L: Isa, T: Copy, O: Op2<T>>(a: *const u8, b: *const u8, d: *mut u8, n: usize) {
    const { assert!(size_of::<T>() == size_of::<O::R>()) };
    // SAFETY: the contract of `BinaryLoop`.
    unsafe {
        match std::ptr::eq(a, d) {
            true => L::into_by::<T, O>(slice_mut(d, n), *b.cast()),
            false => vs_entry::<L, T, O>(a, b, d, n),
        }
    }
}
/// # Safety
/// That of `from_raw_parts_mut`.
unsafe fn slice_mut<'a, R>(d: *mut u8, n: usize) -> &'a mut [Out<R>] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts_mut(d.cast(), n) }
}
unsafe fn vs_into_turned<L: Isa, T: Copy, O: Op2<T>>(a: *const u8, b: *const u8, d: *mut u8, n: usize) {
    // SAFETY: handed on.
    unsafe { vs_into::<L, T, O>(b, a, d, n) }
}
unsafe fn vs_entry<L: Isa, T: Copy, O: Op2<T>>(a: *const u8, b: *const u8, d: *mut u8, n: usize) {
    // SAFETY: the contract of `BinaryLoop`.
    unsafe {
        if std::ptr::eq(a, d) {
            return in_place(vs_entry::<L, T, O>, [a, b], [size_of::<T>(), 0], d, size_of::<O::R>(), n);
        }
        let a = std::slice::from_raw_parts(a.cast(), n);
        L::vs::<T, O>(std::slice::from_raw_parts_mut(d.cast(), n), a, *b.cast())
    }
}
unsafe fn sv_entry<L: Isa, T: Copy, O: Op2<T>>(a: *const u8, b: *const u8, d: *mut u8, n: usize) {
    // SAFETY: the contract of `BinaryLoop`.
    unsafe {
        if std::ptr::eq(b, d) {
            return in_place(sv_entry::<L, T, O>, [a, b], [0, size_of::<T>()], d, size_of::<O::R>(), n);
        }
        let b = std::slice::from_raw_parts(b.cast(), n);
        L::sv::<T, O>(std::slice::from_raw_parts_mut(d.cast(), n), *a.cast(), b)
    }
}
/// The entries with their arguments exchanged.
unsafe fn vv_turned<L: Isa, T: Copy, O: Op2<T>>(a: *const u8, b: *const u8, d: *mut u8, n: usize) {
    // SAFETY: handed on, here and below.
    unsafe { vv_entry::<L, T, O>(b, a, d, n) }
}
unsafe fn vs_turned<L: Isa, T: Copy, O: Op2<T>>(a: *const u8, b: *const u8, d: *mut u8, n: usize) {
    // SAFETY: see above.
    unsafe { vs_entry::<L, T, O>(b, a, d, n) }
}
unsafe fn sv_turned<L: Isa, T: Copy, O: Op2<T>>(a: *const u8, b: *const u8, d: *mut u8, n: usize) {
    // SAFETY: see above.
    unsafe { sv_entry::<L, T, O>(b, a, d, n) }
}

/// How the three loops of a primitive of two arguments come about.
pub(crate) trait Forms {
    /// Whether the arguments can be exchanged.
    const COMMUTES: bool;
    /// Both slices, the second a scalar, the first a scalar.
    fn of<L: Isa, T: Copy + 'static, O: Op2<T>>() -> [BinaryLoop; 3];
}
/// Each compiled.
pub(crate) struct Three;
impl Forms for Three {
    const COMMUTES: bool = false;
    fn of<L: Isa, T: Copy + 'static, O: Op2<T>>() -> [BinaryLoop; 3] {
        [vv_entry::<L, T, O>, vs_entry::<L, T, O>, sv_entry::<L, T, O>]
    }
}
/// `f(a, b)` is `f(b, a)`.
pub(crate) struct Commutes;
impl Forms for Commutes {
    const COMMUTES: bool = true;
    fn of<L: Isa, T: Copy + 'static, O: Op2<T>>() -> [BinaryLoop; 3] {
        [vv_entry::<L, T, O>, vs_entry::<L, T, O>, vs_turned::<L, T, O>]
    }
}
/// The same, with loops for a destination that is an argument: see `vv_into`. For `Three` and `Commutes`.
pub(crate) struct Into<F>(F);
impl<F: Forms> Forms for Into<F> {
    const COMMUTES: bool = F::COMMUTES;
    fn of<L: Isa, T: Copy + 'static, O: Op2<T>>() -> [BinaryLoop; 3] {
        let sv = if F::COMMUTES { vs_into_turned::<L, T, O> } else { F::of::<L, T, O>()[2] };
        [vv_into::<L, T, O, F>, vs_into::<L, T, O>, sv]
    }
}
/// The primitive is `O` with its arguments exchanged.
pub(crate) struct Turned;
impl Forms for Turned {
    const COMMUTES: bool = false;
    fn of<L: Isa, T: Copy + 'static, O: Op2<T>>() -> [BinaryLoop; 3] {
        [vv_turned::<L, T, O>, sv_turned::<L, T, O>, vs_turned::<L, T, O>]
    }
}

/// What a primitive of a dtype is compiled for.
pub(crate) trait Sets {
    type Avx512: Isa;
    type Avx2: Isa;
    type Base: Isa;
}
#[cfg(not(target_arch = "x86_64"))]
type Avx2 = Base;
#[cfg(not(target_arch = "x86_64"))]
type Avx512 = Base;
/// On x86-64, machines without AVX2 do what is rare number by number.
#[cfg(target_arch = "x86_64")]
type Spare = Each;
#[cfg(not(target_arch = "x86_64"))]
type Spare = Base;
macro_rules! sets {
    ($($(#[$doc:meta])* $name:ident $avx512:ident $avx2:ident $base:ident;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;
        impl Sets for $name {
            type Avx512 = $avx512;
            type Avx2 = $avx2;
            type Base = $base;
        }
    )*};
}
sets! {
    /// All there is.
    Wide Avx512 Avx2 Base;
    /// Registers of 256 bits at most: Intel's dividers take 16 cycles for 512 bits, but 5 for 256, and what takes a byte
    /// for an element waits for memory either way (measured from 1,000 elements on).
    Narrow Avx2 Avx2 Base;
    /// Small integers and complex numbers.
    Rare Avx512 Avx2 Spare;
    /// Both.
    RareNarrow Avx2 Avx2 Spare;
    /// For functions that no instruction set makes faster.
    Plain Each Each Each;
    /// The same where a compiler knows better than to go number by number.
    Single Base Base Base;
}

/// Both for a primitive of two arguments.
pub(crate) trait How {
    type Sets: Sets;
    type Forms: Forms;
}
impl<S: Sets, F: Forms> How for (S, F) {
    type Sets = S;
    type Forms = F;
}

/// The loop of `O` for this machine.
pub(crate) fn unary<S: Sets, A: Copy + 'static, O: Op1<A>>() -> Loop {
    Loop::Unary(unary_loop::<S, A, O>())
}
/// The same as it is.
pub(crate) fn unary_loop<S: Sets, A: Copy + 'static, O: Op1<A>>() -> UnaryLoop {
    match level() {
        Level::Avx512 => unary_entry::<S::Avx512, A, O>,
        Level::Avx2 => unary_entry::<S::Avx2, A, O>,
        Level::Base => unary_entry::<S::Base, A, O>,
    }
}
/// The loops of `O` for this machine.
pub(crate) fn binary<H: How, T: Copy + 'static, O: Op2<T>>() -> Loop {
    Loop::Binary(binary_loops::<H, T, O>())
}
/// The same as they are.
pub(crate) fn binary_loops<H: How, T: Copy + 'static, O: Op2<T>>() -> [BinaryLoop; 3] {
    match level() {
        Level::Avx512 => H::Forms::of::<<H::Sets as Sets>::Avx512, T, O>(),
        Level::Avx2 => H::Forms::of::<<H::Sets as Sets>::Avx2, T, O>(),
        Level::Base => H::Forms::of::<<H::Sets as Sets>::Base, T, O>(),
    }
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
/// `table!(fn lookup: Add binary<(Wide, Commutes)> Add[f32 f64], ...)`: the function from (primitive, dtype) to its loops. A
/// primitive may have several rows.
macro_rules! table {
    ($(#[$doc:meta])* fn $f:ident; $($prim:ident $how:ident<$by:ty> $op:ident [$($t:ty)*];)*) => {
        $(#[$doc])*
        pub fn $f(prim: minpy_core::backend::Prim, dtype: minpy_core::DType) -> Option<$crate::prims::loops::Loop> {
            use minpy_core::backend::Prim;
            #[allow(unused_imports, reason = "not all in every table")]
            use $crate::prims::loops::{Commutes, Into, Narrow, Plain, Rare, RareNarrow, Single, Three, Turned, Wide};
            $(if prim == Prim::$prim {
                $(if dtype == <$t as $crate::prims::Lane>::DTYPE {
                    return Some($crate::prims::loops::$how::<$by, $t, $op>());
                })*
            })*
            None
        }
    };
}
pub(crate) use {op1, op2, table};

#[cfg(test)]
mod tests {
    use super::{BinaryLoop, Loop};
    use crate::prims::Lane;
    use crate::prims::arithmetic::lookup;
    use minpy_core::backend::Prim;

    /// Every loop of a primitive gives what it gives elsewhere where its destination is an argument, or both.
    fn check<T: Lane + PartialEq + std::fmt::Debug>(prim: Prim, of: impl Fn(usize) -> T) {
        let Some(Loop::Binary([vv, vs, sv])) = lookup(prim, T::DTYPE) else { return };
        for n in [1, 7, 64, 1000] {
            let (x, y): (Vec<T>, Vec<T>) = (0..n).map(|i| (of(i + 1), of(3 * i + 2))).unzip();
            let run = |f: BinaryLoop, a: Option<&[T]>, b: Option<&[T]>| {
                // `None`: the destination, which begins as `x`.
                let mut d = x.clone();
                let to = d.as_mut_ptr();
                let at = |s: Option<&[T]>| s.map_or(to.cast_const(), |s| s.as_ptr());
                // SAFETY: all hold `n` elements, or one where the loop takes a number.
                unsafe { f(at(a).cast(), at(b).cast(), to.cast(), n) };
                d
            };
            let (x, y, one) = (Some(&x[..]), Some(&y[..]), Some(&y[..1]));
            assert_eq!(run(vv, None, y), run(vv, x, y), "{prim:?} first {n}");
            assert_eq!(run(vv, y, None), run(vv, y, x), "{prim:?} second {n}");
            assert_eq!(run(vv, None, None), run(vv, x, x), "{prim:?} both {n}");
            assert_eq!(run(vs, None, one), run(vs, x, one), "{prim:?} by a number {n}");
            assert_eq!(run(sv, one, None), run(sv, one, x), "{prim:?} of a number {n}");
        }
    }
    #[test]
    fn a_destination_may_be_an_argument() {
        for prim in [Prim::Add, Prim::Sub, Prim::Mul, Prim::Maximum] {
            check(prim, |i| i as f32 * 0.37);
            check(prim, |i| i as f64 * 0.37);
            check(prim, |i| i as i32);
            check(prim, |i| i as i8);
        }
    }
}
