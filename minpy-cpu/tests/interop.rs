//! Views and copies of the crate `ndarray`.
#![cfg(feature = "ndarray")]

use minpy_core::{Array, Element, ErrorKind, Result};
use minpy_cpu::interop::{from_ndarray, to_ndarray};
use ndarray::{Array2, ArrayViewD, Axis, s};

fn with_view<T: Element, R>(a: &Array, f: impl FnOnce(ArrayViewD<'_, T>) -> R) -> Result<R> {
    // SAFETY: nothing else in this test has the arrays.
    unsafe { minpy_cpu::interop::with_view(a, f) }
}

#[test]
fn views_follow_strides() {
    minpy_cpu::register().unwrap();
    let v: Vec<f32> = (0..12).map(|i| i as f32).collect();
    let a = Array::from_slice(&v, &[3, 4]).unwrap();
    let want = Array2::from_shape_vec((3, 4), v).unwrap();
    with_view::<f32, _>(&a, |x| assert_eq!(x, want.view().into_dyn())).unwrap();
    with_view::<f32, _>(&a.t(), |x| assert_eq!(x, want.t().into_dyn())).unwrap();
    let back = a.slice(1, 3, -2, 2);
    with_view::<f32, _>(&back, |x| assert_eq!(x, want.slice(s![.., ..;-2]).into_dyn())).unwrap();
    let row = a.slice(0, 1, 1, 1).broadcast_to(&[5, 4]).unwrap();
    with_view::<f32, _>(&row, |x| assert_eq!(x.sum_axis(Axis(1)), ndarray::arr1(&[22f32; 5]).into_dyn()))
        .unwrap();
    let empty = a.slice(0, 0, 1, 0);
    with_view::<f32, _>(&empty, |x| assert_eq!(x.len(), 0)).unwrap();
    assert_eq!(with_view::<f64, _>(&a, |_| ()).unwrap_err().kind(), ErrorKind::Type);
    assert_eq!(to_ndarray::<f32>(&a.t()).unwrap(), want.t().into_dyn());
    let again = from_ndarray(&want.t()).unwrap();
    assert_eq!(
        (again.shape(), again.to_vec::<f32>().unwrap()),
        (&[4usize, 3][..], a.t().to_vec::<f32>().unwrap())
    );
}
