//! Covariance and correlation.

use super::{cast, clip, concatenate, conjugate, diag, divide, dot, mean, multiply, real, sqrt, subtract};
use crate::{Array, DType, Result, bail};

/// Variables as rows, observations as columns, in `dtype`.
fn variables(m: &Array, by_row: bool, dtype: DType, turned: bool) -> Result<Array> {
    let m = cast(m, dtype)?;
    match m.ndim() {
        0 => m.expand_dims(0)?.expand_dims(1),
        1 => m.expand_dims(0),
        2 if !by_row && turned => m.transpose(None),
        _ => Ok(m),
    }
}
/// Covariances of variables, which are the rows of `m` and then of `y` (`by_row`; else the columns): the sums of products of their distances
/// from their means, over the number of observations minus `ddof`. Of one variable its variance.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for more than two dimensions and different numbers of observations;
/// [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for no variable, and for too few observations, about which NumPy warns.
pub fn cov(m: &Array, y: Option<&Array>, by_row: bool, ddof: isize, dtype: Option<DType>) -> Result<Array> {
    for (name, a) in [("m", Some(m)), ("y", y)] {
        if a.is_some_and(|a| a.ndim() > 2) {
            bail!(Value, "{name} has more than 2 dimensions");
        }
    }
    let common = y.map_or(m.dtype(), |y| DType::promote(m.dtype(), y.dtype()));
    let dtype = dtype.unwrap_or(DType::promote(common, DType::F64));
    let mut x = variables(m, by_row, dtype, true)?;
    if let Some(y) = y {
        let turned = y.ndim() == 2 && y.shape()[0] != 1;
        x = concatenate(&[x, variables(y, by_row, dtype, turned)?], 0, None)?;
    }
    let count = x.shape()[1] as isize - ddof;
    if !dtype.is_inexact() || x.shape()[0] == 0 || count <= 0 {
        bail!(NotNative, "cov: of no variables or too few observations, or in {dtype}");
    }
    let x = subtract(&x, &mean(&x, Some(&[1]), true, None)?)?;
    let turned = x.transpose(None)?;
    let turned = if dtype.is_complex() { conjugate(&turned)? } else { turned };
    let c = multiply(&dot(&x, &turned)?, 1.0 / count as f64)?;
    super::squeeze(&c, None)
}
/// Pearson's correlations of variables: their covariances over the roots of their variances.
///
/// # Errors
/// Those of [`cov`]; [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for complex numbers.
pub fn corrcoef(x: &Array, y: Option<&Array>, by_row: bool, dtype: Option<DType>) -> Result<Array> {
    let c = cov(x, y, by_row, 1, dtype)?;
    if c.dtype().is_complex() {
        bail!(NotNative, "corrcoef: of complex numbers");
    }
    if c.ndim() == 0 {
        return divide(&c, &c);
    }
    let spread = sqrt(&real(&diag(&c, 0)?)?)?;
    let c = divide(&divide(&c, &spread.expand_dims(1)?)?, &spread)?;
    clip(&c, -1.0, 1.0)
}

crate::functions! {
    /// Covariances of variables, which are rows or columns.
    cov(m: Array, y: OptionalArray = None, rowvar: Flag = true, bias: Flag = false, ddof: OptionalInt = None, fweights: Foreign = None, aweights: Foreign = None, *, dtype: DType = None)
        -> Array, cases ["f[3,5]", "f[3,5], rowvar=False", "f[5], n[5]", "n[2,4], bias=True", "n[2,4], ddof=0", "c[2,3]", "i[6]"]
        => cov(m, y, rowvar, ddof.unwrap_or(!bias as isize), dtype);
    /// Pearson's correlations of variables, which are rows or columns.
    corrcoef(x: Array, y: OptionalArray = None, rowvar: Flag = true, *, dtype: DType = None)
        -> Values, cases ["f[3,5]", "n[4,3], rowvar=False", "f[5], n[5]", "n[6]"]
        => corrcoef(x, y, rowvar, dtype);
}
