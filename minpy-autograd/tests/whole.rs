//! Operations of several results, and operations that decompose: gradients of all results in both modes, to second order; one node
//! where the device has a kernel and there is a rule, the parts otherwise.

use minpy_autograd::{Session, check_gradients, decision, grad, jvp};
use minpy_core::backend::{DTypeSet, Input, Item, KernelCall, Meta, Metas, Slot, Structured, registry};
use minpy_core::{Array, Attrs, DType, DeviceRef, ErrorKind, OpDef, Operand, Result, Target, bail, ops};
use minpy_cpu as _;

fn data(shape: &[usize], seed: usize) -> Array {
    let n: usize = shape.iter().product();
    let v: Vec<f64> = (0..n).map(|i| 0.21 + 0.37 * ((i * 7 + seed * 3) % 11) as f64).collect();
    Array::from_slice(&v, shape).unwrap()
}
fn check(f: impl Fn(&[Array]) -> Result<Array>, x: &[Array]) {
    check_gradients(&f, x, 2, 1e-5).unwrap();
}

#[test]
fn every_result_has_a_gradient() {
    let x = data(&[3, 2], 1);
    let y = Array::from([1.3, 2.6]);
    check(|a| ops::divmod(&a[0], &a[1])?.1.square(), &[x.clone(), y.clone()]);
    check(|a| ops::modf(&a[0])?.0.square(), std::slice::from_ref(&x));
    let both = |a: &[Array]| {
        let (m, v) = ops::moments(&a[0], Some(&[0]), false, 1.0, None)?;
        ops::add(&m.square()?, &v.exp()?)
    };
    check(both, std::slice::from_ref(&x));
    check(|a| ops::log_softmax(&a[0], 0)?.square(), std::slice::from_ref(&x));
    check(|a| ops::softmax(&a[0], 0)?.square(), std::slice::from_ref(&x));
    check(|a| ops::layer_norm(&a[0], &a[1], &a[2], 1e-3)?.square(), &[x, y, data(&[2], 5)]);
}

#[test]
fn unused_and_integer_results() {
    let x = data(&[4], 2);
    // The quotient is a constant; the remainder is not asked for.
    let q = grad(|a| ops::divmod(&a[0], 0.5)?.0.sum(None, false), std::slice::from_ref(&x)).unwrap();
    assert_eq!(q[0].to_vec::<f64>().unwrap(), [0.0; 4]);
    let f = |a: &[Array]| Ok(ops::modf(&a[0])?.0);
    let (_, t) = jvp(f, std::slice::from_ref(&x), &[ops::ones_like(&x).unwrap()]).unwrap();
    assert_eq!(t.to_vec::<f64>().unwrap(), [1.0; 4]);
}

#[test]
fn results_go_into_existing_arrays_and_under_masks() {
    let x = data(&[4], 3);
    let mask = Array::from([true, false, true, true]);
    let f = |a: &[Array]| {
        let (q, r) = (a[0].multiply(2.0)?, a[0].multiply(3.0)?);
        let targets = [Target::Into(&q), Target::Into(&r)];
        let operands = [Operand::Array(&a[0]), Operand::from(0.8)];
        ops::call_all(&ops::DIVMOD, minpy_core::Attrs::NONE, &operands, Some(&mask), &targets)?;
        ops::add(&q, &r)?.sum(None, false)
    };
    // Where the mask holds: 0 of the quotient, 1 of the remainder; elsewhere 2 and 3.
    let g = grad(f, std::slice::from_ref(&x)).unwrap();
    assert_eq!(g[0].to_vec::<f64>().unwrap(), [1.0, 5.0, 1.0, 1.0]);
}

/// A kernel of one operation alone: softmax of contiguous rows in float64; anything else it refuses.
fn softmax_kernel(_: DeviceRef, call: &KernelCall) -> Result<()> {
    RUNS.set(RUNS.get() + 1);
    let axis: &ops::Axis = call.attributes()?;
    let (Input::View(x), out) = (call.inputs[0], &call.outputs[0]) else {
        bail!(Unsupported, "an array is needed")
    };
    let n = x.shape[axis.0];
    if axis.0 + 1 != x.shape.len() || !x.is_contiguous() || !out.is_contiguous() || n == 3 {
        bail!(Unsupported, "not these rows");
    }
    if n == 5 {
        bail!(Runtime, "a fault");
    }
    // SAFETY: contiguous float64 views of host memory, which overlap nothing.
    let (x, y) = unsafe {
        let size = x.size();
        let x = std::slice::from_raw_parts(x.host_ptr().cast::<f64>(), size);
        (x, std::slice::from_raw_parts_mut(out.host_ptr().cast::<f64>(), size))
    };
    for (x, y) in x.chunks(n).zip(y.chunks_mut(n)) {
        let total: f64 = x.iter().map(|x| x.exp()).sum();
        x.iter().zip(y).for_each(|(x, y)| *y = x.exp() / total);
    }
    Ok(())
}
// Of each thread: tests of this file run beside one another, and the kernel runs where it is called.
thread_local! { static RUNS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) }; }
minpy_core::kernel!(SOFTMAX: "cpu", Slot::Op("softmax"), DTypeSet::of(&[DType::F64]), softmax_kernel);

#[test]
fn a_kernel_of_its_own_comes_first_and_is_one_node() {
    registry::register(&[Item::Kernel(&SOFTMAX)]).unwrap();
    let runs = || RUNS.get();
    let x = data(&[2, 4], 4);
    let before = runs();
    let y = ops::softmax(&x, 1).unwrap();
    assert_eq!(runs(), before + 1);
    let plain = ops::softmax(&x.t(), 0).unwrap().t(); // refused: by the parts
    assert_eq!(runs(), before + 2);
    assert!(
        y.subtract(&plain).unwrap().absolute().unwrap().max(None, false).unwrap().to_f64().unwrap() < 1e-15
    );
    ops::softmax(&ops::cast(&x, DType::F32).unwrap(), 1).unwrap(); // another dtype: never asked
    assert_eq!(runs(), before + 2);

    let nodes = |f: &dyn Fn(&Array) -> Result<Array>, x: &Array| {
        let s = Session::begin();
        let x = s.watch(x).unwrap();
        let from = s.recorded();
        f(&x).unwrap();
        s.recorded() - from
    };
    // The call and its result; of the parts one each.
    assert_eq!(nodes(&|x| ops::softmax(x, 1), &x), 2);
    assert_eq!(nodes(&|x| ops::log_softmax(x, 1), &x), 6);
    check(|a| ops::softmax(&a[0], 1)?.square(), std::slice::from_ref(&x));
    check(|a| ops::softmax(&a[0], 1)?.square(), &[data(&[2, 3], 5)]);
}

#[test]
fn a_call_that_did_not_run_leaves_nothing_on_the_tape() {
    registry::register(&[Item::Kernel(&SOFTMAX)]).unwrap();
    let s = Session::begin();
    let added = |x: &Array, fails: bool| {
        let from = s.recorded();
        assert_eq!(ops::softmax(x, 1).is_err(), fails);
        // What comes next sees to what an error left behind.
        ops::exp(x).unwrap();
        s.recorded() - from
    };
    let x = |length| s.watch(&data(&[2, length], 5)).unwrap();
    let of_exp = 1;
    // The parts of float32, of which there is no kernel, are what a refused call records.
    let f32 = s.watch(&ops::cast(&data(&[2, 3], 5), DType::F32).unwrap()).unwrap();
    assert_eq!(added(&x(3), false), added(&f32, false));
    assert_eq!(added(&x(4), false), 2 + of_exp);
    assert_eq!(added(&x(5), true), of_exp);
}

#[test]
fn wrong_numbers_of_results_and_attributes_are_errors() {
    let x = data(&[4], 1);
    let one = |n: usize| {
        let targets = vec![Target::New; n];
        ops::call_all(&ops::MODF, minpy_core::Attrs::NONE, &[Operand::Array(&x)], None, &targets)
    };
    assert_eq!(one(1).unwrap_err().kind(), ErrorKind::Type);
    assert_eq!(one(3).unwrap_err().kind(), ErrorKind::Type);
    let alone = ops::call(&ops::MODF, minpy_core::Attrs::NONE, &[Operand::Array(&x)], None, Target::New);
    assert!(alone.unwrap_err().message().contains("2 results"));
    let attrs = ops::Axis(0);
    let wrong = ops::call(&ops::SUM, minpy_core::Attrs::of(&attrs), &[Operand::Array(&x)], None, Target::New);
    let e = wrong.unwrap_err();
    assert!(
        e.message().contains("sum") && e.message().contains("Along") && e.message().contains("Axis"),
        "{e}"
    );
    assert!(decision(&ops::MODF).is_ok());
}

/// Its attribute says how many gradients and tangents its rule gives; it needs two.
struct Miscounted;
impl Structured for Miscounted {
    type Attrs = usize;
    fn infer(&self, _: &'static OpDef, _: &usize, inputs: &[&Array]) -> Result<Metas> {
        let meta = || Meta { shape: inputs[0].shape().into(), dtype: inputs[0].dtype() };
        Ok([meta(), meta()].into_iter().collect())
    }
    fn lower(&self, _: &'static OpDef, _: &usize, _: &[&Array], _: &[&Array]) -> Result<()> {
        Ok(())
    }
}
minpy_core::operation!(MISCOUNTED: "miscounted", 2 => 2, Miscounted, &[(-1.0, 1.0), (-1.0, 1.0)], "Two of two.");
minpy_autograd::whole! { MISCOUNTED: []
    |s, g| Ok(vec![g[0].clone(); *s.attrs()?]),
    ~ |s, t| Ok(vec![t[0].clone(); *s.attrs()?])
}
/// A rule by input that has a map for the first alone.
struct Half;
impl Structured for Half {
    type Attrs = ();
    fn infer(&self, _: &'static OpDef, _: &(), inputs: &[&Array]) -> Result<Metas> {
        Ok(Meta::one(inputs[0].shape(), inputs[0].dtype()))
    }
    fn lower(&self, _: &'static OpDef, _: &(), _: &[&Array], _: &[&Array]) -> Result<()> {
        Ok(())
    }
}
minpy_core::operation!(HALF: "half", 2 => 1, Half, &[(-1.0, 1.0), (-1.0, 1.0)], "One of two.");
minpy_autograd::rules! { HALF: [] |_, g| Ok(g.clone());; }

#[test]
fn a_rule_of_the_wrong_length_is_an_error_that_names_the_operation() {
    let x = [data(&[3], 1), data(&[3], 2)];
    let ones = [ops::ones_like(&x[0]).unwrap(), ops::ones_like(&x[1]).unwrap()];
    for n in 0..4usize {
        let f = |a: &[Array]| {
            let operands = [Operand::Array(&a[0]), Operand::Array(&a[1])];
            let all =
                ops::call_all(&MISCOUNTED, Attrs::of(&n), &operands, None, &[Target::New, Target::New])?;
            ops::add(&all[0], &all[1])
        };
        let back = grad(|a| f(a)?.sum(None, false), &x);
        let forth = jvp(f, &x, &ones);
        for (done, what) in
            [(back.map(drop), "gradients for 2 inputs"), (forth.map(drop), "tangents for 2 results")]
        {
            match n {
                2 => done.unwrap(),
                _ => {
                    let e = done.unwrap_err();
                    let want = format!("miscounted: its rule gives {n} {what}");
                    assert_eq!((e.kind(), e.message()), (ErrorKind::Runtime, &*want));
                }
            }
        }
    }
    let half = |a: &[Array]| {
        let operands = [Operand::Array(&a[0]), Operand::Array(&a[1])];
        ops::call(&HALF, Attrs::NONE, &operands, None, Target::New)
    };
    let back = grad(|a| half(a)?.sum(None, false), &x).map(drop);
    let forth = jvp(half, &x, &ones).map(drop);
    for e in [back.unwrap_err(), forth.unwrap_err()] {
        assert!(
            e.kind() == ErrorKind::NoGradient && e.message().contains("half defined on argument 1"),
            "{e}"
        );
    }
    // The first alone has one.
    let first = |a: &[Array]| half(&[a[0].clone(), x[1].clone()])?.sum(None, false);
    assert_eq!(grad(first, &x[..1]).unwrap()[0].to_vec::<f64>().unwrap(), [1.0; 3]);
}
