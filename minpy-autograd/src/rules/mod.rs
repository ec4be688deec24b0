//! Gradient rules, one file per family of operations, in the order of core's tables. They register themselves.

mod correlate;
mod elementwise;
mod fft;
mod index;
mod linalg;
mod matmul;
mod reduce;
mod scan;
mod whole;
