//! Arguments at the edge of what fits, through the Rust API.

use minpy_core::ops;
use minpy_core::ops::Window;

use minpy_core::{Array, DType, ErrorKind, Layout, index};

fn kind<T: std::fmt::Debug>(r: minpy_core::Result<T>) -> ErrorKind {
    r.unwrap_err().kind()
}

#[test]
fn classes_beyond_the_range_of_the_labels() {
    minpy_cpu::register().unwrap();
    for labels in [
        Array::from_slice(&[0u8, 255], &[2]).unwrap(),
        Array::from_slice(&[false, true], &[2]).unwrap(),
        Array::from_slice(&[0u64, 299], &[2]).unwrap(),
        Array::from_slice(&[0f32, 299.0], &[2]).unwrap(),
    ] {
        let hot = ops::one_hot(&labels, 300, DType::F32).unwrap();
        let rows = ops::sum(&hot, Some(&[1]), false).unwrap();
        assert_eq!(rows.to_vec::<f32>().unwrap(), [1.0, 1.0], "{labels:?}");
    }
}

#[test]
fn numbers_that_an_element_cannot_hold() {
    minpy_cpu::register().unwrap();
    let a = ops::zeros(&[3], DType::I8).unwrap();
    let mask = Array::from_slice(&[true, false, true], &[3]).unwrap();
    assert_eq!(kind(ops::assign(&a, 300i64)), ErrorKind::Overflow);
    assert_eq!(kind(ops::assign(&a, f64::NAN)), ErrorKind::Value);
    assert_eq!(kind(ops::assign_where(&a, 300i64, &mask)), ErrorKind::Overflow);
    assert_eq!(kind(ops::set(&a, &index![1], -129i64)), ErrorKind::Overflow);
    assert_eq!(kind(ops::set(&a, &index![&mask], 128i64)), ErrorKind::Overflow);
    ops::set(&a, &index![&mask], -128i64).unwrap();
    assert_eq!(a.to_vec::<i8>().unwrap(), [-128, 0, -128]);
}

#[test]
fn layers_refuse_what_does_not_fit() {
    minpy_cpu::register().unwrap();
    let (none, row) = (ops::zeros(&[0, 3], DType::F32).unwrap(), ops::zeros(&[3], DType::F32).unwrap());
    assert_eq!(kind(ops::fully_connected(&none, &row, None)), ErrorKind::Value);
    let w = ops::zeros(&[4, 3], DType::F32).unwrap();
    assert_eq!(ops::fully_connected(&none, &w, None).unwrap().shape(), [0, 4]);
    let x = ops::ones(&[1, 1, 4, 4], DType::F32).unwrap();
    let win = |stride, pad| Window { kernel: [2, 2], stride: [stride; 2], pad: [pad; 2] };
    assert_eq!(kind(ops::max_pool(&x, &win(1, 1 << 63))), ErrorKind::Value);
    assert_eq!(kind(ops::max_pool(&x, &win(usize::MAX, 0))), ErrorKind::Value);
    assert_eq!(ops::max_pool(&x, &win(isize::MAX as usize, 0)).unwrap().shape(), [1, 1, 1, 1]);
}

#[test]
fn truth_values_of_foreign_bytes() {
    minpy_cpu::register().unwrap();
    let device = minpy_core::context::current_device().unwrap();
    let a = Array::from_bytes(device, &[2, 0, 255], &[3], DType::Bool).unwrap();
    assert_eq!(a.to_vec::<bool>().unwrap(), [true, false, true]);
    assert_eq!(a.slice(0, 2, 1, 1).item().unwrap().get::<bool>(), Some(true));
}

#[test]
#[should_panic(expected = "leaves")]
fn a_view_before_its_buffer() {
    minpy_cpu::register().unwrap();
    ops::zeros(&[4], DType::F64).unwrap().slice(0, 0, -1, 4);
}

#[test]
#[should_panic(expected = "leaves")]
fn a_view_whose_reach_overflows() {
    minpy_cpu::register().unwrap();
    let a = ops::zeros(&[4], DType::F64).unwrap();
    a.view(Layout::new([2usize].as_slice(), [1isize << 61].as_slice(), 0));
}
