//! Histograms, and the order of several keys.
//!
//! Which bin a number is in depends on the edges alone: NumPy's way through equal widths ends with the same comparisons. Counts and edges
//! have no gradients; through weights they flow.

use super::{
    add, argsort, call, cast, concatenate, copy, diff, divide, gather, max, min, multiply, ramp, reshape,
    sort, subtract, sum, take_along_axis, zeros,
};
use crate::context::{self, QUIET, with_flag};
use crate::layout::normalize_axis;
use crate::op::{OpDef, Operand, Structured};
use crate::{Array, Attrs, DType, Meta, Metas, Number, Result, Target, bail, memory, operation};

fn known(name: &str) -> Result<()> {
    if context::tracing() {
        bail!(NotNative, "{name}: of values that nobody knows yet");
    }
    Ok(())
}

/// How an axis is divided.
enum Bins {
    /// Into so many bins of equal width.
    Count(usize),
    /// At these edges.
    Edges(Array),
}
impl Bins {
    fn new(bins: Operand) -> Result<Bins> {
        let count = |n: Number| match n {
            Number::Int(n) if n >= 1 => Ok(Bins::Count(n as usize)),
            Number::Bool(true) => Ok(Bins::Count(1)),
            Number::Int(_) | Number::Bool(false) => bail!(Value, "`bins` must be positive, when an integer"),
            _ => bail!(Type, "`bins` must be an integer, a string, or an array"),
        };
        match bins {
            Operand::Number(n) => count(n),
            Operand::Scalar(s) => count(s.number()),
            Operand::Array(a) if a.ndim() == 0 => count(a.item()?.number()),
            Operand::Array(a) if a.ndim() == 1 => {
                if a.dtype().is_complex() || a.dtype() == DType::Bool || a.size() < 2 {
                    bail!(NotNative, "histogram: edges of such a kind");
                }
                let list = cast(a, DType::F64)?.to_vec::<f64>()?;
                if list.iter().any(|x| x.is_nan()) {
                    bail!(NotNative, "histogram: NaN as an edge");
                }
                if list.windows(2).any(|w| w[0] > w[1]) {
                    bail!(Value, "`bins` must increase monotonically, when an array");
                }
                Ok(Bins::Edges(a.clone()))
            }
            _ => bail!(Value, "`bins` must be 1d, when an array"),
        }
    }
}
/// The first and the last edge: their values, and what they are computed from where a tape wants to know.
struct Ends {
    values: [f64; 2],
    arrays: Option<[Array; 2]>,
}
fn outer_edges(a: &Array, range: Option<&[Array; 2]>) -> Result<Ends> {
    let recorded = context::flags() & context::RECORDING != 0;
    let mut ends = match range {
        Some([first, last]) => {
            let values = [first.to_f64()?, last.to_f64()?];
            if values[0] > values[1] {
                bail!(Value, "max must be larger than min in range parameter.");
            }
            if !values.iter().all(|x| x.is_finite()) {
                bail!(Value, "supplied range of [{}, {}] is not finite", values[0], values[1]);
            }
            Ends { values, arrays: recorded.then(|| [first.clone(), last.clone()]) }
        }
        None if a.size() == 0 => Ends { values: [0.0, 1.0], arrays: None },
        None => {
            let found = [min(a, None, false)?, max(a, None, false)?];
            let values = [found[0].to_f64()?, found[1].to_f64()?];
            if !values.iter().all(|x| x.is_finite()) {
                bail!(Value, "autodetected range of [{}, {}] is not finite", values[0], values[1]);
            }
            Ends { values, arrays: recorded.then_some(found) }
        }
    };
    if ends.values[0] == ends.values[1] {
        ends.values = [ends.values[0] - 0.5, ends.values[1] + 0.5];
        if let Some([first, last]) = &ends.arrays {
            ends.arrays = Some([subtract(first, 0.5)?, add(last, 0.5)?]);
        }
    }
    Ok(ends)
}
/// Edges of `count` bins of equal width, computed as NumPy's `linspace` computes them.
fn equal_edges(a: &Array, ends: &Ends, count: usize, checked: bool) -> Result<Array> {
    let [first, last] = ends.values;
    macro_rules! edges {
        ($t:ty) => {{
            let (first, last) = (first as $t, last as $t);
            let step = (last - first) / count as $t;
            if step == 0.0 {
                bail!(NotNative, "histogram: steps that are too small");
            }
            let mut list = memory::list::<$t>(count + 1)?;
            list.extend((0..count).map(|i| i as $t * step + first));
            list.push(last);
            if checked && list.windows(2).any(|w| w[0] >= w[1]) {
                bail!(Value, "Too many bins for data range. Cannot create {count} finite-sized bins.");
            }
            Array::from_slice(&list, &[count + 1])?.to_device(a.device())?
        }};
    }
    let single = a.dtype() == DType::F32;
    // Of nothing the ends are integers, and what is computed is cast.
    let edges = if single && a.size() > 0 { edges!(f32) } else { edges!(f64) };
    if let Some([first, last]) = &ends.arrays {
        let (first, last) = (cast(first, edges.dtype())?, cast(last, edges.dtype())?);
        let step = divide(&subtract(&last, &first)?, count as i64)?;
        let steps =
            context::with_device(a.device(), || ramp(0i64.into(), 1i64.into(), count, edges.dtype()))?;
        let inner = add(&multiply(&steps, &step)?, &first)?;
        return concatenate(&[inner, reshape(&last, &[1])?], 0, None);
    }
    if single { cast(&edges, DType::F32) } else { Ok(edges) }
}
/// Numbers that are counted, and in which dtype NumPy has the edges of their bins.
fn countable(name: &str, a: &Array, range: Option<&Array>) -> Result<Option<[Array; 2]>> {
    known(name)?;
    let wide = a.dtype().is_integer() || matches!(a.dtype(), DType::F64 | DType::F32);
    if !wide || range.is_some() && a.dtype() == DType::F32 {
        bail!(NotNative, "{name}: of {}", a.dtype());
    }
    let Some(range) = range else { return Ok(None) };
    if range.shape() != [2] || range.dtype().is_complex() || range.dtype() == DType::Bool {
        bail!(NotNative, "{name}: a range of such a kind");
    }
    Ok(Some([row(range, 0), row(range, 1)]))
}
fn row(a: &Array, i: usize) -> Array {
    a.view(a.layout().select(0, i))
}
fn edges_of(a: &Array, bins: Operand, range: Option<&[Array; 2]>) -> Result<(Array, bool)> {
    Ok(match Bins::new(bins)? {
        Bins::Count(n) => (equal_edges(a, &outer_edges(a, range)?, n, true)?, true),
        Bins::Edges(edges) => (edges.to_device(a.device())?, false),
    })
}
/// Attributes of numbers of bins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Even {
    /// The edges lie equally far apart, but for rounding.
    pub even: bool,
}
/// Inputs: values, and edges, which ascend, two at least.
struct InBins {
    counted: bool,
}
impl Structured for InBins {
    type Attrs = Even;

    fn input_dtype(&self, _: &Even, inputs: &[Operand], _: usize) -> Option<DType> {
        Some(DType::promote(inputs[0].dtype(), inputs[1].dtype()))
    }
    fn infer(&self, op: &'static OpDef, _: &Even, inputs: &[&Array]) -> Result<Metas> {
        let Some(bins) = inputs[1].size().checked_sub(1).filter(|n| *n > 0) else {
            bail!(Value, "{}: too few edges", op.name)
        };
        Ok(if self.counted {
            Meta::one(&[bins][..], DType::I64)
        } else {
            Meta::one(inputs[0].shape(), DType::I64)
        })
    }
}
operation!(pub BIN_NUMBERS: "bin_numbers", 2 => 1, InBins { counted: false }, &[(-3.0, 3.0), (-3.0, 3.0)], constant "Numbers of bins from 1, 0 before and one more behind them.");
operation!(pub BIN_COUNTS: "bin_counts", 2 => 1, InBins { counted: true }, &[(-3.0, 3.0), (-3.0, 3.0)], constant "How many values are in each bin.");

/// The number of the bin of each element, from 1; 0 below all of them, one more than there are behind the last.
fn numbers(x: &Array, edges: &Array, even: bool) -> Result<Array> {
    in_bins(&BIN_NUMBERS, x, edges, even)
}
fn in_bins(op: &'static OpDef, x: &Array, edges: &Array, even: bool) -> Result<Array> {
    let inputs = [Operand::Array(x), Operand::Array(edges)];
    with_flag(QUIET, || call(op, Attrs::of(&Even { even }), &inputs, None, Target::New))
}

/// How many elements are in each bin, or the sums of their weights, and the edges of the bins: the lower one belongs to a bin, and to
/// the last one the upper one too. `density`: divided by the widths and their sum.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for edges that do not ascend, a range without a length, weights of another shape;
/// [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for dtypes that NumPy treats in ways of their own, and while a graph is traced.
pub fn histogram<'a>(
    a: &Array,
    bins: impl Into<Operand<'a>>,
    range: Option<&Array>,
    density: bool,
    weights: Option<&Array>,
) -> Result<[Array; 2]> {
    let range = countable("histogram", a, range)?;
    if weights.is_some_and(|w| w.shape() != a.shape()) {
        bail!(Value, "weights should have the same shape as a.");
    }
    let a = &reshape(a, &[-1])?;
    let weights = weights.map(|w| reshape(&w.to_device(a.device())?, &[-1])).transpose()?;
    let (edges, uniform) = edges_of(a, bins.into(), range.as_ref())?;
    if let Some(w) = &weights {
        let fits = match w.dtype() {
            DType::F64 | DType::I64 => true,
            DType::I32 => uniform,
            // NumPy rounds in between where there are more.
            DType::F32 => uniform && a.size() <= 1 << 16,
            _ => false,
        };
        if !fits {
            bail!(NotNative, "histogram: weights of dtype {}", w.dtype());
        }
    }
    let count = edges.size() - 1;
    let counted = match &weights {
        None => in_bins(&BIN_COUNTS, a, &edges, uniform)?,
        weights => {
            let place = numbers(a, &edges, uniform)?;
            let all = super::bincount(&place, weights.as_ref(), count as isize + 2)?;
            copy(&all.slice(0, 1, 1, count))?
        }
    };
    let counted = match &weights {
        Some(w) => cast(&counted, w.dtype())?,
        None => counted,
    };
    if !density {
        return Ok([counted, edges]);
    }
    let widths = cast(&diff(&edges, 1, 0)?, DType::F64)?;
    let total = sum(&counted, None, false)?;
    Ok([divide(&divide(&counted, &widths)?, &total)?, edges])
}
/// The edges of the bins of [`histogram`].
///
/// # Errors
/// As [`histogram`].
pub fn histogram_bin_edges<'a>(
    a: &Array,
    bins: impl Into<Operand<'a>>,
    range: Option<&Array>,
) -> Result<Array> {
    let range = countable("histogram_bin_edges", a, range)?;
    Ok(edges_of(a, bins.into(), range.as_ref())?.0)
}

/// How many pairs are in each bin of two axes, or the sums of their weights, in float64, and the edges of both.
///
/// # Errors
/// Those of [`histogram`]; [`ErrorKind::Value`](crate::ErrorKind::Value) for coordinates that are not equally many.
pub fn histogram2d(
    x: &Array,
    y: &Array,
    bins: Operand,
    range: Option<&Array>,
    density: bool,
    weights: Option<&Array>,
) -> Result<Vec<Array>> {
    known("histogram2d")?;
    let wide = |a: &Array| a.dtype().is_integer() || a.dtype() == DType::F64;
    if x.ndim() != 1 || y.ndim() != 1 || x.size() != y.size() || !wide(x) || !wide(y) {
        bail!(NotNative, "histogram2d: of coordinates of such a kind");
    }
    if let Some(w) = weights
        && (w.shape() != x.shape() || w.dtype() != DType::F64)
    {
        bail!(NotNative, "histogram2d: weights of dtype {}", w.dtype());
    }
    let y = y.to_device(x.device())?;
    let common = DType::promote(x.dtype(), y.dtype());
    let both = [cast(x, common)?, cast(&y, common)?];
    let ranges = match range {
        None => [None, None],
        Some(r) if r.shape() == [2, 2] => {
            let of = |i: usize| Some([row(&row(r, i), 0), row(&row(r, i), 1)]);
            [of(0), of(1)]
        }
        Some(_) => bail!(NotNative, "histogram2d: a range of such a kind"),
    };
    let held;
    let bins: [Operand; 2] = match bins {
        Operand::Array(a) if a.ndim() == 1 && a.size() == 2 && a.dtype().is_integer() => {
            held = [row(a, 0), row(a, 1)];
            [Operand::Array(&held[0]), Operand::Array(&held[1])]
        }
        Operand::Array(a) if a.ndim() == 1 && a.size() < 3 => {
            bail!(NotNative, "histogram2d: bins of such a kind")
        }
        Operand::Array(a) if a.ndim() > 1 => bail!(NotNative, "histogram2d: bins of {} axes", a.ndim()),
        other => [other, other],
    };
    let mut edges: Vec<Array> = Vec::new();
    let mut even = [false; 2];
    for (i, a) in both.iter().enumerate() {
        edges.push(match Bins::new(bins[i]) {
            Ok(Bins::Count(n)) => {
                even[i] = true;
                equal_edges(a, &outer_edges(a, ranges[i].as_ref())?, n, false)?
            }
            Ok(Bins::Edges(edges)) => edges.to_device(x.device())?,
            // NumPy has words of its own here.
            Err(e) => bail!(NotNative, "histogram2d: {}", e.message()),
        });
    }
    let shape = [edges[0].size() + 1, edges[1].size() + 1];
    let cell = add(
        &multiply(&numbers(&both[0], &edges[0], even[0])?, shape[1] as i64)?,
        &numbers(&both[1], &edges[1], even[1])?,
    )?;
    let counted = super::bincount(&cell, weights, (shape[0] * shape[1]) as isize)?;
    let counted = reshape(&counted, &[shape[0] as isize, shape[1] as isize])?;
    let inner = counted.slice(0, 1, 1, shape[0] - 2).slice(1, 1, 1, shape[1] - 2);
    let mut counted = copy(&cast(&inner, DType::F64)?)?;
    if density {
        let total = sum(&counted, None, false)?;
        for (i, edges) in edges.iter().enumerate() {
            let widths = diff(edges, 1, 0)?;
            let widths = if i == 0 { widths.expand_dims(1)? } else { widths };
            counted = divide(&counted, &widths)?;
        }
        counted = divide(&counted, &total)?;
    }
    edges.insert(0, counted);
    Ok(edges)
}

/// Positions that sort by several keys along an axis, the last key first, equal ones by the key before it, and so on; in int64.
///
/// # Errors
/// [`ErrorKind::Type`](crate::ErrorKind::Type) for no keys, [`ErrorKind::Value`](crate::ErrorKind::Value) for keys of different shapes,
/// [`ErrorKind::Axis`](crate::ErrorKind::Axis).
pub fn lexsort(keys: &[&Array], axis: isize) -> Result<Array> {
    let Some(first) = keys.first() else { bail!(Type, "need sequence of keys with len > 0 in lexsort") };
    if keys.iter().any(|k| k.shape() != first.shape()) {
        bail!(Value, "all keys need to be the same shape");
    }
    if first.ndim() == 0 {
        bail!(NotNative, "lexsort: of numbers");
    }
    let axis = normalize_axis("lexsort", axis, first.ndim())?;
    if first.shape()[axis] <= 1 {
        return context::with_device(first.device(), || zeros(first.shape(), DType::I64));
    }
    let vector = first.ndim() == 1;
    let at = |a: &Array, order: &Array| match vector {
        true => gather(a, std::slice::from_ref(order)),
        false => take_along_axis(a, order, axis),
    };
    let mut order = argsort(first, Some(axis as isize))?;
    for key in &keys[1..] {
        let key = key.to_device(first.device())?;
        order = at(&order, &argsort(&at(&key, &order)?, Some(axis as isize))?)?;
    }
    Ok(order)
}

crate::functions! {
    /// How many elements are in each bin, or the sums of their weights, and the edges of the bins.
    histogram(a: Array, bins: Operand = Some(10.0), range: OptionalTried = None, density: OptionalFlag = None, weights: OptionalTried = None)
        -> Tuple, by_values, cases ["n[12]", "i[3,4], 3", "f[9], a[4]", "n[20], 4, range=a[2]", "n[9], 3, weights=f[9]", "n[8], a[3], weights=n[8]", "f[8], 4, density=True", "k[9], a[5], density=True"]
        => histogram(a, ten(bins), range, density == Some(true), weights).map(|both| both.to_vec());
    /// The edges of the bins of a histogram.
    histogram_bin_edges(a: Array, bins: Operand = Some(10.0), range: OptionalTried = None, weights: Foreign = None)
        -> Array, by_values, cases ["n[12]", "i[3,4], 3", "f[9], a[4]", "n[20], 4, range=a[2]"]
        => histogram_bin_edges(a, ten(bins), range);
    /// How many pairs are in each bin of two axes, or the sums of their weights, and the edges of both.
    histogram2d(x: Array, y: Array, bins: OptionalTried = None, range: OptionalTried = None, density: OptionalFlag = None, weights: OptionalTried = None)
        -> Tuple, by_values, cases ["n[12], f[12]", "i[9], f[9], 3", "f[9], f[9], a[4]", "n[7], n[7], 3, weights=f[7]", "f[10], f[10], 2, density=True"]
        => histogram2d(x, y, ten(bins.map(Operand::Array)), range, density == Some(true), weights);
    /// The indices that sort by several keys, the last one first.
    lexsort(keys: Arrays, axis: Int = -1) -> Array, constant, cases ["(i[7], k[7])", "(n[3,4], i[3,4]), axis=0"]
        => lexsort(&keys, axis);
    /// A sorted copy as complex numbers: by real part, then by imaginary part.
    sort_complex(a: Array) -> Array, cases ["n[5]", "c[4]", "i[2,3]"]
        => {
            let sorted = sort(a, Some(-1))?;
            match a.dtype() {
                DType::C64 | DType::C128 => Ok(sorted),
                DType::I8 | DType::U8 | DType::I16 | DType::U16 => cast(&sorted, DType::C64),
                _ => cast(&sorted, DType::C128),
            }
        };
}
/// The number of bins where none is given.
fn ten(bins: Option<Operand>) -> Operand {
    match bins {
        None | Some(Operand::Number(Number::Float(10.0))) => Operand::Number(Number::Int(10)),
        Some(bins) => bins,
    }
}
