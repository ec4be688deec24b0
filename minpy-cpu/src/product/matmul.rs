//! `Work::Matmul`: products of matrices and stacks of them, any strides.
//!
//! Floats, real and complex, go to the tiles of this folder where this machine has them (or to BLAS with feature `openblas`),
//! otherwise to the crate `gemm`, or on x86-64 without AVX2 to the plain loop that is here for integers and bool; float16 is
//! widened to float32.

use super::chain::Bound;
use super::complex::complex;
use super::operands::{Finish, Product};
use super::post::Sums;
use super::product;
use crate::elementwise::TASK_NS;
use crate::elementwise::block::Tiling;
use crate::machine::pool::Block;
use crate::machine::scratch::with_scratch;
use crate::machine::threads::{parallel_for, usable_threads};
use crate::prims::arithmetic::{Add, Mul};
use crate::prims::loops::Op2;
use crate::prims::{B8, Lane, cast};
use minpy_core::backend::{DTypeSet, Family, KernelCall, Slot, View};
use minpy_core::{DType, DeviceRef, Error, ErrorKind, Result, kernel};
use num_complex::{Complex32, Complex64};
use std::ops::Range;

kernel!(pub ENTRY: "cpu", Slot::Family(Family::Matmul), DTypeSet::ALL, run);

fn run(_: DeviceRef, call: &KernelCall) -> Result<()> {
    products(call, false, None, None)
}

/// What is done with every element of a product once.
pub(crate) struct Epilogue<'a> {
    /// To rows and columns of the matrix at a position of the leading axes.
    pub apply: &'a (dyn Fn(&[usize], Range<usize>, Range<usize>) + Sync),
    /// The same for tiles, where it can be done so.
    pub chain: Option<Bound<'a>>,
    /// For sums over the rows, if they are wanted: of one matrix, where it is done for tiles.
    pub sums: Option<&'a Sums>,
}

/// The first pair of matrices of a call.
fn first_of(call: &KernelCall) -> Result<Product<'static>> {
    let (a, b, c) = (call.inputs[0].view(), call.inputs[1].view(), &call.outputs[0]);
    let nd = c.shape.len();
    if nd < 2 || a.shape.len() != nd || b.shape.len() != nd {
        return Err(Error::new(ErrorKind::Runtime, format!("{}: the matmul kernel needs matrices", call.op)));
    }
    let last = |v: &View| (v.strides[nd - 2], v.strides[nd - 1]);
    Ok(Product {
        m: c.shape[nd - 2],
        n: c.shape[nd - 1],
        k: a.shape[nd - 1],
        a: a.host_ptr(),
        a_strides: last(a),
        b: b.host_ptr(),
        b_strides: last(b),
        c: c.host_ptr(),
        c_strides: last(c),
        finish: None,
    })
}

/// The product of the first two inputs of a call into, or (`add`) added to, its first output, and what follows. `beside`: a
/// call of a product alone that touches nothing of this one, computed in the same go where that pays.
pub(crate) fn products(
    call: &KernelCall,
    add: bool,
    epilogue: Option<&Epilogue>,
    beside: Option<&KernelCall>,
) -> Result<()> {
    let whole = first_of(call)?;
    let (a, b, c) = (call.inputs[0].view(), call.inputs[1].view(), &call.outputs[0]);
    let nd = c.shape.len();
    let matrix = |v: &View| v.shape.len() == 2 && v.dtype == c.dtype && !v.shape.contains(&0);
    let beside = match beside {
        // What is not one matrix of this dtype goes alone.
        Some(other) if !(matrix(c) && matrix(&other.outputs[0])) => {
            products(other, false, None, None)?;
            None
        }
        Some(other) => Some(first_of(other)?),
        None => None,
    };
    if c.shape.contains(&0) {
        return Ok(());
    }
    let counts = &c.shape[..nd - 2];
    let batches: usize = counts.iter().product();
    let item = c.dtype.size() as isize;
    // As a whole: closures capture the pointers inside one by one, which threads may not share.
    let whole = &whole;
    let at = |digits: &[usize]| {
        let shift =
            |v: &View| digits.iter().zip(v.strides).map(|(&d, &s)| d as isize * s * item).sum::<isize>();
        Product {
            a: whole.a.wrapping_offset(shift(a)),
            b: whole.b.wrapping_offset(shift(b)),
            c: whole.c.wrapping_offset(shift(c)),
            ..*whole
        }
    };
    let matrix = |i: usize, compute: &dyn Fn(Product) -> Result<()>| -> Result<()> {
        let digits = Tiling::digits(counts, i);
        let p = if batches == 1 { *whole } else { at(&digits) };
        match epilogue {
            None => compute(p),
            Some(Epilogue { apply, chain, sums }) => {
                let part = |rows: Range<usize>, columns: Range<usize>| apply(&digits, rows, columns);
                let finish = Finish::new(&part, chain.as_ref().map(|c| c.at(&digits, *sums)));
                compute(Product { finish: Some(&finish), ..p })?;
                if !finish.is_taken() {
                    part(0..p.m, 0..p.n);
                }
                Ok(())
            }
        }
    };
    if let Some(other) = beside {
        return matrix(0, &|p| {
            if !add && pair(c.dtype, &other, &p)? {
                return Ok(());
            }
            one(c.dtype, other, true, false)?;
            one(c.dtype, p, true, add)
        });
    }
    let flops = 2 * whole.m * whole.n * whole.k.max(1);
    // Many matrices: one after another on several threads. One large matrix: several threads inside the product.
    let inner = batches < usable_threads();
    let least = (TASK_NS * 20 / flops.max(1)).max(1);
    parallel_for(batches, if inner { usize::MAX / 2 } else { least }, |range| {
        range.into_iter().try_for_each(|i| matrix(i, &|p| one(c.dtype, p, inner, add)))
    })
}

/// Two products at once, where our tiles do both and it pays; `false`: nothing was done.
fn pair(dtype: DType, first: &Product, second: &Product) -> Result<bool> {
    if cfg!(feature = "openblas") {
        return Ok(false);
    }
    // SAFETY: the views hold the elements that sizes and strides describe; neither touches what the other writes.
    unsafe {
        match dtype {
            DType::F32 => crate::product::pair::<f32>(first, second),
            DType::F64 => crate::product::pair::<f64>(first, second),
            _ => Ok(false),
        }
    }
}

fn one(dtype: DType, p: Product, parallel: bool, add: bool) -> Result<()> {
    macro_rules! plain {
        ($t:ty, $add:expr, $mul:expr) => {
            blocked::<$t>(p, parallel, add, $add, $mul)
        };
    }
    // Products of integers wrap; of bool: or of ands.
    match dtype {
        DType::F32 => float::<f32>(p, parallel, add),
        DType::F64 => float::<f64>(p, parallel, add),
        DType::C64 => float::<Complex32>(p, parallel, add),
        DType::C128 => float::<Complex64>(p, parallel, add),
        DType::F16 => half(p, parallel),
        DType::Bool => {
            plain!(B8, |a: B8, b: B8| B8::new(a.get() | b.get()), |a: B8, b: B8| B8::new(a.get() & b.get()))
        }
        DType::I8 => plain!(i8, i8::wrapping_add, i8::wrapping_mul),
        DType::I16 => plain!(i16, i16::wrapping_add, i16::wrapping_mul),
        DType::I32 => plain!(i32, i32::wrapping_add, i32::wrapping_mul),
        DType::I64 => plain!(i64, i64::wrapping_add, i64::wrapping_mul),
        DType::U8 => plain!(u8, u8::wrapping_add, u8::wrapping_mul),
        DType::U16 => plain!(u16, u16::wrapping_add, u16::wrapping_mul),
        DType::U32 => plain!(u32, u32::wrapping_add, u32::wrapping_mul),
        DType::U64 => plain!(u64, u64::wrapping_add, u64::wrapping_mul),
    }
}

/// Floats, real and complex.
pub(crate) trait Float: Lane {
    #[cfg(not(target_arch = "x86_64"))]
    const ZERO: Self;
    #[cfg(not(target_arch = "x86_64"))]
    const ONE: Self;
    /// The product by our own tiles, where there are some: see `product::product`.
    unsafe fn by_tiles(p: &Product, parallel: bool, add: bool) -> Result<bool>;
}
macro_rules! float {
    ($($t:ty: $zero:expr, $one:expr, $by_tiles:expr;)*) => {$(
        impl Float for $t {
            #[cfg(not(target_arch = "x86_64"))]
            const ZERO: $t = $zero;
            #[cfg(not(target_arch = "x86_64"))]
            const ONE: $t = $one;
            #[inline(always)]
            unsafe fn by_tiles(p: &Product, parallel: bool, add: bool) -> Result<bool> {
                // SAFETY: the caller's promise.
                unsafe { $by_tiles(p, parallel, add) }
            }
        }
    )*};
}
float! {
    f32: 0.0, 1.0, product::<f32>;
    f64: 0.0, 1.0, product::<f64>;
    Complex32: Complex32::new(0.0, 0.0), Complex32::new(1.0, 0.0), complex::<f32>;
    Complex64: Complex64::new(0.0, 0.0), Complex64::new(1.0, 0.0), complex::<f64>;
}

/// The product; `add`: added to what is in `c`.
pub(crate) fn float<T: Float>(p: Product, parallel: bool, add: bool) -> Result<()>
where
    Add: Op2<T, R = T>,
    Mul: Op2<T, R = T>,
{
    #[cfg(feature = "openblas")]
    if crate::product::blas::product(T::DTYPE, &p, add) {
        return Ok(());
    }
    // SAFETY: the views hold the elements that sizes and strides describe; the output is disjoint from the inputs.
    if unsafe { T::by_tiles(&p, parallel, add) }? {
        return Ok(());
    }
    #[cfg(target_arch = "x86_64")]
    return blocked::<T>(p, parallel, add, Add::f, Mul::f);
    #[cfg(not(target_arch = "x86_64"))]
    return by_gemm::<T>(p, parallel, add);
}

/// Where we have no tiles: the crate `gemm` has some for ARM.
#[cfg(not(target_arch = "x86_64"))]
fn by_gemm<T: Float>(p: Product, parallel: bool, add: bool) -> Result<()> {
    // Parts of the result for each thread: rows where there are more of them, else columns.
    let by_rows = p.m >= p.n;
    let long = if by_rows { p.m } else { p.n };
    let each = (p.m * p.n * p.k / long.max(1)).max(1);
    let least = if parallel { (300_000 / each).max(16) } else { usize::MAX / 2 };
    let p = &p;
    parallel_for(long, least, |range| {
        let item = size_of::<T>() as isize;
        let by = |stride: isize| range.start as isize * stride * item;
        let p = if by_rows {
            let (a, c) = (p.a.wrapping_offset(by(p.a_strides.0)), p.c.wrapping_offset(by(p.c_strides.0)));
            Product { m: range.len(), a, c, ..*p }
        } else {
            let (b, c) = (p.b.wrapping_offset(by(p.b_strides.1)), p.c.wrapping_offset(by(p.c_strides.1)));
            Product { n: range.len(), b, c, ..*p }
        };
        part::<T>(p, add)
    })
}

/// More than the crate `gemm` keeps for each thread.
#[cfg(not(target_arch = "x86_64"))]
const SLAB: usize = 4 << 20;

/// One thread's part of a product, by the crate `gemm`. It asks for memory in a way that cannot fail, so we ask before.
#[cfg(not(target_arch = "x86_64"))]
fn part<T: Float>(p: Product, add: bool) -> Result<()> {
    // Its copies: of so much of B and A in steps of `k`, and of A once more in a slab of the size of a second-level cache.
    minpy_core::backend::memory::room(p.k.min(512) * (p.m + p.n + 64) * size_of::<T>() + SLAB)?;
    // SAFETY: as in `float`.
    unsafe {
        gemm::gemm(
            p.m,
            p.n,
            p.k,
            p.c.cast::<T>(),
            p.c_strides.1,
            p.c_strides.0,
            add,
            p.a.cast::<T>(),
            p.a_strides.1,
            p.a_strides.0,
            p.b.cast::<T>(),
            p.b_strides.1,
            p.b_strides.0,
            if add { T::ONE } else { T::ZERO },
            T::ONE,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
    Ok(())
}

/// Rows of `c` times rows of `b`: contiguous copies of `b` and of each row of the result keep the inner loop plain.
fn blocked<T: Lane>(
    p: Product,
    parallel: bool,
    onto: bool,
    add: impl Fn(T, T) -> T + Sync,
    mul: impl Fn(T, T) -> T + Sync,
) -> Result<()> {
    const COLS: usize = 256;
    const DEPTH: usize = 64;
    let items = p.m.div_ceil(4);
    let least = if parallel { (TASK_NS * 2 / (p.n * p.k.max(1) * 4)).max(1) } else { usize::MAX / 2 };
    let p = &p;
    parallel_for(items, least, |range| {
        let a = |i: usize, l: usize| {
            let at = i as isize * p.a_strides.0 + l as isize * p.a_strides.1;
            // SAFETY: here and below, indices stay below the sizes of the views; tasks write disjoint rows of `c`.
            unsafe { *p.a.cast::<T>().offset(at) }
        };
        let (rows, end) = (range.start * 4, (range.end * 4).min(p.m));
        with_scratch(COLS * DEPTH * size_of::<T>(), |memory| {
            let panel = memory.cast::<T>();
            for j0 in (0..p.n).step_by(COLS) {
                let cols = COLS.min(p.n - j0);
                for l0 in (0..p.k.max(1)).step_by(DEPTH) {
                    let depth = DEPTH.min(p.k - l0.min(p.k));
                    for l in 0..depth {
                        for j in 0..cols {
                            let at = (l0 + l) as isize * p.b_strides.0 + (j0 + j) as isize * p.b_strides.1;
                            // SAFETY: see above; the scratch memory holds a panel.
                            unsafe { panel.add(l * cols + j).write(*p.b.cast::<T>().offset(at)) };
                        }
                    }
                    // SAFETY: written just now.
                    let panel = unsafe { std::slice::from_raw_parts(panel, depth * cols) };
                    for i in rows..end {
                        let out = |j: usize| {
                            p.c.cast::<T>()
                                .wrapping_offset(i as isize * p.c_strides.0 + j as isize * p.c_strides.1)
                        };
                        let mut acc = [const { std::mem::MaybeUninit::<T>::uninit() }; COLS];
                        for (j, x) in acc[..cols].iter_mut().enumerate() {
                            // SAFETY: zero bytes are the number 0 of every type that comes here; `out` as above.
                            x.write(unsafe {
                                if l0 == 0 && !onto { std::mem::zeroed() } else { *out(j0 + j) }
                            });
                        }
                        // SAFETY: the first `cols` elements were written.
                        let acc =
                            unsafe { std::slice::from_raw_parts_mut(acc.as_mut_ptr().cast::<T>(), cols) };
                        for l in 0..depth {
                            let x = a(i, l0 + l);
                            for (r, &y) in acc.iter_mut().zip(&panel[l * cols..(l + 1) * cols]) {
                                *r = add(*r, mul(x, y));
                            }
                        }
                        for (j, &x) in acc.iter().enumerate() {
                            // SAFETY: see above.
                            unsafe { *out(j0 + j) = x };
                        }
                    }
                }
            }
        })
    })
}

/// float16: widened copies, a float32 product, one rounding.
fn half(p: Product, parallel: bool) -> Result<()> {
    let widen = |src: *const u8, rows: usize, cols: usize, (r, c): (isize, isize)| -> Result<Block> {
        let (tight, wide) = (Block::of::<u16>(rows * cols)?, Block::of::<f32>(rows * cols)?);
        // SAFETY: the view holds these elements, the blocks have room for them.
        unsafe {
            let to = (cols as isize * 2, 2);
            crate::elementwise::strided::copy2d(tight.at(), to, src, (r * 2, c * 2), rows, cols, 2);
            for (run, _) in cast::lookup(DType::F16, DType::F32) {
                run(tight.at(), wide.at(), rows * cols);
            }
        }
        Ok(wide)
    };
    let (a, b) = (widen(p.a, p.m, p.k, p.a_strides)?, widen(p.b, p.k, p.n, p.b_strides)?);
    let (c, tight) = (Block::of::<f32>(p.m * p.n)?, Block::of::<u16>(p.m * p.n)?);
    float::<f32>(
        Product {
            a: a.at(),
            a_strides: (p.k as isize, 1),
            b: b.at(),
            b_strides: (p.n as isize, 1),
            c: c.at(),
            c_strides: (p.n as isize, 1),
            finish: None,
            ..p
        },
        parallel,
        false,
    )?;
    let (row, size) = (p.n as isize * 2, 2);
    // SAFETY: as above; the output view has room for the result.
    unsafe {
        for (run, _) in cast::lookup(DType::F32, DType::F16) {
            run(c.at(), tight.at(), p.m * p.n);
        }
        let to = (p.c_strides.0 * 2, p.c_strides.1 * 2);
        crate::elementwise::strided::copy2d(p.c, to, tight.at(), (row, size), p.m, p.n, 2);
    }
    Ok(())
}
