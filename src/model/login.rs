//! What logs in to a registry.

use super::Secret;

/// A user name and a token: what every source gives, and every place is written with.
#[derive(Clone, Debug)]
pub struct Login {
    /// The user name.
    pub username: String,
    /// The token, or whatever the registry takes as a password.
    pub token: Secret,
}
