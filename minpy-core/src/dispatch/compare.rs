//! Comparisons whose answer no common dtype can give, made of other operations.

use super::arguments::strong_dtype;
use super::{Operands, call, copy};
use crate::op::OpDef;
use crate::{Array, Attrs, DType, Number, Operand, Result, Scalar, Target, context, ops};

#[cold]
pub(super) fn compare_out_of_range(
    op: &'static OpDef,
    attrs: Attrs,
    operands: &[Operand],
    mask: Option<&Array>,
    target: Target,
) -> Result<Array> {
    // The number lies beyond every value of the array's dtype; its sign decides, as infinity would.
    let replaced: Operands = operands
        .iter()
        .map(|o| match o {
            Operand::Number(Number::Int(i)) => {
                Operand::Scalar(Scalar::new(if *i < 0 { f64::NEG_INFINITY } else { f64::INFINITY }))
            }
            o => *o,
        })
        .collect();
    call(op, attrs, &replaced, mask, target)
}

/// uint64 with a signed dtype: they promote to float64, which cannot tell all of them apart.
pub(super) fn mixes_signs(a: &Operand, b: &Operand) -> bool {
    let signed = |d: DType| d.kind() == crate::dtype::Kind::Signed;
    let (a, b) = (strong_dtype(a), strong_dtype(b));
    matches!((a, b), (Some(DType::U64), Some(d)) | (Some(d), Some(DType::U64)) if signed(d))
}
/// An exact comparison of uint64 with a signed dtype, as NumPy's: a negative number is less than all, others are compared
/// as uint64.
#[cold]
pub(super) fn compare_signs(
    op: &'static OpDef,
    a: &Operand,
    b: &Operand,
    mask: Option<&Array>,
    target: Target,
) -> Result<Array> {
    let of = |x: bool| if x { Number::Int(-1) } else { Number::Int(0) };
    let signed_first = a.dtype() != DType::U64;
    let wide =
        |o: &Operand| -> Result<Array> { call(&ops::COPY, Attrs::of(&DType::U64), &[*o], None, Target::New) };
    let negative = ops::less(if signed_first { *a } else { *b }, 0i64)?;
    let plain =
        call(op, Attrs::NONE, &[Operand::Array(&wide(a)?), Operand::Array(&wide(b)?)], None, Target::New)?;
    // What the operation says of a negative number and one that is not.
    let device = negative.device();
    let verdict = context::with_device(device, || {
        call(
            op,
            Attrs::NONE,
            &[Operand::Number(of(signed_first)), Operand::Number(of(!signed_first))],
            None,
            Target::New,
        )
    })?;
    let r = ops::select(&negative, &verdict, &plain)?;
    match target {
        Target::New if mask.is_none() => Ok(r),
        _ => copy::put(&r, mask, target),
    }
}
