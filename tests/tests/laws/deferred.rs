//! What deferred programs cost: kernels and allocations of fused groups. A change that breaks a group up fails here.

use crate::null::{Log, array, watch_deferred};
use minpy_core::{Array, Attrs, DType, Operand, Target, ops};

fn f32s(shape: &[usize]) -> Array {
    array(shape, DType::F32)
}
fn costs(kernels: &[&'static str], allocations: usize) -> Log {
    Log { kernels: kernels.to_vec(), allocations, ..Log::default() }
}

#[test]
fn a_chain_is_one_kernel() {
    let (x, y) = (f32s(&[8, 10]), f32s(&[8, 10]));
    let chain = || {
        let squares = ops::add(&ops::multiply(&x, &x)?, &ops::multiply(&y, &y)?)?;
        let bell = ops::exp(&ops::divide(&ops::negative(&squares)?, 2.0)?)?;
        ops::add(&ops::multiply(&bell, &ops::subtract(&x, &y)?)?, &ops::maximum(&y, 0.0)?)
    };
    assert_eq!(watch_deferred(|| Ok(vec![chain()?])), costs(&["add"], 1));
    // Through casts, comparisons, selections, broadcast arrays in memory, transposed and sliced intermediates.
    let row = f32s(&[10]);
    let log = watch_deferred(|| {
        let wide = ops::cast(&ops::add(&x, &row)?, DType::F64)?;
        let chosen = ops::select(&ops::greater(&wide, 0.0)?, &wide, &ops::cast(&y, DType::F64)?)?;
        Ok(vec![ops::multiply(&chosen.t().slice(0, 9, -1, 10), 3.0)?])
    });
    assert_eq!(log, costs(&["multiply"], 1));
}

#[test]
fn what_is_held_is_stored_in_the_same_pass_and_the_rest_is_not() {
    let x = f32s(&[8, 10]);
    let log = watch_deferred(|| {
        let kept = ops::multiply(&x, 2.0)?;
        let result = ops::exp(&ops::add(&kept, 1.0)?)?;
        Ok(vec![result, kept])
    });
    assert_eq!(log, costs(&["exp"], 2));
    // Nobody asks: nothing runs and nothing is allocated.
    let log = watch_deferred(|| {
        ops::exp(&ops::multiply(&x, 2.0)?)?;
        Ok(vec![])
    });
    assert_eq!(log, Log::default());
}

#[test]
fn an_array_that_only_the_group_reads_gives_its_memory() {
    let log = watch_deferred(|| {
        let product = ops::matmul(&f32s(&[8, 8]), &f32s(&[8, 8]))?;
        Ok(vec![ops::maximum(&ops::add(&product, &f32s(&[8]))?, 0.0)?])
    });
    // Three for the operands and one for the product, in which the rest is computed.
    assert_eq!(log, costs(&["maximum"], 4));
    let log = watch_deferred(|| {
        let sorted = ops::sort(&f32s(&[8, 8]), Some(1))?;
        Ok(vec![ops::maximum(&ops::add(&sorted, &f32s(&[8]))?, 0.0)?])
    });
    assert_eq!(log, costs(&["sort", "maximum"], 3));
}

#[test]
fn what_is_computed_of_a_product_is_part_of_it() {
    let (x, w, b) = (f32s(&[8, 6]), f32s(&[6, 4]), f32s(&[4]));
    let layer = |x: &Array, w: &Array| ops::tanh(&ops::add(&ops::matmul(x, w)?, &b)?);
    assert_eq!(watch_deferred(|| Ok(vec![layer(&x, &w)?])), costs(&["tanh"], 1));
    // A product that is held is stored too.
    let log = watch_deferred(|| {
        let product = ops::matmul(&x, &w)?;
        Ok(vec![ops::add(&product, &b)?, product])
    });
    assert_eq!(log, costs(&["add"], 2));
    // One product waits at a time: what the next one reads, and the one before it, come first. Of two that are added the
    // second takes the rest with it.
    let v = f32s(&[4, 4]);
    assert_eq!(watch_deferred(|| Ok(vec![layer(&layer(&x, &w)?, &v)?])), costs(&["tanh", "tanh"], 2));
    let log = watch_deferred(|| Ok(vec![layer(&x, &w)?, layer(&x, &w)?]));
    assert_eq!(log, costs(&["tanh", "tanh"], 2));
    let log = watch_deferred(|| Ok(vec![ops::add(&ops::matmul(&x, &w)?, &ops::matmul(&x, &w)?)?]));
    assert_eq!(log, costs(&["matmul", "add"], 2));
    // Nobody asks.
    assert_eq!(watch_deferred(|| ops::matmul(&x, &w).map(|_| vec![])), Log::default());
    // Another dtype, or less than all of it: the product comes first.
    let log = watch_deferred(|| Ok(vec![ops::cast(&ops::matmul(&x, &w)?, DType::F64)?]));
    assert_eq!(log, costs(&["matmul", "copy"], 2));
    let log = watch_deferred(|| Ok(vec![ops::exp(&ops::matmul(&x, &w)?.slice(0, 2, 1, 3))?]));
    assert_eq!(log, costs(&["matmul", "exp"], 2));
    // Added to what is there; stored, because it has a name during the call.
    let total = f32s(&[8, 4]);
    let log = watch_deferred(|| {
        let product = ops::matmul(&x, &w)?;
        let inputs = [Operand::Array(&total), Operand::Array(&product)];
        ops::call(&ops::ADD, Attrs::NONE, &inputs, None, Target::Into(&total))?;
        Ok(vec![])
    });
    assert_eq!(log, costs(&["add"], 1));
}

#[test]
fn two_products_of_one_operand_are_one_kernel() {
    let (x, g, w, side) = (f32s(&[8, 6]), f32s(&[8, 4]), f32s(&[6, 4]), f32s(&[8, 6]));
    let both = || Ok((ops::matmul(&x.t(), &g)?, ops::matmul(&g, &w.t())?));
    let log = watch_deferred(|| both().map(|(a, b): (Array, Array)| vec![b, a]));
    assert_eq!(log, costs(&["matmul"], 2));
    // With what is computed of the second; and as soon as there is a third.
    let log = watch_deferred(|| both().and_then(|(a, b)| Ok(vec![ops::multiply(&b, &side)?, a])));
    assert_eq!(log, costs(&["multiply"], 2));
    let log = watch_deferred(|| both().and_then(|(a, b)| Ok(vec![a, b, ops::matmul(&g, &w.t())?])));
    assert_eq!(log, costs(&["matmul", "matmul"], 3));
    // Not with what is computed of the first, not where that is read first, and not where operands differ.
    let log = watch_deferred(|| both().and_then(|(a, b)| Ok(vec![b, ops::multiply(&a, 2.0)?])));
    assert_eq!(log, costs(&["matmul", "multiply"], 2));
    let log = watch_deferred(|| both().map(|(a, b)| vec![a, b]));
    assert_eq!(log, costs(&["matmul", "matmul"], 2));
    let log = watch_deferred(|| Ok(vec![ops::matmul(&x.t(), &g)?, ops::matmul(&side, &w)?]));
    assert_eq!(log, costs(&["matmul", "matmul"], 2));
    // Nobody asks for one of them, or a write comes first.
    assert_eq!(watch_deferred(|| both().map(|(_, b)| vec![b])), costs(&["matmul"], 1));
    assert_eq!(watch_deferred(|| both().map(|(a, _)| vec![a])), costs(&["matmul"], 1));
    let log = watch_deferred(|| {
        let (a, b) = both()?;
        ops::call(&ops::COPY, Attrs::NONE, &[Operand::from(0.0)], None, Target::Into(&x))?;
        Ok(vec![a, b])
    });
    assert_eq!(log, costs(&["matmul", "copy", "matmul"], 2));
}

#[test]
fn the_gradient_of_a_bias_is_summed_with_the_product() {
    let (g, w, side) = (f32s(&[8, 4]), f32s(&[6, 4]), f32s(&[8, 6]));
    let slope = || ops::multiply(&ops::matmul(&g, &w.t())?, &side);
    let sum = |a: &Array, axis: isize, keep: bool| ops::sum(a, Some(&[axis]), keep);
    let log = watch_deferred(|| slope().and_then(|a| Ok(vec![a.clone(), sum(&a, 0, false)?])));
    assert_eq!(log, costs(&["multiply"], 2));
    // Whoever is asked for first.
    let log = watch_deferred(|| slope().and_then(|a| Ok(vec![sum(&a, 0, false)?, a])));
    assert_eq!(log, costs(&["multiply"], 2));
    // Along the other axis, and of two sums the second: afterwards.
    let log = watch_deferred(|| slope().and_then(|a| Ok(vec![a.clone(), sum(&a, 1, false)?])));
    assert_eq!(log, costs(&["multiply", "sum"], 2));
    let log =
        watch_deferred(|| slope().and_then(|a| Ok(vec![a.clone(), sum(&a, 0, false)?, sum(&a, 0, false)?])));
    assert_eq!(log, costs(&["multiply", "sum"], 3));
    // Nobody asks for it, or for what is summed.
    let log = watch_deferred(|| slope().and_then(|a| sum(&a, 0, false).map(|_| vec![a])));
    assert_eq!(log, costs(&["multiply"], 1));
    // Together with another product.
    let x = f32s(&[8, 3]);
    let log = watch_deferred(|| {
        let weights = ops::matmul(&x.t(), &g)?;
        let a = slope()?;
        Ok(vec![a.clone(), sum(&a, 0, false)?, weights])
    });
    assert_eq!(log, costs(&["multiply"], 3));
}

#[test]
fn products_that_a_device_refuses_at_once_run_one_by_one() {
    let [g, w, side, x] = [[8, 4], [6, 4], [8, 6], [8, 3]].map(|s| array(&s, DType::F64));
    let log = watch_deferred(|| {
        let weights = ops::matmul(&x.t(), &g)?;
        let slope = ops::multiply(&ops::matmul(&g, &w.t())?, &side)?;
        Ok(vec![slope.clone(), ops::sum(&slope, Some(&[0]), false)?, weights])
    });
    // What is computed of the product still runs in it.
    assert_eq!(log.kernels, ["multiply", "sum", "matmul"]);
}

#[test]
fn gradients_of_products_are_added_in_place() {
    let (x, w) = (f32s(&[8, 6]), f32s(&[6, 4]));
    let log = watch_deferred(|| {
        let uses = |a: &[Array]| {
            let pairs: Vec<Array> = (0..4)
                .map(|_| ops::sum(&ops::dot(&x, &a[0])?, None, false))
                .collect::<minpy_core::Result<_>>()?;
            pairs.iter().skip(1).try_fold(pairs[0].clone(), |s, p| ops::add(&s, p))
        };
        minpy_autograd::grad(uses, &[w.clone()])
    });
    let count = |name: &str| log.kernels.iter().filter(|k| **k == name).count();
    // Four products and the sum of the losses forward; then one product, to which three are added as they are computed.
    assert_eq!((count("matmul"), count("add")), (4 + 1, 1 + 3), "{:?}", log.kernels);
}

#[test]
fn row_reductions_join() {
    let x = f32s(&[40, 10]);
    assert_eq!(watch_deferred(|| Ok(vec![ops::softmax(&x, -1)?])), costs(&["divide"], 1));
    let log = watch_deferred(|| {
        let mean = ops::mean(&x, Some(&[1]), true, None)?;
        let d = ops::subtract(&x, &mean)?;
        let var = ops::mean(&ops::multiply(&d, &d)?, Some(&[1]), true, None)?;
        drop(mean);
        let scaled = ops::divide(&d, &ops::sqrt(&ops::add(&var, 1e-5)?)?)?;
        drop((d, var));
        Ok(vec![scaled])
    });
    assert_eq!(log, costs(&["divide"], 1));
    // What goes into a reduction, along any axis.
    for axes in [&[0][..], &[1], &[0, 1]] {
        let log =
            watch_deferred(|| Ok(vec![ops::sum(&ops::multiply(&x, &ops::exp(&x)?)?, Some(axes), false)?]));
        assert_eq!(log, costs(&["sum"], 1), "{axes:?}");
    }
}

#[test]
fn writes_take_the_pending_value_with_them() {
    let (x, y) = (f32s(&[8, 10]), f32s(&[8, 10]));
    // The value has a name during the call, so that it is stored too.
    let log = watch_deferred(|| {
        ops::assign(&x.slice(0, 1, 1, 6), &ops::add(&y.slice(0, 0, 1, 6), &y.slice(0, 2, 1, 6))?)?;
        Ok(vec![])
    });
    assert_eq!(log, costs(&["copy"], 1));
    let log = watch_deferred(|| {
        let step = ops::multiply(&y, 0.1)?;
        let inputs = [Operand::Array(&x), Operand::Array(&step)];
        ops::call(&ops::SUBTRACT, Attrs::NONE, &inputs, None, Target::Into(&x))?;
        Ok(vec![])
    });
    assert_eq!(log, costs(&["subtract"], 1));
    // A pending reader of what is overwritten runs before.
    let log = watch_deferred(|| {
        let before = ops::exp(&x)?;
        ops::assign(&x, 0.0)?;
        Ok(vec![before])
    });
    assert_eq!(log, costs(&["exp", "copy"], 1));
}

#[test]
fn a_gradient_is_fused_backward_too() {
    let (x, w) = (f32s(&[8, 6]), f32s(&[6, 4]));
    let log = watch_deferred(|| {
        minpy_autograd::grad(
            |a| ops::sum(&ops::tanh(&ops::dot(&a[0], &a[1])?)?, None, false),
            &[x.clone(), w.clone()],
        )
    });
    let count = |name: &str| log.kernels.iter().filter(|k| **k == name).count();
    // The loss itself is never asked for; the first product, tanh and 1 - y * y times the seed are one kernel, both
    // products of the way back another.
    assert_eq!((count("matmul"), count("tanh_slope"), count("copy")), (1, 1, 0), "{:?}", log.kernels);
    assert!(log.kernels.len() <= 6, "{:?}", log.kernels);
}
