//! Typed loops for every primitive of the scalar IR and for casts, with NumPy's semantics.
//!
//! One file per group; `lookup` finds the loop of a primitive. float16 has loops for casts only: `elementwise/program.rs`
//! computes it in float32 and rounds after each primitive, as NumPy does.

pub(crate) mod arithmetic;
pub(crate) mod bits;
pub(crate) mod cast;
pub(crate) mod compare;
pub(crate) mod complex;
pub(crate) mod division;
pub(crate) mod fused;
pub(crate) mod half;
pub(crate) mod loops;
mod number;
pub(crate) mod real;
pub(crate) mod select;
pub(crate) mod truth;

use minpy_core::DType;
use minpy_core::backend::Prim;
use num_complex::{Complex32, Complex64};

pub use loops::Loop;

/// A bool in memory: any byte that is not 0 is true, so that foreign bytes can do no harm.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
#[repr(transparent)]
pub struct B8(u8);

impl B8 {
    /// From a truth value.
    #[inline(always)]
    pub fn new(b: bool) -> B8 {
        B8(b as u8)
    }
    /// The truth value.
    #[inline(always)]
    pub fn get(self) -> bool {
        self.0 != 0
    }
}

/// Memory type of a dtype inside kernels.
pub trait Lane: Copy + Send + Sync + 'static {
    /// The dtype.
    const DTYPE: DType;
}
macro_rules! lanes {
    ($($t:ty => $d:ident),*) => { $(impl Lane for $t { const DTYPE: DType = DType::$d; })* };
}
lanes!(B8 => Bool, i8 => I8, i16 => I16, i32 => I32, i64 => I64, u8 => U8, u16 => U16, u32 => U32, u64 => U64,
       ::half::f16 => F16, f32 => F32, f64 => F64, Complex32 => C64, Complex64 => C128);

/// The loop of a primitive whose (first value) argument has `dtype`; `None` where NumPy has none either.
pub fn lookup(prim: Prim, dtype: DType) -> Option<Loop> {
    if prim == Prim::Select {
        return Some(select::lookup(dtype));
    }
    if dtype == DType::F16 {
        return half::lookup(prim);
    }
    let (boolean, unsigned) = (dtype == DType::Bool, dtype != signed(dtype));
    let prim = if boolean || dtype.is_integer() {
        match prim {
            Prim::Floor | Prim::Ceil | Prim::Trunc | Prim::Rint | Prim::Conj => return Some(copy(dtype)),
            Prim::Abs if boolean || unsigned => return Some(copy(dtype)),
            Prim::IsNan | Prim::IsInf => return Some(Loop::Unary(all::<0>)),
            Prim::Signbit if boolean || unsigned => return Some(Loop::Unary(all::<0>)),
            Prim::IsFinite => return Some(Loop::Unary(all::<1>)),
            Prim::Fmax => Prim::Maximum,
            Prim::Fmin => Prim::Minimum,
            other => other,
        }
    } else if prim == Prim::Conj && !dtype.is_complex() {
        return Some(copy(dtype));
    } else {
        prim
    };
    let prim = if boolean { logical(prim) } else { prim };
    let dtype = if signless(prim) { signed(dtype) } else { dtype };
    let found = arithmetic::lookup(prim, dtype)
        .or_else(|| arithmetic::product(prim, dtype))
        .or_else(|| compare::lookup(prim, dtype))
        .or_else(|| division::lookup(prim, dtype))
        .or_else(|| bits::lookup(prim, dtype))
        .or_else(|| real::lookup(prim, dtype))
        .or_else(|| complex::lookup(prim, dtype));
    match (found, number::lookup(prim, dtype)) {
        (Some(Loop::Binary([vv, _, sv])), Some(vs)) => Some(Loop::Binary([vv, vs, sv])),
        (found, _) => found,
    }
}

fn copy(dtype: DType) -> Loop {
    Loop::Unary(cast::copy(dtype.size()))
}
/// The same truth value for every element.
unsafe fn all<const TRUTH: u8>(_: *const u8, d: *mut u8, n: usize) {
    // SAFETY: `n` elements of one byte at `d` (contract of `UnaryLoop`).
    unsafe { d.write_bytes(TRUTH, n) }
}
/// The name that a primitive of bool has as bitwise logic.
pub(crate) fn logical(prim: Prim) -> Prim {
    match prim {
        Prim::Add | Prim::Maximum => Prim::Or,
        Prim::Mul | Prim::Minimum => Prim::And,
        other => other,
    }
}

/// Primitives whose result does not depend on whether integers have a sign: one loop serves both.
fn signless(prim: Prim) -> bool {
    use Prim::*;
    matches!(prim, Add | Sub | Mul | Neg | And | Or | Xor | Invert | Shl | Eq | Ne)
}

/// The signed integer of that size; other dtypes as they are.
pub(crate) fn signed(dtype: DType) -> DType {
    match dtype {
        DType::U8 => DType::I8,
        DType::U16 => DType::I16,
        DType::U32 => DType::I32,
        DType::U64 => DType::I64,
        d => d,
    }
}

/// Runs `$body` with `$t` bound to the memory type of a dtype (bool as `B8`).
macro_rules! with_lane {
    ($dtype:expr, $t:ident => $body:expr) => {
        match $dtype {
            minpy_core::DType::Bool => {
                type $t = $crate::prims::B8;
                $body
            }
            minpy_core::DType::I8 => {
                type $t = i8;
                $body
            }
            minpy_core::DType::I16 => {
                type $t = i16;
                $body
            }
            minpy_core::DType::I32 => {
                type $t = i32;
                $body
            }
            minpy_core::DType::I64 => {
                type $t = i64;
                $body
            }
            minpy_core::DType::U8 => {
                type $t = u8;
                $body
            }
            minpy_core::DType::U16 => {
                type $t = u16;
                $body
            }
            minpy_core::DType::U32 => {
                type $t = u32;
                $body
            }
            minpy_core::DType::U64 => {
                type $t = u64;
                $body
            }
            minpy_core::DType::F16 => {
                type $t = ::half::f16;
                $body
            }
            minpy_core::DType::F32 => {
                type $t = f32;
                $body
            }
            minpy_core::DType::F64 => {
                type $t = f64;
                $body
            }
            minpy_core::DType::C64 => {
                type $t = num_complex::Complex32;
                $body
            }
            minpy_core::DType::C128 => {
                type $t = num_complex::Complex64;
                $body
            }
        }
    };
}
/// The same by size of the element: an unsigned integer (u128 for 16 bytes).
macro_rules! with_bits {
    ($size:expr, $t:ident => $body:expr) => {
        match $size {
            1 => {
                type $t = u8;
                $body
            }
            2 => {
                type $t = u16;
                $body
            }
            4 => {
                type $t = u32;
                $body
            }
            8 => {
                type $t = u64;
                $body
            }
            _ => {
                type $t = $crate::prims::Bits128;
                $body
            }
        }
    };
}
pub(crate) use {with_bits, with_lane};

/// 16 bytes with the alignment of their parts: what a complex128 needs and u128 would not accept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Bits128(pub(crate) u64, pub(crate) u64);
