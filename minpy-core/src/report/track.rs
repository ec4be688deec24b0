//! The time of one thread in a profile: what was measured, and what lay between, by line.
//!
//! Work is measured where it runs, and it nests: a function of NumPy's may call functions of ours. Its own time is without that of what
//! ran inside, and without what taking the figures cost, which is kept apart. What is left of the thread's time lies between two
//! pieces of work, and is the interpreter's. It is summed up by the two lines it lies between; samples say on which lines it went by.

use parking_lot::{Mutex, MutexGuard};
use rustc_hash::FxHashMap;
use std::sync::atomic::{AtomicIsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// A line of the user's program, as whoever finds lines numbers them; 0 is none.
pub type Line = u32;

/// Pieces of a thread's time that are kept one by one; sums know all.
const MOST_EVENTS: usize = 1 << 20;
/// A sample this close to the end of work says nothing: the sampler had to wait for the work.
const TOO_CLOSE: Duration = Duration::from_micros(5);
/// What lies between is kept one by one from here on.
const LONG: Duration = Duration::from_micros(20);

/// Time of one kind of work on one line.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// Its place among the entries.
    pub entry: u32,
    /// Where.
    pub line: Line,
    /// How often; work of several lines counts on each of them once.
    pub calls: u64,
    /// Own time; that of work of several lines in equal parts.
    pub time: Duration,
}
/// One piece of work, or (without an entry) of what lay between.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its place among the entries.
    pub entry: Option<u32>,
    /// The line that made it run.
    pub line: Line,
    /// Since the profile began.
    pub start: Duration,
    /// From its begin to its end.
    pub time: Duration,
}
/// The time of one thread.
#[derive(Clone, Debug, Default)]
pub struct Thread {
    /// As the language numbers it.
    pub thread: u64,
    /// What is explained: from the first piece of work to the last, and on the thread that began the profile all of it.
    pub time: Duration,
    /// What taking the figures cost.
    pub overhead: Duration,
    /// Work.
    pub costs: Vec<Cost>,
    /// What lay between, by line.
    pub between: Vec<(Line, Duration)>,
    /// The pieces, in the order of their ends; the first million.
    pub events: Vec<Event>,
}

/// Threads between two pieces of work: for who must not take a lock to know whether there is one.
static BETWEEN: AtomicIsize = AtomicIsize::new(0);
/// Whether any thread is.
pub fn any_between() -> bool {
    BETWEEN.load(Relaxed) > 0
}
pub(super) fn none_between() {
    BETWEEN.store(0, Relaxed);
}

/// A thread's record, which the sampler and the end of the profile see, too.
pub(super) struct Shared {
    pub(super) begun: Instant,
    pub(super) thread: u64,
    track: Mutex<Track>,
}
impl Shared {
    pub(super) fn new(begun: Instant, thread: u64) -> Shared {
        BETWEEN.fetch_add(1, Relaxed);
        Shared { begun, thread, track: Mutex::default() }
    }
    /// Its thread ends.
    pub(super) fn ends(&self) {
        if self.lock().open.is_empty() {
            BETWEEN.fetch_sub(1, Relaxed);
        }
    }
    pub(super) fn lock(&self) -> MutexGuard<'_, Track> {
        self.track.lock()
    }
}

/// Work that has begun.
struct Open {
    /// When its figures were first thought of; when it began.
    noticed: Duration,
    start: Duration,
    /// Of what ran inside, with what its figures cost.
    inside: Duration,
    line: Line,
}
/// What lay between two lines.
#[derive(Default)]
struct Gap {
    time: Duration,
    samples: FxHashMap<Line, u32>,
}
#[derive(Default)]
pub(super) struct Track {
    first: Option<Duration>,
    /// Where the last work ended, and its line.
    last: (Duration, Line),
    open: Vec<Open>,
    overhead: Duration,
    costs: FxHashMap<(u32, Line), (u64, Duration)>,
    gaps: FxHashMap<(Line, Line), Gap>,
    /// Samples since the last work.
    samples: Vec<Line>,
    events: Vec<Event>,
}

impl Track {
    pub(super) fn opener_begins(&mut self, line: Line) {
        (self.first, self.last) = (Some(Duration::ZERO), (Duration::ZERO, line));
    }
    pub(super) fn opener_ends(&mut self, end: Duration, line: Line) {
        if self.open.is_empty() {
            self.between(end, line);
            self.last = (end, line);
        }
    }
    pub(super) fn is_between(&self) -> bool {
        self.open.is_empty()
    }
    /// Work begins, as far as the thread is concerned.
    pub(super) fn open(&mut self, noticed: Duration, line: Line) {
        if self.open.is_empty() {
            self.between(noticed, line);
            BETWEEN.fetch_sub(1, Relaxed);
        }
        self.open.push(Open { noticed, start: noticed, inside: Duration::ZERO, line });
    }
    /// Its own time begins.
    pub(super) fn begins(&mut self, now: Duration) {
        if let Some(o) = self.open.last_mut() {
            o.start = now;
        }
    }
    /// It has ended at `end`: its own time. `now`: asked for when all is noted.
    pub(super) fn close(
        &mut self,
        end: Duration,
        entry: u32,
        lines: &[Line],
        now: impl FnOnce() -> Duration,
    ) -> Duration {
        let Some(o) = self.open.pop() else { return Duration::ZERO };
        let all = end.saturating_sub(o.start);
        let own = all.saturating_sub(o.inside);
        for (i, &line) in lines.iter().enumerate() {
            let cost = self.costs.entry((entry, line)).or_default();
            cost.0 += u64::from(!lines[..i].contains(&line));
            cost.1 += own / lines.len() as u32;
        }
        self.event(Some(entry), o.line, o.start, all);
        let now = now();
        self.overhead += now.saturating_sub(o.noticed).saturating_sub(all);
        self.ended(&o, now);
        own
    }
    /// It was none: its time belongs to the line.
    pub(super) fn abandon(&mut self, now: Duration) {
        let Some(o) = self.open.pop() else { return };
        if self.open.is_empty() {
            let own = now.saturating_sub(o.noticed).saturating_sub(o.inside);
            self.gaps.entry((o.line, o.line)).or_default().time += own;
            self.ended(&o, now);
        } else if let Some(outer) = self.open.last_mut() {
            outer.inside += o.inside;
        }
    }
    fn ended(&mut self, o: &Open, now: Duration) {
        match self.open.last_mut() {
            Some(outer) => outer.inside += now.saturating_sub(o.noticed),
            None => {
                self.last = (now, o.line);
                BETWEEN.fetch_add(1, Relaxed);
            }
        }
    }
    /// What lay between ends here.
    fn between(&mut self, now: Duration, line: Line) {
        if self.first.is_none() {
            (self.first, self.last) = (Some(now), (now, line));
        }
        let (start, before) = self.last;
        let time = now.saturating_sub(start);
        let gap = self.gaps.entry((before, line)).or_default();
        gap.time += time;
        for &sample in &self.samples {
            *gap.samples.entry(sample).or_default() += 1;
        }
        if time >= LONG {
            let middle = self.samples.get(self.samples.len() / 2).copied();
            self.event(None, middle.unwrap_or(line), start, time);
        }
        self.samples.clear();
    }
    pub(super) fn sampled(&mut self, now: Duration, line: Line) {
        if self.open.is_empty() && self.first.is_some() && now.saturating_sub(self.last.0) >= TOO_CLOSE {
            self.samples.push(line);
        }
    }
    fn event(&mut self, entry: Option<u32>, line: Line, start: Duration, time: Duration) {
        if self.events.len() < MOST_EVENTS {
            self.events.push(Event { entry, line, start, time });
        }
    }
    pub(super) fn finish(&mut self, thread: u64) -> Thread {
        let track = std::mem::take(self);
        let mut between: FxHashMap<Line, Duration> = FxHashMap::default();
        for ((before, after), gap) in track.gaps {
            let samples: u32 = gap.samples.values().sum();
            if samples == 0 {
                *between.entry(if after == 0 { before } else { after }).or_default() += gap.time;
            }
            for (line, n) in gap.samples {
                *between.entry(line).or_default() += gap.time.mul_f64(f64::from(n) / f64::from(samples));
            }
        }
        let costs = track.costs.into_iter();
        Thread {
            thread,
            time: track.last.0.saturating_sub(track.first.unwrap_or_default()),
            overhead: track.overhead,
            costs: costs.map(|((entry, line), (calls, time))| Cost { entry, line, calls, time }).collect(),
            between: between.into_iter().collect(),
            events: track.events,
        }
    }
}
impl Thread {
    /// With the entries at other places.
    pub(super) fn renumbered(mut self, places: &[u32]) -> Thread {
        for c in &mut self.costs {
            c.entry = places[c.entry as usize];
        }
        for e in &mut self.events {
            e.entry = e.entry.map(|n| places[n as usize]);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    const fn us(n: u64) -> Duration {
        Duration::from_micros(n)
    }

    /// Work from 10 to 30 on line 1 with work from 15 to 20 on line 2 inside, work from 50 to 60 on line 3; figures cost 1 each.
    fn track() -> Track {
        let mut t = Track::default();
        t.opener_begins(9);
        t.open(ms(9), 1);
        t.begins(ms(10));
        t.open(ms(14), 2);
        t.begins(ms(15));
        assert_eq!(t.close(ms(20), 1, &[2], || ms(21)), ms(5));
        assert_eq!(t.close(ms(30), 0, &[1], || ms(31)), ms(13));
        t.sampled(ms(35), 7);
        t.sampled(ms(40), 8);
        t.sampled(ms(45), 8);
        t.open(ms(49), 3);
        t.begins(ms(50));
        t.close(ms(60), 1, &[4, 5, 5, 5], || ms(61));
        t
    }

    #[test]
    fn all_time_is_explained_once() {
        let mut t = track();
        t.opener_ends(ms(100), 6);
        let t = t.finish(0);
        let costs: Duration = t.costs.iter().map(|c| c.time).sum();
        let between: Duration = t.between.iter().map(|b| b.1).sum();
        assert_eq!((t.time, costs, t.overhead, between), (ms(100), ms(28), ms(6), ms(66)));
        let of = |line| t.between.iter().find(|b| b.0 == line).map(|b| b.1);
        assert_eq!((of(1), of(6), of(7), of(8)), (Some(ms(9)), Some(ms(39)), Some(ms(6)), Some(ms(12))));
        let line = |n| t.costs.iter().filter(|c| c.line == n).map(|c| (c.entry, c.calls, c.time)).next();
        assert_eq!((line(1), line(2)), (Some((0, 1, ms(13))), Some((1, 1, ms(5)))));
        assert_eq!((line(4), line(5)), (Some((1, 1, us(2_500))), Some((1, 1, us(7_500)))));
    }

    #[test]
    fn what_failed_is_its_lines_own() {
        let mut t = Track::default();
        t.open(ms(5), 1);
        t.abandon(ms(8));
        t.open(ms(8), 2);
        t.open(ms(9), 3);
        t.abandon(ms(10));
        assert_eq!(t.close(ms(12), 0, &[2], || ms(12)), ms(4));
        let t = t.finish(0);
        assert_eq!((t.time, t.costs.len()), (ms(7), 1));
        assert_eq!(t.between.iter().map(|b| b.1).sum::<Duration>(), ms(3));
    }

    #[test]
    fn samples_right_behind_work_are_the_works() {
        let mut t = track();
        t.sampled(ms(61), 1);
        assert!(t.samples.is_empty());
        t.open(ms(62), 1);
        t.sampled(ms(65), 1);
        assert!(t.samples.is_empty() && !t.is_between());
    }
}
