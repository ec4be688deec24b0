//! Who did the work: what a device lacks runs on the host, is counted, and is an error under `only_device`.

use crate::reference::{Expected, Value};
use crate::samples::{read, upload};
use crate::subject::Subject;
use minpy_core::backend::{DTypeSet, Family, TypeRule, registry};
use minpy_core::context::Policy;
use minpy_core::internal::context::{COUNTING, set_flag};
use minpy_core::{Array, Attrs, DType, ErrorKind, OpDef, Operand, Result, Target, ops, stats};

/// One call of every family with its name, and the operation and family to look up.
fn calls(a: &Array, at: &Array) -> [(&'static str, Family, Box<dyn Fn() -> Result<Array>>); 10] {
    let (a, at) = (a.clone(), at.clone());
    macro_rules! call {
        ($name:literal, $family:ident, |$x:ident, $i:ident| $e:expr) => {{
            let ($x, $i) = (a.clone(), at.clone());
            (
                $name,
                Family::$family,
                Box::new(move || {
                    let (_, _) = (&$x, &$i);
                    $e
                }) as Box<dyn Fn() -> Result<Array>>,
            )
        }};
    }
    [
        call!("add", Elementwise, |x, i| ops::add(&x, &x)),
        call!("sum", Reduce, |x, i| ops::sum(&x, Some(&[0]), false)),
        call!("argmax", ArgReduce, |x, i| ops::argmax(&x, Some(1))),
        call!("cumsum", Scan, |x, i| ops::cumsum(&x, 0)),
        call!("matmul", Matmul, |x, i| ops::matmul(&x, &x)),
        call!("gather", Gather, |x, i| ops::gather(&x, std::slice::from_ref(&i))),
        call!("scatter", Scatter, |x, i| ops::scatter(
            &x,
            std::slice::from_ref(&i),
            &x,
            minpy_core::backend::ScatterMode::Set
        )),
        call!("sort", Sort, |x, i| ops::sort(&x, Some(1))),
        call!("nonzero", Nonzero, |x, i| ops::nonzero(&x)),
        call!("random_bits", RandomBits, |x, i| ops::Generator::new(1).bits(&[5])),
    ]
}

fn operands(s: &Subject) -> Result<(Array, Array)> {
    let v: Vec<Value> = (0..9).map(|i| Value::Real(i as f64 - 4.0)).collect();
    let i: Vec<Value> = [2, 0, 1].map(Value::Int).to_vec();
    Ok((upload(s.device, DType::F32, &v, &[3, 3])?, upload(s.device, DType::I64, &i, &[3])?))
}

/// Every family: what the device claims runs there under `only_device`; what it lacks falls to the host, is counted with op,
/// device, reason and bytes, and is a policy error under `only_device`.
pub fn accounting(s: &Subject) {
    let Some((a, at)) = s.ok(operands(s), || "operands".into()) else { return };
    for (name, family, call) in calls(&a, &at) {
        stats::reset();
        let Some(free) = s.ok(call().and_then(|r| Ok((r.device(), read(&r)?))), || name.to_string()) else {
            continue;
        };
        s.check(free.0 == s.device, || format!("{name}: the result lies on {}", free.0));
        let fell: Vec<stats::Fallback> = stats::fallbacks();
        let own: Vec<&stats::Fallback> = fell.iter().filter(|f| f.op == name).collect();
        let set = DTypeSet::of(&[DType::F32, DType::I64, DType::U32]);
        if s.claims(name, family, if family == Family::Matmul { DTypeSet::of(&[DType::F32]) } else { set }) {
            s.check(own.is_empty(), || format!("{name} is claimed and fell back: {own:?}"));
        }
        for f in &own {
            let right = f.calls > 0
                && f.bytes > 0
                && !f.reason.is_empty()
                && f.by == "host"
                && f.device == s.device.to_string();
            s.check(right, || format!("{name}: the record of the fallback is incomplete: {f:?}"));
        }
        let strict = s.under(Policy::OnlyDevice, || call().and_then(|r| read(&r)));
        match (fell.is_empty() || s.device.is_host(), strict) {
            (true, Ok(v)) => s.check(v == free.1, || format!("{name}: under only_device the result differs")),
            (true, Err(e)) => {
                s.check(false, || format!("{name} ran without fallback, but only_device says: {e}"))
            }
            (false, Ok(_)) => s.check(false, || format!("{name} fell back, but only_device lets it pass")),
            (false, Err(e)) => {
                s.check(e.kind() == ErrorKind::Policy, || format!("{name} under only_device: {e:?}"))
            }
        }
    }
}

/// `only_host` computes on the host, keeps the result on the device, and counts.
pub fn only_host(s: &Subject) {
    let Some((a, at)) = s.ok(operands(s), || "operands".into()) else { return };
    for (name, _, call) in calls(&a, &at) {
        let Some(free) = s.ok(call().and_then(|r| read(&r)), || name.to_string()) else { continue };
        stats::reset();
        let Some(host) = s
            .ok(s.under(Policy::OnlyHost, || call().and_then(|r| Ok((r.device(), read(&r)?)))), || {
                name.to_string()
            })
        else {
            continue;
        };
        s.check(host.0 == s.device, || format!("{name} under only_host: the result lies on {}", host.0));
        s.check(host.1 == free, || format!("{name}: host and device differ"));
        let counted = stats::fallback_count();
        s.check((counted > 0) != s.device.is_host(), || {
            format!("{name} under only_host: {counted} fallbacks counted")
        });
    }
}

/// Calls are counted by operation and device kind while counting is on.
pub fn counters(s: &Subject) {
    let Some((a, _)) = s.ok(operands(s), || "operands".into()) else { return };
    stats::reset();
    set_flag(COUNTING, true);
    let r = (0..3).try_for_each(|_| ops::add(&a, &a).map(drop)).and_then(|()| ops::matmul(&a, &a).map(drop));
    set_flag(COUNTING, false);
    s.ok(r, || "counted calls".into());
    let counts = stats::ops();
    let of = |op: &str| counts.get(&(op.to_string(), s.device.name().to_string())).copied().unwrap_or(0);
    s.check(of("add") == 3 && of("matmul") == 1, || {
        format!("three additions and a product counted as {counts:?}")
    });
    stats::reset();
    let host = minpy_core::device::host().and_then(|h| a.to_device(h));
    s.ok(host, || "to the host".into());
    let want = if s.device.is_host() { 0 } else { 36 };
    s.check(stats::moved_bytes() == want, || format!("36 bytes moved, {} counted", stats::moved_bytes()));
}

/// The device is in the registry under its name, with its devices, and its kernels name their place.
pub fn registration(s: &Subject) {
    let Some(r) = s.ok(registry::global(), || "registry".into()) else { return };
    let name = s.device.name();
    s.check(r.kind_of(name) == Some(s.device.kind()), || format!("'{name}' is not where its device says"));
    s.check(r.devices(name).contains(&s.device), || format!("'{name}' does not list its device"));
    s.check(r.kernels(s.device.kind()).next().is_some(), || format!("'{name}' has no kernels"));
    for k in r.kernels(s.device.kind()) {
        s.check(k.file.ends_with(".rs") && k.line > 0 && k.device == name, || format!("kernel {k:?}"));
    }
    let all: Vec<&OpDef> = r.all().collect();
    s.check(all.len() > 90, || format!("only {} operations are registered", all.len()));
    for op in all {
        s.check(!op.doc.is_empty() && op.doc.len() < 120, || format!("{}: no documentation line", op.name));
    }
    let spec = device_spec(s);
    s.check(minpy_core::device::parse(&spec).is_ok_and(|d| d == s.device), || {
        format!("'{spec}' does not name the device")
    });
    let missing = minpy_core::device::device(name, 4096);
    s.check(missing.is_err_and(|e| e.kind() == ErrorKind::Device && e.message().contains(name)), || {
        format!("{name}(4096) exists")
    });
}
fn device_spec(s: &Subject) -> String {
    format!("{}:{}", s.device.name(), s.device.ordinal())
}

/// An operation from outside core, with an expression only, runs on every device.
pub fn outside_operation(s: &Subject) {
    use minpy_core::backend::{Elementwise, Tier};
    static SQUARED_DISTANCE: OpDef = OpDef {
        name: "minpy_tests.squared_distance",
        arity: 2,
        results: 1,
        constant: false,
        doc: "(x1 - x2) ** 2",
        tier: Tier::Elementwise(Elementwise::new(
            TypeRule { compute: Some, condition_first: false },
            |_, x| {
                let d = x[0] - x[1];
                (d * d).into()
            },
        )),
        domain: &[(-3.0, 3.0), (-3.0, 3.0)],
        file: file!(),
        line: line!(),
    };
    let Some((a, _)) = s.ok(operands(s), || "operands".into()) else { return };
    let r = ops::call(
        &SQUARED_DISTANCE,
        Attrs::NONE,
        &[Operand::Array(&a), Operand::Array(&a.t())],
        None,
        Target::New,
    );
    let want: Vec<Expected> =
        [0, 4, 16, 4, 0, 4, 16, 4, 0].map(|x| Expected::exact(Value::Real(x as f64))).to_vec();
    if let Some(got) = s.ok(r.and_then(|r| read(&r)), || "an operation from outside".into()) {
        s.compare(|| "an operation from outside".into(), &[3, 3], DType::F32, &got, &want);
    }
}
