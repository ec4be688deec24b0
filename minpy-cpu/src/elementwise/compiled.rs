//! What was compiled of a program, kept in the program's slot for this device.

use super::places::assign;
use super::program::{Compiled, Use, lower};
use minpy_core::backend::Program;
use minpy_core::{Error, ErrorKind, Result};
use std::any::Any;
use std::sync::OnceLock;

/// What the evaluator keeps in the program's slot.
#[derive(Default)]
pub(crate) struct Cached {
    stored: OnceLock<std::result::Result<Compiled, String>>,
    folded: OnceLock<std::result::Result<Compiled, String>>,
    also: [OnceLock<Box<dyn Any + Send + Sync>>; 2],
}

/// What forms of work that go on from a program keep beside it; the types are theirs.
#[derive(Clone, Copy)]
pub(crate) enum Also {
    /// See `rows/group.rs`.
    Rows,
    /// See `product/chain.rs`.
    Chain,
}

impl Cached {
    /// What is kept, made once. One type for each.
    pub fn also<T: Send + Sync + 'static>(&self, which: Also, make: impl FnOnce() -> T) -> Result<&T> {
        let any: &(dyn Any + Send + Sync) = &**self.also[which as usize].get_or_init(|| Box::new(make()));
        any.downcast_ref::<T>().ok_or_else(|| {
            Error::new(ErrorKind::Device, "cpu: what is kept beside a program is something else")
        })
    }
}

/// What was made of the program so far.
pub(crate) fn cached(program: &Program, kind: usize) -> Result<&Cached> {
    let Some(slot) = program.slot(kind) else {
        return Err(Error::new(
            ErrorKind::Device,
            format!("cpu: device kind {kind} has no place in programs"),
        ));
    };
    let any: &(dyn Any + Send + Sync) = &**slot.get_or_init(|| Box::new(Cached::default()));
    any.downcast_ref::<Cached>()
        .ok_or_else(|| Error::new(ErrorKind::Device, "cpu: the program's slot holds another backend's code"))
}

/// The compiled form, made once per program.
pub(crate) fn compiled(program: &Program, kind: usize, usage: Use) -> Result<&Compiled> {
    let cached = cached(program, kind)?;
    let cell = if usage == Use::Store { &cached.stored } else { &cached.folded };
    match cell.get_or_init(|| compile(program, usage)) {
        Ok(c) => Ok(c),
        Err(text) => Err(Error::new(ErrorKind::Unsupported, text.clone())),
    }
}

pub(crate) fn compile(program: &Program, usage: Use) -> std::result::Result<Compiled, String> {
    lower(program, usage).map(|l| assign(l.compiler, l.outputs))
}
