//! Values written into other views, and converted: by the operation `copy`, recorded; or, for dispatch and tapes, without
//! recording.

use super::{call, small};
use crate::device::flags;
use crate::expr::Program;
use crate::kernel::Work;
use crate::launch::{Arg, launch};
use crate::op::{Elementwise, ProgramSpec};
use crate::ops::COPY;
use crate::{Array, Attrs, DType, Operand, Result, Scalar, Target};
use std::sync::{Arc, OnceLock};

/// `astype`: the values in another dtype, as NumPy's unsafe casting converts them.
pub fn cast(a: &Array, dtype: DType) -> Result<Array> {
    if let Some(r) = small::converted(a, dtype)? {
        return Ok(r);
    }
    call(&COPY, Attrs::of(&dtype), &[Operand::Array(a)], None, Target::New)
}
/// The values in a target, under a mask.
pub(super) fn put(a: &Array, mask: Option<&Array>, target: Target) -> Result<Array> {
    call(&COPY, Attrs::NONE, &[Operand::Array(a)], mask, target)
}
/// Writes values into an existing view, broadcasting and converting them (setitem).
///
/// # Errors
/// Shapes that do not broadcast; a number that an integer dtype cannot hold.
pub fn assign<'a>(target: &Array, value: impl Into<Operand<'a>>) -> Result<()> {
    let value = fitting(value.into(), target)?;
    if small::assigned(target, &value)? {
        return Ok(());
    }
    call(&COPY, Attrs::NONE, &[value], None, Target::Into(target)).map(drop)
}
/// The operand, a number as an element of the target's dtype.
fn fitting<'a>(value: Operand<'a>, target: &Array) -> Result<Operand<'a>> {
    Ok(match value {
        Operand::Number(n) => Operand::Scalar(flags::narrowed(n, n.to_scalar(target.dtype())?)),
        other => other,
    })
}
/// The same where `mask` is true.
pub fn assign_where<'a>(target: &Array, value: impl Into<Operand<'a>>, mask: &Array) -> Result<()> {
    let value = fitting(value.into(), target)?;
    call(&COPY, Attrs::NONE, &[value], Some(mask), Target::Into(target)).map(drop)
}

/// The expression of a copy, found while compiling.
static COPIES: &Elementwise = match COPY.elementwise() {
    Some(e) => e,
    None => panic!("copy is elementwise"),
};

/// Writes one number into every element, without recording.
pub fn fill_raw(out: &Array, value: Scalar) -> Result<()> {
    if out.size() == 0 || small::filled(out, &value)? {
        return Ok(());
    }
    static SAME: [OnceLock<Arc<Program>>; DType::ALL.len()] = [const { OnceLock::new() }; DType::ALL.len()];
    let build = || {
        let compute = value.dtype();
        let inputs = &[compute];
        let spec = ProgramSpec { inputs, scalars: 1, compute, out: Some(out.dtype()), masked: false };
        COPIES.program("fill", &spec)
    };
    let other;
    let program = if value.dtype() == out.dtype() {
        SAME[out.dtype() as usize].get_or_init(build)
    } else {
        other = build();
        &other
    };
    launch("fill", out.device(), &Work::Elementwise, Some(program), &[Arg::Scalar(value)], &[out])
}

/// A C-contiguous copy, without recording.
pub fn copy_raw(a: &Array) -> Result<Array> {
    let out = Array::empty_on(a.device(), a.shape(), a.dtype())?;
    copy_into_raw(a, &out, None)?;
    Ok(out.with_weak(a.is_weak()))
}

pub(super) fn copy_program(from: DType, to: DType, masked: bool) -> Arc<Program> {
    let inputs = [from, DType::Bool, to];
    let inputs = if masked { &inputs[..] } else { &inputs[..1] };
    COPIES.program("copy", &ProgramSpec { inputs, scalars: 0, compute: from, out: Some(to), masked })
}

/// Copies (and converts) `a` into a view of the same shape, without recording. They must not overlap.
pub(crate) fn copy_into_raw(a: &Array, out: &Array, mask: Option<&Array>) -> Result<()> {
    if out.size() == 0 {
        return Ok(());
    }
    let program = copy_program(a.dtype(), out.dtype(), mask.is_some());
    let layout = a.layout().broadcast_to("copy", out.shape())?;
    match mask {
        None => launch(
            "copy",
            out.device(),
            &Work::Elementwise,
            Some(&program),
            &[Arg::Array(a, Some(&layout))],
            &[out],
        ),
        Some(m) => {
            let l = m.layout().broadcast_to("copy", out.shape())?;
            let args = [Arg::Array(a, Some(&layout)), Arg::Array(m, Some(&l)), Arg::Array(out, None)];
            launch("copy", out.device(), &Work::Elementwise, Some(&program), &args, &[out])
        }
    }
}
