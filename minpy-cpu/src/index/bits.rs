//! `packbits` and `unpackbits`: eight truth values in a byte, by a multiplication that brings each to its place.

use crate::prims::B8;
use crate::rows::for_rows;
use minpy_core::backend::{DTypeSet, KernelCall, Slot};
use minpy_core::ops::Bits;
use minpy_core::{DType, DeviceRef, Result, kernel};

kernel!(pub PACK: "cpu", Slot::Op("packbits"), DTypeSet::of(&[DType::Bool, DType::U8]), pack);
kernel!(pub UNPACK: "cpu", Slot::Op("unpackbits"), DTypeSet::of(&[DType::U8]), unpack);

/// Bit `i` of the eight bytes at the top of the product: turned round, or as it is. No two terms meet.
const BIG: u64 = 0x8040_2010_0804_0201;
const LITTLE: u64 = 0x0102_0408_1020_4080;

/// The highest bit of each byte.
const HIGH: u64 = 0x8080_8080_8080_8080;

fn pack(_: DeviceRef, call: &KernelCall) -> Result<()> {
    let (input, output) = (call.inputs[0].view(), &call.outputs[0]);
    let little = call.attributes::<Bits>()?.little;
    let n = input.shape.last().copied().unwrap_or(1);
    let by = if little { LITTLE } else { BIG };
    for_rows(input, output, true, 2, |row, out| {
        // SAFETY: rows hold `n` truth values, of the output an eighth as many bytes, rounded up.
        let (x, to) = unsafe {
            (
                std::slice::from_raw_parts(row.cast::<B8>(), n),
                std::slice::from_raw_parts_mut(out, n.div_ceil(8)),
            )
        };
        let whole = n / 8;
        for (k, to) in to[..whole].iter_mut().enumerate() {
            // SAFETY: eight truth values from there on.
            let eight = u64::from_le(unsafe { row.cast::<u64>().add(k).read_unaligned() });
            // Whatever is not zero is true.
            let ones = ((eight & !HIGH).wrapping_add(!HIGH) | eight) >> 7 & (HIGH >> 7);
            *to = (ones.wrapping_mul(by) >> 56) as u8;
        }
        if let Some(to) = to.get_mut(whole) {
            let mut bytes = [0u8; 8];
            bytes.iter_mut().zip(&x[8 * whole..]).for_each(|(b, x)| *b = x.get() as u8);
            *to = (u64::from_le_bytes(bytes).wrapping_mul(by) >> 56) as u8;
        }
        Ok(())
    })
}

/// The bits of each byte as eight bytes.
const fn table(little: bool) -> [[u8; 8]; 256] {
    let mut all = [[0; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut i = 0;
        while i < 8 {
            all[byte][i] = (byte >> if little { i } else { 7 - i } & 1) as u8;
            i += 1;
        }
        byte += 1;
    }
    all
}
static FIRST_HIGHEST: [[u8; 8]; 256] = table(false);
static FIRST_LOWEST: [[u8; 8]; 256] = table(true);

fn unpack(_: DeviceRef, call: &KernelCall) -> Result<()> {
    let (input, output) = (call.inputs[0].view(), &call.outputs[0]);
    let bits = call.attributes::<Bits>()?;
    let (n, length) = (input.shape.last().copied().unwrap_or(1), bits.length);
    let table = if bits.little { &FIRST_LOWEST } else { &FIRST_HIGHEST };
    for_rows(input, output, true, 16, |row, out| {
        // SAFETY: rows hold `n` bytes, of the output `length`.
        let (x, to) =
            unsafe { (std::slice::from_raw_parts(row, n), std::slice::from_raw_parts_mut(out, length)) };
        let filled = length.min(8 * n);
        let (there, behind) = to.split_at_mut(filled);
        behind.fill(0);
        let mut eights = there.chunks_exact_mut(8);
        let mut bytes = x.iter();
        for (to, &byte) in eights.by_ref().zip(bytes.by_ref()) {
            to.copy_from_slice(&table[byte as usize]);
        }
        let rest = eights.into_remainder();
        if let Some(&byte) = x.get(filled / 8) {
            let k = rest.len();
            rest.copy_from_slice(&table[byte as usize][..k]);
        }
        Ok(())
    })
}
