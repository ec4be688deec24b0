//! What the tests share: the first OpenCL device, test data, and comparison with the host.
#![allow(dead_code)] // every test file uses a part of it

use minpy_core::{Array, DType, DeviceRef, Scalar};
use minpy_cpu as _;
use minpy_opencl as _;

/// The first OpenCL device; `None` (with the reason printed) when there is none and that is allowed.
pub fn opencl() -> Option<DeviceRef> {
    let found = minpy_core::device::devices("opencl").expect("the registry is in order");
    if found.is_empty() {
        assert!(
            std::env::var("MINPY_REQUIRE_OPENCL").as_deref() != Ok("1"),
            "MINPY_REQUIRE_OPENCL=1, and there is no OpenCL device"
        );
        println!("skipped: no OpenCL device (install a driver, for example pocl-opencl-icd)");
    }
    found.first().copied()
}

/// The host.
pub fn host() -> DeviceRef {
    minpy_core::device::host().expect("minpy-cpu is linked")
}

/// Numbers from a small linear congruential generator, in `[0, 1)`.
pub struct Numbers(pub u64);
impl Numbers {
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// `n` elements of `dtype` in `lo..hi` (integers whole, bool by the half).
pub fn data(dtype: DType, n: usize, lo: f64, hi: f64, seed: u64) -> Vec<u8> {
    let mut r = Numbers(seed);
    let mut bytes = Vec::with_capacity(n * dtype.size());
    for _ in 0..n {
        let x = lo + (hi - lo) * r.next();
        let number: minpy_core::Number = match dtype {
            DType::Bool => (r.next() < 0.5).into(),
            d if d.is_integer() => (x.round().max(d.int_range().map_or(0.0, |b| b.0 as f64)) as i64).into(),
            d if d.is_complex() => num_complex::Complex64::new(x, lo + (hi - lo) * r.next()).into(),
            _ => x.into(),
        };
        bytes.extend_from_slice(number.cast(dtype).bytes());
    }
    bytes
}

/// The same array on both devices.
pub fn both(d: DeviceRef, dtype: DType, shape: &[usize], lo: f64, hi: f64, seed: u64) -> (Array, Array) {
    let bytes = data(dtype, shape.iter().product(), lo, hi, seed);
    let on = |d| Array::from_bytes(d, &bytes, shape, dtype).expect("upload");
    (on(d), on(host()))
}

/// Distance in units in the last place (0 for equal, for NaN and NaN), greatest over the parts of a complex number.
fn distance(a: &Scalar, b: &Scalar) -> f64 {
    let d = a.dtype();
    if a.bytes() == b.bytes() {
        return 0.0;
    }
    if d.is_complex() {
        // Relative to the modulus: a small part beside a large one carries its error.
        let (x, y) = (complex(a), complex(b));
        if x.re.is_nan() && y.re.is_nan() || x.im.is_nan() && y.im.is_nan() {
            return 0.0;
        }
        let eps = if d == DType::C64 { f32::EPSILON as f64 } else { f64::EPSILON };
        return (x - y).norm() / (y.norm() * eps).max(f64::MIN_POSITIVE);
    }
    if !d.is_float() {
        return f64::INFINITY;
    }
    let (x, y) = (a.number().to_f64(), b.number().to_f64());
    if x == y || x.is_nan() && y.is_nan() {
        return 0.0;
    }
    let key = |s: &Scalar| {
        let mut bytes = [0u8; 8];
        bytes[..d.size()].copy_from_slice(s.bytes());
        let (u, sign) = (u64::from_le_bytes(bytes), 1u64 << (d.size() * 8 - 1));
        if u & sign != 0 { -((u & (sign - 1)) as i128) } else { u as i128 }
    };
    (key(a) - key(b)).unsigned_abs() as f64
}

fn complex(s: &Scalar) -> num_complex::Complex64 {
    match s.number() {
        minpy_core::Number::Complex(c) => c,
        n => num_complex::Complex64::new(n.to_f64(), 0.0),
    }
}

/// Says where `got` (on the device) differs from `want` (on the host) by more than `ulp` units in the last place.
pub fn compare(what: &str, got: &Array, want: &Array, ulp: f64) -> Result<(), String> {
    if (got.shape(), got.dtype()) != (want.shape(), want.dtype()) {
        return Err(format!(
            "{what}: {:?} {} and {:?} {}",
            got.shape(),
            got.dtype(),
            want.shape(),
            want.dtype()
        ));
    }
    let (g, w) = (got.to_bytes().expect("download"), want.to_bytes().expect("host"));
    let size = got.dtype().size();
    for (i, (a, b)) in g.chunks(size).zip(w.chunks(size)).enumerate() {
        let (a, b) = (Scalar::from_bytes(got.dtype(), a), Scalar::from_bytes(got.dtype(), b));
        let d = distance(&a, &b);
        if d > ulp {
            return Err(format!(
                "{what}: element {i}: {a:?} on the device, {b:?} on the host ({d} ulp, {ulp} allowed)"
            ));
        }
    }
    Ok(())
}

/// Fails unless both agree.
pub fn assert_close(what: &str, got: &Array, want: &Array, ulp: f64) {
    if let Err(e) = compare(what, got, want, ulp) {
        panic!("{e}");
    }
}
