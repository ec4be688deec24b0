//! The door to kernels: counts, traces, defers, runs, and falls back to the host.

use super::trace;
use crate::context::{self, COUNTING, DECOMPOSES, DOT, GROUPING, Policy, QUIET};
use crate::defer::{self, Kind};
use crate::device::flags::{self, Report};
use crate::device::{DeviceRef, Memory};
use crate::dtype::DTypeSet;
use crate::expr::Program;
use crate::kernel::{Family, Input, KernelCall, ScatterMode, View, Work};
use crate::layout::Layout;
use crate::registry::{self, KernelEntry};
use crate::{Array, DType, ErrorKind, Result, Scalar, bail, fuse, memory, profile, stats};
use parking_lot::RwLock;
use rustc_hash::FxHashSet;
use smallvec::SmallVec;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

/// An input of `launch`: an array, seen through another layout where it is broadcast or permuted; or a number.
#[derive(Clone, Copy)]
pub enum Arg<'a> {
    /// Elements in memory.
    Array(&'a Array, Option<&'a Layout>),
    /// One number in the dtype of the program's input.
    Scalar(Scalar),
}

#[inline]
fn view_of<'a>(a: &'a Array, layout: Option<&'a Layout>) -> Result<View<'a>> {
    let l = layout.unwrap_or(a.layout());
    Ok(View {
        memory: a.buffer().memory()?,
        dtype: a.dtype(),
        shape: l.shape(),
        strides: l.strides(),
        offset: l.offset(),
    })
}

/// Runs canonical work: on the device when it has a kernel, else on the host (counted); or defers it, when the result is a
/// blank buffer (`defer.rs`). Never records, never allocates results. Outputs must not be empty. What its caller decomposes
/// otherwise (`own_kernel`) is never the host's: `ErrorKind::Unsupported`, with the kernel's reason.
pub fn launch(
    op: &'static str,
    device: DeviceRef,
    work: &Work,
    program: Option<&Arc<Program>>,
    inputs: &[Arg],
    outputs: &[&Array],
) -> Result<()> {
    let flags = context::flags();
    let grouping = flags & GROUPING != 0;
    if flags & (context::TRACING | COUNTING) != 0 {
        if flags & context::TRACING != 0 {
            return trace::collect(op, device, work, program, inputs, outputs);
        }
        stats::count_op(op, device.name());
    }
    if let [out] = outputs {
        if out.buffer().present().is_none() && out.buffer().is_blank() {
            if defer::record(op, device, work, program, inputs, out)? {
                return Ok(());
            }
        } else if let (Some(kind), Some(program)) = (Kind::of(work), program)
            && inputs.iter().any(|i| matches!(i, Arg::Array(a, _) if a.buffer().present().is_none()))
        {
            return defer::run_into(op, kind, program, inputs, out);
        }
    }
    if let [out] = outputs {
        out.buffer().memory_to_write()?;
        match *inputs {
            _ if grouping => {}
            [a] => return run_now(op, device, work, program, &[a], out),
            [a, b] => return run_now(op, device, work, program, &[a, b], out),
            [a, b, c] => return run_now(op, device, work, program, &[a, b, c], out),
            _ => {}
        }
    }
    let mut outs: SmallVec<[View; 1]> = SmallVec::new();
    for o in outputs {
        o.buffer().memory_to_write()?;
        outs.push(view_of(o, None)?);
    }
    let mut views: SmallVec<[Input; 4]> = SmallVec::new();
    for i in inputs {
        views.push(input_of(i)?);
    }
    let call = KernelCall { op, work, program, inputs: &views, outputs: &outs };
    if grouping {
        return fuse::collect(&call);
    }
    profile::timed(&call, device, || profile::one(op), || run_kernel(&call, device, eagerly))
}

#[inline]
fn input_of<'a>(i: &Arg<'a>) -> Result<Input<'a>> {
    Ok(match i {
        Arg::Array(a, l) => Input::View(view_of(a, *l)?),
        Arg::Scalar(s) => Input::Scalar(*s),
    })
}

/// The last step of `launch`, for a few inputs and one output: there is nothing to count, trace, defer or settle.
#[inline]
pub(crate) fn run_now<const N: usize>(
    op: &'static str,
    device: DeviceRef,
    work: &Work,
    program: Option<&Arc<Program>>,
    inputs: &[Arg; N],
    out: &Array,
) -> Result<()> {
    const NOWHERE: &Memory = &Memory { handle: 0, offset: 0, bytes: 0 };
    let mut memories = [NOWHERE; N];
    for (memory, i) in memories.iter_mut().zip(inputs) {
        if let Arg::Array(a, _) = i {
            *memory = a.buffer().memory()?;
        }
    }
    // Views are built where they stay; a `Result` of one would be moved there.
    let views: [Input; N] = std::array::from_fn(|k| match inputs[k] {
        Arg::Array(a, l) => {
            let l = l.unwrap_or(a.layout());
            Input::View(View {
                memory: memories[k],
                dtype: a.dtype(),
                shape: l.shape(),
                strides: l.strides(),
                offset: l.offset(),
            })
        }
        Arg::Scalar(s) => Input::Scalar(s),
    });
    let call = KernelCall { op, work, program, inputs: &views, outputs: &[view_of(out, None)?] };
    profile::timed(&call, device, || profile::one(op), || run_kernel(&call, device, eagerly))
}

/// Runs `f`, which asks for the kernel of one operation alone (`Work::Custom`), on the device or not at all: refused, the
/// operation is done by others on the same device.
pub(crate) fn own_kernel<R>(f: impl FnOnce() -> R) -> R {
    context::with_flag(DECOMPOSES, f)
}

/// Whether work that its kernel refuses goes back to `own_kernel`. What else is launched on the way, to settle the inputs, does not.
pub(super) fn handed_back(work: &Work) -> bool {
    matches!(work, Work::Custom(_)) && context::flags() & DECOMPOSES != 0
}

/// Whether the device itself can run such work, as far as is known.
pub(crate) fn has_kernel(device: DeviceRef, work: &Work, program: &Program) -> Result<bool> {
    let reg = registry::global()?;
    let kernel = work.family().and_then(|f| reg.family_kernel(device.kind(), f));
    Ok(kernel.is_some_and(|k| k.dtypes == DTypeSet::ALL || k.dtypes.contains_all(program.dtypes()))
        && !was_refused(program, work, device))
}

/// Whether the device has a kernel for a form of fused work.
pub(crate) fn has_family(device: DeviceRef, family: Family) -> bool {
    registry::global().is_ok_and(|r| r.family_kernel(device.kind(), family).is_some())
}

fn find_kernel(call: &KernelCall, device: DeviceRef) -> Result<Option<&'static KernelEntry>> {
    let reg = registry::global()?;
    let own = match call.work.family() {
        Some(family) => reg.family_kernel(device.kind(), family),
        None => reg.op_kernel(device.kind(), call.op),
    };
    Ok(own.filter(|k| k.dtypes == crate::DTypeSet::ALL || k.dtypes.contains_all(call.dtypes())))
}

/// Runs a prepared call on the device or not at all: `ErrorKind::Unsupported` where it has no kernel for it. `met`: what to do
/// about floating-point exceptions.
pub(crate) fn run_on_device(
    call: &KernelCall,
    device: DeviceRef,
    met: impl FnOnce(&KernelCall),
) -> Result<()> {
    match find_kernel(call, device)? {
        Some(k) if device.is_host() => watched(device, call, k, met),
        Some(k) => (k.run)(device, call),
        None => no_kernel(call, device),
    }
}

/// Runs a kernel of the host. What it has met is told of, also where it then failed: some of its results are there.
#[inline]
fn watched(
    device: DeviceRef,
    call: &KernelCall,
    k: &KernelEntry,
    met: impl FnOnce(&KernelCall),
) -> Result<()> {
    flags::begin();
    let result = (k.run)(device, call);
    if flags::is_raised() {
        met(call);
    }
    result
}
/// What a call that ran at once has met becomes a report.
pub(crate) fn eagerly(call: &KernelCall) {
    raised(call.op, call.work, call.program, call.outputs[0].shape.is_empty());
}
#[cold]
#[inline(never)]
pub(crate) fn raised(op: &'static str, work: &Work, program: Option<&Arc<Program>>, single: bool) {
    let flags = met(work, program, |_, _| ());
    let (dot, quiet) = (context::flags() & DOT != 0, context::flags() & QUIET != 0);
    if quiet {
        return;
    }
    let name = if dot && op == "matmul" { "dot" } else { flags::word(op, Some(work)) };
    flags::report(Report { name, flags, late: false, single });
}
/// Those of the flags that are set which such work may tell of; `each` gets them by the operation, where the kernel knows that, and
/// the rest as `flags::ROOT`'s.
pub(crate) fn met(work: &Work, program: Option<&Arc<Program>>, mut each: impl FnMut(u8, u8)) -> u8 {
    let of_program = program.map_or(0, |p| p.raises());
    // Of the whole, and of what no operation was blamed for: kernels blame the operations of programs that they run around a fold.
    let (may, rest) = match *work {
        Work::Elementwise => (of_program, of_program),
        Work::Rows { .. } => (of_program, 0),
        Work::Reduce(fold) | Work::Scan(fold) => {
            let of_fold = program.map_or(flags::ALL, |p| fold.prim().raises(p.output_dtype(0)));
            (of_program | of_fold, of_fold)
        }
        Work::Scatter { mode: ScatterMode::Combine(prim), .. } => (0, prim.raises(DType::F64)),
        Work::Matmul | Work::Epilogue | Work::Products { .. } | Work::Custom(_) => (flags::ALL, flags::ALL),
        _ => (0, 0),
    };
    let (rest, mut known) = (flags::raised() & rest, 0);
    flags::take_blame(|origin, f| {
        known |= f & may;
        each(origin, f & may);
    });
    if rest & !known != 0 {
        each(flags::ROOT, rest & !known);
    }
    rest | known
}
/// Runs a prepared call: the replay of a recorded launch comes in here too. `met`: what to do about floating-point exceptions
/// (`eagerly`).
#[inline]
pub(crate) fn run_kernel(call: &KernelCall, device: DeviceRef, met: impl FnOnce(&KernelCall)) -> Result<()> {
    let kernel = find_kernel(call, device)?;
    if device.is_host() {
        return match kernel {
            Some(k) => watched(device, call, k, met).inspect_err(|e| {
                if e.kind() == ErrorKind::Unsupported && handed_back(call.work) {
                    take_back(call, device);
                }
            }),
            None => no_kernel(call, device),
        };
    }
    let reason = match (kernel, context::policy()) {
        (_, Policy::OnlyHost) => "policy only_host".to_string(),
        (Some(k), _) => match (k.run)(device, call) {
            Err(e) if e.kind() == ErrorKind::Unsupported && handed_back(call.work) => {
                take_back(call, device);
                return Err(e);
            }
            Err(e) if e.kind() == ErrorKind::Unsupported => {
                refused(call, device);
                e.message().to_string()
            }
            r => return r,
        },
        (None, _) => format!("no {} kernel for {}", device.name(), call.work.name()),
    };
    if context::policy() == Policy::OnlyDevice {
        bail!(Policy, "{}: {reason}, and the policy is only_device", call.op);
    }
    host_fallback(call, device, &reason, met)
}

/// The operation has not run.
#[cold]
fn take_back(call: &KernelCall, device: DeviceRef) {
    if context::flags() & COUNTING != 0 {
        stats::take_back_op(call.op, device.name());
    }
}

/// Runs a kernel of a planned program, which shows in profiles.
#[inline]
pub fn run_planned(call: &KernelCall, device: DeviceRef) -> Result<()> {
    profile::timed(call, device, || profile::planned(call), || run_kernel(call, device, eagerly))
}

/// Programs that a kernel refused, by (program, form of work, kind of device): they are not deferred again, so that their fallback is
/// counted at the line that calls them and no group is tried in vain.
static REFUSED: LazyLock<RwLock<FxHashSet<(u32, Option<Family>, usize)>>> = LazyLock::new(Default::default);
static ANY_REFUSED: AtomicBool = AtomicBool::new(false);

#[cold]
fn refused(call: &KernelCall, device: DeviceRef) {
    let Some(program) = call.program else { return };
    let key = (program.id(), call.work.family(), device.kind());
    REFUSED.write().insert(key);
    ANY_REFUSED.store(true, Relaxed);
}
fn was_refused(program: &Program, work: &Work, device: DeviceRef) -> bool {
    ANY_REFUSED.load(Relaxed) && REFUSED.read().contains(&(program.id(), work.family(), device.kind()))
}

#[cold]
fn no_kernel(call: &KernelCall, device: DeviceRef) -> Result<()> {
    bail!(Unsupported, "{}: no {} kernel for {} on {device}", call.op, device.name(), call.work.name())
}

/// Copies the inputs to the host, runs the host's kernel, copies the outputs back.
#[cold]
fn host_fallback(
    call: &KernelCall,
    device: DeviceRef,
    reason: &str,
    met: impl FnOnce(&KernelCall),
) -> Result<()> {
    let host = registry::global()?.host().map_err(|e| e.context(&format!("{}: {reason}", call.op)))?;
    let (start, open) = (Instant::now(), profile::outside());
    let mut bytes = 0;
    // A view travels as the span of memory that it touches, and keeps its strides.
    let fetch = |v: &View| -> Result<(Array, Layout)> {
        let layout = Layout::new(v.shape, v.strides, v.offset);
        let (lo, hi) = layout.span();
        let item = v.dtype.size();
        let staged = Array::empty_on(host, &[hi - lo], v.dtype)?;
        let mut data = memory::zeros((hi - lo) * item)?;
        device.download(v.memory, lo * item, &mut data)?;
        host.upload(&data, staged.buffer().memory()?, 0)?;
        Ok((staged, layout.shifted(-(lo as isize))))
    };
    let mut staged: Vec<Option<(Array, Layout)>> = Vec::new();
    for i in call.inputs {
        staged.push(match i {
            Input::View(v) if v.size() > 0 => Some(fetch(v)?),
            _ => None,
        });
    }
    let outs: Vec<(Array, Layout)> = call.outputs.iter().map(fetch).collect::<Result<_>>()?;
    let mut inputs: SmallVec<[Input; 4]> = SmallVec::new();
    for (i, s) in call.inputs.iter().zip(&staged) {
        inputs.push(match (i, s) {
            (Input::View(v), Some((a, l))) => {
                bytes += a.buffer().bytes();
                Input::View(View { memory: a.buffer().memory()?, offset: l.offset(), ..*v })
            }
            (i, _) => *i,
        });
    }
    let mut outputs: SmallVec<[View; 1]> = SmallVec::new();
    for (v, (a, l)) in call.outputs.iter().zip(&outs) {
        outputs.push(View { memory: a.buffer().memory()?, offset: l.offset(), ..*v });
    }
    run_kernel(&KernelCall { inputs: &inputs, outputs: &outputs, ..*call }, host, met)?;
    for (v, (a, l)) in call.outputs.iter().zip(&outs) {
        bytes += a.buffer().bytes() + write_back(a, l, v, device)?;
    }
    profile::by_host(open, call.op, device, bytes as u64);
    stats::count_fallback(call.op, &device.to_string(), "host", reason, bytes as u64, start.elapsed());
    Ok(())
}

/// Brings a staged output home, and only its elements: what lies between those of a strided view may have been
/// written by another thread since. Returns the bytes that travelled.
fn write_back(staged: &Array, layout: &Layout, out: &View, device: DeviceRef) -> Result<usize> {
    let span = Layout::new(out.shape, out.strides, out.offset).span();
    let upload = || device.upload(&staged.to_bytes()?, out.memory, span.0 * out.dtype.size());
    if layout.is_injective() && layout.size() == span.1 - span.0 {
        upload()?;
        return Ok(staged.buffer().bytes());
    }
    let values = Array::from_bytes(device, &staged.view(layout.clone()).to_bytes()?, out.shape, out.dtype)?;
    let copy = KernelCall {
        op: "copy",
        work: &Work::Elementwise,
        program: Some(Program::identity(out.dtype)),
        inputs: &[Input::View(view_of(&values, None)?)],
        outputs: &[*out],
    };
    // A device that cannot even copy such elements has only the host's way.
    match find_kernel(&copy, device)?.map(|k| (k.run)(device, &copy)) {
        Some(Err(e)) if e.kind() == ErrorKind::Unsupported => upload()?,
        Some(done) => done?,
        None => upload()?,
    }
    Ok(values.buffer().bytes())
}
