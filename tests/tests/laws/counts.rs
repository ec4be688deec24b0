//! What a call costs: kernels, allocations, copies. A change that makes one of these numbers grow fails here.

use crate::null::{Log, array, watch, with_strides};
use minpy_core::backend::ScatterMode;
use minpy_core::ops::{self, Index};
use minpy_core::{Array, Attrs, DType, Operand, Result, Target, device, stats};

fn costs(kernels: &[&'static str], allocations: usize) -> Log {
    Log { kernels: kernels.to_vec(), allocations, ..Log::default() }
}
fn f32s(shape: &[usize]) -> Array {
    array(shape, DType::F32)
}

#[test]
fn elementwise_calls_are_one_kernel_and_one_allocation() {
    let (a, b) = (f32s(&[32, 32]), f32s(&[32, 32]));
    assert_eq!(watch(|| ops::add(&a, &b)), costs(&["add"], 1));
    assert_eq!(watch(|| ops::add(&ops::multiply(&a, 2.0)?, 1.0)), costs(&["multiply", "add"], 2));
    // Numbers, broadcasting, other dtypes, transposed and reversed operands: still one.
    for (x, y) in [
        (a.clone(), f32s(&[32])),
        (a.clone(), f32s(&[32, 1])),
        (a.clone(), f32s(&[])),
        (a.clone(), array(&[32, 32], DType::F64)),
        (a.t(), b.clone()),
        (a.slice(0, 31, -1, 32), b.t()),
        (array(&[32, 32], DType::I8), b.clone()),
    ] {
        assert_eq!(watch(|| ops::subtract(&x, &y)), costs(&["subtract"], 1), "{x:?} {y:?}");
    }
    assert_eq!(watch(|| ops::select(&ops::greater(&a, 0.0)?, &a, &b)), costs(&["greater", "where"], 2));
    assert_eq!(watch(|| ops::cast(&a, DType::F16)), costs(&["copy"], 1));
}

#[test]
fn existing_targets_cost_no_allocation() {
    let (a, b) = (f32s(&[8, 8]), f32s(&[8, 8]));
    let add = |x: &Array, y: &Array, out: &Array, mask: Option<&Array>| {
        ops::call(&ops::ADD, Attrs::NONE, &[Operand::Array(x), Operand::Array(y)], mask, Target::Into(out))
            .map(drop)
    };
    assert_eq!(watch(|| add(&a, &b, &a, None)), costs(&["add"], 0));
    assert_eq!(watch(|| add(&a.t(), &b, &f32s(&[8, 8]), None)), costs(&["add"], 1));
    assert_eq!(watch(|| add(&a, &b, &b.t(), None)), costs(&["copy", "add"], 1));
    assert_eq!(watch(|| add(&a, &b, &b, Some(&array(&[8], DType::Bool)))), costs(&["add"], 1));
    assert_eq!(watch(|| ops::assign(&a, 0.0)), costs(&["copy"], 0));
    assert_eq!(watch(|| ops::assign(&a.slice(0, 0, 2, 4), &b.slice(0, 1, 2, 4))), costs(&["copy"], 0));
    // Interleaved views of one buffer do not overlap.
    assert_eq!(watch(|| ops::assign(&a.slice(1, 0, 2, 4), &a.slice(1, 1, 2, 4))), costs(&["copy"], 0));
    // Overlapping ones are copied once.
    let overlap = watch(|| add(&a.slice(0, 1, 1, 7), &a.slice(0, 0, 1, 7), &a.slice(0, 1, 1, 7), None));
    assert_eq!(overlap, costs(&["copy", "add"], 1));
}

#[test]
fn views_cost_nothing() {
    let a = f32s(&[4, 6]);
    let log = watch(|| {
        let b = ops::reshape(&a, &[2, -1, 3])?;
        let c = b.transpose(Some(&[1, 0, 2]))?;
        let d = ops::get(&c, &[Index::Int(-1), Index::Slice(None, None, Some(-1)), Index::NewAxis])?;
        d.broadcast_to(&[5, 2, 1, 3])?.expand_dims(0)
    });
    assert_eq!(log, Log::default());
    assert_eq!(watch(|| ops::contiguous(&a)), Log::default());
    assert_eq!(watch(|| ops::reshape(&a.t(), &[-1])).kernels, ["copy"; 1]);
}

#[test]
fn reductions_and_scans_are_one_kernel() {
    let a = f32s(&[4, 5, 6]);
    for axes in [None, Some(&[0isize][..]), Some(&[1]), Some(&[0, 2])] {
        for x in [a.clone(), a.t(), a.slice(1, 4, -2, 3)] {
            assert_eq!(watch(|| ops::sum(&x, axes, false)), costs(&["sum"], 1));
            assert_eq!(watch(|| ops::max(&x, axes, true)), costs(&["max"], 1));
        }
    }
    assert_eq!(watch(|| ops::mean(&a, Some(&[1]), false, None)), costs(&["sum", "divide"], 2));
    let small = array(&[9], DType::I8);
    assert_eq!(watch(|| ops::sum(&small, None, false)), costs(&["sum"], 1));
    assert_eq!(watch(|| ops::cumsum(&a, 1)), costs(&["cumsum"], 1));
    assert_eq!(watch(|| ops::argmax(&a.t(), Some(0))), costs(&["argmax"], 1));
    assert_eq!(watch(|| ops::sort(&a, Some(0))), costs(&["sort"], 1));
}

#[test]
fn matrix_products_read_transposed_operands_in_place() {
    let (a, b) = (f32s(&[4, 6]), f32s(&[4, 5]));
    assert_eq!(watch(|| ops::dot(&a.t(), &b)), costs(&["matmul"], 1));
    assert_eq!(watch(|| ops::matmul(&b.t(), &a)), costs(&["matmul"], 1));
    assert_eq!(
        watch(|| ops::matmul(
            &f32s(&[3, 5, 4]).transpose(Some(&[0, 2, 1]))?.slice(0, 2, -1, 3),
            &b.t().slice(0, 0, 1, 5)
        ))
        .kernels,
        ["matmul"]
    );
    // Stacks are broadcast in place, vectors are views.
    assert_eq!(watch(|| ops::matmul(&f32s(&[3, 1, 4, 6]), &f32s(&[2, 6, 5]))).kernels, ["matmul"]);
    let (m, v) = (f32s(&[4, 6]), f32s(&[6]));
    assert_eq!(watch(|| ops::dot(&m, &v)), costs(&["matmul"], 1));
    assert_eq!(
        watch(|| ops::call(
            &ops::MATMUL,
            Attrs::NONE,
            &[Operand::Array(&m), Operand::Array(&a.t())],
            None,
            Target::Into(&f32s(&[4, 4]))
        )),
        costs(&["matmul"], 1)
    );
}

#[test]
fn indexing_gathers_and_scatters_once() {
    let (a, i) = (f32s(&[7, 3]), array(&[4], DType::I64));
    assert_eq!(watch(|| ops::gather(&a, std::slice::from_ref(&i))), costs(&["gather"], 1));
    let v = f32s(&[4, 3]);
    assert_eq!(
        watch(|| ops::scatter_into(&a, std::slice::from_ref(&i), &v, ScatterMode::Set)),
        costs(&["scatter"], 0)
    );
    // A mask of the whole shape with one value: no counting, no waiting.
    let mask = array(&[7, 3], DType::Bool);
    assert_eq!(watch(|| ops::set(&a, &[Index::Array(mask.clone())], 0.0)), costs(&["copy"], 0));
}

#[test]
fn composed_operations() {
    let x = f32s(&[8, 10]);
    assert_eq!(watch(|| ops::softmax(&x, -1)), costs(&["max", "subtract", "exp", "sum", "divide"], 5));
    let (w, b) = (f32s(&[4, 10]), f32s(&[4]));
    assert_eq!(watch(|| ops::fully_connected(&x, &w, Some(&b))), costs(&["matmul", "add"], 2));
    assert_eq!(
        watch(|| ops::concatenate(&[x.clone(), x.clone(), x.clone()], 0, None)),
        costs(&["copy", "copy", "copy"], 1)
    );
}

#[test]
fn empty_work_is_not_launched() {
    let e = f32s(&[0, 4]);
    assert!(watch(|| ops::add(&e, &e)).kernels.is_empty());
    assert!(watch(|| ops::sum(&e, Some(&[1]), false)).kernels.is_empty());
    assert!(watch(|| ops::matmul(&e, &f32s(&[4, 2]))).kernels.is_empty());
    assert!(watch(|| ops::assign(&e, 1.0)).kernels.is_empty());
}

#[test]
fn moving_between_devices_is_one_copy_each_way_and_counted_once() {
    let (host, a) = (device::host().unwrap(), f32s(&[10]));
    let b = Array::from_bytes(host, &[0; 40], &[10], DType::F32).unwrap();
    stats::reset();
    let log = watch(|| a.to_device(host));
    assert_eq!((log, stats::moved_bytes()), (Log { downloads: 1, ..Log::default() }, 40));
    stats::reset();
    // The current device decides where arrays of two devices meet.
    let log = watch(|| minpy_core::context::with_device(a.device(), || ops::add(&a, &b)));
    let want = Log { kernels: vec!["add"], allocations: 2, uploads: 1, ..Log::default() };
    assert_eq!((log, stats::moved_bytes(), stats::fallback_count()), (want, 40, 0));
    // A 0-d array never decides.
    stats::reset();
    let zero = Array::from_bytes(host, &[0; 4], &[], DType::F32).unwrap();
    let r: Result<Array> = ops::add(&a, &zero);
    assert_eq!((r.unwrap().device(), stats::moved_bytes()), (a.device(), 4));
    assert_eq!(watch(|| with_strides(&a, &[5], &[2]).to_device(a.device())), Log::default());
}

#[test]
fn a_gradient_costs_what_its_formula_costs() {
    let (x, w) = (f32s(&[8, 6]), f32s(&[6, 4]));
    let log = watch(|| {
        minpy_autograd::grad(
            |a| ops::sum(&ops::tanh(&ops::dot(&a[0], &a[1])?)?, None, false),
            &[x.clone(), w.clone()],
        )
    });
    let forward = ["matmul", "tanh", "sum"];
    assert_eq!(log.kernels[..3], forward);
    let count = |name: &str| log.kernels.iter().filter(|k| **k == name).count();
    // Two products backward; 1 - y * y times the seed; the seed itself is one number.
    assert_eq!((count("matmul"), count("copy"), count("sum")), (3, 0, 1), "{:?}", log.kernels);
    assert!(log.kernels.len() <= 10, "{:?}", log.kernels);
    assert_eq!((log.uploads, log.downloads), (0, 0));
}
