//! What a product reads next is asked for while its tiles compute, so that it is near when it is packed or read.
//!
//! A multiply-add takes as long as half a load, so a tile has room to ask; packing has none: it waits for what it moves.
//! Measured on 512 x 512 x 512 with operands out of cache: 5 % of the product, but only with the requests spread over
//! the steps of a tile. In a row before it, or between tiles, they fill the queue of the first-level cache and gain nothing.

use super::pack::Matrix;
use super::tile::EVERY;
use smallvec::SmallVec;

/// What one tile asks for: a line as wide as itself every `EVERY` steps, each `step` bytes after the last.
#[derive(Clone, Copy)]
pub(crate) struct Ask {
    pub at: *const u8,
    pub step: isize,
}

/// Lines of memory, divided into what single tiles ask for.
#[derive(Clone, Copy)]
pub(super) struct Asks {
    ask: Ask,
    lines: usize,
    bytes: usize,
    /// Lines and bytes per tile.
    high: usize,
    wide: usize,
    /// Where the next one begins.
    line: usize,
    byte: usize,
}

impl Asks {
    /// `lines` of so many `bytes`, for tiles of `k` steps whose rows take `wide` bytes.
    pub fn new(ask: Ask, (lines, bytes): (usize, usize), wide: usize, k: usize) -> Asks {
        Asks { ask, lines, bytes, high: (k / EVERY).max(1), wide, line: 0, byte: 0 }
    }
    /// A matrix; nothing where neither its rows nor its columns lie whole.
    pub fn matrix<T>(m: Matrix<T>, rows: usize, cols: usize, wide: usize, k: usize) -> Asks {
        let (m, lines, items) = if m.col == 1 { (m, rows, cols) } else { (m.t(), cols, rows) };
        let ask = Ask { at: m.at.cast(), step: m.row * size_of::<T>() as isize };
        Asks::new(ask, (if m.col == 1 { lines } else { 0 }, items * size_of::<T>()), wide, k)
    }
}

/// Several, one after another: an array of them, because the types of chained iterators would be longer than this.
pub(super) struct Queue {
    asks: SmallVec<[Asks; 6]>,
    at: usize,
}

impl Queue {
    pub fn new(asks: impl IntoIterator<Item = Asks>) -> Queue {
        Queue { asks: asks.into_iter().collect(), at: 0 }
    }
    pub fn extend(&mut self, asks: impl IntoIterator<Item = Asks>) {
        self.asks.extend(asks);
    }
    #[inline]
    pub fn next(&mut self) -> Option<Ask> {
        while let Some(asks) = self.asks.get_mut(self.at) {
            if let Some(ask) = asks.next() {
                return Some(ask);
            }
            self.at += 1;
        }
        None
    }
}

impl Asks {
    #[inline]
    pub fn next(&mut self) -> Option<Ask> {
        if self.lines == 0 || self.byte >= self.bytes {
            return None;
        }
        let at = self.line as isize * self.ask.step + self.byte as isize;
        self.line += self.high;
        if self.line >= self.lines {
            (self.line, self.byte) = (0, self.byte + self.wide);
        }
        Some(Ask { at: self.ask.at.wrapping_offset(at), ..self.ask })
    }
}
