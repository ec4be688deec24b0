//! `Work::Elementwise`: any scalar program over any strided views, block by block.
//!
//! Contiguous work with one step calls the loop at once. Everything else runs in blocks that stay in the first-level
//! cache: inputs that lie contiguously are read in place, repeated ones are single elements, others are gathered.

pub(crate) mod block;
pub(crate) mod compiled;
pub(crate) mod frame;
pub(crate) mod fuse;
mod places;
pub(crate) mod program;
pub mod random;
mod runs;
pub(crate) mod strided;
mod transpose;

use crate::machine::scratch::with_scratch;
use crate::machine::threads::parallel_for;
use crate::prims::Loop;
use crate::prims::loops::BinaryLoop;
use block::{Reach, Tiling, Walk};
use compiled::compiled;
use minpy_core::backend::{DTypeSet, Family, HOST_KIND, Input, KernelCall, PlainLoop, Program, Slot, flags};
use minpy_core::{DeviceRef, Result, kernel};
use program::{Compiled, Use};
use smallvec::SmallVec;
use strided::{Space, Strided, copy2d};

kernel!(pub ENTRY: "cpu", Slot::Family(Family::Elementwise), DTypeSet::ALL, run);

/// Work of less than twice this stays on one thread: waking another takes some ten microseconds.
pub(crate) const TASK_NS: usize = 8_000;

/// Elements that make a task worth a thread of its own.
pub(crate) fn min_items(cost_per_16: usize) -> usize {
    TASK_NS * 16 / cost_per_16
}

fn run(device: DeviceRef, call: &KernelCall) -> Result<()> {
    execute(compiled(call.program(), device.kind(), Use::Store)?, call)
}

/// The loop of a program that is one step on its inputs, in their order.
pub(crate) fn plain_loop(program: &Program) -> Option<PlainLoop> {
    let c = compiled(program, HOST_KIND, Use::Store).ok()?;
    let ([step], None, 1) = (&c.steps[..], c.index, program.outputs().len()) else { return None };
    match (step.run, c.inputs, program.scalars()) {
        (Loop::Unary(f), 1, 0) if step.args[0] == 0 => Some(PlainLoop::Unary(f)),
        (Loop::Binary(f), 2, numbers @ 0..3) if step.args[..2] == [0, 1] => {
            Some(PlainLoop::Binary([f[0], f[2], f[1]][numbers as usize]))
        }
        _ => None,
    }
}

/// Runs a compiled program on the views and numbers of a call.
pub(crate) fn execute(c: &Compiled, call: &KernelCall) -> Result<()> {
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
        return blocks(c, &Space::flat(n, operands.chain(inputs)), 1);
    }
    if layer(c, call) {
        return Ok(());
    }
    let zeros: SmallVec<[isize; 6]> = SmallVec::from_elem(0, out.shape.len());
    let positions = minpy_core::backend::layout::contiguous_strides(out.shape);
    let mut operands: SmallVec<[Strided; 6]> = SmallVec::new();
    for v in call.outputs {
        operands.push(Strided {
            base: v.host_ptr() as isize,
            strides: v.strides,
            size: v.dtype.size() as isize,
        });
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
    let space = Space::new(out.shape, &operands, true);
    if c.copy {
        copies(c, space);
    } else if !row_by_row(c, &space) {
        return blocks(c, &space, call.outputs.len());
    }
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
fn single(c: &Compiled, step: &crate::elementwise::program::Step, call: &KernelCall, n: usize) -> bool {
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
                    f(
                        (a + i * sa) as *const u8,
                        (b + i * sb) as *const u8,
                        (out + i * out_size) as *mut u8,
                        r.len(),
                    )
                }
            });
        }
        Loop::Fused(f) => {
            let args = [arg(0), arg(1), arg(2), arg(3)];
            if args.iter().all(|a| a.1 == 0) {
                return false;
            }
            let scalars = args.iter().rev().fold(0, |m, a| m << 1 | (a.1 == 0) as u8);
            parallel_for(n, least, |r| {
                let places = args.map(|(a, size)| (a + r.start * size) as *const u8);
                let to = (out + r.start * out_size) as *mut u8;
                // SAFETY: as above.
                unsafe {
                    f(places, scalars, to, r.len());
                    if step.flags.watched && flags::is_raised() {
                        let args = [0, 1, 2, 3].map(|k| (places[k], args[k].1 == 0));
                        flags::raise(frame::blame(step, args, to, r.len()));
                    }
                }
            });
        }
        Loop::Select(_) => return false,
    }
    true
}

/// The loop for the arguments of a step of two, of which some are single elements.
fn binary_of(step: &crate::elementwise::program::Step, singles: [bool; 2]) -> Option<BinaryLoop> {
    match (step.run, singles) {
        (Loop::Binary(f), [false, false]) => Some(f[0]),
        (Loop::Binary(f), [false, true]) => Some(f[1]),
        (Loop::Binary(f), [true, false]) => Some(f[2]),
        _ => None,
    }
}

/// Rows one after another: the addresses of the first ones of result and arguments, and the bytes to the next.
///
/// # Safety
/// `rows` rows of `cols` elements lie there, or one where the loop reads one; the result equals an argument or is disjoint.
#[inline]
unsafe fn each_row(run: BinaryLoop, first: [isize; 3], step: [isize; 3], rows: usize, cols: usize) {
    let [mut d, mut a, mut b] = first;
    for _ in 0..rows {
        // SAFETY: the caller's promise.
        unsafe { run(a as *const u8, b as *const u8, d as *mut u8, cols) };
        (d, a, b) = (d + step[0], a + step[1], b + step[2]);
    }
}

/// The shortest path for a matrix and a row, a column or a number: the bias of a layer. False when this is not such work.
fn layer(c: &Compiled, call: &KernelCall) -> bool {
    let out = &call.outputs[0];
    let ([step], None, &[rows, cols], &[out_row, 1], 1) =
        (&c.steps[..], c.index, out.shape, out.strides, call.outputs.len())
    else {
        return false;
    };
    if cols < 32 || step.run.arity() != 2 {
        return false;
    }
    let (mut first, mut steps, mut singles) = ([out.host_ptr() as isize; 3], [0; 3], [false; 2]);
    steps[0] = out_row * step.size as isize;
    for k in 0..2 {
        let place = step.args[k] as usize;
        (first[k + 1], steps[k + 1], singles[k]) = match call.inputs.get(place) {
            None => (c.consts[place - c.inputs].as_ptr() as isize, 0, true),
            Some(Input::Scalar(s)) => (s.as_ptr() as isize, 0, true),
            Some(Input::View(v)) => {
                let &[row, col] = v.strides else { return false };
                if col != 0 && col != 1 {
                    return false;
                }
                (v.host_ptr() as isize, row * v.dtype.size() as isize, col == 0)
            }
        };
    }
    let Some(run) = binary_of(step, singles) else { return false };
    parallel_for(rows, (min_items(c.cost) / cols).max(1), |range| {
        let at = |k: usize| first[k] + range.start as isize * steps[k];
        // SAFETY: rows of the views; dispatch promises that the output equals an input or is disjoint.
        unsafe { each_row(run, [at(0), at(1), at(2)], steps, range.len(), cols) }
    });
    true
}

/// One loop per row, for programs of one step whose rows need no gathering: a bias, a scaled column, in any number of
/// dimensions. False when this is not such work.
fn row_by_row(c: &Compiled, space: &Space) -> bool {
    let ([step], None, &[.., cols]) = (&c.steps[..], c.index, &space.dims[..]) else { return false };
    let nd = space.dims.len();
    let out_size = step.size as isize;
    if nd < 2 || cols < 32 || space.stride(0, nd - 1) != out_size || c.outputs.len() != 1 {
        return false;
    }
    // Operand of the space, or a constant; and whether it is one element per row.
    let mut args = [(0usize, 0isize, false); 2];
    let arity = match step.run {
        Loop::Unary(_) => 1,
        Loop::Binary(_) => 2,
        Loop::Select(_) | Loop::Fused(_) => return false,
    };
    for (arg, &place) in args.iter_mut().zip(&step.args[..arity]) {
        let place = place as usize;
        *arg = if place < c.inputs {
            match space.stride(place + 1, nd - 1) {
                0 => (place + 1, 0, true),
                s if s == c.input_sizes[place] as isize => (place + 1, 0, false),
                _ => return false,
            }
        } else {
            (usize::MAX, c.consts[place - c.inputs].as_ptr() as isize, true)
        };
    }
    let Some(run) = binary_of(step, [args[0].2, args[1].2]) else { return false };
    let outer = &space.dims[..nd - 1];
    let rows = space.dims[nd - 2];
    let least = (min_items(c.cost) / (rows * cols)).max(1);
    let (groups, least, per) = if nd == 2 {
        (rows, (min_items(c.cost) / cols).max(1), 1)
    } else {
        (outer[..nd - 2].iter().product(), least, rows)
    };
    let step_of = |op: usize| if op == usize::MAX { 0 } else { space.stride(op, nd - 2) };
    let (s0, s1, s2) = (step_of(0), step_of(args[0].0), step_of(args[1].0));
    parallel_for(groups, least, |range| {
        let row = |first: [isize; 3], n: usize| {
            // SAFETY: rows of the views, `cols` elements or one; the output equals an input or is disjoint.
            unsafe { each_row(run, first, [s0, s1, s2], n, cols) };
        };
        let base = |op: usize, fixed: isize| if op == usize::MAX { fixed } else { space.base[op] };
        let start = [space.base[0], base(args[0].0, args[0].1), base(args[1].0, args[1].1)];
        if per == 1 {
            let r = range.start as isize;
            return row([start[0] + r * s0, start[1] + r * s1, start[2] + r * s2], range.len());
        }
        let mut at = Tiling::digits(&outer[..nd - 2], range.start);
        for _ in range {
            let mut first = start;
            for (x, op) in first.iter_mut().zip([0, args[0].0, args[1].0]) {
                if op != usize::MAX {
                    *x +=
                        at.iter().enumerate().map(|(d, &i)| i as isize * space.stride(op, d)).sum::<isize>();
                }
            }
            row(first, rows);
            Tiling::advance(&outer[..nd - 2], &mut at);
        }
    });
    true
}

/// Copies without going through block memory. Operands of the space: output, input.
fn copies(c: &Compiled, mut space: Space) {
    let nd = space.dims.len();
    let size = c.outputs[0].1 as usize;
    let item = size as isize;
    let last = space.stride(1, nd - 1);
    // The axis on which the input is finest goes next to the output's finest one: the pair is copied in tiles.
    let fine =
        (0..nd - 1).filter(|&a| space.stride(1, a) != 0).min_by_key(|&a| space.stride(1, a).unsigned_abs());
    let transposed = last != 0
        && last.unsigned_abs() > size
        && fine.is_some_and(|a| space.stride(1, a).unsigned_abs() < last.unsigned_abs());
    let t = if let (true, Some(a)) = (transposed, fine) {
        let mut order: SmallVec<[Option<usize>; 6]> = (0..nd - 1).filter(|&b| b != a).map(Some).collect();
        order.extend([Some(a), Some(nd - 1)]);
        space = space.permuted(&order);
        let (rows, cols) = (space.dims[nd - 2], space.dims[nd - 1]);
        Tiling::cut(&space, rows.min(64), cols.min(64))
    } else {
        let cols = space.dims[nd - 1];
        let most = (64 << 10) / size;
        Tiling::cut(
            &space,
            (most / cols).clamp(1, if nd > 1 { space.dims[nd - 2] } else { 1 }),
            cols.min(most),
        )
    };
    let walk = Walk::new(c, &space, t, 1);
    let counts = &walk.t.counts;
    let least = (min_items(c.cost + item as usize) / (walk.t.block_rows * walk.t.block_cols)).max(1);
    parallel_for(counts.iter().product(), least, |range| {
        let mut at = Tiling::digits(counts, range.start);
        for _ in range {
            let (rows, cols) = walk.extent(&at);
            let (to, from) = (walk.address(0, &at) as *mut u8, walk.address(1, &at) as *const u8);
            // SAFETY: the views hold what the space describes; they are one and the same or disjoint.
            unsafe {
                if !std::ptr::eq(to, from) {
                    copy2d(to, walk.steps(0), from, walk.steps(1), rows, cols, size);
                }
            }
            Tiling::advance(counts, &mut at);
        }
    });
}

/// Runs a program over a space whose operands are outputs, inputs and, when used, the index (size 0).
fn blocks(c: &Compiled, space: &Space, outputs: usize) -> Result<()> {
    let walk = Walk::new(c, space, Tiling::new(space, c), outputs);
    let mut direct: SmallVec<[bool; 2]> =
        (0..outputs).map(|o| walk.t.reach(space, o, c.outputs[o].1 as isize) == Reach::Direct).collect();
    // With several outputs a later step may still read the input that an output overwrites: that one is written at the end.
    if outputs > 1 {
        for (o, direct) in direct.iter_mut().enumerate() {
            let made = c.steps.iter().position(|s| s.out == Some(o as u8)).unwrap_or(0);
            let again =
                |a: &u16| (*a as usize) < c.inputs && space.base[outputs + *a as usize] == space.base[o];
            *direct &= !c.steps[made + 1..].iter().any(|s| s.reads().iter().any(again));
        }
    }
    let counts = &walk.t.counts;
    let least = (min_items(c.cost) / walk.t.block_len(space)).max(1);
    parallel_for(counts.iter().product(), least, |range| {
        with_scratch(walk.scratch_bytes(), |memory| {
            let mut w = walk.walker(memory);
            w.frame.alone = true;
            let mut at = Tiling::digits(counts, range.start);
            for _ in range {
                let (rows, cols) = walk.extent(&at);
                for o in 0..outputs {
                    w.frame.out[o] =
                        if direct[o] { walk.address(o, &at) as *mut u8 } else { std::ptr::null_mut() };
                }
                // SAFETY: the views hold what the space describes; a block has at most `c.block` elements; outputs
                // equal inputs or are disjoint from them, as dispatch promises.
                unsafe {
                    walk.load(&mut w, &at);
                    w.frame.run(rows * cols);
                }
                for o in (0..outputs).filter(|&o| !direct[o]) {
                    let size = c.outputs[o].1 as usize;
                    let (p, scalar) = w.frame.result(o);
                    // SAFETY: the result holds the block's elements (or one); the view has room for them.
                    unsafe { walk.store(o, &at, p, scalar, size) };
                }
                Tiling::advance(counts, &mut at);
            }
        })
    })
}
