//! The walk of a program over a strided space, block by block: shared by elementwise work and reductions.
//!
//! A block is `rows` x `cols` of the last two axes; where these are short, whole axes more. Inputs that lie contiguously
//! in it are read in place, repeated ones are single elements, others are gathered into block memory (once, when
//! several blocks in a row see the same).

use super::frame::Frame;
use super::program::Compiled;
use super::runs::ramp;
use super::strided::{Space, copy_nd, copy2d};
use smallvec::SmallVec;
use std::ops::Range;

/// Elements of a block that make up for the 30 ns that it costs before anything is computed.
pub(crate) const LONG: usize = 256;

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

/// A space cut into blocks of its last axes.
pub(crate) struct Tiling {
    pub rows: usize,
    pub cols: usize,
    pub block_rows: usize,
    pub block_cols: usize,
    /// The axis of the rows. The axes between it and the last one are in every block as a whole.
    row_axis: usize,
    /// Blocks per axis: outer axes, then row blocks, then column blocks.
    pub counts: SmallVec<[usize; 8]>,
}

impl Tiling {
    /// Chooses the shape of blocks of at most `c.block` elements.
    pub fn new(space: &Space, c: &Compiled) -> Tiling {
        let nd = space.dims.len();
        let cols = space.dims[nd - 1];
        let rows = if nd > 1 { space.dims[nd - 2] } else { 1 };
        let transposed = nd > 1
            && (0..space.base.len()).any(|op| {
                let (r, c) =
                    (space.stride(op, nd - 2).unsigned_abs(), space.stride(op, nd - 1).unsigned_abs());
                r != 0 && r <= 16 && c > 64
            });
        if rows == 1 || cols >= LONG && !transposed {
            Tiling::cut(space, 1, cols.min(c.block))
        } else if rows * cols < LONG && nd > 2 {
            Tiling::deep(space, 0, c.block)
        } else if transposed {
            let r = rows.min(16);
            Tiling::cut(space, r, cols.min(c.block / r))
        } else {
            Tiling::cut(space, rows.min(c.block / cols), cols)
        }
    }
    /// Blocks of that shape.
    pub fn cut(space: &Space, block_rows: usize, block_cols: usize) -> Tiling {
        Tiling::with(space, space.dims.len().saturating_sub(2), block_rows, block_cols)
    }
    /// Blocks of at most `most` elements of as many whole axes as that allows, but none before `first`.
    pub fn deep(space: &Space, first: usize, most: usize) -> Tiling {
        let nd = space.dims.len();
        let cols = space.dims[nd - 1];
        let mut row_axis = nd.saturating_sub(2);
        if nd < 2 || cols >= most {
            return Tiling::with(space, row_axis, 1, cols.min(most));
        }
        let mut inner = cols;
        while row_axis > first && inner * space.dims[row_axis] * 2 <= most {
            inner *= space.dims[row_axis];
            row_axis -= 1;
        }
        Tiling::with(space, row_axis, space.dims[row_axis].min(most / inner), cols)
    }
    fn with(space: &Space, row_axis: usize, block_rows: usize, block_cols: usize) -> Tiling {
        let nd = space.dims.len();
        let cols = space.dims[nd - 1];
        let rows = if nd > 1 { space.dims[row_axis] } else { 1 };
        let mut counts: SmallVec<[usize; 8]> = space.dims[..row_axis].into();
        counts.push(rows.div_ceil(block_rows));
        counts.push(cols.div_ceil(block_cols));
        Tiling { rows, cols, block_rows, block_cols, row_axis, counts }
    }
    /// The axes that are whole in every block, the last one not among them.
    fn between(&self, space: &Space) -> Range<usize> {
        let last = space.dims.len() - 1;
        (self.row_axis + 1).min(last)..last
    }
    /// Elements of one row of a block: those of the whole axes and columns.
    pub fn row_len(&self, space: &Space) -> usize {
        space.dims[self.between(space)].iter().product::<usize>() * self.block_cols
    }
    /// Elements of a block that no edge cuts short.
    pub fn block_len(&self, space: &Space) -> usize {
        self.block_rows * self.row_len(space)
    }
    /// How an operand with elements of `size` bytes is seen.
    pub fn reach(&self, space: &Space, op: usize, size: isize) -> Reach {
        let last = space.dims.len() - 1;
        // Stride and size of every axis on which a block has more than one element, from the inside out.
        let mut axes: SmallVec<[(isize, usize); 6]> = SmallVec::new();
        if self.block_cols > 1 {
            axes.push((space.stride(op, last), self.block_cols));
        }
        axes.extend(self.between(space).rev().map(|a| (space.stride(op, a), space.dims[a])));
        if self.block_rows > 1 {
            axes.push((space.stride(op, self.row_axis), self.block_rows));
        }
        let mut dense = size;
        // Rows of blocks that are cut do not follow one another.
        let mut direct = self.block_rows == 1 || self.block_cols == self.cols;
        for &(stride, n) in &axes {
            direct &= stride == dense;
            dense *= n as isize;
        }
        if direct {
            Reach::Direct
        } else if axes.iter().all(|a| a.0 == 0) {
            Reach::Scalar
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
    /// Rows for each row of the row axis: the elements of the whole axes.
    between: usize,
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
        let between = space.dims[t.between(space)].iter().product();
        Walk { c, space, t, lead, reach, gathers, between }
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
    /// Rows (each column of the whole axes counts) and columns of the block at `at`.
    #[inline]
    pub fn extent(&self, at: &[usize]) -> (usize, usize) {
        let (rows, cols) = self.cut(at);
        (rows * self.between, cols)
    }
    /// Rows of the row axis, and columns.
    #[inline]
    fn cut(&self, at: &[usize]) -> (usize, usize) {
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
            a += (at[k - 2] * self.t.block_rows) as isize * s.stride(op, self.t.row_axis);
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
    /// Sizes of the block at `at`, the strides of an operand in it, and those of elements of `size` bytes side by side.
    fn shape(&self, op: usize, at: &[usize], size: usize) -> Shape {
        let (rows, cols) = self.cut(at);
        let (s, last) = (self.space, self.space.dims.len() - 1);
        let mut shape = Shape::default();
        let row = if last > 0 { s.stride(op, self.t.row_axis) } else { 0 };
        let between = self.t.between(s).map(|a| (s.dims[a], s.stride(op, a)));
        for (n, stride) in std::iter::once((rows, row)).chain(between).chain([(cols, s.stride(op, last))]) {
            shape.dims.push(n);
            shape.strides.push(stride);
        }
        shape.dense.resize(shape.dims.len(), 0);
        let mut step = size as isize;
        for (d, &n) in shape.dense.iter_mut().zip(&shape.dims).rev() {
            *d = step;
            step *= n as isize;
        }
        shape
    }
    /// Writes a block's values, which lie side by side at `from` or are one element there, to an operand.
    ///
    /// # Safety
    /// The operand's view has room for the block; `from` holds it, outside of that view.
    #[inline]
    pub unsafe fn store(&self, op: usize, at: &[usize], from: *const u8, single: bool, size: usize) {
        let to = self.address(op, at) as *mut u8;
        if self.between == 1 {
            let (rows, cols) = self.cut(at);
            let from_steps = if single { (0, 0) } else { ((size * cols) as isize, size as isize) };
            // SAFETY: the caller's promise.
            unsafe { copy2d(to, self.steps(op), from, from_steps, rows, cols, size) };
            return;
        }
        let mut shape = self.shape(op, at, size);
        if single {
            shape.dense.fill(0);
        }
        // SAFETY: the caller's promise.
        unsafe { copy_nd(to, &shape.strides, from, &shape.dense, &shape.dims, size) };
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
                    let shape = self.shape(op, at, 8);
                    positions(buffer.cast(), a, &shape);
                } else if self.between == 1 {
                    let size = self.c.input_sizes[i] as usize;
                    let to = ((size * cols) as isize, size as isize);
                    // SAFETY: the view holds these elements; the buffer has room for a block.
                    unsafe { copy2d(buffer, to, a as *const u8, self.steps(op), rows, cols, size) };
                } else {
                    let size = self.c.input_sizes[i] as usize;
                    let shape = self.shape(op, at, size);
                    // SAFETY: as above.
                    unsafe {
                        copy_nd(buffer, &shape.dense, a as *const u8, &shape.strides, &shape.dims, size)
                    };
                }
            }
            w.frame.ptr[place] = buffer;
            g += 1;
        }
    }
}

/// A block as one operand sees it: sizes, strides in bytes, and strides of the block's own memory.
#[derive(Default)]
struct Shape {
    dims: SmallVec<[usize; 8]>,
    strides: SmallVec<[isize; 8]>,
    dense: SmallVec<[isize; 8]>,
}

/// Positions in the iteration space, int64.
fn positions(buffer: *mut i64, first: isize, shape: &Shape) {
    let Some((&cols, rows)) = shape.dims.split_last() else { return };
    let step = shape.strides[rows.len()] as i64;
    let mut at: SmallVec<[usize; 8]> = SmallVec::from_elem(0, rows.len());
    for row in 0..rows.iter().product::<usize>() {
        let start = first + at.iter().zip(&shape.strides).map(|(&i, &s)| i as isize * s).sum::<isize>();
        // SAFETY: the buffer has room for a block of 8-byte elements.
        let line = unsafe { std::slice::from_raw_parts_mut(buffer.add(row * cols), cols) };
        ramp(line, start as i64, step);
        Tiling::advance(rows, &mut at);
    }
}
