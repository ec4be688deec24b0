//! Symbol operators: what a row of the table (`ops`) holds.
//!
//! A row declares attributes and inputs, completes unknown shapes of parameters from known ones, and builds its result
//! as plain code over core operations. Shapes of results are not written down anywhere: inference runs the same
//! builder on arrays without memory. Gradients come from minpy-autograd in the same way.

pub(crate) mod table;

use crate::attributes::{Attribute, Attributes, INPUT, Kind, Value};
use minpy_core::backend::function::Function;
use minpy_core::backend::layout::{Dims, show};
use minpy_core::{Array, DType, OpDef, Result, bail};
use smallvec::SmallVec;

/// What an input is to its operator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Role {
    /// An ordinary input or parameter: an argument of the symbol when it is a variable.
    Argument,
    /// State that training updates and no gradient reaches; with its initial value.
    Auxiliary(f64),
}

/// One declared input.
#[derive(Clone, Copy, Debug)]
pub struct Input {
    /// Name; an input that is not given becomes the variable `<node>_<name>`.
    pub name: &'static str,
    /// Argument or auxiliary state.
    pub role: Role,
}

/// Which inputs a node has.
#[derive(Clone, Copy)]
pub enum Inputs {
    /// These arguments.
    Named(&'static [&'static str]),
    /// As many as are given, at least one.
    Variadic,
    /// Depends on the attributes.
    Choose(fn(&Attributes) -> Vec<Input>),
    /// The arrays that a function of core's table takes, as the attributes say.
    Table(&'static Function),
}

/// What a builder gets.
pub struct Call<'a> {
    /// The node's attributes.
    pub attrs: &'a Attributes,
    /// Arguments, in declared order.
    pub inputs: &'a [Array],
    /// Auxiliary states, in declared order. Builders do not write them.
    pub aux: &'a [Array],
    /// Whether the result is for training.
    pub train: bool,
    /// A source of uniform random numbers in [0, 1): an array of this shape and dtype, new at each training run.
    pub noise: &'a mut dyn FnMut(&[usize], DType) -> Result<Array>,
}

/// What a builder gives back.
pub struct Built {
    /// Results.
    pub outputs: SmallVec<[Array; 1]>,
    /// New values of the auxiliary states, in order; empty when they stay as they are.
    pub aux: Vec<Array>,
}

impl From<Array> for Built {
    fn from(a: Array) -> Built {
        Built { outputs: SmallVec::from_iter([a]), aux: Vec::new() }
    }
}

/// How a node computes its results.
#[derive(Clone, Copy)]
pub enum Build {
    /// A function over arrays.
    Function(fn(&mut Call) -> Result<Built>),
    /// An operation of core without attributes.
    Core(&'static OpDef),
    /// A function of core's table.
    Table(&'static Function),
    /// A binary operation of core with the attribute `scalar` on the right, or on the left when `reversed`.
    Scalar {
        /// The operation.
        op: &'static OpDef,
        /// The number is the first operand.
        reversed: bool,
    },
}

/// The shapes around one node, as `Operator::complete` sees them.
pub struct Shapes<'a> {
    pub(crate) who: &'a str,
    pub(crate) names: &'a [String],
    pub(crate) inputs: Vec<Option<Dims>>,
    pub(crate) outputs: Vec<Option<Dims>>,
}

impl Shapes<'_> {
    /// Shape of an input, when known.
    pub fn input(&self, i: usize) -> Option<&[usize]> {
        self.inputs.get(i)?.as_deref()
    }
    /// Number of inputs.
    pub fn input_count(&self) -> usize {
        self.inputs.len()
    }
    /// Shape of a result, when a user of it has fixed it already.
    pub fn output(&self, i: usize) -> Option<&[usize]> {
        self.outputs.get(i)?.as_deref()
    }
    /// States the shape of an input: fills it in, or complains when another one is known.
    pub fn set(&mut self, i: usize, shape: &[usize]) -> Result<()> {
        match self.inputs.get_mut(i) {
            Some(Some(known)) if **known != *shape => {
                let (who, name) = (self.who, &self.names[i]);
                bail!(Value, "{who}: {name} has shape {}, but {} is needed", show(known), show(shape))
            }
            Some(slot) => {
                *slot = Some(shape.into());
                Ok(())
            }
            None => Ok(()),
        }
    }
    /// Operator and name of the node, for messages.
    pub fn who(&self) -> &str {
        self.who
    }
}

/// A symbol operator.
pub struct Operator {
    /// Name, as in files and messages.
    pub name: &'static str,
    /// Other names under which it is found.
    pub aliases: &'static [&'static str],
    /// One line of documentation.
    pub doc: &'static str,
    /// Attributes.
    pub attributes: &'static [Attribute],
    /// Attributes of other systems that are accepted and have no meaning here.
    pub ignored: &'static [&'static str],
    /// Inputs.
    pub inputs: Inputs,
    /// The input that holds positions (indices, classes): integers in it stay integers.
    pub positions: Option<usize>,
    /// Number of results; see `output_count`.
    pub outputs: fn(&Attributes) -> usize,
    /// Fills unknown input shapes in from known ones; complains about shapes that cannot be.
    pub complete: fn(&Attributes, &mut Shapes) -> Result<()>,
    /// The computation.
    pub build: Build,
}

impl std::fmt::Debug for Operator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Operator {
    /// The defaults of a row: one input `data`, one result, nothing to complete.
    pub(crate) const fn row(name: &'static str, doc: &'static str, build: Build) -> Operator {
        Operator {
            name,
            aliases: &[],
            doc,
            attributes: &[],
            ignored: &[],
            inputs: Inputs::Named(&["data"]),
            positions: None,
            outputs: |_| 1,
            complete: |_, _| Ok(()),
            build,
        }
    }
    /// The declared inputs of a node with these attributes; `None`: as many as are given.
    pub fn input_list(&self, attrs: &Attributes) -> Option<Vec<Input>> {
        match self.inputs {
            Inputs::Named(names) => {
                Some(names.iter().map(|name| Input { name, role: Role::Argument }).collect())
            }
            Inputs::Variadic => None,
            Inputs::Choose(f) => Some(f(attrs)),
            Inputs::Table(f) => Some(table::inputs(f, attrs)),
        }
    }
    /// Number of results of a node with these attributes.
    pub fn output_count(&self, attrs: &Attributes) -> usize {
        match self.build {
            Build::Table(f) => table::outputs(f, attrs),
            Build::Core(op) => op.results,
            _ => (self.outputs)(attrs),
        }
    }
    /// Inputs that may also be a number or left out: attributes say which it is.
    pub(crate) fn optional_inputs(&self) -> impl Iterator<Item = &'static str> {
        let optional = self.attributes.iter().filter(|a| matches!(a.kind, Kind::Input | Kind::NumberOrInput));
        optional.map(|a| a.name)
    }
    /// What is given, with a note for each input by name that may also be a number or left out.
    pub(crate) fn noted<'a>(
        &self,
        inputs: impl Iterator<Item = &'a str>,
        given: &[(String, Value)],
    ) -> Vec<(String, Value)> {
        let names = inputs.filter(|name| self.optional_inputs().any(|o| o == *name));
        given.iter().cloned().chain(names.map(|name| (name.to_string(), Value::from(INPUT)))).collect()
    }
    /// Number of leading inputs that are arguments, of `given` in all.
    pub fn argument_count(&self, attrs: &Attributes, given: usize) -> usize {
        self.input_list(attrs).map_or(given, |l| l.iter().take_while(|i| i.role == Role::Argument).count())
    }
    /// Runs the builder.
    pub fn run(&self, call: &mut Call) -> Result<Built> {
        use minpy_core::{Attrs, Operand, Target};
        match self.build {
            Build::Function(f) => f(call),
            Build::Table(f) => table::build(f, call),
            Build::Core(op) => {
                let operands: SmallVec<[Operand; 3]> = call.inputs.iter().map(Operand::Array).collect();
                let targets: SmallVec<[Target; 2]> = (0..op.results).map(|_| Target::New).collect();
                let outputs = minpy_core::ops::call_all(op, Attrs::NONE, &operands, None, &targets)?;
                Ok(Built { outputs: outputs.into_iter().collect(), aux: Vec::new() })
            }
            Build::Scalar { op, reversed } => {
                let number = Operand::from(call.attrs.float("scalar"));
                let array = Operand::Array(&call.inputs[0]);
                let operands = if reversed { [number, array] } else { [array, number] };
                Ok(minpy_core::ops::call(op, Attrs::NONE, &operands, None, Target::New)?.into())
            }
        }
    }
}
