//! What the code behind an entry sees of a parameter of each kind.
//!
//! A kind is a type with three functions: `kind`, what the faces read; `default`, from Rust's value to the table's; and `read`, from
//! an argument to what the code behind sees.
//!
//! Longer than most files: the list of all kinds is what one looks for here.

#![allow(missing_docs)] // each type has the three functions that are described above

use super::{Default, Given, Kind, Value};
use crate::layout::Dims;
use crate::{Error, ErrorKind, Result, bail, memory};
use smallvec::SmallVec;
use std::borrow::Cow;

type Argument<'v> = Option<&'v Value<'v>>;
/// The words of a choice; other kinds have none.
type Words = &'static [&'static str];

#[cold]
fn wrong(given: &Given, value: Argument) -> Error {
    let what = match value {
        Some(Value::Absent) | None => "a required argument is missing".to_string(),
        Some(v) => format!("{v:?} does not fit its parameter"),
    };
    Error::new(ErrorKind::Type, format!("{}: {what}", given.function.name))
}
/// An argument that was given and is not `None`.
#[inline(always)]
fn some<'v>(value: Argument<'v>) -> Argument<'v> {
    value.filter(|v| !matches!(v, Value::Absent | Value::None))
}

/// An array.
pub struct Array;
impl Array {
    pub const fn kind(_: Words) -> Kind {
        Kind::Array
    }
    pub const fn default(_: Option<()>) -> Default {
        Default::None
    }
    #[inline(always)]
    pub fn read<'v>(given: &Given, value: Argument<'v>, _: Default) -> Result<&'v crate::Array> {
        value.and_then(Value::array).ok_or_else(|| wrong(given, value))
    }
}

/// Kinds that differ from another one in how they are read from a call, and in nothing behind it.
macro_rules! alike {
    ($of:ident, $seen:ty: $($(#[doc = $doc:literal])+ $name:ident;)*) => {$(
        $(#[doc = $doc])+
        pub struct $name;
        impl $name {
            pub const fn kind(_: Words) -> Kind {
                Kind::$name
            }
            #[inline(always)]
            pub fn read<'v>(given: &Given, value: Argument<'v>, default: Default) -> Result<$seen> {
                $of::read(given, value, default)
            }
        }
    )*};
}
alike! { Array, &'v crate::Array:
    /// An array of positions.
    Indices;
    /// An array whose elements stay as they are.
    Kept;
    /// An array that is there already.
    Ours;
    /// The same, to be written.
    Target;
    /// An array, perhaps.
    Tried;
}

/// An array that may be left out.
pub struct OptionalArray;
impl OptionalArray {
    pub const fn kind(_: Words) -> Kind {
        Kind::Array
    }
    pub const fn default(_: Option<()>) -> Default {
        Default::None
    }
    #[inline(always)]
    pub fn read<'v>(given: &Given, value: Argument<'v>, _: Default) -> Result<Option<&'v crate::Array>> {
        match some(value) {
            None => Ok(None),
            Some(v) => v.array().map(Some).ok_or_else(|| wrong(given, value)),
        }
    }
}

/// The same; what no array can be made of is NumPy's to judge.
pub struct OptionalTried;
impl OptionalTried {
    pub const fn kind(_: Words) -> Kind {
        Kind::Tried
    }
    pub const fn default(_: Option<()>) -> Default {
        Default::None
    }
    #[inline(always)]
    pub fn read<'v>(
        given: &Given,
        value: Argument<'v>,
        default: Default,
    ) -> Result<Option<&'v crate::Array>> {
        OptionalArray::read(given, value, default)
    }
}

/// An array or a number; `None` where it may be left out.
pub struct Operand;
impl Operand {
    pub const fn kind(_: Words) -> Kind {
        Kind::Operand
    }
    pub const fn default(x: Option<f64>) -> Default {
        match x {
            Some(x) => Default::Float(x),
            None => Default::None,
        }
    }
    #[inline(always)]
    pub fn read<'v>(
        given: &Given,
        value: Argument<'v>,
        default: Default,
    ) -> Result<Option<crate::Operand<'v>>> {
        match (some(value), default) {
            (None, Default::Required) => Err(wrong(given, value)),
            (None, Default::Float(x)) => Ok(Some(crate::Operand::Number(crate::Number::Float(x)))),
            (None, _) => Ok(None),
            (Some(v), _) => v.operand().map(Some).ok_or_else(|| wrong(given, value)),
        }
    }
}
/// An array or a number that may be `None`, or not there at all.
pub struct Bound;
impl Bound {
    pub const fn kind(_: Words) -> Kind {
        Kind::Bound
    }
    pub const fn default(_: Option<()>) -> Default {
        Default::Absent
    }
    #[inline(always)]
    pub fn read<'v>(
        given: &Given,
        value: Argument<'v>,
        _: Default,
    ) -> Result<Option<Option<crate::Operand<'v>>>> {
        match value {
            None | Some(Value::Absent) => Ok(None),
            Some(Value::None) => Ok(Some(None)),
            Some(v) => v.operand().map(|x| Some(Some(x))).ok_or_else(|| wrong(given, value)),
        }
    }
}

/// Several arrays.
pub struct Arrays;
impl Arrays {
    pub const fn kind(_: Words) -> Kind {
        Kind::Arrays
    }
    pub fn read<'v>(
        given: &Given,
        value: Argument<'v>,
        _: Default,
    ) -> Result<SmallVec<[&'v crate::Array; 8]>> {
        let Some(Value::List(list)) = value else { return Err(wrong(given, value)) };
        let mut all = SmallVec::new();
        for v in list {
            memory::push_small(&mut all, v.array().ok_or_else(|| wrong(given, value))?)?;
        }
        Ok(all)
    }
}

alike! { Arrays, SmallVec<[&'v crate::Array; 8]>:
    /// Arrays that have nothing to do with each other.
    Each;
    /// Arrays alone, without numbers.
    Joined;
}

/// Several arrays or numbers.
pub struct Operands;
impl Operands {
    pub const fn kind(_: Words) -> Kind {
        Kind::Operands
    }
    pub fn read<'v>(
        given: &Given,
        value: Argument<'v>,
        _: Default,
    ) -> Result<SmallVec<[crate::Operand<'v>; 4]>> {
        let Some(Value::List(list)) = value else { return Err(wrong(given, value)) };
        let mut all = SmallVec::new();
        for v in list {
            memory::push_small(&mut all, v.operand().ok_or_else(|| wrong(given, value))?)?;
        }
        Ok(all)
    }
}

/// Subscripts of Einstein's sums as text, and the arrays.
pub struct Terms;
impl Terms {
    /// In a list of labels, the ellipsis.
    pub const ELLIPSIS: isize = isize::MAX;
    pub const fn kind(_: Words) -> Kind {
        Kind::Terms
    }
    pub fn read<'v>(
        given: &Given,
        value: Argument<'v>,
        _: Default,
    ) -> Result<(Cow<'v, str>, SmallVec<[&'v crate::Array; 8]>)> {
        let Some(Value::List(list)) = value else { return Err(wrong(given, value)) };
        let mut arrays = SmallVec::new();
        if let [Value::Text(text), rest @ ..] = &list[..] {
            for v in rest {
                memory::push_small(&mut arrays, v.array().ok_or_else(|| wrong(given, value))?)?;
            }
            return Ok((Cow::Borrowed(text), arrays));
        }
        let mut text = String::new();
        for (i, v) in list.iter().enumerate() {
            match (v, i % 2) {
                (Value::Ints(labels), _) => {
                    // What stands where an array would is the result's.
                    text.push_str(if i % 2 == 0 { "->" } else { "" });
                    for &n in labels {
                        match n {
                            0..26 => text.push((b'A' + n as u8) as char),
                            26..52 => text.push((b'a' + (n - 26) as u8) as char),
                            Terms::ELLIPSIS => text.push_str("..."),
                            _ => bail!(Value, "subscript is not within the valid range [0, 52)"),
                        }
                    }
                }
                (v, 0) => {
                    text.push_str(if i == 0 { "" } else { "," });
                    memory::push_small(&mut arrays, v.array().ok_or_else(|| wrong(given, value))?)?;
                }
                _ => return Err(wrong(given, value)),
            }
        }
        Ok((Cow::Owned(text), arrays))
    }
}

/// How to go about something.
pub struct Plan;
impl Plan {
    pub const fn kind(_: Words) -> Kind {
        Kind::Plan
    }
    pub const fn default(on: bool) -> Default {
        Default::Flag(on)
    }
    #[inline(always)]
    pub fn read(_: &Given, _: Argument, _: Default) -> Result<()> {
        Ok(())
    }
}

/// One axis; `None`: none was named.
pub struct Axis;
impl Axis {
    pub const fn kind(_: Words) -> Kind {
        Kind::Axis
    }
    pub const fn default(axis: Option<i64>) -> Default {
        match axis {
            Some(axis) => Default::Int(axis),
            None => Default::None,
        }
    }
    #[inline(always)]
    pub fn read(given: &Given, value: Argument, default: Default) -> Result<Option<isize>> {
        match value {
            Some(Value::None) => Ok(None),
            Some(Value::Ints(list)) if list.len() == 1 => Ok(Some(list[0])),
            Some(Value::Absent) | None => match default {
                Default::Int(axis) => Ok(Some(axis as isize)),
                Default::None => Ok(None),
                _ => Err(wrong(given, value)),
            },
            _ => Err(wrong(given, value)),
        }
    }
}

/// Axes; `None`: all.
pub struct Axes;
impl Axes {
    pub const fn kind(_: Words) -> Kind {
        Kind::Axes
    }
    pub const fn default(_: Option<()>) -> Default {
        Default::None
    }
    #[inline(always)]
    pub fn read<'v>(given: &Given, value: Argument<'v>, default: Default) -> Result<Option<&'v [isize]>> {
        match some(value) {
            None if default == Default::Required => Err(wrong(given, value)),
            None => Ok(None),
            Some(Value::Ints(list)) => Ok(Some(list)),
            _ => Err(wrong(given, value)),
        }
    }
}

/// Integers: a shape, sections, a permutation.
pub struct Ints;
impl Ints {
    pub const fn kind(_: Words) -> Kind {
        Kind::Ints
    }
    #[inline(always)]
    pub fn read<'v>(given: &Given, value: Argument<'v>, _: Default) -> Result<&'v [isize]> {
        match value {
            Some(Value::Ints(list)) => Ok(list),
            _ => Err(wrong(given, value)),
        }
    }
}

/// The same, of axes that may be left out. `Axes` are what NumPy's C functions take: one, or a tuple.
pub struct OptionalInts;
impl OptionalInts {
    pub const fn kind(_: Words) -> Kind {
        Kind::Ints
    }
    pub const fn default(_: Option<()>) -> Default {
        Default::None
    }
    #[inline(always)]
    pub fn read<'v>(given: &Given, value: Argument<'v>, default: Default) -> Result<Option<&'v [isize]>> {
        Axes::read(given, value, default)
    }
}

/// A shape: no negative lengths.
pub struct Shape;
impl Shape {
    pub const fn kind(_: Words) -> Kind {
        Kind::Shape
    }
    #[inline(always)]
    pub fn read(given: &Given, value: Argument, _: Default) -> Result<Dims> {
        match value {
            Some(Value::Ints(list)) => lengths(list),
            _ => Err(wrong(given, value)),
        }
    }
}
fn lengths(list: &[isize]) -> Result<Dims> {
    let mut shape = Dims::new();
    for &n in list {
        match usize::try_from(n) {
            Ok(n) => shape.push(n),
            Err(_) => bail!(Value, "negative dimensions are not allowed"),
        }
    }
    Ok(shape)
}

/// A shape of which one length may be -1: what the others leave.
pub struct NewShape;
impl NewShape {
    pub const fn kind(_: Words) -> Kind {
        Kind::Shape
    }
    #[inline(always)]
    pub fn read<'v>(given: &Given, value: Argument<'v>, default: Default) -> Result<&'v [isize]> {
        Ints::read(given, value, default)
    }
}

/// A shape that may be left out.
pub struct OptionalShape;
impl OptionalShape {
    pub const fn kind(_: Words) -> Kind {
        Kind::Shape
    }
    pub const fn default(_: Option<()>) -> Default {
        Default::None
    }
    #[inline(always)]
    pub fn read(given: &Given, value: Argument, default: Default) -> Result<Option<Dims>> {
        match some(value) {
            None => Ok(None),
            _ => Shape::read(given, value, default).map(Some),
        }
    }
}

/// How an array is split.
pub struct Sections;
impl Sections {
    pub const fn kind(_: Words) -> Kind {
        Kind::Sections
    }
    #[inline(always)]
    pub fn read<'v>(given: &Given, value: Argument<'v>, _: Default) -> Result<super::Sections<'v>> {
        match value {
            Some(Value::Number(n)) => Ok(super::Sections::Count(n.to_f64() as isize)),
            Some(Value::Ints(list)) => Ok(super::Sections::At(list)),
            _ => Err(wrong(given, value)),
        }
    }
}

/// How axes of two arrays are paired.
pub struct Pairs;
impl Pairs {
    pub const fn kind(_: Words) -> Kind {
        Kind::Pairs
    }
    pub const fn default(count: i64) -> Default {
        Default::Int(count)
    }
    #[inline(always)]
    pub fn read<'v>(given: &Given, value: Argument<'v>, default: Default) -> Result<super::Pairs<'v>> {
        match (some(value), default) {
            (Some(Value::Number(n)), _) => Ok(super::Pairs::Count(n.to_f64() as isize)),
            (None, Default::Int(n)) => Ok(super::Pairs::Count(n as isize)),
            (Some(Value::List(list)), _) => match &list[..] {
                [Value::Ints(a), Value::Ints(b)] => Ok(super::Pairs::Of(a, b)),
                _ => Err(wrong(given, value)),
            },
            _ => Err(wrong(given, value)),
        }
    }
}

/// A dtype; `None`: the natural one.
pub struct DType;
impl DType {
    pub const fn kind(_: Words) -> Kind {
        Kind::DType
    }
    pub const fn default(_: Option<()>) -> Default {
        Default::None
    }
    #[inline(always)]
    pub fn read(given: &Given, value: Argument, _: Default) -> Result<Option<crate::DType>> {
        match some(value) {
            None => Ok(None),
            Some(Value::DType(d)) => Ok(Some(*d)),
            _ => Err(wrong(given, value)),
        }
    }
}

/// A truth value.
pub struct Flag;
impl Flag {
    pub const fn kind(_: Words) -> Kind {
        Kind::Flag
    }
    pub const fn default(on: bool) -> Default {
        Default::Flag(on)
    }
    #[inline(always)]
    pub fn read(given: &Given, value: Argument, default: Default) -> Result<bool> {
        match (some(value), default) {
            (Some(Value::Flag(on)), _) => Ok(*on),
            (None, Default::Flag(_)) if matches!(value, Some(Value::None)) => Ok(false),
            (None, Default::Flag(on)) => Ok(on),
            _ => Err(wrong(given, value)),
        }
    }
}

/// A truth value that may be left out.
pub struct OptionalFlag;
impl OptionalFlag {
    pub const fn kind(_: Words) -> Kind {
        Kind::Flag
    }
    pub const fn default(_: Option<()>) -> Default {
        Default::None
    }
    #[inline(always)]
    pub fn read(given: &Given, value: Argument, _: Default) -> Result<Option<bool>> {
        match some(value) {
            Some(Value::Flag(on)) => Ok(Some(*on)),
            None => Ok(None),
            _ => Err(wrong(given, value)),
        }
    }
}

/// An integer.
pub struct Int;
impl Int {
    pub const fn kind(_: Words) -> Kind {
        Kind::Int
    }
    pub const fn default(i: i64) -> Default {
        Default::Int(i)
    }
    #[inline(always)]
    pub fn read(given: &Given, value: Argument, default: Default) -> Result<isize> {
        match (some(value), default) {
            (Some(Value::Ints(list)), _) if list.len() == 1 => Ok(list[0]),
            (None, Default::Int(i)) => Ok(i as isize),
            _ => Err(wrong(given, value)),
        }
    }
}

/// An integer or `None`.
pub struct OptionalInt;
impl OptionalInt {
    pub const fn kind(_: Words) -> Kind {
        Axis::kind(&[])
    }
    pub const fn default(_: Option<()>) -> Default {
        Default::None
    }
    #[inline(always)]
    pub fn read(given: &Given, value: Argument, default: Default) -> Result<Option<isize>> {
        Axis::read(given, value, default)
    }
}

/// A number; `None` where it may be left out. One with a dtype counts where that is the dtype which Python's would have.
pub struct Number;
impl Number {
    pub const fn kind(_: Words) -> Kind {
        Kind::Number
    }
    pub const fn default(i: Option<i64>) -> Default {
        match i {
            Some(i) => Default::Int(i),
            None => Default::None,
        }
    }
    #[inline(always)]
    pub fn read(given: &Given, value: Argument, default: Default) -> Result<Option<crate::Number>> {
        match (some(value), default) {
            (Some(Value::Number(n)), _) => Ok(Some(*n)),
            (Some(Value::Scalar(s)), _) => match s.number() {
                n if n.default_dtype() == s.dtype() => Ok(Some(n)),
                _ => bail!(NotNative, "{}: a number of dtype {}", given.function.name, s.dtype()),
            },
            (None, Default::Int(i)) => Ok(Some(crate::Number::Int(i as i128))),
            (None, Default::None) => Ok(None),
            _ => Err(wrong(given, value)),
        }
    }
}

/// An order in memory.
pub struct Order;
impl Order {
    pub const fn kind(_: Words) -> Kind {
        Kind::Order
    }
    pub const fn default(letter: &'static str) -> Default {
        Default::Text(letter)
    }
    #[inline(always)]
    pub fn read(given: &Given, value: Argument, default: Default) -> Result<crate::layout::Order> {
        let letter = match (some(value), default) {
            (Some(Value::Text(letter)), _) => *letter,
            (None, Default::Text(letter)) => letter,
            _ => "",
        };
        crate::layout::Order::parse(letter).ok_or_else(|| wrong(given, value))
    }
}

/// A device; `None`: the current one, or that of an argument.
pub struct Device;
impl Device {
    pub const fn kind(_: Words) -> Kind {
        Kind::Device
    }
    pub const fn default(_: Option<()>) -> Default {
        Default::None
    }
    #[inline(always)]
    pub fn read(given: &Given, value: Argument, _: Default) -> Result<Option<crate::DeviceRef>> {
        match some(value) {
            None => Ok(None),
            Some(Value::Device(d)) => Ok(Some(*d)),
            _ => Err(wrong(given, value)),
        }
    }
}

/// A real number.
pub struct Float;
impl Float {
    pub const fn kind(_: Words) -> Kind {
        Kind::Float
    }
    pub const fn default(x: f64) -> Default {
        Default::Float(x)
    }
    #[inline(always)]
    pub fn read(given: &Given, value: Argument, default: Default) -> Result<f64> {
        match (some(value), default) {
            (Some(Value::Number(n)), _) => Ok(n.to_f64()),
            (None, Default::Float(x)) => Ok(x),
            _ => Err(wrong(given, value)),
        }
    }
}

/// One of some words; empty where it may be left out.
pub struct Choice;
impl Choice {
    pub const fn kind(words: Words) -> Kind {
        Kind::Choice(words)
    }
    pub const fn default(word: Option<&'static str>) -> Default {
        match word {
            Some(word) => Default::Text(word),
            None => Default::None,
        }
    }
    #[inline(always)]
    pub fn read<'v>(given: &Given, value: Argument<'v>, default: Default) -> Result<&'v str> {
        match (some(value), default) {
            (Some(Value::Text(word)), _) => Ok(word),
            (None, Default::Text(word)) => Ok(word),
            (None, Default::None) => Ok(""),
            _ => Err(wrong(given, value)),
        }
    }
}

/// Any word.
pub struct Word;
impl Word {
    pub const fn kind(_: Words) -> Kind {
        Kind::Word
    }
    pub const fn default(word: Option<&'static str>) -> Default {
        Choice::default(word)
    }
    #[inline(always)]
    pub fn read<'v>(given: &Given, value: Argument<'v>, default: Default) -> Result<&'v str> {
        Choice::read(given, value, default)
    }
}

/// Where the result goes; `None`: into a new array. Code that pays no attention to it is served by [`super::Function::call`].
pub struct Out;
impl Out {
    pub const fn kind(_: Words) -> Kind {
        Kind::Out
    }
    pub const fn default(_: Option<()>) -> Default {
        Default::None
    }
    #[inline(always)]
    pub fn read<'v>(_: &Given, value: Argument<'v>, _: Default) -> Result<Option<&'v crate::Array>> {
        Ok(value.and_then(Value::array))
    }
}

/// A mask; `None`: true everywhere.
pub struct Mask;
impl Mask {
    pub const fn kind(_: Words) -> Kind {
        Kind::Mask
    }
    pub const fn default(_: Option<()>) -> Default {
        Default::None
    }
    #[inline(always)]
    pub fn read<'v>(given: &Given, value: Argument<'v>, _: Default) -> Result<Option<&'v crate::Array>> {
        match some(value) {
            None => Ok(None),
            Some(v) => v.array().map(Some).ok_or_else(|| wrong(given, value)),
        }
    }
}

/// Something that only NumPy has a use for. Nobody reads it: the faces decline a call that gives it.
pub struct Foreign;
impl Foreign {
    pub const fn kind(_: Words) -> Kind {
        Kind::Foreign
    }
    pub const fn default(_: Option<()>) -> Default {
        Default::None
    }
    pub fn read(_: &Given, _: Argument, _: Default) -> Result<()> {
        Ok(())
    }
}

/// Integers in a list or a tuple, perhaps; NumPy complains of one alone.
pub struct List;
impl List {
    pub const fn kind(_: Words) -> Kind {
        Kind::List
    }
    pub const fn default(list: Option<&'static [isize]>) -> Default {
        match list {
            Some(list) => Default::Ints(list),
            None => Default::None,
        }
    }
    #[inline(always)]
    pub fn read<'v>(given: &Given, value: Argument<'v>, default: Default) -> Result<Option<&'v [isize]>> {
        match (value, default) {
            (Some(Value::Ints(list)), _) => Ok(Some(list)),
            (Some(Value::None), _) => Ok(None),
            (_, Default::Ints(list)) => Ok(Some(list)),
            (Some(Value::Absent) | None, Default::None) => Ok(None),
            _ => Err(wrong(given, value)),
        }
    }
}

/// The same, or one integer.
pub struct OneOrList;
impl OneOrList {
    pub const fn kind(_: Words) -> Kind {
        Kind::OneOrList
    }
    pub const fn default(_: Option<()>) -> Default {
        Default::None
    }
    #[inline(always)]
    pub fn read<'v>(given: &Given, value: Argument<'v>, default: Default) -> Result<Option<&'v [isize]>> {
        List::read(given, value, default)
    }
}

/// An integer, and nothing that only counts as one.
pub struct PlainInt;
impl PlainInt {
    pub const fn kind(_: Words) -> Kind {
        Kind::PlainInt
    }
    pub const fn default(i: i64) -> Default {
        Default::Int(i)
    }
    #[inline(always)]
    pub fn read(given: &Given, value: Argument, default: Default) -> Result<isize> {
        Int::read(given, value, default)
    }
}

/// A real number without a dtype that would matter.
pub struct Real;
impl Real {
    pub const fn kind(_: Words) -> Kind {
        Kind::Real
    }
    pub const fn default(x: f64) -> Default {
        Default::Float(x)
    }
    #[inline(always)]
    pub fn read(given: &Given, value: Argument, default: Default) -> Result<f64> {
        Float::read(given, value, default)
    }
}

/// How far at both ends of axes.
pub struct Widths;
impl Widths {
    pub const fn kind(_: Words) -> Kind {
        Kind::Widths
    }
    #[inline(always)]
    pub fn read<'v>(given: &Given, value: Argument<'v>, _: Default) -> Result<super::Widths<'v>> {
        match value {
            Some(Value::Ints(list)) => Ok(super::Widths::All(list)),
            Some(Value::List(list)) => Ok(super::Widths::Each(list)),
            _ => Err(wrong(given, value)),
        }
    }
}

/// The same; `None`: nothing was said of them.
pub struct OptionalWidths;
impl OptionalWidths {
    pub const fn kind(_: Words) -> Kind {
        Kind::Widths
    }
    pub const fn default(_: Option<()>) -> Default {
        Default::None
    }
    #[inline(always)]
    pub fn read<'v>(
        given: &Given,
        value: Argument<'v>,
        default: Default,
    ) -> Result<Option<super::Widths<'v>>> {
        match some(value) {
            None => Ok(None),
            _ => Widths::read(given, value, default).map(Some),
        }
    }
}

/// A real number or a word; `None` where it may be left out.
pub struct NumberOrWord;
impl NumberOrWord {
    pub const fn kind(_: Words) -> Kind {
        Kind::NumberOrWord
    }
    pub const fn default(value: Option<super::NumberOrWord<'static>>) -> Default {
        match value {
            Some(super::NumberOrWord::Number(x)) if x as i64 as f64 == x => Default::Int(x as i64),
            Some(super::NumberOrWord::Number(x)) => Default::Float(x),
            Some(super::NumberOrWord::Word(word)) => Default::Text(word),
            None => Default::None,
        }
    }
    #[inline(always)]
    pub fn read<'v>(
        given: &Given,
        value: Argument<'v>,
        default: Default,
    ) -> Result<Option<super::NumberOrWord<'v>>> {
        use super::NumberOrWord::{Number, Word};
        Ok(match (value, default) {
            (Some(Value::Number(n)), _) => Some(Number(n.to_f64())),
            (Some(Value::Text(word)), _) => Some(Word(word)),
            (Some(Value::None), _) => None,
            (Some(Value::Absent) | None, Default::Int(i)) => Some(Number(i as f64)),
            (Some(Value::Absent) | None, Default::Float(x)) => Some(Number(x)),
            (Some(Value::Absent) | None, Default::Text(word)) => Some(Word(word)),
            (Some(Value::Absent) | None, Default::None) => None,
            _ => return Err(wrong(given, value)),
        })
    }
}
