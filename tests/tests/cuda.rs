//! The conformance suite on CUDA. Without a GPU it is skipped, unless MINPY_REQUIRE_CUDA=1.

use minpy_tests::{Native, Options};

minpy_tests::conformance!(
    "cuda",
    {
        use minpy_cpu as _;
        use minpy_cuda as _;
    },
    Options {
        ulp: 8.0,
        compiled: true,
        native: Native::RENDERED,
        required_by: Some("MINPY_REQUIRE_CUDA"),
        ..Options::DEFAULT
    }
);
