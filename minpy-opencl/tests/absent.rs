//! Without an OpenCL driver there are no devices, and nothing panics.

use minpy_core::device;
use minpy_opencl as _;

#[test]
fn no_driver_means_no_device() {
    // SAFETY: the only test of this binary; nothing else runs that reads the environment.
    unsafe { std::env::set_var("OCL_ICD_VENDORS", "/nonexistent") };
    assert!(device::devices("opencl").expect("the registry is in order").is_empty());
    let e = device::device("opencl", 0).expect_err("no such device");
    assert_eq!(e.kind(), minpy_core::ErrorKind::Device);
    assert!(e.message().contains("no OpenCL driver is installed"), "{e:?}");
}
