//! Element types and NumPy 2's promotion rules (NEP 50).
//!
//! The table of types lives here once; everything that differs by type asks the methods below.

use crate::{Error, ErrorKind, Result};
use half::f16;
use num_complex::{Complex32, Complex64};

/// Element type of an array.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DType {
    /// One byte, 0 or 1.
    Bool,
    /// Signed 8 bit.
    I8,
    /// Signed 16 bit.
    I16,
    /// Signed 32 bit.
    I32,
    /// Signed 64 bit.
    I64,
    /// Unsigned 8 bit.
    U8,
    /// Unsigned 16 bit.
    U16,
    /// Unsigned 32 bit.
    U32,
    /// Unsigned 64 bit.
    U64,
    /// IEEE half.
    F16,
    /// IEEE single.
    F32,
    /// IEEE double.
    F64,
    /// Two singles.
    C64,
    /// Two doubles.
    C128,
}

/// NumPy's `kind` letter as an enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `bool`
    Bool,
    /// `uint8`..`uint64`
    Unsigned,
    /// `int8`..`int64`
    Signed,
    /// `float16`..`float64`
    Float,
    /// `complex64`, `complex128`
    Complex,
}

use DType::*;

impl DType {
    /// Every dtype, in the order of the enum.
    pub const ALL: [DType; 14] = [Bool, I8, I16, I32, I64, U8, U16, U32, U64, F16, F32, F64, C64, C128];

    /// Bytes of one element.
    #[inline]
    pub const fn size(self) -> usize {
        match self {
            Bool | I8 | U8 => 1,
            I16 | U16 | F16 => 2,
            I32 | U32 | F32 => 4,
            I64 | U64 | F64 | C64 => 8,
            C128 => 16,
        }
    }
    /// NumPy's name.
    pub const fn name(self) -> &'static str {
        match self {
            Bool => "bool",
            I8 => "int8",
            I16 => "int16",
            I32 => "int32",
            I64 => "int64",
            U8 => "uint8",
            U16 => "uint16",
            U32 => "uint32",
            U64 => "uint64",
            F16 => "float16",
            F32 => "float32",
            F64 => "float64",
            C64 => "complex64",
            C128 => "complex128",
        }
    }
    /// The dtype of that NumPy name.
    pub fn parse(name: &str) -> Result<DType> {
        DType::ALL
            .into_iter()
            .find(|d| d.name() == name)
            .ok_or_else(|| Error::new(ErrorKind::Type, format!("data type '{name}' not understood")))
    }
    /// Family of the type.
    #[inline]
    pub const fn kind(self) -> Kind {
        match self {
            Bool => Kind::Bool,
            I8 | I16 | I32 | I64 => Kind::Signed,
            U8 | U16 | U32 | U64 => Kind::Unsigned,
            F16 | F32 | F64 => Kind::Float,
            C64 | C128 => Kind::Complex,
        }
    }
    /// Signed or unsigned integer (not bool).
    #[inline]
    pub const fn is_integer(self) -> bool {
        matches!(self.kind(), Kind::Signed | Kind::Unsigned)
    }
    /// Real floating point.
    #[inline]
    pub const fn is_float(self) -> bool {
        matches!(self.kind(), Kind::Float)
    }
    /// Complex.
    #[inline]
    pub const fn is_complex(self) -> bool {
        matches!(self.kind(), Kind::Complex)
    }
    /// Floating point or complex: the types a gradient can have.
    #[inline]
    pub const fn is_inexact(self) -> bool {
        self.is_float() || self.is_complex()
    }
    /// The type of `real` and `imag`; itself for real types.
    #[inline]
    pub const fn real(self) -> DType {
        match self {
            C64 => F32,
            C128 => F64,
            d => d,
        }
    }
    /// The complex type whose parts hold this type.
    pub const fn complex(self) -> DType {
        match self {
            F16 | F32 | C64 => C64,
            _ => C128,
        }
    }
    /// Smallest and largest value, for integers.
    pub const fn int_range(self) -> Option<(i128, i128)> {
        let bits = (self.size() * 8) as u32;
        match self.kind() {
            Kind::Signed => Some((-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)),
            Kind::Unsigned => Some((0, (1i128 << bits) - 1)),
            Kind::Bool => Some((0, 1)),
            _ => None,
        }
    }

    /// `numpy.promote_types`.
    pub fn promote(a: DType, b: DType) -> DType {
        if a == b {
            return a;
        }
        // Ordered by kind, so that only one triangle of the table is spelled out.
        let (a, b) = if a.kind() <= b.kind() { (a, b) } else { (b, a) };
        match (a.kind(), b.kind()) {
            (Kind::Bool, _) => b,
            (Kind::Unsigned, Kind::Signed) => match a.size() {
                n if n < b.size() => b,
                1 => I16,
                2 => I32,
                4 => I64,
                _ => F64,
            },
            (x, y) if x == y => {
                if a.size() >= b.size() {
                    a
                } else {
                    b
                }
            }
            (_, Kind::Float) => {
                let need = a.as_float();
                if need.size() > b.size() { need } else { b }
            }
            (_, Kind::Complex) => {
                let part = DType::promote(a, b.real());
                part.complex()
            }
            _ => unreachable!("kinds are ordered"),
        }
    }
    /// The float type that NumPy's `float` loops choose for this type (`exp(int8)` is float16).
    #[inline]
    pub const fn as_float(self) -> DType {
        match self {
            Bool | I8 | U8 => F16,
            I16 | U16 => F32,
            I32 | U32 | I64 | U64 => F64,
            d => d,
        }
    }
    /// `numpy.can_cast(self, to, 'safe')`.
    pub fn can_cast_safely(self, to: DType) -> bool {
        DType::promote(self, to) == to
    }
    /// `numpy.can_cast(self, to, 'same_kind')`.
    pub fn can_cast_same_kind(self, to: DType) -> bool {
        self.can_cast_safely(to) || rank(self.kind()) <= rank(to.kind()) && to != Bool
    }
}

fn rank(k: Kind) -> u8 {
    match k {
        Kind::Bool => 0,
        Kind::Unsigned => 1,
        Kind::Signed => 2,
        Kind::Float => 3,
        Kind::Complex => 4,
    }
}

impl std::fmt::Display for DType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of dtypes: what a device or a kernel supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DTypeSet(pub u16);

impl DTypeSet {
    /// Every dtype.
    pub const ALL: DTypeSet = DTypeSet((1 << 14) - 1);
    /// The set of the listed dtypes.
    pub const fn of(list: &[DType]) -> DTypeSet {
        let mut bits = 0;
        let mut i = 0;
        while i < list.len() {
            bits |= 1 << list[i] as u16;
            i += 1;
        }
        DTypeSet(bits)
    }
    /// Whether `d` is in the set.
    #[inline]
    pub const fn contains(self, d: DType) -> bool {
        self.0 >> (d as u16) & 1 == 1
    }
    /// Whether all of `other` is in the set.
    #[inline]
    pub const fn contains_all(self, other: DTypeSet) -> bool {
        self.0 & other.0 == other.0
    }
    /// The set with `d` added.
    #[inline]
    pub const fn with(self, d: DType) -> DTypeSet {
        DTypeSet(self.0 | 1 << d as u16)
    }
    /// The set with `d` taken out.
    pub const fn without(self, d: DType) -> DTypeSet {
        DTypeSet(self.0 & !(1 << d as u16))
    }
}

/// A Rust type that is an element type.
///
/// # Safety
/// `DTYPE` must describe the layout of `Self` exactly, and every bit pattern that the library
/// writes for that dtype must be a valid `Self` (for `bool`: 0 and 1 only).
pub unsafe trait Element: Copy + Send + Sync + PartialEq + std::fmt::Debug + 'static {
    /// The dtype of this type.
    const DTYPE: DType;
}
macro_rules! element {
    ($($t:ty => $d:ident),*) => {$(
        // SAFETY: the primitive type has the size and representation that the dtype names.
        unsafe impl Element for $t { const DTYPE: DType = DType::$d; }
    )*};
}
element!(bool => Bool, i8 => I8, i16 => I16, i32 => I32, i64 => I64, u8 => U8, u16 => U16, u32 => U32,
         u64 => U64, f16 => F16, f32 => F32, f64 => F64, Complex32 => C64, Complex64 => C128);
#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn promotion_follows_numpy() {
        for (a, b, c) in [
            (I8, U8, I16),
            (I32, U32, I64),
            (I64, U64, F64),
            (I8, U64, F64),
            (U8, I32, I32),
            (Bool, I8, I8),
            (I8, F16, F16),
            (I16, F16, F32),
            (I32, F16, F64),
            (I32, F32, F64),
            (U16, F32, F32),
            (F64, C64, C128),
            (F32, C64, C64),
            (I64, C64, C128),
            (I16, C64, C64),
            (F16, C64, C64),
            (Bool, C64, C64),
            (F16, F64, F64),
        ] {
            assert_eq!(DType::promote(a, b), c, "{a} {b}");
            assert_eq!(DType::promote(b, a), c, "{b} {a}");
        }
    }
    #[test]
    fn same_kind_casting() {
        assert!(F64.can_cast_same_kind(F32) && I64.can_cast_same_kind(F16) && U8.can_cast_same_kind(I8));
        assert!(!F32.can_cast_same_kind(I64) && !C64.can_cast_same_kind(F64) && !I8.can_cast_same_kind(U8));
        assert!(!I8.can_cast_same_kind(Bool) && I64.can_cast_same_kind(I8));
    }
}
