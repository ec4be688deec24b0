//! Conversions between all dtypes, as NumPy's `astype(casting="unsafe")` does them on x86-64.
//!
//! A float outside the integer's range, or NaN, becomes what the C compiler's instruction gives: the smallest int32
//! or int64, of which narrower types keep the low bits. Complex to real drops the imaginary part.

use super::loops::{Loop, Op1, UnaryLoop, unary};
use super::{B8, Lane, half, with_bits};
use minpy_core::DType;
use num_complex::{Complex, Complex32, Complex64};
use std::marker::PhantomData;

/// Conversion of one element.
pub(crate) trait To<R> {
    /// The converted element.
    fn to(self) -> R;
}

/// `cvttsd2si` with 32 bits.
#[inline(always)]
fn int32(x: f64) -> i32 {
    if x > -2147483649.0 && x < 2147483648.0 { x as i32 } else { i32::MIN }
}
/// `cvttsd2si` with 64 bits.
#[inline(always)]
fn int64(x: f64) -> i64 {
    if (-9223372036854775808.0..9223372036854775808.0).contains(&x) { x as i64 } else { i64::MIN }
}
/// What GCC makes of a conversion to an unsigned 64-bit integer.
#[inline(always)]
fn uint64(x: f64) -> u64 {
    if x >= 9223372036854775808.0 {
        int64(x - 9223372036854775808.0) as u64 ^ (1 << 63)
    } else {
        int64(x) as u64
    }
}

macro_rules! to {
    ($($from:ty => $to:ty: |$x:ident| $e:expr;)*) => {$(
        impl To<$to> for $from {
            #[inline(always)]
            fn to(self) -> $to { let $x = self; $e }
        }
    )*};
}
macro_rules! numbers {
    ($($from:ty)*; $to:tt) => { $(numbers!(@one $from; $to);)* };
    (@one $from:ty; [$($to:ty)*]) => { $(to!($from => $to: |x| x as $to;);)* };
}
numbers!(i8 i16 i32 i64 u8 u16 u32 u64; [i8 i16 i32 i64 u8 u16 u32 u64 f32 f64]);
macro_rules! floats {
    ($($from:ty)*) => {$( to! {
        $from => f32: |x| x as f32;
        $from => f64: |x| x as f64;
        $from => i8: |x| int32(x as f64) as i8;
        $from => i16: |x| int32(x as f64) as i16;
        $from => i32: |x| int32(x as f64);
        $from => i64: |x| int64(x as f64);
        $from => u8: |x| int32(x as f64) as u8;
        $from => u16: |x| int32(x as f64) as u16;
        $from => u32: |x| int64(x as f64) as u32;
        $from => u64: |x| uint64(x as f64);
    } )*};
}
floats!(f32 f64);
macro_rules! to_all {
    ($($t:ty)*) => {$( to! {
        B8 => $t: |x| x.get() as u8 as $t;
        $t => B8: |x| B8::new(x != 0 as $t);
        Complex32 => $t: |x| x.re.to();
        Complex64 => $t: |x| x.re.to();
        $t => Complex32: |x| Complex::new(x as f32, 0.0);
        $t => Complex64: |x| Complex::new(x as f64, 0.0);
    } )*};
}
to_all!(i8 i16 i32 i64 u8 u16 u32 u64 f32 f64);
to! {
    B8 => Complex32: |x| Complex::new(x.get() as u8 as f32, 0.0);
    B8 => Complex64: |x| Complex::new(x.get() as u8 as f64, 0.0);
    Complex32 => B8: |x| B8::new((x.re != 0.0) | (x.im != 0.0));
    Complex64 => B8: |x| B8::new((x.re != 0.0) | (x.im != 0.0));
    Complex32 => Complex64: |x| Complex::new(x.re as f64, x.im as f64);
    Complex64 => Complex32: |x| Complex::new(x.re as f32, x.im as f32);
    B8 => B8: |x| x;
    Complex32 => Complex32: |x| x;
    Complex64 => Complex64: |x| x;
}

struct Cast<R>(PhantomData<R>);
impl<A: Lane + To<R>, R: Lane> Op1<A> for Cast<R> {
    type R = R;
    #[inline(always)]
    fn f(a: A) -> R {
        a.to()
    }
}
struct Copy;
impl<A: std::marker::Copy + 'static> Op1<A> for Copy {
    type R = A;
    #[inline(always)]
    fn f(a: A) -> A {
        a
    }
}

/// float64 to float32 rounded to odd: a second rounding to float16 is then the right one.
struct Odd;
impl Op1<f64> for Odd {
    type R = f32;
    #[inline(always)]
    fn f(a: f64) -> f32 {
        let t = a as f32;
        let back = t as f64;
        let bits = t.to_bits() - (back.abs() > a.abs()) as u32;
        f32::from_bits(if back != a && !a.is_nan() { bits | 1 } else { bits })
    }
}

fn the(l: Loop) -> UnaryLoop {
    match l {
        Loop::Unary(f) => f,
        _ => unreachable!("casts have one argument"),
    }
}

/// Copies elements of `size` bytes.
pub fn copy(size: usize) -> UnaryLoop {
    with_bits!(size, T => the(unary::<T, Copy>()))
}

/// The loops that convert one after another (two or three when float16 takes part), with the dtypes they give.
pub fn lookup(from: DType, to: DType) -> Vec<(UnaryLoop, DType)> {
    use DType::*;
    if from == to {
        return vec![(copy(from.size()), to)];
    }
    match (from, to) {
        (F16, F32) => vec![(half::widen(), F32)],
        (F16, _) => {
            let mut v = lookup(F16, F32);
            v.extend(lookup(F32, to));
            v
        }
        (F32, F16) => vec![(half::narrow(), F16)],
        (F64, F16) => vec![(the(unary::<f64, Odd>()), F32), (half::narrow(), F16)],
        (_, F16) => {
            let via = if from == C128 { F64 } else { F32 };
            let mut v = lookup(from, via);
            v.extend(lookup(via, F16));
            v
        }
        _ => vec![(direct(from, to), to)],
    }
}

/// The loop of a pair without float16.
fn direct(from: DType, to: DType) -> UnaryLoop {
    fn row<A>(to: DType) -> UnaryLoop
    where
        A: Lane
            + To<B8>
            + To<i8>
            + To<i16>
            + To<i32>
            + To<i64>
            + To<u8>
            + To<u16>
            + To<u32>
            + To<u64>
            + To<f32>
            + To<f64>
            + To<Complex32>
            + To<Complex64>,
    {
        the(match to {
            DType::Bool => unary::<A, Cast<B8>>(),
            DType::I8 => unary::<A, Cast<i8>>(),
            DType::I16 => unary::<A, Cast<i16>>(),
            DType::I32 => unary::<A, Cast<i32>>(),
            DType::I64 => unary::<A, Cast<i64>>(),
            DType::U8 => unary::<A, Cast<u8>>(),
            DType::U16 => unary::<A, Cast<u16>>(),
            DType::U32 => unary::<A, Cast<u32>>(),
            DType::U64 => unary::<A, Cast<u64>>(),
            DType::F16 | DType::F32 => unary::<A, Cast<f32>>(),
            DType::F64 => unary::<A, Cast<f64>>(),
            DType::C64 => unary::<A, Cast<Complex32>>(),
            DType::C128 => unary::<A, Cast<Complex64>>(),
        })
    }
    match from {
        DType::Bool => row::<B8>(to),
        DType::I8 => row::<i8>(to),
        DType::I16 => row::<i16>(to),
        DType::I32 => row::<i32>(to),
        DType::I64 => row::<i64>(to),
        DType::U8 => row::<u8>(to),
        DType::U16 => row::<u16>(to),
        DType::U32 => row::<u32>(to),
        DType::U64 => row::<u64>(to),
        DType::F16 | DType::F32 => row::<f32>(to),
        DType::F64 => row::<f64>(to),
        DType::C64 => row::<Complex32>(to),
        DType::C128 => row::<Complex64>(to),
    }
}
