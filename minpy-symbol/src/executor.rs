//! Executors: a symbol bound to arrays, with a forward and a backward pass.
//!
//! Arguments, gradients, auxiliary states and results are ordinary arrays that the user reads and writes; everything
//! else lives in the arena of the plan.

use crate::bind::{Bindings, compile, zeros};
use crate::compiled::{Compiled, Instance, Report};
use crate::graph::Symbol;
use crate::infer::Inferred;
use crate::schedule::External;
use crate::trace::GradReq;
use minpy_core::backend::Meta;
use minpy_core::backend::layout::show;
use minpy_core::internal::context::{recording, unrecorded};
use minpy_core::{Array, DeviceRef, Result, bail, ops};

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

impl Executor {
    pub(crate) fn new(
        symbol: &Symbol,
        device: DeviceRef,
        b: Bindings,
        inferred: Inferred,
    ) -> Result<Executor> {
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
    /// It is not recorded: arguments under differentiation are refused, a `Function` takes them.
    pub fn forward(&mut self, train: bool) -> Result<&[Array]> {
        if recording()
            && let Some(i) = self.arguments.iter().position(minpy_autograd::is_watched)
        {
            let name = &self.argument_names[i];
            bail!(
                NoGradient,
                "executor: the gradient of '{name}' is being recorded, which an executor is not: use Function"
            );
        }
        if !train && self.infer.is_none() {
            let metas: Vec<Meta> =
                self.outputs.iter().map(|a| Meta { shape: a.shape().into(), dtype: a.dtype() }).collect();
            let b = Bindings {
                arguments: self.arguments.clone(),
                auxiliary: self.auxiliary.clone(),
                ..Bindings::default()
            };
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
            bail!(
                Runtime,
                "backward: call forward(is_train=True) first; each backward pass needs a forward pass of its own"
            );
        }
        let heads: Vec<Option<Array>> = match heads {
            Some(list) => {
                if list.len() != self.outputs.len() {
                    bail!(Value, "backward: {} gradients for {} outputs", list.len(), self.outputs.len());
                }
                list.iter()
                    .zip(&self.outputs)
                    .map(|(h, y)| self.head(h, y).map(Some))
                    .collect::<Result<_>>()?
            }
            None => {
                for (i, y) in self.outputs.iter().enumerate() {
                    if self.ones[i].is_none() && self.train.0.backward_reads(External::Head(i)) {
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
            bail!(
                Value,
                "backward: gradient of shape {} for an output of shape {}",
                show(h.shape()),
                show(y.shape())
            );
        }
        let h = unrecorded(|| dense(&h.to_device(self.device)?, y.dtype()))?;
        // The backward pass writes gradients while it still reads what arrives.
        if self.gradients.iter().flatten().any(|g| g.may_share_memory(&h)) {
            return minpy_core::internal::dispatch::copy_raw(&h);
        }
        Ok(h)
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
    minpy_core::internal::dispatch::copy_raw(&a)
}
