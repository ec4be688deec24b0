//! Sums of products of a sequence with another one that is shifted along it: correlate, convolve.

use super::search::check_list;
use super::{call, concatenate, conjugate, matmul, zeros};
use crate::context::{QUIET, with_flag};
use crate::layout::Layout;
use crate::op::{OpDef, Operand, Structured};
use crate::{Array, Arrays, Attrs, DType, Meta, Metas, Result, Target, bail, context, operation};
use smallvec::smallvec;

/// Attributes of `CORRELATE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shifts {
    /// How far the second sequence begins before the first one, at the first result.
    pub lead: isize,
    /// Number of results.
    pub len: usize,
}

/// `out[n] = sum over k of a[n + k - lead] * v[k]`, where `a` is 0 outside: so its derivatives, with respect to either, are of the same kind.
struct Correlate;
impl Structured for Correlate {
    type Attrs = Shifts;
    const DECOMPOSES: bool = true;

    fn input_dtype(&self, _: &Shifts, inputs: &[Operand], _: usize) -> Option<DType> {
        Some(DType::promote(inputs[0].dtype(), inputs[1].dtype()))
    }
    fn infer(&self, _: &'static OpDef, shifts: &Shifts, inputs: &[&Array]) -> Result<Metas> {
        check_list(inputs[0])?;
        check_list(inputs[1])?;
        Ok(Meta::one([shifts.len].as_slice(), inputs[0].dtype()))
    }
    /// The sequence between zeros, seen through a window that moves on, times the other one.
    fn decompose(&self, _: &'static OpDef, shifts: &Shifts, inputs: &[&Array]) -> Result<Arrays> {
        let (a, v) = (inputs[0], inputs[1]);
        let (n, k) = (a.size() as isize, v.size() as isize);
        // The places of `a` that are looked at.
        let (from, to) = (-shifts.lead, shifts.len as isize + k - 1 - shifts.lead);
        let (first, last) = (from.clamp(0, n), to.clamp(0, n));
        let before = (from.min(0) - to.min(0)).min(0).unsigned_abs();
        let behind = (to.max(n) - from.max(n)).max(0) as usize;
        let blank = |n: usize| context::with_device(a.device(), || zeros(&[n], a.dtype()));
        let inside = a.slice(0, first as usize, 1, (last - first).max(0) as usize);
        let padded = match (before, behind) {
            (0, 0) => inside,
            _ => concatenate(&[blank(before)?, inside, blank(behind)?], 0, None)?,
        };
        let step = padded.layout().strides()[0];
        let shape = [shifts.len, v.size()];
        let windows =
            padded.view(Layout::new(shape.as_slice(), [step, step].as_slice(), padded.layout().offset()));
        Ok(smallvec![matmul(&windows, v)?])
    }
}
operation!(pub CORRELATE: "correlate", 2 => 1, Correlate, &[(-1.0, 1.0), (-1.0, 1.0)],
    "Sums of products of a sequence with another one that is shifted along it.");

/// `out[n] = sum over k of a[n + k - lead] * v[k]` for `len` shifts; `a` counts as 0 outside of it. Nothing is conjugated.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for other numbers of axes than one.
pub fn shifted_products(a: &Array, v: &Array, lead: isize, len: usize) -> Result<Array> {
    // NumPy tells of no exceptions here.
    let attrs = Shifts { lead, len };
    with_flag(QUIET, || call(&CORRELATE, Attrs::of(&attrs), &[a.into(), v.into()], None, Target::New))
}
/// A sequence from its end.
fn turned(a: &Array) -> Array {
    let n = a.size();
    a.slice(0, n.saturating_sub(1), -1, n)
}
/// The part of all shifts that a mode asks for. The second sequence is not longer.
fn of_mode(a: &Array, v: &Array, mode: &str) -> Result<Array> {
    let (n, k) = (a.size(), v.size());
    let (lead, len) = match mode {
        "valid" => (0, n - k + 1),
        "same" => (k / 2, n),
        _ => (k - 1, n + k - 1),
    };
    shifted_products(a, v, lead as isize, len)
}

/// Sums of products of a sequence with the conjugate of another one, shifted along it: where they overlap wholly (`valid`), as many as the
/// longer one has elements (`same`), or wherever they overlap (`full`).
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for an empty sequence, or another number of axes than one.
pub fn correlate(a: &Array, v: &Array, mode: &str) -> Result<Array> {
    check_list(a)?;
    check_list(v)?;
    for (which, a) in [("first", a), ("second", v)] {
        if a.size() == 0 {
            bail!(Value, "{which} array argument cannot be empty");
        }
    }
    let conjugated;
    let v = if v.dtype().is_complex() {
        conjugated = conjugate(v)?;
        &conjugated
    } else {
        v
    };
    if a.size() < v.size() { Ok(turned(&of_mode(v, a, mode)?)) } else { of_mode(a, v, mode) }
}
/// The product of two sequences as of polynomials: `out[n] = sum over k of a[n - k] * v[k]`; the modes are those of [`correlate`]. A number
/// is a sequence of one.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for an empty sequence, or more axes than one.
pub fn convolve(a: &Array, v: &Array, mode: &str) -> Result<Array> {
    let list = |a: &Array| if a.ndim() == 0 { a.expand_dims(0) } else { Ok(a.clone()) };
    let (a, v) = (list(a)?, list(v)?);
    check_list(&a)?;
    check_list(&v)?;
    for (name, a) in [("a", &a), ("v", &v)] {
        if a.size() == 0 {
            bail!(Value, "{name} cannot be empty");
        }
    }
    let (a, v) = if v.size() > a.size() { (v, a) } else { (a, v) };
    of_mode(&a, &turned(&v), mode)
}

crate::functions! {
    /// The product of two sequences as of polynomials.
    convolve(a: Array, v: Array, mode: Choice("valid", "same", "full") = Some("full"))
        -> Array, cases ["f[6], n[3]", "n[3], f[7], mode='same'", "f[5], f[2], mode='valid'", "c[4], n[2]", "i[5], i[3], mode='same'", "f[4], 2.0", "b[5], b[2]"]
        => convolve(a, v, mode);
    /// Sums of products of a sequence with the conjugate of another one, shifted along it.
    correlate(a: Array, v: Array, mode: Choice("valid", "same", "full") = Some("valid"))
        -> Array, cases ["f[6], n[3]", "n[3], f[7], mode='same'", "f[5], n[2], mode='full'", "c[4], c[2], mode='full'", "n[2], c[5]", "i[5], i[3], mode='same'", "b[5], b[2]"]
        => correlate(a, v, mode);
}
