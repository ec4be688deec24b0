//! With feature `openblas`: products that BLAS reads in place, and those that it cannot.
#![cfg(feature = "openblas")]

mod support;
use minpy_core::DType;
use minpy_core::backend::Work;
use support::*;

#[test]
fn blas_agrees_in_every_layout() {
    let mut rng = Rng(8);
    for d in [DType::F32, DType::F64, DType::C64, DType::C128] {
        for (m, k, n) in [(40, 41, 42), (1, 300, 200), (200, 300, 1), (300, 1, 200), (64, 64, 64)] {
            let (va, vb) = (rng.smalls(d, m * k), rng.smalls(d, k * n));
            let run = |la, lb, lc| {
                let (a, b) = (Arr::new(&[m, k], la, &va), Arr::new(&[k, n], lb, &vb));
                let c = Arr::empty(d, &[m, n], lc);
                call(&minpy_cpu::matmul::ENTRY, Work::Matmul, None, &[a.input(), b.input()], &[&c]).unwrap();
                c.scalars()
            };
            // Sliced and reversed operands go to our own products.
            let want = run(Lay::Sliced, Lay::Reversed, Lay::Sliced);
            for la in LAYS {
                for lb in LAYS {
                    for lc in [Lay::Contiguous, Lay::Transposed] {
                        let tolerance = if d.real() == DType::F32 { 1e-4 } else { 1e-12 };
                        assert_same(
                            &run(la, lb, lc),
                            &want,
                            tolerance,
                            &format!("{d} {m} {k} {n} {la:?} {lb:?} {lc:?}"),
                        );
                    }
                }
            }
        }
    }
}
