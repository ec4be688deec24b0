//! What a gradient rule is, and how one is found for an operation.
//!
//! A rule is one linear map per input. For elementwise operations the map is its own transpose, so that one closure serves
//! backward (g to the gradient of input i) and forward (tangent of input i to the tangent of the result); others give both.
//! Rules call recorded operations, so gradients of gradients need nothing more. The engine alone un-broadcasts,
//! accumulates, converts dtypes and skips inputs that need nothing. Complex gradients follow HIPS autograd:
//! the gradient of a holomorphic f is g * f'(z), without conjugation.

use crate::backward::Walk;
use crate::tape::Edge;
use minpy_core::{Array, Attrs, DType, DeviceRef, Layout, OpDef, Operand, Result};
use rustc_hash::FxHashMap;
use std::sync::LazyLock;

/// A recorded operand as a rule sees it.
#[derive(Clone)]
pub enum Value {
    /// Not declared as saved.
    Nothing,
    /// A saved array.
    Array(Array),
    /// A number.
    Number(minpy_core::Number),
    /// A number with a dtype.
    Scalar(minpy_core::Scalar),
}

/// Shape, dtype and device of an input.
#[derive(Clone, Copy)]
pub struct InputMeta<'a> {
    /// Layout through which it was read.
    pub layout: &'a Layout,
    /// Its dtype.
    pub dtype: DType,
    /// Where it lives.
    pub device: DeviceRef,
}

/// What a rule may look at: attributes, declared saves, and the inputs' shapes.
pub struct Saves<'a> {
    pub(crate) attrs: &'a Attrs,
    pub(crate) inputs: &'a [Value],
    pub(crate) output: &'a Value,
    pub(crate) walk: &'a Walk,
    pub(crate) edges: &'a [Option<Edge>],
}
impl<'a> Saves<'a> {
    /// Attributes of the call.
    pub fn attrs(&self) -> &'a Attrs {
        self.attrs
    }
    /// Input `i`, which the rule declared (or which is a number).
    pub fn x(&self, i: usize) -> Operand<'a> {
        operand(&self.inputs[i])
    }
    /// Input `i` as an array.
    pub fn array(&self, i: usize) -> &'a Array {
        match &self.inputs[i] {
            Value::Array(a) => a,
            _ => unreachable!("the rule declares input {i} as saved, and it is an array"),
        }
    }
    /// The result, which the rule declared.
    pub fn y(&self) -> &'a Array {
        match self.output {
            Value::Array(a) => a,
            _ => unreachable!("the rule declares the result as saved"),
        }
    }
    /// What was kept instead of the declared operands, where the rule allows that and it was done.
    pub fn instead(&self) -> Option<&'a Array> {
        match (self.inputs, self.output) {
            ([], Value::Array(a)) => Some(a),
            _ => None,
        }
    }
    /// Shape, dtype, device of watched input `i`.
    pub fn meta(&self, i: usize) -> InputMeta<'a> {
        let e = self.edges[i].as_ref().expect("only watched inputs are asked for");
        InputMeta { layout: self.walk.view(e), dtype: e.dtype, device: self.walk.node(e.node).device }
    }
    /// Shape of watched input `i`.
    pub fn shape(&self, i: usize) -> &'a [usize] {
        self.meta(i).layout.shape()
    }
}
fn operand(v: &Value) -> Operand<'_> {
    match v {
        Value::Array(a) => Operand::Array(a),
        Value::Number(n) => Operand::Number(*n),
        Value::Scalar(s) => Operand::Scalar(*s),
        Value::Nothing => unreachable!("the rule uses an operand that it does not declare as saved"),
    }
}

/// The linear map of one input.
pub type Map = fn(&Saves, &Array) -> Result<Array>;

/// Gradient rule of one input.
pub struct InputRule {
    /// Which operands (bit i, `Rule::FURTHER`) and whether the result (`Rule::OUTPUT`) must be kept.
    pub saves: u32,
    /// From the gradient of the result to the gradient of the input (of the result's broadcast shape, or the input's).
    pub vjp: Map,
    /// From the tangent of the input to its part of the tangent of the result.
    pub jvp: Map,
}

/// Computes what may be kept of the operands instead of themselves, where only input `i` is watched; not recorded.
pub type Instead = fn(&[Operand], usize) -> Result<Array>;

/// The gradient rule of an operation.
pub struct Rule {
    /// The operation.
    pub op: &'static OpDef,
    /// One per differentiable leading input; further inputs (indices) have none.
    pub inputs: &'static [InputRule],
    /// For operands that wait to be computed together with the result: keeping these would make each of them a result of
    /// its own. The maps find it in `Saves::instead`. Only for rules that do not keep the result.
    pub instead: Option<Instead>,
}
impl Rule {
    /// Bit of `saves` that keeps the result.
    pub const OUTPUT: u32 = 1 << 31;
    /// Bit of `saves` that keeps every further input (indices: as many as an array has axes).
    pub const FURTHER: u32 = 1 << 30;
    pub(crate) fn saves(&self, input: usize) -> u32 {
        self.inputs.get(input).map_or(0, |r| r.saves)
    }
    /// Whether `saves` keeps this input.
    pub(crate) fn keeps(&self, saves: u32, input: usize) -> bool {
        saves & if input < self.inputs.len() { 1 << input } else { Rule::FURTHER } != 0
    }
}

/// What is decided about the gradient of an operation.
#[derive(Clone, Copy)]
pub enum Decision {
    /// It has a rule.
    Rule(&'static Rule),
    /// It has a rule for complex numbers; of real ones its results are constants.
    Complex(&'static Rule),
    /// Its derivative is zero (or does not exist) wherever it is smooth: its results are constants.
    Zero,
    /// Nobody decided: asking for the gradient is an error.
    Missing,
}

/// Every decision that was written down, in the order of the tables. Two about one operation are a mistake (the later one would count).
pub fn decisions() -> impl Iterator<Item = (&'static OpDef, Decision)> {
    let rules = crate::rules::all().map(|r| (r.op, Decision::Rule(r)));
    let complex = crate::rules::COMPLEX.iter().map(|r| (r.op, Decision::Complex(r)));
    rules.chain(complex).chain(crate::rules::ZERO.iter().map(|op| (*op, Decision::Zero)))
}

static TABLE: LazyLock<FxHashMap<usize, Decision>> =
    LazyLock::new(|| decisions().map(|(op, d)| (std::ptr::from_ref(op) as usize, d)).collect());

/// The decision about an operation.
#[inline]
pub fn decision(op: &'static OpDef) -> Decision {
    TABLE.get(&(std::ptr::from_ref(op) as usize)).copied().unwrap_or(Decision::Missing)
}

/// `rules! { LOG1P: x [0] => |s, g| ...; }`: one row per operation; per input the saves in brackets (operand numbers, `y`
/// for the result, `further` for the inputs without a map) and the linear map; after `~` the forward map where it differs;
/// after `=>`, at the end of a row, `Rule::instead`.
macro_rules! rules {
    (@bit y) => { $crate::rule::Rule::OUTPUT };
    (@bit further) => { $crate::rule::Rule::FURTHER };
    (@bit $n:literal) => { 1 << $n };
    (@jvp $map:expr) => { $map };
    (@jvp $map:expr, $jvp:expr) => { $jvp };
    (@instead) => { None };
    (@instead $instead:expr) => { Some($instead) };
    ($name:ident { $($op:ident: $([$($save:tt)*] $map:expr $(, ~ $jvp:expr)?);+ $(=> $instead:expr)? ;;)* }) => {
        /// The rules of this file.
        pub static $name: &[$crate::rule::Rule] = &[$(
            $crate::rule::Rule {
                op: &minpy_core::ops::$op,
                inputs: &[$(
                    $crate::rule::InputRule {
                        saves: 0 $(| $crate::rule::rules!(@bit $save))*,
                        vjp: $map,
                        jvp: $crate::rule::rules!(@jvp $map $(, $jvp)?),
                    }
                ),+],
                instead: $crate::rule::rules!(@instead $($instead)?),
            },
        )*];
    };
}
pub(crate) use rules;
