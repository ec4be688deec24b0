//! Elements by number and numbers of elements: choose, resize, flat and many-dimensional positions, grids of positions.

use super::select::Outside;
use super::{
    any, bitwise_or, call, cast, copy, equal, greater_equal, less, nonzero, ramp, reshape, stack,
    take_along_axis, tile,
};
use crate::layout::{Dims, broadcast_shapes, count, show};
use crate::op::{OpDef, Operand, Structured};
use crate::{Array, Attrs, DType, Meta, Metas, Number, Result, Target, bail, context, memory, operation};
use smallvec::SmallVec;

/// What positions outside of an axis mean to a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Beyond {
    /// An error.
    Raise,
    /// They go round.
    Wrap,
    /// They stop at the ends.
    Clip,
}
impl Beyond {
    fn parse(word: &str) -> Beyond {
        match word {
            "wrap" => Beyond::Wrap,
            "clip" => Beyond::Clip,
            _ => Beyond::Raise,
        }
    }
}
/// Attributes of positions of two axes made one. A length of 0: what stands for that axis is right already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Paired {
    /// Their lengths.
    pub lengths: [i64; 2],
    /// What is done about positions outside.
    pub beyond: Beyond,
}
/// Inputs: positions along two axes.
struct Ravel;
impl Structured for Ravel {
    type Attrs = Paired;

    fn input_dtype(&self, _: &Paired, _: &[Operand], _: usize) -> Option<DType> {
        Some(DType::I64)
    }
    fn infer(&self, _: &'static OpDef, _: &Paired, inputs: &[&Array]) -> Result<Metas> {
        Ok(Meta::one(inputs[0].shape(), DType::I64))
    }
}
operation!(pub RAVEL_PAIR: "ravel_pair", 2 => 1, Ravel, &[(-3.0, 3.0), (-3.0, 3.0)], constant "Positions of two axes as positions of one.");

/// Attributes of flat positions taken apart: the lengths of the axes in the order of their steps, the longest step first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lengths(pub SmallVec<[i64; 4]>);
struct Unravel;
impl Structured for Unravel {
    type Attrs = Lengths;

    fn input_dtype(&self, _: &Lengths, _: &[Operand], _: usize) -> Option<DType> {
        Some(DType::I64)
    }
    fn infer(&self, op: &'static OpDef, lengths: &Lengths, inputs: &[&Array]) -> Result<Metas> {
        let mut shape: Dims = Dims::new();
        shape.push(lengths.0.len());
        shape.extend_from_slice(inputs[0].shape());
        count(op.name, &shape)?;
        Ok(Meta::one(shape, DType::I64))
    }
}
operation!(pub UNRAVEL: "unravel", 1 => 1, Unravel, &[(-3.0, 3.0)], constant "Flat positions as positions along axes, which are in front.");

/// Attributes of bits in bytes: the axis, how many there are along it in the result, and whether the first is the lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bits {
    /// The axis.
    pub axis: usize,
    /// The length of the axis in the result.
    pub length: usize,
    /// The first bit is the lowest one.
    pub little: bool,
}
struct Bytes {
    unpack: bool,
}
impl Structured for Bytes {
    type Attrs = Bits;

    fn input_dtype(&self, _: &Bits, inputs: &[Operand], _: usize) -> Option<DType> {
        // Whatever is not zero is a bit.
        (!self.unpack && inputs[0].dtype() != DType::Bool).then_some(DType::Bool)
    }
    fn infer(&self, op: &'static OpDef, bits: &Bits, inputs: &[&Array]) -> Result<Metas> {
        let mut shape: Dims = inputs[0].shape().into();
        shape[bits.axis] = bits.length;
        count(op.name, &shape)?;
        Ok(Meta::one(shape, DType::U8))
    }
    fn lower(&self, op: &'static OpDef, bits: &Bits, inputs: &[&Array], outs: &[&Array]) -> Result<()> {
        use crate::value::attributes::Attributes;
        let out = outs[0];
        if out.size() == 0 {
            return Ok(());
        }
        let l = super::scan::axis_last(inputs[0].layout(), bits.axis);
        let o = out.view(super::scan::axis_last(out.layout(), bits.axis));
        let work = crate::kernel::Work::Custom(bits.shared());
        crate::dispatch::launch(
            op.name,
            out.device(),
            &work,
            None,
            &[crate::dispatch::Arg::Array(inputs[0], Some(&l))],
            &[&o],
        )
    }
}
operation!(pub PACKBITS: "packbits", 1 => 1, Bytes { unpack: false }, &[(-3.0, 3.0)], constant "Truth values as bits of bytes.");
operation!(pub UNPACKBITS: "unpackbits", 1 => 1, Bytes { unpack: true }, &[(-3.0, 3.0)], constant "Bits of bytes.");

fn flat_or(name: &str, a: &Array, axis: Option<isize>) -> Result<(Array, usize)> {
    match axis {
        None => Ok((reshape(a, &[-1])?, 0)),
        Some(_) if a.ndim() == 0 => bail!(NotNative, "{name}: of a number"),
        Some(axis) => Ok((a.clone(), crate::layout::normalize_axis(name, axis, a.ndim())?)),
    }
}
/// Elements that are not zero as bits of bytes, eight of them along an axis (`None`: flattened) in each; the last ones are filled with 0.
///
/// # Errors
/// [`ErrorKind::Type`](crate::ErrorKind::Type) for what is neither integer nor truth value, [`ErrorKind::Axis`](crate::ErrorKind::Axis).
pub fn packbits(a: &Array, axis: Option<isize>, little: bool) -> Result<Array> {
    if a.dtype().is_inexact() {
        bail!(Type, "Expected an input array of integer or boolean data type");
    }
    let (a, axis) = flat_or("packbits", a, axis)?;
    if a.size() == 0 {
        bail!(NotNative, "packbits: of nothing");
    }
    let bits = Bits { axis, length: a.shape()[axis].div_ceil(8), little };
    call(&PACKBITS, Attrs::of(&bits), &[Operand::Array(&a)], None, Target::New)
}
/// The bits of bytes along an axis (`None`: flattened), as 0 and 1 in uint8: `number` of them, filled with 0; negative: all but so many.
///
/// # Errors
/// [`ErrorKind::Type`](crate::ErrorKind::Type) for other dtypes than uint8, [`ErrorKind::Value`](crate::ErrorKind::Value) for more bits left
/// out than there are, [`ErrorKind::Axis`](crate::ErrorKind::Axis).
pub fn unpackbits(a: &Array, axis: Option<isize>, number: Option<isize>, little: bool) -> Result<Array> {
    if a.dtype() != DType::U8 {
        bail!(Type, "Expected an input array of unsigned byte data type");
    }
    let (a, axis) = flat_or("unpackbits", a, axis)?;
    if a.size() == 0 {
        bail!(NotNative, "unpackbits: of nothing");
    }
    let all = 8 * a.shape()[axis] as isize;
    let length = match number {
        None => all,
        Some(n) if n < 0 && -n > all => {
            bail!(Value, "-count={} larger than number of elements", -n)
        }
        Some(n) if n < 0 => all + n,
        Some(n) => n,
    };
    if a.size() == 1 && a.ndim() == 1 && is_plain(&a) && length <= 8 {
        let byte = integer(&a)?;
        let bits: [u8; 8] = std::array::from_fn(|i| (byte >> if little { i } else { 7 - i } & 1) as u8);
        return Array::from_slice(&bits[..length as usize], &[length as usize])?.to_device(a.device());
    }
    let bits = Bits { axis, length: length as usize, little };
    call(&UNPACKBITS, Attrs::of(&bits), &[Operand::Array(&a)], None, Target::New)
}

/// The elements of the arrays that the integers of an array name, one by one.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for no arrays and numbers of none; [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for what is
/// no integer, and while a graph is traced.
pub fn choose(a: &Array, choices: &[&Array], outside: Outside, out: Option<&Array>) -> Result<Array> {
    if !(a.dtype().is_integer() || a.dtype() == DType::Bool) || a.dtype() == DType::U64 || context::tracing()
    {
        bail!(NotNative, "choose: by {}", a.dtype());
    }
    let n = choices.len();
    if n == 0 || n > 32 {
        bail!(NotNative, "choose: among {n} arrays");
    }
    let mut dtype = choices[0].dtype();
    let mut shape: Dims = a.shape().into();
    for c in choices {
        dtype = DType::promote(dtype, c.dtype());
        shape = match broadcast_shapes("choose", &[&shape, c.shape()]) {
            Ok(shape) => shape,
            Err(e) => bail!(NotNative, "{}", e.message()),
        };
    }
    if out.is_some_and(|out| out.shape() != &shape[..]) {
        bail!(Type, "choose: invalid shape for output array.");
    }
    let numbers = cast(a, DType::I64)?;
    let numbers = if a.size() == 0 { numbers } else { outside.settle(&numbers, n)? };
    if outside == Outside::Raise && a.size() > 0 {
        let wrong = bitwise_or(&less(&numbers, 0)?, &greater_equal(&numbers, n as i64)?)?;
        if any(&wrong, None, false)?.to_f64()? != 0.0 {
            bail!(Value, "invalid entry in choice array");
        }
    }
    let part = |c: &Array| cast(&c.to_device(a.device())?, dtype)?.broadcast_to(&shape);
    if n > 8 {
        let all = stack(&choices.iter().map(|c| part(c)).collect::<Result<Vec<_>>>()?, 0)?;
        let numbers = numbers.broadcast_to(&shape)?.expand_dims(0)?;
        let found = take_along_axis(&all, &numbers, 0)?;
        return Ok(found.view(found.layout().select(0, 0)));
    }
    let mut r = part(choices[n - 1])?;
    for (k, c) in choices[..n - 1].iter().enumerate().rev() {
        r = super::select(&equal(&numbers, k as i64)?, &part(c)?, &r)?;
    }
    if n == 1 { copy(&r) } else { Ok(r) }
}

/// A new array of another shape with the elements of the flattened array, again and again where there are too few.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for negative lengths.
pub fn resize(a: &Array, shape: &[isize]) -> Result<Array> {
    if shape.iter().any(|n| *n < 0) {
        bail!(Value, "all elements of `new_shape` must be non-negative");
    }
    let to: Dims = shape.iter().map(|&n| n as usize).collect();
    let size = count("resize", &to)?;
    let x = reshape(a, &[-1])?;
    if x.size() == 0 || size == 0 {
        return context::with_device(a.device(), || super::zeros(&to, a.dtype()));
    }
    let often = size.div_ceil(x.size());
    let r = if often == 1 {
        copy(&x.slice(0, 0, 1, size))?
    } else {
        tile(&x, &[often as isize])?.slice(0, 0, 1, size)
    };
    reshape(&r, shape)
}

/// Whether a number of an array can be read, and nobody looks on. A kernel for one number would take longer than the work.
fn is_plain(a: &Array) -> bool {
    a.device().is_host() && context::flags() == 0
}
fn integer(a: &Array) -> Result<i64> {
    match a.item()?.number() {
        Number::Int(i) => Ok(i as i64),
        _ => bail!(Type, "only int indices permitted"),
    }
}
fn ravel_one(positions: &[&Array], dims: &[usize], beyond: Beyond, fortran: bool) -> Result<Array> {
    let mut flat = 0i64;
    for k in 0..dims.len() {
        let k = if fortran { dims.len() - 1 - k } else { k };
        let (i, n) = (integer(positions[k])?, dims[k] as i64);
        let i = match beyond {
            Beyond::Wrap => i.rem_euclid(n),
            Beyond::Clip => i.clamp(0, n - 1),
            Beyond::Raise if (0..n).contains(&i) => i,
            Beyond::Raise => bail!(Value, "invalid entry in coordinates array"),
        };
        flat = flat * n + i;
    }
    Array::from_slice(&[flat], positions[0].shape())?.to_device(positions[0].device())
}
fn unravel_one(position: &Array, lengths: &[i64], fortran: bool) -> Result<Vec<Array>> {
    let (flat, size) = (integer(position)?, lengths.iter().product::<i64>());
    if !(0..size).contains(&flat) {
        bail!(Value, "index {flat} is out of bounds for array with size {size}");
    }
    let (mut left, mut all) = (flat, Vec::new());
    for &n in lengths.iter().rev() {
        all.push(Array::from_slice(&[left % n], position.shape())?.to_device(position.device())?);
        left /= n;
    }
    if !fortran {
        all.reverse();
    }
    Ok(all)
}

/// Positions along axes of the lengths `dims` as positions in the flattened array, in int64.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for positions outside and for another number of arrays than of axes,
/// [`ErrorKind::Type`](crate::ErrorKind::Type) for what is no integer.
pub fn ravel_multi_index(
    positions: &[&Array],
    dims: &[usize],
    beyond: Beyond,
    fortran: bool,
) -> Result<Array> {
    if positions.len() != dims.len() {
        bail!(Value, "parameter multi_index must be a sequence of length {}", dims.len());
    }
    if positions.is_empty() || dims.contains(&0) {
        bail!(NotNative, "ravel_multi_index: of no axes, or of one without a length");
    }
    if positions.iter().any(|p| p.size() == 0) {
        bail!(NotNative, "ravel_multi_index: of nothing");
    }
    if positions.iter().any(|p| p.dtype().is_inexact()) {
        bail!(Type, "only int indices permitted");
    }
    if positions.iter().any(|p| p.dtype() == DType::U64 || p.dtype() == DType::Bool) {
        bail!(NotNative, "ravel_multi_index: of {}", positions[0].dtype());
    }
    if dims.iter().try_fold(1isize, |all, &n| all.checked_mul(n as isize)).is_none() {
        bail!(Value, "invalid dims: array size defined by dims is larger than the maximum possible size.");
    }
    let device = positions[0].device();
    if let [p, ..] = positions
        && positions.iter().all(|q| q.size() == 1 && q.shape() == p.shape() && is_plain(q))
    {
        return ravel_one(positions, dims, beyond, fortran);
    }
    let shapes: Vec<&[usize]> = positions.iter().map(|p| p.shape()).collect();
    let shape = match broadcast_shapes("ravel_multi_index", &shapes) {
        Ok(shape) => shape,
        Err(e) => bail!(NotNative, "{}", e.message()),
    };
    let mut all: Vec<(Array, i64)> = Vec::new();
    for (p, &n) in positions.iter().zip(dims) {
        all.push((p.to_device(device)?.broadcast_to(&shape)?, n as i64));
    }
    if fortran {
        all.reverse();
    }
    if all.len() == 1 {
        let none = context::with_device(device, || super::zeros(&[], DType::I64))?.broadcast_to(&shape)?;
        all.insert(0, (none, 1));
    }
    let (mut r, mut before) = (all[0].0.clone(), all[0].1);
    for (p, n) in &all[1..] {
        let pair = Paired { lengths: [before, *n], beyond };
        r = call(&RAVEL_PAIR, Attrs::of(&pair), &[Operand::Array(&r), Operand::Array(p)], None, Target::New)?;
        before = 0;
    }
    Ok(r)
}
/// Positions in a flattened array as positions along its axes, one array for each, in int64.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for positions outside, [`ErrorKind::Type`](crate::ErrorKind::Type) for what is no integer.
pub fn unravel_index(positions: &Array, dims: &[usize], fortran: bool) -> Result<Vec<Array>> {
    if positions.ndim() == 0 || positions.size() == 0 {
        bail!(NotNative, "unravel_index: of a number, or of nothing");
    }
    if positions.dtype().is_inexact() {
        bail!(Type, "only int indices permitted");
    }
    if dims.is_empty() || dims.contains(&0) || matches!(positions.dtype(), DType::U64 | DType::Bool) {
        bail!(NotNative, "unravel_index: of {} in {}", positions.dtype(), show(dims));
    }
    if dims.iter().try_fold(1isize, |all, &n| all.checked_mul(n as isize)).is_none() {
        bail!(
            Value,
            "dimensions are too large; arrays and shapes with a total size greater than 'intp' are not supported."
        );
    }
    let mut lengths: SmallVec<[i64; 4]> = dims.iter().map(|&n| n as i64).collect();
    if fortran {
        lengths.reverse();
    }
    if positions.size() == 1 && is_plain(positions) {
        return unravel_one(positions, &lengths, fortran);
    }
    let all = call(&UNRAVEL, Attrs::of(&Lengths(lengths)), &[Operand::Array(positions)], None, Target::New)?;
    let mut rows: Vec<Array> =
        memory::collected((0..dims.len()).map(|k| all.view(all.layout().select(0, k))))?;
    if fortran {
        rows.reverse();
    }
    Ok(rows)
}

/// Arrays of one axis as arrays of as many axes as there are of them, each along an axis of its own; masks as positions.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for other numbers of axes than one.
pub fn ix_(arrays: &[&Array]) -> Result<Vec<Array>> {
    let nd = arrays.len();
    let mut all: Vec<Array> = Vec::new();
    for (k, a) in arrays.iter().enumerate() {
        if a.ndim() != 1 {
            bail!(Value, "Cross index must be 1 dimensional");
        }
        let a = match a.dtype() {
            DType::Bool => {
                if context::tracing() {
                    bail!(NotNative, "ix_: of a mask that nobody knows yet");
                }
                let found = nonzero(a)?;
                found.view(found.layout().select(0, 0))
            }
            // A list becomes integers then, and an array stays what it is.
            d if a.size() == 0 && !d.is_integer() => bail!(NotNative, "ix_: of nothing"),
            _ => (*a).clone(),
        };
        let mut shape: Vec<isize> = vec![1; nd];
        shape[k] = a.size() as isize;
        all.push(reshape(&a, &shape)?);
    }
    Ok(all)
}
/// The positions along each axis of a grid: one array of all of them, a row for each axis; `sparse`: one array for each axis, of length 1
/// along the others.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for negative lengths.
pub fn indices(dims: &[isize], dtype: Option<DType>, sparse: bool) -> Result<Vec<Array>> {
    if dims.iter().any(|n| *n < 0) {
        bail!(Value, "negative dimensions are not allowed");
    }
    let dtype = dtype.unwrap_or(DType::I64);
    if dtype == DType::Bool || dims.is_empty() {
        bail!(NotNative, "indices: in {dtype}, of {} axes", dims.len());
    }
    let along = |k: usize| -> Result<Array> {
        let row = ramp(Number::Int(0), Number::Int(1), dims[k] as usize, dtype)?;
        let mut shape: Vec<isize> = vec![1; dims.len()];
        shape[k] = dims[k];
        reshape(&row, &shape)
    };
    if sparse {
        return (0..dims.len()).map(along).collect();
    }
    let mut shape: Vec<usize> = vec![dims.len()];
    shape.extend(dims.iter().map(|&n| n as usize));
    count("indices", &shape)?;
    let all = Array::empty(&shape, dtype)?;
    for k in 0..dims.len() {
        super::assign(&all.view(all.layout().select(0, k)), &along(k)?)?;
    }
    Ok(vec![all])
}

/// Lengths of axes; of negative ones NumPy has its own opinion.
fn lengths(dims: &[isize]) -> Result<Dims> {
    dims.iter()
        .map(|&n| match usize::try_from(n) {
            Ok(n) => Ok(n),
            Err(_) => bail!(NotNative, "ravel_multi_index: negative dims"),
        })
        .collect()
}
fn one(mut all: Vec<Array>) -> crate::function::Made {
    match all.pop() {
        Some(only) => crate::function::Made::One(only),
        None => crate::function::Made::Nothing,
    }
}
crate::functions! {
    /// Elements of the arrays that integers name, one by one.
    choose(a: Array, choices: Joined, out: Out = None, mode: Choice("raise", "wrap", "clip") = Some("raise"))
        -> Values, method, by_values, apart [a], cases ["b[4], (f[4], n[4])", "i[3,4], (f[3,4], n[4], f[3,1]), mode='clip'", "i[4], (n[4], n[4]), mode='wrap'"]
        => choose(a, &choices, Outside::parse(mode), out);
    /// A new array of another shape with the elements of the flattened array, again and again where there are too few.
    resize(a: Array, new_shape: NewShape) -> Array, cases ["n[5], (2, 3)", "f[2,3], 4", "i[3], (2, 5)", "f[0], (2, 2)"]
        => resize(a, new_shape);
    /// Positions along axes as positions in the flattened array.
    ravel_multi_index(multi_index: Arrays, dims: NewShape, mode: Choice("raise", "wrap", "clip") = Some("raise"), order: Choice("C", "F") = Some("C"))
        -> Values, constant, cases ["(k[5], k[5]), (7, 8)", "(k[2,3], k[3], k[2,1]), (7, 8, 9), order='F'", "(i[5], i[5]), (3, 2), mode='wrap'", "(i[5], i[5]), (3, 2), mode='clip'", "(k[4],), 9"]
        => ravel_multi_index(&multi_index, &lengths(dims)?, Beyond::parse(mode), order == "F");
    /// Positions in the flattened array as positions along axes.
    unravel_index(indices: Array, shape: Shape, order: Choice("C", "F") = Some("C"))
        -> Tuple, constant, cases ["k[5], (3, 4)", "k[2,3], (2, 2, 2), order='F'", "k[4], 9"]
        => unravel_index(indices, &shape, order == "F");
    /// Arrays of one axis, each along an axis of its own: what they name together is a grid.
    ix_(*args: Each) -> Tuple, by_values, cases ["i[3], k[2]", "f[2], b[3], i[1]"]
        => ix_(&args);
    /// The positions along each axis of a grid.
    indices(dimensions: List, dtype: DType = None, sparse: Flag = false) -> Array, constant, cases ["(2, 3)", "(1, 3), dtype=float32", "(2, 0, 2)"]
        => if sparse { indices(dimensions.unwrap_or(&[]), dtype, true).map(crate::function::Made::Many) } else { indices(dimensions.unwrap_or(&[]), dtype, false).map(one) };
    /// Truth values, or what is not zero, as the bits of bytes.
    packbits(a: Array, /, axis: Axis = None, bitorder: Choice("big", "little") = Some("big"))
        -> Array, constant, cases ["b[19]", "i[3,10], axis=1", "k[9,2], axis=0, bitorder='little'", "b[2,9]"]
        => packbits(a, axis, bitorder == "little");
    /// The bits of bytes.
    unpackbits(a: Array, /, axis: Axis = None, count: OptionalInt = None, bitorder: Choice("big", "little") = Some("big"))
        -> Array, constant, cases ["u[5]", "u[2,3], axis=0", "u[3], count=10", "u[3], count=30, bitorder='little'", "u[2,2], axis=1, count=-3"]
        => unpackbits(a, axis, count, bitorder == "little");
}
