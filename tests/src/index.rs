//! Indexing with arrays: gather, scatter (replacing and combining, repeated indices), nonzero, masks, bad indices.

use crate::reference::{Expected, Value, cast};
use crate::samples::{Form, Sample, download, read, smooth, upload, values};
use crate::subject::{Draw, Subject, hash};
use minpy_core::backend::{DTypeSet, Family, Prim, ScatterMode};
use minpy_core::ops::{self, Index};
use minpy_core::{Array, DType, ErrorKind, Result};

/// Index arrays of that shape for axes of these sizes, negative ones among them, in several layouts.
fn indices(s: &Subject, shape: &[usize], sizes: &[usize], seed: u64) -> Result<Vec<Sample>> {
    let mut d = Draw(seed);
    sizes
        .iter()
        .enumerate()
        .map(|(i, &n)| {
            let v: Vec<Value> = (0..61).map(|_| Value::Int(d.below(2 * n) as i128 - n as i128)).collect();
            Sample::new(
                s.device,
                DType::I64,
                shape,
                [Form::Contiguous, Form::Transposed, Form::Sliced][i % 3],
                &v,
            )
        })
        .collect()
}
/// For every index tuple in C order: the position of the first element of the rest, in C order of the base.
fn places(list: &[Sample], shape: &[usize]) -> Vec<usize> {
    let rest: usize = shape[list.len()..].iter().product();
    let columns: Vec<Vec<Value>> = list.iter().map(|i| i.values()).collect();
    (0..columns[0].len())
        .map(|k| {
            let at = columns.iter().zip(shape).fold(0, |at, (c, &n)| {
                let Value::Int(i) = c[k] else { unreachable!("indices are integers") };
                at * n + if i < 0 { (i + n as i128) as usize } else { i as usize }
            });
            at * rest
        })
        .collect()
}
fn arrays(list: &[Sample]) -> Vec<Array> {
    list.iter().map(|s| s.array.clone()).collect()
}

const CASES: [(&[usize], usize, &[usize]); 6] = [
    (&[9], 1, &[5]),
    (&[4, 6], 1, &[3, 2]),
    (&[4, 6], 2, &[7]),
    (&[3, 4, 5], 2, &[2, 3]),
    (&[3, 4, 5], 1, &[]),
    (&[2, 3, 2, 2, 3], 3, &[40]),
];

/// Reads at index arrays, of every dtype and layout.
pub fn gather(s: &Subject) {
    for dtype in DType::ALL.into_iter().filter(|&d| s.draws("gather", d)) {
        for (j, (shape, indexed, at)) in CASES.into_iter().enumerate() {
            for (i, &form) in Form::ALL.iter().enumerate() {
                let draw = hash(&[dtype.name(), "gather"]) as usize;
                if s.options.compiled && (i + j + draw) % 5 != 0 {
                    continue;
                }
                let what =
                    || format!("gather from {dtype} {shape:?} {form:?}, {indexed} axes, indices {at:?}");
                let run = || -> Result<()> {
                    let x = Sample::new(
                        s.device,
                        dtype,
                        shape,
                        form,
                        &values(dtype, 67, (-3.0, 3.0), draw as u64),
                    )?;
                    let list = indices(s, at, &shape[..indexed], draw as u64)?;
                    let set = DTypeSet::of(&[dtype, DType::I64]);
                    let out =
                        s.native("gather", Family::Gather, set, || ops::gather(&x.array, &arrays(&list)))?;
                    let flat = x.values();
                    let rest: usize = shape[indexed..].iter().product();
                    let want: Vec<Expected> = places(&list, shape)
                        .into_iter()
                        .flat_map(|p| p..p + rest)
                        .map(|p| Expected::exact(flat[p]))
                        .collect();
                    let expected: Vec<usize> = at.iter().chain(&shape[indexed..]).copied().collect();
                    s.check(out.shape() == expected, || {
                        format!("{}: result of shape {:?}", what(), out.shape())
                    });
                    s.compare(what, &expected, dtype, &read(&out)?, &want);
                    Ok(())
                };
                s.ok(run(), what);
            }
        }
    }
}

fn combined(prim: Option<Prim>, dtype: DType, old: Value, new: Value, s: &Subject) -> Value {
    let Some(prim) = prim else { return new };
    let b = minpy_core::backend::Builder::new();
    let e = b.input(dtype).binary(prim, b.input(dtype));
    let id = e.id();
    let p = b.finish("combine", &[id], 0);
    crate::reference::evaluate(&p, &[old, new], 0, &s.options)[0].value
}

/// Writes at index arrays: the last of repeated indices stays, or each counts.
pub fn scatter(s: &Subject) {
    for dtype in DType::ALL.into_iter().filter(|&d| s.draws("scatter", d)) {
        for (m, prim) in [None, Some(Prim::Add), Some(Prim::Mul), Some(Prim::Maximum)].into_iter().enumerate()
        {
            for (j, (shape, indexed, at)) in CASES.into_iter().enumerate() {
                let draw = hash(&[dtype.name(), "scatter"]) as usize;
                if s.options.compiled && (m + j + draw) % 4 != 0 {
                    continue;
                }
                let form = Form::WRITABLE[(m + j + draw) % Form::WRITABLE.len()];
                let what = || {
                    format!(
                        "scatter ({prim:?}) into {dtype} {shape:?} {form:?}, {indexed} axes, indices {at:?}"
                    )
                };
                let run = || -> Result<()> {
                    let x = Sample::new(
                        s.device,
                        dtype,
                        shape,
                        form,
                        &smooth(dtype, 67, (-2.0, 2.0), draw as u64),
                    )?;
                    let list = indices(s, at, &shape[..indexed], draw as u64 + 1)?;
                    let vshape: Vec<usize> = at.iter().chain(&shape[indexed..]).copied().collect();
                    // Small integers: sums in any order are exact.
                    let v: Vec<Value> = (0..53).map(|i| cast(Value::Int(i % 5), dtype).0).collect();
                    let v = Sample::new(s.device, dtype, &vshape, Form::Transposed, &v)?;
                    let mode = prim.map_or(ScatterMode::Set, ScatterMode::Combine);
                    let rest: usize = shape[indexed..].iter().product();
                    let mut flat = x.values();
                    let new = v.values();
                    let mut hits = vec![0; flat.len()];
                    for (k, p) in places(&list, shape).into_iter().enumerate() {
                        for r in 0..rest {
                            flat[p + r] = combined(prim, dtype, flat[p + r], new[k * rest + r], s);
                            hits[p + r] += 1;
                        }
                    }
                    let mut want: Vec<Expected> = x.buffer.iter().map(|&v| Expected::exact(v)).collect();
                    for (k, &p) in x.at.iter().enumerate() {
                        let ulp =
                            if prim.is_some() && dtype.is_inexact() { 4.0 * hits[k] as f64 } else { 0.0 };
                        want[p] = Expected { value: flat[k], ulp, scale: 8.0, undefined: false };
                    }
                    let set = DTypeSet::of(&[dtype, DType::I64]);
                    s.native("scatter", Family::Scatter, set, || {
                        ops::scatter_into(&x.array, &arrays(&list), &v.array, mode)
                    })?;
                    s.compare(what, &[want.len()], dtype, &download(&x.array)?, &want);
                    Ok(())
                };
                s.ok(run(), what);
            }
        }
    }
}

/// Indices out of range are index errors, whatever else is right, and nothing is written.
pub fn out_of_range(s: &Subject) {
    let run = || -> Result<()> {
        let base = upload(s.device, DType::F32, &[Value::Real(1.0); 12], &[3, 4])?;
        for (row, column) in [(3, 0), (-4, 0), (0, 4), (0, -5), (i64::MAX, 0), (i64::MIN, 0)] {
            let at = |v: i64| {
                upload(s.device, DType::I64, &[Value::Int(0), Value::Int(v as i128), Value::Int(1)], &[3])
            };
            let list = [at(row)?, at(column)?];
            let r = ops::gather(&base, &list);
            // A device may report when it is waited for.
            let r = r.and_then(|a| read(&a));
            s.check(r.as_ref().is_err_and(|e| e.kind() == ErrorKind::Index), || {
                format!("gather at ({row},{column}): {r:?}")
            });
            if let Err(e) = r {
                let (bad, axis, size) = if row != 0 { (row, 0, 3) } else { (column, 1, 4) };
                let text = format!("index {bad} is out of bounds for axis {axis} with size {size}");
                s.check(e.message().contains(&text), || {
                    format!("gather at ({row},{column}) says: {}", e.message())
                });
            }
            let v = upload(s.device, DType::F32, &[Value::Real(5.0); 3], &[3])?;
            let r = ops::scatter_into(&base, &list, &v, ScatterMode::Set);
            s.check(r.as_ref().is_err_and(|e| e.kind() == ErrorKind::Index), || {
                format!("scatter at ({row},{column}): {r:?}")
            });
            s.check(read(&base)?.iter().all(|v| *v == Value::Real(1.0)), || {
                "a refused scatter wrote something".into()
            });
        }
        // The device goes on working.
        let two = ops::add(&base, &base)?;
        s.check(read(&two)?.iter().all(|v| *v == Value::Real(2.0)), || {
            "after an index error results are wrong".into()
        });
        Ok(())
    };
    s.ok(run(), || "indices out of range".into());
}

/// Indices of nonzero elements in C order, for layouts and dtypes; none, all.
pub fn nonzero(s: &Subject) {
    for dtype in DType::ALL.into_iter().filter(|&d| s.draws("nonzero", d)) {
        for (i, &form) in Form::ALL.iter().enumerate() {
            if s.options.compiled && (i + dtype as usize) % 3 != 0 {
                continue;
            }
            // The last is so large that work items share it.
            for shape in [&[4, 5][..], &[130], &[2, 3, 4], &[3, 0], &[70, 61, 3]] {
                if shape[0] == 70 && i % 3 != 0 {
                    continue;
                }
                let what = || format!("nonzero of {dtype} {shape:?} {form:?}");
                let run = || -> Result<()> {
                    let mut d = Draw(7);
                    let v: Vec<Value> =
                        (0..61).map(|_| cast(Value::Int(d.below(3) as i128), dtype).0).collect();
                    let x = Sample::new(s.device, dtype, shape, form, &v)?;
                    let found =
                        s.native("nonzero", Family::Nonzero, DTypeSet::of(&[dtype, DType::I64]), || {
                            ops::nonzero(&x.array)
                        })?;
                    let hits: Vec<usize> =
                        x.values().iter().enumerate().filter(|(_, v)| v.truth()).map(|(i, _)| i).collect();
                    let mut want = Vec::new();
                    for axis in 0..shape.len() {
                        let inner: usize = shape[axis + 1..].iter().product();
                        want.extend(
                            hits.iter()
                                .map(|h| Expected::exact(Value::Int((h / inner % shape[axis]) as i128))),
                        );
                    }
                    s.check(found.shape() == [shape.len(), hits.len()], || {
                        format!("{}: shape {:?}", what(), found.shape())
                    });
                    s.compare(what, found.shape(), DType::I64, &read(&found)?, &want);
                    Ok(())
                };
                s.ok(run(), what);
            }
        }
    }
}

/// Masks as indices, for reading and writing; index arrays between slices.
pub fn masks_and_slices(s: &Subject) {
    let run = || -> Result<()> {
        let v: Vec<Value> = (0..24).map(|i| Value::Real(i as f64)).collect();
        let a = upload(s.device, DType::F32, &v, &[4, 6])?;
        let mask = ops::greater(&a, 10.0)?;
        let picked = ops::get(&a, &[Index::Array(mask.clone())])?;
        let want: Vec<Expected> = v[11..].iter().map(|&v| Expected::exact(v)).collect();
        s.compare(|| "a[a > 10]".into(), &[13], DType::F32, &read(&picked)?, &want);
        ops::set(&a, &[Index::Array(mask)], 0.5)?;
        let want: Vec<Expected> =
            v.iter().map(|v| Expected::exact(if v.re() > 10.0 { Value::Real(0.5) } else { *v })).collect();
        s.compare(|| "a[a > 10] = 0.5".into(), &[4, 6], DType::F32, &read(&a)?, &want);
        let rows = upload(s.device, DType::I32, &[Value::Int(2), Value::Int(0)], &[2])?;
        let b = upload(s.device, DType::F32, &v, &[2, 3, 4])?;
        let r = ops::get(&b, &[Index::Slice(None, None, Some(-1)), Index::Array(rows), Index::Int(1)])?;
        let want: Vec<Expected> = [21.0, 13.0, 9.0, 1.0].map(|x| Expected::exact(Value::Real(x))).to_vec();
        s.compare(|| "b[::-1, [2, 0], 1]".into(), r.shape(), DType::F32, &read(&r)?, &want);
        s.check(r.shape() == [2, 2], || format!("b[::-1, [2, 0], 1] has shape {:?}", r.shape()));
        Ok(())
    };
    s.ok(run(), || "masks".into());
}
