//! Views of one value seen as views of another that holds the same elements in another order.
//!
//! What fusion needs: an expression that is read through a view reads its own inputs through the translated view.

use crate::Layout;
use smallvec::SmallVec;

/// Element `k` of `from` (in index order) lies where element `k` of `to` lies: translates a view of the first value into
/// one of the second. Works for views that permute, keep whole, slice or repeat the axes of `from`; `None` for others.
pub fn translate(view: &Layout, from: &Layout, to: &Layout) -> Option<Layout> {
    if to.is_injective() { translate_read(view, from, to) } else { None }
}
/// The same for reading only: `to` may repeat elements.
pub(crate) fn translate_read(view: &Layout, from: &Layout, to: &Layout) -> Option<Layout> {
    let counts = |i: &usize| from.shape()[*i] != 1;
    if (0..from.ndim()).filter(counts).all(|i| from.strides()[i] == to.strides()[i]) {
        return Some(view.shifted(to.offset() as isize - from.offset() as isize));
    }
    // Axes that count, slowest first; they must be distinguishable and address each element once.
    let mut axes: SmallVec<[(usize, isize, isize); 6]> = (0..from.ndim())
        .filter(counts)
        .map(|i| (from.shape()[i], from.strides()[i], to.strides()[i]))
        .collect();
    if !from.is_dense() || axes.iter().any(|a| a.1 <= 0) {
        return None;
    }
    axes.sort_by_key(|a| std::cmp::Reverse(a.1));
    // The first element of the view in coordinates of `from`.
    let mut rest = view.offset() as isize - from.offset() as isize;
    if rest < 0 {
        return None;
    }
    let mut offset = to.offset() as isize;
    let mut start: SmallVec<[isize; 6]> = SmallVec::new();
    for &(n, stride, moved) in &axes {
        let k = rest / stride;
        if k >= n as isize {
            return None;
        }
        start.push(k);
        offset += k * moved;
        rest -= k * stride;
    }
    if rest != 0 {
        return None;
    }
    let mut used: SmallVec<[usize; 6]> = SmallVec::new();
    let mut strides: SmallVec<[isize; 6]> = SmallVec::new();
    for (&n, &stride) in view.shape().iter().zip(view.strides()) {
        if n == 1 || stride == 0 {
            strides.push(0);
            continue;
        }
        // The view walks along one axis of `from`, by one or several elements at a time, and stays inside it.
        let axis = axes.iter().position(|a| stride % a.1 == 0 && (stride / a.1) != 0)?;
        let step = stride / axes[axis].1;
        let last = start[axis] + step * (n as isize - 1);
        if used.contains(&axis) || last < 0 || last >= axes[axis].0 as isize {
            return None;
        }
        used.push(axis);
        strides.push(step * axes[axis].2);
    }
    Some(Layout::new(view.shape(), strides, offset as usize))
}
