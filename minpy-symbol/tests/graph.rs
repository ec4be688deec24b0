//! Composition: names, their order, indexing, arithmetic, and mistakes.

mod build;
use build::*;
use minpy_core::ErrorKind;
use minpy_symbol::{Symbol, Value, names};

#[test]
fn automatic_names_and_order_of_arguments() {
    names::reset();
    let a = op("FullyConnected", &[&var("data")], &[("num_hidden", 4i64.into())]);
    let b = op("Activation", &[&a], &[("act_type", "relu".into())]);
    let c = op("FullyConnected", &[&b], &[("num_hidden", 2i64.into())]);
    let net = named("SoftmaxOutput", Some("softmax"), &[&c], &[]);
    let want = [
        "data",
        "fullyconnected0_weight",
        "fullyconnected0_bias",
        "fullyconnected1_weight",
        "fullyconnected1_bias",
        "softmax_label",
    ];
    assert_eq!(net.list_arguments(), want);
    assert_eq!(net.list_outputs(), ["softmax_output"]);
    assert_eq!(net.name(), Some("softmax"));
    assert_eq!(net.internals().list_outputs()[3..5], ["fullyconnected0_output", "activation0_output"]);
}

#[test]
fn auxiliary_states_are_no_arguments() {
    let net = named("BatchNorm", Some("bn"), &[&var("x")], &[]);
    assert_eq!(net.list_arguments(), ["x", "bn_gamma", "bn_beta"]);
    assert_eq!(net.list_auxiliary_states(), ["bn_moving_mean", "bn_moving_var"]);
    let wrong = Symbol::apply(
        "BatchNorm",
        None,
        &[(None, &var("x")), (Some("moving_mean"), &op("exp", &[&var("m")], &[]))],
        &[],
    );
    assert!(wrong.unwrap_err().message().contains("must be a variable"));
}

#[test]
fn parameters_can_be_shared() {
    let (w, b) = (var("w"), var("b"));
    let layer = |x: &Symbol| {
        Symbol::apply(
            "FullyConnected",
            None,
            &[(None, x), (Some("weight"), &w), (Some("bias"), &b)],
            &[("num_hidden".into(), Value::Int(3))],
        )
        .unwrap()
    };
    assert_eq!(layer(&layer(&var("x"))).list_arguments(), ["x", "w", "b"]);
}

#[test]
fn several_outputs() {
    let s = named("SliceChannel", Some("s"), &[&var("x")], &[("num_outputs", 3i64.into())]);
    assert_eq!((s.len(), s.list_outputs()[2].as_str()), (3, "s_output2"));
    assert_eq!(s.output(1).unwrap().list_outputs(), ["s_output1"]);
    assert_eq!(s.output_named("s_output0").unwrap().len(), 1);
    assert_eq!(s.output(3).unwrap_err().kind(), ErrorKind::Index);
    let e = Symbol::apply("exp", None, &[(None, &s)], &[]).unwrap_err();
    assert!(e.message().contains("has 3"), "{e}");
    let both = Symbol::group(&[s.output(0).unwrap(), var("y")]).unwrap();
    assert_eq!(both.list_outputs(), ["s_output0", "y"]);
}

#[test]
fn arithmetic_reads_like_arithmetic() {
    let (a, b) = (var("a"), var("b"));
    let e = &(&(&a + &b) * 2.0) - &(-&a);
    assert_eq!(e.list_arguments(), ["a", "b"]);
    assert!(Symbol::binary("power", &a, &b).is_ok());
    assert!(
        Symbol::binary_scalar("divide", &a, 1.0, true)
            .unwrap()
            .name()
            .unwrap()
            .starts_with("_rdivide_scalar")
    );
}

#[test]
fn mistakes_are_named() {
    let x = var("x");
    let fail = |op: &str, attrs: &[(&str, Value)]| {
        let attrs: Vec<_> = attrs.iter().map(|(n, v)| (n.to_string(), v.clone())).collect();
        Symbol::apply(op, Some("n"), &[(None, &x)], &attrs).unwrap_err()
    };
    assert!(fail("FulyConnected", &[]).message().contains("unknown operator 'FulyConnected'"));
    assert!(fail("fullyconnected", &[]).message().contains("FullyConnected"));
    let e = fail("FullyConnected", &[]);
    assert_eq!(e.message(), "FullyConnected 'n': required attribute 'num_hidden' is missing");
    let e = fail("FullyConnected", &[("num_hidden", 3i64.into()), ("bias", 1i64.into())]);
    assert_eq!(e.kind(), ErrorKind::Type);
    assert!(e.message().contains("unknown attribute 'bias'") && e.message().contains("no_bias"), "{e}");
    let e = fail("Activation", &[("act_type", "rleu".into())]);
    assert_eq!(e.kind(), ErrorKind::Value);
    assert!(e.message().contains("Activation 'n'") && e.message().contains("'softrelu'"), "{e}");
    for (name, wrong) in [
        ("num_hidden", Value::Int(0)),
        ("num_hidden", Value::Float(2.5)),
        ("no_bias", Value::Int(7)),
        ("num_hidden", Value::Int(i64::MAX)),
    ] {
        assert_eq!(
            fail("FullyConnected", &[(name, wrong)]).kind(),
            if name == "no_bias" { ErrorKind::Type } else { ErrorKind::Value }
        );
    }
    assert_eq!(
        fail("Convolution", &[("num_filter", 3i64.into()), ("kernel", [3, 3, 3].into())]).kind(),
        ErrorKind::Value
    );
    let e =
        Symbol::apply("Activation", Some("n"), &[(Some("dat"), &x)], &[("act_type".into(), "relu".into())])
            .unwrap_err();
    assert!(e.message().contains("has no input 'dat'"), "{e}");
    let e = Symbol::apply("exp", Some("n"), &[(None, &x), (None, &x)], &[]).unwrap_err();
    assert!(e.message().contains("takes 1 inputs (data), got 2"), "{e}");
}

#[test]
fn attributes_may_be_text_and_hints_are_ignored() {
    let text = |s: &str| Value::Text(s.to_string());
    let net = op(
        "Convolution",
        &[&var("x")],
        &[
            ("kernel", text("(3, 3)")),
            ("num_filter", text("32")),
            ("no_bias", text("True")),
            ("cudnn_tune", text("off")),
        ],
    );
    assert_eq!(net.list_arguments().len(), 2);
}

#[test]
fn a_long_chain_is_built_listed_and_dropped() {
    let mut s = var("x");
    for _ in 0..200_000 {
        s = &s + 1.0;
    }
    assert_eq!(s.list_arguments(), ["x"]);
}
