//! A program that links no backend: the error says how to link one, and registering one later mends it.
//!
//! This test binary must not link a backend crate: minpy-core has none among its dependencies.

use minpy_core::backend::{Device, Driver, Item, codegen, registry};
use minpy_core::{Array, DType, ErrorKind, device, ops};
use minpy_tests::fake::fake;

fn probe() -> Vec<Box<dyn Device>> {
    codegen::devices("nothing", vec![fake(|_| Ok(()))])
}
static DRIVER: Driver = Driver { name: "nothing", probe, file: file!(), line: line!() };

// One test, because its steps change the registry of the process.
#[test]
fn an_empty_registry_says_how_to_link_a_backend() {
    let errors = [
        registry::global().err().unwrap(),
        Array::from_slice(&[1f32], &[1]).err().unwrap(),
        ops::zeros(&[2], DType::F32).err().unwrap(),
        device::device("cpu", 0).err().unwrap(),
        device::host().err().unwrap(),
    ];
    for e in errors {
        assert_eq!(e.kind(), ErrorKind::Registry, "{e:?}");
        for part in ["use minpy_cpu as _;", "minpy_cpu::register()", "Cargo.toml"] {
            assert!(e.message().contains(part), "'{}' does not say '{part}'", e.message());
        }
    }
    // A backend without a host: its device is there, what needs the host says what is missing.
    registry::register(&[Item::Driver(&DRIVER)]).unwrap();
    let d = device::device("nothing", 0).unwrap();
    assert_eq!((d.to_string().as_str(), d.is_host()), ("nothing(0)", false));
    let a = Array::empty_on(d, &[3], DType::F32).unwrap();
    let e = ops::exp(&a).err().unwrap();
    assert!(e.kind() == ErrorKind::Registry && e.message().contains("host fallback needs it"), "{e:?}");
    assert!(
        e.message().contains("exp") && e.message().contains("no nothing kernel for elementwise"),
        "{e:?}"
    );
    let e = device::device("nothing", 1).err().unwrap();
    assert!(e.kind() == ErrorKind::Device && e.message().contains("nothing(0)"), "{e:?}");
    assert_eq!(device::device("noting", 0).err().unwrap().kind(), ErrorKind::Value);
}
