//! The only owner of the credentials' values.

use std::collections::BTreeMap;

use crate::model::{CredentialId, Login, Problem};

/// The values that this run has read, by credential.
#[derive(Debug, Default)]
pub struct Vault(BTreeMap<CredentialId, Login>);

impl Vault {
    /// Takes a value in.
    pub fn insert(&mut self, id: CredentialId, login: Login) {
        self.0.insert(id, login);
    }

    /// A credential's value.
    ///
    /// # Errors
    /// If it was not read.
    pub fn get(&self, id: &CredentialId) -> Result<&Login, Problem> {
        self.0.get(id).ok_or_else(|| Problem::outside(format!("the value of {id} was not read")))
    }
}
