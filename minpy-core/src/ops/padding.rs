//! Arrays grown at the ends of their axes: pad.
//!
//! The result is allocated once, the array written into its middle, and one axis after the other the ends are written from what is there
//! already: corners are ends of ends. All of it goes through writes into views, so that gradients flow as through these.

use super::creation::fortran;
use super::{
    add, arange, assign, cast, divide, flip, floor, max, mean, median, min, multiply, reshape, rint, subtract,
};
use crate::context::with_device;
use crate::function::Widths;
use crate::layout::{Dims, check_ndim};
use crate::op::Operand;
use crate::{Array, DType, Number, Result, bail};
use smallvec::SmallVec;

/// What the ends hold.
#[derive(Clone, Copy, Debug)]
pub enum Padding<'a> {
    /// Nothing that is set.
    Empty,
    /// A value; or one for each axis and end, by the rules of widths. `None`: 0.
    Constant(Option<Operand<'a>>),
    /// A ramp from the last element to such a value.
    Ramp(Option<Operand<'a>>),
    /// The last element.
    Edge,
    /// What lies before the end, mirrored: with the last element (`symmetric`) or without it; `odd`: at the last element too.
    Mirror {
        /// Whether the last element comes twice.
        edge: bool,
        /// Whether the values are mirrored at the last element.
        odd: bool,
    },
    /// What lies at the other end, as if the axis were a circle.
    Wrap,
    /// A statistic of the axis, or of so many elements at that end: its name.
    Statistic(&'a str, Option<Widths<'a>>),
}

/// A value for each end, in the dtype that the array has in the end.
enum Values {
    One(Number),
    Of(Array, usize),
}
impl Values {
    fn new(a: &Array, value: Option<Operand>) -> Result<Values> {
        let dtype = a.dtype();
        let array = match value {
            None => return Ok(Values::One(Number::Int(0))),
            Some(Operand::Number(n)) => {
                let fits = n.to_scalar(dtype).is_ok() && (dtype.is_inexact() || matches!(n, Number::Int(_)));
                if !fits || matches!(n, Number::Complex(_)) && !dtype.is_complex() {
                    bail!(NotNative, "pad: a value that {dtype} does not hold");
                }
                return Ok(Values::One(n));
            }
            Some(Operand::Scalar(s)) => Array::from_scalar_on(a.device(), s)?,
            Some(Operand::Array(v)) => v.clone(),
        };
        if !array.dtype().can_cast_same_kind(dtype) {
            bail!(NotNative, "pad: values of dtype {} in {dtype}", array.dtype());
        }
        let n = a.ndim();
        let (shape, size) = (array.shape(), array.size());
        let flat = |a: &Array| reshape(a, &[-1]);
        Ok(match shape {
            _ if size == 1 => Values::Of(flat(&array)?, 1),
            _ if size == 2 && shape != [2, 1] => Values::Of(flat(&array)?, 2),
            [rows, 1] if *rows == n => Values::Of(array, 3),
            [rows, 2] if *rows == n => Values::Of(array, 4),
            _ => bail!(NotNative, "pad: values of another shape"),
        })
    }
    /// The value of an axis at its beginning (0) or its end (1), without dimensions.
    fn at(&self, axis: usize, end: usize) -> Result<Held> {
        let pick = |a: &Array, i: usize| a.view(a.layout().select(0, i));
        Ok(match self {
            Values::One(n) => Held::Number(*n),
            Values::Of(a, 1) => Held::Array(pick(a, 0)),
            Values::Of(a, 2) => Held::Array(pick(a, end)),
            Values::Of(a, 3) => Held::Array(pick(&pick(a, axis), 0)),
            Values::Of(a, _) => Held::Array(pick(&pick(a, axis), end)),
        })
    }
}
enum Held {
    Number(Number),
    Array(Array),
}
impl Held {
    fn operand(&self) -> Operand<'_> {
        match self {
            Held::Number(n) => Operand::Number(*n),
            Held::Array(a) => Operand::Array(a),
        }
    }
}

/// One axis of the array that grows: a view in which the later axes have not grown yet.
struct Line<'a> {
    a: &'a Array,
    axis: usize,
    /// Widths that are still to be filled, and the length between them.
    before: usize,
    length: usize,
    after: usize,
}
impl Line<'_> {
    fn part(&self, start: usize, n: usize) -> Array {
        self.a.slice(self.axis, start, 1, n)
    }
    fn first(&self) -> Array {
        self.part(self.before, 1)
    }
    fn last(&self) -> Array {
        self.part(self.before + self.length - 1, 1)
    }
    /// `n` elements directly before the filled ones, and those directly behind.
    fn ends(&self, n: usize, m: usize) -> (Array, Array) {
        (self.part(self.before - n, n), self.part(self.before + self.length, m))
    }
    /// Both ends, from two arrays that are broadcast.
    fn write(&self, left: Operand, right: Operand) -> Result<()> {
        let (first, last) = self.ends(self.before, self.after);
        if self.before > 0 {
            assign(&first, left)?;
        }
        if self.after > 0 {
            assign(&last, right)?;
        }
        Ok(())
    }
    fn filled(&mut self, n: usize, m: usize) {
        self.before -= n;
        self.after -= m;
        self.length += n + m;
    }
    /// Values from `to` up to the element next to the end, which is not among them.
    fn ramp(&self, edge: &Array, to: Operand, n: usize) -> Result<Array> {
        let dtype = self.a.dtype();
        let mut shape: SmallVec<[isize; 6]> = SmallVec::from_elem(1, self.a.ndim());
        shape[self.axis] = -1;
        let steps = with_device(self.a.device(), || arange(0i64, n as i64, 1i64, DType::F64))?;
        let distance = subtract(&cast(edge, DType::promote(dtype, DType::F64))?, to)?;
        let values = add(&multiply(&reshape(&steps, &shape)?, &divide(&distance, n as f64)?)?, to)?;
        if dtype.is_integer() { floor(&values) } else { Ok(values) }
    }
    fn mirror(&mut self, original: usize, edge: bool, odd: bool) -> Result<()> {
        if original == 1 {
            return self.write(Operand::Array(&self.first()), Operand::Array(&self.last()));
        }
        while self.before > 0 || self.after > 0 {
            // Whole periods of what is there.
            let (reach, skip) = match edge {
                true => (self.length / original * original, 0),
                false => ((self.length - 1) / (original - 1) * (original - 1), 1),
            };
            let (n, m) = (reach.min(self.before), reach.min(self.after));
            let (left, right) = self.ends(n, m);
            // A write into the left end does not reach what the right end mirrors.
            for (target, chunk, turn, n) in [
                (left, self.part(self.before + skip, n), self.first(), n),
                (right, self.part(self.before + self.length - skip - m, m), self.last(), m),
            ] {
                if n == 0 {
                    continue;
                }
                let chunk = flip(&chunk, Some(&[self.axis as isize]))?;
                match odd {
                    true => assign(&target, &subtract(&multiply(2, &turn)?, &chunk)?)?,
                    false => assign(&target, &chunk)?,
                }
            }
            self.filled(n, m);
        }
        Ok(())
    }
    fn wrap(&mut self, original: usize) -> Result<()> {
        while self.before > 0 || self.after > 0 {
            let period = self.length / original * original;
            let (n, m) = (period.min(self.before), period.min(self.after));
            let (left, right) = self.ends(n, m);
            if n > 0 {
                assign(&left, &self.part(self.before + period - n, n))?;
            }
            if m > 0 {
                assign(&right, &self.part(self.before + self.length - period, m))?;
            }
            self.filled(n, m);
        }
        Ok(())
    }
    fn statistic(&self, name: &str, (left, right): (usize, usize)) -> Result<()> {
        let axes = [self.axis as isize];
        let of = |part: &Array| {
            let r = match name {
                "maximum" => max(part, Some(&axes), true),
                "minimum" => min(part, Some(&axes), true),
                "mean" => mean(part, Some(&axes), true, None),
                _ => median(part, Some(&axes), true),
            }?;
            if self.a.dtype().is_integer() && r.dtype().is_inexact() { rint(&r) } else { Ok(r) }
        };
        let n = self.length;
        let first = of(&self.part(self.before, left))?;
        if left == n && right == n {
            return self.write(Operand::Array(&first), Operand::Array(&first));
        }
        let last = of(&self.part(self.before + n - right, right))?;
        self.write(Operand::Array(&first), Operand::Array(&last))
    }
}

/// The array with so many elements more at the beginning and at the end of each axis.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for negative widths, and for axes of length 0 that only a constant can fill;
/// [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for widths and values that do not fit the axes.
pub fn pad(a: &Array, widths: Widths, padding: Padding) -> Result<Array> {
    let widths = widths.pairs("pad", a.ndim())?;
    check_ndim("pad", a.ndim())?;
    let mut shape = Dims::new();
    for (&n, &(before, after)) in a.shape().iter().zip(&widths) {
        match n.checked_add(before).and_then(|n| n.checked_add(after)) {
            Some(n) => shape.push(n),
            None => bail!(NotNative, "pad: too many elements"),
        }
    }
    let values = match padding {
        Padding::Constant(v) | Padding::Ramp(v) => Some(Values::new(a, v)?),
        _ => None,
    };
    let lengths = match padding {
        Padding::Statistic(_, Some(lengths)) => Some(lengths.pairs("pad", a.ndim())?),
        _ => None,
    };
    let moved = matches!(padding, Padding::Ramp(_) | Padding::Mirror { odd: true, .. })
        || matches!(padding, Padding::Statistic("mean" | "median", _));
    if moved && a.dtype() == DType::Bool
        || matches!(padding, Padding::Statistic(..)) && a.dtype().is_complex()
    {
        bail!(NotNative, "pad: of dtype {} in this mode", a.dtype());
    }
    if lengths.iter().flatten().any(|&(before, after)| before == 0 || after == 0)
        && matches!(padding, Padding::Statistic("maximum" | "minimum", _))
    {
        bail!(Value, "stat_length of 0 yields no value for padding");
    }
    let out = Array::empty_on(a.device(), &shape, a.dtype())?;
    let out = if is_fortran(a) { fortran(&out) } else { out };
    let inner =
        |from: usize| (from..a.ndim()).fold(out.clone(), |v, i| v.slice(i, widths[i].0, 1, a.shape()[i]));
    assign(&inner(0), a)?;
    let any = !matches!(padding, Padding::Empty | Padding::Constant(_));
    for (axis, &(before, after)) in widths.iter().enumerate() {
        if any && a.size() == 0 {
            if a.shape()[axis] == 0 && (before, after) != (0, 0) {
                bail!(Value, "can't extend empty axis {axis} using modes other than 'constant' or 'empty'");
            }
            continue;
        }
        if (before, after) == (0, 0) {
            continue;
        }
        let original = a.shape()[axis];
        let mut line = Line { a: &inner(axis + 1), axis, before, length: original, after };
        match padding {
            Padding::Empty => {}
            Padding::Constant(_) => {
                let Some(values) = &values else { continue };
                line.write(values.at(axis, 0)?.operand(), values.at(axis, 1)?.operand())?;
            }
            Padding::Ramp(_) => {
                let Some(values) = &values else { continue };
                let left = line.ramp(&line.first(), values.at(axis, 0)?.operand(), before.max(1))?;
                let right = line.ramp(&line.last(), values.at(axis, 1)?.operand(), after.max(1))?;
                let right = flip(&right, Some(&[axis as isize]))?;
                line.write(Operand::Array(&left), Operand::Array(&right))?;
            }
            Padding::Edge => line.write(Operand::Array(&line.first()), Operand::Array(&line.last()))?,
            Padding::Mirror { edge, odd } => line.mirror(original, edge, odd)?,
            Padding::Wrap => line.wrap(original)?,
            Padding::Statistic(name, _) => {
                let (left, right) = lengths.as_ref().map_or((original, original), |l| l[axis]);
                let (left, right) = (left.min(original), right.min(original));
                if left == 0 || right == 0 {
                    bail!(NotNative, "pad: stat_length of 0");
                }
                line.statistic(name, (left, right))?;
            }
        }
    }
    Ok(out)
}
/// Whether it lies in Fortran's order, and not in C's as well.
fn is_fortran(a: &Array) -> bool {
    a.ndim() > 1 && !a.layout().is_contiguous() && a.t().layout().is_contiguous()
}

crate::functions! {
    /// An array grown at the ends of its axes.
    pad(array: Array, pad_width: Widths, mode: Choice("constant", "edge", "linear_ramp", "maximum", "mean", "median", "minimum", "reflect", "symmetric", "wrap", "empty") = Some("constant"),
        **kwargs [constant_values: Operand = None, end_values: Operand = None, stat_length: OptionalWidths = None, reflect_type: Choice("even", "odd") = None])
        -> Array, cases ["f[4], 2", "n[2,3], (1, 2)", "n[2,3], ((1, 2), (0, 3)), constant_values=7.0", "i[3], (2, 1), constant_values=i[2]", "f[2,3], 1, constant_values=f[2,2]",
            "n[2,3], ((1, 2), (3, 0)), mode='edge'", "n[3,4], 2, mode='reflect'", "n[3], (7, 5), mode='reflect'", "n[3,2], (4, 1), mode='symmetric'", "n[4], 3, mode='reflect', reflect_type='odd'",
            "n[2,3], (5, 4), mode='symmetric', reflect_type='odd'", "n[1,2], 2, mode='reflect'", "n[3,2], (4, 7), mode='wrap'", "f[4], (3, 2), mode='linear_ramp'",
            "n[2,3], 2, mode='linear_ramp', end_values=1.5", "i[4], (2, 3), mode='linear_ramp', end_values=5", "n[3,4], 1, mode='maximum'", "n[3,4], (1, 2), mode='minimum', stat_length=2",
            "n[4], 2, mode='mean', stat_length=(1, 3)", "i[5], 2, mode='mean'", "n[5], 1, mode='median'", "c[2,2], 1", "b[3], 1, mode='edge'"]
        => {
            let constants = constant_values.is_some();
            let (ends, lengths, reflected) = (end_values.is_some(), stat_length.is_some(), !reflect_type.is_empty());
            let given = [constants, ends, lengths, reflected];
            let (padding, own) = match mode {
                "constant" => (Padding::Constant(constant_values), [true, false, false, false]),
                "linear_ramp" => (Padding::Ramp(end_values), [false, true, false, false]),
                "edge" => (Padding::Edge, [false; 4]),
                "wrap" => (Padding::Wrap, [false; 4]),
                "empty" => (Padding::Empty, [false; 4]),
                "reflect" | "symmetric" => (Padding::Mirror { edge: mode == "symmetric", odd: reflect_type == "odd" }, [false, false, false, true]),
                name => (Padding::Statistic(name, stat_length), [false, false, true, false]),
            };
            if given.iter().zip(own).any(|(&given, own)| given && !own) {
                bail!(NotNative, "pad: a keyword that its mode does not have");
            }
            pad(array, pad_width, padding)
        };
}
