//! Places in sorted lists: searchsorted and digitize.

use super::call;
use super::limit::there;
use crate::context::{QUIET, with_flag};
use crate::op::{OpDef, Operand, Structured};
use crate::{Array, Attrs, DType, Meta, Metas, Result, Target, bail, operation};

/// Attributes of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Side {
    /// Behind what is equal, and not before it.
    pub right: bool,
}

/// Inputs: the list, of one axis; what is looked for; perhaps positions (int64) that sort the list. With `bins` the list may descend, which
/// the kernel finds out: it refuses (`ErrorKind::Value`) one that goes both ways.
struct Searching {
    bins: bool,
}
impl Structured for Searching {
    type Attrs = Side;

    fn input_dtype(&self, _: &Side, inputs: &[Operand], i: usize) -> Option<DType> {
        Some(if i == 2 { DType::I64 } else { DType::promote(inputs[0].dtype(), inputs[1].dtype()) })
    }
    fn infer(&self, op: &'static OpDef, _: &Side, inputs: &[&Array]) -> Result<Metas> {
        check_list(inputs[0])?;
        if self.bins && inputs[0].dtype().is_complex() {
            bail!(Type, "{}: complex numbers are not ordered", op.name);
        }
        if let Some(sorter) = inputs.get(2)
            && sorter.shape() != inputs[0].shape()
        {
            bail!(Value, "sorter.size must equal a.size");
        }
        Ok(Meta::one(inputs[1].shape(), DType::I64))
    }
}
operation!(pub SEARCHSORTED: "searchsorted", 2 => 1, Searching { bins: false }, &[(-3.0, 3.0), (-3.0, 3.0)], constant "Places in a sorted list.");
operation!(pub DIGITIZE: "digitize", 2 => 1, Searching { bins: true }, &[(-3.0, 3.0), (-3.0, 3.0)], constant "Numbers of the intervals between bins.");

/// A number as an array of a dtype beside another one.
pub(super) fn number_in(x: Operand, dtype: DType, beside: &Array) -> Result<Array> {
    let number = match x {
        Operand::Number(n) => n,
        Operand::Scalar(s) => s.number(),
        Operand::Array(a) => return Ok(a.clone()),
    };
    match number.to_scalar(dtype) {
        Ok(s) => Array::from_scalar_on(beside.device(), s),
        Err(e) => bail!(NotNative, "{}", e.message()),
    }
}
/// A list has one axis.
pub(super) fn check_list(list: &Array) -> Result<()> {
    match list.ndim() {
        0 => bail!(Value, "object of too small depth for desired array"),
        1 => Ok(()),
        _ => bail!(Value, "object too deep for desired array"),
    }
}

/// Where values would have to be put into a sorted list of one axis for it to stay sorted: before what is equal, or behind it (`right`). NaN
/// sorts last; complex numbers sort by real, then by imaginary part. `sorter`: positions that sort the list. An int64 array of the shape of
/// `v`.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for a list of another number of axes, and for positions that are not as many as the list has
/// elements, or outside of it; [`ErrorKind::Type`](crate::ErrorKind::Type) for positions that are no integers.
pub fn searchsorted<'a>(
    a: &Array,
    v: impl Into<Operand<'a>>,
    right: bool,
    sorter: Option<&Array>,
) -> Result<Array> {
    check_list(a)?;
    let v = v.into();
    let held;
    let v = match v.array() {
        Some(v) => v,
        None => {
            held = number_in(v, DType::promote(a.dtype(), v.dtype()), a)?;
            &held
        }
    };
    let side = Side { right };
    match sorter {
        None => quietly(&SEARCHSORTED, side, &[a.into(), v.into()]),
        Some(s) if s.ndim() != 1 || s.dtype() == DType::U64 => {
            bail!(NotNative, "searchsorted: a sorter of such a kind")
        }
        Some(s) if !s.dtype().is_integer() => bail!(Type, "sorter must only contain integers"),
        Some(s) => quietly(&SEARCHSORTED, side, &[a.into(), v.into(), s.into()]),
    }
}
/// The number of the interval between bins that each value is in: with `i`, `bins[i-1] <= x < bins[i]`, or (`right`) `bins[i-1] < x <= bins[i]`;
/// of descending bins with the signs turned. An int64 array of the shape of `x`.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for bins that neither ascend nor descend, or of another number of axes than one;
/// [`ErrorKind::Type`](crate::ErrorKind::Type) for complex numbers.
pub fn digitize<'a>(x: impl Into<Operand<'a>>, bins: &Array, right: bool) -> Result<Array> {
    let x = x.into();
    if x.dtype().is_complex() {
        bail!(Type, "x may not be complex");
    }
    if bins.dtype().is_complex() {
        bail!(NotNative, "digitize: complex bins");
    }
    let held;
    let x = match x.array() {
        Some(x) => x,
        None => {
            held = number_in(x, DType::promote(bins.dtype(), x.dtype()), bins)?;
            &held
        }
    };
    let side = Side { right: !right };
    quietly(&DIGITIZE, side, &[bins.into(), x.into()])
}
/// NumPy tells of no exceptions when it compares here.
fn quietly(op: &'static OpDef, side: Side, inputs: &[Operand]) -> Result<Array> {
    with_flag(QUIET, || call(op, Attrs::of(&side), inputs, None, Target::New))
}

crate::functions! {
    /// Where values would have to be put into a sorted list for it to stay sorted.
    searchsorted(a: Array, v: Operand, side: Choice("left", "right") = Some("left"), sorter: OptionalTried = None)
        -> Values, method, constant, cases ["a[6], n[5]", "a[6], f[2,3], side='right'", "a[5], 1.5", "a[3], a[3], side='right'", "b[2], f[3]", "a[3], f[4], sorter=k[3]", "a[5], c[4]"]
        => searchsorted(a, there(v)?, side == "right", sorter);
    /// The number of the interval between bins that each value is in.
    digitize(x: Operand, bins: Array, right: Flag = false)
        -> Values, constant, cases ["n[6], a[4]", "f[2,3], a[4], right=True", "a[4], a[4]", "1.5, a[3]", "i[5], a[1]"]
        => digitize(there(x)?, bins, right);
}
