//! Recorded functions: what a function does to arrays, launched once on arrays without memory, and then run from a plan: the
//! engine of the executors, without a symbol.
//!
//! The function runs once. What it decides by shapes and dtypes stays decided; values it cannot ask for, nor random numbers
//! of a device, which would be the same ones at every run. To a tape a run is one call without a gradient.

use crate::compiled::{Compiled, Instance};
use crate::schedule::External;
use crate::trace::{Look, Proxies, Traced, collect};
use minpy_core::backend::layout::show;
use minpy_core::backend::{Meta, Work};
use minpy_core::internal::Buffer;
use minpy_core::internal::Shared;
use minpy_core::internal::context::unrecorded;
use minpy_core::{Array, DType, DeviceRef, Layout, Result, bail, context, ops};

/// A function of arrays that was recorded.
pub struct Recorded {
    device: DeviceRef,
    compiled: Compiled,
    instance: Instance,
    arguments: Vec<Look>,
    /// Arguments that are written in place.
    written: Vec<usize>,
    constants: Vec<Shared<Buffer>>,
    outputs: Vec<Meta>,
}

/// Runs `f` once on arrays that stand for `arguments`, and keeps what it launched. Arrays that it refers to otherwise, or makes
/// of values, are constants: their memory is read at each run, and may not be written.
///
/// # Errors
/// What `f` fails with; `ErrorKind::Runtime` when it asks for a value; `ErrorKind::Value` for an argument on another device,
/// and when `f` writes to a constant; `ErrorKind::Unsupported` when it draws random numbers.
pub fn record(
    device: DeviceRef,
    arguments: &[Array],
    f: impl FnOnce(&[Array]) -> Result<Vec<Array>>,
) -> Result<Recorded> {
    if let Some(a) = arguments.iter().find(|a| a.device() != device) {
        bail!(Value, "record: an argument is on {}, the program on {device}", a.device());
    }
    let mut proxies = Proxies { device, list: Vec::new() };
    let looks: Vec<Look> = arguments.iter().map(Look::of).collect();
    // Like states, arguments may be written in place.
    let stand_ins: Vec<Array> =
        looks.iter().enumerate().map(|(i, l)| proxies.add(External::Auxiliary(i), l)).collect();
    let mut outputs = Vec::new();
    let (done, launches) = unrecorded(|| {
        context::with_device(device, || {
            minpy_core::internal::trace::trace(|| -> Result<()> {
                for (i, result) in f(&stand_ins)?.iter().enumerate() {
                    let meta = Meta { shape: result.shape().into(), dtype: result.dtype() };
                    let to = proxies.add(External::Output(i), &Look::dense(&meta));
                    ops::assign(&to, result)?;
                    outputs.push(meta);
                }
                Ok(())
            })
        })
    });
    done?;
    let forward = launches.len();
    let schedule = collect(device, &proxies.list, launches, forward)?;
    if schedule.steps.iter().any(|s| matches!(s.work, Work::RandomBits { .. })) {
        bail!(Unsupported, "record: the function draws random numbers, which would be the same at every run");
    }
    let mut written = Vec::new();
    for (_, e) in schedule.written(0..forward) {
        match e {
            External::Constant(_) => bail!(
                Value,
                "record: the function writes in place to an array that is not one of its arguments"
            ),
            External::Auxiliary(i) => written.push(i),
            _ => {}
        }
    }
    let constants = schedule.constants.clone();
    let compiled = Compiled::of(Traced { schedule, noise: Vec::new() })?;
    let instance = compiled.instance()?;
    Ok(Recorded { device, compiled, instance, arguments: looks, written, constants, outputs })
}

impl Recorded {
    /// Runs the program on arguments that look like those it was recorded with: same shapes, strides, dtypes and sizes of
    /// buffers. What the function wrote in place is written in them.
    ///
    /// # Errors
    /// `ErrorKind::Value` for arguments that look otherwise or share memory with one another; for one that is to be written
    /// in place if it is read-only, repeats elements, or shares memory with a constant.
    pub fn run(&mut self, arguments: &[Array]) -> Result<Vec<Array>> {
        if arguments.len() != self.arguments.len() {
            bail!(Value, "record: {} arguments for {}", arguments.len(), self.arguments.len());
        }
        for (i, (a, look)) in arguments.iter().zip(&self.arguments).enumerate() {
            if Look::of(a) != *look || a.device() != self.device {
                bail!(
                    Value,
                    "record: argument {i} is {} {} on {}, recorded was {} {} on {} with its own strides",
                    a.dtype(),
                    show(a.shape()),
                    a.device(),
                    look.dtype,
                    show(look.layout.shape()),
                    self.device
                );
            }
            if arguments[..i].iter().any(|b| b.may_share_memory(a)) {
                bail!(Value, "record: argument {i} shares memory with one before it");
            }
        }
        let base =
            |b: &Shared<Buffer>| Array::from_parts(b.clone(), Layout::contiguous(&[b.bytes()]), DType::U8);
        for &i in &self.written {
            let a = &arguments[i];
            if a.buffer().is_read_only() || !a.layout().is_injective() {
                bail!(Value, "record: argument {i} is written in place, but is read-only");
            }
            if self.constants.iter().any(|c| base(c).may_share_memory(a)) {
                bail!(Value, "record: argument {i} is written in place, but shares memory with a constant");
            }
        }
        let outputs: Vec<Array> = unrecorded(|| {
            self.outputs
                .iter()
                .map(|m| Array::empty_on(self.device, &m.shape, m.dtype))
                .collect::<Result<_>>()
        })?;
        self.compiled.forward(&mut self.instance, false, |e| match e {
            External::Auxiliary(i) => arguments.get(i),
            External::Output(i) => outputs.get(i),
            _ => None,
        })?;
        let touched: Vec<Array> =
            outputs.iter().chain(self.written.iter().map(|&i| &arguments[i])).cloned().collect();
        minpy_autograd::record_foreign("a recorded function", arguments, &touched, Default::default())?;
        Ok(outputs)
    }
    /// Kernels of a run.
    pub fn launches(&self) -> usize {
        self.compiled.report().forward_launches
    }
}
