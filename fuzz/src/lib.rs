//! The parts of regcred that read what strangers write, compiled alone: without the systems' SDKs.

#[path = "../../src/image/mod.rs"]
pub mod image;

#[path = "../../src/registry"]
pub mod registry {
    pub mod name;
    pub mod reference;

    pub use name::{Registry, RegistryError};
    pub use reference::{Reference, ReferenceError};
}

pub mod targets;

use image::Context;
use image::scan::scan_text;
use registry::{Reference, Registry};
