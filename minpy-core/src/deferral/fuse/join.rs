//! One program out of the programs of a group, kept by the shape of the group.

use super::group::{Group, Member};
use crate::defer::{Expr, Kind, Source};
use crate::expr::{Builder, E, Program};
use crate::kernel::Fold;
use crate::shared::Shared;
use crate::{Array, DType, Layout, Scalar};
use parking_lot::RwLock;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::sync::{Arc, LazyLock};

/// Joined programs that are kept.
const MOST_PROGRAMS: usize = 4096;

/// What a joined program depends on: for each expression, oldest first, its program, where each input comes from, and
/// whether it is stored.
type Key = SmallVec<[u32; 32]>;
static PROGRAMS: LazyLock<RwLock<FxHashMap<Key, Arc<Program>>>> = LazyLock::new(Default::default);

/// The part of a key that stands for the elements of the product.
const PRODUCT: u32 = 4 << 16;

/// Where an input comes from, as a part of the key.
#[derive(Clone, Copy)]
pub(super) enum From {
    Array(usize),
    Number(usize),
    /// A power of two: part of the program, because a CPU multiplies where a program divides by it.
    Constant(Scalar, i32),
    Member(usize),
    /// The elements of the product.
    Product,
}

/// Sign and exponent of a number of float32 or float64 that is a power of two of moderate size: few, so that few programs
/// are made for them.
fn power_of_two(s: &Scalar) -> Option<i32> {
    let x: f64 = match s.dtype() {
        DType::F32 => s.get::<f32>()?.into(),
        DType::F64 => s.get()?,
        _ => return None,
    };
    let exponent = (x.to_bits() >> 52 & 0x7ff) as i32 - 1023;
    let power = x.to_bits() << 12 == 0 && (-16..=16).contains(&exponent);
    power.then_some((exponent + 16) * 2 + (x < 0.0) as i32)
}

/// The inputs of a group's kernel and how its programs are wired.
pub(super) struct Joined<'g> {
    key: Key,
    pub inputs: SmallVec<[(&'g Array, &'g Layout); 8]>,
    pub numbers: SmallVec<[Scalar; 8]>,
    wiring: SmallVec<[SmallVec<[From; 3]>; 8]>,
}

impl<'a> Group<'a> {
    /// Expressions oldest first, the root last.
    pub(super) fn expressions(&self) -> impl Iterator<Item = (&Expr, Option<&Member<'a>>)> {
        self.members.iter().rev().map(|m| (m.expr(), Some(m))).chain(std::iter::once((self.root, None)))
    }
    /// The fold that is a node of the joined program. That of the root is none, unless the work is on rows.
    fn folds(&self, e: &Expr, root: bool) -> Option<Fold> {
        match e.kind {
            Kind::Fold(f) if !root || self.needs_rows() => Some(f),
            _ => None,
        }
    }
    pub(super) fn join(&self) -> Joined<'_> {
        let mut j = Joined {
            key: Key::new(),
            inputs: SmallVec::new(),
            numbers: SmallVec::new(),
            wiring: SmallVec::new(),
        };
        let count = self.members.len();
        for (e, m) in self.expressions() {
            j.key.push(e.program.id());
            // Reductions share programs.
            j.key.push(
                m.is_none_or(|m| m.stored) as u32
                    | self.folds(e, m.is_none()).map_or(0, |f| 2 + 2 * f as u32),
            );
            let mut wires = SmallVec::new();
            // A product's program is the identity: its one input is the program's first.
            let product = e.kind == Kind::Product;
            if product {
                j.key.push(PRODUCT);
                wires.push(From::Product);
            }
            let sources = if product { &[][..] } else { &e.sources[..] };
            for (k, s) in sources.iter().enumerate() {
                let from = match s {
                    Source::Scalar(s)
                        if self.device.is_host()
                            && let Some(code) = power_of_two(s) =>
                    {
                        From::Constant(*s, code)
                    }
                    Source::Scalar(s) => {
                        j.numbers.push(*s);
                        From::Number(j.numbers.len() - 1)
                    }
                    Source::Array(a) => match self.position(a.buffer()) {
                        Some(p) => From::Member(count - 1 - p),
                        None => {
                            #[expect(
                                clippy::expect_used,
                                reason = "`Reads` has a layout for each source that is an array"
                            )]
                            let layout = match m {
                                Some(m) => m.reads[k].as_ref().expect("an array is read through a layout"),
                                None => a.layout(),
                            };
                            let same = |(x, l): &(&Array, &Layout)| {
                                Shared::ptr_eq(x.buffer(), a.buffer())
                                    && x.dtype() == a.dtype()
                                    && *l == layout
                            };
                            From::Array(j.inputs.iter().position(same).unwrap_or_else(|| {
                                j.inputs.push((a, layout));
                                j.inputs.len() - 1
                            }))
                        }
                    },
                };
                j.key.push(match from {
                    From::Array(i) => i as u32,
                    From::Number(i) => 1 << 16 | i as u32,
                    From::Member(i) => 2 << 16 | i as u32,
                    From::Constant(_, code) => 3 << 16 | code as u32 & 0xffff,
                    From::Product => PRODUCT,
                });
                wires.push(from);
            }
            j.wiring.push(wires);
        }
        j
    }
    /// The program of the whole group: outputs are the root, then the stored members, oldest first.
    #[expect(
        clippy::expect_used,
        reason = "`join` wires to a product's result only below a product, with the dtypes of dispatch"
    )]
    pub(super) fn program(&self, j: &Joined) -> Arc<Program> {
        if let Some(p) = PROGRAMS.read().get(&j.key) {
            return p.clone();
        }
        let b = Builder::new();
        // The product first, then arrays, then numbers: the kernel's inputs come in this order.
        let product = self.product().map(|m| b.input(m.expr().dtype));
        let arrays: SmallVec<[E; 8]> = j.inputs.iter().map(|(a, _)| b.input(a.dtype())).collect();
        let numbers: SmallVec<[E; 8]> = j.numbers.iter().map(|s| b.input(s.dtype())).collect();
        let scalars =
            (0..numbers.len()).fold(0, |m, i| m | 1 << (product.is_some() as usize + arrays.len() + i));
        let mut values: SmallVec<[E; 16]> = SmallVec::new();
        let mut outputs: SmallVec<[u16; 4]> = SmallVec::new();
        let mut name = String::new();
        for (number, ((e, m), wires)) in self.expressions().zip(&j.wiring).enumerate() {
            b.origin(number as u8);
            let arguments: SmallVec<[E; 4]> = wires
                .iter()
                .map(|w| match *w {
                    From::Array(i) => arrays[i],
                    From::Number(i) => numbers[i],
                    From::Constant(s, _) => b.constant(s),
                    From::Member(i) => values[i],
                    From::Product => product.expect("a group whose wires lead to a product has one"),
                })
                .collect();
            let mut value = e.program.inline(&b, &arguments).expect("dispatch has typed every expression")[0];
            if let Some(f) = self.folds(e, m.is_none()) {
                value = value.fold(f);
            }
            values.push(value);
            if m.is_some_and(|m| m.stored) {
                outputs.push(value.id());
            }
            name.push_str(if name.is_empty() { "" } else { "+" });
            name.push_str(e.op);
        }
        outputs.insert(0, values[values.len() - 1].id());
        let p = Arc::new(b.finish(&name, &outputs, scalars));
        let mut all = PROGRAMS.write();
        if all.len() >= MOST_PROGRAMS {
            all.clear();
        }
        all.entry(j.key.clone()).or_insert(p).clone()
    }
}
