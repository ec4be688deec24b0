//! From a symbol to a schedule: builders and gradient rules run once on arrays without memory, and their launches are
//! collected.
//!
//! Tracing happens on a thread of its own: no tape, policy or device of the caller can leak into it.

use crate::graph::{Node, Symbol};
use crate::infer::build_node;
use crate::room::room_for;
use crate::schedule::{External, Operand, Place, Schedule, Source, Step, Value, ValueId};
use minpy_autograd::Session;
use minpy_core::backend::{Meta, memory};
use minpy_core::internal::Shared;
use minpy_core::internal::trace::{self, Launch, LaunchInput};
use minpy_core::internal::{Buffer, dispatch};
use minpy_core::{
    Array, Attrs, DType, DeviceRef, Error, ErrorKind, Layout, Operand as Argument, Result, Target, context,
    ops,
};
use std::collections::HashMap;
use std::sync::Arc;

/// What becomes of the gradient of an argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum GradReq {
    /// It is not computed.
    Null,
    /// It replaces the contents of the gradient array.
    #[default]
    Write,
    /// It is added to the gradient array.
    Add,
}
impl GradReq {
    /// `write`, `add` or `null`.
    pub fn parse(name: &str) -> Result<GradReq> {
        match name {
            "write" => Ok(GradReq::Write),
            "add" => Ok(GradReq::Add),
            "null" => Ok(GradReq::Null),
            _ => Err(Error::new(
                ErrorKind::Value,
                format!("grad_req must be 'write', 'add' or 'null', not '{name}'"),
            )),
        }
    }
}

/// How an external array looks at its buffer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Look {
    pub layout: Layout,
    pub dtype: DType,
    pub bytes: usize,
}
impl Look {
    pub fn of(a: &Array) -> Look {
        Look { layout: a.layout().clone(), dtype: a.dtype(), bytes: a.buffer().bytes() }
    }
    pub fn dense(m: &Meta) -> Look {
        let layout = Layout::contiguous(&m.shape);
        Look { bytes: layout.size() * m.dtype.size(), layout, dtype: m.dtype }
    }
}

/// What is to be traced.
pub(crate) struct Request<'a> {
    pub symbol: &'a Symbol,
    pub device: DeviceRef,
    pub train: bool,
    pub arguments: &'a [Look],
    pub auxiliary: &'a [Look],
    pub outputs: &'a [Meta],
    /// Per argument: what to do with its gradient, and where it goes.
    pub gradients: &'a [(GradReq, Option<Look>)],
}

/// What tracing gives.
pub(crate) struct Traced {
    pub schedule: Schedule,
    /// Shape and dtype of every `External::Noise`.
    pub noise: Vec<Meta>,
}

/// Results of an evaluation.
pub(crate) struct Evaluated {
    pub outputs: Vec<Array>,
    /// New values of auxiliary states, by position in the list.
    pub states: Vec<(usize, Array)>,
}

/// Runs every builder in order on the given arrays.
pub(crate) fn evaluate(
    symbol: &Symbol,
    arguments: &[Array],
    auxiliary: &[Array],
    train: bool,
    noise: &mut dyn FnMut(&[usize], DType) -> Result<Array>,
) -> Result<Evaluated> {
    let (states, args) = symbol.variables();
    let mut results: HashMap<(*const Node, usize), Array> = HashMap::new();
    for (n, a) in args.iter().zip(arguments).chain(states.iter().zip(auxiliary)) {
        results.insert((Arc::as_ptr(n), 0), a.clone());
    }
    let find = |results: &HashMap<_, Array>, key: (*const Node, usize)| match results.get(&key) {
        Some(a) => Ok(Array::clone(a)),
        None => Err(Error::new(ErrorKind::Runtime, "symbol: a result is used before it is computed")),
    };
    let mut updates = Vec::new();
    for node in symbol.nodes().iter().filter(|n| !n.is_variable()) {
        let inputs: Vec<Array> = node
            .inputs()
            .iter()
            .map(|e| find(&results, (Arc::as_ptr(&e.node), e.index)))
            .collect::<Result<_>>()?;
        let built = build_node(node, &inputs, train, noise)?;
        for (k, out) in built.outputs.into_iter().enumerate() {
            results.insert((Arc::as_ptr(node), k), out);
        }
        for (new, e) in built.aux.into_iter().zip(&node.inputs()[node.argument_count()..]) {
            if let Some(i) = states.iter().position(|s| Arc::ptr_eq(s, &e.node)) {
                updates.push((i, new));
            }
        }
    }
    let outputs = symbol
        .entries()
        .iter()
        .map(|e| find(&results, (Arc::as_ptr(&e.node), e.index)))
        .collect::<Result<_>>()?;
    Ok(Evaluated { outputs, states: updates })
}

/// More than the thread that traces takes, its stack included.
const ROOM: usize = 4 << 20;
/// Traces forward and, where gradients are wanted, backward.
pub(crate) fn trace(request: &Request) -> Result<Traced> {
    let run = || context::with_device(request.device, || trace_here(request));
    // A thread that gets no memory for its variables ends the process.
    memory::room(ROOM)?;
    room_for(request.symbol.nodes().len())?;
    std::thread::scope(|s| {
        match std::thread::Builder::new().name("minpy-trace".into()).spawn_scoped(s, run) {
            Ok(handle) => handle.join().unwrap_or_else(|_| {
                Err(Error::new(ErrorKind::Runtime, "symbol: tracing failed unexpectedly"))
            }),
            Err(e) => Err(Error::new(ErrorKind::Memory, format!("symbol: no thread for tracing: {e}"))),
        }
    })
}

/// Arrays that stand for memory from outside.
pub(crate) struct Proxies {
    pub device: DeviceRef,
    pub list: Vec<(External, Array)>,
}
impl Proxies {
    pub fn add(&mut self, what: External, look: &Look) -> Array {
        let buffer = Buffer::placeholder(self.device, look.bytes, None);
        let a = Array::from_parts(buffer, look.layout.clone(), look.dtype);
        self.list.push((what, a.clone()));
        a
    }
}

fn trace_here(r: &Request) -> Result<Traced> {
    let mut proxies = Proxies { device: r.device, list: Vec::new() };
    let arguments: Vec<Array> =
        r.arguments.iter().enumerate().map(|(i, l)| proxies.add(External::Argument(i), l)).collect();
    let auxiliary: Vec<Array> =
        r.auxiliary.iter().enumerate().map(|(i, l)| proxies.add(External::Auxiliary(i), l)).collect();
    let outputs: Vec<Array> = r
        .outputs
        .iter()
        .enumerate()
        .map(|(i, m)| proxies.add(External::Output(i), &Look::dense(m)))
        .collect();
    let wanted: Vec<usize> = (0..arguments.len())
        .filter(|&i| {
            r.gradients.get(i).is_some_and(|g| g.0 != GradReq::Null) && arguments[i].dtype().is_inexact()
        })
        .collect();
    let session = (!wanted.is_empty()).then(Session::begin);
    if let Some(s) = &session {
        for &i in &wanted {
            s.watch(&arguments[i])?;
        }
    }
    let mut noise: Vec<Meta> = Vec::new();
    let (results, mut launches) = trace::trace(|| -> Result<Vec<Array>> {
        let mut draw = |shape: &[usize], dtype: DType| {
            let meta = Meta { shape: shape.into(), dtype };
            let a = proxies.add(External::Noise(noise.len()), &Look::dense(&meta));
            noise.push(meta);
            Ok(a)
        };
        let e = evaluate(r.symbol, &arguments, &auxiliary, r.train, &mut draw)?;
        minpy_autograd::no_grad(|| -> Result<()> {
            for (to, from) in outputs.iter().zip(&e.outputs) {
                ops::assign(to, from)?;
            }
            for (i, new) in &e.states {
                ops::assign(&auxiliary[*i], new)?;
            }
            Ok(())
        })?;
        Ok(e.outputs)
    });
    let results = results?;
    let forward = launches.len();
    if let Some(s) = &session {
        let (done, backward) = trace::trace(|| backward(r, s, &mut proxies, &arguments, &results, &wanted));
        done?;
        memory::grow(&mut launches, backward.len())?;
        launches.extend(backward);
    }
    drop(session);
    Ok(Traced { schedule: collect(r.device, &proxies.list, launches, forward)?, noise })
}

fn backward(
    r: &Request,
    s: &Session,
    proxies: &mut Proxies,
    arguments: &[Array],
    results: &[Array],
    wanted: &[usize],
) -> Result<()> {
    let mut heads = Vec::new();
    let mut ends = Vec::new();
    for (i, y) in results.iter().enumerate().filter(|(_, y)| y.dtype().is_inexact()) {
        heads.push(proxies.add(External::Head(i), &Look::dense(&r.outputs[i])));
        ends.push(y.clone());
    }
    let inputs: Vec<Array> = wanted.iter().map(|&i| arguments[i].clone()).collect();
    let gradients = s.gradients(&ends, Some(&heads), &inputs)?;
    minpy_autograd::no_grad(|| {
        for i in 0..arguments.len() {
            let g = wanted.iter().position(|&w| w == i).and_then(|k| gradients[k].clone());
            let Some((req, Some(look))) = r.gradients.get(i) else { continue };
            if *req == GradReq::Null {
                continue;
            }
            let target = proxies.add(External::Gradient(i), look);
            match (req, g) {
                (GradReq::Add, None) | (GradReq::Null, _) => {}
                (GradReq::Write, None) => {
                    dispatch::fill_raw(&target, minpy_core::Number::Int(0).cast(target.dtype()))?
                }
                (GradReq::Write, Some(g)) => ops::assign(&target, &g)?,
                (GradReq::Add, Some(g)) => {
                    let operands = [Argument::Array(&target), Argument::Array(&g)];
                    ops::call(&ops::ADD, Attrs::NONE, &operands, None, Target::Into(&target))?;
                }
            }
        }
        Ok(())
    })
}

/// Launches as plain data. The proxies and launches hold every buffer, so that addresses name buffers.
pub(crate) fn collect(
    device: DeviceRef,
    proxies: &[(External, Array)],
    launches: Vec<Launch>,
    forward: usize,
) -> Result<Schedule> {
    // Most launches write one value of their own. Small things are asked for at once.
    room_for(proxies.len() + launches.len())?;
    let values = memory::list(proxies.len() + launches.len())?;
    let steps = memory::list(launches.len())?;
    let mut schedule = Schedule { device, values, steps, forward, constants: Vec::new() };
    let mut ids: HashMap<*const Buffer, ValueId> = HashMap::new();
    for (what, a) in proxies {
        ids.insert(Shared::as_ptr(a.buffer()), schedule.values.len());
        schedule.values.push(Value { bytes: a.buffer().bytes(), place: Place::External(*what) });
    }
    for l in &launches {
        let mut operand = |a: &Array| {
            let value = *ids.entry(Shared::as_ptr(a.buffer())).or_insert_with(|| {
                let place = if a.buffer().is_placeholder() {
                    Place::Arena
                } else {
                    schedule.constants.push(a.buffer().clone());
                    Place::External(External::Constant(schedule.constants.len() - 1))
                };
                schedule.values.push(Value { bytes: a.buffer().bytes(), place });
                schedule.values.len() - 1
            });
            Operand { value, layout: a.layout().clone(), dtype: a.dtype() }
        };
        let inputs = l
            .inputs
            .iter()
            .map(|i| match i {
                LaunchInput::Array(a) => Source::View(operand(a)),
                LaunchInput::Scalar(s) => Source::Number(*s),
            })
            .collect();
        let outputs = l.outputs.iter().map(operand).collect();
        schedule.steps.push(Step {
            op: l.op,
            work: l.work.clone(),
            program: l.program.clone(),
            inputs,
            outputs,
        });
    }
    Ok(schedule)
}
