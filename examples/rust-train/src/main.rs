//! `cargo run --release -p rust-train [file]`: prints the loss while it falls, then the accuracy on points not seen before; with a
//! file, writes the parameters there and reads them again.

use minpy_core::ops::Generator;
use rust_train::{accuracy, load, parameters, save, spiral, train};

fn main() -> minpy_core::Result<()> {
    let mut random = Generator::new(7);
    let (x, labels) = spiral(1500, &mut random)?;
    let (unseen, answers) = spiral(500, &mut random)?;
    let mut p = parameters(64, &mut random)?;
    let start = std::time::Instant::now();
    train(&mut p, &x, &labels, 400, |step, loss| println!("step {step:4}  loss {loss:.4}"))?;
    println!("device: {}", x.device());
    println!("train seconds: {:.2}", start.elapsed().as_secs_f64());
    println!("test accuracy: {:.3}", accuracy(&p, &unseen, &answers)?);
    if let Some(path) = std::env::args().nth(1) {
        save(&path, &p)?;
        println!("out of {path}: {:.3}", accuracy(&load(&path)?, &unseen, &answers)?);
    }
    Ok(())
}
