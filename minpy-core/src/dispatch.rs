//! The way of every call: promote, broadcast, pick the device, allocate, record, run.
//!
//! Dispatch alone allocates results, handles `out=` and `where=`, tests overlap and moves inputs between devices.
//! Kernels are behind `launch.rs`.
//!
//! Longer than most files: the steps of one call stand together, so that their order can be read in one place.

use crate::array::strides_in_order;
use crate::context::{self, Policy, RECORDING};
use crate::device::DeviceRef;
use crate::expr::Program;
use crate::kernel::{PlainLoop, Work};
use crate::launch::run_now;
pub use crate::launch::{Arg, launch, replay, run_kernel, run_planned};
use crate::layout::{Dims, Layout, broadcast_shapes, show};
use crate::op::{
    AnyStructured, Arrays, Attrs, Elementwise, Metas, OpCall, OpDef, Operand, ProgramSpec, Target, Tier,
    promoted_dtype,
};
use crate::ops;
use crate::{
    Array, DType, Error, ErrorKind, Meta, Number, Result, Scalar, bail, defer, profile, recorder, stats,
};
use crate::{registry, written};
use smallvec::{SmallVec, smallvec};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};

/// Most inputs of an elementwise operation.
const MAX_ARITY: usize = 4;
type Operands<'a> = SmallVec<[Operand<'a>; 4]>;

/// Calls an operation: the one entry for all tiers.
#[inline]
pub fn call(
    op: &'static OpDef,
    attrs: Attrs,
    inputs: &[Operand],
    mask: Option<&Array>,
    target: Target,
) -> Result<Array> {
    match &op.tier {
        Tier::Elementwise(e) => {
            let flags = context::flags();
            if flags & !RECORDING == 0
                && inputs.len() == op.arity
                && op.arity <= STRAIGHT
                && (e.check.is_none() || inputs[0].dtype().is_inexact())
                && mask.is_none()
                && attrs.is_none()
                && matches!(target, Target::New)
                && op.results == 1
            {
                let mut numbers = [Scalar::ZERO; STRAIGHT];
                if let Some(plan) = straight(op, e, inputs, &mut numbers) {
                    return plan.run(op, inputs, &numbers, flags != 0);
                }
            }
            elementwise(op, e, attrs, inputs, mask, target)
        }
        Tier::Structured(s) => only(op, structured(op, *s, attrs, inputs, mask, &[target])?),
    }
}

/// Calls an operation of any number of results, one target for each.
///
/// # Errors
/// [`ErrorKind::Type`] where there are more or fewer targets than results.
pub fn call_all(
    op: &'static OpDef,
    attrs: Attrs,
    inputs: &[Operand],
    mask: Option<&Array>,
    targets: &[Target],
) -> Result<Arrays> {
    if targets.len() != op.results {
        bail!(Type, "{}: has {} results, not {}", op.name, op.results, targets.len());
    }
    match (&op.tier, targets) {
        (Tier::Structured(s), _) => structured(op, *s, attrs, inputs, mask, targets),
        (_, &[target]) => Ok(smallvec![call(op, attrs, inputs, mask, target)?]),
        (Tier::Elementwise(e), _) => several(op, e, attrs, inputs, mask, targets),
    }
}
/// The same into new arrays: as many as the operation has results.
///
/// # Errors
/// [`ErrorKind::Type`] where that is another number.
pub fn call_each<const N: usize>(op: &'static OpDef, attrs: Attrs, inputs: &[Operand]) -> Result<[Array; N]> {
    let results = call_all(op, attrs, inputs, None, &[Target::New; N])?;
    let results: SmallVec<[Array; N]> = results.into_iter().collect();
    results.into_inner().or_else(|r| bail!(Type, "{}: has {} results, not {N}", op.name, r.len()))
}
/// The result of an operation that has one.
fn only(op: &'static OpDef, mut results: Arrays) -> Result<Array> {
    match results.pop() {
        Some(r) if results.is_empty() => Ok(r),
        _ => bail!(Type, "{}: has {} results, not 1", op.name, op.results),
    }
}

/// Most operands of a straight call.
const STRAIGHT: usize = 3;
/// Elements from which on a kernel may use several threads.
const PLAIN: usize = 8192;

/// The common case with the least work: strong arrays of one dtype and device, and numbers that fit it. One of the arrays is
/// contiguous and has the shape that the others have or are broadcast to.
struct Straight<'a> {
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
fn straight<'a>(
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
    fn run(
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
                && let Some(run) = self.program.plain_loop(self.first.device())
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

/// The recorder's part of a call without attributes into a new array.
fn recorded(
    op: &'static OpDef,
    inputs: &[Operand],
    out: &Array,
    run: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let call = OpCall { op, attrs: Attrs::NONE, inputs, mask: None, targets: &[Target::New] };
    let record = Record::start(&call)?;
    run()?;
    record.finish(&call, &[out])
}

/// Where a call runs: where its target or its arrays live; arrays on several devices go to the current one;
/// a 0-d array never decides against a larger one.
fn pick_device(inputs: &[Operand], mask: Option<&Array>, targets: &[Target]) -> Result<DeviceRef> {
    for target in targets {
        if let Target::Into(out) = target {
            return Ok(out.device());
        }
    }
    let mut found: Option<DeviceRef> = None;
    let mut small: Option<DeviceRef> = None;
    for a in inputs.iter().filter_map(|o| o.array()).chain(mask) {
        let slot = if a.ndim() == 0 { &mut small } else { &mut found };
        match *slot {
            Some(d) if d != a.device() => *slot = Some(context::current_device()?),
            _ => *slot = Some(a.device()),
        }
    }
    match found.or(small) {
        Some(d) => Ok(d),
        None => context::current_device(),
    }
}

fn complaint(op: &OpDef, inputs: &[Operand]) -> Error {
    let types: Vec<_> = inputs.iter().map(|o| format!("{} {}", o.dtype(), show(o.shape()))).collect();
    Error::new(
        ErrorKind::Type,
        format!("ufunc '{}' not supported for the input types: {}", op.name, types.join(", ")),
    )
}

fn same_kind(op: &OpDef, from: DType, to: DType) -> Result<()> {
    if !from.can_cast_same_kind(to) {
        bail!(
            Type,
            "Cannot cast ufunc '{}' output from dtype('{from}') to dtype('{to}') with casting rule 'same_kind'",
            op.name
        );
    }
    Ok(())
}

fn writable(op: &OpDef, out: &Array) -> Result<()> {
    if out.buffer().is_read_only() {
        bail!(Value, "{}: output array is read-only", op.name);
    }
    Ok(())
}

/// The dtype of an operand that has one of its own.
fn strong_dtype(o: &Operand) -> Option<DType> {
    match o {
        Operand::Array(a) if a.is_weak() => None,
        Operand::Number(_) => None,
        o => Some(o.dtype()),
    }
}

/// The dtype that the inputs of an elementwise call are promoted to, and the one it computes in.
fn compute_dtype(
    op: &'static OpDef,
    e: &'static Elementwise,
    attrs: Attrs,
    inputs: &[Operand],
) -> Result<(DType, DType)> {
    if inputs.len() != op.arity || op.arity > MAX_ARITY {
        bail!(Type, "{}: takes {} arguments, got {}", op.name, op.arity, inputs.len());
    }
    let valued = &inputs[e.rule.condition_first as usize..];
    let promoted = match attrs.is_none() {
        true => promoted_dtype(op.name, valued)?,
        false => *attrs.expect::<DType>(op.name)?,
    };
    let compute = (e.rule.compute)(promoted).ok_or_else(|| complaint(op, inputs))?;
    // NumPy takes the first float loop that fits every input: int8 with uint8 is float16, though they promote to int16.
    let fits = !attrs.is_none()
        || promoted.is_inexact()
        || !compute.is_inexact()
        || valued.iter().any(|o| strong_dtype(o).is_none());
    if fits {
        return Ok((promoted, compute));
    }
    let each = valued.iter().filter_map(strong_dtype).filter_map(e.rule.compute);
    Ok((promoted, each.reduce(DType::promote).unwrap_or(compute)))
}

/// Inputs on other devices, moved to this one. Fixed arrays, filled in place: moving arrays about costs more than the rest of a
/// call.
fn moved(inputs: &[Operand], device: DeviceRef) -> Result<[Option<Array>; MAX_ARITY]> {
    let mut moved: [Option<Array>; MAX_ARITY] = [const { None }; MAX_ARITY];
    for (o, m) in inputs.iter().zip(&mut moved) {
        if let Operand::Array(a) = o
            && a.device() != device
        {
            *m = Some(a.to_device(device)?);
        }
    }
    Ok(moved)
}
/// The mask on the device of the call; `None` where it is there.
fn moved_mask(op: &OpDef, mask: Option<&Array>, device: DeviceRef) -> Result<Option<Array>> {
    let Some(m) = mask else { return Ok(None) };
    if m.dtype() != DType::Bool {
        bail!(Type, "{}: where= must have dtype bool, not {}", op.name, m.dtype());
    }
    if m.device() == device { Ok(None) } else { m.to_device(device).map(Some) }
}

/// The shape of a call whose operands broadcast to `shape`, checked against an existing target.
fn target_shape(op: &OpDef, shape: Dims, target: &Target) -> Result<Dims> {
    let Target::Into(out) = target else { return Ok(shape) };
    let fits = || {
        shape.len() <= out.ndim()
            && shape.iter().rev().zip(out.shape().iter().rev()).all(|(&a, &b)| a == b || a == 1)
    };
    if shape.as_slice() != out.shape() && !fits() {
        if op.name == "copy" {
            bail!(
                Value,
                "could not broadcast input array from shape {} into shape {}",
                show(&shape),
                show(out.shape())
            );
        }
        bail!(
            Value,
            "{}: non-broadcastable output operand with shape {} doesn't match the broadcast shape {}",
            op.name,
            show(out.shape()),
            show(&shape)
        );
    }
    Ok(out.shape().into())
}

fn elementwise(
    op: &'static OpDef,
    e: &'static Elementwise,
    attrs: Attrs,
    inputs: &[Operand],
    mask: Option<&Array>,
    target: Target,
) -> Result<Array> {
    if op.results != 1 {
        bail!(Type, "{}: has {} results, not 1", op.name, op.results);
    }
    let (promoted, compute) = compute_dtype(op, e, attrs, inputs)?;
    if let Some(check) = e.check {
        check(inputs, compute)?;
    }
    if promoted == DType::F64
        && let [a, b] = inputs
        && mixes_signs(a, b)
        && e.result_dtype(op.arity, compute) == DType::Bool
        && attrs.is_none()
        && (e.rule.compute)(DType::U64) == Some(DType::U64)
    {
        return compare_signs(op, a, b, mask, target);
    }
    // Devices.
    let device = pick_device(inputs, mask, &[target])?;
    let moved = moved(inputs, device)?;
    let operands: Operands =
        inputs.iter().zip(&moved).map(|(o, m)| m.as_ref().map_or(*o, Operand::Array)).collect();
    let moved_mask = moved_mask(op, mask, device)?;
    let mask = moved_mask.as_ref().or(mask);
    // Shape.
    let mut shapes: SmallVec<[&[usize]; 5]> = operands.iter().map(|o| o.shape()).collect();
    shapes.extend(mask.map(|m| m.shape()));
    let shape = target_shape(op, broadcast_shapes(op.name, &shapes)?, &target)?;
    // Program.
    let Some(Numbers { mut dtypes, numbers, scalars }) = numbers(op, e, &operands, promoted, compute)? else {
        return compare_out_of_range(op, attrs, &operands, mask, target);
    };
    let natural = e.result_dtype(op.arity, compute);
    let out_dtype = match target {
        Target::New => None,
        Target::Into(out) => {
            if op.name != "copy" {
                same_kind(op, natural, out.dtype())?;
            }
            writable(op, out)?;
            (out.dtype() != natural).then_some(out.dtype())
        }
    };
    if let Some(m) = mask {
        dtypes.push(m.dtype());
        dtypes.push(out_dtype.unwrap_or(natural));
    }
    // Most calls have one dtype throughout: their program needs no hashing.
    let plain =
        mask.is_none() && out_dtype.is_none() && attrs.is_none() && dtypes.iter().all(|&d| d == promoted);
    let same = if plain { e.same_dtype_program(op.name, promoted, operands.len(), scalars) } else { None };
    let program = match same {
        Some(p) => p.clone(),
        None => e.program(
            op.name,
            &ProgramSpec { inputs: &dtypes, scalars, compute, out: out_dtype, masked: mask.is_some() },
        ),
    };

    let targets = [target];
    let call = OpCall { op, attrs, inputs: &operands, mask, targets: &targets };
    let record = Record::start(&call)?;
    let out = match target {
        Target::Into(out) => out.clone(),
        Target::New => {
            // What reads something pending joins it, however small.
            let joins = operands.iter().any(|o| o.array().is_some_and(|a| a.buffer().present().is_none()));
            let layout = result_layout(&shape, &operands, mask);
            let out = if joins && mask.is_none() {
                Array::lazy_on(device, layout, natural)?
            } else {
                Array::empty_with(device, layout, natural)?
            };
            if mask.is_some() {
                fill_raw(&out, Number::Int(0).cast(natural))?;
            }
            out.with_weak(
                operands
                    .iter()
                    .all(|o| matches!(o, Operand::Number(_)) || o.array().is_some_and(|a| a.is_weak())),
            )
        }
    };
    if out.size() > 0 {
        // Inputs that the write would disturb are copied first.
        let mut copies: [Option<Array>; MAX_ARITY + 1] = [const { None }; MAX_ARITY + 1];
        let mut layouts: [Option<Layout>; MAX_ARITY + 1] = [const { None }; MAX_ARITY + 1];
        let into = matches!(target, Target::Into(_));
        for (i, o) in operands.iter().map(|o| o.array()).chain(mask.map(Some)).enumerate() {
            let Some(a) = o else { continue };
            let broadcast = a.shape() != &*shape;
            if broadcast {
                layouts[i] = Some(a.layout().broadcast_to(op.name, &shape)?);
            }
            if into && a.may_share_memory(&out) {
                // The same element at the same index is read before it is written, unless other indices reach it too.
                let seen = layouts[i].as_ref().unwrap_or(a.layout());
                let same = a.dtype() == out.dtype()
                    && seen == out.layout()
                    && Arc::ptr_eq(a.buffer(), out.buffer())
                    && (seen.is_contiguous() || seen.is_injective());
                if !same {
                    let c = copy_raw(a)?;
                    layouts[i] =
                        if broadcast { Some(c.layout().broadcast_to(op.name, &shape)?) } else { None };
                    copies[i] = Some(c);
                }
            }
        }
        let mut args: SmallVec<[Arg; 4]> = SmallVec::new();
        for (i, o) in operands.iter().map(|o| o.array()).chain(mask.map(Some)).enumerate() {
            args.push(match (o, numbers.get(i).copied().flatten()) {
                (_, Some(s)) => Arg::Scalar(s),
                (Some(a), None) => Arg::Array(copies[i].as_ref().unwrap_or(a), layouts[i].as_ref()),
                (None, None) => unreachable!("an operand is an array or a number"),
            });
        }
        if mask.is_some() {
            args.push(Arg::Array(&out, None));
        }
        launch(op.name, device, &Work::Elementwise, Some(&program), &args, &[&out])?;
    }
    record.finish(&call, &[&out])?;
    Ok(out)
}

/// Dtypes of the inputs of an elementwise call, those of them that are numbers, and the bits of these.
struct Numbers {
    dtypes: SmallVec<[DType; 4]>,
    numbers: SmallVec<[Option<Scalar>; 4]>,
    scalars: u32,
}
/// `None` for a comparison with an integer out of range, which has an answer (NumPy gives it too).
#[inline]
fn numbers(
    op: &OpDef,
    e: &'static Elementwise,
    operands: &[Operand],
    promoted: DType,
    compute: DType,
) -> Result<Option<Numbers>> {
    let mut all = Numbers { dtypes: SmallVec::new(), numbers: SmallVec::new(), scalars: 0 };
    for (i, o) in operands.iter().enumerate() {
        let (d, s) = match o {
            Operand::Array(a) => (a.dtype(), None),
            Operand::Scalar(s) => (s.dtype(), Some(*s)),
            Operand::Number(n) if i == 0 && e.rule.condition_first => {
                (DType::Bool, Some(n.cast(DType::Bool)))
            }
            Operand::Number(n) => match n.to_scalar(promoted) {
                Ok(s) => (promoted, Some(s)),
                // True division and the like compute in floating point, where every integer has a place.
                Err(_) if compute.is_inexact() => (compute, Some(n.cast(compute))),
                Err(err) if e.result_dtype(op.arity, compute) != DType::Bool => return Err(err),
                Err(_) => return Ok(None),
            },
        };
        all.scalars |= (s.is_some() as u32) << i;
        all.dtypes.push(d);
        all.numbers.push(s);
    }
    Ok(Some(all))
}

/// An elementwise call with several results: they are computed into new arrays by one program, and copied from there into
/// existing targets.
fn several(
    op: &'static OpDef,
    e: &'static Elementwise,
    attrs: Attrs,
    inputs: &[Operand],
    mask: Option<&Array>,
    targets: &[Target],
) -> Result<Arrays> {
    let (promoted, compute) = compute_dtype(op, e, attrs, inputs)?;
    if let Some(check) = e.check {
        check(inputs, compute)?;
    }
    let device = pick_device(inputs, mask, targets)?;
    let moved = moved(inputs, device)?;
    let operands: Operands =
        inputs.iter().zip(&moved).map(|(o, m)| m.as_ref().map_or(*o, Operand::Array)).collect();
    let moved_mask = moved_mask(op, mask, device)?;
    let mask = moved_mask.as_ref().or(mask);
    let mut shapes: SmallVec<[&[usize]; 5]> = operands.iter().map(|o| o.shape()).collect();
    shapes.extend(mask.map(|m| m.shape()));
    let mut shape = broadcast_shapes(op.name, &shapes)?;
    for target in targets {
        shape = target_shape(op, shape, target)?;
    }
    let metas: Metas = e.result_dtypes(op.arity, compute)[..op.results]
        .iter()
        .map(|&dtype| Meta { shape: shape.clone(), dtype })
        .collect();
    fitting_targets(op, &metas, targets)?;
    let Some(Numbers { dtypes, numbers, scalars }) = numbers(op, e, &operands, promoted, compute)? else {
        return Err(complaint(op, inputs));
    };
    let program =
        e.program(op.name, &ProgramSpec { inputs: &dtypes, scalars, compute, out: None, masked: false });

    let call = OpCall { op, attrs, inputs: &operands, mask, targets };
    let record = Record::start(&call)?;
    let joins = operands.iter().any(|o| o.array().is_some_and(|a| a.buffer().present().is_none()));
    let weak =
        operands.iter().all(|o| matches!(o, Operand::Number(_)) || o.array().is_some_and(|a| a.is_weak()));
    let mut made = Arrays::new();
    for meta in &metas {
        let layout = result_layout(&shape, &operands, mask);
        let out = match joins {
            true => Array::lazy_on(device, layout, meta.dtype)?,
            false => Array::empty_with(device, layout, meta.dtype)?,
        };
        made.push(out.with_weak(weak));
    }
    if made[0].size() > 0 {
        let mut layouts: [Option<Layout>; MAX_ARITY] = [const { None }; MAX_ARITY];
        for (o, l) in operands.iter().zip(&mut layouts) {
            if let Operand::Array(a) = o
                && a.shape() != &*shape
            {
                *l = Some(a.layout().broadcast_to(op.name, &shape)?);
            }
        }
        let mut args: SmallVec<[Arg; 4]> = SmallVec::new();
        for (i, o) in operands.iter().enumerate() {
            args.push(match (o, numbers[i]) {
                (Operand::Array(a), _) => Arg::Array(a, layouts[i].as_ref()),
                (_, Some(s)) => Arg::Scalar(s),
                (_, None) => return Err(complaint(op, inputs)),
            });
        }
        let outs: SmallVec<[&Array; 2]> = made.iter().collect();
        launch(op.name, device, &Work::Elementwise, Some(&program), &args, &outs)?;
    }
    place(&mut made, mask, targets)?;
    finish_all(record, &call, &made)?;
    Ok(made)
}
/// Whether results fit their existing targets.
fn fitting_targets(op: &OpDef, metas: &Metas, targets: &[Target]) -> Result<()> {
    for (meta, target) in metas.iter().zip(targets) {
        let Target::Into(out) = target else { continue };
        if out.shape() != &*meta.shape {
            bail!(
                Value,
                "{}: output array has wrong shape: {} where {} is needed",
                op.name,
                show(out.shape()),
                show(&meta.shape)
            );
        }
        same_kind(op, meta.dtype, out.dtype())?;
        writable(op, out)?;
    }
    Ok(())
}
/// Puts computed results where they belong: under a mask, and into existing targets. Not recorded.
fn place(made: &mut Arrays, mask: Option<&Array>, targets: &[Target]) -> Result<()> {
    for (r, target) in made.iter_mut().zip(targets) {
        match (target, mask) {
            (Target::New, None) => {}
            (Target::New, Some(_)) => {
                let out = Array::empty_with(r.device(), r.layout().clone(), r.dtype())?;
                fill_raw(&out, Number::Int(0).cast(r.dtype()))?;
                copy_into_raw(r, &out, mask)?;
                *r = out;
            }
            (Target::Into(out), _) => {
                copy_into_raw(r, out, mask)?;
                *r = (*out).clone();
            }
        }
    }
    Ok(())
}
fn finish_all(record: Record, call: &OpCall, results: &Arrays) -> Result<()> {
    let results: SmallVec<[&Array; 2]> = results.iter().collect();
    record.finish(call, &results)
}

#[cold]
fn compare_out_of_range(
    op: &'static OpDef,
    attrs: Attrs,
    operands: &[Operand],
    mask: Option<&Array>,
    target: Target,
) -> Result<Array> {
    // The number lies beyond every value of the array's dtype; its sign decides, as infinity would.
    let replaced: Operands = operands
        .iter()
        .map(|o| match o {
            Operand::Number(Number::Int(i)) => {
                Operand::Scalar(Scalar::new(if *i < 0 { f64::NEG_INFINITY } else { f64::INFINITY }))
            }
            o => *o,
        })
        .collect();
    call(op, attrs, &replaced, mask, target)
}

/// uint64 with a signed dtype: they promote to float64, which cannot tell all of them apart.
fn mixes_signs(a: &Operand, b: &Operand) -> bool {
    let signed = |d: DType| d.kind() == crate::dtype::Kind::Signed;
    let (a, b) = (strong_dtype(a), strong_dtype(b));
    matches!((a, b), (Some(DType::U64), Some(d)) | (Some(d), Some(DType::U64)) if signed(d))
}
/// An exact comparison of uint64 with a signed dtype, as NumPy's: a negative number is less than all, others are compared
/// as uint64.
#[cold]
fn compare_signs(
    op: &'static OpDef,
    a: &Operand,
    b: &Operand,
    mask: Option<&Array>,
    target: Target,
) -> Result<Array> {
    let of = |x: bool| if x { Number::Int(-1) } else { Number::Int(0) };
    let signed_first = a.dtype() != DType::U64;
    let wide =
        |o: &Operand| -> Result<Array> { call(&ops::COPY, Attrs::of(&DType::U64), &[*o], None, Target::New) };
    let negative = ops::less(if signed_first { *a } else { *b }, 0i64)?;
    let plain =
        call(op, Attrs::NONE, &[Operand::Array(&wide(a)?), Operand::Array(&wide(b)?)], None, Target::New)?;
    // What the operation says of a negative number and one that is not.
    let device = negative.device();
    let verdict = context::with_device(device, || {
        call(
            op,
            Attrs::NONE,
            &[Operand::Number(of(signed_first)), Operand::Number(of(!signed_first))],
            None,
            Target::New,
        )
    })?;
    let r = ops::select(&negative, &verdict, &plain)?;
    match target {
        Target::New if mask.is_none() => Ok(r),
        _ => call(&ops::COPY, Attrs::NONE, &[Operand::Array(&r)], mask, target),
    }
}

/// NumPy's `K` order: axes in the order of the operands' strides. Where operands disagree, C order wins; where none says
/// anything (an axis of one element, or broadcast), the axis stays where it is. The rule is that of NumPy's iterator
/// (`npyiter_find_best_axis_ordering` in `nditer_constr.c`), because writes through `reshape` or `ravel` show it.
fn result_layout(shape: &[usize], operands: &[Operand], mask: Option<&Array>) -> Layout {
    let arrays = || operands.iter().filter_map(|o| o.array()).chain(mask);
    // In rows all of them, broadcast or not: the sort would leave everything in place.
    if arrays().all(|a| a.layout().is_contiguous()) {
        return Layout::contiguous(shape);
    }
    let nd = shape.len();
    let stride = |a: &Array, axis: usize| match (axis + a.ndim()).checked_sub(nd) {
        Some(i) if a.shape()[i] != 1 => a.layout().strides()[i].unsigned_abs(),
        _ => 0,
    };
    // From the fastest to the slowest.
    let mut order: SmallVec<[usize; 6]> = SmallVec::new();
    for axis in (0..nd).rev() {
        let mut place = order.len();
        for i in (0..order.len()).rev() {
            let faster = order[i];
            let said =
                arrays().map(|a| (stride(a, axis), stride(a, faster))).filter(|s| s.0 != 0 && s.1 != 0);
            let (mut any, mut all) = (false, true);
            said.for_each(|(slow, fast)| (any, all) = (true, all && fast > slow));
            match (any, all) {
                (false, _) => {}
                (true, true) => place = i,
                (true, false) => break,
            }
        }
        order.insert(place, axis);
    }
    order.reverse();
    if order.is_sorted() {
        return Layout::contiguous(shape);
    }
    Layout::new(shape, strides_in_order(shape, &order), 0)
}

fn structured(
    op: &'static OpDef,
    s: &'static dyn AnyStructured,
    attrs: Attrs,
    inputs: &[Operand],
    mask: Option<&Array>,
    targets: &[Target],
) -> Result<Arrays> {
    let device = pick_device(inputs, mask, targets)?;
    // What has to be moved, converted or made of a number, with its position; most inputs are used as they are.
    let mut made: SmallVec<[(usize, Array); 1]> = SmallVec::new();
    for (i, o) in inputs.iter().enumerate() {
        let dtype = s.input_dtype(attrs, inputs, i);
        let a = match o {
            Operand::Array(a) if a.device() == device && dtype.is_none_or(|d| d == a.dtype()) => continue,
            Operand::Array(a) => a.to_device(device)?,
            Operand::Number(n) => Array::from_scalar_on(device, n.to_scalar(n.default_dtype())?)?,
            Operand::Scalar(v) => Array::from_scalar_on(device, *v)?,
        };
        let a = match dtype {
            Some(d) if d != a.dtype() => ops::cast(&a, d)?,
            _ => a,
        };
        made.push((i, a));
    }
    let mut arrays: SmallVec<[&Array; 4]> = SmallVec::new();
    let mut next = made.iter().peekable();
    for (i, o) in inputs.iter().enumerate() {
        match (next.next_if(|m| m.0 == i), o) {
            (Some((_, a)), _) => arrays.push(a),
            (None, Operand::Array(a)) => arrays.push(a),
            (None, _) => unreachable!("an array was made of each number"),
        }
    }
    let metas = s.infer(op, attrs, &arrays)?;
    if mask.is_some() && targets.iter().any(|t| matches!(t, Target::New)) {
        bail!(Value, "{}: where= needs out=", op.name);
    }
    fitting_targets(op, &metas, targets)?;
    let decompose = || decomposed(op, s, attrs, &arrays, mask, targets);
    if s.decomposes() && !has_own_kernel(op, device, &arrays, &metas)? {
        return decompose();
    }
    let operands: Operands = arrays.iter().map(|a| Operand::Array(a)).collect();
    let call = OpCall { op, attrs, inputs: &operands, mask, targets };
    if s.decomposes() && context::flags() & RECORDING != 0 && recorder::get().is_some_and(|r| !r.knows(&call))
    {
        return decompose();
    }
    // Small results of large inputs too: a reduction runs with what produces or uses it.
    let large = || {
        let pending = |a: &&Array| a.buffer().present().is_none();
        arrays.iter().any(|a| pending(a) || defer::worth(device, a.size() * a.dtype().size()))
    };
    let fresh = |meta: &Meta, late: bool| match late {
        true => Array::lazy_on(device, Layout::contiguous(&meta.shape), meta.dtype),
        false => Array::empty_on(device, &meta.shape, meta.dtype),
    };
    let record = Record::start(&call)?;
    let mut results = Arrays::new();
    // One that is written at once; several are computed into new arrays first.
    let mut direct = false;
    for (meta, target) in metas.iter().zip(targets) {
        results.push(match target {
            Target::New => fresh(meta, large())?,
            Target::Into(out) => {
                direct = targets.len() == 1 && mask.is_none() && out.dtype() == meta.dtype && {
                    let mut shared = arrays.iter().enumerate().filter(|(_, a)| a.may_share_memory(out));
                    shared.all(|(i, a)| i == 0 && s_in_place(op) && a.same_view(out))
                };
                if direct { (*out).clone() } else { fresh(meta, false)? }
            }
        });
    }
    let outs: SmallVec<[&Array; 2]> = results.iter().collect();
    let done = s.lower(op, attrs, &arrays, &outs);
    drop(outs);
    match done {
        // The kernel cannot do it: by others, then. What was recorded of this call is void.
        Err(e) if e.kind() == ErrorKind::Unsupported && s.decomposes() => return decompose(),
        done => done?,
    }
    if !direct {
        place(&mut results, mask, targets)?;
    }
    finish_all(record, &call, &results)?;
    Ok(results)
}

/// Whether the device has a kernel of this operation alone for these dtypes.
fn has_own_kernel(op: &'static OpDef, device: DeviceRef, inputs: &[&Array], results: &Metas) -> Result<bool> {
    let Some(kernel) = registry::global()?.op_kernel(device.kind(), op.name) else { return Ok(false) };
    let mut touched = inputs.iter().map(|a| a.dtype()).chain(results.iter().map(|m| m.dtype));
    Ok(touched.all(|d| kernel.dtypes.contains(d)) && context::policy() != Policy::OnlyHost)
}

/// The results by other operations on the same device, which record themselves.
#[cold]
fn decomposed(
    op: &'static OpDef,
    s: &'static dyn AnyStructured,
    attrs: Attrs,
    inputs: &[&Array],
    mask: Option<&Array>,
    targets: &[Target],
) -> Result<Arrays> {
    let _name = written::enter(op.name);
    let mut results = s.decompose(op, attrs, inputs)?;
    if results.len() != op.results {
        bail!(Runtime, "{}: decomposes into {} results, not {}", op.name, results.len(), op.results);
    }
    for (r, target) in results.iter_mut().zip(targets) {
        if let Target::Into(_) = target {
            *r = call(&ops::COPY, Attrs::NONE, &[Operand::Array(r)], mask, *target)?;
        }
    }
    Ok(results)
}

/// Scatter reads its first input and writes the same view.
fn s_in_place(op: &OpDef) -> bool {
    std::ptr::eq(op, &ops::SCATTER)
}

/// Copy of an array on another device. Recorded; the bytes are counted.
pub fn to_device(a: &Array, device: DeviceRef) -> Result<Array> {
    let operands = [Operand::Array(a)];
    let call = OpCall {
        op: &ops::TO_DEVICE,
        attrs: Attrs::of(&device),
        inputs: &operands,
        mask: None,
        targets: &[Target::New],
    };
    let record = Record::start(&call)?;
    let out = move_raw(a, device)?.with_weak(a.is_weak());
    record.finish(&call, &[&out])?;
    Ok(out)
}

fn move_raw(a: &Array, device: DeviceRef) -> Result<Array> {
    if context::tracing() && a.buffer().is_placeholder() {
        bail!(Unsupported, "to_device: a traced program stays on one device");
    }
    let bytes = a.to_bytes()?;
    stats::count_moved(bytes.len() as u64);
    Array::from_bytes(device, &bytes, a.shape(), a.dtype())
}

/// Talks to the recorder around one call.
struct Record {
    token: u64,
    active: bool,
}
impl Record {
    #[inline]
    fn start(call: &OpCall) -> Result<Record> {
        let mut active = context::flags() & RECORDING != 0;
        let mut token = 0;
        if active && let Some(r) = recorder::get() {
            token = r.prepare(call)?;
        }
        for target in call.targets {
            let Target::Into(out) = target else { continue };
            // A write concerns the tape of a buffer also where calls are not recorded (`no_grad`).
            let known = out.buffer().node().load(Relaxed) | out.buffer().saves().load(Relaxed) != 0;
            active |= known;
            if active && let Some(r) = recorder::get() {
                r.before_write(out)?;
            }
            out.buffer().bump_version();
        }
        Ok(Record { token, active })
    }
    #[inline]
    fn finish(self, call: &OpCall, results: &[&Array]) -> Result<()> {
        if !self.active {
            return Ok(());
        }
        let Some(r) = recorder::get() else { return Ok(()) };
        if self.token != 0 {
            return r.commit(self.token, call, results);
        }
        for target in call.targets {
            if let Target::Into(out) = target {
                r.overwritten(call, out)?;
            }
        }
        Ok(())
    }
}

/// The expression of a copy, found while compiling.
static COPY: &Elementwise = match ops::COPY.elementwise() {
    Some(e) => e,
    None => panic!("copy is elementwise"),
};

/// Writes one number into every element, without recording.
pub fn fill_raw(out: &Array, value: Scalar) -> Result<()> {
    if out.size() == 0 {
        return Ok(());
    }
    static SAME: [OnceLock<Arc<Program>>; DType::ALL.len()] = [const { OnceLock::new() }; DType::ALL.len()];
    let build = || {
        let compute = value.dtype();
        let inputs = &[compute];
        let spec = ProgramSpec { inputs, scalars: 1, compute, out: Some(out.dtype()), masked: false };
        COPY.program("fill", &spec)
    };
    let other;
    let program = if value.dtype() == out.dtype() {
        SAME[out.dtype() as usize].get_or_init(build)
    } else {
        other = build();
        &other
    };
    launch("fill", out.device(), &Work::Elementwise, Some(program), &[Arg::Scalar(value)], &[out])
}

/// A C-contiguous copy, without recording.
pub fn copy_raw(a: &Array) -> Result<Array> {
    let out = Array::empty_on(a.device(), a.shape(), a.dtype())?;
    copy_into_raw(a, &out, None)?;
    Ok(out.with_weak(a.is_weak()))
}

pub(crate) fn copy_program(from: DType, to: DType, masked: bool) -> Arc<Program> {
    let inputs = [from, DType::Bool, to];
    let inputs = if masked { &inputs[..] } else { &inputs[..1] };
    COPY.program("copy", &ProgramSpec { inputs, scalars: 0, compute: from, out: Some(to), masked })
}

/// Copies (and converts) `a` into a view of the same shape, without recording. They must not overlap.
pub fn copy_into_raw(a: &Array, out: &Array, mask: Option<&Array>) -> Result<()> {
    if out.size() == 0 {
        return Ok(());
    }
    let program = copy_program(a.dtype(), out.dtype(), mask.is_some());
    let layout = a.layout().broadcast_to("copy", out.shape())?;
    match mask {
        None => launch(
            "copy",
            out.device(),
            &Work::Elementwise,
            Some(&program),
            &[Arg::Array(a, Some(&layout))],
            &[out],
        ),
        Some(m) => {
            let l = m.layout().broadcast_to("copy", out.shape())?;
            let args = [Arg::Array(a, Some(&layout)), Arg::Array(m, Some(&l)), Arg::Array(out, None)];
            launch("copy", out.device(), &Work::Elementwise, Some(&program), &args, &[out])
        }
    }
}

/// The shape that the operands broadcast to.
pub fn broadcast_shape(op: &str, operands: &[Operand]) -> Result<Dims> {
    let shapes: SmallVec<[&[usize]; 4]> = operands.iter().map(|o| o.shape()).collect();
    broadcast_shapes(op, &shapes)
}
