//! Without a CUDA driver there are no devices, the reason can be asked for, and nothing panics.

use minpy_core::device;

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
