//! Random bits: the stream of Philox-4x32-10, known answers and every position of it.

use crate::reference::{Expected, Value};
use crate::samples::read;
use crate::subject::Subject;
use minpy_core::backend::{DTypeSet, Family};
use minpy_core::ops::{self, Generator};
use minpy_core::{Attrs, DType, Target};

/// One block (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11).
fn philox(mut c: [u32; 4], mut k: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let (a, b) = (0xD251_1F53 * c[0] as u64, 0xCD9E_8D57 * c[2] as u64);
        c = [(b >> 32) as u32 ^ c[1] ^ k[0], b as u32, (a >> 32) as u32 ^ c[3] ^ k[1], a as u32];
        k = [k[0].wrapping_add(0x9E37_79B9), k[1].wrapping_add(0xBB67_AE85)];
    }
    c
}

fn stream(key: [u32; 2], counter: u64, n: usize) -> Vec<Expected> {
    (0..n)
        .map(|i| {
            let block = counter.wrapping_add(i as u64 / 4);
            let words = philox([block as u32, (block >> 32) as u32, 0, 0], key);
            Expected::exact(Value::Int(words[i % 4] as i128))
        })
        .collect()
}

/// The published answers of the generator, and the device's stream for keys, counters and lengths.
pub fn philox_stream(s: &Subject) {
    // kat_vectors of Random123.
    for (c, k, want) in [
        ([0; 4], [0; 2], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]),
        ([u32::MAX; 4], [u32::MAX; 2], [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]),
        (
            [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
            [0xa4093822, 0x299f31d0],
            [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
        ),
    ] {
        s.check(philox(c, k) == want, || "the reference itself is not Philox".into());
    }
    for key in [[0, 0], [1, 0], [0xdead_beef, 0x1234_5678], [u32::MAX; 2]] {
        for counter in [0, 1, u32::MAX as u64 - 1, 1 << 40] {
            for shape in [&[1][..], &[4], &[7], &[3, 5], &[1030], &[]] {
                let what = || format!("random bits of key {key:x?} from {counter}, shape {shape:?}");
                let attrs = ops::Stream { shape: shape.into(), key, counter };
                let r = s.native("random_bits", Family::RandomBits, DTypeSet::of(&[DType::U32]), || {
                    ops::call(&ops::RANDOM_BITS, Attrs::of(&attrs), &[], None, Target::New)
                });
                if let Some(got) = s.ok(r.and_then(|r| read(&r)), what) {
                    s.compare(what, shape, DType::U32, &got, &stream(key, counter, shape.iter().product()));
                }
            }
        }
    }
}

/// Uniform and normal numbers: in range, of the right moments, the same again for the same seed.
pub fn distributions(s: &Subject) {
    let run = || -> minpy_core::Result<()> {
        let n = 20_000;
        for dtype in [DType::F32, DType::F64] {
            let moments = |v: &[Value]| {
                let mean = v.iter().map(|v| v.re()).sum::<f64>() / n as f64;
                (mean, v.iter().map(|v| (v.re() - mean).powi(2)).sum::<f64>() / n as f64)
            };
            let u = read(&Generator::new(42).uniform(&[n], dtype)?)?;
            s.check(u.iter().all(|v| (0.0..1.0).contains(&v.re())), || {
                format!("uniform {dtype} leaves [0, 1)")
            });
            let (m, v) = moments(&u);
            s.check((m - 0.5).abs() < 0.01 && (v - 1.0 / 12.0).abs() < 0.003, || {
                format!("uniform {dtype}: mean {m}, variance {v}")
            });
            let z = read(&Generator::new(42).normal(&[n], dtype)?)?;
            let (m, v) = moments(&z);
            s.check(m.abs() < 0.03 && (v - 1.0).abs() < 0.05, || {
                format!("normal {dtype}: mean {m}, variance {v}")
            });
            let again = read(&Generator::new(42).uniform(&[n], dtype)?)?;
            s.check(again == u, || format!("uniform {dtype} differs for the same seed"));
            let mut g = Generator::new(42);
            let (a, b) = (read(&g.uniform(&[n], dtype)?)?, read(&g.uniform(&[n], dtype)?)?);
            s.check(a == u && b != a, || format!("uniform {dtype}: the stream does not go on"));
        }
        Ok(())
    };
    s.ok(run(), || "distributions".into());
}
