//! Sums in NumPy's order: up to 128 floats with eight running sums, more in two halves of which the first is a multiple of eight (`pairwise_sum`
//! of NumPy's `loops_utils.h`). A complex number is two floats.
//!
//! `fold` adds what lies together; `Pairwise` is given a row piece by piece. Both give the same bits, whatever the pieces.

use super::fold::Order;
use crate::machine::simd::{Level, level};
use minpy_core::DType;
use num_complex::{Complex, Complex32, Complex64};
use std::ops::Add;

/// Floats that are added without halving.
const LEAF: usize = 128;

/// Eight running sums.
pub(crate) trait Eight: Copy {
    type F: Copy;
    unsafe fn load(p: *const Self::F) -> Self;
    unsafe fn plus(self, other: Self) -> Self;
    unsafe fn out(self) -> [Self::F; 8];
    /// The sum of each, its neighbours first.
    unsafe fn trees(of: [Self; 4]) -> [Self::F; 4];
}
/// The order in which eight running sums are added.
macro_rules! tree {
    ($r:ident) => {
        (($r[0] + $r[1]) + ($r[2] + $r[3])) + (($r[4] + $r[5]) + ($r[6] + $r[7]))
    };
}
macro_rules! plain {
    ($($t:ty)*) => {$(
        impl Eight for [$t; 8] {
            type F = $t;
            #[inline(always)]
            unsafe fn load(p: *const $t) -> [$t; 8] {
                // SAFETY: the caller's promise: eight numbers.
                unsafe { p.cast::<[$t; 8]>().read_unaligned() }
            }
            #[inline(always)]
            unsafe fn plus(self, other: [$t; 8]) -> [$t; 8] {
                std::array::from_fn(|i| self[i] + other[i])
            }
            #[inline(always)]
            unsafe fn out(self) -> [$t; 8] {
                self
            }
            #[inline(always)]
            unsafe fn trees(of: [[$t; 8]; 4]) -> [$t; 4] {
                of.map(|r| tree!(r))
            }
        }
    )*};
}
plain!(f32 f64);
#[cfg(target_arch = "x86_64")]
pub(crate) mod registers {
    use super::Eight;
    use std::arch::x86_64::*;

    /// One register, or two.
    #[derive(Clone, Copy)]
    pub(crate) struct Single(__m256);
    #[derive(Clone, Copy)]
    pub(crate) struct Double(__m256d, __m256d);
    // SAFETY: in all functions, the loop is compiled for the instructions, and the pointer is the caller's promise.
    #[allow(clippy::undocumented_unsafe_blocks, reason = "said once for all")]
    impl Eight for Single {
        type F = f32;
        #[inline(always)]
        unsafe fn load(p: *const f32) -> Single {
            unsafe { Single(_mm256_loadu_ps(p)) }
        }
        #[inline(always)]
        unsafe fn plus(self, other: Single) -> Single {
            unsafe { Single(_mm256_add_ps(self.0, other.0)) }
        }
        #[inline(always)]
        unsafe fn out(self) -> [f32; 8] {
            let mut x = [0.0; 8];
            unsafe { _mm256_storeu_ps(x.as_mut_ptr(), self.0) };
            x
        }
        #[inline(always)]
        unsafe fn trees([a, b, c, d]: [Single; 4]) -> [f32; 4] {
            let mut x = [0.0; 4];
            unsafe {
                let s = _mm256_hadd_ps(_mm256_hadd_ps(a.0, b.0), _mm256_hadd_ps(c.0, d.0));
                let s = _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps::<1>(s));
                _mm_storeu_ps(x.as_mut_ptr(), s);
            }
            x
        }
    }
    #[allow(clippy::undocumented_unsafe_blocks, reason = "said once for all")]
    impl Eight for Double {
        type F = f64;
        #[inline(always)]
        unsafe fn load(p: *const f64) -> Double {
            unsafe { Double(_mm256_loadu_pd(p), _mm256_loadu_pd(p.add(4))) }
        }
        #[inline(always)]
        unsafe fn plus(self, other: Double) -> Double {
            unsafe { Double(_mm256_add_pd(self.0, other.0), _mm256_add_pd(self.1, other.1)) }
        }
        #[inline(always)]
        unsafe fn out(self) -> [f64; 8] {
            let mut x = [0.0; 8];
            unsafe {
                _mm256_storeu_pd(x.as_mut_ptr(), self.0);
                _mm256_storeu_pd(x.as_mut_ptr().add(4), self.1);
            }
            x
        }
        #[inline(always)]
        unsafe fn trees([a, b, c, d]: [Double; 4]) -> [f64; 4] {
            let mut x = [0.0; 4];
            unsafe {
                for (i, (a, b)) in [(a, b), (c, d)].into_iter().enumerate() {
                    let (s, t) = (_mm256_hadd_pd(a.0, b.0), _mm256_hadd_pd(a.1, b.1));
                    let half = |s| _mm_add_pd(_mm256_castpd256_pd128(s), _mm256_extractf128_pd::<1>(s));
                    _mm_storeu_pd(x.as_mut_ptr().add(2 * i), _mm_add_pd(half(s), half(t)));
                }
            }
            x
        }
    }
}

/// What is added in pairs.
pub(crate) trait Summed: Copy + Add<Output = Self> + Send + Sync + 'static {
    const DTYPE: DType;
    const ZERO: Self;
    /// Floats in an element.
    const PARTS: usize;
    /// The type of its floats.
    type F: Copy + Add<Output = Self::F> + 'static;
    #[cfg(target_arch = "x86_64")]
    type Wide: Eight<F = Self::F>;
    type Plain: Eight<F = Self::F>;
    const NOTHING: Self::F;
    /// The sum of the running sums.
    fn tree(r: [Self::F; 8]) -> Self;
    /// The same of four leaves.
    ///
    /// # Safety
    /// The machine has the registers.
    unsafe fn trees<E: Eight<F = Self::F>>(r: [E; 4]) -> [Self; 4];
}
macro_rules! summed {
    ($($t:ident $dtype:ident, $f:ident $wide:ident, $parts:literal, $zero:expr, |$r:ident| $tree:expr, |$all:ident| $trees:expr;)*) => {$(
        impl Summed for $t {
            const DTYPE: DType = DType::$dtype;
            const ZERO: $t = $zero;
            const PARTS: usize = $parts;
            type F = $f;
            #[cfg(target_arch = "x86_64")]
            type Wide = registers::$wide;
            type Plain = [$f; 8];
            // The sign of nothing is no sign: a sum of negative zeros is one until it is added to the result.
            const NOTHING: $f = -0.0;
            #[inline(always)]
            fn tree($r: [$f; 8]) -> $t { $tree }
            #[inline(always)]
            unsafe fn trees<E: Eight<F = $f>>($all: [E; 4]) -> [$t; 4] {
                // SAFETY: the caller's promise.
                unsafe { $trees }
            }
        }
    )*};
}
summed! {
    f32 F32, f32 Single, 1, 0.0, |r| tree!(r), |all| E::trees(all);
    f64 F64, f64 Double, 1, 0.0, |r| tree!(r), |all| E::trees(all);
    Complex32 C64, f32 Single, 2, Complex::new(0.0, 0.0), |r|
        Complex::new((r[0] + r[2]) + (r[4] + r[6]), (r[1] + r[3]) + (r[5] + r[7])), |all| all.map(|r| Self::tree(r.out()));
    Complex64 C128, f64 Double, 2, Complex::new(0.0, 0.0), |r|
        Complex::new((r[0] + r[2]) + (r[4] + r[6]), (r[1] + r[3]) + (r[5] + r[7])), |all| all.map(|r| Self::tree(r.out()));
}

/// The sum of at most `LEAF` floats.
///
/// # Safety
/// `n` elements at `x`.
#[inline(always)]
unsafe fn leaf<T: Summed, E: Eight<F = T::F>>(x: *const T, n: usize) -> T {
    let (floats, p) = (n * T::PARTS, x.cast::<T::F>());
    // SAFETY: the caller's promise. An element is its floats.
    unsafe {
        let (mut sum, mut i) = if floats < 8 {
            let none = [T::NOTHING; 2];
            (none.as_ptr().cast::<T>().read_unaligned(), 0)
        } else {
            let (mut r, mut i) = (E::load(p), 8);
            while i + 32 <= floats {
                r = r.plus(E::load(p.add(i))).plus(E::load(p.add(i + 8)));
                r = r.plus(E::load(p.add(i + 16))).plus(E::load(p.add(i + 24)));
                i += 32;
            }
            while i + 8 <= floats {
                r = r.plus(E::load(p.add(i)));
                i += 8;
            }
            (T::tree(r.out()), i / T::PARTS)
        };
        while i < n {
            sum = sum + *x.add(i);
            i += 1;
        }
        sum
    }
}
/// Leaves that follow each other, at least 8 floats each, all but the last one of whole registers: an addition waits for the one before
/// it, so that several chains take hardly longer than one.
///
/// # Safety
/// So many elements at `x`.
#[inline(always)]
unsafe fn leaves<T: Summed, E: Eight<F = T::F>, const N: usize>(x: *const T, sizes: [usize; N]) -> [T; N] {
    const { assert!(N <= 4) };
    // SAFETY: the caller's promise. An element is its floats.
    unsafe {
        let mut at = [x.cast::<T::F>(); N];
        for k in 1..N {
            at[k] = at[k - 1].add(sizes[k - 1] * T::PARTS);
        }
        let mut r = at.map(|p| E::load(p));
        let shared = sizes.iter().fold(sizes[0], |a, &b| a.min(b)) * T::PARTS;
        let mut i = 8;
        while i + 16 <= shared {
            for k in 0..N {
                r[k] = r[k].plus(E::load(at[k].add(i))).plus(E::load(at[k].add(i + 8)));
            }
            i += 16;
        }
        for k in 0..N {
            let (mut i, floats) = (i, sizes[k] * T::PARTS);
            while i + 8 <= floats {
                r[k] = r[k].plus(E::load(at[k].add(i)));
                i += 8;
            }
        }
        let sums = T::trees(std::array::from_fn::<E, 4, _>(|k| r[k % N]));
        let mut sums: [T; N] = std::array::from_fn(|k| sums[k]);
        let (last, whole) = (at[N - 1].cast::<T>(), sizes[N - 1] * T::PARTS / 8 * 8 / T::PARTS);
        for i in whole..sizes[N - 1] {
            sums[N - 1] = sums[N - 1] + *last.add(i);
        }
        sums
    }
}
/// The first of two halves of more than a leaf.
#[inline(always)]
fn half<T: Summed>(n: usize) -> usize {
    let unit = 8 / T::PARTS;
    n / 2 / unit * unit
}

macro_rules! entry {
    ($name:ident $registers:ident, $(#[$attr:meta])*) => {
        mod $name {
            use super::*;
            $(#[$attr])*
            pub(super) unsafe fn pairs<T: Summed>(x: *const T, n: usize) -> T {
                // SAFETY: handed on.
                unsafe {
                    if n * T::PARTS <= LEAF {
                        return leaf::<T, T::$registers>(x, n);
                    }
                    let h = half::<T>(n);
                    let (second, fits) = (n - h, |n: usize| n * T::PARTS <= LEAF);
                    if fits(second) {
                        let [a, b] = leaves::<T, T::$registers, 2>(x, [h, second]);
                        return a + b;
                    }
                    let (p, q) = (half::<T>(h), half::<T>(second));
                    if !fits(h) && fits(second - q) {
                        let [a, b, c, d] = leaves::<T, T::$registers, 4>(x, [p, h - p, q, second - q]);
                        return (a + b) + (c + d);
                    }
                    pairs(x, h) + pairs(x.add(h), second)
                }
            }
        }
    };
}
entry!(base Plain, #[inline(never)]);
#[cfg(target_arch = "x86_64")]
entry!(avx2 Wide, #[target_feature(enable = "avx2,fma,bmi1,bmi2")]);

/// `(x, n)`: the sum of `n` elements. Of two halves each is added by itself, so that the other one is under way.
type Pairs<T> = unsafe fn(*const T, usize) -> T;
fn pairs<T: Summed>() -> Pairs<T> {
    match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 | Level::Avx512 => avx2::pairs::<T>,
        _ => base::pairs::<T>,
    }
}

/// See `Folder::fold`: 0 and the sum of the elements.
pub(super) unsafe fn fold<T: Summed>(src: *const u8, n: usize, dst: *mut u8) {
    // SAFETY: `n` elements at `src`, one at `dst` (contract of `Folder`).
    unsafe { *dst.cast::<T>() = T::ZERO + pairs::<T>()(src.cast(), n) }
}

/// A sum that is given its elements piece by piece.
pub(crate) struct Pairwise<T> {
    pairs: Pairs<T>,
    /// Of nodes that were halved: elements of the second half, and the sum of the first, once it is known.
    open: [(usize, Option<T>); usize::BITS as usize],
    depth: usize,
    /// Elements of the node that comes next.
    next: usize,
    /// Those of it that have come, where it is a leaf.
    held: [T; LEAF],
    have: usize,
    sum: T,
}

impl<T: Summed> Pairwise<T> {
    /// Of `n` elements.
    pub fn new(n: usize) -> Pairwise<T> {
        Pairwise {
            pairs: pairs::<T>(),
            open: [(0, None); usize::BITS as usize],
            depth: 0,
            next: n,
            held: [T::ZERO; LEAF],
            have: 0,
            sum: T::ZERO,
        }
    }
    /// Takes the next ones.
    ///
    /// # Safety
    /// `n` elements at `x`; no more than are left.
    pub unsafe fn feed(&mut self, x: *const T, n: usize) {
        let (mut x, mut n) = (x, n);
        while n > 0 {
            if self.have == 0 && self.next <= n {
                let whole = self.next;
                // SAFETY: the caller's promise.
                unsafe {
                    let sum = (self.pairs)(x, whole);
                    (x, n) = (x.add(whole), n - whole);
                    self.done(sum);
                }
            } else if self.next * T::PARTS > LEAF {
                let h = half::<T>(self.next);
                self.open[self.depth] = (self.next - h, None);
                self.depth += 1;
                self.next = h;
            } else {
                let some = (self.next - self.have).min(n);
                // SAFETY: as above; a leaf fits.
                unsafe {
                    std::ptr::copy_nonoverlapping(x, self.held.as_mut_ptr().add(self.have), some);
                    (x, n) = (x.add(some), n - some);
                }
                self.have += some;
                if self.have == self.next {
                    // SAFETY: so many are held.
                    let sum = unsafe { (self.pairs)(self.held.as_ptr(), self.have) };
                    self.have = 0;
                    self.done(sum);
                }
            }
        }
    }
    /// A node is complete, and with it those whose second half it is.
    fn done(&mut self, mut sum: T) {
        while self.depth > 0 {
            let (second, first) = &mut self.open[self.depth - 1];
            match *first {
                None => {
                    *first = Some(sum);
                    self.next = *second;
                    return;
                }
                Some(first) => {
                    sum = first + sum;
                    self.depth -= 1;
                }
            }
        }
        self.next = 0;
        self.sum = sum;
    }
    /// The sum, when all have come.
    pub fn sum(&self) -> T {
        self.sum
    }
}

/// Parts of a sum that are computed each by itself: `f(first, elements)` for each of at most `most`, in order.
pub(super) fn parts<T: Summed>(first: usize, n: usize, most: usize, f: &mut impl FnMut(usize, usize)) {
    if n <= most || n * T::PARTS <= LEAF {
        return f(first, n);
    }
    let h = half::<T>(n);
    parts::<T>(first, h, most, f);
    parts::<T>(first + h, n - h, most, f);
}
/// The sum of parts that `parts` has named.
pub(super) fn joined<T: Summed>(n: usize, most: usize, sums: &mut impl Iterator<Item = T>) -> T {
    if n <= most || n * T::PARTS <= LEAF {
        return sums.next().unwrap_or(T::ZERO);
    }
    let h = half::<T>(n);
    let first = joined(h, most, sums);
    first + joined(n - h, most, sums)
}

/// A row's sum of some type, given piece by piece.
pub(super) enum Sum {
    F32(Box<Pairwise<f32>>),
    F64(Box<Pairwise<f64>>),
    C64(Box<Pairwise<Complex32>>),
    C128(Box<Pairwise<Complex64>>),
}
impl Sum {
    /// Of `n` elements, where the folder adds in this order.
    pub fn new(order: Order, n: usize) -> Option<Sum> {
        match order {
            Order::Pairs(DType::F32) => Some(Sum::F32(Box::new(Pairwise::new(n)))),
            Order::Pairs(DType::F64) => Some(Sum::F64(Box::new(Pairwise::new(n)))),
            Order::Pairs(DType::C64) => Some(Sum::C64(Box::new(Pairwise::new(n)))),
            Order::Pairs(DType::C128) => Some(Sum::C128(Box::new(Pairwise::new(n)))),
            _ => None,
        }
    }
    /// Takes the next ones, and writes the sum (of all, when all have come).
    ///
    /// # Safety
    /// As for `Pairwise::feed`; room for an element at `to`.
    pub unsafe fn feed(&mut self, x: *const u8, n: usize, to: *mut u8) {
        /// # Safety
        /// Room for an element.
        unsafe fn put<T: Summed>(to: *mut u8, p: &Pairwise<T>) {
            // SAFETY: the caller's promise.
            unsafe { *to.cast() = T::ZERO + p.sum() };
        }
        macro_rules! each {
            ($($name:ident)*) => {
                match self {
                    // SAFETY: the caller's promise.
                    $(Sum::$name(p) => unsafe {
                        p.feed(x.cast(), n);
                        put(to, &**p);
                    },)*
                }
            };
        }
        each!(F32 F64 C64 C128)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition.
    fn by_rule(x: &[f32]) -> f32 {
        let n = x.len();
        if n < 8 {
            return x.iter().fold(-0.0, |s, x| s + x);
        }
        if n <= 128 {
            let mut r: [f32; 8] = std::array::from_fn(|i| x[i]);
            let whole = n - n % 8;
            (8..whole).for_each(|i| r[i % 8] += x[i]);
            let sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
            return x[whole..].iter().fold(sum, |s, x| s + x);
        }
        let h = n / 2 - n / 2 % 8;
        by_rule(&x[..h]) + by_rule(&x[h..])
    }
    #[test]
    fn pieces_make_no_difference() {
        for n in
            (1..=600).step_by(7).chain([8, 9, 127, 128, 129, 255, 256, 264, 272, 1000, 1025, 8191, 33_333])
        {
            let x: Vec<f32> =
                (0..n).map(|i| ((i * 7919 % 1009) as f32 - 500.0) * 1.1f32.powi(i as i32 % 90)).collect();
            let want = by_rule(&x);
            for piece in [1, 3, 8, 100, 128, 1000, n] {
                let mut sum = Pairwise::new(n);
                // SAFETY: pieces of the list.
                x.chunks(piece).for_each(|c| unsafe { sum.feed(c.as_ptr(), c.len()) });
                assert_eq!(sum.sum().to_bits(), want.to_bits(), "{n} by {piece}");
            }
            let mut got = 0f32;
            // SAFETY: `n` elements.
            unsafe { fold::<f32>(x.as_ptr().cast(), n, (&raw mut got).cast()) };
            assert_eq!(got.to_bits(), (0.0 + want).to_bits(), "{n}");
            for most in [200, 5000] {
                let mut sums = vec![];
                parts::<f32>(0, n, most, &mut |first, len| sums.push(by_rule(&x[first..first + len])));
                assert_eq!(joined(n, most, &mut sums.into_iter()).to_bits(), want.to_bits());
            }
        }
    }
    #[test]
    fn complex_numbers_are_two() {
        let x: Vec<Complex64> =
            (0..1001).map(|i| Complex64::new(f64::from(i) * 0.1, 1.0 / f64::from(i + 1))).collect();
        let mut sum = Pairwise::new(x.len());
        // SAFETY: pieces of the list.
        x.chunks(77).for_each(|c| unsafe { sum.feed(c.as_ptr(), c.len()) });
        let mut got = Complex64::new(0.0, 0.0);
        // SAFETY: so many elements.
        unsafe { fold::<Complex64>(x.as_ptr().cast(), x.len(), (&raw mut got).cast()) };
        assert_eq!(sum.sum(), got);
        let exact = x.iter().sum::<Complex64>();
        assert!((got - exact).norm() < 1e-9);
    }
}
