//! Without a CUDA driver there are no devices, the reason can be asked for, and nothing panics.

use minpy_core::device;
use minpy_core::registry;

#[test]
fn no_driver_means_no_device() {
    let found = device::devices("cuda").expect("the registry is in order");
    match minpy_cuda::why_not() {
        Some(reason) => {
            assert!(found.is_empty(), "{reason}");
            let e = device::device("cuda", 0).expect_err("no such device");
            assert_eq!(e.kind(), minpy_core::ErrorKind::Device);
            assert!(!reason.is_empty() && e.message().contains(&reason), "{e:?} does not say: {reason}");
            println!("no CUDA device: {reason}");
        }
        None => println!("CUDA devices: {found:?}"),
    }
}

#[test]
fn explicit_and_automatic_registration_agree() {
    let listed = minpy_cuda::ITEMS.iter().map(|i| i.kernels().len()).sum::<usize>();
    let count = || {
        let reg = registry::global().expect("registry");
        reg.kernels(reg.kind_of("cuda").expect("the backend registered itself")).count()
    };
    assert_eq!(count(), listed);
    minpy_cuda::register().expect("the same entries twice are fine");
    assert_eq!(count(), listed);
}
