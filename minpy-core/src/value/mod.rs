//! Values without memory: dtypes, numbers, shapes and layouts, attributes of a call, errors. Knows nothing of devices.

pub mod attributes;
pub mod dtype;
pub mod error;
pub mod layout;
pub mod relayout;
pub mod scalar;
