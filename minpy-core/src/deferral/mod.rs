//! When work runs, and with what: every launch comes in at `launch.rs`; what waits is in `defer.rs`, what is computed together is
//! decided in `fuse/`, and a traced program is collected in `trace.rs`.

pub(crate) mod defer;
pub(crate) mod fuse;
pub(crate) mod launch;
pub(crate) mod trace;

use crate::{context, stats};

/// Makes what core keeps for each thread. The first use of such a variable asks the C library for memory, which aborts the
/// process where there is none: programs that must not die of that call this, and its namesakes in the other crates, early
/// ([`install_thread`](crate::memory::install_thread)).
pub fn prepare_thread() {
    context::flags();
    crate::device::flags::prepare_thread();
    stats::prepare_thread();
    trace::prepare_thread();
    defer::prepare_thread();
    fuse::grouped::prepare_thread();
}
