//! Devices, policies, counters and profiles for the Python package: three objects that its modules share. The classes that users see are in
//! Python.

use crate::errors::Outcome;
use crate::run::ONLY_NUMPY;
use minpy_core::backend::registry;
use minpy_core::context::Policy;
use minpy_core::internal::{context, defer, profile, stats, written};
use minpy_core::{DeviceRef, device};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};
use std::cell::RefCell;
use std::time::Duration;

/// The `minpy.context.Context` of a device.
pub fn context_of(py: Python<'_>, device: DeviceRef) -> PyResult<Bound<'_, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let class = CLASS
        .get_or_try_init(py, || PyResult::Ok(py.import("minpy.context")?.getattr("Context")?.unbind()))?;
    class.bind(py).call1((device.name(), device.ordinal()))
}
/// The device that a context or a name (`'opencl:0'`) stands for.
pub fn device_from(object: &Bound<'_, PyAny>) -> PyResult<DeviceRef> {
    if let Ok(s) = object.cast::<PyString>() {
        return device::parse(&s.to_cow()?).py();
    }
    let (Ok(name), Ok(number)) = (object.getattr("device_type"), object.getattr("device_id")) else {
        return Err(PyTypeError::new_err(format!("not a device: {}", object.repr()?)));
    };
    device::device(&name.extract::<String>()?, number.extract()?).py()
}

/// Where arrays are and operations run, what waits there, and how many threads compute.
#[pyclass(frozen, name = "_Devices", module = "minpy._minpy")]
pub struct Devices;
#[pymethods]
impl Devices {
    /// Name and number of the device that a context names; an error when there is none.
    fn find(&self, name: &str, ordinal: usize) -> PyResult<(&'static str, usize)> {
        let d = device::device(name, ordinal).py()?;
        Ok((d.name(), d.ordinal()))
    }
    /// Makes a device current on this thread; gives the one before.
    fn make_current(&self, name: &str, ordinal: usize) -> PyResult<(&'static str, usize)> {
        let (new, before) = (device::device(name, ordinal).py()?, self.current()?);
        context::set_device(Some(new));
        Ok(before)
    }
    /// Name and number of the current device.
    fn current(&self) -> PyResult<(&'static str, usize)> {
        let d = context::current_device().py()?;
        Ok((d.name(), d.ordinal()))
    }
    /// Every device found: `(name, number, description, bytes of memory)`.
    fn all(&self) -> PyResult<Vec<(&'static str, usize, String, usize)>> {
        let all = registry::global().py()?.all_devices();
        Ok(all
            .map(|d| {
                (d.name(), d.ordinal(), d.capabilities().description.clone(), d.capabilities().total_memory)
            })
            .collect())
    }
    /// Names of the backends that are linked.
    fn backends(&self) -> PyResult<Vec<&'static str>> {
        Ok(registry::global().py()?.kind_names().collect())
    }
    /// Names of the operations of core, and per backend the families it has kernels for.
    fn kernels<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let reg = registry::global().py()?;
        let all = PyDict::new(py);
        for (kind, name) in reg.kind_names().enumerate() {
            all.set_item(name, reg.kernels(kind).map(|k| format!("{:?}", k.slot)).collect::<Vec<_>>())?;
        }
        all.set_item("ops", reg.all::<minpy_core::OpDef>().map(|o| o.name).collect::<Vec<_>>())?;
        Ok(all)
    }
    /// `(used, pooled, peak, system allocations)` of a device.
    fn memory_stats(&self, device: &Bound<'_, PyAny>) -> PyResult<(usize, usize, usize, usize)> {
        let m = device_from(device)?.memory_stats();
        Ok((m.used, m.pooled, m.peak, m.system_allocations))
    }
    /// Name of the policy in force on this thread.
    fn policy(&self) -> &'static str {
        match context::policy() {
            _ if context::flags() & ONLY_NUMPY != 0 => "only_numpy",
            Policy::PreferDevice if stats::warns() => "warn_device",
            policy => policy.name(),
        }
    }
    /// Replaces the policy of this thread, by name; gives the one before.
    fn set_policy(&self, name: &str) -> PyResult<&'static str> {
        let (numpy, warns) = (name == "only_numpy", name == "warn_device");
        let policy = if numpy || warns { Policy::PreferDevice } else { Policy::parse(name).py()? };
        let before = self.policy();
        context::set_policy(policy);
        context::set_flag(ONLY_NUMPY, numpy);
        stats::set_warns(warns);
        Ok(before)
    }
    /// Computes everything that is pending, without waiting for devices.
    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        crate::lines::detach(py, minpy_core::flush).py()
    }
    /// Computes everything that is pending and waits for every device.
    fn synchronize(&self, py: Python<'_>) -> PyResult<()> {
        crate::lines::detach(py, || {
            minpy_core::flush()?;
            registry::global()?.all_devices().try_for_each(|d| d.synchronize())
        })
        .py()
    }
    /// Number of arrays whose values are pending.
    fn pending_count(&self) -> usize {
        defer::pending_count()
    }
    /// Bytes from which on the CPU defers (`None`: nothing is deferred); gives back what was in force.
    #[pyo3(signature = (bytes))]
    fn defer_bytes(&self, bytes: Option<usize>) -> Option<usize> {
        Some(defer::set_threshold(bytes.unwrap_or(usize::MAX))).filter(|&b| b != usize::MAX)
    }
    /// Number of threads that a kernel on the CPU uses.
    fn get_num_threads(&self) -> usize {
        minpy_cpu::threads::num_threads()
    }
    /// Sets it, for kernels that start from now on; at least 1. `MINPY_NUM_THREADS` sets it at the start.
    fn set_num_threads(&self, number: isize) -> PyResult<()> {
        if number < 1 {
            return Err(PyValueError::new_err(format!("set_num_threads: at least 1 thread, not {number}")));
        }
        minpy_cpu::threads::set_num_threads(number as usize);
        Ok(())
    }
}

/// What happened on this thread: operations by name, and what left the device.
#[pyclass(frozen, name = "_Counters", module = "minpy._minpy")]
pub struct Counters;
#[pymethods]
impl Counters {
    /// Switches the counting of operations on this thread.
    fn count_ops(&self, on: bool) {
        context::set_flag(context::COUNTING, on);
    }
    /// `{(operation, device): calls}`
    fn ops<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let all = PyDict::new(py);
        for ((op, device), n) in stats::ops() {
            all.set_item((op, device), n)?;
        }
        Ok(all)
    }
    /// Fallbacks: `(op, device, by, reason, site, calls, bytes, seconds)`.
    fn fallbacks(&self) -> Vec<(String, String, &'static str, String, String, u64, u64, f64)> {
        let all = stats::fallbacks().into_iter();
        all.map(|f| (f.op, f.device, f.by, f.reason, f.site, f.calls, f.bytes, f.time.as_secs_f64()))
            .collect()
    }
    /// Counts a call of NumPy in place of an operation.
    fn count_fallback(&self, op: &str, device: &str, reason: &str, bytes: u64, seconds: f64) {
        stats::count_fallback(op, device, "numpy", reason, bytes, Duration::from_secs_f64(seconds.max(0.0)));
    }
    /// Fallbacks of this thread so far.
    fn fallback_count(&self) -> u64 {
        stats::fallback_count()
    }
    /// Bytes that automatic copies between devices moved on this thread.
    fn moved_bytes(&self) -> u64 {
        stats::moved_bytes()
    }
    /// Sets the counters of this thread to zero.
    fn reset(&self) {
        stats::reset();
    }
}

thread_local! { static OUTSIDE: RefCell<Vec<profile::Outside>> = const { RefCell::new(Vec::new()) }; }
/// See `minpy_core::internal::prepare_thread`.
pub fn prepare_thread() {
    OUTSIDE.with(|_| ());
}
/// The profile that `minpy.profile` collects; there is one for all threads.
#[pyclass(frozen, name = "_Profiler", module = "minpy._minpy")]
pub struct Profiler;
#[pymethods]
impl Profiler {
    /// Begins a profile.
    fn start(&self) {
        profile::start();
    }
    /// Ends it. A dictionary: its seconds; `entries` of `(name, family, device, operations, calls, seconds, bytes)`, the longest time
    /// first; `lines` of `(file, line, function)`, by which the others say where; and `threads`.
    fn stop<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let p = profile::stop();
        let entries = p.entries.into_iter();
        let entries: Vec<_> = entries
            .map(|e| (e.name, e.family, e.device, e.operations, e.calls, e.time.as_secs_f64(), e.bytes))
            .collect();
        let threads: Vec<_> = p.threads.into_iter().map(|t| thread(py, t)).collect::<PyResult<_>>()?;
        let all = PyDict::new(py);
        all.set_item("seconds", p.time.as_secs_f64())?;
        all.set_item("entries", entries)?;
        all.set_item("lines", crate::lines::take(py)?)?;
        all.set_item("threads", threads)?;
        Ok(all)
    }
    /// Waits some time, and until a thread is between two pieces of work.
    fn wait(&self, py: Python<'_>, seconds: f64) {
        py.detach(|| {
            std::thread::sleep(Duration::from_secs_f64(seconds));
            // Without a lock, which another thread might take into a forked process.
            while profile::is_on() && !profile::any_between() {
                std::thread::sleep(Duration::from_secs_f64(seconds));
            }
        });
    }
    /// Notes on which lines such threads are.
    fn sample(&self, py: Python<'_>) -> PyResult<()> {
        crate::lines::sample(py)
    }
    /// Begins a call of NumPy's: whether a profile wants its figures, which `numpy_ends` then takes.
    fn numpy_begins(&self) -> bool {
        profile::outside().map(|o| OUTSIDE.with_borrow_mut(|all| all.push(o))).is_some()
    }
    /// Ends it; without a name it is forgotten.
    #[pyo3(signature = (name=None, bytes=0))]
    fn numpy_ends(&self, name: Option<String>, bytes: u64) {
        if let (Some(o), Some(name)) = (OUTSIDE.with_borrow_mut(Vec::pop), name) {
            o.end(name, "numpy", bytes);
        }
    }
}

/// One thread of a profile: its number, its seconds, what the figures cost, `costs` of `(entry, line, calls, seconds)`, `between` of
/// `(line, seconds)`, `events` of `(entry or None, line, start, seconds)`.
fn thread<'py>(py: Python<'py>, t: minpy_core::profile::Thread) -> PyResult<Bound<'py, PyDict>> {
    let all = PyDict::new(py);
    let costs = t.costs.into_iter().map(|c| (c.entry, c.line, c.calls, c.time.as_secs_f64()));
    let between = t.between.into_iter().map(|(line, time)| (line, time.as_secs_f64()));
    let events = t.events.into_iter().map(|e| (e.entry, e.line, e.start.as_secs_f64(), e.time.as_secs_f64()));
    all.set_item("thread", t.thread)?;
    all.set_item("seconds", t.time.as_secs_f64())?;
    all.set_item("overhead", t.overhead.as_secs_f64())?;
    all.set_item("costs", costs.collect::<Vec<_>>())?;
    all.set_item("between", between.collect::<Vec<_>>())?;
    all.set_item("events", events.collect::<Vec<_>>())?;
    Ok(all)
}

/// The user's line: the innermost Python frame outside the package.
fn call_site() -> String {
    let found =
        Python::attach(|py| py.import("minpy._site")?.getattr("call_site")?.call0()?.extract::<String>());
    found.unwrap_or_default()
}
/// The function of the package that the user called, when Python's stack shows one.
fn written() -> Option<&'static str> {
    let found = Python::attach(|py| -> PyResult<Option<String>> {
        if !crate::lines::called_by_ours(py)? {
            return Ok(None);
        }
        py.import("minpy._site")?.getattr("written")?.call0()?.extract()
    });
    found.ok().flatten().map(|name| written::kept(&name))
}
/// Warns of what the host did. A filter that makes an error of the warning comes too late for it: the error is shown, and the
/// program goes on.
fn tell(op: &str, device: &str, reason: &str) {
    Python::attach(|py| {
        let warn =
            || py.import("minpy.numpy._fallback")?.getattr("warn")?.call1((op, device, "host", reason));
        if let Err(e) = warn() {
            e.write_unraisable(py, None);
        }
    });
}
/// Lets core name the user's line and functions in its reports.
pub fn install() {
    stats::install_call_site(call_site);
    stats::install_tell(tell);
    written::install(written);
}
