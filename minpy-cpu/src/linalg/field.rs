//! The numbers of linear algebra: float64 and complex128, and what the factorisations ask of them.

use crate::product::{Product, product, product_of_pairs};
use minpy_core::Result;
use num_complex::Complex64;
use std::ops::{Add, Div, Mul, Neg, Sub};

pub(super) trait Field:
    Copy
    + PartialEq
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + 'static
{
    const ZERO: Self;
    const ONE: Self;
    /// A real number.
    fn real(x: f64) -> Self;
    fn conjugate(self) -> Self;
    /// The real part.
    fn re(self) -> f64;
    fn modulus(self) -> f64;
    /// The number of modulus 1 with the same argument.
    fn direction(self) -> Self;
    /// What pivots are chosen by: LAPACK's `|re| + |im|`.
    fn size(self) -> f64;
    /// The product by tiles, added to what is there; `false` where this machine has none.
    ///
    /// # Safety
    /// That of `product`.
    unsafe fn product(p: &Product) -> Result<bool>;
}
impl Field for f64 {
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;
    fn real(x: f64) -> f64 {
        x
    }
    fn conjugate(self) -> f64 {
        self
    }
    fn re(self) -> f64 {
        self
    }
    fn modulus(self) -> f64 {
        self.abs()
    }
    fn direction(self) -> f64 {
        if self < 0.0 { -1.0 } else { 1.0 }
    }
    fn size(self) -> f64 {
        self.abs()
    }
    unsafe fn product(p: &Product) -> Result<bool> {
        // SAFETY: handed on.
        unsafe { product::<f64>(p, true, true) }
    }
}
impl Field for Complex64 {
    const ZERO: Complex64 = Complex64::new(0.0, 0.0);
    const ONE: Complex64 = Complex64::new(1.0, 0.0);
    fn real(x: f64) -> Complex64 {
        Complex64::new(x, 0.0)
    }
    fn conjugate(self) -> Complex64 {
        self.conj()
    }
    fn re(self) -> f64 {
        self.re
    }
    fn modulus(self) -> f64 {
        self.re.hypot(self.im)
    }
    fn direction(self) -> Complex64 {
        self / self.modulus()
    }
    fn size(self) -> f64 {
        self.re.abs() + self.im.abs()
    }
    unsafe fn product(p: &Product) -> Result<bool> {
        // SAFETY: handed on.
        unsafe { product_of_pairs(p, true, true) }
    }
}

/// `to[..n] -= factor * from[..n]`.
///
/// # Safety
/// Both are there, and disjoint.
#[inline(always)]
pub(super) unsafe fn subtract<T: Field>(to: *mut T, factor: T, from: *const T, n: usize) {
    for i in 0..n {
        // SAFETY: the caller's promise.
        unsafe { *to.add(i) = *to.add(i) - factor * *from.add(i) };
    }
}

/// `c += a * b`: rows of `c` and `b` lie whole, `pitch` apart, `a` has any strides.
///
/// # Safety
/// The matrices are there; `c` overlaps none of the others.
pub(super) unsafe fn add_product<T: Field>(
    (m, n, k): (usize, usize, usize),
    (a, down, across): (*const T, isize, isize),
    (b, b_pitch): (*const T, usize),
    (c, c_pitch): (*mut T, usize),
) -> Result<()> {
    if m == 0 || n == 0 || k == 0 {
        return Ok(());
    }
    let p = Product {
        m,
        n,
        k,
        a: a.cast(),
        a_strides: (down, across),
        b: b.cast(),
        b_strides: (b_pitch as isize, 1),
        c: c.cast(),
        c_strides: (c_pitch as isize, 1),
        finish: None,
    };
    // SAFETY: the caller's promise.
    unsafe {
        if T::product(&p)? {
            return Ok(());
        }
        for i in 0..m {
            for l in 0..k {
                let factor = -*a.wrapping_offset(i as isize * down + l as isize * across);
                subtract(c.add(i * c_pitch), factor, b.add(l * b_pitch), n);
            }
        }
    }
    Ok(())
}
