//! Rule of the matrix product. Transposes are views: the kernels read them in place.

use crate::rules;
use minpy_core::ops::*;
use minpy_core::{Array, Result};

fn swapped(a: &Array) -> Array {
    let n = a.ndim();
    let order: Vec<usize> = (0..n - 2).chain([n - 1, n - 2]).collect();
    a.view(a.layout().transpose(Some(&order)))
}
fn product(a: &Array, b: &Array) -> Result<Array> {
    matmul(a, b)
}

rules! {
    MATMUL: [1] |s, g| product(g, &swapped(s.array(1))), ~ |s, t| product(t, s.array(1));
        [0] |s, g| product(&swapped(s.array(0)), g), ~ |s, t| product(s.array(0), t) ;;
}
