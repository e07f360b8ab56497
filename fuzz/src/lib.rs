//! The parts of regcred that read what strangers write, compiled alone: without the systems' SDKs.

#[path = "../../src/image/mod.rs"]
pub mod image;

#[path = "../../src/redact/mod.rs"]
pub mod redact;

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

pub mod targets;

use image::Context;
use image::scan::scan_text;
use model::{Reference, Registry};
