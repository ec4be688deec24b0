//! Arrays from values in the program: numbers, slices, vectors and fixed arrays, nested as deep as they come.

use crate::layout::{Dims, check_ndim};
use crate::{Array, Element, Result, bail, memory};
use crate::{Complex32, Complex64, f16};

/// Values that an array can be made of: an element (a 0-d array), or a slice, `Vec` or `[_; N]` of values.
pub trait Values {
    /// The type of the elements; it decides the dtype.
    type Item: Element;
    /// The sizes, as the first of every list says.
    fn sizes(&self) -> Dims;
    /// The sizes of values where there are none to ask: lists of an unknown length are empty.
    fn sizes_of_none() -> Dims;
    /// Appends the elements in C order, which must have these sizes.
    ///
    /// # Errors
    /// [`ErrorKind::Value`](crate::ErrorKind::Value) when lists of one level differ in length.
    fn append(&self, sizes: &[usize], to: &mut Vec<Self::Item>) -> Result<()>;
    /// A list of values as elements that lie side by side, where they do.
    fn flat(_list: &[Self]) -> Option<&[Self::Item]>
    where
        Self: Sized,
    {
        None
    }
}

macro_rules! elements {
    ($($t:ty)*) => {$(
        impl Values for $t {
            type Item = $t;
            fn sizes(&self) -> Dims { Dims::new() }
            fn sizes_of_none() -> Dims { Dims::new() }
            fn append(&self, _: &[usize], to: &mut Vec<$t>) -> Result<()> {
                memory::push(to, *self)
            }
            fn flat(list: &[$t]) -> Option<&[$t]> { Some(list) }
        }
    )*};
}
elements! { bool i8 i16 i32 i64 u8 u16 u32 u64 f16 f32 f64 Complex32 Complex64 }

impl<V: Values> Values for [V] {
    type Item = V::Item;
    fn sizes(&self) -> Dims {
        let mut sizes: Dims = [self.len()].as_slice().into();
        sizes.extend(self.first().map_or_else(V::sizes_of_none, V::sizes));
        sizes
    }
    fn sizes_of_none() -> Dims {
        let mut sizes: Dims = [0].as_slice().into();
        sizes.extend(V::sizes_of_none());
        sizes
    }
    fn append(&self, sizes: &[usize], to: &mut Vec<V::Item>) -> Result<()> {
        if self.len() != sizes[0] {
            bail!(
                Value,
                "array: the values have an inhomogeneous shape: lists of {} and of {} items on one level",
                sizes[0],
                self.len()
            );
        }
        match V::flat(self) {
            Some(elements) => {
                memory::grow(to, elements.len())?;
                to.extend_from_slice(elements);
            }
            None => self.iter().try_for_each(|v| v.append(&sizes[1..], to))?,
        }
        Ok(())
    }
}
macro_rules! lists {
    ($([$($generic:tt)*] $t:ty, $none:expr;)*) => {$(
        impl<$($generic)*> Values for $t {
            type Item = V::Item;
            fn sizes(&self) -> Dims { <[V]>::sizes(self) }
            fn sizes_of_none() -> Dims {
                let mut sizes = <[V]>::sizes_of_none();
                sizes[0] = $none;
                sizes
            }
            fn append(&self, sizes: &[usize], to: &mut Vec<V::Item>) -> Result<()> { <[V]>::append(self, sizes, to) }
        }
    )*};
}
lists! {
    [V: Values] Vec<V>, 0;
    [V: Values, const N: usize] [V; N], N;
}
impl<V: Values + ?Sized> Values for &V {
    type Item = V::Item;
    fn sizes(&self) -> Dims {
        V::sizes(self)
    }
    fn sizes_of_none() -> Dims {
        V::sizes_of_none()
    }
    fn append(&self, sizes: &[usize], to: &mut Vec<V::Item>) -> Result<()> {
        V::append(self, sizes, to)
    }
}

/// NumPy's `array`: copies values to a new array on the current device. Their type is the dtype, their nesting the shape.
///
/// ```
/// use minpy_core::{DType, ops};
/// use minpy_cpu as _;
/// # fn main() -> minpy_core::Result<()> {
/// let a = ops::array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])?;
/// assert_eq!((a.shape(), a.dtype()), (&[2, 3][..], DType::F64));
/// assert_eq!(ops::array(vec![1i64, 2])?.shape(), [2]);
/// assert_eq!(ops::array(1f32)?.ndim(), 0);
/// assert!(ops::array(vec![vec![1.0, 2.0], vec![3.0]]).is_err());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for lists of different lengths on one level and for more dimensions than an
/// array can have; what allocation on the device fails with.
pub fn array(values: impl Values) -> Result<Array> {
    let sizes = values.sizes();
    check_ndim("array", sizes.len())?;
    // What the sizes promise is not reserved: they are those of the first lists only.
    let mut elements = Vec::new();
    values.append(&sizes, &mut elements)?;
    Array::from_slice(&elements, &sizes)
}

/// [`ops::array`](crate::ops::array) for values that are known to be good. Panics where that returns an error: lists of
/// different lengths, no device, no memory.
impl<V: Values> From<V> for Array {
    #[track_caller]
    #[expect(clippy::panic, reason = "`From` cannot fail; `ops::array` returns the error")]
    fn from(values: V) -> Array {
        array(values).unwrap_or_else(|e| panic!("{e}"))
    }
}
