//! Running calls on a `CDevice`: its kernels, all registered by one line, and the plans that they make and launch.

use super::{CDevice, CDriver, Check, ERROR_WORDS, FAMILIES, Plan, plan};
use crate::device::{Device, DeviceRef, Memory};
use crate::kernel::{Input, KernelCall, View, Work, index_error};
use crate::layout::contiguous_strides;
use crate::registry::{KernelEntry, Slot};
use crate::{DTypeSet, Result, bail};
use smallvec::SmallVec;

/// `c_backend!("opencl", Queue, probe)`: registers a backend of that name with a kernel for every form of work that `codegen` has,
/// by one line. `Queue` implements `codegen::CDriver`, and `probe` gives a `Vec` of the `codegen::Found` that there are.
#[macro_export]
macro_rules! c_backend {
    ($name:expr, $driver:ty, $probe:path) => {
        fn found_devices() -> Vec<Box<dyn $crate::backend::Device>> {
            $crate::backend::codegen::devices::<$driver>($name, $probe())
        }
        $crate::driver!(pub DRIVER: $name, found_devices);
        #[doc = "The registered kernels of this backend."]
        pub static KERNELS: [$crate::backend::KernelEntry; $crate::backend::codegen::FAMILIES.len()] =
            $crate::backend::codegen::entries::<$driver>($name, file!(), line!());
        $crate::inventory::submit! { $crate::backend::Item::Kernels(&KERNELS) }

        #[doc = "Everything that this crate registers."]
        pub static ITEMS: &[$crate::backend::Item] =
            &[$crate::backend::Item::Driver(&DRIVER), $crate::backend::Item::Kernels(&KERNELS)];

        #[doc = "Registers the backend explicitly; needed only where the linker dropped the automatic registration."]
        pub fn register() -> $crate::Result<()> {
            $crate::backend::registry::register(ITEMS)
        }
    };
}

/// The kernels that `c_backend!` registers.
pub const fn entries<D: CDriver>(
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

fn kernel<D: CDriver>(device: DeviceRef, call: &KernelCall) -> Result<()> {
    match device.downcast::<CDevice<D>>() {
        Some(d) => d.run(call),
        None => bail!(Device, "{}: the kernels of another backend were given {device}", call.op),
    }
}

impl<D: CDriver> CDevice<D> {
    /// Runs `call`: by a library of the vendor's, or by kernels that are planned and launched.
    pub fn run(&self, call: &KernelCall) -> Result<()> {
        let supported = self.capabilities().dtypes;
        if supported != DTypeSet::ALL && !supported.contains_all(call.dtypes()) {
            return Err(super::unsupported(call.op, "a dtype that the device does not have"));
        }
        if self.driver.library(self, call)? {
            return Ok(());
        }
        if matches!(call.work, Work::Epilogue) && super::matmul::is_reduction(call) {
            return self.product_first(call, |product| self.generated(product).map(|()| true)).map(drop);
        }
        self.generated(call)
    }

    fn generated(&self, call: &KernelCall) -> Result<()> {
        let plan = plan(call, &self.tuning)?;
        let mut scratch: SmallVec<[Memory; 1]> = SmallVec::new();
        let mut result = Ok(());
        for &bytes in &plan.scratch {
            match self.allocate(bytes) {
                Ok(m) => scratch.push(m),
                Err(e) => result = Err(e),
            }
        }
        if result.is_ok() {
            result = self.steps(call, &plan, &scratch);
        }
        // The device keeps freed memory for what is queued.
        scratch.into_iter().for_each(|m| self.free(m));
        result
    }

    /// An epilogue as two kernels: `product`, into the memory of the first output, and then one for all that is computed of it.
    /// Where that memory is read as well, the product has memory of its own. `false` where `product` says so: nothing was written.
    pub fn product_first(
        &self,
        call: &KernelCall,
        product: impl FnOnce(&KernelCall) -> Result<bool>,
    ) -> Result<bool> {
        let out = call.outputs[0];
        let is_read = call.inputs[2..].iter().any(|i| matches!(i, Input::View(v) if v.memory == out.memory));
        let own = is_read.then(|| self.allocate(out.size() * out.dtype.size())).transpose()?;
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
            self.generated(&KernelCall { work: &Work::Elementwise, inputs: &inputs, ..*call })?;
            Ok(true)
        };
        let done = run();
        own.into_iter().for_each(|m| self.free(m));
        done
    }

    fn steps(&self, call: &KernelCall, plan: &Plan, scratch: &[Memory]) -> Result<()> {
        if plan.steps.iter().all(|s| s.check == Check::No) {
            return plan.steps.iter().try_for_each(|s| self.launch(s, scratch));
        }
        // The error words are one place.
        let mut doubtful = self.doubtful.lock();
        let errors = self.errors()?;
        if *doubtful {
            self.upload(&[0; 8 * ERROR_WORDS], &errors, 0)?;
        }
        let result = self.checked(call.op, plan, scratch, &errors);
        *doubtful = result.is_err();
        result
    }

    fn checked(&self, op: &str, plan: &Plan, scratch: &[Memory], errors: &Memory) -> Result<()> {
        let mut found = false;
        for step in &plan.steps {
            match step.check {
                Check::No => self.launch(step, scratch)?,
                Check::Errors => {
                    self.launch(step, scratch)?;
                    found = self.error_words(errors)?[0] != 0;
                }
                Check::Report if found => {
                    self.launch(step, scratch)?;
                    let [_, axis, index, size] = self.error_words(errors)?;
                    return Err(index_error(op, index, axis as usize, size as usize));
                }
                Check::Report => {}
            }
        }
        Ok(())
    }

    fn error_words(&self, errors: &Memory) -> Result<[i64; ERROR_WORDS]> {
        let mut bytes = [0u8; 8 * ERROR_WORDS];
        self.download(errors, 0, &mut bytes)?;
        let mut words = [0i64; ERROR_WORDS];
        for (w, b) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *w = i64::from_le_bytes(b.try_into().unwrap_or_default());
        }
        Ok(words)
    }
}
