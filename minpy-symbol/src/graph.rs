//! Symbols: named nodes of a directed acyclic graph, and the lists of names that belong to them.
//!
//! A `Symbol` is a list of results of nodes; nodes are shared and never change. Nothing here knows shapes or arrays.

use crate::attributes::{Attributes, INPUT, Value};
use crate::names;
use crate::operator::{Operator, Role};
use crate::ops::operator;
use minpy_core::backend::layout::Dims;
use minpy_core::{DType, Result, bail};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What a node is.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// A value from outside, with what is known of it.
    Variable {
        /// Its shape.
        shape: Option<Dims>,
        /// Its dtype.
        dtype: Option<DType>,
    },
    /// An operator applied to the inputs.
    Operator(&'static Operator, Attributes),
}

/// One node.
#[derive(Debug)]
pub struct Node {
    name: String,
    kind: NodeKind,
    inputs: Vec<Entry>,
}

/// One result of a node.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The node.
    pub node: Arc<Node>,
    /// Which of its results.
    pub index: usize,
}

/// Results a node may have: a file must not be able to ask for more memory than there is.
const MOST_OUTPUTS: usize = 1 << 16;

impl Node {
    pub(crate) fn variable(name: String, shape: Option<Dims>, dtype: Option<DType>) -> Arc<Node> {
        Arc::new(Node { name, kind: NodeKind::Variable { shape, dtype }, inputs: Vec::new() })
    }
    /// An operator with all its inputs; checks their number, and that states are variables.
    pub(crate) fn operator(
        name: String,
        op: &'static Operator,
        attrs: Attributes,
        inputs: Vec<Entry>,
    ) -> Result<Arc<Node>> {
        let outputs = op.output_count(&attrs);
        if outputs > MOST_OUTPUTS {
            bail!(Value, "{} '{name}': {outputs} outputs are too many", op.name);
        }
        match op.input_list(&attrs) {
            Some(declared) if declared.len() != inputs.len() => {
                bail!(Value, "{} '{name}': takes {} inputs, got {}", op.name, declared.len(), inputs.len())
            }
            None if inputs.is_empty() => bail!(Value, "{} '{name}': needs at least one input", op.name),
            declared => {
                for (d, e) in declared.iter().flatten().zip(&inputs) {
                    if d.role != Role::Argument && !e.node.is_variable() {
                        bail!(Value, "{} '{name}': the state '{}' must be a variable", op.name, d.name);
                    }
                }
            }
        }
        Ok(Arc::new(Node { name, kind: NodeKind::Operator(op, attrs), inputs }))
    }
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// Variable or operator.
    pub fn kind(&self) -> &NodeKind {
        &self.kind
    }
    /// What it reads: arguments, then auxiliary states.
    pub fn inputs(&self) -> &[Entry] {
        &self.inputs
    }
    /// Number of results.
    pub fn outputs(&self) -> usize {
        match &self.kind {
            NodeKind::Variable { .. } => 1,
            NodeKind::Operator(op, attrs) => op.output_count(attrs),
        }
    }
    /// Whether it is a variable.
    pub fn is_variable(&self) -> bool {
        matches!(self.kind, NodeKind::Variable { .. })
    }
    /// The shape that a variable was declared with.
    pub fn shape(&self) -> Option<&Dims> {
        match &self.kind {
            NodeKind::Variable { shape, .. } => shape.as_ref(),
            NodeKind::Operator(..) => None,
        }
    }
    /// Number of leading inputs that are no auxiliary states.
    pub fn argument_count(&self) -> usize {
        match &self.kind {
            NodeKind::Variable { .. } => 0,
            NodeKind::Operator(op, attrs) => op.argument_count(attrs, self.inputs.len()),
        }
    }
    /// Operator and name, for messages.
    pub fn describe(&self) -> String {
        match &self.kind {
            NodeKind::Variable { .. } => format!("variable '{}'", self.name),
            NodeKind::Operator(op, _) => format!("{} '{}'", op.name, self.name),
        }
    }
}

impl Drop for Node {
    /// A chain of a million nodes must not recurse a million deep.
    fn drop(&mut self) {
        let mut stack = std::mem::take(&mut self.inputs);
        while let Some(e) = stack.pop() {
            if let Some(mut node) = Arc::into_inner(e.node) {
                stack.append(&mut node.inputs);
            }
        }
    }
}

/// Results of nodes: what users hold, combine, save and bind.
#[derive(Clone, Debug)]
pub struct Symbol {
    outputs: Vec<Entry>,
}

impl Symbol {
    /// A variable.
    pub fn variable(name: &str) -> Symbol {
        Symbol::variable_with(name, None, None)
    }
    /// A variable of which something is known already.
    pub fn variable_with(name: &str, shape: Option<&[usize]>, dtype: Option<DType>) -> Symbol {
        let node = Node::variable(name.to_string(), shape.map(Dims::from), dtype);
        Symbol { outputs: vec![Entry { node, index: 0 }] }
    }
    /// All results of several symbols in one.
    pub fn group(symbols: &[Symbol]) -> Result<Symbol> {
        let outputs: Vec<Entry> = symbols.iter().flat_map(|s| s.outputs.iter().cloned()).collect();
        if outputs.is_empty() {
            bail!(Value, "Group: needs at least one symbol");
        }
        Ok(Symbol { outputs })
    }
    pub(crate) fn from_entries(outputs: Vec<Entry>) -> Symbol {
        Symbol { outputs }
    }
    /// Applies an operator. Inputs are positional (no name) or named; those left out become variables called
    /// `<name>_<input>`. Without a `name` the node is numbered.
    pub fn apply(
        op: &str,
        name: Option<&str>,
        inputs: &[(Option<&str>, &Symbol)],
        attrs: &[(String, Value)],
    ) -> Result<Symbol> {
        let op = operator(op)?;
        let name = name.map_or_else(|| names::next(op.name), str::to_string);
        let who = format!("{} '{name}'", op.name);
        let mut given = op.noted(inputs.iter().filter_map(|(name, _)| *name), attrs);
        let check = |given: &[(String, Value)]| Attributes::check(&who, op.attributes, op.ignored, given);
        let mut attrs = check(&given)?;
        // More arrays than must be given: those that may be left out, in their order.
        while op.input_list(&attrs).is_some_and(|l| l.len() < inputs.len()) {
            let free = |name: &&str| !given.iter().any(|(g, _)| g == name);
            let Some(next) = op.optional_inputs().find(free) else { break };
            given.push((next.to_string(), Value::from(INPUT)));
            attrs = check(&given)?;
        }
        let entries = match op.input_list(&attrs) {
            None => {
                if inputs.is_empty() {
                    bail!(Type, "{who}: needs at least one input");
                }
                if let Some(n) = inputs.iter().find_map(|(n, _)| *n) {
                    bail!(Type, "{who}: takes its inputs by position, not by the name '{n}'");
                }
                inputs.iter().map(|(_, s)| s.single(&who)).collect::<Result<_>>()?
            }
            Some(declared) => {
                let mut slots: Vec<Option<Entry>> = vec![None; declared.len()];
                let mut at = 0;
                for (input, s) in inputs {
                    let listed = || declared.iter().map(|i| i.name).collect::<Vec<_>>().join(", ");
                    let i = match input {
                        Some(n) => match declared.iter().position(|d| d.name == *n) {
                            Some(i) => i,
                            None => bail!(Type, "{who}: has no input '{n}'; its inputs are: {}", listed()),
                        },
                        None => at,
                    };
                    at += input.is_none() as usize;
                    match slots.get_mut(i) {
                        None => bail!(
                            Type,
                            "{who}: takes {} inputs ({}), got {}",
                            declared.len(),
                            listed(),
                            inputs.len()
                        ),
                        Some(Some(_)) => bail!(Type, "{who}: input '{}' is given twice", declared[i].name),
                        Some(slot) => *slot = Some(s.single(&who)?),
                    }
                }
                slots
                    .into_iter()
                    .zip(&declared)
                    .map(|(slot, d)| {
                        slot.unwrap_or_else(|| {
                            Symbol::variable(&format!("{name}_{}", d.name)).outputs[0].clone()
                        })
                    })
                    .collect()
            }
        };
        let node = Node::operator(name, op, attrs, entries)?;
        Ok(Symbol { outputs: (0..node.outputs()).map(|index| Entry { node: node.clone(), index }).collect() })
    }
    fn single(&self, who: &str) -> Result<Entry> {
        match self.outputs.as_slice() {
            [one] => Ok(one.clone()),
            many => bail!(
                Type,
                "{who}: an input must have one output, this symbol has {}; pick one with [i]",
                many.len()
            ),
        }
    }
    /// A binary operator between symbols, by name: `add`, `subtract`, ...
    pub fn binary(op: &str, a: &Symbol, b: &Symbol) -> Result<Symbol> {
        Symbol::apply(op, None, &[(None, a), (None, b)], &[])
    }
    /// A binary operator with a number, by the operator's name; `reversed`: the number stands first.
    pub fn binary_scalar(op: &str, a: &Symbol, number: f64, reversed: bool) -> Result<Symbol> {
        let name = format!("{}{op}_scalar", if reversed { "_r" } else { "_" });
        Symbol::apply(&name, None, &[(None, a)], &[("scalar".to_string(), Value::Float(number))])
    }

    /// The results.
    pub fn entries(&self) -> &[Entry] {
        &self.outputs
    }
    /// Number of results.
    pub fn len(&self) -> usize {
        self.outputs.len()
    }
    /// Whether there are no results; never true.
    pub fn is_empty(&self) -> bool {
        self.outputs.is_empty()
    }
    /// The name of the node, when all results are of one node.
    pub fn name(&self) -> Option<&str> {
        let first = &self.outputs.first()?.node;
        self.outputs.iter().all(|e| Arc::ptr_eq(&e.node, first)).then(|| first.name.as_str())
    }
    /// One result.
    pub fn output(&self, index: usize) -> Result<Symbol> {
        match self.outputs.get(index) {
            Some(e) => Ok(Symbol { outputs: vec![e.clone()] }),
            None => bail!(Index, "symbol: output {index} is out of bounds, there are {}", self.outputs.len()),
        }
    }
    /// The result of that name (see `list_outputs`).
    pub fn output_named(&self, name: &str) -> Result<Symbol> {
        let names = self.list_outputs();
        match names.iter().position(|n| n == name) {
            Some(i) => self.output(i),
            None => bail!(Value, "symbol: there is no output '{name}'; outputs: {}", names.join(", ")),
        }
    }
    /// Every result of every node, in order of computation.
    pub fn internals(&self) -> Symbol {
        let outputs = self
            .nodes()
            .iter()
            .flat_map(|n| (0..n.outputs()).map(|index| Entry { node: n.clone(), index }))
            .collect();
        Symbol { outputs }
    }
    /// Every node, inputs before users: depth first, as MXNet orders them.
    pub fn nodes(&self) -> Vec<Arc<Node>> {
        let mut order = Vec::new();
        let mut seen: HashSet<*const Node> = HashSet::new();
        let mut stack: Vec<(&Arc<Node>, usize)> = Vec::new();
        for e in &self.outputs {
            if seen.insert(Arc::as_ptr(&e.node)) {
                stack.push((&e.node, 0));
            }
            while let Some((node, next)) = stack.pop() {
                match node.inputs.get(next) {
                    Some(input) => {
                        stack.push((node, next + 1));
                        if seen.insert(Arc::as_ptr(&input.node)) {
                            stack.push((&input.node, 0));
                        }
                    }
                    None => order.push(node.clone()),
                }
            }
        }
        order
    }
    /// The variables that are auxiliary states, and those that are arguments, in order of the nodes.
    pub(crate) fn variables(&self) -> (Vec<Arc<Node>>, Vec<Arc<Node>>) {
        let nodes = self.nodes();
        let states: HashSet<*const Node> = nodes
            .iter()
            .flat_map(|n| {
                n.inputs[n.argument_count().min(n.inputs.len())..].iter().map(|e| Arc::as_ptr(&e.node))
            })
            .collect();
        nodes.into_iter().filter(|n| n.is_variable()).partition(|n| states.contains(&Arc::as_ptr(n)))
    }
    /// Per argument: whether everything that reads it takes it for positions.
    pub(crate) fn positions(&self) -> Vec<bool> {
        let mut numbers: HashSet<*const Node> = self.entries().iter().map(|e| Arc::as_ptr(&e.node)).collect();
        for node in self.nodes() {
            let NodeKind::Operator(op, _) = node.kind() else { continue };
            let others = node.inputs().iter().enumerate().filter(|(i, _)| op.positions != Some(*i));
            numbers.extend(others.map(|(_, e)| Arc::as_ptr(&e.node)));
        }
        self.variables().1.iter().map(|n| !numbers.contains(&Arc::as_ptr(n))).collect()
    }
    /// Names of the arguments.
    pub fn list_arguments(&self) -> Vec<String> {
        self.variables().1.iter().map(|n| n.name.clone()).collect()
    }
    /// Names of the auxiliary states.
    pub fn list_auxiliary_states(&self) -> Vec<String> {
        self.variables().0.iter().map(|n| n.name.clone()).collect()
    }
    /// Names of the results: `<node>_output`, numbered where a node has several; of a variable its own name.
    pub fn list_outputs(&self) -> Vec<String> {
        self.outputs
            .iter()
            .map(|e| match (e.node.is_variable(), e.node.outputs()) {
                (true, _) => e.node.name.clone(),
                (false, 1) => format!("{}_output", e.node.name),
                (false, _) => format!("{}_output{}", e.node.name, e.index),
            })
            .collect()
    }
    /// An error when two variables share a name: arrays could not be told apart.
    pub(crate) fn check_names(&self) -> Result<()> {
        let mut seen: HashMap<&str, ()> = HashMap::new();
        let (aux, args) = self.variables();
        for n in args.iter().chain(&aux) {
            if seen.insert(n.name(), ()).is_some() {
                bail!(Value, "symbol: two different variables are called '{}'", n.name);
            }
        }
        Ok(())
    }
}
