//! Every operation of core, by family; a reader finds the same file names in every backend.
//!
//! Functions here are what Rust programs call; `TABLE`s and the registry are for tests and Python.

mod creation;
mod elementwise;
mod index;
mod literal;
mod matmul;
mod matrix;
mod methods;
mod nn;
mod operators;
mod random;
mod rearrange;
mod reduce;
mod scan;
mod shape;
mod sort;

pub use creation::*;
pub use elementwise::*;
pub use index::*;
pub use literal::*;
pub use matmul::*;
pub use matrix::*;
pub use nn::*;
pub use operators::*;
pub use random::*;
pub use rearrange::*;
pub use reduce::*;
pub use scan::*;
pub use shape::*;
pub use sort::*;

pub use crate::dispatch::call;
use crate::op::{OpDef, Operand, Structured, Tier};
use crate::{Array, Attrs, DType, Meta, Result, Target};

/// Defines and registers a structured operation.
macro_rules! structured {
    ($id:ident $name:literal $($rest:tt)*) => { structured!($id [$name] $($rest)*); };
    ($id:ident [$name:expr] $arity:literal $imp:expr, $domain:expr, $doc:literal) => {
        #[doc = $doc]
        pub static $id: OpDef = OpDef {
            name: $name,
            arity: $arity,
            doc: $doc,
            tier: Tier::Structured(&$imp),
            domain: $domain,
            file: file!(),
            line: line!(),
        };
        inventory::submit! { crate::registry::Item::Op(&$id) }
    };
}
use structured;

/// `astype`: the values in another dtype, as NumPy's unsafe casting converts them.
pub fn cast(a: &Array, dtype: DType) -> Result<Array> {
    call(&COPY, &Attrs::DType(dtype), &[Operand::Array(a)], None, Target::New)
}
/// Writes values into an existing view, broadcasting and converting them (setitem).
///
/// # Errors
/// Shapes that do not broadcast; a number that an integer dtype cannot hold.
pub fn assign<'a>(target: &Array, value: impl Into<Operand<'a>>) -> Result<()> {
    let value = fitting(value.into(), target)?;
    call(&COPY, &Attrs::None, &[value], None, Target::Into(target)).map(drop)
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
    call(&COPY, &Attrs::None, &[value], Some(mask), Target::Into(target)).map(drop)
}

/// Copy between devices; see `Array::to_device`.
struct ToDevice;
impl Structured for ToDevice {
    fn infer(&self, _: &'static OpDef, _: &Attrs, inputs: &[&Array]) -> Result<Meta> {
        Ok(Meta { shape: inputs[0].shape().into(), dtype: inputs[0].dtype() })
    }
    fn lower(&self, op: &'static OpDef, _: &Attrs, _: &[&Array], _: &Array) -> Result<()> {
        crate::bail!(Unsupported, "{}: call Array::to_device", op.name)
    }
}
structured!(TO_DEVICE "to_device" 1 ToDevice, &[(-3.0, 3.0)], "Copy of an array on another device.");
