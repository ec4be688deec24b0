//! What both sides compute: products, chains, reductions, copies; as a program would write them with either crate.

use crate::race::{Race, side};
use minpy_core::ops::{self, Generator};
use minpy_core::{Array, DType, context};
use ndarray::{Array2, ArrayView2, Axis, Ix2};

/// Ours, computed: what is deferred has run.
fn done(a: Array) -> Array {
    a.buffer().memory().expect("memory for a benchmark");
    a
}

fn uniform(shape: [usize; 2], dtype: DType) -> Array {
    done(Generator::new(1).uniform(&shape, dtype).expect("an array for a benchmark"))
}

macro_rules! element {
    ($module:ident $t:ident $dtype:expr) => {
        mod $module {
            use super::*;

            /// The same numbers on both sides.
            fn pair(rows: usize, columns: usize) -> (Array, Array2<$t>) {
                let a = uniform([rows, columns], $dtype);
                let v = a.to_vec::<$t>().unwrap();
                (a, Array2::from_shape_vec((rows, columns), v).unwrap())
            }
            fn ours(a: Array) -> Vec<f64> {
                let a = ops::cast(&a, DType::F64).unwrap();
                a.to_vec().unwrap()
            }
            fn theirs<D: ndarray::Dimension>(a: ndarray::Array<$t, D>) -> Vec<f64> {
                a.iter().map(|&x| f64::from(x)).collect()
            }
            fn race<D: ndarray::Dimension + 'static>(
                name: String,
                our: impl FnMut() -> Array + 'static,
                their: impl FnMut() -> ndarray::Array<$t, D> + 'static,
            ) -> Race {
                let name = format!("{} {}", stringify!($t), name);
                let mut our = our;
                Race::new(name, side(move || done(our()), ours), side(their, theirs))
            }

            pub fn products(list: &mut Vec<Race>) {
                let square = [8, 32, 64, 100, 128, 200, 256, 333, 512, 768, 1024].map(|n| (n, n, n));
                let layers = [(32, 64, 64), (100, 784, 64), (512, 512, 10), (256, 784, 256), (1, 512, 512), (512, 512, 1)];
                for (m, k, n) in square.into_iter().chain(layers) {
                    let ((a, x), (b, y)) = (pair(m, k), pair(k, n));
                    list.push(race(format!("{m}x{k} @ {k}x{n}"), move || a.matmul(&b).unwrap(), move || x.dot(&y)));
                }
                for n in [64, 512] {
                    let ((a, x), (b, y)) = (pair(n, n), pair(n, n));
                    let (a2, x2, b2, y2) = (a.clone(), x.clone(), b.clone(), y.clone());
                    list.push(race(
                        format!("transposed {n}x{n} @ {n}x{n}"),
                        move || a.t().matmul(&b).unwrap(),
                        move || x.t().dot(&y),
                    ));
                    list.push(race(
                        format!("{n}x{n} @ transposed {n}x{n}"),
                        move || a2.matmul(&b2.t()).unwrap(),
                        move || x2.dot(&y2.t()),
                    ));
                }
            }

            pub fn elementwise(list: &mut Vec<Race>) {
                for n in [32, 256, 2048] {
                    let ((a, x), (b, y)) = (pair(n, n), pair(n, n));
                    macro_rules! both {
                        ($name:literal, $a:pat, $b:pat => $our:expr, $x:pat, $y:pat => $their:expr) => {
                            let (a, x, b, y) = (a.clone(), x.clone(), b.clone(), y.clone());
                            let our = |$a: &Array, $b: &Array| $our;
                            let their = |$x: &Array2<$t>, $y: &Array2<$t>| $their;
                            list.push(race(format!("{} {n}x{n}", $name), move || our(&a, &b), move || their(&x, &y)));
                        };
                    }
                    both!("a + b", a, b => a + b, x, y => x + y);
                    both!("a * 2 + b", a, b => a * 2.0 + b, x, y => x * 2.0 + y);
                    both!("1 / (1 + a * a)", a, _ => 1.0 / (1.0 + a * a), x, _ => x.mapv(|v| 1.0 / (1.0 + v * v)));
                    both!("exp(a)", a, _ => a.exp().unwrap(), x, _ => x.mapv($t::exp));
                    both!("tanh(a)", a, _ => a.tanh().unwrap(), x, _ => x.mapv($t::tanh));
                    both!("sqrt(a)", a, _ => a.sqrt().unwrap(), x, _ => x.mapv($t::sqrt));
                    both!("max(a - 0.5, 0)", a, _ => (a - 0.5).maximum(0.0).unwrap(), x, _ => x
                        .mapv(|v| (v - 0.5).max(0.0)));
                    both!("sum", a, _ => a.sum(None, false).unwrap(), x, _ => ndarray::arr0(x.sum()));
                    both!("sum axis 0", a, _ => a.sum(0, false).unwrap(), x, _ => x.sum_axis(Axis(0)));
                    both!("sum axis 1", a, _ => a.sum(1, false).unwrap(), x, _ => x.sum_axis(Axis(1)));
                    both!("mean axis 1", a, _ => a.mean(1, false).unwrap(), x, _ => x.mean_axis(Axis(1)).unwrap());
                    both!("max", a, _ => a.max(None, false).unwrap(), x, _ => ndarray::arr0(
                        x.fold($t::NEG_INFINITY, |m, &v| m.max(v))
                    ));
                    both!("transposed copy", a, _ => ops::contiguous(&a.t()).unwrap(), x, _ => x
                        .t()
                        .as_standard_layout()
                        .into_owned());
                    both!("every other column", a, _ => every_other(a), x, _ => x.slice(ndarray::s![.., ..;2]).to_owned());
                    both!("softmax rows", a, _ => a.softmax(-1).unwrap(), x, _ => softmax(x.view()));
                }
            }
            fn every_other(a: &Array) -> Array {
                ops::contiguous(&a.slice(1, 0, 2, a.shape()[1].div_ceil(2))).unwrap()
            }
            fn softmax(x: ArrayView2<$t>) -> ndarray::Array<$t, Ix2> {
                let mut e = x.to_owned();
                for mut row in e.rows_mut() {
                    let most = row.fold($t::NEG_INFINITY, |m, &v| m.max(v));
                    row.mapv_inplace(|v| (v - most).exp());
                    let total = row.sum();
                    row /= total;
                }
                e
            }
        }
    };
}
element!(single f32 DType::F32);
element!(double f64 DType::F64);

pub fn all() -> Vec<Race> {
    context::current_device().expect("a device");
    let mut list = Vec::new();
    single::products(&mut list);
    double::products(&mut list);
    single::elementwise(&mut list);
    double::elementwise(&mut list);
    list
}
