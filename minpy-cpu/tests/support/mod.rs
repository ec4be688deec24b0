//! Arrays of any layout and direct kernel calls for the tests of this crate.
#![allow(dead_code)]

use minpy_core::backend::{Builder, E, Input, KernelCall, KernelEntry, Memory, Prim, Program, View, Work};
use minpy_core::{DType, DeviceRef, Element, Number, Result, Scalar};
use std::sync::Arc;

/// The device under test.
pub fn cpu() -> DeviceRef {
    static CPU: std::sync::OnceLock<DeviceRef> = std::sync::OnceLock::new();
    *CPU.get_or_init(|| {
        minpy_cpu::register().unwrap();
        minpy_core::device::host().unwrap()
    })
}

/// How an array lies in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lay {
    Contiguous,
    Transposed,
    Sliced,
    Reversed,
}
pub const LAYS: [Lay; 4] = [Lay::Contiguous, Lay::Transposed, Lay::Sliced, Lay::Reversed];

/// Host memory with a view.
pub struct Arr {
    words: Vec<u128>,
    memory: Memory,
    pub dtype: DType,
    pub shape: Vec<usize>,
    pub strides: Vec<isize>,
    pub offset: usize,
}

impl Arr {
    /// Memory for `shape` in that layout, filled with rubbish.
    pub fn empty(dtype: DType, shape: &[usize], lay: Lay) -> Arr {
        let nd = shape.len();
        let spread = if lay == Lay::Sliced { 2 } else { 1 };
        let mut strides = vec![0isize; nd];
        let mut step = spread as isize;
        let axes: Vec<usize> =
            if lay == Lay::Transposed { (0..nd).collect() } else { (0..nd).rev().collect() };
        for &a in &axes {
            strides[a] = step;
            step *= (shape[a] * spread) as isize;
        }
        let mut offset = 3;
        if lay == Lay::Reversed {
            for a in 0..nd {
                offset += (shape[a].max(1) - 1) * strides[a] as usize;
                strides[a] = -strides[a];
            }
        }
        let elements = step as usize + 8;
        let fill = if dtype == DType::Bool { 1 } else { 0x5a };
        let mut words = vec![u128::from_ne_bytes([fill; 16]); (elements * dtype.size()).div_ceil(16) + 1];
        let memory = Memory { handle: words.as_mut_ptr() as usize, offset: 0, bytes: words.len() * 16 };
        Arr { words, memory, dtype, shape: shape.to_vec(), strides, offset }
    }
    /// The values in C order, in that layout.
    pub fn new(shape: &[usize], lay: Lay, values: &[Scalar]) -> Arr {
        let a = Arr::empty(values[0].dtype(), shape, lay);
        a.put(values);
        a
    }
    pub fn of<T: Element>(shape: &[usize], values: &[T]) -> Arr {
        let v: Vec<Scalar> = values.iter().map(|&x| Scalar::new(x)).collect();
        if v.is_empty() {
            Arr::empty(T::DTYPE, shape, Lay::Contiguous)
        } else {
            Arr::new(shape, Lay::Contiguous, &v)
        }
    }
    pub fn zeros(dtype: DType, shape: &[usize]) -> Arr {
        Arr::empty(dtype, shape, Lay::Contiguous)
    }
    /// The same memory seen with other sizes and strides.
    pub fn restrided(mut self, shape: &[usize], strides: &[isize]) -> Arr {
        self.shape = shape.to_vec();
        self.strides = strides.to_vec();
        self
    }
    pub fn view(&self) -> View<'_> {
        View {
            memory: &self.memory,
            dtype: self.dtype,
            shape: &self.shape,
            strides: &self.strides,
            offset: self.offset,
        }
    }
    pub fn input(&self) -> Input<'_> {
        Input::View(self.view())
    }
    fn offsets(&self) -> Vec<usize> {
        let mut v = Vec::new();
        minpy_core::backend::layout::for_each_offset(&self.shape, &self.strides, self.offset, |_, at| {
            v.push(at)
        });
        v
    }
    pub fn put(&self, values: &[Scalar]) {
        let item = self.dtype.size();
        let offsets = self.offsets();
        assert_eq!(offsets.len(), values.len());
        for (at, v) in offsets.into_iter().zip(values) {
            assert_eq!(v.dtype(), self.dtype);
            let p = (self.memory.handle + at * item) as *mut u8;
            // SAFETY: the layout stays inside `words`.
            unsafe { std::ptr::copy_nonoverlapping(v.as_ptr(), p, item) };
        }
    }
    pub fn scalars(&self) -> Vec<Scalar> {
        let item = self.dtype.size();
        let read = |at: usize| {
            // SAFETY: the layout stays inside `words`.
            let bytes =
                unsafe { std::slice::from_raw_parts((self.memory.handle + at * item) as *const u8, item) };
            Scalar::from_bytes(self.dtype, bytes)
        };
        self.offsets().into_iter().map(read).collect()
    }
    pub fn values<T: Element>(&self) -> Vec<T> {
        self.scalars().iter().map(|s| s.get::<T>().unwrap()).collect()
    }
    pub fn raw(&self) -> &[u128] {
        &self.words
    }
}

pub fn call(
    entry: &KernelEntry,
    work: Work,
    program: Option<&Arc<Program>>,
    inputs: &[Input],
    outputs: &[&Arr],
) -> Result<()> {
    let views: Vec<View> = outputs.iter().map(|a| a.view()).collect();
    (entry.run)(cpu(), &KernelCall { op: "test", work: &work, program, inputs, outputs: &views })
}
pub fn elementwise(program: &Arc<Program>, inputs: &[Input], outputs: &[&Arr]) -> Result<()> {
    call(&minpy_cpu::elementwise::ENTRY, Work::Elementwise, Some(program), inputs, outputs)
}

/// A program of one primitive.
pub fn prim(prim: Prim, dtypes: &[DType]) -> Arc<Program> {
    let b = Builder::new();
    let args: Vec<E> = dtypes.iter().map(|&d| b.input(d)).collect();
    let id = E::apply(prim, &args).id();
    drop(args);
    Arc::new(b.finish(prim.name(), &[id], 0))
}
/// The program that returns its input, converted.
pub fn cast(from: DType, to: DType) -> Arc<Program> {
    let b = Builder::new();
    let id = b.input(from).cast(to).id();
    Arc::new(b.finish("cast", &[id], 0))
}

/// Repeatable random numbers.
pub struct Rng(pub u64);
impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e3779b97f4a7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58476d1ce4e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d049bb133111eb);
        z ^ (z >> 31)
    }
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
    /// Floats whose sums and products round; small numbers of other dtypes.
    pub fn rounding(&mut self, dtype: DType, n: usize) -> Vec<Scalar> {
        let float = dtype.kind() == minpy_core::backend::dtype::Kind::Float;
        (0..n)
            .map(|_| if float { Number::Float(self.unit() - 0.5).cast(dtype) } else { self.small(dtype) })
            .collect()
    }
    /// A small number that every dtype can hold (unsigned: not negative).
    pub fn small(&mut self, dtype: DType) -> Scalar {
        let x = (self.next() % 9) as i128 - 4;
        match dtype.kind() {
            minpy_core::backend::dtype::Kind::Float => {
                Number::Float(x as f64 + 0.25 * (self.next() % 4) as f64).cast(dtype)
            }
            minpy_core::backend::dtype::Kind::Complex => {
                Number::Complex(num_complex::Complex64::new(x as f64, (self.next() % 5) as f64 - 2.0))
                    .cast(dtype)
            }
            minpy_core::backend::dtype::Kind::Unsigned => Number::Int(x + 4).cast(dtype),
            minpy_core::backend::dtype::Kind::Bool => Number::Bool(x > 0).cast(dtype),
            minpy_core::backend::dtype::Kind::Signed => Number::Int(x).cast(dtype),
        }
    }
    pub fn smalls(&mut self, dtype: DType, n: usize) -> Vec<Scalar> {
        (0..n).map(|_| self.small(dtype)).collect()
    }
}

/// Equal bit for bit, or both NaN (in the same parts), or, with `tolerance`, relatively close.
pub fn same(a: Scalar, b: Scalar, tolerance: f64) -> bool {
    let close = |x: f64, y: f64| {
        x == y || x.is_nan() && y.is_nan() || (x - y).abs() <= tolerance * x.abs().max(y.abs())
    };
    a.dtype() == b.dtype()
        && match (a.number(), b.number()) {
            (Number::Float(x), Number::Float(y)) => close(x, y),
            (Number::Complex(x), Number::Complex(y)) => {
                let scale = tolerance * x.norm().max(y.norm());
                let part = |x: f64, y: f64| close(x, y) || (x - y).abs() <= scale;
                part(x.re, y.re) && part(x.im, y.im)
            }
            _ => a == b,
        }
}
pub fn assert_same(got: &[Scalar], want: &[Scalar], tolerance: f64, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (&g, &w)) in got.iter().zip(want).enumerate() {
        assert!(same(g, w, tolerance), "{what}: element {i} is {g:?}, expected {w:?}");
    }
}
