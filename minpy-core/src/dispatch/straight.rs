//! The common case with the least work: strong arrays of one dtype and device, and numbers that fit it, into a new array. Nothing
//! of the general path (`elementwise.rs`) is needed.

use super::record::recorded;
use crate::device::{Memory, flags};
use crate::expr::Program;
use crate::kernel::{PlainLoop, Work};
use crate::launch::{self, Arg, launch, run_now};
use crate::layout::Layout;
use crate::op::{Elementwise, OpDef};
use crate::{Array, DType, Operand, Result, Scalar, profile};
use std::sync::Arc;

/// Most operands of a straight call.
pub(super) const STRAIGHT: usize = 3;
/// Elements from which on a kernel may use several threads.
pub(super) const PLAIN: usize = 8192;

/// Such a call. One of the arrays is contiguous and has the shape that the others have or are broadcast to.
pub(super) struct Straight<'a> {
    /// The array that the result is like.
    first: &'a Array,
    /// Elements of the result, at least one.
    size: usize,
    /// Operands that are broadcast.
    spread: u32,
    /// Every array is contiguous and has the shape of the first.
    whole: bool,
    program: &'static Arc<Program>,
}

/// Whether a call is such a case; `numbers` are the operands that are numbers, in the dtype of the arrays. Always inline, as `run` is:
/// what they tell one another stays in registers.
#[inline(always)]
pub(super) fn straight<'a>(
    op: &'static OpDef,
    e: &'static Elementwise,
    inputs: &[Operand<'a>],
    numbers: &mut [Scalar; STRAIGHT],
) -> Option<Straight<'a>> {
    // Most of all: arrays that look alike.
    if let [Operand::Array(a), Operand::Array(b)] = inputs
        && a.dtype() == b.dtype()
        && a.layout() == b.layout()
        && a.device() == b.device()
        && !(a.is_weak() || b.is_weak())
        && a.layout().is_contiguous()
    {
        let size = a.size();
        if size == 0 {
            return None;
        }
        let program = e.same_dtype_program(op.name, a.dtype(), 2, 0)?;
        return Some(Straight { first: a, size, spread: 0, whole: true, program });
    }
    mixed(op, e, inputs, numbers)
}
#[inline(never)]
fn mixed<'a>(
    op: &'static OpDef,
    e: &'static Elementwise,
    inputs: &[Operand<'a>],
    numbers: &mut [Scalar; STRAIGHT],
) -> Option<Straight<'a>> {
    let (mut first, mut scalars): (Option<&'a Array>, u32) = (None, 0);
    for (i, o) in inputs.iter().enumerate() {
        match (o, first) {
            (Operand::Array(a), Some(f)) if a.dtype() != f.dtype() || a.device() != f.device() => {
                return None;
            }
            (Operand::Array(a), _) if a.is_weak() => return None,
            (Operand::Array(a), Some(f)) if a.ndim() <= f.ndim() && a.size() <= f.size() => {}
            (Operand::Array(a), _) => first = Some(a),
            (Operand::Number(_) | Operand::Scalar(_), _) => scalars |= 1 << i,
        }
    }
    let first = first.filter(|f| f.layout().is_contiguous())?;
    let size = first.size();
    if size == 0 {
        return None;
    }
    let (mut spread, mut whole) = (0, true);
    for (i, o) in inputs.iter().enumerate() {
        match o {
            Operand::Array(a) if a.shape() == first.shape() => whole &= a.layout().is_contiguous(),
            Operand::Array(a) => {
                let lead = first.ndim().checked_sub(a.ndim())?;
                let fits =
                    a.shape().iter().zip(&first.shape()[lead..]).all(|(&n, &wide)| n == wide || n == 1);
                if !fits {
                    return None;
                }
                spread |= 1 << i;
            }
            // Comparisons accept integers out of range: left to the general path.
            Operand::Number(n) if n.promote_weak(first.dtype()) == first.dtype() => {
                numbers[i] = n.to_scalar(first.dtype()).ok()?;
            }
            Operand::Scalar(s) if s.dtype() == first.dtype() => numbers[i] = *s,
            _ => return None,
        }
    }
    let program = e.same_dtype_program(op.name, first.dtype(), inputs.len(), scalars)?;
    if scalars != 0 && matches!(first.dtype(), DType::F16 | DType::F32 | DType::C64) {
        for (o, s) in inputs.iter().zip(numbers) {
            if let Operand::Number(n) = o {
                flags::narrowed(*n, *s);
            }
        }
    }
    Some(Straight { first, size, spread, whole: whole && spread == 0, program })
}

impl Straight<'_> {
    #[inline(always)]
    pub(super) fn run(
        &self,
        op: &'static OpDef,
        inputs: &[Operand],
        numbers: &[Scalar; STRAIGHT],
        recording: bool,
    ) -> Result<Array> {
        let (mut from, mut joins) = ([std::ptr::null(); STRAIGHT], false);
        for ((o, number), from) in inputs.iter().zip(numbers).zip(&mut from) {
            match o {
                Operand::Array(a) => match a.buffer().present() {
                    Some(m) => *from = address(a, m),
                    None => joins = true,
                },
                _ => *from = number.as_ptr(),
            }
        }
        let dtype = self.program.output_dtype(0);
        // The memory first, and the array around it once: it is moved no more than the way to the caller needs.
        let buffer = Array::memory_beside(self.first, self.size, dtype, joins)?;
        let out = Array::beside(self.first, buffer, dtype);
        if recording {
            recorded(op, inputs, &out, || self.compute(op, inputs, numbers, from, joins, &out))?;
        } else {
            self.compute(op, inputs, numbers, from, joins, &out)?;
        }
        Ok(out)
    }
    /// Into `out`; the inputs are at `from`, unless some wait (`joins`).
    #[inline(always)]
    fn compute(
        &self,
        op: &'static OpDef,
        inputs: &[Operand],
        numbers: &[Scalar; STRAIGHT],
        from: [*const u8; STRAIGHT],
        joins: bool,
        out: &Array,
    ) -> Result<()> {
        let memory = out.buffer().present().filter(|_| !joins);
        // Without a kernel: a loop over host memory.
        if let Some(to) = memory
            && self.whole
            && self.size < PLAIN
            && self.first.device().is_host()
            && let Some(run) = self.program.plain_loop(|p| self.first.device().plain_loop(p))
            && !profile::is_on()
        {
            let (to, [a, b, _]) = (address(out, to).cast_mut(), from);
            let watched = self.program.raises() != 0;
            if watched {
                flags::begin();
            }
            // SAFETY: the program has as many inputs as the operation; arrays are contiguous and in host memory, with so many
            // elements of the program's dtype, numbers are where the program takes some; the output has just been made.
            unsafe {
                match run {
                    PlainLoop::Unary(f) => f(a, to, self.size),
                    PlainLoop::Binary(f) => f(a, b, to, self.size),
                }
            }
            if watched && flags::is_raised() {
                launch::raised(op.name, &Work::Elementwise, Some(self.program), out.ndim() == 0);
            }
            return Ok(());
        }
        self.by_kernel(op, inputs, numbers, out, memory.is_some())
    }
    #[inline(never)]
    fn by_kernel(
        &self,
        op: &'static OpDef,
        inputs: &[Operand],
        numbers: &[Scalar; STRAIGHT],
        out: &Array,
        now: bool,
    ) -> Result<()> {
        if self.spread != 0 {
            return self.wide(op, inputs, numbers, out, now);
        }
        let arg = |i: usize| arg(&inputs[i], numbers[i], None);
        match inputs.len() {
            1 => self.launch(op, &[arg(0)], out, now),
            2 => self.launch(op, &[arg(0), arg(1)], out, now),
            _ => self.launch(op, &[arg(0), arg(1), arg(2)], out, now),
        }
    }
    /// `now`: everything is in memory.
    #[inline]
    fn launch<const N: usize>(
        &self,
        op: &'static OpDef,
        args: &[Arg; N],
        out: &Array,
        now: bool,
    ) -> Result<()> {
        let (device, work) = (self.first.device(), &Work::Elementwise);
        if now {
            run_now(op.name, device, work, Some(self.program), args, out)
        } else {
            launch(op.name, device, work, Some(self.program), args, &[out])
        }
    }
    #[inline(never)]
    fn wide(
        &self,
        op: &'static OpDef,
        inputs: &[Operand],
        numbers: &[Scalar; STRAIGHT],
        out: &Array,
        now: bool,
    ) -> Result<()> {
        let mut layouts = [const { None }; STRAIGHT];
        for (i, o) in inputs.iter().enumerate() {
            if let (Operand::Array(a), 1) = (o, self.spread >> i & 1) {
                layouts[i] = Some(a.layout().broadcast_to(op.name, self.first.shape())?);
            }
        }
        let arg = |i: usize| arg(&inputs[i], numbers[i], layouts[i].as_ref());
        match inputs.len() {
            2 => self.launch(op, &[arg(0), arg(1)], out, now),
            _ => self.launch(op, &[arg(0), arg(1), arg(2)], out, now),
        }
    }
}

/// Where the elements of an array begin, as the host counts.
#[inline]
pub(super) fn address(a: &Array, memory: &Memory) -> *const u8 {
    let offset = a.layout().offset().wrapping_mul(a.dtype().size());
    memory.handle.wrapping_add(memory.offset).wrapping_add(offset) as *const u8
}
/// An operand of a straight call: an array through a layout, or its number.
#[inline]
fn arg<'a>(o: &Operand<'a>, number: Scalar, layout: Option<&'a Layout>) -> Arg<'a> {
    match o {
        Operand::Array(a) => Arg::Array(a, layout),
        _ => Arg::Scalar(number),
    }
}
