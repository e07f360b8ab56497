//! Pure data: names, values and fingerprints. No IO, no SDK types.

pub mod problem;
pub mod secret;

pub use problem::{Place, Problem};
pub use secret::Secret;
