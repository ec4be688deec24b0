//! Elements chosen by conditions and positions: where, nonzero, take and their relatives; diagonals. Writes at such places are in `put.rs`.

use super::limit::there;
use super::reduce::{SUM, fold};
use super::{
    IMAG_PART, Index, REAL_PART, WHERE, call, cast, get, maximum, minimum, nonzero, remainder, reshape,
    take_along_axis, zeros_like,
};
use crate::function::Made;
use crate::layout::{Dims, Layout, normalize_axis};
use crate::op::Operand;
use crate::{Array, Attrs, DType, ErrorKind, Number, Result, Target, bail, context, memory};
use smallvec::SmallVec;

/// What is done about positions outside of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// An error.
    Raise,
    /// They go round.
    Wrap,
    /// They stop at the ends; negative ones do not count from the end.
    Clip,
}
impl Outside {
    /// NumPy's words.
    pub(super) fn parse(word: &str) -> Outside {
        match word {
            "wrap" => Outside::Wrap,
            "clip" => Outside::Clip,
            _ => Outside::Raise,
        }
    }
    /// Positions in an axis of length `n` that is not empty, in int64: the length need not fit their dtype.
    pub(super) fn settle(self, positions: &Array, n: usize) -> Result<Array> {
        let wide =
            if positions.dtype() == DType::I64 { positions.clone() } else { cast(positions, DType::I64)? };
        match self {
            Outside::Raise => Ok(wide),
            Outside::Wrap => remainder(&wide, n as i64),
            Outside::Clip => maximum(&minimum(&wide, n as i64 - 1)?, 0),
        }
    }
}

/// `a[:, .., positions]` with the positions at that axis.
fn at_axis(a: &Array, positions: Array, axis: usize) -> Result<Array> {
    let mut items: Vec<Index> = vec![Index::Slice(None, None, None); axis];
    items.push(Index::Array(positions));
    get(a, &items)
}
/// Elements at positions along an axis, negative ones counted from the end; without an axis of the flattened array.
///
/// ```
/// use minpy_core::{Array, ops};
/// use minpy_cpu as _;
/// # fn main() -> minpy_core::Result<()> {
/// let a = Array::from([10.0, 20.0, 30.0]);
/// let r = ops::take(&a, &Array::from([2i64, 0, -1]), None, ops::Outside::Raise)?;
/// assert_eq!(r.to_vec::<f64>()?, [30.0, 10.0, 30.0]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ErrorKind::Index`] for positions outside and an axis without elements, [`ErrorKind::Axis`] for an axis that the array does not have,
/// [`ErrorKind::NotNative`] for positions that are no integers.
pub fn take(a: &Array, positions: &Array, axis: Option<isize>, outside: Outside) -> Result<Array> {
    if positions.dtype().is_inexact() {
        bail!(NotNative, "take: indices of dtype {}", positions.dtype());
    }
    let flat;
    let (a, axis) = match axis {
        Some(axis) if a.ndim() > 0 => (a, normalize_axis("take", axis, a.ndim())?),
        other => {
            flat = reshape(a, &[-1])?;
            (&flat, normalize_axis("take", other.unwrap_or(0), 1)?)
        }
    };
    let (before, n, after) = (&a.shape()[..axis], a.shape()[axis], &a.shape()[axis + 1..]);
    // As in NumPy: there is nothing that a position could miss.
    let nothing = match outside {
        Outside::Raise => before.contains(&0),
        _ => [before, positions.shape(), after].iter().any(|part| part.contains(&0)),
    };
    if nothing {
        let shape: Dims = [before, positions.shape(), after].concat().into();
        return Array::empty_on(a.device(), &shape, a.dtype());
    }
    if n == 0 && positions.size() > 0 {
        bail!(Index, "cannot do a non-empty take from an empty axes.");
    }
    let positions = if n == 0 { cast(positions, DType::I64)? } else { outside.settle(positions, n)? };
    at_axis(a, positions, axis)
}
/// Where elements are not zero, as positions in the flattened array.
///
/// # Errors
/// What computing the values may fail with.
pub fn flatnonzero(a: &Array) -> Result<Array> {
    let found = nonzero(&reshape(a, &[-1])?)?;
    Ok(found.view(found.layout().select(0, 0)))
}
/// Elements along an axis where a condition of one dimension is true; it may be shorter than the axis.
///
/// # Errors
/// As [`take`]; [`ErrorKind::NotNative`] for a condition of another number of dimensions.
pub fn compress(condition: &Array, a: &Array, axis: Option<isize>) -> Result<Array> {
    if condition.ndim() != 1 {
        bail!(NotNative, "compress: a condition of {} dimensions", condition.ndim());
    }
    take(a, &flatnonzero(condition)?.to_device(a.device())?, axis, Outside::Raise)
}
/// One array of positions for each axis.
fn each_axis(a: &Array) -> Result<Vec<Array>> {
    if a.ndim() == 0 {
        bail!(
            Value,
            "Calling nonzero on 0d arrays is not allowed. Use np.atleast_1d(scalar).nonzero() instead. If the context of this error is of the form `arr[nonzero(cond)]`, just use `arr[cond]`."
        );
    }
    let found = nonzero(a)?;
    memory::collected((0..a.ndim()).map(|k| found.view(found.layout().select(0, k))))
}
fn choose_where(c: Operand, x: Operand, y: Operand) -> Result<Array> {
    match call(&WHERE, Attrs::NONE, &[c, x, y], None, Target::New) {
        // NumPy's `where` has an answer of its own.
        Err(e) if e.kind() == ErrorKind::Overflow => bail!(NotNative, "where: {}", e.message()),
        r => Ok(r?.with_weak(false)),
    }
}
fn array_of(x: Operand) -> Result<Array> {
    match x {
        Operand::Array(a) => Ok(a.clone()),
        Operand::Number(n) => {
            Array::from_scalar_on(context::current_device()?, n.to_scalar(n.default_dtype())?)
        }
        Operand::Scalar(s) => Array::from_scalar_on(context::current_device()?, s),
    }
}

/// The diagonal of two axes, which go, as a last axis: `offset` places above the main one. A view.
///
/// # Errors
/// [`ErrorKind::Axis`] for an axis that the array does not have, [`ErrorKind::Value`] for one that is named twice and where there are no two.
pub fn diagonal(a: &Array, offset: isize, axis1: isize, axis2: isize) -> Result<Array> {
    let n = a.ndim();
    if n < 2 {
        bail!(Value, "diag requires an array of at least two dimensions");
    }
    let (i, j) = (normalize_axis("axis1", axis1, n)?, normalize_axis("axis2", axis2, n)?);
    if i == j {
        bail!(Value, "axis1 and axis2 cannot be the same");
    }
    let l = a.layout();
    let (row, column) = (offset.min(0).unsigned_abs(), offset.max(0).unsigned_abs());
    let length = l.shape()[i].saturating_sub(row).min(l.shape()[j].saturating_sub(column));
    let kept = (0..n).filter(|k| *k != i && *k != j);
    let mut shape: Vec<usize> = kept.clone().map(|k| l.shape()[k]).collect();
    let mut strides: Vec<isize> = kept.map(|k| l.strides()[k]).collect();
    shape.push(length);
    strides.push(l.strides()[i] + l.strides()[j]);
    let start = match length {
        0 => 0,
        _ => row as isize * l.strides()[i] + column as isize * l.strides()[j],
    };
    Ok(a.view(Layout::new(shape.as_slice(), strides.as_slice(), (l.offset() as isize + start) as usize)))
}

/// Real (or imaginary) parts: of complex numbers a view, or what a tape that records can follow; of real ones the array itself, or zeros.
///
/// # Errors
/// What computing the values may fail with.
pub fn part(a: &Array, imaginary: bool) -> Result<Array> {
    if !a.dtype().is_complex() {
        return if imaginary { zeros_like(a) } else { Ok(a.clone()) };
    }
    // A view of other elements has no gradient.
    if context::flags() & context::RECORDING != 0 {
        let op = if imaginary { &IMAG_PART } else { &REAL_PART };
        return call(op, Attrs::NONE, &[Operand::Array(a)], None, Target::New);
    }
    let l = a.layout();
    let strides: Vec<isize> = l.strides().iter().map(|s| 2 * s).collect();
    let layout = Layout::new(l.shape(), strides.as_slice(), 2 * l.offset() + imaginary as usize);
    Ok(Array::from_parts(a.buffer().clone(), layout, a.dtype().real()))
}
fn part_of(x: Operand, imaginary: bool) -> Result<Array> {
    match x {
        Operand::Array(a) => part(a, imaginary),
        _ => bail!(NotNative, "a number has parts of its own"),
    }
}

/// Positions of the elements that are not zero, one per row, in int64.
///
/// # Errors
/// [`ErrorKind::Memory`].
pub fn argwhere(a: &Array) -> Result<Array> {
    match a.ndim() {
        0 => Array::empty_on(a.device(), &[(nonzero(&reshape(a, &[1])?)?.shape()[1]), 0], DType::I64),
        _ => nonzero(a).map(|found| found.t()),
    }
}
/// Elements where a condition is true, of both flattened.
///
/// # Errors
/// [`ErrorKind::Index`] for a true condition behind the last element.
pub fn extract(condition: &Array, a: &Array) -> Result<Array> {
    take(&reshape(a, &[-1])?, &flatnonzero(condition)?.to_device(a.device())?, None, Outside::Raise)
}
/// Sum of the elements of a diagonal of the two axes; small integers as [`sum`](super::sum) adds them.
///
/// # Errors
/// [`ErrorKind::Axis`] for an axis that the array does not have, [`ErrorKind::Value`] for one axis twice.
pub fn trace(a: &Array, offset: isize, axis1: isize, axis2: isize) -> Result<Array> {
    fold(&SUM, &diagonal(a, offset, axis1, axis2)?, Some(&[-1]), None, None, false, None, None)
}

/// The elements of the first array whose condition is true there, or else of `default`. All are promoted to a common dtype.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for lists that are empty or not equally long, [`ErrorKind::Type`](crate::ErrorKind::Type) for conditions that are
/// no truth values, [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for numbers that the dtype does not hold.
pub fn first_true(conditions: &[&Array], choices: &[Operand], default: Operand) -> Result<Array> {
    if conditions.len() != choices.len() {
        bail!(Value, "list of cases must be same length as list of conditions");
    }
    if conditions.is_empty() {
        bail!(Value, "select with an empty condition list is not possible");
    }
    if let Some(i) = conditions.iter().position(|c| c.dtype() != DType::Bool) {
        bail!(Type, "invalid entry {i} in condlist: should be boolean ndarray");
    }
    let mut all: SmallVec<[Operand; 4]> = choices.into();
    all.push(default);
    let dtype = crate::op::promoted_dtype("select", &all)?;
    let number = |n: Number| match n.to_scalar(dtype) {
        Ok(s) => Array::from_scalar_on(conditions[0].device(), s),
        Err(_) => bail!(NotNative, "select: a number that {dtype} does not hold"),
    };
    let of = |x: &Operand| match x {
        Operand::Array(a) => super::cast(a, dtype),
        Operand::Number(n) => number(*n),
        Operand::Scalar(s) => number(s.number()),
    };
    let mut result = of(&default)?;
    for (condition, choice) in conditions.iter().zip(choices).rev() {
        result = super::select(*condition, &of(choice)?, &result)?;
    }
    Ok(result)
}

crate::functions! {
    /// Elements of `x` where a condition is true, else of `y`; the condition alone: `nonzero(condition)`.
    r#where(condition: Operand, x: Bound = None, y: Bound = None, /) -> Array, cases ["b[3,4], f[3,4], n[4]", "i[3], f[3], 0", "b[3,1], 1, f[4]", "b[3,4]"]
        => match (x, y) {
            (None, None) => each_axis(&array_of(there(condition)?)?).map(Made::Many),
            (Some(Some(x)), Some(Some(y))) => choose_where(there(condition)?, x, y).map(Made::One),
            (Some(_), Some(_)) => bail!(NotNative, "where: None as a value"),
            _ => bail!(Value, "either both or neither of x and y should be given"),
        };
    /// Where the elements are not zero: one array of positions per axis.
    nonzero(a: Array) -> Tuple, method, constant, cases ["i[3,4]", "b[5]", "f[2,2,2]"]
        => each_axis(a);
    /// Positions in the flattened array of the elements that are not zero.
    flatnonzero(a: Array) -> Array, constant, by_values, cases ["i[3,4]", "b[5]"]
        => flatnonzero(a);
    /// Positions of the elements that are not zero, one per row.
    argwhere(a: Array) -> Array, constant, by_values, cases ["i[3,4]", "b[5]", "f[2,2,2]"]
        => argwhere(a);
    /// Elements at positions along an axis.
    take(a: Array, indices: Indices, axis: Axis = None, out: Out = None, mode: Choice("raise", "wrap", "clip") = Some("raise"))
        -> Values, method, cases ["f[8], i[3]", "f[6,7], i[2,2], axis=1", "n[6,7], 3, axis=0", "f[3,2], i[4], mode='wrap'", "f[3,2], i[4], axis=0, mode='clip'", "f[6], b[3]"]
        => take(a, indices, axis, Outside::parse(mode));
    /// Elements at positions along an axis, matched along the others.
    take_along_axis(arr: Array, indices: Array, axis: Axis = Some(-1)) -> Array, cases ["f[3,6], i[3,2]", "f[6,3], i[4,3], axis=0", "f[2,4], i[3], axis=None"]
        => {
            if !indices.dtype().is_integer() {
                bail!(Index, "`indices` must be an integer array");
            }
            let positions = indices.to_device(arr.device())?;
            match axis {
                Some(axis) => take_along_axis(arr, &positions, normalize_axis("take_along_axis", axis, arr.ndim())?),
                None if positions.ndim() != 1 => bail!(Value, "when axis=None, `indices` must have a single dimension."),
                None => take_along_axis(&reshape(arr, &[-1])?, &positions, 0),
            }
        };
    /// Elements along an axis where a condition of one dimension is true.
    compress(condition: Array, a: Array, axis: Axis = None, out: Out = None) -> Array, by_values, cases ["b[4], f[4]", "b[3], n[3,4], axis=0", "i[3], f[2,4], axis=1"]
        => compress(condition, a, axis);
    /// Elements along an axis where a condition of one dimension is true.
    compress(a: Array, condition: Array, axis: Axis = None, out: Out = None) -> Array, module [ndarray], cases ["f[4], b[4]", "n[3,4], b[3], axis=0"]
        => compress(condition, a, axis);
    /// Elements where a condition is true, of both flattened.
    extract(condition: Array, arr: Array) -> Array, by_values, cases ["b[3,4], n[3,4]", "i[5], f[5]"]
        => extract(condition, arr);
    /// A read-only view of a diagonal.
    diagonal(a: Array, offset: Int = 0, axis1: Int = 0, axis2: Int = 1) -> ReadOnly, method, cases ["f[3,4]", "f[3,4], offset=-1", "n[2,3,4], offset=1, axis1=1, axis2=2", "i[2,3], offset=5"]
        => diagonal(a, offset, axis1, axis2);
    /// Sum of the elements of a diagonal.
    trace(a: Array, offset: Int = 0, axis1: Int = 0, axis2: Int = 1, dtype: DType = None, out: Out = None)
        -> Values, method, cases ["f[3,4]", "n[3,4], offset=1", "i[2,3,4], axis1=-1, axis2=0"]
        => fold(&SUM, &diagonal(a, offset, axis1, axis2)?, Some(&[-1]), dtype, out, false, None, None);
    /// `data[.., begin:end, ..]` along one axis: a view (MXNet's function).
    slice_axis(data: Array, axis: Int, begin: OptionalInt, end: OptionalInt) -> View, cases ["f[3,4], 1, 1, 3", "i[5,2], 0, -2, None"]
        => {
            let mut items = vec![Index::Slice(None, None, None); normalize_axis("slice_axis", axis, data.ndim())?];
            items.push(Index::Slice(begin.map(|i| i as i64), end.map(|i| i as i64), None));
            get(data, &items)
        };
    /// The real part: of complex numbers a view.
    real(val: Operand) -> Part, cases ["c[2,3]", "f[3]"]
        => part_of(there(val)?, false);
    /// The imaginary part: of complex numbers a view.
    imag(val: Operand) -> Part, cases ["c[2,3]", "f[3]"]
        => part_of(there(val)?, true);
    /// Whether the dtype is complex.
    iscomplexobj(x: Ours) -> Truth, constant, cases ["c[2]", "f[2]"]
        => Ok(x.dtype().is_complex());
    /// The lengths of the axes.
    shape(a: Ours) -> Shape, constant, cases ["f[2,3]"]
        => Ok(Dims::from(a.shape()));
    /// The number of axes.
    ndim(a: Ours) -> Count, constant, cases ["f[2,3]"]
        => Ok(a.ndim());
    /// The number of elements, of all or along axes.
    size(a: Ours, axis: Axes = None) -> Count, constant, cases ["f[2,3]", "f[2,3,4], axis=1", "f[2,3,4], axis=(0, 2)"]
        => super::reduce::count_reduced("size", a, axis);
    /// Whether two arrays may have an element in common.
    may_share_memory(a: Ours, b: Ours, /, max_work: Int = 0) -> Truth, constant, cases ["f[2], f[2]"]
        => {
            if max_work != 0 && a.device().is_host() && b.device().is_host() {
                bail!(NotNative, "may_share_memory: max_work= other than 0, by which NumPy looks closer");
            }
            Ok(a.may_share_memory(b))
        };
    /// The elements of the first array whose condition is true there, or else of `default`.
    select(condlist: Arrays, choicelist: Operands, default: Bound = None) -> Array, cases ["(b[4], b[4]), (f[4], n[4])", "(b[2,3], b[3]), (f[2,3], i[3]), default=1.5", "(b[3]), (i[3])"]
        => match default.unwrap_or(Some(Operand::Number(Number::Int(0)))) {
            Some(default) => first_true(&condlist, &choicelist, default),
            None => bail!(NotNative, "select: a default of None"),
        };
}
