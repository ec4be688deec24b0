//! Symbols: networks described by name, bound to memory, and run without an interpreter.
//!
//! Data flows through the modules in this order: `graph` (what the user composes, out of `operator`s, whose table is `ops`) - `infer`
//! (shapes) - `trace` (the launches of forward and backward) - `passes`, `plan` (fewer launches, one arena) -
//! `executor` (runs them) - `function` (a symbol as an ordinary differentiable call). `record` gives the same engine a Rust
//! function instead of a symbol. `json` saves and loads.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod arithmetic;
pub mod attributes;
mod bind;
mod call;
mod compiled;
pub mod executor;
pub mod function;
pub mod graph;
pub mod infer;
mod json;
pub mod names;
mod noise;
pub mod operator;
mod ops;
mod passes;
mod plan;
pub mod record;
mod room;
mod schedule;
mod trace;

pub use attributes::Value;
pub use bind::Bindings;
pub use compiled::Report;
pub use executor::Executor;
pub use function::Function;
pub use graph::Symbol;
pub use infer::{Inferred, Known};
pub use noise::seed;
pub use ops::operators;
pub use record::{Recorded, record};
pub use trace::GradReq;

/// See `minpy_core::internal::prepare_thread`.
pub fn prepare_thread() {
    names::prepare_thread();
    noise::prepare_thread();
}
