//! Products of vectors and matrices in stacks, and arrays turned by quarters: cross, kron, vecdot, matvec, vecmat, rot90.

use super::{
    SUBTRACT, call, cast, conjugate, expand_dims, flip, matmul, moveaxis, multiply, negative, reshape,
    subtract,
};
use crate::layout::{Dims, broadcast_shapes, normalize_axis};
use crate::{Array, Attrs, DType, Operand, Result, Target, bail, context};
use smallvec::SmallVec;

type Shape = SmallVec<[isize; 8]>;

/// The array turned by `k` quarters in the plane of two axes, from the first towards the second. A view.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for other than two axes, and for axes that are the same or not there.
pub fn rot90(m: &Array, k: isize, axes: &[isize]) -> Result<Array> {
    let &[from, to] = axes else { bail!(Value, "len(axes) must be 2.") };
    let n = m.ndim() as isize;
    if from == to || from.abs_diff(to) == m.ndim() {
        bail!(Value, "Axes must be different.");
    }
    if [from, to].iter().any(|&axis| axis >= n || axis < -n) {
        bail!(Value, "Axes=({from}, {to}) out of range for array of ndim={n}.");
    }
    let turned = |a: &Array| super::swapaxes(a, from, to);
    match k.rem_euclid(4) {
        0 => Ok(m.view(m.layout().clone())),
        1 => turned(&flip(m, Some(&[to]))?),
        2 => flip(m, Some(&[from, to])),
        _ => flip(&turned(m)?, Some(&[to])),
    }
}

/// Kronecker's product: every element of `a` times the whole of `b`, in blocks. The one with fewer dimensions has axes of length 1 in front.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for more dimensions than an array may have.
pub fn kron(a: &Array, b: &Array) -> Result<Array> {
    if a.ndim() == 0 || b.ndim() == 0 {
        return multiply(a, b);
    }
    let n = a.ndim().max(b.ndim());
    if n > 32 {
        bail!(NotNative, "kron: of more than 32 dimensions");
    }
    let length = |x: &Array, i: usize| (i + x.ndim()).checked_sub(n).map_or(1, |k| x.shape()[k] as isize);
    let (mut left, mut right, mut whole) = (Shape::new(), Shape::new(), Shape::new());
    for i in 0..n {
        let (p, q) = (length(a, i), length(b, i));
        left.extend([p, 1]);
        right.extend([1, q]);
        whole.push(p.saturating_mul(q));
    }
    reshape(&multiply(&reshape(a, &left)?, &reshape(b, &right)?)?, &whole)
}

/// The components of vectors along the last axis.
fn component(a: &Array, i: usize) -> Array {
    a.view(a.layout().select(a.ndim() - 1, i))
}
/// Cross products of vectors of three dimensions (two: the third is 0; of two such only the third component is left), along `axisa` and
/// `axisb`; the vectors of the result lie along `axisc`.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for arrays without dimensions, vectors of other lengths and shapes that do not broadcast,
/// [`ErrorKind::Axis`](crate::ErrorKind::Axis) for an axis that an array does not have; [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for
/// truth values, and on the host, unless it is recorded, for vectors of two dimensions, of which NumPy warns.
pub fn cross(a: &Array, b: &Array, axisa: isize, axisb: isize, axisc: isize) -> Result<Array> {
    if a.ndim() == 0 || b.ndim() == 0 {
        bail!(Value, "At least one array has zero dimension");
    }
    let last = |name: &str, x: &Array, axis: isize| {
        moveaxis(x, &[normalize_axis(name, axis, x.ndim())? as isize], &[-1])
    };
    let (a, b) = (last("axisa", a, axisa)?, last("axisb", b, axisb)?);
    let (na, nb) = (a.shape()[a.ndim() - 1], b.shape()[b.ndim() - 1]);
    if !matches!((na, nb), (2 | 3, 2 | 3)) {
        bail!(Value, "incompatible dimensions for cross product\n(dimension must be 2 or 3)");
    }
    let told = a.device().is_host() && !context::tracing() && context::flags() & context::RECORDING == 0;
    if (na == 2 || nb == 2) && told {
        bail!(NotNative, "cross: of vectors of two dimensions, of which NumPy warns");
    }
    let dtype = DType::promote(a.dtype(), b.dtype());
    if dtype == DType::Bool {
        bail!(NotNative, "cross: of truth values");
    }
    let same = |x: Array| if x.dtype() == dtype { Ok(x) } else { cast(&x, dtype) };
    let (a, b) = (same(a)?, same(b)?);
    let (x, y) = (|i| component(&a, i), |i| component(&b, i));
    let minor = |i: usize, j: usize| subtract(&multiply(&x(i), &y(j))?, &multiply(&x(j), &y(i))?);
    if na == 2 && nb == 2 {
        return minor(0, 1);
    }
    let Ok(mut shape) = broadcast_shapes("cross", &[x(0).shape(), y(0).shape()]) else {
        bail!(NotNative, "cross: of shapes that do not broadcast");
    };
    shape.push(3);
    let axisc = normalize_axis("axisc", axisc, shape.len())?;
    let out = Array::empty_on(a.device(), &shape, dtype)?;
    let put = |i: usize, p: &Array, q: &Array| {
        let target = component(&out, i);
        call(&SUBTRACT, Attrs::NONE, &[Operand::Array(p), Operand::Array(q)], None, Target::Into(&target))
            .map(drop)
    };
    let product = |i: usize, j: usize| multiply(&x(i), &y(j));
    let first_alone = |i: usize, p: Array| super::assign(&component(&out, i), &p);
    match (na, nb) {
        (3, 3) => {
            put(0, &product(1, 2)?, &product(2, 1)?)?;
            put(1, &product(2, 0)?, &product(0, 2)?)?;
        }
        (2, _) => {
            first_alone(0, product(1, 2)?)?;
            first_alone(1, negative(&product(0, 2)?)?)?;
        }
        _ => {
            first_alone(0, negative(&product(2, 1)?)?)?;
            first_alone(1, product(2, 0)?)?;
        }
    }
    put(2, &product(0, 1)?, &product(1, 0)?)?;
    moveaxis(&out, &[-1], &[axisc as isize])
}

/// NumPy's complaints of what has too few axes, or lengths that do not fit, name them by its own rules.
fn fits(name: &str, a: &Array, b: &Array, least: (usize, usize), lengths: (usize, usize)) -> Result<()> {
    let there = a.ndim() >= least.0 && b.ndim() >= least.1;
    if !there || a.shape()[a.ndim() - lengths.0] != b.shape()[b.ndim() - lengths.1] {
        bail!(NotNative, "{name}: of shapes that do not fit");
    }
    let front = |x: &Array, n: usize| -> Dims { x.shape()[..x.ndim() - n].into() };
    match broadcast_shapes(name, &[&front(a, least.0), &front(b, least.1)]) {
        Ok(_) => Ok(()),
        Err(_) => bail!(NotNative, "{name}: of stacks that do not broadcast"),
    }
}
fn conjugated(a: &Array) -> Result<Array> {
    if a.dtype().is_complex() { conjugate(a) } else { Ok(a.clone()) }
}
/// Inner products of vectors along the last axis, the first ones conjugated; the axes before it are broadcast.
///
/// # Errors
/// [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for shapes that do not fit.
pub fn vecdot(a: &Array, b: &Array) -> Result<Array> {
    fits("vecdot", a, b, (1, 1), (1, 1))?;
    let a = conjugated(a)?;
    if a.ndim() == 1 && b.ndim() == 1 {
        return super::dot(&a, b);
    }
    let r = matmul(&expand_dims(&a, &[-2])?, &expand_dims(b, &[-1])?)?;
    super::squeeze(&r, Some(&[-2, -1]))
}
/// Products of matrices, the last two axes, and vectors, the last axis; the axes before are broadcast.
///
/// # Errors
/// [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for shapes that do not fit.
pub fn matvec(a: &Array, b: &Array) -> Result<Array> {
    fits("matvec", a, b, (2, 1), (1, 1))?;
    if a.ndim() == 2 && b.ndim() == 1 {
        return matmul(a, b);
    }
    super::squeeze(&matmul(a, &expand_dims(b, &[-1])?)?, Some(&[-1]))
}
/// Products of vectors, the last axis, conjugated, and matrices, the last two axes; the axes before are broadcast.
///
/// # Errors
/// [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for shapes that do not fit.
pub fn vecmat(a: &Array, b: &Array) -> Result<Array> {
    fits("vecmat", a, b, (1, 2), (1, 2))?;
    let a = conjugated(a)?;
    if a.ndim() == 1 && b.ndim() == 2 {
        return matmul(&a, b);
    }
    super::squeeze(&matmul(&expand_dims(&a, &[-2])?, b)?, Some(&[-2]))
}
/// Where a result has another shape than `out`, NumPy says so in its own words.
fn into_shape(name: &str, r: Array, out: Option<&Array>) -> Result<Array> {
    match out {
        Some(out) if out.shape() != r.shape() => bail!(NotNative, "{name}: out= of another shape"),
        _ => Ok(r),
    }
}
/// Along an axis of each, which both have.
fn along<'a>(name: &str, a: &'a Array, b: &'a Array, axis: isize) -> Result<[Array; 2]> {
    let has = |x: &Array| normalize_axis(name, axis, x.ndim()).is_ok();
    if !has(a) || !has(b) {
        bail!(NotNative, "{name}: along an axis that is not there");
    }
    Ok([moveaxis(a, &[axis], &[-1])?, moveaxis(b, &[axis], &[-1])?])
}

crate::functions! {
    /// A view turned by quarters in the plane of two axes.
    rot90(m: Kept, k: PlainInt = 1, axes: List = Some(&[0, 1])) -> View, cases ["f[2,3]", "n[2,3], k=2", "f[2,3], k=-1", "i[2,3,4], axes=(1, 2)", "f[2,2], k=4"]
        => match axes {
            Some(axes) => rot90(m, k, axes),
            None => bail!(NotNative, "rot90: axes=None"),
        };
    /// Kronecker's product: every element of one times the whole of the other.
    kron(a: Array, b: Array) -> Values, cases ["f[2,2], n[3,1]", "f[3], n[2]", "i[2], f[2,2]", "f[2,1,2], n[2]", "c[2], f[2]", "f[2], 3"]
        => kron(a, b);
    /// Cross products of vectors of three (or two) dimensions.
    cross(a: Array, b: Array, axisa: Int = -1, axisb: Int = -1, axisc: Int = -1, axis: Axis = None)
        -> Values, cases ["f[3], n[3]", "f[4,3], n[3]", "n[3,4], f[3,4], axis=0", "f[3,2], n[2,3], axisa=0, axisc=0", "i[3], c[3]"]
        => {
            let of = |own: isize| axis.unwrap_or(own);
            cross(a, b, of(axisa), of(axisb), of(axisc))
        };
    /// Cross products of vectors of three dimensions along an axis.
    cross(x1: Array, x2: Array, /, *, axis: Int = -1) -> Array, module [linalg], cases ["f[3], n[3]", "f[4,3], n[4,3]", "n[3,4], f[3,4], axis=0"]
        => {
            let is_3 = |x: &Array| normalize_axis("cross", axis, x.ndim()).is_ok_and(|i| x.shape()[i] == 3);
            if !is_3(x1) || !is_3(x2) {
                bail!(NotNative, "linalg.cross: of other vectors than those of three dimensions");
            }
            cross(x1, x2, axis, axis, axis)
        };
    /// Inner products of vectors along the last axis, the first ones conjugated.
    vecdot(x1: Array, x2: Array, /, out: Out = None, *, axes: Foreign = None, axis: Foreign = None, keepdims: Foreign = None, casting: Foreign = None,
        order: Foreign = None, dtype: Foreign = None, subok: Foreign = None, signature: Foreign = None)
        -> Values, cases ["f[4], n[4]", "f[3,4], n[4]", "c[2,3], n[2,3]", "i[2,1,3], i[4,3]"]
        => into_shape("vecdot", vecdot(x1, x2)?, out);
    /// Inner products of vectors along an axis, the first ones conjugated.
    vecdot(x1: Array, x2: Array, /, *, axis: Int = -1) -> Values, module [linalg], cases ["f[4], n[4]", "f[3,4], n[3,4], axis=0", "c[2,3], n[2,3]"]
        => {
            let [a, b] = along("linalg.vecdot", x1, x2, axis)?;
            vecdot(&a, &b)
        };
    /// Products of matrices and vectors, the last axes; those before are broadcast.
    matvec(x1: Array, x2: Array, /, out: Out = None, *, axes: Foreign = None, axis: Foreign = None, keepdims: Foreign = None, casting: Foreign = None,
        order: Foreign = None, dtype: Foreign = None, subok: Foreign = None, signature: Foreign = None)
        -> Values, cases ["f[3,4], n[4]", "f[2,3,4], n[4]", "f[3,4], n[2,4]", "c[2,2], f[2]", "i[2,3], i[3]"]
        => into_shape("matvec", matvec(x1, x2)?, out);
    /// Products of vectors, conjugated, and matrices, the last axes; those before are broadcast.
    vecmat(x1: Array, x2: Array, /, out: Out = None, *, axes: Foreign = None, axis: Foreign = None, keepdims: Foreign = None, casting: Foreign = None,
        order: Foreign = None, dtype: Foreign = None, subok: Foreign = None, signature: Foreign = None)
        -> Values, cases ["f[3], n[3,4]", "f[2,3], n[3,4]", "f[3], n[2,3,4]", "c[2], f[2,2]", "i[3], i[3,2]"]
        => into_shape("vecmat", vecmat(x1, x2)?, out);
}
