//! Reductions over every dtype, axis set and layout against a plain fold; accuracy of long sums.

mod support;
use minpy_core::backend::{Builder, Fold, Prim, Work};
use minpy_core::{DType, Number, Scalar};
use std::sync::Arc;
use support::*;

fn combine(prim_: Prim, a: Scalar, b: Scalar) -> Scalar {
    let d = a.dtype();
    let out = Arr::zeros(d, &[1]);
    elementwise(
        &prim(prim_, &[d, d]),
        &[Arr::new(&[1], Lay::Contiguous, &[a]).input(), Arr::new(&[1], Lay::Contiguous, &[b]).input()],
        &[&out],
    )
    .unwrap();
    out.scalars()[0]
}

fn folds(d: DType) -> Vec<Fold> {
    let mut v = vec![Fold::Add, Fold::Mul, Fold::Max, Fold::Min];
    if d.is_integer() || d == DType::Bool {
        v.extend([Fold::And, Fold::Or, Fold::Xor]);
    }
    v
}

/// Permutes `shape` so that the reduced axes come last, as dispatch does, and compares.
fn check(d: DType, fold: Fold, shape: &[usize], reduced: &[usize], lay: Lay, rng: &mut Rng) {
    let n: usize = shape.iter().product();
    let values = rng.smalls(d, n);
    let a = Arr::new(shape, lay, &values);
    let kept: Vec<usize> = (0..shape.len()).filter(|i| !reduced.contains(i)).collect();
    let order: Vec<usize> = kept.iter().chain(reduced).copied().collect();
    let out_shape: Vec<usize> = kept.iter().map(|&i| shape[i]).collect();
    let strides = a.strides.clone();
    let a = a.restrided(
        &order.iter().map(|&i| shape[i]).collect::<Vec<_>>(),
        &order.iter().map(|&i| strides[i]).collect::<Vec<_>>(),
    );
    let out = Arr::empty(d, &out_shape, if lay == Lay::Sliced { Lay::Sliced } else { Lay::Contiguous });
    call(&minpy_cpu::reduce::ENTRY, Work::Reduce(fold), Some(&cast(d, d)), &[a.input()], &[&out]).unwrap();
    let all = a.scalars();
    let inner: usize = reduced.iter().map(|&i| shape[i]).product();
    // The reference folds in a wider type where rounding matters.
    let want: Vec<Scalar> = all
        .chunks(inner.max(1))
        .map(|c| match (fold, c[0].number()) {
            (Fold::Add, Number::Float(_)) => {
                Number::Float(c.iter().map(|s| s.number().to_f64()).sum()).cast(d)
            }
            // Many kernel calls would take minutes.
            (Fold::Min | Fold::Max, _) if all.len() > 1000 => {
                let by = |a: &&Scalar, b: &&Scalar| a.number().to_f64().total_cmp(&b.number().to_f64());
                *if fold == Fold::Min { c.iter().min_by(by) } else { c.iter().max_by(by) }.unwrap()
            }
            _ => c[1..].iter().fold(c[0], |x, &y| combine(fold.prim(), x, y)),
        })
        .collect();
    let tolerance = match d {
        DType::F16 => 2e-2,
        DType::F32 | DType::C64 => 1e-5,
        _ => 1e-13,
    };
    assert_same(
        &out.scalars(),
        &want,
        tolerance,
        &format!("{fold:?} {d} {shape:?} over {reduced:?} {lay:?}"),
    );
}

#[test]
fn every_fold_dtype_and_layout() {
    let mut rng = Rng(1);
    for d in DType::ALL {
        for fold in folds(d) {
            for lay in LAYS {
                for (shape, reduced) in
                    [(&[3usize, 5][..], &[1usize][..]), (&[3, 5], &[0]), (&[4, 3, 5], &[0, 2]), (&[7], &[0])]
                {
                    check(d, fold, shape, reduced, lay, &mut rng);
                }
            }
        }
    }
}

#[test]
fn shapes_and_axes() {
    let mut rng = Rng(2);
    for d in [DType::F32, DType::F64, DType::I32, DType::F16] {
        for lay in LAYS {
            for (shape, reduced) in [
                (&[][..], &[][..]),
                (&[1, 1], &[0]),
                (&[5, 1], &[1]),
                (&[3, 70], &[1]),
                (&[70, 3], &[0]),
                (&[2, 5000], &[1]),
                (&[5000, 2], &[0]),
                (&[9, 1500], &[0]),
                (&[1500, 9], &[1]),
                (&[6, 7, 8, 9], &[1, 3]),
                (&[6, 7, 8, 9], &[0, 2]),
                (&[6, 7, 8, 9], &[1, 2]),
                (&[6, 7, 8, 9], &[0, 1, 2, 3]),
                (&[13, 300, 3], &[0, 2]),
                (&[70, 1100, 2], &[0]),
            ] {
                check(d, Fold::Add, shape, reduced, lay, &mut rng);
                check(d, Fold::Max, shape, reduced, lay, &mut rng);
            }
        }
    }
}

#[test]
fn large_reductions_on_threads() {
    let mut rng = Rng(3);
    for lay in [Lay::Contiguous, Lay::Transposed] {
        for (shape, reduced) in [
            (&[1_000_003][..], &[0][..]),
            (&[3, 400_001], &[1]),
            (&[400_001, 3], &[0]),
            (&[1000, 777], &[0]),
            (&[1000, 777], &[1]),
            (&[50, 200, 100], &[1]),
        ] {
            check(DType::F32, Fold::Add, shape, reduced, lay, &mut rng);
            check(DType::I64, Fold::Min, shape, reduced, lay, &mut rng);
        }
    }
}

#[test]
fn prologue_is_applied() {
    // sum(float64(x) * y + 1) over the last axis, y broadcast.
    let b = Builder::new();
    let (x, y) = (b.input(DType::I32), b.input(DType::F64));
    let id = (x.cast(DType::F64) * y + 1.0).id();
    let p = Arc::new(b.finish("prologue", &[id], 0b10));
    let n = 3000;
    let a = Arr::of(&[2, n], &(0..2 * n as i32).collect::<Vec<_>>());
    let out = Arr::zeros(DType::F64, &[2]);
    let inputs = [a.input(), minpy_core::backend::Input::Scalar(Scalar::new(0.5f64))];
    call(&minpy_cpu::reduce::ENTRY, Work::Reduce(Fold::Add), Some(&p), &inputs, &[&out]).unwrap();
    let want = |k: usize| (0..n).map(|i| (k * n + i) as f64 * 0.5 + 1.0).sum::<f64>();
    assert_eq!(out.values::<f64>(), [want(0), want(1)]);
}

#[test]
fn empty_range_gives_the_identity() {
    let a = Arr::of::<f32>(&[2, 0], &[]);
    for (fold, x) in [(Fold::Add, 0.0f32), (Fold::Mul, 1.0), (Fold::Max, f32::NEG_INFINITY)] {
        let out = Arr::empty(DType::F32, &[2], Lay::Sliced);
        call(
            &minpy_cpu::reduce::ENTRY,
            Work::Reduce(fold),
            Some(&cast(DType::F32, DType::F32)),
            &[a.input()],
            &[&out],
        )
        .unwrap();
        assert_eq!(out.values::<f32>(), [x, x]);
    }
}

#[test]
fn nan_wins_wherever_it_stands() {
    for at in [0, 1, 63, 64, 100, 4999] {
        let mut v = vec![1.0f32; 5000];
        v[at] = f32::NAN;
        let a = Arr::of(&[5000], &v);
        for fold in [Fold::Max, Fold::Min, Fold::Add] {
            let out = Arr::zeros(DType::F32, &[]);
            call(
                &minpy_cpu::reduce::ENTRY,
                Work::Reduce(fold),
                Some(&cast(DType::F32, DType::F32)),
                &[a.input()],
                &[&out],
            )
            .unwrap();
            assert!(out.values::<f32>()[0].is_nan(), "{fold:?} {at}");
        }
    }
}

/// Rounding must grow as in pairwise summation, not with the number of terms, where NumPy's does.
#[test]
fn long_sums_are_accurate() {
    let mut rng = Rng(4);
    let n = 1 << 20;
    let v: Vec<f32> = (0..n).map(|_| rng.unit() as f32).collect();
    let exact: f64 = v.iter().map(|&x| x as f64).sum();
    for (shape, strides, out_shape) in [(vec![n], vec![1], vec![]), (vec![1, n], vec![0, 1], vec![1])] {
        let a = Arr::of(&[n], &v).restrided(&shape, &strides);
        let out = Arr::zeros(DType::F32, &out_shape);
        call(
            &minpy_cpu::reduce::ENTRY,
            Work::Reduce(Fold::Add),
            Some(&cast(DType::F32, DType::F32)),
            &[a.input()],
            &[&out],
        )
        .unwrap();
        let error = (out.values::<f32>()[0] as f64 - exact).abs() / exact;
        assert!(error < 4.0 * f32::EPSILON as f64, "{error}");
    }
    // Along the first axis of [n / 2, 2] one after another, as NumPy has it, to the last bit.
    let a = Arr::of(&[n / 2, 2], &v).restrided(&[2, n / 2], &[1, 2]);
    let out = Arr::zeros(DType::F32, &[2]);
    call(
        &minpy_cpu::reduce::ENTRY,
        Work::Reduce(Fold::Add),
        Some(&cast(DType::F32, DType::F32)),
        &[a.input()],
        &[&out],
    )
    .unwrap();
    let columns = v.chunks(2).fold([0f32; 2], |sum, x| [sum[0] + x[0], sum[1] + x[1]]);
    assert_eq!(out.values::<f32>(), columns);
}
