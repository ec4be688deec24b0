//! Arrays of the crate `ndarray`, at the edge for Rust users (feature `ndarray`).
//!
//! Views are lent to a closure only: they borrow memory that other handles share, so they must not outlive the call.

use minpy_core::backend::memory;
use minpy_core::{Array, Element, ErrorKind, Result, bail};
use ndarray::{ArrayD, ArrayViewD, IxDyn, ShapeBuilder};

/// Calls `f` with a view of the array, strides and all, without a copy. The array must be on the host, of dtype `T`.
///
/// # Safety
/// While `f` runs nothing may write to the array's memory: neither `f` nor another thread, through this array or
/// another view of its buffer. Bytes of a bool array that came from elsewhere must be 0 or 1.
///
/// # Errors
/// `ErrorKind::Type` for another dtype; `ErrorKind::Device` for an array elsewhere (`Array::to_device` first).
pub unsafe fn with_view<T: Element, R>(array: &Array, f: impl FnOnce(ArrayViewD<'_, T>) -> R) -> Result<R> {
    check::<T>("with_view", array)?;
    let layout = array.layout();
    // `ndarray` takes strides as bit patterns; the pointer is that of the lowest address when none is negative.
    let mut axes: Vec<usize> = Vec::new();
    let mut start = layout.offset();
    let mut strides = Vec::with_capacity(layout.ndim());
    for (i, (&n, &s)) in layout.shape().iter().zip(layout.strides()).enumerate() {
        if s < 0 && n > 0 {
            axes.push(i);
            start = (start as isize + (n as isize - 1) * s) as usize;
        }
        strides.push(s.unsigned_abs());
    }
    let memory = array.buffer().memory()?;
    let first = if array.size() == 0 {
        std::ptr::NonNull::<T>::dangling().as_ptr().cast_const()
    } else {
        ((memory.handle + memory.offset) as *const T).wrapping_add(start)
    };
    // SAFETY: the layout stays inside the buffer, which `array` keeps alive; elements are valid `T`s; nobody writes
    // (the caller's promise).
    let mut view =
        unsafe { ArrayViewD::from_shape_ptr(IxDyn(layout.shape()).strides(IxDyn(&strides)), first) };
    for axis in axes {
        view.invert_axis(ndarray::Axis(axis));
    }
    Ok(f(view))
}

/// A copy of the array's values as an `ndarray` array in C order, from any device.
///
/// # Errors
/// `ErrorKind::Type` for another dtype.
pub fn to_ndarray<T: Element>(array: &Array) -> Result<ArrayD<T>> {
    let values = array.to_vec::<T>()?;
    ArrayD::from_shape_vec(IxDyn(array.shape()), values)
        .map_err(|e| minpy_core::Error::new(ErrorKind::Value, format!("to_ndarray: {e}")))
}

/// A copy of an `ndarray` array on the current device.
///
/// # Errors
/// What allocation may fail with.
pub fn from_ndarray<T: Element, D: ndarray::Dimension>(array: &ndarray::ArrayRef<T, D>) -> Result<Array> {
    match array.as_slice() {
        Some(values) => Array::from_slice(values, array.shape()),
        None => Array::from_slice(&memory::collected(array.iter().copied())?, array.shape()),
    }
}

fn check<T: Element>(what: &str, array: &Array) -> Result<()> {
    if array.dtype() != T::DTYPE {
        bail!(Type, "{what}: array of dtype {} seen as {}", array.dtype(), T::DTYPE);
    }
    if !array.device().is_host() {
        bail!(Device, "{what}: the array is on {}; move it to the host first", array.device());
    }
    Ok(())
}
