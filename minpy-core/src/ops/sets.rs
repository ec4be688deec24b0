//! Arrays as sets: the different elements, and what is in one array and in another.
//!
//! All by the sorted order: where a sorted element differs from the one before it another group begins. Values have gradients, through
//! the places where they stood; places and counts have none.

use super::{
    BITWISE_AND, Index, NOT_EQUAL, add, argsort, bitwise_and, bitwise_or, call, cast, concatenate, copy,
    cumsum, diff, equal, gather, get, greater_equal, isnan, less, less_equal, logical_not, max, min, minimum,
    nonzero, ones, reshape, scatter_into, searchsorted, select, sort, subtract, zeros,
};
use crate::function::Made;
use crate::kernel::ScatterMode;
use crate::layout::normalize_axis;
use crate::op::{OpDef, Operand};
use crate::{Array, Attrs, DType, Number, Result, Target, bail, context};

/// Elements that are compared with all others one after another.
const FEW: usize = 8;
/// Elements on both sides from which on they are sorted together: searches would wait for memory.
const MANY: usize = 20_000;

fn known(name: &str) -> Result<()> {
    if context::tracing() {
        bail!(NotNative, "{name}: of values that nobody knows yet");
    }
    Ok(())
}
fn flat(a: &Array) -> Result<Array> {
    reshape(a, &[-1])
}
fn on<T>(a: &Array, f: impl FnOnce() -> Result<T>) -> Result<T> {
    context::with_device(a.device(), f)
}
fn into(op: &'static OpDef, x: &Array, y: &Array, to: &Array) -> Result<Array> {
    call(op, Attrs::NONE, &[Operand::Array(x), Operand::Array(y)], None, Target::Into(to))
}
fn at(a: &Array, positions: &Array) -> Result<Array> {
    gather(a, std::slice::from_ref(positions))
}
/// Where the last of sorted elements is NaN, the first of them counts alone.
fn ends_in_nan(sorted: &Array) -> Result<bool> {
    let n = sorted.size();
    Ok(n > 0
        && sorted.dtype().is_inexact()
        && isnan(&sorted.slice(0, n - 1, 1, 1))?.item()?.number().to_f64() != 0.0)
}
/// Whether each of sorted elements begins a group.
fn firsts(sorted: &Array, equal_nan: bool) -> Result<Array> {
    let n = sorted.size();
    let first = on(sorted, || ones(&[n], DType::Bool))?;
    if n > 1 {
        let (before, rest, to) =
            (sorted.slice(0, 0, 1, n - 1), sorted.slice(0, 1, 1, n - 1), first.slice(0, 1, 1, n - 1));
        into(&NOT_EQUAL, &rest, &before, &to)?;
        if equal_nan && ends_in_nan(sorted)? {
            into(&BITWISE_AND, &to, &logical_not(&isnan(&before)?)?, &to)?;
        }
    }
    Ok(first)
}
/// The positions where a mask of one axis is true.
fn places(mask: &Array) -> Result<Array> {
    let found = nonzero(mask)?;
    Ok(found.view(found.layout().select(0, 0)))
}

/// What is asked for beside the different elements.
#[derive(Clone, Copy, Default)]
pub struct With {
    /// Where each stands first.
    pub index: bool,
    /// Which of them each element is.
    pub inverse: bool,
    /// How often each occurs.
    pub counts: bool,
}

/// The different elements of an array, sorted; and what is asked for beside them, in int64: positions in the flattened array, numbers in
/// the shape of the array, counts. `equal_nan`: all NaNs are one.
///
/// # Errors
/// [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) while a graph is traced.
pub fn unique(a: &Array, beside: With, equal_nan: bool) -> Result<Vec<Array>> {
    known("unique")?;
    let x = flat(a)?;
    let n = x.size();
    let wide = |values: &[i64]| on(a, || Array::from_slice(values, &[values.len()]))?.to_device(a.device());
    let mut all = Vec::new();
    if n <= 1 {
        let (zeros, one) = ([0i64], [1i64]);
        all.push(copy(&x)?);
        if beside.index {
            all.push(wide(&zeros[..n])?);
        }
        if beside.inverse {
            let shape: Vec<isize> = a.shape().iter().map(|&n| n as isize).collect();
            all.push(reshape(&wide(&zeros[..n])?, &shape)?);
        }
        if beside.counts {
            all.push(wide(&one[..n])?);
        }
        return Ok(all);
    }
    let order = if beside.index || beside.inverse { Some(argsort(&x, Some(0))?) } else { None };
    let sorted = match &order {
        Some(order) => at(&x, order)?,
        None => sort(&x, Some(0))?,
    };
    let first = firsts(&sorted, equal_nan)?;
    let starts = places(&first)?;
    let single = starts.size() == n;
    all.push(if single { sorted } else { at(&sorted, &starts)? });
    if let (Some(order), true) = (&order, beside.index) {
        all.push(at(order, &starts)?);
    }
    if let (Some(order), true) = (&order, beside.inverse) {
        let numbers = subtract(&cumsum(&cast(&first, DType::I64)?, 0)?, 1)?;
        let inverse = Array::empty_on(a.device(), &[n], DType::I64)?;
        scatter_into(&inverse, std::slice::from_ref(order), &numbers, ScatterMode::Set)?;
        let shape: Vec<isize> = a.shape().iter().map(|&n| n as isize).collect();
        all.push(reshape(&inverse, &shape)?);
    }
    if beside.counts {
        all.push(diff(&concatenate(&[starts, wide(&[n as i64])?], 0, None)?, 1, 0)?);
    }
    Ok(all)
}
fn distinct(a: &Array) -> Result<Array> {
    match unique(a, With::default(), true)?.pop() {
        Some(values) => Ok(values),
        None => bail!(Runtime, "unique: no values"),
    }
}

fn read(a: &Array) -> Result<i128> {
    match a.item()?.number() {
        Number::Int(i) => Ok(i),
        Number::Bool(b) => Ok(b.into()),
        _ => bail!(Runtime, "isin: no integer"),
    }
}
/// Whether integers are among others, by a table of those that lie between the least and the greatest; `None` where it would be long.
fn by_table(x: &Array, among: &Array) -> Result<Option<Array>> {
    let whole = |a: &Array| a.dtype().is_integer() && a.dtype() != DType::U64;
    if !whole(x) || !whole(among) {
        return Ok(None);
    }
    let (low, high) = (read(&min(among, None, false)?)?, read(&max(among, None, false)?)?);
    let width = high - low;
    if width > 6 * (x.size() + among.size()) as i128 {
        return Ok(None);
    }
    let (low, high, width) = (low as i64, high as i64, width as i64);
    // The last place is that of all others.
    let table = on(x, || zeros(&[width as usize + 2], DType::Bool))?;
    let wide = cast(among, DType::I64)?;
    let truth = on(x, || ones(&[], DType::Bool))?;
    scatter_into(&table, &[subtract(&wide, low)?], &truth, ScatterMode::Set)?;
    let x = cast(x, DType::I64)?;
    let inside = bitwise_and(&greater_equal(&x, low)?, &less_equal(&x, high)?)?;
    Ok(Some(at(&table, &select(&inside, &subtract(&x, low)?, width + 1)?)?))
}
/// The same by sorting all of them: those of the second array come first in each group, and a group that begins with one has it.
fn side_by_side(x: &Array, among: &Array) -> Result<Array> {
    let m = among.size() as i64;
    let all = concatenate(&[among, x], 0, None)?;
    let order = argsort(&all, Some(0))?;
    let first = firsts(&at(&all, &order)?, false)?;
    let group = subtract(&cumsum(&cast(&first, DType::I64)?, 0)?, 1)?;
    let has = less(&at(&order, &places(&first)?)?, m)?;
    let found = Array::empty_on(x.device(), &[all.size()], DType::Bool)?;
    scatter_into(&found, std::slice::from_ref(&order), &at(&has, &group)?, ScatterMode::Set)?;
    Ok(found.slice(0, among.size(), 1, x.size()))
}
/// Whether each element is among others: truth values in its shape. NaN is among nothing.
///
/// # Errors
/// [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) while a graph is traced.
pub fn isin(a: &Array, among: &Array, invert: bool) -> Result<Array> {
    known("isin")?;
    let (x, among) = (flat(a)?, flat(&among.to_device(a.device())?)?);
    let m = among.size();
    let found = if m == 0 {
        on(a, || zeros(&[x.size()], DType::Bool))?
    } else if m <= FEW {
        let mut any: Option<Array> = None;
        for i in 0..m {
            let same = equal(&x, &among.slice(0, i, 1, 1))?;
            any = Some(match any {
                Some(any) => bitwise_or(&any, &same)?,
                None => same,
            });
        }
        match any {
            Some(any) => any,
            None => bail!(Runtime, "isin: nothing to compare with"),
        }
    } else if let Some(found) = by_table(&x, &among)? {
        found
    } else if m.min(x.size()) > MANY {
        side_by_side(&x, &among)?
    } else {
        let sorted = sort(&among, Some(0))?;
        let place = minimum(&searchsorted(&sorted, &x, false, None)?, m as i64 - 1)?;
        equal(&at(&sorted, &place)?, &x)?
    };
    let found = if invert { logical_not(&found)? } else { found };
    let shape: Vec<isize> = a.shape().iter().map(|&n| n as isize).collect();
    reshape(&found, &shape)
}

/// One array behind the other, both flattened, of which each element occurs once (`assumed`: it is known that it does).
fn joined(a: &Array, b: &Array, assumed: bool) -> Result<[Array; 2]> {
    known("unique")?;
    let of = |x: &Array| if assumed { flat(x) } else { distinct(x) };
    Ok([of(a)?, of(&b.to_device(a.device())?)?])
}
/// Whether each of sorted elements is equal to the one behind it.
fn twins(sorted: &Array) -> Result<(Array, Array)> {
    let n = sorted.size().saturating_sub(1);
    let (before, behind) = (sorted.slice(0, 0, 1, n), sorted.slice(0, sorted.size() - n, 1, n));
    Ok((equal(&behind, &before)?, before))
}
/// The elements that are in both arrays, sorted, and (`indices`) where they stand first in each of them.
///
/// # Errors
/// [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) while a graph is traced.
pub fn intersect1d(a: &Array, b: &Array, assumed: bool, indices: bool) -> Result<Vec<Array>> {
    if !indices {
        let all = sort(&concatenate(&joined(a, b, assumed)?, 0, None)?, Some(0))?;
        let (same, before) = twins(&all)?;
        return Ok(vec![at(&before, &places(&same)?)?]);
    }
    known("intersect1d")?;
    let b = b.to_device(a.device())?;
    let beside = With { index: true, ..With::default() };
    let of = |x: &Array| -> Result<(Array, Option<Array>)> {
        if assumed {
            return Ok((flat(x)?, None));
        }
        let mut found = unique(x, beside, true)?;
        let index = found.pop();
        match found.pop() {
            Some(values) => Ok((values, index)),
            None => bail!(Runtime, "unique: no values"),
        }
    };
    let ((x, first), (y, second)) = (of(a)?, of(&b)?);
    let all = concatenate(&[&x, &y], 0, None)?;
    let order = argsort(&all, Some(0))?;
    let (same, before) = twins(&at(&all, &order)?)?;
    let found = places(&same)?;
    let in_first = at(&order, &found)?;
    let in_second = subtract(&at(&order, &add(&found, 1)?)?, x.size() as i64)?;
    let outer = |index: Option<Array>, at_: Array| match index {
        Some(index) => at(&index, &at_),
        None => Ok(at_),
    };
    Ok(vec![at(&before, &found)?, outer(first, in_first)?, outer(second, in_second)?])
}
/// The elements that are in one of both arrays only, sorted.
///
/// # Errors
/// [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) while a graph is traced.
pub fn setxor1d(a: &Array, b: &Array, assumed: bool) -> Result<Array> {
    let all = concatenate(&joined(a, b, assumed)?, 0, None)?;
    let n = all.size();
    if n == 0 {
        return Ok(all);
    }
    alone(&sort(&all, Some(0))?)
}
/// Those of sorted elements that have no equal beside them.
fn alone(sorted: &Array) -> Result<Array> {
    let n = sorted.size();
    let bounds = on(sorted, || ones(&[n + 1], DType::Bool))?;
    if n > 1 {
        let to = bounds.slice(0, 1, 1, n - 1);
        into(&NOT_EQUAL, &sorted.slice(0, 1, 1, n - 1), &sorted.slice(0, 0, 1, n - 1), &to)?;
    }
    at(sorted, &places(&bitwise_and(&bounds.slice(0, 1, 1, n), &bounds.slice(0, 0, 1, n))?)?)
}
/// The elements of one array that are not in the other: sorted and once each, or (`assumed`) as they stand.
///
/// # Errors
/// [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) while a graph is traced.
pub fn setdiff1d(a: &Array, b: &Array, assumed: bool) -> Result<Array> {
    known("setdiff1d")?;
    let x = if assumed { flat(a)? } else { distinct(a)? };
    if !assumed && a.dtype() == b.dtype() && x.size().min(b.size()) > MANY {
        let b = flat(&b.to_device(a.device())?)?;
        // What is in the second array stands there twice at least. NaN has no equal.
        let sorted = sort(&concatenate(&[&x, &b, &b], 0, None)?, Some(0))?;
        if !ends_in_nan(&sorted)? {
            return alone(&sorted);
        }
    }
    get(&x, &[Index::Array(isin(&x, b, true)?)])
}

/// Whether NumPy casts so under its rule `same_kind`.
fn same_kind(from: DType, to: DType) -> bool {
    let kind = |d: DType| match d {
        DType::Bool => 0,
        d if d.is_complex() => 4,
        d if d.is_inexact() => 3,
        DType::U8 | DType::U16 | DType::U32 | DType::U64 => 1,
        _ => 2,
    };
    kind(from) <= kind(to)
}
/// The differences of neighbours in the flattened array, between what is put in front and behind, in the dtype of the array.
///
/// # Errors
/// [`ErrorKind::Type`](crate::ErrorKind::Type) for truth values, and for ends of another kind.
pub fn ediff1d(a: &Array, end: Option<&Array>, begin: Option<&Array>) -> Result<Array> {
    let x = flat(a)?;
    let n = x.size().saturating_sub(1);
    for (name, part) in [("to_begin", begin), ("to_end", end)] {
        if part.is_some_and(|p| !same_kind(p.dtype(), a.dtype())) {
            bail!(Type, "dtype of `{name}` must be compatible with input `ary` under the `same_kind` rule.");
        }
    }
    let between = subtract(&x.slice(0, x.size() - n, 1, n), &x.slice(0, 0, 1, n))?;
    if begin.is_none() && end.is_none() {
        return Ok(between);
    }
    let mut all: Vec<Array> = Vec::new();
    for part in [begin, Some(&between), end].into_iter().flatten() {
        all.push(cast(&flat(&part.to_device(a.device())?)?, a.dtype())?);
    }
    concatenate(&all, 0, None)
}
/// A view without the zeros at the front ('f') and at the back ('b') of axes (`None`: of all).
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for other letters; [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) while a graph is traced.
pub fn trim_zeros(a: &Array, trim: &str, axes: Option<&[isize]>) -> Result<Array> {
    known("trim_zeros")?;
    let trim = trim.to_lowercase();
    if !["fb", "bf", "f", "b"].contains(&&trim[..]) {
        bail!(Value, "unexpected character(s) in `trim`: '{trim}'");
    }
    let nd = a.ndim();
    let mut chosen: Vec<usize> = Vec::new();
    for &x in axes.unwrap_or(&[]) {
        let k = normalize_axis("axis", x, nd)?;
        if chosen.contains(&k) {
            bail!(Value, "repeated axis in `axis` argument");
        }
        chosen.push(k);
    }
    if axes.is_none() {
        chosen = (0..nd).collect();
    }
    if chosen.is_empty() {
        return Ok(a.clone());
    }
    let found = nonzero(a)?;
    let count = found.shape()[1];
    let mut r = a.clone();
    for k in chosen {
        let row = found.view(found.layout().select(0, k));
        let (first, end) = if count == 0 {
            (0, 0)
        } else {
            // The first axis is in order.
            let ends = match k {
                0 => [row.slice(0, 0, 1, 1), row.slice(0, count - 1, 1, 1)],
                _ => [min(&row, None, false)?, max(&row, None, false)?],
            };
            let first = if trim.contains('f') { read(&ends[0])? as usize } else { 0 };
            (first, if trim.contains('b') { read(&ends[1])? as usize + 1 } else { a.shape()[k] })
        };
        r = r.slice(k, first, 1, end - first);
    }
    Ok(r)
}

fn one(mut found: Vec<Array>) -> Made {
    match (found.len(), found.pop()) {
        (1, Some(only)) => Made::One(only),
        (_, Some(last)) => {
            found.push(last);
            Made::Many(found)
        }
        _ => Made::Nothing,
    }
}
/// With numbers of the elements NumPy gives an array for a number, too.
fn numbered(name: &str, a: &Array) -> Result<()> {
    if a.ndim() == 0 {
        bail!(NotNative, "{name}: of a number");
    }
    Ok(())
}

crate::functions! {
    /// The different elements, sorted; and where each stands first, which of them each element is, how often each occurs.
    unique(ar: Array, return_index: Flag = false, return_inverse: Flag = false, return_counts: Flag = false, axis: Axis = None, *, equal_nan: Flag = true, sorted: Flag = true)
        -> Array, by_values, cases ["i[12]", "n[5]", "n[3,4]", "k[3,4], return_counts=True", "n[7], return_inverse=True", "i[9], return_index=True, return_inverse=True, return_counts=True", "f[6], equal_nan=False", "c[3]", "b[5]", "i[6], axis=0"]
        => {
            if let Some(k) = axis {
                normalize_axis("unique", k, ar.ndim())?;
                if ar.ndim() != 1 {
                    bail!(NotNative, "unique: axis=");
                }
            }
            if !(sorted || return_index || return_inverse || return_counts) {
                bail!(NotNative, "unique: in NumPy's order, without sorting");
            }
            if return_inverse {
                numbered("unique", ar)?;
            }
            unique(ar, With { index: return_index, inverse: return_inverse, counts: return_counts }, equal_nan).map(one)
        };
    /// The different elements, where each stands first, which of them each element is, and how often each occurs. Each NaN is one of its own.
    unique_all(x: Array) -> Named("UniqueAllResult", &["values", "indices", "inverse_indices", "counts"]), by_values, cases ["i[9]", "n[2,3]"]
        => numbered("unique_all", x).and_then(|()| unique(x, With { index: true, inverse: true, counts: true }, false));
    /// The different elements, and how often each occurs. Each NaN is one of its own.
    unique_counts(x: Array) -> Named("UniqueCountsResult", &["values", "counts"]), by_values, cases ["i[9]", "n[2,3]"]
        => unique(x, With { counts: true, ..With::default() }, false);
    /// The different elements, and which of them each element is. Each NaN is one of its own.
    unique_inverse(x: Array) -> Named("UniqueInverseResult", &["values", "inverse_indices"]), by_values, cases ["i[9]", "n[2,3]"]
        => numbered("unique_inverse", x).and_then(|()| unique(x, With { inverse: true, ..With::default() }, false));
    /// Whether each element is among others.
    isin(element: Array, test_elements: Array, assume_unique: Flag = false, invert: Flag = false, *, kind: Choice("sort", "table") = None)
        -> Array, constant, by_values, cases ["i[3,4], i[5]", "n[5], n[3]", "k[12], k[11], invert=True", "i[20], n[2]", "f[20], a[12]"]
        => {
            if kind == "table" {
                bail!(NotNative, "isin: kind='table'");
            }
            isin(element, test_elements, invert)
        };
    /// The elements that are in both arrays, sorted.
    intersect1d(ar1: Array, ar2: Array, assume_unique: Flag = false, return_indices: Flag = false)
        -> Array, by_values, cases ["i[6], k[9]", "k[5], i[2,3], return_indices=True", "n[4], f[5]", "i[4], k[3], assume_unique=True, return_indices=True"]
        => intersect1d(ar1, ar2, assume_unique, return_indices).map(one);
    /// The elements that are in one array or the other, sorted.
    union1d(ar1: Array, ar2: Array) -> Array, by_values, cases ["i[6], k[9]", "n[4], f[5]"]
        => known("union1d").and_then(|()| distinct(&concatenate(&[&flat(ar1)?, &flat(&ar2.to_device(ar1.device())?)?], 0, None)?));
    /// The elements of the first array that are not in the second, sorted.
    setdiff1d(ar1: Array, ar2: Array, assume_unique: Flag = false) -> Array, by_values, apart [ar2], cases ["i[6], k[9]", "n[4], a[9]", "f[4], a[3], assume_unique=True"]
        => setdiff1d(ar1, ar2, assume_unique);
    /// The elements that are in one of both arrays only, sorted.
    setxor1d(ar1: Array, ar2: Array, assume_unique: Flag = false) -> Array, by_values, cases ["i[6], k[9]", "n[4], f[5]"]
        => setxor1d(ar1, ar2, assume_unique);
    /// The differences of neighbours in the flattened array, with what stands before and behind them.
    ediff1d(ary: Array, to_end: OptionalArray = None, to_begin: OptionalArray = None) -> Array, cases ["n[5]", "i[2,3]", "n[4], to_end=f[2]", "n[4], n[2], f[1]"]
        => ediff1d(ary, to_end, to_begin);
    /// An array without the zeros at its front and back.
    trim_zeros(filt: Ours, trim: Word = Some("fb"), axis: Axes = None) -> View, by_values, cases ["b[5]", "k[7]", "k[3,4], 'f'", "k[6], trim='b'", "b[2,3], axis=1"]
        => trim_zeros(filt, trim, axis);
}
