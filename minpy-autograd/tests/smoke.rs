//! First checks of the engine on the CPU: values known by hand, views, in-place writes, nesting.
use minpy_autograd::{check_gradients, grad};
use minpy_core::{Array, Result, ops};
use minpy_cpu as _;

fn a(data: &[f64], shape: &[usize]) -> Array {
    Array::from_slice(data, shape).unwrap()
}
fn total(x: &Array) -> Result<Array> {
    ops::sum(x, None, false)
}

#[test]
fn square_and_views() -> Result<()> {
    let x = a(&[1.0, 2.0, 3.0], &[3]);
    let g = grad(|v| total(&ops::multiply(&v[0], &v[0])?), std::slice::from_ref(&x))?;
    assert_eq!(g[0].to_vec::<f64>()?, [2.0, 4.0, 6.0]);
    // b = a[1:]; b *= 2; sum(a * a)
    let f = |v: &[Array]| {
        let c = ops::copy(&v[0])?;
        let b = c.slice(0, 1, 1, 2);
        ops::call(
            &ops::MULTIPLY,
            Default::default(),
            &[(&b).into(), 2.0.into()],
            None,
            minpy_core::Target::Into(&b),
        )?;
        total(&ops::multiply(&c, &c)?)
    };
    assert_eq!(grad(f, std::slice::from_ref(&x))?[0].to_vec::<f64>()?, [2.0, 16.0, 24.0]);
    check_gradients(&f, &[x], 2, 1e-5)
}

#[test]
fn nested_sessions_do_not_confuse_levels() -> Result<()> {
    let x = a(&[3.0], &[]);
    let g = grad(
        |v| {
            let inner = grad(|w| ops::add(&v[0], &w[0]), &[v[0].clone()])?.remove(0);
            ops::multiply(&v[0], &inner)
        },
        &[x],
    )?;
    assert_eq!(g[0].to_vec::<f64>()?, [1.0]);
    Ok(())
}

#[test]
fn network_with_broadcast_and_matmul() -> Result<()> {
    let x = a(&[0.1, -0.4, 0.7, 1.2, -0.3, 0.5], &[2, 3]);
    let w = a(&[0.3, 0.2, -0.5, 0.8, 0.9, -0.1], &[3, 2]);
    let b = a(&[0.1, -0.2], &[2]);
    let f = |v: &[Array]| {
        let h = ops::tanh(&ops::add(&ops::dot(&v[0], &v[1])?, &v[2])?)?;
        let z = ops::subtract(&h, &ops::max(&h, Some(&[1]), true)?)?;
        let l = ops::subtract(&z, &ops::log(&ops::sum(&ops::exp(&z)?, Some(&[1]), true)?)?)?;
        ops::sum(&ops::multiply(&l, &l.t())?, None, false)
    };
    check_gradients(&f, &[x, w, b], 2, 1e-5)
}

#[test]
fn convolution_and_pooling() -> Result<()> {
    let data: Vec<f64> = (0..2 * 2 * 5 * 5).map(|i| ((i * 37) % 19) as f64 * 0.1 + i as f64 * 1e-3).collect();
    let x = a(&data, &[2, 2, 5, 5]);
    let w = a(&data[..3 * 2 * 3 * 3], &[3, 2, 3, 3]);
    let f = |v: &[Array]| {
        let y = ops::convolution(&v[0], &v[1], None, [1, 1], [1, 1])?;
        let p = ops::max_pool(&y, &ops::Window { kernel: [2, 2], stride: [1, 1], pad: [0, 0] })?;
        total(&ops::multiply(&p, &p)?)
    };
    check_gradients(&f, &[x, w], 1, 1e-4)
}

#[test]
fn cumprod_has_a_gradient_at_zero() -> Result<()> {
    let x = a(&[0.0, 2.0, 3.0], &[3]);
    let f = |v: &[Array]| total(&ops::cumprod(&v[0], 0)?);
    assert_eq!(grad(f, std::slice::from_ref(&x))?[0].to_vec::<f64>()?, [9.0, 0.0, 0.0]);
    check_gradients(&f, &[x], 2, 1e-5)?;
    check_gradients(&f, &[a(&[1.5, 0.0, -2.0, 0.0, 0.7, 1.1], &[6])], 1, 1e-5)
}

#[test]
fn two_arguments_that_share_memory_are_kept_apart() -> Result<()> {
    let x = a(&[1.0, 2.0, 3.0], &[3]);
    let f = |v: &[Array]| total(&ops::multiply(&v[0], &ops::multiply(&v[1], &v[1])?)?);
    let g = grad(f, &[x.clone(), x])?;
    assert_eq!(g[0].to_vec::<f64>()?, [1.0, 4.0, 9.0]);
    assert_eq!(g[1].to_vec::<f64>()?, [2.0, 8.0, 18.0]);
    Ok(())
}

#[test]
fn writes_without_recording_do_not_change_what_backward_sees() -> Result<()> {
    let x = a(&[1.0, 2.0, 3.0], &[3]);
    let f = |v: &[Array]| {
        let b = ops::multiply(&v[0], 1.0)?;
        let c = ops::multiply(&b, &b)?;
        minpy_autograd::no_grad(|| ops::assign(&b, 0.0))?;
        // The new contents of b are constants.
        total(&ops::add(&c, &b)?)
    };
    assert_eq!(grad(f, &[x])?[0].to_vec::<f64>()?, [2.0, 4.0, 6.0]);
    Ok(())
}
