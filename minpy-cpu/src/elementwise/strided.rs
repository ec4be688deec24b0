//! Iteration over strided operands: common axes are dropped, ordered and merged, and blocks are gathered and scattered.
//!
//! Strides here count bytes. Used by elementwise and reduce; knows nothing of what is computed.

use super::runs::{Lie, gather};
use super::transpose::transpose;
use crate::prims::with_bits;
use smallvec::SmallVec;

/// Sizes and, per operand, strides of an iteration space.
pub(crate) struct Space {
    pub dims: SmallVec<[usize; 6]>,
    /// `strides[op * dims.len() + axis]`, in bytes.
    strides: SmallVec<[isize; 24]>,
    /// Address of each operand's first element.
    pub base: SmallVec<[isize; 6]>,
}

/// An operand before axes are merged: address, strides in elements, bytes of an element.
pub(crate) struct Strided<'a> {
    pub base: isize,
    pub strides: &'a [isize],
    pub size: isize,
}

impl Space {
    /// Joint iteration over `operands`. Axes keep their order unless `reorder`: then the first operand that moves along
    /// two axes decides (its largest stride outermost), and axes along which it runs backwards are turned round.
    pub fn new(shape: &[usize], operands: &[Strided], reorder: bool) -> Space {
        Space::with(shape, operands, reorder, reorder)
    }
    /// The same with axes in that order, but in the direction that they have.
    pub fn directed(shape: &[usize], operands: &[Strided]) -> Space {
        Space::with(shape, operands, true, false)
    }
    fn with(shape: &[usize], operands: &[Strided], reorder: bool, turn: bool) -> Space {
        let axes: SmallVec<[usize; 6]> = (0..shape.len()).filter(|&i| shape[i] != 1).collect();
        let mut order = axes;
        let k = operands.len();
        let mut base: SmallVec<[isize; 6]> = operands.iter().map(|o| o.base).collect();
        let stride = |op: usize, axis: usize| operands[op].strides[axis] * operands[op].size;
        let mut turned = 0u64;
        if reorder {
            // NumPy's insertion, which looks further where two axes cannot be compared.
            for i in 1..order.len() {
                let mut to = i;
                for j in (0..i).rev() {
                    match outer_is_finer(operands, order[j], order[i]) {
                        Some(true) => to = j,
                        Some(false) => break,
                        None => {}
                    }
                }
                order[to..=i].rotate_right(1);
            }
        }
        if turn {
            for &axis in &order {
                let first = (0..k).map(|op| operands[op].strides[axis]).find(|&s| s != 0);
                if first.is_some_and(|s| s < 0) {
                    turned |= 1 << axis;
                    for op in 0..k {
                        base[op] += stride(op, axis) * (shape[axis] as isize - 1);
                    }
                }
            }
        }
        let stride = |op: usize, axis: usize| {
            let s = stride(op, axis);
            if turned >> axis & 1 == 1 { -s } else { s }
        };
        // Merge from the inside out: `groups` ends with the outermost; each is (size, innermost axis).
        let mut groups: SmallVec<[(usize, usize); 6]> = SmallVec::new();
        for &axis in order.iter().rev() {
            if let Some((n, inner)) = groups.last_mut()
                && (0..k).all(|op| stride(op, axis) == stride(op, *inner) * *n as isize)
            {
                *n *= shape[axis];
            } else {
                groups.push((shape[axis], axis));
            }
        }
        if groups.is_empty() {
            return Space { dims: SmallVec::from_elem(1, 1), strides: SmallVec::from_elem(0, k), base };
        }
        groups.reverse();
        let dims = groups.iter().map(|g| g.0).collect();
        let mut strides = SmallVec::new();
        for op in 0..k {
            strides.extend(groups.iter().map(|g| stride(op, g.1)));
        }
        Space { dims, strides, base }
    }
    /// One dimension of `n` elements; operands are contiguous (`size` bytes apart) or, with size 0, fixed.
    pub fn flat(n: usize, operands: impl Iterator<Item = (isize, isize)>) -> Space {
        let (mut strides, mut base) = (SmallVec::new(), SmallVec::new());
        for (b, s) in operands {
            base.push(b);
            strides.push(s);
        }
        Space { dims: SmallVec::from_elem(n, 1), strides, base }
    }
    /// Bytes between neighbours of an operand along an axis.
    #[inline]
    pub fn stride(&self, op: usize, axis: usize) -> isize {
        self.strides[op * self.dims.len() + axis]
    }
    /// The same space with its axes in another order; `None` is an axis of size 1.
    pub fn permuted(&self, order: &[Option<usize>]) -> Space {
        let mut strides = SmallVec::new();
        for op in 0..self.base.len() {
            strides.extend(order.iter().map(|a| a.map_or(0, |a| self.stride(op, a))));
        }
        let dims = order.iter().map(|a| a.map_or(1, |a| self.dims[a])).collect();
        Space { dims, strides, base: self.base.clone() }
    }
    /// What lies at places of the first axes, as a space of the others: one axis at least.
    pub fn within(&self, at: &[usize]) -> Space {
        let mut base = self.base.clone();
        for (op, b) in base.iter_mut().enumerate() {
            *b += at.iter().enumerate().map(|(axis, &i)| i as isize * self.stride(op, axis)).sum::<isize>();
        }
        let order: SmallVec<[Option<usize>; 6]> = (at.len()..self.dims.len()).map(Some).collect();
        Space { base, ..self.permuted(&order) }
    }
    /// Address of the first operand's element at places of the first axes.
    pub fn within_base(&self, at: &[usize]) -> isize {
        self.base[0]
            + at.iter().enumerate().map(|(axis, &i)| i as isize * self.stride(0, axis)).sum::<isize>()
    }
    /// A part of the first axis.
    pub fn part(&self, range: std::ops::Range<usize>) -> Space {
        let mut part = self.within(&[]);
        for (op, b) in part.base.iter_mut().enumerate() {
            *b += range.start as isize * self.stride(op, 0);
        }
        part.dims[0] = range.len();
        part
    }
    /// The space with its first operand elsewhere.
    pub fn aimed(&self, base: isize, strides: &[isize]) -> Space {
        let mut other = self.within(&[]);
        other.base[0] = base;
        other.strides[..strides.len()].copy_from_slice(strides);
        other
    }
    /// Moves the last operand to the front.
    pub fn last_operand_first(&mut self) {
        self.strides.rotate_right(self.dims.len());
        self.base.rotate_right(1);
    }
}

/// Whether axis `a`, now outside `b`, should go inside: the first operand that moves along both decides.
fn outer_is_finer(operands: &[Strided], a: usize, b: usize) -> Option<bool> {
    let strides = |o: &Strided| (o.strides[a].unsigned_abs(), o.strides[b].unsigned_abs());
    operands.iter().map(strides).find(|&(x, y)| x != 0 && y != 0).map(|(x, y)| x < y)
}

/// Writes `n` copies of the element at `src`.
///
/// # Safety
/// `dst` has room for `n` elements of `size` bytes; both are aligned for that size (to 8 for 16).
pub(crate) unsafe fn fill(dst: *mut u8, src: *const u8, n: usize, size: usize) {
    with_bits!(size, T => {
        // SAFETY: the caller's promise.
        unsafe {
            let x = *src.cast::<T>();
            std::slice::from_raw_parts_mut(dst.cast::<std::mem::MaybeUninit<T>>(), n).fill(std::mem::MaybeUninit::new(x))
        }
    })
}

/// Copies `rows` x `cols` elements of `size` bytes between two strided places (strides in bytes).
///
/// # Safety
/// All elements are readable at `src` and writable at `dst`, aligned for their size (8 for 16), and the two places
/// are disjoint.
pub(crate) unsafe fn copy2d(
    dst: *mut u8,
    (dr, dc): (isize, isize),
    src: *const u8,
    (sr, sc): (isize, isize),
    rows: usize,
    cols: usize,
    size: usize,
) {
    let item = size as isize;
    // SAFETY: the caller's promise, for every branch.
    unsafe {
        // Rows of a few elements: a loop along them would be over before it began.
        let short = cols <= 4 && rows >= 8;
        if dc == item && sc == item && !short {
            for r in 0..rows as isize {
                std::ptr::copy_nonoverlapping(src.offset(r * sr), dst.offset(r * dr), cols * size);
            }
        } else if dc == item && sc == 0 && !short {
            for r in 0..rows as isize {
                fill(dst.offset(r * dr), src.offset(r * sr), cols, size);
            }
        } else {
            if dc == item && sr == item && rows >= 64 / size && cols >= 64 / size {
                return transpose(dst, dr, src, sc, rows, cols, size);
            }
            with_bits!(size, T => {
                // The loop runs along the axis on which the source is finer: cache lines are used up at once.
                if sr.unsigned_abs() < sc.unsigned_abs() && rows > 1 || short {
                    copy_tile::<T>(dst, (dc, dr), src, (sc, sr), cols, rows)
                } else {
                    copy_tile::<T>(dst, (dr, dc), src, (sr, sc), rows, cols)
                }
            })
        }
    }
}

/// Copies elements of `size` bytes in any number of dimensions, at least two.
///
/// # Safety
/// As for `copy2d`.
pub(crate) unsafe fn copy_nd(
    dst: *mut u8,
    to: &[isize],
    src: *const u8,
    from: &[isize],
    dims: &[usize],
    size: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let &[n, ref inner @ ..] = dims else { return };
        if let &[cols] = inner {
            return copy2d(dst, (to[0], to[1]), src, (from[0], from[1]), n, cols, size);
        }
        for i in 0..n as isize {
            copy_nd(dst.offset(i * to[0]), &to[1..], src.offset(i * from[0]), &from[1..], inner, size);
        }
    }
}

/// # Safety
/// As for `copy2d`.
pub(super) unsafe fn copy_tile<T: Copy>(
    dst: *mut u8,
    (dr, dc): (isize, isize),
    src: *const u8,
    (sr, sc): (isize, isize),
    rows: usize,
    cols: usize,
) {
    let item = size_of::<T>() as isize;
    for r in 0..rows as isize {
        // SAFETY: the caller's promise.
        unsafe {
            let (mut d, mut s) = (dst.offset(r * dr), src.offset(r * sr));
            let mut n = cols;
            // By registers: the compiler knows the step.
            let lie = match sc {
                _ if dc != item || n < 16 => None,
                sc if sc == 2 * item => Some(Lie::EverySecond),
                sc if sc == -item => Some(Lie::Backwards),
                _ => None,
            };
            if let Some(lie) = lie {
                gather::<T>(d.cast(), s.cast(), lie, n);
                continue;
            }
            while n >= 4 {
                let x = [
                    *s.cast::<T>(),
                    *s.offset(sc).cast::<T>(),
                    *s.offset(2 * sc).cast::<T>(),
                    *s.offset(3 * sc).cast::<T>(),
                ];
                *d.cast::<T>() = x[0];
                *d.offset(dc).cast::<T>() = x[1];
                *d.offset(2 * dc).cast::<T>() = x[2];
                *d.offset(3 * dc).cast::<T>() = x[3];
                s = s.wrapping_offset(4 * sc);
                d = d.wrapping_offset(4 * dc);
                n -= 4;
            }
            while n > 0 {
                *d.cast::<T>() = *s.cast::<T>();
                s = s.wrapping_offset(sc);
                d = d.wrapping_offset(dc);
                n -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    fn op(strides: &[isize]) -> Strided<'_> {
        Strided { base: 0, strides, size: 4 }
    }
    #[test]
    fn contiguous_axes_merge() {
        let s = Space::new(&[2, 3, 4], &[op(&[12, 4, 1]), op(&[12, 4, 1])], true);
        assert_eq!((&s.dims[..], s.stride(1, 0)), (&[24usize][..], 4));
        let s = Space::new(&[2, 3, 4], &[op(&[12, 4, 1]), op(&[0, 4, 1])], true);
        assert_eq!(&s.dims[..], &[2, 12]);
        // Transposed alike: reordered, then merged.
        let s = Space::new(&[4, 3], &[op(&[1, 4]), op(&[1, 4])], true);
        assert_eq!(&s.dims[..], &[12]);
        // Reversed alike: turned round.
        let s = Space::new(&[5], &[Strided { base: 16, strides: &[-1], size: 4 }], true);
        assert_eq!((s.stride(0, 0), s.base[0]), (4, 0));
        assert_eq!(&Space::new(&[1, 1], &[op(&[0, 0])], true).dims[..], &[1]);
    }
}
