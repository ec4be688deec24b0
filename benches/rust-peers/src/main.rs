//! MinPy and the crate `ndarray` in turn, in one process; both as Cargo builds them by default. Run it in this folder:
//!
//!     MINPY_SIMD=avx2 MINPY_NUM_THREADS=1 MATMUL_NUM_THREADS=1 cargo run --release [part of a name]
//!
//! `MINPY_SIMD=avx2` has our side do with what the peer uses by default; `--features peer-avx512` gives the peer AVX-512.
//! Only the peer's products have threads.

mod race;
mod workloads;

use minpy_cpu::{simd, threads};

fn main() {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let peer = if cfg!(feature = "peer-avx512") { "what there is" } else { "at most AVX2" };
    let peer_threads = std::env::var("MATMUL_NUM_THREADS").unwrap_or_else(|_| "its choice of".into());
    println!(
        "MinPy: {:?}, {} threads; the peer's products: {peer}, {peer_threads} threads\n",
        simd::level(),
        threads::num_threads()
    );
    println!("| workload | MinPy, us | ndarray, us | ratio | rounds |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    let mut ratios = Vec::new();
    for mut race in workloads::all() {
        if race.name.contains(&wanted) {
            ratios.push(race.run());
        }
    }
    let lost = ratios.iter().filter(|&&r| r > 1.0).count();
    println!("\n{} workloads, {lost} lost", ratios.len());
}
