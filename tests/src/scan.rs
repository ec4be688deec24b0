//! Running folds: every operation that lowers to `Work::Scan`, folded here one element after another.

use crate::reduce::operations;
use crate::reference::{Expected, Value, cast, round};
use crate::samples::{Form, Sample, read, smooth, values};
use crate::subject::{Subject, hash};
use minpy_core::backend::dtype::Kind;
use minpy_core::backend::{DTypeSet, Family, Fold, Work};
use minpy_core::internal::trace;
use minpy_core::{Array, Attrs, DType, OpDef, Operand, Target, ops};
use num_complex::Complex64;

/// The canonical work to which an operation along one axis lowers.
pub(crate) fn lowered(op: &'static OpDef, dtype: DType) -> Option<Work> {
    let (_, launches) = trace::trace(|| {
        let a = Array::empty(&[2, 3], dtype)?;
        ops::call(op, Attrs::of(&ops::Axis(1)), &[Operand::Array(&a)], None, Target::New)
    });
    launches.into_iter().map(|l| l.work).find(|w| !matches!(w, Work::Elementwise))
}

/// Elements along `axis`, one list per line, with their positions in C order.
pub(crate) fn lines(shape: &[usize], axis: usize) -> Vec<Vec<usize>> {
    let inner: usize = shape[axis + 1..].iter().product();
    let outer: usize = shape[..axis].iter().product();
    let n = shape[axis];
    (0..outer)
        .flat_map(|o| (0..inner).map(move |i| (0..n).map(|k| (o * n + k) * inner + i).collect()))
        .collect()
}

fn running(fold: Fold, dtype: DType, line: &[Value]) -> Vec<Expected> {
    let mut total = Value::from_bytes(dtype, fold.identity(dtype).bytes());
    let mut wide = total.complex();
    let mut sizes = 0.0;
    line.iter()
        .enumerate()
        .map(|(k, v)| match dtype.kind() {
            Kind::Float | Kind::Complex => {
                wide = if fold == Fold::Add { wide + v.complex() } else { wide * v.complex() };
                sizes += v.complex().norm();
                let value = match dtype.kind() {
                    Kind::Float => Value::Real(round(dtype, wide.re)),
                    _ => Value::Complex(Complex64::new(round(dtype, wide.re), round(dtype, wide.im))),
                };
                let scale = if fold == Fold::Add { sizes } else { 0.0 };
                Expected { value, ulp: 2.0 * (k as f64 + 1.0), scale, undefined: false }
            }
            _ => {
                let (Value::Int(a), Value::Int(b)) = (total, *v) else { unreachable!("integers") };
                total = cast(Value::Int(if fold == Fold::Add { a + b } else { a.wrapping_mul(b) }), dtype).0;
                Expected::exact(total)
            }
        })
        .collect()
}

/// Every scan of every dtype along every axis of every layout.
pub fn all_scans(s: &Subject) {
    let mut found = 0;
    for op in operations(Attrs::of(&ops::Axis(0))) {
        for dtype in DType::ALL {
            let Some(Work::Scan(fold)) = lowered(op, dtype) else { continue };
            found += 1;
            if !s.draws(op.name, dtype) {
                continue;
            }
            let draw = hash(&[op.name, dtype.name(), "scan"]) as usize;
            for (i, &form) in Form::ALL.iter().enumerate() {
                for (j, (shape, axis)) in [
                    (&[4, 5, 3][..], 0),
                    (&[4, 5, 3], 1),
                    (&[4, 5, 3], 2),
                    (&[130], 0),
                    (&[3, 0], 1),
                    (&[1, 4], 0),
                ]
                .into_iter()
                .enumerate()
                {
                    if s.options.compiled && (i + j + draw) % 4 != 0 {
                        continue;
                    }
                    let what = || format!("{} of {dtype} {shape:?}, {form:?}, axis {axis}", op.name);
                    let seed = draw as u64;
                    let data = if dtype.is_inexact() {
                        smooth(dtype, 41, (0.7, 1.3), seed)
                    } else {
                        values(dtype, 41, (-2.0, 2.0), seed)
                    };
                    let Some(x) = s.ok(Sample::new(s.device, dtype, shape, form, &data), what) else {
                        continue;
                    };
                    let r = s.native(op.name, Family::Scan, DTypeSet::of(&[dtype]), || {
                        ops::call(
                            op,
                            Attrs::of(&ops::Axis(axis)),
                            &[Operand::Array(&x.array)],
                            None,
                            Target::New,
                        )
                    });
                    let Some(out) = s.ok(r, what) else { continue };
                    let to = out.dtype();
                    let flat: Vec<Value> = x.values().into_iter().map(|v| cast(v, to).0).collect();
                    let mut want = vec![Expected::exact(Value::Int(0)); flat.len()];
                    for line in lines(shape, axis) {
                        let values: Vec<Value> = line.iter().map(|&i| flat[i]).collect();
                        for (&i, e) in line.iter().zip(running(fold, to, &values)) {
                            want[i] = e;
                        }
                    }
                    s.check(out.shape() == shape, || {
                        format!("{}: result of shape {:?}", what(), out.shape())
                    });
                    if let Some(got) = s.ok(read(&out), what) {
                        s.compare(what, shape, to, &got, &want);
                    }
                }
            }
        }
    }
    s.check(found > 0, || "no scans in the registry".into());
}

/// A running sum into its own input.
pub fn in_place(s: &Subject) {
    let run = || -> minpy_core::Result<()> {
        let x = Sample::new(
            s.device,
            DType::I64,
            &[3, 4],
            Form::Transposed,
            &values(DType::I64, 12, (-3.0, 3.0), 2),
        )?;
        let before = x.values();
        ops::call(
            &ops::CUMSUM,
            Attrs::of(&ops::Axis(1)),
            &[Operand::Array(&x.array)],
            None,
            Target::Into(&x.array),
        )?;
        let mut want = vec![Expected::exact(Value::Int(0)); 12];
        for line in lines(&[3, 4], 1) {
            let list: Vec<Value> = line.iter().map(|&i| before[i]).collect();
            for (&i, e) in line.iter().zip(running(Fold::Add, DType::I64, &list)) {
                want[i] = e;
            }
        }
        s.compare(|| "cumsum into its own input".into(), &[3, 4], DType::I64, &read(&x.array)?, &want);
        Ok(())
    };
    s.ok(run(), || "cumsum in place".into());
}
