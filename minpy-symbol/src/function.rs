//! `Function`: a symbol as an ordinary differentiable call with named arrays.
//!
//! A call in recording mode is one node of the tape; its backward pass runs the symbol's own. Every call holds an
//! instance of its own until its gradient is no longer needed, so that a function may be called any number of times before.
//! Programs are compiled once per set of shapes and dtypes; instances are reused.

use crate::bind::filled;
use crate::call::{Call, complete, dense_states};
use crate::compiled::{Compiled, Instance};
use crate::graph::Symbol;
use crate::infer::{Known, initial_states};
use crate::trace::{GradReq, Look, Request, evaluate};
use minpy_autograd::is_watched;
use minpy_core::backend::Meta;
use minpy_core::backend::layout::{Dims, show};
use minpy_core::internal::context;
use minpy_core::internal::context::unrecorded;
use minpy_core::{Array, DType, DeviceRef, Result, bail, ops};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// A symbol that is called with arrays by name.
pub struct Function {
    symbol: Symbol,
    name: String,
    arguments: Vec<String>,
    auxiliary: Vec<String>,
    /// Shapes of the data inputs, as declared; their first axis may change from call to call.
    declared: Vec<(String, Dims)>,
    /// Per argument: whether it is read as positions only.
    positions: Vec<bool>,
    train: AtomicBool,
    /// Auxiliary states that no call has brought along.
    states: Mutex<Vec<(usize, Array)>>,
    pools: Mutex<Vec<Arc<Pool>>>,
}

/// What a compiled program depends on.
#[derive(Clone, PartialEq)]
pub(crate) struct Key {
    pub device: DeviceRef,
    pub train: bool,
    /// Per argument, then per auxiliary state: what the call brought.
    pub given: Vec<Option<Meta>>,
    /// Per argument: whether its gradient will be wanted.
    pub wanted: Vec<bool>,
}

/// A compiled program with what it needs, and instances that wait for a call.
pub(crate) struct Pool {
    pub key: Key,
    pub compiled: Compiled,
    pub outputs: Vec<Meta>,
    pub auxiliary: Vec<Meta>,
    /// Zeros for arguments that the call left out.
    pub zeros: Vec<Option<Array>>,
    pub arguments: Vec<Meta>,
    idle: Mutex<Vec<Instance>>,
}
impl Pool {
    pub fn take(&self) -> Result<Instance> {
        let waiting = self.idle.lock().pop();
        waiting.map_or_else(|| self.compiled.instance(), Ok)
    }
    pub fn give_back(&self, instance: Instance) {
        let mut idle = self.idle.lock();
        if idle.len() < MOST_IDLE {
            idle.push(instance);
        }
    }
}

/// Programs kept per function; the oldest is dropped when there are more.
const MOST_POOLS: usize = 32;
/// Instances kept per program; those of a burst of calls go back to the device, whose pool makes new ones cheap.
const MOST_IDLE: usize = 4;

impl Function {
    /// A function of a symbol. `input_shapes` names the data inputs, which every call must bring, and their shapes; without
    /// it, nothing is known before the first call and every argument may be left out.
    pub fn new(symbol: &Symbol, input_shapes: Option<&[(String, Dims)]>, name: &str) -> Result<Function> {
        let function = Function {
            symbol: symbol.clone(),
            name: name.to_string(),
            arguments: symbol.list_arguments(),
            auxiliary: symbol.list_auxiliary_states(),
            declared: input_shapes.unwrap_or(&[]).to_vec(),
            positions: symbol.positions(),
            train: AtomicBool::new(true),
            states: Mutex::default(),
            pools: Mutex::default(),
        };
        if input_shapes.is_some() {
            function.infer().map_err(|e| e.context(name))?;
        }
        Ok(function)
    }
    fn infer(&self) -> Result<crate::Inferred> {
        let known: Vec<Known> = self.declared.iter().map(|(n, s)| Known::shape(n, s)).collect();
        self.symbol.infer(&known)
    }
    /// The symbol.
    pub fn symbol(&self) -> &Symbol {
        &self.symbol
    }
    /// Names of the arguments.
    pub fn argument_names(&self) -> &[String] {
        &self.arguments
    }
    /// The name, as messages and the tape have it.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// Whether calls are for training (true at first): dropout drops, batch statistics are used and remembered.
    pub fn is_train(&self) -> bool {
        self.train.load(Relaxed)
    }
    /// Sets `is_train` for the calls that follow.
    pub fn set_train(&self, train: bool) {
        self.train.store(train, Relaxed);
    }
    /// Name and shape of every argument that is no data input.
    pub fn params(&self) -> Result<Vec<(String, Dims)>> {
        let inferred = self.infer()?;
        let all = self.arguments.iter().cloned().zip(inferred.arguments.into_iter().map(|m| m.shape));
        Ok(all.filter(|(n, _)| !self.declared.iter().any(|(d, _)| d == n)).collect())
    }
    /// Name and shape of every result.
    pub fn output_shapes(&self) -> Result<Vec<(String, Dims)>> {
        let inferred = self.infer()?;
        Ok(self
            .symbol
            .list_outputs()
            .into_iter()
            .zip(inferred.outputs.into_iter().map(|m| m.shape))
            .collect())
    }
    /// The shape of the only result.
    pub fn one_output_shape(&self) -> Result<Dims> {
        match self.output_shapes()?.as_slice() {
            [(_, shape)] => Ok(shape.clone()),
            many => bail!(Value, "{}: get_one_output_shape: there are {} outputs", self.name, many.len()),
        }
    }
    /// Auxiliary states that the function keeps itself, by name.
    pub fn auxiliary_states(&self) -> Vec<(String, Array)> {
        self.states.lock().iter().map(|(i, a)| (self.auxiliary[*i].clone(), a.clone())).collect()
    }

    /// Calls the function. Arguments left out are zeros; auxiliary states that are given are updated in place in training.
    pub fn call(&self, inputs: &[(&str, Array)]) -> Result<Vec<Array>> {
        self.run(inputs)
            .map_err(|e| if e.message().starts_with(&self.name) { e } else { e.context(&self.name) })
    }
    fn run(&self, inputs: &[(&str, Array)]) -> Result<Vec<Array>> {
        let (mut arguments, mut auxiliary) = self.sort_inputs(inputs)?;
        let device = match self.declared.first().map(|(n, _)| n.as_str()).or(inputs.first().map(|(n, _)| *n))
        {
            Some(first) => inputs
                .iter()
                .find(|(n, _)| *n == first)
                .map_or(context::current_device()?, |(_, a)| a.device()),
            None => context::current_device()?,
        };
        let common = arguments
            .iter()
            .flatten()
            .map(|a| a.dtype())
            .filter(|d| d.is_inexact())
            .reduce(DType::promote)
            .unwrap_or(DType::F32);
        for (a, &position) in arguments.iter_mut().zip(&self.positions) {
            let Some(a) = a else { continue };
            // Raw pixels count as numbers of the common dtype; it may be too short for positions.
            if !a.dtype().is_inexact() {
                *a = unrecorded(|| ops::cast(a, if position { DType::I64 } else { common }))?;
            }
            *a = a.to_device(device)?;
        }
        if let Some((i, _)) =
            auxiliary.iter().enumerate().find(|(_, a)| a.as_ref().is_some_and(|a| a.device() != device))
        {
            bail!(Value, "auxiliary state '{}' is not on {device}, where the inputs are", self.auxiliary[i]);
        }
        let wanted: Vec<bool> = arguments.iter().map(|a| a.as_ref().is_some_and(is_watched)).collect();
        let meta = |a: &Option<Array>| a.as_ref().map(|a| Meta { shape: a.shape().into(), dtype: a.dtype() });
        let given = arguments.iter().chain(&auxiliary).map(meta).collect();
        let pool = self.pool(Key { device, train: self.is_train(), given, wanted })?;
        for (i, a) in auxiliary.iter_mut().enumerate() {
            if a.is_none() {
                *a = Some(self.state(i, device, &pool.auxiliary[i])?);
            }
        }
        let auxiliary: Vec<Array> = auxiliary.into_iter().flatten().collect();
        if context::tracing() {
            return self.imperative(&pool, &arguments, &auxiliary);
        }
        Call::run(self, pool, arguments, auxiliary)
    }
    /// Puts arrays in the order of the symbol's lists.
    fn sort_inputs(&self, inputs: &[(&str, Array)]) -> Result<(Vec<Option<Array>>, Vec<Option<Array>>)> {
        let mut arguments: Vec<Option<Array>> = vec![None; self.arguments.len()];
        let mut auxiliary: Vec<Option<Array>> = vec![None; self.auxiliary.len()];
        let mut unknown = Vec::new();
        for (name, a) in inputs {
            let place = |list: &[String]| list.iter().position(|n| n == name);
            let slot = match (place(&self.arguments), place(&self.auxiliary)) {
                (Some(i), _) => &mut arguments[i],
                (None, Some(i)) => &mut auxiliary[i],
                (None, None) => {
                    unknown.push(*name);
                    continue;
                }
            };
            if slot.replace(a.clone()).is_some() {
                bail!(Type, "argument '{name}' is given twice");
            }
        }
        let listed = || [self.arguments.as_slice(), &self.auxiliary].concat().join(", ");
        if !unknown.is_empty() {
            bail!(Type, "unknown arguments {}; the symbol has: {}", unknown.join(", "), listed());
        }
        for (name, shape) in &self.declared {
            let Some(Some(a)) = self.arguments.iter().position(|n| n == name).map(|i| &arguments[i]) else {
                bail!(Type, "missing input '{name}' of shape {}; the symbol has: {}", show(shape), listed())
            };
            // The batch may be smaller or larger than declared, nothing else.
            if a.ndim() != shape.len() || a.shape().iter().zip(shape.iter()).skip(1).any(|(x, y)| x != y) {
                bail!(
                    Value,
                    "input '{name}' has shape {}, declared is {} (only the first axis may differ)",
                    show(a.shape()),
                    show(shape)
                );
            }
        }
        Ok((arguments, auxiliary))
    }
    /// An auxiliary state that the call did not bring. It keeps its dtype, whatever that of the call, and moves to the device
    /// of the call.
    fn state(&self, index: usize, device: DeviceRef, meta: &Meta) -> Result<Array> {
        let mut states = self.states.lock();
        if let Some((_, a)) = states.iter_mut().find(|(i, _)| *i == index) {
            if a.shape() != &*meta.shape {
                bail!(
                    Value,
                    "auxiliary state '{}' has shape {} from earlier calls, {} is needed",
                    self.auxiliary[index],
                    show(a.shape()),
                    show(&meta.shape)
                );
            }
            *a = unrecorded(|| a.to_device(device))?;
            return Ok(a.clone());
        }
        let value = initial_states(&self.symbol).get(&self.auxiliary[index]).copied().unwrap_or(0.0);
        let a = filled(device, meta, value)?;
        states.push((index, a.clone()));
        Ok(a)
    }
    /// The compiled program of a call.
    fn pool(&self, key: Key) -> Result<Arc<Pool>> {
        if let Some(p) = self.pools.lock().iter().find(|p| p.key == key) {
            return Ok(p.clone());
        }
        let names = self.arguments.iter().chain(&self.auxiliary);
        let known: Vec<Known> = names
            .zip(&key.given)
            .filter_map(|(n, m)| {
                m.as_ref().map(|m| Known {
                    name: n.clone(),
                    shape: Some(m.shape.clone()),
                    dtype: Some(m.dtype),
                })
            })
            .collect();
        let inferred = context::with_device(key.device, || self.symbol.infer(&known))?;
        let looks = |metas: &[Meta]| -> Vec<Look> { metas.iter().map(Look::dense).collect() };
        let gradients: Vec<(GradReq, Option<Look>)> = inferred
            .arguments
            .iter()
            .zip(&key.wanted)
            .map(|(m, w)| if *w { (GradReq::Write, Some(Look::dense(m))) } else { (GradReq::Null, None) })
            .collect();
        let compiled = Compiled::new(&Request {
            symbol: &self.symbol,
            device: key.device,
            train: key.train,
            arguments: &looks(&inferred.arguments),
            auxiliary: &looks(&inferred.auxiliary),
            outputs: &inferred.outputs,
            gradients: &gradients,
        })?;
        let mut zeros = Vec::new();
        for (m, given) in inferred.arguments.iter().zip(&key.given) {
            zeros.push(if given.is_some() { None } else { Some(filled(key.device, m, 0.0)?) });
        }
        let pool = Arc::new(Pool {
            key,
            compiled,
            outputs: inferred.outputs,
            auxiliary: inferred.auxiliary,
            zeros,
            arguments: inferred.arguments,
            idle: Mutex::default(),
        });
        let mut pools = self.pools.lock();
        if pools.len() >= MOST_POOLS {
            pools.remove(0);
        }
        pools.push(pool.clone());
        Ok(pool)
    }
    /// The call as ordinary operations: while a program is being traced.
    fn imperative(
        &self,
        pool: &Pool,
        arguments: &[Option<Array>],
        auxiliary: &[Array],
    ) -> Result<Vec<Array>> {
        let full = complete(pool, arguments);
        let device = pool.key.device;
        let states = dense_states(pool, auxiliary)?;
        let e = context::with_device(device, || {
            evaluate(&self.symbol, &full, &states, pool.key.train, &mut |shape, dtype| {
                crate::noise::uniform(device, &Meta { shape: shape.into(), dtype })
            })
        })?;
        for (i, new) in &e.states {
            unrecorded(|| ops::assign(&auxiliary[*i], new))?;
        }
        Ok(e.outputs)
    }
}
