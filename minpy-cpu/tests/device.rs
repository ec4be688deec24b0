//! What the host's device promises beyond the conformance kit.

use minpy_core::ErrorKind;

#[test]
fn blocks_are_aligned_counted_and_refused_in_words() {
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
    d.free(a);
    d.free(b);
    d.trim();
    let e = d.allocate(1 << 50).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Memory);
    assert!(e.message().contains("1125899906842624"), "{e}");
    let empty = d.allocate(0).unwrap();
    d.free(empty);
}
