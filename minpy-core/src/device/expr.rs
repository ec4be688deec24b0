//! The typed scalar IR: what an elementwise operation computes for one element.
//!
//! Operations write expressions with `E` values; `Program` is the finished, typed form that the CPU evaluator
//! interprets block-wise and `codegen` renders to C. A new primitive costs one line per evaluator and renderer.

use super::flags;
use crate::{DType, Scalar};
use smallvec::SmallVec;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

macro_rules! prims {
    ($($(#[$m:meta])* $name:ident / $arity:literal = $text:literal,)*) => {
        /// Primitive scalar functions. Semantics are NumPy's for the node's dtype (see each line).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Prim { $($(#[$m])* $name,)* }
        impl Prim {
            /// Every primitive.
            pub const ALL: &'static [Prim] = &[$(Prim::$name,)*];
            /// Number of arguments.
            pub const fn arity(self) -> usize { match self { $(Prim::$name => $arity,)* } }
            /// Name, as used in rendered code: `mp_<name>_<dtype>`.
            pub const fn name(self) -> &'static str { match self { $(Prim::$name => $text,)* } }
        }
    };
}

// Arguments have the dtype of the node unless the line says otherwise.
prims! {
    /// -x
    Neg / 1 = "neg",
    /// |x|; of a complex argument the result is real
    Abs / 1 = "abs",
    /// -1, 0, 1; NaN stays; complex: z/|z|
    Sign / 1 = "sign",
    /// Square root; NaN below zero
    Sqrt / 1 = "sqrt",
    /// Cube root
    Cbrt / 1 = "cbrt",
    /// e^x
    Exp / 1 = "exp",
    /// 2^x
    Exp2 / 1 = "exp2",
    /// e^x - 1
    Expm1 / 1 = "expm1",
    /// Natural logarithm
    Log / 1 = "log",
    /// Base-2 logarithm
    Log2 / 1 = "log2",
    /// Base-10 logarithm
    Log10 / 1 = "log10",
    /// log(1 + x)
    Log1p / 1 = "log1p",
    /// Sine (radians)
    Sin / 1 = "sin",
    /// Cosine
    Cos / 1 = "cos",
    /// Tangent
    Tan / 1 = "tan",
    /// Inverse sine
    Arcsin / 1 = "arcsin",
    /// Inverse cosine
    Arccos / 1 = "arccos",
    /// Inverse tangent
    Arctan / 1 = "arctan",
    /// Hyperbolic sine
    Sinh / 1 = "sinh",
    /// Hyperbolic cosine
    Cosh / 1 = "cosh",
    /// Hyperbolic tangent
    Tanh / 1 = "tanh",
    /// Inverse hyperbolic sine
    Arcsinh / 1 = "arcsinh",
    /// Inverse hyperbolic cosine
    Arccosh / 1 = "arccosh",
    /// Inverse hyperbolic tangent
    Arctanh / 1 = "arctanh",
    /// 1 / (1 + e^-x), stable
    Sigmoid / 1 = "sigmoid",
    /// Error function
    Erf / 1 = "erf",
    /// Towards minus infinity (integers unchanged)
    Floor / 1 = "floor",
    /// Towards plus infinity
    Ceil / 1 = "ceil",
    /// Towards zero
    Trunc / 1 = "trunc",
    /// To nearest, ties to even
    Rint / 1 = "rint",
    /// x without its power of two: in [0.5, 1), or x itself where that is 0, infinite or NaN
    Mantissa / 1 = "mantissa",
    /// That power, as a number of the dtype of x; 0 of 0, infinities and NaN
    Exponent / 1 = "exponent",
    /// Result bool
    IsNan / 1 = "isnan",
    /// Result bool
    IsInf / 1 = "isinf",
    /// Result bool
    IsFinite / 1 = "isfinite",
    /// Result bool: sign bit of a float; x < 0 for integers
    Signbit / 1 = "signbit",
    /// Bitwise not; of bool: logical not
    Invert / 1 = "invert",
    /// Complex conjugate
    Conj / 1 = "conj",
    /// Real part: argument complex, result real
    Real / 1 = "real",
    /// Imaginary part: argument complex, result real
    Imag / 1 = "imag",
    /// x + y; bool: or
    Add / 2 = "add",
    /// x - y (integers wrap)
    Sub / 2 = "sub",
    /// x * y; bool: and
    Mul / 2 = "mul",
    /// True division, inexact dtypes only
    Div / 2 = "div",
    /// Floor division; integer x // 0 is 0
    FloorDiv / 2 = "floordiv",
    /// Remainder with the sign of the divisor; integer x % 0 is 0
    Rem / 2 = "rem",
    /// Remainder with the sign of the dividend (C's)
    Fmod / 2 = "fmod",
    /// x ** y; integers by repeated squaring, wrapping; a negative integer exponent gives 0, except for bases 1 and -1
    Pow / 2 = "pow",
    /// atan2(x, y)
    Arctan2 / 2 = "arctan2",
    /// sqrt(x^2 + y^2) without overflow
    Hypot / 2 = "hypot",
    /// Greater one; NaN wins; complex compares by (real, imag)
    Maximum / 2 = "maximum",
    /// Smaller one; NaN wins
    Minimum / 2 = "minimum",
    /// Greater one; NaN loses
    Fmax / 2 = "fmax",
    /// Smaller one; NaN loses
    Fmin / 2 = "fmin",
    /// |x| with the sign of y
    Copysign / 2 = "copysign",
    /// Next representable value after x towards y
    Nextafter / 2 = "nextafter",
    /// log(e^x + e^y)
    Logaddexp / 2 = "logaddexp",
    /// log2(2^x + 2^y)
    Logaddexp2 / 2 = "logaddexp2",
    /// Result bool
    Eq / 2 = "eq",
    /// Result bool
    Ne / 2 = "ne",
    /// Result bool; complex compares by (real, imag)
    Lt / 2 = "lt",
    /// Result bool
    Le / 2 = "le",
    /// Result bool
    Gt / 2 = "gt",
    /// Result bool
    Ge / 2 = "ge",
    /// Bitwise and; bool: logical
    And / 2 = "and",
    /// Bitwise or
    Or / 2 = "or",
    /// Bitwise exclusive or
    Xor / 2 = "xor",
    /// x << y; 0 when y is not below the width
    Shl / 2 = "shl",
    /// x >> y, arithmetic for signed; sign fill when y is not below the width
    Shr / 2 = "shr",
    /// Greatest common divisor (non-negative)
    Gcd / 2 = "gcd",
    /// Least common multiple (non-negative)
    Lcm / 2 = "lcm",
    /// Complex from (real, imag): arguments real, result complex
    Complex / 2 = "complex",
    /// c ? x : y; c is bool
    Select / 3 = "select",
}

/// How elements are combined in a reduction or scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fold {
    /// Sum (of bool: or).
    Add,
    /// Product (of bool: and).
    Mul,
    /// Greatest; NaN wins.
    Max,
    /// Smallest; NaN wins.
    Min,
    /// Bitwise and (of bool: all).
    And,
    /// Bitwise or (of bool: any).
    Or,
    /// Bitwise exclusive or.
    Xor,
}

impl Fold {
    /// The two-argument primitive that the fold repeats.
    pub fn prim(self) -> Prim {
        match self {
            Fold::Add => Prim::Add,
            Fold::Mul => Prim::Mul,
            Fold::Max => Prim::Maximum,
            Fold::Min => Prim::Minimum,
            Fold::And => Prim::And,
            Fold::Or => Prim::Or,
            Fold::Xor => Prim::Xor,
        }
    }
    /// The value that changes nothing, where the dtype has one (Max and Min: the extreme value).
    pub fn identity(self, dtype: DType) -> Scalar {
        use crate::Number;
        let f = |x: f64| Number::Float(x).cast(dtype);
        let extreme = |lowest: bool| match dtype.int_range() {
            Some((lo, hi)) => Number::Int(if lowest { lo } else { hi }).cast(dtype),
            None if dtype.is_complex() => {
                let x = if lowest { f64::NEG_INFINITY } else { f64::INFINITY };
                Number::Complex(num_complex::Complex64::new(x, x)).cast(dtype)
            }
            None => f(if lowest { f64::NEG_INFINITY } else { f64::INFINITY }),
        };
        match self {
            Fold::Add | Fold::Or | Fold::Xor => f(0.0),
            Fold::Mul => f(1.0),
            Fold::And if dtype == DType::Bool => f(1.0),
            Fold::And => Number::Int(if dtype.int_range().is_some_and(|r| r.0 == 0) {
                dtype.int_range().map_or(0, |r| r.1)
            } else {
                -1
            })
            .cast(dtype),
            Fold::Max => extreme(true),
            Fold::Min => extreme(false),
        }
    }
}

/// A loop over host memory that does what an elementwise program of one output says: see `Device::plain_loop`. Called with
/// the address of each input, that of the result, and the number of elements, at least 1. Inputs hold so many elements of
/// the program's dtypes, one after another, or one where the program takes a number; the result overlaps none.
#[derive(Clone, Copy)]
pub enum PlainLoop {
    /// Of one input.
    Unary(unsafe fn(*const u8, *mut u8, usize)),
    /// Of two inputs.
    Binary(unsafe fn(*const u8, *const u8, *mut u8, usize)),
}

/// Index of a node in its program.
pub type NodeId = u16;

/// One node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Node {
    /// The element of input `i`, in that input's dtype.
    Input(u8),
    /// A constant of the node's dtype.
    Const(Scalar),
    /// Position of the element in the C-order iteration space (dtype int64).
    Index,
    /// Conversion of another node to this node's dtype (NumPy's `astype(..., casting="unsafe")`; complex to real drops the imaginary part).
    Cast(NodeId),
    /// A primitive; unused arguments are 0.
    Prim(Prim, [NodeId; 3]),
    /// The fold of a node of the same dtype over one row (`Work::Rows` only).
    Fold(Fold, NodeId),
}

/// A typed expression, ready to be evaluated or rendered. Immutable; nodes come before their users.
pub struct Program {
    name: String,
    nodes: Vec<(Node, DType)>,
    inputs: SmallVec<[DType; 4]>,
    scalars: u32,
    outputs: SmallVec<[NodeId; 2]>,
    /// Whose operation each node is, see `origin`.
    origins: Vec<u8>,
    raises: u8,
    id: u32,
    slots: [OnceLock<Box<dyn Any + Send + Sync>>; 8],
    plain: OnceLock<Option<PlainLoop>>,
}

static NEXT_ID: AtomicU32 = AtomicU32::new(1);

/// See `Program::identity`.
static IDENTITIES: LazyLock<[Arc<Program>; DType::ALL.len()]> = LazyLock::new(|| {
    DType::ALL.map(|d| {
        let b = Builder::new();
        let x = b.input(d).id();
        Arc::new(b.finish("identity", &[x], 0))
    })
});

impl Program {
    /// The program whose output is its one input.
    pub fn identity(dtype: DType) -> &'static Arc<Program> {
        &IDENTITIES[dtype as usize]
    }
    /// Whether its output is its one input.
    pub(crate) fn is_identity(&self) -> bool {
        self.inputs.len() == 1
            && matches!(self.outputs[..], [n] if matches!(self.nodes[n as usize].0, Node::Input(0)))
    }
    /// What the program computes, for profiles and kernel names.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// Nodes with their dtypes, in evaluation order.
    pub fn nodes(&self) -> &[(Node, DType)] {
        &self.nodes
    }
    /// Dtype of each input.
    pub fn inputs(&self) -> &[DType] {
        &self.inputs
    }
    /// Whether input `i` is a single number for the whole call (given by value) and not an array.
    pub fn is_scalar_input(&self, i: usize) -> bool {
        self.scalars >> i & 1 == 1
    }
    /// Bits of the inputs that are single numbers.
    pub fn scalar_inputs(&self) -> u32 {
        self.scalars
    }
    /// The nodes whose values are stored, one per output.
    pub fn outputs(&self) -> &[NodeId] {
        &self.outputs
    }
    /// Dtype of output `i`.
    pub fn output_dtype(&self, i: usize) -> DType {
        self.nodes[self.outputs[i] as usize].1
    }
    /// The operation that a node belongs to, where programs were joined: the number of its expression in the group, oldest first.
    pub fn origin(&self, node: usize) -> u8 {
        self.origins[node]
    }
    /// The floating-point exceptions that may be told of it.
    #[inline]
    pub fn raises(&self) -> u8 {
        self.raises
    }
    /// Unique number of this program in the process.
    pub fn id(&self) -> u32 {
        self.id
    }
    /// Every dtype that occurs.
    pub fn dtypes(&self) -> crate::dtype::DTypeSet {
        self.nodes.iter().fold(crate::dtype::DTypeSet(0), |s, n| s.with(n.1))
    }
    /// A place for what a backend compiled from this program, one per device kind (`DeviceRef::kind`).
    pub fn slot(&self, kind: usize) -> Option<&OnceLock<Box<dyn Any + Send + Sync>>> {
        self.slots.get(kind)
    }
    /// Which inputs are numbers, one bit each.
    pub fn scalars(&self) -> u32 {
        self.scalars
    }
    /// The loop that the host's device has for this program, which is asked once.
    #[inline]
    pub(crate) fn plain_loop(&self, ask: impl FnOnce(&Program) -> Option<PlainLoop>) -> Option<PlainLoop> {
        *self.plain.get_or_init(|| ask(self))
    }
    /// The outputs of this program over other expressions: how programs are fused. `None` when the dtypes of arguments and
    /// inputs differ.
    pub fn inline<'b>(&self, builder: &'b Builder, arguments: &[E<'b>]) -> Option<SmallVec<[E<'b>; 2]>> {
        let mut nodes: SmallVec<[E; 16]> = SmallVec::new();
        for (node, dtype) in &self.nodes {
            let e = match node {
                Node::Input(i) => *arguments.get(*i as usize)?,
                Node::Const(c) => builder.constant(*c),
                Node::Index => builder.index(),
                Node::Cast(of) => nodes[*of as usize].cast(*dtype),
                Node::Prim(prim, ids) => {
                    let arguments: SmallVec<[E; 3]> =
                        ids[..prim.arity()].iter().map(|&i| nodes[i as usize]).collect();
                    E::apply(*prim, &arguments)
                }
                Node::Fold(fold, of) => nodes[*of as usize].fold(*fold),
            };
            if e.dtype() != *dtype {
                return None;
            }
            nodes.push(e);
        }
        Some(self.outputs.iter().map(|&o| nodes[o as usize]).collect())
    }
    /// Text that determines the program's code: equal keys, equal kernels. Used for caches on disk.
    pub fn key(&self) -> String {
        format!("{:?}|{:?}|{:?}|{}", self.nodes, self.inputs, self.outputs, self.scalars)
    }
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name, self.key())
    }
}

/// Collects the nodes of one program.
#[derive(Default)]
pub struct Builder {
    nodes: RefCell<Vec<(Node, DType)>>,
    inputs: RefCell<SmallVec<[DType; 4]>>,
    origins: RefCell<Vec<u8>>,
    origin: Cell<u8>,
}

/// A value inside an expression: write `x * x + 1.0` with it.
#[derive(Clone, Copy)]
pub struct E<'b> {
    b: &'b Builder,
    id: NodeId,
}

impl Builder {
    /// An empty builder.
    pub fn new() -> Builder {
        Builder::default()
    }
    /// The next input, of `dtype`.
    pub fn input(&self, dtype: DType) -> E<'_> {
        let i = self.inputs.borrow().len() as u8;
        self.inputs.borrow_mut().push(dtype);
        self.push(Node::Input(i), dtype)
    }
    /// The position of the element in the iteration space, int64.
    pub fn index(&self) -> E<'_> {
        self.push(Node::Index, DType::I64)
    }
    /// A constant.
    pub fn constant(&self, value: Scalar) -> E<'_> {
        self.push(Node::Const(value), value.dtype())
    }
    fn push(&self, node: Node, dtype: DType) -> E<'_> {
        let mut nodes = self.nodes.borrow_mut();
        // Equal nodes are shared: x * x loads x once.
        let id = match nodes.iter().position(|n| *n == (node, dtype)) {
            Some(i) => i,
            None => {
                nodes.push((node, dtype));
                self.origins.borrow_mut().push(self.origin.get());
                nodes.len() - 1
            }
        };
        E { b: self, id: id as NodeId }
    }
    /// What follows belongs to the operation of that number (`Program::origin`).
    pub fn origin(&self, number: u8) {
        self.origin.set(number);
    }
    /// Ends the expression and empties the builder. `scalars` has a bit for every input given as a single number.
    pub fn finish(&self, name: &str, outputs: &[NodeId], scalars: u32) -> Program {
        let nodes = self.nodes.take();
        let raises = nodes.iter().fold(0, |all, &(node, dtype)| {
            all | match node {
                Node::Cast(of) => flags::cast_raises(nodes[of as usize].1, dtype),
                Node::Prim(prim, ids) => {
                    let decides = ids[if prim == Prim::Select { 1 } else { 0 }];
                    prim.raises(nodes[decides as usize].1)
                }
                Node::Fold(fold, _) => fold.prim().raises(dtype),
                Node::Input(_) | Node::Const(_) | Node::Index => 0,
            }
        });
        Program {
            name: name.to_string(),
            nodes,
            origins: self.origins.take(),
            raises,
            inputs: self.inputs.take(),
            scalars,
            outputs: outputs.into(),
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            slots: Default::default(),
            plain: OnceLock::new(),
        }
    }
}

impl<'b> E<'b> {
    /// Number of the node, for `Builder::finish`.
    pub fn id(self) -> NodeId {
        self.id
    }
    /// Dtype of the value.
    pub fn dtype(self) -> DType {
        self.b.nodes.borrow()[self.id as usize].1
    }
    /// The value converted to `dtype`.
    pub fn cast(self, dtype: DType) -> E<'b> {
        if self.dtype() == dtype { self } else { self.b.push(Node::Cast(self.id), dtype) }
    }
    /// The fold over one row; a number in that row (`Work::Rows` only).
    pub fn fold(self, fold: Fold) -> E<'b> {
        self.b.push(Node::Fold(fold, self.id), self.dtype())
    }
    /// The number `value` in the dtype of `self`.
    pub fn lit(self, value: f64) -> E<'b> {
        self.b.constant(crate::Number::Float(value).cast(self.dtype()))
    }
    /// Applies a primitive whose result has the dtype given by `Prim`'s documentation.
    pub fn apply(prim: Prim, args: &[E<'b>]) -> E<'b> {
        use Prim::*;
        debug_assert_eq!(prim.arity(), args.len());
        let dtype = match prim {
            IsNan | IsInf | IsFinite | Signbit | Eq | Ne | Lt | Le | Gt | Ge => DType::Bool,
            Abs | Real | Imag => args[0].dtype().real(),
            Complex => args[0].dtype().complex(),
            Select => args[1].dtype(),
            _ => args[0].dtype(),
        };
        let mut ids = [0; 3];
        for (i, a) in ids.iter_mut().zip(args) {
            *i = a.id;
        }
        args[0].b.push(Node::Prim(prim, ids), dtype)
    }
    /// One-argument primitive.
    pub fn unary(self, prim: Prim) -> E<'b> {
        E::apply(prim, &[self])
    }
    /// Two-argument primitive.
    pub fn binary(self, prim: Prim, other: E<'b>) -> E<'b> {
        E::apply(prim, &[self, other])
    }
    /// `self ? a : b`; `self` is bool.
    pub fn select(self, a: E<'b>, b: E<'b>) -> E<'b> {
        E::apply(Prim::Select, &[self, a, b])
    }
}

macro_rules! operators {
    ($($tr:ident $f:ident $p:ident),*) => {$(
        impl<'b> std::ops::$tr for E<'b> {
            type Output = E<'b>;
            fn $f(self, o: E<'b>) -> E<'b> { self.binary(Prim::$p, o) }
        }
        impl<'b> std::ops::$tr<f64> for E<'b> {
            type Output = E<'b>;
            fn $f(self, o: f64) -> E<'b> { self.binary(Prim::$p, self.lit(o)) }
        }
        impl<'b> std::ops::$tr<E<'b>> for f64 {
            type Output = E<'b>;
            fn $f(self, o: E<'b>) -> E<'b> { o.lit(self).binary(Prim::$p, o) }
        }
    )*};
}
operators!(Add add Add, Sub sub Sub, Mul mul Mul, Div div Div);
impl<'b> std::ops::Neg for E<'b> {
    type Output = E<'b>;
    fn neg(self) -> E<'b> {
        self.unary(Prim::Neg)
    }
}
macro_rules! methods {
    ($($f:ident $p:ident),*) => {
        /// Shorthand for primitives, so that rows of the op table read like formulas.
        impl<'b> E<'b> { $(
            #[doc = concat!("`Prim::", stringify!($p), "`")]
            pub fn $f(self) -> E<'b> { self.unary(Prim::$p) }
        )* }
    };
}
methods!(exp Exp, log Log, log1p Log1p, expm1 Expm1, sqrt Sqrt, sin Sin, cos Cos, tanh Tanh, abs Abs, floor Floor, rint Rint, isnan IsNan, isinf IsInf, invert Invert, real Real, imag Imag, sigmoid Sigmoid);
