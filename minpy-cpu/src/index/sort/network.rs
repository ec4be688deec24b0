//! Sorting networks on registers: up to sixteen rows of lanes, for the ends of a quicksort.
//!
//! Columns are sorted first, comparing whole registers (networks of the least number of comparisons that is known: Knuth, "The Art of
//! Computer Programming" 3, 5.3.4); then sorted columns are merged two by two as in Batcher's bitonic merge. The order is then down the
//! columns, and the registers are turned so that it is along the rows.

/// A vector unit with a type of elements. Numbers that are equal may differ in their bits (zeros): none is lost.
///
/// # Safety
/// All functions: the machine has the unit, pointers hold a register's elements.
pub(super) trait Lanes: 'static {
    /// Elements; no NaN is among them.
    type T: Copy + PartialOrd + Default + Send + Sync + 'static;
    type R: Copy;
    /// Elements of a register.
    const N: usize;
    /// No element is greater.
    const MOST: Self::T;
    unsafe fn load(p: *const Self::T) -> Self::R;
    unsafe fn store(p: *mut Self::T, r: Self::R);
    unsafe fn splat(x: Self::T) -> Self::R;
    /// `a` where it is less than `b`, else `b`.
    unsafe fn low(a: Self::R, b: Self::R) -> Self::R;
    /// `a` where it is greater than `b`, else `b`.
    unsafe fn high(a: Self::R, b: Self::R) -> Self::R;
    /// Bits of the lanes where `a` is less than `b`.
    unsafe fn less(a: Self::R, b: Self::R) -> u32;
    /// The lanes whose bits are set, in front.
    unsafe fn pack(r: Self::R, mask: u32) -> Self::R;
    /// Lane `i` of the result is lane `i ^ X`.
    unsafe fn across<const X: usize>(r: Self::R) -> Self::R;
    /// Lanes whose number has the bit `D` come from `b`, the others from `a`.
    unsafe fn blend<const D: usize>(a: Self::R, b: Self::R) -> Self::R;
    /// Lane `i` of the result is lane `i % ROWS * (N / ROWS) + i / ROWS`.
    unsafe fn deal<const ROWS: usize>(r: Self::R) -> Self::R;
}

/// Most rows of a network.
pub(super) const ROWS: usize = 16;

// Conditions stand in `const` blocks wherever the compiler knows them: what they exclude is then not even generated, of which there would be three
// times as much as of what is used.

/// Numbers below a bound that the compiler knows, one after another: a loop would leave the registers in memory.
macro_rules! each {
    ($below:expr, $r:ident => $body:expr) => { each!(@ $below, $r, $body; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15) };
    (@ $below:expr, $r:ident, $body:expr; $($n:literal)*) => {$(
        if const { $n < $below } {
            const $r: usize = $n;
            $body
        }
    )*};
}
macro_rules! compare {
    ($v:ident; $($a:literal $b:literal)*) => {$({
        let (a, b) = ($v[$a], $v[$b]);
        $v[$a] = L::low(a, b);
        $v[$b] = L::high(b, a);
    })*};
}

/// # Safety
/// See `Lanes`.
#[inline(always)]
unsafe fn columns<L: Lanes, const R: usize>(v: &mut [L::R; ROWS]) {
    // SAFETY: the caller's promise.
    unsafe {
        if const { R == 2 } {
            compare!(v; 0 1);
        }
        if const { R == 4 } {
            compare!(v; 0 1  2 3  0 2  1 3  1 2);
        }
        if const { R == 8 } {
            compare!(v; 0 1  2 3  4 5  6 7  0 2  1 3  4 6  5 7  1 2  5 6  0 4  3 7  1 5  2 6  1 4  3 6  2 4  3 5  3 4);
        }
        if const { R == 16 } {
            compare!(v; 0 1  2 3  4 5  6 7  8 9  10 11  12 13  14 15  0 2  4 6  8 10  12 14  1 3  5 7  9 11  13 15
                0 4  8 12  1 5  9 13  2 6  10 14  3 7  11 15  0 8  1 9  2 10  3 11  4 12  5 13  6 14  7 15
                5 10  6 9  3 12  13 14  4 8  7 11  1 2  1 4  7 13  2 8  11 14  2 4  5 6  9 10  11 13  3 8  7 12
                6 8  10 12  3 5  7 9  3 4  5 6  7 8  9 10  11 12  6 7  8 9);
        }
    }
}

/// Merges sorted runs of `G` columns each, two by two; `CROSS` is `2 * G - 1`.
///
/// # Safety
/// See `Lanes`.
#[inline(always)]
unsafe fn merge<L: Lanes, const R: usize, const G: usize, const CROSS: usize>(v: &mut [L::R; ROWS]) {
    // SAFETY: the caller's promise.
    unsafe {
        // The second run backwards: each element meets the one as far from the other end.
        if const { R == 1 } {
            let y = L::across::<CROSS>(v[0]);
            v[0] = L::blend::<G>(L::low(v[0], y), L::high(v[0], y));
        }
        each!(R / 2, ROW => {
            let (x, y) = (v[ROW], v[R - 1 - ROW]);
            let (back_x, back_y) = (L::across::<CROSS>(x), L::across::<CROSS>(y));
            v[ROW] = L::blend::<G>(L::low(x, back_y), L::high(x, back_y));
            v[R - 1 - ROW] = L::blend::<G>(L::low(y, back_x), L::high(y, back_x));
        });
        macro_rules! lanes {
            ($d:literal) => {
                if const { G > $d } {
                    each!(R, ROW => {
                        let (x, y) = (v[ROW], L::across::<$d>(v[ROW]));
                        v[ROW] = L::blend::<$d>(L::low(x, y), L::high(x, y));
                    });
                }
            };
        }
        lanes!(4);
        lanes!(2);
        lanes!(1);
        macro_rules! rows {
            ($s:literal) => {
                if const { R > $s } {
                    each!(R, ROW => if const { ROW / $s % 2 == 0 } {
                        let (a, b) = (v[ROW], v[(ROW + $s) % ROWS]);
                        v[ROW] = L::low(a, b);
                        v[(ROW + $s) % ROWS] = L::high(b, a);
                    });
                }
            };
        }
        rows!(8);
        rows!(4);
        rows!(2);
        rows!(1);
    }
}

/// Exchanges a bit of the number of the row (`1 << K`) with one of the number of the lane (`D`).
///
/// # Safety
/// See `Lanes`.
#[inline(always)]
unsafe fn exchange<L: Lanes, const R: usize, const S: usize, const D: usize>(v: &mut [L::R; ROWS]) {
    // SAFETY: the caller's promise.
    unsafe {
        each!(R, ROW => if const { ROW / S % 2 == 0 } {
            let (a, b) = (v[ROW], v[(ROW + S) % ROWS]);
            v[ROW] = L::blend::<D>(a, L::across::<D>(b));
            v[(ROW + S) % ROWS] = L::blend::<D>(L::across::<D>(a), b);
        });
    }
}

/// Turns the order down the columns into one along the rows; rows are then to be read in the order of `place`.
///
/// # Safety
/// See `Lanes`.
#[inline(always)]
unsafe fn turn<L: Lanes, const R: usize>(v: &mut [L::R; ROWS]) {
    // SAFETY: the caller's promise.
    unsafe {
        // A row's bits go to the upper ones of the lanes, as many as there are.
        macro_rules! bits {
            ($($s:literal $d1:literal $d2:literal $d4:literal $d8:literal;)*) => {$(
                if const { R > $s && L::N > $s } {
                    // Lanes have `N / R` times as many numbers.
                    match const { if R < L::N { L::N / R } else { 1 } } {
                        1 => exchange::<L, R, $s, $d1>(v),
                        2 => exchange::<L, R, $s, $d2>(v),
                        4 => exchange::<L, R, $s, $d4>(v),
                        _ => exchange::<L, R, $s, $d8>(v),
                    }
                }
            )*};
        }
        bits! { 1 1 2 4 8; 2 2 4 8 8; 4 4 8 8 8; 8 8 8 8 8; }
        if const { R > 1 && R < L::N } {
            each!(R, ROW => v[ROW] = L::deal::<R>(v[ROW]));
        }
    }
}
/// Which row of the sorted ones a row is.
const fn place(row: usize, rows: usize, lanes: usize) -> usize {
    if rows <= lanes { row } else { row % lanes * (rows / lanes) + row / lanes }
}

/// Sorts `n` elements, at most `R * N`, from `p` to `to`.
///
/// # Safety
/// See `Lanes`; `n` elements at both, equal or disjoint.
#[inline(always)]
unsafe fn network<L: Lanes, const R: usize>(p: *const L::T, to: *mut L::T, n: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        let most = L::splat(L::MOST);
        let mut v = [most; ROWS];
        let mut part = [L::MOST; ROWS];
        let (whole, rest) = (n / L::N, n % L::N);
        if rest > 0 {
            std::ptr::copy_nonoverlapping(p.add(n - rest), part.as_mut_ptr(), rest);
        }
        each!(R, ROW => if ROW < whole {
            v[ROW] = L::load(p.add(ROW * L::N));
        } else if ROW == whole && rest > 0 {
            v[ROW] = L::load(part.as_ptr());
        });
        columns::<L, R>(&mut v);
        if const { L::N > 1 } {
            merge::<L, R, 1, 1>(&mut v);
        }
        if const { L::N > 2 } {
            merge::<L, R, 2, 3>(&mut v);
        }
        if const { L::N > 4 } {
            merge::<L, R, 4, 7>(&mut v);
        }
        if const { L::N > 8 } {
            merge::<L, R, 8, 15>(&mut v);
        }
        turn::<L, R>(&mut v);
        each!(R, ROW => {
            let at = const { place(ROW, R, L::N) };
            if at < whole {
                L::store(to.add(at * L::N), v[ROW]);
            } else if at == whole && rest > 0 {
                L::store(part.as_mut_ptr(), v[ROW]);
                std::ptr::copy_nonoverlapping(part.as_ptr(), to.add(n - rest), rest);
            }
        });
    }
}

/// Sorts `n` elements, at most `ROWS * N`, from `p` to `to`.
///
/// # Safety
/// See `Lanes`; `n` elements at both, equal or disjoint.
#[inline(always)]
pub(super) unsafe fn few<L: Lanes>(p: *const L::T, to: *mut L::T, n: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        match n.div_ceil(L::N) {
            0 => {}
            1 => network::<L, 1>(p, to, n),
            2 => network::<L, 2>(p, to, n),
            3..=4 => network::<L, 4>(p, to, n),
            5..=8 => network::<L, 8>(p, to, n),
            _ => network::<L, 16>(p, to, n),
        }
    }
}
