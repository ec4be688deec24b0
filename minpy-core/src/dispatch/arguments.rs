//! What the arguments of a call are: the dtype that they are promoted to, the one that is computed in, and the numbers among them.

use super::MAX_ARITY;
use crate::device::flags;
use crate::layout::{Dims, broadcast_shapes, show};
use crate::op::{Elementwise, OpDef, promoted_dtype};
use crate::{Attrs, DType, Error, ErrorKind, Operand, Result, Scalar, bail};
use smallvec::SmallVec;

/// The dtype of an operand that has one of its own.
pub(super) fn strong_dtype(o: &Operand) -> Option<DType> {
    match o {
        Operand::Array(a) if a.is_weak() => None,
        Operand::Number(_) => None,
        o => Some(o.dtype()),
    }
}

/// The dtype that the inputs of an elementwise call are promoted to, and the one it computes in; what the operation refuses is an
/// error.
pub(super) fn compute_dtype(
    op: &'static OpDef,
    e: &'static Elementwise,
    attrs: Attrs,
    inputs: &[Operand],
) -> Result<(DType, DType)> {
    if op.arity > MAX_ARITY {
        bail!(
            Registry,
            "{}: is not registered, and has {} inputs: {MAX_ARITY} are the most",
            op.name,
            op.arity
        );
    }
    if inputs.len() != op.arity {
        bail!(Type, "{}: takes {} arguments, got {}", op.name, op.arity, inputs.len());
    }
    let valued = &inputs[e.rule.condition_first as usize..];
    let promoted = match attrs.is_none() {
        true => promoted_dtype(op.name, valued)?,
        false => *attrs.expect::<DType>(op.name)?,
    };
    let compute = (e.rule.compute)(promoted).ok_or_else(|| complaint(op, inputs))?;
    // NumPy takes the first float loop that fits every input: int8 with uint8 is float16, though they promote to int16.
    let fits = !attrs.is_none()
        || promoted.is_inexact()
        || !compute.is_inexact()
        || valued.iter().any(|o| strong_dtype(o).is_none());
    let compute = if fits {
        compute
    } else {
        let each = valued.iter().filter_map(strong_dtype).filter_map(e.rule.compute);
        each.reduce(DType::promote).unwrap_or(compute)
    };
    if let Some(check) = e.check {
        check(inputs, compute)?;
    }
    Ok((promoted, compute))
}

pub(super) fn complaint(op: &OpDef, inputs: &[Operand]) -> Error {
    let types: Vec<_> = inputs.iter().map(|o| format!("{} {}", o.dtype(), show(o.shape()))).collect();
    Error::new(
        ErrorKind::Type,
        format!("ufunc '{}' not supported for the input types: {}", op.name, types.join(", ")),
    )
}

/// Dtypes of the inputs of an elementwise call, those of them that are numbers, and the bits of these.
#[derive(Default)]
pub(super) struct Numbers {
    pub dtypes: SmallVec<[DType; 4]>,
    pub numbers: SmallVec<[Option<Scalar>; 4]>,
    pub scalars: u32,
}
/// Finds them; they are written where they stay, for to move them costs as much as to find them. False for a comparison with an
/// integer out of range, which has an answer (NumPy gives it too).
#[inline]
pub(super) fn numbers(
    all: &mut Numbers,
    op: &OpDef,
    e: &'static Elementwise,
    operands: &[Operand],
    promoted: DType,
    compute: DType,
) -> Result<bool> {
    for (i, o) in operands.iter().enumerate() {
        let (d, s) = match o {
            Operand::Array(a) => (a.dtype(), None),
            Operand::Scalar(s) => (s.dtype(), Some(*s)),
            Operand::Number(n) if i == 0 && e.rule.condition_first => {
                (DType::Bool, Some(n.cast(DType::Bool)))
            }
            Operand::Number(n) => match n.to_scalar(promoted) {
                Ok(s) => (promoted, Some(flags::narrowed(*n, s))),
                // True division and the like compute in floating point, where every integer has a place.
                Err(_) if compute.is_inexact() => (compute, Some(n.cast(compute))),
                Err(err) if e.result_dtype(op.arity, compute) != DType::Bool => return Err(err),
                Err(_) => return Ok(false),
            },
        };
        all.scalars |= (s.is_some() as u32) << i;
        all.dtypes.push(d);
        all.numbers.push(s);
    }
    Ok(true)
}

/// The shape that the operands broadcast to.
pub(crate) fn broadcast_shape(op: &str, operands: &[Operand]) -> Result<Dims> {
    let shapes: SmallVec<[&[usize]; 4]> = operands.iter().map(|o| o.shape()).collect();
    broadcast_shapes(op, &shapes)
}
