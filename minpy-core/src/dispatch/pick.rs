//! `a[mask]`, `a[indices]` and assignments to them, for arrays in the host's memory that are not large: the elements are moved where they lie.
//! By kernels, which other arrays and devices have, it takes three calls: positions of the mask, a check of them, a gather.
//!
//! What is recorded, counted or elsewhere is not taken, nor an index that is out of range: its error is the kernel's.

use super::small::{by_size, is_unwatched};
use super::straight::address;
use crate::{Array, DType, Operand, Result, context, profile};

/// Most elements of an index array or a mask.
const MOST: usize = 1 << 16;

/// Whether an array is on the host, one element after another.
#[inline]
fn lies(a: &Array) -> bool {
    a.device().is_host() && a.layout().is_contiguous()
}
/// How the elements that an index names lie.
struct Rows {
    /// Bytes of what one position names.
    bytes: usize,
    /// Bytes from one position to the next.
    step: isize,
    /// Positions.
    n: usize,
}
/// The positions that an index counts in an array: along the first axis, or over all axes of a mask.
#[inline]
fn rows(a: &Array, key: &Array) -> Option<Rows> {
    let size = a.dtype().size();
    let l = a.layout();
    match (key.dtype(), l.shape(), l.strides()) {
        (DType::Bool, shape, strides) => {
            let lead = key.ndim();
            if lead == 0 || shape.len() < lead || shape[..lead] != *key.shape() {
                return None;
            }
            if let ([n], [stride]) = (shape, strides) {
                return Some(Rows { bytes: size, step: stride * size as isize, n: *n });
            }
            let bytes = size * shape[lead..].iter().product::<usize>();
            l.is_contiguous().then_some(Rows { bytes, step: bytes as isize, n: key.size() })
        }
        (DType::I64, &[n], &[stride]) => Some(Rows { bytes: size, step: stride * size as isize, n }),
        (DType::I64, &[n, ..], _) if l.is_contiguous() => {
            let bytes = size * l.shape()[1..].iter().product::<usize>();
            Some(Rows { bytes, step: bytes as isize, n })
        }
        _ => None,
    }
}
/// An array, seen as positions, and an index of them, where this file is for them. What waits is computed: a gather would ask for it, too.
#[inline]
fn known<'a>(a: &'a Array, key: &'a Array) -> Result<Option<(*const u8, *const u8, Rows)>> {
    if key.ndim() == 0
        || key.size() == 0
        || context::flags() != 0
        || !a.device().is_host()
        || key.size() > MOST
        || profile::is_on()
        || !lies(key)
    {
        return Ok(None);
    }
    let Some(rows) = rows(a, key) else { return Ok(None) };
    Ok(Some((address(a, a.buffer().memory()?), address(key, key.buffer().memory()?), rows)))
}
/// Whether all indices are in range.
///
/// # Safety
/// `m` integers at `key`.
#[inline]
unsafe fn all_inside(key: *const i64, m: usize, n: usize) -> bool {
    // SAFETY: the caller's promise.
    let key = unsafe { std::slice::from_raw_parts(key, m) };
    let n = n as i64;
    // Of both signs at once: no branch, so that it is done by registers.
    key.iter().fold(true, |fine, &i| fine & (-n <= i) & (i < n))
}
/// # Safety
/// `n` truth values at `mask`.
#[inline]
unsafe fn count(mask: *const u8, n: usize) -> usize {
    // SAFETY: the caller's promise.
    let mask = unsafe { std::slice::from_raw_parts(mask, n) };
    mask.chunks(128).map(|c| c.iter().fold(0u8, |k, &b| k + (b != 0) as u8) as usize).sum()
}

/// `a[key]`; `None` where that takes more than this.
#[inline]
pub(crate) fn picked(a: &Array, key: &Array) -> Result<Option<Array>> {
    let Some((from, at, rows)) = known(a, key)? else { return Ok(None) };
    let mask = key.dtype() == DType::Bool;
    // SAFETY: contiguous memory of the key, which is there.
    let m = unsafe {
        match mask {
            true => count(at, rows.n),
            false if all_inside(at.cast(), key.size(), rows.n) => key.size(),
            false => return Ok(None),
        }
    };
    let mut shape: crate::layout::Dims = if mask { [m].as_slice().into() } else { key.shape().into() };
    shape.extend_from_slice(&a.shape()[if mask { key.ndim() } else { 1 }..]);
    let out = Array::empty_on(a.device(), &shape, a.dtype())?;
    if out.size() == 0 {
        return Ok(Some(out));
    }
    let to = address(&out, out.buffer().memory_to_write()?).cast_mut();
    // SAFETY: every place named is one of the array's (checked), and the result has room for so many.
    unsafe {
        match (mask, matches!(rows.bytes, 1 | 2 | 4 | 8 | 16)) {
            (true, true) => by_size!(rows.bytes, compress(from, at, &rows, to, m)),
            (false, true) => by_size!(rows.bytes, collect(from, at.cast(), &rows, to, m)),
            _ => {
                let mut to = to;
                visit(at, mask, &rows, key.size(), |step| {
                    std::ptr::copy_nonoverlapping(from.offset(step), to, rows.bytes);
                    to = to.add(rows.bytes);
                });
            }
        }
    }
    Ok(Some(out))
}
/// The position that an index counts. All were in range; if another thread has written since, the first one.
#[inline(always)]
fn within(i: i64, n: usize) -> isize {
    let i = if i < 0 { i + n as i64 } else { i };
    if (i as u64) < n as u64 { i as isize } else { 0 }
}
/// Calls with the bytes from the first position to each one that is named, in order.
///
/// # Safety
/// A key of so many elements, whose indices are in range.
#[inline]
unsafe fn visit(key: *const u8, mask: bool, rows: &Rows, size: usize, mut each: impl FnMut(isize)) {
    for k in 0..size {
        // SAFETY: the caller's promise.
        let at = unsafe {
            if !mask {
                within(*key.cast::<i64>().add(k), rows.n)
            } else if *key.add(k) != 0 {
                k as isize
            } else {
                continue;
            }
        };
        each(at * rows.step);
    }
}
/// Eight truth values, all set.
const ALL: u64 = 0x0101_0101_0101_0101;

/// Goes through a mask by runs: calls with each run of places that are set in whole words, and with the first of eight places of which some
/// are; those behind the last word one by one, as runs.
///
/// # Safety
/// `n` truth values at `mask`.
#[inline(always)]
unsafe fn runs(mask: *const u8, n: usize, mut run: impl FnMut(usize, usize), mut some: impl FnMut(usize)) {
    // SAFETY: the caller's promise.
    let word = |i: usize| unsafe { mask.add(i).cast::<u64>().read_unaligned() };
    let mut i = 0;
    while i + 8 <= n {
        match word(i) {
            0 => i += 8,
            ALL => {
                let first = i;
                while i + 8 <= n && word(i) == ALL {
                    i += 8;
                }
                run(first, i - first);
            }
            _ => {
                some(i);
                i += 8;
            }
        }
    }
    for i in i..n {
        // SAFETY: the caller's promise.
        if unsafe { *mask.add(i) } != 0 {
            run(i, 1);
        }
    }
}
/// # Safety
/// `m` of `rows.n` truth values are set; elements of `T` lie at the places named, and there is room for `m` at `to`.
unsafe fn compress<T: Copy>(from: *const u8, mask: *const u8, rows: &Rows, to: *mut u8, m: usize) {
    let to = to.cast::<T>();
    let k = std::cell::Cell::new(0);
    // SAFETY: the caller's promise; `k` stays below `m` wherever an element is written.
    unsafe {
        let element = |i: usize| from.offset(i as isize * rows.step).cast::<T>().read_unaligned();
        // Another thread may set more than were counted, or fewer.
        let run = |i: usize, n: usize| {
            let (at, n) = (to.add(k.get()), n.min(m - k.get()));
            if rows.step == size_of::<T>() as isize {
                std::ptr::copy_nonoverlapping(from.cast::<T>().add(i), at, n);
            } else {
                (0..n).for_each(|j| *at.add(j) = element(i + j));
            }
            k.set(k.get() + n);
        };
        let some = |i: usize| {
            let mut at = k.get();
            if at + 8 <= m {
                // Every element is written, and the place moves on behind those that stay: no branch to guess.
                for j in 0..8 {
                    *to.add(at) = element(i + j);
                    at += (*mask.add(i + j) != 0) as usize;
                }
            } else {
                for j in (0..8).filter(|j| *mask.add(i + j) != 0) {
                    if at < m {
                        *to.add(at) = element(i + j);
                        at += 1;
                    }
                }
            }
            k.set(at);
        };
        runs(mask, rows.n, run, some);
        std::ptr::write_bytes(to.add(k.get()), 0, m - k.get());
    }
}
/// # Safety
/// `m` indices in range at `key`; elements of `T` at the places named, and room for `m` at `to`.
unsafe fn collect<T: Copy>(from: *const u8, key: *const i64, rows: &Rows, to: *mut u8, m: usize) {
    let to = to.cast::<T>();
    for k in 0..m {
        // SAFETY: the caller's promise.
        unsafe {
            *to.add(k) = from.offset(within(*key.add(k), rows.n) * rows.step).cast::<T>().read_unaligned();
        }
    }
}

/// `a[key] = value` for a number of the dtype, or as many values as positions are named; false where that takes more than this.
#[inline]
pub(crate) fn placed(a: &Array, key: &Array, value: &Operand) -> Result<bool> {
    let Some((_, at, rows)) = known(a, key)? else { return Ok(false) };
    if !is_unwatched(a) || key.may_share_memory(a) {
        return Ok(false);
    }
    let mask = key.dtype() == DType::Bool;
    // SAFETY: contiguous memory of the key, which is there.
    if !mask && unsafe { !all_inside(at.cast(), key.size(), rows.n) } {
        return Ok(false);
    }
    let scalar;
    let mut positions = 0;
    let (from, one) = match value {
        Operand::Number(n) => {
            scalar = n.to_scalar(a.dtype())?;
            (scalar.as_ptr(), true)
        }
        Operand::Scalar(s) if s.dtype() == a.dtype() => (s.as_ptr(), true),
        Operand::Array(v) if v.dtype() == a.dtype() && lies(v) && !v.may_share_memory(a) => {
            positions = if mask {
                // SAFETY: as above.
                unsafe { count(at, rows.n) }
            } else {
                key.size()
            };
            // One value for each position, and nothing to broadcast.
            let fits = if mask {
                a.ndim() == key.ndim() && v.shape() == [positions]
            } else {
                a.ndim() == 1 && v.shape() == key.shape()
            };
            if !fits {
                return Ok(false);
            }
            (address(v, v.buffer().memory()?), false)
        }
        _ => return Ok(false),
    };
    if rows.bytes != a.dtype().size() {
        return Ok(false);
    }
    let to = address(a, a.buffer().memory_to_write()?).cast_mut();
    // SAFETY: every place named is one of the array's (checked); the values are apart from them, one or as many as positions.
    unsafe {
        match (mask, one) {
            (true, true) => by_size!(rows.bytes, spread(from, at, &rows, to)),
            (true, false) => by_size!(rows.bytes, expand(from, positions, at, &rows, to)),
            _ => by_size!(rows.bytes, put(from, one, at, mask, &rows, key.size(), to)),
        }
    }
    a.buffer().bump_version();
    Ok(true)
}
/// # Safety
/// `rows.n` truth values at `mask`, elements of `T` at their places.
unsafe fn spread<T: Copy>(from: *const u8, mask: *const u8, rows: &Rows, to: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe {
        let value = from.cast::<T>().read_unaligned();
        let at = |i: usize| to.offset(i as isize * rows.step).cast::<T>();
        let run = |i: usize, n: usize| {
            if rows.step == size_of::<T>() as isize {
                std::slice::from_raw_parts_mut(at(i), n).fill(value);
            } else {
                (i..i + n).for_each(|i| at(i).write_unaligned(value));
            }
        };
        // Only what is set is written: the rest may be another thread's at the same time.
        let some = |i: usize| {
            (i..i + 8).filter(|&i| *mask.add(i) != 0).for_each(|i| at(i).write_unaligned(value));
        };
        runs(mask, rows.n, run, some);
    }
}
/// # Safety
/// As for `visit`; elements of `T` at the places named, and one value at `from`, or one for each.
unsafe fn put<T: Copy>(
    from: *const u8,
    one: bool,
    key: *const u8,
    mask: bool,
    rows: &Rows,
    size: usize,
    to: *mut u8,
) {
    let mut from = from.cast::<T>();
    // SAFETY: the caller's promise.
    unsafe {
        visit(key, mask, rows, size, |step| {
            to.offset(step).cast::<T>().write_unaligned(from.read_unaligned());
            from = from.add(!one as usize);
        });
    }
}
/// # Safety
/// `rows.n` truth values at `mask`, elements of `T` at their places, and as many values as are set.
unsafe fn expand<T: Copy>(from: *const u8, m: usize, mask: *const u8, rows: &Rows, to: *mut u8) {
    // Another thread may set more than were counted.
    let (from, left) = (std::cell::Cell::new(from.cast::<T>()), std::cell::Cell::new(m));
    // SAFETY: the caller's promise.
    unsafe {
        let next = |to: *mut u8| {
            if left.get() > 0 {
                to.cast::<T>().write_unaligned(from.get().read_unaligned());
                from.set(from.get().add(1));
                left.set(left.get() - 1);
            }
        };
        let run = |i: usize, n: usize| {
            let at = to.offset(i as isize * rows.step);
            if rows.step == size_of::<T>() as isize {
                let n = n.min(left.get());
                std::ptr::copy_nonoverlapping(from.get(), at.cast::<T>(), n);
                from.set(from.get().add(n));
                left.set(left.get() - n);
            } else {
                (0..n as isize).for_each(|j| next(at.offset(j * rows.step)));
            }
        };
        let some = |i: usize| {
            for j in (i..i + 8).filter(|&j| *mask.add(j) != 0) {
                next(to.offset(j as isize * rows.step));
            }
        };
        runs(mask, rows.n, run, some);
    }
}
