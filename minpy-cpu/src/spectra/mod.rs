//! Fourier transforms along one axis, by the crates `rustfft` and `realfft`: which plans there are, and how lines come to them and go.
//!
//! Operations of their own (`Slot::Op`) of core's `ops/fft.rs`. Lines are copied to working memory, where they are cut off or padded, transformed,
//! and multiplied on their way out. Lines across memory go side by side, as many as a line of the cache holds.

use crate::elementwise::min_items;
use crate::machine::scratch::with_scratch;
use crate::machine::threads::parallel_for;
use half::f16;
use minpy_core::backend::{DTypeSet, KernelCall, Slot, View};
use minpy_core::ops::{Scale, Transform};
use minpy_core::{DType, DeviceRef, Error, ErrorKind, Result, kernel};
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftDirection, FftNum, FftPlanner};
use smallvec::SmallVec;
use std::any::Any;
use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

const NUMBERS: DTypeSet = DTypeSet::of(&[DType::F32, DType::F64, DType::C64, DType::C128]);

kernel!(pub FFT: "cpu", Slot::Op("fft"), NUMBERS, fft);
kernel!(pub RFFT: "cpu", Slot::Op("rfft"), NUMBERS, rfft);
kernel!(pub IRFFT: "cpu", Slot::Op("irfft"), NUMBERS, irfft);

/// Numbers of one precision.
trait Real: FftNum {
    const ZERO: Self;
    /// What the sums are multiplied by, computed in this precision as NumPy does it.
    fn factor(t: &Transform) -> Self;
}
macro_rules! reals {
    ($($t:ty),*) => {$(
        impl Real for $t {
            const ZERO: $t = 0.0;
            fn factor(t: &Transform) -> $t {
                let round = |x: $t| if t.half { f16::from_f64(x as f64).to_f64() as $t } else { x };
                match t.scale {
                    Scale::One => 1.0,
                    Scale::Points => round(1.0 / round(t.points as $t)),
                    Scale::Root => round(1.0 / round(round(t.points as $t).sqrt())),
                }
            }
        }
    )*};
}
reals!(f32, f64);

fn fft(_: DeviceRef, call: &KernelCall) -> Result<()> {
    match call.inputs[0].view().dtype {
        DType::F32 => run::<f32, RealWhole<f32>>(call),
        DType::C64 => run::<f32, Whole<f32>>(call),
        DType::F64 => run::<f64, RealWhole<f64>>(call),
        _ => run::<f64, Whole<f64>>(call),
    }
}
fn rfft(_: DeviceRef, call: &KernelCall) -> Result<()> {
    match call.inputs[0].view().dtype {
        DType::F32 => run::<f32, ToHalf<f32>>(call),
        _ => run::<f64, ToHalf<f64>>(call),
    }
}
fn irfft(_: DeviceRef, call: &KernelCall) -> Result<()> {
    match call.inputs[0].view().dtype {
        DType::C64 => run::<f32, FromHalf<f32>>(call),
        _ => run::<f64, FromHalf<f64>>(call),
    }
}

/// One kind of transform of lines of one length.
trait Plan<T: Real>: Clone + Send + Sync + 'static {
    type In: Copy + 'static;
    type Out: Copy + 'static;
    const ZERO: Self::In;
    fn new(n: usize, backward: bool) -> Self;
    /// Elements that are read and written.
    fn lengths(&self, n: usize) -> (usize, usize);
    /// Complex numbers that `run` wants for itself.
    fn scratch(&self) -> usize;
    /// Transforms `from`, which it may overwrite, into `to`.
    fn run(&self, from: &mut [Self::In], to: &mut [Self::Out], scratch: &mut [Complex<T>]) -> Result<()>;
    fn times(x: Self::Out, factor: T) -> Self::Out;
}
/// The crates check lengths, which are right.
#[cold]
fn refused(e: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Runtime, format!("fft: {e}"))
}

#[derive(Clone)]
struct Whole<T: Real>(Arc<dyn Fft<T>>);
impl<T: Real> Plan<T> for Whole<T> {
    type In = Complex<T>;
    type Out = Complex<T>;
    const ZERO: Complex<T> = Complex { re: T::ZERO, im: T::ZERO };
    fn new(n: usize, backward: bool) -> Self {
        let direction = if backward { FftDirection::Inverse } else { FftDirection::Forward };
        Whole(FftPlanner::new().plan_fft(n, direction))
    }
    fn lengths(&self, n: usize) -> (usize, usize) {
        (n, n)
    }
    fn scratch(&self) -> usize {
        self.0.get_outofplace_scratch_len()
    }
    fn run(&self, from: &mut [Self::In], to: &mut [Self::Out], scratch: &mut [Complex<T>]) -> Result<()> {
        self.0.process_outofplace_with_scratch(from, to, scratch);
        Ok(())
    }
    fn times(x: Complex<T>, factor: T) -> Complex<T> {
        Complex { re: x.re * factor, im: x.im * factor }
    }
}

/// The whole spectrum of real numbers: its half, and the conjugates of that.
#[derive(Clone)]
struct RealWhole<T: Real> {
    half: Arc<dyn RealToComplex<T>>,
    backward: bool,
}
impl<T: Real> Plan<T> for RealWhole<T> {
    type In = T;
    type Out = Complex<T>;
    const ZERO: T = T::ZERO;
    fn new(n: usize, backward: bool) -> Self {
        RealWhole { half: RealFftPlanner::new().plan_fft_forward(n), backward }
    }
    fn lengths(&self, n: usize) -> (usize, usize) {
        (n, n)
    }
    fn scratch(&self) -> usize {
        self.half.get_scratch_len()
    }
    fn run(&self, from: &mut [T], to: &mut [Complex<T>], scratch: &mut [Complex<T>]) -> Result<()> {
        let n = to.len();
        self.half.process_with_scratch(from, &mut to[..n / 2 + 1], scratch).map_err(refused)?;
        if self.backward {
            to[..n / 2 + 1].iter_mut().for_each(|z| *z = z.conj());
        }
        let (first, second) = to.split_at_mut(n / 2 + 1);
        for (z, from) in second.iter_mut().rev().zip(&first[1..]) {
            *z = from.conj();
        }
        Ok(())
    }
    fn times(x: Complex<T>, factor: T) -> Complex<T> {
        Whole::times(x, factor)
    }
}

#[derive(Clone)]
struct ToHalf<T: Real>(Arc<dyn RealToComplex<T>>);
impl<T: Real> Plan<T> for ToHalf<T> {
    type In = T;
    type Out = Complex<T>;
    const ZERO: T = T::ZERO;
    fn new(n: usize, _: bool) -> Self {
        ToHalf(RealFftPlanner::new().plan_fft_forward(n))
    }
    fn lengths(&self, n: usize) -> (usize, usize) {
        (n, n / 2 + 1)
    }
    fn scratch(&self) -> usize {
        self.0.get_scratch_len()
    }
    fn run(&self, from: &mut [T], to: &mut [Complex<T>], scratch: &mut [Complex<T>]) -> Result<()> {
        self.0.process_with_scratch(from, to, scratch).map_err(refused)
    }
    fn times(x: Complex<T>, factor: T) -> Complex<T> {
        Whole::times(x, factor)
    }
}

#[derive(Clone)]
struct FromHalf<T: Real>(Arc<dyn ComplexToReal<T>>);
impl<T: Real> Plan<T> for FromHalf<T> {
    type In = Complex<T>;
    type Out = T;
    const ZERO: Complex<T> = Complex { re: T::ZERO, im: T::ZERO };
    fn new(n: usize, _: bool) -> Self {
        FromHalf(RealFftPlanner::new().plan_fft_inverse(n))
    }
    fn lengths(&self, n: usize) -> (usize, usize) {
        (n / 2 + 1, n)
    }
    fn scratch(&self) -> usize {
        self.0.get_scratch_len()
    }
    fn run(&self, from: &mut [Complex<T>], to: &mut [T], scratch: &mut [Complex<T>]) -> Result<()> {
        // These imaginary parts do not count.
        let last = from.len() - 1;
        from[0].im = T::ZERO;
        if to.len() % 2 == 0 {
            from[last].im = T::ZERO;
        }
        self.0.process_with_scratch(from, to, scratch).map_err(refused)
    }
    fn times(x: T, factor: T) -> T {
        x * factor
    }
}

/// Plans that a thread keeps, the last one used in front.
#[derive(Default)]
struct Kept {
    plans: Vec<(usize, bool, Box<dyn Any>)>,
    /// Points of all of them.
    points: usize,
}
/// Points of plans that a thread keeps at most: their tables take about 16 to 32 bytes for each.
const MOST: usize = 1 << 20;
thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
}
fn plan<T: Real, P: Plan<T>>(n: usize, backward: bool) -> P {
    let known = |kept: &mut Kept| {
        let at = kept.plans.iter().position(|(len, way, p)| *len == n && *way == backward && p.is::<P>())?;
        kept.plans[..=at].rotate_right(1);
        kept.plans[0].2.downcast_ref::<P>().cloned()
    };
    // Where the thread ends, none are kept.
    let found = KEPT.try_with(|kept| kept.try_borrow_mut().ok().and_then(|mut kept| known(&mut kept)));
    if let Ok(Some(plan)) = found {
        return plan;
    }
    let made = P::new(n, backward);
    let _ = KEPT.try_with(|kept| {
        let Ok(mut kept) = kept.try_borrow_mut() else { return };
        if n > MOST {
            return;
        }
        while kept.points + n > MOST
            && let Some((len, _, _)) = kept.plans.pop()
        {
            kept.points -= len;
        }
        kept.points += n;
        kept.plans.insert(0, (n, backward, Box::new(made.clone())));
    });
    made
}

/// An axis that lines are counted along: how many, and how far apart in what is read and written.
#[derive(Clone, Copy)]
struct Step {
    count: usize,
    from: isize,
    to: isize,
}
/// The lines of a call.
struct Lines<'a, T: Real, P: Plan<T>> {
    plan: &'a P,
    /// First elements.
    from: usize,
    to: usize,
    /// Elements along a line, and how far apart.
    length: usize,
    step: (isize, isize),
    points: (usize, usize),
    /// The other axes; the last one is gone along first, several at a time.
    others: SmallVec<[Step; 6]>,
    factor: Option<T>,
}

fn run<T: Real, P: Plan<T>>(call: &KernelCall) -> Result<()> {
    let t = call.attributes::<Transform>()?;
    let (from, to): (&View, &View) = (call.inputs[0].view(), &call.outputs[0]);
    let plan = plan::<T, P>(t.points, t.backward);
    let points = plan.lengths(t.points);
    let mut others: SmallVec<[Step; 6]> = (0..from.shape.len())
        .filter(|&i| i != t.axis && from.shape[i] != 1)
        .map(|i| Step { count: from.shape[i], from: from.strides[i], to: to.strides[i] })
        .collect();
    // Neighbours are worked on together.
    others.sort_by_key(|s| std::cmp::Reverse((s.to.unsigned_abs(), s.from.unsigned_abs())));
    let lines = Lines {
        plan: &plan,
        from: from.host_ptr() as usize,
        to: to.host_ptr() as usize,
        length: from.shape[t.axis].min(points.0),
        step: (from.strides[t.axis], to.strides[t.axis]),
        points,
        others,
        factor: (t.scale != Scale::One).then(|| T::factor(t)),
    };
    let count = lines.others.iter().map(|s| s.count).product();
    // Some 1.5 ns for each doubling of a point.
    let cost = 8 * t.points.saturating_mul(t.points.max(2).ilog2() as usize);
    parallel_for(count, min_items(cost).max(1), |range| lines.some(range))
}

/// Lines that go side by side, at most.
const ABREAST: usize = 8;

impl<T: Real, P: Plan<T>> Lines<'_, T, P> {
    fn some(&self, range: Range<usize>) -> Result<()> {
        let near = self.others.last().copied().unwrap_or(Step { count: 1, from: 0, to: 0 });
        // One after another where each is close together.
        let abreast = if self.step == (1, 1) || self.length == 1 { 1 } else { ABREAST.min(near.count) };
        let (reads, writes) = self.points;
        // Lines a power of two apart would share few lines of a cache.
        let (wide, long) = (reads + 4, writes + 4);
        let bytes = |n: usize, of: usize| (n * of).next_multiple_of(64);
        let (input, output) =
            (bytes(abreast * wide, size_of::<P::In>()), bytes(abreast * long, size_of::<P::Out>()));
        let scratch = self.plan.scratch();
        with_scratch(input + output + scratch * size_of::<Complex<T>>(), |at| {
            let (ins, outs) = (at.cast::<P::In>(), at.wrapping_add(input).cast::<P::Out>());
            // SAFETY: the memory is aligned, and has room for all three; plain numbers have no wrong values once they are written.
            let (ins, outs, scratch) = unsafe {
                let scratch_at = at.wrapping_add(input + output).cast::<Complex<T>>();
                for i in 0..abreast * wide {
                    ins.add(i).write(P::ZERO);
                }
                outs.cast::<u8>().write_bytes(0, output);
                scratch_at.cast::<u8>().write_bytes(0, scratch * size_of::<Complex<T>>());
                (
                    std::slice::from_raw_parts_mut(ins, abreast * wide),
                    std::slice::from_raw_parts_mut(outs, abreast * long),
                    std::slice::from_raw_parts_mut(scratch_at, scratch),
                )
            };
            let mut i = range.start;
            while i < range.end {
                let (mut from, mut to, mut rest) =
                    (self.from as *const P::In, self.to as *mut P::Out, i / near.count);
                let inner = i % near.count;
                let some = abreast.min(near.count - inner).min(range.end - i);
                from = from.wrapping_offset(inner as isize * near.from);
                to = to.wrapping_offset(inner as isize * near.to);
                for s in self.others.iter().rev().skip(1) {
                    let k = (rest % s.count) as isize;
                    (from, to) = (from.wrapping_offset(k * s.from), to.wrapping_offset(k * s.to));
                    rest /= s.count;
                }
                // SAFETY: these lines are in the views.
                unsafe { self.load(from, near.from, some, ins, wide) };
                for k in 0..some {
                    let (a, b) = (&mut ins[k * wide..][..reads], &mut outs[k * long..][..writes]);
                    self.plan.run(a, b, scratch)?;
                }
                // SAFETY: as above.
                unsafe { self.store(to, near.to, some, outs, long) };
                i += some;
            }
            Ok(())
        })?
    }
    /// # Safety
    /// `some` lines are at `from`, `apart` from one another.
    #[inline(always)]
    unsafe fn load(&self, from: *const P::In, apart: isize, some: usize, to: &mut [P::In], wide: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            if some == 1 && self.step.0 == 1 {
                std::ptr::copy_nonoverlapping(from, to.as_mut_ptr(), self.length);
            } else {
                for j in 0..self.length {
                    let from = from.wrapping_offset(j as isize * self.step.0);
                    for k in 0..some {
                        *to.get_unchecked_mut(k * wide + j) = *from.wrapping_offset(k as isize * apart);
                    }
                }
            }
        }
        // The transform before this one has used what is behind.
        for k in 0..some {
            to[k * wide..][self.length..self.points.0].fill(P::ZERO);
        }
    }
    /// # Safety
    /// There is room for `some` lines at `to`, `apart` from one another.
    #[inline(always)]
    unsafe fn store(&self, to: *mut P::Out, apart: isize, some: usize, from: &[P::Out], long: usize) {
        let n = self.points.1;
        // SAFETY: the caller's promise.
        unsafe {
            if some == 1 && self.step.1 == 1 {
                match self.factor {
                    None => std::ptr::copy_nonoverlapping(from.as_ptr(), to, n),
                    Some(f) => (0..n).for_each(|j| *to.add(j) = P::times(*from.get_unchecked(j), f)),
                }
                return;
            }
            for j in 0..n {
                let to = to.wrapping_offset(j as isize * self.step.1);
                for k in 0..some {
                    let x = *from.get_unchecked(k * long + j);
                    let x = self.factor.map_or(x, |f| P::times(x, f));
                    *to.wrapping_offset(k as isize * apart) = x;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_plans_stay_within_bounds() {
        for n in [1usize, 2, 3, 1 << 10, MOST / 2 + 1, MOST / 2 + 2, MOST, MOST + 1] {
            let _ = plan::<f32, Whole<f32>>(n, false);
            KEPT.with_borrow(|kept| {
                assert!(kept.points <= MOST);
                assert_eq!(kept.points, kept.plans.iter().map(|(n, ..)| n).sum::<usize>());
            });
        }
    }
}
