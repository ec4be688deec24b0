//! The table of elementwise operations: one row each, with a scalar expression that every device runs.
//!
//! A row: name, arity, dtype rule, formula, an interval per input in which the operation is smooth (for tests of
//! gradients), documentation. The other place to edit for a new operation is its gradient row in minpy-autograd.

use super::call;
use crate::expr::{E, Prim::*};
use crate::op::{Elementwise, OpDef, Operand, Tier, TypeRule};
use crate::{Array, Attrs, DType, Result, Target};
use DType::*;

const fn rule(compute: fn(DType) -> Option<DType>) -> TypeRule {
    TypeRule { compute, condition_first: false }
}
/// Every dtype as it is; bool has its own arithmetic.
const ARITH: TypeRule = rule(Some);
/// Every dtype but bool.
const NO_BOOL: TypeRule = rule(|d| if d == Bool { None } else { Some(d) });
/// Bool counts as int8.
const NUMBER: TypeRule = rule(|d| Some(if d == Bool { I8 } else { d }));
/// Real numbers; bool counts as int8.
const REAL: TypeRule = rule(|d| match d {
    Bool => Some(I8),
    d if d.is_complex() => None,
    d => Some(d),
});
/// Real numbers and bool as they are.
const ORDERED: TypeRule = rule(|d| if d.is_complex() { None } else { Some(d) });
/// Integers divide in float64.
const DIVIDE: TypeRule = rule(|d| Some(if d.is_inexact() { d } else { F64 }));
/// NumPy's float loops: small integers in small floats.
const FLOAT: TypeRule = rule(|d| Some(d.as_float()));
/// The same for real numbers only.
const FLOAT_REAL: TypeRule = rule(|d| if d.is_complex() { None } else { Some(d.as_float()) });
/// Integers and bool.
const BITS: TypeRule = rule(|d| if d.is_inexact() { None } else { Some(d) });
/// Integers; bool counts as int8.
const INTEGER: TypeRule = rule(|d| match d {
    Bool => Some(I8),
    d if d.is_inexact() => None,
    d => Some(d),
});
/// Integers; not bool.
const WHOLE: TypeRule = rule(|d| if d == Bool || d.is_inexact() { None } else { Some(d) });
/// Everything as a truth value.
const LOGICAL: TypeRule = rule(|_| Some(Bool));
/// A condition, then values of one dtype.
const SELECT: TypeRule = TypeRule { compute: Some, condition_first: true };

type X<'a, 'b> = &'a [E<'b>];
type Domain = &'static [(f64, f64)];
const ANY: (f64, f64) = (-3.0, 3.0);
const POS: (f64, f64) = (0.2, 4.0);
const UNIT: (f64, f64) = (-0.9, 0.9);
const D1: Domain = &[ANY];
const D2: Domain = &[ANY, ANY];

macro_rules! elementwise {
    ($($id:ident $name:literal $arity:literal $rule:expr, $x:ident => $body:expr, $domain:expr, $doc:literal $(, check $check:path)?;)*) => {
        $(
            #[doc = $doc]
            pub static $id: OpDef = OpDef {
                name: $name,
                arity: $arity,
                doc: $doc,
                tier: Tier::Elementwise(Elementwise::new($rule, |_b, $x: X<'_, '_>| $body)$(.checked($check))?),
                domain: $domain,
                file: file!(),
                line: line!(),
            };
            inventory::submit! { crate::registry::Item::Op(&$id) }
        )*
        /// Every elementwise operation of core, in the order of the table.
        pub static TABLE: &[&OpDef] = &[$(&$id),*];
    };
}

elementwise! {
    COPY "copy" 1 ARITH, x => x[0], D1, "The values of the argument, converted where a dtype is given.";
    POSITIVE "positive" 1 NO_BOOL, x => x[0], D1, "+x";
    NEGATIVE "negative" 1 NO_BOOL, x => -x[0], D1, "-x";
    ABSOLUTE "absolute" 1 ARITH, x => x[0].abs(), &[(0.2, 3.0)], "|x|; real for complex arguments.";
    FABS "fabs" 1 FLOAT_REAL, x => x[0].abs(), &[(0.2, 3.0)], "|x| in floating point.";
    SIGN "sign" 1 NO_BOOL, x => x[0].unary(Sign), &[(0.2, 3.0)], "-1, 0 or 1; z/|z| for complex arguments.";
    SQUARE "square" 1 NUMBER, x => x[0] * x[0], D1, "x * x";
    RECIPROCAL "reciprocal" 1 NUMBER, x => reciprocal(x[0]), &[POS], "1 / x; integers truncate.";
    SQRT "sqrt" 1 FLOAT, x => x[0].sqrt(), &[POS], "Square root.";
    ROOT "root" 1 FLOAT, x => x[0].sqrt(), &[POS], "Square root, whose gradient at 0 is 0: that of a spread, which has its least value there.";
    CBRT "cbrt" 1 FLOAT_REAL, x => x[0].unary(Cbrt), &[POS], "Cube root.";
    EXP "exp" 1 FLOAT, x => x[0].exp(), D1, "e ** x";
    EXP2 "exp2" 1 FLOAT, x => x[0].unary(Exp2), D1, "2 ** x";
    EXPM1 "expm1" 1 FLOAT, x => x[0].expm1(), D1, "e ** x - 1, accurate near 0.";
    LOG "log" 1 FLOAT, x => x[0].log(), &[POS], "Natural logarithm.";
    LOG2 "log2" 1 FLOAT, x => x[0].unary(Log2), &[POS], "Base-2 logarithm.";
    LOG10 "log10" 1 FLOAT, x => x[0].unary(Log10), &[POS], "Base-10 logarithm.";
    LOG1P "log1p" 1 FLOAT, x => x[0].log1p(), &[POS], "log(1 + x), accurate near 0.";
    SIN "sin" 1 FLOAT, x => x[0].sin(), D1, "Sine of x in radians.";
    COS "cos" 1 FLOAT, x => x[0].cos(), D1, "Cosine of x in radians.";
    TAN "tan" 1 FLOAT, x => x[0].unary(Tan), &[(-1.2, 1.2)], "Tangent of x in radians.";
    ARCSIN "arcsin" 1 FLOAT, x => x[0].unary(Arcsin), &[UNIT], "Inverse sine, in radians.";
    ARCCOS "arccos" 1 FLOAT, x => x[0].unary(Arccos), &[UNIT], "Inverse cosine, in radians.";
    ARCTAN "arctan" 1 FLOAT, x => x[0].unary(Arctan), D1, "Inverse tangent, in radians.";
    SINH "sinh" 1 FLOAT, x => x[0].unary(Sinh), D1, "Hyperbolic sine.";
    COSH "cosh" 1 FLOAT, x => x[0].unary(Cosh), D1, "Hyperbolic cosine.";
    TANH "tanh" 1 FLOAT, x => x[0].tanh(), D1, "Hyperbolic tangent.";
    ARCSINH "arcsinh" 1 FLOAT, x => x[0].unary(Arcsinh), D1, "Inverse hyperbolic sine.";
    ARCCOSH "arccosh" 1 FLOAT, x => x[0].unary(Arccosh), &[(1.2, 4.0)], "Inverse hyperbolic cosine.";
    ARCTANH "arctanh" 1 FLOAT, x => x[0].unary(Arctanh), &[UNIT], "Inverse hyperbolic tangent.";
    SIGMOID "sigmoid" 1 FLOAT_REAL, x => x[0].sigmoid(), D1, "1 / (1 + e ** -x), stable at both ends.";
    SOFTPLUS "softplus" 1 FLOAT_REAL, x => softplus_expr(x[0]), D1, "log(1 + e ** x), without overflow.";
    RELU "relu" 1 ORDERED, x => x[0].binary(Maximum, x[0].lit(0.0)), &[(0.2, 3.0)], "max(x, 0)";
    ERF "erf" 1 FLOAT_REAL, x => x[0].unary(Erf), D1, "Error function.";
    DEG2RAD "deg2rad" 1 FLOAT_REAL, x => x[0] * (std::f64::consts::PI / 180.0), D1, "Degrees to radians.";
    RAD2DEG "rad2deg" 1 FLOAT_REAL, x => x[0] * (180.0 / std::f64::consts::PI), D1, "Radians to degrees.";
    FLOOR "floor" 1 ORDERED, x => x[0].floor(), &[(0.2, 0.8)], "Largest integer not above x.";
    CEIL "ceil" 1 ORDERED, x => x[0].unary(Ceil), &[(0.2, 0.8)], "Smallest integer not below x.";
    TRUNC "trunc" 1 ORDERED, x => x[0].unary(Trunc), &[(0.2, 0.8)], "Integer part of x.";
    RINT "rint" 1 FLOAT, x => rint(x[0]), &[(0.1, 0.4)], "Nearest integer, ties to even.";
    ISNAN "isnan" 1 ARITH, x => x[0].isnan(), D1, "Whether x is NaN.";
    ISINF "isinf" 1 ARITH, x => x[0].isinf(), D1, "Whether x is infinite.";
    ISFINITE "isfinite" 1 ARITH, x => x[0].unary(IsFinite), D1, "Whether x is finite.";
    SIGNBIT "signbit" 1 FLOAT_REAL, x => x[0].unary(Signbit), D1, "Whether the sign bit is set.";
    LOGICAL_NOT "logical_not" 1 LOGICAL, x => x[0].invert(), D1, "Truth value of not x.";
    INVERT "invert" 1 BITS, x => x[0].invert(), D1, "Bitwise not; logical not for bool.";
    CONJUGATE "conjugate" 1 NUMBER, x => conj(x[0]), D1, "Complex conjugate.";
    REAL_PART "real" 1 ARITH, x => if x[0].dtype().is_complex() { x[0].real() } else { x[0] }, D1, "Real part.";
    IMAG_PART "imag" 1 ARITH, x => if x[0].dtype().is_complex() { x[0].imag() } else { x[0].lit(0.0) }, D1, "Imaginary part.";

    ADD "add" 2 ARITH, x => x[0] + x[1], D2, "Sum; or for bool.";
    SUBTRACT "subtract" 2 NO_BOOL, x => x[0] - x[1], D2, "Difference.";
    MULTIPLY "multiply" 2 ARITH, x => x[0] * x[1], D2, "Product; and for bool.";
    DIVIDE_ "divide" 2 DIVIDE, x => x[0] / x[1], &[ANY, POS], "True quotient.";
    FLOOR_DIVIDE "floor_divide" 2 REAL, x => x[0].binary(FloorDiv, x[1]), &[(0.2, 0.8), (1.0, 2.0)], "Largest integer not above the quotient.";
    REMAINDER "remainder" 2 REAL, x => x[0].binary(Rem, x[1]), &[(0.2, 0.8), (1.0, 2.0)], "Remainder with the sign of the divisor.";
    FMOD "fmod" 2 REAL, x => x[0].binary(Fmod, x[1]), &[(0.2, 0.8), (1.0, 2.0)], "Remainder with the sign of the dividend.";
    POWER "power" 2 NUMBER, x => x[0].binary(Pow, x[1]), &[POS, ANY], "x1 ** x2", check no_negative_power;
    FLOAT_POWER "float_power" 2 rule(|d| Some(if d.is_complex() { C128 } else { F64 })), x => x[0].binary(Pow, x[1]), &[POS, ANY], "x1 ** x2 in double precision.";
    ARCTAN2 "arctan2" 2 FLOAT_REAL, x => x[0].binary(Arctan2, x[1]), &[POS, POS], "Angle of the point (x2, x1), in radians.";
    HYPOT "hypot" 2 FLOAT_REAL, x => x[0].binary(Hypot, x[1]), &[POS, POS], "sqrt(x1**2 + x2**2) without overflow.";
    LOGADDEXP "logaddexp" 2 FLOAT_REAL, x => x[0].binary(Logaddexp, x[1]), D2, "log(exp(x1) + exp(x2))";
    LOGADDEXP2 "logaddexp2" 2 FLOAT_REAL, x => x[0].binary(Logaddexp2, x[1]), D2, "log2(2**x1 + 2**x2)";
    MAXIMUM "maximum" 2 ARITH, x => x[0].binary(Maximum, x[1]), &[(0.0, 1.0), (1.5, 3.0)], "Greater one; NaN wins.";
    MINIMUM "minimum" 2 ARITH, x => x[0].binary(Minimum, x[1]), &[(0.0, 1.0), (1.5, 3.0)], "Smaller one; NaN wins.";
    FMAX "fmax" 2 ARITH, x => x[0].binary(Fmax, x[1]), &[(0.0, 1.0), (1.5, 3.0)], "Greater one; NaN loses.";
    FMIN "fmin" 2 ARITH, x => x[0].binary(Fmin, x[1]), &[(0.0, 1.0), (1.5, 3.0)], "Smaller one; NaN loses.";
    COPYSIGN "copysign" 2 FLOAT_REAL, x => x[0].binary(Copysign, x[1]), &[POS, POS], "|x1| with the sign of x2.";
    NEXTAFTER "nextafter" 2 FLOAT_REAL, x => x[0].binary(Nextafter, x[1]), D2, "Next value after x1 towards x2.";
    HEAVISIDE "heaviside" 2 FLOAT_REAL, x => heaviside(x[0], x[1]), &[POS, POS], "0 below zero, x2 at zero, 1 above.";
    EQUAL "equal" 2 ARITH, x => x[0].binary(Eq, x[1]), D2, "x1 == x2";
    NOT_EQUAL "not_equal" 2 ARITH, x => x[0].binary(Ne, x[1]), D2, "x1 != x2";
    LESS "less" 2 ARITH, x => x[0].binary(Lt, x[1]), D2, "x1 < x2";
    LESS_EQUAL "less_equal" 2 ARITH, x => x[0].binary(Le, x[1]), D2, "x1 <= x2";
    GREATER "greater" 2 ARITH, x => x[0].binary(Gt, x[1]), D2, "x1 > x2";
    GREATER_EQUAL "greater_equal" 2 ARITH, x => x[0].binary(Ge, x[1]), D2, "x1 >= x2";
    LOGICAL_AND "logical_and" 2 LOGICAL, x => x[0].binary(And, x[1]), D2, "Truth value of x1 and x2.";
    LOGICAL_OR "logical_or" 2 LOGICAL, x => x[0].binary(Or, x[1]), D2, "Truth value of x1 or x2.";
    LOGICAL_XOR "logical_xor" 2 LOGICAL, x => x[0].binary(Xor, x[1]), D2, "Truth value of x1 xor x2.";
    BITWISE_AND "bitwise_and" 2 BITS, x => x[0].binary(And, x[1]), D2, "Bitwise and.";
    BITWISE_OR "bitwise_or" 2 BITS, x => x[0].binary(Or, x[1]), D2, "Bitwise or.";
    BITWISE_XOR "bitwise_xor" 2 BITS, x => x[0].binary(Xor, x[1]), D2, "Bitwise exclusive or.";
    LEFT_SHIFT "left_shift" 2 INTEGER, x => x[0].binary(Shl, x[1]), D2, "Bits shifted to the left.";
    RIGHT_SHIFT "right_shift" 2 INTEGER, x => x[0].binary(Shr, x[1]), D2, "Bits shifted to the right.";
    GCD "gcd" 2 WHOLE, x => x[0].binary(Gcd, x[1]), D2, "Greatest common divisor.";
    LCM "lcm" 2 WHOLE, x => x[0].binary(Lcm, x[1]), D2, "Least common multiple.";

    TAKEN "taken" 3 ARITH, x => taken_expr(x[0], x[1], x[2]), &[(1.5, 3.0), (0.0, 1.0), ANY], "x3 where x1 > x2, half of it where they are equal, else 0: the gradient of maximum.";
    SIDE "side" 2 ORDERED, x => side_expr(x[0], x[1]), D2, "2 where x1 > x2, 1 where they are equal, else 0 (uint8): what the gradient of maximum needs of them, in a byte.";
    TANH_SLOPE "tanh_slope" 2 FLOAT, x => x[1] * (1.0 - x[0] * x[0]), D2, "x2 * (1 - x1**2): the gradient of tanh, where its result is x1.";
    WHERE "where" 3 SELECT, x => x[0].select(x[1], x[2]), &[(0.0, 1.0), ANY, ANY], "x2 where x1 is true, else x3.";
    CLIP "clip" 3 ARITH, x => x[0].binary(Maximum, x[1]).binary(Minimum, x[2]), &[(-1.0, 1.0), (-3.0, -2.0), (2.0, 3.0)], "x1 limited to [x2, x3].";
}

/// Integers have no negative powers.
fn no_negative_power(operands: &[Operand], compute: DType) -> Result<()> {
    if compute.kind() != crate::dtype::Kind::Signed || crate::context::tracing() {
        return Ok(());
    }
    let negative = match operands[1] {
        Operand::Number(n) => n.to_f64() < 0.0,
        Operand::Scalar(s) => s.number().to_f64() < 0.0,
        Operand::Array(a) if a.size() == 0 || a.dtype().kind() != crate::dtype::Kind::Signed => false,
        Operand::Array(a) => super::min(a, None, false)?.item()?.number().to_f64() < 0.0,
    };
    if negative {
        crate::bail!(Value, "power: Integers to negative integer powers are not allowed.");
    }
    Ok(())
}
fn rint(x: E<'_>) -> E<'_> {
    if x.dtype().is_complex() { E::apply(Complex, &[x.real().rint(), x.imag().rint()]) } else { x.rint() }
}
fn conj(x: E<'_>) -> E<'_> {
    if x.dtype().is_complex() { x.unary(Conj) } else { x }
}
fn reciprocal(x: E<'_>) -> E<'_> {
    if x.dtype().is_inexact() {
        return 1.0 / x;
    }
    // Truncated 1 / x is x itself for 1 and -1, else 0. (x * x may wrap to 1.)
    let unit = x.abs().binary(Eq, x.lit(1.0));
    unit.select(x, x.lit(0.0))
}
/// max(x, 0) + log(1 + e^-|x|): neither part overflows, and they do not cancel.
fn softplus_expr(x: E<'_>) -> E<'_> {
    x.binary(Maximum, x.lit(0.0)) + (-x.abs()).exp().log1p()
}
fn taken_expr<'b>(x: E<'b>, y: E<'b>, g: E<'b>) -> E<'b> {
    let half = if g.dtype().is_inexact() { g * 0.5 } else { g };
    let tie = x.binary(Eq, y).select(half, g.lit(0.0));
    x.binary(Gt, y).select(g, tie)
}
fn side_expr<'b>(x: E<'b>, y: E<'b>) -> E<'b> {
    let (greater, equal) = (x.binary(Gt, y), x.binary(Eq, y));
    let of = |n: f64| equal.cast(U8).lit(n);
    greater.select(of(2.0), equal.select(of(1.0), of(0.0)))
}
fn heaviside<'b>(x: E<'b>, h: E<'b>) -> E<'b> {
    let zero = x.lit(0.0);
    let step = x.binary(Lt, zero).select(zero, x.lit(1.0));
    x.isnan().select(x, x.binary(Eq, zero).select(h, step))
}

macro_rules! functions {
    ($($f:ident($($a:ident),+) $op:ident;)*) => {$(
        #[doc = concat!("Calls the operation `", stringify!($op), "` of the table.")]
        pub fn $f<'a>($($a: impl Into<Operand<'a>>),+) -> Result<Array> {
            call(&$op, &Attrs::None, &[$($a.into()),+], None, Target::New)
        }
    )*};
}
functions! {
    positive(x) POSITIVE; negative(x) NEGATIVE; absolute(x) ABSOLUTE; sign(x) SIGN; square(x) SQUARE; root(x) ROOT;
    reciprocal_of(x) RECIPROCAL; sqrt(x) SQRT; cbrt(x) CBRT; exp(x) EXP; exp2(x) EXP2; expm1(x) EXPM1; log(x) LOG; log2(x) LOG2;
    log10(x) LOG10; log1p(x) LOG1P; sin(x) SIN; cos(x) COS; tan(x) TAN; arcsin(x) ARCSIN; arccos(x) ARCCOS; arctan(x) ARCTAN;
    sinh(x) SINH; cosh(x) COSH; tanh(x) TANH; arcsinh(x) ARCSINH; arccosh(x) ARCCOSH; arctanh(x) ARCTANH;
    sigmoid(x) SIGMOID; softplus(x) SOFTPLUS; relu(x) RELU; erf(x) ERF; floor(x) FLOOR; ceil(x) CEIL; isnan(x) ISNAN; logical_not(x) LOGICAL_NOT;
    conjugate(x) CONJUGATE; real(x) REAL_PART; imag(x) IMAG_PART;
    add(a, b) ADD; subtract(a, b) SUBTRACT; multiply(a, b) MULTIPLY; divide(a, b) DIVIDE_; floor_divide(a, b) FLOOR_DIVIDE;
    remainder(a, b) REMAINDER; power(a, b) POWER; arctan2(a, b) ARCTAN2; hypot(a, b) HYPOT; logaddexp(a, b) LOGADDEXP;
    maximum(a, b) MAXIMUM; minimum(a, b) MINIMUM; equal(a, b) EQUAL; not_equal(a, b) NOT_EQUAL; less(a, b) LESS;
    less_equal(a, b) LESS_EQUAL; greater(a, b) GREATER; greater_equal(a, b) GREATER_EQUAL; logical_and(a, b) LOGICAL_AND;
    logical_or(a, b) LOGICAL_OR; select(c, a, b) WHERE; taken(a, b, g) TAKEN; side(a, b) SIDE; tanh_slope(y, g) TANH_SLOPE; clip(x, lo, hi) CLIP;
}
