//! The loops of reductions: folding a block to one element, and one block into another.
//!
//! A block is folded over 64 accumulators and then as a tree, so the rounding error of a sum grows like that of
//! NumPy's pairwise summation; `Cascade` goes on in pairs above blocks.

use crate::prims::arithmetic::{Add, Maximum, Minimum, Mul};
use crate::prims::bits::{And, Or, Xor};
use crate::prims::loops::Op2;
use crate::prims::{B8, Lane};
use crate::simd::{Level, level};
use minpy_core::DType;
use minpy_core::kernel::Fold;
use num_complex::{Complex32, Complex64};

/// The loops of one fold of one dtype.
#[derive(Clone, Copy)]
pub(crate) struct Folder {
    /// `(src, n, dst)`: writes the fold of `n >= 1` elements.
    pub fold: unsafe fn(*const u8, usize, *mut u8),
    /// `(acc, src, n)`: `acc[i] = acc[i] op src[i]`; the two are disjoint.
    pub accumulate: unsafe fn(*mut u8, *const u8, usize),
    /// Bytes of an element.
    pub size: usize,
}

/// Accumulators; fewer, and LLVM unrolls their loop to scalars before it could vectorise it.
const LANES: usize = 64;

#[inline(always)]
fn fold_slice<T: Copy, O: Op2<T, R = T>>(x: &[T]) -> T {
    let n = x.len();
    if n < LANES {
        // Four chains hide the latency of an addition.
        if n < 8 {
            return x[1..].iter().fold(x[0], |r, &v| O::f(r, v));
        }
        let mut acc = [x[0], x[1], x[2], x[3]];
        let mut chunks = x[4..].chunks_exact(4);
        for c in &mut chunks {
            for i in 0..4 {
                acc[i] = O::f(acc[i], c[i]);
            }
        }
        let r = O::f(O::f(acc[0], acc[1]), O::f(acc[2], acc[3]));
        return chunks.remainder().iter().fold(r, |r, &v| O::f(r, v));
    }
    let mut acc = [x[0]; LANES];
    acc.copy_from_slice(&x[..LANES]);
    let mut chunks = x[LANES..].chunks_exact(LANES);
    for c in &mut chunks {
        for (a, &v) in acc.iter_mut().zip(c) {
            *a = O::f(*a, v);
        }
    }
    for (a, &v) in acc.iter_mut().zip(chunks.remainder()) {
        *a = O::f(*a, v);
    }
    let mut w = LANES / 2;
    while w > 0 {
        for i in 0..w {
            acc[i] = O::f(acc[i], acc[i + w]);
        }
        w /= 2;
    }
    acc[0]
}

#[inline(always)]
fn accumulate_slice<T: Copy, O: Op2<T, R = T>>(acc: &mut [T], x: &[T]) {
    for (a, &v) in acc.iter_mut().zip(x) {
        *a = O::f(*a, v);
    }
}

macro_rules! entry {
    ($name:ident, $(#[$attr:meta])*) => {
        mod $name {
            use super::*;
            $(#[$attr])*
            unsafe fn fold_typed<T: Copy, O: Op2<T, R = T>>(x: &[T]) -> T {
                fold_slice::<T, O>(x)
            }
            $(#[$attr])*
            unsafe fn accumulate_typed<T: Copy, O: Op2<T, R = T>>(acc: &mut [T], x: &[T]) {
                accumulate_slice::<T, O>(acc, x)
            }
            unsafe fn fold<T: Copy, O: Op2<T, R = T>>(src: *const u8, n: usize, dst: *mut u8) {
                // SAFETY: `n >= 1` elements at `src`, one at `dst` (contract of `Folder`).
                unsafe { *dst.cast::<T>() = fold_typed::<T, O>(std::slice::from_raw_parts(src.cast(), n)) }
            }
            unsafe fn accumulate<T: Copy, O: Op2<T, R = T>>(acc: *mut u8, src: *const u8, n: usize) {
                // SAFETY: `n` elements at both, disjoint (contract of `Folder`).
                unsafe {
                    let acc = std::slice::from_raw_parts_mut(acc.cast::<T>(), n);
                    accumulate_typed::<T, O>(acc, std::slice::from_raw_parts(src.cast(), n))
                }
            }
            pub fn folder<T: Copy, O: Op2<T, R = T>>() -> Folder {
                Folder { fold: fold::<T, O>, accumulate: accumulate::<T, O>, size: size_of::<T>() }
            }
        }
    };
}
entry!(base, #[inline(never)]);
#[cfg(target_arch = "x86_64")]
entry!(avx2, #[target_feature(enable = "avx2,fma,bmi1,bmi2")]);
#[cfg(target_arch = "x86_64")]
entry!(avx512, #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi1,bmi2")]);

fn folder<T: Copy, O: Op2<T, R = T>>() -> Folder {
    match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => avx512::folder::<T, O>(),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => avx2::folder::<T, O>(),
        _ => base::folder::<T, O>(),
    }
}

/// The loops of `fold` over `dtype` (float16: none, it is folded in float32).
pub(crate) fn lookup(fold: Fold, dtype: DType) -> Option<Folder> {
    // Wrapping sums and products, and bits, do not depend on the sign. (Before the macro, which sees this name.)
    let dtype = if matches!(fold, Fold::Max | Fold::Min) { dtype } else { crate::prims::signed(dtype) };
    macro_rules! find {
        ($op:ident: $($t:ty)*) => {{
            $(if dtype == <$t as Lane>::DTYPE { return Some(folder::<$t, $op>()); })*
            None
        }};
    }
    match fold {
        Fold::Add => find!(Add: f32 f64 i64 i32 i16 i8 B8 Complex32 Complex64),
        Fold::Mul => find!(Mul: f32 f64 i64 i32 i16 i8 B8 Complex32 Complex64),
        Fold::Max => find!(Maximum: f32 f64 i64 i32 i16 i8 u64 u32 u16 u8 B8 Complex32 Complex64),
        Fold::Min => find!(Minimum: f32 f64 i64 i32 i16 i8 u64 u32 u16 u8 B8 Complex32 Complex64),
        Fold::And => find!(And: i64 i32 i16 i8 B8),
        Fold::Or => find!(Or: i64 i32 i16 i8 B8),
        Fold::Xor => find!(Xor: i64 i32 i16 i8 B8),
    }
}

/// Accumulators in pairs of pairs: level `k` holds the fold of `RADIX^k` pushed blocks, so that no running value
/// takes more than a few dozen additions.
pub(crate) struct Cascade {
    folder: Folder,
    /// Elements per block.
    width: usize,
    memory: *mut u8,
    counts: [u32; LEVELS],
}

const LEVELS: usize = 4;
const RADIX: u32 = 64;

impl Cascade {
    /// Bytes that a cascade over blocks of `width` elements needs.
    pub fn bytes(folder: &Folder, width: usize) -> usize {
        (width * folder.size).next_multiple_of(64) * LEVELS
    }
    /// An empty cascade over `memory` of `bytes(..)`, aligned to 64.
    pub fn new(folder: Folder, width: usize, memory: *mut u8) -> Cascade {
        Cascade { folder, width, memory, counts: [0; LEVELS] }
    }
    fn level(&self, k: usize) -> *mut u8 {
        self.memory.wrapping_add(k * (self.width * self.folder.size).next_multiple_of(64))
    }
    /// Folds a block in.
    ///
    /// # Safety
    /// `src` holds `width` elements outside the cascade's memory.
    #[inline]
    pub unsafe fn push(&mut self, src: *const u8) {
        // SAFETY: the caller's promise.
        unsafe { self.push_at(0, src) }
    }
    unsafe fn push_at(&mut self, k: usize, src: *const u8) {
        let acc = self.level(k);
        // SAFETY: levels have room for `width` elements and are disjoint from one another and from `src`.
        unsafe {
            if self.counts[k] == 0 {
                std::ptr::copy_nonoverlapping(src, acc, self.width * self.folder.size);
            } else {
                (self.folder.accumulate)(acc, src, self.width);
            }
        }
        self.counts[k] += 1;
        if self.counts[k] == RADIX && k + 1 < LEVELS {
            self.counts[k] = 0;
            // SAFETY: as above.
            unsafe { self.push_at(k + 1, acc) };
        }
    }
    /// The fold of everything pushed: `width` elements inside the cascade's memory; null when nothing was pushed.
    pub fn finish(&mut self) -> *mut u8 {
        let mut result: *mut u8 = std::ptr::null_mut();
        for k in 0..LEVELS {
            if self.counts[k] == 0 {
                continue;
            }
            let acc = self.level(k);
            if !result.is_null() {
                // SAFETY: two levels of `width` elements.
                unsafe { (self.folder.accumulate)(acc, result, self.width) };
            }
            result = acc;
            self.counts[k] = 0;
        }
        result
    }
}
