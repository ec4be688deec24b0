//! Automatic differentiation by recording what ran.
//!
//! `tape` listens to dispatch and remembers calls; `rules` say how each operation is differentiated; `backward` and
//! `forward` walk the tape; `session` and `api` are what programs use. Installed by the first `Session::begin`.

mod accumulate;
mod api;
mod backward;
mod check;
mod forward;
mod rule;
mod rules;
mod session;
mod tape;

pub use api::{grad, grad_and_loss, jvp, value_and_grad};
pub use check::{check_gradients, numerical_gradient};
pub use rule::{Decision, Rule, decision, decisions};
pub use session::{
    ForeignCall, Kept, Session, departed, foreign_call, is_watched, keep, no_grad, prepare_thread,
    record_foreign, returned,
};

/// The Rust program of the README, compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
