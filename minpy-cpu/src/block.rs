//! The walk of a program over a strided space, block by block: shared by elementwise work and reductions.
//!
//! A block is `rows` x `cols` of the last two axes. Inputs that lie contiguously in it are read in place, repeated ones
//! are single elements, others are gathered into block memory (once, when several blocks in a row see the same).

use crate::frame::Frame;
use crate::program::Compiled;
use crate::strided::{Space, copy2d};
use smallvec::SmallVec;

/// How an operand is seen by a block.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Reach {
    /// In place.
    Direct,
    /// One element for the whole block.
    Scalar,
    /// Through block memory.
    Gather,
}

/// A space cut into blocks of its last two axes.
pub(crate) struct Tiling {
    pub rows: usize,
    pub cols: usize,
    pub block_rows: usize,
    pub block_cols: usize,
    /// Blocks per axis: outer axes, then row blocks, then column blocks.
    pub counts: SmallVec<[usize; 8]>,
}

impl Tiling {
    /// Chooses the shape of blocks of at most `c.block` elements; `one_row` keeps them to one row each.
    pub fn new(space: &Space, c: &Compiled, one_row: bool) -> Tiling {
        let nd = space.dims.len();
        let cols = space.dims[nd - 1];
        let rows = if nd > 1 { space.dims[nd - 2] } else { 1 };
        let transposed = nd > 1
            && (0..space.base.len()).any(|op| {
                let (r, c) =
                    (space.stride(op, nd - 2).unsigned_abs(), space.stride(op, nd - 1).unsigned_abs());
                r != 0 && r <= 16 && c > 64
            });
        // Several short rows are taken at once: a block costs some 30 ns before anything is computed.
        let long = 256;
        let (block_rows, block_cols) = if one_row || rows == 1 {
            (1, cols.min(c.block))
        } else if transposed {
            let r = rows.min(16);
            (r, cols.min(c.block / r))
        } else if cols >= long {
            (1, cols.min(c.block))
        } else {
            (rows.min(c.block / cols), cols)
        };
        Tiling::cut(space, block_rows, block_cols)
    }
    /// Blocks of that shape.
    pub fn cut(space: &Space, block_rows: usize, block_cols: usize) -> Tiling {
        let nd = space.dims.len();
        let cols = space.dims[nd - 1];
        let rows = if nd > 1 { space.dims[nd - 2] } else { 1 };
        let mut counts: SmallVec<[usize; 8]> = space.dims[..nd.saturating_sub(2)].into();
        counts.push(rows.div_ceil(block_rows));
        counts.push(cols.div_ceil(block_cols));
        Tiling { rows, cols, block_rows, block_cols, counts }
    }
    /// How an operand with elements of `size` bytes is seen.
    pub fn reach(&self, space: &Space, op: usize, size: isize) -> Reach {
        let nd = space.dims.len();
        let c = if self.block_cols == 1 { size } else { space.stride(op, nd - 1) };
        let r = if nd > 1 { space.stride(op, nd - 2) } else { 0 };
        if self.block_rows == 1 {
            match c {
                0 => Reach::Scalar,
                c if c == size => Reach::Direct,
                _ => Reach::Gather,
            }
        } else if c == 0 && r == 0 {
            Reach::Scalar
        } else if c == size && r == size * self.block_cols as isize && self.block_cols == self.cols {
            Reach::Direct
        } else {
            Reach::Gather
        }
    }
    /// Digits of block number `i` over `counts`.
    pub fn digits(counts: &[usize], mut i: usize) -> SmallVec<[usize; 8]> {
        let mut at: SmallVec<[usize; 8]> = SmallVec::from_elem(0, counts.len());
        for (digit, &n) in at.iter_mut().zip(counts).rev() {
            *digit = i % n;
            i /= n;
        }
        at
    }
    /// The next block's digits.
    #[inline]
    pub fn advance(counts: &[usize], at: &mut [usize]) {
        for (digit, &n) in at.iter_mut().zip(counts).rev() {
            *digit += 1;
            if *digit < n {
                return;
            }
            *digit = 0;
        }
    }
}

/// A program about to walk over a space whose operands are `lead` others, the inputs, and the index when it is used.
pub(crate) struct Walk<'a> {
    pub c: &'a Compiled,
    pub space: &'a Space,
    pub t: Tiling,
    lead: usize,
    reach: SmallVec<[Reach; 8]>,
    gathers: usize,
}

/// The state of one thread on its walk.
pub(crate) struct Walker<'a> {
    pub frame: Frame<'a>,
    gathered: *mut u8,
    last: SmallVec<[(isize, usize, usize); 6]>,
}

impl<'a> Walk<'a> {
    /// Decides how every input is read.
    pub fn new(c: &'a Compiled, space: &'a Space, t: Tiling, lead: usize) -> Walk<'a> {
        let mut reach: SmallVec<[Reach; 8]> =
            (0..c.inputs).map(|i| t.reach(space, lead + i, c.input_sizes[i] as isize)).collect();
        if c.index.is_some() {
            reach.push(Reach::Gather);
        }
        let gathers = reach.iter().filter(|&&r| r == Reach::Gather).count();
        Walk { c, space, t, lead, reach, gathers }
    }
    /// Scratch bytes that a walker needs.
    pub fn scratch_bytes(&self) -> usize {
        Frame::scratch_bytes(self.c) + self.gathers * self.c.temp_bytes
    }
    /// A walker over `memory` of `scratch_bytes`.
    pub fn walker(&self, memory: *mut u8) -> Walker<'a> {
        Walker {
            frame: Frame::new(self.c, memory, |i| self.reach[i] == Reach::Scalar),
            gathered: memory.wrapping_add(Frame::scratch_bytes(self.c)),
            last: SmallVec::from_elem((isize::MIN, 0, 0), self.gathers),
        }
    }
    /// Rows and columns of the block at `at`.
    #[inline]
    pub fn extent(&self, at: &[usize]) -> (usize, usize) {
        let (t, k) = (&self.t, at.len());
        let (r0, c0) = (at[k - 2] * t.block_rows, at[k - 1] * t.block_cols);
        (t.block_rows.min(t.rows - r0), t.block_cols.min(t.cols - c0))
    }
    /// Address of an operand's first element in the block at `at`.
    #[inline]
    pub fn address(&self, op: usize, at: &[usize]) -> isize {
        let (s, k, nd) = (self.space, at.len(), self.space.dims.len());
        let mut a = s.base[op] + (at[k - 1] * self.t.block_cols) as isize * s.stride(op, nd - 1);
        if nd > 1 {
            a += (at[k - 2] * self.t.block_rows) as isize * s.stride(op, nd - 2);
            for (d, &i) in at[..k - 2].iter().enumerate() {
                a += i as isize * s.stride(op, d);
            }
        }
        a
    }
    /// Bytes between rows and between columns of an operand.
    #[inline]
    pub fn steps(&self, op: usize) -> (isize, isize) {
        let nd = self.space.dims.len();
        (if nd > 1 { self.space.stride(op, nd - 2) } else { 0 }, self.space.stride(op, nd - 1))
    }
    /// Points the walker's table at the block at `at`.
    ///
    /// # Safety
    /// The operands' views hold the elements that the space describes.
    #[inline]
    pub unsafe fn load(&self, w: &mut Walker, at: &[usize]) {
        let (rows, cols) = self.extent(at);
        let mut g = 0;
        for i in 0..self.reach.len() {
            let op = self.lead + i;
            let a = self.address(op, at);
            let place = if i < self.c.inputs { i } else { self.c.index.map_or(0, usize::from) };
            if self.reach[i] != Reach::Gather {
                w.frame.ptr[place] = a as *const u8;
                continue;
            }
            let buffer = w.gathered.wrapping_add(g * self.c.temp_bytes);
            // A broadcast operand looks the same in many blocks.
            if w.last[g] != (a, rows, cols) {
                w.last[g] = (a, rows, cols);
                if i == self.c.inputs {
                    positions(buffer.cast(), a, self.steps(op), rows, cols);
                } else {
                    let size = self.c.input_sizes[i] as usize;
                    let to = ((size * cols) as isize, size as isize);
                    // SAFETY: the view holds these elements; the buffer has room for a block.
                    unsafe { copy2d(buffer, to, a as *const u8, self.steps(op), rows, cols, size) };
                }
            }
            w.frame.ptr[place] = buffer;
            g += 1;
        }
    }
}

/// Positions in the iteration space, int64.
fn positions(buffer: *mut i64, first: isize, (r, c): (isize, isize), rows: usize, cols: usize) {
    for i in 0..rows {
        for j in 0..cols {
            let x = first + i as isize * r + j as isize * c;
            // SAFETY: the buffer has room for a block of 8-byte elements.
            unsafe { *buffer.add(i * cols + j) = x as i64 };
        }
    }
}
