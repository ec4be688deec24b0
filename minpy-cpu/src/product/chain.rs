//! Programs that only go on from a product: an operation on it, another on that, and so on, each with an operand that is
//! there. They are done tile by tile, see `post.rs`.

use super::post::{Kind, Post, PostOp, Sums};
use crate::elementwise::compiled::{Also, cached};
use crate::elementwise::fuse::fuse;
use crate::elementwise::program::{Key, TEMP, Use, lower};
use crate::prims::fused::Part;
use minpy_core::backend::{Input, KernelCall, Prim, Program, View};
use minpy_core::{DType, Result, Scalar};
use smallvec::SmallVec;

/// A program as operations on a product.
pub(crate) struct Chain {
    ops: SmallVec<[Op; 4]>,
}

/// An operation, and what it reads or writes.
struct Op {
    kind: Kind,
    with: With,
    /// What it compares with.
    by: Option<With>,
}
enum With {
    /// An input of the program.
    Input(usize),
    /// An output of the program.
    Output(usize),
    Number(Scalar),
}

/// The program as a chain, if it is one.
pub(crate) fn chain(program: &Program, kind: usize) -> Result<Option<&Chain>> {
    Ok(cached(program, kind)?.also(Also::Chain, || find(program))?.as_ref())
}

fn find(program: &Program) -> Option<Chain> {
    let dtype = *program.inputs().first()?;
    if !matches!(dtype, DType::F32 | DType::F64) || program.output_dtype(0) != dtype {
        return None;
    }
    let lowered = lower(program, Use::Store).ok()?;
    let outputs: SmallVec<[u16; 2]> = lowered.outputs.iter().map(|(v, _)| v.code()).collect();
    let (consts, index) = (lowered.compiler.consts, lowered.compiler.index);
    let steps = fuse(lowered.compiler.steps.into_iter().map(Some).collect(), &outputs, &consts);
    // An input by its code; bytes that were widened stand for the input that they come from.
    let input = |code: u16| (code & TEMP == 0 && code < 0x3fff).then_some(code as usize);
    let mut bytes: SmallVec<[(u16, usize); 2]> = SmallVec::new();
    let operand = |code: u16| -> Option<With> {
        match input(code) {
            Some(i) => (i > 0 && program.inputs()[i] == dtype).then_some(With::Input(i)),
            None if code & TEMP == 0 => Some(With::Number(*consts.get((code & 0x3fff) as usize)?)),
            None => None,
        }
    };
    let mut ops: SmallVec<[Op; 4]> = SmallVec::new();
    // The value that goes on: at first, the product.
    let mut value = 0u16;
    for step in &steps {
        let [x, y, z, w] = step.args;
        let mut go = |kind: Kind, with: With, by: Option<With>| ops.push(Op { kind, with, by });
        match step.key? {
            Key::Cast(DType::U8, to) if to == dtype && step.out.is_none() => {
                bytes.push((step.dst, input(x)?))
            }
            Key::Cast(..) => return None,
            Key::Side(d) if d == dtype && x == value && y != value => {
                go(Kind::Side, With::Output(step.out? as usize), Some(operand(y)?));
                continue;
            }
            Key::Taken(d) if d == dtype && z == value && x != value && y != value => {
                match bytes.iter().find(|b| b.0 == x) {
                    Some(b) => go(Kind::TakenByte, With::Input(b.1), Some(operand(y)?)),
                    None => go(Kind::Taken, operand(x)?, Some(operand(y)?)),
                }
                value = step.dst;
            }
            Key::Prim(prim, d) if d == dtype && prim.arity() == 2 => {
                let (kind, with) = one(prim, value, x, y)?;
                go(kind, operand(with)?, None);
                value = step.dst;
            }
            // `last(first(x, y), z)` or `last(x, second(z, w))`.
            Key::Joined(first, second, last, d) if d == dtype => {
                let two = |part: Part| part.filter(|p| p.arity() == 2);
                let (inner, other, x, y) = match (two(first), two(second)) {
                    (Some(p), None) if second.is_none() => (p, z, x, y),
                    (None, Some(p)) if first.is_none() => (p, x, z, w),
                    _ => return None,
                };
                let (kind, with) = one(inner, value, x, y)?;
                go(kind, operand(with)?, None);
                // Nobody else is called that.
                const INNER: u16 = u16::MAX;
                let (a, b) = if first.is_some() { (INNER, other) } else { (other, INNER) };
                let (kind, with) = one(last, INNER, a, b)?;
                go(kind, operand(with)?, None);
                value = step.dst;
            }
            _ => return None,
        }
        if let Some(k) = step.out.filter(|&k| k > 0 && value == step.dst) {
            go(Kind::Store, With::Output(k as usize), None);
        }
    }
    let written = ops.iter().filter(|op| matches!(op.with, With::Output(_))).count();
    (!index && outputs[0] == value && written + 1 == outputs.len() && !ops.is_empty())
        .then_some(Chain { ops })
}

/// `prim(x, y)` as an operation on `value`, and its operand.
fn one(prim: Prim, value: u16, x: u16, y: u16) -> Option<(Kind, u16)> {
    let (reversed, with) = match (x == value, y == value) {
        (true, false) => (false, y),
        (false, true) => (true, x),
        _ => return None,
    };
    let kind = match (prim, reversed) {
        (Prim::Add, _) => Kind::Add,
        (Prim::Mul, _) => Kind::Mul,
        (Prim::Sub, false) => Kind::Sub,
        (Prim::Sub, true) => Kind::SubFrom,
        (Prim::Maximum, false) => Kind::Maximum,
        (Prim::Maximum, true) => Kind::MaximumOf,
        (Prim::Minimum, false) => Kind::Minimum,
        (Prim::Minimum, true) => Kind::MinimumOf,
        _ => return None,
    };
    Some((kind, with))
}

/// A chain with the operands of a call.
pub(crate) struct Bound<'a>(SmallVec<[Place<'a>; 4]>);

/// An operation on the first matrix, and the view of what it reads or writes, of which others are further on.
struct Place<'a> {
    op: PostOp,
    view: Option<&'a View<'a>>,
}

impl Chain {
    /// `None` where an operand lies so that tiles would be slow, or an output in the memory of an operand: larger blocks
    /// read before they write.
    pub fn bind<'a>(&'a self, call: &'a KernelCall) -> Option<Bound<'a>> {
        let views =
            call.inputs[2..].iter().filter_map(|i| if let Input::View(v) = i { Some(v) } else { None });
        let mut pairs = views.flat_map(|v| call.outputs[1..].iter().map(move |o| (v, o)));
        if pairs.any(|(v, o)| v.memory.handle == o.memory.handle) {
            return None;
        }
        let ops = self.ops.iter().map(|op| {
            let (at, view) = op.with.find(call)?;
            let by = match &op.by {
                None => std::ptr::null(),
                Some(by) => match by.find(call)? {
                    (number, None) => number,
                    (at, Some(v)) => v.strides.iter().all(|&s| s == 0).then_some(at)?,
                },
            };
            let [row, col] = match view {
                None => [0, 0],
                Some(v) => {
                    let size = v.dtype.size() as isize;
                    let [.., rows, cols] = *v.shape else { return None };
                    let [.., row, col] = *v.strides else { return None };
                    // The stride along an axis of one element is whatever suits.
                    [if rows == 1 { 0 } else { row * size }, if cols == 1 { size } else { col * size }]
                }
            };
            let whole = match view {
                Some(v) if col == v.dtype.size() as isize => true,
                // One for a row, or for all.
                _ => col == 0 && !matches!(op.kind, Kind::TakenByte | Kind::Side | Kind::Store),
            };
            let op = PostOp { kind: op.kind, at: at.cast_mut(), row, col, by };
            whole.then_some(Place { op, view })
        });
        Some(Bound(ops.collect::<Option<_>>()?))
    }
}
impl With {
    /// Where it is, and the view if it is one.
    fn find<'a>(&'a self, call: &'a KernelCall) -> Option<(*const u8, Option<&'a View<'a>>)> {
        Some(match self {
            With::Number(s) => (s.as_ptr(), None),
            With::Output(k) => (call.outputs[*k].host_ptr().cast_const(), Some(&call.outputs[*k])),
            // The product is the program's first input, and the call's first two.
            With::Input(i) => match call.inputs.get(i + 1)? {
                Input::View(v) => (v.host_ptr().cast_const(), Some(v)),
                Input::Scalar(s) => (s.as_ptr(), None),
            },
        })
    }
}
impl Bound<'_> {
    /// The operations on the matrix at a position of the leading axes.
    pub fn at<'s>(&self, batch: &[usize], sums: Option<&'s Sums>) -> Post<'s> {
        let shift = |view: Option<&View>| {
            view.map_or(0, |v| {
                let steps = batch.iter().zip(v.strides).map(|(&i, &s)| i as isize * s);
                steps.sum::<isize>() * v.dtype.size() as isize
            })
        };
        let one = |p: &Place| PostOp { at: p.op.at.wrapping_offset(shift(p.view)), ..p.op };
        Post { ops: self.0.iter().map(one).collect(), sums }
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, find};
    use minpy_core::DType;
    use minpy_core::backend::{Builder, E, Prim};

    /// The operations of a program of a product, two operands of its dtype and one of bytes.
    fn kinds(formula: impl for<'b> Fn([E<'b>; 3], E<'b>) -> Vec<E<'b>>) -> Option<Vec<Kind>> {
        let b = Builder::new();
        let outputs = formula([(); 3].map(|()| b.input(DType::F32)), b.input(DType::U8));
        let ids: Vec<_> = outputs.iter().map(|o| o.id()).collect();
        Some(find(&b.finish("test", &ids, 0))?.ops.iter().map(|op| op.kind).collect())
    }

    #[test]
    fn what_is_a_chain() {
        use Kind::*;
        assert_eq!(kinds(|[p, x, _], _| vec![p + x]), Some(vec![Add]));
        assert_eq!(kinds(|[p, x, y], _| vec![y - p * x]), Some(vec![Mul, SubFrom]));
        let relu = |p: E<'_>, x: E<'_>| (p + x).binary(Prim::Maximum, p.lit(0.0)).id();
        let b = Builder::new();
        let id = relu(b.input(DType::F64), b.input(DType::F64));
        let chain = find(&b.finish("relu", &[id], 0));
        assert!(chain.is_some_and(|c| c.ops.iter().map(|op| op.kind).eq([Add, Maximum])));
        assert_eq!(
            kinds(|[p, x, _], _| {
                let v = p * x;
                vec![p.lit(1.0).binary(Prim::Minimum, v), v]
            }),
            Some(vec![Mul, Store, MinimumOf])
        );
        assert_eq!(
            kinds(|[p, x, _], _| {
                let v = p - x;
                let (greater, equal) = (v.binary(Prim::Gt, v.lit(0.0)), v.binary(Prim::Eq, v.lit(0.0)));
                let of = |n: f64| equal.cast(DType::U8).lit(n);
                let side = greater.select(of(2.0), equal.select(of(1.0), of(0.0)));
                vec![v.binary(Prim::Maximum, v.lit(0.0)), side]
            }),
            Some(vec![Sub, Side, Maximum])
        );
        for bytes in [false, true] {
            let found = kinds(|[p, x, _], u| {
                let x = if bytes { u.cast(DType::F32) } else { x };
                let tie = x.binary(Prim::Eq, x.lit(1.0)).select(p * 0.5, p.lit(0.0));
                vec![x.binary(Prim::Gt, x.lit(1.0)).select(p, tie)]
            });
            assert_eq!(found, Some(vec![if bytes { TakenByte } else { Taken }]));
        }
        // The product twice, as an output, a function that no tile has, an operand that is computed, another first output.
        assert_eq!(kinds(|[p, ..], _| vec![p * p]), None);
        assert_eq!(kinds(|[p, x, _], _| vec![p + x, p]), None);
        assert_eq!(kinds(|[p, x, _], _| vec![(p + x).tanh()]), None);
        assert_eq!(kinds(|[p, x, y], _| vec![p * x + y * x]), None);
        assert_eq!(
            kinds(|[p, x, y], _| {
                let v = p + x;
                vec![v, v * y]
            }),
            None
        );
    }
}
