//! Integers divided by, or raised to, one number: what can be known of it is found once for all elements.
//!
//! A quotient is the upper half of a product with a fixed-point reciprocal, corrected and shifted: Granlund and Montgomery,
//! "Division by Invariant Integers using Multiplication" (PLDI 1994). It is exact for every dividend.

use super::division::{by_zero, overflows};
use super::loops::{BinaryLoop, in_place};
use crate::machine::simd::{Level, level};
use minpy_core::DType;
use minpy_core::backend::Prim;
use std::mem::MaybeUninit;

/// An integer type with the reciprocal of a divisor.
trait Whole: Copy + PartialEq + Default + 'static {
    /// What division by one number, not 0, needs to know of it.
    type By: Copy;
    fn by(divisor: Self) -> Self::By;
    /// The quotient, rounded down.
    fn floor(self, by: Self::By) -> Self;
    /// The remainder with the sign of the dividend.
    fn cut(self, by: Self::By, divisor: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
    /// The number as an exponent; negative ones have other rules.
    fn exponent(self) -> Option<u64>;
    const ONE: Self;
    /// -1, of numbers with a sign.
    const NEGATIVE: Option<Self>;
    /// The least number.
    const LEAST: Self;
}

/// The upper half of a product.
trait High: Copy {
    fn high(self, other: Self) -> Self;
}
macro_rules! high {
    ($($t:ty, $wide:ty;)*) => {$(
        impl High for $t {
            #[inline(always)]
            fn high(self, other: $t) -> $t { ((self as $wide * other as $wide) >> <$t>::BITS) as $t }
        }
    )*};
}
high! { u8, u16; u16, u32; u32, u64; }
impl High for u64 {
    /// In halves: registers multiply no more than 32 bits at once.
    #[inline(always)]
    fn high(self, other: u64) -> u64 {
        const LOW: u64 = u32::MAX as u64;
        let (a, b, c, d) = (self >> 32, self & LOW, other >> 32, other & LOW);
        let (ac, ad, bc, bd) = (a * c, a * d, b * c, b * d);
        let middle = ad + (bd >> 32);
        let carry = (middle & LOW) + bc;
        ac + (middle >> 32) + (carry >> 32)
    }
}

macro_rules! unsigned {
    ($($t:ident)*) => {$(
        impl Whole for $t {
            type By = ($t, u32, u32);
            #[inline]
            fn by(d: $t) -> ($t, u32, u32) {
                let l = if d <= 1 { 0 } else { <$t>::BITS - (d - 1).leading_zeros() };
                let m = ((1u128 << <$t>::BITS) * ((1u128 << l) - d as u128) / d as u128 + 1) as $t;
                (m, l.min(1), l.saturating_sub(1))
            }
            #[inline(always)]
            fn floor(self, (m, first, second): ($t, u32, u32)) -> $t {
                let t = m.high(self);
                // Shifts are less than the width: the compiler need not take the remainder.
                (t.wrapping_add(self.wrapping_sub(t).wrapping_shr(first))).wrapping_shr(second)
            }
            #[inline(always)]
            fn cut(self, by: ($t, u32, u32), d: $t) -> $t {
                self.wrapping_sub(self.floor(by).wrapping_mul(d))
            }
            #[inline(always)]
            fn exponent(self) -> Option<u64> { Some(self as u64) }
            whole!(@same $t);
        }
    )*};
}
/// The reciprocal of a divisor's size, for dividends of one bit less than the type has (and the one beyond), and its sign.
#[derive(Clone, Copy)]
struct Size<U, I> {
    reciprocal: U,
    shift: u32,
    /// All bits where the size is 1, which has no reciprocal.
    one: U,
    sign: I,
}
macro_rules! signed {
    ($($t:ident $u:ident)*) => {$(
        impl Size<$u, $t> {
            #[inline(always)]
            fn divide(self, x: $u) -> $u {
                self.reciprocal.high(x).wrapping_shr(self.shift) | (x & self.one)
            }
        }
        impl Whole for $t {
            type By = Size<$u, $t>;
            #[inline]
            fn by(d: $t) -> Size<$u, $t> {
                let (size, sign) = (d.unsigned_abs(), d >> ($t::BITS - 1));
                if size <= 1 {
                    return Size { reciprocal: 0, shift: 0, one: $u::MAX, sign };
                }
                let l = $t::BITS - (size - 1).leading_zeros();
                let m = (1u128 << ($t::BITS + l - 1)) / size as u128 + 1;
                Size { reciprocal: m as $u, shift: l - 1, one: 0, sign }
            }
            #[inline(always)]
            fn floor(self, by: Size<$u, $t>) -> $t {
                // With the divisor's sign on the dividend. Where that is negative, its complement is divided.
                let x = (self ^ by.sign).wrapping_sub(by.sign);
                let negative = (x >> ($t::BITS - 1)) & !(by.sign & (self >> ($t::BITS - 1)));
                by.divide((x ^ negative) as $u) as $t ^ negative
            }
            #[inline(always)]
            fn cut(self, by: Size<$u, $t>, d: $t) -> $t {
                let (size, sign) = (self.unsigned_abs(), self >> ($t::BITS - 1));
                let rest = size.wrapping_sub(by.divide(size).wrapping_mul(d.unsigned_abs())) as $t;
                (rest ^ sign).wrapping_sub(sign)
            }
            #[inline(always)]
            fn exponent(self) -> Option<u64> { u64::try_from(self).ok() }
            whole!(@same $t);
        }
    )*};
}
macro_rules! whole {
    (@same $t:ident) => {
        #[inline(always)]
        fn minus(self, other: $t) -> $t {
            self.wrapping_sub(other)
        }
        #[inline(always)]
        fn times(self, other: $t) -> $t {
            self.wrapping_mul(other)
        }
        const ONE: $t = 1;
        const NEGATIVE: Option<$t> = if $t::MIN == 0 { None } else { Some((0 as $t).wrapping_sub(1)) };
        const LEAST: $t = $t::MIN;
    };
}
unsigned!(u8 u16 u32 u64);
signed!(i8 u8 i16 u16 i32 u32 i64 u64);

/// What is made of a quotient.
trait Made: 'static {
    /// Whether the least number has none by -1.
    const OVERFLOWS: bool = false;
    fn of<T: Whole>(x: T, by: T::By, d: T) -> T;
}
/// Rounded down.
struct Floor;
impl Made for Floor {
    const OVERFLOWS: bool = true;
    #[inline(always)]
    fn of<T: Whole>(x: T, by: T::By, _: T) -> T {
        x.floor(by)
    }
}
/// The remainder with the divisor's sign.
struct Rest;
impl Made for Rest {
    #[inline(always)]
    fn of<T: Whole>(x: T, by: T::By, d: T) -> T {
        x.minus(x.floor(by).times(d))
    }
}
/// The remainder with the dividend's sign.
struct Cut;
impl Made for Cut {
    #[inline(always)]
    fn of<T: Whole>(x: T, by: T::By, d: T) -> T {
        x.cut(by, d)
    }
}

/// Elements whose powers are computed together.
const TOGETHER: usize = 32;

macro_rules! entry {
    ($name:ident, $(#[$attr:meta])*) => {
        mod $name {
            use super::*;
            $(#[$attr])*
            unsafe fn divide<T: Whole, M: Made>(to: &mut [MaybeUninit<T>], x: &[T], by: T::By, d: T) {
                for (to, x) in to.iter_mut().zip(x) {
                    to.write(M::of(*x, by, d));
                }
            }
            $(#[$attr])*
            unsafe fn raise<T: Whole>(to: &mut [MaybeUninit<T>], x: &[T], exponent: u64) {
                let one = |x: [T; TOGETHER]| {
                    let (mut base, mut left, mut r) = (x, exponent, [T::ONE; TOGETHER]);
                    loop {
                        if left & 1 != 0 {
                            r.iter_mut().zip(&base).for_each(|(r, b)| *r = r.times(*b));
                        }
                        left >>= 1;
                        if left == 0 {
                            return r;
                        }
                        base.iter_mut().for_each(|b| *b = b.times(*b));
                    }
                };
                for (to, x) in to.chunks_mut(TOGETHER).zip(x.chunks(TOGETHER)) {
                    let mut held = [T::ONE; TOGETHER];
                    held[..x.len()].copy_from_slice(x);
                    for (to, r) in to.iter_mut().zip(one(held)) {
                        to.write(r);
                    }
                }
            }
            /// # Safety
            /// The contract of `BinaryLoop` with a scalar second side.
            pub(super) unsafe fn division<T: Whole, M: Made>(a: *const u8, b: *const u8, d: *mut u8, n: usize) {
                // SAFETY: `n` elements at `a` and `d`, one at `b`, and those at `d` are the same as at `a` or others.
                unsafe {
                    if std::ptr::eq(a, d) {
                        return in_place(division::<T, M>, [a, b], [size_of::<T>(), 0], d, size_of::<T>(), n);
                    }
                    let by = *b.cast::<T>();
                    if by == T::default() {
                        // As NumPy has it.
                        return by_zero(d.write_bytes(0, n * size_of::<T>()));
                    }
                    let x = std::slice::from_raw_parts(a.cast(), n);
                    if M::OVERFLOWS && T::NEGATIVE == Some(by) && x.contains(&T::LEAST) {
                        overflows();
                    }
                    divide::<T, M>(std::slice::from_raw_parts_mut(d.cast(), n), x, T::by(by), by)
                }
            }
            /// # Safety
            /// As `division`.
            pub(super) unsafe fn power<T: Whole + Powers>(a: *const u8, b: *const u8, d: *mut u8, n: usize) {
                // SAFETY: as above.
                unsafe {
                    if std::ptr::eq(a, d) {
                        return in_place(power::<T>, [a, b], [size_of::<T>(), 0], d, size_of::<T>(), n);
                    }
                    let Some(exponent) = (*b.cast::<T>()).exponent() else { return T::other()(a, b, d, n) };
                    let x = std::slice::from_raw_parts(a.cast(), n);
                    raise::<T>(std::slice::from_raw_parts_mut(d.cast(), n), x, exponent)
                }
            }
        }
    };
}
entry!(plain, #[inline(never)]);
#[cfg(target_arch = "x86_64")]
entry!(avx2, #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]);
#[cfg(target_arch = "x86_64")]
entry!(avx512, #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,lzcnt,popcnt")]);

/// Types whose negative powers have a loop.
pub(super) trait Powers {
    /// The loop for any exponent.
    fn other() -> BinaryLoop;
}

/// The loop of a primitive whose second argument is one number, where that pays.
pub(super) fn lookup(prim: Prim, dtype: DType) -> Option<BinaryLoop> {
    macro_rules! find {
        ($set:ident: $($t:ident $d:ident)*) => {
            match (prim, dtype) {
                $(
                    (Prim::FloorDiv, DType::$d) => Some($set::division::<$t, Floor>),
                    (Prim::Rem, DType::$d) => Some($set::division::<$t, Rest>),
                    (Prim::Fmod, DType::$d) => Some($set::division::<$t, Cut>),
                    (Prim::Pow, DType::$d) => Some($set::power::<$t>),
                )*
                _ => None,
            }
        };
    }
    macro_rules! all {
        ($set:ident) => { find!($set: i8 I8 i16 I16 i32 I32 i64 I64 u8 U8 u16 U16 u32 U32 u64 U64) };
    }
    match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => all!(avx512),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => all!(avx2),
        _ => all!(plain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pair of bytes, and numbers around powers of two of the other types, against the processor's division.
    #[test]
    fn quotients() {
        macro_rules! check {
            ($t:ident, $x:expr, $by:expr) => {
                let list: Vec<$t> = $x;
                let mut got = vec![0 as $t; list.len()];
                for d in $by {
                    let d: $t = d;
                    let mut run = |prim: Prim| {
                        let (a, b, to) =
                            (list.as_ptr().cast(), (&raw const d).cast(), got.as_mut_ptr().cast());
                        // SAFETY: so many elements on both sides.
                        unsafe {
                            lookup(prim, <$t as crate::prims::Lane>::DTYPE).unwrap()(a, b, to, list.len())
                        };
                        got.clone()
                    };
                    let (floor, rest, cut) = (run(Prim::FloorDiv), run(Prim::Rem), run(Prim::Fmod));
                    for (i, &x) in list.iter().enumerate() {
                        let (q, r) = if d == 0 { (0, 0) } else { (x.wrapping_div(d), x.wrapping_rem(d)) };
                        #[allow(unused_comparisons)]
                        let down = r != 0 && (r < 0) != (d < 0);
                        let want = if down { (q.wrapping_sub(1), r.wrapping_add(d), r) } else { (q, r, r) };
                        assert_eq!((floor[i], rest[i], cut[i]), want, "{x} by {d}");
                    }
                }
            };
        }
        macro_rules! edges {
            ($($t:ident)*) => {$({
                let mut list: Vec<$t> = vec![];
                for k in 0..$t::BITS {
                    let p = (1 as $t).wrapping_shl(k);
                    for near in [p.wrapping_sub(1), p, p.wrapping_add(1), p.wrapping_mul(3), p.wrapping_mul(7).wrapping_add(5)] {
                        list.extend([near, near.wrapping_neg(), near ^ $t::MAX, near ^ $t::MIN]);
                    }
                }
                check!($t, list.clone(), list.clone());
            })*};
        }
        check!(u8, (0..=255).collect(), 0..=255);
        check!(i8, (-128..=127).collect(), -128..=127);
        check!(i16, (-32768..=32767).collect(), [1i16, -1, 2, 3, 7, -7, 10, 641, -32768, 32767]);
        check!(u16, (0..=65535).collect(), [1u16, 2, 3, 7, 10, 641, 32768, 65535]);
        edges!(i16 u16 i32 u32 i64 u64);
    }
    #[test]
    fn powers() {
        let x: Vec<i64> = (-50..50).collect();
        for e in [0i64, 1, 2, 3, 5, 13, 63, 64] {
            let mut got = x.clone();
            let run = lookup(Prim::Pow, DType::I64).unwrap();
            // SAFETY: as many elements; in place.
            unsafe { run(got.as_ptr().cast(), (&raw const e).cast(), got.as_mut_ptr().cast(), x.len()) };
            assert!(x.iter().zip(&got).all(|(x, y)| x.wrapping_pow(e as u32) == *y), "{e}");
        }
        let e = -3i64;
        let mut got = x.clone();
        let run = lookup(Prim::Pow, DType::I64).unwrap();
        // SAFETY: as above.
        unsafe { run(x.as_ptr().cast(), (&raw const e).cast(), got.as_mut_ptr().cast(), x.len()) };
        assert_eq!(got.iter().map(|x| x.abs()).sum::<i64>(), 2);
    }
}
