//! From canonical work to C source: one generator serves every device that compiles C (OpenCL, CUDA, a stranger's).
//!
//! `plan` turns a `KernelCall` into steps: which kernel (`Spec`, cheap to compare), its arguments and its grid. A device that
//! misses the kernel in its cache asks `Spec::render` for the source in its `Dialect`. `CDevice` is that device: a backend says
//! what its vendor's API does (`CDriver`), and `c_backend!` registers it for every form of work with a row in `forms!` below.
//! Shapes, strides and offsets are arguments: a kernel compiled once serves every shape.

mod arg_reduce;
mod complex;
mod device;
mod dialect;
mod dims;
mod disk;
mod elementwise;
mod expr;
mod index;
mod kernels;
mod lines;
mod matmul;
mod nonzero;
mod pool;
mod prims;
mod random;
mod reduce;
mod reduce_kernel;
mod rows;
mod run;
mod samples;
mod scan;

pub use device::{BoundArg, CDevice, CDriver, Found, Place, devices, fault};
pub use dialect::Dialect;
pub use disk::DiskCache;
pub use kernels::{Compiler, Kernels, does_not_build};
pub use pool::Blocks;
pub use run::entries;
pub use samples::{Rendered, Sources, sources};

use crate::expr::Program;
use crate::kernel::{Family, KernelCall, Work};
use crate::{DType, Error, ErrorKind, Result, Scalar};
use smallvec::SmallVec;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// What the generators must know of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tuning {
    /// Work items of a group in one-dimensional kernels: a power of two. 1 says that the device is a CPU: every work item
    /// then walks over a contiguous chunk, and groups do not share work.
    pub local: usize,
    /// Groups that keep the device busy.
    pub groups: usize,
    /// Bytes of a vector register (CPU).
    pub vector: usize,
    /// The most work items that a group may have: at least 64 on a GPU.
    pub group: usize,
    /// Bytes of local memory that a group may use.
    pub shared: usize,
    /// Bytes of arguments that a launch may have.
    pub parameters: usize,
}

impl Tuning {
    /// A CPU with that many cores and vector registers of so many bytes.
    pub fn cpu(cores: usize, vector: usize) -> Tuning {
        let vector = vector.next_power_of_two().clamp(16, 64);
        Tuning { local: 1, groups: cores.max(1) * 4, vector, group: 1, shared: 1 << 18, parameters: 1 << 10 }
    }
    /// A GPU with that many multiprocessors, and the least local memory and room for arguments that there is.
    pub fn gpu(units: usize) -> Tuning {
        Tuning {
            local: 128,
            groups: units.max(1) * 16,
            vector: 16,
            group: 256,
            shared: 32 << 10,
            parameters: 4 << 10,
        }
    }
    /// Whether work items are threads of a CPU.
    pub(crate) fn serial(&self) -> bool {
        self.local == 1
    }
}

/// An argument of a kernel.
#[derive(Clone, Debug, PartialEq)]
pub enum Arg {
    /// The device's handle of a block of memory (element offsets are numbers of their own).
    Memory(usize),
    /// A scratch block of the plan, by number.
    Scratch(usize),
    /// The device's error words (`ERROR_WORDS` int64, zero unless an error was found).
    Errors,
    /// One element by value (half as its 16 bits).
    Scalar(Scalar),
    /// A struct of int64 by value.
    Ints(SmallVec<[i64; 24]>),
}

/// Number of int64 that an error record has: flag, axis, index, size.
pub const ERROR_WORDS: usize = 4;

/// One launch.
#[derive(Clone, Debug)]
pub struct Step {
    /// Which kernel.
    pub spec: Spec,
    /// Its arguments, in order.
    pub args: SmallVec<[Arg; 8]>,
    /// Number of groups in each direction.
    pub groups: [usize; 3],
    /// What is to be done after the step before the next one.
    pub check: Check,
}

/// Whether a step can find bad indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// It cannot.
    No,
    /// It can: the error words are read afterwards. When the first is not 0, the reporting step runs next and the call fails.
    Errors,
    /// Skipped, unless the step before found an error: writes the error record of the first bad index.
    Report,
}

/// What to launch for one call.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The launches, in order.
    pub steps: SmallVec<[Step; 2]>,
    /// Bytes of each scratch block that the steps share.
    pub scratch: SmallVec<[usize; 1]>,
}

impl Plan {
    fn one(spec: Spec, args: SmallVec<[Arg; 8]>, groups: [usize; 3]) -> Plan {
        let mut plan = Plan::default();
        plan.steps.push(Step { spec, args, groups, check: Check::No });
        plan
    }
}

/// A program as part of a key: compared by identity.
#[derive(Clone, Debug)]
pub(crate) struct ProgramRef(pub Arc<Program>);
impl PartialEq for ProgramRef {
    fn eq(&self, other: &ProgramRef) -> bool {
        self.0.id() == other.0.id()
    }
}
impl Eq for ProgramRef {}
impl Hash for ProgramRef {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id().hash(state);
    }
}

/// Everything that determines a kernel's source, apart from the dialect.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    form: Form,
    local: [u16; 3],
}

/// A kernel's text.
#[derive(Clone, Debug)]
pub struct Source {
    /// Name of the kernel function.
    pub entry: String,
    /// The whole translation unit.
    pub text: String,
}

impl Spec {
    fn new(form: Form, local: [usize; 3]) -> Spec {
        Spec { form, local: local.map(|n| n as u16) }
    }
    /// Work items of a group.
    pub fn local(&self) -> [usize; 3] {
        self.local.map(|n| n as usize)
    }
    /// Name of the kernel.
    pub fn name(&self) -> &'static str {
        self.form.name()
    }
    /// The source in `dialect`; `ErrorKind::Unsupported` when a primitive has no C text for its dtype.
    pub fn render(&self, dialect: &dyn Dialect) -> Result<Source> {
        let mut w = expr::Writer::new(dialect);
        self.form.render(&mut w, self.local())?;
        Ok(w.finish())
    }
}

/// Makes everything that goes by form of work out of the rows below: which families there are, how a call is planned, what a kernel's
/// source depends on, and made-up calls that compile every kernel. A row: the form with what it carries, the function that plans
/// a call, the one that makes samples, and the kernels that plans consist of, each with its name and the type that renders it.
macro_rules! forms {
    (|$call:ident, $tuning:ident| $(
        $family:ident $(($of:ident))? $({$($field:ident),*})? => $plan:expr, $samples:path, [$($form:ident $text:literal $type:ty),*];
    )*) => {
        /// The families that every device with generated kernels has.
        pub const FAMILIES: [Family; [$(stringify!($family)),*].len()] = [$(Family::$family),*];

        /// The launches of a call on a device of that tuning.
        pub fn plan($call: &KernelCall, $tuning: &Tuning) -> Result<Plan> {
            match $call.work {
                $( Work::$family $(($of))? $({$($field),*})? => $plan, )*
                other => Err(unsupported($call.op, &format!("no generated kernel for {}", other.name()))),
            }
        }

        /// The functions that make samples.
        const SAMPLES: [(Family, fn(DType, &mut samples::Samples)); FAMILIES.len()] = [$((Family::$family, $samples)),*];

        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        enum Form {
            $( $( $form($type), )* )*
        }

        impl Form {
            fn name(&self) -> &'static str {
                match self {
                    $( $( Form::$form(_) => $text, )* )*
                }
            }
            fn render(&self, w: &mut expr::Writer, local: [usize; 3]) -> Result<()> {
                match self {
                    $( $( Form::$form(f) => f.render(w, local), )* )*
                }
            }
        }
    };
}

forms! { |call, tuning|
    Elementwise => elementwise::plan(call, tuning), elementwise::samples, [Elementwise "elementwise" elementwise::Form];
    Reduce(fold) => reduce::plan(call, *fold, tuning), reduce::samples, [Reduce "reduce" reduce::Form];
    Rows { inner } => rows::plan(call, *inner, tuning), rows::samples, [Rows "rows" rows::Form];
    ArgReduce { max } => arg_reduce::plan(call, *max, tuning), arg_reduce::samples, [ArgReduce "arg_reduce" arg_reduce::Form];
    Scan(fold) => scan::plan(call, *fold, tuning), scan::samples, [Scan "scan" scan::Form];
    Matmul => matmul::plan(call, tuning), matmul::samples, [Matmul "matmul" matmul::Form];
    Epilogue => matmul::plan(call, tuning), matmul::epilogue_samples, [];
    Gather { indexed } => index::plan_gather(call, *indexed, tuning), index::gather_samples,
        [Gather "gather" index::Gather, Check "check" index::Check];
    Scatter { indexed, mode } => index::plan_scatter(call, *indexed, *mode, tuning), index::scatter_samples,
        [Scatter "scatter" index::Scatter, Buckets "buckets" index::Buckets];
    Nonzero => nonzero::plan(call, tuning), nonzero::samples, [Nonzero "nonzero" nonzero::Form];
    RandomBits { key, counter } => random::plan(call, *key, *counter, tuning), random::samples, [Random "random_bits" random::Form];
}

#[cold]
fn unsupported(op: &str, what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("{op}: {what}"))
}
