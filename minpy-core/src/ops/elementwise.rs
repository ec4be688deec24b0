//! The table of elementwise operations: one row each, with a scalar expression that every device runs.
//!
//! A row: function and arguments, dtype rule, formula, an interval per input in which the operation is smooth (for tests
//! of gradients), `constant` where its derivative is zero or makes no sense, documentation; lines of documentation above it belong to the function. From it come the operation, the
//! function, the method of `Array` and their documentation. The other place to edit for a new operation is its gradient
//! row in minpy-autograd.

use super::{call, call_each};
use crate::expr::{E, Prim::*};
use crate::op::{Elementwise, OpDef, Operand, Tier, TypeRule};
use crate::{Array, Attrs, DType, Result, Target};
use DType::*;

const fn rule(compute: fn(DType) -> Option<DType>) -> TypeRule {
    TypeRule { compute, condition_first: false }
}
/// The rules, and `dtypes!(RULE)`: the sentence about dtypes in the documentation of the functions.
macro_rules! type_rules {
    ($($id:ident $doc:literal = $rule:expr;)*) => {
        $(#[doc = $doc] const $id: TypeRule = $rule;)*
        macro_rules! dtypes { $(($id) => { $doc };)* }
    };
}
type_rules! {
    ARITH "Computed in the promoted dtype, whichever that is." = rule(Some);
    NO_BOOL "Computed in the promoted dtype; bool has none." =
        rule(|d| if d == Bool { None } else { Some(d) });
    NUMBER "Computed in the promoted dtype; bool counts as int8." = rule(|d| Some(if d == Bool { I8 } else { d }));
    REAL "Computed in the promoted dtype; bool counts as int8, complex numbers have none." = rule(|d| match d {
        Bool => Some(I8),
        d if d.is_complex() => None,
        d => Some(d),
    });
    ORDERED "Computed in the promoted dtype, bool included; complex numbers have none." =
        rule(|d| if d.is_complex() { None } else { Some(d) });
    DIVIDE "Computed in the promoted dtype; integers and bool in float64." =
        rule(|d| Some(if d.is_inexact() { d } else { F64 }));
    FLOAT "Computed in floating point: bool, int8 and uint8 in float16, int16 and uint16 in float32, wider integers in float64." =
        rule(|d| Some(d.as_float()));
    FLOAT_REAL "Computed in floating point: bool, int8 and uint8 in float16, int16 and uint16 in float32, wider integers in float64; complex numbers have none." =
        rule(|d| if d.is_complex() { None } else { Some(d.as_float()) });
    DOUBLE "Computed in float64, complex numbers in complex128." =
        rule(|d| Some(if d.is_complex() { C128 } else { F64 }));
    BITS "For integers and bool, computed in the promoted dtype." =
        rule(|d| if d.is_inexact() { None } else { Some(d) });
    INTEGER "For integers, computed in the promoted dtype; bool counts as int8." = rule(|d| match d {
        Bool => Some(I8),
        d if d.is_inexact() => None,
        d => Some(d),
    });
    WHOLE "For integers, computed in the promoted dtype." =
        rule(|d| if d == Bool || d.is_inexact() { None } else { Some(d) });
    LOGICAL "Every dtype, as truth values." = rule(|_| Some(Bool));
    SELECT "The first argument, of any dtype, is a truth value; the dtypes of the others are promoted." =
        TypeRule { compute: Some, condition_first: true };
}

type X<'a, 'b> = &'a [E<'b>];
type Domain = &'static [(f64, f64)];
const ANY: (f64, f64) = (-3.0, 3.0);
const POS: (f64, f64) = (0.2, 4.0);
const UNIT: (f64, f64) = (-0.9, 0.9);
const D1: Domain = &[ANY];
const D2: Domain = &[ANY, ANY];

/// What can go wrong, in the documentation of the functions.
macro_rules! errors {
    ($x:ident) => {
        "[`ErrorKind::Type`](crate::ErrorKind::Type) for a dtype that has no such operation."
    };
    ($($x:ident),+) => {
        "[`ErrorKind::Type`](crate::ErrorKind::Type) for dtypes that have no such operation, [`ErrorKind::Value`](crate::ErrorKind::Value) \
         for shapes that do not broadcast."
    };
}
macro_rules! name {
    ($f:ident) => {
        stringify!($f)
    };
    ($f:ident $name:literal) => {
        $name
    };
}
macro_rules! elementwise {
    ($(
        $(#[$more:meta])*
        $id:ident $f:ident $([$name:literal])? ($x1:ident $(, $xs:ident)*) $rule:ident, $x:ident => $body:expr, $domain:expr, $($constant:ident)? $doc:literal
        $(, check $check:path)?;
    )*) => {
        $(
            #[doc = $doc]
            pub static $id: OpDef = OpDef {
                name: name!($f $($name)?),
                arity: [stringify!($x1) $(, stringify!($xs))*].len(),
                results: 1,
                constant: crate::operation!(@constant $($constant)?),
                doc: $doc,
                tier: Tier::Elementwise(Elementwise::new($rule, |_b, $x: X<'_, '_>| ($body).into())$(.checked($check))?),
                domain: $domain,
                file: file!(),
                line: line!(),
            };
            inventory::submit! { crate::registry::Item::Named(&$id) }
            #[doc = concat!($doc, "\n\nElement by element, with broadcasting; arguments are arrays or numbers. ", dtypes!($rule))]
            #[doc = concat!("\n\n# Errors\n", errors!($x1 $(, $xs)*))]
            $(#[$more])*
            pub fn $f<'a>($x1: impl Into<Operand<'a>> $(, $xs: impl Into<Operand<'a>>)*) -> Result<Array> {
                call(&$id, Attrs::NONE, &[$x1.into() $(, $xs.into())*], None, Target::New)
            }
        )*
        /// Elementwise operations, the array as the first argument. Each comes from the operation's row.
        // The lifetime is that of the other arguments, of which some operations have none.
        #[allow(clippy::needless_lifetimes)]
        impl Array {$(
            #[doc = concat!($doc, "\n\n[`ops::", stringify!($f), "`](crate::ops::", stringify!($f), "()) of this array. ", dtypes!($rule))]
            #[doc = concat!("\n\n# Errors\n", errors!($x1 $(, $xs)*))]
            $(#[$more])*
            #[inline]
            pub fn $f<'a>(&'a self $(, $xs: impl Into<Operand<'a>>)*) -> Result<Array> {
                $f(self $(, $xs)*)
            }
        )*}
        /// Every elementwise operation of core, in the order of the table.
        pub static TABLE: &[&OpDef] = &[$(&$id),*];
    };
}

elementwise! {
    COPY copy(x) ARITH, x => x[0], D1, "The values of the argument, converted where a dtype is given.";
    POSITIVE positive(x) NO_BOOL, x => x[0], D1, "+x";
    NEGATIVE negative(x) NO_BOOL, x => -x[0], D1, "-x";
    ABSOLUTE absolute(x) ARITH, x => x[0].abs(), &[(0.2, 3.0)], "|x|; real for complex arguments.";
    FABS fabs(x) FLOAT_REAL, x => x[0].abs(), &[(0.2, 3.0)], "|x| in floating point.";
    SIGN sign(x) NO_BOOL, x => x[0].unary(Sign), &[(0.2, 3.0)], "-1, 0 or 1; z/|z| for complex arguments.";
    SQUARE square(x) NUMBER, x => x[0] * x[0], D1, "x * x";
    RECIPROCAL reciprocal(x) NUMBER, x => reciprocal_expr(x[0]), &[POS], "1 / x; integers truncate.";
    SQRT sqrt(x) FLOAT, x => x[0].sqrt(), &[POS], "Square root.";
    #[doc(hidden)]
    ROOT root(x) FLOAT, x => x[0].sqrt(), &[POS], "Square root, whose gradient at 0 is 0: that of a spread, which has its least value there.";
    CBRT cbrt(x) FLOAT_REAL, x => x[0].unary(Cbrt), &[POS], "Cube root.";
    EXP exp(x) FLOAT, x => x[0].exp(), D1, "e ** x";
    EXP2 exp2(x) FLOAT, x => x[0].unary(Exp2), D1, "2 ** x";
    EXPM1 expm1(x) FLOAT, x => x[0].expm1(), D1, "e ** x - 1, accurate near 0.";
    LOG log(x) FLOAT, x => x[0].log(), &[POS], "Natural logarithm.";
    LOG2 log2(x) FLOAT, x => x[0].unary(Log2), &[POS], "Base-2 logarithm.";
    LOG10 log10(x) FLOAT, x => x[0].unary(Log10), &[POS], "Base-10 logarithm.";
    LOG1P log1p(x) FLOAT, x => x[0].log1p(), &[POS], "log(1 + x), accurate near 0.";
    SIN sin(x) FLOAT, x => x[0].sin(), D1, "Sine of x in radians.";
    COS cos(x) FLOAT, x => x[0].cos(), D1, "Cosine of x in radians.";
    TAN tan(x) FLOAT, x => x[0].unary(Tan), &[(-1.2, 1.2)], "Tangent of x in radians.";
    ARCSIN arcsin(x) FLOAT, x => x[0].unary(Arcsin), &[UNIT], "Inverse sine, in radians.";
    ARCCOS arccos(x) FLOAT, x => x[0].unary(Arccos), &[UNIT], "Inverse cosine, in radians.";
    ARCTAN arctan(x) FLOAT, x => x[0].unary(Arctan), D1, "Inverse tangent, in radians.";
    SINH sinh(x) FLOAT, x => x[0].unary(Sinh), D1, "Hyperbolic sine.";
    COSH cosh(x) FLOAT, x => x[0].unary(Cosh), D1, "Hyperbolic cosine.";
    TANH tanh(x) FLOAT, x => x[0].tanh(), D1, "Hyperbolic tangent.";
    ARCSINH arcsinh(x) FLOAT, x => x[0].unary(Arcsinh), D1, "Inverse hyperbolic sine.";
    ARCCOSH arccosh(x) FLOAT, x => x[0].unary(Arccosh), &[(1.2, 4.0)], "Inverse hyperbolic cosine.";
    ARCTANH arctanh(x) FLOAT, x => x[0].unary(Arctanh), &[UNIT], "Inverse hyperbolic tangent.";
    SIGMOID sigmoid(x) FLOAT_REAL, x => x[0].sigmoid(), D1, "1 / (1 + e ** -x), stable at both ends.";
    SOFTPLUS softplus(x) FLOAT_REAL, x => softplus_expr(x[0]), D1, "log(1 + e ** x), without overflow.";
    RELU relu(x) ORDERED, x => x[0].binary(Maximum, x[0].lit(0.0)), &[(0.2, 3.0)], "max(x, 0)";
    ERF erf(x) FLOAT_REAL, x => x[0].unary(Erf), D1, "Error function.";
    DEG2RAD deg2rad(x) FLOAT_REAL, x => x[0] * (std::f64::consts::PI / 180.0), D1, "Degrees to radians.";
    RAD2DEG rad2deg(x) FLOAT_REAL, x => x[0] * (180.0 / std::f64::consts::PI), D1, "Radians to degrees.";
    FLOOR floor(x) ORDERED, x => x[0].floor(), &[(0.2, 0.8)], constant "Largest integer not above x.";
    CEIL ceil(x) ORDERED, x => x[0].unary(Ceil), &[(0.2, 0.8)], constant "Smallest integer not below x.";
    TRUNC trunc(x) ORDERED, x => x[0].unary(Trunc), &[(0.2, 0.8)], constant "Integer part of x.";
    RINT rint(x) FLOAT, x => rint_expr(x[0]), &[(0.1, 0.4)], constant "Nearest integer, ties to even.";
    ISNAN isnan(x) ARITH, x => x[0].isnan(), D1, constant "Whether x is NaN.";
    ISINF isinf(x) ARITH, x => x[0].isinf(), D1, constant "Whether x is infinite.";
    ISFINITE isfinite(x) ARITH, x => x[0].unary(IsFinite), D1, constant "Whether x is finite.";
    SIGNBIT signbit(x) FLOAT_REAL, x => x[0].unary(Signbit), D1, constant "Whether the sign bit is set.";
    LOGICAL_NOT logical_not(x) LOGICAL, x => x[0].invert(), D1, constant "Truth value of not x.";
    INVERT invert(x) BITS, x => x[0].invert(), D1, constant "Bitwise not; logical not for bool.";
    CONJUGATE conjugate(x) NUMBER, x => conj_expr(x[0]), D1, "Complex conjugate.";
    REAL_PART real(x) ARITH, x => if x[0].dtype().is_complex() { x[0].real() } else { x[0] }, D1, "Real part.";
    IMAG_PART imag(x) ARITH, x => if x[0].dtype().is_complex() { x[0].imag() } else { x[0].lit(0.0) }, D1, "Imaginary part.";

    ADD add(x1, x2) ARITH, x => x[0] + x[1], D2, "Sum; or for bool.";
    SUBTRACT subtract(x1, x2) NO_BOOL, x => x[0] - x[1], D2, "Difference.";
    MULTIPLY multiply(x1, x2) ARITH, x => x[0] * x[1], D2, "Product; and for bool.";
    DIVIDE_ divide(x1, x2) DIVIDE, x => x[0] / x[1], &[ANY, POS], "True quotient.";
    FLOOR_DIVIDE floor_divide(x1, x2) REAL, x => x[0].binary(FloorDiv, x[1]), &[(0.2, 0.8), (1.0, 2.0)], constant "Largest integer not above the quotient.";
    REMAINDER remainder(x1, x2) REAL, x => x[0].binary(Rem, x[1]), &[(0.2, 0.8), (1.0, 2.0)], "Remainder with the sign of the divisor.";
    FMOD fmod(x1, x2) REAL, x => x[0].binary(Fmod, x[1]), &[(0.2, 0.8), (1.0, 2.0)], "Remainder with the sign of the dividend.";
    POWER power(x1, x2) NUMBER, x => x[0].binary(Pow, x[1]), &[POS, ANY], "x1 ** x2", check no_negative_power;
    FLOAT_POWER float_power(x1, x2) DOUBLE, x => x[0].binary(Pow, x[1]), &[POS, ANY], "x1 ** x2 in double precision.";
    ARCTAN2 arctan2(x1, x2) FLOAT_REAL, x => x[0].binary(Arctan2, x[1]), &[POS, POS], "Angle of the point (x2, x1), in radians.";
    HYPOT hypot(x1, x2) FLOAT_REAL, x => x[0].binary(Hypot, x[1]), &[POS, POS], "sqrt(x1 ** 2 + x2 ** 2) without overflow.";
    LOGADDEXP logaddexp(x1, x2) FLOAT_REAL, x => x[0].binary(Logaddexp, x[1]), D2, "log(exp(x1) + exp(x2))";
    LOGADDEXP2 logaddexp2(x1, x2) FLOAT_REAL, x => x[0].binary(Logaddexp2, x[1]), D2, "log2(2 ** x1 + 2 ** x2)";
    MAXIMUM maximum(x1, x2) ARITH, x => x[0].binary(Maximum, x[1]), &[(0.0, 1.0), (1.5, 3.0)], "Greater one; NaN wins.";
    MINIMUM minimum(x1, x2) ARITH, x => x[0].binary(Minimum, x[1]), &[(0.0, 1.0), (1.5, 3.0)], "Smaller one; NaN wins.";
    FMAX fmax(x1, x2) ARITH, x => x[0].binary(Fmax, x[1]), &[(0.0, 1.0), (1.5, 3.0)], "Greater one; NaN loses.";
    FMIN fmin(x1, x2) ARITH, x => x[0].binary(Fmin, x[1]), &[(0.0, 1.0), (1.5, 3.0)], "Smaller one; NaN loses.";
    COPYSIGN copysign(x1, x2) FLOAT_REAL, x => x[0].binary(Copysign, x[1]), &[POS, POS], "|x1| with the sign of x2.";
    NEXTAFTER nextafter(x1, x2) FLOAT_REAL, x => x[0].binary(Nextafter, x[1]), D2, constant "Next value after x1 towards x2.";
    HEAVISIDE heaviside(x1, x2) FLOAT_REAL, x => heaviside_expr(x[0], x[1]), &[POS, POS], constant "0 below zero, x2 at zero, 1 above.";
    EQUAL equal(x1, x2) ARITH, x => x[0].binary(Eq, x[1]), D2, constant "x1 == x2";
    NOT_EQUAL not_equal(x1, x2) ARITH, x => x[0].binary(Ne, x[1]), D2, constant "x1 != x2";
    LESS less(x1, x2) ARITH, x => x[0].binary(Lt, x[1]), D2, constant "x1 < x2";
    LESS_EQUAL less_equal(x1, x2) ARITH, x => x[0].binary(Le, x[1]), D2, constant "x1 <= x2";
    GREATER greater(x1, x2) ARITH, x => x[0].binary(Gt, x[1]), D2, constant "x1 > x2";
    GREATER_EQUAL greater_equal(x1, x2) ARITH, x => x[0].binary(Ge, x[1]), D2, constant "x1 >= x2";
    LOGICAL_AND logical_and(x1, x2) LOGICAL, x => x[0].binary(And, x[1]), D2, constant "Truth value of x1 and x2.";
    LOGICAL_OR logical_or(x1, x2) LOGICAL, x => x[0].binary(Or, x[1]), D2, constant "Truth value of x1 or x2.";
    LOGICAL_XOR logical_xor(x1, x2) LOGICAL, x => x[0].binary(Xor, x[1]), D2, constant "Truth value of x1 xor x2.";
    BITWISE_AND bitwise_and(x1, x2) BITS, x => x[0].binary(And, x[1]), D2, constant "Bitwise and.";
    BITWISE_OR bitwise_or(x1, x2) BITS, x => x[0].binary(Or, x[1]), D2, constant "Bitwise or.";
    BITWISE_XOR bitwise_xor(x1, x2) BITS, x => x[0].binary(Xor, x[1]), D2, constant "Bitwise exclusive or.";
    LEFT_SHIFT left_shift(x1, x2) INTEGER, x => x[0].binary(Shl, x[1]), D2, constant "Bits shifted to the left.";
    RIGHT_SHIFT right_shift(x1, x2) INTEGER, x => x[0].binary(Shr, x[1]), D2, constant "Bits shifted to the right.";
    GCD gcd(x1, x2) WHOLE, x => x[0].binary(Gcd, x[1]), D2, constant "Greatest common divisor.";
    LCM lcm(x1, x2) WHOLE, x => x[0].binary(Lcm, x[1]), D2, constant "Least common multiple.";

    #[doc(hidden)]
    TAKEN taken(x1, x2, x3) ARITH, x => taken_expr(x[0], x[1], x[2]), &[(1.5, 3.0), (0.0, 1.0), ANY], "x3 where x1 > x2, half of it where they are equal, else 0: the gradient of maximum.";
    #[doc(hidden)]
    SIDE side(x1, x2) ORDERED, x => side_expr(x[0], x[1]), D2, constant "2 where x1 > x2, 1 where they are equal, else 0 (uint8): what the gradient of maximum needs of them, in a byte.";
    #[doc(hidden)]
    TANH_SLOPE tanh_slope(x1, x2) FLOAT, x => x[1] * (1.0 - x[0] * x[0]), D2, "x2 * (1 - x1**2): the gradient of tanh, where its result is x1.";
    WHERE select["where"](x1, x2, x3) SELECT, x => x[0].select(x[1], x[2]), &[(0.0, 1.0), ANY, ANY], "x2 where x1 is true, else x3.";
    CLIP clip(x1, x2, x3) ARITH, x => x[0].binary(Maximum, x[1]).binary(Minimum, x[2]), &[(-1.0, 1.0), (-3.0, -2.0), (2.0, 3.0)], "x1 limited to [x2, x3].";
}

/// Elementwise operations of two results: as `elementwise!`, with a formula that gives both.
macro_rules! pairs {
    ($(
        $id:ident $f:ident ($x1:ident $(, $xs:ident)*) $rule:ident, $x:ident => [$first:expr, $second:expr], $domain:expr, $doc:literal;
    )*) => {$(
        crate::operation!(pub $id: stringify!($f), arity [$x1 $(, $xs)*] => 2, elementwise
            Elementwise::new($rule, |_b, $x: X<'_, '_>| [$first, $second].into()), $domain, $doc);
        #[doc = concat!($doc, "\n\nElement by element, with broadcasting; arguments are arrays or numbers. ", dtypes!($rule))]
        #[doc = concat!("\n\n# Errors\n", errors!($x1 $(, $xs)*))]
        pub fn $f<'a>($x1: impl Into<Operand<'a>> $(, $xs: impl Into<Operand<'a>>)*) -> Result<(Array, Array)> {
            call_each(&$id, Attrs::NONE, &[$x1.into() $(, $xs.into())*]).map(|[first, second]| (first, second))
        }
    )*};
}
pairs! {
    DIVMOD divmod(x1, x2) REAL, x => [x[0].binary(FloorDiv, x[1]), x[0].binary(Rem, x[1])], &[(0.2, 0.8), (1.0, 2.0)],
        "Largest integer not above the quotient, and the remainder with the sign of the divisor.";
    MODF modf(x) FLOAT_REAL, x => [fraction_expr(x[0]), x[0].unary(Trunc)], &[(0.2, 0.8)], "Fraction and integer part, both with the sign of x.";
    FREXP frexp(x) FLOAT_REAL, x => [x[0].unary(Mantissa), x[0].unary(Exponent).cast(DType::I32)], &[(0.55, 0.95)],
        "Mantissa in [0.5, 1) with the sign of x, and the power of two (int32) that it is multiplied by.";
}
/// With the sign of x also where it is zero; 0 of infinities.
fn fraction_expr(x: E<'_>) -> E<'_> {
    let rest = x - x.isinf().select(x.lit(0.0), x.unary(Trunc));
    x.isinf().select(x.lit(0.0), rest).binary(Copysign, x)
}

/// Integers have no negative powers.
fn no_negative_power(operands: &[Operand], compute: DType) -> Result<()> {
    if compute.kind() != crate::dtype::Kind::Signed || crate::context::tracing() {
        return Ok(());
    }
    // A number that the dtype does not hold is another mistake.
    for x in operands {
        if let Operand::Number(n) = x {
            n.to_scalar(compute)?;
        }
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
fn rint_expr(x: E<'_>) -> E<'_> {
    if x.dtype().is_complex() { E::apply(Complex, &[x.real().rint(), x.imag().rint()]) } else { x.rint() }
}
fn conj_expr(x: E<'_>) -> E<'_> {
    if x.dtype().is_complex() { x.unary(Conj) } else { x }
}
/// Of complex numbers with NumPy's zeros and NaNs, which are not those of its quotient 1 / x.
fn reciprocal_expr(x: E<'_>) -> E<'_> {
    if x.dtype().is_complex() {
        let (re, im) = (x.real(), x.imag());
        // Divided by the larger part: what is not chosen is not computed, and meets nothing.
        let wide = im.abs().binary(Le, re.abs());
        let (large, small) = (wide.select(re, im), wide.select(im, re));
        let r = small / large;
        let (d, one) = (large + small * r, x.real().lit(1.0));
        let parts = [wide.select(one, r) / d, -wide.select(r, one) / d];
        return E::apply(Complex, &parts);
    }
    if x.dtype().is_inexact() {
        return 1.0 / x;
    }
    (1.0 / x.cast(F64)).cast(x.dtype())
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
fn heaviside_expr<'b>(x: E<'b>, h: E<'b>) -> E<'b> {
    let zero = x.lit(0.0);
    let step = x.binary(Lt, zero).select(zero, x.lit(1.0));
    x.isnan().select(x, x.binary(Eq, zero).select(h, step))
}
