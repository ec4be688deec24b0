//! The operation of this crate: with its kernel on `toy`, with other operations elsewhere and for other dtypes, with gradients in both
//! modes and of second order.

use minpy_autograd::{Session, check_gradients, jvp};
use minpy_core::backend::registry;
use minpy_core::{Array, DType, DeviceRef, ErrorKind, Result, context, ops, stats};
use minpy_cpu as _;
use outside_backend::polar;

fn device(kind: &str) -> DeviceRef {
    registry::global().unwrap().devices(kind)[0]
}
fn points(device: DeviceRef, dtype: DType) -> (Array, Array) {
    let of = |v: [f64; 4]| ops::cast(&Array::from(v), dtype).unwrap().to_device(device).unwrap();
    (of([3.0, 1.0, 0.5, 2.0]), of([4.0, 1.0, 2.0, 0.25]))
}

#[test]
fn the_kernel_and_its_decomposition_agree() {
    let want = [5.0, 2f64.sqrt(), 4.25f64.sqrt(), 4.0625f64.sqrt()];
    for (kind, dtype) in [("toy", DType::F32), ("toy", DType::F64), ("cpu", DType::F32), ("cpu", DType::F64)]
    {
        let (x, y) = points(device(kind), dtype);
        stats::reset();
        let (r, a) = polar(&x, &y).unwrap();
        // In float32 `toy` has a kernel; in float64 the parts run, on the host since it lacks those too.
        let by_host = stats::fallback_count();
        assert_eq!(by_host > 0, kind == "toy" && dtype == DType::F64, "{kind} {dtype}: {by_host}");
        assert_eq!((r.device(), a.dtype()), (x.device(), dtype));
        let r = ops::cast(&r, DType::F64).unwrap().to_vec::<f64>().unwrap();
        let a = ops::cast(&a, DType::F64).unwrap().to_vec::<f64>().unwrap();
        assert!(r.iter().zip(want).all(|(r, w)| (r - w).abs() < 1e-6), "{r:?}");
        assert!((a[1] - std::f64::consts::FRAC_PI_4).abs() < 1e-6);
    }
    let (x, _) = points(device("cpu"), DType::F64);
    assert_eq!(polar(&x, &x.slice(0, 0, 1, 2)).unwrap_err().kind(), ErrorKind::Value);
}

#[test]
fn gradients_follow_from_the_rule_and_from_the_parts() {
    let f = |p: &[Array]| {
        let (r, a) = polar(&p[0], &p[1])?;
        ops::add(&r.square()?, &ops::multiply(&a.sin()?, &r)?)
    };
    let (x, y) = points(device("cpu"), DType::F64);
    check_gradients(&f, &[x, y], 2, 1e-6).unwrap();

    // One node and its results with the kernel; the parts without.
    let nodes = |kind: &str, dtype| {
        let (x, y) = points(device(kind), dtype);
        let s = Session::begin();
        let x = s.watch(&x).unwrap();
        let before = s.recorded();
        polar(&x, &y).unwrap();
        s.recorded() - before
    };
    assert_eq!((nodes("toy", DType::F32), nodes("cpu", DType::F64)), (3, 2));

    let gradients = |kind: &str| -> Result<Vec<f64>> {
        let (x, y) = points(device(kind), DType::F32);
        let g = minpy_autograd::grad(|p| f(p)?.sum(None, false), &[x.clone(), y.clone()])?;
        let seeds = [ops::ones_like(&x)?, ops::ones_like(&y)?];
        let (_, t) = jvp(f, &[x, y], &seeds)?;
        let all = [&g[0], &g[1], &t].map(|a| ops::cast(a, DType::F64)?.to_vec::<f64>());
        Ok(all.into_iter().collect::<Result<Vec<_>>>()?.concat())
    };
    let (toy, cpu) = (gradients("toy").unwrap(), gradients("cpu").unwrap());
    assert!(toy.iter().zip(&cpu).all(|(a, b)| (a - b).abs() < 1e-4), "{toy:?} {cpu:?}");
}

#[test]
fn under_the_policy_only_host_the_parts_run_on_the_host() {
    let (x, y) = points(device("toy"), DType::F32);
    stats::reset();
    context::with_policy(context::Policy::OnlyHost, || polar(&x, &y)).unwrap();
    assert!(stats::fallbacks().iter().all(|f| f.op != "polar") && stats::fallback_count() == 2);
}
