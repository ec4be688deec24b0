//! Transcendental functions for `f32` and `f64`, within 4 ulp, vectorised at run time.
//!
//! Three layers: element functions (`exp::exp::<T, FMA>(x)` and so on), branch-free and inlined
//! into the caller's vector loop; [`op`] types that carry them into generic code through
//! [`Unary`] and [`Binary`]; and slice kernels looked up by [`MathFn`] or [`MathFn2`]. One row of
//! the tables below adds a function to all of them.

pub mod complex;
pub mod complex_fn;
pub mod exceptions;
pub mod exp;
#[cfg(target_arch = "x86_64")]
pub mod group;
pub mod kernel;
pub mod lanes;
pub mod log;
pub mod pow;
pub mod real;
mod real32;
mod real64;
pub mod roots;
pub mod special;
pub mod trig;
#[cfg(target_arch = "x86_64")]
pub mod wide;

pub use kernel::{Binary, BinaryKernel, Form, Unary, UnaryKernel};
pub use real::Real;

use crate::machine::simd::{Level, level};

/// One row: `Name => module::function [, slow method for trig::far] [+ wide];`, wide when it takes registers too, `once` when no
/// instruction set makes it faster.
macro_rules! unary_table {
    ($($doc:literal $name:ident => $m:ident::$f:ident $(, slow $slow:ident)? $(+ $wide:ident)?;)*) => {
        /// A function of one argument.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum MathFn { $(#[doc = $doc] $name,)* }

        impl MathFn {
            /// Every function, in order.
            pub const ALL: &'static [MathFn] = &[$(MathFn::$name,)*];

            /// The `f32` kernel of `level`, which the machine must support.
            pub fn kernel_f32(self, level: Level) -> UnaryKernel<f32> {
                match self { $(MathFn::$name => unary_table!(@kernel f32, F32x16, $name, level $(, $wide)?),)* }
            }
            /// The `f64` kernel of `level`, which the machine must support.
            pub fn kernel_f64(self, level: Level) -> UnaryKernel<f64> {
                match self { $(MathFn::$name => unary_table!(@kernel f64, F64x8, $name, level $(, $wide)?),)* }
            }
        }

        $(
            unary_table!(@impl f32, $name, $m, $f $(, $slow)?);
            unary_table!(@impl f64, $name, $m, $f $(, $slow)?);
            $(unary_table!(@$wide $name, $m, $f);)?
        )*

        /// The functions of one argument as types, for generic loops.
        pub mod op {
            $(#[doc = $doc] #[derive(Clone, Copy, Debug)] pub struct $name;)*
        }
    };
    (@kernel $t:ident, $register:ident, $name:ident, $level:ident) => {
        kernel::unary_kernel::<$t, op::$name>($level)
    };
    (@kernel $t:ident, $register:ident, $name:ident, $level:ident, wide) => {
        match $level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => wide::kernel::<wide::$register, op::$name>(),
            _ => kernel::unary_kernel::<$t, op::$name>($level),
        }
    };
    (@kernel $t:ident, $register:ident, $name:ident, $level:ident, once) => {{
        let _ = $level;
        kernel::unary_kernel::<$t, op::$name>(Level::Base)
    }};
    (@once $name:ident, $m:ident, $f:ident) => {};
    (@wide $name:ident, $m:ident, $f:ident) => {
        #[cfg(target_arch = "x86_64")]
        impl<V: wide::Wide> Unary<V> for op::$name {
            #[inline(always)]
            fn fast<const FMA: bool>(x: V) -> V {
                $m::$f::<V, FMA>(x)
            }
        }
    };
    (@impl $t:ident, $name:ident, $m:ident, $f:ident $(, $slow:ident)?) => {
        impl Unary<$t> for op::$name {
            #[inline(always)]
            fn fast<const FMA: bool>(x: $t) -> $t {
                $m::$f::<$t, FMA>(x)
            }
            $(
                const HAS_SLOW: bool = true;
                #[inline(always)]
                fn is_slow(x: $t) -> bool {
                    trig::far(x)
                }
                fn slow(x: $t) -> $t {
                    trig::Slow::$slow(x)
                }
            )?
        }
    };
}

unary_table! {
    "e^x" Exp => exp::exp + wide;
    "2^x" Exp2 => exp::exp2 + wide;
    "e^x - 1" Expm1 => exp::expm1 + wide;
    "1 / (1 + e^-x)" Sigmoid => exp::sigmoid + wide;
    "Natural logarithm." Log => log::log;
    "Logarithm to base 2." Log2 => log::log2;
    "Logarithm to base 10." Log10 => log::log10;
    "log(1 + x)" Log1p => log::log1p;
    "Sine." Sin => trig::sin, slow slow_sin;
    "Cosine." Cos => trig::cos, slow slow_cos;
    "Tangent." Tan => trig::tan, slow slow_tan;
    "Inverse sine." Arcsin => trig::arcsin;
    "Inverse cosine." Arccos => trig::arccos;
    "Inverse tangent." Arctan => trig::arctan;
    "Hyperbolic sine." Sinh => exp::sinh + wide;
    "Hyperbolic cosine." Cosh => exp::cosh + wide;
    "Hyperbolic tangent." Tanh => exp::tanh + wide;
    "Inverse hyperbolic sine." Arcsinh => log::arcsinh;
    "Inverse hyperbolic cosine." Arccosh => log::arccosh;
    "Inverse hyperbolic tangent." Arctanh => log::arctanh;
    "Cube root." Cbrt => roots::cbrt;
    "Error function (scalar)." Erf => special::erf + once;
    "One less the error function (scalar)." Erfc => special::erfc + once;
    "Gamma function (scalar)." Gamma => special::gamma + once;
    "Logarithm of |gamma| (scalar)." Lgamma => special::lgamma + once;
}

/// One row: `Name => module::function [+ forms];`, with forms when a scalar side saves work.
macro_rules! binary_table {
    ($($doc:literal $name:ident => $m:ident::$f:ident $(+ $forms:ident)?;)*) => {
        /// A function of two arguments.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum MathFn2 { $(#[doc = $doc] $name,)* }

        impl MathFn2 {
            /// Every function, in order.
            pub const ALL: &'static [MathFn2] = &[$(MathFn2::$name,)*];

            /// The `f32` kernel of `level`, which the machine must support.
            pub fn kernel_f32(self, level: Level, form: Form) -> BinaryKernel<f32> {
                match self {
                    $(MathFn2::$name => kernel::binary_kernel::<f32, op2::$name>(level, form),)*
                }
            }
            /// The `f64` kernel of `level`, which the machine must support.
            pub fn kernel_f64(self, level: Level, form: Form) -> BinaryKernel<f64> {
                match self {
                    $(MathFn2::$name => kernel::binary_kernel::<f64, op2::$name>(level, form),)*
                }
            }
        }

        $(
            binary_table!(@impl f32, $name, $m, $f $(, $forms)?);
            binary_table!(@impl f64, $name, $m, $f $(, $forms)?);
        )*

        /// The functions of two arguments as types, for generic loops.
        pub mod op2 {
            $(#[doc = $doc] #[derive(Clone, Copy, Debug)] pub struct $name;)*
        }
    };
    (@impl $t:ident, $name:ident, $m:ident, $f:ident $(, $forms:ident)?) => {
        impl Binary<$t> for op2::$name {
            $(const $forms: bool = true;)?
            #[inline(always)]
            fn fast<const FMA: bool>(a: $t, b: $t) -> $t {
                $m::$f::<$t, FMA>(a, b)
            }
        }
    };
}

binary_table! {
    "a^b" Power => pow::power + FORMS;
    "The angle of the point (b, a)." Arctan2 => trig::arctan2;
    "sqrt(a^2 + b^2)" Hypot => roots::hypot;
    "log(e^a + e^b)" LogAddExp => special::logaddexp;
    "log2(2^a + 2^b)" LogAddExp2 => special::logaddexp2;
}

/// The `f32` kernel of `f` for this machine.
pub fn unary_f32(f: MathFn) -> UnaryKernel<f32> {
    f.kernel_f32(level())
}

/// The `f64` kernel of `f` for this machine.
pub fn unary_f64(f: MathFn) -> UnaryKernel<f64> {
    f.kernel_f64(level())
}

/// The `f32` kernel of `f` for this machine.
pub fn binary_f32(f: MathFn2, form: Form) -> BinaryKernel<f32> {
    f.kernel_f32(level(), form)
}

/// The `f64` kernel of `f` for this machine.
pub fn binary_f64(f: MathFn2, form: Form) -> BinaryKernel<f64> {
    f.kernel_f64(level(), form)
}
