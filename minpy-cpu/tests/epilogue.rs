//! Products with an epilogue, and pairs of them, against the product and then the program, bit for bit.

mod support;
use minpy_core::backend::{Builder, E, Input, Prim, Program, Work};
use minpy_core::{DType, ErrorKind, Number, Result, Scalar};
use std::sync::Arc;
use support::*;

/// `max(p + x * c, y)`, what is compared with zero, and the product itself; in the dtype of the product.
fn program(d: DType) -> Arc<Program> {
    let b = Builder::new();
    let (p, x, y, c) = (b.input(d), b.input(d), b.input(d), b.input(d));
    let sum = p + x * c;
    let first = sum.binary(Prim::Maximum, y);
    let positive = p.binary(Prim::Gt, p.lit(0.0));
    Arc::new(b.finish("test", &[first.id(), positive.id(), p.id()], 1 << 3))
}

fn epilogue(program: &Arc<Program>, inputs: &[Input], outputs: &[&Arr]) -> Result<()> {
    call(&minpy_cpu::epilogue::ENTRY, Work::Epilogue, Some(program), inputs, outputs)
}

#[test]
fn like_the_parts() {
    minpy_cpu::threads::set_num_threads(2);
    let mut rng = Rng(11);
    // One tile, rectangles of several threads, pieces of rows, several depths, few columns, a deep one, and stacks.
    let sizes: [(&[usize], usize, usize, usize); 10] = [
        (&[], 1, 1, 1),
        (&[], 5, 9, 7),
        (&[], 37, 45, 29),
        (&[], 300, 270, 600),
        (&[], 530, 140, 128),
        (&[], 530, 401, 500),
        (&[], 900, 3, 70),
        (&[], 20, 30, 9000),
        (&[3], 20, 30, 10),
        (&[2, 2], 130, 110, 100),
    ];
    for d in [DType::F32, DType::F64, DType::F16, DType::I32] {
        let p = program(d);
        for (batch, m, n, k) in sizes {
            let with = |tail: [usize; 2]| [batch, &tail[..]].concat();
            let count = |s: &[usize]| s.iter().product::<usize>();
            let mut make = |shape: &[usize], lay| Arr::new(shape, lay, &rng.smalls(d, count(shape)));
            for lay in [Lay::Contiguous, Lay::Transposed, Lay::Sliced] {
                let shape = with([m, n]);
                let (a, b) = (make(&with([m, k]), Lay::Contiguous), make(&with([k, n]), lay));
                let (mut x, y) = (make(&shape, Lay::Contiguous), make(&shape, lay));
                // The same along each column.
                let row = x.strides.len() - 2;
                x.strides[row] = 0;
                let number = Number::Int(3).cast(d);
                let others = [x.input(), y.input(), Input::Scalar(number)];
                let outputs = || [d, DType::Bool, d].map(|d| Arr::empty(d, &shape, lay));
                let whole = outputs();
                let inputs = [&[a.input(), b.input()], &others[..]].concat();
                epilogue(&p, &inputs, &whole.each_ref()).unwrap();
                let parts = outputs();
                let matrices = [a.input(), b.input()];
                let product = Arr::empty(d, &shape, lay);
                call(&minpy_cpu::matmul::ENTRY, Work::Matmul, None, &matrices, &[&product]).unwrap();
                let inputs = [&[product.input()], &others[..]].concat();
                elementwise(&p, &inputs, &parts.each_ref()).unwrap();
                for (w, p) in whole.iter().zip(&parts) {
                    assert!(w.scalars() == p.scalars(), "{d} {batch:?} {m}x{k}x{n} {lay:?}");
                }
            }
        }
    }
}

/// A program that is done tile by tile: `max((p + x) * c, 0)`, what came of `p + x` before, and which side of 0 it is on;
/// or the slope of such a maximum, from bytes or numbers; or `max(p + x, c)` alone, with the side, and with a `c` for each
/// matrix (`y`, whose strides are the test's business).
fn chain(d: DType, what: usize) -> Arc<Program> {
    let b = Builder::new();
    let (p, x, y, bytes, c) = (b.input(d), b.input(d), b.input(d), b.input(DType::U8), b.input(d));
    let v = p + x;
    let side = |by: E| {
        let (greater, equal) = (v.binary(Prim::Gt, by), v.binary(Prim::Eq, by));
        let of = |n: f64| equal.cast(DType::U8).lit(n);
        greater.select(of(2.0), equal.select(of(1.0), of(0.0))).id()
    };
    let ids = if what == 0 {
        let v2 = v * c;
        vec![v2.lit(0.0).binary(Prim::Maximum, v2).id(), side(v.lit(0.0)), v.id()]
    } else if what == 3 {
        vec![v.binary(Prim::Maximum, c).id()]
    } else if what == 4 {
        vec![v.binary(Prim::Maximum, c).id(), side(c)]
    } else if what == 5 {
        vec![v.binary(Prim::Maximum, y).id()]
    } else {
        let z = if what == 1 { bytes.cast(d) } else { y };
        let tie = z.binary(Prim::Eq, z.lit(1.0)).select(p * 0.5, p.lit(0.0));
        vec![z.binary(Prim::Gt, z.lit(1.0)).select(p, tie).id()]
    };
    Arc::new(b.finish("chain", &ids, 1 << 4))
}

#[test]
fn tile_by_tile() {
    minpy_cpu::threads::set_num_threads(2);
    let mut rng = Rng(13);
    // In place, tiles at the edges, several depths and rectangles, few columns, stacks.
    let sizes: [(&[usize], usize, usize, usize); 9] = [
        (&[], 1, 1, 1),
        (&[], 13, 33, 7),
        (&[], 31, 70, 300),
        (&[], 200, 270, 600),
        (&[], 530, 141, 128),
        (&[], 530, 401, 500),
        (&[], 400, 3, 70),
        (&[3], 20, 30, 10),
        (&[2, 2], 130, 110, 100),
    ];
    for (d, what) in [DType::F32, DType::F64].into_iter().flat_map(|d| [0, 1, 2, 3, 4, 5].map(|w| (d, w))) {
        let p = chain(d, what);
        for (batch, m, n, k) in sizes {
            let with = |tail: [usize; 2]| [batch, &tail[..]].concat();
            let count = |s: &[usize]| s.iter().product::<usize>();
            let mut make =
                |d: DType, shape: &[usize], lay| Arr::new(shape, lay, &rng.smalls(d, count(shape)));
            let shape = with([m, n]);
            for (lay, result) in [
                (Lay::Contiguous, Lay::Contiguous),
                (Lay::Sliced, Lay::Sliced),
                (Lay::Transposed, Lay::Transposed),
            ] {
                let (a, b) = (make(d, &with([m, k]), Lay::Contiguous), make(d, &with([k, n]), lay));
                let (mut x, mut y) = (make(d, &shape, Lay::Contiguous), make(d, &shape, lay));
                let bytes: Vec<_> =
                    (0..count(&shape)).map(|i| Number::Int((i * 7 % 3) as i128).cast(DType::U8)).collect();
                let bytes = Arr::new(&shape, lay, &bytes);
                // Along each column, or each row, the same.
                let row = x.strides.len() - 2;
                x.strides[row + (m > n) as usize] = 0;
                if what == 5 {
                    y.strides[row..].fill(0);
                }
                let others = [x.input(), y.input(), bytes.input(), Input::Scalar(Number::Int(-3).cast(d))];
                let dtypes = match what {
                    0 => vec![d, DType::U8, d],
                    4 => vec![d, DType::U8],
                    _ => vec![d],
                };
                let outputs = || dtypes.iter().map(|&d| Arr::empty(d, &shape, result)).collect::<Vec<_>>();
                let whole = outputs();
                let inputs = [&[a.input(), b.input()], &others[..]].concat();
                epilogue(&p, &inputs, &whole.iter().collect::<Vec<_>>()).unwrap();
                let parts = outputs();
                let product = Arr::empty(d, &shape, result);
                let matrices = [a.input(), b.input()];
                call(&minpy_cpu::matmul::ENTRY, Work::Matmul, None, &matrices, &[&product]).unwrap();
                let inputs = [&[product.input()], &others[..]].concat();
                elementwise(&p, &inputs, &parts.iter().collect::<Vec<_>>()).unwrap();
                for (w, p) in whole.iter().zip(&parts) {
                    assert!(w.scalars() == p.scalars(), "{d} {what} {batch:?} {m}x{k}x{n} {lay:?}");
                }
            }
        }
    }
}

/// A product with or without what follows, and another one beside it: as each of them alone.
#[test]
fn pairs() {
    minpy_cpu::threads::set_num_threads(2);
    let mut rng = Rng(14);
    let products = |work: Work, program: Option<&Arc<Program>>, inputs: &[Input], outputs: &[&Arr]| {
        call(&minpy_cpu::epilogue::PRODUCTS, work, program, inputs, outputs)
    };
    let pair = Work::Products { sum: false, beside: true };
    // Both large, in pieces and in rectangles; one too small; a stack.
    let sizes: [[(&[usize], usize, usize, usize); 2]; 6] = [
        [(&[], 200, 210, 220), (&[], 230, 190, 210)],
        [(&[], 530, 401, 500), (&[], 500, 401, 530)],
        [(&[], 300, 270, 600), (&[], 530, 401, 500)],
        [(&[], 200, 210, 220), (&[], 30, 20, 10)],
        [(&[], 30, 20, 10), (&[], 200, 210, 220)],
        [(&[], 200, 210, 220), (&[2], 200, 210, 220)],
    ];
    // Of one dtype or two; int32 has no tiles.
    let dtypes = [[DType::F32; 2], [DType::F64; 2], [DType::F32, DType::F64], [DType::I32; 2]];
    for ([d, e], [(batch, m, n, k), (other, m2, n2, k2)]) in
        dtypes.into_iter().flat_map(|d| sizes.map(|s| (d, s)))
    {
        for lay in [Lay::Contiguous, Lay::Transposed] {
            let with = |batch: &[usize], tail: [usize; 2]| [batch, &tail[..]].concat();
            let mut make = |d: DType, shape: Vec<usize>, lay| {
                let count = shape.iter().product();
                Arr::new(&shape, lay, &rng.rounding(d, count))
            };
            let (a, b) = (make(d, with(batch, [m, k]), lay), make(d, with(batch, [k, n]), Lay::Contiguous));
            let (x, y) = (make(d, with(batch, [m, n]), lay), make(d, with(batch, [m, n]), Lay::Contiguous));
            let (a2, b2) = (make(e, with(other, [m2, k2]), lay), make(e, with(other, [k2, n2]), lay));
            let beside = || Arr::empty(e, &with(other, [m2, n2]), lay);
            let alone = beside();
            let second = [a2.input(), b2.input()];
            call(&minpy_cpu::matmul::ENTRY, Work::Matmul, None, &second, &[&alone]).unwrap();
            let empty = |d: DType| Arr::empty(d, &with(batch, [m, n]), lay);
            let what = format!("{d} {batch:?} {m}x{k}x{n}, {e} {other:?} {m2}x{k2}x{n2}, {lay:?}");

            let first = [a.input(), b.input()];
            let (want, got, got2) = (empty(d), empty(d), beside());
            call(&minpy_cpu::matmul::ENTRY, Work::Matmul, None, &first, &[&want]).unwrap();
            products(pair.clone(), None, &[first, second].concat(), &[&got, &got2]).unwrap();
            assert!(got.scalars() == want.scalars() && got2.scalars() == alone.scalars(), "{what}");

            // Tile by tile, and block by block.
            let bytes = make(DType::U8, with(batch, [m, n]), lay);
            let number = Input::Scalar(Number::Int(-3).cast(d));
            let tiles = vec![a.input(), b.input(), x.input(), y.input(), bytes.input(), number];
            let blocks = vec![a.input(), b.input(), x.input(), y.input(), number];
            for (program, inputs, made) in
                [(chain(d, 0), tiles, [d, DType::U8, d]), (program(d), blocks, [d, DType::Bool, d])]
            {
                let (want, got, got2) = (made.map(empty), made.map(empty), beside());
                epilogue(&program, &inputs, &want.each_ref()).unwrap();
                let outputs: Vec<&Arr> = got.iter().chain([&got2]).collect();
                products(pair.clone(), Some(&program), &[&inputs[..], &second].concat(), &outputs).unwrap();
                for (g, w) in got.iter().zip(&want).chain([(&got2, &alone)]) {
                    assert!(g.scalars() == w.scalars(), "{what}");
                }
            }
        }
    }
    // What an epilogue is refused for, before anything is written; no panic where there are not two products.
    let (a, b) = (Arr::zeros(DType::I32, &[3, 4]), Arr::zeros(DType::I32, &[4, 5]));
    let outputs =
        [0, 1].map(|_| Arr::new(&[3, 5], Lay::Contiguous, &vec![Number::Int(7).cast(DType::I32); 15]));
    let inputs = [a.input(), b.input(), outputs[0].input(), a.input(), b.input()];
    let sum = prim(Prim::Add, &[DType::I32; 2]);
    let e = products(pair.clone(), Some(&sum), &inputs, &outputs.each_ref()).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Unsupported);
    assert!(outputs.iter().flat_map(|o| o.scalars()).all(|x| x == Number::Int(7).cast(DType::I32)));
    let too_few = [(1, 2), (3, 2), (4, 0), (4, 1)];
    for (i, o) in too_few {
        let e = products(pair.clone(), None, &inputs[..i], &outputs.each_ref()[..o]).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Runtime);
    }
}

/// Sums over the rows of what is computed of a product, on tiles of all heights and otherwise, with and without another
/// product beside it.
#[test]
fn sums() {
    minpy_cpu::threads::set_num_threads(2);
    let mut rng = Rng(15);
    let sizes: [(&[usize], usize, usize, usize); 9] = [
        (&[], 1, 1, 1),
        (&[], 7, 33, 9),
        (&[], 13, 16, 7),
        (&[], 47, 70, 300),
        (&[], 200, 270, 600),
        (&[], 530, 401, 500),
        (&[], 400, 3, 70),
        (&[], 20, 30, 9000),
        (&[2, 2], 130, 110, 100),
    ];
    let d_sizes = [DType::F32, DType::F64, DType::I32].into_iter().flat_map(|d| sizes.map(|s| (d, s)));
    for (d, (batch, m, n, k)) in d_sizes {
        for (lay, beside) in [(Lay::Contiguous, false), (Lay::Contiguous, true), (Lay::Transposed, true)] {
            let with = |tail: &[usize]| [batch, tail].concat();
            let mut make = |d: DType, shape: Vec<usize>, lay| {
                let count = shape.iter().product();
                Arr::new(&shape, lay, &rng.smalls(d, count))
            };
            let (a, b) = (make(d, with(&[m, k]), lay), make(d, with(&[k, n]), Lay::Contiguous));
            let (x, y) = (make(d, with(&[m, n]), lay), make(d, with(&[m, n]), Lay::Contiguous));
            let bytes = make(DType::U8, with(&[m, n]), lay);
            let number = Input::Scalar(Number::Int(-3).cast(d));
            let a2 = make(d, with(&[n, k]), lay);
            let second = [a2.input(), b.input()];
            let (square, alone) = ([(); 2]).map(|()| Arr::empty(d, &with(&[n, n]), Lay::Contiguous)).into();
            call(&minpy_cpu::matmul::ENTRY, Work::Matmul, None, &second, &[&alone]).unwrap();
            let tiles = vec![a.input(), b.input(), x.input(), y.input(), bytes.input(), number];
            let blocks = vec![a.input(), b.input(), x.input(), y.input(), number];
            let plain = vec![a.input(), b.input()];
            let programs = [
                (Some(chain(d, 3)), tiles, vec![d]),
                (Some(program(d)), blocks, vec![d, DType::Bool, d]),
                (None, plain, vec![d]),
            ];
            for (program, inputs, made) in programs {
                let got: Vec<Arr> = made.iter().map(|&d| Arr::empty(d, &with(&[m, n]), lay)).collect();
                let (sum, want) = (
                    Arr::empty(d, &with(&[n]), Lay::Contiguous),
                    Arr::empty(d, &with(&[n]), Lay::Contiguous),
                );
                let outputs: Vec<&Arr> = got.iter().chain([&sum]).chain(beside.then_some(&square)).collect();
                let inputs = [&inputs[..], if beside { &second } else { &[] }].concat();
                let work = Work::Products { sum: true, beside };
                call(&minpy_cpu::epilogue::PRODUCTS, work, program.as_ref(), &inputs, &outputs).unwrap();
                // As the kernel of sums has it: small integers, so in any order.
                let values = got[0].scalars();
                let add = |x: Scalar, y: Scalar| match (x.number(), y.number()) {
                    (Number::Int(x), Number::Int(y)) => Number::Int(x + y).cast(d),
                    (Number::Float(x), Number::Float(y)) => Number::Float(x + y).cast(d),
                    _ => unreachable!("the dtypes of this test"),
                };
                let stacks: usize = batch.iter().product();
                let all: Vec<Scalar> = (0..stacks * n)
                    .map(|i| {
                        let column = (0..m).map(|r| values[(i / n * m + r) * n + i % n]);
                        column.reduce(add).unwrap()
                    })
                    .collect();
                want.put(&all);
                let same =
                    sum.scalars() == want.scalars() && (!beside || square.scalars() == alone.scalars());
                assert!(same, "{d} {batch:?} {m}x{k}x{n} {lay:?}");
            }
        }
    }
}

/// Whether products are ours: others sum their results afterwards, in parts for each thread.
fn own_tiles() -> bool {
    #[cfg(target_arch = "x86_64")]
    return !cfg!(feature = "openblas")
        && is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// The same bits with every number of threads, and the sums of what is there.
#[test]
fn sums_and_threads() {
    let mut rng = Rng(16);
    let (m, n, k) = (530, 401, 500);
    for d in [DType::F32, DType::F64] {
        let mut make = |m: usize, n: usize| Arr::new(&[m, n], Lay::Contiguous, &rng.rounding(d, m * n));
        let (a, b, x) = (make(m, k), make(k, n), make(m, n));
        let number = Input::Scalar(Number::Int(0).cast(d));
        let bytes = Arr::zeros(DType::U8, &[m, n]);
        let inputs = [a.input(), b.input(), x.input(), x.input(), bytes.input(), number];
        let [out, sum, want] = [[m, n].as_slice(), &[n], &[n]].map(|s| Arr::empty(d, s, Lay::Contiguous));
        let mut first: Option<Vec<Scalar>> = None;
        for threads in [1, 2, 3, 7] {
            minpy_cpu::threads::set_num_threads(threads);
            let work = Work::Products { sum: true, beside: false };
            let program = chain(d, 3);
            call(&minpy_cpu::epilogue::PRODUCTS, work, Some(&program), &inputs, &[&out, &sum]).unwrap();
            let bits = sum.scalars();
            let same = *first.get_or_insert_with(|| bits.clone()) == bits;
            assert!(same || !own_tiles(), "{d}, {threads} threads");
        }
        let mut turned = out.view();
        let (shape, strides) = ([n, m], [1, n as isize]);
        (turned.shape, turned.strides) = (&shape, &strides);
        let work = Work::Reduce(minpy_core::backend::Fold::Add);
        let inputs = [Input::View(turned)];
        call(&minpy_cpu::reduce::ENTRY, work, Some(&cast(d, d)), &inputs, &[&want]).unwrap();
        let tolerance = if d == DType::F64 { 1e-13 } else { 1e-5 };
        assert_same(&sum.scalars(), &want.scalars(), tolerance, "sums");
    }
}

/// One byte for all elements is no line of them.
#[test]
fn a_side_for_all() {
    let b = Builder::new();
    let (p, bytes) = (b.input(DType::F32), b.input(DType::U8));
    let z = bytes.cast(DType::F32);
    let tie = z.binary(Prim::Eq, z.lit(1.0)).select(p * 0.5, p.lit(0.0));
    let id = z.binary(Prim::Gt, z.lit(1.0)).select(p, tie).id();
    let program = Arc::new(b.finish("taken", &[id], 2));
    let (m, n, k) = (150, 160, 170);
    let a = Arr::of(&[m, k], &vec![1f32; m * k]);
    let b = Arr::of(&[k, n], &vec![1f32; k * n]);
    for side in 0..3u8 {
        let out = Arr::empty(DType::F32, &[m, n], Lay::Contiguous);
        epilogue(&program, &[a.input(), b.input(), Input::Scalar(Scalar::new(side))], &[&out]).unwrap();
        let expected = Scalar::new(k as f32 * f32::from(side) / 2.0);
        assert!(out.scalars().iter().all(|&x| x == expected));
    }
}

#[test]
fn into_what_is_read() {
    minpy_cpu::threads::set_num_threads(2);
    let mut rng = Rng(12);
    let sum = |d: DType| {
        let b = Builder::new();
        let r = b.input(d) + b.input(d);
        let id = r.id();
        Arc::new(b.finish("sum", &[id], 0))
    };
    for d in [DType::F32, DType::F64, DType::C64] {
        for (m, n, k) in [(7, 9, 5), (300, 200, 400)] {
            let mut make = |m, n| Arr::new(&[m, n], Lay::Contiguous, &rng.smalls(d, m * n));
            let (a, b, c, want) = (make(m, k), make(k, n), make(m, n), Arr::zeros(d, &[m, n]));
            let product = Arr::zeros(d, &[m, n]);
            let matrices = [a.input(), b.input()];
            call(&minpy_cpu::matmul::ENTRY, Work::Matmul, None, &matrices, &[&product]).unwrap();
            elementwise(&sum(d), &[product.input(), c.input()], &[&want]).unwrap();
            epilogue(&sum(d), &[a.input(), b.input(), c.input()], &[&c]).unwrap();
            let tolerance = if d == DType::F64 { 1e-13 } else { 1e-5 };
            assert_same(&c.scalars(), &want.scalars(), tolerance, &format!("{d} {m}x{k}x{n}"));
        }
    }
    // Refused, and nothing is written.
    let refused = |p: &Arc<Program>, d: DType| {
        let (a, b, c) = (Arr::zeros(d, &[3, 4]), Arr::zeros(d, &[4, 5]), Arr::zeros(d, &[3, 5]));
        c.put(&vec![Number::Int(7).cast(d); 15]);
        let e = epilogue(p, &[a.input(), b.input(), c.input()], &[&c]).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Unsupported);
        assert!(c.scalars().iter().all(|x| *x == Number::Int(7).cast(d)));
    };
    refused(&sum(DType::I32), DType::I32);
    refused(&prim(Prim::Maximum, &[DType::F32; 2]), DType::F32);
}
