//! The network learns, the same way every time, and nothing falls back.

use minpy_core::ops::Generator;
use minpy_core::stats;
use rust_train::{accuracy, load, parameters, save, spiral, train};

fn run() -> (f64, f64) {
    let mut random = Generator::new(7);
    let (x, labels) = spiral(600, &mut random).unwrap();
    let mut p = parameters(48, &mut random).unwrap();
    let mut losses = Vec::new();
    let last = train(&mut p, &x, &labels, 300, |_, loss| losses.push(loss)).unwrap();
    assert!(losses[0] > 0.8 && last < 0.5 * losses[0], "{losses:?}");
    let share = accuracy(&p, &x, &labels).unwrap();
    let path = std::env::temp_dir().join(format!("minpy-spiral-{}", std::process::id()));
    save(&path, &p).unwrap();
    let read = load(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    for (a, b) in p.iter().zip(&read) {
        assert_eq!((a.shape(), a.to_vec::<f32>().unwrap()), (b.shape(), b.to_vec::<f32>().unwrap()));
    }
    assert_eq!(accuracy(&read, &x, &labels).unwrap(), share);
    assert!(load(&path).is_err() && save(std::env::temp_dir(), &p).is_err());
    (last, share)
}

#[test]
fn the_spiral_is_learnt() {
    let (loss, share) = run();
    assert!(share > 0.9, "accuracy {share}, loss {loss}");
    assert_eq!(run(), (loss, share));
    assert_eq!((stats::fallback_count(), stats::moved_bytes()), (0, 0));
}
