//! `Work::Scan`: running folds along the last axis, one element after another as NumPy's `accumulate`.

use super::fold::same;
use super::for_rows;
use crate::prims::arithmetic::{Add, Maximum, Minimum, Mul, Times, fuses};
use crate::prims::bits::{And, Or, Xor};
use crate::prims::loops::Op2;
use crate::prims::{B8, Lane};
use half::f16;
use minpy_core::backend::{DTypeSet, Family, Fold, KernelCall, Prim, Slot, Work};
use minpy_core::{DType, DeviceRef, Error, ErrorKind, Result, kernel};
use num_complex::{Complex32, Complex64};

kernel!(pub ENTRY: "cpu", Slot::Family(Family::Scan), DTypeSet::ALL, run);

type RowScan = unsafe fn(*const u8, *mut u8, usize);

fn run(_: DeviceRef, call: &KernelCall) -> Result<()> {
    let Work::Scan(fold) = *call.work else {
        return Err(Error::new(
            ErrorKind::Runtime,
            format!("{}: the scan kernel was given other work", call.op),
        ));
    };
    let (input, output) = (call.inputs[0].view(), &call.outputs[0]);
    let Some(scan) = lookup(fold, input.dtype) else {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("{}: cpu has no scan {fold:?} of {}", call.op, input.dtype),
        ));
    };
    let Some(&n) = input.shape.last() else {
        return Err(Error::new(ErrorKind::Runtime, format!("{}: the scan kernel needs an axis", call.op)));
    };
    // SAFETY: rows hold `n` elements.
    for_rows(input, output, true, 20, |row, out| unsafe {
        scan(row, out, n);
        Ok(())
    })
}

#[inline(always)]
unsafe fn row<T: Copy, O: Op2<T, R = T>>(src: *const u8, dst: *mut u8, n: usize) {
    let (src, dst) = (src.cast::<T>(), dst.cast::<T>());
    // SAFETY: `n >= 1` elements at both, which are equal or disjoint.
    unsafe {
        let mut acc = *src;
        *dst = acc;
        for i in 1..n {
            acc = O::f(acc, *src.add(i));
            *dst.add(i) = acc;
        }
    }
}
/// Products of complex numbers, where the machine fuses. NumPy's loop for vectors does it too if it finds that what it reads and
/// writes do not overlap: of two numbers, and no more.
///
/// # Safety
/// As for `row`; the machine has fused multiply-add.
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
unsafe fn products<T: Copy>(src: *const u8, dst: *mut u8, n: usize)
where
    Mul: Op2<T, R = T>,
    Times: Op2<T, R = T>,
{
    // SAFETY: the caller's promise.
    unsafe { if n == 2 { row::<T, Times>(src, dst, n) } else { row::<T, Mul>(src, dst, n) } }
}
/// float16 in float32, rounded after every step.
unsafe fn half_row<O: Op2<f32, R = f32>>(src: *const u8, dst: *mut u8, n: usize) {
    let (src, dst) = (src.cast::<f16>(), dst.cast::<f16>());
    // SAFETY: as above.
    unsafe {
        let mut acc = *src;
        *dst = acc;
        for i in 1..n {
            acc = f16::from_f32(O::f(acc.to_f32(), (*src.add(i)).to_f32()));
            *dst.add(i) = acc;
        }
    }
}

fn lookup(fold: Fold, dtype: DType) -> Option<RowScan> {
    let (prim, dtype) = same(fold, dtype);
    macro_rules! find {
        ($op:ident: $($t:ty)*) => {{
            $(if dtype == <$t as Lane>::DTYPE { return Some(row::<$t, $op>); })*
            None
        }};
        ($op:ident half: $($t:ty)*) => {{
            if dtype == DType::F16 { return Some(half_row::<$op>); }
            find!($op: $($t)*)
        }};
    }
    match prim {
        Prim::Add => find!(Add half: f32 f64 i64 i32 i16 i8 Complex32 Complex64),
        Prim::Mul if dtype == DType::C64 && fuses() => Some(products::<Complex32>),
        Prim::Mul if dtype == DType::C128 && fuses() => Some(products::<Complex64>),
        Prim::Mul => find!(Mul half: f32 f64 i64 i32 i16 i8 Complex32 Complex64),
        Prim::Maximum => find!(Maximum half: f32 f64 i64 i32 i16 i8 u64 u32 u16 u8 Complex32 Complex64),
        Prim::Minimum => find!(Minimum half: f32 f64 i64 i32 i16 i8 u64 u32 u16 u8 Complex32 Complex64),
        Prim::And => find!(And: i64 i32 i16 i8 B8),
        Prim::Or => find!(Or: i64 i32 i16 i8 B8),
        Prim::Xor => find!(Xor: i64 i32 i16 i8 B8),
        _ => None,
    }
}
