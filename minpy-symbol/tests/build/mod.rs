//! Short ways to write symbols and arrays in tests.
#![allow(dead_code)]

use minpy_core::{Array, DType, DeviceRef, device};
use minpy_cpu as _;
use minpy_symbol::{Known, Symbol, Value};

/// An operator on positional inputs.
pub fn op(name: &str, inputs: &[&Symbol], attrs: &[(&str, Value)]) -> Symbol {
    named(name, None, inputs, attrs)
}
/// The same with a name.
pub fn named(operator: &str, name: Option<&str>, inputs: &[&Symbol], attrs: &[(&str, Value)]) -> Symbol {
    let inputs: Vec<_> = inputs.iter().map(|s| (None, *s)).collect();
    let attrs: Vec<_> = attrs.iter().map(|(n, v)| (n.to_string(), v.clone())).collect();
    Symbol::apply(operator, name, &inputs, &attrs).unwrap()
}
/// A variable.
pub fn var(name: &str) -> Symbol {
    Symbol::variable(name)
}
/// The host device.
pub fn cpu() -> DeviceRef {
    device::host().unwrap()
}
/// A shape and a dtype that are known before inference.
pub fn known(name: &str, shape: &[usize], dtype: DType) -> Known {
    Known { name: name.to_string(), shape: Some(shape.into()), dtype: Some(dtype) }
}
/// Numbers that look random and are the same every time, in [-1, 1).
pub fn numbers(seed: u64, n: usize) -> Vec<f64> {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..n)
        .map(|_| {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            (x >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        })
        .collect()
}
/// A float64 array of such numbers.
pub fn random(seed: u64, shape: &[usize]) -> Array {
    Array::from_slice(&numbers(seed, shape.iter().product()), shape).unwrap()
}
/// conv 3x3 - relu - pool - flatten - fully connected - softmax.
pub fn conv_net() -> Symbol {
    let c = named(
        "Convolution",
        Some("conv"),
        &[&var("data")],
        &[("kernel", [3, 3].into()), ("num_filter", 4i64.into()), ("pad", [1, 1].into())],
    );
    let a = op("Activation", &[&c], &[("act_type", "tanh".into())]);
    let p = op(
        "Pooling",
        &[&a],
        &[("kernel", [2, 2].into()), ("stride", [2, 2].into()), ("pool_type", "avg".into())],
    );
    named("FullyConnected", Some("fc"), &[&op("Flatten", &[&p], &[])], &[("num_hidden", 3i64.into())])
}
/// Whether two lists of numbers agree to a relative and absolute tolerance.
#[track_caller]
pub fn close(a: &[f64], b: &[f64], tolerance: f64) {
    assert_eq!(a.len(), b.len());
    for (i, (x, y)) in a.iter().zip(b).enumerate() {
        assert!((x - y).abs() <= tolerance * (1.0 + y.abs()), "element {i}: {x} is not {y}");
    }
}
/// The values of a float64 array.
pub fn values(a: &Array) -> Vec<f64> {
    a.to_vec::<f64>().unwrap()
}
