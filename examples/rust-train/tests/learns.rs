//! The network learns, the same way every time, and nothing falls back.

use minpy_core::ops::Generator;
use minpy_core::stats;
use rust_train::{accuracy, parameters, spiral, train};

fn run() -> (f64, f64) {
    let mut random = Generator::new(7);
    let (x, labels) = spiral(600, &mut random).unwrap();
    let p = parameters(48, &mut random).unwrap();
    let mut losses = Vec::new();
    let last = train(&p, &x, &labels, 300, |_, loss| losses.push(loss)).unwrap();
    assert!(losses[0] > 0.8 && last < 0.5 * losses[0], "{losses:?}");
    (last, accuracy(&p, &x, &labels).unwrap())
}

#[test]
fn the_spiral_is_learnt() {
    let (loss, share) = run();
    assert!(share > 0.9, "accuracy {share}, loss {loss}");
    assert_eq!(run(), (loss, share));
    assert_eq!((stats::fallback_count(), stats::moved_bytes()), (0, 0));
}
