//! `Work::Elementwise`: any scalar program over any strided views, block by block.
//!
//! Contiguous work with one step calls the loop at once. Everything else runs in blocks that stay in the first-level
//! cache: inputs that lie contiguously are read in place, repeated ones are single elements, others are gathered.

use crate::program::{Compiled, Frame, Use, compiled, with_scratch};
use crate::strided::{Space, Strided, copy2d};
use crate::threads::parallel_for;
use minpy_core::device::DeviceRef;
use minpy_core::dtype::DTypeSet;
use minpy_core::kernel::{Family, Input, KernelCall};
use minpy_core::registry::Slot;
use minpy_core::{Result, kernel};
use smallvec::SmallVec;

kernel!(pub ENTRY: "cpu", Slot::Family(Family::Elementwise), DTypeSet::ALL, run);

/// Work of less than twice this stays on one thread: waking another takes some ten microseconds.
pub(crate) const TASK_NS: usize = 8_000;

/// Elements that make a task worth a thread of its own.
pub(crate) fn min_items(cost_per_16: usize) -> usize {
    TASK_NS * 16 / cost_per_16
}

fn run(device: DeviceRef, call: &KernelCall) -> Result<()> {
    let c = compiled(call.program(), device.kind(), Use::Store)?;
    let out = &call.outputs[0];
    if c.index.is_none() && call.outputs.len() == 1 && is_flat(call) {
        let n = out.size();
        if let [step] = &c.steps[..]
            && single(c, step, call, n)
        {
            return Ok(());
        }
        let operands = std::iter::once((out.host_ptr() as isize, out.dtype.size() as isize));
        let inputs = call.inputs.iter().map(|i| match i {
            Input::View(v) if v.size() != 1 || n == 1 => (v.host_ptr() as isize, v.dtype.size() as isize),
            Input::View(v) => (v.host_ptr() as isize, 0),
            Input::Scalar(s) => (s.as_ptr() as isize, 0),
        });
        blocks(c, &Space::flat(n, operands.chain(inputs)), 1);
        return Ok(());
    }
    let zeros: SmallVec<[isize; 6]> = SmallVec::from_elem(0, out.shape.len());
    let positions = minpy_core::layout::contiguous_strides(out.shape);
    let mut operands: SmallVec<[Strided; 6]> = SmallVec::new();
    for v in call.outputs {
        operands.push(Strided { base: v.host_ptr() as isize, strides: v.strides, size: v.dtype.size() as isize });
    }
    for i in call.inputs {
        operands.push(match i {
            Input::View(v) => {
                Strided { base: v.host_ptr() as isize, strides: v.strides, size: v.dtype.size() as isize }
            }
            Input::Scalar(s) => Strided { base: s.as_ptr() as isize, strides: &zeros, size: 0 },
        });
    }
    if c.index.is_some() {
        operands.push(Strided { base: 0, strides: &positions, size: 1 });
    }
    if out.shape.contains(&0) {
        return Ok(());
    }
    blocks(c, &Space::new(out.shape, &operands, true), call.outputs.len());
    Ok(())
}

/// Every view contiguous; broadcast ones do not count, unless they are whole scalars.
#[inline]
fn is_flat(call: &KernelCall) -> bool {
    call.outputs[0].is_contiguous()
        && call.inputs.iter().all(|i| match i {
            Input::View(v) => v.is_contiguous(),
            Input::Scalar(_) => true,
        })
}

/// The shortest path: one loop over contiguous memory. False when the operands are not of the plain kinds.
#[inline]
fn single(c: &Compiled, step: &crate::program::Step, call: &KernelCall, n: usize) -> bool {
    use crate::prims::Loop;
    let out = call.outputs[0].host_ptr() as usize;
    let out_size = step.size as usize;
    // Address and distance between elements of an argument.
    let arg = |k: usize| -> (usize, usize) {
        let place = step.args[k] as usize;
        if place >= c.inputs {
            return (c.consts[place - c.inputs].as_ptr() as usize, 0);
        }
        match &call.inputs[place] {
            Input::View(v) => (v.host_ptr() as usize, v.dtype.size()),
            Input::Scalar(s) => (s.as_ptr() as usize, 0),
        }
    };
    let least = if n < 8192 { usize::MAX >> 1 } else { min_items(c.cost) };
    match step.run {
        Loop::Unary(f) => {
            let (a, sa) = arg(0);
            if sa == 0 {
                return false;
            }
            parallel_for(n, least, |r| {
                // SAFETY: contiguous views of `n` elements; the output equals an input or is disjoint from it.
                unsafe { f((a + r.start * sa) as *const u8, (out + r.start * out_size) as *mut u8, r.len()) }
            });
        }
        Loop::Binary(f) => {
            let ((a, sa), (b, sb)) = (arg(0), arg(1));
            let f = match (sa, sb) {
                (0, 0) => return false,
                (_, 0) => f[1],
                (0, _) => f[2],
                _ => f[0],
            };
            parallel_for(n, least, |r| {
                let i = r.start;
                // SAFETY: as above.
                unsafe {
                    f((a + i * sa) as *const u8, (b + i * sb) as *const u8, (out + i * out_size) as *mut u8, r.len())
                }
            });
        }
        Loop::Select(_) => return false,
    }
    true
}

/// How an operand is seen by a block.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Reach {
    /// In place.
    Direct,
    /// One element for the whole block.
    Scalar,
    /// Through block memory.
    Gather,
}

/// A space cut into blocks of `rows` x `cols` of its last two axes.
struct Tiling {
    rows: usize,
    cols: usize,
    block_rows: usize,
    block_cols: usize,
    /// Blocks per axis: outer axes, then row blocks, then column blocks.
    counts: SmallVec<[usize; 8]>,
}

impl Tiling {
    fn new(space: &Space, block: usize, steps: usize) -> Tiling {
        let nd = space.dims.len();
        let cols = space.dims[nd - 1];
        let rows = if nd > 1 { space.dims[nd - 2] } else { 1 };
        let transposed = nd > 1
            && (0..space.base.len()).any(|op| {
                let (r, c) = (space.stride(op, nd - 2).unsigned_abs(), space.stride(op, nd - 1).unsigned_abs());
                r != 0 && r <= 16 && c > 64
            });
        // A short row is worth a block of its own when little is done to it; else several rows are taken at once.
        let long = if steps <= 1 { 64 } else { 256 };
        let (block_rows, block_cols) = if transposed && rows > 1 {
            let r = rows.min(16);
            (r, cols.min(block / r))
        } else if rows == 1 || cols >= long {
            (1, cols.min(block))
        } else {
            (rows.min(block / cols), cols)
        };
        let mut counts: SmallVec<[usize; 8]> = space.dims[..nd.saturating_sub(2)].into();
        counts.push(rows.div_ceil(block_rows));
        counts.push(cols.div_ceil(block_cols));
        Tiling { rows, cols, block_rows, block_cols, counts }
    }
    fn reach(&self, space: &Space, op: usize, size: isize) -> Reach {
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
}

/// Runs a program over a space whose operands are outputs, inputs and, when used, the index (size 0).
fn blocks(c: &Compiled, space: &Space, outputs: usize) {
    let t = Tiling::new(space, c.block, c.steps.len());
    let nd = space.dims.len();
    let inputs = c.inputs;
    let size_of = |op: usize| -> isize {
        match op {
            op if op < outputs => c.outputs[op].1 as isize,
            op if op < outputs + inputs => c.input_sizes[op - outputs] as isize,
            _ => 0,
        }
    };
    let mut reach: SmallVec<[Reach; 8]> = (0..space.base.len()).map(|op| t.reach(space, op, size_of(op))).collect();
    if c.index.is_some() {
        reach[outputs + inputs] = Reach::Gather;
    }
    // With several outputs a step may still read the input that an output overwrites: write at the end.
    let late = outputs > 1
        && (0..outputs).any(|o| (outputs..outputs + inputs).any(|i| space.base[o] == space.base[i]));
    if late {
        reach[..outputs].fill(Reach::Gather);
    }
    let gathers = reach[outputs..].iter().filter(|&&r| r == Reach::Gather).count();
    let scratch = Frame::scratch_bytes(c) + gathers * c.temp_bytes;
    let total: usize = t.counts.iter().product();
    let per_block = t.block_rows * t.block_cols;
    parallel_for(total, (min_items(c.cost) / per_block).max(1), |range| {
        with_scratch(scratch, |memory| {
            let mut frame = Frame::new(c, memory, |i| reach[outputs + i] == Reach::Scalar);
            let gathered = memory.wrapping_add(Frame::scratch_bytes(c));
            let mut last: SmallVec<[(isize, usize, usize); 6]> = SmallVec::from_elem((isize::MIN, 0, 0), gathers);
            // Position of the first block, as digits.
            let mut at: SmallVec<[usize; 8]> = SmallVec::from_elem(0, t.counts.len());
            let mut rest = range.start;
            for (digit, &n) in at.iter_mut().zip(&t.counts).rev() {
                *digit = rest % n;
                rest /= n;
            }
            for _ in range {
                let k = at.len();
                let (r0, c0) = (at[k - 2] * t.block_rows, at[k - 1] * t.block_cols);
                let rows = t.block_rows.min(t.rows - r0);
                let cols = t.block_cols.min(t.cols - c0);
                let n = rows * cols;
                let address = |op: usize| {
                    let mut a = space.base[op] + c0 as isize * space.stride(op, nd - 1);
                    if nd > 1 {
                        a += r0 as isize * space.stride(op, nd - 2);
                        for d in 0..nd - 2 {
                            a += at[d] as isize * space.stride(op, d);
                        }
                    }
                    a
                };
                let steps = |op: usize| (if nd > 1 { space.stride(op, nd - 2) } else { 0 }, space.stride(op, nd - 1));
                let mut g = 0;
                for i in 0..inputs + c.index.is_some() as usize {
                    let op = outputs + i;
                    let place = if i < inputs { i } else { c.index.map_or(0, usize::from) };
                    let a = address(op);
                    if reach[op] != Reach::Gather {
                        frame.ptr[place] = a as *const u8;
                        continue;
                    }
                    let buffer = gathered.wrapping_add(g * c.temp_bytes);
                    // A broadcast operand looks the same in many blocks.
                    if last[g] != (a, rows, cols) {
                        last[g] = (a, rows, cols);
                        if i == inputs {
                            positions(buffer.cast(), a, steps(op), rows, cols);
                        } else {
                            let size = size_of(op);
                            let row = size * cols as isize;
                            // SAFETY: the view holds these elements; the buffer has room for a block.
                            unsafe { copy2d(buffer, (row, size), a as *const u8, steps(op), rows, cols, size as usize) };
                        }
                    }
                    frame.ptr[place] = buffer;
                    g += 1;
                }
                for o in 0..outputs {
                    frame.out[o] = if reach[o] == Reach::Direct { address(o) as *mut u8 } else { std::ptr::null_mut() };
                }
                // SAFETY: the table was filled for `n` elements, at most a block; outputs are as dispatch promises.
                unsafe { frame.run(n) };
                for o in 0..outputs {
                    if reach[o] == Reach::Direct {
                        continue;
                    }
                    let size = size_of(o);
                    let (p, scalar) = frame.result(o);
                    let from = if scalar { (0, 0) } else { (size * cols as isize, size) };
                    // SAFETY: the result holds `n` elements (or one); the view has room for them.
                    unsafe { copy2d(address(o) as *mut u8, steps(o), p, from, rows, cols, size as usize) };
                }
                for (digit, &n) in at.iter_mut().zip(&t.counts).rev() {
                    *digit += 1;
                    if *digit < n {
                        break;
                    }
                    *digit = 0;
                }
            }
        })
    });
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
