//! The table of functions: entries are found by name and alias, read their cases, and compute; two of one name are an error.

use minpy_core::backend::function::{self, Function, Made, Value};
use minpy_core::backend::{Driver, Item, Registry};
use minpy_core::{Array, DType, ErrorKind};
use minpy_cpu as _;

#[test]
fn functions_are_found_and_written_as_numpy_writes_them() {
    let find = |name| Function::find(name).unwrap().unwrap();
    let sum = find("sum");
    assert_eq!(
        format!("{sum:?}"),
        "sum(a, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=None)"
    );
    let argsort = find("argsort");
    assert_eq!(argsort.signature(), "(a, axis=-1, kind=None, order=None, *, stable=None)");
    assert!(std::ptr::eq(find("amax"), find("max")));
    let all: Vec<&Function> = Function::all().unwrap().collect();
    assert!(all.windows(2).all(|w| w[0].name < w[1].name));
    assert!(all.iter().all(|f| !f.cases.is_empty() && !f.doc.is_empty()));
}

#[test]
fn every_case_computes() {
    for f in Function::all().unwrap() {
        for case in f.cases {
            let mut values = function::sample(f, case).unwrap();
            f.call(&mut values).unwrap_or_else(|e| panic!("{}({case}): {e}", f.name));
        }
    }
}

#[test]
fn results_go_where_out_says_and_refusals_say_why() {
    let ptp = Function::find("ptp").unwrap().unwrap();
    let a = Array::from([[1.0, 5.0], [7.0, 2.0]]);
    let call = |out: &Array| {
        let mut values = vec![Value::Absent; ptp.parameters.len()];
        (values[0], values[2]) = (Value::Array(&a), Value::Array(out));
        ptp.call(&mut values).map(|made| matches!(made, Made::One(_)))
    };
    let out = Array::from(0.0);
    assert!(call(&out).unwrap());
    assert_eq!(out.to_vec::<f64>().unwrap(), [6.0]);
    assert_eq!(call(&Array::from([0.0, 0.0])).unwrap_err().kind(), ErrorKind::Value);
    let single = Array::empty(&[], DType::F32).unwrap();
    let refused = call(&single).unwrap_err();
    assert_eq!(
        (refused.kind(), refused.message()),
        (ErrorKind::NotNative, "ptp: out= of dtype float32, the result is float64")
    );
    assert_eq!(ptp.call(&mut []).unwrap_err().kind(), ErrorKind::Type);
    let wrong = ptp.call(&mut vec![Value::Absent; ptp.parameters.len()]).unwrap_err();
    assert_eq!(wrong.message(), "ptp: a required argument is missing");
    for text in ["f[3,4], axes=1", "q[3]", "f[3,4], 0, 0, 0, 0", "f[3"] {
        assert_eq!(function::sample(ptp, text).unwrap_err().kind(), ErrorKind::Value, "{text}");
    }
}

#[test]
fn two_functions_of_one_name_are_an_error_that_names_both() {
    static HOST: Driver = Driver { name: "cpu", probe: Vec::new, file: "host.rs", line: 1 };
    let sum = Function::find("sum").unwrap().unwrap();
    let twin: &'static Function = Box::leak(Box::new(Function {
        name: "total",
        aliases: &["sum"],
        doc: "",
        parameters: &[],
        gives: function::Gives::Nothing,
        method: false,
        constant: false,
        apart: &[],
        by_values: false,
        cases: &[],
        run: |_, _| Ok(()),
        file: "here.rs",
        line: 7,
    }));
    let items = [Item::Driver(&HOST), Item::Named(sum), Item::Named(twin)];
    let message = Registry::assemble(&items, None).err().unwrap().message().to_string();
    assert!(
        message.contains("'sum'") && message.contains("reduce.rs") && message.contains("here.rs:7"),
        "{message}"
    );
}
