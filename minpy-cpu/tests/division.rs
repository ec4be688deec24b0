//! Division by powers of two is done by multiplication: the bits must be those of the division.

mod support;
use minpy_core::backend::{Input, Prim};
use minpy_core::{Element, Scalar};
use support::*;

fn check<T: Element + Copy + std::ops::Div<Output = T> + std::fmt::Debug>(
    values: &[T],
    divisors: &[T],
    bits: fn(T) -> u64,
    is_nan: fn(T) -> bool,
) {
    let p = prim(Prim::Div, &[T::DTYPE, T::DTYPE]);
    let x = Arr::of(&[values.len()], values);
    for &d in divisors {
        let out = Arr::empty(T::DTYPE, &[values.len()], Lay::Contiguous);
        let repeated = Arr::of(&[1], &[d]).restrided(&[values.len()], &[0]);
        for by in [Input::Scalar(Scalar::new(d)), repeated.input()] {
            elementwise(&p, &[x.input(), by], &[&out]).unwrap();
            for (i, (got, &v)) in out.values::<T>().into_iter().zip(values).enumerate() {
                let want = v / d;
                let same = bits(got) == bits(want) || is_nan(got) && is_nan(want);
                assert!(same, "{v:?} / {d:?} at {i}: {got:?}, not {want:?}");
            }
        }
    }
}

#[test]
fn by_powers_of_two_and_others() {
    let mut rng = Rng(7);
    let mut a: Vec<f32> = (0..3000).map(|_| f32::from_bits(rng.next() as u32)).collect();
    let special =
        [0.0, -0.0, 1.0, f32::INFINITY, -f32::INFINITY, f32::NAN, f32::MAX, f32::MIN_POSITIVE, 1e-45];
    a.extend(special);
    let mut d: Vec<f32> = (0..256).map(|e| f32::from_bits(e << 23)).collect();
    d.extend([-2.0, -0.5, 3.0, 1e-45, -0.0, f32::NAN, f32::from_bits(0x8080_0000)]);
    check(&a, &d, |x| x.to_bits() as u64, f32::is_nan);

    let mut a: Vec<f64> = (0..1000).map(|_| f64::from_bits(rng.next())).collect();
    a.extend(special.map(f64::from));
    let mut d: Vec<f64> = (0..2048).step_by(31).map(|e: u64| f64::from_bits(e << 52)).collect();
    d.extend([1, 2, 1022, 1023, 1024, 2044, 2045, 2046, 2047].map(|e| f64::from_bits(e << 52)));
    d.extend([-4.0, 10.0, 5e-324, f64::NAN]);
    check(&a, &d, f64::to_bits, f64::is_nan);
}
