//! Layers. Those that a device may have a kernel for are operations with a decomposition; the others are plain functions. Either
//! way they are made of other operations where there is no kernel, so every device runs and differentiates them.
//!
//! Layout is NCHW, weights are (filters, channels, kernel height, kernel width), as in MXNet.

use super::{
    Axis, add, assign, call, call_each, divide, exp, log, matmul, max, moments, multiply, reshape, sqrt,
    subtract, sum, swapaxes, zeros_like,
};
use crate::layout::{self, Layout, normalize_axis, show};
use crate::op::{OpDef, Operand, Structured, promoted_dtype};
use crate::{Array, Arrays, Attrs, DType, Meta, Metas, Number, Result, Target, bail, operation};
use smallvec::{SmallVec, smallvec};

/// Softmax and its logarithm along an axis.
struct Softmax {
    log: bool,
}
impl Structured for Softmax {
    type Attrs = Axis;
    const DECOMPOSES: bool = true;

    fn input_dtype(&self, _: &Axis, inputs: &[Operand], _: usize) -> Option<DType> {
        Some(inputs[0].dtype().as_float())
    }
    fn infer(&self, _: &'static OpDef, _: &Axis, inputs: &[&Array]) -> Result<Metas> {
        Ok(Meta::one(inputs[0].shape(), inputs[0].dtype()))
    }
    fn decompose(&self, _: &'static OpDef, axis: &Axis, inputs: &[&Array]) -> Result<Arrays> {
        if inputs[0].size() == 0 {
            return Ok(smallvec![inputs[0].clone()]);
        }
        // Rows are computed in one piece.
        let turned = |a: &Array| -> Result<Array> { swapaxes(a, axis.0 as isize, -1) };
        let x = turned(inputs[0])?;
        let shifted = subtract(&x, &max(&x, Some(&[-1]), true)?)?;
        let e = exp(&shifted)?;
        let total = sum(&e, Some(&[-1]), true)?;
        let y = if self.log { subtract(&shifted, &log(&total)?)? } else { divide(&e, &total)? };
        Ok(smallvec![turned(&y)?])
    }
}
operation!(pub SOFTMAX: "softmax", 1 => 1, Softmax { log: false }, &[(-3.0, 3.0)], "exp(x - max) / sum(exp(x - max)) along an axis.");
operation!(pub LOG_SOFTMAX: "log_softmax", 1 => 1, Softmax { log: true }, &[(-3.0, 3.0)], "x - log(sum(exp(x))) along an axis, without overflow.");

fn along_axis(op: &'static OpDef, x: &Array, axis: isize) -> Result<Array> {
    let axis = Axis(normalize_axis(op.name, axis, x.ndim())?);
    call(op, Attrs::of(&axis), &[Operand::Array(x)], None, Target::New)
}
/// Softmax along an axis: `exp(x - max) / sum(exp(x - max))`.
///
/// # Errors
/// [`ErrorKind::Axis`](crate::ErrorKind::Axis) for an axis that the array does not have.
pub fn softmax(x: &Array, axis: isize) -> Result<Array> {
    along_axis(&SOFTMAX, x, axis)
}
/// The logarithm of softmax along an axis, without overflow: `x - max - log(sum(exp(x - max)))`.
///
/// # Errors
/// [`ErrorKind::Axis`](crate::ErrorKind::Axis) for an axis that the array does not have.
pub fn log_softmax(x: &Array, axis: isize) -> Result<Array> {
    along_axis(&LOG_SOFTMAX, x, axis)
}

/// Attributes of `LAYER_NORM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Trailing {
    /// Number of trailing axes that are normalised.
    pub axes: usize,
    /// Bits of the number that is added to the variance.
    eps: u64,
}
impl Trailing {
    /// What is added to the variance.
    pub fn eps(&self) -> f64 {
        f64::from_bits(self.eps)
    }
}
/// Inputs: x, then scale and shift of the shape of the normalised axes. Results: the normalised values, mean and variance (with axes
/// of size 1).
struct LayerNorm;
impl Structured for LayerNorm {
    type Attrs = Trailing;
    const DECOMPOSES: bool = true;

    fn input_dtype(&self, _: &Trailing, inputs: &[Operand], _: usize) -> Option<DType> {
        promoted_dtype("layer_norm", inputs).ok().map(|d| d.as_float())
    }
    fn infer(&self, op: &'static OpDef, attrs: &Trailing, inputs: &[&Array]) -> Result<Metas> {
        let x = inputs[0];
        let at = x.ndim().checked_sub(attrs.axes).filter(|_| attrs.axes > 0);
        let Some(at) = at.filter(|&at| inputs[1..].iter().all(|p| p.shape() == &x.shape()[at..])) else {
            bail!(
                Value,
                "{}: scale {} and shift {} have to have the shape of the last axes of data of shape {}",
                op.name,
                show(inputs[1].shape()),
                show(inputs[2].shape()),
                show(x.shape())
            );
        };
        let meta = |shape: layout::Dims| Meta { shape, dtype: x.dtype() };
        let rows: layout::Dims =
            x.shape().iter().enumerate().map(|(i, &n)| if i < at { n } else { 1 }).collect();
        Ok([meta(x.shape().into()), meta(rows.clone()), meta(rows)].into_iter().collect())
    }
    fn decompose(&self, _: &'static OpDef, attrs: &Trailing, inputs: &[&Array]) -> Result<Arrays> {
        let axes: SmallVec<[isize; 6]> = (1..=attrs.axes as isize).map(|i| -i).collect();
        let (mean, var) = moments(inputs[0], Some(&axes), true, 0.0, None)?;
        let scaled = divide(&subtract(inputs[0], &mean)?, &sqrt(&add(&var, attrs.eps())?)?)?;
        let y = add(&multiply(&scaled, inputs[1])?, inputs[2])?;
        Ok([y, mean, var].into_iter().collect())
    }
}
operation!(pub LAYER_NORM: "layer_norm", 3 => 3, LayerNorm, &[(-3.0, 3.0), (0.5, 2.0), (-1.0, 1.0)],
    "(x - mean) / sqrt(variance + eps) * scale + shift over the last axes, mean and variance.");

/// Layer normalisation over the last axes (Ba, Kiros, Hinton, arXiv:1607.06450): `(x - mean) / sqrt(var + eps) * scale + shift`
/// with the mean and variance of each row; `scale` and `shift` have the shape of the axes that are normalised.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for shapes that do not fit.
pub fn layer_norm(x: &Array, scale: &Array, shift: &Array, eps: f64) -> Result<Array> {
    let attrs = Trailing { axes: scale.ndim(), eps: eps.to_bits() };
    let operands = [Operand::Array(x), Operand::Array(scale), Operand::Array(shift)];
    let [y, _, _] = call_each(&LAYER_NORM, Attrs::of(&attrs), &operands)?;
    Ok(y)
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
/// Attributes of `CONVOLUTION`: steps and padding of the last two axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sliding {
    /// Steps.
    pub stride: [usize; 2],
    /// Padding on each side.
    pub pad: [usize; 2],
}
/// Inputs: data (N, C, H, W) and weight (O, C, kh, kw).
struct Convolution;
impl Convolution {
    fn window(attrs: &Sliding, w: &Array) -> Window {
        Window { kernel: [w.shape()[2], w.shape()[3]], stride: attrs.stride, pad: attrs.pad }
    }
}
impl Structured for Convolution {
    type Attrs = Sliding;
    const DECOMPOSES: bool = true;

    fn input_dtype(&self, _: &Sliding, inputs: &[Operand], _: usize) -> Option<DType> {
        promoted_dtype("convolution", inputs).ok()
    }
    fn infer(&self, op: &'static OpDef, attrs: &Sliding, inputs: &[&Array]) -> Result<Metas> {
        let (x, w) = (inputs[0], inputs[1]);
        check_nchw(op.name, x)?;
        if w.ndim() != 4 || w.shape()[1] != x.shape()[1] {
            bail!(
                Value,
                "{}: data of shape {} does not fit weight of shape {}",
                op.name,
                show(x.shape()),
                show(w.shape())
            );
        }
        let [oh, ow] = Self::window(attrs, w).output(op.name, x.shape()[2], x.shape()[3])?;
        Ok(Meta::one([x.shape()[0], w.shape()[0], oh, ow].as_slice(), x.dtype()))
    }
    /// The windows are copied into one matrix per image (im2col), and the matrix product does the rest.
    fn decompose(&self, op: &'static OpDef, attrs: &Sliding, inputs: &[&Array]) -> Result<Arrays> {
        let (x, w) = (inputs[0], inputs[1]);
        let win = Self::window(attrs, w);
        let [oh, ow] = win.output(op.name, x.shape()[2], x.shape()[3])?;
        let view = windows(op.name, &pad2d(x, attrs.pad, Number::Int(0))?, &win)?;
        // (N, C, kh, kw, oh, ow): the rows of the matrix are one filter's taps, its columns the positions.
        let taps = view.transpose(Some(&[0, 1, 4, 5, 2, 3]))?;
        let (n, o) = (x.shape()[0] as isize, w.shape()[0] as isize);
        let k = (w.shape()[1] * w.shape()[2] * w.shape()[3]) as isize;
        let columns = reshape(&taps, &[n, k, (oh * ow) as isize])?;
        let y = matmul(&reshape(w, &[1, o, k])?, &columns)?;
        Ok(smallvec![reshape(&y, &[n, o, oh as isize, ow as isize])?])
    }
}
operation!(pub CONVOLUTION: "convolution", 2 => 1, Convolution, &[(-1.0, 1.0), (-1.0, 1.0)],
    "Cross-correlation of images (N, C, H, W) with filters (O, C, kh, kw).");

/// Convolution (cross-correlation, as in every framework): x (N, C, H, W), w (O, C, kh, kw), b (O).
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for shapes that do not fit.
pub fn convolution(
    x: &Array,
    w: &Array,
    b: Option<&Array>,
    stride: [usize; 2],
    pad: [usize; 2],
) -> Result<Array> {
    let operands = [Operand::Array(x), Operand::Array(w)];
    let y = call(&CONVOLUTION, Attrs::of(&Sliding { stride, pad }), &operands, None, Target::New)?;
    match b {
        Some(b) => add(&y, &reshape(b, &[1, w.shape()[0] as isize, 1, 1])?),
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
    /// `exp(x)` divided by its sum along an axis, without overflow.
    softmax(x: Array, axis: Int = -1) -> Array, cases ["n[3,4]", "f[5]", "n[3,4], axis=0"]
        => softmax(x, axis);
    /// The logarithm of `softmax`, without overflow.
    log_softmax(x: Array, axis: Int = -1) -> Array, cases ["n[3,4]", "f[5]", "n[3,4], axis=0"]
        => log_softmax(x, axis);
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
