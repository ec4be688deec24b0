//! Work along the last axis (scans, sorts, arg-reductions): every row is handed out contiguous.
//!
//! Rows whose elements lie apart are gathered, several neighbouring rows at a time, so that cache lines are used up.

pub mod arg_reduce;
pub(crate) mod fold;
pub(crate) mod group;
mod ordered;
mod pairwise;
mod plan;
pub mod reduce;
pub mod scan;

use crate::elementwise::min_items;
use crate::elementwise::strided::{Space, Strided, copy2d};
use crate::machine::scratch::with_scratch;
use crate::machine::threads::parallel_for;
use minpy_core::Result;
use minpy_core::backend::View;
use smallvec::SmallVec;

/// Rows gathered together, and the bytes they may take.
const GROUP: usize = 16;
const GROUP_BYTES: usize = 1 << 20;

/// Calls `f(input row, output row)` for every row of `input`. The output's shape is the input's without the last
/// axis, and then, when `wide`, one more, of that length or another. `cost` is in nanoseconds per 16 elements of the input.
pub(crate) fn for_rows(
    input: &View,
    output: &View,
    wide: bool,
    cost: usize,
    f: impl Fn(*const u8, *mut u8) -> Result<()> + Sync,
) -> Result<()> {
    let outer = input.shape.len() - 1;
    let n = input.shape[outer];
    let width = if wide { output.shape[outer] } else { 1 };
    let (item, out_item) = (input.dtype.size(), output.dtype.size());
    let (last, out_last) = (input.strides[outer], if wide { output.strides[outer] } else { 1 });
    let operand =
        |v: &View, strides| Strided { base: v.host_ptr() as isize, strides, size: v.dtype.size() as isize };
    let operands: [Strided; 2] =
        [operand(input, &input.strides[..outer]), operand(output, &output.strides[..outer])];
    if input.shape[..outer].contains(&0) || n == 0 {
        return Ok(());
    }
    let space = Space::new(&input.shape[..outer], &operands, true);
    let (tight, out_tight) = (last == 1 || n == 1, out_last == 1 || width == 1);
    let most = if tight && out_tight { usize::MAX } else { GROUP.min(GROUP_BYTES / (n * item)).max(1) };
    let nd = space.dims.len();
    let rows = space.dims[nd - 1];
    // At least enough groups for the threads.
    let group =
        most.min(rows).min((min_items(cost) / n).max(1).max(if most > GROUP { 1 } else { most.min(rows) }));
    let mut counts: SmallVec<[usize; 8]> = space.dims[..nd - 1].into();
    counts.push(rows.div_ceil(group));
    let in_bytes = if tight { 0 } else { (group * n * item).next_multiple_of(64) };
    let out_bytes = if out_tight { 0 } else { group * width * out_item };
    let least = (min_items(cost) / (n * group)).max(1);
    parallel_for(counts.iter().product(), least, |range| {
        with_scratch(in_bytes + out_bytes, |memory| {
            let out_memory = memory.wrapping_add(in_bytes);
            for number in range {
                let at = crate::elementwise::block::Tiling::digits(&counts, number);
                let first = at[nd - 1] * group;
                let g = group.min(rows - first);
                let address = |op: usize| {
                    let mut a = space.base[op] + first as isize * space.stride(op, nd - 1);
                    for (d, &i) in at[..nd - 1].iter().enumerate() {
                        a += i as isize * space.stride(op, d);
                    }
                    a as *mut u8
                };
                let (src, dst) = (address(0), address(1));
                let (step, out_step) = (space.stride(0, nd - 1), space.stride(1, nd - 1));
                let (row, out_row) = ((n * item) as isize, (width * out_item) as isize);
                // SAFETY: the views hold these rows; the buffers have room for a group.
                unsafe {
                    if !tight {
                        let from = (step, last * item as isize);
                        copy2d(memory, (row, item as isize), src, from, g, n, item);
                    }
                    for i in 0..g as isize {
                        let s = if tight { src.offset(i * step) } else { memory.offset(i * row) };
                        let d =
                            if out_tight { dst.offset(i * out_step) } else { out_memory.offset(i * out_row) };
                        f(s, d)?;
                    }
                    if !out_tight {
                        let to = (out_step, out_last * out_item as isize);
                        copy2d(dst, to, out_memory, (out_row, out_item as isize), g, width, out_item);
                    }
                }
            }
            Ok(())
        })?
    })
}
