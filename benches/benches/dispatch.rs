//! The fixed cost of a call: additions of small arrays in the forms that programs use.

use criterion::{Criterion, criterion_group, criterion_main};
use minpy_benches::{finish, uniform};
use minpy_core::{Attrs, DType, Operand, Target, ops};
use std::hint::black_box;

fn dispatch(c: &mut Criterion) {
    let mut g = c.benchmark_group("dispatch");
    for n in [32, 1024] {
        let (a, b) = (uniform(&[n], DType::F32), uniform(&[n], DType::F32));
        g.bench_function(format!("add/{n}"), |x| x.iter(|| ops::add(black_box(&a), &b).unwrap()));
        g.bench_function(format!("add_number/{n}"), |x| x.iter(|| ops::add(black_box(&a), 1.5).unwrap()));
        g.bench_function(format!("add_out/{n}"), |x| {
            x.iter(|| {
                ops::call(
                    &ops::ADD,
                    Attrs::NONE,
                    &[Operand::Array(&a), Operand::Array(&b)],
                    None,
                    Target::Into(&a),
                )
                .unwrap()
            })
        });
    }
    let (m, row) = (uniform(&[32, 32], DType::F32), uniform(&[32], DType::F32));
    g.bench_function("add_row/32x32", |x| x.iter(|| ops::add(black_box(&m), &row).unwrap()));
    g.bench_function("add_transposed/32x32", |x| x.iter(|| ops::add(black_box(&m), &m.t()).unwrap()));
    g.bench_function("slice", |x| x.iter(|| black_box(&m).slice(0, 4, 2, 10)));
    finish();
}
criterion_group!(benches, dispatch);
criterion_main!(benches);
