//! Rules of the elementwise table. Formulas are the derivatives of calculus; where a function has a kink, the choice is
//! stated in the row.

use crate::rule::Saves;
use crate::rules;
use minpy_core::ops::*;
use minpy_core::{Array, Number, Operand, Result};

type R = Result<Array>;

fn one_minus_square(x: Operand) -> R {
    subtract(1.0, &square(x)?)
}
/// `g * dx^(y-1) * y`, finite at x = 0 where the exponent allows it.
fn power_x(g: &Array, x: Operand, y: Operand) -> R {
    match y {
        Operand::Number(n @ Number::Complex(k)) if k.im != 0.0 => {
            multiply(g, &multiply(&power(x, Number::Complex(k - 1.0))?, n)?)
        }
        Operand::Number(n) => {
            let k = n.to_f64();
            if k == 0.0 {
                return multiply(g, 0.0);
            }
            if k == 1.0 {
                return Ok(g.clone());
            }
            if k == 2.0 {
                return multiply(&multiply(g, x)?, 2.0);
            }
            multiply(g, &multiply(&power(x, k - 1.0)?, k)?)
        }
        y => {
            // Where y is 0: y / x * x^y, which is the same, with all its derivatives, and is 0 also where x^-1 is infinite. At
            // x = 0 it is y * x.
            let (y0, x0) = (equal(y, 0.0)?, equal(x, 0.0)?);
            let exponent = select(&y0, &select(&x0, 1.0, y)?, &subtract(y, 1.0)?)?;
            let divisor = select(&logical_and(&y0, &logical_not(&x0)?)?, x, 1.0)?;
            multiply(g, &multiply(&divide(y, &divisor)?, &power(x, &exponent)?)?)
        }
    }
}
/// `g * x^y * log x`; 0 at x = 0, where x^y is 0.
fn power_y(g: &Array, x: Operand, y: &Array) -> R {
    let safe = select(&not_equal(x, 0.0)?, x, 1.0)?;
    // The logarithm of a negative number is complex where the power is.
    let safe = if y.dtype().is_complex() { cast(&safe, y.dtype())? } else { safe };
    multiply(g, &multiply(y, &log(&safe)?)?)
}
/// `g / (2 y)`; 0 where `y` is 0, in derivatives of any order.
fn root_slope(g: &Array, y: &Array) -> R {
    let nonzero = not_equal(y, 0.0)?;
    select(&nonzero, &divide(&multiply(g, 0.5)?, &select(&nonzero, y, 1.0)?)?, 0.0)
}
/// `i Im(z) / |x|`, 0 at 0: how z turns around the origin.
fn turned(z: &Array, x: &Array) -> R {
    let size = absolute(x)?;
    let size = select(&not_equal(&size, 0.0)?, &size, 1.0)?;
    multiply(&divide(&imag(z)?, &size)?, num_imag(1.0))
}
/// `x - y`; 0 where both are the same infinity, as where they are the same number.
fn distance(x: Operand, y: Operand) -> R {
    let d = subtract(x, y)?;
    select(&logical_and(&isnan(&d)?, &equal(x, y)?)?, 0.0, &d)
}
/// `e^x / (e^x + e^y)`, with infinities.
fn portion(x: Operand, y: Operand) -> R {
    sigmoid(&distance(x, y)?)
}
fn portion2(x: Operand, y: Operand) -> R {
    sigmoid(&multiply(&distance(x, y)?, std::f64::consts::LN_2)?)
}
/// `g` where the first wins, half of it where both are equal.
fn share(g: &Array, first: &Array, equal: &Array) -> R {
    select(first, g, &select(equal, &multiply(g, 0.5)?, 0.0)?)
}
/// `g` where operand `a` is greater than operand `b`, half of it where they are equal, else 0.
fn won(s: &Saves, a: usize, b: usize, g: &Array) -> R {
    match s.instead() {
        Some(side) => taken(side, 1.0, g),
        None => taken(s.x(a), s.x(b), g),
    }
}
fn zero_where_not(c: &Array, g: &Array) -> R {
    select(c, g, 0.0)
}
/// `g` where the condition holds and the bounds of `clip` leave an interval between them.
fn within(s: &Saves, condition: &Array, g: &Array) -> R {
    let order = |n: Number| match n {
        Number::Complex(z) => (z.re, z.im),
        n => (n.to_f64(), 0.0),
    };
    match (s.x(1), s.x(2)) {
        (Operand::Number(low), Operand::Number(high)) if order(low) < order(high) => {
            zero_where_not(condition, g)
        }
        (Operand::Number(_), Operand::Number(_)) => multiply(g, 0.0),
        (low, high) => zero_where_not(&logical_and(condition, &less(low, high)?)?, g),
    }
}
/// `g` where the upper bound of `clip` is the result.
fn above(s: &Saves, g: &Array) -> R {
    let (x, low, high) = (s.x(0), s.x(1), s.x(2));
    zero_where_not(&logical_or(&greater(x, high)?, &greater_equal(low, high)?)?, g)
}
/// `g * x / y` for the length `y` of a vector with the side `x`; 0 at 0 as for `absolute`, in derivatives of any order.
fn along(g: &Array, x: Operand, y: &Array) -> R {
    let nonzero = not_equal(y, 0.0)?;
    select(&nonzero, &multiply(g, &divide(x, &select(&nonzero, y, 1.0)?)?)?, 0.0)
}

rules! {
    COPY: [] |_, g| Ok(g.clone()) ;;
    POSITIVE: [] |_, g| Ok(g.clone()) ;;
    NEGATIVE: [] |_, g| negative(g) ;;
    // 0 at 0. Complex: d|z| = Re(conj(z) dz) / |z|.
    ABSOLUTE: [0 y] |s, g| if s.array(0).dtype().is_complex() { multiply(g, &conjugate(&sign(s.x(0))?)?) } else { multiply(g, &sign(s.x(0))?) },
        ~ |s, t| if t.dtype().is_complex() { real(&multiply(t, &conjugate(&sign(s.x(0))?)?)?) } else { multiply(t, &sign(s.x(0))?) } ;;
    FABS: [0] |s, g| multiply(g, &sign(s.x(0))?) ;;
    SQUARE: [0] |s, g| multiply(&multiply(g, s.x(0))?, 2.0) ;;
    RECIPROCAL: [y] |s, g| negative(&multiply(g, &square(s.y())?)?) ;;
    SQRT: [y] |s, g| divide(&multiply(g, 0.5)?, s.y()) ;;
    ROOT: [y] |s, g| root_slope(g, s.y()) ;;
    CBRT: [y] |s, g| divide(g, &multiply(&square(s.y())?, 3.0)?) ;;
    EXP: [y] |s, g| multiply(g, s.y()) ;;
    EXP2: [y] |s, g| multiply(g, &multiply(s.y(), std::f64::consts::LN_2)?) ;;
    EXPM1: [y] |s, g| multiply(g, &add(s.y(), 1.0)?) ;;
    LOG: [0] |s, g| divide(g, s.x(0)) ;;
    LOG2: [0] |s, g| divide(g, &multiply(s.x(0), std::f64::consts::LN_2)?) ;;
    LOG10: [0] |s, g| divide(g, &multiply(s.x(0), std::f64::consts::LN_10)?) ;;
    LOG1P: [0] |s, g| divide(g, &add(s.x(0), 1.0)?) ;;
    SIN: [0] |s, g| multiply(g, &cos(s.x(0))?) ;;
    COS: [0] |s, g| negative(&multiply(g, &sin(s.x(0))?)?) ;;
    TAN: [y] |s, g| multiply(g, &add(&square(s.y())?, 1.0)?) ;;
    ARCSIN: [0] |s, g| divide(g, &sqrt(&one_minus_square(s.x(0))?)?) ;;
    ARCCOS: [0] |s, g| negative(&divide(g, &sqrt(&one_minus_square(s.x(0))?)?)?) ;;
    ARCTAN: [0] |s, g| divide(g, &add(&square(s.x(0))?, 1.0)?) ;;
    SINH: [0] |s, g| multiply(g, &cosh(s.x(0))?) ;;
    COSH: [0] |s, g| multiply(g, &sinh(s.x(0))?) ;;
    // One operation and not three: most of the backward pass of a small recurrent network.
    TANH: [y] |s, g| tanh_slope(s.y(), g) ;;
    TANH_SLOPE: [0 1] |s, g| multiply(&multiply(g, s.x(1))?, &multiply(s.x(0), -2.0)?); [0] |s, g| tanh_slope(s.x(0), g) ;;
    ARCSINH: [0] |s, g| shrunk(g, s.array(0)) ;;
    // Two roots: that of their product has another sign in the left half of the complex plane.
    ARCCOSH: [0] |s, g| divide(g, &multiply(&sqrt(&subtract(s.x(0), 1.0)?)?, &sqrt(&add(s.x(0), 1.0)?)?)?) ;;
    ARCTANH: [0] |s, g| divide(g, &one_minus_square(s.x(0))?) ;;
    SIGMOID: [y] |s, g| multiply(g, &multiply(s.y(), &subtract(1.0, s.y())?)?) ;;
    SOFTPLUS: [0] |s, g| multiply(g, &sigmoid(s.x(0))?) ;;
    // 0 at 0.
    RELU: [y] |s, g| zero_where_not(&greater(s.y(), 0.0)?, g) ;;
    ERF: [0] |s, g| multiply(g, &multiply(&exp(&negative(&square(s.x(0))?)?)?, std::f64::consts::FRAC_2_SQRT_PI)?) ;;
    DEG2RAD: [] |_, g| multiply(g, std::f64::consts::PI / 180.0) ;;
    RAD2DEG: [] |_, g| multiply(g, 180.0 / std::f64::consts::PI) ;;
    CONJUGATE: [] |_, g| conjugate(g) ;;
    REAL_PART: [] |_, g| Ok(g.clone()), ~ |_, t| real(t) ;;
    IMAG_PART: [] |_, g| multiply(g, num_imag(-1.0)), ~ |_, t| imag(t) ;;

    ADD: [] |_, g| Ok(g.clone()); [] |_, g| Ok(g.clone()) ;;
    SUBTRACT: [] |_, g| Ok(g.clone()); [] |_, g| negative(g) ;;
    MULTIPLY: [1] |s, g| multiply(g, s.x(1)); [0] |s, g| multiply(g, s.x(0)) ;;
    DIVIDE_: [1] |s, g| divide(g, s.x(1)); [1 y] |s, g| negative(&multiply(g, &divide(s.y(), s.x(1))?)?) ;;
    REMAINDER: [] |_, g| Ok(g.clone()); [0 1] |s, g| negative(&multiply(g, &floor(&divide(s.x(0), s.x(1))?)?)?) ;;
    FMOD: [] |_, g| Ok(g.clone()); [0 1 y] |s, g| negative(&multiply(g, &divide(&subtract(s.x(0), s.y())?, s.x(1))?)?) ;;
    POWER: [0 1] |s, g| power_x(g, s.x(0), s.x(1)); [0 y] |s, g| power_y(g, s.x(0), s.y()) ;;
    FLOAT_POWER: [0 1] |s, g| power_x(g, s.x(0), s.x(1)); [0 y] |s, g| power_y(g, s.x(0), s.y()) ;;
    ARCTAN2: [0 1] |s, g| turn(g, s.x(1), s); [0 1] |s, g| negative(&turn(g, s.x(0), s)?) ;;
    HYPOT: [0 y] |s, g| along(g, s.x(0), s.y()); [1 y] |s, g| along(g, s.x(1), s.y()) ;;
    LOGADDEXP: [0 1] |s, g| multiply(g, &portion(s.x(0), s.x(1))?); [0 1] |s, g| multiply(g, &portion(s.x(1), s.x(0))?) ;;
    LOGADDEXP2: [0 1] |s, g| multiply(g, &portion2(s.x(0), s.x(1))?); [0 1] |s, g| multiply(g, &portion2(s.x(1), s.x(0))?) ;;
    // Ties share evenly.
    MAXIMUM: [0 1] |s, g| won(s, 0, 1, g); [0 1] |s, g| won(s, 1, 0, g) => |x, i| side(x[i], x[1 - i]) ;;
    MINIMUM: [0 1] |s, g| won(s, 1, 0, g); [0 1] |s, g| won(s, 0, 1, g) => |x, i| side(x[1 - i], x[i]) ;;
    FMAX: [0 1] |s, g| share(g, &logical_or(&greater(s.x(0), s.x(1))?, &isnan(s.x(1))?)?, &equal(s.x(0), s.x(1))?);
        [0 1] |s, g| share(g, &logical_or(&greater(s.x(1), s.x(0))?, &isnan(s.x(0))?)?, &equal(s.x(0), s.x(1))?) ;;
    FMIN: [0 1] |s, g| share(g, &logical_or(&less(s.x(0), s.x(1))?, &isnan(s.x(1))?)?, &equal(s.x(0), s.x(1))?);
        [0 1] |s, g| share(g, &logical_or(&less(s.x(1), s.x(0))?, &isnan(s.x(0))?)?, &equal(s.x(0), s.x(1))?) ;;
    // g * sign(x1) * sign(x2); the sign is piecewise constant in x2.
    COPYSIGN: [0 y] |s, g| multiply(g, &multiply(&sign(s.x(0))?, &sign(s.y())?)?); [] |_, g| multiply(g, 0.0) ;;
    TAKEN: [] |_, g| multiply(g, 0.0); [] |_, g| multiply(g, 0.0); [0 1] |s, g| taken(s.x(0), s.x(1), g) ;;

    WHERE: [] |_, g| multiply(g, 0.0); [0] |s, g| select(s.x(0), g, 0.0); [0] |s, g| select(s.x(0), 0.0, g) ;;
    // On the border the argument counts, and not the bound; where no interval is left between the bounds, the upper one.
    CLIP: [0 1 2] |s, g| within(s, &logical_and(&greater_equal(s.x(0), s.x(1))?, &less_equal(s.x(0), s.x(2))?)?, g);
        [0 1 2] |s, g| within(s, &less(s.x(0), s.x(1))?, g);
        [0 1 2] |s, g| above(s, g) ;;
}

rules! { complex
    // With w = z / |z|: dw = w i Im(conj(w) dz) / |z|; a real number has no way to turn.
    SIGN: [0 y] |s, g| multiply(&conjugate(s.y())?, &turned(&multiply(g, s.y())?, s.array(0))?),
        ~ |s, t| multiply(s.y(), &turned(&multiply(&conjugate(s.y())?, t)?, s.array(0))?) ;;
}

/// `g * x / (x0^2 + x1^2)` for one side of the vector; its square may be too large or too small for a number.
fn turn(g: &Array, x: Operand, s: &Saves) -> R {
    let length = hypot(s.x(0), s.x(1))?;
    divide(&multiply(g, &divide(x, &length)?)?, &length)
}
/// `1 / sqrt(x^2 + 1)`, also where the square is too large for a number.
fn shrunk(g: &Array, x: &Array) -> R {
    if x.dtype().is_complex() {
        divide(g, &sqrt(&add(&square(x)?, 1.0)?)?)
    } else {
        divide(g, &hypot(x, 1.0)?)
    }
}
fn num_imag(x: f64) -> Number {
    Number::Complex(minpy_core::Complex64::new(0.0, x))
}
