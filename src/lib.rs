//! regcred

pub mod http;
pub mod image;
pub mod model;
pub mod registry;
