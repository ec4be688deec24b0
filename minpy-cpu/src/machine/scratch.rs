//! The scratch memory of a thread, kept from one kernel to the next.

use super::pool::Block;
use minpy_core::Result;
use std::cell::{Cell, UnsafeCell};
use std::sync::Mutex;

/// What a thread keeps between blocks of work at least.
const LEAST: usize = 64 << 10;
thread_local! {
    static SCRATCH: Cell<Block> = const { Cell::new(Block::NONE) };
    /// This thread works in `SPARE`.
    static HAS_SPARE: Cell<bool> = const { Cell::new(false) };
}

/// See `minpy_core::internal::prepare_thread`.
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
