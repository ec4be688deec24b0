//! Numbers of bins: which of the intervals between ascending edges each value is in, the last edge included. NaN and what is behind are
//! in none.
//!
//! Where the edges lie equally far apart a product says which, up to rounding, and the edges next to it decide.

use super::row::{Row, written};
use super::search::Ordered;
use crate::elementwise::min_items;
use crate::machine::pool::Block;
use crate::machine::threads::{parallel_for, parallel_parts, usable_threads};
use crate::prims::with_lane;
use minpy_core::backend::{DTypeSet, KernelCall, Slot};
use minpy_core::ops::Even;
use minpy_core::{DeviceRef, Result, kernel};

kernel!(pub COUNTS: "cpu", Slot::Op("bin_counts"), DTypeSet::ALL, run_counts);
kernel!(pub NUMBERS: "cpu", Slot::Op("bin_numbers"), DTypeSet::ALL, run_numbers);

/// Edges that all values are compared with.
const FEW: usize = 12;
/// Values that are worth a thread, and bins of which each thread has counters of its own.
const SHARED: usize = 32 << 10;
const OWN: usize = 4096;

fn run_numbers(_: DeviceRef, call: &KernelCall) -> Result<()> {
    let even = call.attributes::<Even>()?.even;
    let input = call.inputs[0].view();
    with_lane!(input.dtype, T => {
        // SAFETY: both inputs have one dtype; numbers are int64.
        unsafe {
            let (x, edges) = (Row::<T>::new(input)?, Row::<T>::new(call.inputs[1].view())?);
            let (x, bins) = (x.list(), Bins::new(edges.list(), even));
            written(&call.outputs[0], |out: &mut [i64]| {
                let to = out.as_mut_ptr() as usize;
                parallel_for(x.len(), min_items(64).max(1), |range| {
                    // SAFETY: as many results as values; ranges are apart.
                    let out = std::slice::from_raw_parts_mut((to as *mut i64).add(range.start), range.len());
                    out.iter_mut().zip(&x[range]).for_each(|(to, &x)| *to = bins.number(x) as i64);
                });
                Ok(())
            })
        }
    })
}
fn run_counts(_: DeviceRef, call: &KernelCall) -> Result<()> {
    let even = call.attributes::<Even>()?.even;
    let input = call.inputs[0].view();
    with_lane!(input.dtype, T => {
        // SAFETY: as above.
        unsafe {
            let (x, edges) = (Row::<T>::new(input)?, Row::<T>::new(call.inputs[1].view())?);
            let (x, bins) = (x.list(), Bins::new(edges.list(), even));
            written(&call.outputs[0], |out: &mut [i64]| counted(&bins, x, out))
        }
    })
}
fn counted<T: Ordered>(bins: &Bins<T>, x: &[T], out: &mut [i64]) -> Result<()> {
    let (n, threads) = (out.len(), usable_threads().min(x.len() / SHARED));
    out.fill(0);
    if threads <= 1 || n > OWN {
        bins.count(x, out);
        return Ok(());
    }
    let mut memory = Block::of::<i64>(threads * n)?;
    let all = memory.filled(threads * n, |_| 0i64);
    let at = all.as_mut_ptr() as usize;
    parallel_parts(x.len(), threads, true, |p, range| {
        // SAFETY: each part has counters of its own.
        let own = unsafe { std::slice::from_raw_parts_mut((at as *mut i64).add(p * n), n) };
        bins.count(&x[range], own);
    });
    for own in all.chunks_exact(n) {
        out.iter_mut().zip(own).for_each(|(to, more)| *to += more);
    }
    Ok(())
}

/// Edges of bins, two at least.
struct Bins<'a, T> {
    edges: &'a [T],
    first: T,
    last: T,
    /// Where they are equally far apart: the first of them, and how many bins there are in 1.
    even: Option<[f64; 2]>,
}
impl<'a, T: Ordered> Bins<'a, T> {
    fn new(edges: &'a [T], even: bool) -> Bins<'a, T> {
        let n = edges.len() - 1;
        let (first, last) = (edges[0], edges[n]);
        let (start, scale) = (first.double(), n as f64 / (last.double() - first.double()));
        Bins { edges, first, last, even: (even && scale.is_finite()).then_some([start, scale]) }
    }
    fn len(&self) -> usize {
        self.edges.len() - 1
    }
    /// Behind the last edge, as NaN is.
    #[inline(always)]
    fn behind(&self, x: T) -> bool {
        T::less(self.last, x) || x.double().is_nan()
    }
    /// The number of the bin of a value, from 1.
    #[inline(always)]
    fn number(&self, x: T) -> usize {
        let n = self.len();
        if self.behind(x) {
            return n + 1;
        }
        if T::less(x, self.first) {
            return 0;
        }
        let mut at = 0;
        if let Some([start, scale]) = self.even {
            at = (((x.double() - start) * scale) as usize).min(n - 1);
            while at > 0 && T::less(x, self.edges[at]) {
                at -= 1;
            }
            while at + 1 < n && !T::less(x, self.edges[at + 1]) {
                at += 1;
            }
        } else {
            // The last of the lower edges that is not greater.
            let mut left = n;
            while left > 1 {
                let half = left / 2;
                at += if T::less(x, self.edges[at + half]) { 0 } else { half };
                left -= half;
            }
        }
        at + 1
    }
    /// Adds how many values are in each bin.
    fn count(&self, x: &[T], counts: &mut [i64]) {
        let n = self.len();
        if self.even.is_some() || n > FEW {
            for &x in x {
                if let Some(count) = counts.get_mut(self.number(x).wrapping_sub(1)) {
                    *count += 1;
                }
            }
            return;
        }
        // How many are not less than each edge; what is behind the last one counts with all of them, and goes again.
        for x in x.chunks(1024) {
            let not_less = |e: T| x.iter().map(|&x| i64::from(!T::less(x, e))).sum::<i64>();
            let mut before = not_less(self.edges[0]);
            for (k, count) in counts.iter_mut().enumerate() {
                let next = match k + 1 == n {
                    true => x.iter().map(|&x| i64::from(self.behind(x))).sum(),
                    false => not_less(self.edges[k + 1]),
                };
                *count += before - next;
                before = next;
            }
        }
    }
}
