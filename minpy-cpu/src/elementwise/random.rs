//! `Work::RandomBits`: Philox-4x32-10, a counter-based generator: the same stream on every device and any thread.
//!
//! J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.

use super::min_items;
use crate::machine::simd::{Level, level};
use crate::machine::threads::parallel_for;
use minpy_core::backend::{DTypeSet, Family, KernelCall, Slot, Work};
use minpy_core::{DType, DeviceRef, Error, ErrorKind, Result, kernel};

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
    let fill = many();
    parallel_for(n.div_ceil(4 * LANES), min_items(20) / LANES, |range| {
        for group in range {
            let first = group * LANES;
            let mut words = [0u32; 4 * LANES];
            // SAFETY: `many` chose the function for this machine.
            unsafe { fill(counter.wrapping_add(first as u64), key, &mut words) };
            let m = (n - first * 4).min(words.len());
            // SAFETY: the output holds `n` words; groups are written once each.
            unsafe { std::ptr::copy_nonoverlapping(words.as_ptr(), (base as *mut u32).add(first * 4), m) };
        }
    });
    Ok(())
}

/// Blocks computed together, one per vector lane.
const LANES: usize = 64;

type Many = unsafe fn(u64, [u32; 2], &mut [u32; 4 * LANES]);

fn many() -> Many {
    match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => avx512,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => avx2,
        _ => plain,
    }
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma")]
unsafe fn avx512(counter: u64, key: [u32; 2], out: &mut [u32; 4 * LANES]) {
    blocks(counter, key, out)
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(counter: u64, key: [u32; 2], out: &mut [u32; 4 * LANES]) {
    blocks(counter, key, out)
}
unsafe fn plain(counter: u64, key: [u32; 2], out: &mut [u32; 4 * LANES]) {
    blocks(counter, key, out)
}

/// `LANES` blocks, rounds outside and lanes inside.
#[inline(always)]
fn blocks(counter: u64, key: [u32; 2], out: &mut [u32; 4 * LANES]) {
    let mut c = [[0u32; LANES]; 4];
    let [low, high, ..] = &mut c;
    for (i, (low, high)) in low.iter_mut().zip(high).enumerate() {
        let x = counter.wrapping_add(i as u64);
        (*low, *high) = (x as u32, (x >> 32) as u32);
    }
    let [mut k0, mut k1] = key;
    for _ in 0..10 {
        let [c0, c1, c2, c3] = &mut c;
        for i in 0..LANES {
            let p0 = 0xD251_1F53u64 * c0[i] as u64;
            let p1 = 0xCD9E_8D57u64 * c2[i] as u64;
            c0[i] = (p1 >> 32) as u32 ^ c1[i] ^ k0;
            c1[i] = p1 as u32;
            c2[i] = (p0 >> 32) as u32 ^ c3[i] ^ k1;
            c3[i] = p0 as u32;
        }
        k0 = k0.wrapping_add(0x9E37_79B9);
        k1 = k1.wrapping_add(0xBB67_AE85);
    }
    for (w, lane) in c.iter().enumerate() {
        for (i, &x) in lane.iter().enumerate() {
            out[4 * i + w] = x;
        }
    }
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
