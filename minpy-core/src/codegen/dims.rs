//! Dimensions of several views at once: collapsing them, padding them, and the index arithmetic of generated code.

use crate::kernel::View;
use crate::{ErrorKind, Result};
use smallvec::SmallVec;

/// Strides of one view.
pub(super) type Strides = SmallVec<[isize; 6]>;

/// Common sizes and each view's strides.
#[derive(Clone, Debug)]
pub(super) struct Dims {
    /// Sizes.
    pub n: SmallVec<[usize; 6]>,
    /// Strides, view by view.
    pub s: SmallVec<[Strides; 4]>,
}

/// Drops dimensions of size 1 and merges neighbours that every view walks through as one. The C order of the
/// elements stays. At least one dimension is left.
pub(super) fn collapse<'a>(shape: &[usize], views: impl Iterator<Item = &'a [isize]> + Clone) -> Dims {
    let mut n: SmallVec<[usize; 6]> = SmallVec::new();
    let mut s: SmallVec<[Strides; 4]> = views.clone().map(|_| Strides::new()).collect();
    for (d, &size) in shape.iter().enumerate() {
        if size == 1 {
            continue;
        }
        let merges =
            !n.is_empty() && views.clone().zip(&s).all(|(v, own)| own[own.len() - 1] == v[d] * size as isize);
        if merges {
            let last = n.len() - 1;
            n[last] *= size;
            for (own, v) in s.iter_mut().zip(views.clone()) {
                own[last] = v[d];
            }
        } else {
            n.push(size);
            for (own, v) in s.iter_mut().zip(views.clone()) {
                own.push(v[d]);
            }
        }
    }
    if n.is_empty() {
        n.push(1);
        s.iter_mut().for_each(|own| own.push(1));
    }
    Dims { n, s }
}

/// `collapse` in the best order of the dimensions: those in which `lead` makes long steps first, so that neighbours in
/// memory are neighbours in the innermost loop. Only for work in which the order of the elements does not matter.
pub(super) fn collapse_reordered<'a>(
    shape: &[usize],
    lead: &[isize],
    views: impl Iterator<Item = &'a [isize]> + Clone,
) -> Dims {
    let Some(order) = order(shape, lead) else { return collapse(shape, views) };
    let permuted: SmallVec<[Strides; 4]> = views.map(|v| order.iter().map(|&d| v[d]).collect()).collect();
    let shape: SmallVec<[usize; 6]> = order.iter().map(|&d| shape[d]).collect();
    collapse(&shape, permuted.iter().map(|v| v.as_slice()))
}

/// The dimensions from long steps of `lead` to short ones; `None` when they are in that order.
pub(super) fn order(shape: &[usize], lead: &[isize]) -> Option<SmallVec<[usize; 6]>> {
    let steps = || shape.iter().zip(lead).filter(|(n, _)| **n != 1).map(|(_, s)| s.unsigned_abs());
    if steps().zip(steps().skip(1)).all(|(a, b)| a >= b) {
        return None;
    }
    let mut order: SmallVec<[usize; 6]> = (0..shape.len()).collect();
    order.sort_by_key(|&d| std::cmp::Reverse(lead[d].unsigned_abs()));
    Some(order)
}

impl Dims {
    /// Number of elements.
    pub(super) fn total(&self) -> usize {
        self.n.iter().product()
    }
    /// Adds leading dimensions of size 1 until there are `to`.
    pub(super) fn pad(&mut self, to: usize) {
        while self.n.len() < to {
            self.n.insert(0, 1);
            self.s.iter_mut().for_each(|own| own.insert(0, 0));
        }
    }
    /// The number of dimensions that kernels are generated for: few, so that few kernels are compiled.
    pub(super) fn padded_ndim(&self) -> usize {
        match self.n.len() {
            n @ 0..=2 => n,
            n => n.next_power_of_two(),
        }
    }
}

/// How a view moves along one dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Step {
    /// Stays.
    Zero,
    /// Goes to the next element.
    One,
    /// Some stride.
    Any,
}

impl Step {
    /// The class of a stride.
    pub(super) fn of(stride: isize) -> Step {
        match stride {
            0 => Step::Zero,
            1 => Step::One,
            _ => Step::Any,
        }
    }
    /// C text of `index * stride`, the stride being `name`.
    pub(super) fn times(self, index: &str, name: &str) -> String {
        match self {
            Step::Zero => "0".into(),
            Step::One => index.into(),
            Step::Any => format!("(mp_i64)({index}) * {name}"),
        }
    }
}

/// Element offset of a view's first element from the start of the memory block.
pub(super) fn base(op: &str, v: &View) -> Result<i64> {
    let size = v.dtype.size();
    if !v.memory.offset.is_multiple_of(size) {
        crate::bail!(Unsupported, "{op}: memory at byte {} is not aligned for {}", v.memory.offset, v.dtype);
    }
    Ok((v.memory.offset / size + v.offset) as i64)
}

/// C text that splits the flat index `flat` (of type `ix`, destroyed) over dimensions `0..ndim` of sizes `sizes[d]` and adds
/// `coordinate * stride` to every offset: `offsets` holds pairs (variable, struct member with the strides).
pub(super) fn unravel(
    ix: &str,
    flat: &str,
    ndim: usize,
    sizes: &str,
    offsets: &[(String, String)],
) -> String {
    let mut out = String::new();
    for d in (0..ndim).rev() {
        let coordinate = if d == 0 {
            flat.to_string()
        } else {
            out += &format!(
                "{{ const {ix} q_ = {flat} / ({ix}){sizes}[{d}]; const {ix} c_ = {flat} - q_ * ({ix}){sizes}[{d}]; "
            );
            "c_".to_string()
        };
        for (variable, strides) in offsets {
            out += &format!("{variable} += (mp_i64){coordinate} * {strides}[{d}]; ");
        }
        if d != 0 {
            out += &format!("{flat} = q_; }}\n");
        }
    }
    out += "\n";
    out
}

/// The index type for `total` elements: 32 bits where they do.
pub(super) fn index_type(wide: bool) -> &'static str {
    if wide { "mp_i64" } else { "mp_u32" }
}

/// Whether flat indices (with room for a grid's stride) need 64 bits.
pub(super) fn is_wide(total: usize) -> bool {
    total >= 1 << 30
}

/// `ErrorKind::Unsupported` for calls that make no sense to the generators.
pub(super) fn complain<T>(op: &str, what: &str) -> Result<T> {
    Err(crate::Error::new(ErrorKind::Unsupported, format!("{op}: {what}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collapsed(shape: &[usize], views: &[&[isize]]) -> Dims {
        collapse(shape, views.iter().copied())
    }

    #[test]
    fn dimensions_merge_when_every_view_agrees() {
        let d = collapsed(&[2, 3, 4], &[&[12, 4, 1], &[12, 4, 1]]);
        assert_eq!((d.n.as_slice(), d.s[0].as_slice()), (&[24][..], &[1][..]));
        let d = collapsed(&[2, 3, 4], &[&[12, 4, 1], &[0, 4, 1]]);
        assert_eq!((d.n.as_slice(), d.s[1].as_slice()), (&[2, 12][..], &[0, 1][..]));
        let d = collapsed(&[2, 1, 4], &[&[0, 7, 0]]);
        assert_eq!((d.n.as_slice(), d.s[0].as_slice()), (&[8][..], &[0][..]));
        assert_eq!(collapsed(&[], &[&[]]).total(), 1);
        assert_eq!(collapsed(&[3, 0], &[&[0, 1]]).total(), 0);
    }

    #[test]
    fn other_orders_become_contiguous() {
        let strides: &[isize] = &[1, 5, 10];
        let d = collapse_reordered(&[5, 2, 3], strides, [strides].into_iter());
        assert_eq!((d.n.as_slice(), d.s[0].as_slice()), (&[30][..], &[1][..]));
    }

    #[test]
    fn few_numbers_of_dimensions_are_compiled_for() {
        let mut d = collapsed(&[2, 3, 4, 5, 6], &[&[1, 2, 6, 24, 120]]);
        assert_eq!((d.n.len(), d.padded_ndim()), (5, 8));
        d.pad(8);
        assert_eq!((d.n.len(), d.total()), (8, 720));
    }
}
