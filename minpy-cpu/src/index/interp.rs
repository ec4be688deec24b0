//! `interp`: values between points. The arithmetic is NumPy's (`arr_interp`), step by step, so that the bits are the same.
//!
//! Places that come in order are found beside the last one; where one is not, it and its neighbours are looked for side by side.

use super::row::{Row, written};
use super::search::{ABREAST, List, abreast};
use crate::elementwise::min_items;
use crate::machine::threads::parallel_for;
use minpy_core::backend::{DTypeSet, KernelCall, Slot};
use minpy_core::ops::Ends;
use minpy_core::{DType, DeviceRef, Result, kernel};

kernel!(pub ENTRY: "cpu", Slot::Op("interp"), DTypeSet::of(&[DType::F64, DType::C128]), run);

/// Lines that are gone along before a place is looked for.
const STEPS: usize = 6;

/// Values of `C` parts: real numbers, or complex ones.
struct Points<const C: usize> {
    places: List<f64>,
    values: List<[f64; C]>,
    left: [f64; C],
    right: [f64; C],
}
impl<const C: usize> Points<C> {
    /// # Safety
    /// `count` is how many points lie not behind `x`.
    #[inline(always)]
    unsafe fn value(&self, x: f64, count: usize) -> [f64; C] {
        let n = self.places.n;
        // SAFETY: all are below `n`.
        let (place, value) = unsafe { (|i: usize| self.places.at(i), |i: usize| self.values.at(i)) };
        if n == 1 {
            return if x < place(0) {
                self.left
            } else if x > place(0) {
                self.right
            } else {
                value(0)
            };
        }
        if x.is_nan() {
            let mut y = [0.0; C];
            y[0] = x;
            return y;
        }
        if count == 0 {
            return self.left;
        }
        let j = count - 1;
        let (x0, f0) = (place(j), value(j));
        if j == n - 1 {
            return if x > x0 { self.right } else { f0 };
        }
        // A slope that is not finite would spoil the value of the point itself.
        if x == x0 {
            return f0;
        }
        let (x1, f1) = (place(j + 1), value(j + 1));
        let run = x1 - x0;
        std::array::from_fn(|c| {
            let slope = if C == 1 { (f1[c] - f0[c]) / run } else { (f1[c] - f0[c]) * (1.0 / run) };
            let y = slope * (x - x0) + f0[c];
            if !y.is_nan() {
                return y;
            }
            let y = slope * (x - x1) + f1[c];
            if y.is_nan() && f0[c] == f1[c] { f0[c] } else { y }
        })
    }
    /// The values where all places lie between two points, and are numbers: without a branch for each. False where they are not.
    #[inline(always)]
    fn on_lines(&self, xs: &[f64], counts: &[i64], out: &mut [[f64; C]]) -> bool {
        let n = self.places.n as i64;
        if !counts.iter().fold(true, |all, &k| all & (k >= 1) & (k < n)) {
            return false;
        }
        let mut numbers = true;
        for ((y, &x), &count) in out.iter_mut().zip(xs).zip(counts) {
            let j = count as usize;
            // SAFETY: `1 <= j < n`.
            let (x0, x1, f0, f1) = unsafe {
                (self.places.at(j - 1), self.places.at(j), self.values.at(j - 1), self.values.at(j))
            };
            for c in 0..C {
                let run = x1 - x0;
                let slope = if C == 1 { (f1[c] - f0[c]) / run } else { (f1[c] - f0[c]) * (1.0 / run) };
                let z = slope * (x - x0) + f0[c];
                y[c] = if x == x0 { f0[c] } else { z };
                numbers &= !z.is_nan();
            }
        }
        numbers
    }
    /// How many points lie not behind each place.
    #[inline(always)]
    fn counts(&self, xs: &[f64], counts: &mut [i64], near: &mut usize) {
        let n = self.places.n;
        for (x, count) in xs.iter().zip(counts.iter_mut()) {
            let mut k = *near;
            // SAFETY: `k` is at least 1, and below `n` where an element is asked for.
            let behind = |k: usize| k < n && unsafe { self.places.at(k) } <= *x;
            let most = k + STEPS;
            while behind(k) && k < most {
                k += 1;
            }
            // SAFETY: as above.
            if k >= n || behind(k) || unsafe { self.places.at(k - 1) } > *x || x.is_nan() {
                return self.found(xs, counts, near);
            }
            *near = k;
            *count = k as i64;
        }
    }
    fn found(&self, xs: &[f64], counts: &mut [i64], near: &mut usize) {
        abreast::<f64, true>(&self.places, xs, counts);
        if let Some(&last) = counts.last() {
            *near = (last as usize).clamp(1, self.places.n);
        }
    }
}

fn run(_: DeviceRef, call: &KernelCall) -> Result<()> {
    match call.outputs[0].dtype {
        DType::F64 => fill::<1>(call),
        _ => fill::<2>(call),
    }
}
fn fill<const C: usize>(call: &KernelCall) -> Result<()> {
    let ends = call.attributes::<Ends>()?;
    let (places, values) = (List::new(call.inputs[1].view()), List::<[f64; C]>::new(call.inputs[2].view()));
    let n = places.n;
    let part = |end: Option<[f64; 2]>, i: usize| match end {
        Some(z) => std::array::from_fn(|c| z[c]),
        // SAFETY: there is a point.
        None => unsafe { values.at(i) },
    };
    let points = Points { places, values, left: part(ends.left(), 0), right: part(ends.right(), n - 1) };
    // SAFETY: places are float64, and values are `C` of them.
    unsafe {
        let x = Row::<f64>::new(call.inputs[0].view())?;
        written(&call.outputs[0], |out| {
            points.fill(x.list(), out);
            Ok(())
        })
    }
}
impl<const C: usize> Points<C> {
    /// The values at all places.
    fn fill(&self, x: &[f64], out: &mut [[f64; C]]) {
        let to = out.as_mut_ptr() as usize;
        // Some 2 ns for each halving.
        let cost = 32 * self.places.n.ilog2().max(2) as usize;
        parallel_for(x.len(), min_items(cost).max(ABREAST), |range| {
            // SAFETY: as many results as places; ranges are apart.
            let out = unsafe {
                std::slice::from_raw_parts_mut((to as *mut [f64; C]).add(range.start), range.len())
            };
            let (mut near, mut counts) = (1, [0i64; ABREAST]);
            for (xs, out) in x[range].chunks(ABREAST).zip(out.chunks_mut(ABREAST)) {
                let counts = &mut counts[..xs.len()];
                self.counts(xs, counts, &mut near);
                if self.on_lines(xs, counts, out) {
                    continue;
                }
                for ((y, &x), &count) in out.iter_mut().zip(xs).zip(counts.iter()) {
                    // SAFETY: just counted.
                    *y = unsafe { self.value(x, count as usize) };
                }
            }
        });
    }
}
