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
        "add", "subtract", "multiply", "negative", "absolute", "sign", "square", "maximum", "minimum", "fmax", "fmin", "floor", "ceil",
        "trunc", "rint", "floor_divide", "remainder", "fmod", "positive", "conjugate", "real", "imag", "copysign", "nextafter",
    ];
    match dtype {
        // A function result one unit off in float32 can round either way.
        DType::F16 => 1.0,
        // Through the logarithm, the error grows with the exponent.
        d if d.is_complex() && name == "power" => 64.0,
        d if d.is_complex() && !["add", "subtract", "multiply", "negative", "conjugate", "positive", "square"].contains(&name) => 16.0,
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
                let (got, want) = (call(op, &on.iter().collect::<Vec<_>>()), call(op, &at.iter().collect::<Vec<_>>()));
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
