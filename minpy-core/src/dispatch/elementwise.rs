//! A call of an elementwise operation, whatever its arguments: the steps one after another.

use super::arguments::{Numbers, complaint, compute_dtype, numbers};
use super::compare::{compare_out_of_range, compare_signs, mixes_signs};
use super::copy::{copy_into_raw, copy_raw, fill_raw};
use super::place::{all_on, moved, moved_mask, pick_device};
use super::record::{Record, finish_all};
use super::results::{fitting_targets, place, result_layout, same_kind, target_shape, writable};
use super::{MAX_ARITY, Operands};
use crate::context::{self, QUIET};
use crate::kernel::Work;
use crate::launch::{Arg, launch};
use crate::layout::{Dims, Layout, broadcast_shapes};
use crate::op::{Elementwise, OpCall, OpDef, ProgramSpec};
use crate::shared::Shared;
use crate::{Array, Arrays, Attrs, DType, DeviceRef, Meta, Metas, Number, Operand, Result, Target, bail};
use smallvec::SmallVec;

/// Promoted dtype of the inputs, and the one that is computed in.
type DTypes = (DType, DType);

/// What the first steps found.
struct Begun<'a> {
    device: DeviceRef,
    /// The inputs, on this device.
    operands: &'a [Operand<'a>],
    /// Also on this device.
    mask: Option<&'a Array>,
    /// Of the results, to which the operands are broadcast.
    shape: Dims,
    /// `None` for a comparison with an integer that the dtype does not hold.
    numbers: Option<&'a mut Numbers>,
}
impl Begun<'_> {
    /// Whether it reads what is pending: then its results may wait, too, however small.
    fn joins(&self) -> bool {
        self.operands.iter().any(|o| o.array().is_some_and(|a| a.buffer().present().is_none()))
    }
    /// Whether it computes of nothing but Python's numbers.
    fn is_weak(&self) -> bool {
        let weak = |o: &Operand| matches!(o, Operand::Number(_)) || o.array().is_some_and(|a| a.is_weak());
        self.operands.iter().all(weak)
    }
}

/// The first steps of a call of any number of results: where it runs, its inputs brought there, its shape, its numbers. `then` goes
/// on with what they found, which stays where it is meanwhile.
#[inline]
fn begin<R>(
    op: &'static OpDef,
    e: &'static Elementwise,
    inputs: &[Operand],
    mask: Option<&Array>,
    targets: &[Target],
    (promoted, compute): DTypes,
    then: impl FnOnce(Begun) -> Result<R>,
) -> Result<R> {
    let device = pick_device(inputs, mask, targets)?;
    let (elsewhere, mut operands);
    let mut inputs = inputs;
    if !all_on(inputs, device) {
        elsewhere = moved(inputs, device)?;
        operands = Operands::from(inputs);
        for (o, m) in operands.iter_mut().zip(&elsewhere) {
            *o = m.as_ref().map_or(*o, Operand::Array);
        }
        inputs = &operands;
    }
    let moved_mask = moved_mask(op, mask, device)?;
    let mask = moved_mask.as_ref().or(mask);
    let mut shapes: SmallVec<[&[usize]; 5]> = inputs.iter().map(|o| o.shape()).collect();
    shapes.extend(mask.map(|m| m.shape()));
    let mut shape = broadcast_shapes(op.name, &shapes)?;
    for target in targets {
        target_shape(op, &mut shape, target)?;
    }
    let mut found = Numbers::default();
    let numbers = numbers(&mut found, op, e, inputs, promoted, compute)?.then_some(&mut found);
    then(Begun { device, operands: inputs, mask, shape, numbers })
}

/// A call with one result, which is computed where it belongs; mask and dtype of the target are part of the program.
pub(super) fn elementwise(
    op: &'static OpDef,
    e: &'static Elementwise,
    attrs: Attrs,
    inputs: &[Operand],
    mask: Option<&Array>,
    target: Target,
) -> Result<Array> {
    if op.results != 1 {
        bail!(Type, "{}: has {} results, not 1", op.name, op.results);
    }
    let (promoted, compute) = compute_dtype(op, e, attrs, inputs)?;
    if promoted == DType::F64
        && let [a, b] = inputs
        && mixes_signs(a, b)
        && e.result_dtype(op.arity, compute) == DType::Bool
        && attrs.is_none()
        && (e.rule.compute)(DType::U64) == Some(DType::U64)
    {
        return compare_signs(op, a, b, mask, target);
    }
    begin(op, e, inputs, mask, &[target], (promoted, compute), |mut begun| {
        one(op, e, attrs, (promoted, compute), &mut begun, target)
    })
}

fn one(
    op: &'static OpDef,
    e: &'static Elementwise,
    attrs: Attrs,
    (promoted, compute): DTypes,
    begun: &mut Begun,
    target: Target,
) -> Result<Array> {
    let Begun { device, operands, mask, .. } = *begun;
    let Some(Numbers { dtypes, numbers, scalars }) = begun.numbers.take() else {
        return compare_out_of_range(op, attrs, operands, mask, target);
    };
    let scalars = *scalars;
    let natural = e.result_dtype(op.arity, compute);
    let out_dtype = match target {
        Target::New => None,
        Target::Into(out) => {
            if op.name != "copy" {
                same_kind(op, natural, out.dtype())?;
            }
            writable(op, out)?;
            (out.dtype() != natural).then_some(out.dtype())
        }
    };
    if let Some(m) = mask {
        dtypes.push(m.dtype());
        dtypes.push(out_dtype.unwrap_or(natural));
    }
    // Most calls have one dtype throughout: their program needs no hashing.
    let plain =
        mask.is_none() && out_dtype.is_none() && attrs.is_none() && dtypes.iter().all(|&d| d == promoted);
    let same = if plain { e.same_dtype_program(op.name, promoted, operands.len(), scalars) } else { None };
    let program = match same {
        Some(p) => p.clone(),
        None => e.program(
            op.name,
            &ProgramSpec { inputs: dtypes, scalars, compute, out: out_dtype, masked: mask.is_some() },
        ),
    };

    let targets = [target];
    let call = OpCall { op, attrs, inputs: operands, mask, targets: &targets };
    let record = Record::start(&call)?;
    let out = match target {
        Target::Into(out) => out.clone(),
        Target::New => {
            let layout = result_layout(&begun.shape, operands, mask);
            let out = if begun.joins() && mask.is_none() {
                Array::lazy_on(device, layout, natural)?
            } else {
                Array::empty_with(device, layout, natural)?
            };
            if mask.is_some() {
                fill_raw(&out, Number::Int(0).cast(natural))?;
            }
            out.with_weak(begun.is_weak())
        }
    };
    if out.size() > 0 {
        // Inputs that the write would disturb are copied first: few, if any.
        let mut copies: Vec<(usize, Array)> = Vec::new();
        let mut layouts: [Option<Layout>; MAX_ARITY + 1] = [const { None }; MAX_ARITY + 1];
        let into = matches!(target, Target::Into(_));
        for (i, o) in operands.iter().map(|o| o.array()).chain(mask.map(Some)).enumerate() {
            let Some(a) = o else { continue };
            let broadcast = a.shape() != &*begun.shape;
            if broadcast {
                layouts[i] = Some(a.layout().broadcast_to(op.name, &begun.shape)?);
            }
            if into && a.may_share_memory(&out) {
                // The same element at the same index is read before it is written, unless other indices reach it too.
                let seen = layouts[i].as_ref().unwrap_or(a.layout());
                let same = a.dtype() == out.dtype()
                    && seen == out.layout()
                    && Shared::ptr_eq(a.buffer(), out.buffer())
                    && (seen.is_contiguous() || seen.is_injective());
                if !same {
                    let c = copy_raw(a)?;
                    layouts[i] =
                        if broadcast { Some(c.layout().broadcast_to(op.name, &begun.shape)?) } else { None };
                    copies.push((i, c));
                }
            }
        }
        let mut args: SmallVec<[Arg; 4]> = SmallVec::new();
        for (i, o) in operands.iter().map(|o| o.array()).chain(mask.map(Some)).enumerate() {
            args.push(match (o, numbers.get(i).copied().flatten()) {
                (_, Some(s)) => Arg::Scalar(s),
                (Some(a), None) => {
                    let copy = copies.iter().find(|c| c.0 == i);
                    Arg::Array(copy.map_or(a, |c| &c.1), layouts[i].as_ref())
                }
                (None, None) => unreachable!("an operand is an array or a number"),
            });
        }
        if mask.is_some() {
            args.push(Arg::Array(&out, None));
        }
        launch(op.name, device, &Work::Elementwise, Some(&program), &args, &[&out])?;
    }
    record.finish(&call, &[&out])?;
    Ok(out)
}

/// A call with several results: they are computed into new arrays by one program, and copied from there into existing targets.
pub(super) fn several(
    op: &'static OpDef,
    e: &'static Elementwise,
    attrs: Attrs,
    inputs: &[Operand],
    mask: Option<&Array>,
    targets: &[Target],
) -> Result<Arrays> {
    let dtypes = compute_dtype(op, e, attrs, inputs)?;
    begin(op, e, inputs, mask, targets, dtypes, |mut begun| {
        let Some(numbers) = begun.numbers.take() else { return Err(complaint(op, inputs)) };
        all(op, e, attrs, dtypes.1, &begun, numbers, targets)
    })
}

/// The arrays among the operands with NaN where the mask leaves them out, or 1 in integers: nothing computed of these meets an exception.
/// `None` where an integer that stays could: as a divisor.
fn harmless(
    operands: &[Operand],
    shape: &[usize],
    mask: Option<&Array>,
) -> Result<Option<SmallVec<[Option<Array>; 2]>>> {
    let Some(mask) = mask else { return Ok(None) };
    let mut all = SmallVec::new();
    let mut known = false;
    for o in operands {
        let Operand::Array(a) = o else {
            all.push(None);
            continue;
        };
        let (dtype, device) = (a.dtype(), a.device());
        let fill = if dtype.is_inexact() { Number::Float(f64::NAN) } else { Number::Int(1) };
        let held = Array::empty_on(device, shape, dtype)?;
        fill_raw(&held, fill.cast(dtype))?;
        copy_into_raw(a, &held, Some(mask))?;
        known |= dtype.is_inexact();
        all.push(Some(held));
    }
    Ok(Some(all).filter(|all| known || all.iter().all(Option::is_some)))
}

fn all(
    op: &'static OpDef,
    e: &'static Elementwise,
    attrs: Attrs,
    compute: DType,
    begun: &Begun,
    Numbers { dtypes, numbers, scalars }: &Numbers,
    targets: &[Target],
) -> Result<Arrays> {
    let Begun { device, operands, mask, ref shape, .. } = *begun;
    let metas: Metas = e.result_dtypes(op.arity, compute)[..op.results]
        .iter()
        .map(|&dtype| Meta { shape: shape.clone(), dtype })
        .collect();
    fitting_targets(op, &metas, targets)?;
    let program = e.program(
        op.name,
        &ProgramSpec { inputs: dtypes, scalars: *scalars, compute, out: None, masked: false },
    );

    let call = OpCall { op, attrs, inputs: operands, mask, targets };
    let record = Record::start(&call)?;
    let (joins, weak) = (begun.joins(), begun.is_weak());
    let mut made = Arrays::new();
    for meta in &metas {
        let layout = result_layout(shape, operands, mask);
        let out = match joins {
            true => Array::lazy_on(device, layout, meta.dtype)?,
            false => Array::empty_with(device, layout, meta.dtype)?,
        };
        made.push(out.with_weak(weak));
    }
    if made[0].size() > 0 {
        let mut layouts: [Option<Layout>; MAX_ARITY] = [const { None }; MAX_ARITY];
        for (o, l) in operands.iter().zip(&mut layouts) {
            if let Operand::Array(a) = o
                && a.shape() != &**shape
            {
                *l = Some(a.layout().broadcast_to(op.name, shape)?);
            }
        }
        // What a mask leaves out is computed, too: of operands that meet nothing there, or nothing can be told of the rest.
        let silent = mask.is_none() || program.raises() == 0 || !device.is_host();
        let held = if silent { None } else { harmless(operands, shape, mask)? };
        let mut args: SmallVec<[Arg; 4]> = SmallVec::new();
        for (i, o) in operands.iter().enumerate() {
            let instead = held.as_ref().and_then(|h| h[i].as_ref());
            args.push(match (o, numbers[i]) {
                (Operand::Array(_), _) if let Some(a) = instead => Arg::Array(a, None),
                (Operand::Array(a), _) => Arg::Array(a, layouts[i].as_ref()),
                (_, Some(s)) => Arg::Scalar(s),
                (_, None) => return Err(complaint(op, operands)),
            });
        }
        let outs: SmallVec<[&Array; 2]> = made.iter().collect();
        let run = || launch(op.name, device, &Work::Elementwise, Some(&program), &args, &outs);
        if mask.is_some() && held.is_none() { context::with_flag(QUIET, run)? } else { run()? }
    }
    place(&mut made, mask, targets)?;
    finish_all(record, &call, &made)?;
    Ok(made)
}
