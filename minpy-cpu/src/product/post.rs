//! What follows a product element by element, done to each tile while it is in the first-level cache.
//!
//! `chain.rs` finds the operations; other programs run on larger blocks (`epilogue.rs`), which costs a product of
//! 512 x 512 x 512 5 to 8 % for a bias and an activation, 13 % where the slope is kept, and here 2 and 4 %. Written with
//! the functions of `Vector`: what the compiler made of loops over arrays was two to three times as large and took a third longer.

use super::ahead::Ask;
use super::tile::{Element, MOST_LANES, Vector, get, put};
use crate::machine::pool::Block;
use smallvec::SmallVec;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// An operation on the elements of a product, `v`. They are of the product's dtype unless it is said otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// With an operand, `x`.
    Add,
    Sub,
    /// x - v
    SubFrom,
    Mul,
    Maximum,
    /// The product is the second argument: which of two zeros, or NaNs, wins.
    MaximumOf,
    Minimum,
    MinimumOf,
    /// `x > by ? v : x == by ? v / 2 : 0`
    Taken,
    /// The same; `x` is uint8.
    TakenByte,
    /// Writes `v > by ? 2 : v == by ? 1 : 0`, uint8.
    Side,
    /// Writes `v`.
    Store,
}

/// An operation and its operand, or the output that it writes, for one matrix.
#[derive(Clone, Copy)]
pub(crate) struct PostOp {
    pub kind: Kind,
    /// Element of the first row and column.
    pub at: *mut u8,
    /// Bytes between rows.
    pub row: isize,
    /// Bytes between columns: an element, or 0.
    pub col: isize,
    /// A number to compare with.
    pub by: *const u8,
}

// SAFETY: views of memory that dispatch keeps alive during the call; tiles are disjoint.
unsafe impl Send for PostOp {}
// SAFETY: as above.
unsafe impl Sync for PostOp {}

/// Sums over the rows of what the operations made of a product: of each tile, one line; so that they do not depend on who
/// computes which tile.
pub(crate) struct Sums {
    memory: Block,
    /// Bytes of a line.
    line: usize,
    /// Lines that there will be; 0 as long as no product has begun to make them.
    lines: AtomicUsize,
}

impl Sums {
    /// For a product of `m` rows and `n` columns, of elements of `size` bytes. `None` without memory.
    pub fn new(m: usize, n: usize, size: usize) -> Option<Sums> {
        // No tile of several has less than 4 rows.
        Some(Sums {
            memory: Block::new(m.div_ceil(4) * n * size).ok()?,
            line: n * size,
            lines: AtomicUsize::new(0),
        })
    }
    /// A product of so many rows of tiles begins, all of which will be summed.
    pub(super) fn begin(&self, lines: usize) {
        assert!(lines * self.line <= self.memory.bytes(), "tiles are lower than sums know");
        self.lines.store(lines, Relaxed);
    }
    #[cfg(test)]
    #[allow(clippy::mut_from_ref, reason = "of one thread")]
    pub(super) fn line<T>(&self, number: usize) -> &mut [T] {
        // SAFETY: lines are apart.
        unsafe {
            let at = self.memory.at().add(number * self.line).cast::<T>();
            std::slice::from_raw_parts_mut(at, self.line / size_of::<T>())
        }
    }
    /// Writes the sums, one for each column; `false` if no product made any.
    ///
    /// # Safety
    /// The product is done; `out` has room for its columns.
    pub unsafe fn finish<T: Element>(&self, out: *mut T) -> bool {
        let (lines, n) = (self.lines.load(Relaxed), self.line / size_of::<T>());
        if lines == 0 {
            return false;
        }
        // SAFETY: the caller's promise; all lines were written, and `out` is elsewhere.
        unsafe {
            let at = self.memory.at().cast_const().cast::<T>();
            let out = std::slice::from_raw_parts_mut(out, n);
            out.copy_from_slice(std::slice::from_raw_parts(at, n));
            for l in 1..lines {
                let line = std::slice::from_raw_parts(at.add(l * n), n);
                out.iter_mut().zip(line).for_each(|(sum, &x)| *sum = *sum + x);
            }
        }
        true
    }
}

/// Operations in their order, and sums of what comes of them.
pub(crate) struct Post<'a> {
    pub ops: SmallVec<[PostOp; 4]>,
    pub sums: Option<&'a Sums>,
}

impl Post<'_> {
    /// The operands and outputs with an element for each of the product: from this row and column on, bytes of an element.
    pub fn matrices(&self, i: usize, j: usize) -> impl Iterator<Item = (Ask, usize)> {
        self.ops.iter().filter(|op| op.row != 0 && op.col != 0).map(move |op| {
            let at = op.at.cast_const().wrapping_offset(i as isize * op.row + j as isize * op.col);
            (Ask { at, step: op.row }, op.col.unsigned_abs())
        })
    }
}

/// A tile of the product.
#[derive(Clone, Copy)]
pub(crate) struct Tile<T> {
    pub at: *mut T,
    /// Elements between rows.
    pub step: isize,
    /// Row and column of its first element in the whole matrix.
    pub i: usize,
    pub j: usize,
    pub rows: usize,
    pub cols: usize,
    /// How many rows of tiles are above it.
    pub above: usize,
}

/// Rows that are in registers at once.
const ROWS: usize = 6;

/// Does all operations to a tile. Every wrapper inlines it (`x86.rs`).
///
/// # Safety
/// The machine has the instructions; the tile may be written; the operands and outputs have all its rows and columns, and
/// overlap neither it nor each other (operands may be the same).
#[inline(always)]
pub(super) unsafe fn post<S: Vector>(post: &Post<'_>, tile: Tile<S::T>) {
    for i in (0..tile.rows).step_by(ROWS) {
        // SAFETY: handed on.
        unsafe {
            if tile.cols == 2 * S::N {
                block::<S, 2, false>(post, tile, i);
            } else if tile.cols > S::N {
                block::<S, 2, true>(post, tile, i);
            } else {
                block::<S, 1, true>(post, tile, i);
            }
        }
    }
}

/// `post` for the rows from `i` on, of `WIDE` registers, of which the last one may hold fewer elements.
#[inline(always)]
unsafe fn block<S: Vector, const WIDE: usize, const PART: bool>(post: &Post, tile: Tile<S::T>, i: usize) {
    // Where there are fewer rows, the last one stands for those that are missing: all are read before any is written.
    let row: [isize; ROWS] = std::array::from_fn(|r| (i + r).min(tile.rows - 1) as isize);
    let last = tile.cols - (WIDE - 1) * S::N;
    // SAFETY: the promise of `post`.
    unsafe {
        let mask = S::mask(last);
        let mut v = [[S::zero(); WIDE]; ROWS];
        // Macros: closures would lose the instruction set of the wrapper.
        macro_rules! rows {
            (|$v:ident, $r:ident, $w:ident, $part:ident| $e:expr) => {
                for (&$r, v) in row.iter().zip(&mut v) {
                    for ($w, $v) in v.iter_mut().enumerate() {
                        let $part = PART && $w == WIDE - 1;
                        $e
                    }
                }
            };
        }
        rows!(|v, r, w, part| *v =
            get::<S>(tile.at.wrapping_offset(r * tile.step).wrapping_add(w * S::N), part, mask));
        for op in &post.ops {
            let from = op.at.wrapping_offset(tile.i as isize * op.row + tile.j as isize * op.col);
            let at = |r: isize, w: usize| {
                from.wrapping_offset(r * op.row).wrapping_offset((w * S::N) as isize * op.col)
            };
            macro_rules! with {
                (|$v:ident, $x:ident| $e:expr) => {
                    if op.col == 0 {
                        rows!(|v, r, _w, _part| {
                            let ($v, $x) = (*v, S::splat(from.wrapping_offset(r * op.row).cast()));
                            *v = $e;
                        })
                    } else {
                        rows!(|v, r, w, part| {
                            let ($v, $x) = (*v, get::<S>(at(r, w).cast(), part, mask));
                            *v = $e;
                        })
                    }
                };
            }
            match op.kind {
                Kind::Add => with!(|v, x| S::add(v, x)),
                Kind::Sub => with!(|v, x| S::sub(v, x)),
                Kind::SubFrom => with!(|v, x| S::sub(x, v)),
                Kind::Mul => with!(|v, x| S::mul(v, x)),
                Kind::Maximum => with!(|v, x| S::maximum(v, x)),
                Kind::MaximumOf => with!(|v, x| S::maximum(x, v)),
                Kind::Minimum => with!(|v, x| S::minimum(v, x)),
                Kind::MinimumOf => with!(|v, x| S::minimum(x, v)),
                Kind::Taken => {
                    let by = S::splat(op.by.cast());
                    with!(|v, x| taken::<S>(v, x, by))
                }
                Kind::TakenByte => {
                    let by = S::splat(op.by.cast());
                    rows!(|v, r, w, part| {
                        let (mut bytes, mut whole) = (at(r, w).cast_const(), [0u8; MOST_LANES]);
                        if part {
                            bytes.copy_to_nonoverlapping(whole.as_mut_ptr(), last);
                            bytes = whole.as_ptr();
                        }
                        *v = taken::<S>(*v, S::widen(bytes), by);
                    });
                }
                Kind::Side => {
                    let (by, one) = (S::splat(op.by.cast()), S::splat(&S::T::ONE));
                    let two = S::add(one, one);
                    rows!(|v, r, w, part| {
                        let side = S::above(*v, by, two, S::equal(*v, by, one, S::zero()));
                        if part {
                            let mut whole = [0u8; MOST_LANES];
                            S::narrow(whole.as_mut_ptr(), side);
                            at(r, w).copy_from_nonoverlapping(whole.as_ptr(), last);
                        } else {
                            S::narrow(at(r, w), side);
                        }
                    });
                }
                Kind::Store => rows!(|v, r, w, part| put::<S>(at(r, w).cast(), part, mask, *v)),
            }
        }
        rows!(|v, r, w, part| put::<S>(
            tile.at.wrapping_offset(r * tile.step).wrapping_add(w * S::N),
            part,
            mask,
            *v
        ));
        if let Some(sums) = post.sums {
            let to = sums.memory.at().wrapping_add(tile.above * sums.line).cast::<S::T>();
            let to = to.wrapping_add(tile.j);
            for w in 0..WIDE {
                let (to, part) = (to.wrapping_add(w * S::N), PART && w == WIDE - 1);
                let mut sum = v[0][w];
                if i > 0 {
                    sum = S::add(get::<S>(to, part, mask), sum);
                }
                // By number, not by a count of rows: they would have to lie in memory for that.
                for (r, v) in v.iter().enumerate().skip(1) {
                    if i + r < tile.rows {
                        sum = S::add(sum, v[w]);
                    }
                }
                put::<S>(to, part, mask, sum);
            }
        }
    }
}

/// `x > by ? v : x == by ? v / 2 : 0`, see `prims/fused.rs`.
#[inline(always)]
unsafe fn taken<S: Vector>(v: S::V, x: S::V, by: S::V) -> S::V {
    // SAFETY: the machine has the instructions.
    unsafe { S::above(x, by, v, S::equal(x, by, S::mul(v, S::splat(&S::T::HALF)), S::zero())) }
}
