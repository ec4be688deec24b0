//! Products of float32 and float64 matrices with any strides, on the vector units that `tile.rs` was written for.
//!
//! Large products go in blocks: a slab of B is packed into panels that a tile streams from the first-level cache,
//! blocks of rows of A are shared among the threads. Operands that a tile can read where they lie are not packed.

mod pack;
mod tile;

use crate::frame::with_scratch;
use crate::matmul::Product;
use crate::threads::{parallel_for, usable_threads};
use pack::{Matrix, pack};
use tile::{ACROSS, Element, MOST_ROWS, Tiles};

/// What a panel of B may take: about a first-level cache. A tile streams it once, from the second level too without
/// waiting; shallower panels cost more passes over the result.
const PANEL_BYTES: usize = 32 << 10;
/// What is read in place may take as much as stays in the first-level cache.
const NEAR_BYTES: usize = 32 << 10;
/// A slab of B, packed: it lives in the last-level cache.
const SLAB_BYTES: usize = 4 << 20;
/// Rows of A that one task takes at most, in tiles: with a panel's depth they fit the second-level cache.
const BLOCK_TILES: usize = 16;
/// Multiply-adds below which waking other threads costs more than it saves.
const ALONE: usize = 1_200_000;

/// Computes the product if this machine has tiles for it; `false` leaves it to the caller.
///
/// # Safety
/// The pointers and strides of `p` describe matrices of `T`; the result is disjoint from the operands.
pub(crate) unsafe fn product<T: Element>(p: &Product, parallel: bool) -> bool {
    let Some(tiles) = T::tiles() else { return false };
    // A vector has no tile worth the name.
    if p.m < 2 || p.n < 2 || p.k == 0 {
        return false;
    }
    let a = Matrix { at: p.a.cast::<T>(), row: p.a_strides.0, col: p.a_strides.1 };
    let b = Matrix { at: p.b.cast::<T>(), row: p.b_strides.0, col: p.b_strides.1 };
    let c = Matrix { at: p.c.cast::<T>().cast_const(), row: p.c_strides.0, col: p.c_strides.1 };
    let threads = if parallel && p.m * p.n * p.k >= ALONE { usable_threads() } else { 1 };
    // The tile writes rows: a result that lies in columns is computed transposed.
    let job = if c.col == 1 || c.row != 1 {
        Job { tiles, m: p.m, n: p.n, k: p.k, a, b, c, threads }
    } else {
        Job { tiles, m: p.n, n: p.m, k: p.k, a: b.t(), b: a.t(), c: c.t(), threads }
    };
    // SAFETY: the caller's promise.
    unsafe { job.run() };
    true
}

struct Job<T: Element> {
    tiles: &'static Tiles<T>,
    m: usize,
    n: usize,
    k: usize,
    a: Matrix<T>,
    b: Matrix<T>,
    /// Written, through `at`.
    c: Matrix<T>,
    threads: usize,
}

/// A packed slab of B, from the device's memory pool.
struct Slab {
    at: usize,
    bytes: usize,
}
impl Slab {
    /// `None` when there is no memory: the caller packs less, or nothing.
    fn new(bytes: usize) -> Option<Slab> {
        crate::pool::allocate(bytes).ok().map(|at| Slab { at, bytes })
    }
}
impl Drop for Slab {
    fn drop(&mut self) {
        // SAFETY: allocated above with this size, given back once.
        unsafe { crate::pool::free(self.at, self.bytes) };
    }
}

/// One slab: depth `k` of the columns `first..first + cols`, packed at `packed` or (null) read in place.
struct Slice {
    k0: usize,
    k: usize,
    first: usize,
    cols: usize,
    packed: usize,
}

impl<T: Element> Job<T> {
    fn width(&self) -> usize {
        ACROSS * self.tiles.lanes
    }
    unsafe fn run(&self) {
        let (size, width) = (size_of::<T>(), self.width());
        let depth = PANEL_BYTES / (width * size);
        let depth = self.k.div_ceil(self.k.div_ceil(depth));
        // In place: rows of B lie whole, and either all of it stays near or it is read once or twice only.
        let near = self.b.row.unsigned_abs() * self.k * size <= NEAR_BYTES;
        let in_place = self.b.col == 1 && (near || self.m <= 2 * self.tiles.rows);
        let cols = if in_place { self.n } else { (SLAB_BYTES / (depth * size) / width * width).max(width) };
        let cols = cols.min(self.n.next_multiple_of(width));
        let slab = if in_place { None } else { Slab::new(depth * cols * size) };
        let packed = slab.as_ref().map_or(0, |s| s.at);
        for first in (0..self.n).step_by(cols) {
            for k0 in (0..self.k).step_by(depth) {
                let s =
                    Slice { k0, k: depth.min(self.k - k0), first, cols: cols.min(self.n - first), packed };
                // SAFETY: the promise of `product`.
                unsafe {
                    if packed != 0 {
                        self.pack_slab(&s);
                    }
                    self.rows(&s);
                }
            }
        }
    }
    /// Splits `items` of `each` multiply-adds (or moved elements) over the threads.
    fn split(&self, items: usize, each: usize, body: impl Fn(usize) + Sync) {
        let least = if self.threads > 1 { (ALONE / 4 / each.max(1)).max(1) } else { usize::MAX / 2 };
        parallel_for(items, least, |range| range.for_each(&body));
    }
    unsafe fn pack_slab(&self, s: &Slice) {
        let width = self.width();
        let b = self.b.from(s.k0, s.first);
        // Moving an element costs about as much as sixteen multiply-adds.
        self.split(s.cols.div_ceil(width), 16 * width * s.k, |panel| {
            let j = panel * width;
            let to = (s.packed as *mut T).wrapping_add(j * s.k);
            // SAFETY: the slab has room for whole panels; B has these rows and columns.
            unsafe { pack(to, width, b.from(0, j).t(), width.min(s.cols - j), s.k) };
        });
    }
    /// The products of all rows of A with the slab: tasks are blocks of rows, by groups of panels when rows are few.
    unsafe fn rows(&self, s: &Slice) {
        let (high, width) = (self.tiles.rows, self.width());
        let panels = s.cols.div_ceil(width);
        let tiles = self.m.div_ceil(high);
        let tiles_each = if self.threads == 1 {
            BLOCK_TILES
        } else {
            tiles.div_ceil(4 * self.threads).clamp(1, BLOCK_TILES)
        };
        let blocks = tiles.div_ceil(tiles_each);
        let groups = if self.threads == 1 { 1 } else { (4 * self.threads).div_ceil(blocks).clamp(1, panels) };
        let panels_each = panels.div_ceil(groups);
        let groups = panels.div_ceil(panels_each);
        let work = tiles_each * high * panels_each * width * s.k;
        self.split(blocks * groups, work, |task| {
            let (block, group) = (task / groups, task % groups);
            let from = block * tiles_each * high;
            let rows = (tiles_each * high).min(self.m - from);
            let range = group * panels_each..((group + 1) * panels_each).min(panels);
            // SAFETY: tasks write disjoint parts of C.
            unsafe { self.block(s, from, rows, range) };
        });
    }
    /// Rows `from..from + rows` of C, columns of the panels `range`.
    unsafe fn block(&self, s: &Slice, from: usize, rows: usize, range: std::ops::Range<usize>) {
        let (high, width, size) = (self.tiles.rows, self.width(), size_of::<T>());
        let a = self.a.from(from, s.k0);
        // A tile reads A row by row where its rows lie whole, and also columns when they all stay near.
        let in_place = a.col == 1
            || a.row == 1 && a.col.unsigned_abs() * s.k * size <= NEAR_BYTES
            || range.len() == 1 && a.row == 1;
        let strips = if in_place { 0 } else { rows.next_multiple_of(high) * s.k };
        let edge = if s.packed == 0 { width * s.k } else { 0 };
        with_scratch((strips + edge + width * MOST_ROWS) * size, |memory| {
            let strip_memory = memory.cast::<T>();
            let edge_memory = strip_memory.wrapping_add(strips);
            let corner = edge_memory.wrapping_add(edge);
            // SAFETY: the scratch memory holds strips, edge panel and corner; A and B hold what is read.
            unsafe {
                if !in_place {
                    for i in (0..rows).step_by(high) {
                        pack(strip_memory.add(i * s.k), high, a.from(i, 0), high.min(rows - i), s.k);
                    }
                }
                for panel in range {
                    let j = panel * width;
                    let cols = width.min(s.cols - j);
                    let b = if s.packed != 0 {
                        Matrix { at: (s.packed as *const T).add(j * s.k), row: width as isize, col: 1 }
                    } else if cols == width && self.b.col == 1 {
                        self.b.from(s.k0, s.first + j)
                    } else {
                        pack(edge_memory, width, self.b.from(s.k0, s.first + j).t(), cols, s.k);
                        Matrix { at: edge_memory.cast_const(), row: width as isize, col: 1 }
                    };
                    for i in (0..rows).step_by(high) {
                        let n = high.min(rows - i);
                        let strip = if in_place {
                            a.from(i, 0)
                        } else {
                            Matrix { at: strip_memory.add(i * s.k).cast_const(), row: 1, col: high as isize }
                        };
                        self.tile(s, strip, b, n, cols, self.c.from(from + i, s.first + j), corner);
                    }
                }
            }
        });
    }
    /// One tile of C, of `rows` x `cols`; what is narrower than registers goes through `corner`.
    #[inline]
    unsafe fn tile(
        &self,
        s: &Slice,
        a: Matrix<T>,
        b: Matrix<T>,
        rows: usize,
        cols: usize,
        c: Matrix<T>,
        corner: *mut T,
    ) {
        let lanes = self.tiles.lanes;
        let across = cols.div_ceil(lanes);
        let Some(run) = self.tiles.get(rows, across) else { return };
        let to = c.at.cast_mut();
        let more = s.k0 > 0;
        // SAFETY: strips, panels and C hold what a tile of that size touches; `corner` holds a whole tile.
        unsafe {
            if cols == across * lanes && c.col == 1 {
                return run(s.k, a.at, a.row, a.col, b.at, b.row, to, c.row, more);
            }
            let wide = across * lanes;
            run(s.k, a.at, a.row, a.col, b.at, b.row, corner, wide as isize, false);
            for i in 0..rows {
                for j in 0..cols {
                    let at = to.offset(i as isize * c.row + j as isize * c.col);
                    let x = *corner.add(i * wide + j);
                    *at = if more { *at + x } else { x };
                }
            }
        }
    }
}
