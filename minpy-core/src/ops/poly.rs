//! Polynomials by their coefficients, those of the highest powers first: polyval, polyadd, polysub, polyder, polyint.

use super::limit::there;
use super::{add, concatenate, divide, multiply, ramp, subtract, zeros, zeros_like};
use crate::context::current_device;
use crate::{Array, DType, Number, Operand, Result, bail};

/// The value of a polynomial at each element of `x`, by Horner's scheme.
///
/// # Errors
/// [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for coefficients that are no vector, or none at all.
pub fn polyval(p: &Array, x: &Array) -> Result<Array> {
    if p.ndim() != 1 || p.size() == 0 {
        bail!(NotNative, "polyval: coefficients with {} dimensions, or none", p.ndim());
    }
    let mut y = zeros_like(x)?;
    for i in 0..p.size() {
        y = add(&multiply(&y, x)?, &p.view(p.layout().select(0, i)))?;
    }
    Ok(y)
}
/// The shorter of two with zeros in front, so that both are as long.
fn aligned(a: &Array, b: &Array) -> Result<(Array, Array)> {
    let longest = a.size().max(b.size());
    let filled = |x: &Array| match longest - x.size() {
        0 => Ok(x.clone()),
        n => concatenate(&[zeros(&[n], x.dtype())?.to_device(x.device())?, x.clone()], 0, None),
    };
    Ok((filled(a)?, filled(b)?))
}
/// Coefficients as a vector: a number is one of them.
fn vector(name: &str, p: Option<Operand>) -> Result<Array> {
    let p = match there(p)? {
        Operand::Array(a) => a.clone(),
        Operand::Number(n) => Array::from_scalar_on(current_device()?, n.to_scalar(n.default_dtype())?)?,
        Operand::Scalar(s) => Array::from_scalar_on(current_device()?, s)?,
    };
    match p.ndim() {
        0 => p.expand_dims(0),
        1 => Ok(p),
        n => bail!(NotNative, "{name}: coefficients with {n} dimensions"),
    }
}
/// The exponents of the coefficients, or those plus one: `n, n - 1, ..., 1`.
fn exponents(n: usize) -> Result<Array> {
    ramp(Number::Int(n as i128), Number::Int(-1), n, DType::I64)
}
/// The `m`-th derivative.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for a negative `m`; [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for coefficients that are no
/// vector.
pub fn polyder(p: &Array, m: isize) -> Result<Array> {
    if m < 0 {
        bail!(Value, "Order of derivative must be positive (see polyint)");
    }
    if p.ndim() != 1 {
        bail!(NotNative, "polyder: coefficients with {} dimensions", p.ndim());
    }
    let mut p = p.clone();
    for _ in 0..m {
        let n = p.size().saturating_sub(1);
        p = multiply(&p.slice(0, 0, 1, n), &exponents(n)?.to_device(p.device())?)?;
    }
    Ok(p)
}
/// The `m`-th integral, with constants of 0.
///
/// # Errors
/// As [`polyder`].
pub fn polyint(p: &Array, m: isize) -> Result<Array> {
    if m < 0 {
        bail!(Value, "Order of integral must be positive (see polyder)");
    }
    if p.ndim() != 1 {
        bail!(NotNative, "polyint: coefficients with {} dimensions", p.ndim());
    }
    let mut p = p.clone();
    for _ in 0..m {
        let q = divide(&p, &exponents(p.size())?.to_device(p.device())?)?;
        p = concatenate(&[q.clone(), zeros(&[1], q.dtype())?.to_device(q.device())?], 0, None)?;
    }
    Ok(p)
}

crate::functions! {
    /// The value of a polynomial, whose highest coefficient comes first.
    polyval(p: Operand, x: Operand) -> Values, cases ["f[3], n[4]", "f[1], n[2,3]", "i[3], f[2]", "f[3], c[2]", "n[4], f[]"]
        => match (there(p)?, there(x)?) {
            (Operand::Array(p), Operand::Array(x)) => polyval(p, x),
            _ => bail!(NotNative, "polyval: of a number or at one"),
        };
    /// The sum of two polynomials.
    polyadd(a1: Operand, a2: Operand) -> Array, cases ["f[3], n[3]", "f[2], n[4]", "i[3], f[1]", "f[3], 2"]
        => {
            let (a, b) = aligned(&vector("polyadd", a1)?, &vector("polyadd", a2)?)?;
            add(&a, &b)
        };
    /// The difference of two polynomials.
    polysub(a1: Operand, a2: Operand) -> Array, cases ["f[3], n[3]", "f[2], n[4]", "i[3], f[1]", "f[3], 2"]
        => {
            let (a, b) = aligned(&vector("polysub", a1)?, &vector("polysub", a2)?)?;
            subtract(&a, &b)
        };
    /// The derivative of a polynomial, `m` times over.
    polyder(p: Operand, m: Int = 1) -> Array, cases ["f[4]", "n[4], m=2", "i[3]", "f[2], m=3"]
        => match there(p)? {
            Operand::Array(p) => polyder(p, m),
            _ => bail!(NotNative, "polyder: of a number"),
        };
    /// The integral of a polynomial, `m` times over.
    polyint(p: Operand, m: Int = 1, k: Foreign = None) -> Array, cases ["f[4]", "n[4], m=2", "i[3]"]
        => match there(p)? {
            Operand::Array(p) => polyint(p, m),
            _ => bail!(NotNative, "polyint: of a number"),
        };
}
