//! What differs between C-like languages: a few words, a prelude and the names of math functions.
//!
//! The generators write one common C; everything that is not common goes through the macros which a dialect's
//! prelude defines. The list of these macros stands on `Dialect::prelude`.

use crate::DType;
use crate::dtype::{DTypeSet, Kind};

/// A C-like language.
pub trait Dialect: Send + Sync {
    /// Name, for cache keys and messages.
    fn name(&self) -> &'static str;
    /// Text before everything else, for kernels that use `dtypes`. It defines
    /// * types `mp_i8 .. mp_u64`, `mp_bool` (one unsigned byte), `mp_half` (16 bits of storage), `mp_f32`, `mp_f64`, and
    ///   `mp_f16` as another name of float: halves are floats in registers, rounded after every operation;
    /// * `MP_FN` (qualifiers of an inline function), `MP_GLOBAL`, `MP_LOCAL` (address spaces), `MP_RESTRICT`, `MP_BARRIER()`;
    /// * `MP_LID(d)`, `MP_GROUP(d)`, `MP_GROUPS(d)`: indices in direction 0, 1 or 2;
    /// * `MP_U64(x)`: suffix of 64-bit unsigned literals; `MP_F32_FROM_BITS(u)`, `MP_F32_BITS(x)`, and the same for `F64`;
    /// * functions `mp_h2f(mp_half)` and `mp_f2h(mp_f32)` (to nearest, ties to even);
    /// * `MP_MAD_F32(a, b, c)`, `MP_MAD_F64(a, b, c)`: a * b + c, rounded once or twice, whichever is quicker.
    ///
    /// Contraction of `a * b + c` must be off in all other code.
    fn prelude(&self, dtypes: DTypeSet) -> String;
    /// Head of a kernel function up to and without its parameter list; `local` is the size of its groups.
    fn kernel(&self, entry: &str, local: [usize; 3]) -> String;
    /// Name of the math function `function` (C's name for double: `exp`, `fabs`, `rint`..) for float32 or float64.
    fn math(&self, function: &str, dtype: DType) -> String {
        if dtype == DType::F32 { format!("{function}f") } else { function.to_string() }
    }
    /// For CPUs: a vector type of `lanes` elements of float32 or float64 with arithmetic operators, its function
    /// `load(0, pointer)` and its function `store(value, 0, pointer)` on local memory. `None`: plain loops are used.
    fn vector(&self, _dtype: DType, _lanes: usize) -> Option<(String, String, String)> {
        None
    }
}

/// Suffix of the dtype in generated names: `f32`.
pub(super) fn short(dtype: DType) -> &'static str {
    use DType::*;
    match dtype {
        Bool => "bool",
        I8 => "i8",
        I16 => "i16",
        I32 => "i32",
        I64 => "i64",
        U8 => "u8",
        U16 => "u16",
        U32 => "u32",
        U64 => "u64",
        F16 => "f16",
        F32 => "f32",
        F64 => "f64",
        C64 => "c64",
        C128 => "c128",
    }
}

/// C type of a value in a register.
pub(super) fn ctype(dtype: DType) -> String {
    format!("mp_{}", short(dtype))
}

/// C type of an element in memory.
pub(super) fn storage(dtype: DType) -> String {
    if dtype == DType::F16 { "mp_half".into() } else { ctype(dtype) }
}

/// Dtype in which a fold or a matrix product accumulates.
pub(super) fn accumulator(dtype: DType) -> DType {
    if dtype == DType::F16 { DType::F32 } else { dtype }
}

/// Bits of an integer type.
pub(super) fn bits(dtype: DType) -> usize {
    dtype.size() * 8
}

/// The unsigned type in which integer arithmetic of `dtype` wraps without undefined behaviour.
pub(super) fn wrapping(dtype: DType) -> &'static str {
    if dtype.size() == 8 { "mp_u64" } else { "mp_u32" }
}

/// Whether the dtype is a signed integer.
pub(super) fn is_signed(dtype: DType) -> bool {
    dtype.kind() == Kind::Signed
}
