//! Rules of reductions: the gradient spreads back over the reduced axes.

use crate::rule::{Saves, rules};
use minpy_core::ops::*;
use minpy_core::{Array, Attrs, Result, bail};

fn parts<'a>(s: &Saves<'a>) -> Result<(&'a [usize], bool)> {
    match s.attrs() {
        Attrs::Reduce { axes, keepdims, .. } => Ok((axes, *keepdims)),
        _ => bail!(Type, "reduce: wrong attributes"),
    }
}
/// `a` (the reduced shape) with the reduced axes back, of size 1.
fn kept(s: &Saves, a: &Array) -> Result<Array> {
    let (axes, keepdims) = parts(s)?;
    if keepdims {
        return Ok(a.clone());
    }
    Ok(a.view(axes.iter().fold(a.layout().clone(), |l, &i| l.insert_axis(i))))
}
fn spread(s: &Saves, a: &Array) -> Result<Array> {
    kept(s, a)?.broadcast_to(s.shape(0))
}
fn fold(s: &Saves, t: &Array) -> Result<Array> {
    let (axes, keepdims) = parts(s)?;
    let axes: Vec<isize> = axes.iter().map(|&i| i as isize).collect();
    sum(t, Some(&axes), keepdims)
}
/// Ties share evenly, as the mean of the one-sided derivatives.
fn weights(s: &Saves) -> Result<Array> {
    let (x, y) = (s.array(0), s.y());
    // A narrower `out=` has rounded the result: what rounds to it won.
    let seen = if x.dtype() == y.dtype() { x.clone() } else { cast(x, y.dtype())? };
    let hit = cast(&equal(&seen, &kept(s, y)?)?, x.dtype())?;
    let (axes, _) = parts(s)?;
    let axes: Vec<isize> = axes.iter().map(|&i| i as isize).collect();
    divide(&hit, &sum(&hit, Some(&axes), true)?)
}
/// The product of the other elements, without dividing (an element may be 0): running products from both sides.
fn others(s: &Saves) -> Result<Array> {
    let x = s.array(0);
    let (axes, _) = parts(s)?;
    let order: Vec<usize> = (0..x.ndim()).filter(|i| !axes.contains(i)).chain(axes.iter().copied()).collect();
    let moved = x.view(x.layout().transpose(Some(&order)));
    let n: usize = axes.iter().map(|&i| x.shape()[i]).product();
    let flat = reshape(&moved, &[(x.size() / n.max(1)) as isize, n as isize])?;
    let side = |a: &Array, reversed: bool| -> Result<Array> {
        let out = ones_like(a)?;
        let (m, n) = (a.shape()[0], a.shape()[1]);
        if n > 1 {
            let a = if reversed { a.slice(1, n - 1, -1, n) } else { a.clone() };
            let o = if reversed { out.slice(1, n - 1, -1, n) } else { out.clone() };
            assign(&o.slice(1, 1, 1, n - 1), &cumprod(&a.slice(1, 0, 1, n - 1), 1)?)?;
        }
        debug_assert_eq!(out.shape(), [m, n]);
        Ok(out)
    };
    let all = multiply(&side(&flat, false)?, &side(&flat, true)?)?;
    let shape: Vec<isize> = moved.shape().iter().map(|&n| n as isize).collect();
    let all = reshape(&all, &shape)?;
    let mut back = vec![0; order.len()];
    for (k, &i) in order.iter().enumerate() {
        back[i] = k;
    }
    Ok(all.view(all.layout().transpose(Some(&back))))
}

rules! { RULES {
    SUM: [] |s, g| spread(s, g), ~ |s, t| fold(s, t) ;;
    PROD: [0] |s, g| multiply(&kept(s, g)?, &others(s)?), ~ |s, t| fold(s, &multiply(t, &others(s)?)?) ;;
    MAX: [0 y] |s, g| multiply(&kept(s, g)?, &weights(s)?), ~ |s, t| fold(s, &multiply(t, &weights(s)?)?) ;;
    MIN: [0 y] |s, g| multiply(&kept(s, g)?, &weights(s)?), ~ |s, t| fold(s, &multiply(t, &weights(s)?)?) ;;
} }
