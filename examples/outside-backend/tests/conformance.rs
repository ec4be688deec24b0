//! The whole suite of the kit on `toy`: what it has runs there, what it lacks on the host, and the answers are the same.

use minpy_tests::{DType, DTypeSet, Native, Options};

const F32: DTypeSet = DTypeSet::of(&[DType::F32]);
const OPTIONS: Options = Options {
    // Kernels may say that they do not know a program: these they know.
    native: Native::Listed(&[
        ("add", F32),
        ("subtract", F32),
        ("multiply", F32),
        ("negative", F32),
        ("square", F32),
        ("positive", F32),
        ("matmul", F32),
    ]),
    ..Options::DEFAULT
};

minpy_tests::conformance!(
    "toy",
    {
        use minpy_cpu as _;
        use outside_backend as _;
    },
    OPTIONS
);
