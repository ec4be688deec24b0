//! An operation whose own kernel refuses a call is done by others on the same device, whatever the host could do: nothing is copied, no policy
//! is broken, and the counters say why.

use crate::null::{Log, watch};
use minpy_autograd::Session;
use minpy_core::backend::{DTypeSet, KernelCall, Meta, Metas, Slot, Structured, registry};
use minpy_core::context::Policy;
use minpy_core::internal::Shared;
use minpy_core::internal::context::{COUNTING, set_flag};
use minpy_core::internal::trace::trace;
use minpy_core::{
    Array, Arrays, Attrs, DType, DeviceRef, OpDef, Operand, Result, Target, bail, context, ops, stats,
};
use std::sync::atomic::Ordering::Relaxed;

struct Twice;
impl Structured for Twice {
    type Attrs = ();
    const DECOMPOSES: bool = true;
    fn infer(&self, _: &'static OpDef, _: &(), inputs: &[&Array]) -> Result<Metas> {
        Ok(Meta::one(inputs[0].shape(), inputs[0].dtype()))
    }
    fn decompose(&self, _: &'static OpDef, _: &(), inputs: &[&Array]) -> Result<Arrays> {
        Ok(std::iter::once(ops::add(inputs[0], inputs[0])?).collect())
    }
}
minpy_core::operation!(TWICE: "twice", 1 => 1, Twice, &[(-3.0, 3.0)], "2 x");
minpy_autograd::whole! { TWICE: [0]
    |_, g| Ok(vec![g[0].as_ref().map(|g| ops::multiply(g, 2.0)).transpose()?]),
    ~ |_, t| Ok(vec![t[0].as_ref().map(|t| ops::multiply(t, 2.0)).transpose()?])
}

/// Even lengths only.
fn even(_: DeviceRef, call: &KernelCall) -> Result<()> {
    match call.outputs[0].shape[0] % 2 {
        0 => Ok(()),
        _ => bail!(Unsupported, "an odd length"),
    }
}
minpy_core::kernel!(EVEN: "null", Slot::Op("twice"), DTypeSet::ALL, even);
/// The host could do it as a whole.
fn on_the_host(_: DeviceRef, _: &KernelCall) -> Result<()> {
    bail!(Runtime, "the host was asked")
}
minpy_core::kernel!(HOST: "cpu", Slot::Op("twice"), DTypeSet::ALL, on_the_host);

fn array(length: usize) -> Array {
    let device = registry::global().unwrap().devices("null")[0];
    Array::empty_on(device, &[length], DType::F32).unwrap()
}
fn twice(x: &Array) -> Result<Array> {
    ops::call(&TWICE, Attrs::NONE, &[Operand::Array(x)], None, Target::New)
}
fn counted<R>(f: impl FnOnce() -> R) -> R {
    stats::reset();
    set_flag(COUNTING, true);
    let result = f();
    set_flag(COUNTING, false);
    result
}

#[test]
fn the_parts_run_on_the_device_and_nothing_is_copied() {
    let x = array(3);
    for policy in [Policy::PreferDevice, Policy::OnlyDevice] {
        let run = || context::with_policy(policy, || twice(&x));
        let log = counted(|| watch(run));
        let want = Log { kernels: vec!["add"], allocations: log.allocations, ..Log::default() };
        assert_eq!(log, want, "under {policy:?}");

        let ops: Vec<_> = stats::ops().into_keys().map(|(op, _)| op).collect();
        assert_eq!(ops, ["twice(add)"]);
        let [f] = &stats::fallbacks()[..] else { panic!("{:?}", stats::fallbacks()) };
        let told = (f.op.as_str(), f.device.as_str(), f.by, f.reason.as_str(), f.calls, f.bytes);
        assert_eq!(told, ("twice", "null(0)", "parts", "an odd length", 1, 0));
    }
    // What the kernel takes it does, and that is all.
    let log = counted(|| watch(|| twice(&array(4))));
    assert_eq!((log.downloads, log.uploads, stats::fallback_count()), (0, 0, 0));
    assert_eq!(stats::ops().into_keys().next(), Some(("twice".to_string(), "null".to_string())));
}

#[test]
fn the_tape_keeps_the_parts_alone() {
    let nodes = |length| {
        let s = Session::begin();
        let x = s.watch(&array(length)).unwrap();
        let (from, held) = (s.recorded(), Shared::strong_count(x.buffer()));
        let mut held_after = 0;
        watch(|| {
            let y = twice(&x)?;
            held_after = Shared::strong_count(x.buffer());
            Ok(y)
        });
        // No save of contents is left for a later write to look after.
        assert_eq!(x.buffer().saves().load(Relaxed) == 0, held_after == held);
        (s.recorded() - from, held_after - held)
    };
    // With the kernel a node of the call, which keeps the input, and one of the result; refused, that of the sum, which keeps none.
    assert_eq!((nodes(4), nodes(3)), ((2, 1), (1, 0)));
}

#[test]
fn a_plan_holds_what_the_device_takes() {
    let launched = |length| {
        let x = array(length);
        let (done, launches) = trace(|| twice(&x));
        done.unwrap();
        launches.iter().map(|l| l.op).collect::<Vec<_>>()
    };
    assert_eq!((launched(4), launched(3)), (vec!["twice"], vec!["add"]));
}
