//! The values that the pipeline carries: pure data, no input or output.

pub mod secret;

pub use secret::Secret;
