//! Matrix products through a vendor's BLAS (feature `openblas`), where it can read the operands as they lie.
//!
//! Row-major CBLAS: each operand needs one unit stride and the other at least a row long; all else goes to our own products.

// The library itself: linked because it is named.
use blas_src as _;

use super::operands::Product;
use cblas_sys::{CBLAS_LAYOUT, CBLAS_TRANSPOSE, cblas_cgemm, cblas_dgemm, cblas_sgemm, cblas_zgemm};
use minpy_core::DType;

/// Below this our own products are quicker than the call.
const LEAST: usize = 32 * 32 * 32;

/// Leading dimension and transposition of a `rows` x `cols` operand.
fn reading((r, c): (isize, isize), rows: usize, cols: usize) -> Option<(i32, CBLAS_TRANSPOSE)> {
    let fits = |lead: isize, least: usize| {
        (lead >= least.max(1) as isize).then(|| i32::try_from(lead).ok()).flatten()
    };
    // A single row or column has any stride; a unit one then makes both readings possible.
    if (c == 1 || cols == 1)
        && let Some(lead) = fits(if rows == 1 { cols as isize } else { r }, cols)
    {
        return Some((lead, CBLAS_TRANSPOSE::CblasNoTrans));
    }
    if r == 1 || rows == 1 {
        return Some((fits(if cols == 1 { rows as isize } else { c }, rows)?, CBLAS_TRANSPOSE::CblasTrans));
    }
    None
}

/// Computes the product if BLAS can, adding it to `c` if `add`; `false` leaves it to the caller.
pub(crate) fn product(dtype: DType, p: &Product, add: bool) -> bool {
    if p.m * p.n * p.k < LEAST {
        return false;
    }
    let sizes = [p.m, p.n, p.k].map(i32::try_from);
    let [Ok(m), Ok(n), Ok(k)] = sizes else { return false };
    let (Some((lda, ta)), Some((ldb, tb))) = (reading(p.a_strides, p.m, p.k), reading(p.b_strides, p.k, p.n))
    else {
        return false;
    };
    let Some((ldc, CBLAS_TRANSPOSE::CblasNoTrans)) = reading(p.c_strides, p.m, p.n) else { return false };
    let beta = if add { 1.0 } else { 0.0 };
    let layout = CBLAS_LAYOUT::CblasRowMajor;
    // SAFETY: sizes and leading dimensions describe the views; the output is disjoint from the inputs.
    unsafe {
        match dtype {
            DType::F32 => cblas_sgemm(
                layout,
                ta,
                tb,
                m,
                n,
                k,
                1.0,
                p.a.cast(),
                lda,
                p.b.cast(),
                ldb,
                beta as f32,
                p.c.cast(),
                ldc,
            ),
            DType::F64 => cblas_dgemm(
                layout,
                ta,
                tb,
                m,
                n,
                k,
                1.0,
                p.a.cast(),
                lda,
                p.b.cast(),
                ldb,
                beta,
                p.c.cast(),
                ldc,
            ),
            DType::C64 => {
                let (one, beta) = ([1f32, 0.0], [beta as f32, 0.0]);
                let (one, beta) = (&raw const one, &raw const beta);
                cblas_cgemm(
                    layout,
                    ta,
                    tb,
                    m,
                    n,
                    k,
                    one.cast(),
                    p.a.cast(),
                    lda,
                    p.b.cast(),
                    ldb,
                    beta.cast(),
                    p.c.cast(),
                    ldc,
                )
            }
            DType::C128 => {
                let (one, beta) = ([1f64, 0.0], [beta, 0.0]);
                let (one, beta) = (&raw const one, &raw const beta);
                cblas_zgemm(
                    layout,
                    ta,
                    tb,
                    m,
                    n,
                    k,
                    one.cast(),
                    p.a.cast(),
                    lda,
                    p.b.cast(),
                    ldb,
                    beta.cast(),
                    p.c.cast(),
                    ldc,
                )
            }
            _ => return false,
        }
    }
    true
}
