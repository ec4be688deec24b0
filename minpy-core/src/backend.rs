//! For those who bring what is not here yet: a device, kernels for it, an operation, a function.
//!
//! A backend implements [`Device`], and for the forms of [`Work`] that it does a function over a [`KernelCall`], registered by
//! [`kernel!`](crate::kernel!) beside it. What the work computes of an element is a [`Program`]. Devices that compile C have all of
//! this by one line ([`c_backend!`](crate::c_backend!), [`codegen`]). An operation is an [`OpDef`](crate::OpDef), made by
//! [`operation!`](crate::operation!) of an [`Elementwise`] formula or a [`Structured`] definition, and a function of NumPy's name an
//! entry of [`functions!`](crate::functions!). The guide is `docs/adding-a-backend.md`.

pub use crate::deferral::launch::{Arg, launch};
pub use crate::device::expr::{Builder, E, Fold, Node, NodeId, PlainLoop, Prim, Program};
pub use crate::device::find::{leave_out, left_out};
pub use crate::device::flags::cast_raises;
pub use crate::device::kernel::{Family, Input, KernelCall, KernelFn, ScatterMode, View, Work, index_error};
pub use crate::device::registry::{Driver, Item, KernelEntry, Named, Registry, Slot};
pub use crate::device::{Capabilities, Device, HOST_KIND, Memory, MemoryStats};
pub use crate::op::{
    AnyStructured, Elementwise, Meta, Metas, ProgramSpec, Structured, Tier, TypeRule, Values, promoted_dtype,
};
pub use crate::value::attributes::Attributes;
pub use crate::value::dtype::DTypeSet;

/// Kernels as C, and the device of every backend that compiles them.
pub mod codegen {
    pub use crate::codegen::{
        Arg, Blocks, BoundArg, CDevice, CDriver, Check, Compiler, Dialect, DiskCache, ERROR_WORDS, FAMILIES,
        Found, Kernels, Place, Plan, Rendered, Source, Sources, Spec, Step, Tuning, devices, does_not_build,
        entries, fault, plan, sources,
    };
}
/// Floating-point exceptions that kernels of the host have met.
pub mod flags {
    pub use crate::device::flags::{
        ALL, DIVIDE, INVALID, ORIGINS, OVERFLOW, PRODUCT, ROOT, Report, UNDERFLOW, any_waits, begin, blame,
        is_raised, narrowed, raise, raised, report, set, take, take_blame,
    };
}
/// Classes of dtypes.
pub mod dtype {
    pub use crate::value::dtype::Kind;
}
/// What a function of NumPy's name is: parameters and their kinds, values, results.
pub mod function {
    pub use crate::function::{
        Default, Function, Given, Gives, Kind, Made, NumberOrWord, Pairs, Parameter, Passing, Sections,
        Value, Widths, bare, kinds, sample, settle,
    };
}
/// Shapes and strides.
pub mod layout {
    pub use crate::array::for_each_offset;
    pub use crate::value::layout::{
        Dims, MAX_NDIM, Order, Strides, broadcast_shapes, contiguous_strides, count, normalize_axis, show,
    };
}
/// Memory that runs out: lists that say so, and room for what cannot.
pub mod memory {
    pub use crate::device::memory::{
        begin_thread, collected, exhausted, fallible, filled, grow, install_thread, list, push, push_small,
        room, zeros,
    };
}
/// The tables of what is registered.
pub mod registry {
    pub use crate::device::registry::{global, register};
}
