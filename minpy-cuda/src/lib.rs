//! CUDA devices for MinPy, found at run time through the driver library; kernels are compiled by NVRTC.
//!
//! A device is `minpy_core::backend::codegen::CDevice`; this crate supplies the dialect (`dialect.rs`), the compiler (`compile.rs`), memory and
//! the stream (`driver.rs`), cuBLAS for matrix products (`matmul.rs`), and finds the GPUs (`device.rs`). Without a driver there are
//! simply none, without an NVRTC that knows the GPU likewise (`why_not` says why), without cuBLAS the generated product is used.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod compile;
mod context;
mod device;
mod dialect;
mod driver;
mod libraries;
mod matmul;

pub use compile::{compile_ptx, has_nvrtc};
pub use device::{ITEMS, register, why_not};
pub use dialect::Cuda;
