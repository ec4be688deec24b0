//! Random numbers for Rust programs: Philox-4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
//! SC'11), counter-based, so that every device gives the same stream. Python's `minpy.numpy.random` is NumPy's own.

use super::{add, call, cast, cos, log, multiply, negative, sqrt};
use crate::dispatch::launch;
use crate::kernel::Work;
use crate::layout::{Dims, count};
use crate::op::{OpDef, Structured};
use crate::{Array, Attrs, DType, Meta, Metas, Result, Target, operation};

/// Attributes of random bits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stream {
    /// Shape of the result.
    pub shape: Dims,
    /// Philox key.
    pub key: [u32; 2],
    /// First block.
    pub counter: u64,
}

struct RandomBits;
impl Structured for RandomBits {
    type Attrs = Stream;

    fn infer(&self, op: &'static OpDef, attrs: &Stream, _: &[&Array]) -> Result<Metas> {
        count(op.name, &attrs.shape)?;
        Ok(Meta::one(attrs.shape.clone(), DType::U32))
    }
    fn lower(&self, op: &'static OpDef, attrs: &Stream, _: &[&Array], outs: &[&Array]) -> Result<()> {
        if outs[0].size() == 0 {
            return Ok(());
        }
        let work = Work::RandomBits { key: attrs.key, counter: attrs.counter };
        launch(op.name, outs[0].device(), &work, None, &[], outs)
    }
}
operation!(pub RANDOM_BITS: "random_bits", 0 => 1, RandomBits, &[], constant "32 random bits per element, from Philox-4x32-10.");

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
        let attrs = Stream { shape: shape.into(), key: self.key, counter: self.counter };
        self.counter += n.div_ceil(4) as u64;
        call(&RANDOM_BITS, Attrs::of(&attrs), &[], None, Target::New)
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
