//! The worker threads: one job at a time, shared by whoever comes in time.
//!
//! A caller opens the gate, works itself, closes the gate and waits for those who came in: never for a thread that is
//! still waking up. Workers spin for some microseconds between jobs, because the next kernel of a program is near,
//! and then sleep. A caller that finds the workers taken (another thread, or itself further up) works alone, so that
//! several callers never use more threads than there are.

use minpy_core::backend::flags;
use std::cell::{Cell, UnsafeCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering::*};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// How long an idle worker looks for the next job before it sleeps.
const SPIN: Duration = Duration::from_micros(100);

/// The gate: number of the job (32 bits), whether it is open, how many may come in (15 bits), how many are in (16 bits).
static GATE: AtomicU64 = AtomicU64::new(0);
const OPEN: u64 = 1 << 31;
const ROOM_SHIFT: u32 = 16;
/// Most workers of one job.
const MOST: usize = 0x7fff;

fn number(gate: u64) -> u64 {
    gate >> 32
}
fn room(gate: u64) -> u64 {
    gate >> ROOM_SHIFT & MOST as u64
}
fn inside(gate: u64) -> u64 {
    gate & 0xffff
}

/// Stack of a worker, and what else it needs when it starts.
const STACK: usize = 2 << 20;
const FOR_ITSELF: usize = 1 << 20;

type Work<'a> = dyn Fn() + Sync + 'a;

/// The job behind the gate.
struct Job(UnsafeCell<Option<*const Work<'static>>>);
// SAFETY: written by the one caller that holds `TAKEN` while the gate is closed and nobody is inside; read inside.
unsafe impl Sync for Job {}
static JOB: Job = Job(UnsafeCell::new(None));

/// A caller has the workers.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// Threads that were started.
static STARTED: AtomicUsize = AtomicUsize::new(0);
/// Workers asleep, or about to be.
static ASLEEP: AtomicUsize = AtomicUsize::new(0);
static BED: Mutex<()> = Mutex::new(());
static BELL: Condvar = Condvar::new();
/// A worker's part of the present job panicked. Belongs to whoever holds `TAKEN`.
static PANICKED: AtomicBool = AtomicBool::new(false);
/// Floating-point exceptions that workers met in the present job, and whose they were. Belong to whoever holds `TAKEN`.
static MET: AtomicU8 = AtomicU8::new(0);
static BLAMED: [AtomicU8; flags::ORIGINS] = [const { AtomicU8::new(0) }; flags::ORIGINS];

/// Waits for a job other than number `last` that is open.
fn next_job(last: u64) -> u64 {
    let news = |gate: u64| gate & OPEN != 0 && number(gate) != last;
    let start = Instant::now();
    loop {
        for _ in 0..64 {
            let gate = GATE.load(Acquire);
            if news(gate) {
                return gate;
            }
            std::hint::spin_loop();
        }
        if start.elapsed() > SPIN {
            break;
        }
    }
    let mut bed = BED.lock().unwrap_or_else(|e| e.into_inner());
    // In this order: a caller that sees nobody asleep has opened the gate before we look at it.
    ASLEEP.fetch_add(1, SeqCst);
    let gate = loop {
        let gate = GATE.load(SeqCst);
        if news(gate) {
            break gate;
        }
        bed = BELL.wait(bed).unwrap_or_else(|e| e.into_inner());
    };
    ASLEEP.fetch_sub(1, SeqCst);
    gate
}

fn serve() {
    let _ = minpy_core::backend::memory::begin_thread(); // `together` has asked for room
    crate::machine::threads::prepare_thread();
    let mut last = 0;
    loop {
        let mut gate = next_job(last);
        last = number(gate);
        let came_in = loop {
            if gate & OPEN == 0 || number(gate) != last || inside(gate) >= room(gate) {
                break false;
            }
            match GATE.compare_exchange_weak(gate, gate + 1, AcqRel, Acquire) {
                Ok(_) => break true,
                Err(now) => gate = now,
            }
        };
        if came_in {
            // SAFETY: the caller keeps the job alive until nobody is inside.
            let job = unsafe { (*JOB.0.get()).map(|j| &*j) };
            flags::begin();
            if let Some(job) = job
                && catch_unwind(AssertUnwindSafe(job)).is_err()
            {
                PANICKED.store(true, Relaxed);
            }
            let mut met = flags::raised();
            flags::take_blame(|origin, f| {
                met |= f;
                BLAMED[origin as usize].fetch_or(f, Relaxed);
            });
            if met != 0 {
                MET.fetch_or(met, Relaxed);
            }
            GATE.fetch_sub(1, AcqRel);
        }
    }
}

/// Closes the gate, waits for those inside, takes note of their panics and gives the workers back: also when the
/// caller's own part panics.
struct Close<'a> {
    panicked: &'a Cell<bool>,
}
impl Drop for Close<'_> {
    fn drop(&mut self) {
        let mut gate = GATE.fetch_and(!OPEN, AcqRel);
        let mut turns = 0u32;
        while inside(gate) > 0 {
            // A worker in the middle of its part may have lost its core to somebody else.
            if turns < 10_000 {
                turns += 1;
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
            gate = GATE.load(Acquire);
        }
        self.panicked.set(PANICKED.swap(false, Relaxed));
        if MET.load(Relaxed) != 0 {
            // What they met this thread has met.
            flags::raise(MET.swap(0, Relaxed));
            for (origin, by) in BLAMED.iter().enumerate() {
                match by.swap(0, Relaxed) {
                    0 => {}
                    f => flags::blame(origin as u8, f),
                }
            }
        }
        TAKEN.store(false, Release);
    }
}

/// Calls `work` on this thread and, at the same time, on up to `threads - 1` workers: as many as come in before this
/// thread's own call returns. `work` must hand out its parts itself and return when none is left. `long`: it takes so long
/// that sleeping workers are worth waking; who is awake comes in any case.
pub(crate) fn together(threads: usize, long: bool, work: &Work<'_>) {
    let helpers = threads.saturating_sub(1).min(MOST);
    if helpers == 0 || TAKEN.swap(true, Acquire) {
        return work();
    }
    let panicked = Cell::new(false);
    let close = Close { panicked: &panicked };
    for i in STARTED.load(Relaxed)..helpers {
        // The C library aborts the process if a thread that it has started gets no memory for its thread-local variables.
        let thread = std::thread::Builder::new().name(format!("minpy-{i}")).stack_size(STACK);
        if minpy_core::backend::memory::room(STACK + FOR_ITSELF).is_err() || thread.spawn(serve).is_err() {
            break; // fewer helpers: the caller does more
        }
        STARTED.store(i + 1, Relaxed);
    }
    // SAFETY: we hold the workers, the gate is closed and nobody is inside. The lifetime is taken away because nobody
    // is inside either when `close` has been dropped, which is before `work` ends.
    unsafe { *JOB.0.get() = Some(std::mem::transmute::<*const Work<'_>, *const Work<'static>>(work)) };
    let next = number(GATE.load(Relaxed)).wrapping_add(1) & 0xffff_ffff;
    GATE.store(next << 32 | OPEN | (helpers as u64) << ROOM_SHIFT, SeqCst);
    let asleep = ASLEEP.load(SeqCst);
    if asleep > 0 && long {
        drop(BED.lock().unwrap_or_else(|e| e.into_inner()));
        if asleep > helpers { (0..helpers).for_each(|_| BELL.notify_one()) } else { BELL.notify_all() }
    }
    work();
    drop(close);
    #[expect(clippy::panic, reason = "what a kernel's panic does on this thread, it does from another")]
    if panicked.get() {
        panic!("a kernel panicked on a worker thread");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn several_callers_and_panics() {
        std::thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    for round in 0..2000usize {
                        let (next, sum) = (AtomicUsize::new(0), AtomicUsize::new(0));
                        together(3, round % 2 == 0, &|| {
                            loop {
                                let i = next.fetch_add(1, Relaxed);
                                if i >= 20 {
                                    return;
                                }
                                sum.fetch_add(i + round, Relaxed);
                            }
                        });
                        assert_eq!(sum.into_inner(), 190 + 20 * round);
                        if round % 500 == 0 {
                            std::thread::sleep(2 * SPIN); // the workers fall asleep
                        }
                    }
                });
            }
        });
        for _ in 0..50 {
            // Whether a worker came in time for its own panic or not: the next job knows nothing of it.
            assert!(catch_unwind(|| together(2, true, &|| panic!("on purpose"))).is_err());
            let done = AtomicUsize::new(0);
            together(2, true, &|| {
                done.fetch_add(1, Relaxed);
            });
            assert!(done.into_inner() >= 1);
        }
    }
}
