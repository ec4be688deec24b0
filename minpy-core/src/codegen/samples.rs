//! The source of every kernel that a device can be asked for, for compilation without the device.
//!
//! Each form of work makes up calls (its function `samples`) on memory that does not exist: planning and rendering look at
//! shapes and dtypes only.

use super::{Dialect, FAMILIES, SAMPLES, Tuning, plan};
use crate::device::Memory;
use crate::expr::{Builder, Program};
use crate::kernel::{Family, Fold, Input, KernelCall, View, Work};
use crate::layout::contiguous_strides;
use crate::{DType, Result};
use std::sync::Arc;

/// A kernel of a made-up call.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// The form of work.
    pub family: Family,
    /// The dtype that the call was made up for.
    pub dtype: DType,
    /// Form, dtype, and what the call is.
    pub name: String,
    /// The whole translation unit; empty where there is none.
    pub text: String,
}

/// The kernels' texts, and the calls that have none.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Every kernel.
    pub texts: Vec<Rendered>,
    /// Calls that are left to the host, and why.
    pub unsupported: Vec<(Rendered, String)>,
}

/// Every kernel of a device of that language and tuning: all elementwise operations on representative dtypes, all other forms of
/// work on all dtypes.
pub fn sources(dialect: &dyn Dialect, tuning: Tuning) -> Sources {
    let mut s =
        Samples { dialect, tuning, family: FAMILIES[0], dtype: DType::F32, sources: Sources::default() };
    for (family, make) in SAMPLES {
        s.family = family;
        for dtype in DType::ALL {
            s.dtype = dtype;
            make(dtype, &mut s);
        }
    }
    s.sources
}

/// Takes made-up calls.
pub(super) struct Samples<'d> {
    dialect: &'d dyn Dialect,
    tuning: Tuning,
    family: Family,
    dtype: DType,
    sources: Sources,
}

/// An operand of a made-up call.
pub(super) struct Operand {
    dtype: DType,
    shape: Vec<usize>,
    strides: Vec<isize>,
}

impl Operand {
    /// In C order.
    pub(super) fn new(dtype: DType, shape: &[usize]) -> Operand {
        Operand { dtype, shape: shape.into(), strides: contiguous_strides(shape).to_vec() }
    }
    /// With other strides.
    pub(super) fn strided(self, strides: &[isize]) -> Operand {
        Operand { strides: strides.into(), ..self }
    }
    /// With the strides in reverse order.
    pub(super) fn turned(mut self) -> Operand {
        self.strides.reverse();
        self
    }
    fn view<'a>(&'a self, memory: &'a Memory) -> View<'a> {
        View { memory, dtype: self.dtype, shape: &self.shape, strides: &self.strides, offset: 0 }
    }
}

impl Samples<'_> {
    /// Plans the call and adds the text of its kernels.
    pub(super) fn add(
        &mut self,
        name: &str,
        work: &Work,
        program: Option<&Arc<Program>>,
        inputs: &[Operand],
        outputs: &[Operand],
    ) {
        // Distinct handles: views of one block would be taken for the same array.
        let memory: Vec<Memory> = (0..inputs.len() + outputs.len())
            .map(|i| Memory { handle: i + 1, offset: 0, bytes: 1 << 40 })
            .collect();
        let ins: Vec<Input> = inputs.iter().zip(&memory).map(|(s, m)| Input::View(s.view(m))).collect();
        let outs: Vec<View> = outputs.iter().zip(&memory[inputs.len()..]).map(|(s, m)| s.view(m)).collect();
        let call = KernelCall { op: "sample", work, program, inputs: &ins, outputs: &outs };
        let (family, dtype) = (self.family, self.dtype);
        let sample = |text| {
            let name = format!("{} {dtype} {name}", family.name());
            Rendered { family, dtype, name, text }
        };
        let kernels = plan(&call, &self.tuning)
            .and_then(|p| p.steps.iter().map(|s| s.spec.render(self.dialect)).collect::<Result<Vec<_>>>());
        match kernels {
            Ok(all) => self.sources.texts.extend(all.into_iter().map(|k| sample(k.text))),
            Err(e) => self.sources.unsupported.push((sample(String::new()), e.message().to_string())),
        }
    }
}

/// The folds that a dtype has.
pub(super) fn folds(dtype: DType) -> impl Iterator<Item = Fold> {
    let bits = [Fold::And, Fold::Or, Fold::Xor].into_iter().filter(move |_| !dtype.is_inexact());
    [Fold::Add, Fold::Mul, Fold::Max, Fold::Min].into_iter().chain(bits)
}

/// The program that converts its only input.
pub(super) fn cast(from: DType, to: DType) -> Arc<Program> {
    let b = Builder::new();
    let id = b.input(from).cast(to).id();
    Arc::new(b.finish("cast", &[id], 0))
}
