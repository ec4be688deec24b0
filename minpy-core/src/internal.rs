//! What the other crates of this workspace need beside the root and [`backend`](crate::backend): the hooks of a tape, of a tracer and of
//! the Python package. It promises nothing to others.

pub use crate::array::buffer::{Buffer, Lent};
pub use crate::array::shared::{Shared, Weak};
pub use crate::deferral::prepare_thread;

/// All that is in force on a thread, with its flags.
pub mod context {
    pub use crate::device::context::{
        COUNTING, Policy, RECORDING, current_device, flags, policy, recording, set_device, set_flag,
        set_policy, tracing, unrecorded, with_device, with_policy,
    };
}
/// What waits.
pub mod defer {
    pub use crate::array::waits::{set_threshold, threshold};
    pub use crate::deferral::defer::{compute_beside, pending_count};
}
/// Views, item by item.
pub mod cut {
    pub use crate::value::cut::{Cut, Few};
}
/// Work without an operation: unrecorded copies, planned kernels.
pub mod dispatch {
    pub use crate::deferral::launch::run_planned;
    pub use crate::dispatch::{copy_raw, fill_raw};
}
/// What deferred work does about floating-point exceptions.
pub mod flags {
    pub use crate::device::flags::{Later, install};
}
/// Groups of a program that is planned and not run.
pub mod fuse {
    pub use crate::deferral::fuse::{Collected, Grouping, Kernel, Place, Read, grouped};
}
/// Profiles, with work that is no kernel.
pub mod profile {
    pub use crate::report::profile::{
        Entry, Line, Outside, Places, Profile, any_between, between, install_places, is_on, outside, sampled,
        start, stop,
    };
}
/// What a tape is told.
pub mod recorder {
    pub use crate::op::OpCall;
    pub use crate::op::recorder::{Recorder, get, install};
}
/// Views of values in another order.
pub mod relayout {
    pub use crate::value::relayout::translate;
}
/// Counters, and who counts.
pub mod stats {
    pub use crate::report::stats::{
        Fallback, Place, count_again, count_fallback, count_op, fallback_count, fallbacks, install_call_site,
        install_tell, moved_bytes, ops, reset, set_warns, warns,
    };
}
/// Tracing.
pub mod trace {
    pub use crate::deferral::trace::{Launch, LaunchInput, trace};
}
/// The name that the user wrote.
pub mod written {
    pub use crate::report::written::{Entered, enter, enter_as, install, kept};
}
