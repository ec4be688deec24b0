//! The device `null`: computes nothing, remembers what it was asked to do. One log per thread, so tests do not mix.

use minpy_core::backend::{DTypeSet, Device, Family, Item, KernelCall, KernelEntry, Slot, Work, codegen};
use minpy_core::internal::defer;
use minpy_core::{Array, DType, DeviceRef, Error, ErrorKind, Layout, Result};
use minpy_tests::fake::{Event, fake};
use std::cell::RefCell;
use std::sync::Mutex;

/// What happened on `null` since the log was cleared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    /// Operations whose kernels ran, in order.
    pub kernels: Vec<&'static str>,
    /// Blocks asked for.
    pub allocations: usize,
    /// Host to device, device to host, inside: how often.
    pub uploads: usize,
    pub downloads: usize,
    pub copies: usize,
}
thread_local! { static LOG: RefCell<Log> = RefCell::default(); }
fn note(f: impl FnOnce(&mut Log)) {
    LOG.with_borrow_mut(f);
}
/// The threshold of deferral belongs to the process: one test at a time changes it.
static THRESHOLD: Mutex<()> = Mutex::new(());
fn with_threshold<R>(bytes: usize, f: impl FnOnce() -> R) -> R {
    let _one = THRESHOLD.lock().unwrap_or_else(|e| e.into_inner());
    let before = defer::set_threshold(bytes);
    let result = f();
    defer::set_threshold(before);
    result
}
/// Runs `f` with every call computing at once, and gives back what it made the device do.
pub fn watch<R>(f: impl FnOnce() -> Result<R>) -> Log {
    with_threshold(usize::MAX, || {
        LOG.take();
        f().unwrap();
        LOG.take()
    })
}
/// Runs `f` with everything deferred, then reads the arrays that it gives, in order.
pub fn watch_deferred(f: impl FnOnce() -> Result<Vec<Array>>) -> Log {
    with_threshold(0, || {
        LOG.take();
        for a in f().unwrap() {
            a.buffer().memory().unwrap();
        }
        LOG.take()
    })
}

fn probe() -> Vec<Box<dyn Device>> {
    let told = |event: Event| {
        note(|l| match event {
            Event::Allocate => l.allocations += 1,
            Event::Upload(_) => l.uploads += 1,
            Event::Download(_) => l.downloads += 1,
            Event::Copy => l.copies += 1,
            Event::Launch(_) => {}
        });
        Ok(())
    };
    codegen::devices("null", vec![fake(told)])
}
minpy_core::driver!(DRIVER: "null", probe);

/// A kernel of every form: it is noted, and nothing else; products at once are not for float64.
fn count(_: DeviceRef, call: &KernelCall) -> Result<()> {
    if matches!(call.work, Work::Products { .. }) && call.outputs[0].dtype == DType::F64 {
        return Err(Error::new(ErrorKind::Unsupported, "products of float64"));
    }
    note(|l| l.kernels.push(call.op));
    Ok(())
}
const fn kernel(family: Family) -> KernelEntry {
    let (slot, dtypes) = (Slot::Family(family), DTypeSet::ALL);
    KernelEntry { device: "null", slot, dtypes, run: count, file: file!(), line: line!() }
}
static KERNELS: [KernelEntry; Family::COUNT] = {
    let mut all = [kernel(Family::ALL[0]); Family::COUNT];
    let mut i = 1;
    while i < all.len() {
        all[i] = kernel(Family::ALL[i]);
        i += 1;
    }
    all
};
minpy_core::inventory::submit! { Item::Kernels(&KERNELS) }

/// An array with memory on the device.
pub fn array(shape: &[usize], dtype: DType) -> Array {
    let a = Array::empty_on(minpy_core::device::device("null", 0).unwrap(), shape, dtype).unwrap();
    a.buffer().memory().unwrap();
    a
}
/// The same elements in another layout.
pub fn with_strides(a: &Array, shape: &[usize], strides: &[isize]) -> Array {
    a.view(Layout::new(shape, strides, 0))
}
