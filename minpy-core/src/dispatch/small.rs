//! Few elements in the host's memory are written and copied where they lie: a kernel call would take several times as long. What
//! this takes is what the kernel for copies would do; what is counted, traced, pending or elsewhere is not taken, nor a write that a tape has to know of.

use super::straight::{PLAIN, address};
use crate::context::{self, RECORDING};
use crate::device::flags;
use crate::expr::{PlainLoop, Program};
use crate::kernel::Work;
use crate::layout::Dims;
use crate::{Array, DType, Operand, Result, Scalar, launch, profile};
use smallvec::SmallVec;
use std::sync::{Arc, OnceLock};

/// Most elements that are visited one by one.
const FEW: usize = 512;
/// Elements of a row that are moved as one.
const ROW: usize = 8;

/// Whether writing all of an array is such a case; nothing but its memory is looked at.
#[inline]
fn is_small(a: &Array) -> bool {
    let n = a.size();
    let few = n <= FEW
        || n < PLAIN && (a.layout().is_contiguous() || a.shape().last().is_some_and(|&row| row >= ROW));
    n > 0 && few && a.device().is_host() && a.buffer().present().is_some() && !profile::is_on()
}
/// Whether nobody wants to know of a write.
#[inline]
pub(super) fn is_unwatched(a: &Array) -> bool {
    a.buffer().is_unwatched() && !a.buffer().is_read_only()
}

/// Writes a value into all of a view, as `assign` does; false where that takes more than this.
#[inline]
pub(super) fn assigned(target: &Array, value: &Operand) -> Result<bool> {
    if context::flags() != 0 || !is_small(target) || !is_unwatched(target) {
        return Ok(false);
    }
    match value {
        Operand::Scalar(s) if s.dtype() == target.dtype() => {
            target.buffer().memory_to_write()?;
            // SAFETY: small, so present, on the host and not empty.
            unsafe { write(target, s) };
        }
        Operand::Array(a)
            if a.dtype() == target.dtype()
                && a.device().is_host()
                && a.buffer().present().is_some()
                && a.ndim() <= target.ndim()
                && !a.may_share_memory(target) =>
        {
            let Some(steps) = steps(a, target) else { return Ok(false) };
            target.buffer().memory_to_write()?;
            // SAFETY: as above; the steps lead through the elements of `a`, which lie elsewhere.
            unsafe { copy(a, &steps, target) };
        }
        _ => return Ok(false),
    }
    target.buffer().bump_version();
    Ok(true)
}
/// Fills an array that nobody else has; false where that takes more than this.
#[inline]
pub(super) fn filled(out: &Array, value: &Scalar) -> Result<bool> {
    let small = context::flags() & !RECORDING == 0 && value.dtype() == out.dtype() && is_small(out);
    if small {
        out.buffer().memory_to_write()?;
        // SAFETY: small, so present, on the host and not empty.
        unsafe { write(out, value) };
    }
    Ok(small)
}
/// Arrays that are alike, in the host's memory, as the rows of one; `None` where that takes more than this.
pub(crate) fn stacked(arrays: &[&Array]) -> Result<Option<Array>> {
    let Some(first) = arrays.first() else { return Ok(None) };
    let alike = |a: &&Array| {
        a.dtype() == first.dtype()
            && a.shape() == first.shape()
            && a.device().is_host()
            && a.buffer().present().is_some()
            && !a.is_weak()
    };
    let small = first.size() < PLAIN && first.size() > 0 && context::flags() == 0 && !profile::is_on();
    if !small || !arrays.iter().all(alike) {
        return Ok(None);
    }
    let mut shape = Dims::from_elem(arrays.len(), 1);
    shape.extend_from_slice(first.shape());
    let out = Array::empty_on(first.device(), &shape, first.dtype())?;
    out.buffer().memory_to_write()?;
    for (i, a) in arrays.iter().enumerate() {
        // SAFETY: both are on the host and present, and the output has just been made; the row has the shape of the array.
        unsafe { copy(a, a.layout().strides(), &out.view(out.layout().select(0, i))) };
    }
    Ok(Some(out))
}
/// Writes `start + i * step` into element `i` of a new array; false where that takes more than this.
#[inline]
pub(crate) fn ramped(out: &Array, start: &Scalar, step: &Scalar) -> Result<bool> {
    if context::flags() & !RECORDING != 0 || !out.layout().is_contiguous() || !is_small(out) {
        return Ok(false);
    }
    let to = address(out, out.buffer().memory_to_write()?).cast_mut();
    let n = out.size();
    if let (Some(start), Some(step), DType::F64) = (start.get::<f64>(), step.get::<f64>(), out.dtype()) {
        // SAFETY: present, contiguous memory on the host for so many elements of the dtype.
        let to = unsafe { std::slice::from_raw_parts_mut(to.cast::<f64>(), n) };
        to.iter_mut().enumerate().for_each(|(i, x)| *x = start + i as f64 * step);
        return Ok(true);
    }
    let (Some(start), Some(step)) = (start.get::<i64>(), step.get::<i64>()) else { return Ok(false) };
    let at = |i: usize| start.wrapping_add(step.wrapping_mul(i as i64));
    match out.dtype() {
        // SAFETY: as above.
        DType::I64 => unsafe { (0..n).for_each(|i| *to.cast::<i64>().add(i) = at(i)) },
        // SAFETY: as above.
        DType::F64 => unsafe { (0..n).for_each(|i| *to.cast::<f64>().add(i) = at(i) as f64) },
        _ => return Ok(false),
    }
    Ok(true)
}
/// The values in another dtype, or the same, as a new array like this one; `None` where that takes more than this.
#[inline]
pub(super) fn converted(a: &Array, dtype: DType) -> Result<Option<Array>> {
    if context::flags() != 0 || a.is_weak() || !a.layout().is_contiguous() || !is_small(a) {
        return Ok(None);
    }
    static CASTS: [[OnceLock<Arc<Program>>; DType::ALL.len()]; DType::ALL.len()] =
        [const { [const { OnceLock::new() }; DType::ALL.len()] }; DType::ALL.len()];
    let program = CASTS[a.dtype() as usize][dtype as usize]
        .get_or_init(|| super::copy::copy_program(a.dtype(), dtype, false));
    let Some(PlainLoop::Unary(run)) = program.plain_loop(|p| a.device().plain_loop(p)) else {
        return Ok(None);
    };
    let out = Array::beside(a, Array::memory_beside(a, a.size(), dtype, false)?, dtype);
    // The result of even so little may be meant to wait.
    let (Some(from), Some(to)) = (a.buffer().present(), out.buffer().present()) else { return Ok(None) };
    let watched = program.raises() != 0;
    if watched {
        flags::begin();
    }
    // SAFETY: both are on the host and contiguous, with so many elements of the program's dtypes; the output has just been made.
    unsafe { run(address(a, from), address(&out, to).cast_mut(), a.size()) };
    if watched && flags::is_raised() {
        launch::raised("copy", &Work::Elementwise, Some(program), out.ndim() == 0);
    }
    Ok(Some(out))
}

type Steps = SmallVec<[isize; 4]>;

/// The steps through an array that is broadcast to the shape of the target.
#[inline]
fn steps(a: &Array, target: &Array) -> Option<Steps> {
    let lead = target.ndim() - a.ndim();
    let mut steps = Steps::from_elem(0, lead);
    for ((&n, &step), &wide) in a.shape().iter().zip(a.layout().strides()).zip(&target.shape()[lead..]) {
        match n {
            _ if n == wide => steps.push(step),
            1 => steps.push(0),
            _ => return None,
        }
    }
    Some(steps)
}

/// A function for elements of that many bytes.
macro_rules! by_size {
    ($size:expr, $f:ident($($arg:expr),*)) => {
        match $size {
            1 => $f::<[u8; 1]>($($arg),*),
            2 => $f::<[u8; 2]>($($arg),*),
            4 => $f::<[u8; 4]>($($arg),*),
            8 => $f::<[u8; 8]>($($arg),*),
            _ => $f::<[u8; 16]>($($arg),*),
        }
    };
}

pub(super) use by_size;

/// # Safety
/// The target is on the host, present, and has that dtype.
#[inline]
unsafe fn write(target: &Array, value: &Scalar) {
    let Some(memory) = target.buffer().present() else { return };
    let (to, l) = (address(target, memory).cast_mut(), target.layout());
    let (all, one) = ([target.size()], [1]);
    let (shape, strides) =
        if l.is_contiguous() { (&all[..], &one[..]) } else { (target.shape(), l.strides()) };
    // SAFETY: the layout of an array stays inside of its memory; a scalar has the bytes of its dtype.
    unsafe { by_size!(target.dtype().size(), fill(value.as_ptr().cast(), to.cast(), shape, strides)) }
}
/// # Safety
/// Both are on the host and present; the steps lead from element to element of `a`.
#[inline]
unsafe fn copy(a: &Array, steps: &[isize], target: &Array) {
    let (Some(from), Some(to)) = (a.buffer().present(), target.buffer().present()) else { return };
    let (from, to) = (address(a, from), address(target, to).cast_mut());
    let (size, l) = (target.dtype().size(), target.layout());
    // SAFETY: the layouts of arrays stay inside of their memory; dtypes are the same, and memory is apart.
    unsafe {
        if l.is_contiguous() && a.layout().is_contiguous() && a.size() == target.size() {
            return std::ptr::copy_nonoverlapping(from, to, size * target.size());
        }
        by_size!(size, through(from.cast(), steps, to.cast(), target.shape(), l.strides()))
    }
}
/// # Safety
/// Elements of `T` lie at those places.
unsafe fn fill<T: Copy>(value: *const T, to: *mut T, shape: &[usize], strides: &[isize]) {
    // SAFETY: the caller's promise.
    unsafe {
        match (shape, strides) {
            (&[n], &[1]) => std::slice::from_raw_parts_mut(to, n).fill(*value),
            (&[n], &[step]) => (0..n as isize).for_each(|i| *to.offset(i * step) = *value),
            (&[n, ref rows @ ..], &[step, ref rest @ ..]) => {
                (0..n as isize).for_each(|i| fill(value, to.offset(i * step), rows, rest));
            }
            _ => *to = *value,
        }
    }
}
/// # Safety
/// Elements of `T` lie at those places, and those of the two are apart.
unsafe fn through<T: Copy>(from: *const T, steps: &[isize], to: *mut T, shape: &[usize], strides: &[isize]) {
    // SAFETY: the caller's promise.
    unsafe {
        match (shape, steps, strides) {
            (&[n], &[1], &[1]) => std::ptr::copy_nonoverlapping(from, to, n),
            (&[n], &[take], &[put]) => {
                (0..n as isize).for_each(|i| *to.offset(i * put) = *from.offset(i * take));
            }
            (&[n, ref rows @ ..], &[take, ref next @ ..], &[put, ref rest @ ..]) => {
                (0..n as isize)
                    .for_each(|i| through(from.offset(i * take), next, to.offset(i * put), rows, rest));
            }
            _ => *to = *from,
        }
    }
}
