//! Einstein's sums: products of arrays by labels of their axes, contracted pair by pair.
//!
//! A pair is contracted as a matrix product where an axis is summed, and as an elementwise product where none is; in which order pairs
//! follow each other decides about the work (Smith and Gray, "opt_einsum", Journal of Open Source Software 3 (26), 753, 2018, whose
//! measure of a greedy step this is). What is summed in one array alone is summed first.

use super::{ANY, SUM, cast, diagonal, dot, matmul, multiply, reduce, reshape};
use crate::context::{QUIET, with_flag};
use crate::layout::show;
use crate::{Array, DType, Result, bail};
use smallvec::SmallVec;

/// The label of an axis: a letter's number, or, from `BROADCAST` on, a place in an ellipsis, counted from its end.
type Label = u8;
type Labels = SmallVec<[Label; 6]>;
/// Labels that an ellipsis stands for, which has at most 64 axes.
const BROADCAST: Label = 0x80;
/// The ellipsis itself, before one knows how many axes that are.
const ELLIPSIS: Label = 0xFF;

/// Labels of axes, of each operand and of the result.
#[derive(Debug)]
struct Subscripts {
    operands: SmallVec<[Labels; 3]>,
    /// What is not written is made of the labels that stand once.
    result: Option<Labels>,
}

/// Axes as text has them: `ij,jk->ik`.
fn parse(text: &str) -> Result<Subscripts> {
    let labels = |part: &str| -> Result<Labels> {
        let (mut labels, mut chars) = (Labels::new(), part.chars());
        while let Some(c) = chars.next() {
            match c {
                ' ' => {}
                'a'..='z' | 'A'..='Z' => labels.push(c as Label),
                '.' if chars.as_str().starts_with("..") && !labels.contains(&ELLIPSIS) => {
                    labels.push(ELLIPSIS);
                    chars = chars.as_str()[2..].chars();
                }
                '.' => bail!(
                    Value,
                    "einstein sum subscripts string contains a '.' that is not part of an ellipsis ('...') in operand 0"
                ),
                c => bail!(
                    Value,
                    "invalid subscript '{c}' in einstein sum subscripts string, subscripts must be letters"
                ),
            }
        }
        Ok(labels)
    };
    let (operands, result) = match text.split_once("->") {
        Some((operands, result)) => (operands, Some(labels(result)?)),
        None => (text, None),
    };
    Ok(Subscripts { operands: operands.split(',').map(labels).collect::<Result<_>>()?, result })
}

/// An array, and the label of each of its axes; no label stands twice.
struct Term {
    array: Array,
    labels: Labels,
}
impl Term {
    fn has(&self, label: Label) -> bool {
        self.labels.contains(&label)
    }
    fn length(&self, label: Label) -> usize {
        self.labels.iter().position(|&l| l == label).map_or(1, |i| self.array.shape()[i])
    }
    /// The array with its axes in the order of these labels.
    fn ordered(&self, labels: &[Label]) -> Array {
        if self.labels.as_slice() == labels {
            return self.array.clone();
        }
        let order: SmallVec<[usize; 6]> =
            labels.iter().filter_map(|l| self.labels.iter().position(|k| k == l)).collect();
        self.array.view(self.array.layout().transpose(Some(&order)))
    }
    /// Summed over what nobody else needs.
    fn summed(self, needed: impl Fn(Label) -> bool) -> Result<Term> {
        let gone: SmallVec<[isize; 6]> =
            (0..self.labels.len()).filter(|&i| !needed(self.labels[i])).map(|i| i as isize).collect();
        if gone.is_empty() {
            return Ok(self);
        }
        let dtype = self.array.dtype();
        let op = if dtype == DType::Bool { &ANY } else { &SUM };
        let array = reduce(op, &self.array, Some(&gone), false, Some(dtype))?;
        Ok(Term { array, labels: self.labels.into_iter().filter(|&l| needed(l)).collect() })
    }
}

/// The sum of products that the labels of `subscripts` say; `arrays` are promoted to a common dtype, in which the result is.
///
/// ```
/// use minpy_core::{Array, ops};
/// use minpy_cpu as _;
/// # fn main() -> minpy_core::Result<()> {
/// let a = Array::from_slice(&[1.0, 2.0, 3.0, 4.0], &[2, 2])?;
/// assert_eq!(ops::einsum("ij,j->i", &[&a, &a.view(a.layout().select(0, 0))])?.to_vec::<f64>()?, [5.0, 11.0]);
/// assert_eq!(ops::einsum("ii", &[&a])?.to_vec::<f64>()?, [5.0]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for subscripts that cannot be read or do not fit the arrays;
/// [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for lengths that do not fit each other, of which NumPy tells in its own words.
pub fn einsum(subscripts: &str, arrays: &[&Array]) -> Result<Array> {
    let Subscripts { operands, result } = parse(subscripts)?;
    let few = match operands.len().cmp(&arrays.len()) {
        std::cmp::Ordering::Less => "fewer",
        std::cmp::Ordering::Greater => "more",
        std::cmp::Ordering::Equal => "",
    };
    if !few.is_empty() {
        bail!(
            Value,
            "{few} operands provided to einstein sum function than specified in the subscripts string"
        );
    }
    let dtype = arrays.iter().map(|a| a.dtype()).reduce(DType::promote).unwrap_or(DType::F64);
    let mut spread = 0;
    let mut terms: SmallVec<[Term; 3]> = SmallVec::new();
    for (i, (labels, &a)) in operands.iter().zip(arrays).enumerate() {
        let named = labels.iter().filter(|&&l| l != ELLIPSIS).count();
        let open = labels.len() > named;
        if named > a.ndim() {
            bail!(Value, "einstein sum subscripts string contains too many subscripts for operand {i}");
        }
        if named < a.ndim() && !open {
            bail!(
                Value,
                "operand has more dimensions than subscripts given in einstein sum, but no '...' ellipsis provided to broadcast the extra dimensions."
            );
        }
        spread = spread.max(a.ndim() - named);
        let array = if a.dtype() == dtype { a.clone() } else { cast(a, dtype)? };
        terms.push(Term { array, labels: spelled(labels, a.ndim() - named) });
    }
    let wanted = result_labels(&terms, result.as_ref(), spread)?;
    let lengths = lengths(&terms)?;
    for t in &mut terms {
        single(t)?;
        // What is broadcast along an axis has none: another array has all of it.
        while let Some(i) =
            (0..t.labels.len()).find(|&i| t.array.shape()[i] == 1 && lengths[t.labels[i] as usize] != 1)
        {
            t.labels.remove(i);
            t.array = t.array.view(t.array.layout().remove_axis(i));
        }
    }
    while terms.len() > 1 {
        let (i, j) = next_pair(&terms, &wanted, &lengths);
        let (b, a) = (terms.remove(j), terms.remove(i));
        let needed = |l: Label| wanted.contains(&l) || terms.iter().any(|t| t.has(l));
        let made = contracted(a, b, needed, &wanted)?;
        terms.push(made);
    }
    match terms.pop() {
        Some(last) => Ok(last.summed(|l| wanted.contains(&l))?.ordered(&wanted)),
        None => bail!(Value, "must provide at least an operand and a subscripts list to einsum"),
    }
}

/// Labels with those of an ellipsis of so many axes in its place.
fn spelled(labels: &[Label], axes: usize) -> Labels {
    let ellipsis = || (0..axes).rev().map(|i| BROADCAST + i as Label);
    let mut all = Labels::new();
    for &l in labels {
        if l == ELLIPSIS { all.extend(ellipsis()) } else { all.push(l) }
    }
    all
}
/// The labels of the result, all of which some operand has.
fn result_labels(terms: &[Term], written: Option<&Labels>, spread: usize) -> Result<Labels> {
    let count = |l: Label| terms.iter().flat_map(|t| &t.labels).filter(|&&k| k == l).count();
    let Some(written) = written else {
        // Letters in the order of the alphabet, capitals first.
        let mut all = spelled(&[ELLIPSIS], spread);
        all.extend((0..BROADCAST).filter(|&l| count(l) == 1));
        return Ok(all);
    };
    if spread > 0 && !written.contains(&ELLIPSIS) {
        bail!(NotNative, "einsum: a result without the ellipsis of its operands");
    }
    let all = spelled(written, spread);
    for (i, &l) in all.iter().enumerate() {
        let name = l as char;
        if all[..i].contains(&l) {
            bail!(Value, "einstein sum subscripts string includes output subscript '{name}' multiple times");
        }
        if count(l) == 0 {
            bail!(
                Value,
                "einstein sum subscripts string included output subscript '{name}' which never appeared in an input"
            );
        }
    }
    Ok(all)
}
/// The length of the axes of each label.
fn lengths(terms: &[Term]) -> Result<[usize; 256]> {
    let mut lengths = [1; 256];
    for t in terms {
        for (&l, &n) in t.labels.iter().zip(t.array.shape()) {
            let known = &mut lengths[l as usize];
            if n != *known && n != 1 && *known != 1 {
                bail!(NotNative, "einsum: axes of {n} and {known} elements with one label");
            }
            if n != 1 {
                *known = n;
            }
        }
    }
    Ok(lengths)
}
/// Takes the diagonal where a label stands twice.
fn single(t: &mut Term) -> Result<()> {
    let twice = |t: &Term| {
        let n = t.labels.len();
        (0..n).find_map(|i| (i + 1..n).find(|&j| t.labels[i] == t.labels[j]).map(|j| (i, j)))
    };
    while let Some((i, j)) = twice(t) {
        let shape = t.array.shape();
        if shape[i] != shape[j] {
            bail!(NotNative, "einsum: the diagonal of {}", show(shape));
        }
        t.array = diagonal(&t.array, 0, i as isize, j as isize)?;
        let label = t.labels.remove(j);
        t.labels.remove(i);
        t.labels.push(label);
    }
    Ok(())
}

/// The pair that is contracted next: of which the result is smallest against what it replaces, then with the least work.
fn next_pair(terms: &[Term], wanted: &[Label], lengths: &[usize; 256]) -> (usize, usize) {
    if terms.len() == 2 {
        return (0, 1);
    }
    let volume = |labels: &[Label]| labels.iter().map(|&l| lengths[l as usize] as f64).product::<f64>();
    let mut best = (f64::INFINITY, f64::INFINITY);
    let mut found = (0, 1);
    for i in 0..terms.len() {
        for j in i + 1..terms.len() {
            let (a, b) = (&terms[i], &terms[j]);
            let mut both = a.labels.clone();
            both.extend(b.labels.iter().copied().filter(|&l| !a.has(l)));
            let needed = |l: Label| {
                wanted.contains(&l) || terms.iter().enumerate().any(|(k, t)| k != i && k != j && t.has(l))
            };
            let stays: Labels = both.iter().copied().filter(|&l| needed(l)).collect();
            let cost = (volume(&stays) - volume(&a.labels) - volume(&b.labels), volume(&both));
            if cost < best {
                (best, found) = (cost, (i, j));
            }
        }
    }
    found
}

/// The product of two terms, summed over what nobody needs any more.
fn contracted(a: Term, b: Term, needed: impl Fn(Label) -> bool, wanted: &[Label]) -> Result<Term> {
    let (a, b) = {
        let a = a.summed(|l| b.has(l) || needed(l))?;
        let b = b.summed(|l| a.has(l) || needed(l))?;
        // Rows of the product come first in the result, if they can.
        let place = |t: &Term, other: &Term| {
            t.labels
                .iter()
                .filter(|&&l| !other.has(l))
                .filter_map(|l| wanted.iter().position(|w| w == l))
                .min()
        };
        match (place(&a, &b), place(&b, &a)) {
            (Some(x), Some(y)) if y < x => (b, a),
            _ => (a, b),
        }
    };
    let sorted = |mut labels: Labels| {
        labels.sort_by_key(|l| wanted.iter().position(|w| w == l).unwrap_or(usize::MAX));
        labels
    };
    let of = |t: &Term, f: &dyn Fn(Label) -> bool| -> Labels {
        t.labels.iter().copied().filter(|&l| f(l)).collect()
    };
    let summed = of(&a, &|l| !needed(l));
    let batch = sorted(of(&a, &|l| b.has(l) && needed(l)));
    let (left, right) = (sorted(of(&a, &|l| !b.has(l))), sorted(of(&b, &|l| !a.has(l))));
    let labels: Labels = batch.iter().chain(&left).chain(&right).copied().collect();
    let join = |lists: [&Labels; 3]| lists.into_iter().flatten().copied().collect::<Labels>();
    if labels.is_empty() && summed.len() == 1 {
        return Ok(Term { array: dot(&a.array, &b.array)?, labels });
    }
    // One number for each element of the batch is a sum, not a product of matrices.
    let each = left.is_empty() && right.is_empty() && !batch.is_empty();
    if summed.is_empty() || each || a.array.dtype() == DType::Bool {
        let a_labels = join([&batch, &left, &summed]);
        let b_labels = join([&batch, &right, &summed]);
        let ones = |n: usize| std::iter::repeat_n(1isize, n);
        let lengths = |t: &Term, labels: &[Label]| -> SmallVec<[isize; 8]> {
            labels.iter().map(|&l| t.length(l) as isize).collect()
        };
        let shape = |t: &Term, before: usize, own: &[Label], behind: usize| -> SmallVec<[isize; 8]> {
            let mut shape = lengths(t, &batch);
            shape.extend(ones(before));
            shape.extend(lengths(t, own));
            shape.extend(ones(behind));
            shape.extend(lengths(t, &summed));
            shape
        };
        let x = reshape(&a.ordered(&a_labels), &shape(&a, 0, &left, right.len()))?;
        let y = reshape(&b.ordered(&b_labels), &shape(&b, left.len(), &right, 0))?;
        let all = join([&labels, &summed, &Labels::new()]);
        return Term { array: multiply(&x, &y)?, labels: all }.summed(&needed);
    }
    // Lengths of the result, and of the operands of the product: rows, columns and what is summed are one axis each.
    let size = |t: &Term, labels: &[Label]| labels.iter().map(|&l| t.length(l)).product::<usize>() as isize;
    let lengths = |t: &Term, labels: &[Label]| {
        labels.iter().map(|&l| t.length(l) as isize).collect::<SmallVec<[isize; 8]>>()
    };
    let head = lengths(&a, &batch);
    let flat = |t: &Term, labels: [&Labels; 3], shape: [isize; 2]| {
        let mut all = head.clone();
        all.extend(shape);
        reshape(&t.ordered(&join(labels)), &all)
    };
    let n = size(&a, &summed);
    let x = flat(&a, [&batch, &left, &summed], [size(&a, &left), n])?;
    let y = flat(&b, [&batch, &summed, &right], [n, size(&b, &right)])?;
    let mut shape = head.clone();
    shape.extend(lengths(&a, &left));
    shape.extend(lengths(&b, &right));
    Ok(Term { array: reshape(&matmul(&x, &y)?, &shape)?, labels })
}

crate::functions! {
    /// The sum of products over axes that labels tell: `einsum("ij,jk->ik", a, b)`, or `einsum(a, [0, 1], b, [1, 2], [0, 2])`.
    einsum(*operands: Terms, out: Out = None, optimize: Plan = false, **kwargs)
        -> Values, cases ["'ij,jk->ik', f[2,3], f[3,4]", "'ii', f[3,3]", "'ii->i', f[3,3]", "'ij->ji', n[2,3]", "'ij->j', n[2,3]", "'i,j', f[2], n[3]", "'i,i', f[3], c[3]",
            "'...ij,...jk', f[2,2,3], f[3,2]", "'bij,bj->bi', f[2,3,4], f[2,4]", "'ij,jk,kl->li', f[2,3], f[3,4], f[4,2]", "'iij,jk->ik', f[2,2,3], f[3,2]", "'ij,ij->', i[2,3], i[2,3]", "'i,i', b[4], b[4]", "'ab,cb,ad->dc', f[2,3], f[1,3], f[2,2]"]
        => {
            let (subscripts, arrays) = operands;
            // NumPy tells of no exceptions here.
            with_flag(QUIET, || einsum(&subscripts, &arrays))
        };
}
