//! regcred

pub mod model;
pub mod sources;
