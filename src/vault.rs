//! The only owner of the credentials' values.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{CredentialId, Login};

/// The values that this run has read, by credential.
#[derive(Debug, Default)]
pub struct Vault(BTreeMap<CredentialId, Login>);

impl Vault {
    /// Takes a value in.
    pub fn insert(&mut self, id: CredentialId, login: Login) {
        self.0.insert(id, login);
    }

    /// A credential's value, if it was read.
    #[must_use]
    pub fn get(&self, id: &CredentialId) -> Option<&Login> {
        self.0.get(id)
    }

    /// The values of these credentials: what one row gets.
    #[must_use]
    pub fn only<'a>(&'a self, ids: &BTreeSet<&'a CredentialId>) -> BTreeMap<&'a CredentialId, &'a Login> {
        ids.iter().filter_map(|id| Some((*id, self.get(id)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;

    #[test]
    fn a_row_is_handed_its_own_values_only() {
        let id = |name: &str| CredentialId(name.to_owned());
        let mut vault = Vault::default();
        for name in ["a", "b"] {
            vault.insert(id(name), Login { username: name.to_owned(), token: Secret::new("t".to_owned()) });
        }
        let (a, unread) = (id("a"), id("c"));
        let only = vault.only(&[&a, &unread].into());
        assert_eq!(
            only.into_iter().map(|(id, login)| (id, login.username.as_str())).collect::<Vec<_>>(),
            [(&a, "a")]
        );
    }
}
