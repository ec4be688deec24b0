//! Products of float32 and float64 matrices with any strides, on the vector units that `tile.rs` was written for.
//!
//! Three ways: small products tile by tile with operands where they lie (here), large ones in blocks that are copied
//! into the order in which the tiles read them (`blocked.rs`), those with few columns as the memory delivers
//! (`stream.rs`). The way, and with it the rounding, depends on sizes and strides only, never on the number of threads.

mod ahead;
#[cfg(feature = "openblas")]
mod blas;
mod blocked;
mod chain;
mod complex;
mod complex_dot;
pub mod correlate;
pub mod epilogue;
pub mod matmul;
mod operands;
mod pack;
mod post;
mod stream;
#[cfg(test)]
mod tests;
mod tile;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::machine::scratch::with_scratch;
use crate::machine::simd::level;
use crate::machine::threads::{Outcome, parallel_parts, usable_threads};
use ahead::Ask;
use blocked::blocks;
use minpy_core::Result;
use operands::Finish;
pub(crate) use operands::Product;
use pack::Matrix;
use post::{Post, Tile};
use tile::{ACROSS, Element, Tiles};

/// Multiply-adds below which waking other threads costs more than it saves.
const ALONE: usize = 1_200_000;
/// Multiply-adds from which on sleeping threads are woken: their help comes late.
const LONG: usize = 6_000_000;
/// `k` up to which a panel of B is read in place, or copied, as a whole.
const SHALLOW: usize = 512;
/// Up to this `k` and from these elements of C on, writing C is what costs.
const FLAT: usize = 16;
const FLAT_RESULT: usize = 64 << 10;
/// Bytes of the large operand from which on a product with few columns is a stream: more than stays near.
const STREAM: usize = 16 << 10;
/// Where C is this small and `k` this deep, threads share `k`.
const DOT: (usize, usize) = (64 * 64, 8192);

/// Computes the product if this machine has tiles for it; `false` leaves it to the caller. `add`: adds it to C.
///
/// # Errors
/// There is no memory for copies of the operands.
///
/// # Safety
/// The pointers and strides of `p` describe matrices of `T`; the result is disjoint from the operands.
pub(crate) unsafe fn product<T: Element>(p: &Product, parallel: bool, add: bool) -> Result<bool> {
    // SAFETY: handed on.
    T::tiles(level()).map_or(Ok(false), |tiles| unsafe { product_by(tiles, p, parallel, add) })
}

/// The same for complex128.
///
/// # Errors
/// As `product`.
///
/// # Safety
/// As for `product`.
pub(crate) unsafe fn product_of_pairs(p: &Product, parallel: bool, add: bool) -> Result<bool> {
    // SAFETY: handed on.
    unsafe { complex::complex::<f64>(p, parallel, add) }
}

/// Computes two products at once, if both are large enough for all threads; otherwise `false`, and nothing is done.
///
/// # Safety
/// As for `product`, for both; neither touches what the other writes.
pub(crate) unsafe fn pair<T: Element>(first: &Product, second: &Product) -> Result<bool> {
    let threads = usable_threads();
    let large = |p: &Product| {
        let few = p.m.min(p.n);
        few > stream::MOST && p.m * p.n > DOT.0 && p.m * p.n * p.k >= LONG
    };
    if threads == 1 || !large(first) || !large(second) {
        return Ok(false);
    }
    let Some(tiles) = T::tiles(level()) else { return Ok(false) };
    let job = |p| Job { threads, ..Job::new(tiles, p, false) };
    // SAFETY: handed on.
    unsafe { blocks(&[&job(first), &job(second)]) }.map(|()| true)
}

/// `product` with these tiles, which the machine can run.
#[inline(always)]
unsafe fn product_by<T: Element>(
    tiles: &'static Tiles<T>,
    p: &Product,
    parallel: bool,
    add: bool,
) -> Result<bool> {
    let (m, n, k) = (p.m, p.n, p.k);
    let few = m.min(n);
    if few <= stream::MOST && (few == 1 || m.max(n) * k * size_of::<T>() >= STREAM) {
        let (a, b, c) = matrices(p);
        let (sizes, views) = if n <= m { ((m, n, k), (a, b, c)) } else { ((n, m, k), (b.t(), a.t(), c.t())) };
        // SAFETY: the caller's promise.
        if unsafe { stream::stream(tiles, sizes, views, parallel, add) }? {
            return Ok(true);
        }
    }
    // SAFETY: the caller's promise.
    unsafe { Job::new(tiles, p, add).run(parallel) }.map(|()| true)
}

/// A, B and C.
#[inline(always)]
fn matrices<T: Element>(p: &Product) -> (Matrix<T>, Matrix<T>, Matrix<T>) {
    let mut a = Matrix { at: p.a.cast::<T>(), row: p.a_strides.0, col: p.a_strides.1 };
    let mut b = Matrix { at: p.b.cast::<T>(), row: p.b_strides.0, col: p.b_strides.1 };
    let mut c = Matrix { at: p.c.cast::<T>().cast_const(), row: p.c_strides.0, col: p.c_strides.1 };
    // The stride along an axis of one element is whatever suits.
    if p.n == 1 {
        (b.col, c.col) = (1, 1);
    }
    if p.m == 1 {
        (a.row, c.row) = (1, 1);
    }
    (a, b, c)
}

struct Job<'a, T: Element> {
    tiles: &'static Tiles<T>,
    m: usize,
    n: usize,
    k: usize,
    a: Matrix<T>,
    b: Matrix<T>,
    /// Written, through `at`.
    c: Matrix<T>,
    add: bool,
    threads: usize,
    finish: Option<&'a Finish<'a>>,
    /// What follows, where rows of C lie whole.
    post: Option<&'a Post<'a>>,
}

impl<'a, T: Element> Job<'a, T> {
    /// For one thread.
    #[inline(always)]
    fn new(tiles: &'static Tiles<T>, p: &Product<'a>, add: bool) -> Job<'a, T> {
        let ((m, n, k), (a, b, c)) = ((p.m, p.n, p.k), matrices(p));
        // The tile writes rows: a result that lies in columns is computed transposed.
        if c.col == 1 || c.row != 1 {
            let post = p.finish.and_then(|f| f.post.as_ref()).filter(|_| c.col == 1);
            Job { tiles, m, n, k, a, b, c, add, threads: 1, finish: p.finish, post }
        } else {
            let (a, b, c) = (b.t(), a.t(), c.t());
            Job { tiles, m: n, n: m, k, a, b, c, add, threads: 1, finish: None, post: None }
        }
    }
    /// Columns of a full tile.
    #[inline(always)]
    fn width(&self) -> usize {
        ACROSS * self.tiles.lanes
    }
    #[inline(always)]
    unsafe fn run(mut self, parallel: bool) -> Result<()> {
        let work = self.m * self.n * self.k;
        let shallow = self.k <= SHALLOW || self.b.col == 1 && self.m <= 4 * self.tiles.rows;
        // SAFETY: the promise of `product`.
        unsafe {
            // A result that is large for its depth is written in order: see `Job::part`.
            let wide = self.k <= FLAT && self.m * self.n > FLAT_RESULT;
            if work < ALONE && shallow && self.c.col == 1 && !wide {
                return self.near();
            }
            if self.m * self.n <= DOT.0 && self.k >= DOT.1 {
                let parts = (self.k / (DOT.1 / 2)).min(16);
                let (sizes, c, add) = ((self.n, self.m, self.k), self.c.t(), self.add);
                let done = stream::in_parts(parts, sizes, c, parallel, add, |l, k, to| {
                    let (a, b, tiles) = (self.a.from(0, l), self.b.from(l, 0), self.tiles);
                    let (m, n, c) = (self.m, self.n, to.t());
                    let (threads, add, finish, post) = (1, false, None, None);
                    blocks(&[&Job { tiles, m, n, k, a, b, c, add, threads, finish, post }])
                })?;
                if done {
                    return Ok(());
                }
            }
            self.threads = if parallel && work >= ALONE { usable_threads() } else { 1 };
            blocks(&[&self])
        }
    }
    /// What follows will be done to all tiles, which are so many rows high.
    fn begin(&self, high: usize) {
        if let Some(sums) = self.post.and_then(|p| p.sums) {
            sums.begin(self.m.div_ceil(high));
        }
    }
    /// What follows, done to a tile of C that is complete.
    #[inline(always)]
    unsafe fn post(&self, (i, j): (usize, usize), rows: usize, cols: usize, high: usize) {
        if let Some(post) = self.post {
            let above = if post.sums.is_some() { i / high } else { 0 };
            let tile =
                Tile { at: self.c.from(i, j).at.cast_mut(), step: self.c.row, i, j, rows, cols, above };
            // SAFETY: the promise of `product`.
            unsafe { (self.tiles.post)(post, tile) };
        }
    }
    /// Small products: no plan, no copies but of panels of B whose rows do not lie whole.
    #[inline(always)]
    unsafe fn near(&self) -> Result<()> {
        let (m, n, k, width, tiles) = (self.m, self.n, self.k, self.width(), self.tiles);
        // Tiles of equal height: a low one at the end would wait for its own multiply-adds.
        let high = if m <= tiles.rows { m } else { m.div_ceil(m.div_ceil(tiles.rows)) };
        if let Some(f) = self.finish.filter(|_| self.post.is_some()) {
            f.take();
            self.begin(high);
        }
        // SAFETY: the promise of `product`.
        let column = |j: usize, b: Matrix<T>| unsafe {
            let cols = width.min(n - j);
            let mut i = 0;
            while i < m {
                let rows = high.min(m - i);
                let (Some(run), last) = tiles.get(rows, cols) else { return };
                let (a, c) = (self.a.from(i, 0), self.c.from(i, j));
                // Nothing to come.
                let ask = Ask { at: c.at.cast(), step: 0 };
                run(k, a.at, a.row, a.col, b.at, b.row, c.at.cast_mut(), c.row, last, self.add, ask);
                self.post((i, j), rows, cols, high);
                i += high;
            }
        };
        if self.b.col == 1 {
            (0..n).step_by(width).for_each(|j| column(j, self.b.from(0, j)));
            return Ok(());
        }
        let wide = width.min(n);
        with_scratch(wide * k * size_of::<T>(), |memory| {
            let panel = memory.cast::<T>();
            for j in (0..n).step_by(width) {
                // SAFETY: as above; the scratch memory holds a panel.
                unsafe { (tiles.pack)(panel, wide, self.b.from(0, j).t(), width.min(n - j), k) };
                column(j, Matrix { at: panel.cast_const(), row: wide as isize, col: 1 });
            }
        })
    }
}

/// Calls `body` for every task, each on one of the threads. `long`: see `machine/workers.rs`.
fn each<R: Outcome>(parallel: bool, long: bool, tasks: usize, body: impl Fn(usize) -> R + Sync) -> R {
    if parallel && tasks > 1 {
        // One by one: a thread that is late takes fewer of them, or none.
        parallel_parts(tasks, tasks, long, |task, _| body(task))
    } else {
        let all = R::All::default();
        let _ = (0..tasks).all(|task| body(task).note(&all));
        R::of(all)
    }
}
