//! Values without memory: dtypes, numbers, shapes and layouts, attributes of a call, errors. Knows nothing of devices.

pub(crate) mod attributes;
pub(crate) mod cut;
pub(crate) mod dtype;
pub(crate) mod error;
pub(crate) mod layout;
pub(crate) mod relayout;
pub(crate) mod scalar;
