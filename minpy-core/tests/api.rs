//! What Rust programs write: operators with numbers on either side, owned and in place; methods; arrays from values.

use minpy_core::{Array, DType, ErrorKind, Number, Result, index, ops};
use minpy_cpu as _;
use num_complex::Complex64;

fn values(a: &Array) -> Vec<f64> {
    ops::cast(a, DType::F64).unwrap().to_vec().unwrap()
}

#[test]
fn operators_take_arrays_and_numbers_on_either_side() {
    let x = Array::from([1.0, 2.0, 3.0]);
    let y = Array::from([4.0, 5.0, 6.0]);
    // Owned and borrowed, in every pairing.
    for sum in [&x + &y, &x + y.clone(), x.clone() + &y, x.clone() + y.clone()] {
        assert_eq!(values(&sum), [5.0, 7.0, 9.0]);
    }
    assert_eq!(values(&(2.0 * &x)), [2.0, 4.0, 6.0]);
    assert_eq!(values(&(&x * 2.0)), [2.0, 4.0, 6.0]);
    assert_eq!(values(&(1 - &x)), [0.0, -1.0, -2.0]);
    assert_eq!(values(&(6.0 / x.clone())), [6.0, 3.0, 2.0]);
    assert_eq!(values(&(x.clone() % 2)), [1.0, 0.0, 1.0]);
    // The type of a literal is not asked for before the result is used.
    assert_eq!(values(&(2.0 * &x - 1).square().unwrap()), [1.0, 9.0, 25.0]);
    assert_eq!(values(&-(&x + 1.0)), [-2.0, -3.0, -4.0]);
    let z = Complex64::new(0.0, 1.0) * &x;
    assert_eq!((z.dtype(), (&x * Complex64::new(0.0, 1.0)).dtype()), (DType::C128, DType::C128));
    let m = Array::from([true, false, true]);
    assert_eq!((&m & true).to_vec::<bool>().unwrap(), [true, false, true]);
    assert_eq!((true ^ &m).to_vec::<bool>().unwrap(), [false, true, false]);
    assert_eq!((!m).to_vec::<bool>().unwrap(), [false, true, false]);
    let n = Array::from([1i32, 2, 3]);
    assert_eq!((&n << 2).to_vec::<i32>().unwrap(), [4, 8, 12]);
    assert_eq!((&n | 1).to_vec::<i32>().unwrap(), [1, 3, 3]);
}

#[test]
fn numbers_are_weak() {
    let half = ops::ones(&[2], DType::F16).unwrap();
    let single = Array::from([1f32, 2.0]);
    let small = Array::from([1u8, 2]);
    assert_eq!((2.0 * &half).dtype(), DType::F16);
    assert_eq!((2.0 * &single).dtype(), DType::F32);
    assert_eq!((&single * 2f64).dtype(), DType::F32);
    assert_eq!((&small + 1).dtype(), DType::U8);
    assert_eq!((&small + 1u64).dtype(), DType::U8);
    assert_eq!((&small * 1.5f32).dtype(), DType::F64);
    assert_eq!((&single * Number::Int(3)).dtype(), DType::F32);
}

#[test]
fn compound_assignment_writes_into_the_memory() {
    let mut x = Array::from([[1.0, 2.0], [3.0, 4.0]]);
    let same = x.clone();
    let mut column = ops::get(&x, &index![.., 1]).unwrap();
    column *= 10.0;
    assert_eq!(values(&x), [1.0, 20.0, 3.0, 40.0]);
    x += &column; // broadcast, and the operand overlaps the target
    assert_eq!(values(&same), [21.0, 60.0, 23.0, 80.0]);
    x -= 1;
    x /= 2.0;
    x %= 5.0;
    assert_eq!(values(&same), [0.0, 4.5, 1.0, 4.5]);
    assert_eq!(values(&column), [4.5, 4.5]);
    x += x.clone().t();
    assert_eq!(values(&same), [0.0, 5.5, 5.5, 9.0]);
    // The dtype stays.
    let mut n = Array::from([7u8, 8]);
    n &= 5;
    n <<= 1;
    n ^= &Array::from([1u8, 1]);
    assert_eq!(n.to_vec::<u8>().unwrap(), [11, 1]);
    // A pending value, too.
    let big = ops::ones(&[1000, 100], DType::F32).unwrap();
    let mut y = &big + 1.0;
    y *= &(&big * 3.0);
    assert!(y.to_vec::<f32>().unwrap().iter().all(|&v| v == 6.0));
}

#[test]
fn what_operators_panic_on_the_functions_return() {
    let (x, y) = (Array::from([1.0, 2.0]), Array::from([1.0, 2.0, 3.0]));
    let text = |f: &dyn Fn()| {
        let e = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).unwrap_err();
        e.downcast_ref::<String>().cloned().unwrap_or_default()
    };
    let (panic, error) = (text(&|| drop(&x + &y)), x.add(&y).unwrap_err());
    assert_eq!((panic.as_str(), error.kind()), (error.message(), ErrorKind::Value));
    assert!(panic.contains("(2,)") && panic.contains("(3,)"), "{panic}");
    let n = Array::from([1i64, 2]);
    let (panic, error) =
        (text(&|| n.clone().times(1.5)), ops::in_place(&ops::MULTIPLY, &n, 1.5).unwrap_err());
    assert_eq!((panic.as_str(), error.kind()), (error.message(), ErrorKind::Type));
    assert_eq!(n.to_vec::<i64>().unwrap(), [1, 2]);
    assert_eq!(ops::in_place(&ops::ADD, &x, &y).unwrap_err().kind(), ErrorKind::Value);
    let ragged = vec![vec![1.0, 2.0], vec![3.0]];
    let (panic, error) = (text(&|| drop(Array::from(&ragged))), ops::array(&ragged).unwrap_err());
    assert_eq!((panic.as_str(), error.kind()), (error.message(), ErrorKind::Value));
}
trait Times {
    fn times(self, by: f64);
}
impl Times for Array {
    fn times(mut self, by: f64) {
        self *= by;
    }
}

#[test]
fn arrays_come_from_values() {
    let nested = Array::from(vec![[[1i16, 2], [3, 4], [5, 6]]; 4]);
    assert_eq!((nested.shape(), nested.dtype(), nested.size()), (&[4, 3, 2][..], DType::I16, 24));
    assert_eq!(ops::get(&nested, &index![2, 1]).unwrap().to_vec::<i16>().unwrap(), [3, 4]);
    let rows: Vec<Vec<f32>> = vec![vec![1.0, 2.0], vec![3.0, 4.0]];
    assert_eq!(Array::from(&rows).to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(Array::from(&rows[0][..]).shape(), [2]);
    assert_eq!(Array::from(rows.as_slice()).shape(), [2, 2]);
    assert_eq!(Array::from(2.5).item().unwrap().get::<f64>(), Some(2.5));
    assert_eq!(Array::from([Complex64::new(1.0, 2.0)]).dtype(), DType::C128);
    assert_eq!(Array::from(Vec::<f64>::new()).shape(), [0]);
    assert_eq!(Array::from(Vec::<[f64; 3]>::new()).shape(), [0, 3]);
    assert_eq!(Array::from([[0f32; 0]; 2]).shape(), [2, 0]);
    // The first list does not decide alone, neither in length nor where it is empty.
    for wrong in [vec![vec![], vec![1.0]], vec![vec![1.0], vec![]], vec![vec![1.0], vec![1.0, 2.0]]] {
        assert_eq!(ops::array(wrong).unwrap_err().kind(), ErrorKind::Value);
    }
}

#[test]
fn arange_takes_what_numbers_there_are() -> Result<()> {
    assert_eq!(ops::arange(0, 5, 1, None)?.to_vec::<i64>()?, [0, 1, 2, 3, 4]);
    assert_eq!(ops::arange(0, 1.0, 0.5, None)?.to_vec::<f64>()?, [0.0, 0.5]);
    assert_eq!(ops::arange(5u8, 1i64, -2, DType::I8)?.to_vec::<i8>()?, [5, 3]);
    assert_eq!(ops::arange(0f32, 3f32, 1, DType::F32)?.to_vec::<f32>()?, [0.0, 1.0, 2.0]);
    assert_eq!(ops::arange(Number::Int(1), Number::Int(1), Number::Int(1), None)?.shape(), [0]);
    assert_eq!(ops::arange(0, 3, 0, None).unwrap_err().kind(), ErrorKind::Value);
    Ok(())
}
