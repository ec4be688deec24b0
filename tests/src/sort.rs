//! Order along an axis: argmax, argmin, sort, argsort, of every dtype, with ties and NaN.

use crate::reduce::operations;
use crate::reference::{Expected, Value};
use crate::samples::{Form, Sample, read, smooth, values};
use crate::scan::{lines, lowered};
use crate::subject::{Subject, hash};
use minpy_core::backend::{DTypeSet, Family, Work};
use minpy_core::{Attrs, DType, ErrorKind, Operand, Target, ops};
use std::cmp::Ordering;

/// NumPy's order: complex by (real, imaginary), NaN after everything else.
fn order(a: &Value, b: &Value) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        _ => match (a, b) {
            (Value::Int(a), Value::Int(b)) => a.cmp(b),
            _ => {
                let (a, b) = (a.complex(), b.complex());
                a.re.partial_cmp(&b.re)
                    .and_then(|o| Some(o.then(a.im.partial_cmp(&b.im)?)))
                    .unwrap_or(Ordering::Equal)
            }
        },
    }
}

/// First position of the extreme element; the first NaN counts as extreme.
fn extreme(line: &[Value], max: bool) -> usize {
    if let Some(i) = line.iter().position(|v| v.is_nan()) {
        return i;
    }
    let wanted = if max { Ordering::Greater } else { Ordering::Less };
    (1..line.len()).fold(0, |best, i| if order(&line[i], &line[best]) == wanted { i } else { best })
}

/// Values with many ties and, for floats, NaN; no NaN in complex data, where NumPy's order has many cases.
fn data(dtype: DType, seed: u64) -> Vec<Value> {
    if dtype.is_complex() {
        return smooth(dtype, 43, (-1.0, 1.0), seed)
            .into_iter()
            .map(|v| Value::Complex(v.complex().re.round().into()))
            .collect();
    }
    values(dtype, 43, (-1.0, 1.0), seed)
}

const SHAPES: [(&[usize], usize); 6] =
    [(&[4, 5, 3], 0), (&[4, 5, 3], 1), (&[4, 5, 3], 2), (&[300], 0), (&[2, 1, 3, 1, 2, 2], 2), (&[3, 1], 1)];

fn along(s: &Subject, family: Family) {
    let mut found = 0;
    for op in operations(Attrs::of(&ops::Axis(0))) {
        for dtype in DType::ALL {
            let Some(work) = lowered(op, dtype).filter(|w| w.family() == Some(family)) else { continue };
            found += 1;
            if !s.draws(op.name, dtype) {
                continue;
            }
            let draw = hash(&[op.name, dtype.name(), "sort"]) as usize;
            for (i, &form) in Form::ALL.iter().enumerate() {
                for (j, (shape, axis)) in SHAPES.into_iter().enumerate() {
                    if s.options.compiled && (i + j + draw) % 4 != 0 {
                        continue;
                    }
                    let what = || format!("{} of {dtype} {shape:?}, {form:?}, axis {axis}", op.name);
                    let Some(x) =
                        s.ok(Sample::new(s.device, dtype, shape, form, &data(dtype, draw as u64)), what)
                    else {
                        continue;
                    };
                    let r = s.native(op.name, family, DTypeSet::of(&[dtype, DType::I64]), || {
                        ops::call(
                            op,
                            Attrs::of(&ops::Axis(axis)),
                            &[Operand::Array(&x.array)],
                            None,
                            Target::New,
                        )
                    });
                    let Some(out) = s.ok(r, what) else { continue };
                    let flat = x.values();
                    let lines = lines(shape, axis);
                    let list = |line: &[usize]| line.iter().map(|&i| flat[i]).collect::<Vec<_>>();
                    let int = |i: usize| Expected::exact(Value::Int(i as i128));
                    let mut want = vec![int(0); out.size()];
                    for (k, line) in lines.iter().enumerate() {
                        let v = list(line);
                        match work {
                            // Lines come in C order of the other axes: that of the result.
                            Work::ArgReduce { max } => want[k] = int(extreme(&v, max)),
                            Work::Sort { arg } => {
                                let mut positions: Vec<usize> = (0..v.len()).collect();
                                positions.sort_by(|&a, &b| order(&v[a], &v[b]));
                                for (&at, &p) in line.iter().zip(&positions) {
                                    want[at] = if arg { int(p) } else { Expected::exact(v[p]) };
                                }
                            }
                            _ => unreachable!("only these forms were asked for"),
                        }
                    }
                    if let Some(got) = s.ok(read(&out), what) {
                        s.compare(what, out.shape(), out.dtype(), &got, &want);
                    }
                }
            }
        }
    }
    s.check(found > 0, || "no such operation in the registry".into());
}

/// argmax, argmin.
pub fn arg_reduce(s: &Subject) {
    along(s, Family::ArgReduce);
    let empty = ops::zeros(&[2, 0], DType::F32).and_then(|a| ops::argmax(&a, Some(1)));
    s.check(empty.is_err_and(|e| e.kind() == ErrorKind::Value), || {
        "argmax of nothing: expected a value error".into()
    });
}
/// sort, argsort.
pub fn sort(s: &Subject) {
    along(s, Family::Sort);
}
/// Sorting a reversed view in place.
pub fn in_place(s: &Subject) {
    let run = || -> minpy_core::Result<()> {
        let x = Sample::new(
            s.device,
            DType::F32,
            &[17],
            Form::Reversed,
            &smooth(DType::F32, 17, (-3.0, 3.0), 4),
        )?;
        let mut want = x.values();
        want.sort_by(order);
        ops::call(
            &ops::SORT,
            Attrs::of(&ops::Axis(0)),
            &[Operand::Array(&x.array)],
            None,
            Target::Into(&x.array),
        )?;
        let want: Vec<Expected> = want.into_iter().map(Expected::exact).collect();
        s.compare(|| "sort of a reversed view in place".into(), &[17], DType::F32, &read(&x.array)?, &want);
        Ok(())
    };
    s.ok(run(), || "sort in place".into());
}
