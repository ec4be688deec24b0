//! `Work::Sort`: stable sorts and argsorts along the last axis, NaN last, complex by real then imaginary part.
//!
//! The orders are those of NumPy's `npysort_common.h`.

use crate::prims::{B8, with_lane};
use crate::rows::for_rows;
use half::f16;
use minpy_core::device::DeviceRef;
use minpy_core::dtype::DTypeSet;
use minpy_core::kernel::{Family, KernelCall, Work};
use minpy_core::registry::Slot;
use minpy_core::{Error, ErrorKind, Result, kernel};
use num_complex::{Complex, Complex32, Complex64};
use std::cmp::Ordering;

kernel!(pub ENTRY: "cpu", Slot::Family(Family::Sort), DTypeSet::ALL, run);

fn run(_: DeviceRef, call: &KernelCall) -> Result<()> {
    let Work::Sort { arg } = *call.work else {
        return Err(Error::new(
            ErrorKind::Runtime,
            format!("{}: the sort kernel was given other work", call.op),
        ));
    };
    let (input, output) = (call.inputs[0].view(), &call.outputs[0]);
    let Some(&n) = input.shape.last() else {
        return Err(Error::new(ErrorKind::Runtime, format!("{}: the sort kernel needs an axis", call.op)));
    };
    // Some 20 ns an element for rows of a few thousand.
    for_rows(input, output, true, 320, |row, out| {
        with_lane!(input.dtype, T => {
            // SAFETY: rows hold `n` elements; the output's are `T`, or int64 when `arg`.
            unsafe { if arg { positions::<T>(row.cast(), out.cast(), n) } else { values::<T>(row.cast(), out.cast(), n) } }
        })
    });
    Ok(())
}

/// Elements with NumPy's order.
trait Sorts: Copy {
    /// NumPy's `less`.
    fn less(self, other: Self) -> bool;
    /// As an `Ordering`, for the standard library.
    #[inline(always)]
    fn order(self, other: Self) -> Ordering {
        if self.less(other) {
            Ordering::Less
        } else if other.less(self) {
            Ordering::Greater
        } else {
            Ordering::Equal
        }
    }
    /// Equal elements cannot be told apart, so that a sort need not be stable.
    const PLAIN: bool = false;
}
macro_rules! integers {
    ($($t:ty)*) => {$(
        impl Sorts for $t {
            #[inline(always)]
            fn less(self, other: $t) -> bool { self < other }
            #[inline(always)]
            fn order(self, other: $t) -> Ordering { self.cmp(&other) }
            const PLAIN: bool = true;
        }
    )*};
}
integers!(i8 i16 i32 i64 u8 u16 u32 u64);
impl Sorts for B8 {
    #[inline(always)]
    fn less(self, other: B8) -> bool {
        !self.get() & other.get()
    }
}
macro_rules! floats {
    ($($t:ty)*) => {$(
        impl Sorts for $t {
            #[inline(always)]
            fn less(self, other: $t) -> bool { self < other || other.is_nan() && !self.is_nan() }
        }
    )*};
}
floats!(f32 f64 f16);
macro_rules! complex {
    ($($t:ty)*) => {$(
        impl Sorts for $t {
            #[inline(always)]
            fn less(self, other: $t) -> bool {
                let (Complex { re: a, im: b }, Complex { re: c, im: d }) = (self, other);
                if a < c {
                    !b.is_nan() || d.is_nan()
                } else if a > c {
                    d.is_nan() && !b.is_nan()
                } else if a == c || a.is_nan() && c.is_nan() {
                    b < d || d.is_nan() && !b.is_nan()
                } else {
                    c.is_nan()
                }
            }
        }
    )*};
}
complex!(Complex32 Complex64);

/// # Safety
/// `n` elements at both places, equal or disjoint.
unsafe fn values<T: Sorts>(src: *const T, dst: *mut T, n: usize) {
    // SAFETY: the caller's promise; after the copy `dst` holds `n` elements.
    let row = unsafe {
        std::ptr::copy(src, dst, n);
        std::slice::from_raw_parts_mut(dst, n)
    };
    if T::PLAIN {
        row.sort_unstable_by(|a, b| a.order(*b));
    } else {
        row.sort_by(|a, b| a.order(*b));
    }
}

/// # Safety
/// `n` elements at both places, disjoint.
unsafe fn positions<T: Sorts>(src: *const T, dst: *mut i64, n: usize) {
    // Values beside positions: comparisons then touch memory once.
    // SAFETY: the caller's promise.
    let mut pairs: Vec<(T, i64)> = (0..n).map(|i| (unsafe { *src.add(i) }, i as i64)).collect();
    pairs.sort_by(|a, b| a.0.order(b.0));
    for (i, (_, at)) in pairs.into_iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe { *dst.add(i) = at };
    }
}
