//! Order along an axis: argmax, argmin, sort, argsort.

use super::scan::axis_last;
use super::{Axis, call};
use crate::dispatch::{Arg, launch};
use crate::kernel::Work;
use crate::layout::{normalize_axis, show};
use crate::op::{OpDef, Operand, Structured};
use crate::{Array, Attrs, DType, Meta, Metas, Result, Target, bail, operation};

struct ArgReduce {
    max: bool,
}
impl Structured for ArgReduce {
    type Attrs = Axis;

    fn infer(&self, op: &'static OpDef, axis: &Axis, inputs: &[&Array]) -> Result<Metas> {
        let a = &inputs[0];
        if a.shape()[axis.0] == 0 {
            bail!(Value, "attempt to get {} of an empty sequence (shape {})", op.name, show(a.shape()));
        }
        Ok(Meta::one(a.layout().select(axis.0, 0).shape(), DType::I64))
    }
    fn lower(&self, op: &'static OpDef, axis: &Axis, inputs: &[&Array], outs: &[&Array]) -> Result<()> {
        let out = outs[0];
        if out.size() == 0 {
            return Ok(());
        }
        let l = axis_last(inputs[0].layout(), axis.0);
        launch(
            op.name,
            out.device(),
            &Work::ArgReduce { max: self.max },
            None,
            &[Arg::Array(inputs[0], Some(&l))],
            &[out],
        )
    }
}
operation!(pub ARGMAX: "argmax", 1 => 1, ArgReduce { max: true }, &[(-3.0, 3.0)], constant "First position of the greatest element along an axis.");
operation!(pub ARGMIN: "argmin", 1 => 1, ArgReduce { max: false }, &[(-3.0, 3.0)], constant "First position of the smallest element along an axis.");

struct Sort {
    arg: bool,
}
impl Structured for Sort {
    type Attrs = Axis;

    fn infer(&self, _: &'static OpDef, _: &Axis, inputs: &[&Array]) -> Result<Metas> {
        let a = &inputs[0];
        Ok(Meta::one(a.shape(), if self.arg { DType::I64 } else { a.dtype() }))
    }
    fn lower(&self, op: &'static OpDef, axis: &Axis, inputs: &[&Array], outs: &[&Array]) -> Result<()> {
        let out = outs[0];
        if out.size() == 0 {
            return Ok(());
        }
        let l = axis_last(inputs[0].layout(), axis.0);
        let o = out.view(axis_last(out.layout(), axis.0));
        launch(
            op.name,
            out.device(),
            &Work::Sort { arg: self.arg },
            None,
            &[Arg::Array(inputs[0], Some(&l))],
            &[&o],
        )
    }
}
operation!(pub SORT: "sort", 1 => 1, Sort { arg: false }, &[(-3.0, 3.0)], "Sorted values along an axis, stably, NaN last.");
operation!(pub ARGSORT: "argsort", 1 => 1, Sort { arg: true }, &[(-3.0, 3.0)], constant "Positions that sort along an axis, stably.");

fn along(op: &'static OpDef, a: &Array, axis: Option<isize>) -> Result<Array> {
    let flat;
    let (a, axis) = match axis {
        Some(x) if a.ndim() > 0 => (a, normalize_axis(op.name, x, a.ndim())?),
        Some(x) if !(-1..=0).contains(&x) => {
            bail!(Axis, "{}: axis {x} is out of bounds for array of dimension 0", op.name)
        }
        _ => {
            flat = super::reshape(a, &[-1])?;
            (&flat, 0)
        }
    };
    call(op, Attrs::of(&Axis(axis)), &[Operand::Array(a)], None, Target::New)
}
/// First position of the greatest element along `axis` (`None`: of the flattened array).
pub fn argmax(a: &Array, axis: Option<isize>) -> Result<Array> {
    along(&ARGMAX, a, axis)
}
/// First position of the smallest element.
pub fn argmin(a: &Array, axis: Option<isize>) -> Result<Array> {
    along(&ARGMIN, a, axis)
}
/// Sorted values along `axis` (`None`: flattened). A number has no axis, and is refused where its positions are not.
pub fn sort(a: &Array, axis: Option<isize>) -> Result<Array> {
    if let Some(x) = axis {
        normalize_axis("sort", x, a.ndim())?;
    }
    along(&SORT, a, axis)
}
/// Positions that would sort along `axis` (`None`: flattened).
pub fn argsort(a: &Array, axis: Option<isize>) -> Result<Array> {
    along(&ARGSORT, a, axis)
}

/// Positions of extremes as NumPy's function of that name.
pub(super) fn position(op: &'static OpDef, a: &Array, axis: Option<isize>, keepdims: bool) -> Result<Array> {
    let r = along(op, a, axis)?;
    if !keepdims {
        return Ok(r);
    }
    // A number has none, and `along` has seen to what may be named all the same.
    let axis = axis.filter(|_| a.ndim() > 0).map(|k| normalize_axis(op.name, k, a.ndim())).transpose()?;
    let shape: Vec<isize> =
        (0..a.ndim()).map(|i| if axis.is_none_or(|k| k == i) { 1 } else { a.shape()[i] as isize }).collect();
    super::reshape(&r, &shape)
}
/// Every kind of sorting is stable here; what names one twice is NumPy's to complain about.
fn check_kind(name: &str, kind: &str, stable: Option<bool>) -> Result<()> {
    if !kind.is_empty() && stable.is_some() {
        bail!(NotNative, "{name}: kind= and stable= together");
    }
    Ok(())
}
crate::functions! {
    /// Index of the greatest element: the first one of equal ones, or the first NaN.
    argmax(a: Array, axis: Axis = None, out: Out = None, *, keepdims: Flag = false) -> Values, method, constant, cases ["n[3,4]", "n[3,4], axis=0", "i[2,3], axis=1, keepdims=True"]
        => position(&ARGMAX, a, axis, keepdims);
    /// Index of the least element: the first one of equal ones, or the first NaN.
    argmin(a: Array, axis: Axis = None, out: Out = None, *, keepdims: Flag = false) -> Values, method, constant, cases ["n[3,4]", "n[3,4], axis=0", "i[2,3], axis=1, keepdims=True"]
        => position(&ARGMIN, a, axis, keepdims);
    /// A sorted copy; NaN comes last. Stable for every `kind`.
    sort(a: Array, axis: Axis = Some(-1), kind: Choice("quicksort", "heapsort", "mergesort", "stable") = None, order: Foreign = None, *, stable: OptionalFlag = None)
        -> Array, cases ["n[5]", "n[3,4], axis=0", "i[2,3], axis=None"]
        => check_kind("sort", kind, stable).and_then(|()| sort(a, axis));
    /// The indices that sort an array. Stable for every `kind`; NaN comes last.
    argsort(a: Array, axis: Axis = Some(-1), kind: Choice("quicksort", "heapsort", "mergesort", "stable") = None, order: Foreign = None, *, stable: OptionalFlag = None)
        -> Array, method, constant, cases ["n[5]", "n[3,4], axis=0", "i[2,3], axis=None"]
        => check_kind("argsort", kind, stable).and_then(|()| argsort(a, axis));
    /// Sorts in place; NaN comes last. Stable for every `kind`.
    sort(a: Target, axis: Int = -1, kind: Choice("quicksort", "heapsort", "mergesort", "stable") = None, order: Foreign = None, *, stable: OptionalFlag = None)
        -> Nothing, module [ndarray], cases ["n[5]", "n[3,4], axis=0"]
        => {
            check_kind("sort", kind, stable)?;
            super::assign(a, &sort(a, Some(axis))?)
        };
}
