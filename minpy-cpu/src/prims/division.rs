//! Division in its kinds: true, floor, remainder with either sign.
//!
//! Formulas are NumPy's: `npy_divmod` of `npy_math_internal.h.src`, integer rules of `loops.c.src` (x // 0 is 0,
//! MIN // -1 wraps).

use super::arithmetic::Mul;
use super::loops::{BinaryLoop, Commutes, Loop, Narrow, Op2, Three, Wide, binary_loops, op2, table};
use crate::math::complex;
use minpy_core::backend::{Prim, flags};
use minpy_core::{DType, Scalar};
use num_complex::{Complex32, Complex64};

/// True division.
pub(crate) struct Div;
op2!(Div, |a, b| a / b; f32 f64);
op2!(Div, |a, b| complex::divide(a, b); Complex32 Complex64);

/// The quotient of integers by zero, of which the processor knows nothing.
#[cold]
#[inline(never)]
pub(super) fn by_zero<T>(quotient: T) -> T {
    flags::raise(flags::DIVIDE);
    quotient
}
/// A number divided by -1: the smallest one has no such quotient and stays.
trait Negated {
    fn negated(self) -> Self;
}
macro_rules! negated {
    ($($t:ident)*) => {$(
        impl Negated for $t {
            #[inline(always)]
            fn negated(self) -> $t {
                if self == $t::MIN {
                    overflows();
                }
                self.wrapping_neg()
            }
        }
    )*};
}
negated!(i8 i16 i32 i64);
#[inline(always)]
fn negated<T: Negated>(a: T) -> T {
    a.negated()
}
#[cold]
#[inline(never)]
pub(super) fn overflows() {
    flags::raise(flags::OVERFLOW);
}

struct FloorDiv;
op2!(FloorDiv, |a, b| a.checked_div(b).unwrap_or_else(|| by_zero(0)); u8 u16 u32 u64);
op2!(FloorDiv, |a, b| if b == 0 { by_zero(0) } else if b == -1 { negated(a) } else {
    let q = a.wrapping_div(b);
    if a.wrapping_rem(b) != 0 && (a < 0) != (b < 0) { q - 1 } else { q }
}; i8 i16 i32 i64);
op2!(FloorDiv, |a, b| if b == 0.0 { a / b } else {
    let m = a % b;
    let mut d = (a - m) / b;
    if m != 0.0 && (b < 0.0) != (m < 0.0) {
        d -= 1.0;
    }
    if d != 0.0 {
        // NaN comes here too.
        let f = d.floor();
        if d - f > 0.5 { f + 1.0 } else { f }
    } else {
        d.abs().copysign(a / b)
    }
}; f32 f64);

struct Rem;
op2!(Rem, |a, b| a.checked_rem(b).unwrap_or_else(|| by_zero(0)); u8 u16 u32 u64);
op2!(Rem, |a, b| if b == 0 { by_zero(0) } else {
    let m = a.wrapping_rem(b);
    if m != 0 && (m < 0) != (b < 0) { m + b } else { m }
}; i8 i16 i32 i64);
op2!(Rem, |a, b| {
    let m = a % b;
    if b == 0.0 {
        m
    } else if m != 0.0 {
        if (b < 0.0) != (m < 0.0) { m + b } else { m }
    } else {
        m.copysign(b)
    }
}; f32 f64);

struct Fmod;
op2!(Fmod, |a, b| if b == 0 { by_zero(0) } else { a.wrapping_rem(b) }; i8 i16 i32 i64);
op2!(Fmod, |a, b| a % b; f32 f64);

/// A type of floats whose powers of two have exact reciprocals.
trait Halves: Copy + PartialEq + 'static {
    /// `1 / self` where that is exact and neither subnormal nor infinite.
    fn exact_reciprocal(self) -> Option<Self>;
}
macro_rules! halves {
    ($($t:ident $bits:ident)*) => {$(
        impl Halves for $t {
            #[inline]
            fn exact_reciprocal(self) -> Option<$t> {
                // By the exponent: a division might overflow, which the processor would note.
                const DIGITS: u32 = $t::MANTISSA_DIGITS - 1;
                let field = 2 * $t::MAX_EXP as $bits - 1;
                let (bits, exponent) = (self.to_bits(), self.to_bits() >> DIGITS & field);
                let normal = 1..field;
                let power = bits & ((1 << DIGITS) - 1) == 0 && normal.contains(&exponent);
                let turned = (field - 1).wrapping_sub(exponent);
                (power && normal.contains(&turned))
                    .then(|| $t::from_bits(bits & !(field << DIGITS) | turned << DIGITS))
            }
        }
    )*};
}
halves!(f32 u32 f64 u64);

/// One over a number, where that is exact.
pub(crate) fn reciprocal(of: Scalar) -> Option<Scalar> {
    match of.dtype() {
        DType::F32 => Some(Scalar::new(of.get::<f32>()?.exact_reciprocal()?)),
        DType::F64 => Some(Scalar::new(of.get::<f64>()?.exact_reciprocal()?)),
        _ => None,
    }
}

/// Division by one number: by a power of two it is a multiplication, exact where the division is and rounded alike
/// elsewhere, at a tenth of the price.
///
/// # Safety
/// The contract of `BinaryLoop` with a scalar second side.
unsafe fn by_scalar<T: Halves>(a: *const u8, b: *const u8, d: *mut u8, n: usize)
where
    Div: Op2<T>,
    Mul: Op2<T>,
{
    // SAFETY: the scalar side is one readable element; the rest is handed on.
    unsafe {
        let by = *b.cast::<T>();
        match by.exact_reciprocal() {
            Some(r) => binary_loops::<(Wide, Commutes), T, Mul>()[1](a, (&raw const r).cast(), d, n),
            None => binary_loops::<(Narrow, Three), T, Div>()[1](a, b, d, n),
        }
    }
}

/// Loops of this file.
pub fn lookup(prim: Prim, dtype: DType) -> Option<Loop> {
    let by: BinaryLoop = match dtype {
        DType::F32 => by_scalar::<f32>,
        DType::F64 => by_scalar::<f64>,
        _ => return from_table(prim, dtype),
    };
    match from_table(prim, dtype) {
        Some(Loop::Binary([vv, _, sv])) if prim == Prim::Div => Some(Loop::Binary([vv, by, sv])),
        other => other,
    }
}

table! {
    /// The loops, before division by a scalar gets its own.
    fn from_table;
    Div binary<(Narrow, Three)> Div[f32 f64];
    Div binary<(RareNarrow, Three)> Div[Complex32 Complex64];
    FloorDiv binary<(Single, Three)> FloorDiv[f32 f64 i32 i64 i8 i16 u8 u16 u32 u64];
    Rem binary<(Single, Three)> Rem[f32 f64 i32 i64 i8 i16 u8 u16 u32 u64];
    Fmod binary<(Single, Three)> Fmod[f32 f64 i32 i64 i8 i16];
    Fmod binary<(Single, Three)> Rem[u8 u16 u32 u64];
}

#[cfg(test)]
mod tests {
    use super::Halves;

    #[test]
    fn reciprocals_are_those_of_the_processor() {
        macro_rules! check {
            ($t:ident) => {
                for bits in 0..=$t::MAX_EXP + 2 {
                    for x in [(2 as $t).powi(bits), (2 as $t).powi(-bits), 3.0 * (2 as $t).powi(bits - 9)] {
                        for x in [x, -x] {
                            let mantissa = x.to_bits() & ((1 << ($t::MANTISSA_DIGITS - 1)) - 1);
                            let r = 1.0 / x;
                            let want = (mantissa == 0 && x.is_normal() && r.is_normal()).then_some(r);
                            assert_eq!(x.exact_reciprocal(), want, "{x:e}");
                        }
                    }
                }
            };
        }
        check!(f32);
        check!(f64);
        assert_eq!((0f32.exact_reciprocal(), f64::NAN.exact_reciprocal()), (None, None));
    }
}
