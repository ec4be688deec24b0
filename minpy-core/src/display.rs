//! How an array prints: NumPy's brackets, aligned columns, and `...` in the middle of long axes.

use crate::{Array, Number};
use rustc_hash::FxHashMap;
use std::fmt;

/// Longer arrays are summarised, as NumPy does by default.
const THRESHOLD: usize = 1000;
/// Items kept at each end of a summarised axis.
const EDGE: usize = 3;

impl fmt::Display for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let precision = f.precision();
        let Ok(host) = crate::ops::contiguous(self).and_then(|a| a.to_bytes()) else {
            return write!(
                f,
                "<traced array of shape {} and dtype {}>",
                crate::layout::show(self.shape()),
                self.dtype()
            );
        };
        let item = self.dtype().size();
        let summary = self.size() > THRESHOLD;
        let text = |k: usize| {
            number(crate::Scalar::from_bytes(self.dtype(), &host[k * item..][..item]).number(), precision)
        };
        // By their numbers: few of a large array are shown.
        let mut cells: FxHashMap<usize, String> = FxHashMap::default();
        visit(self.shape(), summary, 0, &mut |k| drop(cells.insert(k, text(k))));
        let width = cells.values().map(|c| c.len()).max().unwrap_or(0);
        write_axis(f, self.shape(), summary, 0, &mut 0, &|f, k| {
            write!(f, "{:>width$}", cells.get(&k).map_or("", |c| c))
        })
    }
}

fn number(n: Number, precision: Option<usize>) -> String {
    let float = |x: f64| match precision {
        Some(p) => format!("{x:.p$}"),
        None if x.is_finite() && x.abs() >= 1e16 || x != 0.0 && x.abs() < 1e-4 => format!("{x:e}"),
        None => format!("{}", (x * 1e8).round() / 1e8),
    };
    match n {
        Number::Bool(b) => (if b { "True" } else { "False" }).to_string(),
        Number::Int(i) => i.to_string(),
        Number::Float(x) if x.is_nan() => "nan".to_string(),
        Number::Float(x) => float(x),
        Number::Complex(c) => {
            format!("{}{}{}j", float(c.re), if c.im < 0.0 { "-" } else { "+" }, float(c.im.abs()))
        }
    }
}

/// Indices of one axis that are shown; `None` stands for the dots.
fn shown(n: usize, summary: bool) -> Vec<Option<usize>> {
    if summary && n > 2 * EDGE {
        (0..EDGE).map(Some).chain([None]).chain((n - EDGE..n).map(Some)).collect()
    } else {
        (0..n).map(Some).collect()
    }
}
fn visit(shape: &[usize], summary: bool, base: usize, f: &mut impl FnMut(usize)) {
    match shape.split_first() {
        None => f(base),
        Some((&n, rest)) => {
            shown(n, summary).into_iter().flatten().for_each(|i| visit(rest, summary, base * n + i, f))
        }
    }
}
type Cell<'a> = dyn Fn(&mut fmt::Formatter<'_>, usize) -> fmt::Result + 'a;
fn write_axis(
    f: &mut fmt::Formatter<'_>,
    shape: &[usize],
    summary: bool,
    base: usize,
    depth: &mut usize,
    cell: &Cell,
) -> fmt::Result {
    let Some((&n, rest)) = shape.split_first() else { return cell(f, base) };
    f.write_str("[")?;
    *depth += 1;
    for (k, i) in shown(n, summary).into_iter().enumerate() {
        if k > 0 {
            match rest.len() {
                0 => f.write_str(" ")?,
                lines => write!(f, "{}{}", "\n".repeat(lines), " ".repeat(*depth))?,
            }
        }
        match i {
            Some(i) => write_axis(f, rest, summary, base * n + i, depth, cell)?,
            None => f.write_str("...")?,
        }
    }
    *depth -= 1;
    f.write_str("]")
}
