//! Run-time choice of the vector instruction set.
//!
//! A kernel is compiled once for each [`Level`], as a generic function behind `#[target_feature]`
//! wrappers, and its pointer is picked by [`level`]: one relaxed load after the first call. `MINPY_SIMD` names a lower
//! level than the machine has (`base`, `avx2`): to test or measure what other machines run. Libraries look for themselves, and are
//! not told: `gemm` (all products at `base`, those of complex numbers at every level), `half` (single float16 numbers), libm.

use core::sync::atomic::{AtomicU8, Ordering};

/// An instruction set for which kernels are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// What the compiler's target has: SSE2 on x86-64, NEON on aarch64.
    Base = 1,
    /// AVX2 and FMA: 256 bits.
    Avx2 = 2,
    /// AVX-512 F, BW, CD, DQ and VL: 512 bits.
    Avx512 = 3,
}

/// True where the target itself has fused multiply-add.
pub const BASE_FMA: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));

static LEVEL: AtomicU8 = AtomicU8::new(0);

/// The best level of this machine.
#[inline]
pub fn level() -> Level {
    match LEVEL.load(Ordering::Relaxed) {
        1 => Level::Base,
        2 => Level::Avx2,
        3 => Level::Avx512,
        _ => detect(),
    }
}

/// Whether this machine can run kernels of `level`.
pub fn supports(want: Level) -> bool {
    want <= level()
}

#[cold]
fn detect() -> Level {
    #[cfg(target_arch = "x86_64")]
    let found = {
        // All that the kernels enable: virtual machines may hide the small ones.
        let avx2 = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt");
        let avx512 = avx2
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512cd")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        if avx512 {
            Level::Avx512
        } else if avx2 {
            Level::Avx2
        } else {
            Level::Base
        }
    };
    #[cfg(not(target_arch = "x86_64"))]
    let found = Level::Base;
    let found = match std::env::var("MINPY_SIMD") {
        Ok(name) => named(&name).map_or(found, |most| most.min(found)),
        Err(_) => found,
    };
    LEVEL.store(found as u8, Ordering::Relaxed);
    found
}

/// A level as `MINPY_SIMD` names it.
fn named(name: &str) -> Option<Level> {
    match name.trim() {
        "base" => Some(Level::Base),
        "avx2" => Some(Level::Avx2),
        "avx512" => Some(Level::Avx512),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Level, named};

    #[test]
    fn levels_have_names() {
        let all = ["base", " avx2", "avx512", "sse", ""].map(named);
        assert_eq!(all, [Some(Level::Base), Some(Level::Avx2), Some(Level::Avx512), None, None]);
    }
}
