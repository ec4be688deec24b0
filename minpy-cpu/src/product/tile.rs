//! The innermost loops of a product: a tile of the result held in registers while `k` runs.
//!
//! One generic function, compiled for every tile height and width and every instruction set (`x86.rs`).
//! The shape follows Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008), with rows and
//! columns exchanged because our matrices are mostly row-major: elements of A are broadcast, rows of B are vectors.

use super::ahead::Ask;
use super::pack::Matrix;
use super::post::{self, Post};
use crate::machine::simd::Level;

/// One register full of elements.
///
/// # Safety
/// All functions: the machine has the instructions, and pointers are good for what is read or written.
pub(crate) trait Vector {
    type T: Element;
    type V: Copy;
    /// Which of the elements of a register a load or store touches.
    type Mask: Copy;
    /// Elements of a register.
    const N: usize;
    unsafe fn zero() -> Self::V;
    unsafe fn splat(p: *const Self::T) -> Self::V;
    unsafe fn load(p: *const Self::T) -> Self::V;
    unsafe fn store(p: *mut Self::T, v: Self::V);
    /// The first `n` elements, `1..=N`.
    unsafe fn mask(n: usize) -> Self::Mask;
    /// Zeros where the mask is not set.
    unsafe fn load_some(p: *const Self::T, m: Self::Mask) -> Self::V;
    unsafe fn store_some(p: *mut Self::T, m: Self::Mask, v: Self::V);
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    /// `a` where it is at least `b`, or NaN: as in `prims/arithmetic.rs`.
    unsafe fn maximum(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn minimum(a: Self::V, b: Self::V) -> Self::V;
    /// `a > b ? x : y`
    unsafe fn above(a: Self::V, b: Self::V, x: Self::V, y: Self::V) -> Self::V;
    /// `a == b ? x : y`
    unsafe fn equal(a: Self::V, b: Self::V, x: Self::V, y: Self::V) -> Self::V;
    /// `N` bytes as elements.
    unsafe fn widen(p: *const u8) -> Self::V;
    /// Elements, whole numbers below 256, as bytes.
    unsafe fn narrow(p: *mut u8, v: Self::V);
    /// The sum of all elements.
    unsafe fn sum(v: Self::V) -> Self::T;
    /// Asks for the cache line of an address, into the first level.
    unsafe fn near(p: *const Self::T);
    /// Asks for it into the second level, where it waits longer without driving out what is in use.
    unsafe fn second(p: *const Self::T);
    /// `a * b + c`
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// Elements in 128 bits.
    const FEW: usize;
    /// Writes `FEW` columns of `PARTS * FEW` rows as lines, `wide` elements apart. No more than fit a register.
    unsafe fn turn<const PARTS: usize>(to: *mut Self::T, wide: usize, from: *const Self::T, row: isize);
}

/// `(k, a, rows of a, steps of a, b, steps of b, c, rows of c, last, accumulate, ask)`: distances in elements. The tile
/// of `c` is `a * b`, or that added to what is there; its last register holds `last` elements.
pub(crate) type Tile<T> =
    unsafe fn(usize, *const T, isize, isize, *const T, isize, *mut T, isize, usize, bool, Ask);

/// Most rows of a tile, over all instruction sets.
pub(crate) const MOST_ROWS: usize = 12;
/// Most elements of a register.
pub(crate) const MOST_LANES: usize = 16;
/// Registers across a tile.
pub(crate) const ACROSS: usize = 2;
/// Steps between two requests. With 4 they get into each other's way.
pub(crate) const EVERY: usize = 8;

/// The loops of one element type for this machine.
pub(crate) struct Tiles<T: 'static> {
    /// Rows of a full tile.
    pub rows: usize,
    /// Elements of a register.
    pub lanes: usize,
    /// By rows less one, by registers across less one, and by whether the last register is not full.
    pub table: [[[Option<Tile<T>>; 2]; ACROSS]; MOST_ROWS],
    /// See `pack::pack`.
    pub pack: unsafe fn(*mut T, usize, Matrix<T>, usize, usize),
    /// See `post::post`.
    pub post: unsafe fn(&Post, post::Tile<T>),
    /// See `stream.rs`: by the number of results per line, less one.
    pub dots: [super::stream::Dots<T>; super::stream::MOST],
    pub sums: [super::stream::Sums<T>; super::stream::MOST],
}

impl<T> Tiles<T> {
    /// The tile of `rows` rows and `cols` columns, and how many elements its last register holds.
    #[inline(always)]
    pub fn get(&self, rows: usize, cols: usize) -> (Option<Tile<T>>, usize) {
        let across = (cols > self.lanes) as usize;
        let last = cols - across * self.lanes;
        (self.table[rows - 1][across][(last < self.lanes) as usize], last)
    }
}

/// Element types that have tiles.
pub(crate) trait Element: Copy + Send + Sync + std::ops::Add<Output = Self> + 'static {
    const ZERO: Self;
    const HALF: Self;
    const ONE: Self;
    /// The tiles for these vector units; `None` where we wrote none.
    fn tiles(level: Level) -> Option<&'static Tiles<Self>>;
}

/// A register, or the part of it that `mask` shows.
#[inline(always)]
pub(super) unsafe fn get<S: Vector>(p: *const S::T, part: bool, mask: S::Mask) -> S::V {
    // SAFETY: the caller's promise.
    unsafe { if part { S::load_some(p, mask) } else { S::load(p) } }
}

/// The counterpart of `get`.
#[inline(always)]
pub(super) unsafe fn put<S: Vector>(p: *mut S::T, part: bool, mask: S::Mask, v: S::V) {
    // SAFETY: the caller's promise.
    unsafe { if part { S::store_some(p, mask, v) } else { S::store(p, v) } }
}

/// The pointer, with nothing known about where it came from, and memory as it was or not. Compilers find that one row follows another
/// and step from each to the next; unrolled, they load ahead of what they compute and put sums on the stack, for want of registers.
#[inline(always)]
fn unrelated<T>(mut p: *const T) -> *const T {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: no instruction.
    unsafe {
        std::arch::asm!("/* {0} */", inout(reg) p, options(nostack, preserves_flags));
    }
    p
}

/// What every wrapper inlines: the features of the wrapper make the vector functions single instructions.
#[inline(always)]
pub(super) unsafe fn tile<S: Vector, const ROWS: usize, const WIDE: usize, const PART: bool>(
    k: usize,
    a: *const S::T,
    a_row: isize,
    a_step: isize,
    mut b: *const S::T,
    b_step: isize,
    c: *mut S::T,
    c_row: isize,
    last: usize,
    accumulate: bool,
    mut ask: Ask,
) {
    // Two multiply-adds start in each cycle and take four: small tiles hold several sums for each element.
    let sets = const {
        if ROWS * WIDE >= 8 {
            1
        } else if ROWS * WIDE >= 4 {
            2
        } else {
            4
        }
    };
    // SAFETY: the caller vouches for `ROWS` rows of `a`, `WIDE` registers of `b`, `k` steps of both, and the tile of `c`.
    unsafe {
        let mask = S::mask(last);
        let mut sums = [[[S::zero(); WIDE]; ROWS]; 4];
        // Every third row has a pointer, from which the next two are addressed: stepping from row to row would be a
        // chain of additions as long as the multiply-adds themselves.
        let mut at: [*const S::T; 4] = [a; 4];
        for (i, p) in at.iter_mut().enumerate() {
            *p = unrelated(a.wrapping_offset(3 * i as isize * a_row));
        }
        // A macro: closures would lose the instruction set of the wrapper.
        macro_rules! step {
            ($sums:expr) => {
                let mut row = [S::zero(); WIDE];
                for (j, r) in row.iter_mut().enumerate() {
                    *r = get::<S>(b.add(j * S::N), PART && j == WIDE - 1, mask);
                }
                for (i, s) in $sums.iter_mut().enumerate() {
                    let x = S::splat(at[i / 3].offset((i % 3) as isize * a_row));
                    for (s, &y) in s.iter_mut().zip(&row) {
                        *s = S::fma(x, y, *s);
                    }
                }
                for p in at.iter_mut().take(ROWS.div_ceil(3)) {
                    *p = unrelated(p.wrapping_offset(a_step));
                }
                b = b.wrapping_offset(b_step);
            };
        }
        for group in 0..k / EVERY {
            // The tile of `c` is needed when `k` has run: by then it should be near.
            if group < ROWS {
                let line = c.wrapping_offset(group as isize * c_row);
                S::near(line);
                S::near(line.wrapping_add(WIDE * S::N - 1));
            }
            // Small tiles have no time to spare.
            if sets == 1 {
                S::second(ask.at.cast());
                S::second(ask.at.cast::<S::T>().wrapping_add(WIDE * S::N - 1));
                ask.at = ask.at.wrapping_offset(ask.step);
            }
            for _ in 0..EVERY / sets {
                for s in sums.iter_mut().take(sets) {
                    step!(s);
                }
            }
        }
        for _ in 0..k % EVERY / sets {
            for s in sums.iter_mut().take(sets) {
                step!(s);
            }
        }
        for _ in 0..k % sets {
            step!(sums[0]);
        }
        for i in 0..ROWS {
            for j in 0..WIDE {
                let mut v = sums[0][i][j];
                for s in sums.iter().take(sets).skip(1) {
                    v = S::add(v, s[i][j]);
                }
                let to = c.offset(i as isize * c_row).add(j * S::N);
                let part = PART && j == WIDE - 1;
                let v = if accumulate { S::add(get::<S>(to, part, mask), v) } else { v };
                put::<S>(to, part, mask, v);
            }
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod other {
    use super::*;
    impl Element for f32 {
        const ZERO: f32 = 0.0;
        const HALF: f32 = 0.5;
        const ONE: f32 = 1.0;
        fn tiles(_: Level) -> Option<&'static Tiles<f32>> {
            None
        }
    }
    impl Element for f64 {
        const ZERO: f64 = 0.0;
        const HALF: f64 = 0.5;
        const ONE: f64 = 1.0;
        fn tiles(_: Level) -> Option<&'static Tiles<f64>> {
            None
        }
    }
}
