//! How an array prints: `Display` as NumPy's `print` does it, digit for digit; `Debug` as its `repr` does, with shape and device.
//!
//! What is to be computed is computed, and only what is shown is read. The rules are those of numpy/_core/arrayprint.py.

use crate::f16;
use crate::layout::show;
use crate::{Array, DType, Number, Result, Scalar, memory};
use std::fmt;

/// Longer arrays are summarised, as NumPy does by default.
const THRESHOLD: usize = 1000;
/// Items kept at each end of a summarised axis.
const EDGE: usize = 3;
/// Columns of a line.
const WIDTH: usize = 75;
/// Digits after the point.
const PRECISION: usize = 8;

/// `[1. 2. 3.]`. `{:.3}` shows at most three digits after the point.
impl fmt::Display for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text(self, f.precision(), " ", "", true))
    }
}
/// `Array([1., 2., 3.], shape=(3,), dtype=float64, device=cpu(0))`.
impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = text(self, f.precision(), ", ", "Array(", false);
        write!(
            f,
            "Array({values}, shape={}, dtype={}, device={})",
            show(self.shape()),
            self.dtype(),
            self.device()
        )
    }
}
/// The value alone; `Debug` adds the dtype.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&alone(self, f.precision()))
    }
}

fn text(a: &Array, precision: Option<usize>, separator: &str, prefix: &str, bare_number: bool) -> String {
    if a.buffer().is_placeholder() {
        return format!("<traced array of shape {} and dtype {}>", show(a.shape()), a.dtype());
    }
    if a.size() == 0 {
        return "[]".into();
    }
    let summary = a.size() > THRESHOLD;
    let mut values = Vec::new();
    if let Err(e) = read(a, 0, summary, &mut values) {
        return format!("<array of shape {} and dtype {}: {e}>", show(a.shape()), a.dtype());
    }
    if let (true, [value]) = (a.ndim() == 0 && (bare_number || a.dtype() == DType::Bool), &values[..]) {
        return alone(value, precision);
    }
    let mut cells = cells(&values, precision.unwrap_or(PRECISION)).into_iter();
    let indent = " ".repeat(prefix.len() + 1);
    Page { separator, summary }.axis(a.shape(), &indent, WIDTH, &mut cells)
}

/// The positions that are shown of an axis, as ranges.
fn shown(n: usize, summary: bool) -> [std::ops::Range<usize>; 2] {
    if summary && n > 2 * EDGE { [0..EDGE, n - EDGE..n] } else { [0..n, n..n] }
}
/// The elements that are shown, in the order in which they print.
fn read(a: &Array, axis: usize, summary: bool, to: &mut Vec<Scalar>) -> Result<()> {
    if !summary || a.ndim() == 0 {
        memory::grow(to, a.size())?;
        to.extend(a.to_bytes()?.chunks(a.dtype().size()).map(|b| Scalar::from_bytes(a.dtype(), b)));
        return Ok(());
    }
    let last = axis + 1 == a.ndim();
    for range in shown(a.shape()[axis], true) {
        if last {
            read(&a.slice(axis, range.start, 1, range.len()), axis, false, to)?;
        } else {
            range.into_iter().try_for_each(|i| read(&a.slice(axis, i, 1, 1), axis + 1, true, to))?;
        }
    }
    Ok(())
}

/// Where the cells go: `_formatArray` of NumPy.
struct Page<'a> {
    separator: &'a str,
    summary: bool,
}
impl Page<'_> {
    fn axis(
        &self,
        shape: &[usize],
        indent: &str,
        width: usize,
        cells: &mut impl Iterator<Item = String>,
    ) -> String {
        let Some((&n, rest)) = shape.split_first() else { return cells.next().unwrap_or_default() };
        let [head, tail] = shown(n, self.summary);
        let dots = !tail.is_empty();
        let items = head.len() + tail.len() + dots as usize;
        let (deeper, mut s) = (format!("{indent} "), String::new());
        let mut line = indent.to_string();
        for k in 0..items {
            let word = match dots && k == EDGE {
                true => "...".to_string(),
                false => self.axis(rest, &deeper, width - 1, cells),
            };
            let last = k + 1 == items;
            if !rest.is_empty() {
                s += indent;
                s += &word;
                if !last {
                    s += self.separator.trim_end();
                    s += &"\n".repeat(rest.len());
                }
                continue;
            }
            // A line that holds nothing yet is not made shorter by another one.
            let room = width - self.separator.trim_end().len().max(1);
            if line.len() + word.len() > room && line.len() > indent.len() {
                s += line.trim_end();
                s.push('\n');
                line = indent.to_string();
            }
            line += &word;
            if !last {
                line += self.separator;
            }
        }
        if rest.is_empty() {
            s += &line;
        }
        format!("[{}]", &s[indent.len()..])
    }
}

/// The elements as text, all of one width.
fn cells(values: &[Scalar], precision: usize) -> Vec<String> {
    let numbers: Vec<Number> = values.iter().map(Scalar::number).collect();
    let bytes = values[0].dtype().real().size();
    let column = |part: &dyn Fn(&Number) -> f64, plus: bool| -> Vec<String> {
        let reals: Vec<f64> = numbers.iter().map(part).collect();
        let format = Reals::new(&reals, bytes, precision, plus);
        reals.iter().map(|&x| format.cell(x)).collect()
    };
    match numbers[0] {
        Number::Bool(_) => {
            numbers.iter().map(|n| if n.is_true() { " True" } else { "False" }.into()).collect()
        }
        Number::Int(_) => {
            let text = |n: &Number| if let Number::Int(i) = n { i.to_string() } else { String::new() };
            let all: Vec<String> = numbers.iter().map(text).collect();
            let width = all.iter().map(String::len).max().unwrap_or(0);
            all.iter().map(|s| format!("{s:>width$}")).collect()
        }
        Number::Float(_) => column(&|n| n.to_f64(), false),
        Number::Complex(_) => {
            let imaginary = |n: &Number| if let Number::Complex(c) = n { c.im } else { 0.0 };
            let parts = column(&|n| n.to_f64(), false).into_iter().zip(column(&imaginary, true));
            parts
                .map(|(re, im)| {
                    let digits = im.trim_end().len();
                    format!("{re}{}j{}", &im[..digits], &im[digits..])
                })
                .collect()
        }
    }
}

/// How real numbers of one array print: NumPy's `FloatingFormat` in its default mode.
struct Reals {
    bytes: usize,
    /// Digits after the point: the most that any number needs, and never more than asked for.
    precision: usize,
    /// Digits of the exponent, where there is one.
    exponent: Option<usize>,
    left: usize,
    right: usize,
    /// A sign before positive numbers.
    plus: bool,
}
impl Reals {
    fn new(values: &[f64], bytes: usize, precision: usize, plus: bool) -> Reals {
        let finite = || values.iter().copied().filter(|x| x.is_finite());
        let (mut min, mut max) = (f64::INFINITY, 0f64);
        for x in finite().filter(|&x| x != 0.0) {
            (min, max) = (min.min(x.abs()), max.max(x.abs()));
        }
        // Compared in the dtype itself.
        let of = |x: f64| narrow(x, bytes);
        let large = of(10f64.powi(digits_of(bytes).min(8)));
        let scientific = max > 0.0 && (max >= large || min < of(0.0001) || of(max / min) > of(1000.0));
        let mut r = Reals { bytes, precision, exponent: scientific.then_some(0), left: 0, right: 0, plus };
        let mut digits = 0;
        for x in finite() {
            let (whole, fraction, exponent) = r.parts(x);
            r.left = r.left.max(whole.len());
            digits = digits.max(fraction.len());
            r.exponent = r.exponent.map(|e| e.max(exponent.trim_start_matches('-').len()));
        }
        r.precision = digits;
        r.right = match r.exponent {
            Some(e) => e + 2 + digits,
            None => digits,
        };
        for x in values.iter().filter(|x| !x.is_finite()) {
            let signed = !x.is_nan() && (*x < 0.0 || plus);
            r.left = r.left.max((3 + signed as usize).saturating_sub(r.right + 1));
        }
        r
    }
    /// Sign and digits before the point, digits after it without zeros at the end, digits of the exponent (at least two).
    fn parts(&self, x: f64) -> (String, String, String) {
        let split = |s: &str| match s.split_once('.') {
            Some((a, b)) => (a.to_string(), b.trim_end_matches('0').to_string()),
            None => (s.to_string(), String::new()),
        };
        let (mantissa, exponent) = if self.exponent.is_some() {
            let all = shortest(x, self.bytes, true);
            let fraction =
                all.split('e').next().unwrap_or_default().split_once('.').map_or(0, |(_, b)| b.len());
            let s = if fraction > self.precision { format!("{x:.*e}", self.precision) } else { all };
            let (m, e) = s.split_once('e').unwrap_or((&s, "0"));
            let (sign, e) = e.strip_prefix('-').map_or(("", e), |e| ("-", e));
            (m.to_string(), format!("{sign}{e:0>2}"))
        } else {
            let all = shortest(x, self.bytes, false);
            let fraction = all.split_once('.').map_or(0, |(_, b)| b.len());
            (if fraction > self.precision { format!("{x:.*}", self.precision) } else { all }, String::new())
        };
        let (whole, fraction) = split(&mantissa);
        let whole = if self.plus && !whole.starts_with('-') { format!("+{whole}") } else { whole };
        (whole, fraction, exponent)
    }
    fn cell(&self, x: f64) -> String {
        let (left, right) = (self.left, self.right);
        if !x.is_finite() {
            let sign = if x == f64::NEG_INFINITY {
                "-"
            } else if self.plus {
                "+"
            } else {
                ""
            };
            let word = format!("{sign}{}", if x.is_nan() { "nan" } else { "inf" });
            return format!("{word:>width$}", width = left + right + 1);
        }
        let Some(size) = self.exponent else {
            let (whole, fraction, _) = self.parts(x);
            return format!("{whole:>left$}.{fraction:<right$}");
        };
        // Digits beyond those that name the number are those of its exact value.
        let all = format!("{x:.*e}", self.precision);
        let (mantissa, e) = all.split_once('e').unwrap_or((&all, "0"));
        let (sign, e) = e.strip_prefix('-').map_or(("+", e), |e| ("-", e));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let plus = if self.plus && !whole.starts_with('-') { "+" } else { "" };
        let whole = format!("{plus}{whole}");
        format!("{whole:>left$}.{fraction}e{sign}{e:0>size$}")
    }
}

/// `x` as a float of so many bytes has it.
fn narrow(x: f64, bytes: usize) -> f64 {
    match bytes {
        2 => f16::from_f64(x).to_f64(),
        4 => x as f32 as f64,
        _ => x,
    }
}
/// Decimal digits that floats of so many bytes have for certain (`finfo.precision`).
fn digits_of(bytes: usize) -> i32 {
    match bytes {
        2 => 3,
        4 => 6,
        _ => 15,
    }
}
/// The fewest digits that name a finite number among the floats of so many bytes.
fn shortest(x: f64, bytes: usize, scientific: bool) -> String {
    let all = fewest(x, bytes, scientific);
    // Half way between two names of that length: the even one, as exact rounding has it.
    let digits = all.split('e').next().unwrap_or_default();
    let even = if scientific {
        let places = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        format!("{x:.places$e}")
    } else {
        let Some((_, fraction)) = digits.split_once('.') else { return all };
        format!("{x:.*}", fraction.len())
    };
    let same = even.parse::<f64>().is_ok_and(|d| narrow(d, bytes) == x);
    if same && bytes > 2 { even } else { all }
}
fn fewest(x: f64, bytes: usize, scientific: bool) -> String {
    // The fewest digits of a half name a double that prints with the same digits.
    let x = if bytes == 2 {
        let named = |p: usize| format!("{x:.p$e}").parse::<f64>().ok().filter(|&d| narrow(d, 2) == x);
        (0..6).find_map(named).unwrap_or(x)
    } else {
        x
    };
    match (bytes, scientific) {
        (4, true) => format!("{:e}", x as f32),
        (4, false) => format!("{}", x as f32),
        (_, true) => format!("{x:e}"),
        (_, false) => format!("{x}"),
    }
}

/// A number by itself, as NumPy's scalars print: every digit that is needed.
fn alone(value: &Scalar, precision: Option<usize>) -> String {
    let bytes = value.dtype().real().size();
    let real = |x: f64, point: &str| -> String {
        if !x.is_finite() {
            return if x.is_nan() {
                "nan"
            } else if x < 0.0 {
                "-inf"
            } else {
                "inf"
            }
            .into();
        }
        if let Some(p) = precision {
            return format!("{x:.p$}");
        }
        let large = if bytes == 8 { 1e16 } else { 10f64.powi(digits_of(bytes)) };
        if x == 0.0 || (1e-4..large).contains(&x.abs()) {
            let s = shortest(x, bytes, false);
            return if s.contains('.') { s } else { s + point };
        }
        let s = shortest(x, bytes, true);
        let (m, e) = s.split_once('e').unwrap_or((&s, "0"));
        let (sign, e) = e.strip_prefix('-').map_or(('+', e), |e| ('-', e));
        format!("{m}e{sign}{e:0>2}")
    };
    match value.number() {
        Number::Bool(b) => (if b { "True" } else { "False" }).into(),
        Number::Int(i) => i.to_string(),
        Number::Float(x) => real(x, ".0"),
        Number::Complex(c) => {
            let im = real(c.im, "");
            if c.re == 0.0 && !c.re.is_sign_negative() {
                return format!("{im}j");
            }
            let sign = if im.starts_with('-') { "" } else { "+" };
            format!("({}{sign}{im}j)", real(c.re, ""))
        }
    }
}
