//! Layers: fully connected, convolution, pooling, activation, normalisation, dropout, softmax.
//!
//! Attributes and names of parameters are MXNet's; the computation is minpy-core's `ops/nn.rs`.

use super::same_shape;
use crate::attributes::{Attributes, Default, Kind, attr};
use crate::operator::{Build, Built, Call, Input, Inputs, Operator, Role, Shapes};
use minpy_core::backend::layout::{normalize_axis, show};
use minpy_core::internal::context::unrecorded;
use minpy_core::ops::{self, Window};
use minpy_core::{Array, Result, bail};

/// The rows of this family.
pub(crate) const ROWS: &[Operator] = &[
    Operator {
        attributes: &[
            attr("num_hidden", Kind::Int(1), Default::Required),
            attr("no_bias", Kind::Bool, Default::Bool(false)),
            attr("flatten", Kind::Bool, Default::Bool(true)),
        ],
        inputs: Inputs::Choose(weight_and_bias),
        complete: complete_fully_connected,
        ..Operator::row(
            "FullyConnected",
            "data . weight^T + bias, data flattened to (batch, features).",
            Build::Function(fully_connected),
        )
    },
    Operator {
        attributes: &[
            attr("kernel", Kind::Pair(1), Default::Required),
            attr("num_filter", Kind::Int(1), Default::Required),
            attr("stride", Kind::Pair(1), Default::Ints(&[1, 1])),
            attr("pad", Kind::Pair(0), Default::Ints(&[0, 0])),
            attr("dilate", Kind::Pair(1), Default::Ints(&[1, 1])),
            attr("num_group", Kind::Int(1), Default::Int(1)),
            attr("no_bias", Kind::Bool, Default::Bool(false)),
            attr("layout", Kind::Choice(&["NCHW"]), Default::Text("NCHW")),
        ],
        ignored: &["cudnn_tune", "cudnn_off", "workspace"],
        inputs: Inputs::Choose(weight_and_bias),
        complete: complete_convolution,
        ..Operator::row(
            "Convolution",
            "Filters that slide over (batch, channels, height, width).",
            Build::Function(convolution),
        )
    },
    Operator {
        attributes: &[
            attr("kernel", Kind::Pair(1), Default::None),
            attr("pool_type", Kind::Choice(&["max", "avg", "sum"]), Default::Text("max")),
            attr("stride", Kind::Pair(1), Default::Ints(&[1, 1])),
            attr("pad", Kind::Pair(0), Default::Ints(&[0, 0])),
            attr("global_pool", Kind::Bool, Default::Bool(false)),
            attr("pooling_convention", Kind::Choice(&["valid"]), Default::Text("valid")),
        ],
        ignored: &["cudnn_off"],
        ..Operator::row("Pooling", "Greatest, mean or sum of every window.", Build::Function(pooling))
    },
    Operator {
        attributes: &[attr("act_type", Kind::Choice(ACTIVATIONS), Default::Required)],
        complete: same_shape,
        ..Operator::row("Activation", "A function of every element, by name.", Build::Function(activation))
    },
    Operator {
        attributes: &[
            attr("act_type", Kind::Choice(&["leaky", "elu"]), Default::Text("leaky")),
            attr("slope", Kind::Float, Default::Float(0.25)),
        ],
        complete: same_shape,
        ..Operator::row(
            "LeakyReLU",
            "x above zero; slope * x, or slope * (exp(x) - 1), below.",
            Build::Function(leaky),
        )
    },
    Operator {
        attributes: &[
            attr("eps", Kind::Float, Default::Float(1e-3)),
            attr("momentum", Kind::Float, Default::Float(0.9)),
            attr("fix_gamma", Kind::Bool, Default::Bool(true)),
            attr("use_global_stats", Kind::Bool, Default::Bool(false)),
            attr("axis", Kind::Int(0), Default::Int(1)),
        ],
        ignored: &["cudnn_off"],
        inputs: Inputs::Choose(|_| {
            let input = |name, role| Input { name, role };
            vec![
                input("data", Role::Argument),
                input("gamma", Role::Argument),
                input("beta", Role::Argument),
                input("moving_mean", Role::Auxiliary(0.0)),
                input("moving_var", Role::Auxiliary(1.0)),
            ]
        }),
        complete: complete_batch_norm,
        ..Operator::row(
            "BatchNorm",
            "Data normalised per channel, scaled by gamma and moved by beta.",
            Build::Function(batch_norm),
        )
    },
    Operator {
        attributes: &[
            attr("p", Kind::Float, Default::Float(0.5)),
            attr("mode", Kind::Choice(&["training", "always"]), Default::Text("training")),
        ],
        ignored: &["cudnn_off"],
        complete: same_shape,
        ..Operator::row(
            "Dropout",
            "In training: zero with probability p, else x / (1 - p).",
            Build::Function(dropout),
        )
    },
    Operator {
        attributes: &[attr("axis", Kind::Ints, Default::Ints(&[-1]))],
        complete: same_shape,
        ..Operator::row(
            "softmax",
            "exp(x) / sum(exp(x)) along an axis.",
            Build::Function(|c| along_axis(c, ops::softmax)),
        )
    },
    Operator {
        attributes: &[attr("axis", Kind::Ints, Default::Ints(&[-1]))],
        complete: same_shape,
        ..Operator::row(
            "log_softmax",
            "Logarithm of softmax along an axis.",
            Build::Function(|c| along_axis(c, ops::log_softmax)),
        )
    },
];

/// The functions of `Activation`.
const ACTIVATIONS: &[&str] = &["relu", "sigmoid", "tanh", "softrelu", "softsign"];

fn weight_and_bias(attrs: &Attributes) -> Vec<Input> {
    let names: &[&str] =
        if attrs.flag("no_bias") { &["data", "weight"] } else { &["data", "weight", "bias"] };
    names.iter().map(|name| Input { name, role: Role::Argument }).collect()
}

fn complete_fully_connected(a: &Attributes, s: &mut Shapes) -> Result<()> {
    let hidden = a.size("num_hidden");
    s.set(2, &[hidden])?;
    if let Some(data) = s.input(0) {
        let features = match (a.flag("flatten"), data) {
            (_, []) => bail!(Value, "{}: data has no batch axis", s.who()),
            (true, [_, rest @ ..]) => rest.iter().product(),
            (false, [.., last]) => *last,
        };
        return s.set(1, &[hidden, features]);
    }
    // Backwards: the batch from the result, the features from the weight.
    if let (Some([_, features]), Some([batch, _])) = (s.input(1), s.output(0)) {
        let shape = [*batch, *features];
        return s.set(0, &shape);
    }
    Ok(())
}
fn fully_connected(c: &mut Call) -> Result<Built> {
    let (x, w, b) = (&c.inputs[0], &c.inputs[1], c.inputs.get(2));
    if c.attrs.flag("flatten") || x.ndim() <= 2 {
        return Ok(ops::fully_connected(x, w, b)?.into());
    }
    let features = w.shape().get(1).copied().unwrap_or(1);
    let y = ops::fully_connected(&ops::reshape(x, &[-1, features as isize])?, w, b)?;
    let mut shape: Vec<isize> = x.shape().iter().map(|&n| n as isize).collect();
    shape[x.ndim() - 1] = w.shape()[0] as isize;
    Ok(ops::reshape(&y, &shape)?.into())
}

fn complete_convolution(a: &Attributes, s: &mut Shapes) -> Result<()> {
    if a.pair("dilate") != Some([1, 1]) || a.int("num_group") != 1 {
        bail!(
            Unsupported,
            "{}: dilate={} and num_group={} are not supported",
            s.who(),
            a.get("dilate"),
            a.get("num_group")
        );
    }
    let (filters, [kh, kw]) = (a.size("num_filter"), a.pair("kernel").unwrap_or([1, 1]));
    s.set(2, &[filters])?;
    match s.input(0) {
        Some(&[_, channels, _, _]) => s.set(1, &[filters, channels, kh, kw]),
        Some(other) => {
            bail!(
                Value,
                "{}: data must have shape (batch, channels, height, width), not {}",
                s.who(),
                show(other)
            )
        }
        None => Ok(()),
    }
}
fn convolution(c: &mut Call) -> Result<Built> {
    let pair = |name, default| c.attrs.pair(name).unwrap_or([default; 2]);
    Ok(ops::convolution(&c.inputs[0], &c.inputs[1], c.inputs.get(2), pair("stride", 1), pair("pad", 0))?
        .into())
}

fn pooling(c: &mut Call) -> Result<Built> {
    let x = &c.inputs[0];
    let whole = c.attrs.flag("global_pool");
    let &[_, _, h, w] = x.shape() else {
        bail!(Value, "data must have shape (batch, channels, height, width), not {}", show(x.shape()))
    };
    let kernel = match c.attrs.pair("kernel") {
        _ if whole => [h, w],
        Some(k) => k,
        None => bail!(Type, "required attribute 'kernel' is missing"),
    };
    let pair = |name, default| if whole { [default; 2] } else { c.attrs.pair(name).unwrap_or([default; 2]) };
    let window = Window { kernel, stride: pair("stride", 1), pad: pair("pad", 0) };
    Ok(match c.attrs.text("pool_type") {
        "max" => ops::max_pool(x, &window)?,
        "avg" => ops::avg_pool(x, &window)?,
        _ => ops::multiply(&ops::avg_pool(x, &window)?, (kernel[0] * kernel[1]) as f64)?,
    }
    .into())
}

fn activation(c: &mut Call) -> Result<Built> {
    let x = &c.inputs[0];
    Ok(match c.attrs.text("act_type") {
        "relu" => ops::relu(x)?,
        "sigmoid" => ops::sigmoid(x)?,
        "tanh" => ops::tanh(x)?,
        "softrelu" => ops::logaddexp(x, 0.0)?,
        _ => ops::divide(x, &ops::add(&ops::absolute(x)?, 1.0)?)?,
    }
    .into())
}
fn leaky(c: &mut Call) -> Result<Built> {
    let (x, slope) = (&c.inputs[0], c.attrs.float("slope"));
    let above = ops::greater(x, 0.0)?;
    let below = match c.attrs.text("act_type") {
        // Not `minimum`, which shares the gradient at 0 with the number.
        "elu" => ops::multiply(&ops::expm1(&ops::select(&above, 0.0, x)?)?, slope)?,
        _ => ops::multiply(x, slope)?,
    };
    Ok(ops::select(&above, x, &below)?.into())
}

fn complete_batch_norm(a: &Attributes, s: &mut Shapes) -> Result<()> {
    if let Some(data) = s.input(0) {
        let axis = normalize_axis(s.who(), a.int("axis") as isize, data.len())?;
        let channels = [data[axis]];
        for i in 1..=4 {
            s.set(i, &channels)?;
        }
    }
    Ok(())
}
fn batch_norm(c: &mut Call) -> Result<Built> {
    let (x, gamma, beta) = (&c.inputs[0], &c.inputs[1], &c.inputs[2]);
    let axis = normalize_axis("axis", c.attrs.int("axis") as isize, x.ndim())?;
    let channels: Vec<isize> =
        (0..x.ndim()).map(|i| if i == axis { x.shape()[axis] as isize } else { 1 }).collect();
    let spread = |a: &Array| ops::reshape(a, &channels);
    let others: Vec<isize> = (0..x.ndim()).filter(|&i| i != axis).map(|i| i as isize).collect();
    let learn = c.train && !c.attrs.flag("use_global_stats");
    let (mean, var, aux) = if learn {
        let mean = ops::mean(x, Some(&others), true, None)?;
        let d = ops::subtract(x, &mean)?;
        let var = ops::mean(&ops::multiply(&d, &d)?, Some(&others), true, None)?;
        let m = c.attrs.float("momentum");
        let aux = unrecorded(|| -> Result<Vec<Array>> {
            [(&c.aux[0], &mean), (&c.aux[1], &var)]
                .into_iter()
                .map(|(old, new)| {
                    let new = ops::reshape(new, &[-1])?;
                    ops::add(&ops::multiply(old, m)?, &ops::multiply(&new, 1.0 - m)?)
                })
                .collect()
        })?;
        (mean, var, aux)
    } else {
        (spread(&c.aux[0])?, spread(&c.aux[1])?, Vec::new())
    };
    // A fixed gamma is 1 and has no gradient, as in MXNet.
    let gamma = if c.attrs.flag("fix_gamma") { unrecorded(|| ops::ones_like(gamma))? } else { gamma.clone() };
    let y = ops::batch_norm(x, &spread(&gamma)?, &spread(beta)?, &mean, &var, c.attrs.float("eps"))?;
    Ok(Built { outputs: [y].into_iter().collect(), aux })
}

fn dropout(c: &mut Call) -> Result<Built> {
    let (x, p) = (&c.inputs[0], c.attrs.float("p"));
    if !(0.0..1.0).contains(&p) {
        bail!(Value, "attribute p={p} is wrong, it must be at least 0 and below 1");
    }
    if p == 0.0 || !(c.train || c.attrs.text("mode") == "always") {
        // The identity is still a result of its own, never the caller's array.
        return Ok(ops::copy(x)?.into());
    }
    let dtype = if x.dtype() == minpy_core::DType::F64 { x.dtype() } else { minpy_core::DType::F32 };
    let mask = ops::greater_equal(&(c.noise)(x.shape(), dtype)?, p)?;
    Ok(ops::dropout(x, &mask, 1.0 - p)?.into())
}

/// Moves the axis of the attribute to the end, applies `f` along it, and moves it back.
fn along_axis(c: &mut Call, f: fn(&Array, isize) -> Result<Array>) -> Result<Built> {
    let axis = c.attrs.ints("axis").and_then(|v| v.first().copied()).unwrap_or(-1);
    Ok(f(&c.inputs[0], axis as isize)?.into())
}
