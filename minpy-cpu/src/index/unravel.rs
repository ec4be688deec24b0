//! Positions along several axes and in the flattened array, one made of the other.

use super::row::{Row, written};
use crate::elementwise::min_items;
use crate::machine::threads::parallel_for;
use minpy_core::backend::{DTypeSet, KernelCall, Slot};
use minpy_core::ops::{Beyond, Lengths, Paired};
use minpy_core::{DType, DeviceRef, Error, ErrorKind, Result, kernel};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};

kernel!(pub RAVEL: "cpu", Slot::Op("ravel_pair"), DTypeSet::of(&[DType::I64]), ravel);
kernel!(pub UNRAVEL: "cpu", Slot::Op("unravel"), DTypeSet::of(&[DType::I64]), unravel);

fn settled(i: i64, n: i64, beyond: Beyond) -> i64 {
    match beyond {
        Beyond::Raise => i,
        Beyond::Wrap => i.rem_euclid(n),
        Beyond::Clip => i.clamp(0, n - 1),
    }
}
fn ravel(_: DeviceRef, call: &KernelCall) -> Result<()> {
    let Paired { lengths: [first, second], beyond } = *call.attributes::<Paired>()?;
    // SAFETY: all are int64.
    unsafe {
        let (x, y) = (Row::<i64>::new(call.inputs[0].view())?, Row::<i64>::new(call.inputs[1].view())?);
        let (x, y) = (x.list(), y.list());
        let outside = AtomicBool::new(false);
        written(&call.outputs[0], |out: &mut [i64]| {
            let to = out.as_mut_ptr() as usize;
            parallel_for(x.len(), min_items(24).max(1), |range| {
                // SAFETY: as many results as positions; ranges are apart.
                let out = std::slice::from_raw_parts_mut((to as *mut i64).add(range.start), range.len());
                let mut bad = false;
                for ((to, &i), &j) in out.iter_mut().zip(&x[range.clone()]).zip(&y[range]) {
                    // A length of 0: what is there is right.
                    bad |= first != 0 && (i as u64) >= first as u64 || (j as u64) >= second as u64;
                    let i = if first == 0 { i } else { settled(i, first, beyond) };
                    *to = i.wrapping_mul(second).wrapping_add(settled(j, second, beyond));
                }
                if bad {
                    outside.store(true, Relaxed);
                }
            });
            Ok(())
        })?;
        if beyond == Beyond::Raise && outside.load(Relaxed) {
            return Err(Error::new(ErrorKind::Value, "invalid entry in coordinates array".to_string()));
        }
    }
    Ok(())
}
fn unravel(_: DeviceRef, call: &KernelCall) -> Result<()> {
    let Lengths(lengths) = call.attributes::<Lengths>()?;
    let size: i64 = lengths.iter().product();
    // SAFETY: all are int64.
    unsafe {
        let x = Row::<i64>::new(call.inputs[0].view())?;
        let x = x.list();
        let n = x.len();
        let (outside, wrong) = (AtomicBool::new(false), AtomicI64::new(0));
        written(&call.outputs[0], |out: &mut [i64]| {
            let to = out.as_mut_ptr() as usize;
            parallel_for(n, min_items(16 * lengths.len()).max(1), |range| {
                for k in range {
                    let i = x[k];
                    if (i as u64) >= size as u64 {
                        wrong.store(i, Relaxed);
                        outside.store(true, Relaxed);
                        continue;
                    }
                    let mut left = i as u64;
                    for (axis, &length) in lengths.iter().enumerate().rev() {
                        let length = length as u64;
                        // Half as wide it takes a third of the time.
                        let (next, at) = if left <= u64::from(u32::MAX) && length <= u64::from(u32::MAX) {
                            let (left, length) = (left as u32, length as u32);
                            (u64::from(left / length), u64::from(left % length))
                        } else {
                            (left / length, left % length)
                        };
                        // SAFETY: each axis has a row of `n`; ranges are apart.
                        *(to as *mut i64).add(axis * n + k) = at as i64;
                        left = next;
                    }
                }
            });
            Ok(())
        })?;
        if outside.load(Relaxed) {
            let i = wrong.load(Relaxed);
            return Err(Error::new(
                ErrorKind::Value,
                format!("index {i} is out of bounds for array with size {size}"),
            ));
        }
    }
    Ok(())
}
