//! `Work::Epilogue`: a product and what is computed of it, block by block while the block is in cache; and `Work::Products`.
//!
//! The product is computed in the memory of the first output. What goes on from it operation by operation is done to each
//! tile (`chain.rs`). Other programs finish large products block by block, on the thread that computed the block, and all
//! others when all of it is there, which is small, or costs little beside reading the operands.

use super::chain::chain;
use super::matmul::{Epilogue, products};
use super::post::Sums;
use crate::elementwise::compiled::compiled;
use crate::elementwise::execute;
use crate::elementwise::program::Use;
use crate::machine::threads::Outcome;
use minpy_core::backend::{
    DTypeSet, Family, Fold, Input, KernelCall, Node, Prim, Program, Slot, View, Work, flags,
};
use minpy_core::{DType, DeviceRef, Error, ErrorKind, Result, kernel};
use smallvec::SmallVec;
use std::ops::Range;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

kernel!(pub ENTRY: "cpu", Slot::Family(Family::Epilogue), DTypeSet::ALL, run);

fn run(device: DeviceRef, call: &KernelCall) -> Result<()> {
    epilogue(device, call, None, None)
}

kernel!(pub PRODUCTS: "cpu", Slot::Family(Family::Products), DTypeSet::ALL, run_products);

fn run_products(device: DeviceRef, call: &KernelCall) -> Result<()> {
    let wrong = || {
        Error::new(ErrorKind::Runtime, format!("{}: the kernel of products was given other work", call.op))
    };
    let Work::Products { sum, beside } = *call.work else { return Err(wrong()) };
    let (i, o) = (2 * beside as usize, sum as usize + beside as usize);
    let (Some(i), Some(o)) = (call.inputs.len().checked_sub(i), call.outputs.len().checked_sub(o)) else {
        return Err(wrong());
    };
    let ((inputs, second), (outputs, extra)) = (call.inputs.split_at(i), call.outputs.split_at(o));
    if i < 2 || o < 1 {
        return Err(wrong());
    }
    let (sum, product) = extra.split_at(sum as usize);
    let other = KernelCall { work: &Work::Matmul, program: None, inputs: second, outputs: product, ..*call };
    let beside = beside.then_some(&other);
    let work = if call.program.is_some() { &Work::Epilogue } else { &Work::Matmul };
    let call = KernelCall { work, inputs, outputs, ..*call };
    match call.program {
        Some(_) => epilogue(device, &call, beside, sum.first()),
        None => {
            products(&call, false, None, beside)?;
            sum.iter().try_for_each(|to| sum_rows(device, &call, to))
        }
    }
}

/// The first output summed over its last axis but one.
fn sum_rows(device: DeviceRef, call: &KernelCall, to: &View) -> Result<()> {
    let out = &call.outputs[0];
    let (mut shape, mut strides) =
        (SmallVec::<[usize; 6]>::from(out.shape), SmallVec::<[isize; 6]>::from(out.strides));
    let last = shape.len() - 1;
    shape.swap(last - 1, last);
    strides.swap(last - 1, last);
    let turned = View { shape: &shape, strides: &strides, ..*out };
    let (work, program) = (Work::Reduce(Fold::Add), Some(Program::identity(out.dtype)));
    let inputs = &[Input::View(turned)];
    (crate::rows::reduce::ENTRY.run)(
        device,
        &KernelCall { op: call.op, work: &work, program, inputs, outputs: &[*to] },
    )
}

fn epilogue(
    device: DeviceRef,
    call: &KernelCall,
    beside: Option<&KernelCall>,
    sum: Option<&View>,
) -> Result<()> {
    let unsupported = |what: &str| Err(Error::new(ErrorKind::Unsupported, format!("{}: {what}", call.op)));
    let program = call.program();
    let c = compiled(program, device.kind(), Use::Store)?;
    if c.index.is_some() {
        return unsupported("a product whose elements are combined with their positions");
    }
    let out = &call.outputs[0];
    let product = KernelCall { work: &Work::Matmul, program: None, inputs: &call.inputs[..2], ..*call };
    if call.inputs[2..].iter().any(|i| matches!(i, Input::View(v) if same(v, out))) {
        if call.outputs.len() == 1 && is_sum(program) && is_summed(out.dtype) {
            products(&product, true, None, beside)?;
            return sum.map_or(Ok(()), |to| sum_rows(device, call, to));
        }
        return unsupported("a product into what is read with it");
    }
    let applied = <Result<()> as Outcome>::All::default();
    let met = AtomicU8::new(0);
    let apply = |batch: &[usize], rows: Range<usize>, columns: Range<usize>| {
        if flags::is_raised() {
            met.fetch_or(flags::raised(), Relaxed);
            of_product();
        }
        let shape = [rows.len(), columns.len()];
        let parts: SmallVec<[Part; 8]> = std::iter::once(out)
            .chain(
                call.inputs[2..].iter().filter_map(|i| if let Input::View(v) = i { Some(v) } else { None }),
            )
            .chain(&call.outputs[1..])
            .map(|v| Part::new(v, batch, rows.start, columns.start))
            .collect();
        let mut parts = parts.iter().map(|p| p.view(&shape));
        let Some(first) = parts.next() else { return };
        let mut inputs: SmallVec<[Input; 8]> = SmallVec::new();
        inputs.push(Input::View(first));
        inputs.extend(call.inputs[2..].iter().filter_map(|i| match i {
            Input::View(_) => parts.next().map(Input::View),
            Input::Scalar(s) => Some(Input::Scalar(*s)),
        }));
        let outputs: SmallVec<[View; 4]> = std::iter::once(first).chain(parts).collect();
        execute(c, &KernelCall { work: &Work::Elementwise, inputs: &inputs, outputs: &outputs, ..*call })
            .note(&applied);
        // Of whom, the frames have noted.
        if flags::is_raised() {
            met.fetch_or(flags::raised(), Relaxed);
            flags::set(0);
        }
    };
    let chain = chain(program, device.kind())?.and_then(|c| c.bind(call));
    // Sums are made of what runs on tiles, which is of float32 or float64.
    let sums = match (sum, out.shape) {
        (Some(s), &[m, n])
            if chain.is_some() && s.shape == [n] && s.is_contiguous() && s.dtype == out.dtype =>
        {
            Sums::new(m, n, out.dtype.size())
        }
        _ => None,
    };
    products(&product, false, Some(&Epilogue { apply: &apply, chain, sums: sums.as_ref() }), beside)?;
    let mut met = met.load(Relaxed);
    if flags::is_raised() {
        met |= flags::raised();
        of_product();
    }
    if met != 0 {
        flags::raise(met);
    }
    <Result<()> as Outcome>::of(applied)?;
    let Some(to) = sum else { return Ok(()) };
    // SAFETY: the product is done, and the output has one element for each column.
    let done = sums.is_some_and(|s| unsafe {
        match out.dtype {
            DType::F32 => s.finish(to.host_ptr().cast::<f32>()),
            _ => s.finish(to.host_ptr().cast::<f64>()),
        }
    });
    if done { Ok(()) } else { sum_rows(device, call, to) }
}

/// What was met so far by the product; what goes on from it tile by tile is not told apart.
#[cold]
fn of_product() {
    flags::blame(flags::PRODUCT, flags::raised());
    flags::set(0);
}

/// A rectangle of one matrix of a view.
struct Part<'a> {
    whole: &'a View<'a>,
    offset: usize,
}
impl<'a> Part<'a> {
    /// From this row and column on, at a position of the leading axes.
    fn new(whole: &'a View<'a>, batch: &[usize], row: usize, column: usize) -> Part<'a> {
        let at = batch.iter().chain([&row, &column]).zip(whole.strides).map(|(&i, &s)| i as isize * s);
        Part { whole, offset: whole.offset.wrapping_add_signed(at.sum()) }
    }
    fn view(&self, shape: &'a [usize; 2]) -> View<'a> {
        let leading = self.whole.strides.len() - 2;
        View { shape, strides: &self.whole.strides[leading..], offset: self.offset, ..*self.whole }
    }
}

/// Two views of one piece of memory that begin at the same element: by the kernel's contract they are the same.
fn same(a: &View, b: &View) -> bool {
    a.memory.handle == b.memory.handle && a.memory.offset == b.memory.offset && a.offset == b.offset
}

/// Whether a program adds its two inputs, so that the product can be added to what is there.
fn is_sum(program: &Program) -> bool {
    let node = |n: u16| program.nodes()[n as usize].0;
    match node(program.outputs()[0]) {
        Node::Prim(Prim::Add, [x, y, _]) => {
            matches!((node(x), node(y)), (Node::Input(0), Node::Input(1)) | (Node::Input(1), Node::Input(0)))
        }
        _ => false,
    }
}

/// Dtypes whose product can be added to what is there.
fn is_summed(dtype: DType) -> bool {
    matches!(dtype, DType::F32 | DType::F64 | DType::C64 | DType::C128)
}
