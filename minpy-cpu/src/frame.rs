//! The frame that runs a compiled program on one block, and the scratch memory of a thread.
//!
//! Callers (`block.rs`) point the frame's table at the inputs of a block; results are in temporaries or, directly, in outputs.

use crate::pool::Block;
use crate::prims::{self, Loop};
use crate::program::Compiled;
use minpy_core::Result;
use smallvec::SmallVec;
use std::cell::{Cell, UnsafeCell};
use std::sync::Mutex;

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

/// Writes `n` copies of the element at `src`.
///
/// # Safety
/// `dst` has room for `n` elements of `size` bytes; both are aligned for that size (to 8 for 16).
pub(crate) unsafe fn fill(dst: *mut u8, src: *const u8, n: usize, size: usize) {
    prims::with_bits!(size, T => {
        // SAFETY: the caller's promise.
        unsafe {
            let x = *src.cast::<T>();
            std::slice::from_raw_parts_mut(dst.cast::<std::mem::MaybeUninit<T>>(), n).fill(std::mem::MaybeUninit::new(x))
        }
    })
}

/// What a thread keeps between blocks of work at least.
const LEAST: usize = 64 << 10;
thread_local! {
    static SCRATCH: Cell<Block> = const { Cell::new(Block::NONE) };
    /// This thread works in `SPARE`.
    static HAS_SPARE: Cell<bool> = const { Cell::new(false) };
}

/// See `minpy_core::memory::prepare_thread`.
pub(crate) fn prepare_thread() {
    SCRATCH.with(|_| ());
}

/// Bytes that one thread at a time may use when the system has no more memory. More than the work on elements and rows, which
/// may write what it also reads, ever needs: it never stops half done.
const SPARE_BYTES: usize = 2 << 20;
#[repr(C, align(64))]
struct Spare(UnsafeCell<[u8; SPARE_BYTES]>);
// SAFETY: used by whoever holds `SPARE_LOCK`.
unsafe impl Sync for Spare {}
static SPARE: Spare = Spare(UnsafeCell::new([0; SPARE_BYTES]));
static SPARE_LOCK: Mutex<()> = Mutex::new(());

/// Calls `f` with 64-byte aligned scratch memory of at least `bytes`, kept by the thread for the next call. Threads take turns
/// where there is none for each of them: `f` does not wait for others that ask for some.
///
/// # Errors
/// There is none at all; `f` was not called.
pub(crate) fn with_scratch<R>(bytes: usize, f: impl FnOnce(*mut u8) -> R) -> Result<R> {
    // Taken out while in use: should a kernel ever run inside another on one thread, it gets memory of its own.
    let mut s = SCRATCH.try_with(Cell::take).unwrap_or(Block::NONE);
    if s.bytes() < bytes.max(1) {
        drop(s);
        s = match Block::new(bytes.max(LEAST)).or_else(|_| Block::new(bytes.max(1))) {
            Ok(block) => block,
            Err(e) if bytes > SPARE_BYTES || HAS_SPARE.get() => return Err(e),
            Err(_) => return Ok(in_spare(f)),
        };
    }
    let r = f(s.at());
    let _ = SCRATCH.try_with(|cell| cell.set(s));
    Ok(r)
}

#[cold]
fn in_spare<R>(f: impl FnOnce(*mut u8) -> R) -> R {
    struct Has;
    impl Drop for Has {
        fn drop(&mut self) {
            HAS_SPARE.set(false);
        }
    }
    let _turn = SPARE_LOCK.lock().unwrap_or_else(|e| e.into_inner());
    HAS_SPARE.set(true);
    let _has = Has;
    f(SPARE.0.get().cast())
}
