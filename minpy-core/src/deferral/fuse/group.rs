//! Which of the pending expressions run inside the root's kernel: the group grows from the newest to the oldest.

use super::{Done, Guard, evaluate};
use crate::defer::{Expr, Kind, Source};
use crate::device::DeviceRef;
use crate::expr::{Node, Program};
use crate::kernel::Family;
use crate::launch;
use crate::relayout::translate_read;
use crate::shared::Shared;
use crate::{Array, Buffer, DType, Layout, Result};
use smallvec::SmallVec;
use std::borrow::Cow;

/// Expressions in one kernel.
pub(crate) const MOST_MEMBERS: usize = 48;
/// Arrays that one kernel reads: kernels keep a pointer and strides for each.
pub(crate) const MOST_INPUTS: usize = 8;
/// Numbers that one kernel is given.
const MOST_NUMBERS: usize = 16;
/// Arrays that one kernel writes.
const MOST_OUTPUTS: usize = 4;

/// An expression inside a group, beside the root.
pub(super) struct Member<'a> {
    pub buffer: &'a Shared<Buffer>,
    pub guard: Guard<'a>,
    /// Its buffer as the root's iteration space sees it.
    pub view: Seen<'a>,
    /// What it reads, translated into the root's iteration space; `None` for numbers and for the matrices of a product.
    pub reads: Reads<'a>,
    /// Somebody outside the group refers to its buffer: the values are stored.
    pub stored: bool,
    /// One value a row.
    pub row: bool,
}
pub(super) type Seen<'a> = Cow<'a, Layout>;
pub(super) type Reads<'a> = SmallVec<[Option<Seen<'a>>; 2]>;

impl Member<'_> {
    #[expect(
        clippy::expect_used,
        reason = "a buffer joins a group while it is pending, and its lock is held since"
    )]
    pub(super) fn expr(&self) -> &Expr {
        self.guard.as_ref().expect("a member is pending")
    }
}

/// A pending buffer that the group reads, not decided yet.
struct Candidate<'a> {
    buffer: &'a Shared<Buffer>,
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

pub(super) struct Group<'a> {
    pub root: &'a Expr,
    pub device: DeviceRef,
    /// Newest first.
    pub members: SmallVec<[Member<'a>; 8]>,
    /// How many members are allowed, the root included.
    most: usize,
    /// Number of trailing axes of the iteration space that are a row, once that is settled.
    pub inner: Option<usize>,
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

impl Drop for Group<'_> {
    fn drop(&mut self) {
        // Oldest first: the expression of a newer one keeps an older one's buffer, and with it its lock, alive.
        while self.members.pop().is_some() {}
    }
}

impl<'a> Group<'a> {
    /// Decides what runs in the root's kernel; computes what does not and has to be there.
    pub(super) fn collect(
        root: &'a Expr,
        device: DeviceRef,
        most: usize,
        done: &mut Done,
    ) -> Result<Group<'a>> {
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
                None => evaluate(c.buffer, guard, None, done)?,
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
            let (a, view) = match (s, view) {
                (Source::Array(a), Some(view)) => (a, view),
                // A matrix, which is in memory: products wait for no operands.
                (Source::Array(a), None) => {
                    sizes.read(a, &Cow::Borrowed(a.layout()));
                    continue;
                }
                (Source::Scalar(_), _) => {
                    sizes.numbers += 1;
                    continue;
                }
            };
            if a.buffer().present().is_some() {
                sizes.read(a, view);
                continue;
            }
            match todo.iter_mut().find(|c| Shared::ptr_eq(c.buffer, a.buffer())) {
                Some(c) => {
                    c.held += 1;
                    // It will be computed first, and each view of it be an array of the kernel.
                    if c.view != *view || c.dtype != a.dtype() {
                        c.mixed = true;
                        sizes.pending += 1;
                    }
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
            && launch::has_family(self.device, Family::Rows)
    }
    /// Whether a candidate can be a member, and how.
    fn fits(&self, c: &Candidate<'a>, e: &'a Expr, sizes: &Sizes<'a>) -> Option<Fit<'a>> {
        // More references than the group holds: somebody may ask for the values.
        let stored = Buffer::is_wanted(c.buffer, c.held);
        if c.mixed
            || e.grouped != self.root.grouped
            || c.dtype != e.dtype
            || c.buffer.device() != self.device
            || self.members.len() + 1 >= self.most
            || stored && sizes.outputs >= MOST_OUTPUTS
        {
            return None;
        }
        let (row, inner) = match e.kind {
            Kind::Product if self.ends_in(c, e) => (false, None),
            Kind::Product => return None,
            Kind::Map if self.sees_whole(c, e, stored) => (false, self.inner),
            // What is the same along a row, and no fold makes it so, is cheaper computed once than in every element.
            Kind::Map if !has_fold(e) => return None,
            _ => (true, Some(self.sees_row(c, e)?)),
        };
        let needs_rows = row || stored && self.root.kind != Kind::Map;
        // What is stored beside a sum over columns would be written column by column.
        if needs_rows && !row && !lies_in_rows(&c.view) {
            return None;
        }
        if needs_rows && (self.product().is_some() || !inner.is_some_and(|i| self.rows_fit(i))) {
            return None;
        }
        let mut reads: Reads<'a> = Reads::new();
        for s in &e.sources {
            reads.push(match s {
                Source::Scalar(_) => None,
                // Matrices are not read element by element.
                Source::Array(_) if e.kind == Kind::Product => None,
                // A fold has the root's iteration space; so has what is seen as it lies.
                Source::Array(a) if matches!(e.kind, Kind::Fold(_)) || *c.view == e.layout => {
                    Some(Cow::Borrowed(a.layout()))
                }
                Source::Array(a) => Some(Cow::Owned(translate_read(&c.view, &e.layout, a.layout())?)),
            });
        }
        sizes.room(&e.sources, &reads).then_some(Fit { reads, stored, row, inner })
    }
    /// The root is computed of a product, element by element, in the memory that the product is computed in.
    fn ends_in(&self, c: &Candidate, e: &Expr) -> bool {
        self.root.kind == Kind::Map
            && self.inner.is_none()
            && self.product().is_none()
            && e.dtype == self.root.dtype
            && *c.view == e.layout
            && launch::has_family(self.device, Family::Epilogue)
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
            (None, _) => (0..space.len()).rev().take_while(fixed).count(),
        };
        let outer = space.len() - inner;
        if inner == 0 || c.view.shape() != space || !(outer..space.len()).all(|d| fixed(&d)) {
            return None;
        }
        let seen = Layout::new(&space[..outer], &strides[..outer], c.view.offset());
        let fits = match e.kind {
            Kind::Product => false,
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
    pub(super) fn needs_rows(&self) -> bool {
        let map = self.root.kind == Kind::Map;
        self.members.iter().any(|m| matches!(m.expr().kind, Kind::Fold(_)) || m.stored && (m.row || !map))
    }
    /// The product of which the rest of the group is computed.
    pub(super) fn product(&self) -> Option<&Member<'a>> {
        self.members.iter().find(|m| m.expr().kind == Kind::Product)
    }
    /// What a member reads from memory element by element, as the root's iteration space sees it.
    pub(super) fn arrays_of<'m>(
        &'m self,
        m: &'m Member<'a>,
    ) -> impl Iterator<Item = (&'m Array, &'m Layout)> {
        m.expr().sources.iter().zip(&m.reads).filter_map(|(s, l)| match (s, l) {
            (Source::Array(a), Some(l)) if self.position(a.buffer()).is_none() => Some((a, &**l)),
            _ => None,
        })
    }
    pub(super) fn position(&self, buffer: &Shared<Buffer>) -> Option<usize> {
        self.members.iter().position(|m| Shared::ptr_eq(m.buffer, buffer))
    }
}

/// Whether elements of the last axis follow one another.
fn lies_in_rows(l: &Layout) -> bool {
    match (l.shape().last(), l.strides().last()) {
        (Some(&n), Some(&s)) => n == 1 || s == 1,
        _ => true,
    }
}
fn layout_of(s: &Source) -> Option<&Layout> {
    match s {
        Source::Array(a) => Some(a.layout()),
        Source::Scalar(_) => None,
    }
}
/// Whether a pending reduction is part of what the expression computes.
fn has_fold(e: &Expr) -> bool {
    matches!(e.kind, Kind::Fold(_)) && e.dtype != DType::F16
        || e.sources.iter().any(|s| match s {
            // Older than what is locked: the order of locks is kept.
            Source::Array(a) if a.buffer().present().is_none() => {
                a.buffer().pending().lock().as_deref().is_some_and(has_fold)
            }
            _ => false,
        })
}
fn uses_index(p: &Program) -> bool {
    p.nodes().iter().any(|(n, _)| *n == Node::Index)
}

/// What the kernel will have to hold.
#[derive(Default)]
struct Sizes<'a> {
    /// Different views that are read from memory.
    arrays: SmallVec<[(*const Buffer, DType, Seen<'a>); 8]>,
    /// Pending buffers that may become arrays.
    pending: usize,
    numbers: usize,
    outputs: usize,
}
impl<'a> Sizes<'a> {
    fn knows(&self, a: &Array, view: &Layout) -> bool {
        let b = Shared::as_ptr(a.buffer());
        self.arrays.iter().any(|(x, d, l)| *x == b && *d == a.dtype() && **l == *view)
    }
    fn read(&mut self, a: &Array, view: &Seen<'a>) {
        if !self.knows(a, view) {
            self.arrays.push((Shared::as_ptr(a.buffer()), a.dtype(), view.clone()));
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
                (Source::Array(_), None) => arrays += 1,
                (Source::Scalar(_), _) => numbers += 1,
            }
        }
        arrays <= MOST_INPUTS && numbers <= MOST_NUMBERS
    }
}
