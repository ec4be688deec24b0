//! `Work::Gather`: elements or rows picked by index arrays; and what scatters share with it (`scatter.rs`).
//!
//! First every index is checked; then it is turned into a byte offset, and elements move.

pub mod bins;
pub mod bits;
pub mod interp;
pub mod nonzero;
pub(crate) mod row;
pub mod scatter;
pub mod search;
pub mod sort;
pub mod unravel;

use crate::elementwise::min_items;
use crate::elementwise::strided::{Space, Strided, copy2d};
use crate::machine::pool::Block;
use crate::machine::threads::parallel_for;
use crate::prims::with_bits;
use minpy_core::backend::{DTypeSet, Family, Input, KernelCall, Slot, View, Work, index_error};
use minpy_core::{DeviceRef, Error, ErrorKind, Result, kernel};
use smallvec::SmallVec;
use std::ops::Range;

kernel!(pub GATHER: "cpu", Slot::Family(Family::Gather), DTypeSet::ALL, gather);

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

/// Whether an index lies outside of an axis: without a jump, and without a comparison, which older registers lack.
#[inline(always)]
fn outside(index: i64, size: i64) -> i64 {
    index.wrapping_add(size) | (size - 1).wrapping_sub(index)
}
/// All indices of an axis lie inside.
fn check(op: &str, indices: &[i64], axis: usize, size: i64) -> Result<()> {
    let any = |list: &[i64]| list.iter().fold(0, |bad, &i| bad | outside(i, size)) < 0;
    match indices.chunks(4096).find(|list| any(list)).and_then(|l| l.iter().find(|&&i| outside(i, size) < 0))
    {
        Some(&i) => Err(index_error(op, i, axis, size as usize)),
        None => Ok(()),
    }
}

/// Where the elements of an array are that index arrays name: byte offsets, in C order over the index arrays. All have been checked.
enum Places<'a> {
    /// One axis, by contiguous indices: its size and its stride in bytes.
    One(&'a [i64], i64, isize),
    Listed(Offsets),
}
/// Offsets that are computed together.
const CHUNK: usize = 256;

impl<'a> Places<'a> {
    fn new(op: &str, base: &View, indices: &'a [Input]) -> Result<Places<'a>> {
        if let [Input::View(i)] = indices
            && i.is_contiguous()
        {
            // SAFETY: a contiguous view of so many int64.
            let list = unsafe { std::slice::from_raw_parts(i.host_ptr().cast::<i64>(), i.size()) };
            let size = base.shape[0] as i64;
            check(op, list, 0, size)?;
            return Ok(Places::One(list, size, base.strides[0] * base.dtype.size() as isize));
        }
        offsets(op, base, indices).map(Places::Listed)
    }
    fn len(&self) -> usize {
        match self {
            Places::One(list, ..) => list.len(),
            Places::Listed(list) => list.len(),
        }
    }
    /// Calls `f(first, offsets)` for pieces of a range of positions, in order.
    #[inline]
    fn chunks(&self, range: Range<usize>, mut f: impl FnMut(usize, &[isize])) {
        match self {
            Places::Listed(list) => f(range.start, &list[range]),
            &Places::One(list, size, stride) => {
                let mut held = [0isize; CHUNK];
                let mut first = range.start;
                for part in list[range].chunks(CHUNK) {
                    for (to, &i) in held.iter_mut().zip(part) {
                        *to = (i + (size & (i >> 63))) as isize * stride;
                    }
                    f(first, &held[..part.len()]);
                    first += part.len();
                }
            }
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
        let add = |o: &mut isize, i: i64| *o += (i + (size & (i >> 63))) as isize * stride;
        if view.is_contiguous() {
            // SAFETY: a contiguous view of `n` int64.
            let values = unsafe { std::slice::from_raw_parts(p, n) };
            check(op, values, axis, size)?;
            out.iter_mut().zip(values).for_each(|(o, &i)| add(o, i));
            continue;
        }
        let mut bad = None;
        minpy_core::backend::layout::for_each_offset(view.shape, view.strides, 0, |k, at| {
            // SAFETY: the view holds this element; a negative offset wraps round to the right address.
            let i = unsafe { *p.wrapping_add(at) };
            if outside(i, size) < 0 {
                bad.get_or_insert(i);
            } else {
                add(&mut out[k], i);
            }
        });
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
    /// Bytes from one position to the next, where that is always the same.
    #[inline]
    fn step(&self) -> Option<isize> {
        (self.space.dims.len() == 1).then(|| self.space.stride(0, 0))
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
    check(op, indices, 0, size)?;
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
    let from = Places::new(call.op, src, &call.inputs[1..=indexed])?;
    let axes = call.inputs[1].view().shape.len();
    let walked = Walked::new(out, axes);
    let rest = Rest::new(&out.shape[axes..], &out.strides[axes..], &src.strides[indexed..], out.dtype.size());
    let base = src.host_ptr() as isize;
    if rest.elements == 0 {
        return Ok(());
    }
    let least = min_items(16 + rest.elements * rest.size).max(1);
    parallel_for(from.len(), least, |range| {
        from.chunks(range, |first, offsets| match walked.step() {
            Some(step) if rest.elements == 1 => with_bits!(rest.size, T => {
                let mut to = (walked.base + first as isize * step) as *mut T;
                for &at in offsets {
                    // SAFETY: places were checked; the output has one for every index.
                    unsafe { *to = *((base + at) as *const T) };
                    to = to.wrapping_byte_offset(step);
                }
            }),
            _ => {
                for (i, &at) in offsets.iter().enumerate() {
                    // SAFETY: as above.
                    unsafe { rest.copy(walked.address(first + i), base + at) };
                }
            }
        });
    });
    Ok(())
}
