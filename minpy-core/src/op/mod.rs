//! Operations: their static definition, their two tiers, and the record of one call.
//!
//! Facts about an operation live on its `OpDef`; nothing else in the workspace matches on operations.
//! * elementwise: one row with a scalar expression; every device runs them through one generic kernel;
//! * structured: typed attributes, and a lowering to canonical `Work` or to kernels of its own; with a decomposition into
//!   other operations for devices that have no such kernel.

mod lend;
pub(crate) mod recorder;

use crate::device::flags::cast_raises;
use crate::expr::{Builder, E, Program};
use crate::kernel::Work;
use crate::launch::{Arg, launch};
use crate::layout::Dims;
use crate::registry::{self, Named};
use crate::value::attributes::{Attributes, Attrs};
use crate::{Array, DType, Number, Result, Scalar, bail};
use parking_lot::RwLock;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
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

/// The record of one operation call: eager execution runs it, the recorder remembers it.
#[derive(Clone, Copy, Debug)]
pub struct OpCall<'a> {
    /// The operation.
    pub op: &'static OpDef,
    /// Its attributes.
    pub attrs: Attrs<'a>,
    /// Its inputs, already on one device.
    pub inputs: &'a [Operand<'a>],
    /// `where=`: elements of the target that are written.
    pub mask: Option<&'a Array>,
    /// One per result: new array or existing view.
    pub targets: &'a [Target<'a>],
}

/// An operation.
pub struct OpDef {
    /// NumPy's name.
    pub name: &'static str,
    /// Number of inputs.
    pub arity: usize,
    /// Number of results.
    pub results: usize,
    /// Its derivative is zero wherever it is smooth, or its results are no real numbers: they are constants for a tape.
    pub constant: bool,
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

impl Named for OpDef {
    fn what(&self) -> &'static str {
        "operation"
    }
    fn name(&self) -> &'static str {
        self.name
    }
    fn place(&self) -> (&'static str, u32) {
        (self.file, self.line)
    }
    fn fault(&self) -> Option<String> {
        match &self.tier {
            Tier::Elementwise(e) => e.fault(self),
            Tier::Structured(_) if self.results == 0 => Some("it has no results".into()),
            Tier::Structured(_) => None,
        }
    }
}
impl OpDef {
    /// The operation of that name.
    pub fn find(name: &str) -> Result<Option<&'static OpDef>> {
        Ok(registry::global()?.named(name))
    }
    /// Every operation, by name.
    pub fn all() -> Result<impl Iterator<Item = &'static OpDef>> {
        Ok(registry::global()?.all())
    }
}

/// The two ways to define an operation. Statics only: the size of the largest variant costs nothing per call.
#[allow(clippy::large_enum_variant)]
pub enum Tier {
    /// A scalar expression.
    Elementwise(Elementwise),
    /// A definition of its own.
    Structured(&'static dyn AnyStructured),
}

impl OpDef {
    /// The elementwise part of the definition.
    #[inline]
    pub const fn elementwise(&'static self) -> Option<&'static Elementwise> {
        match &self.tier {
            Tier::Elementwise(e) => Some(e),
            _ => None,
        }
    }
}

/// Shape and dtype of each result.
pub type Metas = SmallVec<[Meta; 1]>;
/// The results of a call.
pub type Arrays = SmallVec<[Array; 1]>;

impl Meta {
    /// That of an only result.
    pub fn one(shape: impl Into<Dims>, dtype: DType) -> Metas {
        let mut all = Metas::new();
        all.push(Meta { shape: shape.into(), dtype });
        all
    }
}

/// A structured operation: knows its results and how to get them.
pub trait Structured: Send + Sync + 'static {
    /// What calls of it are told; `()` for nothing.
    type Attrs: Attributes;
    /// Whether there is a `decompose`.
    const DECOMPOSES: bool = false;
    /// Whether the only result may be the same view as the first input: `lower` reads each element before it writes it.
    const IN_PLACE: bool = false;

    /// Dtype that each input must be converted to before `infer` and `lower` (`None`: as it is).
    fn input_dtype(&self, _attrs: &Self::Attrs, _inputs: &[Operand], _index: usize) -> Option<DType> {
        None
    }
    /// Shape and dtype of each result; every complaint about the arguments is raised here.
    fn infer(&self, op: &'static OpDef, attrs: &Self::Attrs, inputs: &[&Array]) -> Result<Metas>;
    /// Does the work through `launch` into `outs`, which have the inferred shapes and dtypes and overlap no input. As
    /// it stands: asks for a kernel of this operation alone (`Slot::Op`).
    fn lower(
        &self,
        op: &'static OpDef,
        attrs: &Self::Attrs,
        inputs: &[&Array],
        outs: &[&Array],
    ) -> Result<()> {
        let Some(first) = outs.first() else { return Ok(()) };
        if outs.iter().all(|o| o.size() == 0) {
            return Ok(());
        }
        let args: SmallVec<[Arg; 4]> = inputs.iter().map(|a| Arg::Array(a, None)).collect();
        launch(op.name, first.device(), &Work::Custom(attrs.shared()), None, &args, outs)
    }
    /// The results by other operations, for a device without a kernel of this operation, and for a tape that records it where
    /// it has no gradient rule.
    fn decompose(&self, op: &'static OpDef, _attrs: &Self::Attrs, _inputs: &[&Array]) -> Result<Arrays> {
        bail!(Unsupported, "{}: has no decomposition", op.name)
    }
}

/// `Structured` whatever its attributes: what a definition holds. Implemented by `Structured`.
pub trait AnyStructured: Send + Sync {
    /// Whether it takes attributes of that type.
    fn takes(&self, attrs: Attrs) -> bool;
    /// `Structured::input_dtype`
    fn input_dtype(&self, attrs: Attrs, inputs: &[Operand], index: usize) -> Option<DType>;
    /// `Structured::infer`
    fn infer(&self, op: &'static OpDef, attrs: Attrs, inputs: &[&Array]) -> Result<Metas>;
    /// `Structured::lower`
    fn lower(&self, op: &'static OpDef, attrs: Attrs, inputs: &[&Array], outs: &[&Array]) -> Result<()>;
    /// `Structured::IN_PLACE`
    fn in_place(&self) -> bool;
    /// `Structured::DECOMPOSES`
    fn decomposes(&self) -> bool;
    /// `Structured::decompose`
    fn decompose(&self, op: &'static OpDef, attrs: Attrs, inputs: &[&Array]) -> Result<Arrays>;
}
impl<S: Structured> AnyStructured for S {
    fn takes(&self, attrs: Attrs) -> bool {
        attrs.get::<S::Attrs>().is_some()
    }
    fn input_dtype(&self, attrs: Attrs, inputs: &[Operand], index: usize) -> Option<DType> {
        Structured::input_dtype(self, attrs.get()?, inputs, index)
    }
    fn infer(&self, op: &'static OpDef, attrs: Attrs, inputs: &[&Array]) -> Result<Metas> {
        Structured::infer(self, op, attrs.expect(op.name)?, inputs)
    }
    fn lower(&self, op: &'static OpDef, attrs: Attrs, inputs: &[&Array], outs: &[&Array]) -> Result<()> {
        Structured::lower(self, op, attrs.expect(op.name)?, inputs, outs)
    }
    fn in_place(&self) -> bool {
        S::IN_PLACE
    }
    fn decomposes(&self) -> bool {
        S::DECOMPOSES
    }
    fn decompose(&self, op: &'static OpDef, attrs: Attrs, inputs: &[&Array]) -> Result<Arrays> {
        Structured::decompose(self, op, attrs.expect(op.name)?, inputs)
    }
}

/// Defines an operation and registers it: name, number of inputs and of results, what it is, an interval per input in which it is
/// smooth (for tests), `constant` where its results are constants for a tape, documentation. What it is: a value that implements
/// [`Structured`](crate::op::Structured), or `elementwise` and an [`Elementwise`](crate::op::Elementwise).
///
/// ```
/// use minpy_core::backend::{Elementwise, TypeRule};
/// use minpy_core::{Array, Attrs, DType, Operand, Target, ops};
/// use minpy_cpu as _;
///
/// const ANY: TypeRule = TypeRule { compute: Some, condition_first: false };
/// minpy_core::operation!(pub GAP: "gap", 2 => 1, elementwise Elementwise::new(ANY, |_, x| (x[0] - x[1]).abs().into()),
///     &[(-3.0, -1.0), (1.0, 3.0)], "|x1 - x2|");
///
/// # fn main() -> minpy_core::Result<()> {
/// let x = Array::from([1.0, 5.0]);
/// let r = ops::call(&GAP, Attrs::NONE, &[Operand::Array(&x), Operand::from(2.0)], None, Target::New)?;
/// assert_eq!(r.to_vec::<f64>()?, [1.0, 3.0]);
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! operation {
    (@constant) => { false };
    (@constant constant) => { true };
    (@define $name:expr, $arity:expr, $results:literal, $tier:expr, $domain:expr, $constant:expr, $doc:expr) => {
        $crate::OpDef {
            name: $name,
            arity: $arity,
            results: $results,
            constant: $constant,
            doc: $doc,
            tier: $tier,
            domain: $domain,
            file: file!(),
            line: line!(),
        }
    };
    ($vis:vis $id:ident: $name:expr, arity [$($x:ident),*] => $($rest:tt)*) => {
        $crate::operation!(@counted $vis $id: $name, [$(stringify!($x)),*].len() => $($rest)*);
    };
    ($vis:vis $id:ident: $name:expr, $arity:literal => $($rest:tt)*) => {
        $crate::operation!(@counted $vis $id: $name, $arity => $($rest)*);
    };
    (@counted $vis:vis $id:ident: $name:expr, $arity:expr => $results:literal, elementwise $formula:expr, $domain:expr, $($constant:ident)? $doc:literal) => {
        #[doc = $doc]
        $vis static $id: $crate::OpDef = $crate::operation!(@define $name, $arity, $results, $crate::backend::Tier::Elementwise($formula), $domain,
            $crate::operation!(@constant $($constant)?), $doc);
        $crate::inventory::submit! { $crate::backend::Item::Named(&$id) }
    };
    (@counted $vis:vis $id:ident: $name:expr, $arity:expr => $results:literal, $imp:expr, $domain:expr, $($constant:ident)? $doc:literal) => {
        #[doc = $doc]
        $vis static $id: $crate::OpDef = $crate::operation!(@define $name, $arity, $results, $crate::backend::Tier::Structured(&$imp), $domain,
            $crate::operation!(@constant $($constant)?), $doc);
        $crate::inventory::submit! { $crate::backend::Item::Named(&$id) }
    };
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
    /// The formula; its inputs have the compute dtype. One value per result.
    pub expr: for<'b> fn(&Builder, &[E<'b>]) -> Values<'b>,
    /// Refuses values that NumPy refuses (negative integer powers); given the operands and the compute dtype.
    pub check: Option<fn(&[Operand], DType) -> Result<()>>,
    cache: Cache,
}

/// Most inputs of an elementwise operation.
pub(crate) const MAX_ARITY: usize = 4;
/// Most results of an elementwise operation.
const MAX_RESULTS: usize = 2;
/// What a formula gives: one value, or two.
pub struct Values<'b>([Option<E<'b>>; MAX_RESULTS]);
impl<'b> From<E<'b>> for Values<'b> {
    fn from(value: E<'b>) -> Self {
        Values([Some(value), None])
    }
}
impl<'b> From<[E<'b>; 2]> for Values<'b> {
    fn from(values: [E<'b>; 2]) -> Self {
        Values(values.map(Some))
    }
}

/// Programs of one operation, per dtype and per position of a number.
struct Cache {
    /// All inputs of one dtype, by the bits of those that are numbers.
    same: [[OnceLock<Arc<Program>>; 14]; 8],
    /// Result dtypes per compute dtype.
    result: [OnceLock<[DType; MAX_RESULTS]>; 14],
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
    pub const fn new(rule: TypeRule, expr: for<'b> fn(&Builder, &[E<'b>]) -> Values<'b>) -> Elementwise {
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
    pub(crate) fn same_dtype_program(
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
        let inputs = [dtype; MAX_ARITY];
        let inputs = inputs.get(..arity)?;
        let spec = ProgramSpec { inputs, scalars, compute, out: None, masked: false };
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
    /// What is wrong with the definition.
    fn fault(&self, op: &OpDef) -> Option<String> {
        if op.arity == 0 || op.arity > MAX_ARITY {
            return Some(format!("elementwise operations have 1 to {MAX_ARITY} inputs, not {}", op.arity));
        }
        if op.results == 0 || op.results > MAX_RESULTS {
            return Some(format!(
                "elementwise operations have 1 to {MAX_RESULTS} results, not {}",
                op.results
            ));
        }
        if op.domain.len() != op.arity {
            return Some(format!("{} intervals for {} inputs", op.domain.len(), op.arity));
        }
        let compute = DType::ALL.into_iter().find_map(self.rule.compute)?;
        let b = Builder::new();
        let given = self.formula(&b, op.arity, compute).0.into_iter().flatten().count();
        (given != op.results).then(|| format!("its formula gives {given} results, not {}", op.results))
    }
    fn formula<'b>(&self, b: &'b Builder, arity: usize, compute: DType) -> Values<'b> {
        let condition = |i: usize| i == 0 && self.rule.condition_first;
        let args: SmallVec<[E; 4]> =
            (0..arity).map(|i| b.input(if condition(i) { DType::Bool } else { compute })).collect();
        (self.expr)(b, &args)
    }
    /// The dtype of the first result for inputs computed in `compute`.
    pub(crate) fn result_dtype(&self, arity: usize, compute: DType) -> DType {
        self.result_dtypes(arity, compute)[0]
    }
    /// The dtype of each result; beyond the last result that of the first again.
    pub(crate) fn result_dtypes(&self, arity: usize, compute: DType) -> [DType; MAX_RESULTS] {
        *self.cache.result[compute as usize].get_or_init(|| {
            let b = Builder::new();
            let values = self.formula(&b, arity, compute).0;
            let first = values[0].map_or(compute, |v| v.dtype());
            values.map(|v| v.map_or(first, |v| v.dtype()))
        })
    }
    fn build(&self, name: &'static str, spec: &ProgramSpec) -> Program {
        let b = Builder::new();
        let raw: SmallVec<[E; 4]> = spec.inputs.iter().map(|&d| b.input(d)).collect();
        let count = raw.len() - if spec.masked { 2 } else { 0 };
        let condition = |i: usize| i == 0 && self.rule.condition_first;
        // What a mask leaves out must meet no floating-point exception: it is computed of numbers that meet none.
        let harmless = if name == "arctanh" { 0.5 } else { 1.0 };
        let guarded = spec.masked && {
            let b = Builder::new();
            let ids: SmallVec<[_; MAX_RESULTS]> =
                self.formula(&b, count, spec.compute).0.into_iter().flatten().map(|v| v.id()).collect();
            let of_casts = raw[..count]
                .iter()
                .map(|e| (e.dtype(), spec.compute))
                .chain(spec.out.map(|o| (spec.compute, o)));
            b.finish(name, &ids, 0).raises() != 0
                || of_casts.into_iter().any(|(from, to)| cast_raises(from, to) != 0)
        };
        let args: SmallVec<[E; 4]> = raw[..count]
            .iter()
            .enumerate()
            .map(|(i, e)| match condition(i) {
                true => e.cast(DType::Bool),
                false if guarded => raw[count].select(*e, e.lit(harmless)).cast(spec.compute),
                false => e.cast(spec.compute),
            })
            .collect();
        let mut values: SmallVec<[E; MAX_RESULTS]> = (self.expr)(&b, &args).0.into_iter().flatten().collect();
        // An existing target and a mask are those of an only result: several are computed first and copied then.
        for value in &mut values {
            if let Some(out) = spec.out {
                *value = value.cast(out);
            }
            if spec.masked {
                *value = raw[count].select(*value, raw[count + 1]);
            }
        }
        let ids: SmallVec<[_; MAX_RESULTS]> = values.iter().map(|v| v.id()).collect();
        b.finish(name, &ids, spec.scalars)
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
