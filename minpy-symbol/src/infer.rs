//! Shape and dtype inference: from the shapes of some arguments to all of them, and to the results.
//!
//! Operators fill in the shapes of their parameters (`Operator::complete`); the shapes of results come from running
//! builders on arrays without memory. Both repeat until nothing new is learnt.

use crate::graph::{Node, NodeKind, Symbol};
use crate::operator::{Built, Call, Role, Shapes};
use crate::room::room_for;
use minpy_core::backend::Meta;
use minpy_core::backend::layout::{Dims, count, show};
use minpy_core::internal::Buffer;
use minpy_core::internal::context::unrecorded;
use minpy_core::{Array, DType, DeviceRef, Layout, Result, bail, context};
use std::collections::HashMap;
use std::sync::Arc;

/// What is known of an argument before inference.
#[derive(Clone, Debug)]
pub struct Known {
    /// Name of the argument or auxiliary state.
    pub name: String,
    /// Its shape.
    pub shape: Option<Dims>,
    /// Its dtype; unknown ones take the common dtype of those that are given, or float32.
    pub dtype: Option<DType>,
}

impl Known {
    /// A shape, dtype to be inferred.
    pub fn shape(name: &str, shape: &[usize]) -> Known {
        Known { name: name.to_string(), shape: Some(shape.into()), dtype: None }
    }
}

/// What inference finds out, in the order of the symbol's lists.
#[derive(Clone, Debug, PartialEq)]
pub struct Inferred {
    /// Arguments.
    pub arguments: Vec<Meta>,
    /// Results.
    pub outputs: Vec<Meta>,
    /// Auxiliary states.
    pub auxiliary: Vec<Meta>,
}

/// An array of that shape and dtype without memory.
pub(crate) fn placeholder(who: &str, device: DeviceRef, meta: &Meta) -> Result<Array> {
    let bytes = count(who, &meta.shape)? * meta.dtype.size();
    Ok(Array::from_parts(
        Buffer::placeholder(device, bytes, None),
        Layout::contiguous(&meta.shape),
        meta.dtype,
    ))
}

/// Runs a node's builder; errors name the node and the shapes of its inputs.
pub(crate) fn build_node(
    node: &Node,
    inputs: &[Array],
    train: bool,
    noise: &mut dyn FnMut(&[usize], DType) -> Result<Array>,
) -> Result<Built> {
    let NodeKind::Operator(op, attrs) = node.kind() else {
        bail!(Runtime, "{}: has no builder", node.describe())
    };
    let (arguments, aux) = inputs.split_at(node.argument_count().min(inputs.len()));
    op.run(&mut Call { attrs, inputs: arguments, aux, train, noise }).map_err(|e| {
        let shapes: Vec<_> = arguments.iter().map(|a| show(a.shape())).collect();
        e.context(&format!("{} with inputs of shapes {}", node.describe(), shapes.join(", ")))
    })
}

struct State {
    nodes: Vec<Arc<Node>>,
    place: HashMap<*const Node, usize>,
    /// Shape of every result, as far as known.
    shapes: Vec<Vec<Option<Dims>>>,
    /// Dtype of every result: of variables from the start, of operators once built.
    dtypes: Vec<Vec<DType>>,
    built: Vec<bool>,
}

impl Symbol {
    /// Infers the shapes and dtypes of all arguments, results and auxiliary states. Arguments that stay unknown are an
    /// error that names them.
    pub fn infer(&self, known: &[Known]) -> Result<Inferred> {
        self.check_names()?;
        let (aux, args) = self.variables();
        for k in known {
            if !args.iter().chain(&aux).any(|n| n.name() == k.name) {
                bail!(
                    Value,
                    "infer_shape: there is no argument '{}'; arguments: {}",
                    k.name,
                    self.list_arguments().join(", ")
                );
            }
        }
        for shape in known
            .iter()
            .filter_map(|k| k.shape.as_ref())
            .chain(args.iter().chain(&aux).filter_map(|n| n.shape()))
        {
            count("infer_shape", shape)?;
        }
        room_for(self.nodes().len())?;
        let mut state = State::new(self, known);
        unrecorded(|| state.run())?;
        let unknown: Vec<&str> =
            args.iter().chain(&aux).filter(|n| state.meta(n, 0).is_none()).map(|n| n.name()).collect();
        if !unknown.is_empty() {
            bail!(Value, "infer_shape: the shapes given do not determine those of {}", unknown.join(", "));
        }
        let metas = |nodes: &[Arc<Node>]| nodes.iter().filter_map(|n| state.meta(n, 0)).collect();
        let outputs: Vec<Meta> = self.entries().iter().filter_map(|e| state.meta(&e.node, e.index)).collect();
        if outputs.len() != self.len() {
            bail!(Value, "infer_shape: the shapes given do not determine those of the outputs");
        }
        Ok(Inferred { arguments: metas(&args), outputs, auxiliary: metas(&aux) })
    }
}

impl State {
    fn new(symbol: &Symbol, known: &[Known]) -> State {
        let nodes = symbol.nodes();
        let place: HashMap<*const Node, usize> =
            nodes.iter().enumerate().map(|(i, n)| (Arc::as_ptr(n), i)).collect();
        let given = known.iter().filter_map(|k| k.dtype).chain(nodes.iter().filter_map(|n| match n.kind() {
            NodeKind::Variable { dtype, .. } => *dtype,
            _ => None,
        }));
        let common = given.filter(|d| d.is_inexact()).reduce(DType::promote).unwrap_or(DType::F32);
        let mut state = State {
            shapes: nodes.iter().map(|n| vec![None; n.outputs()]).collect(),
            dtypes: nodes.iter().map(|n| vec![common; n.outputs()]).collect(),
            built: vec![false; nodes.len()],
            nodes,
            place,
        };
        for (i, n) in state.nodes.iter().enumerate() {
            let NodeKind::Variable { shape, dtype } = n.kind() else { continue };
            let k = known.iter().find(|k| k.name == n.name());
            state.shapes[i][0] = k.and_then(|k| k.shape.clone()).or_else(|| shape.clone());
            state.dtypes[i][0] = k.and_then(|k| k.dtype).or(*dtype).unwrap_or(common);
            state.built[i] = true;
        }
        state
    }
    fn meta(&self, node: &Arc<Node>, index: usize) -> Option<Meta> {
        let i = *self.place.get(&Arc::as_ptr(node))?;
        Some(Meta { shape: self.shapes[i].get(index)?.clone()?, dtype: *self.dtypes[i].get(index)? })
    }
    /// Sweeps forwards and backwards over the nodes until nothing changes.
    fn run(&mut self) -> Result<()> {
        let device = context::current_device()?;
        loop {
            let mut changed = false;
            for i in 0..self.nodes.len() {
                changed |= self.visit(i, device)?;
            }
            if !changed || self.built.iter().all(|b| *b) {
                return Ok(());
            }
            for i in (0..self.nodes.len()).rev() {
                self.visit(i, device)?;
            }
        }
    }
    fn visit(&mut self, i: usize, device: DeviceRef) -> Result<bool> {
        if self.built[i] {
            return Ok(false);
        }
        let node = self.nodes[i].clone();
        let NodeKind::Operator(op, attrs) = node.kind() else { return Ok(false) };
        let who = node.describe();
        let names: Vec<String> = match op.input_list(attrs) {
            Some(list) => list.iter().map(|d| d.name.to_string()).collect(),
            None => (0..node.inputs().len()).map(|k| format!("input {k}")).collect(),
        };
        let at: Vec<(usize, usize)> =
            node.inputs().iter().map(|e| (self.place[&Arc::as_ptr(&e.node)], e.index)).collect();
        let inputs: Vec<Option<Dims>> = at.iter().map(|&(n, k)| self.shapes[n][k].clone()).collect();
        let mut shapes = Shapes { who: &who, names: &names, inputs, outputs: self.shapes[i].clone() };
        (op.complete)(attrs, &mut shapes)?;
        let mut changed = false;
        for (&(n, k), shape) in at.iter().zip(shapes.inputs) {
            if self.shapes[n][k].is_none() && shape.is_some() {
                self.shapes[n][k] = shape;
                changed = true;
            }
        }
        // A shape that a user of the result has fixed is a wish; the producer must still be built to confirm it.
        let ready = at.iter().all(|&(n, k)| self.built[n] && self.shapes[n][k].is_some());
        if ready {
            self.build(i, &node, &at, device)?;
            changed = true;
        }
        Ok(changed)
    }
    fn build(&mut self, i: usize, node: &Node, at: &[(usize, usize)], device: DeviceRef) -> Result<()> {
        let who = node.describe();
        let mut arrays = Vec::with_capacity(at.len());
        for &(n, k) in at {
            let Some(shape) = self.shapes[n][k].clone() else { return Ok(()) };
            arrays.push(placeholder(&who, device, &Meta { shape, dtype: self.dtypes[n][k] })?);
        }
        let (built, _) = minpy_core::internal::trace::trace(|| {
            build_node(node, &arrays, true, &mut |shape, dtype| Array::empty_on(device, shape, dtype))
        });
        for (k, out) in built?.outputs.iter().enumerate() {
            if let Some(Some(wish)) = self.shapes[i].get(k)
                && **wish != *out.shape()
            {
                bail!(
                    Value,
                    "{who}: its output has shape {}, but {} is needed where it is used",
                    show(out.shape()),
                    show(wish)
                );
            }
            self.shapes[i][k] = Some(out.shape().into());
            self.dtypes[i][k] = out.dtype();
        }
        self.built[i] = true;
        Ok(())
    }
}

/// The initial value of every auxiliary state of a symbol, by the name of its variable.
pub(crate) fn initial_states(symbol: &Symbol) -> HashMap<String, f64> {
    let mut values = HashMap::new();
    for node in symbol.nodes() {
        let NodeKind::Operator(op, attrs) = node.kind() else { continue };
        for (input, declared) in node.inputs().iter().zip(op.input_list(attrs).unwrap_or_default()) {
            if let Role::Auxiliary(value) = declared.role {
                values.insert(input.node.name().to_string(), value);
            }
        }
    }
    values
}
