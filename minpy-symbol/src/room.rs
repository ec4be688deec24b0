//! Room for what is small and many: lists that hold something for each node or step.

use minpy_core::Result;
use minpy_core::backend::memory;

/// More than the lists take that hold something small for each node of a symbol, or each step of a schedule. Large things ask
/// one by one.
const FOR_EACH: usize = 2 << 10;
/// An error unless there is room for what is made of so many nodes or steps.
pub(crate) fn room_for(nodes: usize) -> Result<()> {
    memory::room(nodes * FOR_EACH)
}
