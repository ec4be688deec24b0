//! Indexing with arrays: gather (read), scatter (write), nonzero, and NumPy's `a[...]` put together.

use super::{call, cast, count_nonzero};
use crate::context;
use crate::cut::Cut;
use crate::dispatch::{Arg, copy_into_raw, launch, picked, placed};
use crate::kernel::{ScatterMode, Work};
use crate::layout::{Dims, Layout, MAX_NDIM, broadcast_shapes, show};
use crate::op::{OpDef, Operand, Structured};
use crate::{Array, Attrs, DType, Meta, Metas, Number, Result, Target, bail, operation};
use smallvec::SmallVec;

/// Attributes of gather and scatter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Indexed {
    /// Number of leading axes that are indexed.
    pub axes: usize,
    /// How a scatter combines.
    pub mode: ScatterMode,
}

/// Inputs: the base, whose leading axes are indexed, then one int64 array per indexed axis, all of one shape.
struct Gather;
impl Structured for Gather {
    type Attrs = Indexed;

    fn input_dtype(&self, _: &Indexed, _: &[Operand], i: usize) -> Option<DType> {
        (i > 0).then_some(DType::I64)
    }
    fn infer(&self, _: &'static OpDef, attrs: &Indexed, inputs: &[&Array]) -> Result<Metas> {
        let mut shape: Dims = inputs[1].shape().into();
        shape.extend_from_slice(&inputs[0].shape()[attrs.axes..]);
        Ok(Meta::one(shape, inputs[0].dtype()))
    }
    fn lower(&self, op: &'static OpDef, attrs: &Indexed, inputs: &[&Array], outs: &[&Array]) -> Result<()> {
        let (indexed, out) = (attrs.axes, outs[0]);
        if out.size() == 0 {
            return check_indices(op, &inputs[0].shape()[..indexed], &inputs[1..]);
        }
        empty_axes(op, &inputs[0].shape()[..indexed])?;
        let args: SmallVec<[Arg; 4]> = inputs.iter().map(|a| Arg::Array(a, None)).collect();
        launch(op.name, out.device(), &Work::Gather { indexed }, None, &args, &[out])
    }
}
operation!(pub GATHER: "gather", 2 => 1, Gather, &[(-3.0, 3.0)], "Elements at index arrays of the leading axes.");

/// Inputs: the base, the values (shape of the indices, then the rest of the base), one int64 array per indexed axis.
struct Scatter;
impl Structured for Scatter {
    type Attrs = Indexed;
    const IN_PLACE: bool = true;

    fn input_dtype(&self, _: &Indexed, inputs: &[Operand], i: usize) -> Option<DType> {
        if i == 1 { Some(inputs[0].dtype()) } else { (i > 1).then_some(DType::I64) }
    }
    fn infer(&self, op: &'static OpDef, attrs: &Indexed, inputs: &[&Array]) -> Result<Metas> {
        let mut shape: Dims = inputs[2].shape().into();
        shape.extend_from_slice(&inputs[0].shape()[attrs.axes..]);
        if *shape != *inputs[1].shape() {
            bail!(
                Value,
                "{}: shape mismatch: value array of shape {} could not be broadcast to indexing result of shape {}",
                op.name,
                show(inputs[1].shape()),
                show(&shape)
            );
        }
        Ok(Meta::one(inputs[0].shape(), inputs[0].dtype()))
    }
    fn lower(&self, op: &'static OpDef, attrs: &Indexed, inputs: &[&Array], outs: &[&Array]) -> Result<()> {
        let (Indexed { axes: indexed, mode }, out) = (attrs, outs[0]);
        if !inputs[0].same_view(out) {
            copy_into_raw(inputs[0], out, None)?;
        }
        if inputs[1].size() == 0 || out.size() == 0 {
            return check_indices(op, &inputs[0].shape()[..*indexed], &inputs[2..]);
        }
        let args: SmallVec<[Arg; 4]> = inputs[1..].iter().map(|a| Arg::Array(a, None)).collect();
        launch(op.name, out.device(), &Work::Scatter { indexed: *indexed, mode: *mode }, None, &args, &[out])
    }
}
operation!(pub SCATTER: "scatter", 3 => 1, Scatter, &[(-3.0, 3.0)], "The base with values written (or combined) at index arrays of the leading axes.");

fn empty_axes(op: &OpDef, shape: &[usize]) -> Result<()> {
    match shape.iter().position(|&n| n == 0) {
        Some(axis) => bail!(Index, "{}: index 0 is out of bounds for axis {axis} with size 0", op.name),
        None => Ok(()),
    }
}

/// The bounds check where no element moves, and so no kernel runs. Indices that a traced program computes have no values
/// yet, and its runs do not look at them.
fn check_indices(op: &OpDef, shape: &[usize], indices: &[&Array]) -> Result<()> {
    for (axis, (&n, index)) in shape.iter().zip(indices).enumerate() {
        if index.buffer().is_placeholder() {
            continue;
        }
        for i in index.to_vec::<i64>()? {
            if i < -(n as i64) || i >= n as i64 {
                bail!(Index, "{}: index {i} is out of bounds for axis {axis} with size {n}", op.name);
            }
        }
    }
    Ok(())
}

/// Index arrays, mostly one or two.
pub type Indices = SmallVec<[Array; 2]>;

/// `base[i_0, i_1, ..]`: index arrays for the leading axes, broadcast against each other.
pub fn gather(base: &Array, indices: &[Array]) -> Result<Array> {
    let mut spread = Indices::from(indices);
    spread_indices(&mut spread)?;
    gather_spread(base, &spread)
}
fn gather_spread(base: &Array, indices: &[Array]) -> Result<Array> {
    let operands: SmallVec<[Operand; 4]> = std::iter::once(base).chain(indices).map(Operand::Array).collect();
    let attrs = Indexed { axes: indices.len(), mode: ScatterMode::Set };
    call(&GATHER, Attrs::of(&attrs), &operands, None, Target::New)
}
/// Writes `values` (broadcast) into `base[i_0, i_1, ..]` in place.
pub fn scatter_into(base: &Array, indices: &[Array], values: &Array, mode: ScatterMode) -> Result<()> {
    scatter_call(base, indices, values, mode, Target::Into(base)).map(drop)
}
/// The same into a copy of `base`.
pub fn scatter(base: &Array, indices: &[Array], values: &Array, mode: ScatterMode) -> Result<Array> {
    scatter_call(base, indices, values, mode, Target::New)
}
fn scatter_call(
    base: &Array,
    indices: &[Array],
    values: &Array,
    mode: ScatterMode,
    target: Target,
) -> Result<Array> {
    let mut spread = Indices::from(indices);
    spread_indices(&mut spread)?;
    let mut shape: Dims = spread[0].shape().into();
    shape.extend_from_slice(&base.shape()[indices.len()..]);
    let lead = values.ndim().saturating_sub(shape.len());
    let trimmed = if lead > 0 && values.shape()[..lead].iter().all(|&n| n == 1) {
        values.view((0..lead).fold(values.layout().clone(), |l, _| l.remove_axis(0)))
    } else {
        values.clone()
    };
    let Ok(layout) = trimmed.layout().broadcast_to("setitem", &shape) else {
        bail!(
            Value,
            "shape mismatch: value array of shape {} could not be broadcast to indexing result of shape {}",
            show(values.shape()),
            show(&shape)
        );
    };
    let values = trimmed.view(layout);
    let operands: SmallVec<[Operand; 4]> =
        [base, &values].into_iter().chain(&spread).map(Operand::Array).collect();
    call(&SCATTER, Attrs::of(&Indexed { axes: indices.len(), mode }), &operands, None, target)
}
/// Gives index arrays one shape.
fn spread_indices(indices: &mut [Array]) -> Result<()> {
    if indices.windows(2).all(|w| w[0].shape() == w[1].shape()) {
        return Ok(());
    }
    let shape = {
        let shapes: SmallVec<[&[usize]; 4]> = indices.iter().map(|a| a.shape()).collect();
        let Ok(shape) = broadcast_shapes("index", &shapes) else {
            let all: Vec<_> = shapes.iter().map(|s| show(s)).collect();
            bail!(
                Index,
                "shape mismatch: indexing arrays could not be broadcast together with shapes {}",
                all.join(" ")
            );
        };
        shape
    };
    for i in indices {
        *i = i.broadcast_to(&shape)?;
    }
    Ok(())
}

/// Bytes of a mask up to which its positions are found in one pass here: less than it takes to ask for a kernel.
const FEW: usize = 4096;

/// The positions in a small mask on the host.
fn few_positions(mask: &Array) -> Result<Array> {
    let mut bytes: SmallVec<[u8; 512]> = SmallVec::from_elem(0, mask.size());
    mask.read_into(&mut bytes)?;
    let mut found: SmallVec<[i64; 128]> = SmallVec::new();
    found.extend(bytes.iter().enumerate().filter(|(_, b)| **b != 0).map(|(i, _)| i as i64));
    let n = found.len();
    if mask.ndim() != 1 {
        // From flat positions to one row per axis, the last axis first.
        let flat = std::mem::take(&mut found);
        found.resize(mask.ndim() * n, 0);
        for (k, at) in flat.into_iter().enumerate() {
            let mut rest = at as usize;
            for (axis, &size) in mask.shape().iter().enumerate().rev() {
                found[axis * n + k] = (rest % size) as i64;
                rest /= size;
            }
        }
    }
    // SAFETY: integers are plain data.
    let bytes = unsafe { std::slice::from_raw_parts(found.as_ptr().cast::<u8>(), size_of_val(&found[..])) };
    Array::from_bytes(mask.device(), bytes, &[mask.ndim(), n], DType::I64)
}
/// Indices of the nonzero elements, int64 of shape `[ndim, n]`. Reads the count from the device.
pub fn nonzero(a: &Array) -> Result<Array> {
    if a.dtype() == DType::Bool && a.device().is_host() && a.size() <= FEW && !context::tracing() {
        return few_positions(a);
    }
    let n = match count_nonzero(a, None, false)?.item()?.number() {
        Number::Int(n) => n as usize,
        _ => bail!(Runtime, "nonzero: count_nonzero gave no integer"),
    };
    let out = Array::empty_on(a.device(), &[a.ndim(), n], DType::I64)?;
    if out.size() > 0 {
        launch("nonzero", a.device(), &Work::Nonzero, None, &[Arg::Array(a, None)], &[&out])?;
    }
    Ok(out)
}

/// One item of `a[...]`.
#[derive(Clone, Debug)]
pub enum Index {
    /// An integer: the axis disappears.
    Int(i64),
    /// A Python slice; `None` bounds are open.
    Slice(Option<i64>, Option<i64>, Option<i64>),
    /// `None`: a new axis of size 1.
    NewAxis,
    /// `...`
    Ellipsis,
    /// An integer or boolean array.
    Array(Array),
}

macro_rules! index_from {
    ($($t:ty, $r:ident => $e:expr;)*) => {$( impl From<$t> for Index { fn from($r: $t) -> Index { $e } } )*};
}
index_from! {
    i64, i => Index::Int(i);
    i32, i => Index::Int(i as i64);
    std::ops::Range<i64>, r => Index::Slice(Some(r.start), Some(r.end), None);
    std::ops::RangeFrom<i64>, r => Index::Slice(Some(r.start), None, None);
    std::ops::RangeTo<i64>, r => Index::Slice(None, Some(r.end), None);
    std::ops::RangeFull, _r => Index::Slice(None, None, None);
    &Array, a => Index::Array(a.clone());
}
/// A slice with a step, for `index!`: `step(.., -1)` reverses an axis.
pub fn step(slice: impl Into<Index>, by: i64) -> Index {
    match slice.into() {
        Index::Slice(a, b, _) => Index::Slice(a, b, Some(by)),
        other => other,
    }
}
/// `index![1..3, .., -1]`: the items of a NumPy index expression, for `ops::get` and `ops::set`.
#[macro_export]
macro_rules! index {
    ($($item:expr),* $(,)?) => { [$($crate::ops::Index::from($item)),*] };
}

/// What remains of `a[index]` once views are taken: either a view, or a base with leading axes to gather from.
#[expect(clippy::large_enum_variant, reason = "one per call, taken apart where it is made")]
pub enum Selection {
    /// Only integers, slices, new axes: a view of the array.
    View(Array),
    /// Index arrays: `base` has the indexed axes first; the result's index axes belong at `position`.
    Fancy {
        /// View of the array with the indexed axes in front.
        base: Array,
        /// One per leading axis, of one shape.
        indices: Indices,
        /// Where the axes of the index shape go in the result.
        position: usize,
    },
}

/// Python's normalised `slice.indices`: start, step, length.
pub fn slice_indices(
    start: Option<i64>,
    stop: Option<i64>,
    step: Option<i64>,
    n: usize,
) -> Result<(usize, isize, usize)> {
    let (n, step) = (n as i64, step.unwrap_or(1));
    if step == 0 {
        bail!(Value, "slice step cannot be zero");
    }
    let bound = |v: i64, lo: i64, hi: i64| (if v < 0 { v.saturating_add(n) } else { v }).clamp(lo, hi);
    let (lo, hi) = if step > 0 { (0, n) } else { (-1, n - 1) };
    let first = start.map_or(if step > 0 { 0 } else { n - 1 }, |s| bound(s, lo, hi));
    let last = stop.map_or(if step > 0 { n } else { -1 }, |s| bound(s, lo, hi));
    let reach = if step > 0 { last - first } else { first - last };
    let len = if reach > 0 { ((reach - 1) as u64 / step.unsigned_abs()) as usize + 1 } else { 0 };
    Ok((if len > 0 { first as usize } else { 0 }, step as isize, len))
}

/// Resolves a NumPy index expression against an array.
pub fn resolve(a: &Array, items: &[Index]) -> Result<Selection> {
    let consumed: usize = items
        .iter()
        .map(|i| match i {
            Index::Int(_) | Index::Slice(..) => 1,
            Index::Array(m) if m.dtype() == DType::Bool => m.ndim(),
            Index::Array(_) => 1,
            _ => 0,
        })
        .sum();
    if items.iter().filter(|i| matches!(i, Index::Ellipsis)).count() > 1 {
        bail!(Index, "an index can only have a single ellipsis ('...')");
    }
    if consumed > a.ndim() {
        bail!(
            Index,
            "too many indices for array: array is {}-dimensional, but {consumed} were indexed",
            a.ndim()
        );
    }
    let fancy = items.iter().any(|i| matches!(i, Index::Array(_)));
    let mut cut = Cut::new(a.layout());
    // (axis of the view, index) of every index array, and at which items they stand.
    let mut arrays: SmallVec<[(usize, Array); 2]> = SmallVec::new();
    let mut places: SmallVec<[usize; 4]> = SmallVec::new();
    for (at, item) in items.iter().enumerate() {
        match item {
            Index::Int(i) => {
                cut.int(*i)?;
                if fancy {
                    places.push(at);
                }
            }
            Index::Slice(start, stop, step) => {
                let (s, st, len) = slice_indices(*start, *stop, *step, cut.size())?;
                cut.slice(s, st, len);
            }
            Index::NewAxis => cut.new_axis(),
            Index::Ellipsis => cut.keep(a.ndim() - consumed),
            Index::Array(m) if m.dtype() == DType::Bool => {
                places.push(at);
                if m.ndim() == 0 {
                    // A truth value: an axis of size 1 (or 0) that takes part in the broadcast.
                    arrays.push((cut.ndim(), nonzero(&m.expand_dims(0)?)?.view_row(0)));
                    cut.new_axis();
                    continue;
                }
                for k in 0..m.ndim() {
                    let (axis, n) = (cut.axis() + k, a.shape()[cut.axis() + k]);
                    // An axis that selects nothing is not looked at.
                    if m.shape()[k] != n && m.shape()[k] != 0 {
                        bail!(
                            Index,
                            "boolean index did not match indexed array along axis {axis}; size of axis is {n} but size of corresponding boolean axis is {}",
                            m.shape()[k]
                        );
                    }
                }
                let found = nonzero(&m.to_device(a.device())?)?;
                for k in 0..m.ndim() {
                    arrays.push((cut.ndim() + k, found.view_row(k)));
                }
                cut.keep(m.ndim());
            }
            Index::Array(i) => {
                if !i.dtype().is_integer() {
                    bail!(
                        Index,
                        "arrays used as indices must be of integer (or boolean) type, not {}",
                        i.dtype()
                    );
                }
                places.push(at);
                arrays.push((
                    cut.ndim(),
                    if i.dtype() == DType::I64 { i.clone() } else { cast(i, DType::I64)? },
                ));
                cut.keep(1);
            }
        }
    }
    let layout = cut.finish();
    if layout.ndim() > MAX_NDIM {
        bail!(
            Index,
            "number of dimensions must be within [0, {MAX_NDIM}], indexing result would have {}",
            layout.ndim()
        );
    }
    if !fancy {
        return Ok(Selection::View(a.view(layout)));
    }
    // NumPy: index arrays next to each other leave their axes in place, others move them to the front.
    let adjacent = places.windows(2).all(|w| w[1] == w[0] + 1);
    let position = if adjacent { arrays.iter().map(|(x, _)| *x).min().unwrap_or(0) } else { 0 };
    let in_front = arrays.iter().enumerate().all(|(i, (x, _))| i == *x);
    let base = a.view(if in_front {
        layout
    } else {
        let front: SmallVec<[usize; 6]> = arrays.iter().map(|(x, _)| *x).collect();
        let order: SmallVec<[usize; 6]> =
            front.iter().copied().chain((0..layout.ndim()).filter(|i| !front.contains(i))).collect();
        layout.transpose(Some(&order))
    });
    let mut indices = Indices::new();
    for (_, i) in arrays {
        indices.push(if i.device() == a.device() { i } else { i.to_device(a.device())? });
    }
    spread_indices(&mut indices)?;
    Ok(Selection::Fancy { base, indices, position })
}

impl Array {
    /// Row `k` of a two-dimensional array. A view.
    fn view_row(&self, k: usize) -> Array {
        self.view(self.layout().select(0, k))
    }
}

/// The axis order that brings the first `count` axes of an array to `position`.
fn place_axes(ndim: usize, count: usize, position: usize) -> SmallVec<[usize; 6]> {
    let mut rest: SmallVec<[usize; 6]> = (count..ndim).collect();
    rest.insert_many(position, 0..count);
    rest
}
/// `a[key]` for one index array or mask, where that needs no kernel: see `dispatch/pick.rs`.
///
/// # Errors
/// [`ErrorKind::Memory`](crate::ErrorKind::Memory).
pub fn get_small(a: &Array, key: &Array) -> Result<Option<Array>> {
    picked(a, key)
}
/// `a[items]`: a view where NumPy gives one, else a new array.
pub fn get(a: &Array, items: &[Index]) -> Result<Array> {
    if let [Index::Array(key)] = items
        && let Some(r) = picked(a, key)?
    {
        return Ok(r);
    }
    match resolve(a, items)? {
        Selection::View(v) => Ok(v),
        Selection::Fancy { base, indices, position } => {
            let n = indices[0].ndim();
            let r = gather_spread(&base, &indices)?;
            if position == 0 {
                return Ok(r);
            }
            let order = place_axes(r.ndim(), n, position);
            Ok(r.view(r.layout().transpose(Some(&order))))
        }
    }
}
/// Whether the only index is a mask of the array's shape: NumPy gives its places the values in a row, and broadcasts nothing but one value.
fn whole_mask(a: &Array, items: &[Index]) -> bool {
    matches!(items, [Index::Array(m)] if m.dtype() == DType::Bool && m.shape() == a.shape())
}
/// `a[items] = value`.
pub fn set<'a>(a: &Array, items: &[Index], value: impl Into<Operand<'a>>) -> Result<()> {
    let value = value.into();
    let masked = whole_mask(a, items);
    if masked && value.shape().len() > 1 {
        bail!(
            Type,
            "NumPy boolean array indexing assignment requires a 0 or 1-dimensional input, input has {} dimensions",
            value.shape().len()
        );
    }
    if let [Index::Array(key)] = items
        && placed(a, key, &value)?
    {
        return Ok(());
    }
    // One boolean mask of the whole shape and a value that needs no counting: a masked write, without reading the mask.
    if let [Index::Array(m)] = items
        && masked
        && value.shape().iter().product::<usize>() == 1
        && value.shape().len() <= a.ndim()
    {
        return super::assign_where(a, value, m);
    }
    match resolve(a, items)? {
        Selection::View(v) => set_view(&v, value),
        Selection::Fancy { base, indices, position } => {
            let held;
            let value = match value {
                Operand::Array(x) => x,
                Operand::Number(n) => {
                    held = Array::from_scalar_on(a.device(), n.to_scalar(a.dtype())?)?;
                    &held
                }
                Operand::Scalar(s) => {
                    held = Array::from_scalar_on(a.device(), s)?;
                    &held
                }
            };
            if let (true, &[n], &[places]) = (masked, value.shape(), indices[0].shape())
                && n != places
                && n != 1
            {
                bail!(
                    Value,
                    "NumPy boolean array indexing assignment cannot assign {n} input values to the {places} output values where the mask is true"
                );
            }
            scatter_into(&base, &indices, &arrange(value, &base, &indices, position)?, ScatterMode::Set)
        }
    }
}
/// `view[...] = value`: leading axes of size 1 of the value are dropped, as NumPy does.
pub fn set_view<'a>(view: &Array, value: impl Into<Operand<'a>>) -> Result<()> {
    let value = value.into();
    if let Operand::Array(x) = value
        && x.ndim() > view.ndim()
        && x.shape()[..x.ndim() - view.ndim()].iter().all(|&n| n == 1)
    {
        let l = (0..x.ndim() - view.ndim()).fold(x.layout().clone(), |l, _| l.remove_axis(0));
        return super::assign(view, &x.view(l));
    }
    super::assign(view, value)
}
/// Brings the index axes of a value (shaped like the indexing result) to the front.
fn arrange(value: &Array, base: &Array, indices: &[Array], position: usize) -> Result<Array> {
    let n = indices[0].ndim();
    if position == 0 {
        return Ok(value.clone());
    }
    let mut shape: Dims = indices[0].shape().into();
    shape.extend_from_slice(&base.shape()[indices.len()..]);
    let order = place_axes(shape.len(), n, position);
    let result: Dims = order.iter().map(|&i| shape[i]).collect();
    // Leading axes of size 1 that the result does not have are dropped, as NumPy does.
    let extra = value.ndim().saturating_sub(result.len());
    let mut layout = value.layout().clone();
    if value.shape()[..extra].iter().all(|&n| n == 1) {
        layout = (0..extra).fold(layout, |l, _| l.remove_axis(0));
    }
    let Ok(seen) = layout.broadcast_to("setitem", &result) else {
        bail!(
            Value,
            "shape mismatch: value array of shape {} could not be broadcast to indexing result of shape {}",
            show(value.shape()),
            show(&result)
        );
    };
    let mut back: SmallVec<[usize; 6]> = SmallVec::from_elem(0, order.len());
    for (k, &i) in order.iter().enumerate() {
        back[i] = k;
    }
    Ok(value.view(seen.transpose(Some(&back))))
}
/// `ufunc.at(a, items, value)`: combines unbuffered, so that repeated indices count each time.
pub fn combine_at(a: &Array, items: &[Index], value: &Array, prim: crate::expr::Prim) -> Result<()> {
    let (base, indices, position) = match resolve(a, items)? {
        Selection::Fancy { base, indices, position } => (base, indices, position),
        Selection::View(v) => {
            // No repeats are possible: an in-place operation on the view through one dummy index.
            let zero = super::zeros(&[1], DType::I64)?.to_device(a.device())?;
            (v.expand_dims(0)?, SmallVec::from_iter([zero.view(Layout::contiguous(&[1]))]), 0)
        }
    };
    scatter_into(&base, &indices, &arrange(value, &base, &indices, position)?, ScatterMode::Combine(prim))
}
/// `take_along_axis` for indices of the same number of dimensions.
pub fn take_along_axis(a: &Array, indices: &Array, axis: usize) -> Result<Array> {
    let list = along_axis_indices(a, indices, axis)?;
    gather(a, &list)
}
/// Index arrays that address `a` at `indices` along one axis and at the own position along the others.
pub fn along_axis_indices(a: &Array, indices: &Array, axis: usize) -> Result<Vec<Array>> {
    if a.ndim() != indices.ndim() {
        bail!(
            Value,
            "take_along_axis: `indices` and `arr` must have the same number of dimensions, not {} and {}",
            indices.ndim(),
            a.ndim()
        );
    }
    (0..a.ndim())
        .map(|i| {
            if i == axis {
                return Ok(indices.clone());
            }
            let n = a.shape()[i];
            let r = crate::context::with_device(a.device(), || {
                super::ramp(Number::Int(0), Number::Int(1), n, DType::I64)
            })?;
            let mut shape = vec![1isize; a.ndim()];
            shape[i] = n as isize;
            super::reshape(&r, &shape)
        })
        .collect()
}
