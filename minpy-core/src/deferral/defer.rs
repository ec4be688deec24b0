//! Deferral: expressions that wait until somebody needs their values, and then run together.
//!
//! `launch` hands elementwise work, reductions and matrix products to `record` when the result is a blank buffer; nothing is computed. The
//! buffer is *pending* from then on and owns its `Expr`, which names what it reads: buffers (in memory or pending
//! themselves) through layouts, and numbers. `Buffer::memory` evaluates a pending buffer (`fuse/` decides what runs in one
//! kernel). Errors of shape and dtype were raised before anything was deferred.
//!
//! Longer than most files: what waits, and all that ends waiting, rest on the same promises about locks, which stand here.
//!
//! # What is deferred
//! On the CPU results of at least [`threshold`] bytes, and whatever reads something pending; elsewhere everything. Not:
//! under another policy than `prefer_device`, while tracing, what reads memory that foreigners can write, and what the
//! device has no kernel for. Of matrix products one waits at a time, or two of one operand (`Work::Products`); operands do not.
//!
//! # What ends a group
//! Reading an element on the host (`item`, `print`, `bool`, export to NumPy); another kind of operation that reads it
//! (matrix product, gather, scan, sort); for a product, the next product of the thread, or the one after it; a copy to another
//! device; a write to something it reads; [`flush`]; the limits below; a view of it that is neither a permutation nor a slice;
//! more than `MOST_INPUTS` arrays (`fuse/group.rs`).
//!
//! # What keeps this right
//! * An expression never changes once recorded, and it keeps what it reads alive.
//! * A buffer counts its pending readers. Whoever writes to it evaluates them first (`Buffer::memory_to_write`).
//! * A buffer is stored at evaluation if anybody but the group itself refers to it; all others live in registers.
//! * Evaluation holds the locks of the group's buffers. Each was recorded before its readers; locks are taken from the
//!   newest to the oldest, so that threads cannot wait for one another in a circle; what else runs in a group's kernel
//!   (`Work::Products`) only if its lock is free. What they let go of is dropped after the last lock: foreign memory may need a
//!   lock of its own (Python's) to be freed.
//!
//! Longer than most files: what ends the waiting, and the locks that go with it, are to be read in one place.

use crate::array::waits::worth;
use crate::context::{self, DOT, Policy};
use crate::device::DeviceRef;
use crate::device::flags::{self, Later};
use crate::expr::Program;
use crate::kernel::{Family, Fold, Work};
use crate::launch::{self, Arg};
use crate::shared::{Shared, Weak};
use crate::{Array, Buffer, DType, Layout, Result, Scalar, fuse, profile, stats, written};
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// Longest chain of pending expressions: beyond it the older ones are computed. Bounds the recursion of evaluating and
/// of dropping one.
const MOST_DEPTH: u32 = 48;
/// Pending expressions in all.
const MOST_PENDING: usize = 1024;
/// Bytes that pending expressions may keep alive, each counted as often as it is read: this or a quarter of the device's
/// memory, whichever is more.
const MOST_HELD: usize = 1 << 30;
/// How an expression is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Element by element.
    Map,
    /// As `Work::Reduce`.
    Fold(Fold),
    /// As `Work::Matmul`: the sources are the two matrices, in memory; the program is the identity.
    Product,
}

impl Kind {
    pub(crate) fn of(work: &Work) -> Option<Kind> {
        match work {
            Work::Elementwise => Some(Kind::Map),
            Work::Reduce(f) => Some(Kind::Fold(*f)),
            Work::Matmul => Some(Kind::Product),
            _ => None,
        }
    }
    pub(crate) fn work(self) -> Work {
        match self {
            Kind::Map => Work::Elementwise,
            Kind::Fold(f) => Work::Reduce(f),
            Kind::Product => Work::Matmul,
        }
    }
}

/// What an expression reads.
pub(crate) enum Source {
    /// Elements; the layout has the shape of the expression's iteration space.
    Array(Array),
    /// A number.
    Scalar(Scalar),
}

/// Work that has not run yet. Immutable.
pub(crate) struct Expr {
    pub op: &'static str,
    /// The function that the user called, and the line; asked for only where a profile is on.
    pub written: Option<&'static str>,
    pub line: profile::Line,
    pub kind: Kind,
    pub program: Arc<Program>,
    /// In the order of the program's inputs; what follows is computed beside it and not read.
    pub sources: SmallVec<[Source; 2]>,
    /// How the result lies in its buffer: dense, all of it.
    pub layout: Layout,
    pub dtype: DType,
    /// Number of the expression; greater than those of all pending expressions it reads.
    pub number: u64,
    /// Length of the longest chain of pending expressions that ends here.
    depth: u32,
    /// Bytes of what it reads.
    held: usize,
    /// Part of a program that is grouped and not run (`fuse::grouped`).
    pub grouped: bool,
    /// The floating-point exceptions that are told of, as it was when this was written.
    pub told: u8,
    /// A product that is part of NumPy's `dot`.
    pub dot: bool,
}

static NUMBER: AtomicU64 = AtomicU64::new(1);
static HELD: AtomicUsize = AtomicUsize::new(0);

/// The pending buffers, for `flush`, `settle` and the limits. Entries of buffers that are gone or computed are removed
/// when the list has doubled.
pub(crate) struct Waiting {
    list: Vec<Weak<Buffer>>,
    prune_at: usize,
}
impl Default for Waiting {
    fn default() -> Waiting {
        Waiting { list: Vec::new(), prune_at: 64 }
    }
}
static WAITING: Mutex<Waiting> = Mutex::new(Waiting { list: Vec::new(), prune_at: 64 });

/// The list of pending buffers: everybody's, or that of the program which this thread groups.
fn list<R>(f: impl FnOnce(&mut Waiting) -> R) -> R {
    if fuse::grouping() { fuse::waiting(f) } else { f(&mut WAITING.lock()) }
}

impl Expr {
    /// The expression of a call, with owned sources.
    #[inline]
    pub(crate) fn new(
        op: &'static str,
        kind: Kind,
        program: &Arc<Program>,
        inputs: &[Arg],
        out: &Array,
        told: u8,
    ) -> Box<Expr> {
        let (mut depth, mut held) = (0, 0);
        let mut sources: SmallVec<[Source; 2]> = SmallVec::with_capacity(inputs.len());
        for i in inputs {
            sources.push(match i {
                Arg::Scalar(s) => Source::Scalar(*s),
                Arg::Array(a, layout) => {
                    let b = a.buffer();
                    b.readers().fetch_add(1, Relaxed);
                    held += b.bytes();
                    if b.present().is_none()
                        && let Some(e) = &*b.pending().lock()
                    {
                        depth = depth.max(e.depth);
                    }
                    Source::Array(match layout {
                        Some(l) => a.view((*l).clone()),
                        None => (*a).clone(),
                    })
                }
            });
        }
        let (written, line) = if profile::is_on() { (written::name(), profile::line()) } else { (None, 0) };
        let grouped = fuse::grouping();
        if grouped {
            held = 0; // of no memory
        }
        HELD.fetch_add(held, Relaxed);
        Box::new(Expr {
            op,
            written,
            line,
            kind,
            program: program.clone(),
            sources,
            layout: out.layout().clone(),
            dtype: out.dtype(),
            number: NUMBER.fetch_add(1, Relaxed),
            depth: depth + 1,
            held,
            grouped,
            told,
            dot: context::flags() & DOT != 0,
        })
    }
    /// Whether it is the sum over the rows of what lies, in C order, in that buffer.
    pub(crate) fn is_column_sum(&self, of: &Buffer, layout: &Layout, dtype: DType) -> bool {
        let ([Source::Array(a)], &[m, n]) = (&self.sources[..], layout.shape()) else { return false };
        self.kind == Kind::Fold(Fold::Add)
            && std::ptr::eq(&**a.buffer(), of)
            && layout.is_contiguous()
            && (a.dtype(), self.dtype) == (dtype, dtype)
            && self.program.is_identity()
            && a.shape() == [n, m]
            && *a.layout() == layout.transpose(Some(&[1, 0]))
            && self.layout.shape() == [n]
            && self.layout.is_contiguous()
    }
}

impl Drop for Expr {
    fn drop(&mut self) {
        HELD.fetch_sub(self.held, Relaxed);
        for s in &self.sources {
            if let Source::Array(a) = s {
                a.buffer().readers().fetch_sub(1, Relaxed);
            }
        }
    }
}

/// Bytes that pending expressions keep alive, for the limit; those of a program that is only grouped keep none.
fn held_by_all() -> usize {
    if fuse::grouping() { 0 } else { HELD.load(Relaxed) }
}

/// Defers the call into the blank buffer of `out`, if it can be; `false` leaves the call to the caller.
pub(crate) fn record(
    op: &'static str,
    device: DeviceRef,
    work: &Work,
    program: Option<&Arc<Program>>,
    inputs: &[Arg],
    out: &Array,
) -> Result<bool> {
    let Some(kind) = Kind::of(work) else { return Ok(false) };
    let program = match program {
        Some(p) => p,
        None if kind == Kind::Product => Program::identity(out.dtype()),
        None => return Ok(false),
    };
    let l = out.layout();
    let whole = l.offset() == 0 && l.size() * out.dtype().size() == out.buffer().bytes() && l.is_dense();
    let readable =
        |a: &Array| !a.buffer().is_shared() && !a.buffer().is_placeholder() && a.device() == device;
    let itself = |a: &Array| Shared::ptr_eq(a.buffer(), out.buffer());
    if !whole
        || context::policy() != Policy::PreferDevice
        || !inputs.iter().all(|i| if let Arg::Array(a, _) = i { readable(a) && !itself(a) } else { true })
        || !launch::has_kernel(device, work, program)?
    {
        return Ok(false);
    }
    // A reduction of what is in memory gains nothing by waiting, unless rows of it may be read once more with the result.
    if let (Kind::Fold(_), [Arg::Array(a, l)]) = (kind, inputs)
        && a.buffer().present().is_some()
        && !(rows(l.unwrap_or(a.layout()), out) && launch::has_family(device, Family::Rows))
    {
        return Ok(false);
    }
    if kind == Kind::Product && !product_waits(device, inputs, out)? {
        return Ok(false);
    }
    let told = match flags::later() {
        Later::Tell(flags) => flags,
        Later::Now => return Ok(false),
    };
    let mut e = Expr::new(op, kind, program, inputs, out, told);
    if e.depth > MOST_DEPTH {
        // The longest chains are cut where this expression begins.
        for s in &e.sources {
            if let Source::Array(a) = s {
                a.buffer().memory()?;
            }
        }
        e.depth = 1;
    }
    {
        // An expression that came after the memory would never be evaluated.
        let mut pending = out.buffer().pending().lock();
        if out.buffer().present().is_some() {
            drop(pending);
            return Ok(false);
        }
        *pending = Some(e);
    }
    let many = list(|w| {
        w.list.push(Shared::downgrade(out.buffer()));
        w.list.len() >= w.prune_at
    });
    let most = MOST_HELD.max(device.capabilities().total_memory / 4);
    if many || held_by_all() >= most {
        prune(most);
    }
    Ok(true)
}

/// Whoever evaluates `out` has `beside` computed by the same kernel, where both fit into one: a result of the same elements
/// that was recorded before it. Nothing happens unless both are pending.
pub fn compute_beside(out: &Array, beside: &Array) {
    if out.shape() != beside.shape() || fuse::grouping() {
        return;
    }
    let Some(depth) = beside.buffer().pending().lock().as_deref().map(|e| e.depth) else { return };
    // Nobody reads an expression but under this lock.
    if let Some(e) = out.buffer().pending().lock().as_deref_mut()
        && e.kind == Kind::Map
    {
        beside.buffer().readers().fetch_add(1, Relaxed);
        e.depth = e.depth.max(depth + 1);
        e.sources.push(Source::Array(beside.clone()));
    }
}

/// The products of a thread that may wait.
#[derive(Default)]
pub(crate) struct Products {
    /// The one that was deferred last.
    last: Weak<Buffer>,
    /// One before it that is computed beside it.
    beside: Weak<Buffer>,
}
thread_local! {
    static PRODUCTS: RefCell<Products> = const { RefCell::new(Products { last: Weak::new(), beside: Weak::new() }) };
}
/// See `deferral::prepare_thread`.
pub(crate) fn prepare_thread() {
    PRODUCTS.with(|_| ());
}
/// Replaces this thread's products: a program that is grouped has its own.
pub(crate) fn set_products(products: Products) -> Products {
    PRODUCTS.replace(products)
}

/// Whether a product may wait for what is computed of it. Its operands do not wait: they are computed here. Nor does the
/// product before it, because what it reads is large and still near; unless the new one reads some of that too, as in a
/// backward pass, and nobody has asked for anything of the one before. Then both are computed at once, which threads
/// begin and end together only once.
fn product_waits(device: DeviceRef, operands: &[Arg], out: &Array) -> Result<bool> {
    let large = worth(device, out.buffer().bytes()) || fuse::grouping();
    if !large || !launch::has_family(device, Family::Epilogue) {
        return Ok(false);
    }
    for o in operands {
        if let Arg::Array(a, _) = o {
            a.buffer().memory()?;
        }
    }
    let (last, beside) = PRODUCTS.with_borrow(|p| (p.last.clone(), p.beside.clone()));
    let pair = !is_pending(&beside) && is_free(&last) && {
        let read = |a: &Array| {
            operands.iter().any(|o| matches!(o, Arg::Array(b, _) if Shared::ptr_eq(a.buffer(), b.buffer())))
        };
        let shares = |e: &Expr| e.sources.iter().any(|s| matches!(s, Source::Array(a) if read(a)));
        last.upgrade().is_some_and(|b| b.pending().lock().as_deref().is_some_and(shares))
            && launch::has_family(device, Family::Products)
    };
    if !pair {
        // Together, if they can be.
        for product in [&last, &beside] {
            if is_pending(product) {
                end(product);
            }
        }
    }
    let beside = if pair { last } else { Weak::new() };
    PRODUCTS.set(Products { last: Shared::downgrade(out.buffer()), beside });
    Ok(true)
}

/// Whether a product waits that nothing waits for.
fn is_free(product: &Weak<Buffer>) -> bool {
    product.upgrade().is_some_and(|b| b.is_pending() && b.readers().load(Relaxed) == 0)
}

/// What is to be computed beside a product of this thread, unless that has been done.
pub(crate) fn beside(product: *const Buffer) -> Option<Shared<Buffer>> {
    PRODUCTS.with_borrow(|p| std::ptr::eq(p.last.as_ptr(), product).then(|| p.beside.upgrade())?)
}

fn is_pending(buffer: &Weak<Buffer>) -> bool {
    buffer.upgrade().is_some_and(|b| b.is_pending())
}

/// Computes a pending product, where possible as a part of what is computed of it. Weak, because whoever holds a buffer makes
/// it be stored. What cannot be computed stays pending, and says so to whoever reads it.
fn end(product: &Weak<Buffer>) {
    let has_readers = product.upgrade().is_some_and(|b| b.readers().load(Relaxed) != 0);
    for b in has_readers.then(waiting).into_iter().flatten() {
        let mut passed = Vec::new();
        let reads = |e: &Expr| reachable(e, &mut passed).contains(&product.as_ptr());
        // The lock ends before the evaluation begins, which takes it again.
        let last = b.pending().lock().as_deref().is_some_and(reads);
        drop(passed);
        if last {
            let _ = evaluate(&b);
        }
        if !is_pending(product) {
            return;
        }
    }
    if let Some(b) = product.upgrade() {
        let _ = evaluate(&b);
    }
}

/// Whether a reduction is of the rows of a large array: elements that follow one another.
fn rows(input: &Layout, out: &Array) -> bool {
    out.size() > 1 && input.size() / out.size() > 1 && input.is_contiguous()
}

/// Forgets buffers that are no longer pending; computes all when there are too many of them.
#[cold]
fn prune(most_held: usize) {
    // A buffer whose last handle this is must not be dropped under the lock.
    let alive: Vec<Shared<Buffer>> = list(|w| {
        let all: Vec<Shared<Buffer>> = w.list.iter().filter_map(Weak::upgrade).collect();
        w.list.clear();
        w.list.extend(all.iter().filter(|b| b.present().is_none()).map(Shared::downgrade));
        w.prune_at = (2 * w.list.len()).clamp(64, MOST_PENDING);
        all
    });
    let count = alive.iter().filter(|b| b.present().is_none()).count();
    drop(alive);
    if count >= MOST_PENDING || held_by_all() >= most_held {
        // What cannot be computed stays pending, and says so to whoever reads it.
        let _ = flush();
    }
}

/// The pending buffers, newest first; given one at a time, because whoever holds one makes it be stored.
fn waiting() -> impl Iterator<Item = Shared<Buffer>> {
    let all = list(|w| w.list.clone());
    all.into_iter().rev().filter_map(|w| w.upgrade()).filter(|b| b.present().is_none())
}

/// Computes everything that is pending, in all threads.
///
/// # Errors
/// The first one of an evaluation; the others are evaluated all the same.
pub fn flush() -> Result<()> {
    let mut result = Ok(());
    for b in waiting() {
        result = result.and(evaluate(&b));
    }
    result
}

/// Number of buffers that are pending now, for tests and reports.
pub fn pending_count() -> usize {
    waiting().filter(|b| b.is_pending()).count()
}

/// Computes every pending expression that reads `buffer`, except those of `but`.
pub(crate) fn settle(buffer: &Buffer, but: &[*const Buffer]) -> Result<()> {
    for b in waiting() {
        let p: *const Buffer = &*b;
        if but.contains(&p) {
            continue;
        }
        let reads = match &*b.pending().lock() {
            Some(e) => e.sources.iter().any(|s| match s {
                Source::Array(a) => std::ptr::eq(&**a.buffer(), buffer),
                Source::Scalar(_) => false,
            }),
            None => false,
        };
        if reads {
            evaluate(&b)?;
        }
    }
    Ok(())
}

/// Gives a blank or pending buffer its memory.
pub(crate) fn evaluate(buffer: &Buffer) -> Result<()> {
    // Whoever asks first: the sum is made together with the matrix, and rounds as it does there.
    if let Some(matrix) = summed(buffer) {
        evaluate(&matrix)?;
    }
    let mut done = fuse::Done::default();
    let sum = column_sum(buffer);
    let result = stats::later(|| fuse::evaluate(buffer, buffer.pending().lock(), sum.as_ref(), &mut done));
    // What could not be computed is computed again by whoever asks again, and not by what is pending on it.
    done.settle(result.is_ok().then_some(buffer));
    result
}

/// The pending matrix that is computed of a product and of which this is the sum over the rows.
fn summed(buffer: &Buffer) -> Option<Shared<Buffer>> {
    let matrix = match buffer.pending().lock().as_deref() {
        Some(Expr { kind: Kind::Fold(Fold::Add), sources, .. }) => match &sources[..] {
            [Source::Array(a)] if a.buffer().present().is_none() => a.buffer().clone(),
            _ => return None,
        },
        _ => return None,
    };
    let (layout, dtype) = of_product(&matrix)?;
    let fits = buffer.pending().lock().as_deref().is_some_and(|e| e.is_column_sum(&matrix, &layout, dtype));
    fits.then_some(matrix)
}

/// A pending sum over the rows of a pending matrix that is computed of a product.
fn column_sum(buffer: &Buffer) -> Option<Shared<Buffer>> {
    if buffer.readers().load(Relaxed) == 0 {
        return None;
    }
    let (layout, dtype) = of_product(buffer)?;
    waiting().find(|b| b.pending().lock().as_deref().is_some_and(|e| e.is_column_sum(buffer, &layout, dtype)))
}

/// How a pending matrix lies, and its dtype, if it seems to be computed of a pending product, element by element, and the device
/// could sum it at once.
fn of_product(buffer: &Buffer) -> Option<(Layout, DType)> {
    if !launch::has_family(buffer.device(), Family::Products) {
        return None;
    }
    let mut passed = Vec::new();
    let found = match buffer.pending().lock().as_deref() {
        Some(e) if e.kind == Kind::Map && e.layout.ndim() == 2 => {
            reachable(e, &mut passed);
            Some((e.layout.clone(), e.dtype))
        }
        _ => None,
    };
    let (layout, dtype) = found?;
    let product = |e: &Expr| e.kind == Kind::Product && e.layout == layout && e.dtype == dtype;
    let any = passed.iter().any(|b| b.pending().lock().as_deref().is_some_and(product));
    any.then_some((layout, dtype))
}

/// Runs elementwise work or a reduction now, together with the pending expressions that it reads, into views that exist.
pub(crate) fn run_into(
    op: &'static str,
    kind: Kind,
    program: &Arc<Program>,
    inputs: &[Arg],
    out: &Array,
) -> Result<()> {
    let target = out.buffer();
    let told = match flags::later() {
        Later::Tell(flags) => flags,
        // What this reads was written before.
        Later::Now => {
            for i in inputs {
                if let Arg::Array(a, _) = i {
                    a.buffer().memory()?;
                }
            }
            flags::ALL
        }
    };
    let root = Expr::new(op, kind, program, inputs, out, told);
    if target.readers().load(Relaxed) != 0 {
        // Pending readers of what is overwritten; those that are part of this call run inside it.
        let inside = reachable(&root, &mut Vec::new());
        settle(target, &inside)?;
    }
    let mut done = fuse::Done::default();
    let result = stats::later(|| fuse::run_into(&root, out, &mut done));
    done.settle(None);
    result
}

/// Computes what is pending on these buffers, which were computed just now and are still in the cache, and is much smaller:
/// reductions and parts of them. Waiting longer would gain nothing, and would keep the large memory for the small result.
pub(crate) fn reduce_now(buffers: &[*const Buffer]) {
    for b in waiting() {
        let smaller = b.pending().lock().as_ref().is_some_and(|e| {
            e.sources.iter().any(|s| match s {
                Source::Array(a) => {
                    buffers.contains(&Shared::as_ptr(a.buffer()))
                        && (matches!(e.kind, Kind::Fold(_)) || 4 * b.bytes() <= a.buffer().bytes())
                }
                Source::Scalar(_) => false,
            })
        });
        if smaller {
            // It stays pending if that fails, and says so to whoever reads it.
            let _ = evaluate(&b);
        }
    }
}

/// The pending buffers that an expression depends on. `passed` gets the handles of the way: the last one of a buffer must
/// not be dropped under a lock.
fn reachable(root: &Expr, passed: &mut Vec<Shared<Buffer>>) -> SmallVec<[*const Buffer; 8]> {
    let mut seen: SmallVec<[*const Buffer; 8]> = SmallVec::new();
    let mut todo: Vec<Shared<Buffer>> = Vec::new();
    let add = |e: &Expr, seen: &mut SmallVec<[*const Buffer; 8]>, todo: &mut Vec<Shared<Buffer>>| {
        for s in &e.sources {
            if let Source::Array(a) = s
                && a.buffer().present().is_none()
                && !seen.contains(&Shared::as_ptr(a.buffer()))
            {
                seen.push(Shared::as_ptr(a.buffer()));
                todo.push(a.buffer().clone());
            }
        }
    };
    add(root, &mut seen, &mut todo);
    while let Some(b) = todo.pop() {
        if let Some(e) = &*b.pending().lock() {
            add(e, &mut seen, &mut todo);
        }
        passed.push(b);
    }
    seen
}
