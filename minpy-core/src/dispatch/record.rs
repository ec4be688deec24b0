//! What a tape is told: before a call runs, and after.

use crate::context::{self, RECORDING};
use crate::op::{OpCall, OpDef};
use crate::{Array, Arrays, Attrs, Operand, Result, Target, recorder};
use smallvec::SmallVec;
use std::sync::atomic::Ordering::Relaxed;

/// Talks to the recorder around one call.
pub(super) struct Record {
    token: u64,
    active: bool,
}
impl Record {
    #[inline]
    pub(super) fn start(call: &OpCall) -> Result<Record> {
        let mut active = context::flags() & RECORDING != 0;
        let mut token = 0;
        if active && let Some(r) = recorder::get() {
            token = r.prepare(call)?;
        }
        for target in call.targets {
            let Target::Into(out) = target else { continue };
            // A write concerns the tape of a buffer also where calls are not recorded (`no_grad`).
            let known = out.buffer().node().load(Relaxed) | out.buffer().saves().load(Relaxed) != 0;
            active |= known;
            if active && let Some(r) = recorder::get() {
                r.before_write(out)?;
            }
            out.buffer().bump_version();
        }
        Ok(Record { token, active })
    }
    /// The call is done by others, which record themselves.
    #[cold]
    pub(super) fn void(self) {
        if self.token != 0
            && let Some(r) = recorder::get()
        {
            r.void();
        }
    }
    #[inline]
    pub(super) fn finish(self, call: &OpCall, results: &[&Array]) -> Result<()> {
        if !self.active {
            return Ok(());
        }
        let Some(r) = recorder::get() else { return Ok(()) };
        if self.token != 0 {
            return r.commit(self.token, call, results);
        }
        for target in call.targets {
            if let Target::Into(out) = target {
                r.overwritten(call, out)?;
            }
        }
        Ok(())
    }
}

#[inline]
pub(super) fn finish_all(record: Record, call: &OpCall, results: &Arrays) -> Result<()> {
    match &results[..] {
        [only] => record.finish(call, &[only]),
        several => record.finish(call, &several.iter().collect::<SmallVec<[&Array; 2]>>()),
    }
}

/// The recorder's part of a call without attributes into a new array.
pub(super) fn recorded(
    op: &'static OpDef,
    inputs: &[Operand],
    out: &Array,
    run: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let call = OpCall { op, attrs: Attrs::NONE, inputs, mask: None, targets: &[Target::New] };
    let record = Record::start(&call)?;
    run()?;
    record.finish(&call, &[out])
}
