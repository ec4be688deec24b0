//! The backend as such: memory, transfers, errors of the device.

mod device;

use device::opencl;
use minpy_core::{Array, DType, ErrorKind, ops};

#[test]
fn memory_is_reused_and_given_back() {
    let Some(d) = opencl() else { return };
    let before = d.memory_stats();
    let a = d.allocate(3 << 20).expect("memory");
    assert!(d.memory_stats().used >= before.used + (3 << 20));
    d.free(a);
    let b = d.allocate((3 << 20) - 100).expect("memory");
    assert_eq!(a.handle, b.handle, "a block of the same class comes back");
    d.free(b);
    d.trim();
    assert_eq!(d.memory_stats().pooled, 0);
}

#[test]
fn transfers_keep_to_their_blocks() {
    let Some(d) = opencl() else { return };
    let m = d.allocate(1000).expect("memory");
    let data: Vec<u8> = (0..1000).map(|i| i as u8).collect();
    d.upload(&data, &m, 0).expect("upload");
    // Small uploads take another way.
    for (bytes, at) in [(1usize, 7usize), (4, 8), (8, 13), (16, 32), (128, 256), (128, 260)] {
        d.upload(&vec![0xAB; bytes], &m, at).expect("upload");
        let mut back = vec![0; bytes + 2];
        d.download(&m, at - 1, &mut back).expect("download");
        assert!(back[1..=bytes].iter().all(|&b| b == 0xAB), "{bytes} at {at}");
        d.upload(&data[at..at + bytes], &m, at).expect("upload");
    }
    let n = d.allocate(1000).expect("memory");
    d.copy(&m, 100, &n, 5, 400).expect("copy");
    let mut back = vec![0; 400];
    d.download(&n, 5, &mut back).expect("download");
    assert_eq!(back, data[100..500]);
    let mut back = vec![0; 401];
    for e in
        [d.upload(&data, &m, 1).err(), d.download(&m, 600, &mut back).err(), d.copy(&m, 0, &n, 999, 2).err()]
    {
        assert_eq!(e.expect("out of the block").kind(), ErrorKind::Device);
    }
    d.free(m);
    d.free(n);
}

#[test]
fn too_much_memory_is_an_error() {
    let Some(d) = opencl() else { return };
    let e = d.allocate(1 << 50).expect_err("nobody has a pebibyte");
    assert_eq!(e.kind(), ErrorKind::Memory, "{e}");
    let e = Array::empty_on(d, &[1 << 48], DType::F32).expect_err("nor as an array");
    assert_eq!(e.kind(), ErrorKind::Memory, "{e}");
}

#[test]
fn threads_share_a_device() {
    let Some(d) = opencl() else { return };
    let a = Array::from_bytes(d, &[1.5f32; 3000].map(f32::to_le_bytes).concat(), &[3000], DType::F32)
        .expect("upload");
    std::thread::scope(|s| {
        for k in 0..4 {
            let a = &a;
            s.spawn(move || {
                for i in 0..50 {
                    let x = ops::multiply(a, f64::from(i + k)).and_then(|x| ops::add(&x, a)).expect("ops");
                    assert_eq!(x.to_vec::<f32>().expect("read")[2999], 1.5 * (i + k) as f32 + 1.5);
                }
            });
        }
    });
}
