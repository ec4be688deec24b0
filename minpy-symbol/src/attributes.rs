//! Attributes of symbol operators: typed values, and their reading from text.
//!
//! Each operator declares its attributes (`Attribute`); what a user or a file gives is checked against that once,
//! when the node is made. Builders and shape rules then read values that are known to be there and in range.

use minpy_core::{DType, Result, bail};

/// A value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Not given; allowed where the default is `None`.
    None,
    /// Truth value.
    Bool(bool),
    /// Integer.
    Int(i64),
    /// Real number.
    Float(f64),
    /// Word.
    Text(String),
    /// List of integers.
    Ints(Vec<i64>),
}

macro_rules! value_from {
    ($($t:ty: $x:ident => $v:expr;)*) => {$( impl From<$t> for Value { fn from($x: $t) -> Value { $v } } )*};
}
value_from! {
    bool: x => Value::Bool(x);
    i32: x => Value::Int(x as i64);
    i64: x => Value::Int(x);
    usize: x => Value::Int(i64::try_from(x).unwrap_or(i64::MAX));
    f64: x => Value::Float(x);
    &str: x => Value::Text(x.to_string());
    String: x => Value::Text(x);
    Vec<i64>: x => Value::Ints(x);
    (i64, i64): x => Value::Ints(vec![x.0, x.1]);
    &[i64]: x => Value::Ints(x.to_vec());
}
impl<const N: usize> From<[i64; N]> for Value {
    fn from(x: [i64; N]) -> Value {
        Value::Ints(x.to_vec())
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::None => f.write_str("None"),
            Value::Bool(b) => f.write_str(if *b { "True" } else { "False" }),
            Value::Int(i) => write!(f, "{i}"),
            Value::Float(x) => write!(f, "{x:?}"),
            Value::Text(s) => f.write_str(s),
            Value::Ints(v) if v.len() == 1 => write!(f, "({},)", v[0]),
            Value::Ints(v) => {
                write!(f, "({})", v.iter().map(|i| i.to_string()).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

impl Value {
    /// Reads Python's spelling: `None`, `True`, `3`, `0.5`, `(3, 3)`, anything else is text.
    pub fn parse(text: &str) -> Value {
        let t = text.trim();
        match t {
            "None" => return Value::None,
            "True" | "true" => return Value::Bool(true),
            "False" | "false" => return Value::Bool(false),
            _ => {}
        }
        let inner = t
            .strip_prefix('(')
            .and_then(|s| s.strip_suffix(')'))
            .or_else(|| t.strip_prefix('[').and_then(|s| s.strip_suffix(']')));
        if let Some(inner) = inner {
            let items: Option<Vec<i64>> = inner
                .trim()
                .trim_end_matches(',')
                .split(',')
                .filter(|s| !s.trim().is_empty())
                .map(|s| s.trim().parse().ok())
                .collect();
            if let Some(v) = items {
                return Value::Ints(v);
            }
        }
        if let Ok(i) = t.parse::<i64>() {
            return Value::Int(i);
        }
        // Words such as "inf" and "nan" are numbers to Rust, but names to a user.
        match t.parse::<f64>() {
            Ok(x) if t.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) => Value::Float(x),
            _ => Value::Text(t.to_string()),
        }
    }
}

/// What an attribute may hold.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// An integer not below the bound.
    Int(i64),
    /// A finite real number.
    Float,
    /// A truth value.
    Bool,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Height and width, not below the bound; one integer stands for both.
    Pair(i64),
    /// Any integers (a shape with placeholders, axes).
    Ints,
    /// NumPy's name of a dtype.
    DType,
    /// An integer, or None.
    IntOrNone,
    /// An integer or several, which is another thing.
    IntOrInts,
    /// A finite number; integers stay integers.
    Number,
    /// The word `INPUT`: there is an input of that name.
    Input,
    /// That word, or a number.
    NumberOrInput,
    /// A number or a word; infinite ones are the words `inf` and `-inf`.
    NumberOrWord,
}
/// What an attribute holds in place of an input that the node has.
pub const INPUT: &str = "input";

/// The declaration of one attribute.
#[derive(Clone, Copy, Debug)]
pub struct Attribute {
    /// Name.
    pub name: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// What it holds when it is not given.
    pub default: Default,
}

/// The default of an attribute, as a constant.
#[derive(Clone, Copy, Debug)]
pub enum Default {
    /// There is none: the attribute must be given.
    Required,
    /// `Value::None`
    None,
    /// `Value::Int`
    Int(i64),
    /// `Value::Float`
    Float(f64),
    /// `Value::Bool`
    Bool(bool),
    /// `Value::Text`
    Text(&'static str),
    /// `Value::Ints`
    Ints(&'static [i64]),
}

/// Short forms for tables of attributes.
pub(crate) const fn attr(name: &'static str, kind: Kind, default: Default) -> Attribute {
    Attribute { name, kind, default }
}

/// The greatest integer an attribute may hold: sizes computed from a few of them do not overflow.
const MOST: i64 = i32::MAX as i64;

impl Attribute {
    fn default_value(&self) -> Option<Value> {
        Some(match self.default {
            Default::Required => return None,
            Default::None => Value::None,
            Default::Int(i) => Value::Int(i),
            Default::Float(x) => Value::Float(x),
            Default::Bool(b) => Value::Bool(b),
            Default::Text(s) => Value::Text(s.to_string()),
            Default::Ints(v) => Value::Ints(v.to_vec()),
        })
    }
    /// `value` as this attribute holds it, or what would have been right.
    fn convert(&self, value: &Value) -> std::result::Result<Value, String> {
        let value = match value {
            Value::Text(t) if !matches!(self.kind, Kind::Choice(_) | Kind::DType) => &Value::parse(t),
            v => v,
        };
        if *value == Value::None && matches!(self.default, Default::None) {
            return Ok(Value::None);
        }
        match (self.kind, value) {
            (Kind::Int(least), Value::Int(i)) if *i >= least && *i <= MOST => Ok(value.clone()),
            (Kind::Int(least), _) => Err(format!("an integer from {least} to {MOST}")),
            (Kind::Float, Value::Float(x)) if x.is_finite() => Ok(value.clone()),
            (Kind::Float, Value::Int(i)) => Ok(Value::Float(*i as f64)),
            (Kind::Float, _) => Err("a finite number".into()),
            (Kind::Bool, Value::Bool(_)) => Ok(value.clone()),
            (Kind::Bool, Value::Int(i @ (0 | 1))) => Ok(Value::Bool(*i == 1)),
            (Kind::Bool, _) => Err("True or False".into()),
            (Kind::Choice(words), Value::Text(t)) if words.contains(&t.trim()) => {
                Ok(Value::Text(t.trim().to_string()))
            }
            (Kind::Choice(words), _) => Err(format!(
                "one of {}",
                words.iter().map(|w| format!("'{w}'")).collect::<Vec<_>>().join(", ")
            )),
            (Kind::Pair(least), Value::Int(i)) if *i >= least && *i <= MOST => Ok(Value::Ints(vec![*i, *i])),
            (Kind::Pair(least), Value::Ints(v))
                if v.len() == 2 && v.iter().all(|i| *i >= least && *i <= MOST) =>
            {
                Ok(value.clone())
            }
            (Kind::Pair(least), _) => Err(format!("two integers from {least} to {MOST}: (height, width)")),
            (Kind::Ints, Value::Int(i)) if (-MOST..=MOST).contains(i) => Ok(Value::Ints(vec![*i])),
            (Kind::Ints, Value::Ints(v)) if v.iter().all(|i| (-MOST..=MOST).contains(i)) => Ok(value.clone()),
            (Kind::Ints, _) => Err("a tuple of integers".into()),
            (Kind::DType, Value::Text(t)) if DType::parse(t.trim()).is_ok() => {
                Ok(Value::Text(t.trim().to_string()))
            }
            (Kind::DType, _) => Err("the name of a dtype".into()),
            (Kind::IntOrNone, Value::None) => Ok(Value::None),
            (Kind::IntOrNone, Value::Int(i)) if (-MOST..=MOST).contains(i) => Ok(value.clone()),
            (Kind::IntOrNone, _) => Err("an integer or None".into()),
            (Kind::IntOrInts, Value::Int(i)) if (-MOST..=MOST).contains(i) => Ok(value.clone()),
            (Kind::IntOrInts, _) => Attribute { kind: Kind::Ints, ..*self }.convert(value),
            (Kind::Number | Kind::NumberOrInput, Value::Int(_)) => Ok(value.clone()),
            (Kind::Number | Kind::NumberOrInput, Value::Float(x)) if x.is_finite() => Ok(value.clone()),
            (Kind::Input | Kind::NumberOrInput, Value::Text(t)) if t == INPUT => Ok(value.clone()),
            (Kind::NumberOrWord, Value::Int(_)) => Ok(value.clone()),
            (Kind::NumberOrWord, Value::Float(x)) if x.is_finite() => Ok(value.clone()),
            // Text and JSON hold no infinite numbers.
            (Kind::NumberOrWord, Value::Float(x)) if !x.is_nan() => Ok(Value::Text(x.to_string())),
            (Kind::NumberOrWord, Value::Text(t)) => Ok(Value::Text(t.trim().to_string())),
            (Kind::NumberOrWord, _) => Err("a number or a word".into()),
            (Kind::Number, _) => Err("a finite number".into()),
            (Kind::Input, _) => Err("a symbol".into()),
            (Kind::NumberOrInput, _) => Err("a finite number or a symbol".into()),
        }
    }
}

/// The attributes of one node, complete and in the order of their declaration.
#[derive(Clone, Debug, PartialEq)]
pub struct Attributes(Vec<(&'static str, Value)>);

impl Attributes {
    /// Checks what was given against the declarations and fills in defaults. `who` names operator and node in messages;
    /// names in `ignored` (hints for other systems' kernels) are accepted and dropped.
    pub fn check(
        who: &str,
        declared: &'static [Attribute],
        ignored: &[&str],
        given: &[(String, Value)],
    ) -> Result<Attributes> {
        for (i, (name, _)) in given.iter().enumerate() {
            if !declared.iter().any(|a| a.name == name) && !ignored.contains(&name.as_str()) {
                let names: Vec<_> = declared.iter().map(|a| a.name).collect();
                bail!(
                    Type,
                    "{who}: unknown attribute '{name}'; it has: {}",
                    if names.is_empty() { "none".into() } else { names.join(", ") }
                );
            }
            if given[..i].iter().any(|(n, _)| n == name) {
                bail!(Type, "{who}: attribute '{name}' is given twice");
            }
        }
        let mut values = Vec::with_capacity(declared.len());
        for a in declared {
            let value = match given.iter().find(|(n, _)| n == a.name) {
                Some((_, v)) => match a.convert(v) {
                    Ok(v) => v,
                    Err(need) => bail!(Value, "{who}: attribute {}={v} is wrong, it must be {need}", a.name),
                },
                None => match a.default_value() {
                    Some(v) => v,
                    None => bail!(Type, "{who}: required attribute '{}' is missing", a.name),
                },
            };
            values.push((a.name, value));
        }
        Ok(Attributes(values))
    }
    /// Names and values in order of declaration.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(n, v)| (*n, v))
    }
    /// The value of an attribute; `Value::None` for one that was not declared.
    pub fn get(&self, name: &str) -> &Value {
        self.0.iter().find(|(n, _)| *n == name).map_or(&Value::None, |(_, v)| v)
    }
    /// An integer; 0 when it is not given.
    pub fn int(&self, name: &str) -> i64 {
        match self.get(name) {
            Value::Int(i) => *i,
            _ => 0,
        }
    }
    /// A count or size; 0 when it is not given.
    pub fn size(&self, name: &str) -> usize {
        usize::try_from(self.int(name)).unwrap_or(0)
    }
    /// A real number; 0 when it is not given.
    pub fn float(&self, name: &str) -> f64 {
        match self.get(name) {
            Value::Float(x) => *x,
            _ => 0.0,
        }
    }
    /// A truth value; false when it is not given.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), Value::Bool(true))
    }
    /// A word; empty when it is not given.
    pub fn text(&self, name: &str) -> &str {
        match self.get(name) {
            Value::Text(s) => s,
            _ => "",
        }
    }
    /// Height and width; `None` when they are not given.
    pub fn pair(&self, name: &str) -> Option<[usize; 2]> {
        match self.ints(name)? {
            [a, b] => Some([usize::try_from(*a).unwrap_or(0), usize::try_from(*b).unwrap_or(0)]),
            _ => None,
        }
    }
    /// A list of integers; `None` when it is not given.
    pub fn ints(&self, name: &str) -> Option<&[i64]> {
        match self.get(name) {
            Value::Ints(v) => Some(v),
            _ => None,
        }
    }
}
