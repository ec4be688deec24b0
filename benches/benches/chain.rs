//! Elementwise chains: how close several operations on one large array come to memory speed.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use minpy_benches::{finish, uniform};
use minpy_core::{Array, DType, Result, ops};
use std::hint::black_box;

fn axpy(a: &Array, b: &Array) -> Result<Array> {
    ops::add(&ops::multiply(a, 2.0)?, b)
}
fn gelu(x: &Array, _: &Array) -> Result<Array> {
    let cube = ops::multiply(&ops::multiply(x, x)?, x)?;
    let inner = ops::multiply(&ops::add(x, &ops::multiply(&cube, 0.044715)?)?, 0.7978845608)?;
    ops::multiply(&ops::multiply(x, 0.5)?, &ops::add(&ops::tanh(&inner)?, 1.0)?)
}

fn chain(c: &mut Criterion) {
    let mut g = c.benchmark_group("chain");
    g.sample_size(20);
    for n in [10_000, 4_000_000] {
        let (a, b) = (uniform(&[n], DType::F32), uniform(&[n], DType::F32));
        g.throughput(Throughput::Elements(n as u64));
        for (name, f) in [("axpy", axpy as fn(&Array, &Array) -> Result<Array>), ("gelu", gelu)] {
            g.bench_function(format!("{name}/{n}"), |x| {
                x.iter(|| {
                    let r = f(black_box(&a), &b).unwrap();
                    finish();
                    r
                })
            });
        }
    }
}
criterion_group!(benches, chain);
criterion_main!(benches);
