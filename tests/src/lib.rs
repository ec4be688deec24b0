//! The conformance kit: the whole suite for any device, out of the table of operations.
//!
//! A backend links itself and names its device; the macro makes the tests:
//!
//! ```ignore
//! minpy_tests::conformance!("cpu", { use minpy_cpu as _; });
//! minpy_tests::conformance!("mine", { use my_backend as _; use minpy_cpu as _; }, minpy_tests::Options { ulp: 16.0, ..minpy_tests::Options::DEFAULT });
//! ```
//!
//! The kit depends on minpy-core alone and takes the device by name, so that no crate is linked twice. Answers come from
//! `reference`, which shares no code with any backend. Rows of core's tables are found in the registry: a new operation is
//! tested with no new test code.

pub mod aliasing;
pub mod copies;
pub mod elementwise;
pub mod fake;
pub mod fallback;
pub mod fused;
pub mod index;
pub mod matmul;
pub mod memory;
pub mod promotion;
pub mod random;
pub mod reduce;
pub mod reference;
pub mod samples;
pub mod scan;
pub mod sort;
mod subject;

pub use minpy_core::DType;
pub use minpy_core::backend::DTypeSet;
pub use subject::{Draw, Native, Options, Subject, hash};

/// Makes the suite of a device: its name, items that link its crate (and minpy-cpu, for fallbacks), and `Options`
/// where they differ from `Options::DEFAULT`.
#[macro_export]
macro_rules! conformance {
    ($device:expr, { $($link:item)* }) => {
        $crate::conformance!($device, { $($link)* }, $crate::Options::DEFAULT);
    };
    ($device:expr, { $($link:item)* }, $options:expr $(,)?) => {
        $($link)*
        #[allow(dead_code)]
        fn conform(test: fn(&$crate::Subject)) {
            $crate::Subject::run($device, $options, test);
        }
        $crate::__per_dtype! { elementwise all_rows }
        $crate::__per_dtype! { reduce all_reductions }
        $crate::__tests! {
            elementwise_more: elementwise { large many_dimensions }
            promotion: promotion { mixed_dtypes casts numbers }
            reduce_more: reduce { targets special_values }
            scan: scan { all_scans in_place }
            sort: sort { arg_reduce sort in_place }
            matmul: matmul { dtypes_and_layouts sizes stacks targets }
            index: index { gather scatter out_of_range nonzero masks_and_slices }
            random: random { philox_stream distributions }
            copies: copies { host_and_device views fill ranges errors }
            aliasing: aliasing { writes_through_views overlapping_in_place broadcast_targets }
            memory: memory { reuse transfers statistics too_much threads }
            fused: fused { chains rows products writes }
            fallback: fallback { accounting only_host counters registration outside_operation }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __tests {
    ($($name:ident: $module:ident { $($test:ident)* })*) => {$(
        mod $name {
            $( #[test] fn $test() { super::conform($crate::$module::$test); } )*
        }
    )*};
}
#[doc(hidden)]
#[macro_export]
macro_rules! __per_dtype {
    ($module:ident $test:ident) => {
        $crate::__per_dtype! { $module $test:
            bool Bool, int8 I8, int16 I16, int32 I32, int64 I64, uint8 U8, uint16 U16, uint32 U32, uint64 U64,
            float16 F16, float32 F32, float64 F64, complex64 C64, complex128 C128 }
    };
    ($module:ident $test:ident: $($name:ident $dtype:ident),*) => {
        mod $module {
            $( #[test] fn $name() { super::conform(|s| $crate::$module::$test(s, $crate::DType::$dtype)); } )*
        }
    };
}
