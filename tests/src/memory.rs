//! The device's memory: blocks are reused, given back, counted, and refused beyond what there is; bytes go in, out and across.

use crate::reference::Value;
use crate::samples::{read, upload};
use crate::subject::Subject;
use minpy_core::{Array, DType, ErrorKind, Result, ops};

const BLOCK: usize = 3 << 20;

/// An array with memory: an untouched one has none yet.
fn block(s: &Subject) -> Result<Array> {
    let a = Array::empty_on(s.device, &[BLOCK], DType::U8)?;
    a.buffer().memory()?;
    Ok(a)
}

/// A freed block serves the next request of its size; the driver is not asked each time.
pub fn reuse(s: &Subject) {
    let run = || -> Result<()> {
        drop(block(s)?);
        let before = s.device.memory_stats().system_allocations;
        let mut previous = None;
        for i in 0..200 {
            let a = block(s)?;
            ops::assign(&a.slice(0, 0, 1, 1), i as i64 % 100)?;
            drop(previous.replace(a));
        }
        // Other tests allocate at the same time, but not hundreds of blocks.
        let asked = s.device.memory_stats().system_allocations - before;
        s.check(asked < 150, || {
            format!("the driver was asked {asked} times for 200 blocks of which two are alive")
        });
        Ok(())
    };
    s.ok(run(), || "reuse".into());
}

/// Bytes at any place of a block, small and large ones (which may go other ways), and none; a range that leaves its block is an
/// error of the device.
pub fn transfers(s: &Subject) {
    const SIZE: usize = 1000;
    let d = s.device;
    let run = || -> Result<()> {
        let (m, n) = (d.allocate(SIZE)?, d.allocate(SIZE)?);
        let data: Vec<u8> = (0..SIZE).map(|i| (i * 7) as u8).collect();
        let all = |memory| -> Result<Vec<u8>> {
            let mut bytes = vec![0; SIZE];
            d.download(memory, 0, &mut bytes)?;
            Ok(bytes)
        };
        for bytes in [1, 2, 3, 4, 7, 8, 12, 16, 17, 32, 64, 100, 128, 129, 256, 500] {
            for at in [0, 1, 4, 8, 13, 16, 64, 128, 260, 500] {
                d.upload(&data, &m, 0)?;
                d.upload(&vec![0xAB; bytes], &m, at)?;
                let mut want = data.clone();
                want[at..at + bytes].fill(0xAB);
                s.check(all(&m)? == want, || format!("upload of {bytes} bytes to {at}"));
                let mut part = vec![0; bytes];
                d.download(&m, at, &mut part)?;
                s.check(part == want[at..at + bytes], || format!("download of {bytes} bytes from {at}"));
                d.upload(&data, &n, 0)?;
                d.copy(&m, at, &n, 5, bytes)?;
                let mut want = data.clone();
                want[5..5 + bytes].fill(0xAB);
                s.check(all(&n)? == want, || format!("copy of {bytes} bytes from {at}"));
            }
        }
        let before = all(&m)?;
        for (at, bytes) in [(0, SIZE + 1), (1, SIZE), (SIZE, 1), (usize::MAX, 2)] {
            let mut there = vec![0; bytes];
            for r in [
                d.upload(&there, &m, at),
                d.download(&m, at, &mut there),
                d.copy(&m, at, &n, 0, bytes),
                d.copy(&n, 0, &m, at, bytes),
            ] {
                let kind = r.err().map(|e| e.kind());
                s.check(kind == Some(ErrorKind::Device), || format!("{bytes} bytes at {at}: {kind:?}"));
            }
        }
        d.upload(&[], &m, SIZE)?;
        d.download(&m, SIZE, &mut [])?;
        d.copy(&m, SIZE, &n, 0, 0)?;
        s.check(all(&m)? == before, || "what was refused, or nothing, was written".into());
        d.free(m);
        d.free(n);
        Ok(())
    };
    s.ok(run(), || "transfers".into());
}

/// `used` goes up with allocations and down with drops; `trim` empties the pool.
pub fn statistics(s: &Subject) {
    let run = || -> Result<()> {
        let count = 16;
        let arrays: Vec<Array> = (0..count).map(|_| block(s)).collect::<Result<_>>()?;
        s.device.synchronize()?;
        let full = s.device.memory_stats();
        s.check(full.used >= count * BLOCK, || {
            format!("{count} blocks of {BLOCK} bytes are alive, used is {}", full.used)
        });
        s.check(full.peak >= count * BLOCK, || format!("peak is {}", full.peak));
        drop(arrays);
        s.device.synchronize()?;
        let less = s.device.memory_stats();
        // Tests beside this one hold small arrays and a few blocks.
        s.check(less.used + (count - 6) * BLOCK <= full.used, || {
            format!("used was {} and is {} after freeing {count} blocks", full.used, less.used)
        });
        s.device.trim();
        let a = upload(s.device, DType::F32, &[Value::Real(1.0); 9], &[9])?;
        s.check(read(&ops::add(&a, &a)?)?.iter().all(|v| *v == Value::Real(2.0)), || {
            "after trim results are wrong".into()
        });
        Ok(())
    };
    s.ok(run(), || "statistics".into());
}

/// More than the device has is a memory error, and the device goes on working.
pub fn too_much(s: &Subject) {
    let total = s.device.capabilities().total_memory;
    s.check(total > 0, || "capabilities say that there is no memory".into());
    for elements in [total, total.saturating_mul(2), 1 << 45, 1 << 56] {
        let r = Array::empty_on(s.device, &[elements], DType::F64);
        let kind = r.as_ref().err().map(|e| e.kind());
        s.check(kind == Some(ErrorKind::Memory), || {
            format!("{elements} float64 where there are {total} bytes: {kind:?}")
        });
    }
    for shape in [&[usize::MAX][..], &[1 << 40, 1 << 40]] {
        let r = Array::empty_on(s.device, shape, DType::F64);
        let kind = r.as_ref().err().map(|e| e.kind());
        s.check(kind == Some(ErrorKind::Value), || format!("shape {shape:?}: {kind:?}"));
    }
    let a = ops::ones(&[5], DType::F32).and_then(|a| ops::add(&a, &a)).and_then(|a| read(&a));
    s.check(a.is_ok_and(|v| v.iter().all(|v| *v == Value::Real(2.0))), || {
        "after a refused allocation results are wrong".into()
    });
}

/// Arrays may be used and dropped on other threads.
pub fn threads(s: &Subject) {
    let run = || -> Result<()> {
        let a = upload(
            s.device,
            DType::F32,
            &(0..1000).map(|i| Value::Real(i as f64)).collect::<Vec<_>>(),
            &[1000],
        )?;
        let results: Vec<Result<Vec<Value>>> = std::thread::scope(|scope| {
            let work = |k: usize| {
                let a = &a;
                move || {
                    let mut r = ops::multiply(a, k as f64)?;
                    for _ in 0..20 {
                        r = ops::add(&r, a)?;
                    }
                    read(&r)
                }
            };
            let handles: Vec<_> = (0..4).map(|k| scope.spawn(work(k))).collect();
            handles.into_iter().map(|h| h.join().unwrap_or_else(|_| Ok(Vec::new()))).collect()
        });
        for (k, r) in results.into_iter().enumerate() {
            let v = r?;
            let right = v.len() == 1000
                && v.iter().enumerate().all(|(i, v)| *v == Value::Real((i * (k + 20)) as f64));
            s.check(right, || format!("thread {k} computed something else"));
        }
        Ok(())
    };
    s.ok(run(), || "threads".into());
}
