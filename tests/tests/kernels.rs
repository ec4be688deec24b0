//! How many kernels: those that each backend registers, and those that a program becomes on each device that is here. Results do
//! not show when a form of work is missing on a device, because the host or the parts give the same.

use minpy_core::backend::codegen::FAMILIES;
use minpy_core::backend::{Family, Item, registry};
use minpy_core::internal::defer;
use minpy_core::{Array, DeviceRef, Result, context, device, inventory, ops, profile};

/// Names of the forms that a backend has kernels for.
fn registered(name: &str) -> Vec<&'static str> {
    let r = registry::global().expect("a registry");
    let kind = r.kind_of(name).expect("the backend is linked");
    Family::ALL.into_iter().filter(|&f| r.family_kernel(kind, f).is_some()).map(Family::name).collect()
}

#[test]
fn every_backend_has_every_form_that_it_can() {
    let names = |all: &[Family]| all.iter().map(|f| f.name()).collect::<Vec<_>>();
    // The host does what others lack.
    assert_eq!(registered("cpu"), names(&Family::ALL));
    // Whoever compiles C has all that is rendered as C. In the order of `Family::ALL`.
    let rendered: Vec<Family> = Family::ALL.into_iter().filter(|f| FAMILIES.contains(f)).collect();
    assert_eq!(registered("opencl"), names(&rendered));
    assert_eq!(registered("cuda"), names(&rendered));
    // One entry a form, of one line in one file.
    let r = registry::global().expect("a registry");
    for name in ["opencl", "cuda"] {
        let kernels: Vec<_> = r.kernels(r.kind_of(name).expect("it is linked")).collect();
        assert_eq!(kernels.len(), FAMILIES.len(), "{name}");
        assert!(
            kernels.iter().all(|k| (k.file, k.line) == (kernels[0].file, kernels[0].line)),
            "{kernels:?}"
        );
    }
}

/// Where the entries of a backend stand: its driver and its kernels.
fn places(items: impl Iterator<Item = Item>, name: &str) -> Vec<(&'static str, u32)> {
    let place = |i: Item| match i {
        Item::Driver(d) if d.name == name => vec![(d.file, d.line)],
        i => i.kernels().iter().filter(|k| k.device == name).map(|k| (k.file, k.line)).collect(),
    };
    let mut all: Vec<_> = items.flat_map(place).collect();
    all.sort_unstable();
    all
}

#[test]
fn what_a_backend_lists_is_what_registers_itself() {
    type Listed = (&'static str, &'static [Item], fn() -> Result<()>);
    let backends: [Listed; 3] = [
        ("cpu", minpy_cpu::ITEMS, minpy_cpu::register),
        ("cuda", minpy_cuda::ITEMS, minpy_cuda::register),
        ("opencl", minpy_opencl::ITEMS, minpy_opencl::register),
    ];
    for (name, items, register) in backends {
        let listed = places(items.iter().copied(), name);
        assert_eq!(listed, places(inventory::iter::<Item>.into_iter().copied(), name), "{name}");
        for _ in 0..2 {
            register().expect("the same entries twice are fine");
            let r = registry::global().expect("a registry");
            let kernels = r.kernels(r.kind_of(name).expect("it is linked")).count();
            assert_eq!(kernels, listed.len() - 1, "{name}: all but its driver");
        }
    }
}

type Program = fn(&Array, &Array) -> Result<Array>;

/// Programs, and the form of the one kernel that each becomes.
const PROGRAMS: [(&str, &str, Program); 7] = [
    ("a chain", "elementwise", |x, y| ops::exp(&ops::multiply(&ops::add(x, y)?, -0.5)?)),
    ("a sum of products", "reduce", |x, y| ops::sum(&ops::multiply(x, y)?, Some(&[1]), false)),
    ("softmax", "rows", |x, _| ops::softmax(x, -1)),
    ("a layer", "epilogue", |x, y| layer(&ops::matmul(x, y)?)),
    ("a layer of one output", "epilogue", |x, y| layer(&ops::matmul(x, &y.slice(1, 0, 1, 1))?)),
    ("a running sum", "scan", |x, _| ops::cumsum(x, 1)),
    ("rows at indices", "gather", |x, _| {
        ops::gather(x, &[Array::from_slice(&[5i64, 0, -1], &[3])?.to_device(x.device())?])
    }),
];
fn layer(product: &Array) -> Result<Array> {
    ops::maximum(&ops::add(&ops::multiply(product, 0.5)?, 1.0)?, 0.0)
}

fn matrix(d: DeviceRef) -> Array {
    let values: Vec<f32> = (0..64 * 64).map(|i| (i % 23) as f32 / 8.0 - 1.0).collect();
    Array::from_slice(&values, &[64, 64]).expect("an array").to_device(d).expect("on the device")
}

#[test]
fn every_program_is_one_kernel_on_every_device() {
    let before = defer::set_threshold(0);
    for d in ["cpu", "opencl", "cuda"].into_iter().filter_map(|name| device::device(name, 0).ok()) {
        for (name, family, program) in PROGRAMS {
            let (x, y) = (matrix(d), matrix(d));
            profile::start();
            let result =
                context::with_device(d, || program(&x, &y).and_then(|a| a.buffer().memory().map(drop)));
            let kernels = profile::stop().entries.into_iter().map(|e| (e.name, e.family, e.calls));
            let kernels: Vec<_> = kernels.filter(|e| e.1 != "copy").collect(); // of numbers and indices, to the device
            result.unwrap_or_else(|e| panic!("{name} on {d}: {e}"));
            let one = matches!(&kernels[..], [(_, f, 1)] if *f == family);
            assert!(one, "{name} on {d}: one kernel ({family}) was expected, not {kernels:?}");
        }
        // Counting reads the device, and then the positions are written where they are asked for.
        let x = matrix(d);
        profile::start();
        let found = context::with_device(d, || ops::nonzero(&x)).expect("nonzero");
        let kernels: Vec<&str> = profile::stop().entries.into_iter().map(|e| e.family).collect();
        assert!(kernels.contains(&"nonzero") && found.shape()[0] == 2, "{d}: {kernels:?}");
        assert_eq!(minpy_core::stats::fallback_count(), 0, "{:?}", minpy_core::stats::fallbacks());
    }
    defer::set_threshold(before);
}
