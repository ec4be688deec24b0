//! Conversions between all dtypes, as NumPy's `astype(casting="unsafe")` does them on x86-64.
//!
//! A float outside the integer's range, or NaN, becomes what the C compiler's instruction gives: the smallest int32
//! or int64, of which narrower types keep the low bits. Complex to real drops the imaginary part.

use super::loops::{Narrow, Op1, Rare, UnaryLoop, Wide, in_place1, unary_loop};
use super::{B8, Lane, half, with_bits};
use crate::machine::simd::{Level, level};
use minpy_core::DType;
use minpy_core::backend::flags;
use num_complex::{Complex, Complex32, Complex64};
use std::marker::PhantomData;

/// Conversion of one element.
pub(crate) trait To<R> {
    /// The converted element.
    fn to(self) -> R;
}

/// Conversions of a float as the processor's instructions do them: the least integer for what the integer does not hold.
trait Cut: Sized {
    fn int32(self) -> i32;
    fn int64(self) -> i64;
    /// What GCC makes of a conversion to an unsigned 64-bit integer.
    fn uint64(self) -> u64;
}
macro_rules! cut {
    ($($t:ident, $above:expr, $wide:expr;)*) => {$(
        impl Cut for $t {
            #[inline(always)]
            fn int32(self) -> i32 {
                // The bound is the next number of this type below all that fit.
                let fits = (self > $above) & (self < 2147483648.0);
                // SAFETY: what does not fit is another number.
                unsafe { (if fits { self } else { -2147483648.0 }).to_int_unchecked() }
            }
            #[inline(always)]
            fn int64(self) -> i64 {
                let fits = (self > $wide) & (self < 9223372036854775808.0);
                // SAFETY: as above.
                unsafe { (if fits { self } else { -9223372036854775808.0 }).to_int_unchecked() }
            }
            #[inline(always)]
            fn uint64(self) -> u64 {
                const HALF: $t = 9223372036854775808.0;
                let upper = self >= HALF;
                (if upper { self - HALF } else { self }).int64() as u64 ^ (upper as u64) << 63
            }
        }
    )*};
}
cut! {
    f32, -2147483904.0, -9223373136366403584.0;
    f64, -2147483649.0, -9223372036854777856.0;
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
        $from => i8: |x| x.int32() as i8;
        $from => i16: |x| x.int32() as i16;
        $from => i32: |x| x.int32();
        $from => i64: |x| x.int64();
        $from => u8: |x| x.int32() as u8;
        $from => u16: |x| x.int32() as u16;
        $from => u32: |x| x.int64() as u32;
        $from => u64: |x| x.uint64();
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

/// Whether a float becomes an integer by an instruction that raises no flag.
trait Fits<R> {
    fn fits(self) -> bool;
}
macro_rules! fits {
    ($($from:ident $above:expr, $wide:expr;)*) => {$(
        fits!(@by $from, |x| (x > $above) & (x < 2147483648.0); i8 i16 i32);
        fits!(@by $from, |x| (x > $wide) & (x < 9223372036854775808.0); i64 u32);
        fits!(@by $from, |x| (x > $wide) & (x < 18446744073709551616.0); u64);
    )*};
    (@by $from:ident, |$x:ident| $e:expr; $($to:ident)*) => {$(
        impl Fits<$to> for $from {
            #[inline(always)]
            fn fits(self) -> bool {
                let $x = self;
                $e
            }
        }
    )*};
}
fits! {
    f32 -2147483904.0, -9223373136366403584.0;
    f64 -2147483649.0, -9223372036854777856.0;
}

/// Conversions of floats to integers by the instructions that do them for whole registers: what does not fit becomes the least integer
/// there, and raises the processor's flag.
#[cfg(target_arch = "x86_64")]
mod registers {
    use super::{DType, Fits, Lane, To, UnaryLoop, flags};
    use crate::machine::simd::{Level, level};
    use std::arch::x86_64::*;

    macro_rules! loops {
        ($level:ident $feature:literal: $($name:ident $from:ident => $to:ident by $n:literal, |$x:ident, $d:ident| $e:expr;)*) => {
            mod $level {
                use super::*;
                $(
                    /// # Safety
                    /// The contract of `UnaryLoop`; the machine has this level.
                    #[target_feature(enable = $feature)]
                    pub(super) unsafe fn $name(a: *const u8, d: *mut u8, n: usize) {
                        let (a, d) = (a.cast::<$from>(), d.cast::<$to>());
                        let mut i = 0;
                        // SAFETY: `n` elements at both; a register is read whole before its results are written.
                        unsafe {
                            while i + $n <= n {
                                let ($x, $d) = (a.add(i), d.add(i));
                                $e;
                                i += $n;
                            }
                            // The rest one by one: a register put together takes as long as a dozen of these.
                            while i < n {
                                let x = *a.add(i);
                                if !Fits::<$to>::fits(x) {
                                    flags::raise(flags::INVALID);
                                }
                                *d.add(i) = x.to();
                                i += 1;
                            }
                        }
                    }
                )*
                pub(super) fn find(from: DType, to: DType) -> Option<UnaryLoop> {
                    $(if from == <$from as Lane>::DTYPE && to == <$to as Lane>::DTYPE {
                        return Some($name);
                    })*
                    None
                }
            }
        };
    }
    loops! {
        avx512 "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma":
        f32_i8 f32 => i8 by 16, |x, d| _mm_storeu_si128(d.cast(), _mm512_cvtepi32_epi8(_mm512_cvttps_epi32(_mm512_loadu_ps(x))));
        f32_i16 f32 => i16 by 16, |x, d| _mm256_storeu_si256(d.cast(), _mm512_cvtepi32_epi16(_mm512_cvttps_epi32(_mm512_loadu_ps(x))));
        f32_i32 f32 => i32 by 16, |x, d| _mm512_storeu_si512(d.cast(), _mm512_cvttps_epi32(_mm512_loadu_ps(x)));
        f32_i64 f32 => i64 by 8, |x, d| _mm512_storeu_si512(d.cast(), _mm512_cvttps_epi64(_mm256_loadu_ps(x)));
        f32_u32 f32 => u32 by 8, |x, d| _mm256_storeu_si256(d.cast(), _mm512_cvtepi64_epi32(_mm512_cvttps_epi64(_mm256_loadu_ps(x))));
        f64_i8 f64 => i8 by 8, |x, d| _mm_storel_epi64(d.cast(), _mm256_cvtepi32_epi8(_mm512_cvttpd_epi32(_mm512_loadu_pd(x))));
        f64_i16 f64 => i16 by 8, |x, d| _mm_storeu_si128(d.cast(), _mm256_cvtepi32_epi16(_mm512_cvttpd_epi32(_mm512_loadu_pd(x))));
        f64_i32 f64 => i32 by 8, |x, d| _mm256_storeu_si256(d.cast(), _mm512_cvttpd_epi32(_mm512_loadu_pd(x)));
        f64_i64 f64 => i64 by 8, |x, d| _mm512_storeu_si512(d.cast(), _mm512_cvttpd_epi64(_mm512_loadu_pd(x)));
        f64_u32 f64 => u32 by 8, |x, d| _mm256_storeu_si256(d.cast(), _mm512_cvtepi64_epi32(_mm512_cvttpd_epi64(_mm512_loadu_pd(x))));
    }
    loops! {
        avx2 "avx2,fma":
        f32_i32 f32 => i32 by 8, |x, d| _mm256_storeu_si256(d.cast(), _mm256_cvttps_epi32(_mm256_loadu_ps(x)));
        f64_i32 f64 => i32 by 4, |x, d| _mm_storeu_si128(d.cast(), _mm256_cvttpd_epi32(_mm256_loadu_pd(x)));
    }
    /// The loop for this machine, where it has such an instruction.
    pub(super) fn find<A: Lane + To<R>, R: Lane>() -> Option<UnaryLoop> {
        match level() {
            Level::Avx512 => avx512::find(A::DTYPE, R::DTYPE),
            Level::Avx2 => avx2::find(A::DTYPE, R::DTYPE),
            Level::Base => None,
        }
    }
}

/// The same where there is no such instruction: what does not fit is replaced before it is converted, and the flag raised by hand.
macro_rules! cut_loops {
    ($name:ident, $(#[$attr:meta])*) => {
        mod $name {
            use super::{Fits, To, flags};
            use std::mem::MaybeUninit;
            $(#[$attr])*
            unsafe fn typed<A: Copy + To<R> + Fits<R>, R: Copy>(d: &mut [MaybeUninit<R>], a: &[A]) -> bool {
                let (to, n) = (d.as_mut_ptr(), d.len());
                // Noted in numbers as wide as the elements: of truth values the compiler makes bytes.
                let (mut i, mut bad4, mut bad8) = (0, 0u32, 0u64);
                while i < n {
                    // SAFETY: slices have one length.
                    unsafe {
                        let x = a.as_ptr().add(i).read();
                        if const { size_of::<A>() == 4 } {
                            bad4 |= !x.fits() as u32;
                        } else {
                            bad8 |= !x.fits() as u64;
                        }
                        to.add(i).write(MaybeUninit::new(x.to()));
                    }
                    i += 1;
                }
                bad4 != 0 || bad8 != 0
            }
            /// # Safety
            /// The contract of `UnaryLoop`.
            pub(super) unsafe fn run<A: Copy + To<R> + Fits<R>, R: Copy>(a: *const u8, d: *mut u8, n: usize) {
                // SAFETY: the contract.
                unsafe {
                    if std::ptr::eq(a, d) {
                        return super::in_place1(run::<A, R>, a, size_of::<A>(), d, size_of::<R>(), n);
                    }
                    let a = std::slice::from_raw_parts(a.cast(), n);
                    if typed::<A, R>(std::slice::from_raw_parts_mut(d.cast(), n), a) {
                        flags::raise(flags::INVALID);
                    }
                }
            }
        }
    };
}
cut_loops!(base, #[inline(never)]);
#[cfg(target_arch = "x86_64")]
cut_loops!(avx2, #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]);
#[cfg(target_arch = "x86_64")]
cut_loops!(avx512, #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,lzcnt,popcnt")]);
fn cut_loop<A: Lane + To<R> + Fits<R>, R: Lane>() -> UnaryLoop {
    #[cfg(target_arch = "x86_64")]
    if let Some(run) = registers::find::<A, R>() {
        return run;
    }
    match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => avx512::run::<A, R>,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => avx2::run::<A, R>,
        _ => base::run::<A, R>,
    }
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

/// Copies elements of `size` bytes.
pub fn copy(size: usize) -> UnaryLoop {
    with_bits!(size, T => unary_loop::<Wide, T, Copy>())
}

/// The loops that convert one after another, with the dtypes they give. float16 goes through float32; a complex number
/// becomes, and comes from, the real number of its own precision.
pub fn lookup(from: DType, to: DType) -> Vec<(UnaryLoop, DType)> {
    use DType::*;
    if from == to {
        return vec![(copy(from.size()), to)];
    }
    let through = |via: DType| {
        let mut v = lookup(from, via);
        v.extend(lookup(via, to));
        v
    };
    match (from, to) {
        (F16, F32) => vec![(half::widen(), F32)],
        (F32, F16) => vec![(half::narrow(), F16)],
        (F64, F16) => vec![(unary_loop::<Wide, f64, Odd>(), F32), (half::narrow(), F16)],
        (C128, F16) => through(F64),
        (F16, _) | (_, F16) => through(F32),
        // What programs mix has a loop of its own, the rest goes through the real number of the same precision.
        (C64 | C128, C64 | C128 | F32 | F64 | Bool) | (F32 | F64, C64 | C128) => vec![(direct(from, to), to)],
        (Bool | I32 | I64, C128) => vec![(direct(from, to), to)],
        (C64, _) | (_, C64) => through(F32),
        (C128, _) | (_, C128) => through(F64),
        _ => vec![(direct(from, to), to)],
    }
}

/// Two complex numbers' parts are converted as so many real numbers.
unsafe fn widen_parts(a: *const u8, d: *mut u8, n: usize) {
    // SAFETY: `n` complex numbers are `2 * n` floats.
    unsafe { unary_loop::<Wide, f32, Cast<f64>>()(a, d, 2 * n) }
}
unsafe fn narrow_parts(a: *const u8, d: *mut u8, n: usize) {
    // SAFETY: as above.
    unsafe { unary_loop::<Wide, f64, Cast<f32>>()(a, d, 2 * n) }
}

/// The loop of a pair that has one. Integers of one size are converted alike where only their bits count.
fn direct(from: DType, to: DType) -> UnaryLoop {
    use DType::*;
    let (whole, same) = (from.is_integer() && to.is_integer(), from.size() == to.size());
    if whole && same {
        return copy(from.size());
    }
    // Bits are cut off, tested against zero, or those of a bool added to.
    let from = if to == Bool || whole && from.size() > to.size() { super::signed(from) } else { from };
    let to = if whole || from == Bool { super::signed(to) } else { to };
    // A float becomes the int32 or int64 whose low bits are the result.
    let to = match to {
        U8 | U16 if !whole => super::signed(to),
        other => other,
    };
    macro_rules! find {
        ($($set:ident $a:ty => $($r:ty)*;)*) => {$(
            if from == <$a as Lane>::DTYPE {
                $(if to == <$r as Lane>::DTYPE {
                    return unary_loop::<$set, $a, Cast<$r>>();
                })*
            }
        )*};
    }
    macro_rules! cut {
        ($($a:ty => $($r:ty)*;)*) => {$(
            if from == <$a as Lane>::DTYPE {
                $(if to == <$r as Lane>::DTYPE {
                    return cut_loop::<$a, $r>();
                })*
            }
        )*};
    }
    cut! {
        f32 => i8 i16 i32 i64 u32 u64;
        f64 => i8 i16 i32 i64 u32 u64;
    }
    find! {
        Wide B8 => i32 i64 f32 f64;
        Narrow B8 => i8;
        Rare B8 => i16;
        Narrow i8 => B8 f32 f64;
        Wide i8 => i32 i64;
        Rare i8 => i16;
        Narrow u8 => f32 f64;
        Wide u8 => i32 i64;
        Rare u8 => i16;
        Rare i16 => B8 i8 i32 i64 f32 f64;
        Rare u16 => i32 i64 f32 f64;
        Wide i32 => B8 i8 i64;
        Narrow i32 => f32 f64;
        Rare i32 => i16;
        Rare u32 => i64 f32 f64;
        Wide i64 => B8 i8 i32 f32 f64;
        Rare i64 => i16;
        Rare u64 => f32 f64;
        Wide f32 => B8 f64;
        Wide f64 => B8 f32;
        Rare B8 => Complex64;
        Rare i32 => Complex64;
        Rare i64 => Complex64;
        Rare f32 => Complex32 Complex64;
        Rare f64 => Complex32 Complex64;
        Rare Complex32 => f32 f64 B8;
        Rare Complex64 => f32 f64 B8;
    }
    match from {
        C64 => widen_parts,
        _ => narrow_parts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pair of dtypes, on numbers that all of them hold, and on negative ones.
    #[test]
    fn all_pairs() {
        let run = |list: Vec<(UnaryLoop, DType)>, mut data: Vec<u128>, n: usize| {
            for (f, _) in list {
                let mut next = vec![0u128; n];
                // SAFETY: room for `n` elements of any dtype on both sides.
                unsafe { f(data.as_ptr().cast(), next.as_mut_ptr().cast(), n) };
                data = next;
            }
            data
        };
        for negative in [false, true] {
            let numbers: Vec<f64> =
                (0..37).map(|i| if negative { -f64::from(i) } else { f64::from(i * 3) }).collect();
            let n = numbers.len();
            let mut first = vec![0u128; n];
            // SAFETY: the list has room for `n` floats.
            unsafe { std::ptr::copy_nonoverlapping(numbers.as_ptr(), first.as_mut_ptr().cast::<f64>(), n) };
            for from in DType::ALL {
                let held = run(lookup(DType::F64, from), first.clone(), n);
                for to in DType::ALL {
                    let got = run(lookup(from, to), held.clone(), n);
                    let unsigned = [from, to].iter().any(|&d| d != crate::prims::signed(d));
                    if negative && unsigned && from != DType::Bool {
                        // Wraps round in the narrower one: compared by what comes back to a signed one of its size.
                        if from.is_integer() && to.is_integer() {
                            let bytes = from.size().min(to.size());
                            for (i, &x) in numbers.iter().enumerate() {
                                // SAFETY: `n` elements of `to` lie there.
                                let low = unsafe { *got.as_ptr().cast::<u8>().add(i * to.size()) };
                                assert_eq!(low, x as i64 as u8, "{from} to {to}, {bytes} bytes");
                            }
                        }
                        continue;
                    }
                    let back = run(lookup(to, DType::F64), got, n);
                    for (i, &x) in numbers.iter().enumerate() {
                        // SAFETY: `n` floats lie there.
                        let y = unsafe { *back.as_ptr().cast::<f64>().add(i) };
                        let truth = from == DType::Bool || to == DType::Bool;
                        assert_eq!(y, if truth { f64::from(x != 0.0) } else { x }, "{from} to {to}");
                    }
                }
            }
        }
    }
}
