//! Renders scalar programs to C statements, and collects the helper functions and types that a kernel needs.
//!
//! One `Writer` makes one translation unit: the generators ask it for helpers, add their kernel, and `finish` it.
//! Only helpers that are used are emitted, so that kernels stay quick to compile.

use super::dialect::{ctype, short};
use super::{Dialect, Source, complex, prims, unsupported};
use crate::dtype::{DTypeSet, Kind};
use crate::expr::{Node, Prim, Program};
use crate::{DType, Result, Scalar};

/// A translation unit in the making.
pub(super) struct Writer<'d> {
    /// The language.
    pub dialect: &'d dyn Dialect,
    dtypes: DTypeSet,
    helpers: Vec<(String, String)>,
    entry: String,
    kernel: String,
}

impl<'d> Writer<'d> {
    /// An empty unit.
    pub(super) fn new(dialect: &'d dyn Dialect) -> Writer<'d> {
        Writer {
            dialect,
            dtypes: DTypeSet(0),
            helpers: Vec::new(),
            entry: String::new(),
            kernel: String::new(),
        }
    }
    /// Notes that the unit uses `dtype`.
    pub(super) fn uses(&mut self, dtype: DType) {
        self.dtypes = self.dtypes.with(dtype).with(dtype.real());
    }
    /// Sets the kernel: its name and everything from the struct of its arguments to its closing brace.
    pub(super) fn kernel(&mut self, entry: &str, text: String) {
        self.entry = entry.to_string();
        self.kernel = text;
    }
    /// The finished unit.
    pub(super) fn finish(self) -> Source {
        let mut text = self.dialect.prelude(self.dtypes);
        for d in [DType::C64, DType::C128] {
            if self.dtypes.contains(d) {
                text += &complex::definition(d);
            }
        }
        for (_, helper) in &self.helpers {
            text += helper;
        }
        text += &self.kernel;
        Source { entry: self.entry, text }
    }
    /// Adds a helper function once; `text` is its whole definition.
    pub(super) fn helper(&mut self, name: &str, text: impl FnOnce() -> String) {
        if !self.helpers.iter().any(|(n, _)| n == name) {
            let text = text();
            self.helpers.push((name.to_string(), text));
        }
    }
    /// Whether the helper is there already.
    pub(super) fn has(&self, name: &str) -> bool {
        self.helpers.iter().any(|(n, _)| n == name)
    }
    /// Name of the function that computes `prim` on arguments of `dtype`; it is added to the unit.
    pub(super) fn prim(&mut self, prim: Prim, dtype: DType) -> Result<String> {
        let name = format!("mp_{}_{}", prim.name(), short(dtype));
        if self.has(&name) {
            return Ok(name);
        }
        self.uses(dtype);
        let result = result_dtype(prim, dtype);
        self.uses(result);
        let body = match dtype.kind() {
            Kind::Complex => complex::body(self, prim, dtype)?,
            _ => prims::body(self, prim, dtype)?,
        };
        let Some(body) = body else {
            return Err(unsupported(prim.name(), &format!("has no C text for {dtype}")));
        };
        let t = ctype(dtype);
        let parameters =
            ["a", "b", "c"][..prim.arity()].iter().map(|p| format!("{t} {p}")).collect::<Vec<_>>().join(", ");
        self.helper(&name, || format!("MP_FN {} {name}({parameters}) {{ {body} }}\n", ctype(result)));
        Ok(name)
    }
    /// C text of the variable `x` converted from `from` to `to` as NumPy's `astype` does.
    pub(super) fn cast(&mut self, from: DType, to: DType, x: &str) -> String {
        use DType::*;
        self.uses(to);
        if from == to {
            return x.to_string();
        }
        match (from, to) {
            (f, Bool) if f.is_complex() => format!("(mp_bool)({x}.re != 0 || {x}.im != 0)"),
            (_, Bool) => format!("(mp_bool)({x} != 0)"),
            (f, t) if f.is_complex() && t.is_complex() => {
                let r = ctype(t.real());
                format!("mp_make_{}(({r}){x}.re, ({r}){x}.im)", short(t))
            }
            (f, t) if f.is_complex() => {
                // A member access binds tighter than the casts around it.
                self.cast(f.real(), t, &format!("{x}.re"))
            }
            (f, t) if t.is_complex() => {
                let re = self.cast(f, t.real(), x);
                format!("mp_make_{}({re}, 0)", short(t))
            }
            (F64, F16) => {
                let name = "mp_odd_f32";
                self.helper(name, || prims::ROUND_TO_ODD.to_string());
                format!("mp_h2f(mp_f2h({name}({x})))")
            }
            (_, F16) => format!("mp_h2f(mp_f2h((mp_f32){x}))"),
            (F16, t) if t.is_float() => format!("({}){x}", ctype(t)),
            (f, t) if f.is_float() && t.is_integer() => {
                let f = if f == F16 { F32 } else { f };
                let name = prims::to_integer(self, f, t);
                format!("{name}({x})")
            }
            (_, t) => format!("({}){x}", ctype(t)),
        }
    }
    /// C text of a constant.
    pub(super) fn constant(&mut self, value: &Scalar) -> String {
        use DType::*;
        self.uses(value.dtype());
        let d = value.dtype();
        match d {
            Bool => format!("(mp_bool){}", value.bytes()[0]),
            C64 | C128 => {
                let half = d.size() / 2;
                let part = |bytes: &[u8]| Scalar::from_bytes(d.real(), bytes);
                let (re, im) = (
                    self.constant(&part(&value.bytes()[..half])),
                    self.constant(&part(&value.bytes()[half..])),
                );
                format!("mp_make_{}({re}, {im})", short(d))
            }
            F16 | F32 | F64 => {
                let x = value.number().to_f64();
                let double = d == F64;
                if !x.is_finite() {
                    let bits = if double { x.to_bits() } else { (x as f32).to_bits() as u64 };
                    return if double {
                        format!("MP_F64_FROM_BITS(MP_U64({bits:#x}))")
                    } else {
                        format!("MP_F32_FROM_BITS({bits:#x}u)")
                    };
                }
                // The shortest text that reads back as the same number.
                let text = if double { format!("{x:?}") } else { format!("{:?}f", x as f32) };
                if x.is_sign_negative() { format!("({text})") } else { text }
            }
            _ => {
                let mut bytes = [if value.bytes()[d.size() - 1] >= 128 && super::dialect::is_signed(d) {
                    255
                } else {
                    0
                }; 8];
                bytes[..d.size()].copy_from_slice(value.bytes());
                let bits = u64::from_le_bytes(bytes);
                if bits < 1 << 31 {
                    format!("({}){bits}", ctype(d))
                } else {
                    format!("({})MP_U64({bits:#x})", ctype(d))
                }
            }
        }
    }
    /// Statements that compute the program, and the names of the variables with its outputs. `input(i)` is the C text of
    /// input `i` in the dtype of its register, `index` that of the position.
    pub(super) fn program(
        &mut self,
        program: &Program,
        input: &dyn Fn(usize) -> String,
        index: &str,
    ) -> Result<(String, Vec<String>)> {
        let mut text = String::new();
        for id in 0..program.nodes().len() {
            text += &self.node(program, id, input, index)?;
        }
        Ok((text, program.outputs().iter().map(|o| format!("v{o}")).collect()))
    }
    /// Statements that compute the nodes that are needed. Folds must be there already, as variables of their nodes.
    pub(super) fn statements(
        &mut self,
        program: &Program,
        needed: &[bool],
        input: &dyn Fn(usize) -> String,
    ) -> Result<String> {
        let mut text = String::new();
        for id in (0..needed.len()).filter(|&i| needed[i]) {
            if !matches!(program.nodes()[id].0, Node::Fold(..)) {
                text += &self.node(program, id, input, "")?;
            }
        }
        Ok(text)
    }
    /// The statement that computes a node: the variable `v<id>`.
    fn node(
        &mut self,
        program: &Program,
        id: usize,
        input: &dyn Fn(usize) -> String,
        index: &str,
    ) -> Result<String> {
        let nodes = program.nodes();
        let (node, dtype) = &nodes[id];
        self.uses(*dtype);
        let value = match node {
            Node::Input(i) => input(*i as usize),
            Node::Const(value) => self.constant(value),
            Node::Index if index.is_empty() => {
                return Err(unsupported(program.name(), "a position has no place in work on rows"));
            }
            Node::Index => format!("(mp_i64)({index})"),
            Node::Fold(..) => return Err(unsupported(program.name(), "a fold outside of work on rows")),
            Node::Cast(from) => self.cast(nodes[*from as usize].1, *dtype, &format!("v{from}")),
            Node::Prim(Prim::Select, [c, x, y]) => format!("v{c} ? v{x} : v{y}"),
            Node::Prim(prim, arguments) => {
                let name = self.prim(*prim, nodes[arguments[0] as usize].1)?;
                let list: Vec<String> = arguments[..prim.arity()].iter().map(|a| format!("v{a}")).collect();
                format!("{name}({})", list.join(", "))
            }
        };
        Ok(format!("const {} v{id} = {value};\n", ctype(*dtype)))
    }
    /// Text that stores the register value `value` at `pointer[index]`.
    pub(super) fn store(&mut self, dtype: DType, pointer: &str, index: &str, value: &str) -> String {
        self.uses(dtype);
        if dtype == DType::F16 {
            format!("{pointer}[{index}] = mp_f2h({value});")
        } else {
            format!("{pointer}[{index}] = {value};")
        }
    }
}

/// Text of an element in memory (or a scalar parameter) as a register value.
pub(super) fn load(dtype: DType, element: &str) -> String {
    if dtype == DType::F16 { format!("mp_h2f({element})") } else { element.to_string() }
}

/// Dtype of the result of a primitive on arguments of `dtype`.
pub(super) fn result_dtype(prim: Prim, dtype: DType) -> DType {
    use Prim::*;
    match prim {
        IsNan | IsInf | IsFinite | Signbit | Eq | Ne | Lt | Le | Gt | Ge => DType::Bool,
        Abs | Real | Imag => dtype.real(),
        Complex => dtype.complex(),
        _ => dtype,
    }
}
