//! A two-layer perceptron that learns which of three arms of a spiral a point lies on.
//!
//! Everything a Rust program needs is here: random numbers, operators, indexing, gradients, in-place updates.

use minpy_autograd::value_and_grad;
use minpy_core::ops::{self, Generator};
use minpy_core::{Array, DType, Number, Result};
use minpy_cpu as _; // links the CPU device

/// Number of arms.
pub const CLASSES: usize = 3;

/// `n` points (n, 2) on the arms of a noisy spiral, and the arm of each (n), as float32.
pub fn spiral(n: usize, random: &mut Generator) -> Result<(Array, Array)> {
    let arm = ops::floor(&ops::multiply(&random.uniform(&[n], DType::F32)?, CLASSES as f64)?)?;
    let radius = ops::add(&ops::multiply(&random.uniform(&[n], DType::F32)?, 0.95)?, 0.05)?;
    let noise = ops::multiply(&random.normal(&[n], DType::F32)?, 0.12)?;
    let turn = 2.0 * std::f64::consts::PI / CLASSES as f64;
    // Operators panic on shapes that do not fit; the functions return errors.
    let angle = &(&(&radius * 4.0) + &noise) + &(&arm * turn);
    let points = ops::stack(&[&radius * &ops::cos(&angle)?, &radius * &ops::sin(&angle)?], 1)?;
    Ok((points, arm))
}

/// The parameters: weights and biases of two layers.
pub fn parameters(hidden: usize, random: &mut Generator) -> Result<Vec<Array>> {
    let mut layer = |rows: usize, columns: usize| -> Result<[Array; 2]> {
        let w = random.normal(&[rows, columns], DType::F32)?;
        Ok([&w * (2.0 / rows as f64).sqrt(), ops::zeros(&[columns], DType::F32)?])
    };
    Ok([layer(2, hidden)?, layer(hidden, CLASSES)?].concat())
}

/// One score per class for every point.
pub fn scores(p: &[Array], x: &Array) -> Result<Array> {
    let h = ops::relu(&ops::add(&ops::dot(x, &p[0])?, &p[1])?)?;
    ops::add(&ops::dot(&h, &p[2])?, &p[3])
}

/// Mean cross entropy between scores and classes.
pub fn loss(p: &[Array], x: &Array, labels: &Array) -> Result<Array> {
    let s = scores(p, x)?;
    let s = ops::subtract(&s, &ops::max(&s, Some(&[1]), true)?)?;
    let total = ops::log(&ops::sum(&ops::exp(&s)?, Some(&[1]), false)?)?;
    let own = ops::sum(&ops::multiply(&s, &ops::one_hot(labels, CLASSES, DType::F32)?)?, Some(&[1]), false)?;
    ops::mean(&ops::subtract(&total, &own)?, None, false, None)
}

/// The share of points whose highest score is that of their class.
pub fn accuracy(p: &[Array], x: &Array, labels: &Array) -> Result<f64> {
    let guess = ops::argmax(&scores(p, x)?, Some(1))?;
    number(&ops::mean(&ops::equal(&guess, labels)?, None, false, None)?)
}

/// Trains with momentum for `steps` steps on the whole set; calls `report` with the step and the loss now and then.
pub fn train(
    p: &[Array],
    x: &Array,
    labels: &Array,
    steps: usize,
    mut report: impl FnMut(usize, f64),
) -> Result<f64> {
    let speed: Vec<Array> = p.iter().map(ops::zeros_like).collect::<Result<_>>()?;
    let mut last = f64::NAN;
    for step in 0..steps {
        let (value, gradients) = value_and_grad(|p| loss(p, x, labels), p)?;
        for ((p, v), g) in p.iter().zip(&speed).zip(&gradients) {
            // In place: `v` and `p` keep their memory.
            ops::assign(v, &(&(v * 0.9) - &(g * 0.1)))?;
            ops::assign(p, &(p + v))?;
        }
        last = number(&value)?;
        if step % (steps / 10).max(1) == 0 || step + 1 == steps {
            report(step, last);
        }
    }
    Ok(last)
}

fn number(a: &Array) -> Result<f64> {
    Ok(match a.item()?.number() {
        Number::Float(x) => x,
        n => n.to_f64(),
    })
}
