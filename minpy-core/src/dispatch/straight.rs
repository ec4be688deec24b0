//! The common case with the least work: strong arrays of one dtype and device, and numbers that fit it, into a new array. Nothing
//! of the general path (`elementwise.rs`) is needed.

use super::record::recorded;
use crate::expr::Program;
use crate::kernel::{PlainLoop, Work};
use crate::launch::{Arg, launch, run_now};
use crate::layout::Layout;
use crate::op::{Elementwise, OpDef};
use crate::{Array, Operand, Result, Scalar, profile};
use std::sync::Arc;

/// Most operands of a straight call.
pub(super) const STRAIGHT: usize = 3;
/// Elements from which on a kernel may use several threads.
const PLAIN: usize = 8192;

/// Such a call. One of the arrays is contiguous and has the shape that the others have or are broadcast to.
pub(super) struct Straight<'a> {
    /// The array that the result is like.
    first: &'a Array,
    /// Operands that are broadcast.
    spread: u32,
    /// Every array is contiguous and has the shape of the first.
    whole: bool,
    program: &'static Arc<Program>,
}

/// Whether a call is such a case; `numbers` are the operands that are numbers, in the dtype of the arrays.
#[inline]
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
        && !a.shape().contains(&0)
    {
        let program = e.same_dtype_program(op.name, a.dtype(), 2, 0)?;
        return Some(Straight { first: a, spread: 0, whole: true, program });
    }
    let (mut first, mut scalars): (Option<&'a Array>, u32) = (None, 0);
    for (i, o) in inputs.iter().enumerate() {
        match (o, first) {
            (Operand::Array(a), Some(f)) if a.dtype() != f.dtype() || a.device() != f.device() => {
                return None;
            }
            (Operand::Array(a), _) if a.is_weak() => return None,
            (Operand::Array(a), Some(f)) if a.ndim() <= f.ndim() && a.size() <= f.size() => {}
            (Operand::Array(a), _) => first = Some(a),
            (Operand::Number(_), _) => scalars |= 1 << i,
            (Operand::Scalar(_), _) => return None,
        }
    }
    let first = first.filter(|f| f.layout().is_contiguous() && !f.shape().contains(&0))?;
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
            _ => return None,
        }
    }
    let program = e.same_dtype_program(op.name, first.dtype(), inputs.len(), scalars)?;
    Some(Straight { first, spread, whole: whole && spread == 0, program })
}

impl Straight<'_> {
    #[inline]
    pub(super) fn run(
        &self,
        op: &'static OpDef,
        inputs: &[Operand],
        numbers: &[Scalar; STRAIGHT],
        recording: bool,
    ) -> Result<Array> {
        let joins = inputs.iter().any(|o| o.array().is_some_and(|a| a.buffer().present().is_none()));
        let dtype = self.program.output_dtype(0);
        // The memory first, and the array around it once: it is moved no more than the way to the caller needs.
        let buffer = Array::memory_beside(self.first, dtype, joins)?;
        let out = Array::beside(self.first, buffer, dtype);
        let now = !joins && out.buffer().present().is_some();
        let launch = || {
            if now
                && self.whole
                && self.first.size() < PLAIN
                && self.first.device().is_host()
                && let Some(run) = self.program.plain_loop(|p| self.first.device().plain_loop(p))
                && !profile::is_on()
            {
                return self.plain(run, inputs, numbers, &out);
            }
            if self.spread != 0 {
                return self.wide(op, inputs, numbers, &out, now);
            }
            let arg = |i: usize| arg(&inputs[i], numbers[i], None);
            match inputs.len() {
                1 => self.launch(op, &[arg(0)], &out, now),
                2 => self.launch(op, &[arg(0), arg(1)], &out, now),
                _ => self.launch(op, &[arg(0), arg(1), arg(2)], &out, now),
            }
        };
        if recording {
            recorded(op, inputs, &out, launch)?
        } else {
            launch()?
        }
        Ok(out)
    }
    /// Without a kernel: a loop over host memory.
    #[inline]
    fn plain(
        &self,
        run: PlainLoop,
        inputs: &[Operand],
        numbers: &[Scalar; STRAIGHT],
        out: &Array,
    ) -> Result<()> {
        let address = |a: &Array| -> Result<*mut u8> {
            let m = a.buffer().memory()?;
            Ok((m.handle + m.offset + a.layout().offset() * a.dtype().size()) as *mut u8)
        };
        let input = |i: usize| -> Result<*const u8> {
            match &inputs[i] {
                Operand::Array(a) => Ok(address(a)?),
                _ => Ok(numbers[i].as_ptr()),
            }
        };
        let n = self.first.size();
        // SAFETY: the program has as many inputs as the operation; arrays are contiguous and in host memory, with `n` elements of
        // the program's dtype, numbers are where the program takes some; the output has just been made.
        unsafe {
            match run {
                PlainLoop::Unary(f) => f(input(0)?, address(out)?, n),
                PlainLoop::Binary(f) => f(input(0)?, input(1)?, address(out)?, n),
            }
        }
        Ok(())
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

/// An operand of a straight call: an array through a layout, or its number.
#[inline]
fn arg<'a>(o: &Operand<'a>, number: Scalar, layout: Option<&'a Layout>) -> Arg<'a> {
    match o {
        Operand::Array(a) => Arg::Array(a, layout),
        _ => Arg::Scalar(number),
    }
}
