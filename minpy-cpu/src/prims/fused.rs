//! Two or three operations in one pass: `(a + b) * (c - d)` and its kin, and `a < b ? c : d`.
//!
//! A pass over a block costs loads and stores, not arithmetic; `elementwise/fuse.rs` joins an addition, subtraction,
//! multiplication or choice with the operations that made its arguments. Every operation still rounds by itself.

use super::B8;
use super::arithmetic::{Add, Maximum, Minimum, Mul, Sub};
use super::compare::{Eq, Ge, Gt, Le, Lt, Ne};
use super::loops::{Op2, op2};
use crate::machine::simd::{Level, level};
use minpy_core::DType;
use minpy_core::backend::Prim;
use std::marker::PhantomData;
use std::mem::MaybeUninit;

/// `(arguments, which are scalars (bits), dst, n)`: `dst` may equal arguments that are no scalars and no smaller.
pub type FusedLoop = unsafe fn([*const u8; 4], u8, *mut u8, usize);

/// What makes an argument of the last operation: nothing, or an operation of its own.
pub type Part = Option<Prim>;

/// The first argument as it is.
struct First;
op2!(First, |a, _b| a; f32 f64);
/// The first argument with its sign flipped.
struct Negated;
op2!(Negated, |a, _b| -a; f32 f64);

/// Function of four elements of one type.
pub(crate) trait Op4<T>: 'static {
    /// Type of the result.
    type R: Copy + Default;
    fn f(a: T, b: T, c: T, d: T) -> Self::R;
}
/// `Q(P(a, b), R(c, d))`.
struct Join<P, R, Q>(PhantomData<(P, R, Q)>);
impl<T: Copy + Default, P: Op2<T, R = T>, R: Op2<T, R = T>, Q: Op2<T, R = T>> Op4<T> for Join<P, R, Q> {
    type R = T;
    #[inline(always)]
    fn f(a: T, b: T, c: T, d: T) -> T {
        Q::f(P::f(a, b), R::f(c, d))
    }
}
/// `C(a, b) ? c : d`.
struct Choose<C>(PhantomData<C>);
impl<T: Copy + Default, C: Op2<T, R = B8>> Op4<T> for Choose<C> {
    type R = T;
    #[inline(always)]
    fn f(a: T, b: T, c: T, d: T) -> T {
        if C::f(a, b).get() { c } else { d }
    }
}

/// `a > b ? c : a == b ? c / 2 : 0`: the gradient of maximum.
pub(crate) struct Taken;
/// `a > b ? 2 : a == b ? 1 : 0`: what that gradient needs of `a` and `b`.
pub(crate) struct Side;
macro_rules! taken {
    ($($t:ty)*) => {$(
        impl Op4<$t> for Taken {
            type R = $t;
            #[inline(always)]
            fn f(a: $t, b: $t, c: $t, _: $t) -> $t {
                let tie = if a == b { c * 0.5 } else { 0.0 };
                if a > b { c } else { tie }
            }
        }
        impl Op4<$t> for Side {
            type R = u8;
            #[inline(always)]
            fn f(a: $t, b: $t, _: $t, _: $t) -> u8 {
                (a > b) as u8 + (a >= b) as u8
            }
        }
    )*};
}
taken!(f32 f64);

/// Elements that are read before any is written: a register of 512 bits of float32, two of float64.
const BLOCK: usize = 16;

/// Copies the last `n` elements, fewer than a block, of each array from `done` on into the blocks of `own`; those of scalars
/// are full. Apart from the loop, which is compiled for every operation.
///
/// # Safety
/// So many elements remain of each array.
#[inline(never)]
unsafe fn pad<T: Copy>(own: &mut [Own<T>; 4], args: [*const u8; 4], scalar: u8, done: usize, n: usize) {
    for (k, (own, arg)) in own.iter_mut().zip(args).enumerate() {
        if scalar >> k & 1 == 0 {
            let own = own.as_mut_ptr().cast::<T>();
            // SAFETY: the caller's promise. What follows the copy is one of its elements: a block is read whole.
            unsafe {
                let from = arg.cast::<T>().add(done);
                std::ptr::copy_nonoverlapping(from, own, n);
                for i in n..BLOCK {
                    own.add(i).write(*from);
                }
            }
        }
    }
}

/// A block for an argument that has none: of a scalar, which the loop reads again and again, or of the rest of an array. A
/// loop over a few hundred elements is over in a hundred cycles: it writes only those that it reads.
type Own<T> = MaybeUninit<[T; BLOCK]>;

/// `O` over arrays.
///
/// # Safety
/// Arguments hold `n` elements of `T`, or one where their bit in `scalar` is set; `dst` has room for `n` elements, and
/// equals an argument or is disjoint from it.
#[inline(always)]
unsafe fn fused<T: Copy + Default, O: Op4<T>>(args: [*const u8; 4], scalar: u8, dst: *mut u8, n: usize) {
    if n == 0 {
        return;
    }
    let mut own: [Own<T>; 4] = [const { MaybeUninit::uninit() }; 4];
    let (mut from, mut step) = (args.map(|p| p.cast::<[T; BLOCK]>()), [BLOCK; 4]);
    for k in 0..4 {
        if scalar >> k & 1 == 1 {
            // SAFETY: a scalar is one readable element.
            from[k] = own[k].write([unsafe { *from[k].cast::<T>() }; BLOCK]);
            step[k] = 0;
        }
    }
    let whole = n / BLOCK * BLOCK;
    let (mut to, mut left) = (dst.cast::<O::R>(), whole);
    let mut results = MaybeUninit::<[O::R; BLOCK]>::uninit();
    let mut last = whole == n;
    // One copy of the loop: the rest goes through it as a block of its own.
    loop {
        while left > 0 {
            // SAFETY: `left` elements, whole blocks, lie at the arrays and at `to`; a scalar has one block.
            unsafe { block::<T, O>(to.cast(), from[0], from[1], from[2], from[3]) };
            for k in 0..4 {
                from[k] = from[k].cast::<T>().wrapping_add(step[k]).cast();
            }
            to = to.wrapping_add(BLOCK);
            left -= BLOCK;
        }
        if last {
            break;
        }
        last = true;
        // SAFETY: so many elements remain of each array.
        unsafe { pad(&mut own, args, scalar, whole, n - whole) };
        (from, to, left) = (own.each_ref().map(|o| o.as_ptr()), results.as_mut_ptr().cast(), BLOCK);
    }
    if whole < n {
        // SAFETY: the loop wrote the whole block of results; so many elements remain of `dst`.
        unsafe {
            std::ptr::copy_nonoverlapping(results.as_ptr().cast(), dst.cast::<O::R>().add(whole), n - whole)
        };
    }
}

/// One block, read whole before it is written.
///
/// # Safety
/// Blocks at all pointers, of any alignment.
#[inline(always)]
unsafe fn block<T: Copy + Default, O: Op4<T>>(
    to: *mut [O::R; BLOCK],
    a: *const [T; BLOCK],
    b: *const [T; BLOCK],
    c: *const [T; BLOCK],
    d: *const [T; BLOCK],
) {
    // SAFETY: the caller's promise.
    let (a, b, c, d) =
        unsafe { (a.read_unaligned(), b.read_unaligned(), c.read_unaligned(), d.read_unaligned()) };
    let mut r = [O::R::default(); BLOCK];
    let mut i = 0;
    while i < BLOCK {
        r[i] = O::f(a[i], b[i], c[i], d[i]);
        i += 1;
    }
    // SAFETY: the caller's promise.
    unsafe { to.write_unaligned(r) };
}

macro_rules! entry {
    ($name:ident, $(#[$attr:meta])*) => {
        mod $name {
            use super::Op4;
            $(#[$attr])*
            pub unsafe fn run<T: Copy + Default, O: Op4<T>>(args: [*const u8; 4], scalar: u8, dst: *mut u8, n: usize) {
                // SAFETY: handed on; the machine supports this level.
                unsafe { super::fused::<T, O>(args, scalar, dst, n) }
            }
        }
    };
}
#[cfg(not(target_arch = "x86_64"))]
entry!(base, #[inline(never)]);
#[cfg(target_arch = "x86_64")]
entry!(avx2, #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]);
#[cfg(target_arch = "x86_64")]
entry!(avx512, #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,lzcnt,popcnt")]);

/// Binds `$t` to the operation of a part, among those of a list.
macro_rules! with_part {
    ($part:expr, $t:ident in [$($pattern:pat => $op:ident),*] => $body:expr) => {
        match $part {
            $($pattern => {
                type $t = $op;
                $body
            })*
            _ => None,
        }
    };
}

/// The loop for this machine. Without AVX2, x86-64 goes operation by operation.
fn of<T: Copy + Default, O: Op4<T>>() -> Option<FusedLoop> {
    match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => Some(avx512::run::<T, O>),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => Some(avx2::run::<T, O>),
        #[cfg(target_arch = "x86_64")]
        Level::Base => None,
        #[cfg(not(target_arch = "x86_64"))]
        _ => Some(base::run::<T, O>),
    }
}

/// How a loop takes its arguments.
trait Order: 'static {
    fn pick<T: Copy + Default, O: Op4<T>>() -> Option<FusedLoop>;
}
struct Straight;
impl Order for Straight {
    fn pick<T: Copy + Default, O: Op4<T>>() -> Option<FusedLoop> {
        of::<T, O>()
    }
}
/// `c, d, a, b`.
struct Turned;
impl Order for Turned {
    fn pick<T: Copy + Default, O: Op4<T>>() -> Option<FusedLoop> {
        /// # Safety
        /// As for `fused`.
        unsafe fn turned<T: Copy + Default, O: Op4<T>>(
            args: [*const u8; 4],
            scalar: u8,
            dst: *mut u8,
            n: usize,
        ) {
            let [a, b, c, d] = args;
            if let Some(run) = of::<T, O>() {
                // SAFETY: handed on.
                unsafe { run([c, d, a, b], scalar >> 2 & 3 | (scalar & 3) << 2, dst, n) }
            }
        }
        of::<T, O>().map(|_| turned::<T, O> as FusedLoop)
    }
}

/// Parts in an order, for last operations that commute. Extremes and signs stand beside nothing only, to keep the number of
/// loops down.
fn rank(part: Part) -> usize {
    [None, Some(Prim::Add), Some(Prim::Sub), Some(Prim::Mul)].iter().position(|&p| p == part).unwrap_or(4)
}

macro_rules! tables {
    ($($f:ident $t:ident;)*) => {$( mod $f {
        use super::*;
        use Prim as I;

        fn of_difference(first: Part, second: Part) -> Option<FusedLoop> {
            match (first, second) {
                (None, None) => None,
                (None, Some(I::Neg | I::Maximum | I::Minimum)) => with_part!(
                    second,
                    R in [Some(I::Neg) => Negated, Some(I::Maximum) => Maximum, Some(I::Minimum) => Minimum]
                        => of::<$t, Join<First, R, Sub>>()
                ),
                (Some(I::Neg | I::Maximum | I::Minimum), None) => with_part!(
                    first,
                    P in [Some(I::Neg) => Negated, Some(I::Maximum) => Maximum, Some(I::Minimum) => Minimum]
                        => of::<$t, Join<P, First, Sub>>()
                ),
                _ => with_part!(
                    first,
                    P in [None => First, Some(I::Add) => Add, Some(I::Sub) => Sub, Some(I::Mul) => Mul] => with_part!(
                        second,
                        R in [None => First, Some(I::Add) => Add, Some(I::Sub) => Sub, Some(I::Mul) => Mul]
                            => of::<$t, Join<P, R, Sub>>()
                    )
                ),
            }
        }
        /// Of a sum or a product, with the part of the lower rank first.
        fn commuting<H: Order>(first: Part, second: Part, last: Prim) -> Option<FusedLoop> {
            with_part!(last, Q in [I::Add => Add, I::Mul => Mul] => match first {
                None => with_part!(
                    second,
                    R in [Some(I::Add) => Add, Some(I::Sub) => Sub, Some(I::Mul) => Mul, Some(I::Neg) => Negated,
                          Some(I::Maximum) => Maximum, Some(I::Minimum) => Minimum]
                        => H::pick::<$t, Join<First, R, Q>>()
                ),
                Some(I::Add) => with_part!(
                    second,
                    R in [Some(I::Add) => Add, Some(I::Sub) => Sub, Some(I::Mul) => Mul]
                        => H::pick::<$t, Join<Add, R, Q>>()
                ),
                Some(I::Sub) => with_part!(
                    second,
                    R in [Some(I::Sub) => Sub, Some(I::Mul) => Mul] => H::pick::<$t, Join<Sub, R, Q>>()
                ),
                Some(I::Mul) => with_part!(second, R in [Some(I::Mul) => Mul] => H::pick::<$t, Join<Mul, R, Q>>()),
                _ => None,
            })
        }
        pub fn lookup(first: Part, second: Part, last: Prim) -> Option<FusedLoop> {
            if last == I::Sub {
                of_difference(first, second)
            } else if rank(first) <= rank(second) {
                commuting::<Straight>(first, second, last)
            } else {
                commuting::<Turned>(second, first, last)
            }
        }
    } )*};
}
tables! {
    of_f32 f32;
    of_f64 f64;
}

/// The loop of `last(first(a, b), second(c, d))` on `dtype`, where there is one.
pub fn lookup(first: Part, second: Part, last: Prim, dtype: DType) -> Option<FusedLoop> {
    match dtype {
        DType::F32 => of_f32::lookup(first, second, last),
        DType::F64 => of_f64::lookup(first, second, last),
        _ => None,
    }
}

/// The loop of `a > b ? c : a == b ? c / 2 : 0` on `dtype`, where there is one.
pub fn taken(dtype: DType) -> Option<FusedLoop> {
    match dtype {
        DType::F32 => of::<f32, Taken>(),
        DType::F64 => of::<f64, Taken>(),
        _ => None,
    }
}

/// The loop of `a > b ? 2 : a == b ? 1 : 0` (uint8) on `dtype`, where there is one.
pub fn side(dtype: DType) -> Option<FusedLoop> {
    match dtype {
        DType::F32 => of::<f32, Side>(),
        DType::F64 => of::<f64, Side>(),
        _ => None,
    }
}

/// The loop of `compare(a, b) ? c : d` on `dtype`, where there is one.
pub fn choice(compare: Prim, dtype: DType) -> Option<FusedLoop> {
    macro_rules! of_type {
        ($t:ident) => {
            with_part!(
                compare,
                C in [Prim::Eq => Eq, Prim::Ne => Ne, Prim::Lt => Lt, Prim::Le => Le, Prim::Gt => Gt, Prim::Ge => Ge]
                    => of::<$t, Choose<C>>()
            )
        };
    }
    match dtype {
        DType::F32 => of_type!(f32),
        DType::F64 => of_type!(f64),
        DType::I32 => of_type!(i32),
        DType::I64 => of_type!(i64),
        _ => None,
    }
}
