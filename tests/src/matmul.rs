//! Matrix products: every dtype, layouts of both operands, stacks with broadcasting, sizes around the edges of tiles.

use crate::reference::{Expected, Value, cast, round};
use crate::samples::{Form, Sample, download, read, smooth};
use crate::subject::{Subject, hash};
use minpy_core::backend::dtype::Kind;
use minpy_core::backend::{DTypeSet, Family};
use minpy_core::{Array, Attrs, DType, ErrorKind, Operand, Target, ops};
use num_complex::Complex64;

/// Sum over k of a[i, k] * b[k, j], in float64 or 128 bits.
fn product(dtype: DType, a: &[Value], b: &[Value], (m, k, n): (usize, usize, usize)) -> Vec<Expected> {
    let mut out = Vec::with_capacity(m * n);
    for i in 0..m {
        for j in 0..n {
            let pairs = (0..k).map(|p| (a[i * k + p], b[p * n + j]));
            out.push(match dtype.kind() {
                Kind::Float | Kind::Complex => {
                    let (mut sum, mut sizes) = (Complex64::new(0.0, 0.0), 0.0);
                    for (x, y) in pairs {
                        let t = x.complex() * y.complex();
                        sum += t;
                        sizes += t.norm();
                    }
                    let value = if dtype.is_complex() {
                        Value::Complex(Complex64::new(round(dtype, sum.re), round(dtype, sum.im)))
                    } else {
                        Value::Real(round(dtype, sum.re))
                    };
                    Expected { value, ulp: 4.0 + (k as f64).min(64.0), scale: sizes, undefined: false }
                }
                Kind::Bool => Expected::exact(Value::Int(
                    pairs.into_iter().any(|(x, y)| x.truth() && y.truth()) as i128,
                )),
                _ => {
                    let sum = pairs.fold(0i128, |s, (x, y)| match (x, y) {
                        (Value::Int(x), Value::Int(y)) => s.wrapping_add(x.wrapping_mul(y)),
                        _ => s,
                    });
                    Expected::exact(cast(Value::Int(sum), dtype).0)
                }
            });
        }
    }
    out
}

fn data(dtype: DType, seed: u64) -> Vec<Value> {
    smooth(dtype, 101, (-1.0, 1.0), seed)
}

fn one(s: &Subject, dtype: DType, (a, fa): (&[usize], Form), (b, fb): (&[usize], Form)) {
    let what = || format!("matmul of {dtype} {a:?} {fa:?} and {b:?} {fb:?}");
    let made = Sample::new(s.device, dtype, a, fa, &data(dtype, 1))
        .and_then(|x| Ok((x, Sample::new(s.device, dtype, b, fb, &data(dtype, 2))?)));
    let Some((x, y)) = s.ok(made, what) else { return };
    let (la, lb) = (&a[..a.len() - 2], &b[..b.len() - 2]);
    let lead = minpy_core::backend::layout::broadcast_shapes("matmul", &[la, lb])
        .expect("the shapes of the test fit")
        .to_vec();
    let (m, k, n) = (a[a.len() - 2], a[a.len() - 1], b[b.len() - 1]);
    let r = s.native("matmul", Family::Matmul, DTypeSet::of(&[dtype]), || ops::matmul(&x.array, &y.array));
    let Some(out) = s.ok(r, what) else { return };
    let shape: Vec<usize> = lead.iter().copied().chain([m, n]).collect();
    s.check(out.shape() == shape && out.dtype() == dtype, || format!("{}: {out:?}", what()));
    let spread = |x: &Sample, rows: usize, columns: usize| {
        let to: Vec<usize> = lead.iter().copied().chain([rows, columns]).collect();
        x.spread(&to)
    };
    let (va, vb) = (spread(&x, m, k), spread(&y, k, n));
    let stacks: usize = lead.iter().product();
    let want: Vec<Expected> = (0..stacks)
        .flat_map(|i| {
            product(dtype, &va[i * m * k..(i + 1) * m * k], &vb[i * k * n..(i + 1) * k * n], (m, k, n))
        })
        .collect();
    if let Some(got) = s.ok(read(&out), what) {
        s.compare(what, &shape, dtype, &got, &want);
    }
}

/// Every dtype: small sizes, each pair of layouts.
pub fn dtypes_and_layouts(s: &Subject) {
    for dtype in DType::ALL {
        for (i, &fa) in Form::ALL.iter().enumerate() {
            for (j, &fb) in Form::ALL.iter().enumerate() {
                let draw = hash(&[dtype.name(), "matmul"]) as usize;
                if s.options.compiled && (i * 8 + j + draw) % 29 != 0 {
                    continue;
                }
                one(s, dtype, (&[5, 7], fa), (&[7, 3], fb));
            }
        }
    }
}
/// Sizes at and around powers of two, long and thin, empty.
pub fn sizes(s: &Subject) {
    let c = Form::Contiguous;
    for (m, k, n) in [
        (1, 1, 1),
        (1, 9, 1),
        (9, 1, 9),
        (16, 16, 16),
        (17, 33, 15),
        (31, 64, 65),
        (128, 40, 96),
        (1, 300, 70),
        (70, 300, 1),
        (3, 700, 2),
        (0, 3, 2),
        (2, 0, 3),
        (2, 3, 0),
        (65, 129, 67),
    ] {
        for dtype in [DType::F32, DType::F64, DType::I32] {
            one(s, dtype, (&[m, k], c), (&[k, n], c));
            one(s, dtype, (&[m, k], Form::Transposed), (&[k, n], c));
            one(s, dtype, (&[m, k], c), (&[k, n], Form::Transposed));
        }
    }
}
/// Stacks of matrices, with broadcasting; vectors; dot.
pub fn stacks(s: &Subject) {
    for (a, b) in [
        (&[3, 4, 5][..], &[3, 5, 2][..]),
        (&[3, 4, 5], &[5, 2]),
        (&[4, 5], &[3, 5, 2]),
        (&[2, 1, 4, 5], &[3, 5, 2]),
        (&[0, 4, 5], &[5, 2]),
        (&[2, 1, 1, 2, 3, 4], &[1, 3, 1, 2, 4, 2]),
    ] {
        for form in [Form::Contiguous, Form::Transposed, Form::Reversed] {
            one(s, DType::F32, (a, form), (b, form));
            one(s, DType::I64, (a, form), (b, form));
        }
    }
    let run = || -> minpy_core::Result<()> {
        let x = Sample::new(s.device, DType::F32, &[6], Form::Reversed, &data(DType::F32, 3))?;
        let y = Sample::new(s.device, DType::F32, &[6, 4], Form::Transposed, &data(DType::F32, 4))?;
        let want = product(DType::F32, &x.values(), &y.values(), (1, 6, 4));
        for r in [
            ops::matmul(&x.array, &y.array)?,
            ops::dot(&x.array, &y.array)?,
            ops::matmul(&y.array.t(), &x.array)?,
        ] {
            s.check(r.shape() == [4], || format!("vector times matrix: shape {:?}", r.shape()));
            s.compare(|| "vector and matrix".into(), &[4], DType::F32, &read(&r)?, &want);
        }
        let d = ops::dot(&x.array, &x.array)?;
        s.check(d.shape().is_empty(), || format!("dot of vectors: shape {:?}", d.shape()));
        s.compare(
            || "dot of vectors".into(),
            &[],
            DType::F32,
            &read(&d)?,
            &product(DType::F32, &x.values(), &x.values(), (1, 6, 1)),
        );
        Ok(())
    };
    s.ok(run(), || "vectors".into());
}
/// `out=` strided and overlapping; shapes that do not fit.
pub fn targets(s: &Subject) {
    let run = || -> minpy_core::Result<()> {
        let x = Sample::new(s.device, DType::F32, &[5, 5], Form::Contiguous, &data(DType::F32, 5))?;
        let want = product(DType::F32, &x.values(), &x.values(), (5, 5, 5));
        let operands = [Operand::Array(&x.array), Operand::Array(&x.array)];
        for form in Form::WRITABLE {
            let out = Sample::new(s.device, DType::F32, &[5, 5], form, &[Value::Real(9.0)])?;
            s.native("matmul", Family::Matmul, DTypeSet::of(&[DType::F32]), || {
                ops::call(&ops::MATMUL, Attrs::NONE, &operands, None, Target::Into(&out.array))
            })?;
            s.compare(
                || format!("matmul with out= {form:?}"),
                &[5, 5],
                DType::F32,
                &read(&out.array)?,
                &want,
            );
            let beside = download(&out.array)?
                .iter()
                .enumerate()
                .filter(|(i, v)| !out.at.contains(i) && **v != Value::Real(9.0))
                .count();
            s.check(beside == 0, || format!("matmul with out= {form:?} wrote beside its elements"));
        }
        ops::call(&ops::MATMUL, Attrs::NONE, &operands, None, Target::Into(&x.array))?;
        s.compare(|| "matmul into its own input".into(), &[5, 5], DType::F32, &read(&x.array)?, &want);
        let b = Array::empty_on(s.device, &[4, 5], DType::F32)?;
        let r = ops::matmul(&x.array, &b);
        s.check(r.is_err_and(|e| e.kind() == ErrorKind::Value), || {
            "matmul of (5,5) and (4,5): expected a value error".into()
        });
        Ok(())
    };
    s.ok(run(), || "targets".into());
}
