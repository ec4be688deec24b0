//! Results and views without elements, in both modes: what has none adds nothing, and nothing else changes.

use minpy_autograd::{Decision, Session, check_gradients, decision};
use minpy_core::backend::{ScatterMode, Tier};
use minpy_core::internal::Shared;
use minpy_core::{Array, Attrs, DType, Layout, OpDef, Operand, Result, Target, ops};
use minpy_cpu as _;

const SHAPES: [&[usize]; 6] = [&[0], &[0, 3], &[3, 0], &[2, 0, 3], &[0, 1], &[1, 0, 1]];

fn empty(shape: &[usize]) -> Array {
    ops::zeros(shape, DType::F64).unwrap()
}
fn data(shape: &[usize]) -> Array {
    let v: Vec<f64> = (0..shape.iter().product()).map(|i: usize| ((i * 7) % 11) as f64 / 5.0 - 0.9).collect();
    Array::from_slice(&v, shape).unwrap()
}
#[track_caller]
fn check(f: impl Fn(&[Array]) -> Result<Array>, args: &[Array]) {
    if let Err(e) = check_gradients(&f, args, 2, 2e-6) {
        panic!("{e}");
    }
}
/// The array as it is, transposed, reversed, and as a part of a larger one.
fn seen(a: &Array) -> Vec<Array> {
    let mut all = vec![a.clone(), a.t(), a.view(a.layout().insert_axis(0)).t()];
    for axis in 0..a.ndim() {
        let n = a.shape()[axis];
        all.push(a.slice(axis, n.saturating_sub(1), -1, n));
        all.push(a.slice(axis, 0, 2, n.div_ceil(2)));
        all.push(a.slice(axis, n, 1, 0));
    }
    all
}

#[test]
fn elementwise_rules() {
    for op in OpDef::all().unwrap() {
        let (Tier::Elementwise(e), Ok(Decision::Rule(_))) = (&op.tier, decision(op)) else { continue };
        let first = e.rule.condition_first as usize;
        for shape in SHAPES {
            let condition = ops::zeros(shape, DType::Bool).unwrap();
            let f = |x: &[Array]| {
                let mut operands: Vec<Operand> = vec![Operand::Array(&condition); first];
                operands.extend(x.iter().map(Operand::Array));
                let y = ops::call(op, Attrs::NONE, &operands, None, Target::New)?;
                ops::multiply(&y.t(), 2.0)
            };
            check(f, &vec![empty(shape); op.arity - first]);
        }
    }
}

#[test]
fn views_of_arguments() {
    for shape in SHAPES.into_iter().chain([&[2, 3][..]]) {
        let x = data(shape);
        for k in 0..seen(&x).len() {
            check(|x| ops::exp(&ops::multiply(&seen(&x[0])[k], 2.0)?), std::slice::from_ref(&x));
            // A watched array that is such a view itself.
            check(|x| ops::exp(&ops::multiply(&x[0], 2.0)?), &[seen(&x)[k].clone()]);
        }
    }
}

#[test]
fn structured_rules() {
    for shape in SHAPES {
        let x = empty(shape);
        for axis in 0..shape.len() as isize {
            for keep in [false, true] {
                for axes in [Some(&[axis][..]), None] {
                    check(|x| ops::exp(&ops::sum(&x[0], axes, keep)?), std::slice::from_ref(&x));
                    check(|x| ops::exp(&ops::prod(&x[0], axes, keep)?), std::slice::from_ref(&x));
                }
                if shape[axis as usize] > 0 {
                    check(|x| ops::max(&x[0], Some(&[axis]), keep), std::slice::from_ref(&x));
                    check(|x| ops::mean(&x[0], Some(&[axis]), keep, None), std::slice::from_ref(&x));
                }
            }
            check(|x| ops::cumsum(&x[0], axis), std::slice::from_ref(&x));
            check(|x| ops::cumprod(&x[0], axis), std::slice::from_ref(&x));
            let sorted = |x: &[Array]| {
                ops::call(
                    &ops::SORT,
                    Attrs::of(&ops::Axis(axis as usize)),
                    &[(&x[0]).into()],
                    None,
                    Target::New,
                )
            };
            check(sorted, std::slice::from_ref(&x));
            let joined =
                |x: &[Array]| ops::concatenate(&[x[0].clone(), x[0].clone(), x[1].clone()], axis, None);
            check(joined, &[x.clone(), x.clone()]);
        }
    }
    for (m, k, n) in [(0, 2, 3), (2, 0, 3), (2, 3, 0), (0, 0, 0), (0, 2, 0)] {
        check(|x| ops::exp(&ops::matmul(&x[0], &x[1])?), &[data(&[m, k]), data(&[k, n])]);
    }
}

#[test]
fn indices_without_elements() {
    let none = Array::from_slice::<i64>(&[], &[0]).unwrap();
    for shape in [&[3][..], &[3, 2], &[3, 0], &[0, 2], &[0]] {
        let x = data(shape);
        let list = std::slice::from_ref(&none);
        check(|x| ops::multiply(&ops::gather(&x[0], list)?.t(), 3.0), std::slice::from_ref(&x));
        let values = data(&[&[0], &shape[1..]].concat());
        for mode in [ScatterMode::Set, ScatterMode::Combine(minpy_core::backend::Prim::Add)] {
            let f = |x: &[Array]| ops::exp(&ops::scatter(&x[0], list, &x[1], mode)?);
            check(f, &[x.clone(), values.clone()]);
        }
    }
}

#[test]
fn writes_through_views_without_elements() {
    for shape in SHAPES.into_iter().chain([&[2, 3][..]]) {
        let x = data(shape);
        for k in 0..seen(&x).len() {
            check(
                |x| {
                    let a = ops::multiply(&x[0], 2.0)?;
                    let (target, value) = (seen(&a)[k].clone(), ops::exp(&seen(&x[0])[k])?);
                    ops::assign(&target, &value)?;
                    let twice = [Operand::Array(&target), Operand::Array(&value)];
                    ops::call(&ops::MULTIPLY, Attrs::NONE, &twice, None, Target::Into(&target))?;
                    let mask = ops::greater(&target, 1.0)?;
                    ops::assign_where(&target, &ops::sin(&value)?, &mask)?;
                    ops::multiply(&a, &a)
                },
                std::slice::from_ref(&x),
            );
        }
    }
}

/// Random chains of views, writes and reads over arrays some of whose axes are empty, and many of whose slices are.
#[test]
fn random_programs() {
    for seed in 0..300u64 {
        let state = std::cell::Cell::new(seed * 2 + 1);
        let draw = |n: usize| {
            state.set(state.get().wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407));
            (state.get() >> 33) as usize % n
        };
        let shape: Vec<usize> = (0..1 + draw(3)).map(|_| draw(4)).collect();
        let start = state.get();
        let f = |x: &[Array]| {
            state.set(start);
            let mut pool = vec![ops::multiply(&x[0], 2.0)?, x[0].clone()];
            for _ in 0..6 {
                let a = pool[draw(pool.len())].clone();
                let views = seen(&a);
                let v = views[draw(views.len())].clone();
                match draw(5) {
                    0 => pool.push(v),
                    1 => pool.push(ops::sin(&v)?),
                    2 => pool.push(ops::add(&a, &ops::sum(&v, None, false)?)?),
                    3 if v.ndim() > 0 => {
                        let axis = draw(v.ndim());
                        pool.push(ops::cumsum(&v, axis as isize)?);
                    }
                    // Never into the argument, which the differences read again.
                    _ if !Shared::ptr_eq(v.buffer(), x[0].buffer()) => {
                        let value = ops::multiply(&v, 0.5)?;
                        ops::assign(&v, &value)?;
                    }
                    _ => {}
                }
            }
            let mut total = ops::sum(&pool[0], None, false)?;
            for a in &pool[1..] {
                total = ops::add(&total, &ops::sum(&ops::multiply(a, a)?, None, false)?)?;
            }
            Ok(total)
        };
        if let Err(e) = check_gradients(&f, &[data(&shape)], 1, 1e-5) {
            panic!("seed {seed}, shape {shape:?}: {e}");
        }
    }
}

#[test]
fn a_layout_without_elements_is_dense_in_some_order() {
    for shape in SHAPES {
        for v in seen(&empty(shape)) {
            assert!(v.layout().dense_order().is_some(), "{shape:?}: {:?}", v.layout());
        }
    }
    // Through another view than the one that was written.
    let session = Session::begin();
    let x = session.watch(&empty(&[2, 0])).unwrap();
    let y = ops::multiply(&x, 2.0).unwrap();
    let z = y.view(Layout::new(&[0usize, 5][..], &[7isize, 3][..], 0));
    let g = session.gradients(&[ops::multiply(&z, 3.0).unwrap()], None, &[x]).unwrap();
    assert_eq!(g[0].as_ref().unwrap().shape(), [2, 0]);
}
