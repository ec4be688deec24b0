//! Rules of running folds.

use crate::rule::{Saves, rules};
use minpy_core::ops::*;
use minpy_core::{Array, Attrs, Result, bail};

fn axis(s: &Saves) -> Result<usize> {
    match s.attrs() {
        Attrs::Axis(a) => Ok(*a),
        _ => bail!(Type, "scan: wrong attributes"),
    }
}
fn reversed(a: &Array, axis: usize) -> Array {
    let n = a.shape()[axis];
    a.slice(axis, n.saturating_sub(1), -1, n)
}
fn sum_from_the_end(g: &Array, axis: usize) -> Result<Array> {
    Ok(reversed(&cumsum(&reversed(g, axis), axis as isize)?, axis))
}

rules! { RULES {
    CUMSUM: [] |s, g| sum_from_the_end(g, axis(s)?), ~ |s, t| cumsum(t, axis(s)? as isize) ;;
    // Undefined (inf or nan) where an element is 0.
    CUMPROD: [0 y] |s, g| divide(&sum_from_the_end(&multiply(g, s.y())?, axis(s)?)?, s.x(0)),
        ~ |s, t| multiply(s.y(), &cumsum(&divide(t, s.x(0))?, axis(s)? as isize)?) ;;
} }
