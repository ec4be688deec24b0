//! What users are told about what ran: counters, profiles, and the names of the functions that they called.

pub(crate) mod profile;
pub(crate) mod stats;
mod track;
pub(crate) mod written;
