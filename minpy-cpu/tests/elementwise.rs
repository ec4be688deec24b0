//! The evaluator: layouts, broadcasting, in-place, fused programs, several outputs, threads.

mod support;
use minpy_core::backend::{Builder, Input, Prim};
use minpy_core::{DType, Scalar};
use std::sync::Arc;
use support::*;

#[test]
fn layouts_of_inputs_and_outputs() {
    let mut rng = Rng(1);
    for d in [DType::F32, DType::I8, DType::C128, DType::F16] {
        let add = prim(Prim::Add, &[d, d]);
        for shape in [&[][..], &[5], &[3, 4], &[2, 3, 4], &[40, 50], &[3, 1, 700], &[1200, 2]] {
            let n: usize = shape.iter().product();
            let (x, y) = (rng.smalls(d, n), rng.smalls(d, n));
            let plain = Arr::empty(d, shape, Lay::Contiguous);
            elementwise(
                &add,
                &[Arr::new(shape, Lay::Contiguous, &x).input(), Arr::new(shape, Lay::Contiguous, &y).input()],
                &[&plain],
            )
            .unwrap();
            for lx in LAYS {
                for ly in LAYS {
                    for lo in LAYS {
                        let (a, b, o) =
                            (Arr::new(shape, lx, &x), Arr::new(shape, ly, &y), Arr::empty(d, shape, lo));
                        elementwise(&add, &[a.input(), b.input()], &[&o]).unwrap();
                        assert_same(
                            &o.scalars(),
                            &plain.scalars(),
                            0.0,
                            &format!("{d} {shape:?} {lx:?} {ly:?} {lo:?}"),
                        );
                    }
                }
                // In place: the output is one of the inputs.
                let (a, b) = (Arr::new(shape, lx, &x), Arr::new(shape, Lay::Contiguous, &y));
                elementwise(&add, &[a.input(), b.input()], &[&a]).unwrap();
                assert_same(&a.scalars(), &plain.scalars(), 0.0, "a += b");
                let b = Arr::new(shape, lx, &y);
                elementwise(&add, &[Arr::new(shape, Lay::Contiguous, &x).input(), b.input()], &[&b]).unwrap();
                assert_same(&b.scalars(), &plain.scalars(), 0.0, "b[...] = a + b");
            }
        }
    }
}

#[test]
fn gaps_of_sliced_outputs_stay() {
    let o = Arr::empty(DType::F32, &[3, 4], Lay::Sliced);
    let before = o.raw().to_vec();
    let zero = Input::Scalar(Scalar::new(0f32));
    let values: Vec<f32> = (0..12).map(|i| i as f32).collect();
    let b = Builder::new();
    let (x, y) = (b.input(DType::F32), b.input(DType::F32));
    let id = (x + y).id();
    let p = Arc::new(b.finish("add", &[id], 0b10));
    elementwise(&p, &[Arr::of(&[3, 4], &values).input(), zero], &[&o]).unwrap();
    assert_eq!(o.values::<f32>(), values);
    let bytes = |w: &[u128]| w.iter().flat_map(|x| x.to_ne_bytes()).collect::<Vec<u8>>();
    let changed = bytes(&before).iter().zip(bytes(o.raw())).filter(|(a, b)| **a != *b).count();
    assert!(changed <= 48, "{changed} bytes changed");
}

/// `gelu`-like chain with constants, a scalar input, a cast, a select and a broadcast row and column.
#[test]
fn fused_program_with_broadcasts() {
    let b = Builder::new();
    let (x, row, col, k) =
        (b.input(DType::F32), b.input(DType::F32), b.input(DType::I32), b.input(DType::F32));
    let y = (x + row) * col.cast(DType::F32) - k;
    let id = y.binary(Prim::Gt, y.lit(0.0)).select(y * 2.0, 1.0 - y).id();
    let p = Arc::new(b.finish("fused", &[id], 0b1000));
    let mut rng = Rng(2);
    for (n, m) in [(1, 1), (3, 5), (100, 64), (7, 2000), (2000, 3), (300, 300), (1, 100_000)] {
        let xs: Vec<f32> = (0..n * m).map(|_| rng.unit() as f32 - 0.5).collect();
        let rows: Vec<f32> = (0..m).map(|_| rng.unit() as f32).collect();
        let cols: Vec<i32> = (0..n).map(|_| (rng.next() % 7) as i32 - 3).collect();
        let want: Vec<f32> = (0..n * m)
            .map(|i| {
                let y = (xs[i] + rows[i % m]) * cols[i / m] as f32 - 0.25;
                if y > 0.0 { y * 2.0 } else { 1.0 - y }
            })
            .collect();
        for lay in LAYS {
            let a = Arr::new(&[n, m], lay, &xs.iter().map(|&x| Scalar::new(x)).collect::<Vec<_>>());
            let r = Arr::of(&[m], &rows).restrided(&[n, m], &[0, 1]);
            let c = Arr::of(&[n], &cols).restrided(&[n, m], &[1, 0]);
            let o = Arr::empty(DType::F32, &[n, m], lay);
            elementwise(&p, &[a.input(), r.input(), c.input(), Input::Scalar(Scalar::new(0.25f32))], &[&o])
                .unwrap();
            assert_eq!(o.values::<f32>(), want, "{n} {m} {lay:?}");
        }
    }
}

#[test]
fn scalars_constants_and_inputs_as_outputs() {
    // Three outputs: a constant, an input, and a function of a scalar.
    let b = Builder::new();
    let (x, s) = (b.input(DType::F64), b.input(DType::F64));
    let ids = [b.constant(Scalar::new(7i16)).id(), x.id(), (s * s).id(), x.id()];
    let p = Arc::new(b.finish("many", &ids, 0b10));
    let v: Vec<f64> = (0..3000).map(|i| i as f64).collect();
    let a = Arr::of(&[3000], &v);
    let outs = [
        Arr::zeros(DType::I16, &[3000]),
        Arr::empty(DType::F64, &[3000], Lay::Reversed),
        Arr::zeros(DType::F64, &[3000]),
        Arr::zeros(DType::F64, &[3000]),
    ];
    elementwise(&p, &[a.input(), Input::Scalar(Scalar::new(3f64))], &outs.each_ref()).unwrap();
    assert_eq!(outs[0].values::<i16>(), vec![7; 3000]);
    assert_eq!(outs[1].values::<f64>(), v);
    assert_eq!(outs[2].values::<f64>(), vec![9.0; 3000]);
    assert_eq!(outs[3].values::<f64>(), v);
}

#[test]
fn several_outputs_over_an_input() {
    // (x + y, x - y), the first written over x.
    let b = Builder::new();
    let (x, y) = (b.input(DType::F32), b.input(DType::F32));
    let ids = [(x + y).id(), (x - y).id()];
    let p = Arc::new(b.finish("both", &ids, 0));
    let (a, c) = (Arr::of(&[2000], &vec![3f32; 2000]), Arr::of(&[2000], &vec![1f32; 2000]));
    let d = Arr::zeros(DType::F32, &[2000]);
    elementwise(&p, &[a.input(), c.input()], &[&a, &d]).unwrap();
    assert_eq!(a.values::<f32>(), vec![4.0; 2000]);
    assert_eq!(d.values::<f32>(), vec![2.0; 2000]);
}

#[test]
fn index_counts_in_c_order() {
    let b = Builder::new();
    let id = (b.index().cast(DType::F64) * 2.0).id();
    let p = Arc::new(b.finish("ramp", &[id], 0));
    for shape in [&[][..], &[5], &[3, 4], &[60, 70], &[5000]] {
        for lay in LAYS {
            let o = Arr::empty(DType::F64, shape, lay);
            elementwise(&p, &[], &[&o]).unwrap();
            let n: usize = shape.iter().product();
            assert_eq!(
                o.values::<f64>(),
                (0..n).map(|i| 2.0 * i as f64).collect::<Vec<_>>(),
                "{shape:?} {lay:?}"
            );
        }
    }
}

#[test]
fn large_work_on_threads() {
    let n = 3_000_017;
    let b = Builder::new();
    let x = b.input(DType::F32);
    let id = (x * x + 1.0).id();
    let p = Arc::new(b.finish("sq", &[id], 0));
    let v: Vec<f32> = (0..n).map(|i| (i % 1000) as f32).collect();
    let (a, o) = (Arr::of(&[n], &v), Arr::zeros(DType::F32, &[n]));
    elementwise(&p, &[a.input()], &[&o]).unwrap();
    assert!(o.values::<f32>().iter().zip(&v).all(|(r, x)| *r == x * x + 1.0));
    elementwise(&prim(Prim::Mul, &[DType::F32; 2]), &[a.input(), a.input()], &[&a]).unwrap();
    assert!(a.values::<f32>().iter().zip(&v).all(|(r, x)| *r == x * x));
}

#[test]
fn missing_loops_are_errors() {
    let p = prim(Prim::Sqrt, &[DType::I32]);
    let a = Arr::of(&[1], &[1i32]);
    let e = elementwise(&p, &[a.input()], &[&a]).unwrap_err();
    assert!(e.message().contains("sqrt") && e.message().contains("int32"), "{e}");
}
