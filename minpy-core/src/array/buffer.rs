//! Buffers: memory with shared ownership, which any number of views look at.
//!
//! A buffer carries what must be known once per memory and not once per handle: its version (raised by every
//! in-place write), its node on a tape, whether somebody outside the library can write it, and, when its contents have
//! not been computed yet, the expression that they are (`defer.rs`).
//! `Buffer::memory` is the only way to the memory, and the place where a pending expression is evaluated.

use super::late::Late;
use super::shared::Shared;
use crate::defer::{self, Expr};
use crate::device::{DeviceRef, Memory};
use crate::{Result, bail};
use parking_lot::Mutex;
use std::any::Any;
use std::cell::Cell;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// Somebody outside (NumPy, DLPack) can read or write the memory, for good: see design.md section 10.
const SHARED: u32 = 1;
/// Writes are refused (imported from a read-only NumPy array).
const READ_ONLY: u32 = 2;
/// Stands for a value while a program is traced: it has no memory of its own and never computes any.
const PLACEHOLDER: u32 = 4;
/// The memory went to another buffer: not freed here.
const DONATED: u32 = 8;
/// The contents were computed in a register of a group and are not wanted any more: nobody had a handle.
const CONSUMED: u32 = 16;

/// Shared memory on one device.
pub struct Buffer {
    memory: Late<Memory>,
    /// What the contents will be. While it is there the buffer has no memory.
    pending: Mutex<Option<Box<Expr>>>,
    /// How many pending expressions read this buffer: a write evaluates them first.
    readers: AtomicU32,
    /// How many windows to the memory are open outside.
    lent: AtomicU32,
    bytes: usize,
    device: DeviceRef,
    version: AtomicU32,
    flags: AtomicU32,
    /// Owned by the recorder: tape and node that wrote the present contents; 0 when nothing is recorded.
    node: AtomicU64,
    /// Owned by the recorder: head of the list of a tape's saves of the present contents; 0 when there are none.
    saves: AtomicU64,
    /// Keeps foreign memory, or the arena of a memory plan, alive; such memory is not freed by the device.
    owner: Option<Box<dyn Any + Send + Sync>>,
}

impl Buffer {
    #[inline]
    fn build(
        device: DeviceRef,
        memory: Late<Memory>,
        bytes: usize,
        owner: Option<Box<dyn Any + Send + Sync>>,
    ) -> Shared<Buffer> {
        // Written where it stays. A buffer is made in every call, and one that is moved there is read in wider pieces than it
        // was just written in, for which a processor waits.
        // SAFETY: all of it is written.
        unsafe {
            Shared::written(|to: *mut Buffer| {
                to.write(Buffer {
                    memory,
                    pending: Mutex::new(None),
                    readers: AtomicU32::new(0),
                    lent: AtomicU32::new(0),
                    bytes,
                    device,
                    version: AtomicU32::new(0),
                    flags: AtomicU32::new(0),
                    node: AtomicU64::new(0),
                    saves: AtomicU64::new(0),
                    owner,
                });
            })
        }
    }
    /// Fresh memory of `bytes`, contents undefined.
    #[inline]
    pub fn allocate(device: DeviceRef, bytes: usize) -> Result<Shared<Buffer>> {
        let memory = device.allocate(bytes)?;
        // Word by word, as the device has just written it: see `build`.
        // SAFETY: reads of a local.
        let word = |w: &usize| unsafe { std::ptr::read_volatile(w) };
        let memory =
            Memory { handle: word(&memory.handle), offset: word(&memory.offset), bytes: word(&memory.bytes) };
        Ok(Buffer::build(device, Late::there(memory), bytes, None))
    }
    /// Memory of `bytes` that is allocated when somebody asks for it. An expression may be deferred into it until then.
    #[inline]
    pub fn lazy(device: DeviceRef, bytes: usize) -> Shared<Buffer> {
        Buffer::build(device, Late::empty(), bytes, None)
    }
    /// Memory that belongs to somebody else, kept alive by `owner`.
    ///
    /// # Safety
    /// `memory` must be valid on `device`, for reads and (unless `read_only`) writes, as long as `owner` lives.
    pub unsafe fn foreign(
        device: DeviceRef,
        memory: Memory,
        owner: Box<dyn Any + Send + Sync>,
        shared: bool,
        read_only: bool,
    ) -> Shared<Buffer> {
        let b = Buffer::build(device, Late::there(memory), memory.bytes, Some(owner));
        b.flags.store(if shared { SHARED } else { 0 } | if read_only { READ_ONLY } else { 0 }, Relaxed);
        b
    }
    /// A buffer whose memory is only a number: see `fuse::grouped`.
    pub(crate) fn numbered(device: DeviceRef, memory: Memory) -> Shared<Buffer> {
        let b = Buffer::build(device, Late::there(memory), memory.bytes, None);
        b.donate();
        b
    }
    /// A buffer without memory: stands for a value while a program is traced; a memory plan may assign memory later.
    pub fn placeholder(
        device: DeviceRef,
        bytes: usize,
        owner: Option<Box<dyn Any + Send + Sync>>,
    ) -> Shared<Buffer> {
        let b = Buffer::build(device, Late::empty(), bytes, owner);
        b.flags.store(PLACEHOLDER, Relaxed);
        b
    }
    /// Gives a placeholder its memory. Once only; the memory must outlive the buffer (see `placeholder`'s owner)
    /// unless the device itself is to free it, which happens when the buffer has no owner.
    pub fn assign(&self, memory: Memory) -> Result<()> {
        if memory.bytes < self.bytes || !self.memory.set(memory) {
            bail!(
                Runtime,
                "memory plan: a buffer of {} bytes was given {} bytes or was assigned twice",
                self.bytes,
                memory.bytes
            );
        }
        Ok(())
    }
    /// Whether the buffer stands for a value of a traced program and has no memory (yet).
    #[inline]
    pub fn is_placeholder(&self) -> bool {
        self.memory.get().is_none() && self.flags.load(Relaxed) & PLACEHOLDER != 0
    }
    /// The memory. Evaluates what is pending.
    ///
    /// # Errors
    /// What the evaluation may fail with: no memory, or a device's error. The buffer stays pending then.
    #[inline]
    pub fn memory(&self) -> Result<&Memory> {
        match self.memory.get() {
            Some(m) => Ok(m),
            None => self.computed(),
        }
    }
    /// The memory, about to be written: pending expressions that read the present contents are evaluated first.
    #[inline]
    pub fn memory_to_write(&self) -> Result<&Memory> {
        if self.readers.load(Relaxed) != 0 {
            defer::settle(self, &[])?;
        }
        self.memory()
    }
    /// Whether no tape knows of the contents. Also where calls are not recorded, a write is its business.
    #[inline]
    pub fn is_unwatched(&self) -> bool {
        self.node.load(Relaxed) | self.saves.load(Relaxed) == 0
    }
    /// Whether nothing waits that reads the present contents.
    #[inline]
    pub(crate) fn is_unread(&self) -> bool {
        self.readers.load(Relaxed) == 0
    }
    #[cold]
    fn computed(&self) -> Result<&Memory> {
        if self.flags.load(Relaxed) & PLACEHOLDER != 0 {
            return no_memory();
        }
        defer::evaluate(self)?;
        self.memory.get().map_or_else(no_memory, Ok)
    }
    /// The memory if it is there already.
    #[inline]
    pub fn present(&self) -> Option<&Memory> {
        self.memory.get()
    }
    /// Neither computed nor about to be: an expression may be deferred into it.
    #[inline]
    pub(crate) fn is_blank(&self) -> bool {
        self.memory.get().is_none() && self.flags.load(Relaxed) & PLACEHOLDER == 0 && {
            // Another thread may have computed it just before it gave the lock back.
            let pending = self.pending.lock();
            pending.is_none() && self.memory.get().is_none()
        }
    }
    /// Whether the contents are waiting to be computed.
    pub fn is_pending(&self) -> bool {
        self.memory.get().is_none() && self.pending.lock().is_some()
    }
    /// The expression that the contents will be.
    #[inline]
    pub(crate) fn pending(&self) -> &Mutex<Option<Box<Expr>>> {
        &self.pending
    }
    /// Number of pending expressions that read this buffer.
    #[inline]
    pub(crate) fn readers(&self) -> &AtomicU32 {
        &self.readers
    }
    /// Promises that the handle which the caller holds is dropped right after the guard, and that only the call in between
    /// asks for the contents through it: a group that this thread evaluates meanwhile need not store them for its sake. Other
    /// threads do not know, and store them.
    pub fn last_use(&self) -> LastUse<'_> {
        LastUse(FORGONE.replace(self), self)
    }
    /// Whether somebody beside `held` handles may ask for the contents.
    pub(crate) fn is_wanted(buffer: &Shared<Buffer>, held: usize) -> bool {
        Shared::strong_count(buffer) > held + std::ptr::eq(FORGONE.get(), Shared::as_ptr(buffer)) as usize
    }
    /// The memory was computed.
    pub(crate) fn fulfil(&self, memory: Memory) {
        let first = self.memory.set(memory);
        debug_assert!(first, "a buffer is computed once");
    }
    /// Memory that may go to another buffer once nobody refers to this one: the device's own.
    #[inline]
    pub(crate) fn disposable(&self) -> Option<Memory> {
        let plain = self.owner.is_none() && !self.is_shared() && self.flags.load(Relaxed) & DONATED == 0;
        if plain { self.memory.get().copied() } else { None }
    }
    /// The memory belongs to another buffer now. Nobody may look at this one again.
    pub(crate) fn donate(&self) {
        self.flags.fetch_or(DONATED, Relaxed);
    }
    /// The contents went into a group that nobody outside of it could ask for them.
    pub(crate) fn consume(&self) {
        self.flags.fetch_or(CONSUMED, Relaxed);
    }
    /// See `consume`.
    pub(crate) fn is_consumed(&self) -> bool {
        self.flags.load(Relaxed) & CONSUMED != 0
    }
    /// Bytes of the buffer.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
    /// Where the memory lies.
    #[inline]
    pub fn device(&self) -> DeviceRef {
        self.device
    }
    /// Rises at every in-place write.
    #[inline]
    pub fn version(&self) -> u32 {
        self.version.load(Relaxed)
    }
    /// Counts a write: called when the user writes, whenever the kernel runs.
    #[inline]
    pub fn bump_version(&self) {
        self.version.fetch_add(1, Relaxed);
    }
    /// Whether somebody outside the library can reach the memory.
    #[inline]
    pub fn is_shared(&self) -> bool {
        self.flags.load(Relaxed) & SHARED != 0 || self.lent.load(Relaxed) != 0
    }
    /// The memory can be reached from outside from now on, by ways that nobody can follow.
    pub(crate) fn share_for_good(&self) {
        self.flags.fetch_or(SHARED, Relaxed);
    }
    /// Whether writes are refused.
    #[inline]
    pub fn is_read_only(&self) -> bool {
        self.flags.load(Relaxed) & READ_ONLY != 0
    }
    /// Whether the memory belongs to somebody else.
    pub fn is_foreign(&self) -> bool {
        self.owner.is_some()
    }
    /// Slot of the recorder: (tape, node) of the present contents.
    #[inline]
    pub fn node(&self) -> &AtomicU64 {
        &self.node
    }
    /// Slot of the recorder: its saves of the present contents.
    #[inline]
    pub fn saves(&self) -> &AtomicU64 {
        &self.saves
    }
}

/// A window to memory that is open outside (a NumPy array): until it is dropped the memory counts as shared.
pub struct Lent(Shared<Buffer>);
impl Lent {
    pub(crate) fn of(buffer: &Shared<Buffer>) -> Lent {
        buffer.lent.fetch_add(1, Relaxed);
        Lent(buffer.clone())
    }
}
impl Drop for Lent {
    fn drop(&mut self) {
        self.0.lent.fetch_sub(1, Relaxed);
    }
}

/// See `Buffer::last_use`.
pub struct LastUse<'a>(*const Buffer, #[expect(dead_code, reason = "keeps the buffer borrowed")] &'a Buffer);
impl Drop for LastUse<'_> {
    fn drop(&mut self) {
        FORGONE.set(self.0);
    }
}
thread_local! {
    /// The buffer that this thread uses for the last time.
    static FORGONE: Cell<*const Buffer> = const { Cell::new(std::ptr::null()) };
}

#[cold]
pub(crate) fn no_memory<T>() -> Result<T> {
    bail!(Runtime, "the value of a traced array is not known while the program is being traced")
}

impl Drop for Buffer {
    #[inline]
    fn drop(&mut self) {
        if self.owner.is_none()
            && self.flags.load(Relaxed) & DONATED == 0
            && let Some(&m) = self.memory.get()
        {
            self.device.free(m);
        }
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Buffer({} bytes on {}, version {})", self.bytes, self.device, self.version())
    }
}
