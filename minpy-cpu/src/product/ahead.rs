//! What a product packs next is asked for while its tiles compute, so that it is near when it is packed.
//!
//! A multiply-add takes as long as half a load, so a tile has room to ask; packing has none: it waits for what it moves.
//! Measured on 512 x 512 x 512 with operands out of cache: 5 % of the product, but only with the requests spread over
//! the steps of a tile. In a row before it, or between tiles, they fill the queue of the first-level cache and gain nothing.

use super::pack::Matrix;
use super::tile::EVERY;

/// What one tile asks for: a line as wide as itself every `EVERY` steps, each `step` elements after the last.
#[derive(Clone, Copy)]
pub(crate) struct Ask<T> {
    pub at: *const T,
    pub step: isize,
}

/// A matrix divided into what single tiles ask for.
pub(super) struct Asks<T> {
    /// Its rows lie whole.
    m: Matrix<T>,
    rows: usize,
    cols: usize,
    /// Rows per tile, elements per row.
    high: usize,
    wide: usize,
    /// Where the next one begins.
    row: usize,
    col: usize,
}

impl<T> Asks<T> {
    /// `m`, of `rows` x `cols`, for tiles of `wide` columns and `k` steps; nothing where no lines lie whole.
    pub fn new(m: Matrix<T>, rows: usize, cols: usize, wide: usize, k: usize) -> Asks<T> {
        let (m, rows, cols) = if m.col == 1 { (m, rows, cols) } else { (m.t(), cols, rows) };
        let rows = if m.col == 1 { rows } else { 0 };
        Asks { m, rows, cols, high: (k / EVERY).max(1), wide, row: 0, col: 0 }
    }
}

impl<T> Iterator for Asks<T> {
    type Item = Ask<T>;
    fn next(&mut self) -> Option<Ask<T>> {
        if self.rows == 0 || self.col >= self.cols {
            return None;
        }
        let ask = Ask { at: self.m.from(self.row, self.col).at, step: self.m.row };
        self.row += self.high;
        if self.row >= self.rows {
            (self.row, self.col) = (0, self.col + self.wide);
        }
        Some(ask)
    }
}
