//! Which elements are not zero: whether any or all are, how many, and where. A float is zero with either sign.
//!
//! Elements are tested as bits, by their size. The loops are those of reductions of truth values and of `Work::Nonzero`.

use super::{Bits128, with_bits};
use crate::machine::simd::{Level, level};
use minpy_core::DType;

/// The bits of an element that say whether it is zero: all but the signs of floats.
fn value_bits(dtype: DType) -> [u64; 2] {
    match dtype {
        DType::F16 => [0x7fff; 2],
        DType::F32 => [0x7fff_ffff; 2],
        DType::C64 => [0x7fff_ffff_7fff_ffff; 2],
        DType::F64 | DType::C128 => [u64::MAX >> 1; 2],
        _ => [u64::MAX; 2],
    }
}
trait Bits: Copy {
    /// Counters of this size are as wide as the elements in registers.
    type Count: Copy + Default + std::ops::AddAssign + Into<u64>;
    /// Whether any of those bits is set.
    fn any(self, bits: [u64; 2]) -> bool;
    fn one(truth: bool) -> Self::Count;
}
macro_rules! bits {
    ($($t:ty)*) => {$( impl Bits for $t {
        type Count = $t;
        #[inline(always)]
        fn any(self, bits: [u64; 2]) -> bool { self & bits[0] as $t != 0 }
        #[inline(always)]
        fn one(truth: bool) -> $t { truth as $t }
    } )*};
}
bits!(u8 u16 u32 u64);
impl Bits for Bits128 {
    type Count = u64;
    #[inline(always)]
    fn any(self, bits: [u64; 2]) -> bool {
        (self.0 & bits[0]) | (self.1 & bits[1]) != 0
    }
    #[inline(always)]
    fn one(truth: bool) -> u64 {
        truth as u64
    }
}

/// Elements that are tested together: a register's or more.
const TOGETHER: usize = 64;

/// Which bits of a byte are set, in order.
static PLACES: [[u8; 8]; 256] = {
    let (mut table, mut mask) = ([[0; 8]; 256], 0);
    while mask < 256 {
        let (mut to, mut bit) = (0, 0);
        while bit < 8 {
            if mask >> bit & 1 == 1 {
                table[mask][to] = bit as u8;
                to += 1;
            }
            bit += 1;
        }
        mask += 1;
    }
    table
};

#[inline(always)]
fn tested<T: Bits>(x: &[T; TOGETHER], bits: [u64; 2]) -> [u8; TOGETHER] {
    std::array::from_fn(|i| x[i].any(bits) as u8)
}

macro_rules! entry {
    ($name:ident, $(#[$attr:meta])*) => {
        mod $name {
            use super::*;
            $(#[$attr])*
            pub(super) unsafe fn count<T: Bits>(x: &[T], bits: [u64; 2]) -> u64 {
                let mut sum = 0;
                // So many that a counter of a byte holds them.
                for part in x.chunks(255 * TOGETHER) {
                    let mut counts = [T::Count::default(); TOGETHER];
                    let (rows, rest) = part.as_chunks::<TOGETHER>();
                    for row in rows {
                        for j in 0..TOGETHER {
                            counts[j] += T::one(row[j].any(bits));
                        }
                    }
                    sum += counts.iter().map(|&c| c.into()).sum::<u64>();
                    sum += rest.iter().map(|x| x.any(bits) as u64).sum::<u64>();
                }
                sum
            }
            $(#[$attr])*
            pub(super) unsafe fn all(x: &[u8]) -> bool {
                x.chunks(16 * TOGETHER).all(|c| c.iter().fold(true, |all, x| all & (*x != 0)))
            }
            $(#[$attr])*
            pub(super) unsafe fn any(x: &[u8]) -> bool {
                x.chunks(16 * TOGETHER).any(|c| c.iter().fold(0, |any, x| any | *x) != 0)
            }
            $(#[$attr])*
            pub(super) unsafe fn find<T: Bits>(x: &[T], bits: [u64; 2], out: &mut [i64]) -> usize {
                let (rows, rest) = x.as_chunks::<TOGETHER>();
                let (mut found, mut first) = (0, 0i64);
                let mut put = |flags: &[u8; TOGETHER]| {
                    for (k, eight) in flags.as_chunks::<8>().0.iter().enumerate() {
                        // Eight bytes of 0 or 1 become eight bits.
                        let mask = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
                        let (places, n) = (&PLACES[mask as usize], mask.count_ones() as usize);
                        let base = first + 8 * k as i64;
                        if let Some(to) = out.get_mut(found..).and_then(|o| o.first_chunk_mut::<8>()) {
                            // What is beyond those found will be written over: no jump that nobody foresees.
                            for j in 0..8 {
                                to[j] = base + places[j] as i64;
                            }
                        } else {
                            for (to, place) in out.iter_mut().skip(found).zip(&places[..n]) {
                                *to = base + *place as i64;
                            }
                        }
                        found += n;
                    }
                    first += TOGETHER as i64;
                };
                for row in rows {
                    let flags = tested(row, bits);
                    put(&flags);
                }
                let mut last = [0; TOGETHER];
                last.iter_mut().zip(rest).for_each(|(to, x)| *to = x.any(bits) as u8);
                if !rest.is_empty() {
                    put(&last);
                }
                found
            }
        }
    };
}
entry!(plain, #[inline(never)]);
#[cfg(target_arch = "x86_64")]
entry!(avx2, #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]);
#[cfg(target_arch = "x86_64")]
entry!(avx512, #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,lzcnt,popcnt")]);

macro_rules! by_level {
    ($f:ident $(::<$t:ty>)? ($($arg:expr),*)) => {
        // SAFETY: of the machine's level.
        unsafe {
            match level() {
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => avx512::$f$(::<$t>)?($($arg),*),
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => avx2::$f$(::<$t>)?($($arg),*),
                _ => plain::$f$(::<$t>)?($($arg),*),
            }
        }
    };
}

/// How many of `n` elements are not zero.
///
/// # Safety
/// They lie side by side at `at`.
pub(crate) unsafe fn count(at: *const u8, n: usize, dtype: DType) -> u64 {
    with_bits!(dtype.size(), T => {
        // SAFETY: the caller's promise.
        let x = unsafe { std::slice::from_raw_parts(at.cast::<T>(), n) };
        by_level!(count::<T>(x, value_bits(dtype)))
    })
}
/// Whether no byte is zero.
pub(crate) fn all(x: &[u8]) -> bool {
    by_level!(all(x))
}
/// Whether any byte is not zero.
pub(crate) fn any(x: &[u8]) -> bool {
    by_level!(any(x))
}
/// Writes the places of those of `n` elements that are not zero to `out`, as far as it goes, and gives their number. The rest of
/// `out` may be written, too.
///
/// # Safety
/// They lie side by side at `at`.
pub(crate) unsafe fn find(at: *const u8, n: usize, dtype: DType, out: &mut [i64]) -> usize {
    with_bits!(dtype.size(), T => {
        // SAFETY: the caller's promise.
        let x = unsafe { std::slice::from_raw_parts(at.cast::<T>(), n) };
        by_level!(find::<T>(x, value_bits(dtype), out))
    })
}

/// Whether one element is not zero.
///
/// # Safety
/// It lies at `at`.
pub(crate) unsafe fn is(at: *const u8, dtype: DType) -> bool {
    // SAFETY: the caller's promise.
    with_bits!(dtype.size(), T => unsafe { (*at.cast::<T>()).any(value_bits(dtype)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_and_found() {
        for n in [0usize, 1, 7, 63, 64, 65, 1000, 255 * 64 + 3, 40_000] {
            let x: Vec<f32> = (0..n).map(|i| [0.0, 1.5, -0.0, f32::NAN][i * i % 7 % 4]).collect();
            let want: Vec<i64> = (0..n).filter(|&i| x[i] != 0.0).map(|i| i as i64).collect();
            // SAFETY: `n` elements.
            unsafe {
                assert_eq!(count(x.as_ptr().cast(), n, DType::F32), want.len() as u64);
                let mut out = vec![-1; want.len()];
                assert_eq!(find(x.as_ptr().cast(), n, DType::F32, &mut out), want.len());
                assert_eq!(out, want);
                let mut some = vec![-1; want.len() / 2];
                assert_eq!(find(x.as_ptr().cast(), n, DType::F32, &mut some), want.len());
                assert_eq!(some, want[..want.len() / 2]);
            }
            let wide: Vec<[f64; 2]> = x.iter().map(|&x| [0.0, f64::from(x)]).collect();
            // SAFETY: as above.
            assert_eq!(unsafe { count(wide.as_ptr().cast(), n, DType::C128) }, want.len() as u64);
            let mut bytes = vec![2u8; n];
            assert!(all(&bytes) && any(&bytes) == (n > 0));
            if n > 0 {
                bytes[n - 1] = 0;
                assert!(!all(&bytes));
                bytes.fill(0);
                assert!(!any(&bytes));
                bytes[n / 2] = 4;
                assert!(any(&bytes));
            }
        }
    }
}
