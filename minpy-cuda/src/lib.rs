//! CUDA devices for MinPy, found at run time through the driver library; kernels are compiled by NVRTC.
//!
//! Kernels come from `minpy_core::codegen`; this crate supplies the dialect (`dialect.rs`), memory and queue (`device.rs`),
//! the compiler and its cache (`compile.rs`) and cuBLAS for matrix products (`matmul.rs`). Without a driver there are simply
//! no devices, without an NVRTC that knows the GPU likewise (`why_not` says why), without cuBLAS the generated product is used.

mod compile;
mod device;
mod dialect;
mod kernels;
mod libraries;
mod matmul;
mod sources;

pub use compile::{compile_ptx, has_nvrtc};
pub use device::{CudaDevice, why_not};
pub use dialect::Cuda;
pub use kernels::{items, register};
pub use sources::all_kernel_sources;
