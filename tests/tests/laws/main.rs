//! Laws that hold across crates: views behave as index arithmetic says, and dispatch does no more work than it must.
//!
//! `views.rs`: random programs of views and in-place writes against a naive model, on every device found.
//! `counts.rs`, `deferred.rs`, `refusal.rs`: how many kernels, allocations and copies a call and a deferred program cost, seen by a device
//! that only counts (`null.rs`).

mod counts;
mod deferred;
mod null;
mod refusal;
mod views;

use minpy_cpu as _;
use minpy_opencl as _;
