//! Arg-reductions, scans, sorts, gathers, scatters, nonzero and random bits against plain references.

mod support;
use minpy_core::backend::{Fold, Prim, ScatterMode, Work};
use minpy_core::{DType, ErrorKind, Number, Scalar};
use std::cmp::Ordering;
use support::*;

fn nan_of(s: &Scalar) -> bool {
    match s.number() {
        Number::Float(x) => x.is_nan(),
        Number::Complex(c) => c.re.is_nan() || c.im.is_nan(),
        _ => false,
    }
}
/// NumPy's order without NaN.
fn order(a: &Scalar, b: &Scalar) -> Ordering {
    match (a.number(), b.number()) {
        (Number::Complex(x), Number::Complex(y)) => (x.re, x.im).partial_cmp(&(y.re, y.im)).unwrap(),
        (x, y) => x.to_f64().partial_cmp(&y.to_f64()).unwrap(),
    }
}
fn nan(d: DType) -> Scalar {
    Number::Float(f64::NAN).cast(d)
}

#[test]
fn arg_reduce_finds_the_first_extreme() {
    let mut rng = Rng(1);
    for d in DType::ALL {
        for lay in LAYS {
            for shape in [&[1usize][..], &[5], &[4, 3], &[3, 2, 300], &[40, 20]] {
                for max in [true, false] {
                    let n = shape[shape.len() - 1];
                    let mut v = rng.smalls(d, shape.iter().product());
                    if d.is_inexact() && shape.len() == 3 {
                        v[2 * n + 7] = nan(d);
                        v[2 * n + 9] = nan(d);
                    }
                    let out = Arr::zeros(DType::I64, &shape[..shape.len() - 1]);
                    call(
                        &minpy_cpu::arg_reduce::ENTRY,
                        Work::ArgReduce { max },
                        None,
                        &[Arr::new(shape, lay, &v).input()],
                        &[&out],
                    )
                    .unwrap();
                    let want: Vec<i64> = v
                        .chunks(n)
                        .map(|row| match row.iter().position(nan_of) {
                            Some(i) => i as i64,
                            None => {
                                let better = |a: &Scalar, b: &Scalar| {
                                    order(a, b) == if max { Ordering::Greater } else { Ordering::Less }
                                };
                                (0..n).fold(0, |best, i| if better(&row[i], &row[best]) { i } else { best })
                                    as i64
                            }
                        })
                        .collect();
                    assert_eq!(out.values::<i64>(), want, "{d} {lay:?} {shape:?} {max}");
                }
            }
        }
    }
}

#[test]
fn scans_run_along_the_last_axis() {
    let mut rng = Rng(2);
    for d in DType::ALL {
        for fold in [Fold::Add, Fold::Mul, Fold::Max, Fold::Min] {
            let op = prim(fold.prim(), &[d, d]);
            for lay in LAYS {
                for shape in [&[6usize][..], &[3, 5], &[2, 3, 4], &[40, 4]] {
                    let n = shape[shape.len() - 1];
                    let v = rng.smalls(d, shape.iter().product());
                    let (a, out) = (Arr::new(shape, lay, &v), Arr::empty(d, shape, lay));
                    call(&minpy_cpu::scan::ENTRY, Work::Scan(fold), None, &[a.input()], &[&out]).unwrap();
                    // The reference steps with the elementwise primitive over all rows at once.
                    let mut want = v.clone();
                    for i in 1..n {
                        let column = |k: usize, from: &[Scalar]| {
                            from.iter().skip(k).step_by(n).copied().collect::<Vec<_>>()
                        };
                        let rows = v.len() / n;
                        let r = Arr::zeros(d, &[rows]);
                        let (x, y) = (
                            Arr::new(&[rows], Lay::Contiguous, &column(i - 1, &want)),
                            Arr::new(&[rows], Lay::Contiguous, &column(i, &v)),
                        );
                        elementwise(&op, &[x.input(), y.input()], &[&r]).unwrap();
                        for (k, s) in r.scalars().into_iter().enumerate() {
                            want[k * n + i] = s;
                        }
                    }
                    assert_same(&out.scalars(), &want, 0.0, &format!("{fold:?} {d} {lay:?} {shape:?}"));
                }
            }
        }
    }
}

#[test]
fn sorts_are_stable_with_nan_last() {
    let mut rng = Rng(3);
    for d in DType::ALL {
        for lay in LAYS {
            for shape in [&[1usize][..], &[9], &[4, 50], &[20, 3, 7]] {
                let n = shape[shape.len() - 1];
                let mut v = rng.smalls(d, shape.iter().product());
                if d.is_inexact() && n > 5 {
                    v[2] = nan(d);
                    v[4] = nan(d);
                }
                let a = Arr::new(shape, lay, &v);
                let (values, positions) =
                    (Arr::empty(d, shape, lay), Arr::empty(DType::I64, shape, Lay::Contiguous));
                call(&minpy_cpu::sort::ENTRY, Work::Sort { arg: false }, None, &[a.input()], &[&values])
                    .unwrap();
                call(&minpy_cpu::sort::ENTRY, Work::Sort { arg: true }, None, &[a.input()], &[&positions])
                    .unwrap();
                let (mut want, mut want_at) = (Vec::new(), Vec::new());
                for row in v.chunks(n) {
                    let mut at: Vec<usize> = (0..n).collect();
                    at.sort_by(|&i, &j| match (nan_of(&row[i]), nan_of(&row[j])) {
                        (false, false) => order(&row[i], &row[j]),
                        (x, y) => x.cmp(&y),
                    });
                    want.extend(at.iter().map(|&i| row[i]));
                    want_at.extend(at.iter().map(|&i| i as i64));
                }
                assert_same(&values.scalars(), &want, 0.0, &format!("sort {d} {lay:?} {shape:?}"));
                assert_eq!(positions.values::<i64>(), want_at, "argsort {d} {lay:?} {shape:?}");
            }
        }
    }
}

#[test]
fn complex_nan_sorts_like_numpy() {
    use num_complex::Complex64 as C;
    let n = f64::NAN;
    // numpy.sort([2+1j, nan+1j, 1+nanj, 1+0j, nan+nanj]) == [1+0j, 2+1j, 1+nanj, nan+1j, nan+nanj]
    let v = [C::new(2.0, 1.0), C::new(n, 1.0), C::new(1.0, n), C::new(1.0, 0.0), C::new(n, n)];
    let out = Arr::zeros(DType::I64, &[5]);
    call(&minpy_cpu::sort::ENTRY, Work::Sort { arg: true }, None, &[Arr::of(&[5], &v).input()], &[&out])
        .unwrap();
    assert_eq!(out.values::<i64>(), [3, 0, 2, 1, 4]);
}

#[test]
fn gather_and_scatter_rows_and_elements() {
    let mut rng = Rng(4);
    for d in DType::ALL {
        for lay in LAYS {
            let base_shape = [5usize, 4, 3];
            let v = rng.smalls(d, 60);
            let i = Arr::new(&[2, 3], lay, &[0i64, -1, 2, 4, -5, 2].map(Scalar::new));
            let j = Arr::new(&[2, 3], Lay::Contiguous, &[3i64, 0, -4, 1, 2, -1].map(Scalar::new));
            let (iv, jv) = ([0usize, 4, 2, 4, 0, 2], [3usize, 0, 0, 1, 2, 3]);
            let a = Arr::new(&base_shape, lay, &v);
            let o1 = Arr::empty(d, &[2, 3, 4, 3], lay);
            call(
                &minpy_cpu::index::GATHER,
                Work::Gather { indexed: 1 },
                None,
                &[a.input(), i.input()],
                &[&o1],
            )
            .unwrap();
            let want: Vec<Scalar> = iv.iter().flat_map(|&i| v[i * 12..(i + 1) * 12].to_vec()).collect();
            assert_same(&o1.scalars(), &want, 0.0, "gather 1");
            let o2 = Arr::empty(d, &[2, 3, 3], Lay::Transposed);
            call(
                &minpy_cpu::index::GATHER,
                Work::Gather { indexed: 2 },
                None,
                &[a.input(), i.input(), j.input()],
                &[&o2],
            )
            .unwrap();
            let want: Vec<Scalar> = iv
                .iter()
                .zip(jv)
                .flat_map(|(&i, j)| v[i * 12 + j * 3..i * 12 + j * 3 + 3].to_vec())
                .collect();
            assert_same(&o2.scalars(), &want, 0.0, "gather 2");
            // Set: the last of repeated indices stays.
            let target = Arr::new(&base_shape, lay, &v);
            call(
                &minpy_cpu::scatter::ENTRY,
                Work::Scatter { indexed: 1, mode: ScatterMode::Set },
                None,
                &[o1.input(), i.input()],
                &[&target],
            )
            .unwrap();
            assert_same(&target.scalars(), &v, 0.0, "scatter of what was gathered");
            let new = rng.smalls(d, 6 * 12);
            call(
                &minpy_cpu::scatter::ENTRY,
                Work::Scatter { indexed: 1, mode: ScatterMode::Set },
                None,
                &[Arr::new(&[2, 3, 4, 3], lay, &new).input(), i.input()],
                &[&target],
            )
            .unwrap();
            let mut want = v.clone();
            for (k, &i) in iv.iter().enumerate() {
                want[i * 12..(i + 1) * 12].copy_from_slice(&new[k * 12..(k + 1) * 12]);
            }
            assert_same(&target.scalars(), &want, 0.0, "scatter set");
        }
    }
}

#[test]
fn scatter_combines_repeated_indices() {
    for d in DType::ALL.into_iter().filter(|&d| d != DType::Bool) {
        for (p, want) in [(Prim::Add, 7), (Prim::Mul, 12), (Prim::Maximum, 4), (Prim::Sub, 0)] {
            if p == Prim::Sub && d.int_range().is_some_and(|r| r.0 == 0) {
                continue;
            }
            let number = |x: i128| Number::Int(x).cast(d);
            let start = if p == Prim::Mul {
                1
            } else if p == Prim::Sub {
                7
            } else {
                0
            };
            let t = Arr::new(&[3], Lay::Sliced, &[number(start); 3]);
            let i = Arr::of(&[2], &[1i64, -2]);
            let v = Arr::new(&[2], Lay::Reversed, &[number(3), number(4)]);
            call(
                &minpy_cpu::scatter::ENTRY,
                Work::Scatter { indexed: 1, mode: ScatterMode::Combine(p) },
                None,
                &[v.input(), i.input()],
                &[&t],
            )
            .unwrap();
            assert_same(
                &t.scalars(),
                &[number(start), number(want), number(start)],
                0.0,
                &format!("{d} {p:?}"),
            );
        }
    }
}

#[test]
fn bad_indices_are_index_errors_and_write_nothing() {
    let a = Arr::of(&[3, 2], &[1i32, 2, 3, 4, 5, 6]);
    for bad in [3i64, -4, i64::MAX, i64::MIN] {
        let i = Arr::of(&[2], &[0, bad]);
        let o = Arr::zeros(DType::I32, &[2, 2]);
        let e = call(
            &minpy_cpu::index::GATHER,
            Work::Gather { indexed: 1 },
            None,
            &[a.input(), i.input()],
            &[&o],
        )
        .unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Index);
        assert!(e.message().contains(&format!("index {bad} is out of bounds for axis 0 with size 3")), "{e}");
        let e = call(
            &minpy_cpu::scatter::ENTRY,
            Work::Scatter { indexed: 1, mode: ScatterMode::Set },
            None,
            &[o.input(), i.input()],
            &[&a],
        )
        .unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Index);
    }
    assert_eq!(a.values::<i32>(), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn large_gather_on_threads() {
    let n = 300_000;
    let a = Arr::of(&[1000, 2], &(0..2000).map(|x| x as f32).collect::<Vec<_>>());
    let index: Vec<i64> = (0..n).map(|i| (i * 7919) % 1000 - 500).collect();
    let o = Arr::zeros(DType::F32, &[n as usize, 2]);
    call(
        &minpy_cpu::index::GATHER,
        Work::Gather { indexed: 1 },
        None,
        &[a.input(), Arr::of(&[n as usize], &index).input()],
        &[&o],
    )
    .unwrap();
    let got = o.values::<f32>();
    assert!(
        index.iter().enumerate().all(
            |(k, &i)| got[2 * k] == 2.0 * i.rem_euclid(1000) as f32 && got[2 * k + 1] == got[2 * k] + 1.0
        )
    );
}

#[test]
fn nonzero_lists_indices() {
    let mut rng = Rng(5);
    for d in DType::ALL {
        for lay in LAYS {
            for shape in [&[][..], &[7], &[3, 4], &[2, 3, 5]] {
                let v = rng.smalls(d, shape.iter().product());
                let zero = Number::Int(0).cast(d);
                let hits: Vec<usize> = (0..v.len()).filter(|&i| v[i] != zero).collect();
                let out = Arr::empty(DType::I64, &[shape.len(), hits.len()], Lay::Transposed);
                call(
                    &minpy_cpu::nonzero::ENTRY,
                    Work::Nonzero,
                    None,
                    &[Arr::new(shape, lay, &v).input()],
                    &[&out],
                )
                .unwrap();
                let want: Vec<i64> = (0..shape.len())
                    .flat_map(|axis| {
                        let step: usize = shape[axis + 1..].iter().product();
                        hits.iter().map(move |&i| (i / step % shape[axis]) as i64).collect::<Vec<_>>()
                    })
                    .collect();
                assert_eq!(out.values::<i64>(), want, "{d} {lay:?} {shape:?}");
            }
        }
    }
}

#[test]
fn random_bits_are_one_stream() {
    let n = 500_003;
    let key = [1, 2];
    let o = Arr::zeros(DType::U32, &[n]);
    call(&minpy_cpu::random::ENTRY, Work::RandomBits { key, counter: u32::MAX as u64 - 5 }, None, &[], &[&o])
        .unwrap();
    let got = o.values::<u32>();
    for block in [0usize, 5, 6, 100_000] {
        let c = u32::MAX as u64 - 5 + block as u64;
        assert_eq!(
            got[4 * block..4 * block + 4],
            minpy_cpu::random::philox([c as u32, (c >> 32) as u32, 0, 0], key)
        );
    }
    // The stream does not depend on where a call begins.
    let tail = Arr::zeros(DType::U32, &[7]);
    call(
        &minpy_cpu::random::ENTRY,
        Work::RandomBits { key, counter: u32::MAX as u64 + 5 },
        None,
        &[],
        &[&tail],
    )
    .unwrap();
    assert_eq!(tail.values::<u32>(), got[40..47]);
}
