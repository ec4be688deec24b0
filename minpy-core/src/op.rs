//! Operations: their static definition, their three tiers, and the record of one call.
//!
//! Facts about an operation live on its `OpDef`; nothing else in the workspace matches on operations.
//! * elementwise: one row with a scalar expression; every device runs them through one generic kernel;
//! * structured: a family with typed attributes that lowers to canonical `Work`;
//! * composite: a plain function over other operations.

use crate::device::DeviceRef;
use crate::expr::{Builder, E, Program};
use crate::layout::Dims;
use crate::{Array, DType, Number, Result, Scalar, bail};
use parking_lot::RwLock;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::any::Any;
use std::sync::{Arc, OnceLock};

/// Shape and dtype of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Sizes of the dimensions.
    pub shape: Dims,
    /// Element type.
    pub dtype: DType,
}

/// An input of a call.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a> {
    /// An array.
    Array(&'a Array),
    /// A weak number (Python's `int`, `float`, `complex`, `bool`): takes part in promotion by its kind only.
    Number(Number),
    /// A number with a dtype (a NumPy scalar).
    Scalar(Scalar),
}

impl<'a> From<&'a Array> for Operand<'a> {
    fn from(a: &'a Array) -> Self {
        Operand::Array(a)
    }
}
macro_rules! operand_from {
    ($($t:ty),*) => {$( impl From<$t> for Operand<'_> { fn from(x: $t) -> Self { Operand::Number(x.into()) } } )*};
}
operand_from!(bool, i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, half::f16, f32, f64, Number);
operand_from!(num_complex::Complex32, num_complex::Complex64);

impl<'a> Operand<'a> {
    /// The array, when it is one.
    pub fn array(&self) -> Option<&'a Array> {
        match self {
            Operand::Array(a) => Some(a),
            _ => None,
        }
    }
    /// Shape: `()` for numbers.
    pub fn shape(&self) -> &'a [usize] {
        match self {
            Operand::Array(a) => a.shape(),
            _ => &[],
        }
    }
    /// Dtype; the default one for a weak number.
    pub fn dtype(&self) -> DType {
        match self {
            Operand::Array(a) => a.dtype(),
            Operand::Number(n) => n.default_dtype(),
            Operand::Scalar(s) => s.dtype(),
        }
    }
}

/// Where the result of a call goes.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// Into a new array.
    New,
    /// Into an existing view: `out=`, `+=`, setitem.
    Into(&'a Array),
}

/// Attributes of a call: typed, one variant per family of operations.
#[derive(Clone, Debug, Default)]
pub enum Attrs {
    /// No attributes.
    #[default]
    None,
    /// Elementwise: compute in this dtype (`dtype=`); for `copy`: the dtype of the result (`astype`).
    DType(DType),
    /// Reductions: normalised axes, whether they stay with size 1, and the dtype to accumulate in.
    Reduce {
        /// Normalised axes, ascending.
        axes: SmallVec<[usize; 6]>,
        /// Reduced axes stay with size 1.
        keepdims: bool,
        /// Requested dtype.
        dtype: Option<DType>,
    },
    /// Operations along one axis (arg-reduce, scan, sort).
    Axis(usize),
    /// Matrix product: read the transposed last two axes of either operand.
    Matmul,
    /// Gather and scatter: number of leading axes that are indexed, and how a scatter combines.
    Index {
        /// Indexed leading axes.
        indexed: usize,
        /// For scatter.
        mode: crate::kernel::ScatterMode,
    },
    /// Result shape (fill, creation).
    Shape(Dims),
    /// Destination of a copy between devices.
    Device(DeviceRef),
    /// Key and first block of a random stream, with the shape.
    Random {
        /// Result shape.
        shape: Dims,
        /// Philox key.
        key: [u32; 2],
        /// First block.
        counter: u64,
    },
    /// Whatever an outside operation needs.
    Custom(Arc<dyn Any + Send + Sync>),
}

/// The record of one operation call: eager execution runs it, the recorder remembers it.
#[derive(Clone, Copy, Debug)]
pub struct OpCall<'a> {
    /// The operation.
    pub op: &'static OpDef,
    /// Its attributes.
    pub attrs: &'a Attrs,
    /// Its inputs, already on one device.
    pub inputs: &'a [Operand<'a>],
    /// `where=`: elements of the target that are written.
    pub mask: Option<&'a Array>,
    /// New array or existing view.
    pub target: Target<'a>,
}

/// An operation.
pub struct OpDef {
    /// NumPy's name.
    pub name: &'static str,
    /// Number of inputs.
    pub arity: usize,
    /// One line of documentation.
    pub doc: &'static str,
    /// How it is computed.
    pub tier: Tier,
    /// For tests: an interval of each input in which the operation is defined and smooth.
    pub domain: &'static [(f64, f64)],
    /// Where it was defined.
    pub file: &'static str,
    /// Where it was defined.
    pub line: u32,
}

impl std::fmt::Debug for OpDef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// The three ways to define an operation. Statics only: the size of the largest variant costs nothing per call.
#[allow(clippy::large_enum_variant)]
pub enum Tier {
    /// A scalar expression.
    Elementwise(Elementwise),
    /// A family with canonical work.
    Structured(&'static dyn Structured),
    /// A function over other operations.
    Composite(fn(&Attrs, &[Operand]) -> Result<Array>),
}

impl OpDef {
    /// The elementwise part of the definition.
    #[inline]
    pub fn elementwise(&'static self) -> Option<&'static Elementwise> {
        match &self.tier {
            Tier::Elementwise(e) => Some(e),
            _ => None,
        }
    }
}

/// A structured operation: knows its result and how to do it with canonical work.
pub trait Structured: Send + Sync {
    /// Dtype that each input must be converted to before `infer` and `lower` (`None`: as it is).
    fn input_dtype(&self, _attrs: &Attrs, _inputs: &[Operand], _index: usize) -> Option<DType> {
        None
    }
    /// Shape and dtype of the result; every complaint about the arguments is raised here.
    fn infer(&self, op: &'static OpDef, attrs: &Attrs, inputs: &[&Array]) -> Result<Meta>;
    /// Does the work through `dispatch::launch` into `out`, which has the inferred shape and dtype and overlaps no input.
    fn lower(&self, op: &'static OpDef, attrs: &Attrs, inputs: &[&Array], out: &Array) -> Result<()>;
}

/// How an elementwise operation treats dtypes.
#[derive(Clone, Copy)]
pub struct TypeRule {
    /// From the promoted dtype of the inputs to the dtype the expression computes in; `None` is a TypeError.
    pub compute: fn(DType) -> Option<DType>,
    /// The first input is a condition: converted to bool, and no part of the promotion.
    pub condition_first: bool,
}

/// An elementwise operation.
pub struct Elementwise {
    /// Dtypes.
    pub rule: TypeRule,
    /// The formula; its inputs have the compute dtype.
    pub expr: for<'b> fn(&Builder, &[E<'b>]) -> E<'b>,
    /// Refuses values that NumPy refuses (negative integer powers); given the operands and the compute dtype.
    pub check: Option<fn(&[Operand], DType) -> Result<()>>,
    cache: Cache,
}

/// Programs of one operation, per dtype and per position of a number.
struct Cache {
    /// All inputs of one dtype, by the bits of those that are numbers.
    same: [[OnceLock<Arc<Program>>; 14]; 8],
    /// Result dtype per compute dtype.
    result: [OnceLock<DType>; 14],
    rest: RwLock<Option<FxHashMap<Key, Arc<Program>>>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    inputs: SmallVec<[DType; 4]>,
    scalars: u32,
    compute: DType,
    out: Option<DType>,
    masked: bool,
}

/// What the program of a call depends on.
pub struct ProgramSpec<'a> {
    /// Dtype of each input; under a mask also those of the mask and of the old contents.
    pub inputs: &'a [DType],
    /// Bits of the inputs that are numbers.
    pub scalars: u32,
    /// Dtype the expression computes in.
    pub compute: DType,
    /// Dtype of an existing target; `None` for the natural one.
    pub out: Option<DType>,
    /// The last two inputs are the mask (bool) and the old contents of the target.
    pub masked: bool,
}

impl Elementwise {
    /// An elementwise operation from its rule and formula.
    pub const fn new(rule: TypeRule, expr: for<'b> fn(&Builder, &[E<'b>]) -> E<'b>) -> Elementwise {
        Elementwise {
            rule,
            expr,
            check: None,
            cache: Cache {
                same: [const { [const { OnceLock::new() }; 14] }; 8],
                result: [const { OnceLock::new() }; 14],
                rest: RwLock::new(None),
            },
        }
    }
    /// The same operation with a check of its operands' values.
    pub const fn checked(mut self, check: fn(&[Operand], DType) -> Result<()>) -> Elementwise {
        self.check = Some(check);
        self
    }
    /// The program for all inputs of `dtype`, some of them (bits of `scalars`) numbers; `None` for those whose programs are
    /// not kept by number.
    #[inline]
    pub fn same_dtype_program(
        &self,
        name: &'static str,
        dtype: DType,
        arity: usize,
        scalars: u32,
    ) -> Option<&Arc<Program>> {
        let slot = self.cache.same.get(scalars as usize)?.get(dtype as usize)?;
        if let Some(p) = slot.get() {
            return Some(p);
        }
        let compute = (self.rule.compute)(dtype)?;
        if self.rule.condition_first {
            return None;
        }
        let spec =
            ProgramSpec { inputs: &[dtype; 4][..arity.min(4)], scalars, compute, out: None, masked: false };
        Some(slot.get_or_init(|| Arc::new(self.build(name, &spec))))
    }
    /// The program for `spec`, from the cache or new.
    pub fn program(&self, name: &'static str, spec: &ProgramSpec) -> Arc<Program> {
        let key = Key {
            inputs: spec.inputs.into(),
            scalars: spec.scalars,
            compute: spec.compute,
            out: spec.out,
            masked: spec.masked,
        };
        if let Some(p) = self.cache.rest.read().as_ref().and_then(|m| m.get(&key)) {
            return p.clone();
        }
        let p = Arc::new(self.build(name, spec));
        self.cache.rest.write().get_or_insert_with(FxHashMap::default).entry(key).or_insert(p).clone()
    }
    /// The result dtype for inputs computed in `compute`.
    pub fn result_dtype(&self, arity: usize, compute: DType) -> DType {
        *self.cache.result[compute as usize].get_or_init(|| {
            let b = Builder::new();
            let condition = |i: usize| i == 0 && self.rule.condition_first;
            let args: SmallVec<[E; 4]> =
                (0..arity).map(|i| b.input(if condition(i) { DType::Bool } else { compute })).collect();
            (self.expr)(&b, &args).dtype()
        })
    }
    fn build(&self, name: &'static str, spec: &ProgramSpec) -> Program {
        let b = Builder::new();
        let raw: SmallVec<[E; 4]> = spec.inputs.iter().map(|&d| b.input(d)).collect();
        let count = raw.len() - if spec.masked { 2 } else { 0 };
        let args: SmallVec<[E; 4]> = raw[..count]
            .iter()
            .enumerate()
            .map(|(i, e)| {
                e.cast(if i == 0 && self.rule.condition_first { DType::Bool } else { spec.compute })
            })
            .collect();
        let mut value = (self.expr)(&b, &args);
        if let Some(out) = spec.out {
            value = value.cast(out);
        }
        if spec.masked {
            value = raw[count].select(value, raw[count + 1]);
        }
        let id = value.id();
        b.finish(name, &[id], spec.scalars)
    }
}

/// The dtype in which an elementwise call computes, from its operands under NEP 50.
pub fn promoted_dtype(op: &str, operands: &[Operand]) -> Result<DType> {
    if let [Operand::Array(a), rest @ ..] = operands
        && !a.is_weak()
        && rest.iter().all(|o| matches!(o, Operand::Array(b) if !b.is_weak() && b.dtype() == a.dtype()))
    {
        return Ok(a.dtype());
    }
    let mut strong: Option<DType> = None;
    let mut weak: Option<Number> = None;
    let rank = |n: &Number| match n {
        Number::Bool(_) => 0,
        Number::Int(_) => 1,
        Number::Float(_) => 2,
        Number::Complex(_) => 3,
    };
    for o in operands {
        let (d, w) = match o {
            Operand::Array(a) if a.is_weak() => (None, Some(weak_number(a.dtype()))),
            Operand::Array(a) => (Some(a.dtype()), None),
            Operand::Scalar(s) => (Some(s.dtype()), None),
            Operand::Number(n) => (None, Some(*n)),
        };
        if let Some(d) = d {
            strong = Some(strong.map_or(d, |s| DType::promote(s, d)));
        }
        if let Some(n) = w
            && weak.as_ref().is_none_or(|x| rank(&n) > rank(x))
        {
            weak = Some(n);
        }
    }
    Ok(match (strong, weak) {
        (Some(s), Some(n)) => n.promote_weak(s),
        (Some(s), None) => s,
        (None, Some(_)) => {
            // Only weak numbers: their default dtypes decide.
            operands.iter().map(|o| o.dtype()).reduce(DType::promote).unwrap_or(DType::F64)
        }
        (None, None) => bail!(Value, "{op}: no operands"),
    })
}

fn weak_number(dtype: DType) -> Number {
    match dtype {
        DType::Bool => Number::Bool(false),
        d if d.is_integer() => Number::Int(0),
        d if d.is_float() => Number::Float(0.0),
        _ => Number::Complex(num_complex::Complex64::new(0.0, 0.0)),
    }
}
