//! Every operation of core, by family; a reader finds the same file names in every backend.
//!
//! Functions here are what Rust programs call; `TABLE`s and the registry are for tests and Python.

mod correlate;
mod creation;
mod elementwise;
mod index;
mod interp;
mod limit;
mod literal;
mod matmul;
mod matrix;
mod methods;
mod nn;
mod operators;
mod put;
mod random;
mod rearrange;
mod reduce;
mod scan;
mod search;
mod select;
mod shape;
mod sort;
mod tally;

pub use correlate::*;
pub use creation::*;
pub use elementwise::*;
pub use index::*;
pub use interp::*;
pub use limit::*;
pub use literal::*;
pub use matmul::*;
pub use matrix::*;
pub use nn::*;
pub use operators::*;
pub use put::*;
pub use random::*;
pub use rearrange::*;
pub use reduce::*;
pub use scan::*;
pub use search::*;
pub use select::*;
pub use shape::*;
pub use sort::*;
pub use tally::*;

/// Attributes of operations along one axis: its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Axis(pub usize);

pub use crate::dispatch::{TO_DEVICE, assign, assign_where, call, call_all, call_each, cast};
pub use crate::function::{Pairs, Sections};
