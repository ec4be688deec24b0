//! Every operation of core, by family; a reader finds the same file names in every backend.
//!
//! Functions here are what Rust programs call; `TABLE`s and the registry are for tests and Python.

mod correlate;
mod creation;
mod einsum;
mod elementwise;
mod fft;
mod grid;
mod histograms;
mod index;
mod interp;
mod limit;
mod linalg;
mod literal;
mod matmul;
mod matrix;
mod methods;
mod nan;
mod nn;
mod norms;
mod operators;
mod padding;
mod partition;
mod poly;
mod put;
mod quantiles;
mod random;
mod rearrange;
mod reduce;
mod scan;
mod search;
mod select;
mod selections;
mod sets;
mod shape;
mod signal;
mod slopes;
mod sort;
mod statistics;
mod tally;
mod vectors;

pub use correlate::*;
pub use creation::*;
pub use einsum::*;
pub use elementwise::*;
pub use fft::*;
pub use grid::*;
pub use histograms::*;
pub use index::*;
pub use interp::*;
pub use limit::*;
pub use linalg::*;
pub use literal::*;
use matmul::paired;
pub use matmul::*;
pub use matrix::*;
pub use nan::*;
pub use nn::*;
pub use norms::*;
pub use operators::*;
pub use padding::*;
pub use partition::*;
pub use poly::*;
pub use put::*;
pub use quantiles::*;
pub use random::*;
pub use rearrange::*;
pub use reduce::*;
pub use scan::*;
pub use search::*;
pub use select::*;
pub use selections::*;
pub use sets::*;
pub use shape::*;
pub use signal::*;
pub use slopes::*;
pub use sort::*;
pub use statistics::*;
pub use tally::*;
pub use vectors::*;

/// Attributes of operations along one axis: its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Axis(pub usize);

pub use crate::dispatch::{TO_DEVICE, assign, assign_where, call, call_all, call_each, cast};
pub use crate::function::{NumberOrWord, Pairs, Sections};
