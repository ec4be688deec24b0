//! Reductions of floats in NumPy's order, where it is not that of `reduce.rs` already.
//!
//! NumPy sorts the axes by their strides. Those at the inner end that are reduced are added in pairs (`pairwise.rs`), and the results one
//! after another along the other reduced axes; if the finest axis is kept, all is added one after another. Reduced axes at the inner end that
//! do not run as one are copied to a buffer of 8,192 elements first, as are elements of another dtype, and so added in pieces. What a program
//! computes on the way would be an array of its own there, whose axes run as one. Products go from element to element.

use super::fold::{Folder, Order};
use super::pairwise::{self, Pairwise, Summed};
use super::reduce::Reduction;
use crate::elementwise::block::{LONG, Tiling, Walk};
use crate::elementwise::min_items;
use crate::elementwise::strided::Space;
use crate::machine::pool::Block;
use crate::machine::scratch::with_scratch;
use crate::machine::threads::{parallel_for, usable_threads};
use crate::prims::half;
use minpy_core::{DType, Error, ErrorKind, Result};
use num_complex::{Complex32, Complex64};
use smallvec::SmallVec;
use std::ops::Range;

/// Elements of NumPy's buffers.
const BUFFER: usize = 8192;
/// Elements of a part of a long sum that a thread computes.
const PART: usize = 16 << 10;

/// Where the elements come from, as NumPy sees it.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Source {
    /// An array of their dtype.
    Array,
    /// An array of another dtype.
    Converted,
    /// A program.
    Computed,
}

/// One output's elements in NumPy's order: the first `kept` axes of the space are those of the output, the last `inner` ones are added in pairs.
pub(super) struct Sums<'a> {
    pub of: &'a Reduction<'a>,
    pub space: &'a Space,
    pub kept: usize,
    pub inner: usize,
    pub source: Source,
}

/// Pieces of the inner axes, which are added one after another.
fn pieces(sizes: &[usize], source: Source) -> SmallVec<[Range<usize>; 1]> {
    let n: usize = sizes.iter().product();
    let mut list = SmallVec::new();
    let whole = source == Source::Computed || sizes.len() == 1 && source == Source::Array;
    if whole || n <= BUFFER {
        list.push(0..n);
        return list;
    }
    // As many of the inner axes as fit the buffer, and as many times that of the next one.
    let (mut core, mut axis) = (1, sizes.len());
    while axis > 0 && core * sizes[axis - 1] <= BUFFER {
        axis -= 1;
        core *= sizes[axis];
    }
    let (step, period) = match (axis, source) {
        // A finest axis that does not fit is read where it lies.
        (a, Source::Array) if a == sizes.len() => (sizes[a - 1], sizes[a - 1]),
        (a, _) if a == sizes.len() => (BUFFER, sizes[a - 1]),
        (a, _) => (BUFFER / core * core, core * sizes[a - 1]),
    };
    for first in (0..n).step_by(period) {
        list.extend((0..period).step_by(step).map(|from| first + from..first + (from + step).min(period)));
    }
    list
}

/// Calls `f` with boxes of a space that hold the elements of a range of positions, in order.
fn boxes(space: &Space, range: Range<usize>, f: &mut impl FnMut(&Space) -> Result<()>) -> Result<()> {
    if range.is_empty() {
        return Ok(());
    }
    if space.dims.len() == 1 {
        return f(&space.part(range));
    }
    let row: usize = space.dims[1..].iter().product();
    let (mut first, from) = (range.start / row, range.start % row);
    let (last, to) = (range.end / row, range.end % row);
    if first == last {
        return boxes(&space.within(&[first]), from..to, f);
    }
    if from > 0 {
        boxes(&space.within(&[first]), from..row, f)?;
        first += 1;
    }
    if first < last {
        f(&space.part(first..last))?;
    }
    boxes_of_last(space, last, to, f)
}
fn boxes_of_last(
    space: &Space,
    row: usize,
    to: usize,
    f: &mut impl FnMut(&Space) -> Result<()>,
) -> Result<()> {
    if to > 0 { boxes(&space.within(&[row]), 0..to, f) } else { Ok(()) }
}

impl Sums<'_> {
    /// Calls `feed` with the values of a range of positions of a space, in order.
    fn values(
        &self,
        space: &Space,
        range: Range<usize>,
        feed: &mut dyn FnMut(*const u8, usize),
    ) -> Result<()> {
        let c = self.of.c;
        boxes(space, range, &mut |part| {
            let nd = part.dims.len();
            let cols = part.dims[nd - 1];
            let rows = if nd > 1 { part.dims[nd - 2] } else { 1 };
            let t = if cols >= c.block {
                Tiling::cut(part, 1, c.block)
            } else if rows * cols < LONG && nd > 2 {
                Tiling::deep(part, 0, c.block)
            } else {
                Tiling::cut(part, rows.min(c.block / cols).max(1), cols)
            };
            let walk = Walk::new(c, part, t, 1);
            let base = walk.scratch_bytes().next_multiple_of(64);
            with_scratch(base + self.of.spare_bytes(), |memory| {
                let mut w = walk.walker(memory);
                let mut at = Tiling::digits(&walk.t.counts, 0);
                for _ in 0..walk.t.counts.iter().product() {
                    let (rows, cols) = walk.extent(&at);
                    // SAFETY: the views hold what the space describes; the scratch memory was sized for it.
                    unsafe {
                        walk.load(&mut w, &at);
                        feed(self.of.values(&mut w, rows * cols, memory.add(base)), rows * cols);
                    }
                    Tiling::advance(&walk.t.counts, &mut at);
                }
            })
        })
    }
    /// Sizes of the axes between those of the output and the inner ones.
    fn passes(&self) -> &[usize] {
        &self.space.dims[self.kept..self.space.dims.len() - self.inner]
    }
    /// Writes an output's value.
    fn put(&self, at: &[usize], value: *const u8) {
        let to = self.space.within_base(at);
        let of = self.of;
        // SAFETY: the output has an element there; the value is one.
        unsafe {
            if of.narrow {
                (half::narrow())(value, to as *mut u8, 1);
            } else {
                std::ptr::copy_nonoverlapping(value, to as *mut u8, of.folder.size);
            }
        }
    }
    pub fn run(&self) -> Result<()> {
        match self.of.folder.order {
            Order::Pairs(DType::F32) => self.sums::<f32>(),
            Order::Pairs(DType::F64) => self.sums::<f64>(),
            Order::Pairs(DType::C64) => self.sums::<Complex32>(),
            Order::Pairs(DType::C128) => self.sums::<Complex64>(),
            Order::Running(go_on) => self.running(go_on),
            _ => Err(Error::new(ErrorKind::Runtime, "cpu: a fold of no order was to be done in order")),
        }
    }
    /// Elements of the inner axes, of all that an output is made of, and the outputs.
    fn sizes(&self) -> (usize, usize, usize) {
        let d = &self.space.dims;
        let inner = d[d.len() - self.inner..].iter().product();
        let passes: usize = self.passes().iter().product();
        (inner, inner * passes, d[..self.kept].iter().product())
    }
    /// Calls `f` with the digits of each output.
    fn outputs(&self, f: impl Fn(&[usize]) -> Result<()> + Sync) -> Result<()> {
        let (_, each, outputs) = self.sizes();
        let kept = &self.space.dims[..self.kept];
        parallel_for(outputs, (min_items(self.of.c.cost + 1) / each).max(1), |range| {
            let mut at = Tiling::digits(kept, range.start);
            for _ in range {
                f(&at)?;
                Tiling::advance(kept, &mut at);
            }
            Ok(())
        })
    }
    fn running(&self, go_on: unsafe fn(*mut u8, *const u8, usize)) -> Result<()> {
        let (_, each, _) = self.sizes();
        self.outputs(|at| {
            let mut acc = [0u128; 1];
            let (to, size) = (acc.as_mut_ptr().cast::<u8>(), self.of.folder.size);
            let mut begun = false;
            self.values(&self.space.within(at), 0..each, &mut |p, n| {
                // SAFETY: `n` values at `p`; room for one at `to`.
                unsafe {
                    let taken = usize::from(!begun);
                    if !begun {
                        std::ptr::copy_nonoverlapping(p, to, size);
                        begun = true;
                    }
                    go_on(to, p.add(taken * size), n - taken);
                }
            })?;
            self.put(at, to);
            Ok(())
        })
    }
    fn sums<T: Summed>(&self) -> Result<()> {
        let (inner, each, outputs) = self.sizes();
        let d = &self.space.dims;
        let pieces = pieces(&d[d.len() - self.inner..], self.source);
        let passes = self.passes();
        let threads = usable_threads();
        if each < 2 * PART || outputs >= 2 * threads || threads == 1 {
            return self.outputs(|at| {
                let mut sum = T::ZERO;
                let mut at: SmallVec<[usize; 8]> = at.into();
                at.extend(passes.iter().map(|_| 0));
                for _ in 0..passes.iter().product() {
                    let space = self.space.within(&at);
                    for piece in &pieces {
                        sum = sum + self.pairs::<T>(&space, piece.clone())?;
                    }
                    Tiling::advance(passes, &mut at[self.kept..]);
                }
                self.put(&at[..self.kept], (&raw const sum).cast());
                Ok(())
            });
        }
        // Few outputs, each of much: parts of pieces of passes go to several threads, and are put together in order.
        let mut parts = Vec::new();
        for piece in &pieces {
            pairwise::parts::<T>(piece.start, piece.len(), PART, &mut |first, n| {
                parts.push(first..first + n)
            });
        }
        let all = passes.iter().product::<usize>() * parts.len();
        let memory = Block::of::<T>(all)?;
        let to = memory.at() as usize;
        let mut at = Tiling::digits(&d[..self.kept], 0);
        for _ in 0..outputs {
            let least = (min_items(self.of.c.cost + 1) * parts.len() / inner).max(1);
            parallel_for(all, least, |range| {
                for i in range {
                    let mut at: SmallVec<[usize; 8]> = at[..].into();
                    at.extend(Tiling::digits(passes, i / parts.len()));
                    let sum = self.pairs::<T>(&self.space.within(&at), parts[i % parts.len()].clone())?;
                    // SAFETY: every part has its place.
                    unsafe { (to as *mut T).add(i).write(sum) };
                }
                Ok(())
            })?;
            // SAFETY: all were written.
            let mut sums = unsafe { std::slice::from_raw_parts(to as *const T, all) }.iter().copied();
            let mut sum = T::ZERO;
            for _ in 0..passes.iter().product() {
                for piece in &pieces {
                    sum = sum + pairwise::joined(piece.len(), PART, &mut sums);
                }
            }
            self.put(&at, (&raw const sum).cast());
            Tiling::advance(&d[..self.kept], &mut at);
        }
        Ok(())
    }
    /// The sum in pairs of a range of the inner axes.
    fn pairs<T: Summed>(&self, space: &Space, range: Range<usize>) -> Result<T> {
        let mut sum = Pairwise::<T>::new(range.len());
        // SAFETY: so many values are given as were announced.
        self.values(space, range, &mut |p, n| unsafe { sum.feed(p.cast(), n) })?;
        Ok(sum.sum())
    }
}

/// Adds sums that lie in rows of `outputs` one after another, the first to 0, and writes them to the outputs, `kept` axes of the space.
pub(super) fn add_up(
    folder: &Folder,
    space: &Space,
    kept: usize,
    sums: *const u8,
    rows: usize,
) -> Result<()> {
    let outputs: usize = space.dims[..kept].iter().product();
    let Some(add_rows) = folder.add_rows else { return Ok(()) };
    let least = (min_items(20) / rows).max(16);
    let from = sums as usize;
    parallel_for(outputs, least, |range| {
        with_scratch(range.len() * folder.size, |acc| {
            let mut at = Tiling::digits(&space.dims[..kept], range.start);
            // SAFETY: rows of `outputs` elements; there is room for a part of one.
            unsafe {
                acc.write_bytes(0, range.len() * folder.size);
                for row in 0..rows {
                    let part = (from as *const u8).add((row * outputs + range.start) * folder.size);
                    add_rows(acc, part, 1, range.len());
                }
                for i in 0..range.len() {
                    let to = space.within_base(&at) as *mut u8;
                    std::ptr::copy_nonoverlapping(acc.add(i * folder.size), to, folder.size);
                    Tiling::advance(&space.dims[..kept], &mut at);
                }
            }
        })
    })
}
