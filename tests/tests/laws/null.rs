//! The device `null`: computes nothing, remembers what it was asked to do. One log per thread, so tests do not mix.

use minpy_core::device::{Capabilities, Device, DeviceRef, Memory, MemoryStats};
use minpy_core::kernel::{Family, KernelCall};
use minpy_core::registry::Slot;
use minpy_core::{Array, DType, DTypeSet, Error, ErrorKind, Layout, Result, defer};
use std::any::Any;
use std::cell::RefCell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

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

struct Null(Capabilities);
impl Device for Null {
    fn name(&self) -> &'static str {
        "null"
    }
    fn ordinal(&self) -> usize {
        0
    }
    fn capabilities(&self) -> &Capabilities {
        &self.0
    }
    fn allocate(&self, bytes: usize) -> Result<Memory> {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        note(|l| l.allocations += 1);
        Ok(Memory { handle: NEXT.fetch_add(1, Relaxed), offset: 0, bytes })
    }
    fn free(&self, _: Memory) {}
    fn upload(&self, _: &[u8], _: &Memory, _: usize) -> Result<()> {
        note(|l| l.uploads += 1);
        Ok(())
    }
    fn download(&self, _: &Memory, _: usize, dst: &mut [u8]) -> Result<()> {
        note(|l| l.downloads += 1);
        dst.fill(0);
        Ok(())
    }
    fn copy(&self, _: &Memory, _: usize, _: &Memory, _: usize, _: usize) -> Result<()> {
        note(|l| l.copies += 1);
        Ok(())
    }
    fn synchronize(&self) -> Result<()> {
        Ok(())
    }
    fn memory_stats(&self) -> MemoryStats {
        MemoryStats::default()
    }
    fn trim(&self) {}
    fn as_any(&self) -> &dyn Any {
        self
    }
}
fn probe() -> Vec<Box<dyn Device>> {
    let c = Capabilities {
        description: "counts".into(),
        dtypes: DTypeSet::ALL,
        host_accessible: false,
        total_memory: 1 << 40,
    };
    vec![Box::new(Null(c))]
}
minpy_core::driver!(DRIVER: "null", probe);

fn count(_: DeviceRef, call: &KernelCall) -> Result<()> {
    note(|l| l.kernels.push(call.op));
    Ok(())
}
macro_rules! kernels {
    ($($name:ident $family:ident),*) => { $( minpy_core::kernel!($name: "null", Slot::Family(Family::$family), DTypeSet::ALL, count); )* };
}
kernels!(A Elementwise, B Reduce, C ArgReduce, D Scan, E Matmul, F Gather, G Scatter, H Sort, I Nonzero, J RandomBits, K Rows, L Epilogue);

/// Products at once, but not of float64.
fn count_products(d: DeviceRef, call: &KernelCall) -> Result<()> {
    if call.outputs[0].dtype == DType::F64 {
        return Err(Error::new(ErrorKind::Unsupported, "products of float64"));
    }
    count(d, call)
}
minpy_core::kernel!(M: "null", Slot::Family(Family::Products), DTypeSet::ALL, count_products);

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
