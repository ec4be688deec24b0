//! `correlate`: sums of products of a sequence with another one that is shifted along it.
//!
//! Results are computed many at a time: each element of the second sequence meets as many neighbours of the first one, in registers.
//! These sums go over the second sequence in order, product by product, as NumPy's do for short ones; of float16 in float32. Where there
//! are only a few results, a long sum is one of parts.

use crate::elementwise::min_items;
use crate::index::row::{Row, written};
use crate::machine::pool::Block;
use crate::machine::simd::{Level, level};
use crate::machine::threads::parallel_for;
use crate::prims::B8;
use half::f16;
use minpy_core::backend::{DTypeSet, KernelCall, Slot};
use minpy_core::ops::Shifts;
use minpy_core::{DType, DeviceRef, Result, kernel};
use num_complex::{Complex32, Complex64};
use std::ops::Range;

kernel!(pub ENTRY: "cpu", Slot::Op("correlate"), DTypeSet::ALL, run);

/// Results that are computed at once.
const TOGETHER: usize = 32;

trait Number: Copy + Send + Sync + 'static {
    const ZERO: Self;
    const ONE: Self;
    /// `sum + a * b`
    fn add_product(self, a: Self, b: Self) -> Self;
}
macro_rules! numbers {
    ($($t:ty, $zero:expr, $one:expr, |$s:ident, $a:ident, $b:ident| $sum:expr;)*) => {$(
        impl Number for $t {
            const ZERO: $t = $zero;
            const ONE: $t = $one;
            #[inline(always)]
            fn add_product(self, $a: $t, $b: $t) -> $t {
                let $s = self;
                $sum
            }
        }
    )*};
    (integers $($t:ident)*) => { numbers! { $($t, 0, 1, |s, a, b| s.wrapping_add(a.wrapping_mul(b));)* } };
}
// Sums and products of numbers with a sign have the bits of those without.
numbers!(integers u8 u16 u32 u64);
numbers! {
    f32, 0.0, 1.0, |s, a, b| s + a * b;
    f64, 0.0, 1.0, |s, a, b| s + a * b;
    Complex32, Complex32::new(0.0, 0.0), Complex32::new(1.0, 0.0), |s, a, b| Complex32::new(s.re + (a.re * b.re - a.im * b.im), s.im + (a.re * b.im + a.im * b.re));
    Complex64, Complex64::new(0.0, 0.0), Complex64::new(1.0, 0.0), |s, a, b| Complex64::new(s.re + (a.re * b.re - a.im * b.im), s.im + (a.re * b.im + a.im * b.re));
}

/// The sequences and their place to each other.
#[derive(Clone, Copy)]
struct Pair<'a, T> {
    a: &'a [T],
    v: &'a [T],
    lead: isize,
}
/// Few results of many products each are sums of so many parts.
const PARTS: usize = 16;

/// Results from number `first` on.
#[inline(always)]
fn sums<T: Number>(pair: &Pair<T>, first: usize, out: &mut [T]) {
    let mut at = first as isize - pair.lead;
    let mut blocks = out.chunks_exact_mut(TOGETHER);
    for block in &mut blocks {
        side_by_side(pair, at, block);
        at += TOGETHER as isize;
    }
    let rest = blocks.into_remainder();
    if rest.len() * PARTS > TOGETHER {
        return side_by_side(pair, at, rest);
    }
    for out in rest {
        *out = in_parts(pair, at);
        at += 1;
    }
}
/// Results that begin at a place of the first sequence, at most as many as are computed at once.
#[inline(always)]
fn side_by_side<T: Number>(pair: &Pair<T>, at: isize, out: &mut [T]) {
    let Pair { a, v, .. } = *pair;
    let (n, len) = (a.len() as isize, v.len() as isize);
    let bound = |k: isize| k.clamp(0, len);
    let width = out.len() as isize;
    // Elements of the second sequence that meet the first one at any of the results, and at all of them.
    let (some, some_end) = (bound(1 - width - at), bound(n - at));
    let (all, all_end) = (bound(-at).max(some), bound(n + 1 - TOGETHER as isize - at));
    let (all, all_end) =
        if out.len() == TOGETHER && all < all_end { (all, all_end) } else { (some_end, some_end) };
    let mut sums = [T::ZERO; TOGETHER];
    partly(pair, at, some..all, &mut sums[..out.len()]);
    if all < all_end {
        let a = &a[(at + all) as usize..(at + all_end) as usize + TOGETHER - 1];
        sums = fully(sums, a, &v[all as usize..all_end as usize]);
    }
    partly(pair, at, all_end..some_end, &mut sums[..out.len()]);
    out.copy_from_slice(&sums[..out.len()]);
}
/// Adds what elements of the second sequence give to all results: these stay in registers.
#[inline(always)]
fn fully<T: Number>(mut sums: [T; TOGETHER], a: &[T], v: &[T]) -> [T; TOGETHER] {
    for (window, &v) in a.windows(TOGETHER).zip(v) {
        for (sum, &a) in sums.iter_mut().zip(window) {
            *sum = sum.add_product(a, v);
        }
    }
    sums
}
/// Adds what elements of the second sequence give to those results at which they meet the first one.
#[inline(always)]
fn partly<T: Number>(pair: &Pair<T>, at: isize, elements: Range<isize>, sums: &mut [T]) {
    let (n, width) = (pair.a.len() as isize, sums.len() as isize);
    for k in elements {
        let (low, high) = ((-at - k).clamp(0, width), (n - at - k).clamp(0, width));
        let a = &pair.a[(at + k + low).clamp(0, n) as usize..];
        for (sum, &a) in sums[low as usize..high.max(low) as usize].iter_mut().zip(a) {
            *sum = sum.add_product(a, pair.v[k as usize]);
        }
    }
}
/// One result.
#[inline(always)]
fn in_parts<T: Number>(pair: &Pair<T>, at: isize) -> T {
    let Pair { a, v, .. } = *pair;
    let skipped = (-at).clamp(0, v.len() as isize);
    let (a, v) = (&a[(at + skipped).clamp(0, a.len() as isize) as usize..], &v[skipped as usize..]);
    let n = a.len().min(v.len());
    let (a, v) = (&a[..n], &v[..n]);
    if n < 4 * PARTS {
        return a.iter().zip(v).fold(T::ZERO, |sum, (&a, &v)| sum.add_product(a, v));
    }
    let mut parts = [T::ZERO; PARTS];
    let (mut a, mut v) = (a.chunks_exact(PARTS), v.chunks_exact(PARTS));
    for (a, v) in (&mut a).zip(&mut v) {
        for ((part, &a), &v) in parts.iter_mut().zip(a).zip(v) {
            *part = part.add_product(a, v);
        }
    }
    let rest = a.remainder().iter().zip(v.remainder()).fold(T::ZERO, |sum, (&a, &v)| sum.add_product(a, v));
    parts.iter().fold(rest, |sum, &part| sum.add_product(part, T::ONE))
}
macro_rules! entry {
    ($name:ident, $(#[$attr:meta])*) => {
        $(#[$attr])*
        unsafe fn $name<T: Number>(pair: &Pair<T>, first: usize, out: &mut [T]) {
            sums(pair, first, out);
        }
    };
}
entry!(base,);
#[cfg(target_arch = "x86_64")]
entry!(avx2, #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]);
#[cfg(target_arch = "x86_64")]
entry!(avx512, #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,lzcnt,popcnt")]);

fn fill<T: Number>(pair: Pair<T>, out: &mut [T]) {
    let f: unsafe fn(&Pair<T>, usize, &mut [T]) = match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => avx512::<T>,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => avx2::<T>,
        _ => base::<T>,
    };
    let to = out.as_mut_ptr() as usize;
    // Four products in a nanosecond.
    parallel_for(out.len(), min_items(4 * pair.v.len().max(4)).max(TOGETHER), |range| {
        // SAFETY: ranges are apart, and the loop is for this machine.
        unsafe {
            f(
                &pair,
                range.start,
                std::slice::from_raw_parts_mut((to as *mut T).add(range.start), range.len()),
            )
        }
    });
}

fn run(_: DeviceRef, call: &KernelCall) -> Result<()> {
    macro_rules! plain {
        ($($dtype:ident $t:ty),*) => {
            match call.outputs[0].dtype {
                // SAFETY: dispatch gives all of them one dtype, that of `$t` or of its bits.
                $(DType::$dtype => unsafe { of::<$t>(call) },)*
                DType::Bool => through::<B8, u32>(call, |x| u32::from(x.get()), |s| B8::new(s != 0)),
                DType::F16 => through::<f16, f32>(call, f16::to_f32, f16::from_f32),
            }
        };
    }
    plain!(I8 u8, I16 u16, I32 u32, I64 u64, U8 u8, U16 u16, U32 u32, U64 u64, F32 f32, F64 f64, C64 Complex32, C128 Complex64)
}
/// # Safety
/// The elements are `T`, or have its bits.
unsafe fn of<T: Number>(call: &KernelCall) -> Result<()> {
    let lead = call.attributes::<Shifts>()?.lead;
    // SAFETY: the caller's promise.
    unsafe {
        let (a, v) = (Row::<T>::new(call.inputs[0].view())?, Row::<T>::new(call.inputs[1].view())?);
        written(&call.outputs[0], |out| {
            fill(Pair { a: a.list(), v: v.list(), lead }, out);
            Ok(())
        })
    }
}
/// Computed in another type.
fn through<S: Copy, T: Number>(call: &KernelCall, wide: fn(S) -> T, narrow: fn(T) -> S) -> Result<()> {
    let lead = call.attributes::<Shifts>()?.lead;
    // SAFETY: the elements are `S`.
    unsafe {
        let (a, v) = (Row::<S>::new(call.inputs[0].view())?, Row::<S>::new(call.inputs[1].view())?);
        let (a, v) = (a.list(), v.list());
        written(&call.outputs[0], |out| {
            let (mut first, mut second, mut sums) =
                (Block::of::<T>(a.len())?, Block::of::<T>(v.len())?, Block::of::<T>(out.len())?);
            let pair = Pair {
                a: &*first.filled(a.len(), |i| wide(a[i])),
                v: &*second.filled(v.len(), |i| wide(v[i])),
                lead,
            };
            let sums = sums.filled(out.len(), |_| T::ZERO);
            fill(pair, sums);
            out.iter_mut().zip(sums).for_each(|(to, s)| *to = narrow(*s));
            Ok(())
        })
    }
}
