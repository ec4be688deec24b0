//! Large products in blocks: panels of B that a tile streams from the first-level cache, strips of A that stay in the
//! second-level cache. Tasks are rectangles of tiles, which the threads take one by one.

use super::pack::Matrix;
use super::tile::Element;
use super::{Job, Memory, each};
use crate::frame::with_scratch;
use std::ops::Range;

/// What a panel of B may take: with the strip of A beside it, about a first-level cache.
const PANEL_BYTES: usize = 32 << 10;
/// What is read in place may take as much as stays in the first-level cache.
const NEAR_BYTES: usize = 32 << 10;
/// A slab of B, packed: it lives in the last-level cache.
const SLAB_BYTES: usize = 4 << 20;
/// Strips of A that are packed at once, likewise.
const STRIPS_BYTES: usize = 1 << 20;
/// Tiles of a task: rows at most, and tasks for each thread at least if there are enough.
const TASK_TILES: usize = 16;
const TASKS_EACH: usize = 16;
/// Multiply-adds, in full tiles of some depth, that are worth a task of their own.
const TASK_WORK: usize = 400_000;

/// A part of the product: depth `k`, a slab of columns, a range of rows; packed parts, or null where read in place.
struct Part {
    k0: usize,
    k: usize,
    first: usize,
    cols: usize,
    top: usize,
    rows: usize,
    panels: usize,
    strips: usize,
}

impl<T: Element> Job<T> {
    /// Rows of a tile here: as even as the number of tiles allows.
    fn high(&self) -> usize {
        self.m.div_ceil(self.m.div_ceil(self.tiles.rows))
    }
    pub(super) unsafe fn blocks(&self) {
        let (size, width, high) = (size_of::<T>(), self.width(), self.high());
        if self.k == 0 {
            return self.nothing();
        }
        let depth = PANEL_BYTES / (width * size);
        let depth = self.k.div_ceil(self.k.div_ceil(depth));
        // In place: rows of B lie whole, and either all of it stays near or it is read once or twice only.
        let near = self.b.row.unsigned_abs() * self.k * size <= NEAR_BYTES;
        let b_in_place = self.b.col == 1 && (near || self.m <= 2 * high);
        // A copy of A pays when it is read several times.
        let a_in_place = self.n <= 2 * width;
        let cols = if b_in_place { self.n } else { (SLAB_BYTES / (depth * size) / width * width).max(width) };
        let cols = cols.min(self.n.next_multiple_of(width));
        let rows = if a_in_place { self.m } else { (STRIPS_BYTES / (depth * size) / high * high).max(high) };
        let rows = rows.min(self.m.next_multiple_of(high));
        let slab = if b_in_place { None } else { Memory::new(depth * cols * size) };
        let strips = if a_in_place { None } else { Memory::new(depth * rows * size) };
        let at = |m: &Option<Memory>| m.as_ref().map_or(0, |m| m.at);
        for first in (0..self.n).step_by(cols) {
            for k0 in (0..self.k).step_by(depth) {
                for top in (0..self.m).step_by(rows) {
                    let p = Part {
                        k0,
                        k: depth.min(self.k - k0),
                        first,
                        cols: cols.min(self.n - first),
                        top,
                        rows: rows.min(self.m - top),
                        panels: at(&slab),
                        strips: at(&strips),
                    };
                    // SAFETY: the promise of `product`.
                    unsafe {
                        self.copy(&p);
                        self.multiply(&p);
                    }
                }
            }
        }
    }
    /// No terms: zeros, unless they are to be added.
    fn nothing(&self) {
        if self.add {
            return;
        }
        for i in 0..self.m {
            for j in 0..self.n {
                // SAFETY: C has these elements.
                unsafe { *self.c.from(i, j).at.cast_mut() = T::ZERO };
            }
        }
    }
    /// Packs strips of A, and panels of B before the first rows.
    unsafe fn copy(&self, p: &Part) {
        let (width, high) = (self.width(), self.high());
        let (a, b) = (self.a.from(p.top, p.k0), self.b.from(p.k0, p.first).t());
        let panels = if p.panels != 0 && p.top == 0 { p.cols.div_ceil(width) } else { 0 };
        let strips = if p.strips != 0 { p.rows.div_ceil(high) } else { 0 };
        // Two strips are about as much as a panel.
        each(self.threads > 1, panels + strips.div_ceil(2), |t| {
            // SAFETY: there is room for whole panels and strips; A and B have these rows and columns.
            unsafe {
                if t < panels {
                    let j = t * width;
                    let to = (p.panels as *mut T).add(j * p.k);
                    return (self.tiles.pack)(to, width, b.from(j, 0), width.min(p.cols - j), p.k);
                }
                let t = 2 * (t - panels);
                for i in (t * high..p.rows.min((t + 2) * high)).step_by(high) {
                    let to = (p.strips as *mut T).add(i * p.k);
                    (self.tiles.pack)(to, high, a.from(i, 0), high.min(p.rows - i), p.k);
                }
            }
        });
    }
    /// Products of strips and panels.
    unsafe fn multiply(&self, p: &Part) {
        let (high, width) = (self.high(), self.width());
        let (tiles, panels) = (p.rows.div_ceil(high), p.cols.div_ceil(width));
        let (mut tiles_each, mut panels_each) = (TASK_TILES.min(tiles), panels);
        if self.threads > 1 {
            let least = TASK_WORK.div_ceil(high * width * p.k);
            let size = (tiles * panels / (TASKS_EACH * self.threads)).max(least);
            tiles_each = tiles_each.min(size.isqrt().max(1) * 2).min(tiles);
            panels_each = (size / tiles_each).clamp(1, panels);
        }
        let (blocks, groups) = (tiles.div_ceil(tiles_each), panels.div_ceil(panels_each));
        each(self.threads > 1, blocks * groups, |task| {
            let (block, group) = (task / groups, task % groups);
            let from = block * tiles_each * high;
            let rows = (tiles_each * high).min(p.rows - from);
            let range = group * panels_each..((group + 1) * panels_each).min(panels);
            // SAFETY: tasks write disjoint parts of C.
            unsafe { self.block(p, from, rows, range) };
        });
    }
    /// Rows `from..from + rows` of the part, columns of the panels `range`.
    unsafe fn block(&self, p: &Part, from: usize, rows: usize, range: Range<usize>) {
        let (high, width, size) = (self.high(), self.width(), size_of::<T>());
        let b_in_place = p.panels == 0 && self.b.col == 1;
        let panel_memory = if p.panels == 0 && !b_in_place { width * p.k } else { 0 };
        with_scratch((panel_memory + width * high) * size, |memory| {
            let panel_memory = memory.cast::<T>().wrapping_add(width * high);
            // SAFETY: the scratch memory holds a tile and a panel; A, B and C hold what is read and written.
            unsafe {
                for panel in range {
                    let j = panel * width;
                    let cols = width.min(p.cols - j);
                    let packed = |at: *const T| Matrix { at, row: width as isize, col: 1 };
                    let b = if p.panels != 0 {
                        packed((p.panels as *const T).add(j * p.k))
                    } else if b_in_place {
                        self.b.from(p.k0, p.first + j)
                    } else {
                        (self.tiles.pack)(panel_memory, width, self.b.from(p.k0, p.first + j).t(), cols, p.k);
                        packed(panel_memory)
                    };
                    for i in (from..from + rows).step_by(high) {
                        let n = high.min(from + rows - i);
                        let a = if p.strips == 0 {
                            self.a.from(p.top + i, p.k0)
                        } else {
                            let at = (p.strips as *const T).add(i * p.k);
                            Matrix { at, row: 1, col: high as isize }
                        };
                        self.tile(p, a, b, n, cols, self.c.from(p.top + i, p.first + j), memory.cast());
                    }
                }
            }
        });
    }
    /// One tile of C, of `rows` x `cols`; through `spare` where the rows of C do not lie whole.
    #[inline]
    unsafe fn tile(
        &self,
        p: &Part,
        a: Matrix<T>,
        b: Matrix<T>,
        rows: usize,
        cols: usize,
        c: Matrix<T>,
        spare: *mut T,
    ) {
        let (Some(run), last) = self.tiles.get(rows, cols) else { return };
        let more = self.add || p.k0 > 0;
        let to = c.at.cast_mut();
        // SAFETY: strips, panels and C hold what a tile of that size touches; `spare` holds a whole tile.
        unsafe {
            if c.col == 1 {
                return run(p.k, a.at, a.row, a.col, b.at, b.row, to, c.row, last, more);
            }
            run(p.k, a.at, a.row, a.col, b.at, b.row, spare, cols as isize, last, false);
            for i in 0..rows {
                for j in 0..cols {
                    let at = to.offset(i as isize * c.row + j as isize * c.col);
                    let x = *spare.add(i * cols + j);
                    *at = if more { *at + x } else { x };
                }
            }
        }
    }
}
