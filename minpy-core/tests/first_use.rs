//! Many threads use the registry for the first time at once: the tables are built once, devices are looked for once.

use minpy_core::backend::{Device, Driver, Item, registry};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

static PROBED: AtomicUsize = AtomicUsize::new(0);

fn probe() -> Vec<Box<dyn Device>> {
    PROBED.fetch_add(1, SeqCst);
    std::thread::sleep(std::time::Duration::from_millis(50));
    Vec::new()
}
static SLOW: Driver = Driver { name: "slow", probe, file: file!(), line: line!() };
static LATE: Driver = Driver { name: "late", probe: Vec::new, file: file!(), line: line!() };
minpy_core::inventory::submit! { Item::Driver(&SLOW) }

#[test]
fn devices_are_looked_for_once() {
    const THREADS: usize = 8;
    let start = Barrier::new(THREADS);
    let registries: Vec<usize> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..THREADS)
            .map(|k| {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    let r = registry::global().unwrap();
                    // A backend that is registered while others are still being looked for.
                    if k == 3 {
                        registry::register(&[Item::Driver(&LATE)]).unwrap();
                    }
                    r.devices("slow");
                    registry::global().unwrap().devices("slow");
                    std::ptr::from_ref(r) as usize
                })
            })
            .collect();
        handles.into_iter().map(|h| h.join().unwrap()).collect()
    });
    assert_eq!(PROBED.load(SeqCst), 1);
    let different = registries.iter().collect::<std::collections::BTreeSet<_>>().len();
    assert!(different <= 2, "{different} registries for eight threads and one late backend");
}
