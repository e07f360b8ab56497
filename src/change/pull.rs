//! How an image is pulled.

use crate::model::{Address, Problem};

/// How a system pulls an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pull {
    /// The image as it was written.
    pub image: String,
    /// The row that is used: its address, registry and user name; none for an anonymous pull.
    pub row: Option<Used>,
    /// Whether that is what the image's name means; if not, why, and what to write.
    pub result: Result<(), Problem>,
}

/// A row that is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// The row, by its name in the configuration or by its id.
    pub address: Address,
    /// What the system calls it.
    pub name: String,
    /// The registry that is logged in to, as it is stored.
    pub registry: String,
    /// The user name.
    pub username: String,
}
