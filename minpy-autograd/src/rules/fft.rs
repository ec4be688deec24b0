//! Rules of Fourier transforms: linear maps, so that forward they are themselves. The matrix of a transform is its own transpose; beside it stand
//! what cuts off or pads the axis, and for halves of spectra how often each frequency counts.

use crate::rule::Saves;
use crate::rules;
use minpy_core::ops::*;
use minpy_core::{Array, Result};
use smallvec::SmallVec;

/// The axis cut off, or padded with zeros.
fn fitted(a: &Array, axis: usize, n: usize) -> Result<Array> {
    let have = a.shape()[axis];
    if n <= have {
        return Ok(if n == have { a.clone() } else { a.slice(axis, 0, 1, n) });
    }
    let mut shape: SmallVec<[usize; 6]> = a.shape().into();
    shape[axis] = n - have;
    let rest = minpy_core::context::with_device(a.device(), || zeros(&shape, a.dtype()))?;
    concatenate(&[a.clone(), rest], axis as isize, None)
}
fn whole(s: &Saves, g: &Array) -> Result<Array> {
    let (t, input) = (*s.attrs::<Transform>()?, s.meta(0));
    let r = fitted(&transform(&FFT, g, t)?, t.axis, input.layout.shape()[t.axis])?;
    if input.dtype.is_complex() { Ok(r) } else { part(&r, false) }
}
/// Half a spectrum of gradients is one whose other half is zero.
fn to_half(s: &Saves, g: &Array) -> Result<Array> {
    let t = *s.attrs::<Transform>()?;
    let r = transform(&FFT, g, t)?;
    part(&fitted(&r, t.axis, s.shape(0)[t.axis])?, false)
}
fn from_half(s: &Saves, g: &Array) -> Result<Array> {
    let t = *s.attrs::<Transform>()?;
    // Of real numbers, going forward with the other sign is the conjugate.
    let g = if g.dtype().is_complex() { part(g, false)? } else { g.clone() };
    let half = conjugate(&transform(&RFFT, &g, Transform { backward: false, ..t })?)?;
    let each = multiplicities(&half, t.points, t.axis)?;
    fitted(&multiply(&half, &each)?, t.axis, s.shape(0)[t.axis])
}
fn again(op: &'static minpy_core::OpDef, s: &Saves, t: &Array) -> Result<Array> {
    transform(op, t, *s.attrs()?)
}
/// Tangents of real numbers are real.
fn real_again(s: &Saves, t: &Array) -> Result<Array> {
    let t = if t.dtype().is_complex() { part(t, false)? } else { t.clone() };
    again(&RFFT, s, &t)
}

rules! {
    FFT: [] |s, g| whole(s, g), ~ |s, t| again(&FFT, s, t) ;;
    RFFT: [] |s, g| to_half(s, g), ~ |s, t| real_again(s, t) ;;
    IRFFT: [] |s, g| from_half(s, g), ~ |s, t| again(&IRFFT, s, t) ;;
}
