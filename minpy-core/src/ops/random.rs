//! Random numbers for Rust programs: Philox-4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
//! SC'11), counter-based, so that every device gives the same stream. Python's `minpy.numpy.random` is NumPy's own.

use super::{add, call, cast, cos, log, multiply, negative, sqrt, structured};
use crate::dispatch::launch;
use crate::kernel::Work;
use crate::layout::count;
use crate::op::{OpDef, Structured, Tier};
use crate::{Array, Attrs, DType, Meta, Result, Target, bail};

struct RandomBits;
impl Structured for RandomBits {
    fn infer(&self, op: &'static OpDef, attrs: &Attrs, _: &[&Array]) -> Result<Meta> {
        let Attrs::Random { shape, .. } = attrs else { bail!(Type, "{}: wrong attributes", op.name) };
        count(op.name, shape)?;
        Ok(Meta { shape: shape.clone(), dtype: DType::U32 })
    }
    fn lower(&self, op: &'static OpDef, attrs: &Attrs, _: &[&Array], out: &Array) -> Result<()> {
        let Attrs::Random { key, counter, .. } = attrs else { bail!(Type, "{}: wrong attributes", op.name) };
        if out.size() == 0 {
            return Ok(());
        }
        launch(op.name, out.device(), &Work::RandomBits { key: *key, counter: *counter }, None, &[], &[out])
    }
}
structured!(RANDOM_BITS "random_bits" 0 RandomBits, &[], "32 random bits per element, from Philox-4x32-10.");

/// A reproducible stream of random numbers.
#[derive(Clone, Debug)]
pub struct Generator {
    key: [u32; 2],
    counter: u64,
}
impl Generator {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Generator {
        Generator { key: [seed as u32, (seed >> 32) as u32], counter: 0 }
    }
    /// 32 random bits per element.
    pub fn bits(&mut self, shape: &[usize]) -> Result<Array> {
        let n = count("random_bits", shape)?;
        let attrs = Attrs::Random { shape: shape.into(), key: self.key, counter: self.counter };
        self.counter += n.div_ceil(4) as u64;
        call(&RANDOM_BITS, &attrs, &[], None, Target::New)
    }
    /// Uniform in [0, 1), 24 bits for float32 and 32 for float64.
    pub fn uniform(&mut self, shape: &[usize], dtype: DType) -> Result<Array> {
        let bits = self.bits(shape)?;
        let wide = cast(&bits, DType::F64)?;
        // Float32 drops the low byte first: rounding up must not reach 1.
        let u = if dtype == DType::F64 {
            multiply(&wide, 2f64.powi(-32))?
        } else {
            multiply(&super::floor(&multiply(&wide, 2f64.powi(-8))?)?, 2f64.powi(-24))?
        };
        cast(&u, dtype)
    }
    /// Normal with mean 0 and variance 1 (Box-Muller).
    pub fn normal(&mut self, shape: &[usize], dtype: DType) -> Result<Array> {
        let (u, v) = (self.uniform(shape, DType::F64)?, self.uniform(shape, DType::F64)?);
        // 1 - u lies in (0, 1]: the logarithm is finite.
        let r = sqrt(&multiply(&log(&add(&negative(&u)?, 1.0)?)?, -2.0)?)?;
        cast(&multiply(&r, &cos(&multiply(&v, 2.0 * std::f64::consts::PI)?)?)?, dtype)
    }
}
