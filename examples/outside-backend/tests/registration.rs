//! Automatic and explicit registration meet; the two devices of the backend are two places.

use minpy_core::backend::registry;
use minpy_core::context::{Policy, with_device};
use minpy_core::{Array, DType, ErrorKind, device, ops, stats};

#[test]
fn explicit_and_automatic_registration_meet() {
    let before = device::device("toy", 1).unwrap();
    outside_backend::register().unwrap();
    outside_backend::register().unwrap();
    assert_eq!(device::device("toy", 1).unwrap(), before);
    assert_eq!(registry::global().unwrap().kernels(before.kind()).count(), 5);
    minpy_cpu::register().unwrap();
    assert_eq!(device::device("toy", 1).unwrap(), before);
}

#[test]
fn arrays_live_where_they_were_made() {
    let (first, second) = (device::parse("toy:0").unwrap(), device::parse("toy(1)").unwrap());
    let a = with_device(first, || ops::ones(&[2, 3], DType::F32)).unwrap();
    let b = a.to_device(second).unwrap();
    assert_eq!((a.device(), b.device(), stats::moved_bytes()), (first, second, 24));
    // Two places: the current device decides.
    let c = with_device(second, || ops::add(&a, &b)).unwrap();
    assert_eq!((c.device(), c.to_vec::<f32>().unwrap()), (second, vec![2.0; 6]));
}

#[test]
fn what_is_missing_is_done_by_the_host_or_refused() {
    let toy = device::parse("toy").unwrap();
    let a = with_device(toy, || ops::ones(&[4], DType::F32)).unwrap();
    stats::reset();
    let e = ops::exp(&a).unwrap();
    assert_eq!(e.device(), toy);
    // It waits for somebody who wants it.
    assert!(stats::fallbacks().is_empty());
    assert_eq!(e.to_vec::<f32>().unwrap(), [1f32.exp(); 4]);
    let f = &stats::fallbacks()[0];
    assert_eq!((f.op.as_str(), f.by, f.device.as_str()), ("exp", "host", "toy(0)"));
    assert!(f.reason.contains("Exp") && f.bytes > 0, "{f:?}");
    // What a kernel has refused once is not deferred again.
    ops::exp(&a).unwrap();
    assert_eq!(stats::fallback_count(), 2);
    let refused = minpy_core::context::with_policy(Policy::OnlyDevice, || ops::exp(&a));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Policy);
}

#[test]
fn an_operation_of_its_own_runs_on_its_kernel_and_elsewhere_on_the_hosts() {
    let toy = device::parse("toy").unwrap();
    let of = |d| Array::from_slice(&[1f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[3, 2]).unwrap().to_device(d).unwrap();
    let x = of(toy);
    stats::reset();
    let y = outside_backend::decayed_sum(&x.t(), 0.5).unwrap();
    assert_eq!((y.device(), y.to_vec::<f32>().unwrap()), (toy, vec![1.0, 3.5, 6.75, 2.0, 5.0, 8.5]));
    assert_eq!(stats::fallback_count(), 0);
    // The host's kernel is found by the operation's name too, and counted as any fallback.
    let host = minpy_core::context::with_policy(Policy::OnlyHost, || outside_backend::decayed_sum(&x, 2.0));
    assert_eq!(host.unwrap().to_vec::<f32>().unwrap(), [1.0, 4.0, 3.0, 10.0, 5.0, 16.0]);
    let f = &stats::fallbacks()[0];
    assert_eq!((f.op.as_str(), f.reason.as_str()), ("toy.decayed_sum", "policy only_host"));
    let cpu = device::host().unwrap();
    let y = outside_backend::decayed_sum(&of(cpu), 2.0).unwrap();
    assert_eq!((y.device(), y.to_vec::<f32>().unwrap()), (cpu, vec![1.0, 4.0, 3.0, 10.0, 5.0, 16.0]));
    // A float64 never reaches a kernel of float32.
    assert!(outside_backend::decayed_sum(&ops::ones(&[2], DType::F64).unwrap(), 1.0).is_err());
}
