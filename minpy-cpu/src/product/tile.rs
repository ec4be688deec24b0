//! The innermost loops of a product: a tile of the result held in registers while `k` runs.
//!
//! One generic function, compiled for every tile height and width and every instruction set; `tiles` picks the table.
//! The shape follows Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008), with rows and
//! columns exchanged because our matrices are mostly row-major: elements of A are broadcast, rows of B are vectors.

use crate::simd::{Level, level};

/// One register full of elements.
pub(crate) trait Vector {
    type T: Copy;
    type V: Copy;
    /// Elements of a register.
    const N: usize;
    unsafe fn zero() -> Self::V;
    unsafe fn splat(p: *const Self::T) -> Self::V;
    unsafe fn load(p: *const Self::T) -> Self::V;
    unsafe fn store(p: *mut Self::T, v: Self::V);
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    /// Asks for the cache line of an address.
    unsafe fn near(p: *const Self::T);
    /// `a * b + c`
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
}

/// `(k, a, rows of a, steps of a, b, steps of b, c, rows of c, accumulate)`: distances in elements. The tile of `c` is
/// `a * b`, or that added to what is there.
pub(crate) type Tile<T> = unsafe fn(usize, *const T, isize, isize, *const T, isize, *mut T, isize, bool);

/// Most rows of a tile, over all instruction sets.
pub(crate) const MOST_ROWS: usize = 12;
/// Registers across a tile.
pub(crate) const ACROSS: usize = 2;

/// The tiles of one element type on this machine.
pub(crate) struct Tiles<T: 'static> {
    /// Rows of a full tile.
    pub rows: usize,
    /// Elements of a register.
    pub lanes: usize,
    /// By rows less one, and by registers across less one.
    pub table: [[Option<Tile<T>>; ACROSS]; MOST_ROWS],
}

impl<T> Tiles<T> {
    /// The tile of `rows` rows and `across` registers.
    #[inline]
    pub fn get(&self, rows: usize, across: usize) -> Option<Tile<T>> {
        self.table[rows - 1][across - 1]
    }
}

/// Element types that have tiles.
pub(crate) trait Element: Copy + Send + Sync + std::ops::Add<Output = Self> + 'static {
    const ZERO: Self;
    /// The tiles for this machine; `None` without vector units that we wrote them for.
    fn tiles() -> Option<&'static Tiles<Self>>;
}

/// What every wrapper inlines: the features of the wrapper make the vector functions single instructions.
#[inline(always)]
unsafe fn tile<S: Vector, const ROWS: usize, const WIDE: usize>(
    k: usize,
    mut a: *const S::T,
    a_row: isize,
    a_step: isize,
    mut b: *const S::T,
    b_step: isize,
    c: *mut S::T,
    c_row: isize,
    accumulate: bool,
) {
    // SAFETY: the caller vouches for `ROWS` rows of `a`, `WIDE` registers of `b`, `k` steps of both, and the tile of `c`.
    unsafe {
        let mut sums = [[S::zero(); WIDE]; ROWS];
        // The tile of `c` is needed when `k` has run: by then it should be near.
        for i in 0..ROWS {
            S::near(c.offset(i as isize * c_row));
            S::near(c.offset(i as isize * c_row).wrapping_add(WIDE * S::N - 1));
        }
        for _ in 0..k {
            let mut row = [S::zero(); WIDE];
            for (j, r) in row.iter_mut().enumerate() {
                *r = S::load(b.add(j * S::N));
            }
            for (i, s) in sums.iter_mut().enumerate() {
                let x = S::splat(a.offset(i as isize * a_row));
                for (s, &y) in s.iter_mut().zip(&row) {
                    *s = S::fma(x, y, *s);
                }
            }
            a = a.wrapping_offset(a_step);
            b = b.wrapping_offset(b_step);
        }
        for (i, s) in sums.iter().enumerate() {
            for (j, &v) in s.iter().enumerate() {
                let at = c.offset(i as isize * c_row).add(j * S::N);
                S::store(at, if accumulate { S::add(S::load(at), v) } else { v });
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::*;
    use std::arch::x86_64::*;

    macro_rules! vector {
        ($name:ident $t:ty, $v:ty, $n:literal: $zero:ident $splat:ident $load:ident $store:ident $add:ident $fma:ident) => {
            pub struct $name;
            impl Vector for $name {
                type T = $t;
                type V = $v;
                const N: usize = $n;
                #[inline(always)]
                unsafe fn zero() -> $v {
                    // SAFETY: here and below, the caller checked for the instructions; pointers are its promise.
                    unsafe { $zero() }
                }
                #[inline(always)]
                unsafe fn splat(p: *const $t) -> $v {
                    // SAFETY: see `zero`.
                    unsafe { $splat(*p) }
                }
                #[inline(always)]
                unsafe fn load(p: *const $t) -> $v {
                    // SAFETY: see `zero`.
                    unsafe { $load(p) }
                }
                #[inline(always)]
                unsafe fn store(p: *mut $t, v: $v) {
                    // SAFETY: see `zero`.
                    unsafe { $store(p, v) }
                }
                #[inline(always)]
                unsafe fn near(p: *const $t) {
                    // SAFETY: see `zero`; a prefetch of any address is harmless.
                    unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast()) }
                }
                #[inline(always)]
                unsafe fn add(a: $v, b: $v) -> $v {
                    // SAFETY: see `zero`.
                    unsafe { $add(a, b) }
                }
                #[inline(always)]
                unsafe fn fma(a: $v, b: $v, c: $v) -> $v {
                    // SAFETY: see `zero`.
                    unsafe { $fma(a, b, c) }
                }
            }
        };
    }
    vector!(F32x8 f32, __m256, 8: _mm256_setzero_ps _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_add_ps _mm256_fmadd_ps);
    vector!(F64x4 f64, __m256d, 4: _mm256_setzero_pd _mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_add_pd _mm256_fmadd_pd);
    vector!(F32x16 f32, __m512, 16: _mm512_setzero_ps _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_add_ps _mm512_fmadd_ps);
    vector!(F64x8 f64, __m512d, 8: _mm512_setzero_pd _mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_add_pd _mm512_fmadd_pd);

    macro_rules! wrapper {
        ($name:ident, $features:literal) => {
            #[target_feature(enable = $features)]
            unsafe fn $name<S: Vector, const ROWS: usize, const WIDE: usize>(
                k: usize,
                a: *const S::T,
                a_row: isize,
                a_step: isize,
                b: *const S::T,
                b_step: isize,
                c: *mut S::T,
                c_row: isize,
                accumulate: bool,
            ) {
                // SAFETY: the caller's promise.
                unsafe { tile::<S, ROWS, WIDE>(k, a, a_row, a_step, b, b_step, c, c_row, accumulate) }
            }
        };
    }
    wrapper!(avx2, "avx2,fma");
    wrapper!(avx512, "avx512f,avx512vl,avx2,fma");

    macro_rules! table {
        ($f:ident $s:ty: $($rows:literal)*) => {{
            let mut table: [[Option<Tile<<$s as Vector>::T>>; ACROSS]; MOST_ROWS] = [[None; ACROSS]; MOST_ROWS];
            $(table[$rows - 1] = [Some($f::<$s, $rows, 1>), Some($f::<$s, $rows, 2>)];)*
            table
        }};
    }
    macro_rules! element {
        ($t:ty: $avx2:ident $avx512:ident) => {
            impl Element for $t {
                const ZERO: $t = 0.0;
                fn tiles() -> Option<&'static Tiles<$t>> {
                    // 6 x 2 of 16 registers, 12 x 2 of 32: the rest holds a row of B and the broadcast element.
                    static AVX2: Tiles<$t> =
                        Tiles { rows: 6, lanes: $avx2::N, table: table!(avx2 $avx2: 1 2 3 4 5 6) };
                    static AVX512: Tiles<$t> = Tiles {
                        rows: 12,
                        lanes: $avx512::N,
                        table: table!(avx512 $avx512: 1 2 3 4 5 6 7 8 9 10 11 12),
                    };
                    match level() {
                        Level::Avx512 => Some(&AVX512),
                        Level::Avx2 => Some(&AVX2),
                        Level::Base => None,
                    }
                }
            }
        };
    }
    element!(f32: F32x8 F32x16);
    element!(f64: F64x4 F64x8);
}

#[cfg(not(target_arch = "x86_64"))]
mod other {
    use super::*;
    impl Element for f32 {
        const ZERO: f32 = 0.0;
        fn tiles() -> Option<&'static Tiles<f32>> {
            None
        }
    }
    impl Element for f64 {
        const ZERO: f64 = 0.0;
        fn tiles() -> Option<&'static Tiles<f64>> {
            None
        }
    }
}
