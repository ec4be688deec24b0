//! What of the pending expressions runs in one kernel: collects a group, joins its programs, runs it.
//!
//! The group of a root grows from the newest expression to the oldest. A member runs inside the root's kernel when each of
//! its elements is needed once and every view on the way can be translated into the root's iteration space; otherwise it is
//! computed first and read from memory. Reductions of the rows of that space run inside it too, and so does what is computed
//! of their results, one number a row (`Work::Rows`): a softmax is one group. Joined programs are kept by the shape of the group, so that a loop builds its
//! program once.

mod group;
pub(crate) mod grouped;
mod join;

pub use grouped::{Collected, Grouping, Kernel, Place, Read, grouped};
pub(crate) use grouped::{collect, on as grouping, waiting};

use crate::buffer::no_memory;
use crate::defer::{self, Expr, Kind, Source};
use crate::device::flags::{self, Report};
use crate::device::{DeviceRef, Memory};
use crate::kernel::{Input, KernelCall, View, Work};
use crate::launch;
use crate::shared::Shared;
use crate::{Array, Buffer, ErrorKind, Layout, Result, profile, written};
use group::{Group, MOST_MEMBERS};
use parking_lot::MutexGuard;
use smallvec::SmallVec;
use std::sync::atomic::Ordering::Relaxed;

type Guard<'a> = MutexGuard<'a, Option<Box<Expr>>>;

/// What is left to do after an evaluation, without any lock.
#[derive(Default)]
pub(crate) struct Done {
    #[allow(clippy::vec_box, reason = "expressions come boxed")]
    garbage: Vec<Box<Expr>>,
    /// Members that were stored.
    stored: SmallVec<[Shared<Buffer>; 2]>,
    /// Handles that may be the last ones by now.
    handles: SmallVec<[Shared<Buffer>; 1]>,
}
impl Done {
    /// Drops what was let go of, and computes what is pending on what was computed and smaller. An error of that is not the
    /// caller's: whoever reads those values will see it.
    pub(crate) fn settle(self, root: Option<&Buffer>) {
        drop((self.garbage, self.handles));
        let computed: SmallVec<[*const Buffer; 4]> = self
            .stored
            .iter()
            .map(|b| &**b)
            .chain(root)
            .filter(|b| b.readers().load(Relaxed) != 0)
            .map(std::ptr::from_ref)
            .collect();
        if !computed.is_empty() {
            defer::reduce_now(&computed);
        }
    }
}

fn allocate(device: DeviceRef, bytes: usize) -> Result<Memory> {
    if grouping() { grouped::number(bytes) } else { device.allocate(bytes) }
}
fn fulfil(buffer: &Buffer, memory: Memory) {
    if grouping() {
        buffer.donate();
    }
    buffer.fulfil(memory);
}

fn view<'x>(a: &'x Array, l: &'x Layout) -> Result<View<'x>> {
    let memory = a.buffer().memory()?;
    Ok(View { memory, dtype: a.dtype(), shape: l.shape(), strides: l.strides(), offset: l.offset() })
}

/// What is computed together with a group and is no member of it: see `Work::Products`.
struct Extra<'a> {
    buffer: &'a Shared<Buffer>,
    guard: Guard<'a>,
    memory: Memory,
}
impl<'a> Extra<'a> {
    /// `None` if it has found another way, or another thread is at it: that one may wait for a lock of the group. Nor if there
    /// is no memory for it: it then waits for its own turn.
    fn of(buffer: &'a Shared<Buffer>, root: &Expr, fits: impl Fn(&Expr) -> bool) -> Option<Extra<'a>> {
        let guard = buffer.pending().try_lock()?;
        guard.as_deref().filter(|e| e.grouped == root.grouped && fits(e))?;
        let memory = allocate(buffer.device(), buffer.bytes()).ok()?;
        Some(Extra { buffer, guard, memory })
    }
    fn output(&self) -> Option<View<'_>> {
        let e = self.guard.as_deref()?;
        let l = &e.layout;
        Some(View {
            memory: &self.memory,
            dtype: e.dtype,
            shape: l.shape(),
            strides: l.strides(),
            offset: l.offset(),
        })
    }
    fn finish(mut self, done: &mut Done) {
        fulfil(self.buffer, self.memory);
        done.stored.push(self.buffer.clone());
        done.garbage.extend(self.guard.take());
    }
}
impl Drop for Extra<'_> {
    fn drop(&mut self) {
        // Pending still: it did not run.
        if let Some(e) = self.guard.as_deref()
            && !e.grouped
        {
            self.buffer.device().free(self.memory);
        }
    }
}

/// The extras of a group: a sum over the rows of its root, and a product.
#[derive(Default)]
struct Extras<'a> {
    sum: Option<Extra<'a>>,
    beside: Option<Extra<'a>>,
}

impl Group<'_> {
    /// Runs the group: `out` is the root's view, `stored` the memory of the stored members, oldest first; and its extras.
    fn run(&self, out: View, stored: &[Memory], extras: &Extras) -> Result<()> {
        let mut inputs: SmallVec<[Input; 8]> = SmallVec::new();
        let program = if self.members.is_empty() {
            let read = if self.root.kind == Kind::Product { 2 } else { self.root.program.inputs().len() };
            for s in &self.root.sources[..read] {
                inputs.push(match s {
                    Source::Scalar(s) => Input::Scalar(*s),
                    Source::Array(a) => Input::View(view(a, a.layout())?),
                });
            }
            (self.root.kind != Kind::Product).then(|| self.root.program.clone())
        } else {
            let j = self.join();
            let matrices = self.product().into_iter().flat_map(|m| &m.expr().sources);
            for s in matrices {
                if let Source::Array(a) = s {
                    inputs.push(Input::View(view(a, a.layout())?));
                }
            }
            for (a, l) in &j.inputs {
                inputs.push(Input::View(view(a, l)?));
            }
            inputs.extend(j.numbers.iter().map(|s| Input::Scalar(*s)));
            Some(self.program(&j))
        };
        let mut outputs: SmallVec<[View; 2]> = SmallVec::new();
        outputs.push(out);
        for (m, memory) in self.members.iter().rev().filter(|m| m.stored).zip(stored) {
            let n = m.view.ndim() - if m.row { self.inner.unwrap_or(0) } else { 0 };
            outputs.push(View {
                memory,
                dtype: m.expr().dtype,
                shape: &m.view.shape()[..n],
                strides: &m.view.strides()[..n],
                offset: m.view.offset(),
            });
        }
        let matrices = extras.beside.iter().filter_map(|b| b.guard.as_deref()).flat_map(|e| &e.sources);
        for s in matrices {
            if let Source::Array(a) = s {
                inputs.push(Input::View(view(a, a.layout())?));
            }
        }
        outputs.extend(extras.sum.iter().chain(&extras.beside).filter_map(Extra::output));
        let (sum, beside) = (extras.sum.is_some(), extras.beside.is_some());
        let work = match self.inner {
            _ if sum || beside => Work::Products { sum, beside },
            Some(inner) if self.needs_rows() => Work::Rows { inner },
            _ if self.product().is_some() => Work::Epilogue,
            _ => self.root.kind.work(),
        };
        let call = KernelCall {
            op: self.root.op,
            work: &work,
            program: program.as_ref(),
            inputs: &inputs,
            outputs: &outputs,
        };
        // What a device cannot do as a whole it may do in parts: only an expression alone goes to the host.
        let alone = self.members.is_empty() && !beside;
        if grouping() {
            return match alone {
                true => collect(&call),
                false => grouped::collect_group(&call, self.device),
            };
        }
        let what = || {
            let mut name = written::label(self.expressions().map(|(e, _)| (e.written, e.op)));
            let mut lines: SmallVec<[profile::Line; 4]> = self.expressions().map(|(e, _)| e.line).collect();
            let beside = extras.sum.iter().chain(&extras.beside).filter_map(|x| x.guard.as_deref());
            let mut operations = self.members.len() + 1;
            for e in beside {
                name.push_str(", ");
                name.push_str(&written::label([(e.written, e.op)]));
                lines.push(e.line);
                operations += 1;
            }
            lines.retain(|line| *line != 0);
            profile::What { name, operations, lines }
        };
        profile::timed(&call, self.device, what, || match alone {
            true => launch::run_kernel(&call, self.device, |call| self.tell(call)),
            false => launch::run_on_device(&call, self.device, |call| self.tell(call)),
        })
    }
    /// Reports what a kernel of this group has met.
    #[cold]
    fn tell(&self, call: &KernelCall) {
        let report = |e: &Expr, flags: u8| {
            let name = match e.kind {
                Kind::Product if e.dot => "dot",
                kind => flags::word(e.op, Some(&kind.work())),
            };
            let single = e.layout.ndim() == 0;
            flags::report(Report { name, flags: flags & e.told, late: true, single });
        };
        launch::met(call.work, call.program, |origin, flags| match origin {
            flags::PRODUCT => report(self.product().map_or(self.root, |m| m.expr()), flags),
            origin => report(self.expressions().nth(origin as usize).map_or(self.root, |(e, _)| e), flags),
        });
    }
    /// An array that only this group reads, as large as the result and laid out like it: its memory becomes the result's,
    /// each element being read before it is overwritten.
    fn donor(&self, result: &Buffer) -> Option<Donor<'_>> {
        let sources =
            || self.expressions().flat_map(|(e, m)| e.sources.iter().zip(0..).map(move |(s, k)| (s, m, k)));
        // Rows are read more than once; a product is written before the rest is read.
        if self.root.kind != Kind::Map || self.needs_rows() || self.product().is_some() {
            return None;
        }
        sources().find_map(|(s, _, _)| {
            let Source::Array(a) = s else { return None };
            let b = a.buffer();
            let memory = b
                .disposable()
                .filter(|_| b.bytes() == result.bytes() && a.dtype().size() == self.root.dtype.size())?;
            let mut reads = 0;
            let fits = sources().all(|(s, m, k)| match s {
                Source::Array(x) if Shared::ptr_eq(x.buffer(), b) => {
                    reads += 1;
                    let view = m.map_or(Some(x.layout()), |m| m.reads[k].as_deref());
                    view == Some(&self.root.layout)
                }
                _ => true,
            });
            (fits && Shared::strong_count(b) == reads).then_some(Donor { buffer: b, memory })
        })
    }
    /// Memory for the stored members, oldest first.
    fn allocate(&self) -> Result<Fresh> {
        let mut fresh = Fresh::new(self.device);
        for m in self.members.iter().rev().filter(|m| m.stored) {
            fresh.memory.push(allocate(self.device, m.buffer.bytes())?);
        }
        Ok(fresh)
    }
    /// The stored members have their values now; the others are done with. Whoever waits for the lock of one of these (only
    /// through the list of pending buffers: there was no handle) must not compute it again, from memory that may be gone.
    fn finish(mut self, mut fresh: Fresh, done: &mut Done) {
        let mut memory = std::mem::take(&mut fresh.memory).into_iter();
        for m in self.members.iter_mut().rev() {
            match if m.stored { memory.next() } else { None } {
                Some(memory) => {
                    fulfil(m.buffer, memory);
                    done.stored.push(m.buffer.clone());
                }
                None => m.buffer.consume(),
            }
            done.garbage.extend(m.guard.take());
        }
    }
}

/// See `Group::donor`.
struct Donor<'g> {
    buffer: &'g Shared<Buffer>,
    memory: Memory,
}

/// Memory that is given back unless the group ran.
struct Fresh {
    device: DeviceRef,
    memory: SmallVec<[Memory; 4]>,
    /// Numbers and no memory: see `fuse::grouped`.
    numbers: bool,
}
impl Fresh {
    fn new(device: DeviceRef) -> Fresh {
        Fresh { device, memory: SmallVec::new(), numbers: grouping() }
    }
}
impl Drop for Fresh {
    fn drop(&mut self) {
        self.memory.drain(..).filter(|_| !self.numbers).for_each(|m| self.device.free(m));
    }
}

/// Computes a pending buffer whose lock is given, and with it, if that can be, a `sum` over its rows; gives a blank one memory.
pub(crate) fn evaluate(
    buffer: &Buffer,
    mut guard: Guard,
    sum: Option<&Shared<Buffer>>,
    done: &mut Done,
) -> Result<()> {
    if buffer.present().is_some() || buffer.is_consumed() {
        return Ok(());
    }
    let memory = match guard.as_deref() {
        None if buffer.is_placeholder() => return no_memory(),
        None => allocate(buffer.device(), buffer.bytes())?,
        // Of an array that outlived the program which was grouped.
        Some(root) if root.grouped && !grouping() => return no_memory(),
        // What waits in a running program is computed, also while another is grouped.
        Some(root) if !root.grouped && grouping() => {
            return grouped::suspended(|| evaluate(buffer, guard, sum, done));
        }
        Some(root) => {
            let refused = |r: &Result<Memory>| r.as_ref().is_err_and(|e| e.kind() == ErrorKind::Unsupported);
            let mut extras = true;
            let mut result = compute(root, buffer, MOST_MEMBERS, &mut extras, sum, done);
            if extras && refused(&result) {
                extras = false;
                result = compute(root, buffer, MOST_MEMBERS, &mut extras, None, done);
            }
            // Something in the group is not for this device: each expression finds its own way.
            if refused(&result) {
                result = compute(root, buffer, 1, &mut extras, None, done);
            }
            result?
        }
    };
    fulfil(buffer, memory);
    done.garbage.extend(guard.take());
    Ok(())
}

/// The memory with the values of `root`, which belongs to `buffer`, computed in a group of at most `most` expressions.
/// `extras`: whether there may be some, and then, whether there were.
fn compute(
    root: &Expr,
    buffer: &Buffer,
    most: usize,
    extras: &mut bool,
    sum: Option<&Shared<Buffer>>,
    done: &mut Done,
) -> Result<Memory> {
    let device = buffer.device();
    let group = Group::collect(root, device, most, done)?;
    let mut fresh = Fresh::new(device);
    let donor = group.donor(buffer);
    let memory = match &donor {
        Some(d) => d.memory,
        None => {
            fresh.memory.push(allocate(device, buffer.bytes())?);
            fresh.memory[0]
        }
    };
    let l = &root.layout;
    let out = View { memory: &memory, dtype: root.dtype, shape: l.shape(), strides: l.strides(), offset: 0 };
    let stored = group.allocate()?;
    let product = match root.kind {
        Kind::Product => Some(std::ptr::from_ref(buffer)),
        _ => group.product().map(|m| Shared::as_ptr(m.buffer)),
    };
    let product = product.filter(|_| *extras);
    let partner = product.and_then(defer::beside);
    done.handles.extend(partner.clone());
    let free = |b: &Shared<Buffer>| b.readers().load(Relaxed) == 0;
    let with = Extras {
        sum: sum
            .filter(|_| root.kind == Kind::Map && product.is_some())
            .and_then(|s| Extra::of(s, root, |e| e.is_column_sum(buffer, &root.layout, root.dtype))),
        beside: partner.as_ref().and_then(|b| Extra::of(b, root, |e| e.kind == Kind::Product && free(b))),
    };
    *extras = with.sum.is_some() || with.beside.is_some();
    group.run(out, &stored.memory, &with)?;
    fresh.memory.clear();
    for extra in with.sum.into_iter().chain(with.beside) {
        extra.finish(done);
    }
    if let Some(d) = donor {
        d.buffer.donate();
    }
    group.finish(stored, done);
    Ok(memory)
}

/// Runs `root` now, into views that exist.
pub(crate) fn run_into(root: &Expr, out: &Array, done: &mut Done) -> Result<()> {
    let device = out.device();
    let memory = out.buffer().memory()?;
    let mut group = Group::collect(root, device, MOST_MEMBERS, done)?;
    // What a member reads and the write would disturb: elementwise, only the same element at the same index is read
    // before it is written. What the call itself reads was looked at by dispatch.
    let disturbed = |a: &Array, l: &Layout| {
        let same =
            root.kind == Kind::Map && !group.needs_rows() && l == out.layout() && a.dtype() == out.dtype();
        let same = same && Shared::ptr_eq(a.buffer(), out.buffer()) && l.is_injective();
        !same && a.view(l.clone()).may_share_memory(out)
    };
    let rows = group.needs_rows()
        && root.sources.iter().any(|s| matches!(s, Source::Array(a) if a.may_share_memory(out)));
    let matrices = group.product().is_some_and(|m| {
        m.expr().sources.iter().any(|s| matches!(s, Source::Array(a) if a.may_share_memory(out)))
    });
    if rows || matrices || group.members.iter().any(|m| group.arrays_of(m).any(|(a, l)| disturbed(a, l))) {
        drop(group);
        group = Group::collect(root, device, 1, done)?;
    }
    let l = out.layout();
    let view =
        View { memory, dtype: out.dtype(), shape: l.shape(), strides: l.strides(), offset: l.offset() };
    let stored = group.allocate()?;
    match group.run(view, &stored.memory, &Extras::default()) {
        Ok(()) => {
            group.finish(stored, done);
            Ok(())
        }
        Err(e) if e.kind() == ErrorKind::Unsupported && !group.members.is_empty() => {
            drop((group, stored));
            Group::collect(root, device, 1, done)?.run(view, &[], &Extras::default())
        }
        Err(e) => Err(e),
    }
}
