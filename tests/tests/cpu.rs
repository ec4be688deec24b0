//! The conformance suite on the CPU.

minpy_tests::conformance!("cpu", {
    use minpy_cpu as _;
});
