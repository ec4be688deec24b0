//! Binding: the arrays of an executor, made from inferred shapes or brought along, and checked.

use crate::compiled::Compiled;
use crate::executor::Executor;
use crate::graph::Symbol;
use crate::infer::{Known, initial_states};
use crate::trace::{GradReq, Look, Request};
use minpy_core::backend::Meta;
use minpy_core::backend::layout::show;
use minpy_core::internal::context::unrecorded;
use minpy_core::{Array, DeviceRef, Result, bail, context, ops};

/// Arrays to bind a symbol to, in the order of its lists.
#[derive(Default)]
pub struct Bindings {
    /// One per argument.
    pub arguments: Vec<Array>,
    /// One per argument whose gradient is wanted.
    pub gradients: Vec<Option<Array>>,
    /// What happens to each gradient.
    pub requests: Vec<GradReq>,
    /// One per auxiliary state.
    pub auxiliary: Vec<Array>,
}

pub(crate) fn zeros(device: DeviceRef, m: &Meta) -> Result<Array> {
    filled(device, m, 0.0)
}
pub(crate) fn filled(device: DeviceRef, m: &Meta, value: f64) -> Result<Array> {
    unrecorded(|| context::with_device(device, || ops::full(&m.shape, value, m.dtype)))
}

impl Symbol {
    /// Infers shapes, makes all arrays (zeros; auxiliary states with their initial values) and binds them.
    /// `request` says by name what happens to each gradient.
    pub fn simple_bind(
        &self,
        device: DeviceRef,
        known: &[Known],
        request: impl Fn(&str) -> GradReq,
    ) -> Result<Executor> {
        let inferred = context::with_device(device, || self.infer(known))?;
        let initial = initial_states(self);
        let mut b = Bindings::default();
        for (name, m) in self.list_arguments().iter().zip(&inferred.arguments) {
            b.arguments.push(zeros(device, m)?);
            let req = if m.dtype.is_inexact() { request(name) } else { GradReq::Null };
            b.gradients.push(if req == GradReq::Null { None } else { Some(zeros(device, m)?) });
            b.requests.push(req);
        }
        for (name, m) in self.list_auxiliary_states().iter().zip(&inferred.auxiliary) {
            b.auxiliary.push(filled(device, m, initial.get(name).copied().unwrap_or(0.0))?);
        }
        Executor::new(self, device, b, inferred)
    }
    /// Binds arrays that exist already: they are read and written where they are.
    pub fn bind(&self, device: DeviceRef, bindings: Bindings) -> Result<Executor> {
        let (arguments, auxiliary) = (self.list_arguments(), self.list_auxiliary_states());
        let counts = [
            ("arguments", bindings.arguments.len(), arguments.len()),
            ("gradients", bindings.gradients.len(), arguments.len()),
            ("gradient requests", bindings.requests.len(), arguments.len()),
            ("auxiliary states", bindings.auxiliary.len(), auxiliary.len()),
        ];
        if let Some((what, got, need)) = counts.into_iter().find(|(_, got, need)| got != need) {
            bail!(Value, "bind: {got} {what} for the {need} of the symbol ({})", arguments.join(", "));
        }
        let named =
            || arguments.iter().zip(&bindings.arguments).chain(auxiliary.iter().zip(&bindings.auxiliary));
        let known: Vec<Known> = named()
            .map(|(n, a)| Known { name: n.clone(), shape: Some(a.shape().into()), dtype: Some(a.dtype()) })
            .collect();
        for (name, a) in named() {
            if a.device() != device {
                bail!(Value, "bind: the array for '{name}' is on {}, the executor on {device}", a.device());
            }
        }
        let inferred = context::with_device(device, || self.infer(&known))?;
        for (i, (name, a)) in arguments.iter().zip(&bindings.arguments).enumerate() {
            let (req, g) = (bindings.requests[i], &bindings.gradients[i]);
            match g {
                None if req != GradReq::Null => {
                    bail!(Value, "bind: the gradient of '{name}' is wanted, but has no array")
                }
                Some(g) if g.shape() != a.shape() || g.dtype() != a.dtype() || g.device() != device => {
                    bail!(
                        Value,
                        "bind: the gradient array of '{name}' is {} {} on {}, needed is {} {} on {device}",
                        g.dtype(),
                        show(g.shape()),
                        g.device(),
                        a.dtype(),
                        show(a.shape())
                    )
                }
                Some(g) if req != GradReq::Null => {
                    let others = bindings.gradients[..i]
                        .iter()
                        .flatten()
                        .chain(&bindings.arguments)
                        .chain(&bindings.auxiliary);
                    if others.into_iter().any(|o| o.may_share_memory(g))
                        || !g.layout().is_injective()
                        || g.buffer().is_read_only()
                    {
                        bail!(
                            Value,
                            "bind: the gradient array of '{name}' must be writable and share memory with no other array"
                        );
                    }
                }
                _ => {}
            }
        }
        Executor::new(self, device, bindings, inferred)
    }
}

/// The program of a bound symbol, for training or not.
pub(crate) fn compile(
    symbol: &Symbol,
    device: DeviceRef,
    b: &Bindings,
    outputs: &[Meta],
    train: bool,
) -> Result<Compiled> {
    let looks = |list: &[Array]| -> Vec<Look> { list.iter().map(Look::of).collect() };
    let gradients: Vec<(GradReq, Option<Look>)> =
        b.requests.iter().zip(&b.gradients).map(|(r, g)| (*r, g.as_ref().map(Look::of))).collect();
    Compiled::new(&Request {
        symbol,
        device,
        train,
        arguments: &looks(&b.arguments),
        auxiliary: &looks(&b.auxiliary),
        outputs,
        gradients: &gradients,
    })
}
