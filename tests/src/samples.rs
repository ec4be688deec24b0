//! Test data: values per dtype, and arrays that see them through every kind of layout.
//!
//! A `Sample` knows the whole buffer behind an array on the host, so that a test can tell which elements a write changed.

use crate::reference::{Value, greatest, round};
use crate::subject::Draw;
use minpy_core::backend::dtype::Kind;
use minpy_core::{Array, DType, DeviceRef, Layout, Result};
use num_complex::Complex64;

/// `n` values of `dtype`: half of them inside `domain`, the others anywhere, special values among them.
pub fn values(dtype: DType, n: usize, domain: (f64, f64), seed: u64) -> Vec<Value> {
    let mut d = Draw(seed);
    (0..n)
        .map(|_| if d.below(2) == 0 { inside(dtype, domain, &mut d) } else { anywhere(dtype, &mut d) })
        .collect()
}
/// `n` values of `dtype` inside `domain`, as far as the dtype has such values.
pub fn smooth(dtype: DType, n: usize, domain: (f64, f64), seed: u64) -> Vec<Value> {
    let mut d = Draw(seed);
    (0..n).map(|_| inside(dtype, domain, &mut d)).collect()
}

fn inside(dtype: DType, (lo, hi): (f64, f64), d: &mut Draw) -> Value {
    match dtype.kind() {
        Kind::Bool => Value::Int(d.below(2) as i128),
        Kind::Signed => Value::Int(d.uniform(lo.floor() * 3.0, hi.ceil() * 3.0 + 1.0).floor() as i128),
        Kind::Unsigned => Value::Int(d.uniform(0.0, hi.ceil().abs() * 3.0 + 2.0).floor() as i128),
        Kind::Float => Value::Real(round(dtype, d.uniform(lo, hi))),
        Kind::Complex => {
            let (re, im) = (d.uniform(lo, hi), d.uniform(-1.4, 1.4));
            Value::Complex(Complex64::new(round(dtype, re), round(dtype, im)))
        }
    }
}

fn anywhere(dtype: DType, d: &mut Draw) -> Value {
    const SPECIAL: [f64; 22] = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        2.0,
        -2.0,
        0.5,
        -0.5,
        1.5,
        2.5,
        -2.5,
        10.0,
        -7.0,
        100.0,
        1e3,
        -1e3,
        1e-3,
        -1e-4,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        3.0,
    ];
    match dtype.kind() {
        Kind::Bool => Value::Int(d.below(2) as i128),
        Kind::Signed | Kind::Unsigned => {
            let (lo, hi) = dtype.int_range().expect("an integer dtype");
            Value::Int(match d.below(5) {
                0 => [lo, hi, lo + 1, hi - 1][d.below(4)],
                1 => [0, 1, 2, hi / 2, 7][d.below(5)],
                2 => lo + (d.bits() as i128 % (hi - lo)),
                _ => (d.below(41) as i128 - 20).clamp(lo, hi),
            })
        }
        Kind::Float => match d.below(3) {
            0 => Value::Real(round(dtype, SPECIAL[d.below(SPECIAL.len())])),
            1 => Value::Real(round(dtype, d.uniform(-30.0, 30.0))),
            _ => Value::Real(round(dtype, d.uniform(-1.0, 1.0))),
        },
        Kind::Complex => {
            let edge = greatest(dtype);
            let special = [
                0.0,
                -0.0,
                1.0,
                -1e3,
                1e-3,
                0.9 * edge,
                -0.3 * edge,
                1.0 / edge,
                f64::INFINITY,
                -f64::INFINITY,
                f64::NAN,
            ];
            let mut part = || match d.below(4) {
                0 => round(dtype, special[d.below(special.len())]),
                // Where the exponential, but not its product with a sine, overflows.
                1 => round(dtype, d.uniform(-1.1, 1.1) * edge.ln()),
                _ => round(dtype, d.uniform(-3.0, 3.0)),
            };
            Value::Complex(Complex64::new(part(), part()))
        }
    }
}

/// How an array may look at its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// C order, from the start.
    Contiguous,
    /// C order, from a few elements on (alignment).
    Offset,
    /// Fortran order.
    Transposed,
    /// Every second element of every axis.
    Sliced,
    /// All axes backwards.
    Reversed,
    /// Fortran order, backwards along the last axis, with gaps.
    Mixed,
    /// The first axis repeated (stride 0).
    BroadcastFirst,
    /// The last axis repeated.
    BroadcastLast,
}
impl Form {
    /// Every form.
    pub const ALL: [Form; 8] = [
        Form::Contiguous,
        Form::Offset,
        Form::Transposed,
        Form::Sliced,
        Form::Reversed,
        Form::Mixed,
        Form::BroadcastFirst,
        Form::BroadcastLast,
    ];
    /// Forms in which every index has an element of its own: for targets.
    pub const WRITABLE: [Form; 6] =
        [Form::Contiguous, Form::Offset, Form::Transposed, Form::Sliced, Form::Reversed, Form::Mixed];

    /// Strides, offset, and the elements that the buffer needs.
    pub fn parts(self, shape: &[usize]) -> (Vec<isize>, usize, usize) {
        let n = shape.len();
        let dense = |sizes: &[usize], order: &dyn Fn(usize) -> usize| {
            let mut strides = vec![0isize; n];
            let mut step = 1;
            for k in (0..n).rev() {
                strides[order(k)] = step;
                step *= sizes[order(k)].max(1) as isize;
            }
            (strides, step as usize)
        };
        let c = |k: usize| k;
        let f = |k: usize| n - 1 - k;
        match self {
            Form::Contiguous => {
                let (s, len) = dense(shape, &c);
                (s, 0, len)
            }
            Form::Offset => {
                let (s, len) = dense(shape, &c);
                (s, 3, len + 5)
            }
            Form::Transposed => {
                let (s, len) = dense(shape, &f);
                (s, 0, len)
            }
            Form::Sliced => {
                let wide: Vec<usize> = shape.iter().map(|&k| 2 * k + 1).collect();
                let (s, len) = dense(&wide, &c);
                let first = s.iter().sum::<isize>() as usize;
                (s.iter().map(|x| 2 * x).collect(), first, len.max(first + 1))
            }
            Form::Reversed => {
                let (s, len) = dense(shape, &c);
                let last: isize = s.iter().zip(shape).map(|(s, &k)| s * (k.max(1) as isize - 1)).sum();
                (s.iter().map(|x| -x).collect(), last as usize, len)
            }
            Form::Mixed => {
                let wide: Vec<usize> = shape.iter().map(|&k| k + 2).collect();
                let (mut s, len) = dense(&wide, &f);
                let mut first = 0;
                if let Some(last) = s.last_mut() {
                    first = (shape[n - 1].max(1) as isize - 1) * *last;
                    *last = -*last;
                }
                (s, first as usize + 1, len + 1)
            }
            Form::BroadcastFirst | Form::BroadcastLast => {
                let axis = if self == Form::BroadcastFirst { 0 } else { n.saturating_sub(1) };
                let thin: Vec<usize> =
                    shape.iter().enumerate().map(|(i, &k)| if i == axis { 1 } else { k }).collect();
                let (mut s, len) = dense(&thin, &c);
                if n > 0 {
                    s[axis] = 0;
                }
                (s, 0, len)
            }
        }
    }
}

/// Element positions of a strided view in C order, by counting up the index.
pub fn positions(shape: &[usize], strides: &[isize], offset: usize) -> Vec<usize> {
    let total: usize = shape.iter().product();
    (0..total)
        .map(|mut k| {
            let mut at = offset as isize;
            for (&n, &s) in shape.iter().zip(strides).rev() {
                at += (k % n) as isize * s;
                k /= n;
            }
            at as usize
        })
        .collect()
}

/// An array on the device with its buffer known on the host.
pub struct Sample {
    /// The array.
    pub array: Array,
    /// Everything in its buffer.
    pub buffer: Vec<Value>,
    /// Where its elements lie in the buffer, in C order.
    pub at: Vec<usize>,
}
impl Sample {
    /// An array of that shape and form whose buffer is filled from `values` over and over.
    pub fn new(
        device: DeviceRef,
        dtype: DType,
        shape: &[usize],
        form: Form,
        values: &[Value],
    ) -> Result<Sample> {
        let (strides, offset, len) = form.parts(shape);
        let buffer: Vec<Value> = (0..len).map(|i| values[i % values.len()]).collect();
        let base = upload(device, dtype, &buffer, &[len])?;
        let layout = Layout::new(shape, strides.as_slice(), offset);
        Ok(Sample { array: base.view(layout), at: positions(shape, &strides, offset), buffer })
    }
    /// The elements in C order.
    pub fn values(&self) -> Vec<Value> {
        self.at.iter().map(|&i| self.buffer[i]).collect()
    }
    /// The elements as seen by an array of `shape` that this one is broadcast to.
    pub fn spread(&self, shape: &[usize]) -> Vec<Value> {
        let own = self.array.shape();
        let mut strides = vec![0isize; shape.len()];
        let lead = shape.len() - own.len();
        let mut step = 1isize;
        for i in (0..own.len()).rev() {
            strides[lead + i] = if own[i] == 1 { 0 } else { step };
            step *= own[i] as isize;
        }
        let flat = self.values();
        positions(shape, &strides, 0).into_iter().map(|i| flat[i]).collect()
    }
}

/// A contiguous array with these values.
pub fn upload(device: DeviceRef, dtype: DType, values: &[Value], shape: &[usize]) -> Result<Array> {
    let mut bytes = Vec::with_capacity(values.len() * dtype.size());
    for v in values {
        bytes.extend_from_slice(v.scalar(dtype).bytes());
    }
    Array::from_bytes(device, &bytes, shape, dtype)
}
/// Everything in the buffer of an array.
pub fn download(a: &Array) -> Result<Vec<Value>> {
    let item = a.dtype().size();
    let mut bytes = vec![0u8; a.buffer().bytes()];
    if !bytes.is_empty() {
        a.device().download(a.buffer().memory()?, 0, &mut bytes)?;
    }
    Ok(bytes.chunks_exact(item).map(|b| Value::from_bytes(a.dtype(), b)).collect())
}
/// The elements of an array in C order, picked here from its whole buffer.
pub fn read(a: &Array) -> Result<Vec<Value>> {
    let all = download(a)?;
    let l = a.layout();
    Ok(positions(l.shape(), l.strides(), l.offset()).into_iter().map(|i| all[i]).collect())
}
