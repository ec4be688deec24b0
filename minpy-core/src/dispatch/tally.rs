//! How often integers occur in an array in the host's memory of up to a million elements: counted where they lie. By kernels, which other arrays and
//! devices have, it takes four calls: the least and the greatest one, zeros, a scatter.

use super::straight::address;
use crate::{Array, DType, Result, bail, context, profile};

/// Most integers, and most numbers that are counted.
const MOST: usize = 1 << 20;

/// The elements of an array on the host, which lie one after another.
#[inline]
fn list<T>(a: &Array) -> Result<Option<&[T]>> {
    if !a.device().is_host() || !a.layout().is_contiguous() || size_of::<T>() != a.dtype().size() {
        return Ok(None);
    }
    let first = address(a, a.buffer().memory()?).cast();
    // SAFETY: contiguous memory for so many elements of that size, plain data, which the array keeps.
    Ok(Some(unsafe { std::slice::from_raw_parts(first, a.size()) }))
}

/// How often each integer from 0 on occurs (int64), or the sums of its weights (float64), at least `least` numbers; `None` where that
/// takes more than this. The integers are int64 and there are some; the weights are float64 and as many.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for a negative integer.
pub(crate) fn tallied(x: &Array, weights: Option<&Array>, least: usize) -> Result<Option<Array>> {
    if context::flags() != 0 || profile::is_on() || x.size() > MOST || least > MOST {
        return Ok(None);
    }
    let Some(integers) = list::<i64>(x)? else { return Ok(None) };
    let weights = match weights.map(list::<f64>).transpose()? {
        None => None,
        Some(None) => return Ok(None),
        Some(found) => found,
    };
    let (low, high) = integers.iter().fold((0, 0), |(low, high), &i| (i.min(low), i.max(high)));
    if low < 0 {
        bail!(Value, "'list' argument must have no negative elements");
    }
    if high as usize >= MOST {
        return Ok(None);
    }
    let length = (high as usize + 1).max(least);
    let dtype = if weights.is_some() { DType::F64 } else { DType::I64 };
    let out = Array::empty_on(x.device(), &[length], dtype)?;
    let to = address(&out, out.buffer().memory_to_write()?).cast_mut();
    // SAFETY: contiguous memory for so many elements of eight bytes, zero in both dtypes, of which each list is made but once.
    let (counts, sums) = unsafe {
        to.write_bytes(0, 8 * length);
        match weights {
            None => (std::slice::from_raw_parts_mut(to.cast::<i64>(), length), &mut [][..]),
            Some(_) => (&mut [][..], std::slice::from_raw_parts_mut(to.cast::<f64>(), length)),
        }
    };
    // Another thread may have written a greater integer since: it is not counted.
    match weights {
        None => integers.iter().for_each(|&i| {
            if let Some(count) = counts.get_mut(i as usize) {
                *count += 1;
            }
        }),
        Some(weights) => integers.iter().zip(weights).for_each(|(&i, weight)| {
            if let Some(sum) = sums.get_mut(i as usize) {
                *sum += weight;
            }
        }),
    }
    Ok(Some(out))
}
