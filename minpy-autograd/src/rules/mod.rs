//! Gradient rules, one file per family of operations, in the order of core's tables.

mod elementwise;
mod index;
mod matmul;
mod reduce;
mod scan;

use crate::rule::Rule;
use minpy_core::{OpDef, ops};

/// Every rule.
pub(crate) fn all() -> impl Iterator<Item = &'static Rule> {
    [elementwise::RULES, reduce::RULES, matmul::RULES, index::RULES, scan::RULES].into_iter().flatten()
}

/// Rules for complex numbers of operations that are constant over the real ones.
pub(crate) use elementwise::COMPLEX;

/// Operations whose derivative is zero where they are smooth, or whose results are no real numbers: constants for the tape.
pub(crate) static ZERO: &[&OpDef] = &[
    &ops::FLOOR,
    &ops::CEIL,
    &ops::TRUNC,
    &ops::RINT,
    &ops::ISNAN,
    &ops::ISINF,
    &ops::ISFINITE,
    &ops::SIGNBIT,
    &ops::LOGICAL_NOT,
    &ops::INVERT,
    &ops::FLOOR_DIVIDE,
    &ops::NEXTAFTER,
    &ops::HEAVISIDE,
    &ops::SIDE,
    &ops::EQUAL,
    &ops::NOT_EQUAL,
    &ops::LESS,
    &ops::LESS_EQUAL,
    &ops::GREATER,
    &ops::GREATER_EQUAL,
    &ops::LOGICAL_AND,
    &ops::LOGICAL_OR,
    &ops::LOGICAL_XOR,
    &ops::BITWISE_AND,
    &ops::BITWISE_OR,
    &ops::BITWISE_XOR,
    &ops::LEFT_SHIFT,
    &ops::RIGHT_SHIFT,
    &ops::GCD,
    &ops::LCM,
    &ops::ANY,
    &ops::ALL,
    &ops::COUNT_NONZERO,
    &ops::BITWISE_AND_REDUCE,
    &ops::BITWISE_OR_REDUCE,
    &ops::BITWISE_XOR_REDUCE,
    &ops::ARGMAX,
    &ops::ARGMIN,
    &ops::ARGSORT,
    &ops::RANDOM_BITS,
];
