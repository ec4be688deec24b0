//! Scalar programs as lists of loops over blocks (`compiled.rs` keeps them, `frame.rs` runs them).
//!
//! A compiled program addresses a table of pointers: inputs, constants, the index, temporaries. Temporaries live in
//! the thread's scratch memory, a block each, so that they stay in the first-level cache.

use crate::prims::fused::Part as Made;
use crate::prims::{self, Loop, cast, division};
use minpy_core::backend::{Node, Prim, Program, cast_raises};
use minpy_core::{DType, Scalar};
use smallvec::SmallVec;

/// One loop over a block; `args` and `dst` are places in the table.
pub(crate) struct Step {
    pub run: Loop,
    pub args: [u16; 4],
    pub dst: u16,
    /// Bytes of one element of the result.
    pub size: u8,
    /// Output whose memory the result may be written to directly.
    pub out: Option<u8>,
    /// What it computes, where others make something of it.
    pub key: Option<Key>,
    pub flags: Flags,
    /// The steps that it was joined of: what makes its first and second argument, and the last.
    pub parts: Option<Box<[Option<Part>; 3]>>,
}

/// The floating-point exceptions of a step.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Flags {
    /// Whether the processor may note any.
    pub watched: bool,
    /// Those that are told of.
    pub told: u8,
    /// Whose they are, see `Program::origin`.
    pub origin: u8,
}

/// A step that went into another one.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    pub run: Loop,
    pub flags: Flags,
}

/// What a step computes. The dtypes are those of its arguments.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Key {
    Prim(Prim, DType),
    /// From, to.
    Cast(DType, DType),
    /// `fused::lookup`
    Joined(Made, Made, Prim, DType),
    /// `fused::taken`
    Taken(DType),
    /// `fused::side`
    Side(DType),
}

impl Step {
    /// The places that the loop reads.
    pub fn reads(&self) -> &[u16] {
        &self.args[..self.run.arity()]
    }
}
/// Bit of a code in `Step::args` that says: a temporary, before places are assigned.
pub(crate) const TEMP: u16 = 0x8000;

/// A program ready to run.
pub(crate) struct Compiled {
    pub steps: Vec<Step>,
    pub inputs: usize,
    /// Bytes of an element of each input.
    pub input_sizes: SmallVec<[u8; 4]>,
    pub consts: Vec<Scalar>,
    /// Place of the index, when it is used.
    pub index: Option<u16>,
    /// First place of the temporaries, and how many there are.
    pub temps: u16,
    pub temp_count: usize,
    /// Place of each output's value, and bytes of its elements.
    pub outputs: SmallVec<[(u16, u8); 2]>,
    /// Elements of a block.
    pub block: usize,
    /// Bytes between temporaries.
    pub temp_bytes: usize,
    /// The program only copies its one input.
    pub copy: bool,
    /// Rough nanoseconds per 16 elements, to decide about threads.
    pub cost: usize,
}

/// How the values of a program are used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Use {
    /// Written to outputs: every output is the result of a step of its own.
    Store,
    /// Read by a fold: float16 results are left in float32, inputs are not copied.
    Fold,
}

pub(crate) struct Compiler<'p> {
    pub program: &'p Program,
    pub steps: Vec<Step>,
    pub consts: Vec<Scalar>,
    /// Value of each node, before places are assigned.
    values: Vec<Option<Value>>,
    /// float32 values of float16 nodes.
    wide: Vec<Option<Value>>,
    pub index: bool,
    pub next: u16,
}

/// Before assignment: constants and temporaries are numbered on their own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    Input(u16),
    Const(u16),
    Index,
    Temp(u16),
}

impl Value {
    /// Encodes a value in 16 bits until the places are known.
    pub fn code(self) -> u16 {
        match self {
            Value::Input(i) => i,
            Value::Index => 0x3fff,
            Value::Const(i) => 0x4000 | i,
            Value::Temp(i) => TEMP | i,
        }
    }
}

impl Compiler<'_> {
    fn temp(&mut self) -> Value {
        self.next += 1;
        Value::Temp(self.next - 1)
    }
    fn emit(&mut self, run: Loop, args: &[Value], dtype: DType) -> Value {
        let dst = self.temp();
        let mut codes = [0; 4];
        for (c, a) in codes.iter_mut().zip(args) {
            *c = a.code();
        }
        self.steps.push(Step {
            run,
            args: codes,
            dst: dst.code(),
            size: dtype.size() as u8,
            out: None,
            key: None,
            flags: Flags::default(),
            parts: None,
        });
        dst
    }
    /// The step of a primitive on arguments of `of`.
    fn primitive(
        &mut self,
        mut prim: Prim,
        of: DType,
        mut run: Loop,
        mut args: SmallVec<[Value; 3]>,
        to: DType,
    ) -> Value {
        // Division by a constant power of two; `division.rs` does the same for other scalars.
        if prim == Prim::Div
            && let Value::Const(by) = args[1]
            && let Some(times) = division::reciprocal(self.consts[by as usize])
            && let Some(multiply) = prims::lookup(Prim::Mul, of)
        {
            self.consts.push(times);
            (prim, run, args[1]) = (Prim::Mul, multiply, Value::Const(self.consts.len() as u16 - 1));
        }
        let v = self.emit(run, &args, to);
        if let Some(step) = self.steps.last_mut() {
            step.key = Some(Key::Prim(prim, of));
        }
        v
    }
    fn cast(&mut self, mut v: Value, from: DType, to: DType) -> Value {
        let loops = cast::lookup(from, to);
        let whole = loops.len() == 1;
        for (run, dtype) in loops {
            v = self.emit(Loop::Unary(run), &[v], dtype);
        }
        if let Some(step) = self.steps.last_mut().filter(|_| whole) {
            step.key = Some(Key::Cast(from, to));
        }
        v
    }
    fn widened(&mut self, node: usize) -> Option<Value> {
        if self.wide[node].is_none() {
            let v = self.values[node]?;
            self.wide[node] = Some(self.cast(v, DType::F16, DType::F32));
        }
        self.wide[node]
    }
    fn node(&mut self, i: usize) -> std::result::Result<Value, String> {
        let (node, dtype) = self.program.nodes()[i];
        let program = self.program;
        let missing = || format!("cpu: program {program:?} uses a node before it is computed");
        Ok(match node {
            Node::Input(k) => Value::Input(k as u16),
            Node::Index => {
                self.index = true;
                Value::Index
            }
            Node::Fold(..) => {
                return Err(format!("cpu: a fold inside of {program:?}, which is no work on rows"));
            }
            Node::Const(s) => {
                self.consts.push(s);
                Value::Const(self.consts.len() as u16 - 1)
            }
            Node::Cast(from) => {
                let from_dtype = self.program.nodes()[from as usize].1;
                let v = self.values[from as usize].ok_or_else(missing)?;
                if from_dtype == DType::F16 && dtype != DType::F16 {
                    let w = self.widened(from as usize).ok_or_else(missing)?;
                    if dtype == DType::F32 { w } else { self.cast(w, DType::F32, dtype) }
                } else {
                    self.cast(v, from_dtype, dtype)
                }
            }
            Node::Prim(prim, ids) => {
                // The argument whose dtype decides: the condition of a select does not.
                let key = ids[if prim == Prim::Select { 1 } else { 0 }] as usize;
                let arg_dtype = self.program.nodes()[key].1;
                let args = &ids[..prim.arity()];
                let none = || format!("cpu: no loop for {} of {arg_dtype}", prim.name());
                match prims::lookup(prim, arg_dtype) {
                    Some(run) => {
                        let args: Option<SmallVec<[Value; 3]>> =
                            args.iter().map(|&a| self.values[a as usize]).collect();
                        self.primitive(prim, arg_dtype, run, args.ok_or_else(missing)?, dtype)
                    }
                    None if arg_dtype == DType::F16 => {
                        let run = prims::lookup(prim, DType::F32).ok_or_else(none)?;
                        let args: Option<SmallVec<[Value; 3]>> =
                            args.iter().map(|&a| self.widened(a as usize)).collect();
                        let result = if dtype == DType::F16 { DType::F32 } else { dtype };
                        let v = self.emit(run, &args.ok_or_else(missing)?, result);
                        if result == dtype { v } else { self.cast(v, DType::F32, DType::F16) }
                    }
                    None => return Err(none()),
                }
            }
        })
    }
}

/// The exceptions of a node's steps.
fn flags_of(program: &Program, node: usize) -> Flags {
    let (what, dtype) = program.nodes()[node];
    let of = |id: u16| program.nodes()[id as usize].1;
    let (from, told) = match what {
        Node::Prim(prim, ids) => {
            let from = of(ids[if prim == Prim::Select { 1 } else { 0 }]);
            (from, prim.raises(from))
        }
        Node::Cast(id) => (of(id), cast_raises(of(id), dtype)),
        _ => (dtype, 0),
    };
    Flags {
        watched: told != 0 || from.is_inexact() || dtype.is_inexact(),
        told,
        origin: program.origin(node),
    }
}

/// The steps of a program, each value in a temporary of its own.
pub(crate) struct Lowered<'p> {
    pub compiler: Compiler<'p>,
    pub outputs: SmallVec<[(Value, DType); 2]>,
}

pub(crate) fn lower(program: &Program, usage: Use) -> std::result::Result<Lowered<'_>, String> {
    let n = program.nodes().len();
    // Only what an output needs.
    let mut needed = vec![false; n];
    for &o in program.outputs() {
        needed[o as usize] = true;
    }
    for i in (0..n).rev() {
        if !needed[i] {
            continue;
        }
        match program.nodes()[i].0 {
            Node::Cast(a) => needed[a as usize] = true,
            Node::Prim(p, ids) => ids[..p.arity()].iter().for_each(|&a| needed[a as usize] = true),
            _ => {}
        }
    }
    let mut c = Compiler {
        program,
        steps: Vec::new(),
        consts: Vec::new(),
        values: vec![None; n],
        wide: vec![None; n],
        index: false,
        next: 0,
    };
    for i in (0..n).filter(|&i| needed[i]) {
        let before = c.steps.len();
        c.values[i] = Some(c.node(i)?);
        let flags = flags_of(program, i);
        c.steps[before..].iter_mut().for_each(|s| s.flags = flags);
    }
    let mut outputs: SmallVec<[(Value, DType); 2]> = SmallVec::new();
    for (k, &o) in program.outputs().iter().enumerate() {
        let dtype = program.output_dtype(k);
        let Some(mut v) = c.values[o as usize] else { return Err("cpu: program without outputs".into()) };
        if usage == Use::Fold {
            if dtype == DType::F16 {
                v = c.widened(o as usize).unwrap_or(v);
                outputs.push((v, DType::F32));
            } else {
                outputs.push((v, dtype));
            }
            continue;
        }
        let free = c.steps.iter().position(|s| s.dst == v.code() && s.out.is_none());
        let step = match free {
            Some(s) => s,
            None => {
                v = c.emit(Loop::Unary(cast::copy(dtype.size())), &[v], dtype);
                c.steps.len() - 1
            }
        };
        c.steps[step].out = Some(k as u8);
        outputs.push((v, dtype));
    }
    Ok(Lowered { compiler: c, outputs })
}
