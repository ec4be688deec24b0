//! Runs of elements that the walk makes or gathers, compiled for each instruction set: positions, every second element, backwards.

use crate::machine::simd::{Level, level};
use std::mem::MaybeUninit;

/// How elements lie at the source.
#[derive(Clone, Copy)]
pub(super) enum Lie {
    EverySecond,
    Backwards,
}

macro_rules! entry {
    ($name:ident, $(#[$attr:meta])*) => {
        mod $name {
            use super::*;
            $(#[$attr])*
            pub(super) unsafe fn ramp(to: &mut [i64], first: i64, step: i64) {
                for (i, to) in to.iter_mut().enumerate() {
                    *to = first.wrapping_add((i as i64).wrapping_mul(step));
                }
            }
            $(#[$attr])*
            pub(super) unsafe fn ones(to: &mut [i64], first: i64) {
                for (i, to) in to.iter_mut().enumerate() {
                    *to = first.wrapping_add(i as i64);
                }
            }
            $(#[$attr])*
            pub(super) unsafe fn second<T: Copy>(to: &mut [MaybeUninit<T>], from: &[T]) {
                for (i, to) in to.iter_mut().enumerate() {
                    to.write(from[2 * i]);
                }
            }
            $(#[$attr])*
            pub(super) unsafe fn backwards<T: Copy>(to: &mut [MaybeUninit<T>], from: &[T]) {
                for (to, x) in to.iter_mut().zip(from.iter().rev()) {
                    to.write(*x);
                }
            }
        }
    };
}
entry!(plain, #[inline(never)]);
#[cfg(target_arch = "x86_64")]
entry!(avx2, #[target_feature(enable = "avx2,fma,bmi1,bmi2")]);
#[cfg(target_arch = "x86_64")]
entry!(avx512, #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi1,bmi2")]);

macro_rules! by_level {
    ($f:ident $(::<$t:ty>)? ($($arg:expr),*)) => {
        match level() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => avx512::$f$(::<$t>)?($($arg),*),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2::$f$(::<$t>)?($($arg),*),
            _ => plain::$f$(::<$t>)?($($arg),*),
        }
    };
}

/// `first, first + step, ...`
pub(super) fn ramp(to: &mut [i64], first: i64, step: i64) {
    // SAFETY: of the machine's level.
    unsafe {
        if step == 1 {
            by_level!(ones(to, first));
        } else {
            by_level!(ramp(to, first, step));
        }
    }
}

/// Copies `n` elements, the first of which lies at `from`.
///
/// # Safety
/// They are readable as they lie, and there is room for `n` at `to`, elsewhere.
pub(super) unsafe fn gather<T: Copy>(to: *mut T, from: *const T, lie: Lie, n: usize) {
    // SAFETY: the caller's promise; of the machine's level.
    unsafe {
        let to = std::slice::from_raw_parts_mut(to.cast::<MaybeUninit<T>>(), n);
        match lie {
            Lie::EverySecond => by_level!(second::<T>(to, std::slice::from_raw_parts(from, 2 * n - 1))),
            Lie::Backwards => by_level!(backwards::<T>(to, std::slice::from_raw_parts(from.sub(n - 1), n))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_they_lie() {
        for n in [1usize, 2, 15, 16, 17, 100, 1001] {
            let x: Vec<u16> = (0..2 * n as u16 - 1).collect();
            let mut to = vec![0; n];
            // SAFETY: `2 * n - 1` elements, of which the middle one has `n - 1` before it.
            unsafe {
                gather(to.as_mut_ptr(), x.as_ptr(), Lie::EverySecond, n);
                assert!((0..n).all(|i| to[i] == 2 * i as u16));
                gather(to.as_mut_ptr(), &raw const x[n - 1], Lie::Backwards, n);
                assert!((0..n).all(|i| to[i] == (n - 1 - i) as u16));
            }
            let mut list = vec![0; n];
            for step in [1, -3] {
                ramp(&mut list, 7, step);
                assert!((0..n).all(|i| list[i] == 7 + i as i64 * step));
            }
        }
    }
}
