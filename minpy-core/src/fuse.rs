//! What of the pending expressions runs in one kernel: collects a group, joins its programs, runs it.
//!
//! The group of a root grows from the newest expression to the oldest. A member runs inside the root's kernel when each of
//! its elements is needed once and every view on the way can be translated into the root's iteration space; otherwise it is
//! computed first and read from memory. Reductions of the rows of that space run inside it too, and so does what is computed
//! of their results, one number a row (`Work::Rows`): a softmax is one group. Joined programs are kept by the shape of the group, so that a loop builds its
//! program once.

use crate::defer::{self, Expr, Kind, Source};
use crate::device::{DeviceRef, Memory};
use crate::expr::{Builder, E, Node, Program};
use crate::kernel::{Fold, Input, KernelCall, View, Work};
use crate::launch;
use crate::relayout::translate_read;
use crate::{Array, Buffer, DType, Layout, Result, Scalar, profile};
use parking_lot::{MutexGuard, RwLock};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, LazyLock};

/// Expressions in one kernel.
pub(crate) const MOST_MEMBERS: usize = 48;
/// Arrays that one kernel reads: kernels keep a pointer and strides for each.
pub(crate) const MOST_INPUTS: usize = 8;
/// Numbers that one kernel is given.
const MOST_NUMBERS: usize = 16;
/// Arrays that one kernel writes.
const MOST_OUTPUTS: usize = 4;
/// Joined programs that are kept.
const MOST_PROGRAMS: usize = 4096;

type Guard<'a> = MutexGuard<'a, Option<Box<Expr>>>;

/// What is left to do after an evaluation, without any lock.
#[derive(Default)]
pub(crate) struct Done {
    #[allow(clippy::vec_box, reason = "expressions are large, and come boxed")]
    garbage: Vec<Box<Expr>>,
    /// Buffers that were computed and that pending expressions read.
    computed: SmallVec<[*const Buffer; 4]>,
}
impl Done {
    fn note(&mut self, b: &Buffer) {
        if b.readers().load(Relaxed) != 0 {
            self.computed.push(b);
        }
    }
    /// Drops what was let go of, computes the reductions of what was computed.
    pub fn settle(self) -> Result<()> {
        drop(self.garbage);
        if self.computed.is_empty() { Ok(()) } else { defer::reduce_now(&self.computed) }
    }
}

/// An expression inside a group, beside the root.
struct Member<'a> {
    buffer: &'a Arc<Buffer>,
    guard: Guard<'a>,
    /// Its buffer as the root's iteration space sees it.
    view: Seen<'a>,
    /// What it reads, translated into the root's iteration space; `None` for numbers.
    reads: Reads<'a>,
    /// Somebody outside the group refers to its buffer: the values are stored.
    stored: bool,
    /// One value a row.
    row: bool,
}
type Seen<'a> = Cow<'a, Layout>;
type Reads<'a> = SmallVec<[Option<Seen<'a>>; 2]>;

impl Member<'_> {
    fn expr(&self) -> &Expr {
        self.guard.as_ref().expect("a member is pending")
    }
}

/// A pending buffer that the group reads, not decided yet.
struct Candidate<'a> {
    buffer: &'a Arc<Buffer>,
    /// Number of its expression; 0 when it is no longer pending.
    number: u64,
    view: Seen<'a>,
    dtype: DType,
    /// References to the buffer that the group itself holds.
    held: usize,
    /// It is read through different views.
    mixed: bool,
}

/// Lengthens the life of a borrow of something that a locked expression of the group keeps alive.
///
/// # Safety
/// The expression that holds `x` must not change or go away before the group does: it is the root, which the caller
/// holds, or a member, whose lock the group holds.
unsafe fn kept<'a, T>(x: &T) -> &'a T {
    // SAFETY: the caller's promise.
    unsafe { &*std::ptr::from_ref(x) }
}

struct Group<'a> {
    root: &'a Expr,
    device: DeviceRef,
    /// Newest first.
    members: SmallVec<[Member<'a>; 8]>,
    /// How many members are allowed, the root included.
    most: usize,
    /// Number of trailing axes of the iteration space that are a row, once that is settled.
    inner: Option<usize>,
}

/// How a candidate runs inside the root's kernel.
struct Fit<'a> {
    reads: Reads<'a>,
    stored: bool,
    row: bool,
    inner: Option<usize>,
}

/// Elements of a row that a kernel may have to keep in cache.
const MOST_COLUMNS: usize = 1 << 15;
/// Rows below which a kernel over rows leaves threads idle.
const LEAST_ROWS: usize = 16;

impl<'a> Group<'a> {
    /// Decides what runs in the root's kernel; computes what does not and has to be there.
    fn collect(root: &'a Expr, device: DeviceRef, most: usize, done: &mut Done) -> Result<Group<'a>> {
        let mut g = Group { root, device, members: SmallVec::new(), most, inner: None };
        if let Kind::Fold(_) = root.kind {
            g.inner = Some(g.space().len() - root.layout.ndim());
        }
        let mut todo: SmallVec<[Candidate<'a>; 8]> = SmallVec::new();
        let mut sizes = Sizes::default();
        let whole: Reads<'a> = root.sources.iter().map(|s| layout_of(s).map(Cow::Borrowed)).collect();
        g.consider(root, &whole, &mut todo, &mut sizes);
        sizes.outputs = 1;
        loop {
            let Some(next) = (0..todo.len()).max_by_key(|&i| todo[i].number) else { return Ok(g) };
            let c = todo.swap_remove(next);
            let guard = c.buffer.pending().lock();
            // Computed meanwhile, by another thread or because another member needed it.
            if c.buffer.present().is_some() {
                continue;
            }
            // SAFETY: the expression stays as it is as long as the guard lives, which becomes part of the group; or else the
            // borrow ends with this turn.
            let e: Option<&'a Expr> = unsafe { guard.as_deref().map(|e| kept(e)) };
            match e.and_then(|e| g.fits(&c, e, &sizes).map(|f| (e, f))) {
                Some((e, Fit { reads, stored, row, inner })) => {
                    g.consider(e, &reads, &mut todo, &mut sizes);
                    sizes.pending -= 1;
                    sizes.outputs += stored as usize;
                    g.inner = inner;
                    g.members.push(Member { buffer: c.buffer, guard, view: c.view, reads, stored, row });
                }
                None => evaluate(c.buffer, guard, done)?,
            }
        }
    }
    /// Notes what an expression reads.
    fn consider(
        &self,
        e: &'a Expr,
        reads: &[Option<Seen<'a>>],
        todo: &mut SmallVec<[Candidate<'a>; 8]>,
        sizes: &mut Sizes<'a>,
    ) {
        for (s, view) in e.sources.iter().zip(reads) {
            let (Source::Array(a), Some(view)) = (s, view) else {
                sizes.numbers += 1;
                continue;
            };
            if a.buffer().present().is_some() {
                sizes.read(a, view);
                continue;
            }
            match todo.iter_mut().find(|c| Arc::ptr_eq(c.buffer, a.buffer())) {
                Some(c) => {
                    c.held += 1;
                    c.mixed |= c.view != *view || c.dtype != a.dtype();
                }
                None => {
                    sizes.pending += 1;
                    let number = a.buffer().pending().lock().as_ref().map_or(0, |e| e.number);
                    todo.push(Candidate {
                        buffer: a.buffer(),
                        number,
                        view: view.clone(),
                        dtype: a.dtype(),
                        held: 1,
                        mixed: false,
                    });
                }
            }
        }
    }
    /// Sizes of the root's iteration space.
    fn space(&self) -> &[usize] {
        match (
            self.root.kind,
            self.root.sources.iter().find_map(|s| if let Source::Array(a) = s { Some(a) } else { None }),
        ) {
            (Kind::Fold(_), Some(a)) => a.shape(),
            _ => self.root.layout.shape(),
        }
    }
    /// Whether the device can run this space row by row, and does so well.
    fn rows_fit(&self, inner: usize) -> bool {
        let (outer, row) = self.space().split_at(self.space().len() - inner);
        let (rows, columns) = (outer.iter().product::<usize>(), row.iter().product::<usize>());
        inner > 0
            && columns <= MOST_COLUMNS
            && (rows >= LEAST_ROWS || rows * columns <= MOST_COLUMNS)
            && launch::has_rows(self.device)
    }
    /// Whether a candidate can be a member, and how.
    fn fits(&self, c: &Candidate<'a>, e: &'a Expr, sizes: &Sizes<'a>) -> Option<Fit<'a>> {
        // More references than the group holds: somebody may ask for the values.
        let stored = Arc::strong_count(c.buffer) > c.held;
        if c.mixed
            || c.dtype != e.dtype
            || c.buffer.device() != self.device
            || self.members.len() + 1 >= self.most
            || stored && sizes.outputs >= MOST_OUTPUTS
        {
            return None;
        }
        let (row, inner) = match e.kind {
            Kind::Map if self.sees_whole(c, e, stored) => (false, self.inner),
            _ => (true, Some(self.sees_row(c, e)?)),
        };
        let needs_rows = matches!(e.kind, Kind::Fold(_)) || stored && (row || self.root.kind != Kind::Map);
        if needs_rows && !inner.is_some_and(|i| self.rows_fit(i)) {
            return None;
        }
        let mut reads: Reads<'a> = Reads::new();
        for s in &e.sources {
            reads.push(match s {
                Source::Scalar(_) => None,
                // A fold has the root's iteration space; so has what is seen as it lies.
                Source::Array(a) if matches!(e.kind, Kind::Fold(_)) || *c.view == e.layout => {
                    Some(Cow::Borrowed(a.layout()))
                }
                Source::Array(a) => Some(Cow::Owned(translate_read(&c.view, &e.layout, a.layout())?)),
            });
        }
        sizes.room(&e.sources, &reads).then_some(Fit { reads, stored, row, inner })
    }
    /// Every element of the candidate, or of the part of it that is needed at all, is needed once.
    fn sees_whole(&self, c: &Candidate, e: &Expr, stored: bool) -> bool {
        let once = c.view.size() == e.layout.size() || !stored && c.view.size() < e.layout.size();
        *c.view == e.layout || once && c.view.is_injective() && !uses_index(&e.program)
    }
    /// Each element of the candidate is needed in one row, and in all of it: the number of axes of a row.
    fn sees_row(&self, c: &Candidate, e: &Expr) -> Option<usize> {
        let (space, strides) = (self.space(), c.view.strides());
        let fixed = |d: &usize| space[*d] == 1 || strides[*d] == 0;
        let inner = match (self.inner, e.kind) {
            (Some(i), _) => i,
            (None, Kind::Fold(_)) => space.len() - e.layout.ndim().min(space.len()),
            (None, Kind::Map) => (0..space.len()).rev().take_while(fixed).count(),
        };
        let outer = space.len() - inner;
        if inner == 0 || c.view.shape() != space || !(outer..space.len()).all(|d| fixed(&d)) {
            return None;
        }
        let seen = Layout::new(&space[..outer], &strides[..outer], c.view.offset());
        let fits = match e.kind {
            Kind::Map => seen.size() == e.layout.size() && seen.is_injective() && !uses_index(&e.program),
            // The same rows in the same order.
            Kind::Fold(_) => {
                let same = |d: usize| space[d] == 1 || strides[d] == e.layout.strides()[d];
                let of = |s: &Source| {
                    matches!(s, Source::Scalar(_)) || layout_of(s).is_some_and(|l| l.shape() == space)
                };
                e.layout.ndim() == outer
                    && c.view.offset() == e.layout.offset()
                    && e.layout.shape() == &space[..outer]
                    && (0..outer).all(same)
                    && e.dtype != DType::F16
                    && e.sources.iter().all(of)
            }
        };
        fits.then_some(inner)
    }
    /// Whether this is work on rows, and not merely elementwise or a reduction.
    fn needs_rows(&self) -> bool {
        let map = self.root.kind == Kind::Map;
        self.members.iter().any(|m| matches!(m.expr().kind, Kind::Fold(_)) || m.stored && (m.row || !map))
    }
    /// What a member reads from memory, as the root's iteration space sees it.
    fn arrays_of<'m>(&'m self, m: &'m Member<'a>) -> impl Iterator<Item = (&'m Array, &'m Layout)> {
        m.expr().sources.iter().zip(&m.reads).filter_map(|(s, l)| match (s, l) {
            (Source::Array(a), Some(l)) if self.position(a.buffer()).is_none() => Some((a, &**l)),
            _ => None,
        })
    }
    fn position(&self, buffer: &Arc<Buffer>) -> Option<usize> {
        self.members.iter().position(|m| Arc::ptr_eq(m.buffer, buffer))
    }
}

fn view<'x>(a: &'x Array, l: &'x Layout) -> Result<View<'x>> {
    let memory = a.buffer().memory()?;
    Ok(View { memory, dtype: a.dtype(), shape: l.shape(), strides: l.strides(), offset: l.offset() })
}
fn layout_of(s: &Source) -> Option<&Layout> {
    match s {
        Source::Array(a) => Some(a.layout()),
        Source::Scalar(_) => None,
    }
}
fn uses_index(p: &Program) -> bool {
    p.nodes().iter().any(|(n, _)| *n == Node::Index)
}

/// What the kernel will have to hold.
#[derive(Default)]
struct Sizes<'a> {
    /// Different views that are read from memory.
    arrays: SmallVec<[(*const Buffer, Seen<'a>); 8]>,
    /// Pending buffers that may become arrays.
    pending: usize,
    numbers: usize,
    outputs: usize,
}
impl<'a> Sizes<'a> {
    fn knows(&self, a: &Array, view: &Layout) -> bool {
        let b = Arc::as_ptr(a.buffer());
        self.arrays.iter().any(|(x, l)| *x == b && **l == *view)
    }
    fn read(&mut self, a: &Array, view: &Seen<'a>) {
        if !self.knows(a, view) {
            self.arrays.push((Arc::as_ptr(a.buffer()), view.clone()));
        }
    }
    /// Whether another expression with these sources still has room.
    fn room(&self, sources: &[Source], reads: &Reads) -> bool {
        let (mut arrays, mut numbers) = (self.arrays.len() + self.pending - 1, self.numbers);
        for (s, l) in sources.iter().zip(reads) {
            match (s, l) {
                (Source::Array(a), Some(l)) => {
                    arrays += (a.buffer().present().is_none() || !self.knows(a, l)) as usize;
                }
                _ => numbers += 1,
            }
        }
        arrays <= MOST_INPUTS && numbers <= MOST_NUMBERS
    }
}

/// What a joined program depends on: for each expression, oldest first, its program, where each input comes from, and
/// whether it is stored.
type Key = SmallVec<[u32; 32]>;
static PROGRAMS: LazyLock<RwLock<FxHashMap<Key, Arc<Program>>>> = LazyLock::new(Default::default);

/// Where an input comes from, as a part of the key.
#[derive(Clone, Copy)]
enum From {
    Array(usize),
    Number(usize),
    /// A power of two: part of the program, because a CPU multiplies where a program divides by it.
    Constant(Scalar, i32),
    Member(usize),
}

/// Sign and exponent of a number of float32 or float64 that is a power of two of moderate size: few, so that few programs
/// are made for them.
fn power_of_two(s: &Scalar) -> Option<i32> {
    let x: f64 = match s.dtype() {
        DType::F32 => s.get::<f32>()?.into(),
        DType::F64 => s.get()?,
        _ => return None,
    };
    let exponent = (x.to_bits() >> 52 & 0x7ff) as i32 - 1023;
    let power = x.to_bits() << 12 == 0 && (-16..=16).contains(&exponent);
    power.then_some((exponent + 16) * 2 + (x < 0.0) as i32)
}

/// The inputs of a group's kernel and how its programs are wired.
struct Joined<'g> {
    key: Key,
    inputs: SmallVec<[(&'g Array, &'g Layout); 8]>,
    numbers: SmallVec<[Scalar; 8]>,
    wiring: SmallVec<[SmallVec<[From; 3]>; 8]>,
}

impl<'a> Group<'a> {
    /// Expressions oldest first, the root last.
    fn expressions(&self) -> impl Iterator<Item = (&Expr, Option<&Member<'a>>)> {
        self.members.iter().rev().map(|m| (m.expr(), Some(m))).chain(std::iter::once((self.root, None)))
    }
    /// The fold that is a node of the joined program. That of the root is none, unless the work is on rows.
    fn folds(&self, e: &Expr, root: bool) -> Option<Fold> {
        match e.kind {
            Kind::Fold(f) if !root || self.needs_rows() => Some(f),
            _ => None,
        }
    }
    fn join(&self) -> Joined<'_> {
        let mut j = Joined {
            key: Key::new(),
            inputs: SmallVec::new(),
            numbers: SmallVec::new(),
            wiring: SmallVec::new(),
        };
        let count = self.members.len();
        for (e, m) in self.expressions() {
            j.key.push(e.program.id());
            // Reductions share programs.
            j.key.push(
                m.is_none_or(|m| m.stored) as u32
                    | self.folds(e, m.is_none()).map_or(0, |f| 2 + 2 * f as u32),
            );
            let mut wires = SmallVec::new();
            for (k, s) in e.sources.iter().enumerate() {
                let from = match s {
                    Source::Scalar(s)
                        if self.device.is_host()
                            && let Some(code) = power_of_two(s) =>
                    {
                        From::Constant(*s, code)
                    }
                    Source::Scalar(s) => {
                        j.numbers.push(*s);
                        From::Number(j.numbers.len() - 1)
                    }
                    Source::Array(a) => match self.position(a.buffer()) {
                        Some(p) => From::Member(count - 1 - p),
                        None => {
                            let layout = match m {
                                Some(m) => m.reads[k].as_ref().expect("an array is read through a layout"),
                                None => a.layout(),
                            };
                            let same = |(x, l): &(&Array, &Layout)| {
                                Arc::ptr_eq(x.buffer(), a.buffer()) && x.dtype() == a.dtype() && *l == layout
                            };
                            From::Array(j.inputs.iter().position(same).unwrap_or_else(|| {
                                j.inputs.push((a, layout));
                                j.inputs.len() - 1
                            }))
                        }
                    },
                };
                j.key.push(match from {
                    From::Array(i) => i as u32,
                    From::Number(i) => 1 << 16 | i as u32,
                    From::Member(i) => 2 << 16 | i as u32,
                    From::Constant(_, code) => 3 << 16 | code as u32 & 0xffff,
                });
                wires.push(from);
            }
            j.wiring.push(wires);
        }
        j
    }
    /// The program of the whole group: outputs are the root, then the stored members, oldest first.
    fn program(&self, j: &Joined) -> Arc<Program> {
        if let Some(p) = PROGRAMS.read().get(&j.key) {
            return p.clone();
        }
        let b = Builder::new();
        // Arrays first, then numbers: the kernel's inputs come in this order.
        let arrays: SmallVec<[E; 8]> = j.inputs.iter().map(|(a, _)| b.input(a.dtype())).collect();
        let numbers: SmallVec<[E; 8]> = j.numbers.iter().map(|s| b.input(s.dtype())).collect();
        let scalars = (0..numbers.len()).fold(0, |m, i| m | 1 << (arrays.len() + i));
        let mut values: SmallVec<[E; 16]> = SmallVec::new();
        let mut outputs: SmallVec<[u16; 4]> = SmallVec::new();
        let mut name = String::new();
        for ((e, m), wires) in self.expressions().zip(&j.wiring) {
            let arguments: SmallVec<[E; 4]> = wires
                .iter()
                .map(|w| match *w {
                    From::Array(i) => arrays[i],
                    From::Number(i) => numbers[i],
                    From::Constant(s, _) => b.constant(s),
                    From::Member(i) => values[i],
                })
                .collect();
            let mut value = e.program.inline(&b, &arguments).expect("dispatch has typed every expression")[0];
            if let Some(f) = self.folds(e, m.is_none()) {
                value = value.fold(f);
            }
            values.push(value);
            if m.is_some_and(|m| m.stored) {
                outputs.push(value.id());
            }
            name.push_str(if name.is_empty() { "" } else { "+" });
            name.push_str(e.op);
        }
        outputs.insert(0, values[values.len() - 1].id());
        let p = Arc::new(b.finish(&name, &outputs, scalars));
        let mut all = PROGRAMS.write();
        if all.len() >= MOST_PROGRAMS {
            all.clear();
        }
        all.entry(j.key.clone()).or_insert(p).clone()
    }
    /// Runs the group: `out` is the root's view, `stored` the memory of the stored members, oldest first.
    fn run(&self, out: View, stored: &[Memory]) -> Result<()> {
        let mut inputs: SmallVec<[Input; 8]> = SmallVec::new();
        let program = if self.members.is_empty() {
            for s in &self.root.sources {
                inputs.push(match s {
                    Source::Scalar(s) => Input::Scalar(*s),
                    Source::Array(a) => Input::View(view(a, a.layout())?),
                });
            }
            self.root.program.clone()
        } else {
            let j = self.join();
            for (a, l) in &j.inputs {
                inputs.push(Input::View(view(a, l)?));
            }
            inputs.extend(j.numbers.iter().map(|s| Input::Scalar(*s)));
            self.program(&j)
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
        let work = match self.inner {
            Some(inner) if self.needs_rows() => Work::Rows { inner },
            _ => self.root.kind.work(),
        };
        let call = KernelCall {
            op: self.root.op,
            work: &work,
            program: Some(&program),
            inputs: &inputs,
            outputs: &outputs,
        };
        // What a device cannot do as a whole it may do in parts: only an expression alone goes to the host.
        let alone = self.members.is_empty();
        profile::timed(&call, self.device, self.members.len() + 1, || match alone {
            true => launch::run_kernel(&call, self.device),
            false => launch::run_on_device(&call, self.device),
        })
    }
    /// An array that only this group reads, as large as the result and laid out like it: its memory becomes the result's,
    /// each element being read before it is overwritten.
    fn donor(&self, result: &Buffer) -> Option<Donor<'_>> {
        let sources =
            || self.expressions().flat_map(|(e, m)| e.sources.iter().zip(0..).map(move |(s, k)| (s, m, k)));
        // Rows are read more than once.
        if self.root.kind != Kind::Map || self.needs_rows() {
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
                Source::Array(x) if Arc::ptr_eq(x.buffer(), b) => {
                    reads += 1;
                    let view = m.map_or(Some(x.layout()), |m| m.reads[k].as_deref());
                    view == Some(&self.root.layout)
                }
                _ => true,
            });
            (fits && Arc::strong_count(b) == reads).then_some(Donor { buffer: b, memory })
        })
    }
    /// Memory for the stored members, oldest first.
    fn allocate(&self) -> Result<Fresh> {
        let mut fresh = Fresh { device: self.device, memory: SmallVec::new() };
        for m in self.members.iter().rev().filter(|m| m.stored) {
            fresh.memory.push(self.device.allocate(m.buffer.bytes())?);
        }
        Ok(fresh)
    }
    /// The stored members have their values now.
    fn finish(mut self, mut fresh: Fresh, done: &mut Done) {
        let memory = std::mem::take(&mut fresh.memory);
        for (m, memory) in self.members.iter_mut().rev().filter(|m| m.stored).zip(memory) {
            m.buffer.fulfil(memory);
            done.note(m.buffer);
            done.garbage.extend(m.guard.take());
        }
    }
}

/// See `Group::donor`.
struct Donor<'g> {
    buffer: &'g Arc<Buffer>,
    memory: Memory,
}

/// Memory that is given back unless the group ran.
struct Fresh {
    device: DeviceRef,
    memory: SmallVec<[Memory; 4]>,
}
impl Drop for Fresh {
    fn drop(&mut self) {
        self.memory.drain(..).for_each(|m| self.device.free(m));
    }
}

/// Computes a pending buffer whose lock is given; gives a blank one memory.
pub(crate) fn evaluate(buffer: &Buffer, mut guard: Guard, done: &mut Done) -> Result<()> {
    if buffer.present().is_some() {
        return Ok(());
    }
    let device = buffer.device();
    let mut fresh = Fresh { device, memory: SmallVec::new() };
    let memory = match guard.as_ref() {
        None => device.allocate(buffer.bytes())?,
        Some(root) => {
            let mut group = Group::collect(root, device, MOST_MEMBERS, done)?;
            let memory = match group.donor(buffer) {
                Some(d) => d.memory,
                None => {
                    fresh.memory.push(device.allocate(buffer.bytes())?);
                    fresh.memory[0]
                }
            };
            let l = &root.layout;
            let out = View {
                memory: &memory,
                dtype: root.dtype,
                shape: l.shape(),
                strides: l.strides(),
                offset: 0,
            };
            let mut stored = group.allocate()?;
            let mut result = group.run(out, &stored.memory);
            if matches!(&result, Err(e) if e.kind() == crate::ErrorKind::Unsupported)
                && !group.members.is_empty()
            {
                // Something in the group is not for this device: each expression finds its own way.
                drop((group, stored));
                group = Group::collect(root, device, 1, done)?;
                stored = group.allocate()?;
                result = group.run(out, &[]);
            }
            result?;
            if fresh.memory.is_empty()
                && let Some(d) = group.donor(buffer)
            {
                d.buffer.donate();
            }
            group.finish(stored, done);
            memory
        }
    };
    fresh.memory.clear();
    buffer.fulfil(memory);
    done.garbage.extend(guard.take());
    done.note(buffer);
    Ok(())
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
        let same = same && Arc::ptr_eq(a.buffer(), out.buffer()) && l.is_injective();
        !same && a.view(l.clone()).may_share_memory(out)
    };
    let rows = group.needs_rows()
        && root.sources.iter().any(|s| matches!(s, Source::Array(a) if a.may_share_memory(out)));
    if rows || group.members.iter().any(|m| group.arrays_of(m).any(|(a, l)| disturbed(a, l))) {
        drop(group);
        group = Group::collect(root, device, 1, done)?;
    }
    let l = out.layout();
    let view =
        View { memory, dtype: out.dtype(), shape: l.shape(), strides: l.strides(), offset: l.offset() };
    let stored = group.allocate()?;
    match group.run(view, &stored.memory) {
        Ok(()) => {
            group.finish(stored, done);
            Ok(())
        }
        Err(e) if e.kind() == crate::ErrorKind::Unsupported && !group.members.is_empty() => {
            drop((group, stored));
            Group::collect(root, device, 1, done)?.run(view, &[])
        }
        Err(e) => Err(e),
    }
}
