//! Executors: their results are those of the same operations run one by one, their gradients those of the tape and of
//! finite differences, and their memory is smaller.

mod build;
use build::*;
use minpy_autograd::Session;
use minpy_core::{Array, DType, ErrorKind, Result, ops};
use minpy_symbol::{Bindings, Executor, GradReq, Known, Symbol};
use proptest::prelude::*;

/// Binds in float64 and fills every argument with numbers.
fn bound(net: &Symbol, known: &[Known]) -> Executor {
    let ex = net.simple_bind(cpu(), known, |_| GradReq::Write).unwrap();
    for (i, a) in ex.arguments().iter().enumerate() {
        ops::assign(a, &random(i as u64 + 1, a.shape())).unwrap();
    }
    ex
}
fn total(ex: &mut Executor) -> f64 {
    ex.forward(true).unwrap().iter().flat_map(values).sum()
}
/// Central differences of the sum of the outputs against the gradients of the executor.
fn check_gradients(ex: &mut Executor, tolerance: f64) {
    total(ex);
    ex.backward(None).unwrap();
    let eps = 1e-6;
    for i in 0..ex.arguments().len() {
        let a = ex.arguments()[i].clone();
        let start = values(&a);
        let mut numeric = Vec::new();
        for k in 0..start.len() {
            let mut moved = |by: f64| {
                let mut v = start.clone();
                v[k] += by;
                ops::assign(&a, &Array::from_slice(&v, a.shape()).unwrap()).unwrap();
                total(ex)
            };
            let (up, down) = (moved(eps), moved(-eps));
            numeric.push((up - down) / (2.0 * eps));
        }
        ops::assign(&a, &Array::from_slice(&start, a.shape()).unwrap()).unwrap();
        close(&values(ex.gradients()[i].as_ref().unwrap()), &numeric, tolerance);
    }
}

#[test]
fn gradients_of_a_convolutional_network() {
    let net = conv_net();
    let mut ex = bound(&net, &[known("data", &[2, 2, 4, 4], DType::F64)]);
    check_gradients(&mut ex, 1e-6);
}

#[test]
fn gradients_of_many_operators() {
    let (x, y) = (var("x"), var("y"));
    let pieces = op("SliceChannel", &[&x], &[("num_outputs", 2i64.into())]);
    let (a, b) = (pieces.output(0).unwrap(), pieces.output(1).unwrap());
    for net in [
        &op("exp", &[&a], &[]) * &op("sigmoid", &[&b], &[]),
        op("Concat", &[&b, &op("tanh", &[&a], &[]), &b], &[("dim", 1i64.into())]),
        op("dot", &[&x, &y], &[("transpose_b", true.into())]),
        op(
            "dot",
            &[
                &op("transpose", &[&x], &[]),
                &op(
                    "SwapAxis",
                    &[&op("transpose", &[&y], &[])],
                    &[("dim1", 0i64.into()), ("dim2", 1i64.into())],
                ),
            ],
            &[],
        ),
        op("log_softmax", &[&x], &[("axis", [0].into())]),
        &op("softmax", &[&x], &[]) * &y,
        op("Reshape", &[&(&x * &y)], &[("shape", [0, 2, -1].into())]),
        op(
            "slice_axis",
            &[&(&x * &x)],
            &[("axis", 1i64.into()), ("begin", 1i64.into()), ("end", (-1i64).into())],
        ),
        &op("mean", &[&x], &[("axis", [1].into()), ("keepdims", true.into())]) * &y,
        op("LeakyReLU", &[&(&x - &(&y * 0.5))], &[("act_type", "elu".into())]),
        op("Activation", &[&x], &[("act_type", "softrelu".into())]),
        op("Activation", &[&(&x * 3.0)], &[("act_type", "softsign".into())]),
        op(
            "BatchNorm",
            &[&op("Reshape", &[&x], &[("shape", [2, 3, 2].into())])],
            &[("fix_gamma", false.into())],
        ),
        op("clip", &[&(&x * 2.0)], &[("a_min", (-0.7).into()), ("a_max", 0.7.into())]),
        op(
            "FullyConnected",
            &[&op("Reshape", &[&x], &[("shape", [1, 3, 4].into())])],
            &[("num_hidden", 2i64.into()), ("flatten", false.into())],
        ),
        op("add_n", &[&x, &y, &x], &[]),
        op("expand_dims", &[&op("max", &[&x], &[("axis", [0].into())])], &[("axis", 0i64.into())]),
    ] {
        let inputs: Vec<Known> = ["x", "y"]
            .iter()
            .filter(|n| net.list_arguments().contains(&n.to_string()))
            .map(|n| known(n, &[3, 4], DType::F64))
            .collect();
        println!("{:?}", net.list_outputs());
        check_gradients(&mut bound(&net, &inputs), 2e-6);
    }
}

#[test]
fn requests_write_add_null() {
    let net = &var("a") * &var("b");
    let shapes = [known("a", &[3], DType::F64), known("b", &[3], DType::F64)];
    let mut ex =
        net.simple_bind(cpu(), &shapes, |n| if n == "a" { GradReq::Add } else { GradReq::Null }).unwrap();
    ops::assign(ex.argument("b").unwrap(), &Array::from_slice(&[1.0, 2.0, 3.0], &[3]).unwrap()).unwrap();
    for _ in 0..2 {
        ex.forward(true).unwrap();
        ex.backward(None).unwrap();
    }
    assert_eq!(values(ex.gradient("a").unwrap()), [2.0, 4.0, 6.0]);
    assert!(ex.gradient("b").unwrap_err().message().contains("null"));
    assert!(ex.argument("c").unwrap_err().message().contains("a, b"));
    ex.forward(true).unwrap();
    ex.backward(Some(&[Array::from_slice(&[10f32, 0.0, 0.0], &[3]).unwrap()])).unwrap();
    assert_eq!(values(ex.gradient("a").unwrap()), [12.0, 4.0, 6.0]);
}

#[test]
fn backward_needs_a_forward_pass_of_its_own() {
    let mut ex = bound(&op("exp", &[&var("x")], &[]), &[known("x", &[2], DType::F64)]);
    assert_eq!(ex.backward(None).unwrap_err().kind(), ErrorKind::Runtime);
    ex.forward(true).unwrap();
    ex.forward(false).unwrap();
    ex.backward(None).unwrap();
    assert!(ex.backward(None).is_err());
    ex.forward(true).unwrap();
    let wrong = Array::from_slice(&[1.0], &[1]).unwrap();
    assert!(ex.backward(Some(&[wrong])).unwrap_err().message().contains("(1,)"));
}

#[test]
fn an_executor_refuses_what_a_tape_watches() {
    let mut ex = bound(&op("exp", &[&var("x")], &[]), &[known("x", &[2], DType::F64)]);
    let session = Session::begin();
    let x = session.watch(&random(1, &[2])).unwrap();
    ops::assign(ex.argument("x").unwrap(), &x).unwrap();
    let e = ex.forward(true).unwrap_err();
    assert!(e.message().contains("'x'") && e.message().contains("Function"), "{e}");
    drop(session);
    assert!(ex.forward(true).is_ok());
}

#[test]
fn softmax_output_starts_its_own_gradient() {
    let run = |attrs: &[(&str, minpy_symbol::Value)], label: &[f64]| {
        let net = named("SoftmaxOutput", Some("s"), &[&var("x")], attrs);
        let mut ex = bound(&net, &[known("x", &[2, 3], DType::F64)]);
        ops::assign(ex.argument("s_label").unwrap(), &Array::from_slice(label, &[2]).unwrap()).unwrap();
        let p = values(&ex.forward(true).unwrap()[0]);
        // What comes from above is ignored.
        ex.backward(Some(&[Array::from_slice(&[7.0; 6], &[2, 3]).unwrap()])).unwrap();
        assert_eq!(values(ex.gradient("s_label").unwrap()), [0.0, 0.0]);
        (p, values(ex.gradient("x").unwrap()))
    };
    let want = |p: &[f64], label: &[f64], scale: f64| -> Vec<f64> {
        (0..6).map(|k| (p[k] - if label[k / 3] as usize == k % 3 { 1.0 } else { 0.0 }) * scale).collect()
    };
    let (p, g) = run(&[], &[2.0, 0.0]);
    close(&[p[0] + p[1] + p[2], p[3] + p[4] + p[5]], &[1.0, 1.0], 1e-12);
    close(&g, &want(&p, &[2.0, 0.0], 1.0), 1e-12);
    let (p, g) = run(&[("grad_scale", 0.25.into()), ("normalization", "batch".into())], &[1.0, 1.0]);
    close(&g, &want(&p, &[1.0, 1.0], 0.125), 1e-12);
    let ignore =
        [("use_ignore", true.into()), ("ignore_label", 0i64.into()), ("normalization", "valid".into())];
    let (p, g) = run(&ignore, &[2.0, 0.0]);
    let mut w = want(&p, &[2.0, 0.0], 1.0);
    w[3..].fill(0.0);
    close(&g, &w, 1e-12);
}

#[test]
fn softmax_over_channels() {
    let net = named("SoftmaxOutput", Some("s"), &[&var("x")], &[("multi_output", true.into())]);
    assert_eq!(*net.infer(&[known("x", &[2, 3, 2, 2], DType::F64)]).unwrap().arguments[1].shape, [2, 2, 2]);
    let mut ex = bound(&net, &[known("x", &[1, 2, 2], DType::F64)]);
    ops::assign(ex.argument("s_label").unwrap(), &Array::from_slice(&[0.0, 1.0], &[1, 2]).unwrap()).unwrap();
    let p = values(&ex.forward(true).unwrap()[0]);
    close(&[p[0] + p[2], p[1] + p[3]], &[1.0, 1.0], 1e-12);
    ex.backward(None).unwrap();
    let want = [(p[0] - 1.0) / 2.0, p[1] / 2.0, p[2] / 2.0, (p[3] - 1.0) / 2.0];
    close(&values(ex.gradient("x").unwrap()), &want, 1e-12);
}

#[test]
fn regression_outputs() {
    for (name, f) in [
        ("LinearRegressionOutput", (|x, l| (x, x - l)) as fn(f64, f64) -> (f64, f64)),
        ("LogisticRegressionOutput", |x, l| (1.0 / (1.0 + (-x).exp()), 1.0 / (1.0 + (-x).exp()) - l)),
        ("MAERegressionOutput", |x, l| (x, (x - l).signum())),
    ] {
        let net = named(name, Some("r"), &[&var("x")], &[("grad_scale", 2.0.into())]);
        let mut ex = bound(&net, &[known("x", &[3, 2], DType::F64)]);
        let (x, l) = (values(ex.argument("x").unwrap()), values(ex.argument("r_label").unwrap()));
        let y = values(&ex.forward(true).unwrap()[0]);
        ex.backward(None).unwrap();
        let want: Vec<(f64, f64)> = x.iter().zip(&l).map(|(x, l)| f(*x, *l)).collect();
        close(&y, &want.iter().map(|w| w.0).collect::<Vec<_>>(), 1e-12);
        close(&values(ex.gradient("x").unwrap()), &want.iter().map(|w| w.1).collect::<Vec<_>>(), 1e-12);
    }
    let column = named("LinearRegressionOutput", Some("r"), &[&var("x")], &[]);
    assert_eq!(*column.infer(&[Known::shape("x", &[5, 1])]).unwrap().arguments[1].shape, [5]);
}

#[test]
fn batch_norm_updates_its_states_in_training_only() {
    let net = named("BatchNorm", Some("bn"), &[&var("x")], &[("momentum", 0.5.into())]);
    let mut ex = bound(&net, &[known("x", &[4, 2], DType::F64)]);
    let x = values(ex.argument("x").unwrap());
    let mean: Vec<f64> = (0..2).map(|c| (0..4).map(|n| x[2 * n + c]).sum::<f64>() / 4.0).collect();
    assert_eq!(values(ex.auxiliary_state("bn_moving_var").unwrap()), [1.0, 1.0]);
    ex.forward(false).unwrap();
    assert_eq!(values(ex.auxiliary_state("bn_moving_mean").unwrap()), [0.0, 0.0]);
    ex.forward(true).unwrap();
    close(&values(ex.auxiliary_state("bn_moving_mean").unwrap()), &[mean[0] / 2.0, mean[1] / 2.0], 1e-12);
    ex.backward(None).unwrap();
    assert_eq!(values(ex.gradient("bn_gamma").unwrap()), [0.0, 0.0], "a fixed gamma has no gradient");
}

#[test]
fn a_gradient_array_may_arrive_as_a_head() {
    let net = &var("a") * &var("b");
    let mut ex = bound(&net, &[known("a", &[3], DType::F64), known("b", &[3], DType::F64)]);
    let head = random(9, &[3]);
    let expected = |factor: &Array| values(&ops::multiply(&head, factor).unwrap());
    for name in ["a", "b"] {
        let g = ex.gradient(name).unwrap().clone();
        ops::assign(&g, &head).unwrap();
        ex.forward(true).unwrap();
        ex.backward(Some(&[g])).unwrap();
        assert_eq!(values(ex.gradient("a").unwrap()), expected(ex.argument("b").unwrap()));
        assert_eq!(values(ex.gradient("b").unwrap()), expected(ex.argument("a").unwrap()));
    }
}

#[test]
fn elu_is_smooth_at_zero() {
    let net = op("LeakyReLU", &[&var("x")], &[("act_type", "elu".into()), ("slope", 1.0.into())]);
    let mut ex = bound(&net, &[known("x", &[3], DType::F64)]);
    ops::assign(ex.argument("x").unwrap(), &Array::from_slice(&[0.0, -0.0, 2.0], &[3]).unwrap()).unwrap();
    ex.forward(true).unwrap();
    ex.backward(None).unwrap();
    assert_eq!(values(ex.gradient("x").unwrap()), [1.0; 3]);
}

#[test]
fn dropout_drops_in_training_only() {
    minpy_symbol::seed(7);
    let net = op("Dropout", &[&var("x")], &[("p", 0.25.into())]);
    let mut ex = net.simple_bind(cpu(), &[Known::shape("x", &[1000])], |_| GradReq::Write).unwrap();
    ops::assign(ex.argument("x").unwrap(), 3.0).unwrap();
    let kept = |a: &Array| a.to_vec::<f32>().unwrap().iter().map(|&v| v != 0.0).collect::<Vec<_>>();
    assert!(ex.forward(false).unwrap()[0].to_vec::<f32>().unwrap().iter().all(|&v| v == 3.0));
    let first = kept(&ex.forward(true).unwrap()[0]);
    ex.backward(None).unwrap();
    assert_eq!(kept(ex.gradient("x").unwrap()), first, "the gradient has the mask of its forward pass");
    let second = kept(&ex.forward(true).unwrap()[0]);
    assert_ne!(first, second);
    let share = first.iter().filter(|k| **k).count();
    assert!((680..820).contains(&share), "{share} of 1000 kept");
    minpy_symbol::seed(7);
    assert_eq!(kept(&ex.forward(true).unwrap()[0]), first);
}

#[test]
fn results_and_arguments_are_ordinary_arrays() {
    let net = Symbol::group(&[var("x"), op("Flatten", &[&var("y")], &[]), &var("z") * 2.0]).unwrap();
    let mut ex = bound(
        &net,
        &[known("x", &[2], DType::F64), known("y", &[2, 3, 1], DType::F64), known("z", &[2], DType::F64)],
    );
    ex.forward(true).unwrap();
    // An argument that is an output is copied: writing one leaves the other alone.
    ops::assign(&ex.outputs()[0], 9.0).unwrap();
    assert_ne!(values(ex.argument("x").unwrap()), [9.0, 9.0]);
    ex.backward(None).unwrap();
    assert_eq!(values(ex.gradient("x").unwrap()), [1.0, 1.0]);
    assert_eq!(values(ex.gradient("z").unwrap()), [2.0, 2.0]);
    let v = ex.outputs()[2].buffer().version();
    ex.forward(true).unwrap();
    assert!(ex.outputs()[2].buffer().version() > v, "a replay counts as a write");
}

#[test]
fn bind_uses_the_arrays_it_gets() {
    let net = &var("a") * &var("b");
    let base = random(3, &[3, 4]);
    let (a, b) = (base.t(), random(4, &[4, 3]));
    let ga = random(5, &[3, 4]).t();
    let good = Bindings {
        arguments: vec![a.clone(), b.clone()],
        gradients: vec![Some(ga.clone()), None],
        requests: vec![GradReq::Write, GradReq::Null],
        auxiliary: vec![],
    };
    let mut ex = net.bind(cpu(), good).unwrap();
    let y = values(&ex.forward(true).unwrap()[0]);
    close(&y, &values(&ops::copy(&ops::multiply(&a, &b).unwrap()).unwrap()), 1e-15);
    ex.backward(None).unwrap();
    close(&values(&ga), &values(&b), 1e-15);
    let shared = Bindings {
        arguments: vec![a.clone(), b.clone()],
        gradients: vec![Some(a.clone()), None],
        requests: vec![GradReq::Write, GradReq::Null],
        auxiliary: vec![],
    };
    assert!(net.bind(cpu(), shared).err().unwrap().message().contains("share memory"));
    assert!(net.bind(cpu(), Bindings::default()).err().unwrap().message().contains("0 arguments"));
}

#[test]
fn the_arena_is_smaller_than_its_values() {
    let mut net = var("x");
    for _ in 0..20 {
        net = op(
            "Activation",
            &[&op("FullyConnected", &[&net], &[("num_hidden", 32i64.into())])],
            &[("act_type", "relu".into())],
        );
    }
    let ex = net.simple_bind(cpu(), &[Known::shape("x", &[16, 32])], |_| GradReq::Write).unwrap();
    let r = ex.report();
    // The result of each layer, which its gradient needs, and a gradient on its way.
    assert!(r.planned_bytes <= (20 + 1) * 16 * 32 * 4 && r.planned_bytes < r.naive_bytes, "{r:?}");
    // matmul+add+relu forward; matmul and its mask, another product and a sum backward.
    assert!(r.forward_launches == 20 && r.backward_launches <= 20 * 3 + 1, "{r:?}");
    let frozen = net.simple_bind(cpu(), &[Known::shape("x", &[16, 32])], |_| GradReq::Null).unwrap().report();
    assert_eq!(frozen.backward_launches, 0);
    assert!(frozen.planned_bytes <= 2 * 16 * 32 * 4 + 512, "{frozen:?}");
}

/// A random network: each byte picks an operator for the results so far. All values are (4, 4).
fn random_net(choices: &[u8]) -> Symbol {
    let mut all = vec![var("x"), var("y")];
    for (k, &c) in choices.iter().enumerate() {
        let a = all[(c as usize * 7 + k) % all.len()].clone();
        let b = all[all.len() - 1 - (c as usize % 3).min(all.len() - 1)].clone();
        let next = match c % 11 {
            0 => &a + &b,
            1 => &a * &b,
            2 => op("tanh", &[&a], &[]),
            3 => op("dot", &[&a, &b], &[]),
            4 => op("transpose", &[&a], &[]),
            5 => &a - &(&b * 0.5),
            6 => {
                let s = op("SliceChannel", &[&a], &[("num_outputs", 2i64.into())]);
                op("Concat", &[&s.output(1).unwrap(), &s.output(0).unwrap()], &[])
            }
            7 => op("softmax", &[&a], &[("axis", [(c as i64 / 16) % 2].into())]),
            8 => &op("sum", &[&a], &[("axis", [0].into()), ("keepdims", true.into())]) * &b,
            9 => op("relu", &[&a], &[]),
            _ => op(
                "Reshape",
                &[&op("Reshape", &[&a], &[("shape", [2, 8].into())])],
                &[("shape", [4, 4].into())],
            ),
        };
        all.push(next);
    }
    let n = all.len();
    Symbol::group(&[all[n - 1].clone(), all[n / 2].clone()]).unwrap()
}

/// Results and gradients of the same network as the tape gives them, operation by operation.
fn imperative(choices: &[u8], x: &Array, y: &Array) -> Result<(Vec<Vec<f64>>, Vec<Vec<f64>>)> {
    let session = Session::begin();
    let (x, y) = (session.watch(&ops::copy(x)?)?, session.watch(&ops::copy(y)?)?);
    let mut all = vec![x.clone(), y.clone()];
    for (k, &c) in choices.iter().enumerate() {
        let a = all[(c as usize * 7 + k) % all.len()].clone();
        let b = all[all.len() - 1 - (c as usize % 3).min(all.len() - 1)].clone();
        all.push(match c % 11 {
            0 => ops::add(&a, &b)?,
            1 => ops::multiply(&a, &b)?,
            2 => ops::tanh(&a)?,
            3 => ops::dot(&a, &b)?,
            4 => a.t(),
            5 => ops::subtract(&a, &ops::multiply(&b, 0.5)?)?,
            6 => ops::concatenate(&[a.slice(1, 2, 1, 2), a.slice(1, 0, 1, 2)], 1, None)?,
            7 if (c as i64 / 16) % 2 == 0 => ops::softmax(&a.t(), -1)?.t(),
            7 => ops::softmax(&a, -1)?,
            8 => ops::multiply(&ops::sum(&a, Some(&[0]), true)?, &b)?,
            9 => ops::relu(&a)?,
            _ => ops::reshape(&ops::reshape(&a, &[2, 8])?, &[4, 4])?,
        });
    }
    let n = all.len();
    let outputs = [all[n - 1].clone(), all[n / 2].clone()];
    let gradients = session.gradients(&outputs, None, &[x, y])?;
    let list = |a: &Array| values(&ops::contiguous(a).unwrap());
    let zero = || vec![0.0; 16];
    Ok((
        outputs.iter().map(list).collect(),
        gradients.iter().map(|g| g.as_ref().map_or_else(zero, list)).collect(),
    ))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn random_networks_agree_with_the_tape(choices in prop::collection::vec(any::<u8>(), 1..14)) {
        let net = random_net(&choices);
        let (x, y) = (random(11, &[4, 4]), random(12, &[4, 4]));
        let inputs = ["x", "y"].map(|n| known(n, &[4, 4], DType::F64));
        let used: Vec<Known> = inputs.into_iter().filter(|k| net.list_arguments().contains(&k.name)).collect();
        let mut ex = net.simple_bind(cpu(), &used, |_| GradReq::Write).unwrap();
        for (name, a) in [("x", &x), ("y", &y)] {
            if let Ok(slot) = ex.argument(name) {
                ops::assign(slot, a).unwrap();
            }
        }
        let (outputs, gradients) = imperative(&choices, &x, &y).unwrap();
        // The second round finds an arena full of old values.
        for _ in 0..2 {
            ex.forward(true).unwrap();
            for (got, want) in ex.outputs().iter().zip(&outputs) {
                close(&values(got), want, 1e-9);
            }
            ex.backward(None).unwrap();
            for (name, want) in ["x", "y"].iter().zip(&gradients) {
                if let Ok(got) = ex.gradient(name) {
                    close(&values(got), want, 1e-9);
                }
            }
            for (got, want) in ex.forward(false).unwrap().iter().zip(&outputs) {
                close(&values(got), want, 1e-9);
            }
        }
        prop_assert!(ex.report().planned_bytes <= ex.report().naive_bytes);
    }
}
