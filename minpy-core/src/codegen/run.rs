//! Running plans: what a C-like device must offer beside `Device`, its kernels, and the one function that they call.

use super::{CMemory, Check, Dialect, ERROR_WORDS, FAMILIES, Plan, Step, Tuning, plan};
use crate::device::{DeviceRef, Memory};
use crate::kernel::{Input, KernelCall, View, Work, index_error};
use crate::layout::contiguous_strides;
use crate::registry::{KernelEntry, Slot};
use crate::{DTypeSet, Device, Result, bail};
use parking_lot::Mutex;
use smallvec::SmallVec;

/// A device whose kernels are generated.
pub trait CDevice: Device {
    /// Its language.
    fn dialect(&self) -> &dyn Dialect;
    /// Its proportions.
    fn tuning(&self) -> &Tuning;
    /// Its memory.
    fn memory(&self) -> &CMemory;
    /// Queues one launch: finds or compiles `step.spec`, binds the arguments (`Arg::Scratch(i)` is `scratch[i]`,
    /// `Arg::Errors` is `memory().errors(self)`), and does not wait. An `ErrorKind::Unsupported` sends the call to the host.
    fn launch(&self, step: &Step, scratch: &[Memory]) -> Result<()>;
    /// Does a call by a library of the vendor's, where that has something better than generated code; `false`: nothing was
    /// written. `product_first` makes a library's product into a whole epilogue.
    fn library(&self, _call: &KernelCall) -> Result<bool> {
        Ok(false)
    }
}

/// `c_kernels!(pub KERNELS: "opencl", OpenClDevice)`: registers a kernel for every form of work that `codegen` has, by one line.
/// The type implements `codegen::CDevice`.
#[macro_export]
macro_rules! c_kernels {
    ($vis:vis $name:ident: $device:expr, $type:ty) => {
        #[doc = "The registered kernels of this backend."]
        $vis static $name: [$crate::registry::KernelEntry; $crate::codegen::FAMILIES.len()] =
            $crate::codegen::entries::<$type>($device, file!(), line!());
        $crate::inventory::submit! { $crate::registry::Item::Kernels(&$name) }
    };
}

/// The kernels that `c_kernels!` registers.
pub const fn entries<D: CDevice>(
    device: &'static str,
    file: &'static str,
    line: u32,
) -> [KernelEntry; FAMILIES.len()] {
    let slot = Slot::Family(FAMILIES[0]);
    let first = KernelEntry { device, slot, dtypes: DTypeSet::ALL, run: kernel::<D>, file, line };
    let mut all = [first; FAMILIES.len()];
    let mut i = 1;
    while i < all.len() {
        all[i].slot = Slot::Family(FAMILIES[i]);
        i += 1;
    }
    all
}

fn kernel<D: CDevice>(device: DeviceRef, call: &KernelCall) -> Result<()> {
    match device.downcast::<D>() {
        Some(d) => run(d, call),
        None => bail!(Device, "{}: the kernels of another backend were given {device}", call.op),
    }
}

/// The error words of a device are one place: checks go one after another. The list names the devices whose words a check
/// that failed may have left set.
static CHECKING: Mutex<Vec<(&'static str, usize)>> = Mutex::new(Vec::new());

/// Runs `call`: by a library of the device's, or by kernels that are planned and launched.
pub fn run(device: &dyn CDevice, call: &KernelCall) -> Result<()> {
    let supported = device.capabilities().dtypes;
    if supported != DTypeSet::ALL && !supported.contains_all(call.dtypes()) {
        return Err(super::unsupported(call.op, "a dtype that the device does not have"));
    }
    if device.library(call)? {
        return Ok(());
    }
    if matches!(call.work, Work::Epilogue) && super::matmul::is_reduction(call) {
        return product_first(device, call, |product| generated(device, product).map(|()| true)).map(drop);
    }
    generated(device, call)
}

fn generated(device: &dyn CDevice, call: &KernelCall) -> Result<()> {
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

/// An epilogue as two kernels: `product`, into the memory of the first output, and then one for all that is computed of it. Where
/// that memory is read as well, the product has memory of its own. `false` where `product` says so: nothing was written.
pub fn product_first(
    device: &dyn CDevice,
    call: &KernelCall,
    product: impl FnOnce(&KernelCall) -> Result<bool>,
) -> Result<bool> {
    let out = call.outputs[0];
    let is_read = call.inputs[2..].iter().any(|i| matches!(i, Input::View(v) if v.memory == out.memory));
    let own = is_read.then(|| device.allocate(out.size() * out.dtype.size())).transpose()?;
    let strides = contiguous_strides(out.shape);
    let result = match &own {
        Some(memory) => View { memory, strides: &strides, offset: 0, ..out },
        None => out,
    };
    let run = || -> Result<bool> {
        let (work, inputs, outputs) = (&Work::Matmul, &call.inputs[..2], &[result]);
        if !product(&KernelCall { work, program: None, inputs, outputs, ..*call })? {
            return Ok(false);
        }
        let mut inputs: SmallVec<[Input; 8]> = SmallVec::new();
        inputs.push(Input::View(result));
        inputs.extend_from_slice(&call.inputs[2..]);
        generated(device, &KernelCall { work: &Work::Elementwise, inputs: &inputs, ..*call })?;
        Ok(true)
    };
    let done = run();
    own.into_iter().for_each(|m| device.free(m));
    done
}

fn steps(device: &dyn CDevice, call: &KernelCall, plan: &Plan, scratch: &[Memory]) -> Result<()> {
    if plan.steps.iter().all(|s| s.check == Check::No) {
        return plan.steps.iter().try_for_each(|s| device.launch(s, scratch));
    }
    let mut doubtful = CHECKING.lock();
    let (errors, this) = (device.memory().errors(device)?, (device.name(), device.ordinal()));
    if doubtful.contains(&this) {
        device.upload(&[0; 8 * ERROR_WORDS], &errors, 0)?;
        doubtful.retain(|d| *d != this);
    }
    let result = checked(device, call.op, plan, scratch, &errors);
    if result.is_err() {
        doubtful.push(this);
    }
    result
}

fn checked(device: &dyn CDevice, op: &str, plan: &Plan, scratch: &[Memory], errors: &Memory) -> Result<()> {
    let mut found = false;
    for step in &plan.steps {
        match step.check {
            Check::No => device.launch(step, scratch)?,
            Check::Errors => {
                device.launch(step, scratch)?;
                found = read(device, errors)?[0] != 0;
            }
            Check::Report if found => {
                device.launch(step, scratch)?;
                let [_, axis, index, size] = read(device, errors)?;
                return Err(index_error(op, index, axis as usize, size as usize));
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
