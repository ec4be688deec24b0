//! Tracing: a function runs once without computing, and what it would have launched is collected, as plain data.

use super::fuse::grouped;
use super::launch::{Arg, handed_back};
use crate::context::{TRACING, set_flag, tracing};
use crate::device::{DeviceRef, Memory};
use crate::expr::Program;
use crate::kernel::{Input, KernelCall, View, Work};
use crate::shared::Shared;
use crate::{Array, Result, Scalar, memory};
use smallvec::SmallVec;
use std::cell::RefCell;
use std::sync::Arc;

/// Input of a recorded launch.
#[derive(Clone)]
pub enum LaunchInput {
    /// Elements in memory.
    Array(Array),
    /// One number.
    Scalar(Scalar),
}

/// A kernel call that owns its arrays: what tracing records and an executor replays.
#[derive(Clone)]
pub struct Launch {
    /// The operation.
    pub op: &'static str,
    /// What to do.
    pub work: Work,
    /// The scalar program.
    pub program: Option<Arc<Program>>,
    /// What is read; views as the kernel is to see them.
    pub inputs: SmallVec<[LaunchInput; 3]>,
    /// What is written.
    pub outputs: SmallVec<[Array; 1]>,
}

thread_local! {
    /// What the function that is traced has launched so far.
    static TRACE: RefCell<Vec<Launch>> = const { RefCell::new(Vec::new()) };
}
/// See `deferral::prepare_thread`.
pub(crate) fn prepare_thread() {
    TRACE.with(|_| ());
}

/// Runs `f` without executing anything: every kernel launch is collected. Arrays made inside are placeholders.
pub fn trace<R>(f: impl FnOnce() -> R) -> (R, Vec<Launch>) {
    struct Restore(bool, Vec<Launch>);
    impl Drop for Restore {
        fn drop(&mut self) {
            set_flag(TRACING, self.0);
            TRACE.set(std::mem::take(&mut self.1));
        }
    }
    let outer = TRACE.take();
    let restore = Restore(tracing(), outer);
    set_flag(TRACING, true);
    let result = f();
    let launches = TRACE.take();
    drop(restore);
    (result, launches)
}

/// One launch of the program that this thread traces.
#[cold]
pub(super) fn collect(
    op: &'static str,
    device: DeviceRef,
    work: &Work,
    program: Option<&Arc<Program>>,
    inputs: &[Arg],
    outputs: &[&Array],
) -> Result<()> {
    let launch = Launch {
        op,
        work: work.clone(),
        program: program.cloned(),
        inputs: inputs
            .iter()
            .map(|i| match i {
                Arg::Array(a, None) => LaunchInput::Array((*a).clone()),
                Arg::Array(a, Some(l)) => LaunchInput::Array(a.view((*l).clone())),
                Arg::Scalar(s) => LaunchInput::Scalar(*s),
            })
            .collect(),
        outputs: outputs.iter().map(|a| (*a).clone()).collect(),
    };
    if handed_back(work) {
        launch.is_taken(device)?;
    }
    TRACE.with(|t| memory::push(&mut t.borrow_mut(), launch))
}

impl Launch {
    /// An error where the kernel refuses it: at the replay it would be too late to do it by other operations.
    fn is_taken(&self, device: DeviceRef) -> Result<()> {
        let arrays = || {
            let inputs =
                self.inputs.iter().filter_map(|i| if let LaunchInput::Array(a) = i { Some(a) } else { None });
            inputs.chain(&self.outputs)
        };
        // Placeholders have no memory: numbers stand for it.
        let same = |a: &Array, b: &Array| Shared::ptr_eq(a.buffer(), b.buffer());
        let memories: SmallVec<[Memory; 4]> = arrays()
            .map(|a| {
                let handle = arrays().position(|b| same(a, b)).unwrap_or(0);
                Memory { handle, offset: 0, bytes: a.buffer().bytes() }
            })
            .collect();
        let views: SmallVec<[View; 4]> = arrays().zip(&memories).map(|(a, memory)| seen(a, memory)).collect();
        let mut next = views.iter().copied();
        let inputs: SmallVec<[Input; 4]> = (self.inputs.iter())
            .filter_map(|i| match i {
                LaunchInput::Array(_) => next.next().map(Input::View),
                LaunchInput::Scalar(s) => Some(Input::Scalar(*s)),
            })
            .collect();
        let outputs: SmallVec<[View; 2]> = next.collect();
        let (op, work, program) = (self.op, &self.work, self.program.as_ref());
        grouped::is_taken(&KernelCall { op, work, program, inputs: &inputs, outputs: &outputs }, device)
    }
}

fn seen<'a>(a: &'a Array, memory: &'a Memory) -> View<'a> {
    let l = a.layout();
    View { memory, dtype: a.dtype(), shape: l.shape(), strides: l.strides(), offset: l.offset() }
}
