//! Tests of every structured form of work, as a macro: they run once with the kernels for CPUs, once with those for GPUs.

use crate::device::{assert_close, both};
use minpy_core::backend::ScatterMode;
use minpy_core::{Array, DType, DeviceRef, ErrorKind, ops};

macro_rules! tests {
    () => {
        forms::tests!(reductions edges large_reductions arg_reductions scans products gathers scatters nonzeros elementwise_layouts random_bits);
    };
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            if let Some(d) = start() {
                forms::$name(d);
            }
        }
    )*};
}
pub(crate) use tests;

type Reduce = fn(&Array, Option<&[isize]>, bool) -> minpy_core::Result<Array>;

pub fn reductions(d: DeviceRef) {
    let table: &[(&str, Reduce, &[DType])] = &[
        ("sum", ops::sum, &[DType::F32, DType::F16, DType::I32, DType::U8, DType::Bool, DType::C64]),
        ("prod", ops::prod, &[DType::F32, DType::I64]),
        ("max", ops::max, &[DType::F32, DType::I32]),
        ("min", ops::min, &[DType::F64]),
        ("all", ops::all, &[DType::Bool]),
        ("any", ops::any, &[DType::F32]),
    ];
    for (name, f, dtypes) in table {
        for &dtype in *dtypes {
            if !d.capabilities().dtypes.contains(dtype) {
                continue;
            }
            let (a, b) = both(d, dtype, &[5, 7, 9], -2.0, 2.0, 5);
            for axes in [None, Some(&[0isize][..]), Some(&[1]), Some(&[2]), Some(&[0, 2]), Some(&[])] {
                for (k, (a, b)) in
                    [(a.clone(), b.clone()), (a.t(), b.t()), (a.slice(2, 8, -2, 4), b.slice(2, 8, -2, 4))]
                        .iter()
                        .enumerate()
                {
                    // Sums cancel: units in the last place of the result say little about them.
                    let ulp =
                        if dtype.is_inexact() && (*name == "sum" || *name == "prod") { 1e3 } else { 0.0 };
                    let (got, want) = (f(a, axes, false).expect(name), f(b, axes, false).expect(name));
                    assert_close(&format!("{name} {dtype} {axes:?} layout {k}"), &got, &want, ulp);
                }
            }
        }
    }
}

pub fn edges(d: DeviceRef) {
    let none = Array::from_bytes(d, &[], &[0, 3], DType::F32).expect("upload");
    assert_eq!(ops::sum(&none, Some(&[0]), false).and_then(|a| a.to_vec::<f32>()).expect("sum"), [0.0; 3]);
    assert_eq!(ops::prod(&none, None, false).and_then(|a| a.to_vec::<f32>()).expect("prod"), [1.0]);
    let base = Array::from_bytes(d, &[1; 20], &[5], DType::F32).expect("upload");
    let before = base.to_vec::<f32>().expect("read");
    ops::scatter_into(
        &base,
        &[indices(d, &[], &[0])],
        &none.slice(1, 0, 1, 1).reshape_view(&[0]).expect("view"),
        ScatterMode::Set,
    )
    .expect("nothing");
    assert_eq!(base.to_vec::<f32>().expect("read"), before);
    // More dimensions than a kernel's arguments have room for: the host does it.
    let shape = [2usize; 20];
    let (a, b) = both(d, DType::I8, &shape, -5.0, 5.0, 21);
    let swap: Vec<isize> = (0..20).map(|i| i ^ 1).collect();
    let turned = |x: &Array| ops::add(x, &x.transpose(Some(&swap)).expect("transpose")).expect("add");
    assert_close("20 dimensions", &turned(&a), &turned(&b), 0.0);
    let (got, want) =
        (ops::sum(&turned(&a), Some(&[0, 7, 19]), false), ops::sum(&turned(&b), Some(&[0, 7, 19]), false));
    assert_close("sum of 20 dimensions", &got.expect("sum"), &want.expect("sum"), 0.0);
}

pub fn large_reductions(d: DeviceRef) {
    // Positive numbers: the relative error of a good sum is a few units, however long it is.
    for shape in [
        vec![1_000_003],
        vec![3, 300_001],
        vec![300_001, 3],
        vec![700, 1100],
        vec![64, 33, 128],
        vec![20_000, 4, 3],
    ] {
        let (a, b) = both(d, DType::F32, &shape, 0.0, 1.0, 3);
        let b = ops::cast(&b, DType::F64).expect("cast");
        for axes in std::iter::once(None).chain((0..shape.len() as isize).map(Some)) {
            let list = axes.map(|x| [x]);
            let list = list.as_ref().map(|x| x.as_slice());
            let got = ops::sum(&a, list, false).expect("sum");
            let want = ops::cast(&ops::sum(&b, list, false).expect("sum"), DType::F32).expect("cast");
            assert_close(&format!("sum {shape:?} {axes:?}"), &got, &want, 6.0);
            if shape.len() == 3 {
                // The same numbers in another order of the axes: segments in scratch must follow.
                let turned = a.transpose(Some(&[1, 2, 0])).expect("transpose");
                let back = list.map(|x| [(x[0] + 2) % 3]);
                let got = ops::sum(&turned, back.as_ref().map(|x| x.as_slice()), false).expect("sum");
                let got = match list {
                    Some([1]) | Some([2]) => got.t(),
                    _ => got,
                };
                assert_close(&format!("sum of turned {shape:?} {axes:?}"), &got, &want, 6.0);
            }
            let (got, want) =
                (ops::max(&a, list, false).expect("max"), ops::max(&b, list, false).expect("max"));
            assert_close(
                &format!("max {shape:?} {axes:?}"),
                &got,
                &ops::cast(&want, DType::F32).expect("cast"),
                0.0,
            );
        }
    }
}

pub fn arg_reductions(d: DeviceRef) {
    for dtype in [DType::F32, DType::I32, DType::Bool] {
        let (a, b) = both(d, dtype, &[6, 301], -3.0, 3.0, 8);
        for axis in [None, Some(0), Some(1)] {
            for (k, (a, b)) in [(a.clone(), b.clone()), (a.t(), b.t())].iter().enumerate() {
                let what = format!("{dtype} {axis:?} layout {k}");
                assert_close(
                    &format!("argmax {what}"),
                    &ops::argmax(a, axis).expect("argmax"),
                    &ops::argmax(b, axis).expect("argmax"),
                    0.0,
                );
                assert_close(
                    &format!("argmin {what}"),
                    &ops::argmin(a, axis).expect("argmin"),
                    &ops::argmin(b, axis).expect("argmin"),
                    0.0,
                );
            }
        }
    }
    let nan = Array::from_bytes(
        d,
        &[1.0f32, f32::NAN, 3.0, f32::NAN].map(f32::to_le_bytes).concat(),
        &[4],
        DType::F32,
    )
    .expect("upload");
    assert_eq!(ops::argmax(&nan, None).and_then(|a| a.to_vec::<i64>()).expect("argmax"), [1]);
}

pub fn scans(d: DeviceRef) {
    for dtype in [DType::F32, DType::I64] {
        let (a, b) = both(d, dtype, &[4, 517], 0.0, 2.0, 9);
        for axis in [0, 1] {
            let (got, want) =
                (ops::cumsum(&a, axis).expect("cumsum"), ops::cumsum(&b, axis).expect("cumsum"));
            assert_close(
                &format!("cumsum {dtype} {axis}"),
                &got,
                &want,
                if dtype.is_float() { 64.0 } else { 0.0 },
            );
        }
        let (got, want) =
            (ops::cumprod(&a.t(), 1).expect("cumprod"), ops::cumprod(&b.t(), 1).expect("cumprod"));
        assert_close(&format!("cumprod {dtype}"), &got, &want, if dtype.is_float() { 64.0 } else { 0.0 });
    }
}

pub fn products(d: DeviceRef) {
    let check = |what: String, a: (Array, Array), b: (Array, Array)| {
        let (got, want) =
            (ops::matmul(&a.0, &b.0).expect("matmul"), ops::matmul(&a.1, &b.1).expect("matmul"));
        assert_close(&what, &got, &want, if want.dtype().is_inexact() { 64.0 } else { 0.0 });
    };
    // Positive numbers, so that sums do not cancel.
    let make = |dtype, shape: &[usize], seed| both(d, dtype, shape, 0.1, 2.0, seed);
    for (m, k, n) in [
        (1, 1, 1),
        (3, 5, 7),
        (16, 16, 16),
        (65, 130, 67),
        (1, 300, 20),
        (20, 300, 1),
        (50, 0, 4),
        (130, 257, 200),
    ] {
        check(format!("{m}x{k}x{n}"), make(DType::F32, &[m, k], 1), make(DType::F32, &[k, n], 2));
    }
    let (a, b) = (make(DType::F32, &[70, 40], 3), make(DType::F32, &[30, 70], 4));
    check("both transposed".into(), (a.0.t(), a.1.t()), (b.0.t(), b.1.t()));
    let reversed = |x: &Array| x.slice(0, 69, -1, 70).slice(1, 0, 2, 20);
    check("strided".into(), (b.0.clone(), b.1.clone()), (reversed(&a.0), reversed(&a.1)));
    check("batched".into(), make(DType::F32, &[4, 1, 9, 20], 5), make(DType::F32, &[3, 20, 11], 6));
    for dtype in [DType::F64, DType::I32, DType::F16, DType::C64, DType::Bool] {
        if d.capabilities().dtypes.contains(dtype) {
            check(format!("{dtype}"), make(dtype, &[35, 20], 7), make(dtype, &[20, 41], 8));
        }
    }
    check("vector".into(), make(DType::F32, &[2000], 9), make(DType::F32, &[2000], 10));
}

fn indices(d: DeviceRef, values: &[i64], shape: &[usize]) -> Array {
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    Array::from_bytes(d, &bytes, shape, DType::I64).expect("upload")
}

pub fn gathers(d: DeviceRef) {
    let h = crate::device::host();
    let (a, b) = both(d, DType::F32, &[6, 5, 4], -1.0, 1.0, 11);
    let on = |d| (indices(d, &[0, 5, -1, 3, 3, -6], &[2, 3]), indices(d, &[4, -5, 0], &[3]));
    let ((i, j), (k, l)) = (on(d), on(h));
    for (what, got, want) in [
        ("rows", ops::gather(&a, std::slice::from_ref(&i)), ops::gather(&b, std::slice::from_ref(&k))),
        (
            "pairs",
            ops::gather(&a, &[i.clone(), j.broadcast_to(&[2, 3]).expect("broadcast")]),
            ops::gather(&b, &[k, l.broadcast_to(&[2, 3]).expect("broadcast")]),
        ),
        (
            "transposed",
            ops::gather(&a.t(), &[j.slice(0, 1, 1, 2)]),
            ops::gather(&b.t(), &[l.slice(0, 1, 1, 2)]),
        ),
    ] {
        match (got, want) {
            (Ok(g), Ok(w)) => assert_close(what, &g, &w, 0.0),
            (Err(e), Err(f)) => assert_eq!(e.message(), f.message(), "{what}"),
            (g, w) => panic!("{what}: {:?} on the device, {:?} on the host", g.err(), w.err()),
        }
    }
    // The error names the first bad index, and leaves the device in order.
    let e = ops::gather(&a, &[indices(d, &[0, 9, -7], &[3])]).expect_err("out of range");
    assert_eq!(
        (e.kind(), e.message().contains("index 9 is out of bounds for axis 0 with size 6")),
        (ErrorKind::Index, true),
        "{e}"
    );
    assert!(ops::gather(&a, &[i]).is_ok());
}

pub fn scatters(d: DeviceRef) {
    let h = crate::device::host();
    let (base, host_base) = both(d, DType::F32, &[7, 5], -1.0, 1.0, 12);
    let (values, host_values) = both(d, DType::F32, &[400, 5], -1.0, 1.0, 13);
    let rows: Vec<i64> = (0..400).map(|i| (i * 31 % 7) - if i % 3 == 0 { 7 } else { 0 }).collect();
    for (what, mode) in
        [("set", ScatterMode::Set), ("add", ScatterMode::Combine(minpy_core::backend::Prim::Add))]
    {
        let got = ops::scatter(&base, &[indices(d, &rows, &[400])], &values, mode).expect(what);
        let want = ops::scatter(&host_base, &[indices(h, &rows, &[400])], &host_values, mode).expect(what);
        assert_close(what, &got, &want, 0.0);
    }
    // So many rows that the kernels for GPUs sort them: one number each, and a few, in an order that must be kept.
    for (n, width) in [(40_000i64, 1), (5_000, 3)] {
        let (base, host_base) = both(d, DType::F32, &[90, 20, width], -1.0, 1.0, 17);
        let (values, host_values) = both(d, DType::F32, &[n as usize, width], -1.0, 1.0, 18);
        let (i, j): (Vec<i64>, Vec<i64>) = (0..n).map(|k| (k * k % 89 - k % 2 * 90, k * 7 % 20)).unzip();
        let at = |d| [indices(d, &i, &[n as usize]), indices(d, &j, &[n as usize])];
        for mode in [ScatterMode::Set, ScatterMode::Combine(minpy_core::backend::Prim::Add)] {
            let got = ops::scatter(&base, &at(d), &values, mode).expect("scatter");
            let want = ops::scatter(&host_base, &at(h), &host_values, mode).expect("scatter");
            assert_close(&format!("{n} rows, {mode:?}"), &got, &want, 0.0);
        }
    }
    // Nothing is written when an index is bad.
    let before = base.to_vec::<f32>().expect("download");
    let e =
        ops::scatter_into(&base, &[indices(d, &[0, 7], &[2])], &values.slice(0, 0, 1, 2), ScatterMode::Set)
            .expect_err("out of range");
    assert_eq!(e.kind(), ErrorKind::Index, "{e}");
    assert_eq!(base.to_vec::<f32>().expect("download"), before);
}

pub fn nonzeros(d: DeviceRef) {
    for dtype in [DType::F32, DType::F16, DType::Bool, DType::I8, DType::C64] {
        // As many nonzero as not, where numbers are whole; in one chunk, in many, and with more parts than one of them.
        for shape in [&[3, 5][..], &[100_003], &[40, 61, 30], &[2, 1, 50_000]] {
            let (a, b) = both(d, dtype, shape, -0.9, 2.0, 19);
            for (what, a, b) in [("as it lies", a.clone(), b.clone()), ("turned", a.t(), b.t())] {
                let (got, want) = (ops::nonzero(&a).expect(what), ops::nonzero(&b).expect(what));
                assert_close(&format!("nonzero of {dtype} {shape:?} {what}"), &got, &want, 0.0);
            }
        }
    }
}

pub fn elementwise_layouts(d: DeviceRef) {
    // Larger than the size below which one general kernel does it all.
    let (a, b) = both(d, DType::F32, &[40, 60, 30], -1.0, 1.0, 14);
    let (r, s) = both(d, DType::F32, &[30], -1.0, 1.0, 15);
    let (c, e) = both(d, DType::F32, &[40, 1, 1], -1.0, 1.0, 16);
    for (what, got, want) in [
        ("contiguous", ops::add(&a, &a), ops::add(&b, &b)),
        ("row", ops::multiply(&a, &r), ops::multiply(&b, &s)),
        ("column", ops::subtract(&c, &a), ops::subtract(&e, &b)),
        ("crossed", ops::add(&a, &ops::copy(&a.t()).expect("copy").t()), ops::add(&b, &b)),
        ("crossed copy", ops::copy(&a.t()), ops::copy(&b.t())),
        (
            "crossed middle",
            ops::copy(&a.transpose(Some(&[1, 0, 2])).expect("transpose").slice(2, 0, 2, 15).t()),
            ops::copy(&b.transpose(Some(&[1, 0, 2])).expect("transpose").slice(2, 0, 2, 15).t()),
        ),
        ("transposed", ops::add(&a.t(), &a.t()), ops::add(&b.t(), &b.t())),
        (
            "mixed",
            ops::add(&a.slice(0, 0, 1, 30), &a.t().slice(2, 5, 1, 30)),
            ops::add(&b.slice(0, 0, 1, 30), &b.t().slice(2, 5, 1, 30)),
        ),
        (
            "reversed",
            ops::multiply(&a.slice(2, 29, -1, 30), 2.0),
            ops::multiply(&b.slice(2, 29, -1, 30), 2.0),
        ),
        ("strided", ops::negative(&a.slice(0, 0, 3, 10)), ops::negative(&b.slice(0, 0, 3, 10))),
    ] {
        let (got, want) = (got.expect(what), want.expect(what));
        assert_close(what, &got, &want, 0.0);
    }
    // In place, through overlapping views.
    let (low, high) = (a.slice(0, 0, 1, 39), a.slice(0, 1, 1, 39));
    let (x, y) = (low.to_vec::<f32>().expect("read"), high.to_vec::<f32>().expect("read"));
    let want: Vec<f32> = x.iter().zip(&y).map(|(x, y)| x + y).collect();
    let inputs = [minpy_core::Operand::Array(&low), minpy_core::Operand::Array(&high)];
    ops::call(&ops::ADD, minpy_core::Attrs::NONE, &inputs, None, minpy_core::Target::Into(&high))
        .expect("add into");
    assert_eq!(high.to_vec::<f32>().expect("read"), want);
}

pub fn random_bits(d: DeviceRef) {
    let draw = |d: DeviceRef| {
        minpy_core::context::with_device(d, || {
            ops::Generator::new(42).bits(&[1003]).and_then(|a| a.to_vec::<u32>())
        })
    };
    let got = draw(d).expect("bits");
    if let Ok(want) = draw(crate::device::host()) {
        assert_eq!(got, want);
    }
    // Known answer of Philox4x32-10 with key and counter zero.
    let zero = minpy_core::context::with_device(d, || {
        ops::Generator::new(0).bits(&[4]).and_then(|a| a.to_vec::<u32>())
    })
    .expect("bits");
    assert_eq!(zero, [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
}
