//! How many threads kernels use, and the one helper that splits work over them.
//!
//! Work is handed out in chunks from a shared counter, so that a late or busy thread does not hold up the rest;
//! the calling thread works too. Small work runs inline: waking a thread costs some ten microseconds.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

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

/// Sets the number of threads of all kernels that start from now on (at least 1).
pub fn set_num_threads(n: usize) {
    THREADS.store(n.max(1), Relaxed);
}

/// Worker threads do not survive `fork`: a child process computes on its one thread.
pub(crate) fn usable_threads() -> usize {
    static OWNER: OnceLock<u32> = OnceLock::new();
    let n = num_threads();
    if n > 1 && *OWNER.get_or_init(std::process::id) != std::process::id() { 1 } else { n }
}

/// Calls `body` with disjoint ranges that cover `0..items`, on several threads when there are at least
/// `2 * min_items` of them. `body` must not depend on which ranges it gets.
pub fn parallel_for(items: usize, min_items: usize, body: impl Fn(Range<usize>) + Sync) {
    let min_items = min_items.max(1);
    if items < 2 * min_items {
        return body(0..items);
    }
    let threads = usable_threads().min(items / min_items);
    if threads <= 1 {
        return body(0..items);
    }
    // A few chunks per thread even out unequal speed.
    let chunk = (items / (threads * 4)).max(min_items);
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let start = next.fetch_add(chunk, Relaxed);
            if start >= items {
                return;
            }
            body(start..(start + chunk).min(items));
        }
    };
    rayon::in_place_scope(|s| {
        for _ in 1..threads {
            s.spawn(|_| work());
        }
        work();
    });
}

/// Like `parallel_for`, but with exactly `parts` ranges known by number: for partial results.
pub(crate) fn parallel_parts(items: usize, parts: usize, body: impl Fn(usize, Range<usize>) + Sync) {
    let step = items.div_ceil(parts);
    let run = |p: usize| body(p, (p * step).min(items)..((p + 1) * step).min(items));
    if parts == 1 {
        return run(0);
    }
    rayon::in_place_scope(|s| {
        for p in 1..parts {
            let run = &run;
            s.spawn(move |_| run(p));
        }
        run(0);
    });
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
            parallel_parts(items, 3, |_, r| {
                sum.fetch_add(r.len(), Relaxed);
            });
            assert_eq!(sum.load(Relaxed), items);
        }
    }
}
