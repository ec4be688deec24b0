//! What recording and walking back cost: a chain of small operations, and a step of a two-layer network.

use criterion::{Criterion, criterion_group, criterion_main};
use minpy_autograd::value_and_grad;
use minpy_benches::{finish, uniform};
use minpy_core::{Array, DType, Result, ops};
use std::hint::black_box;

fn chain(a: &[Array]) -> Result<Array> {
    let mut x = a[0].clone();
    for _ in 0..20 {
        x = ops::tanh(&ops::multiply(&x, &a[0])?)?;
    }
    ops::sum(&x, None, false)
}
fn network(p: &[Array], x: &Array, y: &Array) -> Result<Array> {
    let h = ops::tanh(&ops::add(&ops::matmul(x, &p[0])?, &p[1])?)?;
    let d = ops::subtract(&ops::add(&ops::matmul(&h, &p[2])?, &p[3])?, y)?;
    ops::mean(&ops::multiply(&d, &d)?, None, false, None)
}

fn tape(c: &mut Criterion) {
    let mut g = c.benchmark_group("tape");
    let a = [uniform(&[32], DType::F32)];
    g.bench_function("chain_forward/32", |x| x.iter(|| chain(black_box(&a)).unwrap()));
    g.bench_function("chain_gradient/32", |x| x.iter(|| value_and_grad(chain, black_box(&a)).unwrap()));
    for (batch, width) in [(32, 32), (256, 512)] {
        let u = |shape: &[usize]| uniform(shape, DType::F32);
        let p = [u(&[64, width]), u(&[width]), u(&[width, 10]), u(&[10])];
        let (x, y) = (u(&[batch, 64]), u(&[batch, 10]));
        g.bench_function(format!("step/{batch}x{width}"), |b| {
            b.iter(|| {
                let r = value_and_grad(|p| network(p, &x, &y), black_box(&p)).unwrap();
                finish();
                r
            })
        });
    }
}
criterion_group!(benches, tape);
criterion_main!(benches);
