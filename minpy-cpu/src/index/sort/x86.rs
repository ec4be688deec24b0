//! The vector units of x86-64 for sorting: registers of AVX-512 and AVX2 with elements of 32 and 64 bits.
//!
//! Elements are moved as integers whatever they are; only how they compare differs.

use super::network::Lanes;
use std::arch::x86_64::*;

/// Numbers of lanes, each xor `X`.
const fn crossed<const N: usize>(x: usize) -> [i32; N] {
    let (mut list, mut i) = ([0; N], 0);
    while i < N {
        list[i] = (i ^ x) as i32;
        i += 1;
    }
    list
}
/// See `Lanes::deal`; `parts` are the 32-bit parts of an element.
const fn dealt<const N: usize>(rows: usize, parts: usize) -> [i32; N] {
    let lanes = N / parts;
    let (mut list, mut i) = ([0; N], 0);
    while i < N {
        let lane = i / parts;
        let from = if rows < lanes { lane % rows * (lanes / rows) + lane / rows } else { lane };
        list[i] = (from * parts + i % parts) as i32;
        i += 1;
    }
    list
}
/// For each mask of eight 32-bit lanes: the lanes that are set, then the others.
static PACKED: [[i32; 8]; 256] = {
    let (mut table, mut mask) = ([[0; 8]; 256], 0);
    while mask < 256 {
        let (mut to, mut pass) = (0, 0);
        while pass < 2 {
            let mut lane = 0;
            while lane < 8 {
                if (mask >> lane & 1 == 1) == (pass == 0) {
                    table[mask][to] = lane;
                    to += 1;
                }
                lane += 1;
            }
            pass += 1;
        }
        mask += 1;
    }
    table
};
/// The same for four lanes of 64 bits.
static PACKED_PAIRS: [[i32; 8]; 16] = {
    let (mut table, mut mask) = ([[0; 8]; 16], 0);
    while mask < 16 {
        let (mut wide, mut lane) = (0, 0);
        while lane < 4 {
            if mask >> lane & 1 == 1 {
                wide |= 3 << (2 * lane);
            }
            lane += 1;
        }
        table[mask] = PACKED[wide];
        mask += 1;
    }
    table
};

/// One unit and type: registers are integers; `$as` and `$back` make of them what compares.
macro_rules! lanes {
    ($name:ident: $t:ty, $n:literal, $most:expr, $r:ty, $load:ident $store:ident, |$x:ident| $splat:expr,
     |$a:ident, $b:ident| $low:expr, $high:expr, $less:expr;
     |$v:ident, $mask:ident| $pack:expr; |$c:ident| $across:expr; |$p:ident, $q:ident| $blend:expr; |$d:ident| $deal:expr) => {
        pub(super) struct $name;
        // SAFETY: in all functions, the caller checked for the instructions, and pointers are its promise.
        #[allow(clippy::undocumented_unsafe_blocks, reason = "said once for all")]
        impl Lanes for $name {
            type T = $t;
            type R = $r;
            const N: usize = $n;
            const MOST: $t = $most;
            #[inline(always)]
            unsafe fn load(p: *const $t) -> $r {
                unsafe { $load(p.cast()) }
            }
            #[inline(always)]
            unsafe fn store(p: *mut $t, r: $r) {
                unsafe { $store(p.cast(), r) }
            }
            #[inline(always)]
            unsafe fn splat($x: $t) -> $r {
                unsafe { $splat }
            }
            #[inline(always)]
            unsafe fn low($a: $r, $b: $r) -> $r {
                unsafe { $low }
            }
            #[inline(always)]
            unsafe fn high($a: $r, $b: $r) -> $r {
                unsafe { $high }
            }
            #[inline(always)]
            unsafe fn less($a: $r, $b: $r) -> u32 {
                unsafe { $less }
            }
            #[inline(always)]
            unsafe fn pack($v: $r, $mask: u32) -> $r {
                unsafe { $pack }
            }
            #[inline(always)]
            unsafe fn across<const X: usize>($c: $r) -> $r {
                unsafe { $across }
            }
            #[inline(always)]
            unsafe fn blend<const D: usize>($p: $r, $q: $r) -> $r {
                unsafe { $blend }
            }
            #[inline(always)]
            unsafe fn deal<const ROWS: usize>($d: $r) -> $r {
                unsafe { $deal }
            }
        }
    };
}
/// Bits of the lanes whose number has the bit `d`.
const fn bit_of_lane(d: usize) -> u32 {
    let (mut mask, mut lane) = (0, 0);
    while lane < 16 {
        if lane & d != 0 {
            mask |= 1 << lane;
        }
        lane += 1;
    }
    mask
}

macro_rules! wide32 {
    ($name:ident: $t:ty, $most:expr, |$x:ident| $splat:expr, |$a:ident, $b:ident| $low:expr, $high:expr, $less:expr) => {
        lanes!($name: $t, 16, $most, __m512i, _mm512_loadu_si512 _mm512_storeu_si512, |$x| $splat,
            |$a, $b| $low, $high, $less;
            |v, mask| _mm512_maskz_compress_epi32(mask as __mmask16, v);
            |v| {
                let order = const { crossed::<16>(X) };
                _mm512_permutexvar_epi32(_mm512_loadu_si512(order.as_ptr().cast()), v)
            };
            |a, b| _mm512_mask_blend_epi32(const { bit_of_lane(D) as __mmask16 }, a, b);
            |v| {
                let order = const { dealt::<16>(ROWS, 1) };
                _mm512_permutexvar_epi32(_mm512_loadu_si512(order.as_ptr().cast()), v)
            }
        );
    };
}
macro_rules! wide64 {
    ($name:ident: $t:ty, $most:expr, |$x:ident| $splat:expr, |$a:ident, $b:ident| $low:expr, $high:expr, $less:expr) => {
        lanes!($name: $t, 8, $most, __m512i, _mm512_loadu_si512 _mm512_storeu_si512, |$x| $splat,
            |$a, $b| $low, $high, $less;
            |v, mask| _mm512_maskz_compress_epi64(mask as __mmask8, v);
            |v| match X {
                1 => _mm512_shuffle_epi32::<0x4e>(v),
                2 => _mm512_permutex_epi64::<0x4e>(v),
                3 => _mm512_permutex_epi64::<0x1b>(v),
                4 => _mm512_shuffle_i64x2::<0x4e>(v, v),
                _ => {
                    let order = const { [7i64, 6, 5, 4, 3, 2, 1, 0] };
                    _mm512_permutexvar_epi64(_mm512_loadu_si512(order.as_ptr().cast()), v)
                }
            };
            |a, b| _mm512_mask_blend_epi64(const { bit_of_lane(D) as __mmask8 }, a, b);
            |v| {
                let order = const { dealt::<16>(ROWS, 2) };
                _mm512_permutexvar_epi32(_mm512_loadu_si512(order.as_ptr().cast()), v)
            }
        );
    };
}
macro_rules! narrow32 {
    ($name:ident: $t:ty, $most:expr, |$x:ident| $splat:expr, |$a:ident, $b:ident| $low:expr, $high:expr, $less:expr) => {
        lanes!($name: $t, 8, $most, __m256i, _mm256_loadu_si256 _mm256_storeu_si256, |$x| $splat,
            |$a, $b| $low, $high, $less;
            |v, mask| {
                let order = _mm256_loadu_si256(PACKED[(mask & 255) as usize].as_ptr().cast());
                _mm256_permutevar8x32_epi32(v, order)
            };
            |v| match X {
                1 => _mm256_shuffle_epi32::<0xb1>(v),
                2 => _mm256_shuffle_epi32::<0x4e>(v),
                3 => _mm256_shuffle_epi32::<0x1b>(v),
                4 => _mm256_permute2x128_si256::<1>(v, v),
                _ => {
                    let order = const { crossed::<8>(X) };
                    _mm256_permutevar8x32_epi32(v, _mm256_loadu_si256(order.as_ptr().cast()))
                }
            };
            |a, b| match D {
                1 => _mm256_blend_epi32::<0xaa>(a, b),
                2 => _mm256_blend_epi32::<0xcc>(a, b),
                _ => _mm256_blend_epi32::<0xf0>(a, b),
            };
            |v| {
                let order = const { dealt::<8>(ROWS, 1) };
                _mm256_permutevar8x32_epi32(v, _mm256_loadu_si256(order.as_ptr().cast()))
            }
        );
    };
}
macro_rules! narrow64 {
    ($name:ident: $t:ty, $most:expr, |$x:ident| $splat:expr, |$a:ident, $b:ident| $low:expr, $high:expr, $less:expr) => {
        lanes!($name: $t, 4, $most, __m256i, _mm256_loadu_si256 _mm256_storeu_si256, |$x| $splat,
            |$a, $b| $low, $high, $less;
            |v, mask| {
                let order = _mm256_loadu_si256(PACKED_PAIRS[(mask & 15) as usize].as_ptr().cast());
                _mm256_permutevar8x32_epi32(v, order)
            };
            |v| match X {
                1 => _mm256_shuffle_epi32::<0x4e>(v),
                2 => _mm256_permute4x64_epi64::<0x4e>(v),
                _ => _mm256_permute4x64_epi64::<0x1b>(v),
            };
            |a, b| match D {
                1 => _mm256_blend_epi32::<0xcc>(a, b),
                _ => _mm256_blend_epi32::<0xf0>(a, b),
            };
            |v| {
                let order = const { dealt::<8>(ROWS, 2) };
                _mm256_permutevar8x32_epi32(v, _mm256_loadu_si256(order.as_ptr().cast()))
            }
        );
    };
}

wide32!(I32x16: i32, i32::MAX, |x| _mm512_set1_epi32(x),
    |a, b| _mm512_min_epi32(a, b), _mm512_max_epi32(a, b), _mm512_cmplt_epi32_mask(a, b).into());
wide64!(I64x8: i64, i64::MAX, |x| _mm512_set1_epi64(x),
    |a, b| _mm512_min_epi64(a, b), _mm512_max_epi64(a, b), _mm512_cmplt_epi64_mask(a, b).into());
wide32!(F32x16: f32, f32::INFINITY, |x| _mm512_castps_si512(_mm512_set1_ps(x)), |a, b|
    _mm512_castps_si512(_mm512_min_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b))),
    _mm512_castps_si512(_mm512_max_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b))),
    _mm512_cmp_ps_mask::<_CMP_LT_OQ>(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b)).into());
wide64!(F64x8: f64, f64::INFINITY, |x| _mm512_castpd_si512(_mm512_set1_pd(x)), |a, b|
    _mm512_castpd_si512(_mm512_min_pd(_mm512_castsi512_pd(a), _mm512_castsi512_pd(b))),
    _mm512_castpd_si512(_mm512_max_pd(_mm512_castsi512_pd(a), _mm512_castsi512_pd(b))),
    _mm512_cmp_pd_mask::<_CMP_LT_OQ>(_mm512_castsi512_pd(a), _mm512_castsi512_pd(b)).into());

narrow32!(I32x8: i32, i32::MAX, |x| _mm256_set1_epi32(x),
    |a, b| _mm256_min_epi32(a, b), _mm256_max_epi32(a, b),
    _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(b, a))) as u32);
// No least or greatest of 64 bits: what is greater decides, lane by lane.
narrow64!(I64x4: i64, i64::MAX, |x| _mm256_set1_epi64x(x), |a, b|
    _mm256_blendv_epi8(a, b, _mm256_cmpgt_epi64(a, b)), _mm256_blendv_epi8(b, a, _mm256_cmpgt_epi64(a, b)),
    _mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpgt_epi64(b, a))) as u32);
narrow32!(F32x8: f32, f32::INFINITY, |x| _mm256_castps_si256(_mm256_set1_ps(x)), |a, b|
    _mm256_castps_si256(_mm256_min_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b))),
    _mm256_castps_si256(_mm256_max_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b))),
    _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LT_OQ>(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b))) as u32);
narrow64!(F64x4: f64, f64::INFINITY, |x| _mm256_castpd_si256(_mm256_set1_pd(x)), |a, b|
    _mm256_castpd_si256(_mm256_min_pd(_mm256_castsi256_pd(a), _mm256_castsi256_pd(b))),
    _mm256_castpd_si256(_mm256_max_pd(_mm256_castsi256_pd(a), _mm256_castsi256_pd(b))),
    _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_LT_OQ>(_mm256_castsi256_pd(a), _mm256_castsi256_pd(b))) as u32);
