//! Windows, functions of signals, and what kind of numbers there are: bartlett, blackman, hamming, hanning, sinc, angle, isreal ...

use super::{
    absolute, add, arange, arctan2, cast, cos, divide, equal, full, less, less_equal, logical_not, multiply,
    select, sin, subtract, trunc, zeros_like,
};
use crate::context;
use crate::{Array, DType, Number, Result, bail};
use std::f64::consts::PI;

/// A window of `m` values, made of the distances from its middle, `1 - m, 3 - m, ..., m - 1`.
fn window(m: Option<Number>, f: impl FnOnce(&Array, f64) -> Result<Array>) -> Result<Array> {
    let m = match m {
        None | Some(Number::Complex(_)) => bail!(NotNative, "a window of no real length"),
        Some(m) => m.to_f64(),
    };
    if m <= 1.0 {
        return full(&[(m == 1.0) as usize], 1, DType::F64);
    }
    f(&arange(1.0 - m, m, 2.0, DType::F64)?, m - 1.0)
}
/// `c[0] + c[1] cos(pi n / last) + c[2] cos(2 pi n / last) ...`
fn cosines(m: Option<Number>, c: &[f64]) -> Result<Array> {
    window(m, |n, last| {
        let mut sum = None;
        for (k, &factor) in c.iter().enumerate().skip(1) {
            let wave = multiply(factor, &cos(&divide(&multiply(k as f64 * PI, n)?, last)?)?)?;
            sum = Some(match sum {
                None => add(c[0], &wave)?,
                Some(s) => add(&s, &wave)?,
            });
        }
        sum.map_or_else(|| full(n.shape(), c[0], DType::F64), Ok)
    })
}
/// `sin(pi x) / (pi x)`, 1 at 0.
///
/// # Errors
/// [`ErrorKind::Type`](crate::ErrorKind::Type) for dtypes that `sin` does not take.
pub fn sinc(x: &Array) -> Result<Array> {
    let x = multiply(PI, x)?;
    let eps = match x.dtype() {
        DType::F16 => 2f64.powi(-10),
        DType::F32 => f32::EPSILON as f64,
        DType::F64 => f64::EPSILON,
        _ => 1e-20,
    };
    if context::flags() & context::RECORDING == 0 {
        let y = select(&x, &x, eps)?;
        return divide(&sin(&y)?, &y);
    }
    // Derivatives of the quotient cancel near 0: there it is Taylor's series, as exact below 0.1 as the quotient.
    let near = less(&absolute(&x)?, 0.1)?;
    let (inner, outer) = (select(&near, &x, 0)?, select(&near, 1, &x)?);
    let square = multiply(&inner, &inner)?;
    let mut series = multiply(&square, 1.0 / 362_880.0)?;
    for c in [-1.0 / 5040.0, 1.0 / 120.0, -1.0 / 6.0] {
        series = multiply(&add(&series, c)?, &square)?;
    }
    select(&near, &add(&series, 1)?, &divide(&sin(&outer)?, &outer)?)
}
/// The angle of complex numbers in radians, or in degrees; of real ones 0 or pi.
///
/// # Errors
/// [`ErrorKind::Type`](crate::ErrorKind::Type) for dtypes that `arctan2` does not take.
pub fn angle(z: &Array, degrees: bool) -> Result<Array> {
    let angle = match z.dtype().is_complex() {
        true => arctan2(&super::imag(z)?, &super::real(z)?)?,
        false => arctan2(Number::Int(0), z)?,
    };
    if degrees { multiply(&angle, 180.0 / PI) } else { Ok(angle) }
}
/// Where there are infinite elements of that sign.
fn infinite(a: &Array, negative: bool) -> Result<Array> {
    if a.dtype().is_complex() {
        bail!(
            Type,
            "This operation is not supported for {} values because it would be ambiguous.",
            a.dtype()
        );
    }
    equal(a, if negative { f64::NEG_INFINITY } else { f64::INFINITY })
}
/// Where the imaginary part is zero.
fn is_real(x: &Array) -> Result<Array> {
    if x.dtype().is_complex() {
        equal(&super::imag(x)?, 0)
    } else {
        logical_not(&cast(&zeros_like(x)?, DType::Bool)?)
    }
}

crate::functions! {
    /// Bartlett's window: a triangle with zeros at its ends.
    bartlett(M: Number) -> Array, cases ["7", "1", "0", "4.5"]
        => window(M, |n, last| {
            let slope = divide(n, last)?;
            select(&less_equal(n, 0)?, &add(1, &slope)?, &subtract(1, &slope)?)
        });
    /// Blackman's window: three terms of cosines.
    blackman(M: Number) -> Array, cases ["7", "1", "0"] => cosines(M, &[0.42, 0.5, 0.08]);
    /// Hamming's window: a cosine on a pedestal.
    hamming(M: Number) -> Array, cases ["7", "1", "0"] => cosines(M, &[0.54, 0.46]);
    /// Hann's window: a raised cosine.
    hanning(M: Number) -> Array, cases ["7", "1", "0"] => cosines(M, &[0.5, 0.5]);
    /// The normalised sinc function, sin(pi x) / (pi x).
    sinc(x: Array) -> Values, cases ["n[5]", "f[2,3]", "i[4]", "c[3]"] => sinc(x);
    /// The angle of complex numbers.
    angle(z: Array, deg: Flag = false) -> Values, cases ["c[3]", "n[2,3]", "c[3], deg=True", "i[4]"] => angle(z, deg);
    /// Where there is positive infinity.
    isposinf(x: Array, out: Out = None) -> Values, constant, cases ["f[3]", "i[3]"] => infinite(x, false);
    /// Where there is negative infinity.
    isneginf(x: Array, out: Out = None) -> Values, constant, cases ["f[3]", "i[3]"] => infinite(x, true);
    /// Where the imaginary part is zero.
    isreal(x: Ours) -> Values, constant, cases ["c[3]", "f[2,3]"] => is_real(x);
    /// Where the imaginary part is not zero.
    iscomplex(x: Array) -> Values, constant, cases ["c[3]", "f[2,3]"] => logical_not(&is_real(x)?);
    /// Rounded towards zero.
    fix(x: Array, out: Out = None) -> Values, constant, cases ["n[2,3]", "i[3]"] => trunc(x);
}
