//! `Select`: bit patterns chosen by a bool, one set of loops per element size.

use super::loops::{Loop, SelectLoop};
use super::{B8, with_bits};
use crate::machine::simd::{Level, level};
use minpy_core::DType;
use std::mem::MaybeUninit;

/// The loop proper, for slices and scalars alike (`A`, `B`: the side is a scalar). Elements are read as those of slices: the
/// compiler may then read both and choose, where it would jump to the one that is wanted.
#[inline(always)]
fn pick<T: Copy, const A: bool, const B: bool>(d: &mut [MaybeUninit<T>], c: &[B8], a: &[T], b: &[T]) {
    let n = d.len();
    let (c, a0, b0) = (&c[..n], a[0], b[0]);
    let a = if A { a } else { &a[..n] };
    let b = if B { b } else { &b[..n] };
    for i in 0..n {
        let x = if A { a0 } else { a[i] };
        let y = if B { b0 } else { b[i] };
        d[i].write(if c[i].get() { x } else { y });
    }
}

/// Chunks of the in-place case, where the destination is also a value or the condition.
const CHUNK: usize = 128;

/// See `loops::in_place`.
///
/// # Safety
/// The contract of `SelectLoop`.
#[inline(never)]
unsafe fn in_place(
    run: SelectLoop,
    [mut c, mut a, mut b]: [*const u8; 3],
    steps: [usize; 3],
    mut d: *mut u8,
    size: usize,
    mut n: usize,
) {
    let mut buffer = [MaybeUninit::<u128>::uninit(); CHUNK];
    let buffer = buffer.as_mut_ptr().cast::<u8>();
    while n > 0 {
        let m = CHUNK.min(n);
        // SAFETY: the caller's promise; the buffer has room for as many elements of 16 bytes.
        unsafe {
            run(c, a, b, buffer, m);
            std::ptr::copy_nonoverlapping(buffer, d, m * size);
        }
        (c, a, b) =
            (c.wrapping_add(m * steps[0]), a.wrapping_add(m * steps[1]), b.wrapping_add(m * steps[2]));
        d = d.wrapping_add(m * size);
        n -= m;
    }
}

macro_rules! entry {
    ($name:ident, $(#[$attr:meta])*) => {
        mod $name {
            use super::*;
            $(#[$attr])*
            unsafe fn slices<T: Copy, const A: bool, const B: bool>(d: &mut [MaybeUninit<T>], c: &[B8], a: &[T], b: &[T]) {
                pick::<T, A, B>(d, c, a, b)
            }
            pub unsafe fn run<T: Copy, const A: bool, const B: bool>(c: *const u8, a: *const u8, b: *const u8, d: *mut u8, n: usize) {
                if n == 0 {
                    return;
                }
                if [c, a, b].iter().any(|&p| std::ptr::eq(p, d)) {
                    let size = size_of::<T>();
                    let steps = [1, if A { 0 } else { size }, if B { 0 } else { size }];
                    // SAFETY: handed on.
                    return unsafe { in_place(run::<T, A, B>, [c, a, b], steps, d, size, n) };
                }
                let (c, a, b, d) = (c.cast::<B8>(), a.cast::<T>(), b.cast::<T>(), d.cast::<MaybeUninit<T>>());
                // SAFETY: `n` elements at every slice side and at `d` (contract of `SelectLoop`), which is disjoint from them.
                unsafe {
                    let c = std::slice::from_raw_parts(c, n);
                    let a = std::slice::from_raw_parts(a, if A { 1 } else { n });
                    let b = std::slice::from_raw_parts(b, if B { 1 } else { n });
                    slices::<T, A, B>(std::slice::from_raw_parts_mut(d, n), c, a, b)
                }
            }
            pub fn table<T: Copy>() -> [SelectLoop; 4] {
                [run::<T, false, false>, run::<T, true, false>, run::<T, false, true>, run::<T, true, true>]
            }
        }
    };
}
entry!(base, #[inline(never)]);
#[cfg(target_arch = "x86_64")]
entry!(avx2, #[target_feature(enable = "avx2,fma,bmi1,bmi2")]);
#[cfg(target_arch = "x86_64")]
entry!(avx512, #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi1,bmi2")]);

/// The loops for values of `dtype`.
pub fn lookup(dtype: DType) -> Loop {
    with_bits!(dtype.size(), T => Loop::Select(match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => avx512::table::<T>(),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => avx2::table::<T>(),
        _ => base::table::<T>(),
    }))
}
