//! What a product is given: two matrices, a place for the result, and what is done with it next.

use super::post::Post;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// What is done with a result as soon as a part of it is there.
pub(crate) struct Finish<'a> {
    /// Called for rows and columns that are complete; several threads do so at once, for disjoint parts.
    part: &'a (dyn Fn(Range<usize>, Range<usize>) + Sync),
    /// The same as operations on each tile, where it can be done so.
    pub post: Option<Post<'a>>,
    /// The product calls `part` itself. Otherwise that is done when all of it is there.
    taken: AtomicBool,
}
impl<'a> Finish<'a> {
    pub fn new(part: &'a (dyn Fn(Range<usize>, Range<usize>) + Sync), post: Option<Post<'a>>) -> Finish<'a> {
        Finish { part, post, taken: AtomicBool::new(false) }
    }
    /// From here on the product calls `part` for all of its parts, or does `post` to all of its tiles.
    pub fn take(&self) {
        self.taken.store(true, Relaxed);
    }
    /// Whether it does.
    pub fn is_taken(&self) -> bool {
        self.taken.load(Relaxed)
    }
    pub fn part(&self, rows: Range<usize>, columns: Range<usize>) {
        (self.part)(rows, columns);
    }
}

/// A product of one matrix pair: addresses, strides in elements.
#[derive(Clone, Copy)]
pub(crate) struct Product<'a> {
    pub m: usize,
    pub n: usize,
    pub k: usize,
    pub a: *const u8,
    pub a_strides: (isize, isize),
    pub b: *const u8,
    pub b_strides: (isize, isize),
    pub c: *mut u8,
    pub c_strides: (isize, isize),
    pub finish: Option<&'a Finish<'a>>,
}
// SAFETY: the pointers are views of memory that dispatch keeps alive during the call; batches write disjoint parts.
unsafe impl Send for Product<'_> {}
// SAFETY: as above.
unsafe impl Sync for Product<'_> {}
