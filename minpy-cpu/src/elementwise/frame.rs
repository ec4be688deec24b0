//! The frame that runs a compiled program on one block.
//!
//! Callers (`block.rs`) point the frame's table at the inputs of a block; results are in temporaries or, directly, in outputs.

use super::program::{Compiled, Flags, Step};
use super::strided::fill;
use crate::prims::Loop;
use minpy_core::backend::flags;
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
    /// Floating-point exceptions that were met so far: the processor's flags are free for the next step.
    met: u8,
    /// The flags are read after each step and not after each block, which waits for every step to end.
    careful: bool,
    /// Those that are told of what is done with the values between two blocks: of a fold.
    pub outside: u8,
    /// Nothing is done with them: the flags are as the last block has left them.
    pub alone: bool,
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
            met: 0,
            careful: false,
            outside: flags::ALL,
            alone: false,
        };
        if flags::is_raised() {
            f.met = flags::raised();
            flags::set(0);
        }
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
        if !self.alone && flags::is_raised() {
            self.outside();
        }
        // SAFETY: handed on. Where no output lies upon an input the steps find everything as it was when they run again.
        unsafe {
            if !self.careful && !self.is_in_place() {
                self.steps::<false>(n);
                if !flags::is_raised() {
                    return;
                }
                // Which step it was; what is met once is mostly met again.
                self.careful = true;
                flags::set(0);
            }
            self.steps::<true>(n);
        }
    }
    fn is_in_place(&self) -> bool {
        let inputs = &self.ptr[..self.c.inputs];
        self.out.iter().any(|out| !out.is_null() && inputs.contains(&out.cast_const()))
    }
    /// # Safety
    /// As for [`run`](Frame::run).
    unsafe fn steps<const WATCHED: bool>(&mut self, n: usize) {
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
            if WATCHED && s.flags.watched && flags::is_raised() {
                let args = [a, b, c, d].map(|k| (self.ptr[k], self.scalar[k]));
                // SAFETY: the step has just run on these.
                self.met |= unsafe { blame(s, args, target, n) };
            }
        }
    }
    /// What was met since the last block belongs to what was done with its values.
    #[cold]
    fn outside(&mut self) {
        let told = flags::raised() & self.outside;
        flags::set(0);
        if told != 0 {
            flags::blame(flags::ROOT, told);
            self.met |= told;
        }
    }
}

impl Drop for Frame<'_> {
    fn drop(&mut self) {
        // A sign for whoever runs the kernel.
        if self.met != 0 {
            flags::raise(self.met);
        }
    }
}

/// Notes whose flags the step has raised, clears them, and returns those that are told of. Of a joined step the parts are
/// computed again, one by one; where the result has overwritten what a part read, that part is blamed for what the others did not do.
///
/// # Safety
/// As for `Frame::run`; the step has written `dst`.
#[cold]
#[inline(never)]
pub(crate) unsafe fn blame(s: &Step, args: [(*const u8, bool); 4], dst: *const u8, n: usize) -> u8 {
    let mut left = flags::raised();
    let mut all = 0;
    flags::set(0);
    let mut note = |flags: Flags, met: u8| {
        let told = met & flags.told;
        if told != 0 {
            flags::blame(flags.origin, told);
            all |= told;
        }
    };
    let Some(parts) = &s.parts else {
        note(s.flags, left);
        return all;
    };
    let size = s.size as usize;
    let mut memory = [[0u128; BUFFER / 16]; 3];
    let lost = |k: usize| std::ptr::eq(args[k].0, dst) && !args[k].1;
    let gone = [0, 1]
        .map(|side| lost(2 * side) || parts[side].is_some_and(|p| p.run.arity() > 1) && lost(2 * side + 1));
    for at in (0..n).step_by(BUFFER / size) {
        let m = (n - at).min(BUFFER / size);
        let place = |k: usize| (args[k].0.wrapping_add(if args[k].1 { 0 } else { at * size }), args[k].1);
        let mut made = [place(0), place(2)];
        for side in [0, 1] {
            let Some(part) = parts[side].filter(|_| !gone[side]) else { continue };
            let to = memory[side].as_mut_ptr().cast::<u8>();
            // SAFETY: `m` elements, or one, at the arguments, which are as the step found them; as many fit into the buffer.
            made[side] =
                unsafe { (to.cast_const(), apply(part.run, [place(2 * side), place(2 * side + 1)], to, m)) };
            left &= !flags::raised();
            note(part.flags, flags::raised());
            flags::set(0);
        }
        if let (Some(last), [false, false]) = (parts[2], gone) {
            // SAFETY: as above.
            unsafe { apply(last.run, made, memory[2].as_mut_ptr().cast(), m) };
            left &= !flags::raised();
            note(last.flags, flags::raised());
            flags::set(0);
        }
    }
    let lost = [0, 1].into_iter().find(|&side| gone[side] && parts[side].is_some_and(|p| p.flags.told != 0));
    if let Some(part) = lost.map_or(parts[2], |side| parts[side]) {
        note(part.flags, left);
    }
    all
}
/// Bytes that `blame` computes at once.
const BUFFER: usize = 2048;

/// One step on arguments of which some are single elements; `true`: so is the result.
///
/// # Safety
/// As for the loop.
unsafe fn apply(run: Loop, [(a, one), (b, other)]: [(*const u8, bool); 2], to: *mut u8, n: usize) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        match (run, one, other) {
            (Loop::Unary(f), one, _) => {
                f(a, to, if one { 1 } else { n });
                return one;
            }
            (Loop::Binary(f), false, false) => f[0](a, b, to, n),
            (Loop::Binary(f), false, true) => f[1](a, b, to, n),
            (Loop::Binary(f), true, false) => f[2](a, b, to, n),
            (Loop::Binary(f), true, true) => {
                f[0](a, b, to, 1);
                return true;
            }
            (Loop::Select(_) | Loop::Fused(_), ..) => {}
        }
    }
    false
}
