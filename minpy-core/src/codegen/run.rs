//! Running plans: what a C-like device must offer beside `Device`, and the one function that its kernels call.

use super::{Check, Dialect, ERROR_WORDS, Plan, Step, Tuning, plan};
use crate::kernel::{KernelCall, index_error};
use crate::{DTypeSet, Device, Result, device::Memory};
use parking_lot::Mutex;
use smallvec::SmallVec;

/// A device whose kernels are generated.
pub trait CDevice: Device {
    /// Its language.
    fn dialect(&self) -> &dyn Dialect;
    /// Its proportions.
    fn tuning(&self) -> &Tuning;
    /// Queues one launch: finds or compiles `step.spec`, binds the arguments (`Arg::Scratch(i)` is `scratch[i]`,
    /// `Arg::Errors` is `errors()`), and does not wait. An `ErrorKind::Unsupported` sends the call to the host.
    fn launch(&self, step: &Step, scratch: &[Memory]) -> Result<()>;
    /// Memory of `ERROR_WORDS` int64, zero, that lives as long as the device.
    fn errors(&self) -> Result<Memory>;
}

/// The error words of a device are one place: checks go one after another.
static CHECKING: Mutex<()> = Mutex::new(());

/// Plans and launches `call`.
pub fn run(device: &dyn CDevice, call: &KernelCall) -> Result<()> {
    let supported = device.capabilities().dtypes;
    if supported != DTypeSet::ALL && !supported.contains_all(call.dtypes()) {
        return Err(super::unsupported(call.op, "a dtype that the device does not have"));
    }
    let plan = plan(call, device.tuning())?;
    let mut scratch: SmallVec<[Memory; 1]> = SmallVec::new();
    let mut result = Ok(());
    for &bytes in &plan.scratch {
        match device.allocate(bytes) {
            Ok(m) => scratch.push(m),
            Err(e) => result = Err(e),
        }
    }
    if result.is_ok() {
        result = steps(device, call, &plan, &scratch);
    }
    // The device keeps freed memory for what is queued.
    scratch.into_iter().for_each(|m| device.free(m));
    result
}

fn steps(device: &dyn CDevice, call: &KernelCall, plan: &Plan, scratch: &[Memory]) -> Result<()> {
    if plan.steps.iter().all(|s| s.check == Check::No) {
        return plan.steps.iter().try_for_each(|s| device.launch(s, scratch));
    }
    let _guard = CHECKING.lock();
    let errors = device.errors()?;
    let mut found = false;
    for step in &plan.steps {
        match step.check {
            Check::No => device.launch(step, scratch)?,
            Check::Errors => {
                device.launch(step, scratch)?;
                found = read(device, &errors)?[0] != 0;
            }
            Check::Report if found => {
                let reported = device.launch(step, scratch).and_then(|_| read(device, &errors));
                device.upload(&[0; 8 * ERROR_WORDS], &errors, 0)?;
                let [_, axis, index, size] = reported?;
                return Err(index_error(call.op, index, axis as usize, size as usize));
            }
            Check::Report => {}
        }
    }
    Ok(())
}

fn read(device: &dyn CDevice, errors: &Memory) -> Result<[i64; ERROR_WORDS]> {
    let mut bytes = [0u8; 8 * ERROR_WORDS];
    device.download(errors, 0, &mut bytes)?;
    let mut words = [0i64; ERROR_WORDS];
    for (w, b) in words.iter_mut().zip(bytes.chunks_exact(8)) {
        *w = i64::from_le_bytes(b.try_into().unwrap_or_default());
    }
    Ok(words)
}
