//! `Function`: a symbol inside ordinary differentiated code.

mod build;
use build::*;
use minpy_autograd::Session;
use minpy_core::backend::layout::Dims;
use minpy_core::{Array, DType, ErrorKind, Scalar, ops};
use minpy_symbol::{Function, Symbol};

fn shapes(list: &[(&str, &[usize])]) -> Vec<(String, Dims)> {
    list.iter().map(|(n, s)| (n.to_string(), Dims::from(*s))).collect()
}
fn conv() -> Function {
    let net = named(
        "Convolution",
        Some("conv"),
        &[&var("x")],
        &[("kernel", [3, 3].into()), ("num_filter", 4i64.into())],
    );
    Function::new(&net, Some(&shapes(&[("x", &[2, 3, 6, 6])])), "conv").unwrap()
}
/// The derivative of a sum by central differences.
fn numerical(f: impl Fn(&Array) -> f64, at: &Array) -> Vec<f64> {
    let (v, eps) = (values(at), 1e-6);
    (0..v.len())
        .map(|k| {
            let moved = |by: f64| {
                let mut w = v.clone();
                w[k] += by;
                f(&Array::from_slice(&w, at.shape()).unwrap())
            };
            (moved(eps) - moved(-eps)) / (2.0 * eps)
        })
        .collect()
}
/// The gradient of a sum with respect to one watched array.
fn pull(session: &Session, y: &Array, leaf: &Array) -> Array {
    let found = session.gradients(std::slice::from_ref(y), None, std::slice::from_ref(leaf)).unwrap();
    found[0].clone().unwrap()
}
fn sum(a: &Array) -> f64 {
    values(&ops::contiguous(a).unwrap()).iter().sum()
}

#[test]
fn parameters_and_outputs() {
    let f = conv();
    assert_eq!(f.params().unwrap(), shapes(&[("conv_weight", &[4, 3, 3, 3]), ("conv_bias", &[4])]));
    assert_eq!(f.output_shapes().unwrap(), shapes(&[("conv_output", &[2, 4, 4, 4])]));
    assert_eq!(&*f.one_output_shape().unwrap(), [2, 4, 4, 4]);
    let two = Symbol::group(&[var("a"), var("b")]).unwrap();
    let f = Function::new(&two, Some(&shapes(&[("a", &[1]), ("b", &[2])])), "two").unwrap();
    assert!(f.one_output_shape().is_err());
    assert!(Function::new(&two, Some(&shapes(&[("a", &[1])])), "two").err().unwrap().message().contains('b'));
}

#[test]
fn a_convolution_inside_exp() {
    let f = conv();
    let (x, w, b) = (random(1, &[2, 3, 6, 6]), random(2, &[4, 3, 3, 3]), random(3, &[4]));
    let loss = |w: &Array| {
        ops::exp(
            &f.call(&[("x", x.clone()), ("conv_weight", w.clone()), ("conv_bias", b.clone())]).unwrap()[0],
        )
        .unwrap()
    };
    let session = Session::begin();
    let leaf = session.watch(&w).unwrap();
    let y = loss(&leaf);
    let g = pull(&session, &y, &leaf);
    drop(session);
    close(&values(&g), &numerical(|w| sum(&loss(w)), &w), 1e-5);
}

#[test]
fn several_calls_before_backward() {
    let net = op("tanh", &[&(&var("x") * &var("w"))], &[]);
    let f = Function::new(&net, Some(&shapes(&[("x", &[3])])), "f").unwrap();
    let w = random(5, &[3]);
    let program = |w: &Array| {
        let mut x = random(6, &[3]);
        let mut kept = Vec::new();
        for _ in 0..4 {
            x = f.call(&[("x", x), ("w", w.clone())]).unwrap().remove(0);
            kept.push(x.clone());
        }
        ops::multiply(&ops::add(&kept[3], &kept[1]).unwrap(), &kept[0]).unwrap()
    };
    for _ in 0..2 {
        let session = Session::begin();
        let leaf = session.watch(&w).unwrap();
        let y = program(&leaf);
        let g = pull(&session, &y, &leaf);
        drop(session);
        close(&values(&g), &numerical(|w| sum(&program(w)), &w), 1e-6);
    }
}

#[test]
fn several_outputs() {
    let x = var("x");
    let s = op("SliceChannel", &[&op("exp", &[&x], &[])], &[("num_outputs", 3i64.into())]);
    let f = Function::new(&s, Some(&shapes(&[("x", &[2, 3])])), "split").unwrap();
    let at = random(8, &[2, 3]);
    let program = |x: &Array| {
        let y = f.call(&[("x", x.clone())]).unwrap();
        // The second output is used twice, the third not at all.
        ops::multiply(&ops::multiply(&y[0], &y[1]).unwrap(), &y[1]).unwrap()
    };
    let session = Session::begin();
    let leaf = session.watch(&at).unwrap();
    let g = pull(&session, &program(&leaf), &leaf);
    drop(session);
    close(&values(&g), &numerical(|x| sum(&program(x)), &at), 1e-6);
}

#[test]
fn gradients_twice_and_of_gradients() {
    let net = op(
        "tanh",
        &[&op("FullyConnected", &[&var("x")], &[("num_hidden", 2i64.into()), ("no_bias", true.into())])],
        &[],
    );
    let weight = net.list_arguments()[1].clone();
    let f = Function::new(&net, Some(&shapes(&[("x", &[3, 2])])), "f").unwrap();
    let (x, w) = (random(1, &[3, 2]), random(2, &[2, 2]));
    let session = Session::begin();
    let leaf = session.watch(&w).unwrap();
    let y = f.call(&[("x", x.clone()), (&weight, leaf.clone())]).unwrap().remove(0);
    let a = pull(&session, &y, &leaf);
    let b = pull(&session, &y, &leaf);
    drop(session);
    assert_eq!(values(&a), values(&b));
    let first = |w: &Array| {
        let inner = Session::begin();
        let leaf = inner.watch(w).unwrap();
        let y = f.call(&[("x", x.clone()), (&weight, leaf.clone())]).unwrap().remove(0);
        let g = pull(&inner, &y, &leaf);
        drop(inner);
        ops::multiply(&g, &g).unwrap()
    };
    let outer = Session::begin();
    let leaf = outer.watch(&w).unwrap();
    let second = pull(&outer, &first(&leaf), &leaf);
    drop(outer);
    close(&values(&second), &numerical(|w| sum(&first(w)), &w), 1e-4);
}

#[test]
fn wrong_calls_are_named() {
    let f = conv();
    let x = random(1, &[2, 3, 6, 6]);
    let fail = |inputs: &[(&str, Array)]| f.call(inputs).unwrap_err();
    let e = fail(&[("x", x.clone()), ("weight", x.clone())]);
    assert_eq!(e.kind(), ErrorKind::Type);
    assert!(
        e.message().starts_with("conv: ")
            && e.message().contains("unknown arguments weight")
            && e.message().contains("conv_weight"),
        "{e}"
    );
    let e = fail(&[("conv_bias", random(1, &[4]))]);
    assert!(e.message().contains("missing input 'x'") && e.message().contains("(2,3,6,6)"), "{e}");
    assert_eq!(fail(&[("x", random(1, &[2, 3, 5, 6]))]).kind(), ErrorKind::Value);
    let e = fail(&[("x", x.clone()), ("conv_weight", random(1, &[4, 3, 3, 2]))]);
    assert!(e.message().contains("Convolution 'conv'") && e.message().contains("(4,3,3,2)"), "{e}");
    let e = fail(&[("x", x.clone()), ("x", x.clone())]);
    assert!(e.message().contains("twice"), "{e}");
}

#[test]
fn another_batch_size_and_arguments_left_out() {
    let f = conv();
    for n in [2, 1, 5, 2] {
        let y = f
            .call(&[
                ("x", random(1, &[n, 3, 6, 6])),
                ("conv_bias", Array::from_slice(&[1.0, 2.0, 3.0, 4.0], &[4]).unwrap()),
            ])
            .unwrap();
        // Without a weight only the bias is left.
        assert_eq!(y[0].shape(), [n, 4, 4, 4]);
        assert_eq!(&values(&y[0])[..17], [[1.0; 16].as_slice(), &[2.0]].concat());
    }
}

#[test]
fn results_belong_to_the_caller() {
    let f = Function::new(&(&var("x") * 2.0), Some(&shapes(&[("x", &[2])])), "f").unwrap();
    let first = f.call(&[("x", Array::from_slice(&[1.0, 2.0], &[2]).unwrap())]).unwrap().remove(0);
    let _second = f.call(&[("x", Array::from_slice(&[5.0, 6.0], &[2]).unwrap())]).unwrap();
    assert_eq!(values(&first), [2.0, 4.0]);
}

#[test]
fn an_argument_changed_before_its_gradient_counts_as_it_was() {
    let f = Function::new(&(&var("x") * &var("w")), Some(&shapes(&[("x", &[2])])), "f").unwrap();
    let w = random(2, &[2]);
    for (shared, nested) in [(false, false), (false, true), (true, false), (true, true)] {
        let x = random(1, &[2]);
        let before = values(&x);
        if shared {
            x.share_for_good().unwrap();
        }
        let _outer = nested.then(Session::begin);
        let session = Session::begin();
        let leaf = session.watch(&w).unwrap();
        let y = f.call(&[("x", x.clone()), ("w", leaf.clone())]).unwrap().remove(0);
        if shared {
            // As NumPy writes: past the tape.
            minpy_core::internal::dispatch::fill_raw(&x, Scalar::new(5.0f64)).unwrap();
        } else {
            ops::assign(&x, 5.0).unwrap();
        }
        // The second pass runs forward again.
        for _ in 0..2 {
            assert_eq!(values(&pull(&session, &y, &leaf)), before, "shared {shared}, nested {nested}");
        }
    }
}

#[test]
fn a_burst_of_calls_does_not_keep_its_memory() {
    const N: usize = 1 << 20;
    let net = op("tanh", &[&op("exp", &[&(&var("x") * &var("w"))], &[])], &[]);
    let f = Function::new(&net, Some(&shapes(&[("x", &[N])])), "f").unwrap();
    let (x, w) = (random(1, &[N]), random(2, &[N]));
    let used = || cpu().memory_stats().used;
    let step = |calls: usize| {
        let session = Session::begin();
        let leaf = session.watch(&w).unwrap();
        for _ in 0..calls {
            f.call(&[("x", x.clone()), ("w", leaf.clone())]).unwrap();
        }
    };
    step(4);
    let before = used();
    step(12);
    assert!(used() < before + 8 * N, "{} bytes more", used() - before);
}

#[test]
fn states_are_kept_or_updated_in_place() {
    let net = named(
        "BatchNorm",
        Some("bn"),
        &[&var("x")],
        &[("momentum", 0.0.into()), ("fix_gamma", false.into())],
    );
    let f = Function::new(&net, Some(&shapes(&[("x", &[2, 1])])), "bn").unwrap();
    let x = Array::from_slice(&[1.0, 5.0], &[2, 1]).unwrap();
    let g = Array::from_slice(&[1.0], &[1]).unwrap();
    f.call(&[("x", x.clone()), ("bn_gamma", g.clone())]).unwrap();
    let kept = f.auxiliary_states();
    assert_eq!(kept[0].0, "bn_moving_mean");
    assert_eq!(values(&kept[0].1), [3.0]);
    let mine = Array::from_slice(&[0.0], &[1]).unwrap();
    f.call(&[("x", x.clone()), ("bn_gamma", g.clone()), ("bn_moving_mean", mine.clone())]).unwrap();
    assert_eq!(values(&mine), [3.0]);
    f.set_train(false);
    assert!(!f.is_train());
    let y = f.call(&[("x", x), ("bn_gamma", g)]).unwrap();
    close(&values(&y[0]), &[-2.0 / 4.001f64.sqrt(), 2.0 / 4.001f64.sqrt()], 1e-9);
}

#[test]
fn states_outlive_calls_of_another_dtype() {
    let net = named("BatchNorm", Some("bn"), &[&var("x")], &[("momentum", 0.5.into())]);
    let f = Function::new(&net, None, "bn").unwrap();
    let x = Array::from_slice(&[1.0, 5.0], &[2, 1]).unwrap();
    let single = ops::cast(&x, DType::F32).unwrap();
    let mean = |f: &Function| values(&ops::cast(&f.auxiliary_states()[0].1, DType::F64).unwrap());
    f.call(&[("x", x.clone())]).unwrap();
    assert_eq!(mean(&f), [1.5]);
    let y = f.call(&[("x", single)]).unwrap().remove(0);
    assert_eq!(y.dtype(), DType::F32);
    assert_eq!(mean(&f), [2.25]);
    f.call(&[("x", x)]).unwrap();
    assert_eq!(mean(&f), [2.625]);
    assert_eq!(f.auxiliary_states()[0].1.dtype(), DType::F64);
    let e = f.call(&[("x", random(1, &[2, 3]))]).unwrap_err();
    assert!(e.message().contains("'bn_moving_mean' has shape (1,)"), "{e}");
    assert_eq!(mean(&f), [2.625]);
}

#[test]
fn positions_are_integers_whatever_the_dtype_of_the_numbers() {
    let rows_at = var("x");
    let net = named(
        "Embedding",
        Some("e"),
        &[&rows_at],
        &[("input_dim", 2052i64.into()), ("output_dim", 1i64.into())],
    );
    let f = Function::new(&net, Some(&shapes(&[("x", &[3])])), "e").unwrap();
    let rows: Vec<f64> = (0..2052).map(|i| (i % 7) as f64).collect();
    let weight = ops::cast(&Array::from_slice(&rows, &[2052, 1]).unwrap(), DType::F16).unwrap();
    let x = Array::from_slice(&[2049i32, 2051, 1], &[3]).unwrap();
    let y = f.call(&[("x", x.clone()), ("e_weight", weight)]).unwrap().remove(0);
    assert_eq!(y.dtype(), DType::F16);
    assert_eq!(values(&ops::cast(&y, DType::F64).unwrap()), [5.0, 0.0, 1.0]);
    // What is also a number is cast, as everywhere.
    let f = Function::new(&(&net * &rows_at), None, "both").unwrap();
    let weight = Array::from_slice(&vec![1f32; 2052], &[2052, 1]).unwrap();
    assert_eq!(f.call(&[("x", x), ("e_weight", weight)]).unwrap()[0].dtype(), DType::F32);
}
