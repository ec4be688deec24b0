//! The table of symbol operators, by family: one row each.
//!
//! Families have the names they have in minpy-core, with `loss` for the output layers whose gradient is their own.

pub(crate) mod elementwise;
pub(crate) mod index;
pub(crate) mod loss;
pub(crate) mod matmul;
pub(crate) mod nn;
pub(crate) mod reduce;
pub(crate) mod shape;
pub(crate) mod table;

use crate::attributes::Attributes;
use crate::infer::Shapes;
use minpy_core::Result;

/// For operators whose inputs and result have one shape: whatever is known fills in what is not.
pub(crate) fn same_shape(_: &Attributes, s: &mut Shapes) -> Result<()> {
    let known = (0..s.input_count()).find_map(|i| s.input(i)).or(s.output(0)).map(<[usize]>::to_vec);
    if let Some(shape) = known {
        for i in 0..s.input_count() {
            if s.input(i).is_none() {
                s.set(i, &shape)?;
            }
        }
    }
    Ok(())
}
