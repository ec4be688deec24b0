//! Discrete Fourier transforms (`np.fft`): along one axis or several, of complex and of real numbers, and what their frequencies are.
//!
//! Three operations along one axis: `FFT` of what is real or complex, `RFFT` of what is real (the half that tells the other), `IRFFT` of such a half.
//! Everything else is made of them. Kernels are found by the names of the operations (`minpy-cpu/src/spectra/`); a device without them asks
//! the host.

use super::{arange, call, conjugate, multiply, roll};
use crate::layout::normalize_axis;
use crate::op::{OpDef, Operand, Structured};
use crate::{Array, Attrs, DType, Meta, Metas, Result, Target, bail, operation};
use smallvec::SmallVec;

/// What a transform divides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scale {
    /// Nothing.
    One,
    /// The number of points.
    Points,
    /// The root of that.
    Root,
}

/// Attributes of a transform along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Transform {
    /// The axis.
    pub axis: usize,
    /// How many points are transformed: of more, those in front; of less, zeros follow.
    pub points: usize,
    /// The sign of the exponent: `exp(2 pi i j k / points)`, not `exp(-2 pi i j k / points)`. A half of a spectrum is always of the latter, and
    /// `IRFFT` always goes back.
    pub backward: bool,
    /// What is divided by.
    pub scale: Scale,
    /// The factor is one of half precision, as NumPy computes it for float16.
    pub half: bool,
}

/// Where transforms divide, by NumPy's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// The inverse by the number of points.
    Backward,
    /// Both by its root.
    Ortho,
    /// Not the inverse, but the transform itself.
    Forward,
}
impl Norm {
    fn named(word: &str) -> Norm {
        match word {
            "ortho" => Norm::Ortho,
            "forward" => Norm::Forward,
            _ => Norm::Backward,
        }
    }
    fn swapped(self) -> Norm {
        match self {
            Norm::Backward => Norm::Forward,
            Norm::Ortho => Norm::Ortho,
            Norm::Forward => Norm::Backward,
        }
    }
    fn scale(self, inverse: bool) -> Scale {
        match (self, inverse) {
            (Norm::Ortho, _) => Scale::Root,
            (Norm::Backward, true) | (Norm::Forward, false) => Scale::Points,
            _ => Scale::One,
        }
    }
}

/// The dtype that a transform reads: single precision stays, half becomes it, and what is no floating-point number becomes double.
fn read(d: DType) -> DType {
    match d {
        DType::F16 | DType::F32 => DType::F32,
        DType::C64 | DType::C128 => d,
        _ => DType::F64,
    }
}
fn complex(d: DType) -> DType {
    match d {
        DType::F32 | DType::C64 => DType::C64,
        _ => DType::C128,
    }
}
/// One of the three operations.
enum Which {
    Whole,
    ToHalf,
    FromHalf,
}
impl Structured for Which {
    type Attrs = Transform;

    fn input_dtype(&self, _: &Transform, inputs: &[Operand], _: usize) -> Option<DType> {
        let d = read(inputs[0].dtype());
        Some(if let Which::FromHalf = self { complex(d) } else { d })
    }
    fn infer(&self, op: &'static OpDef, t: &Transform, inputs: &[&Array]) -> Result<Metas> {
        let a = inputs[0];
        if t.points == 0 {
            bail!(Value, "Invalid number of FFT data points (0) specified.");
        }
        if let (Which::ToHalf, true) = (self, a.dtype().is_complex()) {
            bail!(
                Type,
                "{}: of {} numbers; there is a half only of a spectrum of real ones",
                op.name,
                a.dtype()
            );
        }
        let mut shape: crate::layout::Dims = a.shape().into();
        let (points, dtype) = match self {
            Which::Whole => (t.points, complex(a.dtype())),
            Which::ToHalf => (t.points / 2 + 1, complex(a.dtype())),
            Which::FromHalf => (t.points, a.dtype().real()),
        };
        shape[t.axis] = points;
        crate::layout::count(op.name, &shape)?;
        Ok(Meta::one(shape, dtype))
    }
}
operation!(pub FFT: "fft", 1 => 1, Which::Whole, &[(-3.0, 3.0)], "The discrete Fourier transform along an axis, or its inverse.");
operation!(pub RFFT: "rfft", 1 => 1, Which::ToHalf, &[(-3.0, 3.0)], "The transform of real numbers: the frequencies that are not negative.");
operation!(pub IRFFT: "irfft", 1 => 1, Which::FromHalf, &[(-3.0, 3.0)], "The real numbers of which that is the transform.");

/// One transform along one axis, as an operation says it.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for no points, [`ErrorKind::Type`](crate::ErrorKind::Type) for complex numbers where real ones are
/// transformed.
pub fn transform(op: &'static OpDef, a: &Array, t: Transform) -> Result<Array> {
    call(op, Attrs::of(&t), &[Operand::Array(a)], None, Target::New)
}

/// Where a transform goes, and what it is one of.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Forward,
    Inverse,
    ToHalf,
    FromHalf,
}
fn along(a: &Array, n: Option<isize>, axis: isize, norm: Norm, way: Way) -> Result<Array> {
    let at = match n {
        // NumPy looks at the length of the axis first.
        None if axis >= a.ndim() as isize || axis < -(a.ndim() as isize) => {
            bail!(Index, "tuple index out of range")
        }
        _ => normalize_axis("fft", axis, a.ndim()),
    };
    let points = match (n, &at) {
        (Some(n), _) => n,
        (None, Ok(at)) if way == Way::FromHalf => (a.shape()[*at] as isize - 1) * 2,
        (None, Ok(at)) => a.shape()[*at] as isize,
        (None, Err(_)) => 0,
    };
    let Ok(points @ 1..) = usize::try_from(points) else {
        bail!(Value, "Invalid number of FFT data points ({points}) specified.");
    };
    let (op, inverse) = match way {
        Way::Forward => (&FFT, false),
        Way::Inverse => (&FFT, true),
        Way::ToHalf => (&RFFT, false),
        Way::FromHalf => (&IRFFT, true),
    };
    let (scale, half) = (norm.scale(inverse), a.dtype() == DType::F16);
    let r = transform(op, a, Transform { axis: at?, points, backward: inverse, scale, half })?;
    if half && way == Way::FromHalf { super::cast(&r, DType::F16) } else { Ok(r) }
}

/// The discrete Fourier transform along an axis: `y[k] = sum over j of a[j] exp(-2 pi i j k / n)`, of the first `n` elements, or of all and zeros up
/// to `n`; complex64 of float16, float32 and complex64, else complex128.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for `n` below 1, [`ErrorKind::Axis`](crate::ErrorKind::Axis) or
/// [`ErrorKind::Index`](crate::ErrorKind::Index) for an axis that the array does not have.
pub fn fft(a: &Array, n: Option<isize>, axis: isize, norm: Norm) -> Result<Array> {
    along(a, n, axis, norm, Way::Forward)
}
/// The inverse of [`fft`]: the sum with `exp(2 pi i j k / n)`, divided by `n`.
///
/// # Errors
/// As [`fft`].
pub fn ifft(a: &Array, n: Option<isize>, axis: isize, norm: Norm) -> Result<Array> {
    along(a, n, axis, norm, Way::Inverse)
}
/// The `n / 2 + 1` frequencies that are not negative of the [`fft`] of real numbers: the others are their conjugates.
///
/// # Errors
/// As [`fft`]; [`ErrorKind::Type`](crate::ErrorKind::Type) for complex numbers.
pub fn rfft(a: &Array, n: Option<isize>, axis: isize, norm: Norm) -> Result<Array> {
    along(a, n, axis, norm, Way::ToHalf)
}
/// The inverse of [`rfft`]: `n` real numbers, twice as many as there are frequencies beside 0 when it is not said; in the real
/// dtype of the argument. The imaginary parts of
/// frequency 0, and for even `n` of the last one, do not count.
///
/// # Errors
/// As [`fft`].
pub fn irfft(a: &Array, n: Option<isize>, axis: isize, norm: Norm) -> Result<Array> {
    along(a, n, axis, norm, Way::FromHalf)
}
fn conjugated(a: &Array) -> Result<Array> {
    if a.dtype().is_complex() { conjugate(a) } else { Ok(a.clone()) }
}
/// The real spectrum of a signal of which `a` is the half that is not negative in time, the other half its conjugate.
///
/// # Errors
/// As [`fft`].
pub fn hfft(a: &Array, n: Option<isize>, axis: isize, norm: Norm) -> Result<Array> {
    irfft(&conjugated(a)?, n, axis, norm.swapped())
}
/// The inverse of [`hfft`].
///
/// # Errors
/// As [`rfft`].
pub fn ihfft(a: &Array, n: Option<isize>, axis: isize, norm: Norm) -> Result<Array> {
    conjugate(&rfft(a, n, axis, norm.swapped())?)
}

type Steps = SmallVec<[(Option<isize>, isize); 4]>;
/// Numbers of points and axes, one each: all axes, as they are, when nothing is said.
fn steps(name: &str, a: &Array, s: Option<&[isize]>, axes: Option<&[isize]>) -> Result<Steps> {
    let all: SmallVec<[isize; 6]> = match (axes, s) {
        (Some(axes), _) => axes.into(),
        (None, None) => (0..a.ndim() as isize).collect(),
        // NumPy warns that this will mean something else.
        (None, Some(_)) => bail!(NotNative, "{name}: s= without axes="),
    };
    if all.is_empty() {
        bail!(NotNative, "{name}: along no axes");
    }
    match s {
        None => {
            // NumPy looks at the lengths of all axes first.
            let n = a.ndim() as isize;
            if all.iter().any(|&axis| axis >= n || axis < -n) {
                bail!(NotNative, "{name}: an axis that is not there");
            }
            Ok(all.iter().map(|&axis| (None, axis)).collect())
        }
        Some(s) if s.len() != all.len() => bail!(Value, "Shape and axes have different lengths."),
        Some(s) => Ok(s.iter().zip(&all).map(|(&n, &axis)| ((n != -1).then_some(n), axis)).collect()),
    }
}
fn each(a: &Array, steps: &[(Option<isize>, isize)], norm: Norm, way: Way) -> Result<Array> {
    let mut r = a.clone();
    for &(n, axis) in steps {
        r = along(&r, n, axis, norm, way)?;
    }
    Ok(r)
}
/// NumPy puts what each step gives into `out`, which has to have its shape.
fn stepwise(out: Option<&Array>, steps: &[(Option<isize>, isize)], half: bool, a: &Array) -> Result<()> {
    let Some(out) = out else { return Ok(()) };
    let whole = steps.iter().rev().skip(half as usize);
    let fits = |&(_, axis): &(Option<isize>, isize)| {
        normalize_axis("fft", axis, a.ndim()).is_ok_and(|at| out.shape().get(at) == a.shape().get(at))
    };
    match whole.clone().count() + half as usize > 1 && !whole.clone().skip((!half) as usize).all(fits) {
        true => bail!(NotNative, "fft: out= of several steps that change the shape"),
        false => Ok(()),
    }
}
/// [`fft`] along several axes, the last first; `s` are their numbers of points (-1: as many as there are), all axes when none are named.
///
/// # Errors
/// As [`fft`]; [`ErrorKind::Value`](crate::ErrorKind::Value) for lists of different lengths, [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for no
/// axes, and for numbers of points without axes.
pub fn fftn(a: &Array, s: Option<&[isize]>, axes: Option<&[isize]>, norm: Norm) -> Result<Array> {
    let mut steps = steps("fftn", a, s, axes)?;
    steps.reverse();
    each(a, &steps, norm, Way::Forward)
}
/// [`ifft`] along several axes; the arguments are those of [`fftn`].
///
/// # Errors
/// As [`fftn`].
pub fn ifftn(a: &Array, s: Option<&[isize]>, axes: Option<&[isize]>, norm: Norm) -> Result<Array> {
    let mut steps = steps("ifftn", a, s, axes)?;
    steps.reverse();
    each(a, &steps, norm, Way::Inverse)
}
/// [`rfft`] along the last of several axes, and [`fft`] along the others; the arguments are those of [`fftn`].
///
/// # Errors
/// As [`fftn`] and [`rfft`].
pub fn rfftn(a: &Array, s: Option<&[isize]>, axes: Option<&[isize]>, norm: Norm) -> Result<Array> {
    let mut steps = steps("rfftn", a, s, axes)?;
    steps.reverse();
    let half = each(a, &steps[..1], norm, Way::ToHalf)?;
    each(&half, &steps[1..], norm, Way::Forward)
}
/// The inverse of [`rfftn`]: [`ifft`] along all axes but the last, and [`irfft`] along that.
///
/// # Errors
/// As [`fftn`].
pub fn irfftn(a: &Array, s: Option<&[isize]>, axes: Option<&[isize]>, norm: Norm) -> Result<Array> {
    let steps = steps("irfftn", a, s, axes)?;
    let (others, last) = steps.split_at(steps.len() - 1);
    each(&each(a, others, norm, Way::Inverse)?, last, norm, Way::FromHalf)
}

/// Elements shifted by half of each axis.
fn shifted(x: &Array, axes: Option<&[isize]>, back: bool) -> Result<Array> {
    if x.ndim() == 0 && axes.is_none() {
        bail!(NotNative, "fftshift: of no axes");
    }
    let all: SmallVec<[isize; 6]> = axes.map_or_else(|| (0..x.ndim() as isize).collect(), |axes| axes.into());
    let mut shifts: SmallVec<[isize; 6]> = SmallVec::new();
    for &axis in &all {
        let Ok(at) = normalize_axis("fftshift", axis, x.ndim()) else {
            bail!(Index, "tuple index out of range")
        };
        let half = (x.shape()[at] / 2) as isize;
        shifts.push(if back { -half } else { half });
    }
    roll(x, &shifts, Some(&all))
}
/// Frequency 0 moved to the middle of each axis, all when none are named.
///
/// # Errors
/// [`ErrorKind::Index`](crate::ErrorKind::Index) for an axis that the array does not have, [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for
/// an array without axes.
pub fn fftshift(x: &Array, axes: Option<&[isize]>) -> Result<Array> {
    shifted(x, axes, false)
}
/// The inverse of [`fftshift`].
///
/// # Errors
/// As [`fftshift`].
pub fn ifftshift(x: &Array, axes: Option<&[isize]>) -> Result<Array> {
    shifted(x, axes, true)
}
/// The frequencies of the elements of an [`fft`] of `n` points that lie `d` apart: `0, 1, ..., -2, -1` over `n d`, or only those not negative.
fn frequencies(n: isize, d: f64, half: bool) -> Result<Array> {
    if n < 1 || d == 0.0 {
        bail!(NotNative, "frequencies of no points");
    }
    let step = 1.0 / (n as f64 * d);
    if half {
        return multiply(&arange(0, (n / 2 + 1) as i64, 1, DType::I64)?, step);
    }
    let above = arange(0, ((n - 1) / 2 + 1) as i64, 1, DType::I64)?;
    let below = arange(-((n / 2) as i64), 0, 1, DType::I64)?;
    multiply(&super::concatenate(&[above, below], 0, None)?, step)
}
/// The frequencies of the elements of an [`fft`] of `n` points that lie `d` apart, in cycles per unit of `d`.
///
/// # Errors
/// [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for no points, and for a distance of 0.
pub fn fftfreq(n: isize, d: f64) -> Result<Array> {
    frequencies(n, d, false)
}
/// The same of an [`rfft`].
///
/// # Errors
/// As [`fftfreq`].
pub fn rfftfreq(n: isize, d: f64) -> Result<Array> {
    frequencies(n, d, true)
}
/// Elements of a half of a spectrum of `points` that stand for two of the whole: 2; the others: 1. As a row along `axis` of `ndim`.
pub fn multiplicities(like: &Array, points: usize, axis: usize) -> Result<Array> {
    let n = points / 2 + 1;
    let mut list = crate::memory::list(n)?;
    list.extend((0..n).map(|k| if k == 0 || 2 * k == points { 1.0 } else { 2.0 }));
    let row = Array::from_slice(&list, &[n])?.to_device(like.device())?;
    let mut shape: SmallVec<[isize; 6]> = SmallVec::from_elem(1, like.ndim());
    shape[axis] = n as isize;
    super::cast(&super::reshape(&row, &shape)?, like.dtype().real())
}

crate::functions! {
    /// The discrete Fourier transform along an axis.
    fft(a: Array, n: OptionalInt = None, axis: Int = -1, norm: Choice("backward", "ortho", "forward") = None, out: Out = None)
        -> Array, module [fft], cases ["c[5]", "f[2,6]", "c[3,4], axis=0", "n[5], n=3", "c[3], n=8, norm='ortho'", "i[4], norm='forward'"]
        => fft(a, n, axis, Norm::named(norm));
    /// The inverse of the discrete Fourier transform along an axis.
    ifft(a: Array, n: OptionalInt = None, axis: Int = -1, norm: Choice("backward", "ortho", "forward") = None, out: Out = None)
        -> Array, module [fft], cases ["c[5]", "f[2,6]", "c[3,4], axis=0", "n[5], n=3", "c[3], n=8, norm='ortho'", "i[4], norm='forward'"]
        => ifft(a, n, axis, Norm::named(norm));
    /// The transform of real numbers: the frequencies that are not negative.
    rfft(a: Array, n: OptionalInt = None, axis: Int = -1, norm: Choice("backward", "ortho", "forward") = None, out: Out = None)
        -> Array, module [fft], cases ["n[5]", "f[2,6]", "n[3,4], axis=0", "n[5], n=3", "f[3], n=8, norm='ortho'", "i[4], norm='forward'"]
        => rfft(a, n, axis, Norm::named(norm));
    /// The real numbers of which that is the transform.
    irfft(a: Array, n: OptionalInt = None, axis: Int = -1, norm: Choice("backward", "ortho", "forward") = None, out: Out = None)
        -> Array, module [fft], cases ["c[4]", "f[2,3]", "c[3,4], axis=0", "c[5], n=3", "c[3], n=9, norm='ortho'", "i[4], norm='forward'"]
        => irfft(a, n, axis, Norm::named(norm));
    /// The real spectrum of a signal whose other half, before time 0, is the conjugate of this one.
    hfft(a: Array, n: OptionalInt = None, axis: Int = -1, norm: Choice("backward", "ortho", "forward") = None, out: Out = None)
        -> Array, module [fft], cases ["c[4]", "f[2,3]", "c[3,4], axis=0", "c[3], n=5, norm='ortho'"]
        => hfft(a, n, axis, Norm::named(norm));
    /// The half of a signal, from time 0 on, that has a real spectrum.
    ihfft(a: Array, n: OptionalInt = None, axis: Int = -1, norm: Choice("backward", "ortho", "forward") = None, out: Out = None)
        -> Array, module [fft], cases ["n[5]", "f[2,6]", "n[3,4], axis=0", "n[5], n=3, norm='forward'"]
        => ihfft(a, n, axis, Norm::named(norm));
    /// The discrete Fourier transform along two axes.
    fft2(a: Array, s: List = None, axes: List = Some(&[-2, -1]), norm: Choice("backward", "ortho", "forward") = None, out: Out = None)
        -> Array, module [fft], cases ["c[3,4]", "n[2,3,4]", "c[3,4], s=(3, 5)", "f[3,4,2], axes=(1, 0), norm='ortho'"]
        => {
            stepwise(out, &steps("fftn", a, s, axes)?, false, a)?;
            fftn(a, s, axes, Norm::named(norm))
        };
    /// The inverse of the discrete Fourier transform along two axes.
    ifft2(a: Array, s: List = None, axes: List = Some(&[-2, -1]), norm: Choice("backward", "ortho", "forward") = None, out: Out = None)
        -> Array, module [fft], cases ["c[3,4]", "n[2,3,4]", "c[3,4], s=(3, 5)", "f[3,4,2], axes=(1, 0), norm='ortho'"]
        => {
            stepwise(out, &steps("ifftn", a, s, axes)?, false, a)?;
            ifftn(a, s, axes, Norm::named(norm))
        };
    /// The discrete Fourier transform along several axes.
    fftn(a: Array, s: List = None, axes: List = None, norm: Choice("backward", "ortho", "forward") = None, out: Out = None)
        -> Array, module [fft], cases ["c[3,4]", "n[2,3,4]", "c[3,4], s=(3, 5), axes=(0, 1)", "f[3,4,2], axes=(2, 0), norm='ortho'"]
        => {
            stepwise(out, &steps("fftn", a, s, axes)?, false, a)?;
            fftn(a, s, axes, Norm::named(norm))
        };
    /// The inverse of the discrete Fourier transform along several axes.
    ifftn(a: Array, s: List = None, axes: List = None, norm: Choice("backward", "ortho", "forward") = None, out: Out = None)
        -> Array, module [fft], cases ["c[3,4]", "n[2,3,4]", "c[3,4], s=(3, 5), axes=(0, 1)", "f[3,4,2], axes=(2, 0), norm='ortho'"]
        => {
            stepwise(out, &steps("ifftn", a, s, axes)?, false, a)?;
            ifftn(a, s, axes, Norm::named(norm))
        };
    /// The transform of real numbers along two axes: along the last one the frequencies that are not negative.
    rfft2(a: Array, s: List = None, axes: List = Some(&[-2, -1]), norm: Choice("backward", "ortho", "forward") = None, out: Out = None)
        -> Array, module [fft], cases ["n[3,4]", "f[2,3,5]", "n[3,4], s=(3, 5)"]
        => {
            stepwise(out, &steps("rfftn", a, s, axes)?, true, a)?;
            rfftn(a, s, axes, Norm::named(norm))
        };
    /// The real numbers of which that is the transform along two axes.
    irfft2(a: Array, s: List = None, axes: List = Some(&[-2, -1]), norm: Choice("backward", "ortho", "forward") = None, out: Out = None)
        -> Array, module [fft], cases ["c[3,4]", "c[2,3,3]", "c[3,4], s=(2, 5)"]
        => irfftn(a, s, axes, Norm::named(norm));
    /// The transform of real numbers along several axes: along the last one the frequencies that are not negative.
    rfftn(a: Array, s: List = None, axes: List = None, norm: Choice("backward", "ortho", "forward") = None, out: Out = None)
        -> Array, module [fft], cases ["n[3,4]", "f[2,3,5]", "n[3,4], s=(3, 5), axes=(0, 1)", "n[4,3], axes=(1, 0), norm='forward'"]
        => {
            stepwise(out, &steps("rfftn", a, s, axes)?, true, a)?;
            rfftn(a, s, axes, Norm::named(norm))
        };
    /// The real numbers of which that is the transform along several axes.
    irfftn(a: Array, s: List = None, axes: List = None, norm: Choice("backward", "ortho", "forward") = None, out: Out = None)
        -> Array, module [fft], cases ["c[3,4]", "c[2,3,3]", "c[3,4], s=(2, 5), axes=(0, 1)", "c[4,3], axes=(1, 0), norm='forward'"]
        => irfftn(a, s, axes, Norm::named(norm));
    /// Frequency 0 moved to the middle.
    fftshift(x: Array, axes: OneOrList = None) -> Array, module [fft], cases ["f[5]", "n[4,3]", "c[2,5], axes=1", "i[3,4], axes=(0, -1)"]
        => fftshift(x, axes);
    /// Frequency 0 moved from the middle to the front.
    ifftshift(x: Array, axes: OneOrList = None) -> Array, module [fft], cases ["f[5]", "n[4,3]", "c[2,5], axes=1", "i[3,4], axes=(0, -1)"]
        => ifftshift(x, axes);
    /// The frequencies of a transform of `n` points that lie `d` apart.
    fftfreq(n: PlainInt, d: Real = 1.0, device: Foreign = None) -> Array, module [fft], cases ["8", "7, d=0.5", "1"] => fftfreq(n, d);
    /// The frequencies of a transform of `n` real points that lie `d` apart.
    rfftfreq(n: PlainInt, d: Real = 1.0, device: Foreign = None) -> Array, module [fft], cases ["8", "7, d=0.5", "1"] => rfftfreq(n, d);
}
