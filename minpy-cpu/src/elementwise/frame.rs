//! The frame that runs a compiled program on one block.
//!
//! Callers (`block.rs`) point the frame's table at the inputs of a block; results are in temporaries or, directly, in outputs.

use super::program::Compiled;
use super::strided::fill;
use crate::prims::Loop;
use smallvec::SmallVec;

/// The state of one thread that runs a program block by block.
pub(crate) struct Frame<'c> {
    pub c: &'c Compiled,
    /// The table: where the values of the current block lie.
    pub ptr: SmallVec<[*const u8; 24]>,
    /// Whether a value is one element that stands for the whole block.
    pub scalar: SmallVec<[bool; 24]>,
    /// Memory of the temporaries by place, and a spare block for each output.
    temp: *mut u8,
    /// Where each output of this block goes; null: into its temporary.
    pub out: SmallVec<[*mut u8; 2]>,
}

impl<'c> Frame<'c> {
    /// Bytes of scratch memory that a frame needs.
    pub fn scratch_bytes(c: &Compiled) -> usize {
        c.temp_count * c.temp_bytes
    }
    /// A frame over `scratch`. `scalar_inputs(i)` says which inputs are single elements in every block.
    pub fn new(c: &'c Compiled, scratch: *mut u8, scalar_inputs: impl Fn(usize) -> bool) -> Frame<'c> {
        let places = c.temps as usize + c.temp_count;
        let mut f = Frame {
            c,
            ptr: SmallVec::from_elem(std::ptr::null(), places),
            scalar: SmallVec::from_elem(false, places),
            temp: scratch,
            out: SmallVec::from_elem(std::ptr::null_mut(), c.outputs.len()),
        };
        for i in 0..c.inputs {
            f.scalar[i] = scalar_inputs(i);
        }
        for (i, s) in c.consts.iter().enumerate() {
            f.ptr[c.inputs + i] = s.as_ptr();
            f.scalar[c.inputs + i] = true;
        }
        f
    }
    /// Value `k` of the block: its address and whether it is a single element.
    #[inline]
    pub fn result(&self, k: usize) -> (*const u8, bool) {
        let place = self.c.outputs[k].0 as usize;
        (self.ptr[place], self.scalar[place])
    }
    /// Runs the program on the `n` elements to which the table points.
    ///
    /// # Safety
    /// Inputs (and the index) hold `n` elements of their dtype, or one where `scalar`; `out` pointers are null or
    /// have room for `n` elements, and equal an input or are disjoint from all; `n` is at most a block.
    pub unsafe fn run(&mut self, n: usize) {
        for s in &self.c.steps {
            let [a, b, c, d] = s.args.map(usize::from);
            let dst = s.dst as usize;
            let temp = self.temp.wrapping_add((dst - self.c.temps as usize) * self.c.temp_bytes);
            let direct = s.out.map_or(std::ptr::null_mut(), |k| self.out[k as usize]);
            let target = if direct.is_null() { temp } else { direct };
            self.ptr[dst] = target;
            self.scalar[dst] = false;
            let (p, sc) = (&self.ptr, &self.scalar);
            // SAFETY: the table holds what the loops read (contract); temporaries have room for a block.
            unsafe {
                match s.run {
                    Loop::Unary(f) if !sc[a] => f(p[a], target, n),
                    Loop::Binary(f) if !sc[a] && !sc[b] => f[0](p[a], p[b], target, n),
                    Loop::Binary(f) if !sc[a] => f[1](p[a], p[b], target, n),
                    Loop::Binary(f) if !sc[b] => f[2](p[a], p[b], target, n),
                    Loop::Select(f) if !sc[a] => {
                        f[sc[b] as usize | (sc[c] as usize) << 1](p[a], p[b], p[c], target, n)
                    }
                    Loop::Select(_) if !(sc[b] && sc[c]) => {
                        let chosen = if *p[a] != 0 { b } else { c };
                        if sc[chosen] {
                            fill(target, p[chosen], n, s.size as usize);
                        } else if !std::ptr::eq(p[chosen], target) {
                            std::ptr::copy_nonoverlapping(p[chosen], target, n * s.size as usize);
                        }
                    }
                    Loop::Fused(f) if !(sc[a] && sc[b] && sc[c] && sc[d]) => {
                        let bits =
                            [sc[a], sc[b], sc[c], sc[d]].iter().rev().fold(0, |m, &s| m << 1 | s as u8);
                        f([p[a], p[b], p[c], p[d]], bits, target, n)
                    }
                    // Only single elements: computed once, kept as a single element.
                    run => {
                        match run {
                            Loop::Unary(f) => f(p[a], temp, 1),
                            Loop::Binary(f) => f[0](p[a], p[b], temp, 1),
                            Loop::Select(f) => f[0](p[a], p[b], p[c], temp, 1),
                            Loop::Fused(f) => f([p[a], p[b], p[c], p[d]], 0, temp, 1),
                        }
                        if direct.is_null() {
                            self.scalar[dst] = true;
                        } else {
                            fill(direct, temp, n, s.size as usize);
                        }
                    }
                }
            }
        }
    }
}
