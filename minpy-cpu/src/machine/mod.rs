//! What the machine is: memory, threads, instruction sets. Knows nothing of what is computed.

pub(crate) mod pool;
mod regions;
pub(crate) mod scratch;
pub mod simd;
pub mod threads;
mod workers;
