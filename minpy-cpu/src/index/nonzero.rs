//! `Work::Nonzero`: indices of the nonzero elements, in C order.

use crate::prims::{Bits128, with_bits};
use minpy_core::backend::layout::for_each_offset;
use minpy_core::backend::{DTypeSet, Family, KernelCall, Slot};
use minpy_core::{DType, DeviceRef, Error, ErrorKind, Result, kernel};
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
    let bits = value_bits(input.dtype);
    with_bits!(input.dtype.size(), T => for_each_offset(leading, &input.strides[..leading.len()], 0, |_, at| {
        // Offsets are signed in truth; the sum wraps round to the right address.
        let from = base.cast::<T>().wrapping_add(at);
        let before = found;
        for i in 0..row {
            // SAFETY: the view holds this element.
            let x = unsafe { *from.wrapping_offset(i as isize * step) }.any(bits);
            // Written before it is known whether it counts, which is cheaper than a jump that nobody foresees: what does
            // not is written over by the next one that does.
            if found < n && ndim > 0 {
                // SAFETY: `found < n`; the last axis is row `ndim - 1`.
                unsafe { *to(ndim - 1, found) = i as i64 };
            }
            found += x as usize;
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
    }));
    if found != n {
        return Err(Error::new(
            ErrorKind::Runtime,
            format!("{}: {found} nonzero elements where {n} were counted", call.op),
        ));
    }
    Ok(())
}

/// The bits of an element that say whether it is zero: all but the signs of floats, of which a zero may have either.
fn value_bits(dtype: DType) -> [u64; 2] {
    match dtype {
        DType::F16 => [0x7fff; 2],
        DType::F32 => [0x7fff_ffff; 2],
        DType::C64 => [0x7fff_ffff_7fff_ffff; 2],
        DType::F64 | DType::C128 => [u64::MAX >> 1; 2],
        _ => [u64::MAX; 2],
    }
}
trait Any {
    /// Whether any of those bits is set.
    fn any(self, bits: [u64; 2]) -> bool;
}
macro_rules! any {
    ($($t:ty)*) => {$( impl Any for $t {
        #[inline(always)]
        fn any(self, bits: [u64; 2]) -> bool { self & bits[0] as $t != 0 }
    } )*};
}
any!(u8 u16 u32 u64);
impl Any for Bits128 {
    #[inline(always)]
    fn any(self, bits: [u64; 2]) -> bool {
        self.0 & bits[0] | self.1 & bits[1] != 0
    }
}
