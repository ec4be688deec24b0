//! Every way of `product`, with the tiles of every instruction set that the machine has, against three plain loops.
//! Operands are small integers: their sums are exact, whatever the order.

use super::matmul::float;
use super::post::{self, Kind, Post, PostOp, Sums};
use super::tile::Element;
use super::{Product, product_by};
use crate::machine::simd::{Level, supports};
use crate::machine::threads::set_num_threads;
use crate::prims::arithmetic::{Maximum, Minimum};
use crate::prims::fused::{Op4, Side, Taken};
use crate::prims::loops::Op2;
use num_complex::Complex32;
use std::ops::{AddAssign, Mul};

struct Random(u64);
impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % n
    }
}

trait Number: Copy + PartialEq + std::fmt::Debug + AddAssign + Mul<Output = Self> {
    fn of(x: i32) -> Self;
}
impl Number for f32 {
    fn of(x: i32) -> f32 {
        x as f32
    }
}
impl Number for f64 {
    fn of(x: i32) -> f64 {
        x as f64
    }
}
impl Number for Complex32 {
    fn of(x: i32) -> Complex32 {
        Complex32::new(x as f32, (x % 3) as f32)
    }
}

/// A matrix in memory that is larger: rows whole, columns whole, spread in both directions, or backwards.
#[derive(Clone)]
struct Lying<T> {
    memory: Vec<T>,
    start: usize,
    strides: (isize, isize),
}
const WAYS: usize = 5;
impl<T: Number> Lying<T> {
    fn new(rows: usize, cols: usize, way: usize, mut value: impl FnMut() -> T) -> Lying<T> {
        let strides = match way {
            0 => (cols as isize, 1),
            1 => (1, rows as isize),
            2 => (cols as isize + 3, 1),
            3 => (2 * cols as isize + 1, 2),
            _ => (-(cols as isize), -1),
        };
        let reach = (rows - 1) * strides.0.unsigned_abs() + (cols - 1) * strides.1.unsigned_abs();
        let start = if way == 4 { reach } else { 0 };
        Lying { memory: (0..=reach).map(|_| value()).collect(), start, strides }
    }
    fn at(&self, i: usize, j: usize) -> usize {
        (self.start as isize + i as isize * self.strides.0 + j as isize * self.strides.1) as usize
    }
}

fn view<T: Number>(
    (m, n, k): (usize, usize, usize),
    a: &Lying<T>,
    b: &Lying<T>,
    c: &mut Lying<T>,
) -> Product<'static> {
    Product {
        m,
        n,
        k,
        a: (&raw const a.memory[a.start]).cast(),
        a_strides: a.strides,
        b: (&raw const b.memory[b.start]).cast(),
        b_strides: b.strides,
        c: (&raw mut c.memory[c.start]).cast(),
        c_strides: c.strides,
        finish: None,
    }
}

fn check<T: Number>(
    sizes: (usize, usize, usize),
    ways: (usize, usize, usize),
    add: bool,
    random: &mut Random,
    run: impl Fn(&Product),
) {
    let (m, n, k) = sizes;
    let mut value = || T::of(random.below(9) as i32 - 4);
    let a = Lying::new(m, k, ways.0, &mut value);
    let b = Lying::new(k, n, ways.1, &mut value);
    let mut c = Lying::new(m, n, ways.2, &mut value);
    // What lies between the elements of C must stay: the whole memory is compared.
    let mut want = c.clone();
    for i in 0..m {
        for j in 0..n {
            let mut sum = if add { c.memory[c.at(i, j)] } else { T::of(0) };
            for l in 0..k {
                sum += a.memory[a.at(i, l)] * b.memory[b.at(l, j)];
            }
            let at = want.at(i, j);
            want.memory[at] = sum;
        }
    }
    run(&view(sizes, &a, &b, &mut c));
    let same = c.memory.iter().zip(&want.memory).position(|(x, y)| x != y);
    assert_eq!(same, None, "{m} x {n}, {k} deep, lying as {ways:?}, add {add}");
}

fn all_levels<T: Number + Element>(
    sizes: (usize, usize, usize),
    random: &mut Random,
    ways: (usize, usize, usize),
) {
    for level in [Level::Avx2, Level::Avx512] {
        let Some(tiles) = T::tiles(level).filter(|_| supports(level)) else { continue };
        for add in [false, true] {
            check::<T>(sizes, ways, add, random, |p| {
                // SAFETY: `check` hands over views of its own vectors.
                assert!(unsafe { product_by(tiles, p, true, add) }.unwrap())
            });
        }
    }
}

#[test]
fn random_sizes_in_every_layout() {
    let mut random = Random(1);
    for round in 0..400 {
        // Often small, because there are most of the special ways.
        let most = [3, 8, 20, 70][round % 4];
        let sizes = (1 + random.below(most), 1 + random.below(70), 1 + random.below(70));
        let sizes = [sizes, (sizes.1, sizes.0, sizes.2), (sizes.2, sizes.1, sizes.0)][round / 4 % 3];
        let ways = (random.below(WAYS), random.below(WAYS), random.below(WAYS));
        all_levels::<f32>(sizes, &mut random, ways);
        all_levels::<f64>(sizes, &mut random, ways);
    }
    for ways in (0..WAYS * WAYS * WAYS).map(|w| (w % WAYS, w / WAYS % WAYS, w / WAYS / WAYS)) {
        all_levels::<f32>((37, 45, 29), &mut random, ways);
        all_levels::<f64>((5, 40, 150), &mut random, ways);
        all_levels::<f32>((90, 1, 70), &mut random, ways);
    }
}

/// Streams, parts of `k`, several rectangles, slabs and depths.
#[test]
fn large_sizes() {
    let mut random = Random(2);
    let sizes = [
        (3000, 5, 70),
        (5, 300, 2000),
        (700, 1, 300),
        (1, 700, 300),
        (1, 1, 70_000),
        (4, 4, 9000),
        (30, 20, 8200),
        (150, 160, 300),
        (13, 130, 1100),
        (260, 20, 600),
        (1, 5000, 1),
        (3000, 4, 4),
    ];
    for sizes in sizes {
        for ways in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0), (0, 0, 1), (2, 1, 3), (3, 3, 2), (4, 0, 4)] {
            all_levels::<f32>(sizes, &mut random, ways);
            all_levels::<f64>(sizes, &mut random, ways);
        }
    }
}

/// Pieces of rows, for several numbers of threads: several slabs, B in place, few panels, a single strip.
#[test]
fn pieces() {
    let mut random = Random(5);
    let before = crate::machine::threads::num_threads();
    for threads in [2, 3, 7] {
        set_num_threads(threads);
        for sizes in [(150, 180, 320), (61, 1100, 300), (400, 120, 16), (500, 40, 200), (24, 700, 600)] {
            for ways in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (2, 1, 3)] {
                all_levels::<f32>(sizes, &mut random, ways);
                all_levels::<f64>(sizes, &mut random, ways);
            }
        }
    }
    set_num_threads(before);
}

/// What has no tiles adds as well.
#[test]
fn other_types_add() {
    let mut random = Random(3);
    for sizes in [(1, 1, 1), (7, 9, 5), (40, 3, 20), (64, 65, 66)] {
        for ways in [(0, 0, 0), (1, 0, 2), (0, 1, 1), (3, 4, 0)] {
            for add in [false, true] {
                check::<Complex32>(sizes, ways, add, &mut random, |p| {
                    float::<Complex32>(*p, true, add).unwrap()
                });
            }
        }
    }
}
/// The number of threads changes no bit.
#[test]
fn same_bits_with_any_number_of_threads() {
    let mut random = Random(4);
    let before = crate::machine::threads::num_threads();
    for (m, n, k) in
        [(300, 300, 300), (500, 5, 5000), (5, 500, 5000), (1, 600, 3000), (20, 30, 20_000), (1, 1, 90_000)]
    {
        for ways in [(0, 0, 0), (1, 0, 0), (0, 1, 0)] {
            let mut value = || random.below(1 << 20) as f32 / 3e5 - 1.0;
            let a = Lying::new(m, k, ways.0, &mut value);
            let b = Lying::new(k, n, ways.1, &mut value);
            let results = [1, 2, 5].map(|threads| {
                set_num_threads(threads);
                let mut c = Lying::new(m, n, ways.2, || 0f32);
                float::<f32>(view((m, n, k), &a, &b, &mut c), true, false).unwrap();
                c.memory.iter().map(|x| x.to_bits()).collect::<Vec<u32>>()
            });
            assert!(results.iter().all(|r| *r == results[0]), "{m} x {n}, {k} deep, {ways:?}");
        }
    }
    set_num_threads(before);
}

/// What follows a product, as the loops of other programs compute it.
trait Follows: Element + Number {
    fn want(kind: Kind, v: Self, x: Self, by: Self) -> (Self, u8);
    fn special(i: usize) -> Self;
    fn bits(self) -> u64;
}
macro_rules! follows {
    ($($t:ty)*) => {$(
        impl Follows for $t {
            fn want(kind: Kind, v: $t, x: $t, by: $t) -> ($t, u8) {
                let r = match kind {
                    Kind::Add => v + x,
                    Kind::Sub => v - x,
                    Kind::SubFrom => x - v,
                    Kind::Mul => v * x,
                    Kind::Maximum => Maximum::f(v, x),
                    Kind::MaximumOf => Maximum::f(x, v),
                    Kind::Minimum => Minimum::f(v, x),
                    Kind::MinimumOf => Minimum::f(x, v),
                    Kind::Taken | Kind::TakenByte => <Taken as Op4<$t>>::f(x, by, v, v),
                    Kind::Side | Kind::Store => v,
                };
                (r, <Side as Op4<$t>>::f(v, by, v, v))
            }
            fn special(i: usize) -> $t {
                [1.5, -0.0, 0.0, -2.0, <$t>::NAN, <$t>::INFINITY, 1.0, 3e30][i % 8]
            }
            /// All NaN are one.
            fn bits(self) -> u64 {
                if self.is_nan() { u64::MAX } else { self.to_bits().into() }
            }
        }
    )*};
}
follows!(f32 f64);

fn what_follows<T: Follows>() {
    use Kind::*;
    let kinds =
        [Add, Sub, SubFrom, Mul, Maximum, MaximumOf, Minimum, MinimumOf, Taken, TakenByte, Side, Store];
    for level in [Level::Avx2, Level::Avx512] {
        let Some(tiles) = T::tiles(level).filter(|_| supports(level)) else { continue };
        let (most, wide) = (tiles.rows, 2 * tiles.lanes);
        for (kind, each) in kinds.into_iter().flat_map(|k| [(k, false), (k, true)]) {
            // One for each row: not of bytes, and not of what is written.
            if each && matches!(kind, TakenByte | Side | Store) {
                continue;
            }
            for (rows, cols) in (1..=most).flat_map(|r| (1..=wide).map(move |c| (r, c))) {
                // A row and a column more, which must stay.
                let (step, count) = (wide + 1, (most + 1) * (wide + 1));
                let before: Vec<T> = (0..count).map(|i| T::special(i * 5 + i / 8)).collect();
                let mut x: Vec<T> = (0..count).map(|i| T::special(i * 3 + i / 7)).collect();
                let mut bytes: Vec<u8> = (0..count).map(|i| (i % 3) as u8).collect();
                let (x_before, bytes_before) = (x.clone(), bytes.clone());
                let by = T::of(i32::from(kind == TakenByte));
                let byte = matches!(kind, TakenByte | Side);
                let size = if byte { 1 } else { size_of::<T>() };
                let op = PostOp {
                    kind,
                    at: if byte { bytes.as_mut_ptr() } else { x.as_mut_ptr().cast() },
                    row: (step * size) as isize,
                    col: if each { 0 } else { size as isize },
                    by: (&raw const by).cast(),
                };
                let mut v = before.clone();
                let (at, step) = (v.as_mut_ptr(), step as isize);
                let tile = post::Tile { at, step, i: 0, j: 0, rows, cols, above: 1 };
                // The line of the tile above is somebody else's.
                let sums = Sums::new(8, cols, size_of::<T>()).unwrap();
                sums.begin(2);
                sums.line(0).fill(T::of(0));
                // SAFETY: the machine has the instructions; the vectors hold the tile and the operands.
                unsafe { (tiles.post)(&Post { ops: smallvec::smallvec![op], sums: Some(&sums) }, tile) };
                let mut summed = vec![T::of(7); cols];
                // SAFETY: one for each column.
                assert!(unsafe { sums.finish(summed.as_mut_ptr()) });
                let step = step as usize;
                for (j, s) in summed.into_iter().enumerate() {
                    let column = (0..rows).map(|i| v[i * step + j]);
                    let want = column.reduce(|a, b| a + b).unwrap() + T::of(0);
                    assert_eq!(s.bits(), want.bits(), "{kind:?} {level:?} {rows} x {cols}, sum {j}");
                }
                for (k, &old) in before.iter().enumerate() {
                    let (i, j) = (k / step, k % step);
                    let inside = i < rows && j < cols;
                    let other = if each { x_before[i * step] } else { x_before[k] };
                    let other = if kind == TakenByte { T::of(bytes_before[k].into()) } else { other };
                    let (want, side) = if inside { T::want(kind, old, other, by) } else { (old, 0) };
                    let stored = if inside && kind == Store { old } else { x_before[k] };
                    let side = if inside && kind == Side { side } else { bytes_before[k] };
                    let place = format!("{kind:?} {level:?} {rows} x {cols}, {i} {j}: {old:?} {other:?}");
                    assert_eq!(v[k].bits(), want.bits(), "{place}");
                    assert_eq!((x[k].bits(), bytes[k]), (stored.bits(), side), "{place}");
                }
            }
        }
    }
}
/// On tiles of every size and for every instruction set.
#[test]
fn what_follows_on_tiles_of_every_size() {
    what_follows::<f32>();
    what_follows::<f64>();
}
