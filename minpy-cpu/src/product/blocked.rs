//! Large products in blocks: panels of B and strips of A are copied into the order in which the tiles read them.
//!
//! Threads share nothing but the operands: each takes rectangles of C and packs what it needs for itself. Copies that
//! another core has written would cost more to fetch than they cost to make (measured: 8 % of 512 x 512 x 512).

use super::ahead::{Ask, Asks, Queue};
use super::pack::Matrix;
use super::tile::Element;
use super::{Job, LONG, each};
use crate::frame::with_scratch;
use std::ptr::null_mut;

/// What a panel of B may take: with the strip of A beside it, about a first-level cache.
const PANEL_BYTES: usize = 32 << 10;
/// Strips of A that are packed together: they stay in the second-level cache beside the panels that pass. Measured from
/// 48 KiB to 1 MiB: the same up to 128 KiB, 10 % slower from 512 KiB on.
const STRIPS_BYTES: usize = 96 << 10;
/// Panels of B that are packed together: half a second-level cache of today. 0.5, 1 and 4 MiB are equally fast.
const SLAB_BYTES: usize = 1 << 20;
/// Steps packed at once where columns of A lie whole. 8 and 16 are 4 % of 512 x 512 x 512 faster than all.
const STEPS: usize = 16;
/// Multiply-adds from which on a thread gets more than one rectangle, so that a late one takes fewer. Smaller ones cost
/// more copies than they gain, also on a busy machine.
const RECTANGLE: usize = 128 << 20;
/// What is read in place may take as much as stays in the first-level cache.
const NEAR_BYTES: usize = 32 << 10;

/// One thread's share at one depth: rows `top..top + rows`, columns `first..first + cols`.
struct Part<T> {
    k0: usize,
    k: usize,
    top: usize,
    rows: usize,
    first: usize,
    cols: usize,
    /// The first one with its panels.
    new: bool,
    /// Packed, or null where read in place.
    panels: *mut T,
    strips: *mut T,
    /// Room for a panel, if B is neither packed nor readable in place, and a tile.
    spare: *mut T,
}

impl<T: Element> Job<'_, T> {
    /// Rows of a tile here: as even as the number of tiles allows.
    fn high(&self) -> usize {
        self.m.div_ceil(self.m.div_ceil(self.tiles.rows))
    }
    pub(super) unsafe fn blocks(&self) {
        if self.k == 0 {
            return self.nothing();
        }
        if let Some(f) = self.finish {
            f.take();
        }
        let (high, width) = (self.high(), self.width());
        let (tiles, panels) = (self.m.div_ceil(high), self.n.div_ceil(width));
        // The grid of rectangles that makes the largest of them, with the copies that it needs, as cheap as possible.
        // A moved element costs as much as some ten multiply-adds.
        let cost = |(rows, cols): (usize, usize)| {
            let (r, c) = (tiles.div_ceil(rows) * high, panels.div_ceil(cols) * width);
            r * c + 10 * (r + c)
        };
        let count = match self.threads {
            1 => 1,
            t => t * (self.m * self.n * self.k / RECTANGLE / t).clamp(1, 8),
        };
        let grids = (1..=count).filter(|r| count % r == 0).map(|r| (r, count / r));
        let Some((down, across)) = grids.min_by_key(|&g| cost(g)) else { return };
        let (tiles_each, panels_each) = (tiles.div_ceil(down), panels.div_ceil(across));
        let (down, across) = (tiles.div_ceil(tiles_each), panels.div_ceil(panels_each));
        let long = self.m * self.n * self.k >= LONG;
        each(self.threads > 1, long, down * across, |task| {
            let (i, j) = (task / across * tiles_each * high, task % across * panels_each * width);
            let (rows, cols) = ((tiles_each * high).min(self.m - i), (panels_each * width).min(self.n - j));
            // SAFETY: the promise of `product`; tasks write disjoint parts of C.
            unsafe { self.rectangle((i, rows), (j, cols)) };
        });
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
    /// Computes rows `i..i + m` and columns `j..j + n` of C.
    unsafe fn rectangle(&self, (i, m): (usize, usize), (j, n): (usize, usize)) {
        let (size, width, high) = (size_of::<T>(), self.width(), self.high());
        let depth = PANEL_BYTES / (width * size);
        let depth = self.k.div_ceil(self.k.div_ceil(depth));
        // In place: rows of B lie whole, and either all of it stays near or it is read once or twice only.
        let near = self.b.row.unsigned_abs() * self.k * size <= NEAR_BYTES;
        let b_in_place = self.b.col == 1 && (near || m <= 2 * high);
        // A copy of A pays when it is read several times.
        let a_in_place = n <= 2 * width;
        let most = |bytes: usize, step: usize, all: usize| {
            (bytes / (depth * size) / step * step).clamp(step, all.next_multiple_of(step))
        };
        let cols = if b_in_place { n } else { most(SLAB_BYTES, width, n) };
        let rows = if a_in_place { m } else { most(STRIPS_BYTES, high, m) };
        let panels = if b_in_place { 0 } else { depth * cols };
        let strips = if a_in_place { 0 } else { depth * rows };
        with_scratch((width * high + panels + strips) * size, |memory| {
            let spare = memory.cast::<T>();
            let (across, deep, down) = (n.div_ceil(cols), self.k.div_ceil(depth), m.div_ceil(rows));
            let part = |number: usize| {
                let (first, k0, top) =
                    (number / down / deep * cols, number / down % deep * depth, number % down * rows);
                Part {
                    k0,
                    k: depth.min(self.k - k0),
                    top: i + top,
                    rows: rows.min(m - top),
                    first: j + first,
                    cols: cols.min(n - first),
                    new: top == 0,
                    panels: if b_in_place { null_mut() } else { spare.wrapping_add(width * high) },
                    strips: if a_in_place { null_mut() } else { spare.wrapping_add(width * high + panels) },
                    spare,
                }
            };
            let parts = across * deep * down;
            for number in 0..parts {
                let p = part(number);
                let next = (number + 1 < parts).then(|| part(number + 1));
                // SAFETY: the caller's promise; the scratch memory has room for all that.
                unsafe { self.part(&p, next) };
                // While it is in cache.
                if let Some(f) = self.finish.filter(|_| self.post.is_none() && p.k0 + p.k == self.k) {
                    f.part(p.top..p.top + p.rows, p.first..p.first + p.cols);
                }
            }
        });
    }
    /// What follows the packing of a part: what its tiles read beside, then what the `next` packs first. Operands that are
    /// read in place are not asked for: they are read once or twice.
    fn later(&self, p: &Part<T>, next: Option<Part<T>>) -> Queue {
        let wide = self.width() * size_of::<T>();
        let post = self.post.filter(|_| p.k0 + p.k == self.k);
        let beside = post.into_iter().flat_map(|post| post.matrices(p.top, p.first));
        let beside = beside.map(|(ask, bytes)| Asks::new(ask, (p.rows, p.cols * bytes), wide, p.k));
        let next = next.filter(|p| !p.strips.is_null()).map(|p| {
            let (a, b) = (self.a.from(p.top, p.k0), self.b.from(p.k0, p.first));
            let panel = if p.new && !p.panels.is_null() { self.width().min(p.cols) } else { 0 };
            [Asks::matrix(a, p.rows, p.k, wide, p.k), Asks::matrix(b, p.k, panel, wide, p.k)]
        });
        Queue::new(beside.chain(next.into_iter().flatten()))
    }
    /// Packs strips of A, panels of B if they are new, and multiplies them, while it asks for those of the `next`.
    unsafe fn part(&self, p: &Part<T>, next: Option<Part<T>>) {
        let (width, high, pack) = (self.width(), self.high(), self.tiles.pack);
        let wide = width * size_of::<T>();
        let (a, b, c) = (self.a.from(p.top, p.k0), self.b.from(p.k0, p.first), self.c.from(p.top, p.first));
        // SAFETY: the caller's promise: there is room for whole strips and panels.
        unsafe {
            if !p.strips.is_null() {
                // Where columns lie whole, a few of them at once for all strips: in the order of memory.
                let steps = if a.row == 1 { STEPS } else { p.k };
                for l in (0..p.k).step_by(steps) {
                    for i in (0..p.rows).step_by(high) {
                        let to = p.strips.add(i * p.k + l * high);
                        pack(to, high, a.from(i, l), high.min(p.rows - i), steps.min(p.k - l));
                    }
                }
            }
            let nothing = Ask { at: c.at.cast(), step: 0 };
            let panel = |j: usize, new: bool| {
                if p.panels.is_null() {
                    return b.from(0, j);
                }
                let to = p.panels.add(j * p.k);
                if new {
                    pack(to, width, b.from(0, j).t(), width.min(p.cols - j), p.k);
                }
                Matrix { at: to.cast_const(), row: width as isize, col: 1 }
            };
            let tile = |i: usize, j: usize, b: Matrix<T>, ask: Ask| {
                let a = if p.strips.is_null() {
                    a.from(i, 0)
                } else {
                    Matrix { at: p.strips.add(i * p.k).cast_const(), row: 1, col: high as isize }
                };
                self.tile(p, a, b, (i, j), ask);
            };
            // Panels that all stay near: C is what costs, and is written in the order of its memory.
            if p.k * p.cols * size_of::<T>() <= NEAR_BYTES {
                for i in (0..p.rows).step_by(high) {
                    for j in (0..p.cols).step_by(width) {
                        tile(i, j, panel(j, p.new && i == 0), nothing);
                    }
                }
                return;
            }
            let mut later = self.later(p, next);
            for j in (0..p.cols).step_by(width) {
                let packed = panel(j, p.new);
                let following =
                    if p.new && !p.panels.is_null() { p.cols.saturating_sub(j + width) } else { 0 };
                let mut soon = Asks::matrix(b.from(0, j + width), p.k, following.min(width), wide, p.k);
                for i in (0..p.rows).step_by(high) {
                    tile(i, j, packed, soon.next().or_else(|| later.next()).unwrap_or(nothing));
                }
            }
        }
    }
    /// The tile of C at this row and column of the part; through `spare` where the rows of C do not lie whole.
    #[inline]
    unsafe fn tile(&self, p: &Part<T>, a: Matrix<T>, b: Matrix<T>, (i, j): (usize, usize), ask: Ask) {
        let (rows, cols) = (self.high().min(p.rows - i), self.width().min(p.cols - j));
        let (Some(run), last) = self.tiles.get(rows, cols) else { return };
        let (i, j) = (p.top + i, p.first + j);
        let more = self.add || p.k0 > 0;
        let c = self.c.from(i, j);
        let to = c.at.cast_mut();
        // SAFETY: strips, panels and C hold what a tile of that size touches; `spare` holds a whole tile.
        unsafe {
            if c.col == 1 {
                run(p.k, a.at, a.row, a.col, b.at, b.row, to, c.row, last, more, ask);
                if p.k0 + p.k == self.k {
                    self.post(i, j, rows, cols);
                }
                return;
            }
            run(p.k, a.at, a.row, a.col, b.at, b.row, p.spare, cols as isize, last, false, ask);
            for i in 0..rows {
                for j in 0..cols {
                    let at = to.offset(i as isize * c.row + j as isize * c.col);
                    let x = *p.spare.add(i * cols + j);
                    *at = if more { *at + x } else { x };
                }
            }
        }
    }
}
