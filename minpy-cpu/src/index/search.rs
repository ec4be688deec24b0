//! `searchsorted` and `digitize`: places in sorted lists.
//!
//! Few values are looked for one after another, each beginning where the last one ended, as NumPy does it: of a list that is not sorted
//! that gives NumPy's answer too. Of many values several are looked for side by side, so that waiting for memory is shared; the steps
//! of such a search have no branches to guess.

use super::row::{Row, written};
use crate::elementwise::min_items;
use crate::machine::threads::parallel_for;
use crate::prims::arithmetic::is_num;
use crate::prims::{B8, with_lane};
use half::f16;
use minpy_core::backend::{DTypeSet, KernelCall, Slot, View};
use minpy_core::ops::Side;
use minpy_core::{DeviceRef, Error, ErrorKind, Result, kernel};
use num_complex::{Complex32, Complex64};

kernel!(pub SEARCHSORTED: "cpu", Slot::Op("searchsorted"), DTypeSet::ALL, searchsorted);
kernel!(pub DIGITIZE: "cpu", Slot::Op("digitize"), DTypeSet::ALL, digitize);

/// Values that are looked for side by side.
pub(super) const ABREAST: usize = 16;
/// Values from which on that is done.
const MANY: usize = 64;

/// Elements in NumPy's order (`npysort_common.h`): NaN is last.
pub(super) trait Ordered: Copy + Send + Sync + 'static {
    fn less(a: Self, b: Self) -> bool;
    /// As a float64, by which bins are judged.
    fn double(self) -> f64;
}
macro_rules! ordered {
    ($($t:ty, |$a:ident, $b:ident| $less:expr, |$x:ident| $double:expr;)*) => {$(
        impl Ordered for $t {
            #[inline(always)]
            fn less($a: $t, $b: $t) -> bool { $less }
            fn double(self) -> f64 {
                let $x = self;
                $double
            }
        }
    )*};
    (integers $($t:ident)*) => { ordered! { $($t, |a, b| a < b, |x| x as f64;)* } };
    (floats $($t:ident)*) => { ordered! { $($t, |a, b| a < b || (b.is_nan() && !a.is_nan()), |x| f64::from(x);)* } };
    (complex $($t:ident)*) => { ordered! { $($t, |a, b| complex_less!(a, b), |x| f64::from(x.re);)* } };
}
macro_rules! complex_less {
    ($a:ident, $b:ident) => {
        if $a.re < $b.re {
            is_num($a.im) || !is_num($b.im)
        } else if $a.re > $b.re {
            is_num($a.im) && !is_num($b.im)
        } else if $a.re == $b.re || (!is_num($a.re) && !is_num($b.re)) {
            $a.im < $b.im || (is_num($a.im) && !is_num($b.im))
        } else {
            !is_num($b.re)
        }
    };
}
ordered! { B8, |a, b| !a.get() & b.get(), |x| f64::from(x.get()); }
ordered!(integers i8 i16 i32 i64 u8 u16 u32 u64);
ordered!(floats f16 f32 f64);
ordered!(complex Complex32 Complex64);

/// A list that may lie backwards, or with gaps.
#[derive(Clone, Copy)]
pub(super) struct List<T> {
    first: *const T,
    step: isize,
    pub(super) n: usize,
}
// SAFETY: it is only read.
unsafe impl<T: Sync> Sync for List<T> {}
impl<T: Copy> List<T> {
    pub(super) fn new(view: &View) -> List<T> {
        List { first: view.host_ptr().cast(), step: view.strides[0], n: view.shape[0] }
    }
    /// # Safety
    /// `i` is less than `n`.
    #[inline(always)]
    pub(super) unsafe fn at(&self, i: usize) -> T {
        // SAFETY: the view holds this element.
        unsafe { *self.first.offset(i as isize * self.step) }
    }
    fn reversed(self) -> List<T> {
        let last = self.n.saturating_sub(1) as isize;
        List { first: self.first.wrapping_offset(last * self.step), step: -self.step, ..self }
    }
}
impl<T: Ordered> List<T> {
    /// Whether it descends; `None` where it goes both ways. Equal elements do neither, and of NaN what NumPy's comparisons say.
    fn descends(&self) -> Option<bool> {
        // SAFETY: below `n`.
        let at = |i: usize| unsafe { self.at(i) }.double();
        let Some(i) = (1..self.n).find(|&i| at(i) != at(i - 1)) else { return Some(false) };
        let up = at(i - 1) < at(i);
        let down = !up;
        let turns = |i: usize| if down { at(i - 1) < at(i) } else { at(i - 1) > at(i) };
        (!(i + 1..self.n).any(turns)).then_some(down)
    }
}

/// Whether a place is behind an element, for a value.
#[inline(always)]
fn behind<T: Ordered, const RIGHT: bool>(element: T, value: T) -> bool {
    if RIGHT { !T::less(value, element) } else { T::less(element, value) }
}

/// Places one after another. `at` gives elements; it fails where a sorter leads outside.
fn one_by_one<T: Ordered, const RIGHT: bool>(
    n: usize,
    values: &[T],
    places: &mut [i64],
    at: impl Fn(usize) -> Result<T>,
) -> Result<()> {
    let Some(&(mut last)) = values.first() else { return Ok(()) };
    let (mut low, mut high) = (0, n);
    for (&value, place) in values.iter().zip(places) {
        // From where the last search ended to the end that the value lies at.
        if behind::<T, RIGHT>(last, value) {
            high = n;
        } else {
            low = 0;
            high = (high + 1).min(n);
        }
        last = value;
        while low < high {
            let middle = low + (high - low) / 2;
            if behind::<T, RIGHT>(at(middle)?, value) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        *place = low as i64;
    }
    Ok(())
}
/// Places of values that are looked for together: each has its own first element, and all have the same number of elements left.
pub(super) fn abreast<T: Ordered, const RIGHT: bool>(list: &List<T>, values: &[T], places: &mut [i64]) {
    let mut first = [0usize; ABREAST];
    let first = &mut first[..values.len()];
    let mut left = list.n;
    while left > 1 {
        let half = left / 2;
        for (first, &value) in first.iter_mut().zip(values) {
            // SAFETY: `first + left <= n` and `half >= 1`.
            let there = unsafe { list.at(*first + half - 1) };
            *first += if behind::<T, RIGHT>(there, value) { half } else { 0 };
        }
        left -= half;
    }
    for ((place, &first), &value) in places.iter_mut().zip(first.iter()).zip(values) {
        // SAFETY: one element is left, `first`; the caller knows that there are some.
        *place = (first + usize::from(behind::<T, RIGHT>(unsafe { list.at(first) }, value))) as i64;
    }
}

fn search<T: Ordered, const RIGHT: bool>(
    list: List<T>,
    sorter: Option<&View>,
    values: &[T],
    places: &mut [i64],
) -> Result<()> {
    if let Some(sorter) = sorter {
        let (order, step) = (sorter.host_ptr().cast::<i64>(), sorter.strides[0]);
        return one_by_one::<T, RIGHT>(list.n, values, places, |i| {
            // SAFETY: the sorter is as long as the list.
            let at = unsafe { *order.offset(i as isize * step) };
            match usize::try_from(at) {
                // SAFETY: checked.
                Ok(at) if at < list.n => Ok(unsafe { list.at(at) }),
                _ => Err(Error::new(ErrorKind::Value, "Sorter index out of range.".to_string())),
            }
        });
    }
    if values.len() < MANY || list.n == 0 {
        // SAFETY: a search asks below `n`.
        return one_by_one::<T, RIGHT>(list.n, values, places, |i| Ok(unsafe { list.at(i) }));
    }
    let to = places.as_mut_ptr() as usize;
    // Some 2 ns for each halving.
    let cost = 32 * list.n.ilog2().max(1) as usize;
    parallel_for(values.len(), min_items(cost).max(MANY), |range| {
        // SAFETY: as many places as values; ranges are apart.
        let places =
            unsafe { std::slice::from_raw_parts_mut((to as *mut i64).add(range.start), range.len()) };
        for (values, places) in values[range].chunks(ABREAST).zip(places.chunks_mut(ABREAST)) {
            abreast::<T, RIGHT>(&list, values, places);
        }
    });
    Ok(())
}

fn searchsorted(_: DeviceRef, call: &KernelCall) -> Result<()> {
    let (list, sorter) = (call.inputs[0].view(), call.inputs.get(2).map(|s| s.view()));
    let right = call.attributes::<Side>()?.right;
    with_lane!(list.dtype, T => {
        // SAFETY: list and values have one dtype; places are int64.
        unsafe {
            let values = Row::<T>::new(call.inputs[1].view())?;
            let list = List::<T>::new(list);
            written(&call.outputs[0], |places| places_of(list, sorter, right, values.list(), places))
        }
    })
}
fn places_of<T: Ordered>(
    list: List<T>,
    sorter: Option<&View>,
    right: bool,
    values: &[T],
    places: &mut [i64],
) -> Result<()> {
    match right {
        true => search::<T, true>(list, sorter, values, places),
        false => search::<T, false>(list, sorter, values, places),
    }
}
fn digitize(_: DeviceRef, call: &KernelCall) -> Result<()> {
    let bins = call.inputs[0].view();
    let right = call.attributes::<Side>()?.right;
    with_lane!(bins.dtype, T => {
        let bins = List::<T>::new(bins);
        let Some(down) = bins.descends() else {
            return Err(Error::new(ErrorKind::Value, "bins must be monotonically increasing or decreasing".to_string()));
        };
        let list = if down { bins.reversed() } else { bins };
        // SAFETY: as above.
        unsafe {
            let values = Row::<T>::new(call.inputs[1].view())?;
            written(&call.outputs[0], |places: &mut [i64]| {
                places_of(list, None, right, values.list(), places)?;
                if down {
                    places.iter_mut().for_each(|place| *place = list.n as i64 - *place);
                }
                Ok(())
            })
        }
    })
}
