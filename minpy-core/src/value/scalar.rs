//! Numbers outside arrays: weak numbers (Python's), typed numbers, and the raw bits that kernels read.

use crate::{Complex64, f16};
use crate::{DType, Result, bail};
use num_complex::Complex32;

/// A number without a dtype of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A truth value.
    Bool(bool),
    /// An integer; wide enough for int64 and uint64.
    Int(i128),
    /// A real number.
    Float(f64),
    /// A complex number.
    Complex(Complex64),
}

impl Number {
    /// The dtype that the number takes when nothing else decides (Python's defaults).
    pub fn default_dtype(self) -> DType {
        match self {
            Number::Bool(_) => DType::Bool,
            Number::Int(i) if i > i64::MAX as i128 => DType::U64,
            Number::Int(_) => DType::I64,
            Number::Float(_) => DType::F64,
            Number::Complex(_) => DType::C128,
        }
    }
    /// The dtype of `other op self` under NEP 50, where `self` is weak.
    pub fn promote_weak(self, other: DType) -> DType {
        use DType::*;
        match self {
            Number::Bool(_) => other,
            Number::Int(_) if other == Bool => I64,
            Number::Int(_) => other,
            Number::Float(_) if other.is_inexact() => other,
            Number::Float(_) => F64,
            Number::Complex(_) if other.is_inexact() => other.complex(),
            Number::Complex(_) => C128,
        }
    }
    /// As a real number (the real part of a complex one).
    pub fn to_f64(self) -> f64 {
        match self {
            Number::Bool(b) => b as u8 as f64,
            Number::Int(i) => i as f64,
            Number::Float(f) => f,
            Number::Complex(c) => c.re,
        }
    }
    fn to_int(self) -> i128 {
        match self {
            Number::Bool(b) => b as i128,
            Number::Int(i) => i,
            // `as` saturates; C's cast of an out-of-range float is undefined, NumPy gives the minimum.
            Number::Float(f) => f as i128,
            Number::Complex(c) => c.re as i128,
        }
    }
    pub(crate) fn is_true(self) -> bool {
        match self {
            Number::Bool(b) => b,
            Number::Int(i) => i != 0,
            Number::Float(f) => f != 0.0,
            Number::Complex(c) => c.re != 0.0 || c.im != 0.0,
        }
    }
    /// The number as an element of `dtype`. What does not fit an integer dtype is an error: an integer or the whole part
    /// of a float out of range, an infinity (overflow), NaN (value).
    pub fn to_scalar(self, dtype: DType) -> Result<Scalar> {
        let Some((lo, hi)) = dtype.int_range().filter(|_| dtype != DType::Bool) else {
            return Ok(self.cast(dtype));
        };
        let whole = match self {
            Number::Float(f) if f.is_nan() => bail!(Value, "cannot convert float NaN to integer"),
            Number::Float(f) if f.is_infinite() => {
                bail!(Overflow, "cannot convert float infinity to integer")
            }
            // Python's words for what it makes of the float, which is no number that the user wrote.
            Number::Float(f) if i64::try_from(f as i128).is_err() && !(lo..=hi).contains(&(f as i128)) => {
                bail!(Overflow, "Python int too large to convert to C long")
            }
            Number::Float(f) => f as i128,
            Number::Int(i) => i,
            _ => return Ok(self.cast(dtype)),
        };
        if !(lo..=hi).contains(&whole) {
            bail!(Overflow, "Python integer {whole} out of bounds for {dtype}");
        }
        Ok(self.cast(dtype))
    }
    /// The number as an element of `dtype`, wrapping as a C cast does.
    pub fn cast(self, dtype: DType) -> Scalar {
        use DType::*;
        match dtype {
            Bool => Scalar::new(self.is_true()),
            I8 => Scalar::new(self.to_int() as i8),
            I16 => Scalar::new(self.to_int() as i16),
            I32 => Scalar::new(self.to_int() as i32),
            I64 => Scalar::new(self.to_int() as i64),
            U8 => Scalar::new(self.to_int() as u8),
            U16 => Scalar::new(self.to_int() as u16),
            U32 => Scalar::new(self.to_int() as u32),
            U64 => Scalar::new(self.to_int() as u64),
            F16 => Scalar::new(half_of(self.to_f64())),
            F32 => Scalar::new(self.to_f64() as f32),
            F64 => Scalar::new(self.to_f64()),
            C64 => {
                let c = self.to_complex();
                Scalar::new(Complex32::new(c.re as f32, c.im as f32))
            }
            C128 => Scalar::new(self.to_complex()),
        }
    }
    fn to_complex(self) -> Complex64 {
        match self {
            Number::Complex(c) => c,
            n => Complex64::new(n.to_f64(), 0.0),
        }
    }
}

/// The number in float16, rounded once. `f16::from_f64` goes through float32, which rounds before.
fn half_of(x: f64) -> f16 {
    let near = x as f32;
    let (whole, wide) = (near as f64 == x || x.is_nan(), near as f64);
    if whole {
        return f16::from_f32(near);
    }
    // Rounded to odd: towards zero, and the last bit says that there was more.
    let bits = near.to_bits() - (wide.abs() > x.abs()) as u32;
    f16::from_f32(f32::from_bits(bits | 1))
}
/// One element with its dtype, stored so that a kernel can read it through a pointer.
#[repr(C, align(16))]
#[derive(Clone, Copy, PartialEq)]
pub struct Scalar {
    // Two words, not 16 bytes: they are moved as such, and read again as they were written.
    bits: [u64; 2],
    dtype: DType,
}

impl Scalar {
    /// Room for scalars that are not there yet.
    pub(crate) const ZERO: Scalar = Scalar { bits: [0; 2], dtype: DType::Bool };
    /// The scalar that holds `value`.
    #[inline]
    pub fn new<T: crate::Element>(value: T) -> Scalar {
        const { assert!(size_of::<T>() <= 16) };
        let mut bits = [0u64; 2];
        // SAFETY: an element has at most 16 bytes and is plain data.
        unsafe { bits.as_mut_ptr().cast::<T>().write_unaligned(value) };
        Scalar { bits, dtype: T::DTYPE }
    }
    /// Reads the bytes of one element of `dtype` (`bytes.len() == dtype.size()`).
    #[inline]
    pub fn from_bytes(dtype: DType, bytes: &[u8]) -> Scalar {
        let mut all = [0u8; 16];
        all[..dtype.size()].copy_from_slice(&bytes[..dtype.size()]);
        if dtype == DType::Bool {
            // Foreign memory may hold any byte for true; a Rust bool may not.
            all[0] = (all[0] != 0) as u8;
        }
        let word = |at: usize| u64::from_ne_bytes(std::array::from_fn(|i| all[at + i]));
        Scalar { bits: [word(0), word(8)], dtype }
    }
    /// The dtype of the element.
    #[inline]
    pub fn dtype(&self) -> DType {
        self.dtype
    }
    /// Address of the element, aligned to 16 bytes.
    #[inline]
    pub fn as_ptr(&self) -> *const u8 {
        self.bits.as_ptr().cast()
    }
    /// The bytes of the element.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: plain data of 16 bytes, of which the element has the first.
        unsafe { std::slice::from_raw_parts(self.as_ptr(), self.dtype.size()) }
    }
    /// The element as `T`; `None` when the dtype differs.
    pub fn get<T: crate::Element>(&self) -> Option<T> {
        // SAFETY: the dtype is that of `T`.
        (self.dtype == T::DTYPE).then(|| unsafe { self.read() })
    }
    /// The element as `T`.
    ///
    /// # Safety
    /// `T` must be the element type of the dtype.
    unsafe fn read<T: crate::Element>(&self) -> T {
        // SAFETY: the dtype says that the leading bytes are a valid `T` (see `from_bytes`); alignment is 16.
        unsafe { *self.bits.as_ptr().cast::<T>() }
    }
    /// The value without its dtype.
    pub fn number(&self) -> Number {
        use DType::*;
        macro_rules! get {
            ($t:ty) => {
                // SAFETY: the dtype has been matched.
                unsafe { self.read::<$t>() }
            };
        }
        match self.dtype {
            Bool => Number::Bool(get!(bool)),
            I8 => Number::Int(get!(i8) as i128),
            I16 => Number::Int(get!(i16) as i128),
            I32 => Number::Int(get!(i32) as i128),
            I64 => Number::Int(get!(i64) as i128),
            U8 => Number::Int(get!(u8) as i128),
            U16 => Number::Int(get!(u16) as i128),
            U32 => Number::Int(get!(u32) as i128),
            U64 => Number::Int(get!(u64) as i128),
            F16 => Number::Float(get!(f16).to_f64()),
            F32 => Number::Float(get!(f32) as f64),
            F64 => Number::Float(get!(f64)),
            C64 => {
                let c = get!(Complex32);
                Number::Complex(Complex64::new(c.re as f64, c.im as f64))
            }
            C128 => Number::Complex(get!(Complex64)),
        }
    }
}

impl std::fmt::Debug for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}:{}", self.number(), self.dtype)
    }
}

macro_rules! number_from {
    ($($t:ty => $v:ident as $to:ty),*) => {$(
        impl From<$t> for Number { fn from(x: $t) -> Number { Number::$v(x as $to) } }
    )*};
}
number_from!(bool => Bool as bool, i8 => Int as i128, i16 => Int as i128, i32 => Int as i128, i64 => Int as i128,
             isize => Int as i128, u8 => Int as i128, u16 => Int as i128, u32 => Int as i128, u64 => Int as i128,
             usize => Int as i128, f32 => Float as f64, f64 => Float as f64);
impl From<f16> for Number {
    fn from(x: f16) -> Number {
        Number::Float(x.to_f64())
    }
}
impl From<Complex32> for Number {
    fn from(c: Complex32) -> Number {
        Number::Complex(Complex64::new(c.re as f64, c.im as f64))
    }
}
impl From<Complex64> for Number {
    fn from(c: Complex64) -> Number {
        Number::Complex(c)
    }
}
