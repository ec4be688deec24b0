//! The extension module (being written).
