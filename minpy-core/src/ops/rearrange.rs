//! Axes moved, flipped and rolled; arrays joined, split and repeated: views where that is possible.

use super::{Index, assign, concatenate, copy, get, reshape, stack};
use crate::function::Sections;
use crate::layout::{Dims, check_ndim, count, normalize_axis, show};
use crate::{Array, DType, Operand, Result, bail, memory};
use smallvec::SmallVec;

type Axes = SmallVec<[usize; 6]>;

/// Axes of an array, counted from the end where they are negative, none of them twice; `argument` names them in errors.
fn each_once(argument: &str, axes: &[isize], ndim: usize) -> Result<Axes> {
    for &a in axes {
        normalize_axis(argument, a, ndim)?;
    }
    let mut list = Axes::new(); // not longer than there are axes
    for &a in axes {
        let a = normalize_axis(argument, a, ndim)?;
        if list.contains(&a) {
            bail!(Value, "repeated axis in `{argument}` argument");
        }
        list.push(a);
    }
    Ok(list)
}
fn permuted(a: &Array, order: &[usize]) -> Array {
    a.view(a.layout().transpose(Some(order)))
}
/// A copy in C order.
fn dense(a: &Array) -> Result<Array> {
    let out = Array::empty_on(a.device(), a.shape(), a.dtype())?;
    assign(&out, a)?;
    Ok(out)
}
fn signed(shape: &[usize]) -> SmallVec<[isize; 6]> {
    shape.iter().map(|&n| n as isize).collect()
}

/// Axes moved to new places; the others stay in order. A view.
///
/// # Errors
/// [`ErrorKind::Axis`](crate::ErrorKind::Axis) for an axis that the array does not have, [`ErrorKind::Value`](crate::ErrorKind::Value) for one that is named
/// twice, and for lists of different lengths.
pub fn moveaxis(a: &Array, source: &[isize], destination: &[isize]) -> Result<Array> {
    let n = a.ndim();
    let (source, destination) = (each_once("source", source, n)?, each_once("destination", destination, n)?);
    if source.len() != destination.len() {
        bail!(Value, "`source` and `destination` arguments must have the same number of elements");
    }
    let mut order: Axes = (0..n).filter(|i| !source.contains(i)).collect();
    let mut moves: SmallVec<[(usize, usize); 6]> = destination.iter().copied().zip(source).collect();
    moves.sort_unstable();
    for (to, from) in moves {
        order.insert(to, from);
    }
    Ok(permuted(a, &order))
}
/// One axis rolled back until it lies before `start`. A view.
///
/// # Errors
/// [`ErrorKind::Axis`](crate::ErrorKind::Axis) for what is no axis.
pub fn rollaxis(a: &Array, axis: isize, start: isize) -> Result<Array> {
    let n = a.ndim();
    let axis = normalize_axis("rollaxis", axis, n)?;
    let from = if start < 0 { start + n as isize } else { start };
    if from < 0 || from > n as isize {
        bail!(Axis, "'start' arg requires {} <= start < {}, but {start} was passed in", -(n as isize), n + 1);
    }
    let to = if (axis as isize) < from { from as usize - 1 } else { from as usize };
    moveaxis(a, &[axis as isize], &[to as isize])
}
/// Two axes exchanged. A view.
///
/// # Errors
/// [`ErrorKind::Axis`](crate::ErrorKind::Axis) for an axis that the array does not have.
pub fn swapaxes(a: &Array, axis1: isize, axis2: isize) -> Result<Array> {
    let (i, j) = (normalize_axis("axis1", axis1, a.ndim())?, normalize_axis("axis2", axis2, a.ndim())?);
    let mut order: Axes = (0..a.ndim()).collect();
    order.swap(i, j);
    Ok(permuted(a, &order))
}
/// Axes of length 1 dropped: these, or all of them. A view.
///
/// # Errors
/// [`ErrorKind::Axis`](crate::ErrorKind::Axis) for an axis that the array does not have, [`ErrorKind::Value`](crate::ErrorKind::Value) for one of another length or
/// that is named twice.
pub fn squeeze(a: &Array, axes: Option<&[isize]>) -> Result<Array> {
    let mut list: Axes = match axes {
        None => (0..a.ndim()).filter(|&i| a.shape()[i] == 1).collect(),
        // As in NumPy.
        Some([0 | -1]) if a.ndim() == 0 => Axes::new(),
        Some(axes) => axes.iter().map(|&i| normalize_axis("squeeze", i, a.ndim())).collect::<Result<_>>()?,
    };
    if list.iter().any(|&i| a.shape()[i] != 1) {
        bail!(
            Value,
            "cannot select an axis to squeeze out which has size not equal to one (shape {})",
            show(a.shape())
        );
    }
    list.sort_unstable();
    if list.windows(2).any(|w| w[0] == w[1]) {
        bail!(Value, "duplicate value in 'axis'");
    }
    Ok(a.view(list.iter().rev().fold(a.layout().clone(), |l, &i| l.remove_axis(i))))
}
/// New axes of length 1, where they are in the result. A view.
///
/// # Errors
/// [`ErrorKind::Axis`](crate::ErrorKind::Axis) for what is no axis of the result, [`ErrorKind::Value`](crate::ErrorKind::Value) for one that is named twice.
pub fn expand_dims(a: &Array, axes: &[isize]) -> Result<Array> {
    let n = a.ndim() + axes.len();
    check_ndim("expand_dims", n)?;
    let mut list: Axes = axes.iter().map(|&i| normalize_axis("expand_dims", i, n)).collect::<Result<_>>()?;
    list.sort_unstable();
    if list.windows(2).any(|w| w[0] == w[1]) {
        bail!(Value, "repeated axis");
    }
    Ok(a.view(list.iter().fold(a.layout().clone(), |l, &i| l.insert_axis(i))))
}
/// Axes reversed: these, or all of them. A view.
///
/// # Errors
/// As [`moveaxis`].
pub fn flip(a: &Array, axes: Option<&[isize]>) -> Result<Array> {
    let list = match axes {
        None => (0..a.ndim()).collect(),
        Some(axes) => each_once("axis", axes, a.ndim())?,
    };
    Ok(list.iter().fold(a.clone(), |v, &i| {
        let n = v.shape()[i];
        v.slice(i, n.saturating_sub(1), -1, n)
    }))
}
/// Elements shifted along axes, those that leave at the end coming in at the beginning; without axes in the flattened array. A number goes
/// with all axes, or an axis with all numbers.
///
/// # Errors
/// [`ErrorKind::Axis`](crate::ErrorKind::Axis) for an axis that the array does not have, [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for lists of different lengths.
pub fn roll(a: &Array, shift: &[isize], axes: Option<&[isize]>) -> Result<Array> {
    let Some(axes) = axes else {
        let flat = roll(&reshape(a, &[-1])?, shift, Some(&[0]))?;
        return reshape(&flat, &signed(a.shape()));
    };
    let pairs = match (shift.len(), axes.len()) {
        (s, x) if s == x || s == 1 || x == 1 => s.max(x) * (s.min(x) > 0) as usize,
        (s, x) => bail!(NotNative, "roll: {s} shifts along {x} axes"),
    };
    let mut moves: SmallVec<[isize; 6]> = SmallVec::from_elem(0, a.ndim());
    for k in 0..pairs {
        let axis = normalize_axis("roll", axes[k % axes.len()], a.ndim())?;
        let n = a.shape()[axis] as isize;
        if n > 0 {
            moves[axis] = (moves[axis] + shift[k % shift.len()] % n).rem_euclid(n);
        }
    }
    let mut r: Option<Array> = None;
    for (axis, by) in moves.into_iter().enumerate().filter(|(_, by)| *by != 0) {
        let whole = r.as_ref().unwrap_or(a);
        let (n, by) = (whole.shape()[axis], by as usize);
        let parts = [whole.slice(axis, n - by, 1, by), whole.slice(axis, 0, 1, n - by)];
        r = Some(concatenate(&parts, axis as isize, None)?);
    }
    r.map_or_else(|| copy(a), Ok)
}
/// The array repeated as a whole, `reps` times along each axis; missing numbers, and missing axes, are 1 in front.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for negative numbers and results that are too large.
pub fn tile(a: &Array, reps: &[isize]) -> Result<Array> {
    let n = a.ndim().max(reps.len());
    check_ndim("tile", n)?;
    let shape = |i: usize| (i + a.ndim()).checked_sub(n).map_or(1, |k| a.shape()[k]);
    let times = |i: usize| (i + reps.len()).checked_sub(n).map_or(1, |k| reps[k]);
    let (mut narrow, mut wide, mut result) = (Dims::new(), Dims::new(), Dims::new());
    for i in 0..n {
        let Ok(r) = usize::try_from(times(i)) else { bail!(Value, "negative dimensions are not allowed") };
        narrow.extend([1, shape(i)]);
        wide.extend([r, shape(i)]);
        let Some(size) = r.checked_mul(shape(i)) else {
            bail!(Value, "tile: {r} times {} are too many", shape(i))
        };
        result.push(size);
    }
    if count("tile", &result)? == 0 {
        return Array::empty_on(a.device(), &result, a.dtype());
    }
    if n > 32 {
        bail!(NotNative, "tile: of more than 32 dimensions");
    }
    let spread = reshape(a, &signed(&narrow))?.broadcast_to(&wide)?;
    reshape(&dense(&spread)?, &signed(&result))
}
/// Each element repeated along an axis; without one, those of the flattened array. `repeats` is a number, or one for each.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for negative numbers, and for as many as do not fit the axis.
pub fn repeat(a: &Array, repeats: &[i64], axis: Option<isize>) -> Result<Array> {
    let flat;
    let (a, axis) = match axis {
        Some(axis) if a.ndim() > 0 => (a, normalize_axis("repeat", axis, a.ndim())?),
        other => {
            flat = reshape(a, &[-1])?;
            (&flat, normalize_axis("repeat", other.unwrap_or(0), 1)?)
        }
    };
    let length = a.shape()[axis];
    let negative = repeats.iter().any(|&n| n < 0);
    if repeats.len() != 1 && repeats.len() != length {
        bail!(Value, "operands could not be broadcast together with shape ({length},) ({},)", repeats.len());
    }
    if negative && !(repeats.len() == 1 && length == 0) {
        bail!(Value, "repeats may not contain negative values.");
    }
    if let [n] = repeats {
        // Nothing is repeated less than not at all.
        let n = usize::try_from(*n).unwrap_or(0);
        let mut shape: Dims = a.shape().into();
        shape.insert(axis + 1, n);
        let mut result: Dims = a.shape().into();
        let Some(size) = length.checked_mul(n) else {
            bail!(Value, "repeat: {n} times {length} are too many")
        };
        result[axis] = size;
        if count("repeat", &result)? == 0 {
            return Array::empty_on(a.device(), &result, a.dtype());
        }
        let wide = a.expand_dims(axis as isize + 1)?.broadcast_to(&shape)?;
        return reshape(&dense(&wide)?, &signed(&result));
    }
    let total = repeats.iter().try_fold(0usize, |all, &n| all.checked_add(n as usize));
    let Some(total) = total else { bail!(Value, "repeat: the result is too large") };
    let mut at: Vec<i64> = memory::list(total)?;
    for (i, &n) in repeats.iter().enumerate() {
        at.extend(std::iter::repeat_n(i as i64, n as usize));
    }
    let mut items: Vec<Index> = vec![Index::Slice(None, None, None); axis];
    items.push(Index::Array(Array::from_slice(&at, &[total])?.to_device(a.device())?));
    get(a, &items)
}
/// The values of `repeats` that NumPy takes: one whole number, or a list of them, of dtypes whose every value an int64 has.
fn counts(repeats: Operand) -> Result<Vec<i64>> {
    let whole = |d: DType| d.is_integer() && d != DType::U64;
    match repeats {
        Operand::Number(crate::Number::Int(n)) if i64::try_from(n).is_ok() => Ok(vec![n as i64]),
        Operand::Scalar(s) if whole(s.dtype()) => Ok(vec![s.number().to_f64() as i64]),
        Operand::Array(r) if whole(r.dtype()) && r.ndim() <= 1 => r.astype(DType::I64)?.to_vec(),
        _ => bail!(NotNative, "repeat: repeats= of this kind"),
    }
}

/// The array with at least so many dimensions, as `atleast_1d` and its relatives give them. A view.
///
/// # Errors
/// None but those of a view.
pub fn at_least(a: &Array, dims: usize) -> Result<Array> {
    let shape: &[isize] = match (dims, a.shape()) {
        (1, []) => &[1],
        (2, []) => &[1, 1],
        (2, [_]) => &[1, -1],
        (3, []) => &[1, 1, 1],
        (3, [_]) => &[1, -1, 1],
        (3, [n, m]) => return reshape(a, &[*n as isize, *m as isize, 1]),
        _ => return Ok(a.clone()),
    };
    if a.size() == 0 {
        let fixed: SmallVec<[isize; 3]> = shape.iter().map(|&n| if n < 0 { 0 } else { n }).collect();
        return reshape(a, &fixed);
    }
    reshape(a, shape)
}
pub(super) fn all_at_least(arrays: &[&Array], dims: usize) -> Result<Vec<Array>> {
    let mut all = memory::list(arrays.len())?;
    for a in arrays {
        all.push(at_least(a, dims)?);
    }
    Ok(all)
}
fn owned(arrays: &[&Array]) -> Result<Vec<Array>> {
    memory::collected(arrays.iter().map(|a| (*a).clone()))
}
/// NumPy words the complaints: about nothing, and about a dtype that the arrays cannot have.
pub(super) fn joinable(name: &str, arrays: &[&Array], dtype: Option<DType>) -> Result<()> {
    if arrays.is_empty() {
        bail!(NotNative, "{name}: of no arrays");
    }
    match dtype {
        Some(d) if arrays.iter().any(|a| !a.dtype().can_cast_same_kind(d)) => {
            bail!(NotNative, "{name}: dtype={d} of another kind")
        }
        _ => Ok(()),
    }
}

/// Views of the parts of an axis between bounds, which are understood as those of slices.
fn between(a: &Array, axis: usize, bounds: &[isize]) -> Result<Vec<Array>> {
    let n = a.shape()[axis] as i64;
    let mut items: SmallVec<[Index; 6]> = SmallVec::from_elem(Index::Slice(None, None, None), axis + 1);
    let mut parts = memory::list(bounds.len() + 1)?;
    for i in 0..=bounds.len() {
        let from = if i == 0 { 0 } else { bounds[i - 1] as i64 };
        let to = bounds.get(i).map_or(n, |&b| b as i64);
        items[axis] = Index::Slice(Some(from), Some(to), None);
        parts.push(get(a, &items)?);
    }
    Ok(parts)
}
/// Views of parts along an axis, of lengths that differ by 1 at most, the longer ones first; or of those between the places.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for fewer than one part, [`ErrorKind::Axis`](crate::ErrorKind::Axis) for an axis that the array does not have.
pub fn array_split(a: &Array, sections: Sections, axis: isize) -> Result<Vec<Array>> {
    let axis = normalize_axis("array_split", axis, a.ndim())?;
    match sections {
        Sections::At(places) => between(a, axis, places),
        Sections::Count(parts) if parts <= 0 => bail!(Value, "number sections must be larger than 0."),
        Sections::Count(parts) => {
            let n = a.shape()[axis] as isize;
            let (each, extra) = (n / parts, n % parts);
            let bound = |k: isize| k * each + k.min(extra);
            let mut bounds = memory::list(parts as usize)?;
            bounds.extend((1..parts).map(bound));
            between(a, axis, &bounds)
        }
    }
}
/// Views of equal parts along an axis, or of those between the places.
///
/// # Errors
/// As [`array_split`]; [`ErrorKind::Value`](crate::ErrorKind::Value) where the parts would not be equal.
pub fn split(a: &Array, sections: Sections, axis: isize) -> Result<Vec<Array>> {
    if let Sections::Count(parts) = sections {
        let n = a.shape()[normalize_axis("split", axis, a.ndim())?];
        if parts == 0 {
            bail!(NotNative, "split: into no parts");
        }
        if n as isize % parts != 0 {
            bail!(Value, "array split does not result in an equal division");
        }
    }
    array_split(a, sections, axis)
}
fn split_of(name: &str, a: &Array, sections: Sections, axis: isize, dims: usize) -> Result<Vec<Array>> {
    if a.ndim() < dims {
        bail!(Value, "{name} only works on arrays of {dims} or more dimensions");
    }
    split(a, sections, axis)
}
/// Views of the slices along an axis, without it.
///
/// # Errors
/// [`ErrorKind::Axis`](crate::ErrorKind::Axis) for an axis that the array does not have.
pub fn unstack(a: &Array, axis: isize) -> Result<Vec<Array>> {
    let axis = normalize_axis("unstack", axis, a.ndim())?;
    memory::collected((0..a.shape()[axis]).map(|i| a.view(a.layout().select(axis, i))))
}
fn least_dims(a: &Array, dims: usize) -> Result<&Array> {
    if a.ndim() < dims {
        bail!(Value, "Input must be >= {dims}-d.");
    }
    Ok(a)
}

/// Arrays stacked as rows: along the first axis, vectors as one row each.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for no arrays and for shapes that do not fit.
pub fn vstack(arrays: &[&Array], dtype: Option<DType>) -> Result<Array> {
    joinable("vstack", arrays, dtype)?;
    concatenate(&all_at_least(arrays, 2)?, 0, dtype)
}
/// Arrays stacked side by side: along the second axis, vectors one behind the other.
///
/// # Errors
/// As [`vstack`].
pub fn hstack(arrays: &[&Array], dtype: Option<DType>) -> Result<Array> {
    joinable("hstack", arrays, dtype)?;
    let list = all_at_least(arrays, 1)?;
    concatenate(&list, if list[0].ndim() == 1 { 0 } else { 1 }, dtype)
}
/// Arrays stacked in depth: along the third axis.
///
/// # Errors
/// As [`vstack`].
pub fn dstack(arrays: &[&Array]) -> Result<Array> {
    joinable("dstack", arrays, None)?;
    concatenate(&all_at_least(arrays, 3)?, 2, None)
}
/// Vectors as columns of a matrix, beside the columns of matrices.
///
/// # Errors
/// As [`vstack`].
pub fn column_stack(arrays: &[&Array]) -> Result<Array> {
    joinable("column_stack", arrays, None)?;
    let mut columns = memory::list(arrays.len())?;
    for &a in arrays {
        columns.push(if a.ndim() < 2 { at_least(a, 2)?.t() } else { a.clone() });
    }
    concatenate(&columns, 1, None)
}
/// Values joined to the end of an array; without an axis both are flattened.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for shapes that do not fit, [`ErrorKind::Axis`](crate::ErrorKind::Axis) for an axis that the array does not have.
pub fn append(a: &Array, values: &Array, axis: Option<isize>) -> Result<Array> {
    match axis {
        Some(axis) => concatenate(&[a.clone(), values.clone()], axis, None),
        None => concatenate(&[reshape(a, &[-1])?, reshape(values, &[-1])?], 0, None),
    }
}
/// A view with the last two axes exchanged.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for an array of fewer than two dimensions.
pub fn matrix_transpose(a: &Array) -> Result<Array> {
    if a.ndim() < 2 {
        bail!(Value, "Input array must be at least 2-dimensional, but it is {}", a.ndim());
    }
    swapaxes(a, -1, -2)
}
/// A view with rows reversed.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for an array without dimensions.
pub fn flipud(a: &Array) -> Result<Array> {
    flip(least_dims(a, 1)?, Some(&[0]))
}
/// A view with columns reversed.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for an array of fewer than two dimensions.
pub fn fliplr(a: &Array) -> Result<Array> {
    flip(least_dims(a, 2)?, Some(&[1]))
}

crate::functions! {
    /// A view with axes moved to new places; the others stay in order.
    moveaxis(a: Kept, source: Ints, destination: Ints) -> View, cases ["f[2,3,4], 0, -1", "f[2,3,4], (0, 1), (1, 2)"]
        => moveaxis(a, source, destination);
    /// A view with one axis rolled back until it lies before `start`.
    rollaxis(a: Kept, axis: Int, start: Int = 0) -> View, cases ["f[2,3,4], 2", "f[2,3,4], 0, start=2"]
        => rollaxis(a, axis, start);
    /// A view with two axes exchanged.
    swapaxes(a: Kept, axis1: Int, axis2: Int) -> View, method, cases ["f[2,3,4], 0, -1"]
        => swapaxes(a, axis1, axis2);
    /// A view with the last two axes exchanged.
    matrix_transpose(x: Kept, /) -> View, cases ["f[2,3,4]", "i[3,2]"]
        => matrix_transpose(x);
    /// A view without axes of length 1.
    squeeze(a: Kept, axis: Axes = None) -> View, method, cases ["f[1,3,1]", "f[1,3,1], axis=0", "f[1,3,1], axis=(0, 2)"]
        => squeeze(a, axis);
    /// A view with new axes of length 1.
    expand_dims(a: Kept, axis: Ints) -> View, cases ["f[3,2], 0", "f[3,2], (0, -1)"]
        => expand_dims(a, axis);
    /// A view with axes reversed.
    flip(m: Kept, axis: OptionalInts = None) -> View, cases ["f[2,3]", "f[2,3], axis=1", "f[2,3,2], axis=(0, 2)"]
        => flip(m, axis);
    /// A view with rows reversed.
    flipud(m: Kept) -> View, cases ["f[3,2]", "i[4]"]
        => flipud(m);
    /// A view with columns reversed.
    fliplr(m: Kept) -> View, cases ["f[3,2]", "i[2,3,2]"]
        => fliplr(m);
    /// Elements shifted along axes; those that leave at the end come in at the beginning.
    roll(a: Array, shift: Ints, axis: OptionalInts = None) -> Array, cases ["f[2,3], 2", "f[2,3], -1, axis=1", "i[2,3], (1, 2), axis=(0, 1)"]
        => roll(a, shift, axis);
    /// The array repeated as a whole along its axes.
    tile(A: Array, reps: Ints) -> Array, cases ["f[3], 2", "f[2,3], (2, 1, 2)", "i[2,3], 2"]
        => tile(A, reps);
    /// Each element repeated.
    repeat(a: Array, repeats: Operand, axis: Axis = None) -> Array, method, cases ["f[2,3], 2", "f[2,3], 2, axis=0", "i[3], 0"]
        => repeats.map_or_else(|| bail!(NotNative, "repeat: repeats=None"), counts).and_then(|n| repeat(a, &n, axis));

    /// Arrays joined along a new axis.
    stack(arrays: Arrays, axis: Int = 0, out: Out = None, *, dtype: DType = None, casting: Choice("same_kind") = Some("same_kind"))
        -> Array, cases ["(f[2,3], f[2,3])", "(f[2,3], i[2,3]), axis=-1"]
        => {
            joinable("stack", &arrays, dtype)?;
            if out.is_some() && dtype.is_some() {
                bail!(NotNative, "stack: out= and dtype= together");
            }
            let r = stack(&owned(&arrays)?, axis)?;
            cast_to(r, dtype)
        };
    /// Arrays stacked as rows.
    vstack(tup: Arrays, *, dtype: DType = None, casting: Choice("same_kind") = Some("same_kind")) -> Array, cases ["(f[3], f[3])", "(f[2,3], i[1,3])"]
        => vstack(&tup, dtype);
    /// Arrays stacked side by side.
    hstack(tup: Arrays, *, dtype: DType = None, casting: Choice("same_kind") = Some("same_kind")) -> Array, cases ["(f[3], f[2])", "(f[2,3], i[2,1])"]
        => hstack(&tup, dtype);
    /// Arrays stacked in depth.
    dstack(tup: Arrays) -> Array, cases ["(f[3], f[3])", "(f[2,3], i[2,3])"]
        => dstack(&tup);
    /// One-dimensional arrays as columns of a matrix.
    column_stack(tup: Arrays) -> Array, cases ["(f[3], f[3])", "(f[3], i[3,2])"]
        => column_stack(&tup);
    /// Values joined to the end of an array; without an axis both are flattened.
    append(arr: Array, values: Array, axis: Axis = None) -> Array, cases ["f[2,3], f[4]", "f[2,3], i[1,3], axis=0"]
        => append(arr, values, axis);

    /// Views of parts along an axis, of nearly equal size.
    array_split(ary: Array, indices_or_sections: Sections, axis: Int = 0) -> List, cases ["f[7], 3", "f[2,6], (1, 4), axis=1"]
        => array_split(ary, indices_or_sections, axis);
    /// Views of equal parts along an axis.
    split(ary: Array, indices_or_sections: Sections, axis: Int = 0) -> List, cases ["f[6], 3", "f[2,6], (1, 4), axis=1"]
        => split(ary, indices_or_sections, axis);
    /// Views of parts side by side.
    hsplit(ary: Array, indices_or_sections: Sections) -> List, cases ["f[6], 3", "f[2,6], (1, 4)"]
        => split_of("hsplit", ary, indices_or_sections, if ary.ndim() > 1 { 1 } else { 0 }, 1);
    /// Views of parts by rows.
    vsplit(ary: Array, indices_or_sections: Sections) -> List, cases ["f[6,2], 3"]
        => split_of("vsplit", ary, indices_or_sections, 0, 2);
    /// Views of parts in depth.
    dsplit(ary: Array, indices_or_sections: Sections) -> List, cases ["f[2,2,6], 3"]
        => split_of("dsplit", ary, indices_or_sections, 2, 3);
    /// Views of the slices along an axis.
    unstack(x: Array, /, *, axis: Int = 0) -> Tuple, cases ["f[2,3]", "f[2,3], axis=1"]
        => {
            if x.ndim() == 0 {
                bail!(Value, "Input array must be at least 1-d.");
            }
            unstack(x, axis)
        };
}

fn cast_to(r: Array, dtype: Option<DType>) -> Result<Array> {
    match dtype {
        Some(d) if d != r.dtype() => super::cast(&r, d),
        _ => Ok(r),
    }
}
