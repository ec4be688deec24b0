//! Rust operators: arrays, owned or borrowed, with arrays and numbers on either side, and in place.
//!
//! Operators cannot return errors. They panic where the function would give one, as slices do on bad indices: on shapes
//! that do not fit, dtypes without the operation, memory that runs out. Where that can happen write the method,
//! `x.add(&y)?` for `&x + &y`, and [`in_place`] for `x += &y`.

use crate::op::{OpDef, Operand};
use crate::{Array, Attrs, Error, Result, Target, ops};
use num_complex::{Complex32, Complex64};

/// What may stand at the right of an operator: arrays, owned or borrowed, and numbers.
///
/// Numbers are weak, as Python's are: `&x * 2.0` keeps the dtype of a float32 array. One implementation of the operators
/// for all of these makes the result of `&x * 2.0` an `Array` before the type of `2.0` is known. On the left a number is
/// `f64`, `i64`, `bool` or `Complex64`: with a second type of floats `(2.0 * &x).exp()` would not compile.
#[diagnostic::on_unimplemented(message = "`{Self}` cannot stand beside an array in an operator")]
pub trait Beside {
    /// The operand of the call.
    fn operand(&self) -> Operand<'_>;
}
impl Beside for Array {
    fn operand(&self) -> Operand<'_> {
        Operand::Array(self)
    }
}
impl<T: Beside + ?Sized> Beside for &T {
    fn operand(&self) -> Operand<'_> {
        T::operand(self)
    }
}
macro_rules! numbers {
    ($($t:ty)*) => {$(
        impl Beside for $t {
            fn operand(&self) -> Operand<'_> { Operand::Number((*self).into()) }
        }
    )*};
}
numbers! { bool i8 i16 i32 i64 isize u8 u16 u32 u64 usize half::f16 f32 f64 Complex32 Complex64 crate::Number }

/// `target op= value`, computed and written in place: views of the same memory see it. As in NumPy the result has to be of
/// the target's kind: integers take no floats.
///
/// ```
/// use minpy_core::ops;
/// use minpy_cpu as _;
/// # fn main() -> minpy_core::Result<()> {
/// let x = ops::array([1.0, 2.0, 3.0])?;
/// let tail = ops::get(&x, &minpy_core::index![1..])?;
/// ops::in_place(&ops::MULTIPLY, &tail, 10.0)?; // tail *= 10.0, without a panic
/// assert_eq!(x.to_vec::<f64>()?, [1.0, 20.0, 30.0]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of the operation, [`ErrorKind::Type`](crate::ErrorKind::Type) where the result does not go into the target's
/// dtype, [`ErrorKind::Value`](crate::ErrorKind::Value) where its shape does not fit the target's.
pub fn in_place<'a>(op: &'static OpDef, target: &'a Array, value: impl Into<Operand<'a>>) -> Result<()> {
    ops::call(op, Attrs::NONE, &[Operand::Array(target), value.into()], None, Target::Into(target)).map(drop)
}

#[cold]
#[track_caller]
#[expect(clippy::panic, reason = "Rust's operators return no errors; the functions they stand for do")]
fn failed(e: Error) -> ! {
    panic!("{e}")
}

macro_rules! operators {
    ($($tr:ident $f:ident, $assign:ident $g:ident, $op:ident $id:ident;)*) => {$(
        #[doc = concat!("[`ops::", stringify!($op), "`], which returns its errors; this panics.")]
        impl<T: Beside> std::ops::$tr<T> for &Array {
            type Output = Array;
            #[track_caller]
            fn $f(self, o: T) -> Array { ops::$op(self, o.operand()).unwrap_or_else(|e| failed(e)) }
        }
        #[doc = concat!("[`ops::", stringify!($op), "`], which returns its errors; this panics.")]
        impl<T: Beside> std::ops::$tr<T> for Array {
            type Output = Array;
            #[track_caller]
            fn $f(self, o: T) -> Array { ops::$op(&self, o.operand()).unwrap_or_else(|e| failed(e)) }
        }
        operators!(@left $tr $f $op: f64 i64 bool Complex64);
        #[doc = concat!("In place: every view of this memory sees the result. [`ops::in_place`] with [`ops::", stringify!($id),
            "`] returns the errors; this panics.")]
        impl<T: Beside> std::ops::$assign<T> for Array {
            #[track_caller]
            fn $g(&mut self, o: T) { in_place(&ops::$id, self, o.operand()).unwrap_or_else(|e| failed(e)) }
        }
    )*};
    (@left $tr:ident $f:ident $op:ident: $($n:ty)*) => {$(
        #[doc = concat!("[`ops::", stringify!($op), "`], which returns its errors; this panics.")]
        impl std::ops::$tr<&Array> for $n {
            type Output = Array;
            #[track_caller]
            fn $f(self, o: &Array) -> Array { ops::$op(self, o).unwrap_or_else(|e| failed(e)) }
        }
        #[doc = concat!("[`ops::", stringify!($op), "`], which returns its errors; this panics.")]
        impl std::ops::$tr<Array> for $n {
            type Output = Array;
            #[track_caller]
            fn $f(self, o: Array) -> Array { ops::$op(self, &o).unwrap_or_else(|e| failed(e)) }
        }
    )*};
}
operators! {
    Add add, AddAssign add_assign, add ADD;
    Sub sub, SubAssign sub_assign, subtract SUBTRACT;
    Mul mul, MulAssign mul_assign, multiply MULTIPLY;
    Div div, DivAssign div_assign, divide DIVIDE_;
    Rem rem, RemAssign rem_assign, remainder REMAINDER;
    BitAnd bitand, BitAndAssign bitand_assign, bitwise_and BITWISE_AND;
    BitOr bitor, BitOrAssign bitor_assign, bitwise_or BITWISE_OR;
    BitXor bitxor, BitXorAssign bitxor_assign, bitwise_xor BITWISE_XOR;
    Shl shl, ShlAssign shl_assign, left_shift LEFT_SHIFT;
    Shr shr, ShrAssign shr_assign, right_shift RIGHT_SHIFT;
}
macro_rules! prefix {
    ($($tr:ident $f:ident $op:ident;)*) => {$(
        #[doc = concat!("[`ops::", stringify!($op), "`], which returns its errors; this panics.")]
        impl std::ops::$tr for &Array {
            type Output = Array;
            #[track_caller]
            fn $f(self) -> Array { ops::$op(self).unwrap_or_else(|e| failed(e)) }
        }
        #[doc = concat!("[`ops::", stringify!($op), "`], which returns its errors; this panics.")]
        impl std::ops::$tr for Array {
            type Output = Array;
            #[track_caller]
            fn $f(self) -> Array { ops::$op(&self).unwrap_or_else(|e| failed(e)) }
        }
    )*};
}
prefix! { Neg neg negative; Not not invert; }
