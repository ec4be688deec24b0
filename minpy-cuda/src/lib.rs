//! CUDA devices for MinPy, found at run time through the driver library; kernels are compiled by NVRTC.
//!
//! Kernels come from `minpy_core::codegen`, their cache and the memory pool too; this crate supplies the dialect (`dialect.rs`),
//! blocks of memory and the queue (`device.rs`), the compiler (`compile.rs`) and cuBLAS for matrix products (`matmul.rs`). Without a driver there are simply
//! no devices, without an NVRTC that knows the GPU likewise (`why_not` says why), without cuBLAS the generated product is used.

mod compile;
mod device;
mod dialect;
mod libraries;
mod matmul;

pub use compile::{compile_ptx, has_nvrtc};
pub use device::{CudaDevice, ITEMS, register, why_not};
pub use dialect::Cuda;
