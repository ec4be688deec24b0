//! Reductions: along each axis of a matrix, of all of it, and the first position of the greatest.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use minpy_benches::{finish, uniform};
use minpy_core::{DType, ops};
use std::hint::black_box;

fn reduce(c: &mut Criterion) {
    let mut g = c.benchmark_group("reduce");
    g.sample_size(30);
    for (rows, columns) in [(128, 128), (2048, 2048)] {
        let a = uniform(&[rows, columns], DType::F32);
        g.throughput(Throughput::Elements((rows * columns) as u64));
        for (name, axes) in [("all", None), ("rows", Some(&[1isize][..])), ("columns", Some(&[0]))] {
            g.bench_function(format!("sum_{name}/{rows}x{columns}"), |x| {
                x.iter(|| {
                    let r = ops::sum(black_box(&a), axes, false).unwrap();
                    finish();
                    r
                })
            });
        }
        g.bench_function(format!("max_rows/{rows}x{columns}"), |x| {
            x.iter(|| ops::max(black_box(&a), Some(&[1]), false).unwrap())
        });
        g.bench_function(format!("argmax_rows/{rows}x{columns}"), |x| {
            x.iter(|| ops::argmax(black_box(&a), Some(1)).unwrap())
        });
        g.bench_function(format!("softmax/{rows}x{columns}"), |x| {
            x.iter(|| ops::softmax(black_box(&a), -1).unwrap())
        });
    }
}
criterion_group!(benches, reduce);
criterion_main!(benches);
