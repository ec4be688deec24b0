//! `partition` and `argpartition`: elements of some places of the sorted order, without sorting the rest.
//!
//! Values are split as a quicksort splits them, and only the sides that hold one of the places are gone on with. Positions are those
//! of what is less than the element found, of what is equal, and of what is greater, each in their own order.

use super::{Sorts, copied, quick};
use crate::index::search::Ordered;
use crate::machine::pool::Block;
use crate::machine::threads::{parallel_parts, usable_threads};
use crate::prims::{B8, with_lane};
use crate::rows::for_rows;
use half::f16;
use minpy_core::backend::{DTypeSet, KernelCall, Slot};
use minpy_core::ops::{Chosen, Kth};
use minpy_core::{DeviceRef, Result, kernel};
use num_complex::{Complex32, Complex64};
use smallvec::SmallVec;
use std::cmp::Ordering;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

kernel!(pub PARTITION: "cpu", Slot::Op("partition"), DTypeSet::ALL, partition);
kernel!(pub ARGPARTITION: "cpu", Slot::Op("argpartition"), DTypeSet::ALL, argpartition);

/// Places from which on a row is sorted.
const MANY: usize = 8;
/// Elements that are worth a thread.
const SHARED: usize = 32 << 10;

fn partition(_: DeviceRef, call: &KernelCall) -> Result<()> {
    let (input, output) = (call.inputs[0].view(), &call.outputs[0]);
    let (kth, n) = (call.attributes::<Kth>()?, input.shape.last().copied().unwrap_or(1));
    let mut places = kth.places.clone();
    places.sort_unstable();
    places.dedup();
    for_rows(input, output, true, 32, |row, out| {
        // SAFETY: rows hold `n` elements of the dtype, those of the output as many as are chosen.
        with_lane!(input.dtype, T => unsafe { values::<T>(row.cast(), out.cast(), n, kth, &places) })
    })
}
fn argpartition(_: DeviceRef, call: &KernelCall) -> Result<()> {
    let (input, output) = (call.inputs[0].view(), &call.outputs[0]);
    let (kth, n) = (call.attributes::<Kth>()?, input.shape.last().copied().unwrap_or(1));
    let mut places = kth.places.clone();
    places.sort_unstable();
    places.dedup();
    for_rows(input, output, true, 64, |row, out| {
        // SAFETY: as above; the output's are int64.
        with_lane!(input.dtype, T => unsafe { positions::<T>(row.cast(), out.cast(), n, kth, &places) })
    })
}

/// Elements of which some are selected.
trait Selects: Sorts + Ordered {
    /// # Errors
    /// There is no memory.
    ///
    /// # Safety
    /// `n` elements at `from`, room for them at `to`, elsewhere; `places` ascend, below `n`.
    unsafe fn select(from: *const Self, to: *mut Self, n: usize, places: &[usize]) -> Result<()>;
    fn is_nan(self) -> bool;
    /// Less than one that is no NaN.
    #[inline(always)]
    fn below(self, by: Self) -> bool {
        Self::less(self, by)
    }
    /// Greater than one that is no NaN.
    #[inline(always)]
    fn above(self, by: Self) -> bool {
        Self::less(by, self)
    }
}
macro_rules! selects {
    ($($t:ty, |$from:ident, $to:ident, $n:ident, $places:ident| $select:expr, |$x:ident| $nan:expr $(, $sides:ident)?;)*) => {$(
        impl Selects for $t {
            $(selects! { $sides })?
            unsafe fn select($from: *const $t, $to: *mut $t, $n: usize, $places: &[usize]) -> Result<()> {
                // SAFETY: the caller's promise.
                unsafe { $select }
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                let $x = self;
                $nan
            }
        }
    )*};
    (sides) => {
        #[inline(always)]
        fn below(self, by: Self) -> bool {
            self < by
        }
        #[inline(always)]
        #[allow(clippy::neg_cmp_op_on_partial_ord)]
        fn above(self, by: Self) -> bool {
            // So is NaN.
            !(self <= by)
        }
    };
    // These are counted.
    (small $($t:ty, |$x:ident| $nan:expr;)*) => { selects! { $($t, |from, to, n, _places| Sorts::sort_values(from, to, n), |$x| $nan;)* } };
    (signed $($t:ty)*) => { selects! { $($t, |from, to, n, places| quick::select_from(from, to, n, places), |_x| false;)* } };
    (unsigned $($t:ident $signed:ident)*) => { selects! { $($t, |from, to, n, places| {
        let x = copied(from, to, n);
        x.iter_mut().for_each(|x| *x ^= $signed::MIN as $t);
        let done = quick::select_from(to.cast::<$signed>(), to.cast::<$signed>(), n, places);
        std::slice::from_raw_parts_mut(to, n).iter_mut().for_each(|x| *x ^= $signed::MIN as $t);
        done
    }, |_x| false;)* } };
    (floats $($t:ty)*) => { selects! { $($t, |from, to, n, places| {
        let row = super::list(from, n);
        if !quick::has_odd(row) {
            return quick::select_from(from, to, n, places);
        }
        // NaN is last.
        let (mut numbers, mut end) = (0, n);
        for &x in row {
            if x.is_nan() {
                end -= 1;
                to.add(end).write(x);
            } else {
                to.add(numbers).write(x);
                numbers += 1;
            }
        }
        let within = places.partition_point(|&k| k < numbers);
        quick::select_from(to, to, numbers, &places[..within])
    }, |x| x.is_nan(), sides;)* } };
    (complex $($t:ty)*) => { selects! { $($t, |from, to, n, places| {
        let x = copied(from, to, n);
        let mut first = 0;
        for &k in places {
            x[first..].select_nth_unstable_by(k - first, |a, b| match (Ordered::less(*a, *b), Ordered::less(*b, *a)) {
                (true, _) => Ordering::Less,
                (_, true) => Ordering::Greater,
                _ => Ordering::Equal,
            });
            first = k + 1;
        }
        Ok(())
    }, |z| z.re.is_nan() || z.im.is_nan();)* } };
}
selects!(small B8, |_x| false; i8, |_x| false; u8, |_x| false; i16, |_x| false; u16, |_x| false; f16, |x| x.is_nan(););
selects!(signed i32 i64);
selects!(unsigned u32 i32 u64 i64);
selects!(floats f32 f64);
selects!(complex Complex32 Complex64);

/// # Safety
/// `n` elements at `src`; room at `dst`, elsewhere, for what is chosen.
unsafe fn values<T: Selects>(
    src: *const T,
    dst: *mut T,
    n: usize,
    kth: &Kth,
    places: &[usize],
) -> Result<()> {
    // SAFETY: the caller's promise.
    unsafe {
        if kth.chosen == Chosen::All {
            if places.len() > MANY {
                return T::sort_values(src, dst, n);
            }
            return T::select(src, dst, n, places);
        }
        if kth.chosen == Chosen::ThoseOrNan
            && let Some(nan) = super::list(src, n).iter().rfind(|x| x.is_nan())
        {
            kth.places.iter().enumerate().for_each(|(i, _)| dst.add(i).write(*nan));
            return Ok(());
        }
        let memory = Block::of::<T>(n)?;
        let room = memory.at().cast::<T>();
        if places.len() > MANY {
            T::sort_values(src, room, n)?;
        } else {
            T::select(src, room, n, places)?;
        }
        kth.places.iter().enumerate().for_each(|(i, &k)| dst.add(i).write(*room.add(k)));
    }
    Ok(())
}

/// # Safety
/// As `values`.
unsafe fn positions<T: Selects>(
    src: *const T,
    dst: *mut i64,
    n: usize,
    kth: &Kth,
    places: &[usize],
) -> Result<()> {
    // SAFETY: the caller's promise.
    let row = unsafe { super::list(src, n) };
    if kth.chosen == Chosen::All && places.is_empty() {
        // SAFETY: room for `n`.
        (0..n).for_each(|i| unsafe { dst.add(i).write(i as i64) });
        return Ok(());
    }
    if kth.chosen == Chosen::ThoseOrNan
        && let Some(at) = row.iter().rposition(|x| x.is_nan())
    {
        // SAFETY: room for each place.
        kth.places.iter().enumerate().for_each(|(i, _)| unsafe { dst.add(i).write(at as i64) });
        return Ok(());
    }
    if kth.chosen == Chosen::All {
        // SAFETY: room for `n`.
        return unsafe { arranged(src, dst, n, places) };
    }
    let memory = Block::of::<i64>(n)?;
    let all = memory.at().cast::<i64>();
    // SAFETY: room for `n`; places are below it.
    unsafe {
        arranged(src, all, n, places)?;
        kth.places.iter().enumerate().for_each(|(i, &k)| dst.add(i).write(*all.add(k)));
    }
    Ok(())
}
/// All positions.
///
/// # Safety
/// `n` elements at `src`, room for as many at `dst`.
unsafe fn arranged<T: Selects>(src: *const T, dst: *mut i64, n: usize, places: &[usize]) -> Result<()> {
    // SAFETY: the caller's promise.
    unsafe {
        if places.len() > MANY {
            return T::sort_positions(src, dst, n);
        }
        let memory = Block::of::<T>(n)?;
        let room = memory.at().cast::<T>();
        T::select(src, room, n, places)?;
        let (row, found) = (super::list(src, n), super::list(room, n));
        if let [k] = *places {
            let by = found[k];
            match by.is_nan() {
                false => by_side(row, found, dst as usize, k, |x| x.below(by), |x| x.above(by)),
                true => by_side(row, found, dst as usize, k, |x| T::less(x, by), |x| T::less(by, x)),
            }
            return Ok(());
        }
        // Twice as many classes, and one: what is between two of the elements, and what is equal to one.
        let by = places.iter().map(|&k| found[k]);
        let mut bounds = [found[places[0]]; MANY];
        by.enumerate().for_each(|(i, x)| bounds[i] = x);
        let bounds = &bounds[..places.len()];
        let class = |x: T| {
            bounds.iter().map(|&b| usize::from(!T::less(x, b)) + usize::from(T::less(b, x))).sum::<usize>()
        };
        let mut next = [0usize; 2 * MANY + 1];
        row.iter().for_each(|&x| next[class(x)] += 1);
        let mut sum = 0;
        for count in &mut next {
            sum += std::mem::replace(count, sum);
        }
        for (i, &x) in row.iter().enumerate() {
            let to = &mut next[class(x)];
            dst.add(*to).write(i as i64);
            *to += 1;
        }
    }
    Ok(())
}

/// Positions of what is below the element found for place `k`, equal to it and above it.
///
/// # Safety
/// As many places at `dst` as elements.
unsafe fn by_side<T: Selects>(
    row: &[T],
    found: &[T],
    dst: usize,
    k: usize,
    below: impl Fn(T) -> bool + Sync,
    above: impl Fn(T) -> bool + Sync,
) {
    let less = |x: &[T]| x.iter().filter(|x| below(**x)).count();
    let greater = |x: &[T]| x.iter().filter(|x| above(**x)).count();
    let place = |range: Range<usize>, [mut first, mut middle, mut last]: [usize; 3]| {
        for i in range {
            // No jump for each element: which side it is on cannot be guessed.
            let (below, above) = (usize::from(below(row[i])), usize::from(above(row[i])));
            let equal = 1 - below - above;
            let at =
                first & below.wrapping_neg() | middle & equal.wrapping_neg() | last & above.wrapping_neg();
            // SAFETY: each place is written once, below the number of elements.
            unsafe { (dst as *mut i64).add(at).write(i as i64) };
            first += below;
            middle += equal;
            last += above;
        }
    };
    // What is less stands before the place, what is greater behind it.
    let (all_less, all_greater) = (less(&found[..k]), greater(&found[k..]));
    let n = row.len();
    let threads = usable_threads().min(n / SHARED).max(1);
    let start = [0, all_less, n - all_greater];
    if threads == 1 {
        return place(0..n, start);
    }
    // Where each thread begins: behind what those before it have.
    let step = n.div_ceil(threads);
    let mut starts: SmallVec<[[usize; 3]; 16]> = SmallVec::new();
    let counts: SmallVec<[[AtomicUsize; 2]; 16]> = (0..threads).map(|_| Default::default()).collect();
    parallel_parts(n, threads, true, |p, range| {
        counts[p][0].store(less(&row[range.clone()]), Relaxed);
        counts[p][1].store(greater(&row[range]), Relaxed);
    });
    let mut at = start;
    for (p, [less, greater]) in counts.iter().enumerate() {
        starts.push(at);
        let (less, greater) = (less.load(Relaxed), greater.load(Relaxed));
        let length = ((p + 1) * step).min(n) - (p * step).min(n);
        at = [at[0] + less, at[1] + length - less - greater, at[2] + greater];
    }
    parallel_parts(n, threads, true, |p, range| place(range, starts[p]));
}
