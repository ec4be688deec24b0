//! The loops of reductions: folding a block to one element, and one block into another.
//!
//! Sums of floats are NumPy's, in pairs (`pairwise.rs`), and products of floats go from one element to the next, as there. What else is
//! folded has one result in any order: a block is folded over 64 accumulators and then as a tree; `Cascade` goes on in pairs above blocks.

use super::pairwise::{self, Summed};
use crate::machine::simd::{Level, level};
use crate::prims::arithmetic::{Add, Maximum, Minimum, Mul, Times, fuses};
use crate::prims::bits::{And, Or, Xor};
use crate::prims::loops::Op2;
#[cfg(target_arch = "x86_64")]
use crate::prims::loops::opaque;
use crate::prims::{B8, Lane};
use minpy_core::DType;
use minpy_core::backend::{Fold, Prim};
use num_complex::{Complex32, Complex64};

/// The loops of one fold of one dtype.
#[derive(Clone, Copy)]
pub(crate) struct Folder {
    /// `(src, n, dst)`: writes the fold of `n >= 1` elements.
    pub fold: unsafe fn(*const u8, usize, *mut u8),
    /// `(acc, src, n)`: `acc[i] = acc[i] op src[i]`; the two are disjoint.
    pub accumulate: unsafe fn(*mut u8, *const u8, usize),
    /// `(acc, src, rows, cols)`: `rows` rows of `cols` elements one after another are added to one.
    /// For folds whose order matters.
    pub add_rows: Option<unsafe fn(*mut u8, *const u8, usize, usize)>,
    /// Bytes of an element.
    pub size: usize,
    pub order: Order,
}

/// The order in which a fold takes its elements.
#[derive(Clone, Copy)]
pub(crate) enum Order {
    /// No matter.
    Any,
    /// That of `pairwise.rs`, for this dtype.
    Pairs(DType),
    /// One after another: `(acc, src, n)` goes on from what is in `acc`.
    Running(unsafe fn(*mut u8, *const u8, usize)),
}
impl Order {
    /// Whether it matters.
    pub fn matters(self) -> bool {
        !matches!(self, Order::Any)
    }
}

/// Accumulators; fewer, and LLVM unrolls their loop to scalars before it could vectorise it.
const LANES: usize = 64;

// Counted by hand: iterators would be most of what the compiler has to read.
/// # Safety
/// `n >= 1` elements at `x`.
#[inline(always)]
unsafe fn fold_all<T: Copy, O: Op2<T, R = T>>(x: *const T, n: usize) -> T {
    // SAFETY: the caller's promise: all places are below `n`.
    unsafe {
        let mut i;
        let mut r;
        if n < LANES {
            if n < 8 {
                (r, i) = (*x, 1);
            } else {
                // Four chains hide the latency of an addition.
                let mut acc = x.cast::<[T; 4]>().read_unaligned();
                i = 4;
                while i + 4 <= n {
                    let mut j = 0;
                    while j < 4 {
                        acc[j] = O::f(acc[j], *x.add(i + j));
                        j += 1;
                    }
                    i += 4;
                }
                r = O::f(O::f(acc[0], acc[1]), O::f(acc[2], acc[3]));
            }
            while i < n {
                r = O::f(r, *x.add(i));
                i += 1;
            }
            return r;
        }
        let mut acc = x.cast::<[T; LANES]>().read_unaligned();
        i = LANES;
        while i + LANES <= n {
            let mut j = 0;
            while j < LANES {
                acc[j] = O::f(acc[j], *x.add(i + j));
                j += 1;
            }
            i += LANES;
        }
        // Fewer than there are accumulators.
        let (rest, to) = (n - i, acc.as_mut_ptr());
        let mut j = 0;
        while j < rest {
            *to.add(j) = O::f(*to.add(j), *x.add(i + j));
            j += 1;
        }
        let mut w = LANES / 2;
        while w > 0 {
            let mut j = 0;
            while j < w {
                acc[j] = O::f(acc[j], acc[j + w]);
                j += 1;
            }
            w /= 2;
        }
        acc[0]
    }
}

macro_rules! entry {
    ($name:ident, $(#[$attr:meta])*) => {
        mod $name {
            use super::*;
            $(#[$attr])*
            unsafe fn fold<T: Copy, O: Op2<T, R = T>>(src: *const u8, n: usize, dst: *mut u8) {
                // SAFETY: `n >= 1` elements at `src`, one at `dst` (contract of `Folder`).
                unsafe { *dst.cast::<T>() = fold_all::<T, O>(src.cast(), n) }
            }
            // Slices, because only then LLVM knows that they are disjoint.
            $(#[$attr])*
            unsafe fn accumulate_typed<T: Copy, O: Op2<T, R = T>>(acc: &mut [T], x: &[T]) {
                let (n, acc, x) = (acc.len(), acc.as_mut_ptr(), x.as_ptr());
                let mut i = 0;
                while i < n {
                    // SAFETY: both slices have `n` elements.
                    unsafe { *acc.add(i) = O::f(*acc.add(i), *x.add(i)) };
                    i += 1;
                }
            }
            unsafe fn accumulate<T: Copy, O: Op2<T, R = T>>(acc: *mut u8, src: *const u8, n: usize) {
                // SAFETY: `n` elements at both, disjoint (contract of `Folder`).
                unsafe {
                    let acc = std::slice::from_raw_parts_mut(acc.cast::<T>(), n);
                    accumulate_typed::<T, O>(acc, std::slice::from_raw_parts(src.cast(), n))
                }
            }
            /// A few columns of rows that lie whole, in registers.
            #[inline(always)]
            unsafe fn narrow<T: Copy, O: Op2<T, R = T>, const N: usize>(acc: *mut T, x: *const T, rows: usize, cols: usize) {
                // SAFETY: `N` of `cols` columns of `rows` rows.
                unsafe {
                    let mut r = acc.cast::<[T; N]>().read_unaligned();
                    for i in 0..rows {
                        let row = x.add(i * cols);
                        let mut j = 0;
                        while j < N {
                            r[j] = O::f(r[j], *row.add(j));
                            j += 1;
                        }
                    }
                    acc.cast::<[T; N]>().write_unaligned(r);
                }
            }
            $(#[$attr])*
            unsafe fn add_rows<T: Copy, O: Op2<T, R = T>>(acc: *mut u8, src: *const u8, rows: usize, cols: usize) {
                let (acc, x) = (acc.cast::<T>(), src.cast::<T>());
                // SAFETY: `rows` times `cols` elements at `src`, `cols` at `acc`, disjoint (contract of `Folder`).
                unsafe {
                    if cols >= 16 {
                        let acc = std::slice::from_raw_parts_mut(acc, cols);
                        for i in 0..rows {
                            accumulate_typed::<T, O>(acc, std::slice::from_raw_parts(x.add(i * cols), cols));
                        }
                        return;
                    }
                    let mut c = 0;
                    while c < cols {
                        let (acc, x) = (acc.add(c), x.add(c));
                        match cols - c {
                            1 => narrow::<T, O, 1>(acc, x, rows, cols),
                            2 => narrow::<T, O, 2>(acc, x, rows, cols),
                            3 => narrow::<T, O, 3>(acc, x, rows, cols),
                            4..8 => narrow::<T, O, 4>(acc, x, rows, cols),
                            _ => narrow::<T, O, 8>(acc, x, rows, cols),
                        }
                        c += match cols - c {
                            n @ 1..4 => n,
                            4..8 => 4,
                            _ => 8,
                        };
                    }
                }
            }
            pub fn folder<T: Copy, O: Op2<T, R = T>>() -> Folder {
                Folder {
                    fold: fold::<T, O>,
                    accumulate: accumulate::<T, O>,
                    add_rows: None,
                    size: size_of::<T>(),
                    order: Order::Any,
                }
            }
            /// One element after another along rows by `O`, across them by `P`.
            pub fn running<T: Copy, O: Op2<T, R = T>, P: Op2<T, R = T>>() -> Folder {
                Folder {
                    fold: one_by_one::<T, O>,
                    accumulate: accumulate::<T, P>,
                    add_rows: Some(add_rows::<T, P>),
                    size: size_of::<T>(),
                    order: Order::Running(go_on::<T, O>),
                }
            }
            /// Sums in pairs.
            pub fn summing<T: Summed>() -> Folder
            where
                Add: Op2<T, R = T>,
            {
                Folder {
                    fold: pairwise::fold::<T>,
                    add_rows: Some(add_rows::<T, Add>),
                    order: Order::Pairs(T::DTYPE),
                    ..folder::<T, Add>()
                }
            }
        }
    };
}
unsafe fn go_on<T: Copy, O: Op2<T, R = T>>(acc: *mut u8, src: *const u8, n: usize) {
    let (acc, x) = (acc.cast::<T>(), src.cast::<T>());
    // SAFETY: one element at `acc`, `n` at `src` (contract of `Order`).
    unsafe {
        let mut r = *acc;
        for i in 0..n {
            r = O::f(r, *x.add(i));
        }
        *acc = r;
    }
}
unsafe fn one_by_one<T: Copy, O: Op2<T, R = T>>(src: *const u8, n: usize, dst: *mut u8) {
    // SAFETY: `n >= 1` elements at `src`, one at `dst` (contract of `Folder`).
    unsafe {
        *dst.cast::<T>() = *src.cast::<T>();
        go_on::<T, O>(dst, src.add(size_of::<T>()), n - 1);
    }
}
entry!(base, #[inline(never)]);
#[cfg(target_arch = "x86_64")]
entry!(avx2, #[target_feature(enable = "avx2,fma,bmi1,bmi2")]);
#[cfg(target_arch = "x86_64")]
entry!(avx512, #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi1,bmi2")]);

/// One element after another: on x86-64 without AVX2, of what is rare.
#[cfg(target_arch = "x86_64")]
mod spare {
    use super::*;
    unsafe fn fold<T: Copy, O: Op2<T, R = T>>(src: *const u8, n: usize, dst: *mut u8) {
        let x = src.cast::<T>();
        // SAFETY: `n >= 1` elements at `src`, one at `dst` (contract of `Folder`).
        unsafe {
            let (mut r, mut i) = (*x, 1);
            while i < n {
                r = O::f(r, *x.add(i));
                i = opaque(i + 1);
            }
            *dst.cast::<T>() = r;
        }
    }
    unsafe fn accumulate<T: Copy, O: Op2<T, R = T>>(acc: *mut u8, src: *const u8, n: usize) {
        let (acc, x, mut i) = (acc.cast::<T>(), src.cast::<T>(), 0);
        while i < n {
            // SAFETY: `n` elements at both (contract of `Folder`).
            unsafe { *acc.add(i) = O::f(*acc.add(i), *x.add(i)) };
            i = opaque(i + 1);
        }
    }
    pub fn folder<T: Copy, O: Op2<T, R = T>>() -> Folder {
        Folder {
            fold: fold::<T, O>,
            accumulate: accumulate::<T, O>,
            add_rows: None,
            size: size_of::<T>(),
            order: Order::Any,
        }
    }
}
#[cfg(not(target_arch = "x86_64"))]
use base as spare;

fn folder<T: Copy, O: Op2<T, R = T>>() -> Folder {
    match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => avx512::folder::<T, O>(),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => avx2::folder::<T, O>(),
        _ => base::folder::<T, O>(),
    }
}
fn running<T: Copy, O: Op2<T, R = T>, P: Op2<T, R = T>>() -> Folder {
    match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => avx512::running::<T, O, P>(),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => avx2::running::<T, O, P>(),
        _ => base::running::<T, O, P>(),
    }
}
fn summing<T: Summed>() -> Folder
where
    Add: Op2<T, R = T>,
{
    match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => avx512::summing::<T>(),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => avx2::summing::<T>(),
        _ => base::summing::<T>(),
    }
}
/// What is rare, and whose order of operations does not matter.
fn rare<T: Copy, O: Op2<T, R = T>>() -> Folder {
    match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => avx512::folder::<T, O>(),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => avx2::folder::<T, O>(),
        _ => spare::folder::<T, O>(),
    }
}
/// The same in registers of 256 bits at most.
fn rare_narrow<T: Copy, O: Op2<T, R = T>>() -> Folder {
    match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx2 => avx2::folder::<T, O>(),
        _ => spare::folder::<T, O>(),
    }
}

/// The loops of `fold` over `dtype` (float16: none, it is folded in float32).
pub(crate) fn lookup(fold: Fold, dtype: DType) -> Option<Folder> {
    let (prim, dtype) = same(fold, dtype);
    macro_rules! find {
        ($op:ident: $($how:ident $($t:ty)*;)*) => {{
            $($(if dtype == <$t as Lane>::DTYPE { return Some($how::<$t, $op>()); })*)*
            None
        }};
    }
    match prim {
        Prim::Add => match dtype {
            DType::F32 => Some(summing::<f32>()),
            DType::F64 => Some(summing::<f64>()),
            DType::C64 => Some(summing::<Complex32>()),
            DType::C128 => Some(summing::<Complex64>()),
            _ => find!(Add: folder i64 i32; rare i16 i8;),
        },
        // NumPy's loops for vectors multiply complex numbers in another way than those that run along a row.
        Prim::Mul => match dtype {
            DType::F32 => Some(running::<f32, Mul, Mul>()),
            DType::F64 => Some(running::<f64, Mul, Mul>()),
            DType::C64 if fuses() => Some(running::<Complex32, Mul, Times>()),
            DType::C128 if fuses() => Some(running::<Complex64, Mul, Times>()),
            DType::C64 => Some(running::<Complex32, Mul, Mul>()),
            DType::C128 => Some(running::<Complex64, Mul, Mul>()),
            _ => find!(Mul: folder i64 i32; rare i16 i8;),
        },
        Prim::Maximum => {
            find!(Maximum: folder f32 f64 i64 i32; rare i16 i8 u64 u32 u16 u8 Complex32 Complex64;)
        }
        Prim::Minimum => {
            find!(Minimum: folder f32 f64 i64 i32; rare i16 i8 u64 u32 u16 u8 Complex32 Complex64;)
        }
        Prim::And => find!(And: folder B8; rare_narrow i64 i32 i16 i8;),
        Prim::Or => find!(Or: folder B8; rare_narrow i64 i32 i16 i8;),
        Prim::Xor => find!(Xor: folder B8; rare_narrow i64 i32 i16 i8;),
        _ => None,
    }
}

/// The primitive and dtype whose fold has the same bits.
pub(crate) fn same(fold: Fold, dtype: DType) -> (Prim, DType) {
    // Wrapping sums and products, and bits, do not depend on the sign.
    let dtype = if matches!(fold, Fold::Max | Fold::Min) { dtype } else { crate::prims::signed(dtype) };
    let prim = if dtype == DType::Bool { crate::prims::logical(fold.prim()) } else { fold.prim() };
    (prim, dtype)
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
