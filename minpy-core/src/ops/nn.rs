//! Layers as plain functions: they are made of other operations, so every device runs and differentiates them.
//!
//! Layout is NCHW, weights are (filters, channels, kernel height, kernel width), as in MXNet.

use super::{add, assign, divide, exp, matmul, max, multiply, reshape, subtract, sum, zeros_like};
use crate::layout::{self, Layout, show};
use crate::{Array, DType, Number, Result, bail};

/// Softmax along the last axis: `exp(x - max) / sum(exp(x - max))`.
pub fn softmax(x: &Array) -> Result<Array> {
    let e = exp(&subtract(x, &max(x, Some(&[-1]), true)?)?)?;
    divide(&e, &sum(&e, Some(&[-1]), true)?)
}
/// `x . w^T + b`: x (N, D) after flattening, w (H, D), b (H).
pub fn fully_connected(x: &Array, w: &Array, b: Option<&Array>) -> Result<Array> {
    let n = *x.shape().first().ok_or_else(|| {
        crate::Error::new(crate::ErrorKind::Value, "fully_connected: data has no batch axis")
    })?;
    let features = layout::count("fully_connected", &x.shape()[1..])?;
    if w.ndim() != 2 || w.shape()[1] != features {
        bail!(
            Value,
            "fully_connected: data of shape {} does not fit weight of shape {}",
            show(x.shape()),
            show(w.shape())
        );
    }
    let y = matmul(&reshape(x, &[n as isize, features as isize])?, &w.t())?;
    match b {
        Some(b) => add(&y, b),
        None => Ok(y),
    }
}

/// Kernel, stride and padding of a window that slides over the last two axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Height and width.
    pub kernel: [usize; 2],
    /// Steps.
    pub stride: [usize; 2],
    /// Padding on each side.
    pub pad: [usize; 2],
}
impl Window {
    /// Height and width of the output for an input of `h` x `w`.
    pub fn output(&self, op: &str, h: usize, w: usize) -> Result<[usize; 2]> {
        let mut out = [0; 2];
        for (i, n) in [h, w].into_iter().enumerate() {
            let padded = n.saturating_add(self.pad[i].saturating_mul(2));
            if self.kernel[i] == 0
                || self.stride[i] == 0
                || self.stride[i] > isize::MAX as usize
                || padded < self.kernel[i]
            {
                bail!(
                    Value,
                    "{op}: kernel {:?} with stride {:?} and pad {:?} does not fit data of {h}x{w}",
                    self.kernel,
                    self.stride,
                    self.pad
                );
            }
            out[i] = (padded - self.kernel[i]) / self.stride[i] + 1;
        }
        Ok(out)
    }
}
fn check_nchw(op: &str, x: &Array) -> Result<()> {
    if x.ndim() != 4 {
        bail!(Value, "{op}: data must have shape (batch, channels, height, width), not {}", show(x.shape()));
    }
    Ok(())
}
/// `x` with a border of `value` around the last two axes.
pub fn pad2d(x: &Array, pad: [usize; 2], value: Number) -> Result<Array> {
    if pad == [0, 0] {
        return Ok(x.clone());
    }
    let (h, w) = (x.shape()[2], x.shape()[3]);
    let padded = |n: usize, pad: usize| n.saturating_add(pad.saturating_mul(2));
    let shape = [x.shape()[0], x.shape()[1], padded(h, pad[0]), padded(w, pad[1])];
    let out = Array::empty_on(x.device(), &shape, x.dtype())?;
    crate::dispatch::fill_raw(&out, value.cast(x.dtype()))?;
    assign(&out.slice(2, pad[0], 1, h).slice(3, pad[1], 1, w), x)?;
    Ok(out)
}
/// Every window as a view: (N, C, out h, out w, kernel h, kernel w). Windows overlap in memory where the stride is
/// smaller than the kernel.
pub fn windows(op: &str, x: &Array, win: &Window) -> Result<Array> {
    check_nchw(op, x)?;
    let [oh, ow] = Window { pad: [0, 0], ..*win }.output(op, x.shape()[2], x.shape()[3])?;
    let (l, s) = (x.layout(), x.layout().strides());
    let shape = [x.shape()[0], x.shape()[1], oh, ow, win.kernel[0], win.kernel[1]];
    // A stride that leads to no second window may be of any size.
    let step = |s: isize, by: usize| s.checked_mul(by as isize).unwrap_or(0);
    let strides = [s[0], s[1], step(s[2], win.stride[0]), step(s[3], win.stride[1]), s[2], s[3]];
    Ok(x.view(Layout::new(shape.as_slice(), strides.as_slice(), l.offset())))
}
/// Convolution (cross-correlation, as in every framework): x (N, C, H, W), w (O, C, kh, kw), b (O).
/// The windows are copied into one matrix per image (im2col), and the matrix product does the rest.
pub fn convolution(
    x: &Array,
    w: &Array,
    b: Option<&Array>,
    stride: [usize; 2],
    pad: [usize; 2],
) -> Result<Array> {
    check_nchw("convolution", x)?;
    if w.ndim() != 4 || w.shape()[1] != x.shape()[1] {
        bail!(
            Value,
            "convolution: data of shape {} does not fit weight of shape {}",
            show(x.shape()),
            show(w.shape())
        );
    }
    let win = Window { kernel: [w.shape()[2], w.shape()[3]], stride, pad };
    let [oh, ow] = win.output("convolution", x.shape()[2], x.shape()[3])?;
    let view = windows("convolution", &pad2d(x, pad, Number::Int(0))?, &win)?;
    // (N, C, kh, kw, oh, ow): the rows of the matrix are one filter's taps, its columns the positions.
    let taps = view.transpose(Some(&[0, 1, 4, 5, 2, 3]))?;
    let (n, o) = (x.shape()[0] as isize, w.shape()[0] as isize);
    let k = (w.shape()[1] * w.shape()[2] * w.shape()[3]) as isize;
    let columns = reshape(&taps, &[n, k, (oh * ow) as isize])?;
    let y = matmul(&reshape(w, &[1, o, k])?, &columns)?;
    let y = reshape(&y, &[n, o, oh as isize, ow as isize])?;
    match b {
        Some(b) => add(&y, &reshape(b, &[1, o, 1, 1])?),
        None => Ok(y),
    }
}
/// Greatest value of every window; padding never wins.
pub fn max_pool(x: &Array, win: &Window) -> Result<Array> {
    check_nchw("max_pool", x)?;
    win.output("max_pool", x.shape()[2], x.shape()[3])?;
    let lowest = x.dtype().int_range().map_or(Number::Float(f64::NEG_INFINITY), |r| Number::Int(r.0));
    let view = windows("max_pool", &pad2d(x, win.pad, lowest)?, win)?;
    max(&view, Some(&[4, 5]), false)
}
/// Mean of every window; padding counts as zeros (MXNet's and PyTorch's default).
pub fn avg_pool(x: &Array, win: &Window) -> Result<Array> {
    check_nchw("avg_pool", x)?;
    win.output("avg_pool", x.shape()[2], x.shape()[3])?;
    let view = windows("avg_pool", &pad2d(x, win.pad, Number::Int(0))?, win)?;
    super::mean(&view, Some(&[4, 5]), false, None)
}
/// One row per label with a one at the label: float rows for integer or float labels.
pub fn one_hot(labels: &Array, classes: usize, dtype: DType) -> Result<Array> {
    // Classes are counted in a type that holds them all: that of the labels may wrap or round.
    let counts = match labels.dtype() {
        DType::U64 => DType::U64,
        DType::F16 | DType::F32 if classes <= 1 << 24 => DType::F32,
        d if d.is_inexact() => DType::F64,
        _ => DType::I64,
    };
    let r = crate::context::with_device(labels.device(), || {
        super::ramp(Number::Int(0), Number::Int(1), classes, counts)
    })?;
    let column = labels.expand_dims(labels.ndim() as isize)?;
    super::cast(&super::equal(&column, &r)?, dtype)
}
/// Inverted dropout: elements of `x` are kept where `mask` is true and divided by the probability to keep.
pub fn dropout(x: &Array, mask: &Array, keep: f64) -> Result<Array> {
    divide(&super::select(mask, x, &zeros_like(x)?)?, keep)
}
/// Normalises over every axis but `axis` with the statistics of the batch: `(x - mean) / sqrt(var + eps) * gamma + beta`.
pub fn batch_norm(
    x: &Array,
    gamma: &Array,
    beta: &Array,
    mean: &Array,
    var: &Array,
    eps: f64,
) -> Result<Array> {
    let scale = divide(gamma, &super::sqrt(&add(var, eps)?)?)?;
    add(&multiply(&subtract(x, mean)?, &scale)?, beta)
}

crate::functions! {
    /// `exp(x)` divided by its sum along the last axis, without overflow.
    softmax(x: Array) -> Array, cases ["n[3,4]", "f[5]"]
        => softmax(x);
    /// `relu`, `sigmoid`, `tanh` or `softrelu` (MXNet's function).
    activation(x: Operand, act_type: Word = Some("relu")) -> Values, cases ["n[3,4]", "n[5], act_type='softrelu'"]
        => {
            let x = super::limit::there(x)?;
            match act_type {
                "relu" => super::relu(x),
                "sigmoid" => super::sigmoid(x),
                "tanh" => super::tanh(x),
                "softrelu" => super::logaddexp(x, 0),
                other => bail!(Value, "activation: unknown type '{other}'; there are: relu, sigmoid, tanh, softrelu"),
            }
        };
}
