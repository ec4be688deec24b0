//! `Work::Gather` and `Work::Scatter`: elements or rows picked by index arrays.
//!
//! First every index is checked and turned into a byte offset; then elements move. A scatter runs in C order on one
//! thread, because repeated indices have an order: the last one stays, or all are combined one after another.

pub mod nonzero;
pub mod sort;

use crate::elementwise::min_items;
use crate::elementwise::strided::{Space, Strided, copy2d};
use crate::machine::pool::Block;
use crate::machine::threads::parallel_for;
use crate::prims::{self, Loop, cast, with_bits};
use crate::rows::fold;
use minpy_core::backend::{
    DTypeSet, Family, Fold, Input, KernelCall, Prim, ScatterMode, Slot, View, Work, index_error,
};
use minpy_core::{DType, DeviceRef, Error, ErrorKind, Result, kernel};
use smallvec::SmallVec;

kernel!(pub GATHER: "cpu", Slot::Family(Family::Gather), DTypeSet::ALL, gather);
kernel!(pub SCATTER: "cpu", Slot::Family(Family::Scatter), DTypeSet::ALL, scatter);

/// Offsets, in memory of the pool where they are many.
enum Offsets {
    Few(SmallVec<[isize; 16]>),
    Many(Block, usize),
}
impl Offsets {
    fn zeros(n: usize) -> Result<Offsets> {
        if n <= 16 {
            return Ok(Offsets::Few(SmallVec::from_elem(0, n)));
        }
        let mut block = Block::of::<isize>(n)?;
        block.filled(n, |_| 0isize);
        Ok(Offsets::Many(block, n))
    }
}
impl std::ops::Deref for Offsets {
    type Target = [isize];
    #[inline]
    fn deref(&self) -> &[isize] {
        match self {
            Offsets::Few(list) => list,
            // SAFETY: `zeros` wrote so many.
            Offsets::Many(block, n) => unsafe { std::slice::from_raw_parts(block.at().cast(), *n) },
        }
    }
}
impl std::ops::DerefMut for Offsets {
    #[inline]
    fn deref_mut(&mut self) -> &mut [isize] {
        match self {
            Offsets::Few(list) => list,
            // SAFETY: as above; the block is borrowed mutably.
            Offsets::Many(block, n) => unsafe { std::slice::from_raw_parts_mut(block.at().cast(), *n) },
        }
    }
}

/// Byte offset into `base` for every position of the index arrays, in C order.
fn offsets(op: &str, base: &View, indices: &[Input]) -> Result<Offsets> {
    let first = indices[0].view();
    let n = first.size();
    let mut out = Offsets::zeros(n)?;
    let item = base.dtype.size() as isize;
    for (axis, input) in indices.iter().enumerate() {
        let view = input.view();
        let (size, stride) = (base.shape[axis] as i64, base.strides[axis] * item);
        let p = view.host_ptr().cast::<i64>();
        let mut bad = None;
        let mut put = |o: &mut isize, i: i64| {
            let at = if i < 0 { i + size } else { i };
            if at < 0 || at >= size {
                bad.get_or_insert(i);
            } else {
                *o += at as isize * stride;
            }
        };
        if view.is_contiguous() {
            // SAFETY: a contiguous view of `n` int64.
            let values = unsafe { std::slice::from_raw_parts(p, n) };
            out.iter_mut().zip(values).for_each(|(o, &i)| put(o, i));
        } else {
            minpy_core::backend::layout::for_each_offset(view.shape, view.strides, 0, |k, at| {
                // SAFETY: the view holds this element; a negative offset wraps round to the right address.
                put(&mut out[k], unsafe { *p.wrapping_add(at) });
            });
        }
        if let Some(i) = bad {
            return Err(index_error(op, i, axis, size as usize));
        }
    }
    Ok(out)
}

/// The side that is walked in C order over the index positions.
struct Walked {
    base: isize,
    space: Space,
}

impl Walked {
    fn new(view: &View, axes: usize) -> Walked {
        let item = view.dtype.size() as isize;
        let op = Strided { base: view.host_ptr() as isize, strides: &view.strides[..axes], size: item };
        let space = Space::new(&view.shape[..axes], &[op], false);
        Walked { base: view.host_ptr() as isize, space }
    }
    #[inline]
    fn address(&self, mut i: usize) -> isize {
        let s = &self.space;
        if s.dims.len() == 1 {
            return self.base + i as isize * s.stride(0, 0);
        }
        let mut a = self.base;
        for d in (0..s.dims.len()).rev() {
            a += (i % s.dims[d]) as isize * s.stride(0, d);
            i /= s.dims[d];
        }
        a
    }
}

/// The axes that come along with every index: target and source strides.
struct Rest {
    space: Space,
    elements: usize,
    size: usize,
    /// One run of bytes on both sides.
    tight: bool,
}

impl Rest {
    fn new(shape: &[usize], to: &[isize], from: &[isize], size: usize) -> Rest {
        let item = size as isize;
        let ops =
            [Strided { base: 0, strides: to, size: item }, Strided { base: 0, strides: from, size: item }];
        let space = Space::new(shape, &ops, true);
        let elements = shape.iter().product();
        let tight = elements == 1
            || space.dims.len() == 1 && space.stride(0, 0) == item && space.stride(1, 0) == item;
        Rest { space, elements, size, tight }
    }
    /// Calls `f(target, source, (target strides), (source strides), rows, cols)` for two-dimensional pieces.
    fn pieces(
        &self,
        to: isize,
        from: isize,
        mut f: impl FnMut(*mut u8, *const u8, (isize, isize), (isize, isize), usize, usize),
    ) {
        let s = &self.space;
        let nd = s.dims.len();
        let (to, from) = (to + s.base[0], from + s.base[1]);
        let step = |op: usize| (if nd > 1 { s.stride(op, nd - 2) } else { 0 }, s.stride(op, nd - 1));
        let (rows, cols) = (if nd > 1 { s.dims[nd - 2] } else { 1 }, s.dims[nd - 1]);
        let outer = &s.dims[..nd.saturating_sub(2)];
        let mut at = crate::elementwise::block::Tiling::digits(outer, 0);
        for _ in 0..outer.iter().product() {
            let shift =
                |op: usize| at.iter().enumerate().map(|(d, &i)| i as isize * s.stride(op, d)).sum::<isize>();
            f((to + shift(0)) as *mut u8, (from + shift(1)) as *const u8, step(0), step(1), rows, cols);
            crate::elementwise::block::Tiling::advance(outer, &mut at);
        }
    }
    /// Copies from one side to the other.
    ///
    /// # Safety
    /// Both addresses are first elements of what the space describes, disjoint.
    #[inline]
    unsafe fn copy(&self, to: isize, from: isize) {
        if self.tight {
            let (to, from) = ((to + self.space.base[0]) as *mut u8, (from + self.space.base[1]) as *const u8);
            // SAFETY: the caller's promise.
            unsafe { std::ptr::copy_nonoverlapping(from, to, self.elements * self.size) };
            return;
        }
        self.pieces(to, from, |t, f, ts, fs, rows, cols| {
            // SAFETY: the caller's promise.
            unsafe { copy2d(t, ts, f, fs, rows, cols, self.size) }
        });
    }
}

fn wrong(op: &str) -> Error {
    Error::new(
        ErrorKind::Runtime,
        format!("{op}: an index kernel was given other work or shapes that do not fit"),
    )
}

/// Elements of a vector into a contiguous result: nothing but the indices themselves is kept.
fn pick(op: &str, src: &View, indices: &View, out: &View) -> Result<()> {
    let (n, size, item) = (indices.size(), src.shape[0] as i64, src.dtype.size());
    let step = src.strides[0] * item as isize;
    // SAFETY: a contiguous view of `n` int64.
    let indices = unsafe { std::slice::from_raw_parts(indices.host_ptr().cast::<i64>(), n) };
    // Without a jump in the loop; which one it is matters to the message only.
    if indices.iter().fold(false, |bad, &i| bad | (i < -size) | (i >= size))
        && let Some(&i) = indices.iter().find(|&&i| i < -size || i >= size)
    {
        return Err(index_error(op, i, 0, size as usize));
    }
    let (from, to) = (src.host_ptr() as isize, out.host_ptr() as isize);
    parallel_for(n, min_items(16).max(1), |range| {
        with_bits!(item, T => for k in range {
            let i = indices[k];
            let at = (i + (size & (i >> 63))) as isize;
            // SAFETY: the index was checked; the output has a place for every one of them.
            unsafe { *(to as *mut T).add(k) = *((from + at * step) as *const T) };
        })
    });
    Ok(())
}

fn gather(_: DeviceRef, call: &KernelCall) -> Result<()> {
    let Work::Gather { indexed } = *call.work else { return Err(wrong(call.op)) };
    let (src, out) = (call.inputs[0].view(), &call.outputs[0]);
    if indexed == 0 || call.inputs.len() <= indexed || src.shape.len() < indexed {
        return Err(wrong(call.op));
    }
    if let ([Input::View(i)], true) = (&call.inputs[1..=indexed], src.shape.len() == 1)
        && i.is_contiguous()
        && out.is_contiguous()
    {
        return pick(call.op, src, i, out);
    }
    let from = offsets(call.op, src, &call.inputs[1..=indexed])?;
    let axes = call.inputs[1].view().shape.len();
    let walked = Walked::new(out, axes);
    let rest = Rest::new(&out.shape[axes..], &out.strides[axes..], &src.strides[indexed..], out.dtype.size());
    let base = src.host_ptr() as isize;
    if rest.elements == 0 {
        return Ok(());
    }
    let least = min_items(16 + rest.elements * rest.size).max(1);
    parallel_for(from.len(), least, |range| {
        if rest.elements == 1 && walked.space.dims.len() == 1 {
            let step = walked.space.stride(0, 0);
            with_bits!(rest.size, T => for i in range {
                // SAFETY: offsets were checked; the output has a place for every index.
                unsafe { *((walked.base + i as isize * step) as *mut T) = *((base + from[i]) as *const T) };
            });
            return;
        }
        for i in range {
            // SAFETY: as above.
            unsafe { rest.copy(walked.address(i), base + from[i]) };
        }
    });
    Ok(())
}

fn scatter(_: DeviceRef, call: &KernelCall) -> Result<()> {
    let Work::Scatter { indexed, mode } = *call.work else { return Err(wrong(call.op)) };
    let (src, out) = (call.inputs[0].view(), &call.outputs[0]);
    if indexed == 0 || call.inputs.len() <= indexed || out.shape.len() < indexed {
        return Err(wrong(call.op));
    }
    let combine = match mode {
        ScatterMode::Set => None,
        ScatterMode::Combine(prim) => Some(combiner(call.op, prim, out.dtype)?),
    };
    let to = offsets(call.op, out, &call.inputs[1..=indexed])?;
    let axes = call.inputs[1].view().shape.len();
    let walked = Walked::new(src, axes);
    let rest =
        Rest::new(&out.shape[indexed..], &out.strides[indexed..], &src.strides[axes..], out.dtype.size());
    let base = out.host_ptr() as isize;
    if rest.elements == 0 {
        return Ok(());
    }
    for (i, &at) in to.iter().enumerate() {
        let (t, f) = (base + at, walked.address(i));
        // SAFETY: offsets were checked; the source has a value for every index and is disjoint from the output.
        unsafe {
            match &combine {
                None => rest.copy(t, f),
                Some(c) if rest.tight => c.run(
                    (t + rest.space.base[0]) as *mut u8,
                    (f + rest.space.base[1]) as *const u8,
                    rest.elements,
                ),
                Some(c) => rest.pieces(t, f, |t, f, ts, fs, rows, cols| {
                    for r in 0..rows as isize {
                        for k in 0..cols as isize {
                            c.run(t.offset(r * ts.0 + k * ts.1), f.offset(r * fs.0 + k * fs.1), 1);
                        }
                    }
                }),
            }
        }
    }
    Ok(())
}

/// `target = target op source` for runs of elements.
enum Combiner {
    Fold(fold::Folder),
    Prim([prims::loops::BinaryLoop; 3]),
    /// float16: in float32, rounded.
    Half([prims::loops::BinaryLoop; 3]),
}

fn combiner(op: &str, prim: Prim, dtype: DType) -> Result<Combiner> {
    let folds = [Fold::Add, Fold::Mul, Fold::Max, Fold::Min];
    if let Some(f) = folds.into_iter().find(|f| f.prim() == prim).and_then(|f| fold::lookup(f, dtype)) {
        return Ok(Combiner::Fold(f));
    }
    let none =
        || Error::new(ErrorKind::Unsupported, format!("{op}: cpu cannot combine {dtype} by {}", prim.name()));
    use Prim::*;
    if prim.arity() != 2 || matches!(prim, Eq | Ne | Lt | Le | Gt | Ge | Complex) {
        return Err(none());
    }
    match (prims::lookup(prim, dtype), dtype) {
        (Some(Loop::Binary(f)), _) => Ok(Combiner::Prim(f)),
        (None, DType::F16) => match prims::lookup(prim, DType::F32) {
            Some(Loop::Binary(f)) => Ok(Combiner::Half(f)),
            _ => Err(none()),
        },
        _ => Err(none()),
    }
}

impl Combiner {
    /// # Safety
    /// `n` elements at both places, disjoint.
    #[inline]
    unsafe fn run(&self, target: *mut u8, source: *const u8, n: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Combiner::Fold(f) => (f.accumulate)(target, source, n),
                Combiner::Prim(f) => f[0](target, source, target, n),
                Combiner::Half(f) => {
                    let wide = |p: *const u8| {
                        let mut x = 0f32;
                        (prims::half::widen())(p, (&raw mut x).cast(), 1);
                        x
                    };
                    for i in 0..n {
                        let t = target.add(2 * i);
                        let (x, y, mut r) = (wide(t), wide(source.add(2 * i)), 0f32);
                        f[0]((&raw const x).cast(), (&raw const y).cast(), (&raw mut r).cast(), 1);
                        for (run, _) in cast::lookup(DType::F32, DType::F16) {
                            run((&raw const r).cast(), t, 1);
                        }
                    }
                }
            }
        }
    }
}
