//! Executors: a symbol bound to arrays, with a forward and a backward pass.
//!
//! Arguments, gradients, auxiliary states and results are ordinary arrays that the user reads and writes; everything
//! else lives in the arena of the plan.

use crate::compiled::{Compiled, Instance, Report};
use crate::graph::Symbol;
use crate::infer::{Inferred, Known, initial_states, unrecorded};
use crate::schedule::External;
use crate::trace::{GradReq, Look, Request};
use minpy_core::layout::show;
use minpy_core::{Array, DeviceRef, Meta, Result, bail, context, ops};

/// A symbol bound to arrays.
pub struct Executor {
    symbol: Symbol,
    device: DeviceRef,
    argument_names: Vec<String>,
    auxiliary_names: Vec<String>,
    output_names: Vec<String>,
    arguments: Vec<Array>,
    gradients: Vec<Option<Array>>,
    requests: Vec<GradReq>,
    auxiliary: Vec<Array>,
    outputs: Vec<Array>,
    /// Ones for the outputs, made when first needed.
    ones: Vec<Option<Array>>,
    train: (Compiled, Instance),
    infer: Option<(Compiled, Instance)>,
    /// The arena holds a training forward pass whose backward pass has not run.
    ready: bool,
}

/// Arrays to bind a symbol to, in the order of its lists.
#[derive(Default)]
pub struct Bindings {
    /// One per argument.
    pub arguments: Vec<Array>,
    /// One per argument whose gradient is wanted.
    pub gradients: Vec<Option<Array>>,
    /// What happens to each gradient.
    pub requests: Vec<GradReq>,
    /// One per auxiliary state.
    pub auxiliary: Vec<Array>,
}

fn zeros(device: DeviceRef, m: &Meta) -> Result<Array> {
    filled(device, m, 0.0)
}
pub(crate) fn filled(device: DeviceRef, m: &Meta, value: f64) -> Result<Array> {
    unrecorded(|| context::with_device(device, || ops::full(&m.shape, value, m.dtype)))
}

impl Symbol {
    /// Infers shapes, makes all arrays (zeros; auxiliary states with their initial values) and binds them.
    /// `request` says by name what happens to each gradient.
    pub fn simple_bind(&self, device: DeviceRef, known: &[Known], request: impl Fn(&str) -> GradReq) -> Result<Executor> {
        let inferred = context::with_device(device, || self.infer(known))?;
        let initial = initial_states(self);
        let mut b = Bindings::default();
        for (name, m) in self.list_arguments().iter().zip(&inferred.arguments) {
            b.arguments.push(zeros(device, m)?);
            let req = if m.dtype.is_inexact() { request(name) } else { GradReq::Null };
            b.gradients.push(if req == GradReq::Null { None } else { Some(zeros(device, m)?) });
            b.requests.push(req);
        }
        for (name, m) in self.list_auxiliary_states().iter().zip(&inferred.auxiliary) {
            b.auxiliary.push(filled(device, m, initial.get(name).copied().unwrap_or(0.0))?);
        }
        Executor::new(self, device, b, inferred)
    }
    /// Binds arrays that exist already: they are read and written where they are.
    pub fn bind(&self, device: DeviceRef, bindings: Bindings) -> Result<Executor> {
        let (arguments, auxiliary) = (self.list_arguments(), self.list_auxiliary_states());
        let counts = [
            ("arguments", bindings.arguments.len(), arguments.len()),
            ("gradients", bindings.gradients.len(), arguments.len()),
            ("gradient requests", bindings.requests.len(), arguments.len()),
            ("auxiliary states", bindings.auxiliary.len(), auxiliary.len()),
        ];
        if let Some((what, got, need)) = counts.into_iter().find(|(_, got, need)| got != need) {
            bail!(Value, "bind: {got} {what} for the {need} of the symbol ({})", arguments.join(", "));
        }
        let named = || arguments.iter().zip(&bindings.arguments).chain(auxiliary.iter().zip(&bindings.auxiliary));
        let known: Vec<Known> = named()
            .map(|(n, a)| Known { name: n.clone(), shape: Some(a.shape().into()), dtype: Some(a.dtype()) })
            .collect();
        for (name, a) in named() {
            if a.device() != device {
                bail!(Value, "bind: the array for '{name}' is on {}, the executor on {device}", a.device());
            }
        }
        let inferred = context::with_device(device, || self.infer(&known))?;
        for (i, (name, a)) in arguments.iter().zip(&bindings.arguments).enumerate() {
            let (req, g) = (bindings.requests[i], &bindings.gradients[i]);
            match g {
                None if req != GradReq::Null => bail!(Value, "bind: the gradient of '{name}' is wanted, but has no array"),
                Some(g) if g.shape() != a.shape() || g.dtype() != a.dtype() || g.device() != device => {
                    bail!(Value, "bind: the gradient array of '{name}' is {} {} on {}, needed is {} {} on {device}", g.dtype(), show(g.shape()), g.device(), a.dtype(), show(a.shape()))
                }
                Some(g) if req != GradReq::Null => {
                    let others = bindings.gradients[..i].iter().flatten().chain(&bindings.arguments).chain(&bindings.auxiliary);
                    if others.into_iter().any(|o| o.may_share_memory(g)) || !g.layout().is_injective() || g.buffer().is_read_only() {
                        bail!(Value, "bind: the gradient array of '{name}' must be writable and share memory with no other array");
                    }
                }
                _ => {}
            }
        }
        Executor::new(self, device, bindings, inferred)
    }
}

impl Executor {
    fn new(symbol: &Symbol, device: DeviceRef, b: Bindings, inferred: Inferred) -> Result<Executor> {
        let outputs: Vec<Array> = inferred.outputs.iter().map(|m| zeros(device, m)).collect::<Result<_>>()?;
        let compiled = compile(symbol, device, &b, &inferred.outputs, true)?;
        let instance = compiled.instance()?;
        Ok(Executor {
            symbol: symbol.clone(),
            device,
            argument_names: symbol.list_arguments(),
            auxiliary_names: symbol.list_auxiliary_states(),
            output_names: symbol.list_outputs(),
            ones: vec![None; outputs.len()],
            outputs,
            arguments: b.arguments,
            gradients: b.gradients,
            requests: b.requests,
            auxiliary: b.auxiliary,
            train: (compiled, instance),
            infer: None,
            ready: false,
        })
    }
    /// Runs the forward pass. In training, auxiliary states are updated and the backward pass is prepared.
    pub fn forward(&mut self, train: bool) -> Result<&[Array]> {
        if !train && self.infer.is_none() {
            let metas: Vec<Meta> = self.outputs.iter().map(|a| Meta { shape: a.shape().into(), dtype: a.dtype() }).collect();
            let b = Bindings { arguments: self.arguments.clone(), auxiliary: self.auxiliary.clone(), ..Bindings::default() };
            let compiled = compile(&self.symbol, self.device, &b, &metas, false)?;
            let instance = compiled.instance()?;
            self.infer = Some((compiled, instance));
        }
        let (compiled, instance) = match (&mut self.infer, train) {
            (Some(infer), false) => infer,
            _ => &mut self.train,
        };
        let (arguments, auxiliary, outputs) = (&self.arguments, &self.auxiliary, &self.outputs);
        if train {
            self.ready = false;
        }
        compiled.forward(instance, false, |e| match e {
            External::Argument(i) => arguments.get(i),
            External::Auxiliary(i) => auxiliary.get(i),
            External::Output(i) => outputs.get(i),
            _ => None,
        })?;
        self.ready |= train;
        Ok(&self.outputs)
    }
    /// Runs the backward pass after a training forward pass; once, because it reuses the memory of what it reads.
    /// `heads` are the gradients that arrive at the outputs; ones when left out.
    pub fn backward(&mut self, heads: Option<&[Array]>) -> Result<()> {
        if !self.ready {
            bail!(Runtime, "backward: call forward(is_train=True) first; each backward pass needs a forward pass of its own");
        }
        let heads: Vec<Option<Array>> = match heads {
            Some(list) => {
                if list.len() != self.outputs.len() {
                    bail!(Value, "backward: {} gradients for {} outputs", list.len(), self.outputs.len());
                }
                list.iter().zip(&self.outputs).map(|(h, y)| self.head(h, y).map(Some)).collect::<Result<_>>()?
            }
            None => {
                for (i, y) in self.outputs.iter().enumerate() {
                    if self.ones[i].is_none() && self.train.0.touches(External::Head(i)) {
                        self.ones[i] = Some(unrecorded(|| ops::ones_like(y))?);
                    }
                }
                self.ones.clone()
            }
        };
        let (compiled, instance) = &mut self.train;
        let (arguments, auxiliary, gradients) = (&self.arguments, &self.auxiliary, &self.gradients);
        self.ready = false;
        compiled.backward(instance, |e| match e {
            External::Argument(i) => arguments.get(i),
            External::Auxiliary(i) => auxiliary.get(i),
            External::Gradient(i) => gradients.get(i).and_then(|g| g.as_ref()),
            External::Head(i) => heads.get(i).and_then(|h| h.as_ref()),
            _ => None,
        })
    }
    /// A gradient from the user as the backward pass reads it.
    fn head(&self, h: &Array, y: &Array) -> Result<Array> {
        if h.shape() != y.shape() {
            bail!(Value, "backward: gradient of shape {} for an output of shape {}", show(h.shape()), show(y.shape()));
        }
        unrecorded(|| dense(&h.to_device(self.device)?, y.dtype()))
    }
    /// The array of an argument.
    pub fn argument(&self, name: &str) -> Result<&Array> {
        self.find(&self.argument_names, name).map(|i| &self.arguments[i])
    }
    /// The gradient of an argument; an error when it was not asked for.
    pub fn gradient(&self, name: &str) -> Result<&Array> {
        let i = self.find(&self.argument_names, name)?;
        match &self.gradients[i] {
            Some(g) => Ok(g),
            None => bail!(Value, "executor: the gradient of '{name}' was bound with grad_req 'null'"),
        }
    }
    /// The array of an auxiliary state.
    pub fn auxiliary_state(&self, name: &str) -> Result<&Array> {
        self.find(&self.auxiliary_names, name).map(|i| &self.auxiliary[i])
    }
    fn find(&self, names: &[String], name: &str) -> Result<usize> {
        match names.iter().position(|n| n == name) {
            Some(i) => Ok(i),
            None => bail!(Value, "executor: there is no '{name}'; there are: {}", names.join(", ")),
        }
    }
    /// Arguments in order.
    pub fn arguments(&self) -> &[Array] {
        &self.arguments
    }
    /// Gradients in order of the arguments.
    pub fn gradients(&self) -> &[Option<Array>] {
        &self.gradients
    }
    /// What happens to each gradient.
    pub fn requests(&self) -> &[GradReq] {
        &self.requests
    }
    /// Auxiliary states in order.
    pub fn auxiliary(&self) -> &[Array] {
        &self.auxiliary
    }
    /// Results of the last forward pass.
    pub fn outputs(&self) -> &[Array] {
        &self.outputs
    }
    /// Names of the arguments.
    pub fn argument_names(&self) -> &[String] {
        &self.argument_names
    }
    /// Names of the auxiliary states.
    pub fn auxiliary_names(&self) -> &[String] {
        &self.auxiliary_names
    }
    /// Names of the results.
    pub fn output_names(&self) -> &[String] {
        &self.output_names
    }
    /// The symbol that was bound.
    pub fn symbol(&self) -> &Symbol {
        &self.symbol
    }
    /// Launches and bytes of the training program.
    pub fn report(&self) -> Report {
        self.train.0.report()
    }
}

/// An array with this dtype, contiguous from the start of its buffer: as schedules traced on dense arrays read it.
pub(crate) fn dense(a: &Array, dtype: minpy_core::DType) -> Result<Array> {
    let a = if a.dtype() == dtype { a.clone() } else { ops::cast(a, dtype)? };
    if a.layout().is_contiguous() && a.layout().offset() == 0 {
        return Ok(a);
    }
    minpy_core::dispatch::copy_raw(&a)
}

fn compile(symbol: &Symbol, device: DeviceRef, b: &Bindings, outputs: &[Meta], train: bool) -> Result<Compiled> {
    let looks = |list: &[Array]| -> Vec<Look> { list.iter().map(Look::of).collect() };
    let gradients: Vec<(GradReq, Option<Look>)> =
        b.requests.iter().zip(&b.gradients).map(|(r, g)| (*r, g.as_ref().map(Look::of))).collect();
    Compiled::new(&Request {
        symbol,
        device,
        train,
        arguments: &looks(&b.arguments),
        auxiliary: &looks(&b.auxiliary),
        outputs,
        gradients: &gradients,
    })
}
