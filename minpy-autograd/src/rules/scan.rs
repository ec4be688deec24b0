//! Rules of running folds.

use crate::rule::Saves;
use crate::rules;
use minpy_core::ops::*;
use minpy_core::{Array, Result};

fn axis(s: &Saves) -> Result<usize> {
    s.attrs::<Axis>().map(|a| a.0)
}
fn reversed(a: &Array, axis: usize) -> Array {
    let n = a.shape()[axis];
    a.slice(axis, n.saturating_sub(1), -1, n)
}
fn sum_from_the_end(g: &Array, axis: usize) -> Result<Array> {
    Ok(reversed(&cumsum(&reversed(g, axis), axis as isize)?, axis))
}

/// The elements `by` places further along the axis, zeros where there are none.
fn ahead(a: &Array, axis: usize, by: usize) -> Result<Array> {
    let n = a.shape()[axis];
    let out = zeros_like(a)?;
    assign(&out.slice(axis, 0, 1, n - by), &a.slice(axis, by, 1, n - by))?;
    Ok(out)
}
/// The linear recurrence `r[k] = b[k] + a[k] * r[k + 1]`, by doubling: after step s every element has seen 2^s others.
fn recurrence(a: &Array, b: &Array, axis: usize) -> Result<Array> {
    let (mut a, mut r) = (a.clone(), b.clone());
    let mut by = 1;
    while by < r.shape()[axis] {
        r = add(&r, &multiply(&a, &ahead(&r, axis, by)?)?)?;
        a = multiply(&a, &ahead(&a, axis, by)?)?;
        by *= 2;
    }
    Ok(r)
}
/// The product of the elements before each one.
fn before(x: &Array, axis: usize) -> Result<Array> {
    let n = x.shape()[axis];
    let out = ones_like(x)?;
    if n > 1 {
        assign(&out.slice(axis, 1, 1, n - 1), &cumprod(&x.slice(axis, 0, 1, n - 1), axis as isize)?)?;
    }
    Ok(out)
}
/// Without a division, so that elements may be 0: `dx[k] = (product before k) * r[k]`, `r[k] = g[k] + x[k+1] * r[k+1]`.
fn cumprod_back(s: &Saves, g: &Array) -> Result<Array> {
    let (x, axis) = (s.array(0), axis(s)?);
    multiply(&before(x, axis)?, &recurrence(&ahead(x, axis, 1.min(x.shape()[axis]))?, g, axis)?)
}
/// `t[k] = x[k] * t[k-1] + dx[k] * (product before k)`.
fn cumprod_forward(s: &Saves, t: &Array) -> Result<Array> {
    let (x, axis) = (s.array(0), axis(s)?);
    let b = multiply(t, &before(x, axis)?)?;
    Ok(reversed(&recurrence(&reversed(x, axis), &reversed(&b, axis), axis)?, axis))
}

rules! {
    CUMSUM: [] |s, g| sum_from_the_end(g, axis(s)?), ~ |s, t| cumsum(t, axis(s)? as isize) ;;
    CUMPROD: [0] |s, g| cumprod_back(s, g), ~ |s, t| cumprod_forward(s, t) ;;
}
