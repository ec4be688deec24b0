//! Prints what fused elementwise programs cost: `cargo run --release -p minpy-cpu --example fused [filter [size]]`.
//! Microseconds per call, best and median of many, and nanoseconds per element, over sizes from a thousand elements up.

use minpy_core::backend::{Builder, E, Input, KernelCall, Memory, Prim, Program, View, Work};
use minpy_core::{DType, DeviceRef};
use std::sync::Arc;
use std::time::Instant;

/// Normal numbers, from a counter: the same in every run.
fn normal(i: u64) -> f64 {
    let unit = |k: u64| {
        let mut z = k.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) >> 11) as f64 / (1u64 << 53) as f64
    };
    let (u, v) = (unit(2 * i + 1), unit((2 * i + 1) << 32));
    (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

fn filled(device: DeviceRef, dtype: DType, n: usize, seed: u64) -> Memory {
    let m = device.allocate(n * dtype.size()).expect("memory");
    let value = |i: usize| normal(i as u64 + (seed << 24));
    let bytes: Vec<u8> = match dtype {
        DType::F32 => (0..n).flat_map(|i| (value(i) as f32).to_ne_bytes()).collect(),
        DType::F64 => (0..n).flat_map(|i| value(i).to_ne_bytes()).collect(),
        DType::I32 => (0..n).flat_map(|i| ((value(i) * 100.0) as i32).to_ne_bytes()).collect(),
        _ => vec![0; n * dtype.size()],
    };
    device.upload(&bytes, &m, 0).expect("upload");
    m
}

/// `exp(-(x*x + y*y) / 2) * (x - y) + tanh(x * 0.5) * 0.25 + maximum(y, 0)`
fn chain<'b>(x: E<'b>, y: E<'b>, _z: E<'b>) -> E<'b> {
    let bell = (-(x * x + y * y) / 2.0).exp();
    bell * (x - y) + (x * 0.5).tanh() * 0.25 + y.binary(Prim::Maximum, y.lit(0.0))
}
/// The same without what costs more than an instruction: what the interpreter adds is seen best.
fn cheap<'b>(x: E<'b>, y: E<'b>, _z: E<'b>) -> E<'b> {
    -(x * x + y * y) / 2.0 * (x - y) + x * 0.5 * 0.25 + y.binary(Prim::Maximum, y.lit(0.0))
}
fn axpy<'b>(x: E<'b>, y: E<'b>, z: E<'b>) -> E<'b> {
    x * y + z
}
fn exp<'b>(x: E<'b>, _y: E<'b>, _z: E<'b>) -> E<'b> {
    x.exp() * 0.5
}
fn tanh<'b>(x: E<'b>, _y: E<'b>, _z: E<'b>) -> E<'b> {
    x.tanh() * 0.5
}
/// Comparisons and choices: `where((x > y) & (y < 50), x + y, x * 2 - z)`
fn choose<'b>(x: E<'b>, y: E<'b>, z: E<'b>) -> E<'b> {
    let c = x.binary(Prim::Gt, y).binary(Prim::And, y.binary(Prim::Lt, y.lit(50.0)));
    c.select(x + y, x * 2.0 - z)
}

/// `where(x > y, x, z)`
fn pick<'b>(x: E<'b>, y: E<'b>, z: E<'b>) -> E<'b> {
    x.binary(Prim::Gt, y).select(x, z)
}

fn main() {
    minpy_cpu::register().expect("register");
    let d = minpy_core::device::host().expect("cpu");
    println!("{}, {} threads", d.capabilities().description, minpy_cpu::threads::num_threads());
    let filter = std::env::args().nth(1).unwrap_or_default();
    let only: Option<usize> = std::env::args().nth(2).and_then(|s| s.parse().ok());
    type Formula = for<'b> fn(E<'b>, E<'b>, E<'b>) -> E<'b>;
    let rows: [(&str, DType, Formula); 10] = [
        ("chain", DType::F32, chain),
        ("chain", DType::F64, chain),
        ("cheap", DType::F32, cheap),
        ("axpy", DType::F32, axpy),
        ("axpy", DType::F64, axpy),
        ("exp", DType::F32, exp),
        ("tanh", DType::F32, tanh),
        ("pick", DType::I32, pick),
        ("choose", DType::I32, choose),
        ("choose", DType::F32, choose),
    ];
    let biggest = 4_000_000;
    for (name, dtype, formula) in rows {
        let name = format!("{name} {dtype}");
        if !name.contains(&filter) {
            continue;
        }
        let b = Builder::new();
        let id = formula(b.input(dtype), b.input(dtype), b.input(dtype)).id();
        let program: Arc<Program> = Arc::new(b.finish(&name, &[id], 0));
        let [x, y, z, out] = [1, 2, 3, 4].map(|seed| filled(d, dtype, biggest, seed));
        for n in [1_000, 10_000, 100_000, 1_000_000, biggest] {
            if only.is_some_and(|only| only != n) {
                continue;
            }
            let (shape, strides) = ([n], [1isize]);
            let view = |memory| View { memory, dtype, shape: &shape, strides: &strides, offset: 0 };
            let inputs = [Input::View(view(&x)), Input::View(view(&y)), Input::View(view(&z))];
            let outputs = [view(&out)];
            let work = Work::Elementwise;
            let mut times = Vec::new();
            let start = Instant::now();
            while times.len() < 7 || start.elapsed().as_millis() < 400 && times.len() < 200_000 {
                let call = KernelCall {
                    op: "fused",
                    work: &work,
                    program: Some(&program),
                    inputs: &inputs,
                    outputs: &outputs,
                };
                let t = Instant::now();
                (minpy_cpu::elementwise::ENTRY.run)(d, &call).expect("kernel");
                times.push(t.elapsed().as_nanos() as f64);
            }
            times.sort_by(f64::total_cmp);
            let (best, median) = (times[0], times[times.len() / 2]);
            println!(
                "{name:<16} {n:>9}  min {:>10.2} us  median {:>10.2} us  {:>7.3} ns/element",
                best / 1e3,
                median / 1e3,
                best / n as f64
            );
        }
        for memory in [x, y, z, out] {
            d.free(memory);
        }
    }
}
