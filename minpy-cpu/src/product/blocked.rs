//! Large products in blocks: panels of B and strips of A are copied into the order in which the tiles read them.
//!
//! Threads share nothing but the operands: each takes pieces of C and packs what it needs for itself. Copies that another
//! core has written would cost more to fetch than they cost to make (measured: 8 % of 512 x 512 x 512).

use super::ahead::{Ask, Asks, Queue};
use super::pack::Matrix;
use super::tile::Element;
use super::{Job, LONG, each};
use crate::machine::scratch::with_scratch;
use minpy_core::Result;
use smallvec::{SmallVec, smallvec};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What a panel of B may take: with the strip of A beside it, about a first-level cache.
const PANEL_BYTES: usize = 32 << 10;
/// Strips of A that are packed together: they stay in the second-level cache beside the panels that pass. Measured from
/// 48 KiB to 1 MiB: the same up to 128 KiB, 10 % slower from 512 KiB on.
const STRIPS_BYTES: usize = 96 << 10;
/// Panels of B that are packed together: half a second-level cache of today. 0.5, 1 and 4 MiB are equally fast.
const SLAB_BYTES: usize = 1 << 20;
/// Multiply-adds from which on a thread gets more than one rectangle, so that a late one takes fewer. Smaller ones cost
/// more copies than they gain, also on a busy machine.
const RECTANGLE: usize = 128 << 20;
/// What is read in place may take as much as stays in the first-level cache.
const NEAR_BYTES: usize = 32 << 10;

/// Multiply-adds for each thread from which on rows are handed out in pieces, where each thread would get one rectangle:
/// with those, a thread of 512 x 512 x 512 waits for 2 % of the time on quiet cores and for 8 % on busy ones. Pieces cost
/// up to 2 % in copies. Unit tests reach them with less.
const PIECES: usize = if cfg!(test) { 1 << 18 } else { 48 << 20 };

/// Rows `top..top + rows` and columns `first..first + cols` of C.
#[derive(Clone, Copy)]
struct Piece {
    top: usize,
    rows: usize,
    first: usize,
    cols: usize,
}

/// Columns of C, or a part of their rows, in pieces of which threads take one after another: who is late, or has lost its
/// core to somebody else, takes fewer.
struct Rectangle {
    all: Piece,
    pieces: SmallVec<[Piece; 1]>,
    next: AtomicUsize,
}

impl Rectangle {
    /// The next piece, for the caller alone.
    fn take(&self) -> Option<Piece> {
        // Those that are done with are not written to.
        let some = self.next.load(Relaxed) < self.pieces.len();
        some.then(|| self.pieces.get(self.next.fetch_add(1, Relaxed)).copied()).flatten()
    }
}

/// What is multiplied in one go: of a piece, at one depth.
struct Part<T> {
    k0: usize,
    k: usize,
    top: usize,
    rows: usize,
    first: usize,
    cols: usize,
    /// Rows of a tile, kept because `Job::high` takes two divisions.
    high: usize,
    /// Its panels are still to be packed.
    new: bool,
    /// Packed, or null where read in place.
    panels: *mut T,
    strips: *mut T,
    /// Room for a tile.
    spare: *mut T,
}

/// Computes products that have nothing to do with one another, all by as many threads.
///
/// # Safety
/// The promise of `product` for each of them; none touches what another one writes.
pub(super) unsafe fn blocks<T: Element>(jobs: &[&Job<T>]) -> Result<()> {
    let threads = jobs.iter().map(|j| j.threads).max().unwrap_or(1);
    let (mut pieces, mut work) = (0, 0);
    let mut all: SmallVec<[(&Job<T>, Rectangle); 2]> = SmallVec::new();
    for (i, &job) in jobs.iter().enumerate() {
        if job.k == 0 {
            job.nothing();
            continue;
        }
        if let Some(f) = job.finish {
            f.take();
            job.begin(job.high());
        }
        work += job.m * job.n * job.k;
        for r in job.rectangles(i + 1 == jobs.len()) {
            pieces += r.pieces.len();
            all.push((job, r));
        }
    }
    each(threads > 1, work >= LONG, threads.min(pieces), |_| {
        // SAFETY: the promise of `product`; pieces are disjoint.
        all.iter().try_for_each(|(job, r)| unsafe { job.rectangle(r) })
    })
}

impl<T: Element> Job<'_, T> {
    /// Rows of a tile here: as even as the number of tiles allows.
    fn high(&self) -> usize {
        self.m.div_ceil(self.m.div_ceil(self.tiles.rows))
    }
    /// Steps of `k` that are taken at once: as even as their number allows.
    fn depth(&self) -> usize {
        let depth = PANEL_BYTES / (self.width() * size_of::<T>());
        self.k.div_ceil(self.k.div_ceil(depth))
    }
    /// C, divided so that what one thread does, with the copies that it needs, is as cheap as possible. `last`: threads have
    /// nothing to do afterwards.
    fn rectangles(&self, last: bool) -> SmallVec<[Rectangle; 1]> {
        let (m, n, k, threads) = (self.m, self.n, self.k, self.threads);
        let (high, width) = (self.high(), self.width());
        let (tiles, panels) = (m.div_ceil(high), n.div_ceil(width));
        let count = match threads {
            1 => 1,
            t => t * (m * n * k / RECTANGLE / t).clamp(1, 8),
        };
        // A moved element costs as much as some ten multiply-adds.
        let cost = |(r, c): (usize, usize)| r * c + 10 * (r + c);
        let grids = (1..=count).filter(|r| count % r == 0).map(|r| (r, count / r));
        let sizes =
            grids.map(|(down, across)| (tiles.div_ceil(down) * high, panels.div_ceil(across) * width));
        let Some((rows, cols)) = sizes.min_by_key(|&s| cost(s)) else { return SmallVec::new() };
        if threads > 1 && count == threads && m * n * k >= threads * PIECES {
            // All threads copy the same panels, of so many columns, and different rows.
            let slab = SLAB_BYTES / (k * size_of::<T>()) / width * width;
            if slab > 0
                && m * n / threads + 10 * (m * n.div_ceil(slab) / threads + n) <= cost((rows, cols)) * 51 / 50
            {
                let slabs = (0..n).step_by(slab).map(|j| (j, slab.min(n - j)));
                return slabs.map(|(first, cols)| self.shared(first, cols, last)).collect();
            }
        }
        let corners = (0..m).step_by(rows).flat_map(|i| (0..n).step_by(cols).map(move |j| (i, j)));
        let one = |(top, first)| Piece { top, rows: rows.min(m - top), first, cols: cols.min(n - first) };
        corners
            .map(one)
            .map(|p| Rectangle { all: p, pieces: smallvec![p], next: AtomicUsize::new(0) })
            .collect()
    }
    /// Columns of C in pieces that become smaller: half of the rows that are left for all threads together, up to a bound,
    /// and at last single strips in parts. (S. F. Hummel et al., "Factoring", CACM 1992.) Unless another product is `last`, which
    /// makes up for what is uneven here: then a few even pieces.
    fn shared(&self, first: usize, cols: usize, last: bool) -> Rectangle {
        let (high, width, threads) = (self.high(), self.width(), self.threads);
        // Every piece reads all panels from the second level: fewer of them are faster than smaller strips.
        let most = (2 * STRIPS_BYTES / (self.depth() * high * size_of::<T>())).max(1);
        let strips = self.m.div_ceil(high);
        let even = strips.div_ceil(strips.div_ceil(most));
        let all = Piece { top: 0, rows: self.m, first, cols };
        let mut pieces = SmallVec::new();
        let mut top = 0;
        while top < self.m {
            let left = (self.m - top).div_ceil(high);
            let rows = if last { left.div_ceil(2 * threads).min(most) } else { even } * high;
            // Each part copies the strip again: only the last ones, which the threads end with.
            let parts = if !last || left > threads.div_ceil(2) { 1 } else { 2 * threads };
            let part = cols.div_ceil(width).div_ceil(parts) * width;
            for _ in 0..threads {
                let rows = rows.min(self.m - top);
                let parts = (0..cols).step_by(part).map(|j| Piece {
                    top,
                    rows,
                    first: first + j,
                    cols: part.min(cols - j),
                });
                pieces.extend(parts.filter(|p| p.rows > 0));
                top += rows;
            }
        }
        Rectangle { all, pieces, next: AtomicUsize::new(0) }
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
    /// Computes pieces of a rectangle as long as there are any.
    unsafe fn rectangle(&self, r: &Rectangle) -> Result<()> {
        let Some(mut piece) = r.take() else { return Ok(()) };
        let (size, width, high, depth) = (size_of::<T>(), self.width(), self.high(), self.depth());
        let (m, n) = (r.all.rows, r.all.cols);
        // In place: rows of B lie whole, and either all of it stays near or it is read once or twice only.
        let near = self.b.row.unsigned_abs() * self.k * size <= NEAR_BYTES;
        let b_in_place = self.b.col == 1 && (near || m <= 2 * high);
        // A copy of A pays when it is read several times.
        let a_in_place = n <= 2 * width;
        let most = |bytes: usize, step: usize, all: usize| {
            (bytes / (depth * size) / step * step).clamp(step, all.next_multiple_of(step))
        };
        // Pieces have panels of all depths in common.
        let shared = r.pieces.len() > 1;
        let cols = if shared || b_in_place { n.next_multiple_of(width) } else { most(SLAB_BYTES, width, n) };
        let rows = if shared || a_in_place {
            r.pieces[0].rows.next_multiple_of(high)
        } else {
            most(STRIPS_BYTES, high, m)
        };
        let panels = if b_in_place { 0 } else { cols * if shared { self.k } else { depth } };
        let strips = if a_in_place { 0 } else { depth * rows };
        with_scratch((width * high + panels + strips) * size, |memory| {
            let spare = memory.cast::<T>();
            let part = |piece: &Piece, number: usize, new: bool| {
                let (deep, down) = (self.k.div_ceil(depth), piece.rows.div_ceil(rows));
                let (first, k0, top) =
                    (number / down / deep * cols, number / down % deep * depth, number % down * rows);
                let k = depth.min(self.k - k0);
                let panel = if shared { k0 * cols + (piece.first - r.all.first) * k } else { 0 };
                Part {
                    k0,
                    k,
                    top: piece.top + top,
                    rows: rows.min(piece.rows - top),
                    first: piece.first + first,
                    cols: cols.min(piece.cols - first),
                    high,
                    new: new && top == 0,
                    panels: if b_in_place { null_mut() } else { spare.wrapping_add(width * high + panel) },
                    strips: if a_in_place { null_mut() } else { spare.wrapping_add(width * high + panels) },
                    spare,
                }
            };
            let mut new = true;
            loop {
                let parts = piece.cols.div_ceil(cols) * self.k.div_ceil(depth) * piece.rows.div_ceil(rows);
                // All panels are there when a piece over all columns is done.
                let still_new = new && !(shared && piece.cols == n);
                for number in 0..parts {
                    let p = part(&piece, number, new);
                    let known = (number + 1 < parts).then(|| part(&piece, number + 1, new));
                    // Another thread may take it.
                    let guess = || r.pieces.get(r.next.load(Relaxed)).map(|piece| part(piece, 0, still_new));
                    // SAFETY: the caller's promise; the scratch memory has room for all that.
                    unsafe { self.part(&p, known, guess) };
                    // While it is in cache.
                    if let Some(f) = self.finish.filter(|_| self.post.is_none() && p.k0 + p.k == self.k) {
                        f.part(p.top..p.top + p.rows, p.first..p.first + p.cols);
                    }
                }
                new = still_new;
                match r.take() {
                    Some(next) => piece = next,
                    None => break,
                }
            }
        })
    }
    /// What a part packs first.
    fn packs(&self, p: Part<T>) -> [Asks; 2] {
        let wide = self.width() * size_of::<T>();
        let (a, b) = (self.a.from(p.top, p.k0), self.b.from(p.k0, p.first));
        // Operands that are read in place are not asked for: they are read once or twice.
        let rows = if p.strips.is_null() { 0 } else { p.rows };
        let panel = if p.new && !p.panels.is_null() { self.width().min(p.cols) } else { 0 };
        [Asks::matrix(a, rows, p.k, wide, p.k), Asks::matrix(b, p.k, panel, wide, p.k)]
    }
    /// What tiles of a part read beside.
    fn beside(&self, p: &Part<T>) -> impl Iterator<Item = Asks> {
        let post = self.post.filter(|_| p.k0 + p.k == self.k);
        let (wide, top, first) = (self.width() * size_of::<T>(), p.top, p.first);
        let matrices = post.into_iter().flat_map(move |post| post.matrices(top, first));
        matrices.map(move |(ask, bytes)| Asks::new(ask, (p.rows, p.cols * bytes), wide, p.k))
    }
    /// Packs strips of A, panels of B if they are new, and multiplies them, while it asks for what the next part packs:
    /// `known`, or if there is none, a late `guess`.
    unsafe fn part(&self, p: &Part<T>, known: Option<Part<T>>, guess: impl Fn() -> Option<Part<T>>) {
        let (width, high, pack) = (self.width(), p.high, self.tiles.pack);
        let wide = width * size_of::<T>();
        let (a, b, c) = (self.a.from(p.top, p.k0), self.b.from(p.k0, p.first), self.c.from(p.top, p.first));
        // SAFETY: the caller's promise: there is room for whole strips and panels.
        unsafe {
            if !p.strips.is_null() {
                pack(p.strips, high, a, p.rows, p.k);
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
            let guessed = known.is_none();
            let mut later = Queue::new(self.beside(p).chain(known.into_iter().flat_map(|p| self.packs(p))));
            for j in (0..p.cols).step_by(width) {
                // Late enough for the guess, early enough to be of use.
                if guessed && (j + 1..j + 1 + width).contains(&(p.cols * 3 / 4)) {
                    later.extend(guess().into_iter().flat_map(|p| self.packs(p)));
                }
                let packed = panel(j, p.new);
                // The next panel: what it is packed from is needed at once; a packed one may have left the second level.
                let next = if p.panels.is_null() { 0 } else { p.cols.saturating_sub(j + width).min(width) };
                let mut panel = if p.new {
                    Asks::matrix(b.from(0, j + width), p.k, next, wide, p.k)
                } else {
                    let at = p.panels.wrapping_add((j + width) * p.k).cast_const();
                    Asks::matrix(Matrix { at, row: width as isize, col: 1 }, p.k, next, wide, p.k)
                };
                for i in (0..p.rows).step_by(high) {
                    let ask = if p.new {
                        panel.next().or_else(|| later.next())
                    } else {
                        later.next().or_else(|| panel.next())
                    };
                    tile(i, j, packed, ask.unwrap_or(nothing));
                }
            }
        }
    }
    /// The tile of C at this row and column of the part; through `spare` where the rows of C do not lie whole.
    #[inline]
    unsafe fn tile(&self, p: &Part<T>, a: Matrix<T>, b: Matrix<T>, (i, j): (usize, usize), ask: Ask) {
        let (rows, cols) = (p.high.min(p.rows - i), self.width().min(p.cols - j));
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
                    self.post((i, j), rows, cols, p.high);
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
