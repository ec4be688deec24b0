//! Output layers: forward they show a prediction, backward they start the gradient of a loss and ignore what comes
//! from above, as in MXNet.
//!
//! The formulas of the gradients stand beside the rows; everything is recorded as one node each.

use crate::attributes::{Attribute, Attributes, Default, Kind, attr};
use crate::operator::{Build, Built, Call, Inputs, Operator, Shapes};
use minpy_core::backend::layout::show;
use minpy_core::internal::context::{recording, unrecorded};
use minpy_core::{Array, DType, Result, bail, ops};

const REGRESSION: &[Attribute] = &[attr("grad_scale", Kind::Float, Default::Float(1.0))];
const NORMALIZATION: Attribute =
    attr("normalization", Kind::Choice(&["null", "batch", "valid"]), Default::Text("null"));

/// The rows of this family.
pub(crate) const ROWS: &[Operator] = &[
    Operator {
        aliases: &["Softmax"],
        attributes: &[
            attr("grad_scale", Kind::Float, Default::Float(1.0)),
            NORMALIZATION,
            attr("use_ignore", Kind::Bool, Default::Bool(false)),
            attr("ignore_label", Kind::Float, Default::Float(-1.0)),
            attr("multi_output", Kind::Bool, Default::Bool(false)),
            attr("preserve_shape", Kind::Bool, Default::Bool(false)),
        ],
        inputs: Inputs::Named(&["data", "label"]),
        positions: Some(1),
        complete: complete_softmax,
        ..Operator::row(
            "SoftmaxOutput",
            "Softmax; its gradient is (probability - label) * grad_scale.",
            Build::Function(softmax_output),
        )
    },
    Operator {
        attributes: REGRESSION,
        inputs: Inputs::Named(&["data", "label"]),
        complete: complete_regression,
        ..Operator::row(
            "LinearRegressionOutput",
            "The data; the gradient of half the squared error.",
            Build::Function(|c| regression(c, Array::copy, |y, label| ops::subtract(y, label))),
        )
    },
    Operator {
        attributes: REGRESSION,
        inputs: Inputs::Named(&["data", "label"]),
        complete: complete_regression,
        ..Operator::row(
            "LogisticRegressionOutput",
            "Sigmoid; the gradient of the cross entropy.",
            Build::Function(|c| regression(c, |x| ops::sigmoid(x), |y, label| ops::subtract(y, label))),
        )
    },
    Operator {
        attributes: REGRESSION,
        inputs: Inputs::Named(&["data", "label"]),
        complete: complete_regression,
        ..Operator::row(
            "MAERegressionOutput",
            "The data; the gradient of the absolute error.",
            Build::Function(|c| regression(c, Array::copy, |y, label| ops::sign(&ops::subtract(y, label)?))),
        )
    },
    Operator {
        attributes: &[attr("grad_scale", Kind::Float, Default::Float(1.0)), NORMALIZATION],
        complete: super::same_shape,
        ..Operator::row(
            "MakeLoss",
            "The data as a loss: its gradient is grad_scale, whatever comes from above.",
            Build::Function(make_loss),
        )
    },
    Operator {
        aliases: &["stop_gradient"],
        complete: super::same_shape,
        ..Operator::row(
            "BlockGrad",
            "The data without a gradient.",
            Build::Function(|c| {
                let x = &c.inputs[0];
                Ok(unrecorded(|| ops::copy(x))?.into())
            }),
        )
    },
];

/// Records `output` as a result whose gradient with respect to the data is `rule(data, label)`, independent of
/// what comes from above. The rule is recorded in its turn when gradients of gradients are wanted.
fn own_gradient(
    name: &str,
    inputs: &[Array],
    output: &Array,
    rule: impl Fn(&[Array], Option<&Array>) -> Result<Array> + 'static,
) -> Result<()> {
    if !recording() {
        return Ok(());
    }
    let (kept, saved) = (inputs.to_vec(), output.clone());
    let vjp = move |_: &[Option<Array>]| -> Result<Vec<Option<Array>>> {
        let mut gradients = vec![None; kept.len()];
        // The saved result is a constant to an outer tape: recompute it there.
        gradients[0] = Some(rule(&kept, (!recording()).then_some(&saved))?);
        Ok(gradients)
    };
    minpy_autograd::record_foreign(
        name,
        inputs,
        std::slice::from_ref(output),
        minpy_autograd::ForeignRule::vjp(vjp),
    )
}

/// How the axes of the data are read: (rows, classes, positions).
fn split(a: &Attributes, shape: &[usize]) -> Option<[usize; 3]> {
    let (&first, rest) = shape.split_first()?;
    if a.flag("multi_output") {
        let (&classes, positions) = rest.split_first()?;
        return Some([first, classes, positions.iter().product()]);
    }
    if a.flag("preserve_shape") {
        let (&classes, rows) = shape.split_last()?;
        return Some([rows.iter().product(), classes, 1]);
    }
    Some([first, rest.iter().product(), 1])
}
fn label_shape(a: &Attributes, data: &[usize]) -> Vec<usize> {
    if a.flag("multi_output") {
        [&data[..1], &data[2.min(data.len())..]].concat()
    } else if a.flag("preserve_shape") {
        data[..data.len() - 1].to_vec()
    } else {
        data[..1].to_vec()
    }
}
fn complete_softmax(a: &Attributes, s: &mut Shapes) -> Result<()> {
    if let Some(data) = s.input(0).map(<[usize]>::to_vec) {
        if data.len() < 2 && !a.flag("preserve_shape") || data.is_empty() {
            bail!(Value, "{}: data must have shape (batch, classes, ..), not {}", s.who(), show(&data));
        }
        // A label of the data's shape is a distribution.
        if s.input(1) != Some(data.as_slice()) {
            return s.set(1, &label_shape(a, &data));
        }
    } else if let Some(out) = s.output(0).map(<[usize]>::to_vec) {
        return s.set(0, &out);
    }
    Ok(())
}

fn softmax_output(c: &mut Call) -> Result<Built> {
    let (x, a) = (&c.inputs[0], c.attrs);
    let p = unrecorded(|| probabilities(a, x))?;
    let attrs = a.clone();
    own_gradient("SoftmaxOutput", c.inputs, &p, move |inputs, saved| {
        let p = match saved {
            Some(p) => p.clone(),
            None => probabilities(&attrs, &inputs[0])?,
        };
        softmax_gradient(&attrs, &p, &inputs[1])
    })?;
    Ok(p.into())
}
fn signed(shape: &[usize]) -> Vec<isize> {
    shape.iter().map(|&n| n as isize).collect()
}
fn probabilities(a: &Attributes, x: &Array) -> Result<Array> {
    let Some([rows, classes, positions]) = split(a, x.shape()) else {
        bail!(Value, "data must have shape (batch, classes, ..), not {}", show(x.shape()))
    };
    let p = if positions == 1 {
        ops::softmax(&ops::reshape(x, &signed(&[rows, classes]))?, -1)?
    } else {
        let cube = ops::reshape(x, &signed(&[rows, classes, positions]))?;
        let e = ops::exp(&ops::subtract(&cube, &ops::max(&cube, Some(&[1]), true)?)?)?;
        ops::divide(&e, &ops::sum(&e, Some(&[1]), true)?)?
    };
    ops::reshape(&p, &signed(x.shape()))
}
/// `(p - onehot(label)) * grad_scale`, divided by the batch or by the number of labels that count.
fn softmax_gradient(a: &Attributes, p: &Array, label: &Array) -> Result<Array> {
    let Some([rows, classes, positions]) = split(a, p.shape()) else { bail!(Value, "data has no classes") };
    let mut scale = a.float("grad_scale");
    // MXNet divides by the positions of an image unless it divides by the valid labels.
    if a.text("normalization") != "valid" {
        scale /= positions.max(1) as f64;
    }
    if a.text("normalization") == "batch" {
        scale /= label.shape().first().copied().unwrap_or(1).max(1) as f64;
    }
    if label.shape() == p.shape() {
        return ops::multiply(&ops::subtract(p, label)?, scale);
    }
    let labels = ops::reshape(label, &signed(&[rows, positions]))?;
    let hot = ops::one_hot(&labels, classes, p.dtype())?.transpose(Some(&[0, 2, 1]))?;
    let mut d = ops::subtract(&ops::reshape(p, &signed(&[rows, classes, positions]))?, &hot)?;
    let counts =
        a.flag("use_ignore").then(|| ops::not_equal(&labels, a.float("ignore_label"))).transpose()?;
    if let Some(counts) = &counts {
        d = ops::multiply(&d, &counts.expand_dims(1)?)?;
    }
    d = ops::multiply(&d, scale)?;
    if a.text("normalization") == "valid" {
        d = match &counts {
            Some(counts) => ops::divide(
                &d,
                &ops::maximum(&ops::cast(&ops::count_nonzero(counts, None, false)?, d.dtype())?, 1.0)?,
            )?,
            None => ops::divide(&d, (rows * positions).max(1) as f64)?,
        };
    }
    ops::reshape(&d, &signed(p.shape()))
}

fn complete_regression(_: &Attributes, s: &mut Shapes) -> Result<()> {
    match (s.input(0).map(<[usize]>::to_vec), s.input(1).map(<[usize]>::to_vec)) {
        (Some(data), None) => match data[..] {
            // One prediction per row: labels are a vector.
            [n, 1] => s.set(1, &[n]),
            _ => s.set(1, &data),
        },
        (Some(data), Some(label)) if data.iter().product::<usize>() != label.iter().product::<usize>() => {
            bail!(Value, "{}: label has shape {}, data has shape {}", s.who(), show(&label), show(&data))
        }
        (None, Some(label)) if label.len() != 1 => s.set(0, &label),
        _ => Ok(()),
    }
}
/// The gradient is `error(prediction, label) * grad_scale / (predictions per row)`.
fn regression(
    c: &mut Call,
    predict: fn(&Array) -> Result<Array>,
    error: fn(&Array, &Array) -> Result<Array>,
) -> Result<Built> {
    let y = unrecorded(|| predict(&c.inputs[0]))?;
    let scale = c.attrs.float("grad_scale");
    own_gradient("RegressionOutput", c.inputs, &y, move |inputs, saved| {
        let y = match saved {
            Some(y) => y.clone(),
            None => predict(&inputs[0])?,
        };
        let label = ops::reshape(&inputs[1], &signed(y.shape()))?;
        let label = if label.dtype().is_inexact() { label } else { ops::cast(&label, y.dtype())? };
        let per_row = y.shape().iter().skip(1).product::<usize>().max(1);
        ops::multiply(&error(&y, &label)?, scale / per_row as f64)
    })?;
    Ok(y.into())
}

fn make_loss(c: &mut Call) -> Result<Built> {
    let y = unrecorded(|| ops::copy(&c.inputs[0]))?;
    let mut scale = c.attrs.float("grad_scale");
    match c.attrs.text("normalization") {
        "batch" => scale /= y.shape().first().copied().unwrap_or(1).max(1) as f64,
        "valid" => scale /= y.size().max(1) as f64,
        _ => {}
    }
    own_gradient("MakeLoss", c.inputs, &y, move |inputs, _| {
        let dtype = if inputs[0].dtype().is_inexact() { inputs[0].dtype() } else { DType::F32 };
        minpy_core::context::with_device(inputs[0].device(), || ops::full(inputs[0].shape(), scale, dtype))
    })?;
    Ok(y.into())
}
