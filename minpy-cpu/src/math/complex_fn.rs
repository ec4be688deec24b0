//! The table of complex functions: [`ComplexFn`], applied to one number or a slice; and power.
//!
//! The `f32` versions compute in `f64` and round once, but for small integer powers.

use super::complex::*;
use super::real::Real;
use core::f64::consts::{LOG2_E, LOG10_E};
use num_complex::Complex;

/// One row: `Name(z) => expression;`
macro_rules! complex_table {
    ($($doc:literal $name:ident($z:ident) => $e:expr;)*) => {
        /// A function of a complex number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ComplexFn { $(#[doc = $doc] $name,)* }

        impl ComplexFn {
            /// Every function, in order.
            pub const ALL: &'static [ComplexFn] = &[$(ComplexFn::$name,)*];
        }

        /// Applies `f` to one number.
        pub fn apply64(f: ComplexFn, z: C) -> C {
            match f { $(ComplexFn::$name => { let $z = z; $e })* }
        }
    };
}

complex_table! {
    "e^z" Exp(z) => exp(z);
    "2^z" Exp2(z) => exp2(z);
    "e^z - 1" Expm1(z) => expm1(z);
    "Principal logarithm." Log(z) => log(z);
    "Logarithm to base 2." Log2(z) => log(z) * LOG2_E;
    "Logarithm to base 10." Log10(z) => log(z) * LOG10_E;
    "log(1 + z)" Log1p(z) => log1p(z);
    "Principal square root." Sqrt(z) => sqrt(z);
    "Sine." Sin(z) => turn_back(sinh(turn(z)));
    "Cosine." Cos(z) => cosh(turn(z));
    "Tangent." Tan(z) => turn_back(tanh(turn(z)));
    "Inverse sine." Arcsin(z) => arcsin(z);
    "Inverse cosine." Arccos(z) => arccos(z);
    "Inverse tangent." Arctan(z) => turn_back(arctanh(turn(z)));
    "Hyperbolic sine." Sinh(z) => sinh(z);
    "Hyperbolic cosine." Cosh(z) => cosh(z);
    "Hyperbolic tangent." Tanh(z) => tanh(z);
    "Inverse hyperbolic sine." Arcsinh(z) => turn_back(arcsin(turn(z)));
    "Inverse hyperbolic cosine." Arccosh(z) => arccosh(z);
    "Inverse hyperbolic tangent." Arctanh(z) => arctanh(z);
}

/// Applies `f` to one number, in `f64` arithmetic.
pub fn apply32(f: ComplexFn, z: Complex<f32>) -> Complex<f32> {
    let w = apply64(f, C::new(z.re as f64, z.im as f64));
    Complex::new(w.re as f32, w.im as f32)
}

/// `z^w = e^(w log z)`; exactly 1 for `w = 0`, and 0 or NaN for `z = 0` as in NumPy.
pub fn power64(z: C, w: C) -> C {
    if w.re == 0.0 && w.im == 0.0 {
        return C::new(1.0, 0.0);
    }
    if z.re == 0.0 && z.im == 0.0 {
        let v = if w.re > 0.0 { 0.0 } else { f64::NAN };
        return C::new(v, v);
    }
    // The first three also where a part is infinite or NaN.
    if let Some(p) = whole_power(z, w) {
        return p;
    }
    exp(times(w, log(z)))
}

/// Small integer powers by multiplication, as NumPy does.
fn whole_power<T: Real + Into<f64>>(z: Complex<T>, w: Complex<T>) -> Option<Complex<T>> {
    let n = if w.im == T::ZERO { whole(w.re)? } else { return None };
    let times =
        |a: Complex<T>, b: Complex<T>| Complex::new(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re);
    match n {
        1 => return Some(z),
        2 => return Some(times(z, z)),
        3 => return Some(times(z, times(z, z))),
        _ => {}
    }
    let one = Complex::new(T::ONE, T::ZERO);
    let (mut p, mut x, mut left) = (one, z, n.unsigned_abs());
    loop {
        if left & 1 == 1 {
            p = times(p, x);
        }
        left >>= 1;
        if left == 0 {
            return Some(if n < 0 { divide(one, p) } else { p });
        }
        x = times(x, x);
    }
}
/// An exponent that is an integer between -100 and 100, but not 0.
fn whole<T: Into<f64>>(w: T) -> Option<i32> {
    let w: f64 = w.into();
    (w != 0.0 && w.abs() < 100.0 && w == libm::trunc(w)).then_some(w as i32)
}

/// `z^w`: small integer powers in `f32`, others in `f64` arithmetic.
pub fn power32(z: Complex<f32>, w: Complex<f32>) -> Complex<f32> {
    let zero = |z: Complex<f32>| z.re == 0.0 && z.im == 0.0;
    if !zero(z)
        && let Some(p) = whole_power(z, w)
    {
        return p;
    }
    let p = power64(C::new(z.re as f64, z.im as f64), C::new(w.re as f64, w.im as f64));
    Complex::new(p.re as f32, p.im as f32)
}
