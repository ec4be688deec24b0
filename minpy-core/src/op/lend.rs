//! An array's memory in the hands of others: NumPy, DLPack.

use super::recorder;
use crate::array::buffer::Lent;
use crate::{Array, Result};
use std::sync::atomic::Ordering::Relaxed;

impl Array {
    /// Makes the memory reachable from outside (NumPy) until the window that is given back is closed: what a tape keeps of it
    /// is copied first, and until then operations on it run at once.
    ///
    /// # Errors
    /// What computing the contents may fail with.
    pub fn lend(&self) -> Result<Lent> {
        self.settle_for_others()?;
        Ok(Lent::of(self.buffer()))
    }
    /// The same for good: for those who take an address and keep nothing alive.
    ///
    /// # Errors
    /// As `lend`.
    pub fn share_for_good(&self) -> Result<()> {
        self.settle_for_others()?;
        self.buffer().share_for_good();
        Ok(())
    }
    fn settle_for_others(&self) -> Result<()> {
        if self.buffer().saves().load(Relaxed) != 0
            && let Some(r) = recorder::get()
        {
            r.before_write(self)?;
        }
        // What is pending on these contents is computed before somebody outside can change them.
        self.buffer().memory_to_write()?;
        Ok(())
    }
}
