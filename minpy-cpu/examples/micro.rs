//! Prints what single kernels cost: `cargo run --release -p minpy-cpu --example micro`.
//! Nanoseconds per call, best of several rounds; memory-bound rows also in GB/s, products in GFLOP/s.

use minpy_core::backend::{Builder, Fold, Input, KernelCall, Memory, Prim, Program, View, Work};
use minpy_core::{DType, DeviceRef, Scalar};
use std::sync::Arc;
use std::time::Instant;

struct Mem(Memory, DeviceRef);
impl Mem {
    fn new(device: DeviceRef, floats: usize) -> Mem {
        let m = device.allocate(floats * 4).expect("memory");
        let v: Vec<u8> = (0..floats).flat_map(|i| ((i % 13) as f32 * 0.1 + 0.1).to_ne_bytes()).collect();
        device.upload(&v, &m, 0).expect("upload");
        Mem(m, device)
    }
    fn view<'a>(&'a self, shape: &'a [usize], strides: &'a [isize]) -> View<'a> {
        View { memory: &self.0, dtype: DType::F32, shape, strides, offset: 0 }
    }
}

/// Best time of one call in nanoseconds, of many short rounds: other processes cannot disturb them all.
fn time(mut f: impl FnMut()) -> f64 {
    f();
    let t = Instant::now();
    f();
    let reps = (200_000.0 / t.elapsed().as_nanos().max(20) as f64).clamp(1.0, 2_000.0) as usize;
    let start = Instant::now();
    let mut best = f64::INFINITY;
    for round in 0..400 {
        if round >= 5 && start.elapsed().as_millis() > 300 {
            break;
        }
        let t = Instant::now();
        (0..reps).for_each(|_| f());
        best = best.min(t.elapsed().as_nanos() as f64 / reps as f64);
    }
    best
}
fn row(name: &str, ns: f64, note: String) {
    println!("{name:<44} {ns:>14.1} ns   {note}");
}
fn rate(bytes: usize, ns: f64) -> String {
    format!("{:.1} GB/s", bytes as f64 / ns)
}

fn main() {
    minpy_cpu::register().expect("register");
    let d = minpy_core::device::host().expect("cpu");
    println!("{}, {} threads", d.capabilities().description, minpy_cpu::threads::num_threads());
    let run = |entry: &minpy_core::backend::KernelEntry,
               work: &Work,
               p: Option<&Arc<Program>>,
               i: &[Input],
               o: &[View]| {
        (entry.run)(d, &KernelCall { op: "micro", work, program: p, inputs: i, outputs: o }).expect("kernel");
    };
    let ew = &minpy_cpu::elementwise::ENTRY;
    let f = DType::F32;
    let binary = |p: Prim| {
        let b = Builder::new();
        let id = b.input(f).binary(p, b.input(f)).id();
        Arc::new(b.finish(p.name(), &[id], 0))
    };
    let unary = |p: Prim| {
        let b = Builder::new();
        let id = b.input(f).unary(p).id();
        Arc::new(b.finish(p.name(), &[id], 0))
    };
    row("allocate + free 4 KiB", time(|| d.free(d.allocate(4096).expect("memory"))), String::new());
    row("allocate + free 1 MiB", time(|| d.free(d.allocate(1 << 20).expect("memory"))), String::new());

    let big = 4 << 20;
    let (x, y, z) = (Mem::new(d, big), Mem::new(d, big), Mem::new(d, big));
    for n in [32usize, 1024, 16384, 131_072, 1 << 20, big] {
        let (s, t) = ([n], [1isize]);
        let add = binary(Prim::Add);
        let (a, b, c) = (x.view(&s, &t), y.view(&s, &t), z.view(&s, &t));
        let ns = time(|| run(ew, &Work::Elementwise, Some(&add), &[Input::View(a), Input::View(b)], &[c]));
        row(&format!("add {n}"), ns, rate(12 * n, ns));
        let ns = time(|| run(ew, &Work::Elementwise, Some(&add), &[Input::View(c), Input::View(b)], &[c]));
        row(&format!("add in place {n}"), ns, rate(12 * n, ns));
    }
    let (s, t) = ([1024usize], [1isize]);
    for p in [Prim::Exp, Prim::Log, Prim::Tanh, Prim::Sin, Prim::Sqrt, Prim::Erf] {
        let u = unary(p);
        let ns =
            time(|| run(ew, &Work::Elementwise, Some(&u), &[Input::View(x.view(&s, &t))], &[z.view(&s, &t)]));
        row(&format!("{} 1024", p.name()), ns, format!("{:.2} ns/element", ns / 1024.0));
    }
    let chain = {
        let b = Builder::new();
        let (x, y) = (b.input(f), b.input(f));
        let u = x * y + 1.5;
        let v = (u * u - x) * 0.25 + y;
        let w = (v - u) * (v + u) + 2.0;
        let id = (w.abs() * 0.5 - v).id();
        Arc::new(b.finish("chain", &[id], 0))
    };
    for n in [1024usize, 65536, big] {
        let s = [n];
        let ns = time(|| {
            run(
                ew,
                &Work::Elementwise,
                Some(&chain),
                &[Input::View(x.view(&s, &t)), Input::View(y.view(&s, &t))],
                &[z.view(&s, &t)],
            )
        });
        row(&format!("chain of 13 {n}"), ns, rate(12 * n, ns));
    }
    // Broadcast rows and columns.
    for (n, h) in [(32usize, 64usize), (128, 256), (4096, 1024)] {
        let s = [n, h];
        let (full, line, column) = ([h as isize, 1], [0, 1isize], [1isize, 0]);
        let add = binary(Prim::Add);
        let ns = time(|| {
            run(
                ew,
                &Work::Elementwise,
                Some(&add),
                &[Input::View(x.view(&s, &full)), Input::View(y.view(&s, &line))],
                &[z.view(&s, &full)],
            )
        });
        row(&format!("[{n},{h}] + [{h}]"), ns, rate(8 * n * h, ns));
        let ns = time(|| {
            run(
                ew,
                &Work::Elementwise,
                Some(&add),
                &[Input::View(x.view(&s, &full)), Input::View(y.view(&s, &column))],
                &[z.view(&s, &full)],
            )
        });
        row(&format!("[{n},{h}] + [{n},1]"), ns, rate(8 * n * h, ns));
    }
    let copy = {
        let b = Builder::new();
        let id = b.input(f).id();
        Arc::new(b.finish("copy", &[id], 0))
    };
    let s = [2048usize, 2048];
    let ns = time(|| {
        run(
            ew,
            &Work::Elementwise,
            Some(&copy),
            &[Input::View(x.view(&s, &[1, 2048]))],
            &[z.view(&s, &[2048, 1])],
        )
    });
    row("copy of a transposed 2048 x 2048", ns, rate(8 * 2048 * 2048, ns));

    let red = &minpy_cpu::reduce::ENTRY;
    for (n, m) in [(1usize, 1024usize), (32, 10), (32, 1000), (1000, 1000), (1_000_000, 4), (4, 1_000_000)] {
        let ns = time(|| {
            run(
                red,
                &Work::Reduce(Fold::Add),
                Some(&copy),
                &[Input::View(x.view(&[n, m], &[m as isize, 1]))],
                &[z.view(&[n], &[1])],
            )
        });
        row(&format!("sum [{n},{m}] axis 1"), ns, rate(4 * n * m, ns));
        let ns = time(|| {
            run(
                red,
                &Work::Reduce(Fold::Add),
                Some(&copy),
                &[Input::View(x.view(&[m, n], &[1, m as isize]))],
                &[z.view(&[m], &[1])],
            )
        });
        row(&format!("sum [{n},{m}] axis 0"), ns, rate(4 * n * m, ns));
    }
    // Softmax in pieces: max over rows, exp(x - max) with its sum fused, division.
    let (n, m) = (1000usize, 1000usize);
    let (full, column, s) = ([m as isize, 1], [1isize, 0], [n, m]);
    let diff = {
        let b = Builder::new();
        let id = (b.input(f) - b.input(f)).exp().id();
        Arc::new(b.finish("exp_diff", &[id], 0))
    };
    let ns = time(|| {
        run(
            red,
            &Work::Reduce(Fold::Max),
            Some(&copy),
            &[Input::View(x.view(&s, &full))],
            &[y.view(&[n], &[1])],
        )
    });
    row("softmax: max of [1000,1000]", ns, rate(4 * n * m, ns));
    let ns = time(|| {
        run(
            ew,
            &Work::Elementwise,
            Some(&diff),
            &[Input::View(x.view(&s, &full)), Input::View(y.view(&s, &column))],
            &[z.view(&s, &full)],
        )
    });
    row("softmax: exp(x - max)", ns, rate(8 * n * m, ns));
    let ns = time(|| {
        run(
            red,
            &Work::Reduce(Fold::Add),
            Some(&diff),
            &[Input::View(x.view(&s, &full)), Input::View(y.view(&s, &column))],
            &[z.view(&[n], &[1])],
        )
    });
    row("softmax: sum(exp(x - max)) fused", ns, rate(4 * n * m, ns));

    for (m, k, n) in [
        (32usize, 64usize, 64usize),
        (64, 784, 256),
        (64, 64, 64),
        (128, 128, 128),
        (512, 512, 512),
        (1024, 1024, 1024),
        (1, 1024, 1024),
        (1024, 1024, 1),
    ] {
        let (sa, sb, sc) = ([m, k], [k, n], [m, n]);
        let flops = |ns: f64| format!("{:.1} GFLOP/s", 2.0 * (m * n * k) as f64 / ns);
        for transposed in [false, true] {
            let tb: [isize; 2] = if transposed { [1, k as isize] } else { [n as isize, 1] };
            let ns = time(|| {
                run(
                    &minpy_cpu::matmul::ENTRY,
                    &Work::Matmul,
                    None,
                    &[Input::View(x.view(&sa, &[k as isize, 1])), Input::View(y.view(&sb, &tb))],
                    &[z.view(&sc, &[n as isize, 1])],
                )
            });
            row(
                &format!("matmul {m} x {k} x {n}{}", if transposed { ", B transposed" } else { "" }),
                ns,
                flops(ns),
            );
        }
    }
    let key = [1, 2];
    let bits = View { memory: &z.0, dtype: DType::U32, shape: &[big], strides: &[1], offset: 0 };
    let ns =
        time(|| run(&minpy_cpu::random::ENTRY, &Work::RandomBits { key, counter: 0 }, None, &[], &[bits]));
    row("random bits 4M", ns, rate(4 * big, ns));
    for m in [&x, &y, &z] {
        m.1.free(m.0);
    }
    let _ = Scalar::new(0f32);
}
