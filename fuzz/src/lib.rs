//! The parts of regcred that read what strangers write, compiled alone: without the systems' SDKs.

#[path = "../../src/image/mod.rs"]
pub mod image;

#[path = "../../src/yaml/mod.rs"]
pub mod yaml;

#[path = "../../src/model"]
pub mod model {
    mod nearest;
    pub mod problem;
    pub mod reference;
    pub mod registry;

    pub use nearest::nearest;
    pub use problem::{Place, Problem};
    pub use reference::{Reference, ReferenceError};
    pub use registry::{Registry, RegistryError};
}
