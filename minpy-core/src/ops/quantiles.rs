//! Medians, quantiles and percentiles, also of what is not NaN: elements of the sorted order, and what lies between two of them.
//!
//! The methods are those of R. J. Hyndman and Y. Fan, "Sample quantiles in statistical packages", The American Statistician 50 (1996),
//! computed step by step as NumPy does it. Where the elements stand depends on `q` and their number alone.

use super::partition::ordered;
use super::{
    Index, add, all, any, cast, count_nonzero, divide, get, greater_equal, isnan, logical_not, mean,
    moveaxis, multiply, reshape, select, sort, subtract, take_along_axis,
};
use crate::layout::{Dims, normalize_axis};
use crate::op::Operand;
use crate::{Array, DType, Number, Result, bail, context, memory};

/// Where a quantile of sorted elements is.
#[derive(Clone, Copy)]
enum Spot {
    /// At one of them.
    At(usize),
    /// Between two, so far from the first one.
    Between(usize, usize, f64),
}
impl Spot {
    /// Of `n` elements, at least one.
    fn new(method: &str, n: usize, q: f64) -> Result<Spot> {
        let (count, last) = (n as f64, n as f64 - 1.0);
        let at = |place: f64| Ok(Spot::At((place.max(0.0) as usize).min(n - 1)));
        let stepped = |index: f64, stays: fn(f64, f64) -> bool| {
            let floor = index.floor();
            at(if stays(index - floor, floor) { floor } else { floor + 1.0 })
        };
        let linear = |alpha: f64, beta: f64| count * q + (alpha + q * (1.0 - alpha - beta)) - 1.0;
        let place = match method {
            "inverted_cdf" => return stepped(count * q - 1.0, |gamma, _| gamma == 0.0),
            "closest_observation" => {
                return stepped(count * q - 1.0 - 0.5, |gamma, floor| {
                    gamma == 0.0 && floor.rem_euclid(2.0) == 1.0
                });
            }
            "lower" => return at((last * q).floor()),
            "higher" => return at((last * q).ceil()),
            "nearest" => return at((last * q).round_ties_even()),
            "averaged_inverted_cdf" => count * q - 1.0,
            "interpolated_inverted_cdf" => linear(0.0, 1.0),
            "hazen" => linear(0.5, 0.5),
            "weibull" => linear(0.0, 0.0),
            "linear" => last * q,
            "median_unbiased" => linear(1.0 / 3.0, 1.0 / 3.0),
            "normal_unbiased" => linear(3.0 / 8.0, 3.0 / 8.0),
            "midpoint" => 0.5 * ((last * q).floor() + (last * q).ceil()),
            _ => bail!(NotNative, "quantile: method={method}"),
        };
        // Behind the last one NumPy names it -1, and measures from there.
        let (first, second, from) = match place {
            p if p >= last => (n - 1, n - 1, -1.0),
            p if p < 0.0 => (0, 0, 0.0),
            p => (p.floor() as usize, p.floor() as usize + 1, p.floor()),
        };
        let gamma = place - from;
        Ok(Spot::Between(
            first,
            second,
            match method {
                "averaged_inverted_cdf" => {
                    if gamma == 0.0 {
                        0.5
                    } else {
                        1.0
                    }
                }
                "midpoint" => {
                    if place % 1.0 == 0.0 {
                        0.0
                    } else {
                        0.5
                    }
                }
                _ => gamma,
            },
        ))
    }
    /// By how much a greater `q` moves what is between two elements.
    fn slope(method: &str, n: usize) -> f64 {
        let count = n as f64;
        match method {
            "interpolated_inverted_cdf" => count,
            "hazen" => count,
            "weibull" => count + 1.0,
            "linear" => count - 1.0,
            "median_unbiased" => count + 1.0 - 2.0 / 3.0,
            "normal_unbiased" => count + 1.0 - 0.75,
            _ => 0.0,
        }
    }
    fn ends(self) -> (usize, usize) {
        match self {
            Spot::At(i) => (i, i),
            Spot::Between(i, j, _) => (i, j),
        }
    }
    fn gamma(self) -> f64 {
        match self {
            Spot::At(_) => 0.0,
            Spot::Between(_, _, gamma) => gamma,
        }
    }
}

/// Which quantiles are asked for.
struct Wanted {
    /// From 0 to 1, in a row.
    list: Vec<f64>,
    shape: Dims,
    /// One number of Python's, which does not count in promotion.
    weak: bool,
    /// An integer among Python's numbers, which NumPy does not interpolate for.
    whole: bool,
    /// What a tape wants to know it by.
    recorded: Option<Array>,
}
impl Wanted {
    fn new(name: &str, q: Operand, percent: bool) -> Result<Wanted> {
        let weak = |x: f64, whole: bool| Wanted {
            list: vec![x],
            shape: Dims::new(),
            weak: true,
            whole,
            recorded: None,
        };
        let mut wanted = match q {
            Operand::Number(Number::Int(i)) => weak(i as f64, !percent),
            Operand::Number(Number::Float(x)) => weak(x, false),
            Operand::Scalar(s) if s.dtype() == DType::F64 => {
                Wanted { weak: false, ..weak(s.number().to_f64(), false) }
            }
            Operand::Array(a) if context::tracing() => {
                bail!(NotNative, "{name}: q of shape {:?}, whose values nobody knows yet", a.shape())
            }
            Operand::Array(a) if a.size() > 0 && a.ndim() <= 2 => {
                let list = match a.dtype() {
                    DType::F64 => a.to_vec::<f64>()?,
                    DType::I64 if percent => cast(a, DType::F64)?.to_vec::<f64>()?,
                    other => bail!(NotNative, "{name}: q of dtype {other}"),
                };
                let recorded = match context::flags() & context::RECORDING {
                    0 => None,
                    _ => Some(reshape(&cast(a, DType::F64)?, &[-1])?),
                };
                let recorded = match recorded {
                    Some(q) if percent => Some(divide(&q, 100.0)?),
                    q => q,
                };
                Wanted { list, shape: a.shape().into(), weak: false, whole: false, recorded }
            }
            _ => bail!(NotNative, "{name}: q of such a kind"),
        };
        if percent {
            wanted.list.iter_mut().for_each(|x| *x /= 100.0);
        }
        if !wanted.list.iter().all(|x| (0.0..=1.0).contains(x)) {
            bail!(
                Value,
                "{}",
                if percent {
                    "Percentiles must be in the range [0, 100]"
                } else {
                    "Quantiles must be in the range [0, 1]"
                }
            );
        }
        Ok(wanted)
    }
    /// Nothing, that moves as the quantiles do by the slopes: one for each of them, or as many more.
    fn drift(&self, slopes: &[f64], shape: &[usize], beside: &Array) -> Result<Option<Array>> {
        let Some(q) = &self.recorded else { return Ok(None) };
        let on = |list: &[f64], shape: &[usize]| Array::from_slice(list, shape)?.to_device(beside.device());
        let still = on(&self.list, &[self.list.len()])?;
        let mut column: Vec<isize> = vec![1; shape.len()];
        column[0] = self.list.len() as isize;
        let moved = reshape(&subtract(&q.to_device(beside.device())?, &still)?, &column)?;
        multiply(&moved, &on(slopes, shape)?).map(Some)
    }
    fn spots(&self, method: &str, n: usize) -> Result<Vec<Spot>> {
        let mut spots = memory::list(self.list.len())?;
        for &q in &self.list {
            spots.push(match (Spot::new(method, n, q)?, method) {
                (Spot::Between(i, ..), "linear") if self.whole => Spot::At(i),
                (Spot::Between(..), _) if self.whole => {
                    bail!(NotNative, "quantile: an integer q with method={method}")
                }
                (spot, _) => spot,
            });
        }
        Ok(spots)
    }
}

/// An array of which one axis is reduced, and the shape that the result has with `keepdims` or without.
struct Reduced {
    a: Array,
    axis: usize,
    shape: Dims,
}
impl Reduced {
    fn new(name: &str, a: &Array, axes: Option<&[isize]>, keepdims: bool) -> Result<Reduced> {
        let nd = a.ndim();
        let mut gone: Dims = Dims::new();
        for &x in axes.unwrap_or(&[]) {
            let k = normalize_axis(name, x, nd)?;
            if gone.contains(&k) {
                bail!(Value, "duplicate value in 'axis'");
            }
            gone.push(k);
        }
        let is_gone = |k: &usize| axes.is_none() || gone.contains(k);
        let shape: Dims = (0..nd)
            .filter(|k| keepdims || !is_gone(k))
            .map(|k| if is_gone(&k) { 1 } else { a.shape()[k] })
            .collect();
        let (a, axis) = match axes {
            None => (reshape(a, &[-1])?, 0),
            Some([_]) => (a.clone(), gone[0]),
            Some(_) => {
                let kept: Vec<isize> = (0..nd).filter(|k| !gone.contains(k)).map(|k| k as isize).collect();
                let front: Vec<isize> = (0..kept.len() as isize).collect();
                let moved = moveaxis(a, &kept, &front)?;
                let mut to: Vec<isize> = kept.iter().map(|&k| a.shape()[k as usize] as isize).collect();
                to.push((0..nd).filter(|k| gone.contains(k)).map(|k| a.shape()[k] as isize).product());
                (reshape(&moved, &to)?, kept.len())
            }
        };
        if a.size() == 0 || nd == 0 && keepdims {
            bail!(NotNative, "{name}: of nothing, or of a number with keepdims=");
        }
        Ok(Reduced { a, axis, shape })
    }
    fn length(&self) -> usize {
        self.a.shape()[self.axis]
    }
    /// A result for each wanted quantile in the shape that it is to have.
    fn shaped(&self, r: &Array, lead: &[usize]) -> Result<Array> {
        let shape: Vec<isize> = lead.iter().chain(&self.shape).map(|&n| n as isize).collect();
        reshape(r, &shape)
    }
}

/// `a + (b - a) * t`, from the end that is nearer.
fn lerp(a: &Array, b: &Array, t: &Weights) -> Result<Array> {
    let distance = subtract(b, a)?;
    match t {
        Weights::Number(t) if *t >= 0.5 => subtract(b, &multiply(&distance, 1.0 - t)?),
        Weights::Number(t) => add(a, &multiply(&distance, *t)?),
        Weights::Arrays(t, rest) => {
            let (low, high) = (add(a, &multiply(&distance, t)?)?, subtract(b, &multiply(&distance, rest)?)?);
            select(&greater_equal(t, 0.5)?, &high, &low)
        }
    }
}
/// How far from the first of two elements.
enum Weights {
    Number(f64),
    /// And how far from the second.
    Arrays(Array, Array),
}
impl Weights {
    fn new(
        list: &[f64],
        shape: &[usize],
        dtype: DType,
        beside: &Array,
        drift: Option<Array>,
    ) -> Result<Weights> {
        let rest: Vec<f64> = memory::collected(list.iter().map(|t| 1.0 - t))?;
        let on = |list: &[f64]| cast(&Array::from_slice(list, shape)?.to_device(beside.device())?, dtype);
        match drift {
            None => Ok(Weights::Arrays(on(list)?, on(&rest)?)),
            Some(d) => Ok(Weights::Arrays(add(&on(list)?, &d)?, subtract(&on(&rest)?, &d)?)),
        }
    }
}

fn quantiles(
    name: &str,
    a: &Array,
    wanted: &Wanted,
    axes: Option<&[isize]>,
    method: &str,
    keepdims: bool,
) -> Result<Array> {
    let reduced = Reduced::new(name, a, axes, keepdims)?;
    let spots = wanted.spots(method, reduced.length())?;
    let or_nan = a.dtype().is_inexact();
    let count = spots.len();
    let between = spots.iter().any(|s| matches!(s, Spot::Between(..)));
    let mut places: Vec<usize> = memory::list(2 * count)?;
    places.extend(spots.iter().map(|s| s.ends().0));
    if between {
        places.extend(spots.iter().map(|s| s.ends().1));
    }
    let found = ordered(&reduced.a, reduced.axis, &places, or_nan)?;
    // The places in front.
    let found = if reduced.axis == 0 { found } else { moveaxis(&found, &[reduced.axis as isize], &[0])? };
    let rest = &found.shape()[1..];
    if !between {
        return reduced.shaped(&found, &wanted.shape);
    }
    let (first, second) = (found.slice(0, 0, 1, count), found.slice(0, count, 1, count));
    let gammas: Vec<f64> = spots.iter().map(|s| s.gamma()).collect();
    let weights = match (wanted.weak, &gammas[..]) {
        (true, [t]) => Weights::Number(*t),
        _ => {
            let mut shape: Vec<usize> = vec![count];
            shape.resize(1 + rest.len(), 1);
            let slopes = memory::filled(count, Spot::slope(method, reduced.length()))?;
            let drift = wanted.drift(&slopes, &shape, a)?;
            Weights::new(&gammas, &shape, DType::F64, a, drift)?
        }
    };
    reduced.shaped(&lerp(&first, &second, &weights)?, &wanted.shape)
}
fn real(a: &Array) -> Result<()> {
    if a.dtype().is_complex() {
        bail!(Type, "a must be an array of real numbers");
    }
    Ok(())
}
/// Quantiles of all elements or along axes: one for each of `q`, whose shape stands in front of the result's. `percent`: `q` from 0 to 100.
/// NaN where there is a NaN.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for `q` out of range, [`ErrorKind::Type`](crate::ErrorKind::Type) for complex numbers;
/// [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for nothing, and for `q` that are no float64.
pub fn quantile<'a>(
    a: &Array,
    q: impl Into<Operand<'a>>,
    percent: bool,
    axes: Option<&[isize]>,
    method: &str,
    keepdims: bool,
) -> Result<Array> {
    real(a)?;
    let name = if percent { "percentile" } else { "quantile" };
    quantiles(name, a, &Wanted::new(name, q.into(), percent)?, axes, method, keepdims)
}
/// Median of all elements or along axes: the mean of the two in the middle. NaN where there is a NaN.
///
/// # Errors
/// [`ErrorKind::Axis`](crate::ErrorKind::Axis); [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for nothing.
pub fn median(a: &Array, axes: Option<&[isize]>, keepdims: bool) -> Result<Array> {
    let reduced = Reduced::new("median", a, axes, keepdims)?;
    let n = reduced.length();
    let places = [n.saturating_sub(1) / 2, n / 2];
    let places = if n % 2 == 0 { &places[..] } else { &places[1..] };
    let found = ordered(&reduced.a, reduced.axis, places, a.dtype().is_inexact())?;
    reduced.shaped(&mean(&found, Some(&[reduced.axis as isize]), false, None)?, &[])
}

/// What is done where a NaN may be: `None` where there is none.
fn seen(name: &str, a: &Array) -> Result<Option<Array>> {
    if !a.dtype().is_inexact() {
        return Ok(None);
    }
    if context::tracing() {
        bail!(NotNative, "{name}: of values that nobody knows yet");
    }
    let nan = isnan(a)?;
    Ok(if a.size() > 0 && any(&nan, None, false)?.to_f64()? != 0.0 { Some(nan) } else { None })
}
/// The elements that are not NaN, of an array that is reduced as a whole.
fn numbers(name: &str, a: &Array, nan: &Array) -> Result<Array> {
    let left = get(a, &[Index::Array(logical_not(nan)?)])?;
    if left.size() == 0 {
        bail!(NotNative, "{name}: of NaN alone, about which NumPy warns");
    }
    Ok(left)
}
/// Sorted rows, and how many elements of each are not NaN.
fn rows(name: &str, reduced: &Reduced) -> Result<(Array, Vec<i64>)> {
    let axis = [reduced.axis as isize];
    let nan = isnan(&reduced.a)?;
    if any(&all(&nan, Some(&axis), false)?, None, false)?.to_f64()? != 0.0 {
        bail!(NotNative, "{name}: of NaN alone, about which NumPy warns");
    }
    let counts = count_nonzero(&logical_not(&nan)?, Some(&axis), false)?;
    Ok((sort(&reduced.a, Some(axis[0]))?, counts.to_vec::<i64>()?))
}
/// Elements of sorted rows, at `count` places of each, in front.
fn picked(reduced: &Reduced, sorted: &Array, places: &[i64], count: usize) -> Result<Array> {
    let front = moveaxis(sorted, &[reduced.axis as isize], &[0])?;
    let mut shape: Vec<usize> = front.shape().to_vec();
    shape[0] = count;
    let at = Array::from_slice(places, &shape)?.to_device(sorted.device())?;
    take_along_axis(&front, &at, 0)
}
fn nanquantiles(
    name: &str,
    a: &Array,
    wanted: &Wanted,
    axes: Option<&[isize]>,
    method: &str,
    keepdims: bool,
) -> Result<Array> {
    let Some(nan) = seen(name, a)? else { return quantiles(name, a, wanted, axes, method, keepdims) };
    let reduced = Reduced::new(name, a, axes, keepdims)?;
    if reduced.a.ndim() == 1 {
        let left = quantiles(name, &numbers(name, a, &nan)?, wanted, None, method, false)?;
        return reduced.shaped(&left, &wanted.shape);
    }
    let (sorted, counts) = rows(name, &reduced)?;
    let (count, size) = (wanted.list.len(), counts.len());
    let mut first = memory::filled(count * size, 0i64)?;
    let mut second = memory::filled(count * size, 0i64)?;
    let mut gammas = memory::filled(count * size, 0f64)?;
    let mut slopes = memory::filled(count * size, 0f64)?;
    let mut between = false;
    for (r, &n) in counts.iter().enumerate() {
        for (i, spot) in wanted.spots(method, n as usize)?.into_iter().enumerate() {
            between |= matches!(spot, Spot::Between(..));
            let at = i * size + r;
            (first[at], second[at]) = (spot.ends().0 as i64, spot.ends().1 as i64);
            (gammas[at], slopes[at]) = (spot.gamma(), Spot::slope(method, n as usize));
        }
    }
    let x = picked(&reduced, &sorted, &first, count)?;
    if !between {
        return reduced.shaped(&x, &wanted.shape);
    }
    let y = picked(&reduced, &sorted, &second, count)?;
    let dtype = if wanted.weak { a.dtype() } else { DType::F64 };
    let drift = wanted.drift(&slopes, x.shape(), a)?;
    let weights = Weights::new(&gammas, x.shape(), dtype, a, drift)?;
    reduced.shaped(&lerp(&x, &y, &weights)?, &wanted.shape)
}
/// As [`quantile`], of what is not NaN.
///
/// # Errors
/// Those of [`quantile`]; [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) where nothing but NaN is there.
pub fn nanquantile<'a>(
    a: &Array,
    q: impl Into<Operand<'a>>,
    percent: bool,
    axes: Option<&[isize]>,
    method: &str,
    keepdims: bool,
) -> Result<Array> {
    real(a)?;
    let name = if percent { "nanpercentile" } else { "nanquantile" };
    nanquantiles(name, a, &Wanted::new(name, q.into(), percent)?, axes, method, keepdims)
}
/// Median of what is not NaN.
///
/// # Errors
/// [`ErrorKind::Axis`](crate::ErrorKind::Axis); [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) where nothing but NaN is there.
pub fn nanmedian(a: &Array, axes: Option<&[isize]>, keepdims: bool) -> Result<Array> {
    let Some(nan) = seen("nanmedian", a)? else { return median(a, axes, keepdims) };
    let reduced = Reduced::new("nanmedian", a, axes, keepdims)?;
    if reduced.a.ndim() == 1 {
        return reduced.shaped(&median(&numbers("nanmedian", a, &nan)?, None, false)?, &[]);
    }
    if a.dtype() == DType::F16 || a.dtype().is_complex() {
        bail!(NotNative, "nanmedian: of {} along an axis", a.dtype());
    }
    let (sorted, counts) = rows("nanmedian", &reduced)?;
    let lower: Vec<i64> = memory::collected(counts.iter().map(|n| (n - 1) / 2))?;
    let upper: Vec<i64> = memory::collected(counts.iter().map(|n| n / 2))?;
    let (x, y) = (picked(&reduced, &sorted, &lower, 1)?, picked(&reduced, &sorted, &upper, 1)?);
    // The one in the middle as it is: twice as much may be more than there is.
    let odd: Vec<bool> = memory::collected(counts.iter().map(|n| n % 2 == 1))?;
    let odd = Array::from_slice(&odd, x.shape())?.to_device(a.device())?;
    let both = divide(&add(&x, &y)?, 2)?;
    reduced.shaped(&select(&odd, &x, &both)?, &[])
}

/// `out=` may have axes of length 1 that the result does not have: NumPy says which.
fn fits(name: &str, out: Option<&Array>, r: Array) -> Result<Array> {
    if out.is_some_and(|out| out.shape() != r.shape()) {
        bail!(NotNative, "{name}: out= of another shape than the result");
    }
    Ok(r)
}
/// NumPy leaves in the argument what it needed for its work.
fn kept(name: &str, overwritten: bool) -> Result<()> {
    if overwritten {
        bail!(NotNative, "{name}: overwrite_input=");
    }
    Ok(())
}

crate::functions! {
    /// Median, of all elements or along axes: the mean of the two in the middle.
    median(a: Array, axis: Axes = None, out: Out = None, overwrite_input: Flag = false, keepdims: Flag = false)
        -> Values, cases ["n[5]", "n[3,4]", "f[3,4], axis=1", "n[2,3,4], axis=(0, 2), keepdims=True", "i[6]", "c[3]", "n[3,4], axis=0, keepdims=True"]
        => kept("median", overwrite_input).and_then(|()| fits("median", out, median(a, axis, keepdims)?));
    /// Quantiles of numbers from 0 to 1, of all elements or along axes.
    quantile(a: Array, q: Operand, axis: Axes = None, out: Out = None, overwrite_input: Flag = false,
        method: Choice("inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull", "linear", "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest") = Some("linear"),
        keepdims: Flag = false, *, weights: Foreign = None) -> Values, cases ["n[5], 0.3", "n[3,4], 0.71, axis=0", "f[2,3,4], 0.5, axis=(0, 2), keepdims=True", "i[6], 0.9",
            "n[7], 0.3, method='hazen'", "n[7], 0.3, method='weibull'", "n[7], 0.9, method='median_unbiased'", "n[7], 0.05, method='normal_unbiased'", "n[7], 0.3, method='inverted_cdf'",
            "n[6], 0.5, method='averaged_inverted_cdf'", "n[7], 0.5, method='closest_observation'", "n[7], 0.3, method='interpolated_inverted_cdf'", "n[7], 0.3, method='lower'", "n[7], 0.3, method='higher'",
            "n[7], 0.3, method='midpoint'", "n[7], 0.3, method='nearest'", "i[3,4], 1, axis=1"]
        => kept("quantile", overwrite_input).and_then(|()| fits("quantile", out, quantile(a, super::limit::there(q)?, false, axis, method, keepdims)?));
    /// Quantiles of numbers from 0 to 100, of all elements or along axes.
    percentile(a: Array, q: Operand, axis: Axes = None, out: Out = None, overwrite_input: Flag = false,
        method: Choice("inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull", "linear", "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest") = Some("linear"),
        keepdims: Flag = false, *, weights: Foreign = None) -> Values, cases ["n[5], 30", "n[3,4], 71.5, axis=0", "f[2,3], 50, keepdims=True", "n[3,4], 20, axis=1, method='midpoint'"]
        => kept("percentile", overwrite_input).and_then(|()| fits("percentile", out, quantile(a, super::limit::there(q)?, true, axis, method, keepdims)?));
    /// Median of what is not NaN, of all elements or along axes.
    nanmedian(a: Array, axis: Axes = None, out: Out = None, overwrite_input: Flag = false, keepdims: Flag = false)
        -> Values, by_values, cases ["m[7]", "m[3,4]", "m[3,4], axis=1", "m[4,3], axis=0, keepdims=True", "m[2,3,4], axis=(0, 2)", "i[6]", "n[3,4], axis=1"]
        => kept("nanmedian", overwrite_input).and_then(|()| fits("nanmedian", out, nanmedian(a, axis, keepdims)?));
    /// Quantiles of what is not NaN, of numbers from 0 to 1.
    nanquantile(a: Array, q: Operand, axis: Axes = None, out: Out = None, overwrite_input: Flag = false,
        method: Choice("inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull", "linear", "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest") = Some("linear"),
        keepdims: Flag = false, *, weights: Foreign = None) -> Values, by_values, cases ["m[7], 0.3", "m[3,4], 0.71, axis=1", "m[4,3], 0.5, axis=0, keepdims=True", "i[6], 0.9", "m[4,3], 0.5, axis=0, method='lower'", "n[2,3], 0.2, axis=0"]
        => kept("nanquantile", overwrite_input).and_then(|()| fits("nanquantile", out, nanquantile(a, super::limit::there(q)?, false, axis, method, keepdims)?));
    /// Quantiles of what is not NaN, of numbers from 0 to 100.
    nanpercentile(a: Array, q: Operand, axis: Axes = None, out: Out = None, overwrite_input: Flag = false,
        method: Choice("inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull", "linear", "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest") = Some("linear"),
        keepdims: Flag = false, *, weights: Foreign = None) -> Values, by_values, cases ["m[7], 30", "m[3,4], 71.5, axis=1", "m[4,3], 50, axis=0, keepdims=True", "n[5], 12.5", "m[3,4], f[2], axis=1", "n[5], f[2]"]
        => kept("nanpercentile", overwrite_input).and_then(|()| fits("nanpercentile", out, nanquantile(a, super::limit::there(q)?, true, axis, method, keepdims)?));
}
