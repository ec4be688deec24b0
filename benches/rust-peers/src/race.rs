//! Two sides of one workload, timed in turn.

use std::hint::black_box;
use std::time::{Duration, Instant};

const ROUNDS: usize = 21;
/// How long a side runs in one round.
const SLICE: Duration = Duration::from_millis(12);

type Side = Box<dyn FnMut() -> Vec<f64>>;

pub struct Race {
    pub name: String,
    sides: [Side; 2],
}

/// One side: `run` is timed, `values` reads what it gave for the comparison.
pub fn side<R: 'static>(
    mut run: impl FnMut() -> R + 'static,
    values: impl Fn(R) -> Vec<f64> + 'static,
) -> Side {
    let mut first = true;
    Box::new(move || {
        if std::mem::take(&mut first) {
            return values(run());
        }
        // As many calls as fill the slice, without looking at the clock after each.
        let (mut calls, mut step) = (0u32, 1u32);
        let start = Instant::now();
        loop {
            for _ in 0..step {
                black_box(run());
            }
            calls += step;
            let spent = start.elapsed();
            if spent >= SLICE {
                return vec![spent.as_secs_f64() / f64::from(calls)];
            }
            step = if spent < SLICE / 16 { step * 2 } else { 1.max(step / 2) };
        }
    })
}

impl Race {
    pub fn new(name: impl Into<String>, ours: Side, peer: Side) -> Race {
        Race { name: name.into(), sides: [ours, peer] }
    }
    /// Prints a line of the table and gives the median of our time divided by the peer's.
    pub fn run(&mut self) -> f64 {
        let [ours, peer] = &mut self.sides;
        let (a, b) = (ours(), peer());
        assert_eq!(a.len(), b.len(), "{}", self.name);
        for (a, b) in a.iter().zip(&b) {
            assert!((a - b).abs() <= 1e-3 * b.abs().max(1.0), "{}: {a} and {b}", self.name);
        }
        // Caches, pools and threads settle.
        ours();
        peer();
        let mut rounds: Vec<[f64; 2]> = (0..ROUNDS)
            .map(|round| {
                if round % 2 == 0 {
                    let a = ours()[0];
                    [a, peer()[0]]
                } else {
                    let b = peer()[0];
                    [ours()[0], b]
                }
            })
            .collect();
        let mut median = |by: fn(&[f64; 2]) -> f64| {
            rounds.sort_by(|x, y| by(x).total_cmp(&by(y)));
            [rounds[ROUNDS / 4], rounds[ROUNDS / 2], rounds[ROUNDS * 3 / 4]].map(|r| by(&r))
        };
        let [_, a, _] = median(|r| r[0]);
        let [_, b, _] = median(|r| r[1]);
        let [low, ratio, high] = median(|r| r[0] / r[1]);
        let bold = if ratio > 1.0 { "**" } else { "" };
        println!(
            "| {} | {:.4} | {:.4} | {bold}{ratio:.2}{bold} | {low:.2} - {high:.2} |",
            self.name,
            a * 1e6,
            b * 1e6
        );
        ratio
    }
}
