//! `Work::ArgReduce`: position of the first extreme element of every row; a NaN is extreme.
//!
//! Two passes over a row: the vectorised fold finds the value, a search finds where it stands first.

use super::fold::{self, Folder};
use super::for_rows;
use crate::machine::pool::Block;
use crate::prims::{B8, half, with_lane};
use ::half::f16;
use minpy_core::backend::{DTypeSet, Family, Fold, KernelCall, Slot, Work};
use minpy_core::{DType, DeviceRef, Error, ErrorKind, Result, kernel};
use num_complex::{Complex32, Complex64};

kernel!(pub ENTRY: "cpu", Slot::Family(Family::ArgReduce), DTypeSet::ALL, run);

/// Equality that also finds NaN.
pub(crate) trait Find: Copy {
    /// Equal, or both NaN.
    fn matches(self, other: Self) -> bool;
}
macro_rules! find {
    ($($t:ty)*; $nan:expr) => {$(
        impl Find for $t {
            #[inline(always)]
            fn matches(self, other: $t) -> bool {
                let nan: fn($t) -> bool = $nan;
                self == other || nan(self) && nan(other)
            }
        }
    )*};
}
find!(i8 i16 i32 i64 u8 u16 u32 u64; |_| false);
find!(f32 f64 f16; |x| x.is_nan());
find!(Complex32 Complex64; |x| x.re.is_nan() || x.im.is_nan());
impl Find for B8 {
    #[inline(always)]
    fn matches(self, other: B8) -> bool {
        self.get() == other.get()
    }
}

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
            position::<f32>(&folder, values.at(), n)
        } else {
            with_lane!(input.dtype, T => position::<T>(&folder, row, n))
        };
        // SAFETY: the output row is one int64.
        unsafe { *out.cast::<i64>() = at as i64 };
        Ok(())
    })
}

fn position<T: Find>(folder: &Folder, row: *const u8, n: usize) -> usize {
    let mut extreme = std::mem::MaybeUninit::<T>::uninit();
    // SAFETY: the row holds `n >= 1` elements of `T`; the fold writes its result.
    let (values, extreme) = unsafe {
        (folder.fold)(row, n, extreme.as_mut_ptr().cast());
        (std::slice::from_raw_parts(row.cast::<T>(), n), extreme.assume_init())
    };
    // Whole chunks without an early exit can be compared as vectors.
    const CHUNK: usize = 256;
    for (i, chunk) in values.chunks(CHUNK).enumerate() {
        if chunk.iter().fold(false, |any, &x| any | x.matches(extreme))
            && let Some(j) = chunk.iter().position(|&x| x.matches(extreme))
        {
            return i * CHUNK + j;
        }
    }
    0
}
