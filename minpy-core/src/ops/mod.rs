//! Every operation of core, by family; a reader finds the same file names in every backend.
//!
//! Functions here are what Rust programs call; `TABLE`s and the registry are for tests and Python.

mod creation;
mod elementwise;
mod index;
mod limit;
mod literal;
mod matmul;
mod matrix;
mod methods;
mod nn;
mod operators;
mod put;
mod random;
mod rearrange;
mod reduce;
mod scan;
mod select;
mod shape;
mod sort;

pub use creation::*;
pub use elementwise::*;
pub use index::*;
pub use limit::*;
pub use literal::*;
pub use matmul::*;
pub use matrix::*;
pub use nn::*;
pub use operators::*;
pub use put::*;
pub use random::*;
pub use rearrange::*;
pub use reduce::*;
pub use scan::*;
pub use select::*;
pub use shape::*;
pub use sort::*;

/// Attributes of operations along one axis: its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Axis(pub usize);

pub use crate::dispatch::{call, call_all, call_each};
use crate::op::{OpDef, Operand, Structured};
use crate::{Array, Attrs, DType, DeviceRef, Meta, Metas, Result, Target, operation};

/// `astype`: the values in another dtype, as NumPy's unsafe casting converts them.
pub fn cast(a: &Array, dtype: DType) -> Result<Array> {
    call(&COPY, Attrs::of(&dtype), &[Operand::Array(a)], None, Target::New)
}
/// Writes values into an existing view, broadcasting and converting them (setitem).
///
/// # Errors
/// Shapes that do not broadcast; a number that an integer dtype cannot hold.
pub fn assign<'a>(target: &Array, value: impl Into<Operand<'a>>) -> Result<()> {
    let value = fitting(value.into(), target)?;
    call(&COPY, Attrs::NONE, &[value], None, Target::Into(target)).map(drop)
}
/// The operand, a number as an element of the target's dtype.
fn fitting<'a>(value: Operand<'a>, target: &Array) -> Result<Operand<'a>> {
    Ok(match value {
        Operand::Number(n) => Operand::Scalar(n.to_scalar(target.dtype())?),
        other => other,
    })
}
/// The same where `mask` is true.
pub fn assign_where<'a>(target: &Array, value: impl Into<Operand<'a>>, mask: &Array) -> Result<()> {
    let value = fitting(value.into(), target)?;
    call(&COPY, Attrs::NONE, &[value], Some(mask), Target::Into(target)).map(drop)
}

/// Copy between devices; see `Array::to_device`.
struct ToDevice;
impl Structured for ToDevice {
    type Attrs = DeviceRef;

    fn infer(&self, _: &'static OpDef, _: &DeviceRef, inputs: &[&Array]) -> Result<Metas> {
        Ok(Meta::one(inputs[0].shape(), inputs[0].dtype()))
    }
    fn lower(&self, op: &'static OpDef, _: &DeviceRef, _: &[&Array], _: &[&Array]) -> Result<()> {
        crate::bail!(Unsupported, "{}: call Array::to_device", op.name)
    }
}
operation!(pub TO_DEVICE: "to_device", 1 => 1, ToDevice, &[(-3.0, 3.0)], "Copy of an array on another device.");
