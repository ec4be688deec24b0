//! Registers of AVX-512 as [`Lanes`], and the loop of a unary kernel over them.
//!
//! Methods have no target features of their own: they are inlined into kernels that do. Results are those of the
//! scalar formulas with fused multiply-add, except for [`Lanes::over`], which divides by Newton's method.

use super::group::Group;
use super::kernel::{Unary, UnaryKernel};
use super::lanes::Lanes;
use super::{real32, real64};
use core::arch::x86_64::*;
use core::ops::{Add, Div, Mul, Neg, Sub};

/// A register: how it meets memory.
pub trait Wide: Lanes {
    /// Numbers in a register.
    const N: usize;
    /// Reads `N` numbers.
    ///
    /// # Safety
    /// They are readable, and the machine has AVX-512.
    unsafe fn load(p: *const Self::One) -> Self;
    /// Writes `N` numbers.
    ///
    /// # Safety
    /// They are writable, and the machine has AVX-512.
    unsafe fn store(self, p: *mut Self::One);
}

/// A register type; in brackets the intrinsics that differ by more than their suffix, and whether `over` takes a Newton step.
macro_rules! wide {
    ($doc:literal $name:ident = $n:literal x $one:ident in $reg:ident, coefficients $real:ident, newton $newton:literal;
     $add:ident $sub:ident $mul:ident $div:ident $fma:ident $fnma:ident $min:ident $max:ident $abs:ident $xor:ident
     $scale:ident $rcp:ident $set:ident $less:ident $blend:ident $load:ident $store:ident
     $bits:ident $floats:ident $ternary:ident $signs:ident $mask:ident) => {
        #[doc = $doc]
        #[derive(Clone, Copy, Debug)]
        #[repr(transparent)]
        pub struct $name($reg);
        wide!(@operator $name Add add $add);
        wide!(@operator $name Sub sub $sub);
        wide!(@operator $name Mul mul $mul);
        wide!(@operator $name Div div $div);
        impl Neg for $name {
            type Output = $name;
            #[inline(always)]
            fn neg(self) -> $name {
                // SAFETY: as in `Lanes`, below.
                unsafe { $name($xor(self.0, $set(-0.0))) }
            }
        }
        impl Lanes for $name {
            type One = $one;
            type Mask = $mask;
            #[inline(always)]
            fn all(v: $one) -> $name {
                // SAFETY: values of this type exist only inside kernels for AVX-512 (`kernel`), which the caller of
                // `Level::Avx512`'s kernels promises to have. So in all methods.
                unsafe { $name($set(v)) }
            }
            #[inline(always)]
            fn fma<const FMA: bool>(self, b: $name, c: $name) -> $name {
                // SAFETY: see `all`.
                unsafe { $name($fma(self.0, b.0, c.0)) }
            }
            #[inline(always)]
            fn abs(self) -> $name {
                // SAFETY: see `all`.
                unsafe { $name($abs(self.0)) }
            }
            #[inline(always)]
            fn copysign(self, sign: $name) -> $name {
                // 0xca picks the second where the first has ones, else the third.
                // SAFETY: see `all`.
                unsafe {
                    $name($floats($ternary::<0xca>($bits($set(-0.0)), $bits(sign.0), $bits(self.0))))
                }
            }
            #[inline(always)]
            fn at_most(self, bound: $name) -> $name {
                // The instruction gives its second operand when either is NaN.
                // SAFETY: see `all`.
                unsafe { $name($min(bound.0, self.0)) }
            }
            #[inline(always)]
            fn at_least(self, bound: $name) -> $name {
                // SAFETY: see `all`.
                unsafe { $name($max(bound.0, self.0)) }
            }
            #[inline(always)]
            fn is_negative(self) -> $mask {
                // SAFETY: see `all`.
                unsafe { $signs($bits(self.0)) }
            }
            #[inline(always)]
            fn below(self, other: $name) -> $mask {
                // SAFETY: see `all`.
                unsafe { $less::<_CMP_LT_OQ>(self.0, other.0) }
            }
            #[inline(always)]
            fn pick(mask: $mask, yes: $name, no: $name) -> $name {
                // SAFETY: see `all`.
                unsafe { $name($blend(mask, no.0, yes.0)) }
            }
            #[inline(always)]
            fn scale(self, n: $name) -> $name {
                // SAFETY: see `all`.
                unsafe { $name($scale(self.0, n.0)) }
            }
            #[inline(always)]
            fn pow2(n: $name) -> $name {
                $name::all(1.0).scale(n)
            }
            /// An estimate of the reciprocal to 14 bits, whose digits each Newton step doubles; then the quotient's
            /// remainder, exact by fusion, doubles those of the quotient: 28 (56) bits, of which 24 (53) are kept. A
            /// division of 512 bits takes as long as ten of these.
            #[inline(always)]
            fn over(self, d: $name) -> $name {
                // SAFETY: see `all`.
                unsafe {
                    let mut r = $rcp(d.0);
                    if $newton {
                        r = $fma(r, $fnma(d.0, r, $set(1.0)), r);
                    }
                    let q = $mul(self.0, r);
                    $name($fma($fnma(d.0, q, self.0), r, q))
                }
            }
            #[inline(always)]
            fn exp_q<const FMA: bool>(self) -> $name {
                self.polynomial::<FMA, _>($real::EXP_Q)
            }
            #[inline(always)]
            fn exp2_q<const FMA: bool>(self) -> $name {
                self.polynomial::<FMA, _>($real::EXP2_Q)
            }
            #[inline(always)]
            fn sinh_q<const FMA: bool>(self) -> $name {
                self.polynomial::<FMA, _>($real::SINH_Q)
            }
        }
        impl Wide for $name {
            const N: usize = $n;
            #[inline(always)]
            unsafe fn load(p: *const $one) -> $name {
                // SAFETY: the caller's promise.
                unsafe { $name($load(p)) }
            }
            #[inline(always)]
            unsafe fn store(self, p: *mut $one) {
                // SAFETY: the caller's promise.
                unsafe { $store(p, self.0) }
            }
        }
    };
    (@operator $name:ident $trait:ident $f:ident $intrinsic:ident) => {
        impl $trait for $name {
            type Output = $name;
            #[inline(always)]
            fn $f(self, other: $name) -> $name {
                // SAFETY: see `Lanes::all`.
                unsafe { $name($intrinsic(self.0, other.0)) }
            }
        }
    };
}

wide! {
    "Sixteen `f32`."
    F32x16 = 16 x f32 in __m512, coefficients real32, newton false;
    _mm512_add_ps _mm512_sub_ps _mm512_mul_ps _mm512_div_ps _mm512_fmadd_ps _mm512_fnmadd_ps _mm512_min_ps _mm512_max_ps
    _mm512_abs_ps _mm512_xor_ps _mm512_scalef_ps _mm512_rcp14_ps _mm512_set1_ps _mm512_cmp_ps_mask _mm512_mask_blend_ps
    _mm512_loadu_ps _mm512_storeu_ps _mm512_castps_si512 _mm512_castsi512_ps _mm512_ternarylogic_epi32
    _mm512_movepi32_mask __mmask16
}
wide! {
    "Eight `f64`."
    F64x8 = 8 x f64 in __m512d, coefficients real64, newton true;
    _mm512_add_pd _mm512_sub_pd _mm512_mul_pd _mm512_div_pd _mm512_fmadd_pd _mm512_fnmadd_pd _mm512_min_pd _mm512_max_pd
    _mm512_abs_pd _mm512_xor_pd _mm512_scalef_pd _mm512_rcp14_pd _mm512_set1_pd _mm512_cmp_pd_mask _mm512_mask_blend_pd
    _mm512_loadu_pd _mm512_storeu_pd _mm512_castpd_si512 _mm512_castsi512_pd _mm512_ternarylogic_epi64
    _mm512_movepi64_mask __mmask8
}

/// The loop of a unary kernel over registers; the rest goes through a padded one, by the same code.
///
/// # Safety
/// As for [`UnaryKernel`]; the machine has AVX-512.
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma")]
unsafe fn unary<V: Wide, O: Unary<V> + Unary<Group<V>>>(src: *const V::One, dst: *mut V::One, n: usize) {
    let mut i = 0;
    while i + Group::<V>::N <= n {
        // SAFETY: `i + N <= n` elements at both.
        unsafe { O::fast::<true>(Group::<V>::load(src.add(i))).store(dst.add(i)) };
        i += Group::<V>::N;
    }
    while i + V::N <= n {
        // SAFETY: `i + N <= n` elements at both.
        unsafe { O::fast::<true>(V::load(src.add(i))).store(dst.add(i)) };
        i += V::N;
    }
    if i < n {
        // A register has 16 numbers at most.
        // SAFETY: `i < n`.
        let mut pad = [unsafe { *src.add(i) }; 16];
        // SAFETY: `n - i < N` elements at both; `pad` holds a register.
        unsafe {
            core::ptr::copy_nonoverlapping(src.add(i), pad.as_mut_ptr(), n - i);
            O::fast::<true>(V::load(pad.as_ptr())).store(pad.as_mut_ptr());
            core::ptr::copy_nonoverlapping(pad.as_ptr(), dst.add(i), n - i);
        }
    }
}

/// The kernel of `O` for `Level::Avx512`.
pub fn kernel<V: Wide, O: Unary<V> + Unary<Group<V>>>() -> UnaryKernel<V::One> {
    unary::<V, O>
}
