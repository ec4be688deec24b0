//! One call of a `Function`: it runs the forward pass now, and the backward pass when a tape asks for it.

use crate::bind::filled;
use crate::compiled::Instance;
use crate::executor::dense;
use crate::function::{Function, Pool};
use crate::graph::Symbol;
use crate::schedule::External;
use crate::trace::evaluate;
use minpy_autograd::{ForeignRule, Kept, Session, keep, record_foreign};
use minpy_core::backend::Meta;
use minpy_core::internal::context::{recording, unrecorded};
use minpy_core::{Array, Result, bail, context, ops};
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// An instance that goes back to its pool.
struct Lease {
    pool: Arc<Pool>,
    instance: Option<Instance>,
}
impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(i) = self.instance.take() {
            self.pool.give_back(i);
        }
    }
}

/// Arguments with zeros for those left out.
pub(crate) fn complete(pool: &Pool, arguments: &[Option<Array>]) -> Vec<Array> {
    arguments.iter().zip(&pool.zeros).filter_map(|(a, z)| a.clone().or_else(|| z.clone())).collect()
}

/// Auxiliary states as the program reads them.
pub(crate) fn dense_states(pool: &Pool, auxiliary: &[Array]) -> Result<Vec<Array>> {
    let states = auxiliary.iter().zip(&pool.auxiliary);
    states.map(|(a, m)| unrecorded(|| dense(a, m.dtype))).collect()
}
fn fetched(kept: &[Option<Kept>]) -> Result<Vec<Option<Array>>> {
    kept.iter().map(|k| k.as_ref().map(Kept::array).transpose()).collect()
}

/// One recorded call: what its backward pass needs.
pub(crate) struct Call {
    symbol: Symbol,
    lease: RefCell<Lease>,
    /// What was passed, as the tape knows it.
    given: Vec<Option<Kept>>,
    /// What the program reads: dense, and with the version it had when it was read.
    dense: Vec<(Array, u32)>,
    auxiliary: Vec<Array>,
    /// The backward pass has run and used up what forward left.
    spent: Cell<bool>,
}

impl Call {
    /// Runs the forward pass; records the call when gradients are wanted.
    pub fn run(
        f: &Function,
        pool: Arc<Pool>,
        given: Vec<Option<Array>>,
        auxiliary: Vec<Array>,
    ) -> Result<Vec<Array>> {
        let differentiable = pool.key.wanted.contains(&true);
        // What is written later, also by NumPy, must not change under the backward pass.
        let kept: Vec<Option<Kept>> = if differentiable {
            given.iter().map(|a| a.as_ref().map(keep).transpose()).collect::<Result<_>>()?
        } else {
            Vec::new()
        };
        let as_kept = if differentiable { &fetched(&kept)? } else { &given };
        let mut arrays = Vec::new();
        for (a, m) in complete(&pool, as_kept).iter().zip(&pool.arguments) {
            let d = unrecorded(|| dense(a, m.dtype))?;
            let version = d.buffer().version();
            arrays.push((d, version));
        }
        let states = dense_states(&pool, &auxiliary)?;
        let outputs = fresh(&pool)?;
        let mut instance = pool.take()?;
        let done = pool.compiled.forward(&mut instance, false, |e| match e {
            External::Argument(i) => arrays.get(i).map(|(a, _)| a),
            External::Auxiliary(i) => states.get(i),
            External::Output(i) => outputs.get(i),
            _ => None,
        });
        let lease = Lease { pool, instance: Some(instance) };
        done?;
        // A state that is no dense array was updated in a copy.
        for (to, from) in auxiliary.iter().zip(&states).filter(|(to, from)| !to.same_view(from)) {
            unrecorded(|| ops::assign(to, from))?;
        }
        if differentiable {
            let inputs: Vec<Array> = given.iter().flatten().cloned().collect();
            let call = Call {
                symbol: f.symbol().clone(),
                lease: RefCell::new(lease),
                given: kept,
                dense: arrays,
                auxiliary: states,
                spent: Cell::new(false),
            };
            record_foreign(
                f.name(),
                &inputs,
                &outputs,
                ForeignRule::vjp(move |heads| call.gradients(heads)),
            )?;
        }
        Ok(outputs)
    }
    /// Gradients of the arguments that were passed, from those of the results.
    fn gradients(&self, heads: &[Option<Array>]) -> Result<Vec<Option<Array>>> {
        let mut lease = self.lease.borrow_mut();
        let pool = lease.pool.clone();
        let zeros = |i: usize| filled(pool.key.device, &pool.outputs[i], 0.0);
        if recording() {
            let noise = lease.instance.as_ref().map_or(Vec::new(), |i| i.noise.clone());
            drop(lease);
            let heads = heads
                .iter()
                .enumerate()
                .map(|(i, h)| h.clone().map_or_else(|| zeros(i), Ok))
                .collect::<Result<Vec<_>>>()?;
            return self.recorded_gradients(&pool, &heads, &noise);
        }
        let arguments = self.arguments(&pool)?;
        let Some(instance) = &mut lease.instance else { bail!(Runtime, "symbol: the call has no memory") };
        if self.spent.replace(true) {
            self.again(&pool, instance, &arguments)?;
        }
        let heads: Vec<Array> = heads
            .iter()
            .enumerate()
            .map(|(i, h)| match h {
                Some(h) => unrecorded(|| dense(h, pool.outputs[i].dtype)),
                None => zeros(i),
            })
            .collect::<Result<_>>()?;
        let mut gradients: Vec<Option<Array>> = Vec::new();
        for (m, wanted) in pool.arguments.iter().zip(&pool.key.wanted) {
            gradients.push(if *wanted {
                Some(Array::empty_on(pool.key.device, &m.shape, m.dtype)?)
            } else {
                None
            });
        }
        pool.compiled.backward(instance, |e| match e {
            External::Argument(i) => arguments.get(i),
            External::Auxiliary(i) => self.auxiliary.get(i),
            External::Gradient(i) => gradients.get(i).and_then(|g| g.as_ref()),
            External::Head(i) => heads.get(i),
            _ => None,
        })?;
        Ok(self.of_given(gradients))
    }
    /// The gradients of the arguments that were passed.
    fn of_given(&self, gradients: Vec<Option<Array>>) -> Vec<Option<Array>> {
        self.given.iter().zip(gradients).filter_map(|(a, g)| a.as_ref().map(|_| g)).collect()
    }
    /// What the program read, also where it was written since.
    fn arguments(&self, pool: &Pool) -> Result<Vec<Array>> {
        let given = complete(pool, &fetched(&self.given)?);
        self.dense
            .iter()
            .zip(given)
            .map(|((d, version), a)| {
                if d.buffer().version() == *version {
                    return Ok(d.clone());
                }
                unrecorded(|| dense(&a, d.dtype()))
            })
            .collect()
    }
    /// Runs forward again for another backward pass: with the same random numbers, without touching results or states.
    fn again(&self, pool: &Pool, instance: &mut Instance, arguments: &[Array]) -> Result<()> {
        let outputs = fresh(pool)?;
        let states: Vec<Array> =
            self.auxiliary.iter().map(minpy_core::internal::dispatch::copy_raw).collect::<Result<_>>()?;
        pool.compiled.forward(instance, true, |e| match e {
            External::Argument(i) => arguments.get(i),
            External::Auxiliary(i) => states.get(i),
            External::Output(i) => outputs.get(i),
            _ => None,
        })
    }
    /// The gradients as recorded operations, for gradients of gradients: the symbol runs again as ordinary code.
    fn recorded_gradients(
        &self,
        pool: &Pool,
        heads: &[Array],
        noise: &[Array],
    ) -> Result<Vec<Option<Array>>> {
        let session = Session::begin();
        let mut arguments = complete(pool, &fetched(&self.given)?);
        let mut leaves = Vec::new();
        for (a, wanted) in arguments.iter_mut().zip(&pool.key.wanted) {
            if *wanted {
                *a = session.watch(a)?;
                leaves.push(a.clone());
            }
        }
        let mut at = 0;
        let results = context::with_device(pool.key.device, || {
            evaluate(&self.symbol, &arguments, &self.auxiliary, pool.key.train, &mut |shape, dtype| {
                at += 1;
                match noise.get(at - 1) {
                    Some(a) => Ok(a.clone()),
                    None => crate::noise::uniform(pool.key.device, &Meta { shape: shape.into(), dtype }),
                }
            })
        })?;
        let mut found = session.last_gradients(&results.outputs, Some(heads), &leaves)?.into_iter();
        let all = pool.key.wanted.iter().map(|w| if *w { found.next().flatten() } else { None }).collect();
        Ok(self.of_given(all))
    }
}

/// New arrays for the results.
fn fresh(pool: &Pool) -> Result<Vec<Array>> {
    pool.outputs.iter().map(|m| Array::empty_on(pool.key.device, &m.shape, m.dtype)).collect()
}
