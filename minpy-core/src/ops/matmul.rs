//! Products: matmul (the structured operation) and dot, inner, outer, tensordot made of it.

use super::limit::there;
use super::{call, multiply, reshape};
use crate::array::waits;
use crate::context::{DOT, QUIET, with_flag};
use crate::dispatch::{Arg, fill_raw, launch};
use crate::function::Pairs;
use crate::kernel::Work;
use crate::layout::{Dims, Layout, broadcast_shapes, normalize_axis, show};
use crate::op::{OpDef, Operand, Structured, promoted_dtype};
use crate::{Array, Attrs, DType, Meta, Metas, Number, Result, Target, bail, context, operation, profile};
use smallvec::SmallVec;

/// The error of operands of at least one dimension whose summed dimensions differ.
#[cold]
fn not_aligned<T>(op: &str, a: &Array, b: &Array) -> Result<T> {
    let (x, y) = (a.ndim() - 1, b.ndim().saturating_sub(2));
    let (n, m) = (a.shape()[x], b.shape()[y]);
    bail!(
        Value,
        "{op}: shapes {} and {} not aligned: {n} (dim {x}) != {m} (dim {y})",
        show(a.shape()),
        show(b.shape())
    )
}

struct Matmul;
impl Structured for Matmul {
    type Attrs = ();

    fn input_dtype(&self, _: &(), inputs: &[Operand], _: usize) -> Option<DType> {
        promoted_dtype("matmul", inputs).ok()
    }
    fn infer(&self, op: &'static OpDef, _: &(), inputs: &[&Array]) -> Result<Metas> {
        let (a, b) = (&inputs[0], &inputs[1]);
        let fits = a.ndim() >= 2 && b.ndim() >= 2 && a.shape()[a.ndim() - 1] == b.shape()[b.ndim() - 2];
        if !fits {
            return not_aligned(op.name, a, b);
        }
        let mut shape = broadcast_shapes(op.name, &[&a.shape()[..a.ndim() - 2], &b.shape()[..b.ndim() - 2]])?;
        shape.extend([a.shape()[a.ndim() - 2], b.shape()[b.ndim() - 1]]);
        Ok(Meta::one(shape, a.dtype()))
    }
    fn lower(&self, op: &'static OpDef, _: &(), inputs: &[&Array], outs: &[&Array]) -> Result<()> {
        let out = outs[0];
        if out.size() == 0 {
            return Ok(());
        }
        let k = inputs[0].shape()[inputs[0].ndim() - 1];
        if k == 0 {
            return fill_raw(out, Number::Int(0).cast(out.dtype()));
        }
        let batch = &out.shape()[..out.ndim() - 2];
        let spread = |a: &Array| -> Result<Option<Layout>> {
            let (lead, core) = a.shape().split_at(a.ndim() - 2);
            if lead == batch {
                return Ok(None);
            }
            let mut shape: Dims = batch.into();
            shape.extend_from_slice(core);
            Ok(Some(a.layout().broadcast_to(op.name, &shape)?))
        };
        let (la, lb) = (spread(inputs[0])?, spread(inputs[1])?);
        let args = [Arg::Array(inputs[0], la.as_ref()), Arg::Array(inputs[1], lb.as_ref())];
        launch(op.name, out.device(), &Work::Matmul, None, &args, &[out])
    }
}
operation!(pub MATMUL: "matmul", 2 => 1, Matmul, &[(-1.0, 1.0), (-1.0, 1.0)], "Product of (stacks of) matrices.");

/// Product of stacks of matrices of at least two dimensions, into a new array.
fn product(a: &Array, b: &Array) -> Result<Array> {
    call(&MATMUL, Attrs::NONE, &[Operand::Array(a), Operand::Array(b)], None, Target::New)
}
/// Small products with a vector of what is in the host's memory, where nothing is recorded or counted: straight to the kernel, which is shown
/// the vector as a row or a column. `None` for all others.
#[inline]
fn with_vector(a: &Array, b: &Array, name: &'static str) -> Result<Option<Array>> {
    let (x, y) = (a.ndim(), b.ndim());
    let device = a.device();
    let near = |a: &Array| {
        a.buffer().present().is_some() && !a.is_weak() && !waits::worth(device, a.size() * a.dtype().size())
    };
    if !(x == 1 && y <= 2 || x == 2 && y == 1)
        || y == 0
        || context::flags() != 0
        || a.dtype() != b.dtype()
        || !device.is_host()
        || b.device() != device
        || !(near(a) && near(b))
    {
        return Ok(None);
    }
    let (shape_a, shape_b) = (a.shape(), b.shape());
    let (steps_a, steps_b) = (a.layout().strides(), b.layout().strides());
    if shape_a[x - 1] != shape_b[0] || a.size() == 0 || b.size() == 0 {
        return Ok(None);
    }
    let (row, column);
    let (mut left, mut right) = (None, None);
    if x == 1 {
        row = a.layout().seen_as(&[1, shape_a[0]], &[0, steps_a[0]]);
        left = Some(&row);
    }
    if y == 1 {
        column = b.layout().seen_as(&[shape_b[0], 1], &[steps_b[0], 0]);
        right = Some(&column);
    }
    let shape = match (x, y) {
        (2, _) => &shape_a[..1],
        (_, 2) => &shape_b[1..],
        _ => &[],
    };
    let out = Array::empty_on(device, shape, a.dtype())?;
    let whole = match (x, y) {
        (2, _) => out.layout().seen_as(&[shape_a[0], 1], &[1, 1]),
        (_, 2) => out.layout().seen_as(&[1, shape_b[1]], &[shape_b[1] as isize, 1]),
        _ => out.layout().seen_as(&[1, 1], &[1, 1]),
    };
    let of = out.view(whole);
    // A profile has both names, and finds that of the user itself.
    let name = if profile::is_on() { "matmul" } else { name };
    launch(name, device, &Work::Matmul, None, &[Arg::Array(a, left), Arg::Array(b, right)], &[&of])?;
    Ok(Some(out))
}
/// `a @ b`: NumPy's matmul, 1-D operands as rows and columns.
pub fn matmul(a: &Array, b: &Array) -> Result<Array> {
    if a.ndim() == 0 || b.ndim() == 0 {
        bail!(
            Value,
            "matmul: Input operand {} does not have enough dimensions (has 0, gufunc core with signature (n?,k),(k,m?)->(n?,m?) requires 1)",
            (a.ndim() > 0) as u8
        );
    }
    if a.ndim() >= 2 && b.ndim() >= 2 {
        return product(a, b);
    }
    if let Some(r) = with_vector(a, b, "matmul")? {
        return Ok(r);
    }
    let a2 = if a.ndim() == 1 { a.expand_dims(0)? } else { a.clone() };
    let b2 = if b.ndim() == 1 { b.expand_dims(1)? } else { b.clone() };
    if a2.shape()[a2.ndim() - 1] != b2.shape()[b2.ndim() - 2] {
        return not_aligned("matmul", a, b);
    }
    let r = product(&a2, &b2)?;
    let mut l = r.layout().clone();
    if b.ndim() == 1 {
        l = l.remove_axis(l.ndim() - 1);
    }
    if a.ndim() == 1 {
        l = l.remove_axis(l.ndim() - if b.ndim() == 1 { 1 } else { 2 });
    }
    Ok(r.view(l))
}
/// NumPy's dot: the last axis of `a` with the second to last (or only) one of `b`.
pub fn dot(a: &Array, b: &Array) -> Result<Array> {
    match (a.ndim(), b.ndim()) {
        (2, 2) if a.shape()[1] == b.shape()[0] => with_flag(DOT, || product(a, b)),
        (0, _) | (_, 0) => multiply(a, b),
        (x, y) => {
            let (n, m) = (a.shape()[x - 1], b.shape()[y.saturating_sub(2)]);
            if n != m {
                bail!(
                    Value,
                    "dot: shapes {} and {} not aligned: {n} (dim {}) != {m} (dim {})",
                    show(a.shape()),
                    show(b.shape()),
                    x - 1,
                    y.saturating_sub(2)
                );
            }
            if y <= 2 {
                return with_flag(DOT, || matmul(a, b));
            }
            tensordot(a, b, &[x - 1], &[y - 2])
        }
    }
}
/// Sum of products over paired axes (already normalised).
pub fn tensordot(a: &Array, b: &Array, axes_a: &[usize], axes_b: &[usize]) -> Result<Array> {
    let matched = axes_a.len() == axes_b.len()
        && axes_a.iter().zip(axes_b).all(|(&i, &j)| a.shape()[i] == b.shape()[j]);
    if !matched {
        bail!(
            Value,
            "tensordot: shape-mismatch for sum: shapes {} and {}, axes {axes_a:?} and {axes_b:?}",
            show(a.shape()),
            show(b.shape())
        );
    }
    let free = |n: usize, used: &[usize]| (0..n).filter(|i| !used.contains(i)).collect::<Vec<_>>();
    let (fa, fb) = (free(a.ndim(), axes_a), free(b.ndim(), axes_b));
    let pa = a.view(a.layout().transpose(Some(&[&fa[..], axes_a].concat())));
    let pb = b.view(b.layout().transpose(Some(&[axes_b, &fb[..]].concat())));
    let size = |s: &[usize]| s.iter().product::<usize>() as isize;
    let k = size(&pb.shape()[..axes_b.len()]);
    let (m, n) = (size(&pa.shape()[..fa.len()]), size(&pb.shape()[axes_b.len()..]));
    let (x, y) = (reshape(&pa, &[m, k])?, reshape(&pb, &[k, n])?);
    let r = with_flag(DOT, || product(&x, &y))?;
    let shape: Vec<isize> =
        pa.shape()[..fa.len()].iter().chain(&pb.shape()[axes_b.len()..]).map(|&n| n as isize).collect();
    reshape(&r, &shape)
}

/// Sum of products over paired axes, as NumPy's function of that name takes them.
pub(super) fn paired(a: &Array, b: &Array, pairs: Pairs) -> Result<Array> {
    let (first, second): (Axes, Axes) = match pairs {
        Pairs::Of(first, second) => (first.into(), second.into()),
        Pairs::Count(n) => ((-n..0).collect(), (0..n).collect()),
    };
    let twice = |list: &[isize]| list.iter().enumerate().any(|(i, axis)| list[..i].contains(axis));
    if twice(&first) || twice(&second) {
        bail!(Value, "tensordot: duplicate axes are not allowed");
    }
    let normal = |list: &[isize], ndim: usize| -> Option<SmallVec<[usize; 6]>> {
        list.iter().map(|&i| normalize_axis("tensordot", i, ndim).ok()).collect()
    };
    match (normal(&first, a.ndim()), normal(&second, b.ndim())) {
        (Some(first), Some(second)) => tensordot(a, b, &first, &second),
        _ => bail!(NotNative, "tensordot: axes that the arrays do not have"),
    }
}
type Axes = SmallVec<[isize; 6]>;
/// [`dot`] of arrays or numbers, which count as arrays of their default dtype here.
fn dot_of(a: Operand, b: Operand) -> Result<Array> {
    if let (Operand::Array(a), Operand::Array(b)) = (&a, &b) {
        if let Some(r) = with_vector(a, b, "dot")? {
            return Ok(r);
        }
        return dot(&(*a).clone().with_weak(false), &(*b).clone().with_weak(false));
    }
    fn strong(x: Operand<'_>) -> Result<Operand<'_>> {
        match x {
            Operand::Number(n) => n.to_scalar(n.default_dtype()).map(Operand::Scalar),
            x => Ok(x),
        }
    }
    Ok(multiply(strong(a)?, strong(b)?)?.with_weak(false))
}
/// Sum of products over the last axes.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for axes of different lengths.
pub fn inner(a: &Array, b: &Array) -> Result<Array> {
    if a.ndim() == 0 || b.ndim() == 0 {
        return multiply(a, b);
    }
    let (x, y) = (a.ndim() - 1, b.ndim() - 1);
    let (n, m) = (a.shape()[x], b.shape()[y]);
    if n != m {
        bail!(
            Value,
            "shapes {} and {} not aligned: {n} (dim {x}) != {m} (dim {y})",
            show(a.shape()),
            show(b.shape())
        );
    }
    tensordot(a, b, &[x], &[y])
}
/// Product of the flattened arrays, the first one conjugated.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for different numbers of elements.
pub fn vdot(a: &Array, b: &Array) -> Result<Array> {
    let (a, b) = (reshape(a, &[-1])?, reshape(b, &[-1])?);
    let first = if a.dtype().is_complex() { super::conjugate(&a)? } else { a };
    // NumPy tells of no exceptions here.
    with_flag(QUIET, || dot(&first, &b))
}

/// Every product of an element of one with an element of the other, both flattened.
///
/// # Errors
/// [`ErrorKind::Memory`](crate::ErrorKind::Memory).
pub fn outer(a: &Array, b: &Array) -> Result<Array> {
    multiply(&reshape(a, &[-1, 1])?, &reshape(b, &[1, -1])?)
}

crate::functions! {
    /// Product: inner for vectors, of matrices for matrices; in general the sum over the last axis of `a` and the last but one of `b`.
    dot(a: Operand, b: Operand, out: Out = None) -> Values, method, cases ["f[3,4], n[4,2]", "f[4], n[4]", "n[2,3,4], f[4]", "f[2,4], n[3,4,2]", "f[3], 2.0", "b[3], 2", "c[2,2], f[2,2]", "i[3], i[3]"]
        => dot_of(there(a)?, there(b)?);
    /// Product of matrices, `x1 @ x2`; leading axes are broadcast, vectors count as a row or a column.
    matmul(x1: Array, x2: Array, /, out: Out = None, *, axes: Foreign = None, axis: Foreign = None, keepdims: Foreign = None, casting: Foreign = None,
        order: Foreign = None, dtype: Foreign = None, subok: Foreign = None, signature: Foreign = None)
        -> Values, cases ["f[3,4], n[4,2]", "n[4], f[4,2]", "f[2,3,4], n[4]", "f[2,3,4], n[1,4,2]", "i[3], i[3]"]
        => {
            let r = matmul(x1, x2)?;
            match out {
                Some(out) if out.shape() != r.shape() => bail!(NotNative, "matmul: out= of shape {} for {}", show(out.shape()), show(r.shape())),
                _ => Ok(r),
            }
        };
    /// Sum of products over the last axes.
    inner(a: Array, b: Array, /) -> Values, cases ["f[4], n[4]", "f[2,4], n[3,4]", "f[2], 3", "c[2], c[2]"]
        => inner(a, b);
    /// Every product of an element of one with an element of the other, both flattened.
    outer(a: Array, b: Array, out: Out = None) -> Array, cases ["f[3], n[2]", "f[2,2], i[3]", "f[3], 2"]
        => call(&super::MULTIPLY, Attrs::NONE, &[Operand::Array(&reshape(a, &[-1, 1])?), Operand::Array(&reshape(b, &[1, -1])?)], None, super::reduce::target(out));
    /// Sum of products of the flattened arguments, the first one conjugated.
    vdot(a: Array, b: Array, /) -> Values, cases ["f[4], n[4]", "c[2,2], c[2,2]", "i[2,3], i[2,3]"]
        => vdot(a, b);
    /// Sum of products over paired axes.
    tensordot(a: Array, b: Array, axes: Pairs = 2) -> Values, cases ["f[2,3,4], n[3,4,2]", "f[2,3], n[3,2], axes=1", "f[2,3,4], n[4,3], axes=((1, 2), (1, 0))", "f[2], n[3], axes=0"]
        => paired(a, b, axes);
}
