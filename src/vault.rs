//! The only owner of the credentials' values.

use std::collections::BTreeMap;

use crate::model::{CredentialId, Problem, Secret};
use crate::redact;

/// A credential's value.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The user name.
    pub username: String,
    /// The token, or whatever the registry takes as a password.
    pub token: Secret,
}

/// The values that this run has read, by credential.
#[derive(Debug, Default)]
pub struct Vault(BTreeMap<CredentialId, Resolved>);

impl Vault {
    /// Takes a value in.
    pub fn insert(&mut self, id: CredentialId, resolved: Resolved) {
        redact::teach_login(&resolved.username, resolved.token.expose());
        self.0.insert(id, resolved);
    }

    /// A credential's value.
    ///
    /// # Errors
    /// If it was not read.
    pub fn get(&self, id: &CredentialId) -> Result<&Resolved, Problem> {
        self.0.get(id).ok_or_else(|| Problem::outside(format!("the value of {id} was not read")))
    }
}
