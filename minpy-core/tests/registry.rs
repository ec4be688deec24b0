//! The registry's tables: duplicates, the same entry twice, kernels without a backend, and handles that stay valid.

use minpy_core::backend::{
    Builder, DTypeSet, Device, Driver, E, Elementwise, Family, Item, KernelCall, KernelEntry, Registry, Slot,
    Tier, TypeRule, Values, codegen, registry,
};
use minpy_core::{Array, DType, DeviceRef, Error, ErrorKind, OpDef, Result, device};
use minpy_tests::fake::{Told, fake};

fn blank(name: &'static str) -> Vec<Box<dyn Device>> {
    codegen::devices(name, vec![fake(|_| Ok(())), fake(|_| Ok(()))])
}
fn run(_: DeviceRef, _: &KernelCall) -> Result<()> {
    Ok(())
}
const fn driver(name: &'static str, probe: fn() -> Vec<Box<dyn Device>>, line: u32) -> Driver {
    Driver { name, probe, file: "backend.rs", line }
}
const fn kernel(device: &'static str, slot: Slot, file: &'static str, line: u32) -> KernelEntry {
    KernelEntry { device, slot, dtypes: DTypeSet::ALL, run, file, line }
}
static HOST: Driver = driver("cpu", || blank("cpu"), 1);
static ALPHA: Driver = driver("alpha", || blank("alpha"), 2);
static BETA: Driver = driver("beta", || blank("beta"), 3);
static SUM: KernelEntry = kernel("alpha", Slot::Family(Family::Reduce), "alpha/reduce.rs", 12);
static SUM_AGAIN: KernelEntry = kernel("alpha", Slot::Family(Family::Reduce), "alpha/reduce.rs", 12);
static OTHER: KernelEntry = kernel("alpha", Slot::Family(Family::Reduce), "stranger/sums.rs", 7);
static ELSEWHERE: KernelEntry = kernel("beta", Slot::Family(Family::Reduce), "beta/reduce.rs", 9);

fn assemble(items: &[Item]) -> std::result::Result<Registry, Error> {
    Registry::assemble(items, None)
}

#[test]
fn two_kernels_for_one_place_are_an_error_that_names_both() {
    let e = assemble(&[Item::Driver(&HOST), Item::Driver(&ALPHA), Item::Kernel(&SUM), Item::Kernel(&OTHER)])
        .err()
        .unwrap();
    assert_eq!(e.kind(), ErrorKind::Registry);
    for part in ["registered twice", "alpha/reduce.rs:12", "stranger/sums.rs:7", "Reduce", "'alpha'"] {
        assert!(e.message().contains(part), "'{}' does not say '{part}'", e.message());
    }
}

#[test]
fn the_same_entry_twice_is_fine() {
    let r = assemble(&[
        Item::Driver(&HOST),
        Item::Driver(&ALPHA),
        Item::Kernel(&SUM),
        Item::Driver(&ALPHA),
        Item::Kernel(&SUM),
        Item::Kernel(&SUM_AGAIN),
        Item::Driver(&BETA),
        Item::Kernel(&ELSEWHERE),
    ])
    .unwrap();
    let kinds: Vec<_> = r.kind_names().collect();
    assert_eq!(kinds, ["cpu", "alpha", "beta"]);
    assert_eq!(r.kernels(r.kind_of("alpha").unwrap()).count(), 1);
    assert!(
        r.family_kernel(2, Family::Reduce).is_some_and(|k| k.line == 9)
            && r.family_kernel(2, Family::Sort).is_none()
    );
}

#[test]
fn one_line_registers_every_generated_form() {
    // What `c_backend!` registers. The macro itself would register it in this process, where there is no such backend.
    static GENERATED: [KernelEntry; codegen::FAMILIES.len()] =
        codegen::entries::<Told>("alpha", file!(), line!());
    let r = assemble(&[Item::Driver(&HOST), Item::Driver(&ALPHA), Item::Kernels(&GENERATED)]).unwrap();
    let has =
        |f: &Family| r.family_kernel(1, *f).is_some_and(|k| k.file == file!() && k.dtypes == DTypeSet::ALL);
    assert!(codegen::FAMILIES.iter().all(has));
    assert_eq!(r.kernels(1).count(), codegen::FAMILIES.len());
    let both = [Item::Driver(&ALPHA), Item::Kernels(&GENERATED), Item::Kernel(&SUM)];
    let e = assemble(&both).err().unwrap();
    assert!(e.message().contains("alpha/reduce.rs:12") && e.message().contains(file!()), "{e:?}");
}

#[test]
fn two_backends_of_one_name_are_an_error() {
    static IMPOSTOR: Driver = Driver { name: "alpha", probe: Vec::new, file: "impostor.rs", line: 5 };
    let e = assemble(&[Item::Driver(&ALPHA), Item::Driver(&IMPOSTOR)]).err().unwrap();
    assert!(e.message().contains("backend.rs:2") && e.message().contains("impostor.rs:5"), "{e:?}");
}

#[test]
fn two_operations_of_one_name_are_an_error() {
    use minpy_core::OpDef;
    use minpy_core::backend::{Elementwise, Tier, TypeRule};
    static IMPOSTOR: OpDef = OpDef {
        name: "add",
        arity: 1,
        results: 1,
        constant: false,
        doc: "Not the sum.",
        tier: Tier::Elementwise(Elementwise::new(
            TypeRule { compute: Some, condition_first: false },
            |_, x| x[0].into(),
        )),
        domain: &[(0.0, 1.0)],
        file: "impostor.rs",
        line: 8,
    };
    let e = assemble(&[Item::Driver(&HOST), Item::Named(&minpy_core::ops::ADD), Item::Named(&IMPOSTOR)])
        .err()
        .unwrap();
    assert!(
        e.kind() == ErrorKind::Registry
            && e.message().contains("impostor.rs:8")
            && e.message().contains("elementwise.rs"),
        "{e:?}"
    );
}

#[test]
fn a_kernel_without_a_backend_is_an_error() {
    let e = assemble(&[Item::Driver(&HOST), Item::Kernel(&ELSEWHERE)]).err().unwrap();
    assert!(e.message().contains("beta/reduce.rs:9") && e.message().contains("'beta'"), "{e:?}");
}

#[test]
fn a_backend_may_come_later_and_handles_stay() {
    // The only test here that touches the registry of the process.
    registry::register(&[Item::Driver(&BETA), Item::Kernel(&ELSEWHERE)]).unwrap();
    let beta = device::device("beta", 1).unwrap();
    let a = Array::empty_on(beta, &[4], DType::F32).unwrap();
    // Names that sort before, and the host, which has place 0 and was asked for in vain.
    assert_eq!(device::host().err().unwrap().kind(), ErrorKind::Registry);
    registry::register(&[Item::Driver(&ALPHA), Item::Kernel(&SUM)]).unwrap();
    registry::register(&[Item::Driver(&HOST)]).unwrap();
    assert_eq!(device::device("beta", 1).unwrap(), beta);
    assert_eq!((a.device(), a.device().to_string()), (beta, "beta(1)".to_string()));
    let r = registry::global().unwrap();
    assert_eq!(
        (r.kind_of("beta"), r.kind_of("cpu")),
        (Some(beta.kind()), Some(minpy_core::backend::HOST_KIND))
    );
    assert!(r.family_kernel(beta.kind(), Family::Reduce).is_some_and(|k| std::ptr::eq(k, &ELSEWHERE)));
    for name in ["alpha", "beta", "cpu"] {
        for d in device::devices(name).unwrap() {
            assert_eq!((d.name(), r.kind_name(d.kind())), (name, name));
        }
    }
    assert!(device::host().unwrap().is_host() && !beta.is_host());
    // A refused registration leaves everything as it was.
    assert!(registry::register(&[Item::Kernel(&OTHER)]).is_err());
    assert!(registry::register(&[Item::Driver(&ALPHA)]).is_ok());
    assert_eq!(device::device("beta", 1).unwrap(), beta);
}

#[test]
fn a_definition_beyond_what_the_machinery_takes_is_refused_with_its_place() {
    const ANY: TypeRule = TypeRule { compute: Some, condition_first: false };
    const D: (f64, f64) = (-1.0, 1.0);
    type Formula = for<'b> fn(&Builder, &[E<'b>]) -> Values<'b>;
    let refused = |arity: usize, results: usize, domain: &'static [(f64, f64)], formula: Formula| {
        let op: &'static OpDef = Box::leak(Box::new(OpDef {
            name: "wide",
            arity,
            results,
            constant: false,
            doc: "",
            tier: Tier::Elementwise(Elementwise::new(ANY, formula)),
            domain,
            file: "stranger/wide.rs",
            line: 3,
        }));
        let e = assemble(&[Item::Driver(&HOST), Item::Named(op)]).err()?;
        assert_eq!(e.kind(), ErrorKind::Registry);
        let place = "operation 'wide' at stranger/wide.rs:3: ";
        Some(e.message().strip_prefix(place).expect("the place").to_string())
    };
    let all: Formula = |_, x| x.iter().skip(1).fold(x[0], |sum, &x| sum + x).into();
    let two: Formula = |_, x| [x[0], -x[0]].into();
    assert_eq!(refused(4, 1, &[D; 4], all), None);
    assert_eq!(refused(1, 2, &[D], two), None);
    let says = |found: Option<String>, part: &str| {
        let found = found.expect("a registry error");
        assert!(found.contains(part), "'{found}' does not say '{part}'");
    };
    says(refused(5, 1, &[D; 5], all), "1 to 4 inputs, not 5");
    says(refused(0, 1, &[], all), "1 to 4 inputs, not 0");
    says(refused(1, 3, &[D], two), "1 to 2 results, not 3");
    says(refused(1, 0, &[D], all), "1 to 2 results, not 0");
    says(refused(2, 1, &[D], all), "1 intervals for 2 inputs");
    says(refused(1, 1, &[D], two), "its formula gives 2 results, not 1");
    says(refused(1, 2, &[D], all), "its formula gives 1 results, not 2");
}
