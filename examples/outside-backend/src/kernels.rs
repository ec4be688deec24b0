//! What `toy` computes by itself: float32 programs of a few primitives, and the float32 matrix product.
//!
//! A kernel is one function for a canonical form of work (`minpy_core::backend::Work`), registered in one line beside it.
//! What it cannot do it answers with `ErrorKind::Unsupported`: core then runs the call on the host and counts that.

use crate::Toy;
use minpy_core::backend::{DTypeSet, Family, Input, KernelCall, Node, Prim, Program, Slot, View};
use minpy_core::ops::Sliding;
use minpy_core::{DType, DeviceRef, Error, ErrorKind, Result, bail};

/// Calls that touch another dtype never come here.
const F32: DTypeSet = DTypeSet::of(&[DType::F32]);

minpy_core::kernel!(pub ELEMENTWISE: "toy", Slot::Family(Family::Elementwise), F32, elementwise);
minpy_core::kernel!(pub MATMUL: "toy", Slot::Family(Family::Matmul), F32, matmul);

pub fn toy(device: DeviceRef) -> Result<&'static Toy> {
    device.downcast().ok_or_else(|| Error::new(ErrorKind::Device, "not a toy"))
}

/// Positions of a view's elements in its memory, in C order.
pub fn positions(v: &View) -> Vec<usize> {
    let mut at = vec![v.offset as isize];
    for (&n, &stride) in v.shape.iter().zip(v.strides) {
        at = at.iter().flat_map(|&a| (0..n as isize).map(move |i| a + i * stride)).collect();
    }
    at.into_iter().map(|a| a as usize).collect()
}

/// The elements of a view in C order.
pub fn read(toy: &Toy, v: &View) -> Vec<f32> {
    let all = toy.load(v.memory);
    positions(v).into_iter().map(|i| all[i]).collect()
}

/// Refuses, before anything is written, programs that the interpreter below does not know.
fn understood(p: &Program) -> Result<()> {
    for (node, _) in p.nodes() {
        match node {
            Node::Input(_)
            | Node::Const(_)
            | Node::Prim(Prim::Neg | Prim::Add | Prim::Sub | Prim::Mul, _) => {}
            other => bail!(Unsupported, "toy has no {other:?}"),
        }
    }
    Ok(())
}

/// One element of the program: nodes come before their users, so one pass over them is enough.
fn evaluate(p: &Program, inputs: &[f32]) -> f32 {
    let mut values: Vec<f32> = Vec::with_capacity(p.nodes().len());
    for (node, _) in p.nodes() {
        let value = match *node {
            Node::Input(i) => inputs[i as usize],
            Node::Const(c) => c.get().unwrap_or(f32::NAN),
            Node::Prim(prim, args) => {
                let [a, b, _] = args.map(|i| values.get(i as usize).copied().unwrap_or(f32::NAN));
                match prim {
                    Prim::Neg => -a,
                    Prim::Add => a + b,
                    Prim::Sub => a - b,
                    _ => a * b,
                }
            }
            _ => f32::NAN,
        };
        values.push(value);
    }
    values[p.outputs()[0] as usize]
}

/// `outputs[0][i] = program(inputs[..][i])`: dispatch has promoted, broadcast and allocated before.
fn elementwise(device: DeviceRef, call: &KernelCall) -> Result<()> {
    let (toy, program) = (toy(device)?, call.program());
    understood(program)?;
    let [out] = call.outputs else { bail!(Unsupported, "toy stores one result at a time") };
    let inputs: Vec<Vec<f32>> = call
        .inputs
        .iter()
        .map(|i| match i {
            Input::View(v) => read(toy, v),
            // A number for the whole call.
            Input::Scalar(s) => vec![s.get().unwrap_or(f32::NAN); out.size()],
        })
        .collect();
    let results: Vec<f32> = (0..out.size())
        .map(|k| evaluate(program, &inputs.iter().map(|v| v[k]).collect::<Vec<_>>()))
        .collect();
    toy.store(out.memory, positions(out).into_iter().zip(results));
    Ok(())
}

/// `outputs[0][.., m, n] = sum over k of inputs[0][.., m, k] * inputs[1][.., k, n]`: any strides, equal leading axes.
fn matmul(device: DeviceRef, call: &KernelCall) -> Result<()> {
    let toy = toy(device)?;
    let (a, b, out) = (call.inputs[0].view(), call.inputs[1].view(), &call.outputs[0]);
    let rank = out.shape.len();
    let (m, n, k) = (out.shape[rank - 2], out.shape[rank - 1], a.shape[rank - 1]);
    let (x, y) = (read(toy, a), read(toy, b));
    let mut result = vec![0f32; out.size()];
    for (stack, block) in result.chunks_exact_mut(m * n).enumerate() {
        let (x, y) = (&x[stack * m * k..], &y[stack * k * n..]);
        for i in 0..m {
            for j in 0..n {
                block[i * n + j] =
                    (0..k).map(|p| x[i * k + p] as f64 * y[p * n + j] as f64).sum::<f64>() as f32;
            }
        }
    }
    toy.store(out.memory, positions(out).into_iter().zip(result));
    Ok(())
}

minpy_core::kernel!(pub CONVOLUTION: "toy", Slot::Op("convolution"), F32, convolution);

/// Images (N, C, H, W) with filters (O, C, kh, kw), each result from its window: without the copy of all windows that core's
/// decomposition makes. A slot of one operation is tried before that.
fn convolution(device: DeviceRef, call: &KernelCall) -> Result<()> {
    let toy = toy(device)?;
    let (images, filters) = (call.inputs[0].view(), call.inputs[1].view());
    let (x, w) = (read(toy, images), read(toy, filters));
    let &Sliding { stride, pad } = call.attributes()?;
    let ([_, channels, height, width], [_, _, kh, kw]) = (sizes(images)?, sizes(filters)?);
    let out = &call.outputs[0];
    let [n, o, oh, ow] = sizes(out)?;
    let inside = |at: usize, tap: usize, axis: usize, size: usize| {
        (at * stride[axis] + tap).checked_sub(pad[axis]).filter(|&i| i < size)
    };
    let mut results = Vec::with_capacity(n * o * oh * ow);
    for (image, filter, i, j) in product([n, o, oh, ow]) {
        let mut sum = 0.0;
        for (c, u, v) in product([1, channels, kh, kw]).map(|(_, c, u, v)| (c, u, v)) {
            if let (Some(y), Some(z)) = (inside(i, u, 0, height), inside(j, v, 1, width)) {
                let tap = w[((filter * channels + c) * kh + u) * kw + v];
                sum += tap * x[((image * channels + c) * height + y) * width + z];
            }
        }
        results.push(sum);
    }
    toy.store(out.memory, positions(out).into_iter().zip(results));
    Ok(())
}
fn sizes(v: &View) -> Result<[usize; 4]> {
    v.shape.try_into().map_err(|_| Error::new(ErrorKind::Unsupported, "toy convolves four dimensions"))
}
/// All positions in four dimensions, the last one fastest.
fn product(sizes: [usize; 4]) -> impl Iterator<Item = (usize, usize, usize, usize)> {
    let [a, b, c, d] = sizes;
    (0..a * b * c * d).map(move |i| (i / (b * c * d), i / (c * d) % b, i / d % c, i % d))
}
