//! Matrix products: square ones from small to large, a transposed operand, the shapes of a small network.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use minpy_benches::{finish, uniform};
use minpy_core::{DType, ops};
use std::hint::black_box;

fn matmul(c: &mut Criterion) {
    let mut g = c.benchmark_group("matmul");
    g.sample_size(20);
    for dtype in [DType::F32, DType::F64] {
        for n in [32, 256, 1024] {
            let (a, b) = (uniform(&[n, n], dtype), uniform(&[n, n], dtype));
            g.throughput(Throughput::Elements(2 * (n * n * n) as u64));
            for (name, left) in [("plain", a.clone()), ("transposed", a.t())] {
                g.bench_function(format!("{name}/{dtype}/{n}"), |x| {
                    x.iter(|| {
                        let r = ops::matmul(black_box(&left), &b).unwrap();
                        finish();
                        r
                    })
                });
            }
        }
    }
    let (x, w) = (uniform(&[128, 784], DType::F32), uniform(&[784, 64], DType::F32));
    g.throughput(Throughput::Elements(2 * 128 * 784 * 64));
    g.bench_function("layer/128x784x64", |b| b.iter(|| ops::matmul(black_box(&x), &w).unwrap()));
}
criterion_group!(benches, matmul);
criterion_main!(benches);
