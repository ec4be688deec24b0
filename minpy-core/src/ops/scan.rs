//! Running folds along an axis: cumsum, cumprod.

use super::{call, structured};
use crate::dispatch::{Arg, copy_raw, launch};
use crate::kernel::{Fold, Work};
use crate::layout::{Layout, normalize_axis};
use crate::op::{OpDef, Operand, Structured, Tier};
use crate::{Array, Attrs, DType, Meta, Result, Target, bail};
use smallvec::SmallVec;

struct Scan(Fold);

/// The layout with `axis` moved to the end.
pub(super) fn axis_last(layout: &Layout, axis: usize) -> Layout {
    let order: SmallVec<[usize; 6]> = (0..layout.ndim()).filter(|&i| i != axis).chain([axis]).collect();
    layout.transpose(Some(&order))
}

impl Structured for Scan {
    fn input_dtype(&self, _: &Attrs, inputs: &[Operand], _: usize) -> Option<DType> {
        use DType::*;
        match inputs[0].dtype() {
            Bool | I8 | I16 | I32 => Some(I64),
            U8 | U16 | U32 => Some(U64),
            _ => None,
        }
    }
    fn infer(&self, op: &'static OpDef, attrs: &Attrs, inputs: &[&Array]) -> Result<Meta> {
        let Attrs::Axis(_) = attrs else { bail!(Type, "{}: wrong attributes", op.name) };
        Ok(Meta { shape: inputs[0].shape().into(), dtype: inputs[0].dtype() })
    }
    fn lower(&self, op: &'static OpDef, attrs: &Attrs, inputs: &[&Array], out: &Array) -> Result<()> {
        let Attrs::Axis(axis) = attrs else { bail!(Type, "{}: wrong attributes", op.name) };
        if out.size() == 0 {
            return Ok(());
        }
        let a = if inputs[0].may_share_memory(out) { copy_raw(inputs[0])? } else { inputs[0].clone() };
        let (i, o) = (axis_last(a.layout(), *axis), out.view(axis_last(out.layout(), *axis)));
        launch(op.name, out.device(), &Work::Scan(self.0), None, &[Arg::Array(&a, Some(&i))], &[&o])
    }
}
structured!(CUMSUM "cumsum" 1 Scan(Fold::Add), &[(0.5, 3.0)], "Running sum along an axis.");
structured!(CUMPROD "cumprod" 1 Scan(Fold::Mul), &[(0.5, 3.0)], "Running product along an axis.");

/// Running sum along `axis`.
pub fn cumsum(a: &Array, axis: isize) -> Result<Array> {
    let axis = normalize_axis("cumsum", axis, a.ndim())?;
    call(&CUMSUM, &Attrs::Axis(axis), &[Operand::Array(a)], None, Target::New)
}
/// Running product along `axis`.
pub fn cumprod(a: &Array, axis: isize) -> Result<Array> {
    let axis = normalize_axis("cumprod", axis, a.ndim())?;
    call(&CUMPROD, &Attrs::Axis(axis), &[Operand::Array(a)], None, Target::New)
}
