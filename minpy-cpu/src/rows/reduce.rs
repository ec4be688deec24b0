//! `Work::Reduce`: a fold over the inner axes, the scalar program applied on the way.
//!
//! Floats are added and multiplied in NumPy's order (`ordered.rs`); four ways, by where the finest axis of the inputs lies: short rows are folded one by one out of blocks of many rows;
//! long rows are folded block by block; when the finest axis is kept, whole rows of accumulators are added up; and where
//! few elements lie together (windows: pairs of rows and columns), blocks of results are, a place in the window at a time.

use super::fold::{self, Cascade, Folder, Order};
use super::ordered::{Source, Sums, add_up};
use crate::elementwise::block::{LONG, Tiling, Walk, Walker};
use crate::elementwise::compiled::compiled;
use crate::elementwise::min_items;
use crate::elementwise::program::{Compiled, Use};
use crate::elementwise::strided::fill;
use crate::elementwise::strided::{Space, Strided, copy2d};
use crate::machine::pool::Block;
use crate::machine::scratch::with_scratch;
use crate::machine::threads::{parallel_for, parallel_parts, usable_threads};
use crate::prims::{half, truth};
use minpy_core::backend::{DTypeSet, Family, Fold, Input, KernelCall, Node, Prim, Program, Slot, Work};
use minpy_core::{DType, DeviceRef, Error, ErrorKind, Result, Scalar, kernel};
use smallvec::SmallVec;
use std::ops::Range;

kernel!(pub ENTRY: "cpu", Slot::Family(Family::Reduce), DTypeSet::ALL, run);

fn run(device: DeviceRef, call: &KernelCall) -> Result<()> {
    let Work::Reduce(fold) = *call.work else { return Err(wrong(call.op)) };
    let c = compiled(call.program(), device.kind(), Use::Fold)?;
    let out = &call.outputs[0];
    let narrow = out.dtype == DType::F16;
    let acc = if narrow { DType::F32 } else { out.dtype };
    let Some(folder) = fold::lookup(fold, acc) else {
        let text = format!("{}: cpu has no fold {fold:?} of {}", call.op, out.dtype);
        return Err(Error::new(ErrorKind::Unsupported, text));
    };
    let Some(shape) = call.inputs.iter().find_map(|i| match i {
        Input::View(v) => Some(v.shape),
        Input::Scalar(_) => None,
    }) else {
        return Err(Error::new(ErrorKind::Unsupported, format!("{}: a reduction needs an array", call.op)));
    };
    if c.steps.is_empty()
        && !narrow
        && let [Input::View(v)] = call.inputs
    {
        // The shortest path: short contiguous rows.
        let n: usize = shape[out.shape.len()..].iter().product();
        let rows = out.size();
        if n > 0 && n <= 4096 && rows * n <= 32768 && v.is_contiguous() && out.is_contiguous() {
            let (src, dst, size) = (v.host_ptr(), out.host_ptr(), folder.size);
            for r in 0..rows {
                // SAFETY: contiguous views of `rows * n` and `rows` elements.
                unsafe { (folder.fold)(src.add(r * n * size), n, dst.add(r * size)) };
            }
            return Ok(());
        }
    }
    if c.steps.is_empty()
        && !narrow
        && let [Input::View(v)] = call.inputs
        && let (&[cols, rows], &[1, step]) = (v.shape, v.strides)
        && out.shape.len() == 1
        && out.strides[0] == 1
        && (1..=256).contains(&rows)
        // One column is a row, which is added in pairs.
        && cols > 1
        && !(step == 0 && folder.order.matters())
        && cols * rows <= 32768
    {
        // As short for a few contiguous rows added up: the gradient of a bias.
        let (src, dst, size) = (v.host_ptr(), out.host_ptr(), folder.size);
        // SAFETY: rows of `cols` elements, `step` apart; the output has room for one and is disjoint from them.
        unsafe {
            // Floats are added to 0, which matters where all are negative zeros.
            let first = if let Order::Pairs(_) = folder.order {
                dst.write_bytes(0, cols * size);
                0
            } else {
                std::ptr::copy_nonoverlapping(src, dst, cols * size);
                1
            };
            for r in first..rows as isize {
                (folder.accumulate)(dst, src.offset(r * step * size as isize), cols);
            }
        }
        return Ok(());
    }
    if let [Input::View(v)] = call.inputs
        && out.size() == 1
        && v.is_contiguous()
        && !shape.contains(&0)
    {
        let (at, n) = (v.host_ptr(), shape.iter().product());
        if fold == Fold::Add && out.dtype == DType::I64 && counts(call.program(), v.dtype) {
            // SAFETY: a contiguous view of so many elements, and one of one.
            unsafe { *out.host_ptr().cast::<i64>() = truth::count(at, n, v.dtype) as i64 };
            return Ok(());
        }
        if c.steps.is_empty() && (v.dtype, out.dtype) == (DType::Bool, DType::Bool) {
            // SAFETY: as above, of bytes.
            let bytes = unsafe { std::slice::from_raw_parts(at, n) };
            let found = match fold {
                Fold::Or | Fold::Max => Some(truth::any(bytes)),
                Fold::And | Fold::Min => Some(truth::all(bytes)),
                _ => None,
            };
            if let Some(found) = found {
                // SAFETY: an element of one byte.
                unsafe { *out.host_ptr() = found as u8 };
                return Ok(());
            }
        }
    }
    let zeros: SmallVec<[isize; 6]> = SmallVec::from_elem(0, shape.len());
    let mut out_strides = zeros.clone();
    out_strides[..out.shape.len()].copy_from_slice(out.strides);
    let out_op =
        Strided { base: out.host_ptr() as isize, strides: &out_strides, size: out.dtype.size() as isize };
    if shape.contains(&0) {
        return empty(fold, call, out_op);
    }
    let positions = minpy_core::backend::layout::contiguous_strides(shape);
    // The output comes last: the inputs decide about the order of axes. Afterwards it goes to the front.
    let mut operands: SmallVec<[Strided; 6]> = SmallVec::new();
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
    operands.push(out_op);
    let mut space = if folder.order.matters() {
        Space::directed(shape, &operands)
    } else {
        Space::new(shape, &operands, true)
    };
    space.last_operand_first();

    let (mut kept, mut reduced): (SmallVec<[usize; 6]>, SmallVec<[usize; 6]>) = Default::default();
    for axis in 0..space.dims.len() {
        if space.stride(0, axis) == 0 { reduced.push(axis) } else { kept.push(axis) }
    }
    let finest_reduced = reduced.last() == Some(&(space.dims.len() - 1));
    let decided = match (fold, out.dtype) {
        (Fold::Or | Fold::Max, DType::Bool) => Some(1),
        (Fold::And | Fold::Min, DType::Bool) => Some(0),
        _ => None,
    };
    let told = fold.prim().raises(acc);
    let mut r = Reduction { c, folder, narrow, decided, told, identity: fold.identity(acc), run: 1 };
    // Axes at the inner end that are reduced.
    let ends = (0..reduced.len())
        .rev()
        .zip((0..space.dims.len()).rev())
        .take_while(|&(i, a)| reduced[i] == a)
        .count();
    if let Order::Pairs(_) = folder.order {
        r.run = reduced[reduced.len() - ends..].iter().map(|&a| space.dims[a]).product();
    }
    // What is added in pairs is not gone through place by place.
    let in_order = !folder.order.matters() || r.run < 8;
    if let Some((outer, most)) = windows(c, &space, &kept, &reduced).filter(|_| in_order) {
        let mut order: SmallVec<[Option<usize>; 6]> =
            kept[..outer].iter().chain(&reduced).chain(&kept[outer..]).map(|&a| Some(a)).collect();
        if kept.len() - outer == 1 {
            order.insert(outer + reduced.len(), None);
        }
        r.tiles(&space.permuted(&order), outer, Held::Block { first: outer + reduced.len(), most })
    } else if finest_reduced {
        let order: SmallVec<[Option<usize>; 6]> = kept.iter().chain(&reduced).map(|&a| Some(a)).collect();
        let space = space.permuted(&order);
        let cols = space.dims[space.dims.len() - 1];
        let source = source(c, call.program());
        let short = ends == 1 && cols <= c.block && (source != Source::Converted || cols <= 8192);
        if reduced.len() == 1 && short {
            r.short_rows(&space)
        } else if folder.order.matters() {
            if let (true, false, Order::Pairs(_)) = (short, narrow, folder.order) {
                return r.rows_of_rows(&space, kept.len());
            }
            Sums { of: &r, space: &space, kept: kept.len(), inner: ends, source }.run()
        } else {
            r.tiles(&space, kept.len(), Held::One)
        }
    } else {
        let (last, rest) = kept.split_last().map_or((0, &[][..]), |(l, r)| (*l, r));
        let mut order: SmallVec<[Option<usize>; 6]> = rest.iter().map(|&a| Some(a)).collect();
        if reduced.is_empty() {
            order.push(None);
        }
        order.extend(reduced.iter().map(|&a| Some(a)));
        order.push(Some(last));
        r.tiles(&space.permuted(&order), rest.len(), Held::Row)
    }
}

/// The part of the output that a tile holds.
#[derive(Clone, Copy, PartialEq)]
enum Held {
    /// One element.
    One,
    /// A piece of the last axis.
    Row,
    /// Blocks of at most `most` elements of the axes from `first` on.
    Block { first: usize, most: usize },
}

/// Bytes of input that a block of outputs goes over again for each place in the window: they should stay in cache.
const WINDOW_BYTES: usize = 64 << 10;
/// A single short axis is folded faster element by element up to this length.
const SHORT: usize = 4;

/// Whether to go by blocks of the output, a place in the window at a time: how many of the kept axes lie outside of a
/// block, and the elements of a block. It pays where the elements that a step of the other ways folds are few.
fn windows(c: &Compiled, space: &Space, kept: &[usize], reduced: &[usize]) -> Option<(usize, usize)> {
    let (&k, &r) = (kept.last()?, reduced.last()?);
    let finest = space.dims.len() - 1;
    let together = match (r == finest, reduced) {
        (true, [_]) if space.dims[r] > SHORT => return None,
        (true, [_]) => 1,
        (true, [.., outer, _]) => space.dims[*outer] * space.dims[r],
        _ => space.dims[r] * space.dims[k],
    };
    if together >= LONG {
        return None;
    }
    let item = usize::from(*c.input_sizes.iter().max()?);
    // As many of the kept axes as leave what a block covers in cache.
    let (mut outer, mut size, mut most) = (kept.len(), 1, c.block);
    while outer > 0 && size < most {
        outer -= 1;
        size *= space.dims[kept[outer]];
        let finer = reduced.iter().filter(|&&a| a > kept[outer]).map(|&a| space.dims[a]).product::<usize>();
        most = most.min((WINDOW_BYTES / (finer * item)).max(LONG));
    }
    (size.min(most) >= 4 * together).then_some((outer, most))
}

/// What NumPy would read.
fn source(c: &Compiled, program: &Program) -> Source {
    if c.steps.is_empty() && c.inputs == 1 {
        return Source::Array;
    }
    match program.nodes()[program.outputs()[0] as usize].0 {
        Node::Cast(of) if matches!(program.nodes()[of as usize].0, Node::Input(_)) => Source::Converted,
        _ => Source::Computed,
    }
}

/// Whether a program of one input makes the number 1 of what is not zero, and 0 of what is.
fn counts(program: &Program, dtype: DType) -> bool {
    let node = |n: u16| program.nodes()[n as usize].0;
    let itself = |n: u16| node(n) == Node::Input(0);
    let none = |n: u16| matches!(node(n), Node::Const(s) if s == Scalar::from_bytes(dtype, &[0; 16][..dtype.size()]));
    match node(program.outputs()[0]) {
        Node::Cast(of) => match node(of) {
            Node::Prim(Prim::Ne, [x, y, _]) => itself(x) && none(y),
            _ => itself(of) && dtype == DType::Bool,
        },
        _ => false,
    }
}

fn wrong(op: &str) -> Error {
    Error::new(ErrorKind::Runtime, format!("{op}: the reduce kernel was given other work"))
}

/// Nothing to fold: the identity.
fn empty(fold: Fold, call: &KernelCall, out: Strided) -> Result<()> {
    let view = &call.outputs[0];
    let identity = fold.identity(view.dtype);
    if view.shape.contains(&0) {
        return Ok(());
    }
    let space = Space::new(view.shape, &[Strided { strides: view.strides, ..out }], true);
    let size = view.dtype.size();
    let t = Tiling::cut(&space, 1, space.dims[space.dims.len() - 1]);
    let mut at = Tiling::digits(&t.counts, 0);
    let nd = space.dims.len();
    for _ in 0..t.counts.iter().product() {
        let mut a = space.base[0];
        if nd > 1 {
            a +=
                at[..nd - 1].iter().enumerate().map(|(d, &i)| i as isize * space.stride(0, d)).sum::<isize>();
        }
        // SAFETY: the output view has room for its row.
        unsafe {
            copy2d(a as *mut u8, (0, space.stride(0, nd - 1)), identity.as_ptr(), (0, 0), 1, t.cols, size)
        };
        Tiling::advance(&t.counts, &mut at);
    }
    Ok(())
}

pub(super) struct Reduction<'a> {
    pub c: &'a Compiled,
    pub folder: Folder,
    /// The accumulators are float32, the output float16.
    pub narrow: bool,
    identity: Scalar,
    /// Elements at the inner end that are added to one another first, where windows are gone through in order.
    run: usize,
    /// The floating-point exceptions of the fold that are told of.
    told: u8,
    /// A byte that no further element changes: `any` that has found something, `all` that has not.
    decided: Option<u8>,
}

impl Reduction<'_> {
    fn out_size(&self) -> usize {
        if self.narrow { 2 } else { self.folder.size }
    }
    /// The block's values, laid out one after another; `spare` holds copies when they are all one element.
    ///
    /// # Safety
    /// As for `Frame::run`; `spare` has room for a block.
    pub unsafe fn values(&self, w: &mut Walker, n: usize, spare: *mut u8) -> *const u8 {
        w.frame.outside = self.told;
        // SAFETY: the caller's promise.
        unsafe { w.frame.run(n) };
        let (p, scalar) = w.frame.result(0);
        if !scalar {
            return p;
        }
        // SAFETY: one element at `p`, room for a block at `spare`.
        unsafe { fill(spare, p, n, self.folder.size) };
        spare
    }
    pub fn spare_bytes(&self) -> usize {
        (self.c.block * self.folder.size).next_multiple_of(64)
    }

    /// The last axis is reduced and fits a block: many rows a block, one fold each.
    fn short_rows(&self, space: &Space) -> Result<()> {
        let nd = space.dims.len();
        let cols = space.dims[nd - 1];
        let rows = if nd > 1 { space.dims[nd - 2] } else { 1 };
        let t = Tiling::cut(space, (self.c.block / cols).clamp(1, rows), cols);
        let walk = Walk::new(self.c, space, t, 1);
        let counts = &walk.t.counts;
        let least = (min_items(self.c.cost + 1) / (walk.t.block_rows * cols)).max(1);
        let base = walk.scratch_bytes().next_multiple_of(64);
        parallel_for(counts.iter().product(), least, |range| {
            with_scratch(base + self.spare_bytes(), |memory| {
                let mut w = walk.walker(memory);
                let mut at = Tiling::digits(counts, range.start);
                for _ in range {
                    let (rows, cols) = walk.extent(&at);
                    // SAFETY: the views hold what the space describes; the scratch memory was sized for it.
                    unsafe {
                        walk.load(&mut w, &at);
                        let p = self.values(&mut w, rows * cols, memory.add(base));
                        let (mut out, step) = (walk.address(0, &at) as *mut u8, walk.steps(0).0);
                        for r in 0..rows {
                            self.fold_to(p.add(r * cols * self.folder.size), cols, out);
                            out = out.wrapping_offset(step);
                        }
                    }
                    Tiling::advance(counts, &mut at);
                }
            })
        })
    }
    /// Short rows whose sums are added up along other reduced axes: those between the first `kept` and the last. All sums first, then
    /// those of each output.
    fn rows_of_rows(&self, space: &Space, kept: usize) -> Result<()> {
        let last = space.dims.len() - 1;
        let (rows, outputs) =
            (space.dims[kept..last].iter().product::<usize>(), space.dims[..kept].iter().product::<usize>());
        let memory = Block::new(rows * outputs * self.folder.size)?;
        let order: SmallVec<[Option<usize>; 6]> =
            (kept..last).chain(0..kept).chain([last]).map(Some).collect();
        let by_rows = space.permuted(&order);
        let mut strides: SmallVec<[isize; 6]> = SmallVec::from_elem(0, last);
        let mut step = self.folder.size as isize;
        for (stride, &n) in strides.iter_mut().zip(&by_rows.dims).rev() {
            *stride = step;
            step *= n as isize;
        }
        self.short_rows(&by_rows.aimed(memory.at() as isize, &strides))?;
        add_up(&self.folder, space, kept, memory.at(), rows)
    }
    /// # Safety
    /// `n` elements at `src`, room for one output element at `out`.
    #[inline]
    unsafe fn fold_to(&self, src: *const u8, n: usize, out: *mut u8) {
        // SAFETY: the caller's promise.
        unsafe {
            if self.narrow {
                let mut x = 0f32;
                (self.folder.fold)(src, n, (&raw mut x).cast());
                (half::narrow())((&raw const x).cast(), out, 1);
            } else {
                (self.folder.fold)(src, n, out);
            }
        }
    }

    /// Tiles of outputs, each the fold over many blocks. The first `lead` axes of the space are kept, and the last ones
    /// that `held` says: then a tile has an accumulator per element of a block, else it is one output.
    fn tiles(&self, space: &Space, lead: usize, held: Held) -> Result<()> {
        let c = self.c;
        let keep_last = held != Held::One;
        let nd = space.dims.len();
        let cols = space.dims[nd - 1];
        let rows = if nd > 1 { space.dims[nd - 2] } else { 1 };
        let tiling = if let Held::Block { first, most } = held {
            Tiling::deep(space, first, most)
        } else {
            let reduced_axes = nd - lead - keep_last as usize;
            // Several rows a block, where those rows are reduced.
            let many = reduced_axes >= if keep_last { 1 } else { 2 };
            let mut block_cols = cols.min(c.block);
            // In order, threads share columns only.
            let others: usize = space.dims[..lead].iter().product();
            if self.folder.order.matters() && others * cols.div_ceil(block_cols) < usable_threads() {
                block_cols = block_cols.min(cols.div_ceil(usable_threads()).next_multiple_of(64));
            }
            let block_rows = if many { rows.min(c.block / block_cols).max(1) } else { 1 };
            Tiling::cut(space, block_rows, block_cols)
        };
        let per_block = tiling.block_len(space);
        let walk = Walk::new(c, space, tiling, 1);
        let counts = &walk.t.counts;
        let k = counts.len();
        let (first, last) = match held {
            Held::One => (lead, k),
            Held::Row => (lead, k - 1),
            Held::Block { first, .. } => (lead, first),
        };
        // One-dimensional spaces have a row digit that is always 0.
        let first = if nd == 1 { 0 } else { first };
        let tile_counts: SmallVec<[usize; 8]> =
            counts[..first].iter().chain(&counts[last..]).copied().collect();
        let tiles: usize = tile_counts.iter().product();
        let inner: usize = counts[first..last].iter().product();
        let least_blocks = (min_items(c.cost + 1) / per_block).max(1);
        let width = if keep_last { per_block } else { 1 };
        let base = walk.scratch_bytes().next_multiple_of(64);
        let cascade_bytes = Cascade::bytes(&self.folder, width);
        let need = base + self.spare_bytes() + 2 * cascade_bytes + 64;

        // Folds blocks `range` of tile `tile` and hands the accumulators to `done`.
        let part = |tile: usize, range: Range<usize>, done: &mut dyn FnMut(*mut u8, usize, &[usize])| {
            with_scratch(need, |memory| {
                let tile_at = Tiling::digits(&tile_counts, tile);
                let mut at: SmallVec<[usize; 8]> = tile_at[..first].into();
                at.extend(Tiling::digits(&counts[first..last], range.start));
                at.extend(tile_at[first..].iter().copied());
                let spare = memory.wrapping_add(base);
                let room = spare.wrapping_add(self.spare_bytes());
                let cols = if keep_last { walk.extent(&at).1 } else { 1 };
                // Blocks at the lower edge have fewer rows; their accumulators are kept apart until the end.
                let (whole, rest) = match held {
                    Held::One => (1, 0),
                    Held::Row => (walk.t.block_rows * cols, walk.t.rows % walk.t.block_rows * cols),
                    Held::Block { .. } => (walk.extent(&at).0 * cols, 0),
                };
                if let Some(add_rows) = self.folder.add_rows.filter(|_| keep_last) {
                    // One row of accumulators, and one for runs.
                    let width = if held == Held::Row { cols } else { whole };
                    let (acc, inner) = (room.wrapping_add(64), room.wrapping_add(64 + cascade_bytes));
                    let mut w = walk.walker(memory);
                    // SAFETY: the views hold what the space describes; the scratch memory was sized for it.
                    unsafe {
                        fill(acc, self.identity.as_ptr(), width, self.folder.size);
                        for place in 0..range.len() {
                            let (rows, cols) = walk.extent(&at);
                            walk.load(&mut w, &at);
                            let p = self.values(&mut w, rows * cols, spare);
                            if held == Held::Row {
                                add_rows(acc, p, rows, cols);
                            } else if self.run == 1 {
                                add_rows(acc, p, 1, width);
                            } else {
                                if place % self.run == 0 {
                                    std::ptr::copy_nonoverlapping(p, inner, width * self.folder.size);
                                } else {
                                    add_rows(inner, p, 1, width);
                                }
                                if place % self.run + 1 == self.run {
                                    add_rows(acc, inner, 1, width);
                                }
                            }
                            Tiling::advance(&counts[first..last], &mut at[first..last]);
                        }
                    }
                    done(acc, width, &at);
                    return;
                }
                let mut main = Cascade::new(self.folder, whole, room.wrapping_add(64));
                let mut edge = Cascade::new(self.folder, rest, room.wrapping_add(64 + cascade_bytes));
                let mut w = walk.walker(memory);
                for _ in range {
                    let (rows, cols) = walk.extent(&at);
                    let n = rows * cols;
                    // SAFETY: the views hold what the space describes; the scratch memory was sized for it.
                    unsafe {
                        walk.load(&mut w, &at);
                        let p = self.values(&mut w, n, spare);
                        if !keep_last {
                            (self.folder.fold)(p, n, room);
                            main.push(room);
                            if self.decided.is_some_and(|d| d == *room) {
                                break;
                            }
                        } else if n == whole {
                            main.push(p);
                        } else {
                            edge.push(p);
                        }
                    }
                    Tiling::advance(&counts[first..last], &mut at[first..last]);
                }
                let (acc, tail) = (main.finish(), edge.finish());
                if acc.is_null() {
                    done(tail, rest, &at);
                    return;
                }
                if !tail.is_null() {
                    // SAFETY: `rest` accumulators at both; `whole` is more.
                    unsafe { (self.folder.accumulate)(acc, tail, rest) };
                }
                done(acc, whole, &at);
            })
        };
        // Folds the rows of accumulators into one and writes it.
        let finish = |acc: *mut u8, width: usize, at: &[usize]| {
            let cols = if keep_last { walk.extent(at).1 } else { 1 };
            // In halves: wide loops, and rounding as in a tree.
            let mut rows = if let Held::Block { .. } = held { 1 } else { width / cols };
            while rows > 1 {
                let half = rows / 2;
                let upper = (rows - half) * cols * self.folder.size;
                // SAFETY: `rows` rows of accumulators, of which the upper half is disjoint from the lower.
                unsafe { (self.folder.accumulate)(acc, acc.add(upper), half * cols) };
                rows -= half;
            }
            let mut at: SmallVec<[usize; 8]> = at.into();
            at[first..last].fill(0);
            let n = if let Held::Block { .. } = held { width } else { cols };
            let size = self.out_size();
            // SAFETY: accumulators of float32 are narrowed in place, from the front; the output has room for these.
            unsafe {
                if self.narrow {
                    (half::narrow())(acc, acc, n);
                }
                if let Held::Block { .. } = held {
                    walk.store(0, &at, acc, false, size);
                } else {
                    let to = (0, if keep_last { walk.steps(0).1 } else { 0 });
                    copy2d(walk.address(0, &at) as *mut u8, to, acc, (0, size as isize), 1, cols, size);
                }
            }
        };

        let threads = usable_threads();
        if tiles >= threads * 2 || inner < 2 * least_blocks || threads == 1 || self.folder.order.matters() {
            return parallel_for(tiles, least_blocks.div_ceil(inner), |range| {
                for tile in range {
                    part(tile, 0..inner, &mut |acc, width, at| finish(acc, width, at))?;
                }
                Ok(())
            });
        }
        // Few outputs, each of much: the blocks of a tile go to several threads.
        let parts = threads.min(inner / least_blocks).max(1);
        let stride = (width * self.folder.size).next_multiple_of(64);
        let memory = Block::new(stride * parts)?;
        let partial = memory.at() as usize;
        for tile in 0..tiles {
            let widths: SmallVec<[std::sync::atomic::AtomicUsize; 16]> =
                (0..parts).map(|_| Default::default()).collect();
            parallel_parts(inner, parts, inner / least_blocks >= 6, |p, range| {
                if range.is_empty() {
                    return Ok(());
                }
                part(tile, range, &mut |acc, width, _| {
                    let to = (partial + p * stride) as *mut u8;
                    // SAFETY: every part has its own room for `width` accumulators.
                    unsafe { std::ptr::copy_nonoverlapping(acc, to, width * self.folder.size) };
                    widths[p].store(width, std::sync::atomic::Ordering::Release);
                })
            })?;
            let first_acc = partial as *mut u8;
            let width_of = |p: usize| widths[p].load(std::sync::atomic::Ordering::Acquire);
            for p in (1..parts).filter(|&p| width_of(p) > 0) {
                // SAFETY: part 0 has at least as many accumulators as any other: it begins with whole blocks.
                unsafe {
                    (self.folder.accumulate)(first_acc, (partial + p * stride) as *const u8, width_of(p))
                };
            }
            let tile_at = Tiling::digits(&tile_counts, tile);
            let mut at: SmallVec<[usize; 8]> = tile_at[..first].into();
            at.extend(std::iter::repeat_n(0, last - first));
            at.extend(tile_at[first..].iter().copied());
            finish(first_acc, width_of(0), &at);
        }
        Ok(())
    }
}
