//! Linear interpolation between points.

use super::limit::there;
use super::search::{check_list, number_in};
use super::{
    argsort, bitwise_and, call, cast, concatenate, divide, equal, gather, greater, isfinite, isnan, less,
    maximum, minimum, multiply, remainder, searchsorted, select, subtract,
};
use crate::context::{self, QUIET, with_flag};
use crate::op::{OpDef, Operand, Structured};
use crate::{Array, Arrays, Attrs, DType, Meta, Metas, Number, Result, Target, bail, operation};
use num_complex::Complex64;
use smallvec::smallvec;

/// Attributes of an interpolation: the values outside of the points, where they are not those of the ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ends {
    /// Bits of the real and the imaginary part.
    left: Option<[u64; 2]>,
    right: Option<[u64; 2]>,
}
impl Ends {
    fn new(left: Option<Number>, right: Option<Number>) -> Ends {
        let bits = |n: Number| {
            let z = match n {
                Number::Complex(z) => z,
                n => Complex64::new(n.to_f64(), 0.0),
            };
            [z.re.to_bits(), z.im.to_bits()]
        };
        Ends { left: left.map(bits), right: right.map(bits) }
    }
    /// Real and imaginary part of the value on the left.
    pub fn left(&self) -> Option<[f64; 2]> {
        self.left.map(|z| z.map(f64::from_bits))
    }
    /// The same on the right.
    pub fn right(&self) -> Option<[f64; 2]> {
        self.right.map(|z| z.map(f64::from_bits))
    }
}

/// Inputs: the places, and the points: their places, which ascend, and their values.
struct Interp;
impl Structured for Interp {
    type Attrs = Ends;
    const DECOMPOSES: bool = true;

    fn input_dtype(&self, _: &Ends, inputs: &[Operand], i: usize) -> Option<DType> {
        Some(if i == 2 && inputs[2].dtype().is_complex() { DType::C128 } else { DType::F64 })
    }
    fn infer(&self, _: &'static OpDef, _: &Ends, inputs: &[&Array]) -> Result<Metas> {
        let (x, xp, fp) = (inputs[0], inputs[1], inputs[2]);
        check_list(fp)?;
        check_list(xp)?;
        if xp.size() == 0 {
            bail!(Value, "array of sample points is empty");
        }
        if xp.size() != fp.size() {
            bail!(Value, "fp and xp are not of the same length.");
        }
        Ok(Meta::one(x.shape(), fp.dtype()))
    }
    fn decompose(&self, _: &'static OpDef, ends: &Ends, inputs: &[&Array]) -> Result<Arrays> {
        let (x, xp, fp) = (inputs[0], inputs[1], inputs[2]);
        let n = xp.size();
        let point = |a: &Array, i: usize| a.view(a.layout().select(0, i));
        let inside = match n {
            1 => point(fp, 0),
            _ => between(x, xp, fp)?,
        };
        let outside = |end: Option<[f64; 2]>, i: usize| -> Result<Array> {
            let Some([re, im]) = end else { return Ok(point(fp, i)) };
            let number = if fp.dtype().is_complex() {
                Number::Complex(Complex64::new(re, im))
            } else {
                Number::Float(re)
            };
            Array::from_scalar_on(fp.device(), number.to_scalar(fp.dtype())?)
        };
        let y = select(&greater(x, &point(xp, n - 1))?, &outside(ends.right(), n - 1)?, &inside)?;
        Ok(smallvec![select(&less(x, &point(xp, 0))?, &outside(ends.left(), 0)?, &y)?])
    }
}
operation!(pub INTERP: "interp", 3 => 1, Interp, &[(0.5, 3.0), (0.5, 3.0), (-3.0, 3.0)], "Values between points, on straight lines.");

/// Values on the lines between two points and more: computed from the point on the left, and where that is no number, from the one on the
/// right, as NumPy does it.
fn between(x: &Array, xp: &Array, fp: &Array) -> Result<Array> {
    let count = searchsorted(xp, x, true, None)?;
    // The line that begins at the last point not behind, or the last line.
    let j = maximum(&minimum(&subtract(&count, 1)?, xp.size() as i64 - 2)?, 0)?;
    let next = super::add(&j, 1)?;
    let at = |a: &Array, i: &Array| gather(a, std::slice::from_ref(i));
    let (x0, x1, f0, f1) = (at(xp, &j)?, at(xp, &next)?, at(fp, &j)?, at(fp, &next)?);
    let (rise, run) = (subtract(&f1, &f0)?, subtract(&x1, &x0)?);
    // Nothing times an infinite slope or distance would be the gradient of what is not chosen below.
    let recorded = context::flags() & context::RECORDING != 0;
    let run = if recorded { select(&equal(&run, 0)?, 1.0, &run)? } else { run };
    let distance = |place: &Array| -> Result<Array> {
        let d = subtract(x, place)?;
        if recorded { select(&isfinite(&d)?, &d, 0.0) } else { Ok(d) }
    };
    let slope =
        if fp.dtype().is_complex() { multiply(&rise, &divide(1.0, &run)?)? } else { divide(&rise, &run)? };
    let from = |place: &Array, value: &Array| super::add(&multiply(&slope, &distance(place)?)?, value);
    let y = from(&x0, &f0)?;
    let lost = isnan(&y)?;
    // At a point itself its value, whatever the slope.
    let again = from(&x1, &f1)?;
    let flat = bitwise_and(&isnan(&again)?, &equal(&f0, &f1)?)?;
    let again = select(&equal(x, &x0)?, &f0, &select(&flat, &f0, &again)?)?;
    let y = select(&lost, &again, &y)?;
    let y = select(&equal(x, &x1)?, &f1, &y)?;
    select(&isnan(x)?, x, &y)
}

/// Values at the places `x` on the straight lines between points, of which `xp` are the places, ascending, and `fp` the values; outside of
/// them `left` and `right`, or the values of the first and the last point. With a `period` places are the same that lie so far apart, and
/// there is no outside. float64, or complex128 where `fp` is complex, of the shape of `x`.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for no points, as many places as there are not values, other numbers of axes than one, a
/// period of 0; [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for complex places and complex ends of real values.
pub fn interp<'a>(
    x: impl Into<Operand<'a>>,
    xp: &Array,
    fp: &Array,
    left: Option<Number>,
    right: Option<Number>,
    period: Option<Number>,
) -> Result<Array> {
    let x = x.into();
    let complex = |n: Option<Number>| matches!(n, Some(Number::Complex(_)));
    if x.dtype().is_complex() || xp.dtype().is_complex() {
        bail!(NotNative, "interp: complex places");
    }
    if complex(period) || (complex(left) || complex(right)) && !fp.dtype().is_complex() {
        bail!(NotNative, "interp: complex ends or period");
    }
    let held;
    let x = match x.array() {
        Some(x) => x,
        None => {
            held = number_in(x, DType::F64, xp)?;
            &held
        }
    };
    let run = |x: &Array, xp: &Array, fp: &Array, ends: Ends| {
        // NumPy tells of no exceptions here.
        let inputs = [x.into(), xp.into(), fp.into()];
        with_flag(QUIET, || call(&INTERP, Attrs::of(&ends), &inputs, None, Target::New))
    };
    let Some(period) = period else { return run(x, xp, fp, Ends::new(left, right)) };
    let period = period.to_f64().abs();
    if period == 0.0 {
        bail!(Value, "period must be a non-zero value");
    }
    if xp.ndim() != 1 || fp.ndim() != 1 {
        bail!(Value, "Data points must be 1-D sequences");
    }
    if xp.size() != fp.size() {
        bail!(Value, "fp and xp are not of the same length");
    }
    let n = xp.size();
    if n == 0 {
        bail!(Value, "array of sample points is empty");
    }
    let within = |a: &Array| remainder(&cast(a, DType::F64)?, period);
    let (x, xp) = (within(x)?, within(xp)?);
    let order = [argsort(&xp, Some(0))?];
    let (xp, fp) = (gather(&xp, &order)?, gather(fp, &order)?);
    let (first, last) = (|a: &Array| a.slice(0, 0, 1, 1), |a: &Array| a.slice(0, n - 1, 1, 1));
    let round = [subtract(&last(&xp), period)?, xp.clone(), super::add(&first(&xp), period)?];
    run(
        &x,
        &concatenate(&round, 0, None)?,
        &concatenate(&[last(&fp), fp.clone(), first(&fp)], 0, None)?,
        Ends::new(None, None),
    )
}

crate::functions! {
    /// Values between points, on straight lines.
    interp(x: Operand, xp: Array, fp: Array, left: Number = None, right: Number = None, period: Number = None)
        -> Values, cases ["f[6], a[4], n[4]", "f[2,3], a[4], c[4]", "1.5, a[3], n[3]", "f[5], a[2], n[2], left=-1, right=7.5", "n[5], a[1], f[1]", "n[6], f[4], n[4], period=1.7"]
        => interp(there(x)?, xp, fp, left, right, period);
}
