//! Grouping ahead of time: which work deferral would run in one kernel, collected and not run.
//!
//! An engine that plans the memory of a whole program (minpy-symbol) hands its launches to [`grouped`] one after another
//! and gets kernels back, made by the same rules that imperative programs follow. Inside, everything goes the way of
//! every launch; only that memory is a number, kept where a device keeps its handle, and that kernels are noted down.

use crate::context::{self, COUNTING, GROUPING, Policy, RECORDING, TRACING};
use crate::defer::Waiting;
use crate::device::{DeviceRef, Memory, flags};
use crate::expr::Program;
use crate::kernel::{Input, KernelCall, View, Work};
use crate::shared::Shared;
use crate::{Buffer, DType, Error, ErrorKind, Layout, Result, Scalar, defer, launch, memory};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, LazyLock};

/// A view of numbered memory.
#[derive(Clone, Debug)]
pub struct Place {
    /// Number of the memory.
    pub memory: usize,
    /// How it is seen.
    pub layout: Layout,
    /// Element type.
    pub dtype: DType,
}

/// What a kernel reads.
#[derive(Clone, Debug)]
pub enum Read {
    /// Elements.
    Place(Place),
    /// One number.
    Scalar(Scalar),
}

/// One kernel: a `KernelCall` whose memory is named by number.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// The operation; of a group that of its last member.
    pub op: &'static str,
    /// What to do.
    pub work: Work,
    /// The scalar program.
    pub program: Option<Arc<Program>>,
    /// What is read.
    pub inputs: SmallVec<[Read; 3]>,
    /// What is written.
    pub outputs: SmallVec<[Place; 1]>,
}

/// What [`grouped`] collects.
#[derive(Default)]
pub struct Collected {
    /// The kernels, in order.
    pub kernels: Vec<Kernel>,
    /// Bytes of each memory, by number.
    pub bytes: Vec<usize>,
}

#[derive(Default)]
struct State {
    collected: Collected,
    /// The pending buffers of this program: other threads must not come across them.
    waiting: Waiting,
}

/// Work that its device has been seen to take, or to refuse and why.
static TRIED: LazyLock<Mutex<FxHashMap<u64, Option<Arc<str>>>>> = LazyLock::new(Mutex::default);
/// How many are kept.
const MOST_TRIED: usize = 1 << 14;

thread_local! { static STATE: RefCell<State> = RefCell::default(); }
/// See `deferral::prepare_thread`.
pub(crate) fn prepare_thread() {
    STATE.with(|_| ());
}

/// A program that is being grouped.
pub struct Grouping(());

impl Grouping {
    /// Memory that exists outside of the program. Numbered in the order of calls, together with what the program makes.
    ///
    /// # Errors
    /// There is no memory for the list of numbers.
    pub fn outside(&self, device: DeviceRef, bytes: usize) -> Result<Shared<Buffer>> {
        Ok(Buffer::numbered(device, number(bytes)?))
    }
    /// Memory of the program, which gets its number when something has to be stored there. Whoever holds the buffer wants its
    /// contents; what nobody holds is stored only if a kernel has to read it.
    pub fn inside(&self, device: DeviceRef, bytes: usize) -> Shared<Buffer> {
        Buffer::lazy(device, bytes)
    }
    /// Ends every group. The number of kernels so far.
    pub fn boundary(&self) -> Result<usize> {
        defer::flush()?;
        Ok(STATE.with_borrow(|s| s.collected.kernels.len()))
    }
}

/// Calls `f`, which launches work (`dispatch::launch`) on buffers that the `Grouping` made, and gives the kernels back.
///
/// # Errors
/// What `f` fails with.
pub fn grouped(f: impl FnOnce(&Grouping) -> Result<()>) -> Result<Collected> {
    struct Restore {
        _flags: Flags,
        state: State,
        products: defer::Products,
    }
    impl Drop for Restore {
        fn drop(&mut self) {
            STATE.set(std::mem::take(&mut self.state));
            defer::set_products(std::mem::take(&mut self.products));
        }
    }
    let restore = Restore {
        _flags: Flags::only(GROUPING),
        state: STATE.take(),
        products: defer::set_products(Default::default()),
    };
    context::with_policy(Policy::PreferDevice, || {
        let g = Grouping(());
        f(&g)?;
        g.boundary()
    })?;
    let collected = STATE.with_borrow_mut(|s| std::mem::take(&mut s.collected));
    drop(restore);
    Ok(collected)
}

/// The flags that say what becomes of launches; back when this is dropped.
struct Flags(u32);
impl Flags {
    const ALL: [u32; 4] = [GROUPING, RECORDING, TRACING, COUNTING];
    /// None but these.
    fn only(on: u32) -> Flags {
        let before = context::flags();
        Flags::ALL.iter().for_each(|&f| context::set_flag(f, on & f != 0));
        Flags(before)
    }
}
impl Drop for Flags {
    fn drop(&mut self) {
        Flags::ALL.iter().for_each(|&f| context::set_flag(f, self.0 & f != 0));
    }
}

/// Runs `f` as if nothing were grouped.
pub(crate) fn suspended<R>(f: impl FnOnce() -> R) -> R {
    let _flags = Flags::only(0);
    f()
}

/// Whether this thread is grouping.
#[inline]
pub(crate) fn on() -> bool {
    context::flags() & GROUPING != 0
}

/// This thread's list of pending buffers while it groups.
pub(crate) fn waiting<R>(f: impl FnOnce(&mut Waiting) -> R) -> R {
    STATE.with_borrow_mut(|s| f(&mut s.waiting))
}

/// The next number, for memory of that size.
pub(crate) fn number(bytes: usize) -> Result<Memory> {
    STATE.with_borrow_mut(|s| {
        memory::push(&mut s.collected.bytes, bytes)?;
        Ok(Memory { handle: s.collected.bytes.len() - 1, offset: 0, bytes })
    })
}

/// Notes a kernel down.
pub(crate) fn collect(call: &KernelCall) -> Result<()> {
    let place = |v: &View| Place {
        memory: v.memory.handle,
        layout: Layout::new(v.shape, v.strides, v.offset),
        dtype: v.dtype,
    };
    let kernel = Kernel {
        op: call.op,
        work: call.work.clone(),
        program: call.program.cloned(),
        inputs: call
            .inputs
            .iter()
            .map(|i| match i {
                Input::View(v) => Read::Place(place(v)),
                Input::Scalar(s) => Read::Scalar(*s),
            })
            .collect(),
        outputs: call.outputs.iter().map(place).collect(),
    };
    STATE.with_borrow_mut(|s| memory::push(&mut s.collected.kernels, kernel))
}

/// Notes a group down, if the device takes it: that shows when it runs, which it does here once, on memory of zeros.
///
/// # Errors
/// `ErrorKind::Unsupported` when the device refuses; the group then runs in parts.
pub(crate) fn collect_group(call: &KernelCall, device: DeviceRef) -> Result<()> {
    is_taken(call, device)?;
    collect(call)
}

/// Whether the device takes what it may refuse, found out once on memory of zeros.
///
/// # Errors
/// `ErrorKind::Unsupported` when it does not.
pub(crate) fn is_taken(call: &KernelCall, device: DeviceRef) -> Result<()> {
    let key = shape_of(call, device);
    let known = TRIED.lock().get(&key).cloned();
    let refused = match known {
        Some(refused) => refused,
        None => match suspended(|| try_out(call, device)) {
            // Without memory for the trial nothing is known: the program itself may have it, and will say so if not.
            Err(e) if e.kind() == ErrorKind::Memory => None,
            result => {
                let mut tried = TRIED.lock();
                if tried.len() >= MOST_TRIED {
                    tried.clear();
                }
                let reason = result.err().map(|e| Arc::from(e.message()));
                tried.entry(key).or_insert(reason).clone()
            }
        },
    };
    match refused {
        Some(reason) => Err(Error::new(ErrorKind::Unsupported, &*reason)),
        None => Ok(()),
    }
}

/// What a device's verdict may depend on.
fn shape_of(call: &KernelCall, device: DeviceRef) -> u64 {
    let mut h = DefaultHasher::new();
    (device.to_string(), format!("{:?}", call.work), call.program.map(|p| p.id())).hash(&mut h);
    // A kernel of one operation alone.
    call.work.family().is_none().then_some(call.op).hash(&mut h);
    let views = call.inputs.iter().filter_map(|i| if let Input::View(v) = i { Some(v) } else { None });
    let first = call.outputs.first().map(|o| o.memory.handle);
    for v in views.chain(call.outputs) {
        (v.shape, v.strides, v.offset, v.dtype as u8, Some(v.memory.handle) == first).hash(&mut h);
    }
    h.finish()
}

fn try_out(call: &KernelCall, device: DeviceRef) -> Result<()> {
    struct Scratch(DeviceRef, SmallVec<[(usize, Memory); 8]>);
    impl Drop for Scratch {
        fn drop(&mut self) {
            self.1.drain(..).for_each(|(_, m)| self.0.free(m));
        }
    }
    let mut scratch = Scratch(device, SmallVec::new());
    let views = || {
        let inputs = call.inputs.iter().filter_map(|i| if let Input::View(v) = i { Some(v) } else { None });
        inputs.chain(call.outputs)
    };
    for v in views() {
        let (number, bytes) = (v.memory.handle, v.memory.bytes);
        if !scratch.1.iter().any(|(n, _)| *n == number) {
            let memory = device.allocate(bytes)?;
            scratch.1.push((number, memory));
            static ZEROS: [u8; 1 << 16] = [0; 1 << 16];
            for at in (0..bytes).step_by(ZEROS.len()) {
                device.upload(&ZEROS[..ZEROS.len().min(bytes - at)], &memory, at)?;
            }
        }
    }
    let there = |v: &View<'_>| -> Memory {
        scratch.1.iter().find(|(n, _)| *n == v.memory.handle).map_or(*v.memory, |(_, m)| *m)
    };
    let memories: SmallVec<[Memory; 8]> = views().map(there).collect();
    let mut next = memories.iter();
    let (mut inputs, mut outputs): (SmallVec<[Input; 8]>, SmallVec<[View; 2]>) = Default::default();
    for i in call.inputs {
        inputs.push(match i {
            Input::View(v) => Input::View(View { memory: next.next().unwrap_or(v.memory), ..*v }),
            Input::Scalar(s) => Input::Scalar(*s),
        });
    }
    for v in call.outputs {
        outputs.push(View { memory: next.next().unwrap_or(v.memory), ..*v });
    }
    // Zeros meet what nobody wants to know.
    let met = |_: &KernelCall| flags::take_blame(|_, _| ());
    launch::run_on_device(&KernelCall { inputs: &inputs, outputs: &outputs, ..*call }, device, met)?;
    device.synchronize()
}
