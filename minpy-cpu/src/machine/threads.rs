//! How many threads kernels use, and the one helper that splits work over them.
//!
//! Work is handed out in chunks from a shared counter, so that a late or busy thread does not hold up the rest;
//! the calling thread works too (`workers.rs`). Small work runs inline: waking a thread costs some ten microseconds.

use super::workers;
use minpy_core::{Error, Result};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, Once};

/// 0: not chosen yet.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// Number of threads that kernels use: `MINPY_NUM_THREADS`, or one per available core.
pub fn num_threads() -> usize {
    match THREADS.load(Relaxed) {
        0 => {
            let n = std::env::var("MINPY_NUM_THREADS")
                .ok()
                .and_then(|s| s.trim().parse().ok())
                .filter(|&n| n > 0)
                .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |n| n.get()));
            THREADS.store(n, Relaxed);
            n
        }
        n => n,
    }
}

/// See `minpy_core::internal::prepare_thread`.
pub fn prepare_thread() {
    crate::machine::pool::prepare_thread();
    crate::machine::scratch::prepare_thread();
}

/// Sets the number of threads of all kernels that start from now on (at least 1).
pub fn set_num_threads(n: usize) {
    THREADS.store(n.max(1), Relaxed);
}

/// Whether this process is a child of the one that started the worker threads, which do not survive `fork`.
static IS_FORK: AtomicBool = AtomicBool::new(false);

/// See `IS_FORK`. Asking for the process id at each kernel would cost a system call.
#[inline]
pub(crate) fn in_forked_child() -> bool {
    static WATCH: Once = Once::new();
    if !WATCH.is_completed() {
        WATCH.call_once(watch_for_fork);
    }
    IS_FORK.load(Relaxed)
}

/// The number of threads, or 1 in a forked child.
#[inline]
pub(crate) fn usable_threads() -> usize {
    if in_forked_child() { 1 } else { num_threads() }
}

#[cfg(unix)]
fn watch_for_fork() {
    extern "C" fn in_the_child() {
        IS_FORK.store(true, Relaxed);
    }
    type Handler = Option<extern "C" fn()>;
    unsafe extern "C" {
        // POSIX; the crate `libc` does not declare it for Linux.
        fn pthread_atfork(prepare: Handler, parent: Handler, child: Handler) -> std::ffi::c_int;
    }
    // SAFETY: the handler stores one atomic, which is allowed after `fork`, and lives as long as the program.
    unsafe { pthread_atfork(None, None, Some(in_the_child)) };
}
#[cfg(not(unix))]
fn watch_for_fork() {}

/// Times the least work of a thread from which on sleeping threads are woken: a wake-up costs the caller several
/// microseconds, and the sleeper some fifty until it works.
const LONG: usize = 6;

/// Calls `body` with disjoint ranges that cover `0..items`, on several threads when there are at least
/// `2 * min_items` of them. `body` must not depend on which ranges it gets.
pub fn parallel_for<R: Outcome>(
    items: usize,
    min_items: usize,
    body: impl Fn(Range<usize>) -> R + Sync,
) -> R {
    let min_items = min_items.max(1);
    if items < 2 * min_items {
        return body(0..items);
    }
    shared(items, min_items, &body)
}

/// The rest of `parallel_for`: one for all bodies, which the compiler has hundreds of.
fn shared<R: Outcome>(items: usize, min_items: usize, body: &(dyn Fn(Range<usize>) -> R + Sync)) -> R {
    let threads = usable_threads().min(items / min_items);
    if threads <= 1 {
        return body(0..items);
    }
    // A few chunks per thread even out unequal speed.
    let chunk = (items / (threads * 4)).max(min_items);
    let (next, all) = (AtomicUsize::new(0), R::All::default());
    let work = || {
        loop {
            let start = next.fetch_add(chunk, Relaxed);
            if start >= items || !body(start..(start + chunk).min(items)).note(&all) {
                return;
            }
        }
    };
    workers::together(threads, items / min_items >= LONG, &work);
    R::of(all)
}

/// Like `parallel_for`, but with exactly `parts` ranges known by number: for partial results. `long`: see `workers.rs`.
pub(crate) fn parallel_parts<R: Outcome>(
    items: usize,
    parts: usize,
    long: bool,
    body: impl Fn(usize, Range<usize>) -> R + Sync,
) -> R {
    let step = items.div_ceil(parts);
    let (next, all) = (AtomicUsize::new(0), R::All::default());
    let work = || {
        loop {
            let p = next.fetch_add(1, Relaxed);
            if p >= parts || !body(p, (p * step).min(items)..((p + 1) * step).min(items)).note(&all) {
                return;
            }
        }
    };
    workers::together(usable_threads().min(parts), long, &work);
    R::of(all)
}

/// What the parts of a job say: nothing, or whether they were done.
pub trait Outcome {
    /// The same of all parts.
    type All: Default + Sync;
    /// Takes note of one; `false`: this thread need not go on.
    fn note(self, all: &Self::All) -> bool;
    /// What is to be said of all.
    fn of(all: Self::All) -> Self;
}
impl Outcome for () {
    type All = ();
    #[inline]
    fn note(self, (): &()) -> bool {
        true
    }
    #[inline]
    fn of((): ()) {}
}
impl Outcome for Result<()> {
    type All = Mutex<Option<Error>>;
    #[inline]
    fn note(self, all: &Self::All) -> bool {
        match self {
            Ok(()) => true,
            Err(e) => {
                *all.lock().unwrap_or_else(|e| e.into_inner()) = Some(e);
                false
            }
        }
    }
    fn of(all: Self::All) -> Self {
        all.into_inner().unwrap_or_else(|e| e.into_inner()).map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU8;
    #[test]
    fn every_item_once() {
        for (items, min) in [(0, 1), (1, 1), (7, 100), (1000, 10), (1_000_003, 1000)] {
            let seen: Vec<AtomicU8> = (0..items).map(|_| AtomicU8::new(0)).collect();
            parallel_for(items, min, |r| {
                r.for_each(|i| {
                    seen[i].fetch_add(1, Relaxed);
                })
            });
            assert!(seen.iter().all(|s| s.load(Relaxed) == 1));
            let sum = AtomicUsize::new(0);
            parallel_parts(items, 3, true, |_, r| {
                sum.fetch_add(r.len(), Relaxed);
            });
            assert_eq!(sum.load(Relaxed), items);
        }
    }
    #[test]
    fn a_part_that_fails_is_heard_of() {
        for (items, min) in [(1, 1), (100_000, 10)] {
            let done = |bad: usize| {
                parallel_for(items, min, |r| {
                    if r.contains(&bad) { minpy_core::bail!(Memory, "{bad}") } else { Ok(()) }
                })
            };
            assert!(done(items).is_ok() && done(items / 2).is_err());
        }
    }
}
