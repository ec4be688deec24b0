//! Elements of views as lists, for kernels that take no strides: where they lie one after another, or as a copy.

use crate::machine::pool::Block;
use minpy_core::Result;
use minpy_core::backend::View;
use minpy_core::backend::layout::for_each_offset;

/// Elements of an input, one after another.
pub(crate) struct Row<T> {
    at: *const T,
    n: usize,
    /// Keeps a copy.
    _held: Block,
}
impl<T: Copy> Row<T> {
    /// # Safety
    /// The elements are `T`, and nobody writes them while the list is used.
    pub(crate) unsafe fn new(view: &View) -> Result<Row<T>> {
        let (n, from) = (view.size(), view.host_ptr().cast::<T>());
        if n == 0 || view.is_contiguous() {
            return Ok(Row { at: from, n, _held: Block::default() });
        }
        let held = Block::of::<T>(n)?;
        let to = held.at().cast::<T>();
        // SAFETY: the view holds these elements (a negative offset wraps round to the right address), and there is room for all of them.
        for_each_offset(view.shape, view.strides, 0, |k, at| unsafe { *to.add(k) = *from.wrapping_add(at) });
        Ok(Row { at: to, n, _held: held })
    }
    pub(crate) fn list(&self) -> &[T] {
        if self.n == 0 {
            return &[];
        }
        // SAFETY: so many elements, here or in the copy.
        unsafe { std::slice::from_raw_parts(self.at, self.n) }
    }
}
/// Lets `f` write the elements of an output as a list.
///
/// # Safety
/// The elements are `T`, of plain data, and nobody else uses them.
pub(crate) unsafe fn written<T: Copy>(out: &View, f: impl FnOnce(&mut [T]) -> Result<()>) -> Result<()> {
    let (n, to) = (out.size(), out.host_ptr().cast::<T>());
    if out.is_contiguous() {
        // SAFETY: the caller's promise.
        return f(unsafe { std::slice::from_raw_parts_mut(to, n) });
    }
    let block = Block::of::<T>(n)?;
    let made = block.at().cast::<T>();
    // SAFETY: room for so many elements of plain data, which nobody else has; the view holds those that are written.
    unsafe {
        made.write_bytes(0, n);
        f(std::slice::from_raw_parts_mut(made, n))?;
        for_each_offset(out.shape, out.strides, 0, |k, at| *to.wrapping_add(at) = *made.add(k));
    }
    Ok(())
}
