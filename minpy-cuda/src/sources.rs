//! The source of every kind of kernel that this backend can be asked for, for compilation without a GPU.
//!
//! Calls are made up for every elementwise operation of core's table and for every other form of work, on memory that does
//! not exist: planning and rendering look at shapes and dtypes only.

use crate::Cuda;
use minpy_core::codegen::{Tuning, plan};
use minpy_core::device::Memory;
use minpy_core::expr::{Builder, Prim, Program};
use minpy_core::kernel::{Fold, Input, KernelCall, ScatterMode, View, Work};
use minpy_core::layout::contiguous_strides;
use minpy_core::op::ProgramSpec;
use minpy_core::{DType, Result, registry};
use std::sync::Arc;

/// Dtypes that stand for all in the table of elementwise operations: each kind once, both sizes where the text differs.
const DTYPES: [DType; 8] =
    [DType::F32, DType::F64, DType::I32, DType::I64, DType::Bool, DType::C64, DType::C128, DType::F16];

/// An operand of a made-up call.
struct Shape {
    dtype: DType,
    shape: Vec<usize>,
    strides: Vec<isize>,
}

impl Shape {
    fn new(dtype: DType, shape: &[usize]) -> Shape {
        Shape { dtype, shape: shape.into(), strides: contiguous_strides(shape).to_vec() }
    }
    fn transposed(mut self) -> Shape {
        self.strides.reverse();
        self
    }
    fn view<'a>(&'a self, memory: &'a Memory) -> View<'a> {
        View { memory, dtype: self.dtype, shape: &self.shape, strides: &self.strides, offset: 0 }
    }
}

/// The kernels' texts, and the calls that have none.
#[derive(Debug, Default)]
pub struct Sources {
    /// Name and text of every kernel.
    pub texts: Vec<(String, String)>,
    /// Name of the call (operation or form first, then the dtype), and why it is left to the host.
    pub unsupported: Vec<(String, String)>,
}

impl Sources {
    /// Plans the call and adds the text of its kernels.
    fn add(
        &mut self,
        name: &str,
        work: &Work,
        program: Option<&Arc<Program>>,
        inputs: &[Shape],
        outputs: &[Shape],
    ) {
        // Distinct handles: views of one block would be taken for the same array.
        let memory: Vec<Memory> = (0..inputs.len() + outputs.len())
            .map(|i| Memory { handle: i + 1, offset: 0, bytes: 1 << 40 })
            .collect();
        let ins: Vec<Input> = inputs.iter().zip(&memory).map(|(s, m)| Input::View(s.view(m))).collect();
        let outs: Vec<View> = outputs.iter().zip(&memory[inputs.len()..]).map(|(s, m)| s.view(m)).collect();
        let call = KernelCall { op: "sources", work, program, inputs: &ins, outputs: &outs };
        let rendered = plan(&call, &Tuning::gpu(64))
            .and_then(|p| p.steps.iter().map(|step| step.spec.render(&Cuda)).collect::<Result<Vec<_>>>());
        match rendered {
            Ok(kernels) => {
                let named = kernels.into_iter().enumerate().map(|(i, k)| (format!("{name} {i}"), k.text));
                self.texts.extend(named);
            }
            Err(e) => self.unsupported.push((name.to_string(), e.message().to_string())),
        }
    }
    fn elementwise(&mut self) {
        let Ok(registry) = registry::global() else { return };
        for op in registry.ops() {
            let Some(e) = op.elementwise() else { continue };
            for dtype in DTYPES {
                let Some(compute) = (e.rule.compute)(dtype) else { continue };
                let inputs: Vec<DType> = (0..op.arity)
                    .map(|i| if i == 0 && e.rule.condition_first { DType::Bool } else { dtype })
                    .collect();
                let spec = ProgramSpec { inputs: &inputs, scalars: 0, compute, out: None, masked: false };
                let program = e.program(op.name, &spec);
                let shapes: Vec<Shape> = inputs.iter().map(|&d| Shape::new(d, &[1000])).collect();
                let out = [Shape::new(program.output_dtype(0), &[1000])];
                self.add(&format!("{} {dtype}", op.name), &Work::Elementwise, Some(&program), &shapes, &out);
            }
        }
        // Numbers by value, an operand in another order, more elements than 32 bits count, a result over its operand.
        for op in ["add", "where"].into_iter().filter_map(|n| registry.op(n)) {
            let Some(e) = op.elementwise() else { continue };
            for dtype in DType::ALL {
                let inputs: Vec<DType> =
                    if op.arity == 2 { vec![dtype; 2] } else { vec![DType::Bool, dtype, dtype] };
                let spec =
                    ProgramSpec { inputs: &inputs, scalars: 0, compute: dtype, out: None, masked: false };
                let masked = [&inputs[..], &[DType::Bool, dtype]].concat();
                let program = e.program(op.name, &ProgramSpec { inputs: &masked, masked: true, ..spec });
                let shapes: Vec<Shape> = masked.iter().map(|&d| Shape::new(d, &[900])).collect();
                let out = [Shape::new(program.output_dtype(0), &[900])];
                let name = format!("{} {dtype} masked", op.name);
                self.add(&name, &Work::Elementwise, Some(&program), &shapes, &out);
                let program = e.program(op.name, &spec);
                for (k, shape) in
                    [vec![60, 90], vec![3, 40, 50], vec![1 << 20, 1 << 12]].into_iter().enumerate()
                {
                    let mut shapes: Vec<Shape> = inputs.iter().map(|&d| Shape::new(d, &shape)).collect();
                    shapes[0].strides = vec![0; shape.len()];
                    let out = [Shape::new(program.output_dtype(0), &shape)];
                    self.add(
                        &format!("{} {dtype} broadcast {k}", op.name),
                        &Work::Elementwise,
                        Some(&program),
                        &shapes,
                        &out,
                    );
                }
            }
        }
        for from in DType::ALL {
            for to in DType::ALL {
                let program = cast(from, to);
                // Large ones are walked through in squares.
                let shape = if from == to { [80, 90] } else { [40, 50] };
                let (x, y) = (Shape::new(from, &shape).transposed(), Shape::new(to, &shape));
                self.add(&format!("cast {from} to {to}"), &Work::Elementwise, Some(&program), &[x], &[y]);
            }
        }
    }
    /// A softmax, a variance with what it scales, and the greatest element repeated.
    fn rows(&mut self, dtype: DType) {
        let b = Builder::new();
        let x = b.input(dtype);
        let greatest = x.fold(Fold::Max);
        let (mut texts, shape) = (Vec::new(), [50, 400]);
        texts.push(("greatest", b.finish("greatest", &[greatest.id()], 0), vec![2]));
        if dtype.is_float() {
            let b = Builder::new();
            let x = b.input(dtype);
            let e = (x - x.fold(Fold::Max)).exp();
            let sum = e.fold(Fold::Add);
            let y = e / sum;
            texts.push(("softmax", b.finish("softmax", &[y.id(), sum.id()], 0), vec![2, 1]));
            let b = Builder::new();
            let (x, n) = (b.input(dtype), b.input(dtype));
            let d = x - x.fold(Fold::Add) / n;
            let scaled = d / ((d * d).fold(Fold::Add) / n + 1e-3).sqrt();
            texts.push(("normalise", b.finish("normalise", &[scaled.id()], 0), vec![2]));
        }
        for (name, program, ranks) in texts {
            let inputs: Vec<Shape> = program.inputs().iter().map(|&d| Shape::new(d, &shape)).collect();
            let outputs: Vec<Shape> = ranks
                .iter()
                .enumerate()
                .map(|(o, &rank)| Shape::new(program.output_dtype(o), &shape[..rank]))
                .collect();
            let work = Work::Rows { inner: 1 };
            self.add(&format!("rows {name} {dtype}"), &work, Some(&Arc::new(program)), &inputs, &outputs);
        }
    }
    fn forms(&mut self, dtype: DType) {
        if dtype != DType::F16 {
            self.rows(dtype);
        }
        let identity = cast(dtype, dtype);
        let bits = [Fold::And, Fold::Or, Fold::Xor].into_iter().filter(|_| !dtype.is_inexact());
        for fold in [Fold::Add, Fold::Mul, Fold::Max, Fold::Min].into_iter().chain(bits) {
            // Rows, columns, and a long one in two passes.
            for (k, (shape, keep)) in [(vec![50, 400], 1), (vec![1 << 22], 0)].into_iter().enumerate() {
                let out = [Shape::new(dtype, &shape[..keep])];
                let name = format!("reduce {fold:?} {dtype} {k}");
                self.add(&name, &Work::Reduce(fold), Some(&identity), &[Shape::new(dtype, &shape)], &out);
            }
            let columns = Shape::new(dtype, &[400, 300]).transposed();
            let name = format!("reduce {fold:?} {dtype} columns");
            self.add(&name, &Work::Reduce(fold), Some(&identity), &[columns], &[Shape::new(dtype, &[400])]);
            let name = format!("scan {fold:?} {dtype}");
            self.add(
                &name,
                &Work::Scan(fold),
                None,
                &[Shape::new(dtype, &[5, 400])],
                &[Shape::new(dtype, &[5, 400])],
            );
        }
        for max in [true, false] {
            let name = format!("arg_reduce {max} {dtype}");
            self.add(
                &name,
                &Work::ArgReduce { max },
                None,
                &[Shape::new(dtype, &[5, 400])],
                &[Shape::new(DType::I64, &[5])],
            );
        }
        for n in [9, 30, 500] {
            let square = || Shape::new(dtype, &[n, n]);
            self.add(&format!("matmul {dtype} {n}"), &Work::Matmul, None, &[square(), square()], &[square()]);
        }
        let batched = || Shape::new(dtype, &[3, 20, 20]);
        self.add(
            &format!("matmul {dtype} batched"),
            &Work::Matmul,
            None,
            &[batched(), batched()],
            &[batched()],
        );
        let b = Builder::new();
        let (p, bias) = (b.input(dtype), b.input(dtype));
        let sum = p + bias;
        let program = Arc::new(b.finish("p + bias", &[sum.id(), p.id()], 0));
        let mut bias = Shape::new(dtype, &[300, 300]);
        bias.strides = vec![0, 1];
        let square = || Shape::new(dtype, &[300, 300]);
        self.add(
            &format!("epilogue {dtype}"),
            &Work::Epilogue,
            Some(&program),
            &[square(), square(), bias],
            &[square(), square().transposed()],
        );
        let vector = Shape::new(dtype, &[400, 1]);
        let inputs = [Shape::new(dtype, &[300, 400]), vector];
        self.add(
            &format!("matmul {dtype} vector"),
            &Work::Matmul,
            None,
            &inputs,
            &[Shape::new(dtype, &[300, 1])],
        );
        let index = || Shape::new(DType::I64, &[30]);
        let inputs = [Shape::new(dtype, &[9, 8, 7]), index(), index()];
        self.add(
            &format!("gather {dtype}"),
            &Work::Gather { indexed: 2 },
            None,
            &inputs,
            &[Shape::new(dtype, &[30, 7])],
        );
        for mode in [ScatterMode::Set, ScatterMode::Combine(Prim::Add)] {
            // With so many rows that they are sorted, and with few.
            for rows in [5000, 30] {
                let index = || Shape::new(DType::I64, &[rows]);
                let inputs = [Shape::new(dtype, &[rows, 7]), index(), index()];
                let name = format!("scatter {dtype} {mode:?} {rows}");
                let out = [Shape::new(dtype, &[9, 8, 7])];
                self.add(&name, &Work::Scatter { indexed: 2, mode }, None, &inputs, &out);
            }
        }
    }
}

fn cast(from: DType, to: DType) -> Arc<Program> {
    let b = Builder::new();
    let id = b.input(from).cast(to).id();
    Arc::new(b.finish("cast", &[id], 0))
}

/// Every kernel: all elementwise operations on representative dtypes, all other forms of work on all dtypes.
pub fn all_kernel_sources() -> Sources {
    let mut s = Sources::default();
    s.elementwise();
    for dtype in DType::ALL {
        s.forms(dtype);
    }
    let work = Work::RandomBits { key: [1, 2], counter: 0 };
    s.add("random_bits", &work, None, &[], &[Shape::new(DType::U32, &[1000])]);
    s
}
