//! The reference: what an element is, computed in the simplest way there is.
//!
//! One value at a time, integers in 128 bits, floats in float64 and then rounded, complex numbers with `num-complex`.
//! It shares no code with any backend. `Program`s are interpreted node by node; every inexact node adds to the tolerance.

mod complex;
mod integer;
mod real;

use crate::Options;
use half::f16;
use minpy_core::backend::dtype::Kind;
use minpy_core::backend::{Node, Prim, Program};
use minpy_core::{DType, Number, Scalar};
use num_complex::Complex64;

/// A number without a dtype; `Int` also holds bool.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// Integer or truth value.
    Int(i128),
    /// Real, already rounded to its dtype.
    Real(f64),
    /// Complex, parts rounded.
    Complex(Complex64),
}

impl Value {
    /// Reads an element.
    pub fn from_bytes(dtype: DType, bytes: &[u8]) -> Value {
        match Scalar::from_bytes(dtype, bytes).number() {
            Number::Bool(b) => Value::Int(b as i128),
            Number::Int(i) => Value::Int(i),
            Number::Float(f) => Value::Real(f),
            Number::Complex(c) => Value::Complex(c),
        }
    }
    /// The element of `dtype` that holds this value exactly.
    pub fn scalar(self, dtype: DType) -> Scalar {
        self.number().cast(dtype)
    }
    /// As core's number.
    pub fn number(self) -> Number {
        match self {
            Value::Int(i) => Number::Int(i),
            Value::Real(f) => Number::Float(f),
            Value::Complex(c) => Number::Complex(c),
        }
    }
    /// The real part as float64.
    pub fn re(self) -> f64 {
        match self {
            Value::Int(i) => i as f64,
            Value::Real(f) => f,
            Value::Complex(c) => c.re,
        }
    }
    /// As a complex number.
    pub fn complex(self) -> Complex64 {
        match self {
            Value::Complex(c) => c,
            v => Complex64::new(v.re(), 0.0),
        }
    }
    /// Not zero.
    pub fn truth(self) -> bool {
        match self {
            Value::Int(i) => i != 0,
            Value::Real(f) => f != 0.0,
            Value::Complex(c) => c.re != 0.0 || c.im != 0.0,
        }
    }
    /// NaN in any part.
    pub fn is_nan(self) -> bool {
        let c = self.complex();
        c.re.is_nan() || c.im.is_nan()
    }
}

/// Nearest value of a real dtype.
pub fn round(dtype: DType, x: f64) -> f64 {
    match dtype {
        DType::F16 => f16::from_f64(x).to_f64(),
        DType::F32 | DType::C64 => x as f32 as f64,
        _ => x,
    }
}

/// What a node should be, and how far off it may be.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// The value.
    pub value: Value,
    /// Units in the last place; 0 is exact.
    pub ulp: f64,
    /// The unit is that of the larger of this and the value: where a formula cancels.
    pub scale: f64,
    /// NumPy leaves it to C, and C leaves it open.
    pub undefined: bool,
}
impl Expected {
    /// An exact value.
    pub fn exact(value: Value) -> Expected {
        Expected { value, ulp: 0.0, scale: 0.0, undefined: false }
    }
}

/// The values of the program's outputs for one element: the inputs there, and its position.
pub fn evaluate(program: &Program, inputs: &[Value], index: usize, options: &Options) -> Vec<Expected> {
    let mut nodes: Vec<Expected> = Vec::with_capacity(program.nodes().len());
    for (node, dtype) in program.nodes() {
        let e = match node {
            Node::Input(i) => Expected::exact(inputs[*i as usize]),
            Node::Const(s) => Expected::exact(Value::from_bytes(s.dtype(), s.bytes())),
            Node::Index => Expected::exact(Value::Int(index as i128)),
            Node::Fold(..) => unreachable!("work on rows is held against its parts"),
            Node::Cast(from) => {
                let a = nodes[*from as usize];
                let (value, undefined) = cast(a.value, *dtype);
                Expected { value, undefined: a.undefined || undefined, ..a }
            }
            Node::Prim(p, ids) => {
                let args: Vec<Expected> = ids[..p.arity()].iter().map(|&i| nodes[i as usize]).collect();
                let from = program.nodes()[ids[0] as usize].1;
                apply(*p, from, *dtype, &args, options)
            }
        };
        nodes.push(e);
    }
    program.outputs().iter().map(|&o| nodes[o as usize]).collect()
}

/// NumPy's `astype(casting="unsafe")`; the flag says that C leaves the result open.
pub fn cast(v: Value, to: DType) -> (Value, bool) {
    match to.kind() {
        Kind::Bool => (Value::Int(v.truth() as i128), false),
        Kind::Float => (Value::Real(round(to, v.re())), false),
        Kind::Complex => {
            let c = v.complex();
            (Value::Complex(Complex64::new(round(to, c.re), round(to, c.im))), false)
        }
        Kind::Signed | Kind::Unsigned => match v {
            Value::Int(i) => (Value::Int(integer::wrap(to, i)), false),
            v => {
                let (x, (lo, hi)) = (v.re().trunc(), to.int_range().expect("an integer dtype"));
                let fits = x >= lo as f64 && x <= hi as f64 && x as i128 <= hi;
                (Value::Int(if fits { x as i128 } else { 0 }), !fits)
            }
        },
    }
}

fn apply(prim: Prim, from: DType, to: DType, args: &[Expected], options: &Options) -> Expected {
    let undefined = args.iter().any(|a| a.undefined);
    if prim == Prim::Select {
        let chosen = if args[0].value.truth() { args[1] } else { args[2] };
        return Expected { undefined: args[0].undefined || chosen.undefined, ..chosen };
    }
    let values: Vec<Value> = args.iter().map(|a| a.value).collect();
    let mut e = match from.kind() {
        Kind::Bool | Kind::Signed | Kind::Unsigned => integer::apply(prim, from, &values),
        Kind::Float => real::apply(prim, from, to, &values, options),
        Kind::Complex => complex::apply(prim, from, to, &values, options),
    };
    // What the arguments may be off by comes on top.
    e.ulp += args.iter().map(|a| a.ulp).sum::<f64>();
    e.scale = args.iter().map(|a| a.scale).fold(e.scale, f64::max);
    e.undefined |= undefined;
    e
}

/// Size of the unit in the last place of `x` in a real dtype.
pub fn unit(dtype: DType, x: f64) -> f64 {
    let (digits, least) = match dtype.real() {
        DType::F16 => (11, -14),
        DType::F32 => (24, -126),
        _ => (53, -1022),
    };
    let exponent = if x == 0.0 { least } else { (x.abs().log2().floor() as i32).max(least) };
    2f64.powi((exponent - digits + 1).max(-1074))
}

/// Greatest finite value of a real dtype.
pub fn greatest(dtype: DType) -> f64 {
    match dtype.real() {
        DType::F16 => 65504.0,
        DType::F32 => f32::MAX as f64,
        _ => f64::MAX,
    }
}

/// Whether `got` is close enough to what is expected of an element of `dtype`.
pub fn agrees(dtype: DType, got: Value, want: &Expected, options: &Options) -> bool {
    if want.undefined {
        return true;
    }
    match (got, want.value) {
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Real(a), Value::Real(b)) => {
            if a == b || a.is_nan() && b.is_nan() {
                return true;
            }
            if a.is_nan() || b.is_nan() {
                return false;
            }
            let least = smallest_normal(dtype);
            if options.flushes && a.abs() <= least && b.abs() <= least {
                return true;
            }
            // At the edge of the range infinity counts as the next number.
            let top = greatest(dtype);
            let (a, b) = (a.clamp(-top, top), b.clamp(-top, top));
            (a - b).abs() <= want.ulp * unit(dtype, b.abs().max(want.scale)) && want.ulp > 0.0
        }
        (Value::Complex(a), Value::Complex(b)) => {
            let top = greatest(dtype);
            let clamp = |x: f64| x.clamp(-top, top);
            // The unit is that of the modulus; an infinite part counts for nothing.
            let size = |x: f64| if x.is_finite() { x } else { 0.0 };
            let tolerance = want.ulp * unit(dtype, size(b.re).hypot(size(b.im)).min(top).max(want.scale));
            let part = |x: f64, y: f64, other: f64| {
                x == y
                    || x.is_nan() && y.is_nan()
                    // Beside NaN, C leaves the sign of infinity open.
                    || x.is_infinite() && y.is_infinite() && other.is_nan()
                    || want.ulp > 0.0 && (clamp(x) - clamp(y)).abs() <= tolerance
            };
            part(a.re, b.re, b.im) && part(a.im, b.im, b.re)
        }
        _ => false,
    }
}

fn smallest_normal(dtype: DType) -> f64 {
    match dtype.real() {
        DType::F16 => 2f64.powi(-14),
        DType::F32 => f32::MIN_POSITIVE as f64,
        _ => f64::MIN_POSITIVE,
    }
}
