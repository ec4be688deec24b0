//! Saving and loading: round trips, and every way in which a file can be wrong.

mod build;
use build::*;
use minpy_core::{DType, ErrorKind};
use minpy_symbol::{Known, Symbol};
use proptest::prelude::*;

fn net() -> Symbol {
    minpy_symbol::names::reset();
    let x = Symbol::variable_with("data", Some(&[2, 3, 8, 8]), Some(DType::F32));
    let c = named("Convolution", Some("c"), &[&x], &[("kernel", [3, 3].into()), ("num_filter", 2i64.into())]);
    let b = named("BatchNorm", Some("bn"), &[&c], &[("eps", 1e-5.into()), ("momentum", 0.1f64.into())]);
    let s = named("SliceChannel", Some("s"), &[&b], &[("num_outputs", 2i64.into())]);
    Symbol::group(&[
        &s.output(1).unwrap() * 0.3,
        s.output(0).unwrap(),
        op("sum", &[&b], &[("axis", [1].into())]),
    ])
    .unwrap()
}

#[test]
fn round_trip() {
    let a = net();
    let b = Symbol::from_json(&a.to_json()).unwrap();
    assert_eq!(a.to_json(), b.to_json());
    assert_eq!(a.list_arguments(), b.list_arguments());
    assert_eq!(a.list_outputs(), b.list_outputs());
    assert_eq!(a.list_auxiliary_states(), b.list_auxiliary_states());
    assert_eq!(a.infer(&[]).unwrap(), b.infer(&[]).unwrap());
}

#[test]
fn shared_nodes_stay_shared() {
    let x = op("exp", &[&var("x")], &[]);
    let s = Symbol::from_json(&(&x + &x).to_json()).unwrap();
    assert_eq!(s.nodes().len(), 3);
}

#[test]
fn files() {
    let path = std::env::temp_dir().join(format!("minpy-symbol-{}.json", std::process::id()));
    net().save(&path).unwrap();
    assert_eq!(Symbol::load(&path).unwrap().to_json(), net().to_json());
    std::fs::write(&path, [0xff, 0xfe, 0]).unwrap();
    assert_eq!(Symbol::load(&path).unwrap_err().kind(), ErrorKind::Value);
    std::fs::remove_file(&path).unwrap();
    assert!(Symbol::load(&path).unwrap_err().message().contains("cannot read"));
}

#[test]
fn what_is_wrong_is_named() {
    let wrap = |nodes: &str, outputs: &str| {
        format!("{{\"format\":\"minpy-symbol\",\"version\":1,\"nodes\":{nodes},\"outputs\":{outputs}}}")
    };
    let x = r#"{"name":"x"}"#;
    for (text, complaint) in [
        ("".to_string(), "no JSON"),
        ("[]".to_string(), "no object"),
        ("{}".to_string(), "format is null"),
        (r#"{"format":"minpy-symbol","version":2}"#.to_string(), "version is 2"),
        (wrap("[]", "[]"), "no outputs"),
        (wrap(&format!("[{x}]"), "[[1,0]]"), "names node 1"),
        (wrap(&format!("[{x}]"), "[[0,1]]"), "result 1 of variable 'x'"),
        (wrap(&format!("[{x}]"), "[[0]]"), "no pair"),
        (wrap(&format!("[{x}]"), "[[0,-1]]"), "no pair"),
        (wrap(r#"[{"nam":"x"}]"#, "[[0,0]]"), "unknown field 'nam'"),
        (wrap(r#"[{"name":1}]"#, "[[0,0]]"), "'name' is missing"),
        (wrap(r#"[{"name":"x","shape":[-1]}]"#, "[[0,0]]"), "no shape"),
        (wrap(r#"[{"name":"x","shape":[4294967296,4294967296,4294967296]}]"#, "[[0,0]]"), "too big"),
        (wrap(r#"[{"name":"x","dtype":"float31"}]"#, "[[0,0]]"), "no dtype"),
        (
            wrap(&format!(r#"[{x},{{"name":"y","op":"expp","inputs":[[0,0]]}}]"#), "[[1,0]]"),
            "unknown operator 'expp'",
        ),
        (
            wrap(&format!(r#"[{x},{{"name":"y","op":"exp","inputs":[[1,0]]}}]"#), "[[1,0]]"),
            "not one of the 1 before",
        ),
        (
            wrap(&format!(r#"[{x},{{"name":"y","op":"exp","inputs":[]}}]"#), "[[1,0]]"),
            "takes 1 inputs, got 0",
        ),
        (
            wrap(
                &format!(r#"[{x},{{"name":"y","op":"exp","attributes":{{"q":1}},"inputs":[[0,0]]}}]"#),
                "[[1,0]]",
            ),
            "unknown attribute 'q'",
        ),
        (
            wrap(&format!(r#"[{x},{{"name":"y","op":"Concat","inputs":[]}}]"#), "[[1,0]]"),
            "at least one input",
        ),
        (
            wrap(
                &format!(
                    r#"[{x},{{"name":"y","op":"Activation","attributes":{{"act_type":{{}}}},"inputs":[[0,0]]}}]"#
                ),
                "[[1,0]]",
            ),
            "is an object",
        ),
    ] {
        let e = Symbol::from_json(&text).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Value, "{text}: {e}");
        assert!(e.message().contains(complaint), "{text}: {e}");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(Symbol::from_json(&deep).unwrap_err().kind(), ErrorKind::Value);
}

#[test]
fn damage_that_stays_valid_json_is_found() {
    let text = net().to_json();
    let changed = text.replace("\"num_filter\":2", "\"num_filter\":3");
    assert_ne!(text, changed);
    assert!(Symbol::from_json(&changed).unwrap_err().message().contains("checksum"));
}

proptest! {
    #[test]
    fn changed_bytes_never_panic(at in 0usize..4000, byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = net().to_json().into_bytes();
        let at = at % bytes.len();
        let before = bytes.clone();
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        if let Ok(text) = String::from_utf8(bytes.clone()) {
            let loaded = Symbol::from_json(&text);
            prop_assert!(bytes == before || loaded.is_err() || loaded.unwrap().to_json() == net().to_json());
        }
    }
    #[test]
    fn any_text_is_an_error_or_a_symbol(text in "\\PC*") {
        let _ = Symbol::from_json(&text);
    }
}

#[test]
fn a_loaded_symbol_binds() {
    let s = Symbol::from_json(&conv_net().to_json()).unwrap();
    let mut e = s.simple_bind(cpu(), &[Known::shape("data", &[1, 1, 4, 4])], |_| Default::default()).unwrap();
    e.forward(true).unwrap();
    e.backward(None).unwrap();
}
