//! Shape, strides and offset: how an array looks at its buffer.
//!
//! Everything about views (slicing, transposing, broadcasting, reshaping without a copy) is arithmetic here.
//! Strides and offsets count elements, not bytes.
//!
//! Longer than most files: every way to make one layout of another is here, and checked against the same rules at its end.

use crate::{Error, ErrorKind, Result, bail};
use smallvec::SmallVec;

/// Sizes of the dimensions; up to six inline.
pub type Dims = SmallVec<[usize; 6]>;
/// Strides in elements; up to six inline.
pub type Strides = SmallVec<[isize; 6]>;

/// The greatest number of dimensions (NumPy 2's limit).
pub const MAX_NDIM: usize = 64;

/// In which order elements lie, or are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Rows follow one another.
    C,
    /// Columns follow one another.
    F,
    /// `F` where the argument has only that order, else `C`.
    A,
    /// As the argument lies.
    K,
}
impl Order {
    /// The order of a letter, in either case.
    pub fn parse(letter: &str) -> Option<Order> {
        Some(match letter {
            "C" | "c" => Order::C,
            "F" | "f" => Order::F,
            "A" | "a" => Order::A,
            "K" | "k" => Order::K,
            _ => return None,
        })
    }
    /// Its letter.
    pub fn letter(self) -> &'static str {
        match self {
            Order::C => "C",
            Order::F => "F",
            Order::A => "A",
            Order::K => "K",
        }
    }
    /// Whether something new that is made of an array of that layout has Fortran order.
    pub(crate) fn is_fortran(self, layout: &Layout) -> bool {
        self == Order::F || self == Order::A && layout.is_f_contiguous() && !layout.is_contiguous()
    }
}

/// Dimensions that a layout keeps without an allocation. Every array and every edge of a tape carries a layout: it is
/// to be small, and copied without looking at it.
pub(super) const INLINE: usize = 4;

/// Shape and strides; of the same number of dimensions.
#[derive(Clone)]
enum Axes {
    Inline { head: Head, shape: [usize; INLINE], strides: [isize; INLINE] },
    Heap(Box<(Dims, Strides)>),
}

/// Number of dimensions, and whether the elements follow one another, which is asked several times per call. One word that is written
/// and copied whole: parts of it, copied together, would have to wait until they are in the cache.
#[derive(Clone, Copy, PartialEq)]
struct Head(u32);
impl Head {
    #[inline]
    fn new(ndim: usize, contiguous: bool) -> Head {
        Head(ndim as u32 | (contiguous as u32) << 8)
    }
    /// At most `INLINE`.
    #[inline]
    fn ndim(self) -> usize {
        ((self.0 & 0xff) as usize).min(INLINE)
    }
    #[inline]
    fn contiguous(self) -> bool {
        self.0 > 0xff
    }
}

/// Shape, strides and offset of a view, in elements.
#[derive(Clone)]
pub struct Layout {
    axes: Axes,
    offset: usize,
}

impl PartialEq for Layout {
    #[inline]
    fn eq(&self, other: &Layout) -> bool {
        self.offset == other.offset
            && match (&self.axes, &other.axes) {
                // Entries beyond `ndim` are 0: whole arrays are compared, without a loop.
                (
                    Axes::Inline { head: n, shape: a, strides: s },
                    Axes::Inline { head: m, shape: b, strides: t },
                ) => n == m && a == b && s == t,
                _ => self.shape() == other.shape() && self.strides() == other.strides(),
            }
    }
}
impl Eq for Layout {}

impl std::fmt::Debug for Layout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut s = f.debug_struct("Layout");
        s.field("shape", &self.shape())
            .field("strides", &self.strides())
            .field("offset", &self.offset)
            .finish()
    }
}

/// Strides of a C-contiguous array of this shape.
pub fn contiguous_strides(shape: &[usize]) -> Strides {
    let mut strides: Strides = SmallVec::from_elem(0, shape.len());
    let mut step = 1isize;
    for (s, &n) in strides.iter_mut().zip(shape).rev() {
        *s = step;
        step = step.wrapping_mul(n.max(1) as isize);
    }
    strides
}

/// Formats a shape as NumPy does: `(2,3)`, `(4,)`, `()`.
pub fn show(shape: &[usize]) -> String {
    match shape {
        [n] => format!("({n},)"),
        _ => format!("({})", shape.iter().map(|n| n.to_string()).collect::<Vec<_>>().join(",")),
    }
}

/// An error when an array cannot have so many dimensions.
pub(crate) fn check_ndim(op: &str, ndim: usize) -> Result<()> {
    if ndim > MAX_NDIM {
        bail!(Value, "{op}: maximum supported dimension for an array is {MAX_NDIM}, found {ndim}");
    }
    Ok(())
}

/// Number of elements of a shape; an error when it does not fit.
pub fn count(op: &str, shape: &[usize]) -> Result<usize> {
    check_ndim(op, shape.len())?;
    let mut n = 1usize;
    let mut zero = false;
    for &d in shape {
        if d == 0 {
            zero = true;
        } else {
            n = n.checked_mul(d).filter(|&n| n <= isize::MAX as usize / 16).ok_or_else(|| {
                Error::new(ErrorKind::Value, format!("{op}: array of shape {} is too big", show(shape)))
            })?;
        }
    }
    Ok(if zero { 0 } else { n })
}

/// The shape that all of `shapes` broadcast to.
#[inline]
pub fn broadcast_shapes(op: &str, shapes: &[&[usize]]) -> Result<Dims> {
    // Most often all are the same.
    match shapes {
        [first, rest @ ..] if rest.iter().all(|s| s == first) => Ok(Dims::from_slice(first)),
        _ => broadcast(op, shapes),
    }
}
fn broadcast(op: &str, shapes: &[&[usize]]) -> Result<Dims> {
    let ndim = shapes.iter().map(|s| s.len()).max().unwrap_or(0);
    let mut out: Dims = SmallVec::from_elem(1, ndim);
    for s in shapes {
        let lead = ndim - s.len();
        for (o, &n) in out[lead..].iter_mut().zip(s.iter()) {
            if *o == 1 {
                *o = n;
            } else if n != 1 && n != *o {
                let all: Vec<_> = shapes.iter().map(|s| show(s)).collect();
                bail!(Value, "{op}: operands could not be broadcast together with shapes {}", all.join(" "));
            }
        }
    }
    Ok(out)
}

/// Normalises a possibly negative axis.
pub fn normalize_axis(op: &str, axis: isize, ndim: usize) -> Result<usize> {
    let n = ndim as isize;
    if axis < -n || axis >= n {
        bail!(Axis, "{op}: axis {axis} is out of bounds for array of dimension {ndim}");
    }
    Ok(if axis < 0 { axis + n } else { axis } as usize)
}

/// Whether elements follow one another in C order.
#[inline]
fn follow(shape: &[usize], strides: &[isize]) -> bool {
    let mut step = 1isize;
    for (&n, &s) in shape.iter().zip(strides).rev() {
        if n == 0 {
            return true;
        }
        if n != 1 && s != step {
            return shape.contains(&0);
        }
        step = step.wrapping_mul(n as isize);
    }
    true
}

impl Layout {
    /// C-contiguous layout from offset 0.
    #[inline]
    pub fn contiguous(shape: &[usize]) -> Layout {
        Layout::contiguous_at(shape, 0)
    }
    #[inline]
    fn contiguous_at(shape: &[usize], offset: usize) -> Layout {
        let ndim = shape.len();
        if ndim > INLINE {
            return Layout { axes: Axes::Heap(Box::new((shape.into(), contiguous_strides(shape)))), offset };
        }
        let (mut sizes, mut strides) = ([0; INLINE], [0; INLINE]);
        let mut step = 1isize;
        for i in (0..ndim).rev() {
            sizes[i] = shape[i];
            strides[i] = step;
            step = step.wrapping_mul(shape[i].max(1) as isize);
        }
        Layout { axes: Axes::Inline { head: Head::new(ndim, true), shape: sizes, strides }, offset }
    }
    /// The layout of a new array for elements in the order of this one, which is contiguous: from offset 0.
    #[inline]
    pub(crate) fn anew(&self) -> Layout {
        debug_assert!(self.is_contiguous());
        match &self.axes {
            // A dimension of size 1 may have any stride; new arrays have the usual one.
            Axes::Inline { shape, .. } if !shape.contains(&1) => {
                Layout { axes: self.axes.clone(), offset: 0 }
            }
            _ => Layout::contiguous(self.shape()),
        }
    }
    #[inline]
    fn build(shape: &[usize], strides: &[isize], offset: usize) -> Layout {
        debug_assert_eq!(shape.len(), strides.len());
        let ndim = shape.len();
        if ndim > INLINE {
            return Layout { axes: Axes::Heap(Box::new((shape.into(), strides.into()))), offset };
        }
        let (mut sizes, mut steps) = ([0; INLINE], [0; INLINE]);
        // Few: a loop, and no call that copies.
        for ((size, step), (&n, &s)) in sizes.iter_mut().zip(&mut steps).zip(shape.iter().zip(strides)) {
            (*size, *step) = (n, s);
        }
        let contiguous = follow(shape, strides);
        let head = Head::new(ndim, contiguous);
        Layout { axes: Axes::Inline { head, shape: sizes, strides: steps }, offset }
    }
    /// Shape and strides, to be changed one by one.
    fn parts(&self) -> (Dims, Strides) {
        (self.shape().into(), self.strides().into())
    }
    /// A layout from its parts; the caller answers for staying inside the buffer. Without elements the offset is 0,
    /// which every buffer has room for.
    pub fn new(shape: impl Into<Dims>, strides: impl Into<Strides>, offset: usize) -> Layout {
        let (shape, strides) = (shape.into(), strides.into());
        let offset = if shape.contains(&0) { 0 } else { offset };
        Layout::build(&shape, &strides, offset)
    }
    /// Sizes of the dimensions.
    #[inline]
    pub fn shape(&self) -> &[usize] {
        match &self.axes {
            Axes::Inline { head, shape, .. } => &shape[..head.ndim()],
            Axes::Heap(b) => &b.0,
        }
    }
    /// Strides in elements.
    #[inline]
    pub fn strides(&self) -> &[isize] {
        match &self.axes {
            Axes::Inline { head, strides, .. } => &strides[..head.ndim()],
            Axes::Heap(b) => &b.1,
        }
    }
    /// Element at which index 0 lies.
    #[inline]
    pub fn offset(&self) -> usize {
        self.offset
    }
    /// Number of dimensions.
    #[inline]
    pub fn ndim(&self) -> usize {
        self.shape().len()
    }
    /// Number of elements.
    #[inline]
    pub fn size(&self) -> usize {
        self.shape().iter().product()
    }
    /// Elements follow one another in C order.
    #[inline]
    pub fn is_contiguous(&self) -> bool {
        match &self.axes {
            Axes::Inline { head, .. } => head.contiguous(),
            Axes::Heap(b) => follow(&b.0, &b.1),
        }
    }
    /// Elements follow one another in Fortran order.
    pub fn is_f_contiguous(&self) -> bool {
        self.transpose(None).is_contiguous()
    }
    /// Some permutation of the axes is contiguous: the view covers `size` consecutive elements once each.
    pub fn is_dense(&self) -> bool {
        self.is_contiguous() || self.dense_order().is_some()
    }
    /// Axes from the slowest to the fastest when the view is a permuted contiguous block with positive strides.
    pub fn dense_order(&self) -> Option<SmallVec<[usize; 6]>> {
        let mut order: SmallVec<[usize; 6]> = (0..self.ndim()).collect();
        order.sort_by_key(|&i| (std::cmp::Reverse(self.strides()[i]), std::cmp::Reverse(self.shape()[i])));
        if self.shape().contains(&0) {
            return Some(order); // no elements follow one another in any order
        }
        let mut step = 1isize;
        for &i in order.iter().rev() {
            if self.shape()[i] != 1 {
                if self.strides()[i] != step {
                    return None;
                }
                step *= self.shape()[i] as isize;
            }
        }
        Some(order)
    }
    /// First and one-past-last element that the view can touch, or an empty range.
    pub fn span(&self) -> (usize, usize) {
        if self.shape().contains(&0) {
            return (self.offset, self.offset);
        }
        let (mut lo, mut hi) = (self.offset as isize, self.offset as isize);
        for (&n, &s) in self.shape().iter().zip(self.strides().iter()) {
            let reach = (n as isize - 1) * s;
            if reach < 0 {
                lo += reach;
            } else {
                hi += reach;
            }
        }
        (lo as usize, hi as usize + 1)
    }
    /// Every index stays inside a buffer of `elements` elements. What overflows does not.
    pub fn fits(&self, elements: usize) -> bool {
        if self.ndim() > MAX_NDIM || self.offset > elements {
            return false;
        }
        // Most views are whole and small.
        if let Axes::Inline { head, shape, .. } = &self.axes
            && head.contiguous()
        {
            let shape = &shape[..head.ndim()];
            let count = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
            return shape.contains(&0) || count.is_some_and(|n| n <= elements - self.offset);
        }
        let (mut lo, mut hi) = (self.offset as i128, self.offset as i128);
        for (&n, &s) in self.shape().iter().zip(self.strides().iter()) {
            match n {
                0 => return true,
                1 => continue,
                _ => (),
            }
            let reach = (n as i128 - 1) * s as i128;
            *if reach < 0 { &mut lo } else { &mut hi } += reach;
        }
        lo >= 0 && hi < elements as i128
    }
    /// No two indices reach the same element (judged conservatively: may say `false` for exotic layouts).
    pub fn is_injective(&self) -> bool {
        if self.is_contiguous() || self.shape().contains(&0) {
            return true;
        }
        let mut dims: SmallVec<[(usize, usize); 6]> = self
            .shape()
            .iter()
            .zip(self.strides().iter())
            .filter(|(n, _)| **n > 1)
            .map(|(&n, &s)| (s.unsigned_abs(), n))
            .collect();
        dims.sort_unstable();
        let mut reach = 0usize;
        for (s, n) in dims {
            if s <= reach {
                return false;
            }
            reach += s * (n - 1);
        }
        true
    }
    /// Whether two views of one buffer may touch a common element (conservative: ranges and strides).
    pub fn may_overlap(&self, other: &Layout) -> bool {
        let (a0, a1) = self.span();
        let (b0, b1) = other.span();
        if a0 >= b1 || b0 >= a1 {
            return false;
        }
        // Interleaved views such as a[::2] and a[1::2]: all strides share a divisor that the offsets do not.
        let gcd = |a: usize, b: usize| {
            let (mut a, mut b) = (a, b);
            while b != 0 {
                (a, b) = (b, a % b);
            }
            a
        };
        let g = [self, other]
            .iter()
            .flat_map(|l| {
                l.shape()
                    .iter()
                    .zip(l.strides().iter())
                    .filter(|(n, _)| **n > 1)
                    .map(|(_, s)| s.unsigned_abs())
            })
            .fold(0, gcd);
        g == 0 && self.offset == other.offset
            || g != 0 && self.offset.abs_diff(other.offset).is_multiple_of(g)
    }
    /// The same layout seen with `shape`, dimensions of size 1 repeated.
    pub fn broadcast_to(&self, op: &str, shape: &[usize]) -> Result<Layout> {
        let fail = || {
            Error::new(
                ErrorKind::Value,
                format!(
                    "{op}: could not broadcast input array from shape {} into shape {}",
                    show(self.shape()),
                    show(shape)
                ),
            )
        };
        if shape.len() < self.ndim() {
            return Err(fail());
        }
        let lead = shape.len() - self.ndim();
        let (mut few, mut many);
        let strides: &mut [isize] = if shape.len() <= INLINE {
            few = [0; INLINE];
            &mut few[..shape.len()]
        } else {
            many = SmallVec::<[isize; 6]>::from_elem(0, shape.len());
            &mut many
        };
        for ((to, &wide), (&n, &s)) in
            strides[lead..].iter_mut().zip(&shape[lead..]).zip(self.shape().iter().zip(self.strides()))
        {
            if n == wide {
                *to = s;
            } else if n != 1 {
                return Err(fail());
            }
        }
        Ok(Layout::build(shape, strides, self.offset))
    }
    /// Axes permuted; `None` reverses them. The axes must be a permutation.
    pub fn transpose(&self, axes: Option<&[usize]>) -> Layout {
        let (shape, strides) = (self.shape(), self.strides());
        let n = shape.len();
        let axis = |k: usize| axes.map_or(n - 1 - k, |a| a[k]);
        if n <= INLINE {
            let (mut sizes, mut steps) = ([0; INLINE], [0; INLINE]);
            for k in 0..n {
                (sizes[k], steps[k]) = (shape[axis(k)], strides[axis(k)]);
            }
            return Layout::build(&sizes[..n], &steps[..n], self.offset);
        }
        let sizes: Dims = (0..n).map(|k| shape[axis(k)]).collect();
        let steps: Strides = (0..n).map(|k| strides[axis(k)]).collect();
        Layout::build(&sizes, &steps, self.offset)
    }
    /// Elements `start, start + step, ...` (`len` of them) along one axis; the indices must be in range.
    pub fn slice(&self, axis: usize, start: usize, step: isize, len: usize) -> Layout {
        let (mut shape, mut strides) = self.parts();
        shape[axis] = len;
        let by = (start as isize).wrapping_mul(strides[axis]);
        // The step that leads to no second element may be of any size.
        strides[axis] = strides[axis].checked_mul(step).unwrap_or(0);
        Layout::build(&shape, &strides, self.offset).moved(by)
    }
    /// One index of one axis; the axis disappears.
    pub fn select(&self, axis: usize, index: usize) -> Layout {
        let (mut shape, mut strides) = self.parts();
        shape.remove(axis);
        let stride = strides.remove(axis);
        Layout::build(&shape, &strides, self.offset).moved(index as isize * stride)
    }
    /// Elements `start, start + step, ...` (`len` of them) of the first axis, or where `step` is none the one at `start`, whose axis disappears:
    /// `slice` and `select` for what most views are. `None` where there is no such axis, where they are not inside of it, and for many
    /// dimensions.
    #[inline(always)]
    pub(crate) fn first(&self, start: usize, step: Option<isize>, len: usize) -> Option<Layout> {
        let Axes::Inline { head, shape, strides } = &self.axes else { return None };
        let (ndim, size, stride) = (head.ndim(), shape[0], strides[0]);
        if ndim == 0 {
            return None;
        }
        let (ndim, shape, strides) = match step {
            None if start < size => {
                (ndim - 1, [shape[1], shape[2], shape[3], 0], [strides[1], strides[2], strides[3], 0])
            }
            None => return None,
            Some(step) => {
                let last = (len as isize).checked_sub(1)?.checked_mul(step)?.checked_add(start as isize)?;
                if len > 0 && !(start < size && 0 <= last && last < size as isize) {
                    return None;
                }
                let step = stride.wrapping_mul(step);
                (ndim, [len, shape[1], shape[2], shape[3]], [step, strides[1], strides[2], strides[3]])
            }
        };
        Some(self.few(ndim, shape, strides, stride.wrapping_mul(start as isize)))
    }
    /// `cut` for `ndim` dimensions, which are few; entries beyond are 0.
    #[inline(always)]
    pub(super) fn few(
        &self,
        ndim: usize,
        shape: [usize; INLINE],
        strides: [isize; INLINE],
        by: isize,
    ) -> Layout {
        let (mut elements, mut follow, mut next) = (1usize, true, 1isize);
        for axis in (0..INLINE).rev().filter(|&axis| axis < ndim) {
            elements = elements.wrapping_mul(shape[axis].min(1));
            follow &= shape[axis] == 1 || strides[axis] == next;
            next = next.wrapping_mul(shape[axis] as isize);
        }
        let by = if elements == 0 { 0 } else { by };
        let head = Head::new(ndim, follow || elements == 0);
        let offset = (self.offset as isize).wrapping_add(by) as usize;
        Layout { axes: Axes::Inline { head, shape, strides }, offset }
    }
    /// Moves index 0 by `by` elements. A view without elements stays where it is: its strides say nothing about its
    /// buffer, which may have no bytes at all.
    #[inline]
    fn moved(mut self, by: isize) -> Layout {
        if !self.shape().contains(&0) {
            self.offset = (self.offset as isize).wrapping_add(by) as usize;
        }
        self
    }
    /// A view with these dimensions, whose index 0 is `by` elements from this one's.
    #[inline]
    pub(super) fn cut(&self, shape: &[usize], strides: &[isize], by: isize) -> Layout {
        let by = if shape.contains(&0) { 0 } else { by };
        Layout::build(shape, strides, (self.offset as isize).wrapping_add(by) as usize)
    }
    /// Other dimensions from the same element on. The caller answers for staying inside the buffer.
    #[inline]
    pub(crate) fn seen_as(&self, shape: &[usize], strides: &[isize]) -> Layout {
        Layout::build(shape, strides, self.offset)
    }
    /// A new dimension of size 1 (stride 0) before `axis`.
    pub fn insert_axis(&self, axis: usize) -> Layout {
        let (mut shape, mut strides) = self.parts();
        shape.insert(axis, 1);
        strides.insert(axis, 0);
        Layout::build(&shape, &strides, self.offset)
    }
    /// Drops one dimension of size 1.
    pub fn remove_axis(&self, axis: usize) -> Layout {
        let (mut shape, mut strides) = self.parts();
        shape.remove(axis);
        strides.remove(axis);
        Layout::build(&shape, &strides, self.offset)
    }
    /// A view with `shape` in C order, or `None` when only a copy can have it. Sizes must agree.
    pub fn reshape(&self, shape: &[usize]) -> Option<Layout> {
        if self.is_contiguous() {
            return Some(Layout::contiguous_at(shape, self.offset));
        }
        // Groups of old and new dimensions of equal product; inside a group the old ones must merge.
        let old: SmallVec<[(usize, isize); 6]> = self
            .shape()
            .iter()
            .zip(self.strides().iter())
            .filter(|(n, _)| **n != 1)
            .map(|(&n, &s)| (n, s))
            .collect();
        let mut strides: Strides = SmallVec::from_elem(0, shape.len());
        let (mut i, mut j) = (0, 0);
        while i < old.len() {
            let (mut a, mut b) = (old[i].0, 1);
            let (i0, j0) = (i, j);
            i += 1;
            while j < shape.len() && (b < a || shape[j] == 1) {
                b *= shape[j];
                j += 1;
            }
            while a != b {
                if a < b {
                    a *= old.get(i)?.0;
                    i += 1;
                } else {
                    b *= *shape.get(j)?;
                    j += 1;
                }
            }
            if (i0..i - 1).any(|k| old[k].1 != old[k + 1].1 * old[k + 1].0 as isize) {
                return None;
            }
            let mut step = old[i - 1].1;
            for k in (j0..j).rev() {
                strides[k] = step;
                step *= shape[k] as isize;
            }
        }
        Some(Layout::build(shape, &strides, self.offset))
    }
    /// The same view moved by `by` elements.
    pub fn shifted(&self, by: isize) -> Layout {
        self.clone().moved(by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn reshape_without_copy_when_dimensions_merge() {
        let l = Layout::contiguous(&[4, 6]).slice(0, 0, 2, 2);
        assert_eq!(l.strides(), [12, 1]);
        assert_eq!(l.reshape(&[2, 2, 3]).unwrap().strides(), [12, 3, 1]);
        assert!(l.reshape(&[12]).is_none());
        assert_eq!(Layout::contiguous(&[2, 3]).transpose(None).reshape(&[3, 1, 2]).unwrap().strides()[2], 3);
        assert!(Layout::contiguous(&[2, 3]).transpose(None).reshape(&[6]).is_none());
    }
    #[test]
    fn interleaved_views_do_not_overlap() {
        let l = Layout::contiguous(&[10]);
        let (even, odd) = (l.slice(0, 0, 2, 5), l.slice(0, 1, 2, 5));
        assert!(!even.may_overlap(&odd) && even.may_overlap(&l));
        assert!(l.slice(0, 9, -1, 10).may_overlap(&l));
    }
    #[test]
    fn layouts_that_leave_the_buffer() {
        let l = Layout::contiguous(&[4]);
        assert!(l.fits(4) && !l.fits(3));
        assert!(!l.slice(0, 0, -1, 4).fits(4) && l.slice(0, 3, -1, 4).fits(4));
        assert!(!Layout::new([2usize].as_slice(), [1isize << 61].as_slice(), 0).fits(4));
        assert!(!Layout::new([usize::MAX, 3].as_slice(), [isize::MAX, isize::MAX].as_slice(), 0).fits(4));
        assert!(Layout::new([0usize, 9].as_slice(), [9isize, 9].as_slice(), 0).fits(0));
        assert!(!Layout::contiguous(&[1; MAX_NDIM + 1]).fits(1));
    }
    #[test]
    fn injective_layouts() {
        assert!(Layout::contiguous(&[3, 4]).transpose(None).is_injective());
        assert!(!Layout::contiguous(&[1, 4]).broadcast_to("t", &[3, 4]).unwrap().is_injective());
        assert!(!Layout::new([3usize, 3].as_slice(), [1isize, 1].as_slice(), 0).is_injective());
    }
}
