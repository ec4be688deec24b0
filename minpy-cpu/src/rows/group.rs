//! `Work::Rows`: elementwise work around folds over rows (softmax, variance, normalisation, losses), row by row in cache.
//!
//! `plan.rs` cuts the program into stages. Long rows are taken alone, in chunks, and a fold is one element to the stages
//! that follow; of short rows many are taken at once, and folds are repeated along them.

use super::fold::Order;
use super::pairwise::Sum;
use super::plan::{Bind, FoldStep, From, Goal, RowPlan, Stage, plan};
use crate::elementwise::block::Tiling;
use crate::elementwise::compiled::{Also, cached};
use crate::elementwise::frame::Frame;
use crate::elementwise::min_items;
use crate::elementwise::strided::fill;
use crate::elementwise::strided::{Space, Strided, copy2d};
use crate::machine::scratch::with_scratch;
use crate::machine::threads::parallel_for;
use minpy_core::backend::{DTypeSet, Family, Input, KernelCall, Slot, View, Work, flags};
use minpy_core::{DeviceRef, Error, ErrorKind, Result, kernel};
use smallvec::SmallVec;
use std::cell::Cell;

kernel!(pub ENTRY: "cpu", Slot::Family(Family::Rows), DTypeSet::ALL, run);

/// Rows of fewer elements are taken several at a time.
const LONG: usize = 192;
/// Bytes that the kept values of one row may take: a part of a second-level cache.
const ROW_BYTES: usize = 512 << 10;

/// An input or output: where it begins and its steps from element to element of a row, in bytes.
struct Operand {
    along: isize,
    item: usize,
    /// Number of the operand in the space of rows.
    index: usize,
}

/// The trailing `inner` axes as one: the step from element to element. `None` when they do not run as one.
fn along(v: &View, inner: usize) -> Option<isize> {
    let at = v.shape.len() - inner;
    let axes = v.shape[at..].iter().zip(&v.strides[at..]).filter(|(n, _)| **n != 1);
    let mut step: Option<(isize, isize)> = None;
    for (&n, &s) in axes.rev() {
        step = match step {
            None => Some((s, s * n as isize)),
            Some((first, next)) if next == s => Some((first, s * n as isize)),
            Some((0, 0)) if s == 0 => Some((0, 0)),
            Some(_) => return None,
        };
    }
    Some(step.map_or(0, |s| s.0))
}

/// Whether the array that decides about the order of axes, the first that moves along rows and from row to row, is finer from row to row.
fn across(call: &KernelCall, inner: usize) -> bool {
    let views = call.inputs.iter().filter_map(|i| if let Input::View(v) = i { Some(v) } else { None });
    let finest = |shape: &[usize], strides: &[isize]| {
        shape.iter().zip(strides).filter(|(n, s)| **n > 1 && **s != 0).map(|(_, s)| s.unsigned_abs()).min()
    };
    views
        .filter_map(|v| {
            let at = v.shape.len() - inner;
            Some((finest(&v.shape[..at], &v.strides[..at])?, finest(&v.shape[at..], &v.strides[at..])?))
        })
        .next()
        .is_some_and(|(outer, row)| outer < row)
}

fn unsupported(op: &str, what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("{op}: {what}"))
}

fn run(device: DeviceRef, call: &KernelCall) -> Result<()> {
    let Work::Rows { inner } = *call.work else {
        return Err(Error::new(
            ErrorKind::Runtime,
            format!("{}: the kernel for rows was given other work", call.op),
        ));
    };
    let plan = match cached(call.program(), device.kind())?.also(Also::Rows, || plan(call.program()))? {
        Ok(p) => p,
        Err(text) => return Err(unsupported(call.op, text)),
    };
    let Some(shape) =
        call.inputs.iter().find_map(|i| if let Input::View(v) = i { Some(v.shape) } else { None })
    else {
        return Err(unsupported(call.op, "rows need an array"));
    };
    let outer = shape.len() - inner;
    let cols: usize = shape[outer..].iter().product();
    if cols == 0 || shape.contains(&0) || plan.kept.iter().sum::<usize>() * cols > ROW_BYTES {
        return Err(unsupported(call.op, "rows that are empty, or too long to be kept"));
    }
    let in_order = plan.stages.iter().flat_map(|s| &s.folds).any(|f| f.folder.order.matters());
    if in_order && across(call, inner) {
        return Err(unsupported(
            call.op,
            "sums along an axis that is not the finest are done in another order",
        ));
    }
    // The space of rows: outputs, then inputs. Numbers are inputs that never move.
    let zeros: SmallVec<[isize; 6]> = SmallVec::from_elem(0, outer);
    let mut rows: SmallVec<[Strided; 6]> = SmallVec::new();
    let mut operands: SmallVec<[Operand; 12]> = SmallVec::new();
    let mut add = |strides, at: *const u8, item: usize, step: Option<isize>| {
        let step = step.ok_or_else(|| unsupported(call.op, "the axes of a row do not run as one"))?;
        operands.push(Operand { along: step * item as isize, item, index: rows.len() });
        rows.push(Strided { base: at as isize, strides, size: item as isize });
        Ok(())
    };
    for v in call.outputs {
        let step = if v.shape.len() == outer { Some(0) } else { along(v, inner) };
        add(&v.strides[..outer], v.host_ptr(), v.dtype.size(), step)?;
    }
    for i in call.inputs {
        match i {
            Input::View(v) => add(&v.strides[..outer], v.host_ptr(), v.dtype.size(), along(v, inner))?,
            Input::Scalar(s) => add(&zeros, s.as_ptr(), s.dtype().size(), Some(0))?,
        }
    }
    let space = Space::new(&shape[..outer], &rows, true);
    let job = Job {
        plan,
        space: &space,
        operands: &operands,
        outputs: call.outputs.len(),
        row_outputs: call.outputs.iter().map(|v| v.shape.len() == outer).collect(),
        cols,
        most: if cols >= LONG { 1 } else { (plan.chunk / cols).max(1) },
    };
    job.run()
}

struct Job<'a> {
    plan: &'a RowPlan,
    space: &'a Space,
    operands: &'a [Operand],
    outputs: usize,
    row_outputs: SmallVec<[bool; 4]>,
    cols: usize,
    /// Rows that are taken at once.
    most: usize,
}

/// Where the parts of a thread's scratch memory begin.
struct Places {
    frames: SmallVec<[usize; 4]>,
    kept: SmallVec<[usize; 4]>,
    folds: SmallVec<[usize; 4]>,
    inputs: SmallVec<[usize; 8]>,
    spare: usize,
    total: usize,
}

impl Job<'_> {
    /// Elements of a chunk: whole rows where several are taken, else a part of one.
    fn chunk(&self) -> usize {
        if self.most > 1 { self.most * self.cols } else { self.plan.chunk.min(self.cols) }
    }
    fn places(&self) -> Places {
        let mut total = 0;
        let mut take = |bytes: usize| {
            let at = total;
            // Not a multiple of 4096 apart, where loads would wait for unrelated stores.
            total += bytes.next_multiple_of(64) + 192;
            at
        };
        let of_stage = |s: &Stage| s.compiled.as_ref().map_or(0, Frame::scratch_bytes);
        Places {
            frames: self.plan.stages.iter().map(|s| take(of_stage(s))).collect(),
            kept: self.plan.kept.iter().map(|size| take(size * self.most * self.cols)).collect(),
            folds: self
                .plan
                .folds
                .iter()
                .map(|size| take(size * if self.most > 1 { self.chunk() } else { 1 }))
                .collect(),
            inputs: self.operands[self.outputs..].iter().map(|o| take(o.item * self.chunk())).collect(),
            spare: take(16 * self.chunk()),
            total,
        }
    }
    fn run(&self) -> Result<()> {
        let nd = self.space.dims.len();
        let last = self.space.dims[nd - 1];
        let mut counts: SmallVec<[usize; 8]> = self.space.dims[..nd - 1].into();
        counts.push(last.div_ceil(self.most));
        let least = (min_items(self.plan.cost) / (self.most * self.cols)).max(1);
        let places = self.places();
        parallel_for(counts.iter().product(), least, |range| {
            with_scratch(places.total, |memory| {
                let mut frames = self.frames(memory, &places);
                let start = SmallVec::from_elem(0, self.operands.len());
                let mut w = Worker { job: self, memory, places: &places, start, rows: 0, met: Cell::new(0) };
                let mut at = Tiling::digits(&counts, range.start);
                for _ in range {
                    let first = at[nd - 1] * self.most;
                    let rows = self.most.min(last - first);
                    for (o, start) in self.operands.iter().zip(&mut w.start) {
                        let mut a =
                            self.space.base[o.index] + first as isize * self.space.stride(o.index, nd - 1);
                        for (d, &i) in at[..nd - 1].iter().enumerate() {
                            a += i as isize * self.space.stride(o.index, d);
                        }
                        *start = a;
                    }
                    // SAFETY: the views hold the rows that the space describes; the scratch memory was sized for them.
                    unsafe { w.rows(&mut frames, rows) };
                    Tiling::advance(&counts, &mut at);
                }
            })
        })
    }
    /// One for each stage that computes. They stay where they are: a frame is as long as a short row.
    fn frames(&self, memory: *mut u8, places: &Places) -> SmallVec<[Option<Frame<'_>>; 4]> {
        self.plan
            .stages
            .iter()
            .zip(&places.frames)
            .map(|(s, &at)| {
                s.compiled.as_ref().map(|c| {
                    Frame::new(c, memory.wrapping_add(at), |i| match s.binds[i] {
                        // A column of numbers is one element in a row taken alone.
                        Bind::Input(k) => {
                            self.number(k) || self.most == 1 && self.operands[self.outputs + k].along == 0
                        }
                        Bind::Kept(_) => false,
                        Bind::Fold(_) => self.most == 1,
                    })
                })
            })
            .collect()
    }
    /// An input that is one element for the whole call.
    fn number(&self, input: usize) -> bool {
        let o = &self.operands[self.outputs + input];
        o.along == 0 && (0..self.space.dims.len()).all(|d| self.space.stride(o.index, d) == 0)
    }
}

/// One thread at work on a group of rows.
struct Worker<'w> {
    job: &'w Job<'w>,
    memory: *mut u8,
    places: &'w Places,
    /// First element of each operand in the present rows.
    start: SmallVec<[isize; 12]>,
    rows: usize,
    /// Floating-point exceptions of folds.
    met: Cell<u8>,
}
impl Drop for Worker<'_> {
    fn drop(&mut self) {
        // As frames do.
        if self.met.get() != 0 {
            flags::raise(self.met.get());
        }
    }
}

impl Worker<'_> {
    fn at(&self, place: usize) -> *mut u8 {
        self.memory.wrapping_add(place)
    }
    /// Step from row to row of an operand.
    fn down(&self, o: &Operand) -> isize {
        self.job.space.stride(o.index, self.job.space.dims.len() - 1)
    }
    /// `n` elements of an input from column `col` on, one after another; or one element, where that stands for all.
    ///
    /// # Safety
    /// The views hold the rows at `start`.
    unsafe fn input(&self, k: usize, col: usize, n: usize) -> *const u8 {
        let j = self.job;
        let o = &j.operands[j.outputs + k];
        let a = self.start[j.outputs + k] + col as isize * o.along;
        if j.number(k) || j.most == 1 && o.along == 0 {
            return a as *const u8;
        }
        let (item, cols) = (o.item as isize, n / self.rows);
        if o.along == item && (self.rows == 1 || self.down(o) == item * cols as isize) {
            return a as *const u8;
        }
        let to = self.at(self.places.inputs[k]);
        // SAFETY: the view holds these elements; there is room for a chunk.
        unsafe {
            copy2d(
                to,
                (item * cols as isize, item),
                a as *const u8,
                (self.down(o), o.along),
                self.rows,
                cols,
                o.item,
            )
        };
        to
    }
    /// # Safety
    /// As for `input`.
    unsafe fn bound(&self, b: Bind, col: usize, n: usize) -> *const u8 {
        let plan = self.job.plan;
        match b {
            // SAFETY: the caller's promise.
            Bind::Input(k) => unsafe { self.input(k, col, n) },
            Bind::Kept(k) => self.at(self.places.kept[k] + col * plan.kept[k]),
            Bind::Fold(f) => self.at(self.places.folds[f]),
        }
    }
    /// Whether such a value is one element that stands for all.
    fn is_single(&self, b: Bind) -> bool {
        let j = self.job;
        match b {
            Bind::Input(k) => j.number(k) || j.most == 1 && j.operands[j.outputs + k].along == 0,
            Bind::Kept(_) => false,
            Bind::Fold(_) => j.most == 1,
        }
    }
    /// # Safety
    /// `start` is the beginning of `rows` rows of every operand; the frames are those of the stages.
    unsafe fn rows(&mut self, frames: &mut [Option<Frame>], rows: usize) {
        self.rows = rows;
        let (j, plan) = (self.job, self.job.plan);
        for (stage, frame) in plan.stages.iter().zip(frames) {
            // Of several rows all is one chunk.
            let chunk = if j.most > 1 { j.cols } else { j.chunk() };
            // Sums of rows that come in chunks.
            let mut sums: SmallVec<[Option<Sum>; 4]> = SmallVec::new();
            if chunk < j.cols {
                sums.extend(plan.folds.iter().map(|_| None));
                for f in &stage.folds {
                    sums[f.to] = Sum::new(f.folder.order, j.cols);
                }
            }
            for col in (0..j.cols).step_by(chunk) {
                let n = chunk.min(j.cols - col) * rows;
                // SAFETY: the caller's promise.
                unsafe {
                    if let Some(frame) = frame {
                        self.compute(stage, frame, col, n);
                    }
                    for f in &stage.folds {
                        self.fold(f, frame.as_ref(), &mut sums, col, n);
                    }
                }
            }
            if j.most > 1 {
                // SAFETY: folds have room for a chunk.
                unsafe { self.repeat(stage) };
            }
        }
        for &(o, f) in &plan.direct {
            let (from, size) = (self.at(self.places.folds[f]), plan.folds[f]);
            let step = if j.most > 1 { size * j.cols } else { 0 };
            let op = &j.operands[o];
            // SAFETY: the folds of these rows; the output has one element, or one row, for each.
            unsafe {
                if j.row_outputs[o] {
                    self.put_rows(o, from, step);
                } else {
                    let to = (self.down(op), op.along);
                    copy2d(self.start[o] as *mut u8, to, from, (step as isize, 0), rows, j.cols, size);
                }
            }
        }
    }
    /// Writes one element per row to a row-valued output.
    unsafe fn put_rows(&self, o: usize, from: *const u8, step: usize) {
        let op = &self.job.operands[o];
        for r in 0..self.rows {
            // SAFETY: the caller's promise.
            unsafe {
                std::ptr::copy_nonoverlapping(
                    from.add(r * step),
                    (self.start[o] + r as isize * self.down(op)) as *mut u8,
                    op.item,
                )
            };
        }
    }
    unsafe fn compute(&self, stage: &Stage, frame: &mut Frame, col: usize, n: usize) {
        let j = self.job;
        let cols = n / self.rows;
        // SAFETY: the caller's promise (`rows`); outputs have room for the chunk, where they are written directly.
        unsafe {
            for (i, &b) in stage.binds.iter().enumerate() {
                frame.ptr[i] = self.bound(b, col, n);
            }
            for (k, goal) in stage.goals.iter().enumerate() {
                frame.out[k] = match *goal {
                    Goal::Kept(x) => self.at(self.places.kept[x] + col * j.plan.kept[x]),
                    Goal::Output(o) if !j.row_outputs[o] && self.lies_plain(o, cols) => {
                        (self.start[o] + col as isize * j.operands[o].along) as *mut u8
                    }
                    _ => std::ptr::null_mut(),
                };
            }
            frame.run(n);
            for (k, goal) in stage.goals.iter().enumerate() {
                let Goal::Output(o) = *goal else { continue };
                if !frame.out[k].is_null() {
                    continue;
                }
                let op = &j.operands[o];
                let (p, single) = frame.result(k);
                if j.row_outputs[o] {
                    if col == 0 {
                        self.put_rows(o, p, if single { 0 } else { op.item * cols });
                    }
                    continue;
                }
                let from = if single { (0, 0) } else { ((op.item * cols) as isize, op.item as isize) };
                let to = (self.start[o] + col as isize * op.along) as *mut u8;
                copy2d(to, (self.down(op), op.along), p, from, self.rows, cols, op.item);
            }
        }
    }
    /// The present rows of an output follow one another in memory.
    fn lies_plain(&self, o: usize, cols: usize) -> bool {
        let op = &self.job.operands[o];
        op.along == op.item as isize && (self.rows == 1 || self.down(op) == (op.item * cols) as isize)
    }
    unsafe fn fold(
        &self,
        f: &FoldStep,
        frame: Option<&Frame>,
        sums: &mut [Option<Sum>],
        col: usize,
        n: usize,
    ) {
        let size = f.folder.size;
        // SAFETY: the caller's promise (`rows`).
        let (mut p, single) = unsafe {
            match (&f.from, frame) {
                (From::Bind(b), _) => (self.bound(*b, col, n), self.is_single(*b)),
                (From::Output(k), Some(frame)) => frame.result(*k),
                (From::Output(_), None) => unreachable!("a stage without a program folds what it reads"),
            }
        };
        let cols = n / self.rows;
        let acc = self.at(self.places.folds[f.to]);
        // SAFETY: `n` elements at `p`, or one; room for a chunk at `spare`, for the folds at `acc`.
        unsafe {
            if single {
                let spare = self.at(self.places.spare);
                fill(spare, p, n, size);
                p = spare;
            }
            for r in 0..self.rows {
                let (src, dst) =
                    (p.add(r * cols * size), acc.add(r * if self.job.most > 1 { cols * size } else { 0 }));
                if let Some(sum) = sums.get_mut(f.to).and_then(Option::as_mut) {
                    sum.feed(src, cols, dst);
                } else if col == 0 {
                    (f.folder.fold)(src, cols, dst);
                } else if let Order::Running(go_on) = f.folder.order {
                    go_on(dst, src, cols);
                } else {
                    let mut x = [0u128; 1];
                    let x: *mut u8 = x.as_mut_ptr().cast();
                    (f.folder.fold)(src, cols, x);
                    (f.folder.accumulate)(dst, x, 1);
                }
            }
        }
        if f.flags.watched && flags::is_raised() {
            let told = flags::raised() & f.flags.told;
            flags::set(0);
            if told != 0 {
                flags::blame(f.flags.origin, told);
                self.met.set(self.met.get() | told);
            }
        }
    }
    /// Repeats the results of the stage's folds along the rows.
    unsafe fn repeat(&self, stage: &Stage) {
        for f in &stage.folds {
            let (size, cols) = (f.folder.size, self.job.cols);
            for r in 0..self.rows {
                // SAFETY: folds of several rows have room for all their elements; the first of each row is the fold.
                unsafe {
                    let row = self.at(self.places.folds[f.to]).add(r * cols * size);
                    let mut x = [0u128; 1];
                    let x: *mut u8 = x.as_mut_ptr().cast();
                    std::ptr::copy_nonoverlapping(row.cast_const(), x, size);
                    fill(row, x, cols, size);
                }
            }
        }
    }
}
