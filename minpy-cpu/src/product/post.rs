//! What follows a product element by element, done to each tile while it is in the first-level cache.
//!
//! `chain.rs` finds the operations; other programs run on larger blocks (`epilogue.rs`), which costs a product of
//! 512 x 512 x 512 5 to 8 % for a bias and an activation, 13 % where the slope is kept, and here 3 and 5 %.

use super::ahead::Ask;
use crate::prims::arithmetic::{Maximum, Minimum};
use crate::prims::fused::{Op4, Side, Taken};
use crate::prims::loops::Op2;
use smallvec::SmallVec;

/// An operation on the elements of a product, `v`. They are of the product's dtype unless it is said otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// With an operand, `x`.
    Add,
    Sub,
    /// x - v
    SubFrom,
    Mul,
    Maximum,
    /// The product is the second argument: which of two zeros, or NaNs, wins.
    MaximumOf,
    Minimum,
    MinimumOf,
    /// `x > by ? v : x == by ? v / 2 : 0`
    Taken,
    /// The same; `x` is uint8.
    TakenByte,
    /// Writes `v > by ? 2 : v == by ? 1 : 0`, uint8.
    Side,
    /// Writes `v`.
    Store,
    /// `Add` of `x`, `Side` where there is an output for it, and `Maximum` of `by`, in one pass.
    Rectify,
}

/// An operation and its operand, or the output that it writes, for one matrix.
#[derive(Clone, Copy)]
pub(crate) struct PostOp {
    pub kind: Kind,
    /// Element of the first row and column.
    pub at: *mut u8,
    /// Bytes between rows.
    pub row: isize,
    /// Bytes between columns: an element, or 0.
    pub col: isize,
    /// A number to compare with.
    pub by: *const u8,
    /// The output of `Rectify`, or null, and the bytes between its rows.
    pub to: *mut u8,
    pub to_row: isize,
}

// SAFETY: views of memory that dispatch keeps alive during the call; tiles are disjoint.
unsafe impl Send for PostOp {}
// SAFETY: as above.
unsafe impl Sync for PostOp {}

/// Operations in their order.
pub(crate) struct Post(pub SmallVec<[PostOp; 4]>);

impl Post {
    /// The operands and outputs with an element for each of the product: from this row and column on, bytes of an element.
    pub fn matrices(&self, i: usize, j: usize) -> impl Iterator<Item = (Ask, usize)> {
        let views = self.0.iter().flat_map(|op| [(op.at, op.row, op.col), (op.to, op.to_row, 1)]);
        views.filter(|&(_, row, col)| row != 0 && col != 0).map(move |(at, row, col)| {
            let at = at.cast_const().wrapping_offset(i as isize * row + j as isize * col);
            (Ask { at, step: row }, col.unsigned_abs())
        })
    }
}

/// A tile of the product.
#[derive(Clone, Copy)]
pub(crate) struct Tile<T> {
    pub at: *mut T,
    /// Elements between rows.
    pub step: isize,
    /// Row and column of its first element in the whole matrix.
    pub i: usize,
    pub j: usize,
    pub rows: usize,
    pub cols: usize,
}

/// Real types.
pub(crate) trait Real:
    Copy + Default + std::ops::Add<Output = Self> + std::ops::Sub<Output = Self> + std::ops::Mul<Output = Self>
{
    fn maximum(self, other: Self) -> Self;
    fn minimum(self, other: Self) -> Self;
    fn taken(self, x: Self, by: Self) -> Self;
    fn side(self, by: Self) -> u8;
    fn of(byte: u8) -> Self;
}
macro_rules! real {
    ($($t:ty)*) => {$(
        impl Real for $t {
            #[inline(always)]
            fn maximum(self, other: $t) -> $t {
                Maximum::f(self, other)
            }
            #[inline(always)]
            fn minimum(self, other: $t) -> $t {
                Minimum::f(self, other)
            }
            #[inline(always)]
            fn taken(self, x: $t, by: $t) -> $t {
                <Taken as Op4<$t>>::f(x, by, self, self)
            }
            #[inline(always)]
            fn side(self, by: $t) -> u8 {
                <Side as Op4<$t>>::f(self, by, self, self)
            }
            #[inline(always)]
            fn of(byte: u8) -> $t {
                byte.into()
            }
        }
    )*};
}
real!(f32 f64);

/// Does all operations to a tile, `N` neighbours at once. Every wrapper inlines it (`x86.rs`).
///
/// # Safety
/// The tile may be written; the operands and outputs have all its rows and columns, and overlap neither it nor each other
/// (operands may be the same).
#[inline(always)]
pub(super) unsafe fn post<T: Real, const N: usize>(post: &Post, tile: Tile<T>) {
    for op in &post.0 {
        let at = op.at.wrapping_offset(tile.i as isize * op.row + tile.j as isize * op.col);
        let line = Line { at, step: op.row };
        // SAFETY: the caller's promise; a number is one readable element.
        unsafe {
            macro_rules! with {
                ($f:expr) => {
                    if op.col == 0 { each::<T, N>(tile, line, $f) } else { both::<T, T, N>(tile, line, $f) }
                };
            }
            match op.kind {
                Kind::Add => with!(|v: T, x: T| v + x),
                Kind::Sub => with!(|v: T, x: T| v - x),
                Kind::SubFrom => with!(|v: T, x: T| x - v),
                Kind::Mul => with!(|v: T, x: T| v * x),
                Kind::Maximum => with!(|v: T, x: T| v.maximum(x)),
                Kind::MaximumOf => with!(|v: T, x: T| x.maximum(v)),
                Kind::Minimum => with!(|v: T, x: T| v.minimum(x)),
                Kind::MinimumOf => with!(|v: T, x: T| x.minimum(v)),
                Kind::Taken => {
                    let by = *op.by.cast::<T>();
                    with!(|v: T, x: T| v.taken(x, by));
                }
                Kind::TakenByte => {
                    let by = *op.by.cast::<T>();
                    both::<T, u8, N>(tile, line, |v, x| v.taken(T::of(x), by));
                }
                Kind::Side => {
                    let by = *op.by.cast::<T>();
                    write::<T, u8, N>(tile, line, |v| v.side(by));
                }
                Kind::Rectify => {
                    let by = *op.by.cast::<T>();
                    if op.to.is_null() {
                        with!(|v: T, x: T| (v + x).maximum(by));
                    } else {
                        let to = op.to.wrapping_offset(tile.i as isize * op.to_row + tile.j as isize);
                        rectify::<T, N>(tile, line, op.col == 0, by, Line { at: to, step: op.to_row });
                    }
                }
                Kind::Store => write::<T, T, N>(tile, line, |v| v),
            }
        }
    }
}

/// Rows of an operand or output, from the tile's first element on.
#[derive(Clone, Copy)]
struct Line {
    at: *mut u8,
    /// In bytes.
    step: isize,
}
impl Line {
    #[inline(always)]
    fn row<U>(self, i: usize) -> *mut U {
        self.at.wrapping_offset(i as isize * self.step).cast()
    }
}
impl<T> Tile<T> {
    #[inline(always)]
    fn row(self, i: usize) -> *mut T {
        self.at.wrapping_offset(i as isize * self.step)
    }
}

/// `f` of the tile and an operand with an element for each.
#[inline(always)]
unsafe fn both<T: Copy, U: Copy, const N: usize>(tile: Tile<T>, line: Line, f: impl Fn(T, U) -> T) {
    for i in 0..tile.rows {
        let (v, x) = (tile.row(i), line.row::<U>(i));
        // SAFETY: here and below, the promise of `post`.
        unsafe {
            let mut j = 0;
            while j + N <= tile.cols {
                let (v, x) = (v.add(j).cast::<[T; N]>(), x.add(j).cast::<[U; N]>());
                let (mut a, b) = (v.read_unaligned(), x.read_unaligned());
                for (a, b) in a.iter_mut().zip(b) {
                    *a = f(*a, b);
                }
                v.write_unaligned(a);
                j += N;
            }
            for j in j..tile.cols {
                *v.add(j) = f(*v.add(j), *x.add(j));
            }
        }
    }
}
/// `f` of the tile and an operand with an element for each row.
#[inline(always)]
unsafe fn each<T: Copy, const N: usize>(tile: Tile<T>, line: Line, f: impl Fn(T, T) -> T) {
    for i in 0..tile.rows {
        let v = tile.row(i);
        // SAFETY: see above.
        unsafe {
            let x = *line.row::<T>(i);
            let mut j = 0;
            while j + N <= tile.cols {
                let v = v.add(j).cast::<[T; N]>();
                let mut a = v.read_unaligned();
                for a in &mut a {
                    *a = f(*a, x);
                }
                v.write_unaligned(a);
                j += N;
            }
            for j in j..tile.cols {
                *v.add(j) = f(*v.add(j), x);
            }
        }
    }
}
/// Writes `f` of the tile to an output.
#[inline(always)]
unsafe fn write<T: Copy, U: Copy + Default, const N: usize>(tile: Tile<T>, line: Line, f: impl Fn(T) -> U) {
    for i in 0..tile.rows {
        let (v, to) = (tile.row(i), line.row::<U>(i));
        // SAFETY: see above.
        unsafe {
            let mut j = 0;
            while j + N <= tile.cols {
                let a = v.add(j).cast::<[T; N]>().read_unaligned();
                let mut r = [U::default(); N];
                for (r, a) in r.iter_mut().zip(a) {
                    *r = f(a);
                }
                to.add(j).cast::<[U; N]>().write_unaligned(r);
                j += N;
            }
            for j in j..tile.cols {
                *to.add(j) = f(*v.add(j));
            }
        }
    }
}
/// `Kind::Rectify` with an output. `each`: the operand has an element for each row.
#[inline(always)]
unsafe fn rectify<T: Real, const N: usize>(tile: Tile<T>, line: Line, each: bool, by: T, to: Line) {
    for i in 0..tile.rows {
        let (v, x, to) = (tile.row(i), line.row::<T>(i), to.row::<u8>(i));
        // SAFETY: see above.
        unsafe {
            let mut j = 0;
            while j + N <= tile.cols {
                let v = v.add(j).cast::<[T; N]>();
                let (mut a, mut side) = (v.read_unaligned(), [0; N]);
                let b = if each { [*x; N] } else { x.add(j).cast::<[T; N]>().read_unaligned() };
                for ((a, b), side) in a.iter_mut().zip(b).zip(&mut side) {
                    let sum = *a + b;
                    (*side, *a) = (sum.side(by), sum.maximum(by));
                }
                v.write_unaligned(a);
                to.add(j).cast::<[u8; N]>().write_unaligned(side);
                j += N;
            }
            for j in j..tile.cols {
                let sum = *v.add(j) + *x.add(if each { 0 } else { j });
                *to.add(j) = sum.side(by);
                *v.add(j) = sum.maximum(by);
            }
        }
    }
}
