//! What a gradient rule is, and how one is found for an operation.
//!
//! A rule is one linear map per input (`Rule`). For elementwise operations the map is its own transpose, so that one closure
//! serves backward (g to the gradient of input i) and forward (tangent of input i to the tangent of the result); others give
//! both. Where the gradients of the inputs share work, or an operation has several results, it is one map of all of them
//! (`Whole`). Rules register themselves, as operations do, also those of other crates (`rules!`, `whole!`).
//! Rules call recorded operations, so gradients of gradients need nothing more. The engine alone un-broadcasts,
//! accumulates, converts dtypes and skips inputs that need nothing. Complex gradients follow HIPS autograd:
//! the gradient of a holomorphic f is g * f'(z), without conjugation.

use crate::edge::{Edge, Nodes};
use minpy_core::backend::Attributes;
use minpy_core::{Array, Attrs, DType, DeviceRef, Layout, OpDef, Operand, Result, bail};
use rustc_hash::FxHashMap;
use std::sync::LazyLock;

/// A recorded operand as a rule sees it.
#[derive(Clone)]
pub enum Value {
    /// Not declared as saved.
    Nothing,
    /// A saved array.
    Array(Array),
    /// A number.
    Number(minpy_core::Number),
    /// A number with a dtype.
    Scalar(minpy_core::Scalar),
}

/// Shape, dtype and device of an input.
#[derive(Clone, Copy)]
pub struct InputMeta<'a> {
    /// Layout through which it was read.
    pub layout: &'a Layout,
    /// Its dtype.
    pub dtype: DType,
    /// Where it lives.
    pub device: DeviceRef,
}

/// What a rule may look at: attributes, declared saves, and the inputs' shapes.
pub struct Saves<'a> {
    pub(crate) op: &'static OpDef,
    pub(crate) attrs: Attrs<'a>,
    pub(crate) inputs: &'a [Value],
    pub(crate) outputs: &'a [Value],
    pub(crate) nodes: &'a dyn Nodes,
    pub(crate) edges: &'a [Option<Edge>],
}
impl<'a> Saves<'a> {
    /// Attributes of the call, of the type that the operation has.
    pub fn attrs<T: Attributes>(&self) -> Result<&'a T> {
        self.attrs.expect(self.op.name)
    }
    /// Whether the gradient of input `i` is asked for.
    pub fn wants(&self, i: usize) -> bool {
        self.edges.get(i).is_some_and(|e| e.is_some())
    }
    /// Input `i`, which the rule declared (or which is a number).
    pub fn x(&self, i: usize) -> Operand<'a> {
        operand(&self.inputs[i])
    }
    /// Input `i` as an array.
    pub fn array(&self, i: usize) -> &'a Array {
        match &self.inputs[i] {
            Value::Array(a) => a,
            _ => unreachable!("the rule declares input {i} as saved, and it is an array"),
        }
    }
    /// The result, which the rule declared; of several the first.
    pub fn y(&self) -> &'a Array {
        self.result(0)
    }
    /// Result `i`, which the rule declared.
    pub fn result(&self, i: usize) -> &'a Array {
        match &self.outputs[i] {
            Value::Array(a) => a,
            _ => unreachable!("the rule declares the results as saved"),
        }
    }
    /// What was kept instead of the declared operands, where the rule allows that and it was done.
    pub fn instead(&self) -> Option<&'a Array> {
        match (self.inputs, self.outputs) {
            ([], [Value::Array(a)]) => Some(a),
            _ => None,
        }
    }
    /// Shape, dtype, device of watched input `i`.
    #[expect(
        clippy::expect_used,
        reason = "the contract of a rule: it looks at inputs whose gradient is wanted"
    )]
    pub fn meta(&self, i: usize) -> InputMeta<'a> {
        let e = self.edges[i].as_ref().expect("only watched inputs are asked for");
        InputMeta { layout: self.nodes.view(e), dtype: e.dtype, device: self.nodes.device(e.node) }
    }
    /// Shape of watched input `i`.
    pub fn shape(&self, i: usize) -> &'a [usize] {
        self.meta(i).layout.shape()
    }
}
fn operand(v: &Value) -> Operand<'_> {
    match v {
        Value::Array(a) => Operand::Array(a),
        Value::Number(n) => Operand::Number(*n),
        Value::Scalar(s) => Operand::Scalar(*s),
        Value::Nothing => unreachable!("the rule uses an operand that it does not declare as saved"),
    }
}

/// The linear map of one input.
pub type Map = fn(&Saves, &Array) -> Result<Array>;

/// Gradient rule of one input.
pub struct InputRule {
    /// Which operands (bit i, `Rule::FURTHER`) and whether the result (`Rule::OUTPUT`) must be kept.
    pub saves: u32,
    /// From the gradient of the result to the gradient of the input (of the result's broadcast shape, or the input's).
    pub vjp: Map,
    /// From the tangent of the input to its part of the tangent of the result.
    pub jvp: Map,
}

/// Computes what may be kept of the operands instead of themselves, where only input `i` is watched; not recorded.
pub type Instead = fn(&[Operand], usize) -> Result<Array>;

/// The gradient rule of an operation.
pub struct Rule {
    /// The operation.
    pub op: &'static OpDef,
    /// One per differentiable leading input; further inputs (indices) have none.
    pub inputs: &'static [InputRule],
    /// For operands that wait to be computed together with the result: keeping these would make each of them a result of
    /// its own. The maps find it in `Saves::instead`. Only for rules that do not keep the result.
    pub instead: Option<Instead>,
    /// For complex numbers alone: of real ones the results are constants.
    pub complex: bool,
    /// Where it was written.
    pub file: &'static str,
    /// Where it was written.
    pub line: u32,
}
impl Rule {
    /// Bit of `saves` that keeps the result.
    pub const OUTPUT: u32 = 1 << 31;
    /// Bit of `saves` that keeps every further input (indices: as many as an array has axes).
    pub const FURTHER: u32 = 1 << 30;
    pub(crate) fn saves(&self, input: usize) -> u32 {
        self.inputs.get(input).map_or(0, |r| r.saves)
    }
    /// Whether `saves` keeps this input.
    pub(crate) fn keeps(&self, saves: u32, input: usize) -> bool {
        saves & if input < self.inputs.len() { 1 << input } else { Rule::FURTHER } != 0
    }
}

/// From gradients to gradients, or from tangents to tangents, of a whole operation; `None` is zero.
pub type WholeMap = fn(&Saves, &[Option<Array>]) -> Result<Vec<Option<Array>>>;

/// The gradient rule of an operation as a whole: for several results, and where the gradients of its inputs share work.
pub struct Whole {
    /// The operation.
    pub op: &'static OpDef,
    /// Which inputs (bit i) and whether the results (`Rule::OUTPUT`) must be kept.
    pub saves: u32,
    /// From the gradients of all results to those of all inputs, one each. Of inputs that `Saves::wants` not, `None` will do.
    pub vjp: WholeMap,
    /// From the tangents of all inputs to those of all results, one each.
    pub jvp: WholeMap,
    /// Where it was written.
    pub file: &'static str,
    /// Where it was written.
    pub line: u32,
}

/// What is decided about the gradient of an operation.
#[derive(Clone, Copy)]
pub enum Decision {
    /// It has a rule for each input.
    Rule(&'static Rule),
    /// It has a rule as a whole.
    Whole(&'static Whole),
    /// Its results are constants (`OpDef::constant`).
    Constant,
    /// Nobody decided: asking for the gradient is an error.
    Missing,
}

/// What `inventory` collects.
#[derive(Clone, Copy)]
pub enum Item {
    /// Rules by input.
    Rules(&'static [Rule]),
    /// A rule of a whole operation.
    Whole(&'static Whole),
}
inventory::collect!(Item);

/// Every rule, with where it was written.
pub fn decisions() -> impl Iterator<Item = (&'static OpDef, Decision, &'static str, u32)> {
    inventory::iter::<Item>.into_iter().flat_map(|item| {
        let (rows, whole): (&'static [Rule], _) = match item {
            Item::Rules(rows) => (rows, None),
            Item::Whole(w) => (&[], Some(*w)),
        };
        let rows = rows.iter().map(|r| (r.op, Decision::Rule(r), r.file, r.line));
        rows.chain(whole.map(|w| (w.op, Decision::Whole(w), w.file, w.line)))
    })
}

type Table = FxHashMap<usize, (Decision, &'static str, u32)>;
/// Two decisions about one operation, which also one that is constant and has a rule is, are an error that names both places.
static TABLE: LazyLock<std::result::Result<Table, String>> = LazyLock::new(|| table(decisions()));

fn table(
    decisions: impl Iterator<Item = (&'static OpDef, Decision, &'static str, u32)>,
) -> std::result::Result<Table, String> {
    let mut table = Table::default();
    for (op, d, file, line) in decisions {
        if let Decision::Rule(r) = d
            && r.inputs.len() > op.arity
        {
            let (maps, inputs) = (r.inputs.len(), op.arity);
            return Err(format!(
                "{}: its rule has {maps} maps for {inputs} inputs, at {file}:{line}",
                op.name
            ));
        }
        let before = table.insert(std::ptr::from_ref(op) as usize, (d, file, line));
        let (file_before, line_before) = match before {
            Some((_, file, line)) => (file, line),
            None if op.constant => (op.file, op.line),
            None => continue,
        };
        return Err(format!(
            "two decisions about the gradient of {}: at {file_before}:{line_before} and at {file}:{line}",
            op.name
        ));
    }
    Ok(table)
}

/// The decision about an operation.
///
/// # Errors
/// [`ErrorKind::Registry`](minpy_core::ErrorKind::Registry) where the rules contradict each other.
#[inline]
pub fn decision(op: &'static OpDef) -> Result<Decision> {
    if op.constant {
        return Ok(Decision::Constant);
    }
    match &*TABLE {
        Ok(t) => Ok(t.get(&(std::ptr::from_ref(op) as usize)).map_or(Decision::Missing, |d| d.0)),
        Err(message) => bail!(Registry, "{message}"),
    }
}

/// Registers rules by input. `rules! { LOG1P: [0] |s, g| ...; }`: one row per operation; per input the saves in brackets
/// (operand numbers, `y` for the result, `further` for the inputs without a map) and the linear map; after `~` the forward map
/// where it differs; after `=>`, at the end of a row, `Rule::instead`. `rules! { complex ... }`: for complex numbers alone.
#[macro_export]
macro_rules! rules {
    (@bit y) => { $crate::Rule::OUTPUT };
    (@bit further) => { $crate::Rule::FURTHER };
    (@bit $n:literal) => { 1 << $n };
    (@jvp $map:expr) => { $map };
    (@jvp $map:expr, $jvp:expr) => { $jvp };
    (@instead) => { None };
    (@instead $instead:expr) => { Some($instead) };
    (complex $($rows:tt)*) => { $crate::rules!(@rows true, $($rows)*); };
    (@rows $complex:literal, $($op:ident: $([$($save:tt)*] $map:expr $(, ~ $jvp:expr)?);+ $(=> $instead:expr)? ;;)*) => {
        const _: () = {
            static RULES: &[$crate::Rule] = &[$(
                $crate::Rule {
                    op: &$op,
                    inputs: &[$(
                        $crate::InputRule {
                            saves: 0 $(| $crate::rules!(@bit $save))*,
                            vjp: $map,
                            jvp: $crate::rules!(@jvp $map $(, $jvp)?),
                        }
                    ),+],
                    instead: $crate::rules!(@instead $($instead)?),
                    complex: $complex,
                    file: file!(),
                    line: line!(),
                },
            )*];
            $crate::inventory::submit! { $crate::Item::Rules(RULES) }
        };
    };
    ($($rows:tt)*) => { $crate::rules!(@rows false, $($rows)*); };
}

/// Registers the rule of a whole operation: `whole! { MODF: [] |s, gs| ..., ~ |s, ts| ... }`, with the saves in brackets, the map of
/// gradients and that of tangents.
#[macro_export]
macro_rules! whole {
    ($op:ident: [$($save:tt)*] $vjp:expr, ~ $jvp:expr) => {
        const _: () = {
            static WHOLE: $crate::Whole = $crate::Whole {
                op: &$op,
                saves: 0 $(| $crate::rules!(@bit $save))*,
                vjp: $vjp,
                jvp: $jvp,
                file: file!(),
                line: line!(),
            };
            $crate::inventory::submit! { $crate::Item::Whole(&WHOLE) }
        };
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use minpy_core::ops;

    #[test]
    fn two_decisions_are_an_error_that_names_both_places() {
        // Of one argument, as `floor`: the linker decides which is the first of all.
        let (op, d, file, line) = decisions().find(|(op, ..)| op.arity == 1).unwrap();
        let e = table([(op, d, file, line), (op, d, "other.rs", 7)].into_iter()).err().unwrap();
        assert!(
            e.contains(op.name) && e.contains(&format!("{file}:{line}")) && e.contains("other.rs:7"),
            "{e}"
        );
        let floor = &ops::FLOOR;
        let e = table([(floor, d, "other.rs", 7)].into_iter()).err().unwrap();
        assert!(e.contains(&format!("{}:{}", floor.file, floor.line)) && e.contains("other.rs:7"), "{e}");
        assert!(table(decisions()).is_ok_and(|t| t.len() > 60));
    }
}
