//! The device keeps its promises: memory, copies, ranges.

use minpy_core::ErrorKind;

#[test]
fn device_allocates_copies_and_refuses() {
    minpy_cpu::register().unwrap();
    let d = minpy_core::device::host().unwrap();
    assert_eq!(d.to_string(), "cpu(0)");
    assert!(d.capabilities().total_memory > 1 << 28 && !d.capabilities().description.is_empty());
    let before = d.memory_stats().used;
    let (a, b) = (d.allocate(1000).unwrap(), d.allocate(3 << 20).unwrap());
    assert_eq!((a.handle % 64, b.handle % 64), (0, 0));
    assert!(
        d.memory_stats().used >= before + 1000 + (3 << 20) && d.memory_stats().peak >= d.memory_stats().used
    );
    let data: Vec<u8> = (0..=255).collect();
    d.upload(&data, &a, 100).unwrap();
    d.copy(&a, 100, &b, 2 << 20, 256).unwrap();
    let mut back = vec![0u8; 256];
    d.download(&b, 2 << 20, &mut back).unwrap();
    assert_eq!(back, data);
    assert_eq!(d.upload(&data, &a, 900).unwrap_err().kind(), ErrorKind::Device);
    assert_eq!(d.download(&a, usize::MAX, &mut back).unwrap_err().kind(), ErrorKind::Device);
    d.free(a);
    d.free(b);
    d.trim();
    let e = d.allocate(1 << 50).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Memory);
    assert!(e.message().contains("1125899906842624"), "{e}");
    let empty = d.allocate(0).unwrap();
    d.free(empty);
}
