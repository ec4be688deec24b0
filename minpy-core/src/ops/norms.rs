//! Norms of vectors and matrices (`np.linalg`), by NumPy's numbers and words.

use super::{MAX, MIN, absolute, add, cast, dot, fold, multiply, not_equal, power, reshape, sqrt, sum};
use crate::function::NumberOrWord;
use crate::layout::{Dims, normalize_axis};
use crate::{Array, DType, Result, bail};
use NumberOrWord::{Number, Word};
use smallvec::SmallVec;

type Axes = SmallVec<[isize; 6]>;

/// Squares of moduli.
fn squares(x: &Array) -> Result<Array> {
    let square = |x: &Array| multiply(x, x);
    if x.dtype().is_complex() {
        add(&square(&super::part(x, true)?)?, &square(&super::part(x, false)?)?)
    } else {
        square(x)
    }
}
fn inexact(x: &Array) -> Result<Array> {
    if x.dtype().is_inexact() { Ok(x.clone()) } else { cast(x, DType::F64) }
}
/// Up to so many elements one pass costs less than a product and what is around it.
const FEW: usize = 2048;

/// The root of the sum of squares of all elements.
fn length(x: &Array, keepdims: bool) -> Result<Array> {
    if x.size() <= FEW {
        return sqrt(&sum(&squares(x)?, None, keepdims)?);
    }
    let flat = reshape(x, &[-1])?;
    let squared = if x.dtype().is_complex() {
        let (re, im) = (super::part(&flat, true)?, super::part(&flat, false)?);
        add(&dot(&re, &re)?, &dot(&im, &im)?)?
    } else {
        dot(&flat, &flat)?
    };
    let length = sqrt(&squared)?;
    if keepdims { reshape(&length, &Axes::from_elem(1, x.ndim())) } else { Ok(length) }
}
/// The greatest (`most`) or least of numbers that are not negative; the greatest of none is 0.
fn extreme(x: &Array, axes: &[isize], most: bool, keepdims: bool) -> Result<Array> {
    let mut none = false;
    for &k in axes {
        none |= x.shape()[normalize_axis("linalg.norm", k, x.ndim())?] == 0;
    }
    let op = if most { &MAX } else { &MIN };
    if most && none {
        sum(x, Some(axes), keepdims)
    } else {
        fold(op, x, Some(axes), None, None, keepdims, None, None)
    }
}
/// Of each vector along the axes.
fn of_vectors(x: &Array, degree: Option<NumberOrWord>, axes: &[isize], keepdims: bool) -> Result<Array> {
    let total = |x: &Array| sum(x, Some(axes), keepdims);
    match degree {
        None => sqrt(&total(&squares(x)?)?),
        Some(Word(word)) => bail!(Value, "Invalid norm order '{word}' for vectors"),
        Some(Number(p)) => match p {
            f64::INFINITY | f64::NEG_INFINITY => extreme(&absolute(x)?, axes, p > 0.0, keepdims),
            0.0 => total(&cast(&not_equal(x, 0.0)?, x.dtype().real())?),
            1.0 => total(&absolute(x)?),
            2.0 => sqrt(&total(&squares(x)?)?),
            p => power(&total(&power(&absolute(x)?, p)?)?, 1.0 / p),
        },
    }
}
/// Of each matrix in these two axes.
fn of_matrices(x: &Array, degree: Option<NumberOrWord>, axes: &[isize], keepdims: bool) -> Result<Array> {
    for &k in axes {
        normalize_axis("linalg.norm", k, x.ndim())?;
    }
    let axes: Axes = axes.iter().map(|&k| if k < 0 { k + x.ndim() as isize } else { k }).collect();
    let (rows, columns) = (axes[0], axes[1]);
    if rows == columns {
        bail!(Value, "Duplicate axes given.");
    }
    // Of the sums of moduli along one axis.
    let sums = |along: isize, most: bool| {
        let sums = sum(&absolute(x)?, Some(&[along]), true)?;
        extreme(&sums, &axes, most, keepdims)
    };
    match degree {
        None | Some(Word("fro" | "f")) => sqrt(&sum(&squares(x)?, Some(&axes), keepdims)?),
        Some(Number(p)) if p.abs() == 1.0 => sums(rows, p > 0.0),
        Some(Number(p)) if p.is_infinite() => sums(columns, p > 0.0),
        Some(Number(2.0 | -2.0) | Word("nuc")) => bail!(NotNative, "linalg.norm: by singular values"),
        _ => bail!(Value, "Invalid norm order for matrices."),
    }
}

/// The norm of all elements, of the vectors along an axis, or of the matrices in two axes. Without a degree: Euclid's, or Frobenius'. Of vectors: the
/// sum of the `p`-th powers of moduli to the power `1 / p`, the greatest modulus for infinity, the least for its negative, for 0 the number of
/// elements that are not 0. Of matrices: the greatest sum of moduli in a column (1) or a row (infinity), the least one (-1, -infinity).
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for a degree that vectors or matrices do not have and for other numbers of axes,
/// [`ErrorKind::Axis`](crate::ErrorKind::Axis) for an axis that the array does not have,
/// [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for norms that are made of singular values.
pub fn norm(
    x: &Array,
    degree: Option<NumberOrWord>,
    axes: Option<&[isize]>,
    keepdims: bool,
) -> Result<Array> {
    let x = &inexact(x)?;
    let all: Axes;
    let axes = match axes {
        Some(axes) => axes,
        None => {
            let plain = match degree {
                None => true,
                Some(Word(word)) => matches!(word, "f" | "fro") && x.ndim() == 2,
                Some(Number(p)) => p == 2.0 && x.ndim() == 1,
            };
            if plain {
                return length(x, keepdims);
            }
            all = (0..x.ndim() as isize).collect();
            &all
        }
    };
    match axes.len() {
        1 => of_vectors(x, degree, axes, keepdims),
        2 => of_matrices(x, degree, axes, keepdims),
        _ => bail!(Value, "Improper number of dimensions to norm."),
    }
}
/// The norm of the vectors that all elements, or those in the axes, are: see [`norm`].
///
/// # Errors
/// As [`norm`].
pub fn vector_norm(
    x: &Array,
    degree: Option<NumberOrWord>,
    axes: Option<&[isize]>,
    keepdims: bool,
) -> Result<Array> {
    let x = &inexact(x)?;
    match axes {
        // No axis at all: each element is a vector.
        Some([]) => {
            let mut shape: Dims = x.shape().into();
            shape.insert(0, 1);
            let shape: Axes = shape.iter().map(|&n| n as isize).collect();
            of_vectors(&reshape(x, &shape)?, degree, &[0], false)
        }
        Some(axes) => {
            // Several axes are looked at before the degree, one after it.
            for &k in axes.iter().filter(|_| axes.len() > 1) {
                normalize_axis("linalg.vector_norm", k, x.ndim())?;
            }
            of_vectors(x, degree, axes, keepdims)
        }
        None => {
            let r = of_vectors(&reshape(x, &[-1])?, degree, &[0], false)?;
            if keepdims { reshape(&r, &Axes::from_elem(1, x.ndim())) } else { Ok(r) }
        }
    }
}

crate::functions! {
    /// A norm of all elements, of the vectors along an axis, or of the matrices in two axes: Euclid's (Frobenius'), or by `ord`.
    norm(x: Array, ord: NumberOrWord = None, axis: Axes = None, keepdims: Flag = false)
        -> Values, module [linalg], cases ["f[4]", "n[3,4]", "n[3,4], axis=1", "c[3]", "n[2,3,4], axis=(0, 2)", "i[3], keepdims=True", "n[4], 3", "c[4], 1", "n[4], inf",
            "n[4], -inf", "f[2,3], 0, axis=1", "n[3], -1.5", "n[3,4], 1", "n[3,4], -1", "c[3,4], inf", "n[2,3,4], -inf, axis=(2, 0), keepdims=True", "n[3,4], 'fro'", "c[2,3], 'f', axis=(1, 0)"]
        => norm(x, ord, axis, keepdims);
    /// A norm of the vectors that all elements, or those in the axes, are.
    vector_norm(x: Array, /, *, axis: Axes = None, keepdims: Flag = false, ord: NumberOrWord = Some(Number(2.0)))
        -> Values, module [linalg], cases ["f[4]", "n[3,4]", "n[3,4], axis=1, ord=1", "c[2,3], ord=3", "n[2,3,4], axis=(0, 2), keepdims=True", "n[2,3], ord=inf", "i[2,2], ord=-inf, keepdims=True", "n[3], ord=0"]
        => vector_norm(x, ord, axis, keepdims);
    /// A norm of the matrices in the last two axes.
    matrix_norm(x: Array, /, *, keepdims: Flag = false, ord: NumberOrWord = Some(Word("fro")))
        -> Values, module [linalg], cases ["n[3,4]", "c[2,3,4]", "n[2,3,4], ord=1", "f[3,4], ord=-1", "n[3,4], keepdims=True, ord=inf", "i[2,2], ord=-inf"]
        => norm(x, ord, Some(&[-2, -1]), keepdims);
}
