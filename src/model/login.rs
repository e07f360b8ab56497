//! What logs in to a registry.

use super::{Registry, Secret};

/// A user name and a token: what every source gives, and every place is written with.
#[derive(Clone, Debug)]
pub struct Login {
    /// The user name.
    pub username: String,
    /// The token, or whatever the registry takes as a password.
    pub token: Secret,
}

impl Login {
    /// The same login in the one spelling that is compared: Docker IDs are in lower case, and Docker Hub compares what is typed
    /// without case.
    #[must_use]
    pub fn at(self, registry: &Registry) -> Self {
        match registry.is_docker_hub() {
            true => Self { username: self.username.to_lowercase(), ..self },
            false => self,
        }
    }
}
