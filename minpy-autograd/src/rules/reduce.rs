//! Rules of reductions: the gradient spreads back over the reduced axes.

use crate::rule::Saves;
use crate::rules;
use minpy_core::ops::*;
use minpy_core::{Array, Result};

fn parts<'a>(s: &Saves<'a>) -> Result<(&'a [usize], bool)> {
    let along: &Along = s.attrs()?;
    Ok((&along.axes, along.keepdims))
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
/// Ones where an element is the extreme of its place, and how many of them share that place; the reduced axes have size 1.
/// Axes in the order `order`.
fn hits(s: &Saves, order: &[usize]) -> Result<(Array, Array)> {
    let turned = |a: &Array| a.view(a.layout().transpose(Some(order)));
    let (x, y) = (turned(s.array(0)), turned(&kept(s, s.y())?));
    // A narrower `out=` has rounded the result: what rounds to it won.
    let seen = if x.dtype() == y.dtype() { x.clone() } else { cast(&x, y.dtype())? };
    let hit = cast(&equal(&seen, &y)?, x.dtype())?;
    let (axes, _) = parts(s)?;
    let axes: Vec<isize> =
        (0..order.len()).filter(|&i| axes.contains(&order[i])).map(|i| i as isize).collect();
    let count = sum(&hit, Some(&axes), true)?;
    Ok((hit, count))
}
/// Ties share evenly, as the mean of the one-sided derivatives.
fn weights(s: &Saves) -> Result<Array> {
    let order: Vec<usize> = (0..s.array(0).ndim()).collect();
    let (hit, count) = hits(s, &order)?;
    divide(&hit, &count)
}
/// The gradient `g` of an extreme, shared by those that are it.
fn share(s: &Saves, g: &Array) -> Result<Array> {
    let x = s.array(0);
    // Of windows that overlap the gradient is added up place by place: each place of all windows lies together.
    let mut order: Vec<usize> = (0..x.ndim()).collect();
    if !x.layout().is_injective() {
        let (axes, _) = parts(s)?;
        order.sort_by_key(|i| !axes.contains(i));
    }
    let (hit, count) = hits(s, &order)?;
    let g = kept(s, g)?;
    let g = g.view(g.layout().transpose(Some(&order)));
    let shared = multiply(&hit, &divide(&g, &count)?)?;
    let mut back = vec![0; order.len()];
    for (k, &i) in order.iter().enumerate() {
        back[i] = k;
    }
    Ok(shared.view(shared.layout().transpose(Some(&back))))
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

rules! {
    SUM: [] |s, g| spread(s, g), ~ |s, t| fold(s, t) ;;
    PROD: [0] |s, g| multiply(&kept(s, g)?, &others(s)?), ~ |s, t| fold(s, &multiply(t, &others(s)?)?) ;;
    MAX: [0 y] |s, g| share(s, g), ~ |s, t| fold(s, &multiply(t, &weights(s)?)?) ;;
    MIN: [0 y] |s, g| share(s, g), ~ |s, t| fold(s, &multiply(t, &weights(s)?)?) ;;
}
