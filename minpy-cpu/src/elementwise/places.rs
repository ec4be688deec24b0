//! Places for the values of a compiled program, the length of its blocks, and a guess at what it costs.

use super::fuse::fuse;
use super::program::{Compiled, Compiler, TEMP, Value};
use minpy_core::DType;
use minpy_core::backend::{Node, Prim};
use smallvec::SmallVec;

/// What the blocks of one program may take of a first-level cache of 32 KiB.
const CACHE_BYTES: usize = 24 << 10;
/// Bytes of a block at most.
const BLOCK_BYTES: usize = 8192;

/// Gives every value its place in the table; temporaries whose last reader has run are used again.
pub(crate) fn assign(c: Compiler, outputs: SmallVec<[(Value, DType); 2]>) -> Compiled {
    let inputs = c.program.inputs().len();
    let index = (inputs + c.consts.len()) as u16;
    let temps = index + c.index as u16;
    let values: SmallVec<[u16; 2]> = outputs.iter().map(|(v, _)| v.code()).collect();
    let mut steps = fuse(c.steps.into_iter().map(Some).collect(), &values, &c.consts);
    let mut last = vec![0usize; c.next as usize];
    for (i, s) in steps.iter().enumerate() {
        for a in s.args.iter().filter(|&&a| a & TEMP != 0) {
            last[(a & !TEMP) as usize] = i;
        }
    }
    for (v, _) in &outputs {
        if let Value::Temp(t) = v {
            last[*t as usize] = usize::MAX;
        }
    }
    let mut place = vec![0u16; c.next as usize];
    let (mut free, mut count) = (Vec::<u16>::new(), 0u16);
    let mut live: Vec<usize> = Vec::new();
    let at = |code: u16, place: &[u16]| match code {
        0x3fff => index,
        x if x & TEMP != 0 => place[(x & !TEMP) as usize],
        x if x & 0x4000 != 0 => inputs as u16 + (x & 0x3fff),
        x => x,
    };
    let (mut widest, mut cost) = (1usize, 0usize);
    for (i, s) in steps.iter_mut().enumerate() {
        // The destination is never one of the arguments' places: loops are faster when they need not check.
        let t = (s.dst & !TEMP) as usize;
        let p = free.pop().unwrap_or_else(|| {
            count += 1;
            count - 1
        });
        place[t] = temps + p;
        live.push(t);
        let arity = s.run.arity();
        for a in &mut s.args[..arity] {
            *a = at(*a, &place);
        }
        s.dst = place[t];
        live.retain(|&t| {
            let dead = last[t] <= i;
            if dead {
                free.push(place[t] - temps);
            }
            !dead
        });
        widest = widest.max(s.size as usize);
        cost += s.size as usize / 2 + 1;
    }
    if c.index {
        widest = widest.max(8);
    }
    for d in c.program.inputs() {
        widest = widest.max(d.size());
    }
    // Primitives that call into libm dwarf the rest.
    for (node, _) in c.program.nodes() {
        if let Node::Prim(p, _) = node {
            cost += prim_cost(*p);
        }
    }
    let outputs: SmallVec<[(u16, u8); 2]> =
        outputs.iter().map(|(v, d)| (at(v.code(), &place), d.size() as u8)).collect();
    for (_, size) in &outputs {
        widest = widest.max(*size as usize);
    }
    // A fold of the inputs themselves has no temporaries; else inputs, temporaries and outputs share half the cache.
    let block = if steps.is_empty() {
        2 * BLOCK_BYTES / widest
    } else {
        let streams = inputs + count as usize + outputs.len();
        (CACHE_BYTES / streams / widest / 64 * 64).clamp(256, BLOCK_BYTES / widest.min(16))
    };
    Compiled {
        steps,
        inputs,
        input_sizes: c.program.inputs().iter().map(|d| d.size() as u8).collect(),
        consts: c.consts,
        index: c.index.then_some(index),
        temps,
        temp_count: count as usize,
        outputs,
        block,
        // Not a multiple of 4096, where loads would wait for unrelated stores.
        temp_bytes: block * widest + 192,
        copy: matches!(c.program.outputs(), [o] if matches!(c.program.nodes()[*o as usize].0, Node::Input(_)))
            && inputs == 1,
        cost: cost.max(1),
    }
}

/// Extra nanoseconds per 16 elements, roughly.
fn prim_cost(p: Prim) -> usize {
    use Prim::*;
    match p {
        Exp | Exp2 | Expm1 | Log | Log2 | Log10 | Log1p | Sigmoid | Tanh | Sin | Cos | Sinh | Cosh | Cbrt => {
            12
        }
        Tan | Arcsin | Arccos | Arctan | Arcsinh | Arccosh | Arctanh | Hypot | Arctan2 => 25,
        Erf | Pow | Logaddexp | Logaddexp2 | Gcd | Lcm | Nextafter => 100,
        FloorDiv | Rem | Fmod => 60,
        Div | Sqrt => 4,
        _ => 0,
    }
}
