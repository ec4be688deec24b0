//! Sessions: nesting, errors, threads, foreign nodes, forward mode, dtypes, complex numbers.

use minpy_autograd::{
    ForeignRule, Session, check_gradients, grad, grad_and_loss, is_watched, jvp, no_grad, record_foreign,
    value_and_grad,
};
use minpy_core::Complex64;
use minpy_core::internal::Shared;
use minpy_core::internal::context::{RECORDING, flags};
use minpy_core::{Array, Attrs, DType, Error, ErrorKind, Result, Target, ops};
use minpy_cpu as _;

fn f64s(v: &[f64]) -> Array {
    Array::from_slice(v, &[v.len()]).unwrap()
}
fn scalar(x: f64) -> Array {
    Array::from_slice(&[x], &[]).unwrap()
}
fn value(a: &Array) -> f64 {
    a.item().unwrap().number().to_f64()
}
/// The derivative of a function of one number, recorded when it runs inside another.
fn d(f: impl Fn(&Array) -> Result<Array>, x: &Array) -> Result<Array> {
    Ok(grad(|a| f(&a[0]), std::slice::from_ref(x))?.remove(0))
}

#[test]
fn levels_are_not_confused() {
    // d/dx (x * d/dy (x + y)) is 1, not 2.
    let g = d(|x| ops::multiply(x, &d(|y| ops::add(x, y), &scalar(1.0))?), &scalar(3.0)).unwrap();
    assert_eq!(value(&g), 1.0);
    // The same with y = x handed in: d/dx (x * d/dy (x * y) at y = x) = d/dx (x * x).
    let g = d(|x| ops::multiply(x, &d(|y| ops::multiply(x, y), x)?), &scalar(3.0)).unwrap();
    assert_eq!(value(&g), 6.0);
}
#[test]
fn derivatives_of_any_order() {
    let x = scalar(0.7);
    let mut want = [0.7f64.sin(), 0.7f64.cos(), -0.7f64.sin(), -0.7f64.cos(), 0.7f64.sin()].into_iter();
    fn nth(n: usize, x: &Array) -> Result<Array> {
        if n == 0 { ops::sin(x) } else { d(|x| nth(n - 1, x), x) }
    }
    for n in 0..5 {
        assert!((value(&nth(n, &x).unwrap()) - want.next().unwrap()).abs() < 1e-12, "derivative {n}");
    }
}
#[test]
fn forward_over_reverse_gives_hessian_vector_products() {
    let f = |a: &[Array]| ops::sum(&ops::multiply(&ops::sin(&a[0])?, &ops::exp(&a[0])?)?, None, false);
    let (x, v) = (f64s(&[0.3, -0.8, 1.1]), f64s(&[1.0, 2.0, -0.5]));
    let (_, hv) = jvp(|a| Ok(grad(f, a)?.remove(0)), &[x.clone()], &[v.clone()]).unwrap();
    // (sin x e^x)'' = 2 cos x e^x
    for ((h, x), v) in
        hv.to_vec::<f64>().unwrap().iter().zip(x.to_vec::<f64>().unwrap()).zip(v.to_vec::<f64>().unwrap())
    {
        assert!((h - 2.0 * x.cos() * x.exp() * v).abs() < 1e-12);
    }
}
#[test]
fn data_dependent_branches_and_loops() {
    let f = |a: &[Array]| {
        let mut x = a[0].clone();
        while value(&x) < 10.0 {
            x = if value(&x) > 2.0 { ops::multiply(&x, &x)? } else { ops::multiply(&x, 3.0)? };
        }
        Ok(x)
    };
    // 1.5 -> 4.5 -> 20.25: y = 9 x^2
    let (y, g) = value_and_grad(f, &[scalar(1.5)]).unwrap();
    assert_eq!((value(&y), value(&g[0])), (20.25, 27.0));
    check_gradients(&f, &[scalar(1.5)], 2, 1e-5).unwrap();
}
#[test]
fn errors_close_the_tape() {
    let x = f64s(&[1.0, 2.0]);
    for _ in 0..3 {
        let r = value_and_grad(|a| ops::add(&ops::exp(&a[0])?, &f64s(&[1.0, 2.0, 3.0])), &[x.clone()]);
        assert_eq!(r.unwrap_err().kind(), ErrorKind::Value);
        assert!(flags() & RECORDING == 0 && !is_watched(&x));
        assert_eq!(x.buffer().node().load(std::sync::atomic::Ordering::Relaxed), 0);
    }
    // Inside another session too: the outer one goes on.
    let g = d(
        |x| {
            assert!(d(|_| Err(Error::new(ErrorKind::Runtime, "on purpose")), x).is_err());
            ops::multiply(x, x)
        },
        &scalar(4.0),
    );
    assert_eq!(value(&g.unwrap()), 8.0);
    // A panic as well.
    let r = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = value_and_grad(|_| panic!("on purpose"), std::slice::from_ref(&x));
    }));
    assert!(r.is_err() && flags() & RECORDING == 0);
    assert_eq!(value(&d(|x| ops::multiply(x, x), &scalar(5.0)).unwrap()), 10.0);
}
#[test]
fn memory_is_given_back() {
    let x = f64s(&[1.0; 100]);
    let y = ops::exp(&x).unwrap();
    let weak = {
        let s = Session::begin();
        let w = s.watch(&x).unwrap();
        let z = ops::multiply(&ops::exp(&w).unwrap(), &y).unwrap();
        s.gradients(&[z.clone()], None, &[w]).unwrap();
        Shared::downgrade(z.buffer())
    };
    assert!(weak.upgrade().is_none());
    assert_eq!(Shared::strong_count(y.buffer()), 1, "the tape still holds a save");
}
#[test]
fn threads_have_tapes_of_their_own() {
    let shared = f64s(&[0.5, -1.0, 2.0]);
    let want =
        |k: f64| shared.to_vec::<f64>().unwrap().iter().map(|x| k * x.powf(k - 1.0)).collect::<Vec<_>>();
    std::thread::scope(|scope| {
        for k in 2..6 {
            let shared = &shared;
            scope.spawn(move || {
                for _ in 0..200 {
                    // Every thread watches the same array.
                    let g = grad(
                        |a| ops::sum(&ops::power(&a[0], k as f64)?, None, false),
                        std::slice::from_ref(shared),
                    )
                    .unwrap();
                    for (g, w) in g[0].to_vec::<f64>().unwrap().iter().zip(want(k as f64)) {
                        assert!((g - w).abs() < 1e-12 * (1.0 + w.abs()), "thread {k}: {g} and not {w}");
                    }
                }
            });
        }
    });
}
#[test]
fn other_threads_are_not_recorded() {
    let x = scalar(2.0);
    let s = Session::begin();
    let w = s.watch(&x).unwrap();
    let inside =
        std::thread::scope(|scope| scope.spawn(|| (flags() & RECORDING, is_watched(&x))).join().unwrap());
    assert_eq!(inside, (0, false));
    assert!(is_watched(&w));
    let y = no_grad(|| ops::multiply(&w, &w)).unwrap();
    assert!(!is_watched(&y) && is_watched(&ops::multiply(&w, &y).unwrap()));
}
#[test]
fn what_does_not_depend_has_zero_gradient() {
    let (x, y) = (f64s(&[1.0, 2.0]), f64s(&[3.0, 4.0]));
    let (_, g) = value_and_grad(|a| ops::sum(&a[0], None, false), &[x.clone(), y.clone()]).unwrap();
    assert_eq!((g[0].to_vec::<f64>().unwrap(), g[1].to_vec::<f64>().unwrap()), (vec![1.0; 2], vec![0.0; 2]));
    let (_, g) = value_and_grad(|_| Ok(scalar(3.0)), &[x.clone()]).unwrap();
    assert_eq!(g[0].to_vec::<f64>().unwrap(), [0.0; 2]);
    let (_, g) = value_and_grad(|a| ops::sum(&ops::floor(&a[0])?, None, false), &[x.clone()]).unwrap();
    assert_eq!(g[0].to_vec::<f64>().unwrap(), [0.0; 2]);
    // The argument itself, and the same one twice.
    let (g, y) = grad_and_loss(|a| Ok(a[0].clone()), &[x.clone()]).unwrap();
    assert_eq!((g[0].to_vec::<f64>().unwrap(), y.to_vec::<f64>().unwrap()), (vec![1.0; 2], vec![1.0, 2.0]));
    let g = grad(|a| ops::multiply(&a[0], &a[1]), &[x.clone(), x.clone()]).unwrap();
    assert_eq!(g.len(), 2);
}
#[test]
fn integers_cannot_be_differentiated() {
    let r = grad(|a| ops::add(&a[0], 1.0), &[Array::from_slice(&[1i64, 2], &[2]).unwrap()]);
    let e = r.unwrap_err();
    assert!(e.kind() == ErrorKind::Type && e.message().contains("int64"), "{e:?}");
}
#[test]
fn mixed_dtypes() {
    let (x, y) = (Array::from_slice(&[1.5f32, 2.0], &[2]).unwrap(), f64s(&[0.5, 4.0]));
    let i = Array::from_slice(&[2i64, 3], &[2]).unwrap();
    let g = grad(
        |a| ops::sum(&ops::multiply(&ops::multiply(&a[0], &a[1])?, &i)?, None, false),
        &[x.clone(), y.clone()],
    )
    .unwrap();
    assert_eq!((g[0].dtype(), g[1].dtype()), (DType::F32, DType::F64));
    assert_eq!(g[0].to_vec::<f32>().unwrap(), [1.0, 12.0]);
    assert_eq!(g[1].to_vec::<f64>().unwrap(), [3.0, 6.0]);
    // Through a cast, and through a write into another dtype.
    let g = grad(|a| ops::sum(&ops::cast(&a[0], DType::F64)?, None, false), &[x.clone()]).unwrap();
    assert_eq!((g[0].dtype(), g[0].to_vec::<f32>().unwrap()), (DType::F32, vec![1.0; 2]));
    let write = |a: &[Array]| {
        let out = ops::zeros(&[2], DType::F64)?;
        ops::assign(&out, &a[0])?;
        ops::multiply(&out, &out)
    };
    let g = grad(write, &[x.clone()]).unwrap();
    assert_eq!((g[0].dtype(), g[0].to_vec::<f32>().unwrap()), (DType::F32, vec![3.0, 4.0]));
    let h = Array::from_slice(&[half(1.5), half(2.0)], &[2]).unwrap();
    let g = grad(|a| ops::sum(&ops::multiply(&a[0], &a[0])?, None, false), &[h]).unwrap();
    assert_eq!(
        (g[0].dtype(), ops::cast(&g[0], DType::F32).unwrap().to_vec::<f32>().unwrap()),
        (DType::F16, vec![3.0, 4.0])
    );
}
fn half(x: f64) -> minpy_core::f16 {
    minpy_core::f16::from_f64(x)
}
#[test]
fn complex_numbers() {
    let z = Array::from_slice(&[Complex64::new(0.5, -1.2), Complex64::new(2.0, 0.3)], &[2]).unwrap();
    let at = z.to_vec::<Complex64>().unwrap();
    // Holomorphic: g * f'(z), without conjugation.
    let g = grad(|a| ops::sum(&ops::multiply(&a[0], &a[0])?, None, false), &[z.clone()]).unwrap();
    for (g, z) in g[0].to_vec::<Complex64>().unwrap().iter().zip(&at) {
        assert!((g - 2.0 * z).norm() < 1e-12);
    }
    // |z|^2 through its parts: conj(2 z), as in HIPS autograd.
    let square = |a: &[Array]| {
        let (re, im) = (ops::real(&a[0])?, ops::imag(&a[0])?);
        ops::sum(&ops::add(&ops::multiply(&re, &re)?, &ops::multiply(&im, &im)?)?, None, false)
    };
    for f in [
        &square as &dyn Fn(&[Array]) -> Result<Array>,
        &|a: &[Array]| ops::sum(&ops::real(&ops::multiply(&a[0], &ops::conjugate(&a[0])?)?)?, None, false),
        &|a: &[Array]| {
            let r = ops::absolute(&a[0])?;
            ops::sum(&ops::multiply(&r, &r)?, None, false)
        },
    ] {
        let g = grad(f, &[z.clone()]).unwrap();
        for (g, z) in g[0].to_vec::<Complex64>().unwrap().iter().zip(&at) {
            assert!((g - 2.0 * z.conj()).norm() < 1e-12, "{g} for {z}");
        }
    }
    // A real argument with a complex intermediate has a real gradient.
    let x = f64s(&[0.3, 0.9]);
    let g = grad(
        |a| ops::sum(&ops::real(&ops::exp(&ops::multiply(&a[0], Complex64::new(0.0, 2.0))?)?)?, None, false),
        &[x.clone()],
    )
    .unwrap();
    assert_eq!(g[0].dtype(), DType::F64);
    for (g, x) in g[0].to_vec::<f64>().unwrap().iter().zip(x.to_vec::<f64>().unwrap()) {
        assert!((g + 2.0 * (2.0 * x).sin()).abs() < 1e-12);
    }
}
/// Complex intermediates of two real arguments, real and imaginary part, to second order.
#[test]
fn complex_functions_of_real_numbers() {
    let at = [f64s(&[1.0, -0.6, -2.0]), f64s(&[1.0, 0.8, 0.1])];
    let turn = Complex64::new(0.8, -0.3);
    let power = Complex64::new(2.0, 1.0);
    let functions: [&dyn Fn(&Array) -> Result<Array>; 6] = [
        &|z| ops::absolute(z),
        &|z| ops::sign(z),
        &|z| ops::power(z, power),
        &|z| ops::power(z, Complex64::new(0.0, 1.0)),
        &|z| ops::power(-1.3, z),
        &|z| ops::arccosh(z),
    ];
    for (k, f) in functions.iter().enumerate() {
        let parts = |a: &[Array]| {
            let z = ops::add(&a[0], &ops::multiply(&a[1], Complex64::new(0.0, 1.0))?)?;
            ops::real(&ops::multiply(&f(&z)?, turn)?)
        };
        check_gradients(&parts, &at, 2, 1e-5).unwrap_or_else(|e| panic!("function {k}: {e}"));
    }
    // d2/dx2 |x + i| at 1
    let size = |x: &Array| ops::absolute(&ops::add(x, Complex64::new(0.0, 1.0))?);
    let second = value(&d(|x| d(size, x), &scalar(1.0)).unwrap());
    assert!((second - 0.5f64.powf(1.5)).abs() < 1e-12, "{second}");
    // At 0 the sign has no direction to turn from.
    let zero = Array::from_slice(&[Complex64::new(0.0, 0.0)], &[1]).unwrap();
    let g = grad(|a| ops::sum(&ops::real(&ops::sign(&a[0])?)?, None, false), &[zero]).unwrap();
    assert_eq!(g[0].to_vec::<Complex64>().unwrap(), [Complex64::new(0.0, 0.0)]);
}
#[test]
fn shares_of_logaddexp_at_infinity() {
    let inf = f64::INFINITY;
    let args = [f64s(&[-inf, inf, inf, -inf, 0.5]), f64s(&[-inf, inf, 1.0, 1.0, 0.5])];
    for op in [&ops::LOGADDEXP, &ops::LOGADDEXP2] {
        let f = |a: &[Array]| {
            let operands = [(&a[0]).into(), (&a[1]).into()];
            ops::sum(&ops::call(op, Attrs::NONE, &operands, None, Target::New)?, None, false)
        };
        let g = grad(f, &args).unwrap();
        assert_eq!(g[0].to_vec::<f64>().unwrap(), [0.5, 0.5, 1.0, 0.0, 0.5], "{}", op.name);
        assert_eq!(g[1].to_vec::<f64>().unwrap(), [0.5, 0.5, 0.0, 1.0, 0.5], "{}", op.name);
        let again =
            grad(|a| ops::sum(&grad(f, &[a[0].clone(), args[1].clone()])?[0], None, false), &args[..1]);
        let want = [0.0, 0.0, 0.0, 0.0, if op.name == "logaddexp" { 0.25 } else { 0.25 * 2f64.ln() }];
        assert_eq!(again.unwrap()[0].to_vec::<f64>().unwrap(), want, "{}", op.name);
    }
}
#[test]
fn foreign_nodes() {
    // y = x^3, z = 2x, computed outside of dispatch.
    let run = |a: &[Array], known: bool| -> Result<Array> {
        let x = a[0].to_vec::<f64>()?;
        let y = f64s(&x.iter().map(|x| x * x * x).collect::<Vec<_>>());
        let z = f64s(&x.iter().map(|x| 2.0 * x).collect::<Vec<_>>());
        let saved = a[0].clone();
        let vjp: Box<dyn Fn(&[Option<Array>]) -> Result<Vec<Option<Array>>>> = Box::new(move |g| {
            let mut total = ops::zeros_like(&saved)?;
            if let Some(g) = &g[0] {
                total = ops::add(
                    &total,
                    &ops::multiply(g, &ops::multiply(&ops::multiply(&saved, &saved)?, 3.0)?)?,
                )?;
            }
            if let Some(g) = &g[1] {
                total = ops::add(&total, &ops::multiply(g, 2.0)?)?;
            }
            Ok(vec![Some(total)])
        });
        record_foreign(
            "cube_and_double",
            &[a[0].clone()],
            &[y.clone(), z.clone()],
            ForeignRule { vjp: known.then_some(vjp), jvp: None },
        )?;
        ops::sum(&ops::add(&ops::multiply(&y, &a[0])?, &z)?, None, false)
    };
    let x = f64s(&[0.5, -2.0]);
    // d/dx (x^4 + 2x)
    let g = grad(|a| run(a, true), &[x.clone()]).unwrap();
    assert_eq!(g[0].to_vec::<f64>().unwrap(), [4.0 * 0.125 + 2.0, -32.0 + 2.0]);
    let e = grad(|a| run(a, false), &[x.clone()]).unwrap_err();
    assert!(e.kind() == ErrorKind::NoGradient && e.message().contains("cube_and_double"), "{e:?}");
    // Not asking is fine.
    assert!(run(&[x.clone()], false).is_ok());
}
#[test]
fn seeds_and_several_outputs() {
    let s = Session::begin();
    let x = s.watch(&f64s(&[1.0, 2.0])).unwrap();
    let (y, z) = (ops::multiply(&x, &x).unwrap(), ops::exp(&x).unwrap());
    let g = s
        .gradients(&[y.clone(), z.clone()], Some(&[f64s(&[1.0, 10.0]), f64s(&[0.0, 1.0])]), &[x.clone()])
        .unwrap();
    let g = g[0].as_ref().unwrap().to_vec::<f64>().unwrap();
    assert!((g[0] - 2.0).abs() < 1e-12 && (g[1] - 40.0 - 2f64.exp()).abs() < 1e-12);
    // Several calls before the tape closes.
    let again = s.gradients(&[y], None, &[x.clone()]).unwrap();
    assert_eq!(again[0].as_ref().unwrap().to_vec::<f64>().unwrap(), [2.0, 4.0]);
    let bad = s.gradients(&[z], Some(&[f64s(&[1.0; 3])]), &[x]);
    assert_eq!(bad.unwrap_err().kind(), ErrorKind::Value);
}
#[test]
fn unwatched_arrays_are_refused() {
    let s = Session::begin();
    let x = s.watch(&scalar(1.0)).unwrap();
    assert_eq!(s.gradients(&[x], None, &[scalar(1.0)]).unwrap_err().kind(), ErrorKind::Value);
}

/// `f` of the array, held.
fn held(f: impl Fn(&Array) -> Result<Array>, x: &Array) -> Result<(Array, minpy_autograd::Held)> {
    let session = Session::begin();
    let w = session.watch(x)?;
    let y = f(&w)?;
    let held = session.hold(std::slice::from_ref(&y), &[w])?;
    Ok((y, held))
}
fn only(mut all: Vec<Option<Array>>) -> Array {
    all.remove(0).unwrap()
}
fn cube(x: &Array) -> Result<Array> {
    ops::multiply(&ops::multiply(x, x)?, x)
}

#[test]
fn a_held_call_is_differentiated_again_and_again() {
    let x = f64s(&[2.0, 3.0]);
    let (y, held) = held(cube, &x).unwrap();
    assert_eq!(y.to_vec::<f64>().unwrap(), [8.0, 27.0]);
    assert!(held.is_recorded() && !is_watched(&x));
    // What was kept is what was there.
    ops::assign(&x, 0.0).unwrap();
    for seed in [[1.0, 1.0], [0.0, 2.0]] {
        let g = only(held.gradients(&[Some(f64s(&seed))]).unwrap());
        assert_eq!(g.to_vec::<f64>().unwrap(), [12.0 * seed[0], 27.0 * seed[1]]);
        let t = only(held.tangents(&[Some(f64s(&seed))]).unwrap());
        assert_eq!(t.to_vec::<f64>().unwrap(), g.to_vec::<f64>().unwrap());
    }
    assert!(held.gradients(&[Some(f64s(&[1.0]))]).is_err());
    assert!(held.gradients(&[None]).unwrap()[0].is_none());
    // By the seed, in a session of its own.
    let seed = f64s(&[1.0, 1.0]);
    let g = grad(|s| ops::sum(&cube(&only(held.gradients(&[Some(s[0].clone())])?))?, None, false), &[seed])
        .unwrap();
    assert_eq!(g[0].to_vec::<f64>().unwrap(), [3.0 * 12f64.powi(3), 3.0 * 27f64.powi(3)]);
}
#[test]
fn a_held_call_inside_another_session_is_recorded() {
    let x = f64s(&[2.0]);
    let inner = |x: &Array| -> Result<Array> {
        let (_, held) = held(cube, x)?;
        Ok(only(held.gradients(&[Some(f64s(&[1.0]))])?))
    };
    // 6 x, and once more by a call that is held itself.
    assert_eq!(grad(|a| inner(&a[0]), std::slice::from_ref(&x)).unwrap()[0].to_f64().unwrap(), 12.0);
    let (slope, twice) = held(inner, &x).unwrap();
    assert_eq!(slope.to_f64().unwrap(), 12.0);
    assert_eq!(only(twice.gradients(&[Some(f64s(&[1.0]))]).unwrap()).to_f64().unwrap(), 12.0);
    assert_eq!(only(twice.tangents(&[Some(f64s(&[0.5]))]).unwrap()).to_f64().unwrap(), 6.0);
    // One that outlives the session around it.
    let mut kept = None;
    let f = |a: &[Array]| -> Result<Array> { cube(&a[0]) };
    let session = Session::begin();
    let w = session.watch(&x).unwrap();
    let y = f(&[w.clone()]).unwrap();
    kept.replace(held(cube, &y).unwrap().1);
    drop(session);
    let kept = kept.unwrap();
    assert_eq!(only(kept.gradients(&[Some(f64s(&[1.0]))]).unwrap()).to_f64().unwrap(), 192.0);
    let elsewhere = std::thread::spawn(move || {
        let refused = kept.gradients(&[Some(f64s(&[1.0]))]).is_err();
        drop(kept);
        refused
    });
    assert!(elsewhere.join().unwrap());
    assert_eq!(grad(|a| cube(&a[0]), std::slice::from_ref(&x)).unwrap()[0].to_f64().unwrap(), 12.0);
}
