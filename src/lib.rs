//! regcred

pub mod model;
pub mod registry;
