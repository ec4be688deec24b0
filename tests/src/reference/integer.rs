//! Primitives on integers and bool: in 128 bits, then wrapped to the dtype.

use super::{Expected, Value};
use minpy_core::DType;
use minpy_core::backend::Prim;

/// The low bits of `i`, as an element of `dtype` sees them.
pub fn wrap(dtype: DType, i: i128) -> i128 {
    if dtype == DType::Bool {
        return (i != 0) as i128;
    }
    let bits = dtype.size() as u32 * 8;
    let low = i & ((1i128 << bits) - 1);
    let signed = dtype.int_range().is_some_and(|r| r.0 < 0);
    if signed && low >> (bits - 1) & 1 == 1 { low - (1i128 << bits) } else { low }
}

fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.abs(), b.abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn power(dtype: DType, base: i128, exponent: i128) -> i128 {
    if exponent < 0 {
        return match base {
            1 => 1,
            -1 => 1 - 2 * (exponent & 1),
            _ => 0,
        };
    }
    let (mut r, mut b, mut e) = (1i128, base, exponent);
    while e > 0 {
        if e & 1 == 1 {
            r = wrap(dtype, r.wrapping_mul(b));
        }
        // 64-bit factors fit in 128 bits; wrapping each time keeps them so.
        b = wrap(dtype, b.wrapping_mul(b));
        e >>= 1;
    }
    wrap(dtype, r)
}

/// The value of a primitive whose first argument has an integer dtype or bool.
pub fn apply(prim: Prim, dtype: DType, args: &[Value]) -> Expected {
    use Prim::*;
    let int = |i: usize| match args.get(i) {
        Some(Value::Int(x)) => *x,
        _ => 0,
    };
    let (a, b) = (int(0), int(1));
    let bool = dtype == DType::Bool;
    let bits = dtype.size() as i128 * 8;
    let r = match prim {
        Neg => -a,
        Abs => a.abs(),
        Sign => a.signum(),
        Floor | Ceil | Trunc | Rint | Conj | Real => a,
        IsNan | IsInf => return truth(false),
        IsFinite => return truth(true),
        Signbit => return truth(a < 0),
        Invert if bool => 1 - a,
        Invert => !a,
        Add => a + b,
        Sub => a - b,
        Mul => a.wrapping_mul(b),
        FloorDiv | Rem | Fmod if b == 0 => 0,
        FloorDiv => a.div_euclid(b) - (b < 0 && a.rem_euclid(b) != 0) as i128,
        Rem => a - b * (a.div_euclid(b) - (b < 0 && a.rem_euclid(b) != 0) as i128),
        Fmod => a % b,
        Pow => power(dtype, a, b),
        Maximum | Fmax => a.max(b),
        Minimum | Fmin => a.min(b),
        Eq => return truth(a == b),
        Ne => return truth(a != b),
        Lt => return truth(a < b),
        Le => return truth(a <= b),
        Gt => return truth(a > b),
        Ge => return truth(a >= b),
        And => a & b,
        Or => a | b,
        Xor => a ^ b,
        Shl if !(0..bits).contains(&b) => 0,
        Shl => a << b,
        Shr if !(0..bits).contains(&b) => -((a < 0) as i128),
        Shr => a >> b,
        Gcd => gcd(a, b),
        Lcm if a == 0 || b == 0 => 0,
        Lcm => (a.abs() / gcd(a, b)).wrapping_mul(b.abs()),
        _ => return Expected { undefined: true, ..Expected::exact(Value::Int(0)) },
    };
    Expected::exact(Value::Int(wrap(dtype, r)))
}

fn truth(b: bool) -> Expected {
    Expected::exact(Value::Int(b as i128))
}
