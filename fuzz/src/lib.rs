//! What the fuzzers look for.

pub mod targets;
