//! The transposing copy: what is adjacent at the source is a row apart at the target.
//!
//! Squares of a cache line by a cache line: every line of both sides is touched once, however they collide in the cache. Elements of 32 and
//! 64 bits are turned in registers where there is AVX2, others through memory.

use super::strided::copy_tile;
#[cfg(target_arch = "x86_64")]
use crate::machine::simd::{Level, level};
use crate::prims::{Bits128, with_bits};
use std::mem::MaybeUninit;

/// `(target, bytes between its rows, source, bytes between its columns)`: a square.
type Square = unsafe fn(*mut u8, isize, *const u8, isize);

/// Source rows are adjacent elements, so are target columns.
///
/// # Safety
/// As for `copy2d`.
pub(super) unsafe fn transpose(
    dst: *mut u8,
    dr: isize,
    src: *const u8,
    sc: isize,
    rows: usize,
    cols: usize,
    size: usize,
) {
    #[cfg(target_arch = "x86_64")]
    let wide = level() >= Level::Avx2;
    let square: Square = match size {
        1 => by_memory::<u8, 64>,
        2 => by_memory::<u16, 32>,
        #[cfg(target_arch = "x86_64")]
        4 if wide => x86::words,
        4 => by_memory::<u32, 16>,
        #[cfg(target_arch = "x86_64")]
        8 if wide => x86::pairs,
        8 => by_memory::<u64, 8>,
        _ => by_memory::<Bits128, 4>,
    };
    let (side, item) = (64 / size, size as isize);
    let (r_end, c_end) = (rows - rows % side, cols - cols % side);
    // SAFETY: the caller's promise; squares stay below `r_end` and `c_end`, the rest is copied element by element.
    unsafe {
        for r in (0..r_end).step_by(side) {
            for c in (0..c_end).step_by(side) {
                let s = src.offset(r as isize * item + c as isize * sc);
                let d = dst.offset(r as isize * dr + c as isize * item);
                square(d, dr, s, sc);
            }
        }
        with_bits!(size, T => {
            let right = (dst.offset(c_end as isize * item), src.offset(c_end as isize * sc));
            copy_tile::<T>(right.0, (item, dr), right.1, (sc, item), cols - c_end, r_end);
            let below = (dst.offset(r_end as isize * dr), src.offset(r_end as isize * item));
            copy_tile::<T>(below.0, (item, dr), below.1, (sc, item), cols, rows - r_end);
        });
    }
}

unsafe fn by_memory<T: Copy, const B: usize>(d: *mut u8, dr: isize, s: *const u8, sc: isize) {
    // SAFETY: the caller's promise: `B` times `B` elements on both sides.
    unsafe {
        let mut square = [const { MaybeUninit::<[T; B]>::uninit() }; B];
        for (j, line) in square.iter_mut().enumerate() {
            line.write(s.offset(j as isize * sc).cast::<[T; B]>().read_unaligned());
        }
        let square: *const T = square.as_ptr().cast();
        for i in 0..B {
            let mut line = [const { MaybeUninit::<T>::uninit() }; B];
            for (j, x) in line.iter_mut().enumerate() {
                x.write(*square.add(j * B + i));
            }
            d.offset(i as isize * dr).cast::<[MaybeUninit<T>; B]>().write_unaligned(line);
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    /// Eight by eight elements of 64 bits, in quarters.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn pairs(d: *mut u8, dr: isize, s: *const u8, sc: isize) {
        // SAFETY: the caller's promise.
        unsafe {
            for r in (0..8).step_by(4) {
                for c in (0..8).step_by(4) {
                    let line = |j: isize| _mm256_loadu_pd(s.offset((c + j) * sc + r * 8).cast());
                    let (a, b, e, f) = (line(0), line(1), line(2), line(3));
                    let (ab, ab2) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
                    let (ef, ef2) = (_mm256_unpacklo_pd(e, f), _mm256_unpackhi_pd(e, f));
                    let put = |i: isize, x| _mm256_storeu_pd(d.offset((r + i) * dr + c * 8).cast(), x);
                    put(0, _mm256_permute2f128_pd::<0x20>(ab, ef));
                    put(1, _mm256_permute2f128_pd::<0x20>(ab2, ef2));
                    put(2, _mm256_permute2f128_pd::<0x31>(ab, ef));
                    put(3, _mm256_permute2f128_pd::<0x31>(ab2, ef2));
                }
            }
        }
    }
    /// Sixteen by sixteen elements of 32 bits, in quarters.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn words(d: *mut u8, dr: isize, s: *const u8, sc: isize) {
        // SAFETY: the caller's promise.
        unsafe {
            for r in (0..16).step_by(8) {
                for c in (0..16).step_by(8) {
                    let line = |j: isize| _mm256_loadu_ps(s.offset((c + j) * sc + r * 4).cast());
                    // Of two lines, of four, of eight.
                    let two = |j: isize| {
                        let (a, b) = (line(j), line(j + 1));
                        (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b))
                    };
                    let four = |j: isize| {
                        let ((a, b), (e, f)) = (two(j), two(j + 2));
                        [
                            _mm256_shuffle_ps::<0x44>(a, e),
                            _mm256_shuffle_ps::<0xee>(a, e),
                            _mm256_shuffle_ps::<0x44>(b, f),
                            _mm256_shuffle_ps::<0xee>(b, f),
                        ]
                    };
                    let (low, high) = (four(0), four(4));
                    for i in 0..4 {
                        let put = |k: isize, x| _mm256_storeu_ps(d.offset((r + k) * dr + c * 4).cast(), x);
                        put(i, _mm256_permute2f128_ps::<0x20>(low[i as usize], high[i as usize]));
                        put(i + 4, _mm256_permute2f128_ps::<0x31>(low[i as usize], high[i as usize]));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_columns() {
        fn check<T: Copy + PartialEq + std::fmt::Debug>(from: fn(usize) -> T) {
            let (rows, cols) = (83, 150);
            let src: Vec<T> = (0..rows * cols).map(from).collect();
            let mut dst = vec![from(0); rows * cols];
            let size = size_of::<T>();
            let (dr, sc) = ((cols * size) as isize, (rows * size) as isize);
            // SAFETY: so many elements on both sides.
            unsafe { transpose(dst.as_mut_ptr().cast(), dr, src.as_ptr().cast(), sc, rows, cols, size) };
            assert!((0..rows * cols).all(|i| dst[i] == src[i % cols * rows + i / cols]));
        }
        check(|i| i as u8);
        check(|i| i as u16);
        check(|i| i as u32);
        check(|i| i as u64);
        check(|i| Bits128(i as u64, !i as u64));
    }
}
