//! A two-layer perceptron that learns which of three arms of a spiral a point lies on.
//!
//! Everything a Rust program needs is here: random numbers, operators, methods, gradients, in-place updates, files.

use minpy_autograd::value_and_grad;
use minpy_core::ops::{self, Generator};
use minpy_core::{Array, DType, Result, npz};
use minpy_cpu as _; // links the CPU device
use std::f64::consts::TAU;
use std::path::Path;

/// Number of arms.
pub const CLASSES: usize = 3;

/// `n` points (n, 2) on the arms of a noisy spiral, and the arm of each (n), as float32.
pub fn spiral(n: usize, random: &mut Generator) -> Result<(Array, Array)> {
    let arm = (random.uniform(&[n], DType::F32)? * CLASSES).floor()?;
    let radius = 0.05 + 0.95 * random.uniform(&[n], DType::F32)?;
    // Operators panic on shapes that do not fit; methods return errors.
    let angle = 4.0 * &radius + 0.12 * random.normal(&[n], DType::F32)? + TAU / CLASSES as f64 * &arm;
    let points = ops::stack(&[&radius * angle.cos()?, &radius * angle.sin()?], 1)?;
    Ok((points, arm))
}

/// The parameters: weights and biases of two layers.
pub fn parameters(hidden: usize, random: &mut Generator) -> Result<Vec<Array>> {
    let mut layer = |rows: usize, columns: usize| -> Result<[Array; 2]> {
        let w = (2.0 / rows as f64).sqrt() * random.normal(&[rows, columns], DType::F32)?;
        Ok([w, ops::zeros(&[columns], DType::F32)?])
    };
    Ok([layer(2, hidden)?, layer(hidden, CLASSES)?].concat())
}

/// One score per class for every point.
pub fn scores(p: &[Array], x: &Array) -> Result<Array> {
    let h = (x.dot(&p[0])? + &p[1]).relu()?;
    Ok(h.dot(&p[2])? + &p[3])
}

/// Mean cross entropy between scores and classes.
pub fn loss(p: &[Array], x: &Array, labels: &Array) -> Result<Array> {
    let s = scores(p, x)?;
    let s = &s - s.max(1, true)?;
    let own = (&s * ops::one_hot(labels, CLASSES, DType::F32)?).sum(1, false)?;
    (s.exp()?.sum(1, false)?.log()? - own).mean(None, false)
}

/// The share of points whose highest score is that of their class.
pub fn accuracy(p: &[Array], x: &Array, labels: &Array) -> Result<f64> {
    scores(p, x)?.argmax(1)?.equal(labels)?.mean(None, false)?.to_f64()
}

/// Trains with momentum for `steps` steps on the whole set; calls `report` with the step and the loss now and then.
pub fn train(
    p: &mut [Array],
    x: &Array,
    labels: &Array,
    steps: usize,
    mut report: impl FnMut(usize, f64),
) -> Result<f64> {
    let mut speed: Vec<Array> = p.iter().map(ops::zeros_like).collect::<Result<_>>()?;
    let mut last = f64::NAN;
    for step in 0..steps {
        let (value, gradients) = value_and_grad(|p| loss(p, x, labels), p)?;
        for ((p, v), g) in p.iter_mut().zip(&mut speed).zip(&gradients) {
            // In place: `v` and `p` keep their memory.
            *v *= 0.9;
            *v -= 0.1 * g;
            *p += &*v;
        }
        last = value.to_f64()?;
        if step % (steps / 10).max(1) == 0 || step + 1 == steps {
            report(step, last);
        }
    }
    Ok(last)
}

/// The names of the parameters in a file.
const NAMES: [&str; 4] = ["w1", "b1", "w2", "b2"];

/// Writes the parameters into one file, which `np.load` reads.
pub fn save(path: impl AsRef<Path>, p: &[Array]) -> Result<()> {
    npz::save(path, NAMES.into_iter().zip(p))
}

/// Reads a file of [`save`].
pub fn load(path: impl AsRef<Path>) -> Result<Vec<Array>> {
    Ok(npz::load(path)?.into_iter().map(|(_, a)| a).collect())
}
