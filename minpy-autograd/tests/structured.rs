//! Rules of structured operations and of what is composed of them: both modes, second order, every kind of attribute.

use minpy_autograd::check_gradients;
use minpy_core::backend::{Prim, ScatterMode};
use minpy_core::ops::{self, Index, Window};
use minpy_core::{Array, DType, Result, Target};
use minpy_cpu as _;

/// Uneven, all different values around 0.
fn data(shape: &[usize], seed: usize) -> Array {
    let n: usize = shape.iter().product();
    let v: Vec<f64> =
        (0..n).map(|i| (((i * 37 + seed * 11) % 101) as f64 - 50.0) / 29.0 + i as f64 * 1e-3).collect();
    Array::from_slice(&v, shape).unwrap()
}
fn ints(v: &[i64], shape: &[usize]) -> Array {
    Array::from_slice(v, shape).unwrap()
}
#[track_caller]
fn check(f: impl Fn(&[Array]) -> Result<Array>, args: &[Array]) {
    if let Err(e) = check_gradients(&f, args, 2, 2e-6) {
        panic!("{e}");
    }
}
/// Squared, so that second derivatives are there to be wrong.
fn sq(a: Array) -> Result<Array> {
    ops::multiply(&a, &a)
}

#[test]
fn reductions() {
    let x = data(&[3, 4], 1);
    for axes in [None, Some(&[0isize][..]), Some(&[1]), Some(&[-1]), Some(&[0, 1]), Some(&[])] {
        for keep in [false, true] {
            check(|x| sq(ops::sum(&x[0], axes, keep)?), &[x.clone()]);
            check(|x| sq(ops::mean(&x[0], axes, keep, None)?), &[x.clone()]);
            check(|x| ops::prod(&x[0], axes, keep), &[data(&[2, 3], 2)]);
            check(|x| sq(ops::max(&x[0], axes, keep)?), &[x.clone()]);
            check(|x| sq(ops::min(&x[0], axes, keep)?), &[x.clone()]);
        }
    }
    check(|x| ops::var(&x[0], Some(&[1]), false, 0.0, None), &[x.clone()]);
    check(|x| ops::std(&x[0], None, false, 1.0, None), &[x.clone()]);
    check(|x| sq(ops::sum(&x[0].t(), Some(&[0]), false)?), &[data(&[2, 3, 4], 5)]);
}

#[test]
fn an_extremum_rounded_by_its_target() {
    let x = Array::from_slice(&[0.1f64, 0.3, 0.2], &[3]).unwrap();
    for (name, op, at) in [("max", &ops::MAX, 1), ("min", &ops::MIN, 0)] {
        let g = minpy_autograd::grad(
            |x| {
                let attrs = ops::reduce_attrs(name, 1, None, false, None)?;
                let out = ops::zeros(&[], DType::F32)?;
                ops::call(op, minpy_core::Attrs::of(&attrs), &[(&x[0]).into()], None, Target::Into(&out))
            },
            std::slice::from_ref(&x),
        )
        .unwrap();
        let want: Vec<f64> = (0..3).map(|i| if i == at { 1.0 } else { 0.0 }).collect();
        assert_eq!(g[0].to_vec::<f64>().unwrap(), want, "{name}");
    }
}

#[test]
fn as_many_indices_as_axes() {
    let axes = minpy_core::backend::layout::MAX_NDIM;
    let x = ops::reshape(&data(&[2], 1), &[&[2], &vec![1; axes - 1][..]].concat()).unwrap();
    let list: Vec<Array> = (0..axes).map(|i| ints(&[(i == 0) as i64, 0], &[2])).collect();
    check(|x| sq(ops::gather(&x[0], &list)?), std::slice::from_ref(&x));
    for mode in [ScatterMode::Set, ScatterMode::Combine(Prim::Add)] {
        check(|x| sq(ops::scatter(&x[0], &list, &x[1], mode)?), &[x.clone(), data(&[2], 3)]);
    }
}

/// A stack of well-conditioned matrices.
fn regular(lead: &[usize], n: usize, seed: usize) -> Array {
    let a = data(&[lead, &[n, n]].concat(), seed);
    ops::add(&a, &ops::multiply(&ops::eye(n, n, 0, DType::F64).unwrap(), 6.0).unwrap()).unwrap()
}

#[test]
fn linear_algebra() {
    for lead in [&[][..], &[2]] {
        let a = regular(lead, 3, 1);
        check(|x| sq(ops::inv(&x[0])?), &[a.clone()]);
        check(|x| ops::det(&x[0]), &[a.clone()]);
        check(|x| sq(ops::slogdet(&x[0])?.1), &[a.clone()]);
        check(|x| sq(ops::solve(&x[0], &x[1])?), &[a.clone(), data(&[lead, &[3, 2]].concat(), 2)]);
        check(|x| sq(ops::solve(&x[0], &x[1])?), &[a.clone(), data(&[3], 3)]);
        check(|x| ops::solve(&x[0], &x[0]), &[a.clone()]);
        check(|x| sq(ops::matrix_power(&x[0], -2)?), &[a]);
        for upper in [false, true] {
            // Definite whatever the other triangle holds.
            check(|x| sq(ops::cholesky(&x[0], upper)?), &[regular(lead, 3, 4)]);
            check(
                |x| ops::cholesky(&ops::matmul(&x[0], &ops::matrix_transpose(&x[0])?)?, upper),
                &[regular(lead, 3, 5)],
            );
        }
    }
    // Leading axes are broadcast.
    check(|x| sq(ops::solve(&x[0], &x[1])?), &[regular(&[2, 1], 2, 6), data(&[3, 2, 1], 7)]);
    let list = [data(&[2, 3], 1), data(&[3, 2], 2), data(&[2], 3)];
    check(|x| sq(ops::multi_dot(&[&x[0], &x[1], &x[2]])?), &list);
}

#[test]
fn products_with_zeros() {
    for v in [[0.0, 2.0, 3.0], [0.0, 0.0, 3.0]] {
        let x = Array::from_slice(&v, &[3]).unwrap();
        check_gradients(&|x: &[Array]| ops::prod(&x[0], None, false), std::slice::from_ref(&x), 2, 1e-6)
            .unwrap();
    }
}

#[test]
fn ties_share_the_gradient() {
    let x = Array::from_slice(&[1.0, 3.0, 3.0, 2.0], &[4]).unwrap();
    let g = minpy_autograd::grad(|x| ops::max(&x[0], None, false), &[x.clone()]).unwrap();
    assert_eq!(g[0].to_vec::<f64>().unwrap(), [0.0, 0.5, 0.5, 0.0]);
    let g = minpy_autograd::grad(|x| ops::maximum(&x[0], 3.0), &[x]).unwrap();
    assert_eq!(g[0].to_vec::<f64>().unwrap(), [0.0, 0.5, 0.5, 0.0]);
}

#[test]
fn scans() {
    for axis in [0, 1, -1] {
        check(|x| sq(ops::cumsum(&x[0], axis)?), &[data(&[3, 4], 3)]);
        let positive = ops::add(&ops::absolute(&data(&[3, 3], 4)).unwrap(), 0.5).unwrap();
        check(|x| ops::cumprod(&x[0], axis), &[positive]);
    }
}

#[test]
fn matrix_products() {
    for (a, b) in [
        (&[2, 3][..], &[3, 4][..]),
        (&[3], &[3, 2]),
        (&[2, 3], &[3]),
        (&[3], &[3]),
        (&[2, 2, 3], &[3, 2]),
        (&[2, 3], &[2, 3, 2]),
        (&[2, 1, 2, 3], &[3, 3, 2]),
    ] {
        check(|x| sq(ops::matmul(&x[0], &x[1])?), &[data(a, 1), data(b, 2)]);
    }
    check(|x| ops::dot(&x[0].t(), &x[0]), &[data(&[3, 2], 3)]);
    check(|x| sq(ops::tensordot(&x[0], &x[1], &[1], &[0])?), &[data(&[2, 3], 4), data(&[3, 2, 2], 5)]);
}

#[test]
fn shifted_products() {
    // Every way in which the two may lie to each other.
    for (n, k) in [(5, 3), (3, 5), (4, 1), (1, 1)] {
        for (lead, len) in [(0, 1), (2, 7), (-1, 4), (6, 3), (-7, 2)] {
            check(|x| sq(ops::shifted_products(&x[0], &x[1], lead, len)?), &[data(&[n], 1), data(&[k], 4)]);
        }
    }
}
/// Within lines, beside points and outside of them; with respect to all three.
#[test]
fn interpolation() {
    let places = Array::from([0.3, 1.1, 1.9, 3.2, -0.4]);
    let (xp, fp) = (Array::from([0.1, 0.9, 2.3, 2.7]), Array::from([1.0, -0.5, 2.0, 0.25]));
    for period in [None, Some(2.5.into())] {
        check(
            |x| sq(ops::interp(&x[0], &x[1], &x[2], None, None, period)?),
            &[places.clone(), xp.clone(), fp.clone()],
        );
    }
    let one = Array::from([1.5]);
    check(|x| sq(ops::interp(&x[0], &one, &x[1], Some(7.into()), None, None)?), &[places, one.clone()]);
}
#[test]
fn weights_of_integers_that_occur() {
    let x = ints(&[3, 0, 3, 1], &[4]);
    check(|w| sq(ops::bincount(&x, Some(&w[0]), 6)?), &[data(&[4], 2)]);
}

#[test]
fn gather_and_scatter() {
    let rows = || ints(&[2, 0, 2, -1], &[4]);
    check(|x| sq(ops::gather(&x[0], &[rows()])?), &[data(&[3, 2], 1)]);
    check(|x| sq(ops::gather(&x[0], &[rows(), ints(&[1], &[1])])?), &[data(&[3, 2], 2)]);
    check(|x| sq(ops::take_along_axis(&x[0], &ints(&[1, 0, 0, 1], &[2, 2]), 1)?), &[data(&[2, 3], 3)]);
    for mode in [ScatterMode::Set, ScatterMode::Combine(Prim::Add)] {
        check(|x| sq(ops::scatter(&x[0], &[rows()], &x[1], mode)?), &[data(&[3, 2], 4), data(&[4, 2], 5)]);
        check(|x| sq(ops::scatter(&x[0], &[rows()], &x[1], mode)?), &[data(&[3, 2], 6), data(&[1, 2], 7)]);
    }
    let mask = Array::from_slice(&[true, false, true, false, true, true], &[3, 2]).unwrap();
    check(|x| sq(ops::get(&x[0], &[Index::Array(mask.clone())])?), &[data(&[3, 2], 8)]);
    check(
        |x| {
            let a = ops::copy(&x[0])?;
            ops::set(&a, &[Index::Array(mask.clone())], &x[1])?;
            sq(a)
        },
        &[data(&[3, 2], 9), data(&[4], 10)],
    );
    check(
        |x| {
            let a = ops::copy(&x[0])?;
            ops::combine_at(&a, &[Index::Array(rows())], &x[1], Prim::Add)?;
            sq(a)
        },
        &[data(&[3, 2], 11), data(&[4, 2], 12)],
    );
}

#[test]
fn combining_by_other_means_has_no_gradient_and_says_so() {
    let r = minpy_autograd::grad(
        |x| {
            let a = ops::copy(&x[0])?;
            ops::combine_at(&a, &[Index::Array(ints(&[0, 0], &[2]))], &x[0].slice(0, 0, 1, 2), Prim::Mul)?;
            ops::sum(&a, None, false)
        },
        &[data(&[3], 1)],
    );
    let e = r.unwrap_err();
    assert!(e.kind() == minpy_core::ErrorKind::NoGradient && e.message().contains("mul.at"), "{e:?}");
}

#[test]
fn order_statistics() {
    let x = data(&[3, 5], 2);
    for axes in [None, Some(&[1isize][..]), Some(&[0, 1])] {
        check(|x| sq(ops::median(&x[0], axes, false)?), &[x.clone()]);
        for method in ["linear", "hazen", "lower"] {
            check(|x| sq(ops::quantile(&x[0], 0.3, false, axes, method, true)?), &[x.clone()]);
        }
    }
    // In order as a whole: what the places leave open may stand anywhere.
    check(|x| sq(ops::partition(&x[0], &[0, 1, 2, 3, 4], Some(1))?), &[x]);
}

#[test]
fn sorting() {
    for axis in [Some(0), Some(1), None] {
        check(
            |x| sq(ops::multiply(&ops::sort(&x[0], axis)?, &ops::sort(&x[0], axis)?)?),
            &[data(&[3, 3], 2)],
        );
    }
}

#[test]
fn shapes_and_views() {
    check(|x| sq(ops::reshape(&x[0].t(), &[-1])?), &[data(&[2, 3], 1)]);
    check(
        |x| sq(ops::concatenate(&[x[0].clone(), x[1].clone(), x[0].clone()], 1, None)?),
        &[data(&[2, 2], 2), data(&[2, 3], 3)],
    );
    check(|x| sq(ops::stack(&[x[0].clone(), x[1].clone()], 0)?), &[data(&[3], 4), data(&[3], 5)]);
    check(|x| ops::multiply(&x[0].slice(0, 4, -2, 3), &x[0].slice(0, 0, 1, 3)), &[data(&[5], 6)]);
    check(|x| ops::multiply(&x[0].broadcast_to(&[3, 2])?, &x[0]), &[data(&[2], 7)]);
    check(|x| ops::multiply(&x[0].expand_dims(1)?, &x[0].expand_dims(0)?), &[data(&[3], 8)]);
    check(
        |x| sq(ops::get(&x[0], &[Index::NewAxis, Index::Int(-1), Index::Slice(None, None, Some(-2))])?),
        &[data(&[2, 5], 9)],
    );
    check(|x| sq(ops::cast(&ops::cast(&x[0], DType::F64)?, DType::F64)?), &[data(&[3], 10)]);
    check(|x| sq(x[0].to_device(minpy_core::device::host()?)?), &[data(&[3], 11)]);
}

#[test]
fn layers() {
    let window = Window { kernel: [2, 2], stride: [1, 1], pad: [0, 0] };
    let padded = Window { kernel: [3, 2], stride: [2, 1], pad: [1, 1] };
    let x = data(&[1, 2, 4, 4], 1);
    for w in [window, padded] {
        check(|x| sq(ops::max_pool(&x[0], &w)?), &[x.clone()]);
        check(|x| sq(ops::avg_pool(&x[0], &w)?), &[x.clone()]);
        let (stride, pad) = (w.stride, w.pad);
        let weight = data(&[2, 2, w.kernel[0], w.kernel[1]], 2);
        check(
            |x| sq(ops::convolution(&x[0], &x[1], Some(&x[2]), stride, pad)?),
            &[data(&[1, 2, 3, 3], 3), weight, data(&[2], 4)],
        );
    }
    check(|x| ops::log(&ops::softmax(&x[0], 1)?), &[data(&[2, 3], 5)]);
    check(
        |x| sq(ops::fully_connected(&x[0], &x[1], Some(&x[2]))?),
        &[data(&[2, 3], 6), data(&[2, 3], 7), data(&[2], 8)],
    );
    let mask = Array::from_slice(&[true, false, true, true], &[2, 2]).unwrap();
    check(|x| sq(ops::dropout(&x[0], &mask, 0.75)?), &[data(&[2, 2], 9)]);
}

#[test]
fn clipping_with_numbers_and_arrays() {
    let x = data(&[5], 3);
    check(|x| sq(ops::clip(&x[0], -1.0, 0.9)?), &[x.clone()]);
    check(
        |a| sq(ops::clip(&a[0], &a[1], &a[2])?),
        &[x, Array::from_slice(&[-0.7f64], &[1]).unwrap(), Array::from_slice(&[0.83f64], &[]).unwrap()],
    );
}

#[test]
fn at_the_bounds_of_clip_and_the_origin_of_hypot() {
    let x = Array::from([-1.0, 0.0, 0.5, 1.0, 2.0]);
    let slopes = |f: &dyn Fn(&Array) -> minpy_core::Result<Array>| -> Vec<f64> {
        minpy_autograd::grad(|a| f(&a[0]), std::slice::from_ref(&x)).unwrap()[0].to_vec().unwrap()
    };
    assert_eq!(slopes(&|x| ops::clip(x, 0.0, 1.0)), [0.0, 1.0, 1.0, 1.0, 0.0]);
    assert_eq!(slopes(&|x| ops::clip(x, 0.5, 0.5)), [0.0; 5]);
    let one = Array::from([1.0]);
    assert_eq!(slopes(&|x| ops::clip(x, &one, &one)), [0.0; 5]);
    // The upper bound is the result wherever no interval is left, and the three together move as one.
    assert_eq!(slopes(&|x| ops::clip(&one, x, x)), [1.0; 5]);
    assert_eq!(slopes(&|x| ops::clip(x, x, x)), [1.0; 5]);
    assert_eq!(slopes(&|x| ops::hypot(x, 0.0)), [-1.0, 0.0, 1.0, 1.0, 1.0]);
}
