//! Matrix products through cuBLAS: float32 (true float32, no TF32), float64, complex64 and complex128, strided batches.
//!
//! cuBLAS is column-major: `C = A B` in rows is `C' = B' A'` in columns, so the operands change places and nothing is
//! transposed. Layouts that it cannot express, and other dtypes, are left to the generated kernel.

use crate::driver::Stream;
use crate::libraries::{self, guarded};
use cudarc::cublas::sys::{self, cublasOperation_t as Op};
use cudarc::cublas::{result, sys as blas};
use cudarc::driver::sys::CUstream;
use minpy_core::backend::{KernelCall, View};
use minpy_core::{DType, Error, ErrorKind, Result};
use std::ffi::c_int;

/// A cuBLAS handle that works on the device's stream.
pub struct Blas(blas::cublasHandle_t);
// SAFETY: a handle may move between threads; it is used under a lock.
unsafe impl Send for Blas {}

impl Blas {
    /// `None` when the library is absent or does not start. The device's context must be current.
    pub fn new(stream: CUstream) -> Option<Blas> {
        if !libraries::cublas() {
            return None;
        }
        guarded(|| {
            let handle = result::create_handle().ok()?;
            // SAFETY: handle and stream belong to the current context.
            unsafe { result::set_stream(handle, stream.cast()) }.ok()?;
            // SAFETY: the handle was just made.
            unsafe { sys::cublasSetMathMode(handle, sys::cublasMath_t::CUBLAS_DEFAULT_MATH) }
                .result()
                .ok()?;
            Some(Blas(handle))
        })
        .flatten()
    }
}

/// A matrix as cuBLAS sees it after the change of places.
struct Operand {
    pointer: u64,
    op: Op,
    leading: c_int,
    /// Elements from one matrix of the batch to the next.
    step: i64,
}

/// Leading dimension of a row-major matrix `rows x cols`, and whether it is stored transposed.
fn leading(rows: usize, cols: usize, [row, col]: [isize; 2]) -> Option<(c_int, bool)> {
    let fits = |stride: isize, least: usize| stride >= least.max(1) as isize && stride <= c_int::MAX as isize;
    // The stride of a dimension of size 1 says nothing.
    let (row, col) =
        (if rows == 1 { cols.max(1) as isize } else { row }, if cols == 1 && rows > 1 { 1 } else { col });
    if (col == 1 || cols == 1) && fits(row, cols) {
        Some((row as c_int, false))
    } else if (row == 1 || rows == 1) && fits(col, rows) {
        Some((col as c_int, true))
    } else {
        None
    }
}

fn operand(v: &View, step: i64) -> Option<Operand> {
    let n = v.shape.len();
    let (leading, transposed) =
        leading(v.shape[n - 2], v.shape[n - 1], [v.strides[n - 2], v.strides[n - 1]])?;
    let pointer = (v.memory.handle + v.memory.offset + v.offset * v.dtype.size()) as u64;
    Some(Operand { pointer, op: if transposed { Op::CUBLAS_OP_T } else { Op::CUBLAS_OP_N }, leading, step })
}

/// One stride that walks through the whole batch, for each of the three views.
fn batch(views: [&View; 3]) -> Option<(usize, [i64; 3])> {
    let lead = views[2].shape.len() - 2;
    let (mut count, mut steps) = (1usize, [0i64; 3]);
    for d in (0..lead).rev() {
        let n = views[2].shape[d];
        if n == 1 {
            continue;
        }
        for (step, v) in steps.iter_mut().zip(views) {
            let s = v.strides[d] as i64;
            if count == 1 {
                *step = s;
            } else if s != *step * count as i64 {
                return None;
            }
        }
        count *= n;
    }
    (steps[2] >= 0 && steps.iter().all(|&s| s >= 0)).then_some((count, steps))
}

/// Queues the product on cuBLAS; `false` when it cannot do it.
pub fn run(stream: &Stream, call: &KernelCall) -> Result<bool> {
    let (a, b, c) = (call.inputs[0].view(), call.inputs[1].view(), &call.outputs[0]);
    if !matches!(c.dtype, DType::F32 | DType::F64 | DType::C64 | DType::C128) {
        return Ok(false);
    }
    let n = c.shape.len();
    let (rows, cols, inner) = (c.shape[n - 2], c.shape[n - 1], a.shape[n - 1]);
    let most = c_int::MAX as usize;
    let Some((count, steps)) = batch([a, b, c])
        .filter(|(count, _)| inner > 0 && [rows, cols, inner, *count].iter().all(|&x| x <= most))
    else {
        return Ok(false);
    };
    let (Some(x), Some(y), Some(z)) = (operand(b, steps[1]), operand(a, steps[0]), operand(c, steps[2]))
    else {
        return Ok(false);
    };
    if z.op != Op::CUBLAS_OP_N {
        return Ok(false);
    }
    let Some(handle) = stream.blas()? else { return Ok(false) };
    let handle = handle.lock();
    let (m, n, k, count) = (cols as c_int, rows as c_int, inner as c_int, count as c_int);
    macro_rules! gemm {
        ($f:path, $t:ty, $one:expr, $zero:expr) => {{
            let (one, zero): ($t, $t) = ($one, $zero);
            let (xp, yp, zp) = (x.pointer as *const $t, y.pointer as *const $t, z.pointer as *mut $t);
            // SAFETY: pointers, leading dimensions and steps describe the views, which lie inside their memory.
            unsafe {
                $f(
                    handle.0, x.op, y.op, m, n, k, &one, xp, x.leading, x.step, yp, y.leading, y.step, &zero, zp, z.leading,
                    z.step, count,
                )
            }
        }};
    }
    let status = match c.dtype {
        DType::F32 => gemm!(sys::cublasSgemmStridedBatched, f32, 1.0, 0.0),
        DType::F64 => gemm!(sys::cublasDgemmStridedBatched, f64, 1.0, 0.0),
        DType::C64 => gemm!(sys::cublasCgemmStridedBatched, sys::cuComplex, complex32(1.0), complex32(0.0)),
        _ => gemm!(sys::cublasZgemmStridedBatched, sys::cuDoubleComplex, complex64(1.0), complex64(0.0)),
    };
    status
        .result()
        .map(|()| true)
        .map_err(|e| Error::new(ErrorKind::Device, format!("{}: cuBLAS: {e:?}", call.op)))
}

fn complex32(x: f32) -> sys::cuComplex {
    sys::cuComplex { x, y: 0.0 }
}
fn complex64(x: f64) -> sys::cuDoubleComplex {
    sys::cuDoubleComplex { x, y: 0.0 }
}

#[cfg(test)]
mod tests {
    use super::leading;
    #[test]
    fn layouts_that_cublas_can_express() {
        assert_eq!(leading(3, 4, [4, 1]), Some((4, false)));
        assert_eq!(leading(3, 4, [1, 3]), Some((3, true)));
        assert_eq!(leading(3, 4, [8, 1]), Some((8, false)));
        assert_eq!(leading(3, 4, [8, 2]), None);
        assert_eq!(leading(3, 4, [-4, 1]), None);
        assert_eq!(leading(3, 4, [0, 1]), None, "a repeated row");
        assert_eq!(leading(1, 4, [0, 1]), Some((4, false)));
        assert_eq!(leading(4, 1, [1, 7]), Some((1, false)));
        assert_eq!(leading(1, 1, [0, 0]), Some((1, false)));
    }
}
