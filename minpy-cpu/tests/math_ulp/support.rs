//! Errors in ulp, and the points at which functions are tried.

use minpy_cpu::simd::{Level, supports};

const LEVELS: [Level; 3] = [Level::Base, Level::Avx2, Level::Avx512];
/// The promise of `minpy_cpu::math`.
pub const BOUND: f64 = 4.0;

/// The levels that this machine can run.
pub fn levels() -> impl Iterator<Item = Level> {
    LEVELS.into_iter().filter(|&l| supports(l))
}

pub fn env(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

/// The distance of `got` from the exact value in ulp of the `f32` there.
pub fn error32(got: f32, want: f64) -> f64 {
    if want.is_nan() || got.is_nan() {
        return if want.is_nan() && got.is_nan() { 0.0 } else { f64::INFINITY };
    }
    let near = want as f32;
    if near == got {
        // A zero must have the sign of the exact zero or underflow.
        return if got != 0.0 || got.is_sign_negative() == near.is_sign_negative() {
            if got.is_infinite() { 0.0 } else { (got as f64 - want).abs() / ulp32(want) }
        } else {
            f64::INFINITY
        };
    }
    let got = if got.is_infinite() { (got.signum() as f64) * 2f64.powi(128) } else { got as f64 };
    let want = if want.abs() > 2f64.powi(128) { 2f64.powi(128).copysign(want) } else { want };
    (got - want).abs() / ulp32(want)
}

pub fn ulp32(v: f64) -> f64 {
    let e = ((v.to_bits() >> 52) & 2047) as i32 - 1023;
    2f64.powi(e.clamp(-126, 127) - 23)
}

/// The number of steps from `got` to `want` in the order of `f64`.
pub fn error64(got: f64, want: f64) -> f64 {
    if want.is_nan() || got.is_nan() {
        return if want.is_nan() && got.is_nan() { 0.0 } else { f64::INFINITY };
    }
    if got.to_bits() == want.to_bits() {
        return 0.0;
    }
    if got == 0.0 && want == 0.0 {
        return f64::INFINITY;
    }
    let key = |v: f64| {
        let b = v.to_bits() as i64;
        if b < 0 { i64::MIN.wrapping_sub(b) } else { b }
    };
    (key(got) as i128 - key(want) as i128).unsigned_abs() as f64
}

pub struct Random(pub u64);
impl Random {
    pub fn bits(&mut self) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }
}

pub fn edges() -> Vec<f64> {
    let mut v = vec![0.0, f64::INFINITY, f64::NAN, 1e30, 1e300, 1e22, f64::MAX, f64::MIN_POSITIVE];
    v.extend([5e-324, 1e-310, 1.0, 0.5, 2.0, 3.0, 8.0, 10.0, 100.0, 1000.0, 1e15]);
    v.extend([88.72, 88.73, 89.41, 89.42, 103.9, 104.0, 709.78, 709.79, 710.47, 710.48, 745.1]);
    v.extend([745.2, 1024.0, 1023.9999, 1074.5, 1075.5, 127.99, 128.0, 149.5, 150.5, 36.7, 17.3]);
    v.extend([205_886.0, 205_888.0, 1_647_097.0, 1_647_099.0, f32::MAX as f64, 1e-45, 1e-40]);
    for i in 1..200 {
        v.push(i as f64 * std::f64::consts::FRAC_PI_2);
        v.push(i as f64 * std::f64::consts::LN_2 / 2.0);
        v.push(1.0 + 1.0 / i as f64);
        v.push(1.0 - 1.0 / i as f64);
    }
    for i in 1..53 {
        v.push(1.0 + 0.5f64.powi(i));
        v.push(1.0 - 0.5f64.powi(i));
        v.push((2f64.powi(i) * 355.0).round() / 113.0);
    }
    let neg: Vec<f64> = v.iter().map(|x| -x).collect();
    v.extend(neg);
    v
}

pub fn inputs32(stride: u32) -> Vec<f32> {
    let mut v: Vec<f32> = edges().iter().map(|&x| x as f32).collect();
    let mut b = 0u32;
    loop {
        v.push(f32::from_bits(b));
        match b.checked_add(stride) {
            Some(n) => b = n,
            None => return v,
        }
    }
}

pub fn inputs64(points: usize, seed: u64) -> Vec<f64> {
    let mut v = edges();
    let mut r = Random(seed);
    for i in 0..points {
        let sign = if r.bits() & 1 == 0 { 1.0 } else { -1.0 };
        v.push(match i % 6 {
            // Log-uniform over every exponent, then over those near 1.
            0 => f64::from_bits(r.bits()),
            1 => sign * 2f64.powf(r.unit() * 60.0 - 40.0),
            2 => sign * (1.0 + sign * 2f64.powf(-r.unit() * 50.0)),
            3 => sign * r.unit() * 750.0,
            4 => sign * r.unit() * 4.0,
            // Beside multiples of π/2.
            _ => {
                let n = (2f64.powf(r.unit() * 21.0)).round() * std::f64::consts::FRAC_PI_2;
                f64::from_bits(n.to_bits().wrapping_add(r.bits() % 5).wrapping_sub(2)) * sign
            }
        });
    }
    v
}

/// Applies a kernel in place, in one odd-sized call.
pub fn apply<T: Copy>(k: unsafe fn(*const T, *mut T, usize), x: &[T]) -> Vec<T> {
    let mut y = x.to_vec();
    // SAFETY: `y` has `len` elements; source and destination may be equal; the level was checked.
    unsafe { k(y.as_ptr(), y.as_mut_ptr(), y.len()) };
    y
}
