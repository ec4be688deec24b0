//! `Work::ArgReduce`: position of the first extreme element of every row; a NaN is extreme.
//!
//! The vectorised fold finds the value of each piece of a row, while it is near; a search of the best piece finds where it stands first.

use super::fold::{self, Folder};
use super::for_rows;
use crate::machine::pool::Block;
use crate::machine::simd::{Level, level};
use crate::prims::arithmetic::{gt, nan};
use crate::prims::{B8, half, with_lane};
use ::half::f16;
use minpy_core::backend::{DTypeSet, Family, Fold, KernelCall, Slot, Work};
use minpy_core::{DType, DeviceRef, Error, ErrorKind, Result, kernel};
use num_complex::{Complex32, Complex64};

kernel!(pub ENTRY: "cpu", Slot::Family(Family::ArgReduce), DTypeSet::ALL, run);

/// What a search asks of elements.
pub(crate) trait Find: Copy {
    /// Equal.
    fn same(self, other: Self) -> bool;
    /// NaN, in some part.
    fn is_none(self) -> bool;
    /// Greater, where neither is NaN.
    fn above(self, other: Self) -> bool;
}
macro_rules! find {
    ($($t:ty)*; $nan:expr, |$a:ident, $b:ident| $above:expr, $same:expr) => {$(
        impl Find for $t {
            #[inline(always)]
            fn same(self, other: $t) -> bool {
                let same: fn($t, $t) -> bool = |$a, $b| $same;
                same(self, other)
            }
            #[inline(always)]
            fn is_none(self) -> bool {
                let nan: fn($t) -> bool = $nan;
                nan(self)
            }
            #[inline(always)]
            fn above(self, other: $t) -> bool {
                let above: fn($t, $t) -> bool = |$a, $b| $above;
                above(self, other)
            }
        }
    )*};
}
find!(i8 i16 i32 i64 u8 u16 u32 u64; |_| false, |a, b| a > b, a == b);
find!(f32 f64 f16; |x| x.is_nan(), |a, b| a > b, a == b);
find!(Complex32 Complex64; nan, |a, b| gt(a, b), a == b);
find!(B8; |_| false, |a, b| a.get() & !b.get(), a.get() == b.get());

fn run(_: DeviceRef, call: &KernelCall) -> Result<()> {
    let Work::ArgReduce { max } = *call.work else {
        return Err(Error::new(
            ErrorKind::Runtime,
            format!("{}: the arg_reduce kernel was given other work", call.op),
        ));
    };
    let (input, output) = (call.inputs[0].view(), &call.outputs[0]);
    let Some(&n) = input.shape.last() else {
        return Err(Error::new(
            ErrorKind::Runtime,
            format!("{}: the arg_reduce kernel needs an axis", call.op),
        ));
    };
    let wide = input.dtype == DType::F16;
    let fold_dtype = if wide { DType::F32 } else { input.dtype };
    let Some(folder) = fold::lookup(if max { Fold::Max } else { Fold::Min }, fold_dtype) else {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("{}: cpu cannot order {}", call.op, input.dtype),
        ));
    };
    for_rows(input, output, false, input.dtype.size() + 1, |row, out| {
        let at = if wide {
            let values = Block::of::<f32>(n)?;
            // SAFETY: `n` elements at both.
            unsafe { (half::widen())(row, values.at(), n) };
            position::<f32>(&folder, values.at(), n, max)
        } else {
            with_lane!(input.dtype, T => position::<T>(&folder, row, n, max))
        };
        // SAFETY: the output row is one int64.
        unsafe { *out.cast::<i64>() = at as i64 };
        Ok(())
    })
}

/// Elements of a piece: they stay in the first-level cache.
const PIECE: usize = 2048;

fn position<T: Find>(folder: &Folder, row: *const u8, n: usize, max: bool) -> usize {
    // SAFETY: the row holds `n >= 1` elements of `T`.
    let values = unsafe { std::slice::from_raw_parts(row.cast::<T>(), n) };
    let mut best: Option<(T, usize)> = None;
    for (i, piece) in values.chunks(PIECE).enumerate() {
        let mut extreme = std::mem::MaybeUninit::<T>::uninit();
        // SAFETY: the fold writes its result.
        let x = unsafe {
            (folder.fold)(piece.as_ptr().cast(), piece.len(), extreme.as_mut_ptr().cast());
            extreme.assume_init()
        };
        if best.is_none_or(|(b, _)| x.is_none() || if max { x.above(b) } else { b.above(x) }) {
            best = Some((x, i * PIECE));
        }
        if x.is_none() {
            break;
        }
    }
    let Some((x, start)) = best else { return 0 };
    // SAFETY: of the machine's level.
    start + unsafe { find_loop::<T>()(&values[start..n.min(start + PIECE)], x) }
}

/// Where an element that is there stands first.
#[inline(always)]
fn first<T: Find>(values: &[T], x: T) -> usize {
    if x.is_none() { place(values, |y| y.is_none()) } else { place(values, |y| y.same(x)) }
}
/// Short stretches without an early exit are compared as registers.
#[inline(always)]
fn place<T: Find>(values: &[T], is: impl Fn(T) -> bool) -> usize {
    const STRETCH: usize = 64;
    for (i, chunk) in values.chunks(STRETCH).enumerate() {
        if chunk.iter().fold(false, |any, &y| any | is(y))
            && let Some(j) = chunk.iter().position(|&y| is(y))
        {
            return i * STRETCH + j;
        }
    }
    0
}
unsafe fn first_plain<T: Find>(values: &[T], x: T) -> usize {
    first(values, x)
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn first_avx2<T: Find>(values: &[T], x: T) -> usize {
    first(values, x)
}
fn find_loop<T: Find>() -> unsafe fn(&[T], T) -> usize {
    match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 | Level::Avx512 => first_avx2::<T>,
        _ => first_plain::<T>,
    }
}
