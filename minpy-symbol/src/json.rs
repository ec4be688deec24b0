//! Saving and loading of symbols as JSON.
//!
//! ```json
//! {"format": "minpy-symbol", "version": 1, "checksum": "0123456789abcdef",
//!  "nodes": [{"name": "x", "shape": [8, 3], "dtype": "float32"},
//!            {"name": "y", "op": "Activation", "attributes": {"act_type": "relu"}, "inputs": [[0, 0]]}],
//!  "outputs": [[1, 0]]}
//! ```
//! A node without `op` is a variable. Inputs and outputs are pairs (node, which of its results); a node reads earlier
//! nodes only. `checksum` (FNV-1a over the contents of `nodes` and `outputs`) may be left out by hand-written
//! files; where it stands it must be right. Everything is checked; a file never makes the loader panic.

use crate::attributes::{Attributes, Value};
use crate::graph::{Entry, Node, NodeKind, Symbol};
use crate::ops::operator;
use minpy_core::backend::layout::{Dims, count};
use minpy_core::{DType, Error, ErrorKind, Result, bail};
use serde_json::{Map, Value as Json, json};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

const FORMAT: &str = "minpy-symbol";
const VERSION: u64 = 1;

impl Symbol {
    /// The symbol as JSON text.
    pub fn to_json(&self) -> String {
        let nodes = self.nodes();
        let place: HashMap<*const Node, usize> =
            nodes.iter().enumerate().map(|(i, n)| (Arc::as_ptr(n), i)).collect();
        let pairs = |list: &[Entry]| -> Vec<Json> {
            list.iter().map(|e| json!([place[&Arc::as_ptr(&e.node)], e.index])).collect()
        };
        let written: Vec<Json> = nodes.iter().map(|n| write_node(n, &pairs)).collect();
        let (written, outputs) = (Json::Array(written), Json::Array(pairs(self.entries())));
        let sum = checksum(&written, &outputs);
        json!({"format": FORMAT, "version": VERSION, "checksum": sum, "nodes": written, "outputs": outputs})
            .to_string()
    }
    /// The symbol of a JSON text.
    pub fn from_json(text: &str) -> Result<Symbol> {
        let parsed: Json = serde_json::from_str(text)
            .map_err(|e| Error::new(ErrorKind::Value, format!("symbol: the text is no JSON: {e}")))?;
        read(&parsed).map_err(|e| e.context("symbol: the JSON is no valid symbol"))
    }
    /// Writes the JSON text to a file.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        std::fs::write(path, self.to_json()).map_err(|e| {
            Error::new(ErrorKind::Runtime, format!("symbol: cannot write {}: {e}", path.display()))
        })
    }
    /// Reads the JSON text of a file.
    pub fn load(path: impl AsRef<Path>) -> Result<Symbol> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|e| {
            Error::new(ErrorKind::Runtime, format!("symbol: cannot read {}: {e}", path.display()))
        })?;
        match std::str::from_utf8(&bytes) {
            Ok(text) => Symbol::from_json(text).map_err(|e| e.context(&path.display().to_string())),
            Err(e) => bail!(Value, "{}: symbol: the file is no text: {e}", path.display()),
        }
    }
}

fn write_node(node: &Node, pairs: &dyn Fn(&[Entry]) -> Vec<Json>) -> Json {
    let mut out = Map::new();
    out.insert("name".into(), node.name().into());
    match node.kind() {
        NodeKind::Variable { shape, dtype } => {
            if let Some(shape) = shape {
                out.insert("shape".into(), json!(shape.as_slice()));
            }
            if let Some(dtype) = dtype {
                out.insert("dtype".into(), dtype.name().into());
            }
        }
        NodeKind::Operator(op, attrs) => {
            out.insert("op".into(), op.name.into());
            let attrs: Map<String, Json> =
                attrs.iter().map(|(n, v)| (n.to_string(), write_value(v))).collect();
            out.insert("attributes".into(), attrs.into());
            out.insert("inputs".into(), pairs(node.inputs()).into());
        }
    }
    Json::Object(out)
}
fn write_value(v: &Value) -> Json {
    match v {
        Value::None => Json::Null,
        Value::Bool(b) => (*b).into(),
        Value::Int(i) => (*i).into(),
        Value::Float(x) => json!(x),
        Value::Text(s) => s.as_str().into(),
        Value::Ints(v) => json!(v),
    }
}
fn checksum(nodes: &Json, outputs: &Json) -> String {
    let mut text = String::new();
    canonical(nodes, &mut text);
    canonical(outputs, &mut text);
    let hash =
        text.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ b as u64).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

/// JSON without spaces, names in order: independent of how a map keeps its fields.
fn canonical(v: &Json, out: &mut String) {
    match v {
        Json::Array(list) => {
            out.push('[');
            for x in list {
                canonical(x, out);
                out.push(',');
            }
            out.push(']');
        }
        Json::Object(map) => {
            let mut names: Vec<&String> = map.keys().collect();
            names.sort_unstable();
            out.push('{');
            for n in names {
                out.push_str(n);
                out.push(':');
                canonical(&map[n], out);
                out.push(',');
            }
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
    }
}

/// The fields of an object; unknown ones are an error.
fn fields<'a>(what: &str, v: &'a Json, known: &[&str]) -> Result<&'a Map<String, Json>> {
    let Some(map) = v.as_object() else { bail!(Value, "{what} is no object") };
    if let Some(k) = map.keys().find(|k| !known.contains(&k.as_str())) {
        bail!(Value, "{what} has the unknown field '{k}'");
    }
    Ok(map)
}
fn list<'a>(what: &str, field: &str, map: &'a Map<String, Json>) -> Result<&'a Vec<Json>> {
    match map.get(field).and_then(Json::as_array) {
        Some(list) => Ok(list),
        None => bail!(Value, "{what}: the list '{field}' is missing"),
    }
}
fn text<'a>(what: &str, field: &str, map: &'a Map<String, Json>) -> Result<&'a str> {
    match map.get(field).and_then(Json::as_str) {
        Some(text) => Ok(text),
        None => bail!(Value, "{what}: the text '{field}' is missing"),
    }
}

fn read(v: &Json) -> Result<Symbol> {
    let top = fields("it", v, &["format", "version", "checksum", "nodes", "outputs"])?;
    match top.get("format") {
        Some(f) if f == FORMAT => {}
        other => bail!(Value, "format is {}, not \"{FORMAT}\"", other.unwrap_or(&Json::Null)),
    }
    match top.get("version") {
        Some(n) if *n == VERSION => {}
        other => bail!(Value, "version is {}, this library reads {VERSION}", other.unwrap_or(&Json::Null)),
    }
    let (listed, outputs) = (list("it", "nodes", top)?, list("it", "outputs", top)?);
    if let Some(sum) = top.get("checksum")
        && *sum != checksum(&top["nodes"], &top["outputs"])
    {
        bail!(Value, "the checksum does not fit: the file was changed or damaged");
    }
    let mut nodes: Vec<Arc<Node>> = Vec::with_capacity(listed.len());
    for (i, n) in listed.iter().enumerate() {
        let node = read_node(&format!("node {i}"), n, &nodes)?;
        nodes.push(node);
    }
    let outputs = read_pairs("outputs", outputs, &nodes)?;
    if outputs.is_empty() {
        bail!(Value, "it has no outputs");
    }
    Ok(Symbol::from_entries(outputs))
}
fn read_pairs(what: &str, pairs: &[Json], nodes: &[Arc<Node>]) -> Result<Vec<Entry>> {
    let entry = |p: &Json| -> Result<Entry> {
        let at = |i: usize| p.get(i).and_then(Json::as_u64).and_then(|n| usize::try_from(n).ok());
        let (Some(n), Some(index), Some(2)) = (at(0), at(1), p.as_array().map(Vec::len)) else {
            bail!(Value, "{what}: {p} is no pair [node, result]")
        };
        let Some(node) = nodes.get(n) else {
            bail!(Value, "{what}: {p} names node {n}, which is not one of the {} before", nodes.len())
        };
        if index >= node.outputs() {
            bail!(
                Value,
                "{what}: {p} names result {index} of {}, which has {}",
                node.describe(),
                node.outputs()
            );
        }
        Ok(Entry { node: node.clone(), index })
    };
    pairs.iter().map(entry).collect()
}
fn read_node(what: &str, v: &Json, before: &[Arc<Node>]) -> Result<Arc<Node>> {
    let is_operator = v.get("op").is_some();
    let known: &[&str] =
        if is_operator { &["name", "op", "attributes", "inputs"] } else { &["name", "shape", "dtype"] };
    let map = fields(what, v, known)?;
    let name = text(what, "name", map)?;
    if !is_operator {
        return read_variable(what, name, map);
    }
    let op = operator(text(what, "op", map)?)?;
    let who = format!("{what}: {} '{name}'", op.name);
    let empty = Map::new();
    let given = match map.get("attributes") {
        None => &empty,
        Some(a) => match a.as_object() {
            Some(a) => a,
            None => bail!(Value, "{who}: 'attributes' is no object"),
        },
    };
    let given: Vec<(String, Value)> =
        given.iter().map(|(n, v)| Ok((n.clone(), read_value(&who, n, v)?))).collect::<Result<_>>()?;
    let attrs = Attributes::check(&who, op.attributes, op.ignored, &given)
        .map_err(|e| Error::new(ErrorKind::Value, e.message()))?;
    let inputs = read_pairs(&who, list(&who, "inputs", map)?, before)?;
    Node::operator(name.to_string(), op, attrs, inputs)
}
fn read_variable(what: &str, name: &str, map: &Map<String, Json>) -> Result<Arc<Node>> {
    let shape = match map.get("shape") {
        None => None,
        Some(s) => {
            let sizes: Option<Dims> = s
                .as_array()
                .and_then(|a| a.iter().map(|n| n.as_u64().and_then(|n| usize::try_from(n).ok())).collect());
            let Some(sizes) = sizes else { bail!(Value, "{what}: '{s}' is no shape") };
            count(what, &sizes)?;
            Some(sizes)
        }
    };
    let dtype = match map.get("dtype") {
        None => None,
        Some(d) => match d.as_str().map(DType::parse) {
            Some(Ok(d)) => Some(d),
            _ => bail!(Value, "{what}: {d} is no dtype"),
        },
    };
    Ok(Node::variable(name.to_string(), shape, dtype))
}
fn read_value(who: &str, name: &str, v: &Json) -> Result<Value> {
    Ok(match v {
        Json::Null => Value::None,
        Json::Bool(b) => Value::Bool(*b),
        Json::String(s) => Value::Text(s.clone()),
        Json::Number(n) => match (n.as_i64(), n.as_f64()) {
            (Some(i), _) => Value::Int(i),
            (None, Some(x)) => Value::Float(x),
            _ => bail!(Value, "{who}: attribute {name}={n} is no number of 64 bits"),
        },
        Json::Array(a) => match a.iter().map(Json::as_i64).collect() {
            Some(v) => Value::Ints(v),
            None => bail!(Value, "{who}: attribute {name}={v} is no list of integers"),
        },
        Json::Object(_) => bail!(Value, "{who}: attribute {name} is an object"),
    })
}
