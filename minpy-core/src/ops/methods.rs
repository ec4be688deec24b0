//! Methods of `Array` for what is no row of a table: shapes, order, products, statistics. Each is its function of `ops`.

use super::Axes;
use crate::op::Operand;
use crate::ops::{self, Index};
use crate::{Array, DType, Result};

/// Shapes, indexing and values.
impl Array {
    /// The same elements in C order with another shape, of which one size may be -1: a view where the layout allows it, else
    /// a copy.
    ///
    /// ```
    /// # use minpy_core::ops;
    /// # use minpy_cpu as _;
    /// # fn main() -> minpy_core::Result<()> {
    /// let x = ops::arange(0, 6, 1, None)?.reshape([2, -1])?;
    /// assert_eq!(x.to_string(), "[[0 1 2]\n [3 4 5]]");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Value`](crate::ErrorKind::Value) for a shape of another number of elements.
    pub fn reshape(&self, shape: impl AsRef<[isize]>) -> Result<Array> {
        ops::reshape(self, shape.as_ref())
    }
    /// The elements in one dimension, in C order: a view where the layout allows it, else a copy.
    ///
    /// # Errors
    /// What a copy may fail with.
    pub fn ravel(&self) -> Result<Array> {
        ops::reshape(self, &[-1])
    }
    /// The values in another dtype, converted as NumPy's unsafe casting does; a copy always.
    ///
    /// # Errors
    /// What allocation may fail with.
    pub fn astype(&self, dtype: DType) -> Result<Array> {
        ops::cast(self, dtype)
    }
    /// `a[items]`: a view where NumPy gives one, else a new array. [`index!`](crate::index) writes the items.
    ///
    /// ```
    /// # use minpy_core::{Array, index};
    /// # use minpy_cpu as _;
    /// # fn main() -> minpy_core::Result<()> {
    /// let x = Array::from([[1, 2, 3], [4, 5, 6]]);
    /// x.get(&index![.., 1])?.assign(0)?; // the column is a view
    /// assert_eq!(x.get(&index![1])?.to_vec::<i32>()?, [4, 0, 6]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) for what is out of bounds, too much, or no index.
    pub fn get(&self, items: &[Index]) -> Result<Array> {
        ops::get(self, items)
    }
    /// `a[items] = value`: in place, with broadcasting.
    ///
    /// # Errors
    /// As [`Array::get`], and [`ErrorKind::Value`](crate::ErrorKind::Value) for a value that does not broadcast.
    pub fn set<'a>(&self, items: &[Index], value: impl Into<Operand<'a>>) -> Result<()> {
        ops::set(self, items, value)
    }
    /// `a[...] = value`: writes into the memory of this view, broadcasting and converting.
    ///
    /// # Errors
    /// [`ErrorKind::Value`](crate::ErrorKind::Value) for shapes that do not broadcast,
    /// [`ErrorKind::Overflow`](crate::ErrorKind::Overflow) for a number that the dtype does not hold.
    pub fn assign<'a>(&self, value: impl Into<Operand<'a>>) -> Result<()> {
        ops::assign(self, value)
    }
}

/// Statistics and order.
impl Array {
    /// Arithmetic mean along axes, as [`Array::sum`] takes them; integers in float64.
    ///
    /// # Errors
    /// [`ErrorKind::Axis`](crate::ErrorKind::Axis) for an axis that the array does not have.
    pub fn mean<'a>(&self, axes: impl Into<Axes<'a>>, keepdims: bool) -> Result<Array> {
        axes.into().with(|axes| ops::mean(self, axes, keepdims, None))
    }
    /// Variance along axes with divisor `n - ddof`; of complex values the mean of `|x - mean|**2`.
    ///
    /// # Errors
    /// As [`Array::mean`].
    pub fn var<'a>(&self, axes: impl Into<Axes<'a>>, keepdims: bool, ddof: f64) -> Result<Array> {
        axes.into().with(|axes| ops::var(self, axes, keepdims, ddof, None))
    }
    /// Standard deviation along axes: the root of [`Array::var`].
    ///
    /// # Errors
    /// As [`Array::mean`].
    pub fn std<'a>(&self, axes: impl Into<Axes<'a>>, keepdims: bool, ddof: f64) -> Result<Array> {
        axes.into().with(|axes| ops::std(self, axes, keepdims, ddof, None))
    }
    /// Running sum along an axis; small integers in the default integer.
    ///
    /// # Errors
    /// As [`Array::mean`].
    pub fn cumsum(&self, axis: isize) -> Result<Array> {
        ops::cumsum(self, axis)
    }
    /// Running product along an axis; small integers in the default integer.
    ///
    /// # Errors
    /// As [`Array::mean`].
    pub fn cumprod(&self, axis: isize) -> Result<Array> {
        ops::cumprod(self, axis)
    }
    /// First position of the greatest element along an axis (`None`: of the flattened array); NaN wins.
    ///
    /// # Errors
    /// As [`Array::mean`], and [`ErrorKind::Value`](crate::ErrorKind::Value) where there is no element.
    pub fn argmax(&self, axis: impl Into<Option<isize>>) -> Result<Array> {
        ops::argmax(self, axis.into())
    }
    /// First position of the smallest element along an axis (`None`: of the flattened array); NaN wins.
    ///
    /// # Errors
    /// As [`Array::argmax`].
    pub fn argmin(&self, axis: impl Into<Option<isize>>) -> Result<Array> {
        ops::argmin(self, axis.into())
    }
    /// Sorted values along an axis (`None`: flattened), NaN last; a new array.
    ///
    /// # Errors
    /// As [`Array::mean`].
    pub fn sort(&self, axis: impl Into<Option<isize>>) -> Result<Array> {
        ops::sort(self, axis.into())
    }
    /// Positions that sort along an axis (`None`: flattened), stably.
    ///
    /// # Errors
    /// As [`Array::mean`].
    pub fn argsort(&self, axis: impl Into<Option<isize>>) -> Result<Array> {
        ops::argsort(self, axis.into())
    }
    /// Indices of the elements that are not zero, int64 of shape `[ndim, n]`.
    ///
    /// # Errors
    /// What computing the values may fail with.
    pub fn nonzero(&self) -> Result<Array> {
        ops::nonzero(self)
    }
}

/// Products and layers.
impl Array {
    /// NumPy's dot: the last axis of this array with the second to last (or only) one of `b`.
    ///
    /// ```
    /// # use minpy_core::Array;
    /// # use minpy_cpu as _;
    /// # fn main() -> minpy_core::Result<()> {
    /// let a = Array::from([[1.0, 2.0], [3.0, 4.0]]);
    /// assert_eq!(a.dot(&a.t())?.to_string(), "[[ 5. 11.]\n [11. 25.]]");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Value`](crate::ErrorKind::Value) for axes of different sizes.
    pub fn dot(&self, b: &Array) -> Result<Array> {
        ops::dot(self, b)
    }
    /// `self @ b`: products of stacks of matrices, with broadcasting; 1-d operands are rows and columns.
    ///
    /// # Errors
    /// [`ErrorKind::Value`](crate::ErrorKind::Value) for shapes that do not fit.
    pub fn matmul(&self, b: &Array) -> Result<Array> {
        ops::matmul(self, b)
    }
    /// `exp(x) / sum(exp(x))` along an axis, without overflow.
    ///
    /// # Errors
    /// [`ErrorKind::Axis`](crate::ErrorKind::Axis) for an axis that the array does not have.
    pub fn softmax(&self, axis: isize) -> Result<Array> {
        ops::softmax(self, axis)
    }
    /// The logarithm of `softmax`, without overflow.
    ///
    /// # Errors
    /// [`ErrorKind::Axis`](crate::ErrorKind::Axis) for an axis that the array does not have.
    pub fn log_softmax(&self, axis: isize) -> Result<Array> {
        ops::log_softmax(self, axis)
    }
}
