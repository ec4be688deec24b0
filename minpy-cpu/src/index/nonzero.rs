//! `Work::Nonzero`: indices of the nonzero elements, in C order.

use crate::prims::truth;
use minpy_core::backend::layout::for_each_offset;
use minpy_core::backend::{DTypeSet, Family, KernelCall, Slot};
use minpy_core::{DeviceRef, Error, ErrorKind, Result, kernel};
use smallvec::SmallVec;

kernel!(pub ENTRY: "cpu", Slot::Family(Family::Nonzero), DTypeSet::ALL, run);

fn run(_: DeviceRef, call: &KernelCall) -> Result<()> {
    let (input, output) = (call.inputs[0].view(), &call.outputs[0]);
    let [ndim, n] = *output.shape else {
        return Err(Error::new(ErrorKind::Runtime, format!("{}: nonzero writes a matrix", call.op)));
    };
    if ndim != input.shape.len() {
        return Err(Error::new(
            ErrorKind::Runtime,
            format!("{}: nonzero of {} axes into {ndim} rows", call.op, input.shape.len()),
        ));
    }
    let out = output.host_ptr().cast::<i64>();
    let base = input.host_ptr();
    let (row, leading) = match input.shape.split_last() {
        Some((&row, leading)) => (row, leading),
        None => (1, input.shape),
    };
    let step = input.strides.last().copied().unwrap_or(0);
    let to = |d: usize, k: usize| {
        out.wrapping_offset(d as isize * output.strides[0] + k as isize * output.strides[1])
    };
    let mut index: SmallVec<[usize; 6]> = SmallVec::from_elem(0, leading.len());
    let mut found = 0usize;
    let (dtype, item) = (input.dtype, input.dtype.size() as isize);
    let tight = (step == 1 || row == 1) && ndim > 0 && output.strides[1] == 1;
    for_each_offset(leading, &input.strides[..leading.len()], 0, |_, at| {
        // Offsets are signed in truth; the sum wraps round to the right address.
        let from = base.wrapping_add(at.wrapping_mul(item as usize));
        let before = found;
        if tight {
            // SAFETY: the last axis is row `ndim - 1`, of `n` elements; the view holds `row` elements side by side.
            found += unsafe {
                let left = n - found.min(n);
                let out = std::slice::from_raw_parts_mut(to(ndim - 1, n - left), left);
                truth::find(from, row, dtype, out)
            };
        } else {
            for i in 0..row {
                // SAFETY: the view holds this element.
                let x = unsafe { truth::is(from.wrapping_offset(i as isize * step * item), dtype) };
                if x && found < n && ndim > 0 {
                    // SAFETY: `found < n`; the last axis is row `ndim - 1`.
                    unsafe { *to(ndim - 1, found) = i as i64 };
                }
                found += x as usize;
            }
        }
        for (d, i) in index.iter_mut().enumerate() {
            for k in before..found.min(n) {
                // SAFETY: `d < ndim` and `k < n`.
                unsafe { *to(d, k) = *i as i64 };
            }
        }
        for d in (0..leading.len()).rev() {
            index[d] += 1;
            if index[d] < leading[d] {
                break;
            }
            index[d] = 0;
        }
    });
    if found != n {
        return Err(Error::new(
            ErrorKind::Runtime,
            format!("{}: {found} nonzero elements where {n} were counted", call.op),
        ));
    }
    Ok(())
}
