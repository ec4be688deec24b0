//! What runs generated kernels, on a device that computes nothing: the cache of kernels, the error words, epilogues by a library.

use minpy_core::backend::codegen::{Arg, Compiler, DiskCache, ERROR_WORDS, Kernels, Spec, Tuning, plan};
use minpy_core::backend::{Builder, Fold, Input, KernelCall, Memory, View, Work};
use minpy_core::{DType, Error, ErrorKind, Result};
use minpy_tests::fake::{Event, Fake, Plain, fake, fake_with_library};
use std::sync::{Arc, Mutex};

/// Numbers kernels, keeps their texts as code, and shows which live.
#[derive(Clone, Default)]
struct Counting {
    made: u32,
    live: Arc<Mutex<Vec<u32>>>,
}
impl Compiler for Counting {
    type Kernel = u32;
    fn compile(&mut self, _: &str, text: &str) -> Result<(u32, Option<Vec<u8>>)> {
        self.made += 1;
        self.live.lock().unwrap().push(self.made);
        Ok((self.made, Some(text.into())))
    }
    fn load(&self, _: &str, code: &[u8]) -> Option<u32> {
        (!code.is_empty()).then_some(1000)
    }
    fn forget(&mut self, kernels: &mut dyn Iterator<Item = u32>) -> Result<()> {
        let mut live = self.live.lock().unwrap();
        kernels.for_each(|k| live.retain(|&l| l != k));
        Ok(())
    }
}

/// Beyond the handles that a fake gives out.
const FIRST: usize = 1000;
fn memory(n: usize) -> Vec<Memory> {
    (1..=n).map(|i| Memory { handle: FIRST + i, offset: 0, bytes: 1 << 20 }).collect()
}
fn matrix(memory: &Memory, dtype: DType) -> View<'_> {
    View { memory, dtype, shape: &[4, 4], strides: &[4, 1], offset: 0 }
}

fn scan(dtype: DType, length: usize) -> Spec {
    let (memory, shape) = (memory(2), [length]);
    let view = |i: usize| View { memory: &memory[i], dtype, shape: &shape, strides: &[1], offset: 0 };
    let (work, inputs, outputs) = (Work::Scan(Fold::Add), [Input::View(view(0))], [view(1)]);
    let call = KernelCall { op: "scan", work: &work, program: None, inputs: &inputs, outputs: &outputs };
    plan(&call, &Tuning::cpu(1, 16)).unwrap().steps[0].spec.clone()
}

#[test]
fn what_is_new_is_compiled_once_and_what_is_forgotten_given_back() {
    let compiler = Counting::default();
    let mut kernels = Kernels::new(compiler.clone(), DiskCache::none()).at_most(2);
    let mut get = |dtype, length| kernels.get(&scan(dtype, length), &Plain).unwrap();
    assert_eq!((get(DType::I32, 9), get(DType::I64, 9), get(DType::I32, 10)), (1, 2, 1));
    assert_eq!((get(DType::F32, 9), get(DType::F32, 11)), (3, 3));
    assert_eq!(*compiler.live.lock().unwrap(), [3], "the third made room");
    assert_eq!(get(DType::I32, 9), 4, "it was forgotten");
    assert_eq!(*compiler.live.lock().unwrap(), [3, 4]);
    assert_eq!(kernels.made(), 4);
}

#[test]
fn kept_code_is_loaded_and_not_compiled_again() {
    let directory = std::env::temp_dir().join(format!("minpy-kernels-test-{}", std::process::id()));
    let get = |identity: &str| {
        let disk = DiskCache::at(directory.clone(), identity.into());
        Kernels::new(Counting::default(), disk).get(&scan(DType::I32, 9), &Plain).unwrap()
    };
    assert_eq!((get("device"), get("device"), get("another")), (1, 1000, 1));
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_check_that_failed_leaves_nothing_behind() {
    #[derive(Default)]
    struct State {
        words: [u8; 8 * ERROR_WORDS],
        finds: bool,
        fails: bool,
    }
    let state = Arc::new(Mutex::new(State::default()));
    let told = state.clone();
    // Every kernel sets the error words as it is told, and reading them may fail.
    let device = fake(move |event| {
        let mut s = told.lock().unwrap();
        match event {
            Event::Upload(bytes) => s.words.copy_from_slice(bytes),
            Event::Download(_) if s.fails => return Err(Error::new(ErrorKind::Device, "the bus is down")),
            Event::Download(to) => to.copy_from_slice(&s.words),
            Event::Launch(_) => s.words[0] |= s.finds as u8,
            _ => {}
        }
        Ok(())
    })
    .device("fake", 0);
    let memory = memory(3);
    let view = |i: usize, dtype| View { memory: &memory[i], dtype, shape: &[4], strides: &[1], offset: 0 };
    let call = KernelCall {
        op: "gather",
        work: &Work::Gather { indexed: 1 },
        program: None,
        inputs: &[Input::View(view(0, DType::F32)), Input::View(view(1, DType::I64))],
        outputs: &[view(2, DType::F32)],
    };
    let kind = |finds, fails| {
        let mut s = state.lock().unwrap();
        (s.finds, s.fails) = (finds, fails);
        drop(s);
        device.run(&call).err().map(|e| e.kind())
    };
    assert_eq!(kind(false, false), None);
    assert_eq!(kind(true, false), Some(ErrorKind::Index));
    assert_eq!(kind(true, true), Some(ErrorKind::Device));
    assert_eq!(kind(false, false), None);
}

/// A product and two additions, the second of the array with this number among the inputs: what is launched, with which memory.
fn launches(
    library: fn(&Fake, &KernelCall) -> Result<bool>,
    second: usize,
) -> Vec<(&'static str, Vec<usize>)> {
    let log: Arc<Mutex<Vec<(&str, Vec<usize>)>>> = Arc::default();
    let told = log.clone();
    let note = move |event: Event| {
        if let Event::Launch(step) = event {
            let handles = step.args.iter().filter_map(|a| match a {
                // Scratch is 0, the others have their numbers.
                Arg::Memory(h) => Some(h.saturating_sub(FIRST)),
                _ => None,
            });
            told.lock().unwrap().push((step.spec.name(), handles.collect()));
        }
        Ok(())
    };
    let device = fake_with_library(note, library).device("fake", 0);
    let b = Builder::new();
    let (p, x, y) = (b.input(DType::F32), b.input(DType::F32), b.input(DType::F32));
    let program = Arc::new(b.finish("p + x + y", &[(p + x + y).id()], 0));
    let memory = memory(5);
    let views: Vec<View> = memory.iter().map(|m| matrix(m, DType::F32)).collect();
    let inputs = [0, 1, 2, second].map(|i| Input::View(views[i]));
    let (work, program, outputs) = (&Work::Epilogue, Some(&program), &views[4..]);
    device.run(&KernelCall { op: "add", work, program, inputs: &inputs, outputs }).unwrap();
    let log = log.lock().unwrap();
    log.clone()
}

/// Takes plain products: notes nothing, as a library would.
fn products(device: &Fake, call: &KernelCall) -> Result<bool> {
    match call.work {
        Work::Matmul => Ok(true),
        Work::Epilogue => device.product_first(call, |product| {
            assert!(
                matches!(product.work, Work::Matmul)
                    && product.program.is_none()
                    && product.inputs.len() == 2
            );
            products(device, product)
        }),
        _ => Ok(false),
    }
}

#[test]
fn an_epilogue_is_one_kernel_or_one_after_a_librarys_product() {
    assert_eq!(launches(|_, _| Ok(false), 3), [("matmul", vec![1, 2, 5, 3, 4])]);
    // In the memory of the result, which the second kernel goes on from.
    assert_eq!(launches(products, 3), [("elementwise", vec![3, 4, 5])]);
    // The old contents of the result are read too: the product has memory of its own.
    assert_eq!(launches(products, 4), [("elementwise", vec![0, 3, 5])]);
    // What the library does not take is generated, in one kernel.
    let refuses = |device: &Fake, call: &KernelCall| match call.work {
        Work::Epilogue => device.product_first(call, |_| Ok(false)),
        _ => Ok(false),
    };
    assert_eq!(launches(refuses, 3).len(), 1);
}
