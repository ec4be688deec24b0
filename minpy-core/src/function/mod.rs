//! The table of functions: one entry per function that users call by NumPy's name.
//!
//! An entry is written once, beside the operations it is made of (`functions!` in `ops/`): NumPy's signature, the Rust code
//! behind it, what it gives, calls to test it with, one line of documentation. Everything that shows functions reads the entry:
//! the Python package makes its function and its method of it, type stubs and the support matrix their lines, the symbol crate an
//! operator, the tests their calls. What an entry does not compute for given arguments it declines
//! ([`ErrorKind::NotNative`](crate::ErrorKind::NotNative)); Python then asks NumPy, and counts that with the reason.
//!
//! Longer than most files: an entry, what stands in it, and the macro that makes it of text are read together.

mod case;
pub mod kinds;
mod words;

use crate::layout::Dims;
use crate::op::{OpDef, Operand};
use crate::registry::{self, Named};
use crate::shared::Shared;
use crate::{Array, DType, DeviceRef, Error, Number, Result, Scalar, bail};
use smallvec::SmallVec;

pub use case::sample;

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Anything that an array can be made of. Numbers become arrays of their default dtype.
    Array,
    /// The same for what keeps the elements as they are: arrays of NumPy's with another byte order stay NumPy's.
    Kept,
    /// An array, or a number that counts in promotion by its kind only.
    Operand,
    /// A sequence of arrays.
    Arrays,
    /// A sequence of arrays whose common dtype matters: among them numbers, which count by their kind only, are NumPy's.
    Joined,
    /// Arrays that have nothing to do with each other: numbers become arrays too.
    Each,
    /// A sequence of arrays, and of numbers that count in promotion by their kind only.
    Operands,
    /// One axis, or none.
    Axis,
    /// One axis, several, or none: all.
    Axes,
    /// Integers: a permutation, repeats.
    Ints,
    /// A shape: an integer, or as many as arrays may have dimensions.
    Shape,
    /// An integer, or a sequence of them, which is another thing.
    Sections,
    /// A dtype.
    DType,
    /// A truth value.
    Flag,
    /// An integer.
    Int,
    /// A real number.
    Float,
    /// A number: of Python's or, with a dtype of its own, of NumPy's.
    Number,
    /// An order in memory: a letter.
    Order,
    /// A device.
    Device,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// An array that takes the result.
    Out,
    /// A mask: true everywhere when it is not given.
    Mask,
    /// Something that only NumPy has a use for: given, the call is declined.
    Foreign,
    /// As `Operand`; `None` is another thing than nothing.
    Bound,
    /// An array of positions: an empty list is one of integers.
    Indices,
    /// How axes of two arrays are paired: so many, or two lists.
    Pairs,
    /// Any word.
    Word,
    /// An array that is there already: what something else is, NumPy says.
    Ours,
    /// The same, to be written.
    Target,
    /// As `Array`; what no array can be made of is NumPy's to judge.
    Tried,
    /// Labels of axes and the arrays that have them: text, or after each array a list of numbers.
    Terms,
    /// How to go about it, which does not change what comes out.
    Plan,
    /// Integers in a list or a tuple: one alone is something else.
    List,
    /// The same, or one integer; nothing that only counts as one.
    OneOrList,
    /// An integer, and nothing that only counts as one: no array without dimensions.
    PlainInt,
    /// A real number without a dtype that would matter.
    Real,
    /// The same, which may be infinite, or any word: the degree of a norm.
    NumberOrWord,
    /// How far at both ends of axes: one number, two, or one or two for each axis.
    Widths,
}
impl Kind {
    /// Whether an array is taken as it is.
    #[inline]
    pub fn takes_array(self) -> bool {
        use Kind::*;
        matches!(self, Array | Kept | Operand | Mask | Bound | Indices | Ours | Tried)
    }
}

/// How an argument may be passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passing {
    /// By position only: before `/`.
    Position,
    /// All that is passed by position: `*arrays`. The first parameter.
    Several,
    /// By position or by name.
    Either,
    /// By name only: after `*`.
    Name,
    /// By name only, of those that the signature has no more than `**` for: in brackets after it.
    Hidden,
    /// By any other name: after `**`.
    Rest,
}

/// What a parameter holds when it is not given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Default {
    /// There is none: it must be given.
    Required,
    /// `None`
    None,
    /// Nothing, of which `None` is to be told.
    Absent,
    /// A truth value.
    Flag(bool),
    /// An integer.
    Int(i64),
    /// A real number.
    Float(f64),
    /// A word.
    Text(&'static str),
    /// Integers.
    Ints(&'static [isize]),
}

/// A parameter of a function.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// NumPy's name.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What it holds when it is not given.
    pub default: Default,
    /// How it is passed.
    pub passing: Passing,
}

/// What a function gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// New values: a scalar where there are no dimensions.
    Values,
    /// An array, also where there are no dimensions.
    Array,
    /// A view of the first argument where that is possible.
    View,
    /// The same, that refuses writes.
    ReadOnly,
    /// One array for each of the arguments, itself where nothing changes; of one argument alone, not in a tuple.
    Each,
    /// An array; where the flag of that name is given, a tuple of it and more.
    Flagged(&'static str),
    /// A list of arrays.
    List,
    /// A tuple of arrays.
    Tuple,
    /// A named tuple of new values, scalars where there are no dimensions: its class, and the names.
    Named(&'static str, &'static [&'static str]),
    /// A truth value of the host's.
    Truth,
    /// A number of the host's.
    Count,
    /// Lengths of axes.
    Shape,
    /// Parts of complex numbers: a view, of real ones the array itself.
    Part,
    /// Nothing: it writes.
    Nothing,
}

impl Gives {
    /// The name of the variant.
    pub fn name(self) -> &'static str {
        match self {
            Gives::Values => "Values",
            Gives::Array => "Array",
            Gives::View => "View",
            Gives::ReadOnly => "ReadOnly",
            Gives::Each => "Each",
            Gives::Flagged(_) => "Flagged",
            Gives::List => "List",
            Gives::Tuple => "Tuple",
            Gives::Named(..) => "Named",
            Gives::Truth => "Truth",
            Gives::Count => "Count",
            Gives::Shape => "Shape",
            Gives::Part => "Part",
            Gives::Nothing => "Nothing",
        }
    }
}

/// What a function made.
#[derive(Debug)]
pub enum Made {
    /// One array.
    One(Array),
    /// Several.
    Many(Vec<Array>),
    /// A truth value.
    Truth(bool),
    /// A number.
    Count(usize),
    /// Lengths of axes.
    Shape(Dims),
    /// Nothing.
    Nothing,
}
impl From<Array> for Made {
    #[inline]
    fn from(a: Array) -> Made {
        Made::One(a)
    }
}
impl From<Vec<Array>> for Made {
    fn from(list: Vec<Array>) -> Made {
        Made::Many(list)
    }
}
impl From<bool> for Made {
    fn from(b: bool) -> Made {
        Made::Truth(b)
    }
}
impl From<usize> for Made {
    fn from(n: usize) -> Made {
        Made::Count(n)
    }
}
impl From<Dims> for Made {
    fn from(shape: Dims) -> Made {
        Made::Shape(shape)
    }
}
impl From<()> for Made {
    fn from((): ()) -> Made {
        Made::Nothing
    }
}

/// An argument of a call.
#[derive(Clone, Debug, std::default::Default)]
pub enum Value<'a> {
    /// Not given: the parameter's default.
    #[default]
    Absent,
    /// `None`, where that is not the default.
    None,
    /// The caller's array.
    Array(&'a Array),
    /// The same, held.
    Placed(Array),
    /// An array made for the call. It goes where the caller's arrays are.
    Made(Array),
    /// A number without a dtype of its own.
    Number(Number),
    /// A number with a dtype.
    Scalar(Scalar),
    /// Several arrays or numbers.
    List(Vec<Value<'a>>),
    /// Integers.
    Ints(SmallVec<[isize; 4]>),
    /// A dtype.
    DType(DType),
    /// A device.
    Device(DeviceRef),
    /// A truth value.
    Flag(bool),
    /// A word.
    Text(&'a str),
}

impl<'a> Value<'a> {
    /// As operations take it; `None` for what is no array and no number.
    #[inline]
    pub fn operand(&self) -> Option<Operand<'_>> {
        Some(match self {
            Value::Array(a) => Operand::Array(a),
            Value::Placed(a) | Value::Made(a) => Operand::Array(a),
            Value::Number(n) => Operand::Number(*n),
            Value::Scalar(s) => Operand::Scalar(*s),
            _ => return None,
        })
    }
    /// The array, when it is one.
    #[inline]
    pub fn array(&self) -> Option<&Array> {
        match self {
            Value::Array(a) => Some(a),
            Value::Placed(a) | Value::Made(a) => Some(a),
            _ => None,
        }
    }
}

/// An entry of the table.
pub struct Function {
    /// NumPy's name, with its module in front where that is not the main one (`linalg.slogdet`); `ndarray.clip` is a method whose
    /// parameters are not those of the function.
    pub name: &'static str,
    /// Other names of the same function.
    pub aliases: &'static [&'static str],
    /// One line of documentation.
    pub doc: &'static str,
    /// Parameters, in order.
    pub parameters: &'static [Parameter],
    /// What it gives.
    pub gives: Gives,
    /// Arrays have it as a method, the array in place of the first parameter.
    pub method: bool,
    /// No gradient flows through it: its results are truth values, positions or counts. That is a fact about the code behind it,
    /// and tested on the cases (`minpy-autograd/tests/constants.rs`).
    pub constant: bool,
    /// Parameters through which none flows, where one does through others: prototypes of which shape and dtype are all that counts.
    pub apart: &'static [&'static str],
    /// The shape of what it gives depends on values: a symbol, which knows none, has no such operator.
    pub by_values: bool,
    /// Calls to test it with, as Python writes them (`f[3,4], axis=1`); see [`sample`].
    pub cases: &'static [&'static str],
    /// The code behind it; what it makes goes to the second argument.
    pub run: fn(&Given, &mut Made) -> Result<()>,
    /// Where it was defined.
    pub file: &'static str,
    /// Where it was defined.
    pub line: u32,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.name, self.signature())
    }
}

impl Named for Function {
    fn what(&self) -> &'static str {
        "function"
    }
    fn name(&self) -> &'static str {
        self.name
    }
    fn aliases(&self) -> &'static [&'static str] {
        self.aliases
    }
    fn place(&self) -> (&'static str, u32) {
        (self.file, self.line)
    }
}

/// The arguments of one call, one value per parameter.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The function.
    pub function: &'static Function,
    /// Its arguments.
    pub values: &'a [Value<'a>],
}

impl Function {
    /// In front of the name of a method whose parameters are not those of the function.
    pub const METHOD: &'static str = "ndarray.";
    /// The function of that name or alias.
    pub fn find(name: &str) -> Result<Option<&'static Function>> {
        Ok(registry::global()?.named(name))
    }
    /// Every function, by name.
    pub fn all() -> Result<impl Iterator<Item = &'static Function>> {
        Ok(registry::global()?.all())
    }
    /// The signature as Python writes it: `(a, axis=None, *, where=True)`.
    pub fn signature(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        let mut last = None;
        for p in self.parameters.iter().filter(|p| p.passing != Passing::Hidden) {
            if last == Some(Passing::Position) && p.passing != Passing::Position {
                parts.push("/".into());
            }
            if p.passing == Passing::Name && !matches!(last, Some(Passing::Name | Passing::Several)) {
                parts.push("*".into());
            }
            parts.push(match (p.passing, p.default) {
                (Passing::Several, _) => format!("*{}", p.name),
                (Passing::Rest, _) => format!("**{}", p.name),
                (_, Default::Required) => p.name.into(),
                (_, d) => format!("{}={}", p.name, d.text()),
            });
            last = Some(p.passing);
        }
        if last == Some(Passing::Position) {
            parts.push("/".into());
        }
        format!("({})", parts.join(", "))
    }
    /// The documentation: the line of the entry and a sentence for each parameter.
    pub fn documentation(&self) -> String {
        let mut text = self.doc.to_string();
        let lines: Vec<&str> = self.parameters.iter().filter_map(|p| words::of(p, self.gives)).collect();
        if !lines.is_empty() {
            text.push_str("\n\n");
            text.push_str(&lines.join("\n"));
        }
        text
    }
    /// Calls it. Arrays that were made for the call are moved to where the caller's arrays are; without any, to the current device.
    ///
    /// # Errors
    /// What the function complains about; [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) where it does not compute that.
    pub fn call(&'static self, values: &mut [Value]) -> Result<Made> {
        if values.len() != self.parameters.len() {
            bail!(Type, "{}: {} values for {} parameters", self.name, values.len(), self.parameters.len());
        }
        settle(values)?;
        let is_out = |(p, v): (&Parameter, &Value)| p.kind == Kind::Out && v.array().is_some();
        let out = self.parameters.iter().zip(values.iter()).position(is_out);
        let mut made = Made::Nothing;
        self.call_settled(values, out, &mut made)?;
        Ok(made)
    }
    /// The same for values that are where they belong, one per parameter, of which number `out` takes the result.
    ///
    /// # Errors
    /// As [`call`](Function::call).
    #[inline]
    pub fn call_settled(&'static self, values: &[Value], out: Option<usize>, made: &mut Made) -> Result<()> {
        (self.run)(&Given { function: self, values }, made).map_err(|e| self.named(e))?;
        match out {
            Some(at) => self.deliver(&values[at], made),
            None => Ok(()),
        }
    }
    /// The error in the name of this function where an operation that it is made of complains.
    #[cold]
    fn named(&self, e: Error) -> Error {
        match e.message().split_once(": ") {
            Some((inner, rest)) if inner != self.name && matches!(OpDef::find(inner), Ok(Some(_))) => {
                Error::new(e.kind(), format!("{}: {rest}", self.name))
            }
            _ => e,
        }
    }
    #[cold]
    fn deliver(&self, out: &Value, made: &mut Made) -> Result<()> {
        if let (Some(out), Made::One(r)) = (out.array(), &*made) {
            *made = Made::One(deliver(self.name, out, r)?);
        }
        Ok(())
    }
}

/// Puts a result into `out`, unless it is there already. NumPy computes in the dtype of `out`, which is not the same thing where the
/// dtypes differ.
fn deliver(name: &str, out: &Array, r: &Array) -> Result<Array> {
    if Shared::ptr_eq(out.buffer(), r.buffer()) && out.layout() == r.layout() {
        return Ok(out.clone());
    }
    if out.shape() != r.shape() {
        bail!(
            Value,
            "{name}: output array has wrong shape: {}, where {} is needed",
            crate::layout::show(out.shape()),
            crate::layout::show(r.shape())
        );
    }
    if out.dtype() != r.dtype() {
        bail!(NotNative, "{name}: out= of dtype {}, the result is {}", out.dtype(), r.dtype());
    }
    crate::dispatch::assign(out, r)?;
    Ok(out.clone())
}

/// How axes of two arrays are paired: the last of one with the first of the other, or as two lists say.
#[derive(Clone, Copy, Debug)]
pub enum Pairs<'a> {
    /// So many.
    Count(isize),
    /// These of the one, and those of the other.
    Of(&'a [isize], &'a [isize]),
}
/// A real number or a word.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NumberOrWord<'a> {
    /// A number.
    Number(f64),
    /// A word.
    Word(&'a str),
}
/// How an array is split: into so many parts, or at these places.
#[derive(Clone, Copy, Debug)]
pub enum Sections<'a> {
    /// So many.
    Count(isize),
    /// At these places.
    At(&'a [isize]),
}

/// How far at both ends of axes.
#[derive(Clone, Copy, Debug)]
pub enum Widths<'a> {
    /// One number for all ends, or one for all beginnings and one for all ends.
    All(&'a [isize]),
    /// The same for each axis; of one alone for all.
    Each(&'a [Value<'a>]),
}
impl Widths<'_> {
    /// Both widths of each axis.
    ///
    /// # Errors
    /// [`ErrorKind::Value`](crate::ErrorKind::Value) for negative ones, [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for what does not fit
    /// the number of axes.
    pub fn pairs(self, name: &str, ndim: usize) -> Result<SmallVec<[(usize, usize); 6]>> {
        let both = |list: &[isize]| match *list {
            [n] if n >= 0 => Ok((n as usize, n as usize)),
            [n, m] if n >= 0 && m >= 0 => Ok((n as usize, m as usize)),
            [_] | [_, _] => bail!(Value, "index can't contain negative values"),
            _ => bail!(NotNative, "{name}: widths that do not fit the axes"),
        };
        let row = |v: &Value| match v {
            Value::Ints(list) => both(list),
            _ => bail!(NotNative, "{name}: widths that do not fit the axes"),
        };
        match self {
            Widths::All(list) => Ok(SmallVec::from_elem(both(list)?, ndim)),
            Widths::Each([v]) => Ok(SmallVec::from_elem(row(v)?, ndim)),
            Widths::Each(list) if list.len() == ndim => list.iter().map(row).collect(),
            Widths::Each(_) => bail!(NotNative, "{name}: widths that do not fit the axes"),
        }
    }
}

/// Moves arrays that were made for a call to where the caller's arrays are; without any, to the current device.
#[inline]
pub fn settle(values: &mut [Value]) -> Result<()> {
    if values.iter().any(|v| matches!(v, Value::Made(_) | Value::List(_))) {
        settle_made(values)
    } else {
        Ok(())
    }
}
#[cold]
fn settle_made(values: &mut [Value]) -> Result<()> {
    fn place(values: &[Value]) -> Option<crate::DeviceRef> {
        values.iter().find_map(|v| match v {
            Value::Array(a) => Some(a.device()),
            Value::Placed(a) => Some(a.device()),
            Value::List(list) => place(list),
            _ => None,
        })
    }
    fn bring(values: &mut [Value], device: crate::DeviceRef) -> Result<()> {
        for v in values {
            match v {
                Value::Made(a) if a.device() != device => *a = a.to_device(device)?,
                Value::List(list) => bring(list, device)?,
                _ => {}
            }
        }
        Ok(())
    }
    let device = match place(values) {
        Some(d) => d,
        None => crate::context::current_device()?,
    };
    bring(values, device)
}

impl Default {
    /// As Python writes it.
    pub fn text(self) -> String {
        match self {
            Default::Required | Default::None | Default::Absent => "None".into(),
            Default::Flag(true) => "True".into(),
            Default::Flag(false) => "False".into(),
            Default::Int(i) => i.to_string(),
            Default::Float(x) => format!("{x:?}"),
            Default::Text(t) => format!("'{t}'"),
            Default::Ints(list) => {
                format!("({})", list.iter().map(isize::to_string).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// The name of a parameter that Rust has a keyword for: `r#where` is `where`.
#[doc(hidden)]
pub const fn bare(name: &'static str) -> &'static str {
    match name.as_bytes() {
        [b'r', b'#', ..] => name.split_at(2).1,
        _ => name,
    }
}

/// Defines and registers functions. An entry reads as the function's definition in Python:
///
/// ```text
/// /// Greatest minus least element, of all or along axes.
/// ptp(a: Array, axis: Axes = None, out: Out = None, keepdims: Flag = false) -> Values, method,
///     cases ["f[3,4]", "f[3,4], axis=0"]
///     => subtract(&max(a, axis, keepdims)?, &min(a, axis, keepdims)?);
/// ```
///
/// Kinds of parameters are those of [`kinds`]; each says what Rust type the code behind sees. Parameters before `/` are passed by
/// position only, those after `*` by name only; `*arrays` takes all that is passed by position; in brackets after `**kwargs` stand
/// those of its names that are known here.
#[macro_export]
macro_rules! functions {
    ($($(#[doc = $doc:literal])+ $name:ident ( $($parameters:tt)* ) -> $gives:ident $(($($more:expr),*))? $(, $word:ident $([$($list:tt)*])?)* => $body:expr;)*) => {
        $($crate::__function! {
            [concat!($($doc),+)] $name ($($parameters)*) [$crate::backend::function::Gives::$gives $(($($more),*))?] [$($word $([$($list)*])?)*] $body
        })*
    };
}
#[doc(hidden)]
#[macro_export]
macro_rules! __function {
    ($doc:tt $name:ident (
        $($n1:ident : $k1:ident $(($($w1:literal),+))? $(= $d1:expr)?),* , /
        $(, $n2:ident : $k2:ident $(($($w2:literal),+))? $(= $d2:expr)?)*
        $(, *, $($n3:ident : $k3:ident $(($($w3:literal),+))? $(= $d3:expr)?),+)? $(, **$n4:ident $([$($n5:ident : $k5:ident $(($($w5:literal),+))? = $d5:expr),+])?)?
    ) $($rest:tt)*) => {
        $crate::__function! { @entry $doc $name
            [$([Position $n1 $k1 [$($($w1)+)?] [$($d1)?]])* $([Either $n2 $k2 [$($($w2)+)?] [$($d2)?]])* $($([Name $n3 $k3 [$($($w3)+)?] [$($d3)?]])+)? $($($([Hidden $n5 $k5 [$($($w5)+)?] [$d5]])+)? [Rest $n4 Foreign [] [None]])?] $($rest)* }
    };
    ($doc:tt $name:ident (
        * $n1:ident : $k1:ident $(, $n3:ident : $k3:ident $(($($w3:literal),+))? $(= $d3:expr)?)* $(, **$n4:ident $([$($n5:ident : $k5:ident $(($($w5:literal),+))? = $d5:expr),+])?)?
    ) $($rest:tt)*) => {
        $crate::__function! { @entry $doc $name
            [[Several $n1 $k1 [] []] $([Name $n3 $k3 [$($($w3)+)?] [$($d3)?]])* $($($([Hidden $n5 $k5 [$($($w5)+)?] [$d5]])+)? [Rest $n4 Foreign [] [None]])?] $($rest)* }
    };
    ($doc:tt $name:ident (
        $($n2:ident : $k2:ident $(($($w2:literal),+))? $(= $d2:expr)?),*
        $(, *, $($n3:ident : $k3:ident $(($($w3:literal),+))? $(= $d3:expr)?),+)? $(, **$n4:ident $([$($n5:ident : $k5:ident $(($($w5:literal),+))? = $d5:expr),+])?)?
    ) $($rest:tt)*) => {
        $crate::__function! { @entry $doc $name
            [$([Either $n2 $k2 [$($($w2)+)?] [$($d2)?]])* $($([Name $n3 $k3 [$($($w3)+)?] [$($d3)?]])+)? $($($([Hidden $n5 $k5 [$($($w5)+)?] [$d5]])+)? [Rest $n4 Foreign [] [None]])?] $($rest)* }
    };
    (@entry [$doc:expr] $name:ident [$([$passing:ident $n:ident $k:ident [$($w:literal)*] [$($d:expr)?]])*] [$gives:expr]
        [$($word:ident $([$($list:tt)*])?)*] $body:expr) => {
        const _: () = {
            #[allow(unused_variables, non_snake_case)]
            fn run(given: &$crate::backend::function::Given, made: &mut $crate::backend::function::Made) -> $crate::Result<()> {
                let mut values = given.values.iter();
                $(let $n = $crate::backend::function::kinds::$k::read(given, values.next(), $crate::__function!(@default $k [$($d)?]))?;)*
                *made = $crate::backend::function::Made::from($body?);
                Ok(())
            }
            static ENTRY: $crate::backend::function::Function = {
                #[allow(unused_mut)]
                let mut entry = $crate::backend::function::Function {
                    name: $crate::backend::function::bare(stringify!($name)),
                    aliases: &[],
                    doc: $doc.trim_ascii_start(),
                    parameters: &[$($crate::backend::function::Parameter {
                        name: $crate::backend::function::bare(stringify!($n)),
                        kind: $crate::backend::function::kinds::$k::kind(&[$($w),*]),
                        default: $crate::__function!(@default $k [$($d)?]),
                        passing: $crate::backend::function::Passing::$passing,
                    }),*],
                    gives: $gives,
                    method: false,
                    constant: false,
                    apart: &[],
                    by_values: false,
                    cases: &[],
                    run,
                    file: file!(),
                    line: line!(),
                };
                $($crate::__function!(@word entry $name $word $([$($list)*])?);)*
                entry
            };
            $crate::inventory::submit! { $crate::backend::Item::Named(&ENTRY) }
        };
    };
    (@default $k:ident []) => { $crate::backend::function::Default::Required };
    (@default $k:ident [$d:expr]) => { $crate::backend::function::kinds::$k::default($d) };
    (@word $entry:ident $name:ident method) => { $entry.method = true; };
    (@word $entry:ident $name:ident constant) => { $entry.constant = true; };
    (@word $entry:ident $name:ident apart [$($p:ident),*]) => { $entry.apart = &[$(stringify!($p)),*]; };
    (@word $entry:ident $name:ident by_values) => { $entry.by_values = true; };
    (@word $entry:ident $name:ident aliases [$($a:ident),*]) => { $entry.aliases = &[$(stringify!($a)),*]; };
    (@word $entry:ident $name:ident cases [$($case:literal),* $(,)?]) => { $entry.cases = &[$($case),*]; };
    (@word $entry:ident $name:ident module [$module:ident]) => { $entry.name = concat!(stringify!($module), ".", stringify!($name)); };
}
