//! A basic index expression, item by item: integers, slices, new axes, `...`. One pass, and one layout at its end.

use super::layout::INLINE;
use crate::layout::{Dims, Layout, Strides};
use crate::{Result, bail};
use smallvec::SmallVec;

/// The view of an array that the items of an index expression make, in their order.
pub struct Cut<'a> {
    of: &'a Layout,
    /// The axis of `of` that the next item takes.
    axis: usize,
    shape: Dims,
    strides: Strides,
    by: isize,
}

impl<'a> Cut<'a> {
    /// Nothing taken yet.
    #[inline]
    pub fn new(of: &'a Layout) -> Self {
        Cut { of, axis: 0, shape: SmallVec::new(), strides: SmallVec::new(), by: 0 }
    }
    /// The axis of the array that the next item takes.
    #[inline]
    pub fn axis(&self) -> usize {
        self.axis
    }
    /// Dimensions of the view so far.
    #[inline]
    pub fn ndim(&self) -> usize {
        self.shape.len()
    }
    /// The length of the next axis. There must be one.
    #[inline]
    pub fn size(&self) -> usize {
        self.of.shape()[self.axis]
    }
    /// One index of the next axis, counted from its end where negative; the axis disappears.
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) outside of the axis.
    #[inline]
    pub fn int(&mut self, i: i64) -> Result<()> {
        let n = self.size() as i64;
        if i >= n || i < -n {
            bail!(Index, "index {i} is out of bounds for axis {} with size {n}", self.axis);
        }
        let at = if i < 0 { i + n } else { i };
        self.by = self.by.wrapping_add(self.of.strides()[self.axis].wrapping_mul(at as isize));
        self.axis += 1;
        Ok(())
    }
    /// Elements `start, start + step, ...` (`len` of them) of the next axis, all inside of it.
    #[inline]
    pub fn slice(&mut self, start: usize, step: isize, len: usize) {
        let stride = self.of.strides()[self.axis];
        self.by = self.by.wrapping_add(stride.wrapping_mul(start as isize));
        // The step that leads to no second element may be of any size.
        self.push(len, stride.wrapping_mul(step));
        self.axis += 1;
    }
    /// A new axis of size 1.
    #[inline]
    pub fn new_axis(&mut self) {
        self.push(1, 0);
    }
    /// The next axes as they are.
    #[inline]
    pub fn keep(&mut self, axes: usize) {
        for _ in 0..axes {
            self.push(self.of.shape()[self.axis], self.of.strides()[self.axis]);
            self.axis += 1;
        }
    }
    #[inline]
    fn push(&mut self, size: usize, stride: isize) {
        self.shape.push(size);
        self.strides.push(stride);
    }
    /// Where the element lies in the buffer, when every axis was taken and none is left.
    #[inline]
    pub fn element(&self) -> Option<usize> {
        let whole = self.shape.is_empty() && self.axis == self.of.ndim();
        whole.then(|| (self.of.offset() as isize).wrapping_add(self.by) as usize)
    }
    /// The view, with the axes that no item took.
    #[inline]
    pub fn finish(mut self) -> Layout {
        self.keep(self.of.ndim() - self.axis);
        self.of.cut(&self.shape, &self.strides, self.by)
    }
}

/// A [`Cut`] of few dimensions, which most are. Who makes one has counted the items: no more axes are taken than the array has, and no more
/// dimensions made than [`Few::MOST`].
pub struct Few<'a> {
    cut_of: &'a Layout,
    axis: usize,
    ndim: usize,
    shape: [usize; INLINE],
    strides: [isize; INLINE],
    by: isize,
}
impl<'a> Few<'a> {
    /// Dimensions of such a view, and of the array.
    pub const MOST: usize = INLINE;
    /// Nothing taken yet.
    #[inline(always)]
    pub fn new(of: &'a Layout) -> Self {
        Few { cut_of: of, axis: 0, ndim: 0, shape: [0; INLINE], strides: [0; INLINE], by: 0 }
    }
    #[inline(always)]
    fn next(&mut self) -> (usize, isize) {
        let axis = self.axis;
        self.axis += 1;
        (self.cut_of.shape()[axis], self.cut_of.strides()[axis])
    }
    #[inline(always)]
    fn push(&mut self, size: usize, stride: isize) {
        (self.shape[self.ndim], self.strides[self.ndim]) = (size, stride);
        self.ndim += 1;
    }
    /// The length of the next axis.
    #[inline(always)]
    pub fn size(&self) -> usize {
        self.cut_of.shape()[self.axis]
    }
    /// Index `i` of the next axis, which is inside of it.
    #[inline(always)]
    pub fn int(&mut self, i: usize) {
        let (size, stride) = self.next();
        assert!(i < size);
        self.by = self.by.wrapping_add(stride.wrapping_mul(i as isize));
    }
    /// See [`Cut::slice`].
    #[inline(always)]
    pub fn slice(&mut self, start: usize, step: isize, len: usize) {
        let (size, stride) = self.next();
        if len > 0 {
            let last = (len as isize - 1).wrapping_mul(step).wrapping_add(start as isize);
            assert!(start < size && 0 <= last && last < size as isize);
        }
        self.by = self.by.wrapping_add(stride.wrapping_mul(start as isize));
        self.push(len, stride.wrapping_mul(step));
    }
    /// A new axis of size 1.
    #[inline(always)]
    pub fn new_axis(&mut self) {
        self.push(1, 0);
    }
    /// The next axes as they are.
    #[inline(always)]
    pub fn keep(&mut self, axes: usize) {
        for _ in 0..axes {
            let (size, stride) = self.next();
            self.push(size, stride);
        }
    }
    /// The view, with the axes that no item took.
    #[inline(always)]
    pub(crate) fn finish(mut self) -> Layout {
        self.keep(self.cut_of.ndim() - self.axis);
        self.cut_of.few(self.ndim, self.shape, self.strides, self.by)
    }
}
