//! Rules of whole operations: several results, or gradients of inputs that share work. Of operations that decompose they count where a
//! device has a kernel of its own; elsewhere the parts are recorded.

use crate::rule::Saves;
use crate::whole;
use minpy_core::ops::*;
use minpy_core::{Array, Result};

/// The sum of the terms that are there.
fn total(terms: impl IntoIterator<Item = Option<Array>>) -> Result<Option<Array>> {
    let mut all: Option<Array> = None;
    for t in terms.into_iter().flatten() {
        all = Some(match all {
            None => t,
            Some(a) => add(&a, &t)?,
        });
    }
    Ok(all)
}
/// `f` of what is there.
fn map(x: &Option<Array>, f: impl FnOnce(&Array) -> Result<Array>) -> Result<Option<Array>> {
    x.as_ref().map(f).transpose()
}

// The quotient of a division is a constant between its steps; the remainder is x1 - quotient * x2.
whole! { DIVMOD: [0 1]
    |s, gs| {
        let slope = |g: &Array| negative(&multiply(g, &floor_divide(s.x(0), s.x(1))?)?);
        Ok(vec![gs[1].clone(), if s.wants(1) { map(&gs[1], slope)? } else { None }])
    },
    ~ |s, ts| {
        let slope = |t: &Array| negative(&multiply(t, &floor_divide(s.x(0), s.x(1))?)?);
        Ok(vec![None, total([ts[0].clone(), map(&ts[1], slope)?])?])
    }
}
whole! { MODF: []
    |_, gs| Ok(vec![gs[0].clone()]),
    ~ |_, ts| Ok(vec![ts[0].clone(), None])
}
// The power of two is a constant between its steps.
fn unscaled(s: &Saves, g: &Array) -> Result<Array> {
    let (_, power) = frexp(s.x(0))?;
    multiply(g, &exp2(&negative(&cast(&power, g.dtype())?)?)?)
}
whole! { FREXP: [0]
    |s, gs| Ok(vec![map(&gs[0], |g| unscaled(s, g))?]),
    ~ |s, ts| Ok(vec![map(&ts[0], |t| unscaled(s, t))?, None])
}

fn softmax_map(s: &Saves, g: &Array) -> Result<Array> {
    let (y, axis) = (s.y(), [s.attrs::<Axis>()?.0 as isize]);
    multiply(y, &subtract(g, &sum(&multiply(g, y)?, Some(&axis), true)?)?)
}
// The Jacobian of softmax is symmetric.
whole! { SOFTMAX: [y]
    |s, gs| Ok(vec![map(&gs[0], |g| softmax_map(s, g))?]),
    ~ |s, ts| Ok(vec![map(&ts[0], |t| softmax_map(s, t))?])
}
whole! { LOG_SOFTMAX: [y]
    |s, gs| Ok(vec![map(&gs[0], |g| {
        let axis = [s.attrs::<Axis>()?.0 as isize];
        subtract(g, &multiply(&exp(s.y())?, &sum(g, Some(&axis), true)?)?)
    })?]),
    ~ |s, ts| Ok(vec![map(&ts[0], |t| {
        let axis = [s.attrs::<Axis>()?.0 as isize];
        subtract(t, &sum(&multiply(&exp(s.y())?, t)?, Some(&axis), true)?)
    })?])
}
