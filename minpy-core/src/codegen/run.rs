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

/// The error words of a device are one place: checks go one after another. The list names the devices whose words a check
/// that failed may have left set.
static CHECKING: Mutex<Vec<(&'static str, usize)>> = Mutex::new(Vec::new());

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
    let mut doubtful = CHECKING.lock();
    let (errors, this) = (device.errors()?, (device.name(), device.ordinal()));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{Capabilities, MemoryStats};
    use crate::kernel::{Input, View, Work};
    use crate::{DType, Error, ErrorKind};
    use std::any::Any;

    /// A device with nothing but error words: every kernel sets them as it is told, and reading may fail.
    struct Fake {
        capabilities: Capabilities,
        tuning: Tuning,
        words: Mutex<[u8; 8 * ERROR_WORDS]>,
        finds: Mutex<bool>,
        reads: Mutex<bool>,
    }
    struct Plain;
    impl Dialect for Plain {
        fn name(&self) -> &'static str {
            "plain"
        }
        fn prelude(&self, _: DTypeSet) -> String {
            String::new()
        }
        fn kernel(&self, entry: &str, _: [usize; 3]) -> String {
            entry.to_string()
        }
    }
    impl Device for Fake {
        fn name(&self) -> &'static str {
            "fake"
        }
        fn ordinal(&self) -> usize {
            0
        }
        fn capabilities(&self) -> &Capabilities {
            &self.capabilities
        }
        fn allocate(&self, bytes: usize) -> Result<Memory> {
            Ok(Memory { handle: 1, offset: 0, bytes })
        }
        fn free(&self, _: Memory) {}
        fn upload(&self, src: &[u8], _: &Memory, _: usize) -> Result<()> {
            self.words.lock().copy_from_slice(src);
            Ok(())
        }
        fn download(&self, _: &Memory, _: usize, dst: &mut [u8]) -> Result<()> {
            if !*self.reads.lock() {
                return Err(Error::new(ErrorKind::Device, "the bus is down"));
            }
            dst.copy_from_slice(&*self.words.lock());
            Ok(())
        }
        fn copy(&self, _: &Memory, _: usize, _: &Memory, _: usize, _: usize) -> Result<()> {
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
    impl CDevice for Fake {
        fn dialect(&self) -> &dyn Dialect {
            &Plain
        }
        fn tuning(&self) -> &Tuning {
            &self.tuning
        }
        fn launch(&self, _: &Step, _: &[Memory]) -> Result<()> {
            self.words.lock()[0] |= *self.finds.lock() as u8;
            Ok(())
        }
        fn errors(&self) -> Result<Memory> {
            self.allocate(8 * ERROR_WORDS)
        }
    }

    #[test]
    fn a_check_that_failed_leaves_nothing_behind() {
        let fake = Fake {
            capabilities: Capabilities {
                description: String::new(),
                dtypes: DTypeSet::ALL,
                host_accessible: false,
                total_memory: 0,
            },
            tuning: Tuning::gpu(1),
            words: Mutex::new([0; 8 * ERROR_WORDS]),
            finds: Mutex::new(false),
            reads: Mutex::new(true),
        };
        let memory = [1, 2, 3].map(|handle| Memory { handle, offset: 0, bytes: 64 });
        let view =
            |i: usize, dtype| View { memory: &memory[i], dtype, shape: &[4], strides: &[1], offset: 0 };
        let call = KernelCall {
            op: "gather",
            work: &Work::Gather { indexed: 1 },
            program: None,
            inputs: &[Input::View(view(0, DType::F32)), Input::View(view(1, DType::I64))],
            outputs: &[view(2, DType::F32)],
        };
        let kind = || run(&fake, &call).err().map(|e| e.kind());
        assert_eq!(kind(), None);
        *fake.finds.lock() = true;
        assert_eq!(kind(), Some(ErrorKind::Index));
        *fake.reads.lock() = false;
        assert_eq!(kind(), Some(ErrorKind::Device));
        (*fake.finds.lock(), *fake.reads.lock()) = (false, true);
        assert_eq!(kind(), None);
    }
}
