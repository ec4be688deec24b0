//! Every reduction of the registry: dtype x layout x axes x keepdims, folded here one element after another.
//!
//! Reductions are recognised by their attributes; the fold and what happens to each element first are read off a traced
//! call, so a new row of core's table needs nothing here.

use crate::reference::{Expected, Value, cast, evaluate, round, unit};
use crate::samples::{Form, Sample, download, positions, read, smooth, values};
use crate::subject::{Subject, hash};
use minpy_core::backend::dtype::Kind;
use minpy_core::backend::{Family, Fold, Program, Tier, Work};
use minpy_core::internal::trace;
use minpy_core::{Array, Attrs, DType, ErrorKind, OpDef, Operand, Target, ops};
use num_complex::Complex64;
use std::sync::Arc;

/// Structured operations with one input and one result that take attributes of this type.
pub(crate) fn operations(attrs: Attrs) -> Vec<&'static OpDef> {
    let takes = |op: &OpDef| matches!(op.tier, Tier::Structured(s) if s.takes(attrs));
    let all = OpDef::all().expect("a backend is linked");
    all.filter(|op| op.arity == 1 && op.results == 1 && takes(op)).collect()
}

fn along(axes: &[usize], keepdims: bool) -> ops::Along {
    ops::Along { axes: axes.into(), keepdims, dtype: None }
}

/// The fold and the program of each element, as core lowers the operation for this dtype.
fn lowered(op: &'static OpDef, dtype: DType) -> Option<(Fold, Arc<Program>)> {
    let (_, launches) = trace::trace(|| {
        let a = Array::empty(&[3], dtype)?;
        ops::call(op, Attrs::of(&along(&[0], false)), &[Operand::Array(&a)], None, Target::New)
    });
    launches.into_iter().find_map(|l| match l.work {
        Work::Reduce(fold) => Some((fold, l.program?)),
        _ => None,
    })
}

/// The fold of values, in float64 or 128 bits, and how far a device may be off that adds in another order.
fn fold(kind: Fold, dtype: DType, list: &[Value]) -> Expected {
    let n = list.len() as f64;
    match dtype.kind() {
        Kind::Float | Kind::Complex => {
            let mut total = Value::from_bytes(dtype, kind.identity(dtype).bytes()).complex();
            let mut sizes = 0.0;
            let nan = list.iter().find(|v| v.is_nan());
            for v in list {
                let v = v.complex();
                let key = |z: Complex64| (z.re, z.im);
                match kind {
                    Fold::Add => {
                        total += v;
                        sizes += v.norm();
                    }
                    Fold::Mul => total *= v,
                    Fold::Max if key(v) > key(total) => total = v,
                    Fold::Min if key(v) < key(total) => total = v,
                    _ => {}
                }
            }
            let picks = matches!(kind, Fold::Max | Fold::Min);
            if let (Some(v), true) = (nan, picks) {
                total = v.complex();
            }
            let value = match dtype.kind() {
                Kind::Float => Value::Real(round(dtype, total.re)),
                _ => Value::Complex(Complex64::new(round(dtype, total.re), round(dtype, total.im))),
            };
            let ulp = if picks { 0.0 } else { 2.0 + n.min(64.0) };
            // Which parts of a complex product overflow depends on the order of the factors.
            let overflow = kind == Fold::Mul && !(value.re().is_finite() && value.complex().im.is_finite());
            let undefined = dtype.is_complex() && (nan.is_some() || overflow);
            Expected { value, ulp, scale: if sizes.is_finite() { sizes } else { 0.0 }, undefined }
        }
        _ => {
            let first = Value::from_bytes(dtype, kind.identity(dtype).bytes());
            let total = list.iter().fold(first, |a, &b| {
                let (Value::Int(a), Value::Int(b)) = (a, b) else { return a };
                let bool = dtype == DType::Bool;
                let r = match kind {
                    Fold::Add if bool => a | b,
                    Fold::Mul if bool => a & b,
                    Fold::Add => a + b,
                    Fold::Mul => a.wrapping_mul(b),
                    Fold::Max => a.max(b),
                    Fold::Min => a.min(b),
                    Fold::And => a & b,
                    Fold::Or => a | b,
                    Fold::Xor => a ^ b,
                };
                cast(Value::Int(r), dtype).0
            });
            Expected::exact(total)
        }
    }
}

/// What a reduction of `x` along `axes` gives, in C order of the axes that stay.
fn expected(s: &Subject, p: &Program, kind: Fold, x: &Sample, axes: &[usize]) -> Vec<Expected> {
    let shape = x.array.shape();
    let flat: Vec<Value> =
        x.values().iter().enumerate().map(|(i, &v)| evaluate(p, &[v], i, &s.options)[0].value).collect();
    let mut strides = vec![1isize; shape.len()];
    for i in (0..shape.len().saturating_sub(1)).rev() {
        strides[i] = strides[i + 1] * shape[i + 1] as isize;
    }
    let part = |reduced: bool| {
        let of = |i: &usize| axes.contains(i) == reduced;
        let (n, st): (Vec<usize>, Vec<isize>) =
            (0..shape.len()).filter(of).map(|i| (shape[i], strides[i])).unzip();
        positions(&n, &st, 0)
    };
    let inner = part(true);
    let dtype = p.output_dtype(0);
    part(false)
        .into_iter()
        .map(|o| fold(kind, dtype, &inner.iter().map(|i| flat[o + i]).collect::<Vec<_>>()))
        .collect()
}

fn data(op: &OpDef, dtype: DType, n: usize) -> Vec<Value> {
    let seed = hash(&[op.name, dtype.name()]);
    // Products stay in range; half sums to something its three digits can hold.
    if dtype.is_inexact() { smooth(dtype, n, (0.6, 1.5), seed) } else { values(dtype, n, (-3.0, 3.0), seed) }
}

/// Every reduction of arrays of one dtype.
pub fn all_reductions(s: &Subject, dtype: DType) {
    for op in operations(Attrs::of(&along(&[0], false))) {
        let Some((kind, p)) = lowered(op, dtype) else {
            let a = Array::empty(&[3], dtype).expect("three elements fit");
            let r = ops::call(op, Attrs::of(&along(&[0], false)), &[Operand::Array(&a)], None, Target::New);
            let error = r.as_ref().err().map(|e| e.kind());
            s.check(error == Some(ErrorKind::Type), || {
                format!("{} of {dtype}: expected a type error, got {r:?}", op.name)
            });
            continue;
        };
        let allowed: Vec<DType> = DType::ALL.into_iter().filter(|&d| lowered(op, d).is_some()).collect();
        // No dtype goes without: sums are tried with all.
        if op.name != "sum" && !s.draws_of(op.name, dtype, &allowed) {
            continue;
        }
        let draw = hash(&[op.name, dtype.name(), "reduce"]) as usize;
        let shape = [4, 5, 3];
        let axes: [&[usize]; 7] = [&[0], &[1], &[2], &[0, 1], &[0, 2], &[1, 2], &[0, 1, 2]];
        for (i, &form) in Form::ALL.iter().enumerate() {
            for (j, &axes) in axes.iter().enumerate() {
                if s.options.compiled && (i * 7 + j + draw) % 17 != 0 {
                    continue;
                }
                let keepdims = (i + j) % 2 == 0;
                let what = || format!("{} of {dtype}, {form:?}, axes {axes:?}", op.name);
                let Some(x) = s.ok(Sample::new(s.device, dtype, &shape, form, &data(op, dtype, 37)), what)
                else {
                    continue;
                };
                one(s, op, &p, kind, &x, axes, keepdims, &what);
            }
        }
        for (shape, axes, label) in [
            (&[3, 0][..], &[1][..], "empty axis"),
            (&[0, 4], &[1], "empty result"),
            (&[], &[], "0-d"),
            (&[2, 700], &[1], "long rows"),
            (&[700, 3], &[0], "long columns"),
            (&[2, 1, 2, 3, 1, 2, 2], &[0, 3, 5], "seven dimensions"),
        ] {
            let what = || format!("{} of {dtype}, {label}", op.name);
            let Some(x) =
                s.ok(Sample::new(s.device, dtype, shape, Form::Contiguous, &data(op, dtype, 37)), what)
            else {
                continue;
            };
            if label == "empty axis" && matches!(kind, Fold::Max | Fold::Min) {
                let r = ops::call(
                    op,
                    Attrs::of(&along(axes, false)),
                    &[Operand::Array(&x.array)],
                    None,
                    Target::New,
                );
                let error = r.as_ref().err().map(|e| e.kind());
                s.check(error == Some(ErrorKind::Value), || {
                    format!("{}: expected a value error, got {r:?}", what())
                });
                continue;
            }
            one(s, op, &p, kind, &x, axes, false, &what);
        }
    }
}

fn one(
    s: &Subject,
    op: &'static OpDef,
    p: &Program,
    kind: Fold,
    x: &Sample,
    axes: &[usize],
    keepdims: bool,
    what: &dyn Fn() -> String,
) {
    let attrs = along(axes, keepdims);
    let dtypes = p.dtypes();
    let r = s.native(op.name, Family::Reduce, dtypes, || {
        ops::call(op, Attrs::of(&attrs), &[Operand::Array(&x.array)], None, Target::New)
    });
    let Some(out) = s.ok(r, what) else { return };
    let kept: Vec<usize> = (0..x.array.ndim())
        .filter_map(|i| if axes.contains(&i) { keepdims.then_some(1) } else { Some(x.array.shape()[i]) })
        .collect();
    s.check(out.shape() == kept, || format!("{}: result of shape {:?}", what(), out.shape()));
    s.check(out.dtype() == p.output_dtype(0), || format!("{}: result of dtype {}", what(), out.dtype()));
    if let Some(got) = s.ok(read(&out), what) {
        s.compare(what, &kept, out.dtype(), &got, &expected(s, p, kind, x, axes));
    }
}

/// `out=`: strided, overlapping the input, of another dtype, of a wrong shape.
pub fn targets(s: &Subject) {
    let what = || "sum with out=".to_string();
    let run = || -> minpy_core::Result<()> {
        let (kind, p) = lowered(&ops::SUM, DType::F32).expect("sums exist");
        let x =
            Sample::new(s.device, DType::F32, &[6, 5], Form::Contiguous, &data(&ops::SUM, DType::F32, 37))?;
        let want = expected(s, &p, kind, &x, &[1]);
        let out = Sample::new(s.device, DType::F32, &[6], Form::Sliced, &[Value::Real(7.0)])?;
        ops::call(
            &ops::SUM,
            Attrs::of(&along(&[1], false)),
            &[Operand::Array(&x.array)],
            None,
            Target::Into(&out.array),
        )?;
        s.compare(what, &[6], DType::F32, &read(&out.array)?, &want);
        let rest = download(&out.array)?
            .iter()
            .enumerate()
            .filter(|(i, v)| !out.at.contains(i) && **v != Value::Real(7.0))
            .count();
        s.check(rest == 0, || "sum with a strided out= wrote beside its elements".into());
        // The first column of the input itself.
        let inside = x.array.view(x.array.layout().select(1, 0));
        ops::call(
            &ops::SUM,
            Attrs::of(&along(&[1], false)),
            &[Operand::Array(&x.array)],
            None,
            Target::Into(&inside),
        )?;
        s.compare(|| "sum into its own input".into(), &[6], DType::F32, &read(&inside)?, &want);
        let wrong = Array::empty_on(s.device, &[5], DType::F32)?;
        let r = ops::call(
            &ops::SUM,
            Attrs::of(&along(&[1], false)),
            &[Operand::Array(&x.array)],
            None,
            Target::Into(&wrong),
        );
        s.check(r.is_err_and(|e| e.kind() == ErrorKind::Value), || {
            "sum into a wrong shape: expected a value error".into()
        });
        Ok(())
    };
    s.ok(run(), what);
}

/// NaN wins in max and min wherever it stands; infinities; sums of many elements stay accurate.
pub fn special_values(s: &Subject) {
    let run = || -> minpy_core::Result<()> {
        for dtype in [DType::F32, DType::F64, DType::F16] {
            for op in [&ops::MAX, &ops::MIN] {
                let (kind, p) = lowered(op, dtype).expect("max and min exist");
                for at in [0, 1, 15, 63, 99] {
                    let mut v = data(op, dtype, 100);
                    v[at] = Value::Real(f64::NAN);
                    let x = Sample::new(s.device, dtype, &[100], Form::Contiguous, &v)?;
                    one(s, op, &p, kind, &x, &[0], false, &|| {
                        format!("{} of {dtype} with NaN at {at}", op.name)
                    });
                    v[at] = Value::Real(if at % 2 == 0 { f64::INFINITY } else { f64::NEG_INFINITY });
                    let x = Sample::new(s.device, dtype, &[100], Form::Contiguous, &v)?;
                    one(s, op, &p, kind, &x, &[0], false, &|| {
                        format!("{} of {dtype} with infinity at {at}", op.name)
                    });
                }
            }
        }
        let n = 300_000;
        let v = smooth(DType::F32, n, (0.0, 1.0), 11);
        let exact: f64 = v.iter().map(|v| v.re()).sum();
        let x = Sample::new(s.device, DType::F32, &[n], Form::Contiguous, &v)?;
        let got = ops::sum(&x.array, None, false)?.item()?.number().to_f64();
        let bound = 64.0 * unit(DType::F32, exact);
        s.check((got - exact).abs() <= bound, || format!("sum of {n} float32: {got}, exact {exact}"));
        let x = Sample::new(s.device, DType::F16, &[4096], Form::Contiguous, &[Value::Real(1.0)])?;
        let got = ops::sum(&x.array, None, false)?.item()?.number().to_f64();
        s.check(got == 4096.0, || {
            format!("sum of 4096 ones in float16: {got} (it must be accumulated in float32)")
        });
        Ok(())
    };
    s.ok(run(), || "special values".into());
}
