//! The memory plan: values that live at different times share memory; all of them lie in one arena.
//!
//! An elementwise step may write over an input that dies with it. Offsets are found greatest value first
//! (Pisarchyk and Lee, "Efficient memory management for deep neural net inference", 2020: greedy by size).

use crate::schedule::{Operand, Place, Schedule, ValueId};
use minpy_core::backend::Work;
use minpy_core::{Result, bail};

/// Offsets are multiples of this many bytes: enough for every device's vector loads.
pub(crate) const ALIGN: usize = 256;

/// Where the values of a schedule lie.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// Per value: offset in the arena, for those that live there.
    pub offsets: Vec<Option<usize>>,
    /// Bytes of the arena.
    pub bytes: usize,
    /// Bytes if every value had memory of its own.
    pub naive: usize,
}

/// One piece of the arena, shared by values that follow one another in place.
struct Block {
    bytes: usize,
    first: usize,
    last: usize,
    values: Vec<ValueId>,
}

/// Steps of the first and last touch of every value; `None` for untouched ones.
pub(crate) fn lifetimes(s: &Schedule) -> Vec<Option<(usize, usize)>> {
    let mut out = vec![None; s.values.len()];
    for (i, step) in s.steps.iter().enumerate() {
        for v in step.touches() {
            let t: &mut Option<(usize, usize)> = &mut out[v];
            *t = Some((t.map_or(i, |t| t.0), i));
        }
    }
    out
}

fn round(bytes: usize) -> usize {
    bytes.max(1).next_multiple_of(ALIGN)
}

/// Plans the arena of a schedule.
pub(crate) fn plan(s: &Schedule) -> Plan {
    let lives = lifetimes(s);
    let arena = |v: ValueId| s.values[v].place == Place::Arena && lives[v].is_some();
    let mut blocks: Vec<Block> = Vec::new();
    let mut of: Vec<Option<usize>> = vec![None; s.values.len()];
    let mut naive = 0;
    for (i, step) in s.steps.iter().enumerate() {
        for out in &step.outputs {
            let v = out.value;
            let (Some((first, last)), true) = (lives[v], arena(v)) else { continue };
            if of[v].is_some() || first != i {
                continue;
            }
            naive += round(s.values[v].bytes);
            let over = overwritable(s, &lives, i, out).and_then(|u| of[u]);
            let block = match over {
                Some(b) => b,
                None => {
                    blocks.push(Block { bytes: 0, first, last, values: Vec::new() });
                    blocks.len() - 1
                }
            };
            let b = &mut blocks[block];
            b.bytes = b.bytes.max(round(s.values[v].bytes));
            b.last = b.last.max(last);
            b.values.push(v);
            of[v] = Some(block);
        }
    }
    let mut offsets = vec![None; s.values.len()];
    let (placed, bytes) = place(&blocks);
    for (b, offset) in blocks.iter().zip(placed) {
        for &v in &b.values {
            offsets[v] = Some(offset);
        }
    }
    Plan { offsets, bytes, naive }
}

/// Checks that values which live at the same time share no byte, except where one is written over another in place.
pub(crate) fn verify_plan(s: &Schedule, plan: &Plan) -> Result<()> {
    let lives = lifetimes(s);
    let places: Vec<(ValueId, (usize, usize), usize)> =
        (0..s.values.len()).filter_map(|v| Some((v, lives[v]?, plan.offsets[v]?))).collect();
    for (k, &(v, life, at)) in places.iter().enumerate() {
        if at % ALIGN != 0 || at + s.values[v].bytes > plan.bytes {
            bail!(
                Runtime,
                "plan: value {v} at {at} leaves the arena of {} bytes or is not aligned",
                plan.bytes
            );
        }
        for &(w, other, there) in &places[k + 1..] {
            let apart = at + s.values[v].bytes <= there || there + s.values[w].bytes <= at;
            if apart || life.1 < other.0 || other.1 < life.0 {
                continue;
            }
            let ((old, new), step) = if life.1 == other.0 { ((v, w), life.1) } else { ((w, v), other.1) };
            let in_place = life.1.min(other.1) == life.0.max(other.0)
                && s.steps[step]
                    .outputs
                    .iter()
                    .any(|o| o.value == new && overwritable(s, &lives, step, o) == Some(old));
            if !in_place {
                bail!(Runtime, "plan: values {v} and {w} live at the same time in the same memory");
            }
        }
    }
    Ok(())
}

/// A value of the arena that step `i` may write `out` over.
fn overwritable(s: &Schedule, lives: &[Option<(usize, usize)>], i: usize, out: &Operand) -> Option<ValueId> {
    let step = &s.steps[i];
    if !matches!(step.work, Work::Elementwise) || step.outputs.len() != 1 {
        return None;
    }
    let same = |o: &Operand| o.layout == out.layout && o.dtype == out.dtype;
    let dies = |v: ValueId| {
        s.values[v].place == Place::Arena && lives[v].is_some_and(|l| l.1 == i) && v != out.value
    };
    let candidate = step.reads().find(|o| same(o) && dies(o.value))?;
    // Every look at the dying value must be the one that is overwritten.
    step.reads().filter(|o| o.value == candidate.value).all(same).then_some(candidate.value)
}

/// Offsets of blocks, and the size of the arena.
fn place(blocks: &[Block]) -> (Vec<usize>, usize) {
    let mut order: Vec<usize> = (0..blocks.len()).collect();
    order.sort_by_key(|&b| (std::cmp::Reverse(blocks[b].bytes), blocks[b].first));
    let mut offsets = vec![0; blocks.len()];
    let mut total = 0;
    // Placed blocks by offset.
    let mut placed: Vec<usize> = Vec::new();
    for &b in &order {
        let block = &blocks[b];
        let (mut at, mut best) = (0, None::<(usize, usize)>);
        for &p in &placed {
            let other = &blocks[p];
            if other.last < block.first || block.last < other.first {
                continue;
            }
            // The tightest gap before the next live neighbour.
            if offsets[p] > at {
                let gap = offsets[p] - at;
                if gap >= block.bytes && best.is_none_or(|(size, _)| gap < size) {
                    best = Some((gap, at));
                }
            }
            at = at.max(offsets[p] + other.bytes);
        }
        offsets[b] = best.map_or(at, |(_, at)| at);
        total = total.max(offsets[b] + block.bytes);
        let k = placed.partition_point(|&p| offsets[p] < offsets[b]);
        placed.insert(k, b);
    }
    (offsets, total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use minpy_cpu as _;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn blocks_alive_together_never_overlap(list in prop::collection::vec((1usize..5000, 0usize..40, 0usize..12), 1..60)) {
            let blocks: Vec<Block> = list
                .iter()
                .map(|&(bytes, first, span)| Block { bytes: round(bytes), first, last: first + span, values: Vec::new() })
                .collect();
            let (offsets, total) = place(&blocks);
            for i in 0..blocks.len() {
                prop_assert!(offsets[i] + blocks[i].bytes <= total && offsets[i] % ALIGN == 0);
                for j in 0..i {
                    let (a, b) = (&blocks[i], &blocks[j]);
                    let together = a.first <= b.last && b.first <= a.last;
                    let apart = offsets[i] + a.bytes <= offsets[j] || offsets[j] + b.bytes <= offsets[i];
                    prop_assert!(!together || apart);
                }
            }
            let naive: usize = blocks.iter().map(|b| b.bytes).sum();
            let busiest = (0..60).map(|t| blocks.iter().filter(|b| b.first <= t && t <= b.last).map(|b| b.bytes).sum::<usize>()).max();
            prop_assert!(total <= naive && total >= busiest.unwrap_or(0));
        }
    }
}
