//! Every elementwise operation of core's table on the first OpenCL device against the host.

mod device;

use device::{both, compare, opencl};
use minpy_core::op::{Attrs, Operand, Target};
use minpy_core::{Array, DType, OpDef, dispatch, registry};

/// Layouts of test arrays: contiguous, transposed, reversed and strided.
fn layouts(a: &Array) -> Vec<Array> {
    let n = a.shape()[0];
    vec![a.clone(), a.t(), a.slice(0, n - 1, -1, n).slice(1, 0, 2, a.shape()[1].div_ceil(2))]
}

fn call(op: &'static OpDef, inputs: &[&Array]) -> minpy_core::Result<Array> {
    let operands: Vec<Operand> = inputs.iter().map(|a| Operand::Array(a)).collect();
    dispatch::call(op, &Attrs::None, &operands, None, Target::New)
}

/// Units in the last place that a device function may be off by: OpenCL's own table allows 2 to 16.
fn tolerance(name: &str, dtype: DType) -> f64 {
    let exact = [
        "add",
        "subtract",
        "multiply",
        "negative",
        "absolute",
        "sign",
        "square",
        "maximum",
        "minimum",
        "fmax",
        "fmin",
        "floor",
        "ceil",
        "trunc",
        "rint",
        "floor_divide",
        "remainder",
        "fmod",
        "positive",
        "conjugate",
        "real",
        "imag",
        "copysign",
        "nextafter",
    ];
    match dtype {
        // A function result one unit off in float32 can round either way.
        DType::F16 => 1.0,
        // Through the logarithm, the error grows with the exponent.
        d if d.is_complex() && name == "power" => 64.0,
        d if d.is_complex()
            && !["add", "subtract", "multiply", "negative", "conjugate", "positive", "square"]
                .contains(&name) =>
        {
            16.0
        }
        _ if exact.contains(&name) => 0.0,
        // The two terms can cancel.
        _ if name.starts_with("logaddexp") => 64.0,
        _ => 16.0,
    }
}

fn run(dtypes: &[DType], every_layout: &[&str]) {
    let Some(d) = opencl() else { return };
    let registry = registry::global().expect("registry");
    let mut failures = Vec::new();
    let mut count = 0;
    for op in registry.ops() {
        if op.elementwise().is_none() {
            continue;
        }
        for &dtype in dtypes {
            if !d.capabilities().dtypes.contains(dtype) {
                continue;
            }
            let pairs: Vec<_> = (0..op.arity)
                .map(|i| {
                    let (lo, hi) = op.domain.get(i).copied().unwrap_or((-3.0, 3.0));
                    let whole = dtype.is_integer();
                    let (lo, hi) = if whole { (lo.min(-7.0), hi.max(9.0)) } else { (lo, hi) };
                    both(d, dtype, &[6, 7], lo, hi, 17 + i as u64)
                })
                .collect();
            let host: Vec<&Array> = pairs.iter().map(|p| &p.1).collect();
            let Ok(_) = call(op, &host) else { continue };
            for k in 0..if every_layout.contains(&op.name) { 3 } else { 1 } {
                let on: Vec<Array> = pairs.iter().map(|p| layouts(&p.0)[k].clone()).collect();
                let at: Vec<Array> = pairs.iter().map(|p| layouts(&p.1)[k].clone()).collect();
                let (got, want) =
                    (call(op, &on.iter().collect::<Vec<_>>()), call(op, &at.iter().collect::<Vec<_>>()));
                let what = format!("{} {dtype} layout {k}", op.name);
                count += 1;
                let outcome = match (got, want) {
                    (Ok(g), Ok(w)) => compare(&what, &g, &w, tolerance(op.name, dtype)),
                    (g, w) => Err(format!("{what}: {:?} on the device, {:?} on the host", g.err(), w.err())),
                };
                failures.extend(outcome.err());
            }
        }
    }
    let left: Vec<String> = minpy_core::stats::fallbacks().iter().map(|f| f.reason.clone()).collect();
    println!("{count} calls compared; left to the host: {left:?}");
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn float32() {
    run(&[DType::F32], &["add", "exp", "maximum", "where", "floor_divide", "isnan", "less"]);
}

#[test]
fn integers_and_bool() {
    run(&[DType::I32, DType::Bool], &["add"]);
}

#[test]
fn half_and_complex() {
    run(&[DType::F16, DType::C64], &["multiply"]);
}

/// Values at which functions change their ways.
fn edges(dtype: DType) -> Vec<u8> {
    let list: Vec<minpy_core::Number> = match dtype {
        DType::Bool => [false, true].iter().map(|&b| b.into()).collect(),
        d if d.is_integer() => {
            let (lo, hi) = d.int_range().expect("an integer");
            let list = [lo, lo + 1, -3, -1, 0, 1, 2, 3, 7, 31, 33, hi - 1, hi];
            list.iter().filter(|&&x| x >= lo).map(|&x| minpy_core::Number::Int(x)).collect()
        }
        _ => [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.5,
            -0.5,
            1.5,
            2.5,
            -2.5,
            3.0,
            -7.0,
            88.0,
            300.7,
            -4e9,
            6e4,
        ]
        .iter()
        .map(|&x| x.into())
        .collect(),
    };
    list.iter().flat_map(|n| n.cast(dtype).bytes().to_vec()).collect()
}

#[test]
fn edge_values() {
    let Some(d) = opencl() else { return };
    let mut failures = Vec::new();
    for dtype in [DType::F32, DType::I32] {
        let bytes = edges(dtype);
        let n = bytes.len() / dtype.size();
        let on = |d, shape: [usize; 2]| {
            Array::from_bytes(d, &bytes, &[n], dtype).expect("upload").reshape_view(&shape).expect("reshape")
        };
        for op in registry::global().expect("registry").ops() {
            // Every value against every other one.
            let run = |d| match op.arity {
                1 => call(op, &[&on(d, [n, 1])]),
                2 => call(op, &[&on(d, [n, 1]), &on(d, [1, n])]),
                _ => Err(minpy_core::Error::new(minpy_core::ErrorKind::Unsupported, "")),
            };
            if op.elementwise().is_some()
                && let (Ok(got), Ok(want)) = (run(d), run(device::host()))
            {
                failures.extend(
                    compare(&format!("{} {dtype}", op.name), &got, &want, tolerance(op.name, dtype)).err(),
                );
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn casts() {
    let Some(d) = opencl() else { return };
    let mut failures = Vec::new();
    let dtypes = [
        DType::Bool,
        DType::I8,
        DType::U16,
        DType::I32,
        DType::U64,
        DType::F16,
        DType::F32,
        DType::F64,
        DType::C64,
    ];
    for from in dtypes {
        let bytes = edges(from);
        let n = bytes.len() / from.size();
        for to in dtypes {
            let run =
                |d| Array::from_bytes(d, &bytes, &[n], from).and_then(|a| minpy_core::ops::cast(&a, to));
            match (run(d), run(device::host())) {
                (Ok(got), Ok(want)) => {
                    failures.extend(compare(&format!("{from} to {to}"), &got, &want, 0.0).err())
                }
                (g, w) => failures.push(format!("{from} to {to}: {:?}, {:?}", g.err(), w.err())),
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}
