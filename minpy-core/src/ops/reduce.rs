//! Reductions along axes: sum, prod, max, min, any, all, count_nonzero, and what is composed of them.

use super::{add, call, call_each, cast, divide, equal, multiply, reshape, root, square, subtract};
use crate::dispatch::{Arg, fill_raw, launch};
use crate::expr::{Builder, E, Prim, Program};
use crate::kernel::{Fold, Work};
use crate::layout::{Layout, normalize_axis, show};
use crate::op::{OpDef, Operand, Structured};
use crate::{Array, Arrays, Attrs, DType, Meta, Metas, Result, Target, bail, context, operation};
use parking_lot::RwLock;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::sync::{Arc, LazyLock};

/// One kind of reduction: the fold, what happens to each element first, and the dtype to fold in.
struct Reduction {
    fold: Fold,
    prologue: Prologue,
    /// From the input dtype to the dtype of the result.
    result: fn(DType) -> DType,
    /// An empty reduction has a value.
    has_identity: bool,
}
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Prologue {
    Cast,
    NonZero,
}

/// Small integers are summed in the default integer.
fn widen(d: DType) -> DType {
    use DType::*;
    match d {
        Bool | I8 | I16 | I32 => I64,
        U8 | U16 | U32 => U64,
        d => d,
    }
}

fn prologue(kind: Prologue, input: DType, output: DType) -> Arc<Program> {
    type Key = (Prologue, DType, DType);
    static CACHE: LazyLock<RwLock<FxHashMap<Key, Arc<Program>>>> = LazyLock::new(Default::default);
    let key = (kind, input, output);
    if let Some(p) = CACHE.read().get(&key) {
        return p.clone();
    }
    let b = Builder::new();
    let x = b.input(input);
    let value = match kind {
        Prologue::Cast => x.cast(output),
        Prologue::NonZero => E::apply(Prim::Ne, &[x, x.lit(0.0)]).cast(output),
    };
    let id = value.id();
    let p = Arc::new(b.finish("reduce", &[id], 0));
    CACHE.write().entry(key).or_insert(p).clone()
}

/// Attributes of reductions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Along {
    /// Normalised axes, ascending.
    pub axes: SmallVec<[usize; 6]>,
    /// Reduced axes stay with size 1.
    pub keepdims: bool,
    /// The dtype to accumulate in, where one is asked for.
    pub dtype: Option<DType>,
}

impl Structured for Reduction {
    type Attrs = Along;

    fn infer(&self, op: &'static OpDef, attrs: &Along, inputs: &[&Array]) -> Result<Metas> {
        let Along { axes, keepdims, dtype } = attrs;
        let a = &inputs[0];
        if !self.has_identity && axes.iter().any(|&x| a.shape()[x] == 0) {
            bail!(
                Value,
                "zero-size array to reduction operation {} which has no identity (shape {})",
                op.name,
                show(a.shape())
            );
        }
        let dtype = dtype.unwrap_or((self.result)(a.dtype()));
        if matches!(self.fold, Fold::And | Fold::Or | Fold::Xor) && dtype.is_inexact() {
            bail!(Type, "ufunc '{}' not supported for the input types: {dtype} {}", op.name, show(a.shape()));
        }
        Ok(Meta::one(reduced_shape(a.shape(), axes, *keepdims), dtype))
    }
    fn lower(&self, op: &'static OpDef, attrs: &Along, inputs: &[&Array], outs: &[&Array]) -> Result<()> {
        let Along { axes, keepdims, .. } = attrs;
        let out = outs[0];
        let a = &inputs[0];
        if out.size() == 0 {
            return Ok(());
        }
        if a.size() == 0 {
            return fill_raw(out, self.fold.identity(out.dtype()));
        }
        let outer = (0..a.ndim()).filter(|i| !axes.contains(i));
        let order: SmallVec<[usize; 6]> = outer.chain(axes.iter().copied()).collect();
        let input = a.layout().transpose(Some(&order));
        let target = if *keepdims { out.view(drop_axes(out.layout(), axes)) } else { out.clone() };
        let program = prologue(self.prologue, a.dtype(), out.dtype());
        launch(
            op.name,
            out.device(),
            &Work::Reduce(self.fold),
            Some(&program),
            &[Arg::Array(a, Some(&input))],
            &[&target],
        )
    }
}

fn reduced_shape(shape: &[usize], axes: &[usize], keepdims: bool) -> crate::layout::Dims {
    let kept = |i: usize| !axes.contains(&i);
    if keepdims {
        shape.iter().enumerate().map(|(i, &n)| if kept(i) { n } else { 1 }).collect()
    } else {
        shape.iter().enumerate().filter(|(i, _)| kept(*i)).map(|(_, &n)| n).collect()
    }
}
fn drop_axes(layout: &Layout, axes: &[usize]) -> Layout {
    axes.iter().rev().fold(layout.clone(), |l, &i| l.remove_axis(i))
}

const fn same(d: DType) -> DType {
    d
}
/// What can go wrong, in the documentation.
macro_rules! errors {
    (true) => {
        errors!("")
    };
    (false) => {
        errors!("[`ErrorKind::Value`](crate::ErrorKind::Value) where no elements are left to choose from, ")
    };
    ($empty:literal) => {
        concat!(
            "\n\n# Errors\n",
            $empty,
            "[`ErrorKind::Axis`](crate::ErrorKind::Axis) for an axis that the array does not have, \
                 [`ErrorKind::Value`](crate::ErrorKind::Value) for one that is named twice."
        )
    };
}
macro_rules! reductions {
    ($($id:ident $f:ident $fold:ident $prologue:ident $result:expr, $identity:tt, $($constant:ident)? $doc:literal;)*) => {
        $(
            operation!(pub $id: stringify!($f), 1 => 1, Reduction {
                fold: Fold::$fold, prologue: Prologue::$prologue, result: $result, has_identity: $identity,
            }, &[(0.5, 3.0)], $($constant)? $doc);
            #[doc = concat!($doc, "\n\nAlong `axes`, negative ones counted from the end (`None`: all). With `keepdims` they stay, with size 1.")]
            #[doc = errors!($identity)]
            pub fn $f(a: &Array, axes: Option<&[isize]>, keepdims: bool) -> Result<Array> { reduce(&$id, a, axes, keepdims, None) }
        )*
        /// Reductions: along one axis (`x.sum(0, false)`), several (`x.sum([0, -1], false)`) or all (`x.sum(None, false)`). Each
        /// comes from the operation's row.
        impl Array {$(
            #[doc = concat!($doc, "\n\nAlong `axes`, negative ones counted from the end (`None`: all). With `keepdims` they stay, with size 1.")]
            #[doc = errors!($identity)]
            pub fn $f<'a>(&self, axes: impl Into<Axes<'a>>, keepdims: bool) -> Result<Array> {
                axes.into().with(|axes| $f(self, axes, keepdims))
            }
        )*}
    };
}
reductions! {
    SUM sum Add Cast widen, true, "Sum along axes; small integers in the default integer.";
    PROD prod Mul Cast widen, true, "Product along axes.";
    MAX max Max Cast same, false, "Greatest element along axes; NaN wins.";
    MIN min Min Cast same, false, "Smallest element along axes; NaN wins.";
    ANY any Or Cast |_| DType::Bool, true, constant "Whether any element is true.";
    ALL all And Cast |_| DType::Bool, true, constant "Whether all elements are true.";
    COUNT_NONZERO count_nonzero Add NonZero |_| DType::I64, true, constant "Number of elements that are not zero.";
    BITWISE_AND_REDUCE bitwise_and_reduce And Cast same, true, constant "Bitwise and along axes.";
    BITWISE_OR_REDUCE bitwise_or_reduce Or Cast same, true, constant "Bitwise or along axes.";
    BITWISE_XOR_REDUCE bitwise_xor_reduce Xor Cast same, true, constant "Bitwise exclusive or along axes.";
}

/// The axes of a reduction: all (`None`), one (`0`), or several (`[0, -1]`, a slice).
#[derive(Clone, Debug)]
pub struct Axes<'a>(Named<'a>);
#[derive(Clone, Debug)]
enum Named<'a> {
    All,
    Here(SmallVec<[isize; 6]>),
    There(&'a [isize]),
}
impl Axes<'_> {
    /// Calls a function of this file's with the axes.
    pub fn with<T>(&self, f: impl FnOnce(Option<&[isize]>) -> T) -> T {
        match &self.0 {
            Named::All => f(None),
            Named::Here(list) => f(Some(list)),
            Named::There(list) => f(Some(list)),
        }
    }
}
impl From<isize> for Axes<'_> {
    fn from(axis: isize) -> Self {
        Axes(Named::Here([axis].as_slice().into()))
    }
}
impl From<Option<isize>> for Axes<'_> {
    fn from(axis: Option<isize>) -> Self {
        axis.map_or(Axes(Named::All), Axes::from)
    }
}
impl<const N: usize> From<[isize; N]> for Axes<'_> {
    fn from(axes: [isize; N]) -> Self {
        Axes(Named::Here(axes.as_slice().into()))
    }
}
impl<'a, const N: usize> From<&'a [isize; N]> for Axes<'a> {
    fn from(axes: &'a [isize; N]) -> Self {
        Axes(Named::There(axes))
    }
}
impl<'a> From<&'a [isize]> for Axes<'a> {
    fn from(axes: &'a [isize]) -> Self {
        Axes(Named::There(axes))
    }
}

/// Attributes of a reduction along `axes` (`None`: all of them).
pub fn reduce_attrs(
    op: &str,
    ndim: usize,
    axes: Option<&[isize]>,
    keepdims: bool,
    dtype: Option<DType>,
) -> Result<Along> {
    let mut list: SmallVec<[usize; 6]> = SmallVec::new();
    match axes {
        None => list.extend(0..ndim),
        Some(axes) => {
            for &a in axes {
                let a = normalize_axis(op, a, ndim)?;
                if list.contains(&a) {
                    bail!(Value, "{op}: duplicate value in 'axis': {a}");
                }
                list.push(a);
            }
            list.sort_unstable();
        }
    }
    Ok(Along { axes: list, keepdims, dtype })
}
/// Calls any reduction of the table.
pub fn reduce(
    op: &'static OpDef,
    a: &Array,
    axes: Option<&[isize]>,
    keepdims: bool,
    dtype: Option<DType>,
) -> Result<Array> {
    let attrs = reduce_attrs(op.name, a.ndim(), axes, keepdims, dtype)?;
    call(op, Attrs::of(&attrs), &[Operand::Array(a)], None, Target::New)
}
pub(super) fn count_reduced(name: &str, a: &Array, axes: Option<&[isize]>) -> Result<usize> {
    match axes {
        None => Ok(a.size()),
        Some(axes) => {
            let mut seen: SmallVec<[usize; 6]> = SmallVec::new();
            for &x in axes {
                let axis = normalize_axis(name, x, a.ndim())?;
                if seen.contains(&axis) {
                    bail!(Value, "{name}: duplicate value in 'axis'");
                }
                seen.push(axis);
            }
            Ok(seen.iter().map(|&axis| a.shape()[axis]).product())
        }
    }
}
/// Arithmetic mean: integers in float64, half accumulated in single.
pub fn mean(a: &Array, axes: Option<&[isize]>, keepdims: bool, dtype: Option<DType>) -> Result<Array> {
    let n = count_reduced("mean", a, axes)?;
    let result = dtype.unwrap_or(if a.dtype().is_inexact() { a.dtype() } else { DType::F64 });
    let total =
        reduce(&SUM, a, axes, keepdims, Some(if result == DType::F16 { DType::F32 } else { result }))?;
    let m = divide_by_count(&total, n as f64)?;
    if m.dtype() == result { Ok(m) } else { super::cast(&m, result) }
}
/// A sum by a number of elements, with NumPy's digits: it divides in double precision and rounds. In single precision that is the same for
/// real numbers and counts that single precision has; complex numbers are multiplied by the reciprocal.
fn divide_by_count(total: &Array, count: f64) -> Result<Array> {
    let single = f64::from(count as f32) == count;
    let wide = match total.dtype() {
        DType::F32 if !single => DType::F64,
        DType::C64 => DType::C128,
        _ => return divide(total, count),
    };
    // Other devices may know no double precision, and have digits of their own.
    if !total.device().is_host() {
        return divide(total, count);
    }
    cast(&divide(&cast(total, wide)?, count)?, total.dtype())
}
/// Attributes of `MOMENTS`: along what, the dtype of the results, and the divisor `n - ddof`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Moments {
    /// Axes; `keepdims` concerns both results.
    pub along: Along,
    /// Bits of `ddof`.
    ddof: u64,
}
impl Moments {
    /// What is taken off the number of elements for the divisor of the variance.
    pub fn ddof(&self) -> f64 {
        f64::from_bits(self.ddof)
    }
    fn result(&self, input: DType) -> DType {
        self.along.dtype.unwrap_or(if input.is_inexact() { input } else { DType::F64 })
    }
    /// Real, unless complex numbers are asked for.
    fn of_variance(&self, input: DType) -> DType {
        self.along.dtype.unwrap_or(self.result(input).real())
    }
}
struct MeanAndVariance;
impl Structured for MeanAndVariance {
    type Attrs = Moments;
    const DECOMPOSES: bool = true;

    fn infer(&self, _: &'static OpDef, attrs: &Moments, inputs: &[&Array]) -> Result<Metas> {
        let dtype = attrs.result(inputs[0].dtype());
        let shape = reduced_shape(inputs[0].shape(), &attrs.along.axes, attrs.along.keepdims);
        let meta = |dtype| Meta { shape: shape.clone(), dtype };
        Ok([meta(dtype), meta(attrs.of_variance(inputs[0].dtype()))].into_iter().collect())
    }
    fn decompose(&self, _: &'static OpDef, attrs: &Moments, inputs: &[&Array]) -> Result<Arrays> {
        let a = inputs[0];
        let axes: SmallVec<[isize; 6]> = attrs.along.axes.iter().map(|&i| i as isize).collect();
        let n = count_reduced("var", a, Some(&axes))?;
        let result = attrs.result(a.dtype());
        // Half is summed in single.
        let wide = if result == DType::F16 { DType::F32 } else { result };
        let m = mean(a, Some(&axes), true, Some(wide))?;
        let d = subtract(a, &m)?;
        // NumPy squares the parts.
        let sq = if d.dtype().is_complex() {
            add(&square(&super::real(&d)?)?, &square(&super::imag(&d)?)?)?
        } else {
            square(&d)?
        };
        let sum = attrs.along.dtype.map(|d| if d == DType::F16 { wide } else { d });
        let total = reduce(&SUM, &sq, Some(&axes), attrs.along.keepdims, sum)?;
        let v = divide_by_count(&total, (n as f64 - attrs.ddof()).max(0.0))?;
        let m = match attrs.along.keepdims {
            true => m,
            false => m.view(drop_axes(m.layout(), &attrs.along.axes)),
        };
        let given = |x: Array, dtype| if x.dtype() == dtype { Ok(x) } else { super::cast(&x, dtype) };
        Ok([given(m, result)?, given(v, attrs.of_variance(a.dtype()))?].into_iter().collect())
    }
}
operation!(pub MOMENTS: "moments", 1 => 2, MeanAndVariance, &[(-3.0, 3.0)], "Mean and variance along axes.");

/// Mean and variance with divisor `n - ddof`, in one pass where the device has a kernel for that; of complex values the mean
/// of |x - mean|^2.
///
/// # Errors
/// [`ErrorKind::Axis`](crate::ErrorKind::Axis) for an axis that the array does not have,
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for one that is named twice.
pub fn moments(
    a: &Array,
    axes: Option<&[isize]>,
    keepdims: bool,
    ddof: f64,
    dtype: Option<DType>,
) -> Result<(Array, Array)> {
    let along = reduce_attrs("moments", a.ndim(), axes, keepdims, dtype)?;
    if let Some(order) = memory_order(a, &along.axes) {
        return moments_in_order(a, &order, &along, ddof);
    }
    let attrs = Moments { along, ddof: ddof.to_bits() };
    let [mean, variance] = call_each(&MOMENTS, Attrs::of(&attrs), &[Operand::Array(a)])?;
    Ok((mean, variance))
}
/// The order of axes in which the elements lie in memory, where the axes that stay do not lie so. NumPy keeps that order for the means, and
/// then for the distances from them, which decides about the order of their sum.
fn memory_order(a: &Array, axes: &[usize]) -> Option<SmallVec<[usize; 6]>> {
    let (shape, strides) = (a.shape(), a.layout().strides());
    let mut order: SmallVec<[usize; 6]> = (0..a.ndim()).filter(|&i| shape[i] > 1).collect();
    let step = |i: &usize| std::cmp::Reverse(strides[*i].unsigned_abs());
    let kept = |list: &[usize]| list.iter().filter(|i| !axes.contains(i)).map(step).is_sorted();
    if kept(&order) || order.iter().any(|&i| strides[i] == 0) || !a.device().is_host() {
        return None;
    }
    order.sort_by_key(step);
    order.extend((0..a.ndim()).filter(|&i| shape[i] <= 1));
    Some(order)
}
/// `moments` of the array with its axes in another order, and back.
fn moments_in_order(a: &Array, order: &[usize], along: &Along, ddof: f64) -> Result<(Array, Array)> {
    let moved = a.view(a.layout().transpose(Some(order)));
    let place = |i: usize| order.iter().position(|&o| o == i).unwrap_or(i);
    let axes: SmallVec<[isize; 6]> = along.axes.iter().map(|&i| place(i) as isize).collect();
    let (mean, variance) = moments(&moved, Some(&axes), along.keepdims, ddof, along.dtype)?;
    // Of the axes that are there, which comes where.
    let left = |i: &usize| along.keepdims || !along.axes.contains(i);
    let there: SmallVec<[usize; 6]> = order.iter().copied().filter(left).collect();
    let mut back: SmallVec<[usize; 6]> = (0..there.len()).collect();
    back.sort_by_key(|&k| there[k]);
    let back = |x: Array| x.view(x.layout().transpose(Some(&back)));
    Ok((back(mean), back(variance)))
}
/// Variance with divisor `n - ddof`; of complex values the mean of |x - mean|^2, real unless `dtype` is complex.
pub fn var(
    a: &Array,
    axes: Option<&[isize]>,
    keepdims: bool,
    ddof: f64,
    dtype: Option<DType>,
) -> Result<Array> {
    Ok(moments(a, axes, keepdims, ddof, dtype)?.1)
}
/// Standard deviation: the root of `var`. Where it is 0, its gradient is 0 (one element, or equal ones).
pub fn std(
    a: &Array,
    axes: Option<&[isize]>,
    keepdims: bool,
    ddof: f64,
    dtype: Option<DType>,
) -> Result<Array> {
    root(&var(a, axes, keepdims, ddof, dtype)?)
}

/// Where a function puts its result.
pub(super) fn target(out: Option<&Array>) -> Target<'_> {
    out.map_or(Target::New, Target::Into)
}
/// NumPy takes axis 0 and -1 of an array without dimensions as no axis.
pub(super) fn axes_of<'v>(a: &Array, axes: Option<&'v [isize]>) -> Option<&'v [isize]> {
    axes.filter(|list| a.ndim() > 0 || !matches!(list, [0 | -1]))
}
/// A reduction with everything that NumPy's ufuncs take for it, as far as it is computed here.
///
/// # Errors
/// Those of [`reduce`]; [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for `initial` and `mask`.
pub fn fold(
    op: &'static OpDef,
    a: &Array,
    axes: Option<&[isize]>,
    dtype: Option<DType>,
    out: Option<&Array>,
    keepdims: bool,
    initial: Option<Operand>,
    mask: Option<&Array>,
) -> Result<Array> {
    plain(op.name, initial, mask)?;
    let boolean = op.name == ANY.name || op.name == ALL.name;
    let dtype = if boolean { Some(DType::Bool) } else { computed_in(a.dtype(), dtype, out) };
    fits(op.name, dtype, out)?;
    let attrs = reduce_attrs(op.name, a.ndim(), axes_of(a, axes), keepdims, dtype)?;
    Ok(call(op, Attrs::of(&attrs), &[Operand::Array(a)], None, target(out))?.with_weak(a.is_weak()))
}
/// A reduction of all elements that begins with nothing is what is computed here.
pub(super) fn plain(name: &str, initial: Option<Operand>, mask: Option<&Array>) -> Result<()> {
    if initial.is_some() || mask.is_some() {
        bail!(NotNative, "{name}: initial= and where= of a reduction");
    }
    Ok(())
}
/// The dtype that a reduction or scan computes in, where arguments say so: that of `dtype`, else one that holds the elements of the array and
/// of `out`.
pub(super) fn computed_in(a: DType, dtype: Option<DType>, out: Option<&Array>) -> Option<DType> {
    dtype.or_else(|| out.map(|out| DType::promote(a, out.dtype())))
}
/// An error where NumPy casts a result into `out` across kinds, as it does for reductions and scans, or adds truth values as such.
pub(super) fn fits(name: &str, dtype: Option<DType>, out: Option<&Array>) -> Result<()> {
    if let (Some(dtype), Some(out)) = (dtype, out)
        && (!dtype.can_cast_same_kind(out.dtype()) || dtype == DType::Bool && matches!(name, "sum" | "prod"))
    {
        bail!(NotNative, "{name}: a result of {dtype} into {}", out.dtype());
    }
    Ok(())
}
/// A mean or what is made of it, where NumPy has nothing to say about the dtype or about too few elements.
pub(super) fn moment(
    name: &str,
    a: &Array,
    axes: Option<&[isize]>,
    dtype: Option<DType>,
    out: Option<&Array>,
    ddof: f64,
    mask: Option<&Array>,
    f: impl FnOnce(Option<&[isize]>) -> Result<Array>,
) -> Result<Array> {
    if mask.is_some() {
        bail!(NotNative, "{name}: where= of a reduction");
    }
    if dtype.is_some_and(|d| !d.is_inexact()) {
        bail!(NotNative, "{name}: an integer result");
    }
    // Sums are rounded to what `out` holds before they are divided.
    if let Some(out) = out
        && let d = dtype.unwrap_or(if a.dtype().is_inexact() { a.dtype() } else { DType::F64 })
        && (d == DType::F16 || out.dtype() != d && out.dtype() != d.real())
    {
        bail!(NotNative, "{name}: a result of {d} into {}", out.dtype());
    }
    let n = count_reduced(name, a, axes)?;
    if n as f64 - ddof <= 0.0 {
        bail!(NotNative, "{name}: of too few elements, about which NumPy warns");
    }
    f(axes)
}
/// The mean of elements that count as much as `weights` says, which has the shape of `a` or that of the one axis.
///
/// # Errors
/// [`ErrorKind::Axis`](crate::ErrorKind::Axis) for an axis that the array does not have, [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for weights of another shape,
/// and on the host for weights whose sum is zero (elsewhere the result is not finite there).
pub fn average(a: &Array, weights: &Array, axes: Option<&[isize]>, keepdims: bool) -> Result<Array> {
    let along = match axes {
        Some([axis]) => Some(normalize_axis("average", *axis, a.ndim())?),
        _ => None,
    };
    let weights = match along {
        _ if weights.shape() == a.shape() => weights.clone(),
        Some(axis) if weights.shape() == [a.shape()[axis]] => {
            let shape: SmallVec<[isize; 6]> = (0..a.ndim()).map(|i| if i == axis { -1 } else { 1 }).collect();
            reshape(weights, &shape)?
        }
        _ => bail!(NotNative, "average: weights of shape {}", show(weights.shape())),
    };
    let common = DType::promote(a.dtype(), weights.dtype());
    let dtype = if a.dtype().is_inexact() { common } else { DType::promote(common, DType::F64) };
    let weights = cast(&weights, dtype)?;
    let total = reduce(&SUM, &weights, axes, keepdims, None)?;
    // On a device, or of a symbol, nobody waits to hear of it.
    let zero = || any(&equal(&total, 0)?, None, false)?.to_f64();
    if a.device().is_host() && !context::tracing() && zero()? != 0.0 {
        bail!(NotNative, "average: weights whose sum is zero");
    }
    divide(&reduce(&SUM, &multiply(&cast(a, dtype)?, &weights)?, axes, keepdims, None)?, &total)
}
/// Greatest minus least element, of all or along axes.
///
/// # Errors
/// Those of [`reduce`].
pub fn ptp(a: &Array, axes: Option<&[isize]>, keepdims: bool) -> Result<Array> {
    subtract(&reduce(&MAX, a, axes, keepdims, None)?, &reduce(&MIN, a, axes, keepdims, None)?)
}
crate::functions! {
    /// Sum of the elements, of all or along axes. Small integers are added as int64 or uint64.
    sum(a: Array, axis: Axes = None, dtype: DType = None, out: Out = None, keepdims: Flag = false, initial: Operand = None, r#where: Mask = None)
        -> Values, method, cases ["f[3,4]", "f[3,4], axis=0", "i[2,3,4], axis=(0, -1), keepdims=True", "b[5]", "c[3,2], axis=1"]
        => fold(&SUM, a, axis, dtype, out, keepdims, initial, r#where);
    /// Product of the elements, of all or along axes. Small integers are multiplied as int64 or uint64.
    prod(a: Array, axis: Axes = None, dtype: DType = None, out: Out = None, keepdims: Flag = false, initial: Operand = None, r#where: Mask = None)
        -> Values, method, cases ["f[3,2]", "n[3,4], axis=1", "i[2,3], axis=0, keepdims=True"]
        => fold(&PROD, a, axis, dtype, out, keepdims, initial, r#where);
    /// Greatest element, of all or along axes. A NaN makes the result NaN.
    max(a: Array, axis: Axes = None, out: Out = None, keepdims: Flag = false, initial: Operand = None, r#where: Mask = None)
        -> Values, method, aliases [amax], cases ["n[3,4]", "n[3,4], axis=0", "i[2,3], axis=1, keepdims=True"]
        => fold(&MAX, a, axis, None, out, keepdims, initial, r#where);
    /// Least element, of all or along axes. A NaN makes the result NaN.
    min(a: Array, axis: Axes = None, out: Out = None, keepdims: Flag = false, initial: Operand = None, r#where: Mask = None)
        -> Values, method, aliases [amin], cases ["n[3,4]", "n[3,4], axis=0", "i[2,3], axis=1, keepdims=True"]
        => fold(&MIN, a, axis, None, out, keepdims, initial, r#where);
    /// Whether any element is true, of all or along axes.
    any(a: Array, axis: Axes = None, out: Out = None, keepdims: Flag = false, *, r#where: Mask = None)
        -> Values, method, constant, cases ["b[3,4]", "b[3,4], axis=0", "f[2,3], axis=1, keepdims=True"]
        => fold(&ANY, a, axis, None, out, keepdims, None, r#where);
    /// Whether every element is true, of all or along axes.
    all(a: Array, axis: Axes = None, out: Out = None, keepdims: Flag = false, *, r#where: Mask = None)
        -> Values, method, constant, cases ["b[3,4]", "b[3,4], axis=0", "f[2,3], axis=1, keepdims=True"]
        => fold(&ALL, a, axis, None, out, keepdims, None, r#where);
    /// Number of elements that are not zero, of all or along axes.
    count_nonzero(a: Array, axis: Axes = None, *, keepdims: Flag = false) -> Values, constant, cases ["b[3,4]", "i[3,4], axis=0", "f[2,3], axis=1, keepdims=True"]
        => fold(&COUNT_NONZERO, a, axis, None, None, keepdims, None, None);
    /// Greatest minus least element, of all or along axes.
    ptp(a: Array, axis: Axes = None, out: Out = None, keepdims: Flag = false) -> Values, cases ["n[3,4]", "n[3,4], axis=0", "i[2,3], axis=1, keepdims=True"]
        => ptp(a, axes_of(a, axis), keepdims);
    /// Arithmetic mean, of all elements or along axes.
    mean(a: Array, axis: Axes = None, dtype: DType = None, out: Out = None, keepdims: Flag = false, *, r#where: Mask = None)
        -> Values, method, cases ["f[3,4]", "n[3,4], axis=0", "i[2,3], axis=1, keepdims=True", "c[3]"]
        => moment("mean", a, axis, dtype, out, 0.0, r#where, |axes| mean(a, axes, keepdims, dtype));
    /// Weighted mean.
    average(a: Array, axis: OptionalInts = None, weights: OptionalArray = None, returned: Flag = false, *, keepdims: Flag = false)
        -> Values, cases ["f[3,4]", "f[3,4], axis=0", "n[3,4], axis=1, weights=f[4]", "f[3,4], axis=0, weights=f[3,4], keepdims=True", "i[4], weights=i[4]"]
        => {
            if returned {
                bail!(NotNative, "average: the sum of the weights");
            }
            match weights {
                None => moment("average", a, axis, None, None, 0.0, None, |axes| mean(a, axes, keepdims, None)),
                Some(weights) => average(a, weights, axis, keepdims),
            }
        };
    /// Variance: the mean square of the distances from the mean, of all elements or along axes.
    var(a: Array, axis: Axes = None, dtype: DType = None, out: Out = None, ddof: Float = 0.0, keepdims: Flag = false, *, r#where: Mask = None,
        mean: Foreign = None, correction: Foreign = None) -> Values, method, cases ["f[3,4]", "n[3,4], axis=0, ddof=1", "c[4]"]
        => moment("var", a, axis, dtype, out, ddof, r#where, |axes| var(a, axes, keepdims, ddof, dtype));
    /// Standard deviation: the square root of the variance, of all elements or along axes.
    std(a: Array, axis: Axes = None, dtype: DType = None, out: Out = None, ddof: Float = 0.0, keepdims: Flag = false, *, r#where: Mask = None,
        mean: Foreign = None, correction: Foreign = None) -> Values, method, cases ["f[3,4]", "n[3,4], axis=0, ddof=1", "c[4]"]
        => moment("std", a, axis, dtype, out, ddof, r#where, |axes| std(a, axes, keepdims, ddof, dtype));
}
