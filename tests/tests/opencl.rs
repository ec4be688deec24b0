//! The conformance suite on OpenCL. Without a device it is skipped, unless MINPY_REQUIRE_OPENCL=1.

use minpy_tests::{Native, Options};

minpy_tests::conformance!(
    "opencl",
    {
        use minpy_cpu as _;
        use minpy_opencl as _;
    },
    Options {
        ulp: 8.0,
        compiled: true,
        native: Native::RENDERED,
        required_by: Some("MINPY_REQUIRE_OPENCL"),
        ..Options::DEFAULT
    }
);
