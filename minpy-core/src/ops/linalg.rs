//! Linear algebra (`np.linalg`): systems of equations, inverses, determinants, Cholesky's factor, powers. Norms are in `norms.rs`.
//!
//! As in NumPy everything is computed in float64 or complex128, float32 and complex64 too, whose results are rounded. Kernels are found by the
//! names of the operations (`minpy-cpu/src/linalg/`); a device without them asks the host.

use super::{assign, call, call_each, cast, conjugate, matmul, matrix_transpose};
use crate::context::{QUIET, with_flag};
use crate::dispatch::{Arg, launch};
use crate::kernel::Work;
use crate::layout::{Dims, Layout, broadcast_shapes};
use crate::op::{OpDef, Operand, Structured};
use crate::value::attributes::Attributes;
use crate::{Array, Attrs, DType, Meta, Metas, Result, Target, bail, operation};
use smallvec::SmallVec;

/// The side of a stack of square matrices.
fn square(a: &Array) -> Result<usize> {
    match *a.shape() {
        [.., n, m] if n == m => Ok(n),
        [.., _, _] => bail!(LinAlg, "Last 2 dimensions of the array must be square"),
        _ => bail!(LinAlg, "{}-dimensional array given. Array must be at least two-dimensional", a.ndim()),
    }
}
/// The dtype of results: that of the argument, float64 of what is no floating-point number.
fn result_dtype(arrays: &[&Array]) -> Result<DType> {
    let (mut double, mut complex) = (false, false);
    for a in arrays {
        match a.dtype() {
            DType::F16 => bail!(Type, "array type float16 is unsupported in linalg"),
            DType::F32 | DType::C64 => {}
            _ => double = true,
        }
        complex |= a.dtype().is_complex();
    }
    Ok(match (double, complex) {
        (false, false) => DType::F32,
        (false, true) => DType::C64,
        (true, false) => DType::F64,
        (true, true) => DType::C128,
    })
}
/// The dtype that everything is computed in.
fn computed(inputs: &[Operand]) -> Option<DType> {
    let complex = inputs.iter().any(|x| x.dtype().is_complex());
    Some(if complex { DType::C128 } else { DType::F64 })
}
/// In the dtype of results.
fn rounded(a: Array, dtype: DType) -> Result<Array> {
    if a.dtype() == dtype { Ok(a) } else { cast(&a, dtype) }
}

struct Solve;
impl Structured for Solve {
    type Attrs = ();

    fn input_dtype(&self, _: &(), inputs: &[Operand], _: usize) -> Option<DType> {
        computed(inputs)
    }
    fn infer(&self, op: &'static OpDef, _: &(), inputs: &[&Array]) -> Result<Metas> {
        let (a, b) = (inputs[0], inputs[1]);
        let n = square(a)?;
        let (rows, columns) = match *b.shape() {
            [.., rows, columns] => (rows, columns),
            _ => bail!(Value, "{}: Input operand 1 does not have enough dimensions", op.name),
        };
        if rows != n {
            bail!(
                Value,
                "{}: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature (m,m),(m,n)->(m,n) (size {rows} is different from {n})",
                op.name
            );
        }
        let mut shape = broadcast_shapes(op.name, &[&a.shape()[..a.ndim() - 2], &b.shape()[..b.ndim() - 2]])?;
        shape.extend([n, columns]);
        Ok(Meta::one(shape, a.dtype()))
    }
    fn lower(&self, op: &'static OpDef, attrs: &(), inputs: &[&Array], outs: &[&Array]) -> Result<()> {
        let out = outs[0];
        if out.size() == 0 {
            return Ok(());
        }
        let lead = &out.shape()[..out.ndim() - 2];
        let spread = |a: &Array| -> Result<Option<Layout>> {
            let (own, core) = a.shape().split_at(a.ndim() - 2);
            if own == lead {
                return Ok(None);
            }
            let mut shape: Dims = lead.into();
            shape.extend_from_slice(core);
            Ok(Some(a.layout().broadcast_to(op.name, &shape)?))
        };
        let (la, lb) = (spread(inputs[0])?, spread(inputs[1])?);
        let args = [Arg::Array(inputs[0], la.as_ref()), Arg::Array(inputs[1], lb.as_ref())];
        launch(op.name, out.device(), &Work::Custom(attrs.shared()), None, &args, &[out])
    }
}
operation!(pub SOLVE: "solve", 2 => 1, Solve, &[(-3.0, 3.0), (-3.0, 3.0)], "X with A X = B, of (stacks of) square matrices A and matrices B.");

/// Of one stack of square matrices: a stack of them.
struct Square;
impl Structured for Square {
    type Attrs = ();

    fn input_dtype(&self, _: &(), inputs: &[Operand], _: usize) -> Option<DType> {
        computed(inputs)
    }
    fn infer(&self, _: &'static OpDef, _: &(), inputs: &[&Array]) -> Result<Metas> {
        square(inputs[0])?;
        Ok(Meta::one(inputs[0].shape(), inputs[0].dtype()))
    }
}
operation!(pub INV: "inv", 1 => 1, Square, &[(-3.0, 3.0)], "Inverses of (stacks of) square matrices.");
operation!(pub CHOLESKY: "cholesky", 1 => 1, Square, &[(-3.0, 3.0)],
    "The lower triangular L with positive diagonal and A = L L^H, of which the lower triangle is read.");

/// Of one stack of square matrices: numbers.
struct Determinant {
    /// Sign and logarithm.
    log: bool,
}
impl Structured for Determinant {
    type Attrs = ();

    fn input_dtype(&self, _: &(), inputs: &[Operand], _: usize) -> Option<DType> {
        computed(inputs)
    }
    fn infer(&self, _: &'static OpDef, _: &(), inputs: &[&Array]) -> Result<Metas> {
        let a = inputs[0];
        square(a)?;
        let mut metas = Meta::one(&a.shape()[..a.ndim() - 2], a.dtype());
        if self.log {
            metas.push(Meta { shape: metas[0].shape.clone(), dtype: a.dtype().real() });
        }
        Ok(metas)
    }
}
operation!(pub DET: "det", 1 => 1, Determinant { log: false }, &[(-3.0, 3.0)], "Determinants of (stacks of) square matrices.");
operation!(pub SLOGDET: "slogdet", 1 => 2, Determinant { log: true }, &[(-3.0, 3.0)],
    "Signs of determinants, and logarithms of their moduli.");

/// One of the operations above. NumPy tells of no floating-point exceptions where it could raise an error, and of those of determinants.
fn of(op: &'static OpDef, a: &Array, quiet: bool) -> Result<Array> {
    square(a)?;
    let dtype = result_dtype(&[a])?;
    let compute = || call(op, Attrs::NONE, &[Operand::Array(a)], None, Target::New);
    rounded(if quiet { with_flag(QUIET, compute) } else { compute() }?, dtype)
}
/// `x` with `a x = b`: `a` is a square matrix or a stack of them, `b` a vector or a stack of matrices; leading axes are broadcast. By LU with
/// row exchanges.
///
/// # Errors
/// [`ErrorKind::LinAlg`](crate::ErrorKind::LinAlg) for matrices that are singular or not square, [`ErrorKind::Value`](crate::ErrorKind::Value) for shapes
/// that do not fit, [`ErrorKind::Type`](crate::ErrorKind::Type) for float16.
pub fn solve(a: &Array, b: &Array) -> Result<Array> {
    square(a)?;
    let dtype = result_dtype(&[a, b])?;
    let vector = b.ndim() == 1;
    let column;
    let b = if vector {
        let (n, rows) = (a.shape()[a.ndim() - 1], b.shape()[0]);
        if rows != n {
            bail!(
                Value,
                "solve1: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature (m,m),(m)->(m) (size {rows} is different from {n})"
            );
        }
        column = b.expand_dims(1)?;
        &column
    } else {
        b
    };
    let operands = [Operand::Array(a), Operand::Array(b)];
    let x = with_flag(QUIET, || call(&SOLVE, Attrs::NONE, &operands, None, Target::New))?;
    let x = rounded(x, dtype)?;
    Ok(if vector { x.view(x.layout().remove_axis(x.ndim() - 1)) } else { x })
}
/// The inverse of a square matrix, or of each of a stack. By LU with row exchanges.
///
/// # Errors
/// [`ErrorKind::LinAlg`](crate::ErrorKind::LinAlg) for matrices that are singular or not square, [`ErrorKind::Type`](crate::ErrorKind::Type) for float16.
pub fn inv(a: &Array) -> Result<Array> {
    of(&INV, a, true)
}
/// The determinant of a square matrix, or of each of a stack. By LU with row exchanges.
///
/// # Errors
/// [`ErrorKind::LinAlg`](crate::ErrorKind::LinAlg) for matrices that are not square, [`ErrorKind::Type`](crate::ErrorKind::Type) for float16.
pub fn det(a: &Array) -> Result<Array> {
    of(&DET, a, false)
}
/// Sign of the determinant (of modulus 1; 0 of a singular matrix) and the logarithm of its modulus, which neither overflows nor underflows.
///
/// # Errors
/// As [`det`].
pub fn slogdet(a: &Array) -> Result<(Array, Array)> {
    square(a)?;
    let dtype = result_dtype(&[a])?;
    let [sign, log] = call_each(&SLOGDET, Attrs::NONE, &[Operand::Array(a)])?;
    Ok((rounded(sign, dtype)?, rounded(log, dtype.real())?))
}
/// The triangular factor with a positive diagonal of a Hermitian positive definite matrix, or of each of a stack: lower, with `a = l l^H`, from the
/// lower triangle, or `upper`, with `a = u^H u`, from the upper one.
///
/// # Errors
/// [`ErrorKind::LinAlg`](crate::ErrorKind::LinAlg) for matrices that are not square or not positive definite, [`ErrorKind::Type`](crate::ErrorKind::Type) for float16.
pub fn cholesky(a: &Array, upper: bool) -> Result<Array> {
    if !upper {
        return of(&CHOLESKY, a, true);
    }
    square(a)?;
    let turned = |a: &Array| -> Result<Array> {
        let a = matrix_transpose(a)?;
        if a.dtype().is_complex() { conjugate(&a) } else { Ok(a) }
    };
    super::contiguous(&turned(&of(&CHOLESKY, &turned(a)?, true)?)?)
}
/// The `n`-th power of a square matrix, or of each of a stack: by squaring; negative ones of the inverse.
///
/// # Errors
/// As [`inv`] for negative powers; otherwise [`ErrorKind::LinAlg`](crate::ErrorKind::LinAlg) for matrices that are not square.
pub fn matrix_power(a: &Array, n: isize) -> Result<Array> {
    let side = square(a)?;
    let inverse;
    let base = match n {
        0 => {
            let one = crate::context::with_device(a.device(), || super::eye(side, side, 0, a.dtype()))?;
            let all = super::zeros_like(a)?;
            assign(&all, &one)?;
            return Ok(all);
        }
        ..0 => {
            inverse = inv(a)?;
            &inverse
        }
        _ => a,
    };
    match n.unsigned_abs() {
        1 if n > 0 => Ok(base.clone()),
        3 => matmul(&matmul(base, base)?, base),
        mut n => {
            let (mut square, mut power): (Array, Option<Array>) = (base.clone(), None);
            loop {
                if n % 2 == 1 {
                    power = Some(match power {
                        Some(p) => matmul(&p, &square)?,
                        None => square.clone(),
                    });
                }
                n /= 2;
                match power {
                    Some(power) if n == 0 => return Ok(power),
                    _ => square = matmul(&square, &square)?,
                }
            }
        }
    }
}
/// The inverse of a tensor, whose first `ind` axes and other axes count as the rows and columns of a square matrix.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for an `ind` that is not positive and for elements that are no rows; otherwise as [`inv`].
pub fn tensorinv(a: &Array, ind: isize) -> Result<Array> {
    if ind <= 0 {
        bail!(Value, "Invalid ind argument.");
    }
    if a.ndim() == 0 {
        bail!(NotNative, "linalg.tensorinv: of an array without dimensions");
    }
    let (rows, columns) = a.shape().split_at(a.ndim().min(ind.unsigned_abs()));
    let shape: SmallVec<[isize; 6]> = columns.iter().chain(rows).map(|&n| n as isize).collect();
    let side: usize = columns.iter().product();
    super::reshape(&inv(&super::reshape(a, &[side as isize, -1])?)?, &shape)
}
/// `x` with `tensordot(a, x, x.ndim()) = b`; these `axes` of `a` are moved to its end first.
///
/// # Errors
/// [`ErrorKind::LinAlg`](crate::ErrorKind::LinAlg) where the sizes do not make a square matrix, [`ErrorKind::Value`](crate::ErrorKind::Value) for axes that
/// `a` does not have; otherwise as [`solve`].
pub fn tensorsolve(a: &Array, b: &Array, axes: Option<&[isize]>) -> Result<Array> {
    let moved;
    let a = match axes {
        None => a,
        Some(axes) => {
            let mut all: SmallVec<[isize; 6]> = (0..a.ndim() as isize).collect();
            for &k in axes {
                let Some(at) = all.iter().position(|&x| x == k) else {
                    bail!(Value, "list.remove(x): x not in list")
                };
                all.remove(at);
                all.push(k);
            }
            moved = a.transpose(Some(&all))?;
            &moved
        }
    };
    // As Python cuts a list: from the end, or, with as many dimensions or more in `b`, from the start.
    let from = match a.ndim().checked_sub(b.ndim()) {
        Some(0) => 0,
        Some(_) => b.ndim(),
        None => (b.ndim() - a.ndim()).min(a.ndim()),
    };
    let shape: SmallVec<[isize; 6]> = a.shape()[from..].iter().map(|&n| n as isize).collect();
    let side: usize = a.shape()[from..].iter().product();
    if side.checked_mul(side) != Some(a.size()) {
        bail!(
            LinAlg,
            "Input arrays must satisfy the requirement             prod(a.shape[b.ndim:]) == prod(a.shape[:b.ndim])"
        );
    }
    let x = solve(&super::reshape(a, &[side as isize, side as isize])?, &super::reshape(b, &[-1])?)?;
    super::reshape(&x, &shape)
}
/// The product of several matrices, the first and last of which may be vectors, in the order that costs the fewest multiplications.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for fewer than two and for shapes that do not fit, [`ErrorKind::LinAlg`](crate::ErrorKind::LinAlg) for arrays
/// of other dimensions.
pub fn multi_dot(arrays: &[&Array]) -> Result<Array> {
    let (first, last) = match arrays {
        [] | [_] => bail!(Value, "Expecting at least two arrays."),
        [a, b] => return super::dot(a, b),
        [first, .., last] => (first.ndim(), last.ndim()),
    };
    let mut list: SmallVec<[Array; 6]> = arrays.iter().map(|a| (*a).clone()).collect();
    let end = list.len() - 1;
    if first == 1 {
        list[0] = list[0].expand_dims(0)?;
    }
    if last == 1 {
        list[end] = list[end].expand_dims(1)?;
    }
    if let Some(a) = list.iter().find(|a| a.ndim() != 2) {
        bail!(LinAlg, "{}-dimensional array given. Array must be two-dimensional", a.ndim());
    }
    let r = chain(&list)?;
    let mut l = r.layout().clone();
    if last == 1 {
        l = l.remove_axis(1);
    }
    if first == 1 {
        l = l.remove_axis(0);
    }
    Ok(r.view(l))
}
/// Cormen, Leiserson, Rivest, Stein, "Introduction to Algorithms", section 15.2: the cheapest bracketing, by lengths of chains.
fn chain(list: &[Array]) -> Result<Array> {
    let n = list.len();
    let sides: SmallVec<[f64; 8]> =
        list.iter().map(|a| a.shape()[0] as f64).chain([list[n - 1].shape()[1] as f64]).collect();
    // (cost, where the last product divides), of the chain from i to j.
    let mut best: Vec<(f64, usize)> = vec![(0.0, 0); n * n];
    for length in 1..n {
        for i in 0..n - length {
            let j = i + length;
            best[i * n + j].0 = f64::INFINITY;
            for k in i..j {
                let cost =
                    best[i * n + k].0 + best[(k + 1) * n + j].0 + sides[i] * sides[k + 1] * sides[j + 1];
                if cost < best[i * n + j].0 {
                    best[i * n + j] = (cost, k);
                }
            }
        }
    }
    fn product(list: &[Array], best: &[(f64, usize)], i: usize, j: usize) -> Result<Array> {
        if i == j {
            return Ok(list[i].clone());
        }
        let k = best[i * list.len() + j].1;
        super::dot(&product(list, best, i, k)?, &product(list, best, k + 1, j)?)
    }
    product(list, &best, 0, n - 1)
}

crate::functions! {
    /// The solution of a system of linear equations, or of each of a stack.
    solve(a: Array, b: Array) -> Array, module [linalg], cases ["n[3,3], f[3]", "n[3,3], n[3,2]", "n[2,3,3], f[3,1]", "f[2,2], n[4,2,1]", "c[2,2], n[2]", "n[2,2], i[2]"]
        => solve(a, b);
    /// The inverse of a square matrix, or of each of a stack.
    inv(a: Array) -> Array, module [linalg], cases ["n[3,3]", "f[2,2]", "n[2,3,3]", "c[2,2]"]
        => inv(a);
    /// The determinant of a square matrix, or of each of a stack.
    det(a: Array) -> Values, module [linalg], cases ["n[3,3]", "f[2,2]", "n[2,3,3]", "c[2,2]"]
        => det(a);
    /// Sign of the determinant, and the logarithm of its modulus.
    slogdet(a: Array) -> Named("SlogdetResult", &["sign", "logabsdet"]), module [linalg], cases ["n[3,3]", "f[2,2]", "n[2,3,3]", "c[2,2]"]
        => slogdet(a).map(|(sign, log)| vec![sign, log]);
    /// The inverse of a tensor as of the map that `tensordot` with it is.
    tensorinv(a: Array, ind: Int = 2) -> Array, module [linalg], cases ["n[3,3], ind=1", "n[2,3,6]", "c[2,1,2]", "f[2,2,1], ind=1"]
        => tensorinv(a, ind);
    /// The tensor `x` with `tensordot(a, x, x.ndim) == b`.
    tensorsolve(a: Array, b: Array, axes: List = None) -> Array, module [linalg], cases ["n[2,3,6], f[2,3]", "n[2,2,1], n[2]", "n[2,1,2], f[2], axes=(1, 0)", "c[2,2], n[2]"]
        => tensorsolve(a, b, axes);
    /// Cholesky's factor of a Hermitian positive definite matrix, or of each of a stack.
    cholesky(a: Array, /, *, upper: Flag = false) -> Array, module [linalg], cases ["s[3,3]", "s[2,3,3], upper=True", "h[3,3]", "h[3,3], upper=True"]
        => cholesky(a, upper);
    /// A power of a square matrix, or of each of a stack.
    matrix_power(a: Array, n: Int) -> Array, module [linalg], cases ["n[3,3], 2", "n[2,2,2], 3", "f[2,2], -2", "n[2,2], 0", "c[2,2], 5", "i[2,2], 7"]
        => matrix_power(a, n);
    /// The product of several matrices, in the order that costs the fewest multiplications.
    multi_dot(arrays: Arrays, *, out: Out = None) -> Values, module [linalg], cases ["(n[2,3], f[3,4], n[4,2])", "(f[3], n[3,4], n[4,2], f[2])", "(n[2,2], n[2,2])"]
        => multi_dot(&arrays);
    /// Every product of an element of one vector with an element of the other.
    outer(x1: Array, x2: Array, /) -> Array, module [linalg], cases ["f[3], n[2]", "i[2], c[3]"]
        => match (x1.ndim(), x2.ndim()) {
            (1, 1) => super::outer(x1, x2),
            (x, y) => bail!(Value, "Input arrays must be one-dimensional, but they are x1.ndim={x} and x2.ndim={y}."),
        };
    /// A read-only view of the diagonals of the last two axes.
    diagonal(x: Array, /, *, offset: Int = 0) -> ReadOnly, module [linalg], cases ["f[3,4]", "n[2,3,4], offset=1", "i[2,3], offset=5"]
        => super::diagonal(x, offset, -2, -1);
    /// Sums of the diagonals of the last two axes.
    trace(x: Array, /, *, offset: Int = 0, dtype: DType = None) -> Values, module [linalg], cases ["f[3,4]", "n[2,3,4], offset=1", "i[2,3,4], offset=-1"]
        => super::fold(&super::SUM, &super::diagonal(x, offset, -2, -1)?, Some(&[-1]), dtype, None, false, None, None);
    /// Product of matrices, `x1 @ x2`; leading axes are broadcast, vectors count as a row or a column.
    matmul(x1: Array, x2: Array, /) -> Values, module [linalg], cases ["f[3,4], n[4,2]", "n[4], f[4,2]", "f[2,3,4], n[4]", "i[3], i[3]"]
        => matmul(x1, x2);
    /// Sums of products over axes of two arrays: as many as are told, or two lists of them.
    tensordot(x1: Array, x2: Array, /, *, axes: Pairs = 2) -> Values, module [linalg], cases ["f[2,3,4], n[3,4,2]", "f[2,3], n[3,2], axes=1", "f[2,3,4], n[4,3], axes=((1, 2), (1, 0))"]
        => super::paired(x1, x2, axes);
    /// The matrix, or each of a stack, transposed: a view.
    matrix_transpose(x: Kept, /) -> View, module [linalg], cases ["f[2,3,4]", "i[3,2]"]
        => matrix_transpose(x);
}
