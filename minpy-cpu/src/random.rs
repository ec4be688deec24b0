//! `Work::RandomBits`: Philox-4x32-10, a counter-based generator: the same stream on every device and any thread.
//!
//! J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.

use crate::elementwise::min_items;
use crate::threads::parallel_for;
use minpy_core::device::DeviceRef;
use minpy_core::dtype::DTypeSet;
use minpy_core::kernel::{Family, KernelCall, Work};
use minpy_core::registry::Slot;
use minpy_core::{DType, Error, ErrorKind, Result, kernel};

kernel!(pub ENTRY: "cpu", Slot::Family(Family::RandomBits), DTypeSet::of(&[DType::U32]), run);

/// One block: four words from a counter and a key.
#[inline(always)]
pub fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let ([mut c0, mut c1, mut c2, mut c3], [mut k0, mut k1]) = (counter, key);
    for _ in 0..10 {
        let p0 = 0xD251_1F53u64 * c0 as u64;
        let p1 = 0xCD9E_8D57u64 * c2 as u64;
        (c0, c1, c2, c3) = ((p1 >> 32) as u32 ^ c1 ^ k0, p1 as u32, (p0 >> 32) as u32 ^ c3 ^ k1, p0 as u32);
        k0 = k0.wrapping_add(0x9E37_79B9);
        k1 = k1.wrapping_add(0xBB67_AE85);
    }
    [c0, c1, c2, c3]
}

fn run(_: DeviceRef, call: &KernelCall) -> Result<()> {
    let Work::RandomBits { key, counter } = *call.work else {
        return Err(Error::new(
            ErrorKind::Runtime,
            format!("{}: the random kernel was given other work", call.op),
        ));
    };
    let out = &call.outputs[0];
    if !out.is_contiguous() || out.dtype != DType::U32 {
        return Err(Error::new(
            ErrorKind::Runtime,
            format!("{}: random bits fill contiguous uint32 arrays", call.op),
        ));
    }
    let n = out.size();
    let base = out.host_ptr() as usize;
    parallel_for(n.div_ceil(4), min_items(30), |range| {
        for block in range {
            let c = counter.wrapping_add(block as u64);
            let words = philox([c as u32, (c >> 32) as u32, 0, 0], key);
            let m = (n - block * 4).min(4);
            // SAFETY: the output holds `n` words; blocks are written once each.
            unsafe { std::ptr::copy_nonoverlapping(words.as_ptr(), (base as *mut u32).add(block * 4), m) };
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::philox;
    /// Known answers of Random123 (`kat_vectors`, philox4x32 10).
    #[test]
    fn known_answers() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
        assert_eq!(philox([!0; 4], [!0; 2]), [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
        assert_eq!(
            philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]),
            [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]
        );
    }
}
