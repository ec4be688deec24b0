//! `Select`: bit patterns chosen by a bool, one set of loops per element size.

use super::loops::{Loop, SelectLoop};
use super::{B8, with_bits};
use crate::simd::{Level, level};
use minpy_core::DType;
use std::mem::MaybeUninit;

/// The loop proper, for slices and scalars alike (`A`, `B`: the side is a scalar).
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

macro_rules! entry {
    ($name:ident, $(#[$attr:meta])*) => {
        mod $name {
            use super::*;
            $(#[$attr])*
            unsafe fn slices<T: Copy, const A: bool, const B: bool>(d: &mut [MaybeUninit<T>], c: &[B8], a: &[T], b: &[T]) {
                pick::<T, A, B>(d, c, a, b)
            }
            pub unsafe fn run<T: Copy, const A: bool, const B: bool>(c: *const u8, a: *const u8, b: *const u8, d: *mut u8, n: usize) {
                let in_place = [c, a, b].iter().any(|&p| std::ptr::eq(p, d));
                let (c, a, b, d) = (c.cast::<B8>(), a.cast::<T>(), b.cast::<T>(), d.cast::<MaybeUninit<T>>());
                let mut buffer = [MaybeUninit::<T>::uninit(); CHUNK];
                let step = if in_place { CHUNK } else { n };
                let mut i = 0;
                while i < n {
                    let m = step.min(n - i);
                    // SAFETY: `n` elements at every slice side and at `d` (contract of `SelectLoop`), which is
                    // disjoint from the sources unless it equals one; then results go through `buffer`.
                    unsafe {
                        let c = std::slice::from_raw_parts(c.add(i), m);
                        let a = if A { std::slice::from_raw_parts(a, 1) } else { std::slice::from_raw_parts(a.add(i), m) };
                        let b = if B { std::slice::from_raw_parts(b, 1) } else { std::slice::from_raw_parts(b.add(i), m) };
                        if in_place {
                            slices::<T, A, B>(&mut buffer[..m], c, a, b);
                            std::ptr::copy_nonoverlapping(buffer.as_ptr(), d.add(i), m);
                        } else {
                            slices::<T, A, B>(std::slice::from_raw_parts_mut(d.add(i), m), c, a, b);
                        }
                    }
                    i += m;
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
