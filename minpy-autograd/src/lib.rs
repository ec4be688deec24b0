//! Automatic differentiation by recording what ran.
//!
//! `tape` listens to dispatch and remembers calls; `rules` say how each operation is differentiated; `backward` and
//! `forward` walk the tape; `session` and `api` are what programs use. Installed by the first `Session::begin`.
//!
//! # Logistic regression
//! ```
//! use minpy_autograd::value_and_grad;
//! use minpy_core::ops::{self, Generator};
//! use minpy_core::{Array, DType, Result};
//! use minpy_cpu as _; // links the CPU device
//!
//! fn main() -> Result<()> {
//!     let x = Generator::new(1).normal(&[500, 3], DType::F64)?;
//!     let truth = Array::from([2.0, -1.0, 0.5]);
//!     let y = (x.dot(&truth)? + 0.25).greater(0.0)?; // classes, false and true
//!
//!     // The mean of log(1 + e^s) - y s for the scores s = x w + b.
//!     let loss = |p: &[Array]| {
//!         let s = x.dot(&p[0])? + &p[1];
//!         (s.softplus()? - &y * &s).mean(None, false)
//!     };
//!     let mut p = [ops::zeros(&[3], DType::F64)?, ops::zeros(&[], DType::F64)?];
//!     for step in 0..=200 {
//!         let (value, gradients) = value_and_grad(loss, &p)?;
//!         for (p, g) in p.iter_mut().zip(&gradients) {
//!             *p -= 2.0 * g; // in place
//!         }
//!         if step % 50 == 0 {
//!             println!("step {step:3}  loss {:.4}", value.to_f64()?);
//!         }
//!     }
//!     let right = (x.dot(&p[0])? + &p[1]).greater(0.0)?.equal(&y)?.mean(None, false)?.to_f64()?;
//!     println!("weights {}  bias {}  right {right}", &p[0] / (&p[0] * &p[0]).sum(None, false)?.sqrt()?, p[1]);
//!     assert!(right > 0.98);
//!     Ok(())
//! }
//! ```
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod accumulate;
mod api;
mod backward;
mod check;
mod edge;
mod forward;
mod held;
mod losses;
mod rule;
mod rules;
mod session;
mod tape;

pub use api::{grad, grad_and_loss, jvp, value_and_grad};
pub use check::{check_gradients, numerical_gradient};
pub use held::Held;
pub use rule::{Decision, InputRule, Item, Rule, Saves, Value, Whole, decision, decisions};

#[doc(hidden)]
pub use inventory;
pub use losses::softmax_output;
pub use minpy_core::internal::context::unrecorded as no_grad;
pub use session::{
    ForeignCall, Kept, Mark, Session, departed, foreign_call, is_watched, keep, mark, prepare_thread,
    record_foreign, returned, written_by,
};
pub use tape::ForeignRule;

/// The Rust program of the README, compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
