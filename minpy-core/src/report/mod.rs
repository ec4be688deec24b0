//! What users are told about what ran: counters, profiles, and the names of the functions that they called.

pub mod profile;
pub mod stats;
pub mod written;
