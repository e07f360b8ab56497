//! Registries: what an image name means ([`reference`]) and which registry a credential is for ([`name`]).

pub mod name;
pub mod reference;

pub use name::{Registry, RegistryError};
pub use reference::{Reference, ReferenceError};
