//! A kernel for one operation that core can also do by others: it is taken, on this device alone, and agrees with the parts.

use minpy_core::{Array, DType, DeviceRef, Result, device, ops, stats};
use minpy_cpu as _;
use outside_backend as _;

fn on(kind: &str, values: impl Fn(usize) -> f64, shape: &[usize], dtype: DType) -> Result<Array> {
    let list: Vec<f64> = (0..shape.iter().product()).map(values).collect();
    let device: DeviceRef = device::devices(kind)?[0];
    ops::cast(&Array::from_slice(&list, shape)?, dtype)?.to_device(device)
}

#[test]
fn the_kernel_agrees_with_the_parts() -> Result<()> {
    for (stride, pad) in [([1, 1], [0, 0]), ([2, 1], [1, 2]), ([1, 3], [2, 0])] {
        let run = |kind: &str, dtype| -> Result<(Vec<f64>, u64)> {
            let x = on(kind, |i| (i * 7 % 11) as f64 - 5.0, &[2, 3, 5, 6], dtype)?;
            let w = on(kind, |i| (i * 5 % 7) as f64 - 3.0, &[4, 3, 3, 2], dtype)?;
            stats::reset();
            let y = ops::convolution(&x, &w, None, stride, pad)?;
            let by_host = stats::fallback_count();
            Ok((ops::cast(&y, DType::F64)?.to_vec()?, by_host as u64))
        };
        let (want, _) = run("cpu", DType::F64)?;
        // Small integers: equal to the last bit, whatever the order of the sums.
        assert_eq!(run("toy", DType::F32)?, (want.clone(), 0));
        // In float64 `toy` has neither the kernel nor the parts.
        let (values, by_host) = run("toy", DType::F64)?;
        assert!(values == want && by_host > 0);
    }
    Ok(())
}
