//! `Work::Scatter`: elements or rows written to, or combined with those at, places that index arrays name.
//!
//! In C order on one thread, because repeated indices have an order: the last one stays, or all are combined one after another. Single
//! elements have loops of their own; others are copied or combined place by place.

use super::{Places, Rest, Walked, wrong};
use crate::prims::arithmetic::{Add, Maximum, Minimum, Mul, Sub};
use crate::prims::loops::{BinaryLoop, Op2};
use crate::prims::{self, Lane, Loop, cast, signed, with_bits};
use crate::rows::fold;
use minpy_core::backend::{DTypeSet, Family, Fold, KernelCall, Prim, ScatterMode, Slot, Work};
use minpy_core::{DType, DeviceRef, Error, ErrorKind, Result, kernel};
use num_complex::{Complex32, Complex64};

kernel!(pub ENTRY: "cpu", Slot::Family(Family::Scatter), DTypeSet::ALL, run);

fn run(_: DeviceRef, call: &KernelCall) -> Result<()> {
    let Work::Scatter { indexed, mode } = *call.work else { return Err(wrong(call.op)) };
    let (src, out) = (call.inputs[0].view(), &call.outputs[0]);
    if indexed == 0 || call.inputs.len() <= indexed || out.shape.len() < indexed {
        return Err(wrong(call.op));
    }
    let axes = call.inputs[1].view().shape.len();
    let walked = Walked::new(src, axes);
    let rest =
        Rest::new(&out.shape[indexed..], &out.strides[indexed..], &src.strides[axes..], out.dtype.size());
    let base = out.host_ptr() as isize;
    let single = rest.elements == 1 && walked.step().is_some();
    let each = if single { each(mode, out.dtype) } else { None };
    let combine = match mode {
        ScatterMode::Combine(prim) if each.is_none() => Some(combiner(call.op, prim, out.dtype)?),
        _ => None,
    };
    let places = Places::new(call.op, out, &call.inputs[1..=indexed])?;
    if rest.elements == 0 {
        return Ok(());
    }
    if let (Some(each), Some(step)) = (each, walked.step()) {
        places.chunks(0..places.len(), |first, offsets| {
            let from = walked.base + first as isize * step;
            // SAFETY: places were checked; the source has a value for each and is disjoint from the output.
            unsafe { each(out.host_ptr(), offsets, from as *const u8, step) };
        });
        return Ok(());
    }
    places.chunks(0..places.len(), |first, offsets| {
        for (i, &at) in offsets.iter().enumerate() {
            let (t, f) = (base + at, walked.address(first + i));
            // SAFETY: as above.
            unsafe {
                match &combine {
                    None => rest.copy(t, f),
                    Some(c) if rest.tight => c.run(
                        (t + rest.space.base[0]) as *mut u8,
                        (f + rest.space.base[1]) as *const u8,
                        rest.elements,
                    ),
                    Some(c) => rest.pieces(t, f, |t, f, ts, fs, rows, cols| {
                        for r in 0..rows as isize {
                            for k in 0..cols as isize {
                                c.run(t.offset(r * ts.0 + k * ts.1), f.offset(r * fs.0 + k * fs.1), 1);
                            }
                        }
                    }),
                }
            }
        }
    });
    Ok(())
}

/// `(target, offsets from it, source, distance between its elements)`, in bytes: single elements, one after another.
type Each = unsafe fn(*mut u8, &[isize], *const u8, isize);

unsafe fn set_each<T: Copy>(target: *mut u8, offsets: &[isize], from: *const u8, step: isize) {
    let mut from = from.cast::<T>();
    for &at in offsets {
        // SAFETY: an element at each offset and at each step (contract of `Each`).
        unsafe { *target.wrapping_offset(at).cast::<T>() = *from };
        from = from.wrapping_byte_offset(step);
    }
}
unsafe fn combine_each<T: Copy, O: Op2<T, R = T>>(
    target: *mut u8,
    offsets: &[isize],
    from: *const u8,
    step: isize,
) {
    let mut from = from.cast::<T>();
    for &at in offsets {
        // SAFETY: as above.
        unsafe {
            let to = target.wrapping_offset(at).cast::<T>();
            *to = O::f(*to, *from);
        }
        from = from.wrapping_byte_offset(step);
    }
}

/// The loop for single elements, of what is frequent.
fn each(mode: ScatterMode, dtype: DType) -> Option<Each> {
    let ScatterMode::Combine(prim) = mode else {
        return Some(with_bits!(dtype.size(), T => set_each::<T>));
    };
    macro_rules! find {
        ($dtype:expr, $op:ident: $($t:ty)*) => {{
            let dtype = $dtype;
            $(if dtype == <$t as Lane>::DTYPE { return Some(combine_each::<$t, $op>); })*
            None
        }};
    }
    match prim {
        Prim::Add => find!(signed(dtype), Add: f32 f64 i64 i32 i16 i8 Complex32 Complex64),
        Prim::Sub => find!(signed(dtype), Sub: f32 f64 i64 i32 i16 i8 Complex32 Complex64),
        Prim::Mul => find!(signed(dtype), Mul: f32 f64 i64 i32 i16 i8 Complex32 Complex64),
        Prim::Maximum => find!(dtype, Maximum: f32 f64 i64 i32 i16 i8 u64 u32 u16 u8),
        Prim::Minimum => find!(dtype, Minimum: f32 f64 i64 i32 i16 i8 u64 u32 u16 u8),
        _ => None,
    }
}

/// `target = target op source` for runs of elements.
enum Combiner {
    Fold(fold::Folder),
    Prim([BinaryLoop; 3]),
    /// float16: in float32, rounded.
    Half([BinaryLoop; 3]),
}

fn combiner(op: &str, prim: Prim, dtype: DType) -> Result<Combiner> {
    let folds = [Fold::Add, Fold::Mul, Fold::Max, Fold::Min];
    if let Some(f) = folds.into_iter().find(|f| f.prim() == prim).and_then(|f| fold::lookup(f, dtype)) {
        return Ok(Combiner::Fold(f));
    }
    let none =
        || Error::new(ErrorKind::Unsupported, format!("{op}: cpu cannot combine {dtype} by {}", prim.name()));
    use Prim::*;
    if prim.arity() != 2 || matches!(prim, Eq | Ne | Lt | Le | Gt | Ge | Complex) {
        return Err(none());
    }
    match (prims::lookup(prim, dtype), dtype) {
        (Some(Loop::Binary(f)), _) => Ok(Combiner::Prim(f)),
        (None, DType::F16) => match prims::lookup(prim, DType::F32) {
            Some(Loop::Binary(f)) => Ok(Combiner::Half(f)),
            _ => Err(none()),
        },
        _ => Err(none()),
    }
}

impl Combiner {
    /// # Safety
    /// `n` elements at both places, disjoint.
    #[inline]
    unsafe fn run(&self, target: *mut u8, source: *const u8, n: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Combiner::Fold(f) => (f.accumulate)(target, source, n),
                Combiner::Prim(f) => f[0](target, source, target, n),
                Combiner::Half(f) => {
                    let wide = |p: *const u8| {
                        let mut x = 0f32;
                        (prims::half::widen())(p, (&raw mut x).cast(), 1);
                        x
                    };
                    for i in 0..n {
                        let t = target.add(2 * i);
                        let (x, y, mut r) = (wide(t), wide(source.add(2 * i)), 0f32);
                        f[0]((&raw const x).cast(), (&raw const y).cast(), (&raw mut r).cast(), 1);
                        for (run, _) in cast::lookup(DType::F32, DType::F16) {
                            run((&raw const r).cast(), t, 1);
                        }
                    }
                }
            }
        }
    }
}
