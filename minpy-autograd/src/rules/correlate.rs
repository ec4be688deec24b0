//! Rules of sums of shifted products: those of their derivatives are of the same kind.

use crate::rule::Saves;
use crate::rules;
use minpy_core::ops::*;
use minpy_core::{Array, Result};

fn turned(a: &Array) -> Array {
    let n = a.size();
    a.slice(0, n.saturating_sub(1), -1, n)
}
/// `da[m] = sum over n of g[n] * v[m - n + lead]`
fn of_first(s: &Saves, g: &Array) -> Result<Array> {
    let v = s.array(1);
    let lead = v.size() as isize - 1 - s.attrs::<Shifts>()?.lead;
    shifted_products(g, &turned(v), lead, s.shape(0)[0])
}
/// `dv[k] = sum over n of g[n] * a[n + k - lead]`
fn of_second(s: &Saves, g: &Array) -> Result<Array> {
    shifted_products(s.array(0), g, s.attrs::<Shifts>()?.lead, s.shape(1)[0])
}
fn along(s: &Saves, a: &Array, v: &Array) -> Result<Array> {
    let &Shifts { lead, len } = s.attrs()?;
    shifted_products(a, v, lead, len)
}

rules! {
    CORRELATE: [1] |s, g| of_first(s, g), ~ |s, t| along(s, t, s.array(1));
        [0] |s, g| of_second(s, g), ~ |s, t| along(s, s.array(0), t) ;;
}
