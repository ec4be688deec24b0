//! The vector units of x86-64: AVX2 with FMA, and AVX-512; the tables of loops compiled for them.

use super::ahead::Ask;
use super::pack::{Matrix, pack};
use super::post::{self, Post};
use super::stream::{dots, sums};
use super::tile::{ACROSS, Element, MOST_ROWS, Tile, Tiles, Vector, tile};
use crate::machine::simd::Level;
use std::arch::x86_64::*;

macro_rules! vector {
    ($name:ident $t:ty, $v:ty, $n:literal, $m:ty: $zero:ident $splat:ident $load:ident $store:ident $add:ident
     $fma:ident, $mask:ident $get:ident $put:ident $sum:ident, $few:literal $turn:ident,
     $sub:ident $mul:ident $select:ident $widen:ident $narrow:ident) => {
        pub struct $name;
        // SAFETY: in all functions, the caller checked for the instructions, and pointers are its promise.
        impl Vector for $name {
            type T = $t;
            type V = $v;
            type Mask = $m;
            const N: usize = $n;
            const FEW: usize = $few;
            vector! {
                fn zero() -> $v { $zero() }
                fn splat(p: *const $t) -> $v { $splat(*p) }
                fn load(p: *const $t) -> $v { $load(p) }
                fn store(p: *mut $t, v: $v) -> () { $store(p, v) }
                fn mask(n: usize) -> $m { $mask(n) }
                fn load_some(p: *const $t, m: $m) -> $v { $get(p, m) }
                fn store_some(p: *mut $t, m: $m, v: $v) -> () { $put(p, m, v) }
                fn add(a: $v, b: $v) -> $v { $add(a, b) }
                fn sub(a: $v, b: $v) -> $v { $sub(a, b) }
                fn mul(a: $v, b: $v) -> $v { $mul(a, b) }
                fn maximum(a: $v, b: $v) -> $v { $select::<_CMP_NGE_UQ, true>(a, b, b, a) }
                fn minimum(a: $v, b: $v) -> $v { $select::<_CMP_NLE_UQ, true>(a, b, b, a) }
                fn above(a: $v, b: $v, x: $v, y: $v) -> $v { $select::<_CMP_GT_OQ, false>(a, b, x, y) }
                fn equal(a: $v, b: $v, x: $v, y: $v) -> $v { $select::<_CMP_EQ_OQ, false>(a, b, x, y) }
                fn widen(p: *const u8) -> $v { $widen(p) }
                fn narrow(p: *mut u8, v: $v) -> () { $narrow(p, v) }
                fn sum(v: $v) -> $t { $sum(v) }
                fn near(p: *const $t) -> () { _mm_prefetch::<_MM_HINT_T0>(p.cast()) }
                fn second(p: *const $t) -> () { _mm_prefetch::<_MM_HINT_T1>(p.cast()) }
                fn fma(a: $v, b: $v, c: $v) -> $v { $fma(a, b, c) }
            }
            #[inline(always)]
            unsafe fn turn<const PARTS: usize>(to: *mut $t, wide: usize, from: *const $t, row: isize) {
                // SAFETY: see the trait.
                unsafe { $turn::<PARTS>(to, wide, from, row) }
            }
        }
    };
    ($(fn $f:ident($($x:ident: $a:ty),*) -> $r:ty { $call:expr })*) => {$(
        #[inline(always)]
        unsafe fn $f($($x: $a),*) -> $r {
            // SAFETY: see the trait.
            unsafe { $call }
        }
    )*};
}
vector!(F32x8 f32, __m256, 8, __m256i: _mm256_setzero_ps _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_add_ps
    _mm256_fmadd_ps, mask8 _mm256_maskload_ps _mm256_maskstore_ps sum8, 4 turn_256_ps,
    _mm256_sub_ps _mm256_mul_ps select_256_ps widen_256_ps narrow_256_ps);
vector!(F64x4 f64, __m256d, 4, __m256i: _mm256_setzero_pd _mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd
    _mm256_add_pd _mm256_fmadd_pd, mask4 _mm256_maskload_pd _mm256_maskstore_pd sum4, 2 turn_256_pd,
    _mm256_sub_pd _mm256_mul_pd select_256_pd widen_256_pd narrow_256_pd);
vector!(F32x16 f32, __m512, 16, __mmask16: _mm512_setzero_ps _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps
    _mm512_add_ps _mm512_fmadd_ps, mask512 get16 _mm512_mask_storeu_ps _mm512_reduce_add_ps, 4 turn_512_ps,
    _mm512_sub_ps _mm512_mul_ps select_512_ps widen_512_ps narrow_512_ps);
vector!(F64x8 f64, __m512d, 8, __mmask8: _mm512_setzero_pd _mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd
    _mm512_add_pd _mm512_fmadd_pd, mask512 get8 _mm512_mask_storeu_pd _mm512_reduce_add_pd, 2 turn_512_pd,
    _mm512_sub_pd _mm512_mul_pd select_512_pd widen_512_pd narrow_512_pd);

/// `select::<CMP, NUMBER>(a, b, x, y)`: `x` where `a` compares with `b`, and if `NUMBER`, `a` is none; else `y`.
macro_rules! select {
    ($($name:ident $v:ty: $cmp:ident $masked:ident $blend:ident)*) => {$(
        #[inline(always)]
        unsafe fn $name<const CMP: i32, const NUMBER: bool>(a: $v, b: $v, x: $v, y: $v) -> $v {
            // SAFETY: here and below, see the trait `Vector`.
            unsafe {
                let m = $cmp::<CMP>(a, b);
                $blend(if NUMBER { $masked::<_CMP_ORD_Q>(m, a, a) } else { m }, y, x)
            }
        }
    )*};
}
select! {
    select_512_ps __m512: _mm512_cmp_ps_mask _mm512_mask_cmp_ps_mask _mm512_mask_blend_ps
    select_512_pd __m512d: _mm512_cmp_pd_mask _mm512_mask_cmp_pd_mask _mm512_mask_blend_pd
    select_256_ps __m256: _mm256_cmp_ps masked_cmp_ps blend_ps
    select_256_pd __m256d: _mm256_cmp_pd masked_cmp_pd blend_pd
}
/// What AVX2 lacks of that.
macro_rules! select_256 {
    ($($v:ty: $masked:ident $and:ident $cmp:ident, $blend:ident $blendv:ident)*) => {$(
        #[inline(always)]
        unsafe fn $masked<const CMP: i32>(m: $v, a: $v, b: $v) -> $v {
            // SAFETY: see above.
            unsafe { $and(m, $cmp::<CMP>(a, b)) }
        }
        #[inline(always)]
        unsafe fn $blend(m: $v, y: $v, x: $v) -> $v {
            // SAFETY: see above.
            unsafe { $blendv(y, x, m) }
        }
    )*};
}
select_256! {
    __m256: masked_cmp_ps _mm256_and_ps _mm256_cmp_ps, blend_ps _mm256_blendv_ps
    __m256d: masked_cmp_pd _mm256_and_pd _mm256_cmp_pd, blend_pd _mm256_blendv_pd
}

/// Bytes as elements, and back.
macro_rules! bytes {
    ($($widen:ident |$p:ident| $from:expr; $narrow:ident |$to:ident, $x:ident| $put:expr; $v:ty;)*) => {$(
        #[inline(always)]
        unsafe fn $widen($p: *const u8) -> $v {
            // SAFETY: see above.
            unsafe { $from }
        }
        #[inline(always)]
        unsafe fn $narrow($to: *mut u8, $x: $v) {
            // SAFETY: see above.
            unsafe { $put }
        }
    )*};
}
bytes! {
    widen_512_ps |p| _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(p.cast())));
    narrow_512_ps |p, v| _mm_storeu_si128(p.cast(), _mm512_cvtepi32_epi8(_mm512_cvttps_epi32(v))); __m512;
    widen_512_pd |p| _mm512_cvtepi32_pd(_mm256_cvtepu8_epi32(_mm_loadl_epi64(p.cast())));
    narrow_512_pd |p, v| _mm_storel_epi64(p.cast(), eight(_mm512_cvttpd_epi32(v))); __m512d;
    widen_256_ps |p| _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(p.cast())));
    narrow_256_ps |p, v| _mm_storel_epi64(p.cast(), eight(_mm256_cvttps_epi32(v))); __m256;
    widen_256_pd |p| _mm256_cvtepi32_pd(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(p.cast::<i32>().read_unaligned())));
    narrow_256_pd |p, v| p.cast::<i32>().write_unaligned(_mm_cvtsi128_si32(four(_mm256_cvttpd_epi32(v)))); __m256d;
}
/// Eight numbers as bytes.
#[inline(always)]
unsafe fn eight(v: __m256i) -> __m128i {
    // SAFETY: see above.
    unsafe {
        let x = _mm_packus_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v));
        _mm_packus_epi16(x, x)
    }
}
/// Four numbers as bytes.
#[inline(always)]
unsafe fn four(v: __m128i) -> __m128i {
    // SAFETY: see above.
    unsafe {
        let x = _mm_packus_epi32(v, v);
        _mm_packus_epi16(x, x)
    }
}
/// The lowest `n` bits.
#[inline(always)]
unsafe fn mask512<M: TryFrom<u32>>(n: usize) -> M {
    // SAFETY: at most as many bits as the register has elements, which is what the mask holds.
    unsafe { M::try_from((1u32 << n) - 1).unwrap_unchecked() }
}
#[inline(always)]
unsafe fn get16(p: *const f32, m: __mmask16) -> __m512 {
    // SAFETY: here and below, see the trait `Vector`.
    unsafe { _mm512_maskz_loadu_ps(m, p) }
}
#[inline(always)]
unsafe fn get8(p: *const f64, m: __mmask8) -> __m512d {
    // SAFETY: see above.
    unsafe { _mm512_maskz_loadu_pd(m, p) }
}
#[inline(always)]
unsafe fn mask8(n: usize) -> __m256i {
    static BITS: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
    // SAFETY: see above; `n` is at most 8.
    unsafe { _mm256_loadu_si256(BITS.as_ptr().add(8 - n).cast()) }
}
#[inline(always)]
unsafe fn mask4(n: usize) -> __m256i {
    static BITS: [i64; 8] = [-1, -1, -1, -1, 0, 0, 0, 0];
    // SAFETY: see above; `n` is at most 4.
    unsafe { _mm256_loadu_si256(BITS.as_ptr().add(4 - n).cast()) }
}
#[inline(always)]
unsafe fn sum8(v: __m256) -> f32 {
    // SAFETY: see above.
    unsafe {
        let x = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
        let x = _mm_add_ps(x, _mm_movehl_ps(x, x));
        _mm_cvtss_f32(_mm_add_ss(x, _mm_shuffle_ps::<1>(x, x)))
    }
}
#[inline(always)]
unsafe fn sum4(v: __m256d) -> f64 {
    // SAFETY: see above.
    unsafe {
        let x = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd::<1>(v));
        _mm_cvtsd_f64(_mm_add_sd(x, _mm_unpackhi_pd(x, x)))
    }
}
/// `turn`: 128 bits of each row are put together as they are loaded, which needs no unit that shuffles; then rows and columns
/// are exchanged in each of these parts, and the parts make up whole lines.
macro_rules! turn {
    ($name:ident $t:ty: $few:literal, $load:ident $wide:ident, $($insert:ident $part:literal)*; $whole:ident,
     |$v:ident| $exchange:expr, |$to:ident, $line:ident| { $($parts:pat => $store:expr,)* }) => {
        #[inline(always)]
        unsafe fn $name<const PARTS: usize>(to: *mut $t, wide: usize, from: *const $t, row: isize) {
            // SAFETY: see above.
            unsafe {
                let mut $v = [$wide($load(from)); $few];
                for (i, v) in $v.iter_mut().enumerate() {
                    *v = $wide($load(from.offset(i as isize * row)));
                    $(if PARTS > $part {
                        *v = $insert::<$part>(*v, $load(from.offset((i + $part * $few) as isize * row)));
                    })*
                }
                for (l, $line) in $exchange.into_iter().enumerate() {
                    let $to = to.add(l * wide);
                    match PARTS {
                        $($parts => $store,)*
                        _ => $whole($to, $line),
                    }
                }
            }
        }
    };
}
turn!(turn_256_ps f32: 4, _mm_loadu_ps _mm256_castps128_ps256, _mm256_insertf128_ps 1; _mm256_storeu_ps, |v| {
    let [a, b, c, d] = v;
    let (low, high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
    let (low2, high2) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
    [
        _mm256_shuffle_ps::<0x44>(low, low2),
        _mm256_shuffle_ps::<0xee>(low, low2),
        _mm256_shuffle_ps::<0x44>(high, high2),
        _mm256_shuffle_ps::<0xee>(high, high2),
    ]
}, |to, x| { 1 => _mm_storeu_ps(to, _mm256_castps256_ps128(x)), });
turn!(turn_512_ps f32: 4, _mm_loadu_ps _mm512_castps128_ps512,
    _mm512_insertf32x4 1 _mm512_insertf32x4 2 _mm512_insertf32x4 3; _mm512_storeu_ps, |v| {
    let [a, b, c, d] = v;
    let (low, high) = (_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    let (low2, high2) = (_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
    [
        _mm512_shuffle_ps::<0x44>(low, low2),
        _mm512_shuffle_ps::<0xee>(low, low2),
        _mm512_shuffle_ps::<0x44>(high, high2),
        _mm512_shuffle_ps::<0xee>(high, high2),
    ]
}, |to, x| {
    1 => _mm_storeu_ps(to, _mm512_castps512_ps128(x)),
    2 => _mm256_storeu_ps(to, _mm512_castps512_ps256(x)),
    3 => _mm512_mask_storeu_ps(to, 0xfff, x),
});
turn!(turn_256_pd f64: 2, _mm_loadu_pd _mm256_castpd128_pd256, _mm256_insertf128_pd 1; _mm256_storeu_pd, |v| {
    [_mm256_unpacklo_pd(v[0], v[1]), _mm256_unpackhi_pd(v[0], v[1])]
}, |to, x| { 1 => _mm_storeu_pd(to, _mm256_castpd256_pd128(x)), });
turn!(turn_512_pd f64: 2, _mm_loadu_pd _mm512_castpd128_pd512,
    _mm512_insertf64x2 1 _mm512_insertf64x2 2 _mm512_insertf64x2 3; _mm512_storeu_pd, |v| {
    [_mm512_unpacklo_pd(v[0], v[1]), _mm512_unpackhi_pd(v[0], v[1])]
}, |to, x| {
    1 => _mm_storeu_pd(to, _mm512_castpd512_pd128(x)),
    2 => _mm256_storeu_pd(to, _mm512_castpd512_pd256(x)),
    3 => _mm512_mask_storeu_pd(to, 0x3f, x),
});

/// The generic loops behind the features that make their vector functions single instructions.
macro_rules! wrappers {
    ($module:ident $features:literal) => {
        mod $module {
            use super::*;
            #[target_feature(enable = $features)]
            pub unsafe fn run<S: Vector, const ROWS: usize, const WIDE: usize, const PART: bool>(
                k: usize,
                a: *const S::T,
                a_row: isize,
                a_step: isize,
                b: *const S::T,
                b_step: isize,
                c: *mut S::T,
                c_row: isize,
                last: usize,
                add: bool,
                ask: Ask,
            ) {
                // SAFETY: here and below, the caller's promise.
                unsafe {
                    tile::<S, ROWS, WIDE, PART>(k, a, a_row, a_step, b, b_step, c, c_row, last, add, ask)
                }
            }
            #[target_feature(enable = $features)]
            pub unsafe fn packed<S: Vector>(to: *mut S::T, wide: usize, m: Matrix<S::T>, n: usize, k: usize) {
                // SAFETY: see above.
                unsafe { pack::<S>(to, wide, m, n, k) }
            }
            #[target_feature(enable = $features)]
            pub unsafe fn finished<S: Vector>(post: &Post, tile: post::Tile<S::T>) {
                // SAFETY: see above.
                unsafe { post::post::<S>(post, tile) }
            }
            #[target_feature(enable = $features)]
            pub unsafe fn dotted<S: Vector, const N: usize>(
                m: usize,
                k: usize,
                a: Matrix<S::T>,
                b: Matrix<S::T>,
                c: Matrix<S::T>,
                add: bool,
            ) {
                // SAFETY: see above.
                unsafe { dots::<S, N>(m, k, a, b, c, add) }
            }
            #[target_feature(enable = $features)]
            pub unsafe fn summed<S: Vector, const N: usize>(
                n: usize,
                k: usize,
                a: Matrix<S::T>,
                b: Matrix<S::T>,
                c: Matrix<S::T>,
            ) {
                // SAFETY: see above.
                unsafe { sums::<S, N>(n, k, a, b, c) }
            }
        }
    };
}
wrappers!(avx2 "avx2,fma");
wrappers!(avx512 "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,lzcnt,popcnt");

macro_rules! tiles {
    ($f:ident $s:ty: $most:literal: $($rows:literal $full:literal)*) => {{
        let mut table: [[[Option<Tile<<$s as Vector>::T>>; 2]; ACROSS]; MOST_ROWS] = [[[None; 2]; ACROSS]; MOST_ROWS];
        $(table[$rows - 1] = [
            [Some($f::run::<$s, $rows, 1, { !$full }>), Some($f::run::<$s, $rows, 1, true>)],
            [Some($f::run::<$s, $rows, 2, { !$full }>), Some($f::run::<$s, $rows, 2, true>)],
        ];)*
        Tiles {
            rows: $most,
            lanes: <$s>::N,
            table,
            pack: $f::packed::<$s>,
            post: $f::finished::<$s>,
            dots: [
                $f::dotted::<$s, 1>, $f::dotted::<$s, 2>, $f::dotted::<$s, 3>,
                $f::dotted::<$s, 4>, $f::dotted::<$s, 5>, $f::dotted::<$s, 6>,
            ],
            sums: [
                $f::summed::<$s, 1>, $f::summed::<$s, 2>, $f::summed::<$s, 3>,
                $f::summed::<$s, 4>, $f::summed::<$s, 5>, $f::summed::<$s, 6>,
            ],
        }
    }};
}
macro_rules! element {
    ($t:ty: $avx2:ident $avx512:ident) => {
        impl Element for $t {
            const ZERO: $t = 0.0;
            const HALF: $t = 0.5;
            const ONE: $t = 1.0;
            #[inline]
            fn tiles(level: Level) -> Option<&'static Tiles<$t>> {
                // 6 x 2 of 16 registers, 12 x 2 of 32: the rest holds a row of B and the broadcast element.
                // Whether there is a loop for full registers of its own: AVX-512 reads parts of them as fast, and smaller tiles have less to do.
                static AVX2: Tiles<$t> = tiles!(avx2 $avx2: 6: 1 true 2 true 3 true 4 true 5 true 6 true);
                static AVX512: Tiles<$t> = tiles!(avx512 $avx512: 12:
                    1 false 2 false 3 false 4 false 5 false 6 false 7 false 8 false 9 false 10 false 11 false 12 true);
                match level {
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
