//! Matrix products of every dtype and stride pattern against three plain loops.

mod support;
use minpy_core::backend::{Prim, Work};
use minpy_core::{DType, Number, Scalar};
use num_complex::Complex64;
use support::*;

fn product(d: DType, a: &[Scalar], b: &[Scalar], m: usize, k: usize, n: usize) -> Vec<Scalar> {
    let mut out = Vec::new();
    for i in 0..m {
        for j in 0..n {
            let pairs = (0..k).map(|l| (a[i * k + l].number(), b[l * n + j].number()));
            let zero = Number::Int(0);
            let sum = pairs.fold(zero, |s, (x, y)| match (s, x, y) {
                (_, Number::Bool(x), Number::Bool(y)) => Number::Bool(x & y || s == Number::Bool(true)),
                (Number::Int(s), Number::Int(x), Number::Int(y)) => Number::Int(s + x * y),
                (s, Number::Complex(x), Number::Complex(y)) => {
                    let s = if let Number::Complex(s) = s { s } else { Complex64::new(0.0, 0.0) };
                    Number::Complex(s + x * y)
                }
                (s, x, y) => Number::Float(s.to_f64() + x.to_f64() * y.to_f64()),
            });
            out.push(sum.cast(d));
        }
    }
    out
}

fn tolerance(d: DType) -> f64 {
    match d {
        DType::F16 => 1e-3,
        DType::F32 | DType::C64 => 1e-5,
        _ => 1e-13,
    }
}

#[test]
fn every_dtype_and_stride() {
    let mut rng = Rng(5);
    for d in DType::ALL {
        for (m, k, n) in [(1, 1, 1), (2, 3, 4), (5, 0, 3), (1, 7, 9), (9, 7, 1), (17, 33, 20), (3, 300, 270)]
        {
            for (la, lb) in LAYS.iter().flat_map(|&x| LAYS.map(|y| (x, y))) {
                if m * n > 100 && (la != Lay::Contiguous && lb != la) {
                    continue;
                }
                let (va, vb) = (rng.smalls(d, m * k), rng.smalls(d, k * n));
                let make = |shape: &[usize], lay, v: &[Scalar]| {
                    if v.is_empty() { Arr::empty(d, shape, lay) } else { Arr::new(shape, lay, v) }
                };
                let (a, b) = (make(&[m, k], la, &va), make(&[k, n], lb, &vb));
                for lc in [Lay::Contiguous, Lay::Transposed, Lay::Sliced] {
                    let c = Arr::empty(d, &[m, n], lc);
                    call(&minpy_cpu::matmul::ENTRY, Work::Matmul, None, &[a.input(), b.input()], &[&c])
                        .unwrap();
                    let what = format!("{d} {m}x{k}x{n} {la:?} {lb:?} {lc:?}");
                    assert_same(&c.scalars(), &product(d, &va, &vb, m, k, n), tolerance(d), &what);
                }
            }
        }
    }
}

#[test]
fn stacks_with_broadcast() {
    let mut rng = Rng(6);
    for d in [DType::F32, DType::I64, DType::F16, DType::C128] {
        let (va, vb) = (rng.smalls(d, 4 * 3 * 5), rng.smalls(d, 5 * 2));
        let a = Arr::new(&[4, 3, 5], Lay::Reversed, &va);
        let b = Arr::new(&[5, 2], Lay::Transposed, &vb);
        let (s0, s1) = (b.strides[0], b.strides[1]);
        let b = b.restrided(&[4, 5, 2], &[0, s0, s1]);
        let c = Arr::empty(d, &[4, 3, 2], Lay::Sliced);
        call(&minpy_cpu::matmul::ENTRY, Work::Matmul, None, &[a.input(), b.input()], &[&c]).unwrap();
        let want: Vec<Scalar> = va.chunks(15).flat_map(|x| product(d, x, &vb, 3, 5, 2)).collect();
        assert_same(&c.scalars(), &want, tolerance(d), "stack");
    }
}

#[test]
fn large_products_on_threads() {
    let mut rng = Rng(7);
    for d in [DType::F32, DType::I32, DType::F16, DType::C64] {
        let (m, k, n) = (130, 140, 150);
        let (va, vb) = (rng.smalls(d, m * k), rng.smalls(d, k * n));
        let (a, b) = (Arr::new(&[m, k], Lay::Transposed, &va), Arr::new(&[k, n], Lay::Contiguous, &vb));
        let c = Arr::empty(d, &[m, n], Lay::Contiguous);
        call(&minpy_cpu::matmul::ENTRY, Work::Matmul, None, &[a.input(), b.input()], &[&c]).unwrap();
        assert_same(&c.scalars(), &product(d, &va, &vb, m, k, n), 2.0 * tolerance(d), "large");
    }
}

/// Sizes on both sides of every choice of `product/`: in place or packed, one slab or several, threads or not, and
/// every width of the last tile. Small integers, whose sums are exact.
#[test]
fn blocks_and_edges_of_tiles() {
    let mut rng = Rng(8);
    let mut sizes =
        vec![(100, 900, 130), (37, 1000, 515), (2, 400, 1100), (700, 64, 2), (6, 5000, 7), (250, 500, 5)];
    sizes.extend((2..40).map(|n| (13, 20, n)).chain((2..20).map(|m| (m, 50, 33))));
    for d in [DType::F32, DType::F64] {
        for &(m, k, n) in &sizes {
            let whole = |count: usize, rng: &mut Rng| -> Vec<f64> {
                (0..count).map(|_| (rng.next() % 17) as f64 - 8.0).collect()
            };
            let (va, vb) = (whole(m * k, &mut rng), whole(k * n, &mut rng));
            let mut want = vec![0.0; m * n];
            for i in 0..m {
                for l in 0..k {
                    for j in 0..n {
                        want[i * n + j] += va[i * k + l] * vb[l * n + j];
                    }
                }
            }
            let scalars =
                |v: &[f64]| -> Vec<Scalar> { v.iter().map(|&x| Number::Float(x).cast(d)).collect() };
            let (va, vb, want) = (scalars(&va), scalars(&vb), scalars(&want));
            let large = m * k * n > 100_000;
            for (la, lb) in LAYS.iter().flat_map(|&x| LAYS.map(|y| (x, y))) {
                let (a, b) = (Arr::new(&[m, k], la, &va), Arr::new(&[k, n], lb, &vb));
                for lc in [Lay::Contiguous, Lay::Transposed, Lay::Sliced] {
                    if large && lc != Lay::Contiguous && la != lb {
                        continue;
                    }
                    let c = Arr::empty(d, &[m, n], lc);
                    call(&minpy_cpu::matmul::ENTRY, Work::Matmul, None, &[a.input(), b.input()], &[&c])
                        .unwrap();
                    assert_same(&c.scalars(), &want, 0.0, &format!("{d} {m}x{k}x{n} {la:?} {lb:?} {lc:?}"));
                }
            }
        }
    }
}

#[test]
fn wrong_ranks_are_errors() {
    let a = Arr::of(&[3], &[1f32, 2.0, 3.0]);
    let c = Arr::zeros(DType::F32, &[3]);
    assert!(call(&minpy_cpu::matmul::ENTRY, Work::Matmul, None, &[a.input(), a.input()], &[&c]).is_err());
    let _ = Prim::Add;
}
