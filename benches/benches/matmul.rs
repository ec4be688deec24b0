//! Matrix products: square ones from small to large, transposed operands, the shapes of networks, products bound by memory.

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
    // Rows, depth, columns; which operand is a transposed view. The products of networks of several sizes, forwards and
    // backwards, and those that are bound by memory.
    let shapes = [
        ("nn", 512, 512, 512),
        ("tn", 512, 512, 512),
        ("nt", 512, 512, 512),
        ("nn", 100, 512, 512),
        ("tn", 512, 100, 512),
        ("nn", 32, 64, 64),
        ("tn", 64, 32, 64),
        ("nt", 32, 64, 64),
        ("tn", 64, 32, 10),
        ("nn", 4, 4, 4),
        ("nn", 10_000, 500, 5),
        ("tn", 500, 10_000, 5),
        ("nn", 10_000, 500, 1),
        ("tn", 500, 10_000, 1),
        ("nn", 1000, 1, 1000),
        ("nn", 1_000_000, 4, 4),
    ];
    for (views, m, k, n) in shapes {
        let operand = |rows: usize, cols: usize, transposed: bool| {
            if transposed {
                uniform(&[cols, rows], DType::F32).t()
            } else {
                uniform(&[rows, cols], DType::F32)
            }
        };
        let (a, b) = (operand(m, k, views == "tn"), operand(k, n, views == "nt"));
        g.throughput(Throughput::Elements(2 * (m * k * n) as u64));
        g.bench_function(format!("{views}/{m}x{k}x{n}"), |x| {
            x.iter(|| {
                let r = ops::matmul(black_box(&a), &b).unwrap();
                finish();
                r
            })
        });
    }
    let (x, w) = (uniform(&[128, 784], DType::F32), uniform(&[784, 64], DType::F32));
    g.throughput(Throughput::Elements(2 * 128 * 784 * 64));
    g.bench_function("layer/128x784x64", |b| b.iter(|| ops::matmul(black_box(&x), &w).unwrap()));
}
criterion_group!(benches, matmul);
criterion_main!(benches);
