//! A call of a structured operation: by the device's own kernel, by canonical work, or by its decomposition into other operations.

use super::place::pick_device;
use super::record::{Record, finish_all};
use super::results::{fitting_targets, place};
use super::{Operands, cast, copy};
use crate::array::waits;
use crate::context::{self, Policy, RECORDING};
use crate::launch::own_kernel;
use crate::layout::Layout;
use crate::op::{AnyStructured, OpCall, OpDef};
use crate::{
    Array, Arrays, Attrs, DeviceRef, ErrorKind, Meta, Metas, Operand, Result, Target, bail, recorder,
    registry, stats, written,
};
use smallvec::SmallVec;
use std::time::Instant;

/// `results` is empty; its arrays are made where they stay, for to move them costs more than to make them.
pub(super) fn structured(
    op: &'static OpDef,
    s: &'static dyn AnyStructured,
    attrs: Attrs,
    inputs: &[Operand],
    mask: Option<&Array>,
    targets: &[Target],
    results: &mut Arrays,
) -> Result<()> {
    let device = pick_device(inputs, mask, targets)?;
    // What has to be moved, converted or made of a number, with its position; most inputs are used as they are.
    let mut made: SmallVec<[(usize, Array); 1]> = SmallVec::new();
    for (i, o) in inputs.iter().enumerate() {
        let dtype = s.input_dtype(attrs, inputs, i);
        let a = match o {
            Operand::Array(a) if a.device() == device && dtype.is_none_or(|d| d == a.dtype()) => continue,
            Operand::Array(a) => a.to_device(device)?,
            Operand::Number(n) => Array::from_scalar_on(device, n.to_scalar(n.default_dtype())?)?,
            Operand::Scalar(v) => Array::from_scalar_on(device, *v)?,
        };
        let a = match dtype {
            Some(d) if d != a.dtype() => cast(&a, d)?,
            _ => a,
        };
        made.push((i, a));
    }
    let mut arrays: SmallVec<[&Array; 4]> = SmallVec::new();
    let mut next = made.iter().peekable();
    for (i, o) in inputs.iter().enumerate() {
        match (next.next_if(|m| m.0 == i), o) {
            (Some((_, a)), _) => arrays.push(a),
            (None, Operand::Array(a)) => arrays.push(a),
            (None, _) => unreachable!("an array was made of each number"),
        }
    }
    let metas = s.infer(op, attrs, &arrays)?;
    if metas.len() != op.results {
        bail!(Runtime, "{}: infers {} results, not {}", op.name, metas.len(), op.results);
    }
    if mask.is_some() && targets.iter().any(|t| matches!(t, Target::New)) {
        bail!(Value, "{}: where= needs out=", op.name);
    }
    // Most calls have new results alone.
    let into = targets.iter().any(|t| matches!(t, Target::Into(_)));
    if into {
        fitting_targets(op, &metas, targets)?;
    }
    let decompose = || decomposed(op, s, attrs, &arrays, mask, targets);
    if s.decomposes() && !has_own_kernel(op, device, &arrays, &metas)? {
        *results = decompose()?;
        return Ok(());
    }
    let operands: Operands;
    let inputs = if made.is_empty() {
        inputs
    } else {
        operands = arrays.iter().map(|a| Operand::Array(a)).collect();
        &operands
    };
    let call = OpCall { op, attrs, inputs, mask, targets };
    if s.decomposes() && context::flags() & RECORDING != 0 && recorder::get().is_some_and(|r| !r.knows(&call))
    {
        *results = decompose()?;
        return Ok(());
    }
    // Small results of large inputs too: a reduction runs with what produces or uses it.
    let large = || {
        let pending = |a: &&Array| a.buffer().present().is_none();
        arrays.iter().any(|a| pending(a) || waits::worth(device, a.size() * a.dtype().size()))
    };
    let fresh = |meta: &Meta, late: bool| match late {
        true => Array::lazy_on(device, Layout::contiguous(&meta.shape), meta.dtype),
        false => Array::empty_on(device, &meta.shape, meta.dtype),
    };
    let record = Record::start(&call)?;
    // One that is written at once; several are computed into new arrays first.
    let mut direct = false;
    for (meta, target) in metas.iter().zip(targets) {
        results.push(match target {
            Target::New => fresh(meta, large())?,
            Target::Into(out) => {
                direct = targets.len() == 1 && mask.is_none() && out.dtype() == meta.dtype && {
                    let mut shared = arrays.iter().enumerate().filter(|(_, a)| a.may_share_memory(out));
                    shared.all(|(i, a)| i == 0 && s.in_place() && a.same_view(out))
                };
                if direct { (*out).clone() } else { fresh(meta, false)? }
            }
        });
    }
    let lower = || match &results[..] {
        [only] => s.lower(op, attrs, &arrays, &[only]),
        several => s.lower(op, attrs, &arrays, &several.iter().collect::<SmallVec<[&Array; 2]>>()),
    };
    match if s.decomposes() { own_kernel(lower) } else { lower() } {
        // The kernel cannot do it: by others, then.
        Err(e) if e.kind() == ErrorKind::Unsupported && s.decomposes() => {
            results.clear();
            record.void();
            let start = Instant::now();
            let done = decompose();
            let device = device.to_string();
            stats::count_fallback(op.name, &device, "parts", e.message(), 0, start.elapsed());
            *results = done?;
            return Ok(());
        }
        done => done?,
    }
    if into && !direct {
        place(results, mask, targets)?;
    }
    finish_all(record, &call, results)
}

/// Whether the device has a kernel of this operation alone for these dtypes.
fn has_own_kernel(op: &'static OpDef, device: DeviceRef, inputs: &[&Array], results: &Metas) -> Result<bool> {
    let Some(kernel) = registry::global()?.op_kernel(device.kind(), op.name) else { return Ok(false) };
    let mut touched = inputs.iter().map(|a| a.dtype()).chain(results.iter().map(|m| m.dtype));
    Ok(touched.all(|d| kernel.dtypes.contains(d)) && context::policy() != Policy::OnlyHost)
}

/// The results by other operations on the same device, which record themselves.
#[cold]
fn decomposed(
    op: &'static OpDef,
    s: &'static dyn AnyStructured,
    attrs: Attrs,
    inputs: &[&Array],
    mask: Option<&Array>,
    targets: &[Target],
) -> Result<Arrays> {
    let _name = written::enter(op.name);
    let mut results = s.decompose(op, attrs, inputs)?;
    if results.len() != op.results {
        bail!(Runtime, "{}: decomposes into {} results, not {}", op.name, results.len(), op.results);
    }
    for (r, target) in results.iter_mut().zip(targets) {
        if let Target::Into(_) = target {
            *r = copy::put(r, mask, *target)?;
        }
    }
    Ok(results)
}
